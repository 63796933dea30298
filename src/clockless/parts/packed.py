"""Arguments of compiled code as words in memory, so that entering it is short to compile and quick at run time.

Numba takes every array of every argument apart in a wrapper that is compiled with the function: for the hundred arrays of
a block that is more code than the learning loop itself, compiled anew for each combination of parts, and run at every call.
Here the values stand in one array of 64-bit words in the layout of Numba's structs, and compiled code reads them there.
"""

from __future__ import annotations

import hashlib
import struct
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import NativeValue, models, register_model, typeof_impl, unbox

from clockless.numerics.lanes import intrinsic
from clockless.parts.value_types import type_of


class Packed:
    """Values for compiled code: integers, floats, None, arrays, other packed or opaque values, and (named) tuples of these.

    Arrays are kept and seen as they are, not copied; what stands in an attribute of a value later is not seen.
    """

    def __init__(self, *values: Any) -> None:
        self._kept = values  # or the arrays would be gone before they are read
        self._words = np.array(_words(values), dtype=np.uint64)
        self.kind = _type_of(values)
        self.address = self._words.ctypes.data


class Opaque:
    """A `Packed` for compiled code that does not know its type: an integer there, that of the first word's place.

    A `separate` function takes that integer for the `Packed`, which it is in machine code, and knows the type.
    """

    def __init__(self, values: Packed) -> None:
        self.values = values  # kept, as long as what holds this is

    @property
    def address(self) -> int:
        """Where its words begin."""
        return self.values.address


def _words(value: Any) -> list[int]:
    """A value as Numba's struct of it holds it, every member being eight bytes long."""
    if isinstance(value, tuple):
        return [word for item in value for word in _words(item)]
    if isinstance(value, np.ndarray):
        owner = [0, 0]  # no counted memory, no parent: Python keeps the array
        return [*owner, value.size, value.itemsize, value.ctypes.data, *value.shape, *(s % 2**64 for s in value.strides)]
    if isinstance(value, (Packed, Opaque)):
        return [value.address]
    if value is None:
        return [0]
    if isinstance(value, float):
        return [struct.unpack("=Q", struct.pack("=d", value))[0]]
    if isinstance(value, int) and not isinstance(value, bool):
        return [value % 2**64]
    raise TypeError(f"{type(value).__name__} cannot be packed: give integers, floats, None, arrays, and tuples of these")


def _type_of(values: tuple[Any, ...]) -> PackedType:
    together = type_of(values)  # always the same object for the same types
    if id(together) not in _TYPES:
        _TYPES[id(together)] = PackedType(tuple(together.types) if len(together) else ())
    return _TYPES[id(together)]


_TYPES: dict[int, PackedType] = {}


class PackedType(types.Type):
    """Numba's type of `Packed`: the types of its values."""

    def __init__(self, kinds: tuple[Any, ...]) -> None:
        self.kinds = kinds
        digest = hashlib.sha256(", ".join(map(str, kinds)).encode()).hexdigest()[:32]
        super().__init__(name=f"Packed_{digest}")  # in the names of all compiled functions, which would be kilobytes long


@typeof_impl.register(Packed)
def _typeof(value: Packed, _: Any) -> PackedType:
    return value.kind


@typeof_impl.register(Opaque)
def _typeof_opaque(value: Opaque, _: Any) -> Any:
    return types.int64  # as `_PackedModel` is


@register_model(PackedType)
class _PackedModel(models.PrimitiveModel):
    """The address of the first word."""

    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, ir.IntType(64))


@unbox(PackedType)  # type: ignore[untyped-decorator]
def _unboxed(kind: Any, value: Any, c: Any) -> NativeValue:
    address = c.pyapi.object_getattr_string(value, "address")
    number = c.pyapi.long_as_longlong(address)
    c.pyapi.decref(address)
    return NativeValue(number, is_error=cgutils.is_not_null(c.builder, c.pyapi.err_occurred()))


@intrinsic
def unpack(typing_context, packed):
    """The tuple of values of a `Packed`. Compiled only; arrays are borrowed."""

    def codegen(context, builder, signature, args):
        kind = context.get_value_type(signature.return_type)
        return builder.load(builder.inttoptr(args[0], kind.as_pointer()), align=8)

    return types.Tuple(packed.kinds)(packed), codegen
