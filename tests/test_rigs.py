"""The clusters that other tests use: a real SLURM and a real Dask start, work, survive what they should, and go away."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import sys
import time
from pathlib import Path

import pytest

from rigs import LIMIT, RigMissing, wait_until
from rigs.dask_cluster import dask_cluster
from rigs.slurm import DAEMONS, SlurmMissing, one_node_slurm

ENDED = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL")
# Task 0 kills itself as a failing node or the kernel would; task 1 goes on for a while and says so.
ONE_OF_TWO_DIES = """
import os, signal, sys, time
if os.environ["SLURM_PROCID"] == "0":
    os.kill(os.getpid(), signal.SIGKILL)
time.sleep(float(sys.argv[1]))
print("finished", os.environ["SLURM_PROCID"])
"""


def python(code):
    """A shell's command line for `code`, for sbatch --wrap."""
    return shlex.join([sys.executable, "-c", code])


def carrying(settings):
    """The processes that have been told of these SLURM settings, zombies aside."""
    mark, found = b"SLURM_CONF=" + os.fsencode(settings), []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue  # it has ended, or is somebody else's
        if mark in words:
            found.append(int(entry.name))
    return found


def exists(pid):
    """Whether there is a process `pid`; one that has been waited for is none."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    try:
        with one_node_slurm(tmp_path_factory.mktemp("slurm")) as running:
            yield running
    except SlurmMissing as reason:
        pytest.skip(str(reason))


@pytest.fixture
def dask(tmp_path):
    pytest.importorskip("distributed", reason="Dask is not installed here: the Python package distributed is missing")
    try:
        with dask_cluster(2, tmp_path) as running:
            yield running
    except RigMissing as reason:
        pytest.skip(str(reason))


def test_srun_runs_two_tasks_as_the_present_user(slurm):
    answer = slurm.run("srun", "-n", "2", sys.executable, "-c", "import os; print(os.getuid(), os.environ['SLURM_PROCID'])")
    assert answer.returncode == 0, answer.stderr
    assert sorted(answer.stdout.splitlines()) == [f"{os.getuid()} 0", f"{os.getuid()} 1"]


def test_a_batch_job_runs_and_its_exit_code_is_known(slurm):
    output = slurm.folder / "batch.out"
    job = slurm.submit("--output", str(output), "--wrap", python("print(6 * 7); raise SystemExit(3)"))
    assert wait_until(lambda: slurm.state(job) in ENDED)
    assert (slurm.state(job), slurm.detail(job, "ExitCode")) == ("FAILED", "3:0")
    assert output.read_text() == "42\n"


def test_a_cancelled_job_hears_of_it_and_ends(slurm):
    output = slurm.folder / "cancelled.out"
    code = "import signal, time; signal.signal(signal.SIGTERM, lambda *_: print('asked to end', flush=True)); "
    code += "print('begun', flush=True); time.sleep(1000)"
    job = slurm.submit("--output", str(output), "--wrap", f"exec {python(code)}")
    assert wait_until(lambda: output.exists() and "begun" in output.read_text())
    assert slurm.run("scancel", str(job)).returncode == 0
    assert wait_until(lambda: slurm.state(job) == "CANCELLED" and not slurm.run("squeue", "-h").stdout.strip())
    assert "asked to end" in output.read_text()


@pytest.mark.parametrize(("flag", "others_finish"), [("--kill-on-bad-exit=0", True), ("--kill-on-bad-exit=1", False)])
def test_a_killed_task_takes_the_others_along_only_when_told_to(slurm, flag, others_finish):
    wait = ["1" if others_finish else "1000"]
    answer = slurm.run("srun", "-n", "2", "--wait=0", flag, sys.executable, "-c", ONE_OF_TWO_DIES, *wait)
    assert answer.returncode > 128  # 128 and the signal, of a killed task
    assert ("finished 1" in answer.stdout) == others_finish


def test_a_requeued_job_starts_again(slurm):
    output = slurm.folder / "requeued.out"
    code = "import os, time; again = os.environ.get('SLURM_RESTART_COUNT'); print('start', again, flush=True); "
    code += "time.sleep(0 if again else 1000)"
    job = slurm.submit("--requeue", "--open-mode=append", "--output", str(output), "--wrap", python(code))
    assert wait_until(lambda: output.exists() and "start" in output.read_text())
    assert slurm.run("scontrol", "requeue", str(job)).returncode == 0
    assert wait_until(lambda: slurm.state(job) == "COMPLETED")
    assert [line for line in output.read_text().splitlines() if line.startswith("start")] == ["start None", "start 1"]


def test_a_job_outlives_the_controller(slurm):
    output, sign = slurm.folder / "outlives.out", slurm.folder / "sign"
    job = slurm.submit("--output", str(output), "--wrap", f"until [ -e {sign} ]; do sleep 0.1; done; echo finished")
    assert wait_until(lambda: slurm.state(job) == "RUNNING")
    assert slurm.await_saved(job)
    slurm.processes["slurmctld"].kill()
    slurm.processes["slurmctld"].wait()
    slurm.start("slurmctld")
    assert slurm.state(job) == "RUNNING"
    sign.touch()
    assert wait_until(lambda: slurm.state(job) == "COMPLETED")
    assert output.read_text() == "finished\n"


def test_slurm_leaves_no_process_behind_even_of_a_job_that_will_not_end(tmp_path):
    output = tmp_path / "deaf.out"
    try:
        with one_node_slurm(tmp_path) as slurm:
            pids = [slurm.processes[name].pid for name in DAEMONS]
            code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
            code += "print('begun', flush=True); time.sleep(1000)"
            slurm.submit("--output", str(output), "--wrap", python(code))
            assert wait_until(lambda: output.exists() and "begun" in output.read_text())
            assert len(carrying(slurm.environment["SLURM_CONF"])) >= len(DAEMONS) + 2
            slurm.processes["slurmctld"].kill()  # so that the job cannot be cancelled either
            slurm.processes["slurmctld"].wait()
    except SlurmMissing as reason:
        pytest.skip(str(reason))
    assert not any(map(exists, pids))
    assert wait_until(lambda: not carrying(tmp_path / "slurm.conf"))


def test_without_slurm_the_sentence_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SlurmMissing, match=r"SLURM is not installed here \(.*sbatch.* not found\); run .ci/slurm-install"):
        one_node_slurm(tmp_path).__enter__()


def test_a_daemon_that_does_not_start_gives_its_last_words_and_leaves_nothing(slurm, tmp_path):
    with pytest.raises(SlurmMissing, match="slurmctld ended with code 1"):
        one_node_slurm(tmp_path, cpus=-1).__enter__()
    assert wait_until(lambda: not carrying(tmp_path / "slurm.conf"))


def test_dask_runs_functions_in_processes_of_one_thread(dask):
    from distributed import Client

    with Client(scheduler_file=str(dask.scheduler_file), set_as_default=False) as client:
        assert client.submit(pow, 2, 10).result(timeout=LIMIT) == 1024
        assert sorted(client.run(os.getpid).values()) == sorted(dask.workers)
        assert set(client.nthreads().values()) == {1}
        assert set(client.run(os.getenv, "OMP_NUM_THREADS").values()) == {"1"}


def listening(pid):
    """Addresses on which a process waits for connections, as the kernel spells them."""
    sockets = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed since
            sockets.add(os.readlink(entry).removeprefix("socket:[").rstrip("]"))
    tables = [Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:] for name in ("tcp", "tcp6")]
    lines = [line.split() for table in tables for line in table]
    return [words[1].split(":")[0] for words in lines if words[3] == "0A" and words[9] in sockets]


def test_dask_listens_on_the_loopback_only(dask):
    """Whoever reaches one of its ports may run any code."""
    for pid in (dask.scheduler, *dask.workers):
        found = listening(pid)
        assert len(found) >= 2, "its own port, and one for HTTP"
        assert set(found) == {"0100007F"}, "127.0.0.1"


def test_work_finishes_although_a_worker_is_killed(dask):
    from distributed import Client

    def slow_square(number):
        time.sleep(0.1)
        return number * number

    with Client(dask.address, set_as_default=False) as client:
        futures = client.map(slow_square, range(20), pure=False)
        futures[0].result(timeout=LIMIT)
        os.kill(dask.workers[0], signal.SIGKILL)
        assert client.gather(futures) == [number * number for number in range(20)]
        assert [dask.alive(pid) for pid in dask.workers] == [False, True]
        dask.add_worker()
        client.wait_for_workers(2, timeout=LIMIT)
        assert sorted(client.run(os.getpid).values()) == sorted(dask.workers[1:])


def test_workers_end_when_the_scheduler_is_killed(dask):
    os.kill(dask.scheduler, signal.SIGKILL)
    assert wait_until(lambda: not any(map(dask.alive, [dask.scheduler, *dask.workers])))


def test_dask_leaves_no_process_behind_even_of_a_worker_that_is_stopped(tmp_path):
    try:
        with dask_cluster(2, tmp_path) as dask:
            pids = [dask.scheduler, *dask.workers]
            os.kill(dask.workers[0], signal.SIGSTOP)
    except RigMissing as reason:
        pytest.skip(str(reason))
    assert not any(map(exists, pids))
