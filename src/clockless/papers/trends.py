"""Trends over tasks: geometric means, their 95 % intervals, and verdicts that only speak where an interval excludes zero."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import ndtri, stdtrit


def log_mean(errors: np.ndarray, axis: int = -1) -> tuple[np.ndarray, np.ndarray]:
    """Mean of log10 over tasks and the half-width of its 95 % interval (Student's t)."""
    logs = np.log10(errors)
    count = logs.shape[axis]
    half = stdtrit(count - 1, 0.975) * logs.std(axis=axis, ddof=1) / np.sqrt(count)
    return logs.mean(axis=axis), half


def geometric_mean(errors: np.ndarray, axis: int = -1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Geometric mean over tasks, and the ends of its 95 % interval."""
    middle, half = log_mean(errors, axis)
    return 10**middle, 10 ** (middle - half), 10 ** (middle + half)


def log_ratio(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """Mean over tasks of log10(second / first), paired by task, and the half-width of its 95 % interval."""
    middle, half = log_mean(second / first)
    return float(middle), float(half)


def sign_of_trend(first: np.ndarray, second: np.ndarray, paired: bool = True) -> int:
    """1 if `second` is larger than `first` [task], -1 if smaller, 0 if the 95 % interval of the difference holds zero.

    Compares means of logarithms; unpaired samples by Welch's standard error.
    """
    if paired:
        middle, half = log_ratio(first, second)
    else:
        logs = np.log10(first), np.log10(second)
        middle = float(logs[1].mean() - logs[0].mean())
        variance = sum(log.var(ddof=1) / log.size for log in logs)
        half = float(stdtrit(min(log.size for log in logs) - 1, 0.975) * np.sqrt(variance))
    return int(np.sign(middle)) if abs(middle) > half else 0


def mean_interval(values: np.ndarray, axis: int = -1) -> tuple[np.ndarray, np.ndarray]:
    """Mean over seeds and the half-width of its 95 % interval (Student's t)."""
    count = values.shape[axis]
    return values.mean(axis=axis), stdtrit(count - 1, 0.975) * values.std(axis=axis, ddof=1) / np.sqrt(count)


def share_interval(successes: np.ndarray, trials: int, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the interval of a probability from successes out of `trials` (Wilson 1927, doi 10.2307/2276774)."""
    share, z = np.asarray(successes) / trials, float(ndtri((1 + level) / 2))
    middle = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z / (1 + z**2 / trials) * np.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    return np.maximum(middle - half, 0.0), np.minimum(middle + half, 1.0)


def median_interval(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Median over the last axis and the ends of its interval of at least 95 %; values may be infinite.

    The median lies between the k-th lowest and the k-th highest of n values unless fewer than k of them fall on one side
    of it: a binomial probability, whatever the distribution (Thompson 1936, doi 10.1214/aoms/1177732502). With fewer than
    six values they are the extremes.
    """
    from scipy.stats import binom

    ordered, count = np.sort(values, axis=-1), values.shape[-1]
    inside = max(int(binom.ppf(0.025, count, 0.5)) - 1, 0)
    with np.errstate(invalid="ignore"):  # the mean of two infinite values
        middle = np.median(ordered, axis=-1)
    return middle, ordered[..., inside], ordered[..., -1 - inside]


def trend_of_shares(at: np.ndarray, successes: np.ndarray, trials: int) -> int:
    """1 if the share of successes out of `trials` rises with `at`, -1 if it falls, 0 if neither is significant at 5 %.

    Cochran and Armitage's test (Armitage 1955, doi 10.2307/3001775): z = sum x (k - n p) / (n p (1 - p) sum x^2)^(1/2)
    with x the distance from the mean of `at`, p the share of all.
    """
    x, p = at - np.mean(at), np.sum(successes) / (len(at) * trials)
    variance = trials * p * (1.0 - p) * np.sum(x**2)
    z = np.sum(x * (successes - trials * p)) / np.sqrt(variance) if variance > 0 else 0.0
    return int(np.sign(z)) if abs(z) > 1.959964 else 0


def equivalence(differences: np.ndarray) -> tuple[float, float]:
    """Mean of paired differences and the half-width of its 90 % interval (Student's t).

    Two things are called equal if this interval lies within a margin stated beforehand: that is two one-sided tests at 5 %
    (Schuirmann 1987, doi 10.1007/BF01068419). Fewer pairs make it wider and the verdict harder, not easier.
    """
    count = differences.size
    if count < 2:
        return float(differences.mean()), float("inf")
    half = stdtrit(count - 1, 0.95) * differences.std(ddof=1) / np.sqrt(count)
    return float(differences.mean()), float(half)


def widest_difference(differences: Sequence[np.ndarray]) -> tuple[float, tuple[float, float]]:
    """The largest, with its sign, of several means of paired differences, and the ends of all their 90 % intervals together.

    They lie within a margin if and only if every interval does. To call all means equal where each of them is costs nothing:
    that is an intersection-union test of 5 %, whatever the means have to do with one another (Berger 1982, Technometrics 24,
    295).
    """
    found = [equivalence(each) for each in differences]
    largest = max((mean for mean, _ in found), key=abs)
    return largest, (min(mean - half for mean, half in found), max(mean + half for mean, half in found))


def largest_difference(values: np.ndarray, level: float = 0.9) -> tuple[float, tuple[float, float]]:
    """Largest difference of the means of `values` [choice, draw, at] between two choices at any place, and its interval.

    Draws are tasks, splits or seeds, over which means are taken; the interval is that of 2,000 bootstrap samples of them,
    the same for all choices and in every run. Even choices that are equal differ by their luck, which drawing again adds
    once more: the interval errs to the high side, and fewer draws make it wider. A single draw says nothing: infinity.
    """
    largest = float(np.ptp(values.mean(axis=1), axis=0).max())
    count = values.shape[1]
    if count < 2:
        return largest, (0.0, float("inf"))
    drawn = np.random.default_rng(0).integers(count, size=(2000, count))
    again = [np.ptp(values[:, chosen].mean(axis=1), axis=0).max() for chosen in drawn]
    low, high = np.quantile(again, [(1 - level) / 2, (1 + level) / 2])
    return largest, (min(float(low), largest), float(high))


def root_mean_square(values: np.ndarray) -> tuple[float, tuple[float, float]]:
    """Root mean square and the ends of its 90 % interval, the roots of those of the mean square (Student's t)."""
    mean, half = equivalence(values**2)
    return float(np.sqrt(mean)), (float(np.sqrt(max(mean - half, 0.0))), float(np.sqrt(mean + half)))


def ratio_of_means(
    first: np.ndarray, second: np.ndarray, level: float = 0.95, draws: int = 4000
) -> tuple[float, float, float]:
    """log10 of mean(second) / mean(first), paired by task, and the ends of its bootstrap interval; the same in every run.

    Arithmetic means are those of the few largest errors, which are skewed: hence tasks are drawn, not normal numbers.
    """
    chosen = np.random.default_rng(0).integers(first.size, size=(draws, first.size))
    ratios = np.log10(second[chosen].mean(axis=1) / first[chosen].mean(axis=1))
    low, high = np.quantile(ratios, [(1 - level) / 2, (1 + level) / 2])
    return float(np.log10(second.mean() / first.mean())), float(low), float(high)


def difference_of_means(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """Mean of `second` less that of `first`, unpaired, and the half-width of its 95 % interval (Welch).

    Degrees of freedom after Satterthwaite 1946, doi 10.2307/3002019.
    """
    parts = np.array([values.var(ddof=1) / values.size for values in (first, second)])
    counts = np.array([first.size, second.size])
    freedom = parts.sum() ** 2 / (parts**2 / (counts - 1)).sum() if parts.sum() > 0 else counts.sum() - 2
    return float(second.mean() - first.mean()), float(stdtrit(freedom, 0.975) * np.sqrt(parts.sum()))


def bootstrap_mean(values: np.ndarray, draws: int = 4000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean over the last axis and the ends of its 95 % bootstrap interval: for skewed values, and the same in every run."""
    rng = np.random.default_rng(0)
    chosen = rng.integers(values.shape[-1], size=(draws, values.shape[-1]))
    low, high = np.quantile(values[..., chosen].mean(axis=-1), [0.025, 0.975], axis=-1)
    return values.mean(axis=-1), low, high
