"""Pictures of layered nets: how large the conductances of each layer are, and the voltages to which some examples settle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from clockless.pictures.style import COLUMN, in_house_style, ordered_line, subplots

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@in_house_style
def layers_figure(weights: Sequence[np.ndarray], volts: Sequence[np.ndarray]) -> Figure:
    """One-column figure of conductances [lower, upper] and voltages [example, node] of every layer.

    Above: the part of a layer's conductances that exceeds a value. Below: the voltages of every layer's nodes in order of
    the nodes, whose first half is kept at 0 or above and whose second half at 0 or below, a line per example.
    """
    figure, rows = subplots(2, 1, (COLUMN, 1.3 * COLUMN), layout="constrained")
    above, below = rows
    for k, weight in enumerate(weights):
        values = np.sort(weight, axis=None)[::-1][:: max(1, weight.size // 2000)]
        style = ordered_line(k, len(weights))
        above.plot(values, np.linspace(0, 1, values.size), label=f"layer {k + 1}", **style)
    above.set(xlabel="conductance (S)", ylabel="part of the layer above it", ylim=(0, 1))
    above.legend()
    for e in range(len(volts[0])):
        for k, v in enumerate(volts):
            at = k + np.linspace(0.05, 0.95, v.shape[1])
            largest = np.abs(v).max() or 1.0
            below.plot(at, v[e] / largest, lw=0.8, **ordered_line(e, len(volts[0])), label=None if k else f"example {e + 1}")
    below.set(xlabel="layer, its nodes in order", ylabel="voltage / largest of the layer")
    names = [*(f"hidden {k + 1}" for k in range(len(volts) - 1)), "outputs"]
    below.set_xticks(np.arange(len(volts)) + 0.5, names)
    below.legend(loc="upper right")
    return figure
