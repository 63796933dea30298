"""Figs. 2 and 6: errors over time at some ratios, and the critical ratio."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clockless.papers.trends import median_interval, share_interval
from clockless.pictures.style import COLUMN, in_house_style, ordered_line, subplots

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure

_LEAST = 1e-8  # errors below are rounding and the like
_LEVEL, _RISE, _FLOOR = 0.01, 0.3, 1e-6


@in_house_style
def figure_2(datasets: dict[str, xarray.Dataset]) -> Figure:
    """Resistors, for several p."""
    data = datasets["figure-2"]
    return _panels(data, [f"p = {p:g}" for p in data.p.values], "test error / initial test error", "upper left")


@in_house_style
def figure_6(datasets: dict[str, xarray.Dataset]) -> Figure:
    """Phases, for several clocks."""
    data = datasets["figure-6"]
    return _panels(data, [str(clock) for clock in data.clock.values], "cost / initial cost", "lower right")


def _panels(data: xarray.Dataset, labels: list[str], measured: str, place_of_labels: str) -> Figure:
    """One task at several ratios (left), times to learn (middle) and who oscillates (right) over the ratio."""
    figure, (left, middle, right) = subplots(1, 3, (2 * COLUMN, 0.75 * COLUMN))
    ratios, times, error = data.ratio.values, data.time.values, data.scaled_error.values
    shown = np.unique(np.searchsorted(ratios, [0.02, 0.2, 0.9]).clip(max=len(ratios) - 1))
    task = _typical(error[0])
    for place, k in enumerate(shown):
        style = ordered_line(place, len(shown))
        left.plot(times[k, 1:], np.maximum(error[0, k, task, 1:], _LEAST), label=f"{ratios[k]:.2g}", **style)
    left.set(
        xscale="log", yscale="log", xlabel="time / relaxation time", ylabel=measured,
        ylim=(1e-6, 30),
    )  # fmt: skip
    left.legend(title="ratio, one task", fontsize=6, title_fontsize=6, loc="upper right")
    for place, label in enumerate(labels):
        style = {**ordered_line(place, len(labels)), "label": label, "marker": "o", "markersize": 2.5}
        when = np.array([_learned(time, each) for time, each in zip(times, error[place], strict=True)])
        last = 2 * times.max()  # beyond the frame: never
        half, low, high = (np.minimum(each, last) for each in median_interval(when))
        middle.plot(ratios, np.where(half < last, half, np.nan), **style)
        middle.fill_between(ratios, low, high, color=style["color"], alpha=0.15, linewidth=0)
        least = np.maximum(np.minimum.accumulate(error[place], axis=-1), _FLOOR)
        rise = np.log10(np.maximum(error[place], _FLOOR) / least).max(axis=-1)
        right.plot(ratios, np.mean(rise > _RISE, axis=1), **style)
        ends = share_interval((rise > _RISE).sum(axis=1), rise.shape[1])
        right.fill_between(ratios, *ends, color=style["color"], alpha=0.15, linewidth=0)
    below = ratios <= 0.04
    middle.plot(ratios, np.median(when[below] * ratios[below, None]) / ratios, color="0.6", linewidth=0.7, zorder=0)
    for axes in (middle, right):
        axes.axvline(0.25, color="0.6", linewidth=0.7, linestyle=":")
        axes.set(xscale="log", xlabel="learning rate / relaxation rate")
    middle.set(yscale="log", ylabel="time to 1 % / relaxation time", ylim=(0.3, times.max()))
    right.set(ylabel="share that oscillates", ylim=(-0.03, 1.03))
    right.legend(fontsize=6, loc=place_of_labels)
    return figure


def _typical(error: np.ndarray) -> int:
    """The task whose last errors [ratio, task, look] lie in the middle."""
    last = np.log10(np.maximum(error[..., -1], 1e-30)).mean(axis=0)
    return int(np.argsort(last)[len(last) // 2])


def _learned(time: np.ndarray, error: np.ndarray) -> np.ndarray:
    """When errors [task, look] are below 1 % for good; infinity: never."""
    last = np.array([np.max(np.flatnonzero(values > _LEVEL), initial=0) for values in error])
    found: np.ndarray = np.where(last + 1 < error.shape[1], time[np.minimum(last + 1, time.size - 1)], np.inf)
    return found
