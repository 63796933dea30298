"""Ordinary mistakes: each gets one sentence that names what is wrong, wherever it is made."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import clockless as cl
from clockless.actors.endings import Limits
from clockless.errors import ClocklessError, InaccurateWarning
from clockless.media.phases.xy import Parameters

NETWORK = cl.networks.board16()
RESISTORS = cl.Resistors(NETWORK)
TASK = cl.tasks.regression(NETWORK, train=3, test=3)
ARCHITECTURE = cl.architectures.dense(2, 3, 1)
PHASES = cl.XY(ARCHITECTURE)
EXPERIMENT = cl.Experiment(network={"kind": "board16"}, task={"kind": "regression", "train": 3, "test": 3}, steps=3)
ODD = [None, "x", True, float("nan"), float("inf"), -1, 10**30, [], {}, object(), 1.5, [1, [2]], b"x", 1j]


def told(call, *arguments, **named):
    """The sentence of what must be refused."""
    with pytest.raises(ClocklessError) as caught:
        call(*arguments, **named)
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


# --- what once passed -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: cl.networks.lattice(3, 3, periodic="x"), "periodic = 'x'; give True or False"),
        (lambda: cl.architectures.square(3, 3, [0], [8], periodic=1), "periodic = 1; give True or False"),
        (lambda: cl.architectures.triangular(4, 3, [0], [8], periodic="no"), "periodic = 'no'; give True or False"),
        (lambda: cl.windows.local((4, 4), 2, sharing="no"), "sharing = 'no'; give True or False"),
        (lambda: cl.Levels(count=10**30), "count = 1000000000000000000000000000000; give a whole number from 2 to"),
        (lambda: cl.Epochs(10**30), "size = 1000000000000000000000000000000; give a whole number from 1 to"),
        (lambda: cl.Bernoulli(True), "Bernoulli got p = True; give a number"),
        (lambda: cl.FixedFraction(True), "p = True; give a number"),
        (lambda: cl.CoupledLearning(0.1, True), "CoupledLearning got rate = True; give a number"),
        (lambda: cl.CoupledLearning(0.1, 10**400), "CoupledLearning got rate = 1000"),
        (lambda: cl.Magnitudes(0.1, frozen="x"), "Magnitudes got frozen = 'x'; give True or False"),
        (lambda: cl.train(RESISTORS, TASK, rule=cl.CoupledLearning(0.1, 0.1), steps=1, traces="x"), "traces = 'x'"),
        (lambda: cl.tasks.from_arrays(np.ones((4, 1)), np.ones((4, 1)), network="x"), "network = 'x' is no Network"),
        (lambda: cl.check(cl.Bernoulli(0.5), "x"), "task = 'x' is no Task"),
        (lambda: EXPERIMENT.at(1), "replica = 1; the experiment has replicas 0 to 0"),
    ],
)
def test_what_would_have_passed_is_refused(call, says):
    assert says in told(call)


def test_numbers_of_numpy_and_whole_numbers_are_numbers():
    assert cl.Bernoulli(np.float32(0.5)) == cl.Bernoulli(0.5)
    assert cl.Bernoulli(1) == cl.Bernoulli(np.int64(1))
    assert cl.networks.lattice(3, 3, periodic=np.True_) == cl.networks.lattice(3, 3, periodic=True)
    assert cl.errors.whole("seed", 2**64 - 1, most=cl.errors.SEEDS) == 2**64 - 1


# --- what once ended in a traceback ---------------------------------------------------------------------------------------

PLACES = {
    "read_csv": cl.networks.read_csv,
    "read_graphml": cl.networks.read_graphml,
    "write_csv": lambda path: cl.networks.write_csv(NETWORK, path),
    "write_graphml": lambda path: cl.networks.write_graphml(NETWORK, path),
    "read": cl.read,
    "load": cl.load,
    "Store.open": cl.Store.open,
    "Store.create": lambda path: cl.Store.create(path, EXPERIMENT),
    "mnist": lambda path: cl.tasks.mnist(ARCHITECTURE, path),
}


@pytest.mark.parametrize("name", PLACES)
def test_what_is_no_path_is_refused(name):
    """Numbers above all, which would be open files: writing to True closed the program's own output."""
    for odd in (*(odd for odd in ODD if odd != "x"), "a\0b"):
        assert "give a path" in told(PLACES[name], odd), odd


OTHERS = {
    "network": (
        cl.networks.to_networkx, lambda odd: cl.networks.write_csv(odd, "never"), TASK.check_fits, cl.pictures.placed,
    ),
    "architecture": (
        lambda odd: cl.architectures.with_skips(odd, [(0, 1)]), cl.windows.readout_edges, cl.tasks.xor,
    ),
    "experiment": (lambda odd: cl.Store.create("never", odd), cl.run),
    "task": (lambda odd: cl.phase_tasks.fitting(odd, ARCHITECTURE),),
    "data": (cl.pictures.error_figure,),
    "parameters": (
        lambda odd: PHASES.energy(odd, np.zeros(6)), lambda odd: PHASES.signal(odd, np.zeros(6)),
        lambda odd: PHASES.settle(odd, {0: 1.0}, np.zeros(6)),
    ),
    "table": (
        lambda odd: cl.tasks.classification(np.ones((4, 2)), odd), lambda odd: cl.Network(odd),
        lambda odd: cl.architectures.Architecture(NETWORK, [0], [8], odd, None, 1.0, "x"),
    ),
    "state": (RESISTORS.drops, lambda odd: RESISTORS.energy(np.ones(16), odd)),
    "workers": (lambda odd: None if odd is None else cl.run(EXPERIMENT, "never", odd),),
    "seconds": (lambda odd: cl.Workers(checkpoint_seconds=odd), lambda odd: Limits(silent=odd)),
    "kinds": (lambda odd: cl.Modules(cl.MLP(2, 8), optimiser=odd), lambda odd: cl.XY(NETWORK, trainable=odd)),
}  # fmt: skip
FINE = {"seconds": (1.5, float("inf"), 10**30), "kinds": ([], {}), "workers": (None,)}


@pytest.mark.parametrize("noun", OTHERS)
def test_odd_arguments_get_one_sentence(noun, tmp_path, monkeypatch):
    """Whatever is given in place of a noun."""
    monkeypatch.chdir(tmp_path)
    for call in OTHERS[noun]:
        for odd in ODD:
            if not any(odd is fine or (type(odd) is type(fine) and odd == fine) for fine in FINE.get(noun, ())):
                told(call, odd)
    assert not list(tmp_path.iterdir())


# --- on the command line --------------------------------------------------------------------------------------------------


@pytest.fixture
def clockless(monkeypatch, capsys):
    """Exit code and last line on standard error of the command line, in this process."""
    from clockless.commands import main as cli

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["clockless", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught, warnings.catch_warnings(action="ignore"):
            cli.main()
        errors = capsys.readouterr().err
        assert "Traceback" not in errors
        return caught.value.code, errors.strip().split("\n")[-1]

    return call


@pytest.mark.parametrize(
    ("study", "says"),
    [
        ("medium: xy", "medium = 'xy' is no medium; give a description whose kind is one of"),
        ("medium: {kind: xy}", "has a ground, but phases have none"),
        ("network: {kind: dense, sizes: [2, 3, 1]}\nmedium: {kind: xy}", "give a network such as packing()"),
        ("task: {kind: xor}", "this task is one of phases: give an architecture"),
        ("task: {kind: digits}", "this task is one of phases: give an architecture"),
        ("medium: {kind: modules}", "is no stack of modules; give one such as MLP(4, 256)"),
    ],
)
def test_nouns_that_do_not_fit_in_a_study(study, says, clockless, tmp_path):
    (tmp_path / "study.yaml").write_text(study)
    code, said = clockless("run", tmp_path / "study.yaml", "--out", tmp_path / "store")
    assert code == 2
    assert says in said
    assert [path.name for path in tmp_path.iterdir()] == ["study.yaml"]


@pytest.mark.parametrize("content", ["{}", "[", "[]", '{"address": 3}', "", None], ids=str)
def test_a_scheduler_file_that_no_scheduler_wrote(content, clockless, tmp_path):
    """Dask would wait for a minute and fail with a traceback."""
    pytest.importorskip("distributed", reason="Dask is not installed here: the Python package distributed is missing")
    (tmp_path / "study.yaml").write_text("network: {kind: board16}\ntask: {kind: regression, train: 3, test: 3}\nsteps: 3")
    path = tmp_path / "scheduler.json"
    path.mkdir() if content is None else path.write_text(content)
    code, said = clockless("run", tmp_path / "study.yaml", "--out", tmp_path / "store", "--scheduler-file", path)
    assert code == 2
    assert "is no scheduler file: it names no address; start `dask scheduler --scheduler-file" in said


MODULES = """
network: {kind: mlp, layers: 2, width: 8}
medium: {kind: modules, rate: 0.003}
task: {kind: labels, name: digits}
rule: {kind: dni}
batch: 8
steps: 3
"""


def test_decouple_on_a_damaged_folder(clockless, tmp_path):
    """Every file that a run leaves, cut off, emptied, flipped, of another kind, or a folder."""
    pytest.importorskip("jax", reason="JAX is not installed (the extra `modules`)", exc_type=ImportError)
    (tmp_path / "study.yaml").write_text(MODULES)
    out = tmp_path / "run"
    command = ("decouple", tmp_path / "study.yaml", "--out", out, "--as", "simulation")
    assert clockless(*command)[0] == 0
    for name in ("run.json", "simulation.npz"):
        path = out / name
        whole = path.read_bytes()
        damages = [
            b"",
            whole[:40],
            whole[: len(whole) // 2],
            b"\xff\xfe\xff",
            b"[" * 100_000,
            b"[]",
            b"{}",
            b"PK\3\4" + whole[9:],
        ]
        for damage in damages:
            path.write_bytes(damage)
            code, said = clockless(*command)
            assert (code, str(out) in said) == (2, True), (name, damage[:20], said)
        path.unlink()
        path.mkdir()
        code, said = clockless(*command)
        assert (code, str(out) in said) == (2, True), (name, said)
        path.rmdir()
        path.write_bytes(whole)
    assert clockless(*command)[0] == 0
    assert json.loads((out / "report.json").read_text())["actors"]


def test_snapshots_that_are_damaged_say_so(tmp_path):
    from clockless.actors import snapshots
    from small_actors import Net, mixer

    snapshots.save(tmp_path, mixer(Net(1, ()), 0), 3, 3, 1)
    path = snapshots.snapshot_path(tmp_path, "mixer0")
    whole = path.read_bytes()
    for damage in (b"", whole[:30], whole[:-30], b"\xff" * 9, b"PK\3\4" + whole[9:], b"\x93NUMPY\x01\x00"):
        path.write_bytes(damage)
        assert f"{path} is no snapshot of an actor" in told(snapshots.load, tmp_path, "mixer0")


# --- rounding -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("decades", [0, 4, 8, 12, 20, 100, 300])
def test_settling_says_where_rounding_decides(decades):
    """A large conductance between two equal ones: its ends lie at 1/2, apart by the share of the drop."""
    medium = cl.Resistors(cl.Network([(0, 1), (1, 2), (2, 3)]))
    small = 10.0**-decades
    exact = (1 + small) / (2 + small), 1 / (2 + small)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        voltages = medium.settle(np.array([1.0, small, 1.0]), {0: 1.0, 3: 0.0})
    off = np.abs(voltages[1:3] - exact).max()
    said = [str(warning.message) for warning in caught if warning.category is InaccurateWarning]
    if decades < 10:
        assert off < 1e-7
        assert not said
    else:
        assert not off < 1e-12, "or there is nothing to say"
        assert len(said) == 1
        assert f"the resistances span {decades} decades" in said[0]


def test_a_resistance_that_hardly_conducts_hides_nothing():
    """Twenty decades in a place where they do no harm: no word."""
    medium = cl.Resistors(cl.Network([(0, 1), (1, 2), (0, 2)]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        voltages = medium.settle(np.array([1.0, 1.0, 1e20]), {0: 1.0, 2: 0.0})
    np.testing.assert_allclose(voltages, [1.0, 0.5, 0.0], rtol=1e-15)


def test_parameters_of_phases_are_still_taken():
    plain = PHASES.parameters(1.0)
    assert isinstance(plain, Parameters)
    assert PHASES.energy(plain, np.zeros(6)) == pytest.approx(-len(ARCHITECTURE.network.edges))
    assert Path(cl.errors.place("path", "a") / "b") == Path("a/b")
