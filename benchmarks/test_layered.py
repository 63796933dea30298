"""Deep resistive networks: a step of each published net against NumPy's, the same equations in single precision with BLAS.

The baseline is as lean as NumPy gets: both pushed phases settle at once, and products are BLAS on one thread. Inputs that
are 0 it does not leave out.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest

import clockless as cl
from clockless.learning.contracts import Replica
from measuring import store

EPOCH = 60_000
PIXELS, LIT = 784, 0.19  # of MNIST's pixels are not 0
ROUNDS = 80


def fastest(function: Callable[[], object], rounds: int) -> float:
    """Least processor time of one call, in seconds: wall-clock pieces are cut up where others want the processor, too."""
    function()
    times = []
    for _ in range(rounds):
        began = time.thread_time()
        function()
        times.append(time.thread_time() - began)
    return min(times)


def pictures(count: int) -> cl.Task:
    """As many zeros, in as connected places, as in MNIST: rows of a band that lies elsewhere in every picture."""
    rng = np.random.default_rng(0)
    first = rng.integers(100, 684 - int(LIT * PIXELS), count)[:, None]
    lit = (np.arange(PIXELS) >= first) & (np.arange(PIXELS) < first + int(LIT * PIXELS))
    x, labels = lit * rng.uniform(0.1, 1, (count, PIXELS)), rng.integers(0, 10, count)
    return cl.Task(x_train=x, x_test=x[:4], labels_train=labels, labels_test=labels[:4], classes=10)


class Lean:
    """A step in NumPy, single precision: free phase, both pushed phases in one array, the change of every conductance."""

    def __init__(self, medium: cl.DeepResistive, values: np.ndarray, nudge: float, rate: float) -> None:
        self.medium, self.nudge, self.rate = medium, np.float32(nudge), np.float32(rate)
        weights, biases = medium.shape.split(values)
        self.w, self.b = [w.astype(np.float32) for w in weights], [b.astype(np.float32) for b in biases]

    def settle(self, volts: list[np.ndarray], x: np.ndarray, push: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
        """All sweeps, odd layers first."""
        sent, top = x @ self.w[0] + self.b[0], len(volts) - 1
        below, above = [w.sum(axis=0) for w in self.w], [w.sum(axis=1) for w in self.w]
        for _ in range(self.medium.sweeps):
            for k in [*range(0, top + 1, 2), *range(1, top + 1, 2)]:
                drawn = sent if k == 0 else volts[k - 1] @ self.w[k] + self.b[k]
                if k == top:
                    volts[k] = (drawn + push * y) / (below[k] + push)
                    continue
                v = (drawn + volts[k + 1] @ self.w[k + 1].T) / (below[k] + above[k + 1])
                half = (v.shape[1] + 1) // 2
                np.maximum(v[:, :half], 0, out=v[:, :half])
                np.minimum(v[:, half:], 0, out=v[:, half:])
                volts[k] = v
        return volts

    def step(self, x: np.ndarray, y: np.ndarray) -> None:
        """Learn from a batch."""
        count, x = len(x), np.float32(self.medium.gain) * np.concatenate([x, -x], axis=1)
        rest = [np.zeros((count, size), np.float32) for size in self.medium.shape.layers]
        free = self.settle(rest, x, np.zeros((count, 1), np.float32), y)
        push = np.repeat(np.array([[self.nudge], [-self.nudge]], np.float32), count, axis=0)
        doubled = [np.concatenate([v, v]) for v in free]
        twins, both = self.settle(doubled, np.concatenate([x, x]), push, np.concatenate([y, y])), []
        factor = self.rate / (2 * self.nudge * count)
        for k, v in enumerate(twins):
            u = np.concatenate([x, x]) if k == 0 else twins[k - 1]
            sign = np.sign(push)
            squares = 0.5 * ((sign * u * u).sum(axis=0)[:, None] + (sign * v * v).sum(axis=0))
            both.append((squares - (sign * u).T @ v, (sign * v).sum(axis=0)))
        for k, (contrast, moved) in enumerate(both):
            np.maximum(self.w[k] - factor * self.medium.rates[k] * contrast, 0, out=self.w[k])
            self.b[k] += factor * self.medium.rates[k] * self.medium.bias_rate * moved


@pytest.mark.parametrize(("name", "batch", "steps", "least"), [
    ("xs", 4, 40, 5), ("1h", 4, 4, 8), ("2h", 4, 1, 2), ("2h", 32, 1, 1), ("3h", 4, 1, 2),
])  # fmt: skip
def test_a_step_of_a_published_net(benchmark, name, batch, steps, least):
    """Minima over short pieces of an epoch, processor time; said as an epoch of 60,000 examples."""
    medium, published, task = cl.DeepResistive.preset(name), cl.DeepResistive.published(name), pictures(64 * batch)
    rule = cl.EquilibriumPropagation(published.nudge, published.rate, centred=True)
    learner = medium.learner([Replica(medium, task, rule, cl.Global(), cl.Continuous(), batch=batch)])
    lean = Lean(medium, medium.first(learner._replica), published.nudge, published.rate)
    x, y = task.x_train[:batch].astype(np.float32), np.eye(10, dtype=np.float32)[task.labels_train[:batch]]
    ours = fastest(lambda: learner.advance(learner.step + steps), ROUNDS) / steps
    benchmark.pedantic(lambda: learner.advance(learner.step + steps), rounds=1)
    theirs = fastest(lambda: lean.step(x, y), ROUNDS // 4)
    epoch = EPOCH / batch
    size = f"{'-'.join(map(str, medium.layers))}, {batch} examples a step"
    ratio = store(benchmark, f"epoch of MNIST, {name}", size, ours * epoch, theirs * epoch, "NumPy with BLAS")
    assert ratio > least
