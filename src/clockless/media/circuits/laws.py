"""The laws of edges: resistors, transistors, diodes, memristors, polynomials and one's own measurements.

Each is a frozen part like clocks and rules; `law` says what a law is. Ends: a is the first node of an edge, b the second.
Here stand those that are resistors in one way or another; all are found here by name.
"""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from clockless.errors import ParameterError, shown
from clockless.media.circuits.junctions import Diode, IdealDiode
from clockless.media.circuits.law import Law, require
from clockless.media.circuits.measured import Table
from clockless.media.circuits.transistors import NMOS, Ohmic
from clockless.numerics.functions import chosen, exponential
from clockless.parts import part as parts
from clockless.parts.part import part


@part
class Linear(Law):
    """A resistor whose conductance learns, siemens: I = theta (va - vb)."""

    parameter, measure = "conductance", "S"
    low, high, initial = 0.01, 100.0, 1.0

    def carries(self, va: Any, vb: Any, theta: Any) -> Any:
        """I, dI/dva, dI/dvb."""
        return theta * (va - vb), theta, -theta

    def steers(self, va: Any, vb: Any, theta: Any) -> Any:
        """dI/dtheta = va - vb."""
        return va - vb

    def contrasts(self, free: Any, pushed: Any, theta: Any) -> Any:
        """dW/dtheta = v^2 / 2."""
        return 0.5 * (pushed - free) * (pushed + free)

    def cocontent(self, drop: Any, theta: Any) -> Any:
        """W = theta v^2 / 2."""
        return 0.5 * theta * drop * drop


@part
class FixedResistor(Law):
    """A resistor that learns nothing: I = (va - vb) / resistance.

    Args:
        resistance: ohms, positive.
    """

    resistance: float

    def __post_init__(self) -> None:
        require(self, "resistance", "positive")

    def carries(self, va: Any, vb: Any, theta: Any) -> Any:
        """I, dI/dva, dI/dvb."""
        conductance = 1.0 / self.resistance
        return conductance * (va - vb), conductance, -conductance

    def cocontent(self, drop: Any, theta: Any) -> Any:
        """W = v^2 / (2 R)."""
        return 0.5 * drop * drop / self.resistance


@part
class Memristor(Law):
    """A memristor at voltages too low to switch it: I = G sinh(curvature v) / curvature, 1 / G = theta on + (1 - theta) off.

    What learns is its state theta from 0 (off) to 1 (on), the share of the film that is doped (Strukov et al. 2008, doi
    10.1038/nature06932); curvature 0 is their linear law, above it the current grows as tunnelling does (Yang et al. 2008,
    doi 10.1038/nnano.2008.160).

    Args:
        on, off: resistances of the two states, ohms, 0 < on < off.
        curvature: 1/V, 0 or more.
    """

    on: float = 100.0
    off: float = 16_000.0
    curvature: float = 0.0
    parameter, measure = "state", "1"
    low, high, initial = 0.0, 1.0, 0.5
    junction = True

    def __post_init__(self) -> None:
        require(self, "on", "positive")
        require(self, "off", "positive")
        require(self, "curvature", "not negative")
        if self.on >= self.off:
            raise ParameterError(
                f"Memristor got on = {self.on:g} and off = {self.off:g}; on is the lower resistance, in ohms."
            )

    def carries(self, va: Any, vb: Any, theta: Any) -> Any:
        """I, dI/dva, dI/dvb."""
        drop = va - vb
        conductance = 1.0 / (theta * self.on + (1.0 - theta) * self.off)
        up = exponential(self.curvature * drop)
        down = 1.0 / up
        bent = chosen(self.curvature > 0.0, 0.5 * (up - down) / (self.curvature + (self.curvature == 0.0)), drop)
        steep = 0.5 * (up + down) * conductance
        return conductance * bent, steep, -steep

    def steers(self, va: Any, vb: Any, theta: Any) -> Any:
        """dI/dtheta = I dG/dtheta / G."""
        conductance = 1.0 / (theta * self.on + (1.0 - theta) * self.off)
        up = exponential(self.curvature * (va - vb))
        bent = chosen(self.curvature > 0.0, 0.5 * (up - 1.0 / up) / (self.curvature + (self.curvature == 0.0)), va - vb)
        return conductance * conductance * (self.off - self.on) * bent

    def contrasts(self, free: Any, pushed: Any, theta: Any) -> Any:
        """dG/dtheta times the difference of (cosh(c v) - 1) / c^2 = 2 sinh(c v / 2)^2 / c^2, or of v^2 / 2."""
        conductance = 1.0 / (theta * self.on + (1.0 - theta) * self.off)
        half = 0.5 * self.curvature
        there, here = exponential(half * (pushed + free)), exponential(half * (pushed - free))
        # cosh(c p) - cosh(c f) = 2 sinh(c (p + f) / 2) sinh(c (p - f) / 2): no difference of nearly equal numbers.
        bent = 0.5 * (there - 1.0 / there) * (here - 1.0 / here) / (4.0 * half * half + (half == 0.0))
        plain = 0.5 * (pushed - free) * (pushed + free)
        return conductance * conductance * (self.off - self.on) * chosen(half > 0.0, bent, plain)

    def turn(self) -> Any:
        """As a junction; of a straight line nothing is limited."""
        width = 1.0 / (self.curvature + 1e-3 * (self.curvature == 0.0))
        return width, width, True

    def cocontent(self, drop: Any, theta: Any) -> Any:
        """W = G (cosh(c v) - 1) / c^2, or G v^2 / 2."""
        conductance = 1.0 / (theta * self.on + (1.0 - theta) * self.off)
        up = exponential(0.5 * self.curvature * drop)
        half = 0.5 * (up - 1.0 / up)
        square = 2.0 * half * half / (self.curvature * self.curvature + (self.curvature == 0.0))
        return conductance * chosen(self.curvature > 0.0, square, 0.5 * drop * drop)


@part
class Polynomial(Law):
    """An odd polynomial: I = theta (c_1 v + c_3 v^3 + c_5 v^5 + ..), v = va - vb, theta a conductance in siemens.

    The current may fall with the voltage (c_1 < 0 is a negative resistance around 0); a circuit then settles in a state
    where co-content is least, of which there may be several.

    Args:
        coefficients: (c_1, c_3, ..) in 1, 1/V^2, ..; the last one positive.
    """

    coefficients: parts.Table
    parameter, measure = "conductance", "S"
    low, high, initial = 1e-6, 1.0, 1e-3

    def __post_init__(self) -> None:
        given = self.coefficients
        listed = list(given) if isinstance(given, (list, tuple, np.ndarray)) else []
        numbers = [x for x in listed if isinstance(x, Real) and not isinstance(x, bool) and np.isfinite(float(x))]
        if not numbers or len(numbers) < len(listed) or float(numbers[-1]) <= 0:
            raise ParameterError(
                f"Polynomial got coefficients = {shown(given)}; give numbers (c_1, c_3, ..), the last one positive: else "
                "the current runs away."
            )
        object.__setattr__(self, "coefficients", tuple(float(x) for x in numbers))

    @property
    def rising(self) -> bool:  # type: ignore[override]
        """Whether the slope is nowhere negative: of a polynomial in v^2 that is seen at its real roots."""
        slope = np.polynomial.Polynomial([(2 * k + 1) * c for k, c in enumerate(self.coefficients)])
        at = [r.real for r in slope.deriv().roots() if abs(r.imag) < 1e-9 and r.real > 0] if len(slope.coef) > 1 else []
        return bool(min(slope(np.array([0.0, *at]))) >= 0)

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


LAWS = (Linear, FixedResistor, Ohmic, NMOS, Diode, IdealDiode, Memristor, Polynomial, Table)
