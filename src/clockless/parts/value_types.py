"""Numba's types of values, each made once: Numba makes them anew for every array, and an argument may hold a hundred."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import typeof

_typeof: Any = typeof  # it has no types
_ARRAYS: dict[tuple[Any, ...], Any] = {}
_TUPLES: dict[tuple[Any, ...], tuple[Any, tuple[Any, ...]]] = {}


def type_of(value: Any) -> Any:
    """`numba.typeof(value)`."""
    if type(value) is np.ndarray:
        key = value.dtype, value.ndim, value.flags.num
        if key not in _ARRAYS:
            _ARRAYS[key] = _typeof(value)
        return _ARRAYS[key]
    if not isinstance(value, tuple):
        return _typeof(value)
    inner = tuple(type_of(item) for item in value)
    # Hashing types takes long. They are kept beside the result, so that no other type gets the place of one.
    places = type(value), *map(id, inner)
    if places not in _TUPLES:
        _TUPLES[places] = _typeof(value), inner
    return _TUPLES[places][0]
