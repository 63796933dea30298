"""One visit of a site as straight-line vector code: local field, torque and over-relaxed minimum of all lanes of a tile.

Samples stand in lanes, LANES of them in a tile; an array of a tile is flat, PAIR numbers a row: real parts of the lanes,
then imaginary parts. A visit is a few dozen instructions, so the sums stay in registers and nothing is checked for aliasing.
Rounding is that of a multiplication followed by an addition, so the bits do not depend on the processor.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 8  # samples in a tile: one vector register
PAIR = 2 * LANES
_PARTIAL = 4  # sums run in that many registers, as an addition takes four cycles


def _row_visit(moves):
    """Build `(g, field, place, z, base, weight, neighbour, first, stop, omega, worst)` in vectors of all lanes.

    g = field row at `place` + sum of weight x rows of z. If it `moves`, the row of z at `place` then goes to its
    over-relaxed minimum, and `worst` keeps the largest torque met (or NaN).
    """
    double = ir.DoubleType()
    half = ir.VectorType(double, LANES)
    whole = ir.VectorType(double, PAIR)
    i32 = ir.IntType(32)

    @intrinsic
    def visit(typing_context, g, field, place, z, base, weight, neighbour, first, stop, omega, worst):
        intp = types.intp
        signature = types.void(g, field, intp, z, intp, weight, neighbour, intp, intp, omega, worst)

        def codegen(context, builder, signature, args):
            g, field, place, z, base, weight, neighbour, first, stop, omega, worst = args
            data = {}
            arrays = (("g", 0, g), ("field", 1, field), ("z", 3, z), ("w", 5, weight), ("j", 6, neighbour))
            for name, position, value in (*arrays, ("omega", 9, omega), ("worst", 10, worst)):
                data[name] = context.make_array(signature.args[position])(context, builder, value).data
            integer = first.type

            def at(name, index, kind):
                return builder.bitcast(builder.gep(data[name], [index]), kind.as_pointer())

            def term(k):
                row = builder.load(builder.gep(data["j"], [k]))
                here = builder.add(builder.mul(row, ir.Constant(integer, PAIR)), base)
                none = ir.Constant(whole, ir.Undefined)
                one = builder.insert_element(none, builder.load(builder.gep(data["w"], [k])), ir.Constant(i32, 0))
                factor = builder.shuffle_vector(one, none, ir.Constant(ir.VectorType(i32, PAIR), [0] * PAIR))
                return builder.fmul(factor, builder.load(at("z", here, whole), align=8))

            def loop(k0, sums0, width):
                """Add `width` terms a round to as many sums while a whole round is left."""
                before = builder.block
                head, body, after = (builder.append_basic_block(name) for name in ("head", "body", "after"))
                builder.branch(head)
                builder.position_at_end(head)
                k = builder.phi(integer)
                sums = [builder.phi(whole) for _ in sums0]
                k.add_incoming(k0, before)
                for total, value in zip(sums, sums0, strict=True):
                    total.add_incoming(value, before)
                end = builder.add(k, ir.Constant(integer, width))
                builder.cbranch(builder.icmp_signed("<=", end, stop), body, after)
                builder.position_at_end(body)
                for c, total in enumerate(sums):
                    added = builder.fadd(total, term(builder.add(k, ir.Constant(integer, c)))) if c < width else total
                    total.add_incoming(added, body)
                k.add_incoming(end, body)
                builder.branch(head)
                builder.position_at_end(after)
                return k, sums

            sums = [builder.load(at("field", place, whole), align=8)]
            k, sums = loop(first, sums + [ir.Constant(whole, [0.0] * PAIR)] * (_PARTIAL - 1), _PARTIAL)
            _, sums = loop(k, sums, 1)
            total = builder.fadd(builder.fadd(sums[0], sums[1]), builder.fadd(sums[2], sums[3]))
            if moves:
                _emit_move(builder, total, at, place, integer)
            else:
                builder.store(total, at("g", ir.Constant(integer, 0), whole), align=8)
            return context.get_dummy_value()

        return signature, codegen

    def _emit_move(builder, total, at, place, integer):
        def split(vector, first):
            lanes = ir.Constant(ir.VectorType(i32, LANES), list(range(first, first + LANES)))
            return builder.shuffle_vector(vector, ir.Constant(whole, ir.Undefined), lanes)

        def called(name, vector):
            kind = ir.FunctionType(half, [half])
            function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}.v{LANES}f64")
            return builder.call(function, [vector])

        def sum_of(a, b, c, d):
            return builder.fadd(builder.fmul(a, b), builder.fmul(c, d))

        nothing, one = (ir.Constant(half, [value] * LANES) for value in (0.0, 1.0))
        zr_at, zi_at = (at("z", builder.add(place, ir.Constant(integer, part)), half) for part in (0, LANES))
        gr, gi, zr, zi = split(total, 0), split(total, LANES), builder.load(zr_at, align=8), builder.load(zi_at, align=8)

        torque = called("fabs", builder.fsub(builder.fmul(zr, gi), builder.fmul(zi, gr)))
        worst_at = at("worst", ir.Constant(integer, 0), half)
        worst = builder.load(worst_at, align=8)
        larger = builder.or_(builder.fcmp_ordered(">", torque, worst), builder.fcmp_unordered("uno", torque, torque))
        builder.store(builder.select(larger, torque, worst), worst_at, align=8)

        omega = builder.load(at("omega", ir.Constant(integer, 0), half), align=8)
        along = sum_of(zr, gr, zi, gi)
        along = builder.select(builder.fcmp_ordered(">", along, nothing), along, nothing)
        beyond = builder.fmul(builder.fsub(omega, one), along)
        vr, vi = (builder.fsub(builder.fmul(omega, g), builder.fmul(beyond, z)) for g, z in ((gr, zr), (gi, zi)))
        size = sum_of(vr, vr, vi, vi)
        # Couplings so large that their squares overflow must look failed, not like a phase of length 0.
        fits = builder.fcmp_ordered("<", size, ir.Constant(half, [float("inf")] * LANES))
        scale = builder.fdiv(one, called("sqrt", size))
        scale = builder.select(fits, scale, ir.Constant(half, [float("nan")] * LANES))
        moves_at_all = builder.fcmp_unordered(">", size, nothing)  # without a field nothing pulls; NaN goes on
        for value, old, place_of in ((vr, zr, zr_at), (vi, zi, zi_at)):
            builder.store(builder.select(moves_at_all, builder.fmul(value, scale), old), place_of, align=8)

    return visit


field_of_row = _row_visit(moves=False)
move_row = _row_visit(moves=True)
