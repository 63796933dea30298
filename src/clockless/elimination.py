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
from typing import NamedTuple

import numpy as np

from clockless.lanes import TILE, Terms, compiled, subtract_products, subtract_products_of_four, terms

COLUMNS = 4  # right-hand sides that share one pass over the factor


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
    """Order by minimum degree, eliminate symbolically, and return the schedule.

    The reference is a node of highest degree: removing it saves the most fill-in. Ties are broken by node number, so
    a wiring has one schedule.
    """
    neighbours: list[set[int]] = [set() for _ in range(nodes)]
    for i, j in edges.tolist():
        neighbours[i].add(j)
        neighbours[j].add(i)
    reference = max(range(nodes), key=lambda node: (len(neighbours[node]), -node))
    for node in neighbours[reference]:
        neighbours[node].discard(reference)

    order, columns = _minimum_degree(neighbours, reference)
    n = nodes - 1
    row_of_node = np.empty(nodes, dtype=np.int64)
    row_of_node[order] = np.arange(n)
    row_of_node[reference] = n
    below = [sorted(int(row_of_node[node]) for node in column) for column in columns]
    start = n + np.concatenate([[0], np.cumsum([len(rows) for rows in below], dtype=np.int64)])
    slot = {(j, j): j for j in range(n)}
    for j, rows in enumerate(below):
        slot.update({(i, j): int(start[j]) + k for k, i in enumerate(rows)})

    updates: list[list[tuple[int, int]]] = [[] for _ in slot]
    forward: list[list[tuple[int, int]]] = [[] for _ in range(n)]
    for j, rows in enumerate(below):
        for k, b in enumerate(rows):
            forward[b].append((slot[b, j], j))
            for a in rows[k:]:
                updates[slot[a, b]].append((slot[a, j], slot[b, j]))
    ends = row_of_node[edges]
    return Schedule(
        row_of_node=row_of_node,
        start=start.astype(np.int64),
        edge_from=np.ascontiguousarray(ends[:, 0]),
        edge_to=np.ascontiguousarray(ends[:, 1]),
        edge_slot=np.array([slot.get((max(i, j), min(i, j)), -1) for i, j in ends.tolist()], dtype=np.int64),
        updates=terms(updates),
        forward=terms(forward),
        backward=terms([[(slot[i, j], i) for i in rows] for j, rows in enumerate(below)]),
    )


def _minimum_degree(neighbours: list[set[int]], reference: int) -> tuple[list[int], list[set[int]]]:
    """Eliminate nodes, fewest remaining neighbours first; return the order and each node's later neighbours."""
    heap = [(len(adjacent), node) for node, adjacent in enumerate(neighbours) if node != reference]
    heapq.heapify(heap)
    done = [False] * len(neighbours)
    done[reference] = True
    order, columns = [], []
    while heap:
        degree, node = heapq.heappop(heap)
        if done[node] or degree != len(neighbours[node]):
            continue  # an outdated entry: one with the present degree is in the heap
        done[node] = True
        later = neighbours[node]
        for other in later:
            neighbours[other] |= later
            neighbours[other] -= {other, node}
            heapq.heappush(heap, (len(neighbours[other]), other))
        order.append(node)
        columns.append(later)
    return order, columns


@compiled
def assemble(edge_from, edge_to, edge_slot, n, conductance, upper):
    """Write the reduced Laplacian of every lane into `upper`; `n` is its number of rows."""
    lanes = conductance.shape[1]
    upper[:] = 0.0
    for e in range(conductance.shape[0]):
        i = edge_from[e]
        j = edge_to[e]
        s = edge_slot[e]
        if s >= 0:
            for w in range(lanes):
                upper[i, w] += conductance[e, w]
                upper[j, w] += conductance[e, w]
                upper[s, w] = -conductance[e, w]
        else:
            kept = i if j == n else j
            for w in range(lanes):
                upper[kept, w] += conductance[e, w]


@compiled
def factor(start, updates, upper, lower):
    """Replace the Laplacian in `upper` by D and L D, and write 1/D and L into `lower`."""
    lanes = upper.shape[1]
    for j in range(start.size - 1):
        subtract_products(upper, j, updates, j, upper, lower)
        for w in range(lanes):
            lower[j, w] = 1.0 / upper[j, w]
        for s in range(start[j], start[j + 1]):
            subtract_products(upper, s, updates, s, upper, lower)
            for w in range(lanes):
                lower[s, w] = upper[s, w] * lower[j, w]


@compiled
def solve(forward, backward, lower, x):
    """Overwrite the currents in `x` by the potentials that they cause."""
    lanes = x.shape[1]
    n = forward.start.size - 1
    for base in range(0, x.shape[0] // COLUMNS, n + 1):
        for tile in range(0, lanes, TILE):
            for i in range(n):
                subtract_products_of_four(x, base + i, forward, i, lower, x, base, tile)
        for j in range(n):
            for c in range(COLUMNS):
                for w in range(lanes):
                    x[(base + j) * COLUMNS + c, w] *= lower[j, w]
        x[(base + n) * COLUMNS : (base + n + 1) * COLUMNS] = 0.0
        for tile in range(0, lanes, TILE):
            for j in range(n - 1, -1, -1):
                subtract_products_of_four(x, base + j, backward, j, lower, x, base, tile)
