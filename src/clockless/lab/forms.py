"""What the page may choose from: kinds of every section with their fields, as the parts' own signatures say them.

Left out is what would let a page read files or start processes (`bench`, data sets in folders). One's own parts and media
come from files that the command line names, never from the page.
"""

from __future__ import annotations

import ast
import importlib.util
import inspect
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from clockless.errors import ClocklessError, DescriptionError, shown
from clockless.experiments import own_parts
from clockless.experiments.catalogue import CATALOGUE, Kind
from clockless.experiments.own_fields import LEFT_TO_CODE

SECTIONS = ("network", "medium", "task", "rule", "clock", "device", "optimiser", "batch", "initial", "comparator", "law")
_LEFT_OUT = {"medium": ("bench",), "task": ("classification",)}
_NEURAL = "clockless.media.modules."  # kinds that are offered where JAX is installed
_METHODS = {"wants": "rule", "acts": "clock", "acting": "clock", "due": "clock", "writes": "device", "written": "device"}
_MEDIA = ("Medium", "Bench")  # classes of which own media are derived
_TYPES = ("float", "int", "bool", "str")
Forms = dict[str, dict[str, dict[str, Any]]]


def forms(own: Mapping[str, str]) -> Forms:
    """Forms [section][kind]: `about`, one sentence, and `fields`, each with name, type and what it is at first.

    Args:
        own: section of one's own parts by their kinds, as `own_kinds` finds them.
    """
    found = {section: dict(each) for section, each in _of_catalogue().items()}
    for kind, section in own.items():
        found[section][kind] = _own_form(kind, section == "medium")
    return found


@cache
def _of_catalogue() -> Forms:
    neural = importlib.util.find_spec("jax") is not None and importlib.util.find_spec("optax") is not None
    return {
        section: {
            name: _form(section, kind)
            for name, kind in CATALOGUE[section].items()
            if name not in _LEFT_OUT.get(section, ()) and not kind.files and (neural or not kind.path.startswith(_NEURAL))
        }
        for section in SECTIONS
    }


def _form(section: str, kind: Kind) -> dict[str, Any]:
    found: dict[str, Any] = {"about": _about(kind), "fields": [_field(*each, kind) for each in kind.fields().items()]}
    if section == "medium" and not kind.filled and not hasattr(kind.call, "on"):
        found["network"] = False  # it brings layers of its own
    return found


def _about(kind: Kind) -> str:
    """The first sentence of what is named."""
    text = " ".join((inspect.getdoc(kind.call) or "").split("\n\n")[0].split())
    return text.split(". ")[0].rstrip(".") + "." if text else ""


def _field(name: str, parameter: inspect.Parameter, kind: Kind | None = None) -> dict[str, Any]:
    annotation, default = str(parameter.annotation), parameter.default
    words = [word.strip() for word in annotation.split("|")]
    plain = words[0].rpartition(".")[2] if words[0].rpartition(".")[2] in _TYPES else "json"
    several = parameter.kind is inspect.Parameter.VAR_POSITIONAL
    if several or (kind and name in kind.tables):
        plain = "json"
    field: dict[str, Any] = {"name": name, "type": plain, "optional": "None" in words or default is None}
    if words[0] == "Part" or (kind and name in kind.parts):
        field |= {"type": "part", "section": kind.section_of(name) if kind else "comparator"}
    if default is not inspect.Parameter.empty and default is not LEFT_TO_CODE:
        field["default"] = _plain(default)
    return field


def _plain(default: Any) -> Any:
    if isinstance(default, (bool, int, float, str)) or default is None:
        return default
    if isinstance(default, (list, tuple)):
        return [_plain(item) for item in default]
    return None  # a part: its section's first kind


def _own_form(kind: str, medium: bool) -> dict[str, Any]:
    name, digest = own_parts.complete(kind, None, kind)
    declared = own_parts.fields(name, digest, kind, medium).declared
    return {"about": f"Your own, from {kind.partition(':')[0]}.", "fields": [_field(*each) for each in declared.items()]}


def own_kinds(files: list[Path]) -> dict[str, str]:
    """Sections of the parts and media in one's own files, by kind; the text is read, and nothing is run.

    Raises:
        DescriptionError: a file that cannot be read, or that holds none.
    """
    found: dict[str, str] = {}
    for path in files:
        try:
            body = ast.parse(path.read_bytes()).body
        except (OSError, SyntaxError, ValueError) as error:
            raise DescriptionError(f"{path} cannot be read as Python ({type(error).__name__}); check the name.") from None
        here = {f"{path.name}:{cls.name}": section for cls, section in _parts_in(body)}
        if not here:
            methods = ", ".join(sorted(set(_METHODS)))
            raise DescriptionError(
                f"{path} holds no part and no medium: no decorated class with one of the methods {methods}, and none "
                "derived from clockless.Medium."
            )
        found |= here
    return found


def _parts_in(body: list[ast.stmt]) -> Iterator[tuple[ast.ClassDef, str]]:
    for cls in body:
        if not isinstance(cls, ast.ClassDef):
            continue
        names = [s.name for s in cls.body if isinstance(s, ast.FunctionDef)]
        section = next((_METHODS[name] for name in names if name in _METHODS), None)
        if cls.decorator_list and section is not None:
            yield cls, section
        elif any(ast.unparse(base).rpartition(".")[2] in _MEDIA for base in cls.bases):
            yield cls, "medium"


# --- checking ------------------------------------------------------------------------------------------------------


def check_offered(section: str, description: Any, offered: Forms) -> None:
    """DescriptionError unless a description from the page names kinds and fields of the forms only, and has no axes."""
    if not isinstance(description, dict):
        raise DescriptionError(f"{section} = {shown(description)} is no description.")
    kind = description.get("kind")
    if not isinstance(kind, str) or kind not in offered[section]:
        raise DescriptionError(f"{section}.kind = {shown(kind)}; the page offers: {', '.join(offered[section])}.")
    fields = {field["name"]: field for field in offered[section][kind]["fields"]}
    for name, value in description.items():
        if name in ("kind", "digest"):
            continue
        if name not in fields:
            raise DescriptionError(f"{section}.{name} is unknown; {kind} has: {', '.join(fields) or 'no fields'}.")
        if fields[name]["type"] == "part":
            check_offered(fields[name]["section"], value, offered)
        elif isinstance(value, dict) or (isinstance(value, list) and fields[name]["type"] != "json"):
            raise DescriptionError(f"{section}.{name} = {shown(value)}; give one value, a board has no axes.")


def knobs(section: str, description: Mapping[str, Any], offered: Forms, path: str = "") -> Iterator[dict[str, Any]]:
    """Numbers of a description that can be turned while it learns: where, their value, and a range for a slider."""
    for field in offered[section][description["kind"]]["fields"]:
        value, name = description.get(field["name"]), field["name"]
        if field["type"] == "part" and isinstance(value, dict):
            yield from knobs(field["section"], value, offered, f"{path}{name}.")
        elif field["type"] == "float" and isinstance(value, (int, float)) and not isinstance(value, bool):
            yield {"field": path + name, "value": float(value), "integer": False, **_range(name, float(value))}


_UNIT = {"p": (0.01, 1.0), "nudge": (0.001, 1.0), "chance": (0.0, 1.0), "momentum": (0.0, 0.99), "duty": (0.05, 1.0)}


def _range(name: str, value: float) -> dict[str, Any]:
    if name in _UNIT:
        low, high = _UNIT[name]
        return {"low": min(low, value), "high": max(high, value), "logarithmic": name == "nudge" and value > 0}
    if value > 0:
        return {"low": value / 100, "high": value * 100, "logarithmic": True}
    return {"low": 10 * value, "high": max(0.1, -10 * value), "logarithmic": False}


def told(error: ClocklessError) -> str:
    """The sentence of an error, without the line breaks of its parts."""
    return " ".join(str(error).split())
