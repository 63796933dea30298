"""Time of one step of one replica of the 143-edge network: free state, clamped state, update."""

from __future__ import annotations

import numpy as np
import pytest

import clockless as cl
from clockless import networks, tasks
from clockless.media.resistors.learner import Block
from clockless.workers.train import combinations
from measuring import fastest, fastest_benched, store
from naive import NaiveLearner

LANES = 64
STEPS = 1000  # per call: long enough that the test error at the end of a call costs nothing
ROUNDS = 20
SIZE = f"64 nodes, 143 edges; {LANES} lanes"
LIMIT = 1.1e-6  # seconds per replica-step
AHEAD = 100  # times a lean NumPy step; this one takes 125 us, where an older machine measured 340 for a less lean one
RESISTORS = cl.Resistors(networks.packing())
RULE = cl.CoupledLearning(nudge=0.1, rate=0.3)
CLOCK = cl.Bernoulli(0.5)


def _tasks() -> list[cl.Task]:
    return [tasks.regression(RESISTORS.network, seed=seed) for seed in range(LANES)]


def _block(task, batch, seed=0, rule=RULE, device=cl.devices.IDEAL) -> Block:
    nouns = {
        "medium": RESISTORS, "task": task, "rule": rule, "clock": CLOCK, "device": device, "optimiser": None, "batch": batch,
        "initial": 1.0, "seed": seed,
    }  # fmt: skip
    return RESISTORS.learner(combinations(nouns), lanes=LANES)


def _step_time(benchmark, block: Block) -> float:
    return fastest_benched(benchmark, lambda: block.advance(block.step + STEPS), ROUNDS) / (STEPS * LANES)


def _naive_time(task: cl.Task) -> float:
    return fastest(NaiveLearner(RESISTORS, task, RULE, CLOCK.p).step, 1000)


def test_both_sides_compute_the_same():
    block, naive = _block(_tasks(), batch=1), NaiveLearner(RESISTORS, tasks.regression(RESISTORS.network, seed=0), RULE, 0.5)
    block.advance(10)
    for step in range(10):
        naive.step_as_engine(CLOCK, 0, step)
    assert np.abs(naive.resistances - 1).max() > 1e-4
    np.testing.assert_allclose(block.state_of_lanes.value[:, 0], naive.resistances, rtol=1e-9)


@pytest.mark.parametrize("shared", [False, True], ids=["own-tasks", "shared-task"])
def test_one_example(benchmark, shared):
    block = _block(_tasks()[0], 1, seed=list(range(LANES))) if shared else _block(_tasks(), 1)
    ours = _step_time(benchmark, block)
    what = "step, one example, " + ("one task for all lanes" if shared else "another task in every lane")
    ratio = store(benchmark, what, SIZE, ours, _naive_time(_tasks()[0]), "NumPy, dense solves")
    assert ours <= LIMIT
    assert ratio >= AHEAD


def test_full_batch(benchmark):
    one, full = _block(_tasks(), 1), _block(_tasks(), "full")
    one_time = fastest(lambda: one.advance(one.step + STEPS), ROUNDS) / (STEPS * LANES)
    ours = _step_time(benchmark, full)
    ratio = store(benchmark, "step, full batch of 16 examples", SIZE, ours, one_time, "one example, same engine")
    assert ratio >= 1 / 1.5


def test_discrete_device(benchmark):
    """The sign rule on 128 levels with a comparator bias redrawn in every step: at most 1.5 times the continuous step."""
    levels = cl.Levels(128, 0.1, 12.8, comparator=cl.Magnitudes(bias=0.001))
    continuous, discrete = _block(_tasks(), 1), _block(_tasks(), 1, rule=cl.SignRule(0.5), device=levels)
    one_time = fastest(lambda: continuous.advance(continuous.step + STEPS), ROUNDS) / (STEPS * LANES)
    ours = _step_time(benchmark, discrete)
    ratio = store(
        benchmark, "step, sign rule on levels with comparator", SIZE, ours, one_time, "continuous step, same engine"
    )
    assert ratio >= 1 / 1.5
