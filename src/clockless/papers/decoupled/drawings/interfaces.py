"""Draws the figure of interfaces of several sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clockless.papers.decoupled.drawings.errors import STYLES, mean_and_half
from clockless.pictures.style import PAGE, in_house_style, ordered_line, subplots

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure

_TICKS = (1, 2, 5, 10, 20, 50)


@in_house_style
def figure_interfaces(datasets: dict[str, xarray.Dataset]) -> Figure:
    """Test error along training, and the cosine of synthetic and true gradient; means over seeds with 95 % intervals."""
    data = datasets["figure-interfaces"]
    sizes = [way for way in data.way.values if way not in STYLES]
    figure, panels = subplots(1, 2, (PAGE, 2.6))
    for way in data.way.values:
        style = STYLES.get(way) or {**ordered_line(sizes.index(way), len(sizes)), "marker": "v^<>D"[sizes.index(way)]}
        label = f"DNI, {way}" if way in sizes else way
        for axes, values in zip(panels, (100 * data.test_error, data.cosine), strict=True):
            shown = values.sel(way=way).transpose("seed", "step").values
            if not np.isfinite(shown).all():
                continue  # a way without interfaces has no cosine
            mean, half = mean_and_half(shown)
            axes.plot(data.step.values, mean, **{**style, "markersize": 3, "label": label})
            low = np.maximum(mean - half, 0.3 * mean) if axes is panels[0] else mean - half
            axes.fill_between(data.step.values, low, mean + half, color=style["color"], alpha=0.12, linewidth=0)
    panels[0].set(xscale="log", yscale="log", xlabel="step", ylabel="test error (%)")
    limits = panels[0].get_ylim()
    panels[0].set_yticks(_TICKS, [f"{tick:g}" for tick in _TICKS])
    panels[0].set_ylim(limits)
    panels[0].yaxis.set_minor_formatter("")
    panels[1].set(xscale="log", xlabel="step", ylabel="cosine with the true gradient")
    panels[1].axhline(0.0, color="0.5", linewidth=0.6)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right upper")
    return figure
