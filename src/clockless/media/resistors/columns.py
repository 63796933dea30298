"""Free and clamped states of a block of linear resistor networks, from one factorisation.

The potentials of a linear network are combinations of q = sources + outputs *columns*: column h is the potential, relative
to the ground node, when 1 A enters at held node h and leaves at the ground. With the response matrix G (q x q, volts per
ampere at the held nodes; symmetric, positive definite; sources first, then outputs):

- free state: currents a at the sources with G_SS a = x, so that sources sit at x; outputs then read V_F = Q x with
  Q = G_OS G_SS^-1;
- clamped state: currents a + delta with G delta = (0, nudge r), r = V_D - V_F: sources keep x, outputs move to
  V_C = V_F + nudge (V_D - V_F), which is eq. 1 of Wycoff et al. 2022 (doi 10.1063/5.0084631);
- nudged state, the minimum of E + beta/2 sum over outputs of (V - V_D)^2: every output is joined to a source at V_D by a
  conductance beta. While sources are held, E = E_F + (1/2) m^T K m for outputs at V_F + m, with their stiffness
  K = (G_OO - G_OS G_SS^-1 G_SO)^-1, the outputs' block of G^-1. So K m = beta (r - m): outputs move by

      m = T r,   T(beta) = beta (K + beta)^-1,   delta with G delta = (0, T r).

  For -beta this is a minimum only while K - beta is positive definite; beyond, no state is stable, and it is NaN here.

With delta = S^T T r and a = P x (T = nudge for a clamp), what an edge senses, the sum over examples of (dV^2 at the pushed
state - dV_F^2), needs neither state: it is sum (d.delta) (d.(2 a + delta)), where d is the edge's drop in every column.
Centred, half of the difference between the states at beta and -beta, with delta' = S^T T(-beta) r, it is

    (1/2) ((d.(a + delta))^2 - (d.(a + delta'))^2) = (d.(delta - delta') / 2) (d.(2 a + delta + delta')).

Both are sum (d.S^T L r) (d.(2 a + S^T H r)): L = H = T for a push from the free state; centred, with U = beta (K - beta)^-1
= -T(-beta), L = (T + U) / 2 and H = T - U = -2 T U, so that a small beta loses no digits. Summed over examples

    sum over outputs o of (d.left_o) (d.right_o),   left = L^T S,   right = 2 P C_rx^T + C_rr H^T S,

with the moments C_rx = sum r x^T and C_rr = sum r r^T. So a batch costs what one example costs, and a difference of
nearly equal squares is never formed. For one example a single pair (S^T L r, 2 a + S^T H r) does.

All arrays end in [lane]; those of `Columns` say which of the symbols above they hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from llvmlite import ir
from numba import types

from clockless.numerics.elimination import COLUMNS
from clockless.numerics.lanes import intrinsic, size, uncounted, zeros
from clockless.numerics.rows import (
    Terms,
    add_product,
    add_twice,
    clear,
    copy,
    invert,
    multiply,
    subtract_product,
    subtract_products_of_four,
    subtract_products_of_two,
    subtract_triple,
    terms,
)
from clockless.parts.part import behaviour
from clockless.parts.pushes import Clamp, Nudge

if TYPE_CHECKING:
    from scipy.sparse import csr_array


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
    stiffness: np.ndarray  # [output, output, lane] scratch
    left: np.ndarray  # L [output, output, lane]
    right: np.ndarray  # H [output, output, lane]
    volts: np.ndarray  # x [source, lane] of one example
    residual: np.ndarray  # y, then r [output, lane] of one example
    moved: np.ndarray  # L r or H r [output, lane]
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
        stiffness=zeros(outputs, outputs, lanes),
        left=zeros(outputs, outputs, lanes),
        right=zeros(outputs, outputs, lanes),
        volts=zeros(sources, lanes),
        residual=zeros(outputs, lanes),
        moved=zeros(outputs, lanes),
        coefficients=zeros(q * _padded(2 * outputs), lanes),
        sides=zeros(rows * COLUMNS, lanes),
    )
    return columns, Moments(zeros(outputs, sources, lanes), zeros(outputs, outputs, lanes))


def _padded(count: int) -> int:
    return -(-count // COLUMNS) * COLUMNS


def column_terms(rows: int, q: int) -> Terms:
    """For each row, the products of its q potentials and q coefficients."""
    return terms([[((c // COLUMNS * rows + row) * COLUMNS + c % COLUMNS, c) for c in range(q)] for row in range(rows)])


@intrinsic
def place(typing_context, row, column, rows):
    """Where (row, column) of a table with `rows` rows stands: groups of four columns, then rows, then the four.

    (column // 4 * rows + row) * 4 + column % 4, in five instructions: numbers from 0 need no care for signs.
    """

    def codegen(context, builder, signature, args):
        row, column, rows = args
        four = ir.Constant(row.type, COLUMNS)
        group = builder.add(builder.mul(builder.udiv(column, four), rows), row)
        return builder.add(builder.mul(group, four), builder.urem(column, four))

    return types.intp(types.intp, types.intp, types.intp), codegen


@uncounted
def inject(held, ground, rows, potential):
    """Right-hand sides of all q columns: 1 A in at the held node, out at the lane's ground."""
    clear(potential, 0, potential.shape[0])
    for c in range(held.shape[0]):
        for w in range(held.shape[1]):
            potential[place(held[c, w], c, rows), w] += 1.0
            potential[place(ground[w], c, rows), w] -= 1.0


@uncounted
def _factor_response(tile, g):
    q = g.shape[0]
    for j in range(q):
        invert(tile, g, j * q + j, g, j * q + j)
        for i in range(q - 1, j, -1):
            for k in range(j + 1, i + 1):
                subtract_triple(tile, g, i * q + k, g, i * q + j, g, k * q + j, g, j * q + j)
        for i in range(j + 1, q):
            multiply(tile, g, i * q + j, g, i * q + j, g, j * q + j)


@uncounted
def respond(tile, held, ground, rows, potential, g):
    """Lower triangle of the response matrix G [q, q, lane], then its factor L (unit lower) with 1/D on the diagonal."""
    for h in range(g.shape[0]):
        for c in range(h + 1):
            for w in range(g.shape[2]):
                g[h, c, w] = potential[place(held[h, w], c, rows), w] - potential[place(ground[w], c, rows), w]
    _factor_response(tile, g)


@uncounted
def _solve_factored(tile, g, size, first, v, at):
    """Rows from `at` on of v [size, lane] <- (leading `size` block of G)^-1 v, where v is 0 above its row `first`."""
    q = g.shape[0]
    for j in range(first, size):
        for i in range(j + 1, size):
            subtract_product(tile, v, at + i, g, i * q + j, v, at + j)
    for j in range(size - 1, -1, -1):
        multiply(tile, v, at + j, v, at + j, g, j * q + j)
        for i in range(j + 1, size):
            subtract_product(tile, v, at + j, g, i * q + j, v, at + i)


@uncounted
def invert_response(tile, g, currents):
    """P, S and Q (`currents`) from the factored response matrix `g`."""
    source_currents, output_currents, transfer = currents
    sources = source_currents.shape[0]
    outputs, q, _ = output_currents.shape
    clear(source_currents, 0, sources * sources)
    for s in range(sources):
        source_currents[s, s] = 1.0
        _solve_factored(tile, g, sources, s, source_currents, s * sources)
    clear(output_currents, 0, outputs * q)
    for o in range(outputs):
        output_currents[o, sources + o] = 1.0
        _solve_factored(tile, g, q, sources + o, output_currents, o * q)
        # With G = L D L^T, Q = G_OS G_SS^-1 = L_OS L_SS^-1, so Q L_SS = L_OS, solved from the last source back.
        for s in range(sources - 1, -1, -1):
            copy(tile, transfer, o * sources + s, g, (sources + o) * q + s)
            for k in range(s + 1, sources):
                subtract_product(tile, transfer, o * sources + s, transfer, o * sources + k, g, k * q + s)


@uncounted
def residual(x, y, transfer, o, w):
    """V_D - V_F at output o of lane w for an example with source voltages x and targets y."""
    r = y[o]
    for s in range(x.size):
        r -= transfer[o, s, w] * x[s]
    return r


@uncounted
def add_example(x, y, transfer, moments, w):
    """Add an example (source voltages x, targets y) to the moments of lane w."""
    for o in range(y.size):
        r = residual(x, y, transfer, o, w)
        for s in range(x.size):
            moments.rx[o, s, w] += r * x[s]
        for other in range(y.size):
            moments.rr[o, other, w] += r * residual(x, y, transfer, other, w)


def push_outputs(push, tile, columns):
    """Write the matrices L and H of a push into `columns.left` and `columns.right`. Compiled only."""


@behaviour(push_outputs, Clamp)
def _clamp_outputs(push, tile, columns):
    outputs, _, lanes = columns.left.shape
    clear(columns.left, 0, outputs * outputs)
    clear(columns.right, 0, outputs * outputs)
    for o in range(outputs):
        for w in range(lanes):
            columns.left[o, o, w] = push.nudge[w]
            columns.right[o, o, w] = push.nudge[w]


@behaviour(push_outputs, Nudge)
def _nudge_outputs(push, tile, columns):
    left, right, product = columns.left, columns.right, columns.stiffness
    outputs, _, lanes = left.shape
    _nudge(tile, push.nudge, 1.0, columns, left)  # T
    _nudge(tile, push.nudge, -1.0, columns, right)  # U
    clear(product, 0, outputs * outputs)
    for o in range(outputs):
        for other in range(outputs):
            for k in range(outputs):
                add_twice(tile, product, o * outputs + other, left, o * outputs + k, right, k * outputs + other)
    for o in range(outputs):
        for other in range(outputs):
            for w in range(lanes):
                t = left[o, other, w]
                left[o, other, w] = 0.5 * (t + right[o, other, w]) if push.centred[w] != 0.0 else t
                right[o, other, w] = -product[o, other, w] if push.centred[w] != 0.0 else t


@uncounted
def _nudge(tile, beta, sign, columns, moved):
    """moved [output, output, lane] <- beta (K + sign beta)^-1, or NaN in lanes where that is not positive definite."""
    outputs, _, lanes = moved.shape
    sources = columns.volts.shape[0]
    stiffness = columns.stiffness
    clear(moved, 0, outputs * outputs)
    for o in range(outputs):
        for other in range(outputs):
            copy(tile, stiffness, o * outputs + other, columns.output_currents, o * (sources + outputs) + sources + other)
        for w in range(lanes):
            stiffness[o, o, w] += sign * beta[w]
            moved[o, o, w] = beta[w]
    _factor_response(tile, stiffness)
    for o in range(outputs):
        for w in range(lanes):
            if not stiffness[o, o, w] > 0.0:
                stiffness[0, 0, w] = np.nan  # spreads to every number of the lane that is solved for
    for o in range(outputs):
        _solve_factored(tile, stiffness, outputs, 0, moved, o * outputs)


@uncounted
def pairs_of_moments(tile, columns, moments):
    """Write the pair of every output from the moments; returns the number of pairs."""
    outputs, sources, _ = moments.rx.shape
    q = sources + outputs
    coefficients, moved, currents = columns.coefficients, columns.moved, columns.output_currents
    for o in range(outputs):
        clear(moved, 0, outputs)
        for k in range(outputs):
            for other in range(outputs):
                add_product(tile, moved, other, moments.rr, o * outputs + k, columns.right, k * outputs + other)
        for c in range(q):
            left = place(c, 2 * o, q)
            right = place(c, 2 * o + 1, q)
            clear(coefficients, left, left + 1)
            clear(coefficients, right, right + 1)
            for other in range(outputs):
                add_product(tile, coefficients, left, columns.left, o * outputs + other, currents, other * q + c)
                add_product(tile, coefficients, right, moved, other, currents, other * q + c)
            if c < sources:
                for s in range(sources):
                    add_twice(
                        tile, coefficients, right, moments.rx, o * sources + s, columns.source_currents, s * sources + c
                    )
    return outputs


@uncounted
def pair_of_example(tile, columns):
    """Write the pair (S^T L r, 2 a + S^T H r) of one example per lane, whose x and y stand in `volts` and `residual`.

    A single pair stands in the first 2 q rows of the coefficients: [column * 2 + side].
    """
    sources = columns.volts.shape[0]
    outputs, q, _ = columns.output_currents.shape
    coefficients, moved, residual = columns.coefficients, columns.moved, columns.residual
    for o in range(outputs):
        for s in range(sources):
            subtract_product(tile, residual, o, columns.transfer, o * sources + s, columns.volts, s)
    clear(coefficients, 0, 2 * q)
    for side in range(2):
        push = columns.left if side == 0 else columns.right
        clear(moved, 0, outputs)
        for o in range(outputs):
            for other in range(outputs):
                add_product(tile, moved, o, push, o * outputs + other, residual, other)
        for c in range(q):
            for o in range(outputs):
                add_product(tile, coefficients, 2 * c + side, moved, o, columns.output_currents, o * q + c)
    for c in range(sources):
        for s in range(sources):
            add_twice(tile, coefficients, 2 * c + 1, columns.volts, s, columns.source_currents, s * sources + c)


@uncounted
def combine_one_pair(tile, terms, potential, coefficients, sides):
    """Minus the potentials of the left and right of a single pair [row * 2 + side, lane]."""
    lanes = sides.shape[1]
    rows = terms.start.size - 1
    clear(sides, 0, 2 * rows)
    for lane in range(0, lanes, size(tile)):
        for row in range(rows):
            subtract_products_of_two(tile, sides, row, terms, row, potential, coefficients, 0, lane)


@uncounted
def add_two_pairs(tile, edge_from, edge_to, terms, columns, base, sensed):
    """Add what edges sense of two pairs whose coefficients stand from group `base` on; without a second one they are 0.

    sensed [edge, lane] is the sum over the step's examples of the difference of squared drops, in volts squared.
    """
    sides = columns.sides
    lanes = sensed.shape[1]
    rows = terms.start.size - 1
    clear(sides, 0, 4 * rows)
    for lane in range(0, lanes, size(tile)):
        for row in range(rows):
            subtract_products_of_four(tile, sides, row, terms, row, columns.potential, columns.coefficients, base, lane)
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
    error: np.ndarray = np.mean((free - roles.y_test[roles.task]) ** 2, axis=(1, 2))
    return error


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
