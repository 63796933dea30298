"""The worker's side of `processes`: one spawned process, one actor, one thread."""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import pickle
import select
import signal
import sys
import time
import traceback
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.reduction import DupFd
from pathlib import Path
from typing import Any

import numpy as np

from clockless.actors import snapshots
from clockless.actors.acting import Life, Saving
from clockless.actors.boards import (
    ACTING,
    BEAT,
    BEGUN,
    BLOCKED,
    BUSY,
    DONE,
    EVENTS,
    GO,
    IDLE,
    LIMIT,
    LISTENING,
    PROCESSOR,
    SAVED,
    STATE,
    STOP,
    STUCK,
    WAITING,
    Board,
    Plan,
)
from clockless.actors.endings import Limits
from clockless.actors.mailboxes import Ports
from clockless.actors.rings import fence
from clockless.actors.traces import EVENT, NOTHING
from clockless.errors import ClocklessError, StalledError

_GLANCES = 20  # looks at the mailboxes before a process sleeps
_NAP = 20  # milliseconds that it sleeps at most before it looks again
_PR_SET_PDEATHSIG = 1


class Descriptor:
    """An open file that a spawned process gets along with its arguments."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __reduce__(self) -> Any:
        return _arrived, (DupFd(self.number),)


def _arrived(descriptor: Any) -> Descriptor:
    return Descriptor(descriptor.detach())


@dataclass(frozen=True)
class Assignment:
    """All that a worker is told at its start; the plan comes later, by `line`.

    Attributes:
        orders: a file with what the actor is built of, pickled: a pipe that nobody empties would hold up who fills it.
        bell: read end of the actor's doorbell; bells: write ends of all.
        core: to run on; None for any.
    """

    orders: Descriptor
    index: int
    folder: Path
    period: float
    limits: Limits
    line: Connection
    memory: Descriptor
    bell: Descriptor
    bells: tuple[Descriptor, ...]
    core: int | None
    parent: int


def work(task: Assignment) -> None:
    """Live as actor `task.index` until told to stop; what goes wrong is told to the supervisor."""
    _settle_in(task)
    try:
        _live(task)
    except Exception as error:  # noqa: BLE001 - an actor may raise anything; the supervisor says so and starts it again
        text = str(error) if isinstance(error, ClocklessError) else f"{type(error).__name__}: {error}"
        with contextlib.suppress(OSError):  # nobody is left to tell
            task.line.send(("raised", text, traceback.format_exc()))
        os._exit(1)


def _settle_in(task: Assignment) -> None:
    """Ctrl-C is the supervisor's affair; die with it; stay on one core."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if task.core is not None:
            os.sched_setaffinity(0, {task.core})
    _leave_if_alone(task.parent)


def _leave_if_alone(parent: int) -> None:
    if os.getppid() != parent:
        os._exit(1)


def _live(task: Assignment) -> None:
    with mmap.mmap(task.orders.number, 0, access=mmap.ACCESS_READ) as orders:
        build, description = pickle.loads(orders)  # of the process that started this one
    actor = build(description, task.index)
    task.line.send(("ports", Ports.of(actor), ""))
    plan = _plan(task)
    board = Board(task.memory.number, plan)
    saved = snapshots.load(task.folder, actor.name)
    if saved is not None:
        actor.restore(saved.state)
    post = SharedPost(board, task)
    row = board.rows[task.index]
    row[EVENTS] = saved.events if saved else 0
    row[SAVED] = row[EVENTS]
    row[STATE] = WAITING
    deadline = time.monotonic() + 2 * task.limits.start
    while not board.run[GO] and not post.stopping():
        if time.monotonic() > deadline:
            raise StalledError("the other actors of the run did not start in time; look for what holds them up.")
        time.sleep(0.001)

    def note(events: int) -> None:
        row[SAVED] = events

    saving = Saving(task.folder, task.period, plan.run, lambda: row[BEGUN], note)
    life = Life(actor, plan.wiring, post, row[EVENTS], saving)
    life.live()
    saving.now(life)


def _plan(task: Assignment) -> Plan:
    deadline = time.monotonic() + 2 * task.limits.start
    while not task.line.poll(0.1):
        _leave_if_alone(task.parent)
        if time.monotonic() > deadline:
            raise StalledError("the supervisor did not answer; look whether its process is paused.")
    plan: Plan = task.line.recv()
    return plan


class SharedPost:
    """An actor's post in shared memory; see `acting.Post`."""

    def __init__(self, board: Board, task: Assignment) -> None:
        wiring = board.plan.wiring
        self.run, self.row, self.rows = board.run, board.rows[task.index], board.rows
        self.records = board.records(task.index)
        self.into = [(channel, board.ring(channel.index)) for channel in wiring.into(task.index)]
        self.out = {channel.message: (channel, board.ring(channel.index)) for channel in wiring.out_of(task.index)}
        self.bell = task.bell.number
        self.bells = [bell.number for bell in task.bells]
        self.poll = select.poll()
        self.poll.register(self.bell, select.POLLIN)
        self.parent = task.parent
        self.glances = 0
        self.resting_since = 0  # nanoseconds; 0 when not resting
        self.resting_in = WAITING
        self.row[LISTENING] = 0
        self.computed = time.process_time_ns() - self.row[PROCESSOR]  # before the run, or what a lost process has done

    def stopping(self) -> bool:
        _leave_if_alone(self.parent)
        self.row[BEAT] = time.monotonic_ns()
        return bool(self.run[STOP])

    def limit(self) -> int:
        return self.row[LIMIT]

    def waiting(self) -> dict[str, int]:
        return {channel.mailbox: len(ring) for channel, ring in self.into}

    def begin(self) -> tuple[int, dict[str, dict[str, np.ndarray] | None]]:
        self._rested()
        row = self.row
        row[STATE] = ACTING
        number = row[BEGUN]
        row[BEGUN] = number + 1  # first: whatever happens next, this number is never given again
        began = time.monotonic_ns()
        got = [ring.take() for _, ring in self.into]
        self.records.append((EVENT, number, began, *(message[0] if message else NOTHING for message in got)))
        inbox: dict[str, dict[str, np.ndarray] | None] = {}
        for (channel, ring), message in zip(self.into, got, strict=True):
            inbox[channel.mailbox] = message[2] if message else None
            if message:
                ring.count(message[3], self.rows[channel.sender][DONE] - message[1])
                self._wake(channel.sender)
        return number, inbox

    def ended(self, events: int, nanoseconds: int) -> None:
        row = self.row
        row[EVENTS] = events
        row[DONE] += 1
        row[BUSY] += nanoseconds
        row[PROCESSOR] = time.process_time_ns() - self.computed

    def send(self, message: str, made: int, arrays: dict[str, np.ndarray]) -> bool:
        channel, ring = self.out[message]
        if not ring.put(made, self.row[DONE], arrays):
            return False
        self._wake(channel.receiver)
        return True

    def _wake(self, actor: int) -> None:
        fence()
        if self.rows[actor][LISTENING]:
            with contextlib.suppress(BlockingIOError):  # a bell that is full of rings has been rung
                os.write(self.bells[actor], b"!")

    def rest(self, state: int) -> None:
        """Look a few times, giving way to others on this core; then listen, look once more, and sleep until the bell."""
        now = time.monotonic_ns()
        self._book(now)
        self.resting_since, self.resting_in = now, state
        self.row[STATE] = state
        self.glances += 1
        if self.glances < _GLANCES:
            os.sched_yield()
        elif self.glances == _GLANCES:
            self.row[LISTENING] = 1
            fence()
        elif self.poll.poll(_NAP):
            with contextlib.suppress(BlockingIOError):
                os.read(self.bell, 65536)

    def _book(self, now: int) -> None:
        if self.resting_since:
            self.row[BLOCKED if self.resting_in == STUCK else IDLE] += now - self.resting_since

    def _rested(self) -> None:
        self._book(time.monotonic_ns())
        self.resting_since = 0
        self.glances = 0
        self.row[LISTENING] = 0

    def discard(self) -> None:
        for channel, ring in self.into:
            if len(ring):
                ring.clear()
                self._wake(channel.sender)
