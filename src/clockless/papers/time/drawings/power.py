"""Fig. 3: where resistances, power and steps drift to, and errors against power."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clockless.pictures.style import COLUMN, in_house_style, ordered_line, subplots

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure

_NAMES = {
    "resistance": "mean resistance (kΩ)",
    "power": "power of the free state (mW)",
    "relative_step": "step / resistance",
}


@in_house_style
def figure_3(datasets: dict[str, xarray.Dataset]) -> Figure:
    """Three courses over updates per edge for every p, with and without sigma; the trade-off for every p."""
    data, price = datasets["figure-3"], datasets["figure-3-price"]
    figure, ((first, second), (third, last)) = subplots(2, 2, (1.6 * COLUMN, 1.3 * COLUMN))
    for axis, (name, label) in zip((first, second, third), _NAMES.items(), strict=True):
        for place, p in enumerate(data.p.values):
            style = ordered_line(place, len(data.p))
            for kind, line in enumerate(("-", "--")):
                middle = np.median(data[name].values[kind, place], axis=0)
                axis.plot(
                    data.updates.values[1:], middle[1:], color=style["color"], linestyle=line, linewidth=1,
                    label=None if kind else f"p = {p:g}",
                )  # fmt: skip
        axis.set(xscale="log", yscale="linear" if name == "resistance" else "log", xlabel="updates per edge", ylabel=label)
    first.legend(fontsize=6, loc="upper left")
    paid = price.price.values > 0
    powers, errors = (np.median(price[name].values[paid], axis=-1) for name in ("power", "scaled_error"))
    for place, p in enumerate(price.p.values):
        style = {**ordered_line(place, len(price.p)), "marker": "o", "markersize": 2.5, "label": f"p = {p:g}"}
        last.plot(powers[:, place], errors[:, place], **style)
    for value, x, y in zip(price.price.values[paid], powers[:, 0], errors[:, 0], strict=True):
        last.annotate(f"{value:g}", (x, y), textcoords="offset points", xytext=(-3, -8), ha="right", fontsize=5)
    last.set(xscale="log", yscale="log", xlabel="power / power at the start", ylabel="test error / initial test error")
    last.set(xlim=(powers.min() / 3, None), ylim=(errors.min() / 10, None))
    last.legend(fontsize=6, title="λ at the points", title_fontsize=6)
    return figure
