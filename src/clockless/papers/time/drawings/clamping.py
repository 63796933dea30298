"""Fig. 5: errors over the nudge, errors against power by price and nudge, and while nudges grow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import NullFormatter

from clockless.papers.trends import geometric_mean
from clockless.pictures.style import COLUMN, in_house_style, ordered_line, subplots

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure

_LEAST = 1e-12
_NAMES = {"first": "nudge 0.2", "last": "nudge 5", "growing": "from 0.2 to 5"}


@in_house_style
def figure_5(datasets: dict[str, xarray.Dataset]) -> Figure:
    """Geometric means over tasks, with their intervals where errors stand alone on their axis."""
    nudged, priced, grown = (datasets[name] for name in ("figure-5", "figure-5-price", "figure-5-schedule"))
    figure, (left, middle, right) = subplots(1, 3, (2 * COLUMN, 0.75 * COLUMN))
    nudges = nudged.nudge.values
    for place, kind in enumerate(nudged.kind.values):
        style = {**ordered_line(place, len(nudged.kind)), "label": str(kind), "marker": "o", "markersize": 2.5}
        half, low, high = geometric_mean(np.maximum(nudged.scaled_error.values[place], _LEAST))
        left.plot(nudges, half, **style)
        left.fill_between(nudges, low, high, color=style["color"], alpha=0.2, linewidth=0)
        if place == 0:
            left.plot(nudges, half[2] * (nudges / nudges[2]) ** -2.0, color="0.6", linewidth=0.7, zorder=0)
    left.axvline(1.0, color="0.6", linewidth=0.7, linestyle=":")
    left.set(xscale="log", yscale="log", xlabel="nudge", ylabel="test error / initial test error")
    left.legend(fontsize=6)
    for place, nudge in enumerate(priced.nudge.values):
        style = {**ordered_line(place, len(priced.nudge)), "label": f"nudge {nudge:g}", "marker": "o", "markersize": 2.5}
        middle.plot(*_means(priced, place), **style)
    for price, x, y in zip(priced.price.values, *_means(priced, 0), strict=True):
        middle.annotate(f"{price:g}", (x, y), textcoords="offset points", xytext=(4, 3), fontsize=5)
    middle.set(xscale="log", yscale="log", xlabel="power / power at the start", ylabel="test error / initial test error")
    powers, errors = (np.array(each) for each in zip(*(_means(priced, k) for k in range(len(priced.nudge))), strict=True))
    middle.set(xlim=(None, 4 * powers.max()), ylim=(None, 5 * errors.max()))  # room for the prices
    middle.legend(fontsize=6, title="price / nudge at the points", title_fontsize=6)
    for place, schedule in enumerate(grown.schedule.values):
        style = {**ordered_line(place, len(grown.schedule)), "label": _NAMES[schedule], "marker": "o", "markersize": 2.5}
        x, y = (geometric_mean(np.maximum(grown[name].values[place], _LEAST))[0] for name in ("power", "scaled_error"))
        right.plot(x, y, **style)
        right.plot(x[-1], y[-1], marker="s", markersize=4, color=style["color"])
    right.set(xscale="log", yscale="log", xlabel="power / power at the start", ylabel="test error / initial test error")
    right.legend(fontsize=6, loc="center right")
    ticks = [0.03, 0.1, 0.3, 1.0]
    right.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    right.xaxis.set_minor_formatter(NullFormatter())  # their labels run into one another
    return figure


def _means(priced: xarray.Dataset, nudge: int) -> tuple[np.ndarray, np.ndarray]:
    """Power and error at every price, means over tasks."""
    power, error = (
        geometric_mean(np.maximum(priced[name].values[:, nudge], _LEAST))[0] for name in ("power", "scaled_error")
    )
    return power, error
