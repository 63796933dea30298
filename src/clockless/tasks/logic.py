"""Exclusive or for every medium that has it: in volts on a network, in phases on an architecture.

The builders belong to the media and are imported by name, once they are asked for.
"""

from __future__ import annotations

import importlib
from typing import Any

from clockless.networks.network import Network
from clockless.tasks.task import Task


def xor(network: Any, **volts: Any) -> Task:
    """Exclusive or on a `Network` (see `media.circuits.tasks.xor`) or an architecture (`media.phases.tasks.xor`)."""
    medium = "circuits" if isinstance(network, Network) else "phases"
    task: Task = importlib.import_module(f"clockless.media.{medium}.tasks").xor(network, **volts)
    return task
