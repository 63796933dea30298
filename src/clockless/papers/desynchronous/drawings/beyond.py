"""Draws Figs. b1 to b3, which go beyond Wycoff et al. 2022 (doi 10.1063/5.0084631)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.pictures.curves import draw_curve, mean_and_interval
from clockless.pictures.style import PAGE, in_house_style, ordered_line, subplots

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Datasets = dict[str, "xarray.Dataset"]
_WORDS = {"resistance": ("C0", "o", "-"), "conductance": ("C1", "s", "--")}
_SLOW_FAST = (("C1", "s", "--"), ("C0", "o", "-"))  # p = 0.2, p = 1


@in_house_style
def figure_b1(datasets: Datasets) -> Figure:
    """Curves of learning by conductance above; benefit of p < 1 and final errors against the comparator's bias below."""
    pairs = [data for data in datasets.values() if "rate" in data.attrs]
    figure, grid = subplots(2, 2, (PAGE, 4.4))
    for axes, data in zip(grid[0], pairs, strict=False):
        count = data.sizes["clock"]
        for k in range(count):
            p = float(data.p[k])
            draw_curve(
                axes, data.step.values * p, data.error.isel(clock=k).values, {**ordered_line(k, count), "label": f"{p:g}"}
            )
        axes.set(xscale="log", yscale="log", xlabel="step × p (mean updates per edge)", ylabel="test error / initial")
        axes.set_xlim(left=1)
        axes.text(
            0.04, 0.45, f"by conductance\nη = {data.attrs['nudge']:g}\nrate = {data.attrs['rate']:g} Ω⁻¹ V⁻²",
            transform=axes.transAxes, fontsize=7,
        )  # fmt: skip
        axes.legend(title="p", loc="lower left", ncols=2)
    for axes in grid[0][len(pairs) :]:
        axes.axis("off")
    for parameter, style in _WORDS.items():
        data = datasets[f"figure-b1_levels-of-{parameter}"]
        _benefit(grid[1][0], _spread_zero(data.bias.values), data, style, f"levels of {parameter}")
        for p, fill in ((1.0, "full"), (0.2, "none")):
            _errors(grid[1][1], _spread_zero(data.bias.values), data, p, style, fill, f"{parameter}, p = {p:g}")
        for axes in grid[1]:
            _bias_axis(axes, data.bias.values)
    grid[1][0].set_ylabel("log₁₀ (error p = 1 / p = 0.2)")
    grid[1][0].axhline(0, color="0.6", linewidth=0.6, zorder=0)
    grid[1][0].set_ylim(bottom=min(-1.7, grid[1][0].get_ylim()[0]))
    grid[1][0].legend(loc="lower left", ncols=2)
    grid[1][1].set(yscale="log", ylabel="final error / initial")
    grid[1][1].set_ylim(top=30)
    grid[1][1].legend(loc="upper left", ncols=2)
    _lettered(list(grid.flat))
    return figure


def _benefit(axes: Axes, x: np.ndarray, data: xarray.Dataset, style: tuple[str, str, str], label: str) -> None:
    """Mean over tasks of log10 of the ratio of errors, paired by task, with its 95 % interval."""
    errors = data.final_error.transpose("task", "p", "bias").values  # p = 0.2, then p = 1
    mean, half = mean_and_interval(np.log10(errors[:, 1] / errors[:, 0]))
    colour, marker, dashes = style
    axes.errorbar(x, mean, half, color=colour, marker=marker, linestyle=dashes, capsize=2, label=label)


def _errors(
    axes: Axes, x: np.ndarray, data: xarray.Dataset, p: float, style: tuple[str, str, str], fill: Any, label: str
) -> None:
    """Geometric mean over tasks of the final errors, with its 95 % interval."""
    colour, marker, _ = style
    middle, low, high = _geometric(data.final_error.sel(p=p).transpose("task", "bias").values)
    axes.errorbar(
        x, middle, [middle - low, high - middle], color=colour, marker=marker, fillstyle=fill, capsize=2,
        linestyle="-" if fill == "full" else "--", label=label,
    )  # fmt: skip


def _geometric(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Geometric mean over the first axis, and the ends of its 95 % interval."""
    mean, half = mean_and_interval(np.log(values))
    return np.exp(mean), np.exp(mean - half), np.exp(mean + half)


def _spread_zero(biases: np.ndarray) -> np.ndarray:
    """Places of the biases on a logarithmic axis, with 0 a decade below the smallest of the others."""
    return np.where(biases > 0, biases, biases[biases > 0].min() / 10)


def _bias_axis(axes: Axes, biases: np.ndarray) -> None:
    """A logarithmic axis on which the place of 0 says so."""
    places = _spread_zero(biases)
    decades = [10.0**k for k in range(round(np.log10(places[1])), round(np.log10(places.max())) + 1)]
    axes.set(xscale="log", xlabel="comparator bias / (nudge × 1 V)")
    axes.set_xticks([places[0], *decades], ["0", *(f"$10^{{{round(np.log10(x))}}}$" for x in decades)])
    axes.minorticks_off()


def _lettered(panels: list[Axes]) -> None:
    for letter, axes in zip("abcdef", [panel for panel in panels if panel.axison], strict=False):
        axes.set_title(f"({letter})", loc="left")


# --- b2 ----------------------------------------------------------------------------------------------------------------


@in_house_style
def figure_b2(datasets: Datasets) -> Figure:
    """Updates to learn, benefit of p < 1 with levels, and the errors behind it, against the number of nodes."""
    figure, (left, middle, right) = subplots(1, 3, (PAGE, 2.5))
    _learning_times(left, datasets["figure-b2_learning"])
    sizes = {int(name.split("_")[-1].split("-")[0]): data for name, data in datasets.items() if "levels" in name}
    nodes = np.array(list(sizes))
    biases = next(iter(sizes.values())).bias.values
    errors = np.array([data.final_error.transpose("bias", "p", "task").values for data in sizes.values()])
    for k, bias in enumerate(biases):
        colour, marker = f"C{k}", "osD"[k]
        name = f"10$^{{{round(np.log10(bias))}}}$" if bias else "0"
        mean, half = mean_and_interval(np.moveaxis(np.log10(errors[:, k, 1] / errors[:, k, 0]), -1, 0))
        nudged = nodes * 1.04 ** (k - 1)  # so that intervals do not hide each other
        middle.errorbar(
            nudged, mean, half, color=colour, marker=marker, linestyle=("-", "--", "-.")[k], capsize=2, label=name
        )
        for i, (p, fill) in enumerate(((0.2, "none"), (1.0, "full"))):
            centre, low, high = _geometric(np.moveaxis(errors[:, k, i], -1, 0))
            right.errorbar(
                nudged, centre, [centre - low, high - centre], color=colour, marker=marker, fillstyle=fill, capsize=2,
                linestyle="-" if p == 1 else "--", label=f"{name}, {p:g}",
            )  # fmt: skip
    for axes in (left, middle, right):
        axes.set(xscale="log", xlabel="nodes")
        ticks = nodes if axes is not left else datasets["figure-b2_learning"].nodes.values
        axes.set_xticks(ticks, [str(n) for n in ticks])
        axes.minorticks_off()
    left.set_yscale("log")
    left.set_yticks([20, 50, 100, 200], ["20", "50", "100", "200"])
    left.set_yticks([], minor=True)
    middle.set_ylabel("log₁₀ (error p = 1 / p = 0.2)")
    middle.set_ylim(bottom=0)
    middle.legend(title="bias / (η × 1 V)", loc="lower left", ncols=3, columnspacing=0.8)
    right.set(yscale="log", ylabel="final error / initial")
    right.set_ylim(top=20 * right.get_ylim()[1])
    right.legend(title="bias / (η × 1 V), p", loc="upper left", ncols=2, fontsize=6, columnspacing=0.8)
    _lettered([left, middle, right])
    return figure


def _learning_times(axes: Axes, data: xarray.Dataset) -> None:
    """Median over tasks with its 95 % interval from order statistics, and the fitted power law."""
    horizon = float(data.attrs["horizon"])
    nodes = data.nodes.values
    for i, (colour, marker, dashes) in enumerate(_SLOW_FAST):
        times = np.minimum(np.sort(data.updates.isel(p=i).values, axis=1), horizon)
        count = times.shape[1]
        rank = int(np.floor(count / 2 - 0.98 * np.sqrt(count)))  # normal approximation of the binomial rank
        middle, low, high = np.median(times, axis=1), times[:, rank], times[:, count - 1 - rank]
        power, least, most = data.exponent.isel(p=i).values
        axes.errorbar(
            nodes * (0.97, 1.03)[i], middle, [middle - low, high - middle], color=colour, marker=marker, linestyle="none",
            capsize=2, fillstyle=("none", "full")[i],
            label=f"p = {data.p[i]:g}: exponent {power:.2f}\n[{least:.2f}, {most:.2f}]",
        )  # fmt: skip
        line = np.exp(np.mean(np.log(middle)) + power * (np.log(nodes) - np.mean(np.log(nodes))))
        axes.plot(nodes, line, color=colour, linestyle=dashes, linewidth=0.9)
    axes.set_ylabel("step × p until error < 0.1 initial")
    axes.legend(loc="upper left", fontsize=6)


# --- b3 ----------------------------------------------------------------------------------------------------------------


@in_house_style
def figure_b3(datasets: Datasets) -> Figure:
    """Errors while edges are cut, at equal step x p and at equal steps; errors before the next cut against p."""
    figure, (left, middle, right) = subplots(1, 3, (PAGE, 2.6), width_ratios=(1, 1, 0.75))
    left.sharey(middle)
    styles = {"equal-updates": ("C0", "o", "-"), "equal-steps": ("C1", "s", "--")}
    for axes, (name, (colour, marker, dashes)) in zip((left, middle), styles.items(), strict=True):
        data = datasets[f"figure-b3_{name}"]
        _damage_curves(axes, data)
        # Per task the mean of log error at the ends of the later half of the stages: one number per task, so that the
        # interval counts tasks and not stages.
        late = data.error.isel(since=-1, stage=slice(data.sizes["stage"] // 2, None)).transpose("stage", "task", "p").values
        centre, low, high = _geometric(np.exp(np.log(late).mean(axis=0)))
        right.errorbar(
            data.p.values, centre, [centre - low, high - centre], color=colour, marker=marker, linestyle=dashes, capsize=2,
            label="cuts at equal " + ("step × p" if name == "equal-updates" else "steps"),
        )  # fmt: skip
    left.set(xlabel="step × p (mean updates per edge)", ylabel="test error / initial")
    middle.set(xlabel="step")
    middle.legend(title="p", loc="lower left", ncols=3, columnspacing=0.8, fontsize=6)
    right.set(yscale="log", xlabel="p", ylabel="error before the next cut / initial")
    right.set_xticks([0.2, 0.4, 0.6, 0.8, 1.0])
    right.set_ylim(top=8 * right.get_ylim()[1])
    right.legend(loc="upper right")
    _lettered([left, middle, right])
    return figure


def _damage_curves(axes: Axes, data: xarray.Dataset) -> None:
    """Geometric mean over tasks with its 95 % interval; dotted lines where an edge is cut."""
    length = float(data.since[-1])
    count, stages = data.sizes["p"], data.sizes["stage"]
    time = (np.arange(stages)[:, None] * length + data.since.values).ravel()
    for k in range(count):
        errors = data.error.isel(p=k).transpose("task", "stage", "since").values
        centre, low, high = _geometric(errors.reshape(len(errors), -1))
        style = ordered_line(k, count)
        axes.plot(time, centre, **{**style, "label": f"{data.p[k]:g}", "linewidth": 0.9})
        axes.fill_between(time, low, high, color=style["color"], alpha=0.15, linewidth=0)
    for cut in range(1, stages):
        axes.axvline(cut * length, color="0.7", linestyle=":", linewidth=0.5, zorder=0)
    axes.set_yscale("log")
    axes.set_xlim(0, stages * length)
