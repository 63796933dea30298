"""A circuit laid out for compiled code: its elimination schedule, its edges by groups of laws, and arrays to work in.

A virtual ground that is joined to every node is the schedule's reference, so that every node keeps a row, and shunts, rails
and nudges are ordinary entries of the diagonal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from clockless.media.circuits import descent, newton, stragglers
from clockless.media.circuits.kinds import kind, packed, rows
from clockless.media.circuits.law import Law
from clockless.numerics.elimination import plan
from clockless.numerics.lanes import Tile8, tile_of, zeros
from clockless.parts.compiling import compile_all
from clockless.parts.packed import Packed

Jobs = list[tuple[Any, tuple[Any, ...], bool]]
More = Callable[[newton.Solver], Jobs]
FEW_EDGES = 64  # up to here wide tiles are no faster: laws take the time, not the elimination
FREE_CAPS = (1e3,)  # volts: reciprocal laws need no cap beyond what their junctions have
# Volts, every ten iterations: transistors cycle without.
CAPS = (0.5, 0.1, 0.1, 0.025)
# Volts, in the first step from a state that was found before: where a node's transistors have just cut off, a step would go
# down to ground, and half the way back every iteration, for currents begin as a square.
NEAR = 0.003


class Plan:
    """What all blocks of a circuit share.

    Attributes:
        row: of each node [node].
        groups: the edges of each group of laws, and its first law.
    """

    def __init__(self, circuit: Any) -> None:
        network, self.circuit = circuit.network, circuit
        nodes, edges = network.nodes, len(network.edges)
        # The ground is node 0 here: of highest degree, and the first among equals, it is what the plan takes as reference.
        ground = np.column_stack([np.zeros(nodes, dtype=np.int64), 1 + np.arange(nodes)])
        schedule = plan(nodes + 1, np.vstack([network.edges + 1, ground]))
        self.schedule, self.row = schedule, schedule.row_of_node[1:]
        self.slots = len(schedule.updates.start) - 1
        self.groups = grouped(circuit.laws)
        self._edges = {
            "a": np.ascontiguousarray(schedule.edge_from[:edges]),
            "b": np.ascontiguousarray(schedule.edge_to[:edges]),
            "slot": np.ascontiguousarray(schedule.edge_slot[:edges]),
        }

    def tile(self, replicas: int) -> Any:
        """Lanes in registers at a time for so many replicas: eight do for small circuits, and less is compiled."""
        return tile_of(replicas) if len(self._edges["a"]) > FEW_EDGES else tile_of(min(replicas, stragglers.WIDTH))

    def bench(self, theta: np.ndarray, leaves: bool = False) -> newton.Bench:
        """Arrays to work in for what learns, `theta` [unit, lane]; `leaves`, whether a clock can leave edges out."""
        lanes, nodes, edges = theta.shape[1], len(self.row), len(self._edges["a"])
        return newton.Bench(
            theta=theta, there=np.ones((edges, lanes)) if leaves else None,
            upper=zeros(self.slots, lanes), lower=zeros(self.slots, lanes), step=zeros(nodes, lanes),
            trial=zeros(nodes, lanes), volts=zeros(nodes, lanes), companion=zeros(edges, lanes), worst=zeros(lanes),
            reach=np.full(lanes, np.inf), active=zeros(lanes), taken=zeros(lanes), energy=zeros(2, lanes),
            damping=zeros(2, lanes),
        )  # fmt: skip

    def solver(self, tile: Any, bench: newton.Bench, pull: newton.Pull, more: More | None = None) -> newton.Solver:
        """What settles the circuit in lanes of this tile, with its laws, found on disk or compiled now.

        `more` says what else will be needed, given the solver without addresses: all of it is compiled at once.
        """
        circuit, groups = self.circuit, len(self.groups)
        wires = self._wires(bench)
        setup = Packed(tile, wires, pull, bench)
        outputs, lanes = len(pull.rows), stragglers.WIDTH
        own = newton.Narrow(
            _blank(1), _blank(lanes), zeros(len(self.row), lanes),
            newton.Pull(np.zeros((outputs, lanes), dtype=np.int64), zeros(outputs, lanes), zeros(lanes)),
            self.bench(zeros(len(bench.theta), lanes), bench.there is not None),
        )  # fmt: skip
        few_wires = wires._replace(carry=_blank(groups), turn=_blank(groups), iterate=_blank(1), span=_blank(2))
        few = Packed(Tile8(), few_wires, own.pull, own.bench)
        narrow = Packed(own, few)
        wide = not circuit.descends and bench.theta.shape[1] > stragglers.WIDTH
        settles, volts = descent.descend if circuit.descends else newton.settle, bench.trial
        benches = [] if circuit.descends else [(setup, wires), (few, few_wires)] if wide else [(setup, wires)]
        jobs = [settles.job(setup, narrow, volts, volts)]
        jobs += [stragglers.finish.job(setup, narrow, volts, volts)] if wide else []
        jobs += [newton.iterate.job(each, volts, volts, wires.span) for each, _ in benches]
        ready = newton.Solver(0, setup, narrow, wires)
        compile_all([*jobs, *self._of_laws(setup), *(self._of_laws(few) if wide else ()), *(more(ready) if more else ())])
        for each, its in [(setup, wires), *benches[1:]]:
            self._find(each, its)
        for each, its in benches:
            its.iterate[0] = newton.iterate.address(each, volts, volts, its.span)
        if wide:
            own.finish[0] = stragglers.finish.address(setup, narrow, volts, volts)
        return ready._replace(address=settles.address(setup, narrow, volts, volts))

    def _wires(self, bench: newton.Bench) -> newton.Wires:
        """The circuit's arrays, without the addresses of its laws."""
        circuit = self.circuit
        width = max(len(packed(law)) for law in circuit.laws)
        numbers = np.zeros((len(circuit.laws), width))
        for e, law in enumerate(circuit.laws):
            numbers[e, : len(packed(law))] = packed(law)
        of_row = np.argsort(self.row)
        groups, schedule, gains = len(self.groups), self.schedule, circuit.gains
        symmetric = all(law.reciprocal for law in circuit.laws)
        return newton.Wires(
            schedule.start, schedule.updates, schedule.forward, schedule.backward, _blank(1), _blank(2),
            np.cumsum([0, *(len(members) for members, _ in self.groups)]),
            np.concatenate([members for members, _ in self.groups]), np.array([rows(law) for _, law in self.groups]),
            _blank(groups), _blank(groups), _blank(groups), **self._edges,
            gain_a=gains[:, 0].copy(), gain_b=gains[:, 1].copy(),
            unit=np.maximum(circuit.unit_of_edge, 0), numbers=numbers, shunt=circuit.shunt[of_row].copy(),
            capacity=(circuit.capacity / circuit.capacity.mean())[of_row].copy(), symmetric=int(symmetric),
            caps=np.array(FREE_CAPS if symmetric else CAPS), near=np.inf if symmetric or bench.there is not None else NEAR,
            tolerance=circuit.tolerance, limit=circuit.iterations,
        )  # fmt: skip

    def _functions(self, law: Law) -> list[tuple[str, Any]]:
        """What is compiled of a law, and under which name its address stands in `Wires`."""
        if self.circuit.descends:
            return [("carry", newton.carry), ("hold", descent.hold)]
        return [("carry", newton.carry_limited), ("turn", newton.turn)] if law.junction else [("carry", newton.carry)]

    def _of_laws(self, setup: Packed) -> Jobs:
        """What settling needs of every law."""
        volts = np.zeros((1, 1))
        return [
            function.job(kind(law), setup, 0, volts, volts, own=True)
            for _, law in self.groups
            for _, function in self._functions(law)
        ]

    def _find(self, setup: Packed, wires: newton.Wires) -> None:
        """Write the addresses of the laws, group by group."""
        volts = np.zeros((1, 1))
        for group, (_, law) in enumerate(self.groups):
            for name, function in self._functions(law):
                getattr(wires, name)[group] = function.address(kind(law), setup, 0, volts, volts)


def _blank(count: int) -> np.ndarray:
    return np.zeros(count, dtype=np.int64)


def grouped(laws: Sequence[Law]) -> list[tuple[np.ndarray, Law]]:
    """Edges by law class, way of carrying, being a junction, and length of tables; in the order of their first edges."""
    found: dict[Any, list[int]] = {}
    for e, law in enumerate(laws):
        found.setdefault((type(law), law.kernel(), law.junction, rows(law)), []).append(e)
    return [(np.array(members), laws[members[0]]) for members in found.values()]
