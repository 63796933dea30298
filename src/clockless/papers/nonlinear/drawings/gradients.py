"""Draws the cosine of coupled learning and the gradient against the gates' overdrive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clockless.pictures.style import COLUMN, in_house_style, subplots

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure

Datasets = dict[str, "xarray.Dataset"]
_STYLES = {("level 1", 1.0): ("#0072B2", "-"), ("level 1", 4.0): ("#0072B2", "--"),
           ("ohmic", 1.0): ("#D55E00", "-"), ("ohmic", 4.0): ("#D55E00", "--")}  # fmt: skip


@in_house_style
def figure_cosine(datasets: Datasets) -> Figure:
    """Medians over boards with the range of 90 % of them."""
    cosine = datasets["figure-cosine"].cosine
    figure, axes = subplots(1, 1, (COLUMN, 0.8 * COLUMN))
    for (law, scale), (colour, dashes) in _STYLES.items():
        one = cosine.sel(law=law, scale=scale)
        low, middle, high = (one.quantile(q, "board") for q in (0.05, 0.5, 0.95))
        label = law + ("" if scale == 1 else f", voltages × {scale:g}")
        axes.plot(one.overdrive, middle, dashes, color=colour, label=label, marker="o", markersize=2.5)
        axes.fill_between(one.overdrive, low, high, color=colour, alpha=0.15 if scale == 1 else 0.08, linewidth=0)
    axes.axhline(1.0, color="black", linewidth=0.8)
    axes.set(xlabel="mean overdrive of the gates, $V_G$ − 0.75 V (V)", ylabel="cosine with the exact gradient", xscale="log")
    axes.set_xticks([0.3, 0.5, 1, 2, 3])
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("")
    axes.legend(loc="lower right")
    return figure
