"""Draws Figs. drn and drn-clocks: deep resistive networks on MNIST, and what it costs if nodes act by chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clockless.pictures.curves import draw_curve, mean_and_interval
from clockless.pictures.style import COLUMN, PAGE, in_house_style, ordered_line, subplots

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Datasets = dict[str, "xarray.Dataset"]
_COLOURS = {"xs": "#0072B2", "1h": "#D55E00", "2h": "#009E73", "3h": "#CC79A7"}
_TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)


def _percent(axes: Axes) -> None:
    """A logarithmic axis of errors with plain numbers."""
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    axes.set_yticks([tick for tick in _TICKS if low <= tick <= high], minor=False)
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("")
    axes.set_ylim(low, high)


@in_house_style
def figure_drn(datasets: Datasets) -> Figure:
    """Error against epochs, a colour per net; published values at their epoch."""
    figure, axes = subplots(1, 1, (COLUMN, 0.85 * COLUMN))
    for data in datasets.values():
        colour, epochs = _COLOURS[data.net], data.epoch.values
        draw_curve(axes, epochs, data.error.values, {"color": colour, "label": f"{data.net.upper()}, test"})
        draw_curve(axes, epochs, data.train_error.values, {"color": colour, "linestyle": "--", "linewidth": 0.8})
        axes.plot(data.epochs, data.test_error, "*", color=colour, markersize=8, markeredgecolor="black", zorder=3)
        axes.plot(data.epochs, data.train_error_published, "x", color=colour, markersize=5, zorder=3)
    axes.plot([], [], "--", color="0.3", linewidth=0.8, label="training, as they came")
    axes.plot([], [], "*", color="0.7", markeredgecolor="black", markersize=8, label="published, test")
    axes.plot([], [], "x", color="0.3", markersize=5, label="published, training")
    axes.set(xlabel="epoch", ylabel="wrong (%)")
    _percent(axes)
    axes.legend(loc="best")
    return figure


@in_house_style
def figure_drn_clocks(datasets: Datasets) -> Figure:
    """Test error against epochs, against epochs times p, and at the end against p."""
    data = datasets["figure-drn-clocks"]
    figure, (steps, updates, final) = subplots(1, 3, (PAGE, 0.33 * PAGE), layout="constrained")
    for k, p in enumerate(data.p.values.tolist()):
        one, style = data.error.sel(p=p).values, ordered_line(k, data.sizes["p"])
        draw_curve(steps, data.epoch.values, one, {**style, "label": f"p = {p:g}"})
        draw_curve(updates, p * data.epoch.values, one, style)
    last = [mean_and_interval(data.error.sel(p=p).isel(epoch=-1).values[:, None]) for p in data.p.values]
    final.errorbar(
        data.p.values, [mean[0] for mean, _ in last], [half[0] for _, half in last], fmt="o", color="#0072B2", markersize=4
    )
    final.set_xscale("log")
    final.set_xticks(data.p.values, [f"{p:g}" for p in data.p.values], minor=False)
    final.set_xticks([], minor=True)
    updates.set_xscale("log")
    for axes, label in ((steps, "epoch"), (updates, "epoch × p"), (final, "p")):
        axes.set(xlabel=label, ylabel="test error (%)")
        _percent(axes)
    ends = np.array([mean[0] for mean, _ in last])
    final.set_ylim(0.8 * ends.min(), 1.25 * ends.max())
    final.set_yscale("linear")
    steps.legend()
    return figure
