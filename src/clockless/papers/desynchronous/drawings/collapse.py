"""Draws Figs. 1a and 1b of Wycoff et al. 2022 (doi 10.1063/5.0084631)."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np

from clockless.networks.builders import packing
from clockless.pictures.curves import draw_curve
from clockless.pictures.networks import draw_network
from clockless.pictures.style import COLUMN, PAGE, in_house_style, ordered_line, subplots

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Datasets = dict[str, "xarray.Dataset"]


@in_house_style
def figure_1a(datasets: Datasets) -> Figure:
    """The network, a task's nodes and the resistances that it learned."""
    data = datasets["figure-1a"]
    task = SimpleNamespace(**{role: data.attrs[role] for role in ("inputs", "outputs", "ground")})
    figure, axes = subplots(1, 1, (COLUMN, 0.95 * COLUMN))
    draw_network(axes, packing(), task, data.parameters.values)
    return figure


@in_house_style
def figure_1b(datasets: Datasets) -> Figure:
    """One row per (nudge, rate): error against step x p, against step, and the range of errors far out."""
    datasets = dict(datasets)
    far = datasets.pop("figure-1b_far")
    rows = len(datasets)
    figure, grid = subplots(rows, 3, (PAGE, 2.1 * rows + 0.2), squeeze=False, width_ratios=(1, 1, 0.6), sharex="col")
    for number, (row, data) in enumerate(zip(grid, datasets.values(), strict=True)):
        _curves(row[0], data, updates=True)
        _curves(row[1], data, updates=False)
        _final_ranges(row[2], far.isel(pair=number))
        row[0].set_ylabel("test error / initial")
        row[0].text(
            0.04, 0.06, f"η = {data.attrs['nudge']:g}\nrate = {data.attrs['rate']:g}", transform=row[0].transAxes, fontsize=7
        )
    grid[-1][0].set_xlabel("step × p (mean updates per edge)")
    grid[-1][1].set_xlabel("step")
    grid[-1][2].set_xlabel("p")
    grid[0][1].legend(title="p", loc="lower left")
    return figure


def _curves(axes: Axes, data: xarray.Dataset, updates: bool) -> None:
    count = data.sizes["clock"]
    for k in range(count):
        p = float(data.p[k])
        error = data.error.isel(clock=k).values
        draw_curve(axes, data.step.values * (p if updates else 1.0), error, {**ordered_line(k, count), "label": f"{p:g}"})
    axes.set(xscale="log", yscale="log")
    axes.set_xlim(left=1)


def _final_ranges(axes: Axes, far: xarray.Dataset) -> None:
    """Error of every task at the same, large step x p, with the median and the middle half."""
    count = far.sizes["p"]
    floor = 1e-12  # smaller errors are drawn there
    for k in range(count):
        final = np.maximum(far.scaled_error.isel(p=k, updates=-1).values, floor)
        colour = ordered_line(k, count)["color"]
        low, middle, high = np.nanquantile(final, [0.25, 0.5, 0.75])
        axes.plot(np.full(final.size, k), final, ".", color=colour, markersize=2, alpha=0.5)
        axes.errorbar(k, middle, [[middle - low], [high - middle]], fmt="o", color=colour, capsize=2)
    axes.set_xticks(range(count), [f"{p:g}" for p in far.p.values])
    axes.set_ylabel(f"at step × p = {int(far.updates[-1]):,}")
    axes.set_yscale("log")
