"""Arithmetic on rows of lanes: sums of products of whole rows, kept in registers.

Arrays of the engine are [row, lane], C-contiguous float64, with the replicas of a block in neighbouring lanes. Nearly all
of its work is one sentence, a sparse dot product over rows,

    out[t] -= sum over k of a[left[k]] * b[right[k]]        (each row an elementwise product over the lanes)

LLVM vectorises a plain loop over lanes, but it stores and reloads `out[t]` for every k and checks for aliasing each time.
`subtract_products` is that sentence as straight-line vector code: TILE lanes of one to four neighbouring rows of `out`
stay in registers while k runs. Rounding is that of a multiplication followed by a subtraction, in the order of k, so
the bits do not depend on tile, width or processor.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

# Division by zero gives inf, as in NumPy: a check in every lane would keep loops from being vectorised, and a replica that
# fails must not stop the others.
COMPILE_OPTIONS: Any = {"error_model": "numpy", "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
compiled = njit(**COMPILE_OPTIONS)

TILE = 32  # lanes held in registers at a time; the width of a block is a multiple of it


def zeros(*shape: int) -> np.ndarray:
    """A float64 array of zeros that begins on a cache line: unaligned, a step takes a tenth longer."""
    size = int(np.prod(shape))
    raw = np.zeros(size + 8)
    first = (-raw.ctypes.data // 8) % 8
    return raw[first : first + size].reshape(shape)


class Terms(NamedTuple):
    """For each target t, the products `start[t]` to `start[t + 1]` of rows `left` and `right`."""

    start: np.ndarray
    left: np.ndarray
    right: np.ndarray


def terms(lists: list[list[tuple[int, int]]]) -> Terms:
    """Flatten one list of (left, right) pairs per target."""
    pairs = [pair for group in lists for pair in group]
    start = np.zeros(len(lists) + 1, dtype=np.int64)
    start[1:] = np.cumsum([len(group) for group in lists])
    flat = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return Terms(start, np.ascontiguousarray(flat[:, 0]), np.ascontiguousarray(flat[:, 1]))


def _row_products(rows: int):
    """Build `(out, t, a, left, b, right, base, first, stop, tile)` for groups of `rows` neighbouring rows of out and b.

    Group t of out -= a[left[k]] * group (base + right[k]) of b, summed over k in first..stop, on lanes tile..tile + TILE.
    """
    vector = ir.VectorType(ir.DoubleType(), TILE)

    @intrinsic
    def products(typing_context, out, t, a, left, b, right, base, first, stop, tile):
        intp = types.intp
        signature = types.void(out, intp, a, left, b, right, intp, intp, intp, intp)

        def codegen(context, builder, signature, args):
            out, t, a, left, b, right, base, first, stop, tile = args
            arrays = {}
            for name, position, value in (
                ("out", 0, out),
                ("a", 2, a),
                ("left", 3, left),
                ("b", 4, b),
                ("right", 5, right),
            ):
                arrays[name] = context.make_array(signature.args[position])(context, builder, value)
            lanes = builder.extract_value(arrays["out"].shape, 1)  # the same for out, a and b

            def first_row(group):
                return builder.mul(group, ir.Constant(group.type, rows))

            def row(name, index, offset=0):
                if offset:
                    index = builder.add(index, ir.Constant(index.type, offset))
                place = builder.add(builder.mul(index, lanes), tile)
                return builder.bitcast(builder.gep(arrays[name].data, [place]), vector.as_pointer())

            sums_at = [row("out", first_row(t), c) for c in range(rows)]
            initial = [builder.load(place, align=8) for place in sums_at]
            before = builder.block
            head, body, after = (builder.append_basic_block(name) for name in ("head", "body", "after"))
            builder.branch(head)

            builder.position_at_end(head)
            k = builder.phi(first.type)
            sums = [builder.phi(vector) for _ in range(rows)]
            k.add_incoming(first, before)
            for total, value in zip(sums, initial, strict=True):
                total.add_incoming(value, before)
            builder.cbranch(builder.icmp_signed("<", k, stop), body, after)

            builder.position_at_end(body)
            factor = builder.load(row("a", builder.load(builder.gep(arrays["left"].data, [k]))), align=8)
            group = builder.add(builder.load(builder.gep(arrays["right"].data, [k])), base)
            k.add_incoming(builder.add(k, ir.Constant(k.type, 1)), body)
            for c, total in enumerate(sums):
                product = builder.fmul(factor, builder.load(row("b", first_row(group), c), align=8))
                total.add_incoming(builder.fsub(total, product), body)
            builder.branch(head)

            builder.position_at_end(after)
            for total, place in zip(sums, sums_at, strict=True):
                builder.store(total, place, align=8)
            return context.get_dummy_value()

        return signature, codegen

    return products


_one = _row_products(1)
_two = _row_products(2)
_four = _row_products(4)


@compiled
def subtract_products(out, t, terms, k, a, b):
    """out[t] -= sum of a[left] * b[right] over the terms of target k, on all lanes."""
    for tile in range(0, out.shape[1], TILE):
        _one(out, t, a, terms.left, b, terms.right, 0, terms.start[k], terms.start[k + 1], tile)


@compiled
def subtract_products_of_two(out, t, terms, k, a, b, base, tile):
    """Rows 2 t and 2 t + 1 of out -= sum of a[left] * rows 2 (base + right).. of b, on the lanes of one tile."""
    _two(out, t, a, terms.left, b, terms.right, base, terms.start[k], terms.start[k + 1], tile)


@compiled
def subtract_products_of_four(out, t, terms, k, a, b, base, tile):
    """Rows 4 t to 4 t + 3 of out -= sum of a[left] * rows 4 (base + right).. of b, on the lanes of one tile."""
    _four(out, t, a, terms.left, b, terms.right, base, terms.start[k], terms.start[k + 1], tile)
