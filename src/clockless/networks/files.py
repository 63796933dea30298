"""Wirings from and to networkx, GraphML and CSV."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clockless import disk
from clockless.errors import NetworkError, OutputError, instance, place, shown
from clockless.networks.network import Network

if TYPE_CHECKING:
    import networkx

_MOST_BYTES = 2**28  # of a file, unpacked: some five million edges


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


def _positions_of(graph: networkx.Graph, labels: list[Any]) -> list[Any] | None:
    attributes = [graph.nodes[label] for label in labels]
    if attributes and all("x" in a and "y" in a for a in attributes):
        return [[a["x"], a["y"]] for a in attributes]
    if attributes and all("pos" in a for a in attributes):
        return [a["pos"] for a in attributes]
    return None


def to_networkx(network: Network) -> networkx.Graph:
    """A networkx graph with node attributes `x`, `y` (if positions are known) and the edge number as `edge`."""
    import networkx

    instance("network", network, Network, "make one with Network(edges)")
    graph = networkx.Graph()
    for node in range(network.nodes):
        place = {} if network.positions is None else dict(zip("xy", network.positions[node].tolist(), strict=True))
        graph.add_node(node, **place)
    for edge, (i, j) in enumerate(network.edges.tolist()):
        graph.add_edge(i, j, edge=edge)
    return graph


def read_graphml(path: str | os.PathLike[str]) -> Network:
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
        graph = networkx.read_graphml(io.BytesIO(_unpacked(place("path", path))))
        numbers = {label: int(label) for label in graph if label.isdecimal()}
    except OSError as error:
        raise NetworkError(f"cannot read {path}: {error.strerror or error}; check the path.") from None
    except (*unreadable, EOFError, zlib.error) as error:  # the last two: a damaged .graphml.gz
        raise NetworkError(f"{path} is not readable GraphML ({error}); write it with networkx or write_graphml.") from None
    if len(set(numbers.values())) == len(graph):
        graph = networkx.relabel_nodes(graph, numbers)
    return from_networkx(graph)


def _unpacked(path: Path) -> bytes:
    """The bytes of a file; of .gz and .bz2 what is packed in it, but no more of that than of any file."""
    with open(disk.given(path), "rb") as file:
        unpacked: Any = file
        if path.suffix in (".gz", ".bz2"):
            unpacked = gzip.GzipFile(fileobj=file) if path.suffix == ".gz" else bz2.BZ2File(file)
        content = unpacked.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise ValueError(f"it holds more than {_MOST_BYTES:,} bytes")
    return bytes(content)


def write_graphml(network: Network, path: str | os.PathLike[str]) -> None:
    """Write edges and positions as GraphML."""
    import networkx

    try:
        networkx.write_graphml(to_networkx(network), place("path", path))
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}; choose a place you may write to.") from None


def read_csv(path: str | os.PathLike[str]) -> Network:
    """Read edges from two columns of node numbers; a header line, blank lines and lines from `#` on are skipped.

    Raises:
        NetworkError: the file cannot be read, or a line is not a pair of whole numbers.
    """
    try:
        text = disk.read_given(place("path", path), _MOST_BYTES).decode("utf-8-sig")  # Excel writes a byte order mark
    except OSError as error:
        raise NetworkError(f"cannot read {path}: {error.strerror or error}; check the path.") from None
    except UnicodeDecodeError:
        raise NetworkError(f"{path} is not a text file; give comma-separated node numbers, one edge per line.") from None
    return Network(list(_csv_edges(text.splitlines(), path)))


def _csv_edges(lines: list[str], path: str | os.PathLike[str]) -> Iterator[tuple[int, int]]:
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


def write_csv(network: Network, path: str | os.PathLike[str]) -> None:
    """Write the edges as two columns, `node_i,node_j`. Positions do not fit this format; GraphML keeps them."""
    instance("network", network, Network, "make one with Network(edges)")
    try:
        with open(place("path", path), "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["node_i", "node_j"])
            writer.writerows(network.edges.tolist())
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}; choose a place you may write to.") from None
