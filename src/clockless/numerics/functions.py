"""A few functions that are written once and used twice: on NumPy arrays, and on single numbers in loops that become vectors.

In compiled code none of them branches or calls a library, so that LLVM makes vectors of loops around them, and the bits are
the same on every machine. On arrays they are NumPy's; the two agree to a few roundings.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import overload, register_jitable

from clockless.numerics.lanes import UNCOUNTED, intrinsic, standing

jitable: Any = register_jitable(**UNCOUNTED)  # of a function of such functions: it stays one of NumPy, too
LARGEST = 700.0  # exponents beyond it are taken for it: exp(700) = 1e304
_SHIFT = 6755399441055744.0  # 1.5 x 2^52: adding it rounds to whole numbers
_LOG2E = 1.4426950408889634
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10


def larger(a: Any, b: Any) -> Any:
    """The larger of two numbers; `a` if it is not a number, so that what failed looks failed."""
    return np.maximum(a, b)


def smaller(a: Any, b: Any) -> Any:
    """The smaller of two numbers; `a` if it is not a number."""
    return np.minimum(a, b)


def chosen(condition: Any, a: Any, b: Any) -> Any:
    """`a` where the condition holds, else `b`; both are computed."""
    return np.where(condition, a, b)


def exponential(x: Any) -> Any:
    """exp(x) for -700 <= x <= 700, and at the nearer end of this range beyond it."""
    return np.exp(np.clip(x, -LARGEST, LARGEST))


def interval(grid: Any, x: Any) -> Any:
    """Number k of the interval grid[k] <= x < grid[k + 1] of an increasing grid, the first or last one outside."""
    return np.clip(np.searchsorted(np.asarray(grid), x, side="right") - 1, 0, len(grid) - 2)


def entry(table: Any, k: Any) -> Any:
    """table[k]."""
    return np.asarray(table)[k]


@overload(larger, jit_options=UNCOUNTED)
def _larger(a, b):
    return lambda a, b: b if a < b else a


@overload(smaller, jit_options=UNCOUNTED)
def _smaller(a, b):
    return lambda a, b: b if a > b else a


@overload(chosen, jit_options=UNCOUNTED)
def _chosen(condition, a, b):
    return lambda condition, a, b: a if condition else b


@overload(entry, jit_options=UNCOUNTED)
def _entry(table, k):
    return lambda table, k: table[k]


@overload(interval, jit_options=UNCOUNTED)
def _interval(grid, x):
    def bisect(grid, x):
        low, high = 0, grid.size - 1
        while high - low > 1:
            middle = (low + high) // 2
            if grid[middle] <= x:
                low = middle
            else:
                high = middle
        return low

    return bisect


@intrinsic
def _bits_of(typing_context, x):
    """The 64 bits of a float64 as a whole number."""

    def codegen(context, builder, signature, args):
        return builder.bitcast(args[0], ir.IntType(64))

    return types.int64(types.float64), codegen


@intrinsic
def _float_of(typing_context, bits):
    """The float64 that has these 64 bits."""

    def codegen(context, builder, signature, args):
        return builder.bitcast(args[0], ir.DoubleType())

    return types.float64(types.int64), codegen


@overload(exponential, jit_options=UNCOUNTED)
def _exponential(x):
    def power(x):
        # exp(x) = 2^k exp(r), r = x - k ln 2 within half of ln 2, where the Taylor series to r^13 ends below 2^-53.
        x = smaller(larger(x, -LARGEST), LARGEST)
        shifted = x * _LOG2E + _SHIFT
        k = shifted - _SHIFT
        r = (x - k * _LN2_HIGH) - k * _LN2_LOW
        p = 1.0 / 6227020800.0
        p = p * r + 1.0 / 479001600.0
        p = p * r + 1.0 / 39916800.0
        p = p * r + 1.0 / 3628800.0
        p = p * r + 1.0 / 362880.0
        p = p * r + 1.0 / 40320.0
        p = p * r + 1.0 / 5040.0
        p = p * r + 1.0 / 720.0
        p = p * r + 1.0 / 120.0
        p = p * r + 1.0 / 24.0
        p = p * r + 1.0 / 6.0
        p = p * r + 0.5
        p = p * r + 1.0
        p = p * r + 1.0
        return p * _float_of((_bits_of(shifted) << 52) + (1023 << 52))

    return power


@standing
def logarithm(x):
    """The natural logarithm to about 1e-4, for the sizes of steps only. Compiled only."""
    bits = _bits_of(x)
    exponent = (bits >> 52) - 1023
    mantissa = _float_of((bits & 0x000FFFFFFFFFFFFF) | 0x3FF0000000000000)
    t = (mantissa - 1.0) / (mantissa + 1.0)
    square = t * t
    return exponent * 0.6931471805599453 + 2.0 * t * (1.0 + square * (1.0 / 3 + square * (0.2 + square * (1.0 / 7))))
