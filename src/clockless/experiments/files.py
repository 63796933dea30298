"""Descriptions of experiments as YAML and TOML files, and changes to them as flags of the command line."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from clockless import disk
from clockless.errors import DescriptionError, OutputError, flag, place, shown
from clockless.experiments.experiment import Experiment
from clockless.experiments.own_parts import Place, beside
from clockless.experiments.parsing import MOST_BYTES, of_toml, of_yaml, with_powers, written
from clockless.experiments.ranges import folded
from clockless.experiments.tables import with_tables_packed, with_tables_unpacked

_MOST_WRITTEN_OUT = 10_000  # numbers in a store's tables, which nobody reads from there on
STUDIES = ("resistors", "xy", "modules", "circuit", "time")  # examples to begin from, one a medium


def example(medium: str = "resistors") -> str:
    """The text of a commented study of a medium, which runs as it stands in ten seconds or so on two cores.

    Raises:
        DescriptionError: there is none for that medium.
    """
    if medium not in STUDIES:
        raise DescriptionError(f"there is no example for the medium {shown(medium)}; there are: {', '.join(STUDIES)}.")
    return resources.files("clockless.experiments").joinpath("studies", f"{medium}.yaml").read_text(encoding="utf-8")


def read(path: str | os.PathLike[str], flags: Iterable[str] = (), store: bool = False) -> Experiment:
    """The experiment that a .yaml, .yml or .toml file describes, changed by flags; own parts are files beside it.

    Args:
        flags: see `with_flags`.
        store: the file is a store's own, which keeps copies of own parts.

    Raises:
        DescriptionError: the file cannot be read, or describes none; the sentence begins with its name.
    """
    name, store = place("path", path), flag("store", store)
    try:
        with name.open("rb") as file:
            text = file.read(MOST_BYTES + 1).decode()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not text in UTF-8"
        raise DescriptionError(f"{name} cannot be read ({reason}); check the name.") from None
    return of_text(text, name, flags, store)


def of_text(text: str, name: Path, flags: Iterable[str] = (), store: bool = False) -> Experiment:
    """The experiment that the text of the file `name` describes; arguments and errors as those of `read`."""
    changes = [flags] if isinstance(flags, str) or not isinstance(flags, Iterable) else list(flags)
    if changes == [flags] or not all(isinstance(word, str) for word in changes):
        raise DescriptionError(f"flags = {shown(flags)}; give words such as ['--clock.p', '0.5'].")
    with beside(Place(name.parent, name, store)):
        try:
            experiment = Experiment.of(with_tables_unpacked(_parsed(text, name)))
        except DescriptionError as error:
            raise DescriptionError(f"{name}: {error}") from None
        return Experiment.of(with_flags(experiment.plain(), changes)) if changes else experiment


def _parsed(text: str, name: Path) -> Any:
    return of_toml(text) if name.suffix == ".toml" else of_yaml(text)


def text_of(experiment: Experiment, suffix: str = ".yaml", store: bool = False) -> str:
    """The complete description as YAML or TOML; reading it gives the same experiment, writing that the same text.

    Axes of numbers stand as ranges where one gives them exactly (see `ranges`).

    Args:
        store: for a store, which writes spaced numbers out, whose last bits may be others on another machine, and packs
            tables of more than ten thousand numbers.
    """
    plain = _with_ranges(experiment, decimals=not store)
    plain = with_tables_packed(plain, _MOST_WRITTEN_OUT) if store else plain
    if suffix == ".toml":
        import tomli_w

        return written(_without_nothing(plain), tomli_w.dumps)
    import yaml

    class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
        def ignore_aliases(self, data: Any) -> bool:
            return True

    def dump(data: Any) -> str:
        text: str = yaml.dump(data, Dumper=with_powers(Dumper), sort_keys=False, default_flow_style=None, width=120)
        return text

    return written(plain, dump)


def _with_ranges(experiment: Experiment, decimals: bool) -> dict[str, Any]:
    """The plain description with ranges in place of axes that one stands for."""
    plain = experiment.plain()
    for axis in experiment.axes:
        short = folded(axis.values, decimals)
        if isinstance(short, str):
            plain = _put(plain, [axis.section, *axis.path], short)
    return plain


def _put(target: dict[str, Any], path: list[str], value: Any) -> dict[str, Any]:
    """A copy of nested mappings with another value at a path."""
    return {**target, path[0]: value if len(path) == 1 else _put(target[path[0]], path[1:], value)}


def _without_nothing(value: Any) -> Any:
    """TOML has no word for nothing; a field that is left out has its default, which is nothing.

    Raises:
        DescriptionError: nothing stands in a list, where it cannot be left out.
    """
    if isinstance(value, dict):
        return {name: _without_nothing(item) for name, item in value.items() if item is not None}
    if not isinstance(value, list):
        return value
    if any(item is None for item in value):
        raise DescriptionError(f"a list holds nothing ({shown(value)}), for which TOML has no word; write it as .yaml.")
    return [_without_nothing(item) for item in value]


def write(experiment: Experiment, path: str | os.PathLike[str]) -> None:
    """Write the complete description as .toml, or else as YAML.

    Raises:
        DescriptionError: TOML has no word for what it says.
        OutputError: the file cannot be written.
    """
    name = place("path", path)
    try:
        disk.write(name, text_of(experiment, name.suffix))
    except OSError as error:
        raise OutputError(f"cannot write {name} ({error.strerror or error}); choose another place.") from None


def with_flags(data: Mapping[str, Any], flags: Iterable[str]) -> dict[str, Any]:
    """The description changed by flags such as `--clock.p 0.1 --clock.p 0.5 --steps=5000`.

    A flag given several times is an axis; a value may be a list, `--clock.p [0.1,0.5]`. A new kind drops the other fields
    of its section, which belong to the old one.

    Raises:
        DescriptionError: a flag without a value, or a name that no description has.
    """
    changes: dict[str, list[Any]] = {}
    for name, value in _pairs(list(flags)):
        changes.setdefault(name, []).append(value)
    result = copy.deepcopy(dict(data))
    for name, values in sorted(changes.items(), key=lambda item: not item[0].endswith(".kind")):
        _set(result, name.split("."), values[0] if len(values) == 1 else values, name)
    return result


def _pairs(flags: list[str]) -> Iterable[tuple[str, Any]]:
    while flags:
        flag = flags.pop(0)
        if not flag.startswith("--") or flag == "--":
            raise DescriptionError(f"{shown(flag)} is no flag; changes of a description look like --clock.p 0.5.")
        name, separator, value = flag[2:].partition("=")
        if not separator:
            if not flags:
                raise DescriptionError(f"{flag} has no value; give one, such as {flag} 0.5.")
            value = flags.pop(0)
        try:
            yield name, of_yaml(value)
        except DescriptionError as error:
            raise DescriptionError(
                f"{flag} {shown(value)} is no value: {str(error)[:-1]}; give a number, a word or a list [a, b]."
            ) from None


def _set(target: dict[str, Any], path: list[str], value: Any, name: str) -> None:
    if path[0] == "seed" and "seed" not in target and len(path) == 1:
        path = ["seeds"]
    if len(path) == 1:
        if path[0] == "kind" and target.get("kind") != value:
            target.clear()
        if path[0] == "folder":
            target.pop("digest", None)  # of the files in another folder
        target[path[0]] = value
        return
    inner = target.setdefault(path[0], {})
    if path[1] == "kind" and isinstance(inner, list):  # a new kind takes the place of an axis of whole descriptions
        inner = target[path[0]] = {}
    if not isinstance(inner, dict):
        raise DescriptionError(f"--{name} sets a field of {path[0]}, which is {shown(inner)}; give the whole section.")
    _set(inner, path[1:], value, name)
