"""The one way to files: no link is followed, nothing waits, and a file is written whole or not at all.

A store may come from anybody. What lies in it is therefore a plain file or a plain folder, or it is refused: a symbolic link
could lead a write anywhere, a pipe would never answer, and a file with a second name would be changed under both. `below` is
the folder that was asked for, and the folders between it and a file are opened one by one, each in the handle of the one
before: a link that somebody puts in place of one meanwhile is refused as well.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
import stat
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from clockless.errors import StoreError, shown

if TYPE_CHECKING:
    import numpy as np

_REFUSED = (errno.ELOOP, errno.ENXIO, errno.EISDIR, errno.EMLINK)  # of links, pipes and sockets, folders, links on BSD
# Windows lacks these; no store is opened there (see `stores.locks`), which is what they protect.
_NO_LINK, _NO_WAIT, _NOT_INHERITED = (getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC"))
_CHUNK = 1 << 20  # bytes read at a time
_THROUGH = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0) | _NOT_INHERITED  # a folder, not to list it
_STEPWISE = os.open in os.supports_dir_fd


class _Folder(NamedTuple):
    """An open folder; without a handle where the system opens files by their whole names only."""

    path: Path
    handle: int | None

    def of(self, name: str) -> str:
        """What a file in it is called beside `dir_fd=handle`."""
        return name if self.handle is not None else str(self.path / name)


@contextmanager
def _inside(path: Path, below: Path | None) -> Iterator[_Folder]:
    """The folder that holds `path`; StoreError if one between it and `below` is none."""
    if not _STEPWISE:
        yield _Folder(path.parent, None)
        return
    place = path.parent if below is None else below
    handle = os.open(place, _THROUGH)
    try:
        for name in path.parent.relative_to(place).parts:
            place /= name
            try:
                inner = os.open(name, _THROUGH | _NO_LINK, dir_fd=handle)
            except OSError as error:
                if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.EMLINK) and os.path.lexists(place):
                    raise _no_folder(place) from None
                raise
            os.close(handle)
            handle = inner
        yield _Folder(path.parent, handle)
    finally:
        os.close(handle)


def opened(path: Path, flags: int = os.O_RDONLY, *, below: Path | None = None) -> int:
    """A handle of a plain file; `flags` as of `os.open`.

    Raises:
        StoreError: there is something else, or for writing a file that has another name, too.
        OSError: as `os.open`.
    """
    with _inside(path, below) as folder:
        try:
            handle = os.open(folder.of(path.name), flags | _NO_LINK | _NO_WAIT | _NOT_INHERITED, 0o666, dir_fd=folder.handle)
        except OSError as error:
            if error.errno in _REFUSED and os.path.lexists(path):
                raise _no_file(path) from None
            raise
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode):
        os.close(handle)
        raise _no_file(path)
    if flags & (os.O_WRONLY | os.O_RDWR) and found.st_nlink > 1:
        os.close(handle)
        raise StoreError(
            f"{path} has a second name elsewhere (a hard link), which writing would change, too; put a copy in its place."
        )
    return handle


def read(path: Path, most: int, *, below: Path | None = None) -> bytes:
    """All bytes of a plain file.

    Raises:
        StoreError: there is something else, or the file has more than `most` bytes.
        OSError: it cannot be read.
    """
    found = read_part(path, 0, most + 1, below=below)
    if len(found) > most:
        raise StoreError(f"{path} has more than {most:,} bytes, so it is no such file of a store; remove it.")
    return found


def read_part(path: Path, first: int, most: int, *, below: Path | None = None) -> bytes:
    """At most `most` bytes of a plain file from byte `first` on; raises as `opened`."""
    handle, parts = opened(path, below=below), []
    try:
        while most > 0 and (part := os.pread(handle, min(most, _CHUNK), first)):
            parts.append(part)
            first, most = first + len(part), most - len(part)
    finally:
        os.close(handle)
    return b"".join(parts)


def given(path: Path) -> int:
    """A handle for reading a plain file that the user names: links are followed, but nothing waits.

    Raises:
        OSError: it cannot be read, or is something else, such as a pipe.
    """
    handle = os.open(path, os.O_RDONLY | _NO_WAIT | _NOT_INHERITED)
    mode = os.fstat(handle).st_mode
    if not stat.S_ISREG(mode):
        os.close(handle)
        raise OSError(errno.EINVAL, f"it is {_kind(mode)} and no file")
    return handle


def read_given(path: Path, most: int) -> bytes:
    """All bytes of a plain file that the user names; OSError as `given`, or if it has more than `most` bytes."""
    with open(given(path), "rb") as file:
        found = file.read(most + 1)
    if len(found) > most:
        raise OSError(errno.EFBIG, f"it has more than {most:,} bytes")
    return found


def read_json(path: Path, most: int, *, below: Path | None = None) -> Any:
    """What a JSON file of at most `most` bytes says; raises as `read`, and ValueError if that is no JSON."""
    try:
        return json.loads(read(path, most, below=below))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def write(path: Path, content: str | bytes | memoryview, sync: bool = True, *, below: Path | None = None) -> None:
    """Write a file whole or not at all: under a new name, forced to the disk if `sync`, then moved into place.

    Whatever had the name is replaced and never written through.
    """
    with _inside(path, below) as folder, _beside(path, folder) as (temporary, handle):
        try:
            rest = memoryview(content.encode() if isinstance(content, str) else content).cast("B")
            while rest:
                rest = rest[os.write(handle, rest) :]
            if sync:
                os.fsync(handle)
        finally:
            os.close(handle)
        _move(temporary, path, folder)


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray], sync: bool = True, *, below: Path | None = None) -> None:
    """Write arrays as .npz, whole or not at all; plain numbers and words only, and not compressed."""
    import numpy as np

    with _inside(path, below) as folder, _beside(path, folder) as (temporary, handle):
        with open(handle, "wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
            file.flush()
            if sync:
                os.fsync(handle)
        _move(temporary, path, folder)


def read_arrays(path: Path, *, below: Path | None = None) -> dict[str, np.ndarray]:
    """The arrays of a plain file .npz.

    Raises:
        ValueError: it is none, holds objects, or reading it would take more memory than it takes on the disk.
        OSError: as `opened`.
    """
    import numpy as np

    with open(opened(path, below=below), "rb") as raw:
        try:
            with zipfile.ZipFile(raw) as archive:
                members = archive.infolist()
            if any(member.compress_type != zipfile.ZIP_STORED for member in members):
                raise ValueError("it is compressed")
            if sum(member.file_size for member in members) > os.fstat(raw.fileno()).st_size:
                raise ValueError("it is shorter than it says")
            raw.seek(0)
            with np.load(raw, allow_pickle=False) as file:
                return {name: file[name] for name in file.files}
        except ValueError:
            raise
        except Exception as error:  # noqa: BLE001 (readers of damaged archives raise whatever they like)
            raise ValueError(str(error)) from None


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield the path of a new, empty file, which takes the place of `path` once the block has filled it.

    For writers of formats that want a path, which ends as `path` does; nothing is left of the new file if the block raises.
    """
    with _inside(path, None) as folder, _beside(path, folder) as (temporary, handle):
        try:
            yield path.with_name(temporary)
            os.fsync(handle)
        finally:
            os.close(handle)
        _move(temporary, path, folder)


def move(made: Path, path: Path, *, below: Path | None = None) -> None:
    """Give a file its name, instead of whatever had it; StoreError if that is a folder."""
    with _inside(made, None) as source, _inside(path, below) as folder:
        _move(made.name, path, folder, source)


def _move(made: str, path: Path, folder: _Folder, source: _Folder | None = None) -> None:
    source = source or folder
    try:
        os.replace(source.of(made), folder.of(path.name), src_dir_fd=source.handle, dst_dir_fd=folder.handle)
    except IsADirectoryError:
        raise _no_file(path) from None


def remove(path: Path, *, below: Path | None = None) -> None:
    """Remove a file, if there is one; StoreError as `opened` for the folders above it."""
    with suppress(FileNotFoundError), _inside(path, below) as folder:
        os.unlink(folder.of(path.name), dir_fd=folder.handle)


@contextmanager
def _beside(path: Path, folder: _Folder) -> Iterator[tuple[str, int]]:
    """The name and the handle of a new file beside `path`; the file is gone at the end unless it was moved."""
    temporary = f".{path.stem[:40]}.{secrets.token_hex(8)}{path.suffix[:20]}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK | _NOT_INHERITED
    handle = os.open(folder.of(temporary), flags, 0o666, dir_fd=folder.handle)
    try:
        yield temporary, handle
    finally:
        with suppress(FileNotFoundError):
            os.unlink(folder.of(temporary), dir_fd=folder.handle)


def folder(root: Path, *names: str, make: bool = False) -> Path:
    """The folder `names` below `root`, each a plain folder; those that are missing are made if `make`.

    Raises:
        StoreError: one of them is a link or a file.
        OSError: one is missing, or cannot be made.
    """
    path = root
    for name in names:
        path = path / name
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:
            if not make:
                raise
            path.mkdir(exist_ok=True)
            mode = path.lstat().st_mode
        if not stat.S_ISDIR(mode):
            raise _no_folder(path)
    return path


def has_folder(root: Path, *names: str) -> bool:
    """Whether that folder is there; raises as `folder`."""
    try:
        folder(root, *names)
    except FileNotFoundError:
        return False
    return True


def remove_folder(root: Path, *names: str) -> None:
    """Remove a folder below `root` and what is in it, but nothing that a link in it leads to; raises as `folder`."""
    with suppress(FileNotFoundError), _inside(folder(root, *names), root) as above:
        shutil.rmtree(
            above.of(names[-1]), ignore_errors=True, dir_fd=above.handle
        )  # two workers may do this at the same time


def _no_folder(path: Path) -> StoreError:
    return StoreError(f"{path} is {_kind(path.lstat().st_mode)} where a store has a folder of its own; remove it.")


def _no_file(path: Path) -> StoreError:
    return StoreError(f"{path} is {_kind(path.lstat().st_mode)} where a store has a file of its own; remove it.")


def _kind(mode: int) -> str:
    kinds = (
        (stat.S_ISLNK, "a symbolic link"), (stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a pipe"),
        (stat.S_ISSOCK, "a socket"), (stat.S_ISREG, "a file"),
    )  # fmt: skip
    return next((kind for is_kind, kind in kinds if is_kind(mode)), f"something else ({shown(oct(mode))})")
