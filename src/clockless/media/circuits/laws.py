"""The laws of edges: resistors, transistors, diodes, memristors, polynomials and one's own measurements.

Each is a frozen part like clocks and rules; `law` says what a law is. Ends: a is the first node of an edge, b the second; the
current of a diode flows from a to b. A transistor's theta is its gate voltage against the common ground.
"""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from clockless.errors import ParameterError, shown
from clockless.media.circuits.law import Law, flag, require
from clockless.media.circuits.measured import Table
from clockless.numerics.functions import chosen, exponential, jitable, larger, smaller
from clockless.parts import part as parts
from clockless.parts.part import part

THERMAL = 0.02585  # volts: kT/q at 300 K
INNER = 6  # Newton steps for the current through series resistances
MOST_IN_SERIES = 2.0  # 1/V, of (rd + rs) beta: up to there these steps end below 1e-13 of the current, also at 8 V


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
class Ohmic(Law):
    """A transistor in its ohmic range, gate voltage theta: I = G (va - vb), G = max(strength u, floor),

        u = theta - threshold - (va + vb) / 2.

    The edge of Dillavou et al. 2024 (doi 10.1073/pnas.2319718121). Not reciprocal: the conductance depends on the mean of
    the voltages.

    Args:
        strength: S, A/V^2, positive.
        threshold: V_T, volts.
        floor: least conductance, siemens, 0 or more; one of their codes has 1e-5 of full scale.
    """

    strength: float = 8.5e-4
    threshold: float = 0.7
    floor: float = 1e-8
    reciprocal = False
    parameter, measure = "gate voltage", "V"
    low, high, initial = 0.0, 5.0, 3.0

    def __post_init__(self) -> None:
        require(self, "strength", "positive")
        require(self, "threshold", "finite")
        require(self, "floor", "not negative")

    def carries(self, va: Any, vb: Any, theta: Any) -> Any:
        """I, dI/dva, dI/dvb."""
        drop = va - vb
        wanted = self.strength * (theta - self.threshold - 0.5 * (va + vb))
        conductance = larger(wanted, self.floor)
        bend = chosen(wanted > self.floor, 0.5 * self.strength, 0.0) * drop
        return conductance * drop, conductance - bend, -conductance - bend

    def steers(self, va: Any, vb: Any, theta: Any) -> Any:
        """dI/dtheta = S (va - vb) above the floor."""
        wanted = self.strength * (theta - self.threshold - 0.5 * (va + vb))
        return chosen(wanted > self.floor, self.strength, 0.0) * (va - vb)

    def contrasts(self, free: Any, pushed: Any, theta: Any) -> Any:
        """v^2 / 2 in place of a gradient."""
        return 0.5 * (pushed - free) * (pushed + free)


@part
class NMOS(Law):
    """An n-channel transistor of SPICE's level 1 (Shichman and Hodges 1968, doi 10.1109/JSSC.1968.1049902), body at ground.

    Drain is a, source is b, gate theta volts above ground. With vd the higher and vs the lower of the two inner voltages,

        von = vto + gamma (sqrt(phi + vs) - sqrt(phi)),   vov = theta - vs - von,   vds = vd - vs,
        I = 0                                              vov <= 0,
        I = beta (1 + lam vds) vov^2 / 2                   vov <= vds  (saturated),
        I = beta (1 + lam vds) (vov - vds / 2) vds         else,       beta = kp width / length.

    Below vs = 0 the root of phi + vs is continued as SPICE does, sqrt(phi) + vs / (2 sqrt(phi)). Series resistances are condensed into
    the edge: its current is the one at which inner voltages va - rd I and vb + rs I carry it, found by a fixed number of
    Newton steps, so no nodes are added. The junctions of the body are not modelled; they carry nothing while no node is
    below ground. Not reciprocal.

    Args:
        vto: threshold at vs = 0, volts.
        gamma: body effect, V^(1/2), 0 or more.
        phi: surface potential, volts, positive.
        kp: transconductance, A/V^2, positive.
        lam: channel-length modulation, 1/V, 0 or more.
        width, length: of the channel, metres (only their ratio counts).
        rd, rs: series resistances of drain and source, ohms, 0 or more.
    """

    vto: float = 0.75
    gamma: float = 0.0
    phi: float = 0.6
    kp: float = 2e-5
    lam: float = 0.0
    width: float = 1e-4
    length: float = 1e-4
    rd: float = 0.0
    rs: float = 0.0
    reciprocal = False
    parameter, measure = "gate voltage", "V"
    low, high, initial = 0.4, 8.0, 2.0

    def __post_init__(self) -> None:
        require(self, "vto", "finite")
        for name in ("phi", "kp", "width", "length"):
            require(self, name, "positive")
        for name in ("gamma", "lam", "rd", "rs"):
            require(self, name, "not negative")
        if (self.rd + self.rs) * self.kp * self.width / self.length > MOST_IN_SERIES:
            raise ParameterError(
                f"NMOS got rd = {self.rd:g} and rs = {self.rs:g} ohms, too much beside its channel to be condensed into the "
                f"edge ((rd + rs) kp width / length above {MOST_IN_SERIES:g} 1/V); make edges FixedResistor of them."
            )

    @classmethod
    def pyclln(cls, series: bool = False) -> NMOS:
        """The transistor of PyCLLN (Ma-Lab-Cal, 2026), with its series resistances (nrd .3, nrs 1 squares) or without."""
        squares = 73.21306042358299
        return cls(
            0.75, 1.09, 0.9499477708465783, 6.249608378152027e-05, 0.19998491299329302, 0.138e-3, 7.8e-6,
            0.3 * squares if series else 0.0, squares if series else 0.0,
        )  # fmt: skip

    @property
    def series(self) -> bool:
        """Whether there are series resistances, which compiled code treats apart."""
        return self.rd > 0 or self.rs > 0

    def kernel(self) -> str:
        """Without series resistances compiled code needs no inner iteration."""
        return "carries" if self.rd > 0 or self.rs > 0 else "bare"

    def bare(self, va: Any, vb: Any, theta: Any) -> Any:
        """I, dI/dva, dI/dvb of the channel alone."""
        current, da, db, _ = channel(self, va, vb, theta)
        return current, da, db

    def carries(self, va: Any, vb: Any, theta: Any) -> Any:
        """I, dI/dva, dI/dvb, series resistances included."""
        current, da, db, _ = with_series(self, va, vb, theta)
        return current, da, db

    def steers(self, va: Any, vb: Any, theta: Any) -> Any:
        """dI/dtheta."""
        return with_series(self, va, vb, theta)[3]

    def contrasts(self, free: Any, pushed: Any, theta: Any) -> Any:
        """v^2 / 2 in place of a gradient."""
        return 0.5 * (pushed - free) * (pushed + free)


@jitable
def channel(law: Any, va: Any, vb: Any, theta: Any) -> Any:
    """I, dI/dva, dI/dvb and dI/dtheta of an NMOS without its series resistances."""
    beta, root = law.kp * law.width / law.length, np.sqrt(law.phi)
    vd, vs = larger(va, vb), smaller(va, vb)
    above, below = np.sqrt(larger(law.phi + vs, 1e-30)), larger(root + vs / (root + root), 1e-30)
    bulk = chosen(vs >= 0.0, above, below)
    vov, vds = larger(theta - vs - law.vto - law.gamma * (bulk - root), 0.0), vd - vs
    slope = beta * (1.0 + law.lam * vds)
    reached = smaller(vds, vov)  # of vds, what the channel does not pinch off
    shape = reached * (vov - 0.5 * reached)
    gm = slope * reached
    gds = beta * law.lam * shape + slope * larger(vov - vds, 0.0)
    # The threshold rises with vs: dvon/dvs = gamma / (2 root); where SPICE's continuation has reached 0 it does no more.
    bend = chosen(bulk > 1e-30, law.gamma / (chosen(vs >= 0.0, bulk, root) * 2.0), 0.0)
    source = gm + gds + gm * bend
    forward = va >= vb
    current = slope * shape
    return (
        chosen(forward, current, -current), chosen(forward, gds, source), -chosen(forward, source, gds),
        chosen(forward, gm, -gm),
    )  # fmt: skip


@jitable
def with_series(law: Any, va: Any, vb: Any, theta: Any) -> Any:
    """The same with them: I = channel(va - rd I, vb + rs I), by Newton's steps from what flows without.

    Differentiating that equation gives dI = (da dva + db dvb + dtheta-part) / (1 + rd da - rs db).
    """
    current = 0.0 * va
    for _ in range(INNER):
        found, da, db, _ = channel(law, va - law.rd * current, vb + law.rs * current, theta)
        current = current + (found - current) / (1.0 + law.rd * da - law.rs * db)
    _, da, db, dtheta = channel(law, va - law.rd * current, vb + law.rs * current, theta)
    share = 1.0 / (1.0 + law.rd * da - law.rs * db)
    return current, da * share, db * share, dtheta * share


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
