"""Disordered contact networks in 2-D: soft discs pushed apart, joined where they nearly touch.

Discs of two sizes (radius ratio 1.4, the usual remedy against crystals) start at random places in a square box and are
pushed apart while they overlap. Contacts are candidates in order of the gap between two discs' rims, Delaunay
neighbours first, so that the network is near-planar; pruning then reaches the asked number of edges.
"""

from __future__ import annotations

import numpy as np

from clockless import memory

_RADII = (0.45, 0.63)  # ratio 1.4; together they fill the unit area per disc to about 0.94
_SWEEPS = 200
_PAIR_BYTES = 170  # in a list of all pairs, sorted


def contact_network(nodes: int, edges: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Edges [edge, 2] and positions [node, 2] of a connected network with exactly these counts.

    Every node gets degree >= 3 if edges >= 3 nodes / 2 (nodes > 3); with fewer edges the floor is lowered to 2, then 1.
    """
    if edges > 3 * nodes:  # more than Delaunay neighbours
        _check_pairs(nodes, edges)
    rng = np.random.default_rng(seed)
    radius = rng.permutation(np.where(np.arange(nodes) % 2, *_RADII))
    positions = _relaxed(rng.random((nodes, 2)) * np.sqrt(nodes), radius, np.sqrt(nodes))
    wiring = _Wiring(positions, radius)
    wiring.fill(edges)
    wiring.prune(edges)
    return np.array(sorted(wiring.pairs()), dtype=np.int64), positions


def _check_pairs(nodes: int, edges: int) -> None:
    count = nodes * (nodes - 1) // 2
    memory.check(_PAIR_BYTES * count, f"a packing of {nodes:,} nodes and {edges:,} edges,", "ask for fewer edges")


def _relaxed(positions: np.ndarray, radius: np.ndarray, side: float) -> np.ndarray:
    """Push overlapping discs apart, each pair by half its overlap times a step, within the box."""
    for _ in range(_SWEEPS):
        from scipy.spatial import cKDTree

        pairs = cKDTree(positions).query_pairs(2 * max(_RADII), output_type="ndarray")
        apart = positions[pairs[:, 0]] - positions[pairs[:, 1]]
        distance = np.maximum(np.linalg.norm(apart, axis=1), 1e-12)
        overlap = np.maximum(radius[pairs].sum(axis=1) - distance, 0.0)
        push = (0.4 * overlap / distance)[:, None] * apart
        move = np.zeros_like(positions)
        np.add.at(move, pairs[:, 0], push)
        np.add.at(move, pairs[:, 1], -push)
        positions = np.clip(positions + move, 0.0, side)
    return positions


class _Wiring:
    """Neighbour sets that grow to at least, then shrink to exactly, a number of edges."""

    def __init__(self, positions: np.ndarray, radius: np.ndarray) -> None:
        self.positions, self.radius = positions, radius
        self.nodes = len(positions)
        self.near: list[set[int]] = [set() for _ in range(self.nodes)]
        self.count = 0
        for i, j in _delaunay_pairs(positions):
            self.join(i, j)

    def pairs(self) -> list[tuple[int, int]]:
        return [(i, j) for i in range(self.nodes) for j in self.near[i] if i < j]

    def gap(self, pair: tuple[int, int]) -> float:
        i, j = pair
        return float(np.hypot(*(self.positions[i] - self.positions[j])) - self.radius[i] - self.radius[j])

    def join(self, i: int, j: int) -> None:
        self.count += j not in self.near[i]
        self.near[i].add(j)
        self.near[j].add(i)

    def part(self, i: int, j: int) -> None:
        self.count -= j in self.near[i]
        self.near[i].discard(j)
        self.near[j].discard(i)

    def fill(self, edges: int) -> None:
        """Join each node to its closest until it has three neighbours, then the closest pairs until there are enough."""
        for i in range(self.nodes):
            if len(self.near[i]) < 3:
                others = [j for j in range(self.nodes) if j != i and j not in self.near[i]]
                for j in sorted(others, key=lambda j: self.gap((i, j)))[: 3 - len(self.near[i])]:
                    self.join(i, j)
        if self.count < edges:
            _check_pairs(self.nodes, edges)
            absent = [(i, j) for i in range(self.nodes) for j in range(i + 1, self.nodes) if j not in self.near[i]]
            for i, j in sorted(absent, key=self.gap)[: edges - self.count]:
                self.join(i, j)

    def prune(self, edges: int) -> None:
        """Remove the widest gaps while both ends keep the floor of neighbours and the network stays in one part."""
        for floor in (3, 2, 1):
            self._remove_widest(edges, floor)
            while self.count > edges and self._shorten_by_exchange(floor):
                self._remove_widest(edges, floor)

    def _remove_widest(self, edges: int, floor: int) -> None:
        for i, j in sorted(self.pairs(), key=self.gap, reverse=True):
            if self.count == edges:
                return
            if len(self.near[i]) > floor and len(self.near[j]) > floor:
                self._remove_unless_bridge(i, j)

    def _remove_unless_bridge(self, i: int, j: int) -> bool:
        self.part(i, j)
        if self._joined(i, j):
            return True
        self.join(i, j)
        return False

    def _shorten_by_exchange(self, floor: int) -> bool:
        """Remove u-a and b-v, join a-b: one edge fewer, taken from two nodes u, v that have more than the floor.

        Needed where every removable edge has one end at the floor.
        """
        spare = [u for u in range(self.nodes) if len(self.near[u]) > floor]
        options = [
            (self.gap((a, b)), u, a, b, v)
            for u in spare
            for v in spare
            if u < v or (u == v and len(self.near[u]) > floor + 1)
            for a in self.near[u]
            for b in self.near[v]
            if a != b and b not in self.near[a] and a != v and b != u
        ]
        for _, u, a, b, v in sorted(options):
            self.part(u, a)
            self.part(b, v)
            self.join(a, b)
            if self._joined(u, a) and self._joined(b, v):
                return True
            self.part(a, b)
            self.join(u, a)
            self.join(b, v)
        return False

    def _joined(self, i: int, j: int) -> bool:
        """Whether a path joins i to j, searched from both by breadth."""
        seen, front = {i}, [i]
        while front:
            front = [k for node in front for k in self.near[node] if k not in seen and not seen.add(k)]  # type: ignore[func-returns-value]
            if j in seen:
                return True
        return False


def _delaunay_pairs(positions: np.ndarray) -> set[tuple[int, int]]:
    if len(positions) < 4:
        return {(i, j) for i in range(len(positions)) for j in range(i + 1, len(positions))}
    try:
        from scipy.spatial import Delaunay, QhullError

        triangles = Delaunay(positions).simplices
    except QhullError:  # all discs on one line
        order = np.lexsort(positions.T)
        triangles = np.column_stack([order[:-2], order[1:-1], order[2:]])
    ends = np.sort(np.vstack([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [0, 2]]]), axis=1)
    return {(int(i), int(j)) for i, j in ends}
