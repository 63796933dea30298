"""The classifier of figure weights against autodiff, its absent weights, stopping and going on, and its tiny figure."""

import matplotlib as mpl
import numpy as np
import pytest
import xarray

import clockless as cl
from clockless.errors import ParameterError, TaskError
from clockless.papers import Options
from clockless.papers.decoupled.perceptron import Perceptron
from clockless.parts.devices import SignedLevels
from clockless.tasks.task import Task
from small_mnist import write_mnist


def labelled(count=40, inputs=6, classes=3, seed=0):
    """Examples that a plane or two can tell apart."""
    rng = np.random.default_rng(seed)
    x = rng.random((count, inputs))
    y = np.argmax(x[:, :classes], axis=1)
    return Task(x_train=x, x_test=x, labels_train=y, labels_test=y, classes=classes, name=f"made up {seed}")


def test_slope_is_that_of_autodiff():
    """The derivative of the cost as JAX finds it from a program of its own, in double precision."""
    jax = pytest.importorskip("jax")
    jnp = jax.numpy
    medium, task, rng = Perceptron(6, 5, 3, gain=1.7), labelled(), np.random.default_rng(1)
    weights = rng.uniform(-1, 1, medium.units)

    def cost(w):
        one = jnp.ones((len(task.x_train), 1))
        first, second = w[: 7 * 5].reshape(7, 5), w[7 * 5 :].reshape(6, 3)
        h = jnp.tanh(1.7 * jnp.concatenate([2 * task.x_train - 1, one], 1) @ first / jnp.sqrt(7.0))
        logits = 1.7 * jnp.concatenate([h, one], 1) @ second / jnp.sqrt(6.0)
        return -jax.nn.log_softmax(logits)[jnp.arange(len(one)), task.labels_train].mean()

    with jax.enable_x64(True):
        expected, gradient = jax.jit(jax.value_and_grad(cost))(jnp.asarray(weights))
        slope, value = medium.slope(weights, task.x_train, task.labels_train)
        np.testing.assert_allclose(slope, np.asarray(gradient), rtol=1e-11, atol=1e-14)
        assert value == pytest.approx(float(expected), rel=1e-13)
    assert medium.cost(weights, task.x_train, task.labels_train) == value


def run_of(clock, steps=6, device=None, **more):
    device = SignedLevels(4, 1.0) if device is None else device
    return cl.train(
        Perceptron(6, 5, 3), labelled(), rule=cl.SignRule(1.0), device=device, clock=clock, batch=8, steps=steps, **more
    )


def test_weights_move_one_level_where_their_coin_says():
    """Every weight stays on the four levels, and as many act as the clock says."""
    run = run_of(cl.Bernoulli(0.3), steps=200)
    levels = (run.parameters * 1.5 + 1.5).round(12)
    assert set(np.unique(levels)) <= {0, 1, 2, 3}
    acted = run.actions.mean() / 200
    assert abs(acted - 0.3) < 5 * np.sqrt(0.3 * 0.7 / (200 * run.actions.size))


def test_absent_weights_are_left_out_and_scaled():
    """With p = 1 nothing is absent; else the signal is the slope at the weights that stay, 1 / p times as large."""
    assert (run_of(cl.Dropout(1.0)).parameters == run_of(cl.Bernoulli(1.0)).parameters).all()
    medium, task = Perceptron(6, 5, 3), labelled()
    seen = {}
    for name, clock in (("absent", cl.Dropout(0.5)), ("all", cl.Bernoulli(0.5))):
        replica = cl.learning.contracts.Replica(
            medium, task, cl.CoupledLearning(1.0, 1e-3), clock, cl.Continuous(), None, "full"
        )
        learner = medium.learner([replica])
        start = learner.values.copy()
        learner.advance(1)
        seen[name] = start, (start - learner.values) / 1e-3
    (start, absent), (_, every) = seen["absent"], seen["all"]
    there = absent != 0.0
    assert 0.3 < there.mean() < 0.7
    assert (there == (every != 0)).all()  # the same coins
    x, y = task.x_train, task.labels_train
    np.testing.assert_allclose(absent, 2 * there * medium.slope(2 * there * start, x, y)[0], atol=1e-12)
    np.testing.assert_allclose(every, there * medium.slope(start, x, y)[0], atol=1e-12)


def test_going_on_changes_no_bit():
    """Fifty steps and fifty more are a hundred."""
    whole, half = run_of(cl.Dropout(0.4), steps=100), run_of(cl.Dropout(0.4), steps=50)
    assert (half.extended(50).parameters == whole.parameters).all()


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: Perceptron(gain=0.0), ParameterError, "gain = 0.0"),
        (lambda: run_of(cl.Global(), device=cl.Levels(8, 0.1, 1.0, cl.Magnitudes(0.1))), ParameterError, "voltages"),
        (lambda: run_of(cl.Global(), device=SignedLevels(8, 2.0)), ParameterError, "outside -1 to 1"),
        (lambda: cl.train(Perceptron(7), labelled(), rule=cl.CoupledLearning(1.0, 1.0), steps=1), TaskError, "7 inputs"),
    ],
)
def test_what_does_not_fit_is_refused(make, error, words):
    """In one sentence that names it."""
    with pytest.raises(error, match=words):
        make()


def test_claims_fall_where_p_does_nothing():
    """Costs that do not depend on p fail the rows of a benefit; those that fall with p and levels meet them."""
    from clockless.papers.decoupled import weights

    rng = np.random.default_rng(0)
    shape = (2, len(weights.P), len(weights.LEVELS), 10)
    luck = np.exp(0.01 * rng.standard_normal(shape))
    p, levels = np.array(weights.P)[:, None, None], np.array(weights.LEVELS)[:, None]
    kind = np.array([0.0, 0.5])[:, None, None, None]
    for cost, holds in ((luck, False), (luck * (1 + 20 * p / levels) * (1 + kind), True)):
        data = xarray.Dataset(
            {"cost": (("kind", "p", "levels", "task"), cost), "test_error": (("kind", "p", "levels", "task"), cost)},
            {"kind": list(weights.KINDS), "p": list(weights.P), "levels": list(weights.LEVELS)},
            {"failed": 0},
        )
        rows = [claim for claim in weights._claims(data, "made up") if "failed" not in claim.quantity]
        assert len(rows) == 13
        assert sum(claim.holds for claim in rows) == 13 if holds else sum(claim.holds for claim in rows) < 4


def test_equal_steps_are_a_row_of_their_own():
    """A synchronous run that gets there with as many steps leaves no benefit."""
    from clockless.papers.decoupled import weights

    luck = np.exp(0.01 * np.random.default_rng(0).standard_normal((2, 10)))
    acting = xarray.Dataset(
        {"cost": (("kind", "p", "levels", "task"), luck[:1, None, None] * np.ones((1, 1, 2, 1)))},
        {"kind": [weights.KINDS[0]], "p": [0.2], "levels": [4, 64]},
    )
    for factor, holds in ((1.5, True), (0.98, False)):
        longer = xarray.Dataset(
            {"cost": (("levels", "task"), factor * luck[1] * np.ones((2, 1)))},
            {"levels": [4, 64]},
            {"failed": 0, "steps": 9},
        )
        assert [row.holds for row in weights._at_equal_steps(acting, longer)] == [holds, holds, True]


def test_tiny_figure_can_be_drawn(tmp_path):
    """On digits and a made-up MNIST; what a tiny run decides holds, and the picture is there."""
    from clockless.papers import decoupled
    from clockless.papers.decoupled.drawings import DRAW

    mpl.use("Agg")
    images = write_mnist(tmp_path, [k % 10 for k in range(80)], [1, 2, 3])
    data = decoupled.FIGURES["weights"](Options(tiny=True, threads=1, data={"mnist": images}))
    assert all(claim.holds for claim in data.claims if claim.tiny and "MNIST" not in claim.quantity)
    assert all(np.isfinite(claim.measured) for claim in data.claims)
    DRAW["weights"](data.datasets).savefig(tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 10_000
