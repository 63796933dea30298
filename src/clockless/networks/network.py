"""Wirings: which node is joined to which, and where the nodes lie; nothing else.

A `Network` has edges [edge, 2] of node numbers and, if known, positions [node, 2]. Resistances, roles of nodes and
currents belong to media and tasks. Builders draw the wirings that the papers use; readers and writers speak networkx,
GraphML and CSV.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from clockless.errors import NetworkError, OutputError, real_array, shown, whole
from clockless.networks.packings import contact_network

if TYPE_CHECKING:
    import networkx


class Network:
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


# --- builders --------------------------------------------------------------------------------------------


def packing(nodes: int = 64, edges: int = 143, seed: int = 1) -> Network:
    """A disordered, near-planar contact network in 2-D, like that of a jammed packing of soft discs.

    The default has the counts of the 143-edge network of Wycoff et al. 2022 (doi 10.1063/5.0084631); its wiring is not
    public. Every node has degree >= 3 where the counts allow it (see `packings.contact_network`).

    Raises:
        NetworkError: fewer than 2 nodes, or a number of edges that no simple connected network of that size has.
        ParameterError: nodes, edges or seed not whole numbers.
    """
    nodes, edges, seed = whole("nodes", nodes), whole("edges", edges), whole("seed", seed)
    if nodes < 2:
        raise NetworkError(f"a packing of {nodes} nodes has no contacts; ask for at least 2 nodes.")
    if not nodes - 1 <= edges <= nodes * (nodes - 1) // 2:
        raise NetworkError(
            f"{nodes} nodes cannot be joined by {edges} edges; "
            f"a connected network without doubled edges has {nodes - 1} to {nodes * (nodes - 1) // 2}."
        )
    return Network(*contact_network(nodes, edges, seed))


def board16() -> Network:
    """Sixteen edges on nine nodes, the counts of the board of Wycoff et al. 2022 (doi 10.1063/5.0084631).

    NOTE: the board's wiring is not public. Taken here: a 3 x 3 square grid (12 edges) with one diagonal in each of its
    four cells, all in the same direction, which is a patch of the triangular lattice.
    """
    grid = lattice(3, 3)
    diagonals = [(3 * row + column, 3 * (row + 1) + column + 1) for row in range(2) for column in range(2)]
    return Network(np.vstack([grid.edges, diagonals]), grid.positions)


def lattice(rows: int, columns: int, periodic: bool = False) -> Network:
    """Square lattice; node `row * columns + column` sits at (column, -row). `periodic` closes it to a torus.

    Raises:
        NetworkError: fewer than 2 nodes, or a periodic side shorter than 3, whose closing edge would double another.
        ParameterError: rows or columns not whole numbers.
    """
    rows, columns = whole("rows", rows), whole("columns", columns)
    if rows * columns < 2:
        raise NetworkError(f"a lattice of {rows} x {columns} nodes has no edges; ask for at least 2 nodes.")
    if periodic and min(rows, columns) < 3:
        raise NetworkError(f"a periodic lattice of {rows} x {columns} would double edges; its sides must be 3 or longer.")
    number = np.arange(rows * columns).reshape(rows, columns)
    if periodic:
        right, below = np.roll(number, -1, axis=1), np.roll(number, -1, axis=0)
        pairs = [np.stack([number, other], axis=-1).reshape(-1, 2) for other in (right, below)]
    else:
        pairs = [
            np.stack([number[:, :-1], number[:, 1:]], axis=-1).reshape(-1, 2),
            np.stack([number[:-1], number[1:]], axis=-1).reshape(-1, 2),
        ]
    row, column = np.divmod(number.ravel(), columns)
    return Network(np.vstack(pairs), np.column_stack([column, -row]))


# --- readers and writers ---------------------------------------------------------------------------------


def from_networkx(graph: networkx.Graph) -> Network:
    """Number nodes in sorted order of their labels if these are whole numbers, else in the graph's order.

    Edges are ordered by their attribute `edge` where all have it. Positions are taken from the node attributes `x` and `y`,
    or `pos`, where every node has them.
    """
    import networkx

    if not isinstance(graph, networkx.Graph):
        raise NetworkError(f"{shown(graph)} is not a networkx graph; make one, or give pairs of node numbers to Network.")
    if graph.is_directed():
        raise NetworkError("the graph is directed, but currents flow both ways; convert it with graph.to_undirected().")
    labels = list(graph.nodes)
    if all(isinstance(label, (int, np.integer)) for label in labels):
        labels.sort()
    number = {label: index for index, label in enumerate(labels)}
    alone = [label for label in labels if graph.degree(label) == 0]
    if alone:
        raise NetworkError(f"node {shown(alone[0])} has no edge; join it or remove it.")
    pairs = list(graph.edges(data="edge"))
    if all(isinstance(order, (int, np.integer)) for *_, order in pairs):
        pairs.sort(key=lambda pair: pair[2])
    return Network([(number[i], number[j]) for i, j, _ in pairs], _positions_of(graph, labels))


def _positions_of(graph: networkx.Graph, labels: list) -> list | None:
    attributes = [graph.nodes[label] for label in labels]
    if attributes and all("x" in a and "y" in a for a in attributes):
        return [[a["x"], a["y"]] for a in attributes]
    if attributes and all("pos" in a for a in attributes):
        return [a["pos"] for a in attributes]
    return None


def to_networkx(network: Network) -> networkx.Graph:
    """A networkx graph with node attributes `x`, `y` (if positions are known) and the edge number as `edge`."""
    import networkx

    graph = networkx.Graph()
    for node in range(network.nodes):
        place = {} if network.positions is None else dict(zip("xy", network.positions[node].tolist(), strict=True))
        graph.add_node(node, **place)
    for edge, (i, j) in enumerate(network.edges.tolist()):
        graph.add_edge(i, j, edge=edge)
    return graph


def read_graphml(path: str | os.PathLike) -> Network:
    """Read the undirected graph of a GraphML file; `write_graphml` and networkx write such files.

    Nodes are numbered by their labels where these are whole numbers, edges by the attribute `edge` where they have one.

    Raises:
        NetworkError: the file cannot be read, is not GraphML, or does not describe a network.
    """
    import zlib
    from xml.etree.ElementTree import ParseError

    import networkx

    unreadable = (ParseError, networkx.NetworkXException, LookupError, ValueError, TypeError, AttributeError)
    try:
        graph = networkx.read_graphml(path)
        numbers = {label: int(label) for label in graph if label.isdecimal()}
    except OSError as error:
        raise NetworkError(f"cannot read {path}: {error.strerror or error}; check the path.") from None
    except (*unreadable, EOFError, zlib.error) as error:  # the last two: a damaged .graphml.gz
        raise NetworkError(f"{path} is not readable GraphML ({error}); write it with networkx or write_graphml.") from None
    if len(set(numbers.values())) == len(graph):
        graph = networkx.relabel_nodes(graph, numbers)
    return from_networkx(graph)


def write_graphml(network: Network, path: str | os.PathLike) -> None:
    """Write edges and positions as GraphML."""
    import networkx

    try:
        networkx.write_graphml(to_networkx(network), path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}; choose a place you may write to.") from None


def read_csv(path: str | os.PathLike) -> Network:
    """Read edges from two columns of node numbers; a header line, blank lines and lines from `#` on are skipped.

    Raises:
        NetworkError: the file cannot be read, or a line is not a pair of whole numbers.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")  # Excel writes a byte order mark
    except OSError as error:
        raise NetworkError(f"cannot read {path}: {error.strerror or error}; check the path.") from None
    except UnicodeDecodeError:
        raise NetworkError(f"{path} is not a text file; give comma-separated node numbers, one edge per line.") from None
    return Network(list(_csv_edges(text.splitlines(), path)))


def _csv_edges(lines: list[str], path: str | os.PathLike) -> Iterator[tuple[int, int]]:
    header_allowed = True
    for number, line in enumerate(lines, start=1):
        if not line.strip(" ,") or line.lstrip().startswith("#"):
            continue
        cells = [cell.strip(' "') for cell in line.split(",")]
        try:
            i, j = (int(cell) for cell in cells)
        except ValueError:
            if not (header_allowed and all(cell[:1].isalpha() for cell in cells)):
                raise NetworkError(
                    f"{path}, line {number}: {shown(line)} is not a pair of node numbers; write each edge as i,j."
                ) from None
        else:
            yield i, j
        header_allowed = False


def write_csv(network: Network, path: str | os.PathLike) -> None:
    """Write the edges as two columns, `node_i,node_j`. Positions do not fit this format; GraphML keeps them."""
    try:
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["node_i", "node_j"])
            writer.writerows(network.edges.tolist())
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}; choose a place you may write to.") from None
