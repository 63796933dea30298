"""One replica whose phases relax, from event to event; `RelaxingLearner` is an ensemble of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from clockless.learning.contracts import Arrays, Replica
from clockless.learning.events.asking import Beside
from clockless.learning.events.learner import EventLearner
from clockless.learning.events.session import EventSession
from clockless.learning.unit_lanes import Limits
from clockless.media.phases.contrast import cost_of, wrapped
from clockless.media.phases.costs import directions, reported
from clockless.media.phases.relaxing import loop, propagation
from clockless.media.phases.schedules import TwoColour
from clockless.media.phases.xy import Nudging, Stop, phases_of
from clockless.numerics.randomness import PHASES
from clockless.parts.part import part
from clockless.parts.pushes import Clamp, Nudge, push_of

_SETTLED = 1e-10  # torque left in the states that phases begin from and lag behind


@part
class Rotor:
    """What learns: rows of one table, W, then h, then psi."""


class RelaxingSession(EventSession):
    """One replica; at time 0 both twins have settled at the first example.

    Attributes:
        moving: the phases, and what pulls at them.
    """

    _loop = loop

    def __init__(self, xy: Any, replica: Replica, log: int = 0) -> None:
        value = np.array(xy.first(replica), dtype=np.float64)[:, None]
        ends = Limits(np.full(len(value), -np.inf), np.full(len(value), np.inf))
        sites, units = xy.network.nodes, xy.units
        super().__init__(replica, value, ends, Rotor(), sites, log)
        # Tables of the parts have a row for every parameter; what has times is a unit.
        self.state = self.state._replace(due=np.full(units, np.inf), last=np.full(units, np.nan))
        if self.state.counts.example[0] < 0:  # the only one
            self.state.counts.example[0] = 0
        self.xy, self.push = xy, push_of(replica.rule)
        architecture = xy.architecture_of(replica.task)
        self.wires = wires_of(xy, architecture)
        self._factors = xy.factors()
        parameters = xy.split(value[:, 0])
        self.moving = propagation.Moving(
            first_phases(xy, replica, parameters, int(self.state.counts.example[0])), xy.weights(parameters).copy(),
            parameters.h * np.cos(parameters.psi), parameters.h * np.sin(parameters.psi), np.full(1, np.inf),
            np.zeros(1, dtype=np.int64),
        )  # fmt: skip
        self._physics = propagation.Physics(*(
            np.array([float(number)])
            for number in (1 / xy.friction, xy.temperature, xy.tolerance, xy.time_step or 0)
        ))  # fmt: skip
        self._parts = self._parts._replace(push=propagation.push_numbers(self.push))
        self._room = propagation.room_of(sites, len(architecture.outputs))
        self._examples = loop.Examples(
            *(np.ascontiguousarray(getattr(replica.task, name), dtype=np.float64) for name in ("x_train", "y_train"))
        )

    def _laid_out(self, others: Any) -> tuple[Any, tuple[Any, ...]]:
        """What the loop does, and what else it works on."""
        about = (self._factors, self.wires, self._examples, self._physics, self.moving, self._room)
        layout = loop.layout(self._stamp, self._parts, self._lanes, about, self.state, self._scratch, others)
        return layout, (self.state,)

    def _beside(self) -> Beside:
        return Beside(self.wires.first, self.wires.neighbours)

    def _kept(self) -> tuple[Any, ...]:
        return self.state, self.moving

    def bound(self) -> float:
        """Gershgorin's bound of all rates now, per second; `propagation.fastest` in NumPy."""
        wires, moving = self.wires, self.moving
        total = np.hypot(moving.along, moving.across)
        for ends in (wires.edge_from, wires.edge_to):
            np.add.at(total, ends, 2.0 * np.abs(moving.weight))
        total[wires.outputs] += self.push.nudge if isinstance(self.push, Nudge) else 0.0
        return float(np.max(total[~wires.held], initial=0.0) * self._physics.mobility[0])

    # --- what is seen of it at a time --------------------------------------------------------------------------

    def seen(self, time: float) -> dict[str, float]:
        """What is recorded at a time before the next event."""
        xy, task, example = self.xy, self.replica.task, int(self.state.counts.example[0])
        values = self.state.value[:, 0]
        found = xy.look(values, task, self.replica.luck._replace(step=int(time)))
        free = self.phases(time)[:, 0]
        settled = free.copy()
        if np.isfinite(free).all() and np.isfinite(values).all():
            settled = settled_from(xy, values, free, xy.architecture_of(task).inputs)
        outputs, wanted = list(self.wires.outputs), task.y_train[example]
        away = wrapped(free - settled)[~self.wires.held]
        return {
            "error": found["error"], "accuracy": found["accuracy"],
            "train_cost": float(reported(free[outputs] - wanted)),
            "settled_cost": float(reported(settled[outputs] - wanted)),
            "lag": float(np.sqrt(np.mean(away**2))) if away.size else 0.0, "fired": self._fired().sum(),
        }  # fmt: skip

    def phases(self, time: float) -> np.ndarray:
        """Phases [site, 2] of both twins at a time before the next event, in radians; their drift where there is noise."""
        moving = self.moving._replace(phase=self.moving.phase.copy(), stride=self.moving.stride.copy())
        task, example = self.replica.task, int(self.state.counts.example[0])
        self._room.target[:] = task.y_train[example]
        cold, now = self._physics._replace(heat=np.zeros(1)), np.array([self.state.times.now[0]])
        if np.isfinite(moving.phase).all():
            work = loop.relaxing(self._parts.push, self._lanes, (self.wires, cold, moving, self._room), now).ready()
            loop.relax_until(work.address, work.values.address, float(time))
        return moving.phase

    def _fired(self) -> np.ndarray:
        return self.state.counts.fired[: self.xy.units]

    def counted(self) -> dict[str, Any]:
        """What is counted up to now."""
        return {**super().counted(), "actions": self._fired()}

    def broken(self) -> bool:
        """Whether any phase is no number."""
        return not np.isfinite(self.moving.phase).all()


# --- wiring and states --------------------------------------------------------------------------------------------------


def wires_of(xy: Any, architecture: Any) -> propagation.Wires:
    """The wiring of phases with an architecture's sites."""
    edges, couplings, sites = xy.network.edges, xy.couplings, xy.network.nodes
    held = np.zeros(sites, dtype=np.bool_)
    held[list(architecture.inputs)] = True
    touched = [np.unique(edges[xy.shared == coupling]) for coupling in range(couplings)]
    units: list[set[int]] = [set() for _ in range(sites)]  # that are at each site
    for coupling, ends in enumerate(touched):
        for site in ends:
            units[site].add(coupling)
    for site in range(sites):
        units[site].add(couplings + site)
    ends_of: list[Any] = [*touched, *([site] for site in range(sites))]
    beside = [sorted(set().union(*(units[site] for site in ends)) - {unit}) for unit, ends in enumerate(ends_of)]
    counts = np.bincount(xy.shared, minlength=couplings)
    inputs, outputs = (np.array(each, dtype=np.int64) for each in (architecture.inputs, architecture.outputs))
    # Copies: an array that cannot be written to is of another type, for which everything would be compiled again.
    return propagation.Wires(
        np.array(edges[:, 0], dtype=np.int64), np.array(edges[:, 1], dtype=np.int64),
        np.array(xy.shared, dtype=np.int64), inputs, outputs, held, np.cumsum([0, *counts], dtype=np.int64),
        np.argsort(xy.shared, kind="stable").astype(np.int64), np.cumsum([0, *map(len, beside)], dtype=np.int64),
        np.array([unit for each in beside for unit in each], dtype=np.int64),
    )  # fmt: skip


def first_phases(xy: Any, replica: Replica, parameters: Any, example: int) -> np.ndarray:
    """Phases [site, 2] of twins that have settled at an example, from the start that `XY` draws for it at step 0."""
    task, push, luck = replica.task, push_of(replica.rule), replica.luck._replace(step=0)
    architecture, stop = xy.architecture_of(task), xy._stop(luck, _SETTLED)
    inputs, outputs = architecture.inputs, list(architecture.outputs)
    z = xy._starting(luck, PHASES, inputs, example, 1)
    z[list(inputs)] = directions(task.x_train[[example]].T)
    xy.relax(parameters, z, inputs, stop)
    pushed, wanted = z.copy(), task.y_train[[example]].T
    if isinstance(push, Nudge):
        xy.relax(parameters, pushed, inputs, stop, Nudging(cost_of(push), push.nudge, tuple(outputs), wanted))
    elif isinstance(push, Clamp):
        free = phases_of(z[outputs])
        pushed[outputs] = directions(free + push.nudge * wrapped(wanted - free))
        xy.relax(parameters, pushed, (*inputs, *outputs), stop)
    free, beside = phases_of(z)[:, 0], phases_of(pushed)[:, 0]
    return np.ascontiguousarray(np.stack([free, free + wrapped(beside - free)], axis=-1))


def settled_from(xy: Any, values: np.ndarray, phases: np.ndarray, inputs: tuple[int, ...]) -> np.ndarray:
    """Free phases [site] that phases [site] settle at from where they are."""
    z = directions(phases[:, None])
    # Exact minima one by one: over-relaxation is faster, and leaves a basin more often.
    xy.relax(xy.split(values), z, inputs, Stop(TwoColour(1.0), _SETTLED, xy.settling.sweeps_limit, 0, 0))
    found: np.ndarray = phases_of(z)[:, 0]
    return found


class RelaxingLearner(EventLearner):
    """Replicas of one kind."""

    session = RelaxingSession

    def results(self, recorded: Arrays) -> Arrays:
        """Labelled results of what was measured from second 0 on, `recorded` [replica, record, ..]."""
        parameters = self._stacked("learned")
        finite = np.isfinite(recorded["error"]).all(axis=1) & np.isfinite(parameters).all(axis=1)
        each = [session.counted() for session in self.sessions]
        return {
            **recorded, "failed": ~finite | self._stacked("broken"), "parameters": parameters,
            **{name: np.array([one[name] for one in each], dtype=np.float64) for name in each[0]},
        }  # fmt: skip
