"""Continuous time: closed forms, the readable simulation, exact changes, intervals, energy, steps."""

from __future__ import annotations

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy import stats

import clockless as cl
from clockless.errors import ParameterError, UnmovedWarning
from clockless.learning.contracts import Replica
from clockless.learning.events import triggering
from clockless.media.resistors import diffusion
from clockless.media.resistors.in_time import loop
from clockless.media.resistors.in_time.checks import checked
from clockless.media.resistors.in_time.learner import Session
from clockless.media.resistors.in_time.reference import Simulation
from clockless.parts.part import part

pytestmark = pytest.mark.timeout(300)  # the first run of a combination compiles

BOARD = cl.networks.board16()
TASK = cl.Task(
    inputs=[0, 8], outputs=[4, 5], ground=[2],
    x_train=[[0.25, 0.75], [1.0, 0.5], [0.5, 0.125]], y_train=[[0.2, 0.3], [0.4, 0.35], [0.2, 0.1]],
    x_test=[[0.6, 0.3]], y_test=[[0.25, 0.2]],
)  # fmt: skip


def session(rule, clock, batch="full", device=None, seed=3, medium=None, task=TASK, initial=None, log=0):
    medium = medium or cl.TimedResistors(BOARD)
    replica = Replica(medium, task, rule, clock, device or cl.Continuous(), batch=batch, initial=initial, seed=seed)
    return Session(medium, checked(medium, replica), log)


def trained(clock, steps=50, **more):
    nouns = {"rule": cl.CoupledLearning(0.2, 0.5), **more}
    return cl.train(cl.TimedResistors(BOARD), TASK, clock=clock, steps=steps, **nouns)


# --- the readable simulation --------------------------------------------------------------------------------------------

LEVELS = cl.Levels(200, 0.05, 10.0, comparator=cl.Magnitudes(0.01))
FROZEN = cl.Levels(200, 0.05, 10.0, comparator=cl.TwoComparators(0.01, frozen=True))
COUPLED = cl.CoupledLearning(0.2, 0.5)
SLOW = pytest.mark.slow  # each combination of parts compiles for some seconds
CASES = [
    pytest.param(COUPLED, cl.PoissonEvents(0.5), "full", None, id="poisson, full"),
    pytest.param(COUPLED, cl.PoissonEvents(0.5), cl.Shown(1.5), None, id="poisson, shown"),
    pytest.param(
        COUPLED, cl.SelfTriggered(2e-3, 0.3), cl.Shown(2.0, random=False, in_turn=True), None, id="self-triggered, in turn"
    ),
    pytest.param(COUPLED, cl.SelfTriggered(1e-3, leak=0.1), "full", None, id="self-triggered, leak"),
    pytest.param(cl.SignRule(0.5), cl.Avalanches(0.05, 0.15, 0.01, 0.1), cl.Shown(1.0), LEVELS, id="avalanches, biased"),
    pytest.param(
        COUPLED, cl.FreeOscillators(2.0, 0.1, 0.05, 0.5, 2), cl.Shown(1.0), cl.AnalogMemory(0.1), id="oscillators, noise",
        marks=SLOW
    ),
    pytest.param(cl.SignRule(0.5), cl.SignChanges(0.05, 1e-4), cl.Shown(1.0), FROZEN, id="sign changes", marks=SLOW),
    pytest.param(
        cl.EquilibriumPropagation(0.1, 0.3), cl.PoissonEvents(0.5), cl.Shown(1.5), None, id="nudged", marks=SLOW
    ),
    pytest.param(
        cl.EquilibriumPropagation(0.1, 0.3, centred=True), cl.PoissonEvents(0.5), "full", None, id="centred", marks=SLOW
    ),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "clock", "batch", "device"), CASES)
def test_every_event_is_that_of_the_readable_simulation(rule, clock, batch, device):
    """The same events at the same times, and the same values: dense solves after every event against changes of rank one."""
    seconds = 6.0 if isinstance(clock, cl.SelfTriggered) else 12.0  # they fire often, and each event asks all edges again
    mine = session(rule, clock, batch, device, log=5_000)
    mine.advance(seconds)
    there = Simulation(mine.replica.medium, mine.replica).run(seconds)
    here = mine.logged()
    assert len(here.time) > 20
    np.testing.assert_array_equal(here.edge, there.edge)
    np.testing.assert_allclose(here.time, there.time, rtol=1e-9)
    np.testing.assert_allclose(here.value, there.value, rtol=1e-9)
    np.testing.assert_allclose(mine.energies(seconds), (there.energy, there.energy_pushed), rtol=1e-9)


def test_all_parts_share_one_compiled_loop():
    for case in (CASES[0], CASES[2], CASES[4]):
        session(*case.values).advance(0.5)
    assert len(loop.advance._dispatcher.overloads) == 1


@pytest.mark.slow
def test_learning_by_conductance_too():
    medium = cl.TimedResistors(BOARD, parameter="conductance")
    mine = session(COUPLED, cl.PoissonEvents(0.5), medium=medium, log=1_000)
    mine.advance(10.0)
    there = Simulation(medium, mine.replica).run(10.0)
    np.testing.assert_allclose(mine.resistances(), there.learned, rtol=1e-10)


# --- closed forms -------------------------------------------------------------------------------------------------------


def divider(rate=0.5, nudge=1.0):
    """Two edges in series between an input at 1 V and the ground; the output is the node between."""
    network = cl.Network([(0, 1), (1, 2)])
    task = cl.Task([0], [1], [2], [[1.0]], [[0.3]], [[1.0]], [[0.3]])
    medium = cl.TimedResistors(network)
    return session(cl.CoupledLearning(nudge, rate), cl.PoissonEvents(1.0), medium=medium, task=task, log=100), network


def test_two_edges_and_one_node():
    """V_F = R_2 / (R_1 + R_2), V_C = V_F + nudge (V_D - V_F), P = 1 / (R_1 + R_2), and eq. 2, at every event by hand."""
    rate, nudge = 0.5, 0.6
    mine, _ = divider(rate, nudge)
    mine.advance(20.0)
    resistance, joules, before = np.ones(2), 0.0, 0.0
    for time, edge, value in zip(*mine.logged(), strict=True):
        joules += (time - before) / resistance.sum()
        free = resistance[1] / resistance.sum()
        clamped = free + nudge * (0.3 - free)
        drops = np.array([[1 - clamped, clamped], [1 - free, free]])
        resistance[edge] += rate / (2 * nudge) * (drops[0, edge] ** 2 - drops[1, edge] ** 2) / resistance[edge] ** 2
        assert value == pytest.approx(resistance[edge], rel=1e-12)
        before = time
    joules += (20.0 - before) / resistance.sum()
    assert mine.energies(20.0)[0] == pytest.approx(joules, rel=1e-12)


def test_a_self_triggered_edge_fires_when_its_charge_says():
    """One example, one edge that learns: s = |signal| is constant between its events, so intervals are threshold / s.

    With a leak, -ln(1 - leak threshold / s) / leak; and a refractory time comes on top.
    """
    network = cl.Network([(0, 1), (1, 2)])
    task = cl.Task([0], [1], [2], [[1.0]], [[0.3]], [[1.0]], [[0.3]])
    for leak in (0.0, 0.5):
        clock, medium = cl.SelfTriggered(0.002, refractory=0.25, leak=leak), cl.TimedResistors(network)
        rule = cl.CoupledLearning(0.1, 1e-9)  # so slow that the signals stay
        mine = session(rule, clock, medium=medium, task=task, log=50)
        mine.advance(3.0)
        free, clamped = 0.5, 0.5 + 0.1 * (0.3 - 0.5)
        signals = np.abs(0.5 * np.array([(1 - clamped) ** 2 - (1 - free) ** 2, clamped**2 - free**2]))
        waits = 0.002 / signals if leak == 0 else -np.log1p(-leak * 0.002 / signals) / leak
        logged = mine.logged()
        for edge in range(2):
            times = logged.time[logged.edge == edge]
            assert len(times) > 4
            assert times[0] == pytest.approx(waits[edge], rel=1e-6)
            np.testing.assert_allclose(np.diff(times), waits[edge] + 0.25, rtol=1e-6)


# --- what follows events is exact ---------------------------------------------------------------------------------------


def test_rank_one_changes_are_the_inverse_of_what_is_there():
    """After thousands of events Z, T and G are those of the present conductances, by a dense solve, to rounding."""
    mine = session(cl.SignRule(0.5), cl.Avalanches(4.0, 0.05, 0.01), cl.Shown(0.5), LEVELS)
    mine.advance(100.0)
    assert mine.state.counts.fired.sum() > 7_000
    network, wiring, medium = mine.network, mine.wiring, mine.replica.medium
    laplacian = medium.laplacian(1 / mine.resistances()).toarray()
    free = np.flatnonzero(~wiring.held)
    inverse = np.linalg.inv(laplacian[np.ix_(free, free)])
    transfer = -inverse @ laplacian[np.ix_(free, wiring.inputs)]
    admittance = laplacian[np.ix_(wiring.inputs, wiring.inputs)] + laplacian[np.ix_(wiring.inputs, free)] @ transfer
    np.testing.assert_allclose(network.inverse[np.ix_(free, free)], inverse, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(network.transfer[free], transfer, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(network.admittance, admittance, rtol=1e-9)
    assert (network.inverse[wiring.held] == 0).all()


def test_where_rounding_adds_up_the_network_is_inverted_anew():
    """From 100 to 0.01 ohms and back, changes of rank one lose digits; the balance of currents stays."""
    medium = cl.TimedResistors(BOARD)
    device, rule = cl.Levels(3, 0.01, 100.0, comparator=cl.Magnitudes(0.01)), cl.SignRule(1.0)
    mine = session(rule, cl.Avalanches(1.0, 0.05, 0.01), cl.Shown(0.3), device, medium=medium, initial=100.0)
    mine.advance(500.0)
    assert mine.state.counts.inversions[0] > 1
    assert mine.residual() < 1e-9


def test_energy_of_sources_is_that_of_edges():
    """Sum of I V over sources = sum of dV^2 / R over edges, to rounding, for every example."""
    mine = session(COUPLED, cl.PoissonEvents(1.0))
    mine.advance(30.0)
    medium, ohms = mine.replica.medium, mine.resistances()
    of_edges = []
    for x in TASK.x_train:
        state = medium.settle(ohms, {0: x[0], 8: x[1], 2: 0.0})
        of_edges.append(np.sum(medium.drops(state) ** 2 / ohms))
        assert x @ mine.network.admittance @ x == pytest.approx(of_edges[-1], rel=1e-12)
    assert mine.power() == pytest.approx(np.mean(of_edges), rel=1e-12)


def test_steps_record_their_power_too():
    """Of every medium of resistors, lanes as well: the mean over the training set of sum dV^2 / R."""
    medium = cl.Resistors(BOARD)
    run = cl.train(medium, TASK, rule=COUPLED, clock=cl.Bernoulli(0.01), steps=20, seed=[0, 1], traces=True)
    for ohms, watts in zip(run.data.traces.values.reshape(-1, 16), run.data.power.values.ravel(), strict=True):
        drops = [medium.drops(medium.settle(ohms, {0: x[0], 8: x[1], 2: 0.0})) for x in TASK.x_train]
        assert watts == pytest.approx(np.mean([np.sum(drop**2 / ohms) for drop in drops]), rel=1e-12)
    assert run.data.power.attrs["units"] == "W"


# --- times --------------------------------------------------------------------------------------------------------------


def test_poisson_intervals_are_exponential_and_no_two_events_meet():
    """Kolmogorov and Smirnov on the intervals of every edge; 1e-3 is the chance that a true law is refused."""
    mine = session(COUPLED, cl.PoissonEvents(0.7), log=20_000)
    mine.advance(1_000.0)
    logged = mine.logged()
    waits = np.concatenate([np.diff(logged.time[logged.edge == edge], prepend=0.0) for edge in range(16)])
    assert len(waits) > 10_000
    assert stats.kstest(waits, "expon", args=(0, 1 / 0.7)).pvalue > 1e-3
    assert mine.state.counts.together[0] == 0
    counted, edges = mine.state.intervals, triggering.bin_edges()
    histogram = np.histogram(np.concatenate([np.diff(logged.time[logged.edge == e]) for e in range(16)]), edges)[0]
    np.testing.assert_array_equal(counted, histogram)


def test_oscillators_have_their_period_and_their_duty():
    """Intervals duty T / pulses within a cycle, the rest to the next; means of cycles are T, and jitter is theirs."""
    clock = cl.FreeOscillators(2.0, jitter=0.02, duty=0.5, pulses=2)
    mine = session(COUPLED, clock, device=cl.AnalogMemory(0.1), log=20_000)
    mine.advance(400.0)
    logged = mine.logged()
    for edge in range(16):
        times = logged.time[logged.edge == edge]
        gaps = np.diff(times)
        cycles = times[2::2] - times[:-2:2]
        assert np.mean(cycles) == pytest.approx(2.0, rel=5 * 0.02 / np.sqrt(len(cycles)))
        assert np.std(cycles) == pytest.approx(0.04, rel=0.25)
        np.testing.assert_allclose(gaps[::2][: len(cycles)] / cycles, 0.25, rtol=1e-9)


def test_oscillators_that_start_together_meet_and_take_turns():
    """Sixteen edges at the very same times: fifteen of sixteen events come at the time of the one before, in order."""
    mine = session(COUPLED, cl.FreeOscillators(1.0, reset=True), device=cl.AnalogMemory(0.1), log=1_000)
    mine.advance(9.5)
    assert mine.logged().edge.tolist() == list(range(16)) * 10
    assert mine.state.counts.together[0] == 150


def test_the_history_is_that_of_the_run_and_can_be_looked_at():
    """Events, resistances at any time, potentials; runs of short gaps are avalanches."""
    medium, nouns = cl.TimedResistors(BOARD), {"rule": COUPLED, "clock": cl.SelfTriggered(1e-3), "batch": cl.Shown(1.5)}
    history = medium.history(TASK, 30.0, seed=4, **nouns)
    run = cl.train(medium, TASK, steps=30, seed=4, **nouns)
    np.testing.assert_array_equal(np.bincount(history.edges, minlength=16), run.actions)
    np.testing.assert_array_equal(history.resistances(30.0)[0], run.parameters)
    np.testing.assert_array_equal(history.resistances(0.0)[0], np.ones(16))
    node = history.potentials([0.0])[0]
    assert node[0] == TASK.x_train[history.examples[0], 0]
    assert node[2] == 0
    assert history.avalanches(0.2).sum() == history.times.size
    assert (history.avalanches(1e-12) == 1).all()
    assert history.avalanches(1e3).tolist() == [history.times.size]
    for figure in (history.draw(5.0, 10.0), history.draw_times(0.2)):
        assert all(axes.get_xlabel() or axes.get_shared_x_axes() for axes in figure.axes)
        plt.close(figure)
    with pytest.raises(ParameterError, match="there were more than 3 events within"):
        medium.history(TASK, 30.0, seed=4, room=3, **nouns)


# --- the limit of rare events -------------------------------------------------------------------------------------------

REPLICAS = 240


@pytest.mark.parametrize("seconds", [40])
def test_rare_events_agree_with_steps_in_distribution(seconds):
    """Poisson events against coins of p = 0.01 at equal expected updates, 240 replicas each, p-values above 1e-3.

    Both distributions are broad: after 2 updates per edge on average luck decides. What differs is of order p.
    """
    seeds, p = list(range(REPLICAS)), 0.01
    rule = cl.CoupledLearning(0.2, 2.0)
    here = cl.train(cl.TimedResistors(BOARD), TASK, rule=rule, clock=cl.PoissonEvents(0.05), steps=seconds, seed=seeds)
    steps = round(0.05 * seconds / p)
    there = cl.train(
        cl.Resistors(BOARD), TASK, rule=rule, clock=cl.Bernoulli(p), steps=steps, seed=[seed + 10_000 for seed in seeds]
    )
    last = [run.error.isel(step=-1).values for run in (here, there)]
    assert np.std(last[0]) > 0.1 * np.mean(last[0])
    values = [stats.ks_2samp(*last).pvalue]
    values += [stats.ks_2samp(here.parameters[:, edge], there.parameters[:, edge]).pvalue for edge in range(16)]
    values.append(stats.ks_2samp(here.actions.sum("edge"), there.actions.sum("edge")).pvalue)
    assert min(values) > 1e-3, np.round(values, 4)


def test_drift_and_diffusion_are_those_of_rare_coins():
    """In a time t at rate l, for changes so small that g stays: mean l t g, covariance l t diag(g_i^2).

    That is p g and `diffusion.edge_diffusion` (eq. 6) of n steps with n p = l t and p -> 0. Tolerances: five standard
    errors.
    """
    rule = cl.CoupledLearning(0.2, 1e-6)
    run = cl.train(cl.TimedResistors(BOARD), TASK, rule=rule, clock=cl.PoissonEvents(0.5), steps=6, seed=list(range(600)))
    changes = diffusion.single_example_changes(cl.Resistors(BOARD), TASK, np.ones(16), rule)
    g, p = changes.sum(axis=0), 1e-6
    moved = run.parameters.values - 1.0
    expected = 3.0 * g
    deviation = np.sqrt(3.0) * np.abs(g)
    assert (np.abs(moved.mean(axis=0) - expected) < 5 * deviation / np.sqrt(600) + 1e-15).all()
    limit = 3.0 / p * diffusion.edge_diffusion(changes, cl.Bernoulli(p))
    found = np.cov(moved.T)
    errors = np.sqrt((np.outer(np.diag(limit), np.diag(limit)) * (1 + np.eye(16)) + limit**2) / 600) * 1.2
    assert (np.abs(found - limit) < 5 * errors + 1e-22).all()  # rounding of R = 1 where g = 0


# --- one learner among others -------------------------------------------------------------------------------------------


def test_slices_lanes_threads_and_resuming_change_no_bit():
    nouns = {"rule": COUPLED, "batch": cl.Shown(0.7), "traces": True}
    clock = [cl.SelfTriggered(2e-3), cl.SelfTriggered(1e-3, 0.1, 0.05)]
    whole = trained(clock, steps=40, seed=[1, 2, 3], record=[40], **nouns)
    sliced = trained(clock, steps=40, seed=[1, 2, 3], record=list(range(41)), lanes=32, threads=1, **nouns)
    alone = trained(clock[1], steps=40, seed=3, record=[40], **nouns)
    longer = trained(clock, steps=15, seed=[1, 2, 3], record=[15], **nouns).extended(25)
    for name in ("parameters", "actions", "intervals", "gaps"):
        np.testing.assert_array_equal(whole.data[name], sliced.data[name])
        np.testing.assert_array_equal(whole.data[name], longer.data[name])
        np.testing.assert_array_equal(whole.data[name][1, 2], alone.data[name])
    for name in ("error", "energy", "energy_pushed", "power", "fired"):
        last = whole.data[name].isel(step=-1)
        np.testing.assert_array_equal(last, sliced.data[name].isel(step=-1))
        np.testing.assert_array_equal(last, longer.data[name].isel(step=-1))


def test_stores_hold_the_same_bits(tmp_path):
    nouns = {"clock": [cl.PoissonEvents(0.2), cl.PoissonEvents(1.0)], "batch": cl.Shown(1.0), "seed": [0, 1], "record": 4}
    here, there = trained(**nouns, steps=20), trained(**nouns, steps=20, store=tmp_path / "store")
    for name in here.data.data_vars:
        np.testing.assert_array_equal(here.data[name], there.data[name])
    again = cl.load(tmp_path / "store")
    np.testing.assert_array_equal(again.parameters, here.parameters)
    np.testing.assert_array_equal(again.extended(10).parameters, trained(**nouns, steps=30).parameters)


# --- a trigger of one's own ---------------------------------------------------------------------------------------------


@part
class Every:
    """A unit fires every so many seconds, the first time after its own number of tenths of a second."""

    seconds: float
    slots = 1

    def first(self, unit):
        return (0.1 * (unit.index + 1),)

    def due(self, unit):
        return unit.memory[0] - unit.now

    def fires(self, unit):
        return (unit.memory[0] + self.seconds,)


def test_a_trigger_of_ones_own():
    run = trained(Every(2.0), steps=20)
    np.testing.assert_array_equal(run.actions, [10] * 16)
    assert float(run.data.p) == pytest.approx(0.5)
    assert float(run.error[-1]) < 1
    report = cl.check(Every(2.0))
    assert report.family == "trigger"
    assert report.difference < 1e-9


# --- bad input ----------------------------------------------------------------------------------------------------------

WRONG = [
    (lambda: cl.PoissonEvents(-1.0), "events = -1.0; give a number above 0"),
    (lambda: cl.SelfTriggered(1.0, refractory=-0.1), "refractory = -0.1; give a number from 0"),
    (lambda: cl.SelfTriggered(0.0), "threshold = 0.0; give a number above 0"),
    (lambda: cl.SignChanges(0.0), "delay = 0.0; give a number above 0"),
    (lambda: cl.Avalanches(1.0, 1.5, 0.1), "chance = 1.5; give a number from 0 to 1"),
    (lambda: cl.FreeOscillators(1.0, duty=0.5), "duty = 0.5 changes nothing while a unit is written once a cycle"),
    (lambda: cl.Shown(-2.0), "Shown got seconds = -2.0; an example is held for a positive, finite time"),
    (lambda: trained(cl.SelfTriggered(10.0, leak=1.0)), "never fires: no edge is due at the start whatever is shown"),
    (lambda: trained(cl.Bernoulli(0.1)), "Bernoulli.*does not say when an edge acts, which continuous time needs"),
    (lambda: trained(cl.PoissonEvents(1.0), batch=1), "batch = 1; in continuous time an example is held for a while"),
    (lambda: trained(cl.SelfTriggered(1e-12)), "fires more than 10,000 times per edge and second"),
    (
        lambda: cl.train(cl.Resistors(BOARD), TASK, rule=COUPLED, clock=cl.PoissonEvents(1.0), steps=1),
        "triggers units at times of their own, but Resistors learn in steps; give medium=TimedResistors",
    ),
    (
        lambda: cl.train(cl.Resistors(BOARD), TASK, rule=COUPLED, batch=cl.Shown(1.0), steps=1),
        "holds examples for a time, but Resistors learn in steps",
    ),
]


@pytest.mark.parametrize(("wrong", "sentence"), [pytest.param(*each, id=each[1][:30]) for each in WRONG])
def test_bad_input_gets_a_sentence(wrong, sentence):
    with pytest.raises(ParameterError, match=sentence):
        wrong()


def test_a_threshold_that_nobody_reaches_is_said():
    """Nothing is wrong with it, but nothing is learned; the other replica did learn."""
    with pytest.warns(UnmovedWarning, match="in 1 of 2 replicas no unit acted in 20 s, so nothing was learned"):
        run = trained([cl.SelfTriggered(1e9), cl.SelfTriggered(1e-3)], steps=20, batch=cl.Shown(1.0))
    assert run.data.actions.sum("edge").values[0] == 0 < run.data.actions.sum("edge").values[1]
