"""How a clock, rule or device written as a plain Python class becomes numbers in the lanes of the compiled engine.

A *part* is a frozen dataclass. Its fields annotated `float`, `int` or `bool` are run-time numbers, those annotated `Part`
are parts themselves and those annotated `Table` rows of numbers: for a block of replicas they are stacked into `Part.Lanes`,
a named tuple of arrays [lane]. Compiled code is chosen by that type, so a sweep over numbers compiles nothing and the
compiled code is found on disk by the next process. A part of one's own is one class with one method (see `scalars`):

    @part
    class Eager:
        threshold: float

        def acts(self, unit):
            return abs(unit.signal) > self.threshold

What cannot be said of one unit alone, such as that exactly k of N act, has a *block contract* instead: a readable method in
NumPy, and a function for a block of lanes that is registered by `behaviour`.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import cache, wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast, dataclass_transform

import numpy as np
from numba.extending import overload

from clockless.errors import COUNTS, flag, number, whole
from clockless.numerics.lanes import COMPILE_OPTIONS
from clockless.parts.scalars import code_digest, derived

if TYPE_CHECKING:
    Part = Any
    Table = Any
else:

    class Part:
        """Annotation of a field that holds another part."""

    class Table:
        """Annotation of a field that holds a row of numbers, or None."""


C = TypeVar("C", bound=type)
F = TypeVar("F", bound=Callable[..., Any])
_IN_LANES = ("float", "int", "bool", "Part", "Table")


def spelled(annotation: Any) -> str:
    """An annotation's last name, whether its module postpones annotations or not: "float", "Part", ..."""
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
    return text.rpartition(".")[2].strip()


@dataclass_transform(frozen_default=True)
def part(cls: C) -> C:
    """Make `cls` a frozen dataclass with a `Lanes` type for its numbers, and array methods as they follow from scalar ones.

    What passes the class's own `__post_init__` is kept as Python's numbers, so that `p=1`, `p=1.0` and `p=np.float64(1)`
    print alike.
    """
    check = getattr(cls, "__post_init__", None)

    def __post_init__(self: Any, *args: Any) -> None:
        if check is not None:
            check(self, *args)
        for field in fields(made):
            object.__setattr__(self, field.name, _plain(made.__name__, field, getattr(self, field.name)))

    cls.__post_init__ = wraps(check)(__post_init__) if check else __post_init__  # type: ignore[attr-defined]
    made = cls = cast(C, dataclass(frozen=True)(cls))
    if any(spelled(field.type) == "Table" for field in fields(cls)):
        cls.__repr__ = _repr_without_empty_tables  # type: ignore[method-assign,assignment]
    for name, method in derived(cls).items():
        setattr(cls, name, method)
    names = [field.name for field in fields(cls) if spelled(field.type) in _IN_LANES]
    # Numba tells named tuples apart by their name, so it must be unique; the code is in it, because a class typed in
    # again at a prompt is another one.
    name = f"Lanes_{cls.__module__}_{cls.__qualname__}_{code_digest(cls)}"
    cls.Lanes = _lanes(_identifier(name), tuple(names))  # type: ignore[attr-defined]
    cls.Lanes._part = cls  # type: ignore[attr-defined]
    return cls


def _identifier(text: str) -> str:
    return text.replace(".", "_").replace("<", "").replace(">", "").rstrip("_")


def _repr_without_empty_tables(self: Any) -> str:
    shown = (field.name for field in fields(self) if not (_is_table(field) and getattr(self, field.name) is None))
    return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"


def _is_table(field: Any) -> bool:
    return spelled(field.type) == "Table"


def _plain(name: str, field: Any, value: Any) -> Any:
    """`value` as the annotated kind of number; refused where a class's own check took what is none (True, 10**400)."""
    annotation, where = spelled(field.type), f"{name} got {field.name}"
    if annotation == "float":
        return number(where, value, "a number")
    if annotation == "int":
        return whole(where, value, -COUNTS)
    return flag(where, value) if annotation == "bool" else value


def stack(parts: Sequence[Any]) -> Any:
    """The `Lanes` of several parts of one kind: numbers as float64 arrays [lane], parts within parts as their `Lanes`.

    Tables are float64 [entry, lane], or None.
    """
    lanes = type(parts[0]).Lanes
    return lanes(*(_stacked([getattr(p, name) for p in parts]) for name in lanes._fields))


def _stacked(values: list[Any]) -> Any:
    if hasattr(values[0], "Lanes"):
        return stack(values)
    return None if values[0] is None else np.ascontiguousarray(np.array(values, dtype=np.float64).T)


@cache
def _lanes(name: str, names: tuple[str, ...]) -> type:
    """The named tuple of a part's numbers, which pickle finds as an attribute of this module.

    Numba's index on disk holds the types of all kernels and is read whole, so a process that does not know the user's
    module must still be able to read the type of the user's part.
    """
    lanes = namedtuple(name, names)  # type: ignore[misc]
    lanes.__module__ = __name__
    lanes.__qualname__ = f"{name}({','.join(names)})"
    return lanes


def __getattr__(name: str) -> type:
    if name.startswith("Lanes_") and name.endswith(")"):
        typename, _, names = name[:-1].partition("(")
        return _lanes(typename, tuple(filter(None, names.split(","))))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def kind(part: Any) -> tuple[Any, ...]:
    """The types of a part and of the parts within it, and lengths of tables: parts of one kind share compiled code."""
    within = [getattr(part, field.name) for field in fields(part)]
    tables = [len(getattr(part, field.name) or ()) for field in fields(part) if _is_table(field)]
    return (type(part), *(kind(value) for value in within if hasattr(type(value), "Lanes")), *tables)


def behaviour(stub: Callable[..., Any], cls: type) -> Callable[[F], F]:
    """Register the compiled behaviour of a part: what `stub` does when its first argument is `cls.Lanes`."""

    def register(function: F) -> F:
        _BEHAVIOURS.add((stub.__name__, cls))

        @overload(stub, jit_options=COMPILE_OPTIONS, strict=False)
        def chosen(first: Any, *rest: Any) -> F | None:
            return function if getattr(first, "instance_class", None) is cls.Lanes else None  # type: ignore[attr-defined]

        return function

    return register


_BEHAVIOURS: set[tuple[str, type]] = set()


def behaves(stub: str, cls: Any) -> bool:
    """Whether a class has a registered behaviour of the stub of this name."""
    return (stub, cls) in _BEHAVIOURS
