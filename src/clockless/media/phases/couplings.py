"""Which sites move while others are held, and what the couplings between them pull: dense blocks by BLAS, others by lists.

States are z = exp(i phi) as float64 [site, 2, sample]: cosines and sines, samples innermost.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

from clockless.media.phases.relaxation import Graph
from clockless.parts.kernels import entry

# From these shares of nonzero entries and sizes on, BLAS on the whole block is faster than lists. On small ones lists also
# keep a sample's bits from depending on how many others there are.
_DENSE, _LARGE = 0.05, 4096
_DENSE_HALVES, _LARGE_HALVES = 0.5, 131_072


class Bonds:
    """Edges between some sites (left) and others (right), with what they carry one way and measure the other.

    Args:
        left, right: site of each edge's two ends [edge of the block].
    """

    def __init__(self, left: np.ndarray, right: np.ndarray) -> None:
        self.left, l = np.unique(left, return_inverse=True)
        self.right, r = np.unique(right, return_inverse=True)
        self.ends = np.ascontiguousarray(left), np.ascontiguousarray(right)
        self.shape = len(self.left), len(self.right)
        self.flat = l * self.shape[1] + r
        turned = r * self.shape[0] + l
        size = self.shape[0] * self.shape[1]
        self.dense = size >= _LARGE and len(left) > _DENSE * size
        whole = np.arange(size) if self.dense and len(left) == size else None
        self.in_order = whole is not None and np.array_equal(self.flat, whole)
        self.in_turned_order = whole is not None and np.array_equal(turned, whole)

    def matrix(self, weights: np.ndarray) -> np.ndarray | csr_array:
        """Weights [edge] as a matrix [left, right]: dense or sparse, without a copy where the order allows."""
        if self.in_order:
            return weights.reshape(self.shape)
        if self.in_turned_order:
            return weights.reshape(self.shape[::-1]).T
        if self.dense:
            matrix = np.zeros(self.shape)
            matrix.ravel()[self.flat] = weights
            return matrix
        return csr_array((weights, np.divmod(self.flat, self.shape[1])), shape=self.shape)

    def pull(self, weights: np.ndarray, z: np.ndarray) -> np.ndarray:
        """sum over right ends of W z, [left, 2, sample], from z [site, 2, sample]."""
        if not self.flat.size:
            return np.zeros((0, *z.shape[1:]))
        pulls: np.ndarray = self.matrix(weights) @ z[self.right].reshape(self.shape[1], -1)
        return pulls.reshape(-1, *z.shape[1:])

    def products(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Sum over samples of Re(conj(a) b) per edge, a at the left end and b at the right; both [site, 2, sample]."""
        if not self.flat.size:
            return np.zeros(0)
        if not self.dense:
            sums: np.ndarray = _products(*self.ends, a.reshape(len(a), -1), b.reshape(len(b), -1))
            return sums
        left, right = a[self.left].reshape(self.shape[0], -1), b[self.right].reshape(self.shape[1], -1)
        table: np.ndarray = (right @ left.T).ravel() if self.in_turned_order else (left @ right.T).ravel()
        return table if self.in_turned_order or self.in_order else table[self.flat]


def _dot_products(left: np.ndarray, right: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Dot product of row left[e] of a and row right[e] of b, for every e; four sums, as an addition takes four cycles."""
    count, size = left.size, a.shape[1]
    out = np.empty(count)
    for e in range(count):
        i, j = left[e], right[e]
        s0 = s1 = s2 = s3 = 0.0
        for k in range(0, size - 3, 4):
            s0 += a[i, k] * b[j, k]
            s1 += a[i, k + 1] * b[j, k + 1]
            s2 += a[i, k + 2] * b[j, k + 2]
            s3 += a[i, k + 3] * b[j, k + 3]
        for k in range(size - size % 4, size):
            s0 += a[i, k] * b[j, k]
        out[e] = (s0 + s1) + (s2 + s3)
    return out


_products = entry(_dot_products)


class Arrangement:
    """A wiring seen with some sites held: rows are the free sites, in ascending order.

    Args:
        edges: int [edge, 2].
        sites: number of sites.
        held: sites whose phases do not move.

    Attributes:
        rows: free sites [row]; `row_of` [site] is the row, -1 where held.
        inner: edges between free sites; `inner_block` their couplings, by site.
        outer: edges between a free and a held site; `outer_block` has the free ends left.
    """

    def __init__(self, edges: np.ndarray, sites: int, held: tuple[int, ...]) -> None:
        free = np.ones(sites, dtype=bool)
        free[list(held)] = False
        self.rows = np.flatnonzero(free)
        self.row_of = np.where(free, np.cumsum(free) - 1, -1)
        i_free, j_free = free[edges[:, 0]], free[edges[:, 1]]
        self.inner = _as_slice(np.flatnonzero(i_free & j_free))
        self.outer = _as_slice(np.flatnonzero(i_free != j_free))
        self.inner_block = Bonds(edges[self.inner, 0], edges[self.inner, 1])
        ends = edges[self.outer]
        turned = ~i_free[self.outer]
        self.outer_block = Bonds(np.where(turned, ends[:, 1], ends[:, 0]), np.where(turned, ends[:, 0], ends[:, 1]))
        ends = self.row_of[edges[self.inner]]
        row, neighbour = np.concatenate([ends[:, 0], ends[:, 1]]), np.concatenate([ends[:, 1], ends[:, 0]])
        sort = np.lexsort((neighbour, row))
        self._neighbour = np.ascontiguousarray(neighbour[sort])
        numbers = np.arange(len(edges))[self.inner]
        self._edge = np.concatenate([numbers, numbers])[sort]  # of each entry
        self._start = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=len(self.rows)))]).astype(np.int64)

    @cached_property
    def colours(self) -> np.ndarray:
        """Colours [row] such that no two neighbours share one: two if the free sites' wiring is bipartite, else greedy."""
        return two_colours(self._start, self._neighbour) if self._bipartite else greedy_colours(self._start, self._neighbour)

    @cached_property
    def _bipartite(self) -> bool:
        colours = two_colours(self._start, self._neighbour)
        row = np.repeat(np.arange(len(self.rows)), np.diff(self._start))
        return not (colours[row] == colours[self._neighbour]).any()

    @cached_property
    def by_colour(self) -> np.ndarray:
        """Rows in the order of their colours; visiting them one by one equals visiting each colour at once."""
        return np.argsort(self.colours, kind="stable")

    @cached_property
    def halves(self) -> Bonds | None:
        """Rows of the first colour (left) and the second (right), if products of matrices pay for their couplings."""
        if not self._bipartite or not self.inner_block.flat.size:
            return None
        ends = self.row_of[self.inner_block.ends[0]], self.row_of[self.inner_block.ends[1]]
        first = self.colours[ends[0]] == 0
        block = Bonds(np.where(first, *ends), np.where(first, *ends[::-1]))
        size = block.shape[0] * block.shape[1]
        enough = block.dense and size >= _LARGE_HALVES and block.flat.size > _DENSE_HALVES * size
        return block if enough and sum(block.shape) == len(self.rows) else None

    def graph(self, weights: np.ndarray) -> Graph:
        """The free sites' couplings, `weights` [edge] of the whole wiring."""
        return Graph(self._start, self._neighbour, weights[self._edge], self.by_colour)

    def matrix(self, values: np.ndarray) -> csr_array:
        """The free sites' symmetric matrix [row, row] with values [edge] of the whole wiring."""
        size = len(self.rows)
        return csr_array((values[self._edge], self._neighbour, self._start), shape=(size, size))


def _as_slice(index: np.ndarray) -> slice | np.ndarray:
    """Neighbouring numbers as a slice, which copies nothing."""
    if index.size and index[-1] - index[0] + 1 == index.size:
        return slice(int(index[0]), int(index[-1]) + 1)
    return index


def two_colours(start: np.ndarray, neighbour: np.ndarray) -> np.ndarray:
    """Colour every part of a graph breadth first with 0 and 1 in turn; a proper colouring if the graph is bipartite."""
    colours = np.full(len(start) - 1, -1)
    for root in range(len(colours)):
        if colours[root] >= 0:
            continue
        colours[root] = 0
        front = [root]
        while front:
            row = front.pop()
            for other in neighbour[start[row] : start[row + 1]]:
                if colours[other] < 0:
                    colours[other] = 1 - colours[row]
                    front.append(other)
    return colours


def greedy_colours(start: np.ndarray, neighbour: np.ndarray) -> np.ndarray:
    """Give each row, most neighbours first, the least colour that no neighbour has."""
    colours = np.full(len(start) - 1, -1)
    for row in np.argsort(-np.diff(start), kind="stable"):
        taken = set(colours[neighbour[start[row] : start[row + 1]]].tolist())
        colours[row] = next(colour for colour in range(len(colours)) if colour not in taken)
    return colours
