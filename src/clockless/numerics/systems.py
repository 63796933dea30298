"""One linear system per lane on an elimination schedule: symmetric ones by LDL^T, others by LU in the same slots.

A slot below the diagonal belongs to a pair of rows, hi > lo. `lower` holds A[hi, lo] of it and then L, `upper` holds
A[lo, hi] and then U. Diagonal slots of `upper` hold A[j, j] and then the pivots, of `lower` the inverse pivots. A pattern of
entries that is symmetric fills in symmetrically, so the same terms serve both halves. No pivoting: the diagonal of what is
factored here dominates its columns, or a caller looks at the pivots.
"""

from __future__ import annotations

from clockless.numerics.lanes import size, standing
from clockless.numerics.rows import invert, multiply, subtract_products


@standing
def factor_symmetric(tile, start, updates, upper, lower):
    """Replace A in `upper` by D and L D, and write 1/D and L into `lower`."""
    lanes = upper.shape[1]
    for j in range(start.size - 1):
        for lane in range(0, lanes, size(tile)):
            subtract_products(tile, upper, j, updates, j, upper, lower, 0, lane)
        invert(tile, lower, j, upper, j)
        for s in range(start[j], start[j + 1]):
            for lane in range(0, lanes, size(tile)):
                subtract_products(tile, upper, s, updates, s, upper, lower, 0, lane)
            multiply(tile, lower, s, upper, s, lower, j)


@standing
def factor_unsymmetric(tile, start, updates, upper, lower):
    """Replace A in `upper` and `lower` by U and L, the diagonal of `lower` by the inverse pivots."""
    lanes = upper.shape[1]
    for j in range(start.size - 1):
        for lane in range(0, lanes, size(tile)):
            subtract_products(tile, upper, j, updates, j, upper, lower, 0, lane)
        invert(tile, lower, j, upper, j)
        for s in range(start[j], start[j + 1]):
            for lane in range(0, lanes, size(tile)):
                # L[a, b] -= L[a, j] U[j, b], U[b, a] -= L[b, j] U[j, a]
                subtract_products(tile, lower, s, updates, s, lower, upper, 0, lane)
                subtract_products(tile, upper, s, updates, s, upper, lower, 0, lane)
            multiply(tile, lower, s, lower, s, lower, j)


@standing
def solve_symmetric(tile, forward, backward, lower, x):
    """Overwrite right-hand sides x [row, lane] by solutions."""
    n, lanes = forward.start.size - 1, x.shape[1]
    for lane in range(0, lanes, size(tile)):
        for i in range(n):
            subtract_products(tile, x, i, forward, i, lower, x, 0, lane)
    for j in range(n):
        multiply(tile, x, j, x, j, lower, j)
    for lane in range(0, lanes, size(tile)):
        for j in range(n - 1, -1, -1):
            subtract_products(tile, x, j, backward, j, lower, x, 0, lane)


@standing
def solve_unsymmetric(tile, forward, backward, upper, lower, x):
    """Overwrite right-hand sides x [row, lane] by solutions."""
    n, lanes = forward.start.size - 1, x.shape[1]
    for lane in range(0, lanes, size(tile)):
        for i in range(n):
            subtract_products(tile, x, i, forward, i, lower, x, 0, lane)
    for j in range(n - 1, -1, -1):
        for lane in range(0, lanes, size(tile)):
            subtract_products(tile, x, j, backward, j, upper, x, 0, lane)
        multiply(tile, x, j, x, j, lower, j)
