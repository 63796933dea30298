"""The frame of a store: its description and its allocated arrays, made whole or not at all, and mended where damaged.

Everything here follows from the experiment and the width of a unit, so a damaged frame is made anew around the results.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.errors import ClocklessError, DescriptionError, StoreError
from clockless.experiments.experiment import Experiment
from clockless.experiments.files import read, text_of
from clockless.experiments.jobs import Jobs
from clockless.learning.contracts import Variable

if TYPE_CHECKING:
    import zarr

DONE = "done"
_FIXED = ("replica", "step")  # arrays that are written with the frame


def nothing(dtype: str) -> Any:
    return np.nan if np.dtype(dtype).kind == "f" else np.zeros((), dtype)[()]


def allocate(folder: Path, experiment: Experiment, width: int | None, extends: str | None) -> None:
    """Make the group of an experiment under another name and move it into place, whole."""
    final = group_path(folder, experiment.fingerprint)
    if final.exists():
        return
    temporary = Path(tempfile.mkdtemp(dir=folder, prefix=".new-", suffix=".zarr"))
    try:
        _fill_frame(temporary, experiment, width, {"extends": extends} if extends else {})
        temporary.chmod(0o755)
        put(seal_of(final), _sum(temporary))
        os.rename(temporary, final)
    except OSError:
        if not final.exists():  # else another process was quicker
            raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def group_path(folder: Path, fingerprint: str) -> Path:
    """Where the results of an experiment are."""
    return folder / f"{fingerprint}.zarr"


def seal_of(group: Path) -> Path:
    """The file that holds the hash of a group's frame."""
    return group.with_suffix(".seal")


def _sum(group: Path) -> str:
    """A hash of a group's frame: all metadata, and the arrays that no unit writes to."""
    digest = hashlib.sha256()
    for path in _frame_files(group):
        digest.update(f"{path.relative_to(group)}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def _frame_files(group: Path) -> list[Path]:
    fixed = [path for name in _FIXED for path in (group / name).rglob("*") if path.is_file()]
    return sorted({*group.glob("zarr.json"), *group.glob("*/zarr.json"), *fixed})


def _sealed(group: Path) -> bool:
    """Whether the frame of a group is as it was made."""
    try:
        return seal_of(group).read_bytes() == _sum(group).encode()
    except OSError:
        return False


def _fill_frame(path: Path, experiment: Experiment, width: int | None, about: dict[str, str]) -> None:
    import zarr

    work = Jobs(experiment, width)
    lanes = max(len(unit) for unit in work.members)
    group = zarr.create_group(
        store=path,
        attributes={
            "experiment": json.dumps(experiment.plain()), "width": work.width, "version": version("clockless"),
            "sources": work.sources, "cite": "\n".join(work.medium.cite), **about,
        },
    )  # fmt: skip

    def array(name: str, variable: Variable, lead: tuple[str, ...], shape: tuple[int, ...], chunks: tuple[int, ...]) -> Any:
        rest = tuple(work.sizes[dim] for dim in variable.dims)
        return group.create_array(
            name, shape=(*shape, *rest), chunks=(*chunks, *rest), dtype=variable.dtype, fill_value=nothing(variable.dtype),
            dimension_names=(*lead, *variable.dims), attributes={"long_name": variable.long_name, "units": variable.units},
        )  # fmt: skip

    count = len(work.members)
    for name, variable in work.variables.items():
        array(name, variable, ("unit", "lane"), (count, lanes), (1, lanes))
    array(DONE, Variable((), "u8", "hash of a unit's results; 0: not done", "1"), ("unit",), (count,), (1,))
    replica = Variable((), "i8", "number of the replica, the last axis fastest; -1: none", "1")
    numbers = np.full((count, lanes), -1, dtype=np.int64)
    for unit, members in enumerate(work.members):
        numbers[unit, : len(members)] = members
    array("replica", replica, ("unit", "lane"), numbers.shape, numbers.shape)[:] = numbers
    steps = group.create_array("step", shape=experiment.record_at.shape, dtype="i8", dimension_names=("step",))
    steps[:] = experiment.record_at


def group_of(folder: Path, experiment: Experiment) -> zarr.Group:
    """The group of an experiment; a frame that is missing or damaged is made anew around the units' chunks.

    Warns:
        UserWarning: it was.
    """
    import zarr

    path = group_path(folder, experiment.fingerprint)
    if not path.exists():
        allocate(folder, experiment, None, None)
        warnings.warn(f"the results in {path} were gone; they are computed again.", stacklevel=2)
    elif not _sealed(path) and os.access(folder, os.W_OK):
        _mend_frame(path, experiment)
        warnings.warn(f"the description of the arrays in {path} was damaged and has been made anew.", stacklevel=2)
    return zarr.open_group(path, mode="r+")


def _mend_frame(path: Path, experiment: Experiment) -> None:
    left = {name: str(value) for name, value in attributes_left(path).items() if name in ("extends", "version", "sources")}
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".new-", suffix=".zarr") as temporary:
        _fill_frame(Path(temporary), experiment, _width_left(path), left)
        seal = _sum(Path(temporary))
        for made in _frame_files(Path(temporary)):
            place = path / made.relative_to(temporary)
            place.parent.mkdir(parents=True, exist_ok=True)
            os.replace(made, place)
    put(seal_of(path), seal)


def _width_left(path: Path) -> int | None:
    """Lanes of a unit, as most of what is left of the metadata has it."""
    found = [width] if isinstance(width := attributes_left(path).get("width"), int) else []
    for metadata in path.glob("*/zarr.json"):
        with suppress(OSError, ValueError, LookupError, TypeError):
            chunk = json.loads(metadata.read_bytes())["chunk_grid"]["configuration"]["chunk_shape"]
            found += [int(chunk[1])] if chunk[0] == 1 else []
    widths = Counter(width for width in found if width > 0).most_common(1)
    return widths[0][0] if widths else None


def attributes_left(path: Path) -> dict[str, Any]:
    """The attributes of a group, or none if they cannot be read."""
    try:
        attributes = json.loads((path / "zarr.json").read_bytes())["attributes"]
    except (OSError, ValueError, LookupError, TypeError):
        return {}
    return attributes if isinstance(attributes, dict) else {}


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
            warnings.warn(f"{path} did not say what is computed here ({error}); it has been written anew.", stacklevel=2)
        return longest


def _described_by(group: Path) -> Experiment | None:
    try:
        experiment = Experiment.of(json.loads(attributes_left(group)["experiment"]))
    except (ValueError, KeyError, TypeError):
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
