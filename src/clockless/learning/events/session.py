"""One replica in continuous time, from event to event: what any medium's session has, whatever settles between events."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba.core.errors import NumbaError

from clockless.errors import ClocklessError, ParameterError
from clockless.learning import unit_lanes
from clockless.learning.contracts import Arrays, Replica
from clockless.learning.events import asking, triggering
from clockless.learning.events.asking import Asked, Beside
from clockless.learning.part_checks import not_compiled_together
from clockless.parts.kernels import stamp
from clockless.parts.part import stack
from clockless.parts.presentations import Shown
from clockless.parts.pushes import push_of
from clockless.parts.scalars import Units, first_memory
from clockless.parts.works import Ready, Work, ready

_MOST = 10_000  # events of an edge in a second: beyond, a run could not be stopped in good time


class Logged(NamedTuple):
    """Events of one replica in their order; see `triggering.Log`."""

    time: np.ndarray
    edge: np.ndarray
    value: np.ndarray


class EventSession:
    """One replica from event to event; a medium's own says what it is made of, how it is advanced and what is seen of it.

    Args:
        replica: as its medium has checked it.
        value: learning parameters at time 0 [edge, 1].
        limits: their range.
        medium: the part that turns what an edge senses into its signal, see `unit_lanes.signal_of`.
        nodes: of the network.
        log: room for so many events.

    Attributes:
        state: all that the next event needs of edges and their times.
        log: events, where they are kept.
    """

    residual_limit = 1e-6  # relative to the largest current: beyond it a replica has failed
    _loop: Any = None  # the module of the compiled loop

    def __init__(
        self, replica: Replica, value: np.ndarray, limits: unit_lanes.Limits, medium: Any, nodes: int, log: int
    ) -> None:  # fmt: skip
        edges = len(value)
        self.replica = replica
        self.state = _first_state(replica, value, limits)
        self._scratch = triggering.Scratch(
            np.zeros(nodes), np.zeros(edges), np.zeros(edges), np.zeros((2, 1), dtype=np.uint32),
            np.zeros((2, 1), dtype=np.uint32),
        )  # fmt: skip
        self.log = triggering.Log(np.zeros(log), np.zeros(log, dtype=np.int64), np.zeros(log), np.zeros(1, dtype=np.int64))
        shown = isinstance(replica.batch, Shown)
        self._lanes = triggering.Lanes(
            np.array([replica.seed], dtype=np.uint64), np.array([replica.luck.replica], dtype=np.uint64)
        )
        self._parts = triggering.Parts(
            stack([medium]), stack([replica.rule]), stack([push_of(replica.rule)]),
            stack([replica.clock]), stack([replica.device]), stack([replica.optimiser]), limits,
            stack([replica.batch]) if shown else None,
        )  # fmt: skip
        self._stamp = stamp(self._loop.__name__, replica.rule, replica.device, replica.optimiser)
        self._most = _MOST * edges
        self._ready: Ready | None = None
        self._done = np.zeros(1, dtype=np.int64)

    # --- what a medium's own session says ------------------------------------------------------------------------

    def _laid_out(self, others: tuple[Asked, triggering.Shared]) -> tuple[Any, tuple[Any, ...]]:
        """What the loop does, these among it, and what else it works on but for the log."""
        raise NotImplementedError

    def _beside(self) -> Beside:
        """Which edges share a node."""
        raise NotImplementedError

    def _kept(self) -> tuple[Any, ...]:
        """Named tuples of arrays: everything that the next event needs."""
        raise NotImplementedError

    def seen(self, time: float) -> dict[str, float]:
        """What is recorded at a time before the next event."""
        raise NotImplementedError

    def squares(self) -> float:
        """Mean square of what is wanted of the test set, which errors are scaled by where the first one is 0."""
        return float(np.mean(self.replica.task.y_test**2))

    def broken(self) -> bool:
        """Whether it has failed in a way that neither errors nor residuals show."""
        return False

    def learned(self) -> np.ndarray:
        """What every edge has learned [edge], as results show it."""
        return self.state.value[:, 0].copy()

    def shown(self, values: np.ndarray) -> np.ndarray:
        """Values of the log as results show them."""
        return values

    def potentials(self, history: Any, at: np.ndarray) -> np.ndarray:
        """Free potentials [time, node] at times of its history: those that the network settles at."""
        settled: np.ndarray = history.settled(at)
        return settled

    def _not_compiled(self, error: NumbaError) -> ClocklessError:
        """What is said of parts that do not compile."""
        return not_compiled_together(error)

    # --- the same for all ----------------------------------------------------------------------------------------

    def advance(self, last: float, most: int | None = None) -> int:
        """Do the events before a time, in seconds; returns how many.

        Raises:
            ParameterError: more than could be stopped in good time, where `most` is not said; parts that do not compile.
        """
        seconds = max(1.0, last - float(self.state.times.now[0]))
        limit = int(min(self._most * seconds, 2**62)) if most is None else most
        try:
            if self._ready is None:
                self._ready = self._compiled()
            triggering.run(self._ready.address, self._ready.values.address, float(last), limit, self._done)
            done = int(self._done[0])
        except NumbaError as error:
            raise self._not_compiled(error) from None
        if most is None and done >= limit:
            raise ParameterError(
                f"{self.replica.clock} fires more than {_MOST:,} times per edge and second at "
                f"{float(self.state.times.now[0]):g} s, most likely because its threshold or its times are far too small; "
                "raise them, or count time in shorter units."
            )
        return done

    def _compiled(self) -> Ready:
        """The loop and all that it does."""
        clock, trigger = self.replica.clock, self._parts.trigger
        of_trigger = stamp(asking.__name__, clock), trigger, self._parts.limits, self._lanes, self._beside()
        examples = len(self.replica.task.x_train)
        layout, values = self._laid_out((
            asking.asked_of(*of_trigger, self.state, self._scratch),
            triggering.shared(self._parts.presentation, self._lanes, self.state, examples, self._scratch),
        ))  # fmt: skip
        return ready(self._loop.advance, layout, (*values, self.log), (0.0, 0, self._done)).ready()

    def forget_packed(self) -> None:
        """Hand the arrays to compiled code anew at the next event: some have been exchanged."""
        self._ready = None

    def next_event(self) -> float:
        """When the next edge fires or the next example comes, seconds."""
        return float(min(self.state.due.min(), self.state.times.switch[0]))

    def counted(self) -> dict[str, Any]:
        """What is counted up to now: updates of every edge, intervals, and so on."""
        counts = self.state.counts
        return {
            "actions": counts.fired, "intervals": self.state.intervals, "gaps": self.state.gaps,
            "together": counts.together[0], "switches": counts.switches[0],
        }  # fmt: skip

    def signals(self) -> np.ndarray:
        """Signals of all edges [edge] as a trigger that watches sees them."""
        return self._scratch.signal

    def logged(self) -> Logged:
        """The events that are in the log."""
        count = int(self.log.used[0])
        return Logged(*(array[:count].copy() for array in self.log[:3]))

    def arrays(self) -> Arrays:
        """Everything that the next event needs, by name."""
        return {f"{name}_{k}" if k else name: array for name, k, array in _leaves(self._kept())}


def run_for(work: Work, seconds: float) -> None:
    """Do a work `(packed, seconds)` once: time passes without any event, of copies of what a session has."""
    what = work.ready()
    triggering.pass_time(what.address, what.values.address, float(seconds))


def _first_state(replica: Replica, value: np.ndarray, limits: unit_lanes.Limits) -> triggering.State:
    edges = len(value)
    seen = {"value": value[:, 0], "low": limits.low, "high": limits.high}
    units = Units(int(replica.seed), replica.luck.replica, 0, edges, seen)
    firsts = (
        first_memory(replica.rule, "rule", units), first_memory(replica.clock, "trigger", units.knowing(now=0.0)),
        first_memory(replica.device, "device", units), np.zeros((replica.optimiser.lane_slots, edges)),
    )  # fmt: skip
    numbers = {name: np.zeros(1, dtype=np.int64) for name in triggering.Counts._fields if name not in ("fired", "heard")}
    numbers["changes"][:] = -1
    numbers["example"][:] = -1
    of_edges = {name: np.zeros(edges, dtype=np.int64) for name in ("fired", "heard")}
    times = {name: np.zeros(1) for name in triggering.Times._fields}
    times["event"][:], times["switch"][:] = np.nan, np.inf
    if isinstance(replica.batch, Shown):
        count = len(replica.task.x_train)
        numbers["example"][:], times["switch"][:] = replica.batch.drawn(count, units.seed, units.replica, 0)
        numbers["switches"][:] = 1
    return triggering.State(
        value=value, memory=triggering.Memory(*(np.ascontiguousarray(first[..., None]) for first in firsts)),
        due=np.full(edges, np.inf), last=np.full(edges, np.nan), times=triggering.Times(**times),
        counts=triggering.Counts(**of_edges, **numbers), intervals=np.zeros(triggering.BINS, dtype=np.int64),
        gaps=np.zeros(triggering.BINS, dtype=np.int64),
    )  # fmt: skip


def _leaves(nested: Any) -> Any:
    """(name, how often it came before, array) of all arrays in nested named tuples."""
    seen: dict[str, int] = {}

    def walk(item: Any) -> Any:
        for name, value in zip(getattr(item, "_fields", map(str, range(len(item)))), item, strict=True):
            if isinstance(value, tuple):
                yield from walk(value)
            else:
                seen[name] = seen.get(name, -1) + 1
                yield name, seen[name], value

    return walk(nested)
