"""Draws Figs. f1 to f3 on XY lattices: learning without a common clock, with levels, and with unfinished relaxation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.papers.trends import mean_interval
from clockless.pictures.curves import draw_curve
from clockless.pictures.style import PAGE, in_house_style, ordered_line, subplots

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Datasets = dict[str, "xarray.Dataset"]


@in_house_style
def figure_f1(datasets: Datasets) -> Figure:
    """A row per network: cost against step x p, and against step."""
    figure, grid = subplots(len(datasets), 2, (PAGE, 2.2 * len(datasets) + 0.3), squeeze=False, sharey=True)
    for row, data in zip(grid, datasets.values(), strict=True):
        for axes, name, at in zip(row, ("at_equal_updates", "at_equal_steps"), ("update", "step"), strict=True):
            for k, clock in enumerate(data.clock.values):
                style: dict[str, Any] = {
                    **ordered_line(k, data.sizes["clock"]),
                    "label": _named(str(clock), float(data.p[k])),
                }
                draw_curve(axes, data[at].values, data[name].values[k], style)
            axes.set(xscale="log", yscale="log", xlabel="step × p (mean updates per coupling)" if at == "update" else "step")
        row[0].set_ylabel(f"test cost / initial\n{data.attrs['network']}")
    grid[0][0].legend(loc="lower left")
    return figure


def _named(clock: str, p: float) -> str:
    """The kind of a clock and its p."""
    return f"{clock.split('(')[0].lower()}, p = {p:.2g}"


@in_house_style
def figure_f2(datasets: Datasets) -> Figure:
    """A row per rule: accuracy against p for several numbers of levels, and the benefit of p below 1."""
    data = datasets["figure-f2"]
    p = data.p.values
    figure, grid = subplots(
        data.sizes["rule"], 2, (PAGE, 2.2 * data.sizes["rule"]), squeeze=False, sharex=True, sharey="col"
    )
    for row, rule in zip(grid, data.rule.values, strict=True):
        for k, levels in enumerate(data.levels.values):
            one = data.sel(rule=rule).isel(levels=k)
            look = {**ordered_line(k, data.sizes["levels"]), "marker": "osD^v"[k], "capsize": 2, "label": f"{levels}"}
            row[0].errorbar(p, 100 * one.mean_accuracy.values, 100 * one.half_accuracy.values, **look)
            below = p < 1
            row[1].errorbar(p[below], 100 * one.benefit.values[below], 100 * one.half_benefit.values[below], **look)
        row[0].set_ylabel(f"accuracy (%)\n{rule} rule")
        row[1].set_ylabel("accuracy − that at p = 1 (points)")
        row[1].axhline(0, color="0.6", linewidth=0.6, zorder=0)
    for axes in grid[-1]:
        axes.set(xscale="log", xlabel="p")
        axes.set_xticks(p, [f"{one:g}" for one in p])
        axes.minorticks_off()
    grid[0][0].legend(title="levels", ncols=2, loc="best")
    return figure


@in_house_style
def figure_f3(datasets: Datasets) -> Figure:
    """Accuracy, sweeps, and error of the gradient against the residual at which relaxation stops."""
    data = datasets["figure-f3"]
    residual = data.residual.values
    figure, (left, middle, right) = subplots(1, 3, (PAGE, 2.7), width_ratios=(1, 1, 1.25))
    for k, name in enumerate(data.network.values):
        look: dict[str, Any] = {"color": f"C{k}", "marker": "os"[k], "capsize": 2, "label": name}
        one = data.sel(network=name)
        mean, half = mean_interval(100 * one.accuracy.transpose("residual", "split").values)
        left.errorbar(residual, mean, half, **look)
        mean, half = mean_interval(one.sweeps.transpose("residual", "split").values)
        middle.errorbar(residual, mean, half, **look)
        for nudge, dashes in zip(data.nudge.values, ("-", "--"), strict=True):
            logs = np.log10(one.gradient_error.sel(nudge=nudge).transpose("residual", "split").values)
            _draw_error(right, residual, logs, {**look, "linestyle": dashes, "label": f"{name}, nudge {nudge:g}"})
    left.set_ylabel("test accuracy (%)")
    middle.set_ylabel("sweeps per sample, free + nudged")
    middle.set_ylim(bottom=0)
    right.set(yscale="log", ylabel="relative error of the gradient")
    for axes in (left, middle, right):
        axes.set(xscale="log", xlabel="residual at which relaxation stops")
        axes.invert_xaxis()
    left.set_ylim(bottom=left.get_ylim()[0] - 2)
    left.legend(loc="lower right")
    right.legend(loc="upper right", fontsize=6)
    return figure


def _draw_error(axes: Axes, x: np.ndarray, logs: np.ndarray, look: dict[str, Any]) -> None:
    """Geometric mean over splits with its 95 % interval."""
    mean, half = mean_interval(logs)
    middle = 10**mean
    axes.errorbar(x, middle, [middle - 10 ** (mean - half), 10 ** (mean + half) - middle], **look)
