"""What a law of an edge is: the current through it, given the voltages of its two ends and what it has learned.

Contract of a law: a `part` derived from `Law`, with scalar methods of its numbers, written for NumPy arrays and compiled
for lanes alike (so with `numerics.functions` in place of `if`). Voltages are in volts against the common ground, currents in
amperes from end a to end b, theta is what learns.

| method | what |
|---|---|
| carries(va, vb, theta) | (I, dI/dva, dI/dvb) |
| steers(va, vb, theta) | dI/dtheta |
| contrasts(free, pushed, theta) | the signal of the pushed minus that of the free state, of the voltage drops va - vb |
| cocontent(drop, theta) | W = integral of I from 0 to the drop, watts, of laws that are reciprocal |

A law is *reciprocal* if its current depends on va - vb alone. Networks of such laws settle where the sum of co-contents is
least or stationary (Millar 1951, doi 10.1080/14786445108561361), their Jacobian is symmetric, and the signal dW/dtheta makes
coupled learning and equilibrium propagation what they are for linear resistors. A transistor has no co-content: its signal
is v^2 / 2, as on the boards, and what it learns by is a rule, not a gradient.
"""

from __future__ import annotations

from dataclasses import fields
from numbers import Real
from typing import Any

import numpy as np

from clockless.errors import ParameterError, shown
from clockless.parts.part import spelled


class Law:
    """A law of an edge; the contract is that of the module.

    Attributes:
        reciprocal: whether the current depends on va - vb alone.
        rising: whether the current never falls with va - vb.
        cornered: whether its slope jumps or turns, so that Newton's steps may go round in circles.
        insulates: whether it may carry nothing at all over a range of voltages.
        junction: whether it grows exponentially, so that Newton's steps are limited per edge; needs `turn`.
        parameter, measure: name and unit of what learns; "" if nothing does.
        low, high, initial: range and start of what learns, where a circuit says nothing else.
    """

    reciprocal = True
    rising = True
    junction = False
    cornered = False
    insulates = False
    parameter = ""
    measure = "1"
    low, high, initial = 0.0, 1.0, 0.0

    def carries(self, va: Any, vb: Any, theta: Any) -> Any:
        """(I, dI/dva, dI/dvb); every law has its own."""
        raise ParameterError(
            f"{type(self).__name__} does not say what it carries; add a method carries(self, va, vb, theta) that gives the "
            "current and both differential conductances."
        )

    @property
    def learns(self) -> bool:
        """Whether there is something that learns."""
        return bool(self.parameter)

    def kernel(self) -> str:
        """Which method says in lanes what the edge carries."""
        return "carries"

    def numbers(self) -> tuple[float, ...]:
        """The fields that compiled code is given, in order."""
        return tuple(float(getattr(self, name)) for name in self.scalars())

    @classmethod
    def scalars(cls) -> tuple[str, ...]:
        """Names of the numbers that compiled methods find in `self`."""
        return tuple(field.name for field in fields(cls) if spelled(field.type) in ("float", "int", "bool"))  # type: ignore[arg-type]

    @classmethod
    def tables(cls) -> tuple[str, ...]:
        """Names of the rows of numbers that compiled methods find in `self`, all of one length."""
        return tuple(field.name for field in fields(cls) if spelled(field.type) == "Table")  # type: ignore[arg-type]

    def current(self, va: Any, vb: Any, theta: Any = 0.0) -> np.ndarray:
        """Current from a to b in amperes, of numbers or arrays."""
        a, b, learned = (np.asarray(each, dtype=np.float64) for each in (va, vb, theta))
        with np.errstate(all="ignore"):
            return np.asarray(self.carries(a, b, learned)[0], dtype=np.float64)

    def conductances(self, va: Any, vb: Any, theta: Any = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """The differential conductances dI/dva and dI/dvb, siemens; of a reciprocal law one is minus the other."""
        a, b, learned = (np.asarray(each, dtype=np.float64) for each in (va, vb, theta))
        with np.errstate(all="ignore"):
            _, da, db = self.carries(a, b, learned)
        return np.asarray(da, dtype=np.float64), np.asarray(db, dtype=np.float64)

    def signal(self, drop: Any, theta: Any = 0.0) -> np.ndarray:
        """What the edge senses of a settled state: dW/dtheta where there is a co-content W, v^2 / 2 of a transistor."""
        v, learned = np.asarray(drop, dtype=np.float64), np.asarray(theta, dtype=np.float64)
        return np.asarray(self.contrasts(0.0 * v, v, learned), dtype=np.float64)

    def steers(self, va: Any, vb: Any, theta: Any) -> Any:
        """Nothing learns."""
        return 0.0 * va

    def contrasts(self, free: Any, pushed: Any, theta: Any) -> Any:
        """Nothing learns."""
        return 0.0 * (free + pushed)


def require(law: Any, name: str, condition: str) -> None:
    """Raise unless the field is a finite number that is "positive", "not negative" or "finite"."""
    value = getattr(law, name)
    number = isinstance(value, Real) and not isinstance(value, bool) and bool(np.isfinite(float(value)))
    least = {"positive": np.nextafter(0.0, 1.0), "not negative": 0.0, "finite": -np.inf}[condition]
    if not number or not float(value) >= least:
        sign = "finite" if condition == "finite" else f"{condition} and finite"
        raise ParameterError(f"{type(law).__name__} got {name} = {shown(value)}; it must be {sign}.")


def flag(law: Any, name: str) -> None:
    """Raise unless the field is True or False."""
    if not isinstance(getattr(law, name), (bool, np.bool_)):
        raise ParameterError(f"{type(law).__name__} got {name} = {shown(getattr(law, name))}; give True or False.")
