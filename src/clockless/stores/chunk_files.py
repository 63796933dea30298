"""The files of a group as zarr reads and writes them: by `disk`, so that no link within the group is followed."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

from zarr.abc.store import ByteRequest
from zarr.core.buffer import Buffer, BufferPrototype, default_buffer_prototype
from zarr.storage import LocalStore

from clockless import disk
from clockless.errors import StoreError


class ChunkFiles(LocalStore):
    """Plain files in plain folders below `root`, of at most `largest` bytes; anything else is refused with a StoreError.

    Chunks are moved into place whole but not forced to the disk: a job's checkpoint is, from which it is mended.
    """

    def __init__(self, root: Path | str, *, read_only: bool = False, largest: int = 2**28) -> None:
        super().__init__(root, read_only=read_only)
        self._largest = largest  # bytes of a file

    def with_read_only(self, read_only: bool = False) -> ChunkFiles:
        """The same files, for reading only or not."""
        return type(self)(self.root, read_only=read_only, largest=self._largest)

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
            found = disk.read(self._place(key), self._largest)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return (prototype or default_buffer_prototype()).buffer.from_bytes(found)

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
        disk.write(self._place(key, make=True), memoryview(value.to_bytes()), sync=False)

    async def delete(self, key: str) -> None:
        """Remove a file."""
        self.delete_sync(key)

    def delete_sync(self, key: str) -> None:
        """Remove a file."""
        self._check_writable()
        try:
            self._place(key).unlink(missing_ok=True)
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
