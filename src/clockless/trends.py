"""Trends over tasks: geometric means, their 95 % intervals, and verdicts that only speak where an interval excludes zero."""

from __future__ import annotations

import numpy as np
from scipy.special import stdtrit


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


def monotone(errors: np.ndarray) -> int:
    """1 if errors [p, task] rise with p: over the whole range significantly, and nowhere significantly fall; else 0."""
    steps = [sign_of_trend(errors[k], errors[k + 1]) for k in range(len(errors) - 1)]
    return int(sign_of_trend(errors[0], errors[-1]) == 1 and min(steps) >= 0)
