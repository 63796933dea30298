"""The frame of a store: its description and its allocated arrays, made whole or not at all, and mended where damaged.

Everything here follows from the experiment and the width of a unit, so a damaged frame is made anew around the results.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.description_files import read, text_of
from clockless.errors import ClocklessError, DescriptionError, StoreError
from clockless.experiment import Experiment
from clockless.parts import package_digest
from clockless.studies import Variable, study

if TYPE_CHECKING:
    import zarr

DONE = "done"


def nothing(dtype: str) -> Any:
    return np.nan if np.dtype(dtype).kind == "f" else np.zeros((), dtype)[()]


def allocate(folder: Path, experiment: Experiment, width: int | None, extends: str | None) -> None:
    """Make the group of an experiment under another name and move it into place, whole."""
    final = folder / f"{experiment.fingerprint}.zarr"
    if final.exists():
        return
    temporary = Path(tempfile.mkdtemp(dir=folder, prefix=".new-", suffix=".zarr"))
    try:
        _fill_frame(temporary, experiment, width, extends)
        temporary.chmod(0o755)
        os.rename(temporary, final)
    except OSError:
        if not final.exists():  # else another process was quicker
            raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _fill_frame(path: Path, experiment: Experiment, width: int | None, extends: str | None) -> None:
    import zarr

    from clockless.results import CITE

    work = study(experiment, width)
    lanes = max(len(unit) for unit in work.units)
    group = zarr.create_group(
        store=path,
        attributes={
            "experiment": json.dumps(experiment.plain()), "width": work.width, "version": version("clockless"),
            "sources": package_digest(), "cite": "\n".join(CITE), **({"extends": extends} if extends else {}),
        },
    )  # fmt: skip

    def array(name: str, variable: Variable, lead: tuple[str, ...], shape: tuple[int, ...], chunks: tuple[int, ...]) -> Any:
        rest = tuple(work.sizes[dim] for dim in variable.dims)
        return group.create_array(
            name, shape=(*shape, *rest), chunks=(*chunks, *rest), dtype=variable.dtype, fill_value=nothing(variable.dtype),
            dimension_names=(*lead, *variable.dims), attributes={"long_name": variable.long_name, "units": variable.units},
        )  # fmt: skip

    count = len(work.units)
    for name, variable in work.variables.items():
        array(name, variable, ("unit", "lane"), (count, lanes), (1, lanes))
    array(DONE, Variable((), "u8", "hash of a unit's results; 0: not done", "1"), ("unit",), (count,), (1,))
    replica = Variable((), "i8", "number of the replica, the last axis fastest; -1: none", "1")
    numbers = np.full((count, lanes), -1, dtype=np.int64)
    for unit, members in enumerate(work.units):
        numbers[unit, : len(members)] = members
    array("replica", replica, ("unit", "lane"), numbers.shape, numbers.shape)[:] = numbers
    steps = group.create_array("step", shape=experiment.record_at.shape, dtype="i8", dimension_names=("step",))
    steps[:] = experiment.record_at


def group_of(folder: Path, experiment: Experiment) -> zarr.Group:
    """The group of an experiment; a frame that is missing or damaged is made anew around the units' chunks."""
    import zarr

    path = folder / f"{experiment.fingerprint}.zarr"
    try:
        group = zarr.open_group(path, mode="r+")
        if json.loads(str(group.attrs["experiment"])) and set(study(experiment).variables) <= set(group.array_keys()):
            return group
    except PermissionError:
        raise
    except Exception:  # whatever zarr says of damaged metadata, the frame follows from the experiment
        if not os.access(folder, os.W_OK):
            raise
    if not path.exists():
        allocate(folder, experiment, None, None)
        return zarr.open_group(path, mode="r+")
    with tempfile.TemporaryDirectory(dir=folder, prefix=".new-") as temporary:
        width = _width_left(path)
        _fill_frame(Path(temporary), experiment, width, None)
        for frame in sorted(Path(temporary).rglob("zarr.json")):
            os.replace(frame, path / frame.relative_to(temporary))
    return zarr.open_group(path, mode="r+")


def _width_left(path: Path) -> int | None:
    """Lanes of the arrays, if their own metadata can still be read."""
    try:
        return int(json.loads((path / "zarr.json").read_text())["attributes"]["width"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def described_in(folder: Path) -> Experiment:
    """The experiment of a store: its file, or if that is damaged, what the group says."""
    path = folder / "experiment.yaml"
    try:
        experiment = read(path)
        if (folder / f"{experiment.fingerprint}.zarr").exists() or not list(folder.glob("*.zarr")):
            return experiment
        raise DescriptionError(f"{path} was changed after the store was begun.")
    except ClocklessError as error:
        kept = [found for group in folder.glob("*.zarr") if (found := _described_by(group))]
        if not kept:
            raise StoreError(f"{folder} cannot be read: {error}") from None
        longest = max(kept, key=lambda experiment: experiment.steps)  # an extension keeps the shorter run until it is done
        if os.access(folder, os.W_OK):
            put(path, text_of(longest))
        return longest


def _described_by(group: Path) -> Experiment | None:
    try:
        data = json.loads((group / "zarr.json").read_text())["attributes"]["experiment"]
        experiment = Experiment.of(json.loads(data))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return experiment if experiment.fingerprint == group.stem else None


def put(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def difference(one: Experiment, other: Experiment) -> str:
    a, b = one.plain(), other.plain()
    return ", ".join(name for name in a if a[name] != b[name] and name != "title") + " differ"


@contextmanager
def on_disk(folder: Path) -> Iterator[None]:
    """Turn errors of the file system into a sentence."""
    try:
        yield
    except ClocklessError:
        raise
    except OSError as error:
        raise StoreError(
            f"{folder} cannot be written or read ({error.strerror or error}); what is finished is kept: mend that, then go "
            f"on with `clockless resume {folder}`."
        ) from None
