"""Johnson noise of edges, noise of readings, devices that are stuck or drift; tolerances are those of statistics."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.constants import Boltzmann

import clockless as cl
from clockless.errors import ParameterError
from clockless.learning.contracts import Replica
from clockless.media.resistors.in_time.checks import checked
from clockless.media.resistors.relaxing.session import RelaxingSession

pytestmark = pytest.mark.timeout(600)  # the first run of a combination compiles

BOARD = cl.networks.board16()
CAPACITY = np.linspace(0.5, 2.0, 9)
HEAT = 0.01  # k_B T, joules: 0.1 V on a farad
COUPLED = cl.CoupledLearning(0.2, 1e-12)  # so slow that resistances stay


def watched(rule, seconds, count, medium=None, task=None):
    """Potentials [look, node, 2] of both twins every `seconds`, from a network that has forgotten its start."""
    medium = medium or cl.RelaxingResistors(BOARD, capacity=CAPACITY, temperature=HEAT / Boltzmann)
    task = task or cl.tasks.allosteric(BOARD, seed=4)
    replica = Replica(medium, task, rule, cl.Ticks(seconds), cl.Continuous(), batch="full", seed=11)
    mine = RelaxingSession(medium, checked(medium, replica))
    looks = []
    for k in range(count + 20):
        mine.advance((k + 1) * seconds * (1 + 1e-9))
        looks.append(mine.charged.volts.copy())
    return np.array(looks[20:]), mine


def test_equipartition_at_every_node_of_both_nudged_twins():
    """C <V^2> = k_B T, and no two nodes have anything together: variances within five standard errors of 3,000 looks."""
    looks, mine = watched(cl.EquilibriumPropagation(1e-9, 1e-12), 4.0, 3_000)
    free = np.flatnonzero(~mine.wiring.held)
    for twin in (0, 1):
        volts = looks[:, free, twin]
        volts = (volts - volts.mean(axis=0)) * np.sqrt(CAPACITY[free] / HEAT)
        slowest = mine.replica.medium.modes(np.ones(16), np.flatnonzero(mine.wiring.held)).rates[0]
        many = len(volts) * np.tanh(slowest * 4.0)  # looks that know little of one another
        error = np.sqrt((1 + np.eye(len(free))) / many)
        assert (np.abs(np.cov(volts.T) - np.eye(len(free))) < 5 * error).all()
    assert abs(np.corrcoef(looks[:, free[0], 0], looks[:, free[0], 1])[0, 1]) < 5 / np.sqrt(3_000 / 2)


def test_a_clamped_output_follows_the_noise_of_the_free_one():
    looks, mine = watched(cl.CoupledLearning(0.25, 1e-12), 0.5, 100)
    target = mine.replica.task.y_train[0]
    for k, node in enumerate(mine.replica.task.outputs):
        free = looks[:, node, 0]
        np.testing.assert_allclose(looks[:, node, 1], free + 0.25 * (target[k] - free), atol=1e-12)
        assert free.std() > 0.05


def test_nyquist_spectrum_of_one_node():
    """S(f) = 4 k_B T R / (1 + (2 pi f R C)^2) of a node between two resistors, R both in parallel.

    Each value of a periodogram over its expectation is exponential: Kolmogorov and Smirnov, refused with a chance of 1e-3.
    Sampled at intervals dt the spectrum is that of the sampled process, 2 v dt (1 - a^2) / (1 - 2 a cos(w dt) + a^2).
    """
    network = cl.Network([(0, 1), (1, 2)])
    task = cl.Task([0], [1], [2], [[1.0]], [[0.5]], [[1.0]], [[0.5]])
    medium, dt, count = cl.RelaxingResistors(network, capacity=0.5, temperature=HEAT / Boltzmann), 0.02, 4_096
    looks, _ = watched(cl.EquilibriumPropagation(1e-9, 1e-12), dt, count, medium, task)
    volts, resistance, capacity = looks[:, 1, 0] - 0.5, 0.5, 0.5
    found = 2 * dt / count * np.abs(np.fft.rfft(volts)[1:-1]) ** 2
    frequency = np.fft.rfftfreq(count, dt)[1:-1]
    a = np.exp(-dt / (resistance * capacity))
    sampled = 2 * HEAT / capacity * dt * (1 - a**2) / (1 - 2 * a * np.cos(2 * np.pi * frequency * dt) + a**2)
    assert stats.kstest(found / sampled, "expon").pvalue > 1e-3
    low = frequency < 0.1 / (2 * np.pi * resistance * capacity)
    johnson = 4 * HEAT * resistance / (1 + (2 * np.pi * frequency[low] * resistance * capacity) ** 2)
    np.testing.assert_allclose(sampled[low], johnson, rtol=1e-2)
    assert np.mean(found[low] / johnson) == pytest.approx(1, abs=5 / np.sqrt(low.sum()))


# --- readings -----------------------------------------------------------------------------------------------------------


def test_readings_are_right_on_average():
    """(dV_C + n_1)^2 - (dV_F + n_2)^2: mean dV_C^2 - dV_F^2, variance 4 s^2 (dV_C^2 + dV_F^2 + s^2); 5 deviations."""
    noise, count = 0.3, 20_000
    numbers = np.random.default_rng(3).integers(0, 2**32, 2 * count, dtype=np.uint32)
    read = cl.ReadNoise(noise).sensed(np.full(count, 0.5), np.full(count, 0.7), numbers)
    variance = 4 * noise**2 * (0.5**2 + 0.7**2) + 4 * noise**4
    assert read.mean() == pytest.approx(0.7**2 - 0.5**2, abs=5 * np.sqrt(variance / count))
    assert read.var() == pytest.approx(variance, rel=0.1)


def test_lanes_read_and_write_as_arrays_do():
    assert cl.check(cl.Worn(0.3, 0.1, 2.0, 0.2)).difference < 1e-12
    from clockless.media.resistors import reference

    task = cl.tasks.regression(BOARD, train=4, seed=2)
    device, rule = cl.Worn(0.2, 0.01, comparator=cl.ReadNoise(0.01)), cl.CoupledLearning(0.2, 0.5)
    run = cl.train(cl.Resistors(BOARD), task, rule=rule, device=device, batch=1, steps=20, seed=5)
    there = reference.learn(cl.Resistors(BOARD), task, rule, steps=20, batch=1, seed=5, device=device)
    np.testing.assert_allclose(run.parameters, there, rtol=1e-9)


def test_stuck_cells_stay_and_others_drift():
    """The share of stuck edges is binomial (five standard errors); with nothing to learn, distances to rest decay."""
    task, seeds = cl.tasks.allosteric(BOARD, seed=4), list(range(60))
    run = cl.train(
        cl.Resistors(BOARD), task, rule=COUPLED, device=cl.Worn(stuck=0.25, drift=0.1, rest=3.0), steps=10, seed=seeds
    )
    values = run.parameters.values
    stuck = values == 1.0
    assert stuck.mean() == pytest.approx(0.25, abs=5 * np.sqrt(0.25 * 0.75 / stuck.size))
    np.testing.assert_allclose(values[~stuck], 3 - 2 * 0.9**10, rtol=1e-9)


def test_bad_noise_gets_a_sentence():
    for wrong, sentence in (
        (lambda: cl.ReadNoise(-1.0), "noise = -1.0; the noise of a reading is in volts"),
        (lambda: cl.Worn(stuck=1.5), "stuck = 1.5; give a number from 0 to 1"),
        (lambda: cl.Worn(drift=np.nan), "drift = nan; give a number from 0 to 1"),
    ):
        with pytest.raises(ParameterError, match=sentence):
            wrong()
