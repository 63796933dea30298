"""Drift and diffusion against the reference, enumeration of all marks, samples of the clocks, and a simulated spread."""

import itertools

import numpy as np
import pytest

from clockless import networks, tasks
from clockless.errors import ParameterError
from clockless.media.resistors import reference
from clockless.media.resistors.diffusion import (
    batch_diffusion,
    diffusion,
    drift,
    edge_diffusion,
    jacobian,
    mark_covariance,
    single_example_changes,
    spread_of_solutions,
)
from clockless.media.resistors.medium import Resistors
from clockless.parts.clocks import Bernoulli, FixedFraction, Global
from clockless.parts.rules import CoupledLearning
from clockless.workers.train import train

BOARD = Resistors(networks.board16())
TASK = tasks.regression(BOARD.network, train=5, test=5, seed=3)
RESISTANCES = np.random.default_rng(0).uniform(0.5, 2.0, 16)
CLOCKS = [Global(), Bernoulli(2 / 3), FixedFraction(2 / 3), FixedFraction(1 / 3)]


@pytest.mark.parametrize("parameter", ["resistance", "conductance"])
def test_changes_agree_with_the_reference(parameter):
    """What each example wants is the rule applied to the reference's two dense settlings; batches of resistances agree."""
    rule = CoupledLearning(0.1, 0.3, parameter)
    changes = single_example_changes(BOARD, TASK, RESISTANCES, rule)
    for example in range(5):
        signal = reference.signal_difference(BOARD, RESISTANCES, TASK, example, rule)
        np.testing.assert_allclose(changes[example], rule.change(signal, 0.0), rtol=1e-9, atol=1e-14)
    two = single_example_changes(BOARD, TASK, np.array([RESISTANCES, 2 * RESISTANCES]), rule)
    np.testing.assert_allclose(two[0], changes, rtol=1e-12, atol=1e-16)


def test_drift_is_a_synchronous_step():
    """One full-batch step of the compiled engine moves the resistances by the drift."""
    rule = CoupledLearning(0.1, 0.05)
    run = train(BOARD, TASK, rule=rule, steps=1, initial=RESISTANCES)
    np.testing.assert_allclose(
        run.parameters.values - RESISTANCES, drift(BOARD, TASK, RESISTANCES, rule), rtol=1e-8, atol=1e-13
    )


def test_jacobian_predicts_a_small_move():
    """g(R + s) - g(R) - J s falls as the square of s."""
    rule = CoupledLearning(0.1, 1.0)
    move = np.random.default_rng(1).standard_normal(16)
    slope = jacobian(BOARD, TASK, RESISTANCES, rule)
    start = drift(BOARD, TASK, RESISTANCES, rule)
    left = [
        np.linalg.norm(drift(BOARD, TASK, RESISTANCES + s * move, rule) - start - slope @ move * s) for s in (1e-2, 1e-3)
    ]
    assert 80 < left[0] / left[1] < 125


def all_marks(clock, units):
    """Every set of acting units with its probability."""
    k = round(clock.rate(units) * units)
    for marks in itertools.product((0.0, 1.0), repeat=units):
        acting = int(sum(marks))
        if isinstance(clock, Bernoulli):
            yield np.array(marks), clock.p**acting * (1 - clock.p) ** (units - acting)
        elif acting == k:
            yield np.array(marks), 1 / sum(sum(m) == k for m in itertools.product((0, 1), repeat=units))


@pytest.mark.parametrize("clock", CLOCKS, ids=str)
@pytest.mark.parametrize("batch", CLOCKS, ids=str)
def test_covariance_by_enumeration(clock, batch):
    """Three edges, three examples: mean p b g and the covariance of `diffusion`, summed over all marks."""
    changes = np.random.default_rng(2).standard_normal((3, 3))
    steps = [
        (m * (s @ changes), chance_m * chance_s)
        for (m, chance_m), (s, chance_s) in itertools.product(all_marks(clock, 3), all_marks(batch, 3))
    ]
    mean = sum(chance * step for step, chance in steps)
    np.testing.assert_allclose(mean, clock.rate(3) * batch.rate(3) * changes.sum(axis=0), atol=1e-14)
    covariance = sum(chance * np.outer(step - mean, step - mean) for step, chance in steps)
    np.testing.assert_allclose(diffusion(changes, clock, batch), covariance, atol=1e-14)


def test_closed_forms_of_the_paper():
    """Edges and examples alone, as their docstrings write them."""
    changes = np.random.default_rng(3).standard_normal((8, 16))
    g, off = changes.sum(axis=0), ~np.eye(16, dtype=bool)
    outer = np.outer(g, g)
    np.testing.assert_allclose(edge_diffusion(changes, Bernoulli(0.3)), 0.21 * np.diag(g**2), atol=1e-14)
    fixed = edge_diffusion(changes, FixedFraction(0.25))
    np.testing.assert_allclose(np.diag(fixed), 3 / 16 * g**2, atol=1e-13)
    np.testing.assert_allclose(fixed[off], -3 / 16 / 15 * outer[off], atol=1e-13)
    np.testing.assert_allclose(batch_diffusion(changes, Bernoulli(0.3)), 0.21 * changes.T @ changes, atol=1e-13)
    centred = changes - changes.mean(axis=0)
    expected = 3 / 16 * 8 / 7 * centred.T @ centred
    np.testing.assert_allclose(batch_diffusion(changes, FixedFraction(0.25)), expected, atol=1e-13)


@pytest.mark.parametrize("kind", [Bernoulli, FixedFraction])
def test_covariance_of_sampled_marks(kind):
    """40,000 steps drawn by the clocks' own `acting`: every entry within 5 standard errors of its estimate."""
    rng, count = np.random.default_rng(4), 40_000
    changes = rng.standard_normal((6, 8))
    clock, batch = kind(0.75), kind(0.5)
    numbers = rng.integers(0, 2**32, (count, 14), dtype=np.uint32)
    drawn = np.array([clock.acting(row[:8]) * (batch.acting(row[8:]) @ changes) for row in numbers])
    centred = drawn - 0.75 * 0.5 * changes.sum(axis=0)
    products = centred[:, :, None] * centred[:, None, :]
    error = products.std(axis=0) / np.sqrt(count)
    assert (np.abs(products.mean(axis=0) - diffusion(changes, clock, batch)) < 5 * error).all()


def test_a_clock_without_closed_form_is_refused():
    """An unknown clock and a rule in conductances get a sentence."""

    class Other:
        def rate(self, units):
            return 0.5

    with pytest.raises(ParameterError, match="closed form"):
        mark_covariance(Other(), 4)
    with pytest.raises(ParameterError, match="conductances"):
        spread_of_solutions(BOARD, TASK, CoupledLearning(0.1, 0.1, "conductance"), [], 10)


def test_predicted_spread_is_the_simulated_one():
    """Mean squared distance of 192 seeds from the synchronous solution, within 5 standard errors and 5 %."""
    task, rule, steps, p = tasks.regression(BOARD.network, seed=0), CoupledLearning(0.1, 0.005), 2000, 0.75
    choices = [(Bernoulli(p), Bernoulli(1.0)), (Bernoulli(1.0), Bernoulli(p)), (Bernoulli(p), Bernoulli(p))]
    predicted = np.trace(spread_of_solutions(BOARD, task, rule, choices, steps), axis1=1, axis2=2)
    together = train(BOARD, task, rule=rule, clock=Bernoulli(1.0), batch=Bernoulli(1.0), steps=steps).parameters.values
    for (clock, batch), expected in zip(choices, predicted, strict=True):
        n = round(steps / (clock.p * batch.p))
        run = train(BOARD, task, rule=rule, clock=clock, batch=batch, steps=n, seed=list(range(192)))
        squared = ((run.parameters.values - together) ** 2).sum(axis=-1)
        error = squared.std(ddof=1) / np.sqrt(squared.size)
        assert abs(squared.mean() - expected) < 5 * error + 0.05 * expected
