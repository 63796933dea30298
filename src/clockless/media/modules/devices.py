"""Weights of modules on devices of few levels: `parts.devices` for the matrices of a module, in the nets' precision.

A device holds the *matrices* of a module; biases, scales and shifts, which are few, take any value, as fields of phases do.
What a module wants is rounded to whole levels before it is written, so that it has the same dead zone as everywhere:
changes of half a level or less are lost.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from clockless.errors import ParameterError, shown
from clockless.media.modules.layers import Tree
from clockless.parts.comparators import Ideal
from clockless.parts.devices import Continuous, SignedLevels


def checked_device(device: Any) -> Continuous | SignedLevels:
    """`device`, if modules can have their weights on it; ParameterError if not."""
    if not isinstance(device, (Continuous, SignedLevels)):
        unsigned = getattr(device, "low", -1.0) >= 0
        why = "whose weights have either sign" if unsigned else "which write exactly or by levels"
        raise ParameterError(
            f"device = {shown(device)} is nothing for modules, {why}; give Continuous() or SignedLevels(129, 1.0)."
        )
    if not isinstance(device.comparator, Ideal):
        raise ParameterError(f"device: {device.comparator} compares voltages, modules have none; give a device without it.")
    return device


def held_first(device: Any, parameters: Tree) -> Tree:
    """First parameters in NumPy, matrices at the nearest levels."""
    if device.level == 0:
        return parameters
    return jax.tree.map(lambda value: device.nearest(value) if np.ndim(value) > 1 else value, parameters)


def written(device: Any, parameters: Tree, changes: Tree) -> Tree:
    """Parameters after the wanted changes, in compiled code."""
    if device.level == 0:
        return jax.tree.map(lambda value, change: value + change, parameters, changes)

    def one(value: jax.Array, change: jax.Array) -> jax.Array:
        if value.ndim < 2:
            return value + change
        number = jnp.rint((value + device.bound) / device.level) + jnp.rint(change / device.level)
        new: jax.Array = device.level * (jnp.clip(number, 0, device.count - 1) - 0.5 * (device.count - 1))
        return new

    return jax.tree.map(one, parameters, changes)
