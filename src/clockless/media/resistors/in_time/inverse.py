"""The settled network as an inverse that follows every event by an exact change of rank one, and is made anew when it errs.

With inputs and grounds held and L the Laplacian of the present conductances among the free nodes, three tables say how the
network responds; rows of held nodes complete them, so that all have a row for every node:

- inverse Z = L_ff^-1 [node, node], ohms: potentials per ampere that enters at a free node (0 at held ones);
- transfer T [node, input]: potentials per volt at an input (1 at itself, 0 at grounds and at other inputs);
- admittance G [input, input], siemens: current that enters at an input per volt at another.

An event changes one conductance, k of edge e = (i, j), by dk. With b = 1_i - 1_j, u = Z b, w = b.u = Z_ii - 2 Z_ij + Z_jj
(what the edge sees between its ends, ohms) and d = T_i - T_j (its drop per volt at each input), Sherman and Morrison (1950,
doi 10.1214/aoms/1177729893) give

    c = dk / (1 + dk w),   Z <- Z - c u u^T,   T <- T - c u d^T,   G <- G + c d d^T,

in about 2 n^2 operations. Rounding adds up over events; it is measured now and then as the current that Kirchhoff's law
leaves over, and Z is inverted anew, in about 2 n^3, where that or a small denominator asks for it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from clockless.numerics.lanes import uncounted


class Wiring(NamedTuple):
    """The network and which of its nodes are held, for one replica."""

    edge_from: np.ndarray  # int64 [edge]
    edge_to: np.ndarray
    inputs: np.ndarray  # int64 [input]
    outputs: np.ndarray  # int64 [output]
    held: np.ndarray  # bool [node]: inputs and grounds
    first: np.ndarray  # int64 [edge + 1]: where each edge's neighbours begin in `neighbours`
    neighbours: np.ndarray  # int64: edges that share a node with it


class Network(NamedTuple):
    """How one replica's network responds now."""

    conductance: np.ndarray  # k [edge], siemens
    inverse: np.ndarray  # Z [node, node]
    transfer: np.ndarray  # T [node, input]
    admittance: np.ndarray  # G [input, input]


@uncounted
def invert(wiring, network):
    """Z, T and G from the conductances: Gauss and Jordan's elimination in place, without pivoting.

    L_ff is symmetric and positive definite, so every pivot is positive.
    """
    k, z, t, g = network.conductance, network.inverse, network.transfer, network.admittance
    nodes, inputs = t.shape
    for p in range(nodes):
        for q in range(nodes):
            z[p, q] = 0.0
    for e in range(k.size):
        i, j = wiring.edge_from[e], wiring.edge_to[e]
        if not wiring.held[i]:
            z[i, i] += k[e]
        if not wiring.held[j]:
            z[j, j] += k[e]
            if not wiring.held[i]:
                z[i, j] -= k[e]
                z[j, i] -= k[e]
    for p in range(nodes):
        if wiring.held[p]:
            continue
        scale = 1.0 / z[p, p]
        for i in range(nodes):
            if i != p and z[i, p] != 0.0:
                factor = z[i, p] * scale
                z[i, p] = 0.0
                for q in range(nodes):
                    z[i, q] -= factor * z[p, q]
                z[i, p] = -factor
        for q in range(nodes):
            z[p, q] *= scale
        z[p, p] = scale
    for s in range(inputs):
        source = wiring.inputs[s]
        for n in range(nodes):
            t[n, s] = 0.0
        for r in range(inputs):
            g[s, r] = 0.0
        for e in range(k.size):
            i, j = wiring.edge_from[e], wiring.edge_to[e]
            if i == source or j == source:
                other = j if i == source else i
                for n in range(nodes):
                    t[n, s] += k[e] * z[other, n]  # rows of held nodes are 0
        t[source, s] = 1.0
    for s in range(inputs):
        source = wiring.inputs[s]
        for e in range(k.size):
            i, j = wiring.edge_from[e], wiring.edge_to[e]
            if i == source or j == source:
                other = j if i == source else i
                for r in range(inputs):
                    g[s, r] += k[e] * (t[source, r] - t[other, r])


@uncounted
def change(wiring, network, edge, by, u):
    """Change one conductance and follow exactly; False, and only the conductance changed, where that would lose digits."""
    z, t, g = network.inverse, network.transfer, network.admittance
    nodes, inputs = t.shape
    i, j = wiring.edge_from[edge], wiring.edge_to[edge]
    network.conductance[edge] += by
    for n in range(nodes):
        u[n] = z[i, n] - z[j, n]
    seen = u[i] - u[j]
    denominator = 1.0 + by * seen
    if not denominator > SMALLEST:
        return False
    c = by / denominator
    for n in range(nodes):
        factor = c * u[n]
        if factor != 0.0:
            for m in range(nodes):
                z[n, m] -= factor * u[m]
    for s in range(inputs):
        d = t[i, s] - t[j, s]
        for r in range(inputs):
            g[s, r] += c * d * (t[i, r] - t[j, r])
    for s in range(inputs):
        factor = c * (t[i, s] - t[j, s])
        for n in range(nodes):
            t[n, s] -= factor * u[n]
    return True


SMALLEST = 0.01  # denominator of an exact change: two digits are lost at most


@uncounted
def unbalanced(wiring, network, net):
    """Current that Kirchhoff's law leaves over at free nodes, relative to the largest in an edge; `net` [node] is scratch.

    The largest of the states of 1 V at each input and of 1 A at each output.
    """
    k, z, t = network.conductance, network.inverse, network.transfer
    nodes, inputs = t.shape
    worst = 0.0
    for column in range(inputs + wiring.outputs.size):
        for n in range(nodes):
            net[n] = 0.0
        largest = 1e-300
        for e in range(k.size):
            i, j = wiring.edge_from[e], wiring.edge_to[e]
            if column < inputs:
                current = k[e] * (t[i, column] - t[j, column])
            else:
                output = wiring.outputs[column - inputs]
                current = k[e] * (z[output, i] - z[output, j])
            net[i] += current
            net[j] -= current
            largest = max(largest, abs(current))
        if column >= inputs:
            net[wiring.outputs[column - inputs]] -= 1.0
        for n in range(nodes):
            if not wiring.held[n]:
                left = abs(net[n]) / largest
                if not left <= worst:  # lets NaN through
                    worst = left
    return worst


def wiring_of(nodes: int, edges: np.ndarray, task: object) -> Wiring:
    """The wiring of a network of so many nodes, edges [edge, 2], with the roles of a task."""
    inputs, outputs, ground = (np.array(getattr(task, role), dtype=np.int64) for role in ("inputs", "outputs", "ground"))
    held = np.zeros(nodes, dtype=np.bool_)
    held[inputs] = held[ground] = True
    touching = [np.flatnonzero((edges == node).any(axis=1)) for node in range(nodes)]
    beside = [np.setdiff1d(np.union1d(touching[i], touching[j]), [e]) for e, (i, j) in enumerate(edges)]
    return Wiring(
        edge_from=np.ascontiguousarray(edges[:, 0], dtype=np.int64),
        edge_to=np.ascontiguousarray(edges[:, 1], dtype=np.int64),
        inputs=inputs, outputs=outputs, held=held,
        first=np.cumsum([0, *map(len, beside)], dtype=np.int64),
        neighbours=np.concatenate(beside).astype(np.int64) if beside else np.zeros(0, dtype=np.int64),
    )  # fmt: skip


def network_of(conductance: np.ndarray, nodes: int, inputs: int) -> Network:
    """Room for a network's response; see `invert`."""
    return Network(conductance, np.zeros((nodes, nodes)), np.zeros((nodes, inputs)), np.zeros((inputs, inputs)))
