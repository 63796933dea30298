"""The supervisor's side of `processes`: starts workers, sees who is lost, paused or silent, and ends the run."""

from __future__ import annotations

import os
import secrets
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from multiprocessing import connection
from pathlib import Path

import numpy as np

from clockless.actors import snapshots
from clockless.actors.boards import (
    BEAT,
    BEGUN,
    BLOCKED,
    BUSY,
    DONE,
    EVENTS,
    FINISHED,
    GO,
    IDLE,
    LIMIT,
    PROCESSOR,
    RECORDS_LOST,
    SAVED,
    STARTING,
    STATE,
    STOP,
    STUCK,
    WAITING,
    Board,
    Plan,
    nameless_memory,
)
from clockless.actors.endings import limited
from clockless.actors.mailboxes import Ports, wire
from clockless.actors.reports import ActorReport, Incident, MailboxReport, Report
from clockless.actors.starting import GUARD, Staff, Worker, is_paused, spawned
from clockless.actors.traces import NOTHING, RESTORED, Record, Trace
from clockless.errors import ActorError, StalledError

_GLANCE = 0.02  # seconds between looks at the workers
_PAUSE_GLANCE = 0.2  # seconds between looks for paused ones


class Supervision:
    """One run of worker processes: `start`, `watch`, `stop`, `report`, and `close` in any case."""

    def __init__(self, staff: Staff, folder: Path, record: bool) -> None:
        self.staff, self.folder, self.record, self.limits = staff, folder, record, staff.limits
        self.number = secrets.randbits(62)  # of the run; no result depends on it
        self.incidents: list[Incident] = []
        self.workers: list[Worker] = []
        self.records: list[list[Record]] = [[] for _ in range(staff.count)]
        self.names: tuple[str, ...] = tuple(f"actor {index}" for index in range(staff.count))
        self.orders, self.memory = nameless_memory(), nameless_memory()
        with open(self.orders, "wb", closefd=False) as file:
            file.write(staff.orders)
        self.bells = [os.pipe() for _ in range(staff.count)]
        for descriptor in (end for bell in self.bells for end in bell):
            os.set_blocking(descriptor, False)
        self.began, self.length = time.monotonic_ns(), 0.0
        self.board: Board
        self.checked_pauses = 0.0

    # Starting

    def start(self, events: int | Mapping[str, int] | None, seconds: float | None) -> None:
        """Start all workers, connect them and let them go."""
        for index in range(self.staff.count):
            self.workers.append(self._spawn(index))  # one by one: Ctrl-C in between still ends those that are there
        ports = [self._ports(index) for index in range(self.staff.count)]
        wiring = wire(ports)
        self.names = wiring.names
        self.wanted = limited(events, seconds, self.names)
        self.events, self.seconds = events, seconds
        plan = Plan(wiring, self.record, self.number)
        os.ftruncate(self.memory, plan.size)
        self.board = Board(self.memory, plan)
        for row, limit in zip(self.board.rows, self.wanted, strict=True):
            row[LIMIT] = -1 if limit == np.inf else int(limit)
        loaded = {name: snapshots.load(self.folder, name) for name in self.names}
        self.first = {name: saved.state for name, saved in loaded.items() if saved}
        for worker in self.workers:
            _tell(worker, plan)
        deadline = time.monotonic() + self.limits.start
        while any(row[STATE] == STARTING for row in self.board.rows):
            for index in range(len(self.workers)):
                self._listen(index)
                if self._dead(index):
                    self._restart(index)
            if time.monotonic() > deadline:
                raise StalledError(f"actors did not start in {self.limits.start:g} s; raise the limit, or look at build.")
            time.sleep(0.001)
        self.began = time.monotonic_ns()
        for row in self.board.rows:
            row[BEAT] = self.began
        self.board.run[GO] = 1

    def _spawn(self, index: int) -> Worker:
        bells = tuple(bell[1] for bell in self.bells)
        return spawned(
            self.staff, index, self.names[index], self.folder, (self.orders, self.memory, self.bells[index][0], bells)
        )

    def _ports(self, index: int) -> Ports:
        """What a new worker's actor looks like from outside; a worker killed before it could say so is started again."""
        while True:
            worker = self.workers[index]
            if not connection.wait([worker.line, worker.process.sentinel], self.limits.start):
                raise StalledError(
                    f"{self.names[index]} was not built in {self.limits.start:g} s; raise the limit of start."
                )
            value = None
            try:
                if worker.line.poll():
                    _, value, _ = worker.line.recv()
            except (EOFError, OSError):
                value = None  # it was killed while it spoke
            if isinstance(value, Ports):
                return value
            worker.told = value or ""
            worker.process.join(self.limits.stop)
            why = self._why(index)
            if not worker.told and (worker.process.exitcode or 0) > 0:  # nobody killed it: it would end again
                raise ActorError(f"{self.names[index]} {why} before it began; its own words stand above; {GUARD}.")
            if worker.told or worker.restarts >= self.limits.restarts:
                raise ActorError(f"{self.names[index]} could not be built: {why}")
            self._replace(index, f"{why} before it began")

    def _replace(self, index: int, why: str) -> Worker:
        """A new process in the place of a lost one."""
        old = self.workers[index]
        self._note(index, f"{why}; started again")
        new = self.workers[index] = self._spawn(index)  # first: Ctrl-C in here leaves no closed process in the list
        new.restarts = old.restarts + 1
        old.line.close()
        old.process.close()
        return new

    # Watching

    def watch(self, progress: Callable[[int, int], None] | None) -> str:
        """Until the run is over; why it ended."""
        moved, last = time.monotonic(), -1
        while True:
            for index in range(len(self.workers)):
                self._look_after(index)
                self._fetch(index)
            self._look_for_pauses()
            now = time.monotonic()
            done = sum(row[BEGUN] + row[DONE] for row in self.board.rows)
            if done != last or not all(row[STATE] in (WAITING, STUCK, FINISHED) for row in self.board.rows):
                moved, last = now, done
            elif any(worker.paused for worker in self.workers):
                moved = now  # a paused worker is waited for up to the limit of silence, not of stalls
            elapsed = (time.monotonic_ns() - self.began) * 1e-9
            if progress:
                progress(*self._progress(elapsed))
            if self.events is not None and self._enough():
                return "events"
            if self.seconds is not None and elapsed >= self.seconds:
                return "seconds"
            if now - moved > self.limits.stall:
                if self.events is None:
                    return "idle"
                raise StalledError(f"nobody acted for {self.limits.stall:g} s: {self._waits()}; mend who waits for whom.")
            connection.wait([worker.process.sentinel for worker in self.workers], _GLANCE)

    def _enough(self) -> bool:
        counted = [(row, limit) for row, limit in zip(self.board.rows, self.wanted, strict=True) if limit < np.inf]
        return all(row[SAVED] >= limit and row[EVENTS] >= limit for row, limit in counted)

    def _progress(self, elapsed: float) -> tuple[int, int]:
        if self.events is None:
            total = int(1000 * (self.seconds or 0))
            return min(int(1000 * elapsed), total), total
        counted = [
            (row[EVENTS], int(limit)) for row, limit in zip(self.board.rows, self.wanted, strict=True) if limit < np.inf
        ]
        return sum(min(events, limit) for events, limit in counted), sum(limit for _, limit in counted)

    def _waits(self) -> str:
        words = {STUCK: "finds no room for a message", FINISHED: "is done", WAITING: "is not ready"}
        sentences = []
        for index, (name, row) in enumerate(zip(self.names, self.board.rows, strict=True)):
            boxes = [(c.mailbox, len(self.board.ring(c.index))) for c in self.board.plan.wiring.into(index)]
            held = ", ".join(f"{count} in {mailbox}" for mailbox, count in boxes) or "no mailbox"
            sentences.append(f"{name} (event {row[EVENTS]}) {words.get(row[STATE], 'acts')} with {held}")
        return "; ".join(sentences)

    def _look_after(self, index: int) -> None:
        """Start a lost worker again, and end a silent one."""
        worker, row = self.workers[index], self.board.rows[index]
        self._listen(index)
        if self._dead(index):
            self._restart(index)
            return
        starting = row[STATE] == STARTING
        limit = self.limits.start if starting else self.limits.silent
        since = worker.started if starting else max(row[BEAT] * 1e-9, worker.started)
        if time.monotonic() - since > limit:
            worker.reason = f"gave no sign of life for {limit:g} s and was killed"
            worker.process.kill()
            worker.process.join(self.limits.stop)

    def _restart(self, index: int) -> None:
        worker, row, name = self.workers[index], self.board.rows[index], self.names[index]
        why = self._why(index)
        if worker.told and worker.failed_at == row[EVENTS]:
            raise ActorError(f"{name} failed twice at its event {row[EVENTS]}: {why}; mend the actor.")
        if worker.restarts >= self.limits.restarts:
            raise ActorError(f"{name} was lost more often than {self.limits.restarts} times; the last time it {why}.")
        at = self._gone_back(index)
        failed_at = row[EVENTS] if worker.told else worker.failed_at
        row[STATE] = STARTING
        new = self._replace(index, f"{why}; goes on from event {at}")
        new.failed_at = failed_at
        _tell(new, self.board.plan)

    def _gone_back(self, index: int) -> int:
        """Record that an actor falls back to its last snapshot; the events in that."""
        self._fetch(index)
        saved = snapshots.load(self.folder, self.names[index])
        point = saved.begun if saved and saved.run == self.number else 0
        seconds = (time.monotonic_ns() - self.began) * 1e-9
        if self.record:
            nothing = (NOTHING,) * len(self.board.plan.wiring.into(index))
            self.records[index].append(Record(RESTORED, point, seconds, nothing))
        return saved.events if saved else 0

    def _listen(self, index: int) -> None:
        worker = self.workers[index]
        try:
            while worker.line.poll():
                kind, value, _ = worker.line.recv()
                worker.told = value if kind == "raised" else worker.told
        except (EOFError, OSError):
            return  # it ended, or was killed while it spoke: the process itself will say so

    def _dead(self, index: int) -> bool:
        if self.workers[index].process.exitcode is None:
            return False
        self._listen(index)
        return True

    def _why(self, index: int) -> str:
        worker = self.workers[index]
        code = worker.process.exitcode
        if worker.reason:
            return worker.reason
        if worker.told:
            return f"raised {worker.told}"
        if code is not None and code < 0:
            return f"was killed by {signal.Signals(-code).name}"
        return f"ended with code {code}"

    def _look_for_pauses(self) -> None:
        now = time.monotonic()
        if now - self.checked_pauses < _PAUSE_GLANCE:
            return
        self.checked_pauses = now
        for index, worker in enumerate(self.workers):
            paused = is_paused(worker.process.pid)
            if paused != worker.paused:
                worker.paused = paused
                self._note(index, "was paused" if paused else "goes on")

    def _note(self, index: int, what: str) -> None:
        self.incidents.append(Incident((time.monotonic_ns() - self.began) * 1e-9, self.names[index], what))

    def _fetch(self, index: int) -> None:
        if self.record:
            self.records[index] += self.board.records(index).fetch(self.began)

    # Ending

    def stop(self) -> None:
        """Let every worker end its event and save; kill those that do not."""
        self.length = (time.monotonic_ns() - self.began) * 1e-9
        self._look_for_pauses()
        self.board.run[STOP] = 1
        for _, far in self.bells:
            try:
                os.write(far, b"!")
            except BlockingIOError:
                continue
        deadline = time.monotonic() + self.limits.stop
        for index, worker in enumerate(self.workers):
            worker.process.join(0 if worker.paused else max(deadline - time.monotonic(), 0))
            if worker.process.exitcode is None:
                worker.reason = "was paused" if worker.paused else f"did not end its event in {self.limits.stop:g} s"
                worker.reason += " at the end of the run and was killed"
                worker.process.kill()
                worker.process.join(self.limits.stop)
            self._fetch(index)
            if worker.process.exitcode != 0:
                self._listen(index)
                why = self._why(index)
                self._note(index, f"{why}; its state is that of event {self._gone_back(index)}")

    def close(self) -> None:
        """Kill what still lives, and give everything back."""
        for worker in self.workers:
            if worker.process.exitcode is None:
                worker.process.kill()
            worker.process.join(self.limits.stop)
            worker.line.close()
            worker.process.close()
        self.workers = []
        for descriptor in (self.orders, self.memory, *(end for bell in self.bells for end in bell)):
            os.close(descriptor)

    def report(self, ended: str) -> Report:
        """What happened."""
        saved = {name: snapshots.load(self.folder, name) for name in self.names}
        actors = {}
        for index, name in enumerate(self.names):
            row, last = self.board.rows[index], saved[name]
            boxes = {
                c.mailbox: _mailbox_report(self.board.ring(c.index).counts()) for c in self.board.plan.wiring.into(index)
            }
            busy, idle, blocked = (row[word] * 1e-9 for word in (BUSY, IDLE, BLOCKED))
            measures = last.measures if last else {}
            events = last.events if last else 0
            restarts, processor = self.workers[index].restarts, row[PROCESSOR] * 1e-9
            actors[name] = ActorReport(events, busy, idle, blocked, boxes, restarts, measures, processor)
        states = {name: last.state for name, last in saved.items() if last}
        complete = not any(row[RECORDS_LOST] for row in self.board.rows)
        trace = Trace(self.names, tuple(map(tuple, self.records)), complete, self.first) if self.record else None
        return Report(actors, self.length, ended, states, None, self.incidents, trace)


def _tell(worker: Worker, plan: Plan) -> None:
    with suppress(OSError):  # it has been killed just now; that is seen at the next look
        worker.line.send(plan)


def _mailbox_report(counts: dict[str, int]) -> MailboxReport:
    mean = counts["stale"] / max(counts["taken"], 1)
    return MailboxReport(counts["taken"], counts["dropped"], counts["waiting"], counts["fullest"], mean, counts["stalest"])
