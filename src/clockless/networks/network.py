"""A wiring: which node is joined to which, and where the nodes lie; nothing else.

Edges are [edge, 2] of node numbers, positions [node, 2] if known. Resistances, roles of nodes and currents belong to media
and tasks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from clockless import memory
from clockless.errors import NetworkError, real_array, shown, whole
from clockless.seen import Seen

if TYPE_CHECKING:
    pass


_BYTES_EACH = 160  # that making and checking takes per edge or node, at its highest


def check_size(what: str, nodes: int, edges: int) -> None:
    """MemoryBoundError if a network of so many nodes and edges does not fit into this machine's memory."""
    memory.check(_BYTES_EACH * (int(nodes) + int(edges)), f"{what}, {edges:,} edges,", "ask for fewer")


class Network(Seen):
    """An undirected, connected wiring without self-loops or doubled edges.

    Args:
        edges: pairs of node numbers [edge, 2]; nodes are numbered from 0 without gaps.
        positions: coordinates [node, 2] in any length unit, for drawing only.

    Attributes:
        edges: pairs of node numbers, int64 [edge, 2], as given; cannot be written.
        nodes: number of nodes.
        positions: coordinates, float64 [node, 2], cannot be written; None if not given.

    Raises:
        NetworkError: no edges, a self-loop, a doubled edge, a gap in the numbering, several parts, or positions that
            do not fit.
    """

    _card = "network"

    def __init__(self, edges: Any, positions: Any = None) -> None:
        self.edges = _checked_edges(edges)
        self.nodes = int(self.edges.max()) + 1
        self.positions = None if positions is None else _checked_positions(positions, self.nodes)
        _check_wiring(self.edges, self.nodes)
        self.edges.setflags(write=False)

    @property
    def degrees(self) -> np.ndarray:
        """Number of edges at each node [node]."""
        return np.bincount(self.edges.ravel(), minlength=self.nodes)

    def without(self, edge: int) -> Network:
        """The network with one edge cut out; edges after it move up by one, nodes keep their numbers.

        Raises:
            NetworkError: no such edge, or the network would fall apart.
        """
        if whole("edge", edge) >= len(self.edges):
            raise NetworkError(f"edge {edge} does not exist; the network's edges go from 0 to {len(self.edges) - 1}.")
        ends = self.edges[edge]
        if (self.degrees[ends] == 1).any():
            raise NetworkError(f"edge {edge} is the only one of node {ends[np.argmin(self.degrees[ends])]}; cut another.")
        return Network(np.delete(self.edges, edge, axis=0), self.positions)

    def __eq__(self, other: object) -> bool:
        """The same edges in the same order, whichever end is named first, and the same positions."""
        if not isinstance(other, Network):
            return NotImplemented
        if self.positions is None or other.positions is None:
            same_places = self.positions is other.positions
        else:
            same_places = np.array_equal(self.positions, other.positions)
        return same_places and np.array_equal(np.sort(self.edges, axis=1), np.sort(other.edges, axis=1))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Network({self.nodes} nodes, {len(self.edges)} edges)"


def _checked_edges(edges: Any) -> np.ndarray:
    if hasattr(edges, "adjacency"):
        raise NetworkError(f"edges = {shown(edges)} is a graph of networkx; give it to networks.from_networkx.")
    try:
        table = np.array(edges)
    except (ValueError, OverflowError):
        raise NetworkError(f"edges = {shown(edges)} are not a table; give pairs of node numbers, [edge, 2].") from None
    if table.size == 0:
        raise NetworkError("the network is empty: it has no edges; give at least one pair of node numbers.")
    if table.ndim != 2 or table.shape[1] != 2:
        raise NetworkError(f"edges have shape {table.shape}; they must be pairs of node numbers, [edge, 2].")
    if table.dtype.kind not in "iuf" or not np.array_equal(table, np.floor(table)):
        raise NetworkError(f"edges hold {table.dtype} values; node numbers must be whole numbers from 0.")
    if table.min() < 0:
        raise NetworkError(f"edge {int(np.argmin(table.min(axis=1)))} names node {table.min()}; node numbers start at 0.")
    # Before any array as long as the largest node number is made: edges (0, 10**12) must give a sentence, not a crash.
    used = np.unique(table)
    gaps = np.flatnonzero(used != np.arange(used.size))
    if gaps.size:
        raise NetworkError(f"node {gaps[0]} has no edge, but numbers go up to {used[-1]}; number nodes from 0 without gaps.")
    return np.ascontiguousarray(table, dtype=np.int64)


def _check_wiring(edges: np.ndarray, nodes: int) -> None:
    loops = np.flatnonzero(edges[:, 0] == edges[:, 1])
    if loops.size:
        raise NetworkError(f"edge {loops[0]} joins node {edges[loops[0], 0]} to itself; remove the self-loop.")
    pairs, counts = np.unique(np.sort(edges, axis=1), axis=0, return_counts=True)
    if (counts > 1).any():
        i, j = pairs[counts > 1][0]
        raise NetworkError(f"nodes {i} and {j} are joined more than once; merge the parallel edges into one.")
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    parts, label = connected_components(
        coo_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(nodes, nodes)), directed=False
    )
    if parts > 1:
        apart = int(np.flatnonzero(label != label[0])[0])
        raise NetworkError(f"the network is in {parts} parts: no path joins node {apart} to node 0; add edges or split it.")


def _checked_positions(positions: Any, nodes: int) -> np.ndarray:
    try:
        places = real_array(positions)
    except ValueError:
        raise NetworkError(f"positions = {shown(positions)} are not numbers; give coordinates as [node, 2].") from None
    if places.shape != (nodes, 2):
        raise NetworkError(f"positions have shape {places.shape}, but the edges name {nodes} nodes; give [{nodes}, 2].")
    if not np.isfinite(places).all():
        wrong = int(np.argwhere(~np.isfinite(places))[0, 0])
        raise NetworkError(f"the position of node {wrong} is not finite; give its coordinates, or no positions at all.")
    places.setflags(write=False)
    return places
