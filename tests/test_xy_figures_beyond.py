"""Figures d, e and f of the XY paper: their numbers on cases that can be worked out by hand, and their tiny versions."""

from __future__ import annotations

import numpy as np
import pytest
import xarray

from clockless.errors import NetworkError
from clockless.experiments.descriptions import built
from clockless.experiments.experiment import Experiment
from clockless.media.phases.contrast import response_by_nudging
from clockless.media.phases.xy import Parameters, Rotors
from clockless.networks.architectures import Grid, square, square_with_skips
from clockless.papers import Options
from clockless.papers.xy_lattices import beyond, responses, sparse
from clockless.parts.rules import EquilibriumPropagation


def test_skips_by_brute_force():
    lattice = square_with_skips(4, 6, [0], [23], skips=3)
    places = [divmod(site, 6) for site in range(24)]
    wanted = {
        (i, j)
        for i, (r, c) in enumerate(places)
        for j, (s, d) in enumerate(places)
        if i < j and ((r == s and abs(c - d) in (1, 3)) or (c == d and abs(r - s) in (1, 3)))
    }
    assert {tuple(sorted(edge)) for edge in lattice.network.edges.tolist()} == wanted
    assert len(lattice.network.edges) == len(wanted) == lattice.couplings
    assert len(wanted) - len(square(4, 6, [0], [23]).network.edges) == 4 * (6 - 3) + 6 * (4 - 3)


def test_no_skips_are_the_plain_lattice():
    plain, none = square(3, 3, [0], [8]), square_with_skips(3, 3, [0], [8])
    assert np.array_equal(plain.network.edges, none.network.edges)
    assert np.array_equal(plain.initial_scale, none.initial_scale)


@pytest.mark.parametrize("skips", [1, 5, 9])
def test_skips_that_do_not_fit(skips):
    with pytest.raises(NetworkError, match="skips"):
        square_with_skips(5, 4, [0], [8], skips)


def test_local_layers_are_described_with_all_their_fields():
    network = {"kind": "local-layers", "window": [3, 3], "stride": [1, 1], "channels": [2, 2], "skips": 5}
    experiment = Experiment(network=network, medium={"kind": "xy"}, task={"kind": "digits"})
    assert experiment.axes == ()
    # windows 36 x 2 x 9 and 16 x 2 x 2 x 9; skips 16 x 2 x 25; readout 32 x 10
    assert built("network", experiment.network).couplings == 648 + 576 + 800 + 320


def test_couplings_of_the_choices_are_counted_as_by_hand():
    names = [choice.name for choice in sparse.CHOICES]
    table = sparse.compared(list(sparse.CHOICES), np.zeros((len(names), 2)))
    counts = {name: (int(table.couplings[k]), int(table.without_readout[k])) for k, name in enumerate(names)}
    assert counts["dense 100"] == (7400, 6400)
    assert counts["4 x 4 x 4"] == (2600, 1600)
    assert counts["3 x 3 x 3"] == (2052, 972)
    assert counts["3 x 3 x 1"] == (684, 324)
    assert counts["4 x 4 x 4, sharing"] == (64 + 1000, 64)
    assert counts["3 x 3 x 1, intra"] == (684 + 60, 324 + 60)


def test_interpolation_is_linear_in_the_logarithm():
    accuracy = np.array([[0.9, 0.8], [0.5, 0.6], [0.7, 0.7]])
    found = sparse.interpolated(np.array([1000, 10, 100]), accuracy, np.array([100, np.sqrt(10) * 100, 5, 2000]))
    assert found[0] == pytest.approx([0.7, 0.7])
    assert found[1] == pytest.approx([0.8, 0.75])
    assert np.isnan(found[2:]).all()


def test_half_width_is_that_of_students_t():
    values = np.array([[1.0, 2.0, 3.0, 4.0, 5.0]])
    # t(0.975; 4) = 2.776 and t(0.95; 4) = 2.132 from tables; s / sqrt(n) = sqrt(2.5 / 5)
    assert sparse.half_width(values) == pytest.approx(2.776 * np.sqrt(0.5), rel=1e-3)
    assert sparse.half_width(values, 0.95) == pytest.approx(2.132 * np.sqrt(0.5), rel=1e-3)


@pytest.mark.parametrize(("deficit", "verdict"), [(0.0, True), (0.005, True), (0.015, False)])
def test_not_inferior_means_within_the_margin(deficit, verdict):
    choices = [choice for choice in sparse.CHOICES if choice.name in sparse.TINY]
    noise = 1e-4 * np.array([-1.0, 0, 1, 0, 0])
    accuracy = np.array([0.95 + noise - deficit * (choice.name == sparse.SPARSE) for choice in choices])
    accuracy[[choice.name for choice in choices].index(sparse.DENSE)] = 0.95
    data = sparse.compared(choices, accuracy)
    assert bool(data.not_inferior.sel(network=sparse.SPARSE)) is verdict
    assert sparse.smallest_not_inferior(data) == ("3 x 3 x 1" if verdict else "")  # a sequence ends where it first fails


def test_numbers_of_a_response_that_falls_off():
    architecture = built("network", responses.CASES[0].network)
    (site,) = architecture.outputs
    radius = responses.distances(site)
    # 0.2 on the 2 free nearest neighbours, 0.05 on the 8 second ones, 0.001 elsewhere
    response = np.select([radius == 0, radius == 1, radius == 2], [1.0, 0.2, 0.05], 0.001)
    reach, affected, marginal, contrast = responses.numbers_of(architecture, response)
    assert affected == pytest.approx(2 / 46)
    assert marginal == pytest.approx(36 / 46)
    assert reach == 2  # 0.8 of 0.836 within two bonds
    assert contrast == pytest.approx(np.log10(0.05 / 0.001))


def test_distances_are_counted_along_the_lattice():
    grid = Grid(responses.SIDE, responses.SIDE)
    found = responses.distances(grid.at(3, 3))
    assert found[grid.at(3, 3)] == 0
    assert found[grid.at(0, 6)] == found[grid.at(6, 0)] == 6
    assert np.bincount(found).tolist() == [1, 4, 8, 12, 12, 8, 4]


def test_mean_response_agrees_with_nudged_states():
    architecture = built("network", responses.CASES[3].network)
    rng = np.random.default_rng(3)
    sites = architecture.network.nodes
    parameters = Parameters(
        rng.normal(0, 0.3, architecture.couplings), rng.uniform(0.5, 1, sites), rng.uniform(-np.pi, np.pi, sites)
    )
    xy, phases = responses.settled(architecture, parameters)
    (site,) = architecture.outputs
    maps = [np.abs(response_by_nudging(xy, parameters, one, site, architecture.inputs, 1e-5)) for one in phases.T]
    wanted = np.mean([one / one[site] for one in maps], axis=0)
    found = responses.mean_response(architecture, parameters)
    assert found == pytest.approx(wanted, rel=1e-3, abs=1e-4)
    assert found[site] == 1
    assert (found[list(architecture.inputs)] == 0).all()


def test_moved_counts_the_couplings_that_carry_the_change():
    architecture = square(3, 3, [0], [8])  # 12 couplings
    traces = np.zeros((1, 3, 12 + 18))
    traces[0, 1, 5] = 2.0  # one has moved
    traces[0, 2, :10] = -1.0  # ten have alike: nine of them are 90 %
    found = responses._moved(architecture, traces)[0]
    assert np.isnan(found[0])
    assert found[1:] == pytest.approx([1 / 12, 9 / 12])


def test_overlap_is_the_rank_correlation_of_change_and_response():
    architecture = square(3, 3, [0], [8])
    response = np.linspace(0.1, 1.0, 9) ** 3
    ends = response[architecture.network.edges].mean(axis=1)
    traces = np.zeros((1, 3, 12 + 18))
    traces[0, 1, :12] = -np.log(ends)  # falls as the response rises
    traces[0, 2, :12] = -(ends**2)  # |change| rises with it, whatever its sign
    found = responses._overlap(architecture, traces, np.broadcast_to(response, (1, 3, 9)))
    assert np.isnan(found[0, 0])
    assert found[0, 1:] == pytest.approx([-1, 1])


@pytest.mark.parametrize(("offset", "scatter", "holds"), [(0.02, 0.0, True), (0.2, 0.0, False), (0.02, 0.5, False)])
def test_curves_of_clocks_are_one_within_a_margin(offset, scatter, holds):
    """Neither far apart, nor known too little of, whatever the mean."""
    luck = scatter * np.array([-1.0, 1.0, -1.0, 1.0])[:, None]  # no part in the mean
    values = np.exp(-np.arange(5.0)) + np.zeros((3, 4, 1))
    values[1] += offset + luck
    data = xarray.Dataset(
        {
            name: (("clock", "split", at), values)
            for name, at in (("at_equal_updates", "update"), ("at_equal_steps", "step"))
        },
        {"p": ("clock", [1.0, 0.5, 0.2])},
    )
    every, below = beyond._claims_of_collapse(data, "made up")
    assert every.measured == pytest.approx(offset)
    assert (every.holds, below.holds) == (holds, holds)


def test_unfinished_relaxation_adds_an_error_of_first_order():
    experiment = Experiment(
        network={"kind": "dense", "sizes": [64, 5, 10]}, medium={"kind": "xy"},
        task={"kind": "digits", "split": "random", "seed": [0]}, rule=EquilibriumPropagation(0.1, 0.1),
    )  # fmt: skip
    rng = np.random.default_rng(0)
    parameters = np.concatenate([rng.normal(0, 0.3, 370), rng.uniform(0.5, 1, 79), rng.uniform(-3, 3, 79)])
    errors, extra = beyond.gradient_errors(experiment, parameters, 0, (1e-3, 1e-5, 1e-7))
    assert np.log10(extra[:, 0] / extra[:, 2]) / 4 == pytest.approx([1, 1], abs=0.2)
    assert extra[1, 1] / extra[0, 1] == pytest.approx(10, rel=0.9)  # over the nudge
    assert errors[1, -1] < errors[0, -1]  # what is left falls with the nudge


@pytest.mark.slow
@pytest.mark.parametrize("figure", ["d", "e", "f1", "f2", "f3"])
def test_tiny_figures_run_and_are_drawn(figure):
    import matplotlib

    matplotlib.use("Agg")
    from clockless.papers.xy_lattices import FIGURES
    from clockless.papers.xy_lattices.drawings import DRAW

    data = FIGURES[figure](Options(tiny=True))
    assert {claim.measured for claim in data.claims if claim.quantity == "replicas that failed"} == {0}
    picture = DRAW[figure](data.datasets)
    assert picture.get_figwidth() == pytest.approx(178 / 25.4)


def test_xy_stands_on_the_network_of_its_case():
    for case in responses.CASES:
        architecture = built("network", case.network)
        xy = Rotors(architecture.network, architecture.shared)
        assert xy.couplings == architecture.couplings == 84 + (70 if case.skips else 0)
        assert len({responses.distances(architecture.outputs[0])[site] for site in architecture.inputs}) == 1
