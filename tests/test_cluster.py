"""Experiments on a real Dask cluster: the same bits as on threads, whatever of the cluster dies."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
from collections import Counter

import pytest

from clockless.commands import main as cli
from clockless.errors import ClusterError
from clockless.experiments import files as description_files
from clockless.experiments.experiment import Experiment
from clockless.stores.store import Store
from clockless.workers import dask as cluster
from clockless.workers.run import Workers, run
from rigs import LIMIT, RigMissing, wait_until
from rigs.dask_cluster import dask_cluster

pytest.importorskip("distributed", reason="Dask is not installed here: the Python package distributed is missing")

UNITS = 8
EXPERIMENT = Experiment(
    network={"kind": "board16"},
    task={"kind": "regression", "seed": list(range(16))},
    clock={"kind": "bernoulli", "p": [0.2, 0.5, 0.8, 1.0]},
    batch=1,
    steps=20_000,
    record=4,
    seeds=list(range(UNITS)),
)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    path = tmp_path_factory.mktemp("study") / "study.yaml"
    description_files.write(EXPERIMENT, path)
    return path


@pytest.fixture(scope="module")
def digest(tmp_path_factory):
    """Of a run on one thread."""
    return run(EXPERIMENT, tmp_path_factory.mktemp("threads") / "store", Workers(threads=1), progress=False).digest()


@pytest.fixture
def dask(tmp_path):
    try:
        with dask_cluster(2, tmp_path / "dask") as running:
            yield running
    except RigMissing as reason:
        pytest.skip(str(reason))


def begun(study, store, *workers):
    command = [sys.executable, "-m", "clockless", "run", str(study), "--out", str(store), "--checkpoint-seconds", "0.2"]
    return subprocess.Popen([*command, *workers], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def ended(process):
    """Exit code and what was said, progress aside."""
    said, _ = process.communicate(timeout=LIMIT)
    return process.returncode, [
        line for line in said.splitlines() if "% of steps" not in line and "the first may" not in line
    ]


@contextlib.contextmanager
def unfinished(path):
    """A new store whose last job is claimed here meanwhile: a run that shares it waits for that, however fast it is."""
    with Store.create(path, EXPERIMENT).journal.claim(UNITS - 1) as mine:
        assert mine
        yield


def done(store):
    return (Store.open(store).done() != 0).tolist()


def await_first_unit(store, process):
    assert wait_until(lambda: any(done(store)) or process.poll() is not None)
    assert process.poll() is None, process.communicate()


def times_computed(store):
    told = [json.loads(line) for line in (store / "events.jsonl").read_text().splitlines()]
    return Counter(event["unit"] for event in told if event["event"] == "unit done")


def spoken(monkeypatch, capsys, *arguments):
    """Exit code and standard error of the command, in this process."""
    monkeypatch.setattr(sys, "argv", ["clockless", *map(str, arguments)])
    with pytest.raises(SystemExit) as left:
        cli.main()
    said = capsys.readouterr().err.replace("clockless: Cyclopts application invoked", "")  # which it says under pytest only
    return left.value.code, [line for line in said.splitlines() if line.startswith("clockless:") or "Traceback" in line]


def test_a_killed_worker_loses_nothing(study, digest, dask, tmp_path):
    store = tmp_path / "store"
    with unfinished(store):
        process = begun(study, store, "--scheduler", dask.address)
        await_first_unit(store, process)
        before = done(store)
        os.kill(dask.workers[0], signal.SIGKILL)
    code, said = ended(process)
    assert code == 0, said
    assert not dask.alive(dask.workers[0])
    assert not all(before)
    assert Store.open(store).digest() == digest
    assert max(times_computed(store).values()) == 1
    assert {event["worker"].split(":")[1] for event in map(json.loads, (store / "events.jsonl").open())} >= {
        str(dask.workers[1]), str(process.pid),
    }  # fmt: skip


def test_a_dead_scheduler_ends_the_run_and_the_next_one_goes_on(study, digest, dask, tmp_path):
    store = tmp_path / "store"
    with unfinished(store):
        process = begun(study, store, "--scheduler-file", str(dask.scheduler_file))
        await_first_unit(store, process)
        before = done(store)
        os.kill(dask.scheduler, signal.SIGKILL)
        code, said = ended(process)
    assert code == 1
    assert len([line for line in said if line.startswith("clockless:")]) == 1
    assert "scheduler is gone" in said[-1]
    assert f"clockless resume {store}" in said[-1]
    assert "Traceback" not in "".join(said)
    assert all(now for now, then in zip(done(store), before, strict=True) if then)
    resumed = subprocess.run(
        [sys.executable, "-m", "clockless", "resume", str(store), "--threads", "2"],
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    assert resumed.returncode == 0, resumed.stderr
    assert Store.open(store).digest() == digest
    assert max(times_computed(store).values()) == 1


@pytest.mark.parametrize(
    ("flag", "value", "sentence"),
    [("--scheduler", "tcp://127.0.0.1:1", "no Dask scheduler answers"), ("--scheduler", "nowhere", "no Dask scheduler"),
     ("--scheduler-file", "missing.json", "is not there")],
)  # fmt: skip
def test_a_wrong_address_gets_one_sentence(study, tmp_path, monkeypatch, capsys, flag, value, sentence):
    monkeypatch.setattr(cluster, "_CONNECT_SECONDS", 1.0)
    monkeypatch.chdir(tmp_path)
    code, said = spoken(monkeypatch, capsys, "run", study, "--out", tmp_path / "store", flag, value)
    assert code in (1, 2)
    assert len(said) == 1
    assert sentence in said[0]


def test_dask_itself_says_nothing_of_a_lost_scheduler(monkeypatch):
    monkeypatch.setattr(cluster, "_CONNECT_SECONDS", 1.0)
    with pytest.raises(ClusterError):
        cluster.connected("tcp://127.0.0.1:1", None)
    for talker in ("distributed.batched", "distributed.client", "distributed.comm.tcp", "tornado.application", "asyncio"):
        assert logging.getLogger(talker).getEffectiveLevel() == logging.CRITICAL


def test_a_cluster_without_workers_gets_one_sentence(study, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(cluster, "_WORKERS_SECONDS", 1.0)
    with dask_cluster(0, tmp_path / "dask") as empty:
        code, said = spoken(monkeypatch, capsys, "run", study, "--out", tmp_path / "store", "--scheduler", empty.address)
    assert code == 1
    assert len(said) == 1
    assert "has no workers" in said[0]
