"""Every way a run can go wrong, each with the sentence the user reads: what happened, the likely cause, what to do."""

from __future__ import annotations


class ClocklessError(Exception):
    """Anything that the user can mend; the command line prints its sentence and exits with code 2."""


class NetworkError(ClocklessError, ValueError):
    """A wiring that no network can have, or a file that does not describe one."""


class HeldNodesError(ClocklessError, ValueError):
    """Held voltages that leave the state undefined: none, not finite, or at nodes that do not exist."""


class ParameterError(ClocklessError, ValueError):
    """A number outside the range in which it means something."""


class TaskError(ClocklessError, ValueError):
    """A task whose nodes or examples contradict each other or the network."""


class OutputError(ClocklessError, OSError):
    """A place that results cannot be written to."""


class UnknownFigureError(ClocklessError, ValueError):
    """A figure or paper that the library does not reproduce."""


class ReplicasFailedWarning(UserWarning):
    """Some replicas of an ensemble ended in numbers that are not finite, or did not settle; the others are untouched."""
