"""Ranges in descriptions: `0..255`, `linspace(0.1, 1, 10)` and `geomspace(0.05, 1, 6)` in place of a list of numbers.

A range is the list it stands for, NumPy's very numbers, so a description has one fingerprint however it is spelled. `0..3`
has both ends: 0, 1, 2, 3. Written back are ranges only where they give the same bits again.
"""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

from clockless.errors import DescriptionError, shown

MOST_VALUES = 1_000_000  # of one range
_LEAST_SHORT = 4  # values of a list that is written as a range
_WHOLE = r"[-+]?\d{1,20}"
_NUMBER = r"[-+]?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})(?:[eE][-+]?\d{1,3})?"
_COUNTED = re.compile(rf"\s*({_WHOLE})\s*\.\.\s*({_WHOLE})\s*")
_SPACED = re.compile(rf"\s*(linspace|geomspace)\s*\(\s*({_NUMBER})\s*,\s*({_NUMBER})\s*,\s*(\d{{1,20}})\s*\)\s*")
_MEANT = re.compile(r"\s*(?:(?:lin|geom|log)space\b|[-+]?[\d.]*\d\s*\.\.|\.\.\s*[-+]?\d)")  # what looks like a range
_FORMS = "0..9, linspace(0.1, 1, 10) or geomspace(0.01, 1, 5), within braces in quotes"


def unfolded(value: Any, where: str) -> Any:
    """The list of numbers that a range stands for; everything else as it is.

    Raises:
        DescriptionError: a range that is none, is empty, or stands for more than a million numbers.
    """
    if not isinstance(value, str) or not _MEANT.match(value):
        return value
    if found := _COUNTED.fullmatch(value):
        return _counted(int(found[1]), int(found[2]), value, where)
    if found := _SPACED.fullmatch(value):
        return _spaced(found[1], float(found[2]), float(found[3]), int(found[4]), where)
    raise DescriptionError(f"{where} = {shown(value)} is no range; write {_FORMS}.")


def _counted(first: int, last: int, text: str, where: str) -> list[int]:
    if last < first:
        raise DescriptionError(f"{where} = {shown(text)} is empty; a range goes up, such as {last}..{first}.")
    _check_count(last - first + 1, text, where)
    return list(range(first, last + 1))


def _spaced(name: str, first: float, last: float, count: int, where: str) -> list[float]:
    text = f"{name}({first:g}, {last:g}, {count})"
    _check_count(count, text, where)
    if not (math.isfinite(first) and math.isfinite(last)):
        raise DescriptionError(f"{where} = {shown(text)}; its ends must be finite numbers.")
    if count < 2 or first == last:
        raise DescriptionError(f"{where} = {shown(text)}; give two ends that differ, and 2 values or more.")
    if name == "geomspace" and not first * last > 0:
        raise DescriptionError(f"{where} = {shown(text)}; both ends of a geomspace must be above 0; or take linspace.")
    return _values(name, first, last, count)


def _values(name: str, first: float, last: float, count: int) -> list[float]:
    make = np.geomspace if name == "geomspace" else np.linspace
    values: list[float] = make(first, last, count).tolist()
    return values


def _check_count(count: int, text: str, where: str) -> None:
    if count > MOST_VALUES:
        raise DescriptionError(
            f"{where} = {shown(text)} stands for {shown(count)} numbers, and a range for at most {MOST_VALUES:,}; "
            "write a shorter one."
        )


def folded(values: Any, decimals: bool = True) -> Any:
    """Numbers as the range that stands for them, if one gives exactly these again; everything else as it is.

    Args:
        decimals: write spaced numbers short, too. Their last bits may depend on the machine, those of whole numbers do not.
    """
    if not isinstance(values, (list, tuple)) or len(values) < _LEAST_SHORT or len(values) > MOST_VALUES:
        return values
    kinds = set(map(type, values))
    if kinds == {int}:
        consecutive = values[-1] - values[0] == len(values) - 1 and list(values) == list(range(values[0], values[-1] + 1))
        return f"{values[0]}..{values[-1]}" if consecutive else values
    if kinds == {float} and decimals and all(map(math.isfinite, values)) and values[0] != values[-1]:
        first, last, count = values[0], values[-1], len(values)
        for name in ("linspace", "geomspace"):
            possible = name == "linspace" or (first > 0 and last > 0)
            text = f"{name}({first!r}, {last!r}, {count})"
            if possible and _SPACED.fullmatch(text) and _values(name, first, last, count) == list(values):
                return text
    return values
