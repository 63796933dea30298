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
STEPS = 100  # per call: long enough that the call costs nothing, short enough that some calls have no neighbours
ROUNDS = 200
SIZE = f"64 nodes, 143 edges; {LANES} lanes"
LIMIT = 1.1e-6  # seconds per replica-step
SINGLE = 6e-6  # seconds per step of a block of one replica
AHEAD = 100  # times a lean NumPy step; this one takes 125 us, where an older machine measured 340 for a less lean one
RESISTORS = cl.Resistors(networks.packing())
RULE = cl.CoupledLearning(nudge=0.1, rate=0.3)
CLOCK = cl.Bernoulli(0.5)


def _tasks() -> list[cl.Task]:
    return [tasks.regression(RESISTORS.network, seed=seed) for seed in range(LANES)]


def _block(task, batch, seed=0, rule=RULE, device=cl.devices.IDEAL, count=LANES) -> Block:
    nouns = {
        "medium": RESISTORS, "task": task, "rule": rule, "clock": CLOCK, "device": device, "optimiser": None, "batch": batch,
        "initial": 1.0, "seed": seed,
    }  # fmt: skip
    return RESISTORS.learner(combinations(nouns)[:count], lanes=LANES)


def _step_time(benchmark, block: Block) -> float:
    return fastest_benched(benchmark, lambda: block.advance(block.step + STEPS), ROUNDS) / (STEPS * block.size)


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


@pytest.mark.parametrize("batch", [1, "full"])
def test_one_replica(benchmark, batch):
    block = _block(_tasks()[0], batch, count=1)
    ours = _step_time(benchmark, block)
    what = f"step of a single replica, {'one example' if batch == 1 else 'full batch'}"
    store(benchmark, what, "64 nodes, 143 edges; 1 lane", ours, _naive_time(_tasks()[0]), "NumPy, dense solves, one example")
    assert ours <= SINGLE


@pytest.mark.parametrize("batch", [1, "full"])
@pytest.mark.parametrize("centred", [False, True], ids=["one-sided", "centred"])
def test_equilibrium_propagation(benchmark, batch, centred):
    """Nudging costs at most 1.3 times what clamping does, the full batch included."""
    clamped = _block(_tasks(), batch)
    nudged = _block(_tasks(), batch, rule=cl.EquilibriumPropagation(nudge=1e-3, rate=0.1, centred=centred))
    one_time = fastest(lambda: clamped.advance(clamped.step + STEPS), ROUNDS) / (STEPS * LANES)
    ours = _step_time(benchmark, nudged)
    assert np.isfinite(nudged.state_of_lanes.value).all()
    what = f"step, equilibrium propagation{', centred' if centred else ''}, {'one example' if batch == 1 else 'full batch'}"
    ratio = store(benchmark, what, SIZE, ours, one_time, "coupled learning, same engine")
    assert ratio >= 1 / 1.3


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
