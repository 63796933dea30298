"""Functions of the engine that are compiled on their own and called from compiled loops by their address.

Numba compiles a function together with all that it calls, again for every caller. Most of a learning step does not depend
on the types of clock, rule and device, so it is `separate`: compiled and kept on disk once for each tile and batch, while
a new combination of types compiles a short loop around it. The address is a number given at run time, so that the loop,
too, is found on disk by the next process; the cost is an indirect call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit, typeof, types
from numba.core import cgutils

from clockless.numerics.lanes import UNCOUNTED, intrinsic
from clockless.parts.part import package_digest

_OPTIONS: Any = {**UNCOUNTED, "cache": True, "nogil": True}


class separate:
    """Decorator of a function that returns nothing, allocates nothing and raises nothing."""

    def __init__(self, function: Callable[..., None]) -> None:
        # As for the loop itself, every version of the package has an index of its own on disk (see `engine`).
        function.__qualname__ = f"{function.__name__}_{package_digest()}"
        self._dispatcher = njit(**_OPTIONS)(function)

    def address(self, *arguments: Any) -> int:
        """Where the machine code for arguments of these types begins: taken from disk or compiled now."""
        signature = tuple(typeof(argument) for argument in arguments)
        self._dispatcher.compile(signature)
        compiled = self._dispatcher.overloads[signature]
        address: int = compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)
        return address


@intrinsic
def call(typing_context, address, arguments):
    """Call the `separate` function at `address` with a tuple of arguments, of the types its address was asked for.

    Compiled only.
    """

    def codegen(context, builder, signature, args):
        kinds = arguments.types
        values = [builder.extract_value(args[1], position) for position in range(len(kinds))]
        function = context.call_conv.get_function_type(types.none, kinds)
        pointer = builder.inttoptr(args[0], function.as_pointer())
        status, _ = context.call_conv.call_function(builder, pointer, types.none, kinds, values)
        with cgutils.if_unlikely(builder, status.is_error):
            context.call_conv.return_status_propagate(builder, status)
        return context.get_dummy_value()

    return types.void(address, arguments), codegen
