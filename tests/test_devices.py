"""Levels, comparators and the sign rule: against the NumPy reference, by hand, and for what the paper says of them."""

import numpy as np
import pytest

import clockless as cl
from clockless import networks, tasks
from clockless.media.resistors import reference
from clockless.papers.desynchronous.discrete import tail

BOARD = networks.board16()
MEDIUM = cl.Resistors(BOARD, low=0.05, high=200.0)
TASKS = [tasks.regression(BOARD, seed=seed) for seed in range(3)]


def levels(comparator):
    """128 levels with the contrast of the paper's board."""
    return cl.Levels(128, 100 / 128, 100.0, comparator)


@pytest.mark.parametrize(
    "comparator",
    [
        cl.Magnitudes(0.05), cl.Magnitudes(0.05, frozen=True), cl.Magnitudes(0.01, gain=3.0),
        cl.TwoComparators(0.02), cl.TwoComparators(0.02, gain=2.0, frozen=True),
    ],
    ids=repr,
)  # fmt: skip
@pytest.mark.parametrize("p", [0.5, 1.0])
def test_sign_rule_equals_reference(comparator, p):
    """Kernel and reference take the same decisions: values are levels, so they agree to rounding of one level number."""
    device = levels(comparator)
    run = cl.train(
        MEDIUM, TASKS, rule=cl.SignRule(0.5), clock=cl.Bernoulli(p), device=device, batch=1, initial=50.0, steps=60
    )
    for task, found in zip(TASKS, run.parameters.values, strict=True):
        expected = reference.learn(MEDIUM, task, cl.SignRule(0.5), cl.Bernoulli(p), 60, 1, 50.0, 0, device)
        np.testing.assert_allclose(found, expected, rtol=1e-13)


def test_frozen_and_redrawn_biases_may_share_a_block():
    """Devices that differ in numbers only are replicas of one block; each gives what it gives alone."""
    devices = [levels(cl.Magnitudes(0.05)), levels(cl.Magnitudes(0.05, frozen=True)), levels(cl.Magnitudes(0.001))]
    common = {"rule": cl.SignRule(0.5), "clock": cl.Bernoulli(0.5), "batch": 1, "initial": 50.0, "steps": 60}
    together = cl.train(MEDIUM, TASKS[0], device=devices, **common)
    assert together.parameters.dims == ("device", "edge")
    assert together.data.bias.values.tolist() == [0.05, 0.05, 0.001]
    for k, device in enumerate(devices):
        alone = cl.train(MEDIUM, TASKS[0], device=device, **common)
        np.testing.assert_array_equal(together.parameters.values[k], alone.parameters.values)
    assert not np.array_equal(together.parameters.values[0], together.parameters.values[1])


def test_every_edge_moves_one_level_in_every_step_of_a_global_clock():
    """Eq. 10: always one step, never none, but for the ends of the range; and values stay on levels."""
    device = levels(cl.Magnitudes(1e-3))
    run = cl.train(
        MEDIUM, TASKS, rule=cl.SignRule(1.0), clock=cl.Bernoulli(1.0), device=device, batch=1, initial=50.0, steps=200,
        record=range(201), traces=True,
    )  # fmt: skip
    numbers = (run.data.traces.transpose("task", "step", "edge").values - device.low) / device.level
    np.testing.assert_allclose(numbers, np.rint(numbers), atol=1e-9)
    moves = np.rint(np.diff(np.rint(numbers), axis=1))
    at_end = (np.rint(numbers[:, :-1]) == 0) | (np.rint(numbers[:, :-1]) == device.count - 1)
    assert set(np.unique(moves[~at_end])) == {-1.0, 1.0}
    assert np.abs(moves).max() == 1
    assert numbers.min() >= 0
    assert np.rint(numbers).max() <= device.count - 1


def test_initial_values_are_put_on_levels():
    """An initial value between two levels becomes the nearer one; outside the levels, the end."""
    device = cl.Levels(11, 1.0, 11.0)
    run = cl.train(MEDIUM, TASKS[0], rule=cl.SignRule(1.0), device=device, steps=0, initial=3.4)
    assert (run.parameters == 3.0).all()
    run = cl.train(MEDIUM, TASKS[0], rule=cl.SignRule(1.0), device=device, steps=0, initial=150.0)
    assert (run.parameters == 11.0).all()


def test_a_proportional_rule_on_levels_has_a_dead_zone():
    """Changes up to half a level are lost, larger ones rounded to whole levels."""
    device = cl.Levels(11, 1.0, 11.0)
    wanted = np.array([0.49, 0.51, -0.49, -0.51, 1.4, 1.6, 1000.0, -1000.0])
    np.testing.assert_allclose(device.written(np.full(8, 5.0), wanted, 0.0, 100.0), [5, 6, 5, 4, 6, 7, 11, 1])
    slow = cl.train(
        MEDIUM, TASKS[0], rule=cl.CoupledLearning(0.5, 1e-3), clock=cl.Bernoulli(0.5), device=device, initial=5.0, steps=100
    )
    assert (slow.parameters == 5.0).all()
    quick = cl.train(
        MEDIUM, TASKS[0], rule=cl.CoupledLearning(0.5, 1e3), clock=cl.Bernoulli(0.5), device=device, initial=5.0, steps=100
    )
    assert (quick.parameters != 5.0).any()
    expected = reference.learn(
        MEDIUM, TASKS[0], cl.CoupledLearning(0.5, 1e3), cl.Bernoulli(0.5), 100, "full", 5.0, 0, device
    )
    np.testing.assert_allclose(quick.parameters.values, expected, rtol=1e-13)


def test_magnitudes_compare_as_eq_10_says():
    """gain (|C| - |F|) + sigma with sigma uniform in [0, bias]: sign, gain and range of sigma."""
    numbers = np.array([0, 0, 2**32 - 1, 0, 2**31, 0], dtype=np.uint32)
    free, clamped = np.array([0.3, -0.3, 0.2]), np.array([-0.4, 0.1, 0.2])
    found = cl.Magnitudes(0.05, gain=2.0).sensed(free, clamped, numbers)
    np.testing.assert_allclose(found, [2 * 0.1 + 0, -2 * 0.2 + 0.05, 0.025], atol=1e-9)


def test_two_comparators_agree_with_magnitudes_without_bias():
    """sign((C - F)(C + F)) = sign(|C| - |F|), whatever the polarity."""
    rng = np.random.default_rng(0)
    free, clamped = rng.normal(size=(2, 1000))
    numbers = np.zeros(2000, dtype=np.uint32)
    magnitudes = cl.Magnitudes(0.0).sensed(free, clamped, numbers)
    twice = cl.TwoComparators(0.0).sensed(free, clamped, numbers)
    np.testing.assert_array_equal(np.sign(magnitudes), np.sign(twice))


def test_biases_drift_resistances_up():
    """A bias that outweighs every signal drives all resistances to the ceiling, as the paper's sign of sigma demands."""
    run = cl.train(
        MEDIUM, TASKS, rule=cl.SignRule(0.01), clock=cl.Bernoulli(1.0), device=levels(cl.Magnitudes(5.0)), batch=1,
        initial=50.0, steps=2_000,
    )  # fmt: skip
    assert float(run.parameters.mean()) > 97
    twice = levels(cl.TwoComparators(5.0))
    circuit = cl.train(
        MEDIUM, TASKS, rule=cl.SignRule(0.01), clock=cl.Bernoulli(1.0), device=twice, batch=1, initial=50.0, steps=2_000
    )
    assert float(circuit.parameters.mean()) > 97  # both offsets outweigh their signals, so the product is positive


def test_discrete_learning_at_p_1_is_trapped_in_period_2_and_below_is_not():
    """With frozen biases and one fixed example the p = 1 dynamics is deterministic and ends in a cycle of period 1 or 2."""
    learned = [tasks.allosteric(BOARD, seed=seed) for seed in range(8)]
    run = cl.train(
        MEDIUM, learned, rule=cl.SignRule(1.0), clock=[cl.Bernoulli(1.0), cl.Bernoulli(0.5)], batch=1, initial=50.0,
        device=levels(cl.Magnitudes(1e-4, frozen=True)), steps=2_000, record=range(1_990, 2_001), traces=True,
    )  # fmt: skip
    values = run.data.traces.transpose("clock", "task", "step", "edge").values
    repeats = (values[:, :, 2:] == values[:, :, :-2]).all(axis=(2, 3))
    assert repeats[0].mean() >= 0.75  # longer cycles exist, but are rare
    assert not repeats[1].any()


def test_the_sign_rule_lowers_the_error():
    """A wrong sign anywhere would raise it: final over initial error below a twentieth on every allosteric task."""
    learned = [tasks.allosteric(BOARD, seed=seed) for seed in range(8)]
    run = cl.train(
        MEDIUM, learned, rule=cl.SignRule(1.0), clock=cl.Bernoulli(0.2), device=levels(cl.Magnitudes(1e-4)), batch=1,
        initial=50.0, steps=3_000,
    )  # fmt: skip
    assert float(run.error.isel(step=-1).max()) < 0.05


def test_the_sign_rule_on_conductances_moves_the_other_way():
    """Where resistance levels go up, conductance levels go down; both lower the error."""
    device = cl.Levels(128, 0.02, 2.0, cl.Magnitudes(1e-4))
    rule = cl.SignRule(0.5, "conductance")
    run = cl.train(MEDIUM, TASKS, rule=rule, clock=cl.Bernoulli(0.5), device=device, batch=1, initial=1.0, steps=60)
    for task, found in zip(TASKS, run.parameters.values, strict=True):
        expected = reference.learn(MEDIUM, task, rule, cl.Bernoulli(0.5), 60, 1, 1.0, 0, device)
        np.testing.assert_allclose(found, expected, rtol=1e-12)
    up = cl.SignRule(0.5).change(np.array([-1.0]), 0.1)
    assert up == 0.1


@pytest.mark.parametrize(
    "changed",
    [
        {"device": cl.Continuous()},
        {"device": levels(cl.Magnitudes(0.1)), "batch": "full"},
        {"device": cl.Levels(128, 0.001, 1.0)},
        {"rule": cl.CoupledLearning(0.1, 0.1), "device": levels(cl.Magnitudes(0.1)), "batch": 1},
        {"initial": cl.train},
    ],
    ids=lambda changed: ", ".join(changed),
)
def test_contradictions_get_one_sentence(changed):
    """The sign rule without levels, comparators on batches, levels outside the medium, analog rules on comparators."""
    arguments = {"rule": cl.SignRule(0.5), "device": levels(cl.Ideal()), "batch": 1, "steps": 1, "initial": 50.0, **changed}
    with pytest.raises(cl.errors.ClocklessError):
        cl.train(MEDIUM, TASKS[0], **arguments)


@pytest.mark.parametrize(
    "make",
    [
        lambda: cl.Levels(1, 1.0, 2.0), lambda: cl.Levels(8, 2.0, 1.0), lambda: cl.Levels(8, 0.0, 1.0),
        lambda: cl.Levels(8, 1.0, 2.0, comparator=3), lambda: cl.Magnitudes(-1.0), lambda: cl.Magnitudes(float("nan")),
        lambda: cl.TwoComparators(0.1, gain=0.0), lambda: cl.SignRule(0.0), lambda: cl.SignRule(0.5, "charge"),
    ],
)  # fmt: skip
def test_impossible_devices_get_one_sentence(make):
    """Static mistakes raise at construction."""
    with pytest.raises(cl.errors.ParameterError):
        make()


def test_a_run_goes_on_from_another():
    """`initial=run.parameters` pairs resistances with replicas by dimension; traces end at the parameters."""
    clocks = [cl.Bernoulli(0.5), cl.Bernoulli(1.0)]
    rule = cl.CoupledLearning(0.5, 0.3)
    first = cl.train(MEDIUM, TASKS, rule=rule, clock=clocks, steps=20, traces=True)
    again = cl.train(MEDIUM, TASKS, rule=rule, clock=clocks, steps=0, initial=first.parameters)
    np.testing.assert_array_equal(again.parameters.values, first.parameters.values)
    np.testing.assert_array_equal(first.data.traces.isel(step=-1).values, first.parameters.values)
    swapped = cl.train(
        MEDIUM, TASKS, rule=rule, clock=clocks, steps=0, initial=first.parameters.transpose("edge", "clock", "task")
    )
    np.testing.assert_array_equal(swapped.parameters.values, first.parameters.values)
    with pytest.raises(cl.errors.ParameterError, match="matching dimensions"):
        cl.train(MEDIUM, TASKS[:2], rule=rule, clock=clocks, steps=0, initial=first.parameters)


def test_final_errors_see_both_parities():
    """The steps that final errors are averaged over are as often odd as even: a period-2 state shows both its faces."""
    for steps in (500, 1_000, 5_000, 10_000, 50_000):
        late = tail(steps)[1:]
        assert late[-1] == steps
        assert late[0] >= 0.8 * steps
        assert np.sum(late % 2 == 0) == np.sum(late % 2 == 1)
