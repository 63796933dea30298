"""Fig. 4: errors over heat, and the noise at which tasks are just learned, over p."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.papers.trends import log_mean
from clockless.pictures.style import COLUMN, in_house_style, ordered_line, subplots

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LEVEL = 0.01
_NAMES = {"heat": "heat", "readings": "noise of readings", "writes": "noise of writes"}


@in_house_style
def figure_4(datasets: dict[str, xarray.Dataset]) -> Figure:
    """Means over tasks and their intervals over the variance of heat (left); thresholds over p (middle, right)."""
    data = datasets["figure-4"]
    figure, (left, middle, right) = subplots(1, 3, (2 * COLUMN, 0.75 * COLUMN))
    error, variance, ps = data.scaled_error.values, data.variance.values, data.p.values
    for place, p in enumerate(ps):
        style = {**ordered_line(place, len(ps)), "label": f"p = {p:g}", "marker": "o", "markersize": 2.5}
        _with_interval(left, variance[0, 1:], error[0, 0, place, 1:], style)
    left.axhline(_LEVEL, color="0.6", linewidth=0.5)
    left.set(
        xscale="log", yscale="log", xlabel="$k_B T / C$ over first squared error", ylabel="test error / initial test error"
    )
    left.legend(fontsize=6, title="equal updates", title_fontsize=6)
    for axes, schedule, title in zip((middle, right), range(2), ("equal updates", "equal ticks"), strict=True):
        for place, kind in enumerate(data.noise.values):
            style = {**ordered_line(place, len(data.noise)), "label": _NAMES[kind], "marker": "o", "markersize": 2.5}
            found = data.just_learned.values[place, schedule]
            there = np.isfinite(found).all(axis=0)
            if there.any():
                _with_interval(axes, ps, found[:, there], style)
        axes.set(xscale="log", yscale="log", xlabel="p", ylabel="variance that tasks stand", title=title)
        axes.set_xticks(ps, [f"{p:g}" for p in ps], minor=False)
        axes.minorticks_off()
    middle.legend(fontsize=6, loc="center")
    right.plot(ps, 1e-3 * ps, color="0.6", linewidth=0.7, zorder=0)
    return figure


def _with_interval(axes: Axes, x: np.ndarray, values: np.ndarray, style: dict[str, Any]) -> None:
    """Geometric means over tasks of values [x, task], with their 95 % intervals where there are several tasks."""
    if values.shape[1] < 2:
        axes.plot(x, values[:, 0], **style)
        return
    middle, half = log_mean(np.maximum(values, 1e-30))
    axes.plot(x, 10**middle, **style)
    axes.fill_between(x, 10 ** (middle - half), 10 ** (middle + half), color=style["color"], alpha=0.2, linewidth=0)
