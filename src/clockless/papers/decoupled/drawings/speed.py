"""Draws the figures of speed as four separate quantities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.pictures.style import PAGE, in_house_style, ordered_line, subplots

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Datasets = dict[str, "xarray.Dataset"]
_MARKS = "os^vDPX"
_LABELS = {
    "free": "bound, interfaces free",
    "multiply-adds": "bound by multiply-adds",
    "measured": "bound by measured times",
    "simulation": "simulation",
    "real": "real processes, wall",
    "processor": "real processes, processor",
}


@in_house_style
def figure_speed1(datasets: Datasets) -> Figure:
    """Gain over backprop per iteration and per update against the number of layers."""
    data = datasets["figure-speed1"]
    figure, row = subplots(1, 2, (PAGE, 3.0), sharex=True)
    for axes, name in zip(row, ("iteration", "update"), strict=True):
        for k, method in enumerate(data.way.values):
            style = {**ordered_line(k, data.sizes["way"]), "marker": _MARKS[k], "label": str(method)}
            axes.plot(data.layers, data[name].sel(way="backprop") / data[name].sel(way=method), **style)
        if "torch" in data:
            scale = 1.0 if name == "iteration" else data.layers
            axes.plot(data.layers, data[name].sel(way="backprop") / (data.torch / scale), "k*", label="PyTorch backprop")
        _gains(axes, data.layers.values, f"backprop's time per {name} / its own")
    _legend(figure, row)
    return figure


@in_house_style
def figure_speed2(datasets: Datasets) -> Figure:
    """Steps and seconds until the digits are learned, every seed and the mean."""
    data = datasets["figure-speed2"]
    figure, row = subplots(1, 2, (PAGE, 3.0), sharex=True)
    for axes, name in zip(row, ("steps", "seconds"), strict=True):
        for k, method in enumerate(data.way.values):
            line, values = ordered_line(k, data.sizes["way"]), data[name].sel(way=method)
            axes.plot(data.layers, values.mean("seed", skipna=False), marker=_MARKS[k], label=str(method), **line)
            axes.plot(data.layers, values.transpose("layers", "seed"), ".", color=line["color"], markersize=2, alpha=0.6)
        axes.set(yscale="log", xlabel="layers", xticks=data.layers.values)
    row[0].set_ylabel(f"steps to {100 * data.attrs['target']:g} % test error")
    row[1].set_ylabel("processor or virtual time (s)")
    _legend(figure, row)
    return figure


@in_house_style
def figure_speed3(datasets: Datasets) -> Figure:
    """Speed-up against layers with a worker each, against workers, and of two real processes."""
    data = datasets["figure-speed3"]
    figure, row = subplots(1, 3, (PAGE, 3.0), sharey=True)
    for axes, name, over in ((row[0], "per_layer", "layers"), (row[1], "per_worker", "workers")):
        for k, kind in enumerate(data.kind.values):
            style = {**ordered_line(k, data.sizes["kind"]), "marker": _MARKS[k], "label": _LABELS[str(kind)]}
            speedup = data[name].sel(kind=kind)
            axes.plot(data[over], speedup.mean("replica"), **style)
            axes.plot(data[over], speedup.transpose(over, "replica"), ".", color=style["color"], markersize=2, alpha=0.6)
        _gains(axes, data[over].values, "speed-up over backprop" if over == "layers" else "")
        axes.set_xlabel(over)
    row[0].set_title("a worker for each layer")
    row[1].set_title(f"{int(data.layers[-1])} layers")
    places = np.arange(data.sizes["layers"] + 1)
    for k, kind in enumerate(data.two.values):
        values = np.vstack([data.pair.sel(two=kind).transpose("layers", "replica"), data.wide.sel(reach=kind)])
        spread = (values.mean(axis=1) - values.min(axis=1), values.max(axis=1) - values.mean(axis=1))
        own = {"real": "#D55E00", "processor": "#E69F00"}
        colour = own.get(str(kind)) or ordered_line(k + 1, data.sizes["kind"])["color"]
        where, ends = places + 0.2 * (k - 1.5), None if kind in data.kind else spread
        row[2].bar(
            where, values.mean(axis=1), 0.19, yerr=ends, color=colour, label=_LABELS[str(kind)], error_kw={"linewidth": 0.8}
        )
    row[2].set_xticks(places, [*map(str, data.layers.values), "wide"])
    row[2].axhline(1, color="0.5", linewidth=0.6)
    row[2].set(xlabel="layers", title="two workers")
    _legend(figure, row)
    return figure


@in_house_style
def figure_speed4(datasets: Datasets) -> Figure:
    """A table of the gains; those that are 3-fold stand out."""
    data = datasets["figure-speed4"]
    rows, columns = data.sizes["way"], data.sizes["quantity"]
    figure, axes = subplots(1, 1, (PAGE, 0.26 * rows + 0.9))
    axes.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5))
    for (i, j), value in np.ndenumerate(data.gain.values):
        bold = value >= 3
        text = "–" if np.isnan(value) else f"{value:.2f}"
        axes.text(
            j, i, text, ha="center", va="center", weight="bold" if bold else "normal", color="#D55E00" if bold else "k"
        )
    axes.set_yticks(range(rows), data.way.values)
    axes.set_xticks(range(columns), data.quantity.values)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.grid(False)
    axes.set_xlabel(f"gain over plain backprop, {data.attrs['layers']} layers; 3 and more stand out")
    return figure


def _legend(figure: Figure, row: Sequence[Axes]) -> None:
    """One legend below for all axes."""
    handles: dict[str, Any] = {}
    for axes in row:
        for line, text in zip(*axes.get_legend_handles_labels(), strict=True):
            handles.setdefault(text, line)
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=3)


def _gains(axes: Axes, ticks: np.ndarray, label: str) -> None:
    axes.axhline(1, color="0.5", linewidth=0.6)
    axes.set(xlabel="layers", ylabel=label, xticks=ticks)
