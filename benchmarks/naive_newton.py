"""What circuits are measured against: a lean Newton in NumPy with dense solves, and ngspice's operating points."""

from __future__ import annotations

import resource
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np

import clockless as cl


class NaiveCircuit:
    """One replica of a network of level-1 transistors: free state, clamped state, update; warm starts, dense solves."""

    def __init__(self, circuit: cl.Circuit, task: cl.Task, rule: cl.CoupledLearning, gates: np.ndarray) -> None:
        self.law, self.gates, self.task, self.rule = circuit.laws[0], gates.copy(), task, rule
        self.a, self.b = circuit.network.edges.T
        nodes, edges = circuit.network.nodes, np.arange(len(self.a))
        self.incidence = np.zeros((nodes, len(edges)))
        self.incidence[self.a, edges], self.incidence[self.b, edges] = 1.0, -1.0
        self.at_a, self.at_b = self.incidence > 0, self.incidence < 0
        self.shunt, self.step_number = circuit.shunt, 0
        self.held = {**dict.fromkeys(task.ground, 0.0), **circuit.rails}
        self.warm: dict[tuple[int, bool], np.ndarray] = {}

    def settle(self, held: dict[int, float], start: np.ndarray) -> np.ndarray:
        """Newton with a cap, to 1e-6 V."""
        volts = start.copy()
        volts[list(held)] = list(held.values())
        free = np.setdiff1d(np.arange(len(volts)), list(held))
        for _ in range(100):
            current, da, db = self.law.bare(volts[self.a], volts[self.b], self.gates)
            matrix = (self.incidence * da) @ self.at_a.T + (self.incidence * db) @ self.at_b.T + np.diag(self.shunt)
            left = self.incidence @ current + self.shunt * volts
            step = np.linalg.solve(matrix[np.ix_(free, free)], -left[free])
            volts[free] += np.clip(step, -0.5, 0.5)
            if np.abs(step).max() <= 1e-6:
                break
        return volts

    def step(self) -> None:
        """One example after the other."""
        example = self.step_number % len(self.task.x_train)
        self.step_number += 1
        held = {**self.held, **dict(zip(self.task.inputs, self.task.x_train[example], strict=True))}
        cold = np.full(len(self.shunt), 0.2)
        free = self.warm[example, False] = self.settle(held, self.warm.get((example, False), cold))
        outputs = list(self.task.outputs)
        clamped = free[outputs] + self.rule.nudge * (self.task.y_train[example] - free[outputs])
        held |= dict(zip(outputs, clamped, strict=True))
        pushed = self.warm[example, True] = self.settle(held, self.warm.get((example, True), free))
        signal = 0.5 * ((pushed[self.a] - pushed[self.b]) ** 2 - (free[self.a] - free[self.b]) ** 2)
        self.gates = np.clip(self.gates - self.rule.rate / self.rule.nudge * signal, 0.4, 8.0)


def spice_step_times(circuit: cl.Circuit, task: cl.Task, gates: np.ndarray, folder: Path) -> dict[str, float]:
    """Seconds of the processor that ngspice takes for two operating points, by how it is asked; results are thrown away.

    `goes on`: one process, a source altered, from the point before. `loads anew`: one process that reads and parses the deck
    for every point, as those do who drive ngspice as a library. `starts anew`: a process for every point. Of one process
    what it takes for few points is subtracted from what it takes for many, so that its start does not count.
    """
    lines = _deck(circuit, task, gates)
    (folder / "deck.cir").write_text("\n".join([*lines, ".op", ".end"]) + "\n", encoding="utf-8")
    first, few, many = task.inputs[0], 10, 110

    def taken(deck: list[str], turns: Callable[[int], list[str]], points: int) -> float:
        control = [".control", *(line for k in range(points) for line in turns(k)), ".endc"]
        (folder / "bench.cir").write_text("\n".join([*deck, *control, ".end"]) + "\n", encoding="utf-8")
        return _processor_time("bench.cir", folder)

    ways: dict[str, tuple[list[str], Callable[[int], list[str]]]] = {
        "goes on": (lines, lambda k: [f"alter VH{first} dc = {0.1 + 0.01 * (k % 7)}", "op", "destroy all"]),
        "loads anew": (["* asks for another"], lambda k: ["source deck.cir", "op", "destroy all", "remcirc"]),
    }
    found = {
        name: 2 * min(taken(*way, many) - taken(*way, few) for _ in range(3)) / (many - few) for name, way in ways.items()
    }
    return {**found, "starts anew": 2 * min(_processor_time("deck.cir", folder) for _ in range(5))}


def _deck(circuit: cl.Circuit, task: cl.Task, gates: np.ndarray) -> list[str]:
    """The netlist of a circuit with the inputs of the last example."""
    law = circuit.laws[0]
    lines = ["* bench", ".options gmin=1e-9 numdgt=15", (
        f".model m nmos(level=1 vto={law.vto!r} gamma={law.gamma!r} phi={law.phi!r} kp={law.kp!r} lambda={law.lam!r})"
    )]  # fmt: skip
    for e, (a, b) in enumerate(circuit.network.edges):
        lines += [f"VG{e} g{e} 0 {float(gates[e])!r}", f"M{e} n{a} g{e} n{b} 0 m l={law.length!r} w={law.width!r}"]
    held = {**dict.fromkeys(task.ground, 0.0), **circuit.rails, **dict(zip(task.inputs, task.x_train[-1], strict=True))}
    return lines + [f"VH{n} n{n} 0 {float(v)!r}" for n, v in held.items()]


def _processor_time(deck: str, folder: Path) -> float:
    """Seconds of the processor of one process of ngspice: neighbours that want the same core add little to them."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(["ngspice", "-b", deck], cwd=folder, capture_output=True, timeout=120, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
