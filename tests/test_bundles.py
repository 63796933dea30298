"""A study as one file and back: the same fingerprint and results, and nothing of a stranger's archive is believed."""

from __future__ import annotations

import hashlib
import json
import shutil
import stat
import zipfile

import pytest
import yaml

import clockless as cl
from clockless.errors import OutputError, ParameterError, StoreError
from test_cli_stores import clockless

__all__ = ["clockless"]  # a fixture

EXPERIMENT = cl.Experiment(
    network={"kind": "board16"}, task={"kind": "regression", "seed": [0, 1]}, steps=30, title="two boards",
    clock={"kind": "bernoulli", "p": [0.3, 1.0]},
)  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return cl.run(EXPERIMENT, tmp_path_factory.mktemp("study") / "store", progress=False)


@pytest.fixture(scope="module")
def bundle(store, tmp_path_factory):
    return cl.bundles.write(store, tmp_path_factory.mktemp("bundle") / "study.zip").path


def test_a_bundle_comes_back_with_the_same_fingerprint_and_results(store, bundle, tmp_path):
    again = cl.bundles.read(bundle, tmp_path / "unpacked")
    assert again.experiment == store.experiment
    assert again.experiment.fingerprint == store.experiment.fingerprint
    assert again.digest() == store.digest()
    assert cl.read(tmp_path / "unpacked" / "experiment.yaml") == EXPERIMENT
    longer = again.extended(40)
    assert cl.run(longer.experiment, again.path, progress=False).experiment.steps == 40, "it can be gone on with"


def test_it_has_all_that_an_archive_asks_for(store, bundle):
    with zipfile.ZipFile(bundle) as archive:
        names = set(archive.namelist())
        assert {"README.md", "CITATION.cff", "environment.json", "experiment.yaml", "results.nc", "errors.csv"} <= names
        assert {f"figures/{name}.{kind}" for name in ("learning-curves", "machine-0") for kind in ("png", "pdf")} <= names
        manifest = json.loads(archive.read("manifest.json"))
        for name, listed in manifest["files"].items():
            content = archive.read(name)
            assert (len(content), hashlib.sha256(content).hexdigest()) == (listed["bytes"], listed["sha256"])
        cited = yaml.safe_load(archive.read("CITATION.cff"))
        environment = json.loads(archive.read("environment.json"))
    assert cited["title"] == "two boards"
    works = [each["title"] for each in cited["references"]]
    assert works == store.dataset().attrs["cite"].splitlines()
    assert {"numpy", "numba"} <= set(environment["packages"])
    assert environment["sources"] == store.jobs.sources


def test_the_command_line_writes_and_unpacks(clockless, store, tmp_path):
    code, out, err = clockless("export", store.path, "study.zip", "--bundle")
    assert code == 0, err
    assert store.experiment.fingerprint in out
    code, out, err = clockless("unpack", "study.zip", "again")
    assert code == 0, err
    assert store.experiment.fingerprint in out
    assert clockless("unpack", "study.zip", "again")[0] == 2, "nothing is written over"
    assert clockless("export", store.path, "study.tar", "--bundle")[0] == 2


def test_a_store_that_is_not_done_is_bundled_and_finished_elsewhere(tmp_path):
    begun = cl.Store.create(tmp_path / "begun", EXPERIMENT)
    made = cl.bundles.write(begun, tmp_path / "begun.zip")
    assert (made.done, made.jobs) == (0, begun.job_count)
    there = cl.bundles.read(made.path, tmp_path / "there")
    assert bool(cl.run(there.experiment, there.path, progress=False).dataset().done.all())


# --- archives of others --------------------------------------------------------------------------------------------------


def changed(bundle, path, name=None, content=b"x", mode=None, listed=True, drop=None, size=None):
    """A copy of a bundle with another file in it, which its manifest names if `listed`."""
    with zipfile.ZipFile(bundle) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        manifest = json.loads(old.read("manifest.json"))
        if name and listed:
            manifest["files"][name] = {"bytes": size or len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for each in old.namelist():
            if each == "manifest.json":
                new.writestr(each, json.dumps(manifest))
            elif each not in (name, drop):
                new.writestr(each, old.read(each))
        if name:
            info = zipfile.ZipInfo(name)
            info.external_attr = (mode or 0o100644) << 16
            new.writestr(info, content, zipfile.ZIP_DEFLATED)
    return path


STRANGE = {
    "a path out of it": {"name": "../escaped"},
    "a deeper path out of it": {"name": "store/../../escaped"},
    "an absolute path": {"name": "/escaped-from-a-bundle"},
    "a path of Windows": {"name": "..\\\\escaped"},
    "a drive": {"name": "C:escaped"},
    "a dot": {"name": "./escaped"},
    "two slashes": {"name": "store//escaped"},
    "a link": {"name": "link", "content": b"/etc/passwd", "mode": stat.S_IFLNK | 0o777},
    "a pipe": {"name": "pipe", "mode": stat.S_IFIFO | 0o644},
    "a file that nobody named": {"name": "extra", "listed": False},
    "a missing file": {"drop": "errors.csv"},
    "another content": {"name": "errors.csv", "content": b"forged", "listed": False},
    "a size that is a lie": {"name": "extra", "content": b"xyz", "size": 2},
    "a bomb": {"name": "zeros", "content": bytes(30_000_000), "size": 10},
}


@pytest.mark.parametrize("what", STRANGE)
def test_strange_archives_are_refused_and_leave_nothing(bundle, tmp_path, what):
    strange = changed(bundle, tmp_path / "strange.zip", **STRANGE[what])
    (tmp_path / "room").mkdir()
    with pytest.raises(StoreError) as caught:
        cl.bundles.read(strange, tmp_path / "room" / "unpacked")
    assert len(str(caught.value)) < 500
    assert list((tmp_path / "room").iterdir()) == []
    assert not (tmp_path / "escaped").exists()


@pytest.mark.parametrize("content", [b"", b"no archive at all", b"PK\x03\x04" + bytes(100)])
def test_what_is_no_archive_gets_one_sentence(tmp_path, content):
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(StoreError, match=r"x\.zip"):
        cl.bundles.read(tmp_path / "x.zip", tmp_path / "unpacked")
    with pytest.raises(StoreError, match="no such file"):
        cl.bundles.read(tmp_path / "y.zip", tmp_path / "unpacked")


def test_cut_and_flipped_archives_are_noticed(bundle, tmp_path):
    whole = bundle.read_bytes()
    for damaged in (whole[: len(whole) // 2], whole[:2000] + bytes([whole[2000] ^ 255]) + whole[2001:]):
        (tmp_path / "x.zip").write_bytes(damaged)
        with pytest.raises(StoreError):
            cl.bundles.read(tmp_path / "x.zip", tmp_path / "unpacked")


def test_results_that_are_not_those_of_the_manifest(store, bundle, tmp_path):
    """Every file is what its own hash says, but the store was computed from something else."""
    other = cl.run(EXPERIMENT.changed(steps=20), tmp_path / "other", progress=False)
    made = cl.bundles.write(other, tmp_path / "other.zip").path
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(tmp_path / "forged.zip", "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "manifest.json":
                about = json.loads(content)
                about["digest"] = store.digest()
                content = json.dumps(about)
            new.writestr(name, content)
    with pytest.raises(StoreError, match="not those that its manifest names"):
        cl.bundles.read(tmp_path / "forged.zip", tmp_path / "unpacked")


def test_bad_places(store, bundle, tmp_path):
    with pytest.raises(ParameterError, match=r"a bundle is a \.zip"):
        cl.bundles.write(store, tmp_path / "study.tgz")
    with pytest.raises(ParameterError, match="open one with"):
        cl.bundles.write("store", tmp_path / "study.zip")
    with pytest.raises(OutputError, match="is there already"):
        cl.bundles.read(bundle, tmp_path)
    shutil.copy(bundle, tmp_path / "copy.zip")
    assert cl.bundles.read(tmp_path / "copy.zip", tmp_path / "deep" / "down").digest() == store.digest()
