"""Large tables of a description in few bytes: 64-bit numbers as base64, as initial values are, and back.

Ten characters a number in place of twenty, and exact. The form is one of files alone: an experiment, and so its fingerprint,
knows lists only.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from clockless.errors import DescriptionError
from clockless.experiments.catalogue import kind_of
from clockless.experiments.descriptions import tables_named
from clockless.experiments.experiment import unpacked

_SMALL = 16  # numbers of a table that is left as it is
_PACKED = {"shape", "float64"}


def with_tables_packed(plain: Mapping[str, Any], beyond: int = 0) -> dict[str, Any]:
    """A plain description whose tables of more than a few fractions are packed, if all together hold more than `beyond`."""
    sizes: list[int] = []
    result = {section: _packed_within(section, value, sizes) for section, value in plain.items()}
    return result if sum(sizes) > beyond else dict(plain)


def _packed_within(section: str, value: Any, sizes: list[int]) -> Any:
    if isinstance(value, list):
        return [_packed_within(section, item, sizes) for item in value]
    if not isinstance(value, dict) or value.get("kind", "given") == "given":
        return value
    kind = kind_of(section, value["kind"], section)
    tables = (*kind.tables, *tables_named(section, value))
    return {
        name: _packed(item, sizes) if name in tables else _packed_within(kind.section_of(name), item, sizes)
        for name, item in value.items()
    }


def _packed(table: Any, sizes: list[int]) -> Any:
    """Nested lists of fractions as an object; whole numbers, which are short, and small tables as they are."""
    if not isinstance(table, list):
        return table
    array = np.asarray(table)
    if array.dtype.kind != "f" or array.size < _SMALL:
        return table
    sizes.append(array.size)
    return {"shape": list(array.shape), "float64": base64.b64encode(array.astype("<f8").tobytes()).decode()}


def with_tables_unpacked(data: Any) -> Any:
    """Plain data with lists in place of packed tables; initial values, which stay packed, are left alone.

    Raises:
        DescriptionError: what is packed has another size than it says.
    """
    if isinstance(data, list):
        return [with_tables_unpacked(item) for item in data]
    if not isinstance(data, dict) or data.get("kind") == "given":
        return data
    return _unpacked(data) if data.keys() == _PACKED else {name: with_tables_unpacked(item) for name, item in data.items()}


def _unpacked(table: dict[str, Any]) -> list[Any]:
    shape = table["shape"]
    try:
        if not all(type(size) is int and size > 0 for size in shape) or math.prod(shape) * 8 > len(table["float64"]):
            raise ValueError
        found: list[Any] = unpacked(table).tolist()
    except (ValueError, TypeError):
        raise DescriptionError("a packed table of numbers was cut or changed: it has another size than it says.") from None
    return found
