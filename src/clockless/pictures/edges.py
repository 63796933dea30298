"""How the edges of a drawing run: straight, as stubs where a lattice closes to a torus, as arcs round sites in the way."""

from __future__ import annotations

import numpy as np

from clockless.networks.network import Network

_LAYERED = 0.25  # of the edges: if more are long, these are layers, and arcs help nobody


def edge_lines(network: Network, places: np.ndarray, crowded: int) -> list[np.ndarray]:
    """The edges as lines, float64 [point, 2] each; NaN lifts the pen.

    Args:
        network: the wiring.
        places: where its sites are drawn, [node, 2].
        crowded: number of edges beyond which all lines are straight.
    """
    start, along = places[network.edges[:, 0]], places[network.edges[:, 1]] - places[network.edges[:, 0]]
    length = np.linalg.norm(along, axis=1)
    wrapped = _wrapped(network, places, along)
    met = np.zeros(len(length), dtype=bool)
    if len(length) <= crowded:
        met[:] = [_meets_site(places, i, j) for i, j in network.edges]
    arcs = met & (np.mean(length > 1.5 * spacing(places)) <= _LAYERED)
    lines = []
    for edge, (i, j) in enumerate(network.edges):
        if wrapped is not None and length[edge] > 1.5 * np.linalg.norm(wrapped[edge]):
            half = 0.5 * wrapped[edge]
            gap = np.full((1, 2), np.nan)
            lines.append(np.vstack([start[edge], start[edge] + half, gap, places[j], places[j] - half]))
        elif arcs[edge]:
            t = np.linspace(0, 1, 24)[:, None]
            normal = np.array([-along[edge][1], along[edge][0]])
            lines.append(start[edge] + t * along[edge] + 0.6 * t * (1 - t) * normal)
        else:
            lines.append(places[[i, j]])
    return lines


def _wrapped(network: Network, places: np.ndarray, along: np.ndarray) -> np.ndarray | None:
    """Edge vectors on a torus; None unless this is one: all sites have equally many partners, but not all others."""
    complete = network.nodes * (network.nodes - 1) // 2
    if np.ptp(network.degrees) or len(network.edges) == complete or network.degrees[0] not in (4, 6):
        return None
    steps = [np.diff(np.unique(np.round(coordinate, 9))) for coordinate in places.T]
    if not all(step.size for step in steps):
        return None
    period = np.ptp(places, axis=0) + [step.min() for step in steps]
    wrapped: np.ndarray = along - period * np.round(along / period)
    return wrapped


def _meets_site(places: np.ndarray, i: int, j: int) -> bool:
    """Whether another site lies on the line from site i to site j."""
    along = places[j] - places[i]
    t = (places - places[i]) @ along / (along @ along)
    distance = np.linalg.norm(places - places[i] - t[:, None] * along, axis=1)
    return bool(((t > 1e-6) & (t < 1 - 1e-6) & (distance < 0.15 * spacing(places))).any())


def spacing(places: np.ndarray) -> float:
    """The typical distance of a site to the nearest other one."""
    from scipy.spatial import KDTree

    return float(np.median(KDTree(places).query(places, k=2)[0][:, 1]))
