"""Actors on MPI ranks: the same bits as in simulation; lost ranks; nothing hangs."""

from __future__ import annotations

import os
import pickle
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from clockless.actors.endings import Limits
from clockless.actors.simulation import Simulation
from clockless.actors.traces import replay
from rigs import LIMIT, abandoned, wait_until
from small_actors import RING, Chain, Net, mixer, same

pytest.importorskip("mpi4py", reason="mpi4py is not installed (the extra `mpi`)", exc_type=ImportError)
MPIEXEC = shutil.which("mpiexec", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
pytestmark = pytest.mark.skipif(MPIEXEC is None, reason="no mpiexec beside Python or in PATH (the wheel mpich brings one)")

PATIENT = Limits(start=LIMIT, silent=LIMIT, stall=LIMIT, stop=LIMIT)
SCRIPT = """
from clockless.actors.guarding import guarded
guarded()
import pickle, sys
sys.path.insert(0, {here!r})
import small_actors
from clockless.actors.endings import Limits
from clockless.actors.mpi import Ranks
build, description, count, folder, limits, run = pickle.loads({task!r})
ranks = Ranks(getattr(small_actors, build), description, count, folder=folder, snapshot_seconds=0.05, limits=limits)
report = ranks.run(**run)
if report is not None:
    pickle.dump(report, open(folder + "/report.pickle", "wb"))
"""


@pytest.fixture
def start(tmp_path):
    """A function that starts a job; whatever is left of it afterwards is ended."""
    jobs = []
    shared = set(os.listdir("/dev/shm"))

    def start_job(build, description, count, ranks=None, limits=None, **run):
        task = (build, description, count, str(tmp_path), limits or PATIENT, run)
        script = tmp_path / "job.py"
        script.write_text(SCRIPT.format(here=str(Path(__file__).parent), task=pickle.dumps(task)))
        (tmp_path / "report.pickle").unlink(missing_ok=True)
        job = subprocess.Popen(
            [MPIEXEC, "-n", str(ranks or count), sys.executable, str(script)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            start_new_session=True,
        )
        jobs.append(job)
        return job

    yield start_job
    for job in jobs:
        for process in (*ranks_of(job), job.pid):
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                continue
        job.communicate()
    new = set(os.listdir("/dev/shm")) - shared
    for name in abandoned(name for name in new if name.startswith("mpich_shm")):  # what it leaves when a rank is killed
        Path("/dev/shm", name).unlink(missing_ok=True)


def ranks_of(job):
    """The Python processes of a job."""
    found, above = [], {job.pid}
    table = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                table[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    while above:
        below = {process for process, parent in table.items() if parent in above}
        found += below
        above = below
    guards = {table[process] for process in found}
    return sorted(process for process in found if "job.py" in _command(process) and process not in guards)


def _command(process):
    try:
        return Path(f"/proc/{process}/cmdline").read_text()
    except OSError:
        return ""


def _rank(process):
    words = Path(f"/proc/{process}/environ").read_text().split("\0")
    return next(word.partition("=")[2] for word in words if word.startswith("PMI_RANK="))


def finished(job, tmp_path):
    _, errors = job.communicate(timeout=LIMIT)
    assert job.returncode == 0, errors
    return pickle.loads((tmp_path / "report.pickle").read_bytes())


def snapshots_exist(job, tmp_path, count):
    """Wait until each rank of a running job has written a snapshot."""
    assert wait_until(lambda: len(list(tmp_path.glob("mixer*.npz"))) == count or job.poll() is not None)
    assert job.poll() is None


def test_lockstep_layers_do_plain_backpropagation(start, tmp_path):
    chain = Chain()
    report = finished(start("layer", chain, 3, events={"layer0": 100, "layer2": 50}), tmp_path)
    for index, weights in enumerate(chain.plain(50)):
        np.testing.assert_array_equal(report.snapshots[f"layer{index}"]["w"], weights)
    assert report.ended == "events"


def test_the_same_run_as_in_simulation_where_order_is_fixed(start, tmp_path):
    net = Net(4, ((0, 1), (1, 2), (0, 2), (2, 3), (3, 0)), need="order", size=20000)
    report = finished(start("mixer", net, 4, events=60), tmp_path)
    plain = Simulation([mixer(net, index) for index in range(4)]).run(events=60)
    assert same(report.snapshots, plain.snapshots)


@pytest.mark.parametrize("policy", ["block", "drop-oldest", "latest"])
def test_mailboxes_stay_within_their_bound_and_the_trace_repeats_the_run(policy, start, tmp_path):
    net = Net(3, RING, policy=policy, capacity=3, need="none", sleeps=(0.0, 0.001, 0.05), size=10000)
    wanted = 25 if policy == "block" else 500  # for which the slow one would need 25 s
    report = finished(start("mixer", net, 3, events={"mixer1": wanted}, record=True), tmp_path)
    capacity = 1 if policy == "latest" else 3
    boxes = {name: actor.mailboxes for name, actor in report.actors.items()}
    assert all(box.fullest <= capacity for each in boxes.values() for box in each.values())
    assert (boxes["mixer2"]["from1"].dropped > 0) == (policy != "block")
    if policy == "block":
        assert report.actors["mixer1"].blocked > 0.05, "as long as an event of the slow one takes, at least"
    hurried = replace(net, sleeps=())
    assert same(replay(report.trace, [mixer(hurried, index) for index in range(3)]), report.snapshots)


def test_a_killed_rank_ends_the_job_and_the_same_command_goes_on(start, tmp_path):
    net = Net(3, ((0, 1), (1, 2)), policy="latest", need="none", sleeps=(0.002,) * 3)
    job = start("mixer", net, 3, events=10**9)
    snapshots_exist(job, tmp_path, 3)
    victims = {int(_rank(process)): process for process in ranks_of(job)}
    os.kill(victims[1], signal.SIGKILL)
    _, errors = job.communicate(timeout=LIMIT)
    assert job.returncode != 0
    sentence = "rank 1 was killed by SIGKILL, which ends the job; the same command goes on from the snapshots."
    assert errors.splitlines().count(sentence) == 1
    reached = {name: int(np.load(tmp_path / f"{name}.npz")["counts"][0]) for name in ("mixer0", "mixer1", "mixer2")}
    assert all(0 < events < 10**9 for events in reached.values())
    wanted = max(reached.values()) + 50
    report = finished(start("mixer", net, 3, events=wanted, record=True), tmp_path)
    assert [actor.events for actor in report.actors.values()] == [wanted] * 3
    assert [len(records) for records in report.trace.records] == [wanted - events for events in reached.values()]


def test_a_rank_that_stays_silent_ends_the_job_with_one_sentence(start, tmp_path):
    net = Net(3, ((0, 1), (1, 2)), policy="latest", need="none", sleeps=(0.002,) * 3)
    job = start("mixer", net, 3, limits=replace(PATIENT, silent=4), seconds=LIMIT)
    snapshots_exist(job, tmp_path, 3)
    victim = ranks_of(job)[2]
    os.kill(victim, signal.SIGSTOP)
    _, errors = job.communicate(timeout=LIMIT)
    assert job.returncode != 0
    said = [line for line in errors.splitlines() if "gave no sign of life for 4 s" in line]
    assert 1 <= len(said) <= 2  # both others may notice at once
    assert all("the same command goes on from the snapshots" in line for line in said)


def test_everyone_waiting_for_everyone_ends_with_a_sentence(start, tmp_path):
    net = Net(2, ((0, 1),), need="order")
    job = start("mixer", net, 2, limits=replace(PATIENT, stall=2), events={"mixer0": 1, "mixer1": 5})
    _, errors = job.communicate(timeout=LIMIT)
    assert job.returncode != 0
    assert "nobody acted for 2 s: mixer0 (event 1) is done; mixer1 (event 1) is not ready" in errors


@pytest.mark.parametrize(("ranks", "word"), [(2, "fewer"), (4, "more")])
def test_another_number_of_ranks_is_refused(ranks, word, start, tmp_path):
    job = start("mixer", Net(3, RING), 3, ranks=ranks, events=1)
    _, errors = job.communicate(timeout=LIMIT)
    assert job.returncode != 0
    assert errors.count(f"{ranks} MPI ranks are {word} than the 3 actors; start with mpiexec -n 3") == 1


def test_an_actor_that_cannot_be_built_ends_the_job(start, tmp_path):
    job = start("broken", None, 2, events=1)
    _, errors = job.communicate(timeout=LIMIT)
    assert job.returncode != 0
    assert "could not be built: ImportError: a package that is missing" in errors


def test_alone_without_mpiexec_is_refused():
    code = "import small_actors as s; from clockless.actors.mpi import Ranks; Ranks(s.mixer, s.Net(3, s.RING), 3)"
    here = str(Path(__file__).parent)
    done = subprocess.run([sys.executable, "-c", code], cwd=here, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert done.returncode == 1
    assert "WiringError: 1 MPI ranks are fewer than the 3 actors; start with mpiexec -n 3" in done.stderr
