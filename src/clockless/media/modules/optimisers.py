"""How a gradient becomes a change of parameters. The rate is a run-time number: changing it compiles nothing.

Contract: a frozen dataclass with `rate_at(step)` and a static method `transform()`, the optax transformation that turns a
gradient into a direction; compiled code depends on the class, not on its numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Any

import jax
import optax

from clockless.errors import ParameterError, shown
from clockless.media.modules.layers import Tree


@dataclass(frozen=True)
class Adam:
    """Kingma & Ba 2015 (arXiv 1412.6980): moving moments of the gradient, counted in the module's own updates.

    Args:
        rate: step size, positive.
        drops: steps from which the rate is a tenth of what it was; (300_000, 400_000) in the papers' runs of MNIST.

    Raises:
        ParameterError: a rate that is not positive and finite, or drops that are not steps.
    """

    rate: float = 1e-3
    drops: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        _check_schedule(self)

    @staticmethod
    def transform() -> optax.GradientTransformation:
        """Moments with decay 0.9 and 0.999; 1e-8 is added to the root of the second."""
        return optax.scale_by_adam()

    def rate_at(self, step: int) -> float:
        """The step size at an absolute step."""
        return _rate_at(self, step)


@dataclass(frozen=True)
class Descent:
    """Plain gradient descent, parameters -= rate x gradient.

    Raises:
        ParameterError: a rate that is not positive and finite, or drops that are not steps.
    """

    rate: float = 0.1
    drops: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        _check_schedule(self)

    @staticmethod
    def transform() -> optax.GradientTransformation:
        """The gradient as it is."""
        return optax.identity()

    def rate_at(self, step: int) -> float:
        """The step size at an absolute step."""
        return _rate_at(self, step)


def changed(transform: optax.GradientTransformation, parameters: Tree, moments: Tree, gradient: Tree, rate: Any) -> Any:
    """(parameters - rate x transformed gradient, moments)."""
    direction, moments = transform.update(gradient, moments, parameters)
    return jax.tree.map(lambda value, way: value - rate * way, parameters, direction), moments


def _rate_at(optimiser: Any, step: int) -> float:
    return float(optimiser.rate) * 0.1 ** sum(step >= drop for drop in optimiser.drops)


def _check_schedule(optimiser: Any) -> None:
    rate = optimiser.rate
    if isinstance(rate, bool) or not isinstance(rate, Real) or not 0 < float(rate) < float("inf"):
        raise ParameterError(f"rate = {shown(rate)}; the step size must be positive and finite.")
    drops = optimiser.drops
    if not isinstance(drops, (tuple, list)) or not all(isinstance(d, int) and d >= 0 for d in drops):
        raise ParameterError(
            f"drops = {shown(drops)}; give the steps at which the rate falls to a tenth, such as (300000,)."
        )
    object.__setattr__(optimiser, "drops", tuple(drops))


ADAM = Adam()
