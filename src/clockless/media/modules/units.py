"""A module with all it needs to learn on its own, and what it does: pass forward, act, listen. Compiled once per shape.

The functions take a `Unit` (static) and its memory (a tree of arrays), change nothing and return the new memory. The plain
loop, the actors and the benchmarks all call these, so they agree bit for bit. Rates and mixings are run-time numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from clockless.media.modules.devices import held_first, written
from clockless.media.modules.interfaces import Interface
from clockless.media.modules.layers import Linear, Module, Tree, Uniform, cross_entropy, cross_entropy_gradient
from clockless.media.modules.methods import DNI, LocalLoss, Method, local_classifier
from clockless.media.modules.optimisers import transform, wanted
from clockless.parts.devices import IDEAL

_static = partial(jax.jit, static_argnums=0)


@dataclass(frozen=True)
class Unit:
    """One module of a stack as it learns. Two of the same shape are equal and share compiled code.

    Args:
        module: what it computes.
        optimiser: what becomes of its gradients, and those of the models beside it.
        first, last: its place. The first needs no gradient at its input, the last has the loss.
        critic: its model of the gradient at its output, if it has one.
        source: its model of its input, if it has one.
        local: the classifier that it learns with, if it learns from a loss of its own.
        device: what holds the module's weights; the models beside it are held exactly.
    """

    module: Module
    optimiser: Any
    first: bool = False
    last: bool = False
    critic: Interface | None = None
    source: Interface | None = None
    local: Linear | None = None
    device: Any = IDEAL

    @property
    def _learners(self) -> dict[str, Any]:
        models = {"critic": self.critic, "source": self.source, "local": self.local}
        return {"module": self.module, **{name: model for name, model in models.items() if model is not None}}

    def memory(self, uniform: Uniform, dtype: str) -> Tree:
        """Its first memory: parameters, moments and statistics of the module and of the models beside it."""
        memory = {}
        for name, model in self._learners.items():
            first, seen = model.init(uniform)
            drawn = held_first(self.device if name == "module" else IDEAL, first), seen
            parameters, statistics = jax.tree.map(lambda value: jnp.array(np.asarray(value, dtype=dtype)), drawn)
            moments = transform(self.optimiser).init(parameters)
            memory[name] = {"parameters": parameters, "moments": moments, "statistics": statistics}
        return memory


def units_of(
    modules: tuple[Module, ...], method: Method, optimiser: Any, classes: int, device: Any = IDEAL
) -> tuple[Unit, ...]:
    """The units of a stack that learns by `method`."""
    made = []
    for i, module in enumerate(modules):
        first, last = i == 0, i == len(modules) - 1
        critic = source = local = None
        if isinstance(method, DNI):
            critic = None if last else method.gradient_model(module.outputs, classes)
            if method.unlock == "forward" and not first:
                source = method.input_model(modules[0].inputs, module.inputs)
        elif isinstance(method, LocalLoss):
            local = None if last else local_classifier(module, classes)
        made.append(Unit(module, optimiser, first, last, critic, source, local, device))
    return tuple(made)


# --- what a unit does ------------------------------------------------------------------------------------


@_static
def forward(unit: Unit, memory: Tree, h: jax.Array) -> tuple[Tree, jax.Array]:
    """Pass a batch on without learning: (memory with moved statistics, output [batch, width])."""
    own = memory["module"]
    out, statistics = unit.module.apply(own["parameters"], own["statistics"], h, True)
    return _with(memory, "module", statistics=statistics), out


@_static
def kept(unit: Unit, memory: Tree, h: jax.Array) -> tuple[Tree, jax.Array, Any]:
    """`forward` that also keeps what the way back needs: (memory, output, pullback)."""
    out, pull, statistics = _differentiated(unit, memory, h)
    return _with(memory, "module", statistics=statistics), out, pull


@_static
def act(unit: Unit, memory: Tree, h: jax.Array, labels: jax.Array, rate: Any) -> tuple[Tree, jax.Array, Any, jax.Array]:
    """Pass a batch on and learn at once from what the unit has: the loss, a loss of its own, or its critic.

    Returns memory, output [batch, width], the gradient at its input [batch, inputs] (None from the first unit and from
    those with a loss of their own), and the mean loss that it saw (0 with a critic).
    """
    out, pull, statistics = _differentiated(unit, memory, h)
    if unit.source is None:  # else the true input moves them
        memory = _with(memory, "module", statistics=statistics)
    loss = jnp.zeros((), out.dtype)
    if unit.last:
        loss, delta = cross_entropy(out, labels).mean(), cross_entropy_gradient(out, labels)
    elif unit.local is not None:
        memory, loss, delta = _learned_locally(unit, memory, out, labels, rate)
    else:
        delta = unit.critic.apply(memory["critic"]["parameters"], out, labels)  # type: ignore[union-attr]
    gradient, before = _pulled(unit, pull, delta)
    return _learned(unit, memory, "module", gradient, rate), out, None if unit.local is not None else before, loss


@_static
def back(unit: Unit, memory: Tree, pull: Any, delta: jax.Array, rate: Any) -> tuple[Tree, Any]:
    """Learn from a gradient that has come back, delta [batch, width]: (memory, gradient at the input)."""
    gradient, before = _pulled(unit, pull, delta)
    return _learned(unit, memory, "module", gradient, rate), before


@_static
def gradients(unit: Unit, pull: Any, delta: jax.Array) -> tuple[Tree, Any]:
    """(Gradient of the mean loss by the unit's parameters, gradient at its input), without learning."""
    return _pulled(unit, pull, delta)


@_static
def learned(unit: Unit, memory: Tree, gradient: Tree, rate: Any) -> Tree:
    """Memory after a step along a gradient of the module's parameters."""
    return _learned(unit, memory, "module", gradient, rate)


@_static
def listen(unit: Unit, memory: Tree, out: jax.Array, labels: jax.Array, delta: jax.Array, rate: Any) -> Tree:
    """Teach the critic the gradient that belongs to an earlier output."""
    return _taught(unit, memory, "critic", out, labels, delta, rate)


@_static
def watch(unit: Unit, memory: Tree, x: jax.Array, h: jax.Array, rate: Any) -> Tree:
    """Teach the source the input that has come, h [batch, inputs], for the network's input x."""
    return _taught(unit, memory, "source", x, None, h, rate)


@_static
def predicted(unit: Unit, memory: Tree, out: jax.Array, labels: jax.Array) -> jax.Array:
    """The synthetic gradient at an output."""
    return unit.critic.apply(memory["critic"]["parameters"], out, labels)  # type: ignore[union-attr]


@_static
def imagined(unit: Unit, memory: Tree, x: jax.Array) -> jax.Array:
    """The synthetic input for the network's input."""
    return unit.source.apply(memory["source"]["parameters"], x, None)  # type: ignore[union-attr]


# --- inside compiled code --------------------------------------------------------------------------------


def _with(memory: Tree, name: str, **changes: Tree) -> Tree:
    return {**memory, name: {**memory[name], **changes}}


def _differentiated(unit: Unit, memory: Tree, h: jax.Array) -> tuple[jax.Array, Any, Tree]:
    """(Output, pullback, moved statistics); the first unit is not differentiated by its input."""
    own = memory["module"]

    def passed(parameters: Tree, h: jax.Array) -> tuple[jax.Array, Tree]:
        return unit.module.apply(parameters, own["statistics"], h, True)

    if unit.first:
        return jax.vjp(lambda parameters: passed(parameters, h), own["parameters"], has_aux=True)
    return jax.vjp(passed, own["parameters"], h, has_aux=True)


def _pulled(unit: Unit, pull: Any, delta: jax.Array) -> tuple[Tree, Any]:
    gradient, *before = pull(delta)
    mean = jax.tree.map(lambda total: total / len(delta), gradient)  # deltas are per example: their sum goes over the batch
    return mean, before[0] if before else None


def _learned(unit: Unit, memory: Tree, name: str, gradient: Tree, rate: Any) -> Tree:
    own = memory[name]
    changes, moments = wanted(unit.optimiser, own["parameters"], own["moments"], gradient, rate)
    parameters = written(unit.device if name == "module" else IDEAL, own["parameters"], changes)
    return _with(memory, name, parameters=parameters, moments=moments)


def _taught(unit: Unit, memory: Tree, name: str, h: Any, labels: Any, truth: Any, rate: Any) -> Tree:
    gradient = jax.grad(getattr(unit, name).misfit)(memory[name]["parameters"], h, labels, truth)
    return _learned(unit, memory, name, gradient, rate)


def _learned_locally(unit: Unit, memory: Tree, out: Any, labels: Any, rate: Any) -> tuple[Tree, jax.Array, jax.Array]:
    def loss(parameters: Tree, out: jax.Array) -> jax.Array:
        logits, _ = unit.local.apply(parameters, {}, out, True)  # type: ignore[union-attr]
        return cross_entropy(logits, labels).mean()

    value, (gradient, delta) = jax.value_and_grad(loss, (0, 1))(memory["local"]["parameters"], out)
    return _learned(unit, memory, "local", gradient, rate), value, delta * len(out)
