"""The least reachable error: a closed form, its gradient, and tasks that grow out of reach with their outputs."""

import numpy as np
import pytest

from clockless import Task, networks, tasks
from clockless.errors import ParameterError
from clockless.media.resistors.ohm import OhmicNetwork
from clockless.media.resistors.reach import MET, Cost, least_error, posed

PACKING = networks.packing()


@pytest.mark.parametrize(("share", "contrast"), [(0.5, 4.0), (0.8, 4.0), (0.9, 4.0), (0.05, 4.0), (0.9, 128.0)])
def test_voltage_divider(share, contrast):
    """Input - output - ground: V = x R2 / (R1 + R2), whose share lies from 1 / (1 + c) to c / (1 + c) within a factor c."""
    task = Task([0], [1], [2], [[2.0]], [[2.0 * share]], [[2.0]], [[2.0 * share]])
    nearest = np.clip(share, 1 / (1 + contrast), contrast / (1 + contrast))
    expected = (2.0 * (share - nearest)) ** 2
    assert least_error(networks.lattice(1, 3), task, contrast) == pytest.approx(expected, rel=1e-6, abs=MET)


def test_cost_is_that_of_the_settled_network_and_its_slope():
    """The cost is that of voltages settled by another solver, and its gradient that of central differences."""
    task = tasks.random_regression(PACKING, starts=0, seed=3)
    cost, logs = Cost(*posed(PACKING, task)), np.random.default_rng(0).normal(0, 1, len(PACKING.edges))
    value, slope = cost(logs)
    medium, held = OhmicNetwork(PACKING), [*task.inputs, *task.ground]
    settled = [
        medium.settle(np.exp(logs), dict(zip(held, [*x, 0.0], strict=True)))[list(task.outputs)] for x in task.x_train
    ]
    assert value == pytest.approx(np.mean((np.array(settled) - task.y_train) ** 2), rel=1e-10)
    for edge in range(0, len(logs), 29):
        step = np.eye(len(logs))[edge] * 1e-5
        assert slope[edge] == pytest.approx((cost(logs + step)[0] - cost(logs - step)[0]) / 2e-5, rel=1e-5, abs=1e-11)


@pytest.mark.parametrize("build", [tasks.random_regression, tasks.random_allosteric])
def test_a_teachers_targets_are_within_reach(build):
    """With a teacher's targets alone the search ends at zero and the task is feasible; a part of them is a mixture."""
    taught, mixed, drawn = (build(PACKING, teacher=part, starts=1, seed=2) for part in (1.0, 0.25, 0.0))
    assert taught.feasible is True
    assert taught.least_error < MET
    np.testing.assert_allclose(mixed.y_train, 0.25 * taught.y_train + 0.75 * drawn.y_train, rtol=1e-12)


def test_more_outputs_are_out_of_reach():
    """O = 2 is met, O = 24 is not: that is what makes O a difficulty. The wiring bounds it, not the maximum principle."""
    few, many = (tasks.random_allosteric(PACKING, outputs, outputs, starts=1, seed=1) for outputs in (2, 24))
    assert (few.feasible, many.feasible) == (True, False)
    assert few.least_error < MET < 1e-4 < many.least_error
    assert (len(few.ground), len(many.ground)) == (1, 12)
    assert many._within_held_range()


def test_drawn_targets_are_what_they_say():
    """Allosteric: 0.2 to 0.8 of the largest input, the whole range of it. Regression: the mean map of the authors' code."""
    made = [tasks.random_allosteric(PACKING, 4, 8, starts=0, seed=seed) for seed in range(40)]
    shares = np.concatenate([(task.y_train / task.x_train.max()).ravel() for task in made])
    assert 0.2 <= shares.min() < 0.22 < 0.78 < shares.max() <= 0.8
    several = [tasks.random_regression(PACKING, starts=0, seed=seed) for seed in range(200)]
    maps = np.array([np.linalg.lstsq(task.x_train, task.y_train)[0].T for task in several])
    assert np.abs(maps.mean(axis=0) - [[0.2, 0.3], [0.1, 0.5]]).max() < 4 * 0.1 / np.sqrt(200)
    assert 0.1 * (1 - 4 / np.sqrt(1600)) < maps.std(axis=0, ddof=1).mean() < 0.1 * (1 + 4 / np.sqrt(1600))


def test_the_search_decides_no_bit():
    """Roles, targets and fingerprint are the same with and without it; without it nothing is known."""
    without, searched = (tasks.random_allosteric(PACKING, starts=starts, seed=5) for starts in (0, 1))
    assert without.fingerprint == searched.fingerprint
    assert (without.feasible, without.least_error) == (None, None)


@pytest.mark.parametrize("teacher", [-0.1, 1.1, "half", None, True, float("nan")])
def test_no_part(teacher):
    """A part is a number from 0 to 1."""
    with pytest.raises(ParameterError, match="teacher = "):
        tasks.random_regression(PACKING, teacher=teacher)
