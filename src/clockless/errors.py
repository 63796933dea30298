"""Every way a run can go wrong, each with the sentence the user reads: what happened, the likely cause, what to do.

The checks that most constructors share stand here too, so that the same mistake reads the same everywhere.
"""

from __future__ import annotations

import math
import os
import reprlib
import unicodedata
from collections.abc import Collection
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

__all__ = [
    "ActorError",
    "BenchError",
    "ClocklessError",
    "ClusterError",
    "DescriptionError",
    "DivergedWarning",
    "HeldNodesError",
    "InaccurateWarning",
    "InfeasibleTaskWarning",
    "JobsFailedWarning",
    "MemoryBoundError",
    "NetworkError",
    "NgspiceError",
    "OutputError",
    "OwnCodeWarning",
    "ParameterError",
    "ReplicasFailedWarning",
    "SpiceError",
    "StalledError",
    "StoreError",
    "TaskError",
    "UnknownFigureError",
    "UnmovedWarning",
    "WiringError",
]


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


class InaccurateWarning(UserWarning):
    """A state is less certain than float64 usually makes it, or could not be found; the sentence says by how much."""


class JobsFailedWarning(UserWarning):
    """Some jobs of an experiment failed; their replicas are missing in the results."""


class DivergedWarning(UserWarning):
    """Many replicas of an ensemble ended further from their targets than they began."""


class UnmovedWarning(UserWarning):
    """In some replicas of continuous time no unit ever acted, so nothing was learned."""


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


COUNTS = 2**53  # whole numbers up to here are float64 numbers, too; nothing that is counted comes near
SEEDS = 2**64 - 1


def whole(name: str, value: Any, least: int = 0, most: int = COUNTS) -> int:
    """`value` as an int; ParameterError unless it is a whole number from `least` to `most`."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise ParameterError(f"{name} = {shown(value)}; give a whole number from {least}.")
    if int(value) > most:
        raise ParameterError(f"{name} = {shown(value)}; give a whole number from {least} to {most}.")
    return int(value)


def number(name: str, value: Any, what: str) -> float:
    """`value` as a float; ParameterError that says `what` is wanted unless it is a real number, True and False aside."""
    if isinstance(value, Real) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:  # whole numbers of hundreds of digits
            pass
    raise ParameterError(f"{name} = {shown(value)}; give {what}.")


def above_zero(name: str, value: Any, what: str) -> float:
    """`value` as a float above 0 and finite; else ParameterError that says `what` is wanted."""
    if not 0 < (found := number(name, value, what)) < math.inf:
        raise ParameterError(f"{name} = {shown(value)}; give {what}.")
    return found


def flag(name: str, value: Any) -> bool:
    """`value` as a bool; ParameterError unless it is True or False, for "no" and 0.5 would count as true."""
    if not isinstance(value, bool) and type(value).__name__ not in ("bool_", "bool"):  # NumPy's, without importing it
        raise ParameterError(f"{name} = {shown(value)}; give True or False.")
    return bool(value)


def place(name: str, value: Any) -> Path:
    """`value` as a Path; ParameterError unless it is text or a path, for numbers would be open files of the process."""
    path = os.fspath(value) if isinstance(value, (str, os.PathLike)) else None
    if not isinstance(path, str) or "\0" in path:
        raise ParameterError(f"{name} = {shown(value)}; give a path, such as 'results/one'.")
    return Path(path)


def instance(name: str, value: Any, kind: type, how: str) -> None:
    """ParameterError that says `how` to make one unless `value` is a `kind`."""
    if not isinstance(value, kind):
        raise ParameterError(f"{name} = {shown(value)} is no {kind.__name__}; {how}.")


def array_of(values: Any) -> np.ndarray:
    """`values` as an array of whatever they are; of objects, which no check takes, where they are ragged, or numbers and
    truths mixed, which NumPy would count as 0 and 1.
    """
    import numpy as np  # here, so that the command line can name its errors without it

    try:
        found = np.array(values)
    except ValueError:
        return np.array([None], dtype=object)
    return np.array([None], dtype=object) if found.dtype.kind in "iuf" and _holds_truths(values) else found


def _holds_truths(values: Any) -> bool:
    """Whether True or False stands somewhere in nested lists."""
    if not isinstance(values, (list, tuple)):
        return False
    kinds = set(map(type, values))
    if any(kind.__name__ in ("bool", "bool_") for kind in kinds):  # Python's and NumPy's
        return True
    return any(issubclass(kind, (list, tuple)) for kind in kinds) and any(map(_holds_truths, values))


def real_array(values: Any) -> np.ndarray:
    """A float64 copy of a table of real numbers; ValueError if it is ragged or holds anything else."""
    import numpy as np  # here, so that the command line can name its errors without it

    table = np.array(values)
    if table.dtype.kind not in "iuf" or _holds_truths(values):
        raise ValueError(f"{table.dtype} values are not real numbers")
    return table.astype(np.float64)


def __dir__() -> list[str]:
    """What a person looks for; everything else is there as well."""
    return sorted(__all__)
