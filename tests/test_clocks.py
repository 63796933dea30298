"""Which units act: rates against their formulas, both versions of every clock, and a clock of one's own."""

from __future__ import annotations

import subprocess
import sys

import numba
import numpy as np
import pytest
from numba import njit
from numba.core.serialize import dumps

from clockless import CoupledLearning, Resistors, networks, tasks, train
from clockless.learning import unit_lanes
from clockless.media.resistors import reference
from clockless.numerics.randomness import CLOCK, step_keys
from clockless.parts.clocks import Bernoulli, FixedFraction, Global, choose
from clockless.parts.kernels import separate
from clockless.parts.part import behaviour, part, stack

LANES = 32
SEEDS = np.arange(LANES, dtype=np.uint64) // np.uint64(2)
REPLICAS = np.arange(LANES, dtype=np.uint64) % np.uint64(2) + np.uint64(2**63)


@part
class EveryOther:
    """A clock as a user would write it."""

    def rate(self, units):
        return 0.5

    def acting(self, numbers):
        return np.arange(numbers.size) % 2 == 0


@behaviour(choose, EveryOther)
def _every_other(clock, memory, step, key, wanted, acts):
    acts[0::2] = True
    acts[1::2] = False


@njit
def _run(clock, seed, replica, first, acts):
    key = np.zeros((2, seed.size), dtype=np.uint32)
    memory = np.zeros((0, acts.shape[1], seed.size))
    wanted = np.zeros(acts.shape[1:])
    for step in range(acts.shape[0]):
        step_keys(seed, replica, first + step, CLOCK, key)
        choose(clock, memory, step, key, wanted, acts[step])


def acted(clocks_of_lanes, units, steps, first=0):
    """Who acts [step, unit, lane], by the compiled version, as the engine calls it."""
    acts = np.zeros((steps, units, LANES), dtype=np.bool_)
    _run(stack(clocks_of_lanes), SEEDS, REPLICAS, first, acts)
    return acts


@pytest.mark.parametrize(
    "of_lanes",
    [
        [Global()] * LANES,
        [Bernoulli(p) for p in np.linspace(0.01, 1, LANES)],
        [Bernoulli(p) for p in np.geomspace(1e-12, 0.5, LANES)],
        [FixedFraction(p) for p in np.linspace(0.05, 1, LANES)],
        [EveryOther()] * LANES,
    ],
    ids=["Global", "Bernoulli", "rare Bernoulli", "FixedFraction", "EveryOther"],
)
def test_compiled_clocks_equal_the_readable_ones(of_lanes):
    units, steps, first = 23, 40, 990
    acts = acted(of_lanes, units, steps, first)
    for w, clock in enumerate(of_lanes):
        for step in range(steps):
            drawn = reference.numbers(int(SEEDS[w]), int(REPLICAS[w]), first + step, CLOCK, units)
            np.testing.assert_array_equal(acts[step, :, w], clock.acting(drawn))


def test_full_rates_are_the_synchronous_clock():
    for clock in (Global(), Bernoulli(1.0), FixedFraction(1.0)):
        assert acted([clock] * LANES, 17, 200).all()
        assert clock.rate(17) == 1.0
        extremes = np.array([0, 2**32 - 1, 2**31], dtype=np.uint32)
        assert clock.acting(extremes).all()


@pytest.mark.parametrize("p", [0.05, 0.3, 0.5, 0.8])
def test_bernoulli_units_are_independent_coins(p):
    """Mean p, variance p (1 - p), no covariance between units or steps; n samples of each, five standard errors."""
    acts = acted([Bernoulli(p)] * LANES, 12, 1500).astype(float)
    table = np.moveaxis(acts, 1, 0).reshape(12, -1)
    n, variance = table.shape[1], p * (1 - p)
    assert np.abs(table.mean(axis=1) - p).max() < 5 * np.sqrt(variance / n)
    assert table.mean() == pytest.approx(p, abs=4 * np.sqrt(variance / table.size))
    covariance = np.cov(table)
    pairs = covariance[np.triu_indices(12, 1)]
    assert np.abs(pairs).max() < 5 * variance / np.sqrt(n)
    # The variance of a coin's sample variance: (1 - 2 p)^2 p (1 - p) / n, and a smaller term for its mean.
    error = np.sqrt((1 - 2 * p) ** 2 * variance / n) + variance * 5 / n
    assert np.abs(np.diag(covariance) - variance).max() < 5 * error
    counts = acts.sum(axis=1)  # of acting units per step: binomial
    kurtosis = 12 * variance * (1 + 3 * 10 * variance) - (12 * variance) ** 2
    assert counts.var() == pytest.approx(12 * variance, abs=5 * np.sqrt(kurtosis / counts.size))
    lagged = np.mean((acts[:-1] - p) * (acts[1:] - p))
    assert abs(lagged) < 5 * variance / np.sqrt(acts[1:].size)
    assert Bernoulli(p).rate(12) == p


@pytest.mark.parametrize(("p", "count"), [(0.1, 1), (0.3, 4), (0.5, 6), (0.9, 11), (0.96, 12)])
def test_fixed_fraction_takes_exactly_that_many_each_equally_often(p, count):
    """round(p N) units; P(i) = k / N, P(i and j) = k (k - 1) / N (N - 1), so the covariance is -f (1 - f) / (N - 1)."""
    acts = acted([FixedFraction(p)] * LANES, 12, 1500)
    np.testing.assert_array_equal(acts.sum(axis=1), count)
    assert FixedFraction(p).rate(12) == count / 12
    table = np.moveaxis(acts, 1, 0).reshape(12, -1).astype(float)
    n, f = table.shape[1], count / 12
    variance = f * (1 - f)
    assert np.abs(table.mean(axis=1) - f).max() <= 5 * np.sqrt(variance / n)
    pairs = np.cov(table)[np.triu_indices(12, 1)]
    assert np.abs(pairs + variance / 11).max() <= 5 * variance / np.sqrt(n)
    assert pairs.mean() == pytest.approx(-variance / 11, rel=1e-3, abs=1e-15)


def test_fixed_fraction_makes_every_set_equally_likely():
    """All 10 pairs of 5 units, chi-square of 9 degrees of freedom: 99.99 % of them lie below 34."""
    acts = acted([FixedFraction(0.4)] * LANES, 5, 1000)
    code = (acts * (1 << np.arange(5))[None, :, None]).sum(axis=1)
    sets, counts = np.unique(code, return_counts=True)
    assert sets.size == 10
    expected = code.size / 10
    assert np.sum((counts - expected) ** 2 / expected) < 34


def test_fixed_fraction_of_16_edges_has_the_covariance_of_the_paper():
    """Cov_ij = -p (1 - p) / (N - 1) for the mask of the 16-edge board at half rate: -1/60."""
    acts = acted([FixedFraction(0.5)] * LANES, 16, 2000)
    table = np.moveaxis(acts, 1, 0).reshape(16, -1).astype(float)
    assert np.cov(table)[np.triu_indices(16, 1)].mean() == pytest.approx(-1 / 60, rel=1e-3)


def test_a_clock_of_ones_own_composes(monkeypatch):
    """One class and one function: the medium, rule, device and batch are the library's, and so is the reference."""
    # Not to be kept in the on-disk cache of the package: the compiled code is of a class that only this test file has.
    monkeypatch.setattr(unit_lanes, "learn", separate(unit_lanes.learn.function, cache=False))
    network = networks.board16()
    resistors, task, rule = Resistors(network), tasks.regression(network, seed=4), CoupledLearning(0.2, 0.05)
    run = train(resistors, task, rule=rule, clock=EveryOther(), steps=4)
    expected = reference.learn(resistors, task, rule, EveryOther(), 4)
    np.testing.assert_allclose(run.parameters, expected, rtol=1e-12)
    assert (run.parameters.values[1::2] == 1.0).all()
    assert (np.abs(run.parameters.values[0::2] - 1.0) > 1e-6).any()
    assert float(run.data["p"]) == 0.5


def test_the_cache_can_be_read_where_a_users_clock_is_unknown():
    """Numba keeps the types of all compiled kernels in one index and reads it whole: a type that cannot be read by a
    process without the user's module would stop every later run of the package, with whatever clock."""
    index = dumps(numba.typeof(stack([EveryOther()])))
    script = "import sys, pickle, clockless, clockless.parts.clocks; print(pickle.loads(sys.stdin.buffer.read()))"
    answer = subprocess.run([sys.executable, "-I", "-c", script], input=index, capture_output=True, check=False)
    assert answer.returncode == 0, answer.stderr.decode()
    assert b"EveryOther" in answer.stdout


def test_clocks_of_one_type_share_compiled_code():
    """The numbers of a clock are run-time arrays: other fractions are no other type."""
    types = {numba.typeof(stack([Bernoulli(p)] * 3)) for p in (0.1, 0.7, 1.0)}
    assert len(types) == 1
    assert numba.typeof(stack([FixedFraction(0.1)] * 3)) not in types
