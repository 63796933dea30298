"""Wirings that the papers use: a disordered packing, the board of sixteen edges, square lattices."""

from __future__ import annotations

import numpy as np

from clockless.errors import SEEDS, NetworkError, flag, whole
from clockless.networks.network import Network, check_size
from clockless.networks.packings import contact_network


def packing(nodes: int = 64, edges: int = 143, seed: int = 1) -> Network:
    """A disordered, near-planar contact network in 2-D, like that of a jammed packing of soft discs.

    The default has the counts of the 143-edge network of Wycoff et al. 2022 (doi 10.1063/5.0084631); its wiring is not
    public. Every node has degree >= 3 where the counts allow it (see `packings.contact_network`).

    Raises:
        NetworkError: fewer than 2 nodes, or a number of edges that no simple connected network of that size has.
        ParameterError: nodes, edges or seed not whole numbers.
    """
    nodes, edges, seed = whole("nodes", nodes), whole("edges", edges), whole("seed", seed, most=SEEDS)
    if nodes < 2:
        raise NetworkError(f"a packing of {nodes} nodes has no contacts; ask for at least 2 nodes.")
    if not nodes - 1 <= edges <= nodes * (nodes - 1) // 2:
        raise NetworkError(
            f"{nodes} nodes cannot be joined by {edges} edges; "
            f"a connected network without doubled edges has {nodes - 1} to {nodes * (nodes - 1) // 2}."
        )
    check_size(f"a packing of {nodes:,} nodes", 10 * nodes, edges)  # a set of neighbours for each node
    return Network(*contact_network(nodes, edges, seed))


def board16() -> Network:
    """Sixteen edges on nine nodes, the counts of the board of Wycoff et al. 2022 (doi 10.1063/5.0084631).

    NOTE: the board's wiring is not public. Taken here: a 3 x 3 square grid (12 edges) with one diagonal in each of its
    four cells, all in the same direction, which is a patch of the triangular lattice.
    """
    grid = lattice(3, 3)
    diagonals = [(3 * row + column, 3 * (row + 1) + column + 1) for row in range(2) for column in range(2)]
    return Network(np.vstack([grid.edges, diagonals]), grid.positions)


def lattice(rows: int, columns: int, periodic: bool = False) -> Network:
    """Square lattice; node `row * columns + column` sits at (column, -row). `periodic` closes it to a torus.

    Raises:
        NetworkError: fewer than 2 nodes, or a periodic side shorter than 3, whose closing edge would double another.
        ParameterError: rows or columns not whole numbers.
    """
    rows, columns, periodic = whole("rows", rows), whole("columns", columns), flag("periodic", periodic)
    if rows * columns < 2:
        raise NetworkError(f"a lattice of {rows} x {columns} nodes has no edges; ask for at least 2 nodes.")
    if periodic and min(rows, columns) < 3:
        raise NetworkError(f"a periodic lattice of {rows} x {columns} would double edges; its sides must be 3 or longer.")
    check_size(f"a lattice of {rows:,} x {columns:,} nodes", rows * columns, 2 * rows * columns)
    number = np.arange(rows * columns).reshape(rows, columns)
    if periodic:
        right, below = np.roll(number, -1, axis=1), np.roll(number, -1, axis=0)
        pairs = [np.stack([number, other], axis=-1).reshape(-1, 2) for other in (right, below)]
    else:
        pairs = [
            np.stack([number[:, :-1], number[:, 1:]], axis=-1).reshape(-1, 2),
            np.stack([number[:-1], number[1:]], axis=-1).reshape(-1, 2),
        ]
    row, column = np.divmod(number.ravel(), columns)
    return Network(np.vstack(pairs), np.column_stack([column, -row]))
