"""Pictures of networks and learning curves in the house style; draws from arrays, never simulates."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.networks import Network

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMN = 86 / 25.4  # width of one journal column in inches
PAGE = 178 / 25.4
STYLE = Path(__file__).with_name("house.mplstyle")
_DASHES = ("-", "--", "-.", ":", (0, (4, 1, 1, 1, 1, 1)), (0, (1, 2)))
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


def draw_network(axes: Axes, network: Network, task: Any = None, resistances: np.ndarray | None = None) -> None:
    """Draw nodes with their roles in `task` and edges coloured by their resistance in ohms (logarithmic scale)."""
    from matplotlib.collections import LineCollection
    from matplotlib.colors import LogNorm

    places = placed(network)
    lines = LineCollection(list(places[network.edges]), colors="0.6", linewidths=1.0, zorder=1)
    if resistances is not None:
        values = np.broadcast_to(np.asarray(resistances, dtype=np.float64), len(network.edges))
        lines = LineCollection(list(places[network.edges]), cmap="cividis", linewidths=1.8, zorder=1)
        low, high = values.min(), values.max()
        lines.set_norm(LogNorm(low, high if high > low else low * 1.01))
        lines.set_array(values)
        bar = axes.figure.colorbar(lines, ax=axes, label="resistance (Ω)", shrink=0.8)
        bar.ax.yaxis.set_major_formatter("{x:.3g}")
        bar.ax.yaxis.set_minor_formatter("{x:.2g}")
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


def placed(network: Network) -> np.ndarray:
    """The network's positions, or a spring layout where it has none [node, 2]."""
    if network.positions is not None:
        return network.positions
    import networkx

    from clockless.networks import to_networkx

    layout = networkx.spring_layout(to_networkx(network), seed=1)
    return np.array([layout[node] for node in range(network.nodes)])


@in_house_style
def network_figure(network: Network, task: Any = None, resistances: np.ndarray | None = None) -> Figure:
    """One-column figure of a network, the roles of its nodes and the resistances of its edges."""
    figure, axes = subplots(1, 1, (COLUMN, COLUMN))
    draw_network(axes, network, task, resistances)
    return figure


@in_house_style
def error_figure(data: xarray.Dataset, against: str = "step x p") -> Figure:
    """Scaled test error, a line per rule, clock and batch; mean and 95 % interval over tasks, initial values and seeds."""
    from clockless.errors import ParameterError

    if against not in ("step x p", "step"):
        raise ParameterError(f"against = {against!r}; curves are drawn against 'step x p' or 'step'.")
    lines = [dim for dim in ("rule", "clock", "batch") if dim in data.error.dims]
    stacked = data.error.stack(line=lines) if lines else data.error.expand_dims("line", -1)
    over = [dim for dim in stacked.dims if dim not in ("line", "step")]
    values = stacked.stack(member=over) if over else stacked.expand_dims("member")
    values = values.transpose("member", "line", "step")
    figure, axes = subplots(1, 1, (COLUMN, 0.75 * COLUMN))
    count = values.sizes["line"]
    for index in range(count):
        one = values.isel(line=index)
        p = float(one.coords["p"]) if "p" in one.coords and against == "step x p" else 1.0
        label = ", ".join(str(part) for part in np.atleast_1d(one.line.item() if lines else "")) if lines else None
        style = ordered_line(index, count)
        draw_curve(axes, data.step.values * p, one.values, {**style, "label": label})
    axes.set(xscale="log", yscale="log", ylabel="test error / initial test error")
    axes.set_xlabel("step × p (mean updates per edge)" if against == "step x p" else "step")
    if lines:
        axes.legend(loc="lower left", fontsize=6)
    return figure


def draw_curve(axes: Axes, x: np.ndarray, values: np.ndarray, style: dict[str, Any]) -> None:
    """Mean of `values` [member, x] with its 95 % interval as a band; the point at x = 0 does not show on log axes."""
    shown = x > 0
    mean, half = mean_and_interval(values)
    axes.plot(x[shown], mean[shown], **style)
    if len(values) > 1:
        low = np.maximum(mean - half, 0.2 * mean)  # keeps the band on the logarithmic axis
        axes.fill_between(x[shown], low[shown], (mean + half)[shown], color=style["color"], alpha=0.2, linewidth=0)
