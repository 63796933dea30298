"""How examples arrive where time is continuous: each is held for a while, and switched at times that no unit knows of."""

from __future__ import annotations

from numbers import Real

import numpy as np

from clockless.errors import ParameterError, shown
from clockless.numerics.randomness import PRESENTATIONS, numbers
from clockless.parts.part import part


@part
class Shown:
    """One example at a time, each for `seconds`, then another.

    Args:
        seconds: how long an example is held, on average.
        random: holding times are exponential, so that switches are a Poisson process; otherwise all are the same.
        in_turn: examples come in the order of the training set; otherwise each is drawn anew, all equally likely.

    Raises:
        ParameterError: a time that is not positive and finite.
    """

    seconds: float
    random: bool = True
    in_turn: bool = False

    def __post_init__(self) -> None:
        number = isinstance(self.seconds, Real) and not isinstance(self.seconds, bool)
        if not (number and 0 < float(self.seconds) < np.inf):
            raise ParameterError(
                f"Shown got seconds = {shown(self.seconds)}; an example is held for a positive, finite time."
            )
        for name in ("random", "in_turn"):
            if not isinstance(getattr(self, name), (bool, np.bool_)):
                raise ParameterError(f"{name} = {shown(getattr(self, name))}; give True or False.")

    def drawn(self, count: int, seed: int, replica: int, number: int) -> tuple[int, float]:
        """Example and seconds of presentation `number`, from 0, of `count` examples."""
        luck = (numbers(seed, replica, number, PRESENTATIONS, 2) + 0.5) * 2.0**-32
        example = number % count if self.in_turn else min(int(luck[1] * count), count - 1)
        return example, float(self.seconds * (-np.log(luck[0]) if self.random else 1.0))
