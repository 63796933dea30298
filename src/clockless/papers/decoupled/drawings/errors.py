"""Draws the test errors of decoupled stacks, beside those of an independent implementation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import stdtrit

from clockless.pictures.style import PAGE, in_house_style, subplots

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Datasets = dict[str, "xarray.Dataset"]
_TICKS = (0.5, 1, 2, 5, 10, 20, 50)
STYLES: dict[str, dict[str, Any]] = {  # colours that stay apart without red-green vision, and markers for grey
    "no-backprop": {"color": "0.45", "marker": "x", "linestyle": ":"},
    "backprop": {"color": "#000000", "marker": "o", "linestyle": "-"},
    "DNI": {"color": "#E69F00", "marker": "v", "linestyle": "--"},
    "DNI, hidden layer": {"color": "#D55E00", "marker": "^", "linestyle": "--"},
    "cDNI": {"color": "#0072B2", "marker": "s", "linestyle": "-"},
    "cDNI, p = 0.2": {"color": "#56B4E9", "marker": "D", "linestyle": "-."},
    "cDNI, p = 0.05": {"color": "#CC79A7", "marker": "P", "linestyle": "-."},
}


@in_house_style
def figure_errors(datasets: Datasets) -> Figure:
    """Final test error against depth with 95 % intervals, and along training of the deepest stack."""
    figure, grid = subplots(len(datasets), 2, (PAGE, 2.5 * len(datasets) + 0.6), width_ratios=(1.2, 1), squeeze=False)
    for (left, right), (name, data) in zip(grid, datasets.items(), strict=True):
        _draw_depths(left, data)
        left.set_title("digits" if name == "figure-errors" else "MNIST")
        _draw_curves(right, data)
    figure.legend(*grid[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def _draw_depths(axes: Axes, data: xarray.Dataset) -> None:
    """Means with 95 % intervals; dashes are the other implementation's means."""
    methods = [name for name in STYLES if name in data.variant]
    for place, method in enumerate(methods):
        final = 100 * data.test_error.sel(variant=method).isel(step=-1).transpose("seed", "layers").values
        mean, half = mean_and_half(final)
        x = data.layers.values + 0.09 * (place - (len(methods) - 1) / 2)
        style = {**STYLES[method], "linestyle": "none", "label": method}
        axes.errorbar(x, mean, [np.minimum(half, 0.8 * mean), half], capsize=2, elinewidth=0.8, markersize=4, **style)
        if "expected" in data:
            axes.plot(x, data.expected.sel(variant=method), "_", color=style["color"], markersize=9, markeredgewidth=1.5)
    if "expected" in data:
        axes.plot([], [], "_", color="0.3", markersize=9, markeredgewidth=1.5, label="other implementation")
    axes.set(xticks=data.layers.values, xlabel="layers", ylabel=f"test error after {int(data.step[-1]):,} steps (%)")
    _percent(axes)


def _draw_curves(axes: Axes, data: xarray.Dataset) -> None:
    """Of the deepest stack: mean over seeds with its 95 % interval."""
    deepest = data.isel(layers=-1)
    for method in STYLES:
        if method not in data.variant:
            continue
        values = 100 * deepest.test_error.sel(variant=method).transpose("seed", "step").values
        mean, half = mean_and_half(values)
        step, style = data.step.values, STYLES[method]
        shown = step > 0
        axes.plot(step[shown], mean[shown], **{**style, "markersize": 3})
        low = np.maximum(mean - half, 0.2 * mean)
        axes.fill_between(step[shown], low[shown], (mean + half)[shown], color=style["color"], alpha=0.15, linewidth=0)
    axes.set(xscale="log", xlabel="step", ylabel="test error (%)")
    axes.set_title(f"{int(deepest.layers)} layers")
    _percent(axes)


def _percent(axes: Axes) -> None:
    """A logarithmic axis with plain numbers, as wide as the data."""
    axes.set_yscale("log")
    limits = axes.get_ylim()
    axes.set_yticks(_TICKS, [f"{tick:g}" for tick in _TICKS])
    axes.set_ylim(limits)
    axes.yaxis.set_minor_formatter("")


def mean_and_half(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean over the first axis and half-width of its 95 % interval (Student's t, as seeds are few)."""
    count = len(values)
    half = stdtrit(count - 1, 0.975) * values.std(axis=0, ddof=1) / np.sqrt(count)
    return values.mean(axis=0), half
