"""What resistors in continuous time can use of triggers and presentations; the rest is as for resistors in steps."""

from __future__ import annotations

from clockless.errors import ParameterError
from clockless.learning.contracts import Replica
from clockless.learning.events.checks import checked_presentation, checked_trigger
from clockless.media.resistors.checks import check_together, each_checked
from clockless.media.resistors.ohm import OhmicNetwork
from clockless.parts.presentations import Shown

LARGEST = 4_000  # nodes: an inverse of 128 MB for every replica


def checked(resistors: OhmicNetwork, replica: Replica) -> Replica:
    """The replica as sessions take it.

    Raises:
        ParameterError: a noun that resistors in time cannot use, or nouns that contradict each other.
        TaskError: a task that does not fit the network.
    """
    if resistors.network.nodes > LARGEST:
        raise ParameterError(
            f"the network has {resistors.network.nodes:,} nodes; in time every replica keeps a table of all pairs of nodes, "
            f"so give one of at most {LARGEST:,}."
        )
    replica = each_checked(resistors, replica, "task", "rule", "device", "optimiser", "initial")
    trigger = checked_trigger(replica.clock, "Resistors(network)")
    replica = replica.changed(clock=trigger, batch=checked_presentation(replica.batch))
    check_together(resistors, replica.rule, replica.device, 1 if isinstance(replica.batch, Shown) else "full")
    return replica
