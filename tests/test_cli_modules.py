"""`clockless decouple`: modules of one experiment in virtual time, in processes and on ranks; kills; going on; mistakes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("jax", reason="JAX is not installed (the extra `modules`)", exc_type=ImportError)

from clockless.actors.traces import Trace
from clockless.commands.modules import _ranks
from rigs import LIMIT, wait_until

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes through /proc")
CLOCKLESS = (sys.executable, "-m", "clockless")
STUDY = """
network: {kind: mlp, layers: 2, width: 16}
medium: {kind: modules, rate: 0.003}
task: {kind: labels, name: digits}
rule: {kind: dni}
batch: 64
steps: 60
"""


@pytest.fixture
def study(tmp_path):
    (tmp_path / "study.yaml").write_text(STUDY)
    return tmp_path


@pytest.fixture
def begun(study):
    """A function that starts the command; what is left of it afterwards is ended."""
    jobs = []

    def start(*arguments):
        jobs.append(_begun(study, *arguments))
        return jobs[-1]

    yield start
    for job in jobs:
        job.kill()  # its workers die with it
        job.communicate()


def _begun(folder, *arguments):
    command = [*CLOCKLESS, "decouple", "study.yaml", "--out", "run", *map(str, arguments)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PMI", "OMPI", "SLURM"))}
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def ended(job):
    said, errors = job.communicate(timeout=LIMIT)
    return job.returncode, said, errors


def report(folder):
    return json.loads((folder / "run" / "report.json").read_text())


def children(parent):
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, above = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
                command = (entry / "cmdline").read_text()
            except OSError:
                continue
            if int(above) == parent and state != "Z" and "spawn_main" in command:
                found.append(int(entry.name))
    return sorted(found)


def called(folder, monkeypatch, *arguments):
    """The command in this process; its exit code."""
    from clockless.commands import main as cli

    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["clockless", "decouple", "study.yaml", "--out", "run", *map(str, arguments)])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    return caught.value.code


def test_simulated_in_two_parts_or_in_one_gives_the_same_bits(study, monkeypatch, capsys):
    assert called(study, monkeypatch, "--as", "simulation", "--seconds", 25) == 0
    assert "the same command goes on" in capsys.readouterr().out
    assert report(study)["ended"] == "seconds"
    assert called(study, monkeypatch, "--as", "simulation") == 0
    assert "60 of 60 batches" in capsys.readouterr().out
    with np.load(study / "run" / "simulation.npz") as file:
        parts = {name: file[name] for name in file.files}
    (study / "run").rename(study / "other")
    assert called(study, monkeypatch, "--as", "simulation") == 0
    with np.load(study / "run" / "simulation.npz") as file:
        assert set(file.files) == set(parts)
        assert all(file[name].tobytes() == parts[name].tobytes() for name in parts)


def events_in(snapshot):
    with np.load(snapshot) as file:
        return int(file["counts"][0])


def killed_on_the_way(study, begun, snapshots):
    """What a run said whose second module was killed once both had written a snapshot; if that was late, of a longer run."""
    for events in (250, 1_000, 4_000, 16_000):
        before = [path.stat().st_mtime_ns if path.exists() else 0 for path in snapshots]
        job = begun("--events", events, "--snapshot-seconds", 0.1)
        written = lambda before=before: all(  # noqa: E731
            path.exists() and path.stat().st_mtime_ns > then for path, then in zip(snapshots, before, strict=True)
        )
        assert wait_until(lambda job=job, written=written: job.poll() is not None or written())
        workers = children(job.pid)
        if len(workers) == 2:
            os.kill(workers[1], signal.SIGKILL)
        code, said, errors = ended(job)
        assert code == 0, errors
        if "SIGKILL" in said:
            return said
    raise AssertionError("the runs were over before the kill")


def test_processes_survive_a_kill_and_go_on_after_ctrl_c(study, begun):
    snapshots = [study / "run" / f"module-{k}.npz" for k in range(2)]
    said = killed_on_the_way(study, begun, snapshots)
    assert "was killed by SIGKILL; goes on from event" in said
    plain = report(study)
    assert plain["ended"] == "events"
    assert any("SIGKILL" in incident["what"] for incident in plain["incidents"])
    assert 0 <= plain["test error"] < 0.9
    first = plain["actors"]["module-0"]["events"]
    assert first > 0
    assert Trace.load(study / "run" / "trace.npz").complete

    job = begun("--events", 10**9, "--snapshot-seconds", 0.1)
    assert wait_until(lambda: len(children(job.pid)) == 2 and events_in(snapshots[0]) > first)
    workers = children(job.pid)
    job.send_signal(signal.SIGINT)
    code, _, errors = ended(job)
    assert code == 130, errors
    assert "Stopped; the snapshots are in run. The same command goes on." in errors
    assert not [worker for worker in workers if Path(f"/proc/{worker}").exists()]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--as", "magic"), "--as is magic; it is one of simulation, processes, mpi."),
        (("--workers", 3), "3 workers, but the stack has 2 layers; a worker needs at least one."),
        (("--workers", 0), "--workers is 0"),
        (("--events", 0), "--events is 0"),
        (("--seconds", -1), "seconds = -1.0"),
        (("--rule.kind", "magic"), "the kinds of rule are"),
        (("--rule.kind", "delayed"), "has no actors"),
        (("--network.layers", 2, "--network.layers", 3), "layers has several values"),
        (("--as", "mpi"), "1 MPI ranks are fewer than the 2 actors"),
    ],
)
def test_mistakes_get_one_sentence_and_code_2(arguments, says, study, monkeypatch, capsys):
    if "mpi" in arguments:
        pytest.importorskip("mpi4py", reason="mpi4py is not installed (the extra `mpi`)", exc_type=ImportError)
    assert called(study, monkeypatch, *arguments) == 2
    errors = capsys.readouterr().err.strip()
    assert says in errors
    assert len(errors.splitlines()) == 1


def test_the_folder_of_another_run_is_refused(study, monkeypatch, capsys):
    simulated = ("--as", "simulation", "--seconds", 3)
    assert called(study, monkeypatch, *simulated) == 0
    assert called(study, monkeypatch, *simulated, "--steps", 70) == 0  # more steps of the same
    assert called(study, monkeypatch, *simulated, "--rule.kind", "local-loss") == 2
    assert called(study, monkeypatch, "--as", "processes") == 2
    assert capsys.readouterr().err.count("run holds another run") == 2


def test_other_media_are_refused(study, monkeypatch, capsys):
    (study / "study.yaml").write_text("steps: 10\n")
    assert called(study, monkeypatch) == 2
    assert "describes no modules; its medium must be {kind: modules}." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("environment", "ranks"),
    [
        ({}, 1),
        ({"PMI_SIZE": "4", "PMI_RANK": "0"}, 4),
        ({"OMPI_COMM_WORLD_SIZE": "3"}, 3),
        ({"SLURM_NTASKS": "4", "SLURM_PROCID": "0"}, 1),
        ({"SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "1"}, 4),
    ],
)
def test_launchers_are_recognised(environment, ranks):
    assert _ranks(environment) == ranks
