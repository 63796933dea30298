"""Resistor networks in continuous time as a medium: edges act at times of their own, and there is no step.

cl.train(cl.TimedResistors(network), task, rule=cl.CoupledLearning(0.1, 0.3), clock=cl.PoissonEvents(0.1), steps=1_000)
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from numbers import Real
from typing import Any

import numpy as np

from clockless.errors import ParameterError, shown, whole
from clockless.learning.contracts import Learner, Replica, Variable
from clockless.learning.events.checks import check_fires
from clockless.learning.events.triggering import BINS, bin_edges
from clockless.media.resistors.in_time.checks import checked
from clockless.media.resistors.in_time.history import History
from clockless.media.resistors.in_time.learner import EventLearner, Session
from clockless.media.resistors.medium import Resistors
from clockless.parts.devices import IDEAL
from clockless.parts.part import kind
from clockless.parts.presentations import Shown
from clockless.parts.triggers import watches
from clockless.tasks.task import Task

_MICROSECONDS = 1.5  # of an event per 100 edges, for the size of a job


class TimedResistors(Resistors):
    """Resistors whose edges act at times of their own, in continuous time; free and clamped twins stand side by side.

    The clock is a trigger (`PoissonEvents`, `FreeOscillators`, `SelfTriggered`, ..), examples are held for a while
    (`batch=Shown(seconds)`) or all at once ("full"), and the network settles at once between any two events. `steps` are
    seconds: times at which the run may be looked at, not times at which anything happens.

    Args: as `Resistors`.
    """

    sources = (__name__,)

    def variables(self, traces: bool) -> dict[str, Variable]:
        """As of `Resistors`, and what events were and cost."""
        found = dict(super().variables(traces))
        return {
            **found,
            "energy": Variable(("step",), "f8", "energy dissipated by the free twin since the start", "J"),
            "energy_pushed": Variable(("step",), "f8", "energy dissipated by the pushed twin since the start", "J"),
            "fired": Variable(("step",), "f8", "events of all edges since the start", "1"),
            "intervals": Variable(("interval",), "f8", "intervals between events of an edge", "1"),
            "gaps": Variable(("interval",), "f8", "intervals between events of any two edges", "1"),
            "together": Variable((), "f8", "events at the very time of the one before", "1"),
            "switches": Variable((), "f8", "examples shown", "1"),
        }

    def sizes(self, task: Task) -> dict[str, int]:
        """Edges, and bins of intervals."""
        return {**super().sizes(task), "interval": BINS}

    def coordinates(self) -> dict[str, Any]:
        """Edges and their ends; the lower end of every bin of intervals, in seconds."""
        return {**super().coordinates(), "interval": bin_edges()[:-1]}

    def check(self, replica: Replica) -> None:
        """Raise for what resistors in time cannot use; see `Medium`."""
        self._check_physics()
        ready = checked(self, replica)
        if watches(type(ready.clock)):
            check_fires(Session(self, ready))

    def kind(self, replica: Replica) -> Hashable:
        """The medium itself, and what decides about compiled code and array shapes."""
        task = replica.task
        sizes = (len(task.inputs), len(task.outputs), len(task.ground), len(task.x_train), len(task.x_test))
        parts = tuple(p and kind(p) for p in (replica.rule, replica.clock, replica.device, replica.optimiser))
        return id(self), sizes, self.learned(replica.rule), parts, isinstance(replica.batch, Shown)

    def width(self, steps: int, replicas: int) -> int:
        """So many that a job takes about a second at one event per edge and second, yet there are 16 jobs or more."""
        seconds = 1e-8 * _MICROSECONDS * self.units**2 * steps
        return int(np.clip(min(1.0 / max(seconds, 1e-12), replicas / 16), 1, 256))

    def learner(self, replicas: Sequence[Replica], traces: bool = False, of: int = 0, lanes: int = 0) -> Learner:
        """Replicas one after the other, each through its own events."""
        self._check_physics()
        return EventLearner(self, [checked(self, replica) for replica in replicas], traces)

    def history(
        self, task: Task, seconds: float, *, rule: Any, clock: Any, batch: Any = "full", device: Any = IDEAL,
        initial: Any = None, seed: int = 0, room: int = 1_000_000,
    ) -> History:  # fmt: skip
        """One replica, event by event, with at most `room` events; the events are those of `train` with the same nouns.

        Raises:
            ClocklessError: a noun that does not fit, a time that is not positive, more events than there is room for.
        """
        if isinstance(seconds, bool) or not (isinstance(seconds, Real) and 0 < float(seconds) < np.inf):
            raise ParameterError(f"seconds = {shown(seconds)}; give a positive, finite time.")
        replica = Replica(self, task, rule, clock, device, batch=batch, initial=initial, seed=seed)
        self.check(replica)
        return History.of(self._session(checked(self, replica), whole("room", room, 1)), float(seconds))

    def _session(self, replica: Replica, room: int) -> Session:
        """One replica whose events are kept."""
        return Session(self, replica, room)
