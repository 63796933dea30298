"""Continuous time: closed forms, the readable simulation, exactness of what follows events, intervals, energy, agreement with steps."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import clockless as cl
from clockless.errors import ParameterError
from clockless.learning.contracts import Replica
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
CASES = {
    "poisson, full": (COUPLED, cl.PoissonEvents(0.5), "full", None),
    "poisson, shown": (COUPLED, cl.PoissonEvents(0.5), cl.Shown(1.5), None),
    "self-triggered, shown": (COUPLED, cl.SelfTriggered(2e-3, 0.3), cl.Shown(2.0, random=False, in_turn=True), None),
    "self-triggered, leak, noise": (COUPLED, cl.SelfTriggered(1e-3, leak=0.1), "full", cl.AnalogMemory(0.1)),
    "oscillators": (COUPLED, cl.FreeOscillators(2.0, 0.1, 0.05, 0.5, 2), cl.Shown(1.0), None),
    "sign changes": (cl.SignRule(0.5), cl.SignChanges(0.05, 1e-4), cl.Shown(1.0), FROZEN),
    "avalanches, biased": (cl.SignRule(0.5), cl.Avalanches(0.05, 0.15, 0.01, 0.1), cl.Shown(1.0), LEVELS),
    "nudged": (cl.EquilibriumPropagation(0.1, 0.3), cl.PoissonEvents(0.5), cl.Shown(1.5), None),
    "centred": (cl.EquilibriumPropagation(0.1, 0.3, centred=True), cl.PoissonEvents(0.5), "full", None),
}


@pytest.mark.parametrize("name", CASES)
def test_every_event_is_that_of_the_readable_simulation(name):
    """The same events at the same times, and the same values: dense solves after every event against changes of rank one."""
    rule, clock, batch, device = CASES[name]
    mine = session(rule, clock, batch, device, log=5_000)
    mine.advance(12.0)
    there = Simulation(mine.replica.medium, mine.replica).run(12.0)
    here = mine.logged()
    assert len(here.time) > 20
    np.testing.assert_array_equal(here.edge, there.edge)
    np.testing.assert_allclose(here.time, there.time, rtol=1e-9)
    np.testing.assert_allclose(here.value, there.value, rtol=1e-9)
    np.testing.assert_allclose(mine.energies(12.0), (there.energy, there.energy_pushed), rtol=1e-9)


def test_learning_by_conductance_too():
    medium = cl.TimedResistors(BOARD, parameter="conductance")
    mine = session(COUPLED, cl.PoissonEvents(0.5), medium=medium, log=1_000)
    mine.advance(10.0)
    there = Simulation(medium, mine.replica).run(10.0)
    np.testing.assert_allclose(mine.resistances(), there.resistances, rtol=1e-10)


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
        clock, medium = cl.SelfTriggered(0.01, refractory=0.25, leak=leak), cl.TimedResistors(network)
        rule = cl.CoupledLearning(0.1, 1e-9)  # so slow that the signals stay
        mine = session(rule, clock, medium=medium, task=task, log=50)
        mine.advance(3.0)
        free, clamped = 0.5, 0.5 + 0.1 * (0.3 - 0.5)
        signals = np.abs(0.5 * np.array([(1 - clamped) ** 2 - (1 - free) ** 2, clamped**2 - free**2]))
        waits = 0.01 / signals if leak == 0 else -np.log1p(-leak * 0.01 / signals) / leak
        logged = mine.logged()
        for edge in range(2):
            times = logged.time[logged.edge == edge]
            assert len(times) > 4
            assert times[0] == pytest.approx(waits[edge], rel=1e-6)
            np.testing.assert_allclose(np.diff(times), waits[edge] + 0.25, rtol=1e-6)


# --- what follows events is exact ---------------------------------------------------------------------------------------


def test_rank_one_changes_are_the_inverse_of_what_is_there():
    """After thousands of events Z, T and G are those of the present conductances, by a dense solve, to rounding."""
    mine = session(COUPLED, cl.PoissonEvents(5.0), cl.Shown(0.5), cl.AnalogMemory(0.5))
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
    """An edge that falls from 100 to 0.01 ohms and back loses digits by changes of rank one; the balance of currents stays."""
    medium = cl.TimedResistors(BOARD)
    device, rule = cl.Levels(3, 0.01, 100.0), cl.SignRule(1.0)
    mine = session(rule, cl.PoissonEvents(1.0), cl.Shown(0.3), device, medium=medium, initial=100.0)
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
