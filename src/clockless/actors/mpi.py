"""Actors on the ranks of an MPI job, one each, on as many machines as the launcher has: `mpiexec -n 4 python script.py`.

Nothing blocks: messages leave by Isend and are met by receives posted beforehand. A sender may have only so many messages
under way as the receiver has confirmed room for, whatever the policy; where the policy is to drop, the others wait on the
sender's side in a queue of the mailbox's capacity, which loses its oldest. Every rank tells every other a few times a
second that it lives. A rank that stays silent longer than the limit ends the job with one sentence, and the same command
goes on from the snapshots.

NOTE: mpiexec ends a job of which a rank was killed at once and in its own words; call `guarding.guarded()` first in a script
to have it said in one sentence. The staleness reported here is a lower bound: a rank knows how far a sender is from its
last sign of life only.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from clockless.actors import Actor, Build, snapshots
from clockless.actors.acting import Life, Saving
from clockless.actors.endings import Limits, limited, within
from clockless.actors.mailboxes import Ports, wire
from clockless.actors.posts import Clockwork, RankPost
from clockless.actors.reports import ActorReport, MailboxReport, Report
from clockless.actors.traces import Record, Trace
from clockless.errors import ActorError, ClocklessError, OutputError, ParameterError, WiringError, shown, whole

_PORTS, _GATHER = 0, 1  # tags of what is told at the beginning, and to rank 0 at the end
_SEGMENTS = "/dev/shm/mpich_shm_"  # shared memory of MPICH, which it removes in MPI_Finalize only


class Ranks:
    """`count` actors, each on a rank of its own. Every rank calls this with the same arguments.

    Args:
        build: `build(description, index)` makes actor `index` on rank `index`.
        folder: for snapshots, seen by the ranks that use it; actors go on from those that are there. None keeps nothing.
        snapshot_seconds: between snapshots of an actor: what a lost job loses at most.
        limits: of waits; `restarts` does not apply, as the launcher starts ranks.

    Raises:
        WiringError: without mpi4py, or with other than `count` ranks (said on rank 0; the others leave quietly).
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
    ) -> None:
        whole("count", count, 1)
        if not snapshot_seconds > 0:
            raise ParameterError(f"snapshot_seconds = {shown(snapshot_seconds)}; give seconds above 0.")
        try:
            from mpi4py import MPI
        except ImportError as error:
            raise WiringError(f"MPI cannot be used ({error}); install clockless[mpi].") from error
        self.world = MPI.COMM_WORLD
        if self.world.size != count:
            if self.world.rank:
                raise SystemExit(2)
            few = "fewer" if self.world.size < count else "more"
            raise WiringError(
                f"{self.world.size} MPI ranks are {few} than the {count} actors; "
                f"start with mpiexec -n {count} (or srun --mpi=pmi2 -n {count})."
            )
        self.build, self.description, self.limits = build, description, limits
        self.folder = Path(folder) if folder is not None else None
        self.period = snapshot_seconds

    def run(
        self, events: int | Mapping[str, int] | None = None, seconds: float | None = None, *, record: bool = False
    ) -> Report | None:
        """Run as `processes.Processes.run` does; the report on rank 0, None on others.

        What goes wrong on one rank ends the whole job, with one sentence on standard error and code 2. Ctrl-C, from the main
        thread, lets all ranks save and end; the report says so.

        Raises:
            ParameterError: a run without an end.
        """
        limited(events, seconds, list(events) if isinstance(events, Mapping) else [])
        with ExitStack() as stack:
            folder = self.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="clockless-")))
            try:
                return self._run(folder, events, seconds, record)
            except ClocklessError as error:
                self._abort(str(error))
            except Exception as error:  # noqa: BLE001 - one rank alone must not leave the others waiting
                self._abort(f"{type(error).__name__}: {error}")

    def _abort(self, sentence: str) -> NoReturn:
        print(f"rank {self.world.rank}: {sentence}", file=sys.stderr, flush=True)
        self.world.Abort(2)
        os._exit(2)  # should Abort return

    def _run(self, folder: Path, events: Any, seconds: float | None, record: bool) -> Report | None:
        from mpi4py import MPI

        comm, request = self.world.Idup()
        within(self.limits.start, request.Test, self._absent())
        comm.Set_errhandler(MPI.ERRORS_RETURN)
        self._together(comm)
        _forget_names()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{folder} cannot be made ({error.strerror}); choose another folder.") from error
        actor = self._built()
        saved = snapshots.load(folder, actor.name)
        if saved is not None:
            actor.restore(saved.state)
        self._together(comm)
        wiring = wire(self._told(comm, Ports.of(actor)))
        limit = limited(events, seconds, wiring.names)[comm.rank]
        first = {actor.name: saved.state} if saved else {}
        self._together(comm)
        clockwork = Clockwork(limit, seconds, events is not None, record, saved.events if saved else 0)
        post = RankPost(comm, wiring, clockwork, self.limits)
        saving = Saving(folder, self.period, 0, lambda: post.begun, post.saved)
        life = Life(actor, wiring, post, clockwork.events, saving)
        with _stopped_by_ctrl_c(post):
            life.live()
            length = post.elapsed()
            saving.now(life)
            post.close()
        mine = (self._actor_report(actor, life, post), post.drops(), actor.snapshot(), post.records, first)
        everyone = self._gathered(comm, mine)
        if everyone is None:
            return None
        late = seconds is not None and (events is None or length >= seconds)
        ended = "interrupted" if post.interrupted else "seconds" if late else "events"
        return _report(wiring, everyone, length, ended, record)

    def _built(self) -> Actor:
        try:
            return self.build(self.description, self.world.rank)
        except ClocklessError:
            raise
        except Exception as error:
            raise ActorError(f"actor {self.world.rank} could not be built: {type(error).__name__}: {error}") from error

    def _together(self, comm: Any) -> None:
        """Wait until all ranks are here."""
        within(self.limits.start, comm.Ibarrier().Test, self._absent())

    def _absent(self) -> str:
        return f"the other ranks were not there after {self.limits.start:g} s; look for what holds them up."

    def _actor_report(self, actor: Actor, life: Life, post: RankPost) -> ActorReport:
        measures = {name: float(value) for name, value in actor.measure().items()}
        return ActorReport(life.events, post.busy, post.idle, post.blocked, post.mailboxes(), 0, measures)

    def _told(self, comm: Any, mine: Any) -> list[Any]:
        """What every rank tells every other, by rank."""
        late = f"did not say what it receives and sends within {self.limits.start:g} s; look for what holds it up."
        sending = {rank: comm.isend(mine, dest=rank, tag=_PORTS) for rank in range(comm.size) if rank != comm.rank}
        everyone = [
            self._heard(comm, rank, _PORTS, self.limits.start, f"rank {rank} {late}") if rank in sending else mine
            for rank in range(comm.size)
        ]
        for rank, request in sending.items():
            within(self.limits.start, request.Test, f"rank {rank} did not take what it was told; look for what holds it up.")
        return everyone

    def _heard(self, comm: Any, rank: int, tag: int, limit: float, sentence: str) -> Any:
        """An object that `rank` sends, awaited within `limit` seconds."""
        found: list[Any] = []

        def arrived() -> bool:
            if not found:
                message = comm.improbe(source=rank, tag=tag)
                if message is None:
                    return False
                found.append(message.irecv())
            done, told = found[0].test()
            if done:
                found.append(told)
            return bool(done)

        within(limit, arrived, sentence)
        return found[1]

    def _gathered(self, comm: Any, mine: Any) -> list[Any] | None:
        """What every rank has to tell, on rank 0."""
        sentence = (
            f"a rank did not come to the end within {self.limits.stop:g} s; the same command goes on from the snapshots."
        )
        if comm.rank:
            within(self.limits.stop, comm.isend(mine, dest=0, tag=_GATHER).Test, sentence)
            return None
        others = range(1, comm.size)
        return [mine, *(self._heard(comm, rank, _GATHER, self.limits.stop, sentence) for rank in others)]


def _forget_names() -> None:
    """Remove the name of the memory that MPICH shares on this machine, which all ranks have by now.

    It lives until the last rank ends, in whatever way; with its name it would outlive a rank that is killed.
    """
    with suppress(OSError), open("/proc/self/maps", encoding="utf-8") as lines:
        for path in {line.split()[-1] for line in lines if _SEGMENTS in line and "(deleted)" not in line}:
            with suppress(FileNotFoundError):  # another rank was faster
                os.unlink(path)


@contextmanager
def _stopped_by_ctrl_c(post: RankPost) -> Iterator[None]:
    """Within, Ctrl-C, which a launcher passes on to every rank, lets the ranks save and end together."""

    def interrupt(number: int, frame: Any) -> None:
        post.interrupted = True

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _report(wiring: Any, everyone: list[Any], length: float, ended: str, record: bool) -> Report:
    dropped = {channel: count for _, drops, _, _, _ in everyone for channel, count in drops.items()}
    actors: dict[str, ActorReport] = {}
    for index, name in enumerate(wiring.names):
        report = everyone[index][0]
        boxes: dict[str, MailboxReport] = {}
        for channel in wiring.into(index):
            box = report.mailboxes[channel.mailbox]
            lost = box.dropped + dropped[channel.index]
            boxes[channel.mailbox] = MailboxReport(box.taken, lost, box.waiting, box.fullest, box.staleness, box.stalest)
        actors[name] = ActorReport(report.events, report.busy, report.idle, report.blocked, boxes, 0, report.measures)
    states: dict[str, dict[str, np.ndarray]] = {name: told[2] for name, told in zip(wiring.names, everyone, strict=True)}
    records: tuple[tuple[Record, ...], ...] = tuple(tuple(told[3]) for told in everyone)
    first = {name: state for told in everyone for name, state in told[4].items()}
    return Report(actors, length, ended, states, None, [], Trace(wiring.names, records, True, first) if record else None)
