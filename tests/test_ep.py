"""Equilibrium propagation against implicit differentiation, finite differences of settled costs; orders of convergence."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from clockless import networks, tasks
from clockless.errors import ParameterError
from clockless.media.phases.contrast import Samples, contrast, cost_of, gradient, response_by_nudging, wrapped
from clockless.media.phases.costs import CosineCost, LogCost, directions, reported
from clockless.media.phases.implicit import exact_gradient, hessian, response_map
from clockless.media.phases.schedules import RandomSequential, TwoColour
from clockless.media.phases.xy import Nudging, Parameters, Rotors, Stop, phases_of
from clockless.media.resistors import reference
from clockless.media.resistors.medium import Resistors
from clockless.networks.network import Network
from clockless.parts.clocks import Bernoulli, FixedFraction
from clockless.parts.pushes import Free, push_of
from clockless.parts.rules import CoupledLearning, EquilibriumPropagation, SignRule

EXACT = Stop(TwoColour(), 1e-13, 100_000, 0, 0)
KINDS = ("W", "h", "psi")


def problem(seed, samples=4, triangular=False, shared=None):
    """A small wiring, random parameters, two inputs, two outputs, and free settled phases."""
    rng = np.random.default_rng(seed)
    edges = networks.lattice(3, 3).edges.tolist() + ([(0, 4), (4, 8)] if triangular else [])
    xy = Rotors(Network(edges), shared)
    parameters = xy.parameters(
        rng.normal(size=xy.couplings), rng.uniform(-0.5, 0.5, 9), rng.uniform(-np.pi, np.pi, 9)
    )  # fmt: skip
    x, y = rng.uniform(-np.pi / 2, np.pi / 2, (2, samples)), rng.choice([-np.pi / 2, np.pi / 2], (2, samples))
    examples = Samples((0, 2), x, (6, 8), y)
    z = directions(rng.uniform(-np.pi, np.pi, (9, samples)))
    z[[0, 2]] = directions(x)
    residual, _ = xy.relax(parameters, z, examples.inputs, EXACT)
    assert residual.max() <= 1e-13
    return xy, parameters, examples, phases_of(z)


def settled_cost(xy, parameters, examples, near, cost):
    """Mean over samples of the cost of the states next to `near`."""
    z = directions(near)
    residual, _ = xy.relax(parameters, z, examples.inputs, EXACT)
    assert residual.max() <= 1e-13
    return cost.value(phases_of(z)[list(examples.outputs)] - examples.y).sum(axis=0).mean()


@pytest.mark.parametrize("cost", [LogCost(), LogCost(0.1), CosineCost()], ids=str)
@pytest.mark.parametrize("shared", [None, np.arange(14) % 5], ids=["own", "shared"])
def test_exact_gradient_is_that_of_the_settled_cost(cost, shared):
    xy, parameters, examples, phases = problem(0, triangular=True, shared=shared)
    exact, d = exact_gradient(xy, parameters, examples, phases, cost), 1e-5
    for kind in KINDS:
        values = getattr(parameters, kind)
        for unit in range(values.size):
            costs = []
            for sign in (1, -1):
                moved = values.copy()
                moved[unit] += sign * d
                costs.append(settled_cost(xy, parameters._replace(**{kind: moved}), examples, phases, cost))
            assert getattr(exact, kind)[unit] == pytest.approx((costs[0] - costs[1]) / (2 * d), rel=1e-5, abs=1e-7)
    assert np.abs(exact.psi[[0, 2]]).max() == 0


@pytest.mark.parametrize("delta", [-3.0, -1.0, 0.0, 0.7, 3.1])
@pytest.mark.parametrize("cost", [LogCost(), LogCost(0.1), CosineCost()], ids=str)
def test_costs_and_their_derivatives(cost, delta):
    d, at = 1e-5, np.array([delta])
    assert cost.slope(at)[0] == pytest.approx((cost.value(at + d) - cost.value(at - d))[0] / (2 * d), rel=1e-5, abs=1e-7)
    assert cost.curvature(at)[0] == pytest.approx((cost.slope(at + d) - cost.slope(at - d))[0] / (2 * d), rel=1e-4)
    assert reported(np.array([[delta], [0.0]]))[0] == pytest.approx(0.5 * (1 - np.cos(delta)))


def errors(rule_of, nudges, seed=1):
    """Largest error of the gradient against the exact one for each nudge, for targets that are not near the antipode."""
    xy, parameters, examples, phases = problem(seed)
    away = np.random.default_rng(seed).uniform(-2, 2, examples.y.shape)
    examples, found = examples._replace(y=phases[list(examples.outputs)] + away), []
    for nudge in nudges:
        rule = rule_of(nudge)
        exact = exact_gradient(xy, parameters, examples, phases, cost_of(rule))
        estimate, looked = gradient(xy, parameters, examples, phases, rule, EXACT)
        assert looked.residual.max() <= 1e-12
        found.append(max(np.abs(a - b).max() for a, b in zip(estimate, exact, strict=True)))
    return np.array(found)


@pytest.mark.parametrize("cost", ["log", "cosine"])
@pytest.mark.parametrize(("centred", "order"), [(False, 1), (True, 2)])
def test_order_of_convergence(cost, centred, order):
    nudges = 0.01 * 2.0 ** -np.arange(5)
    found = errors(lambda nudge: EquilibriumPropagation(nudge, 0.1, cost, centred), nudges)
    slope = np.polyfit(np.log(nudges), np.log(found), 1)[0]
    assert slope == pytest.approx(order, abs=0.1)
    assert found[-1] < 0.02


def test_near_the_antipode_a_centred_nudge_by_the_log_cost_fails_and_says_so():
    """-beta pulls towards the singularity, where the cost falls without bound: the residual tells."""
    xy = Rotors(Network([(0, 1)]))
    parameters = xy.parameters(0.0, [0.0, 1.0], 0.0)
    examples = Samples((0,), np.zeros((1, 1)), (1,), np.array([[3.1]]))
    for centred, settles in ((False, True), (True, False)):
        rule = EquilibriumPropagation(0.1, 0.1, centred=centred)
        _, looked = gradient(xy, parameters, examples, np.zeros((2, 1)), rule, EXACT._replace(sweeps_limit=1000))
        assert (looked.residual[0] <= 1e-13) == settles


def test_gradient_does_not_depend_on_the_schedule():
    xy, parameters, examples, phases = problem(2)
    rule = EquilibriumPropagation(0.01, 0.1)
    one, _ = gradient(xy, parameters, examples, phases, rule, EXACT)
    other, _ = gradient(xy, parameters, examples, phases, rule, EXACT._replace(schedule=RandomSequential(1.0)))
    for kind in KINDS:
        np.testing.assert_allclose(getattr(one, kind), getattr(other, kind), atol=1e-9)


def test_initial_states_are_averaged():
    xy, parameters, examples, _ = problem(3)
    start = np.random.default_rng(3).uniform(-np.pi, np.pi, (9, 4 * 3))
    mean, looked = gradient(xy, parameters, examples, start, EquilibriumPropagation(0.1, 0.1, inits=3))
    one = EquilibriumPropagation(0.1, 0.1)
    each = [gradient(xy, parameters, examples, start[:, k::3], one)[0] for k in range(3)]
    for kind in KINDS:
        np.testing.assert_allclose(getattr(mean, kind), np.mean([getattr(g, kind) for g in each], axis=0), atol=1e-12)
    assert looked.residual.shape == (12,)


@pytest.mark.parametrize("rule", [CoupledLearning(0.3, 0.1), SignRule(1.0)], ids=str)
def test_clamping_lowers_the_clamped_energy_relative_to_the_free(rule):
    """The contrast is the derivative of E(clamped) - E(free) by the parameters, the outputs held where they are."""
    xy, parameters, examples, phases = problem(4)
    z = directions(phases)
    signal, looked = contrast(push_of(rule), xy, parameters, examples, z, EXACT)
    assert looked.residual.max() <= 1e-13
    outputs = phases[[6, 8]] + rule.nudge * wrapped(examples.y - phases[[6, 8]])
    held_free = dict(zip(examples.inputs, examples.x, strict=True))
    held_clamped = {**held_free, **dict(zip(examples.outputs, outputs, strict=True))}
    assert (np.abs(rule.nudge * wrapped(examples.y - phases[[6, 8]])) <= rule.nudge * np.pi).all()

    def difference(p):
        clamped, _ = xy.settle(p, held_clamped, phases, residual=1e-12)
        free, _ = xy.settle(p, held_free, phases, residual=1e-12)
        return np.mean(xy.energy(p, clamped) - xy.energy(p, free))

    d = 1e-5
    for kind in KINDS:
        for unit in range(getattr(parameters, kind).size):
            ends = []
            for sign in (1, -1):
                moved = getattr(parameters, kind).copy()
                moved[unit] += sign * d
                ends.append(difference(parameters._replace(**{kind: moved})))
            assert getattr(signal, kind)[unit] == pytest.approx((ends[0] - ends[1]) / (2 * d), abs=1e-7)


@pytest.mark.parametrize("delta", [3.0, -3.0, 3.141, 2.0])
@pytest.mark.parametrize("strength", [0.01, 0.1, 1.0])
def test_log_cost_stays_in_its_basin(delta, strength):
    """One free site in a field, the target `delta` away: the nudged state is the minimum on this side of the antipode."""
    xy = Rotors(Network([(0, 1)]))
    parameters = xy.parameters(0.0, [0.0, 1.0], 0.0)
    target = -delta
    z = directions(np.zeros((2, 1)))
    nudging = Nudging(LogCost(), strength, (1,), np.array([[target]]))
    residual, _ = xy.relax(parameters, z, (0,), EXACT, nudging)
    assert residual[0] <= 1e-13
    phi = phases_of(z)[1, 0]

    def energy(angle):
        return -np.cos(angle) - strength * np.log1p(np.cos(angle - target))

    # Downhill from the free state, 0: towards the target and not over the barrier at the antipode, delta = pi.
    towards = -np.sign(delta)
    grid = towards * np.linspace(0, np.pi, 20_001)
    first = grid[np.argmax(np.diff(energy(grid)) > 0)]
    best = minimize_scalar(energy, bracket=(first - 1e-3, first, first + 1e-3), tol=1e-12).x
    assert wrapped(phi) == pytest.approx(best, abs=1e-6)


def test_an_output_at_the_antipode_leaves_it():
    xy = Rotors(Network([(0, 1)]))
    z = directions(np.array([[0.0], [np.pi / 2]]))
    nudging = Nudging(LogCost(), 0.1, (1,), np.array([[-np.pi / 2]]))
    residual, _ = xy.relax(xy.parameters(1e-9), z, (0,), Stop(TwoColour(), 1e-12, 1000, 0, 0), nudging)
    assert residual[0] <= 1e-12
    assert phases_of(z)[1, 0] == pytest.approx(-np.pi / 2, abs=1e-6)


def test_response_map_both_ways():
    """The inverse Hessian, and what equilibrium propagation measures; they approach each other with the nudge."""
    xy, parameters, examples, phases = problem(5, triangular=True)
    held = examples.inputs
    dense = np.zeros((9, 9))
    rows = xy.arrangement(held).rows
    dense[np.ix_(rows, rows)] = np.linalg.inv(hessian(xy, parameters, phases[:, 0], held).toarray())
    nudges = 1e-3 * 2.0 ** -np.arange(5)
    for site in (4, 6):
        exact = response_map(xy, parameters, phases[:, 0], site, held)
        np.testing.assert_allclose(exact, dense[:, site], atol=1e-10)
        found = [np.abs(response_by_nudging(xy, parameters, phases[:, 0], site, held, b) - exact).max() for b in nudges]
        assert np.polyfit(np.log(nudges), np.log(found), 1)[0] == pytest.approx(1, abs=0.15)
        np.testing.assert_allclose(response_by_nudging(xy, parameters, phases[:, 0], site, held, 1e-6), exact, atol=1e-4)
        assert exact[0] == exact[2] == 0


def test_hessian_is_the_derivative_of_the_torque():
    xy, parameters, examples, phases = problem(6)
    rows, d = xy.arrangement(examples.inputs).rows, 1e-6
    matrix = hessian(xy, parameters, phases[:, 1], examples.inputs).toarray()
    for k, site in enumerate(rows):
        there, back = phases[:, 1].copy(), phases[:, 1].copy()
        there[site] += d
        back[site] -= d
        column = -(xy.torque(parameters, there) - xy.torque(parameters, back))[rows] / (2 * d)
        np.testing.assert_allclose(matrix[:, k], column, atol=1e-8)


def test_response_that_does_not_exist():
    xy, parameters, examples, phases = problem(7)
    with pytest.raises(ParameterError, match="held"):
        response_map(xy, parameters, phases[:, 0], 0, examples.inputs)
    loose = Rotors(Network([(0, 1), (1, 2)]))
    with pytest.raises(ParameterError, match="turn together"):
        response_map(loose, loose.parameters(1.0), np.zeros(3), 1, ())


# --- resistors ------------------------------------------------------------------------------------------------------------


def resistor_problem():
    network = networks.board16()
    return (
        Resistors(network),
        tasks.regression(network, seed=0),
        np.random.default_rng(0).uniform(0.5, 2, len(network.edges)),
    )


def resistor_cost(resistors, resistances, task):
    """Sum over training examples of 1/2 sum over outputs of (V - V_D)^2."""
    outputs = list(task.outputs)
    states = [reference.free_state(resistors, resistances, task, x)[outputs] for x in task.x_train]
    return 0.5 * np.sum((np.array(states) - task.y_train) ** 2)


@pytest.mark.parametrize(("centred", "order"), [(False, 1), (True, 2)])
def test_resistors_propagate_too(centred, order):
    resistors, task, resistances = resistor_problem()
    d, exact = 1e-6, np.empty(len(resistances))
    for edge in range(len(resistances)):
        moved = [resistances.copy(), resistances.copy()]
        moved[0][edge] += d
        moved[1][edge] -= d
        exact[edge] = (resistor_cost(resistors, moved[0], task) - resistor_cost(resistors, moved[1], task)) / (2 * d)
    nudges, found = 0.05 * 2.0 ** -np.arange(4), []
    for nudge in nudges:
        rule = EquilibriumPropagation(nudge, 1.0, centred=centred)
        signal = sum(
            reference.signal_difference(resistors, resistances, task, example, rule) for example in range(len(task.x_train))
        )
        found.append(np.abs(signal / nudge - exact).max())
        assert found[-1] < 0.5 * np.abs(exact).max()
    assert np.polyfit(np.log(nudges), np.log(found), 1)[0] == pytest.approx(order, abs=0.15)


@pytest.mark.parametrize("clock", [Bernoulli(0.5), FixedFraction(0.5)], ids=str)
def test_resistors_learn_by_propagation_under_any_clock(clock):
    resistors, task, resistances = resistor_problem()
    rule = EquilibriumPropagation(0.1, 1.0)
    learned = reference.learn(resistors, task, rule, clock, steps=60, initial=resistances, seed=1)
    before, after = (reference.test_error(resistors, values, task) for values in (resistances, learned))
    assert after < 0.2 * before


# --- mistakes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((0.0, 0.1), "nudge"), ((-0.1, 0.1), "nudge"), ((np.nan, 0.1), "nudge"), ((0.1, 0.0), "rate"),
        ((True, 0.1), "nudge"),
        ((0.1, 0.1, "square"), "cost"), ((0.1, 0.1, "log", 2), "centred"), ((0.1, 0.1, "log", False, 0), "inits"),
        ((0.1, 0.1, "log", False, 1, -1e-5), "eps"),
    ],
)  # fmt: skip
def test_bad_rules_get_one_sentence(arguments, words):
    with pytest.raises(ParameterError, match=words):
        EquilibriumPropagation(*arguments)


def test_a_rule_that_knows_no_phases():
    xy, parameters, examples, phases = problem(8)
    with pytest.raises(ParameterError, match=r"rule = .* says of no push; give it a field nudge"):
        gradient(xy, parameters, examples, phases, object())
    with pytest.raises(ParameterError, match="nothing for phases; give a rule that clamps or nudges"):
        contrast(Free(), xy, parameters, examples, directions(phases), EXACT)


def test_parameters_have_a_gradient_each():
    xy, parameters, examples, phases = problem(9)
    found, _ = gradient(xy, parameters, examples, phases, EquilibriumPropagation(0.1, 0.1, "cosine"))
    assert isinstance(found, Parameters)
    assert [values.shape for values in found] == [values.shape for values in parameters]
