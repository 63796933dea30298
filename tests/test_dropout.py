"""Edges that are absent for a step: the control of edges that only do not act."""

from __future__ import annotations

import numpy as np
import pytest

import clockless as cl
from clockless.media.circuits import reference as circuits
from clockless.media.resistors import reference
from clockless.numerics.randomness import CLOCK, numbers
from clockless.parts.clocks import LEAK
from clockless.workers.train import combinations

NETWORK = cl.networks.board16()
TASK = cl.tasks.regression(NETWORK, train=3, test=4)


@pytest.mark.parametrize("rule", [cl.CoupledLearning(0.5, 0.3), cl.EquilibriumPropagation(0.5, 0.3)])
@pytest.mark.parametrize("batch", ["full", 1])
def test_lanes_equal_the_reference(rule, batch):
    medium = cl.Resistors(NETWORK)
    run = cl.train(medium, TASK, rule=rule, clock=cl.Dropout(0.7), batch=batch, seed=[3, 4], steps=6)
    for k, seed in enumerate((3, 4)):
        expected = reference.learn(medium, TASK, rule, cl.Dropout(0.7), 6, batch, seed=seed)
        np.testing.assert_allclose(run.parameters.values[k], expected, rtol=1e-9)


def test_an_absent_edge_is_one_that_the_network_does_not_have():
    """One step with an edge left out moves the others as one step of the network without it."""
    network = cl.networks.packing(20, 40)
    task = cl.tasks.regression(network, train=3, test=3)
    seed, rule = 1, cl.CoupledLearning(0.5, 0.1)
    p = np.sort(numbers(seed, task.fingerprint, 0, CLOCK, 40))[-1] * 2.0**-32  # just one number lies at or above it
    stays = cl.Dropout(p).acting(numbers(seed, task.fingerprint, 0, CLOCK, 40))
    assert stays.sum() == 39
    run = cl.train(cl.Resistors(network), task, rule=rule, clock=cl.Dropout(p), seed=seed, steps=1)
    less = cl.Network(network.edges[stays])
    expected = cl.train(cl.Resistors(less), task, rule=rule, seed=seed, steps=1).parameters.values
    moved, wanted = run.parameters.values - 1.0, expected - 1.0
    assert moved[~stays] == 0.0
    np.testing.assert_allclose(moved[stays], wanted, atol=1e-4 * np.abs(wanted).max())
    present = cl.train(cl.Resistors(network), task, rule=rule, seed=seed, steps=1).parameters.values[stays] - 1.0
    assert np.abs(present - wanted).max() > 1e-2 * np.abs(wanted).max()  # the edge mattered


def test_all_present_is_the_synchronous_limit_bit_for_bit():
    runs = [
        cl.train(cl.Resistors(NETWORK), TASK, rule=cl.CoupledLearning(0.5, 0.3), clock=clock, steps=5)
        for clock in (cl.Dropout(1.0), cl.Global())
    ]
    np.testing.assert_array_equal(runs[0].parameters.values, runs[1].parameters.values)


def test_errors_are_measured_with_all_edges():
    run = cl.train(cl.Resistors(NETWORK), TASK, rule=cl.CoupledLearning(0.5, 0.3), clock=cl.Dropout(0.5), steps=5)
    found = reference.test_error(cl.Resistors(NETWORK), run.parameters.values, TASK)
    np.testing.assert_allclose(run.error.values[-1] * float(run.data.initial_error), found, rtol=1e-9)


def transistors(**given):
    rails = {1: 0.11, 5: 0.33}
    circuit = cl.Circuit(NETWORK, cl.laws.NMOS.pyclln(), rails=rails, low=0.4, high=4.0, **given)
    x = np.array([[0.0, 0.45], [0.45, 0.0], [0.45, 0.45]])
    y = np.array([[0.2, 0.1], [0.1, 0.2], [0.15, 0.15]])
    return circuit, cl.Task([0, 3], [6, 8], [], x, y, x, y)


@pytest.mark.parametrize("rule", [cl.CoupledLearning(0.5, 0.3), cl.EquilibriumPropagation(1e-4, 1e-4)])
def test_absent_edges_of_a_circuit_equal_the_reference(rule):
    """Newton in lanes against a plain one, the same edges left out; gates wide open, so that no node hangs on nothing."""
    circuit, task = transistors()
    nouns = {"rule": rule, "clock": cl.Dropout(0.8), "batch": 1, "initial": np.linspace(2.0, 3.0, circuit.units)}
    run = cl.train(circuit, task, **nouns, seed=[3, 4], steps=4)
    for k, seed in enumerate((3, 4)):
        replica = next(r for r in combinations({"medium": circuit, "task": task, "device": cl.Continuous(),
                                                "optimiser": None, "seed": seed, **nouns}))  # fmt: skip
        expected = circuits.learn(replica, 4)
        moved = np.abs(expected - nouns["initial"]).max()
        assert moved > 0
        np.testing.assert_allclose(run.parameters.values[k], expected, atol=1e-4 * moved)


def test_an_absent_edge_of_a_circuit_carries_nothing():
    """A state with an edge left out is that of the circuit without it; the others are tested with all edges."""
    circuit, _ = transistors()
    held, values = {0: 0.0, 3: 0.45}, np.linspace(2.0, 3.0, circuit.units)
    there = np.ones(circuit.units)
    there[5] = LEAK
    keep = np.arange(circuit.units) != 5
    less = cl.Circuit(cl.Network(NETWORK.edges[keep]), cl.laws.NMOS.pyclln(), rails={1: 0.11, 5: 0.33}, low=0.4, high=4.0)
    found = circuits.newton(circuit, values, held, there=there)
    np.testing.assert_allclose(found, less.settle(values[keep], held), atol=1e-5)
    assert np.abs(found - circuit.settle(values, held)).max() > 1e-3, "the edge mattered"


def test_a_circuit_with_all_edges_is_synchronous():
    """Ten replicas, so that lanes that are not done when most are go on apart."""
    circuit, task = transistors()
    given = {"rule": cl.CoupledLearning(0.5, 0.3), "initial": 2.0, "seed": list(range(10)), "steps": 3}
    ones, all_there, some = (
        cl.train(circuit, task, clock=clock, **given) for clock in (cl.Global(), cl.Dropout(1.0), cl.Dropout(0.5))
    )
    np.testing.assert_allclose(all_there.parameters.values, ones.parameters.values, atol=1e-9)
    assert (some.parameters.values != ones.parameters.values).any()
    assert some.data.actions.values.mean() < 3


def test_what_cannot_leave_units_out_says_so():
    circuit = cl.Circuit(NETWORK, cl.laws.Linear())
    with pytest.raises(cl.errors.ClocklessError, match="batch"):
        cl.train(circuit, TASK, rule=cl.CoupledLearning(0.5, 0.3), batch=cl.Dropout(0.5), steps=1)
    for p in (0, 1.5, "x", float("nan")):
        with pytest.raises(cl.errors.ParameterError, match="Dropout got p"):
            cl.Dropout(p)
