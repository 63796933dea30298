"""clockless: machines that learn without a global clock.

A medium settles; a rule compares two settled states; a clock says which units act now; a device says what the hardware
can make of it; a task says what is wanted.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

from clockless import moved as _moved
from clockless.version import __version__

_moved.install()

if TYPE_CHECKING:
    from clockless import errors as errors
    from clockless import networks as networks
    from clockless.networks import architectures as architectures
    from clockless.experiments import own_parts as own_parts
    from clockless.networks import windows as windows
    from clockless import parts as parts
    from clockless.parts import clocks as clocks
    from clockless.parts import triggers as triggers
    from clockless.parts import rules as rules
    from clockless.parts import devices as devices
    from clockless.parts import optimisers as optimisers
    from clockless.parts import samplers as samplers
    from clockless import tasks as tasks
    from clockless import pictures as pictures
    from clockless import pictures as drawing
    from clockless.pictures import lattices as lattice_drawing
    from clockless.networks import windows as local_layers
    from clockless.media.circuits import laws as laws
    from clockless import spice as spice
    from clockless.workers import bundles as bundles
    from clockless.media.phases import tasks as phase_tasks
    from clockless.networks.network import Network as Network
    from clockless.media.resistors.medium import Resistors as Resistors
    from clockless.media.circuits.medium import Circuit as Circuit
    from clockless.media.circuits.adjoint import adjoint_gradient as adjoint_gradient
    from clockless.media.circuits.in_time.medium import RelaxingCircuit as RelaxingCircuit
    from clockless.media.circuits.in_time.medium import TimedCircuit as TimedCircuit
    from clockless.media.resistors.in_time.medium import TimedResistors as TimedResistors
    from clockless.media.resistors.relaxing.medium import RelaxingResistors as RelaxingResistors
    from clockless.parts.rules import CoupledLearning as CoupledLearning
    from clockless.parts.rules import SignRule as SignRule
    from clockless.parts.rules import EquilibriumPropagation as EquilibriumPropagation
    from clockless.parts.clocks import Global as Global
    from clockless.parts.clocks import Bernoulli as Bernoulli
    from clockless.parts.clocks import Dropout as Dropout
    from clockless.parts.clocks import FixedFraction as FixedFraction
    from clockless.parts.clocks import Oscillators as Oscillators
    from clockless.parts.clocks import Poisson as Poisson
    from clockless.parts.triggers import PoissonEvents as PoissonEvents
    from clockless.parts.triggers import FreeOscillators as FreeOscillators
    from clockless.parts.triggers import SelfTriggered as SelfTriggered
    from clockless.parts.triggers import Ticks as Ticks
    from clockless.parts.triggers import SignChanges as SignChanges
    from clockless.parts.triggers import Avalanches as Avalanches
    from clockless.parts.presentations import Shown as Shown
    from clockless.parts.devices import Continuous as Continuous
    from clockless.parts.devices import Levels as Levels
    from clockless.parts.devices import SignedLevels as SignedLevels
    from clockless.parts.devices import AnalogMemory as AnalogMemory
    from clockless.parts.devices import Worn as Worn
    from clockless.parts.comparators import ReadNoise as ReadNoise
    from clockless.parts.comparators import Priced as Priced
    from clockless.parts.comparators import Ideal as Ideal
    from clockless.parts.comparators import Magnitudes as Magnitudes
    from clockless.parts.comparators import TwoComparators as TwoComparators
    from clockless.parts.optimisers import Descent as Descent
    from clockless.parts.optimisers import Momentum as Momentum
    from clockless.parts.optimisers import Adam as Adam
    from clockless.parts.samplers import Epochs as Epochs
    from clockless.media.phases.medium import XY as XY
    from clockless.media.phases.relaxing.medium import RelaxingXY as RelaxingXY
    from clockless.media.layered.medium import DeepResistive as DeepResistive
    from clockless.media.modules.medium import MLP as MLP
    from clockless.media.modules.medium import Modules as Modules
    from clockless.media.modules.methods import Backprop as Backprop
    from clockless.media.modules.methods import NoBackprop as NoBackprop
    from clockless.media.modules.methods import LocalLoss as LocalLoss
    from clockless.media.modules.methods import DelayedGradients as DelayedGradients
    from clockless.media.modules.methods import DNI as DNI
    from clockless.learning.own import Medium as Medium
    from clockless.media.check import check as check
    from clockless.media.bench import Bench as Bench
    from clockless.tasks.task import Task as Task
    from clockless.workers.train import train as train
    from clockless.workers.runs import Run as Run
    from clockless.workers.runs import load as load
    from clockless.experiments.experiment import Experiment as Experiment
    from clockless.experiments.files import read as read
    from clockless.stores.store import Store as Store
    from clockless.workers.run import Workers as Workers
    from clockless.workers.run import run as run

_MODULES = {
    "errors": "errors",
    "own_parts": "experiments.own_parts",
    "networks": "networks",
    "architectures": "networks.architectures",
    "windows": "networks.windows",
    "parts": "parts",
    "clocks": "parts.clocks",
    "triggers": "parts.triggers",
    "rules": "parts.rules",
    "devices": "parts.devices",
    "optimisers": "parts.optimisers",
    "samplers": "parts.samplers",
    "tasks": "tasks",
    "pictures": "pictures",
    "drawing": "pictures",
    "lattice_drawing": "pictures.lattices",
    "local_layers": "networks.windows",
    "laws": "media.circuits.laws",
    "spice": "spice",
    "bundles": "workers.bundles",
    "phase_tasks": "media.phases.tasks",
}
_NAMES = {
    "Network": "networks.network",
    "Resistors": "media.resistors.medium",
    "Circuit": "media.circuits.medium",
    "adjoint_gradient": "media.circuits.adjoint",
    "TimedCircuit": "media.circuits.in_time.medium",
    "RelaxingCircuit": "media.circuits.in_time.medium",
    "TimedResistors": "media.resistors.in_time.medium",
    "RelaxingResistors": "media.resistors.relaxing.medium",
    "CoupledLearning": "parts.rules",
    "SignRule": "parts.rules",
    "EquilibriumPropagation": "parts.rules",
    "Global": "parts.clocks",
    "Bernoulli": "parts.clocks",
    "Dropout": "parts.clocks",
    "FixedFraction": "parts.clocks",
    "Oscillators": "parts.clocks",
    "Poisson": "parts.clocks",
    "PoissonEvents": "parts.triggers",
    "FreeOscillators": "parts.triggers",
    "SelfTriggered": "parts.triggers",
    "Ticks": "parts.triggers",
    "SignChanges": "parts.triggers",
    "Avalanches": "parts.triggers",
    "Shown": "parts.presentations",
    "Continuous": "parts.devices",
    "Levels": "parts.devices",
    "SignedLevels": "parts.devices",
    "AnalogMemory": "parts.devices",
    "Worn": "parts.devices",
    "ReadNoise": "parts.comparators",
    "Priced": "parts.comparators",
    "Ideal": "parts.comparators",
    "Magnitudes": "parts.comparators",
    "TwoComparators": "parts.comparators",
    "Descent": "parts.optimisers",
    "Momentum": "parts.optimisers",
    "Adam": "parts.optimisers",
    "Epochs": "parts.samplers",
    "XY": "media.phases.medium",
    "RelaxingXY": "media.phases.relaxing.medium",
    "DeepResistive": "media.layered.medium",
    "MLP": "media.modules.medium",
    "Modules": "media.modules.medium",
    "Backprop": "media.modules.methods",
    "NoBackprop": "media.modules.methods",
    "LocalLoss": "media.modules.methods",
    "DelayedGradients": "media.modules.methods",
    "DNI": "media.modules.methods",
    "Medium": "learning.own",
    "check": "media.check",
    "Bench": "media.bench",
    "Task": "tasks.task",
    "train": "workers.train",
    "Run": "workers.runs",
    "load": "workers.runs",
    "Experiment": "experiments.experiment",
    "read": "experiments.files",
    "Store": "stores.store",
    "Workers": "workers.run",
    "run": "workers.run",
}

_OF_OLD = ("drawing", "lattice_drawing", "local_layers", "phase_tasks")  # other names of what is listed

__all__ = ["__version__", *(name for name in _MODULES if name not in _OF_OLD), *_NAMES]


def __getattr__(name: str) -> Any:
    """Import on first use, so that the command line can answer `--help` at once."""
    if name in _MODULES:
        return importlib.import_module(f"clockless.{_MODULES[name]}")
    if name in _NAMES:
        return getattr(importlib.import_module(f"clockless.{_NAMES[name]}"), name)
    # With the object, Python suggests the nearest name.
    raise AttributeError(f"module 'clockless' has no attribute {name!r}", name=name, obj=sys.modules[__name__])


def __dir__() -> list[str]:
    return sorted(__all__)
