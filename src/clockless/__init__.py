"""clockless: machines that learn without a global clock.

A medium settles; a rule compares two settled states; a clock says which units act now; a device says what the hardware
can make of it; a task says what is wanted.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from clockless import architectures as architectures
    from clockless import clocks as clocks
    from clockless import devices as devices
    from clockless import drawing as drawing
    from clockless import errors as errors
    from clockless import lattice_drawing as lattice_drawing
    from clockless import local_layers as local_layers
    from clockless import networks as networks
    from clockless import parts as parts
    from clockless import phase_tasks as phase_tasks
    from clockless import rules as rules
    from clockless import tasks as tasks
    from clockless.clocks import Bernoulli as Bernoulli
    from clockless.clocks import FixedFraction as FixedFraction
    from clockless.clocks import Global as Global
    from clockless.clocks import Oscillators as Oscillators
    from clockless.clocks import Poisson as Poisson
    from clockless.description_files import read as read
    from clockless.devices import Continuous as Continuous
    from clockless.devices import Ideal as Ideal
    from clockless.devices import Levels as Levels
    from clockless.devices import Magnitudes as Magnitudes
    from clockless.devices import TwoComparators as TwoComparators
    from clockless.experiment import Experiment as Experiment
    from clockless.media.resistors import Resistors as Resistors
    from clockless.networks import Network as Network
    from clockless.results import Run as Run
    from clockless.running import Workers as Workers
    from clockless.running import run as run
    from clockless.store import Store as Store
    from clockless.rules import CoupledLearning as CoupledLearning
    from clockless.rules import EquilibriumPropagation as EquilibriumPropagation
    from clockless.rules import SignRule as SignRule
    from clockless.devices import SignedLevels as SignedLevels
    from clockless.media.xy import XY as XY
    from clockless.tasks import Task as Task
    from clockless.training import train as train

_MODULES = (
    "errors", "networks", "architectures", "local_layers", "parts", "clocks", "rules", "devices", "tasks", "phase_tasks",
    "drawing", "lattice_drawing",
)  # fmt: skip
_NAMES = {
    "Network": "networks",
    "Resistors": "media.resistors",
    "CoupledLearning": "rules",
    "SignRule": "rules",
    "Global": "clocks",
    "Bernoulli": "clocks",
    "FixedFraction": "clocks",
    "Oscillators": "clocks",
    "Poisson": "clocks",
    "Continuous": "devices",
    "Levels": "devices",
    "Ideal": "devices",
    "Magnitudes": "devices",
    "TwoComparators": "devices",
    "Task": "tasks",
    "train": "training",
    "Run": "results",
    "Experiment": "experiment",
    "read": "description_files",
    "Store": "store",
    "Workers": "running",
    "run": "running",
    "EquilibriumPropagation": "rules",
    "SignedLevels": "devices",
    "XY": "media.xy",
}

__all__ = ["__version__", *_MODULES, *_NAMES]


def __getattr__(name: str) -> Any:
    """Import on first use, so that the command line can answer `--help` at once."""
    if name in _MODULES:
        return importlib.import_module(f"clockless.{name}")
    if name in _NAMES:
        return getattr(importlib.import_module(f"clockless.{_NAMES[name]}"), name)
    raise AttributeError(f"module 'clockless' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
