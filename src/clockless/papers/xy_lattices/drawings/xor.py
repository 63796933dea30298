"""Draws Figs. b1 to b3: exclusive or on all-to-all networks and on lattices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clockless.papers.trends import bootstrap_mean
from clockless.pictures.style import PAGE, in_house_style, subplots

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Datasets = dict[str, "xarray.Dataset"]
COLOURS = ("#0072B2", "#D55E00", "#009E73")
_EXPECTED = {(30, 1): 1e-1, (30, 30): 2e-3}  # arXiv 2402.08579


@in_house_style
def figure_b1(datasets: Datasets) -> Figure:
    """Cost of every run against epochs, and how many runs are below a cost."""
    data = datasets["figure-b1"]
    figure, grid = subplots(1, 3, (PAGE, 2.4))
    for axes, schedule, colour in zip(grid, data.schedule.values, COLOURS, strict=False):
        _every_run(axes, data.cost.sel(schedule=schedule).dropna("step", how="all"), colour)
        axes.axhline(data.attrs["about_zero"], color="0.55", linewidth=0.8)
        axes.set_title(f"{schedule} relaxation")
    for schedule, colour in zip(data.schedule.values, COLOURS, strict=False):
        cost = data.cost.sel(schedule=schedule).dropna("step", how="all")
        for step, dashes in ((min(1000, int(cost.step[-1])), "-"), (int(cost.step[-1]), "--")):
            if dashes == "--" and step <= 1000:
                continue
            ordered = np.sort(cost.sel(step=step).values)
            share = np.arange(1, ordered.size + 1) / ordered.size
            grid[2].step(ordered, share, dashes, where="post", color=colour, label=f"{schedule}, epoch {step:,}")
    for bound in (data.attrs["about_zero"], data.attrs["solved"]):
        grid[2].axvline(bound, color="0.55", linewidth=0.8)
    grid[2].set(xscale="log", xlabel="cost", ylabel="share of runs below", ylim=(0, 1.02))
    figure.legend(*grid[2].get_legend_handles_labels(), loc="outside lower right", ncols=3)
    return figure


def _every_run(axes: Axes, cost: xarray.DataArray, colour: str) -> None:
    """One thin line a run, and their median."""
    later = cost.isel(step=slice(1, None))
    axes.plot(later.step, later.transpose("step", "seed"), color=colour, linewidth=0.4, alpha=0.3)
    axes.plot(later.step, later.median("seed"), color="k", linewidth=1.4, label="median")
    axes.set(xscale="log", yscale="log", xlabel="epoch", ylabel="cost", ylim=(1e-6, 2))
    axes.legend(loc="lower left", fontsize=6)


@in_house_style
def figure_b2(datasets: Datasets) -> Figure:
    """Mean cost with its bootstrap interval and the median (left); every run (right)."""
    data = datasets["figure-b2"]
    figure, (left, right) = subplots(1, 2, (PAGE, 2.5))
    inits = data.inits.values
    for k, sites in enumerate(data.sites.values):
        cost, colour = data.cost.sel(sites=sites).transpose("inits", "seed").values, COLOURS[k]
        mean, low, high = bootstrap_mean(cost)
        x = inits * 1.06 ** (2 * k - 1)
        left.errorbar(x, mean, [mean - low, high - mean], color=colour, marker="o", capsize=2, label=f"N = {sites}, mean")
        left.plot(x, np.median(cost, axis=1), "--", color=colour, marker="_", linewidth=0.8, label=f"N = {sites}, median")
        right.plot(np.repeat(x, cost.shape[1]), cost.ravel(), ".", color=colour, alpha=0.5, label=f"N = {sites}")
    points = [(m, value) for (sites, m), value in _EXPECTED.items() if sites in data.sites and m in inits]
    if points:
        left.plot(*np.array(points).T, "*", color="k", markersize=7, linestyle="none", label="published, N = 30, mean")
    for axes in (left, right):
        axes.set(
            xscale="log", yscale="log", xlabel="initial states averaged over", ylabel="cost, mean of the last 5 % of epochs"
        )
        axes.set_xticks(inits, [str(m) for m in inits])
        axes.xaxis.set_minor_formatter("")
        axes.legend(fontsize=6)
    return figure


@in_house_style
def figure_b3(datasets: Datasets) -> Figure:
    """Where the sites are (top), and the share of lattices that learn (below), series by series."""
    data = datasets["figure-b3"]
    figure, grid = subplots(2, 3, (PAGE, 3.4), height_ratios=(0.7, 1))
    names = ("inputs on both sides of the output, 7 × 7", "inputs in the top corners, 5 × 5", "inputs beside the output")
    labels = ("distance from inputs to output", "distance from inputs to output", "side of the lattice")
    for column, series in enumerate(dict.fromkeys(data.series.values.tolist())):
        one = data.isel(place=np.flatnonzero(data.series.values == series))
        _sketch(grid[0][column], one)
        grid[0][column].set_title(names[column])
        axes, style = grid[1][column], {"color": COLOURS[column], "marker": "o", "capsize": 2}
        axes.errorbar(one["at"], one.solved, [one.solved - one.low, one.high - one.solved], **style)
        axes.set(xlabel=labels[column], ylabel="share of runs that solve XOR", ylim=(-0.04, 1.04), xticks=one["at"].values)
    return figure


def _sketch(axes: Axes, data: xarray.Dataset) -> None:
    """The lattice of a series with all the places that inputs and output take; numbers say which belong together."""
    sizes = np.unique(data.side).size > 1  # then one of them stands for all
    data = data.isel(place=[min(1, data.sizes["place"] - 1)]) if sizes else data
    side = int(data.side[0])
    row, column = np.divmod(np.arange(side * side), side)
    axes.plot(column, -row, ".", color="0.8", markersize=3)
    for k in range(data.sizes["place"]):
        one = data.isel(place=k)
        for places, colour in ((one.inputs.values, "#D55E00"), (one.output.values[None], "#0072B2")):
            for i, j in places:
                axes.plot(j, -i, "o", color=colour, markersize=5.5)
    moving = data.inputs if np.ptp(data.inputs.values, axis=0).any() else data.output.expand_dims("input", axis=1)
    for k in range(0 if sizes else data.sizes["place"]):
        for i, j in moving.isel(place=k).values:
            axes.text(j, -i, f"{int(data['at'][k])}", color="w", fontsize=5, ha="center", va="center_baseline")
    axes.plot([], [], "o", color="#D55E00", markersize=4, label="inputs")
    axes.plot([], [], "o", color="#0072B2", markersize=4, label="output")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=6, handletextpad=0.1)
    axes.set(aspect="equal", xlim=(-0.6, side - 0.4), ylim=(0.6 - side, 0.6))
    axes.axis("off")
