"""Actors in worker processes of one machine: spawned, one thread each, connected by shared memory, and supervised.

Whatever happens to one worker, the others go on as far as their mailboxes let them. A worker that is killed, raises, or
gives no sign of life is started again from its actor's last snapshot, and the run says so. Messages stay in the mailboxes;
at most those of the event in progress are lost. When the supervising process ends, in whatever way, so do the workers, and
the memory, which has no name, is gone.
"""

from __future__ import annotations

import os
import pickle
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from clockless.actors import Build
from clockless.actors.endings import Limits, limited
from clockless.actors.reports import Report
from clockless.actors.starting import Staff
from clockless.actors.supervision import Supervision
from clockless.errors import OutputError, WiringError, above_zero, shown, whole


class Processes:
    """`count` actors, each in a process of its own.

    Args:
        build: function of an importable module; `build(description, index)` makes actor `index` in its process.
        description: anything that can be pickled.
        folder: for snapshots; actors go on from those that are there. None begins anew and keeps nothing.
        snapshot_seconds: between snapshots of an actor: what a lost process loses at most.
        limits: of waits and restarts.
        cores: numbers of processor cores, dealt out in turn; None takes all that this process may use.

    Raises:
        WiringError, ParameterError, OutputError: something that no process could be started with.
    """

    def __init__(
        self,
        build: Build,
        description: Any,
        count: int,
        *,
        folder: str | os.PathLike[str] | None = None,
        snapshot_seconds: float = 5.0,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        cores: Sequence[int] | None = None,
    ) -> None:
        whole("count", count, 1)
        above_zero("snapshot_seconds", snapshot_seconds, "seconds above 0")
        if not callable(build):
            raise WiringError(f"build = {shown(build)}; give a function of a module, build(description, index).")
        try:
            orders = pickle.dumps((build, description))
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise WiringError(
                f"build or description cannot be sent to another process ({error}); give a function of a module, and data."
            ) from error
        usable = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        if cores is not None and (not cores or (usable and not set(cores) <= set(usable))):
            raise WiringError(f"cores = {shown(cores)}; this process may use {shown(usable)}.")
        self.folder = Path(folder) if folder is not None else None
        dealt = list(cores) if cores is not None else usable
        self.staff = Staff(orders, count, snapshot_seconds, limits, tuple(dealt))

    def run(
        self,
        events: int | Mapping[str, int] | None = None,
        seconds: float | None = None,
        *,
        record: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ) -> Report:
        """Run until each actor (or those named) has done `events` events in all, or for `seconds` from when all are there.

        An actor that has done its number acts no more, and never blocks others.

        Args:
            record: keep a trace that `traces.replay` can repeat: about 64 bytes an event.
            progress: called with (done, total), in events, or in milliseconds where only `seconds` is given.

        Raises:
            ActorError: an actor that cannot be built, or was lost more often than the limits allow.
            StalledError: everyone waits for someone else before the wanted events are done.
        """
        limited(events, seconds, list(events) if isinstance(events, Mapping) else [])
        with ExitStack() as stack:
            folder = self.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="clockless-")))
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise OutputError(f"{folder} cannot be made ({error.strerror}); choose another folder.") from error
            supervision = Supervision(self.staff, folder, record)
            stack.callback(supervision.close)
            supervision.start(events, seconds)
            try:
                ended = supervision.watch(progress)
            finally:
                supervision.stop()
            return supervision.report(ended)
