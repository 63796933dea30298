"""What page and laboratory say to each other: one class a message, from which the page's TypeScript is written, too.

Text messages are JSON objects whose `type` is the class's name in small letters; pictures of states are binary (`frames`).
Whatever does not fit its class, its bounds or its size is a `BrokenMessageError`, which ends that one connection.
"""

from __future__ import annotations

import dataclasses
import json
import math
import types
from dataclasses import dataclass, field
from typing import Any, get_args, get_type_hints

from clockless.errors import ClocklessError

LONGEST_MESSAGE = 64 * 1024  # bytes; a whole setting has about two thousand
_DEEPEST, _LONGEST_LIST, _LONGEST_WORD = 6, 4096, 2000
_MOST_STEPS = 1_000_000


class BrokenMessageError(ClocklessError):
    """A message that no page of ours sends."""


# --- from the page ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Begin:
    """A new board: descriptions by section, and how many replicas stand behind it."""

    setting: dict[str, Any]


@dataclass(frozen=True)
class Run:
    """Let time go on, or stop it."""

    running: bool


@dataclass(frozen=True)
class Step:
    """So many steps, then stop."""

    steps: int = field(metadata={"low": 1, "high": _MOST_STEPS})


@dataclass(frozen=True)
class Speed:
    """Steps a second that are wanted."""

    rate: float = field(metadata={"low": 0.1, "high": 1e7})


@dataclass(frozen=True)
class Turn:
    """A knob: a number of a part that learns on with it; `sent` comes back with the answer."""

    section: str
    field: str
    value: float
    sent: float = 0.0


@dataclass(frozen=True)
class Cut:
    """Cut an edge out of the network that is there now."""

    edge: int = field(metadata={"low": 0, "high": 2**31})


@dataclass(frozen=True)
class Hold:
    """Hold a node at a value while the board learns."""

    node: int = field(metadata={"low": 0, "high": 2**31})
    value: float


@dataclass(frozen=True)
class Example:
    """Which test example is shown."""

    number: int = field(metadata={"low": 0, "high": 2**31})


@dataclass(frozen=True)
class Write:
    """Ask for what is on the screen as text."""

    what: str = field(metadata={"words": ("python", "study")})


@dataclass(frozen=True)
class Seen:
    """The frame of this number has been drawn."""

    frame: int = field(metadata={"low": 0, "high": 2**53})


@dataclass(frozen=True)
class Watch:
    """Look at the store that the command line named; nothing more is said of it."""

    watching: bool


# --- to the page -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Hello:
    """What there is to choose from."""

    version: str
    sections: dict[str, Any]  # section: kind: {"about": .., "fields": [..]}
    presets: list[dict[str, Any]]
    store: str | None
    most_replicas: int


@dataclass(frozen=True)
class Began:
    """A board as it now is: wiring, places, roles, knobs, and what it is called."""

    setting: dict[str, Any]
    network: dict[str, Any]
    knobs: list[dict[str, Any]]
    words: dict[str, str]
    examples: int
    step: int
    anew: bool


@dataclass(frozen=True)
class Busy:
    """What takes longer than a blink."""

    doing: str


@dataclass(frozen=True)
class Turned:
    """A knob has been turned at a step, so many milliseconds after it was heard of."""

    step: int
    sent: float
    milliseconds: float


@dataclass(frozen=True)
class Refused:
    """One sentence why not; the board is as it was."""

    sentence: str


@dataclass(frozen=True)
class Written:
    """What is on the screen as text."""

    what: str
    text: str


@dataclass(frozen=True)
class Stopped:
    """Time stands still at a step."""

    step: int
    why: str


@dataclass(frozen=True)
class Watched:
    """How far a store is, what went wrong, and curves of what is done."""

    title: str
    lines: list[str]
    jobs: list[int]
    incidents: list[str]
    axis: str
    steps: list[float]
    curves: list[dict[str, Any]]


FROM_PAGE = (Begin, Run, Step, Speed, Turn, Cut, Hold, Example, Write, Seen, Watch)
TO_PAGE = (Hello, Began, Busy, Turned, Refused, Written, Stopped, Watched)
Message = Begin | Run | Step | Speed | Turn | Cut | Hold | Example | Write | Seen | Watch


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
    classes = {_name(cls): cls for cls in FROM_PAGE}
    cls: Any = classes.get(data.pop("type"))
    if cls is None:
        raise BrokenMessageError(f"no such type; there are: {', '.join(classes)}.")
    return _read(cls, data)


def _read(cls: Any, data: dict[str, Any]) -> Message:
    hints = get_type_hints(cls)
    known = {each.name: each for each in dataclasses.fields(cls)}
    needed = {name for name, each in known.items() if each.default is dataclasses.MISSING}
    if not needed <= data.keys() <= known.keys():
        raise BrokenMessageError(f"{_name(cls)} has the fields {', '.join(known)}.")
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


def written(message: Any) -> str:
    """The text of a message to the page; numbers that are not finite are null."""
    data = {"type": _name(type(message)), **{f.name: getattr(message, f.name) for f in dataclasses.fields(message)}}
    return json.dumps(_finite(data), separators=(",", ":"), allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


# --- the same in TypeScript ------------------------------------------------------------------------------------------


def typescript() -> str:
    """The messages as the page's TypeScript knows them: page/src/messages.ts."""
    lines = ["// Written by clockless.lab.messages.typescript(); edit the classes there.", ""]
    for group, classes in (("FromPage", FROM_PAGE), ("ToPage", TO_PAGE)):
        for cls in classes:
            hints = get_type_hints(cls)
            about = (cls.__doc__ or "").strip()
            lines += [f"/** {about} */", f"export interface {cls.__name__} {{", f'  type: "{_name(cls)}";']
            for each in dataclasses.fields(cls):
                maybe = "" if each.default is dataclasses.MISSING else "?"
                lines.append(f"  {each.name}{maybe}: {_in_typescript(hints[each.name])};")
            lines += ["}", ""]
        lines += [f"export type {group} =", *(f"  | {cls.__name__}" for cls in classes)]
        lines[-1] += ";"
        lines.append("")
    return "\n".join(lines)


def _in_typescript(hint: Any) -> str:
    words = {int: "number", float: "number", str: "string", bool: "boolean", type(None): "null", Any: "any"}
    if hint in words:
        return words[hint]
    if isinstance(hint, types.UnionType):
        return " | ".join(map(_in_typescript, get_args(hint)))
    inner = get_args(hint)
    return f"Record<string, {_in_typescript(inner[1])}>" if len(inner) == 2 else f"{_in_typescript(inner[0])}[]"


def _name(cls: type) -> str:
    return cls.__name__.lower()
