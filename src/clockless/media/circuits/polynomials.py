"""Odd polynomials as laws, negative resistances among them."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from clockless.errors import ParameterError, shown
from clockless.media.circuits.law import Law
from clockless.parts.part import Table, part


@part
class Polynomial(Law):
    """An odd polynomial: I = theta (c_1 v + c_3 v^3 + c_5 v^5 + ..), v = va - vb, theta a conductance in siemens.

    The current may fall with the voltage (c_1 < 0 is a negative resistance around 0); a circuit then settles in a state
    where co-content is least, of which there may be several.

    Args:
        coefficients: (c_1, c_3, ..) in 1, 1/V^2, ..; the last one positive.
    """

    coefficients: Table
    cornered = True
    parameter, measure = "conductance", "S"
    low, high, initial = 1e-6, 1.0, 1e-3

    def __post_init__(self) -> None:
        given = self.coefficients
        listed = list(given) if isinstance(given, (list, tuple, np.ndarray)) else []
        numbers: list[Any] = [x for x in listed if isinstance(x, Real) and not isinstance(x, bool) and np.isfinite(float(x))]
        if not numbers or len(numbers) < len(listed) or float(numbers[-1]) <= 0.0:
            raise ParameterError(
                f"Polynomial got coefficients = {shown(given)}; give numbers (c_1, c_3, ..), the last one positive: else "
                "the current runs away."
            )
        object.__setattr__(self, "coefficients", tuple(float(x) for x in numbers))

    @property
    def rising(self) -> bool:  # type: ignore[override]
        """Whether the slope is nowhere negative: of a polynomial in v^2 that is seen at its real roots."""
        slope = np.polynomial.Polynomial([(2 * k + 1) * c for k, c in enumerate(self.coefficients)])
        roots = np.asarray(slope.deriv().roots() if len(slope.coef) > 1 else [], dtype=np.complex128)
        at = roots.real[(np.abs(roots.imag) < 1e-9) & (roots.real > 0)]
        lowest: Any = np.min(np.asarray(slope(np.array([0.0, *at])), dtype=np.float64))
        return float(lowest) >= 0

    def carries(self, va: Any, vb: Any, theta: Any) -> Any:
        """I, dI/dva, dI/dvb."""
        drop = va - vb
        square, shape, slope = drop * drop, 0.0 * drop, 0.0 * drop
        last = len(self.coefficients) - 1
        for k in range(last, -1, -1):
            shape = shape * square + self.coefficients[k]
            slope = slope * square + (2 * k + 1) * self.coefficients[k]
        return theta * shape * drop, theta * slope, -theta * slope

    def steers(self, va: Any, vb: Any, theta: Any) -> Any:
        """dI/dtheta = I / theta."""
        drop = va - vb
        square, shape = drop * drop, 0.0 * drop
        for k in range(len(self.coefficients) - 1, -1, -1):
            shape = shape * square + self.coefficients[k]
        return shape * drop

    def contrasts(self, free: Any, pushed: Any, theta: Any) -> Any:
        """Difference of dW/dtheta = c_1 v^2 / 2 + c_3 v^4 / 4 + .."""
        first, second = free * free, pushed * pushed
        before, after = 0.0 * free, 0.0 * pushed
        for k in range(len(self.coefficients) - 1, -1, -1):
            before = before * first + self.coefficients[k] / (2 * k + 2)
            after = after * second + self.coefficients[k] / (2 * k + 2)
        return after * second - before * first

    def cocontent(self, drop: Any, theta: Any) -> Any:
        """W = theta (c_1 v^2 / 2 + c_3 v^4 / 4 + ..)."""
        square, area = drop * drop, 0.0 * drop
        for k in range(len(self.coefficients) - 1, -1, -1):
            area = area * square + self.coefficients[k] / (2 * k + 2)
        return theta * area * square
