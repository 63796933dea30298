"""Laws that SPICE has no element for, as subcircuits of one edge, and which law such a subcircuit is.

The subcircuit joins `a` to `b`; where the edge learns, `t` has as many volts as its parameter has units (a gate voltage, a
state, a conductance). What a law writes is also what is read: the numbers of a body propose a law, and it is taken if that
law would write this very body, so that a body that was edited into anything else is refused.

NOTE Of a diode below -3 n kT/q ngspice computes I = -is (1 - (3 n kT/q / (e |v|))^3) in place of is (exp(v / (n kT/q)) - 1)
(diode/dioload.c). The difference, up to 0.0036 is, is added by a behavioural source beside the junction: a source
alone would lack the limiting of junctions that lets ngspice find a state.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from clockless.errors import ParameterError
from clockless.media.circuits.junctions import Diode, IdealDiode
from clockless.media.circuits.laws import Memristor
from clockless.media.circuits.measured import Table
from clockless.media.circuits.polynomials import Polynomial
from clockless.media.circuits.transistors import Ohmic

THERMAL = 1.38064852e-23 / 1.6021766208e-19 * 300.15  # kT/q in volts at 27 degrees Celsius, by the constants of ngspice 39
_DROP, _BACK = "v(a,b)", "v(b,a)"
_LITERAL = re.compile(r"\((-[\d.]+(?:e[+-]?\d+)?)\)|(?<![\w.)])(\d[\d.]*(?:e[+-]?\d+)?)")


def n(value: float) -> str:
    """A number as an expression holds it: the shortest that is read back as the same double."""
    return repr(float(value)) if math.copysign(1.0, value) > 0 else f"({float(value)!r})"


def body_of(law: Any) -> list[str]:
    """The lines of the subcircuit of a law; raises KeyError for one that has none."""
    return _WRITERS[type(law)](law)


def law_of(body: str) -> Any:
    """The law that would write these lines, joined by line ends, whatever their blanks and the spelling of numbers; None if
    there is none.
    """
    meant = _normal(body)
    numbers = [float(first or second) for first, second in _LITERAL.findall(meant)]
    for read in _READERS:
        with suppress(IndexError, ValueError, ParameterError, OverflowError, ZeroDivisionError):
            for law in read(numbers):
                if _normal("\n".join(body_of(law))) == meant:
                    return law
    return None


def _normal(body: str) -> str:
    lines = [" ".join(re.sub(r"\s*([=<>?:+*/,()-])\s*", r"\1", line.lower()).split()) for line in body.split("\n")]
    return "\n".join(_LITERAL.sub(_normal_number, line) for line in lines)


def _normal_number(found: re.Match[str]) -> str:
    return n(float(found[1] or found[2]))


def thermal_units(law: Diode) -> float:
    """The emission coefficient with which SPICE's kT/q at 27 degrees gives the diode's exponent."""
    return float(law.ideality if law.thermal == THERMAL else law.ideality * law.thermal / THERMAL)


def diode_of(saturation: float, emission: float, leak: float, antiparallel: bool = False) -> Diode:
    """The law of a diode of SPICE at 27 degrees."""
    return Diode(saturation, emission, THERMAL, antiparallel, leak)


# --- laws to lines ---------------------------------------------------------------------------------------


def _source(current: str) -> str:
    return f"B1 a b I={current}"


def _ohmic(law: Ohmic) -> list[str]:
    opened = f"{n(law.strength)}*(v(t)-{n(law.threshold)}-0.5*(v(a)+v(b)))"
    return [_source(f"max({opened},{n(law.floor)})*{_DROP}")]


def _diode(law: Diode) -> list[str]:
    emission = thermal_units(law)
    junctions = ["D1 a b d", "D2 b a d"] if law.antiparallel else ["D1 a b d"]
    current = f"{n(law.leak)}*{_DROP}+{_in_reverse(law, emission, _DROP, _BACK)}"
    if law.antiparallel:
        current += f"-{_in_reverse(law, emission, _BACK, _DROP)}"
    return [f".model d d(is={n(law.saturation)} n={n(emission)})", *junctions, _source(current)]


def _in_reverse(law: Diode, emission: float, drop: str, back: str) -> str:
    """What ngspice's junction lacks far in reverse."""
    width = emission * THERMAL
    exact, cubic = f"exp({drop}/{n(width)})", f"pow({n(3 * width / math.e)}/{back},3)"
    return f"({drop}<{n(-3 * width)}?{n(law.saturation)}*({exact}-{cubic}):0)"


def _ideal(law: IdealDiode) -> list[str]:
    return [_source(f"{n(law.on)}*max({_DROP}-{n(law.threshold)},0)+{n(law.off)}*{_DROP}")]


def _memristor(law: Memristor) -> list[str]:
    bent = f"sinh({n(law.curvature)}*{_DROP})/{n(law.curvature)}" if law.curvature > 0 else _DROP
    return [_source(f"{bent}/(v(t)*{n(law.on)}+(1-v(t))*{n(law.off)})")]


def _polynomial(law: Polynomial) -> list[str]:
    shape = n(law.coefficients[-1])
    for coefficient in law.coefficients[-2::-1]:
        shape = f"{n(coefficient)}+{_DROP}*{_DROP}*({shape})"
    return [_source(f"v(t)*{_DROP}*({shape})")]


def _table(law: Any) -> list[str]:
    """The current at the first row, what is added over every interval, and straight lines outside."""
    v, i, s = law.voltages, law.currents, law.slopes
    outside = f"{n(s[0])}*min({_DROP}-{n(v[0])},0)+{n(s[-1])}*max({_DROP}-{n(v[-1])},0)"
    inside = "+".join(_interval(law, k) for k in range(len(v) - 1))
    return [_source(f"v(t)*({n(i[0])}+{outside}+{inside})")]


def _interval(law: Any, k: int) -> str:
    """Hermite's cubic by values y, z and slopes m, n at t = 0 and 1, less y: t (m + t (a + t b)), as in `media.circuits`."""
    left, right, y, z = n(law.voltages[k]), n(law.voltages[k + 1]), n(law.currents[k]), n(law.currents[k + 1])
    width = law.voltages[k + 1] - law.voltages[k]
    first, last = n(width * law.slopes[k]), n(width * law.slopes[k + 1])
    t = f"min(max(({_DROP}-{left})/({right}-{left}),0),1)"
    return f"{t}*({first}+{t}*(3*({z}-{y})-2*{first}-{last}+{t}*({first}+{last}-2*({z}-{y}))))"


_WRITERS: dict[type, Callable[[Any], list[str]]] = {
    Ohmic: _ohmic, Diode: _diode, IdealDiode: _ideal, Memristor: _memristor, Polynomial: _polynomial, Table: _table,
}  # fmt: skip


# --- numbers, in the order in which they stand in the lines, to laws that may have written them -----------

_PREFIX, _EACH = 7, 27  # numbers of a table's body before its intervals, and of each interval
_ROW = {"left": 0, "right": 1, "z": 12, "y": 13}


def _as_table(numbers: Sequence[float]) -> list[Any]:
    rows = [numbers[k : k + _EACH] for k in range(_PREFIX, len(numbers), _EACH)]
    voltages = [row[_ROW["left"]] for row in rows] + [rows[-1][_ROW["right"]]]
    currents = [row[_ROW["y"]] for row in rows] + [rows[-1][_ROW["z"]]]
    table: Any = (tuple(voltages), tuple(currents))
    return [Table(*table)]


def _as_diode(numbers: Sequence[float]) -> list[Any]:
    return [diode_of(numbers[0], numbers[1], numbers[2], both) for both in (False, True)]


_READERS: list[Callable[[Sequence[float]], list[Any]]] = [
    lambda x: [Ohmic(x[0], x[1], x[3])],
    _as_diode,
    lambda x: [IdealDiode(x[1], x[0], x[3])],
    lambda x: [Memristor(x[0], x[2])],
    lambda x: [Memristor(x[2], x[4], x[0])],
    lambda x: [Polynomial(tuple(x))],
    _as_table,
]
