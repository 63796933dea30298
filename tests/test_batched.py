"""Many examples settled at once are those settled one by one: voltages [example, node], phases [site, sample]."""

from __future__ import annotations

import numpy as np
import pytest

import clockless as cl
from clockless.errors import HeldNodesError

NETWORK = cl.networks.lattice(3, 4)
RNG = np.random.default_rng(4)


def test_voltages_of_many_examples():
    """Against dense solves of Kirchhoff's law, one example at a time; a number is the same in all of them."""
    resistances, volts = RNG.uniform(0.5, 2.0, len(NETWORK.edges)), RNG.uniform(-1, 1, (5, 2))
    settled = cl.Resistors(NETWORK).settle(resistances, {0: volts[:, 0], 7: volts[:, 1], 11: 0.25})
    assert settled.shape == (5, NETWORK.nodes)
    laplacian = np.zeros((NETWORK.nodes, NETWORK.nodes))
    for (i, j), resistance in zip(NETWORK.edges, resistances, strict=True):
        laplacian[[i, j], [i, j]] += 1 / resistance
        laplacian[[i, j], [j, i]] -= 1 / resistance
    free = [node for node in range(NETWORK.nodes) if node not in (0, 7, 11)]
    for row, (first, second) in zip(settled, volts, strict=True):
        held = np.array([first, second, 0.25])
        np.testing.assert_array_equal(row[[0, 7, 11]], held)
        expected = np.linalg.solve(laplacian[np.ix_(free, free)], -laplacian[np.ix_(free, [0, 7, 11])] @ held)
        np.testing.assert_allclose(row[free], expected, atol=1e-12)


def test_one_example_is_a_state_and_a_list_of_one_a_table():
    resistors, ones = cl.Resistors(NETWORK), np.ones(len(NETWORK.edges))
    alone = resistors.settle(ones, {0: 1.0, 5: 0.0})
    assert alone.shape == (NETWORK.nodes,)
    np.testing.assert_array_equal(resistors.settle(ones, {0: np.array([1.0]), 5: 0.0}), alone[None])


@pytest.mark.parametrize(
    ("held", "sentence"),
    [
        ({0: np.ones(3), 1: np.ones(2)}, "different numbers of examples"),
        ({0: np.array([1.0, np.nan])}, "held voltages must be finite"),
        ({0: np.ones((2, 2))}, "held voltages must be finite numbers"),
        ({0: [1.0, 2.0]}, "held voltages must be finite numbers"),
    ],
    ids=["lengths", "nan", "table", "list"],
)
def test_held_voltages_that_fit_nothing_get_a_sentence(held, sentence):
    with pytest.raises(HeldNodesError, match=sentence):
        cl.Resistors(NETWORK).settle(np.ones(len(NETWORK.edges)), held)


def test_phases_of_many_samples():
    """Each sample settles as it does alone, from the same start."""
    xy = cl.XY(cl.architectures.square(3, 4, [0, 3], [11]))
    parameters = xy.parameters(RNG.normal(size=xy.couplings), np.zeros(12), np.zeros(12))
    held = {0: RNG.uniform(-1, 1, 5), 3: 0.3}
    start = RNG.uniform(-np.pi, np.pi, (12, 5))
    together, residuals = xy.settle(parameters, held, start, residual=1e-10)
    assert together.shape == (12, 5)
    assert residuals.shape == (5,)
    for sample in range(5):
        alone, _ = xy.settle(parameters, {0: held[0][sample], 3: 0.3}, start[:, sample], residual=1e-10)
        turned = np.angle(np.exp(1j * (together[:, sample] - alone)))
        np.testing.assert_allclose(turned, 0, atol=1e-7)
