"""Verdicts over tasks: equal means an interval within a margin, and errs as rarely as it says."""

import numpy as np
import pytest
from scipy import stats

from clockless.papers.trends import difference_of_means, equivalence


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
