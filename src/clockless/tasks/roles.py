"""Which nodes are inputs, outputs and ground, drawn without repetition."""

from __future__ import annotations

import numpy as np

from clockless.errors import TaskError, shown, whole
from clockless.networks.network import Network

Roles = tuple[list[int], list[int], list[int]]


def drawn_roles(network: Network, counts: tuple[int, int, int], rng: np.random.Generator) -> Roles:
    """Nodes of so many inputs, outputs and grounds.

    Raises:
        ParameterError: a count that is not a whole number.
        TaskError: more roles than nodes, or a network without nodes.
    """
    for role, count in zip(("inputs", "outputs", "ground"), counts, strict=True):
        whole(role, count)
    if not hasattr(network, "nodes"):
        raise TaskError(
            f"inputs and outputs are drawn among nodes, and {shown(network)} has none; give a network such as packing()."
        )
    if sum(counts) > network.nodes:
        raise TaskError(f"{sum(counts)} nodes with roles do not fit on {network.nodes} nodes; ask for fewer.")
    drawn = rng.permutation(network.nodes)[: sum(counts)].tolist()
    cuts = np.cumsum(counts)
    return drawn[: cuts[0]], drawn[cuts[0] : cuts[1]], drawn[cuts[1] :]
