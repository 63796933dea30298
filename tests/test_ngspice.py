"""ngspice as an independent answer: for random networks of every law, and for the states of trained machines."""

import re
import shutil
from dataclasses import replace

import numpy as np
import pytest

import clockless as cl
from clockless.errors import NgspiceError
from clockless.spice.cards import deck_of
from clockless.spice.reading import netlist_of
from clockless.spice.verification import compare
from clockless.workers.verified import verified
from test_cli_stores import clockless

__all__ = ["clockless"]  # a fixture

L = cl.laws
MISSING = "ngspice is not installed here; run .ci/ngspice-install"
needs_ngspice = pytest.mark.skipif(shutil.which("ngspice") is None, reason=MISSING)
NETWORKS = 100
NODES, EDGES = 12, 24

# Law of half of the edges (the others are resistors where the law does not learn), what it may have learned, largest volts.
LAWS = {
    "linear": (L.Linear(), (1e-4, 1.0), 5.0),
    "ohmic": (L.Ohmic(), (2.0, 5.0), 1.0),  # with gates that close at such voltages there may be several states
    "level 1": (L.NMOS.pyclln(), (0.4, 8.0), 0.5),
    "level 1, series resistances": (L.NMOS.pyclln(series=True), (0.4, 8.0), 0.5),
    "signal diode": (L.Diode(2.5e-9, 1.75), None, 2.0),
    "antiparallel diodes": (L.Diode(1e-6, 2.0, antiparallel=True), None, 0.6),
    "plain diode": (L.Diode(1e-14, 1.0, leak=0.0), None, 3.0),
    "ideal diode": (L.IdealDiode(0.1, 1e-2), None, 2.0),
    "memristor": (L.Memristor(curvature=2.0), (0.0, 1.0), 1.0),
    "linear memristor": (L.Memristor(), (0.0, 1.0), 1.0),
    "polynomial": (L.Polynomial((1.0, 0.5, 2.0)), (1e-4, 1e-2), 1.0),
    "table": (L.Table((-1.0, -0.2, 0.0, 0.3, 1.0), (-2e-3, -1e-4, 0.0, 1e-4, 3e-3)), (0.5, 2.0), 1.5),
}


def networks_of(law, learned, most, rng):
    """Random netlists: a ring with chords, three held nodes besides one at 0 V."""
    pairs = [(i, j) for i in range(NODES) for j in range(i + 2, NODES) if (i, j) != (0, NODES - 1)]
    for _ in range(NETWORKS):
        ring = [(k, (k + 1) % NODES) for k in range(NODES)]
        edges = ring + [pairs[k] for k in rng.choice(len(pairs), EDGES - NODES, replace=False)]
        held = rng.choice(NODES, 4, replace=False)
        low = 0.0 if not law.reciprocal else -most
        volts = dict(zip(held.tolist(), [0.0, *rng.uniform(low, most, 3).tolist()], strict=True))
        if learned:
            laws = [law] * EDGES
            values = 10 ** rng.uniform(*np.log10(learned), EDGES) if learned[0] > 0 else rng.uniform(*learned, EDGES)
        else:  # a diode between two held nodes would carry kiloamperes
            resistors = (rng.random(EDGES) < 0.5) | np.isin(edges, held).all(axis=1)
            laws = [L.Linear() if linear else law for linear in resistors]
            values = np.where(resistors, 10 ** rng.uniform(-5, -2, EDGES), np.nan)
        circuit = cl.Circuit(cl.Network(edges), laws)
        yield cl.spice.netlist_of(circuit, values[circuit.learning], volts)


@needs_ngspice
@pytest.mark.parametrize("name", LAWS)
def test_random_networks_agree(name):
    """Our states are ngspice's: within 1e-9 V at nodes that more than 1e-8 S join to held ones."""
    netlists = list(networks_of(*LAWS[name], np.random.default_rng(1)))
    found = compare(netlists, [netlist.settle() for netlist in netlists])
    assert not found.unsolved
    assert found.largest <= 1e-9
    assert found.weakly[1] < 0.2 * NETWORKS * NODES


# --- trained machines ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """Resistors with two clocks, in a store."""
    network = cl.networks.board16()
    clocks = [cl.Global(), cl.Bernoulli(0.5)]
    task = cl.tasks.regression(network)
    run = cl.train(cl.Resistors(network), task, rule=cl.CoupledLearning(0.1, 0.1), clock=clocks, steps=20)
    return run.save(tmp_path_factory.mktemp("stored") / "run")


@needs_ngspice
def test_verify_prints_the_largest_difference(clockless, stored):
    """Two machines, three examples of each, free and clamped; nothing is as exact as 0 V."""
    code, said, _ = clockless("verify", stored, "--examples", "3")
    assert code == 0
    assert "12 states of 2 machines, settled anew by ngspice-" in said
    difference = float(re.search(r"Largest difference (\S+) V, within the 1e-09 V", said)[1])
    assert 0 < difference < 1e-12
    code, said, _ = clockless("verify", stored, "--examples", "3", "--tolerance", "0")
    assert code == 1
    assert "more than the 0 V that are asked: machine" in said


@needs_ngspice
def test_wrong_states_are_noticed(stored):
    """One volt in the wrong place is found, with its place; nodes that hang on leakage do not count."""
    run = cl.load(stored)
    netlists = [run.netlist(k) for k in range(3)]
    states = [netlist.settle() for netlist in netlists]
    node = next(k for k in range(9) if k not in netlists[1].held)
    states[1][node] += 1.0
    found = cl.spice.compare(netlists, states)
    assert (found.state, found.node) == (1, node)
    assert found.largest == pytest.approx(1.0)
    hanging = replace(netlists[1], values=np.full(16, 1e12))
    state = hanging.settle()
    state[node] += 1.0
    found = cl.spice.compare([hanging], [state])
    assert found.weakly == (pytest.approx(1.0, rel=1e-4), 9 - len(hanging.held))
    assert found.largest == 0.0


@needs_ngspice
def test_a_transistor_board_by_its_run():
    """A trained circuit with rails, shunts and outputs in pairs: free and clamped states of every example."""
    network = cl.networks.lattice(4, 4, periodic=True)
    x = np.array([[0.0, 0.0], [0.0, 0.45], [0.45, 0.0], [0.45, 0.45]])
    y = np.array([[0.0, 0.0], [-0.087, 0.0], [-0.087, 0.0], [0.0, 0.0]])
    task = cl.Task(inputs=[15, 13], outputs=[10, 0], x_train=x, y_train=y, x_test=x, y_test=y)
    circuit = cl.Circuit(network, cl.laws.NMOS.pyclln(series=True), rails={5: 0.11, 7: 0.33}, differential=True)
    run = cl.train(circuit, task, rule=cl.CoupledLearning(0.5, 0.3), steps=8, initial=2.0, seed=[0, 1])
    found = verified(run)
    assert found.comparison.states == 16
    assert not found.comparison.unsolved
    assert found.comparison.largest <= 1e-9


# --- where ngspice is not as it should be ----------------------------------------------------------------


def program(tmp_path, monkeypatch, lines):
    """A program called ngspice, the only one on the path."""
    tmp_path.joinpath("ngspice").write_text("#!/bin/sh\n" + lines)
    tmp_path.joinpath("ngspice").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))


BOARD = "t\nR0 n0 n1 1k\nVn0 n0 0 1\nVn1 n1 0 0\n.end\n"


def test_without_ngspice(clockless, stored, tmp_path, monkeypatch):
    """One sentence and exit code 2."""
    monkeypatch.setenv("PATH", str(tmp_path))
    code, _, said = clockless("verify", stored)
    assert code == 2
    assert said.startswith("clockless: ngspice is not installed: no program of that name is on the path; install it")


def test_one_that_hangs(tmp_path, monkeypatch):
    program(tmp_path, monkeypatch, "exec /bin/sleep 100\n")
    with pytest.raises(NgspiceError, match=r"did not end within 0.2 s and was stopped"):
        cl.spice.solve(netlist_of(deck_of(BOARD)), timeout=0.2)


def test_one_that_finds_nothing(tmp_path, monkeypatch):
    program(tmp_path, monkeypatch, "echo 'Error: the matrix is singular'; exit 1\n")
    with pytest.raises(NgspiceError, match="found no state of t: Error: the matrix is singular"):
        cl.spice.solve(netlist_of(deck_of(BOARD)))


def test_one_that_cannot_be_run(tmp_path, monkeypatch):
    program(tmp_path, monkeypatch, "")
    tmp_path.joinpath("ngspice").write_bytes(b"\x7fELF nonsense")
    with pytest.raises(NgspiceError, match="ngspice cannot be started"):
        cl.spice.solve(netlist_of(deck_of(BOARD)))


@pytest.mark.parametrize("words", [["--machines", "0"], ["--examples", "0"], ["--tolerance", "-1"]])
@needs_ngspice
def test_wrong_arguments(clockless, stored, words):
    code, _, said = clockless("verify", stored, *words)
    assert code == 2
    assert said.count("\n") == 1
