"""A laboratory bench: a process that settles over a pipe; one that dies, is silent or speaks nonsense ends nothing else."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import clockless as cl
from clockless.errors import DescriptionError, ParameterError, ReplicasFailedWarning
from clockless.learning.contracts import Replica
from rigs import LIMIT, wait_until

MEDIA = Path(__file__).parent.parent / "docs" / "media"
NETWORK = cl.networks.board16()
TASK = cl.tasks.regression(NETWORK, train=2, test=3)
RULE = cl.CoupledLearning(0.5, 0.5)
START = f"""
import json, os, sys, time
pid = open({{pids!r}}, "a")
print(os.getpid(), file=pid, flush=True)
for count, line in enumerate(sys.stdin):
    asked = json.loads(line)["settle"]
    parameters = asked["parameters"]
    state = [0.1 * sum(asked["values"])] * {NETWORK.nodes}
    for k, v in zip(asked["held"], asked["values"]):
        state[k] = v
    answer = json.dumps({{{{"state": state, "signal": parameters}}}})
    if asked["key"][0] == 7 and asked["key"][2] == 2 and asked["key"][4] < 3:
        {{fault}}
    print(answer, flush=True)
"""
FAULTS = {
    "dies": ("sys.exit('the fuse is blown')", "ended with code 1: 'the fuse is blown'"),
    "is killed": ("os.kill(os.getpid(), 9)", "was ended by signal 9"),
    "is silent": ("time.sleep(100)", "has been silent for 4 s"),
    "hangs up": ("os.close(1); time.sleep(100)", "closed its pipe"),
    "speaks nonsense": ("answer = 'hello'", "answered 'hello'"),
    "says too much": ("answer = answer + chr(10) + answer", "said more than one line"),
    "knows too little": ("answer = json.dumps({'state': state[1:]})", "give 9 finite numbers"),
    "divides by zero": ("answer = json.dumps({'state': [float('nan')] * 9})", "give 9 finite numbers"),
    "says what is wrong": ("answer = json.dumps({'error': 'valve 3 is stuck'})", "says: 'valve 3 is stuck'"),
}


def _bench(folder, fault, timeout=LIMIT):
    script = folder / "board.py"
    script.write_text(START.format(pids=str(folder / "pids"), fault=fault))
    return cl.Bench(NETWORK, f"{shlex.quote(sys.executable)} {shlex.quote(str(script))}", timeout=timeout)


def _alive(pids):
    """Which of these processes are running, zombies not counted."""
    states = []
    for pid in pids:
        try:
            states.append(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0])
        except FileNotFoundError:
            states.append("gone")
    return [pid for pid, state in zip(pids, states, strict=True) if state not in ("Z", "gone")]


@pytest.mark.parametrize("name", FAULTS)
def test_a_bench_in_trouble_marks_its_replica_alone(name, tmp_path):
    """The seed 7 meets the fault in step 2; the other seed has the bits it has alone; no process is left."""
    fault, sentence = FAULTS[name]
    nouns = {"rule": RULE, "steps": 5, "record": [5], "threads": 1}
    timeout = 4.0 if name == "is silent" else LIMIT
    with _bench(tmp_path, fault, timeout) as bench, pytest.warns(ReplicasFailedWarning, match="1 of 2 replicas failed"):
        run = cl.train(bench, TASK, seed=[7, 8], **nouns)
    assert run.data.failed.values.tolist() == [True, False]
    assert run.troubles[0].startswith("step 2: ")
    (tmp_path / "alone").mkdir()
    with _bench(tmp_path / "alone", fault) as bench:
        alone = cl.train(bench, TASK, seed=8, **nouns)
    np.testing.assert_array_equal(run.parameters.values[1], alone.parameters.values)
    pids = [int(pid) for path in tmp_path.rglob("pids") for pid in path.read_text().split()]
    assert len(pids) >= 3, "a bench in trouble is started anew"
    assert not _alive(pids)
    with _bench(tmp_path, fault, timeout) as bench:
        learner = bench.learner([Replica(bench, TASK, RULE, cl.Global(), cl.Continuous(), seed=7)])
        learner.advance(5)
    assert sentence in learner.trouble, "run.troubles has its beginning"


def test_what_the_first_bench_said_is_told_where_none_works(tmp_path):
    fault, sentence = FAULTS["dies"]
    with _bench(tmp_path, fault) as bench, pytest.raises(ReplicasFailedWarning, match=f"the first says.*{sentence}"):
        cl.train(bench, TASK, seed=7, rule=RULE, steps=5, threads=1)


def test_a_command_that_is_none(tmp_path):
    """Known at once, or when it is first asked."""
    with pytest.raises(ParameterError, match="give what starts the bench"):
        cl.Bench(NETWORK, " ")
    with pytest.raises(ParameterError, match="give seconds"):
        cl.Bench(NETWORK, "board", timeout=0)
    with pytest.warns(ReplicasFailedWarning, match="cannot be started"):
        cl.train(cl.Bench(NETWORK, str(tmp_path / "nowhere")), TASK, rule=RULE, steps=2)


@pytest.mark.filterwarnings("ignore::clockless.errors.OwnCodeWarning")
def test_the_board_is_resumed_with_the_same_noise(tmp_path, monkeypatch):
    """Stored in worker processes and extended, the noisy board gives the bits of one run in memory."""
    monkeypatch.syspath_prepend(str(MEDIA))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(MEDIA), *filter(None, [os.environ.get("PYTHONPATH")])]))
    import bench as example

    nouns = {"rule": RULE, "clock": cl.Bernoulli(0.5), "seed": [1, 2]}
    with example.Board(NETWORK, timeout=LIMIT) as board:
        memory = cl.train(board, TASK, steps=6, **nouns)
        stored = cl.train(board, TASK, steps=4, store=tmp_path / "store", workers=2, **nouns).extended(2)
        quiet = board.predict(np.ones(16), TASK.x_test, TASK, (0, 0, 0))
    np.testing.assert_array_equal(memory.parameters.values, stored.parameters.values)
    exact = cl.Resistors(NETWORK).predict(np.ones(16), TASK.x_test, TASK, (0, 0, 0))
    assert 0 < np.abs(quiet - exact).max() <= 1e-4
    described = cl.Experiment(network=NETWORK, medium=_bench(tmp_path, "pass"), task=TASK).medium
    assert described["kind"] == "bench"
    assert "board.py" in described["command"]
    with pytest.raises(DescriptionError, match="stands on no network"):
        cl.Experiment(medium=cl.Bench(None, "board", size=3, units=2), task=TASK)


def test_nothing_is_left_of_a_host_that_was_killed(tmp_path):
    """The board sees its pipe closed and ends."""
    _bench(tmp_path, "pass")
    code = (
        "import clockless as cl, os, signal, numpy as np\n"
        f"network = cl.networks.board16(); bench = cl.Bench(network, {f'{sys.executable} {tmp_path}/board.py'!r})\n"
        "task = cl.tasks.regression(network, train=2, test=3)\n"
        "cl.train(bench, task, rule=cl.CoupledLearning(0.5, 0.5), steps=2)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    host = subprocess.run([sys.executable, "-c", code], timeout=LIMIT, check=False)
    assert host.returncode == -signal.SIGKILL
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    assert pids
    assert wait_until(lambda: not _alive(pids))
