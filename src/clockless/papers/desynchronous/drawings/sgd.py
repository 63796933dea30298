"""Draws Figs. 2a and 2b of Wycoff et al. 2022 (doi 10.1063/5.0084631), and where their law bends (2c)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.pictures.curves import mean_and_interval
from clockless.pictures.style import PAGE, in_house_style, ordered_line, subplots

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Datasets = dict[str, "xarray.Dataset"]
STYLES = {  # family: colour, marker, label
    "edges": ("#0072B2", "o", "edges left out, 1 − p"),
    "examples": ("#D55E00", "s", "examples left out, 1 − b"),
    "both": ("#009E73", "^", "both, p = b"),
}
_LEFT_OUT = "fraction left out, 1 − p or 1 − b"


@in_house_style
def figure_2a(datasets: Datasets) -> Figure:
    """Distance against the fraction left out by chance, and errors against effective time."""
    return _law(datasets["figure-2a"])


@in_house_style
def figure_2b(datasets: Datasets) -> Figure:
    """The same with a constant number of edges and of examples per step."""
    return _law(datasets["figure-2b"])


def _law(data: xarray.Dataset) -> Figure:
    figure, (left, middle, right) = subplots(1, 3, (PAGE, 2.7), width_ratios=(1.3, 1, 1))
    _draw_distances(left, data)
    left.legend(loc="center right", bbox_to_anchor=(1.0, 0.43), fontsize=6)
    _draw_errors(middle, data, relative=False)
    _draw_errors(right, data, relative=True)
    right.legend(title="p, b, or p = b", loc="upper left", ncols=2, fontsize=6, title_fontsize=6, handlelength=1)
    return figure


def _draw_distances(axes: Axes, data: xarray.Dataset) -> None:
    """Geometric means over tasks and seeds with 95 % intervals; the linear theory dashed; slope 1/2 in grey."""
    for family in data.family.values:
        colour, marker, label = STYLES[str(family)]
        one = data.sel(family=family)
        logs = np.log(one.distance.isel(time=-1)).mean("seed").transpose("task", "left_out").values
        _draw_points(axes, data.left_out.values, logs, {"color": colour, "marker": marker, "label": label})
        axes.plot(data.left_out, np.exp(np.log(one.predicted).mean("task")), "--", color=colour, linewidth=0.9)
    axes.plot([], [], "--", color="0.3", linewidth=0.9, label="diffusion theory")
    axes.set(xscale="log", yscale="log", xlabel=_LEFT_OUT, ylabel="distance from synchronous (Ω)")
    low, high = axes.get_ylim()
    axes.set_ylim(low, high * (high / low) ** 0.3)
    x = np.array([data.left_out.values.min(), data.left_out.values.max()])
    axes.plot(x, 1.5 * high * np.sqrt(x / x[1]), color="0.55", linewidth=0.8, label="slope 1/2")
    axes.set_xticks([1 / 16, 1 / 8, 1 / 4, 1 / 2], ["1/16", "1/8", "1/4", "1/2"])
    axes.xaxis.set_minor_formatter("")
    axes.yaxis.set_minor_formatter("")


def _draw_points(axes: Axes, x: np.ndarray, logs: np.ndarray, style: dict[str, Any]) -> None:
    """Geometric means over tasks, of `logs` [task, point], with 95 % intervals."""
    mean, half = mean_and_interval(logs)
    middle = np.exp(mean)
    bars = [middle - np.exp(mean - half), np.exp(mean + half) - middle]
    axes.errorbar(x, middle, bars, linestyle="none", capsize=2, elinewidth=0.8, **style)


def _draw_errors(axes: Axes, data: xarray.Dataset, relative: bool) -> None:
    """Mean errors of all families and p against effective time, or their ratios to the synchronous one."""
    count = data.sizes["left_out"]
    unit = data.synchronous_error if relative else 1.0
    for k in range(count):
        colour = ordered_line(k, count)["color"]
        for family in data.family.values:
            curve = data.mean_error.sel(family=family).isel(left_out=k) / unit
            axes.plot(data.time, curve, STYLES[str(family)][1], color=colour, markersize=2.2, markerfacecolor="none")
        axes.plot([], [], color=colour, linewidth=3, label=f"{1 - float(data.left_out[k]):.3g}")
    axes.plot(data.time, data.synchronous_error / unit, "k-", linewidth=0.8, label="synchronous")
    axes.set(xscale="log", xlabel="effective time: steps × p × b")
    if relative:
        axes.set_ylabel("test error / synchronous")
        low, high = axes.get_ylim()
        axes.set_ylim(low, high + 0.6 * (high - low))
    else:
        axes.set(yscale="log", ylabel="test error / initial")


@in_house_style
def figure_2c(datasets: Datasets) -> Figure:
    """Exponents and sizes against the rate; distances for targets that cannot be met, against 1 - p and against time."""
    rates, noisy = datasets["figure-2c_rates"], datasets["figure-2c_unrealisable"]
    figure, ((left, below), (middle, right)) = subplots(2, 2, (PAGE, 4.6))
    _draw_parts(below, datasets["figure-2c_parts"])
    for family in rates.family.values:
        colour, marker, _ = STYLES[str(family)]
        one = rates.sel(family=family)
        left.errorbar(rates.rate, one.exponent, one.exponent_half, color=colour, marker=marker, capsize=2, elinewidth=0.8)
    left.axhline(0.5, color="0.55", linewidth=0.8)
    left.set(xscale="log", xlabel="rate (Ω³/V²)", ylabel="exponent in 1 − p, 1 − b", title="realisable targets")
    _draw_distances(middle, noisy)
    middle.set_title("unrealisable targets")
    figure.legend(*middle.get_legend_handles_labels(), loc="outside lower center", ncols=5)
    half = int(np.argmin(np.abs(noisy.left_out.values - 0.5)))
    for family in noisy.family.values:
        colour, marker, label = STYLES[str(family)]
        logs = np.log(noisy.distance.sel(family=family).isel(left_out=half)).mean("seed").transpose("task", "time").values
        _draw_points(right, noisy.time.values[::2], logs[:, ::2], {"color": colour, "marker": marker, "label": label})
    right.set(xscale="log", yscale="log", xlabel="effective time: steps × p × b", ylabel="distance (Ω)")
    right.set_title(f"unrealisable, p, b = {1 - float(noisy.left_out[half]):.3g}")
    return figure


def _draw_parts(axes: Axes, parts: xarray.Dataset) -> None:
    """Median scatter and drift of deviations with examples left out, against the rate, with their slopes of theory."""
    colour, marker, _ = STYLES["examples"]
    x = parts.rate.values
    for part, dashes, slope, face in (("scatter", "-", 0.5, colour), ("drift", ":", 1.0, "none")):
        middle = np.median(parts[part].transpose("rate", "task").values, axis=1)
        size = np.sqrt(np.where(middle > 0, middle, np.nan))
        label = "scatter between seeds" if part == "scatter" else "drift common to all"
        axes.plot(x, size, color=colour, marker=marker, linestyle=dashes, markerfacecolor=face, label=label)
        axes.plot(x, size[-1] * (x / x[-1]) ** slope, color="0.6", linewidth=0.7, zorder=0)
    axes.plot([], [], color="0.6", linewidth=0.7, label="slopes 1/2 and 1")
    axes.set(xscale="log", yscale="log", xlabel="rate (Ω³/V²)", ylabel="deviation, median (Ω)")
    axes.set_title("realisable targets, b = 0.5")
    axes.legend(fontsize=6)
