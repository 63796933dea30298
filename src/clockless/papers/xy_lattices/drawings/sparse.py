"""Draws Fig. d on XY lattices (arXiv 2601.21945): accuracy against the number of couplings, sparse and dense."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.pictures.style import PAGE, in_house_style

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Datasets = dict[str, "xarray.Dataset"]
_LOOKS = {  # colour, marker, what the label says
    "dense": ("0.2", "s", "dense"), "window": ("C0", "o", "window w × w, 4 channels"),
    "channels": ("C1", "^", "3 × 3, c channels"),
    "shared": ("C2", "D", "shared windows"), "intra": ("C3", "v", "with bonds within a layer"),
    "two layers": ("C4", "P", "two layers, 3 × 3 × 2"),
}  # fmt: skip


@in_house_style
def figure_d(datasets: Datasets) -> Figure:
    """Accuracy with and without the readout's couplings (left), and paired differences to dense networks (right)."""
    import matplotlib.pyplot as plt

    data = datasets["figure-d"]
    figure = plt.figure(figsize=(PAGE, 5.2))
    halves: Any = figure.subfigures(1, 2, width_ratios=(1, 1.15))
    left, right = halves
    panels = left.subplots(2, 1, sharey=True)
    for axes, count in zip(panels, ("couplings", "without_readout"), strict=True):
        _draw_families(axes, data, count)
    panels[0].set_xlabel("couplings")
    panels[1].set_xlabel("couplings, the readout's left out")
    panels[0].legend(loc="upper right")
    _draw_differences(right.subplots(1, 1), data)
    return figure


def _draw_families(axes: Axes, data: xarray.Dataset, count: str) -> None:
    for family, (colour, marker, label) in _LOOKS.items():
        one = data.isel(network=data.family.values == family).sortby(count)
        if not one.sizes["network"]:
            continue
        axes.errorbar(
            one[count].values, 100 - 100 * one.mean_accuracy.values, 100 * one.half_accuracy.values, color=colour,
            marker=marker, linestyle="-" if family == "dense" else "none", linewidth=0.8, capsize=2, label=label,
        )  # fmt: skip
    axes.set(xscale="log", yscale="log", ylabel="test digits missed (%)")
    for axis, ticks in ((axes.yaxis, (3, 5, 10, 20, 50)), (axes.xaxis, (30, 100, 300, 1_000, 3_000, 10_000))):
        low, high = axis.get_view_interval()
        kept = [tick for tick in ticks if low <= tick <= high]
        axis.set_ticks(kept, [f"{tick:,}" for tick in kept])
    axes.minorticks_off()


def _draw_differences(axes: Axes, data: xarray.Dataset) -> None:
    """A line per network: its accuracy less that of dense 64-100-10, and less that of a dense one of as many couplings."""
    rows = [k for family in _LOOKS for k in np.flatnonzero(data.family.values == family)]
    rows = sorted(rows, key=lambda k: (list(_LOOKS).index(str(data.family.values[k])), -int(data.couplings.values[k])))
    y = np.arange(len(rows), dtype=float)
    some = data.isel(network=rows)
    colours = [_LOOKS[str(family)][0] for family in some.family.values]
    for name, shift, fill, label in (
        ("to_dense", -0.16, "full", "− dense 64-100-10"),
        ("at_equal_couplings", 0.16, "none", "− dense of as\nmany couplings"),
    ):
        mean, half = 100 * some[f"mean_{name}"].values, 100 * some[f"half_{name}"].values
        for k, colour in enumerate(colours):
            axes.errorbar(mean[k], y[k] + shift, xerr=half[k], color=colour, marker="o", fillstyle=fill, capsize=1.5)
        axes.plot([], [], color="0.3", marker="o", fillstyle=fill, linestyle="none", label=label)
    axes.axvline(0, color="0.6", linewidth=0.6, zorder=0)
    axes.axvline(-100 * data.attrs["margin"], color="0.6", linewidth=0.6, linestyle="--", zorder=0)
    labels = [f"{name} ({int(count):,})" for name, count in zip(some.network.values, some.couplings.values, strict=True)]
    axes.set_yticks(y, labels)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xscale("symlog", linthresh=5, linscale=1.3)
    axes.set_xticks([-50, -5, -2, 0, 2, 5, 20], ["−50", "−5", "−2", "0", "2", "5", "20"])
    axes.minorticks_off()
    axes.set_xlabel("difference of accuracy (points)")
    axes.legend(loc="center right", bbox_to_anchor=(1.0, 0.84))
