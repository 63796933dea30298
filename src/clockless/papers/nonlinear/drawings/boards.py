"""Draws figures truth, levels, levels-product, biases, twins, sizes and digits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.papers.trends import mean_interval, share_interval
from clockless.pictures.style import COLUMN, PAGE, in_house_style, ordered_line, subplots

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Datasets = dict[str, "xarray.Dataset"]
_MARKERS = {"continuous": "o", "sign": "s"}


@in_house_style
def figure_truth(datasets: Datasets) -> Figure:
    """Boards that solve a task, and decades of error above p = 1, against p: equal step x p filled, equal steps open."""
    figure, panels = subplots(
        2, len(datasets), (PAGE if len(datasets) > 1 else COLUMN, 1.1 * COLUMN), sharex=True, sharey="row", squeeze=False
    )
    for (above, below), (name, data) in zip(panels.T, datasets.items(), strict=True):
        for k, rule in enumerate(data.rule.values):
            for at, filled in (("equal step x p", True), ("equal steps", False)):
                color, label = ordered_line(2 * k, 4)["color"], f"{rule} rule, {at.replace('x', '×')}"
                line = {
                    "capsize": 2, "color": color, "marker": _MARKERS[str(rule)], "label": label,
                    "markerfacecolor": color if filled else "white", "linestyle": "-" if filled else ":",
                }  # fmt: skip
                places, one = data.p.values * (1.0 + 0.04 * (k - 0.5)), data.sel(rule=rule, at=at)
                _share(above, places, one, line)
                _above_one(below, places, one, line)
        above.set_title(name.partition("_")[2].replace("-", " "), loc="left")
        below.axhline(0.0, color="black", linewidth=0.6)
        below.set(xscale="log", xlabel="p")
        below.set_xticks(data.p.values, [f"{p:g}".removeprefix("0") for p in data.p.values])
        below.minorticks_off()
    panels[0, 0].set(ylabel="share that solves it")
    panels[1, 0].set(ylabel="log10 (error / at p = 1)")
    figure.legend(
        *panels[0, 0].get_legend_handles_labels(), fontsize=6, ncols=min(4, 2 * len(datasets)), loc="outside upper center"
    )
    return figure


def _share(axes: Axes, places: np.ndarray, data: xarray.Dataset, line: dict[str, Any]) -> None:
    """Share of boards that solve a task against p, with 95 % intervals."""
    solved = data.solved
    share, (low, high) = solved.mean("seed").values, share_interval(solved.sum("seed").values, solved.sizes["seed"])
    axes.errorbar(places, share, [share - low, high - share], **line)
    axes.set(ylim=(-0.03, 1.03))


def _above_one(axes: Axes, places: np.ndarray, data: xarray.Dataset, line: dict[str, Any]) -> None:
    """Mean log10 ratio of errors to those of the same boards at p = 1, with 95 % intervals."""
    logs = np.log10(np.maximum(data.error.transpose("p", "seed").values, 1e-12))
    ratio = logs - logs[data.p.values == 1.0]
    found = [mean_interval(each[np.isfinite(each)]) for each in ratio]
    axes.errorbar(places, [middle for middle, _ in found], [half for _, half in found], **line)


def _against_p(axes: Axes, data: xarray.Dataset, positions: np.ndarray, style: dict[str, Any], label: str) -> None:
    """Shares at p = 0.2 (filled) and p = 1 (open) of one line, [position]."""
    for p, filled in ((0.2, True), (1.0, False)):
        solved = data.solved.sel(at="equal step x p", p=p)
        share = solved.mean("seed").values
        low, high = share_interval(solved.sum("seed").values, solved.sizes["seed"])
        axes.errorbar(
            positions * (1.03 if filled else 0.97), share, [share - low, high - share], capsize=2,
            markerfacecolor=style["color"] if filled else "white", linestyle="-" if filled else ":",
            label=f"{label}p = {p:g}", **style,
        )  # fmt: skip
    axes.set(ylim=(-0.03, 1.03), ylabel="boards that solve it")


@in_house_style
def figure_levels(datasets: Datasets) -> Figure:
    """Share of boards that solve exclusive or against the number of levels, with and without a clock."""
    data = datasets["figure-levels"]
    figure, axes = subplots(1, 1, (COLUMN, 0.7 * COLUMN))
    counts = [str(board).partition(", ")[2].removesuffix(" levels") for board in data.board.values]
    most = max(int(count) for count in counts if count != "no")
    at = np.array([4.0 * most if count == "no" else float(count) for count in counts])
    kinds = list(dict.fromkeys(str(board).partition(",")[0] for board in data.board.values))
    for k, kind in enumerate(kinds):
        mine = [j for j, board in enumerate(data.board.values) if str(board).startswith(kind)]
        style = {"color": ordered_line(2 * k, 4)["color"], "marker": "os"[k]}
        _against_p(axes, data.isel(board=mine), at[mine], style, f"{kind}, ")
    axes.set(xscale="log", xlabel="levels (no: continuous rule)")
    order = sorted(set(zip(at, counts, strict=True)))
    axes.set_xticks([place for place, _ in order], [count for _, count in order])
    axes.minorticks_off()
    axes.legend(fontsize=6, loc="best")
    return figure


@in_house_style
def figure_levels_product(datasets: Datasets) -> Figure:
    """Error at p = 0.2 over that at p = 1 on the same boards against the number of levels, by what boards are made of."""
    data = datasets["figure-levels-product"]
    figure, axes = subplots(1, 1, (COLUMN, 0.75 * COLUMN))
    names = [str(board).partition(", ") for board in data.board.values]
    kinds = list(dict.fromkeys(kind for kind, _, _ in names))
    for k, kind in enumerate(kinds):
        mine = [j for j, name in enumerate(names) if name[0] == kind]
        levels = np.array([float(names[j][2].removesuffix(" levels")) for j in mine])
        color = ordered_line(2 * k, 4)["color"]
        for at, filled in (("equal step x p", True), ("equal steps", False)):
            error = np.maximum(data.error.sel(at=at).isel(board=mine), 1e-12)
            logs = np.log10(error.sel(p=0.2) / error.sel(p=1.0)).transpose("board", "seed").values
            found = [mean_interval(each[np.isfinite(each)]) for each in logs]
            axes.errorbar(
                levels * (1.0 + 0.06 * (k - 0.5)), [middle for middle, _ in found], [half for _, half in found], capsize=2,
                color=color, marker="os"[k], markerfacecolor=color if filled else "white",
                linestyle="-" if filled else ":", label=f"{kind}, {at.replace('x', '×')}",
            )  # fmt: skip
        axes.set_xscale("log")
        axes.set_xticks(levels, [f"{number:g}" for number in levels])
    axes.minorticks_off()
    axes.axhline(0.0, color="black", linewidth=0.6)
    axes.set(xlabel="levels", ylabel="log10 of error\nat p = 0.2 / at p = 1")
    figure.legend(*axes.get_legend_handles_labels(), fontsize=6, ncols=2, loc="outside upper center")
    return figure


@in_house_style
def figure_digits(datasets: Datasets) -> Figure:
    """Share of wrong digits, and decades of error above p = 1, against p: equal step x p filled, equal steps open."""
    data = datasets["figure-digits"]
    figure, (left, right) = subplots(1, 2, (PAGE, 0.75 * COLUMN))
    for k, rule in enumerate(data.rule.values):
        for at, filled in (("equal step x p", True), ("equal steps", False)):
            color = ordered_line(2 * k, 4)["color"]
            line = {
                "capsize": 2, "color": color, "marker": _MARKERS[str(rule)], "markerfacecolor": color if filled else "white",
                "linestyle": "-" if filled else ":", "label": f"{rule} rule, {at.replace('x', '×')}",
            }  # fmt: skip
            places, one = data.p.values * (1.0 + 0.04 * (k - 0.5)), data.sel(rule=rule, at=at)
            middle, half = mean_interval(100.0 * (1.0 - one.accuracy.transpose("p", "seed").values))
            left.errorbar(places, middle, half, **line)
            _above_one(right, places, one, line)
    right.axhline(0.0, color="black", linewidth=0.6)
    left.set(ylabel="wrong digits (%)", ylim=(0.0, None))
    right.set(ylabel="log10 (error / at p = 1)")
    for axes in (left, right):
        axes.set(xscale="log", xlabel="p")
        axes.set_xticks(data.p.values, [f"{p:g}".removeprefix("0") for p in data.p.values])
        axes.minorticks_off()
    left.legend(fontsize=6, loc="best")
    return figure


@in_house_style
def figure_biases(datasets: Datasets) -> Figure:
    """Share of boards that solve exclusive or by the bias of their comparators, with and without a clock."""
    return _side_by_side(datasets["figure-biases"], "bias", "bias of the comparators")


@in_house_style
def figure_twins(datasets: Datasets) -> Figure:
    """Share of boards that solve exclusive or by what is imperfect about them, with and without a clock."""
    return _side_by_side(datasets["figure-twins"], "board", "twins apart, and thermal fluctuations at 300 K")


def _side_by_side(data: xarray.Dataset, dim: str, what: str) -> Figure:
    """Shares at p = 0.2 (filled) and p = 1 (open) beside one another, for conditions that stand in no order."""
    figure, axes = subplots(1, 1, (COLUMN, 0.7 * COLUMN))
    places = np.arange(data.sizes[dim])
    for p, filled in ((0.2, True), (1.0, False)):
        solved = data.solved.sel(at="equal step x p", p=p)
        share = solved.mean("seed").values
        low, high = share_interval(solved.sum("seed").values, solved.sizes["seed"])
        axes.errorbar(
            places + (0.1 if filled else -0.1), share, [share - low, high - share], fmt="o", capsize=2, color="#0072B2",
            markerfacecolor="#0072B2" if filled else "white", label=f"p = {p:g}",
        )  # fmt: skip
    names = [str(name).removesuffix(" apart") for name in data[dim].values]
    axes.set_xticks(places, [name.replace(", ", "\n").replace("twins ", "twins\n").replace(": ", ":\n") for name in names])
    axes.set(xlabel=what, ylim=(-0.03, 1.03), ylabel="boards that solve it")
    axes.legend(fontsize=6, loc="best")
    return figure


@in_house_style
def figure_sizes(datasets: Datasets) -> Figure:
    """Error at p = 0.2 over that at p = 1 on the same boards, at equal step x p and at equal steps, by task and size."""
    figure, axes = subplots(1, 1, (PAGE, 0.25 * COLUMN + 0.08 * COLUMN * len(datasets)))
    for k, data in enumerate(datasets.values()):
        for at, filled in (("equal step x p", True), ("equal steps", False)):
            error = data.error.sel(at=at)
            ratio = np.log10(np.maximum(error.sel(p=0.2), 1e-12) / np.maximum(error.sel(p=1.0), 1e-12)).values
            middle, half = mean_interval(ratio[np.isfinite(ratio)])
            axes.errorbar(
                [middle], [k + (0.1 if filled else -0.1)], xerr=[half], fmt="o", capsize=2, color="#0072B2",
                markerfacecolor="#0072B2" if filled else "white", label=at.replace("x", "×") if k == 0 else None,
            )  # fmt: skip
    axes.axvline(0.0, color="black", linewidth=0.8)
    axes.set_yticks(range(len(datasets)), [data.attrs["name"] for data in datasets.values()])
    axes.set(xlabel="log10 of error at p = 0.2 / at p = 1")
    axes.legend(fontsize=6, loc="best")
    return figure
