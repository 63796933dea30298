"""Runs a store's unfinished jobs: on threads here, in worker processes, or wherever else this same loop is started.

Every worker takes the next job that nobody has claimed, goes on from its checkpoint, writes the result and marks it done.
Workers need not know of each other: two runs on one store share its jobs.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from clockless.learning.contracts import Learner
from clockless.learning.follow import Progress, Watch, follow
from clockless.stores.frame import on_disk
from clockless.stores.store import Store

CHECKPOINT_SECONDS = 10.0
_POLL_SECONDS = 0.5  # between looks at jobs that another run has claimed

Outcome = Literal["done", "already done", "busy", "failed", "stopped"]


@dataclass(frozen=True)
class Receipt:
    """What a worker says of a job; the results stay in the store."""

    job: int
    outcome: Outcome
    seconds: float = 0.0
    note: str = ""


@dataclass
class Runner:
    """How this process computes jobs of a store.

    Attributes:
        store: the store.
        run: names the run, whose failed jobs are not tried again before the next one.
        stopped: looked at several times a second.
        checkpoint_seconds: how often a long job is put away.
    """

    store: Store
    run: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    stopped: Callable[[], bool] = lambda: False
    checkpoint_seconds: float = CHECKPOINT_SECONDS

    def compute(self, job: int) -> Receipt:
        """Compute a job unless it is done, failed in this run, or claimed by another process.

        Raises:
            StoreError: the store cannot be written to.
        """
        journal = self.store.journal
        with on_disk(self.store.path), journal.claim(job) as mine:
            if not mine:
                return Receipt(job, "busy")
            failure = journal.failure(job)
            if failure and failure["run"] == self.run:
                return Receipt(job, "failed", note=failure["error"])
            if self.store.done(job):
                journal.forget_claim(job)
                return Receipt(job, "already done")
            return self._computed(job)

    def _computed(self, job: int) -> Receipt:
        journal, began = self.store.journal, time.monotonic()
        try:
            session = self.store.jobs.learner(job)
        except Exception as error:  # noqa: BLE001 (a part from outside may raise anything; the other jobs go on)
            return self._failed(job, error)
        session, progress, note = self._taken_up(job, session)
        watch = self._watch(job, session)
        try:
            finished = follow(session, self.store.experiment.record_at, progress, watch)
        except OSError:
            raise
        except Exception as error:  # noqa: BLE001 (as above)
            return self._failed(job, error)
        journal.put_away(job, session, progress)
        if not finished:
            return Receipt(job, "stopped", time.monotonic() - began, note)
        self.store.write(job, session.results(progress.arrays()))
        journal.mend(job)
        journal.count(job, self.store.experiment.steps)
        seconds = time.monotonic() - began
        journal.tell("unit done", unit=job, seconds=round(seconds, 3), **({"note": note} if note else {}))
        journal.forget_claim(job)
        return Receipt(job, "done", seconds, note)

    def _failed(self, job: int, error: Exception) -> Receipt:
        self.store.journal.fail(job, self.run, error)
        self.store.journal.tell("unit failed", unit=job, error=f"{type(error).__name__}: {error}")
        self.store.journal.forget_claim(job)
        return Receipt(job, "failed", note=f"{type(error).__name__}: {error}")

    def _taken_up(self, job: int, session: Learner) -> tuple[Learner, Progress, str]:
        """From this run's checkpoint, or that of the shorter run which it extends, or from the start."""
        steps = set(self.store.experiment.record_at.tolist())
        note = ""
        for journal in (self.store.journal, *self.store.shorter):
            try:
                progress = journal.take_up(job, session)
            except ValueError as error:
                note = f"{error}; job {job} was begun again"
                self.store.journal.tell("checkpoint damaged", unit=job, note=note)
                session = self.store.jobs.learner(job)
                continue
            if progress is not None:
                return session, progress.only(steps), note
        return session, Progress(), note

    def _watch(self, job: int, session: Learner) -> Watch:
        journal = self.store.journal
        last = time.monotonic()

        def put_away(session: Learner, progress: Progress) -> None:
            nonlocal last
            if time.monotonic() - last >= self.checkpoint_seconds:
                journal.put_away(job, session, progress)
                last = time.monotonic()

        last_but_one = self.store.experiment.steps - 1  # all steps are noted only once the results are written, too
        return Watch(self.stopped, lambda replica_steps: journal.count(job, min(session.step, last_but_one)), put_away)


def run_threads(store: Store, threads: int, runner: Runner, stop: threading.Event) -> list[Receipt]:
    """Compute all unfinished jobs on threads of this process (compiled loops release the interpreter).

    Jobs that another run has claimed are waited for. Ctrl-C puts the current jobs away and is raised again.
    """
    waiting = deque(job for job, hash_ in enumerate(store.done()) if not hash_)
    receipts: list[Receipt] = []

    def work() -> None:
        while not stop.is_set():
            try:
                job = waiting.popleft()
            except IndexError:
                return
            receipt = runner.compute(job)
            if receipt.outcome == "busy":
                waiting.append(job)
                stop.wait(_POLL_SECONDS if len(waiting) <= threads else 0.001)
            else:
                receipts.append(receipt)

    with ThreadPoolExecutor(max_workers=threads) as pool:
        futures = [pool.submit(work) for _ in range(threads)]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
        finally:
            if any(not future.done() or future.exception() for future in futures):
                stop.set()
    for future in futures:
        future.result()
    return receipts


def mend(store: Store) -> list[int]:
    """Take back the marks of jobs that do not hold what was written, so that they are computed again.

    All steps of a job are noted only after it is marked: if they are and it is not, its mark is lost.
    """
    journal, mended = store.journal, []
    noted = journal.counted(store.job_count) == store.experiment.steps
    unmarked = np.flatnonzero(noted & (store.done() == 0)).tolist()
    for job in sorted({*store.damaged(), *unmarked}):
        with journal.claim(job) as mine:
            if not mine or store.is_whole(job):  # another run has seen it, too, and computes it, or has done so
                continue
            store.undo(job)
            journal.count(job, 0)
            journal.tell("unit damaged", unit=job)
            journal.forget_claim(job)
            mended.append(job)
    return mended
