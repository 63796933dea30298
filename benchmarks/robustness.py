"""How many of 100,000 cold solves fail: `python benchmarks/robustness.py` prints the table of docs/nonlinear.md.

Every solve begins at the mean of four random held voltages, on the 4 x 4 torus or the 143-edge packing with its laws on
random edges in random directions. Failed is what did not settle in 300 iterations, is not finite, or leaves more than 1e-4
of the largest current unbalanced.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator

import numpy as np

import clockless as cl
from clockless.media.circuits.learner import RESIDUAL_LIMIT
from clockless.media.circuits.solving import solved

L = cl.laws
LANES = 2048
TORUS, PACKING = cl.networks.lattice(4, 4, periodic=True), cl.networks.packing()
SERIES = L.NMOS.pyclln(True)
HALF = L.Linear()


def logarithmic(low: float, high: float) -> Callable[..., np.ndarray]:
    """Numbers between two ends, uniform in their logarithm."""
    return lambda rng, shape: 10 ** rng.uniform(np.log10(low), np.log10(high), shape)


def uniform(low: float, high: float) -> Callable[..., np.ndarray]:
    """Numbers between two ends."""
    return lambda rng, shape: rng.uniform(low, high, shape)


RESISTORS = logarithmic(1e-5, 1e-2)  # siemens
CASES: list = [
    ("diodes and resistors, 1e-14 A, 25 mV, +-10 V", TORUS, [HALF, L.Diode(1e-14, thermal=0.025)], RESISTORS, (-10, 10)),
    ("the same", PACKING, [HALF, L.Diode(1e-14, thermal=0.025)], RESISTORS, (-10, 10)),
    ("antiparallel diodes, 1e-6 A, N = 2, +-10 V", TORUS, [HALF, L.Diode(1e-6, 2, antiparallel=True)], RESISTORS, (-10, 10)),
    ("ideal diodes, +-10 V", TORUS, [HALF, L.IdealDiode()], RESISTORS, (-10, 10)),
    ("level-1 transistors around cut-off, gates .4 to 1.2 V", TORUS, [L.NMOS.pyclln()], uniform(0.4, 1.2), (0, 0.5)),
    ("level-1 transistors, gates .4 to 8 V, 0 to 1 V", TORUS, [L.NMOS.pyclln()], uniform(0.4, 8), (0, 1)),
    ("the same", PACKING, [L.NMOS.pyclln()], uniform(0.4, 8), (0, 1)),
    ("with series resistances, gates 1.5 to 8 V, 0 to 10 V", TORUS, [SERIES], uniform(1.5, 8), (0, 10)),
    ("ohmic transistors, gates 1.5 to 5 V, 0 to .5 V", TORUS, [L.Ohmic()], uniform(1.5, 5), (0, 0.5)),
    ("ohmic transistors beyond their pinch-off, gates .4 to 1.2 V", TORUS, [L.Ohmic()], uniform(0.4, 1.2), (0, 0.5)),
    ("transistors and diodes, 0 to 2 V", TORUS, [L.NMOS.pyclln(), L.Diode()], uniform(0.4, 8), (0, 2)),
    ("falling currents, v^3 - v / 2, among resistors, +-2 V", TORUS, [HALF, L.Polynomial((-0.5, 1.0))],
     logarithmic(1e-4, 1e-3), (-2, 2)),
    ("falling currents, v^3 - v, among resistors, +-2 V", TORUS, [HALF, L.Polynomial((-1.0, 1.0))],
     logarithmic(1e-4, 1e-3), (-2, 2)),
    ("the same", PACKING, [HALF, L.Polynomial((-1.0, 1.0))], logarithmic(1e-4, 1e-3), (-2, 2)),
    ("memristors, 3 / V, +-5 V", TORUS, [L.Memristor(curvature=3.0)], uniform(0, 1), (-5, 5)),
]  # fmt: skip


def solves(case: tuple, count: int, seed: int = 0) -> Iterator[tuple[np.ndarray, np.ndarray, float]]:
    """Blocks of solves: whether each failed, its iterations, and seconds of the processor for all."""
    _, network, laws, draw, (low, high) = case
    rng = np.random.default_rng(seed)
    nodes, edges = network.nodes, len(network.edges)
    for _ in range(-(-count // LANES)):
        flip = rng.random(edges) < 0.5
        directed = cl.Network(np.where(flip[:, None], network.edges[:, ::-1], network.edges))
        of_edge = rng.integers(0, len(laws), edges)
        of_edge[rng.integers(edges)] = 0
        circuit = cl.Circuit(directed, laws, of_edge, low=-1e9, high=1e9)
        values = draw(rng, (circuit.units, LANES))
        free = np.argsort(np.argsort(rng.random((nodes, LANES)), axis=0), axis=0) >= 4
        held = rng.uniform(low, high, (nodes, LANES))
        began = time.process_time()
        found = solved(circuit, values, held, free)
        taken = time.process_time() - began
        unbalanced = circuit.unbalanced(values, found.volts, free)
        yield ~found.settled | ~(unbalanced < RESIDUAL_LIMIT), found.iterations, taken


def row(case: tuple, count: int) -> str:
    """A line of the table."""
    failed, iterations, seconds = (
        np.concatenate([np.atleast_1d(x) for x in each]) for each in zip(*solves(case, count), strict=True)
    )
    return (
        f"| {case[0]} | {len(case[1].edges)} | {failed.size:,} | {failed.sum()} | {np.median(iterations):.0f} | "
        f"{np.percentile(iterations, 99):.0f} | {iterations.max():.0f} | {1e6 * seconds[1:].sum() / failed.size:.0f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=100_000, help="cold solves of each kind")
    count = parser.parse_args().count
    print("| circuit | edges | cold solves | failed | iterations: median | 99 % | most | us each |")
    print("|---|---|---|---|---|---|---|---|")
    for case in CASES:
        print(row(case, count), flush=True)


if __name__ == "__main__":
    main()
