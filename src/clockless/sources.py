"""A hash of the package's own sources that a module rests on, found by following its imports, so that no list goes stale.

Files are read, never run: an import counts wherever it stands in a module, within functions, too, because it may decide
what is computed; only what stands under `if TYPE_CHECKING:` is never executed and does not count.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterator
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path


def digest_of(*names: str) -> str:
    """16 hexadecimal digits of SHA-256 over the sources of these modules and of all that they import within their packages.

    Modules are named as they are imported, such as "clockless.media.resistors.engine". Importing `a.b.c` runs the packages
    `a` and `a.b`, so their `__init__` counts. Line endings do not matter. The answer is kept for the life of the process.

    Raises:
        ModuleNotFoundError: there is no source file of that name.
    """
    return _digest_of(tuple(sorted(set(names))))


@cache
def _digest_of(names: tuple[str, ...]) -> str:
    digest = hashlib.sha256()
    for name in modules_under(*names):
        digest.update(f"{name}\n{len(_source(name))}\n".encode() + _source(name))
    return digest.hexdigest()[:16]


def modules_under(*names: str) -> list[str]:
    """These modules and all that they import within their packages, transitively, in the order of their names."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _imported_by(name)
    return sorted(found)


@cache
def _file_of(name: str) -> Path | None:
    """The source file of a module, without importing anything; None if there is none."""
    package, _, rest = name.partition(".")
    folder = _folder_of(package)
    if folder is None:
        return None
    place = folder.joinpath(*rest.split(".")) if rest else folder
    candidates = (place / "__init__.py", place.with_suffix(".py")) if rest else (place / "__init__.py",)
    return next((path for path in candidates if path.is_file()), None)


@cache
def _folder_of(package: str) -> Path | None:
    if package == __name__.partition(".")[0]:
        return Path(__file__).parent
    spec = PathFinder.find_spec(package)
    return Path(spec.origin).parent if spec and spec.origin and spec.submodule_search_locations else None


@cache
def _source(name: str) -> bytes:
    path = _file_of(name)
    if path is None:
        raise ModuleNotFoundError(f"there is no source file of {name}", name=name)
    return path.read_bytes().replace(b"\r\n", b"\n").replace(b"\r", b"\n")


@cache
def _imported_by(name: str) -> tuple[str, ...]:
    """The modules of the same package that a module imports by itself, and the packages around it."""
    path, top = _file_of(name), name.partition(".")[0]
    tree = _tree(_source(name))
    package = name if path is not None and path.name == "__init__.py" else name.rpartition(".")[0]
    wanted = [name.rpartition(".")[0]] if "." in name else []
    for statement in _statements(tree.body):
        if isinstance(statement, ast.Import):
            wanted += [alias.name for alias in statement.names]
        elif isinstance(statement, ast.ImportFrom):
            wanted += _named(statement, package)
    return tuple({found for found in wanted if found.partition(".")[0] == top})


_NEXT_STATEMENT = re.compile(rb"^(?=[A-Za-z_@])", re.MULTILINE)


def _tree(source: bytes) -> ast.Module:
    """The syntax tree as far as the word "import" occurs, which is all that is asked for, and most of a module less."""
    line_end = source.find(b"\n", max(source.rfind(b"import"), 0))
    rest = _NEXT_STATEMENT.search(source, line_end + 1) if line_end >= 0 else None
    try:
        return ast.parse(source[: rest.start()] if rest else source)
    except SyntaxError:  # cut within a string or parentheses
        return ast.parse(source)


def _named(statement: ast.ImportFrom, package: str) -> list[str]:
    """The modules that `from .. import ..` names: the one it takes from, and names that are modules themselves."""
    start = statement.module or ""
    if statement.level:
        around = package.split(".")[: len(package.split(".")) - statement.level + 1]
        start = ".".join([*around, start] if start else around)
    if start.partition(".")[0] != package.partition(".")[0]:
        return []
    inner = [f"{start}.{alias.name}" for alias in statement.names if alias.name != "*"]
    return [start, *(module for module in inner if _file_of(module) is not None)]


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """All statements of a body and those within them, but what only type checkers see."""
    for statement in body:
        yield statement
        if isinstance(statement, ast.If) and _is_for_type_checkers(statement.test):
            yield from _statements(statement.orelse)
            continue
        for part in ("body", "orelse", "finalbody"):
            yield from _statements(getattr(statement, part, []))
        for part in ("handlers", "cases"):
            for inner in getattr(statement, part, []):
                yield from _statements(inner.body)


def _is_for_type_checkers(test: ast.expr) -> bool:
    """Whether this is `TYPE_CHECKING` or `typing.TYPE_CHECKING`."""
    return getattr(test, "id", getattr(test, "attr", "")) == "TYPE_CHECKING"
