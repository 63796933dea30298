"""Twin networks with capacities from one time to another: exactly, by Chebyshev's polynomials of the network's own matrix.

With a capacity C_n from every free node to ground, C dV/dt = -L V, the potentials of a linear network are
V(t) = exp(-t M) V(0), where M = C^-1 L at free nodes and 0 at held ones. The pushed twin belongs to the same linear system:

- clamped: an output follows the free twin's, V_P = V_F + nudge (V_D - V_F), so dV_P/dt = (1 - nudge) dV_F/dt; or, by a
  clamp of a time constant s of its own, s dV_P/dt = V_F + nudge (V_D - V_F) - V_P;
- nudged: a conductance beta joins it to a source at V_D, so M V_P has beta (V_P - V_D) / C more;

and so does the work of the free twin's sources, dW/dt = sum over inputs of x_s I_s(V_F), joules: what its edges have
dissipated and its capacities have stored. The eigenvalues of M are those of C^-1/2 L C^-1/2, the rates of the network's
modes, and lie between 0 and b = max over nodes of (2 sum k + beta) / C, or (1 + nudge + |1 - nudge|) / s of a clamp if that
is more (Gershgorin). So

    exp(-t M) = sum over n of (2 - [n = 0]) (-1)^n exp(-tau) I_n(tau) T_n(2 M / b - 1),    tau = t b / 2,

converges faster than any power once n exceeds sqrt(tau) (Tal-Ezer 1986, doi 10.1137/0723001): it is cut off at 1e-17, and
costs about sqrt(80 tau) + 20 products with the network's edges, where modes would cost the cube of the nodes after every
event. I_n by Miller's backward recurrence. `reference.modes` are the modes themselves.

At a temperature every edge is a source of Johnson noise, a white current of spectral density 4 k_B T / R. Over a time t with
t b <= 1 it adds to the potentials

    g(M) C^-1 B^T sqrt(2 k_B T k) xi,    g(m)^2 = integral from 0 to t of exp(-2 m s) ds = (1 - exp(-2 m t)) / (2 m),

xi normal for every edge, B the edges' ends: exactly the covariance of the process where M is symmetric but for C, that is
for the free twin and a nudged one, whatever t is. What a clamped twin's hidden nodes hear of the noise of the outputs that
it follows is right to second order in t.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from clockless.numerics.lanes import standing, uncounted
from clockless.numerics.randomness import THERMAL, normal, step_keys
from clockless.parts.part import behaviour
from clockless.parts.pushes import Clamp, Nudge

LONGEST = 5e4  # tau of one expansion; longer times are cut
ROOM = 2_100  # its terms
_SMALLEST = 1e-17  # of a term
SERIES = 24  # terms of g: the last is below 2e-12 of the first


TWINS, FREE, PUSHED = 0, 1, 2  # two networks; one, which is free now; one, which is pushed now


class Charged(NamedTuple):
    """What relaxes, of one replica."""

    volts: np.ndarray  # [node, 2] of the free and of the pushed twin
    conductance: np.ndarray  # [edge] siemens, as it is now
    writes: np.ndarray  # [edge] when a write under way takes effect, seconds; infinity: none
    written: np.ndarray  # [edge] what it writes
    look: np.ndarray  # [1] when edges that watch are asked again
    lost: np.ndarray  # int64 [1] events of edges that were still being written
    drawn: np.ndarray  # int64 [1] times that noise was drawn
    phase: np.ndarray  # int64 [1] `TWINS`, or of one network that alternates `FREE` or `PUSHED`
    turn: np.ndarray  # [1] when its phase ends; infinity for twins


class Medium(NamedTuple):
    """What of the medium matters while it relaxes."""

    inverse: np.ndarray  # 1 / C [node], per farad; 0 at held nodes
    heat: np.ndarray  # [1] 2 k_B T, joules
    delay: np.ndarray  # [1] seconds between what an edge senses and the write
    look: np.ndarray  # [1] longest time between two looks, seconds; 0: as the voltages move
    spans: np.ndarray  # [2] seconds of the free and of the pushed phase of a network that alternates
    phase: np.ndarray  # that of `Charged`
    clamp: np.ndarray  # [1] seconds within which a clamped output follows; 0: at once
    series: np.ndarray  # [SERIES] of sqrt((1 - exp(-2 y)) / (2 y)) in powers of y


class Room(NamedTuple):
    """Scratch."""

    before: np.ndarray  # [node, 2]
    now: np.ndarray
    after: np.ndarray
    sum: np.ndarray
    terms: np.ndarray  # [ROOM]
    x: np.ndarray  # [input] volts at the inputs
    target: np.ndarray  # [output] volts that are wanted
    key: np.ndarray  # uint32 [2, 1]


def room_of(nodes: int, inputs: int, outputs: int) -> Room:
    """Room for it."""
    a, b, c, d = (np.zeros((nodes, 2)) for _ in range(4))
    return Room(a, b, c, d, np.zeros(ROOM), np.zeros(inputs), np.zeros(outputs), np.zeros((2, 1), dtype=np.uint32))


def series_of_noise() -> np.ndarray:
    """Coefficients a_n of sqrt((1 - exp(-2 y)) / (2 y)) in powers of y, from those of its square, (-2)^n / (n + 1)!."""
    square = np.cumprod([1.0, *(-2.0 / (n + 1) for n in range(1, SERIES))])
    root = np.zeros(SERIES)
    root[0] = 1.0
    for n in range(1, SERIES):
        root[n] = 0.5 * (square[n] - root[1:n] @ root[1:n][::-1])
    return root


def pull(push, wiring, medium, target, sign, volts, rates):
    """Add to M V what holds the pushed twin's outputs; `sign` x target is V_D. Compiled only."""


def pulls(push):
    """The conductance, siemens, that joins an output of the pushed twin to a source; compiled only."""


def hold(push, wiring, medium, target, volts):
    """Put the pushed twin's outputs where they are held at once, if they are; compiled only."""


def following(push, medium):
    """Gershgorin's bound of the rate of a clamp that follows, per second; compiled only."""


@behaviour(pull, Clamp)
def _pull_clamp(push, wiring, medium, target, sign, volts, rates):
    keep = 1.0 - push.nudge[0]
    for o in range(wiring.outputs.size):
        at = wiring.outputs[o]
        if medium.clamp[0] > 0.0:
            rates[at, 1] = (volts[at, 1] - keep * volts[at, 0] - sign * push.nudge[0] * target[o]) / medium.clamp[0]
        else:
            rates[at, 1] = keep * rates[at, 0]


@behaviour(following, Clamp)
def _following_clamp(push, medium):
    nudge = push.nudge[0]
    return (1.0 + nudge + abs(1.0 - nudge)) / medium.clamp[0] if medium.clamp[0] > 0.0 else 0.0


@behaviour(following, Nudge)
def _following_nudge(push, medium):
    return 0.0


@behaviour(pull, Nudge)
def _pull_nudge(push, wiring, medium, target, sign, volts, rates):
    for o in range(wiring.outputs.size):
        at = wiring.outputs[o]
        rates[at, 1] += medium.inverse[at] * push.nudge[0] * (volts[at, 1] - sign * target[o])


@behaviour(pulls, Clamp)
def _pulls_clamp(push):
    return 0.0


@behaviour(pulls, Nudge)
def _pulls_nudge(push):
    return push.nudge[0]


@behaviour(hold, Clamp)
def _hold_clamp(push, wiring, medium, target, volts):
    if medium.clamp[0] > 0.0:
        return
    for o in range(wiring.outputs.size):
        at = wiring.outputs[o]
        volts[at, 1] = volts[at, 0] + push.nudge[0] * (target[o] - volts[at, 0])


@behaviour(hold, Nudge)
def _hold_nudge(push, wiring, medium, target, volts):
    pass


@uncounted
def fastest(push, wiring, medium, conductance, room):
    """Gershgorin's bound b of all rates, per second."""
    total = room.after
    for n in range(total.shape[0]):
        total[n, 0] = 0.0
    for e in range(conductance.size):
        total[wiring.edge_from[e], 0] += 2.0 * conductance[e]
        total[wiring.edge_to[e], 0] += 2.0 * conductance[e]
    for o in range(wiring.outputs.size):
        total[wiring.outputs[o], 0] += pulls(push)
    bound = following(push, medium)
    for n in range(total.shape[0]):
        bound = max(bound, total[n, 0] * medium.inverse[n])
    return bound


@standing
def slopes(push, wiring, medium, conductance, room, sign, volts, rates):
    """rates <- M V; returns minus the power of the free twin's sources. `sign` is that of the constants in V."""
    nodes = volts.shape[0]
    for n in range(nodes):
        rates[n, 0] = 0.0
        rates[n, 1] = 0.0
    for e in range(conductance.size):
        i, j, k = wiring.edge_from[e], wiring.edge_to[e], conductance[e]
        free = k * (volts[i, 0] - volts[j, 0])
        pushed = k * (volts[i, 1] - volts[j, 1])
        rates[i, 0] += free
        rates[i, 1] += pushed
        rates[j, 0] -= free
        rates[j, 1] -= pushed
    power, paying = 0.0, 1 if medium.phase[0] == PUSHED else 0
    for s in range(wiring.inputs.size):
        power += room.x[s] * rates[wiring.inputs[s], paying]
    for n in range(nodes):
        rates[n, 0] *= medium.inverse[n]
        rates[n, 1] *= medium.inverse[n]
    if medium.phase[0] == PUSHED:
        for n in range(nodes):
            rates[n, 0] = 0.0  # what edges remember of the free phase
    if medium.phase[0] != FREE:
        pull(push, wiring, medium, room.target, sign, volts, rates)
    return -power


@uncounted
def _terms(tau, terms):
    """exp(-tau) I_n(tau) for n = 0, 1, ..; returns how many are above 1e-17. Miller's backward recurrence."""
    last = 8 if tau < 0.01 else min(int(np.sqrt(80.0 * tau)) + 20, terms.size - 1)
    above, here = 0.0, 1e-250
    terms[last] = here
    total = 2.0 * here
    for n in range(last, 0, -1):
        below = above + 2.0 * n / tau * here
        above, here = here, below
        terms[n - 1] = here
        total += here if n == 1 else 2.0 * here
        if here > 1e200:
            for m in range(n - 1, last + 1):
                terms[m] *= 1e-250
            above, here, total = above * 1e-250, here * 1e-250, total * 1e-250
    count = 0
    for n in range(last + 1):
        terms[n] /= total
        if terms[n] > _SMALLEST:
            count = n + 1
    return count


@standing
def _expand(push, wiring, medium, charged, room, bound, time):
    """V <- exp(-time M) V for time x bound <= 2 LONGEST; returns the sources' work in it, joules."""
    before, now, after, total = room.before, room.now, room.after, room.sum
    tau, volts, conductance = 0.5 * time * bound, charged.volts, charged.conductance
    count = _terms(tau, room.terms)
    nodes = volts.shape[0]
    work_before, work_now, work = 0.0, 0.0, 0.0
    sign = 1.0  # of what is constant, in T_n(-1) = (-1)^n
    for n in range(nodes):
        for w in range(2):
            now[n, w] = volts[n, w]
            total[n, w] = room.terms[0] * volts[n, w]
    for n in range(1, count):
        # T_1 = X T_0 and T_n+1 = 2 X T_n - T_n-1 with X = 2 M / b - 1.
        factor = 1.0 if n == 1 else 2.0
        paid = slopes(push, wiring, medium, conductance, room, sign, now, after)
        weight = (2.0 if n % 2 == 0 else -2.0) * room.terms[n]
        for k in range(nodes):
            for w in range(2):
                value = factor * (2.0 / bound * after[k, w] - now[k, w])
                if n > 1:
                    value -= before[k, w]
                before[k, w] = now[k, w]
                now[k, w] = value
                total[k, w] += weight * value
        value = factor * (2.0 / bound * paid - work_now)
        if n > 1:
            value -= work_before
        work_before, work_now = work_now, value
        work += weight * value
        sign = -sign
    for n in range(nodes):
        for w in range(2):
            if medium.inverse[n] > 0.0:
                volts[n, w] = total[n, w]
    return work


@standing
def _moved(volts, then):
    """The largest change since `then`, relative to the largest potential."""
    change, largest = 0.0, 1e-300
    for n in range(volts.shape[0]):
        for w in range(2):
            change = max(change, abs(volts[n, w] - then[n, w]))
            largest = max(largest, abs(volts[n, w]))
    return change / largest


@standing
def relax(push, wiring, medium, charged, room, time):
    """Let both twins relax without noise for so many seconds; returns the work of the free twin's sources, joules."""
    bound = fastest(push, wiring, medium, charged.conductance, room)
    if time * bound < 1e-14:
        return 0.0
    pieces = max(int(np.ceil(0.5 * time * bound / LONGEST)), 1)
    work, piece, then = 0.0, time / pieces, room.now
    for done in range(1, pieces + 1):
        work += _expand(push, wiring, medium, charged, room, bound, piece)
        if done < pieces:
            rest = slopes(push, wiring, medium, charged.conductance, room, 1.0, charged.volts, room.after)
            for n in range(then.shape[0]):
                for w in range(2):
                    then[n, w] = charged.volts[n, w] + room.after[n, w] / bound
            if _moved(charged.volts, then) < 1e-15:  # settled: what follows is constant
                return work - rest * (time - done * piece)
    return work


@standing
def shake(push, wiring, medium, charged, lanes, room, time):
    """Add the noise of all edges in a time with time x b <= 1."""
    volts, noise, rates = charged.volts, room.now, room.after
    edges, nodes = charged.conductance.size, volts.shape[0]
    step_keys(lanes.seed, lanes.replica, charged.drawn[0], THERMAL, room.key)
    charged.drawn[0] += 1
    for n in range(nodes):
        noise[n, 0] = 0.0
        noise[n, 1] = 0.0
    for e in range(edges):
        i, j = wiring.edge_from[e], wiring.edge_to[e]
        strength = np.sqrt(medium.heat[0] * charged.conductance[e] * time)
        for w in range(2):
            current = strength * normal(w * edges + e, room.key[0, 0], room.key[1, 0])
            noise[i, w] += current
            noise[j, w] -= current
    for n in range(nodes):
        noise[n, 0] *= medium.inverse[n]
        noise[n, 1] *= medium.inverse[n]
    # An output that is held follows the free twin's noise; a target makes none, so its sign is 0.
    _follow(push, wiring, medium, room, noise)
    for n in range(nodes):
        for w in range(2):
            room.sum[n, w] = medium.series[0] * noise[n, w]
    for order in range(1, SERIES):
        slopes(push, wiring, medium, charged.conductance, room, 0.0, noise, rates)
        for n in range(nodes):
            for w in range(2):
                noise[n, w] = time * rates[n, w]
                room.sum[n, w] += medium.series[order] * noise[n, w]
    for n in range(nodes):
        for w in range(2):
            volts[n, w] += room.sum[n, w]


def _follow(push, wiring, medium, room, noise):
    """What noise does to outputs that follow; compiled only."""


@behaviour(_follow, Clamp)
def _follow_clamp(push, wiring, medium, room, noise):
    for o in range(wiring.outputs.size):
        at = wiring.outputs[o]
        noise[at, 1] = (1.0 - push.nudge[0]) * noise[at, 0] if medium.clamp[0] == 0.0 else 0.0


@behaviour(_follow, Nudge)
def _follow_nudge(push, wiring, medium, room, noise):
    pass


@uncounted
def propagate(push, wiring, medium, charged, lanes, room, time):
    """Let both twins relax for so many seconds, with the noise of their edges; returns the sources' work, joules."""
    warm, pieces, work = medium.heat[0] != 0.0, 1, 0.0
    if warm:
        bound = fastest(push, wiring, medium, charged.conductance, room)
        pieces = max(int(np.ceil(time * bound)), 1)
    for _ in range(pieces):  # `relax` stands here once, as it is long to compile
        work += relax(push, wiring, medium, charged, room, time / pieces)
        if warm:
            shake(push, wiring, medium, charged, lanes, room, time / pieces)
    return work
