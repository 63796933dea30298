"""Lanes: the replicas of a block stand next to each other in memory, a tile of them at a time in registers.

Arrays of the engine are [row, lane], C-contiguous float64, with the replicas of a block in neighbouring lanes. How many
lanes a *tile* has is a type (`Tile1`, `Tile8`, `Tile32`), so that one replica is not computed as many and compiled code is
found on disk. The width of a block is a multiple of its tile; `known` tells the compiler so. What is done with rows of
lanes is in `rows`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core.imputils import impl_ret_borrowed
from numba.extending import intrinsic as numba_intrinsic

# Division by zero gives inf, as in NumPy: a check in every lane would keep loops from being vectorised, and a replica that
# fails must not stop the others.
COMPILE_OPTIONS: Any = {"error_model": "numpy", "no_cpython_wrapper": True, "no_cfunc_wrapper": True, "_nrt": True}
# For functions that allocate nothing: without counting references there is much less to compile. What they call inherits
# this unless it says otherwise, as behaviours of parts do.
UNCOUNTED: Any = {**COMPILE_OPTIONS, "_nrt": False}
compiled = njit(**COMPILE_OPTIONS)
# Inlined before types are found: Numba would make machine code of each function on its own, too, and LLVM would work through
# it again at every level of calls. That pays for leaves; what branches by type, such as `learn`, it makes slower to compile.
uncounted = njit(inline="always", **UNCOUNTED)
intrinsic: Any = numba_intrinsic  # its type counts the typing context as an argument of the call


class Tile1(NamedTuple):
    """A block of exactly one lane; neighbouring rows share a register instead."""


class Tile8(NamedTuple):
    """Eight lanes held in registers at a time."""


class Tile32(NamedTuple):
    """Thirty-two lanes held in registers at a time, the fastest way through many replicas."""


_SIZES: dict[type, int] = {Tile1: 1, Tile8: 8, Tile32: 32}
WIDEST = 32  # the largest tile: the width of a large block is a multiple of it


def tile_of(count: int) -> Any:
    """The tile for blocks of up to `count` replicas: as few kinds as possible, as each is compiled on its own."""
    return Tile1() if count == 1 else Tile8() if count <= 24 else Tile32()


def width_of(tile: Any, count: int) -> int:
    """Lanes of a block of `count` replicas: the next multiple of its tile."""
    size = _SIZES[type(tile)]
    return -(-count // size) * size


def zeros(*shape: int) -> np.ndarray:
    """A float64 array of zeros that begins on a cache line: unaligned, a step takes a tenth longer."""
    size = int(np.prod(shape))
    raw = np.zeros(size + 8)
    first = (-raw.ctypes.data // 8) % 8
    return raw[first : first + size].reshape(shape)


def size_of(tile: Any) -> int:
    """Lanes of a tile's Numba type."""
    return _SIZES[tile.instance_class]


@intrinsic
def size(typing_context, tile):
    """Lanes of a tile, a constant. Compiled only."""

    def codegen(context, builder, signature, args):
        return ir.Constant(context.get_value_type(types.intp), size_of(tile))

    return types.intp(tile), codegen


@intrinsic
def known(typing_context, tile, lanes):
    """`lanes`, an array [.., lane] or a tuple of such, whose width is known to be a multiple of the tile, or 1.

    With that the compiler makes loops over lanes without remainders, and none at all for a single lane. Compiled only.
    """

    def narrowed(context: Any, builder: Any, kind: Any, value: Any) -> Any:
        if hasattr(kind, "types"):  # a tuple
            for position, inner in enumerate(kind.types):
                old = builder.extract_value(value, position)
                value = builder.insert_value(value, narrowed(context, builder, inner, old), position)
            return value
        if not isinstance(kind, types.Array):
            return value
        array = context.make_array(kind)(context, builder, value)
        extent = builder.extract_value(array.shape, kind.ndim - 1)
        if size_of(tile) == 1:
            extent = ir.Constant(extent.type, 1)
        else:
            extent = builder.and_(extent, ir.Constant(extent.type, -size_of(tile)))
        array.shape = builder.insert_value(array.shape, extent, kind.ndim - 1)
        return array._getvalue()

    def codegen(context, builder, signature, args):
        return impl_ret_borrowed(context, builder, lanes, narrowed(context, builder, lanes, args[1]))

    return lanes(tile, lanes), codegen
