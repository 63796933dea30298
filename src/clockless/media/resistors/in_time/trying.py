"""A trigger on a small board for some events, in the compiled loop and in NumPy side by side."""

from __future__ import annotations

from typing import Any

import numpy as np

from clockless.learning.contracts import Replica
from clockless.media.resistors.in_time.checks import checked
from clockless.media.resistors.in_time.learner import Session
from clockless.media.resistors.in_time.medium import TimedResistors
from clockless.media.resistors.in_time.reference import Simulation
from clockless.networks.builders import board16
from clockless.parts.devices import IDEAL
from clockless.parts.presentations import Shown
from clockless.parts.rules import CoupledLearning
from clockless.tasks.task import Task

_EVENTS = 60
_LONGEST = 1e6  # seconds


def loop_against_arrays(trigger: Any) -> float:
    """Largest relative difference of times and values over some events; infinity where other edges fire.

    Raises:
        NumbaError: it cannot be compiled.
    """
    medium = TimedResistors(board16())
    x, y = [[0.25, 0.75], [1.0, 0.5]], [[0.2], [0.4]]
    task = Task([0, 8], [4], [2], x, y, x, y)
    replica = Replica(medium, task, CoupledLearning(0.5, 0.5), trigger, IDEAL, batch=Shown(1.0), seed=7)
    session = Session(medium, checked(medium, replica), _EVENTS)
    session.advance(_LONGEST, most=_EVENTS)
    here, last = session.logged(), min(session.next_event(), _LONGEST)
    there = Simulation(medium, session.replica).run(last)
    if not np.array_equal(here.edge, there.edge):
        return np.inf
    pairs = ((here.time, there.time), (here.value, there.value))
    return max(float(np.max(np.abs(a - b) / np.maximum(np.abs(b), 1e-300), initial=0.0)) for a, b in pairs)
