"""Beginning where another run ended: with new coins, whatever the medium; and the plain loop against the lanes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq

import clockless as cl
from clockless.numerics.derivatives import gradient_of
from clockless.parts.part import part

NETWORK = cl.networks.board16()
TASK = cl.tasks.regression(NETWORK, seed=3)
HALF = cl.Bernoulli(0.5)


def test_three_runs_in_a_row_meet_three_lots_of_coins():
    """One step each: who acts is other luck every time, and for the same beginning the same."""
    rule = cl.CoupledLearning(0.1, 1e-3)
    medium, runs, start = cl.Resistors(NETWORK), [], 1.0
    for _ in range(3):
        runs.append(cl.train(medium, TASK, rule=rule, clock=HALF, steps=1, initial=start, seed=list(range(8))))
        start = runs[-1].parameters
    acted = [run.actions.values for run in runs]
    for one, other in ((0, 1), (1, 2), (0, 2)):
        agreed = np.mean(acted[one] == acted[other])  # 128 coins: half of them, within four standard deviations
        assert abs(agreed - 0.5) < 4 * 0.5 / np.sqrt(acted[0].size)
    again = cl.train(medium, TASK, rule=rule, clock=HALF, steps=1, initial=runs[1].data.parameters, seed=list(range(8)))
    np.testing.assert_array_equal(again.parameters, runs[2].parameters)


def test_parameters_of_several_kinds_are_a_beginning_too(tmp_path):
    """W, h and psi by name, in memory and as an experiment."""
    architecture = cl.architectures.dense(2, 3, 1)
    settings = {"rule": cl.EquilibriumPropagation(0.1, 0.5), "clock": [cl.Global(), HALF], "steps": 3}
    task = cl.tasks.xor(architecture)
    first = cl.train(cl.XY(architecture), task, **settings)
    settings["steps"] = 2
    second = cl.train(cl.XY(architecture), task, **settings, initial=first.parameters)
    assert second.parameters["W"].shape == first.parameters["W"].shape
    assert not np.array_equal(second.parameters["W"], first.parameters["W"])
    still = cl.train(cl.XY(architecture), task, rule=settings["rule"], clock=settings["clock"], steps=0,
                     initial=first.parameters)  # fmt: skip
    np.testing.assert_array_equal(still.data.parameters, first.data.parameters)
    stored = cl.train(cl.XY(architecture), task, **settings, initial=first.parameters, store=tmp_path / "store")
    np.testing.assert_array_equal(stored.data.parameters, second.data.parameters)


class Ohmic(cl.Medium):
    """The linear network by its energy alone."""

    parameter, measure, low, high = "resistance", "ohm", 0.01, 100.0

    def energy(self, resistances, voltages):
        ends = voltages[self.network.edges]
        return np.sum((ends[:, 0] - ends[:, 1]) ** 2 / (2 * resistances))


@part
class Loud:
    """Acts where the change that it wants is large."""

    least: float

    def acts(self, unit):
        return abs(unit.wanted) > self.least


@part
class Strong:
    """Acts where it senses much."""

    least: float

    def acts(self, unit):
        return abs(unit.signal) > self.least


@pytest.mark.parametrize("clock", [Loud(2e-4), Strong(2e-3)])
@pytest.mark.parametrize("optimiser", [None, cl.Momentum(0.9)])
def test_clocks_see_in_the_plain_loop_what_they_see_in_lanes(clock, optimiser):
    """The optimiser comes before the clock, and wanted changes are known."""
    settings = {"rule": cl.CoupledLearning(0.1, 0.05), "clock": clock, "optimiser": optimiser, "steps": 12}
    plain = cl.train(Ohmic(NETWORK), TASK, **settings, initial=1.0)
    lanes = cl.train(cl.Resistors(NETWORK), TASK, **settings, initial=1.0)
    np.testing.assert_array_equal(plain.actions, lanes.actions)
    assert 0 < float(lanes.actions.mean()) < 12
    np.testing.assert_allclose(plain.parameters, lanes.parameters, rtol=1e-8)


class Steep(cl.Medium):
    """Two antiparallel diodes between neighbours, I = g sinh(v / v0), 26 mV: forces of 1e15 lie on the way."""

    parameter, scale = "conductance", 0.026

    def energy(self, conductances, voltages):
        ends = voltages[self.network.edges]
        with np.errstate(all="ignore"):  # far from the minimum it overflows
            return np.sum(conductances * 0.026 * np.cosh((ends[:, 0] - ends[:, 1]) / 0.026))


def test_forces_met_on_the_way_are_no_measure_of_a_settled_state():
    """A line of three nodes is a divider: the middle voltage follows from one equation, which brentq solves."""
    medium = Steep(cl.Network([(0, 1), (1, 2)]))
    task = cl.Task([0], [1], [2], [[1.0]], [[0.4]], [[1.0]], [[0.4]])
    run = cl.train(medium, task, rule=cl.CoupledLearning(0.1, 1e-9), steps=1, initial=np.array([0.5, 2.0]))
    g = run.parameters.values
    middle = brentq(lambda v: g[0] * np.sinh((1 - v) / 0.026) - g[1] * np.sinh(v / 0.026), 0, 1, xtol=1e-15)
    assert not bool(run.data.failed)
    np.testing.assert_allclose(run.state([[1.0]]).values[0, 1], middle, atol=1e-11)
    forces = gradient_of(lambda s: medium.energy(g, s), run.state([[1.0]]).values[0], np.full(3, 0.026), analytic=True)
    assert abs(forces[1]) < 1e-9 * np.abs(forces).max()


def test_a_task_that_is_solved_at_its_start_is_no_failure_to_learn():
    """The error is rounding, and is shown as such."""
    start = np.linspace(0.5, 2.0, len(NETWORK.edges))
    outputs = cl.Resistors(NETWORK).settle(start, {TASK.inputs[0]: 0.7, TASK.inputs[1]: 0.2, TASK.ground[0]: 0.0})
    y = outputs[list(TASK.outputs)][None]
    solved = cl.Task(TASK.inputs, TASK.outputs, TASK.ground, [[0.7, 0.2]], y, [[0.7, 0.2]], y)
    for medium in (Ohmic(NETWORK), cl.Resistors(NETWORK)):
        run = cl.train(medium, solved, rule=cl.CoupledLearning(0.1, 0.05), steps=5, initial=start)
        assert float(run.error.max()) < 1e-20
        assert "solved at step 0" in run.error.attrs["long_name"]


# --- other numbers while it goes on --------------------------------------------------------------------------------------


def knobs(clock, steps=30, **nouns):
    """A run of two clocks, with momentum, so that what units keep must be kept."""
    network = cl.networks.board16()
    task = cl.tasks.regression(network, train=4, test=4)
    given = {"rule": cl.CoupledLearning(0.1, 0.05), "optimiser": cl.Momentum(0.5), "seed": [0, 1, 2], **nouns}
    return cl.train(cl.Resistors(network), task, clock=clock, steps=steps, **given)


def test_the_same_numbers_given_again_are_one_long_run():
    clocks = [cl.Global(), cl.Bernoulli(0.4)]
    again = knobs(clocks).extended(20, clock=clocks, rule=cl.CoupledLearning(0.1, 0.05), optimiser=cl.Momentum(0.5))
    np.testing.assert_array_equal(again.parameters, knobs(clocks, 50).parameters)
    assert again.data.attrs["changed_at"] == [30]


def test_other_numbers_count_from_their_step_on_with_the_same_coins():
    """By the plain reference: its loop with one p, then with the other, goes on with coins of the absolute step."""
    turned = knobs([cl.Global(), cl.Bernoulli(0.4)]).extended(20, clock=[cl.Global(), cl.Bernoulli(0.9)])
    kept = knobs([cl.Global(), cl.Bernoulli(0.4)], 50)
    np.testing.assert_array_equal(turned.parameters[0], kept.parameters[0])
    before = knobs([cl.Global(), cl.Bernoulli(0.4)]).actions[1]
    late = knobs([cl.Global(), cl.Bernoulli(0.9)], 50).actions[1] - knobs([cl.Global(), cl.Bernoulli(0.9)], 30).actions[1]
    np.testing.assert_array_equal(turned.actions[1], before + late)  # coins follow from the step alone
    assert list(turned.data.p.values) == [1.0, 0.9]


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({"clock": cl.Bernoulli(0.2)}, "as many"),
        ({"clock": [cl.Bernoulli(0.2)]}, "as many"),
        ({"clock": [cl.Global(), cl.FixedFraction(0.2)]}, "other classes"),
        ({"task": 3}, "cannot change"),
        ({"optimiser": cl.Descent()}, "other classes"),
    ]
)  # fmt: skip
def test_what_cannot_change_on_the_way_says_so(parts, why):
    run = knobs([cl.Global(), cl.Bernoulli(0.4)], 2)
    with pytest.raises(cl.errors.ClocklessError, match=why):
        run.extended(1, **parts)


def test_a_run_whose_numbers_changed_is_kept_by_no_description(tmp_path):
    changed = knobs(cl.Bernoulli(0.4), 2).extended(1, clock=cl.Bernoulli(0.5))
    with pytest.raises(cl.errors.DescriptionError, match="step 2"):
        changed.save(tmp_path / "kept")
    assert not (tmp_path / "kept").exists()
    kept = knobs(cl.Bernoulli(0.4), 2).save(tmp_path / "kept")
    with pytest.raises(cl.errors.ParameterError, match=r"initial=run\.parameters"):
        cl.load(kept).extended(1, clock=cl.Bernoulli(0.5))


def test_a_board_goes_on_with_an_edge_cut_and_a_node_held():
    network = cl.networks.board16()
    task = cl.tasks.regression(network, train=4, test=4)
    node = next(k for k in range(9) if k not in (*task.inputs, *task.outputs, *task.ground))
    whole = cl.train(cl.Resistors(network), task, rule=cl.CoupledLearning(0.1, 0.05), steps=5)
    cut = network.without(2)
    assert cut.edges.tolist() == np.delete(network.edges, 2, axis=0).tolist()
    left = cl.train(
        cl.Resistors(cut), task.holding(node, 0.3), rule=cl.CoupledLearning(0.1, 0.05), steps=0,
        initial=whole.parameters.drop_isel(edge=2),
    )  # fmt: skip
    resistances = np.delete(whole.parameters.values, 2)
    np.testing.assert_array_equal(left.parameters, resistances)
    held = {task.ground[0]: 0.0, node: 0.3, **dict(zip(task.inputs, task.x_test[1], strict=True))}
    np.testing.assert_allclose(
        left.state(np.append(task.x_test[1], 0.3))[0], cl.Resistors(cut).settle(resistances, held), rtol=1e-12
    )
    again = task.holding(node, 0.3).holding(node, 0.4)
    assert again.inputs == (*task.inputs, node)
    assert (again.x_test[:, -1] == 0.4).all()
    for wrong, why in ((task.outputs[0], "an output"), (task.ground[0], "a ground")):
        with pytest.raises(cl.errors.TaskError, match=why):
            task.holding(wrong, 0.1)
    with pytest.raises(cl.errors.NetworkError, match="go from 0 to 15"):
        network.without(16)
    with pytest.raises(cl.errors.NetworkError, match="is the only one of node 0"):
        cl.Network([(0, 1), (1, 2), (2, 3), (3, 1)]).without(0)
