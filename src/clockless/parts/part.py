"""How a clock, rule or device written as a plain Python class becomes numbers in the lanes of the compiled engine.

A *part* is a frozen dataclass. Its fields annotated `float`, `int` or `bool` are run-time numbers, those annotated `Part`
are parts themselves: for a block of replicas they are stacked into `Part.Lanes`, a named tuple of arrays [lane]. Compiled
behaviour is chosen by that type (`numba.extending.overload`), so a sweep over numbers compiles nothing and the compiled
code is found on disk by the next process. Your own part is therefore one class and one function:

    @part
    class EveryOther:
        def rate(self, units): return 0.5
        def acting(self, numbers): return np.arange(numbers.size) % 2 == 0      # the readable version

    @behaviour(clocks.choose, EveryOther)
    def _every_other(clock, memory, step, key, wanted, acts):                   # the same for a block of lanes
        acts[0::2] = True
        acts[1::2] = False
"""

from __future__ import annotations

import contextlib
import hashlib
import inspect
from collections import namedtuple
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import cache, wraps
from numbers import Integral, Real
from pathlib import Path
from typing import Any, TypeVar, cast, dataclass_transform

import numpy as np
from numba.extending import overload

from clockless.numerics.lanes import COMPILE_OPTIONS
from clockless.sources import digest_of

Part = Any  # annotation of a field that holds another part

C = TypeVar("C", bound=type)
# As text, too: a module that postpones annotations has them so.
_NUMBERS = ("float", "int", "bool", "Part", float, int, bool, Part)


@dataclass_transform(frozen_default=True)
def part(cls: C) -> C:
    """Make `cls` a frozen dataclass with a `Lanes` type for its numbers.

    What passes the class's own `__post_init__` is kept as Python's numbers, so that `p=1`, `p=1.0` and `p=np.float64(1)`
    print alike.
    """
    check = getattr(cls, "__post_init__", None)

    def __post_init__(self: Any, *args: Any) -> None:
        if check is not None:
            check(self, *args)
        for field in fields(made):
            object.__setattr__(self, field.name, _plain(field.type, getattr(self, field.name)))

    cls.__post_init__ = wraps(check)(__post_init__) if check else __post_init__  # type: ignore[attr-defined]
    made = cls = cast(C, dataclass(frozen=True)(cls))
    names = [field.name for field in fields(cls) if field.type in _NUMBERS]
    # Numba tells named tuples apart by their name, so it must be unique.
    name = f"Lanes_{cls.__module__}_{cls.__qualname__}".replace(".", "_").replace("<", "").replace(">", "")
    cls.Lanes = _lanes(name, tuple(names))  # type: ignore[attr-defined]
    return cls


def _plain(annotation: Any, value: Any) -> Any:
    """`value` as the annotated kind of number where this loses nothing, else as it is."""
    if annotation in ("float", float) and isinstance(value, Real):
        with contextlib.suppress(OverflowError):
            return float(value)
    if annotation in ("int", int) and isinstance(value, Integral):
        return int(value)
    if annotation in ("bool", bool) and isinstance(value, np.bool_):
        return bool(value)
    return value


def stack(parts: Sequence[Any]) -> Any:
    """The `Lanes` of several parts of one kind: numbers as float64 arrays [lane], parts within parts as their `Lanes`."""
    lanes = type(parts[0]).Lanes
    columns = ([getattr(p, name) for p in parts] for name in lanes._fields)
    return lanes(*(stack(c) if hasattr(c[0], "Lanes") else np.array(c, dtype=np.float64) for c in columns))


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


def kind(part: Any) -> tuple:
    """The types of a part and of the parts within it: parts of one kind share compiled code."""
    within = (getattr(part, field.name) for field in fields(part))
    return (type(part), *(kind(value) for value in within if hasattr(type(value), "Lanes")))


def behaviour(stub: Callable, cls: type) -> Callable[[Callable], Callable]:
    """Register the compiled behaviour of a part: what `stub` does when its first argument is `cls.Lanes`."""

    def register(function: Callable) -> Callable:
        @overload(stub, jit_options=COMPILE_OPTIONS, strict=False)
        def chosen(first, *rest):
            return function if getattr(first, "instance_class", None) is cls.Lanes else None  # type: ignore[attr-defined]

        return function

    return register


def stamp(*parts: Any) -> np.ndarray:
    """An empty array whose *type* names the source that the compiled code was made from.

    Numba's on-disk cache looks at the kernel's own file only; after an edit of a clock in another file it would run the
    old one. Passed to the kernel, this array makes every edit a new signature.
    """
    sources = sorted({_source_of(cls) for part in parts for cls in _flat(kind(part))})
    digest = hashlib.sha256("\n".join([package_digest(), *sources]).encode()).hexdigest()[:16]
    return np.empty(0, dtype=[(f"source_{digest}", np.uint8)])


def _flat(nested: tuple) -> list[type]:
    return [cls for item in nested for cls in (_flat(item) if isinstance(item, tuple) else [item])]


def package_digest() -> str:
    """A hash of the package's own sources that end up in the compiled loop: of all that the engine imports."""
    return digest_of("clockless.media.resistors.engine")


@cache
def _source_of(cls: Any) -> str:
    try:
        file = inspect.getsourcefile(cls)
        return Path(file).read_text(encoding="utf-8") if file else repr(cls)
    except (TypeError, OSError):  # typed in at a prompt
        return repr(cls)
