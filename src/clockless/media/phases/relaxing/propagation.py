"""Twin XY networks from one time to another: overdamped phases, by steps that control their error or that noise demands.

Every phase that is not held follows its torque F = -dE/dphi against a friction, and hears white noise at a temperature,

    gamma dphi/dt = F(phi) + sqrt(2 gamma k_B T) xi(t),

whose stationary density is exp(-E / k_B T) (overdamped Langevin dynamics, e.g. Risken 1989, doi 10.1007/978-3-642-61544-3;
E as in `xy`). The pushed twin stands beside the free one: its outputs are clamped at phi_F + nudge (phi_D - phi_F), the
short way round, wherever the free twin's are at that time, or nudged by the torque of a cost.

Cold phases move by Bogacki and Shampine's pair of orders 3 and 2 (1989, doi 10.1016/0893-9659(89)90079-7): the difference of
both bounds what a step adds to the error of any phase, and no step is longer than 2 / b, which is stable, where b is
Gershgorin's bound of all rates, (2 sum |W| + |h| + beta) / gamma. Warm phases move by Heun's method,

    d = (F(phi) dt + noise) / gamma,    phi <- phi + (F(phi) + F(phi + d)) dt / (2 gamma) + noise / gamma,

with the same noise in both, of weak order 2 as the noise does not depend on phi (Kloeden and Platen 1992,
doi 10.1007/978-3-662-12616-5, sec. 15.1). Steps follow from the state alone, and never from when somebody looks.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from clockless.numerics.lanes import standing, uncounted
from clockless.numerics.randomness import THERMAL, normal, step_keys
from clockless.parts.pushes import Nudge

LONGEST = 2.0  # cold steps, in 1 / b: the method is stable up to 2.5
WARM = 0.1  # warm steps, in 1 / b: a mode's variance is too small by less than (WARM)^2 / 4
RESTS = 4e-15  # rates in b radians below which nothing moves any more but by rounding
SOON, MOVED = 0.2, 1e-3  # units that watch: after a fifth of 1 / b, and the longer time in which no phase turns so far
SMALLEST = 1e-9  # steps in 1 / b that are taken whatever their error: the clamp may jump at a target's antipode


class Wires(NamedTuple):
    """The wiring, and who is held, of one replica; none of it changes."""

    edge_from: np.ndarray  # int64 [edge]
    edge_to: np.ndarray
    coupling: np.ndarray  # int64 [edge] which coupling an edge uses
    inputs: np.ndarray  # int64 [input]
    outputs: np.ndarray  # int64 [output]
    held: np.ndarray  # bool [site]
    edge_at: np.ndarray  # int64 [coupling + 1] where the edges of each coupling begin in `edges`
    edges: np.ndarray  # int64 [edge] by coupling
    first: np.ndarray  # int64 [unit + 1] where each unit's neighbours begin in `neighbours`
    neighbours: np.ndarray  # int64: units that share a site with it


class Physics(NamedTuple):
    """What of the medium matters while phases relax."""

    mobility: np.ndarray  # [1] 1 / friction
    heat: np.ndarray  # [1] k_B T, in the unit of W
    tolerance: np.ndarray  # [1] radians, of a cold step
    step: np.ndarray  # [1] longest step, seconds; 0: `LONGEST` or `WARM`


class Push(NamedTuple):
    """How the rule pushes; each [1]."""

    clamps: np.ndarray  # 1 where outputs are clamped, 0 where they are nudged
    nudge: np.ndarray  # of the way to the target, or beta
    logarithmic: np.ndarray  # 1 where a nudge's cost is the logarithmic one, else 0
    eps: np.ndarray  # that regularises it


def push_numbers(push: Any) -> Push:
    """A `Clamp` or a `Nudge` in numbers."""
    nudges = isinstance(push, Nudge)
    logarithmic = nudges and push.cost != "cosine"
    eps = push.eps if nudges else 0.0
    return Push(*(np.array([float(number)]) for number in (not nudges, push.nudge, logarithmic, eps)))


class Moving(NamedTuple):
    """What relaxes, of one replica."""

    phase: np.ndarray  # [site, 2] radians, of the free and of the pushed twin
    weight: np.ndarray  # [edge] W, as it is now
    along: np.ndarray  # [site] h cos(psi)
    across: np.ndarray  # [site] h sin(psi)
    stride: np.ndarray  # [1] length of the next cold step, seconds
    drawn: np.ndarray  # int64 [1] times that noise was drawn


class Room(NamedTuple):
    """Scratch, [site, 2] each but for the last two."""

    trial: np.ndarray
    end: np.ndarray
    noise: np.ndarray
    cosine: np.ndarray
    sine: np.ndarray
    real: np.ndarray
    imaginary: np.ndarray
    first: np.ndarray
    second: np.ndarray
    third: np.ndarray
    fourth: np.ndarray
    target: np.ndarray  # [output] radians that are wanted
    key: np.ndarray  # uint32 [2, 1]


def room_of(sites: int, outputs: int) -> Room:
    """Room for it."""
    tables = {name: np.zeros((sites, 2)) for name in Room._fields[:-2]}
    return Room(**tables, target=np.zeros(outputs), key=np.zeros((2, 1), dtype=np.uint32))


# --- pushes: numbers, not types, or all that follows would be compiled for each -----------------------------------------


@uncounted
def wrapped(angle):
    """The same angle in [-pi, pi)."""
    return angle - 2.0 * np.pi * np.floor((angle + np.pi) / (2.0 * np.pi))


@uncounted
def place(push, wires, target, phase):
    """Put the pushed twin's outputs where they are clamped, if they are."""
    if push.clamps[0] == 0.0:
        return
    for o in range(wires.outputs.size):
        at = wires.outputs[o]
        phase[at, 1] = phase[at, 0] + push.nudge[0] * wrapped(target[o] - phase[at, 0])


@uncounted
def pull(push, wires, physics, target, phase, rate):
    """What the push makes of the rates of the pushed twin's outputs."""
    for o in range(wires.outputs.size):
        at = wires.outputs[o]
        if push.clamps[0] != 0.0:
            rate[at, 1] = 0.0
        else:
            rate[at, 1] -= physics.mobility[0] * push.nudge[0] * slope(push, phase[at, 1] - target[o])


@uncounted
def slope(push, delta):
    """dC/dphi of the cost of one output, see `costs`; at the antipode 1 + cos is formed from the sine, without loss."""
    sine, cosine = np.sin(delta), np.cos(delta)
    if push.logarithmic[0] == 0.0:
        return sine
    eps = push.eps[0]
    away = 1.0 + cosine if cosine > 0.0 else sine * sine / (1.0 - cosine)
    return sine / (eps + away) if eps + away > 0.0 else 0.0


# --- equations of motion --------------------------------------------------------------------------------------------------


@standing
def rates(push, wires, physics, moving, room, phase, rate):
    """rate <- dphi/dt of both twins without noise; clamped outputs of `phase` are put where they are held."""
    place(push, wires, room.target, phase)
    sites = phase.shape[0]
    for n in range(sites):
        for w in range(2):
            room.cosine[n, w] = np.cos(phase[n, w])
            room.sine[n, w] = np.sin(phase[n, w])
            room.real[n, w] = moving.along[n]
            room.imaginary[n, w] = moving.across[n]
    for e in range(moving.weight.size):
        i, j, weight = wires.edge_from[e], wires.edge_to[e], moving.weight[e]
        for w in range(2):
            room.real[i, w] += weight * room.cosine[j, w]
            room.imaginary[i, w] += weight * room.sine[j, w]
            room.real[j, w] += weight * room.cosine[i, w]
            room.imaginary[j, w] += weight * room.sine[i, w]
    for n in range(sites):
        mobility = 0.0 if wires.held[n] else physics.mobility[0]
        for w in range(2):
            torque = room.cosine[n, w] * room.imaginary[n, w] - room.sine[n, w] * room.real[n, w]
            rate[n, w] = mobility * torque
    pull(push, wires, physics, room.target, phase, rate)


@standing
def fastest(push, wires, physics, moving, room):
    """Gershgorin's bound b of all rates, per second."""
    total = room.trial
    for n in range(total.shape[0]):
        total[n, 0] = np.hypot(moving.along[n], moving.across[n])
    for e in range(moving.weight.size):
        total[wires.edge_from[e], 0] += 2.0 * abs(moving.weight[e])
        total[wires.edge_to[e], 0] += 2.0 * abs(moving.weight[e])
    for o in range(wires.outputs.size):
        total[wires.outputs[o], 0] += 0.0 if push.clamps[0] != 0.0 else push.nudge[0]
    bound = 0.0
    for n in range(total.shape[0]):
        if not wires.held[n] and not total[n, 0] <= bound:  # lets NaN through
            bound = total[n, 0]
    return bound * physics.mobility[0]


@uncounted
def _largest(values):
    most = 0.0
    for n in range(values.shape[0]):
        for w in range(2):
            if not abs(values[n, w]) <= most:
                most = abs(values[n, w])
    return most


@uncounted
def _copy(a, b):
    for n in range(a.shape[0]):
        for w in range(2):
            a[n, w] = b[n, w]


@standing
def _cold_step(push, wires, physics, moving, room, bound, time):
    """One accepted step of at most `time` seconds from `moving.phase`, whose rates are in `room.first`; its length.

    `room.first` then has the rates at its end.
    """
    phase, trial, end = moving.phase, room.trial, room.end
    k1, k2, k3, k4 = room.first, room.second, room.third, room.fourth
    sites, h = phase.shape[0], time
    while True:
        for n in range(sites):
            for w in range(2):
                trial[n, w] = phase[n, w] + 0.5 * h * k1[n, w]
        rates(push, wires, physics, moving, room, trial, k2)
        for n in range(sites):
            for w in range(2):
                trial[n, w] = phase[n, w] + 0.75 * h * k2[n, w]
        rates(push, wires, physics, moving, room, trial, k3)
        for n in range(sites):
            for w in range(2):
                end[n, w] = phase[n, w] + h * (2.0 / 9.0 * k1[n, w] + 1.0 / 3.0 * k2[n, w] + 4.0 / 9.0 * k3[n, w])
        rates(push, wires, physics, moving, room, end, k4)
        error = 0.0
        for n in range(sites):
            for w in range(2):
                left = -5.0 / 72.0 * k1[n, w] + k2[n, w] / 12.0 + k3[n, w] / 9.0 - 0.125 * k4[n, w]
                if not h * abs(left) <= error:
                    error = h * abs(left)
        factor = 5.0 if error <= 0.0 else min(max(0.9 * np.cbrt(physics.tolerance[0] / error), 0.2), 5.0)
        # A step cut short by an event says nothing against longer ones; NaN is accepted: the replica has failed.
        if not error > physics.tolerance[0] or h * bound <= SMALLEST:
            _copy(phase, end)
            _copy(k1, k4)
            if h * factor > moving.stride[0] or h >= moving.stride[0]:
                moving.stride[0] = h * factor
            return h
        h *= factor
        moving.stride[0] = h


@standing
def _warm_step(push, wires, physics, moving, lanes, room, time):
    """One step of Heun's method; `room.first` has the rates at its beginning, and in the end those at its end."""
    phase, trial, noise, k1, k2 = moving.phase, room.trial, room.noise, room.first, room.second
    sites = phase.shape[0]
    step_keys(lanes.seed, lanes.replica, moving.drawn[0], THERMAL, room.key)
    moving.drawn[0] += 1
    size = np.sqrt(2.0 * physics.heat[0] * physics.mobility[0] * time)
    for n in range(sites):
        for w in range(2):
            kick = 0.0 if wires.held[n] else size * normal(w * sites + n, room.key[0, 0], room.key[1, 0])
            noise[n, w] = kick
            trial[n, w] = phase[n, w] + time * k1[n, w] + kick
    rates(push, wires, physics, moving, room, trial, k2)
    for n in range(sites):
        for w in range(2):
            phase[n, w] += 0.5 * time * (k1[n, w] + k2[n, w]) + noise[n, w]
    rates(push, wires, physics, moving, room, phase, k1)


@standing
def relax(push, wires, physics, moving, lanes, room, now, until, last, once):
    """Let both twins relax from `now[0]` to `until`, by steps that end until `last`, or by one if `once`.

    now[0] <- the end of the last step; it is `until` where that was reached.
    """
    bound, warm = fastest(push, wires, physics, moving, room), physics.heat[0] > 0.0
    cap = min(WARM / bound, 1.0) if warm else LONGEST / bound
    if physics.step[0] > 0.0:
        cap = min(physics.step[0], (1.0 if warm else LONGEST) / bound)
    rates(push, wires, physics, moving, room, moving.phase, room.first)
    while now[0] < until:
        fast = _largest(room.first)
        rests = not warm and fast <= RESTS * bound
        longest = cap if warm else min(cap, moving.stride[0])
        if once:
            longest = min(longest, SOON / bound + (MOVED / fast if fast > 0.0 else np.inf))
        end = now[0] + longest if until - now[0] > longest and not rests else until
        if not end <= last:
            break
        time = end - now[0]
        if warm:
            _warm_step(push, wires, physics, moving, lanes, room, time)
        elif not rests:
            done = _cold_step(push, wires, physics, moving, room, bound, time)
            if done < time:
                end = now[0] + done
        now[0] = end
        if once:
            break
