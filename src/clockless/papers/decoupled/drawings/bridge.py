"""Draws learning of layers that update by chance, against step x p and against step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clockless.pictures.curves import draw_curve
from clockless.pictures.style import PAGE, in_house_style, ordered_line, subplots

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Datasets = dict[str, "xarray.Dataset"]
_TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2)


@in_house_style
def figure_bridge(datasets: Datasets) -> Figure:
    """A row per method: test cost against step x p and step, and by the test set's own statistics against step x p."""
    methods = next(iter(datasets.values())).rule.values.tolist()
    figure, grid = subplots(len(methods), 3, (PAGE, 2.0 * len(methods) + 0.2), sharex="col", sharey="col")
    for number, (row, method) in enumerate(zip(grid, methods, strict=True)):
        _draw(row[0], datasets, number, "cost", True)
        _draw(row[1], datasets, number, "cost", False)
        _draw(row[2], datasets, number, "own_cost", True)
        row[0].set_ylabel(f"{method}\ntest cost (nat)")
        row[1].set_ylabel("test cost (nat)")
        row[2].set_ylabel("test cost (nat)")
    for axes, label in zip(grid[-1], ("step × p", "step", "step × p"), strict=True):
        axes.set_xlabel(label)
    for axes, title in zip(grid[0], ("running statistics", "running statistics", "the test set's own"), strict=True):
        axes.set_title(title)
    grid[0][1].legend(title="p", loc="lower left")
    return figure


def _draw(axes: Axes, datasets: Datasets, number: int, name: str, per_update: bool) -> None:
    """Mean over seeds with its 95 % interval, at the steps where the values of step x p are the same for all p."""
    for k, data in enumerate(datasets.values()):
        p, updates = float(data.attrs["p"]), np.array(data.attrs["updates"])
        steps = np.rint(updates / p).astype(np.int64)
        values = data[name].isel(rule=number).sel(step=steps).transpose("seed", "step").values
        style = {**ordered_line(k, len(datasets)), "label": f"{p:g}"}
        draw_curve(axes, updates if per_update else steps, values, style)
    axes.set(xscale="log", yscale="log")
    axes.set_yticks(_TICKS, [f"{tick:g}" for tick in _TICKS])
    axes.set_ylim(*_around(datasets, name))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_formatter("")


def _around(datasets: Datasets, name: str) -> tuple[float, float]:
    """Limits of an axis that shows every mean."""
    means = [data[name].mean("seed") for data in datasets.values()]
    return 0.8 * min(float(mean.min()) for mean in means), 1.2 * max(float(mean.max()) for mean in means)
