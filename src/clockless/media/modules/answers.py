"""What a stack answers, and the numbers that this follows from: parameters and running statistics, each in a row."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from clockless.media.modules.layers import Module, Tree

Numbers = tuple[Tree, Tree]  # parameters and statistics of a module


def computing(precision: str) -> AbstractContextManager[Any]:
    """What all computing stands in: JAX makes double precision a switch of the process."""
    switch: AbstractContextManager[Any] = jax.enable_x64(precision == "float64")
    return switch


@partial(jax.jit, static_argnums=0)
def answer(modules: tuple[Module, ...], numbers: tuple[Numbers, ...], x: jax.Array) -> jax.Array:
    """Logits [example, class] of the whole stack as a test sees it: batch normalisation by running statistics."""
    for module, (parameters, statistics) in zip(modules, numbers, strict=True):
        x, _ = module.apply(parameters, statistics, x, False)
    return x


@partial(jax.jit, static_argnums=0)
def answer_among(modules: tuple[Module, ...], numbers: tuple[Numbers, ...], x: jax.Array) -> jax.Array:
    """The same with batch normalisation by the moments of these very examples, as in training."""
    for module, (parameters, statistics) in zip(modules, numbers, strict=True):
        x, _ = module.apply(parameters, statistics, x, True)
    return x


def numbers_of(memories: Sequence[Tree]) -> tuple[Numbers, ...]:
    """Parameters and statistics of each module."""
    return tuple((memory["module"]["parameters"], memory["module"]["statistics"]) for memory in memories)


def flat_parameters(memories: Sequence[Tree]) -> np.ndarray:
    """The parameters of all modules in a row, float64 [parameter]."""
    return _flat([memory["module"]["parameters"] for memory in memories])


def flat_statistics(memories: Sequence[Tree]) -> np.ndarray:
    """The running statistics of all modules in a row, float64 [statistic]; none where no module keeps any."""
    return _flat([memory["module"]["statistics"] for memory in memories])


def _flat(trees: list[Tree]) -> np.ndarray:
    leaves = [np.asarray(leaf, dtype=np.float64).ravel() for leaf in jax.tree.leaves(trees)]
    return np.concatenate([np.empty(0), *leaves])


def counts(modules: Sequence[Module]) -> tuple[int, int]:
    """How many parameters and how many statistics the modules have."""
    drawn = [_drawn(module) for module in modules]
    return _flat([parameters for parameters, _ in drawn]).size, _flat([statistics for _, statistics in drawn]).size


def restored(
    modules: Sequence[Module], parameters: np.ndarray, statistics: np.ndarray, precision: str
) -> tuple[Numbers, ...]:
    """What `flat_parameters` and `flat_statistics` have put in a row, module by module."""
    drawn = [_drawn(module) for module in modules]
    own = _filled([parameters for parameters, _ in drawn], parameters, precision)
    seen = _filled([statistics for _, statistics in drawn], statistics, precision)
    return tuple(zip(own, seen, strict=True))


def _drawn(module: Module) -> Numbers:
    """Trees of the module's shapes."""
    return module.init(lambda count: np.full(count, 0.5))


def _filled(like: list[Tree], values: np.ndarray, precision: str) -> list[Any]:
    leaves, structure = jax.tree.flatten(like)
    ends = np.cumsum([np.size(leaf) for leaf in leaves])
    parts = np.split(np.asarray(values[: ends[-1] if len(ends) else 0], dtype=precision), ends[:-1])
    filled: list[Any] = jax.tree.unflatten(
        structure, [jnp.array(part.reshape(np.shape(leaf))) for leaf, part in zip(leaves, parts, strict=False)]
    )
    return filled
