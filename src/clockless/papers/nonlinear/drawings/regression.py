"""Draws figures regression and modes: a bent line learned by transistor tori."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clockless.pictures.style import PAGE, in_house_style, ordered_line, subplots

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Datasets = dict[str, "xarray.Dataset"]
_COLOURS = ("#0072B2", "#D55E00", "#009E73")
_DASHES = ("-", "--", ":", "-.")


@in_house_style
def figure_regression(datasets: Datasets) -> Figure:
    """What the published board shows, its error, and the distribution of errors over wirings."""
    data = datasets["figure-regression"]
    figure, (line, error, share) = subplots(1, 3, (PAGE, 0.34 * PAGE), layout="constrained")
    epochs, last = data.epoch.values, data.sizes["step"] - 1
    looks = [int(np.argmin(np.abs(epochs - wanted))) for wanted in (0, 100, 3000)] + [last]
    for k, look in enumerate(dict.fromkeys(looks)):
        line.plot(data.input, data.shown.isel(model=0, step=look), **ordered_line(k, 4), label=f"{epochs[look]:,.0f}")
    line.plot(data.input, data.wanted, "o", color="black", markersize=4, markerfacecolor="none", label="wanted")
    line.set(xlabel="input (V)", ylabel="output (V)")
    line.legend(title="epoch", fontsize=6, title_fontsize=6)
    for k, model in enumerate(data.model.values):
        label = str(model).replace("gmin", "$g_{min}$")
        error.plot(epochs[1:], data.squares.isel(model=k)[1:], _DASHES[k], color="#0072B2", linewidth=1, label=label)
    error.axhline(data.attrs["line"], color="black", linestyle=":", linewidth=1, label="best line")
    error.plot(epochs[-1], data.attrs["published"], "*", color="#D55E00", markersize=8, zorder=4, label="published")
    error.set(xscale="log", yscale="log", xlabel="epoch", ylabel="mean squared error (V²)")
    error.legend(fontsize=5.5, loc="lower left")
    _shares(share, data)
    return figure


def _shares(axes: Axes, data: xarray.Dataset) -> None:
    """Cumulative shares of runs against the error that they end at."""
    parts = {"gates at 3 V": data.reached.isel(start=slice(0, 1)), "random gates": data.reached.isel(start=slice(1, None))}
    for k, (name, part) in enumerate(parts.items()):
        found = np.sort(part.values.ravel())
        axes.step(found, (1 + np.arange(found.size)) / found.size, where="post", color=_COLOURS[2 * k],
                  linestyle=_DASHES[k], label=f"{name}, {found.size} runs")  # fmt: skip
    axes.axvline(data.attrs["line"], color="black", linestyle=":", linewidth=1, label="best line")
    axes.axvline(data.attrs["published"], ymax=0.72, color="#D55E00", linewidth=1, linestyle="-.", label="published")
    axes.set(xscale="log", xlabel="squared error at the end (V²)", ylabel="share of runs at or below", ylim=(0, 1.02))
    axes.legend(fontsize=5.5, loc="upper left")


@in_house_style
def figure_modes(datasets: Datasets) -> Figure:
    """Root mean square over boards of every mode against epochs; a panel per law."""
    data = datasets["figure-modes"]
    figure, panels = subplots(1, data.sizes["law"], (PAGE, 0.36 * PAGE), sharey=True, layout="constrained")
    rng = np.random.default_rng(0)
    for axes, law in zip(panels, data.law.values, strict=True):
        for k, mode in enumerate(data.mode.values):
            values = 1e3 * data.modes.sel(law=law, mode=mode).values[:, 1:]
            drawn = values[rng.integers(len(values), size=(400, len(values)))]
            low, high = np.quantile(np.sqrt(np.mean(drawn**2, axis=1)), [0.025, 0.975], axis=0)
            epochs = data.epoch.values[1:]
            axes.plot(epochs, np.sqrt(np.mean(values**2, axis=0)), _DASHES[k], color=_COLOURS[k], label=str(mode))
            axes.fill_between(epochs, low, high, color=_COLOURS[k], alpha=0.2, linewidth=0)
        axes.set(xscale="log", yscale="log", xlabel="epoch")
        axes.set_title(str(law), loc="left")
    panels[0].set_ylabel("part of the error (mV)")
    panels[-1].legend(loc="lower left")
    return figure
