"""Draws the errors of boards that learn XOR, and the share of those that solve it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clockless.papers.trends import share_interval
from clockless.pictures.style import PAGE, in_house_style, subplots

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure

Datasets = dict[str, "xarray.Dataset"]


@in_house_style
def figure_xor(datasets: Datasets) -> Figure:
    """Every board a line; the share that is solved with its interval."""
    data = datasets["figure-xor"]
    figure, (left, right) = subplots(1, 2, (PAGE, 0.4 * PAGE))
    later = data.isel(epoch=slice(1, None))
    for seed in range(data.sizes["seed"]):
        won = bool(later.solved.isel(seed=seed, epoch=-1))
        left.plot(later.epoch, later.squares.isel(seed=seed), color="#0072B2" if won else "0.7", linewidth=0.7,
                  zorder=2 if won else 1)  # fmt: skip
    for seed in range(data.sizes["seed"]):
        left.plot(later.epoch, later.linear.isel(seed=seed), color="#D55E00", linewidth=0.4, alpha=0.3, zorder=0)
    left.plot([], [], color="#0072B2", label="transistors, solved at the end")
    left.plot([], [], color="0.7", label="transistors")
    left.plot([], [], color="#D55E00", label="linear resistors")
    left.axhline(data.attrs["plane"], color="black", linestyle=":", linewidth=1, label="best plane")
    left.set(xlabel="epoch", ylabel="mean squared error (V²)", xscale="log", yscale="log")
    left.legend(loc="lower left", fontsize=6)
    count = data.sizes["seed"]
    solved = later.solved.sum("seed").values
    low, high = np.array([*share_interval(solved, count)])
    right.plot(later.epoch, solved / count, color="#0072B2", label=f"{count} boards")
    right.fill_between(later.epoch, low, high, color="#0072B2", alpha=0.2, linewidth=0)
    ends = share_interval(np.array(data.published), int(data.of))
    share = int(data.published) / int(data.of)
    right.errorbar([float(data.epoch[-1])], [share], [[share - ends[0]], [ends[1] - share]], color="black", marker="*",
                   capsize=3, label=f"PyCLLN, {data.of} seeds")  # fmt: skip
    right.set(xlabel="epoch", ylabel="share of boards solved", xscale="log", ylim=(0, 1))
    right.legend(loc="upper left")
    return figure
