"""Deep resistive networks: physics against closed forms, the compiled engine against NumPy, gradients by their order."""

from __future__ import annotations

import numpy as np
import pytest

import clockless as cl
from clockless.errors import ClocklessError, ReplicasFailedWarning
from clockless.learning.contracts import Luck, Replica
from clockless.media.layered.learner import Batches, LayeredLearner, ReadableLearner
from clockless.media.layered.packing import Shape, packed, unpacked
from clockless.media.layered.reference import Layers, Numbers, Pull
from real_mnist import real_mnist

SHAPES = [(5, 7, 3), (5, 6, 7, 3), (4, 6, 5, 7, 3), (4, 6, 5, 7, 9, 2)]
ROUNDING = 2.0**-24  # of a single-precision number, relative


def values_of(shape: Shape, seed: int = 0) -> np.ndarray:
    """Conductances in [0, 1), a few of them 0, and currents of either sign."""
    rng = np.random.default_rng(seed)
    weights = [np.maximum(rng.uniform(-0.1, 1.0, size), 0.0) for size in shape.matrices]
    return shape.joined(weights, [rng.uniform(-0.5, 0.5, size) for size in shape.layers])


def net_of(layers, sweeps=4, amplifier=1.0, relaxation=1.0, examples=6, seed=0):
    shape = Shape(layers[0], tuple(layers[1:-1]), layers[-1])
    x = np.random.default_rng(seed + 1).uniform(-1, 1, (examples, layers[0]))
    return Layers(shape, values_of(shape, seed), x, Numbers(3.0, amplifier, sweeps, relaxation))


# --- physics -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layers", SHAPES)
@pytest.mark.parametrize("amplifier", [1.0, 2.5])
def test_forces_are_derivatives_of_the_energy(layers, amplifier):
    """-dE/dv by differences, the nudge's included: E is quadratic, so central differences are exact but for rounding."""
    net, rng = net_of(layers, amplifier=amplifier), np.random.default_rng(3)
    volts = [rng.normal(size=(6, size)) for size in net.shape.layers]
    pull = Pull(0.7, rng.normal(size=(6, layers[-1])))
    for k, force in enumerate(net.forces(volts, pull)):
        for node in range(force.shape[1]):
            step = np.zeros_like(volts[k])
            step[:, node] = 0.5
            up, down = ([*volts[:k], volts[k] + sign * step, *volts[k + 1 :]] for sign in (1, -1))
            np.testing.assert_allclose(net.energy(down, pull) - net.energy(up, pull), force[:, node], atol=1e-11)


@pytest.mark.parametrize("layers", SHAPES)
@pytest.mark.parametrize("relaxation", [1.0, 1.5])
def test_energy_never_rises(layers, relaxation):
    """Layer by layer, in every order of layers that a sweep may take, and beyond the minimum up to twice the way."""
    net = net_of(layers, relaxation=relaxation)
    volts, pull = net.rest(), Pull(0.5, 1.0)
    energy = net.energy(volts, pull)
    for k in np.random.default_rng(0).integers(0, len(volts), 60):
        volts[k] = net.moved(volts, k, pull)
        after = net.energy(volts, pull)
        assert (after <= energy + 1e-12 * np.abs(energy)).all()
        energy = after


@pytest.mark.parametrize("layers", SHAPES)
def test_states_are_minima(layers):
    """Karush, Kuhn, Tucker: no force on nodes off the limit; nodes at the limit are pressed against it."""
    net = net_of(layers, sweeps=1500)
    volts, change = net.settle(net.rest())
    assert change.max() < 1e-12
    assert net.residual(volts) < 1e-11
    pressed = 0
    for k, (v, force) in enumerate(zip(volts, net.forces(volts), strict=True)):
        off = (v > net.low[k]) & (v < net.high[k])
        assert np.abs(force[off]).max() < 1e-9
        assert (v >= net.low[k]).all()
        assert (v <= net.high[k]).all()
        assert (force[v == net.low[k]] <= 1e-9).all()
        assert (force[v == net.high[k]] >= -1e-9).all()
        pressed += int((~off).sum())
    assert pressed > 0  # some diodes do something


def test_what_is_not_joined_stays_at_zero():
    """A node without conductances has no voltage of its own; nothing is divided by 0."""
    shape = Shape(2, (2,), 1)
    values = np.zeros(shape.parameters)
    values[-3:] = 0.3
    net = Layers(shape, values, np.ones((1, 2)), Numbers(1.0))
    assert all((v == 0).all() for v in net.settle(net.rest())[0])
    medium = cl.DeepResistive((2, 2, 1))
    assert (medium.state(values, np.ones((1, 2)), None, Luck(0, 0)) == 0).all()


def exact_gradient(net: Layers, y: np.ndarray) -> np.ndarray:
    """d/dparameter of the mean of 1/2 sum (v - y)^2 at the settled state, by the implicit function theorem.

    The nodes off their limits move, H their Hessian: with lambda = H^-1 dC/dv, dC/dw = (lambda_j - a lambda_i) (u_i - v_j)
    for a conductance from i below to j above, dC/db_j = lambda_j.
    """
    shape, a = net.shape, net.numbers.amplifier
    volts, _ = net.settle(net.rest())
    first = np.cumsum((0, *shape.layers))
    hessian = np.zeros((first[-1], first[-1]))
    for k in range(len(volts)):
        mine = slice(first[k], first[k + 1])
        hessian[mine, mine] += np.diag(net.currents(volts, k)[1])
        if k:
            below = slice(first[k - 1], first[k])
            hessian[below, mine] = hessian[mine, below].T
            hessian[below, mine] = -a * net.w[k]
            hessian[mine, below] = -a * net.w[k].T
    total = np.zeros(shape.parameters)
    for e in range(len(y)):
        free = np.concatenate([(v[e] > lo) & (v[e] < hi) for v, lo, hi in zip(volts, net.low, net.high, strict=True)])
        pull = np.concatenate([np.zeros(first[-2]), volts[-1][e] - y[e]])
        share = np.zeros(first[-1])
        share[free] = np.linalg.solve(hessian[np.ix_(free, free)], pull[free])
        by_layer = np.split(share, first[1:-1])
        weights = []
        for k, v in enumerate(volts):
            below = np.zeros(2 * shape.inputs) if k == 0 else a * by_layer[k - 1]
            weights.append((by_layer[k] - below[:, None]) * (net.seen(volts, k)[e][:, None] - v[e]))
        total += shape.joined(weights, by_layer)
    return total / len(y)


@pytest.mark.parametrize("layers", SHAPES[:3])
@pytest.mark.parametrize(("centred", "order"), [(True, 2), (False, 1)])
def test_the_contrast_is_the_gradient_up_to_an_order_of_the_nudge(layers, centred, order):
    """The error falls with the nudge, with its square if centred; amplifiers included."""
    medium = cl.DeepResistive(layers, gain=3.0, amplifier=1.5, sweeps=1000)
    values, rng = values_of(medium.shape), np.random.default_rng(5)
    x, y = rng.uniform(-1, 1, (4, layers[0])), rng.normal(size=(4, layers[-1]))
    task = cl.Task(x_train=x, y_train=y, x_test=x, y_test=y)
    exact = exact_gradient(Layers(medium.shape, values, x, medium.numbers), y)
    errors = []
    for nudge in (0.02, 0.01, 0.005):
        push = cl.EquilibriumPropagation(nudge, 1.0, centred=centred).push
        signal, _ = medium.contrast(values, medium.examples(task, np.arange(4)), push, Luck(0, 0))
        errors.append(np.linalg.norm(signal / nudge - exact) / np.linalg.norm(exact))
    assert errors[-1] < (1e-3 if centred else 3e-2)
    np.testing.assert_allclose(np.log2(np.array(errors[:-1]) / errors[1:]), order, atol=0.15)


# --- the compiled engine -------------------------------------------------------------------------------------


@pytest.mark.parametrize("layers", [*SHAPES, (5, 33, 17, 3)])
def test_packing_goes_there_and_back(layers):
    """Every conductance and current has its place, whichever way round a layer is stored."""
    shape = Shape(layers[0], tuple(layers[1:-1]), layers[-1])
    values = values_of(shape).astype(np.float32).astype(np.float64)
    np.testing.assert_array_equal(unpacked(shape, packed(shape, values)), values)


@pytest.mark.parametrize("layers", SHAPES)
@pytest.mark.parametrize(("amplifier", "relaxation"), [(1.0, 1.0), (2.0, 1.2)])
def test_free_states_are_those_of_the_reference(layers, amplifier, relaxation):
    """To the rounding of sums in single precision; 70 examples are more than settle at once, and no multiple of four."""
    medium = cl.DeepResistive(layers, gain=3.0, amplifier=amplifier, relaxation=relaxation, sweeps=6)
    values, x = values_of(medium.shape), np.random.default_rng(1).uniform(-1, 1, (70, layers[0]))
    expected = np.concatenate(medium.settled(values, x), axis=1)
    found = medium.state(values, x, None, Luck(0, 0))
    np.testing.assert_allclose(found, expected, atol=200 * ROUNDING * np.abs(expected).max())


def replica_of(medium, **changes):
    """A replica that learns the 8 x 8 digits."""
    rule = cl.EquilibriumPropagation(0.2, 0.01, centred=True)
    made = Replica(medium, cl.tasks.digit_pixels(), rule, cl.Bernoulli(0.6), cl.Continuous(), batch=6, seed=3)
    return made.changed(**changes)


def parameters_of(learner):
    return learner.results({name: values[:, None] for name, values in learner.measure().items()})["parameters"][0]


@pytest.mark.parametrize("hidden", [(20,), (22, 18), (20, 13, 17)])
@pytest.mark.parametrize("centred", [True, False])
def test_the_engine_learns_what_the_plain_loop_learns(hidden, centred):
    """Steps of one and of several batches, with rates by layer and nodes that act by chance.

    A contrast is a difference of states that lie about nudge apart: rounding weighs some hundred times more than in states.
    """
    medium = cl.DeepResistive(
        (64, *hidden, 10), gain=30.0, rates=[1, 2, 0.5, 3][: len(hidden) + 1], bias_rate=0.5, decay=0.9
    )
    replica = medium._checked(replica_of(medium, rule=cl.EquilibriumPropagation(0.2, 0.01, centred=centred)))
    engine, plain = medium.learner([replica]), ReadableLearner(replica, False)
    assert isinstance(engine, LayeredLearner)
    first = plain.values.copy()
    np.testing.assert_allclose(parameters_of(engine), first, rtol=2 * ROUNDING)
    for steps, tolerance in ((1, 2e-3), (5, 5e-3)):
        engine.advance(steps)
        plain.advance(steps)
        moved, expected = parameters_of(engine) - first, plain.values - first
        assert np.linalg.norm(moved - expected) < tolerance * np.linalg.norm(expected)
    np.testing.assert_array_equal(engine.measure()["actions"], plain.measure()["actions"])


def test_nodes_that_do_not_act_keep_every_bit():
    """A node owns the conductances from below and its own current; what it does not act on stays, everything else moves."""
    medium = cl.DeepResistive((64, 12, 9, 10), gain=30.0)
    rule = cl.EquilibriumPropagation(0.05, 0.01, centred=True)  # nine nodes join an output by little
    learner = medium.learner([replica_of(medium, rule=rule, clock=cl.Bernoulli(0.5))])
    before = parameters_of(learner)
    learner.advance(1)
    acted = learner.measure()["actions"][0].astype(bool)
    changed, owners = parameters_of(learner) != before, medium.owners()
    assert 0 < acted.sum() < acted.size
    assert not changed[~acted[owners]].any()
    biases = slice(medium.shape.conductances, None)
    assert changed[biases][acted].mean() > 0.5  # nodes held by their diodes in every example have no contrast


def test_rates_fall_after_every_epoch_and_layers_have_their_own():
    """Decay d: a step of the second epoch is d times what it would be; a factor of 0 leaves a layer as it is."""
    task = cl.tasks.digit_pixels()
    few = cl.Task(x_train=task.x_train[:8], x_test=task.x_test, labels_train=task.labels_train[:8],
                  labels_test=task.labels_test, classes=10)  # fmt: skip
    medium = cl.DeepResistive((64, 16, 10), gain=30.0, rates=(1, 0), decay=0.25)
    weak = replica_of(medium, task=few, batch=8, clock=cl.Global(), rule=cl.EquilibriumPropagation(0.2, 1e-6, centred=True))
    learner = medium.learner([weak])
    seen = [parameters_of(learner)]
    for step in (1, 2):
        learner.advance(step)
        seen.append(parameters_of(learner))
    bias = slice(medium.shape.conductances, medium.shape.conductances + 16)  # currents start at 0, so nothing is rounded off
    first, second = (seen[k + 1][bias] - seen[k][bias] for k in (0, 1))
    np.testing.assert_allclose(second, 0.25 * first, atol=1e-3 * np.abs(first).max())
    stretch = slice(128 * 16, medium.shape.conductances)
    np.testing.assert_array_equal(seen[2][stretch], seen[0][stretch])


def test_batches_are_those_of_epochs():
    """A number of examples means shuffled epochs."""
    replica = replica_of(cl.DeepResistive((64, 8, 10)))
    batches, count = Batches(replica.changed(batch=cl.Epochs(100))), len(replica.task.x_train)
    for step in (0, 1, 13, 14, 40):
        expected = cl.Epochs(100).drawn(count, replica.luck.seed, replica.luck.replica, step)
        np.testing.assert_array_equal(batches.of(step), expected)
    assert batches.steps == 14


# --- what users do ---------------------------------------------------------------------------------------------


RULE = cl.EquilibriumPropagation(0.2, 0.006, centred=True)
SMALL = cl.DeepResistive((64, 40, 10), gain=40.0, decay=0.99)


def test_digits_are_learned_and_all_that_a_run_can_do(tmp_path):
    """Clocks as an axis; extended, saved and loaded with the same bits; predict, classes, state, accuracy, pictures."""
    task = cl.tasks.digit_pixels()
    options = {"rule": RULE, "clock": [cl.Global(), cl.Bernoulli(0.5)], "batch": 4}
    run = cl.train(SMALL, task, steps=337 * 4, threads=1, **options)
    assert run.accuracy.dims == ("clock",)
    assert (run.accuracy > 0.8).all()
    assert run.data.train_error.isel(step=-1).max() < 0.3
    assert run.actions[0].values.tolist() == [337 * 4] * 50
    assert set(run.parameters.data_vars) == {"w1", "w2", "b1", "b2"}

    begun = cl.train(SMALL, task, steps=1_000, **options)
    np.testing.assert_array_equal(begun.extended(348, threads=2).data.parameters, run.data.parameters)
    begun.save(tmp_path / "begun")
    kept = cl.load(tmp_path / "begun")
    np.testing.assert_array_equal(kept.data.parameters, begun.data.parameters)
    np.testing.assert_array_equal(kept.extended(348).data.parameters, run.data.parameters)

    outputs = run.predict(task.x_test[:7])
    np.testing.assert_array_equal(run.state(task.x_test[:7])[..., -10:], outputs)
    np.testing.assert_array_equal(run.classes(task.x_test[:7]), outputs.argmax("output"))
    run.draw(clock=1).savefig(tmp_path / "net.png")
    run.plot().savefig(tmp_path / "error.png")
    again = cl.train(SMALL, task, steps=10, rule=RULE, batch=4, initial=run.parameters.isel(clock=0))
    assert float(again.error[0]) == pytest.approx(float(run.error[0, -1]), rel=1e-4)


def test_bits_do_not_depend_on_threads_or_on_other_replicas():
    """One after another, side by side, alone."""
    task, options = cl.tasks.digit_pixels(), {"rule": RULE, "batch": 5, "steps": 60}
    one = cl.train(SMALL, task, seeds=[0, 1, 2], threads=1, **options)
    two = cl.train(SMALL, task, seeds=[0, 1, 2], threads=3, **options)
    alone = cl.train(SMALL, task, seed=1, **options)
    np.testing.assert_array_equal(one.data.parameters, two.data.parameters)
    np.testing.assert_array_equal(one.data.parameters[1], alone.data.parameters)


@pytest.mark.parametrize(("rule", "device", "optimiser"), [
    (cl.SignRule(0.5, "conductance"), cl.Levels(64, 0.001, 0.3), None),
    (cl.CoupledLearning(0.5, 0.006, "conductance"), cl.Continuous(), None),
    (cl.EquilibriumPropagation(1.0, 0.003), cl.AnalogMemory(0.1), cl.Momentum(0.5)),
])  # fmt: skip
def test_other_rules_devices_and_optimisers_learn_in_the_plain_loop(rule, device, optimiser):
    """What the engine cannot do is done in NumPy: the training cost falls."""
    task = cl.tasks.digit_pixels()
    replica = Replica(SMALL, task, rule, cl.Global(), device, optimiser=optimiser, batch=20)
    SMALL.check(replica)
    learner = SMALL.learner([replica])
    assert isinstance(learner, ReadableLearner)
    before = learner.measure()["error"][0]
    learner.advance(40)
    assert learner.measure()["error"][0] < before


@pytest.mark.parametrize(("changes", "said"), [
    ({"layers": (4, 3)}, "layers"), ({"layers": "784"}, "layers"), ({"layers": (4, 0, 3)}, "layers"), ({"gain": 0}, "gain"),
    ({"gain": "much"}, "gain"), ({"sweeps": 0}, "sweeps"), ({"relaxation": 2.0}, "relaxation"), ({"rates": (1,)}, "rates"),
    ({"rates": (1, -1)}, "rates"), ({"decay": 1.5}, "decay"), ({"bias_rate": -1}, "bias_rate"),
    ({"amplifier": 0}, "amplifier"),
])  # fmt: skip
def test_nets_that_cannot_be_are_refused(changes, said):
    """One sentence that names the argument."""
    with pytest.raises(ClocklessError, match=said):
        cl.DeepResistive(**{"layers": (4, 5, 3), **changes})


@pytest.mark.parametrize(("changes", "said"), [
    ({"rule": cl.CoupledLearning(0.1, 0.1)}, "conductance"), ({"device": cl.SignedLevels(129, 1.0)}, "negative"),
    ({"device": cl.Levels(64, 0.01, 1, comparator=cl.Magnitudes(1e-3))}, "comparator|compares"),
    ({"initial": 1.0}, "initial"), ({"initial": np.full(SMALL.shape.parameters, -1.0)}, "negative"),
    ({"task": cl.tasks.regression(cl.networks.board16())}, "names nodes"),
    ({"batch": 2, "task": cl.Task(x_train=np.eye(3), y_train=np.eye(3), x_test=np.eye(3), y_test=np.eye(3))}, "3 inputs"),
])  # fmt: skip
def test_what_layers_cannot_use_is_refused(changes, said):
    """One sentence each."""
    with pytest.raises(ClocklessError, match=said):
        SMALL.check(replica_of(SMALL, **changes))


def test_no_minimum_at_minus_beta_is_marked():
    """Where the nudge exceeds what joins an output, nothing settles at -beta: NaN in both, and the replica has failed."""
    net = net_of((5, 7, 3), sweeps=1)
    assert np.isnan(net.best(net.rest(), 1, Pull(-1e3, 1.0))).all()
    assert np.isfinite(net.best(net.rest(), 1, Pull(1e3, 1.0))).all()
    with pytest.warns(ReplicasFailedWarning):
        run = cl.train(
            SMALL, cl.tasks.digit_pixels(), rule=cl.EquilibriumPropagation(50.0, 0.01, centred=True), batch=4, steps=2
        )
    assert bool(run.data.failed)


# --- the paper -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "layers", "gain", "sweeps", "nudge", "rates", "errors"), [
    ("xs", (784, 100, 10), 100, 4, 1, (0.006,) * 2, (3.46, 2.94)),
    ("1h", (784, 1024, 10), 480, 4, 1, (0.006,) * 2, (1.57, 0.12)),
    ("2h", (784, 1024, 1024, 10), 2000, 5, 1, (0.002, 0.006, 0.018), (1.48, 0.25)),
    ("3h", (784, 1024, 1024, 1024, 10), 4000, 6, 2, (0.005, 0.02, 0.08, 0.005), (1.66, 0.46)),
    ("xl", (784, 32768, 10), 800, 4, 1, (0.006,) * 2, (1.33, 0.02)),
])  # fmt: skip
def test_published_settings(name, layers, gain, sweeps, nudge, rates, errors):
    """Tables of arXiv 2402.11674."""
    medium, published = cl.DeepResistive.preset(name), cl.DeepResistive.published(name)
    assert (medium.layers, medium.gain, medium.sweeps, medium.decay) == (layers, gain, sweeps, 0.99)
    assert (published.nudge, published.test_error, published.train_error) == (nudge, *errors)
    np.testing.assert_allclose(published.rate * np.array(medium.rates), rates)
    assert medium.bias_rate == (0.1 if name == "3h" else 1.0)


def test_first_conductances_are_the_paper_s():
    """max(0, uniform in +-1 / sqrt(fan-in)): half are 0, the others uniform; currents 0; the same seed, the same numbers."""
    medium = cl.DeepResistive((64, 40, 10))
    replica = replica_of(medium)
    values = medium.first(replica)
    for weight, (lower, _) in zip(medium.shape.split(values)[0], medium.shape.matrices, strict=True):
        share, count = np.mean(weight == 0), weight.size
        assert abs(share - 0.5) < 5 * np.sqrt(0.25 / count)
        assert 0.97 < weight.max() * np.sqrt(lower) <= 1
        assert abs(weight[weight > 0].mean() * np.sqrt(lower) - 0.5) < 5 / np.sqrt(12 * 0.5 * count)
    np.testing.assert_array_equal(values[medium.shape.conductances :], 0)
    np.testing.assert_array_equal(values, medium.first(replica))
    assert (values != medium.first(replica.changed(seed=4))).any()


def test_a_tenth_of_an_epoch_of_mnist():
    """XS on 6,000 of the real pictures: far from the 90 % of chance, and as settled as single precision allows."""
    task = cl.tasks.mnist_pixels(real_mnist(), test=2000)
    published = cl.DeepResistive.published("xs")
    rule = cl.EquilibriumPropagation(published.nudge, published.rate, centred=True)
    run = cl.train(cl.DeepResistive.preset("xs"), task, rule=rule, batch=4, steps=1500, record=[0, 1500])
    assert float(run.accuracy) > 0.8
    assert float(run.data.residual) < 1e-3


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_xs_in_full():
    """Ten epochs end within the binomial noise of 10,000 test pictures (ours and the paper's) of the published errors."""
    task, published = cl.tasks.mnist_pixels(real_mnist()), cl.DeepResistive.published("xs")
    rule = cl.EquilibriumPropagation(published.nudge, published.rate, centred=True)
    steps = published.epochs * 15_000
    run = cl.train(cl.DeepResistive.preset("xs"), task, rule=rule, batch=4, steps=steps, record=[0, steps])
    share = published.test_error / 100
    assert abs(1 - float(run.accuracy) - share) < 1.96 * np.sqrt(2 * share * (1 - share) / 10_000)
    assert abs(float(run.data.train_error[-1]) - published.train_error / 100) < 0.003
