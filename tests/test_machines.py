"""Machines of all kinds: file systems without locks, clocks that jump, disks that are full, versions that differ."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import time
import warnings

import numpy as np
import pytest
import xarray

import clockless as cl
from clockless import disk
from clockless.errors import OutputError, StoreError
from clockless.stores.locks import check_locks, local_locks
from clockless.workers import loop
from clockless.workers.run import compute
from clockless.workers.status import report
from test_cli_stores import clockless
from test_store import SMALL, WIDTH
from test_sweep import computed

__all__ = ["clockless"]  # a fixture
pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A finished store of three jobs."""
    return computed(tmp_path_factory.mktemp("made") / "store", SMALL, WIDTH)


def full(*args, **options):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


# --- locks ---------------------------------------------------------------------------------------------------------------


def test_locks_that_work_are_passed_over_in_silence(tmp_path):
    assert check_locks(tmp_path) == ""
    assert list(tmp_path.iterdir()) == []


def test_locks_that_keep_nobody_apart_are_said_and_the_bits_stay(tmp_path, made, monkeypatch):
    """A `flock` that always succeeds, as some network file systems have it."""
    store = cl.Store.create(tmp_path / "store", SMALL, width=WIDTH)
    monkeypatch.setattr(fcntl, "flock", lambda handle, how: None)
    with pytest.warns(UserWarning, match=r"locks keep nobody apart where .* let one run at a time compute there"):
        assert compute(store, cl.Workers(threads=2), progress=False).complete
    assert store.digest() == made.digest()
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a finished store needs none
        compute(store, cl.Workers(threads=1), progress=False)


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_refused_in_one_sentence(tmp_path, monkeypatch, code):
    store = cl.Store.create(tmp_path / "store", SMALL, width=WIDTH)

    def none(handle, how):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", none)
    with pytest.raises(StoreError, match=r"file system without locks .* copy it to another disk") as caught:
        compute(store, cl.Workers(threads=1), progress=False)
    assert os.strerror(code) in str(caught.value)
    assert not list(store.path.glob(".locks-*"))
    monkeypatch.undo()
    assert compute(store, cl.Workers(threads=1), progress=False).complete


MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
31 22 0:40 / /home rw,relatime - nfs4 server:/home rw,vers=4.2,local_lock=none,addr=10.0.0.1
32 22 0:41 / /home/old\\040group rw,relatime - nfs server:/old rw,vers=3,nolock,local_lock=all,addr=10.0.0.1
33 22 0:42 / /scratch rw,relatime shared:7 - lustre mds:/scratch rw,flock,lazystatfs
34 22 0:43 / /fast rw,localflock - lustre mds:/fast rw,localflock
35 22 0:44 / /mnt/desk rw - fuse.sshfs me@desk: rw,user_id=0
36 22 0:45 / /mnt/share rw - cifs //server/share rw,nobrl
nonsense - 
"""


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("/data/store", ""),
        ("/home/me/store", ""),
        ("/home/old group/store", "nfs mounted with nolock"),
        ("/home/old groups/store", ""),
        ("/scratch/store", ""),
        ("/fast/store", "lustre mounted with localflock"),
        ("/mnt/desk", "fuse.sshfs"),
        ("/mnt/share/x", "cifs mounted with nobrl"),
    ],
)
def test_mounts_whose_locks_end_at_the_machine_are_known(tmp_path, place, said):
    (tmp_path / "mountinfo").write_text(MOUNTS)
    assert local_locks(tmp_path.__class__(place), tmp_path / "mountinfo") == said
    assert local_locks(tmp_path, tmp_path / "missing") == ""


def test_such_a_mount_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr("clockless.stores.locks.local_locks", lambda *_: "nfs mounted with nolock")
    assert "lies on nfs mounted with nolock, whose locks hold within one machine" in check_locks(tmp_path)


# --- clocks --------------------------------------------------------------------------------------------------------------


def test_a_clock_that_jumps_changes_nothing(tmp_path, made, monkeypatch):
    """Forward by years and back at every look, into the time before 1970 as well."""
    store = cl.Store.create(tmp_path / "store", SMALL, width=WIDTH)
    jumps = iter(np.resize([4e9, -5.0, 1.7e9, 0.0], 10_000).tolist())
    monkeypatch.setattr(time, "time", lambda: next(jumps))
    runner = loop.Runner(store, checkpoint_seconds=1e-9)
    assert runner.compute(0).outcome == "done"
    assert "time left" in report(store)
    assert compute(store, cl.Workers(threads=2), progress=False).complete
    told = [json.loads(line) for line in (store.path / "events.jsonl").read_text().splitlines()]
    times = [event["time"] for event in told]
    assert times != sorted(times)
    assert all(event["seconds"] >= 0 for event in told if event["event"] == "unit done"), (
        "these are of a clock that does not"
    )
    assert store.digest() == made.digest()


# --- full disks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", ["os.fsync", "os.replace"])
def test_a_disk_that_is_full_in_a_checkpoint_leaves_the_one_before(tmp_path, made, monkeypatch, at):
    """Delayed writes fail at `fsync`; then as now the old checkpoint stays, and the run goes on from it."""
    store = cl.Store.create(tmp_path / "store", SMALL, width=WIDTH)
    put_away, stops = store.journal.put_away, iter([False] * 3 + [True] * 100)
    loop.Runner(store, stopped=lambda: next(stops), checkpoint_seconds=1e-9).compute(0)
    checkpoint = store.journal._path(0, "npz")
    before = checkpoint.read_bytes()

    def put_away_on_a_full_disk(*args):
        with monkeypatch.context() as patched:
            patched.setattr(at, full)
            put_away(*args)

    monkeypatch.setattr(store.journal, "put_away", put_away_on_a_full_disk)
    with pytest.raises(StoreError, match=r"No space left on device.*go on with `clockless resume"):
        compute(store, cl.Workers(threads=1), progress=False)
    assert checkpoint.read_bytes() == before
    assert not list(store.path.rglob(".*.npz"))
    monkeypatch.undo()
    assert compute(cl.Store.open(store.path), cl.Workers(threads=1), progress=False).complete
    assert cl.Store.open(store.path).digest() == made.digest()


@pytest.mark.parametrize("at", ["clockless.disk.write", "os.rename", "tempfile.mkdtemp"])
def test_a_disk_that_is_full_while_a_store_is_made(tmp_path, made, monkeypatch, at):
    """There is nothing to resume then, and the same command makes it."""
    with monkeypatch.context() as patched:
        patched.setattr(at, full)
        with pytest.raises(StoreError, match=r"cannot be made .No space left on device.; nothing is kept") as caught:
            cl.Store.create(tmp_path / "store", SMALL, width=WIDTH)
    assert "resume" not in str(caught.value)
    assert not list(tmp_path.rglob(".new-*"))
    store = cl.Store.create(tmp_path / "store", SMALL, width=WIDTH)
    assert compute(store, cl.Workers(threads=1), progress=False).complete
    assert store.digest() == made.digest()


def test_half_an_event_is_noticed_and_passed_over(tmp_path, monkeypatch):
    """A write to a disk that is nearly full may be cut off without an error."""
    store, write = cl.Store.create(tmp_path / "store", SMALL, width=WIDTH), os.write
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", lambda handle, text: write(handle, text[:20]))
        with pytest.raises(OSError, match="No space left"):
            store.journal.tell("run begun")
    assert [event["event"] for event in store.journal.told()] == ["created"]


@pytest.mark.parametrize(
    "write", [lambda path: disk.write(path, "new"), lambda path: disk.write_arrays(path, {"a": np.ones(9)})]
)
def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch, write):
    path = tmp_path / "file.npz"
    path.write_bytes(b"old")
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            write(path)
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("file.npz", b"old")]
    write(path)
    assert path.read_bytes() != b"old"


# --- folders of runs of modules and of reproductions ----------------------------------------------------------------------


def test_reports_are_written_through_no_link_and_whole(tmp_path, monkeypatch):
    from clockless.papers.reproduction import Folder

    (tmp_path / "thesis.tex").write_text("years of work")
    folder = Folder(tmp_path / "out")
    (folder.path / "report.html").symlink_to(tmp_path / "thesis.tex")
    with folder.writing("report.html") as path:
        path.write_text("new")
    assert (tmp_path / "thesis.tex").read_text() == "years of work"
    assert (folder.path / "report.html").read_text() == "new"
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left on device"):
        folder.keep_data("table", xarray.Dataset({"a": ("x", [1.0])}))
    assert [(each.name, each.read_text()) for each in folder.path.iterdir()] == [("report.html", "new")]


def test_snapshots_of_actors_are_written_and_read_through_no_link(tmp_path):
    from clockless.actors import snapshots
    from clockless.actors.traces import write_whole

    (tmp_path / "thesis.npz").write_bytes(b"years of work")
    (tmp_path / "module.npz").symlink_to(tmp_path / "thesis.npz")
    with pytest.raises(OutputError, match="is no snapshot of an actor; delete it"):
        snapshots.load(tmp_path, "module")
    write_whole(tmp_path / "module.npz", {"counts": np.array([3, 4, 5]), "state/x": np.ones(2)})
    assert (tmp_path / "thesis.npz").read_bytes() == b"years of work"
    saved = snapshots.load(tmp_path, "module")
    assert (saved.events, saved.begun, saved.run, saved.state["x"].tolist()) == (3, 4, 5, [1.0, 1.0])
    os.mkfifo(tmp_path / "pipe.npz")
    with pytest.raises(OutputError, match="is no snapshot of an actor"):
        snapshots.load(tmp_path, "pipe")
    assert snapshots.load(tmp_path, "nobody") is None


# --- versions ------------------------------------------------------------------------------------------------------------


def test_two_versions_do_not_mix_in_one_store(tmp_path, made, monkeypatch, clockless):
    """A worker of another version, which meets a store that this one has begun: it computes nothing, and says why."""
    store = cl.Store.create(tmp_path / "store", SMALL, width=WIDTH)
    loop.Runner(store).compute(0)
    with monkeypatch.context() as patched:
        patched.setattr("clockless.experiments.jobs.digest_of", lambda *modules: "fedcba9876543210")
        patched.setattr("clockless.stores.provenance.__version__", "9.9.9")
        code, _, err = clockless("resume", store.path, "--threads", "1")
        assert (code, len(err.splitlines())) == (2, 1)
        assert "cannot be gone on with: it was made with clockless" in err
        assert "and this is 9.9.9 (sources fedcba9876543210)" in err
        assert "9.9.9" in clockless("status", store.path)[1]
        assert int(cl.Store.open(store.path).dataset().done.sum()) > 0, "what is there can be read"
    assert np.count_nonzero(store.done()) == 1
    assert compute(store, cl.Workers(threads=1), progress=False).complete
    assert store.digest() == made.digest()
