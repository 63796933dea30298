"""Reading what a page sends: whatever does not fit its class, its bounds or its size ends that one connection."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, get_type_hints

from clockless.errors import ClocklessError
from clockless.lab.messages import FROM_PAGE, Message, name_of

LONGEST_MESSAGE = 64 * 1024  # bytes; a whole setting has about two thousand
_DEEPEST, _LONGEST_LIST, _LONGEST_WORD = 6, 4096, 2000


class BrokenMessageError(ClocklessError):
    """A message that no page of ours sends."""


def read(text: str | bytes) -> Message:
    """The message that a text of the page is.

    Raises:
        BrokenMessageError: it is none.
    """
    if not isinstance(text, str):
        raise BrokenMessageError("the page sends text, not bytes.")
    if len(text.encode("utf-8", "surrogatepass")) > LONGEST_MESSAGE:
        raise BrokenMessageError(f"a message has at most {LONGEST_MESSAGE:,} bytes.")
    try:
        data = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise BrokenMessageError(f"the message is no JSON ({type(error).__name__}).") from None
    if not isinstance(data, dict) or not isinstance(data.get("type"), str):
        raise BrokenMessageError("a message is an object with a type.")
    classes = {name_of(cls): cls for cls in FROM_PAGE}
    cls: Any = classes.get(data.pop("type"))
    if cls is None:
        raise BrokenMessageError(f"no such type; there are: {', '.join(classes)}.")
    return _read(cls, data)


def _read(cls: Any, data: dict[str, Any]) -> Message:
    hints = get_type_hints(cls)
    known = {each.name: each for each in dataclasses.fields(cls)}
    needed = {name for name, each in known.items() if each.default is dataclasses.MISSING}
    if not needed <= data.keys() <= known.keys():
        raise BrokenMessageError(f"{name_of(cls)} has the fields {', '.join(known)}.")
    message: Message = cls(**{name: _checked(value, hints[name], known[name]) for name, value in data.items()})
    return message


def _checked(value: Any, hint: Any, known: dataclasses.Field[Any]) -> Any:
    where, bounds = known.name, known.metadata
    if hint is bool and isinstance(value, bool):
        return value
    if hint in (int, float) and isinstance(value, (int, float)) and not isinstance(value, bool):
        if not -1e300 < value < 1e300 or not bounds.get("low", value) <= value <= bounds.get("high", value):
            raise BrokenMessageError(f"{where} is out of its bounds.")
        if hint is float:
            return float(value)
        if value == int(value):
            return int(value)
    if hint is str and isinstance(value, str) and len(value) <= _LONGEST_WORD:
        if value not in bounds.get("words", (value,)):
            raise BrokenMessageError(f"{where} is one of {', '.join(bounds['words'])}.")
        return value
    if hint == dict[str, Any] and isinstance(value, dict):
        _check_plain(value, _DEEPEST)
        return value
    raise BrokenMessageError(f"{where} is no {getattr(hint, '__name__', hint)}.")


def _check_plain(value: Any, deep: int) -> None:
    """Plain data of few levels and short lists."""
    if isinstance(value, (dict, list)):
        if deep == 0 or len(value) > _LONGEST_LIST:
            raise BrokenMessageError("a setting is flatter, and its lists are shorter.")
        for item in value.values() if isinstance(value, dict) else value:
            _check_plain(item, deep - 1)
    elif isinstance(value, str) and len(value) > _LONGEST_WORD:
        raise BrokenMessageError("words of a setting are shorter.")
    elif isinstance(value, int) and abs(value) > 2**64:
        raise BrokenMessageError("whole numbers of a setting have at most 64 bits.")


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no number of JSON")
