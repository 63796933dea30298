"""Modules of the papers' networks as (init, apply) pairs: linear, batch normalisation, ReLU; softmax cross-entropy last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from clockless import memory
from clockless.errors import ParameterError, shown, whole

Tree = Any  # nested dicts and tuples of arrays
Uniform = Callable[[int], np.ndarray]  # a number of values -> that many in (0, 1), float64

MOMENTUM = 0.1  # part of the running statistics that a batch renews; the habit of PyTorch and of the re-implementations
_WEIGHT_BYTES, _MODULE_BYTES = 16, 300  # a weight, its gradient and its first moments; a layer's own object
EPSILON = 1e-5  # added to variances


class Module(Protocol):
    """What the package's docstring calls a module."""

    @property
    def inputs(self) -> int: ...
    @property
    def outputs(self) -> int: ...
    @property
    def multiply_adds(self) -> int: ...
    def init(self, uniform: Uniform) -> tuple[Tree, Tree]: ...
    def apply(self, parameters: Tree, statistics: Tree, h: jax.Array, training: bool) -> tuple[jax.Array, Tree]: ...


def weights(uniform: Uniform, inputs: int, outputs: int, gain: float) -> np.ndarray:
    """[inputs, outputs], uniform with variance gain / inputs; gain 2 keeps the variance through a ReLU.

    He et al. 2015 (doi 10.1109/ICCV.2015.123).
    """
    bound = np.sqrt(3 * gain / inputs)
    drawn: np.ndarray = bound * (2 * uniform(inputs * outputs).reshape(inputs, outputs) - 1)
    return drawn


def standardised(z: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """z [batch, unit] less its mean over the batch, over its standard deviation; and mean and variance [unit].

    Ioffe & Szegedy 2015, algorithm 1 (arXiv 1502.03167). The variance is the biased one, as there.
    """
    mean = z.mean(axis=0)
    centred = z - mean
    variance = (centred**2).mean(axis=0)
    return centred / jnp.sqrt(variance + EPSILON), mean, variance


def _normalised(statistics: Tree, z: jax.Array, training: bool) -> tuple[jax.Array, Tree]:
    """By the batch's own moments in training, which also move the running ones; by the running ones in a test."""
    if not training:
        return (z - statistics["mean"]) / jnp.sqrt(statistics["variance"] + EPSILON), statistics
    normal, mean, variance = standardised(z)
    unbiased = variance * (len(z) / max(len(z) - 1, 1))
    moved = {"mean": mean, "variance": unbiased}
    return normal, {name: statistics[name] + MOMENTUM * (value - statistics[name]) for name, value in moved.items()}


@dataclass(frozen=True)
class Hidden:
    """relu(scale x batch normalisation of (h W) + shift). The normalisation takes a bias away, so W has none.

    Raises:
        ParameterError: a width that is not a whole number from 1.
    """

    inputs: int
    outputs: int

    def __post_init__(self) -> None:
        _check_widths(self)

    @property
    def multiply_adds(self) -> int:
        """Of one example's forward pass."""
        return self.inputs * self.outputs

    def init(self, uniform: Uniform) -> tuple[Tree, Tree]:
        """W for a ReLU, scale 1, shift 0; running mean 0 and variance 1."""
        parameters = {
            "weight": weights(uniform, self.inputs, self.outputs, 2.0),
            "scale": np.ones(self.outputs),
            "shift": np.zeros(self.outputs),
        }
        return parameters, {"mean": np.zeros(self.outputs), "variance": np.ones(self.outputs)}

    def apply(self, parameters: Tree, statistics: Tree, h: jax.Array, training: bool) -> tuple[jax.Array, Tree]:
        """[batch, inputs] -> [batch, outputs], and the running statistics."""
        normal, statistics = _normalised(statistics, h @ parameters["weight"], training)
        return jax.nn.relu(parameters["scale"] * normal + parameters["shift"]), statistics


@dataclass(frozen=True)
class Linear:
    """h W + b; the last module of a classifier, its outputs being logits.

    Raises:
        ParameterError: a width that is not a whole number from 1.
    """

    inputs: int
    outputs: int

    def __post_init__(self) -> None:
        _check_widths(self)

    @property
    def multiply_adds(self) -> int:
        """Of one example's forward pass."""
        return self.inputs * self.outputs

    def init(self, uniform: Uniform) -> tuple[Tree, Tree]:
        """W that keeps the variance, b = 0."""
        return {"weight": weights(uniform, self.inputs, self.outputs, 1.0), "bias": np.zeros(self.outputs)}, {}

    def apply(self, parameters: Tree, statistics: Tree, h: jax.Array, training: bool) -> tuple[jax.Array, Tree]:
        """[batch, inputs] -> [batch, outputs]."""
        return h @ parameters["weight"] + parameters["bias"], statistics


@dataclass(frozen=True)
class Stack:
    """Several layers as one module, which learns as a whole: what a worker holds after a cut.

    Raises:
        ParameterError: no layer, or layers whose widths do not fit.
    """

    layers: tuple[Module, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(self.layers))
        check_fit(self.layers)

    @property
    def inputs(self) -> int:
        """Width of what comes in."""
        return self.layers[0].inputs

    @property
    def outputs(self) -> int:
        """Width of what goes out."""
        return self.layers[-1].outputs

    @property
    def multiply_adds(self) -> int:
        """Of one example's forward pass."""
        return sum(layer.multiply_adds for layer in self.layers)

    def init(self, uniform: Uniform) -> tuple[Tree, Tree]:
        """Tuples over layers."""
        drawn = [layer.init(uniform) for layer in self.layers]
        return tuple(parameters for parameters, _ in drawn), tuple(statistics for _, statistics in drawn)

    def apply(self, parameters: Tree, statistics: Tree, h: jax.Array, training: bool) -> tuple[jax.Array, Tree]:
        """[batch, inputs] -> [batch, outputs], one layer after the other."""
        after = []
        for layer, own, seen in zip(self.layers, parameters, statistics, strict=True):
            h, moved = layer.apply(own, seen, h, training)
            after.append(moved)
        return h, tuple(after)


@dataclass(frozen=True)
class Pair:
    """A module from any two functions, `init` and `apply` as in the package's contract.

    Functions at the top level of a file can go to worker processes; lambdas cannot.

    Raises:
        ParameterError: a width or number of products that is no whole number, or something that cannot be called.
    """

    init: Callable[[Uniform], tuple[Tree, Tree]]
    apply: Callable[[Tree, Tree, jax.Array, bool], tuple[jax.Array, Tree]]
    inputs: int
    outputs: int
    multiply_adds: int

    def __post_init__(self) -> None:
        _check_widths(self)
        whole("multiply_adds", self.multiply_adds)
        for name in ("init", "apply"):
            if not callable(getattr(self, name)):
                raise ParameterError(f"{name} = {shown(getattr(self, name))} cannot be called; give a function.")


def mlp(inputs: int, width: int, layers: int, outputs: int) -> tuple[Module, ...]:
    """The papers' network, one module per layer: layers - 1 hidden ones and a linear one. `layers` counts weight matrices.

    Jaderberg et al. 2017, arXiv 1608.05343, section 3.2 and its supplement.
    """
    whole("layers", layers, 1)
    whole("inputs", inputs, 1), whole("width", width, 1), whole("outputs", outputs, 1)
    weights = inputs * width + max(layers - 2, 0) * width**2 + width * outputs
    memory.check(
        _WEIGHT_BYTES * weights + _MODULE_BYTES * layers,
        f"a network of {layers:,} layers of {width:,} units",
        "ask for fewer",
    )
    widths = [inputs] + [width] * (layers - 1)
    hidden = [Hidden(a, b) for a, b in pairwise(widths)]
    return (*hidden, Linear(widths[-1], outputs))


def cross_entropy(logits: jax.Array, labels: jax.Array) -> jax.Array:
    """-log softmax(logits)[label] of each example [batch]; logits [batch, class], labels [batch]."""
    shifted = logits - jax.lax.stop_gradient(logits.max(axis=1, keepdims=True))
    chosen = jnp.take_along_axis(shifted, labels[:, None], axis=1)[:, 0]
    return jnp.log(jnp.exp(shifted).sum(axis=1)) - chosen


def cross_entropy_gradient(logits: jax.Array, labels: jax.Array) -> jax.Array:
    """d cross_entropy / d logits = softmax - one-hot, per example [batch, class]."""
    return jax.nn.softmax(logits) - jax.nn.one_hot(labels, logits.shape[1], dtype=logits.dtype)


def check_fit(modules: Sequence[Module]) -> None:
    """Raise ParameterError unless every module takes what the one before it gives."""
    if not modules:
        raise ParameterError("there are no modules; give at least one, such as those of layers.mlp(64, 256, 4, 10).")
    for i, module in enumerate(modules):
        missing = [name for name in ("inputs", "outputs", "multiply_adds", "init", "apply") if not hasattr(module, name)]
        if missing:
            raise ParameterError(f"module {i} = {shown(module)} has no {missing[0]}; give one such as Hidden(64, 256).")
    for i, (before, after) in enumerate(pairwise(modules)):
        if before.outputs != after.inputs:
            raise ParameterError(
                f"module {i} gives {before.outputs} numbers but module {i + 1} takes {after.inputs}; make them equal."
            )


def _check_widths(module: Any) -> None:
    whole("inputs", module.inputs, 1)
    whole("outputs", module.outputs, 1)
