"""Sizes that cannot be: refused by an estimate, in one sentence with the number, before anything is taken."""

from __future__ import annotations

import os
import resource
import subprocess
import sys

import numpy as np
import pytest

import clockless as cl
from clockless import memory
from clockless.errors import ClocklessError, MemoryBoundError
from clockless.experiments.jobs import Jobs
from clockless.networks import architectures, windows

BOARD = cl.networks.board16()
HUGE = 10**9


@pytest.fixture(autouse=True)
def _eight_gigabytes(monkeypatch):
    """The same machine everywhere."""
    monkeypatch.setattr(memory, "total", lambda: 8 << 30)


SIZES = {
    "lattice": lambda: cl.networks.lattice(HUGE, 1),
    "torus": lambda: cl.networks.lattice(10**15, 10**15, periodic=True),
    "packing": lambda: cl.networks.packing(HUGE, 3 * HUGE),
    "dense packing": lambda: cl.networks.packing(20_000, 30_000_000),
    "triangular": lambda: architectures.triangular(10**5, 10**5, [0], [1]),
    "square": lambda: architectures.square(10**5, 10**5, [0], [1]),
    "all to all": lambda: architectures.all_to_all(10**6, [0], [1]),
    "dense": lambda: architectures.dense(HUGE, HUGE),
    "one output": lambda: architectures.dense(HUGE, 1),
    "grid": lambda: architectures.Grid(HUGE, HUGE).sites,
    "image": lambda: windows.local((HUGE, 1)),
    "channels": lambda: windows.local(channels=10**10),
    "window": lambda: windows.local((200, 200), window=150, channels=40),
    "outputs": lambda: windows.local(outputs=10**10),
    "stacked": lambda: windows.stacked([(10**5, 10**5), (10, 10)]),
    "examples": lambda: cl.tasks.regression(BOARD, train=10**12),
    "tests": lambda: cl.tasks.regression(BOARD, test=10**15),
}  # fmt: skip


@pytest.mark.parametrize("name", SIZES)
def test_what_cannot_be_is_refused_with_an_estimate(name):
    with pytest.raises(
        MemoryBoundError, match=r" needs about [0-9.e+]+ [KMGTPE]iB of memory, and there are 8 GiB here; ask"
    ):
        SIZES[name]()


def test_modules_are_estimated_too():
    layers = pytest.importorskip("clockless.media.modules.layers")
    for sizes in ((10, 10**7, 4, 10), (10, 10, 10**12, 10), (10, 10, 4, 10**12)):
        with pytest.raises(MemoryBoundError, match=r"layers of .* units needs about"):
            layers.mlp(*sizes)


AXES = {
    "network": {"kind": "board16"},
    "task": {"kind": "regression", "seed": list(range(1000))},
    "rule": {"kind": "coupled-learning", "nudge": [k / 1000 for k in range(1, 1001)], "rate": 0.1},
    "clock": {"kind": "bernoulli", "p": [k / 1000 for k in range(1, 1001)]},
    "seeds": list(range(1000)),
}


def test_combinations_of_axes_are_counted_before_they_are_made(tmp_path):
    many = cl.Experiment.of(AXES)
    with pytest.raises(MemoryBoundError, match=r"a list of 1,000,000,000,000 replicas needs about 58.2 TiB"):
        Jobs(many)
    with pytest.raises(MemoryBoundError, match="every combination of their values is a replica"):
        cl.Store.create(tmp_path / "store", many)
    assert not (tmp_path / "store").exists()
    with pytest.raises(MemoryBoundError, match="an ensemble of 100,000,000 replicas"):
        cl.train(
            cl.Resistors(BOARD), cl.tasks.regression(BOARD), rule=[cl.CoupledLearning(0.1, 0.1)] * 10_000,
            seeds=list(range(10_000)), steps=1,
        )  # fmt: skip


def test_what_replicas_leave_behind_is_estimated():
    """8 bytes for every edge at every recorded step, three times: 20 x 3,798 x 4,900 x 24 = 8.3 GiB here."""
    network = cl.networks.lattice(50, 50)
    task, rule = cl.tasks.regression(network), cl.CoupledLearning(0.1, 0.1)
    with pytest.raises(
        MemoryBoundError, match=r"what 20 replicas leave behind at 3,798 recorded steps needs about 8.3[0-9] GiB"
    ):
        cl.train(cl.Resistors(network), task, rule=rule, seeds=list(range(20)), steps=10**6, record=1000, traces=True)


def test_a_block_of_large_networks_is_estimated(monkeypatch):
    """Both factors alone are 16 bytes a slot and lane."""
    network = cl.networks.lattice(40, 40)
    medium, task = cl.Resistors(network), cl.tasks.regression(network)
    slots = len(medium._wiring.schedule.updates.start) - 1
    monkeypatch.setattr(memory, "total", lambda: 16 * slots * 64)
    with pytest.raises(MemoryBoundError, match="factoring 64 networks of 1,600 nodes side by side"):
        cl.train(medium, task, rule=cl.CoupledLearning(0.1, 0.1), seeds=list(range(64)), steps=1)


def test_a_job_that_leaves_too_much_behind_is_refused_and_leaves_nothing(tmp_path, monkeypatch):
    experiment = cl.Experiment.of({**AXES, "task": {"kind": "regression"}, "clock": {"kind": "global"}, "traces": True})
    monkeypatch.setattr(memory, "total", lambda: 100 << 20)
    with pytest.raises(MemoryBoundError, match=r"a job of .* replicas at .* recorded steps needs about"):
        cl.Store.create(tmp_path / "store", experiment)
    assert [path.name for path in tmp_path.rglob("*.zarr")] == []


def test_the_limit_is_the_least_of_machine_control_group_and_process(monkeypatch, tmp_path):
    code = "from clockless import memory; print(memory.total())"

    def limit():
        resource.setrlimit(resource.RLIMIT_DATA, (3 << 30, 3 << 30))

    def said(**how):
        return int(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, **how).stdout)

    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert 0 < said() <= machine
    assert said(preexec_fn=limit) == min(said(), 3 << 30)


def test_sizes_are_said_in_units_that_read_well():
    assert [memory.sized(n) for n in (0, 1023, 1024, 3 * 2**39, 10**13, 2**60)] == [
        "0 bytes", "1.02e+03 bytes", "1 KiB", "1.5 TiB", "9.09 TiB", "1 EiB",
    ]  # fmt: skip


def test_memory_that_no_estimate_foresaw_ends_in_one_sentence(monkeypatch, capsys):
    from clockless.commands import main

    def ask(*words, **options):
        np.zeros(2**62, np.uint8)

    monkeypatch.setattr(main, "app", ask)
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("clockless: there is not enough memory here (Unable to allocate 4.00 EiB")


@pytest.mark.parametrize("flag", ["--network.rows", "--task.train"])
def test_the_command_line_says_it_in_one_sentence(flag, tmp_path, capsys, monkeypatch):
    from clockless.commands import main

    study = tmp_path / "study.yaml"
    study.write_text("network: {kind: lattice, rows: 3, columns: 3}\ntask: {kind: regression}\nsteps: 3\n")
    monkeypatch.setattr(sys, "argv", ["clockless", "run", str(study), flag, str(10**12), "--out", str(tmp_path / "out")])
    with pytest.raises(SystemExit) as ended:
        main.main()
    lines = capsys.readouterr().err.strip().splitlines()
    assert (ended.value.code, len(lines)) == (2, 1)
    assert "needs about" in lines[0]
    assert not (tmp_path / "out").exists()
    assert issubclass(MemoryBoundError, ClocklessError)
