"""Pictures of networks and learning curves in the house style; draws from arrays, never simulates."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.errors import ParameterError, real_array, shown
from clockless.networks.network import Network

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMN = 86 / 25.4  # width of one journal column in inches
PAGE = 178 / 25.4
STYLE = Path(__file__).with_name("house.mplstyle")
AVERAGED = ("task", "initial", "seed")  # dimensions of a run over which curves are averaged; every other one makes lines
_DASHES = ("-", "--", "-.", ":", (0, (4, 1, 1, 1, 1, 1)), (0, (1, 2)))
_SMALL = 300  # nodes that are placed by path lengths within seconds
_LEGEND_SIZE = 6  # points
_INSIDE = 6, 40  # lines, and letters of a label, for which the legend has room inside the axes
ROLES = {  # role: colour, marker, label
    "inputs": ("#D55E00", "^", "input"),
    "outputs": ("#0072B2", "v", "output"),
    "ground": ("#000000", "s", "ground"),
}


def in_house_style(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Let a function that returns a figure draw in the house style."""

    @wraps(draw)
    def styled(*args: Any, **options: Any) -> Figure:
        import matplotlib.pyplot as plt

        with plt.style.context(STYLE):
            return draw(*args, **options)

    return styled


def subplots(rows: int, columns: int, size: tuple[float, float], **options: Any) -> tuple[Figure, Any]:
    """`pyplot.subplots` without importing pyplot before it is needed; `size` in inches."""
    import matplotlib.pyplot as plt

    return plt.subplots(rows, columns, figsize=size, **options)


def ordered_line(index: int, count: int) -> dict[str, Any]:
    """Colour and dashes of line `index` of `count` lines that stand in an order; distinct in grey as well."""
    import matplotlib as mpl

    return {"color": mpl.colormaps["viridis"](0.9 * index / max(count - 1, 1)), "linestyle": _DASHES[index % len(_DASHES)]}


def mean_and_interval(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean over the first axis and the half-width of its 95 % interval (1.96 standard errors); NaN are left out."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # columns without any number stay NaN
        count = np.sum(np.isfinite(values), axis=0)
        spread = np.nanstd(values, axis=0, ddof=1) if len(values) > 1 else np.zeros(values.shape[1:])
        return np.nanmean(values, axis=0), 1.96 * spread / np.sqrt(np.maximum(count, 1))


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
        lines = LineCollection(list(places[network.edges]), cmap="cividis", linewidths=1.8, zorder=1)
        low, high = values.min(), values.max()
        lines.set_norm(LogNorm(low, high if high > low else low * 1.01))
        lines.set_array(values)
        ticks = _ticks(low, high)
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


def _ticks(low: float, high: float) -> Any:
    """Ticks of a logarithmic scale at 1, 2, 5 x 10^n: few enough for their labels, and at least two where there is room."""
    from matplotlib.ticker import LogLocator, MaxNLocator

    if low == high:
        return [low]
    if high / low > 10:
        return LogLocator(subs=(1, 2, 5) if high / low < 1e4 else (1,))
    return MaxNLocator(5, steps=[1, 2, 5, 10])


def placed(network: Network) -> np.ndarray:
    """The network's positions [node, 2]; where it has none, by path lengths (Kamada and Kawai), or by springs if large."""
    if network.positions is not None:
        return network.positions
    import networkx

    from clockless.networks.network import to_networkx

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


@in_house_style
def error_figure(data: xarray.Dataset, against: str = "step x p") -> Figure:
    """Scaled test error, a line per combination of rule, clock, device and batch: of all dimensions but AVERAGED.

    Lines are means over tasks, initial values and seeds, with the 95 % interval of the mean as a band (see `draw_curve`).

    Raises:
        ParameterError: `against` is neither "step x p" nor "step", or only step 0 was recorded.
    """
    if against not in ("step x p", "step"):
        raise ParameterError(f"against = {against!r}; curves are drawn against 'step x p' or 'step'.")
    if not (data.step.values > 0).any():
        raise ParameterError("only step 0 was recorded; nothing can be drawn on a logarithmic axis; record more steps.")
    error = data.error
    lines = [str(dim) for dim in error.dims if dim not in (*AVERAGED, "step")]
    places = list(np.ndindex(*(error.sizes[dim] for dim in lines)))
    names = [", ".join(str(error[dim].values[at]) for dim, at in zip(lines, place, strict=True)) for place in places]
    title, labels = _legend(lines, names)
    longest = max(map(len, labels))
    outside = len(places) > _INSIDE[0] or longest > _INSIDE[1]
    # Half a letter's height is about its width; 0.5 in for the sample of the line and the margins.
    width = COLUMN + (0.5 + 0.55 * _LEGEND_SIZE / 72 * longest if outside else 0.0)
    figure, axes = subplots(1, 1, (width, 0.75 * COLUMN))
    for index, (place, label) in enumerate(zip(places, labels, strict=True)):
        one = error.isel(dict(zip(lines, place, strict=True)))
        p = float(one.coords["p"]) if "p" in one.coords and against == "step x p" else 1.0
        values = one.transpose(..., "step").values.reshape(-1, one.sizes["step"])
        values = values[~np.isnan(values[:, 0])]  # of a store that is not complete
        if not len(values):
            continue
        draw_curve(axes, data.step.values * p, values, {**ordered_line(index, len(places)), "label": label})
    axes.set(xscale="log", yscale="log", ylabel=_SHORT.get(error.attrs.get("long_name", ""), error.attrs.get("long_name")))
    axes.set_xlabel("step × p (mean updates per edge)" if against == "step x p" else "step")
    if lines:
        options: dict[str, Any] = {"title": title, "fontsize": _LEGEND_SIZE, "title_fontsize": _LEGEND_SIZE}
        _ = figure.legend(loc="outside right upper", **options) if outside else axes.legend(loc="lower left", **options)
    return figure


_SHORT = {"": "test error", "test error / its value at step 0": "test error / initial test error"}


def _legend(lines: list[str], names: list[str]) -> tuple[str | None, list[str]]:
    """Title and labels; only the numbers p where all lines are clocks of one class that differ in nothing else."""
    found = [re.fullmatch(r"(\w+)\(p=([^,()]+)\)", name) for name in names]
    if lines == ["clock"] and len({match and match[1] for match in found}) == 1 and found[0]:
        return "p", [f"{float(match[2]):g}" for match in found if match]
    return None, names


def draw_curve(axes: Axes, x: np.ndarray, values: np.ndarray, style: dict[str, Any]) -> None:
    """Mean of `values` [member, x] with its 95 % interval as a band; the point at x = 0 does not show on log axes.

    The lower edge is cut at a fifth of the mean, so that it stays on a logarithmic axis.
    """
    shown = x > 0
    mean, half = mean_and_interval(values)
    axes.plot(x[shown], mean[shown], **style)
    if len(values) > 1:
        low = np.maximum(mean - half, 0.2 * mean)
        axes.fill_between(x[shown], low[shown], (mean + half)[shown], color=style["color"], alpha=0.2, linewidth=0)
