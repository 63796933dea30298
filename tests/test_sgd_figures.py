"""Fig. 2's numbers on made-up data whose exponents and ratios are known; test_reproduction.py makes and draws tiny ones."""

import numpy as np
import pytest
import xarray

from clockless.papers import Options
from clockless.papers.desynchronous import sgd
from clockless.parts.clocks import Bernoulli


def made_up(power):
    """Distances (1 - p)^power times a scale of each task; the prediction is half of them."""
    left_out = np.array([1 / 16, 1 / 4, 1 / 2, 3 / 4])
    scale = np.exp(np.random.default_rng(0).standard_normal(20))
    distance = np.broadcast_to((left_out[:, None] ** power * scale)[None, :, :, None, None], (3, 4, 20, 1, 1))
    return xarray.Dataset(
        {
            "distance": (("family", "left_out", "task", "seed", "time"), distance),
            "predicted": (("family", "left_out", "task"), distance[..., 0, 0] / 2),
        },
        {"family": list(sgd.FAMILIES), "left_out": left_out, "time": [1]},
    )


@pytest.mark.parametrize("power", [0.5, 0.88])
def test_exponent_is_recovered(power):
    """A power law gives its exponent, without error, over any range."""
    slope, half = sgd.exponent(*sgd.final_logs(made_up(power), "edges"))
    assert slope == pytest.approx(power)
    assert half == pytest.approx(0, abs=1e-9)
    assert sgd.final_logs(made_up(power), "edges", 0.25)[0].size == 2


def test_interval_of_an_exponent():
    """It holds the true one in nine of ten repeated draws."""
    rng = np.random.default_rng(1)
    x = np.log([0.1, 0.2, 0.5])
    runs = [sgd.exponent(x, 0.5 * x[:, None] + 0.3 * rng.standard_normal((3, 50))) for _ in range(1000)]
    slopes, halves = np.array(runs).T
    inside = np.mean(np.abs(slopes - 0.5) <= halves)
    assert inside == pytest.approx(0.9, abs=4 * np.sqrt(0.09 / 1000))


@pytest.mark.parametrize("power", [1 / 3, 0.5, 1.0])
def test_margin_of_exponents_tells_laws_apart(power):
    """Only the square root holds; few tasks that scatter decide nothing."""
    data = made_up(power)
    x = np.log(data.left_out.values)[:, None, None, None]
    for tilt, holds in ((0.05, power == 0.5), (2.0, False)):  # scatter of the tasks' exponents
        tilted = data.assign(
            distance=data.distance * np.exp(tilt * x * np.random.default_rng(2).standard_normal((20, 1, 1)))
        )
        claims = {claim.quantity: claim for claim in sgd._claims_of_exponents("2a", tilted)}
        assert claims["exponent, edges"].holds == holds
        assert claims["exponent, both: that of edges or examples alone"].holds == holds


def test_ratios_to_theory():
    """Distances of twice the prediction are reported as 2, and shifts between equal families as 1."""
    claims = {claim.quantity: claim for claim in sgd._claims_of_theory("2a", made_up(0.5))}
    assert claims["distance / predicted, edges"].measured == pytest.approx(2)
    assert not claims["distance / predicted, edges"].holds
    assert claims["distance with edges left out / with both left out"].measured == pytest.approx(1)


def test_families_leave_out_what_they_say():
    """Edges, examples, or both; the times are whole effective steps up to the horizon."""
    study = sgd.Study([], 0.01, Bernoulli, (0.5,), tuple(sgd.FAMILIES), 1)
    assert study.choice("edges", 0.5) == (Bernoulli(0.5), Bernoulli(1.0))
    assert study.choice("examples", 0.5) == (Bernoulli(1.0), Bernoulli(0.5))
    assert study.choice("both", 0.5) == (Bernoulli(0.5), Bernoulli(0.5))
    assert study.times[-1] == study.steps == 3000


def test_noise_makes_tasks_unrealisable():
    """Noisy targets leave a residual that no linear map removes, and the task says so."""
    drawn, _ = sgd._drawn(Options(tiny=True))
    for task, noisy in zip(drawn, sgd.unrealisable(drawn, 0), strict=True):
        left = [np.linalg.lstsq(t.x_train, t.y_train, rcond=None)[1].sum() for t in (task, noisy)]
        assert left[0] < 1e-20
        assert left[1] > 1e-3
        assert noisy.feasible is False


def test_tasks_in_few_words_are_the_same_tasks():
    """Described or drawn, they give the same bits; the description is what stores hold."""
    options = Options(tiny=True, seed=3, threads=1)
    drawn, described = sgd._drawn(options)
    study = sgd.Study(drawn[:2], 0.1, sgd.Bernoulli, (0.5,), ("examples",), 2, 1, True)
    few = {**described, "seed": described["seed"][:2]}
    one, other = (sgd.measured("x", options, study._replace(described=words)) for words in (None, few))
    assert (one.distance.values == other.distance.values).all()
    assert (one.drift.values == other.drift.values).all()
