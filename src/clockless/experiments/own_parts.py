"""Parts of the user's own: a file beside the study, known by its digest, and run only when an experiment is.

A description names the file and the class in it, `{kind: "my_clocks.py:Odd"}`, and once complete the file's digest, so that
an edited file is another experiment. Reading a description runs nothing. When the part is built, exactly the bytes with
that digest are run, under a module name of their own and not through `sys.path`, and one warning says which file it was.
A part of an installed package, `{kind: "package.module:Odd"}`, is imported only if its object was given in Python, or if
all code was trusted (`--trust`).
"""

from __future__ import annotations

import copyreg
import dataclasses
import hashlib
import importlib
import os
import re
import stat
import sys
import sysconfig
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from clockless.errors import DescriptionError, OwnCodeWarning, shown
from clockless.experiments.own_fields import UNKNOWN, Fields, fields_in

__all__ = ["trust"]

PARTS = "parts"  # folder of a store that keeps copies: parts/<digest>/<file>
_FILE = re.compile(r"(?![.-])[\w.-]+\.py")
_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_DIGEST = re.compile(r"[0-9a-f]{16}")
_PREFIX = "clockless_own_"


class Place(NamedTuple):
    """Where own files are looked for: beside a study, in a store's `parts`, or in the working folder."""

    folder: Path
    study: Path | None = None
    store: bool = False


class Copy(NamedTuple):
    """A file that held the digest when it was looked at, and what else must belong to the user if it is to be run."""

    path: Path
    vouching: tuple[Path, ...] = ()


_place: ContextVar[Place | None] = ContextVar("place", default=None)
_copies: dict[tuple[str, str], list[Copy]] = {}  # by name and digest of the file
_modules: dict[str, ModuleType] = {}  # by digest
_names: dict[str, str] = {}  # of the files of those modules
_allowed: set[str] = set()  # modules of packages whose objects were given in Python
_trusting = False
_lock = threading.RLock()


@contextmanager
def beside(place: Place) -> Iterator[None]:
    """Look for own files there while descriptions are read."""
    token = _place.set(place)
    try:
        yield
    finally:
        _place.reset(token)


def trust() -> None:
    """Let this process run own code of other users' studies and stores, and import packages that descriptions name."""
    global _trusting
    _trusting = True


def trusting(kinds: list[str]) -> bool:
    """Whether processes that work on own parts of these kinds must be told to trust, for this one does."""
    return _trusting or any(kind.partition(":")[0] in _allowed for kind in kinds)


def is_own(kind: Any) -> bool:
    """Whether this is the name of a part outside the package: "file.py:Class" or "package.module:Class"."""
    if not isinstance(kind, str):
        return False
    where, separator, name = kind.partition(":")
    return bool(separator and name.isidentifier() and (_FILE.fullmatch(where) or _MODULE.fullmatch(where)))


def allow(kind: str) -> None:
    """Let the module of an installed package be imported: it has been named by the package itself, as an entry point."""
    _allowed.add(kind.partition(":")[0])


# --- descriptions ----------------------------------------------------------------------------------------------


def complete(kind: str, digest: Any, where: str) -> tuple[str, str | None]:
    """Kind and digest as a complete description has them; the digest is None in stores made before there were any.

    Raises:
        DescriptionError: there is no such file, it is not what the digest names, or it is a package nobody asked for.
    """
    if digest is not None and not (isinstance(digest, str) and _DIGEST.fullmatch(digest)):
        raise DescriptionError(f"{where}.digest = {shown(digest)}; it is 16 hexadecimal digits, or left out.")
    place = _place.get() or Place(Path.cwd())
    place = place._replace(folder=place.folder.absolute())
    file, _, name = kind.partition(":")
    if not _FILE.fullmatch(file):
        if place.store or digest is not None or not (place.folder / f"{file}.py").is_file():
            return kind, digest if digest is not None or place.store else _digest_of_package(kind, place, where)
        file = f"{file}.py"
    if digest is not None:
        _look_for(file, digest, place, where)
    elif not place.store:
        path = place.folder / file
        digest = _digest(_content(path, where))
        _know(file, digest, Copy(path, (place.study,) if place.study else ()))
    return f"{file}:{name}", digest


def _look_for(file: str, digest: str, place: Place, where: str) -> None:
    """Know where the file with this digest is, in a store or beside the study; of a study that has neither, say so."""
    kept, path = place.folder / PARTS / digest / file, place.folder / file
    if place.store or kept.is_file():
        _know(file, digest, Copy(kept, (place.folder, place.study) if place.study else (place.folder,)))
    elif place.study is None:
        if path.is_file() and _digest(_content(path, where)) == digest:
            _know(file, digest, Copy(path))
    else:
        found = _digest(_content(path, where))
        if found != digest:
            raise DescriptionError(
                f"{where}: {path} has the digest {found}, but {place.study.name} was written for {digest}; the edited file "
                f"makes another experiment: leave `digest` out to take it, or use the copy in the store's {PARTS}/{digest}."
            )
        _know(file, digest, Copy(path, (place.study,)))


def _know(file: str, digest: str, copy: Copy) -> None:
    copies = _copies.setdefault((file, digest), [])
    if copy not in copies:
        copies.append(copy)


def _digest_of_package(kind: str, place: Place, where: str) -> str:
    """The digest of a module that is to be imported, which must have been asked for."""
    module = kind.partition(":")[0]
    if not (_trusting or module in _allowed):
        file = f"{module.rpartition('.')[2]}.py"
        raise DescriptionError(
            f"{where}.kind = {shown(kind)} is not imported unasked; put {file} beside the study and name it "
            f"{file}:{kind.partition(':')[2]}, or, of an installed package, say --trust or give the part itself in Python."
        )
    return _digest_of_module(_imported(kind, where), where)


def fields(kind: str, digest: str | None, where: str, medium: bool = False) -> Fields:
    """The fields that the text of the file declares; any, if it is not at hand or belongs to a package."""
    file, _, name = kind.partition(":")
    for copy in _copies.get((file, digest or ""), []):
        try:
            source = _content(copy.path, where)
        except DescriptionError:
            continue
        if _digest(source) == digest:
            return fields_in(source, file, name, where, medium)
    return UNKNOWN


def name_of(cls: type, where: str) -> tuple[str, str]:
    """Kind and digest of a part's class that was given in Python; its file, or its package, may then be run.

    Raises:
        DescriptionError: other processes could not find it.
    """
    module, name = cls.__module__, cls.__qualname__
    if module.startswith(_PREFIX):
        digest = module.removeprefix(_PREFIX)
        return f"{_names[digest]}:{name}", digest
    file = getattr(sys.modules.get(module), "__file__", None)
    if module == "__main__" or not name.isidentifier() or not file or not file.endswith(".py"):
        raise DescriptionError(f"{where} = {shown(cls)} cannot be found by other processes; put it into a module.")
    path = Path(file).absolute()
    if "." in module or _is_installed(path):
        _allowed.add(module)
        return f"{module}:{name}", _digest(_content(path, where))
    digest = _digest(_content(path, where))
    _know(path.name, digest, Copy(path))
    return f"{path.name}:{name}", digest


def _is_installed(path: Path) -> bool:
    folders = {Path(folder) for folder in sysconfig.get_paths().values()}
    return any(folder in path.parents for folder in folders - {Path(sys.prefix)}) or "site-packages" in path.parts


# --- running -----------------------------------------------------------------------------------------------------


def loaded(kind: str, digest: str | None) -> type:
    """The class that a complete description names; its file is run, once in a process, and a warning says so.

    Raises:
        DescriptionError: the file is not at hand, is not what it was, must not be run, or fails.

    Warns:
        OwnCodeWarning: it is run.
    """
    file, _, name = kind.partition(":")
    if digest is None:
        raise DescriptionError(
            f"{kind} was named before stores kept the files of own parts, so it is not known what it was; its results can "
            f"be looked at, but begin a new store to compute."
        )
    with _lock:
        if _FILE.fullmatch(file):
            module = _modules.get(digest) or _announced(file, digest)
        else:
            module = _imported(kind, kind)
            if _digest_of_module(module, kind) != digest:
                raise DescriptionError(
                    f"{kind} is not what it was: its source has another digest than {digest}; install the version that the "
                    f"experiment was made with, or begin another one."
                )
    found = getattr(module, name, None)
    if not (isinstance(found, type) and (hasattr(found, "Lanes") or hasattr(found, "learner"))):
        raise DescriptionError(
            f"{kind} is no part and no medium; decorate its class with clockless.parts.part, or derive it from "
            "clockless.Medium."
        )
    if module.__name__.startswith(_PREFIX):
        copyreg.pickle(found, partial(_packed, kind, digest))
    return found


def _packed(kind: str, digest: str, part: Any) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    values = part.fields() if hasattr(part, "learner") else {f.name: getattr(part, f.name) for f in dataclasses.fields(part)}
    return _unpacked, (kind, digest, sys.modules[type(part).__module__].__file__, values)


def _unpacked(kind: str, digest: str, path: str, values: dict[str, Any]) -> Any:
    """A part that another process has sent, which may run it and has said so; the file must still be what it was."""
    source = _content(Path(path), kind)
    if _digest(source) != digest:
        raise DescriptionError(f"{path} has been edited or damaged: its digest is {_digest(source)} and not {digest}.")
    with _lock:
        if digest not in _modules:
            _run(kind.partition(":")[0], digest, Path(path), source)
    return loaded(kind, digest)(**values)


def content(kind: str, digest: str) -> bytes | None:
    """The file to be kept in a store; None for a package.

    Raises:
        DescriptionError: it is not at hand, or must not be run.
    """
    file = kind.partition(":")[0]
    return _trusted_copy(file, digest)[1] if _FILE.fullmatch(file) else None


def _announced(file: str, digest: str) -> ModuleType:
    path, source = _trusted_copy(file, digest)
    which = "the store's copy " if path.parent.name == digest else ""
    warnings.warn(f"own part: running {which}{path}, digest {digest}.", OwnCodeWarning, stacklevel=2)
    return _run(file, digest, path, source)


def _run(file: str, digest: str, path: Path, source: bytes) -> ModuleType:
    module = ModuleType(f"{_PREFIX}{digest}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # where dataclasses, pickle and inspect look for it
    _names[digest] = file
    try:
        exec(compile(source, str(path), "exec", dont_inherit=True), module.__dict__)
    except (Exception, SystemExit) as error:  # noqa: BLE001 (it may raise anything while it is run)
        del sys.modules[module.__name__]
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise DescriptionError(
            f"{path} cannot be run ({reason}); an own part stands in one file and imports installed packages only."
        ) from None
    _modules[digest] = module
    return module


def _trusted_copy(file: str, digest: str) -> tuple[Path, bytes]:
    """A file that has the digest, and its bytes; of several the first that may be run."""
    problem = f"{file} with the digest {digest} is not at hand; read the study beside it, or open the store that keeps it."
    for path, vouching in _copies.get((file, digest), []):
        try:
            source = _content(path, file)
        except DescriptionError as error:
            problem = str(error)
            continue
        if _digest(source) != digest:
            problem = f"{path} has been edited or damaged: its digest is {_digest(source)} and not {digest}."
        elif not _trusting and (stranger := _stranger(path, vouching)):
            problem = stranger
        else:
            return path, source
    raise DescriptionError(problem)


def _stranger(path: Path, vouching: tuple[Path, ...]) -> str:
    """Why this file must not be run unasked, if there is a reason."""
    for each in (path, *(other for other in vouching if other.exists())):
        owner = each.stat().st_uid
        if owner not in (os.geteuid(), 0):
            return (
                f"{each} belongs to another user, and {path.name} in it would be run as yours; read it, then say --trust "
                f"(in Python: clockless.own_parts.trust())."
            )
    about = path.stat()
    if about.st_mode & stat.S_IWOTH or (about.st_mode & stat.S_IWGRP and not _has_only(about.st_gid, about.st_uid)):
        return f"{path} can be changed by other users, and would be run as yours; chmod go-w it, or say --trust."
    return ""


def _has_only(group: int, user: int) -> bool:
    """Whether a group is a user's private one, as many systems give everybody."""
    import grp
    import pwd

    try:
        about, owner = grp.getgrgid(group), pwd.getpwuid(user)
    except KeyError:
        return False
    return owner.pw_gid == group and about.gr_name == owner.pw_name and set(about.gr_mem) <= {owner.pw_name}


def _imported(kind: str, where: str) -> ModuleType:
    module = kind.partition(":")[0]
    if not (_trusting or module in _allowed):
        raise DescriptionError(
            f"{kind} is a package's, which is not imported unasked; say --trust (in Python: clockless.own_parts.trust())."
        )
    new = module not in sys.modules
    try:
        found = importlib.import_module(module)
    except Exception as error:  # noqa: BLE001 (a module may raise anything while it is imported)
        reason = " ".join(str(error).split())
        raise DescriptionError(f"{where}.kind = {shown(kind)} cannot be imported ({reason}); check the name.") from None
    if new:
        warnings.warn(f"own part: imported {found.__file__ or module}.", OwnCodeWarning, stacklevel=2)
    return found


def _digest_of_module(module: ModuleType, where: str) -> str:
    file = module.__file__
    if not file or not file.endswith(".py"):
        raise DescriptionError(f"{where}: {module.__name__} has no source file, so that nobody could say what it computes.")
    return _digest(_content(Path(file), where))


def _content(path: Path, where: str) -> bytes:
    """The bytes of a regular file that is text in UTF-8.

    Raises:
        DescriptionError: there is none.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe would wait for a writer
        with os.fdopen(handle, "rb") as file:
            about = os.fstat(handle)
            if not stat.S_ISREG(about.st_mode):
                raise DescriptionError(f"{where}: {path} is no file that can be read; own parts are files beside the study.")
            source = file.read()
        source.decode()
    except UnicodeDecodeError:
        raise DescriptionError(f"{where}: {path} is not text in UTF-8.") from None
    except OSError as error:
        raise DescriptionError(
            f"{where}: {path} cannot be read ({error.strerror}); own parts are files beside the study that names them."
        ) from None
    return source


@lru_cache(maxsize=64)
def _digest(source: bytes) -> str:
    return hashlib.sha256(source).hexdigest()[:16]


def __dir__() -> list[str]:
    """What a person looks for; everything else is there as well."""
    return sorted(__all__)
