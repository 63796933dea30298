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
from rigs import LIMIT, abandoned, wait_until
from small_actors import RING, Chain, Net, broken, layer, mixer, same

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes through /proc")
# Runs end by events, never by the clock, and by fewer than a trace holds back for a supervisor that is kept waiting (8192):
# on a machine with much else to do each process may stand still for seconds at any moment.
PATIENT = Limits(start=LIMIT, silent=LIMIT, stall=LIMIT, stop=LIMIT)
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
    assert not abandoned(name for name in after[0] - before[0] if "clockless" in name or name.startswith(("psm_", "sem.")))


def begun(deed):
    thread = threading.Thread(target=deed, daemon=True)
    thread.start()
    return thread


def stands_still(process):
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def mixers(net):
    """For replay: the same actors in a hurry."""
    return [mixer(replace(net, sleeps=(), naps=None, gate=""), index) for index in range(net.count)]


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
    """The last actor naps now and then, so that its mailbox runs over however the machine deals out its time."""
    net = Net(3, RING, policy="drop-oldest", need="any", sleeps=(0.0, 0.0005, 0.002), naps=(2, 40, 0.4))
    report = Processes(mixer, net, 3, limits=PATIENT).run(events={"mixer2": 120}, record=True)
    assert report.events > 300, "who acts only on messages has had as many senders' events"
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
    wanted = 15 if policy == "block" else 10_000
    report = Processes(mixer, net, 2, limits=PATIENT).run(events={"mixer0": wanted})
    sender, box = report.actors["mixer0"], report.actors["mixer1"].mailboxes["from0"]
    assert sender.events == wanted
    assert box.fullest == (1 if policy == "latest" else 5)
    if policy == "block":
        assert box.dropped == 0
        assert sender.events <= report.actors["mixer1"].events + 5 + 1
        assert sender.blocked > 0.1, "as long as the receiver takes for one event, at least"
    else:
        assert box.taken <= report.actors["mixer1"].events
        assert box.dropped > 5000, "a receiver that kept up would need minutes for this"
        assert box.taken + box.dropped + box.waiting == sender.events
        assert sender.blocked == 0


@pytest.mark.parametrize("seed", range(4))
def test_workers_killed_at_any_time_come_back_and_the_run_says_so(seed, tmp_path):
    """Three kills, each some milliseconds after another part of the first half of all events is done."""
    rng = np.random.default_rng(seed)
    net = Net(3, RING, policy="drop-oldest" if seed % 2 else "latest", need="none", sleeps=(0.001, 0.001, 0.002))
    at, waits = np.sort(rng.uniform(0.0, 0.4, 3)), rng.uniform(0, 0.03, 3)
    killed, killers = [], []

    def kill(wait):
        time.sleep(wait)
        victim = rng.choice([process for process in workers() if process not in killed])
        killed.append(victim)
        os.kill(victim, signal.SIGKILL)

    def progress(done, total):
        if len(killers) < 3 and done >= at[len(killers)] * total and all(not killer.is_alive() for killer in killers):
            killers.append(begun(lambda: kill(waits[len(killed)])))
        if done > 0.6 * total:  # never so late that a victim is not missed
            for killer in killers:
                killer.join()

    report = Processes(mixer, net, 3, folder=tmp_path, snapshot_seconds=0.05, limits=PATIENT).run(
        events=1000, record=True, progress=progress
    )
    lost = [incident for incident in report.incidents if "SIGKILL" in incident.what]
    assert len(killed) == len(lost) == 3
    assert sum(actor.restarts for actor in report.actors.values()) == 3
    assert all(actor.events == 1000 for actor in report.actors.values())
    assert same(replay(report.trace, mixers(net)), report.snapshots)


@pytest.mark.parametrize("seed", range(3))
def test_workers_killed_while_they_start_are_started_again(seed, tmp_path):
    """The run cannot end before: its last actor waits for a file that is written when the dead one is buried."""
    rng = np.random.default_rng(seed)
    gate = tmp_path / "gate"
    net = Net(3, ((0, 1),), policy="latest", need="none", sleeps=(0.001, 0.001, 0.0), gate=str(gate))
    killed = []

    def kill():
        assert wait_until(workers, LIMIT, 0.001)
        time.sleep(rng.uniform(0, 0.3))
        killed.append(workers()[0])
        os.kill(killed[0], signal.SIGKILL)
        assert wait_until(lambda: not Path(f"/proc/{killed[0]}").exists())
        gate.touch()

    killer = begun(kill)
    report = Processes(mixer, net, 3, limits=PATIENT).run(events={"mixer0": 100, "mixer1": 100, "mixer2": 1}, record=True)
    killer.join()
    assert len(killed) == len(report.incidents) == 1
    assert "was killed by SIGKILL" in report.incidents[0].what
    assert same(replay(report.trace, mixers(net)), report.snapshots)


def test_a_paused_worker_does_not_stop_the_others_and_goes_on():
    """It is woken once the others have done 200 events without it, and the supervisor has had time to see it."""
    net = Net(3, RING, policy="latest", need="none", sleeps=(0.002,) * 3)
    victims, seen = [], []

    def progress(done, total):
        if not victims:
            victims.append(workers()[0])
            os.kill(victims[0], signal.SIGSTOP)
            assert wait_until(lambda: stands_still(victims[0]), LIMIT, 0.001)
            return
        if not seen:
            seen.append((done, time.monotonic()))
        if len(seen) == 1 and done >= seen[0][0] + 200 and time.monotonic() > seen[0][1] + 0.5:
            seen.append((done, time.monotonic()))
            os.kill(victims[0], signal.SIGCONT)

    report = Processes(mixer, net, 3, limits=PATIENT).run(events=1000, progress=progress)
    assert [incident.what for incident in report.incidents] == ["was paused", "goes on"]
    assert len(seen) == 2
    assert all((actor.events, actor.restarts) == (1000, 0) for actor in report.actors.values())


def test_a_worker_that_stays_silent_is_replaced():
    net = Net(2, ((0, 1), (1, 0)), policy="latest", need="none", sleeps=(0.001,) * 2)
    victims = []

    def progress(done, total):
        if not victims:
            victims.append(workers()[0])
            os.kill(victims[0], signal.SIGSTOP)

    limits = replace(PATIENT, silent=2)
    report = Processes(mixer, net, 2, limits=limits, snapshot_seconds=0.05).run(events=800, progress=progress)
    silent = [incident for incident in report.incidents if "no sign of life" in incident.what]
    assert len(silent) >= 1, "more if the machine has kept another waiting for as long"
    assert sum(actor.restarts for actor in report.actors.values()) == len(silent)
    assert [actor.events for actor in report.actors.values()] == [800, 800]


def test_a_mistake_in_an_actor_is_said_once_it_repeats():
    net = Net(2, ((0, 1),), policy="latest", need="none", fails=(1, 20))
    with pytest.raises(ActorError, match="mixer1 failed twice at its event 20: raised ZeroDivisionError: a mistake"):
        Processes(mixer, net, 2, limits=PATIENT).run(events=50)


def test_restarts_are_limited():
    net = Net(2, ((0, 1),), policy="latest", need="none", sleeps=(0.001, 0.001))

    def progress(done, total):
        for victim in workers()[-1:]:
            os.kill(victim, signal.SIGKILL)

    with pytest.raises(ActorError, match="lost more often than 2 times"):
        Processes(mixer, net, 2, limits=replace(PATIENT, restarts=2)).run(events=10**9, progress=progress)


def test_the_same_command_goes_on_from_the_snapshots(tmp_path):
    net = Net(3, ((0, 1), (1, 2)), need="none", policy="latest")
    first = Processes(mixer, net, 3, folder=tmp_path, limits=PATIENT).run(events=50)
    second = Processes(mixer, net, 3, folder=tmp_path, limits=PATIENT).run(events=120, record=True)
    assert {actor.events for actor in second.actors.values()} == {120}
    assert all(len(records) == 70 for records in second.trace.records)
    assert same(second.trace.first, first.snapshots)
    assert same(replay(second.trace, mixers(net)), second.snapshots)


def test_a_run_ends_when_its_time_is_over(tmp_path):
    net = Net(2, ((0, 1),), need="none", policy="latest")
    assert Processes(mixer, net, 2, folder=tmp_path, limits=PATIENT).run(seconds=0.1).ended == "seconds"


def test_everyone_waiting_for_everyone_ends_with_a_sentence():
    net = Net(2, ((0, 1), (1, 0)), capacity=1, need="all", policy="block")
    limits = replace(PATIENT, stall=1.5)
    with pytest.raises(StalledError, match=r"nobody acted for 1.5 s: layer0 \(event 1\) is not ready with 0 in gradients"):
        Processes(_one_sided, Chain(), 3, limits=limits).run(events=10)
    assert Processes(_one_sided, Chain(), 3, limits=limits).run(seconds=LIMIT).ended == "idle"
    assert Processes(mixer, net, 2, limits=PATIENT).run(events=10).ended == "events"


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


UNGUARDED = """
import sys
sys.path.insert(0, {here!r})
from dataclasses import dataclass
from small_actors import Net, mixer
from clockless.actors.processes import Processes

@dataclass(frozen=True)
class Large(Net):
    much: bytes = bytes(1_000_000)  # more than a pipe holds

Processes(mixer, Large(2, ((0, 1),)), 2).run(events=3)
"""


def test_a_script_that_starts_processes_while_it_is_imported_is_told_so(tmp_path):
    """It neither waits for ever nor is started again and again."""
    script = tmp_path / "unguarded.py"
    script.write_text(UNGUARDED.format(here=str(HERE)))
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=LIMIT)
    assert done.returncode == 1
    *theirs, mine = [line for line in done.stderr.splitlines() if line.startswith("clockless.errors.ActorError")]
    assert theirs
    assert all("imports its script, which starts processes" in line for line in theirs)
    assert "actor 0 ended with code 1 before it began" in mine
    assert mine.endswith('start processes under `if __name__ == "__main__":` only.')


PARENT = """
import sys
sys.path.insert(0, {here!r})
from small_actors import Net, mixer
from clockless.actors.endings import Limits
from clockless.actors.processes import Processes
if __name__ == "__main__":
    def progress(done, total):
        global told
        if not told:
            told = True
            print("running", flush=True)
    told = False
    net = Net(3, ((0, 1), (1, 2), (2, 0)), policy="latest", need="none", sleeps=({sleep},) * 3)
    limits = Limits(start={long}, silent={long}, stall={long}, stop={long})
    Processes(mixer, net, 3, folder={folder!r}, snapshot_seconds=0.05, limits=limits).run(seconds={long}, progress=progress)
"""


def _alive(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("paused", [False, True])
def test_no_worker_outlives_its_parent(by, paused, tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(PARENT.format(here=str(HERE), folder=str(tmp_path / "run"), sleep=0.01, long=LIMIT))
    parent = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert parent.stdout.readline() == "running\n"
        family = list(children(parent.pid))
        assert len(workers(parent.pid)) == 3
        if paused:
            os.kill(workers(parent.pid)[0], signal.SIGSTOP)
            assert wait_until(lambda: stands_still(workers(parent.pid)[0]))
            time.sleep(0.3)  # to be seen
        if by == signal.SIGINT:
            os.killpg(parent.pid, by)  # as a terminal does it
        else:
            os.kill(parent.pid, by)
        _, errors = parent.communicate(timeout=LIMIT)
        assert wait_until(lambda: not any(_alive(process) for process in family))
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
