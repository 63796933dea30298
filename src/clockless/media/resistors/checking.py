"""Whether a part can do what its family asks of it: what it lacks in one sentence, and whether lanes and NumPy agree.

`checked_part` looks at the class and is asked before anything is compiled; `check` also compiles the part and lets it learn
a few steps on random units, in lanes and in NumPy.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from numbers import Real
from typing import Any

import numpy as np
from numba.core.errors import NumbaError

from clockless.errors import ClocklessError, ParameterError, shown
from clockless.parts.part import behaves, spelled
from clockless.parts.scalars import METHODS, OFFERED, SENSED, named, scalar, slots

_ARRAY_METHODS = {"rule": "change", "clock": "acting", "device": "written"}
_SCALARS = {"rule": "wants", "clock": "acts", "device": "writes", "trigger": "due"}
_STUBS = {"rule": ("wants",), "clock": ("choose",), "device": ("write",), "optimiser": ("steer", "follow"),
          "comparator": ("listen", "compare"), "trigger": ("due",)}  # fmt: skip
_PHRASES = {
    "rule": "what a unit of a compiled medium wants", "clock": "whether a unit acts", "device": "what is written",
    "trigger": "when it is due",
}  # fmt: skip
_KEEPING = ("keeps", "first", "fires", "passes", "hears")
_NEEDED = {
    "rule": ("nudge", "nudge: float", "how far the second state is pushed"),
    "device": ("comparator", "comparator: Part = Ideal()", "what compares the two states"),
}


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
    for family in _SCALARS:
        if hasattr(cls, _SCALARS[family]) or hasattr(cls, _ARRAY_METHODS.get(family, _SCALARS[family])):
            return family
    for family, method in (("optimiser", "direction"), ("comparator", "sensed")):
        if hasattr(cls, method):
            return family
    raise ParameterError(
        f"{shown(part)} is no part of a unit: give its class one of the methods acts(self, unit) (a clock), "
        "due(self, unit) (a trigger), wants(self, unit) (a rule) or writes(self, unit) (a device)."
    )


def checked_part(part: Any, family: str) -> Any:
    """The part, if its class has what its family needs.

    Raises:
        ParameterError: the first thing that is missing.
    """
    for sentence in _lacks(part, family):
        raise ParameterError(sentence)
    return part


def _lacks(part: Any, family: str) -> Iterator[str]:
    cls = type(part)
    name = f"{family} = {shown(part)}"
    if not hasattr(cls, "Lanes"):
        yield f"{name} is no part; decorate its class with clockless.parts.part.part."
    if not (is_dataclass(cls) and cls.__dataclass_params__.frozen):  # type: ignore[attr-defined]
        yield f"{name} is no frozen dataclass; decorate its class with clockless.parts.part.part alone."
    if family in _NEEDED:
        field, line, what = _NEEDED[family]
        if field not in cls.Lanes._fields:
            yield f"{name} has no field `{field}` ({what}); add the line `{line}` to its class."
    if not scalar(cls, _SCALARS.get(family, "")) and not all(behaves(stub, cls) for stub in _STUBS[family]):
        yield _without_contract(name, family)
    yield from _wrong_fields(part, name)
    yield from _wrong_methods(cls, name)
    level = getattr(cls, "level", None)
    if family == "device" and isinstance(level, property) and part.level != 0 and not behaves("level_of", cls):
        yield f"{name} has its `level` as a property, which lanes cannot read; make it a field, `level: float`."


def _without_contract(name: str, family: str) -> str:
    if family not in _SCALARS:
        stubs = " and ".join(f"`{stub}`" for stub in _STUBS[family])
        return f"{name} cannot run in lanes: its class has no registered behaviour of {stubs}; see clockless.parts."
    return (
        f"{name} does not say {_PHRASES[family]}: its class has no method `{_SCALARS[family]}(self, unit)`; add one, or "
        f"register a behaviour of {family}s.{_STUBS[family][0]} (clockless.media.resistors.reference.learn does without)."
    )


def _wrong_fields(part: Any, name: str) -> Iterator[str]:
    used = {n for method in METHODS if (f := scalar(type(part), method)) is not None for n in f.__code__.co_names}
    for field in fields(part):
        value, annotation = getattr(part, field.name), spelled(field.type)
        if annotation in ("float", "int", "bool") and not isinstance(value, (Real, np.bool_)):
            yield f"{name}: the field {field.name} is annotated {annotation}, but is {shown(value)}; give a number."
        if annotation == "Part" and not hasattr(type(value), "Lanes"):
            yield f"{name}: the field {field.name} is annotated Part, but {shown(value)} is none; give a part."
        if field.name in used and field.name not in type(part).Lanes._fields:
            yield (
                f"{name}: the field {field.name} is annotated {annotation}, which lanes do not hold, but a scalar method "
                "looks at it; annotate float, int, bool or Part."
            )


def _wrong_methods(cls: type, name: str) -> Iterator[str]:
    for method in METHODS:
        function = scalar(cls, method)
        if function is None:
            if method in cls.__dict__ and method in _SCALARS.values():
                yield f"{name}: `{method}` is no plain method; write def {method}(self, unit)."
            continue
        if function.__code__.co_argcount != 2:
            yield f"{name}: `{method}` takes {function.__code__.co_argcount} arguments; write def {method}(self, unit)."
        for unknown in sorted(named(function) - set(OFFERED[method])):
            known = "is known later" if unknown in SENSED else "does not exist"
            yield f"{name}: unit.{unknown} {known}; `{method}` can look at {', '.join(OFFERED[method])}."
        if method in _KEEPING and slots(cls) < 1:
            yield f"{name} has `{method}`, but no `slots`; add the line `slots = 1`, how many numbers each unit keeps."
    if getattr(cls, "slots", 0) and not (any(scalar(cls, m) for m in _KEEPING) or hasattr(cls, "direction")):
        yield f"{name} has `slots`, but nothing writes them; add a method keeps(self, unit) -> tuple."


# --- by trying it ------------------------------------------------------------------------------------------------------

_USELESS = re.compile(r"^(Failed in|During:|File |There are|\s*$|- |-\s|<source|\^|>>>|\S*Error:?$)")
_USEFUL = re.compile(
    r"(Unknown attribute|ame '.*' is not defined|NameError|No implementation of function|annot unify|annot determine|"
    r"Untyped global|nsupported|not supported|cannot be|Use of unsupported|Invalid use|wrong tuple length|unpack|undefined)"
)


def first_useful_line(error: BaseException) -> str:
    """What a compiler's error says of its cause, on one line."""
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line).strip() for line in str(error).splitlines()]
    useful = [line for line in lines if _USEFUL.search(line) and "unit_lanes" not in line] or [
        line for line in lines if line and not _USELESS.match(line)
    ]
    line = useful[-1] if useful else type(error).__name__
    if line.endswith(":"):  # what follows is what was asked for
        line += " " + next((later for later in lines[lines.index(line) + 1 :] if later), "").removeprefix(">>> ")
    return re.sub(r"Numbers\d*\(.*?\)", "the part", line)[:200]


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
