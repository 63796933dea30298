"""IDX files, the format of MNIST: big-endian headers, then bytes; every claim of a header is checked.

A file of images is the magic number 0x00000803, the counts of images, rows and columns (32 bits each) and one byte per
pixel; a file of labels is 0x00000801, the count and one byte per label. Files whose name ends in .gz are unpacked, but no
further than their header says.
"""

from __future__ import annotations

import gzip
import math
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import numpy as np

from clockless import disk, memory
from clockless.errors import TaskError

IMAGES, LABELS = 0x803, 0x801
_SIZES = {IMAGES: 3, LABELS: 1}
_BYTES_EACH = 10  # that a pixel takes: packed as it was, and as a number
_NAMES = {IMAGES: "images", LABELS: "labels"}


def read_images(path: str | os.PathLike[str]) -> np.ndarray:
    """Grey values of the images, uint8 [image, row, column].

    Raises:
        TaskError: a file that cannot be read, or is not exactly what its header says.
    """
    return _read(Path(path), IMAGES)


def read_labels(path: str | os.PathLike[str], classes: int = 10) -> np.ndarray:
    """Labels, uint8 [image], each below `classes`.

    Raises:
        TaskError: as `read_images`, or a label out of range.
    """
    labels = _read(Path(path), LABELS)
    wrong = np.flatnonzero(labels >= classes)
    if wrong.size:
        raise TaskError(
            f"{path}: label {wrong[0]} is {labels[wrong[0]]}, outside 0 to {classes - 1}; "
            "the file is damaged or not of this set."
        )
    return labels


def _read(path: Path, magic: int) -> np.ndarray:
    with _opened(path) as (file, size):
        try:
            header = file.read(4 + 4 * _SIZES[magic])
            sizes, said = _checked_header(path, header, magic)
            content = b""
            if size in (None, len(header) + said):
                memory.check(_BYTES_EACH * said, f"{path}, whose header says {_product(sizes)} bytes,", "copy it again")
                content = file.read(said + 1)  # one more, to see that it ends
        except (OSError, EOFError, zlib.error) as error:
            raise TaskError(f"{path} cannot be unpacked ({error}); it is truncated or damaged, copy it again.") from None
    found = len(content) if size is None else size - len(header)
    if found != said:
        state = "is truncated" if found < said else "is too long"
        more = " or more" if size is None and found > said else ""
        raise TaskError(
            f"{path} {state}: {_product(sizes)} = {said} bytes should follow its header, not {found}{more}; copy it again."
        )
    return np.frombuffer(content, dtype=np.uint8).reshape(sizes)


def _checked_header(path: Path, header: bytes, magic: int) -> tuple[list[int], int]:
    """The sizes that a header names, and how many bytes these are."""
    words = np.frombuffer(header[: len(header) // 4 * 4], dtype=">u4").tolist()
    if not words or words[0] != magic:
        raise TaskError(f"{path} {_other(words, magic)}; give an IDX file of {_NAMES[magic]} (magic number {magic:#010x}).")
    if len(words) < 1 + _SIZES[magic]:
        raise TaskError(f"{path} is truncated: it ends within its header; copy it again.")
    sizes = words[1:]
    if 0 in sizes:
        raise TaskError(
            f"{path} says that it holds {_product(sizes)} = no bytes of {_NAMES[magic]}; give a file with examples."
        )
    return sizes, math.prod(sizes)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[IO[bytes], int | None]]:
    """The unpacked bytes of a file, and how many there are; None where that shows only at their end."""
    try:
        raw = open(disk.given(path), "rb")  # noqa: SIM115 (closed below)
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
    except OSError as error:
        raise TaskError(f"cannot read {path}: {error.strerror or error}; check the path.") from None
    with raw:
        if path.suffix != ".gz":
            if packed:
                raise TaskError(f"{path} is packed by gzip, but its name does not end in .gz; rename or unpack it.")
            yield raw, os.fstat(raw.fileno()).st_size
        elif not packed:
            raise TaskError(f"{path} is not a gzip file, though its name ends in .gz; rename it or copy it again.")
        else:
            with gzip.GzipFile(fileobj=raw) as unpacked:
                yield cast("IO[bytes]", unpacked), None


def _other(words: list[int], magic: int) -> str:
    if not words:
        return "is truncated: it ends within its header"
    for known, name in _NAMES.items():
        if words[0] == known != magic:
            return f"holds {name}"
    return f"begins with {words[0]:#010x}"


def _product(sizes: list[int]) -> str:
    return " x ".join(map(str, sizes))
