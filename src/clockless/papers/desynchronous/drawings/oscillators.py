"""Draws Figs. 3a to 3d of Wycoff et al. 2022 (doi 10.1063/5.0084631)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.pictures.curves import mean_and_interval
from clockless.pictures.style import COLUMN, PAGE, in_house_style, ordered_line, subplots

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Datasets = dict[str, "xarray.Dataset"]
_GREY = "0.55"


@in_house_style
def figure_3a(datasets: Datasets) -> Figure:
    """Measured fraction of acting edges and the closed form; below, their difference."""
    data = datasets["figure-3a"]
    figure, (axes, below) = subplots(2, 1, (COLUMN, 1.0 * COLUMN), sharex=True, height_ratios=(2.5, 1))
    mean, half = mean_and_interval(data.fraction.values.T)
    axes.plot(data.bias, data.formula, color="black", label="(1 + log₂((1 − bias) / bias)) / 2")
    axes.plot(
        data.bias, mean, "o", markerfacecolor="none", label=f"{data.sizes['edge']} edges, {data.attrs['steps']:,} ticks"
    )
    axes.set(ylabel="p, mean fraction of acting edges", ylim=(0, 1.02))
    axes.legend(loc="lower left")
    below.axhline(0, color="black")
    below.errorbar(data.bias, 1e3 * (mean - data.formula), 1e3 * half, fmt="o", markerfacecolor="none", capsize=2)
    below.set(xlabel="bias / supply voltage", ylabel="difference (10$^{-3}$)")
    return figure


@in_house_style
def figure_3b(datasets: Datasets) -> Figure:
    """A row per edge: its capacitor voltage, the bias, the triggers; a filled dot where the edge acts."""
    data = datasets["figure-3b"]
    count = data.sizes["edge"]
    figure, rows = subplots(count, 1, (PAGE, 0.62 * count + 0.7), sharex=True, sharey=True)
    for k, axes in enumerate(rows):
        for step in data.step.values:
            axes.axvline(step, color="0.88", linewidth=0.6, zorder=0)
        axes.axhline(data.attrs["bias"], color="#D55E00", linestyle="--", linewidth=0.9, label="bias")
        axes.plot(data.time, data.voltage[k], color="#0072B2", linewidth=0.9, label="capacitor voltage")
        acts, at = data.acts.values[k], data.at_trigger.values[k]
        axes.plot(data.step[acts], at[acts], "ko", markersize=4, label="trigger: acts")
        axes.plot(data.step[~acts], at[~acts], "ko", markersize=4, markerfacecolor="white", label="trigger: does not")
        axes.set_ylabel(f"edge {int(data.edge[k]) + 1}")
        axes.set_yticks([1 / 3, 2 / 3], ["⅓", "⅔"])
    rows[0].legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4)
    rows[-1].set(xlabel="time since the reset (ticks of the trigger)", xlim=(-0.2, float(data.step[-1]) + 0.2))
    figure.supylabel("voltage / supply voltage", fontsize=8)
    return figure


@in_house_style
def figure_3c(datasets: Datasets) -> Figure:
    """Left: fraction of pairs beyond a correlation. Right: root mean square against the ticks averaged; lines: theory."""
    data, tail = datasets["figure-3c"], datasets["figure-3c_tail"]
    figure, (left, right) = subplots(1, 2, (PAGE, 2.5))
    count = data.sizes["clock"]
    for k in range(count):
        style = _style(k, count)
        fraction = tail.fraction.values[k]
        left.plot(tail.correlation, np.where(fraction > 0, fraction, np.nan), **style, label=str(data.clock.values[k]))
        squares, half = mean_and_interval(data.rms.values[k] ** 2)
        rms = np.sqrt(squares)
        right.plot(data.ticks, data.expected[k], color=style["color"], linestyle=style["linestyle"], linewidth=0.9)
        right.errorbar(
            data.ticks, rms, half / (2 * rms), fmt=" osD^"[1 + k], color=style["color"], markerfacecolor="white", capsize=2,
            label=str(data.clock.values[k]),
        )  # fmt: skip
    left.axvline(data.attrs["paper"], color="#D55E00", linewidth=0.8)
    left.set(xscale="log", yscale="log", xlabel=f"c, pair correlation over {tail.attrs['ticks']:,} ticks")
    left.set_ylabel("fraction of pairs beyond ±c")
    left.legend(loc="lower left", fontsize=6)
    right.axhline(data.attrs["paper"], color="#D55E00", linewidth=0.8, label="paper: about 0.01")
    right.set(xscale="log", yscale="log", xlabel="ticks averaged", ylabel="rms pair correlation")
    right.legend(loc="upper right", fontsize=6)
    return figure


@in_house_style
def figure_3d(datasets: Datasets) -> Figure:
    """Left: coherence after a reset. Middle: error relative to coins. Right: distance from the synchronous solution."""
    coherence, learning = datasets["figure-3d_coherence"], datasets["figure-3d_learning"]
    figure, (left, middle, right) = subplots(1, 3, (PAGE, 2.6), width_ratios=(1, 1, 0.8))
    _draw_coherence(left, coherence)
    count = learning.sizes["clock"]
    for k in range(1, count):
        mean, half = mean_and_interval(learning.log_ratio.values[k])
        style = _style(k, count)
        middle.plot(learning.step, np.exp(mean), **style, label=str(learning.clock.values[k]))
        low, high = np.exp(mean - half), np.exp(mean + half)
        middle.fill_between(learning.step, low, high, color=style["color"], alpha=0.2, linewidth=0)
    middle.axhline(1, color="black", linewidth=0.6)
    middle.set(xscale="log", yscale="log", ylim=(0.8, 40), xlabel="step", ylabel="test error / test error with coins")
    middle.set_yticks([1, 2, 5, 10, 20], ["1", "2", "5", "10", "20"])
    middle.minorticks_off()
    middle.legend(loc="upper left", fontsize=6, title="oscillators", title_fontsize=6)
    _draw_distances(right, learning)
    return figure


def _style(index: int, count: int) -> dict[str, Any]:
    """Coins are grey; oscillators stand in the order of viridis."""
    if index == 0:
        return {"color": _GREY, "linestyle": "-"}
    return ordered_line(index - 1, count - 1)


def _draw_coherence(axes: Axes, data: xarray.Dataset) -> None:
    count = data.sizes["spread"]
    for k in range(count):
        squares, half = mean_and_interval(data.coherence.values[k] ** 2)
        colour = ordered_line(k, count)["color"]
        axes.fill_between(
            data.time, np.sqrt(np.maximum(squares - half, 0)), np.sqrt(squares + half), color=colour, alpha=0.3, linewidth=0
        )
        axes.plot(data.time, np.sqrt(squares), ".", color=colour, label=f"{100 * float(data.spread[k]):g} % spread")
        axes.plot(data.time, data.expected[k], color="black", linewidth=0.7, label="theory" if k == count - 1 else None)
    axes.axhline(data.attrs["edges"] ** -0.5, color=_GREY, linestyle=":", label=f"1/√{data.attrs['edges']}")
    axes.set(xscale="log", xlabel="time since the reset (periods)", ylabel="coherence |⟨exp(i phase)⟩|, rms", ylim=(0, 1.05))
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 0.1), fontsize=6)


def _draw_distances(axes: Axes, data: xarray.Dataset) -> None:
    """Every task, with the median and the middle half."""
    count = data.sizes["clock"]
    for k in range(count):
        values = np.maximum(data.distance.values[k], 1e-7)
        colour = _style(k, count)["color"]
        low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
        axes.plot(values, np.full(values.size, k), ".", color=colour, markersize=2, alpha=0.5)
        axes.errorbar(middle, k, xerr=[[middle - low], [high - middle]], fmt="o", color=colour, capsize=2)
    axes.set_yticks(range(count), [str(label).replace(", ", ",\n") for label in data.clock.values], fontsize=6)
    axes.invert_yaxis()
    axes.set(xscale="log", xlabel="distance from synchronous\nsolution (rms of ln R)")
