"""The lane factorisation against dense algebra, for any connected wiring and any roles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numba import njit

from clockless import memory, networks
from clockless.errors import MemoryBoundError
from clockless.media.resistors.columns import inject
from clockless.numerics import elimination
from clockless.numerics.elimination import COLUMNS, assemble, factor, plan, solve
from clockless.numerics.lanes import Tile1, Tile8, Tile32, zeros

LANES, TILE = 32, Tile32()


@njit
def factorise(tile, schedule, conductance, upper, lower):
    n = schedule.start.size - 1
    assemble(tile, schedule.edge_from, schedule.edge_to, schedule.edge_slot, n, conductance, upper)
    factor(tile, schedule.start, schedule.updates, upper, lower)


@njit
def solve_in_place(tile, schedule, lower, x):
    solve(tile, schedule.forward, schedule.backward, lower, x)


@njit
def inject_and_solve(tile, schedule, lower, held, ground, x):
    inject(held, ground, schedule.row_of_node.size, x)
    solve(tile, schedule.forward, schedule.backward, lower, x)


def random_wiring(nodes: int, extra: int, rng: np.random.Generator) -> np.ndarray:
    """A random tree with up to `extra` further edges, ends and order shuffled [edge, 2]."""
    label = rng.permutation(nodes)
    pairs = {(int(rng.integers(node)), node) for node in range(1, nodes)}
    for _ in range(extra):
        i, j = sorted(rng.choice(nodes, 2, replace=False).tolist())
        pairs.add((i, j))
    edges = label[np.array(sorted(pairs))]
    flip = rng.random(len(edges)) < 0.5
    edges[flip] = edges[flip, ::-1]
    return rng.permutation(edges)


def laplacian(nodes: int, edges: np.ndarray, conductance: np.ndarray) -> np.ndarray:
    """Dense [node, node], built from the incidence matrix, which is no step of the package."""
    incidence = np.zeros((len(edges), nodes))
    incidence[np.arange(len(edges)), edges[:, 0]] = 1.0
    incidence[np.arange(len(edges)), edges[:, 1]] = -1.0
    return incidence.T @ (conductance[:, None] * incidence)


def plan_as_large(nodes, edges):
    """The schedule that a wiring would have were it a large one."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(elimination, "LARGE", 0)
        return plan(nodes, edges)


PLANS = pytest.mark.parametrize("planned", [plan, plan_as_large])


def factored(nodes, edges, conductance, planned=plan):
    schedule = planned(nodes, edges)
    slots = len(schedule.updates.start) - 1
    upper, lower = zeros(slots, LANES), zeros(slots, LANES)
    factorise(TILE, schedule, conductance, upper, lower)
    return schedule, upper, lower


def at(schedule, x, column):
    """Potentials [node, lane] of one column of the table that the engine solves."""
    rows = len(schedule.row_of_node)
    return x[(column // COLUMNS * rows + schedule.row_of_node) * COLUMNS + column % COLUMNS]


def agreement(nodes, matrix):
    """Both factorisations are backward stable: relative errors of a few n eps times the condition number."""
    eigenvalues = np.linalg.eigvalsh(matrix)
    return 50 * nodes * np.finfo(float).eps * eigenvalues[-1] / eigenvalues[1]


wirings = st.tuples(st.integers(2, 14), st.integers(0, 30), st.integers(0, 2**32 - 1))


@settings(max_examples=40)
@given(wirings, st.integers(1, 9))
def test_solves_equal_dense_ones_for_any_roles(wiring, q):
    nodes, extra, seed = wiring
    rng = np.random.default_rng(seed)
    edges = random_wiring(nodes, extra, rng)
    conductance = np.exp(rng.normal(0, 1.5, (len(edges), LANES)))
    schedule, _, lower = factored(nodes, edges, conductance)
    # In every lane other nodes take the current in and out, the reference node among them.
    ground = rng.integers(nodes, size=LANES)
    held = (ground + rng.integers(1, nodes, (q, LANES))) % nodes
    x = zeros(-(-q // COLUMNS) * COLUMNS * nodes, LANES)
    inject_and_solve(TILE, schedule, lower, schedule.row_of_node[held], schedule.row_of_node[ground], x)
    for w in range(0, LANES, 7):
        matrix = laplacian(nodes, edges, conductance[:, w])
        inverse = np.linalg.pinv(matrix, hermitian=True)
        for c in range(q):
            potential = at(schedule, x, c)[:, w]
            exact = inverse[:, held[c, w]] - inverse[:, ground[w]]
            exact -= exact[schedule.row_of_node == nodes - 1]  # the reference node is at 0
            np.testing.assert_allclose(potential, exact, rtol=0, atol=agreement(nodes, matrix) * np.abs(exact).max())


def unsolved(matrix, x, currents):
    """Largest |b - A x| of a row, in units of what rounding may leave there.

    Elimination solves (A + E) x = b exactly, with |E_ij| <= gamma_{3n+1} sqrt(a_ii a_jj) for a symmetric positive
    definite A of n rows (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., theorem 10.4,
    doi:10.1137/1.9780898718027). Adding the conductances up, here and there, and the residual itself round n more
    times each, by no more than |A||x| + |b|: 6 n + 1 roundings of eps / 2, of which 4 (n + 1) eps leaves room for the
    stored reciprocals. No condition number enters, and no second solution that would round as well.
    """
    scale = np.sqrt(np.diag(matrix))
    roundings = 4 * (len(matrix) + 1) * np.finfo(float).eps
    allowed = roundings * (scale * (scale @ np.abs(x)) + np.abs(currents))
    return (np.abs(currents - matrix @ x) / allowed).max()


@settings(max_examples=25)
@given(wirings, st.integers(1, 9))
# Currents of two nodes that almost cancel: rounded, they leave a sum that is not small beside them.
@example((2, 5, 11320), 1)
@example((2, 21, 5), 4)
def test_any_currents_can_be_solved_for(wiring, q):
    nodes, extra, seed = wiring
    rng = np.random.default_rng(seed)
    edges = random_wiring(nodes, extra, rng)
    conductance = np.exp(rng.normal(0, 1, (len(edges), LANES)))
    schedule, _, lower = factored(nodes, edges, conductance)
    currents = rng.normal(size=(q, nodes, LANES))
    currents -= currents.mean(axis=1, keepdims=True)
    x = zeros(-(-q // COLUMNS) * COLUMNS * nodes, LANES)
    for c in range(q):
        at_rows = (c // COLUMNS * nodes + schedule.row_of_node) * COLUMNS + c % COLUMNS
        x[at_rows] = currents[c]
    solve_in_place(TILE, schedule, lower, x)
    free = schedule.row_of_node < nodes - 1  # the reference node is at 0 and takes what the others leave over
    for w in range(0, LANES, 11):
        matrix = laplacian(nodes, edges, conductance[:, w])[np.ix_(free, free)]
        for c in range(q):
            potential = at(schedule, x, c)[:, w]
            assert potential[~free] == 0.0
            assert unsolved(matrix, potential[free], currents[c, free, w]) <= 1


@PLANS
@settings(max_examples=30)
@given(wiring=wirings)
def test_the_factors_multiply_to_the_reduced_laplacian(planned, wiring):
    nodes, extra, seed = wiring
    rng = np.random.default_rng(seed)
    edges = random_wiring(nodes, extra, rng)
    conductance = np.exp(rng.normal(0, 1, (len(edges), LANES)))
    schedule, upper, lower = factored(nodes, edges, conductance, planned)
    n = nodes - 1
    L, LD = np.eye(n), np.diag(upper[:n, 3])
    row_in_column = {}
    for i in range(n):  # which slot stands where follows from the forward terms
        for k in range(schedule.forward.start[i], schedule.forward.start[i + 1]):
            row_in_column[i, int(schedule.forward.right[k])] = int(schedule.forward.left[k])
    for (i, j), slot in row_in_column.items():
        L[i, j], LD[i, j] = lower[slot, 3], upper[slot, 3]
    np.testing.assert_allclose(1 / lower[:n, 3], upper[:n, 3], rtol=1e-15)
    node_of_row = np.argsort(schedule.row_of_node)
    matrix = laplacian(nodes, edges, conductance[:, 3])[np.ix_(node_of_row, node_of_row)][:n, :n]
    np.testing.assert_allclose(LD @ L.T, matrix, rtol=0, atol=50 * nodes * np.finfo(float).eps * np.abs(matrix).max())


@pytest.mark.parametrize("tile", [Tile1(), Tile8()], ids=["1", "8"])
def test_a_lane_has_the_same_bits_in_tiles_of_any_size(tile):
    """A single lane is computed four rows at a time, eight and more one row at a time."""
    rng = np.random.default_rng(4)
    network = networks.packing(30, 60, seed=1)
    conductance = np.exp(rng.normal(0, 1, (60, LANES)))
    schedule, upper, lower = factored(30, network.edges, conductance)
    held = rng.integers(1, 29, (6, LANES))
    x = zeros(2 * COLUMNS * 30, LANES)
    inject_and_solve(TILE, schedule, lower, held, np.zeros(LANES, dtype=np.int64), x)
    lanes = 1 if isinstance(tile, Tile1) else 8
    for first in (0, 3):
        few = slice(first, first + lanes)
        slots = len(upper)
        arrays = [zeros(slots, lanes), zeros(slots, lanes), zeros(len(x), lanes)]
        factorise(tile, schedule, np.ascontiguousarray(conductance[:, few]), *arrays[:2])
        inject_and_solve(
            tile, schedule, arrays[1], np.ascontiguousarray(held[:, few]), np.zeros(lanes, dtype=np.int64), arrays[2]
        )
        for array, expected in zip(arrays, (upper, lower, x), strict=True):
            np.testing.assert_array_equal(array, expected[:, few])
    assert np.abs(x).max() > 0.1


def test_the_reference_is_a_node_of_highest_degree_and_stays_at_zero():
    star = np.array([[3, 0], [1, 3], [3, 2], [4, 3], [0, 1]])
    schedule, _, lower = factored(5, star, np.ones((5, LANES)))
    assert schedule.row_of_node[3] == 4
    x = zeros(5 * COLUMNS, LANES)
    held, ground = np.full((1, LANES), 4), np.full(LANES, schedule.row_of_node[2])  # in at the reference, out at a leaf
    inject_and_solve(TILE, schedule, lower, held, ground, x)
    np.testing.assert_array_equal(at(schedule, x, 0)[3], 0.0)
    np.testing.assert_allclose(at(schedule, x, 0)[:, 5], [0, 0, -1, 0, 0], atol=1e-15)
    inject_and_solve(TILE, schedule, lower, ground[None], np.full(LANES, 4), x)  # and the other way round
    np.testing.assert_allclose(at(schedule, x, 0)[:, 5], [0, 0, 1, 0, 0], atol=1e-15)


@pytest.mark.parametrize("nodes", [2, 3, 10, 50])
def test_a_tree_fills_nothing_in(nodes):
    edges = random_wiring(nodes, 0, np.random.default_rng(nodes))
    schedule = plan(nodes, edges)
    kept = (schedule.edge_slot >= 0).sum()
    assert len(schedule.updates.start) - 1 == nodes - 1 + kept
    np.testing.assert_array_equal(schedule.edge_slot < 0, (edges == np.argmax(schedule.row_of_node)).any(axis=1))


@PLANS
def test_one_wiring_has_one_schedule(planned):
    """It is known before any role is: it follows from the wiring alone, not from the order or ends of the edges."""
    network = networks.packing(64, 143, seed=2)
    order = np.random.default_rng(0).permutation(143)
    one, other = planned(64, network.edges), planned(64, network.edges[order, ::-1])
    for field in ("row_of_node", "start"):
        np.testing.assert_array_equal(getattr(one, field), getattr(other, field))
    for field in ("updates", "forward", "backward"):
        for a, b in zip(getattr(one, field), getattr(other, field), strict=True):
            np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(one.edge_slot[order], other.edge_slot)
    np.testing.assert_array_equal(one.edge_from[order], other.edge_to)


def test_minimum_degree_keeps_the_fill_in_low():
    """The 143-edge wirings stay near the 276 stored values that the engine was designed for."""
    schedule = plan(64, networks.packing(64, 143, seed=1).edges)
    assert len(schedule.updates.start) - 1 < 350
    assert sorted(schedule.row_of_node.tolist()) == list(range(64))


def pairs(terms, target):
    span = slice(terms.start[target], terms.start[target + 1])
    return list(zip(terms.left[span].tolist(), terms.right[span].tolist(), strict=True))


@PLANS
@settings(max_examples=40)
@given(wiring=wirings)
def test_the_schedule_lists_exactly_what_elimination_in_its_order_fills_in(planned, wiring):
    """Against the textbook: each row eliminated in turn joins all rows after it that it is joined to."""
    nodes, extra, seed = wiring
    edges = random_wiring(nodes, extra, np.random.default_rng(seed))
    schedule = planned(nodes, edges)
    n = nodes - 1
    joined = np.zeros((nodes, nodes), dtype=bool)
    ends = schedule.row_of_node[edges]
    joined[ends[:, 0], ends[:, 1]] = joined[ends[:, 1], ends[:, 0]] = True
    below = []
    for j in range(n):
        rows = [i for i in range(j + 1, n) if joined[i, j]]
        joined[np.ix_(rows, rows)] = True
        below.append(rows)
    places = [(j, j) for j in range(n)] + [(i, j) for j, rows in enumerate(below) for i in rows]
    slot = {place: s for s, place in enumerate(places)}
    assert len(schedule.updates.start) - 1 == len(places)
    assert schedule.start.tolist() == [n + sum(map(len, below[:j])) for j in range(nodes)]
    for (a, b), s in slot.items():
        products = [(slot[a, j], slot[b, j]) for j in range(b) if (a, j) in slot and (b, j) in slot]
        assert pairs(schedule.updates, s) == products
    for i in range(n):
        assert pairs(schedule.forward, i) == [(slot[i, j], j) for j in range(i) if (i, j) in slot]
        assert pairs(schedule.backward, i) == [(slot[k, i], k) for k in below[i]]
    assert schedule.edge_slot.tolist() == [slot.get((max(pair), min(pair)), -1) for pair in ends.tolist()]


@PLANS
@pytest.mark.parametrize("nodes", [30, 100])
def test_descendants_in_the_elimination_tree_are_the_rows_right_before(planned, nodes):
    """A row's parent is the first row that its column stores."""
    schedule = planned(nodes, random_wiring(nodes, nodes, np.random.default_rng(nodes)))
    n = nodes - 1
    first = list(range(n))
    size = [1] * n
    for j in range(n):
        assert j - first[j] + 1 == size[j]
        above = pairs(schedule.backward, j)
        if above:
            parent = above[0][1]
            first[parent] = min(first[parent], first[j])
            size[parent] += size[j]


@pytest.mark.parametrize(
    ("network", "most"),
    [(networks.packing(), 820), (networks.lattice(16, 16), 9700), (networks.lattice(32, 32), 112_000)],
    ids=["packing", "lattice 16", "lattice 32"],
)
def test_the_best_of_several_orders_is_kept(network, most):
    """Lowest degree with ties by node number, one order of those tried, takes 854, 10782 and 132901 products."""
    assert len(plan(network.nodes, network.edges).updates.left) < most


def test_large_networks_take_less_than_nested_dissection():
    """22,500 nodes in well under a second. George 1973 (doi 10.1137/0710032): nested dissection of a k x k grid takes
    829/84 k^3 multiplications, to leading order."""
    network = networks.lattice(150, 150)
    assert len(network.edges) > elimination.LARGE
    schedule = plan(network.nodes, network.edges)
    assert 0 < len(schedule.updates.left) < 829 / 84 * 150**3
    assert schedule.updates.left.dtype == np.int32


def test_the_order_of_a_network_that_is_not_large_stays_as_it_was(monkeypatch):
    """Its bits depend on it; the largest that keeps it has `LARGE` edges."""
    monkeypatch.setattr("clockless.numerics.ordering.minimum_degree", None)
    assert elimination.LARGE == 10_000
    monkeypatch.setattr(elimination, "LARGE", 143)
    plan(64, networks.packing(64, 143).edges)
    with pytest.raises(TypeError):
        plan(64, networks.packing(64, 144).edges)


def test_what_fills_in_too_much_is_refused_before_its_lists_are_made(monkeypatch):
    """Everything joined to everything: n = 199 rows fill in all n (n - 1) / 2 places, and column j takes
    c (c + 1) / 2 products for its c = n - 1 - j places, which is (n - 1) n (n + 1) / 6 in all."""
    edges = np.array([(i, j) for i in range(200) for j in range(i)])
    assert len(plan_as_large(200, edges).updates.left) == 198 * 199 * 200 // 6
    monkeypatch.setattr(memory, "total", lambda: 10_000_000)
    with pytest.raises(
        MemoryBoundError, match=r"200 nodes, which fills in 19,701 places and takes 1,313,400 products, needs"
    ):
        plan_as_large(200, edges)
