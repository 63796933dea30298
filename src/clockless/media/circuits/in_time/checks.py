"""What circuits in continuous time can use of triggers, presentations and pushes; the rest is as for circuits in steps."""

from __future__ import annotations

from typing import Any

from clockless.errors import ParameterError, shown
from clockless.learning.contracts import Replica
from clockless.learning.events.checks import checked_presentation, checked_trigger
from clockless.media.circuits import checks
from clockless.parts.clocks import Global
from clockless.parts.comparators import Ideal
from clockless.parts.presentations import Shown
from clockless.parts.pushes import push_of


def checked(circuit: Any, replica: Replica) -> Replica:
    """The replica as sessions take it.

    Raises:
        ParameterError: a noun that circuits in time cannot use, or nouns that contradict each other.
        TaskError: a task that does not fit the circuit.
    """
    trigger, batch = checked_trigger(replica.clock, "Circuit(network, law)"), checked_presentation(replica.batch)
    one_by_one = isinstance(batch, Shown)
    comparator = getattr(replica.device, "comparator", None)
    if not one_by_one and comparator is not None and not isinstance(comparator, Ideal):
        raise ParameterError(f"{comparator} looks at one example at a time; give batch=Shown(seconds), not {shown(batch)}.")
    # As in steps, where one example or all are shown at a time.
    ready = checks.checked(circuit, replica.changed(clock=Global(), batch=1 if one_by_one else "full"))
    if circuit.temperature > 0:
        raise ParameterError(
            f"the circuit is at {circuit.temperature:g} K, but circuits in continuous time are cold; give temperature=0, or "
            "medium=Circuit(.., temperature=..) for steps, or RelaxingResistors for Johnson noise."
        )
    return ready.changed(clock=trigger, batch=batch)


def check_relaxing(replica: Replica) -> None:
    """Raise for what relaxing circuits cannot use besides."""
    if not isinstance(replica.batch, Shown) and len(replica.task.x_train) != 1:
        raise ParameterError(
            f"batch = {shown(replica.batch)}, but a relaxing circuit sees one example at a time; give Shown(seconds)."
        )
    if getattr(push_of(replica.rule), "centred", False):
        raise ParameterError(
            f"{replica.rule} nudges both ways, and a twin that is pushed away from its target may run off before anybody "
            "compares; give centred=False."
        )
