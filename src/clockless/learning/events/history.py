"""The history of one replica, event by event: who fired when, what edges had learned, and potentials over real time."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from clockless.errors import ParameterError, shown
from clockless.learning.events.session import EventSession

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class EventHistory:
    """What happened to one replica from time 0 until `seconds`.

    Attributes:
        seconds: how long it was watched.
        times: of the events of edges [event], seconds.
        edges: which edge fired [event].
        values: what it had learned afterwards [event].
        switches: times at which another example came [switch], time 0 included where examples are shown one at a time.
        examples: which example then came [switch]; empty where all are shown at once.
        initial: what edges had learned at time 0 [edge].
        session: the replica as it is now.
    """

    seconds: float
    times: np.ndarray
    edges: np.ndarray
    values: np.ndarray
    switches: np.ndarray
    examples: np.ndarray
    initial: np.ndarray
    session: EventSession

    @classmethod
    def of(cls, session: EventSession, seconds: float) -> Self:
        """The history of a fresh session whose log has room; ParameterError where it has not enough."""
        initial, room = session.learned(), len(session.log.time)
        first = int(session.state.counts.example[0])
        session.advance(seconds, most=room)
        if session.next_event() < seconds:
            raise ParameterError(
                f"there were more than {room:,} events within {session.log.time[-1]:g} s; give fewer seconds, or more "
                "`room`."
            )
        logged = session.logged()
        ours = logged.edge >= 0
        examples = np.concatenate([[first] if first >= 0 else [], logged.value[~ours]]).astype(np.int64)
        switches = np.concatenate([[0.0] if first >= 0 else [], logged.time[~ours]])
        values = session.shown(logged.value[ours])
        return cls(float(seconds), logged.time[ours], logged.edge[ours], values, switches, examples, initial, session)

    @property
    def count(self) -> int:
        """Edges that learn."""
        return len(self.initial)

    def learned(self, at: Any) -> np.ndarray:
        """What edges have learned [time, edge] just after the events until each of the times `at` [time], seconds."""
        at = np.atleast_1d(np.asarray(at, dtype=np.float64))
        table = np.tile(self.initial, (len(at), 1))
        for edge in range(self.count):
            mine = self.edges == edge
            last = np.searchsorted(self.times[mine], at, side="right")
            table[last > 0, edge] = self.values[mine][last[last > 0] - 1]
        return table

    def potentials(self, at: Any) -> np.ndarray:
        """Free potentials [time, node] in volts at the times `at` [time], computed anew.

        Raises:
            ParameterError: all examples are shown at once, so that there is no one state; noise, which is not kept.
        """
        if not self.examples.size:
            raise ParameterError("all examples are shown at once, so there is no one state; give batch=Shown(seconds).")
        at = np.atleast_1d(np.asarray(at, dtype=np.float64))
        return self.session.potentials(self, at)

    def settled(self, at: np.ndarray) -> np.ndarray:
        """Free potentials [time, node] that the network would settle at, at the times `at` [time]."""
        shown_then = self.examples[np.searchsorted(self.switches, at, side="right") - 1]
        medium, task = self.session.replica.medium, self.session.replica.task
        rows = [
            medium.settle(
                values, {**dict.fromkeys(task.ground, 0.0), **dict(zip(task.inputs, task.x_train[e], strict=True))}
            )
            for values, e in zip(self.learned(at), shown_then, strict=True)
        ]
        return np.array(rows)

    @cached_property
    def intervals(self) -> np.ndarray:
        """Seconds between successive events of an edge, of all edges [interval]."""
        return np.concatenate([np.diff(self.times[self.edges == edge]) for edge in range(self.count)])

    def avalanches(self, silence: float) -> np.ndarray:
        """Sizes of avalanches in events [avalanche]: runs of events whose gaps are all shorter than `silence` seconds.

        Raises:
            ParameterError: a silence that is not positive.
        """
        if isinstance(silence, bool) or not (isinstance(silence, (int, float, np.number)) and silence > 0):
            raise ParameterError(f"silence = {shown(silence)}; give the seconds without events that end an avalanche.")
        if not self.times.size:
            return np.zeros(0, dtype=np.int64)
        ends = np.flatnonzero(np.diff(self.times) >= silence)
        return np.diff(np.concatenate([[-1], ends, [self.times.size - 1]]))

    @property
    def label(self) -> str:
        """Axis label of what edges learn, with its unit."""
        medium = self.session.replica.medium
        return f"{medium.parameter} ({medium.measure})"

    # --- pictures -------------------------------------------------------------------------------------------

    def draw(self, first: float = 0.0, last: float | None = None) -> Figure:
        """Raster of events, free potentials (where examples come one at a time) and what edges learn, between two times."""
        last = self.seconds if last is None else last
        changes = np.concatenate([self.times, self.switches])
        at = np.concatenate([[first], np.sort(changes[(changes > first) & (changes < last)]), [last]])
        pictures = importlib.import_module("clockless.pictures.events")  # by name: pictures are no source of the bits
        inside = (self.times >= first) & (self.times <= last)
        events = self.times[inside], self.edges[inside]
        potentials = self.potentials(at) if self.examples.size else None
        figure: Figure = pictures.raster_figure(
            events, at, self.learned(at), potentials, self.session.replica.task.outputs, self.label
        )
        return figure

    def draw_times(self, silence: float) -> Figure:
        """Histogram of the intervals of edges, beside a Poisson process of the same rate, and sizes of avalanches."""
        pictures = importlib.import_module("clockless.pictures.events")
        rate = self.times.size / (self.seconds * self.count) if self.times.size else None
        figure: Figure = pictures.times_figure(self.intervals, self.avalanches(silence), silence, rate)
        return figure
