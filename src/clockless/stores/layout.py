"""What the groups of a store are called and look like, and the check that they do before zarr reads anything of them.

zarr's metadata name the code that reads an array (data types, codecs, storage transformers) and the memory that it takes. A
store may come from anybody, so they must be those that follow from the experiment, whatever the seal beside them says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from clockless import disk
from clockless.errors import StoreError, shown
from clockless.experiments.jobs import Jobs

DONE = "done"
FIXED = ("replica", "step")  # arrays that are written with the frame
Separator = Literal[".", "/"]  # between the numbers of a chunk, whose file is c.1.0.0, or c/1/0/0 in older stores
SEPARATOR: Separator = "."
NESTED: Separator = "/"
MOST_DESCRIPTION_BYTES = 2**28  # tables of examples and of initial values stand in a description
_MOST_METADATA_BYTES = 2**20  # of one array
_MOST_WIDTH = 2**20
_MOST_WORDS = 10_000  # characters of version, sources and citations
_FINGERPRINT = re.compile("[0-9a-f]{16}")
_CODEC_FIELDS: dict[str, dict[str, Callable[[Any], bool]]] = {  # of the codecs that zarr writes for these arrays
    "bytes": {"endian": lambda value: value == "little"},
    "zstd": {"level": lambda value: type(value) is int and abs(value) <= 22, "checksum": lambda value: type(value) is bool},
    "crc32c": {},
}


class Layout(NamedTuple):
    """One array of a group."""

    dims: tuple[str, ...]
    dtype: np.dtype
    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    about: dict[str, str]

    @property
    def chunk_bytes(self) -> int:
        """Of one chunk, as it is in memory."""
        return int(np.prod(self.chunks)) * self.dtype.itemsize


def nothing(dtype: str | np.dtype) -> Any:
    """What an array holds where nothing is written: NaN, 0 or False."""
    return np.nan if np.dtype(dtype).kind == "f" else np.zeros((), dtype)[()]


def layouts(work: Jobs) -> dict[str, Layout]:
    """All arrays of a study's group by name: results and `done` by the job, `replica` and `step` whole."""
    count, lanes, sizes = len(work.members), max(len(job) for job in work.members), work.sizes

    def by_job(variable: Any) -> Layout:
        rest = tuple(sizes[dim] for dim in variable.dims)
        about = {"long_name": variable.long_name, "units": variable.units}
        shape, dims = (count, lanes, *rest), ("unit", "lane", *variable.dims)
        return Layout(dims, np.dtype(variable.dtype), shape, (1, lanes, *rest), about)

    found = {name: by_job(variable) for name, variable in work.variables.items()}
    done = {"long_name": "hash of a unit's results; 0: not done", "units": "1"}
    replica = {"long_name": "number of the replica, the last axis fastest; -1: none", "units": "1"}
    steps = work.experiment.record_at.shape
    found[DONE] = Layout(("unit",), np.dtype("u8"), (count,), (1,), done)
    found["replica"] = Layout(("unit", "lane"), np.dtype("i8"), (count, lanes), (count, lanes), replica)
    found["step"] = Layout(("step",), np.dtype("i8"), steps, steps, {})
    return found


# --- names ---------------------------------------------------------------------------------------------------------------


def group_path(folder: Path, fingerprint: str) -> Path:
    """Where the results of an experiment are."""
    return folder / f"{fingerprint}.zarr"


def groups(folder: Path) -> list[Path]:
    """The groups of a store; what is called otherwise is none."""
    return [path for path in sorted(folder.glob("*.zarr")) if _FINGERPRINT.fullmatch(path.stem)]


def fingerprint(value: Any, place: Path) -> str:
    """`value` if it is a fingerprint, which names files; StoreError, which names where it was found, if not."""
    if isinstance(value, str) and _FINGERPRINT.fullmatch(value):
        return value
    raise StoreError(
        f"{place} names a run {shown(value)}, where a fingerprint has sixteen digits of 0-9a-f; the store was changed, or "
        "is not of clockless: do not go on with it."
    )


# --- checks --------------------------------------------------------------------------------------------------------------


def good_attributes(attributes: Any) -> dict[str, Any]:
    """What of a group's attributes has the form that clockless gives it; the rest is left out."""
    found = attributes if isinstance(attributes, dict) else {}
    kept = {name: found[name] for name in ("version", "sources", "cite") if _is_text(found.get(name))}
    if isinstance(found.get("experiment"), str):
        kept["experiment"] = found["experiment"]
    if is_width(found.get("width")):
        kept["width"] = found["width"]
    if isinstance(found.get("extends"), str) and _FINGERPRINT.fullmatch(found["extends"]):
        kept["extends"] = found["extends"]
    return kept


def is_width(value: Any) -> bool:
    """Whether a value can be the number of lanes of a job."""
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _MOST_WIDTH


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _MOST_WORDS


def check_group(group: Path) -> None:
    """StoreError unless a group's own metadata are those of a group, with attributes as clockless writes them."""
    found = _metadata(group, "zarr.json", MOST_DESCRIPTION_BYTES)
    attributes = found.pop("attributes", None)
    if _spelled(found) != _spelled({"zarr_format": 3, "node_type": "group"}):
        raise _foreign(group, "zarr.json", "it describes no plain group of zarr 3")
    good = good_attributes(attributes)
    if isinstance(attributes, dict) and "extends" in attributes:
        fingerprint(attributes["extends"], group / "zarr.json")
    for name in ("experiment", "width", "version", "sources", "cite"):
        if name not in good:
            raise _foreign(group, "zarr.json", f"its attribute {name} is missing or has another form")


def check_arrays(group: Path, expected: dict[str, Layout]) -> set[str]:
    """StoreError unless the metadata of all arrays of a group are those of `expected`, so that zarr may read them.

    Returns:
        Names of the arrays whose chunks are packed.
    """
    packed = set()
    for name, layout in expected.items():
        disk.folder(group, name)
        found, place = _metadata(group, f"{name}/zarr.json", _MOST_METADATA_BYTES), f"{name}/zarr.json"
        codecs, about = found.pop("codecs", None), found.pop("attributes", {})
        nested = _spelled(found.get("chunk_key_encoding")) == _spelled(_keys(NESTED))
        for field, wanted in _wanted(layout, NESTED if nested else SEPARATOR).items():
            if _spelled(found.pop(field, None)) != _spelled(wanted):
                raise _foreign(group, place, f"its {field} is not {shown(wanted)}")
        if found:
            raise _foreign(group, place, f"it asks for {shown(sorted(found))}")
        if not isinstance(about, dict) or not _plain_codecs(codecs, layout.dtype):
            raise _foreign(group, place, f"its codecs are {shown(codecs)}")
        packed |= {name} if any(codec["name"] == "zstd" for codec in codecs) else set()
    return packed


def _spelled(value: Any) -> str:
    """`value` as JSON, where 1, 1.0 and true are different things."""
    return json.dumps(value, sort_keys=True)


def separator_left(group: Path) -> Separator:
    """How the chunks of a group are named, as most of its arrays' folders have it."""
    nested = sum(path.is_dir() and not path.is_symlink() for path in group.glob("*/c"))
    flat = len({path.parent for path in group.glob("*/c.*")})
    return NESTED if nested > flat else SEPARATOR


def _keys(separator: Separator) -> dict[str, Any]:
    return {"name": "default", "configuration": {"separator": separator}}


def _wanted(layout: Layout, separator: Separator) -> dict[str, Any]:
    """The metadata of an array that follow from the experiment, as zarr format 3 spells them."""
    return {
        "zarr_format": 3,
        "node_type": "array",
        "data_type": layout.dtype.name,
        "shape": list(layout.shape),
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(layout.chunks)}},
        "chunk_key_encoding": _keys(separator),
        "fill_value": "NaN" if layout.dtype.kind == "f" else nothing(layout.dtype).item(),
        "dimension_names": list(layout.dims),
        "storage_transformers": [],
    }


def _plain_codecs(codecs: Any, dtype: np.dtype) -> bool:
    """Whether these turn an array into bytes, then at most compress and sum them."""
    if not isinstance(codecs, list) or not all(isinstance(codec, dict) for codec in codecs):
        return False
    names = [codec.get("name") for codec in codecs]
    if names[:1] != ["bytes"] or not all(isinstance(name, str) and name in _CODEC_FIELDS for name in names):
        return False
    return len(set(names)) == len(names) and all(_plain_codec(codec, dtype) for codec in codecs)


def _plain_codec(codec: dict[str, Any], dtype: np.dtype) -> bool:
    about, fields = codec.get("configuration", {}), _CODEC_FIELDS[codec["name"]]
    needed = set() if dtype.itemsize == 1 and codec["name"] == "bytes" else fields.keys()  # single bytes have no order
    if codec.keys() - {"name", "configuration"} or not isinstance(about, dict):
        return False
    return needed <= about.keys() <= fields.keys() and all(fields[name](value) for name, value in about.items())


def _metadata(group: Path, name: str, most: int) -> dict[str, Any]:
    path = group / name
    try:
        found = disk.read_json(path, most, below=group.parent)
    except FileNotFoundError:
        found = None
    except ValueError as error:
        raise _foreign(path.parent, path.name, f"it is no JSON ({error})") from None
    if not isinstance(found, dict):
        raise _foreign(path.parent, path.name, "it is missing, or describes nothing")
    return found


def _foreign(group: Path, name: str, says: str) -> StoreError:
    return StoreError(
        f"{group / name} is not what clockless writes: {says}; zarr is not let near it. If the store is your own, remove "
        f"`*.seal` in it, and the description of its arrays is made anew around the results."
    )
