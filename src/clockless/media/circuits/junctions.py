"""Diodes as edges: the exponential junction, single or antiparallel, and the ideal switch. The current flows from a to b."""

from __future__ import annotations

from typing import Any

import numpy as np

from clockless.media.circuits.law import Law, flag, require
from clockless.numerics.functions import chosen, exponential, larger
from clockless.parts.part import part

THERMAL = 0.02585  # volts: kT/q at 300 K


@part
class Diode(Law):
    """A junction: I = saturation (exp(v / (ideality thermal)) - 1) + leak v, v = va - vb; nothing learns.

    Shockley 1949 (doi 10.1002/j.1538-7305.1949.tb03645.x). `antiparallel` is two of them in opposite directions,
    I = 2 saturation sinh(v / (ideality thermal)) + leak v, as in Kendall et al. 2020 (arXiv 2006.01981).

    Args:
        saturation: amperes, positive.
        ideality: N, positive.
        thermal: kT/q in volts, positive; 25.85 mV is room temperature.
        antiparallel: two junctions.
        leak: conductance beside the junction, siemens, 0 or more; SPICE's gmin.
    """

    saturation: float = 1e-14
    ideality: float = 1.0
    thermal: float = THERMAL
    antiparallel: bool = False
    leak: float = 1e-12
    junction = True

    @property
    def insulates(self) -> bool:  # type: ignore[override]
        """A reverse current alone fixes no voltage."""
        return self.leak == 0

    def __post_init__(self) -> None:
        for name in ("saturation", "ideality", "thermal"):
            require(self, name, "positive")
        require(self, "leak", "not negative")
        flag(self, "antiparallel")

    def carries(self, va: Any, vb: Any, theta: Any) -> Any:
        """I, dI/dva, dI/dvb."""
        width = self.ideality * self.thermal
        drop = va - vb
        forward = exponential(drop / width)
        backward = chosen(self.antiparallel, 1.0 / forward, 0.0)
        current = self.saturation * (forward - chosen(self.antiparallel, backward, 1.0)) + self.leak * drop
        conductance = self.saturation / width * (forward + backward) + self.leak
        return current, conductance, -conductance

    def turn(self) -> Any:
        """Volts in which the current grows by e, volts from which on steps are limited, and whether both ways."""
        width = self.ideality * self.thermal
        return width, width * np.log(width / (np.sqrt(2.0) * self.saturation)), self.antiparallel

    def cocontent(self, drop: Any, theta: Any) -> Any:
        """W = saturation (width (e^(v/width) - 1) - v) + leak v^2 / 2, or of two junctions."""
        width = self.ideality * self.thermal
        forward, backward = exponential(drop / width), exponential(-drop / width)
        one = width * (forward - 1.0) - drop
        two = width * (forward + backward - 2.0)
        return self.saturation * chosen(self.antiparallel, two, one) + 0.5 * self.leak * drop * drop


@part
class IdealDiode(Law):
    """A switch: I = on max(v - threshold, 0) + off v, v = va - vb; nothing learns.

    Args:
        threshold: volts.
        on: conductance added above the threshold, siemens, positive.
        off: conductance everywhere, siemens, 0 or more.
    """

    threshold: float = 0.0
    on: float = 1.0
    off: float = 1e-9
    cornered = True

    @property
    def insulates(self) -> bool:  # type: ignore[override]
        """An open switch."""
        return self.off == 0

    def __post_init__(self) -> None:
        require(self, "threshold", "finite")
        require(self, "on", "positive")
        require(self, "off", "not negative")

    def carries(self, va: Any, vb: Any, theta: Any) -> Any:
        """I, dI/dva, dI/dvb."""
        drop = va - vb
        over = larger(drop - self.threshold, 0.0)
        conductance = chosen(drop > self.threshold, self.on, 0.0) + self.off
        return self.on * over + self.off * drop, conductance, -conductance

    def cocontent(self, drop: Any, theta: Any) -> Any:
        """W = on max(v - threshold, 0)^2 / 2 + off v^2 / 2."""
        over = larger(drop - self.threshold, 0.0)
        return 0.5 * self.on * over * over + 0.5 * self.off * drop * drop
