"""What experiments cost: the store beside the engine called directly, a second worker, and 100,000 replicas."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

import clockless as cl
from clockless import networks, tasks
from clockless.experiments.experiment import Experiment
from clockless.learning.contracts import Learner, Replica
from clockless.stores.store import Store
from clockless.workers.loop import Runner
from clockless.workers.processes import ONE_THREAD, Team
from measuring import store as keep

LANES = 64
OVERHEAD = 1.05
SECOND_WORKER = 1.8
IDLE = 1.8  # cores that must be idle before two workers can show what they do
GROWTH = 64.0  # MB that a worker may take more for 100,000 replicas than for 1,000; a unit grows from 64 to 4,096 replicas


def _experiment(network: dict, steps: int, seeds: int, tasks_: int = LANES, record: int = 20) -> Experiment:
    task = {"kind": "regression", "seed": list(range(tasks_))}
    clock = {"kind": "bernoulli", "p": 0.5}
    return Experiment(network=network, task=task, clock=clock, batch=1, steps=steps, record=record, seeds=list(range(seeds)))


def test_store_beside_the_engine(benchmark, tmp_path):
    """A unit of a second: building it, checkpoints, results, hash and journal against the engine's loop alone.

    Where others keep the cores busy, by the process's own time: then the wall's says more of them.
    """
    rounds, clock = 5, time.perf_counter if _idle_cores() >= 1 else time.process_time
    described = _experiment({"kind": "packing"}, steps=20_000, seeds=rounds + 1)
    made = Store.create(tmp_path / "store", described, width=LANES)
    runner = Runner(made)
    resistors = cl.Resistors(networks.packing())
    learned = [tasks.regression(resistors.network, seed=seed) for seed in range(LANES)]

    def directly(members: np.ndarray) -> Learner:
        numbers = [np.unravel_index(int(member), described.shape) for member in members]
        replicas = [
            Replica(
                resistors, learned[task], cl.CoupledLearning(nudge=0.1, rate=0.3), cl.Bernoulli(0.5), cl.Continuous(),
                batch=1, initial=1.0, seed=int(seed),
            ) for task, seed in numbers
        ]  # fmt: skip
        block = resistors.learner(replicas, lanes=LANES)
        for step in described.record_at.tolist():
            block.advance(step)
            block.measure()
        return block

    def timed(call, *arguments):
        start = clock()
        result = call(*arguments)
        return clock() - start, result

    direct, stored = [], []
    for unit in range(rounds + 1):  # interleaved; the first of each compiles
        seconds, block = timed(directly, made.jobs.members[unit])
        direct.append(seconds)
        seconds, receipt = timed(runner.compute, unit)
        assert receipt.outcome == "done"
        stored.append(seconds)
    kept = np.asarray(made._group["parameters"][rounds])
    np.testing.assert_array_equal(kept, block.state_of_lanes.value.T[: len(kept)])
    ours, baseline = min(stored[1:]), min(direct[1:])
    benchmark.pedantic(lambda: None)
    keep(benchmark, "a unit of an experiment in a store", "64 nodes, 143 edges; 64 lanes, 20,000 steps", ours, baseline,
         "the engine's loop alone")  # fmt: skip
    assert baseline >= 0.5
    assert ours <= OVERHEAD * baseline


def _idle_cores(seconds: float = 1.0) -> float:
    """Cores that nobody uses now, by the system's own account."""

    def idle() -> float:
        user = Path("/proc/stat").read_text().split("\n", 1)[0].split()
        return (int(user[4]) + int(user[5])) / os.sysconf("SC_CLK_TCK")

    before = idle()
    time.sleep(seconds)
    return (idle() - before) / seconds


def _rate(made: Store, workers: int) -> float:
    """Units a second while all workers are at work: from the first time when each has finished one until one has no more."""
    Team(made, workers, "benchmark").work(threading.Event())
    ends = defaultdict(list)
    for line in (made.path / "events.jsonl").read_text().splitlines():
        event = json.loads(line)
        if event["event"] == "unit done":
            ends[event["worker"]].append(event["time"])
    assert len(ends) == workers
    first, last = max(min(times) for times in ends.values()), min(max(times) for times in ends.values())
    return sum((sum(first <= t <= last for t in times) - 1) / (last - first) for times in ends.values())


def test_second_worker(benchmark, tmp_path):
    """Rates with one and two local workers, in turn; start-up does not count, it is the same for both."""
    if (os.cpu_count() or 1) < 2:
        pytest.skip("there is one core only")
    idle = _idle_cores()
    if idle < IDLE:
        pytest.skip(f"only {idle:.1f} cores are idle; measure again on a quiet machine")
    described = _experiment({"kind": "packing"}, steps=5_000, seeds=20)
    rates: dict[int, list[float]] = {1: [], 2: []}
    for turn in range(2):
        for workers in rates:
            made = Store.create(tmp_path / f"{turn}-{workers}", described, width=LANES)
            rates[workers].append(_rate(made, workers))
    benchmark.pedantic(lambda: None)
    one, two = max(rates[1]), max(rates[2])
    ratio = keep(benchmark, "time per unit, two local workers", "20 units of 0.4 s", 1 / two, 1 / one, "one local worker")
    assert ratio >= SECOND_WORKER


def _worker(made: Store) -> tuple[float, float]:
    """One worker until everything is done: its peak memory in MB, and seconds per replica in its units."""
    command = [sys.executable, "-m", "clockless.workers.processes", str(made.path), "benchmark", "10"]
    process = subprocess.Popen(command, env={**os.environ, **ONE_THREAD})
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    events = [json.loads(line) for line in (made.path / "events.jsonl").read_text().splitlines()]
    seconds = [event["seconds"] for event in events if event["event"] == "unit done"]
    return used.ru_maxrss / 1024, sum(seconds[1:]) / sum(map(len, made.jobs.members[1:]))  # the first may compile


def test_many_replicas(benchmark, tmp_path):
    """Memory of a worker, time per replica, and times to open and to claim, for 1,000, 10,000 and 100,000 replicas."""
    found = {}
    for replicas in (1_000, 10_000, 100_000):
        described = _experiment({"kind": "board16"}, steps=20, seeds=replicas, tasks_=1, record=1)
        made = Store.create(tmp_path / str(replicas), described)
        start = time.perf_counter()
        opened = Store.open(made.path)
        opening = time.perf_counter() - start
        start = time.perf_counter()
        with opened.journal.claim(0) as mine:
            assert mine
            assert not opened.done(0)
        claiming = time.perf_counter() - start
        memory, seconds = _worker(made)
        assert opened.done().all()
        found[replicas] = {"megabytes": memory, "seconds": seconds, "opening": opening, "claiming": claiming}
    least, most = found[1_000], found[100_000]
    benchmark.pedantic(lambda: None)
    keep(benchmark, "a worker's time per replica of 100,000, 20 steps", "9 nodes, 16 edges", most["seconds"],
         least["seconds"], "of 1,000", megabytes=most["megabytes"], found=found)  # fmt: skip
    print(json.dumps(found, indent=1))
    assert most["megabytes"] <= least["megabytes"] + GROWTH
    assert most["seconds"] <= 1.5 * least["seconds"]
    assert most["claiming"] <= 0.05
