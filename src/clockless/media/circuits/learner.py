"""One block of replicas of a circuit: their numbers laid out in lanes, advanced by the compiled loop.

Lanes beyond the last replica repeat the first one and are thrown away.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba.core.errors import NumbaError

from clockless.learning import unit_lanes
from clockless.learning.part_checks import not_compiled_together
from clockless.learning.scaling import scales
from clockless.media.circuits import draws, engine, states
from clockless.media.circuits.kinds import kind as kind_of_law
from clockless.media.circuits.wiring import Jobs, Plan
from clockless.numerics.lanes import width_of, zeros
from clockless.numerics.randomness import MISMATCH
from clockless.parts import scalars
from clockless.parts.kernels import stamp
from clockless.parts.packed import Packed
from clockless.parts.part import kind, stack
from clockless.parts.pushes import Clamp, push_of
from clockless.parts.stages import Stages, in_turn

LANES = 64  # replicas side by side in a block
CHUNK = 256  # steps whose examples are drawn at a time
REMEMBERED = 512  # training examples whose states are remembered one by one; of more, only the last one's
BALANCED = 16  # test examples whose currents are added up
UNSETTLED_LIMIT = 0.01  # of all solves
RESIDUAL_LIMIT = 1e-4  # of the largest current: what a voltage tolerance of 1e-6 V may leave is far below it


class Block:
    """Replicas of one kind in neighbouring lanes; a `Learner`."""

    def __init__(self, plan: Plan, replicas: Sequence[Any], members: list[int], traces: bool, tile: Any) -> None:
        self.members, self.step, self._traces, self._tile, self._plan = members, 0, traces, tile, plan
        width = width_of(tile, len(members))
        mine = [replicas[members[lane] if lane < len(members) else members[0]] for lane in range(width)]
        circuit, first = plan.circuit, mine[0]
        self._circuit, units = circuit, len(circuit.learning)
        self.lanes = engine.Lanes(
            np.array([replica.seed for replica in mine], dtype=np.uint64),
            np.array([replica.luck.replica for replica in mine], dtype=np.uint64),
        )
        value = zeros(units, width)
        value[:] = np.array([first_values(circuit, replica) for replica in mine]).T
        limits = unit_lanes.Limits(circuit.low.copy(), circuit.high.copy())
        self.state_of_lanes = engine.State(value, unit_lanes.first_memories(mine, value, limits), zeros(units, width))
        push = push_of(first.rule)
        self._roles = roles_of(plan, [replica.task for replica in mine], False)
        self._tests = roles_of(plan, [replica.task for replica in mine], True)
        apart = differences(circuit, mine)
        self._push = states.Push(
            1, int(isinstance(push, Clamp)), int(getattr(push, "centred", False)),
            np.array([float(r.rule.nudge) for r in mine]), apart, apart.copy(),
        )  # fmt: skip
        node, words = np.argsort(plan.row), np.zeros((2, width), dtype=np.uint32)
        self._heat = engine.Heat(circuit.fluctuation[node], node, words) if circuit.temperature else None
        examples = self._roles.x.shape[1]
        self._bench = plan.bench(value, getattr(first.clock, "absent", False))
        self._pull = states.no_pull(self._roles.outputs)
        self._warm, self._found = states.room(
            len(plan.row), self._roles.y.shape[2], examples if examples <= REMEMBERED else 1, width, bool(self._push.centred)
        )
        noted = unit_lanes.notes(first.rule, first.clock, first.device, first.optimiser, units, width)
        self._scratch = engine.Scratch(
            value,
            zeros(units, width),
            np.zeros((units, width), dtype=np.bool_),
            np.zeros((2, width), dtype=np.uint32),
            noted,
        )
        names = ("rule", "optimiser", "clock", "device")
        parts = tuple(stack([getattr(r, name) for r in mine]) for name in names)
        self._parts = (stack([engine.Sensed()] * width), *parts), limits
        self._comparator = parts[-1].comparator
        self._absent = parts[2] if getattr(first.clock, "absent", False) else None
        self._labelled = np.array([replica.task.labels_test is not None for replica in mine])
        blank = np.zeros(self._tests.x.shape[1], dtype=np.int64)
        self._labels = np.array([blank if r.task.labels_test is None else r.task.labels_test for r in mine]).T
        self._draw = draws.Draw(mine, *self.lanes, examples, CHUNK)
        self._stamp = stamp(engine.__name__, first.rule, first.clock, first.device, first.optimiser)
        asked = np.repeat(np.arange(self._tests.x.shape[1])[:, None], width, axis=1)
        self._tested = (*states.room(len(plan.row), self._roles.y.shape[2], 1, width, False), asked)
        self._packed: Packed | None = None

    @property
    def size(self) -> int:
        """Replicas in this block, without the lanes that repeat the first one."""
        return len(self.members)

    # --- the contract of a learner ----------------------------------------------------------------------------------

    def advance(self, last: int) -> None:
        """Do the steps up to `last`, not included."""
        try:
            while self.step < last:
                # Chunks begin at multiples of their length, and what is drawn depends on the absolute step alone.
                end = last if self._draw.always else min(last, (self.step // CHUNK + 1) * CHUNK)
                self._draw(self.step, end)
                engine.advance(self._laid_out(), self.step, end)
                unit_lanes.tally(self._scratch, self.state_of_lanes)
                self.step = end
        except NumbaError as error:
            raise not_compiled_together(error) from None

    def _laid_out(self) -> Packed:
        """What the loop works on, taken apart once, for all arrays stay; separate parts are found on disk or compiled."""
        if self._packed is not None:
            return self._packed
        tile, bench, scratch, push, found = self._tile, self._bench, self._scratch, self._push, self._found
        sensors = np.zeros(len(self._plan.groups), dtype=np.int64)
        laws = [(k, kind_of_law(law)) for k, (_, law) in enumerate(self._plan.groups) if law.learns]
        parts, limits = self._parts
        stages = unit_lanes.stages(self._stamp, tile, parts, limits, self.lanes, self.state_of_lanes, scratch)
        drawn = self._draw.table.reshape(-1, len(self.lanes.seed))

        def about(solver: Any) -> tuple[Packed, Packed, Packed]:
            learned = Packed(solver, self._roles, push, self._warm, found, drawn)
            tested = Packed(solver, self._tests, push._replace(pushes=0), *self._tested)
            return learned, tested, Packed(tile, solver.wires, push, self.state_of_lanes.value, found, scratch.wanted)

        def jobs(solver: Any) -> Jobs:
            learned, _, compared = about(solver)
            own = [(stage.function, stage.signature, stage.own) for stage in stages]
            own += [states.contrast.job(law, compared, 0, own=True) for _, law in laws]
            return [states.settle_example.job(learned, 0), states.contrast_all.job(sensors, compared), *own]

        solver = self._plan.solver(tile, bench, self._pull, jobs)
        learned, tested, compared = about(solver)
        for k, law in laws:
            sensors[k] = states.contrast.address(law, compared, 0)
        self._stages = Stages(stages)
        example, contrast = states.settle_example.address(learned, 0), states.contrast_all.address(sensors, compared)
        self._asked = tested, np.array([[example, tested.address]], dtype=np.int64)
        edges, layout = (self._circuit.learning, bench.there), engine.Layout(example, contrast, sensors, self._stages.table)
        self._packed = Packed(
            self._stamp, tile, layout, learned, compared, edges, self._absent, self._comparator, self._heat, self.lanes,
            (scratch.wanted, scratch.key), len(self._draw.table),
        )  # fmt: skip
        return self._packed

    def measure(self) -> dict[str, np.ndarray]:
        """What is seen of the test set now, and how settling went so far, each [member, ..]."""
        volts, settled = self.answers()
        with np.errstate(all="ignore"):  # a replica that fails shows in its numbers
            wrong = misses(self._circuit, self._tests, volts)
            error = np.mean(wrong**2, axis=(0, 1))
            residual = self._imbalance(volts)
        found, count = self._found, self.size
        shown = shown_at(self._circuit, np.take_along_axis(volts, self._tests.outputs[None], axis=1))
        right = np.mean(np.argmax(shown, axis=1) == self._labels, axis=0)
        solves = np.maximum(found.solves, 1.0)
        error = np.where(settled.all(axis=0), error, np.nan)
        seen = {
            "error": error, "residual": residual, "iterations": found.iterations / solves,
            "unsettled": found.unsettled / solves, "accuracy": np.where(self._labelled, right, np.nan),
        }  # fmt: skip
        seen = {name: array[:count] for name, array in seen.items()}
        return {**seen, "traces": self.state_of_lanes.value[:, :count].T.copy()} if self._traces else seen

    def answers(self) -> tuple[np.ndarray, np.ndarray]:
        """Free states of the test set, cold: volts [example, row, lane] and whether they settled [example, lane]."""
        self._laid_out()
        if self._bench.there is not None:
            self._bench.there[:] = 1.0  # who is tested has all edges
        (warm, found, _), examples, asked = self._tested, self._tests.x.shape[1], self._asked[1]
        volts = np.zeros((examples, *found.free.shape))
        settled = np.zeros((examples, len(self.lanes.seed)), dtype=np.bool_)
        for example in range(examples):
            warm.free[:] = np.nan
            in_turn(asked, example, example + 1)
            volts[example], settled[example] = found.free, found.good > 0.0
        return volts, settled

    def _imbalance(self, volts: np.ndarray) -> np.ndarray:
        """Largest relative imbalance of currents over the first test examples [lane]."""
        found = [
            self._circuit.unbalanced(self.state_of_lanes.value, each[self._plan.row], self._tests.free[self._plan.row] > 0)
            for each in volts[:BALANCED]
        ]
        largest: np.ndarray = np.max(found, axis=0)
        return largest

    def state(self) -> dict[str, np.ndarray]:
        """What the next step needs: warm states among it, for they decide the last bits of the next ones."""
        value, memory, actions = self.state_of_lanes
        state = {"step": np.array(self.step), "value": value, "actions": actions}
        state |= {f"{name}_memory": array for name, array in memory._asdict().items() if array.size}
        state |= {f"warm_{name}": array for name, array in self._warm._asdict().items()}
        return state | {name: getattr(self._found, name) for name in ("solves", "iterations", "unsettled")}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Take up a state that `state` has given; raises ValueError if it is another block's."""
        mine = self.state()
        if mine.keys() != state.keys():
            raise ValueError(f"a state holds {', '.join(sorted(state))}; this block's {', '.join(sorted(mine))}")
        for name, array in state.items():
            if mine[name].shape != array.shape or mine[name].dtype != array.dtype:
                raise ValueError(f"{name} {array.shape} does not fit {mine[name].shape}")
        self.step = int(state["step"])
        for name in mine.keys() - {"step"}:
            mine[name][...] = state[name]

    def results(self, recorded: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Labelled results of what was measured from step 0 on, `recorded` [member, record, ..]."""
        error, initial = recorded["error"], recorded["error"][:, 0]
        targets = wanted(self._circuit, self._tests)
        squares = np.mean(targets**2, axis=(1, 2))[self._tests.task][: self.size]
        parameters, count = self.state_of_lanes.value[:, : self.size].T.copy(), self.size
        residual, unsettled = recorded["residual"][:, -1], recorded["unsettled"][:, -1]
        finite = np.isfinite(error).all(axis=1) & np.isfinite(parameters).all(axis=1)
        results = {
            "error": error / scales(initial, squares)[:, None], "initial_error": initial, "residual": residual,
            "iterations": recorded["iterations"][:, -1], "unsettled": unsettled, "accuracy": recorded["accuracy"],
            "failed": ~finite | ~(residual < RESIDUAL_LIMIT) | ~(unsettled <= UNSETTLED_LIMIT), "parameters": parameters,
            "actions": self.state_of_lanes.actions[:, :count].T.copy(),
        }  # fmt: skip
        return {**results, "traces": recorded["traces"]} if self._traces else results


def kind_of(replica: Any) -> tuple[Any, ...]:
    """Replicas of one kind share compiled code and array shapes."""
    task, batch = replica.task, replica.batch
    sizes = (len(task.inputs), len(task.outputs), len(task.ground), len(task.x_train), len(task.x_test))
    drawn = kind(batch) if hasattr(batch, "Lanes") else batch
    push = push_of(replica.rule)
    parts = (kind(getattr(replica, name)) for name in ("rule", "clock", "device", "optimiser"))
    return sizes, type(push), bool(getattr(push, "centred", False)), *parts, drawn


def first_values(circuit: Any, replica: Any) -> np.ndarray:
    """What learns at the start [unit], on the device's levels if it has any."""
    value: np.ndarray = replica.initial
    return replica.device.nearest(value) if hasattr(replica.device, "nearest") else value


def differences(circuit: Any, replicas: list[Any]) -> np.ndarray:
    """By how much the pushed twin has more of what is learned [unit, lane]; no rows where twins are alike."""
    if not circuit.mismatch.any():
        return np.zeros((0, len(replicas)))
    found: np.ndarray = np.array([mismatched(circuit, replica.luck) for replica in replicas]).T
    return np.ascontiguousarray(found)


def mismatched(circuit: Any, luck: Any) -> np.ndarray:
    """The same of one replica [unit]: normal numbers, drawn once for ever."""
    found: np.ndarray = circuit.mismatch * scalars.luck(
        "normal", luck.seed, luck.replica, 0, MISMATCH, len(circuit.mismatch)
    )
    return found


def roles_of(plan: Plan, tasks: list[Any], test: bool) -> states.Roles:
    """Held rows and example tables; each different task's examples are stored once."""
    index: dict[int, int] = {}
    different: list[Any] = []
    for task in tasks:
        if id(task) not in index:
            index[id(task)] = len(different)
            different.append(task)
    row, rails, lanes = plan.row, plan.circuit.rails, len(tasks)
    fixed = [{**dict.fromkeys(task.ground, 0.0), **rails} for task in tasks]
    free = np.ones((len(row), lanes))
    for w, task in enumerate(tasks):
        free[row[[*task.inputs, *fixed[w]]], w] = 0.0
    clamped = free.copy()
    for w, task in enumerate(tasks):
        clamped[row[list(task.outputs)], w] = 0.0
    x = np.array([task.x_test if test else task.x_train for task in different])
    y = np.array([task.y_test if test else task.y_train for task in different])
    return states.Roles(
        free, clamped, np.ascontiguousarray(row[np.array([task.inputs for task in tasks])].T),
        np.ascontiguousarray(row[np.array([list(each) for each in fixed], dtype=np.int64).reshape(lanes, -1)].T),
        np.ascontiguousarray(np.array([list(each.values()) for each in fixed], dtype=np.float64).reshape(lanes, -1).T),
        np.ascontiguousarray(row[np.array([task.outputs for task in tasks])].T),
        np.array([index[id(task)] for task in tasks]), x, y, int(plan.circuit.differential),
    )  # fmt: skip


def shown_at(circuit: Any, outputs: np.ndarray) -> np.ndarray:
    """What counts of voltages at the outputs [.., output, ..] on axis 1: themselves, or differences of pairs."""
    return outputs[:, 0::2] - outputs[:, 1::2] if circuit.differential else outputs


def wanted(circuit: Any, roles: states.Roles) -> np.ndarray:
    """Targets [task, example, output or pair]."""
    targets: np.ndarray = np.moveaxis(shown_at(circuit, np.moveaxis(roles.y, 1, 2)), 1, 2)
    return targets


def misses(circuit: Any, roles: states.Roles, volts: np.ndarray) -> np.ndarray:
    """What is shown minus what is wanted [example, output or pair, lane], of states [example, row, lane]."""
    outputs = np.take_along_axis(volts, roles.outputs[None], axis=1)
    missed: np.ndarray = shown_at(circuit, outputs) - np.moveaxis(wanted(circuit, roles)[roles.task], 0, 2)
    return missed
