"""Draws the figure of speed end to end on MNIST."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clockless.papers.decoupled.drawings.errors import mean_and_half
from clockless.pictures.style import PAGE, in_house_style, ordered_line, subplots

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKERS = "os^Dv"


@in_house_style
def figure_mnist_speed(datasets: dict[str, xarray.Dataset]) -> Figure:
    """Gains over backprop against depth, quantity by quantity, and the error after equal updates; means over seeds."""
    data = datasets["figure-mnist-speed"]
    ways = data.way.values.tolist()
    quantities = [name for name in data.quantity.values if name != "critical path"]
    figure, panels = subplots(1, 4, (PAGE, 2.7))
    for axes, quantity in zip(panels, quantities, strict=False):
        for k, way in enumerate(ways):
            shown = "critical path" if "worker" in way and "error" not in quantity else quantity
            _draw(axes, data, data.gain.sel(quantity=shown, way=way), k, way)
        axes.axhline(3.0, color="0.3", linewidth=0.8, linestyle=(0, (1, 1)))
        axes.set(title=quantity, ylabel="gain over backprop", yscale="log")
        axes.set_yticks(_GAINS, [f"{tick:g}" for tick in _GAINS])
        axes.yaxis.set_minor_formatter("")
        axes.set_ylim(*_limits(data))
    for k, way in enumerate(ways):
        _draw(panels[3], data, 100 * data.test_error.sel(way=way), k, way)
    panels[3].set(title=f"after {data.updates} updates", ylabel="test error (%)")
    panels[3].set_ylim(bottom=0.0)
    for axes in panels:
        axes.set(xlabel="layers", xticks=data.layers.values)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=5)
    return figure


_GAINS = (0.05, 0.1, 0.2, 0.5, 1, 2, 3, 5, 10)


def _draw(axes: Axes, data: xarray.Dataset, shown: xarray.DataArray, index: int, way: str) -> None:
    """Mean over seeds with its 95 % interval; nothing where a seed has no number."""
    values = shown.transpose("seed", "layers").values
    if not np.isfinite(values).all(axis=0).any():
        return
    mean, half = mean_and_half(values) if len(values) > 1 else (values[0], np.zeros(values.shape[1]))
    half = np.minimum(half, 0.9 * mean)
    style = {**ordered_line(index, data.sizes["way"]), "marker": _MARKERS[index], "markersize": 4, "label": way}
    axes.errorbar(data.layers.values, mean, half, capsize=2, **style)


def _limits(data: xarray.Dataset) -> tuple[float, float]:
    """Of the axes of gains: all means, and the 3 that they are compared with."""
    means = data.gain.mean("seed", skipna=False)
    return 0.7 * min(float(means.min()), 1.0), 1.4 * max(float(means.max()), 3.0)
