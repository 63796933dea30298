"""The fields of a part in a file of the user's own, read from its text: the file is not run to check a description."""

from __future__ import annotations

import ast
import inspect
from typing import Any, NamedTuple

from clockless.errors import DescriptionError

LEFT_TO_CODE: Any = object()  # a default that only running the file would tell; the file's digest stands for it


class Fields(NamedTuple):
    """Fields that a description may give, in order; if `more`, there may be others that the text does not show."""

    declared: dict[str, inspect.Parameter]
    more: bool
    tables: tuple[str, ...] = ()  # of them, those that hold tables of numbers


UNKNOWN = Fields({}, True)


def fields_in(source: bytes, file: str, name: str, where: str, medium: bool = False) -> Fields:
    """The fields of the class `name`, with annotations as words and defaults where they are plain literals.

    Those of a medium are the arguments of its constructor but the network, those of a part its annotated attributes.

    Raises:
        DescriptionError: the file is no Python, holds no such class, or it is no part.
    """
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        raise DescriptionError(f"{where}.kind: {file} is no Python ({getattr(error, 'msg', error)}{line}).") from None
    classes = [statement for statement in body if isinstance(statement, ast.ClassDef) and statement.name == name]
    if not classes:
        if _binds(body, name):
            return UNKNOWN
        raise DescriptionError(f"{where}.kind: {file} holds no class {name}; check the name after the colon.")
    cls = classes[-1]
    if medium:
        return _of_medium(cls, f"{where}.kind: {name} in {file}")
    if not cls.decorator_list:
        raise DescriptionError(
            f"{where}.kind: {name} in {file} is no part; decorate its class with clockless.parts.part.part."
        )
    declared = {}
    for statement in cls.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            annotation = _word(statement.annotation)
            if not annotation.startswith("ClassVar"):
                declared[statement.target.id] = _parameter(statement.target.id, annotation, statement.value)
    if "digest" in declared:
        raise DescriptionError(
            f"{where}.kind: {name} in {file} has a field `digest`, which means the file's own; rename it."
        )
    return Fields(declared, bool(cls.bases))


def _of_medium(cls: ast.ClassDef, which: str) -> Fields:
    if not cls.bases:
        raise DescriptionError(f"{which} is no medium; derive its class from clockless.Medium.")
    tables = _tables(cls)
    made = [s for s in cls.body if isinstance(s, ast.FunctionDef) and s.name == "__init__"]
    if not made:
        return Fields({}, True, tables)
    arguments = made[-1].args
    defaults: list[ast.expr | None] = [None] * (len(arguments.args) - len(arguments.defaults)) + list(arguments.defaults)
    pairs = [*zip(arguments.args, defaults, strict=True), *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    declared = {
        argument.arg: _parameter(argument.arg, _word(argument.annotation) if argument.annotation else "", default)
        for argument, default in pairs[1:]
        if argument.arg != "network"
    }
    return Fields(declared, arguments.kwarg is not None, tables)


def _tables(cls: ast.ClassDef) -> tuple[str, ...]:
    """What the class says in its attribute `tables`, which may be given together with others."""
    for statement in cls.body:
        pairs: list[tuple[ast.expr, ast.expr]] = []
        if isinstance(statement, ast.Assign):
            pairs = [(target, statement.value) for target in statement.targets]
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            pairs = [(statement.target, statement.value)]
        for target, value in pairs:
            several = isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
            each = zip(target.elts, value.elts, strict=False) if several else [(target, value)]  # type: ignore[attr-defined]
            for name, said in each:
                if isinstance(name, ast.Name) and name.id == "tables" and isinstance(said, (ast.Tuple, ast.List)):
                    return tuple(str(item.value) for item in said.elts if isinstance(item, ast.Constant))
    return ()


def _binds(body: list[ast.stmt], name: str) -> bool:
    """Whether a module gives this name to something by other means than a class statement of its own."""
    for statement in ast.walk(ast.Module(body, [])):
        if isinstance(statement, ast.Name) and isinstance(statement.ctx, ast.Store) and statement.id == name:
            return True
        if isinstance(statement, ast.ClassDef) and statement.name == name:
            return True
        if isinstance(statement, ast.ImportFrom) and any(alias.name == "*" for alias in statement.names):
            return True
    return False


def _word(annotation: ast.expr) -> str:
    """An annotation as a word, without the module it is taken from."""
    text = annotation.value if isinstance(annotation, ast.Constant) else ast.unparse(annotation)
    return str(text).split("[")[0].rpartition(".")[2]


def _parameter(name: str, annotation: str, value: ast.expr | None) -> inspect.Parameter:
    default: Any = inspect.Parameter.empty
    if value is not None:
        try:
            default = ast.literal_eval(value)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            default = LEFT_TO_CODE
        if default is not LEFT_TO_CODE and not isinstance(default, (str, bool, int, float)):
            default = LEFT_TO_CODE
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
