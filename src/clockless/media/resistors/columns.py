"""Free and clamped states of a block of linear resistor networks, from one factorisation.

The potentials of a linear network are combinations of q = sources + outputs *columns*: column h is the potential, relative
to the ground node, when 1 A enters at held node h and leaves at the ground. With the response matrix G (q x q, volts per
ampere at the held nodes; symmetric, positive definite; sources first, then outputs):

- free state: currents a at the sources with G_SS a = x, so that sources sit at x; outputs then read V_F = Q x with
  Q = G_OS G_SS^-1;
- clamped state: currents a + delta with G delta = (0, nudge r), r = V_D - V_F: sources keep x, outputs move to
  V_C = V_F + nudge (V_D - V_F), which is eq. 1 of Wycoff et al. 2022 (doi 10.1063/5.0084631).

What an edge senses, the sum over examples of (dV_C^2 - dV_F^2), needs neither state: with delta = nudge S r and a = P x it
is sum (d.delta) (d.(2 a + delta)), where d is the edge's drop in every column, and summed over examples

    sum over outputs o of (d.left_o) (d.right_o),   left = nudge S,   right = 2 P C_rx^T + nudge S C_rr,

with the moments C_rx = sum r x^T and C_rr = sum r r^T. So a batch costs what one example costs, and a difference of
nearly equal squares is never formed. For one example a single pair (delta, 2 a + delta) does.

All arrays end in [lane]; those of `Columns` say which of the symbols above they hold.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from clockless.numerics.elimination import COLUMNS
from clockless.numerics.lanes import TILE, Terms, compiled, subtract_products_of_four, subtract_products_of_two, terms, zeros


class Roles(NamedTuple):
    """Which rows are held, and the examples, for the lanes of a block."""

    held: np.ndarray  # [q, lane] row of each source, then of each output
    ground: np.ndarray  # [lane] row of the ground node
    task: np.ndarray  # [lane] index into the example tables
    x: np.ndarray  # [task, example, source] volts
    y: np.ndarray  # [task, example, output] volts
    x_test: np.ndarray
    y_test: np.ndarray
    columns: Terms  # per row: its potentials in the q columns times coefficients


class Moments(NamedTuple):
    """Sums over a step's examples of products of source voltages x and residuals r = V_D - V_F, per lane."""

    rx: np.ndarray  # [output, source, lane]
    rr: np.ndarray  # [output, output, lane]


class Columns(NamedTuple):
    """Scratch of a block: everything that depends on the present conductances."""

    potential: np.ndarray  # [place of (row, column), lane], see `place`
    response: np.ndarray  # [q, q, lane]
    source_currents: np.ndarray  # P [source, source, lane]: currents a per volt at a source
    output_currents: np.ndarray  # S [output, q, lane]: currents per volt by which an output alone moves
    transfer: np.ndarray  # Q [output, source, lane]
    coefficients: np.ndarray  # left and right of every pair [place of (column, 2 pair + side), lane]
    sides: np.ndarray  # potentials of left and right of one or two pairs [row * 2 pairs + 2 pair + side, lane]


def allocate(rows: int, sources: int, outputs: int, lanes: int) -> tuple[Columns, Moments]:
    """Scratch for a block of `lanes` replicas of a network with `rows` nodes."""
    q = sources + outputs
    columns = Columns(
        potential=zeros(rows * _padded(q), lanes),
        response=zeros(q, q, lanes),
        source_currents=zeros(sources, sources, lanes),
        output_currents=zeros(outputs, q, lanes),
        transfer=zeros(outputs, sources, lanes),
        coefficients=zeros(q * _padded(2 * outputs), lanes),
        sides=zeros(rows * COLUMNS, lanes),
    )
    return columns, Moments(zeros(outputs, sources, lanes), zeros(outputs, outputs, lanes))


def _padded(count: int) -> int:
    return -(-count // COLUMNS) * COLUMNS


def column_terms(rows: int, q: int) -> Terms:
    """For each row, the products of its q potentials and q coefficients."""
    return terms([[((c // COLUMNS * rows + row) * COLUMNS + c % COLUMNS, c) for c in range(q)] for row in range(rows)])


@compiled
def place(row, column, rows):
    """Where (row, column) of a table with `rows` rows stands: groups of four columns, then rows, then the four."""
    return (column // COLUMNS * rows + row) * COLUMNS + column % COLUMNS


@compiled
def inject(held, ground, rows, potential):
    """Right-hand sides of all q columns: 1 A in at the held node, out at the lane's ground."""
    potential[:] = 0.0
    for c in range(held.shape[0]):
        for w in range(held.shape[1]):
            potential[place(held[c, w], c, rows), w] += 1.0
            potential[place(ground[w], c, rows), w] -= 1.0


@compiled
def _factor_response(g):
    q, _, lanes = g.shape
    for j in range(q):
        for w in range(lanes):
            g[j, j, w] = 1.0 / g[j, j, w]
        for i in range(q - 1, j, -1):
            for k in range(j + 1, i + 1):
                for w in range(lanes):
                    g[i, k, w] -= g[i, j, w] * g[k, j, w] * g[j, j, w]
        for i in range(j + 1, q):
            for w in range(lanes):
                g[i, j, w] *= g[j, j, w]


@compiled
def respond(held, ground, rows, potential, g):
    """Lower triangle of the response matrix G [q, q, lane], then its factor L (unit lower) with 1/D on the diagonal."""
    q, lanes = held.shape
    for h in range(q):
        for c in range(h + 1):
            for w in range(lanes):
                g[h, c, w] = potential[place(held[h, w], c, rows), w] - potential[place(ground[w], c, rows), w]
    _factor_response(g)


@compiled
def _solve_factored(g, size, first, v):
    """v [size, lane] <- (leading `size` block of G)^-1 v, where v is 0 above row `first`."""
    lanes = v.shape[1]
    for j in range(first, size):
        for i in range(j + 1, size):
            for w in range(lanes):
                v[i, w] -= g[i, j, w] * v[j, w]
    for j in range(size - 1, -1, -1):
        for w in range(lanes):
            v[j, w] *= g[j, j, w]
        for i in range(j + 1, size):
            for w in range(lanes):
                v[j, w] -= g[i, j, w] * v[i, w]


@compiled
def invert_response(g, source_currents, output_currents, transfer):
    """P, S and Q from the factored response matrix `g`."""
    sources = source_currents.shape[0]
    outputs, q, lanes = output_currents.shape
    for s in range(sources):
        source_currents[s] = 0.0
        source_currents[s, s] = 1.0
        _solve_factored(g, sources, s, source_currents[s])
    for o in range(outputs):
        output_currents[o] = 0.0
        output_currents[o, sources + o] = 1.0
        _solve_factored(g, q, sources + o, output_currents[o])
    # With G = L D L^T, Q = G_OS G_SS^-1 = L_OS L_SS^-1, so Q L_SS = L_OS, solved from the last source back.
    for o in range(outputs):
        for s in range(sources - 1, -1, -1):
            for w in range(lanes):
                transfer[o, s, w] = g[sources + o, s, w]
            for k in range(s + 1, sources):
                for w in range(lanes):
                    transfer[o, s, w] -= transfer[o, k, w] * g[k, s, w]


@compiled
def residual(x, y, transfer, o, w):
    """V_D - V_F at output o of lane w for an example with source voltages x and targets y."""
    r = y[o]
    for s in range(x.size):
        r -= transfer[o, s, w] * x[s]
    return r


@compiled
def add_example(x, y, transfer, moments, w):
    """Add an example (source voltages x, targets y) to the moments of lane w."""
    for o in range(y.size):
        r = residual(x, y, transfer, o, w)
        for s in range(x.size):
            moments.rx[o, s, w] += r * x[s]
        for other in range(y.size):
            moments.rr[o, other, w] += r * residual(x, y, transfer, other, w)


@compiled
def pairs_of_moments(nudge, source_currents, output_currents, moments, coefficients):
    """Write the pair of every output from the moments; returns the number of pairs."""
    outputs, sources, lanes = moments.rx.shape
    q = sources + outputs
    for o in range(outputs):
        for c in range(q):
            left = place(c, 2 * o, q)
            right = place(c, 2 * o + 1, q)
            for w in range(lanes):
                coefficients[left, w] = nudge[w] * output_currents[o, c, w]
                coefficients[right, w] = 0.0
            for other in range(outputs):
                for w in range(lanes):
                    coefficients[right, w] += moments.rr[o, other, w] * nudge[w] * output_currents[other, c, w]
            if c < sources:
                for s in range(sources):
                    for w in range(lanes):
                        coefficients[right, w] += 2.0 * moments.rx[o, s, w] * source_currents[s, c, w]
    return outputs


@compiled
def pair_of_example(x, y, nudge, columns, w):
    """Write the pair (delta, 2 a + delta) of one example (source voltages x, targets y) for lane w.

    A single pair stands in the first 2 q rows of the coefficients: [column * 2 + side].
    """
    outputs, q, _ = columns.output_currents.shape
    coefficients = columns.coefficients
    for c in range(q):
        coefficients[2 * c, w] = 0.0
    for o in range(outputs):
        moved = nudge * residual(x, y, columns.transfer, o, w)
        for c in range(q):
            coefficients[2 * c, w] += moved * columns.output_currents[o, c, w]
    for c in range(q):
        total = coefficients[2 * c, w]
        if c < x.size:
            for s in range(x.size):
                total += 2.0 * x[s] * columns.source_currents[s, c, w]
        coefficients[2 * c + 1, w] = total


@compiled
def combine_one_pair(terms, potential, coefficients, sides):
    """Minus the potentials of the left and right of a single pair [row * 2 + side, lane]."""
    lanes = sides.shape[1]
    rows = terms.start.size - 1
    sides[: 2 * rows] = 0.0
    for tile in range(0, lanes, TILE):
        for row in range(rows):
            subtract_products_of_two(sides, row, terms, row, potential, coefficients, 0, tile)


@compiled
def add_two_pairs(edge_from, edge_to, terms, potential, coefficients, base, sides, sensed):
    """Add what edges sense of two pairs whose coefficients stand from group `base` on; without a second one they are 0.

    sensed [edge, lane] is the sum over the step's examples of dV_C^2 - dV_F^2, in volts squared.
    """
    lanes = sensed.shape[1]
    rows = terms.start.size - 1
    sides[: 4 * rows] = 0.0
    for tile in range(0, lanes, TILE):
        for row in range(rows):
            subtract_products_of_four(sides, row, terms, row, potential, coefficients, base, tile)
    for e in range(sensed.shape[0]):
        i = 4 * edge_from[e]
        j = 4 * edge_to[e]
        for w in range(lanes):
            first = (sides[i, w] - sides[j, w]) * (sides[i + 1, w] - sides[j + 1, w])
            second = (sides[i + 2, w] - sides[j + 2, w]) * (sides[i + 3, w] - sides[j + 3, w])
            sensed[e, w] += first + second


# --- looking at a settled block, in NumPy ---------------------------------------------------------------------------


def test_error(roles: Roles, columns: Columns) -> np.ndarray:
    """Mean over test examples and outputs of (V_F - V_D)^2 of every lane, in volts squared [lane]."""
    free = np.einsum("osw,wes->weo", columns.transfer, roles.x_test[roles.task])
    return np.mean((free - roles.y_test[roles.task]) ** 2, axis=(1, 2))


def unbalanced(incidence: csr_array, roles: Roles, columns: Columns, conductance: np.ndarray) -> np.ndarray:
    """How well the columns obey Kirchhoff's current law, in amperes [lane].

    The largest net current at any node, of any column, in excess of the 1 A that enters at the held node and leaves at
    the ground. `incidence` [row, edge] is 1 where an edge leaves and -1 where it ends.
    """
    lanes = np.arange(len(roles.ground))
    groups = columns.potential.reshape(-1, incidence.shape[0], COLUMNS, lanes.size)
    largest = np.zeros(lanes.size)
    for c in range(len(roles.held)):
        net = incidence @ (conductance * (incidence.T @ groups[c // COLUMNS, :, c % COLUMNS]))
        net[roles.held[c], lanes] -= 1.0
        net[roles.ground, lanes] += 1.0
        largest = np.maximum(largest, np.abs(net).max(axis=0))  # lets NaN through
    return largest
