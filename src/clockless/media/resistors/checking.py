"""Whether a part can do what its family asks of it: what it lacks in one sentence, and whether lanes and NumPy agree.

`checked_part` looks at the class and is asked before anything is compiled; `check` also compiles the part and lets it learn
a few steps on random units, in lanes and in NumPy.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

from numba.core.errors import NumbaError

from clockless.errors import ClocklessError, ParameterError, shown
from clockless.learning.part_checks import ARRAY_METHODS, SCALARS, checked_part, first_useful_line
from clockless.parts.scalars import METHODS, SENSED, named, scalar, slots


@dataclass(frozen=True)
class Report:
    """What `check` found of a part that can be used.

    Attributes:
        part: it.
        family: "rule", "clock", "trigger", "device", "optimiser" or "comparator".
        senses: what of its unit its scalar methods look at.
        slots: numbers that each unit keeps for it.
        difference: largest relative difference of lanes and NumPy on random units; None where that was not tried.
    """

    part: Any
    family: str
    senses: tuple[str, ...]
    slots: int
    difference: float | None

    def __str__(self) -> str:
        lines = [f"{self.part} is {'an' if self.family == 'optimiser' else 'a'} {self.family}."]
        if self.senses:
            lines.append(f"It looks at {', '.join(f'unit.{name}' for name in self.senses)}.")
        if self.slots:
            lines.append(f"Units keep {self.slots} number{'s' * (self.slots > 1)} for it.")
        if self.difference is not None:
            same = "bit for bit" if self.difference == 0 else f"but for a relative {self.difference:.1e}"
            lines.append(f"It compiles; lanes and NumPy agree {same}.")
        return "\n".join(lines)


def family_of(part: Any) -> str:
    """What kind of part it is.

    Raises:
        ParameterError: nothing says so.
    """
    cls = part if isinstance(part, type) else type(part)
    for family in SCALARS:
        if hasattr(cls, SCALARS[family]) or hasattr(cls, ARRAY_METHODS.get(family, SCALARS[family])):
            return family
    for family, method in (("optimiser", "direction"), ("comparator", "sensed")):
        if hasattr(cls, method):
            return family
    raise ParameterError(
        f"{shown(part)} is no part of a unit: give its class one of the methods acts(self, unit) (a clock), "
        "due(self, unit) (a trigger), wants(self, unit) (a rule) or writes(self, unit) (a device)."
    )


# --- by trying it ------------------------------------------------------------------------------------------------------


def does_not_compile(part: Any, family: str, error: BaseException) -> ParameterError:
    """The sentence for a part that numba cannot compile."""
    return ParameterError(
        f"{family} = {shown(part)} cannot be compiled ({first_useful_line(error)}); use numbers, tuples, `if`, NumPy's and "
        "math's functions alone in its methods."
    )


def not_compiled(parts: dict[str, Any], error: NumbaError) -> ClocklessError:
    """What `check` says of the first of the parts, by family, that cannot be compiled."""
    for part in parts.values():
        try:
            check(part)
        except ParameterError as sentence:
            return sentence
    return ParameterError(
        f"these parts cannot be compiled together ({first_useful_line(error)}); try clockless.check on each."
    )


def _tried(part: Any, family: str) -> float:
    """Largest relative difference of compiled code and NumPy on random units or, of a trigger, on a small board."""
    if family == "trigger":  # by name: steps do not rest on the sources of continuous time
        trying = importlib.import_module("clockless.media.resistors.in_time.trying")
        return float(trying.loop_against_arrays(part))
    from clockless.media.resistors.trying import lanes_against_arrays

    return lanes_against_arrays(part, family)


def check(part: Any) -> Report:
    """Look at a part and try it on random units, in lanes and in NumPy; takes a few seconds.

    Raises:
        ParameterError: what it lacks, why it cannot be compiled, or where lanes and NumPy disagree.
    """
    if isinstance(part, type):
        raise ParameterError(f"{shown(part)} is a class; give a part with its numbers, such as {part.__name__}(...).")
    family = family_of(part)
    checked_part(part, family)
    senses = {name for method in METHODS if (function := scalar(type(part), method)) for name in named(function)}
    difference = None
    if family != "comparator":
        try:
            difference = _tried(part, family)
        except NumbaError as error:
            raise does_not_compile(part, family, error) from None
        except Exception as error:  # noqa: BLE001 (the methods of a part from outside raise whatever they like)
            said = " ".join(f"{type(error).__name__}: {error}".split())
            raise ParameterError(f"{family} = {shown(part)} raises in NumPy ({said[:200]}); mend its methods.") from None
    if difference is not None and not difference < 1e-9:
        raise ParameterError(
            f"{family} = {shown(part)} gives other numbers in lanes than in NumPy; does it keep to its unit, and take its "
            "random numbers from unit.uniform or unit.normal?"
        )
    held = getattr(part, "lane_slots", slots(type(part)))
    return Report(part, family, tuple(name for name in SENSED if name in senses), held, difference)
