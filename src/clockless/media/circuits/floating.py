"""Nodes whose voltage nothing decides: parts of a circuit that hang on edges which may carry no current at all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from clockless.errors import HeldNodesError


def check_held(circuit: Any, held: Iterable[int]) -> None:
    """Raise if a part of the circuit floats while the nodes `held`, rails among them, are held.

    A part are nodes that edges join which always carry something; with a shunt at any of its nodes it does not float.

    Raises:
        HeldNodesError: the sentence names a node of the part, and the edge on which it hangs if there is one.
    """
    if (circuit.shunt > 0).all():
        return
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    edges, nodes = circuit.network.edges, circuit.network.nodes
    joins = ~np.array([law.insulates for law in circuit.laws], dtype=bool)
    wiring = coo_array((np.ones(joins.sum()), tuple(edges[joins].T)), shape=(nodes, nodes))
    parts, part = connected_components(wiring, directed=False)
    decided = np.zeros(parts, dtype=bool)
    decided[part[circuit.shunt > 0]] = True
    decided[part[list(held)]] = True
    loose = np.flatnonzero(~decided[part])
    if not loose.size:
        return
    mine = np.flatnonzero((part[edges] == part[loose[0]]).any(axis=1) & ~joins)
    others = int((part == part[loose[0]]).sum()) - 1
    what = f"node {loose[0]}" + (f" and the {others} joined to it" if others else "")
    if mine.size:
        kind = type(circuit.laws[mine[0]]).__name__
        why = f"when edge {mine[0]} ({kind}) carries nothing"
    else:
        why = "because no source holds any of them"
    verb = "float" if others else "floats"
    raise HeldNodesError(f"{what} {verb} {why}, and there is no shunt; hold one of them, or give shunt=1e-9, or a leak.")
