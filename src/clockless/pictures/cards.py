"""What a notebook shows of an object: a table of facts beside a small picture, as HTML with inline SVG and nothing else.

No script, no style sheet, nothing loaded: lines take the colour of the notebook's text, so it reads on light and on dark.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.networks.network import Network
from clockless.pictures.networks import ROLES, placed

if TYPE_CHECKING:
    import xarray

_MOST_EDGES = 3000  # of a picture that a notebook keeps
_MOST_LAID_OUT = 300  # nodes without positions, which are placed by path lengths within a second
_SIDE, _EDGE = 180.0, 10.0  # of a picture, and what is left free around it, in pixels
_LEFT = 46.0  # where curves begin, right of their numbers
_MOST_DOTS = 500  # examples of a picture
_LINES = 12  # curves of a picture
_CIVIDIS = ("#00224e", "#35456c", "#666970", "#948e77", "#c8b866", "#fee838")
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")

_NAME = "text-align:left;vertical-align:top;padding:1px 10px 1px 0;font-weight:400;opacity:.7"
_FACT = "text-align:left;padding:1px 0"
_SHAPES = {  # corners of the markers of roles, from the node
    "^": ((0, -6), (6, 5), (-6, 5)),
    "v": ((0, 6), (6, -5), (-6, -5)),
    "s": ((-5, -5), (5, -5), (5, 5), (-5, 5)),
}

Row = tuple[str, Any]


def card(title: str, rows: Sequence[Row], picture: str = "") -> str:
    """A title, named facts and a picture beside them; facts are text, and escaped."""
    cells = "".join(
        f'<tr><th style="{_NAME}">{escape(name)}</th><td style="{_FACT}">{escape(str(value))}</td></tr>'
        for name, value in rows
        if value not in (None, "")
    )
    return (
        '<div style="display:flex;flex-wrap:wrap;gap:16px;align-items:flex-start">'
        f'<div style="max-width:34em"><strong>{escape(title)}</strong>'
        f'<table style="border-collapse:collapse;margin:4px 0">{cells}</table></div>{picture}</div>'
    )


# --- networks ----------------------------------------------------------------------------------------------------------


def network_picture(network: Any, task: Any = None, values: np.ndarray | None = None, label: str = "") -> str:
    """A network as SVG: edges coloured by `values` [edge] where they are given, roles of nodes as in the figures.

    Nothing for what is no `Network`, or too large for a notebook.
    """
    if not isinstance(network, Network) or len(network.edges) > _MOST_EDGES:
        return ""
    if network.positions is None and network.nodes > _MOST_LAID_OUT:
        return ""
    places = _fitted(placed(network))
    colours = [None] * len(network.edges) if values is None or len(values) != len(network.edges) else _coloured(values)
    width = 2.0 if len(network.edges) <= 150 else 1.0
    lines = []
    for (i, j), colour in zip(network.edges.tolist(), colours, strict=True):
        stroke = f'stroke="{colour}"' if colour else 'stroke="currentColor" stroke-opacity="0.45"'
        (x, y), (u, v) = places[i], places[j]
        lines.append(f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{u:.1f}" y2="{v:.1f}" {stroke} stroke-width="{width:g}"/>')
    nodes = [_node(places, node, role) for node, role in sorted(_roles(network, task).items())]
    size = 2.0 if network.nodes <= 150 else 1.2
    dots = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size:g}" fill="currentColor" fill-opacity="0.7"/>' for x, y in places]
    about = f"Network of {network.nodes} nodes and {len(network.edges)} edges"
    caption = _scale(values, label) if colours and colours[0] else ""
    return f"<div>{_svg(about, [*lines, *dots, *nodes])}{caption}</div>"


def _fitted(places: np.ndarray) -> np.ndarray:
    low, size = places.min(axis=0), np.ptp(places, axis=0)
    scale = (_SIDE - 2 * _EDGE) / max(float(size.max()), 1e-12)
    centred = (places - low - size / 2) * scale
    fitted: np.ndarray = _SIDE / 2 + centred * [1.0, -1.0]  # SVG's y goes down
    return fitted


def _coloured(values: np.ndarray) -> list[str | None]:
    """Colours of cividis, logarithmic where all are positive; NaN, which learns nothing, has none."""
    values = np.asarray(values, dtype=float)
    there = np.isfinite(values)
    if not there.any():
        return [None] * len(values)
    scaled = np.log(values, where=there, out=np.zeros_like(values)) if (values[there] > 0).all() else values
    low, high = float(scaled[there].min()), float(scaled[there].max())
    part = np.clip((scaled - low) / ((high - low) or 1.0), 0, 1)
    return [_mixed(float(at)) if known else None for at, known in zip(part, there, strict=True)]


def _mixed(at: float) -> str:
    k = min(int(at * (len(_CIVIDIS) - 1)), len(_CIVIDIS) - 2)
    share = at * (len(_CIVIDIS) - 1) - k
    ends = [[int(colour[n : n + 2], 16) for n in (1, 3, 5)] for colour in _CIVIDIS[k : k + 2]]
    return "#" + "".join(f"{round(a + share * (b - a)):02x}" for a, b in zip(*ends, strict=True))


def _scale(values: Any, label: str) -> str:
    finite = np.asarray(values)[np.isfinite(values)]
    bar = f"linear-gradient(90deg,{','.join(_CIVIDIS)})"
    return (
        '<div style="display:flex;gap:6px;align-items:center;font-size:85%;width:200px">'
        f'<span>{finite.min():.3g}</span><span style="flex:1;height:8px;background:{bar}"></span>'
        f"<span>{finite.max():.3g}</span><span>{escape(label)}</span></div>"
    )


def _roles(network: Network, task: Any) -> dict[int, str]:
    found = {}
    for role in ROLES:
        for node in getattr(task, role, None) or ():
            if node < network.nodes:
                found[int(node)] = role
    return found


def _node(places: np.ndarray, node: int, role: str) -> str:
    x, y = places[node]
    colour, marker, label = ROLES[role]
    points = " ".join(f"{x + dx:.1f},{y + dy:.1f}" for dx, dy in _SHAPES[marker])
    return (
        f'<polygon points="{points}" fill="{colour}" stroke="#fff" stroke-width="1"><title>{label} {node}</title></polygon>'
    )


# --- numbers -----------------------------------------------------------------------------------------------------------


def curves_picture(data: xarray.Dataset) -> str:
    """Errors against steps on logarithmic axes, one line for the mean of each combination that is no task or seed."""
    from clockless.pictures.curves import AVERAGED

    error, steps = data["error"], data["step"].values
    shown = steps > 0
    if shown.sum() < 2:
        return ""
    means = error.mean([dim for dim in AVERAGED if dim in error.dims], skipna=True)
    lines = means.transpose(..., "step").values.reshape(-1, len(steps))[:_LINES, shown]
    good = np.isfinite(lines) & (lines > 0)
    if not good.any():
        return ""
    x, low, high = np.log10(steps[shown]), np.log10(lines[good].min()), np.log10(lines[good].max())
    across = _LEFT + (_SIDE - 10 - _LEFT) * (x - x[0]) / ((x[-1] - x[0]) or 1.0)
    drawn = []
    for k, (line, known) in enumerate(zip(lines, good, strict=True)):
        up = 10 + (_SIDE - 40) * (high - np.log10(line, where=known, out=np.zeros_like(line))) / ((high - low) or 1.0)
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b, there in zip(across, up, known, strict=True) if there)
        dashes = ("", "6 3", "2 2")[k // len(_COLOURS) % 3]
        drawn.append(
            f'<polyline points="{points}" fill="none" stroke="{_COLOURS[k % len(_COLOURS)]}" stroke-width="1.6" '
            f'stroke-dasharray="{dashes}"/>'
        )
    bottom = _SIDE - 30
    frame = f'<path d="M{_LEFT:g} 10V{bottom:g}H{_SIDE - 10:g}" fill="none" stroke="currentColor" stroke-opacity="0.5"/>'
    ends = f"{10**high:.2g}", f"{10**low:.2g}", f"{steps[shown][0]}", f"{steps[-1]:,} steps"
    at = (_LEFT - 3, 14, "end"), (_LEFT - 3, bottom, "end"), (_LEFT, bottom + 14, "start"), (_SIDE - 4, bottom + 14, "end")
    words = [_text(*place, word) for place, word in zip(at, ends, strict=True)]
    return _svg(
        "Mean test error over steps, both logarithmic", [frame, *drawn, *words, _text(_SIDE / 2, 10, "middle", "test error")]
    )


def examples_picture(task: Any) -> str:
    """First target against first input of the training set, or how many examples each class has."""
    if task.labels_train is not None:
        counts = np.bincount(task.labels_train, minlength=task.classes or 0)
        wide, high = (_SIDE - 20) / max(len(counts), 1), (_SIDE - 44) * counts / max(counts.max(), 1)
        bars = [_bar(10 + k * wide, _SIDE - 24 - h, 0.8 * wide, h) for k, h in enumerate(high.tolist())]
        words = _text(_SIDE / 2, _SIDE - 8, "middle", "examples per class")
        return _svg(f"Examples of {len(counts)} classes", [*bars, words])
    x, y = task.x_train[:, 0], task.y_train[:, 0]
    across = (14 + (_SIDE - 28) * (x - x.min()) / (np.ptp(x) or 1.0))[:_MOST_DOTS]
    up = (_SIDE - 26 - (_SIDE - 50) * (y - y.min()) / (np.ptp(y) or 1.0))[:_MOST_DOTS]
    dots = [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="2.5" fill="#0072B2"/>' for a, b in zip(across, up, strict=True)]
    words = _text(_SIDE / 2, _SIDE - 8, "middle", "first target against first input")
    return _svg("First target against first input", [*dots, words])


def layers_picture(sizes: Sequence[int]) -> str:
    """Layers as bars whose heights go with the logarithm of their sizes."""
    most = max(np.log1p(sizes))
    wide = (_SIDE - 20) / len(sizes)
    bars = []
    for k, size in enumerate(sizes):
        high = (_SIDE - 50) * float(np.log1p(size)) / most
        x = 10 + k * wide
        bars.append(_bar(x, (_SIDE - 20 - high) / 2, 0.6 * wide, high))
        bars.append(_text(x + 0.3 * wide, _SIDE - 8, "middle", str(size)))
    return _svg(f"Layers of {', '.join(map(str, sizes))}", bars)


def _bar(x: float, y: float, wide: float, high: float) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{high:.1f}" fill="#0072B2"/>'


def _text(x: float, y: float, anchor: str, words: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" font-size="10" fill="currentColor">{escape(words)}</text>'


def _svg(about: str, parts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escape(about)}" width="{_SIDE:g}" '
        f'height="{_SIDE:g}" viewBox="0 0 {_SIDE:g} {_SIDE:g}">{"".join(parts)}</svg>'
    )
