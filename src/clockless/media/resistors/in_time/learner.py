"""Replicas in continuous time as one learner: each runs through its own events, from one whole second to another.

A learner's `step` is a second: a time at which it may be looked at, put away and taken up, not one at which anything
happens. Replicas are advanced one after the other by compiled code: their events are not simultaneous, so there is nothing
to do side by side, and one replica's tables stay in the nearest cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numba.core.errors import NumbaError

from clockless.errors import ParameterError
from clockless.learning import unit_lanes
from clockless.learning.contracts import Arrays, Replica
from clockless.learning.scaling import scales
from clockless.media.resistors.checking import not_compiled
from clockless.media.resistors.engine import Lanes
from clockless.media.resistors.in_time import loop, triggering
from clockless.media.resistors.in_time.inverse import network_of, wiring_of
from clockless.media.resistors.in_time.states import Examples, examples_of, pushed_of
from clockless.media.resistors.learner import RESIDUAL_LIMIT, first_values
from clockless.media.resistors.ohm import Conductance, OhmicNetwork, Resistance
from clockless.parts.kernels import stamp
from clockless.parts.packed import Packed
from clockless.parts.part import stack
from clockless.parts.presentations import Shown
from clockless.parts.pushes import push_of
from clockless.parts.scalars import Units, first_memory

_KEPT = 20  # logs of a watched replica, until somebody looks
_MOST = 10_000  # events of an edge in a second: beyond, a run could not be stopped in good time


class Logged(NamedTuple):
    """Events of one replica in their order; see `triggering.Log`."""

    time: np.ndarray
    edge: np.ndarray
    value: np.ndarray


class Session:
    """One replica from event to event.

    Attributes:
        state: all that the next event needs, besides `network`.
        log: events, where they are kept.
    """

    _loop: Any = loop

    def __init__(self, resistors: OhmicNetwork, replica: Replica, log: int = 0) -> None:
        task, edges, nodes = replica.task, len(resistors.network.edges), resistors.network.nodes
        self.replica = replica
        self.conducts = resistors.learned(replica.rule) == "conductance"
        self._ends = resistors.low, resistors.high
        limits = unit_lanes.Limits(
            *(np.broadcast_to(end, edges).astype(np.float64) for end in resistors.ends(resistors.learned(replica.rule)))
        )
        value = np.array(first_values(resistors, replica), dtype=np.float64)[:, None]
        self.wiring = wiring_of(nodes, resistors.network.edges, task)
        conductance = value[:, 0].copy() if self.conducts else 1.0 / value[:, 0]
        self.network = network_of(conductance, nodes, len(task.inputs))
        self._examples: Examples = examples_of(task)
        self._pushed = pushed_of(len(task.inputs), len(task.outputs), edges)
        self.state = _first_state(replica, value, limits)
        self._scratch = triggering.Scratch(
            np.zeros(nodes), np.zeros(edges), np.zeros(edges), np.zeros((2, 1), dtype=np.uint32),
            np.zeros((2, 1), dtype=np.uint32),
        )  # fmt: skip
        self.log = triggering.Log(np.zeros(log), np.zeros(log, dtype=np.int64), np.zeros(log), np.zeros(1, dtype=np.int64))
        shown = isinstance(replica.batch, Shown)
        self._lanes = Lanes(np.array([replica.seed], dtype=np.uint64), np.array([replica.luck.replica], dtype=np.uint64))
        self._parts = (
            stack([Conductance() if self.conducts else Resistance()]), stack([replica.rule]), stack([push_of(replica.rule)]),
            stack([replica.clock]), stack([replica.device]), stack([replica.optimiser]), limits,
            stack([replica.batch]) if shown else Shown.Lanes(*np.zeros((3, 1))),  # type: ignore[attr-defined]
        )  # fmt: skip
        self._stamp = stamp(self._loop.__name__, replica.rule, replica.clock, replica.device, replica.optimiser)
        self._most = _MOST * edges
        self._packed: Packed | None = None

    def advance(self, last: float, most: int | None = None) -> int:
        """Do the events before a time, in seconds; returns how many.

        Raises:
            ParameterError: more than could be stopped in good time, where `most` is not said; parts that do not compile.
        """
        seconds = max(1.0, last - float(self.state.times.now[0]))
        limit = int(min(self._most * seconds, 2**62)) if most is None else most
        try:
            if self._packed is None:
                self._packed = self._compiled()
            done = int(self._loop.advance(self._packed, float(last), limit))
        except NumbaError as error:
            parts = {"rule": self.replica.rule, "trigger": self.replica.clock, "device": self.replica.device}
            raise not_compiled(parts, error) from None
        if most is None and done >= limit:
            raise ParameterError(
                f"{self.replica.clock} fires more than {_MOST:,} times per edge and second at "
                f"{float(self.state.times.now[0]):g} s, most likely because its threshold or its times are far too small; "
                "raise them, or count time in shorter units."
            )
        return done

    def _compiled(self) -> Packed:
        """The arguments of the loop, with the parts of it that are compiled apart."""
        about = (self.wiring, self.network, self._examples, self._pushed)
        layout = loop.layout(self._stamp, self._parts, self._lanes, about, self.state, self._scratch)
        own = (self.state, self._scratch, self.log)
        return Packed(self._stamp, layout, self._parts, self._lanes, *about, *own)

    def forget_packed(self) -> None:
        """Hand the arrays to compiled code anew at the next event: some have been exchanged."""
        self._packed = None

    def next_event(self) -> float:
        """When the next edge fires or the next example comes, seconds."""
        return float(min(self.state.due.min(), self.state.times.switch[0]))

    # --- what is seen of it at a time --------------------------------------------------------------------------

    def seen(self, time: float) -> dict[str, float]:
        """What is recorded at a time before the next event."""
        free, pushed = self.energies(time)
        return {
            "error": self.error(), "residual": self.residual(), "power": self.power(), "energy": free,
            "energy_pushed": pushed, "fired": float(self.state.counts.fired.sum()),
        }  # fmt: skip

    def counted(self) -> dict[str, Any]:
        """What is counted up to now: updates of every edge, intervals, and so on."""
        counts = self.state.counts
        return {
            "actions": counts.fired, "intervals": self.state.intervals, "gaps": self.state.gaps,
            "together": counts.together[0], "switches": counts.switches[0],
        }  # fmt: skip

    def energies(self, time: float) -> tuple[float, float]:
        """Joules that the free and the pushed twin have dissipated up to a time before the next event."""
        times, (free, pushed) = self.state.times, self._pushed.power
        passed = time - times.now[0]
        return float(times.free[0] + free * passed), float(times.pushed[0] + pushed * passed)

    def power(self) -> float:
        """Watts that the free twin dissipates, the mean over the training set."""
        x = self._examples.x
        return float(np.sum(self.network.admittance * self._examples.xx) / len(x))

    def error(self) -> float:
        """Mean squared difference of free and desired outputs over the test set, volts squared."""
        task = self.replica.task
        free = task.x_test @ self.network.transfer[list(task.outputs)].T
        return float(np.mean((free - task.y_test) ** 2))

    def residual(self) -> float:
        """Largest unbalanced current of all checks and of now, relative."""
        now = _unbalanced(self.wiring, self.network)
        return float(np.maximum(now, self.state.times.worst[0]))

    def resistances(self) -> np.ndarray:
        """Ohms [edge]."""
        value = self.state.value[:, 0]
        return np.clip(1.0 / value, *self._ends) if self.conducts else value.copy()

    def signals(self) -> np.ndarray:
        """Signals of all edges [edge] as a trigger that watches sees them."""
        return self._scratch.signal

    def logged(self) -> Logged:
        """The events that are in the log."""
        count = int(self.log.used[0])
        return Logged(*(array[:count].copy() for array in self.log[:3]))

    def potentials(self, history: Any, at: np.ndarray) -> np.ndarray:
        """Free potentials [time, node] at times of its history: those that the network settles at."""
        settled: np.ndarray = history.settled(at)
        return settled

    def arrays(self) -> Arrays:
        """Everything that the next event needs, by name."""
        return {f"{name}_{k}" if k else name: array for name, k, array in _leaves(self._kept())}

    def _kept(self) -> tuple[Any, ...]:
        return self.state, self.network


def _unbalanced(wiring: Any, network: Any) -> float:
    """`inverse.unbalanced` in NumPy, to be looked at."""
    i, j = wiring.edge_from, wiring.edge_to
    states = np.hstack([network.transfer, network.inverse[:, wiring.outputs]])
    currents = network.conductance[:, None] * (states[i] - states[j])
    net = np.zeros_like(states)
    np.add.at(net, i, currents)
    np.subtract.at(net, j, currents)
    net[wiring.outputs, np.arange(len(wiring.outputs)) + len(wiring.inputs)] -= 1.0
    return float(np.max(np.abs(net[~wiring.held]) / np.maximum(np.abs(currents).max(axis=0), 1e-300), initial=0.0))


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


class EventLearner:
    """Replicas of one kind; a `Learner` whose steps are seconds."""

    session: Any = Session

    def __init__(self, resistors: OhmicNetwork, replicas: Sequence[Replica], traces: bool = False) -> None:
        self.step, self._traces = 0, traces
        self._kept: dict[int, list[Logged]] = {}  # events of the replicas that somebody watches
        self.sessions = [self.session(resistors, replica) for replica in replicas]

    @property
    def size(self) -> int:
        """Replicas."""
        return len(self.sessions)

    def advance(self, last: int) -> None:
        """Do all events before second `last`, replica by replica."""
        for k, session in enumerate(self.sessions):
            if k in self._kept:
                self._advance_kept(k, last)
            else:
                session.advance(last)
        self.step = last

    def keep_events(self, replica: int, room: int = 10_000) -> None:
        """From now on keep when which edge of a replica fires, until `kept_events` asks; only before its first event."""
        session = self.sessions[replica]
        if session.log.time.size == 0:
            session.log = triggering.Log(np.zeros(room), np.zeros(room, dtype=np.int64), np.zeros(room), session.log.used)
            session.forget_packed()
        self._kept[replica] = []

    def kept_events(self, replica: int) -> tuple[np.ndarray, np.ndarray]:
        """Times in seconds and edges [event] since the last time that somebody asked; the latest where they were many."""
        kept, self._kept[replica] = self._kept[replica], []
        none = Logged(np.zeros(0), np.zeros(0, dtype=np.int64), np.zeros(0))
        times, edges = (np.concatenate([getattr(each, name) for each in [none, *kept]]) for name in ("time", "edge"))
        return times[edges >= 0], edges[edges >= 0]

    def _advance_kept(self, replica: int, last: int) -> None:
        """Advance by as many events as the log has room for, again and again."""
        session, room = self.sessions[replica], len(self.sessions[replica].log.time)
        while True:
            session.log.used[0] = 0
            session.advance(last, most=room)
            self._kept[replica] = [*self._kept[replica], session.logged()][-_KEPT:]
            if not session.next_event() < last:
                break

    def measure(self) -> Arrays:
        """What is seen at this second, each [replica, ..]."""
        if not all(session.state.counts.began[0] for session in self.sessions):
            self.advance(self.step)
        each = [session.seen(self.step) for session in self.sessions]
        seen = {name: np.array([one[name] for one in each], dtype=np.float64) for name in each[0]}
        return {**seen, "traces": self._stacked("resistances")} if self._traces else seen

    def _stacked(self, question: str) -> np.ndarray:
        return np.array([getattr(session, question)() for session in self.sessions])

    def state(self) -> Arrays:
        """All that the next events need, [replica, ..] each."""
        own = [session.arrays() for session in self.sessions]
        return {"step": np.array(self.step), **{name: np.stack([each[name] for each in own]) for name in own[0]}}

    def restore(self, state: Arrays) -> None:
        """Take up such a state; ValueError if it is of other replicas."""
        mine = self.state()
        if mine.keys() != state.keys():
            raise ValueError(f"a state holds {', '.join(sorted(state))}; this learner's {', '.join(sorted(mine))}")
        for name, array in state.items():
            if mine[name].shape != array.shape or mine[name].dtype != array.dtype:
                raise ValueError(f"{name} {array.shape} does not fit {mine[name].shape}")
        for k, session in enumerate(self.sessions):
            for name, array in session.arrays().items():
                array[...] = state[name][k]
        self.step = int(state["step"])
        self.advance(self.step)  # makes anew what follows from the state, and does no event

    def results(self, recorded: Arrays) -> Arrays:
        """Labelled results of what was measured from second 0 on, `recorded` [replica, record, ..]."""
        error, initial = recorded["error"], recorded["error"][:, 0]
        squares = np.array([np.mean(session.replica.task.y_test**2) for session in self.sessions])
        residual, resistances = recorded["residual"].max(axis=1), self._stacked("resistances")
        failed = ~np.isfinite(error).all(axis=1) | ~(residual < RESIDUAL_LIMIT) | ~np.isfinite(resistances).all(axis=1)

        each = [session.counted() for session in self.sessions]
        results = {
            "error": error / scales(initial, squares)[:, None], "initial_error": initial, "residual": residual,
            "failed": failed, "parameters": resistances,
            **{name: recorded[name] for name in recorded if name not in ("error", "residual", "traces")},
            **{name: np.array([one[name] for one in each], dtype=np.float64) for name in each[0]},
        }  # fmt: skip
        return {**results, "traces": recorded["traces"]} if self._traces else results
