"""Every way a run can go wrong, each with the sentence the user reads: what happened, the likely cause, what to do.

The three checks that most constructors share stand here too, so that the same mistake reads the same everywhere.
"""

from __future__ import annotations

import reprlib
import unicodedata
from collections.abc import Collection
from numbers import Integral
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


_PAGE = 1600  # characters of a sentence at most: names of fields may have thousands


class ClocklessError(Exception):
    """Anything that the user can mend; the command line prints its sentence and exits with code 2."""

    def __str__(self) -> str:
        text = printable(super().__str__())  # sentences quote paths and titles, which may hold commands for a terminal
        return text if len(text) <= _PAGE else f"{text[: _PAGE // 2]} [..] {text[-_PAGE // 2 :]}"


class NetworkError(ClocklessError, ValueError):
    """A wiring that no network can have, or a file that does not describe one."""


class HeldNodesError(ClocklessError, ValueError):
    """Held voltages that leave the state undefined: none, not finite, or at nodes that do not exist."""


class ParameterError(ClocklessError, ValueError):
    """A number outside the range in which it means something."""


class TaskError(ClocklessError, ValueError):
    """A task whose nodes or examples contradict each other or the network."""


class MemoryBoundError(ClocklessError, MemoryError):
    """Something that needs more memory than there is; the sentence says how much, and nothing was taken."""


class OutputError(ClocklessError, OSError):
    """A place that results cannot be written to."""


class DescriptionError(ClocklessError, ValueError):
    """A description of an experiment that no experiment can have; the sentence names the field."""


class StoreError(ClocklessError, OSError):
    """A store that cannot be read, written or gone on with."""


class ClusterError(ClocklessError, RuntimeError):
    """A cluster that cannot be reached, does not fit, or is lost."""


class UnknownFigureError(ClocklessError, ValueError):
    """A figure or paper that the library does not reproduce."""


class WiringError(ClocklessError, ValueError):
    """Actors whose mailboxes do not fit together, or a runtime asked for what it cannot do with them."""


class ActorError(ClocklessError, RuntimeError):
    """An actor that raised, sent what its mailbox does not take, or was lost more often than allowed."""


class StalledError(ClocklessError, TimeoutError):
    """A wait of a runtime that reached its limit: nobody can act any more, or somebody does not answer."""


class SpiceError(ClocklessError, ValueError):
    """A netlist that cannot be read, or a network that has no netlist; the sentence names the line or edge."""


class NgspiceError(ClocklessError, RuntimeError):
    """ngspice is not installed, did not end, or found no state."""


class BenchError(ClocklessError, RuntimeError):
    """A laboratory bench that has ended, is silent, or answers what is no state."""


class ReplicasFailedWarning(UserWarning):
    """Some replicas of an ensemble ended in numbers that are not finite, or did not settle; the others are untouched."""


class InfeasibleTaskWarning(UserWarning):
    """Tasks whose targets no parameters can meet are trained nevertheless."""


class JobsFailedWarning(UserWarning):
    """Some jobs of an experiment failed; their replicas are missing in the results."""


class DivergedWarning(UserWarning):
    """Many replicas of an ensemble ended further from their targets than they began."""


class OwnCodeWarning(UserWarning):
    """Code that is not the package's own was run, because an experiment that names it is; the sentence says which file."""


def shown(value: Any) -> str:
    """`value` as a sentence can quote it: on one line, without control characters, long ones abridged."""
    try:
        text = printable(" ".join(reprlib.repr(value).split()))
    except ValueError:  # whole numbers of thousands of digits have no text
        text = f"a very large {type(value).__name__}"
    return text if len(text) <= 80 else text[:77] + "..."


_UNPRINTABLE = ("Cc", "Cf", "Cs", "Zl", "Zp")  # control, format (direction of writing), half characters, line ends


def printable(text: str, keep: str = "") -> str:
    """`text` as a terminal may have it: characters that would act on it are escaped, all but those of `keep`."""
    return "".join(
        character.encode("unicode_escape").decode()
        if unicodedata.category(character) in _UNPRINTABLE and character not in keep
        else character
        for character in text
    )


def is_one_of(value: Any, words: Collection[str]) -> bool:
    """Whether `value` is one of these words; what is no word, such as an array, is none of them."""
    return isinstance(value, str) and value in words


def whole(name: str, value: Any, least: int = 0) -> int:
    """`value` as an int; ParameterError unless it is a whole number that is not below `least`."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise ParameterError(f"{name} = {shown(value)}; give a whole number from {least}.")
    return int(value)


def real_array(values: Any) -> np.ndarray:
    """A float64 copy of a table of real numbers; ValueError if it is ragged or holds anything else."""
    import numpy as np  # here, so that the command line can name its errors without it

    table = np.array(values)
    if table.dtype.kind not in "iuf":
        raise ValueError(f"{table.dtype} values are not real numbers")
    return table.astype(np.float64)
