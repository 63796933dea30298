"""One block of replicas: their numbers laid out in lanes, advanced by the compiled loop.

Lanes beyond the last replica repeat the first one and are thrown away. A block is the unit of work of an ensemble.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numba.core.errors import NumbaError
from scipy.sparse import csr_array

from clockless.learning import unit_lanes
from clockless.learning.scaling import scales
from clockless.media.resistors import columns, engine
from clockless.media.resistors.checking import not_compiled
from clockless.media.resistors.moments import AllExamples, OneExample, SomeExamples, all_examples
from clockless.media.resistors.ohm import Conductance, OhmicNetwork, Resistance
from clockless.media.resistors.power import free_power
from clockless.numerics.elimination import COLUMNS, Schedule
from clockless.numerics.elimination import plan as plan_elimination
from clockless.numerics.lanes import tile_of, width_of, zeros
from clockless.parts.clocks import FixedFraction
from clockless.parts.kernels import stamp
from clockless.parts.part import kind, stack
from clockless.parts.pushes import push_of
from clockless.parts.scalars import Units, clock_memory
from clockless.parts.stages import Stages

LANES = 64  # replicas side by side in a block
RESIDUAL_LIMIT = 1e-6  # relative to the current of the test column; healthy networks reach 1e-12


class Wiring(NamedTuple):
    """What all blocks of an ensemble share."""

    resistors: OhmicNetwork
    schedule: Schedule
    incidence: csr_array  # [row, edge]: 1 where an edge leaves, -1 where it ends

    @classmethod
    def of(cls, resistors: OhmicNetwork) -> Wiring:
        """Plan the elimination of a medium's network."""
        nodes, edges = resistors.network.nodes, np.arange(len(resistors.network.edges))
        schedule = plan_elimination(nodes, resistors.network.edges)
        ends = (np.concatenate([schedule.edge_from, schedule.edge_to]), np.concatenate([edges, edges]))
        signs = np.repeat([1.0, -1.0], edges.size)
        return cls(resistors, schedule, csr_array((signs, ends), shape=(nodes, edges.size)))


class Block:
    """Replicas of one kind in neighbouring lanes: a session (see `sessions`).

    It measures `error` [member], volts squared, the `residual`, the `power` in watts and, with traces, the resistances.
    """

    def __init__(
        self, wiring: Wiring, replicas: Sequence[Any], members: list[int], lanes: int, traces: bool = False,
        tile: Any = None,
    ) -> None:  # fmt: skip
        self.members, self.step, self._traces = members, 0, traces
        self._settled = False  # whether the columns are those of the present parameters
        self._tile = tile_of(min(len(members), lanes)) if tile is None else tile
        width = width_of(self._tile, len(members))
        mine = [replicas[members[lane] if lane < len(members) else members[0]] for lane in range(width)]
        resistors, first = wiring.resistors, mine[0]
        edges, nodes = len(resistors.network.edges), resistors.network.nodes
        self._conducts = resistors.learned(first.rule) == "conductance"
        self._range = resistors.low, resistors.high
        medium = stack([Conductance() if self._conducts else Resistance()] * width)
        limits = unit_lanes.Limits(
            *(np.broadcast_to(end, edges).copy() for end in resistors.ends(resistors.learned(first.rule)))
        )
        self.lanes = engine.Lanes(
            np.array([replica.seed for replica in mine], dtype=np.uint64),
            np.array([replica.luck.replica for replica in mine], dtype=np.uint64),
        )
        self.roles = _roles(wiring.schedule, [replica.task for replica in mine])
        q, outputs = len(self.roles.held), self.roles.y.shape[2]
        slots = len(wiring.schedule.updates.start) - 1
        value = zeros(edges, width)
        value[:] = np.array([first_values(resistors, r) for r in mine]).T
        self.state_of_lanes = engine.State(value, unit_lanes.first_memories(mine, value, limits), zeros(edges, width))
        self._incidence = wiring.incidence
        noted = unit_lanes.notes(first.rule, first.clock, first.device, first.optimiser, edges, width)
        self._scratch = engine.allocate(edges, slots, width, noted)
        self._columns, moments = columns.allocate(nodes, q - outputs, outputs, width)
        parts = (
            medium, stack([r.rule for r in mine]), stack([push_of(r.rule) for r in mine]), stack([r.clock for r in mine]),
            stack([r.device for r in mine]), stack([r.optimiser for r in mine]), limits,
            _batch(mine, self.roles, self.lanes),
        )  # fmt: skip
        self._block = engine.Block(
            self._tile, wiring.schedule, parts, self.lanes, self.roles, self.state_of_lanes, self._scratch, self._columns,
            moments,
        )  # fmt: skip
        self._learning: Stages | None = None
        self._looking: Stages | None = None
        self._learners = {name: getattr(first, name) for name in ("rule", "clock", "device")}
        drawing = [first.batch] if hasattr(first.batch, "Lanes") else []
        self._stamp = stamp(engine.__name__, first.rule, first.clock, first.device, first.optimiser, *drawing)

    @property
    def size(self) -> int:
        """Replicas in this block, without the lanes that repeat the first one."""
        return len(self.members)

    def measure(self) -> dict[str, np.ndarray]:
        """Test error in volts squared and residual of every member now, with traces the resistances [member, edge], too."""
        if not self._settled:
            self.advance(self.step)
        with np.errstate(all="ignore"):  # a replica that fails shows in its numbers
            residual = columns.unbalanced(self._incidence, self.roles, self._columns, self._scratch.conductance)
            error = columns.test_error(self.roles, self._columns)
            watts = free_power(self.roles, self._columns)
        seen = {"error": error[: self.size], "residual": residual[: self.size], "power": watts[: self.size]}
        return {**seen, "traces": self._resistances()} if self._traces else seen

    def state(self) -> dict[str, np.ndarray]:
        """What the next step needs."""
        value, memory, actions = self.state_of_lanes
        state = {"step": np.array(self.step), "value": value, "actions": actions, "memory": memory.clock}
        others = {"rule_memory": memory.rule, "device_memory": memory.device, "optimiser_memory": memory.optimiser}
        state |= {name: array for name, array in others.items() if array.size}
        batch = self._block.parts[-1]
        return {**state, "batch_memory": batch.memory} if isinstance(batch, SomeExamples) else state

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
        self._settled = False

    def results(self, recorded: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Labelled results of what was measured from step 0 on, `recorded` [member, record, ..]."""
        error, initial = recorded["error"], recorded["error"][:, 0]
        squares = np.mean(self.roles.y_test**2, axis=(1, 2))[self.roles.task][: self.size]
        scaled = error / scales(initial, squares)[:, None]
        residual, resistances = recorded["residual"].max(axis=1), self._resistances()  # the maximum lets NaN through
        failed = ~np.isfinite(error).all(axis=1) | ~(residual < RESIDUAL_LIMIT) | ~np.isfinite(resistances).all(axis=1)
        results = {
            "error": scaled, "initial_error": initial, "residual": residual, "failed": failed, "parameters": resistances,
            "power": recorded["power"], "actions": self.state_of_lanes.actions[:, : self.size].T.copy(),
        }  # fmt: skip
        return {**results, "traces": recorded["traces"]} if self._traces else results

    def _resistances(self) -> np.ndarray:
        value = self.state_of_lanes.value[:, : len(self.members)].T
        # 1 / (1 / high) may exceed high by one rounding, and could then not be given as `initial` again.
        return np.clip(1.0 / value, *self._range) if self._conducts else value.copy()

    def advance(self, last: int) -> None:
        """Do the steps up to `last`, not included, then settle once more to be looked at."""
        try:
            if last > self.step:
                if self._learning is None:
                    self._learning = engine.learning(self._block, self._stamp)
                self._learning.run(self.step, last)
                unit_lanes.tally(self._scratch, self.state_of_lanes)
            if self._looking is None:
                self._looking = engine.looking(self._block)
            self._looking.run(last, last + 1)
        except NumbaError as error:
            raise not_compiled(self._learners, error) from None
        self.step, self._settled = last, True


def lane_bytes(wiring: Wiring, task: Any) -> int:
    """What a lane of a block takes: both factors, the columns of the held nodes and their response, numbers of the edges."""
    q, nodes = len(task.inputs) + len(task.ground) - 1 + len(task.outputs), wiring.resistors.network.nodes
    slots, edges = len(wiring.schedule.updates.start) - 1, len(wiring.resistors.network.edges)
    return 8 * (2 * slots + (-(-q // COLUMNS) + 1) * COLUMNS * nodes + 6 * edges + 6 * q * q)


def kind_of(replica: Any) -> tuple[Any, ...]:
    """Replicas of one kind share compiled code and array shapes."""
    task, batch = replica.task, replica.batch
    sizes = (len(task.inputs), len(task.outputs), len(task.ground), len(task.x_train), len(task.x_test))
    if hasattr(batch, "Lanes"):
        batch_kind: Any = kind(batch)
    else:
        batch_kind = batch if batch in ("full", 1) else "count"
    parts = (replica.rule, replica.clock, replica.device, replica.optimiser)
    return sizes, getattr(replica.rule, "parameter", None), *(part and kind(part) for part in parts), batch_kind


def first_values(resistors: OhmicNetwork, replica: Any) -> np.ndarray:
    """Learning parameters at the start [edge]: resistances on the device's levels if it has any, or conductances."""
    value: np.ndarray = 1.0 / replica.initial if resistors.learned(replica.rule) == "conductance" else replica.initial
    if hasattr(replica.device, "nearest"):
        value = replica.device.nearest(value)
    return value


def _roles(schedule: Schedule, tasks: list[Any]) -> columns.Roles:
    """Held rows and example tables; each different task's examples are stored once.

    The first ground node takes the return current; further ones are sources held at 0 V.
    """
    index: dict[int, int] = {}
    different: list[Any] = []
    for task in tasks:
        if id(task) not in index:
            index[id(task)] = len(different)
            different.append(task)

    def with_grounds(x: np.ndarray, task: Any) -> np.ndarray:
        return np.hstack([x, np.zeros((len(x), len(task.ground) - 1))])

    held = [[*task.inputs, *task.ground[1:], *task.outputs] for task in tasks]
    return columns.Roles(
        held=np.ascontiguousarray(schedule.row_of_node[np.array(held)].T),
        ground=schedule.row_of_node[np.array([task.ground[0] for task in tasks])],
        task=np.array([index[id(task)] for task in tasks]),
        x=np.array([with_grounds(task.x_train, task) for task in different]),
        y=np.array([task.y_train for task in different]),
        x_test=np.array([with_grounds(task.x_test, task) for task in different]),
        y_test=np.array([task.y_test for task in different]),
        columns=columns.column_terms(len(schedule.row_of_node), len(held[0])),
    )


def _batch(replicas: list[Any], roles: columns.Roles, lanes: engine.Lanes) -> AllExamples | OneExample | SomeExamples:
    examples = roles.x.shape[1]
    width = len(replicas)
    batch = replicas[0].batch
    if batch == "full":
        return all_examples(roles.x[roles.task], roles.y[roles.task])
    if batch == 1:
        return OneExample(width)
    clocks = [FixedFraction(r.batch / examples) if isinstance(r.batch, int) else r.batch for r in replicas]
    chosen = np.zeros((examples, width), dtype=np.bool_)
    return SomeExamples(stack(clocks), chosen, _memory(clocks, lanes, examples), np.zeros((0, width)))


def _memory(clocks: list[Any], lanes: engine.Lanes, units: int) -> np.ndarray:
    """First memory of every lane's clock, [slot, unit, lane]; no slots for clocks that remember nothing."""
    who = zip(lanes.seed, lanes.replica, strict=True)
    memories = [
        clock_memory(clock, Units(int(seed), int(replica), 0, units, {}))
        for clock, (seed, replica) in zip(clocks, who, strict=True)
    ]
    return np.ascontiguousarray(np.stack(memories, axis=-1))
