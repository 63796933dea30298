"""How times are taken and kept: minima over rounds, beside the baseline's of the same run.

A minimum is the time without the neighbours' noise. `ratio` is baseline / ours: above 1, ours is ahead.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def fastest(function: Callable[[], Any], rounds: int, clock: Callable[[], float] = time.perf_counter) -> float:
    """Least time of one call, in seconds, after one call to warm up; `time.process_time` counts the processor's alone."""
    function()
    times = []
    for _ in range(rounds):
        start = clock()
        function()
        times.append(clock() - start)
    return min(times)


def fastest_benched(benchmark: Any, function: Callable[[], Any], rounds: int) -> float:
    """The same, taken and stored by pytest-benchmark."""
    benchmark.pedantic(function, rounds=rounds, warmup_rounds=1)
    return benchmark.stats.stats.min


def store(benchmark: Any, what: str, size: str, ours: float, baseline: float, against: str, **more: Any) -> float:
    """Keep a row of the table (times in seconds) with the benchmark; returns the ratio."""
    ratio = baseline / ours
    benchmark.extra_info.update(what=what, size=size, ours=ours, baseline=baseline, against=against, ratio=ratio, **more)
    return ratio
