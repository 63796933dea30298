"""Experiments as SLURM jobs on a real SLURM of one node: killed tasks and cancelled jobs lose nothing."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from clockless.errors import ClusterError
from clockless.experiments import files as description_files
from clockless.experiments.experiment import Experiment
from clockless.stores.store import Store
from clockless.workers.run import Workers, run
from clockless.workers.slurm import script, submit
from rigs import wait_until
from rigs.slurm import SlurmMissing, one_node_slurm

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
def slurm(tmp_path_factory):
    try:
        with one_node_slurm(tmp_path_factory.mktemp("slurm")) as running:
            yield running
    except SlurmMissing as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="module")
def digest(tmp_path_factory):
    """Of a run on one thread."""
    return run(EXPERIMENT, tmp_path_factory.mktemp("threads") / "store", Workers(threads=1), progress=False).digest()


@pytest.fixture
def study(tmp_path):
    description_files.write(EXPERIMENT, tmp_path / "study.yaml")
    return tmp_path / "study.yaml"


def submitted(slurm, *arguments):
    """The number of the job that the command submits."""
    answer = slurm.run(sys.executable, "-m", "clockless", *map(str, arguments), "--slurm", "2")
    assert answer.returncode == 0, answer.stderr
    assert "Submitted job" in answer.stdout
    return int(answer.stdout.split("Submitted job ")[1].split(";")[0])


@contextlib.contextmanager
def unfinished(path):
    """A new store whose last job is claimed here meanwhile: a run that shares it waits for that, however fast it is."""
    with Store.create(path, EXPERIMENT).journal.claim(UNITS - 1) as mine:
        assert mine
        yield


def done(store):
    return Store.open(store).done()


def over(slurm, job):
    return slurm.state(job) in ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL")


def tasks(job):
    """The processes of a job's tasks."""
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended since, or is somebody else's
            words = (entry / "environ").read_bytes().split(b"\0")
            command = (entry / "cmdline").read_bytes().split(b"\0")
            if f"SLURM_JOB_ID={job}".encode() in words and command[1:4] == [b"-P", b"-m", b"clockless.workers.processes"]:
                yield int(entry.name)


def times_computed(store):
    told = [json.loads(line) for line in (store / "events.jsonl").read_text().splitlines()]
    return Counter(event["unit"] for event in told if event["event"] == "unit done")


def log_of(store, job):
    path = store / f"slurm-{job}.log"
    return path.read_text() if path.exists() else f"no {path}"


def test_a_killed_task_does_not_end_the_other(slurm, study, digest, tmp_path):
    store = tmp_path / "a store, 50%"  # a name that a shell and SLURM would both take apart
    with unfinished(store):
        job = submitted(slurm, "run", study, "--out", store)
        assert wait_until(lambda: (done(store).any() and len(list(tasks(job))) == 2) or over(slurm, job))
        assert not over(slurm, job), log_of(store, job)
        os.kill(next(tasks(job)), signal.SIGKILL)
    assert wait_until(lambda: over(slurm, job))
    assert done(store).all(), log_of(store, job)
    assert Store.open(store).digest() == digest
    assert max(times_computed(store).values()) == 1
    assert (store / f"slurm-{job}.log").exists()


def test_a_cancelled_job_is_submitted_again(slurm, study, digest, tmp_path):
    store = tmp_path / "store"
    with unfinished(store):
        job = submitted(slurm, "run", study, "--out", store)
        assert wait_until(lambda: done(store).any() or over(slurm, job))
        slurm.run("scancel", str(job))
        assert wait_until(lambda: slurm.state(job) == "CANCELLED" and not list(tasks(job)))
    before = done(store)
    assert 0 < (before != 0).sum() < UNITS
    again = submitted(slurm, "resume", store)
    assert wait_until(lambda: over(slurm, again))
    assert slurm.state(again) == "COMPLETED", log_of(store, again)
    assert (done(store)[before != 0] == before[before != 0]).all()
    assert Store.open(store).digest() == digest
    assert max(times_computed(store).values()) == 1


def test_damaged_units_are_computed_again(slurm, tmp_path):
    small = EXPERIMENT.changed(steps=50, seeds=[0, 1])
    store = run(small, tmp_path / "store", Workers(threads=1), progress=False)
    whole = store.digest()
    chunk = store.path / f"{small.fingerprint}.zarr" / "error" / "c.1.0.0"
    chunk.write_bytes(chunk.read_bytes()[:-3])
    job = submitted(slurm, "resume", store.path)
    assert wait_until(lambda: over(slurm, job))
    assert Store.open(store.path).digest() == whole
    assert not store.damaged()


def test_the_script_is_one_that_bash_accepts(tmp_path):
    store = Store.create(tmp_path / "it's a store", EXPERIMENT)
    checked = subprocess.run(["bash", "-n", str(script(store, 3))], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
    assert "--ntasks=3" in script(store, 3).read_text()


def test_without_sbatch_there_is_a_sentence(tmp_path, monkeypatch):
    store = Store.create(tmp_path / "store", EXPERIMENT)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ClusterError, match="no sbatch on this machine"):
        submit(store, 2)
