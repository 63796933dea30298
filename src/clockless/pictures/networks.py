"""Pictures of networks: nodes with their roles in a task, edges coloured by what they have learned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.errors import ParameterError, instance, real_array, shown
from clockless.networks.network import Network
from clockless.pictures.style import COLUMN, in_house_style, subplots

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_CROWDED = 150  # edges; lines of more are thinner
_SMALL = 300  # nodes that are placed by path lengths within seconds
ROLES = {  # role: colour, marker, label
    "inputs": ("#D55E00", "^", "input"),
    "outputs": ("#0072B2", "v", "output"),
    "ground": ("#000000", "s", "ground"),
}


def draw_network(axes: Axes, network: Network, task: Any = None, resistances: Any = None) -> None:
    """Draw nodes with their roles in `task` and edges coloured by their resistance in ohms (logarithmic scale).

    Raises:
        ParameterError: no Network, not one task with nodes of it, or resistances that are not one positive number per edge.
    """
    from matplotlib.collections import LineCollection
    from matplotlib.colors import LogNorm
    from matplotlib.ticker import NullFormatter

    _check_drawable(network, task)
    places = placed(network)
    lines = LineCollection(list(places[network.edges]), colors="0.6", linewidths=1.0, zorder=1)
    if resistances is not None:
        values = _checked_resistances(network, resistances)
        order = np.argsort(np.abs(np.log(values / np.median(values))), kind="stable")  # what has changed most on top
        width = 1.8 * min(1.0, np.sqrt(_CROWDED / len(values)))
        lines = LineCollection(list(places[network.edges[order]]), cmap="cividis", linewidths=width, zorder=1)
        low, high = values.min(), values.max()
        lines.set_norm(LogNorm(low, high if high > low else low * 1.01))
        lines.set_array(values[order])
        ticks = log_ticks(low, high)
        bar = axes.figure.colorbar(lines, ax=axes, label="resistance (Ω)", shrink=0.8, ticks=ticks, format="{x:g}")
        bar.ax.yaxis.set_minor_formatter(NullFormatter())
    axes.add_collection(lines)
    axes.scatter(places[:, 0], places[:, 1], s=6, color="0.35", zorder=2)
    for role, (colour, marker, label) in ROLES.items() if task is not None else ():
        nodes = list(getattr(task, role))
        axes.scatter(
            places[nodes, 0], places[nodes, 1], s=42, color=colour, marker=marker, edgecolor="white", zorder=3, label=label
        )
    if task is not None:
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=3, handletextpad=0.1)
    axes.set_aspect("equal")
    axes.axis("off")


def _check_drawable(network: Any, task: Any) -> None:
    if not isinstance(network, Network):
        medium = isinstance(getattr(network, "network", None), Network)
        advice = "is a medium; give its wiring, .network." if medium else "is not a Network; make one with Network(edges)."
        raise ParameterError(f"network = {shown(network)} {advice}")
    if isinstance(task, (list, tuple)):
        raise ParameterError(f"task is a {type(task).__name__} of {len(task)}; a drawing shows one task, such as tasks[0].")
    if task is not None:
        if not all(hasattr(task, role) for role in ROLES):
            raise ParameterError(f"task = {shown(task)} is not a Task; make one with Task(...) or tasks.regression(...).")
        largest = max((node for role in ROLES for node in getattr(task, role)), default=0)
        if largest >= network.nodes:
            raise ParameterError(f"the task names node {largest}, but the network's nodes go from 0 to {network.nodes - 1}.")


def _checked_resistances(network: Network, resistances: Any) -> np.ndarray:
    """Positive numbers [edge]; a single one counts for all edges."""
    edges = len(network.edges)
    try:
        values = real_array(getattr(resistances, "values", resistances))
    except ValueError:
        raise ParameterError(f"resistances = {shown(resistances)} are not numbers; give one per edge, [{edges}].") from None
    if values.ndim > 1:
        sizes = tuple(getattr(resistances, "sizes", {}).items()) or values.shape
        dims = ", ".join(f"{size[0]}: {size[1]}" if isinstance(size, tuple) else str(size) for size in sizes)
        raise ParameterError(
            f"resistances have the dimensions ({dims}), but one per edge is drawn; pick one with .isel(...)."
        )
    if values.shape not in ((), (edges,)):
        raise ParameterError(f"resistances have shape {values.shape}, but the network has {edges} edges; give one per edge.")
    wrong = np.flatnonzero(~(np.isfinite(values) & (values > 0)))
    if wrong.size:
        raise ParameterError(
            f"the resistance of edge {wrong[0]} is {values.flat[wrong[0]]}; a logarithmic scale needs positive numbers."
        )
    return np.broadcast_to(values, edges)


def log_ticks(low: float, high: float) -> Any:
    """Ticks of a logarithmic scale at 1, 2, 5 x 10^n: few enough for their labels, and at least two where there is room."""
    from matplotlib.ticker import LogLocator, MaxNLocator

    if low == high:
        return [low]
    if high / low > 10:
        return LogLocator(subs=(1, 2, 5) if high / low < 1e4 else (1,))
    return MaxNLocator(5, steps=[1, 2, 5, 10])


def placed(network: Network) -> np.ndarray:
    """The network's positions [node, 2]; where it has none, by path lengths (Kamada and Kawai), or by springs if large."""
    instance("network", network, Network, "make one with Network(edges)")
    if network.positions is not None:
        return network.positions
    import networkx

    from clockless.networks.files import to_networkx

    graph = to_networkx(network)
    small = network.nodes <= _SMALL
    layout = networkx.kamada_kawai_layout(graph) if small else networkx.spring_layout(graph, seed=1)
    return np.array([layout[node] for node in range(network.nodes)])


@in_house_style
def network_figure(network: Network, task: Any = None, resistances: Any = None) -> Figure:
    """One-column figure of a network, the roles of its nodes and the resistances of its edges."""
    figure, axes = subplots(1, 1, (COLUMN, COLUMN))
    draw_network(axes, network, task, resistances)
    return figure
