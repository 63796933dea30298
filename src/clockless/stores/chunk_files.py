"""The files of a group as zarr reads and writes them: by `disk`, so that no link within the group is followed.

A chunk of a kilobyte may unpack to gigabytes. How much it would is in its first bytes, and must be what the array's metadata
say; so it is looked at before anything is unpacked.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from zarr.abc.store import ByteRequest
from zarr.core.buffer import Buffer, BufferPrototype, default_buffer_prototype
from zarr.storage import LocalStore

from clockless import disk
from clockless.errors import StoreError

_ZSTD = b"\x28\xb5\x2f\xfd"
_DICTIONARY_BYTES = (0, 1, 2, 4)  # by the two lowest bits of a frame's descriptor (RFC 8878, section 3.1.1.1)
_SIZE_BYTES = (0, 2, 4, 8)  # by the two highest ones
_SUM_BYTES = 4  # of a checksum
_DESCRIPTION_BYTES = 2**28


class Chunk(NamedTuple):
    """What a chunk of an array is: its bytes in memory, and whether it is packed by zstd."""

    size: int
    packed: bool


class ChunkFiles(LocalStore):
    """Plain files in plain folders below `root`; anything else is refused with a StoreError.

    Chunks of the arrays `chunks` by name unpack to their own size, or are refused with a ValueError, as damaged ones are.

    Chunks are moved into place whole but not forced to the disk: a job's checkpoint is, from which it is mended.
    """

    def __init__(self, root: Path | str, *, read_only: bool = False, chunks: Mapping[str, Chunk] | None = None) -> None:
        super().__init__(root, read_only=read_only)
        self._chunks = dict(chunks or {})

    def with_read_only(self, read_only: bool = False) -> ChunkFiles:
        """The same files, for reading only or not."""
        return type(self)(self.root, read_only=read_only, chunks=self._chunks)

    async def get(
        self, key: str, prototype: BufferPrototype | None = None, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        """The bytes of a file, or None if there is none. Files are small, so that a thread for each would cost more."""
        return self.get_sync(key, prototype=prototype, byte_range=byte_range)

    def get_sync(
        self, key: str, *, prototype: BufferPrototype | None = None, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        """As `get`."""
        if byte_range is not None:
            raise StoreError(f"{self.root / key}: a part of a file was asked for, and these arrays have no shards.")
        try:
            found = self._read(key)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return (prototype or default_buffer_prototype()).buffer.from_bytes(found)

    def _read(self, key: str) -> bytes:
        name, _, rest = key.partition("/")
        chunk = self._chunks.get(name) if rest.startswith(("c.", "c/")) or rest == "c" else None
        if chunk is None:
            return disk.read(self._place(key), _DESCRIPTION_BYTES, below=self.root.parent)
        found = disk.read_part(self._place(key), 0, 2 * chunk.size + 1000, below=self.root.parent)
        size = unpacked_size(found) if chunk.packed else len(found)
        if size not in (chunk.size, chunk.size + _SUM_BYTES):
            raise ValueError(f"{self.root / key} is no chunk of {chunk.size:,} bytes")
        return found

    async def set(self, key: str, value: Buffer) -> None:
        """Write a file whole."""
        self.set_sync(key, value)

    async def set_if_not_exists(self, key: str, value: Buffer) -> None:
        """Write a file whole, unless there is one."""
        if not await self.exists(key):
            self.set_sync(key, value)

    def set_sync(self, key: str, value: Buffer) -> None:
        """Write a file whole."""
        self._check_writable()
        disk.write(self._place(key, make=True), memoryview(value.to_bytes()), sync=False, below=self.root.parent)

    async def delete(self, key: str) -> None:
        """Remove a file."""
        self.delete_sync(key)

    def delete_sync(self, key: str) -> None:
        """Remove a file."""
        self._check_writable()
        try:
            disk.remove(self._place(key), below=self.root.parent)
        except (FileNotFoundError, NotADirectoryError):
            return

    def _place(self, key: str, make: bool = False) -> Path:
        *folders, name = PurePosixPath(key).parts
        if ".." in folders or key.startswith("/"):
            raise StoreError(f"{self.root}: {key!r} is no name of a file in it.")
        return disk.folder(self.root, *folders, make=make) / name

    async def get_partial_values(self, prototype: BufferPrototype, key_ranges: Any) -> list[Buffer | None]:
        """As `get`, several."""
        return [await self.get(key, prototype, byte_range) for key, byte_range in key_ranges]


def unpacked_size(packed: bytes) -> int | None:
    """Bytes that a frame of zstd says it unpacks to (RFC 8878, section 3.1.1); None if it is none, or does not say."""
    if packed[:4] != _ZSTD or len(packed) < 5:
        return None
    descriptor = packed[4]
    single = bool(descriptor & 0x20)
    count = _SIZE_BYTES[descriptor >> 6] or int(single)
    first = 5 + (not single) + _DICTIONARY_BYTES[descriptor & 3]
    if not count or len(packed) < first + count:
        return None
    return int.from_bytes(packed[first : first + count], "little") + (256 if count == 2 else 0)
