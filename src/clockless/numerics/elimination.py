"""A wiring's elimination schedule, and the factorisation and solves that follow it in lanes.

The wiring never changes while a network learns; only conductances do. So the order of elimination, the fill-in and the
list of products are worked out once (`plan`), and the numeric phase runs over flat integer lists with replicas
('lanes') next to each other in memory.

The schedule knows nothing of inputs, outputs or ground: it factors the weighted Laplacian with one *reference* node
removed, A = L D L^T, and solutions are potentials up to a constant. Which nodes are held is decided per lane
afterwards, by combining columns of the inverse.

Arrays: `conductance` [edge, lane]; `upper` (D and L D) and `lower` (1/D and L) [slot, lane], the n diagonal slots
first, then the below-diagonal slots column by column; right-hand sides and solutions `x`
[(group * (n + 1) + row) * 4 + k, lane] for column 4 group + k, where row n is the reference node and stays 0. Columns are
solved four at a time, which reads every factor once for the four.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import chain
from typing import NamedTuple

import numpy as np

from clockless.numerics import ordering
from clockless.numerics.lanes import size, uncounted
from clockless.numerics.rows import Terms, add, clear, invert, multiply, negate, subtract_products, subtract_products_of_four

COLUMNS = 4  # right-hand sides that share one pass over the factor
LARGE = 10_000  # edges; beyond, the order is SuperLU's: found in this way it takes seconds, and minutes soon after
_SMALL = 600  # edges; up to here least fill is tried as well, which is slow where nodes have many neighbours

_Neighbours = dict[int, set[int]]  # of nodes that are not eliminated yet
_Columns = dict[int, set[int]]  # each node's later neighbours, in the order of elimination
_Measure = Callable[[_Neighbours, int], int]  # what it takes to eliminate a node now


class Schedule(NamedTuple):
    """Integer lists that say how to factor the Laplacian of one wiring. Rows are positions in the elimination order."""

    row_of_node: np.ndarray  # [node]; the reference node has row n
    start: np.ndarray  # [n + 1] first below-diagonal slot of each column
    edge_from: np.ndarray  # [edge] row of an end
    edge_to: np.ndarray  # [edge] row of the other end
    edge_slot: np.ndarray  # [edge] slot of -conductance, or -1 when one end is the reference
    updates: Terms  # per slot: products upper x lower that the elimination subtracts
    forward: Terms  # per row i: L[i, j] (lower) times row j
    backward: Terms  # per row j: L[i, j] (lower) times row i


def plan(nodes: int, edges: np.ndarray) -> Schedule:
    """Choose an order of elimination, work out what it fills in, and return the schedule.

    Every choice depends on node numbers only, not on the order or ends of the edges, so a wiring has one schedule. The order
    of elimination decides about rounding: up to `LARGE` edges it is found here, beyond in `ordering`.

    Raises:
        MemoryBoundError: the lists of a large network do not fit into this machine's memory.
    """
    n, large = nodes - 1, len(edges) > LARGE
    row_of_node, pattern = (_ordered_large if large else _ordered)(nodes, edges)
    ends = row_of_node[edges]
    low, high = ends.min(axis=1), ends.max(axis=1)
    slot = n + np.arange(len(pattern.row))
    forward = _terms(n, pattern.row, slot, pattern.column)
    return Schedule(
        row_of_node=row_of_node,
        start=pattern.start(),
        edge_from=np.ascontiguousarray(ends[:, 0]),
        edge_to=np.ascontiguousarray(ends[:, 1]),
        edge_slot=np.where(high == n, -1, pattern.slots(high, low)),
        updates=ordering.products(n, ordering.Fill(pattern.start() - n, pattern.row), forward)
        if large
        else _updates(pattern),
        forward=forward,
        backward=_terms(n, pattern.column, slot, pattern.row),
    )


def _ordered(nodes: int, edges: np.ndarray) -> tuple[np.ndarray, _Pattern]:
    """Rows of the nodes, and where L has values then."""
    reference, neighbours = _without_reference(nodes, edges)
    columns = _fewest_products(neighbours)
    row_of_node = _postorder(columns, reference)
    return row_of_node, _pattern(columns, row_of_node)


def _ordered_large(nodes: int, edges: np.ndarray) -> tuple[np.ndarray, _Pattern]:
    """The same for a large network; the first node of highest degree is the reference here, too."""
    n, reference = nodes - 1, int(np.argmax(np.bincount(edges.ravel(), minlength=nodes)))
    others = np.delete(np.arange(nodes), reference)
    number = np.full(nodes, -1)
    number[others] = np.arange(n)
    between = number[edges[(edges != reference).all(axis=1)]]
    rank = ordering.minimum_degree(n, between)
    rank = ordering.postorder(n, ordering.fill(n, rank[between], nodes))[rank]
    found = ordering.fill(n, rank[between], nodes)
    row_of_node = np.full(nodes, n)
    row_of_node[others] = rank
    return row_of_node, _Pattern(n, np.repeat(np.arange(n), np.diff(found.start)), found.row)


def _without_reference(nodes: int, edges: np.ndarray) -> tuple[int, _Neighbours]:
    """Pick the first node of highest degree as reference, as removing it saves the most fill-in, and join the others."""
    neighbours: _Neighbours = {node: set() for node in range(nodes)}
    for i, j in edges.tolist():
        neighbours[i].add(j)
        neighbours[j].add(i)
    reference = max(neighbours, key=lambda node: (len(neighbours[node]), -node))
    for node in neighbours.pop(reference):
        neighbours[node].discard(reference)
    return reference, neighbours


class _Pattern(NamedTuple):
    """Where L has below-diagonal values, in the order of their slots: column by column, rows ascending."""

    n: int
    column: np.ndarray
    row: np.ndarray

    def start(self) -> np.ndarray:
        """First below-diagonal slot of each column, and the end of the last."""
        return self.n + _offsets(self.column, self.n)

    def slots(self, row: np.ndarray, column: np.ndarray) -> np.ndarray:
        """Slots of places on or below the diagonal; the places must be stored."""
        below = np.searchsorted(self.column * (self.n + 1) + self.row, column * (self.n + 1) + row)
        return np.where(row == column, row, self.n + below)


def _pattern(columns: _Columns, row_of_node: np.ndarray) -> _Pattern:
    """Renumber the nodes of all columns by row and sort them into slots."""
    column = np.repeat(row_of_node[list(columns)], [len(later) for later in columns.values()])
    row = row_of_node[np.fromiter(chain.from_iterable(columns.values()), np.int64)]
    sort = np.lexsort((row, column))
    return _Pattern(len(columns), column[sort], row[sort])


def _updates(pattern: _Pattern) -> Terms:
    """List, per slot (a, b), the products of slots (a, j) and (b, j) over all columns j that store both."""
    slot = pattern.n + np.arange(len(pattern.row))
    partners = pattern.start()[pattern.column + 1] - slot  # each value meets itself and those below it in its column
    right = np.repeat(slot, partners)
    left = right + np.arange(len(right)) - np.repeat(np.cumsum(partners) - partners, partners)
    target = pattern.slots(pattern.row[left - pattern.n], pattern.row[right - pattern.n])
    return _terms(pattern.n + len(slot), target, left, right)


def _terms(targets: int, target: np.ndarray, left: np.ndarray, right: np.ndarray) -> Terms:
    """Gather products by their target; those of one target keep their order, and with it the rounding of their sum."""
    sort = np.argsort(target, kind="stable")
    return Terms(_offsets(target, targets), left[sort], right[sort])


def _offsets(group: np.ndarray, groups: int) -> np.ndarray:
    """Where each group begins in a list sorted by group, and where the last one ends."""
    return np.concatenate([[0], np.cumsum(np.bincount(group, minlength=groups))]).astype(np.int64)


def _fewest_products(neighbours: _Neighbours) -> _Columns:
    """Try several greedy orders, as none is best for every wiring, and keep the one with the fewest products.

    Least fill mostly beats least degree, by up to a quarter, but is tried in small networks only.
    """
    edges = sum(len(around) for around in neighbours.values()) // 2
    measures: list[_Measure] = [_degree, _fill] if edges <= _SMALL else [_degree]
    candidates = [_eliminate(neighbours, measure, ties) for measure in measures for ties in (0, 1, -1)]
    return min(candidates, key=lambda columns: sum(len(later) * (len(later) + 1) for later in columns.values()))


def _degree(neighbours: _Neighbours, node: int) -> int:
    """Number of neighbours: about the square of it is what eliminating the node costs."""
    return len(neighbours[node])


def _fill(neighbours: _Neighbours, node: int) -> int:
    """Twice the number of pairs that eliminating the node joins."""
    around = neighbours[node]
    return sum(len(around - neighbours[other]) - 1 for other in around)


def _eliminate(neighbours: _Neighbours, measure: _Measure, ties: int) -> _Columns:
    """Eliminate the node of least measure until none is left.

    Among equals the first is the one that changed longest ago (`ties` 1), latest (-1), or has the lowest number (0, and
    between nodes that never changed). Longest ago goes round the whole wiring, which fills in much less of a lattice.
    """
    neighbours = {node: set(around) for node, around in neighbours.items()}
    present = {node: (measure(neighbours, node), 0, node) for node in neighbours}
    heap = sorted(present.values())
    clock = 0
    columns: _Columns = {}
    while heap:
        entry = heapq.heappop(heap)
        node = entry[-1]
        if present.get(node) != entry:
            continue  # outdated: the node is gone or has a newer entry
        del present[node]
        later = columns[node] = neighbours.pop(node)
        for other in later:
            neighbours[other] |= later
            neighbours[other] -= {other, node}
        # The fill of a neighbour's neighbour changes too, where the elimination joined two of its neighbours.
        touched = later if measure is _degree else later.union(*(neighbours[other] for other in later))
        for other in sorted(touched):
            value = measure(neighbours, other)
            if other in later or value != present[other][0]:
                clock += 1
                present[other] = (value, ties * clock, other)
                heapq.heappush(heap, present[other])
    return columns


def _postorder(columns: _Columns, reference: int) -> np.ndarray:
    """Number the nodes anew, children of the elimination tree right before their parent; return rows by node.

    A node's parent is the first of its later neighbours; any order of children before parents fills in the same. In
    this one columns that meet in a product lie close together in memory. The reference is the root.
    """
    n = len(columns)
    rank = {node: k for k, node in enumerate(columns)}
    parent = {node: min(later, key=rank.__getitem__, default=reference) for node, later in columns.items()}
    size = dict.fromkeys([*columns, reference], 1)
    for node in columns:
        size[parent[node]] += size[node]
    row_of_node = np.empty(n + 1, dtype=np.int64)
    row_of_node[reference] = n
    free = {reference: n - 1}  # the last row not yet taken below each node; a subtree takes `size` of them
    for node in reversed(columns):
        row_of_node[node] = free[parent[node]]
        free[parent[node]] -= size[node]
        free[node] = row_of_node[node] - 1
    return row_of_node


@uncounted
def assemble(tile, edge_from, edge_to, edge_slot, n, conductance, upper):
    """Write the reduced Laplacian of every lane into `upper`; `n` is its number of rows."""
    clear(upper, 0, upper.shape[0])
    for e in range(conductance.shape[0]):
        if edge_from[e] != n:
            add(tile, upper, edge_from[e], conductance, e)
        if edge_to[e] != n:
            add(tile, upper, edge_to[e], conductance, e)
        if edge_slot[e] >= 0:
            negate(tile, upper, edge_slot[e], conductance, e)


@uncounted
def factor(tile, start, updates, upper, lower):
    """Replace the Laplacian in `upper` by D and L D, and write 1/D and L into `lower`."""
    lanes = upper.shape[1]
    for j in range(start.size - 1):
        for lane in range(0, lanes, size(tile)):
            subtract_products(tile, upper, j, updates, j, upper, lower, 0, lane)
        invert(tile, lower, j, upper, j)
        for s in range(start[j], start[j + 1]):
            for lane in range(0, lanes, size(tile)):
                subtract_products(tile, upper, s, updates, s, upper, lower, 0, lane)
            multiply(tile, lower, s, upper, s, lower, j)


@uncounted
def solve(tile, forward, backward, lower, x):
    """Overwrite the currents in `x` by the potentials that they cause."""
    lanes = x.shape[1]
    n = forward.start.size - 1
    for base in range(0, x.shape[0] // COLUMNS, n + 1):
        for lane in range(0, lanes, size(tile)):
            for i in range(n):
                subtract_products_of_four(tile, x, base + i, forward, i, lower, x, base, lane)
        for j in range(n):
            for row in range((base + j) * COLUMNS, (base + j + 1) * COLUMNS):
                multiply(tile, x, row, x, row, lower, j)
        clear(x, (base + n) * COLUMNS, (base + n + 1) * COLUMNS)
        for lane in range(0, lanes, size(tile)):
            for j in range(n - 1, -1, -1):
                subtract_products_of_four(tile, x, base + j, backward, j, lower, x, base, lane)
