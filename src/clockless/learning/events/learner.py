"""Replicas in continuous time as one learner: each runs through its own events, from one whole second to another.

A learner's `step` is a second: a time at which it may be looked at, put away and taken up, not one at which anything
happens. Replicas are advanced one after the other by compiled code: their events are not simultaneous, so there is nothing
to do side by side, and one replica's tables stay in the nearest cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from clockless.learning.contracts import Arrays, Replica
from clockless.learning.events import triggering
from clockless.learning.events.session import Logged
from clockless.learning.scaling import scales

_KEPT = 20  # logs of a watched replica, until somebody looks


class EventLearner:
    """Replicas of one kind; a `Learner` whose steps are seconds."""

    session: Any = None  # the class of its sessions

    def __init__(self, medium: Any, replicas: Sequence[Replica], traces: bool = False) -> None:
        self.step, self._traces = 0, traces
        self._kept: dict[int, list[Logged]] = {}  # events of the replicas that somebody watches
        self.sessions = [self.session(medium, replica) for replica in replicas]

    @property
    def size(self) -> int:
        """Replicas."""
        return len(self.sessions)

    def advance(self, last: int) -> None:
        """Do all events before second `last`, replica by replica."""
        for k, session in enumerate(self.sessions):
            if k in self._kept:
                self._advance_kept(k, last)
            else:
                session.advance(last)
        self.step = last

    def keep_events(self, replica: int, room: int = 10_000) -> None:
        """From now on keep when which edge of a replica fires, until `kept_events` asks; only before its first event."""
        session = self.sessions[replica]
        if session.log.time.size == 0:
            session.log = triggering.Log(np.zeros(room), np.zeros(room, dtype=np.int64), np.zeros(room), session.log.used)
            session.forget_packed()
        self._kept[replica] = []

    def kept_events(self, replica: int) -> tuple[np.ndarray, np.ndarray]:
        """Times in seconds and edges [event] since the last time that somebody asked; the latest where they were many."""
        kept, self._kept[replica] = self._kept[replica], []
        none = Logged(np.zeros(0), np.zeros(0, dtype=np.int64), np.zeros(0))
        times, edges = (np.concatenate([getattr(each, name) for each in [none, *kept]]) for name in ("time", "edge"))
        return times[edges >= 0], edges[edges >= 0]

    def _advance_kept(self, replica: int, last: int) -> None:
        """Advance by as many events as the log has room for, again and again."""
        session, room = self.sessions[replica], len(self.sessions[replica].log.time)
        while True:
            session.log.used[0] = 0
            session.advance(last, most=room)
            self._kept[replica] = [*self._kept[replica], session.logged()][-_KEPT:]
            if not session.next_event() < last:
                break

    def measure(self) -> Arrays:
        """What is seen at this second, each [replica, ..]."""
        if not all(session.state.counts.began[0] for session in self.sessions):
            self.advance(self.step)
        each = [session.seen(self.step) for session in self.sessions]
        seen = {name: np.array([one[name] for one in each], dtype=np.float64) for name in each[0]}
        return {**seen, "traces": self._stacked("learned")} if self._traces else seen

    def _stacked(self, question: str) -> np.ndarray:
        return np.array([getattr(session, question)() for session in self.sessions])

    def state(self) -> Arrays:
        """All that the next events need, [replica, ..] each."""
        own = [session.arrays() for session in self.sessions]
        return {"step": np.array(self.step), **{name: np.stack([each[name] for each in own]) for name in own[0]}}

    def restore(self, state: Arrays) -> None:
        """Take up such a state; ValueError if it is of other replicas."""
        mine = self.state()
        if mine.keys() != state.keys():
            raise ValueError(f"a state holds {', '.join(sorted(state))}; this learner's {', '.join(sorted(mine))}")
        for name, array in state.items():
            if mine[name].shape != array.shape or mine[name].dtype != array.dtype:
                raise ValueError(f"{name} {array.shape} does not fit {mine[name].shape}")
        for k, session in enumerate(self.sessions):
            for name, array in session.arrays().items():
                array[...] = state[name][k]
        self.step = int(state["step"])
        self.advance(self.step)  # makes anew what follows from the state, and does no event

    def results(self, recorded: Arrays) -> Arrays:
        """Labelled results of what was measured from second 0 on, `recorded` [replica, record, ..]."""
        error, initial = recorded["error"], recorded["error"][:, 0]
        squares = np.array([session.squares() for session in self.sessions])
        residual, learned = recorded["residual"].max(axis=1), self._stacked("learned")
        finite = np.isfinite(error).all(axis=1) & np.isfinite(learned).all(axis=1)
        failed = ~finite | ~(residual < self.session.residual_limit) | self._stacked("broken")

        each = [session.counted() for session in self.sessions]
        results = {
            "error": error / scales(initial, squares)[:, None], "initial_error": initial, "residual": residual,
            "failed": failed, "parameters": learned,
            **{name: recorded[name] for name in recorded if name not in ("error", "residual", "traces")},
            **{name: np.array([one[name] for one in each], dtype=np.float64) for name in each[0]},
        }  # fmt: skip
        return {**results, "traces": recorded["traces"]} if self._traces else results
