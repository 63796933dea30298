"""Factor a lattice and solve four right-hand sides: the engine's lanes against SuperLU, one replica at a time.

Both order by minimum degree and both keep the matrix symmetric. SuperLU gets its matrix ready-made, ours is assembled
from conductances within the time; SciPy offers no way to keep SuperLU's ordering for the next conductances, ours is
worked out once (`plan`, not timed). `against preordered` in extra_info is SuperLU's time with its ordering given.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from numba import njit
from scipy.sparse import csc_array
from scipy.sparse.linalg import splu

from clockless import networks
from clockless.media.resistors.medium import Resistors
from clockless.numerics.elimination import COLUMNS, Schedule, assemble, factor, plan, solve
from clockless.numerics.lanes import Tile32, zeros
from measuring import fastest, fastest_benched, store

LANES = 32


class Arrays(NamedTuple):
    conductance: np.ndarray  # [edge, lane]
    currents: np.ndarray  # [row * COLUMNS + column, lane]
    upper: np.ndarray
    lower: np.ndarray
    potential: np.ndarray


@njit(error_model="numpy")
def _factor_and_solve(tile, schedule, arrays):
    n = schedule.start.size - 1
    assemble(tile, schedule.edge_from, schedule.edge_to, schedule.edge_slot, n, arrays.conductance, arrays.upper)
    factor(tile, schedule.start, schedule.updates, arrays.upper, arrays.lower)
    arrays.potential[:] = arrays.currents
    solve(tile, schedule.forward, schedule.backward, arrays.lower, arrays.potential)


def _splu(matrix: csc_array, order: str = "MMD_AT_PLUS_A"):
    return splu(matrix, permc_spec=order, diag_pivot_thresh=0, options={"SymmetricMode": True})


def _arrays(schedule: Schedule) -> Arrays:
    rng = np.random.default_rng(1)
    nodes, edges, slots = len(schedule.row_of_node), len(schedule.edge_from), len(schedule.updates.start) - 1
    conductance, currents = zeros(edges, LANES), zeros(nodes * COLUMNS, LANES)
    conductance[:] = rng.uniform(0.1, 1.0, conductance.shape)
    currents[:-COLUMNS] = rng.normal(size=(len(currents) - COLUMNS, 1))
    return Arrays(conductance, currents, zeros(slots, LANES), zeros(slots, LANES), zeros(nodes * COLUMNS, LANES))


def _preordered(matrix: csc_array, rhs: np.ndarray, order: np.ndarray, rounds: int) -> float:
    """SuperLU's time if its own ordering (a permutation perm_c, column j goes to order[j]) were free."""
    back = np.argsort(order)
    matrix, rhs = csc_array(matrix[back][:, back]), rhs[back]
    return fastest(lambda: _splu(matrix, "NATURAL").solve(rhs), rounds)


@pytest.mark.parametrize("side", [8, 16, 32, 64])
def test_lattice(benchmark, side):
    network = networks.lattice(side, side)
    schedule = plan(network.nodes, network.edges)
    arrays = _arrays(schedule)
    nodes = np.argsort(schedule.row_of_node)[:-1]  # in elimination order, without the reference
    nodes.sort()
    rows = schedule.row_of_node[nodes]
    laplacian = Resistors(network).laplacian(arrays.conductance[:, 0])
    matrix = csc_array(laplacian[nodes][:, nodes])
    rhs = arrays.currents[:, 0].reshape(-1, COLUMNS)[rows]
    rounds = max(5, 4096 // network.nodes * 5)

    ours = fastest_benched(benchmark, lambda: _factor_and_solve(Tile32(), schedule, arrays), rounds) / LANES
    theirs = fastest(lambda: _splu(matrix).solve(rhs), rounds)
    factored = _splu(matrix)
    np.testing.assert_allclose(arrays.potential[:, 0].reshape(-1, COLUMNS)[rows], factored.solve(rhs), rtol=0, atol=1e-8)
    ratio = store(
        benchmark, "factor and solve 4 columns", f"lattice {side} x {side}; {LANES} lanes", ours, theirs,
        "SciPy SuperLU, minimum degree", preordered=_preordered(matrix, rhs, factored.perm_c, rounds),
        stored=len(arrays.upper), stored_by_superlu=factored.L.nnz,
    )  # fmt: skip
    assert ratio > 1
