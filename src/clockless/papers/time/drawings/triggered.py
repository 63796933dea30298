"""Draws Fig. 1: errors against events per edge, and against energy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clockless.papers.trends import geometric_mean
from clockless.pictures.style import COLUMN, in_house_style, ordered_line, subplots

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure

_POINTS = 60


@in_house_style
def figure_1(datasets: dict[str, xarray.Dataset]) -> Figure:
    """Geometric means over tasks against events per edge (left), every task against energy (right)."""
    data = datasets["figure-1"]
    figure, (left, right) = subplots(1, 2, (2 * COLUMN, 0.75 * COLUMN), sharey=True)
    names = data.clock.values
    for place, name in enumerate(names):
        style = {**ordered_line(place, len(names)), "label": str(name)}
        error, events = data.scaled_error.values[place], data.events.values[place]
        # Tasks have had different numbers of events at a record: their errors are read at the same ones.
        last = events[:, -1].min()
        at = np.geomspace(max(events[:, 1].max(), 1e-2 * last), last, _POINTS)
        read = np.array([np.exp(np.interp(at, x, np.log(y))) for x, y in zip(events, error, strict=True)])
        middle, low, high = geometric_mean(read, axis=0)
        left.plot(at, middle, **style)
        left.fill_between(at, low, high, color=style["color"], alpha=0.2, linewidth=0)
        energy = data.energy.values[place]
        if np.isfinite(energy).all():
            for task in range(len(error)):
                right.plot(
                    energy[task, 1:], error[task, 1:], color=style["color"], linestyle=style["linestyle"], linewidth=0.5
                )
    left.axhline(0.1, color="0.6", linewidth=0.5)
    left.set(xscale="log", yscale="log", xlabel="events per edge", ylabel="test error / initial test error")
    left.legend(fontsize=6, loc="lower left")
    right.set(xscale="log", xlabel="energy dissipated by the free network (J)")
    return figure
