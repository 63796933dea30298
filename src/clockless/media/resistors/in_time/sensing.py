"""What edges sense of free and pushed twin networks: one edge, when it acts, or all of them at once, where they watch.

With z = Z_O b the potentials' drop over an edge per ampere at each output and d its drop per volt at each input,

    dV_C - dV_F = z.W_L r,     dV_C + dV_F = 2 d.x + z.W_H r,     W_H = W_L but for the centred nudge,

and an edge senses their product: no difference of nearly equal squares. See `states` for W_L, W_H and r.
`look_around` does for all edges what `sense` does for one, in the same order of operations, and so with the same bits: sums
over inputs and outputs stand outside, edges inside, next to each other in memory.
"""

from __future__ import annotations

from clockless.numerics.lanes import standing, uncounted
from clockless.parts.comparators import compare, listen


@uncounted
def sense(comparator, wiring, network, examples, example, pushed, edge, key):
    """What an edge senses of what is shown: sum of dV_C^2 - dV_F^2, volts squared, or what its comparator makes of it."""
    z, t, sides = network.inverse, network.transfer, pushed.sides
    outputs, inputs = pushed.rx.shape
    i, j = wiring.edge_from[edge], wiring.edge_to[edge]
    for o in range(outputs):
        sides[0, o] = 0.0
        sides[1, o] = 0.0
    for p in range(outputs):
        drop = z[wiring.outputs[p], i] - z[wiring.outputs[p], j]
        for o in range(outputs):
            sides[0, o] += drop * pushed.left[p, o]
            sides[1, o] += drop * pushed.right[p, o]
    if example < 0:
        sensed = 0.0
        for o in range(outputs):
            total = 0.0
            for s in range(inputs):
                total += 2.0 * pushed.rx[o, s] * (t[i, s] - t[j, s])
            for p in range(outputs):
                total += pushed.rr[o, p] * sides[1, p]
            sensed += sides[0, o] * total
        return sensed
    difference = 0.0
    total = 0.0
    for o in range(outputs):
        difference += sides[0, o] * pushed.residual[o]
        total += sides[1, o] * pushed.residual[o]
    for s in range(inputs):
        total += 2.0 * (t[i, s] - t[j, s]) * examples.x[example, s]
    return compare(comparator, difference, total, edge, key, 0)


@standing
def look_around(comparator, lanes, wiring, network, examples, example, pushed, fired, key, sensed):
    """`sense` of every edge into `sensed` [edge]; every comparator hears its own random numbers."""
    _sides(wiring, network, pushed)
    if example < 0:
        _products_of_all(pushed, sensed)
        return
    _products(examples, example, pushed)
    difference, total = pushed.products[0], pushed.products[1]
    for e in range(sensed.size):
        listen(comparator, lanes, fired[e], key)
        sensed[e] = compare(comparator, difference[e], total[e], e, key, 0)


@standing
def _sides(wiring, network, pushed):
    """Drops of all edges per ampere at an output and per volt at an input, and the first times W_L and W_H."""
    z, t, drops, slopes, sides = network.inverse, network.transfer, pushed.drops, pushed.slopes, pushed.both_sides
    (outputs, edges), inputs = drops.shape, slopes.shape[0]
    first, second = wiring.edge_from, wiring.edge_to
    for o in range(outputs):
        of_nodes, of_edges = z[wiring.outputs[o]], drops[o]
        for e in range(edges):
            of_edges[e] = of_nodes[first[e]] - of_nodes[second[e]]
    for s in range(inputs):
        of_edges = slopes[s]
        for e in range(edges):
            of_edges[e] = t[first[e], s] - t[second[e], s]
    for o in range(outputs):
        left, right = sides[0, o], sides[1, o]
        for e in range(edges):
            left[e] = 0.0
            right[e] = 0.0
        for p in range(outputs):
            drop, of_left, of_right = drops[p], pushed.left[p, o], pushed.right[p, o]
            for e in range(edges):
                left[e] += drop[e] * of_left
                right[e] += drop[e] * of_right


@standing
def _products(examples, example, pushed):
    """dV_C - dV_F and dV_C + dV_F of all edges for one example."""
    sides, difference, total = pushed.both_sides, pushed.products[0], pushed.products[1]
    outputs, edges = pushed.drops.shape
    for e in range(edges):
        difference[e] = 0.0
        total[e] = 0.0
    for o in range(outputs):
        left, right, residual = sides[0, o], sides[1, o], pushed.residual[o]
        for e in range(edges):
            difference[e] += left[e] * residual
            total[e] += right[e] * residual
    for s in range(pushed.slopes.shape[0]):
        slope, x = pushed.slopes[s], examples.x[example, s]
        for e in range(edges):
            total[e] += 2.0 * slope[e] * x


@standing
def _products_of_all(pushed, sensed):
    """dV_C^2 - dV_F^2 of all edges, summed over all examples."""
    sides, total = pushed.both_sides, pushed.products[0]
    outputs, edges = pushed.drops.shape
    for e in range(edges):
        sensed[e] = 0.0
    for o in range(outputs):
        for e in range(edges):
            total[e] = 0.0
        for s in range(pushed.slopes.shape[0]):
            slope, moment = pushed.slopes[s], 2.0 * pushed.rx[o, s]
            for e in range(edges):
                total[e] += moment * slope[e]
        for p in range(outputs):
            side, moment = sides[1, p], pushed.rr[o, p]
            for e in range(edges):
                total[e] += moment * side[e]
        left = sides[0, o]
        for e in range(edges):
            sensed[e] += left[e] * total[e]
