"""Modules and interfaces against NumPy, autodiff of the whole, finite differences and cases by hand. Double precision."""

from __future__ import annotations

import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from clockless.errors import ClocklessError, ParameterError, TaskError
from clockless.media.modules import stacks, units
from clockless.media.modules.data import labelled as given
from clockless.media.modules.data import labels as examples
from clockless.media.modules.interfaces import Interface, blended
from clockless.media.modules.layers import (
    EPSILON,
    MOMENTUM,
    Hidden,
    Linear,
    Pair,
    Stack,
    check_fit,
    cross_entropy,
    cross_entropy_gradient,
    mlp,
)
from clockless.media.modules.methods import DNI, NAMED, Backprop, DelayedGradients, checked_method
from clockless.media.modules.optimisers import StepSize, transform, wanted
from clockless.parts.optimisers import Adam, Descent, Momentum


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def by_autodiff(function):
    """The gradient by the first argument, compiled: op by op each operation would be compiled by itself."""
    return jax.jit(jax.grad(function))


def drawn(rng, shapes):
    """Parameters and statistics of a module, away from their special first values."""
    return jax.tree.map(lambda value: np.abs(rng.normal(size=np.shape(value))) + 0.1, shapes)


def memories_of(stack, rng):
    return [unit.memory(rng.random, "float64") for unit in stack]


# --- layers ----------------------------------------------------------------------------------------------


def test_a_hidden_layer_is_what_numpy_says(rng):
    layer = Hidden(5, 4)
    parameters, statistics = drawn(rng, layer.init(rng.random))
    h = rng.normal(size=(16, 5))
    z = h @ parameters["weight"]
    normal = (z - z.mean(axis=0)) / np.sqrt(z.var(axis=0) + EPSILON)
    out, after = layer.apply(parameters, statistics, h, True)
    np.testing.assert_allclose(out, np.maximum(parameters["scale"] * normal + parameters["shift"], 0), rtol=1e-12)
    np.testing.assert_allclose(after["mean"], (1 - MOMENTUM) * statistics["mean"] + MOMENTUM * z.mean(axis=0), rtol=1e-12)
    moved = (1 - MOMENTUM) * statistics["variance"] + MOMENTUM * z.var(axis=0, ddof=1)
    np.testing.assert_allclose(after["variance"], moved, rtol=1e-12)


def test_a_test_uses_the_running_statistics_and_each_example_alone(rng):
    layer = Hidden(5, 4)
    parameters, statistics = drawn(rng, layer.init(rng.random))
    h = rng.normal(size=(6, 5))
    out, after = layer.apply(parameters, statistics, h, False)
    normal = (h @ parameters["weight"] - statistics["mean"]) / np.sqrt(statistics["variance"] + EPSILON)
    np.testing.assert_allclose(out, np.maximum(parameters["scale"] * normal + parameters["shift"], 0), rtol=1e-12)
    assert after is statistics
    alone = np.concatenate([layer.apply(parameters, statistics, h[i : i + 1], False)[0] for i in range(6)])
    np.testing.assert_allclose(out, alone, rtol=1e-12)


def test_running_statistics_come_to_those_of_the_data(rng):
    layer = Hidden(3, 2)
    parameters, statistics = layer.init(rng.random)
    covariance = np.array([[2.0, 0.3, 0.0], [0.3, 1.0, 0.1], [0.0, 0.1, 0.5]])
    for _ in range(400):
        h = rng.multivariate_normal([1.0, -1.0, 0.5], covariance, size=64)
        _, statistics = layer.apply(parameters, statistics, h, True)
    weight = parameters["weight"]
    np.testing.assert_allclose(statistics["mean"], np.array([1.0, -1.0, 0.5]) @ weight, atol=0.15)
    np.testing.assert_allclose(statistics["variance"], np.diag(weight.T @ covariance @ weight), rtol=0.2)


def test_first_weights_have_the_variance_of_their_formula(rng):
    weight = Hidden(400, 300).init(rng.random)[0]["weight"]
    assert weight.var() == pytest.approx(2 / 400, rel=0.02)
    assert Linear(400, 300).init(rng.random)[0]["weight"].var() == pytest.approx(1 / 400, rel=0.02)


def test_cross_entropy_and_its_gradient(rng):
    logits, labels = rng.normal(size=(7, 4)), rng.integers(4, size=7)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(cross_entropy(logits, labels), -np.log(probabilities[np.arange(7), labels]), rtol=1e-12)
    expected = by_autodiff(lambda z: cross_entropy(z, labels).sum())(logits)
    np.testing.assert_allclose(cross_entropy_gradient(logits, labels), expected, atol=1e-14)
    far = np.array([[1e4, 0.0, 0.0, 0.0], [0.0, 1e4, 0.0, 0.0]] * 3 + [[0.0] * 4])
    np.testing.assert_allclose(cross_entropy(far, np.zeros(7, dtype=int)), [0.0, 1e4] * 3 + [np.log(4)])


def test_a_stack_of_layers_is_their_composition(rng):
    layers = mlp(6, 5, 3, 4)
    stack = Stack(layers)
    parameters, statistics = stack.init(rng.random)
    h = rng.normal(size=(8, 6))
    out, _ = stack.apply(parameters, statistics, h, True)
    for layer, own, seen in zip(layers, parameters, statistics, strict=True):
        h, _ = layer.apply(own, seen, h, True)
    np.testing.assert_array_equal(out, h)
    assert (stack.inputs, stack.outputs, stack.multiply_adds) == (6, 4, 6 * 5 + 5 * 5 + 5 * 4)


def _twice(uniform):
    return {"factor": 2 * np.ones(1)}, {}


def _scaled(parameters, statistics, h, training):
    return parameters["factor"] * h, statistics


def test_any_pair_of_functions_is_a_module(rng):
    module = pickle.loads(pickle.dumps(Pair(_twice, _scaled, 3, 3, 3)))
    check_fit((module, Linear(3, 2)))
    unit = units.Unit(module, Descent(), first=True)
    memory = unit.memory(rng.random, "float64")
    h, delta = rng.normal(size=(5, 3)), rng.normal(size=(5, 3))
    memory, out, pull = units.kept(unit, memory, h)
    np.testing.assert_array_equal(out, 2 * h)
    memory, _ = units.back(unit, memory, pull, delta, 0.1)
    np.testing.assert_allclose(memory["module"]["parameters"]["factor"], 2 - 0.1 * (delta * h).sum() / 5, rtol=1e-12)


# --- gradients -------------------------------------------------------------------------------------------


def whole_loss(modules, parameters, memories, batch):
    """Mean loss of a stack as one function."""
    h = batch[0]
    for module, own, memory in zip(modules, parameters, memories, strict=True):
        h, _ = module.apply(own, memory["module"]["statistics"], h, True)
    return cross_entropy(h, batch[1]).mean()


def test_gradients_of_each_module_are_those_of_the_whole(rng):
    modules = mlp(6, 8, 4, 3)
    stack = units.units_of(modules, Backprop(), Descent(), 3)
    memories = memories_of(stack, rng)
    batch = rng.normal(size=(16, 6)), rng.integers(3, size=16)
    parameters = [memory["module"]["parameters"] for memory in memories]
    whole = by_autodiff(lambda p: whole_loss(modules, p, memories, batch))(parameters)
    _, deltas = stacks.true_gradients(stack, memories, batch)
    h = batch[0]
    for i, unit in enumerate(stack):
        _, out, pull = units.kept(unit, memories[i], h)
        own, before = units.gradients(unit, pull, deltas[i])
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-14), own, whole[i])
        if i == 0:
            assert before is None
        else:
            np.testing.assert_allclose(before, deltas[i - 1], rtol=1e-12)
        h = out


def test_a_gradient_against_finite_differences(rng):
    modules = mlp(5, 6, 3, 3)
    stack = units.units_of(modules, Backprop(), Descent(), 3)
    memories = memories_of(stack, rng)
    batch = rng.normal(size=(12, 5)), rng.integers(3, size=12)
    parameters = [memory["module"]["parameters"] for memory in memories]
    cost = jax.jit(lambda p: whole_loss(modules, p, memories, batch))
    after = stacks.step(stack, Backprop(), memories, batch, np.ones(3, dtype=bool), 1.0)  # moved by minus the gradient
    for i, name, place in ((0, "weight", (2, 3)), (1, "shift", (4,)), (2, "bias", (1,))):
        gradient = np.subtract(parameters[i][name], after[i]["module"]["parameters"][name])[place]
        costs = []
        for way in (1e-5, -1e-5):
            shifted = [{name: np.array(value) for name, value in own.items()} for own in parameters]
            shifted[i][name][place] += way
            costs.append(float(cost(shifted)))
        assert gradient == pytest.approx((costs[0] - costs[1]) / 2e-5, rel=1e-6, abs=1e-10)


# --- interfaces ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hidden", [(), (9,), (9, 7)])
def test_an_interface_predicts_zero_at_first_and_moves_off_it(rng, hidden):
    interface = Interface(4, 4, classes=3, hidden=hidden)
    parameters, _ = interface.init(rng.random)
    h, labels, truth = rng.normal(size=(6, 4)), rng.integers(3, size=6), rng.normal(size=(6, 4))
    assert not np.any(jax.jit(interface.apply)(parameters, h, labels))
    gradient = by_autodiff(interface.misfit)(parameters, h, labels, truth)
    assert np.any(gradient[-1]["weight"])


def test_a_conditioned_interface_sees_the_label_as_a_one_hot_code(rng):
    conditioned, plain = Interface(4, 4, classes=3, zero=False), Interface(4, 4, zero=False)
    h, labels = rng.normal(size=(6, 4)), rng.integers(3, size=6)
    (parameters,) = conditioned.init(rng.random)[0]
    matrix = np.concatenate([parameters["weight"], parameters["label"]])
    expected = np.concatenate([h, np.eye(3)[labels]], axis=1) @ matrix
    np.testing.assert_allclose(conditioned.apply((parameters,), h, labels), expected, rtol=1e-12)
    assert conditioned.multiply_adds == matrix.size
    own = plain.init(rng.random)[0]
    np.testing.assert_array_equal(plain.apply(own, h, labels), plain.apply(own, h, (labels + 1) % 3))


def test_what_an_interface_learns_from(rng):
    """At zero, d misfit / dW = -h^T truth / batch and d misfit / dbias = -mean truth."""
    interface = Interface(4, 2)
    parameters = jax.tree.map(jnp.asarray, interface.init(rng.random)[0])
    h, truth = rng.normal(size=(6, 4)), rng.normal(size=(6, 2))
    (gradient,) = by_autodiff(interface.misfit)(parameters, h, None, truth)
    np.testing.assert_allclose(gradient["weight"], -h.T @ truth / 6, rtol=1e-12)
    np.testing.assert_allclose(gradient["bias"], -truth.mean(axis=0), rtol=1e-12)


def exact_pair(rng):
    """A linear module that learns from a linear interface, the exact interface before it, and what goes through both.

    With out = h V + b and delta = out A + Y B + c (Y the one-hot labels), the gradient at the module's input is
    delta V^T = h (V A V^T) + Y (B V^T) + (b A + c) V^T: linear in h and in the label.
    """
    after = units.Unit(Linear(4, 5), Descent(), critic=Interface(5, 5, classes=3))
    before = units.Unit(Linear(6, 4), Descent(), first=True, critic=Interface(4, 4, classes=3))
    memory = {name: dict(own) for name, own in after.memory(rng.random, "float64").items()}
    v, b = rng.normal(size=(4, 5)), rng.normal(size=5)
    a, of_label, c = rng.normal(size=(5, 5)), rng.normal(size=(3, 5)), rng.normal(size=5)
    memory["module"]["parameters"] = {"weight": jnp.asarray(v), "bias": jnp.asarray(b)}
    memory["critic"]["parameters"] = ({"weight": jnp.asarray(a), "label": jnp.asarray(of_label), "bias": jnp.asarray(c)},)
    exact = ({"weight": v @ a @ v.T, "label": of_label @ v.T, "bias": (b @ a + c) @ v.T},)
    return before, after, memory, jax.tree.map(jnp.asarray, exact)


def test_an_exact_synthesiser_gives_the_true_gradient(rng):
    before, after, memory, exact = exact_pair(rng)
    own = {name: dict(value) for name, value in before.memory(rng.random, "float64").items()}
    own["critic"]["parameters"] = exact
    x, labels = rng.normal(size=(16, 6)), rng.integers(3, size=16)

    learned, h, _, _ = units.act(before, own, x, labels, 0.1)
    _, _, delta, _ = units.act(after, memory, h, labels, 0.1)
    np.testing.assert_allclose(units.predicted(before, own, h, labels), delta, rtol=1e-11, atol=1e-12)

    waited, _, pull = units.kept(before, own, x)
    waited, _ = units.back(before, waited, pull, delta, 0.1)
    for name in ("weight", "bias"):
        by_synthesis, by_return = (m["module"]["parameters"][name] for m in (learned, waited))
        np.testing.assert_allclose(by_synthesis, by_return, rtol=1e-11, atol=1e-12)
        assert np.abs(by_return - own["module"]["parameters"][name]).max() > 1e-3

    taught = units.listen(before, own, h, labels, delta, 0.1)
    jax.tree.map(lambda new, old: np.testing.assert_allclose(new, old, atol=1e-12), taught["critic"]["parameters"], exact)


def test_a_synthesiser_learns_to_be_exact(rng):
    before, after, memory, exact = exact_pair(rng)
    own = before.memory(rng.random, "float64")
    for _ in range(3000):
        h, labels = rng.normal(size=(32, 4)), rng.integers(3, size=32)
        _, _, delta, _ = units.act(after, memory, h, labels, 0.1)
        own = units.listen(before, own, h, labels, delta, 0.1)
    found, wanted = own["critic"]["parameters"][0], exact[0]
    np.testing.assert_allclose(found["weight"], wanted["weight"], atol=1e-6)
    # a constant may stand in the labels' rows or in the bias
    np.testing.assert_allclose(found["label"] + found["bias"], wanted["label"] + wanted["bias"], atol=1e-6)


def test_mixing_goes_from_synthetic_to_true(rng):
    true, synthetic = rng.normal(size=(3, 2)), rng.normal(size=(3, 2))
    np.testing.assert_array_equal(blended(true, synthetic, 1.0), true)
    np.testing.assert_array_equal(blended(true, synthetic, 0.0), synthetic)
    np.testing.assert_allclose(blended(true, synthetic, 0.25), 0.25 * true + 0.75 * synthetic)


# --- optimisers ------------------------------------------------------------------------------------------


def directions(optimiser, gradients, precision):
    """What the optax form makes of gradients [step, parameter], all at once in compiled code."""
    with jax.enable_x64(precision == "float64"):
        zeros = jnp.zeros(gradients.shape[1], dtype=precision)
        moments, found = transform(optimiser).init(zeros), []
        for gradient in gradients:
            change, moments = wanted(optimiser, zeros, moments, jnp.asarray(gradient, dtype=precision), 1.0)
            found.append(-np.asarray(change, dtype=np.float64))
    return np.array(found)


@pytest.mark.parametrize(("precision", "tolerance"), [("float64", 1e-12), ("float32", 1e-6)])
@pytest.mark.parametrize("optimiser", [Descent(), Momentum(0.7), Adam(0.8, 0.9, 1e-6)], ids=str)
def test_transforms_are_the_packages_optimisers(rng, optimiser, precision, tolerance):
    """The same directions as the NumPy forms, which other tests hold against their papers."""
    gradients = rng.normal(size=(6, 5)).astype(np.float32).astype(np.float64)
    memory, everyone, expected = np.zeros((optimiser.slots, 5)), np.ones(5, dtype=bool), []
    for gradient in gradients:
        direction, memory = optimiser.direction(gradient, memory, everyone)
        expected.append(direction)
    np.testing.assert_allclose(directions(optimiser, gradients, precision), expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_the_usual_adam(rng, precision):
    """By its paper; in single precision 1 - 0.999^t, rounded to eight digits, leaves four of its own at t = 1."""
    gradients = rng.normal(size=(5, 4)).astype(np.float32).astype(np.float64)
    first, second, found = np.zeros(4), np.zeros(4), directions(Adam(), gradients, precision)
    for t, gradient in enumerate(gradients, start=1):
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        expected = (first / (1 - 0.9**t)) / (np.sqrt(second / (1 - 0.999**t)) + 1e-8)
        tolerance = 1e-12 if precision == "float64" else 4e-5
        np.testing.assert_allclose(found[t - 1], expected, rtol=tolerance)


def test_the_step_size_falls_to_a_tenth():
    sizes = StepSize(3e-5, drops=(10, 20))
    assert [sizes.rate_at(s) for s in (0, 9, 10, 19, 20)] == pytest.approx([3e-5, 3e-5, 3e-6, 3e-6, 3e-7])
    with pytest.raises(ParameterError, match="rate = 0"):
        StepSize(0)
    with pytest.raises(ParameterError, match="drops = 'late'"):
        StepSize(drops="late")


def test_changing_the_step_size_compiles_nothing(rng):
    unit = units.Unit(Linear(3, 2), Adam(), first=True, last=True)
    memory, h, labels = unit.memory(rng.random, "float64"), rng.normal(size=(5, 3)), rng.integers(2, size=5)
    units.act(unit, memory, h, labels, 0.1)
    compiled = units.act._cache_size()
    units.act(unit, memory, h, labels, 0.01)
    assert units.act._cache_size() == compiled


# --- data and bad input ----------------------------------------------------------------------------------


def test_digits_are_split_once_and_whole():
    digits = examples("digits")
    assert (len(digits.x_train), len(digits.x_test), digits.x_train.shape[1], digits.classes) == (1347, 450, 64, 10)
    from sklearn.datasets import load_digits

    pixels, _ = load_digits(return_X_y=True)
    both = np.concatenate([digits.x_train, digits.x_test])
    np.testing.assert_array_equal(np.sort(both @ np.arange(64.0)), np.sort(pixels / 16 @ np.arange(64.0)))
    other = examples("digits", seed=1)
    assert other.fingerprint != digits.fingerprint
    assert examples("digits").fingerprint == digits.fingerprint


def labelled(**changes):
    fields = {"x_train": np.zeros((4, 2)), "y_train": [0, 1, 2, 0], "x_test": np.zeros((1, 2)), "y_test": [1], "classes": 3}
    return given(**(fields | changes))


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda: check_fit((Hidden(4, 5), Linear(6, 2))), ParameterError, "module 0 gives 5 numbers but module 1 takes 6"),
        (lambda: Stack(()), ParameterError, "no modules"),
        (lambda: check_fit((Hidden(4, 5), "relu")), ParameterError, "module 1 = 'relu' has no inputs"),
        (lambda: Hidden(0, 3), ParameterError, "inputs = 0"),
        (lambda: mlp(4, 4, 0, 2), ParameterError, "layers = 0"),
        (lambda: Pair(None, _scaled, 1, 1, 1), ParameterError, "init = None cannot be called"),
        (lambda: Interface(4, 4, hidden=12), ParameterError, "hidden = 12"),
        (lambda: checked_method("magic"), ParameterError, "method = 'magic' is not one"),
        (lambda: DNI(mixing=1.5), ParameterError, "mixing = 1.5"),
        (lambda: DNI(unlock="all"), ParameterError, "unlock = 'all'"),
        (lambda: DNI(mixing=0.5, unlock="forward"), ParameterError, "mixing=0"),
        (lambda: DNI(conditioned=1), ParameterError, "conditioned = 1"),
        (lambda: DelayedGradients(-1), ParameterError, "delay = -1"),
        (lambda: StepSize(0.0), ParameterError, "rate = 0.0"),
        (lambda: StepSize(drops=0.5), ParameterError, "drops = 0.5"),
        (
            lambda: labelled(y_train=[0, 1, 3, 0]),
            TaskError,
            "labels_train holds 3 in example 2; 3 classes are labelled 0 to 2",
        ),
        (lambda: labelled(y_test=[-1]), TaskError, "labels_test holds -1 in example 0"),
        (lambda: labelled(y_test=[0.5]), TaskError, "labels_test = [0.5]; give one whole number per example"),
        (lambda: labelled(y_test=[1, 1]), TaskError, "labels_test = [1, 1]; give one whole number per example, [1]"),
        (lambda: labelled(x_test=np.zeros((1, 3))), TaskError, "x_train has 2 inputs but x_test 3"),
        (lambda: labelled(x_test=[[np.nan, 0]]), TaskError, "must be finite"),
        (lambda: labelled(x_train="abc"), TaskError, "does not hold numbers"),
        (lambda: examples("faces"), TaskError, "no examples called 'faces'"),
    ],
)
def test_bad_input_gets_one_sentence(make, error, says):
    with pytest.raises(error) as caught:
        make()
    assert issubclass(error, ClocklessError)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_name_is_a_method():
    assert all(checked_method(name) == method for name, method in NAMED.items())
