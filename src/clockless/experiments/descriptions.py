"""Descriptions: plain data that name things, checked, completed, and built into what they stand for.

A description is `{"kind": "bernoulli", "p": 0.5}`. Its fields are the arguments of what it names, so a part's own signature
is its schema and its own constructor checks the values; a field that is a list is an axis. Parts of one's own are named by
their file, `{"kind": "my_clocks.py:Odd"}`, whose digest becomes part of the description (see `own_parts`); so does that of
data files.
"""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import lru_cache, partial
from numbers import Integral, Real
from typing import Any

import numpy as np

from clockless.errors import ClocklessError, DescriptionError, array_of, shown
from clockless.experiments import own_media, own_parts
from clockless.experiments.catalogue import CATALOGUE, Kind, imported, kind_of
from clockless.experiments.own_fields import LEFT_TO_CODE
from clockless.experiments.ranges import unfolded
from clockless.networks.architectures import Architecture

_FLOAT, _INT, _BOOL, _TEXT, _PART = "float", "int", "bool", "str", "Part"


_OR_ARRAY = " | np.ndarray"  # descriptions hold numbers alone


def described(section: str, thing: Any, where: str) -> dict[str, Any]:
    """A complete description, checked: defaults filled in, numbers of their declared type, objects taken apart.

    Values of fields may be lists, each of which is an axis; a list is checked value by value.

    Raises:
        DescriptionError: an unknown kind or field, a missing one, a wrong type or an empty axis; the sentence names it.
    """
    given = thing if isinstance(thing, Mapping) else _taken_apart(section, thing, where)
    if "kind" not in given:
        raise DescriptionError(f"{where} has no kind; give one of: {', '.join(CATALOGUE[section])}.")
    kind_name = _known_as(section, given["kind"])
    if section == "medium":
        kind_name = own_media.path_of(kind_name, CATALOGUE["medium"])
    kind = kind_of(section, kind_name, where)
    if kind.is_own:
        return _own_described(section, kind_name, given, where)
    declared = kind.fields()
    known = {"kind", *declared, *(["digest"] if kind.files else [])}
    for name in given:
        if name not in known:
            for other in declared:  # a range without quotes is cut at its commas, within braces
                unfolded(given.get(other), f"{where}.{other}")
            allowed = ", ".join(declared) or "none"
            raise DescriptionError(f"{where}.{name} is unknown; the fields of {kind_name} are: {allowed}.")
    result: dict[str, Any] = {"kind": kind_name}
    for name, parameter in declared.items():
        at = f"{where}.{name}"
        if name in kind.later and (name not in given or given[name] is parameter.default):
            continue
        value = _given_or_default(given, name, parameter, kind_name, at)
        if name in kind.tables:
            result[name] = _table(value, at)
        elif name in kind.parts:
            result[name] = _parts(name, value, at)
        else:
            _check_nothing(parameter, value, at)
            result[name] = _values(parameter.annotation, value, at)
    if kind.files:
        result["digest"] = _digests(kind, given.get("digest"), result["folder"], where)
    return result


def _check_nothing(parameter: inspect.Parameter, value: Any, where: str) -> None:
    """DescriptionError if nothing stands where it means nothing, or in a list."""
    if value is None and parameter.default is not None and "None" not in str(parameter.annotation):
        raise DescriptionError(f"{where} is nothing; give a value, or leave it out where it has a default.")
    if isinstance(value, (list, tuple)) and any(item is None for item in value) and parameter.default is not None:
        raise DescriptionError(f"{where} = {shown(value)} holds nothing among its values; leave that out.")


def _values(annotation: Any, value: Any, where: str) -> Any:
    """A field's value, or the values of an axis, by its declared type; of numbers ranges may stand for an axis."""
    value = value if _named_type(annotation) == _TEXT else unfolded(value, where)
    return each(value, partial(_checked, annotation), where)


def _parts(section: str, value: Any, where: str) -> Any:
    """A part, or a list of parts that belong together; the section that they are kinds of has the field's name."""
    if isinstance(value, (list, tuple)):
        listed = [described(section, item, f"{where}[{k}]") for k, item in enumerate(value)]
        for k, item in enumerate(listed):
            tables = kind_of(section, item["kind"], where).tables
            axis = next((name for name, each_ in item.items() if isinstance(each_, list) and name not in tables), None)
            if axis:
                raise DescriptionError(f"{where}[{k}].{axis} is a list; in a list of {section}s nothing can be an axis.")
        return listed
    return described(section, value, where)


def _given_or_default(given: Mapping[str, Any], name: str, parameter: inspect.Parameter, kind: str, where: str) -> Any:
    if name in given:
        return given[name]
    if parameter.default is inspect.Parameter.empty:
        raise DescriptionError(f"{where} is missing; {kind} needs it.")
    return parameter.default


def _own_described(section: str, kind: str, given: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The description of an own part, checked as far as its text tells; the part itself checks the rest when it is built."""
    kind, digest = own_parts.complete(kind, given.get("digest"), where)
    declared, more, tables = own_parts.fields(kind, digest, where, section == "medium")
    tables = (*tables, *tables_named(section, given))
    known = ("kind", "digest", *(["tables"] if section == "medium" else []), *declared)
    result: dict[str, Any] = {"kind": kind, **({"digest": digest} if digest else {})}
    for name in given:
        if name not in known and not (more and isinstance(name, str) and name.isidentifier()):
            allowed = ", ".join(declared) or "none"
            raise DescriptionError(f"{where}.{name} is unknown; the fields of {kind} are: {allowed}.")
    for name, parameter in declared.items():
        value = _given_or_default(given, name, parameter, kind, f"{where}.{name}")
        if name in tables and value is not LEFT_TO_CODE:
            result[name] = _table(value, f"{where}.{name}")
        elif value is not LEFT_TO_CODE:
            result[name] = _values(parameter.annotation, value, f"{where}.{name}")
    for name in given:
        if name not in known and name in tables:
            result[name] = _table(given[name], f"{where}.{name}")
        elif name not in known:
            result[name] = each(unfolded(given[name], f"{where}.{name}"), _of_any_type, f"{where}.{name}")
    used = " ".join(dict.fromkeys(name for name in tables if name in result))
    return {**result, "tables": used} if used else result


def tables_named(section: str, description: Mapping[str, Any]) -> tuple[str, ...]:
    """Fields that the description of an own medium itself says are tables, so that the file need not be at hand to know."""
    said = description.get("tables", "") if section == "medium" else ""
    return tuple(said.split()) if isinstance(said, str) else ()


def _of_any_type(value: Any, where: str) -> Any:
    """A field of which nothing is known: a part, or plain."""
    return _checked(_PART if isinstance(value, Mapping) else "", value, where)


def _digests(kind: Kind, given: Any, folder: Any, where: str) -> str:
    """The digest of the data files in a folder, or in each folder of an axis; one that is given is checked at building."""
    folders = folder if isinstance(folder, list) else [folder]
    if given is not None:
        if isinstance(given, str) and len(given.split()) == len(folders):
            return given
        raise DescriptionError(f"{where}.digest = {shown(given)}; leave it out, it is made from the files in the folder.")
    try:
        return " ".join(imported(kind.files)(each) for each in folders)
    except ClocklessError as error:
        raise DescriptionError(f"{where}: {error}") from None


def _known_as(section: str, name: Any) -> Any:
    """The short name of a kind that is named by where it is imported from."""
    return next((known for known, kind in CATALOGUE[section].items() if kind.path == name), name)


def each(value: Any, check: Callable[[Any, str], Any], where: str) -> Any:
    """`check` of a value, or of every value of an axis."""
    if not isinstance(value, (list, tuple)):
        return check(value, where)
    if not value:
        raise DescriptionError(f"{where} is an empty list; an axis needs at least one value.")
    kinds = set(map(type, value))
    plain = kinds <= {int} or kinds <= {float} or kinds <= {str}
    checked = [_named(check, item, where, k) for k, item in enumerate(value)]
    if len(set(map(repr if plain and set(map(type, checked)) == kinds else canonical, checked))) < len(checked):
        raise DescriptionError(f"{where} = {shown(value)} holds a value twice; name each value of an axis once.")
    return checked


def _named(check: Callable[[Any, str], Any], value: Any, where: str, k: int) -> Any:
    """`check` of value `k` of an axis, which has a name only where the check complains: a name for each would cost most."""
    try:
        return check(value, where)
    except ClocklessError:
        return check(value, f"{where}[{k}]")


def canonical(value: Any) -> str:
    """JSON with one spelling for each value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _named_type(annotation: Any) -> str:
    name = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
    return name.removesuffix(_OR_ARRAY)


def _checked(annotation: Any, value: Any, where: str) -> Any:
    """A scalar field by its declared type; whatever has no declared type must be plain."""
    name = _named_type(annotation)
    if name.rpartition(".")[2] == _PART or hasattr(type(value), "Lanes"):
        return described("comparator", value, where)
    if name == _FLOAT and isinstance(value, Real) and not isinstance(value, bool):
        if not math.isfinite(number(value)):
            raise DescriptionError(f"{where} = {shown(value)}; it must be a finite number.")
        return number(value)
    if name == _INT and isinstance(value, Integral) and not isinstance(value, bool):
        return int(value)
    if (name == _BOOL and isinstance(value, (bool, np.bool_))) or (name == _TEXT and isinstance(value, str)):
        return bool(value) if name == _BOOL else value
    if name in _WORDS:
        raise DescriptionError(f"{where} = {shown(value)}; it must be {_WORDS[name]}.")
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    raise DescriptionError(f"{where} = {shown(value)}; it must be plain: a number, a word, true, false or nothing.")


def number(value: Real) -> float:
    """`value` as a float; infinity if it is larger than any."""
    try:
        return float(value)
    except OverflowError:
        return math.inf


_WORDS = {_FLOAT: "a number", _INT: "a whole number", _BOOL: "true or false", _TEXT: "a word"}


_EXACT = 2.0**53  # below it every whole number is a float


def _table(value: Any, where: str) -> Any:
    """Nested lists of numbers, or nothing."""
    if value is None:
        return None
    table = array_of(value)
    if table.dtype.kind not in "iuf":
        raise DescriptionError(f"{where} = {shown(value)} is no table of numbers.")
    if table.dtype.kind == "f" and (np.abs(table) < _EXACT).all() and (table == np.rint(table)).all():
        table = table.astype(np.int64)  # 1 and 1.0 are spelled alike
    return table.tolist()


def _taken_apart(section: str, thing: Any, where: str) -> dict[str, Any]:
    """The description of an object of the package, or of a part from outside."""
    own = own_media.taken_apart(thing, where) if section == "medium" else None
    if own is not None:
        return own
    if hasattr(thing, "described"):  # an object that has a plainer form
        thing = thing.described()
        if isinstance(thing, Mapping):
            return dict(thing)
    if isinstance(thing, Architecture):
        wiring = {name: getattr(thing, name) for name in ("inputs", "outputs", "shared", "initial_scale", "name")}
        return {"kind": "wiring", "edges": thing.network.edges, "positions": thing.network.positions, **wiring}
    cls = type(thing)
    known = _known_as(section, f"{cls.__module__}:{cls.__qualname__}")
    if known in CATALOGUE[section]:
        return {"kind": known, **{field: getattr(thing, field) for field in CATALOGUE[section][known].fields()}}
    if is_dataclass(cls) and hasattr(cls, "Lanes"):
        if cls.__module__ == "__main__" or "<locals>" in cls.__qualname__:
            raise DescriptionError(f"{where} = {shown(thing)} cannot be found by other processes; put it into a module.")
        kind, digest = own_parts.name_of(cls, where)
        return {"kind": kind, "digest": digest, **{f.name: getattr(thing, f.name) for f in fields(cls)}}
    names = ", ".join(CATALOGUE[section])
    raise DescriptionError(f"{where} = {shown(thing)} is no {section}; give a description whose kind is one of: {names}.")


@lru_cache(maxsize=4096)
def _built(section: str, text: str) -> Any:
    return _build(section, json.loads(text))


def _build(section: str, description: dict[str, Any], *filled: Any) -> Any:
    kind = kind_of(section, description["kind"], section)
    values = {name: _built_within(kind, name, value) for name, value in description.items() if name != "kind"}
    if kind.is_own:
        found = own_parts.loaded(description["kind"], values.pop("digest", None))
        if section != "medium":
            return found(**values)
        values.pop("tables", None)
        return own_media.made(found, values, *filled)
    if kind.files:
        check_files(kind, description)
        values.pop("digest", None)
    listed = [n for n, p in kind.fields().items() if p.kind is inspect.Parameter.VAR_POSITIONAL]
    return kind.call(*filled, *(item for name in listed for item in values.pop(name)), **values)


def _built_within(kind: Kind, name: str, value: Any) -> Any:
    """A field's value with the parts in it built."""
    if not kind.is_own and name in kind.parts:
        return [_build(name, item) for item in value] if isinstance(value, list) else _build(name, value)
    return _build(kind.section_of(name), value) if isinstance(value, dict) else value


def check_files(kind: Kind, description: Mapping[str, Any]) -> None:
    """Raise DescriptionError if the data files that a description names are not those that it was made with."""
    digest, folder = description.get("digest"), description["folder"]
    found = [imported(kind.files)(each) for each in (folder if isinstance(folder, list) else [folder])]
    if digest is not None and not set(found) <= set(digest.split()):
        raise DescriptionError(
            f"the files in {folder} have the digest {' '.join(found)}, but the experiment was made with {digest}; bring "
            f"those back, or begin another experiment with these (without `digest`)."
        )


def named_in(section: str, value: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every description within a section's value, with the section it belongs to: values of axes, and parts of parts."""
    if isinstance(value, list):
        for item in value:
            yield from named_in(section, item)
    elif isinstance(value, dict) and "kind" in value and value["kind"] != "given":
        yield section, value
        kind = kind_of(section, value["kind"], section)
        tables = (*kind.tables, *tables_named(section, value))  # of numbers, a million of them
        for name, item in value.items():
            if isinstance(item, (dict, list)) and name not in tables:
                yield from named_in(kind.section_of(name), item)


def built(section: str, description: dict[str, Any]) -> Any:
    """What a description without axes stands for; the last few thousand are remembered.

    Raises:
        ClocklessError: its constructor's own.
    """
    return _built(section, canonical(description))


def built_on(section: str, description: dict[str, Any], network: dict[str, Any]) -> Any:
    """The same for a medium or a task, which stand on a network."""
    return _built_on(section, canonical(description), canonical(network))


@lru_cache(maxsize=4096)
def _built_on(section: str, text: str, network: str) -> Any:
    description, wiring = json.loads(text), _built("network", network)
    kind = kind_of(section, description["kind"], section)
    filled = kind.filled or (section == "medium" and kind.is_own)
    thing = _build(section, description, *([wiring] if filled else []))
    return thing.on(wiring) if hasattr(thing, "on") else thing
