"""The compiled engine against the NumPy reference, and that nothing but a replica's own settings changes its bits."""

from __future__ import annotations

import json
import warnings
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from clockless import (
    Bernoulli,
    CoupledLearning,
    FixedFraction,
    Global,
    Network,
    Resistors,
    Task,
    __version__,
    networks,
    tasks,
    train,
)
from clockless.errors import InfeasibleTaskWarning, ReplicasFailedWarning
from clockless.media.resistors import reference

BOARD = networks.board16()
MEDIUM = Resistors(BOARD)
RULE = CoupledLearning(0.2, 0.05)
EXAMPLES = 5

# Every clock, every batch and both parameters, in fewer combinations than the product: each one compiles for 5 to 8 s.
COMBINATIONS = [
    ("resistance", Global(), "full"),
    ("resistance", Bernoulli(0.4), "full"),
    ("resistance", FixedFraction(0.3), "full"),
    ("resistance", Bernoulli(0.4), 1),
    ("resistance", FixedFraction(0.3), 2),
    ("resistance", Global(), Bernoulli(0.5)),
    ("conductance", Global(), "full"),
    ("conductance", FixedFraction(0.3), 1),
    ("conductance", Bernoulli(0.4), Bernoulli(0.5)),
]
# (inputs, outputs, grounds): one, two and three pairs of columns, one to three groups of four columns.
SHAPES = [(1, 1, 1), (2, 1, 1), (1, 2, 2), (2, 2, 1), (2, 3, 1), (3, 3, 1), (3, 1, 3), (3, 3, 3)]


def task_of(shape, seed):
    """A feasible task whose roles and examples follow from `seed`; `shape` is (inputs, outputs, grounds)."""
    inputs, outputs, grounds = shape
    base = tasks.allosteric(BOARD, inputs, outputs, grounds, seed)
    rng = np.random.default_rng([seed, *shape])
    x = rng.uniform(-1, 1, (EXAMPLES + 4, inputs))
    y = rng.uniform(-1, 1, (EXAMPLES + 4, outputs))
    return tasks.Task(base.inputs, base.outputs, base.ground, x[:EXAMPLES], y[:EXAMPLES], x[EXAMPLES:], y[EXAMPLES:])


def initial_of(seed):
    return np.exp(np.random.default_rng(seed).uniform(-1, 1, len(BOARD.edges)))


def tolerance(task, rule, initial, steps):
    """How far two correct programs may be apart, in ohms.

    Both solve by backward stable eliminations, so voltages agree to n eps kappa, kappa the condition number of the
    Laplacian without one held node. Every step then writes a change of rate / (2 nudge) (dV_C^2 - dV_F^2) / R^2 per example,
    where the reference subtracts squares of that relative error, and a rounding of R. At these rates errors do not
    grow from step to step, they add up. R and k stay within a factor e^2 of 1 here, which turns one into the other.
    """
    held = [*task.inputs, *task.ground]
    kept = [node for node in range(BOARD.nodes) if node not in held[:1]]
    kappa = np.linalg.cond(MEDIUM.laplacian(1 / initial).toarray()[np.ix_(kept, kept)])
    volts = max(np.abs(task.x_train).max(), np.abs(task.y_train).max())
    largest_conductance = max((1 / initial).max(), 1.0)
    eps = np.finfo(float).eps
    change = len(task.x_train) * rule.rate / (2 * rule.nudge) * (2 * volts) ** 2 * largest_conductance**2
    return steps * (10 * BOARD.nodes * eps * kappa * change + 10 * eps * initial.max() ** 2)


def assert_equals_reference(run, some_tasks, rules, clock, batch, initials, seeds, steps):
    """Final resistances of every replica of [task, rule, initial, seed], with a bound that a wrong factor would exceed."""
    assert not run.data["failed"].any()
    for t, task in enumerate(some_tasks):
        for r, rule in enumerate(rules):
            for i, initial in enumerate(initials):
                for s, seed in enumerate(seeds):
                    expected = reference.learn(run.resistors, task, rule, clock, steps, batch, initial, seed)
                    allowed = tolerance(task, rule, initial, steps)
                    result = run.parameters.values[t, r, i, s]
                    np.testing.assert_allclose(result, expected, rtol=0, atol=allowed)
                    assert np.abs(expected - initial).max() > 1e6 * allowed


@pytest.mark.parametrize(("parameter", "clock", "batch"), COMBINATIONS)
def test_kernel_equals_reference(parameter, clock, batch):
    """Different roles, numbers of examples drawn, nudges, rates and first values in the lanes of one block."""
    some = [task_of(shape, seed) for shape in SHAPES for seed in (0, 1)]
    rules = [CoupledLearning(0.2, 0.02, parameter), CoupledLearning(1.0, 0.03, parameter)]
    initials, seeds, steps = [initial_of(0)], [0, 2**64 - 1], 6
    run = train(MEDIUM, some, rule=rules, clock=clock, batch=batch, initial=initials, seed=seeds, steps=steps)
    assert_equals_reference(run, some, rules, clock, batch, initials, seeds, steps)


@pytest.mark.parametrize("count", [1, 3, 33, 70])
def test_any_number_of_replicas(count):
    some = [task_of((2, 2, 1), seed) for seed in range(count)]
    clock, initials = Bernoulli(0.4), [initial_of(1)]
    run = train(MEDIUM, some, rule=[RULE], clock=clock, initial=initials, seed=[5], steps=3)
    assert run.parameters.shape == (count, 1, 1, 1, 16)
    assert_equals_reference(run, some, [RULE], clock, "full", initials, [5], 3)


def test_errors_are_those_of_the_reference():
    some = [task_of(shape, 3) for shape in SHAPES]
    run = train(MEDIUM, some, rule=RULE, clock=Bernoulli(0.4), steps=4, record=[0, 2, 4])
    for t, task in enumerate(some):
        at_start = reference.test_error(MEDIUM, np.ones(16), task)
        assert float(run.data["initial_error"][t]) == pytest.approx(at_start, rel=1e-12)
        for step in (0, 2, 4):
            resistances = reference.learn(MEDIUM, task, RULE, Bernoulli(0.4), step)
            error = reference.test_error(MEDIUM, resistances, task) / at_start
            assert float(run.error.sel(step=step)[t]) == pytest.approx(error, rel=1e-10)


def test_a_mini_batch_is_a_fixed_fraction_of_the_examples():
    settings = {"rule": RULE, "clock": FixedFraction(0.3), "steps": 7, "seed": 3}
    task = task_of((2, 2, 1), 0)
    counted = train(MEDIUM, task, batch=2, **settings)
    np.testing.assert_array_equal(counted.parameters, train(MEDIUM, task, batch=FixedFraction(0.4), **settings).parameters)
    # Fewer examples give another result than all of them, and all of them the full batch, but for rounding.
    full = train(MEDIUM, task, batch="full", **settings).parameters
    assert np.abs(counted.parameters - full).max() > 1e-3
    np.testing.assert_allclose(train(MEDIUM, task, batch=EXAMPLES, **settings).parameters, full, rtol=1e-12)


# --- bits ------------------------------------------------------------------------------------------------


def same_bits(one, other):
    np.testing.assert_array_equal(one.parameters.values, other.parameters.values)
    np.testing.assert_array_equal(one.error.values, other.error.values)


def test_certain_clocks_equal_the_synchronous_one_bit_for_bit():
    settings = {"rule": RULE, "steps": 50, "initial": initial_of(2)}
    run = train(MEDIUM, [task_of((2, 2, 1), seed) for seed in range(5)],
                clock=[Global(), Bernoulli(1.0), FixedFraction(1.0)], **settings)  # fmt: skip
    for clock in (1, 2):
        np.testing.assert_array_equal(run.parameters[:, 0], run.parameters[:, clock])
        np.testing.assert_array_equal(run.error[:, 0], run.error[:, clock])


@pytest.mark.parametrize("batch", ["full", 1])
def test_bits_do_not_depend_on_the_number_of_replicas(batch):
    """Blocks of 1, 8, 16, 24, 32, 64 and 96 lanes: tiles of one, eight and 32."""
    some = [task_of((2, 2, 1), seed) for seed in range(70)]
    settings = {"rule": RULE, "clock": Bernoulli(0.4), "batch": batch, "steps": 8, "record": [0, 8]}
    run = train(MEDIUM, some, **settings)
    for count in (1, 2, 8, 9, 17, 24, 25, 33, 64, 65, 70):
        for lanes in (32, 64, 96):
            fewer = train(MEDIUM, some[70 - count :], lanes=lanes, **settings)
            np.testing.assert_array_equal(fewer.parameters, run.parameters[70 - count :])
            np.testing.assert_array_equal(fewer.error, run.error[70 - count :])


@pytest.mark.parametrize(("clock", "batch"), [(Bernoulli(0.4), "full"), (Bernoulli(0.4), 1), (FixedFraction(0.3), 2)])
def test_bits_do_not_depend_on_threads_lanes_or_the_rest_of_the_ensemble(clock, batch):
    some = [task_of(shape, seed) for shape in ((2, 2, 1), (1, 3, 2)) for seed in range(20)]
    seeds = [0, 1, 7, 2**40]
    settings = {"rule": RULE, "clock": clock, "batch": batch, "steps": 30, "record": [0, 3, 30]}
    run = train(MEDIUM, some, seed=seeds, threads=1, lanes=64, **settings)
    for threads, lanes in ((2, 64), (1, 32), (2, 96)):
        same_bits(run, train(MEDIUM, some, seed=seeds, threads=threads, lanes=lanes, **settings))
    order = np.random.default_rng(0).permutation(40)
    shuffled = train(MEDIUM, [some[t] for t in order], seed=seeds[::-1], **settings)
    np.testing.assert_array_equal(shuffled.parameters.values, run.parameters.values[order][:, ::-1])
    np.testing.assert_array_equal(shuffled.error.values, run.error.values[order][:, ::-1])
    part = train(MEDIUM, some[17:23:2], seed=7, **settings)
    np.testing.assert_array_equal(part.parameters.values, run.parameters.values[17:23:2, 2])
    assert len({run.parameters.values[t, s].tobytes() for t in range(40) for s in range(4)}) == 160


def test_bits_do_not_depend_on_what_is_recorded():
    settings = {"rule": RULE, "clock": Bernoulli(0.4), "steps": 2100}  # more than one call of the kernel
    task = task_of((2, 2, 1), 0)
    dense = train(MEDIUM, task, record=range(0, 2101, 7), **settings)
    sparse = train(MEDIUM, task, record=[1050, 0, 1050], **settings)
    never = train(MEDIUM, task, **settings)
    np.testing.assert_array_equal(sparse.data["step"], [0, 1050])
    np.testing.assert_array_equal(sparse.error, dense.error.sel(step=[0, 1050]))
    np.testing.assert_array_equal(sparse.parameters, dense.parameters)
    np.testing.assert_array_equal(never.parameters, dense.parameters)
    np.testing.assert_array_equal(never.data["step"][[0, 1, -1]], [0, 1, 2100])


def test_no_steps_change_nothing():
    initial = initial_of(4)
    run = train(MEDIUM, task_of((2, 2, 1), 0), rule=RULE, steps=0, initial=initial)
    np.testing.assert_array_equal(run.parameters, initial)
    np.testing.assert_array_equal(run.error, [1.0])


# --- range and failure -----------------------------------------------------------------------------------


@pytest.mark.parametrize("parameter", ["resistance", "conductance"])
def test_range_limits_hold_and_are_reached(parameter):
    """0.31 and 49 are such that 1 / (1 / limit) is not the limit; the result must still be one to start from."""
    resistors = Resistors(BOARD, 0.31, 49.0)
    assert 1 / (1 / 49.0) != 49.0
    settings = {"rule": CoupledLearning(0.5, 30.0, parameter), "clock": Global(), "steps": 30}
    some = [task_of((2, 2, 1), seed) for seed in range(4)]
    run = train(resistors, some, **settings)
    values = run.parameters.values
    assert values.min() == 0.31
    assert values.max() == 49.0
    again = train(resistors, some[0], initial=values[0], **settings)
    assert 0.31 <= again.parameters.values.min() <= again.parameters.values.max() <= 49.0
    np.testing.assert_allclose(values[0], reference.learn(resistors, some[0], settings["rule"], Global(), 30), rtol=1e-6)


def test_a_failed_replica_is_marked_and_touches_no_other():
    """Resistances so small that their conductances are infinite, and with them what the edges sense."""
    resistors = Resistors(BOARD, 1e-310, 1e300)
    hopeless = np.where(np.arange(16) % 2, 1e-310, 1.0)
    some = [task_of((2, 2, 1), seed) for seed in range(20)]
    settings = {"rule": CoupledLearning(0.2, 0.005), "clock": Bernoulli(0.4), "steps": 40}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", InfeasibleTaskWarning)  # the targets are drawn, whatever can be met
        alone = train(resistors, some, initial=[initial_of(0), initial_of(1)], **settings)
    with pytest.warns(ReplicasFailedWarning, match="20 of 60 replicas did not settle") as caught:
        run = train(resistors, some, initial=[initial_of(0), hopeless, initial_of(1)], **settings)
    assert len([w for w in caught if w.category is ReplicasFailedWarning]) == 1
    np.testing.assert_array_equal(run.data["failed"], np.tile([False, True, False], (20, 1)))
    np.testing.assert_array_equal(run.parameters[:, [0, 2]], alone.parameters)
    np.testing.assert_array_equal(run.error[:, [0, 2]], alone.error)
    assert (run.data["residual"].values[:, [0, 2]] < 1e-12).all()
    assert not (run.data["residual"].values[:, 1] < 1e-6).any()


def exact_outputs(task, resistances, x):
    """Free outputs by Gaussian elimination in fractions, which know no rounding."""
    laplacian = [[Fraction(0)] * BOARD.nodes for _ in range(BOARD.nodes)]
    for (i, j), resistance in zip(BOARD.edges.tolist(), resistances.tolist(), strict=True):
        for row, column, sign in ((i, i, 1), (j, j, 1), (i, j, -1), (j, i, -1)):
            laplacian[row][column] += sign / Fraction(resistance)
    held = {**dict.fromkeys(task.ground, Fraction(0)), **dict(zip(task.inputs, map(Fraction, x.tolist()), strict=True))}
    free = [node for node in range(BOARD.nodes) if node not in held]
    rows = [[laplacian[i][j] for j in free] + [-sum(laplacian[i][h] * v for h, v in held.items())] for i in free]
    for c in range(len(free)):  # no pivoting: the matrix is positive definite
        for r in range(len(free)):
            if r != c:
                factor = rows[r][c] / rows[c][c]
                rows[r] = [a - factor * b for a, b in zip(rows[r], rows[c], strict=True)]
    return [float(rows[free.index(o)][-1] / rows[free.index(o)][free.index(o)]) for o in task.outputs]


def test_a_replica_that_is_not_marked_is_right():
    """Resistances of 1e300 and 1e-300 ohms: some tasks can still be solved in floating point, others must be marked."""
    resistances = np.where(np.arange(16) % 2, 1e-300, 1e300)
    some = [task_of((2, 2, 1), seed) for seed in range(20)]
    with pytest.warns(ReplicasFailedWarning):
        run = train(Resistors(BOARD, 1e-300, 1e300), some, rule=RULE, clock=Global(), steps=0, initial=resistances)
    for task, failed, error in zip(some, run.data["failed"].values, run.data["initial_error"].values, strict=True):
        if not failed:
            outputs = np.array([exact_outputs(task, resistances, x) for x in task.x_test])
            assert error == pytest.approx(np.mean((outputs - task.y_test) ** 2), rel=1e-6)


# --- labels ----------------------------------------------------------------------------------------------


def test_lists_are_dimensions_and_every_cell_is_its_own_run():
    """Dimensions stand in the order task, rule, clock, batch, initial, seed, in whatever order they were given."""
    axes: dict[str, Any] = {
        "seed": [3, 2**63 + 1],
        "batch": ["full", 1],
        "clock": [Bernoulli(0.4), Bernoulli(0.9)],
        "rule": [RULE, CoupledLearning(0.5, 0.01)],
    }
    task = task_of((2, 2, 1), 0)
    run = train(MEDIUM, [task, task_of((1, 1, 1), 1)], steps=5, record=[0, 5], initial=[1.0, initial_of(0)], **axes)
    lists = ("task", "rule", "clock", "batch", "initial", "seed")
    assert run.error.dims == (*lists, "step")
    assert run.parameters.dims == (*lists, "edge")
    for name in ("initial_error", "residual", "failed"):
        assert run.data[name].dims == lists
    assert run.data.sizes == dict.fromkeys(lists, 2) | {"step": 2, "edge": 16}
    cell = {"task": 0, "rule": 1, "clock": 0, "batch": 1, "initial": 1, "seed": 1}
    single = train(MEDIUM, task, steps=5, record=[0, 5], rule=axes["rule"][1], clock=axes["clock"][0], batch=1,
                   initial=initial_of(0), seed=axes["seed"][1])  # fmt: skip
    assert single.error.dims == ("step",)
    np.testing.assert_array_equal(run.parameters.isel(cell), single.parameters)
    np.testing.assert_array_equal(run.error.isel(cell), single.error)
    # All cells of one task differ: no axis was dropped or doubled.
    cells = run.parameters.values[0].reshape(-1, 16)
    assert len({values.tobytes() for values in cells}) == 32

    data = run.data
    np.testing.assert_array_equal(data["seed"], np.array(axes["seed"], dtype=np.uint64))
    np.testing.assert_array_equal(data["p"], [0.4, 0.9])
    assert data["p"].dims == ("clock",)
    np.testing.assert_array_equal(data["nudge"], [0.2, 0.5])
    np.testing.assert_array_equal(data["rate"], [0.05, 0.01])
    assert data["rate"].dims == ("rule",)
    assert list(data["batch"].values) == ["full", "1"]
    np.testing.assert_array_equal(data["edge_from"], BOARD.edges[:, 0])
    np.testing.assert_array_equal(data["edge_to"], BOARD.edges[:, 1])
    np.testing.assert_array_equal(data["step"], [0, 5])
    assert data["parameters"].attrs["units"] == "ohm"
    assert data["initial_error"].attrs["units"] == "V^2"


def test_a_run_carries_its_settings_version_and_citations():
    task = task_of((2, 2, 1), 0)
    run = train(MEDIUM, task, rule=RULE, clock=FixedFraction(0.3), steps=2, seed=[1, 2], initial=2.0)
    attributes = run.data.attrs
    settings = json.loads(attributes["settings"])
    assert settings["steps"] == 2
    assert settings["seed"] == [1, 2]
    assert settings["initial"] == 2.0
    assert settings["rule"] == repr(RULE)
    assert settings["clock"] == "FixedFraction(p=0.3)"
    assert settings["batch"] == "full"
    assert f"{task.fingerprint:016x}" in settings["task"]
    assert "9 nodes, 16 edges" in settings["medium"]
    assert attributes["version"] == __version__
    assert run.cite == attributes["cite"]
    assert "10.1063/5.0084631" in run.cite
    assert float(run.data["p"]) == 5 / 16


@pytest.mark.parametrize(
    ("inputs", "target", "other", "scale"),
    [(6.0, 4.0, 5.0, 16.0), (0.0, 0.0, 1.0, 1.0)],
    ids=["a divider", "nothing wanted"],
)
def test_a_task_solved_at_the_start_is_scaled_by_its_targets(inputs, target, other, scale):
    """Divider of 2 and 1 ohms, 6 V in, 4 V wanted at the middle is met exactly; learning something else leads away from it.

    Where 0 V is wanted of 0 V there are no targets to scale by, and the error stands in V^2.
    """
    divider = Network(edges=[(0, 1), (1, 2)])
    task = Task([2], [1], [0], [[6.0]], [[other]], [[inputs]], [[target]])
    run = train(Resistors(divider), task, rule=RULE, clock=Bernoulli(0.5), steps=20, initial=np.array([2.0, 1.0]), seed=1)
    below, above = run.parameters.values
    assert (below, above) != (2.0, 1.0)
    assert float(run.data.initial_error) == 0
    assert float(run.error[0]) == 0
    assert float(run.error[-1]) == pytest.approx((inputs * below / (below + above) - target) ** 2 / scale, rel=1e-9)
    assert not run.data.failed


def test_a_state_that_is_rounding_away_from_its_targets_counts_as_solved():
    """0.1 + 0.2 V is not 0.3 V in binary; an error of that size must not become the measure of all others."""
    divider = Network(edges=[(0, 1), (1, 2)])
    away = 0.3 * (1 + 4e-16)
    task = Task([2], [1], [0], [[0.9]], [[0.2]], [[0.9]], [[away]])
    run = train(Resistors(divider), task, rule=RULE, clock=Bernoulli(0.5), steps=20, initial=np.array([1.0, 2.0]))
    assert 0 < float(run.data.initial_error) < 1e-30
    below, above = run.parameters.values
    expected = (0.9 * below / (below + above) - away) ** 2 / away**2
    assert float(run.error[-1]) == pytest.approx(expected, rel=1e-9, abs=1e-30)
    assert float(run.error[-1]) < 1
