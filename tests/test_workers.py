"""Local worker processes: killed ones, killed parents and Ctrl-C lose nothing, change no bit and leave nobody behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

import clockless as cl
from clockless.experiments.files import write
from clockless.workers.run import compute
from rigs import LIMIT, wait_until
from test_sweep import PLAIN, computed

LONG = PLAIN.changed(steps=60_000, task={"kind": "regression", "seed": 0, "train": 8, "test": 5})
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}


@pytest.fixture(scope="module")
def digest(tmp_path_factory):
    """Of the long study, computed at one go."""
    return computed(tmp_path_factory.mktemp("reference") / "store", LONG, 64).digest()


def begun(folder, *flags):
    """`clockless run` on the long study with units of one replica each, as a process that leads a group of its own."""
    store = cl.Store.create(folder / "store", LONG, width=1)
    write(LONG, folder / "study.yaml")
    words = ["run", str(folder / "study.yaml"), "--out", str(store.path)]
    words = [sys.executable, "-m", "clockless", *words, "--checkpoint-seconds", "0.05", *flags]
    process = subprocess.Popen(words, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True, start_new_session=True)
    return store, process


def unfinished(store):
    """Its last job is claimed here meanwhile, so that a run in another process waits for it, however fast it is."""
    return store.journal.claim(store.job_count - 1)


def children(pid):
    """Process ids of the children of a process."""
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(child) for child in file.read().split()]


def alive(pid):
    """Whether a process runs; one that has ended but was not waited for does not."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def told(store, event):
    """The units of all events of one kind."""
    return [line["unit"] for line in store.journal.told() if line["event"] == event]


def once_each(store):
    """Whether every unit was finished exactly once."""
    return sorted(told(store, "unit done")) == list(range(store.job_count))


def test_two_local_workers_have_the_same_bits(tmp_path, digest):
    store = cl.Store.create(tmp_path / "store", LONG, width=4)
    assert compute(store, cl.Workers(processes=2), progress=False).complete
    assert store.digest() == digest
    assert once_each(store)
    computing = {line["worker"] for line in store.journal.told() if line["event"] == "unit done"}
    assert 1 <= len(computing) <= 2
    assert not any(worker.endswith(f":{os.getpid()}") for worker in computing), "the parent computes nothing itself"


def test_a_killed_worker_is_replaced_and_nothing_is_lost(tmp_path, digest):
    store, process = begun(tmp_path, "--workers", "2")
    try:
        with unfinished(store):
            assert wait_until(lambda: len(store.journal.running()) > 1)
            workers = children(process.pid)
            os.kill(workers[0], signal.SIGKILL)
        _, said = process.communicate(timeout=LIMIT)
    finally:
        end(process)
    assert process.returncode == 0, said
    assert store.digest() == digest
    assert once_each(store)
    deaths = [line for line in store.journal.told() if line["event"] == "worker died"]
    assert [(line["process"], line["code"]) for line in deaths] == [(workers[0], -signal.SIGKILL)]
    assert not any(alive(worker) for worker in workers)


@pytest.mark.parametrize("moment", ["starting", "computing"])
def test_workers_whose_parent_is_killed_end_by_themselves(tmp_path, digest, moment):
    store, process = begun(tmp_path, "--workers", "2")
    try:
        with unfinished(store):
            assert wait_until(lambda: len(children(process.pid)) == 2)
            workers = children(process.pid)
            if moment == "computing":
                assert wait_until(lambda: len(store.journal.running()) > 1)
            process.kill()
            process.wait()
            assert wait_until(lambda: not any(alive(worker) for worker in workers))
    finally:
        end(process)
    assert store.journal.running() == []
    before = told(store, "unit done")
    assert len(before) < store.job_count
    assert compute(cl.Store.open(store.path), cl.Workers(threads=2), progress=False).complete
    assert store.digest() == digest
    assert once_each(store)


@pytest.mark.parametrize("flags", [("--threads", "2"), ("--workers", "2")], ids=" ".join)
def test_ctrl_c_says_how_to_go_on_and_resume_does(tmp_path, digest, flags):
    store, process = begun(tmp_path, *flags)
    try:
        with unfinished(store):
            assert wait_until(lambda: told(store, "unit done") and len(store.journal.running()) > 1)
            workers = children(process.pid)
            os.killpg(process.pid, signal.SIGINT)  # what a terminal does
            _, said = process.communicate(timeout=LIMIT)
    finally:
        end(process)
    assert process.returncode == 130
    assert said.rstrip().endswith(f"Go on with: clockless resume {store.path}")
    assert "Traceback" not in said
    assert not any(alive(worker) for worker in workers)
    kept = [store.journal.take_up(unit, store.jobs.learner(unit)) for unit in range(store.job_count)]
    assert any(progress is not None for progress in kept)
    resumed = subprocess.run(
        [sys.executable, "-m", "clockless", "resume", str(store.path)], env=ENVIRONMENT, timeout=LIMIT, check=False
    )
    assert resumed.returncode == 0
    assert store.digest() == digest
    assert once_each(store)


def test_two_runs_at_once_share_the_units(tmp_path, digest):
    store, process = begun(tmp_path, "--threads", "1")
    other = None
    try:
        _, other = begun(tmp_path, "--workers", "1")
        for each in (process, other):
            _, said = each.communicate(timeout=LIMIT)
            assert each.returncode == 0, said
    finally:
        end(process)
        if other:
            end(other)
    assert store.digest() == digest
    assert once_each(store)


def test_killed_at_any_moment_again_and_again_nothing_is_lost(tmp_path, digest):
    """The whole process, by SIGKILL, at two moments after the start; what was done stays done."""
    done = 0
    for moment in (0.0, 0.3):
        store, process = begun(tmp_path, "--threads", "2")
        try:
            assert wait_until(lambda store=store: store.journal.running() or store.done().all())
            time.sleep(moment)
        finally:
            process.kill()
            end(process)
        store = cl.Store.open(store.path)
        assert store.damaged() == []
        now = int((store.done() != 0).sum())
        assert now >= done
        done = now
    assert compute(cl.Store.open(store.path), cl.Workers(threads=2), progress=False).complete
    assert store.digest() == digest
    assert len(told(store, "unit done")) <= store.job_count, "an event may be lost in a kill, but nothing is done twice"


def end(process):
    """End a process that a test has left behind, and its pipe."""
    if process.poll() is None:
        process.kill()
    process.wait()
    process.stderr.close()
