"""Draws the figure of weights on few levels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.papers.trends import geometric_mean
from clockless.pictures.style import PAGE, in_house_style, ordered_line, subplots

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKERS = "os^Dv"
_COSTS = (0.1, 0.2, 0.5, 1, 2, 5)
_ERRORS = (1, 2, 5, 10, 20, 50, 100)


@in_house_style
def figure_weights(datasets: dict[str, xarray.Dataset]) -> Figure:
    """A row per task: cost against p of weights that do not act, and of absent ones beside them; test error against p."""
    tasks = {"digits": datasets["figure-weights"]}
    if "figure-weights_mnist" in datasets:
        tasks["MNIST"] = datasets["figure-weights_mnist"]
    figure, grid = subplots(len(tasks), 3, (PAGE, 2.3 * len(tasks) + 0.5), squeeze=False, sharex=True)
    everything = tasks["digits"]
    for row, (name, data) in zip(grid, tasks.items(), strict=True):
        acting, absent = (data.sel(kind=kind) for kind in data.kind.values)
        _draw(row[0], acting.cost, everything)
        _draw(row[2], 100 * acting.test_error, everything)
        row[0].set(title=f"{name}: others do not act", ylabel="training cost (nat)")
        row[2].set(title=f"{name}: others do not act", ylabel="test error (%)")
        if name == "digits":
            _draw_continuous(row[0], datasets["figure-weights_continuous"].cost)
            _draw_longer(row[0], datasets["figure-weights_longer"].cost)
        if bool(np.isfinite(absent.cost).any()):
            _draw(row[1], absent.cost, everything)
            row[1].set(title=f"{name}: others are absent", ylabel="training cost (nat)")
        else:
            row[1].set_axis_off()
        for axes, ticks in zip(row, (_COSTS, _COSTS, _ERRORS), strict=True):
            axes.set(xscale="log", yscale="log", xlabel="p")
            axes.set_xticks(everything.p.values, [f"{p:g}" for p in everything.p.values])
            axes.tick_params(labelbottom=True)
            _plain_ticks(axes, ticks)
        row[1].set_ylim(*_common(row[0], row[1]))
        row[0].set_ylim(*row[1].get_ylim())
    figure.legend(*grid[0][0].get_legend_handles_labels(), title="levels", loc="outside right upper")
    return figure


def _draw(axes: Axes, values: xarray.DataArray, everything: xarray.Dataset) -> None:
    """Geometric means over tasks with their 95 % intervals, a line for each number of levels."""
    numbers = everything.levels.values.tolist()
    for number in values.levels.values.tolist():
        k = numbers.index(number)
        here = values.sel(levels=number).dropna("p", how="all").transpose("p", "task")
        _line(axes, here, ordered_line(k, len(numbers)), _MARKERS[k % len(_MARKERS)], str(number))


def _draw_longer(axes: Axes, values: xarray.DataArray) -> None:
    """Open marks at p = 1, for as many steps as p = 0.2."""
    count = values.sizes["levels"]
    for k in range(count):
        middle = geometric_mean(values.isel(levels=k).values)[0]
        colour = ordered_line(k, count)["color"]
        axes.plot(1.12, middle, _MARKERS[k % len(_MARKERS)], color=colour, markersize=5, markerfacecolor="none")


def _draw_continuous(axes: Axes, values: xarray.DataArray) -> None:
    _line(axes, values.transpose("p", "task"), {"color": "0.5", "linestyle": ":"}, "x", "any value")


def _line(axes: Axes, values: xarray.DataArray, style: dict[str, Any], marker: str, label: str) -> None:
    middle, low, high = geometric_mean(np.maximum(values.values, 1e-9))
    axes.errorbar(
        values.p.values, middle, [middle - low, high - middle], capsize=2, marker=marker, markersize=4, label=label, **style,
    )  # fmt: skip


def _plain_ticks(axes: Axes, ticks: tuple[float, ...]) -> None:
    limits = axes.get_ylim()
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_ylim(limits)
    axes.yaxis.set_minor_formatter("")
    axes.xaxis.set_minor_formatter("")


def _common(*panels: Axes) -> tuple[float, float]:
    limits = [axes.get_ylim() for axes in panels if axes.axison]
    return min(low for low, _ in limits), max(high for _, high in limits)
