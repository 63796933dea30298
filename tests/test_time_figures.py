"""Numbers of the figures on continuous time from made-up data whose answers are known; the tiny version drawn."""

import matplotlib as mpl
import numpy as np
import pytest
import xarray

from clockless.papers import Options
from clockless.papers.time import CAPTIONS, FIGURES, power, relaxing
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


@pytest.mark.parametrize("name", list(FIGURES))
def test_the_tiny_version_is_drawn(name):
    mpl.use("Agg")
    data = FIGURES[name](Options(tiny=True, seed=100))
    assert np.isfinite(data.datasets[f"figure-{name}"].scaled_error).all()
    figure = DRAW[name](data.datasets)
    assert all(axes.get_xlabel() for axes in figure.axes)
    mpl.pyplot.close(figure)


# --- networks that relax ------------------------------------------------------------------------------------------------


def lagging(ratios, shift=1.0):
    """Residuals of one mode that lags, tau s^2 + s + ratio = 0 from rest, whose closed form is known; errors are squares."""
    time = np.linspace(0, 1, 1201) * np.maximum(60 / ratios, 60)[:, None]
    roots = np.sqrt(1 - 4 * shift * ratios[:, None] + 0j)
    s, t = (-1 + roots) / 2, (-1 - roots) / 2
    residual = ((s * np.exp(t * time) - t * np.exp(s * time)) / (s - t)).real
    return time, residual**2


def made_up_ratios(shift=1.0):
    ratios = 10.0 ** np.array([-3, -2, -1.5, -1, -0.5, 0, 0.5, 1])
    time, error = lagging(ratios)
    other = lagging(ratios, shift)[1]
    return xarray.Dataset(
        {
            "scaled_error": (("p", "ratio", "task", "look"), np.stack([np.stack([e] * 3, axis=1) for e in (error, other)])),
            "time": (("ratio", "look"), time),
        },
        {"p": [1.0, 0.1], "ratio": ratios},
    )


def test_claims_find_what_one_mode_does():
    """Below a quarter its error falls for ever, at a rate in proportion; beyond it oscillates with the frequency's root."""
    found = relaxing.claims(made_up_ratios())
    assert all(claim.holds for claim in found), [(claim.quantity, claim.measured) for claim in found]
    critical = relaxing.threshold(made_up_ratios().ratio.values, made_up_ratios().scaled_error.values[0])
    assert ((critical > 0.1) & (critical < 1)).all()
    assert not relaxing.claims(made_up_ratios(shift=30.0))[-1].holds


def test_frequencies_of_a_mode_that_lags():
    """omega = sqrt(ratio - 1/4) in units of 1 / tau."""
    ratios = np.array([1.0, 5.0])
    time, error = lagging(ratios)
    found = [relaxing.swings(t, e[None])[0] for t, e in zip(time, error, strict=True)]
    np.testing.assert_allclose(found, np.sqrt(ratios - 0.25), rtol=0.05)


# --- what learning costs --------------------------------------------------------------------------------------------------


def test_claims_know_the_square_of_a_price():
    """Errors in proportion to the square, power that falls: claims hold; in proportion to the first power they do not."""
    prices = np.array(power.PRICES)
    spread = np.linspace(0.5, 2.0, 5)
    for exponent in (2, 1):
        paid = prices[:, None, None] ** exponent * np.ones((1, 3, 1)) * spread
        costs = np.broadcast_to((1 / (1 + 100 * prices))[:, None, None], paid.shape) * spread**0.1
        data = xarray.Dataset(
            {"scaled_error": (("price", "p", "task"), paid), "power": (("price", "p", "task"), costs)},
            {"price": prices, "p": [1.0, 0.2, 0.05]},
        )
        found = power.price_claims(data)
        assert found[0].measured == pytest.approx(exponent)
        assert [claim.holds for claim in found] == [exponent == 2, True, True, True]
