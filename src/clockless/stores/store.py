"""Results on disk as labelled arrays that survive a kill at any moment and can be looked at while they grow.

    STORE/
      experiment.yaml        what is computed
      <fingerprint>.zarr     results: one chunk per job, [unit, lane, ..], allocated before the first job runs
      units/<fingerprint>/   checkpoints, claims, failures and progress of jobs (see `journal`)
      events.jsonl           what happened when

A worker writes its job's chunks and then the job's cell of `done`, which is the hash of what it wrote: whoever reads knows
that a job is whole, and whether it still is. Nothing is shared between two jobs but the folder. On disk a job is a
`unit`, as in version 0.1, so that its stores open.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from clockless import disk, memory
from clockless.errors import ParameterError, StoreError, instance, place, whole
from clockless.experiments import own_parts
from clockless.experiments.experiment import Experiment
from clockless.experiments.files import text_of
from clockless.experiments.jobs import Jobs, own_in
from clockless.experiments.own_parts import PARTS, Place, beside
from clockless.learning.contracts import Arrays
from clockless.seen import Seen
from clockless.stores import locks
from clockless.stores.frame import (
    allocate,
    attributes_left,
    described_by,
    described_in,
    difference,
    group_of,
    making,
    on_disk,
    relabel,
    seal_of,
)  # fmt: skip
from clockless.stores.journal import Journal
from clockless.stores.layout import DONE, group_path, groups, layouts, nothing
from clockless.stores.provenance import check_ready, keep_parts, made_otherwise
from clockless.version import __version__

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure


_SLAB = 64  # jobs that are read together
_ANY_WIDTH = 64  # of jobs, which a check does not look at


class Store(Seen):
    """The results of one experiment in a folder.

    Attributes:
        path: the folder.
        experiment: what is computed.
        jobs: what there is to compute.
        journal: what is known of the jobs.
    """

    _card = "store"

    def __init__(self, path: Path, work: Jobs, group: Any) -> None:
        self.path, self.experiment, self.jobs, self._group = path, work.experiment, work, group
        self.journal = Journal(path, self.experiment.fingerprint, work.members)

    def __repr__(self) -> str:
        return (
            f"Store({str(self.path)!r}, {int((self.done() != 0).sum())} of {self.job_count} jobs done, {self.experiment!r})"
        )

    # --- making and opening ---

    @classmethod
    def create(cls, path: str | os.PathLike[str], experiment: Experiment, width: int | None = None) -> Store:
        """A new store; or the one that is there, if it has begun with the same experiment.

        Raises:
            DescriptionError: the experiment cannot be computed.
            StoreError: the place holds something else, or cannot be written to.
        """
        folder = place("path", path)
        locks.needed()
        instance("experiment", experiment, Experiment, "make one with Experiment(...) or clockless.read(file)")
        if width is not None:
            whole("width", width, 1)
        if _begun(folder):
            return cls._opened(folder, experiment)
        Jobs(experiment, _ANY_WIDTH).check()
        if _holds_something_else(folder):
            if _begun(folder):  # by another process, just now
                return cls._opened(folder, experiment)
            raise StoreError(f"{folder} is there and is no store; choose another place.")
        with making(folder):
            keep_parts(folder, experiment)
            allocate(folder, experiment, width, {}, own_parts=True)
            disk.write(folder / "experiment.yaml", text_of(experiment, store=True))
        if own_in(experiment):  # whose files are from now on those that the store keeps
            store = cls.open(folder)
        else:  # what was written a moment ago need not be read
            with on_disk(folder):
                store = cls(folder, *group_of(folder, experiment))
        with on_disk(folder):
            store._tell("created", units=len(store.jobs.members))
        return store

    @classmethod
    def _opened(cls, folder: Path, experiment: Experiment) -> Store:
        """The store that is there; StoreError if it is another experiment's."""
        store = cls.open(folder)
        if store.experiment.fingerprint != experiment.fingerprint:
            raise StoreError(
                f"{folder} holds another experiment ({difference(store.experiment, experiment)}); "
                f"choose another --out, or go on with that one: clockless resume {folder}."
            )
        return store

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Store:
        """The store in a folder; if part of its frame is damaged, that part is made anew.

        Raises:
            StoreError: there is none, or it cannot be read.
        """
        folder = place("path", path)
        locks.needed()
        with on_disk(folder):
            if not (folder / "experiment.yaml").exists() and not groups(folder):
                raise StoreError(f"{folder} is no store; make one with: clockless run study.yaml --out {folder}.")
            return cls(folder, *group_of(folder, described_in(folder)))

    def extended(self, steps: int) -> Store:
        """This store with more steps: what has been computed is kept, every job goes on from where it is.

        Raises:
            StoreError: fewer steps than there are.
        """
        if whole("steps", steps) <= self.experiment.steps:
            raise StoreError(f"{self.path} has {self.experiment.steps:,} steps; give more than that to --steps.")
        self._check_sources()
        check_ready(self.experiment)
        with beside(Place(self.path, store=True)):
            longer = self.experiment.changed(steps=steps)
        with on_disk(self.path):
            about = {"extends": self.experiment.fingerprint}
            allocate(self.path, longer, int(self._group.attrs["width"]), about, own_parts=True)
            disk.write(self.path / "experiment.yaml", text_of(longer, store=True))
        store = type(self).open(self.path)
        store._tell("extended", steps=steps)
        return store

    def _tell(self, event: str, **details: int) -> None:
        about = {"version": __version__, "sources": self.jobs.sources}
        self.journal.tell(event, fingerprint=self.experiment.fingerprint, **about, **details)

    @property
    def _extends(self) -> list[str]:
        """Fingerprints of the run that this one extends, of the one which that extends, and so on.

        Only runs of this very experiment with fewer steps: what a store says of anything else is not followed.
        """
        found: list[str] = []
        longer, group = self.experiment, group_path(self.path, self.experiment.fingerprint)
        while before := attributes_left(group).get("extends"):
            group = group_path(self.path, before)
            shorter = described_by(group) if disk.has_folder(self.path, group.name) else None
            if shorter is None or shorter.steps >= longer.steps or not _same_but_steps(shorter, longer):
                break
            found.append(before)
            longer = shorter
        return found

    @cached_property
    def shorter(self) -> list[Journal]:
        """The journals of the runs that this one extends, the longest first, as far as they are still there."""
        return [
            Journal(self.path, name, self.jobs.members)
            for name in self._extends
            if disk.has_folder(self.path, "units") and disk.has_folder(self.path, "units", name)
        ]

    def forget_shorter(self) -> None:
        """Remove the runs that this one extends, all of whose results are here."""
        with on_disk(self.path):
            for name in self._extends[::-1]:
                if disk.has_folder(self.path, "units"):
                    disk.remove_folder(self.path, "units", name)
                group = group_path(self.path, name)
                disk.remove_folder(self.path, group.name)
                seal_of(group).unlink(missing_ok=True)

    def forget_checkpoints(self) -> None:
        """Remove the checkpoints of jobs that are done: most of a store's bytes, needed by nothing but `extended`.

        A store without them can still be extended and mended, with the same bits, but its jobs are computed from step 0.
        """
        with on_disk(self.path):
            for job in np.flatnonzero(self.done()).tolist():
                self.journal.forget_checkpoint(job)

    @property
    def made_otherwise(self) -> str:
        """How the version of the package that began this store differs from this one; nothing if it computes the same."""
        return made_otherwise(dict(self._group.attrs), self.jobs.sources)

    def check_before_computing(self) -> None:
        """Look at what the results depend on before any more are computed; own parts are run, data files compared.

        Raises:
            StoreError: jobs are missing, but other sources of the package have computed the others.
            DescriptionError: an own part is not at hand, or must not be run.
        """
        own = own_in(self.experiment)
        finished = self.done().all() and not (self.made_otherwise and self.damaged())
        unlabelled = bool(own) and "labels" not in self._group.attrs
        if not finished:
            self._check_sources()
        if not finished or unlabelled:
            check_ready(self.experiment)
        if own and (not finished or unlabelled) and os.access(self.path, os.W_OK):
            with on_disk(self.path):
                keep_parts(self.path, self.experiment)
                if unlabelled:
                    relabel(self._group, self.experiment)

    @property
    def trusting(self) -> bool:
        """Whether workers must be told to trust own parts, because this process was."""
        kinds = [part["kind"] for part in own_in(self.experiment)]
        return bool(kinds) and own_parts.trusting(kinds)

    def _check_sources(self) -> None:
        if self.made_otherwise:
            raise StoreError(
                f"{self.path} cannot be gone on with: {self.made_otherwise}, so that jobs would differ in their bits; "
                f"install that version, or choose another --out."
            )

    # --- jobs ---

    def done(self, job: int | None = None) -> Any:
        """Hashes of the jobs that are done, uint64 [job] or one; 0 where one is not."""
        try:
            cells = self._group[DONE]
            return np.asarray(cells[:] if job is None else cells[job])
        except Exception as error:  # noqa: BLE001 (codecs raise whatever they like on damaged bytes)
            if job is not None:
                return np.uint64(0)
            if isinstance(error, (KeyError, OSError)):
                raise StoreError(f"{self.path}: the list of done jobs cannot be read ({error}).") from None
            return np.array([self.done(k) for k in range(len(self.jobs.members))], dtype=np.uint64)

    def write(self, job: int, results: Arrays) -> None:
        """Write a job's results, then its cell of `done`."""
        with on_disk(self.path):
            fitted = {
                name: _fitted(results[name].astype(variable.dtype, copy=False), self._group[name])
                for name, variable in self.jobs.variables.items()
            }
            for name, values in fitted.items():
                self._group[name][job, : len(values), ...] = values
            self._group[DONE][job] = self._hash(job, fitted)

    def undo(self, job: int) -> None:
        """Take a job's cell of `done` back."""
        with on_disk(self.path):
            self._group[DONE][job] = np.uint64(0)

    def damaged(self) -> list[int]:
        """Jobs that are marked done but do not hold what was written."""
        done = self.done()
        return [job for job, results in self._each(np.flatnonzero(done)) if self._hash(job, results) != done[job]]

    def is_whole(self, job: int) -> bool:
        """Whether a job is marked done and holds what was written."""
        done = self.done(job)
        return bool(done) and self._hash(job, self._read_or_none(job)) == done

    def _read(self, job: int) -> Arrays:
        members = len(self.jobs.members[job])
        return {name: np.asarray(self._group[name][job, :members]) for name in self.jobs.variables}

    def _each(self, jobs: np.ndarray) -> Iterator[tuple[int, Arrays | None]]:
        """Jobs and what they hold, None where it cannot be read; many at a time, which zarr reads much faster."""
        for first in range(0, self.job_count, _SLAB):
            wanted = jobs[(jobs >= first) & (jobs < first + _SLAB)].tolist()
            if not wanted:
                continue
            try:
                slab = {name: np.asarray(self._group[name][first : first + _SLAB]) for name in self.jobs.variables}
            except Exception:  # noqa: BLE001 (one of them is damaged: which?)
                yield from ((job, self._read_or_none(job)) for job in wanted)
                continue
            for job in wanted:
                members = len(self.jobs.members[job])
                yield job, {name: values[job - first, :members] for name, values in slab.items()}

    def _read_or_none(self, job: int) -> Arrays | None:
        try:
            return self._read(job)
        except Exception:  # noqa: BLE001 (as above)
            return None

    def _hash(self, job: int, results: Arrays | None) -> int:
        """64 bits, never 0, of a job's results; 0 if there are none."""
        if results is None:
            return 0
        digest = hashlib.blake2b(f"{self.experiment.fingerprint} {job}".encode(), digest_size=8)
        for name in sorted(results):
            digest.update(np.ascontiguousarray(results[name]).tobytes())
        return int.from_bytes(digest.digest(), "little") or 1

    # --- results ---

    def results(self) -> tuple[Arrays, np.ndarray, list[int]]:
        """Results [replica, ..] of the jobs that are done, NaN elsewhere; replicas done; jobs found damaged."""
        done, damaged = self.done(), []
        advice = "look at its arrays with zarr or xarray, a part at a time"
        memory.check(2 * self.result_bytes, f"what {self.path} holds", advice)
        whole = np.zeros(self.experiment.replicas, dtype=bool)
        arrays = {
            name: np.full((self.experiment.replicas, *self._group[name].shape[2:]), nothing(variable.dtype), variable.dtype)
            for name, variable in self.jobs.variables.items()
        }
        for job, results in self._each(np.flatnonzero(done)):
            if results is None or self._hash(job, results) != done[job]:
                damaged.append(job)
                continue
            whole[self.jobs.members[job]] = True
            for name, values in results.items():
                arrays[name][self.jobs.members[job]] = values
        return arrays, whole, damaged

    @property
    def result_bytes(self) -> int:
        """What all results take in memory."""
        return sum(layout.chunk_bytes for layout in layouts(self.jobs).values()) * self.job_count

    def dataset(self) -> xarray.Dataset:
        """Labelled results so far, with a dimension for every axis; replicas that are not done are NaN, and not `done`.

        Warns:
            UserWarning: jobs that do not hold what was written; they count as not done.
        """
        from clockless.stores.results import stored_dataset

        arrays, whole, damaged = self.results()
        if damaged:
            import warnings

            warnings.warn(f"{self.path}: {_listed(damaged)} damaged; `clockless resume` computes that again.", stacklevel=2)
        data = stored_dataset(self.jobs, arrays, whole, dict(self._group.attrs))
        return data.assign_attrs(note=f"other sources: {self.made_otherwise}") if self.made_otherwise else data

    def plot(self, against: str | None = None) -> Figure:
        """Scaled test error of the replicas that are done, a line for every combination of what is no task or seed.

        Beside it stands what else the medium records of that kind: accuracies, or intervals between events.

        Args:
            against: "step x p" counts updates per unit, "step" counts steps; the first where p is known if nothing is said.

        Raises:
            ParameterError: another `against` than "step x p" or "step", or nothing is done yet.
        """
        from clockless.pictures.curves import study_figure

        data = self.dataset()
        if not bool(data.done.any()):
            raise ParameterError(f"no job of {self.path} is done yet; wait for the first, or go on with `clockless resume`.")
        return study_figure(data, against)

    def digest(self) -> str:
        """A hash of all results in the order of the replicas, whatever the jobs, workers, kills and resumes were."""
        arrays, whole, _ = self.results()
        digest = hashlib.sha256(self.experiment.fingerprint.encode() + whole.tobytes())
        for name in sorted(arrays):
            digest.update(name.encode() + np.ascontiguousarray(arrays[name]).tobytes())
        return digest.hexdigest()[:32]

    @cached_property
    def job_count(self) -> int:
        """Number of jobs, the pieces that workers take."""
        return len(self.jobs.members)

    @property
    def units(self) -> NoReturn:
        """What jobs were called: units are what clocks choose among."""
        raise AttributeError("Store.units is Store.job_count now")


def _same_but_steps(one: Experiment, other: Experiment) -> bool:
    a, b = one.plain(), other.plain()
    return all(a[name] == b[name] for name in a if name not in ("steps", "title"))


def _listed(jobs: list[int]) -> str:
    shown = ", ".join(map(str, jobs[:5])) + (", ..." if len(jobs) > 5 else "")
    return f"job {shown} is" if len(jobs) == 1 else f"{len(jobs)} jobs ({shown}) are"


def _fitted(values: np.ndarray, array: Any) -> np.ndarray:
    """Values [member, ..] filled up with NaN to the array's sizes, where networks differ; all NaN with the same bits.

    zarr does not write chunks that hold nothing but NaN, so that their bits would be others when they are read again.
    """
    if values.dtype.kind == "f":
        values = np.where(np.isnan(values), np.nan, values)
    missing = [(0, 0)] + [(0, whole - size) for whole, size in zip(array.shape[2:], values.shape[1:], strict=True)]
    return np.pad(values, missing, constant_values=nothing(str(values.dtype))) if any(b for _, b in missing) else values


def _begun(folder: Path) -> bool:
    """Whether a folder says what is computed in it, which is written last when a store is made."""
    with on_disk(folder):
        return (folder / "experiment.yaml").exists()


def _holds_something_else(folder: Path) -> bool:
    """Whether a place holds what is not of a store in the making, by this process or by another one at this moment."""
    return folder.exists() and (
        not folder.is_dir()
        or any(
            path.suffix not in (".zarr", ".seal") and path.name not in ("units", PARTS) and not _unfinished(path)
            for path in folder.iterdir()
        )
    )


def _unfinished(path: Path) -> bool:
    """Whether a file is an experiment.yaml that has not got its name yet."""
    return path.name.startswith(".experiment.") and path.suffix == ".yaml"
