"""Layers whose sites see a window of the layer below: with or without weight sharing, channels, and skip connections.

Two conventions. `local` places whole windows inside the layer below, as a convolution without padding does: a side of n
sites becomes (n - window) / stride + 1. `stacked` gives the sides of the layers and centres a window on each site, cut off
at the border. In both, a site sees all channels within its window.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from clockless.errors import NetworkError, array_of, flag, instance, shown, whole
from clockless.networks.architectures import Architecture, Grid, block_scale, joined_all
from clockless.networks.builders import lattice
from clockless.networks.network import Network, check_size

__all__ = ["local", "stacked"]

_SLANT = 0.45, 0.35  # a column's step to the right and up where layers are drawn as sheets seen from the side
_GAP = 1.5  # between sheets, in rows


class _Block(NamedTuple):
    """Edges that were drawn together; `kind` [edge] numbers those that a translation maps onto each other alike."""

    edges: np.ndarray
    kind: np.ndarray
    scale: float


def local(
    image: tuple[int, int] = (8, 8),
    window: int | Sequence[int] = 4,
    stride: int | Sequence[int] = 1,
    channels: int | Sequence[int] = 4,
    outputs: int = 10,
    sharing: bool = False,
    intra: bool = False,
    skips: int = 0,
) -> Architecture:
    """An image, locally connected layers of sites, and outputs that are joined to all sites of the last layer.

    Windows lie wholly inside: 8 x 8 pixels, window 4, stride 1 give 5 x 5 sites a channel, each with 16 edges, hence
    4 x 25 x 16 = 1,600 edges for 4 channels, and 4 x 25 x 10 = 1,000 more to 10 outputs (`readout_edges`). With sharing
    that is 4 x 16 couplings and the same readout. The name says window x window x channels / stride of each layer.

    Args:
        image: rows and columns of the inputs.
        window, stride, channels: of each local layer; where all are single numbers there is one layer, and single numbers
            count for all layers.
        outputs: number of outputs.
        sharing: one set of couplings for all places of a layer (convolution); else each edge has its own.
        intra: sites of a hidden layer and channel are joined to their nearest neighbours, too (square lattice); shared by
            direction where `sharing` is.
        skips: side of the windows of further edges from layer k to layer k + 2 (image and local layers), around the centre
            of what a site sees there; 0: none.

    Raises:
        NetworkError: a window larger than the layer below, a stride that leaves sites unread, or skips with fewer than two
            local layers.
        ParameterError: counts that are not whole numbers from 1.
    """
    sharing, intra = flag("sharing", sharing), flag("intra", intra)
    grids = [Grid(*_pair(image))]
    blocks = []
    plan = _per_layer(window=window, stride=stride, channels=channels)
    for side, step, count in plan:
        lower = grids[-1]
        first = lower.first + len(lower.sites)
        starts = [_starts(name, getattr(lower, name), side, step) for name in ("rows", "columns")]
        grids.append(Grid(len(starts[0]), len(starts[1]), count, first))
        blocks.append(_windows(lower, grids[-1], side, starts))
    if intra:
        blocks += [_neighbours(grid) for grid in grids[1:] if grid.rows * grid.columns > 1]
    centres = [
        [_seen(below, above, sites) for sites in (grid.rows, grid.columns)]
        for (below, above), grid in zip(pairwise(plan), grids[2:], strict=True)
    ]
    blocks += _skips(grids, skips, centres)
    last, stop = grids[-1], grids[-1].first + len(grids[-1].sites)
    check_size(f"{whole('outputs', outputs, 1):,} outputs", outputs, len(last.sites) * outputs)
    readout = tuple(range(stop, stop + outputs))
    edges = joined_all(last.sites, readout)
    blocks.append(_Block(edges, np.arange(len(edges)), block_scale(len(edges), len(last.sites), outputs)))
    name = f"local {_sides(grids[0])}" + "".join(f", {side} x {side} x {count} / {step}" for side, step, count in plan)
    return _joined(grids, blocks, (grids[0].sites, readout), sharing, name + _features(sharing, intra, skips))


def stacked(
    sizes: Sequence[tuple[int, int]],
    outputs: Sequence[int] | None = None,
    window: int = 3,
    channels: int = 1,
    sharing: bool = False,
    intra: bool = True,
    skips: int = 0,
) -> Architecture:
    """Lattices of equal or shrinking sides, each site seeing the window of the lattice below that lies around its place.

    Site r of R rows lies over (r + 1/2) R' / R - 1/2 of the R' rows below; windows that reach over the border are cut off.

    Args:
        sizes: rows and columns of each lattice; the first holds the inputs.
        outputs: sites of the last lattice, counted within it from 0, row by row; None: all of its first channel.
        window: side of the windows.
        channels: of every lattice but the first.
        sharing: one set of couplings for all places of a lattice, by place in the window; else each edge has its own.
        intra: sites of every lattice but the first are joined to their nearest neighbours.
        skips: side of the windows from lattice k to lattice k + 2; 0: none.

    Raises:
        NetworkError: fewer than two lattices, a growing side, a window larger than a lattice or too small to reach all of
            its sites, or outputs that the last lattice does not have.
        ParameterError: counts that are not whole numbers from 1.
    """
    sharing, intra = flag("sharing", sharing), flag("intra", intra)
    if not isinstance(sizes, (list, tuple)):
        raise NetworkError(f"sizes = {shown(sizes)}; give the (rows, columns) of at least two lattices.")
    grids = [Grid(*_pair(size)) for size in sizes[:1]]
    for size in sizes[1:]:
        (rows, columns), lower = _pair(size), grids[-1]
        grids.append(Grid(rows, columns, channels, lower.first + len(lower.sites)))
        if rows > lower.rows or columns > lower.columns:
            raise NetworkError(f"a lattice of {rows} x {columns} follows one of {_sides(lower)}; sides may not grow.")
    if len(grids) < 2:
        raise NetworkError(f"sizes = {shown(sizes)}; give the (rows, columns) of at least two lattices.")
    blocks = [_around(lower, upper, window) for lower, upper in pairwise(grids)]
    if intra:
        blocks += [_neighbours(grid) for grid in grids[1:] if grid.rows * grid.columns > 1]
    centres = [
        [_over(lower.rows, upper.rows), _over(lower.columns, upper.columns)]
        for lower, upper in zip(grids, grids[2:], strict=False)
    ]
    blocks += _skips(grids, skips, centres)
    last = grids[-1]
    within = np.arange(last.rows * last.columns) if outputs is None else np.atleast_1d(array_of(outputs))
    if within.dtype.kind not in "iu" or (within.size and not 0 <= within.min() <= within.max() < len(last.sites)):
        raise NetworkError(f"outputs = {shown(outputs)}; give sites of the last lattice, 0 to {len(last.sites) - 1}.")
    roles = grids[0].sites, tuple((last.first + within).tolist())
    name = "stacked " + ", ".join(map(_sides, grids)) + f", window {window}" + (f", {channels} channels" * (channels > 1))
    return _joined(grids, blocks, roles, sharing, name + _features(sharing, intra, skips))


def readout_edges(architecture: Architecture) -> int:
    """Number of edges that end at an output: what a table of couplings may want to count apart."""
    instance("architecture", architecture, Architecture, "build one, such as local()")
    return int(np.isin(architecture.network.edges, architecture.outputs).any(axis=1).sum())


# --- parts of them ---------------------------------------------------------------------------------------


def _pair(size: tuple[int, int]) -> tuple[int, int]:
    try:
        rows, columns = size
    except (TypeError, ValueError):
        raise NetworkError(f"a layer's size is {shown(size)}; give (rows, columns).") from None
    return rows, columns


def _per_layer(**settings: int | Sequence[int]) -> list[tuple[int, ...]]:
    """The settings of each layer, from single numbers and sequences of equal length."""
    lengths = {len(value) for value in settings.values() if isinstance(value, Sequence)}
    if len(lengths) > 1 or 0 in lengths:
        raise NetworkError(
            f"{', '.join(settings)} name {sorted(lengths)} layers; give one number, or one per layer, of each."
        )
    layers = lengths.pop() if lengths else 1
    columns = []
    for name, value in settings.items():
        listed = list(value) if isinstance(value, Sequence) else [value] * layers
        columns.append([whole(name, number, 1) for number in listed])
    return list(zip(*columns, strict=True))


def _starts(name: str, size: int, window: int, stride: int) -> np.ndarray:
    """First rows (or columns) of the windows that lie wholly inside `size`."""
    if window > size:
        raise NetworkError(f"a window of {window} does not fit into {size} {name}; make it {size} or smaller.")
    if (size - window) % stride or (stride > window and size > window):
        raise NetworkError(
            f"windows of {window} with stride {stride} leave some of {size} {name} unread; choose a stride up to {window} "
            f"that divides {size - window}."
        )
    return np.arange(0, size - window + 1, stride)


def _around(lower: Grid, upper: Grid, window: int) -> _Block:
    """Windows centred over each site, cut off at the border."""
    whole("window", window, 1)
    starts = []
    for name in ("rows", "columns"):
        size, sites = getattr(lower, name), getattr(upper, name)
        if window > size:
            raise NetworkError(f"a window of {window} does not fit into {size} {name}; make it {size} or smaller.")
        starts.append(_centred(_over(size, sites), window))
        if not np.isin(np.arange(size), starts[-1][:, None] + np.arange(window)).all():
            raise NetworkError(f"windows of {window} around {sites} sites do not reach all of {size} {name}; enlarge them.")
    return _windows(lower, upper, window, starts)


def _centred(centre: np.ndarray, window: int) -> np.ndarray:
    """First row of the window around each centre; below 0, or so that it ends beyond the border, where it is cut off."""
    return np.ceil(centre - (window - 1) / 2 - 1e-9).astype(int)


def _over(size: int, sites: int) -> np.ndarray:
    """Where `sites` spread evenly over `size` rows lie."""
    return (np.arange(sites) + 0.5) * size / sites - 0.5


def _seen(lower: tuple[int, ...], upper: tuple[int, ...], sites: int) -> np.ndarray:
    """Centres of what the sites of a layer see two layers below, from both layers' (window, stride, channels).

    Site r sees rows s s' r to s s' r + s (w' - 1) + w - 1, with window w and stride s of the lower layer, w' and s' above.
    """
    return lower[1] * upper[1] * np.arange(sites) + (lower[1] * (upper[0] - 1) + lower[0] - 1) / 2


def _windows(lower: Grid, upper: Grid, window: int, starts: Sequence[np.ndarray]) -> _Block:
    """Edges from each site's window in all channels below; their kind is (channel above, channel below, place in window)."""
    count = len(upper.sites) * window**2 * lower.channels
    check_size(f"windows of {window:,} x {window:,} around {len(upper.sites):,} sites", 0, count)
    above, below = np.arange(upper.channels), np.arange(lower.channels)
    offset = np.arange(window)
    axes = above, np.arange(upper.rows), np.arange(upper.columns), below, offset, offset
    a, r, c, b, down, across = (axis.ravel() for axis in np.meshgrid(*axes, indexing="ij"))
    row, column = starts[0][r] + down, starts[1][c] + across
    kept = (row >= 0) & (row < lower.rows) & (column >= 0) & (column < lower.columns)
    a, r, c, b, down, across, row, column = (index[kept] for index in (a, r, c, b, down, across, row, column))
    edges = np.column_stack([lower.table[b, row, column], upper.table[a, r, c]])
    kind = ((a * lower.channels + b) * window + down) * window + across
    return _Block(edges, kind, block_scale(len(edges), len(lower.sites), len(upper.sites)))


def _neighbours(grid: Grid) -> _Block:
    """Nearest neighbours within each channel; their kind is (channel, direction)."""
    one = lattice(grid.rows, grid.columns).edges
    upright = one[:, 1] - one[:, 0] == grid.columns
    edges = np.vstack([table.ravel()[one] for table in grid.table])
    kind = (2 * np.arange(grid.channels)[:, None] + upright).ravel()
    return _Block(edges, kind, block_scale(len(edges), len(grid.sites), len(grid.sites)))


def _skips(grids: list[Grid], window: int, centres: list[list[np.ndarray]]) -> list[_Block]:
    """Windows from each layer to the one after the next, around the centres of their sites by row and by column."""
    if whole("skips", window) == 0:
        return []
    if len(grids) < 3:
        raise NetworkError(
            f"skips = {window} join layers k and k + 2, but there are {len(grids)}; add a layer, or use with_skips."
        )
    blocks = []
    for lower, upper, centre in zip(grids, grids[2:], centres, strict=False):
        if window > min(lower.rows, lower.columns):
            raise NetworkError(f"skips of {window} do not fit into {_sides(lower)} sites; make their window smaller.")
        blocks.append(_windows(lower, upper, window, [_centred(places, window) for places in centre]))
    return blocks


def _joined(
    grids: list[Grid], blocks: list[_Block], roles: tuple[tuple[int, ...], tuple[int, ...]], sharing: bool, name: str
) -> Architecture:
    """One architecture; couplings are numbered block after block, in the order of their first edge."""
    shared, scale, first = [], [], 0
    for block in blocks:
        number = np.arange(len(block.edges)) if not sharing else np.unique(block.kind, return_inverse=True)[1]
        shared.append(first + number)
        count = int(number.max()) + 1
        scale.append(np.full(count, block.scale))
        first += count
    edges = np.vstack([block.edges for block in blocks])
    sites = grids[-1].first + len(grids[-1].sites)
    network = Network(edges, _places(grids, int(edges.max()) + 1 - sites))
    return Architecture(network, *roles, np.concatenate(shared), None, np.concatenate(scale), name)


def _places(grids: list[Grid], readout: int) -> np.ndarray:
    """Layers from left to right as sheets seen from the side, channels one above the other; then a column of outputs."""
    places = []
    left = 0.0
    for grid in grids:
        channel, row, column = (index.ravel() for index in np.indices(grid.table.shape))
        height = grid.rows + _SLANT[1] * (grid.columns - 1) + _GAP
        x = left + _SLANT[0] * column
        y = _SLANT[1] * column - row - height * channel
        places.append(np.column_stack([x, y - (y.max() + y.min()) / 2]))
        left = x.max() + 3 * _GAP
    tall = max(np.ptp(place[:, 1]) for place in places)
    step = min(1.5, max(tall, 1.0) / max(readout - 1, 1))
    return np.vstack([*places, np.column_stack([np.full(readout, left), step * ((readout - 1) / 2 - np.arange(readout))])])


def _sides(grid: Grid) -> str:
    return f"{grid.rows} x {grid.columns}"


def _features(sharing: bool, intra: bool, skips: int) -> str:
    words: list[tuple[bool, str]] = [(sharing, "shared"), (intra, "intra"), (skips > 0, f"skips {skips}")]
    return "".join(f", {word}" for present, word in words if present)


def __dir__() -> list[str]:
    """What a person looks for; everything else is there as well."""
    return sorted(__all__)
