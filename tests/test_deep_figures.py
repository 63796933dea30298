"""The figures on deep resistive networks: tiny versions drawn, stopped and gone on with; claims from made-up data."""

from __future__ import annotations

import numpy as np
import pytest
import xarray

from clockless.commands import main
from clockless.errors import ClocklessError, StoreError, UnknownFigureError
from clockless.papers import Options
from clockless.papers.nonlinear import CAPTIONS, FIGURES, NEEDS, deep, deep_clocks
from clockless.papers.nonlinear.drawings import DRAW
from clockless.papers.reproduction import checked_figures
from small_mnist import write_mnist


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """A made-up MNIST whose grey value tells the label."""
    labels = [k % 10 for k in range(400)]
    return write_mnist(tmp_path_factory.mktemp("mnist"), labels, labels[:200], side=28)


def test_every_figure_has_its_drawing_and_caption_and_needs_data():
    """Without --mnist they are left out, and asking for one is a mistake."""
    assert FIGURES.keys() == DRAW.keys() == CAPTIONS.keys()
    assert {"drn", "drn-clocks"} == NEEDS.keys()
    assert checked_figures("nonlinear", [], ["mnist"]) == list(FIGURES)
    with pytest.raises(UnknownFigureError, match="--mnist"):
        checked_figures("nonlinear", ["drn"])


def test_stopped_and_gone_on_with_is_one_run(images, tmp_path, monkeypatch):
    """--epochs 1, then all: the curve of the first epoch is that of a run that was never stopped."""
    monkeypatch.setattr(deep, "NETS", {"xs": 1})
    made = [
        deep.figure_drn(Options(tiny=True, stores=stores, data={"mnist": images}, limits=limits)).datasets["figure-drn_xs"]
        for stores, limits in ((tmp_path / "a", {"epochs": 1}), (tmp_path / "a", {}), (tmp_path / "b", {}))
    ]
    assert [data.sizes["epoch"] for data in made] == [2, 3, 3]
    xarray.testing.assert_identical(made[0], made[1].isel(epoch=slice(2)))
    xarray.testing.assert_identical(made[1], made[2])
    DRAW["drn"]({"figure-drn_xs": made[2]}).savefig(tmp_path / "figure.png")


@pytest.mark.parametrize(("paper", "flag", "said"), [
    ("xy-lattices", "--epochs", "figure drn"), ("desynchronous", "--minutes", "figure drn"),
    ("nonlinear", "--epochs", "--mnist"),
])  # fmt: skip
def test_limits_belong_to_this_figure(paper, flag, said):
    """One sentence, before anything runs."""
    with pytest.raises(ClocklessError, match=said):
        main.reproduce(paper, figure=["drn"], **{flag[2:]: 3})


def test_no_time_at_all_is_said(images, monkeypatch):
    """A net that has not learned for an epoch is left out; none at all is one sentence."""
    monkeypatch.setattr(deep, "NETS", {"xs": 1})
    with pytest.raises(StoreError, match="--minutes"):
        deep.figure_drn(Options(tiny=True, data={"mnist": images}, limits={"minutes": 0}))


def test_chance_costs_are_drawn(images, tmp_path):
    """Tiny: two p, two seeds, all looks."""
    data = deep_clocks.figure_drn_clocks(Options(tiny=True, data={"mnist": images})).datasets
    assert dict(data["figure-drn-clocks"].sizes) == {"p": 2, "seed": 2, "epoch": len(deep_clocks.LOOKS)}
    DRAW["drn-clocks"](data).savefig(tmp_path / "figure.png")


def test_effective_time_is_the_sum_of_rates():
    """Step by step: 0.99 of the rate from the second epoch on."""
    steps = np.concatenate([np.full(1000, 1.0), np.full(1000, 0.99), np.full(500, 0.99**2)]) / 1000
    expected = [0.0, steps[:300].sum(), steps[:1000].sum(), steps.sum()]
    np.testing.assert_allclose(deep_clocks.effective(np.array([0, 0.3, 1, 2.5])), expected, rtol=1e-12)


def test_errors_at_equal_effective_time_are_equal_within_what_the_test_set_tells_apart():
    """Errors that fall alike in effective time hold; ones that are a point worse, or scatter by three, do not."""
    epochs, seeds = np.array(deep_clocks.LOOKS, dtype=float), np.arange(3)
    p = np.array([1.0, 0.5])
    times = deep_clocks.effective(epochs) * p[:, None]

    def rows(worse):
        error = (10.0 - 2.0 * times)[:, None, :] + 0.05 * seeds[:, None]
        error[1] += np.asarray(worse, dtype=float)[:, None]
        shape = ("p", "seed", "epoch")
        return deep_clocks._claims(xarray.Dataset({"error": (shape, error)}, {"p": p, "seed": seeds, "epoch": epochs}))

    (alike,), (worse,), (scattered,) = rows([0, 0, 0]), rows([1, 1, 1]), rows([-3, 0, 3])
    assert alike.tolerance == pytest.approx(1.96 * np.sqrt(2 * 0.08 * 0.92 / 1e4) * 100, rel=0.1)
    assert (alike.holds, worse.holds, scattered.holds) == (True, False, False)
    assert scattered.measured == pytest.approx(0, abs=1e-9)
    assert scattered.tolerance == alike.tolerance


def test_claims_compare_with_the_paper_after_all_epochs_only(capsys):
    """Errors of the made-up run are the published ones; of an unfinished run nothing is claimed, and that is said."""
    epochs = np.arange(51)
    values = {name: (("seed", "epoch"), np.full((1, 51), error)) for name, error in (("error", 1.57), ("train_error", 0.12))}
    data = xarray.Dataset(values, {"epoch": epochs})
    claims = deep._claims("1h", data, tiny=False)
    assert [(claim.expected, claim.holds) for claim in claims] == [(1.57, True), (0.12, True)]
    assert not any(claim.holds for claim in deep._claims("1h", data + 0.5, tiny=False))
    assert deep._claims("1h", data.isel(epoch=slice(50)), tiny=False) == []
    assert "49 of 50 epochs" in capsys.readouterr().err


def test_margin_is_binomial():
    """Against 20,000 draws of two test errors: 95 % of differences lie within."""
    rng = np.random.default_rng(0)
    theirs, ours = 100 * rng.binomial(10_000, 0.03, (2, 20_000)) / 10_000
    inside = np.mean(np.abs(theirs - ours) <= deep.margin(3.0, 10_000))
    assert inside == pytest.approx(0.95, abs=0.01)


def test_seeds_that_scatter_are_not_like_the_published_one():
    """The mean is the published error each time."""
    rows = [deep._alike("x", 3.0, 0.4, 3.0 + scatter * np.array([-1.0, 0.0, 1.0]), "", "") for scatter in (0.1, 1.0)]
    assert [row.holds for row in rows] == [True, False]
    assert [deep._alike("x", 3.0, 0.4, np.array([error]), "", "").holds for error in (3.3, 3.5)] == [True, False]
