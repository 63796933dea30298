"""Architectures: counts by hand, windows by brute force, shared couplings, and one sentence for each mistake."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from clockless.errors import NetworkError, ParameterError
from clockless.networks.architectures import Architecture, Grid, all_to_all, dense, square, triangular, with_skips
from clockless.networks.network import Network
from clockless.networks.windows import local, readout_edges, stacked


def pairs_of(architecture) -> set[tuple[int, int]]:
    return {(min(pair), max(pair)) for pair in architecture.network.edges.tolist()}


def scales(architecture) -> np.ndarray:
    """Scale of each edge's coupling."""
    return architecture.initial_scale[architecture.shared]


# --- lattices --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rows", "columns"), [(4, 3), (4, 7), (6, 5), (8, 4)])
def test_counts_of_lattices(rows, columns):
    """Edges by formula; on a torus every site has 4 or 6 partners; couplings start as N(0, 1 / number of couplings)."""
    open_square, torus = square(rows, columns, [0], [1]), square(rows, columns, [0], [1], periodic=True)
    assert open_square.couplings == rows * (columns - 1) + columns * (rows - 1)
    assert torus.couplings == 2 * rows * columns
    assert (torus.network.degrees == 4).all()
    open_triangular, closed = triangular(rows, columns, [0], [1]), triangular(rows, columns, [0], [1], periodic=True)
    assert open_triangular.couplings == rows * (columns - 1) + (rows - 1) * (2 * columns - 1)
    assert closed.couplings == 3 * rows * columns
    assert (closed.network.degrees == 6).all()
    for one in (open_square, torus, open_triangular, closed):
        np.testing.assert_allclose(one.initial_scale**2, 1 / one.couplings, rtol=1e-14)
        assert one.layers is None


@pytest.mark.parametrize(("rows", "columns"), [(1, 5), (2, 2), (5, 1), (5, 6)])
def test_triangular_bonds_are_the_pairs_at_distance_one(rows, columns):
    """Brute force over the positions of all pairs of sites."""
    network = triangular(rows, columns, [0], [1]).network
    distance = np.linalg.norm(network.positions[:, None] - network.positions, axis=-1)
    expected = {(i, j) for i, j in zip(*np.nonzero(np.abs(distance - 1) < 1e-9), strict=True) if i < j}
    assert pairs_of(triangular(rows, columns, [0], [1])) == expected


def test_names_of_sites():
    """Rows, columns and corners, with negative indices; channels stand one after the other."""
    grid = Grid(3, 4, channels=2, first=10)
    assert grid.at(0, 0) == 10
    assert grid.at(-1, 1) == 19
    assert grid.at(0, 0, 1) == 22
    assert grid.row(-1) == (18, 19, 20, 21)
    assert grid.column(1) == (11, 15, 19)
    assert grid.corners == (10, 13, 18, 21)
    assert grid.sites == tuple(range(10, 34))
    lattice = square(3, 4, Grid(3, 4).row(0), Grid(3, 4).row(-1))
    np.testing.assert_array_equal(lattice.network.positions[Grid(3, 4).at(2, 3)], [3, -2])


def test_names_of_sites_that_do_not_exist():
    """Places outside the grid have a sentence."""
    with pytest.raises(NetworkError, match=r"row = 3 is outside the grid; give -3 to 2\."):
        Grid(3, 4).at(3, 0)
    with pytest.raises(NetworkError, match="column = -5"):
        Grid(3, 4).at(0, -5)
    with pytest.raises(ParameterError, match="rows = 0"):
        Grid(0, 4)


# --- all-to-all and dense --------------------------------------------------------------------------------


def test_all_to_all_joins_every_pair_once():
    """N (N - 1) / 2 couplings of variance 1 / N."""
    architecture = all_to_all(9, [0, 1], [8])
    assert pairs_of(architecture) == {(i, j) for i in range(9) for j in range(i + 1, 9)}
    assert architecture.couplings == len(architecture.network.edges) == 36
    np.testing.assert_allclose(architecture.initial_scale**2, 1 / 9)


def test_the_papers_all_to_all_sizes_have_the_dense_ones_parameters():
    """85 / 139 / 185 / 222 sites against 64-n-10, n = 20 / 100 / 200 / 300, counting fields (h, psi) of free sites."""
    for hidden, nodes in ((20, 85), (100, 139), (200, 185), (300, 222)):
        layers, complete = dense(64, hidden, 10), all_to_all(nodes, range(64), range(64, 74))
        wanted = layers.couplings + 2 * (hidden + 10)
        found = complete.couplings - 64 * 63 // 2 + 2 * (nodes - 64)  # couplings between two held sites do nothing
        assert abs(found / wanted - 1) < 0.04, (hidden, found, wanted)


@pytest.mark.parametrize("sizes", [(2, 1), (64, 200, 10), (3, 1, 4, 2)])
def test_dense_layers_and_their_order_of_edges(sizes):
    """Couplings of neighbouring layers are one row-major matrix [N_k, N_(k+1)] of variance 1 / (N_k + N_(k+1))."""
    architecture = dense(*sizes)
    assert architecture.couplings == sum(m * n for m, n in pairwise(sizes))
    assert tuple(map(len, architecture.layers)) == sizes
    assert (architecture.inputs, architecture.outputs) == (architecture.layers[0], architecture.layers[-1])
    first = 0
    for lower, upper in pairwise(architecture.layers):
        block = architecture.network.edges[first : first + len(lower) * len(upper)].reshape(len(lower), len(upper), 2)
        assert (block[..., 0] == np.array(lower)[:, None]).all()
        assert (block[..., 1] == np.array(upper)).all()
        here = slice(first, first + block[..., 0].size)
        np.testing.assert_allclose(architecture.initial_scale[here] ** 2, 1 / (len(lower) + len(upper)), rtol=1e-14)
        first = here.stop


def test_layers_that_lie_are_refused():
    """Fast paths trust `layers`, so a wiring that is not complete, or ordered otherwise, cannot claim them."""
    layers = dense(3, 2, 1)
    swapped = layers.network.edges[[1, 0, *range(2, 8)]]
    with pytest.raises(NetworkError, match="layers do not match the edges"):
        replace(layers, network=Network(swapped))
    with pytest.raises(NetworkError, match="layers do not match the edges"):
        replace(all_to_all(3, [0], [2]), layers=((0,), (1,), (2,)))


# --- windows ---------------------------------------------------------------------------------------------


def windows_by_loops(image, window, stride, channels):
    """Edges of one local layer as {(site below, site above): place in the window}, by plain loops."""
    rows, columns = ((side - window) // stride + 1 for side in image)
    edges = {}
    for channel, row, column, down, across in product(*map(range, (channels, rows, columns, window, window))):
        below = (row * stride + down) * image[1] + column * stride + across
        above = image[0] * image[1] + (channel * rows + row) * columns + column
        edges[below, above] = (channel, down, across)
    return edges, rows * columns * channels


@settings(max_examples=40)
@given(st.tuples(*[st.integers(1, 9)] * 2), st.integers(1, 5), st.integers(1, 4), st.integers(1, 3), st.booleans())
def test_local_windows_by_brute_force(image, window, stride, channels, sharing):
    """Every edge and no other; translated windows share exactly the couplings of equal places; the readout is complete."""
    assume(window <= min(image) and stride <= window and all((side - window) % stride == 0 for side in image))
    architecture = local(image, window, stride, channels, 3, sharing)
    expected, hidden = windows_by_loops(image, window, stride, channels)
    pixels = image[0] * image[1]
    assert architecture.inputs == tuple(range(pixels))
    assert architecture.outputs == tuple(range(pixels + hidden, pixels + hidden + 3))
    readout = set(product(range(pixels, pixels + hidden), architecture.outputs))
    assert pairs_of(architecture) == set(expected) | readout
    assert len(architecture.network.edges) == len(expected) + len(readout)
    assert readout_edges(architecture) == len(readout) == 3 * hidden
    groups = defaultdict(set)
    for pair, coupling in zip(architecture.network.edges.tolist(), architecture.shared.tolist(), strict=True):
        groups[coupling].add(expected.get(tuple(pair), ("readout", *pair)))
    if sharing:
        assert all(len(kinds) == 1 for kinds in groups.values())
        assert architecture.couplings == channels * window**2 + 3 * hidden
    else:
        assert architecture.couplings == len(architecture.network.edges)


@pytest.mark.parametrize(("window", "channels", "couplings"), [(4, 4, 1600), (3, 3, 972), (3, 1, 324)])
def test_numbers_of_couplings_on_the_digits(window, channels, couplings):
    """Hand counts for 8 x 8 pixels and stride 1, without the readout."""
    architecture = local((8, 8), window, 1, channels, 10)
    places = (8 - window + 1) ** 2
    assert architecture.couplings - readout_edges(architecture) == couplings == places * window**2 * channels
    assert readout_edges(architecture) == 10 * places * channels
    shared = local((8, 8), window, 1, channels, 10, sharing=True)
    assert shared.couplings - readout_edges(shared) == window**2 * channels


def test_stacked_local_layers():
    """The second layer sees all channels of the first; intra-layer couplings and skips count as they should."""
    plain = {"image": (9, 9), "window": (3, 2), "stride": (2, 1), "channels": (2, 3), "outputs": 4}
    counts = 2 * 16 * 9 + 3 * 9 * 4 * 2 + 27 * 4  # 4 x 4 sites in 2 channels, then 3 x 3 sites in 3
    assert local(**plain).couplings == counts
    assert local(**plain, sharing=True).couplings == 2 * 9 + 3 * 4 * 2 + 27 * 4
    inside = 2 * 24 + 3 * 12
    assert local(**plain, intra=True).couplings == counts + inside
    assert local(**plain, intra=True, sharing=True).couplings == 2 * 9 + 3 * 4 * 2 + 27 * 4 + 2 * (2 + 3)
    skipping = local(**plain, skips=3)
    assert skipping.couplings == counts + 3 * 9 * 9  # 3 x 3 windows of the image around 9 places, none of them cut off
    image, top = set(range(81)), set(range(81 + 32, 81 + 32 + 27))
    assert sum(i in image and j in top for i, j in skipping.network.edges.tolist()) == 243


def test_windows_start_at_the_scale_of_complete_layers():
    """A window as large as the image is a dense layer: the same edges and N(0, 1 / (N_k + N_(k+1)))."""
    one, other = local((3, 3), 3, 1, 5, 2), dense(9, 5, 2)
    assert pairs_of(one) == pairs_of(other)
    by_pair = dict(zip(map(tuple, other.network.edges.tolist()), scales(other), strict=True))
    expected = [by_pair[tuple(pair)] for pair in one.network.edges.tolist()]
    np.testing.assert_allclose(scales(one), expected, rtol=1e-14)


@settings(max_examples=30)
@given(st.integers(1, 7), st.integers(1, 7), st.integers(1, 7), st.integers(1, 4))
def test_stacked_windows_by_brute_force(lower, upper, window, columns):
    """Rows r' with -(w - 1) / 2 <= r' - centre < (w + 1) / 2, where centre = (r + 1/2) R' / R - 1/2; columns alike."""
    window = min(window, columns)
    assume(upper <= lower and window <= lower and window * upper >= lower)
    architecture = stacked([(lower, columns), (upper, columns)], window=window)
    first = lower * columns

    def sees(site, sites, place, size):
        twice = (2 * site + 1) * size - sites  # twice the centre, times `sites`
        return -(window - 1) * sites <= 2 * place * sites - twice < (window + 1) * sites

    expected = {
        (below * columns + left, first + above * columns + right)
        for below, above, left, right in product(range(lower), range(upper), range(columns), range(columns))
        if sees(above, upper, below, lower) and sees(right, columns, left, columns)
    }
    assert {(i, j) for i, j in pairs_of(architecture) if i < first} == expected


def test_stacked_lattices():
    """Equal sides: windows are cut off at the border; intra-layer couplings above the inputs only."""
    architecture = stacked([(5, 5), (5, 5), (5, 5)], [12], 3, skips=1)
    between = (5 * 3 - 2) ** 2  # 13 pairs of rows within one of each other
    assert architecture.couplings == 2 * between + 2 * 40 + 25
    assert (architecture.inputs, architecture.outputs) == (tuple(range(25)), (62,))
    straight = {(site, site + 50) for site in range(25)}
    assert straight <= pairs_of(architecture)
    shared = stacked([(5, 5), (5, 5)], window=3, sharing=True, channels=2)
    assert shared.couplings == 2 * 9 + 2 * 2
    assert np.ptp(shared.network.positions, axis=0).min() > 0


def test_shared_couplings_are_translations():
    """With strides of 1 all edges of one coupling are one vector in the drawing, intra-layer ones and skips included."""
    architecture = local((6, 6), (3, 2), 1, (2, 2), 3, True, True, 4)
    place, ends = architecture.network.positions, architecture.network.edges
    repeated = 0
    for coupling in range(architecture.couplings):
        some = ends[architecture.shared == coupling]
        steps = place[some[:, 1]] - place[some[:, 0]]
        np.testing.assert_allclose(steps, np.broadcast_to(steps[0], steps.shape), atol=1e-9)
        repeated += len(some) > 1
    assert repeated == architecture.couplings - readout_edges(architecture)
    assert repeated == 2 * 9 + 4 * 4 + 2 * (2 + 2) + 2 * 16


def test_skips_reach_what_a_site_sees():
    """A skip window as large as the receptive field, 2 (2 - 1) + 3 rows, holds just what is seen through the layer."""
    architecture = local((9, 9), (3, 2), (2, 1), (1, 1), 1, skips=5)
    middle, top = range(81, 97), range(97, 106)
    edges = architecture.network.edges.tolist()
    below = defaultdict(set)
    for i, j in edges:
        below[j].add(i)
    for site in top:
        through = set().union(*(below[between] for between in below[site] if between in middle))
        assert {i for i in below[site] if i < 81} == through
        assert len(through) == 25


def test_places_for_drawing_are_distinct():
    """No two sites in one place, in any builder."""
    several = [
        square(3, 4, [0], [1]), triangular(3, 4, [0], [1]), all_to_all(7, [0], [1]), dense(8, 20, 3),
        local((8, 8), (3, 3), 1, (2, 4), 10), stacked([(6, 6), (6, 6), (3, 3)], channels=2),
    ]  # fmt: skip
    for architecture in several:
        places = architecture.network.positions
        distance = np.linalg.norm(places[:, None] - places, axis=-1) + 9 * np.eye(len(places))
        assert distance.min() > 0.1, architecture


# --- skips -----------------------------------------------------------------------------------------------


def test_skips_come_last_and_as_strong_as_their_neighbours():
    """On a lattice they start like all others; layers are no longer complete layers."""
    lattice = with_skips(square(5, 5, [0], [24]), [(0, 24), (2, 22)])
    assert lattice.network.edges[-2:].tolist() == [[0, 24], [2, 22]]
    assert lattice.couplings == 42
    np.testing.assert_allclose(lattice.initial_scale[-2:], 40**-0.5, rtol=1e-14)
    layers = with_skips(dense(2, 3, 1), [(0, 5)])
    assert layers.layers is None
    # Site 0 has 3 couplings of variance 1/5, site 5 has 3 of variance 1/4.
    np.testing.assert_allclose(layers.initial_scale[-1] ** 2, (3 / 5 + 3 / 4) / 6, rtol=1e-14)


# --- mistakes --------------------------------------------------------------------------------------------

MISTAKES = [
    (lambda: square(3, 3, [], [1]), "has no inputs; name at least one site"),
    (lambda: square(3, 3, [0], []), "has no outputs"),
    (lambda: square(3, 3, [0, 0], [1]), "inputs name site 0 more than once"),
    (lambda: square(3, 3, [0], [9]), "outputs name site 9, but the sites go from 0 to 8"),
    (lambda: square(3, 3, [-1], [2]), "inputs name site -1"),
    (lambda: square(3, 3, [0, 4], [4]), "site 4 is an input and an output"),
    (lambda: square(3, 3, [0.5], [4]), "are not site numbers"),
    (lambda: square(3, 3, [[0], [1, 2]], [4]), "are not site numbers"),
    (lambda: square(1, 1, [0], [0]), "has no edges"),
    (lambda: square(2, 5, [0], [1], periodic=True), "sides must be 3 or longer"),
    (lambda: triangular(5, 5, [0], [1], periodic=True), "must be even in number"),
    (lambda: triangular(1, 1, [0], [1]), "has no edges"),
    (lambda: all_to_all(1, [0], [0]), "have no pair to join"),
    (lambda: dense(5), "has 1 layers"),
    (lambda: dense(5, 0, 3), "size = 0; give a whole number from 1"),
    (lambda: local(window=9), "a window of 9 does not fit into 8 rows"),
    (lambda: local(stride=0), "stride = 0; give a whole number from 1"),
    (lambda: local(channels=0), "channels = 0; give a whole number from 1"),
    (lambda: local(outputs=0), "outputs = 0"),
    (lambda: local(window=3, stride=2), "windows of 3 with stride 2 leave some of 8 rows unread"),
    (lambda: local(image=(9, 9), window=3, stride=6), "choose a stride up to 3 that divides 6"),
    (lambda: local(image=8), r"a layer's size is 8; give \(rows, columns\)"),
    (lambda: local(window=(3, 3), channels=(1, 2, 3)), "give one number, or one per layer, of each"),
    (lambda: local(skips=3), "there are 2; add a layer, or use with_skips"),
    (lambda: local(window=(3, 3), skips=9), "make their window smaller"),
    (lambda: stacked([(4, 4)]), "at least two lattices"),
    (lambda: stacked([(4, 4), (5, 4)]), "sides may not grow"),
    (lambda: stacked([(4, 4), (4, 4)], window=5), "a window of 5 does not fit"),
    (lambda: stacked([(9, 9), (2, 2)], window=3), "do not reach all of 9 rows; enlarge them"),
    (lambda: stacked([(4, 4), (4, 4)], [16]), "give sites of the last lattice, 0 to 15"),
    (lambda: stacked([(4, 4), (4, 4)], [0, 0]), "more than once"),
    (lambda: with_skips(square(3, 3, [0], [8]), [(0, 1)]), "joined more than once"),
    (lambda: with_skips(square(3, 3, [0], [8]), [(0, 9)]), "skips name site 9"),
    (lambda: with_skips(square(3, 3, [0], [8]), [(4, 4)]), "to itself"),
    (lambda: with_skips(square(3, 3, [0], [8]), []), "give pairs of site numbers"),
    (lambda: Architecture(3, (0,), (1,), [0], None, 1.0, "x"), "is not a Network"),
    (lambda: Architecture(Network([(0, 1)]), (0,), (1,), [1], None, 1.0, "x"), "with gaps; number them from 0"),
    (lambda: Architecture(Network([(0, 1)]), (0,), (1,), [0, 0], None, 1.0, "x"), "number of each edge's coupling"),
    (lambda: Architecture(Network([(0, 1)]), (0,), (1,), [0], None, [1.0, 2.0], "x"), "one per coupling"),
    (lambda: Architecture(Network([(0, 1)]), (0,), (1,), [0], None, -1.0, "x"), "negative or not finite"),
]  # fmt: skip


@pytest.mark.parametrize(("build", "says"), MISTAKES)
def test_mistakes(build, says):
    """One sentence each."""
    with pytest.raises((NetworkError, ParameterError), match=says) as caught:
        build()
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


def test_what_is_built_cannot_be_written():
    """Tables are shared by whatever runs on them."""
    architecture = square(3, 3, [0], [8])
    for table in (architecture.shared, architecture.initial_scale, architecture.network.edges):
        with pytest.raises(ValueError, match="read-only"):
            table[0] = 0


def test_cutting_an_edge_takes_its_coupling_along_where_it_is_the_only_one():
    """What is left has, edge by edge, the couplings and scales of before."""
    for whole in (dense(3, 4, 2), local((3, 3), 2, 1, 2, 2, sharing=True)):
        for edge in (1, len(whole.network.edges) - 1):
            rest = whole.without(edge)
            alone = int(np.sum(whole.shared == whole.shared[edge])) == 1
            assert rest.couplings == whole.couplings - alone
            assert rest.layers is None
            kept = np.delete(np.arange(len(whole.network.edges)), edge)
            np.testing.assert_array_equal(rest.network.edges, whole.network.edges[kept])
            np.testing.assert_array_equal(rest.initial_scale[rest.shared], whole.initial_scale[whole.shared[kept]])
            same = lambda shared: np.equal.outer(shared, shared)  # noqa: E731
            np.testing.assert_array_equal(same(rest.shared), same(whole.shared[kept]))


def test_a_held_site_is_one_input_more():
    net = dense(2, 3, 1)
    assert net.holding(3).inputs == (0, 1, 3)
    for site, why in ((0, "more than once"), (5, "an input and an output"), (9, "from 0 to 5")):
        with pytest.raises(NetworkError, match=why):
            net.holding(site)
