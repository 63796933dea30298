"""Actors in real processes: the same bits as in simulation, whoever is killed, paused or slow; and nothing left behind."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from multiprocessing import resource_tracker
from pathlib import Path

import numpy as np
import pytest

from clockless.actors.endings import Limits
from clockless.actors.processes import Processes
from clockless.actors.simulation import Simulation
from clockless.actors.traces import Trace, replay
from clockless.errors import ActorError, ParameterError, StalledError, WiringError
from small_actors import RING, Chain, Net, broken, layer, mixer, same

pytestmark = [
    pytest.mark.timeout(90),
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes through /proc"),
]
PATIENT = Limits(start=60, silent=30, stall=8, stop=5)
HERE = Path(__file__).parent
SAFE = os.environ.get("PYTHONSAFEPATH")


def children(parent=None):
    """Living processes whose parent is `parent` (this one), as {id: command}."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, above = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
                command = (entry / "cmdline").read_text()
            except OSError:
                continue
            if int(above) == (parent or os.getpid()) and state != "Z":
                found[int(entry.name)] = command
    return found


def workers(parent=None):
    return [process for process, command in children(parent).items() if "spawn_main" in command]


@pytest.fixture(autouse=True)
def _nothing_is_left_behind():
    resource_tracker.ensure_running()  # lives as long as this process, whoever starts it
    before = (set(os.listdir("/dev/shm")), set(children()), len(os.listdir("/proc/self/fd")), dict(os.environ))
    yield
    after = (set(os.listdir("/dev/shm")), set(children()), len(os.listdir("/proc/self/fd")), dict(os.environ))
    assert after[1:3] == before[1:3]
    assert {key: value for key, value in after[3].items() if key != "PYTEST_CURRENT_TEST"} == {
        key: value for key, value in before[3].items() if key != "PYTEST_CURRENT_TEST"
    }
    assert not [name for name in after[0] - before[0] if "clockless" in name or name.startswith(("psm_", "sem."))]


def later(seconds, deed):
    timer = threading.Timer(seconds, deed)
    timer.start()
    return timer


def mixers(net):
    """For replay: the same actors in a hurry."""
    return [mixer(replace(net, sleeps=()), index) for index in range(net.count)]


def test_lockstep_layers_do_plain_backpropagation():
    chain = Chain()
    seen = []
    report = Processes(layer, chain, chain.count, limits=PATIENT).run(
        events={"layer0": 200, "layer2": 100}, progress=lambda done, total: seen.append((done, total))
    )
    for index, weights in enumerate(chain.plain(100)):
        np.testing.assert_array_equal(report.snapshots[f"layer{index}"]["w"], weights)
    assert report.ended == "events"
    assert not report.incidents
    assert report.actors["layer0"].measures == {"updates": 100.0}
    assert seen[-1] == (300, 300)
    assert all(first <= second for (first, _), (second, _) in itertools.pairwise(seen))


def test_a_real_run_is_repeated_to_the_bit(tmp_path):
    net = Net(3, RING, policy="drop-oldest", need="any", sleeps=(0.0, 0.0005, 0.002))
    report = Processes(mixer, net, 3, limits=PATIENT).run(seconds=1.0, record=True)
    assert report.events > 300
    assert report.actors["mixer2"].mailboxes["from1"].dropped > 0
    report.trace.save(tmp_path / "trace.npz")
    assert same(replay(Trace.load(tmp_path / "trace.npz"), mixers(net)), report.snapshots)


def test_the_same_run_as_in_simulation_where_order_is_fixed():
    net = Net(3, ((0, 1), (1, 2), (0, 2), (2, 0)), need="order")
    report = Processes(mixer, net, 3, limits=PATIENT).run(events=300)
    assert same(report.snapshots, Simulation(mixers(net)).run(events=300).snapshots)


@pytest.mark.parametrize("policy", ["block", "drop-oldest", "latest"])
def test_mailboxes_stay_within_their_bound_at_a_thousandfold_speed(policy):
    net = Net(2, ((0, 1),), policy=policy, capacity=5, need="none", sleeps=(0.0, 0.1))
    report = Processes(mixer, net, 2, limits=PATIENT).run(seconds=1.5)
    sender, box = report.actors["mixer0"], report.actors["mixer1"].mailboxes["from0"]
    assert box.fullest == (1 if policy == "latest" else 5)
    if policy == "block":
        assert box.dropped == 0
        assert sender.events <= 5 + 16 + 1
        assert sender.blocked > 1
    else:
        assert sender.events > 1000 * report.actors["mixer1"].events / 10
        assert box.taken + box.dropped + box.waiting == sender.events
        assert sender.blocked == 0


@pytest.mark.parametrize("seed", range(4))
def test_workers_killed_at_any_time_come_back_and_the_run_says_so(seed, tmp_path):
    rng = np.random.default_rng(seed)
    net = Net(3, RING, policy="drop-oldest" if seed % 2 else "latest", need="none", sleeps=(0.001, 0.001, 0.002))
    killed = []

    def kill():
        victim = rng.choice(workers())
        killed.append(victim)
        os.kill(victim, signal.SIGKILL)

    timers = []

    def progress(done, total):
        if not timers:
            timers.extend(later(after, kill) for after in np.sort(rng.uniform(0.0, 1.5, 3)))

    report = Processes(mixer, net, 3, folder=tmp_path, snapshot_seconds=0.05, limits=PATIENT).run(
        seconds=4.0, record=True, progress=progress
    )
    lost = [incident for incident in report.incidents if "SIGKILL" in incident.what]
    assert len(killed) == 3
    assert len(lost) >= 2  # one may hit a process that is still being started for the same actor, or was hit just before
    assert sum(actor.restarts for actor in report.actors.values()) == len(lost)
    assert all(actor.events > 100 for actor in report.actors.values())
    assert same(replay(report.trace, mixers(net)), report.snapshots)


@pytest.mark.parametrize("seed", range(3))
def test_workers_killed_while_they_start_are_started_again(seed):
    rng = np.random.default_rng(seed)
    net = Net(2, ((0, 1),), policy="latest", need="none")
    killed = []

    def kill():
        found = workers()
        deadline = time.monotonic() + 60
        while not found and time.monotonic() < deadline:
            found = workers()
        time.sleep(rng.uniform(0, 0.3))
        killed.append(found[0])
        os.kill(found[0], signal.SIGKILL)

    timer = later(0, kill)
    report = Processes(mixer, net, 2, limits=PATIENT).run(seconds=0.5, record=True)
    timer.join()
    assert len(killed) == len(report.incidents) == 1
    assert "was killed by SIGKILL" in report.incidents[0].what
    assert same(replay(report.trace, mixers(net)), report.snapshots)


def test_a_paused_worker_does_not_stop_the_others_and_goes_on():
    net = Net(3, RING, policy="latest", need="none", sleeps=(0.001,) * 3)
    counts, timers = [], []

    def progress(done, total):
        if not timers:
            victim = workers()[0]
            timers.append(later(0.3, lambda: os.kill(victim, signal.SIGSTOP)))
            timers.append(later(1.3, lambda: os.kill(victim, signal.SIGCONT)))
        counts.append(done)

    report = Processes(mixer, net, 3, limits=PATIENT).run(seconds=2.0, progress=progress)
    assert [incident.what for incident in report.incidents] == ["was paused", "goes on"]
    events = sorted(actor.events for actor in report.actors.values())
    assert events[0] < 0.75 * events[1]
    assert events[0] > 100
    assert all(actor.restarts == 0 for actor in report.actors.values())


def test_a_worker_that_stays_silent_is_replaced():
    net = Net(2, ((0, 1), (1, 0)), policy="latest", need="none", sleeps=(0.001,) * 2)
    timers = []

    def progress(done, total):
        if not timers:
            victim = workers()[0]
            timers.append(later(0.1, lambda: os.kill(victim, signal.SIGSTOP)))

    limits = Limits(start=60, silent=0.5, stall=8, stop=5)
    report = Processes(mixer, net, 2, limits=limits, snapshot_seconds=0.05).run(events=1500, progress=progress)
    assert any("no sign of life" in incident.what for incident in report.incidents)
    assert sum(actor.restarts for actor in report.actors.values()) == 1
    assert [actor.events for actor in report.actors.values()] == [1500, 1500]


def test_a_mistake_in_an_actor_is_said_once_it_repeats():
    net = Net(2, ((0, 1),), policy="latest", need="none", fails=(1, 20))
    with pytest.raises(ActorError, match="mixer1 failed twice at its event 20: raised ZeroDivisionError: a mistake"):
        Processes(mixer, net, 2, limits=PATIENT).run(events=50)


def test_restarts_are_limited():
    net = Net(2, ((0, 1),), policy="latest", need="none", sleeps=(0.001, 0.001))

    def progress(done, total):
        for victim in workers()[-1:]:
            os.kill(victim, signal.SIGKILL)

    limits = Limits(start=60, silent=30, stall=8, stop=5, restarts=2)
    with pytest.raises(ActorError, match="lost more often than 2 times"):
        Processes(mixer, net, 2, limits=limits).run(seconds=60, progress=progress)


def test_the_same_command_goes_on_from_the_snapshots(tmp_path):
    net = Net(3, ((0, 1), (1, 2)), need="none", policy="latest")
    first = Processes(mixer, net, 3, folder=tmp_path, limits=PATIENT).run(events=50)
    second = Processes(mixer, net, 3, folder=tmp_path, limits=PATIENT).run(events=120, record=True)
    assert {actor.events for actor in second.actors.values()} == {120}
    assert all(len(records) == 70 for records in second.trace.records)
    assert same(second.trace.first, first.snapshots)
    assert same(replay(second.trace, mixers(net)), second.snapshots)


def test_everyone_waiting_for_everyone_ends_with_a_sentence():
    net = Net(2, ((0, 1), (1, 0)), capacity=1, need="all", policy="block")
    limits = Limits(start=60, silent=30, stall=0.5, stop=5)
    with pytest.raises(StalledError, match=r"nobody acted for 0.5 s: layer0 \(event 1\) is not ready with 0 in gradients"):
        Processes(_one_sided, Chain(), 3, limits=limits).run(events=10)
    assert Processes(_one_sided, Chain(), 3, limits=limits).run(seconds=30).ended == "idle"
    assert Processes(mixer, net, 2, limits=limits).run(events=10).ended == "events"


def _one_sided(chain, index):
    """Layers of which the last never answers."""
    actor = layer(chain, index)
    if index == chain.count - 1:
        actor.ready = lambda waiting: False
    return actor


def test_mistakes_get_a_sentence(tmp_path):
    net = Net(2, ((0, 1),))
    with pytest.raises(ActorError, match="could not be built: raised ImportError: a package that is missing"):
        Processes(broken, net, 2).run(events=1)
    with pytest.raises(WiringError, match="cannot be sent to another process"):
        Processes(lambda net, index: mixer(net, index), net, 2)
    with pytest.raises(WiringError, match="nobody's mailbox"):
        Processes(mixer, net, 1).run(events=1)
    with pytest.raises(ParameterError, match="count = 0"):
        Processes(mixer, net, 0)
    with pytest.raises(WiringError, match="cores"):
        Processes(mixer, net, 2, cores=[10**6])
    with pytest.raises(ParameterError, match="restarts"):
        Limits(restarts=-1)
    with pytest.raises(ParameterError, match="limit stall"):
        Limits(stall=0)


PARENT = """
import sys
sys.path.insert(0, {here!r})
from small_actors import Net, mixer
from clockless.actors.processes import Processes
if __name__ == "__main__":
    def progress(done, total):
        global told
        if not told:
            told = True
            print("running", flush=True)
    told = False
    net = Net(3, ((0, 1), (1, 2), (2, 0)), policy="latest", need="none", sleeps=({sleep},) * 3)
    Processes(mixer, net, 3, folder={folder!r}, snapshot_seconds=0.05).run(seconds=60, progress=progress)
"""


def gone(processes, seconds=5.0):
    """Are all these processes gone within some seconds?"""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not any(_alive(process) for process in processes):
            return True
        time.sleep(0.02)
    return False


def _alive(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("paused", [False, True])
def test_no_worker_outlives_its_parent(by, paused, tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(PARENT.format(here=str(HERE), folder=str(tmp_path / "run"), sleep=0.01))
    parent = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert parent.stdout.readline() == "running\n"
        family = list(children(parent.pid))
        assert len(workers(parent.pid)) == 3
        if paused:
            os.kill(workers(parent.pid)[0], signal.SIGSTOP)
            time.sleep(0.3)
        if by == signal.SIGINT:
            os.killpg(parent.pid, by)  # as a terminal does it
        else:
            os.kill(parent.pid, by)
        _, errors = parent.communicate(timeout=20)
        assert gone(family)
    finally:
        parent.kill()
        parent.communicate()
    assert "leaked" not in errors
    if by == signal.SIGINT:
        assert errors.count("KeyboardInterrupt") == 1
        assert len(list((tmp_path / "run").glob("*.npz"))) >= 2
        assert not list((tmp_path / "run").glob(".*"))


def test_worker_computes_with_one_thread_on_one_core():
    report = Processes(_witness, Net(2, ()), 2, limits=PATIENT).run(events=1)
    usable = sorted(os.sched_getaffinity(0))
    for index in range(2):
        seen = report.snapshots[f"mixer{index}"]
        assert seen["threads"] == 1
        assert seen["cores"].tolist() == [usable[index % len(usable)]]


def test_files_of_the_working_folder_take_no_workers_over(tmp_path, monkeypatch):
    """Python's own start of a process would look for modules there first."""
    for name in ("socket", "pickle", "runpy", "uuid", "numpy"):
        (tmp_path / f"{name}.py").write_text(f"open('sprung-{name}', 'w'); raise SystemExit('taken over')")
    monkeypatch.chdir(tmp_path)
    report = Processes(_witness, Net(2, ()), 2, limits=PATIENT).run(events=1)
    assert report.snapshots["mixer0"]["threads"] == 1
    assert not list(tmp_path.glob("sprung*"))
    assert os.environ.get("PYTHONSAFEPATH") == SAFE, "others start as they like"


class _Witness(type(mixer(Net(1, ()), 0))):
    def snapshot(self):
        return {"threads": np.array(int(os.environ["OMP_NUM_THREADS"])), "cores": np.array(sorted(os.sched_getaffinity(0)))}


def _witness(net, index):
    return _Witness(net, index)
