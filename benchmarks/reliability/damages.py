"""Random damages to a finished store, one at a time: is each noticed, said in one sentence, and mended?"""

from __future__ import annotations

import contextlib
import io
import random
import shutil
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from subjects import Subject, experiment, times_computed

from clockless.commands.main import app
from clockless.stores.store import Store

UNITS, STEPS = 6, 200


def damages(folder: Path, count: int, seed: int) -> dict[str, Any]:
    """Damage a copy of a store, look at it, `clockless resume` it; counts what went unnoticed or ended with wrong bits."""
    subject = Subject.prepared(folder / "damages", experiment(UNITS, STEPS))
    whole = subject.folder / f"undisturbed-{subject.experiment.fingerprint}"
    chance, cases = random.Random(seed), []
    for k in range(count):
        copy = subject.folder / "damaged"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(whole, copy)
        kind = sorted(KINDS)[k % len(KINDS)]
        unit, where = KINDS[kind](copy / f"{subject.experiment.fingerprint}.zarr", chance)
        cases.append({"kind": kind, "unit": unit, "where": where, **_mended(copy, unit, subject.digest)})
    return {
        "kinds": dict(Counter(case["kind"] for case in cases)),
        "unnoticed": sum(not case["noticed"] for case in cases),
        "wrong": sum(not case["same_bits"] for case in cases),
        "computed_needlessly": sum(case["others"] for case in cases),
        "said": {case["kind"]: [case["seen"], case["said"]] for case in cases},
        "all": cases,
    }


def _mended(store: Path, unit: int, digest: str) -> dict[str, Any]:
    before = times_computed(store)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        missing = not bool(Store.open(store).dataset().done.all())
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        code = app(["resume", str(store), "--threads", "1"], exit_on_error=False)
    computed = times_computed(store) - before
    told = [line for line in said.getvalue().splitlines() if "damaged" in line]
    return {
        "noticed": missing and code == 0,
        "seen": " ".join(str(warning.message) for warning in seen),
        "said": " ".join(told),
        "others": sum(times for other, times in computed.items() if other != unit),
        "same_bits": Store.open(store).digest() == digest,
    }


def _chunk(group: Path, chance: random.Random) -> tuple[int, Path]:
    """A random file of results: of some array and some unit. What is all zeros has no file."""
    arrays = [path for path in sorted(group.iterdir()) if path.name not in ("done", "replica", "step")]
    files = [found for array in arrays if (found := sorted(array.glob("c.*")))]
    file = chance.choice(chance.choice(files))
    return _unit_of(file), file


def _unit_of(file: Path) -> int:
    return int(file.name.split(".")[1])


def _truncated(group: Path, chance: random.Random) -> tuple[int, str]:
    unit, file = _chunk(group, chance)
    kept = chance.randrange(file.stat().st_size)
    file.write_bytes(file.read_bytes()[:kept])
    return unit, f"{file.relative_to(group)} cut to {kept} bytes"


def _flipped(group: Path, chance: random.Random) -> tuple[int, str]:
    unit, file = _chunk(group, chance)
    return unit, _flip(group, file, chance)


def _flip(group: Path, file: Path, chance: random.Random) -> str:
    content = bytearray(file.read_bytes())
    at = chance.randrange(len(content))
    content[at] ^= 1 << chance.randrange(8)
    file.write_bytes(content)
    return f"{file.relative_to(group)} byte {at}"


def _removed(group: Path, chance: random.Random) -> tuple[int, str]:
    unit, file = _chunk(group, chance)
    file.unlink()
    return unit, f"{file.relative_to(group)} removed"


def _cell(group: Path, chance: random.Random) -> tuple[int, Path]:
    unit = chance.randrange(UNITS)
    return unit, group / "done" / f"c.{unit}"


def _cell_removed(group: Path, chance: random.Random) -> tuple[int, str]:
    unit, file = _cell(group, chance)
    file.unlink()
    return unit, f"{file.relative_to(group)} removed"


def _cell_flipped(group: Path, chance: random.Random) -> tuple[int, str]:
    unit, file = _cell(group, chance)
    return unit, _flip(group, file, chance)


KINDS: dict[str, Callable[[Path, random.Random], tuple[int, str]]] = {
    "chunk truncated": _truncated,
    "bit of a chunk flipped": _flipped,
    "chunk removed": _removed,
    "done cell removed": _cell_removed,
    "bit of a done cell flipped": _cell_flipped,
}
