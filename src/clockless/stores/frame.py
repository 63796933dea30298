"""The frame of a store: its description and its allocated arrays, made whole or not at all, and mended where damaged.

Everything here follows from the experiment and the width of a job, so a damaged frame is made anew around the results.
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
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clockless import disk, memory
from clockless.errors import ClocklessError, DescriptionError, StoreError
from clockless.experiments.experiment import Experiment
from clockless.experiments.files import of_text, text_of
from clockless.experiments.jobs import Jobs, own_in
from clockless.experiments.own_parts import Place, beside
from clockless.experiments.tables import with_tables_packed, with_tables_unpacked
from clockless.stores.layout import (
    FIXED,
    MOST_DESCRIPTION_BYTES,
    SEPARATOR,
    Layout,
    Separator,
    check_arrays,
    check_group,
    good_attributes,
    group_path,
    groups,
    is_width,
    layouts,
    nothing,
    separator_left,
)  # fmt: skip
from clockless.stores.results import folded, labels
from clockless.version import __version__

if TYPE_CHECKING:
    import zarr

_MOST_FIXED_BYTES = 2**30  # of a chunk that is written with the frame
_COPIES = 3  # of a job's results: as they are recorded, gathered and packed
_MOST_SEAL_BYTES = 1000
_MOST_EVENTS_BYTES = 2**28


def allocate(folder: Path, experiment: Experiment, width: int | None, about: dict[str, str], own_parts: bool) -> None:
    """Make the group of an experiment under another name and move it into place, whole.

    Args:
        about: attributes that are known already.
        own_parts: parts of the user's own may be run, to ask them for labels.
    """
    final = group_path(folder, experiment.fingerprint)
    if disk.has_folder(folder, final.name):
        return
    temporary = Path(tempfile.mkdtemp(dir=folder, prefix=".new-", suffix=".zarr"))
    try:
        _fill_frame(temporary, experiment, width, about, own_parts)
        temporary.chmod(0o755)
        disk.write(seal_of(final), _sum(temporary))
        os.rename(temporary, final)
    except OSError:
        if not final.exists():  # else another process was quicker
            raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def seal_of(group: Path) -> Path:
    """The file that holds the hash of a group's frame."""
    return group.with_suffix(".seal")


def _sum(group: Path) -> str:
    """A hash of a group's frame: all metadata, and the arrays that no job writes to."""
    digest = hashlib.sha256()
    for path in _frame_files(group):
        most = MOST_DESCRIPTION_BYTES if path.name == "zarr.json" else _MOST_FIXED_BYTES
        digest.update(f"{path.relative_to(group)}\n".encode() + disk.read(path, most, below=group.parent))
    return digest.hexdigest()


def _frame_files(group: Path) -> list[Path]:
    found = {group / "zarr.json"} if os.path.lexists(group / "zarr.json") else set()
    for entry in os.scandir(group):
        if entry.is_symlink():
            disk.folder(group, entry.name)  # which refuses it
        if entry.is_dir() and os.path.lexists(group / entry.name / "zarr.json"):
            found.add(group / entry.name / "zarr.json")
    for name in FIXED:
        for parent, folders, files in os.walk(group / name):
            for linked in [folder for folder in folders if Path(parent, folder).is_symlink()]:
                disk.folder(Path(parent), linked)
            found |= {Path(parent, file) for file in files}
    return sorted(found)


def _sealed(group: Path) -> bool:
    """Whether the frame of a group is as it was made."""
    try:
        return disk.read(seal_of(group), _MOST_SEAL_BYTES) == _sum(group).encode()
    except StoreError:
        raise
    except OSError:
        return False


def _fill_frame(
    path: Path,
    experiment: Experiment,
    width: int | None,
    about: dict[str, str],
    own_parts: bool,
    separator: Separator = SEPARATOR,
) -> None:
    import zarr

    work = Jobs(experiment, width)
    if own_parts or not own_in(experiment):
        about = {**about, "labels": folded(labels(work, own_parts))}
    group = zarr.create_group(
        store=path,
        attributes={
            "experiment": json.dumps(with_tables_packed(experiment.plain())), "width": work.width, "version": __version__,
            "sources": work.sources, "cite": "\n".join(work.cite), "medium": work.about_medium(), **about,
        },
    )  # fmt: skip
    arrays, planned = {}, layouts(work)
    _check_sizes(work, planned)
    for name, layout in planned.items():
        arrays[name] = group.create_array(
            name, shape=layout.shape, chunks=layout.chunks, dtype=layout.dtype, fill_value=nothing(layout.dtype),
            dimension_names=layout.dims, attributes=dict(layout.about),
            chunk_key_encoding={"name": "default", "separator": separator},
        )  # fmt: skip
    numbers = np.full(arrays["replica"].shape, -1, dtype=np.int64)
    for job, members in enumerate(work.members):
        numbers[job, : len(members)] = members
    arrays["replica"][:] = numbers
    arrays["step"][:] = experiment.record_at


def _check_sizes(work: Jobs, planned: dict[str, Layout]) -> None:
    """MemoryBoundError if a job leaves behind more than fits into memory."""
    chunks = sum(layout.chunk_bytes for layout in planned.values())
    memory.check(
        _COPIES * chunks,
        f"a job of {work.width:,} replicas at {len(work.experiment.record_at):,} recorded steps",
        "record fewer steps or leave the traces out",
    )


def group_of(folder: Path, experiment: Experiment) -> tuple[Jobs, zarr.Group]:
    """The study and the group of an experiment; a frame that is missing or damaged is made anew around the jobs' chunks.

    Warns:
        UserWarning: it was.

    Raises:
        StoreError: what is there is not what clockless writes.
    """
    path = group_path(folder, experiment.fingerprint)
    if not disk.has_folder(folder, path.name):
        allocate(folder, experiment, None, _made_with(folder, experiment), own_parts=False)
        warnings.warn(f"the results in {path} were gone; they are computed again.", stacklevel=2)
    elif not _sealed(path) and os.access(folder, os.W_OK):
        _mend_frame(path, experiment)
        warnings.warn(f"the description of the arrays in {path} was damaged and has been made anew.", stacklevel=2)
    check_group(path)
    work = Jobs(experiment, attributes_left(path)["width"]).of_medium(attributes_left(path).get("medium"))
    work = work.without({name for name in work.later if not (path / name).exists()})
    arrays = layouts(work)
    packed = check_arrays(path, arrays)
    import zarr

    from clockless.stores.chunk_files import Chunk, ChunkFiles

    files = ChunkFiles(path, chunks={name: Chunk(layout.chunk_bytes, name in packed) for name, layout in arrays.items()})
    return work, zarr.open_group(files, mode="r+", zarr_format=3, use_consolidated=False)


def _mend_frame(path: Path, experiment: Experiment) -> None:
    left = {name: str(value) for name, value in attributes_left(path).items() if name in _KEPT}
    left = left if "sources" in left else {**left, **_made_with(path.parent, experiment)}
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".new-", suffix=".zarr") as temporary:
        _fill_frame(Path(temporary), experiment, _width_left(path), left, False, separator_left(path))
        seal = _sum(Path(temporary))
        for made in _frame_files(Path(temporary)):
            *folders, name = made.relative_to(temporary).parts
            disk.move(made, disk.folder(path, *folders, make=True) / name, below=path.parent)
    disk.write(seal_of(path), seal)


_KEPT = ("extends", "version", "sources")  # what does not follow from the experiment alone


def _made_with(folder: Path, experiment: Experiment) -> dict[str, str]:
    """Version and sources that the journal says the store was made with, as far as it does."""
    found: dict[str, str] = {}
    with suppress(OSError):
        for line in disk.read(folder / "events.jsonl", _MOST_EVENTS_BYTES).decode(errors="replace").splitlines():
            with suppress(ValueError):
                event = json.loads(line)
                if isinstance(event, dict) and event.get("fingerprint") == experiment.fingerprint:
                    found = {name: str(event.get(name, "unknown")) for name in ("version", "sources")}
    return found


def relabel(group: Any, experiment: Experiment) -> None:
    """Add the labels that are left out of a frame that is made anew, where parts of the user's own must be asked."""
    path = Path(group.store.root)
    group.attrs["labels"] = folded(labels(Jobs(experiment, int(group.attrs["width"])), own_parts=True))
    disk.write(seal_of(path), _sum(path))


def _width_left(path: Path) -> int | None:
    """Lanes of a job, as most of what is left of the metadata has it."""
    found = [attributes_left(path).get("width")]
    for metadata in path.glob("*/zarr.json"):
        with suppress(OSError, ValueError, LookupError, TypeError):
            chunk = disk.read_json(metadata, _MOST_FIXED_BYTES, below=path.parent)["chunk_grid"]["configuration"][
                "chunk_shape"
            ]
            found += [chunk[1]] if chunk[0] == 1 else []
    widths = Counter(width for width in found if is_width(width)).most_common(1)
    return widths[0][0] if widths else None


def attributes_left(path: Path) -> dict[str, Any]:
    """The attributes of a group that have the form which clockless gives them; none if they cannot be read."""
    try:
        disk.folder(path.parent, path.name)
        return good_attributes(disk.read_json(path / "zarr.json", MOST_DESCRIPTION_BYTES, below=path.parent)["attributes"])
    except StoreError:
        raise
    except (OSError, ValueError, LookupError, TypeError):
        return {}


def described_in(folder: Path) -> Experiment:
    """The experiment of a store: its file, or if that is damaged, what the group says."""
    path = folder / "experiment.yaml"
    try:
        experiment = _read(path)
        if group_path(folder, experiment.fingerprint).exists() or not groups(folder):
            return experiment
        raise DescriptionError(f"{path} was changed after the store was begun.")
    except StoreError:
        raise
    except ClocklessError as error:
        kept = [found for group in groups(folder) if (found := described_by(group))]
        if not kept:
            raise StoreError(f"{folder} cannot be read: {error}") from None
        longest = max(kept, key=lambda experiment: experiment.steps)  # an extension keeps the shorter run until it is done
        if os.access(folder, os.W_OK):
            disk.write(path, text_of(longest, store=True))
            warnings.warn(f"{path} did not say what is computed here ({error}); it has been written anew.", stacklevel=2)
        return longest


def _read(path: Path) -> Experiment:
    """The experiment that a store's file describes; DescriptionError if it cannot be read."""
    try:
        return of_text(disk.read(path, MOST_DESCRIPTION_BYTES).decode(), path, store=True)
    except StoreError:
        raise
    except (OSError, UnicodeDecodeError) as error:
        raise DescriptionError(
            f"{path} cannot be read ({getattr(error, 'strerror', None) or 'not text in UTF-8'})."
        ) from None


def described_by(group: Path) -> Experiment | None:
    """What a group says that it holds, if its name agrees."""
    try:
        with beside(Place(group.parent, store=True)):
            experiment = Experiment.of(with_tables_unpacked(json.loads(attributes_left(group)["experiment"])))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return experiment if experiment.fingerprint == group.stem else None


def difference(one: Experiment, other: Experiment) -> str:
    a, b = one.plain(), other.plain()
    names = [name for name in a if a[name] != b[name] and name != "title"]
    return ", ".join(names) + (" differs" if len(names) == 1 and not names[0].endswith("s") else " differ")


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


@contextmanager
def making(folder: Path) -> Iterator[None]:
    """Make a folder and what the block puts into it; an empty one does not stay behind if that fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException as error:
        with suppress(OSError):  # there is something in it, which the next attempt finds
            folder.rmdir()
        if isinstance(error, OSError) and not isinstance(error, ClocklessError):
            reason = error.strerror or error
            raise StoreError(
                f"{folder} cannot be made ({reason}); nothing is kept: mend that and run the same again."
            ) from None
        raise
