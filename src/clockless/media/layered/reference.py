"""Layered nets in NumPy and double precision: the equations of `settling` and `engine`, to be read and to be compared with.

Layers are numbered from 0, the held inputs, to L, the outputs; v_l is [example, node], w_l [lower, upper] joins layers l - 1
and l, and u_l is what the layer above sees of v_l: gain (x, -x) of the inputs, amplifier v_l of hidden layers. With the
nudge beta C, C = 1/2 sum over outputs (v - y)^2,

    E = sum_l sum_ij w_l,ij (u_l-1,i - v_l,j)^2 / 2 - sum_l sum_j b_l,j v_l,j + beta C,

to be minimised with v >= 0 in the first half of a hidden layer and v <= 0 in the second (arXiv 2402.11674, eq. of sec. 2).
Exponential diodes to ground in place of ideal ones, Is (exp(s v / w) - 1) with s = -1 in the first half and 1 in the second,
limit nothing, but add their co-content Is (w exp(s v / w) - s v) to E. A node's minimum then is the root of

    total v + s Is (exp(s v / w) - 1) = drawn,

found by Newton's method in y, where exp(y) + y = z (see `bent`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from clockless.media.layered.packing import Shape

Volts = list[np.ndarray]


class Numbers(NamedTuple):
    """What settling depends on besides the parameters."""

    gain: float
    amplifier: float = 1.0
    sweeps: int = 4
    relaxation: float = 1.0
    saturation: float = 0.0  # of the diodes, amperes; 0: ideal ones
    width: float = 1.0  # N V_t, volts


class Pull(NamedTuple):
    """What acts on the outputs: a nudge `beta` towards `y` [example, output], or `held` values in place of settling."""

    beta: float = 0.0
    y: np.ndarray | float = 0.0
    held: np.ndarray | None = None


FREE = Pull()
NEWTON = 5  # steps from within 0.3 of a root: 0.3, 0.05, 1e-3, 1e-6, 1e-12, 1e-16


class Layers:
    """The physics of a net of some shape at parameters [parameter], for inputs x [example, input]."""

    def __init__(self, shape: Shape, values: np.ndarray, x: np.ndarray, numbers: Numbers) -> None:
        self.shape, self.numbers = shape, numbers
        self.w, self.b = shape.split(values)
        self.inputs = numbers.gain * np.concatenate([x, -x], axis=1)
        self.low, self.high = limits(shape)
        self.sides = [np.where(low == 0, -1.0, 1.0) for low in self.low[:-1]]

    def rest(self) -> Volts:
        """All voltages 0."""
        return [np.zeros((len(self.inputs), size)) for size in self.shape.layers]

    def seen(self, volts: Volts, k: int) -> np.ndarray:
        """Voltages [example, node] that layer k (0: the first that settles) sees below it."""
        return self.inputs if k == 0 else self.numbers.amplifier * volts[k - 1]

    def energy(self, volts: Volts, pull: Pull = FREE) -> np.ndarray:
        """E + beta C of every example [example]."""
        total: np.ndarray = 0.5 * pull.beta * np.sum((volts[-1] - pull.y) ** 2, axis=1)
        for k, v in enumerate(volts):
            u = self.seen(volts, k)
            squares = u**2 @ self.w[k].sum(axis=1) + v**2 @ self.w[k].sum(axis=0) - 2 * np.sum(u @ self.w[k] * v, axis=1)
            total += 0.5 * squares - v @ self.b[k]
        if self.numbers.saturation > 0:
            w = self.numbers.width
            for v, side in zip(volts, self.sides, strict=False):
                total += self.numbers.saturation * np.sum(w * np.exp(side * v / w) - side * v, axis=1)
        return total

    def currents(self, volts: Volts, k: int, pull: Pull = FREE) -> tuple[np.ndarray, np.ndarray]:
        """Into layer k: sums of conductances times the neighbours' voltages [example, node]; and those sums [node]."""
        top = k == len(volts) - 1
        drawn, total = self.seen(volts, k) @ self.w[k] + self.b[k], self.w[k].sum(axis=0)
        if top:
            return drawn + pull.beta * pull.y, total + pull.beta
        a = self.numbers.amplifier
        return drawn + a * volts[k + 1] @ self.w[k + 1].T, total + a**2 * self.w[k + 1].sum(axis=1)

    def forces(self, volts: Volts, pull: Pull = FREE) -> Volts:
        """-dE/dv of every layer, diodes left out."""
        pairs = (self.currents(volts, k, pull) for k in range(len(volts)))
        return [drawn - total * v for (drawn, total), v in zip(pairs, volts, strict=True)]

    def residual(self, volts: Volts, pull: Pull = FREE) -> float:
        """Largest violation of the conditions of a minimum (Karush, Kuhn, Tucker), as a voltage.

        A node away from its diode's limit has no force, one at the limit is pressed against it: how far would the exact
        one-node minimum move any node?
        """
        return max(float(np.max(np.abs(self.best(volts, k, pull) - v))) for k, v in enumerate(volts))

    def best(self, volts: Volts, k: int, pull: Pull = FREE) -> np.ndarray:
        """The exact minimum over the nodes of layer k, all others held."""
        numbers = self.numbers
        if numbers.saturation > 0 and k < len(volts) - 1:
            drawn, total = self.currents(volts, k, pull)
            return bent(drawn, total, self.sides[k], numbers.saturation, numbers.width)
        limited: np.ndarray = np.clip(self.lowest(volts, k, pull), self.low[k], self.high[k])
        return limited

    def lowest(self, volts: Volts, k: int, pull: Pull = FREE) -> np.ndarray:
        """The same without diodes: 0 where nothing joins a node, NaN where the nudge leaves no minimum."""
        drawn, total = self.currents(volts, k, pull)
        alone = np.divide(drawn, total, out=np.zeros_like(drawn), where=total != 0)
        return np.where(total < 0, np.nan, alone)

    def moved(self, volts: Volts, k: int, pull: Pull = FREE) -> np.ndarray:
        """Layer k after its turn: the minimum, or beyond it by over-relaxation."""
        if pull.held is not None and k == len(volts) - 1:
            return pull.held
        if self.numbers.relaxation == 1:
            return self.best(volts, k, pull)
        free = self.lowest(volts, k, pull)
        return np.clip(volts[k] + self.numbers.relaxation * (free - volts[k]), self.low[k], self.high[k])

    def settle(self, start: Volts, pull: Pull = FREE) -> tuple[Volts, np.ndarray]:
        """States after all sweeps, and the largest change of an output in the last [example]."""
        volts, change = list(start), np.zeros(len(self.inputs))
        for _ in range(self.numbers.sweeps):
            before = volts[-1]
            for parity in (0, 1):
                for k in range(parity, len(volts), 2):
                    volts[k] = self.moved(volts, k, pull)
            change = np.max(np.abs(volts[-1] - before), axis=1)
        return volts, change

    def signal(self, volts: Volts) -> np.ndarray:
        """dE/dparameter [parameter], the mean over examples: (u - v)^2 / 2 of a conductance, -v of a current."""
        weights = []
        for k, v in enumerate(volts):
            u = self.seen(volts, k)
            squares = np.mean(u**2, axis=0)[:, None] + np.mean(v**2, axis=0)
            weights.append(0.5 * squares - u.T @ v / len(v))
        return self.shape.joined(weights, [-np.mean(v, axis=0) for v in volts])


def bent(drawn: np.ndarray, total: np.ndarray, side: np.ndarray, saturation: float, width: float) -> np.ndarray:
    """The root v of total v + s Is (exp(s v / w) - 1) = drawn, s = `side` [node]; 0 where nothing joins a node.

    With V = (s drawn + Is) / total, where the diode carries -Is, and A = total w / Is,

        s v = w (log A + y) = V - w exp(y),    exp(y) + y = z,    z = V / w - log A.

    y(z) is concave, so the tangent (z - 1) / 2 at y = 0, z itself, and log z above z = 1 lie above it, the least of them by
    less than 0.3; from above Newton's method for a convex function does not overshoot, and doubles the digits in every step.
    """
    joined = total > 0
    total = np.where(joined, total, 1.0)
    linear, shift = (side * drawn + saturation) / total, np.log(total * width / saturation)
    z = linear / width - shift
    y = np.minimum(np.minimum(z, 0.5 * (z - 1.0)), np.log(np.maximum(z, 1.0)) + np.where(z < 1.0, np.inf, 0.0))
    for _ in range(NEWTON):
        grown = np.exp(y)
        y = y - (grown + y - z) / (grown + 1.0)
    v = side * np.where(y > 0, width * (shift + y), linear - width * np.exp(y))
    return np.where(joined, v, 0.0)


def limits(shape: Shape) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Lowest and highest voltage of every node, by its diode [node] for every layer."""
    low, high = [], []
    for size in shape.hidden:
        first = np.arange(size) < (size + 1) // 2
        low.append(np.where(first, 0.0, -np.inf))
        high.append(np.where(first, np.inf, 0.0))
    return [*low, np.full(shape.outputs, -np.inf)], [*high, np.full(shape.outputs, np.inf)]
