"""Draws Fig. 7: errors of boards with diodes over events per edge, and over the ratio of relaxation to learning."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clockless.papers.trends import geometric_mean
from clockless.pictures.style import COLUMN, in_house_style, ordered_line, subplots

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure

_POINTS = 60
GROWN = 0.15  # decades, as in the claims


@in_house_style
def figure_7(datasets: dict[str, xarray.Dataset]) -> Figure:
    """Geometric means over boards and their 95 % intervals."""
    data, ratios = datasets["figure-7"], datasets["figure-7-ratios"]
    figure, (left, right) = subplots(1, 2, (2 * COLUMN, 0.75 * COLUMN))
    names = data.clock.values
    for place, name in enumerate(names):
        style = {**ordered_line(place, len(names)), "label": str(name)}
        error, events = data.scaled_error.values[place], data.events.values[place]
        # Boards have had different numbers of events at a record: their errors are read at the same ones.
        last = events[:, -1].min()
        at = np.geomspace(max(events[:, 1].max(), 1e-2 * last), last, _POINTS)
        read = np.array([np.exp(np.interp(at, x, np.log(y))) for x, y in zip(events, error, strict=True)])
        middle, low, high = geometric_mean(read, axis=0)
        left.plot(at, middle, **style)
        left.fill_between(at, low, high, color=style["color"], alpha=0.2, linewidth=0)
    left.set(xscale="log", yscale="log", xlabel="events per edge", ylabel="error / initial error")
    left.legend(fontsize=6, loc="lower left")
    for place, name in enumerate(ratios.kind.values):
        style = {**ordered_line(place, 2), "label": str(name), "marker": "os"[place], "markersize": 3}
        # Boards differ by more than clocks do: each is compared with itself.
        middle, low, high = geometric_mean(ratios.last_error.values[place] / ratios.last_error.values[0, 0], axis=1)
        right.plot(ratios.ratio.values, middle, **style)
        right.fill_between(ratios.ratio.values, low, high, color=style["color"], alpha=0.2, linewidth=0)
    right.axhline(10**GROWN, color="0.6", linewidth=0.8, linestyle=":")
    right.set(xscale="log", xlabel="slowest mode / time between updates", ylabel="last error / at the least ratio")
    right.legend(fontsize=6, loc="upper left")
    return figure
