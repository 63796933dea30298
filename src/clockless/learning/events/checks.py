"""What any medium in continuous time can use as trigger and presentation; and whether anything ever fires."""

from __future__ import annotations

from typing import Any

import numpy as np

from clockless.errors import ParameterError, shown
from clockless.learning.part_checks import checked_part
from clockless.parts.presentations import Shown
from clockless.parts.triggers import is_trigger


def checked_trigger(clock: Any, in_steps: str) -> Any:
    """The trigger; ParameterError if it is none. `in_steps` spells the medium with steps, such as "Resistors(network)"."""
    if not is_trigger(clock):
        raise ParameterError(
            f"clock = {shown(clock)} does not say when an edge acts, which continuous time needs; give a trigger such as "
            f"PoissonEvents(0.1) or SelfTriggered(0.01), or medium={in_steps} for steps."
        )
    return checked_part(clock, "trigger")


def checked_presentation(batch: Any) -> Any:
    """How examples arrive; ParameterError if continuous time has no such way."""
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
