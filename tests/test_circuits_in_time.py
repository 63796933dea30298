"""Circuits in continuous time: the readable simulation, resistors, ngspice, SciPy, the limit of rare events, bits."""

from __future__ import annotations

import shutil

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy import stats

import clockless as cl
from clockless.errors import ParameterError
from clockless.learning.contracts import Replica
from clockless.media.circuits.in_time import rosenbrock
from clockless.media.circuits.in_time.reference import Relaxing, Settled
from clockless.media.circuits.in_time.session import CircuitSession
from clockless.spice.ngspice import transient
from clockless.spice.writing import netlist_of

pytestmark = pytest.mark.timeout(600)  # the first run of a combination compiles

BOARD = cl.networks.board16()
TASK = cl.Task(
    inputs=[0, 8], outputs=[4, 5], ground=[2],
    x_train=[[0.25, 0.75], [1.0, 0.5], [0.5, 0.125]], y_train=[[0.2, 0.3], [0.4, 0.35], [0.2, 0.1]],
    x_test=[[0.6, 0.3]], y_test=[[0.25, 0.2]],
)  # fmt: skip
# Transistors of a published board, and four pairs of diodes that learn nothing: 12 edges that learn.
LAWS = {"law": [cl.laws.NMOS.pyclln(), cl.laws.Diode(1e-8, 3.0, antiparallel=True)], "of_edge": [0] * 12 + [1] * 4}
CAPACITY = np.linspace(2e-4, 8e-4, 9)  # with channels of a few mS: tenths of a second
COUPLED = cl.CoupledLearning(0.2, 5.0)
SLOW = pytest.mark.slow  # each combination of parts compiles for some seconds
NOUNS = {"rule": COUPLED, "clock": cl.PoissonEvents(2.0), "batch": cl.Shown(0.7)}


def timed(**more):
    return cl.TimedCircuit(BOARD, **{**LAWS, **more})


def relaxing(**more):
    return cl.RelaxingCircuit(BOARD, **{"capacity": CAPACITY, **LAWS, **more})


def session(medium, rule=COUPLED, clock=NOUNS["clock"], batch=NOUNS["batch"], device=None, log=0, seed=3, task=TASK):
    replica = Replica(medium, task, rule, clock, device or cl.Continuous(), batch=batch, seed=seed)
    medium.check(replica)
    return CircuitSession(medium, medium._checked(replica), log)


# --- the readable simulation --------------------------------------------------------------------------------------------

SELF = cl.SelfTriggered(2e-4, 0.1)
CASES = [
    pytest.param(timed, {}, COUPLED, cl.PoissonEvents(2.0), cl.Shown(0.7), id="settled, poisson"),
    pytest.param(timed, {}, COUPLED, SELF, cl.Shown(0.7), id="settled, self-triggered"),
    pytest.param(relaxing, {"delay": 0.03}, COUPLED, cl.PoissonEvents(2.0), cl.Shown(0.7), id="relaxing, delay"),
    pytest.param(relaxing, {}, COUPLED, SELF, cl.Shown(0.7), id="relaxing, self-triggered"),
    pytest.param(timed, {"mismatch": 0.01}, COUPLED, cl.PoissonEvents(2.0), "full", id="settled, all at once", marks=SLOW),
    pytest.param(
        relaxing, {"differential": True, "mismatch": 0.01}, cl.EquilibriumPropagation(1e-4, 2e4),
        cl.Avalanches(1.0, 0.2, 0.05), cl.Shown(0.7), id="relaxing, pairs, nudged, avalanches", marks=SLOW
    ),
    pytest.param(
        relaxing, {"differential": True, "look": 0.002}, COUPLED, SELF, cl.Shown(0.7), id="relaxing, pairs, looks",
        marks=SLOW
    ),
]  # fmt: skip


@pytest.mark.parametrize(("medium", "physics", "rule", "clock", "batch"), CASES)
def test_every_event_is_that_of_the_readable_simulation(medium, physics, rule, clock, batch):
    """The same events and values: compiled Newton against a readable one, Rosenbrock's steps against tiny explicit ones.

    Values differ by what the solvers leave: 1e-8 V in a step of those that relax, rounding of those that settle.
    """
    circuit = medium(**physics)
    seconds = 1.5 if circuit.relaxes else 3.0
    mine = session(circuit, rule, clock, batch, log=5_000)
    mine.advance(seconds)
    here = mine.logged()
    there = (Relaxing if circuit.relaxes else Settled)(circuit, mine.replica).run(seconds)
    assert len(here.time) > 15
    assert np.abs(mine.learned() - 2.0).max() > 1e-3
    np.testing.assert_array_equal(here.edge, there.edge)
    tolerance = 1e-5 if circuit.relaxes else 1e-7
    np.testing.assert_allclose(here.time, there.time, rtol=tolerance)
    np.testing.assert_allclose(here.value, there.value, rtol=tolerance)
    seen = mine.seen(seconds)
    np.testing.assert_allclose(seen["energy"], there.energy, rtol=tolerance)
    if not circuit.relaxes:
        np.testing.assert_allclose(seen["energy_pushed"], there.energy_pushed, rtol=tolerance)


# --- resistors, SciPy, ngspice ------------------------------------------------------------------------------------------


def test_with_a_linear_law_it_is_a_network_of_resistors():
    """Events, errors and energies of `TimedResistors` and `RelaxingResistors` that learn by conductance."""
    linear = {"law": cl.laws.Linear(), "shunt": 0.0}
    nouns = {"clock": cl.PoissonEvents(2.0), "batch": cl.Shown(0.7), "steps": 15, "seed": 5, "record": 5, "initial": 1.0}
    conducts = cl.CoupledLearning(0.2, 0.5, "conductance")
    pairs = [
        (cl.TimedCircuit(BOARD, **linear), cl.TimedResistors(BOARD, parameter="conductance"), 1e-10),
        (
            cl.RelaxingCircuit(BOARD, capacity=0.05, delay=0.02, **linear),
            cl.RelaxingResistors(BOARD, parameter="conductance", capacity=0.05, delay=0.02), 1e-6,
        ),
    ]  # fmt: skip
    for circuit, resistors, tolerance in pairs:
        here = cl.train(circuit, TASK, rule=cl.CoupledLearning(0.2, 0.5), **nouns)
        there = cl.train(resistors, TASK, rule=conducts, **nouns)
        assert here.error[-1] < 0.9
        np.testing.assert_array_equal(here.actions, there.actions)
        for name in ("error", "energy", "power"):
            np.testing.assert_allclose(here.data[name], there.data[name], rtol=tolerance)
        np.testing.assert_allclose(here.parameters, 1 / there.parameters, rtol=tolerance)
        assert not here.data.failed
    np.testing.assert_allclose(here.data.lag, there.data.lag, rtol=1e-3, atol=1e-7)


def switched(accuracy=1e-8):
    """A board whose example changes at 0.5 s: what follows its voltages, and (parameters, held volts, first voltages)."""
    rare = cl.PoissonEvents(1e-12)
    mine = session(relaxing(accuracy=accuracy), clock=rare, batch=cl.Shown(0.5, random=False, in_turn=True))
    mine.advance(0.50001)
    task, circuit = mine.replica.task, mine.replica.medium
    held = [{**dict.fromkeys(task.ground, 0.0), **dict(zip(task.inputs, x, strict=True))} for x in task.x_train]
    start = circuit.settle(mine.learned(), held[0])
    start[list(task.inputs)] = task.x_train[1]
    return mine, (mine.learned(), held[1], start)


def voltages(mine, passed):
    """Free voltages [time, node] so long after the example has changed."""
    return np.array([mine.volts(0.5 + each)[0][mine.replica.medium.plan.row] for each in passed])


def test_voltages_are_those_of_scipys_solver_and_errors_follow_the_accuracy():
    """Radau at 1e-9; a step may be wrong by the accuracy, and the error at the end is of its order."""
    passed = np.array([0.01, 0.05, 0.2, 0.45])
    mine, (values, held, start) = switched()
    exact = mine.replica.medium.relax(values, held, start, passed)
    assert np.abs(np.diff(exact, axis=0)).max() > 0.02
    np.testing.assert_allclose(voltages(mine, passed), exact, rtol=0, atol=1e-7)
    wrong = [np.abs(voltages(switched(accuracy)[0], passed) - exact).max() for accuracy in (1e-3, 1e-5, 1e-7)]
    assert (np.array(wrong) < 10 * np.array([1e-3, 1e-5, 1e-7])).all()
    assert wrong[0] > 3 * wrong[1] > 9 * wrong[2]


def test_the_method_has_order_four():
    """Of y' = -y^2 / 2 + sin(y): the error at the end falls with the fourth power of a step, and so does its estimate."""

    def step(y, h):
        slope, u = -y + np.cos(y), np.zeros(6)
        for n in range(6):
            at = y + rosenbrock.A[n] @ u
            u[n] = (-(at**2) / 2 + np.sin(at) + rosenbrock.C[n] @ u / h) / (1 / (h * rosenbrock.GAMMA) - slope)
        return y + rosenbrock.A[5] @ u + u[5], u[5]

    fine = 1.3
    for _ in range(20_000):
        fine, _ = step(fine, 0.4 / 20_000)
    ends, estimates = [], []
    for count in (4, 8, 16):
        y = 1.3
        for _ in range(count):
            y, estimate = step(y, 0.4 / count)
        ends.append(abs(y - fine))
        estimates.append(abs(estimate))
    assert 3.5 < np.log2(ends[0] / ends[1]) < 4.6
    assert 3.5 < np.log2(estimates[1] / estimates[2]) < 4.6


@pytest.mark.skipif(shutil.which("ngspice") is None, reason="ngspice is not installed here; run .ci/ngspice-install")
def test_a_board_that_learns_relaxes_as_ngspice_says():
    """Transistors and diodes after a change of example: every node within 1e-6 V of ngspice's transient analysis."""
    passed = np.array([0.01, 0.05, 0.2, 0.45])
    mine, (values, held, start) = switched()
    netlist = netlist_of(cl.Circuit(BOARD, **LAWS), values, held)
    farads, begin = (np.append(each, np.zeros(len(netlist.names) - BOARD.nodes)) for each in (CAPACITY, start))
    there = transient(netlist, farads, begin, passed)
    np.testing.assert_allclose(voltages(mine, passed), there[:, : BOARD.nodes], rtol=0, atol=1e-6)


def test_energy_is_dissipated_or_stored():
    """Work of the sources = what edges and shunts dissipate + what capacities store more than before."""
    mine, (values, held, start) = switched()
    circuit, passed = mine.replica.medium, np.concatenate([[0.0], np.geomspace(1e-6, 0.45, 400)])
    volts = voltages(mine, passed)
    volts[0] = start
    watts = np.sum(volts.T * circuit.currents(values, volts.T), axis=0)
    free = np.setdiff1d(np.arange(9), list(held))
    # V F summed over all nodes is what is dissipated, F over held ones what is delivered; C V dV/dt = -V F at free ones.
    stored = 0.5 * circuit.capacity[free] @ (volts[-1, free] ** 2 - volts[0, free] ** 2)
    delivered = mine.volts(0.5 + 0.45)[1] - mine.volts(0.5 + 1e-12)[1]
    assert abs(stored) > 1e-3 * delivered
    assert delivered == pytest.approx(np.trapezoid(watts, passed) + stored, rel=1e-4)


# --- the limit of rare events -------------------------------------------------------------------------------------------


def pvalues(medium, seeds, p, seconds):
    """Kolmogorov and Smirnov's, of Poisson events against coins of p in steps at equal expected updates."""
    rule, rate, count = cl.CoupledLearning(0.2, 10.0), 0.05, round(0.05 * seconds / p)
    here = cl.train(
        medium,
        TASK,
        rule=rule,
        clock=cl.PoissonEvents(rate),
        batch=cl.Shown(2.0),
        steps=seconds,
        record=[seconds],
        seed=seeds,
    )  # only the end counts, and looks are what takes long
    there = cl.train(
        cl.Circuit(BOARD, **LAWS), TASK, rule=rule, clock=cl.Bernoulli(p), batch=1, steps=count, record=[count],
        seed=[seed + 10_000 for seed in seeds],
    )  # fmt: skip
    last = [run.error.isel(step=-1).values for run in (here, there)]
    assert np.std(last[0]) > 0.05 * np.mean(last[0])
    found = [stats.ks_2samp(*last).pvalue, stats.ks_2samp(here.actions.sum("edge"), there.actions.sum("edge")).pvalue]
    return found + [stats.ks_2samp(here.parameters[:, e], there.parameters[:, e]).pvalue for e in range(12)]


def test_rare_events_agree_with_steps_in_distribution():
    """Events against coins of p = 0.01, 200 replicas each, p-values above 1e-3."""
    found = pvalues(timed(), list(range(200)), 0.01, 40)
    assert min(found) > 1e-3, np.round(found, 4)


@pytest.mark.slow
def test_rare_events_of_circuits_that_relax_fast_agree_with_steps_in_distribution():
    """The same with capacities so small that a circuit settles within a thousandth of an example."""
    found = pvalues(relaxing(capacity=CAPACITY * 0.01, accuracy=1e-6), list(range(400)), 0.01, 40)
    assert min(found) > 1e-3, np.round(found, 4)


# --- one learner among others -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("medium", [timed, relaxing])
def test_slices_and_resuming_change_no_bit(medium):
    nouns = {**NOUNS, "clock": [SELF, cl.SelfTriggered(1e-3)], "seed": [1, 2]}
    whole = cl.train(medium(), TASK, steps=6, record=[6], **nouns)
    sliced = cl.train(medium(), TASK, steps=6, record=list(range(7)), threads=1, **nouns)
    longer = cl.train(medium(), TASK, steps=2, record=[2], **nouns).extended(4)
    assert float(whole.actions.sum()) > 50
    for name in ("parameters", "actions", "intervals", "gaps", "failed"):
        np.testing.assert_array_equal(whole.data[name], sliced.data[name])
        np.testing.assert_array_equal(whole.data[name], longer.data[name])
    for name in ("error", "energy", "power", "fired"):
        np.testing.assert_array_equal(whole.data[name].isel(step=-1), sliced.data[name].isel(step=-1))
        np.testing.assert_array_equal(whole.data[name].isel(step=-1), longer.data[name].isel(step=-1))


def test_stores_and_saved_runs_hold_the_same_bits(tmp_path):
    nouns = {**NOUNS, "seed": [0, 1], "record": 4}
    here = cl.train(relaxing(), TASK, steps=6, **nouns)
    there = cl.train(relaxing(), TASK, steps=6, store=tmp_path / "store", **nouns)
    for name in here.data.data_vars:
        np.testing.assert_array_equal(here.data[name], there.data[name])
    again = cl.load(tmp_path / "store")
    assert isinstance(again.medium, cl.RelaxingCircuit)
    np.testing.assert_array_equal(again.extended(2).parameters, cl.train(relaxing(), TASK, steps=8, **nouns).parameters)
    here.save(tmp_path / "run.npz")
    np.testing.assert_array_equal(cl.load(tmp_path / "run.npz").parameters, here.parameters)


@pytest.mark.parametrize("medium", [timed, relaxing])
def test_one_bad_replica_is_marked_and_harms_no_other(medium):
    circuit = medium()
    replicas = [
        Replica(circuit, TASK, COUPLED, NOUNS["clock"], cl.Continuous(), batch=NOUNS["batch"], seed=k) for k in (0, 1)
    ]
    good, both = circuit.learner(replicas[:1]), circuit.learner(replicas)
    recorded = []
    for learner in (good, both):
        learner.advance(2)
        if learner is both:
            learner.sessions[1].state.value[3] = np.nan
        seen = [learner.measure()]
        learner.advance(4)
        seen.append(learner.measure())
        recorded.append({name: np.stack([each[name] for each in seen], axis=1) for name in seen[0]})
    alone, among = good.results(recorded[0]), both.results(recorded[1])
    assert among["failed"].tolist() == [False, True]
    for name in ("error", "parameters", "energy"):
        np.testing.assert_array_equal(alone[name][0], among[name][0])


def test_a_history_of_a_circuit_that_relaxes():
    history = relaxing().history(TASK, 3.0, **NOUNS, seed=4)
    run = cl.train(relaxing(), TASK, steps=3, **NOUNS, seed=4)
    np.testing.assert_array_equal(history.learned(3.0)[0], run.parameters)
    at = np.array([0.3, 1.1, 2.9])
    volts = history.potentials(at)
    mine = session(relaxing(), seed=4)
    for time, wanted in zip(at, volts, strict=True):
        mine.advance(time)
        np.testing.assert_allclose(mine.volts(time)[0][mine.replica.medium.plan.row], wanted, rtol=0, atol=1e-6)
    figure = history.draw()
    assert "gate voltage" in figure.axes[-1].get_ylabel()
    plt.close(figure)


# --- bad input ----------------------------------------------------------------------------------------------------------


def trained(medium, **more):
    return cl.train(medium, TASK, **{**NOUNS, "steps": 1, **more})


WRONG = [
    (lambda: relaxing(delay=-1.0), "delay = -1.0; give seconds from 0"),
    (lambda: relaxing(look=0.0), "look = 0.0; give seconds above 0, or None"),
    (lambda: relaxing(accuracy=0.0), "accuracy = 0.0; give volts above 0"),
    (lambda: relaxing(capacity=0.0), "capacity of node 0 is 0; it must be positive"),
    (lambda: trained(relaxing(), batch="full"), "a relaxing circuit sees one example at a time; give Shown"),
    (lambda: trained(timed(), batch=1), "batch = 1; in continuous time an example is held for a while"),
    (
        lambda: trained(timed(), clock=cl.Bernoulli(0.5)),
        r"give a trigger .*medium=Circuit\(network, law\) for steps",
    ),
    (lambda: trained(timed(temperature=300.0)), "circuits in continuous time are cold; give temperature=0"),
    (
        lambda: trained(relaxing(), rule=cl.EquilibriumPropagation(1e-4, 1.0, centred=True)),
        "nudges both ways, and a twin that is pushed away",
    ),
    (
        lambda: trained(timed(), rule=cl.SignRule(0.2), device=cl.Levels(99, 0.5, 7, cl.Magnitudes(0.01)), batch="full"),
        r"looks at one example at a time; give batch=Shown\(seconds\)",
    ),
    (lambda: trained(relaxing(look=5.0), clock=SELF), "look = 5 s does not resolve the fastest node"),
    (lambda: trained(timed(), clock=cl.SelfTriggered(1e3, leak=1.0)), "never fires: no edge is due"),
    (lambda: trained(cl.Circuit(BOARD, **LAWS), batch="full"), "but a Circuit learns in steps; give medium=TimedCircuit"),
    (
        lambda: trained(cl.Circuit(BOARD, **LAWS), clock=cl.Global()),
        "holds examples for a time, but a Circuit learns in steps",
    ),
]


@pytest.mark.parametrize(("wrong", "sentence"), [pytest.param(*each, id=each[1][:30]) for each in WRONG])
def test_bad_input_gets_a_sentence(wrong, sentence):
    with pytest.raises(ParameterError, match=sentence):
        wrong()
