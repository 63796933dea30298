"""Speed as four quantities, tiny: what is measured is consistent, the words name the right kind, and the figures draw."""

from __future__ import annotations

import numpy as np
import pytest
import xarray

pytest.importorskip("jax", reason="JAX is not installed (the extra `modules`)", exc_type=ImportError)

import matplotlib as mpl

from clockless.media.modules.layers import mlp
from clockless.media.modules.learning import Learning
from clockless.media.modules.timing import event_seconds, noise, simulated_seconds, step_seconds, steps_in_turns
from clockless.papers import Options
from clockless.papers.decoupled import measuring, speed

mpl.use("Agg")


def learning(width, method="cdni", layers=3):
    return Learning(mlp(64, width, layers, 10), noise(64, 10, 128), method, batch=32)


def test_a_step_of_more_work_takes_longer():
    """64 times the multiply-adds take longer; by how much depends on who else computes."""
    assert step_seconds(learning(512, "backprop"), 4, 3) > step_seconds(learning(8, "backprop"), 4, 3) > 0


def test_events_are_timed_one_by_one():
    times = event_seconds(learning(8), 6)
    assert len(times) == 3
    assert all(0 < seconds < 5 for seconds in times)


def test_the_pipeline_is_as_fast_as_its_busiest_module():
    """Where the first module is the busiest nobody keeps it waiting, so a batch comes every time it has done one."""
    assert simulated_seconds(learning(8), [1.0, 0.25, 0.125], 24) == pytest.approx(1.0, rel=1e-9)


def test_the_words_name_the_kind_of_every_gain():
    import xarray

    gain = np.array([[3.2, 0.3, 0.5, np.nan], [1.5, 1.5, np.nan, 2.99]])
    coordinates = {"way": ["skipping", "two"], "quantity": list(speed.QUANTITIES)}
    words = speed.threefold(xarray.Dataset({"gain": (("way", "quantity"), gain)}, coordinates))
    assert words == (
        "time per iteration: 3-fold in skipping (3.2). time per update: nowhere 3-fold. "
        "time to 5 % error: nowhere 3-fold. critical path: nowhere 3-fold."
    )


@pytest.mark.parametrize(
    ("gain", "scatter", "holds"),
    [(1.63, 0.01, True), (3.2, 0.01, False), (1.63, 1.0, False)],
    ids=["as said", "twice", "noisy"],
)
def test_a_gain_is_as_expected_where_its_interval_over_turns_is_near(gain, scatter, holds):
    """Backprop takes a second, one way 1 / gain of it; a work of cDNI as counted."""
    ways, layers = list(measuring.WAYS), measuring.LAYERS
    seconds = np.ones((len(layers), 8, len(ways)))
    seconds[:, :, ways.index("cDNI")] = [[measuring.counted(each)] for each in layers]
    seconds[:, :, ways.index("cDNI, p = 0.2")] /= gain * np.exp(scatter * np.array([1, -1, 1, -1, 1, -1, 1, -1]))
    data = xarray.Dataset({"turns": (("layers", "turn", "way"), seconds)}, {"layers": list(layers), "way": ways})
    claims = speed._step_claims(data)
    assert claims[0].measured == pytest.approx(gain)
    assert claims[0].holds == holds
    assert [claim.holds for claim in claims[1:]] == [False, False, True], (
        "gains of 1 are none of 3.4 and 6; the work is as counted"
    )


@pytest.mark.parametrize(("reached", "scatter", "holds"), [(1.0, 0.02, True), (0.7, 0.02, False), (1.0, 0.3, False)])
def test_two_processes_reach_their_bound_where_the_interval_over_replicas_says_so(reached, scatter, holds):
    """A bound of 1.75; six layers on six workers are simulated as fast as measured times allow."""
    moves = np.exp(scatter * np.array([1, -1, 1, -1]))
    per_worker = np.ones((6, 4, 4)) * np.arange(1, 7)[:, None, None]
    two = np.full((4, 4), 1.75)
    two[:, 2:] *= (reached * moves)[:, None]
    data = xarray.Dataset(
        {
            "per_worker": (("workers", "replica", "kind"), per_worker),
            "pair": (("layers", "replica", "two"), two[None] * 0.8), "wide": (("replica", "reach"), two),
        },
        {"kind": list(speed._KINDS), "two": speed._REACHED, "reach": speed._REACHED, "layers": [6]},
    )  # fmt: skip
    simulated, pair, wall, processor = speed._path_claims(data)
    assert simulated.measured == pytest.approx(1.0)
    assert simulated.holds
    assert pair.measured == pytest.approx(1.4 * reached)
    assert wall.measured == processor.measured == pytest.approx(reached)
    assert (pair.holds, wall.holds, processor.holds) == (holds, holds, holds)


def test_all_are_timed_in_every_turn():
    found = steps_in_turns([learning(8), learning(512)], [2, 2], 3)
    assert found.shape == (3, 2)
    assert (found.min(axis=0)[0] < found.min(axis=0)[1]).all()


def test_counted_work_of_six_layers_by_hand():
    """2 x 784 x 256 + 4 x 3 x 256^2 + 3 x 2560 for the layers, 5 x 3 x 266 x 256 for the interfaces."""
    layers = 2 * 784 * 256 + 4 * 3 * 256**2 + 3 * 2560
    assert measuring.counted(6) == pytest.approx(1 + 5 * 3 * 266 * 256 / layers)


def test_the_first_figure_is_consistent_and_draws(tmp_path):
    from clockless.papers.decoupled.drawings.speed import figure_speed1

    data = speed.figure_speed1(Options(tiny=True)).datasets
    (only,) = data.values()
    assert np.isfinite(only.iteration).all()
    assert (only.iteration > 0).all()
    ratio = only.iteration / only["update"] / only.layers
    np.testing.assert_allclose(ratio.sel(way=["backprop", "cDNI"]), 1.0)
    np.testing.assert_allclose(ratio.sel(way="cDNI, p = 0.05"), 0.05)
    figure_speed1(data).savefig(tmp_path / "speed1.png")
    assert (tmp_path / "speed1.png").stat().st_size > 5000


def test_end_to_end_gains_are_told_apart():
    """Backprop's time over each way's: an update of a layer that acts with p is worth p iterations."""
    from clockless.papers.decoupled import end_to_end

    ways = [*end_to_end.CHOSEN, end_to_end.WORKERS]
    cheap = {"backprop": 1.0, "cDNI": 2.0, "cDNI, p = 0.2": 0.5, "cDNI, p = 0.05": 0.2, end_to_end.WORKERS: 0.5}
    iteration = np.broadcast_to(np.array([cheap[way] for way in ways])[None, :, None], (4, 5, 3)).copy()
    target = 100.0 * iteration
    target[0, 3, 0] = np.nan  # one seed does not get there
    error = np.full((4, 5, 3), 0.05)
    dims = ("layers", "way", "seed")
    data = xarray.Dataset(
        {"iteration": (dims, iteration), "target": (dims, target), "test_error": (dims, error)},
        {"layers": [3, 4, 5, 6], "way": ways, "seed": [0, 1, 2]}, {"updates": 200},
    )  # fmt: skip
    data["gain"] = (("quantity", *dims), end_to_end.gains(data))
    data = data.assign_coords(quantity=list(end_to_end.QUANTITIES))
    gain = data.gain.isel(layers=1, seed=0)
    assert gain.sel(quantity="time per iteration", way="cDNI, p = 0.05") == pytest.approx(5.0)
    assert gain.sel(quantity="time per update", way="cDNI, p = 0.05") == pytest.approx(0.25)
    assert gain.sel(quantity="critical path", way=end_to_end.WORKERS) == pytest.approx(2.0)
    rows = end_to_end.claims_of(data)
    assert [row.holds for row in rows] == [True, False, True, False, True]  # 3-fold, as made up, in iterations and to 10 %
    assert "cDNI, p = 0.05, 4 layers" in rows[2].note  # not three layers, where a seed is missing
    worse = data.assign(test_error=data.test_error * xarray.where(data.way == "cDNI", 1.5, 1.0))
    assert not end_to_end.claims_of(worse)[-1].holds
