"""Draws Fig. e on XY lattices (arXiv 2601.21945): response maps and couplings over training, and numbers of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.networks import architectures
from clockless.networks.architectures import Architecture
from clockless.papers.trends import mean_interval
from clockless.pictures.networks import placed
from clockless.pictures.style import PAGE, in_house_style

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Datasets = dict[str, "xarray.Dataset"]
_DECADES = -3  # responses below 10^-3 of the output's look alike
_SHOWN = ("near", "near, skips", "far", "far, skips")
_LOOKS = {"near": ("C0", "-"), "near, skips": ("C5", "--"), "far": ("C1", "-."), "far, skips": ("C4", ":")}
_SIGNS = {True: ("#222222", "-"), False: ("#D55E00", (0, (2.2, 1.2)))}
_BEND = 0.35  # of long bonds, which would lie on short ones


@in_house_style
def figure_e(datasets: Datasets) -> Figure:
    """A row of lattices per case, a column per step; then cost, range, shares and profiles."""
    import matplotlib.pyplot as plt

    data = datasets["figure-e"]
    columns = min(5, data.sizes["step"])
    shown = [k for k in range(data.sizes["step"]) if k == 0 or k > data.sizes["step"] - columns]
    figure = plt.figure(figsize=(PAGE, 1.42 * data.sizes["case"] + 3.9))
    halves: Any = figure.subfigures(2, 1, height_ratios=(1.42 * data.sizes["case"], 3.9))
    upper, lower = halves
    grid = upper.subplots(data.sizes["case"], columns)
    for number, (row, case) in enumerate(zip(grid, data.case.values, strict=True)):
        architecture = _wired(json.loads(str(data.network.sel(case=case).values)))
        one = data.sel(case=case)
        largest = float(np.nanmax(np.abs(one.traces.values[shown, : architecture.couplings])))
        for axes, at in zip(row, shown, strict=True):
            couplings = one.traces.values[at, : architecture.couplings]
            shades = _draw_map(axes, architecture, one.response.values[at], couplings / largest)
            axes.set_title(f"step {int(data.step[at]):,}" if number == 0 else "")
        row[0].text(
            -0.05, 0.5, f"{case}\n" + r"$|W|\leq$" + f"{largest:.2g}", rotation=90, transform=row[0].transAxes,
            ha="right", va="center", fontsize=7, multialignment="center",
        )  # fmt: skip
    ticks = list(range(_DECADES, 1))
    upper.colorbar(shades, ax=grid, ticks=ticks, shrink=0.5, format=lambda x, _: f"$10^{{{x:g}}}$").set_label(
        "response / the output's own"
    )
    _draw_numbers(lower.subplots(2, 4), data)
    _draw_contrasts(lower.axes[3], datasets)
    return figure


def _wired(network: dict[str, Any]) -> Architecture:
    """The lattice of a description."""
    build: Callable[..., Architecture] = getattr(architectures, network["kind"].replace("-", "_"))
    return build(**{k: v for k, v in network.items() if k != "kind"})


def _draw_map(axes: Axes, architecture: Architecture, response: np.ndarray, strength: np.ndarray) -> Any:
    """Sites coloured by log10 of their response; couplings as widths and signs; returns the shades."""
    from matplotlib import colormaps
    from matplotlib.collections import LineCollection

    places = placed(architecture.network)
    order = np.argsort(np.abs(strength))
    axes.add_collection(
        LineCollection(
            [_line(*places[architecture.network.edges[edge]]) for edge in order],
            colors=[_SIGNS[bool(strength[edge] > 0)][0] for edge in order],
            linestyles=[_SIGNS[bool(strength[edge] > 0)][1] for edge in order],
            linewidths=1.8 * np.abs(strength[order]), zorder=1,
        )
    )  # fmt: skip
    markers = np.array(["o"] * len(places))
    markers[list(architecture.inputs)], markers[list(architecture.outputs)] = "^", "v"
    free = np.setdiff1d(np.arange(len(places)), architecture.inputs)
    logs = np.full(len(places), np.nan)
    logs[free] = np.log10(np.maximum(response[free], 10.0**_DECADES))
    shading = colormaps["cividis"].with_extremes(bad="white")
    for marker in "o^v":
        some = markers == marker
        shades = axes.scatter(
            places[some, 0], places[some, 1], c=logs[some], vmin=_DECADES, vmax=0, cmap=shading, marker=marker,
            s=22 if marker == "o" else 34, edgecolors="0.2", linewidths=0.4, plotnonfinite=True, zorder=3,
        )  # fmt: skip
    axes.set_aspect("equal")
    axes.margins(0.06)
    axes.axis("off")
    return shades


def _line(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    along = end - start
    if np.linalg.norm(along) < 1.5:
        return np.array([start, end])
    t = np.linspace(0, 1, 16)[:, None]
    bent: np.ndarray = start + t * along + _BEND * t * (1 - t) * np.array([-along[1], along[0]])
    return bent


def _draw_numbers(grid: Any, data: xarray.Dataset) -> None:
    panels = (
        ("cost", "test cost"), ("range", "range of the response\n(90 %, bonds)"), ("affected", "share of affected sites"),
        ("moved", "share of couplings with\n90 % of the change"),
        ("overlap", "rank correlation of change\nand response of couplings"),
    )  # fmt: skip
    steps = data.step.values
    places = np.maximum(steps, steps[steps > 0].min() / 3)  # 0 has a place of its own on the logarithmic axis
    places_of = [grid.flat[k] for k in (0, 1, 2, 4, 5)]
    for axes, (name, label) in zip(places_of, panels, strict=True):
        for case in _SHOWN:
            colour, dashes = _LOOKS[case]
            _draw(axes, places, data[name].sel(case=case).transpose("seed", "step").values, colour, dashes, case)
        axes.set(xscale="log", xlabel="step", ylabel=label)
        axes.set_xticks(places, [f"{step:g}" if step in (0, 10, 100, 1_000) else "" for step in steps])
        axes.minorticks_off()
        if name != "overlap":
            axes.set_ylim(bottom=0)
    last = grid.flat[6]
    grid.flat[7].axis("off")
    for case in _SHOWN:
        colour, dashes = _LOOKS[case]
        profile = data.log_profile.sel(case=case).isel(step=-1).transpose("seed", "distance").values
        _draw(last, data.distance.values, profile, colour, dashes, case)
    last.set(xlabel="distance from the output (bonds)", ylabel="log₁₀ response / output's,\nlast step")
    grid.flat[7].legend(*grid.flat[0].get_legend_handles_labels(), title="inputs", loc="center")


def _draw_contrasts(axes: Axes, datasets: Datasets) -> None:
    """Contrast of the responses after training less before: full from the authors' start, open from strong fields."""
    offsets = {"figure-e": (-0.12, "full"), "figure-e_strong-fields": (0.12, "none")}
    for name, (offset, filled) in offsets.items():
        contrast = datasets[name].contrast.transpose("case", "seed", "step").values
        mean, half = mean_interval(contrast[..., -1] - contrast[..., 0], axis=1)
        label = "authors' start" if filled == "full" else "strong fields"
        axes.errorbar(
            np.arange(len(mean)) + offset, mean, half, fmt="o", color="0.2", fillstyle=filled, capsize=2, label=label
        )
    axes.axhline(0.0, color="0.6", linewidth=0.8, zorder=0)
    axes.set_xticks(range(len(_SHOWN)), [case.replace(", ", ",\n") for case in _SHOWN])
    axes.set_ylabel("rise of the responses'\ncontrast (decades)")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22), fontsize=6)  # above the legend of inputs


def _draw(axes: Axes, x: np.ndarray, values: np.ndarray, colour: str, dashes: str, label: str) -> None:
    mean, half = mean_interval(values, axis=0)
    axes.plot(x, mean, color=colour, linestyle=dashes, marker="o", label=label)
    axes.fill_between(x, mean - half, mean + half, color=colour, alpha=0.15, linewidth=0)
