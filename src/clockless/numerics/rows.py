"""Arithmetic on rows of lanes as vector code: single rows, and sums of products of rows kept in registers.

Nearly all work of the engine is one sentence, a sparse dot product over rows,

    out[t] -= sum over k of a[left[k]] * b[right[k]]        (each row an elementwise product over the lanes)

LLVM vectorises a plain loop over lanes, but it stores and reloads `out[t]` for every k and checks for aliasing each time.
`subtract_products` is that sentence as straight-line vector code: a tile of lanes of one to four neighbouring rows of
`out` stays in registers while k runs. Rounding is that of a multiplication followed by a subtraction, in the order of k,
so the bits do not depend on tile, width or processor. Operations on single rows are vector code, too, because that is less
to compile than loops.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from clockless.numerics.lanes import intrinsic, size_of


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


def member(context, builder, kind, value, name):
    """A field of an array's struct, as a value: a proxy of the struct would write it to the stack at every use."""
    return builder.extract_value(value, context.data_model_manager[kind].get_field_position(name))


class _Rows:
    """Emits loads and stores of the rows of an array [.., lane]; rows are counted over all axes but the last."""

    def __init__(self, context, builder, kind, value):
        self.builder, self.data = builder, member(context, builder, kind, value, "data")
        self.width = builder.extract_value(member(context, builder, kind, value, "shape"), kind.ndim - 1)

    def at(self, row, lane, vector):
        """Pointer to `vector` at a row and lane."""
        start = self.builder.gep(self.data, [self.builder.add(self.builder.mul(row, self.width), lane)])
        return self.builder.bitcast(start, vector.as_pointer())


def _row_operation(operation):
    """Build the emission of `out[row] = operation(builder, out[row], *operands)`, lane by lane, tile by tile.

    What it makes is used by the intrinsics below, whose arguments are a tile and then pairs of an array and a row.
    """

    def codegen(context, builder, signature, args):
        lanes = size_of(signature.args[0])
        vector = ir.VectorType(ir.DoubleType(), lanes)
        pairs = range(1, len(args), 2)
        rows = [_Rows(context, builder, signature.args[k], args[k]) for k in pairs]
        numbers = [args[k + 1] for k in pairs]
        intp = numbers[0].type

        def tile_at(lane):
            at = [array.at(row, lane, vector) for array, row in zip(rows, numbers, strict=True)]
            values = [builder.load(place, align=8) for place in at]
            builder.store(operation(builder, *values), at[0], align=8)

        if lanes == 1:
            tile_at(ir.Constant(intp, 0))
        else:
            with cgutils.for_range_slice(
                builder, ir.Constant(intp, 0), rows[0].width, ir.Constant(intp, lanes), intp=intp, inc=True
            ) as (lane, _):
                tile_at(lane)
        return context.get_dummy_value()

    return codegen


def _same(builder, value, number):
    return ir.Constant(value.type, [number] * value.type.count)


_invert = _row_operation(lambda builder, _, a: builder.fdiv(_same(builder, a, 1.0), a))
_copy = _row_operation(lambda builder, _, a: a)
_negate = _row_operation(lambda builder, _, a: builder.fneg(a))
_add = _row_operation(lambda builder, out, a: builder.fadd(out, a))
_multiply = _row_operation(lambda builder, _, a, b: builder.fmul(a, b))
_add_product = _row_operation(lambda builder, out, a, b: builder.fadd(out, builder.fmul(a, b)))
_add_twice = _row_operation(lambda builder, out, a, b: builder.fadd(out, builder.fmul(builder.fadd(a, a), b)))
_subtract_product = _row_operation(lambda builder, out, a, b: builder.fsub(out, builder.fmul(a, b)))
_subtract_triple = _row_operation(lambda builder, out, a, b, c: builder.fsub(out, builder.fmul(builder.fmul(a, b), c)))


@intrinsic
def invert(typing_context, tile, out, row, a, i):
    """out[row] = 1 / a[i]. Compiled only, as are all of these."""
    return types.void(tile, out, types.intp, a, types.intp), _invert


@intrinsic
def copy(typing_context, tile, out, row, a, i):
    """out[row] = a[i]."""
    return types.void(tile, out, types.intp, a, types.intp), _copy


@intrinsic
def negate(typing_context, tile, out, row, a, i):
    """out[row] = -a[i]."""
    return types.void(tile, out, types.intp, a, types.intp), _negate


@intrinsic
def add(typing_context, tile, out, row, a, i):
    """out[row] += a[i]."""
    return types.void(tile, out, types.intp, a, types.intp), _add


@intrinsic
def multiply(typing_context, tile, out, row, a, i, b, j):
    """out[row] = a[i] * b[j]."""
    return types.void(tile, out, types.intp, a, types.intp, b, types.intp), _multiply


@intrinsic
def add_product(typing_context, tile, out, row, a, i, b, j):
    """out[row] += a[i] * b[j]."""
    return types.void(tile, out, types.intp, a, types.intp, b, types.intp), _add_product


@intrinsic
def add_twice(typing_context, tile, out, row, a, i, b, j):
    """out[row] += 2 a[i] * b[j]."""
    return types.void(tile, out, types.intp, a, types.intp, b, types.intp), _add_twice


@intrinsic
def subtract_product(typing_context, tile, out, row, a, i, b, j):
    """out[row] -= a[i] * b[j]."""
    return types.void(tile, out, types.intp, a, types.intp, b, types.intp), _subtract_product


@intrinsic
def subtract_triple(typing_context, tile, out, row, a, i, b, j, c, k):
    """out[row] -= a[i] * b[j] * c[k]."""
    return types.void(tile, out, types.intp, a, types.intp, b, types.intp, c, types.intp), _subtract_triple


@intrinsic
def clear(typing_context, out, first, stop):
    """Rows `first` to `stop` (not included) of `out` = 0."""

    def codegen(context, builder, signature, args):
        rows = _Rows(context, builder, signature.args[0], args[0])
        start = rows.at(args[1], ir.Constant(args[1].type, 0), ir.IntType(8))
        count = builder.mul(builder.sub(args[2], args[1]), rows.width)
        cgutils.memset(builder, start, builder.mul(count, ir.Constant(count.type, 8)), 0)
        return context.get_dummy_value()

    return types.void(out, types.intp, types.intp), codegen


def _row_products(rows: int) -> Any:
    """Build `(tile, out, t, terms, target, a, b, base, lane)` for groups of `rows` neighbouring rows of out and b.

    Group t of out -= a[left[k]] * group (base + right[k]) of b, summed over the terms k of `target`, on the lanes of one
    tile, from `lane` on. A single lane is a column of numbers, so the rows of a group are the elements of one vector.
    """

    @intrinsic
    def products(typing_context, tile, out, t, terms, target, a, b, base, lane):
        intp = types.intp
        signature = types.void(tile, out, intp, terms, intp, a, b, intp, intp)
        single = size_of(tile) == 1
        vectors = 1 if single else rows
        vector = ir.VectorType(ir.DoubleType(), rows if single else size_of(tile))

        def codegen(context, builder, signature, args):
            _, out, t, terms, target, a, b, base, lane = args
            arrays = {}
            fields = [builder.extract_value(terms, position) for position in range(3)]
            kinds = signature.args
            for name, kind, value in (
                ("out", kinds[1], out), ("a", kinds[5], a), ("b", kinds[6], b),
                *zip(Terms._fields, kinds[3].types, fields, strict=True),
            ):  # fmt: skip
                arrays[name] = member(context, builder, kind, value, "data")
            lanes = builder.extract_value(member(context, builder, kinds[1], args[1], "shape"), 1)  # the same for out, a, b

            def number(name, index):
                found = builder.load(builder.gep(arrays[name], [index]))
                return found if found.type == index.type else builder.sext(found, index.type)  # 32 bits in large networks

            def first_row(group):
                return builder.mul(group, ir.Constant(group.type, rows))

            def place(name, index, offset=0):
                if offset:
                    index = builder.add(index, ir.Constant(index.type, offset))
                return builder.gep(arrays[name], [builder.add(builder.mul(index, lanes), lane)])

            def row(name, index, offset=0):
                return builder.bitcast(place(name, index, offset), vector.as_pointer())

            def factor_of(index):
                if not single:
                    return builder.load(row("a", index), align=8)
                zero = ir.Constant(ir.IntType(32), 0)
                one = builder.insert_element(ir.Constant(vector, ir.Undefined), builder.load(place("a", index)), zero)
                mask = ir.Constant(ir.VectorType(ir.IntType(32), rows), [0] * rows)
                return builder.shuffle_vector(one, ir.Constant(vector, ir.Undefined), mask)

            first, stop = number("start", target), number("start", builder.add(target, ir.Constant(target.type, 1)))
            sums_at = [row("out", first_row(t), c) for c in range(vectors)]
            initial = [builder.load(at, align=8) for at in sums_at]
            before = builder.block
            head, body, after = (builder.append_basic_block(name) for name in ("head", "body", "after"))
            builder.branch(head)

            builder.position_at_end(head)
            k = builder.phi(first.type)
            sums = [builder.phi(vector) for _ in range(vectors)]
            k.add_incoming(first, before)
            for total, value in zip(sums, initial, strict=True):
                total.add_incoming(value, before)
            builder.cbranch(builder.icmp_signed("<", k, stop), body, after)

            builder.position_at_end(body)
            factor = factor_of(number("left", k))
            group = builder.add(number("right", k), base)
            k.add_incoming(builder.add(k, ir.Constant(k.type, 1)), body)
            for c, total in enumerate(sums):
                product = builder.fmul(factor, builder.load(row("b", first_row(group), c), align=8))
                total.add_incoming(builder.fsub(total, product), body)
            builder.branch(head)

            builder.position_at_end(after)
            for total, at in zip(sums, sums_at, strict=True):
                builder.store(total, at, align=8)
            return context.get_dummy_value()

        return signature, codegen

    return products


subtract_products = _row_products(1)
subtract_products_of_two = _row_products(2)
subtract_products_of_four = _row_products(4)
