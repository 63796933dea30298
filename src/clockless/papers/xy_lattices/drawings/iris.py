"""Draws Fig. c: irises on lattices of several sizes, beside layers and an all-to-all network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clockless.papers.trends import mean_interval
from clockless.pictures.curves import draw_curve
from clockless.pictures.style import PAGE, in_house_style, ordered_line, subplots

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Datasets = dict[str, "xarray.Dataset"]
FAR, NEAR = "rows at the edges", "rows amid"  # how the names of lattices begin
LATTICES = {FAR: ("#D55E00", "s", "top and bottom row"), NEAR: ("#0072B2", "o", "neighbouring rows")}
BESIDE = {"layers 4-10-3": ("#009E73", "^"), "all-to-all 20": ("#CC79A7", "D")}


@in_house_style
def figure_c(datasets: Datasets) -> Figure:
    """Accuracy against the lattice's side, one panel an optimiser, and how it comes about by descent."""
    data = datasets["figure-c"]
    figure, grid = subplots(1, 3, (PAGE, 2.6), sharey=True, width_ratios=(1, 1, 1))
    for axes, optimiser in zip(grid, data.optimiser.values, strict=False):
        _against_side(axes, data.final.sel(optimiser=optimiser))
        axes.set(title=str(optimiser), xlabel="side of the lattice")
    first = f"{FAR}, 5"
    grid[0].plot(5, data.before.sel(network=first), "*k", markersize=7, linestyle="none", label="earlier number, 5 × 5")
    _during_training(grid[2], data.accuracy.isel(optimiser=0))
    grid[0].set_ylabel("test accuracy (%)")
    figure.legend(*grid[0].get_legend_handles_labels(), loc="outside lower left", ncols=3, fontsize=6)
    grid[2].legend(fontsize=6, loc="lower right")
    return figure


def _against_side(axes: Axes, final: xarray.DataArray) -> None:
    """Means over splits with 95 % intervals; layers and all-to-all as bands; guessing dotted."""
    names = [str(name) for name in final.network.values]
    for family, (colour, marker, label) in LATTICES.items():
        mine = [name for name in names if name.startswith(family)]
        mean, half = mean_interval(final.sel(network=mine).transpose("network", "split").values)
        sides = [int(name.rsplit(", ", 1)[1]) for name in mine]
        axes.errorbar(sides, mean, half, color=colour, marker=marker, capsize=2, label=f"lattice, {label}")
        axes.set_xticks(sides)
    for name, (colour, _) in BESIDE.items():
        middle, width = map(float, mean_interval(final.sel(network=name).values))
        axes.axhline(middle, color=colour, label=name)
        axes.axhspan(middle - width, middle + width, color=colour, alpha=0.2, linewidth=0)
    axes.axhline(100 / 3, color="0.55", linestyle=":", linewidth=0.8, label="guessing")


def _during_training(axes: Axes, accuracy: xarray.DataArray) -> None:
    names = [*BESIDE, *(str(name) for name in accuracy.network.values if str(name).startswith(FAR))]
    for k, name in enumerate(names):
        values = accuracy.sel(network=name).transpose("split", "step").values
        label = name.replace(f"{FAR}, ", "far rows, side ")
        draw_curve(axes, np.asarray(accuracy.step.values), values, {**ordered_line(k, len(names)), "label": label})
    axes.set(xlabel="step", title="by descent")
