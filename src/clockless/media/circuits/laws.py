"""The laws of edges: resistors, transistors, diodes, memristors, polynomials and one's own measurements.

Each is a frozen part like clocks and rules; `law` says what a law is. Ends: a is the first node of an edge, b the second.
Here stand those that are resistors in one way or another; all are found here by name.
"""

from __future__ import annotations

from typing import Any

from clockless.errors import ParameterError
from clockless.media.circuits.junctions import Diode, IdealDiode
from clockless.media.circuits.law import Law, require
from clockless.media.circuits.measured import Table
from clockless.media.circuits.polynomials import Polynomial
from clockless.media.circuits.transistors import NMOS, Ohmic
from clockless.numerics.functions import chosen, exponential
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

    @property
    def junction(self) -> bool:  # type: ignore[override]
        """Bent ones grow exponentially."""
        return self.curvature > 0

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


__all__ = [
    "NMOS", "Diode", "FixedResistor", "IdealDiode", "Linear", "Memristor", "Ohmic", "Polynomial", "Table",
]  # fmt: skip
LAWS = (Linear, FixedResistor, Ohmic, NMOS, Diode, IdealDiode, Memristor, Polynomial, Table)


def __dir__() -> list[str]:
    """What a person looks for; everything else is there as well."""
    return sorted(__all__)
