"""Transistors as edges: the ohmic one of Dillavou et al., and SPICE's level 1 with body effect and series resistances.

Drain and source are the ends a and b, theta is the gate voltage against the common ground. Their current is no function of
the drop alone, so they have no co-content, and their signal v^2 / 2 is that of the boards.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from clockless.errors import ParameterError
from clockless.media.circuits.law import Law, require
from clockless.numerics.functions import chosen, jitable, larger, smaller
from clockless.parts.part import part

INNER = 6  # Newton steps for the current through series resistances
MOST_IN_SERIES = 1.0  # 1/V, of (rd + rs) beta: up to there these steps end below 1e-11 of the current, also at 8 V


@part
class Ohmic(Law):
    """A transistor in its ohmic range, gate voltage theta: I = G (va - vb), G = max(strength u, floor),

        u = theta - threshold - (va + vb) / 2.

    The edge of Dillavou et al. 2024 (doi 10.1073/pnas.2319718121). Not reciprocal: the conductance depends on the mean of
    the voltages. It has no saturation: beyond the pinch-off, va - vb > 2 u, its current falls with the drop as that of no
    transistor does, and circuits there may not settle; keep gates well above, or take `NMOS`.

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

    @property
    def insulates(self) -> bool:  # type: ignore[override]
        """Without a floor."""
        return self.floor == 0

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

    Below vs = 0 the root of phi + vs is continued as SPICE does, sqrt(phi) + vs / (2 sqrt(phi)).
    Series resistances are condensed into the edge: its current is the one at which inner voltages va - rd I and vb + rs I
    carry it, found by a fixed number of Newton steps, so no nodes are added. The junctions of the body are not modelled;
    they carry nothing while no node is below ground. Not reciprocal.

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
    insulates = True
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
