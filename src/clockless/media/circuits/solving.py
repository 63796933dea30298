"""States of a circuit outside learning: examples settle side by side, each in a lane of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from clockless.errors import ParameterError
from clockless.media.circuits import states
from clockless.numerics.lanes import width_of, zeros
from clockless.parts.kernels import call, entry


class Solved:
    """States with how they were found.

    Attributes:
        volts: [node, example].
        iterations: [example].
        settled: bool [example].
    """

    def __init__(self, volts: np.ndarray, iterations: np.ndarray, settled: np.ndarray) -> None:
        self.volts, self.iterations, self.settled = volts, iterations, settled


def _run(solver, setup, narrow, volts, free):  # type: ignore[no-untyped-def]
    call(solver, (setup, narrow, volts, free))


run: Any = entry(_run, _nrt=False)


def solved(circuit: Any, values: np.ndarray, held: np.ndarray, free: np.ndarray, start: Any = None) -> Solved:
    """Settle many states at once.

    Args:
        values: what learns [unit], or [unit, example].
        held: volts [node, example]; they count where `free` is False.
        free: bool [node, example], which nodes are not held.
        start: volts [node, ..] to begin from; without it the mean of those held.
    """
    examples, plan = held.shape[1], circuit.plan
    tile = plan.tile(examples)
    width = width_of(tile, examples)
    lane = np.minimum(np.arange(width), examples - 1)  # lanes beyond the last example repeat it
    theta = zeros(len(values), width)
    theta[:] = values[:, lane] if values.ndim == 2 else values[:, None]
    bench = plan.bench(theta)
    volts, mask = zeros(len(plan.row), width), zeros(len(plan.row), width)
    count = np.maximum((~free).sum(axis=0), 1)
    mean = np.where(free, 0.0, held).sum(axis=0) / count
    begin = np.broadcast_to(
        mean if start is None else np.asarray(start, dtype=np.float64).reshape(len(held), -1), held.shape
    )
    volts[plan.row] = np.where(free, begin, held)[:, lane]
    mask[plan.row] = free[:, lane]
    pull = states.no_pull(np.zeros((0, width), dtype=np.int64))
    solver = plan.solver(tile, bench, pull)
    bench.active[:] = 1.0
    run(solver.address, solver.setup, solver.narrow, volts, mask)
    finite = np.isfinite(volts).all(axis=0)
    return Solved(volts[plan.row][:, :examples], bench.taken[:examples].copy(), ((bench.active == 0.0) & finite)[:examples])


def settled(circuit: Any, values: np.ndarray, held: Mapping[int, Any], start: Any = None) -> np.ndarray:
    """Voltages [node], or [example, node] where something is held at [example] volts; raises if a state does not settle."""
    table = np.stack(np.broadcast_arrays(*held.values())) if held else np.zeros(0)
    single = table.ndim == 1
    examples = 1 if single else int(table.shape[-1])
    volts, free = np.zeros((circuit.network.nodes, examples)), np.ones((circuit.network.nodes, examples), dtype=bool)
    nodes = list(held)
    if nodes:
        volts[nodes] = table.reshape(len(nodes), examples)
        free[nodes] = False
    found = solved(circuit, values, volts, free, start)
    wrong = np.flatnonzero(~found.settled)
    if wrong.size:
        where = "" if single else f" of example {wrong[0]}"
        raise ParameterError(
            f"the state{where} did not settle in {circuit.iterations} iterations; most likely the circuit has none nearby: "
            "look at its laws, begin elsewhere (start=..), or allow more with Circuit(.., iterations=..)."
        )
    return found.volts[:, 0] if single else found.volts.T
