"""States compared with what ngspice finds for their netlists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from clockless.spice.netlist import Netlist
from clockless.spice.ngspice import solve_all

JOINED = 1e-8  # siemens: a node that hangs on less follows leakage, such as gmin across ngspice's junctions


class Comparison(NamedTuple):
    """How far states are from ngspice's.

    Attributes:
        states: how many were compared.
        largest: largest difference at a node that more than `JOINED` siemens join to held ones, volts.
        state, node: where that is; -1 if nothing was compared.
        weakly: largest difference at the other nodes, volts, and how many nodes these are.
        unsolved: states for which ngspice found none.
    """

    states: int
    largest: float
    state: int
    node: int
    weakly: tuple[float, int]
    unsolved: tuple[int, ...]


def compare(netlists: Sequence[Netlist], states: Sequence[np.ndarray], timeout: float = 60.0) -> Comparison:
    """Compare states [node] with ngspice's; nodes that a netlist has besides the first ones are left out.

    Raises:
        NgspiceError: ngspice is not installed, or does not end in time.
    """
    largest, where, weakly, hanging, unsolved = 0.0, (-1, -1), 0.0, 0, []
    for k, (netlist, ours, theirs) in enumerate(zip(netlists, states, solve_all(netlists, timeout), strict=True)):
        if theirs is None:
            unsolved.append(k)
            continue
        difference = np.abs(theirs[: len(ours)] - ours)
        firm = netlist.joined(theirs)[: len(ours)] > JOINED
        hanging += int((~firm).sum())
        weakly = max(weakly, float(difference[~firm].max(initial=0.0)))
        difference = np.where(np.isnan(difference), np.inf, difference)
        node = int(np.argmax(np.where(firm, difference, -1.0)))
        if firm.any() and (difference[node] > largest or where == (-1, -1)):
            largest, where = float(difference[node]), (k, node)
    return Comparison(len(netlists), largest, *where, (weakly, hanging), tuple(unsolved))
