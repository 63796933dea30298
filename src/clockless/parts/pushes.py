"""How a rule pushes a settled state towards what is wanted: all that a rule knows of physics.

A rule compares a free state with a pushed one. `Clamp` holds the outputs on their way to the targets, `Nudge` adds a cost to
the energy; what that means for voltages, phases or springs is the medium's business.
"""

from __future__ import annotations

from typing import Any

from clockless.errors import ParameterError, shown
from clockless.parts.part import part


@part
class Free:
    """Nothing is pushed: inputs are held, everything else settles."""


@part
class Clamp:
    """Outputs are held at free + nudge (target - free), eq. 1 of Wycoff et al. 2022 (doi 10.1063/5.0084631).

    Args:
        nudge: the part of the way to the target; above 1 outputs are held beyond it.
    """

    nudge: float


@part
class Nudge:
    """The energy gets nudge x cost of the outputs (Scellier and Bengio 2017, doi 10.3389/fncom.2017.00024).

    Args:
        nudge: beta, positive.
        centred: compare +beta with -beta, instead of beta with 0.
        cost: name of the cost, where a medium knows several; "" takes the medium's own.
        inits: initial states per example to average over, where a medium has several minima.
        eps: regularises the logarithmic cost of phases.
    """

    nudge: float
    centred: bool = False
    cost: str = ""
    inits: int = 1
    eps: float = 0.0


Push = Free | Clamp | Nudge


def push_of(rule: Any) -> Push:
    """How a rule pushes: its own `push`, or a clamp by its `nudge`.

    Raises:
        ParameterError: it says neither.
    """
    push = getattr(rule, "push", None)
    if push is None and hasattr(rule, "nudge"):
        return Clamp(float(rule.nudge))
    if not isinstance(push, (Free, Clamp, Nudge)):
        raise ParameterError(f"rule = {shown(rule)} says of no push; give it a field nudge, or a property push.")
    return push
