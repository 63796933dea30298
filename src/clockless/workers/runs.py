"""A trained ensemble: its results, what its machines answer, how it is drawn, kept and gone on with."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.errors import DescriptionError, ParameterError, StoreError, place, real_array, shown, whole
from clockless.experiments.experiment import Experiment, wiring_of
from clockless.learning.contracts import Replica
from clockless.learning.guarded import sentence_of
from clockless.learning.recording import log_spaced
from clockless.stores.results import run_dataset
from clockless.stores.store import Store
from clockless.workers.ensemble import CHANGING, Ensemble, Told
from clockless.workers.pictured import Pictured
from clockless.workers.taken_home import TakenHome

if TYPE_CHECKING:
    import xarray

_SECTIONS = ("medium", "task", "rule", "clock", "device", "optimiser", "batch", "initial")
_ACCURACY = {"long_name": "part of the test set whose class is shown", "units": "1"}


class Run(TakenHome, Pictured):
    """Errors and final parameters of an ensemble, and the machines behind them.

    Attributes:
        data: xarray.Dataset with the dimensions of the lists given to `train`, `step`, and those of the medium.
        medium: what learned; the first one of several.
    """

    def __init__(self, data: xarray.Dataset, replicas: list[Replica], steps: int, behind: _Memory | _Stored) -> None:
        self.data, self.medium = data, replicas[0].medium
        self._replicas, self._steps, self._behind = replicas, steps, behind
        # Whoever begins with these parameters meets other coins than all that led to them.
        self.data["parameters"].attrs["after"] = replicas[0].after + steps

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name}: {size}" for name, size in self.data["parameters"].sizes.items())
        failed = int(self.data["failed"].sum())
        return f"Run({type(self.medium).__name__}, {self._steps:,} steps; {sizes}; {failed} failed)"

    @property
    def steps(self) -> int:
        """Learning steps done."""
        return self._steps

    @property
    def resistors(self) -> Any:
        """The medium, under its name of old."""
        return self.medium

    # --- what was found -------------------------------------------------------------------------------------

    @property
    def parameters(self) -> Any:
        """Final parameters [dims of the lists given, parameter]; where they are of several kinds, a Dataset by their names.

        Given as `initial` they go on where this run ended, with new coins.
        """
        found = self.data["parameters"]
        if "parameter_kind" not in found.coords:
            return found
        import xarray

        kinds = found.parameter_kind.values
        own = found.drop_vars(["parameter", "parameter_kind"])
        by_kind = {
            str(kind): own.isel(parameter=np.flatnonzero(kinds == kind))
            .rename(parameter=f"{kind}_number")
            .assign_attrs(long_name=f"final {kind}")
            for kind in dict.fromkeys(kinds.tolist())
        }
        return xarray.Dataset(by_kind).assign_attrs(after=found.attrs["after"])

    @property
    def error(self) -> xarray.DataArray:
        """The test error, as `data.error.attrs["long_name"]` says [dims of the lists given, step]."""
        return self.data["error"]

    @property
    def actions(self) -> xarray.DataArray:
        """Updates of each unit during the run [dims of the lists given, unit]."""
        return self.data["actions"]

    @property
    def accuracy(self) -> xarray.DataArray:
        """Part of the test set whose class is shown at the end [dims of the lists given].

        Raises:
            ParameterError: the task has no classes.
        """
        if "accuracy" in self.data and bool(np.isfinite(self.data.accuracy).any()):
            return self.data["accuracy"].isel(step=-1, drop=True)
        if "cost" in self.data and self._replicas[0].task.labels_test is not None:
            return (1.0 - self.data["error"].isel(step=-1, drop=True)).rename("accuracy").assign_attrs(_ACCURACY)
        shown_right = []
        for k, replica in enumerate(self._replicas):
            task = replica.task
            if task.labels_test is None:
                raise ParameterError(f"{task.name} has no classes, so there is no accuracy; look at run.error.")
            outputs = replica.medium.predict(self._remembered(k), task.x_test, task, self._luck(replica))
            shown_right.append(float(np.mean(replica.medium.classes(outputs) == task.labels_test)))
        return self._by_replica(np.array(shown_right), ()).assign_attrs(_ACCURACY)

    @property
    def troubles(self) -> list[str]:
        """What went wrong in media of one's own, a sentence for each failed replica."""
        if "trouble" not in self.data:
            return []
        told = self.data["trouble"].transpose(..., "letter").values
        sentences = [sentence_of(letters) for letters in told.reshape(-1, told.shape[-1])]
        return [sentence for sentence in sentences if sentence]

    @property
    def cite(self) -> str:
        """What to cite for this run, one work per line."""
        return str(self.data.attrs["cite"])

    @property
    def task(self) -> Any:
        """What the machines were trained for; of a list, the first."""
        return self._replicas[0].task

    # --- what the machines answer ---------------------------------------------------------------------------

    def predict(self, x: Any) -> xarray.DataArray:
        """Outputs of the trained machines [dims of the lists given, example, output] for inputs x [example, input]."""
        return self._answers("predict", x, ("example", "output"))

    def classes(self, x: Any) -> xarray.DataArray:
        """Number of the class that the outputs show [dims of the lists given, example] for inputs x [example, input].

        Raises:
            ParameterError: inputs that do not fit, or a task without classes.
        """
        if self.task.labels_train is None:
            raise ParameterError(f"{self.task.name} has no classes; look at run.predict(x).")
        outputs = self.predict(x)
        shown_classes = self.medium.classes(outputs.values.reshape(-1, outputs.shape[-1]))
        return outputs.isel(output=0, drop=True).copy(data=shown_classes.reshape(outputs.shape[:-1]))

    def state(self, x: Any) -> xarray.DataArray:
        """Settled free states [dims of the lists given, example, node] for inputs x [example, input].

        Raises:
            ParameterError: inputs that do not fit, or a medium that does not settle.
        """
        if not hasattr(self.medium, "state"):
            raise ParameterError(f"{type(self.medium).__name__} does not settle, so it has no state; ask run.predict(x).")
        return self._answers("state", x, ("example", "node"))

    def _answers(self, question: str, x: Any, dims: tuple[str, ...]) -> xarray.DataArray:
        width = self._replicas[0].task.x_train.shape[1]
        try:
            table = np.atleast_2d(real_array(x))
        except ValueError:  # ragged, words, or no table at all
            table = np.empty(0)
        if table.ndim != 2 or table.shape[1] != width or not np.isfinite(table).all():
            raise ParameterError(f"x = {shown(x)}; give finite numbers [example, input] for {width} inputs.")
        found = [
            getattr(replica.medium, question)(self._remembered(k), table, replica.task, self._luck(replica))
            for k, replica in enumerate(self._replicas)
        ]
        return self._by_replica(np.array(found), dims)

    def _remembered(self, replica: int) -> np.ndarray:
        """What the answers of a replica follow from: its final parameters, and what else its medium says, in a row."""
        medium, task = self._replicas[replica].medium, self._replicas[replica].task
        names = getattr(medium, "remembers", ("parameters",))
        return np.concatenate([_own(self.data[name], medium, task, replica, name) for name in names])

    def _values(self, replica: int, step: int | None = None) -> np.ndarray:
        """Parameters of a replica at the end, or at a recorded step."""
        if step is None or step == self._steps:
            table = self.data["parameters"]
        elif "traces" not in self.data:
            raise ParameterError(f"step = {step}: parameters were kept at the end only; train with traces=True.")
        elif step not in self.data.step:
            raise ParameterError(f"step = {step} was not recorded; there are {shown(self.data.step.values.tolist())}.")
        else:
            table = self.data["traces"].sel(step=step)
        medium, task = self._replicas[replica].medium, self._replicas[replica].task
        return _own(table, medium, task, replica)

    def _luck(self, replica: Replica) -> Any:
        return replica.luck._replace(step=self._steps)

    def _by_replica(self, values: np.ndarray, dims: tuple[str, ...]) -> xarray.DataArray:
        """Values [replica, ..] with the dimensions of the lists given."""
        import xarray

        failed = self.data["failed"]
        shape = (*failed.shape, *values.shape[1:])
        return xarray.DataArray(values.reshape(shape), dims=(*failed.dims, *dims), coords=failed.coords)

    # --- going on -------------------------------------------------------------------------------------------

    def extended(self, steps: int, threads: int | None = None, progress: Told | None = None, **parts: Any) -> Run:
        """This run with so many steps more: the bits of one long run. This one stays as it is,
        but the folder of a run that was loaded holds the longer one from then on.

        A store counts from the start: `Store.extended` and `clockless extend --steps` take the steps of the whole run.

        Args:
            steps: how many more.
            threads, progress: as of `train`.
            parts: `rule`, `clock`, `device` or `optimiser` of the same class with other numbers from now on, as on a board
                whose knobs are turned while it learns: the same coins, offsets and momenta. Where a list was given to
                `train`, a list of the same length; labels then say the last numbers, and `data.attrs["changed_at"]` when.

        Raises:
            ParameterError: a part of another class, another length, or a run that is kept in a store.
        """
        longer = self._steps + whole("steps", steps, 1)
        if threads is not None:
            whole("threads", threads, 1)
        if progress is not None and not callable(progress):
            raise ParameterError(f"progress = {shown(progress)}; give a function of (done, total), or nothing.")
        if parts:
            return self._behind.changed(self, longer, threads, progress, parts)
        return self._behind.extended(self, longer, threads, progress)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Keep everything in a folder that `clockless.load` opens, and the commands status, plot, export and extend.

        Raises:
            DescriptionError: something of this run that no other process could find, such as a class typed in at a prompt.
            StoreError: the place holds something else, or cannot be written to.
        """
        return self._behind.save(self, place("path", path))


def _own(table: xarray.DataArray, medium: Any, task: Any, replica: int, name: str = "parameters") -> np.ndarray:
    """A replica's share of results [dims of the lists given, number]; smaller networks have fewer numbers."""
    own = str(medium.variables(False)[name].dims[-1])
    flat = table.transpose(..., own).values.reshape(-1, table.sizes[own])
    share: np.ndarray = flat[replica][: medium.sizes(task)[own]]
    return share


class _Memory:
    """A run whose learners are at hand."""

    def __init__(
        self, ensemble: Ensemble, nouns: Mapping[str, Any], record_at: np.ndarray, steps: int, changed_at: list[int]
    ) -> None:
        self.ensemble, self.nouns, self.record_at, self.steps = ensemble, nouns, record_at, steps
        self.changed_at = changed_at  # steps at which parts got other numbers

    def extended(self, run: Run, steps: int, threads: int | None, progress: Told | None) -> Run:
        return self._gone_on(self.ensemble.copied(), self.nouns, (steps, self.changed_at), threads, progress)

    def changed(self, run: Run, steps: int, threads: int | None, progress: Told | None, parts: Mapping[str, Any]) -> Run:
        nouns, replicas = going_on(self.nouns, parts)
        changed_at = [*self.changed_at, self.steps]
        return self._gone_on(self.ensemble.copied(replicas), nouns, (steps, changed_at), threads, progress)

    def _gone_on(
        self, ensemble: Ensemble, nouns: Mapping[str, Any], plan: tuple[int, list[int]], threads: int | None,
        progress: Told | None,
    ) -> Run:  # fmt: skip
        steps, changed_at = plan
        more = log_spaced(steps)
        record_at = np.union1d(self.record_at, more[more > self.steps])
        ensemble.advance(np.union1d(record_at, [0, steps]), threads, progress)
        return in_memory(ensemble, nouns, record_at, steps, changed_at)

    def save(self, run: Run, path: Path) -> Path:
        if self.changed_at:
            raise DescriptionError(
                f"this run got other numbers at step {self.changed_at[0]}, and no description says so; keep the lines of "
                "Python that made it, or save(..) what it was before."
            )
        plan = (self.steps, self.record_at[self.record_at > 0].tolist() or None, "traces" in run.data)
        experiment = described(self.nouns, *plan)
        store = Store.create(path, experiment)
        arrays = self.ensemble.arrays(experiment.record_at)
        for job, members in enumerate(store.jobs.members):
            store.write(job, {name: values[members] for name, values in arrays.items()})
            self._put_away(store, job, members)
        return path

    def _put_away(self, store: Store, job: int, members: np.ndarray) -> None:
        """The learner's state, so that the store can be extended, if one learner has just these replicas."""
        for group in self.ensemble.groups:
            if np.array_equal(group.members, members):
                store.journal.put_away(job, group.learner, group.seen.only(set(store.experiment.record_at.tolist())))
        store.journal.count(job, self.steps)


class _Stored:
    """A run whose results are in a store."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def extended(self, run: Run, steps: int, threads: int | None, progress: Told | None) -> Run:
        from clockless.workers.run import Workers, compute

        longer = self.store.extended(steps)
        compute(longer, Workers(threads=threads), progress=False)
        return of_store(longer)

    def changed(self, run: Run, steps: int, threads: int | None, progress: Told | None, parts: Mapping[str, Any]) -> Run:
        raise ParameterError(
            f"this run is kept in {self.store.path}, whose description holds from its first step; to go on with other "
            "numbers, train(.., initial=run.parameters)."
        )

    def save(self, run: Run, path: Path) -> Path:
        import shutil

        if path.exists():
            raise StoreError(f"{path} is there already; choose another place.")
        shutil.copytree(self.store.path, path)
        return path


def going_on(nouns: Mapping[str, Any], parts: Mapping[str, Any]) -> tuple[dict[str, Any], list[Replica]]:
    """The nouns with other numbers in some parts, and the replicas of them, checked, in their order.

    Raises:
        ParameterError: what is no part, or lists of other lengths.
    """
    from clockless.workers.train import as_objects, combinations

    for name, given in parts.items():
        if name not in CHANGING:
            raise ParameterError(f"{name} cannot change while a run goes on; these can: {', '.join(CHANGING)}.")
        old = nouns[name]
        if isinstance(old, list) != isinstance(given, list) or (isinstance(old, list) and len(old) != len(given)):
            said = f"a list of {len(old)}" if isinstance(old, list) else "one, no list"
            raise ParameterError(f"{name} = {shown(given)}, but this run has {said}; give as many.")
    changed = as_objects({**nouns, **parts})
    return changed, combinations(changed)


def in_memory(
    ensemble: Ensemble, nouns: Mapping[str, Any], record_at: np.ndarray, steps: int, changed_at: Sequence[int] = ()
) -> Run:
    """The run of an ensemble that has come to `steps`; its parts got other numbers at the steps `changed_at`."""
    lists = {name: value for name, value in nouns.items() if isinstance(value, list)}
    medium = ensemble.replicas[0].medium
    data = run_dataset(ensemble.arrays(record_at), medium, lists, record_at, {**nouns, "steps": steps})
    if changed_at:
        data.attrs["changed_at"] = list(changed_at)
    return Run(data, ensemble.replicas, steps, _Memory(ensemble, nouns, record_at, steps, list(changed_at)))


def of_store(store: Store) -> Run:
    """The run that a store holds."""
    replicas = [store.jobs.replica(number) for number in range(store.experiment.replicas)]
    return Run(store.dataset(), replicas, store.experiment.steps, _Stored(store))


def load(path: str | os.PathLike[str]) -> Run:
    """The run that `Run.save`, `train(store=..)` or `clockless run` has left in a folder.

    Raises:
        StoreError: there is none, or it cannot be read.
    """
    return of_store(Store.open(path))


def stored(
    nouns: Mapping[str, Any], plan: tuple[int, Any, np.ndarray, bool], where: tuple[Any, int | None, int | None],
    progress: Told | None,
) -> Run:  # fmt: skip
    """Train in a store: `plan` is (steps, record, the steps recorded, traces), `where` (folder, threads, workers)."""
    from clockless.workers.run import Workers, compute

    steps, record, record_at, traces = plan
    folder, threads, workers = where
    experiment = described(nouns, steps, record if isinstance(record, int) else record_at[record_at > 0].tolist(), traces)
    where_to = place("store", folder) if folder is not None else Path(tempfile.mkdtemp(prefix="clockless-")) / "run"
    store = Store.create(where_to, experiment)
    ended = compute(store, Workers(threads=threads if workers is None else None, processes=workers), progress=False)
    if not ended.complete:
        job, sentence = next(iter(ended.failures.items()), (0, "it was stopped"))
        raise StoreError(f"job {job} of {ended.jobs} failed: {sentence}; what is finished is kept in {where_to}.")
    return of_store(store)


def described(nouns: Mapping[str, Any], steps: int, record: Any, traces: bool) -> Experiment:
    """The experiment that the nouns of `train` make.

    Raises:
        DescriptionError: something that no description can name; the sentence says which.
    """
    first = nouns["medium"][0] if isinstance(nouns["medium"], list) else nouns["medium"]
    sections = {name: nouns[name] for name in _SECTIONS}
    recorded = {} if record is None else {"record": record}
    wiring = wiring_of(first)
    network = {} if wiring is None else {"network": wiring}
    return Experiment(**network, **sections, steps=steps, **recorded, traces=traces, seeds=nouns["seed"])
