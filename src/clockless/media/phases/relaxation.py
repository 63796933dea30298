"""Phases settle by exact one-site minimisation, compiled, eight samples at a time in vector registers.

For fixed neighbours the energy of site i of an XY network is -|g_i| cos(phi_i - arg g_i) with the local field
g_i = b_i + sum_j W_ij z_j, z = exp(i phi), where b_i holds everything that does not move. So z_i <- g_i / |g_i| is the
exact minimum, in any order of visits, without a step size. Over-relaxation goes beyond the minimum,

    z_i <- v / |v|,    v = omega g_i - (omega - 1) max(Re(conj(z_i) g_i), 0) z_i,    1 <= omega < 2.

With d the angle from arg g_i, tan |d_new| <= (omega - 1) |sin d|, so |d_new| <= |d|: the energy never rises, whatever
omega, and the stationary states are the same. Near the minimum d_new = (1 - omega) d, which is successive
over-relaxation of the linearised equations (Young 1954, doi 10.1090/S0002-9947-1954-0059635-7).

A sample stops when max over its free sites of |F_i| = |Im(conj(z_i) g_i)| (the torque, with the nudge's) is at most
the wanted residual, checked in one unmoving state. Samples in lanes do not see each other, so neither their number nor
their order changes a bit.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from clockless.media.phases.sites import LANES, PAIR, field_of_row, move_row
from clockless.numerics.lanes import compiled
from clockless.numerics.randomness import RELAXATION, step_keys, unit_hash
from clockless.parts.kernels import entry

COLOURED, PERMUTED, WITH_REPLACEMENT = 0, 1, 2  # how a sweep's order of visits comes about
ADAPT = 8  # sweeps between two looks at how fast a sample converges
_NEAREST = 0.02  # distance of over-relaxation from 2


class Graph(NamedTuple):
    """Rows that take part, each with its neighbours; couplings to sites outside are part of the field."""

    start: np.ndarray  # int64 [row + 1]
    neighbour: np.ndarray  # int64 [entry] row
    weight: np.ndarray  # float64 [entry]
    order: np.ndarray  # int64 [free row] in which free rows are visited


class Nudge(NamedTuple):
    """The logarithmic cost at some rows: strength x -log(1 + eps + cos(phi - target)); no rows, no cost."""

    output: np.ndarray  # int64 [row]: which output the row is, -1 if none
    target: np.ndarray  # float64 [output, 2, sample]: cosine and sine of the target phases
    strength: float
    eps: float


class Going(NamedTuple):
    """How to relax and when to stop."""

    kind: int  # COLOURED, PERMUTED or WITH_REPLACEMENT
    omega: float
    adapts: bool  # whether omega follows each sample's convergence
    seed: np.ndarray  # uint64 [1]
    occasion: np.ndarray  # uint64 [1]
    residual: float
    sweeps_limit: int


@compiled
def _larger(torque, worst):
    """The maximum, or NaN if either is."""
    return torque if torque > worst or torque != torque else worst


@compiled
def _nudged_torque(zr, zi, gr, gi, tr, ti, strength, eps):
    """Torque at an output, with that of the logarithmic cost: -strength sin(delta) / (1 + eps + cos(delta))."""
    c = zr * tr + zi * ti
    s = zi * tr - zr * ti
    q = 1.0 + eps + c
    return zr * gi - zi * gr - strength * s / q if q > 0.0 else np.inf


@compiled
def _damped_newton(z, at, g, targets, place, strength, eps, worst):
    """One visit of an output under the logarithmic cost: a Newton step, halved until the energy falls.

    The one-site energy may have two minima, and an exact minimisation jumps between them; a step of at most half a
    radian that goes downhill stays in the present basin. A step x turns z by 2 atan(x / 2). Changes of energy are formed as
    such, not as differences of energies, so the test holds down to the last bit.
    """
    for w in range(LANES):
        zr, zi = z[at + w], z[at + LANES + w]
        gr, gi = g[w], g[LANES + w]
        tr, ti = targets[place + w], targets[place + LANES + w]
        torque = _nudged_torque(zr, zi, gr, gi, tr, ti, strength, eps)
        worst[w] = _larger(abs(torque), worst[w])
        c = zr * tr + zi * ti
        s = zi * tr - zr * ti
        q = 1.0 + eps + c
        along = zr * gr + zi * gi
        across = zr * gi - zi * gr
        if q > 0.0:
            curvature = along + strength * (1.0 + c * (1.0 + eps)) / (q * q)
            step = min(max(torque / max(abs(curvature), 1e-300), -0.5), 0.5)
        else:
            step = 0.5  # exactly at the antipode, where the cost is infinite
        for _ in range(40):
            scale = 1.0 / (1.0 + 0.25 * step * step)
            a = -0.5 * step * step * scale  # the rotation is 1 + a + i b
            b = step * scale
            gained = (c * a - s * b) / q if q > 0.0 else np.inf
            change = -(along * a + across * b) - strength * np.log1p(gained)
            if change <= 0.0:
                z[at + w] = zr + zr * a - zi * b
                z[at + LANES + w] = zi + zi * a + zr * b
                break
            step *= 0.5


@compiled
def _sweep(visits, base, z, field, targets, target_base, g, graph, nudge, omega, worst):
    """Let all lanes of the rows `visits` of one tile move, one row after the other."""
    start, neighbour, weight, output_of = graph.start, graph.neighbour, graph.weight, nudge.output
    for k in range(visits.size):
        row = visits[k]
        at = base + row * PAIR
        output = output_of[row]
        if output < 0:
            move_row(g, field, at, z, base, weight, neighbour, start[row], start[row + 1], omega, worst)
        else:
            field_of_row(g, field, at, z, base, weight, neighbour, start[row], start[row + 1], omega, worst)
            _damped_newton(z, at, g, targets, target_base + output * PAIR, nudge.strength, nudge.eps, worst)


@compiled
def _torques(base, z, field, targets, target_base, g, graph, nudge, omega, worst):
    """Largest |torque| over the free rows of one tile, in one unmoving state."""
    worst[:] = 0.0
    for k in range(graph.order.size):
        row = graph.order[k]
        at = base + row * PAIR
        field_of_row(
            g, field, at, z, base, graph.weight, graph.neighbour, graph.start[row], graph.start[row + 1], omega, worst
        )
        output = nudge.output[row]
        place = target_base + output * PAIR
        for w in range(LANES):
            zr, zi = z[at + w], z[at + LANES + w]
            if output < 0:
                torque = abs(zr * g[LANES + w] - zi * g[w])
            else:
                tr, ti = targets[place + w], targets[place + LANES + w]
                torque = abs(_nudged_torque(zr, zi, g[w], g[LANES + w], tr, ti, nudge.strength, nudge.eps))
            worst[w] = _larger(torque, worst[w])


@compiled
def _draw_order(going, order, sweep, key, visits):
    """The rows that a sweep visits, written to `visits`; random orders are those of (seed, occasion, sweep)."""
    for k in range(order.size):  # of an assigned slice Numba compiles what its error would say, for a second
        visits[k] = order[k]
    if going.kind == COLOURED:
        return
    step_keys(going.seed, going.occasion, sweep, RELAXATION, key)
    count = order.size
    for k in range(count - 1, -1, -1):
        choices = np.uint64(count if going.kind == WITH_REPLACEMENT else k + 1)
        other = np.int64((np.uint64(unit_hash(k, key[0, 0], key[1, 0])) * choices) >> np.uint64(32))
        if going.kind == WITH_REPLACEMENT:
            visits[k] = order[other]
        else:
            visits[k], visits[other] = visits[other], visits[k]


@compiled
def _copy_lane(source, source_slot, target, target_slot, rows):
    for row in range(rows):
        for part in range(2):
            here = (source_slot // LANES * rows + row) * PAIR + part * LANES + source_slot % LANES
            there = (target_slot // LANES * rows + row) * PAIR + part * LANES + target_slot % LANES
            target[there] = source[here]


@compiled
def _pack(table, samples, tiles):
    """[row, 2, sample] into tiles; lanes beyond the last sample repeat it."""
    rows = table.shape[0]
    packed = np.empty(tiles * rows * PAIR)
    for tile in range(tiles):
        for row in range(rows):
            for part in range(2):
                for w in range(LANES):
                    sample = min(tile * LANES + w, samples - 1)
                    packed[(tile * rows + row) * PAIR + part * LANES + w] = table[row, part, sample]
    return packed


@compiled
def _unpack(packed, slot, table, sample):
    rows = table.shape[0]
    for row in range(rows):
        for part in range(2):
            table[row, part, sample] = packed[(slot // LANES * rows + row) * PAIR + part * LANES + slot % LANES]


@compiled
def adapted(omega, rate):
    """Over-relaxation of a sample whose torque shrinks by the factor `rate` a sweep.

    For a quadratic energy on two colours, sweeps at omega below the best one shrink errors by lambda with
    (lambda + omega - 1)^2 = lambda omega^2 mu^2, mu the spectral radius of simultaneous updates, and the best one is
    2 / (1 + sqrt(1 - mu^2)); above it lambda = omega - 1 (Young 1954). Other colourings and the way to the minimum are only
    alike, so omega approaches 2 by a third of the distance at most, and gives way when it seems too large.
    """
    if not rate > 0.0:  # the first look, or settled to the last bit
        return omega
    if rate <= 1.02 * (omega - 1.0):
        return 2.0 - min(1.1 * (2.0 - omega), 1.0)
    if not rate < 1.0:
        return omega
    mu_squared = (rate + omega - 1.0) ** 2 / (rate * omega * omega)
    best = 2.0 / (1.0 + np.sqrt(max(1.0 - mu_squared, 0.0)))
    return max(omega, 2.0 - max(2.0 - best, (2.0 - omega) / 1.5, _NEAREST))


def _relax(graph, field, nudge, going, z, residual, sweeps):
    """Relax all samples; overwrites `z` [row, 2, sample], writes `residual` and `sweeps` [sample].

    `field` [row, 2, sample] is b_i, everything that does not move. Settled samples leave, and when they make room for it
    the samples of the last tile move into earlier ones.
    """
    rows, _, samples = z.shape
    tiles = (samples + LANES - 1) // LANES
    packed, fields, targets = _pack(z, samples, tiles), _pack(field, samples, tiles), _pack(nudge.target, samples, tiles)
    outputs = nudge.target.shape[0]
    who = np.full(tiles * LANES, -1)
    for sample in range(samples):
        who[sample] = sample
    omega, omegas = np.empty(LANES), np.full(tiles * LANES, going.omega)
    before = np.full(tiles * LANES, np.inf)
    g, worst, key = np.empty(PAIR), np.empty(LANES), np.empty((2, 1), dtype=np.uint32)
    close = np.zeros(LANES, dtype=np.bool_)
    visits = graph.order.copy()
    active = samples
    for sweep in range(going.sweeps_limit + 1):
        if going.kind != COLOURED:
            _draw_order(going, graph.order, sweep, key, visits)
        last = sweep == going.sweeps_limit
        for tile in range(tiles):
            base, target_base = tile * rows * PAIR, tile * outputs * PAIR
            worst[:] = 0.0
            for w in range(LANES):
                omega[w] = omegas[tile * LANES + w]
            if not last:
                _sweep(visits, base, packed, fields, targets, target_base, g, graph, nudge, omega, worst)
            if going.adapts and sweep % ADAPT == ADAPT - 1:
                for w in range(LANES):
                    slot = tile * LANES + w
                    omegas[slot] = adapted(omegas[slot], (worst[w] / before[slot]) ** (1.0 / ADAPT))
                    before[slot] = worst[w]
            near = False
            for w in range(LANES):
                # A sample's own sweep says when to look closer, so that others do not change where it stops.
                close[w] = who[tile * LANES + w] >= 0 and (last or not worst[w] > going.residual)
                near = near or close[w]
            if not near:
                continue
            _torques(base, packed, fields, targets, target_base, g, graph, nudge, omega, worst)
            for w in range(LANES):
                slot = tile * LANES + w
                if close[w] and (last or not worst[w] > going.residual):
                    residual[who[slot]] = worst[w]
                    sweeps[who[slot]] = sweep if last else sweep + 1
                    _unpack(packed, slot, z, who[slot])
                    who[slot] = -1
                    active -= 1
        if active == 0:
            break
        while active <= (tiles - 1) * LANES:  # the last tile's samples fit into earlier ones
            hole = 0
            for slot in range((tiles - 1) * LANES, tiles * LANES):
                if who[slot] >= 0:
                    while who[hole] >= 0:
                        hole += 1
                    _copy_lane(packed, slot, packed, hole, rows)
                    _copy_lane(fields, slot, fields, hole, rows)
                    _copy_lane(targets, slot, targets, hole, outputs)
                    omegas[hole] = omegas[slot]
                    before[hole] = before[slot]
                    who[hole] = who[slot]
                    who[slot] = -1
            tiles -= 1


relax = entry(_relax)
