"""Which sites of a wiring hold inputs and show outputs, and which of its couplings are one parameter.

An `Architecture` adds to a `Network` what learning with phases needs: sites for inputs and outputs, the table of couplings
that several edges share, and how large couplings are at the start. Here are lattices, all-to-all and dense layers;
`local_layers` builds layers whose sites see windows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from clockless.errors import NetworkError, array_of, flag, instance, real_array, shown, whole
from clockless.networks.builders import lattice
from clockless.networks.network import Network, check_size
from clockless.seen import Seen

__all__ = ["Architecture", "all_to_all", "dense", "square", "square_with_skips", "triangular", "wiring", "with_skips"]


@dataclass(frozen=True, eq=False)
class Architecture(Seen):
    """A wiring with inputs, outputs and couplings.

    Args:
        network: the wiring, edges [edge, 2], and where its sites are drawn.
        inputs: sites whose phases are held, in the order of a task's inputs.
        outputs: sites whose phases are wanted, in the order of a task's outputs; no site is in both.
        shared: which coupling each edge uses, int [edge]; `arange(edges)` where no two edges share one. Couplings are
            numbered from 0 without gaps.
        layers: sites by layer where every site is joined to all sites of the neighbouring layers and to no other; else None.
            The edges of layers k and k + 1 then stand together, the site in layer k moving slowest: edge
            first + i * len(layers[k + 1]) + j joins layers[k][i] to layers[k + 1][j].
        initial_scale: standard deviation of couplings at the start, float [coupling]; one number counts for all.
        name: how plots and tables call it.

    Raises:
        NetworkError: a site missing, doubled or in two roles; tables that do not fit.
    """

    _card = "architecture"

    network: Network
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    shared: np.ndarray
    layers: tuple[tuple[int, ...], ...] | None
    initial_scale: np.ndarray
    name: str

    def __post_init__(self) -> None:
        if not isinstance(self.network, Network):
            raise NetworkError(f"network = {shown(self.network)} is not a Network; make one with Network(edges).")
        for role in ("inputs", "outputs"):
            object.__setattr__(self, role, _checked_sites(role, getattr(self, role), self.network.nodes))
        both = set(self.inputs) & set(self.outputs)
        if both:
            raise NetworkError(f"site {min(both)} is an input and an output; a site can have one role only.")
        object.__setattr__(self, "shared", checked_shared(self.shared, len(self.network.edges)))
        object.__setattr__(self, "initial_scale", _checked_scale(self.initial_scale, self.couplings))
        if self.layers is not None:
            object.__setattr__(self, "layers", _checked_layers(self.layers))
            _check_layers(self.layers, self.network)
        if not isinstance(self.name, str):
            raise NetworkError(f"name = {shown(self.name)}; give a text, by which plots and tables call it.")

    @property
    def couplings(self) -> int:
        """Number of coupling parameters: fewer than edges where edges share them."""
        return int(self.shared.max()) + 1

    def without(self, edge: int) -> Architecture:
        """The architecture with one edge cut out; a coupling that no other edge uses goes with it, and later ones move up.

        `layers` are None then, for what fast paths trust of complete layers no longer holds.

        Raises:
            NetworkError: no such edge, or the network would fall apart.
        """
        network = self.network.without(edge)
        shared, coupling = np.delete(self.shared, edge), self.shared[edge]
        scale = self.initial_scale
        if coupling not in shared:
            shared, scale = shared - (shared > coupling), np.delete(scale, coupling)
        name = f"{self.name.removesuffix(', cut')}, cut"
        return replace(self, network=network, shared=shared, layers=None, initial_scale=scale, name=name)

    def holding(self, site: int) -> Architecture:
        """The architecture with one site more whose phase is held: the last of its inputs.

        Raises:
            NetworkError: no such site, or one that is an input or an output already.
        """
        return replace(self, inputs=(*self.inputs, site))

    def __repr__(self) -> str:
        return (
            f"Architecture({self.name!r}, {self.network.nodes} sites, {len(self.network.edges)} edges, {self.couplings} "
            f"couplings, {len(self.inputs)} inputs, {len(self.outputs)} outputs)"
        )


def wiring(
    edges: Any,
    inputs: Any,
    outputs: Any,
    positions: Any = None,
    shared: Any = None,
    initial_scale: Any = 1.0,
    name: str = "wiring",
) -> Architecture:
    """A wiring of one's own with input and output sites, from plain tables.

    Args: as `Network` and `Architecture`; `shared` None gives each edge its own coupling.
    """
    network = Network(edges, positions)
    table = np.arange(len(network.edges)) if shared is None else shared
    return Architecture(network, inputs, outputs, table, None, initial_scale, name)


def _checked_sites(role: str, sites: Any, nodes: int) -> tuple[int, ...]:
    table = np.atleast_1d(array_of(sites))
    if table.size == 0:
        raise NetworkError(f"the architecture has no {role}; name at least one site.")
    if table.ndim != 1 or table.dtype.kind not in "iu":
        raise NetworkError(f"{role} = {shown(sites)} are not site numbers; give whole numbers from 0.")
    outside = table[(table < 0) | (table >= nodes)]
    if outside.size:
        raise NetworkError(f"{role} name site {outside[0]}, but the sites go from 0 to {nodes - 1}.")
    found, counts = np.unique(table, return_counts=True)
    if (counts > 1).any():
        raise NetworkError(f"{role} name site {found[counts > 1][0]} more than once; name each site once.")
    return tuple(table.tolist())


def _checked_layers(layers: Any) -> tuple[tuple[int, ...], ...]:
    if not isinstance(layers, (tuple, list)) or not all(isinstance(layer, (tuple, list, np.ndarray)) for layer in layers):
        raise NetworkError(f"layers = {shown(layers)}; give the sites of each layer, from the inputs to the outputs.")
    return tuple(tuple(whole("site of a layer", site) for site in layer) for layer in layers)


def checked_shared(shared: Any, edges: int) -> np.ndarray:
    """Which coupling each edge uses, int64 [edge], not to be written; NetworkError unless they are numbered without gaps."""
    table = array_of(shared)
    if table.shape != (edges,) or table.dtype.kind not in "iu":
        raise NetworkError(f"shared = {shown(shared)}; give the number of each edge's coupling, [{edges}].")
    used = np.unique(table)
    if not np.array_equal(used, np.arange(used.size)):
        raise NetworkError(f"couplings are numbered {used[0]} to {used[-1]} with gaps; number them from 0 without gaps.")
    table = table.astype(np.int64)
    table.setflags(write=False)
    return table


def _checked_scale(scale: Any, couplings: int) -> np.ndarray:
    try:
        table = np.array(np.broadcast_to(real_array(scale), couplings))
    except ValueError:
        raise NetworkError(f"initial_scale = {shown(scale)}; give one number, or one per coupling, [{couplings}].") from None
    if not (np.isfinite(table) & (table >= 0)).all():
        raise NetworkError("initial_scale holds a number that is negative or not finite; standard deviations are from 0.")
    table.setflags(write=False)
    return table


def _check_layers(layers: tuple[tuple[int, ...], ...], network: Network) -> None:
    """Layers must say the truth about the edges and their order, for fast paths trust them."""
    blocks = [joined_all(lower, upper) for lower, upper in pairwise(layers)]
    sites = sorted(site for layer in layers for site in layer)
    if sites != list(range(network.nodes)) or not blocks or not np.array_equal(np.vstack(blocks), network.edges):
        raise NetworkError(
            "layers do not match the edges: each pair of neighbouring layers must be joined completely, in order."
        )


@dataclass(frozen=True)
class Grid:
    """Names the sites of a rectangle of sites, or of several alike (channels): (channel, row, column), columns fastest.

    Rows and columns count from 0 at the top left; negative ones count from the end, as in Python.

    Args:
        rows, columns: sides of the rectangle.
        channels: number of rectangles.
        first: number of the first site.
    """

    rows: int
    columns: int
    channels: int = 1
    first: int = 0

    def __post_init__(self) -> None:
        for name, least in (("rows", 1), ("columns", 1), ("channels", 1), ("first", 0)):
            whole(name, getattr(self, name), least)

    @property
    def table(self) -> np.ndarray:
        """Site numbers, int [channel, row, column]."""
        shape = (self.channels, self.rows, self.columns)
        check_size(f"a grid of {self.channels:,} x {self.rows:,} x {self.columns:,} sites", prod(shape), 0)
        return self.first + np.arange(self.channels * self.rows * self.columns).reshape(shape)

    @property
    def sites(self) -> tuple[int, ...]:
        """All sites in order."""
        return tuple(self.table.ravel().tolist())

    def at(self, row: int, column: int, channel: int = 0) -> int:
        """The site in one place."""
        for name, index, size in (
            ("row", row, self.rows),
            ("column", column, self.columns),
            ("channel", channel, self.channels),
        ):
            if isinstance(index, bool) or not isinstance(index, (int, np.integer)) or not -size <= index < size:
                raise NetworkError(f"{name} = {shown(index)} is outside the grid; give {-size} to {size - 1}.")
        return int(self.table[channel, row, column])

    def row(self, row: int) -> tuple[int, ...]:
        """All sites of a row of the first channel, left to right; 0 is the top one and -1 the bottom one."""
        return tuple(self.at(row, column) for column in range(self.columns))

    def column(self, column: int) -> tuple[int, ...]:
        """All sites of a column of the first channel, top to bottom; 0 is the left one and -1 the right one."""
        return tuple(self.at(row, column) for row in range(self.rows))

    @property
    def corners(self) -> tuple[int, int, int, int]:
        """Top left, top right, bottom left, bottom right of the first channel."""
        return self.at(0, 0), self.at(0, -1), self.at(-1, 0), self.at(-1, -1)


# --- builders --------------------------------------------------------------------------------------------


def square(rows: int, columns: int, inputs: Sequence[int], outputs: Sequence[int], periodic: bool = False) -> Architecture:
    """Square lattice; `Grid(rows, columns)` names its sites. `periodic` closes it to a torus.

    Edges: open rows (columns - 1) + columns (rows - 1), periodic 2 rows columns.
    Couplings start as N(0, 1 / number of couplings), as in arXiv 2402.08579.

    Raises:
        NetworkError: fewer than 2 sites, a periodic side shorter than 3, or wrong roles.
        ParameterError: rows or columns not whole numbers.
    """
    return _one_lattice(lattice(rows, columns, periodic), inputs, outputs, f"square {rows} x {columns}{_closed(periodic)}")


def triangular(
    rows: int, columns: int, inputs: Sequence[int], outputs: Sequence[int], periodic: bool = False
) -> Architecture:
    """Triangular lattice of bond length 1; every second row is shifted by half a bond, so its outline is a rectangle.

    Edges: open rows (columns - 1) + (rows - 1) (2 columns - 1), periodic 3 rows columns.
    Couplings start as N(0, 1 / number of couplings). `Grid(rows, columns)` names its sites.

    Raises:
        NetworkError: fewer than 2 sites, wrong roles, or a periodic one with an odd number of rows, fewer than 4 rows or
            fewer than 3 columns.
        ParameterError: rows or columns not whole numbers.
    """
    rows, columns, periodic = whole("rows", rows), whole("columns", columns), flag("periodic", periodic)
    if rows * columns < 2:
        raise NetworkError(f"a lattice of {rows} x {columns} sites has no edges; ask for at least 2 sites.")
    if periodic and (rows < 4 or rows % 2 or columns < 3):
        raise NetworkError(
            f"a triangular lattice of {rows} x {columns} sites cannot be closed; its rows must be even in number and 4 or "
            "more, its columns 3 or more."
        )
    check_size(f"a triangular lattice of {rows:,} x {columns:,} sites", rows * columns, 3 * rows * columns)
    row, column = np.divmod(np.arange(rows * columns), columns)
    steps = [(0, np.ones_like(row)), (1, row % 2 - 1), (1, row % 2)]  # to the right; below left, below right
    pairs = []
    for down, across in steps:
        to_row, to_column = row + down, column + across
        kept = np.full(row.size, True) if periodic else (to_row < rows) & (to_column >= 0) & (to_column < columns)
        to = (to_row % rows) * columns + to_column % columns
        pairs.append(np.column_stack([row * columns + column, to])[kept])
    places = np.column_stack([column + 0.5 * (row % 2), -np.sqrt(0.75) * row])
    network = Network(np.vstack(pairs), places)
    return _one_lattice(network, inputs, outputs, f"triangular {rows} x {columns}{_closed(periodic)}")


def _closed(periodic: bool) -> str:
    return " periodic" if periodic else ""


def _one_lattice(network: Network, inputs: Sequence[int], outputs: Sequence[int], name: str) -> Architecture:
    return _unshared(network, inputs, outputs, len(network.edges) ** -0.5, name)


def _unshared(network: Network, inputs: Any, outputs: Any, scale: Any, name: str) -> Architecture:
    return Architecture(network, inputs, outputs, np.arange(len(network.edges)), None, scale, name)


def all_to_all(nodes: int, inputs: Sequence[int], outputs: Sequence[int]) -> Architecture:
    """Every site joined to every other one: N (N - 1) / 2 couplings, at the start N(0, 1 / N); drawn on a circle.

    Raises:
        NetworkError: fewer than 2 nodes, or wrong roles.
        ParameterError: nodes not a whole number.
    """
    nodes = whole("nodes", nodes)
    if nodes < 2:
        raise NetworkError(f"{nodes} sites have no pair to join; ask for at least 2.")
    check_size(f"{nodes:,} sites, all joined to all", nodes, nodes * (nodes - 1) // 2)
    angle = np.pi / 2 - 2 * np.pi * np.arange(nodes) / nodes  # clockwise from the top
    edges = np.column_stack(np.triu_indices(nodes, 1))
    network = Network(edges, np.column_stack([np.cos(angle), np.sin(angle)]))
    return _unshared(network, inputs, outputs, nodes**-0.5, f"all-to-all {nodes}")


def dense(*sizes: int) -> Architecture:
    """Layers of the given sizes, inputs first and outputs last, each joined completely to the next one.

    Couplings between layers of N_k and N_(k+1) sites start as N(0, 1 / (N_k + N_(k+1))), as in arXiv 2402.08579.

    Raises:
        NetworkError: fewer than two layers.
        ParameterError: a size that is not a whole number from 1.
    """
    if len(sizes) < 2:
        raise NetworkError(f"dense{sizes} has {len(sizes)} layers; give at least the inputs' and the outputs' sizes.")
    edges = sum(whole("size", lower, 1) * whole("size", upper, 1) for lower, upper in pairwise(sizes))
    check_size(f"dense layers of {', '.join(f'{size:,}' for size in sizes[:9])} sites", sum(sizes), edges)
    ends = np.cumsum(sizes)
    layers = tuple(tuple(range(end - size, end)) for end, size in zip(ends.tolist(), sizes, strict=True))
    blocks = [joined_all(lower, upper) for lower, upper in pairwise(layers)]
    scale = np.concatenate([np.full(m * n, block_scale(m * n, m, n)) for m, n in pairwise(sizes)])
    height = max(sizes)
    places = [
        (0.5 * height * k, ((size - 1) / 2 - i) * min(height / size, 1 + 0.05 * height))
        for k, size in enumerate(sizes)
        for i in range(size)
    ]
    network = Network(np.vstack(blocks), places)
    name = "dense " + "-".join(map(str, sizes))
    return Architecture(network, layers[0], layers[-1], np.arange(len(network.edges)), layers, scale, name)


def joined_all(lower: Sequence[int], upper: Sequence[int]) -> np.ndarray:
    """All pairs of two layers, int [edge, 2], the site in the lower one moving slowest."""
    check_size(f"{len(lower):,} and {len(upper):,} sites, all joined to all", 0, len(lower) * len(upper))
    return np.column_stack([np.repeat(lower, len(upper)), np.tile(upper, len(lower))])


def block_scale(edges: int, lower: int, upper: int) -> float:
    """Standard deviation at the start of the E couplings between layers of `lower` and `upper` sites.

    The variance is 1 / (E / N_k + E / N_(k+1)): one over the mean number of partners of a site of either layer, summed.
    Complete layers give 1 / (N_k + N_(k+1)), the rule of arXiv 2402.08579; for windows it is ours.
    """
    deviation: float = (edges / lower + edges / upper) ** -0.5
    return deviation


def with_skips(architecture: Architecture, pairs: Sequence[tuple[int, int]]) -> Architecture:
    """The same architecture with long-range edges between pairs of sites, each with a coupling of its own.

    New couplings come last and start as strong as those they meet: with the root mean square of the scales of all edges at
    their two ends.

    Raises:
        NetworkError: pairs that are joined already, that do not exist, or that join a site to itself.
    """
    instance("architecture", architecture, Architecture, "build one, such as square(4, 4, [0], [15])")
    table = array_of(pairs)
    if table.ndim != 2 or table.shape[1:] != (2,) or table.dtype.kind not in "iu":
        raise NetworkError(f"skips = {shown(pairs)}; give pairs of site numbers, [edge, 2].")
    old = architecture.network
    if table.min() < 0 or table.max() >= old.nodes:
        wrong = table.min() if table.min() < 0 else table.max()
        raise NetworkError(f"skips name site {wrong}, but the sites go from 0 to {old.nodes - 1}.")
    square_sum = np.zeros(old.nodes)
    for side in old.edges.T:
        np.add.at(square_sum, side, architecture.initial_scale[architecture.shared] ** 2)
    scale = np.sqrt(square_sum[table].sum(axis=1) / old.degrees[table].sum(axis=1))
    return Architecture(
        Network(np.vstack([old.edges, table]), old.positions),
        architecture.inputs,
        architecture.outputs,
        np.concatenate([architecture.shared, architecture.couplings + np.arange(len(table))]),
        None,
        np.concatenate([architecture.initial_scale, scale]),
        f"{architecture.name} + {len(table)} skips",
    )


def square_with_skips(
    rows: int, columns: int, inputs: Sequence[int], outputs: Sequence[int], skips: int = 0
) -> Architecture:
    """Open square lattice with further bonds between all sites that lie `skips` apart in a row or in a column.

    Their number is rows (columns - skips) + columns (rows - skips); 0 adds none.

    Raises:
        NetworkError: skips of 1, which the lattice has already, or of the lattice's side or more; wrong roles.
        ParameterError: counts that are not whole numbers.
    """
    plain = square(rows, columns, inputs, outputs)
    if whole("skips", skips) == 0:
        return plain
    if not 2 <= skips < max(rows, columns):
        raise NetworkError(f"skips = {skips} in a lattice of {rows} x {columns}; give 0, or 2 to {max(rows, columns) - 1}.")
    table = Grid(rows, columns).table[0]
    pairs = [
        np.column_stack([near.ravel(), far.ravel()])
        for near, far in ((table[:, :-skips], table[:, skips:]), (table[:-skips], table[skips:]))
    ]
    joined = with_skips(plain, np.vstack(pairs).tolist())
    return replace(joined, name=f"{plain.name}, skips {skips}")


def __dir__() -> list[str]:
    """What a person looks for; everything else is there as well."""
    return sorted(__all__)
