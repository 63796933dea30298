"""Draws the cosine of synthetic and true gradients along training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clockless.papers.decoupled.drawings.errors import mean_and_half
from clockless.pictures.style import PAGE, in_house_style, ordered_line, subplots

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure

Datasets = dict[str, "xarray.Dataset"]


@in_house_style
def figure_alignment(datasets: Datasets) -> Figure:
    """A panel per method, a line per boundary: mean over seeds with its 95 % interval."""
    data = datasets["figure-alignment"]
    count = int(np.isfinite(data.alignment).any(("variant", "seed", "step")).sum())
    figure, row = subplots(1, data.sizes["variant"], (PAGE, 2.3), sharey=True)
    for axes, method in zip(row, data.variant.values.tolist(), strict=True):
        for boundary in range(count):
            values = data.alignment.sel(variant=method).isel(boundary=boundary).transpose("seed", "step").values
            known = np.isfinite(values).all(axis=0)  # not before an interface has learned anything
            step, (mean, half) = data.step.values[known], mean_and_half(values[:, known])
            style = ordered_line(boundary, count)
            axes.plot(step, mean, **style, label=f"{boundary + 1}")
            axes.fill_between(step, mean - half, mean + half, color=style["color"], alpha=0.2, linewidth=0)
        axes.axhline(0, color="0.55", linewidth=0.8)
        axes.set(xscale="log", xlabel="step", ylim=(-0.15, 0.9))
        axes.set_title(method, fontsize=7)
    row[0].set_ylabel("cosine of synthetic and true gradient")
    figure.legend(*row[0].get_legend_handles_labels(), title="after layer", loc="outside right center", fontsize=6)
    return figure
