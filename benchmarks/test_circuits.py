"""Time of one step of one replica of a circuit of level-1 transistors: free state, clamped state, update.

All times are the processor's: of our process, of NumPy's in it, and of the processes of ngspice.
"""

from __future__ import annotations

import shutil
import time

import numpy as np
import pytest

import clockless as cl
from clockless.workers.train import combinations
from measuring import fastest, fastest_benched, store
from naive_newton import NaiveCircuit, spice_step_times

LANES = 64
STEPS = 100
RULE = cl.CoupledLearning(0.5, 0.3)
SIZES = {
    32: (cl.networks.lattice(4, 4, periodic=True), ([5, 7], [0, 10], [13, 15]), 1.0e-6),
    143: (cl.networks.packing(), ([5, 17], [30, 50], [40, 60]), 5.5e-6),
}
AHEAD_OF_SPICE = {"goes on": 300, "loads anew": 800, "starts anew": 4_000}  # 5,000 is what the start of processes makes
AHEAD_OF_NUMPY = {32: 300, 143: 100}  # dense solves of 64 nodes are BLAS, which NumPy does as fast as anybody


def _circuit(edges: int) -> tuple[cl.Circuit, cl.Task, float]:
    network, (inputs, outputs, held), limit = SIZES[edges]
    circuit = cl.Circuit(network, cl.laws.NMOS.pyclln(), rails={held[0]: 0.11, held[1]: 0.33})
    x = [[0.0, 0.0], [0.0, 0.45], [0.45, 0.0], [0.45, 0.45]]
    y = [[0.15, 0.15], [0.15, 0.23], [0.15, 0.23], [0.15, 0.15]]
    return circuit, cl.Task(inputs, outputs, [], x, y, x, y), limit


def _block(circuit: cl.Circuit, task: cl.Task, gates: np.ndarray):
    nouns = {
        "medium": circuit, "task": task, "rule": RULE, "clock": cl.Global(), "device": cl.Continuous(), "optimiser": None,
        "batch": cl.Epochs(1), "initial": gates, "seed": list(range(LANES)),
    }  # fmt: skip
    return circuit.learner(combinations(nouns))


def _gates(edges: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(1.0, 4.0, edges)


@pytest.mark.parametrize("edges", SIZES)
def test_both_sides_compute_the_same(edges):
    """The full batch is summed before it is written, so it is the change of a single example that is compared."""
    circuit, task, _ = _circuit(edges)
    one = cl.Task(task.inputs, task.outputs, [], task.x_train[:1], task.y_train[:1], task.x_train[:1], task.y_train[:1])
    block, naive = _block(circuit, one, _gates(edges)), NaiveCircuit(circuit, one, RULE, _gates(edges))
    block.advance(10)
    for _ in range(10):
        naive.step()
    moved = np.abs(naive.gates - _gates(edges)).max()
    assert moved > 0
    np.testing.assert_allclose(block.state_of_lanes.value[:, 0], naive.gates, atol=1e-6 * moved)


@pytest.mark.parametrize("edges", SIZES)
def test_a_learning_step(benchmark, edges, tmp_path):
    circuit, task, limit = _circuit(edges)
    block, naive = _block(circuit, task, _gates(edges)), NaiveCircuit(circuit, task, RULE, _gates(edges))
    block.advance(400)
    fastest_benched(benchmark, lambda: block.advance(block.step + STEPS), 3)
    ours = fastest(lambda: block.advance(block.step + STEPS), 60, time.process_time) / (STEPS * LANES)
    numpy = fastest(naive.step, 300, time.process_time)
    what, size = "circuit of level-1 transistors, one example", f"{edges} edges; {LANES} lanes"
    ratio = store(benchmark, what, size, ours, numpy, "NumPy, dense Newton with warm starts")
    if shutil.which("ngspice"):
        spice = spice_step_times(circuit, task, _gates(edges), tmp_path)
        times = {name: seconds / ours for name, seconds in spice.items()}
        benchmark.extra_info.update(ngspice=spice, times_ngspice=times)
        print(f"\n{size}: ours {1e6 * ours:.2f} us; NumPy {1e3 * numpy:.2f} ms, {ratio:.0f} times; ngspice, two points:")
        print("; ".join(f"{name} {1e3 * spice[name]:.2f} ms, {times[name]:.0f} times" for name in spice))
        for name, least in AHEAD_OF_SPICE.items():
            assert times[name] > least, name
    assert ratio > AHEAD_OF_NUMPY[edges]
    assert ours < limit
