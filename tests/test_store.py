"""Stores: damage is noticed and computed again, what cannot be written gets a sentence, half a store is readable."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import clockless as cl
from clockless.errors import ClocklessError, ParameterError, StoreError
from clockless.experiments.jobs import Jobs
from clockless.stores import frame
from clockless.workers import loop as sweep
from clockless.workers.run import compute
from rigs import LIMIT
from test_sweep import PLAIN, computed

SMALL = PLAIN.changed(steps=60, seeds=[0, 1])
WIDTH = 8


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A store of three units, finished."""
    return computed(tmp_path_factory.mktemp("made") / "store", SMALL, WIDTH)


@pytest.fixture
def store(made, tmp_path):
    """A copy of it to be damaged."""
    shutil.copytree(made.path, tmp_path / "store")
    return cl.Store.open(tmp_path / "store")


def flipped(path, position=0.5, bit=2):
    """Flip one bit at a relative position of a file."""
    raw = bytearray(path.read_bytes())
    raw[min(int(position * len(raw)), len(raw) - 1)] ^= 1 << bit
    path.write_bytes(raw)


def mended(path):
    """Open and finish a store as `clockless resume` does; its digest, units computed again, and sentences."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        opened = cl.Store.open(path)
        ended = compute(opened, cl.Workers(threads=1), progress=False)
    assert ended.complete
    assert not cl.Store.open(path).damaged()
    sentences = [str(warning.message) for warning in caught if warning.category is UserWarning]
    return opened.digest(), ended.damaged, sentences


def chunks(store, name, unit):
    """The files of one unit's results."""
    folder = store.path / f"{store.experiment.fingerprint}.zarr" / name
    return [path for path in folder.iterdir() if path.name.split(".")[:2] == ["c", str(unit)]]


def as_before(path):
    """Turn a store into the form of version 0.2.0, which had folders c/1/0/0 where there is a file c.1.0.0 now."""
    for group in path.glob("*.zarr"):
        for chunk in sorted(group.glob("*/c.*")):
            place = chunk.parent / chunk.name.replace(".", "/")
            place.parent.mkdir(parents=True, exist_ok=True)
            chunk.rename(place)
        for metadata in group.glob("*/zarr.json"):
            described = json.loads(metadata.read_text())
            described["chunk_key_encoding"]["configuration"]["separator"] = "/"
            metadata.write_text(json.dumps(described, indent=2))
        frame.seal_of(group).write_text(frame._sum(group))


# --- damage --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["flipped", "truncated", "emptied", "missing"])
@pytest.mark.parametrize("name", ["error", "parameters", "done"])
def test_a_damaged_chunk_is_noticed_and_its_unit_computed_again(store, made, name, how):
    (path,) = chunks(store, name, 1)
    if how == "flipped":
        flipped(path)
    elif how == "truncated":
        path.write_bytes(path.read_bytes()[:-3])
    elif how == "emptied":
        path.write_bytes(b"")
    else:
        path.unlink()
    opened = cl.Store.open(store.path)
    if name != "done":
        with pytest.warns(UserWarning, match="job 1 is damaged"):
            data = opened.dataset()
        assert (np.isnan(data.error).any(dim="step") | data.done).all(), "what is damaged must not be shown"
        assert int((~data.done).sum()) == WIDTH
    digest, damaged, _ = mended(store.path)
    assert (digest, damaged) == (made.digest(), [1])


@pytest.mark.parametrize("position", np.linspace(0, 0.999, 9))
def test_any_flipped_bit_of_a_chunk_is_noticed(store, made, position):
    for bit in (0, 7):
        flipped(chunks(store, "error", 2)[0], position, bit)
        digest, damaged, _ = mended(store.path)
        assert digest == made.digest()
        assert damaged in ([2], []), "a bit of the file that says nothing of the results may pass"


FRAME = [
    "zarr.json",
    "error/zarr.json",
    "done/zarr.json",
    "failed/zarr.json",
    "replica/zarr.json",
    "step/zarr.json",
    "step/c.0",
]


@pytest.mark.parametrize("name", FRAME)
def test_a_damaged_frame_is_made_anew_around_the_results(store, made, name):
    path = store.path / f"{store.experiment.fingerprint}.zarr" / name
    before = path.read_bytes()
    for damage in (*np.linspace(0.1, 0.9, 3), "deleted", "emptied"):
        if damage == "deleted":
            path.unlink()
        elif damage == "emptied":
            path.write_bytes(b"")
        else:
            flipped(path, damage, 1)
        digest, damaged, sentences = mended(store.path)
        assert (digest, damaged) == (made.digest(), []), damage
        assert [sentence for sentence in sentences if "made anew" in sentence], damage
        if name != "zarr.json":
            assert path.read_bytes() == before
    done = [event for event in store.journal.told() if event["event"] == "unit done"]
    assert len(done) == store.job_count, "nothing needed computing again"


def tree(path):
    """The files of a store's groups."""
    return {str(file.relative_to(path)): file.read_bytes() for file in path.glob("*.zarr/**/*") if file.is_file()}


@pytest.mark.parametrize("damage", ["none", "zarr.json", "error/zarr.json", "step/zarr.json", "step/c/0", "seal"])
def test_a_store_of_before_is_read_mended_and_gone_on_with_as_it_is(store, made, damage):
    """Its chunks stay where they are; a frame of the present form around them would lose them all."""
    as_before(store.path)
    before, group = tree(store.path), store.path / f"{store.experiment.fingerprint}.zarr"
    if damage == "seal":
        frame.seal_of(group).unlink()
    elif damage != "none":
        (group / damage).unlink()
    digest, damaged, sentences = mended(store.path)
    assert (digest, damaged, len(sentences)) == (made.digest(), [], damage != "none")
    assert tree(store.path) == before
    store.undo(1)
    (group / "error/c/2/0/0").unlink()
    assert mended(store.path)[:2] == (made.digest(), [1, 2])
    assert not list(group.glob("*/c.*"))
    assert tree(store.path).keys() == before.keys()


def test_a_store_of_before_is_extended_in_the_present_form(store, tmp_path):
    as_before(store.path)
    longer = SMALL.changed(steps=90)
    compute(cl.Store.open(store.path).extended(90), cl.Workers(threads=1), progress=False)
    assert cl.Store.open(store.path).digest() == computed(tmp_path / "longer", longer, WIDTH).digest()
    assert not list(store.path.glob("*.zarr/*/c"))


def test_a_lost_group_is_computed_again(store, made):
    shutil.rmtree(store.path / f"{store.experiment.fingerprint}.zarr")
    digest, _, sentences = mended(store.path)
    assert digest == made.digest()
    assert len([sentence for sentence in sentences if "were gone" in sentence]) == 1


def test_a_damaged_description_is_written_anew(store, made):
    path = store.path / "experiment.yaml"
    text = path.read_text()
    for damage in ("", text[:40], text.replace("0.05", "0.06"), "\0", None):
        path.unlink() if damage is None else path.write_text(damage)
        digest, damaged, sentences = mended(store.path)
        assert (digest, damaged, len(sentences)) == (made.digest(), [], 1)
        assert path.read_text() == text


def test_a_store_whose_every_description_is_lost_says_so(store):
    (store.path / "experiment.yaml").write_text("")
    (store.path / f"{store.experiment.fingerprint}.zarr" / "zarr.json").unlink()
    with pytest.raises(StoreError, match="cannot be read"):
        cl.Store.open(store.path)


@pytest.mark.parametrize("kind", ["steps", "000001.lock", "events.jsonl", "000001.failed"])
def test_damaged_notes_do_no_harm(store, made, kind):
    path = store.path / kind if kind == "events.jsonl" else store.journal.folder / kind
    for raw in (b"\xff\xff\xff", b"3", b"[]", b"{", b"\0" * 24, b"\xff" * 24):
        path.write_bytes(raw)
        from clockless.workers.status import report

        assert "3 of 3 done" in report(cl.Store.open(store.path))
        assert mended(store.path)[0] == made.digest()


def test_a_damaged_checkpoint_is_begun_again_with_a_sentence(tmp_path, made):
    """Bits all over the archive: its headers, names, lengths and numbers."""
    store = cl.Store.create(tmp_path / "store", SMALL, width=WIDTH)
    looks = iter(range(4))
    assert sweep.Runner(store, stopped=lambda: next(looks, None) is None).compute(0).outcome == "stopped"
    path = store.journal.folder / "000000.npz"
    whole = path.read_bytes()
    assert whole
    noticed = 0
    for position in np.linspace(0, 1, 80, endpoint=False):
        for bit in (0, 3):
            path.write_bytes(whole)
            flipped(path, position, bit)
            _, progress, note = sweep.Runner(store)._taken_up(0, store.jobs.learner(0))
            assert ("damaged" in note) == (not progress.steps)
            noticed += "damaged" in note
    assert noticed > 50
    path.write_bytes(whole[:-30])
    digest, _, sentences = mended(store.path)
    assert digest == made.digest()
    assert len(sentences) == 1
    assert "job 0 was begun again" in sentences[0]


def test_results_that_are_not_numbers_are_no_damage(store):
    """Replicas may fail; zarr leaves chunks of nothing but NaN out, whatever the bits of these NaN are."""
    members = len(store.jobs.members[0])
    results = {name: values.copy() for name, values in store._read(0).items()}
    results["error"] = np.copysign(np.full_like(results["error"], np.nan), -1)
    assert len(results["error"]) == members
    store.write(0, results)
    assert store.damaged() == []


def test_the_width_of_units_is_found_in_what_is_left(store, made):
    """Without it a mended frame would have other units, and everything would be computed again."""
    group = store.path / f"{store.experiment.fingerprint}.zarr"
    attributes = json.loads((group / "zarr.json").read_text())
    attributes["attributes"]["width"] = 3
    (group / "zarr.json").write_text(json.dumps(attributes))
    assert mended(store.path)[:2] == (made.digest(), [])


# --- while it grows ------------------------------------------------------------------------------------------------------


def test_half_a_store_shows_what_is_done(tmp_path, made):
    store = cl.Store.create(tmp_path / "store", SMALL, width=WIDTH)
    with pytest.raises(ParameterError, match="no job"):
        store.plot()
    assert sweep.Runner(store).compute(1).outcome == "done"
    data = cl.Store.open(store.path).dataset()
    done = np.zeros(SMALL.replicas, dtype=bool)
    done[store.jobs.members[1]] = True
    np.testing.assert_array_equal(data.done.values.ravel(), done)
    np.testing.assert_array_equal(np.isnan(data.error).all("step").values.ravel(), ~done)
    whole = made.dataset()
    np.testing.assert_array_equal(data.error.where(data.done), whole.error.where(data.done))
    assert data.attrs["fingerprint"] == SMALL.fingerprint
    assert json.loads(data.attrs["settings"]) == SMALL.plain()
    assert "doi" in data.attrs["cite"]


def test_a_store_can_be_read_and_drawn_while_it_is_written(tmp_path):
    import threading

    experiment = SMALL.changed(seeds=list(range(8)))
    store = cl.Store.create(tmp_path / "store", experiment, width=6)
    running = threading.Thread(target=compute, args=(store, cl.Workers(threads=1), False))
    running.start()
    seen = []
    while running.is_alive():
        with contextlib.suppress(ParameterError):  # nothing is done yet
            opened = cl.Store.open(store.path)
            assert opened.damaged() == []
            seen.append(int(opened.dataset().done.sum()))
            if len(seen) % 9 == 1:
                import matplotlib.pyplot as plt

                plt.close(opened.plot())
    running.join()
    assert seen == sorted(seen)
    assert int(store.dataset().done.sum()) == experiment.replicas


# --- places --------------------------------------------------------------------------------------------------------------


def test_another_experiment_is_refused_and_the_same_goes_on(store):
    with pytest.raises(StoreError, match="another experiment \\(steps differ\\)"):
        cl.Store.create(store.path, SMALL.changed(steps=61))
    assert cl.Store.create(store.path, SMALL.changed(title="renamed")).done().all()
    for steps in (60, 10):
        with pytest.raises(StoreError, match="more than that"):
            store.extended(steps)


def test_a_foreign_folder_is_refused_and_left_alone(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "thesis.tex").write_text("years of work")
    for place in (folder, folder / "thesis.tex"):
        with pytest.raises(StoreError):
            cl.Store.create(place, SMALL)
        with pytest.raises(StoreError):
            cl.Store.open(place)
    assert [path.name for path in folder.iterdir()] == ["thesis.tex"]
    (tmp_path / "empty").mkdir()
    assert cl.Store.create(tmp_path / "empty", SMALL).job_count == 1, "an empty folder will do"


def test_a_store_that_was_being_made_when_it_was_killed_is_made(tmp_path, made):
    """The group comes first, the description last."""
    store = cl.Store.create(tmp_path / "store", SMALL, width=WIDTH)
    for name in ("experiment.yaml", "events.jsonl"):
        (store.path / name).unlink()
    assert cl.Store.create(store.path, SMALL).job_count == made.job_count


def test_a_store_that_another_process_makes_meanwhile_is_that_one(tmp_path, monkeypatch):
    """Whole, just before the place is looked at; or still without a name for its description."""
    first, second = tmp_path / "whole", tmp_path / "half"
    check = Jobs.check

    def slow_check(jobs):
        monkeypatch.setattr(Jobs, "check", check)
        check(jobs)
        cl.Store.create(first, SMALL)

    monkeypatch.setattr(Jobs, "check", slow_check)
    assert cl.Store.create(first, SMALL).experiment.fingerprint == SMALL.fingerprint
    monkeypatch.setattr(Jobs, "check", slow_check)
    first = tmp_path / "other"
    with pytest.raises(StoreError, match="holds another experiment"):
        cl.Store.create(first, SMALL.changed(steps=61))
    second.mkdir()
    (second / ".experiment.0123456789abcdef.yaml").touch()
    assert cl.Store.create(second, SMALL).experiment.fingerprint == SMALL.fingerprint


def test_eight_may_make_one_store_at_once(tmp_path):
    together = threading.Barrier(8)

    def make(_):
        together.wait(LIMIT)
        return cl.Store.create(tmp_path / "store", SMALL, WIDTH)

    with ThreadPoolExecutor(8) as pool:
        stores = list(pool.map(make, range(8)))
    assert {store.experiment.fingerprint for store in stores} == {SMALL.fingerprint}
    assert not stores[0].damaged()
    assert {path.name for path in (tmp_path / "store").iterdir()} <= {
        "experiment.yaml", "events.jsonl", "units", f"{SMALL.fingerprint}.zarr", f"{SMALL.fingerprint}.seal"
    }  # fmt: skip


@pytest.mark.parametrize("place", ["/proc/nothing/store", "below/a-file/store", "x" * 300, "/sys/store"])
def test_a_place_that_cannot_be_written_to_gets_a_sentence(tmp_path, place):
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "a-file").write_text("")
    with pytest.raises(ClocklessError) as caught:
        cl.run(SMALL, tmp_path / place, cl.Workers(threads=1), progress=False)
    assert "\n" not in str(caught.value)
    assert "Errno" not in str(caught.value)


@contextlib.contextmanager
def as_somebody_else():
    """Without the rights of root, which no permission stops."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_store_in_a_read_only_folder_can_be_read_but_not_gone_on_with(made):
    from clockless.workers.status import report

    path = Path("/var/tmp" if os.access("/var/tmp", os.W_OK) else "/tmp") / f"clockless-read-only-{os.getpid()}"
    shutil.copytree(made.path, path)
    try:
        # What is imported late may lie where only root can read.
        report(made), made.dataset(), compute(made, cl.Workers(threads=1), progress=False)
        cl.Store.open(path).undo(1)
        for folder in [path, *(entry for entry in path.rglob("*") if entry.is_dir())]:
            folder.chmod(0o555)
        for file in (entry for entry in path.rglob("*") if entry.is_file()):
            file.chmod(0o444)
        with as_somebody_else():
            assert "2 of 3 done" in report(cl.Store.open(path))
            assert int(cl.Store.open(path).dataset().done.sum()) == 2 * WIDTH
            with pytest.raises(StoreError, match="cannot be written"):
                compute(cl.Store.open(path), cl.Workers(threads=1), progress=False)
    finally:
        for folder in [path, *(entry for entry in path.rglob("*") if entry.is_dir())]:
            folder.chmod(0o755)
        shutil.rmtree(path)


FULL = """
import resource, signal, sys
import clockless as cl
store = cl.Store.open(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # writing more is then an error, as on a full disk
resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))
try:
    cl.run(store.experiment, store.path, cl.Workers(threads=2), progress=False)
except cl.errors.StoreError as error:
    print(error)
"""


def test_a_full_disk_stops_with_a_sentence_and_loses_nothing(tmp_path, made):
    store = cl.Store.create(tmp_path / "store", SMALL, width=WIDTH)
    sweep.Runner(store).compute(0)
    ended = subprocess.run(
        [sys.executable, "-c", FULL, str(store.path)], capture_output=True, text=True, timeout=LIMIT, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert f"go on with `clockless resume {store.path}`" in ended.stdout
    assert cl.Store.open(store.path).done()[0] != 0
    assert cl.Store.open(store.path).damaged() == []
    assert not list(store.path.rglob(".*npz*")), "nothing half-written is left"
    assert mended(store.path)[0] == made.digest()


def test_a_really_full_disk(tmp_path, made):
    """A file system of one megabyte, where this is allowed."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    command = [mount or "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if mount is None or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("no file system can be mounted here")
    try:
        store = cl.Store.create(disk / "store", SMALL, width=WIDTH)
        sweep.Runner(store).compute(0)
        filler = disk / "filler"
        with contextlib.suppress(OSError), filler.open("wb") as file:
            while True:
                file.write(b"\0" * 4096)
                file.flush()
        with pytest.raises(StoreError, match="No space left"):
            compute(cl.Store.open(store.path), cl.Workers(threads=1), progress=False)
        filler.unlink()
        assert mended(store.path)[0] == made.digest()
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_limits_of_this_process_are_untouched():
    """The full disk above was that of another process."""
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    assert signal.getsignal(signal.SIGXFSZ) is not None


# --- units that raise ----------------------------------------------------------------------------------------------------

FRAIL = '''\
"""A clock that fails for one value, as a part from outside may."""

from pathlib import Path

import numpy as np

from clockless.parts import clocks
from clockless.parts.part import behaviour, part

BROKEN = Path({folder!r}) / "broken"


@part
class Frail:
    p: float

    def rate(self, units):
        return 0.5

    def acting(self, numbers):
        return np.arange(numbers.size) % 2 == 0

    def memory(self, seed, replica, units):
        if self.p == 0.25 and BROKEN.exists():
            raise ZeroDivisionError("0.25 is\\nbad luck")
        return np.zeros((0, units))


@behaviour(clocks.choose, Frail)
def _choose(clock, memory, step, key, wanted, acts):
    acts[0::2] = True
    acts[1::2] = False
'''


@pytest.fixture(scope="session")
def frail(tmp_path_factory):
    """A folder with frail_clock.py, whose clock fails as long as there is a file `broken` in the folder."""
    folder = tmp_path_factory.mktemp("parts")
    (folder / "frail_clock.py").write_text(FRAIL.format(folder=str(folder)))
    return folder


def test_a_unit_that_raises_is_reported_and_tried_again_by_the_next_run(frail, tmp_path, monkeypatch):
    monkeypatch.chdir(frail)
    clock = {"kind": "frail_clock:Frail", "p": [0.125, 0.25, 0.5]}
    experiment = SMALL.changed(clock=clock, rule={**SMALL.rule, "nudge": 0.5})
    (frail / "broken").write_text("")
    store = cl.Store.create(tmp_path / "store", experiment, width=1)
    ended = compute(store, cl.Workers(threads=2), progress=False)
    bad = [k for k in range(experiment.replicas) if experiment.at(k)["clock"]["p"] == 0.25]
    assert (ended.done, sorted(ended.failures)) == (experiment.replicas - len(bad), bad)
    assert set(ended.failures.values()) == {"ZeroDivisionError: 0.25 is bad luck"}
    assert int(store.dataset().done.sum()) == experiment.replicas - len(bad)
    again = compute(store, cl.Workers(threads=2), progress=False)
    assert sorted(again.failures) == bad
    (frail / "broken").unlink()
    healed = compute(store, cl.Workers(threads=2), progress=False)
    assert healed.complete
    assert not healed.failures
    done = [event["unit"] for event in store.journal.told() if event["event"] == "unit done"]
    assert sorted(done) == list(range(experiment.replicas)), "what was done was not computed again"


def test_checkpoints_can_go_once_a_job_is_done(store, made, tmp_path):
    """Without them a store holds the same, and is mended and extended from step 0, with the same bits."""
    assert len(list(store.path.glob("units/*/*.npz"))) == store.job_count
    store.forget_checkpoints()
    assert not list(store.path.glob("units/*/*.npz"))
    assert cl.Store.open(store.path).digest() == made.digest()
    flipped(chunks(store, "error", 1)[0])
    digest, again, _ = mended(store.path)
    assert (digest, again) == (made.digest(), [1])
    store.forget_checkpoints()
    longer = cl.Store.open(store.path).extended(90)
    compute(longer, cl.Workers(threads=1), progress=False)
    assert longer.digest() == computed(tmp_path / "whole", SMALL.changed(steps=90), WIDTH).digest()


def test_only_checkpoints_of_jobs_that_are_done_go(store):
    """A job that is not done needs its own."""
    store.undo(1)
    store.forget_checkpoints()
    assert [path.stem for path in store.path.glob("units/*/*.npz")] == ["000001"]


def test_stores_of_a_reproduction_keep_no_checkpoints(tmp_path):
    """Once they are whole; a second look computes nothing."""
    from clockless.workers.run import results_of

    first = results_of(SMALL, tmp_path, 1)
    (folder,) = tmp_path.iterdir()
    assert not list(folder.glob("units/*/*.npz"))
    events = len((folder / "events.jsonl").read_text().splitlines())
    assert results_of(SMALL, tmp_path, 1).identical(first)
    told = [json.loads(line)["event"] for line in (folder / "events.jsonl").read_text().splitlines()[events:]]
    assert "unit done" not in told
