"""Figures regression and modes: wirings by their symmetries, modes by their algebra, claims from made-up data."""

from __future__ import annotations

import numpy as np
import pytest
import xarray

from clockless.networks.builders import lattice
from clockless.papers.nonlinear import modes, regression


def test_symmetries_of_the_torus_map_edges_to_edges():
    """384 different ones, as a cube of four dimensions has: 4! exchanges and 2^4 reversals."""
    edges = lattice(4, 4, periodic=True).edges
    wiring, maps = {frozenset(edge) for edge in edges.tolist()}, regression.symmetries()
    assert len({tuple(each) for each in maps.tolist()}) == 384
    assert all({frozenset(edge) for edge in each[edges].tolist()} == wiring for each in maps)


def test_every_wiring_belongs_to_one_class():
    """Burnside: the number of classes is the mean number of placements that a symmetry leaves where they are."""
    fixed = np.array([(each == np.arange(16)).sum() for each in regression.symmetries()])
    left = fixed * (fixed - 1) * (fixed - 2) * (fixed - 3)
    assert len(regression.wirings()) == left.sum() / 384 == 169
    assert regression.wirings()[0] == regression.WIRING


def test_the_best_line_and_the_modes():
    """Orthonormal, of degree 0, 1 and 2; what the best line leaves has no mean and no slope."""
    x, y, basis = np.array(regression.INPUTS), np.array(regression.TARGETS), modes.basis()
    np.testing.assert_allclose(basis @ basis.T, np.eye(3), atol=1e-12)
    for degree, mode in enumerate(basis):
        np.testing.assert_allclose(np.polyval(np.polyfit(x, mode, degree), x), mode, atol=1e-10)
        assert np.polyfit(x, mode, degree)[0] > 0
    left = np.polyval(np.polyfit(x, y, 1), x) - y
    np.testing.assert_allclose(basis[:2] @ left, 0, atol=1e-12)
    np.testing.assert_allclose(np.mean(left**2), regression.best_line(), rtol=1e-12)


def test_what_falls_first_is_learned_first():
    """Decays with times 10, 100 and 1e4: halves at these times log 2; the last is not reached, so it counts as the end."""
    epochs = np.concatenate([[0], np.geomspace(1, 1000, 400)])
    boards = np.random.default_rng(0).uniform(0.5, 1.5, (16, 1, 3))
    values = boards * np.exp(-epochs[:, None] / np.array([10, 100, 1e4]))
    times, ratios, ends = modes.order(epochs, values)
    np.testing.assert_allclose(times, [10 * np.log(2), 100 * np.log(2), 1000], rtol=1e-2)
    np.testing.assert_allclose(ratios[0], 1, atol=0.01)
    assert (ends[0] > 0).all()
    flat = np.ones_like(values)
    assert modes.order(epochs, flat)[2].max() == 0  # nothing learned, nothing before anything


def _regression_data(error, reached):
    return xarray.Dataset(
        {"squares": (("model", "step"), [[1e-3, 1.7e-5], [1e-3, error]]), "reached": (("wiring", "start"), reached)},
        {"model": list(regression.MODELS), "wiring": ["5 7 15 10"] * len(reached)},
        {"line": regression.best_line(), "unsettled": 0.0},
    )


@pytest.mark.parametrize(("error", "holds"), [(1.8e-5, True), (2.2e-5, False)])
def test_the_published_error_holds_within_a_stated_margin(error, holds):
    claims = regression.claims(_regression_data(error, [[1e-6, 2e-4]]))
    assert claims[0].holds == holds
    assert claims[1].holds
    assert not regression.claims(_regression_data(error, [[4e-4, 4e-4]]))[1].holds
