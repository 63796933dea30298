"""Draws figures truth and levels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clockless.papers.trends import share_interval
from clockless.pictures.style import COLUMN, PAGE, in_house_style, ordered_line, subplots

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Datasets = dict[str, "xarray.Dataset"]
_MARKERS = {"continuous": "o", "sign": "s"}


@in_house_style
def figure_truth(datasets: Datasets) -> Figure:
    """Share of boards that solve a task against p, at equal step x p (filled) and equal steps (open); a panel per task."""
    rows = -(-len(datasets) // 2)
    figure, panels = subplots(
        rows, min(2, len(datasets)), (PAGE if len(datasets) > 1 else COLUMN, 0.6 * COLUMN * rows + 0.3), sharex=True,
        sharey=True, squeeze=False,
    )  # fmt: skip
    for axes, (name, data) in zip(panels.flat, datasets.items(), strict=False):
        _shares(axes, data)
        axes.set_title(name.partition("_")[2].replace("-", " "), loc="left")
    for axes in panels[-1]:
        axes.set_xlabel("p")
    for axes in panels[:, 0]:
        axes.set_ylabel("boards that solve it")
    panels.flat[0].legend(fontsize=6)
    return figure


def _shares(axes: Axes, data: xarray.Dataset) -> None:
    for k, rule in enumerate(data.rule.values):
        for at, filled in (("equal step x p", True), ("equal steps", False)):
            solved = data.solved.sel(rule=rule, at=at)
            trials, style = solved.sizes["seed"], ordered_line(2 * k, 4)
            share, (low, high) = solved.mean("seed").values, share_interval(solved.sum("seed").values, trials)
            axes.errorbar(
                data.p.values * (1.0 + 0.02 * (k - 0.5)), share, [share - low, high - share], capsize=2,
                color=style["color"], marker=_MARKERS[str(rule)], markerfacecolor=style["color"] if filled else "white",
                linestyle="-" if filled else ":", label=f"{rule} rule, {at.replace('x', '×')}",
            )  # fmt: skip
    axes.set(xscale="log", ylim=(-0.03, 1.03))
    axes.set_xticks(data.p.values, [f"{p:g}" for p in data.p.values])
    axes.minorticks_off()


@in_house_style
def figure_levels(datasets: Datasets) -> Figure:
    """Share of boards that solve exclusive or by the sign rule against the number of levels, with and without a clock."""
    data = datasets["figure-levels"]
    figure, axes = subplots(1, 1, (COLUMN, 0.7 * COLUMN))
    kinds = list(dict.fromkeys(str(board).partition(",")[0] for board in data.board.values))
    for k, kind in enumerate(kinds):
        mine = data.isel(board=[j for j, board in enumerate(data.board.values) if str(board).startswith(kind)])
        levels = [int(str(board).partition(", ")[2]) for board in mine.board.values]
        for p, filled in ((0.2, True), (1.0, False)):
            solved = mine.solved.sel(at="equal step x p", p=p)
            share = solved.mean("seed").values
            low, high = share_interval(solved.sum("seed").values, solved.sizes["seed"])
            style = ordered_line(2 * k, 4)
            axes.errorbar(
                levels, share, [share - low, high - share], capsize=2, color=style["color"], marker="os"[k],
                markerfacecolor=style["color"] if filled else "white", linestyle="-" if filled else ":",
                label=f"{kind}, p = {p:g}",
            )  # fmt: skip
    axes.set(xscale="log", ylim=(-0.03, 1.03), xlabel="levels", ylabel="boards that solve exclusive or")
    axes.legend(fontsize=6)
    return figure
