"""Pictures of phases, couplings and responses on lattices and layers, alone or as a strip over training steps.

- Phases are colours of a circle in the OKLab space, so equal steps of phase are equal steps of colour. The circle is tilted:
  half of one axis is lightness, half green to red, and the other axis is blue to yellow. Without red-green vision it becomes
  an ellipse, on which no two phases meet. 0 is light red, pi/2 yellow, pi dark green and -pi/2 blue. Where sites are
  large enough a hand shows the phase as well: to the right is 0, upwards pi/2.
- Couplings are lines whose width is proportional to abs(W); positive ones (which align) are dark and solid, negative ones
  orange and dashed, those below a twentieth of the strongest thin and grey. Of more than 600 the strongest 600 are drawn.
- Inputs are triangles that point upwards, outputs triangles that point downwards.
- Responses are a diverging map centred at 0, with one scale over a whole strip.

Draws from arrays, never simulates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.errors import ParameterError, real_array, shown, whole
from clockless.networks.architectures import Architecture
from clockless.pictures.edges import edge_lines, spacing
from clockless.pictures.networks import placed
from clockless.pictures.style import COLUMN, PAGE, in_house_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Snapshot", "lattice_figure", "phase_colours", "response_figure", "strip"]

_LIGHTNESS, _RADIUS, _TILT = 0.70, 0.135, np.deg2rad(55)  # the largest circles within sRGB are little larger
_FAINT = 0.05  # of the strongest coupling
_CROWDED = 600  # edges; of more only the strongest are drawn, and thinner
_SIGNS: dict[int, tuple[str, Any]] = {1: ("#222222", "-"), -1: ("#D55E00", (0, (2.2, 1.2)))}
_WEAK: tuple[str, Any] = ("0.75", "-")
_ROLES = {"input": "^", "output": "v"}
_HAND = 3.0  # points: radius of sites from which hands are drawn

# OKLab to linear sRGB (B. Ottosson 2020): cubes of the first map's numbers, then the second map.
_CONES = np.array([[1, 0.3963377774, 0.2158037573], [1, -0.1055613458, -0.0638541728], [1, -0.0894841775, -1.2914855480]])
_SCREEN = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


@dataclass(frozen=True, eq=False)
class Snapshot:
    """What a picture shows; None is not drawn.

    Args:
        phases: radians [node].
        couplings: W [coupling], in the energy unit of the model.
        response: change of phase per unit of torque at `site` [node], radians per energy unit.
        site: where the torque acts; ringed.
    """

    phases: Any = None
    couplings: Any = None
    response: Any = None
    site: int | None = None


def phase_colours(phases: Any) -> np.ndarray:
    """sRGB colours, float64 [.., 3] in [0, 1], of phases in radians [..]; 2 pi periodic."""
    try:
        phases = real_array(phases)
    except ValueError:
        raise ParameterError(f"phases = {shown(phases)}; give numbers in radians.") from None
    along, across = _RADIUS * np.cos(phases), _RADIUS * np.sin(phases)
    oklab = np.stack([_LIGHTNESS + along * np.sin(_TILT), along * np.cos(_TILT), across], axis=-1)
    linear = np.clip((oklab @ _CONES.T) ** 3 @ _SCREEN.T, 0, 1)
    colours: np.ndarray = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return colours


# --- figures ---------------------------------------------------------------------------------------------


@in_house_style
def lattice_figure(architecture: Architecture, phases: Any = None, couplings: Any = None) -> Figure:
    """One-column figure of an architecture, its phases [node] in radians and its couplings W [coupling].

    Raises:
        ParameterError: no Architecture, or arrays that do not fit it.
    """
    return _strip(architecture, [Snapshot(phases, couplings)], [""], COLUMN)


@in_house_style
def response_figure(
    architecture: Architecture, response: Any, site: int | None = None, couplings: Any = None, limit: float | None = None
) -> Figure:
    """One-column figure of a response map [node]: the change of phase per unit of torque at `site`.

    Args:
        architecture, couplings: as for `lattice_figure`.
        response: radians per energy unit, [node].
        site: where the torque acts.
        limit: response of the strongest colour; None: the largest absolute one.
    """
    return _strip(architecture, [Snapshot(None, couplings, response, site)], [""], COLUMN, limit)


@in_house_style
def strip(
    architecture: Architecture, snapshots: Sequence[Snapshot], titles: Sequence[str], limit: float | None = None
) -> Figure:
    """Two-column strip of pictures, one per snapshot, such as training steps; all share their scales.

    Phases (or couplings alone) make a row, responses another one, whichever all snapshots have.

    Raises:
        ParameterError: no snapshots, as many titles as there are not snapshots, snapshots that show different things, or
            arrays that do not fit the architecture.
    """
    return _strip(architecture, snapshots, titles, PAGE, limit)


def _strip(
    architecture: Architecture,
    snapshots: Sequence[Snapshot],
    titles: Sequence[str],
    width: float,
    limit: float | None = None,
) -> Figure:
    import matplotlib.pyplot as plt

    shots = _checked_snapshots(architecture, snapshots, titles)
    rows = ["phases"] * (shots[0].phases is not None or shots[0].response is None)
    rows += ["response"] * (shots[0].response is not None)
    places = placed(architecture.network)
    side = 0.52 if width == COLUMN else 0.62  # inches for the scale
    panel = (width - side) / len(shots)
    spans = np.maximum(np.ptp(places, axis=0), 1e-9) + 2 * _margin(places)
    height = min(panel * spans[1] / spans[0], 1.15 * panel if len(shots) > 1 else 1.3 * COLUMN)
    height = max(height, 0.75)
    below = 0.45 if shots[0].couplings is not None and shots[0].site is not None else 0.3
    figure = plt.figure(figsize=(width, len(rows) * height + below + 0.18 * any(titles)))
    grid = figure.add_gridspec(len(rows), len(shots) + 1, width_ratios=[panel] * len(shots) + [side])
    scales = _Scales(_largest(shots, "couplings"), _largest(shots, "response") if limit is None else _checked_limit(limit))
    points = 72 * min(panel / spans[0], height / spans[1])  # per unit of length in the drawing
    for row, kind in enumerate(rows):
        for column, (shot, title) in enumerate(zip(shots, titles, strict=True)):
            axes = figure.add_subplot(grid[row, column])
            _draw(axes, architecture, shot, kind, scales, points)
            axes.set_title(title if row == 0 else "")
        _draw_scale(figure, grid[row, -1], kind, shots, scales)
    _draw_legend(figure, shots[0], scales, len(architecture.network.edges))
    return figure


@dataclass(frozen=True)
class _Scales:
    """The largest absolute coupling and response of a strip; 0 where there is none."""

    coupling: float
    response: float


def _largest(shots: Sequence[Snapshot], name: str) -> float:
    values = [getattr(shot, name) for shot in shots]
    return max((float(np.abs(value).max()) for value in values if value is not None), default=0.0)


# --- one picture -----------------------------------------------------------------------------------------


def _draw(axes: Axes, architecture: Architecture, shot: Snapshot, kind: str, scales: _Scales, points: float) -> None:
    places = placed(architecture.network)
    _draw_edges(axes, architecture, shot.couplings, scales.coupling)
    radius = float(np.clip(0.3 * points * spacing(places), 0.9, 5.5))
    if kind == "response":
        from matplotlib import colormaps

        colours = colormaps["PRGn"](0.5 + 0.5 * np.clip(shot.response / (scales.response or 1.0), -1, 1))[:, :3]
    else:
        colours = np.tile([0.85] * 3, (len(places), 1)) if shot.phases is None else phase_colours(shot.phases)
    roles = np.array(["o"] * len(places))
    roles[list(architecture.inputs)] = _ROLES["input"]
    roles[list(architecture.outputs)] = _ROLES["output"]
    for marker in dict.fromkeys(roles.tolist()):
        some = roles == marker
        area = (2 * radius) ** 2 * (1.0 if marker == "o" else 1.3)
        axes.scatter(
            places[some, 0],
            places[some, 1],
            s=area,
            c=colours[some],
            marker=marker,
            edgecolors="0.15",
            linewidths=0.09 * radius + 0.1,
            zorder=3,
        )
    if kind == "phases" and shot.phases is not None and radius >= _HAND:
        hands = 0.75 * radius / points * np.column_stack([np.cos(shot.phases), np.sin(shot.phases)])
        ends = np.stack([places, places + hands], axis=1)
        axes.plot(ends[..., 0].T, ends[..., 1].T, color="0.1", linewidth=0.16 * radius, solid_capstyle="round", zorder=4)
    if shot.site is not None and kind == "response":
        x, y = places[shot.site]
        axes.scatter([x], [y], s=(3.4 * radius) ** 2, facecolors="none", edgecolors="k", linewidths=0.9, zorder=5)
    margin = _margin(places)
    axes.set(
        xlim=(places[:, 0].min() - margin, places[:, 0].max() + margin),
        ylim=(places[:, 1].min() - margin, places[:, 1].max() + margin),
        aspect="equal",
    )
    axes.axis("off")


def _draw_edges(axes: Axes, architecture: Architecture, couplings: Any, largest: float) -> None:
    from matplotlib.collections import LineCollection

    lines = edge_lines(architecture.network, placed(architecture.network), _CROWDED)
    widest = _widest(len(architecture.network.edges))
    if couplings is None or not largest:
        axes.add_collection(LineCollection(lines, colors="0.6", linewidths=0.3 * widest, zorder=1))
        return
    strength = np.asarray(couplings)[architecture.shared] / largest
    order = np.argsort(np.abs(strength))[-_CROWDED:]  # strong ones on top
    seen = np.abs(strength[order]) > _FAINT
    looks = [_SIGNS[1 if strength[edge] > 0 else -1] if drawn else _WEAK for edge, drawn in zip(order, seen, strict=True)]
    widths = np.where(seen, widest * np.abs(strength[order]), 0.3 * (len(lines) <= _CROWDED))
    axes.add_collection(
        LineCollection(
            [lines[edge] for edge in order],
            colors=[colour for colour, _ in looks],
            linestyles=[dashes for _, dashes in looks],
            linewidths=widths,
            zorder=1,
        )
    )


def _widest(edges: int) -> float:
    """Points of the strongest coupling."""
    return 2.2 if edges <= _CROWDED else max(2.2 * np.sqrt(_CROWDED / edges), 0.5)


def _margin(places: np.ndarray) -> float:
    return 0.6 * spacing(places)


# --- scales and legend -----------------------------------------------------------------------------------


def _draw_scale(figure: Figure, place: Any, kind: str, shots: Sequence[Snapshot], scales: _Scales) -> None:
    """A ring of phases, or the colour bar of responses."""
    if kind == "response":
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import Normalize

        cell = figure.add_subplot(place)
        cell.axis("off")
        bar = cell.inset_axes((0.0, 0.08, 0.2, 0.84))
        limit = scales.response or 1.0
        beyond = "both" if _largest(shots, "response") > 1.0001 * limit else "neither"
        shades = ScalarMappable(Normalize(-limit, limit), "PRGn")
        figure.colorbar(
            shades, cax=bar, extend=beyond, ticks=[-limit, -limit / 2, 0, limit / 2, limit], format="{x:.2g}"
        ).set_label("response\n(rad / unit torque)", fontsize=7)
        return
    if shots[0].phases is None:
        return
    ring = figure.add_subplot(place, projection="polar")
    angle = np.linspace(-np.pi, np.pi, 120, endpoint=False)
    colours = phase_colours(angle)
    ring.bar(angle, 0.45, width=2 * np.pi / 120, bottom=0.55, color=colours, edgecolor=colours, linewidth=0.4)
    for at, label in ((0, "0"), (np.pi / 2, "π/2"), (np.pi, "±π"), (-np.pi / 2, "−π/2")):
        ring.text(at, 1.35 if at in (0, np.pi) else 1.4, label, ha="center", va="center", fontsize=6)
    ring.text(0, 0, "φ", ha="center", va="center", fontsize=8)
    ring.set(ylim=(0, 1))
    ring.axis("off")


def _draw_legend(figure: Figure, shot: Snapshot, scales: _Scales, edges: int) -> None:
    from matplotlib.lines import Line2D

    handles: list[Any] = [
        Line2D([], [], marker=marker, linestyle="", color="0.85", markeredgecolor="0.15", markeredgewidth=0.6, markersize=5)
        for marker in _ROLES.values()
    ]
    labels = list(_ROLES)
    if shot.couplings is not None and scales.coupling:
        for sign, (colour, dashes) in _SIGNS.items():
            handles.append(Line2D([], [], color=colour, linestyle=dashes, linewidth=_widest(edges)))
            labels.append(f"W = {'+' if sign > 0 else '−'}{scales.coupling:.2g}")
    if shot.response is not None and shot.site is not None:
        handles.append(Line2D([], [], marker="o", linestyle="", color="none", markeredgecolor="k", markersize=7))
        labels.append("torque")
    columns = len(labels) if figure.get_figwidth() > COLUMN or len(labels) < 5 else 3
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, columnspacing=1.0, handletextpad=0.4)


# --- checks ----------------------------------------------------------------------------------------------


def _checked_snapshots(architecture: Any, snapshots: Any, titles: Any) -> list[Snapshot]:
    if not isinstance(architecture, Architecture):
        raise ParameterError(f"architecture = {shown(architecture)} is not an Architecture; build one, such as square(...).")
    if (
        not isinstance(snapshots, (list, tuple))
        or not all(isinstance(shot, Snapshot) for shot in snapshots)
        or not snapshots
    ):
        raise ParameterError(f"snapshots = {shown(snapshots)}; give a list of Snapshot(phases, couplings, response).")
    if isinstance(titles, str) or not hasattr(titles, "__len__") or len(titles) != len(snapshots):
        raise ParameterError(f"titles = {shown(titles)}; give one title for each of {len(snapshots)} snapshots.")
    sizes = {
        "phases": architecture.network.nodes,
        "couplings": architecture.couplings,
        "response": architecture.network.nodes,
    }
    checked = []
    for shot in snapshots:
        values = {name: _checked_values(name, getattr(shot, name), size) for name, size in sizes.items()}
        checked.append(Snapshot(**values, site=shot.site))
        if shot.site is not None and whole("site", shot.site) >= architecture.network.nodes:
            raise ParameterError(f"site = {shown(shot.site)}; the sites go from 0 to {architecture.network.nodes - 1}.")
    for name in sizes:
        if len({getattr(shot, name) is None for shot in checked}) > 1:
            raise ParameterError(f"only some snapshots have {name}; give {name} to all of them or to none.")
    return checked


def _checked_values(name: str, values: Any, size: int) -> np.ndarray | None:
    if values is None:
        return None
    each = "coupling" if name == "couplings" else "site"
    try:
        table = real_array(getattr(values, "values", values))
    except ValueError:
        raise ParameterError(f"{name} = {shown(values)} are not numbers; give one per {each}, [{size}].") from None
    if table.shape != (size,):
        raise ParameterError(f"{name} have shape {table.shape}, but one number per {each} is drawn; give [{size}].")
    if not np.isfinite(table).all():
        raise ParameterError(f"{name} hold {table[~np.isfinite(table)][0]}; only finite numbers can be drawn.")
    return table


def _checked_limit(limit: float) -> float:
    if isinstance(limit, bool) or not isinstance(limit, (int, float)) or not 0 < limit < np.inf:
        raise ParameterError(f"limit = {shown(limit)}; give the response of the strongest colour, above 0.")
    return float(limit)


def __dir__() -> list[str]:
    """What a person looks for; everything else is there as well."""
    return sorted(__all__)
