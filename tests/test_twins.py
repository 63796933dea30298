"""Two twin networks that differ, and voltages that fluctuate: what boards have and simulations leave out."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import constants

import clockless as cl
from clockless.errors import ParameterError
from clockless.learning.contracts import Luck
from clockless.media.circuits import reference
from clockless.media.circuits.learner import mismatched
from clockless.workers.train import combinations

NETWORK = cl.networks.board16()
X = np.array([[0.0, 0.45], [0.45, 0.0], [0.45, 0.45]])
Y = np.array([[0.2, 0.1], [0.1, 0.2], [0.15, 0.15]])
TASK = cl.Task([0, 3], [6, 8], [], X, Y, X, Y)
START = np.linspace(2.0, 3.0, 16)


def board(**given):
    return cl.Circuit(NETWORK, cl.laws.NMOS.pyclln(), rails={1: 0.11, 5: 0.33}, low=0.4, high=4.0, **given)


def replica(circuit, **nouns):
    nouns = {"clock": cl.Bernoulli(0.7), "batch": "full", "initial": START[: circuit.units], "seed": 3, **nouns}
    return next(iter(combinations({"medium": circuit, "task": TASK, "device": cl.Continuous(), "optimiser": None, **nouns})))


@pytest.mark.parametrize("rule", [cl.CoupledLearning(0.5, 0.3), cl.EquilibriumPropagation(1e-4, 1e-4)])
@pytest.mark.parametrize("given", [{"mismatch": 0.05}, {"temperature": 3e5, "capacity": 1e-12}], ids=["twins", "warm"])
def test_lanes_equal_the_reference(rule, given):
    """A plain Newton with the same differences, or the same fluctuations (2 mV), and another one without them."""
    circuit = board(**given)
    initial = np.linspace(2.0, 3.0, circuit.units)
    run = cl.train(circuit, TASK, rule=rule, clock=cl.Bernoulli(0.7), initial=initial, seed=[3, 4], steps=3)
    for k, seed in enumerate((3, 4)):
        expected = reference.learn(replica(circuit, rule=rule, seed=seed, initial=initial), 3)
        plain = reference.learn(replica(board(), rule=rule, seed=seed, initial=initial), 3)
        moved = np.abs(expected - plain).max()
        assert moved > 0
        np.testing.assert_allclose(run.parameters.values[k], expected, atol=1e-4 * moved)


def test_fluctuations_hold_half_k_t_in_every_capacity():
    """1/2 C <n^2> = 1/2 k T at each node, whatever its capacity, independent of the other nodes and of the other state."""
    capacity = np.geomspace(1e-13, 1e-11, NETWORK.nodes)
    circuit = board(temperature=300.0, capacity=capacity)
    drawn = np.concatenate([reference.fluctuations(circuit, Luck(seed, 5, 0), 7, 4) for seed in range(1_000)])
    energy = 0.5 * capacity * np.mean(drawn**2, axis=0)
    expected = 0.5 * constants.k * 300.0
    np.testing.assert_allclose(energy, expected, rtol=5 * np.sqrt(2 / len(drawn)))
    flat = (drawn / circuit.fluctuation).reshape(len(drawn), -1)
    together = flat.T @ flat / len(drawn) - np.eye(flat.shape[1])
    assert np.abs(together).max() < 6 * np.sqrt(2 / len(drawn))


def test_twins_differ_as_much_as_is_asked_and_stay_so():
    """One normal number for every edge and replica, the same in every step, another for another replica."""
    circuit = board(mismatch=np.linspace(0.0, 0.2, board().units))
    drawn = np.array([mismatched(circuit, Luck(seed, 5, 0)) for seed in range(2_000)])
    np.testing.assert_allclose(drawn.std(axis=0), circuit.mismatch, rtol=5 / np.sqrt(2 * len(drawn)))
    assert np.abs(drawn.mean(axis=0)).max() < 5 * 0.2 / np.sqrt(len(drawn))


def test_what_is_alike_and_cold_is_the_plain_board_bit_for_bit():
    nouns = {"rule": cl.CoupledLearning(0.5, 0.3), "steps": 5, "seed": 3}
    plain, same = (cl.train(board(**given), TASK, **nouns) for given in ({}, {"mismatch": 0.0, "temperature": 0.0}))
    np.testing.assert_array_equal(plain.parameters.values, same.parameters.values)
    assert "mismatch" not in board().described()
    assert board(mismatch=0.1).described()["mismatch"] == 0.1


def test_a_store_keeps_them(tmp_path):
    """Resumed from its description, the board has the same twins and temperature."""
    given = {"mismatch": 0.05, "temperature": 300.0}
    nouns = {"rule": cl.CoupledLearning(0.5, 0.3), "seed": 3}
    whole = cl.train(board(**given), TASK, **nouns, steps=6)
    half = cl.train(board(**given), TASK, **nouns, steps=3, store=tmp_path / "store")
    np.testing.assert_array_equal(half.extended(3).parameters.values, whole.parameters.values)


@pytest.mark.parametrize(("given", "word"), [({"mismatch": -0.1}, "mismatch of edge"), ({"mismatch": "x"}, "mismatch"),
    ({"temperature": -1.0}, "kelvin"), ({"temperature": True}, "kelvin"), ({"temperature": np.nan}, "kelvin")])  # fmt: skip
def test_what_cannot_be_is_said(given, word):
    with pytest.raises(ParameterError, match=word):
        board(**given)


def test_no_twin_has_a_negative_conductance():
    circuit = cl.Circuit(NETWORK, cl.laws.Linear(), low=0.1, high=1.0, mismatch=0.02)
    with pytest.raises(ParameterError, match=r"edge 0 learns from 0\.1 S on"):
        cl.train(circuit, TASK, rule=cl.CoupledLearning(0.5, 0.3), initial=0.5, steps=1)


def test_one_network_pushed_both_ways_has_no_twin():
    with pytest.raises(ParameterError, match="mismatch between twins"):
        cl.train(board(mismatch=0.1), TASK, rule=cl.EquilibriumPropagation(1e-4, 1e-4, centred=True), steps=1)
