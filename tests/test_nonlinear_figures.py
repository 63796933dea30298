"""The figures on nonlinear circuits, tiny: what their data hold, what theory says of them, and that they are drawn."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import xarray

from clockless.media.circuits import reference
from clockless.papers import Options
from clockless.papers.claims import HEALTH
from clockless.papers.nonlinear import CAPTIONS, FIGURES, NEEDS, absent, boards, digits, ensembles
from clockless.papers.nonlinear.drawings import DRAW


def test_every_figure_has_a_caption_and_a_drawing():
    assert FIGURES.keys() == CAPTIONS.keys() == DRAW.keys()


@cache
def made(name):
    return FIGURES[name](Options(tiny=True, threads=1))


@pytest.mark.parametrize("name", [name for name in FIGURES if name not in NEEDS])
def test_a_tiny_figure_is_made_and_drawn(name, tmp_path):
    """Rows that a tiny run decides hold in it."""
    DRAW[name](made(name).datasets).savefig(tmp_path / "figure.png")
    assert all(claim.holds for claim in made(name).claims if claim.tiny)


def test_the_gradient_of_an_energy_and_of_none():
    order = next(claim for claim in made("cosine").claims if "order" in claim.quantity)
    assert order.tiny
    assert order.holds, order
    cosine = made("cosine").datasets["figure-cosine"].cosine
    assert np.nanmax(np.abs(cosine)) <= 1 + 1e-12
    assert cosine.sel(law="level 1", scale=1.0).isel(overdrive=-1).median() > 0.9


def test_linear_resistors_end_at_the_best_plane():
    """Exclusive or has no plane: linear boards come to its error and no further."""
    data = made("xor").datasets["figure-xor"]
    least = data.linear.min()
    assert least >= data.attrs["plane"] * (1 - 1e-9)
    assert not data.linear_solved.any(), "a plane cannot"
    np.testing.assert_allclose(data.attrs["plane"], 0.087**2 / 4, rtol=1e-12)


def test_at_one_update_a_step_equal_steps_are_equal_updates():
    """p = 1 is the same run on both counts; lower p have had fewer updates at equal steps."""
    data = made("truth").datasets["figure-truth_exclusive-or"]
    np.testing.assert_array_equal(data.error.sel(p=1.0, at="equal steps"), data.error.sel(p=1.0, at="equal step x p"))
    assert (data.error.sel(p=0.05, at="equal steps") != data.error.sel(p=0.05, at="equal step x p")).all()


@pytest.mark.parametrize(("clocked", "plain", "verdict"), [(range(30), range(10), 1), (range(10), range(30), -1),
    (range(20), range(21), 0), (range(30), range(10, 40), 0), (range(5), (), 0), (range(6), (), 1)])  # fmt: skip
def test_verdicts_follow_the_boards_that_only_one_solves(clocked, plain, verdict):
    """Five of five that change sides happen by chance with 2 / 32, six of six with 2 / 64."""
    solved, error = np.zeros((2, 2, 64), dtype=bool), np.ones((2, 2, 64))
    solved[0][:, list(clocked)], solved[1][:, list(plain)] = True, True
    error[0] = np.geomspace(1.0, 10.0, 64)
    at = {"p": list(ensembles.PAIR), "at": ["equal steps", "equal step x p"]}
    data = xarray.Dataset({"solved": (("p", "at", "seed"), solved), "error": (("p", "at", "seed"), error)}, at)
    assert ensembles.solved_more("truth", "made up", data, 0, HEALTH).measured == verdict
    assert ensembles.ends_higher("truth", "made up", data, 0, HEALTH).measured == 1


def test_alike_is_an_interval_within_the_margin():
    """p = 0.05 ends a tenth of a decade higher on average: within 0.2 decades, not within 0.1; p = 0.5 does not count."""
    rng, shape = np.random.default_rng(0), ("p", "at", "seed")
    plain = 10 ** rng.normal(size=64)
    apart = 10 ** (0.1 + 0.1 * rng.permutation(np.linspace(-1, 1, 64)))
    error = np.stack([np.stack([each, each]) for each in (plain, 9.0 * plain, apart * plain)])
    data = xarray.Dataset({"error": (shape, error)}, {"p": [1.0, 0.5, 0.05], "at": ["equal steps", "equal step x p"]})
    wide, narrow = (ensembles.ends_alike("truth", "made up", data, margin, HEALTH) for margin in (0.2, 0.1))
    assert wide.measured == pytest.approx(0.1)
    assert wide.holds
    assert not narrow.holds


def test_larger_tori_have_their_nodes_at_the_same_places():
    asked = boards.TASKS["exclusive or"]
    assert boards.places([0, 5, 7, 10, 13, 15], 4, 8) == [0, 18, 22, 36, 50, 54]
    task, board = asked.task(3, 8), asked.board(8)
    assert board.rails == {18: 0.11, 22: 0.33}
    assert (list(task.inputs), list(task.outputs)) == ([54, 50], [36, 0])
    task.check_fits(board.network)
    assert not set(board.rails) & {*task.inputs, *task.outputs}


def test_tasks_are_solved_by_their_own_targets_alone():
    for name, asked in boards.TASKS.items():
        task = asked.make(3)
        assert asked.solved(task.y_test, task), name
        assert not asked.solved(np.zeros_like(task.y_test) + 1e-3 * np.arange(task.y_test.shape[1]), task), name


def test_absent_transistors_at_p_1_are_all_there():
    """No coin falls below 1: the same boards end alike but for rounding, and only there."""
    error = made("dropout-circuits").datasets["figure-dropout-circuits_0"].error
    stays, missing = (error.sel(kind=kind) for kind in absent.KINDS)
    np.testing.assert_allclose(missing.sel(p=1.0), stays.sel(p=1.0), rtol=1e-4)
    assert (np.abs(missing.sel(p=0.5) / stays.sel(p=0.5) - 1) > 1e-3).all()


def test_errors_are_those_of_a_plain_newton_with_all_edges():
    board, task = boards.TASKS["two moons"].board(), boards.moons(3)
    gates = boards.starts(board, [3]).values[0]

    def miss(x, y):
        volts = reference.newton(board, gates, dict(zip(task.inputs, x, strict=True)))[list(task.outputs)]
        return (volts[0] - volts[1] - (y[0] - y[1])) ** 2

    expected = [np.mean([miss(*each) for each in zip(x, y, strict=True)]) for x, y in
                ((task.x_test[:20], task.y_test[:20]), (task.x_train, task.y_train))]  # fmt: skip
    few = replace(task, x_test=task.x_test[:20], y_test=task.y_test[:20])
    np.testing.assert_allclose(absent.errors(board, few, gates), expected, rtol=1e-6)


def test_every_pixel_holds_a_node_of_the_board_of_digits():
    """64 x 6 + 64 x 20 + 6 x 20 + 2 x 6 + 2 x 20 edges; no digit is both learned and tested."""
    board, task = digits.DIGITS.board(), digits.digits(3)
    assert board.units == 1836
    task.check_fits(board.network)
    assert not set(board.rails) & {*task.inputs, *task.outputs}
    assert len(np.unique(np.concatenate([task.x_train, task.x_test]), axis=0)) == digits.LEARNED + digits.TESTED
    assert task.x_train.min() == 0
    assert task.x_train.max() == boards.SPAN
    shown = task.y_test[:, 0::2] - task.y_test[:, 1::2]
    np.testing.assert_array_equal(np.argmax(shown, axis=1), task.labels_test)
    np.testing.assert_allclose(np.ptp(shown, axis=1), boards.APART)
    assert digits.DIGITS.solved(task.y_test, task)
    assert not digits.DIGITS.solved(-task.y_test, task)
