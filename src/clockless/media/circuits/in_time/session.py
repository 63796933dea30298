"""One replica of a circuit in continuous time, from event to event; `CircuitLearner` is an ensemble of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from clockless.learning import unit_lanes
from clockless.learning.contracts import Replica
from clockless.learning.events.asking import Beside
from clockless.learning.events.learner import EventLearner
from clockless.learning.events.session import EventSession, run_for
from clockless.media.circuits import engine, states
from clockless.media.circuits.in_time import following, loop, twins
from clockless.media.circuits.kinds import kind as kind_of_law
from clockless.media.circuits.learner import (
    RESIDUAL_LIMIT,
    UNSETTLED_LIMIT,
    differences,
    first_values,
    misses,
    roles_of,
    shown_at,
)
from clockless.media.circuits.wiring import Jobs
from clockless.numerics.lanes import Tile1, zeros
from clockless.parts.packed import Packed
from clockless.parts.presentations import Shown
from clockless.parts.pushes import Clamp, push_of
from clockless.parts.stages import in_turn

_BALANCED = 16  # test examples whose currents are added up


class CircuitSession(EventSession):
    """One replica; at time 0 both twins have settled at the first example.

    Attributes:
        charged: what is under way, besides the voltages.
    """

    residual_limit = RESIDUAL_LIMIT
    _loop: Any = loop

    def __init__(self, circuit: Any, replica: Replica, log: int = 0) -> None:
        task, plan, units = replica.task, circuit.plan, len(circuit.learning)
        value = zeros(units, 1)
        value[:, 0] = first_values(circuit, replica)
        limits = unit_lanes.Limits(circuit.low.copy(), circuit.high.copy())
        super().__init__(replica, value, limits, engine.Sensed(), circuit.network.nodes, log)
        self._relaxes, self._examined = bool(getattr(circuit, "relaxes", False)), task.x_test
        if self._relaxes and self.state.counts.example[0] < 0:  # the only one
            self.state.counts.example[0] = 0
        self._tile, self._roles = Tile1(), roles_of(plan, [task], False)
        self._tests = roles_of(plan, [task], True)
        self._twins = self._made(circuit, replica)
        node = np.argsort(plan.row)
        self._physics = twins.Physics(
            *(np.array([float(number)]) for number in (
                self._relaxes, getattr(circuit, "delay", 0.0), getattr(circuit, "look", None) or 0.0,
                getattr(circuit, "accuracy", 1.0),
            ))
        )  # fmt: skip
        self._capacity = circuit.capacity[node].copy()
        self.charged = twins.Charged(
            np.zeros((units, 1)), np.zeros(2), np.full(1, twins.ALL), np.full(units, np.inf), np.zeros(units),
            np.full(1, np.inf), np.zeros(1), np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64),
            np.zeros(1, dtype=np.int64),
        )  # fmt: skip
        self._room = following.room_of(len(plan.row), plan.slots, len(circuit.laws))
        self._neighbours = beside(circuit.network.edges[circuit.learning], circuit.network.nodes)
        self._layout: Any = None

    def _made(self, circuit: Any, replica: Replica) -> tuple[Any, ...]:
        """Push, warm and found states of the one lane."""
        task, plan, push = replica.task, circuit.plan, push_of(replica.rule)
        apart = differences(circuit, [replica])
        pushed = states.Push(
            1, int(isinstance(push, Clamp)), int(getattr(push, "centred", False)),
            np.array([float(replica.rule.nudge)]), apart, apart.copy(),
        )  # fmt: skip
        kept = 1 if isinstance(replica.batch, Shown) else len(task.x_train)
        warm, found = states.room(len(plan.row), len(task.outputs), kept, 1, bool(pushed.centred))
        return pushed, warm, found

    # --- compiled code -------------------------------------------------------------------------------------------

    def _laid_out(self, others: Any) -> tuple[Any, tuple[Any, ...]]:
        """What the loop does, and what else it works on."""
        self._lay_out()
        about, of_edges = (self._circuit, self._physics, self.charged, self._room), (self.state, self._scratch)
        calls = loop.calls(self._stamp, self._layout, self._parts, self._lanes, about, of_edges, others)
        return calls, (self.state, self._physics, self.charged, self._scratch)

    def _beside(self) -> Beside:
        return self._neighbours

    def _lay_out(self) -> None:
        """Hand the arrays over, and find or compile what depends on the laws."""
        if self._layout is not None:
            return
        circuit, tile, (push, warm, found) = self.replica.medium, self._tile, self._twins
        plan, theta, example = circuit.plan, self.state.value, np.zeros((1, 1), dtype=np.int64)
        laws = [kind_of_law(law) for _, law in plan.groups]
        learning = [(k, laws[k]) for k, (_, law) in enumerate(plan.groups) if law.learns]
        sensors, flows = np.zeros(len(laws), dtype=np.int64), np.zeros((2, 3, len(circuit.laws)))

        def about(solver: Any) -> tuple[Packed, Packed, tuple[Any, ...]]:
            settled = Packed(solver, self._roles, push, warm, found, example)
            compared = Packed(tile, solver.wires, push, theta, found, self.charged.sensed)
            return settled, compared, (solver.wires, theta, found.free, 0, flows[0])

        def jobs(solver: Any) -> Jobs:
            settled, compared, flowing = about(solver)
            own = [states.contrast.job(law, compared, 0, own=True) for _, law in learning]
            own += [twins.flow.job(law, *flowing, own=True) for law in laws]
            return [states.settle_example.job(settled, 0), states.contrast_all.job(sensors, compared), *own]

        solver = plan.solver(tile, plan.bench(theta), states.no_pull(self._roles.outputs), jobs)
        settled, compared, flowing = about(solver)
        for k, law in learning:
            sensors[k] = states.contrast.address(law, compared, 0)
        self._solver = solver
        self._circuit = twins.Circuit(
            solver.wires, self._roles, push, found, theta, circuit.learning, self._capacity, settled, example, compared,
            zeros(len(theta), 1), np.zeros(len(plan.row)), flows,
        )  # fmt: skip
        self._layout = twins.Layout(
            tile, states.settle_example.address(settled, 0), states.contrast_all.address(sensors, compared), sensors,
            np.array([twins.flow.address(law, *flowing) for law in laws]),
        )  # fmt: skip

    def next_event(self) -> float:
        """When the next edge fires or is written, or the next example comes, seconds."""
        return float(min(super().next_event(), self.charged.writes.min()))

    def _kept(self) -> tuple[Any, ...]:
        _, warm, found = self._twins
        return self.state, self.charged, warm, found

    # --- what is seen of it at a time ----------------------------------------------------------------------------

    def seen(self, time: float) -> dict[str, Any]:
        """What is recorded at a time before the next event."""
        volts, settled = self._settled(self._tests)
        examined, times = self._examine(volts, settled), self.state.times
        passed = time - float(times.now[0])
        trained, good = self._settled(self._roles)
        found = {
            **examined, "power": float(np.mean(self._watts(trained))) if good.all() else np.nan,
            "fired": float(self.state.counts.fired.sum()),
        }  # fmt: skip
        if not self._relaxes:
            free, pushed = self.charged.power * passed
            return {**found, "energy": float(times.free[0] + free), "energy_pushed": float(times.pushed[0] + pushed)}
        free, work = self.volts(time)
        example = int(self.state.counts.example[0])
        away = (free - trained[example])[self._roles.free[:, 0] > 0]
        lag = float(np.sqrt(np.mean(away**2))) if good[example] and away.size else np.nan
        return {**found, "energy": float(times.free[0] + work), "lag": lag}

    def _examine(self, volts: np.ndarray, settled: np.ndarray) -> dict[str, float]:
        """Error, accuracy and residual of free states [example, row] of the test set."""
        circuit, task = self.replica.medium, self.replica.task
        with np.errstate(all="ignore"):  # a replica that fails shows in its numbers
            error = float(np.mean(misses(circuit, self._tests, volts[..., None]) ** 2))
            free, row = self._tests.free[:, 0] > 0, circuit.plan.row
            left = [circuit.unbalanced(self.state.value[:, 0], each[row], free[row]) for each in volts[:_BALANCED]]
        accuracy = np.nan
        if task.labels_test is not None:
            shown = shown_at(circuit, np.take_along_axis(volts[..., None], self._tests.outputs[None], axis=1))[..., 0]
            accuracy = float(np.mean(np.argmax(shown, axis=1) == task.labels_test))
        return {"error": error if settled.all() else np.nan, "residual": float(np.max(left)), "accuracy": accuracy}

    def _settled(self, roles: states.Roles) -> tuple[np.ndarray, np.ndarray]:
        """Free states of all examples of these roles, cold: volts [example, row] and whether they settled [example]."""
        self._lay_out()
        rows, outputs, examples = len(self.replica.medium.plan.row), roles.outputs.shape[0], roles.x.shape[1]
        warm, found = states.room(rows, outputs, 1, 1, False)
        chosen, push = np.arange(examples)[:, None], self._twins[0]._replace(pushes=0)
        packed = Packed(self._solver, roles, push, warm, found, chosen)
        table = np.array([[states.settle_example.address(packed, 0), packed.address]], dtype=np.int64)
        volts, settled = np.zeros((examples, rows)), np.zeros(examples, dtype=np.bool_)
        for example in range(examples):
            warm.free[:] = np.nan
            in_turn(table, example, example + 1)
            volts[example], settled[example] = found.free[:, 0], found.good[0] > 0.0
        return volts, settled

    def _watts(self, volts: np.ndarray) -> np.ndarray:
        """Power [example] of states [example, row]: V F summed over all nodes; F is 0 at those that are not held."""
        circuit = self.replica.medium
        at_nodes = volts[:, circuit.plan.row].T
        with np.errstate(all="ignore"):
            watts: np.ndarray = np.sum(at_nodes * circuit.currents(self.state.value[:, 0], at_nodes), axis=0)
        return watts

    def volts(self, time: float) -> tuple[np.ndarray, float]:
        """Voltages [row] of the free twin at a time before the next event, and joules delivered since the last one."""
        self._lay_out()
        found = self._twins[2]._replace(free=self._twins[2].free.copy(), pushed=self._twins[2].pushed.copy())
        charged = self.charged._replace(
            stride=self.charged.stride.copy(), steps=self.charged.steps.copy(), broken=self.charged.broken.copy()
        )
        times, passed = self.state.times._replace(free=np.zeros(1)), time - float(self.state.times.now[0])
        circuit = self._circuit._replace(found=found)
        about = (circuit, self._physics, charged, self._room)
        run_for(loop.waiting(self._layout, about, self.state.counts.example, times), passed)
        return found.free[:, 0], float(times.free[0])

    def quickest(self) -> float:
        """Seconds within which the fastest free node relaxes now: its capacity over the sum of its conductances."""
        circuit, row = self.replica.medium, self.replica.medium.plan.row
        _, of_first, of_second = circuit.flows(self.state.value[:, 0], self._twins[2].free[row, 0])
        total, (a, b) = circuit.shunt.copy(), circuit.network.edges.T
        slope = np.abs(of_first) + np.abs(of_second)
        np.add.at(total, a, np.abs(circuit.gains[:, 0]) * slope)
        np.add.at(total, b, np.abs(circuit.gains[:, 1]) * slope)
        push: Any = push_of(self.replica.rule)
        total[list(self.replica.task.outputs)] += 0.0 if isinstance(push, Clamp) else push.nudge
        return float(np.min((circuit.capacity / total)[self._roles.free[row, 0] > 0]))

    def counted(self) -> dict[str, Any]:
        """What is counted up to now."""
        found = self._twins[2]
        solves = max(float(found.solves[0]), 1.0)
        counted = super().counted()
        if self._relaxes:
            return {**counted, "lost": self.charged.lost[0], "solver_steps": self.charged.steps[0]}
        return {**counted, "iterations": found.iterations[0] / solves, "unsettled": found.unsettled[0] / solves}

    def squares(self) -> float:
        """Mean square of what is wanted of the test set."""
        return float(np.mean(shown_at(self.replica.medium, self.replica.task.y_test) ** 2))

    def broken(self) -> bool:
        """Whether too many states did not settle, or the circuit could not be followed."""
        found = self._twins[2]
        return bool(self.charged.broken[0]) or bool(found.unsettled[0] > UNSETTLED_LIMIT * found.solves[0])

    def potentials(self, history: Any, at: np.ndarray) -> np.ndarray:
        """Free potentials [time, node] at times of its history, by SciPy's solver from change to change.

        Raises:
            ParameterError: the solver gives up.
        """
        if not self._relaxes:
            return super().potentials(history, at)
        circuit, task = self.replica.medium, self.replica.task
        found = np.zeros((len(at), circuit.network.nodes))
        changes = np.unique(np.concatenate([[0.0], history.times, history.switches]))
        volts = history.settled(np.zeros(1))[0]
        for k, first in enumerate(changes):
            last = changes[k + 1] if k + 1 < len(changes) else np.inf
            here = (at >= first) & (at < last)
            wanted = np.append(at[here] - first, last - first if np.isfinite(last) else (at[here] - first).max(initial=0.0))
            example = history.examples[np.searchsorted(history.switches, first, side="right") - 1]
            held = {**dict.fromkeys(task.ground, 0.0), **dict(zip(task.inputs, task.x_train[example], strict=True))}
            order = np.argsort(wanted, kind="stable")
            moved = np.empty((len(wanted), circuit.network.nodes))
            moved[order] = circuit.relax(history.learned(first)[0], held, volts, wanted[order])
            found[here], volts = moved[:-1], moved[-1]
        return found


def beside(edges: np.ndarray, nodes: int) -> Beside:
    """Which of these edges [edge, 2] share a node."""
    touching = [np.flatnonzero((edges == node).any(axis=1)) for node in range(nodes)]
    found = [np.setdiff1d(np.union1d(touching[i], touching[j]), [e]) for e, (i, j) in enumerate(edges)]
    return Beside(
        np.cumsum([0, *map(len, found)], dtype=np.int64),
        np.concatenate(found).astype(np.int64) if found else np.zeros(0, dtype=np.int64),
    )


class CircuitLearner(EventLearner):
    """Replicas of one kind."""

    session = CircuitSession
