"""Pictures of states as bytes: a short JSON head, then single-precision numbers, for drawing only.

    4 bytes: length of the head, little endian | head | float32 of every array that the head names, little endian

The head is padded with blanks so that the numbers begin at a multiple of four.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np


def packed(head: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> bytes:
    """The frame; arrays are flattened, and `head` may not name `arrays`."""
    sizes = [[name, int(array.size)] for name, array in arrays.items()]
    text = json.dumps({**head, "arrays": sizes}, separators=(",", ":"), allow_nan=False).encode()
    text += b" " * (-len(text) % 4)
    with np.errstate(over="ignore", invalid="ignore"):
        bodies = [np.ascontiguousarray(array, dtype="<f4").tobytes() for array in arrays.values()]
    return b"".join([len(text).to_bytes(4, "little"), text, *bodies])


def unpacked(frame: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What `packed` was given, arrays flat; the page does the same."""
    length = int.from_bytes(frame[:4], "little")
    head = json.loads(frame[4 : 4 + length])
    numbers, first = np.frombuffer(frame, dtype="<f4", offset=4 + length), 0
    arrays = {}
    for name, size in head.pop("arrays"):
        arrays[name] = numbers[first : first + size]
        first += size
    return head, arrays
