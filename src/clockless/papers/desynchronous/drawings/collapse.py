"""Draws Figs. 1a and 1b of Wycoff et al. 2022 (doi 10.1063/5.0084631)."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np

from clockless.networks.builders import packing
from clockless.papers.trends import equivalence
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
    """One row per (nudge, rate): error against step x p, and against step."""
    rows = len(datasets)
    figure, grid = subplots(rows, 2, (PAGE, 2.1 * rows + 0.2), squeeze=False, sharex="col")
    for row, data in zip(grid, datasets.values(), strict=True):
        _curves(row[0], data, updates=True)
        _curves(row[1], data, updates=False)
        row[0].set_ylabel("test error / initial")
        row[0].text(
            0.04, 0.06, f"η = {data.attrs['nudge']:g}\nrate = {data.attrs['rate']:g}", transform=row[0].transAxes, fontsize=7
        )
    grid[-1][0].set_xlabel("step × p (mean updates per edge)")
    grid[-1][1].set_xlabel("step")
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


@in_house_style
def figure_1b_far(datasets: Datasets) -> Figure:
    """One column per (nudge, rate): errors against that at p = 1, and the errors of all tasks at the end."""
    far = datasets["figure-1b-far"]
    columns = far.sizes["pair"]
    figure, grid = subplots(2, columns, (max(COLUMN, PAGE * columns / 3), 3.8), squeeze=False, sharey="row")
    for k, (ratios, final) in enumerate(grid.T):
        _ratios(ratios, far.isel(pair=k))
        _final_ranges(final, far.isel(pair=k))
        ratios.set_title(far.pair.values[k].replace("nudge", "η =").replace("rate", "rate ="))
    grid[0][0].set_ylabel("error / error at p = 1")
    grid[0][0].legend(title="p", loc="lower left", ncols=2)
    grid[1][0].set_ylabel(f"error / initial, at step × p = {int(far.updates[-1]):,}")
    return figure


def _ratios(axes: Axes, far: xarray.Dataset) -> None:
    """Geometric means over tasks of the error of each p by that of p = 1 at equal step x p, and the margin of equality."""
    logs = np.log10(np.maximum(far.scaled_error, far.attrs["floor"]))
    count = far.sizes["p"]
    for k in range(count - 1):
        difference = (logs.isel(p=k) - logs.sel(p=1.0)).transpose("updates", "task").values
        mean, half = np.array([equivalence(each) for each in difference]).T
        style = ordered_line(k, count)
        axes.plot(far.updates, 10**mean, **style, label=f"{far.p.values[k]:g}")
        axes.fill_between(far.updates, 10 ** (mean - half), 10 ** (mean + half), color=style["color"], alpha=0.2, lw=0)
    for edge in (-far.attrs["margin"], far.attrs["margin"]):
        axes.axhline(10**edge, color="0.4", ls="--", lw=0.8)
    axes.set(xscale="log", yscale="log", xlabel="step × p (mean updates per edge)")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("{x:g}")


def _final_ranges(axes: Axes, far: xarray.Dataset) -> None:
    """Error of every task at the same, large step x p, with the median and the middle half."""
    count = far.sizes["p"]
    for k in range(count):
        final = np.maximum(far.scaled_error.isel(p=k, updates=-1).values, far.attrs["floor"])
        colour = ordered_line(k, count)["color"]
        low, middle, high = np.nanquantile(final, [0.25, 0.5, 0.75])
        axes.plot(np.full(final.size, k), final, ".", color=colour, markersize=2, alpha=0.5)
        axes.errorbar(k, middle, [[middle - low], [high - middle]], fmt="o", color=colour, capsize=2)
    axes.set_xticks(range(count), [f"{p:g}" for p in far.p.values])
    axes.set(yscale="log", xlabel="p")
