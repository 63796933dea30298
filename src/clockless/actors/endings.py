"""When a run ends, and how long each wait of it may last."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from clockless.errors import ParameterError, StalledError, WiringError, above_zero, shown, whole


def limited(events: int | Mapping[str, int] | None, seconds: float | None, names: Sequence[str]) -> list[float]:
    """How many events each actor may do; infinity where nobody said.

    Raises:
        ParameterError: neither events nor seconds, or numbers outside their range.
        WiringError: events for an actor that does not exist.
    """
    if events is None and seconds is None:
        raise ParameterError("a run needs an end; give events, seconds, or both.")
    if seconds is not None and not 0 < seconds < np.inf:
        raise ParameterError(f"seconds = {shown(seconds)}; give the length of the run, above 0.")
    if not isinstance(events, Mapping):
        return [np.inf if events is None else whole("events", events, 0)] * len(names)
    if unknown := set(events) - set(names):
        raise WiringError(f"events are given for {shown(sorted(unknown))}; the actors are {', '.join(names)}.")
    if not events:
        raise ParameterError("events names no actor; name one, or give one number for all.")
    return [whole(f"events of {name}", events[name], 0) if name in events else np.inf for name in names]


@dataclass(frozen=True)
class Limits:
    """How long a real run waits, in seconds, before it says so and acts, and how often it tries again.

    Args:
        start: for a new process to build its actor (imports and compilation included).
        silent: for a sign of life of an actor, also while it is in an event: the longest event that is believed.
        stall: with everyone waiting for someone else.
        stop: for processes to end of themselves once told to.
        restarts: of one actor in one run.

    Raises:
        ParameterError: a limit that is not above 0, or restarts below 0.
    """

    start: float = 120.0
    silent: float = 120.0
    stall: float = 20.0
    stop: float = 10.0
    restarts: int = 5

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "restarts":
                whole("restarts", value, 0)
            else:
                above_zero(f"limit {field.name}", value, "seconds above 0")


def within(seconds: float, done: Callable[[], bool], sentence: str) -> None:
    """Ask `done` until it says yes.

    Raises:
        StalledError: with `sentence`, after `seconds`.
    """
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise StalledError(sentence)
        time.sleep(0.001)
