"""What page and laboratory say to each other: one class a message, from which the page's TypeScript is written, too.

Text messages are JSON objects whose `type` is the class's name in small letters (`reading`); pictures of states are binary
(`frames`).
"""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass, field
from typing import Any

_MOST_STEPS = 1_000_000


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


@dataclass(frozen=True)
class Draw:
    """Draw a machine of that store, and again when it is done."""

    machine: int = field(metadata={"low": 0, "high": 2**31})


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
    machines: int


@dataclass(frozen=True)
class Drawn:
    """A machine of a store: which it is, and its picture as the address of a PNG; empty where there is none to show."""

    machine: int
    said: str
    picture: str


FROM_PAGE = (Begin, Run, Step, Speed, Turn, Cut, Hold, Example, Write, Seen, Watch, Draw)
TO_PAGE = (Hello, Began, Busy, Turned, Refused, Written, Stopped, Watched, Drawn)
Message = Begin | Run | Step | Speed | Turn | Cut | Hold | Example | Write | Seen | Watch | Draw


def written(message: Any) -> str:
    """The text of a message to the page; numbers that are not finite are null."""
    data = {"type": name_of(type(message)), **{f.name: getattr(message, f.name) for f in dataclasses.fields(message)}}
    return json.dumps(_finite(data), separators=(",", ":"), allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def name_of(cls: type) -> str:
    """What a message of a class says as its `type`."""
    return cls.__name__.lower()
