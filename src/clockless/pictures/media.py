"""Pictures of media of one's own: edges coloured by what they have learned, or bars where there is no network."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.pictures.networks import ROLES, draw_network, log_ticks, placed
from clockless.pictures.style import COLUMN, in_house_style, subplots

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@in_house_style
def medium_figure(medium: Any, values: np.ndarray, task: Any = None) -> Figure:
    """One-column figure of a medium at parameters [unit], with the name and unit of what learns, and the roles of nodes.

    Args:
        medium: with `network`, `parameter`, `measure`, and `node_of(entry)` of an entry of the state.
        values: parameters [unit]; coloured edges where there is one for each, else bars.
        task: whose inputs, outputs and ground are marked.
    """
    label = medium.parameter if medium.measure in ("", "1") else f"{medium.parameter} ({medium.measure})"
    network = medium.network
    if network is None or len(values) != len(network.edges):
        figure, axes = subplots(1, 1, (COLUMN, 0.6 * COLUMN))
        axes.bar(np.arange(len(values)), values, color="#0072B2")
        axes.set_xlabel(medium.unit if network is None else "parameter")
        axes.set_ylabel(label)
        return figure
    figure, axes = subplots(1, 1, (COLUMN, COLUMN))
    _draw_edges(axes, network, values, label)
    draw_network(axes, network, _on_nodes(medium, task))
    return figure


def _draw_edges(axes: Axes, network: Any, values: np.ndarray, label: str) -> None:
    """Coloured lines on top of the grey ones; logarithmic colours where all values are positive and span a factor of 10."""
    from matplotlib.collections import LineCollection
    from matplotlib.colors import LogNorm

    places = placed(network)
    there = np.isfinite(values)  # edges that learn nothing stay grey
    lines = LineCollection(list(places[network.edges[there]]), cmap="cividis", linewidths=1.8, zorder=1.5)
    values = values[there]
    low, high = float(np.min(values)), float(np.max(values))
    scale = {}
    if low > 0 and high > 10 * low:
        lines.set_norm(LogNorm(low, high))
        scale = {"ticks": log_ticks(low, high), "format": "{x:g}"}
    lines.set_array(np.asarray(values))
    axes.figure.colorbar(lines, ax=axes, label=label, shrink=0.8, **scale)
    axes.add_collection(lines)


def _on_nodes(medium: Any, task: Any) -> Any:
    """The roles of nodes, where entries of the state belong to nodes."""
    if task is None or not task.wired:
        return None
    roles = {role: [medium.node_of(entry) for entry in getattr(task, role)] for role in ROLES}
    return None if any(None in nodes for nodes in roles.values()) else SimpleNamespace(**roles)
