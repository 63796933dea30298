"""Draws Fig. mnist: handwritten digits of 28 x 28 pixels with a dense and a local hidden layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clockless.pictures.curves import draw_curve
from clockless.pictures.style import COLUMN, in_house_style, subplots

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure

Datasets = dict[str, "xarray.Dataset"]
_LINES = (("#0072B2", "-"), ("#D55E00", "--"))


@in_house_style
def figure_mnist(datasets: Datasets) -> Figure:
    """Test accuracy against epochs: means over seeds with 95 % intervals."""
    data = datasets["figure-mnist"]
    figure, axes = subplots(1, 1, (COLUMN, 0.75 * COLUMN))
    for k, (colour, dashes) in enumerate(_LINES):
        one = data.isel(network=k)
        label = f"{str(one.network.values).replace(' x ', ' × ')}, {int(one.couplings):,} couplings"
        style = {"color": colour, "linestyle": dashes, "label": label}
        draw_curve(axes, data.epoch.values, one.accuracy.transpose("seed", "step").values, style)
    axes.set(xlabel="epoch", ylabel="test accuracy (%)")
    axes.legend(loc="lower right")
    return figure
