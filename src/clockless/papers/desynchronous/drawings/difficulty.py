"""Draws Figs. 4d and 4e: benefit of small p against difficulty and size, for both kinds of targets and means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.papers.trends import geometric_mean
from clockless.pictures.style import PAGE, in_house_style, ordered_line, subplots

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Datasets = dict[str, "xarray.Dataset"]
_MARKERS = "osv^Dd"
_COLOURS = {"drawn": "C0", "teacher": "C1"}


def _named(figure: str, targets: str) -> str:
    return f"figure-{figure}_{targets}-targets"


@in_house_style
def figure_4d(datasets: Datasets) -> Figure:
    """Mean final error against p for every O, by kind of targets, and the benefit of p = 0.2 and 0.8 against O."""
    figure, panels = subplots(1, 4, (PAGE, 0.32 * PAGE))
    for axes, targets in zip(panels[:2], _COLOURS, strict=True):
        data = datasets[_named("4d", targets)]
        for k, outputs in enumerate(data.outputs.values):
            style: dict[str, Any] = {**ordered_line(k, len(data.outputs)), "marker": _MARKERS[k], "markersize": 3}
            errors = data.final_error.sel(outputs=outputs)
            axes.plot(data.p.values, errors.mean("task").values, label=f"O = {outputs}", **style)
        axes.set(yscale="log", xlabel="p", xticks=(0.1, 0.5, 1.0))
        axes.set_title(f"{targets} targets", loc="left")
        axes.legend(fontsize=5.5)
    panels[0].set_ylabel("mean final error / initial")
    for axes, p in zip(panels[2:], (0.2, 0.8), strict=True):
        for k, targets in enumerate(_COLOURS):
            _benefits(axes, datasets[_named("4d", targets)], p, targets, k)
        axes.axhline(0, color="0.6", linewidth=0.6)
        axes.set(xlabel="number of outputs O", xticks=(2, 8, 16, 24))
        axes.set_title(f"p = {p:g}", loc="left")
    panels[2].set_ylabel("benefit: log\u2081\u2080 error(1) / error(p)")
    panels[2].legend(fontsize=5.5)
    panels[3].sharey(panels[2])
    return figure


def _benefits(axes: Axes, data: xarray.Dataset, p: float, targets: str, k: int) -> None:
    """Benefit of p against O with 95 % intervals: of arithmetic means (filled) and of geometric ones (open)."""
    one = data.sel(p=p)
    middle = one.benefit.values
    bars = [middle - one.benefit_low.values, one.benefit_high.values - middle]
    style: dict[str, Any] = {"color": _COLOURS[targets], "marker": _MARKERS[k], "markersize": 3.5, "capsize": 1.5}
    outputs = data.outputs.values + 0.4 * (2 * k - 1)  # side by side
    axes.errorbar(outputs, middle, bars, label=f"{targets}, arithmetic", **style)
    axes.errorbar(
        outputs + 0.25, one.geometric_benefit.values, one.geometric_half.values, label=f"{targets}, geometric",
        linestyle="--", markerfacecolor="w", **style,
    )  # fmt: skip


@in_house_style
def figure_4e(datasets: Datasets) -> Figure:
    """Regression: final error against p on 143 and on 16 edges, and the benefit of p = 0.2 against x, for both kinds."""
    figure, panels = subplots(1, 2, (PAGE, 0.35 * PAGE), sharey=True)
    for axes, edges in zip(panels, ("143", "16"), strict=True):
        for k, targets in enumerate(_COLOURS):
            data = datasets[f"figure-4e_{edges}-edges_{targets}-targets"]
            _errors(axes, data.p.values, data.final_error.isel(x=0).values, targets, k)
        axes.set(yscale="log", xlabel="p", xticks=data.p.values)
        axes.set_title(f"{edges} edges, x = 10\u207b\u2074", loc="left")
    panels[0].set_ylabel("final error / initial")
    panels[1].legend(fontsize=5.5)
    return figure


def _errors(axes: Axes, p: np.ndarray, errors: np.ndarray, targets: str, k: int) -> None:
    """Arithmetic (filled) and geometric (open) means over tasks of errors [p, task], with 95 % intervals."""
    style: dict[str, Any] = {"color": _COLOURS[targets], "marker": _MARKERS[k], "markersize": 3.5, "capsize": 1.5}
    chosen = np.random.default_rng(0).integers(errors.shape[1], size=(2000, errors.shape[1]))
    mean = errors.mean(axis=1)
    low, high = np.quantile(errors[:, chosen].mean(axis=2), [0.025, 0.975], axis=1)
    axes.errorbar(p, mean, [mean - low, high - mean], label=f"{targets} targets, arithmetic mean", **style)
    middle, low, high = geometric_mean(errors)
    axes.errorbar(
        p, middle, [middle - low, high - middle], label=f"{targets} targets, geometric mean", linestyle="--",
        markerfacecolor="w", **style,
    )  # fmt: skip
