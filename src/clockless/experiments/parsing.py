"""Text in YAML or TOML as plain data and back: within bounds of size, depth and aliases, long lists of numbers at once.

A description may come from anybody, and a page of text may stand for a gigabyte: what it would take is counted on the way,
and refused in one sentence. Lists of thousands of numbers, such as seeds, are read and written as JSON, which is part of
both languages and fifty times as fast as their parsers.
"""

from __future__ import annotations

import json
import re
import secrets
import tomllib
from collections.abc import Callable, Hashable
from typing import Any

from clockless.errors import DescriptionError, shown

MOST_BYTES = 2**28  # tables of examples and of initial values stand in a description
_DEEPEST = 64  # lists within lists; descriptions have about six
_MOST_THINGS = 1_000_000  # words, lists and mappings beside long lists of numbers
_MOST_COPIES = 100_000  # of things, by aliases
_LONG = 4000  # characters of a list of numbers that is read at once
_FAILURES = 20  # to read one at once, after which everything is read the slow way
_MANY = 1000  # numbers of a list that is written at once
_A_LINE = 15  # of them
_NEXT_LINE = ",\n  "

# What the readers of numbers and dates raise for words that are none.
_UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, RecursionError)
_MISLEADING = re.compile(r"[-+]?(0[0-9_]+|[0-9][0-9_]*(:[0-9_]+)+(\.[0-9_]*)?)")
_NUMBERS = re.compile(r"[\[\]0-9\s,.eE+-]++")
_LONG_NUMBERS = re.compile(rf"\[(?=[\[\]0-9\s,.eE+-]{{{_LONG}}})")
_WORD = r"""(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')"""
_DOTTED = re.compile(rf"(?<![\w-])(?:{_WORD}[ \t]*+\.[ \t]*+){{{_DEEPEST}}}")


def of_yaml(text: str) -> Any:
    """What a text in YAML says; safe, and without YAML's surprises (see `_loader`).

    Raises:
        DescriptionError: it says nothing, or too much.
    """
    import yaml

    def parsed(rest: str) -> Any:
        _check_events(rest)
        return yaml.load(rest, _loader())

    _check_size(text)
    try:
        return _with_numbers(text, parsed)
    except DescriptionError:
        raise
    except (yaml.YAMLError, *_UNREADABLE) as error:
        raise DescriptionError(f"this is no YAML ({_said(error)}).") from None


def of_toml(text: str) -> Any:
    """What a text in TOML says; errors as those of `of_yaml`."""

    def parsed(rest: str) -> Any:
        if _DOTTED.search(rest):
            raise DescriptionError(f"more than {_DEEPEST} words are joined by dots, which is no field; shorten that line.")
        return tomllib.loads(rest)

    _check_size(text)
    try:
        return _with_numbers(text, parsed)
    except DescriptionError:
        raise
    except _UNREADABLE as error:  # mistakes in TOML are ValueErrors
        raise DescriptionError(f"this is no TOML ({_said(error)}).") from None


def _said(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    text = " ".join(str(error).split())
    return text if len(text) <= 300 else f"{text[:297]}..."


def _check_size(text: str) -> None:
    if len(text) >= MOST_BYTES:
        raise DescriptionError(f"this has {MOST_BYTES:,} characters or more, which no description has; shorten it.")


# --- long lists of numbers ---------------------------------------------------------------------------------------------


def _with_numbers(text: str, parsed: Callable[[str], Any]) -> Any:
    """What `parsed` makes of a text whose long lists of numbers are replaced by words, with the lists put back.

    Where that does not work out, because a list stands in a comment, say, everything is read the slow way.
    """
    word = f"numbers{secrets.token_hex(8)}"
    rest, lists = _taken_out(text, word)
    if not lists:
        return parsed(text)
    try:
        found = parsed(rest)
    except Exception:  # noqa: BLE001 (whatever is wrong is found again, in its own place)
        return parsed(text)
    put_back: set[str] = set()
    found = _put_back(found, lists, put_back)
    return found if len(put_back) == len(lists) else parsed(text)


def _taken_out(text: str, word: str) -> tuple[str, dict[str, Any]]:
    """The text with a word in quotes in place of every long list of numbers, and the lists by their words."""
    pieces: list[str] = []
    lists: dict[str, Any] = {}
    done = failures = 0
    match = _LONG_NUMBERS.search(text)
    while match and failures < _FAILURES:
        first = match.start()
        try:
            found, end = json.JSONDecoder().raw_decode(text, first)
        except RecursionError:
            return text, {}
        except ValueError:
            found, end = None, first + 1
        if end - first >= _LONG and _NUMBERS.fullmatch(text, first, end):
            name = f"{word}x{len(lists)}"
            lists[name] = found
            pieces += [text[done:first], f'"{name}"']
            done = end
        else:
            failures += 1
        match = _LONG_NUMBERS.search(text, end)
    return "".join([*pieces, text[done:]]), lists


def _put_back(value: Any, lists: dict[str, Any], used: set[str]) -> Any:
    if isinstance(value, str) and value in lists:
        used.add(value)
        return lists[value]
    if isinstance(value, dict):
        return {name: _put_back(item, lists, used) for name, item in value.items()}
    return [_put_back(item, lists, used) for item in value] if isinstance(value, list) else value


def written(data: Any, write: Callable[[Any], str]) -> str:
    """What `write` makes of data, with long lists of numbers written by themselves."""
    word = f"numbers{secrets.token_hex(8)}"
    lists: dict[str, list[int]] = {}

    def without(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: without(item) for name, item in value.items()}
        if not isinstance(value, list):
            return value
        if len(value) >= _MANY and set(map(type, value)) == {int}:
            name = f"{word}x{len(lists)}x"
            lists[name] = value
            return name
        return [without(item) for item in value]

    text = write(without(data))
    for name, numbers in lists.items():
        lines = [", ".join(map(str, numbers[k : k + _A_LINE])) for k in range(0, len(numbers), _A_LINE)]
        before, after = re.split(f'"?{name}"?', text, maxsplit=1)
        text = f"{before}[{_NEXT_LINE.join(lines)}]{after}"
    return text


# --- YAML ----------------------------------------------------------------------------------------------------------------


def _check_events(text: str) -> None:
    """Refuse what nests too deeply, refers to itself, or says more by aliases than it holds; nothing is built for that."""
    import yaml

    sizes: dict[str, int] = {}  # things that an anchor stands for, aliases within it unfolded
    open_: list[tuple[str | None, int]] = []  # anchors of the lists and mappings around, and things before them
    things = copies = 0
    for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in sizes:
                raise DescriptionError(f"the alias {shown(f'*{event.anchor}')} stands for nothing, or for itself.")
            copies += sizes[event.anchor]
        elif isinstance(event, yaml.CollectionStartEvent):
            open_.append((event.anchor, things + copies))
            things += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_.pop()
            if anchor:
                sizes[anchor] = things + copies - before
        elif isinstance(event, yaml.ScalarEvent):
            things += 1
            if event.anchor:
                sizes[event.anchor] = 1
        if len(open_) > _DEEPEST:
            raise DescriptionError(f"it is nested more than {_DEEPEST} deep, which no description is.")
        if things > _MOST_THINGS:
            raise DescriptionError(f"it holds more than {_MOST_THINGS:,} words and lists; make it shorter.")
        if copies > _MOST_COPIES:
            raise DescriptionError(f"its aliases stand for more than {_MOST_COPIES:,} things; write out what is meant.")


def _loader() -> Any:
    """Safe YAML without its surprises: 1e-3 is a number; 0100, 1:30 and a field that is given twice are mistakes."""
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            seen = set()
            for key, _ in node.value:
                name = self.construct_object(key, deep=True)
                if not isinstance(name, Hashable):
                    raise DescriptionError(f"{shown(name)} stands where a field's name should.")
                if name in seen:
                    raise DescriptionError(f"the field {shown(name)} is given twice; give it once.")
                seen.add(name)
            return super().construct_mapping(node, deep)

        def construct_number(self, node: Any) -> Any:
            text = str(node.value)
            if _MISLEADING.fullmatch(text):
                raise DescriptionError(
                    f"{text[:40]} has a meaning of its own in YAML (a leading zero: octal; colons: base 60); write the "
                    f"number without them, or words in quotes."
                )
            return self.construct_yaml_float(node) if node.tag.endswith(":float") else self.construct_yaml_int(node)

    for tag in ("int", "float"):
        Loader.add_constructor(f"tag:yaml.org,2002:{tag}", Loader.construct_number)
    return with_powers(Loader)


_POWERS = re.compile(r"^[-+]?(\d[\d_]*)(\.[\d_]*)?[eE][-+]?\d+$")


def with_powers(cls: Any) -> Any:
    """A loader or dumper of YAML to which 1e3 is a number, so that the word '1e3' is written in quotes."""
    cls.yaml_implicit_resolvers = {first: list(known) for first, known in cls.yaml_implicit_resolvers.items()}
    for first in "-+0123456789":
        cls.yaml_implicit_resolvers.setdefault(first, []).append(("tag:yaml.org,2002:float", _POWERS))
    return cls
