"""The stamp of compiled code: how what numba compiles is found on disk by the next process, and never when it is old.

Numba keeps compiled code under the name and the file of a function, reads the whole index of that name, and compares the
time of that one file. Three things follow, which all stand here:

- An index of another version may name types that are gone, and reading it would fail. So the qualified name of every *entry*
  carries a digest of all sources that its module rests on: every version has an index of its own.
- After an edit of a clock in another file numba would run the old code. So the loop takes an empty array whose type names a
  digest of the sources of the parts used (`stamp`): every edit is another signature.
- Numba compiles a function together with all that it calls, again for every caller. Most of a learning step does not
  depend on the types of clock, rule and device, so it is `separate`: compiled and kept once for each tile and batch, while
  a new combination of types compiles a short loop around it. Its address is a number given at run time, so that the loop,
  too, is found on disk; the cost is an indirect call.

An entry is never compiled as an inner function, and inner functions have no wrappers (a fifth of the time to compile): tests
call them from a compiled function.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit, types
from numba.core import cgutils

from clockless.numerics.lanes import UNCOUNTED, intrinsic
from clockless.parts.part import kind
from clockless.parts.value_types import type_of
from clockless.sources import digest_of

ENTRY_OPTIONS: Any = {"cache": True, "nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}
_SOURCE = "source_"
_SEPARATE: Any = {**UNCOUNTED, "cache": True, "nogil": True}


def entry(function: Callable[..., Any], **options: Any) -> Any:
    """Compile a function that Python calls, such as a loop over steps; `options` are numba's."""
    return njit(**{**ENTRY_OPTIONS, **options})(_versioned(function))


def _versioned(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function under a name that says the version of all that its module rests on."""
    function.__qualname__ = f"{function.__name__.lstrip('_')}_{digest_of(function.__module__)}"
    return function


def stamp(module: str, *parts: Any) -> np.ndarray:
    """An empty array whose *type* names the sources that compiled code is made from: of a module, and of parts used."""
    sources = sorted({_source_of(cls) for part in parts for cls in _flat(kind(part))})
    digest = hashlib.sha256("\n".join([digest_of(module), *sources]).encode()).hexdigest()[:16]
    return np.empty(0, dtype=[(f"{_SOURCE}{digest}", np.uint8)])


def is_stamp(numba_type: Any) -> bool:
    """Whether a type of numba's is that of a stamp."""
    fields = getattr(getattr(numba_type, "dtype", None), "fields", None) or {}
    return any(name.startswith(_SOURCE) for name in fields)


def _flat(nested: tuple[Any, ...]) -> list[type]:
    return [
        cls for item in nested if not isinstance(item, int) for cls in (_flat(item) if isinstance(item, tuple) else [item])
    ]


@cache
def _source_of(cls: Any) -> str:
    try:
        file = inspect.getsourcefile(cls)
        return Path(file).read_text(encoding="utf-8") if file else repr(cls)
    except (TypeError, OSError):  # typed in at a prompt
        return repr(cls)


class separate:
    """Decorator of a function that returns nothing, allocates nothing and raises nothing; `options` are numba's."""

    def __init__(self, function: Callable[..., None], **options: Any) -> None:
        self.function, self._dispatcher = function, njit(**{**_SEPARATE, **options})(_versioned(function))

    def job(self, *arguments: Any, own: bool = False) -> tuple[separate, tuple[Any, ...], bool]:
        """What `compiling.compile_all` takes for arguments of these types; `own` if they may be of a user's parts."""
        return self, tuple(type_of(argument) for argument in arguments), own

    def address(self, *arguments: Any) -> int:
        """Where the machine code for arguments of these types begins: taken from disk or compiled now."""
        return self.address_of(tuple(type_of(argument) for argument in arguments))

    def address_of(self, signature: tuple[Any, ...]) -> int:
        """The same for a signature, numba's types of the arguments."""
        self.compile(signature)
        compiled = self._dispatcher.overloads[signature]
        address: int = compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)
        return address

    def compile(self, signature: tuple[Any, ...]) -> None:
        """Take the machine code for a signature from disk, or compile it and keep it there."""
        self._dispatcher.compile(signature)

    def is_known(self, signature: tuple[Any, ...]) -> bool:
        """Whether its machine code is in this process or on disk."""
        if signature in self._dispatcher.overloads:
            return True
        cache = self._dispatcher._cache  # numba has no public way to ask without compiling
        if not hasattr(cache, "_cache_file"):
            return False
        return cache._index_key(signature, self._dispatcher.targetctx.codegen()) in cache._cache_file._load_index()


def _called(context: Any, builder: Any, address: Any, kinds: tuple[Any, ...], values: list[Any]) -> Any:
    """The code that calls what begins at an address."""
    function = context.call_conv.get_function_type(types.none, kinds)
    pointer = builder.inttoptr(address, function.as_pointer())
    status, _ = context.call_conv.call_function(builder, pointer, types.none, kinds, values)
    with cgutils.if_unlikely(builder, status.is_error):
        context.call_conv.return_status_propagate(builder, status)
    return context.get_dummy_value()


@intrinsic
def call(typing_context, address, arguments):
    """Call the `separate` function at `address` with a tuple of arguments, of the types its address was asked for.

    Compiled only.
    """

    def codegen(context, builder, signature, args):
        values = [builder.extract_value(args[1], position) for position in range(len(arguments.types))]
        return _called(context, builder, args[0], arguments.types, values)

    return types.void(address, arguments), codegen


@intrinsic
def do(typing_context, work, arguments):
    """Call the function of `work`, a pair (address, its values' place, see `works`), with a tuple of further arguments.

    Compiled only.
    """

    def codegen(context, builder, signature, args):
        values = [builder.extract_value(args[1], position) for position in range(len(arguments.types))]
        address, place = (builder.extract_value(args[0], position) for position in range(2))
        return _called(context, builder, address, (types.int64, *arguments.types), [place, *values])

    return types.void(work, arguments), codegen
