"""What is known of a store's jobs while they are computed: who has which, how far each is, what failed, what happened.

One folder per fingerprint, a few small files per job. A claim is an advisory lock of the operating system on the job's
lock file, so that any number of processes may work on one store and a dead one lets go by dying. Checkpoints and
failures are written under a temporary name and moved into place. Progress is one number per job, for people to look at.
"""

from __future__ import annotations

import errno
import json
import os
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from clockless import disk
from clockless.errors import StoreError
from clockless.learning.contracts import Learner
from clockless.learning.follow import Progress
from clockless.stores import locks
from clockless.stores.layout import fingerprint as checked

_NOTE_BYTES = 1000  # of a claim
_FAILURE_BYTES = 2**20
_SENTENCE = 10_000  # characters of a failure
_EVENTS_BYTES = 2**28  # of events.jsonl, at most read at once
_NUMBER = re.compile("[0-9]{6,12}")


class Journal:
    """The journal of the jobs of one fingerprint within a store's folder; `members` are the replicas of each.

    Raises:
        StoreError: its folder is no plain folder.
    """

    def __init__(self, store: Path, fingerprint: str, members: list[np.ndarray]) -> None:
        self.store, self.members = store, members
        names = ("units", checked(fingerprint, store))
        self.folder = store.joinpath(*names)
        with suppress(
            FileNotFoundError, PermissionError
        ):  # a finished store may lack it, and lie where nothing can be written
            disk.folder(store, *names, make=os.access(store, os.W_OK))

    # --- claims ---

    @contextmanager
    def claim(self, job: int) -> Iterator[bool]:
        """Yield whether this process alone may compute the job now; lets go at the end, or when the process dies."""
        fcntl = locks.needed()
        handle = disk.opened(self._path(job, "lock"), os.O_RDWR | os.O_CREAT, below=self.store)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            if os.fstat(handle).st_nlink == 0:  # removed by whoever had it, between opening and locking
                yield False
                return
            os.ftruncate(handle, 0)
            os.pwrite(handle, json.dumps({"process": os.getpid(), "host": socket.gethostname()}).encode(), 0)
            yield True
        finally:
            os.close(handle)

    def held_by(self, job: int) -> dict[str, Any] | None:
        """Process and host of whoever computes the job now."""
        fcntl = locks.needed()
        try:
            handle = disk.opened(self._path(job, "lock"), os.O_RDWR, below=self.store)
        except StoreError:
            raise
        except OSError:  # never claimed, or not ours to open for writing
            return None
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return None
        except BlockingIOError:
            with suppress(ValueError, RecursionError):
                holder = json.loads(os.pread(handle, _NOTE_BYTES, 0))
                return holder if isinstance(holder, dict) else {}
            return {}
        finally:
            os.close(handle)

    def last_claimed_by(self, process: int) -> int | None:
        """The job that a process of this host claimed last and did not finish."""
        mine = {"process": process, "host": socket.gethostname()}
        for job in self._noted("lock"):
            with suppress(OSError, ValueError):
                if disk.read_json(self._path(job, "lock"), _NOTE_BYTES, below=self.store) == mine:
                    return job
        return None

    def running(self) -> list[int]:
        """Jobs that are computed now."""
        return [job for job in self._noted("lock") if self.held_by(job) is not None]

    def forget_claim(self, job: int) -> None:
        """Remove the lock file of a job that is done; to be called while it is claimed."""
        disk.remove(self._path(job, "lock"), below=self.store)

    # --- checkpoints ---

    def put_away(self, job: int, session: Learner, progress: Progress) -> None:
        """Write all that is needed to go on with a job, whole or not at all."""
        recorded = {f"recorded_{name}": values for name, values in progress.arrays().items()}
        state = {f"state_{name}": values for name, values in session.state().items()}
        about = {"replicas": self.members[job]}
        steps = {"steps": np.array(progress.steps, dtype=np.int64)}
        disk.write_arrays(self._path(job, "npz"), {**steps, **about, **recorded, **state}, below=self.store)

    def take_up(self, job: int, session: Learner) -> Progress | None:
        """Restore a session from the job's checkpoint; None if there is none, ValueError if it is damaged."""
        path = self._path(job, "npz")
        try:
            arrays = disk.read_arrays(path, below=self.store)
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise ValueError(f"the checkpoint {path} is damaged ({error})") from None
        try:
            if not np.array_equal(arrays["replicas"], self.members[job]):
                raise ValueError("it is of other replicas")
            progress = Progress(steps=[int(step) for step in arrays["steps"]])
            for name, values in arrays.items():
                if name.startswith("recorded_"):
                    if values.shape[:2] != (len(self.members[job]), len(progress.steps)):
                        raise ValueError(f"{name} is not of its replicas and steps")
                    progress.recorded[name.removeprefix("recorded_")] = list(np.moveaxis(values, 1, 0))
            session.restore({n.removeprefix("state_"): v for n, v in arrays.items() if n.startswith("state_")})
        except Exception as error:  # noqa: BLE001 (readers of damaged archives raise whatever they like)
            raise ValueError(f"the checkpoint {path} is damaged ({error})") from None
        return progress

    def forget_checkpoint(self, job: int) -> None:
        """Remove a job's checkpoint, if there is one."""
        disk.remove(self._path(job, "npz"), below=self.store)

    # --- failures ---

    def fail(self, job: int, run: str, error: BaseException | str) -> None:
        """Note that a job raised."""
        sentence = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
        note = {"run": run, "error": " ".join(sentence.split())[:_SENTENCE]}
        disk.write(self._path(job, "failed"), json.dumps(note), below=self.store)

    def failure(self, job: int) -> dict[str, str] | None:
        """Run and error of a job that raised."""
        try:
            note = disk.read_json(self._path(job, "failed"), _FAILURE_BYTES, below=self.store)
            return {"run": str(note["run"]), "error": str(note["error"])}
        except FileNotFoundError:
            return None
        except (ValueError, LookupError, TypeError):
            return {"run": "", "error": "the note of its failure is damaged"}

    def failures(self) -> dict[int, str]:
        """Sentences of all jobs that raised and were not computed since."""
        return {job: (self.failure(job) or {"error": ""})["error"] for job in self._noted("failed")}

    def mend(self, job: int) -> None:
        """Forget that a job failed."""
        disk.remove(self._path(job, "failed"), below=self.store)

    # --- progress and events ---

    def count(self, job: int, steps: int) -> None:
        """Note how many steps of a job are done."""
        handle = disk.opened(self.folder / "steps", os.O_WRONLY | os.O_CREAT, below=self.store)
        try:
            os.pwrite(handle, int(steps).to_bytes(8, "little"), 8 * job)
        finally:
            os.close(handle)

    def counted(self, jobs: int) -> np.ndarray:
        """Steps done of every job [job], as last noted."""
        steps = np.zeros(jobs, dtype="<i8")
        with suppress(FileNotFoundError):
            raw = disk.read_part(self.folder / "steps", 0, 8 * jobs, below=self.store)
            known = np.frombuffer(raw[: len(raw) // 8 * 8], dtype="<i8")
            steps[: len(known)] = known
        return np.maximum(steps, 0)

    def tell(self, event: str, **details: Any) -> None:
        """Append a line to the store's events.jsonl."""
        line = {"time": round(time.time(), 3), "event": event, **details, "worker": f"{socket.gethostname()}:{os.getpid()}"}
        handle = disk.opened(self.store / "events.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            text = (json.dumps(line) + "\n").encode()
            if os.write(handle, text) < len(text):  # half a line, which readers pass over
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(handle)

    def told(self, first: int = 0) -> list[dict[str, Any]]:
        """The events from byte `first` of events.jsonl on; lines that are half-written or damaged are left out."""
        found = []
        with suppress(FileNotFoundError):
            raw = disk.read_part(self.store / "events.jsonl", first, _EVENTS_BYTES)
            for line in raw.decode("utf-8", "replace").splitlines():
                with suppress(ValueError, RecursionError):
                    found.append(json.loads(line))
        return [event for event in found if isinstance(event, dict)]

    @property
    def told_bytes(self) -> int:
        """Length of events.jsonl."""
        try:
            return (self.store / "events.jsonl").lstat().st_size
        except FileNotFoundError:
            return 0

    def _path(self, job: int, kind: str) -> Path:
        return self.folder / f"{job:06d}.{kind}"

    def _noted(self, kind: str) -> list[int]:
        """Jobs of which there is a file of a kind; files that are called otherwise belong to nobody."""
        names = {path.name for path in self.folder.glob(f"*.{kind}") if _NUMBER.fullmatch(path.stem)}
        jobs = sorted(int(name.removesuffix(f".{kind}")) for name in names)
        return [job for job in jobs if job < len(self.members) and self._path(job, kind).name in names]
