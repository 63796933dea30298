"""Layered nets with exponential diodes, against bracketing, circuits, scipy and ideal ones; and nets of several layers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq, root

import clockless as cl
from clockless.errors import ParameterError
from clockless.learning.contracts import Luck, Replica
from clockless.media.layered.learner import LayeredLearner, ReadableLearner
from clockless.media.layered.packing import Shape
from clockless.media.layered.reference import Layers, Numbers, Pull, bent

SATURATION, WIDTH = 1e-3, 0.05
SHAPES = [(3, 6, 2), (3, 6, 5, 2), (3, 5, 6, 4, 2)]


def values_of(shape: Shape, bias: float = 0.3, seed: int = 0) -> np.ndarray:
    """Conductances in [0, 1), some of them 0, and currents of either sign."""
    rng = np.random.default_rng(seed)
    weights = [np.maximum(rng.uniform(-0.2, 1.0, size), 0.0) for size in shape.matrices]
    return shape.joined(weights, [bias * rng.uniform(-1, 1, size) for size in shape.layers])


def net_of(layers, sweeps=4, width=WIDTH, saturation=SATURATION, bias=0.3):
    shape = Shape(layers[0], tuple(layers[1:-1]), layers[-1])
    x = np.random.default_rng(1).uniform(-1, 1, (5, layers[0]))
    return Layers(shape, values_of(shape, bias), x, Numbers(3.0, 1.5, sweeps, 1.0, saturation, width))


def test_a_node_s_root_is_found_by_bracketing_too():
    """Over 20 decades of current and 12 of conductance, both sides; every root is bracketed by 0 and what leads alone."""
    rng = np.random.default_rng(0)
    for _ in range(300):
        total, width = 10 ** rng.uniform(-6, 6), 10 ** rng.uniform(-3, 0)
        drawn, side = rng.choice([-1, 1]) * 10 ** rng.uniform(-12, 8), rng.choice([-1.0, 1.0])
        pull = side * drawn  # v in the diode's direction
        ends = sorted((0.0, min(pull / total, width * np.log1p(pull / SATURATION)) if pull > 0 else pull / total))
        expected = side * brentq(_left, *ends, (total, width, pull), xtol=1e-300, rtol=1e-14, maxiter=2000)
        found = bent(np.array([drawn]), np.array([total]), np.array([side]), SATURATION, width)[0]
        # Is is added to the current, and w log A to the voltage: what is rounded there cannot come back.
        lost = 1e-15 * (SATURATION + abs(drawn)) / total + 1e-14 * width
        assert abs(found - expected) <= 1e-12 * abs(expected) + 4 * lost
    assert bent(np.array([1.0]), np.array([0.0]), np.array([1.0]), SATURATION, WIDTH)[0] == 0


def _left(v, total, width, pull):
    return total * v + SATURATION * np.expm1(v / width) - pull


@pytest.mark.parametrize("layers", SHAPES)
def test_forces_and_energy_belong_together_and_energy_never_rises(layers):
    """Where no node's own minimum is elsewhere, the energy has no slope; on the way there it falls, layer by layer."""
    net = net_of(layers, sweeps=400)
    volts, pull = net.rest(), Pull(0.5, 1.0)
    energy = net.energy(volts, pull)
    for k in np.random.default_rng(0).integers(0, len(volts), 60):
        volts[k] = net.moved(volts, k, pull)
        after = net.energy(volts, pull)
        assert (after <= energy + 1e-12 * np.abs(energy)).all()
        energy = after
    volts, _ = net.settle(net.rest(), pull)
    for k, v in enumerate(volts):
        for node in range(v.shape[1]):
            step = np.zeros_like(v)
            step[:, node] = 1e-4
            up, down = ([*volts[:k], v + sign * step, *volts[k + 1 :]] for sign in (1, -1))
            assert np.abs(net.energy(up, pull) - net.energy(down, pull)).max() < 1e-8


@pytest.mark.parametrize("layers", SHAPES)
def test_states_are_those_of_newton_on_the_whole_net(layers):
    """The same net as a `Circuit` of resistors and diodes; and, currents into nodes included, by scipy's root finder."""
    net = net_of(layers, sweeps=4000, bias=0.0)
    expected = np.concatenate(net.settle(net.rest())[0], axis=1)
    np.testing.assert_allclose(_as_circuit(net), expected, atol=1e-9)

    net = net_of(layers, sweeps=4000)
    expected, first = net.settle(net.rest())[0], np.cumsum(net.shape.layers)[:-1]

    def unbalanced(flat):
        volts = [part[None] for part in np.split(flat, first)]
        one = Layers(net.shape, np.concatenate([*map(np.ravel, net.w), *net.b]), x, net.numbers)
        left = one.forces(volts)
        for k, side in enumerate(net.sides):
            left[k] = left[k] - side * SATURATION * np.expm1(side * volts[k] / WIDTH)
        return np.concatenate(left, axis=1)[0]

    for e in range(2):
        x = net.inputs[e : e + 1, : net.shape.inputs] / net.numbers.gain
        start = np.concatenate([v[e] for v in expected]) * 0.9
        found = root(unbalanced, start, tol=1e-13)
        np.testing.assert_allclose(found.x, np.concatenate([v[e] for v in expected]), atol=1e-8)


def _as_circuit(net: Layers) -> np.ndarray:
    """Voltages [example, node] of the same net as edges with laws: inputs held, amplifiers as gains, diodes to ground."""
    sizes = (2 * net.shape.inputs, *net.shape.layers)
    begins, ground = np.cumsum((0, *sizes)), sum(sizes)
    edges, laws, gains = [], [], []
    for k, weight in enumerate(net.w):
        for i, j in zip(*np.nonzero(weight), strict=True):
            edges.append((begins[k] + i, begins[k + 1] + j))
            laws.append(cl.laws.FixedResistor(1 / weight[i, j]))
            gains.append((net.numbers.amplifier if k else 1.0, 1.0))
    for k, sides in enumerate(net.sides):
        for j, side in enumerate(sides):
            node = begins[k + 1] + j
            edges.append((node, ground) if side > 0 else (ground, node))
            laws.append(cl.laws.Diode(SATURATION, WIDTH / 0.025, thermal=0.025))
            gains.append((1.0, 1.0))
    circuit = cl.Circuit(cl.Network(edges), laws, gains=gains, shunt=0.0)
    held = {ground: 0.0, **dict(enumerate(net.inputs.T))}
    return circuit.settle(np.zeros(0), held)[:, sizes[0] : ground]


def test_narrow_diodes_are_ideal_ones():
    """States differ by some w log(I / Is): in proportion to w."""
    ideal = net_of(SHAPES[1], sweeps=2000, saturation=0.0)
    expected = np.concatenate(ideal.settle(ideal.rest())[0], axis=1)
    apart = []
    for width in (1e-3, 1e-4, 1e-5):
        net = net_of(SHAPES[1], sweeps=2000, width=width, saturation=1e-9)
        apart.append(np.abs(np.concatenate(net.settle(net.rest())[0], axis=1) - expected).max())
    np.testing.assert_allclose(np.array(apart[:-1]) / apart[1:], 10, rtol=0.02)
    assert apart[-1] < 1e-3


@pytest.mark.parametrize("layers", SHAPES)
def test_the_engine_settles_as_the_reference_does(layers):
    """To the rounding of sums in single precision; soft and nearly ideal diodes."""
    for saturation, width in ((1e-3, 0.05), (1e-6, 0.0517), (1e-2, 1.0)):
        medium = cl.DeepResistive(
            layers, gain=3.0, amplifier=1.5, sweeps=6, diode="exponential", saturation=saturation, thermal=width
        )
        values, x = values_of(medium.shape), np.random.default_rng(1).uniform(-1, 1, (70, layers[0]))
        expected = np.concatenate(medium.settled(values, x), axis=1)
        np.testing.assert_allclose(
            medium.state(values, x, None, Luck(0, 0)), expected, atol=400 * 2.0**-24 * np.abs(expected).max()
        )


def test_the_contrast_is_the_gradient():
    """Of the cost at the settled state, by differences in every current and some conductances; error of second order."""
    medium = cl.DeepResistive((3, 5, 4, 2), gain=3.0, sweeps=600, diode="exponential", saturation=SATURATION, thermal=0.2)
    values, rng = values_of(medium.shape), np.random.default_rng(5)
    x, y = rng.uniform(-1, 1, (4, 3)), rng.normal(size=(4, 2))
    task = cl.Task(x_train=x, y_train=y, x_test=x, y_test=y)
    chosen = [*range(0, medium.shape.conductances, 9), *range(medium.shape.conductances, len(values))]

    def cost(at):
        return 0.5 * np.mean(np.sum((medium.settled(at, x)[-1] - y) ** 2, axis=1))

    exact = np.array([(cost(values + step) - cost(values - step)) / 2e-5 for step in 1e-5 * np.eye(len(values))[chosen]])
    errors = []
    for nudge in (0.1, 0.05):
        push = cl.EquilibriumPropagation(nudge, 1.0, centred=True).push
        signal, _ = medium.contrast(values, medium.examples(task, np.arange(4)), push, Luck(0, 0))
        errors.append(np.linalg.norm(signal[chosen] / nudge - exact) / np.linalg.norm(exact))
    assert errors[1] < 0.01
    assert np.log2(errors[0] / errors[1]) == pytest.approx(2, abs=0.2)


def test_a_step_of_the_engine_is_one_of_the_plain_loop_and_digits_are_learned():
    """A diode's softness is felt: what is learned differs from ideal diodes'."""
    rule, task = cl.EquilibriumPropagation(0.2, 0.01, centred=True), cl.tasks.digit_pixels()
    medium = cl.DeepResistive((64, 22, 18, 10), gain=30.0, diode="exponential")
    replica = medium._checked(Replica(medium, task, rule, cl.Global(), cl.Continuous(), batch=6, seed=3))
    engine, plain = medium.learner([replica]), ReadableLearner(replica, False)
    assert isinstance(engine, LayeredLearner)
    first = plain.values.copy()
    engine.advance(3)
    plain.advance(3)
    seen = {name: values[:, None] for name, values in engine.measure().items()}
    moved, expected = engine.results(seen)["parameters"][0] - first, plain.values - first
    assert np.linalg.norm(moved - expected) < 5e-3 * np.linalg.norm(expected)

    rule = cl.EquilibriumPropagation(0.2, 0.006, centred=True)
    nets = [cl.DeepResistive((64, 40, 10), gain=40.0, diode=diode) for diode in ("ideal", "exponential")]
    run = [cl.train(net, task, rule=rule, batch=4, steps=700, seed=1) for net in nets]
    assert all(float(each.accuracy) > 0.75 for each in run)
    assert (run[0].data.parameters != run[1].data.parameters).any()


@pytest.mark.parametrize(("name", "gain", "part", "epochs", "least"), [("2h", 400, 1.0, 4, 0.6), ("3h", 1500, 0.2, 10, 0.3)])
def test_deep_nets_learn(name, gain, part, epochs, least):
    """Sweeps, nudge and rates by layer of the preset on 8 x 8 digits, far above the tenth of chance.

    A narrow net of few pixels needs another gain, and three hidden layers of 128 a part of the rate.
    """
    published, task = cl.DeepResistive.published(name), cl.tasks.digit_pixels()
    medium = cl.DeepResistive.preset(name, layers=(64, *(128,) * len(published.hidden), 10), gain=gain)
    rule = cl.EquilibriumPropagation(published.nudge, part * published.rate, centred=True)
    run = cl.train(medium, task, rule=rule, batch=4, steps=epochs * 1347 // 4, record=[0, epochs * 1347 // 4], seed=0)
    assert not bool(run.data.failed)
    assert float(run.accuracy) > least


@pytest.mark.parametrize(("changes", "said"), [
    ({"diode": "zener"}, "diode = 'zener'"), ({"saturation": 0}, "saturation"), ({"thermal": -1}, "thermal"),
    ({"diode": "exponential", "relaxation": 1.3}, "relaxation = 1.3"),
])  # fmt: skip
def test_diodes_that_cannot_be_are_refused(changes, said):
    with pytest.raises(ParameterError, match=said):
        cl.DeepResistive((4, 5, 3), **changes)
