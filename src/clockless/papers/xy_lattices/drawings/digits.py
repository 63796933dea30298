"""Draws Fig. a: digits with layers and with all-to-all networks of as many parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clockless.papers.trends import mean_interval
from clockless.pictures.curves import draw_curve
from clockless.pictures.style import PAGE, in_house_style, ordered_line, subplots

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Datasets = dict[str, "xarray.Dataset"]
FAMILIES = {"layers": "64-N-10", "all-to-all": "all-to-all"}
CHOSEN = {  # variable: colour, marker, label
    "best": ("#0072B2", "o", "best checkpoint"),
    "by_train_cost": ("#009E73", "^", "lowest training cost"),
    "last": ("#D55E00", "s", "last step"),
}


@in_house_style
def figure_a(datasets: Datasets) -> Figure:
    """Accuracy against the number of couplings that act (left pair), and during training (right pair)."""
    data = datasets["figure-a"]
    figure, grid = subplots(1, 4, (PAGE, 2.4), sharey=True, width_ratios=(1, 1, 1.1, 1.1))
    for axes, (family, label) in zip(grid[:2], FAMILIES.items(), strict=True):
        _against_couplings(axes, data.sel(family=family))
        axes.set(title=label, xlabel="couplings that act")
    for axes, (family, label) in zip(grid[2:], FAMILIES.items(), strict=True):
        _during_training(axes, data.sel(family=family))
        axes.set(title=label, xlabel="step")
    grid[0].set_ylabel("test accuracy (%)")
    low = min(float(data[name].min()) for name in CHOSEN)
    grid[0].set_ylim(min(np.floor(low) - 1.0, 82.0), 97.0)
    grid[0].legend(loc="lower left", fontsize=6)
    grid[2].legend(title="couplings", loc="lower right", fontsize=6, title_fontsize=6)
    grid[3].legend(title="couplings", loc="lower right", fontsize=6, title_fontsize=6)
    return figure


def _against_couplings(axes: Axes, data: xarray.Dataset) -> None:
    """Means over seeds with 95 % intervals; stars: arXiv 2402.08579."""
    for k, (name, (colour, marker, label)) in enumerate(CHOSEN.items()):
        mean, half = mean_interval(data[name].transpose("size", "seed").values)
        x = data.couplings.values * 1.07 ** (k - 1)  # beside each other
        axes.errorbar(x, mean, half, color=colour, marker=marker, linewidth=0.7, capsize=2, elinewidth=0.8, label=label)
    axes.plot(data.couplings, data.paper, "*", color="k", markersize=6, label="published, best")
    axes.set_xscale("log")
    axes.set_xlim(1_100, 30_000)
    axes.set_xticks([2_000, 5_000, 10_000, 20_000], ["2k", "5k", "10k", "20k"])
    axes.xaxis.set_minor_formatter("")


def _during_training(axes: Axes, data: xarray.Dataset) -> None:
    count = data.sizes["size"]
    for k in range(count):
        values = data.accuracy.isel(size=k).transpose("seed", "step").values
        draw_curve(axes, data.step.values, values, {**ordered_line(k, count), "label": f"{int(data.couplings[k]):,}"})
