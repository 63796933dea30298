"""Continuous time: rasters of events, potentials and what edges learn over real time, intervals, avalanches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.pictures.style import COLUMN, in_house_style, subplots

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FINE = 1.0  # points of a line where many lie side by side


@in_house_style
def raster_figure(
    events: tuple[np.ndarray, np.ndarray], at: np.ndarray, learned: np.ndarray, potentials: np.ndarray | None = None,
    outputs: np.ndarray | None = None, label: str = "resistance (Ω)",
) -> Figure:  # fmt: skip
    """Who fired when; below it potentials (if they are given) and what edges have learned over the same time.

    Args:
        events: times in seconds and edges, [event] each.
        at: times of the curves [time], seconds.
        learned: [time, edge].
        potentials: free potentials [time, node] volts.
        outputs: nodes whose potentials are drawn strongly; the others are thin and grey.
        label: of what edges have learned, with its unit.
    """
    rows = 2 if potentials is None else 3
    figure, panels = subplots(rows, 1, (COLUMN, 0.42 * COLUMN * rows), sharex=True)
    times, edges = events
    count = learned.shape[1]
    panels[0].scatter(times, edges, s=14, marker="|", color="black", linewidths=0.8)
    panels[0].set(ylabel="edge", ylim=(-1, count))
    if potentials is not None:
        strong = [] if outputs is None else list(outputs)
        for node in range(potentials.shape[1]):
            if node not in strong:
                panels[1].step(at, potentials[:, node], where="post", color="0.75", linewidth=0.5)
        for place, node in enumerate(strong):
            colour = f"C{place}"
            panels[1].step(
                at, potentials[:, node], where="post", color=colour, linewidth=_FINE, label=f"output, node {node}"
            )
        panels[1].set_ylabel("free potential (V)")
        if strong:
            panels[1].legend(fontsize=6, loc="upper right")
    for edge in range(count):
        panels[-1].step(at, learned[:, edge], where="post", linewidth=_FINE, **_shade(edge, count))
    panels[-1].set(ylabel=label, xlabel="time (s)", xlim=(at[0], at[-1]))
    return figure


def _shade(number: int, count: int) -> dict[str, Any]:
    import matplotlib as mpl

    return {"color": mpl.colormaps["viridis"](0.9 * number / max(count - 1, 1))}


@in_house_style
def times_figure(intervals: np.ndarray, avalanches: np.ndarray, silence: float, rate: float | None = None) -> Figure:
    """Histogram of intervals between events of an edge, and how many avalanches have a size or a larger one.

    Args:
        intervals: seconds [interval].
        avalanches: sizes in events [avalanche].
        silence: seconds without events that end an avalanche.
        rate: events per second of a Poisson process to compare with.
    """
    figure, (left, right) = subplots(1, 2, (2 * COLUMN, 0.7 * COLUMN))
    if intervals.size:
        edges = np.geomspace(max(intervals.min(), 1e-9), intervals.max() * 1.001, 40)
        counts, _ = np.histogram(intervals, edges)
        density = counts / np.diff(edges) / intervals.size
        errors = np.sqrt(counts) / np.diff(edges) / intervals.size  # of counts, Poisson
        middle, seen = np.sqrt(edges[1:] * edges[:-1]), counts > 0
        left.errorbar(middle[seen], density[seen], errors[seen], fmt="o", markersize=2.5, linewidth=0.8, label="edges")
        if rate is not None:
            left.plot(middle, rate * np.exp(-rate * middle), color="C1", label=f"exponential, {rate:.3g} per s")
            low = density[seen].min() / 3
            left.set_ylim(bottom=low)
        left.set(
            xscale="log", yscale="log", xlabel="interval between events of an edge (s)", ylabel="probability density (1/s)"
        )
        left.legend(fontsize=6, loc="lower left")
    if avalanches.size:
        sizes = np.sort(avalanches)
        share = 1.0 - np.arange(sizes.size) / sizes.size
        right.step(sizes, share, where="pre", color="C0")
        right.set(xscale="log", yscale="log", xlabel=f"avalanche size (events; ended by {silence:g} s of silence)")
        right.set_ylabel("share of avalanches\nof at least that size")
    return figure
