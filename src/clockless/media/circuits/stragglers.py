"""The lanes that are not done when most are: eight at a time they go on in narrow arrays, and nobody waits for them.

What every lane computes is the same as among all others, in the same order, so its bits are the same.
"""

from __future__ import annotations

from numba.core import types
from numba.extending import overload

from clockless.numerics.lanes import UNCOUNTED, Tile8, known, standing
from clockless.parts.kernels import call, separate
from clockless.parts.packed import unpack

WIDTH = 8  # lanes, those of the narrow tile


@standing
def take(source, lane, out):
    """out[.., k] = source[.., lane[k]]."""
    for i in range(out.shape[0]):
        for k in range(out.shape[1]):
            out[i, k] = source[i, lane[k]]


def take_present(there, lane, out):
    """The same of what edges are there, if any can be absent. Compiled only."""


@overload(take_present, jit_options=UNCOUNTED)
def _take_present(there, lane, out):
    if isinstance(there, types.NoneType):
        return lambda there, lane, out: None
    return lambda there, lane, out: take(there, lane, out)


@standing
def fetch(narrow, pull, bench, volts, free):
    """Copy what the lanes in `narrow.lane` have got so far."""
    lane = narrow.lane
    take(bench.theta, lane, narrow.bench.theta)
    take_present(bench.there, lane, narrow.bench.there)
    take(bench.companion, lane, narrow.bench.companion)
    take(volts, lane, narrow.bench.volts)
    take(free, lane, narrow.free)
    take(pull.rows, lane, narrow.pull.rows)
    take(pull.target, lane, narrow.pull.target)
    for k in range(lane.size):
        narrow.pull.conductance[k] = pull.conductance[lane[k]]
        narrow.bench.active[k], narrow.bench.reach[k] = 1.0, bench.reach[lane[k]]
        narrow.bench.taken[k] = bench.taken[lane[k]]


@separate
def finish(setup, narrow, volts, free):
    """Settle all lanes that are still active, from the iteration on that `wires.span` says."""
    _, wires, pull, bench = unpack(setup)
    own, few = unpack(narrow)
    iterate, span = unpack(few)[1].iterate[0], unpack(few)[1].span
    own = known(Tile8(), own)
    lane, last = own.lane, 0
    while last < volts.shape[1]:
        count = 0
        while last < volts.shape[1] and count < WIDTH:
            if bench.active[last] > 0.0:
                lane[count] = last
                count += 1
            last += 1
        if count == 0:
            break
        for k in range(count, WIDTH):
            lane[k] = lane[0]  # computed along, and thrown away
        fetch(own, pull, bench, volts, free)
        span[0], span[1] = wires.span[0], 0
        call(iterate, (few, own.bench.volts, own.free, span))
        for k in range(count):
            for i in range(volts.shape[0]):
                volts[i, lane[k]] = own.bench.volts[i, k]
            bench.active[lane[k]], bench.taken[lane[k]] = own.bench.active[k], own.bench.taken[k]
