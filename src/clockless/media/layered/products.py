"""Products of conductances and voltages, four rows with four examples at a time, so that sums stay in registers.

Rows are read once and used sixteen times; LLVM makes vectors of the loops over columns. Single precision; the order of
sums is fixed by the code and the processor's vectors, never by threads, of which there is one. Compiled only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

# Sums may be split into vectors. Not-a-numbers keep their meaning: a replica that fails must be seen to fail. Nothing here
# allocates, so nothing counts references.
OPTIONS: Any = {
    "error_model": "numpy", "no_cpython_wrapper": True, "no_cfunc_wrapper": True, "_nrt": False,
    "fastmath": {"reassoc", "contract", "nsz", "arcp"},
}  # fmt: skip
single = njit(**OPTIONS)
ZERO = np.float32(0)
FOUR = 4  # rows, and examples, that are worked on at a time
LINE = 16  # hidden layers are filled up to multiples of it, so that loops over their nodes leave nothing over


@single
def dots(rows, at, volts, m, first, size, scale, sums, to):
    """sums[m + a, to + b] += scale sum_k volts[m + a, first + k] rows[at + b size + k], for a and b from 0 to 3."""
    b0, b1 = rows[at : at + size], rows[at + size : at + 2 * size]
    b2, b3 = rows[at + 2 * size : at + 3 * size], rows[at + 3 * size : at + 4 * size]
    c0, c1 = volts[m, first : first + size], volts[m + 1, first : first + size]
    c2, c3 = volts[m + 2, first : first + size], volts[m + 3, first : first + size]
    s00 = s01 = s02 = s03 = s10 = s11 = s12 = s13 = s20 = s21 = s22 = s23 = s30 = s31 = s32 = s33 = ZERO
    for k in range(size // LINE * LINE):
        x0, x1, x2, x3 = b0[k], b1[k], b2[k], b3[k]
        y = c0[k]
        s00 += x0 * y
        s01 += x1 * y
        s02 += x2 * y
        s03 += x3 * y
        y = c1[k]
        s10 += x0 * y
        s11 += x1 * y
        s12 += x2 * y
        s13 += x3 * y
        y = c2[k]
        s20 += x0 * y
        s21 += x1 * y
        s22 += x2 * y
        s23 += x3 * y
        y = c3[k]
        s30 += x0 * y
        s31 += x1 * y
        s32 += x2 * y
        s33 += x3 * y
    _put(sums[m, to : to + FOUR], scale, s00, s01, s02, s03)
    _put(sums[m + 1, to : to + FOUR], scale, s10, s11, s12, s13)
    _put(sums[m + 2, to : to + FOUR], scale, s20, s21, s22, s23)
    _put(sums[m + 3, to : to + FOUR], scale, s30, s31, s32, s33)


@single
def _put(four, scale, s0, s1, s2, s3):
    four[0] += scale * s0
    four[1] += scale * s1
    four[2] += scale * s2
    four[3] += scale * s3


@single
def add(sums, m, first, rows, at, size, factors):
    """sums[m + a, first + k] += sum_b factors[a, b] rows[at + b size + k], for a and b from 0 to 3.

    Nothing is read if all factors are 0.
    """
    some = False
    for a in range(FOUR):
        for b in range(FOUR):
            some = some or factors[a, b] != ZERO
    if not some:
        return
    b0, b1 = rows[at : at + size], rows[at + size : at + 2 * size]
    b2, b3 = rows[at + 2 * size : at + 3 * size], rows[at + 3 * size : at + 4 * size]
    c0, c1 = sums[m, first : first + size], sums[m + 1, first : first + size]
    c2, c3 = sums[m + 2, first : first + size], sums[m + 3, first : first + size]
    f00, f01, f02, f03 = factors[0, 0], factors[0, 1], factors[0, 2], factors[0, 3]
    f10, f11, f12, f13 = factors[1, 0], factors[1, 1], factors[1, 2], factors[1, 3]
    f20, f21, f22, f23 = factors[2, 0], factors[2, 1], factors[2, 2], factors[2, 3]
    f30, f31, f32, f33 = factors[3, 0], factors[3, 1], factors[3, 2], factors[3, 3]
    for k in range(size // LINE * LINE):
        x0, x1, x2, x3 = b0[k], b1[k], b2[k], b3[k]
        c0[k] += f00 * x0 + f01 * x1 + f02 * x2 + f03 * x3
        c1[k] += f10 * x0 + f11 * x1 + f12 * x2 + f13 * x3
        c2[k] += f20 * x0 + f21 * x1 + f22 * x2 + f23 * x3
        c3[k] += f30 * x0 + f31 * x1 + f32 * x2 + f33 * x3


@single
def add_differences(sums, m, plus, minus, rows, factors):
    """As `add`, of plus - minus in the four rows that `rows` names: what a pair of inputs x and -x sends into a layer."""
    r0, r1, r2, r3 = rows[0], rows[1], rows[2], rows[3]
    f00, f01, f02, f03 = factors[0, 0], factors[0, 1], factors[0, 2], factors[0, 3]
    f10, f11, f12, f13 = factors[1, 0], factors[1, 1], factors[1, 2], factors[1, 3]
    f20, f21, f22, f23 = factors[2, 0], factors[2, 1], factors[2, 2], factors[2, 3]
    f30, f31, f32, f33 = factors[3, 0], factors[3, 1], factors[3, 2], factors[3, 3]
    for k in range(plus.shape[1] // LINE * LINE):
        x0, x1 = plus[r0, k] - minus[r0, k], plus[r1, k] - minus[r1, k]
        x2, x3 = plus[r2, k] - minus[r2, k], plus[r3, k] - minus[r3, k]
        sums[m, k] += f00 * x0 + f01 * x1 + f02 * x2 + f03 * x3
        sums[m + 1, k] += f10 * x0 + f11 * x1 + f12 * x2 + f13 * x3
        sums[m + 2, k] += f20 * x0 + f21 * x1 + f22 * x2 + f23 * x3
        sums[m + 3, k] += f30 * x0 + f31 * x1 + f32 * x2 + f33 * x3


@single
def add_columns(sums, volts, m, first, size, factors):
    """sums[a, k] += sum_b factors[a, b] volts[m + b, first + k], for a and b from 0 to 3; nothing if all factors are 0."""
    some = False
    for a in range(FOUR):
        for b in range(FOUR):
            some = some or factors[a, b] != ZERO
    if not some:
        return
    b0, b1 = volts[m, first : first + size], volts[m + 1, first : first + size]
    b2, b3 = volts[m + 2, first : first + size], volts[m + 3, first : first + size]
    f00, f01, f02, f03 = factors[0, 0], factors[0, 1], factors[0, 2], factors[0, 3]
    f10, f11, f12, f13 = factors[1, 0], factors[1, 1], factors[1, 2], factors[1, 3]
    f20, f21, f22, f23 = factors[2, 0], factors[2, 1], factors[2, 2], factors[2, 3]
    f30, f31, f32, f33 = factors[3, 0], factors[3, 1], factors[3, 2], factors[3, 3]
    for k in range(size // LINE * LINE):
        x0, x1, x2, x3 = b0[k], b1[k], b2[k], b3[k]
        sums[0, k] += f00 * x0 + f01 * x1 + f02 * x2 + f03 * x3
        sums[1, k] += f10 * x0 + f11 * x1 + f12 * x2 + f13 * x3
        sums[2, k] += f20 * x0 + f21 * x1 + f22 * x2 + f23 * x3
        sums[3, k] += f30 * x0 + f31 * x1 + f32 * x2 + f33 * x3
