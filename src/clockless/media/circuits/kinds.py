"""Laws in lanes: what compiled code makes of a law is chosen by a type without values, one for each class of laws.

The numbers of all edges stand in one array [edge, number], so that functions compiled for different laws take the same
arguments, and are called one after the other by their addresses: a mixture of laws is compiled no more than each of them.
An edge's numbers become a named tuple, once for all lanes, and the law's own scalar methods are called with it.
"""

from __future__ import annotations

import contextlib
import hashlib
import inspect
from collections import namedtuple
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numba.extending import overload

from clockless.media.circuits.law import Law
from clockless.numerics.lanes import UNCOUNTED
from clockless.parts.part import named_type
from clockless.parts.scalars import spelled_code

_method = njit(**UNCOUNTED)  # methods may be long, or branch: they are not inlined before types are found
METHODS = ("carries", "contrasts", "cocontent", "turn")


class AnyLaw(NamedTuple):
    """Stands for any kind where a function is called by its address: kinds are empty, so they are no argument at all."""


def kind(law: Law) -> Any:
    """The empty named tuple whose type says what class a law is of, and which of its methods it carries by."""
    return _kind(type(law), law.kernel())()  # type: ignore[arg-type]


@cache
def _kind(cls: type[Law], kernel: str) -> Any:
    # Found on disk by its name (see `parts.part`), in which the code is: a class typed in again is another.
    texts = [spelled_code(function) for name in (*METHODS, kernel) if (function := getattr(cls, name, None)) is not None]
    with contextlib.suppress(TypeError, OSError):  # typed in at a prompt
        texts.append(Path(inspect.getsourcefile(cls) or "").read_text(encoding="utf-8"))
    digest = hashlib.sha256("\n".join(texts).encode()).hexdigest()[:12]
    found = named_type(f"{cls.__module__}_{cls.__qualname__}_{kernel}_{digest}", ())
    found._law, found._kernel = cls, kernel
    return found


# --- questions, answered by the type of the kind ------------------------------------------------------------------------


def numbers_of(kind, numbers, e, rows):
    """The law's numbers of edge e, a named tuple; `rows` is the length of its tables. Compiled only, as all below."""


def carried(kind, law, va, vb, theta):
    """(I, dI/dva, dI/dvb)."""


def contrasted(kind, law, free, pushed, theta):
    """Signal of the pushed minus that of the free state, by the drops."""


def held(kind, law, drop, theta):
    """Co-content."""


def turned(kind, law):
    """Width, first limited voltage, and whether both ways, of a junction."""


def _class(kind: Any) -> Any:
    return getattr(getattr(kind, "instance_class", None), "_law", None)


@overload(numbers_of, jit_options=UNCOUNTED)
def _numbers_of(kind, numbers, e, rows):
    cls = _class(kind)
    if cls is None:
        return None
    scalars, tables = cls.scalars(), cls.tables()
    first = len(scalars)
    texts = [f"numbers[e, {k}]" for k in range(first)]
    texts += [f"numbers[e, {first} + {k} * rows : {first} + {k + 1} * rows]" for k in range(len(tables))]
    around: dict[str, Any] = {"Numbers": namedtuple("Numbers", [*scalars, *tables] or ["nothing"])}
    exec(f"def made(kind, numbers, e, rows):\n    return Numbers({', '.join(texts) or '0.0'})", around)
    made: Callable[..., Any] = around["made"]
    return made


def _asks(stub: Callable[..., Any], name: str, arguments: str) -> None:
    """Let a stub call the law's own method."""

    @overload(stub, jit_options=UNCOUNTED, strict=False)
    def chosen(kind, *rest):
        cls = _class(kind)
        if cls is None:
            return None
        method = kind.instance_class._kernel if name == "carries" else name
        around = {"method": _method(getattr(cls, method))}
        exec(f"def ask(kind, {arguments}):\n    return method({arguments})", around)
        return around["ask"]


_asks(carried, "carries", "law, va, vb, theta")
_asks(contrasted, "contrasts", "law, free, pushed, theta")
_asks(held, "cocontent", "law, drop, theta")
_asks(turned, "turn", "law")


def packed(law: Law) -> np.ndarray:
    """A law's numbers and tables as one row."""
    tables = [np.asarray(getattr(law, name), dtype=np.float64) for name in law.tables()]
    return np.concatenate([np.array(law.numbers(), dtype=np.float64), *tables])


def rows(law: Law) -> int:
    """Length of a law's tables, 0 without any."""
    return len(getattr(law, law.tables()[0])) if law.tables() else 0
