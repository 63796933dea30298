"""Stores from elsewhere: whatever lies in them, nothing outside is written or removed, and nothing hangs."""

from __future__ import annotations

import importlib
import io
import json
import os
import pickle
import shutil
import stat
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest

import clockless as cl
from clockless import disk
from clockless.errors import ClusterError, StoreError
from clockless.stores import frame as frames
from clockless.stores import layout
from clockless.stores.chunk_files import unpacked_size
from clockless.workers import loop as sweep
from clockless.workers.run import Workers, compute
from clockless.workers.slurm import script
from clockless.workers.status import report
from rigs import LIMIT
from test_cli_stores import clockless
from test_store import SMALL, WIDTH, as_before, as_somebody_else
from test_sweep import computed

__all__ = ["clockless"]  # a fixture

FP = SMALL.fingerprint
GROUP, UNITS = f"{FP}.zarr", f"units/{FP}"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A finished store of three units."""
    return computed(tmp_path_factory.mktemp("made") / "store", SMALL, WIDTH)


@pytest.fixture
def store(made, tmp_path):
    """The folder of a copy that lacks job 1."""
    shutil.copytree(made.path, tmp_path / "store")
    opened = cl.Store.open(tmp_path / "store")
    opened.undo(1)
    opened.journal.count(1, 0)
    return opened.path


@pytest.fixture
def outside(tmp_path):
    """A folder that is none of the store's business, and a look at everything in it."""
    folder = tmp_path / "outside"
    (folder / "0" / "0").mkdir(parents=True)
    for name in ("thesis.tex", "zarr.json", "steps", "0/0/0"):
        (folder / name).write_text("years of work")

    def look():
        return {path: path.read_bytes() if path.is_file() else None for path in sorted(folder.rglob("*"))}

    return folder, look


def sealed(folder):
    """The seal of somebody who knows how to make one."""
    group = folder / GROUP
    frames.seal_of(group).write_text(frames._sum(group))


def changed(folder, name, change):
    """Change one metadata file of the group."""
    path = folder / GROUP / name
    metadata = json.loads(path.read_text())
    metadata = change(metadata) or metadata
    path.write_text(json.dumps(metadata))


def one_sentence(answer):
    """The sentence of a command that was refused."""
    code, _, err = answer
    sentences = [line for line in err.splitlines() if not line.startswith("store: ")]  # which are progress
    assert (code, len(sentences)) == (2, 1), err
    assert sentences[0].startswith("clockless: ")
    return sentences[0]


# --- runs that are extended ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["absolute", "relative", "number", "longer"])
def test_only_fingerprints_name_what_is_removed(clockless, store, outside, how):
    """The attribute `extends` of a foreign store named any folder, and `resume` removed it."""
    folder, look = outside
    before = look()
    name = {"absolute": str(folder), "relative": "../../outside", "number": 7, "longer": FP + "0"}[how]
    changed(store, "zarr.json", lambda metadata: metadata["attributes"].update(extends=name))
    sealed(store)
    for command in (["status"], ["resume", "--threads", "1"]):
        assert "sixteen digits" in one_sentence(clockless(*command, store))
    assert look() == before
    (store / f"{FP}.seal").unlink()  # then the frame is made anew, from what has the right form only
    code, _, err = clockless("resume", store, "--threads", "1")
    assert (code, "made anew" in err) == (0, True)
    assert look() == before
    assert "extends" not in json.loads((store / GROUP / "zarr.json").read_text())["attributes"]


@pytest.mark.parametrize("extends", ["itself", "another experiment", "a longer run"])
def test_only_shorter_runs_of_the_same_experiment_are_removed(clockless, store, made, extends):
    others = {
        "itself": SMALL, "another experiment": SMALL.changed(seeds=[5, 6]), "a longer run": SMALL.changed(steps=70)
    }  # fmt: skip
    other = others[extends]
    if extends != "itself":
        frames.allocate(store, other, WIDTH, {}, own_parts=False)
        (store / "units" / other.fingerprint).mkdir()
    changed(store, "zarr.json", lambda metadata: metadata["attributes"].update(extends=other.fingerprint))
    sealed(store)
    assert clockless("resume", store, "--threads", "1")[0] == 0
    assert (store / "units" / other.fingerprint).exists()
    assert (store / f"{other.fingerprint}.zarr").exists()
    assert cl.Store.open(store).digest() == made.digest()


def test_a_run_that_is_extended_goes_when_the_longer_one_is_done(clockless, store, outside):
    """And a link within it leads nobody out."""
    folder, look = outside
    before = look()
    assert clockless("resume", store, "--threads", "1")[0] == 0
    (store / UNITS / "link").symlink_to(folder)
    (store / GROUP / "error" / "link").symlink_to(folder)
    assert clockless("extend", store, "--steps", "70", "--threads", "1")[0] == 0
    assert not (store / UNITS).exists()
    assert not (store / GROUP).exists()
    assert look() == before


# --- what is no plain file -----------------------------------------------------------------------------------------------

REFUSED = [  # files that are written in place, or say what is computed
    f"{UNITS}/000001.lock", f"{UNITS}/steps", f"{UNITS}/000001.npz", f"{UNITS}/000001.failed", "events.jsonl",
    "experiment.yaml", f"{FP}.seal", f"{GROUP}/zarr.json", f"{GROUP}/error/zarr.json", f"{GROUP}/step/c.0",
]  # fmt: skip
CHUNKS = [f"{GROUP}/error/c.1.0.0", f"{GROUP}/failed/c.1.0", f"{GROUP}/parameters/c.1.0.0"]


def placed(path, kind, target):
    """Put something else in place of a file."""
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "link":
        path.symlink_to(target)
    elif kind == "dangling link":
        path.symlink_to(target.with_name("new"))
    elif kind == "loop":
        path.symlink_to(path.name)
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        os.link(target, path)


@pytest.mark.parametrize("kind", ["link", "dangling link", "loop", "pipe", "folder"])
@pytest.mark.parametrize("place", REFUSED)
def test_something_else_in_place_of_a_file_is_refused(clockless, store, outside, place, kind):
    folder, look = outside
    before = look()
    placed(store / place, kind, folder / "thesis.tex")
    said = one_sentence(clockless("resume", store, "--threads", "1"))
    assert Path(place).name in said
    code, _, err = clockless("status", store)
    assert (code in (0, 2), "Traceback" in err) == (True, False)
    assert look() == before


@pytest.mark.parametrize("place", [f"{UNITS}/000001.lock", f"{UNITS}/steps", "events.jsonl"])
def test_a_file_with_a_second_name_is_not_written_to(clockless, store, outside, place):
    folder, look = outside
    before = look()
    placed(store / place, "second name", folder / "thesis.tex")
    assert "second name" in one_sentence(clockless("resume", store, "--threads", "1"))
    assert look() == before


@pytest.mark.parametrize("kind", ["link", "dangling link", "loop", "pipe", "second name"])
@pytest.mark.parametrize("place", CHUNKS)
def test_something_else_in_place_of_a_chunk_is_replaced(clockless, store, made, outside, place, kind):
    folder, look = outside
    before = look()
    placed(store / place, kind, folder / "thesis.tex")
    assert clockless("resume", store, "--threads", "1")[0] == 0
    assert cl.Store.open(store).digest() == made.digest()
    assert look() == before
    if (store / place).exists():  # results that are all 0 have no chunk
        assert stat.S_ISREG((store / place).lstat().st_mode)


OLD_FOLDERS = [f"{GROUP}/error/c", f"{GROUP}/error/c/1", f"{GROUP}/done/c"]  # of chunks, in older stores


@pytest.mark.parametrize("place", ["units", UNITS, GROUP, f"{GROUP}/error", *OLD_FOLDERS])
def test_a_linked_folder_is_refused(clockless, store, outside, place):
    """Through it every file within would be somebody else's."""
    folder, look = outside
    before = look()
    if place in OLD_FOLDERS:
        as_before(store)
    shutil.rmtree(store / place)
    (store / place).symlink_to(folder)
    said = one_sentence(clockless("resume", store, "--threads", "1"))
    assert "symbolic link" in said
    clockless("status", store)
    assert look() == before


@pytest.mark.parametrize("place", [GROUP, f"{GROUP}/error", f"{GROUP}/error/c", "units", UNITS])
def test_a_folder_that_is_exchanged_between_look_and_write_is_not_followed(store, outside, monkeypatch, place):
    if place in OLD_FOLDERS:
        as_before(store)
    folder, look = outside
    before, look_at, victim, opened = look(), disk.folder, store / place, cl.Store.open(store)

    def exchanged():
        if not victim.is_symlink():
            victim.rename(store.parent / "aside")
            victim.symlink_to(folder)

    def and_then_exchanged(root, *names, make=False):
        found = look_at(root, *names, make=make)
        if victim == found or victim in found.parents:
            exchanged()
        return found

    monkeypatch.setattr(disk, "folder", and_then_exchanged)
    if place.startswith("units"):  # which is looked at when a store is opened
        exchanged()
    with pytest.raises(StoreError, match=rf"{victim.name} is a symbolic link"):
        compute(opened, Workers(threads=1), progress=False)
    assert victim.is_symlink()
    assert look() == before


def test_a_folder_that_is_exchanged_for_a_link_is_not_emptied(tmp_path, monkeypatch):
    (tmp_path / "store" / "units" / "old").mkdir(parents=True)
    (tmp_path / "outside" / "old").mkdir(parents=True)
    look_at = disk.folder

    def and_then_exchanged(root, *names, make=False):
        found = look_at(root, *names, make=make)
        if not found.parent.is_symlink():
            found.parent.rename(tmp_path / "aside")
            found.parent.symlink_to(tmp_path / "outside")
        return found

    monkeypatch.setattr(disk, "folder", and_then_exchanged)
    with pytest.raises(StoreError, match="units is a symbolic link"):
        disk.remove_folder(tmp_path / "store", "units", "old")
    assert (tmp_path / "outside" / "old").is_dir()
    assert (tmp_path / "aside" / "old").is_dir()


def test_a_frame_that_is_mended_stays_inside(clockless, store, outside):
    folder, look = outside
    before = look()
    shutil.rmtree(store / GROUP / "residual")
    (store / GROUP / "residual").symlink_to(folder)
    (store / f"{FP}.seal").unlink()
    assert "residual is a symbolic link" in one_sentence(clockless("resume", store))
    assert look() == before


def test_pictures_and_scripts_are_not_written_through_links(clockless, store, outside):
    folder, look = outside
    before = look()
    for name in ("plot.png", "job.sbatch", "out.csv"):
        (store / name).symlink_to(folder / "thesis.tex")
    assert clockless("plot", store)[0] == 0
    assert clockless("export", store, store / "out.csv")[0] == 0
    script(cl.Store.open(store), 1)
    assert look() == before
    assert all(
        (store / name).is_file() and not (store / name).is_symlink() for name in ("plot.png", "job.sbatch", "out.csv")
    )
    (store / "slurm-17.log").symlink_to(folder / "thesis.tex")
    with pytest.raises(StoreError, match=r"slurm-17.log is a symbolic link"):
        script(cl.Store.open(store), 1)


# --- metadata ------------------------------------------------------------------------------------------------------------

OBJECTS = {"name": "numcodecs.pickle", "configuration": {}}
SHARDS = {"name": "sharding_indexed", "configuration": {"chunk_shape": [1, 1, 1], "codecs": [], "index_codecs": []}}


def grown(metadata):
    metadata["chunk_grid"]["configuration"]["chunk_shape"][2] = 10**9


METADATA = {
    "data type": lambda metadata: metadata.update(data_type="variable_length_bytes"),
    "objects": lambda metadata: metadata.update(codecs=[OBJECTS]),
    "a foreign codec": lambda metadata: metadata["codecs"].append(OBJECTS),
    "shards": lambda metadata: metadata.update(codecs=[SHARDS]),
    "no order of bytes": lambda metadata: metadata["codecs"][0].pop("configuration"),
    "strange compression": lambda metadata: metadata["codecs"][1].update(configuration={"level": "x", "checksum": False}),
    "transformers": lambda metadata: metadata.update(storage_transformers=[{"name": "x"}]),
    "shape": lambda metadata: metadata["shape"].__setitem__(0, 10**9),
    "shape of fractions": lambda metadata: metadata["shape"].__setitem__(0, 3.0),
    "chunks": grown,
    "keys": lambda metadata: metadata["chunk_key_encoding"].update(name="v2"),
    "fill value": lambda metadata: metadata.update(fill_value=0.0),
    "format 2": lambda metadata: metadata.update(zarr_format=2),
    "a group": lambda metadata: {"zarr_format": 3, "node_type": "group", "attributes": {}},
    "more": lambda metadata: metadata.update(extension={"must_understand": False}),
    "a list": lambda metadata: [1],
    "attributes": lambda metadata: metadata.update(attributes=[1]),
}


@pytest.mark.parametrize("change", METADATA)
def test_sealed_metadata_of_another_kind_are_refused_before_zarr_sees_them(clockless, store, monkeypatch, change):
    changed(store, "error/zarr.json", METADATA[change])
    sealed(store)
    with monkeypatch.context() as patched:
        patched.setattr("zarr.open_group", None)
        for command in (["status"], ["resume", "--threads", "1"]):
            assert "error/zarr.json is not what clockless writes" in one_sentence(clockless(*command, store))
    (store / f"{FP}.seal").unlink()
    assert clockless("resume", store, "--threads", "1")[0] == 0, "as the sentence says"


@pytest.mark.parametrize("text", ["", "[" * 100_000, "null", "{", "\0", " " * 2**21])
def test_sealed_metadata_that_are_none_are_refused(clockless, store, text):
    (store / GROUP / "error" / "zarr.json").write_text(text)
    sealed(store)
    assert "error/zarr.json" in one_sentence(clockless("status", store))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("width", 0), ("width", True), ("width", 1e3), ("width", 10**12), ("width", None), ("sources", []), ("version", 3),
        ("cite", None),
    ],
)  # fmt: skip
def test_sealed_attributes_of_another_form_are_refused_and_mended(clockless, store, name, value):
    changed(store, "zarr.json", lambda metadata: metadata["attributes"].update({name: value}))
    sealed(store)
    assert f"attribute {name}" in one_sentence(clockless("status", store))
    (store / f"{FP}.seal").unlink()
    assert clockless("resume", store, "--threads", "1")[0] == 0
    attributes = json.loads((store / GROUP / "zarr.json").read_text())["attributes"]
    assert (attributes["width"], type(attributes["version"]), type(attributes["sources"])) == (WIDTH, str, str)


def test_metadata_of_the_whole_group_are_not_taken_from_its_summary(clockless, store):
    """zarr would believe consolidated metadata more than the arrays' own."""
    summary = {"kind": "inline", "must_understand": False, "metadata": {}}
    changed(store, "zarr.json", lambda metadata: metadata.update(consolidated_metadata=summary))
    sealed(store)
    assert "zarr.json is not what clockless writes" in one_sentence(clockless("status", store))


def test_every_kind_of_experiment_passes_the_check(tmp_path):
    """Here phases with networks of several sizes, and traces."""
    phases = cl.Experiment.of(
        {
            "network": [{"kind": "dense", "sizes": [64, *hidden, 10]} for hidden in ([], [20])], "medium": {"kind": "xy"},
            "task": {"kind": "digits"}, "rule": {"kind": "equilibrium-propagation", "nudge": 0.1, "rate": 0.1},
            "batch": 300, "traces": True, "steps": 3, "seeds": [0, 1],
        }
    )  # fmt: skip
    for number, experiment in enumerate((phases, SMALL.changed(traces=True, steps=2))):
        store = cl.Store.create(tmp_path / str(number), experiment)
        arrays = layout.layouts(store.jobs)
        for name, expected in arrays.items():
            found = store._group[name]
            assert (found.shape, found.chunks, found.dtype) == (expected.shape, expected.chunks, expected.dtype)
        assert set(store._group.array_keys()) == set(arrays)


# --- chunks --------------------------------------------------------------------------------------------------------------


def zstd(raw):
    """What zarr's own codec makes of bytes."""
    from numcodecs import Zstd

    return Zstd(level=0, checksum=False).encode(raw)


BOMBS = {
    "much": lambda whole: zstd(bytes(2**26)),
    "little": lambda whole: zstd(whole[:-8]),
    "without size": lambda whole: b"\x28\xb5\x2f\xfd\x00\x58\x01\x00\x00",
    "cut off": lambda whole: zstd(bytes(2**26))[:5],
    "another format": lambda whole: whole,
    "much at the end": lambda whole: zstd(whole) + zstd(bytes(2**26)) + bytes(2**20),
}  # fmt: skip


@pytest.mark.parametrize("array", ["error", "done"])
@pytest.mark.parametrize("bomb", BOMBS)
def test_a_chunk_that_unpacks_to_another_size_is_not_unpacked(clockless, store, made, monkeypatch, array, bomb):
    from zarr.codecs import ZstdCodec

    shape = made._group[array].chunks
    whole = np.asarray(made._group[array][:1]).tobytes()
    path = store / GROUP / array / ".".join(["c", "2"] + ["0"] * (len(shape) - 1))
    assert path.exists()
    path.write_bytes(BOMBS[bomb](whole))
    sizes, unpack = [], ZstdCodec._decode_single

    async def noted(codec, packed, spec):
        found = await unpack(codec, packed, spec)
        sizes.append(len(found))
        return found

    monkeypatch.setattr(ZstdCodec, "_decode_single", noted)
    code, _, err = clockless("resume", store, "--threads", "1")
    assert (code, "damaged" in err) == (0, True), err
    assert 0 < max(sizes) < 2**20
    monkeypatch.undo()
    assert cl.Store.open(store).digest() == made.digest()


def test_the_size_of_a_frame_is_read_as_zstd_writes_it():
    """One byte, two bytes that count from 256, four bytes."""
    for size in (0, 1, 255, 256, 257, 65_791, 65_792, 10**6):
        assert unpacked_size(zstd(bytes(size))) == size


# --- checkpoints ---------------------------------------------------------------------------------------------------------


class Trap:
    """Makes a file where it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (Path(self.path),)


@pytest.mark.parametrize("how", ["pickled array", "pickle", "compressed", "longer than the file", "other steps"])
def test_a_checkpoint_runs_no_code_and_takes_no_memory(clockless, store, made, tmp_path, how):
    path, sprung = store / UNITS / "000001.npz", tmp_path / "sprung"
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    if how == "pickled array":
        np.savez(path, **{**arrays, "steps": np.array([Trap(sprung)], dtype=object)})
    elif how == "pickle":
        path.write_bytes(pickle.dumps(Trap(sprung)))
    elif how == "compressed":
        np.savez_compressed(path, **arrays, bomb=np.zeros(10**7))
    elif how == "other steps":
        np.savez(path, **{**arrays, "steps": np.array(3)})
    else:
        with zipfile.ZipFile(path, "w") as archive:
            for name, values in arrays.items():
                raw = io.BytesIO()
                np.save(raw, values)
                archive.writestr(f"{name}.npy", raw.getvalue())
            archive.filelist[0].file_size = 10**12
    code, _, err = clockless("resume", store, "--threads", "1")
    assert (code, "job 1 was begun again" in err) == (0, True), err
    assert not sprung.exists()
    assert cl.Store.open(store).digest() == made.digest()


# --- what a terminal and a shell make of it --------------------------------------------------------------------------------

LOUD = "two\x1b]0;mine\x07 \x1b[2J\u202etitles\r"


def test_titles_and_failures_are_printed_without_control_characters(clockless, store, capsys):
    opened = cl.Store.create(store.parent / "loud", SMALL.changed(title=LOUD), width=WIDTH)
    opened.journal.fail(2, "a run", "bad\x1b[31m luck")
    _, out, _ = clockless("status", opened.path)
    assert "two\\x1b]0;mine\\x07" in out
    assert "job 2 failed: bad\\x1b[31m luck" in out
    _, _, err = clockless("resume", opened.path, "--threads", "1")
    assert "\\u202etitles\\r: 0 of 3 jobs done" in err
    _, _, missing = clockless("status", "no\x1b[2Jstore")
    for text in (out, err, missing):
        assert not {"\x1b", "\x07", "\r", "\u202e"} & set(text)
    assert "no\\x1b[2Jstore is no store" in missing
    assert cl.read(opened.path / "experiment.yaml").title == LOUD, "the title itself is kept"


def test_titles_are_no_markup_of_bars():
    """In a terminal, where square brackets would be commands of the library that draws the bars."""
    code = "from clockless.workers import progress as p\nwith p.watched('[/x] [red]', lambda: p.Tally(1, 1, 1, 1)): pass"
    ended = subprocess.run(
        ["script", "-qec", f'{sys.executable} -c "{code}"', "/dev/null"],
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout
    assert "[/x] [red]" in ended.stdout


def test_sentences_hold_no_control_characters():
    for error in (StoreError(f"{LOUD} is no store."), ClusterError(f"{LOUD}\nis none."), cl.errors.DescriptionError(LOUD)):
        assert str(error).isprintable()
        assert str(error).startswith("two\\x1b]0;mine")
    assert cl.errors.shown(Path(LOUD)).isprintable()
    assert cl.errors.printable("Größe 1 µm → «ä»") == "Größe 1 µm → «ä»"


@pytest.mark.parametrize("name", ["a\ntouch sprung\n", "a\rb", 'a" --wrap="touch sprung', "a\\"])
def test_a_path_that_no_script_can_name_is_refused(tmp_path, name):
    store = cl.Store.create(tmp_path / name, SMALL, width=WIDTH)
    with pytest.raises(ClusterError, match="job script cannot name") as caught:
        script(store, 1)
    assert "\n" not in str(caught.value)
    assert not (store.path / "job.sbatch").exists()


@pytest.mark.parametrize("name", ["$(touch sprung)", "a; touch sprung", "a' ; touch sprung; '", "`touch sprung`", "# -x"])
def test_a_job_script_runs_nothing_but_workers(tmp_path, name):
    """The script by bash, with an `srun` that shows its words."""
    store = cl.Store.create(tmp_path / name, SMALL, width=WIDTH)
    (tmp_path / "srun").write_text('#!/bin/bash\nprintf "%s\\n" "$@"\n')
    (tmp_path / "srun").chmod(0o755)
    ended = subprocess.run(
        ["bash", str(script(store, 1))], cwd=tmp_path, env={"PATH": f"{tmp_path}:{os.environ['PATH']}"}, capture_output=True,
        text=True, timeout=LIMIT, check=True,
    )  # fmt: skip
    words = ended.stdout.splitlines()
    assert words[2:6] == [sys.executable, "-P", "-m", "clockless.workers.processes"]
    assert words[6] == str(store.path)
    assert not (tmp_path / "sprung").exists()
    assert not (store.path / "sprung").exists()


# --- files beside the study ----------------------------------------------------------------------------------------------


def test_files_of_the_working_folder_take_no_workers_over(store, made, tmp_path, monkeypatch):
    place = tmp_path / "studies"
    place.mkdir()
    for name in ("uuid", "numpy", "clockless", "json"):
        (place / f"{name}.py").write_text(f"open('sprung-{name}', 'w'); raise SystemExit('taken over')")
    monkeypatch.chdir(place)
    assert compute(cl.Store.open(store), cl.Workers(processes=1), progress=False).complete
    assert not list(place.glob("sprung*"))
    assert cl.Store.open(store).digest() == made.digest()


# --- odd things ----------------------------------------------------------------------------------------------------------


def test_stray_files_are_passed_over(clockless, store, made):
    strays = ["999999.failed", "a.failed", "000001 (conflicted copy).lock", "1.lock", "-00001.failed", "²²²²²².lock"]
    for name in strays:
        (store / UNITS / name).write_text("{}")
    (store / "notes.zarr").mkdir()
    (store / "notes.txt").write_text("mine")
    assert "2 of 3 done, 0 running, 0 failed, 1 waiting" in clockless("status", store)[1]
    code, _, err = clockless("resume", store, "--threads", "1")
    assert (code, "failed" in err) == (0, False)
    assert cl.Store.open(store).digest() == made.digest()
    assert all((store / UNITS / name).exists() for name in strays)
    assert (store / "notes.zarr").exists()


def test_events_of_another_form_are_passed_over(store):
    with (store / "events.jsonl").open("a") as file:
        for seconds in ("null", '"long"', "1e999", "[]", "1" * 400):
            file.write(f'{{"event": "unit done", "unit": 0, "seconds": {seconds}}}\n')
        file.write("[" * 100_000 + '\n{"event": "unit done"}\n"unit done"\n')
    assert "of one core's time" in report(cl.Store.open(store))


@pytest.mark.parametrize("units", ["kept", "gone"])
def test_a_finished_store_on_a_read_only_disk_can_be_looked_at(clockless, made, units):
    path = Path("/var/tmp" if os.access("/var/tmp", os.W_OK) else "/tmp") / f"clockless-foreign-{os.getpid()}"
    shutil.copytree(made.path, path)
    out = path.with_name(f"{path.name}-out")
    out.mkdir(mode=0o777)
    out.chmod(0o777)
    try:
        if units == "gone":
            shutil.rmtree(path / "units")
        for entry in [path, *path.rglob("*")]:
            entry.chmod(0o555 if entry.is_dir() else 0o444)
        for words in (["status", path], ["plot", path, "--to", out / "0.png"], ["export", path, out / "0.nc"]):
            assert clockless(*words)[0] == 0  # which imports all that somebody else may not be allowed to
        with as_somebody_else():
            assert "3 of 3 done, 0 running" in clockless("status", path)[1]
            assert clockless("plot", path, "--to", out / "a.png")[0] == 0
            assert clockless("export", path, out / "a.nc")[0] == 0
            assert "Permission denied" in one_sentence(clockless("plot", path))
        assert cl.Store.open(path).digest() == made.digest()
    finally:
        importlib.invalidate_caches()
        for entry in [path, *path.rglob("*")]:
            entry.chmod(0o755)
        shutil.rmtree(path)
        shutil.rmtree(out)


@pytest.mark.parametrize("workers", [{"threads": 1}, {"processes": 1}], ids=["thread", "process"])
def test_a_store_that_is_removed_while_it_runs_is_not_made_again(tmp_path, workers):
    experiment = SMALL.changed(steps=60_000)
    store = cl.Store.create(tmp_path / "store", experiment, width=4)
    raised = []

    def run():
        try:
            compute(store, cl.Workers(**workers), progress=False)
        except StoreError as error:
            raised.append(str(error))

    running = threading.Thread(target=run)
    running.start()
    while running.is_alive() and not store.journal.running():
        running.join(0.01)
    os.rename(store.path, tmp_path / "elsewhere")
    running.join()
    assert len(raised) == 1
    assert "\n" not in raised[0]
    assert str(store.path) in raised[0]
    assert not store.path.exists()
    moved = cl.Store.open(tmp_path / "elsewhere")
    assert moved.damaged() == []
    assert sweep.mend(moved) == []
