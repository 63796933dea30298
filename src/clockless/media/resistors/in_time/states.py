"""How the pushed twin differs from the free one while an example is shown, and what both dissipate, from Z, T and G.

See `inverse` for Z, T and G. At source voltages x the free outputs are V_F = T_O x and r = V_D - V_F; Y = Z_OO [output,
output] is the outputs' resistance matrix while inputs are held. The pushed twin differs by currents W r that enter at the
outputs:

- clamped, V_C = V_F + nudge r (eq. 1 of doi 10.1063/5.0084631): Y W = nudge, so W = nudge Y^-1;
- nudged by a conductance beta from each output to V_D: W = beta (1 + beta Y)^-1;
- centred, half of the difference between beta and -beta: with N = (1 - beta^2 Y^2)^-1 both together are W_L = beta N and
  W_H = -2 beta^2 Y N, which exist while 1 - beta Y is positive definite (NaN otherwise).

All examples at once need only the moments C_rx =
sum r x^T and C_rr = sum r r^T, as in `columns`. Power, in watts, is x^T G x in the free twin and r^T W Y W r more in the
pushed one, since the free state is the minimum of half the power; centred it is the mean of both pushes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from clockless.numerics.lanes import uncounted
from clockless.parts.part import behaviour
from clockless.parts.pushes import Clamp, Nudge


class Examples(NamedTuple):
    """The training set of one replica."""

    x: np.ndarray  # [example, input] volts
    y: np.ndarray  # [example, output] volts
    xx: np.ndarray  # [input, input] sum over all examples
    yx: np.ndarray  # [output, input]
    yy: np.ndarray  # [output, output]


class Pushed(NamedTuple):
    """How the pushed twin differs, for what is shown now. All follow from the network; scratch but for the powers."""

    y: np.ndarray  # Y [output, output]
    left: np.ndarray  # W_L [output, output]
    right: np.ndarray  # W_H
    extra: np.ndarray  # W Y W: what the pushed twin dissipates more, watts per volt^2
    both: np.ndarray  # [output, output] scratch
    residual: np.ndarray  # r [output] of the example that is shown
    rx: np.ndarray  # C_rx [output, input] of all examples
    rr: np.ndarray  # C_rr [output, output]
    sides: np.ndarray  # [2, output] scratch
    drops: np.ndarray  # [output, edge] of what is sensed by all: per ampere at an output
    slopes: np.ndarray  # [input, edge] per volt at an input
    both_sides: np.ndarray  # [2, output, edge] drops W_L, drops W_H
    products: np.ndarray  # [2, edge]
    power: np.ndarray  # [2]: of the free and of the pushed twin, watts; the mean over examples where all are shown


def examples_of(task: object) -> Examples:
    """The training set of a task."""
    x, y = (np.ascontiguousarray(getattr(task, name), dtype=np.float64) for name in ("x_train", "y_train"))
    return Examples(x, y, x.T @ x, y.T @ x, y.T @ y)


def pushed_of(inputs: int, outputs: int, edges: int) -> Pushed:
    """Room for it."""
    y, left, right, extra, both, rr = (np.zeros((outputs, outputs)) for _ in range(6))
    rx, sides = np.zeros((outputs, inputs)), np.zeros((2, outputs))
    wide = np.zeros((outputs, edges)), np.zeros((inputs, edges)), np.zeros((2, outputs, edges)), np.zeros((2, edges))
    return Pushed(y, left, right, extra, both, np.zeros(outputs), rx, rr, sides, *wide, np.zeros(2))


def weigh(push, pushed):
    """Write W_L and W_H from Y. Compiled only."""


@uncounted
def _inverted(a):
    """a <- a^-1 in place for a small positive definite matrix; the smallest pivot."""
    least = np.inf
    for p in range(a.shape[0]):
        least = min(least, a[p, p])
        scale = 1.0 / a[p, p]
        for i in range(a.shape[0]):
            if i != p:
                factor = a[i, p] * scale
                a[i, p] = 0.0
                for q in range(a.shape[0]):
                    a[i, q] -= factor * a[p, q]
                a[i, p] = -factor
        for q in range(a.shape[0]):
            a[p, q] *= scale
        a[p, p] = scale
    return least


@uncounted
def _copy(a, b):
    """a <- b, which numba would compile for seconds if it were written a[:, :] = b."""
    for o in range(a.shape[0]):
        for p in range(a.shape[1]):
            a[o, p] = b[o, p]


@uncounted
def _clear(a):
    for o in range(a.shape[0]):
        for p in range(a.shape[1]):
            a[o, p] = 0.0


@uncounted
def _add_triple(total, w, y, factor):
    """total += factor W Y W."""
    for o in range(w.shape[0]):
        for p in range(w.shape[0]):
            for a in range(w.shape[0]):
                for b in range(w.shape[0]):
                    total[o, p] += factor * w[o, a] * y[a, b] * w[b, p]


@behaviour(weigh, Clamp)
def _weigh_clamp(push, pushed):
    left, right = pushed.left, pushed.right
    _copy(left, pushed.y)
    _inverted(left)
    for o in range(left.shape[0]):
        for p in range(left.shape[0]):
            left[o, p] *= push.nudge[0]
            right[o, p] = left[o, p]
            pushed.extra[o, p] = push.nudge[0] * left[o, p]


@behaviour(weigh, Nudge)
def _weigh_nudge(push, pushed):
    y, left, right, both = pushed.y, pushed.left, pushed.right, pushed.both
    beta, outputs = push.nudge[0], pushed.y.shape[0]
    for o in range(outputs):
        for p in range(outputs):
            one = 1.0 if o == p else 0.0
            left[o, p] = one + beta * y[o, p]
            both[o, p] = one - beta * y[o, p]
    _inverted(left)
    _clear(pushed.extra)
    if push.centred[0] == 0.0:
        _add_triple(pushed.extra, left, y, beta * beta)
        for o in range(outputs):
            for p in range(outputs):
                left[o, p] *= beta
                right[o, p] = left[o, p]
        return
    least = _inverted(both)
    _add_triple(pushed.extra, left, y, 0.5 * beta * beta)
    _add_triple(pushed.extra, both, y, 0.5 * beta * beta)
    for o in range(outputs):
        for p in range(outputs):
            total = 0.0
            for q in range(outputs):
                total += left[o, q] * both[q, p]  # N = (1 + beta Y)^-1 (1 - beta Y)^-1
            right[o, p] = beta * total if least > 0.0 else np.nan
    _copy(left, right)
    for o in range(outputs):
        for p in range(outputs):
            total = 0.0
            for q in range(outputs):
                total += y[o, q] * left[q, p]
            right[o, p] = -2.0 * beta * total


@uncounted
def settle(push, wiring, network, examples, example, pushed):
    """All that follows from the network and from what is shown: `example`, or all where it is -1."""
    z, t, g = network.inverse, network.transfer, network.admittance
    y, rr, rx, residual, power = pushed.y, pushed.rr, pushed.rx, pushed.residual, pushed.power
    outputs, inputs = rx.shape
    for o in range(outputs):
        for p in range(outputs):
            y[o, p] = z[wiring.outputs[o], wiring.outputs[p]]
    weigh(push, pushed)
    free = 0.0
    if example >= 0:
        for o in range(outputs):
            residual[o] = examples.y[example, o]
            for s in range(inputs):
                residual[o] -= t[wiring.outputs[o], s] * examples.x[example, s]
        for s in range(inputs):
            for r in range(inputs):
                free += g[s, r] * examples.x[example, s] * examples.x[example, r]
        for o in range(outputs):
            for p in range(outputs):
                rr[o, p] = residual[o] * residual[p]
        shown = 1.0
    else:
        _moments(wiring, t, examples, rx, rr)
        for s in range(inputs):
            for r in range(inputs):
                free += g[s, r] * examples.xx[s, r]
        shown = float(examples.x.shape[0])
    more = 0.0
    for o in range(outputs):
        for p in range(outputs):
            more += pushed.extra[o, p] * rr[o, p]
    power[0] = free / shown
    power[1] = (free + more) / shown


@uncounted
def _moments(wiring, t, examples, rx, rr):
    """C_rx = C_yx - Q C_xx and C_rr = C_yy - Q C_xy - C_rx Q^T, Q = T_O."""
    outputs, inputs = rx.shape
    for o in range(outputs):
        for s in range(inputs):
            rx[o, s] = examples.yx[o, s]
            for k in range(inputs):
                rx[o, s] -= t[wiring.outputs[o], k] * examples.xx[k, s]
    for o in range(outputs):
        for p in range(outputs):
            rr[o, p] = examples.yy[o, p]
            for s in range(inputs):
                rr[o, p] -= t[wiring.outputs[o], s] * examples.yx[p, s] + rx[o, s] * t[wiring.outputs[p], s]
