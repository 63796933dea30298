"""Draws figure dropout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clockless.papers.trends import geometric_mean
from clockless.pictures.style import COLUMN, PAGE, in_house_style, ordered_line, subplots

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure


@in_house_style
def figure_dropout(datasets: dict[str, xarray.Dataset]) -> Figure:
    """Geometric mean of the final test error against p, with its 95 % interval; a panel per rule."""
    data = datasets["figure-dropout"]
    figure, panels = subplots(1, 2, (PAGE, 0.62 * COLUMN))
    for axes, rule in zip(panels, data.rule.values, strict=True):
        for k, kind in enumerate(data.kind.values):
            middle, low, high = geometric_mean(data.error.sel(rule=rule, kind=kind).transpose("p", "task").values)
            style = ordered_line(2 * k, 4)
            axes.errorbar(
                data.p.values,
                middle,
                [middle - low, high - middle],
                capsize=2,
                marker="os"[k],
                label=f"edge {kind}",
                **style,
            )
        axes.set(yscale="log", xlabel="p", ylabel="test error / initial\n(geometric mean)")
        axes.set_xticks(data.p.values)
        axes.set_title(f"{rule} rule", loc="left")
    panels[0].legend()
    return figure
