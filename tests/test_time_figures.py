"""Numbers of the figures on continuous time from made-up data whose answers are known; the tiny version drawn."""

import matplotlib as mpl
import numpy as np
import pytest
import xarray

from clockless.papers import Options
from clockless.papers.time import CAPTIONS, FIGURES
from clockless.papers.time.drawings import DRAW
from clockless.papers.time.triggered import CLOCKS, claims, needed

pytestmark = pytest.mark.timeout(300)


def test_every_figure_is_drawn_and_described():
    assert set(FIGURES) == set(DRAW) == set(CAPTIONS)


def made_up(faster):
    """Errors exp(-events / scale), whose tenth is at scale ln 10; the third clock needs `faster` times fewer events."""
    steps = np.arange(0, 400.0, 4.0)
    scales = np.array([[20.0, 30.0, 40.0]] * 3) / np.array([[1.0], [1.0], [faster]])
    error = np.exp(-steps / scales[..., None])
    shape = ("clock", "task", "step")
    return xarray.Dataset(
        {
            "scaled_error": (shape, error), "events": (shape, np.broadcast_to(steps, error.shape).copy()),
            "energy": (shape, np.broadcast_to(steps, error.shape).copy()), "together": (shape[:2], np.zeros((3, 3))),
        },
        {"clock": list(CLOCKS), "step": steps},
    )  # fmt: skip


def test_needed_events_are_where_the_error_is_a_tenth():
    data = made_up(2.0)
    found = needed(data.scaled_error.values[0], data.events.values[0])
    np.testing.assert_allclose(found, np.log(10) * np.array([20.0, 30.0, 40.0]), rtol=1e-9)
    assert np.isinf(needed(np.ones((1, 3)), np.ones((1, 3)))).all()


def test_claims_see_who_is_slower():
    assert all(claim.holds for claim in claims(made_up(2.0)))
    slow = claims(made_up(1 / 3))
    assert not slow[1].holds
    assert slow[1].measured == pytest.approx(np.log10(3.0))
    late = claims(made_up(1 / 100))
    assert late[0].measured == 0
    assert not late[0].holds


def test_the_tiny_version_is_drawn():
    mpl.use("Agg")
    data = FIGURES["1"](Options(tiny=True, seed=100))
    assert np.isfinite(data.datasets["figure-1"].scaled_error).all()
    figure = DRAW["1"](data.datasets)
    assert all(axes.get_xlabel() for axes in figure.axes)
    mpl.pyplot.close(figure)
