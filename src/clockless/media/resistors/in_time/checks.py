"""What resistors in continuous time can use of triggers and presentations; the rest is as for resistors in steps."""

from __future__ import annotations

from typing import Any

import numpy as np

from clockless.errors import ParameterError, shown
from clockless.learning.contracts import Replica
from clockless.learning.part_checks import checked_part
from clockless.media.resistors.checks import check_together, each_checked
from clockless.media.resistors.ohm import OhmicNetwork
from clockless.parts.presentations import Shown
from clockless.parts.triggers import is_trigger

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
    replica = replica.changed(clock=_checked_trigger(replica.clock), batch=_checked_presentation(replica.batch))
    check_together(resistors, replica.rule, replica.device, 1 if isinstance(replica.batch, Shown) else "full")
    return replica


def _checked_trigger(clock: Any) -> Any:
    if not is_trigger(clock):
        raise ParameterError(
            f"clock = {shown(clock)} does not say when an edge acts, which continuous time needs; give a trigger such as "
            "PoissonEvents(0.1) or SelfTriggered(0.01), or medium=Resistors(network) for steps."
        )
    return checked_part(clock, "trigger")


def _checked_presentation(batch: Any) -> Any:
    if isinstance(batch, Shown) or (isinstance(batch, str) and batch == "full"):
        return batch
    raise ParameterError(
        f"batch = {shown(batch)}; in continuous time an example is held for a while: give Shown(seconds), or 'full' for all "
        "at once."
    )


def check_fires(session: Any) -> None:
    """Raise ParameterError if no edge will ever fire: each waits for ever, whatever is shown, so nothing changes."""
    count = len(session.replica.task.x_train)
    session.advance(0.0)
    if np.isfinite(session.state.due).any():
        return
    if isinstance(session.replica.batch, Shown):
        while session.state.counts.switches[0] < 8 * count + 8:  # every example, all but surely
            session.advance(np.inf, most=1)
            if np.isfinite(session.state.due).any():
                return
    largest = float(np.abs(session.signals()).max())
    raise ParameterError(
        f"{session.replica.clock} never fires: no edge is due at the start whatever is shown, so nothing would ever change; "
        f"the largest signal is {largest:.2g}, so lower the threshold (or the leak)."
    )
