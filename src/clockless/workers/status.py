"""What people ask of a store: how far it is, and its results in one file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clockless import disk
from clockless.errors import OutputError, printable
from clockless.stores.store import Store
from clockless.workers.progress import duration
from clockless.workers.run import tally

if TYPE_CHECKING:
    import xarray

_RECENT = 50  # jobs whose times the forecast is made from
_LONGEST = 1e9  # seconds; what took longer is no time
_TAIL_BYTES = 200_000  # of events.jsonl


def report(store: Store) -> str:
    """Several lines: what is computed, how many jobs are done, running, failed and waiting, and the time left."""
    experiment, done = store.experiment, store.done() != 0
    running = [job for job in store.journal.running() if not done[job]]
    failures = {job: text for job, text in store.journal.failures().items() if not done[job] and job not in running}
    now = tally(store)
    axes = ", ".join(f"{axis.name}: {len(axis.values)}" for axis in experiment.axes) or "a single replica"
    waiting = store.job_count - int(done.sum()) - len(running) - len(failures)
    lines = [
        f"{store.path}" + (f": {experiment.title}" if experiment.title else ""),
        f"  experiment  {experiment.fingerprint}, {experiment.replicas:,} replicas ({axes}), {experiment.steps:,} steps",
        f"  jobs       {int(done.sum())} of {store.job_count} done, {len(running)} running, {len(failures)} failed, "
        f"{waiting} waiting",
        f"  steps       {100 * now.steps_done / max(now.steps, 1):.1f} % of {now.steps:.3g} replica-steps",
    ]
    if not done.all():
        lines.append(f"  time left   {_time_left(store, done, len(running))}")
    if store.made_otherwise:
        lines.append(f"  sources     {store.made_otherwise}")
    lines += [f"  job {job} failed: {text}" for job, text in list(failures.items())[:5]]
    if not done.all() and not running:
        lines.append(f"  go on with: clockless resume {store.path}")
    return "\n".join(printable(line) for line in lines)


def _time_left(store: Store, done: np.ndarray, running: int) -> str:
    told = [event.get("seconds") for event in events(store) if event.get("event") == "unit done"]
    seconds = [took for took in told if isinstance(took, float | int) and 0 <= took < _LONGEST][-_RECENT:]
    if not seconds:
        return "unknown until the first job is done"
    counted = np.minimum(store.journal.counted(store.job_count), store.experiment.steps)
    left = float((1 - counted[~done] / store.experiment.steps).sum()) * float(np.mean(seconds))
    return f"{duration(left / running)} with {running} running" if running else f"{duration(left)} of one core's time"


def events(store: Store) -> list[dict[str, Any]]:
    """The latest lines of events.jsonl; one that is half-written is left out."""
    return store.journal.told(max(0, store.journal.told_bytes - _TAIL_BYTES))


def exported(store: Store, path: Path) -> None:
    """Write the results as netCDF, or the errors as CSV with the settings in comment lines.

    Raises:
        OutputError: the file cannot be written.
    """
    data = store.dataset()
    try:
        with disk.replacing(path) as temporary:
            if path.suffix == ".nc":
                _plain_types(data).to_netcdf(temporary, engine="scipy")
            else:
                with temporary.open("w", encoding="utf-8", newline="") as file:
                    for key, value in data.attrs.items():
                        file.writelines(f"# {key}: {line}\n" for line in str(value).splitlines())
                    table = data[["error"]].to_dataframe()
                    table[~table.error.isna()].to_csv(file)
    except OSError as error:
        raise OutputError(f"cannot write {path} ({error.strerror or error}); choose another place.") from None


def _plain_types(data: xarray.Dataset) -> xarray.Dataset:
    """The dataset without 64-bit integers, which netCDF 3 lacks: as 32-bit ones where they fit, else as text."""
    for name, values in data.variables.items():
        if values.dtype.kind in "iu":
            small = values.size == 0 or (values.values.max() < 2**31 and values.values.min() >= -(2**31))
            data = data.assign({name: values.astype(np.int32) if small else values.astype(str)})
    return data
