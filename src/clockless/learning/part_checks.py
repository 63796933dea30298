"""Whether a part has what its family needs to run in lanes: what it lacks, in one sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import lru_cache
from numbers import Real
from typing import Any

import numpy as np

from clockless.errors import ParameterError, shown
from clockless.parts.part import behaves, spelled
from clockless.parts.scalars import METHODS, OFFERED, SENSED, named, scalar, slots

ARRAY_METHODS = {"rule": "change", "clock": "acting", "device": "written"}
SCALARS = {"rule": "wants", "clock": "acts", "device": "writes", "trigger": "due"}
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


def checked_part(part: Any, family: str) -> Any:
    """The part, if its class has what its family needs.

    Raises:
        ParameterError: the first thing that is missing.
    """
    if any(_lacks(part, family, family)):  # the name is spelled out for who lacks something: ensembles check thousands
        raise ParameterError(next(_lacks(part, family, f"{family} = {shown(part)}")))
    return part


def _lacks(part: Any, family: str, name: str) -> Iterator[str]:
    cls = type(part)
    known: Any = cls
    if not hasattr(cls, "Lanes"):
        yield f"{name} is no part; decorate its class with clockless.parts.part.part."
    if not (is_dataclass(cls) and cls.__dataclass_params__.frozen):  # type: ignore[attr-defined]
        yield f"{name} is no frozen dataclass; decorate its class with clockless.parts.part.part alone."
    if family in _NEEDED:
        field, line, what = _NEEDED[family]
        if field not in cls.Lanes._fields:
            yield f"{name} has no field `{field}` ({what}); add the line `{line}` to its class."
    if not scalar(cls, SCALARS.get(family, "")) and not all(behaves(stub, cls) for stub in _STUBS[family]):
        yield _without_contract(name, family)
    yield from _wrong_fields(part, name)
    if not _methods_are_right(known):
        yield from _wrong_methods(cls, name)
    level = getattr(cls, "level", None)
    if family == "device" and isinstance(level, property) and part.level != 0 and not behaves("level_of", cls):
        yield f"{name} has its `level` as a property, which lanes cannot read; make it a field, `level: float`."


def _without_contract(name: str, family: str) -> str:
    if family not in SCALARS:
        stubs = " and ".join(f"`{stub}`" for stub in _STUBS[family])
        return f"{name} cannot run in lanes: its class has no registered behaviour of {stubs}; see clockless.parts."
    return (
        f"{name} does not say {_PHRASES[family]}: its class has no method `{SCALARS[family]}(self, unit)`; add one, or "
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


@lru_cache(maxsize=1024)
def _methods_are_right(cls: type) -> bool:
    """Whether nothing is wrong with the scalar methods of a class; their code is taken apart once."""
    return not any(_wrong_methods(cls, cls.__name__))


def _wrong_methods(cls: type, name: str) -> Iterator[str]:
    for method in METHODS:
        function = scalar(cls, method)
        if function is None:
            if method in cls.__dict__ and method in SCALARS.values():
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


# --- what a compiler says ------------------------------------------------------------------------------------------------

_USELESS = re.compile(r"^(Failed in|During:|File |There are|\s*$|- |-\s|<source|\^|>>>|\S*Error:?$)")
_QUOTED = re.compile(r"^ *File \"[^\"]*\", line \d+:\n(?s:.*?)(^ *\^ *$|(?=^ *During:))", re.MULTILINE)  # lines of a file
_USEFUL = re.compile(
    r"(Unknown attribute|ame '.*' is not defined|NameError|No implementation of function|annot unify|annot determine|"
    r"Untyped global|nsupported|not supported|cannot be|Use of unsupported|Invalid use|wrong tuple length|unpack|undefined)"
)


def not_compiled_together(error: BaseException) -> ParameterError:
    """The sentence for parts that numba cannot compile into one loop."""
    return ParameterError(
        f"these parts cannot be compiled together ({first_useful_line(error)}); try clockless.check on each."
    )


def first_useful_line(error: BaseException) -> str:
    """What a compiler's error says of its cause, on one line."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    text = re.sub(_QUOTED, "", text)
    lines = [line.strip() for line in text.splitlines()]
    useful = [line for line in lines if _USEFUL.search(line) and "unit_lanes" not in line] or [
        line for line in lines if line and not _USELESS.match(line)
    ]
    line = useful[-1] if useful else type(error).__name__
    if line.endswith(":"):  # what follows is what was asked for
        line += " " + next((later for later in lines[lines.index(line) + 1 :] if later), "").removeprefix(">>> ")
    return re.sub(r"Numbers\d*\(.*?\)", "the part", line)[:200]
