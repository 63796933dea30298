"""What is beyond the paper: cuts leave a network, runs go on after them, and the numbers of the figures on made-up data."""

import functools
import itertools

import numpy as np
import pytest

from clockless import networks
from clockless.papers import Options
from clockless.papers.desynchronous import beyond


def test_cuts_take_one_edge_each_and_isolate_no_node():
    """Every stage is the one before without one edge; all nodes stay, in one piece; positions stay."""
    network = networks.packing()
    stages = beyond.damaged(network, 8, seed=0)
    assert [len(left.edges) for left, _ in stages] == list(range(143, 134, -1))
    for (before, _), (after, kept) in itertools.pairwise(stages):
        assert np.array_equal(after.edges, before.edges[kept])
        assert after.nodes == network.nodes
        assert np.array_equal(after.positions, network.positions)


def test_cuts_spare_bridges():
    """A triangle with a tail can lose only an edge of the triangle; the node at the tail's end is the last number."""
    network = networks.Network([(0, 1), (1, 2), (2, 0), (2, 3)])
    for seed in range(20):
        (_, (left, kept)) = beyond.damaged(network, 1, seed)
        assert left.nodes == 4
        assert 3 in kept


def test_a_tree_has_nothing_to_cut():
    """Where every edge is a bridge the damage ends."""
    assert len(beyond.damaged(networks.Network([(0, 1), (1, 2)]), 5, seed=0)) == 1


def test_updates_until_takes_the_first_and_tells_never():
    """The first column below the threshold, even if the error rises again; infinity if there is none."""
    curves = np.array([[1.0, 0.5, 0.05, 0.2], [1.0, 0.9, 0.8, 0.7], [1.0, 0.1, 0.1, 0.09]])
    assert beyond.updates_until(0.1, curves).tolist() == [2.0, np.inf, 3.0]


def test_exponent_of_a_power_law_is_exact_and_of_noise_uncertain():
    """A pure power law gives its exponent with no width; scatter over tasks gives an interval around it."""
    sizes = (64, 256, 1024)
    law = np.array(sizes, dtype=float)[:, None] ** 0.7
    assert beyond.exponent(sizes, np.broadcast_to(law, (3, 64)), 0) == pytest.approx((0.7, 0.7, 0.7))
    scattered = law * np.exp(np.random.default_rng(1).normal(0, 0.5, (3, 64)))
    power, least, most = beyond.exponent(sizes, scattered, 0)
    assert least < power < most
    assert least < 0.7 < most
    scattered[-1, :10] = np.inf  # a few tasks that never learned do not spoil medians
    assert np.isfinite(beyond.exponent(sizes, scattered, 0)).all()


@functools.cache
def tiny(figure):
    """A tiny figure with another master seed than that of the documents, and the names of what it kept."""
    kept = []
    return getattr(beyond, f"figure_{figure}")(Options(tiny=True, seed=1, keep=lambda name, data: kept.append(name))), kept


def test_damage_goes_on_from_the_resistances_before_the_cut():
    """The error right after a cut is the learned one or somewhat above, for most tasks far below that before learning."""
    data = tiny("b3")[0].datasets["figure-b3_equal-updates"].error
    assert np.allclose(data.isel(stage=0, since=0), 1.0)
    before, after = data.isel(stage=0, since=-1).sel(p=1.0), data.isel(stage=1, since=0).sel(p=1.0)
    assert np.median(after) < 0.5
    assert not np.array_equal(before, after)
    assert float(np.median(after / before)) < 2.0


@pytest.mark.parametrize("figure", ["b1", "b2", "b3"])
def test_tiny_figures_hold_and_draw(figure):
    """Every claim of the tiny version holds with another master seed, its data are finite, and it can be drawn."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    from clockless.papers.desynchronous.drawings import DRAW

    made, kept = tiny(figure)
    assert kept == list(made.datasets)
    assert [claim.quantity for claim in made.claims if claim.tiny and not claim.holds] == []
    plt.close(DRAW[figure](made.datasets))
