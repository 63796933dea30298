"""Clocks of hardware: both versions of oscillators and Poisson processes, their formulas, and their limits."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

from clockless import CoupledLearning, Resistors, networks, tasks, train
from clockless.errors import ClocklessError, ParameterError
from clockless.media.resistors import reference
from clockless.numerics import randomness
from clockless.numerics.randomness import CLOCK, OSCILLATORS
from clockless.papers.desynchronous.oscillators import expected_rms, pair_correlations
from clockless.parts.clocks import GOLDEN, Bernoulli, Oscillators, Poisson, choose
from clockless.parts.part import stack

UNITS = 143


@njit
def _run(clock, memory, first, acts):
    key = np.zeros((2, acts.shape[2]), dtype=np.uint32)
    wanted = np.zeros(acts.shape[1:])
    for step in range(acts.shape[0]):
        choose(clock, memory, first + step, key, wanted, acts[step])


def history(clock, steps, seed=0, replica=1, units=UNITS):
    """Who acts [step, unit], by the readable version."""
    return clock.acting_at(np.arange(steps), clock.memory(seed, replica, units))


# --- both versions ---------------------------------------------------------------------------------------


def test_training_with_both_versions_gives_the_same_resistances():
    """Oscillators and Poisson processes, each of several numbers at once, in the compiled loop and in NumPy."""
    network = networks.board16()
    medium, task, rule = Resistors(network), tasks.regression(network, seed=3, train=4), CoupledLearning(0.2, 0.1)
    oscillators = [Oscillators.of_rate(0.4, 0.05), Oscillators(0.45, 0.2, 3.0, reset=True)]
    poisson = [Poisson(0.3), Poisson(2.0)]
    for clocks in (oscillators, poisson):
        run = train(medium, task, rule=rule, clock=clocks, steps=40, seed=[0, 2**63])
        for k, clock in enumerate(clocks):
            for s, seed in enumerate((0, 2**63)):
                expected = reference.learn(medium, task, rule, clock, 40, seed=seed)
                assert np.abs(expected - 1).max() > 1e-3
                np.testing.assert_allclose(run.parameters.values[k, s], expected, rtol=1e-10)
        np.testing.assert_allclose(run.data.p, [clock.rate(16) for clock in clocks])


def test_compiled_oscillators_equal_the_readable_ones_late_and_at_the_ends():
    """At steps near 2^32 too, in one unit up to many, and at a bias of 1/3, which lets all act always."""
    some = [Oscillators(1 / 3, 0.1), Oscillators(1 / 3, 0.0, reset=True), Oscillators(0.66, 0.9), Oscillators(0.5, 0.0, 2.0)]
    for units in (1, 37):
        memory = np.stack([clock.memory(5, 7, units) for clock in some], axis=-1)
        for first in (0, 2**32 - 50):
            acts = np.zeros((50, units, len(some)), dtype=np.bool_)
            _run(stack(some), memory, first, acts)
            for w, clock in enumerate(some):
                np.testing.assert_array_equal(acts[:, :, w], clock.acting_at(first + np.arange(50), memory[..., w]))
            assert acts[:, :, :2].all()


def test_the_readable_oscillators_need_their_memory():
    """Drawn numbers say nothing about them, and asking so is no silent mistake."""
    with pytest.raises(ParameterError, match="acting_at"):
        Oscillators(0.5, 0.05).acting(np.zeros(3, dtype=np.uint32))


def test_numbers_drawn_once_are_those_of_the_reference():
    """Two NumPy versions of the counter-based numbers, one on whole Python numbers."""
    for seed, replica, step in ((0, 0, 0), (2**64 - 1, 2**63 + 9, 2**32 - 1), (7, 2**33, 1)):
        ours = randomness.numbers(seed, replica, step, OSCILLATORS, 50)
        assert ours.dtype == np.uint32
        np.testing.assert_array_equal(ours, reference.numbers(seed, replica, step, OSCILLATORS, 50))
    assert not np.array_equal(randomness.numbers(1, 2, 0, OSCILLATORS, 9), randomness.numbers(1, 2, 0, CLOCK, 9))


def test_memory_is_the_luck_of_seed_and_replica_alone():
    """The first units of a larger network are those of a smaller one; seed, replica and both slots differ."""
    clock = Oscillators(0.5, 0.05)
    memory = clock.memory(1, 2, 40)
    np.testing.assert_array_equal(memory[:, :9], clock.memory(1, 2, 9))
    assert len({float(m) for m in (*memory[0], *clock.memory(2, 2, 40)[0], *clock.memory(1, 3, 40)[0])}) == 120
    assert abs(np.corrcoef(clock.memory(0, 0, 10_000))[0, 1]) < 5 / 100


# --- formulas --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bias", [0.334, 0.4, 0.5, 0.6, 0.66])
def test_fraction_above_the_bias_is_the_formula(bias):
    """p from the waveform on a fine grid of phases, from the comparator, and from a long run of many oscillators."""
    clock = Oscillators(bias, 0.05)
    p = clock.rate(UNITS)
    assert p == pytest.approx((1 + np.log2((1 - bias) / bias)) / 2, abs=1e-15)
    ideal = np.array([[0.0], [1.0]])  # one cycle per unit of time
    fine = (np.arange(100_000) + 0.5) / 100_000
    above = clock.voltage(fine, ideal) > bias
    assert above.mean() == pytest.approx(p, abs=2e-5)
    np.testing.assert_array_equal(above, clock.acting_at(fine, ideal))
    per_unit = history(clock, 5_000).mean(axis=0)
    assert per_unit.mean() == pytest.approx(p, abs=5 * per_unit.std(ddof=1) / np.sqrt(UNITS))


def test_waveform_turns_round_at_the_thirds_of_the_supply():
    """Continuous, from 1/3 up to 2/3 and back; both halves obey dv/dt = -(v - end) ln 2 / half a period."""
    clock = Oscillators(0.5, 0.0)
    ideal = np.array([[0.0], [1.0]])
    np.testing.assert_allclose(clock.voltage([0.0, 0.5 - 1e-12, 0.5, 1 - 1e-12], ideal)[:, 0], [1 / 3, 2 / 3, 2 / 3, 1 / 3])
    for at, end in ((0.2, 1.0), (0.8, 0.0)):
        low, here, high = clock.voltage([at - 1e-5, at, at + 1e-5], ideal)[:, 0]
        assert (high - low) / 2e-5 == pytest.approx(-2 * np.log(2) * (here - end), rel=1e-6)


@pytest.mark.parametrize("p", [1e-9, 0.1, 0.5, 0.9, 1.0])
def test_bias_of_a_rate_is_the_inverse(p):
    assert Oscillators.of_rate(p, 0.05).rate(9) == pytest.approx(p, abs=1e-15)
    assert Oscillators.of_rate(1.0, 0.05).bias == 1 / 3


def test_periods_have_the_spread_asked_for():
    """Mean and standard deviation of ln(period) and of the phases, within five standard errors."""
    phase, frequency = Oscillators(0.5, 0.05, ticks=3.0).memory(4, 5, 20_000)
    logarithm = -np.log(frequency)
    assert logarithm.mean() == pytest.approx(np.log(3.0), abs=5 * 0.05 / np.sqrt(20_000))
    assert logarithm.std() == pytest.approx(0.05, rel=5 / np.sqrt(40_000))
    assert phase.mean() == pytest.approx(0.5, abs=5 / np.sqrt(12 * 20_000))
    assert phase.var() == pytest.approx(1 / 12, abs=5 / np.sqrt(180 * 20_000))


@pytest.mark.parametrize("events", [1e-3, 0.5, 1.0, 3.0, 50.0])
def test_poisson_units_act_unless_no_event_comes(events):
    """p = 1 - exp(-events), as counted and against drawn Poisson numbers; the same bits as coins of that p."""
    clock, n = Poisson(events), 200_000
    p = clock.rate(5)
    assert p == pytest.approx(1 - np.exp(-events), rel=1e-12)
    error = 5 * np.sqrt(max(p * (1 - p), 1e-12) / n) + 1 / n
    drawn = randomness.numbers(3, 4, 5, CLOCK, n)
    assert clock.acting(drawn).mean() == pytest.approx(p, abs=error)
    assert (np.random.default_rng(1).poisson(events, n) > 0).mean() == pytest.approx(p, abs=error)
    np.testing.assert_array_equal(clock.acting(drawn), Bernoulli(p).acting(drawn))


# --- together and apart ----------------------------------------------------------------------------------


def test_equal_oscillators_reset_together_act_together():
    """Spread 0 after a reset is the synchronous clock at the times when it acts: correlation 1 of every pair."""
    acts = history(Oscillators.of_rate(0.5, 0.0, reset=True), 1_000)
    assert set(acts.sum(axis=1)) == {0, UNITS}
    assert acts.mean() == pytest.approx(0.5, abs=2e-3)
    assert pair_correlations(acts, 0.5).min() > 1 - 1e-9


def test_pairs_of_spread_oscillators_are_uncorrelated_on_average():
    """p = 0.5, 5 % spread: the mean over pairs is 0, the rms that of `expected_rms`, above the 1 / sqrt(steps) of coins.

    Its leading term, by the triangle wave of the phase difference and the density of equal frequencies, is
    0.305 / sqrt(steps spread / ticks).
    """
    n = 2_000
    pairs = np.array([pair_correlations(history(Oscillators.of_rate(0.5, 0.05), n, seed), 0.5) for seed in range(12)])
    means, squares = pairs.mean(axis=1), (pairs**2).mean(axis=1)
    assert means.mean() == pytest.approx(0, abs=5 * means.std(ddof=1) / np.sqrt(12))
    assert squares.mean() == pytest.approx(expected_rms(0.05, n) ** 2, abs=5 * squares.std(ddof=1) / np.sqrt(12))
    assert expected_rms(0.05, n) == pytest.approx(0.305 / np.sqrt(n * 0.05 / GOLDEN), rel=0.05)
    assert np.sqrt(squares.mean()) > 1.3 / np.sqrt(n)
    coins = [Bernoulli(0.5).acting(randomness.numbers(3, 4, step, CLOCK, UNITS)) for step in range(n)]
    assert np.sqrt(np.mean(pair_correlations(np.array(coins), 0.5) ** 2)) == pytest.approx(1 / np.sqrt(n), rel=0.05)


def test_common_phase_is_lost_as_the_spread_says():
    """After a reset |mean exp(i phase)| = exp(-2 pi^2 spread^2 (t / T)^2), to second order in a small spread."""
    clock = Oscillators(0.5, 0.01, ticks=7.0, reset=True)
    memory = clock.memory(0, 0, 100_000)
    for periods in (0, 5, 15, 25, 40):
        r = np.abs(np.mean(np.exp(2j * np.pi * clock.phase(7 * periods, memory))))
        assert r == pytest.approx(np.exp(-2 * (np.pi * 0.01 * periods) ** 2), abs=5 / np.sqrt(100_000) + 1e-3)


def test_a_units_actions_wander_less_than_those_of_coins():
    """Deterministic oscillators: counts of 10,000 steps leave p x step by far less than sqrt(p (1 - p) step) = 50."""
    acts = history(Oscillators.of_rate(0.5, 0.001), 10_000)
    assert np.sqrt(np.mean((acts.sum(axis=0) - 5_000.0) ** 2)) < 5


def test_commensurate_ticks_freeze_equal_oscillators():
    """What the default ratio is for: with one period per step every unit acts always or never."""
    frozen = history(Oscillators.of_rate(0.5, 0.0, ticks=1.0), 500)
    assert set(frozen.mean(axis=0)) == {0.0, 1.0}
    assert np.ptp(history(Oscillators.of_rate(0.5, 0.0), 500).mean(axis=0)) < 0.02


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Oscillators(0.3, 0.05), "bias"),
        (lambda: Oscillators(2 / 3, 0.05), "bias"),
        (lambda: Oscillators("half", 0.05), "bias"),
        (lambda: Oscillators(float("nan"), 0.05), "bias"),
        (lambda: Oscillators(0.5, -0.1), "spread"),
        (lambda: Oscillators(0.5, 1.0), "spread"),
        (lambda: Oscillators(0.5, None), "spread"),
        (lambda: Oscillators(0.5, True), "spread"),
        (lambda: Oscillators(0.5, 0.05, 0.0), "ticks"),
        (lambda: Oscillators(0.5, 0.05, float("inf")), "ticks"),
        (lambda: Oscillators(0.5, 0.05, reset=1), "reset"),
        (lambda: Oscillators.of_rate(0.0, 0.05), "Oscillators got p = 0.0"),
        (lambda: Oscillators.of_rate(1.1, 0.05), "Oscillators got p = 1.1"),
        (lambda: Poisson(0.0), "events"),
        (lambda: Poisson(-1.0), "events"),
        (lambda: Poisson(float("inf")), "events"),
        (lambda: Poisson(float("nan")), "events"),
        (lambda: Poisson("often"), "events"),
        (lambda: Poisson(True), "events"),
    ],
)
def test_bad_numbers_get_one_sentence(make, says):
    with pytest.raises(ClocklessError) as caught:
        make()
    sentence = str(caught.value)
    assert says in sentence
    assert "\n" not in sentence
    assert sentence.endswith(".")
    assert 20 < len(sentence) < 250
