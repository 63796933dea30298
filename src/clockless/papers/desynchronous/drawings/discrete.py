"""Draws Figs. 4a to 4c, 4f and 4g."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.papers.trends import geometric_mean, log_mean
from clockless.pictures.curves import draw_curve
from clockless.pictures.style import COLUMN, PAGE, in_house_style, ordered_line, subplots

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Datasets = dict[str, "xarray.Dataset"]
_MARKERS = "osv^Dd"


def clock_of(data: xarray.Dataset, p: float) -> int:
    """Index of the clock with this p."""
    return int(np.argmin(np.abs(data.p.values - p)))


@in_house_style
def figure_4a(datasets: Datasets) -> Figure:
    """Errors against step x p for every p: of one task, single and smoothed, and of all."""
    data, one = datasets["figure-4a"], datasets["figure-4a_single"]
    figure, (left, right) = subplots(1, 2, (PAGE, 0.72 * COLUMN), sharex=True)
    for k, p in enumerate(data.p.values):
        style = {**ordered_line(k, data.sizes["clock"]), "label": f"{p:g}"}
        single, smooth = (one[name].isel(clock=k).values[1:] for name in ("single_error", "smoothed"))
        left.plot(one.step.values[1:] * p, single, color=style["color"], linewidth=0.3, alpha=0.4, zorder=1)
        left.plot(one.step.values[1:] * p, smooth, zorder=3, **style)
        draw_curve(right, data.step.values * p, data.error.isel(clock=k).values, style)
    left.set_title("one task, single (thin) and smoothed", loc="left")
    right.set_title(f"mean over {data.sizes['task']} tasks", loc="left")
    for axes in (left, right):
        axes.set(xscale="log", yscale="log", xlabel="step × p", ylabel="test error / initial")
        axes.set_xlim(left=1.0)
    right.legend(title="p")
    return figure


@in_house_style
def figure_4b(datasets: Datasets) -> Figure:
    """Three resistors of the first task, p = 1 above p = 0.5: the whole run, and its end."""
    data = datasets["figure-4b"]
    figure, grid = subplots(2, 2, (PAGE, 0.85 * COLUMN), sharex="col", sharey=True, width_ratios=(1.5, 1))
    values = data.traces.transpose("clock", "task", "step", "edge").values[:, 0]
    end = _last_of_all(data.step.values)
    moves = np.ptp(values[clock_of(data, 0.5)][end:], axis=0)
    edges = np.sort(np.argsort(-moves, kind="stable")[:3])
    for row, p in zip(grid, (1.0, 0.5), strict=True):
        for axes, first in zip(row, (0, end), strict=True):
            for k, edge in enumerate(edges):
                trace = values[clock_of(data, p)][first:, edge]
                style = {**ordered_line(k, 3), "linewidth": 0.7 if first == 0 else 1.0}
                axes.plot(data.step.values[first:], trace, label=f"edge {edge}", **style)
        row[0].set_ylabel("resistance (kΩ)")
        row[0].set_title(f"p = {p:g}", loc="left")
    grid[0][1].set_title("the last steps", loc="left")
    for axes in grid[1]:
        axes.set_xlabel("step")
    figure.legend(*grid[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def _last_of_all(steps: np.ndarray) -> int:
    """From which index on every step was recorded."""
    gaps = np.flatnonzero(np.diff(steps) > 1)
    return int(gaps[-1]) + 1 if gaps.size else 0


def _against_p(axes: Axes, p: np.ndarray, errors: np.ndarray, style: dict[str, Any]) -> None:
    """Geometric mean of errors [p, task] against p with its 95 % interval."""
    middle, low, high = geometric_mean(errors)
    axes.errorbar(p, middle, [middle - low, high - middle], capsize=2, **style)
    axes.set(yscale="log", xlabel="p", ylabel="final error / initial\n(geometric mean)")
    axes.set_xticks(p)


@in_house_style
def figure_4c(datasets: Datasets) -> Figure:
    """Final error against p, a line per x."""
    data = datasets["figure-4c"]
    error = data.final_error.transpose("device", "clock", "task").values
    figure, axes = subplots(1, 1, (COLUMN, 0.8 * COLUMN))
    for k, x in enumerate(("0", "10⁻⁴", "10⁻³", "10⁻²")):
        _against_p(axes, data.p.values, error[k], {**ordered_line(k, 4), "marker": _MARKERS[k], "label": f"x = {x}"})
    axes.legend(ncols=2)
    return figure


@in_house_style
def figure_4f(datasets: Datasets) -> Figure:
    """The benefit over bias and nudge; and against x for every nudge and variant."""
    data = datasets["figure-4f"]
    figure, (left, right) = subplots(1, 2, (PAGE, 0.85 * COLUMN), width_ratios=(1, 1.1))
    middle, half = log_mean(10 ** data.benefit.transpose("rule", "device", "task").values)
    limit = max(float(np.abs(middle).max()), 0.1)
    picture = left.pcolormesh(middle, cmap="PuOr", vmin=-limit, vmax=limit, edgecolor="white", linewidth=0.5)
    for row, column in np.argwhere(np.abs(middle) <= half):
        left.text(column + 0.5, row + 0.5, "○", ha="center", va="center", fontsize=7)
    biases, nudges = data.bias.values, data.nudge.values
    left.set_xticks(np.arange(biases.size) + 0.5, [f"{bias:g}" for bias in biases], rotation=60)
    left.set_yticks(np.arange(nudges.size) + 0.5, [f"{nudge:g}" for nudge in nudges])
    left.set(xlabel="bias / signal voltage", ylabel="nudge η")
    left.set_title("○ 95 % interval holds zero", fontsize=7, loc="right")
    figure.colorbar(picture, ax=left, label="benefit: log₁₀ error(1) / error(0.2)")
    biases = biases[1:]  # zero has no place on a logarithmic axis
    for k, nudge in enumerate(nudges):
        style = {**ordered_line(k, nudges.size), "marker": _MARKERS[k], "label": f"η = {nudge:g}"}
        right.errorbar(biases / nudge, middle[k, 1:], half[k, 1:], capsize=1.5, **style)
    for name, values in zip(data.variant.values, data.variants.transpose("variant", "device", "task").values, strict=True):
        right.plot(biases, log_mean(10 ** values[1:])[0], linewidth=0.7, linestyle="--", label=f"η = 1, {name}")
    right.axhline(0, color="0.6", linewidth=0.6)
    right.set(xscale="log", xlabel="x = bias / (gain · η · signal voltage)", ylabel="benefit (decades)")
    right.legend(fontsize=5.5)
    return figure


@in_house_style
def figure_4g(datasets: Datasets) -> Figure:
    """Sorted final errors of all tasks: continuous and discrete, p = 1 and p = 0.2."""
    data = datasets["figure-4g"]
    figure, axes = subplots(1, 1, (COLUMN, 0.75 * COLUMN))
    for kind, dashes in (("continuous", "-"), ("discrete", "--")):
        for k, p in enumerate(data.p.values):
            final = np.sort(np.maximum(data[kind].values[k], 1e-16))
            share = (np.arange(final.size) + 1) / final.size
            colour = ordered_line(k, 2)["color"]
            axes.step(final, share, where="post", color=colour, linestyle=dashes, label=f"{kind}, p = {p:g}")
    axes.set(xscale="log", xlabel="final error / initial (10⁻¹⁶: at or below)", ylabel="share of tasks at or below")
    axes.legend()
    return figure
