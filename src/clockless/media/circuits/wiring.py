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
from clockless.numerics.lanes import Tile8, zeros
from clockless.parts.compiling import compile_all

Jobs = list[tuple[Any, tuple[Any, ...], bool]]
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
        single: the circuit as sessions in continuous time see it, once there is one; theirs.
        groups: the edges of each group of laws, and its first law.
    """

    def __init__(self, circuit: Any) -> None:
        network, self.circuit = circuit.network, circuit
        self.single: Any = None
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

    def wires(
        self, tile: Any, bench: newton.Bench, pull: newton.Pull, more: Callable[..., Jobs] | None = None
    ) -> newton.Wires:
        """The circuit with the addresses of its laws in lanes of this tile, found on disk or compiled now.

        `more` says what else will be needed, given the circuit's arrays: all of it is compiled at once.
        """
        circuit = self.circuit
        width = max(len(packed(law)) for law in circuit.laws)
        numbers = np.zeros((len(circuit.laws), width))
        for e, law in enumerate(circuit.laws):
            numbers[e, : len(packed(law))] = packed(law)
        of_row = np.argsort(self.row)
        blank = np.zeros(len(self.groups), dtype=np.int64)
        schedule, gains = self.schedule, circuit.gains
        symmetric = all(law.reciprocal for law in circuit.laws)
        wires = newton.Wires(
            schedule.start, schedule.updates, schedule.forward, schedule.backward,
            np.cumsum([0, *(len(members) for members, _ in self.groups)]),
            np.concatenate([members for members, _ in self.groups]), np.array([rows(law) for _, law in self.groups]),
            blank.copy(), blank.copy(), blank.copy(), **self._edges, gain_a=gains[:, 0].copy(), gain_b=gains[:, 1].copy(),
            unit=np.maximum(circuit.unit_of_edge, 0), numbers=numbers, shunt=circuit.shunt[of_row].copy(),
            capacity=(circuit.capacity / circuit.capacity.mean())[of_row].copy(), symmetric=int(symmetric),
            caps=np.array(FREE_CAPS if symmetric else CAPS), near=np.inf if symmetric or bench.there is not None else NEAR,
            tolerance=circuit.tolerance, limit=circuit.iterations, narrow=self._narrow(bench, pull),
        )  # fmt: skip
        arguments = (wires, bench, 0, bench.trial, bench.trial)
        compile_all([*self._jobs(tile, wires, bench, pull), *(more(wires) if more else ())])
        if circuit.descends:
            for group, (_, law) in enumerate(self.groups):
                wires.carry[group] = newton.carry.address(tile, kind(law), *arguments)
                wires.hold[group] = descent.hold.address(tile, kind(law), *arguments)
            return wires
        self._find(tile, wires.carry, wires.turn, arguments)
        if bench.theta.shape[1] > stragglers.WIDTH:
            self._find(Tile8(), wires.narrow.carry, wires.narrow.turn, arguments)
            finish = stragglers.finish.address(Tile8(), wires, pull, bench, bench.volts, bench.volts, 0)
            return wires._replace(narrow=wires.narrow._replace(finish=finish))
        return wires

    def _jobs(self, tile: Any, wires: newton.Wires, bench: newton.Bench, pull: newton.Pull) -> Jobs:
        """What settling needs: the solver, and of every law what it carries."""
        volts, circuit = bench.trial, self.circuit
        wide = not circuit.descends and bench.theta.shape[1] > stragglers.WIDTH
        jobs = [(descent.descend if circuit.descends else newton.settle).job(tile, wires, pull, bench, volts, volts)]
        jobs += [stragglers.finish.job(Tile8(), wires, pull, bench, volts, volts, 0)] if wide else []
        for each in (tile, Tile8()) if wide else (tile,):
            for _, law in self.groups:
                carried = newton.carry_limited if law.junction and not circuit.descends else newton.carry
                functions = [carried, *([descent.hold] if circuit.descends else [newton.turn] if law.junction else [])]
                jobs += [one.job(each, kind(law), wires, bench, 0, volts, volts, own=True) for one in functions]
        return jobs

    def _find(self, tile: Any, carry: np.ndarray, turn: np.ndarray, arguments: tuple[Any, ...]) -> None:
        """Write the addresses of the laws, group by group, in lanes of a tile."""
        for group, (_, law) in enumerate(self.groups):
            carried = newton.carry_limited if law.junction else newton.carry
            carry[group] = carried.address(tile, kind(law), *arguments)
            if law.junction:
                turn[group] = newton.turn.address(tile, kind(law), *arguments)

    def _narrow(self, bench: newton.Bench, pull: newton.Pull) -> newton.Narrow:
        """Room for lanes that take longer than most."""
        blank, lanes = np.zeros(len(self.groups), dtype=np.int64), stragglers.WIDTH
        own = newton.Pull(np.zeros((len(pull.rows), lanes), dtype=np.int64), zeros(len(pull.rows), lanes), zeros(lanes))
        return newton.Narrow(
            0, blank, blank.copy(), np.zeros(lanes, dtype=np.int64), zeros(len(self.row), lanes), own,
            self.bench(zeros(len(bench.theta), lanes), bench.there is not None),
        )  # fmt: skip


def grouped(laws: Sequence[Law]) -> list[tuple[np.ndarray, Law]]:
    """Edges by law class, way of carrying, being a junction, and length of tables; in the order of their first edges."""
    found: dict[Any, list[int]] = {}
    for e, law in enumerate(laws):
        found.setdefault((type(law), law.kernel(), law.junction, rows(law)), []).append(e)
    return [(np.array(members), laws[members[0]]) for members in found.values()]
