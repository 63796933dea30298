"""clockless: machines that learn without a global clock.

A medium settles; a rule compares two settled states; a clock says which units act now; a device says what the hardware
can make of it; a task says what is wanted.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from clockless.networks import architectures as architectures
    from clockless.parts import clocks as clocks
    from clockless.parts import devices as devices
    from clockless.pictures import curves as drawing
    from clockless import errors as errors
    from clockless.pictures import lattices as lattice_drawing
    from clockless.networks import windows as local_layers
    from clockless.networks import network as networks
    from clockless.parts import part as parts
    from clockless.media.phases import tasks as phase_tasks
    from clockless.parts import rules as rules
    from clockless.tasks import task as tasks
    from clockless.parts.clocks import Bernoulli as Bernoulli
    from clockless.parts.clocks import FixedFraction as FixedFraction
    from clockless.parts.clocks import Global as Global
    from clockless.parts.clocks import Oscillators as Oscillators
    from clockless.parts.clocks import Poisson as Poisson
    from clockless.experiments.files import read as read
    from clockless.parts.devices import Continuous as Continuous
    from clockless.parts.devices import Ideal as Ideal
    from clockless.parts.devices import Levels as Levels
    from clockless.parts.devices import Magnitudes as Magnitudes
    from clockless.parts.devices import TwoComparators as TwoComparators
    from clockless.experiments.experiment import Experiment as Experiment
    from clockless.media.resistors.ohm import Resistors as Resistors
    from clockless.networks.network import Network as Network
    from clockless.stores.results import Run as Run
    from clockless.workers.run import Workers as Workers
    from clockless.workers.run import run as run
    from clockless.stores.store import Store as Store
    from clockless.parts.rules import CoupledLearning as CoupledLearning
    from clockless.parts.rules import EquilibriumPropagation as EquilibriumPropagation
    from clockless.parts.rules import SignRule as SignRule
    from clockless.parts.devices import SignedLevels as SignedLevels
    from clockless.media.phases.xy import XY as XY
    from clockless.tasks.task import Task as Task
    from clockless.workers.train import train as train

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
