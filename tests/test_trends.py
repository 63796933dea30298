"""Verdicts over tasks: equal means an interval within a margin, and errs as rarely as it says."""

import numpy as np
import pytest
from scipy import stats

from clockless.papers.trends import difference_of_means, equivalence, largest_difference, root_mean_square


@pytest.mark.parametrize("count", [4, 20, 100])
def test_equivalence_is_two_one_sided_tests(count):
    """The 90 % interval lies within the margin exactly where both of SciPy's one-sided t tests reject at 5 %."""
    rng = np.random.default_rng(count)
    verdicts = []
    for _ in range(200):
        values = rng.normal(0.05, 0.2, count)
        mean, half = equivalence(values)
        above = stats.ttest_1samp(values, -0.1, alternative="greater").pvalue
        below = stats.ttest_1samp(values, 0.1, alternative="less").pvalue
        verdicts.append(abs(mean) + half <= 0.1)
        assert verdicts[-1] == (max(above, below) <= 0.05)
    assert count < 20 or any(verdicts)


def test_equality_is_found_in_one_of_twenty_that_lie_on_the_margin():
    """At a true difference of the margin itself 'equal' is wrong with probability 5 % (few pairs: no more than that)."""
    rng = np.random.default_rng(1)
    for count, least in ((5, 0.0), (50, 0.038)):
        found = np.mean([np.add(*map(abs, equivalence(values))) <= 1.0 for values in rng.normal(1.0, 1.0, (4000, count))])
        assert least <= found <= 0.05 + 4 * np.sqrt(0.05 * 0.95 / 4000)


def test_fewer_pairs_make_equality_harder():
    """Not easier, as where 'not significant' is taken for equal; a single pair says nothing."""
    rng = np.random.default_rng(2)
    values = rng.normal(0.0, 0.2, (2000, 60))
    shares = [np.mean([np.add(*map(abs, equivalence(row[:count]))) <= 0.1 for row in values]) for count in (3, 10, 30, 60)]
    assert sorted(shares) == shares
    assert shares[-1] > 0.95
    assert equivalence(np.array([0.0])) == (0.0, float("inf"))


def test_difference_of_means_is_welchs():
    """Mean and interval of unpaired samples of different size and spread are SciPy's."""
    rng = np.random.default_rng(3)
    first, second = rng.normal(0, 1, 7), rng.normal(1, 3, 30)
    interval = stats.ttest_ind(second, first, equal_var=False).confidence_interval(0.95)
    mean, half = difference_of_means(first, second)
    np.testing.assert_allclose([mean - half, mean + half], interval, rtol=1e-12)


def test_largest_difference_is_that_of_the_means():
    """Of three curves of which one lies off at one place, by a known amount; equal draws leave no doubt, one draw all."""
    values = np.exp(-np.arange(5.0)) + np.zeros((3, 4, 1))
    values[1, :, 3] += 0.2
    assert largest_difference(values) == (pytest.approx(0.2), (pytest.approx(0.2), pytest.approx(0.2)))
    values[1, 0, 3] += 0.4  # the mean over draws is 0.3 now
    largest, (low, high) = largest_difference(values)
    assert largest == pytest.approx(0.3)
    assert low == pytest.approx(0.2)
    assert 0.3 < high <= 0.6
    assert largest_difference(values[:, :1]) == (pytest.approx(0.6), (0.0, float("inf")))


@pytest.mark.parametrize("count", [6, 50])
def test_curves_on_the_margin_are_rarely_called_one(count):
    """Four curves of which one is off by the margin at one of eight places: 'within' is wrong in less than one of twenty."""
    rng, found = np.random.default_rng(count), 0
    for _ in range(60):
        values = rng.normal(0.0, 0.1, (4, count, 1)) + rng.normal(0.0, 0.05, (4, count, 8))
        values[0, :, 0] += 0.5
        found += largest_difference(values)[1][1] <= 0.5
    assert found <= 60 * (0.05 + 3 * np.sqrt(0.05 * 0.95 / 60))


def test_fewer_draws_make_a_collapse_harder():
    """The same luck per draw is within a margin with many draws and not with few."""
    rng = np.random.default_rng(4)
    values = rng.normal(0.0, 0.1, (4, 100, 8))
    highs = [largest_difference(values[:, :count])[1][1] for count in (3, 10, 100)]
    assert sorted(highs, reverse=True) == highs
    assert highs[0] > 0.1 > highs[-1]


def test_root_mean_square_and_its_interval():
    """Of normal numbers of spread 2: about 2, with the true one in nine of ten intervals."""
    draws = np.random.default_rng(5).normal(0.0, 2.0, (1000, 200))
    assert root_mean_square(np.full(5, 3.0)) == (3.0, (3.0, 3.0))
    found = [root_mean_square(row) for row in draws]
    assert found[0][0] == np.sqrt(np.mean(draws[0] ** 2))
    inside = np.mean([low <= 2.0 <= high for _, (low, high) in found])
    assert inside == pytest.approx(0.9, abs=4 * np.sqrt(0.09 / 1000) + 0.01)  # squares are skewed
