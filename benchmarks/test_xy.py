"""One gradient by equilibrium propagation of many samples: free and nudged states at residual 1e-6, and the signals.

Both sides start from the same phases and share nothing but the task. Ours over-relaxes and adapts to each sample, the
baseline goes to each one-site minimum; they may end in different minima, so with over-relaxation off both are checked to
agree.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import pytest
from scipy.sparse import csr_array

from alternating import Alternating, checkered, layered
from clockless.media.phases.contrast import SETTLED, Samples, gradient
from clockless.media.phases.schedules import TwoColour
from clockless.media.phases.xy import Parameters, Rotors
from clockless.networks import architectures
from clockless.parts.rules import EquilibriumPropagation
from measuring import fastest, fastest_benched, store

NUDGE, RESIDUAL = 0.1, 1e-6
RULE = EquilibriumPropagation(NUDGE, 0.1)
ROUNDS = 20


class Case(NamedTuple):
    """The same problem for both sides."""

    xy: Rotors
    parameters: Parameters
    examples: Samples
    start: np.ndarray  # [site, sample]
    baseline: Alternating
    sites: list[np.ndarray]  # of the baseline's two colours

    def ours(self, schedule=TwoColour()):  # noqa: B008
        return gradient(self.xy, self.parameters, self.examples, self.start, RULE, SETTLED._replace(schedule=schedule))

    def theirs(self) -> np.ndarray:
        """The gradient by W [edge] from the baseline's states."""
        inputs, targets = np.exp(1j * self.examples.x), np.exp(1j * self.examples.y)
        start = [np.exp(1j * self.start[part]) for part in self.sites]
        free, nudged = self.baseline.gradient_states(inputs, start, targets, NUDGE, RESIDUAL)
        z, other = (self._all(inputs, parts) for parts in (free, nudged))
        return -(self._products(other) - self._products(z)) / (NUDGE * z.shape[1])

    def _all(self, inputs, parts):
        z = np.empty((self.xy.network.nodes, inputs.shape[1]), dtype=complex)
        z[list(self.examples.inputs)] = inputs
        for sites, part in zip(self.sites, parts, strict=True):
            z[sites] = part
        return z

    def _products(self, z):
        if len(self.sites[1]) == len(self.examples.outputs):  # layers: one matrix product each
            held = z[list(self.examples.inputs)].view(float)
            hidden, output = (z[sites].view(float) for sites in self.sites)
            return np.concatenate([(held @ hidden.T).ravel(), (hidden @ output.T).ravel()])
        i, j = self.xy.network.edges.T
        return np.einsum("es,es->e", z[i].view(float), z[j].view(float))


def problem(architecture, samples):
    """Random parameters at the architecture's initial scale, random examples and starts."""
    rng = np.random.default_rng(0)
    sites, inputs, outputs = architecture.network.nodes, architecture.inputs, architecture.outputs
    xy = Rotors(architecture.network)
    parameters = xy.parameters(architecture.initial_scale * rng.normal(size=xy.couplings), 0.0, rng.uniform(-3, 3, sites))
    x = rng.uniform(-np.pi / 2, np.pi / 2, (len(inputs), samples))
    y = rng.choice([-np.pi / 2, np.pi / 2], (len(outputs), samples))
    return xy, parameters, Samples(inputs, x, outputs, y), rng.uniform(-np.pi, np.pi, (sites, samples))


def dense(*sizes, samples) -> Case:
    architecture = architectures.dense(*sizes)
    xy, parameters, examples, start = problem(architecture, samples)
    inputs, hidden, outputs = sizes
    first = np.ascontiguousarray(parameters.W[: inputs * hidden].reshape(inputs, hidden).T)
    second = np.ascontiguousarray(parameters.W[inputs * hidden :].reshape(hidden, outputs).T)
    sites = [np.arange(inputs, inputs + hidden), np.arange(inputs + hidden, sum(sizes))]
    return Case(xy, parameters, examples, start, layered(first, second, outputs), sites)


def lattice(side, samples) -> Case:
    """Inputs along the top row, ten outputs along the bottom one, of one colour."""
    size = side * side
    outputs = tuple(range(size - side, size, 2))
    architecture = architectures.square(side, side, tuple(range(side)), outputs)
    xy, parameters, examples, start = problem(architecture, samples)
    i, j = architecture.network.edges.T
    entries = (np.append(parameters.W, parameters.W), (np.append(i, j), np.append(j, i)))
    row, column = np.divmod(np.arange(size), side)
    baseline, sites = checkered(
        csr_array(entries, shape=(size, size)), (row + column + 1) % 2, np.arange(side, size), np.arange(side), outputs
    )
    return Case(xy, parameters, examples, start, baseline, sites)


CASES = {
    "64-200-10": (lambda: dense(64, 200, 10, samples=20), "layers 64-200-10; 20 samples", 5e-3, 2),
    "784-512-10": (lambda: dense(784, 512, 10, samples=64), "layers 784-512-10; 64 samples", 30e-3, 1.5),
    "lattice": (lambda: lattice(15, 64), "lattice 15 x 15; 64 samples", np.inf, 5),
}


@pytest.mark.parametrize("name", CASES)
def test_both_sides_compute_the_same(name):
    """Without over-relaxation the visits are the same but for the outputs' damping, so nearly all minima are."""
    case = CASES[name][0]()
    ours, looked = case.ours(TwoColour(1.0))
    assert looked.residual.max() <= RESIDUAL
    theirs = case.theirs()
    # Errors: a torque of 1e-6 over the least curvature met, divided by the nudge.
    agree = np.abs(ours.W - theirs) <= 1e-2 * np.abs(theirs).max()
    assert agree.mean() > 0.99


@pytest.mark.parametrize("name", CASES)
def test_gradient(benchmark, name):
    make, size, limit, ahead = CASES[name]
    case = make()
    ours = fastest_benched(benchmark, case.ours, ROUNDS)
    theirs = fastest(case.theirs, 3 if name == "lattice" else ROUNDS)
    plain = fastest(lambda: case.ours(TwoColour(1.0)), 3)
    _, looked = case.ours()
    assert looked.residual.max() <= RESIDUAL
    ratio = store(
        benchmark, "gradient by equilibrium propagation", size, ours, theirs, "NumPy, alternating descent",
        without_over_relaxation=plain, sweeps=float(looked.sweeps.mean()),
    )  # fmt: skip
    assert ours <= limit
    assert ratio >= ahead


def test_threads_scale(benchmark):
    """Two gradients at once on two threads, as an ensemble of seeds runs them: the compiled relaxation holds no lock."""
    case = lattice(15, 64)
    one = fastest(lambda: [case.ours() for _ in range(4)], 5)
    with ThreadPoolExecutor(2) as pool:
        ours = fastest_benched(benchmark, lambda: list(pool.map(lambda _: case.ours(), range(4))), 5)
    store(benchmark, "four gradients on two threads", "lattice 15 x 15; 64 samples", ours, one, "one thread, same code")
