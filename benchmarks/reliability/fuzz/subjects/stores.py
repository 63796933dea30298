"""Damaged stores: bytes of metadata, chunks and journals changed, files moved, removed and put in; looked at and resumed.

What a damaged store shows must be what the whole one shows, or it says a word; what `resume` makes of it has the same bits.
"""

from __future__ import annotations

import json
import os
import shutil
import warnings
from pathlib import Path

import numpy as np
import xarray

from clockless.experiments.experiment import Experiment
from clockless.stores.store import Store
from clockless.workers.run import Workers, compute
from clockless.workers.status import exported, report
from fuzz.attempts import Case, Finding
from fuzz.chance import Chance
from fuzz.mutations import changed_bytes, changed_text, changed_tree

_STRAY = [
    "a.failed", "999999.failed", "000001 (conflicted copy).lock", "000001.lock", "000002.failed", "-1.failed",
    ".nfs0001", "x.zarr", "zarr.json", "000001.npz", "ffffffffffffffff.zarr", "0123456789abcdef.seal", "steps~", "c",
    "parts", "steps", "9" * 30 + ".lock",
]  # fmt: skip
_FRAGMENTS = [
    "{}", "[]", "null", "NaN", "Infinity", "1e999", '"', "\\", '"kind":', "../..", '{"a":', "[" * 2000, "-1", "0",
    "true", '"blosc"', '"float32"', '"object"', '{"name": "numcodecs.pickle"}', '"zarr_format": 2', "steps: 41",
    "title: b", "network: {kind: lattice}",
]  # fmt: skip
_ONE = Workers(threads=1)


def _experiment(steps: int = 40) -> Experiment:
    return Experiment(
        network={"kind": "board16"}, task={"kind": "regression", "seed": [0, 1], "train": 4, "test": 4}, steps=steps,
        record=4,
        clock={"kind": "bernoulli", "p": [0.5, 1.0]}, batch=1, seeds=[0, 1, 2],
    )  # fmt: skip


class Fed:
    """Open a damaged store, look at it as the commands do, and sometimes go on with it."""

    def prepare(self, fixtures: Path) -> None:
        """A finished store, one that is half done, and one that was extended and has not begun to go on."""
        for name in ("whole", "half", "extended"):
            store = Store.create(fixtures / name, _experiment(20 if name == "extended" else 40), width=4)
            compute(store, _ONE, progress=False)
            if name == "half":
                for job in (1, 2):
                    store.undo(job)
            elif name == "extended":
                store.extended(40)
            _without_times(fixtures / name)
        whole = Store.open(fixtures / "whole")
        self.digest, self.whole = whole.digest(), whole.dataset().load()
        self.fixtures = fixtures

    def attempt(self, case: Case) -> None:
        """One store, damaged in one to four places."""
        chance = case.chance
        with case.quietly():
            name, place = chance.one(["whole", "whole", "half", "extended"]), case.folder / "store"
            shutil.copytree(self.fixtures / name, place)
            case.shows(f"a copy of the store `{name}`")
            for _ in range(chance.few()):
                case.shows(_damaged(place, chance))
            (case.folder / "outside").mkdir(exist_ok=True)
        store = Store.open(place)
        data = store.dataset()
        self._compare(case, data)
        report(store)
        if chance.with_odds(0.2):
            exported(store, case.folder / chance.one(["out.csv", "out.nc"]))
        if chance.with_odds(0.4) and store.experiment.steps == 40:
            self._resume(case, place)

    def _compare(self, case: Case, data: xarray.Dataset) -> None:
        """Replicas that are said to be done show the numbers of the whole store, unless there was a word."""
        if case.caught or data.attrs.get("note"):
            return
        if dict(data.sizes) != dict(self.whole.sizes):
            raise Finding("wrong", f"sizes {dict(data.sizes)} instead of {dict(self.whole.sizes)}")
        for name, label in self.whole.coords.items():
            if name not in data.coords or not np.array_equal(data[name].values, label.values):
                raise Finding("wrong", f"the label {name} is another one")
        done = data.done
        for name, right in self.whole.data_vars.items():
            if name != "done" and name in data and not _equal(data[name].where(done), right.where(done)):
                raise Finding("wrong", f"{name} of replicas that are done differs")

    def _resume(self, case: Case, place: Path) -> None:
        ended = compute(Store.open(place), _ONE, progress=False)
        if not ended.complete:
            raise Finding("wrong", f"resuming leaves jobs behind: {ended.failures}")
        with warnings.catch_warnings(record=True) as words:
            warnings.simplefilter("always")
            again = Store.open(place)
            if again.experiment.plain()["title"] == "" and again.digest() != self.digest:
                raise Finding("wrong", f"other bits after resuming; said: {[str(word.message)[:100] for word in words]}")


def _equal(one: xarray.DataArray, other: xarray.DataArray) -> bool:
    return one.dims == other.dims and np.array_equal(one.values, other.values, equal_nan=one.dtype.kind == "f")


def _without_times(store: Path) -> None:
    """Times and process numbers of the journal would change the lengths of files from process to process."""
    path = store / "events.jsonl"
    told = [json.loads(line) for line in path.read_text().splitlines()]
    for event in told:
        event |= {name: "x" for name in ("run", "worker", "host") if name in event} | {"time": 0.0}
        event |= {"seconds": 1.0} if "seconds" in event else {}
    path.write_text("".join(json.dumps(event) + "\n" for event in told))


# --- damages -------------------------------------------------------------------------------------------------------------


def _damaged(store: Path, chance: Chance) -> str:
    """Damage one file or folder; returns what was done."""
    entries = sorted(path for path in store.rglob("*") if not path.is_symlink())
    files = [path for path in entries if path.is_file()]
    if not files:
        return "nothing is left to damage"
    place, kind = chance.one(files), chance.randrange(12)
    name = str(place.relative_to(store))
    if kind < 4:
        place.write_bytes(changed_bytes(place.read_bytes(), chance))
        return f"bytes of {name} changed: {place.read_bytes()[:300]!r}"
    if kind < 7:
        return _metadata_changed(
            store, [path for path in files if path.suffix in (".json", ".jsonl", ".yaml", ".seal")], chance
        )
    if kind == 7:
        place.unlink()
        return f"{name} removed"
    if kind == 8:
        other = chance.one(files)
        other_content, content = other.read_bytes(), place.read_bytes()
        place.write_bytes(other_content)
        if chance.with_odds(0.5):
            other.write_bytes(content)
        return f"{name} has the bytes of {other.relative_to(store)}, or they have changed places"
    if kind == 9:
        folder = chance.one([path for path in entries if path.is_dir()])
        shutil.rmtree(folder)
        return f"folder {folder.relative_to(store)} removed"
    if kind == 10:
        folder = chance.one([store, *(path for path in entries if path.is_dir())])
        stray = folder / chance.one(_STRAY)
        if not stray.exists():
            _put_in(stray, store, chance)
        return f"{stray.relative_to(store)} put in, {_is(stray)}"
    place.unlink()
    _put_in(place, store, chance)
    return f"{name} replaced, {_is(place)}"


def _metadata_changed(store: Path, files: list[Path], chance: Chance) -> str:
    if not files:
        return "no metadata are left"
    place = chance.one(files)
    text = place.read_text(errors="replace")
    if place.suffix == ".json" and chance.with_odds(0.7):
        try:
            text = json.dumps(changed_tree(json.loads(text), chance)[0])
        except ValueError:  # an earlier damage
            text = changed_text(text, chance, _FRAGMENTS)
    else:
        text = changed_text(text, chance, _FRAGMENTS)
    place.write_text(text, errors="backslashreplace")
    return f"{place.relative_to(store)} changed: {text[:600]}"


def _put_in(place: Path, store: Path, chance: Chance) -> None:
    kind = chance.randrange(7)
    if kind == 0:
        place.mkdir()
    elif kind == 1:
        os.mkfifo(place)
    elif kind == 2:
        place.symlink_to(
            chance.one([store.parent / "outside", Path("/etc/passwd"), store / "experiment.yaml", Path("nowhere")])
        )
    elif kind == 3:
        place.symlink_to(place.name)  # a loop
    else:
        place.write_bytes(
            chance.one([b"", b"x", b"{}", b'{"process": 1, "host": "x"}', b"\0" * 100, b"PK\3\4" + b"\0" * 30])
        )


def _is(place: Path) -> str:
    kinds = {"a link": place.is_symlink(), "a folder": place.is_dir(), "a pipe": place.is_fifo()}
    return next((kind for kind, holds in kinds.items() if holds), "a file")
