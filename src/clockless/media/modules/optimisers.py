"""How a gradient becomes a change of parameters: the package's optimisers as optax transforms, and the step size.

The numbers of an optimiser are constants of compiled code, where double precision rounds them once (1 - 0.999 has lost five
digits in single precision). The step size is a run-time number: changing it compiles nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import singledispatch
from numbers import Real
from typing import Any

import jax
import optax

from clockless.errors import ParameterError, shown
from clockless.media.modules.layers import Tree
from clockless.parts.optimisers import Adam, Descent, Momentum

OPTIMISERS = {"adam": Adam, "descent": Descent, "momentum": Momentum}


@dataclass(frozen=True)
class StepSize:
    """What a direction is multiplied with.

    Args:
        rate: step size, positive.
        drops: steps from which the rate is a tenth of what it was; (300_000, 400_000) in the papers' runs of MNIST.

    Raises:
        ParameterError: a rate that is not positive and finite, or drops that are not steps.
    """

    rate: float = 1e-3
    drops: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if isinstance(self.rate, bool) or not isinstance(self.rate, Real) or not 0 < float(self.rate) < float("inf"):
            raise ParameterError(f"rate = {shown(self.rate)}; the step size must be positive and finite.")
        if not isinstance(self.drops, (tuple, list)) or not all(isinstance(d, int) and d >= 0 for d in self.drops):
            raise ParameterError(
                f"drops = {shown(self.drops)}; give the steps at which the rate falls to a tenth, such as (300000,)."
            )
        object.__setattr__(self, "drops", tuple(self.drops))

    def rate_at(self, step: int) -> float:
        """The step size at an absolute step."""
        return float(self.rate) * 0.1 ** sum(step >= drop for drop in self.drops)


STEP = StepSize()


@singledispatch
def transform(optimiser: Any) -> optax.GradientTransformation:
    """What turns a gradient into the direction that `optimiser.direction` gives, for units that act in every call.

    Raises:
        ParameterError: an optimiser that has no such form.
    """
    raise ParameterError(f"optimiser = {shown(optimiser)} is nothing for modules; give Descent(), Momentum(0.9) or Adam().")


@transform.register
def _(optimiser: Descent) -> optax.GradientTransformation:
    return optax.identity()


@transform.register
def _(optimiser: Momentum) -> optax.GradientTransformation:
    return optax.trace(float(optimiser.momentum))


@transform.register
def _(optimiser: Adam) -> optax.GradientTransformation:
    return optax.scale_by_adam(float(optimiser.first), float(optimiser.second), float(optimiser.eps))


def wanted(optimiser: Any, parameters: Tree, moments: Tree, gradient: Tree, rate: Any) -> tuple[Tree, Tree]:
    """(What each parameter wants to change by, -rate x direction; moments)."""
    direction, moments = transform(optimiser).update(gradient, moments, parameters)
    return jax.tree.map(lambda way: -rate * way, direction), moments
