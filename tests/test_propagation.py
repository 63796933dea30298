"""Equilibrium propagation on resistors in the compiled engine: dense solves, finite differences, where it is stable."""

from __future__ import annotations

import numpy as np
import pytest

from clockless import (
    Bernoulli,
    CoupledLearning,
    EquilibriumPropagation,
    FixedFraction,
    Global,
    Levels,
    Resistors,
    SignRule,
    Task,
    networks,
    train,
)
from clockless.errors import ParameterError, ReplicasFailedWarning
from clockless.media.resistors import diffusion, reference

BOARD = networks.board16()
MEDIA = {parameter: Resistors(BOARD, parameter=parameter) for parameter in ("resistance", "conductance")}
INITIAL = np.exp(np.random.default_rng(0).uniform(-0.7, 0.7, 16))
NUDGES = 0.05 * 2.0 ** -np.arange(4)


def task_of(outputs: int, seed: int) -> Task:
    """Two inputs, one ground and some outputs at random nodes, with six random examples."""
    rng = np.random.default_rng(seed)
    nodes = rng.permutation(9).tolist()
    x, y = rng.uniform(-2, 2, (6, 2)), rng.uniform(-1, 1, (6, outputs))
    return Task(nodes[:2], nodes[3 : 3 + outputs], nodes[2:3], x, y, x, y)


def resistance_matrix(task: Task) -> np.ndarray:
    """Response of the outputs to currents at the outputs while inputs and ground are held [output, output], ohms."""
    kept = np.setdiff1d(np.arange(9), [*task.inputs, *task.ground])
    inverse = np.linalg.inv(MEDIA["resistance"].laplacian(1 / INITIAL).toarray()[np.ix_(kept, kept)])
    at = np.searchsorted(kept, task.outputs)
    return inverse[np.ix_(at, at)]


def cost(resistances: np.ndarray, task: Task) -> float:
    """Sum over examples and outputs of 1/2 (V - V_D)^2."""
    states = [reference.free_state(MEDIA["resistance"], resistances, task, x)[list(task.outputs)] for x in task.x_train]
    return 0.5 * float(np.sum((np.array(states) - task.y_train) ** 2))


def gradient(task: Task, parameter: str) -> np.ndarray:
    """Central differences of the cost by resistances or conductances [edge]."""
    found, d = np.empty(16), 1e-6
    power = 1.0 if parameter == "resistance" else -1.0
    for edge in range(16):
        costs = []
        for sign in (1.0, -1.0):
            values = INITIAL**power
            values[edge] += sign * d
            costs.append(cost(values**power, task))
        found[edge] = (costs[0] - costs[1]) / (2 * d)
    return found


@pytest.mark.parametrize("parameter", ["resistance", "conductance"])
@pytest.mark.parametrize(
    ("clock", "batch"), [(Bernoulli(0.4), "full"), (Bernoulli(0.4), 1), (FixedFraction(0.5), 3)], ids=str
)
def test_equals_dense_solves(parameter, clock, batch):
    """One-sided and centred rules in neighbouring lanes, one, two and three outputs, several nudges."""
    some = [task_of(outputs, seed) for outputs in (1, 2, 3) for seed in (0, 1)]
    rules = [EquilibriumPropagation(nudge, 0.02, centred=centred) for nudge in (0.05, 0.4) for centred in (False, True)]
    medium, seeds = MEDIA[parameter], [0, 2**64 - 1]
    run = train(medium, some, rule=rules, clock=clock, batch=batch, initial=INITIAL, seed=seeds, steps=6)
    assert not run.data["failed"].any()
    for t, task in enumerate(some):
        assert 0.4 * np.linalg.eigvalsh(resistance_matrix(task)).max() < 0.9
        for r, rule in enumerate(rules):
            for s, seed in enumerate(seeds):
                expected = reference.learn(medium, task, rule, clock, 6, batch, INITIAL, seed)
                np.testing.assert_allclose(run.parameters.values[t, r, s], expected, rtol=1e-11)
                assert np.abs(expected - INITIAL).max() > 1e-5


@pytest.mark.parametrize("parameter", ["resistance", "conductance"])
@pytest.mark.parametrize(("centred", "order"), [(False, 1), (True, 2)])
def test_one_step_follows_the_gradient_with_the_order_of_its_nudge(parameter, centred, order):
    """The step divided by -rate approaches the gradient of the cost as nudge, or nudge^2 if centred."""
    tasks = [task_of(outputs, 3) for outputs in (1, 2, 3)]
    rules, rate = [EquilibriumPropagation(nudge, 1e-3, centred=centred) for nudge in NUDGES], 1e-3
    run = train(MEDIA[parameter], tasks, rule=rules, clock=Global(), initial=INITIAL, steps=1)
    power = 1.0 if parameter == "resistance" else -1.0
    estimates = -(run.parameters.values**power - INITIAL**power) / rate
    for task, estimate in zip(tasks, estimates, strict=True):
        exact = gradient(task, parameter)
        errors = np.abs(estimate - exact).max(axis=-1)
        assert (errors < 0.2 * np.abs(exact).max()).all()
        assert np.polyfit(np.log(NUDGES), np.log(errors), 1)[0] == pytest.approx(order, abs=0.15)


def test_a_small_nudge_loses_no_digits():
    """Centred, nudge 1e-7: a difference of settled states would keep half of the digits of the gradient."""
    task = task_of(2, 5)
    run = train(MEDIA["resistance"], task, rule=EquilibriumPropagation(1e-7, 1e-3, centred=True), initial=INITIAL, steps=1)
    exact = gradient(task, "resistance")
    np.testing.assert_allclose((INITIAL - run.parameters.values) / 1e-3, exact, rtol=0, atol=1e-8 * np.abs(exact).max())


def test_learns_on_levels():
    medium, device = MEDIA["resistance"], Levels(400, 0.1, 4.0)
    task, rule = task_of(2, 0), EquilibriumPropagation(0.2, 0.5, centred=True)
    run = train(medium, task, rule=rule, clock=Bernoulli(0.5), device=device, initial=INITIAL, steps=30, seed=2)
    expected = reference.learn(medium, task, rule, Bernoulli(0.5), 30, "full", INITIAL, 2, device)
    np.testing.assert_allclose(run.parameters.values, expected, rtol=1e-12)
    assert float(run.error[-1]) < 0.5


@pytest.mark.parametrize("batch", ["full", 1])
@pytest.mark.parametrize("outputs", [1, 3])
def test_an_unstable_nudge_is_marked_and_touches_no_other(outputs, batch):
    """-nudge has a settled state only while 1 / nudge exceeds the largest eigenvalue of the outputs' resistance matrix."""
    task = task_of(outputs, 2)
    limit = 1.0 / np.linalg.eigvalsh(resistance_matrix(task)).max()
    stable = [EquilibriumPropagation(0.999 * limit, 1e-12, centred=True), EquilibriumPropagation(5 * limit, 1e-12)]
    unstable = [EquilibriumPropagation(factor * limit, 1e-12, centred=True) for factor in (1.001, 3.0, 50.0)]
    with pytest.warns(ReplicasFailedWarning, match="3 of 5 replicas"):
        run = train(MEDIA["resistance"], task, rule=stable + unstable, batch=batch, initial=INITIAL, steps=2)
    np.testing.assert_array_equal(run.data["failed"], [False, False, True, True, True])
    alone = train(MEDIA["resistance"], task, rule=stable, batch=batch, initial=INITIAL, steps=2)
    np.testing.assert_array_equal(run.parameters[:2], alone.parameters)
    assert not np.isfinite(run.parameters.values[2:]).any()


def test_bits_do_not_depend_on_the_rest_of_the_ensemble():
    """1, 8 and 64 lanes, with tasks of their own."""
    some = [task_of(2, seed) for seed in range(40)]
    settings = {"rule": EquilibriumPropagation(0.1, 0.05, centred=True), "clock": Bernoulli(0.5), "steps": 20}
    run = train(MEDIA["resistance"], some, **settings)
    for few in (slice(7, 8), slice(7, 12)):
        np.testing.assert_array_equal(train(MEDIA["resistance"], some[few], **settings).parameters, run.parameters[few])


# --- what learns ------------------------------------------------------------------------------------------------------


def test_the_parameter_of_the_medium_counts_unless_a_rule_says_conductance():
    settings = {"clock": Bernoulli(0.4), "initial": INITIAL, "steps": 6}
    task = task_of(2, 0)

    def learned(medium, rule):
        return train(medium, task, rule=rule, **settings).parameters.values

    by_rule = learned(MEDIA["resistance"], CoupledLearning(0.2, 0.02, "conductance"))
    by_medium = learned(MEDIA["conductance"], CoupledLearning(0.2, 0.02))
    np.testing.assert_array_equal(by_rule, by_medium)
    np.testing.assert_array_equal(by_rule, learned(MEDIA["conductance"], CoupledLearning(0.2, 0.02, "conductance")))
    assert np.abs(by_rule - learned(MEDIA["resistance"], CoupledLearning(0.2, 0.02))).max() > 1e-3
    expected = reference.learn(MEDIA["conductance"], task, CoupledLearning(0.2, 0.02), settings["clock"], 6, "full", INITIAL)
    np.testing.assert_allclose(by_medium, expected, rtol=1e-11)


def test_the_sign_rule_takes_the_parameter_of_the_medium_too():
    settings = {"device": Levels(400, 0.1, 4.0), "initial": INITIAL, "steps": 20, "batch": 1}
    by_medium = train(MEDIA["conductance"], task_of(1, 0), rule=SignRule(0.5), **settings)
    by_rule = train(MEDIA["resistance"], task_of(1, 0), rule=SignRule(0.5, "conductance"), **settings)
    np.testing.assert_array_equal(by_medium.parameters, by_rule.parameters)


def test_the_medium_shows_and_checks_its_parameter():
    assert "parameter" not in repr(MEDIA["resistance"])
    assert "parameter='conductance'" in repr(MEDIA["conductance"])
    state = np.linspace(0.0, 1.0, 9)
    drops = MEDIA["conductance"].drops(state)
    np.testing.assert_allclose(MEDIA["conductance"].signal(INITIAL, state), drops**2 / 2)
    np.testing.assert_allclose(MEDIA["resistance"].signal(INITIAL, state), -(drops**2) / (2 * INITIAL**2))
    for wrong in ("current", None, 1, ["resistance"]):
        with pytest.raises(ParameterError, match="'resistance' or 'conductance'"):
            Resistors(BOARD, parameter=wrong)


# --- mistakes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"cost": "cosine"}, "leave `cost` out"), ({"inits": 2}, "one state"), ({"eps": 1e-5}, "log cost of phases")],
)
def test_what_belongs_to_phases_is_refused(settings, words):
    with pytest.raises(ParameterError, match=words):
        train(MEDIA["resistance"], task_of(1, 0), rule=EquilibriumPropagation(0.1, 0.1, **settings), steps=1)


def test_drift_is_known_for_clamps_only():
    with pytest.raises(ParameterError, match="rules that clamp"):
        diffusion.drift(MEDIA["resistance"], task_of(1, 0), INITIAL, EquilibriumPropagation(0.1, 0.1))
