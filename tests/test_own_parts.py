"""Parts of the user's own: reading runs nothing, exactly the named file is run, its digest is part of the experiment."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import clockless as cl
from clockless.errors import ClocklessError, DescriptionError, OwnCodeWarning, ParameterError, StoreError
from clockless.experiments import own_parts
from clockless.experiments.descriptions import built
from clockless.experiments.files import with_flags
from clockless.stores.frame import _sum, group_path, seal_of
from clockless.tasks.datasets import MNIST_FILES
from clockless.workers.run import compute
from rigs import LIMIT
from small_mnist import write_mnist

pytestmark = pytest.mark.filterwarnings("ignore::clockless.errors.OwnCodeWarning")

PART = '''
import pathlib
import numpy as np
from clockless.parts.part import part

pathlib.Path({marker!r}).write_text("ran")


@part
class Odd:
    """Every {every}th unit acts."""
    shift: int
    weight: float = 0.5

    def rate(self, units):
        return 1 / {every}

    def acting(self, numbers):
        return np.arange(numbers.size) % {every} == self.shift
'''
STUDY = """
network: {kind: dense, sizes: [2, 3, 1]}
medium: {kind: xy}
task: {kind: xor}
rule: {kind: equilibrium-propagation, nudge: 0.1, rate: 0.5}
clock: {kind: "my_clocks.py:Odd", shift: [0, 1]}
batch: 4
steps: 4
record: [1, 2]
traces: true
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A folder with a study and its own part, which leaves `ran` there when it is run; the working folder is another."""
    monkeypatch.setattr(own_parts, "_copies", {})
    monkeypatch.setattr(own_parts, "_modules", {})
    monkeypatch.setattr(own_parts, "_trusting", False)
    built.__globals__["_built"].cache_clear()
    folder = tmp_path / "home"
    (tmp_path / "elsewhere").mkdir()
    folder.mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    (folder / "study.yaml").write_text(STUDY)
    written(folder)
    return folder


def written(folder, every=2):
    """The file of the part, and its digest as sha256sum gives it."""
    text = PART.format(marker=str(folder / "ran"), every=every)
    (folder / "my_clocks.py").write_text(text)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def run(folder, out="store"):
    """The results of the study there."""
    return cl.run(cl.read(folder / "study.yaml"), folder / out, cl.Workers(threads=1), progress=False)


def refused(path):
    """The sentence that reading gets."""
    with pytest.raises(DescriptionError) as caught:
        cl.read(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- what an own part is ---------------------------------------------------------------------------------------


def test_fingerprints_without_own_parts_are_what_they_were():
    """Numbers of the version before there were digests."""
    assert cl.Experiment().fingerprint == "4c68c1de5e415adb"
    changed = cl.Experiment(clock=cl.Bernoulli(0.5), device=cl.Levels(comparator=cl.Magnitudes(0.1)), batch=1)
    assert changed.fingerprint == "f2489bcc1606947d"


def test_the_digest_of_the_file_is_part_of_the_description_and_nothing_runs(home):
    experiment = cl.read(home / "study.yaml")
    assert experiment.clock == {
        "kind": "my_clocks.py:Odd", "digest": written(home), "shift": [0, 1], "weight": 0.5,
    }  # fmt: skip
    assert experiment.axes[0].name == "shift"
    (home / "study.yaml").write_text(STUDY.replace("my_clocks.py:", "my_clocks:"))
    assert cl.read(home / "study.yaml").fingerprint == experiment.fingerprint, "the older spelling"
    shutil.copytree(home, home.parent / "moved")
    assert cl.read(home.parent / "moved" / "study.yaml").fingerprint == experiment.fingerprint
    written(home, every=3)
    assert cl.read(home / "study.yaml").fingerprint != experiment.fingerprint
    assert not (home / "ran").exists()


def test_an_edited_part_computes_other_numbers(home):
    one = run(home).dataset()
    assert (home / "ran").exists()
    np.testing.assert_array_equal(one.p, 0.5)
    written(home, every=3)
    other = run(home, "other").dataset()
    np.testing.assert_array_equal(other.p, 1 / 3)
    assert (one.parameters != other.parameters).any()
    couplings = 2 * 3 + 3 * 1
    for data, every in ((one, 2), (other, 3)):
        moved = (data.traces.isel(step=-1) != data.traces.isel(step=0)).values[:, :couplings]
        for shift in (0, 1):
            assert not moved[shift, np.arange(couplings) % every != shift].any()
            assert moved[shift].any()


@pytest.mark.parametrize(
    ("clock", "said"),
    [
        ("{kind: 'my_clocks.py:Even', shift: 0}", "holds no class Even"),
        ("{kind: 'missing.py:Odd', shift: 0}", "missing.py cannot be read"),
        ("{kind: '../my_clocks.py:Odd', shift: 0}", "clock.kind"),
        ("{kind: 'sub/my_clocks.py:Odd', shift: 0}", "clock.kind"),
        ("{kind: '.hidden.py:Odd', shift: 0}", "clock.kind"),
        ("{kind: 'my_clocks.py:Odd'}", "clock.shift is missing"),
        (
            "{kind: 'my_clocks.py:Odd', shift: 0, p: 1}",
            "clock.p is unknown; the fields of my_clocks.py:Odd are: shift, weight",
        ),
        ("{kind: 'my_clocks.py:Odd', shift: 0.5}", "clock.shift = 0.5; it must be a whole number"),
        ("{kind: 'my_clocks.py:Odd', shift: 0, digest: 7}", "clock.digest"),
        ("{kind: 'my_clocks.py:Odd', shift: 0, digest: 0123456789abcdef}", "the edited file makes another experiment"),
        ("{kind: 'my_clocks.py:np', shift: 0}", "holds no class np"),
        ("{kind: 'broken.py:Odd', shift: 0}", "broken.py is no Python"),
        ("{kind: 'plain.py:Odd', shift: 0}", "decorate its class"),
        ("{kind: 'pipe.py:Odd'}", "no file that can be read"),
        ("{kind: 'latin.py:Odd'}", "UTF-8"),
        ("{kind: 'trap:Odd'}", "not imported unasked"),
        ("{kind: 'trap.inner:Odd'}", "not imported unasked"),
    ],
)
def test_mistakes_get_a_sentence_and_nothing_runs(home, monkeypatch, clock, said):
    (home / "broken.py").write_text("class Odd(:")
    (home / "plain.py").write_text("class Odd:\n    shift: int\n")
    (home / "latin.py").write_bytes(b"# Gr\xf6\xdfe")
    os.mkfifo(home / "pipe.py")
    (home.parent / "trap").mkdir()
    for name in ("__init__", "inner"):
        (home.parent / "trap" / f"{name}.py").write_text(f"open({str(home / 'ran')!r}, 'w')")
    monkeypatch.syspath_prepend(str(home.parent))
    (home / "study.yaml").write_text(STUDY.replace('{kind: "my_clocks.py:Odd", shift: [0, 1]}', clock))
    assert said in refused(home / "study.yaml")
    assert not (home / "ran").exists()


def test_a_part_that_fails_or_is_none_gets_a_sentence(home):
    for text, said in (
        ("raise RuntimeError('two\\nlines')\n@None\nclass Odd:\n    shift: int", "RuntimeError: two lines"),
        ("raise SystemExit(0)\n@None\nclass Odd:\n    shift: int", "SystemExit"),
        ("import my_neighbour\n@None\nclass Odd:\n    shift: int", "imports installed packages only"),
        ("def f(c): return c\n@f\nclass Odd:\n    shift: int", "is no part"),
    ):
        (home / "my_clocks.py").write_text(text)
        (home / "my_neighbour.py").write_text("")
        experiment = cl.read(home / "study.yaml")
        with pytest.raises(DescriptionError, match=said) as caught:
            cl.Store.create(home / "store", experiment)
        assert "\n" not in str(caught.value)
        assert not (home / "store").exists()


def test_a_part_given_in_python_is_named_by_its_file(home):
    spec = importlib.util.spec_from_file_location("my_clocks", home / "my_clocks.py")
    module = sys.modules["my_clocks"] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        by_object = cl.read(home / "study.yaml").changed(clock=[module.Odd(0), module.Odd(1)])
    finally:
        del sys.modules["my_clocks"]
    assert by_object.clock[1] == {"kind": "my_clocks.py:Odd", "digest": written(home), "shift": 1, "weight": 0.5}
    store = cl.run(by_object, home / "objects", cl.Workers(processes=1), progress=False)
    np.testing.assert_array_equal(store.dataset().error.values, run(home).dataset().error.values)
    again = cl.Experiment(clock=built("clock", by_object.clock[1]))
    assert again.clock == by_object.clock[1], "a part that was built describes itself"


def test_parts_can_be_sent_to_a_process_that_does_not_know_them(home):
    experiment = cl.read(home / "study.yaml")
    own = built("clock", experiment.at(1)["clock"])
    program = "import pickle, sys; part = pickle.load(sys.stdin.buffer); print(part.shift, part.rate(3))"
    import pickle

    said = subprocess.run([sys.executable, "-P", "-c", program], input=pickle.dumps(own), capture_output=True, check=True)
    assert said.stdout.split() == [b"1", b"0.5"]
    sent = pickle.dumps(own)
    written(home, every=3)
    with pytest.raises(DescriptionError, match="edited"):
        pickle.loads(sent)


def test_one_line_says_which_file_is_run(home):
    experiment = cl.read(home / "study.yaml")
    with pytest.warns(OwnCodeWarning) as caught:
        store = cl.Store.create(home / "store", experiment)
    (line,) = [str(warning.message) for warning in caught if warning.category is OwnCodeWarning]
    assert str(home / "my_clocks.py") in line
    assert experiment.clock["digest"] in line
    own_parts._modules.clear()
    built.__globals__["_built"].cache_clear()
    shutil.move(home / "my_clocks.py", home / "gone.py")
    with pytest.warns(OwnCodeWarning, match="the store's copy .*store/parts/"):
        compute(cl.Store.open(store.path), cl.Workers(threads=1), progress=False)


# --- stores ----------------------------------------------------------------------------------------------------


def clockless(*words, where):
    """The command line in a process of its own."""
    command = [sys.executable, "-m", "clockless", *map(str, words)]
    return subprocess.run(command, cwd=where, capture_output=True, text=True, timeout=LIMIT, check=False)


def test_a_store_keeps_the_file_and_goes_on_with_it(home):
    whole = run(home).digest()
    half = cl.Store.create(home / "half", cl.read(home / "study.yaml"))
    digest = half.experiment.clock["digest"]
    assert (half.path / "parts" / digest / "my_clocks.py").read_bytes() == (home / "my_clocks.py").read_bytes()
    written(home, every=3)
    said = clockless("run", "study.yaml", "--out", "half", "--threads", "1", where=home)
    assert (said.returncode, said.stderr.count("\n")) == (2, 1)
    assert "holds another experiment (clock differs)" in said.stderr
    (home / "ran").unlink()
    said = clockless("resume", home / "half", "--workers", "2", where=home)
    assert said.returncode == 0, said.stderr
    assert f"the store's copy {home}/half/parts/{digest}/my_clocks.py, digest {digest}" in said.stderr
    assert cl.Store.open(home / "half").digest() == whole
    assert cl.read(home / "half" / "experiment.yaml") == half.experiment


def test_a_damaged_copy_is_not_run(home):
    store = cl.Store.create(home / "store", cl.read(home / "study.yaml"))
    (copy,) = (store.path / "parts").rglob("*.py")
    copy.write_text(copy.read_text() + "# edited\n")
    own_parts._copies.clear()
    own_parts._modules.clear()
    with pytest.raises(DescriptionError, match="has been edited or damaged"):
        compute(cl.Store.open(store.path), cl.Workers(threads=1), progress=False)
    cl.read(home / "study.yaml")
    compute(cl.Store.create(store.path, cl.read(home / "study.yaml")), cl.Workers(threads=1), progress=False)
    assert copy.read_bytes() == (home / "my_clocks.py").read_bytes(), "the same file beside the study mends it"


TRAPS = ("cupy", "uuid", "my_clocks", "pynvml", "numba", "sitecustomize")


@pytest.fixture
def trapped(home, tmp_path):
    """A finished store, and a working folder full of modules that leave `sprung` when they are run."""
    store = run(home)
    (home / "ran").unlink()
    (copy,) = (store.path / "parts").rglob("*.py")
    folder = tmp_path / "elsewhere"
    for place in (folder, home):
        for name in TRAPS:
            if (place, name) != (home, "my_clocks"):
                (place / f"{name}.py").write_text(f"open({str(tmp_path / 'sprung')!r}, 'w')")
    return store, folder, (tmp_path / "sprung", home / "ran"), copy


@pytest.mark.parametrize("beside", [False, True], ids=["elsewhere", "beside the store"])
def test_looking_runs_no_code_from_anywhere(trapped, beside):
    """Pictures import nearly all that the rest does: one table is enough in either folder."""
    store, folder, markers, _ = trapped
    for words in (("status",), ("plot",), ("export", "out.nc" if beside else "out.csv")):
        said = clockless(words[0], store.path, *words[1:], where=store.path.parent if beside else folder)
        assert said.returncode == 0, said.stderr
        assert not any(marker.exists() for marker in markers)


def test_reading_and_opening_run_no_code_and_running_only_the_named_file(trapped):
    store, folder, (sprung, ran), _ = trapped
    program = (
        f"import clockless as cl; store = cl.Store.open({str(store.path)!r});"
        f"cl.read({str(store.path.parent / 'study.yaml')!r});"
        "data = store.dataset(); assert (data.p == 0.5).all(); assert data.sizes['shift'] == 2; store.plot();"
    )
    said = subprocess.run([sys.executable, "-P", "-c", program], cwd=folder, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    assert not sprung.exists()
    assert not ran.exists()
    said = clockless("run", store.path.parent / "study.yaml", "--out", folder / "new", "--threads", "1", where=folder)
    assert said.returncode == 0, said.stderr
    assert ran.exists()
    assert not sprung.exists()


def without_labels(store, **others):
    """A store whose frame lacks its labels, or has other attributes."""
    path = group_path(store.path, store.experiment.fingerprint)
    about = json.loads((path / "zarr.json").read_text())
    about["attributes"].pop("labels")
    about["attributes"].update(others)
    (path / "zarr.json").write_text(json.dumps(about))
    seal_of(path).write_text(_sum(path))
    return cl.Store.open(store.path)


def test_labels_are_kept_and_those_of_older_stores_are_computed(home):
    experiment = cl.read(home / "study.yaml").changed(
        clock=[cl.Bernoulli(0.25), cl.Global(), cl.Oscillators(0.5, 0.1)], seeds=[0, 2**64 - 1],
        rule={"kind": "equilibrium-propagation", "nudge": 0.1, "rate": [0.5, 1]},
    )  # fmt: skip
    store = cl.Store.create(home / "built-in", experiment)
    data = store.dataset()
    assert data.p.values.tolist() == [0.25, 1.0, 0.5]
    assert without_labels(store).dataset().identical(data)
    by_bias = experiment.changed(clock={"kind": "oscillators", "bias": [0.4, 0.5], "spread": 0.1})
    found = cl.Store.create(home / "bias", by_bias).dataset().p
    assert found.dims == ("bias",)
    np.testing.assert_allclose(found, 0.5 * (1 + np.log2(1 / np.array([0.4, 0.5]) - 1)))
    own = without_labels(run(home))
    (home / "ran").unlink()
    assert "p" not in own.dataset().coords, "only the part itself knows"
    with pytest.raises(ParameterError, match="draw against 'step'"):
        own.plot()
    own.plot("step")
    assert not (home / "ran").exists()
    compute(own, cl.Workers(threads=1), progress=False)
    assert (cl.Store.open(own.path).dataset().p == 0.5).all(), "resuming asks it"


def test_a_lost_frame_is_made_anew_without_running_anything(home):
    store = run(home)
    (home / "ran").unlink()
    shutil.rmtree(group_path(store.path, store.experiment.fingerprint))
    own_parts._modules.clear()
    with pytest.warns(UserWarning, match="were gone"):
        again = cl.Store.open(store.path)
    assert not (home / "ran").exists()
    compute(again, cl.Workers(threads=1), progress=False)
    assert (cl.Store.open(store.path).dataset().p == 0.5).all()


# --- whose code it is ------------------------------------------------------------------------------------------


def given_away(path, monkeypatch):
    """Make a file another user's."""
    if os.geteuid() == 0:
        os.chown(path, 4242, 4242)
    else:
        monkeypatch.setattr(own_parts.os, "geteuid", lambda: 4242)


@pytest.mark.parametrize("name", ["study.yaml", "my_clocks.py"])
def test_own_code_of_another_user_is_not_run_unasked(home, monkeypatch, name):
    given_away(home / name, monkeypatch)
    experiment = cl.read(home / "study.yaml")
    with pytest.raises(DescriptionError, match=f"{name} belongs to another user.*--trust"):
        cl.Store.create(home / "store", experiment)
    assert not (home / "ran").exists()
    assert not (home / "store").exists()
    cl.read(home / "study.yaml").changed(clock=cl.Global())
    own_parts.trust()
    cl.Store.create(home / "store", experiment)
    assert (home / "ran").exists()


def test_a_store_of_another_user_can_be_looked_at_but_not_resumed_unasked(home, monkeypatch):
    store = cl.Store.create(home / "store", cl.read(home / "study.yaml"))
    (home / "ran").unlink()
    for path in (store.path, *store.path.rglob("*")):
        given_away(path, monkeypatch)
    if os.geteuid() != 0:
        pytest.skip("the other user is only pretended")
    assert clockless("status", store.path, where=home).returncode == 0
    said = clockless("resume", store.path, "--threads", "1", where=home.parent)
    assert (said.returncode, "--trust" in said.stderr, said.stderr.count("\n")) == (2, True, 1), said.stderr
    assert not (home / "ran").exists()
    said = clockless("resume", store.path, "--workers", "1", "--trust", where=home.parent)
    assert said.returncode == 0, said.stderr


def test_a_file_that_others_can_change_is_not_run(home):
    (home / "my_clocks.py").chmod(0o666)
    with pytest.raises(DescriptionError, match=r"can be changed by other users.*chmod go-w"):
        cl.Store.create(home / "store", cl.read(home / "study.yaml"))
    (home / "my_clocks.py").chmod(0o644)
    cl.Store.create(home / "store", cl.read(home / "study.yaml"))


def test_a_package_is_imported_only_if_it_was_asked_for(home, monkeypatch):
    package = home.parent / "packages" / "shelf"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    shutil.copy(home / "my_clocks.py", package / "clocks.py")
    monkeypatch.syspath_prepend(str(package.parent))
    monkeypatch.setattr(own_parts, "_allowed", set())
    (home / "study.yaml").write_text(STUDY.replace("my_clocks.py:Odd", "shelf.clocks:Odd"))
    assert "--trust" in refused(home / "study.yaml")
    assert "shelf" not in sys.modules
    try:
        import shelf.clocks

        experiment = given_object(home, shelf.clocks.Odd)
        store = cl.Store.create(home / "store", experiment)
        assert store.trusting, "workers are told"
        compute(store, cl.Workers(threads=1), progress=False)
        (package / "clocks.py").write_text((package / "clocks.py").read_text() + "\n")
        monkeypatch.setattr(own_parts, "_allowed", set())
        cl.Store.open(store.path).dataset()
        built.__globals__["_built"].cache_clear()
        with pytest.raises(ClocklessError, match="imported unasked"):
            cl.Store.open(store.path).extended(9)
        own_parts.trust()
        with pytest.raises(ClocklessError, match="not what it was"):
            cl.Store.open(store.path).extended(9)
    finally:
        for name in ("shelf", "shelf.clocks"):
            sys.modules.pop(name, None)


def given_object(home, cls):
    """The study with a part that is given as an object."""
    (home / "study.yaml").write_text(STUDY.replace('{kind: "my_clocks.py:Odd", shift: [0, 1]}', "{kind: global}"))
    return cl.read(home / "study.yaml").changed(clock=cls(1))


def test_older_stores_with_own_parts_open_but_are_not_gone_on_with(home):
    """Their descriptions have no digest, and name a module."""
    kept = cl.read(home / "study.yaml").plain()
    kept["clock"] = {"kind": "my_clocks:Odd", "shift": [0, 1], "weight": 0.5}
    with own_parts.beside(own_parts.Place(home / "store", store=True)):
        old = cl.Experiment.of(kept)
    assert old.clock == kept["clock"]
    with pytest.raises(DescriptionError, match="begin a new store"):
        cl.Store.create(home / "store", old)
    assert not (home / "ran").exists()


def test_a_study_file_that_says_its_digest_is_read_back(home):
    from clockless.experiments.files import write

    experiment = cl.read(home / "study.yaml")
    for suffix in (".yaml", ".toml"):
        write(experiment, home / f"again{suffix}")
        assert cl.read(home / f"again{suffix}") == experiment
    written(home, every=3)
    assert "another experiment" in refused(home / "again.yaml")


def test_warnings_as_errors_stop_before_the_file_is_run(home):
    experiment = cl.read(home / "study.yaml")
    with warnings.catch_warnings():
        warnings.simplefilter("error", OwnCodeWarning)
        with pytest.raises(OwnCodeWarning):
            cl.Store.create(home / "store", experiment)
    assert not (home / "ran").exists()


def test_another_experiment_is_named_in_the_singular(home):
    store = run(home)
    with pytest.raises(StoreError, match=r"\(clock differs\)"):
        cl.Store.create(store.path, store.experiment.changed(clock=cl.Global()))
    assert Path(store.path).exists()


# --- data files ------------------------------------------------------------------------------------------------


def test_data_files_are_part_of_the_experiment(home, monkeypatch):
    """Other bytes in one of the four files are another experiment; a store does not go on with them."""
    write_mnist(home, labels=(3, 1, 4, 1), side=2)
    task = {"kind": "mnist", "folder": str(home)}
    phases = {"network": {"kind": "dense", "sizes": [4, 3, 10]}, "medium": {"kind": "xy"}, "clock": {"kind": "global"}}
    experiment = cl.read(home / "study.yaml").changed(task=task, **phases)
    hashes = [hashlib.sha256((home / name).read_bytes()).digest() for pair in MNIST_FILES.values() for name in pair]
    assert experiment.task["digest"] == hashlib.sha256(b"".join(hashes)).hexdigest()[:16]
    assert cl.Experiment.of(experiment.plain()) == experiment
    reads = []
    monkeypatch.setattr(Path, "open", lambda path, *mode, _open=Path.open: reads.append(path) or _open(path, *mode))
    assert experiment.changed(task=task) == experiment
    assert not reads, "files that have not changed are hashed once"
    monkeypatch.undo()
    store = cl.Store.create(home / "store", experiment)
    write_mnist(home, labels=(3, 1, 4, 2), side=2)
    other = experiment.changed(task=task)
    assert other.fingerprint != experiment.fingerprint
    for way in (lambda: compute(store, cl.Workers(threads=1), progress=False), lambda: store.extended(9)):
        with pytest.raises(StoreError, match=f"task: the files in {home} have the digest {other.task['digest']}"):
            way()
    with pytest.raises(StoreError, match=r"\(task differs\)"):
        cl.Store.create(store.path, other)
    write_mnist(home, labels=(3, 1, 4, 1), side=2)
    assert compute(store, cl.Workers(threads=1), progress=False).complete
    shutil.rmtree(home / "store" / "units")
    for name in MNIST_FILES["train"]:
        (home / name).unlink()
    assert cl.Store.open(store.path).dataset().done.all(), "results are read without the data"


def test_folders_of_data_can_be_an_axis(home):
    for name, labels in (("one", (1, 2)), ("two", (3, 4))):
        (home / name).mkdir()
        write_mnist(home / name, labels=labels, side=2)
    single = [cl.Experiment(task={"kind": "mnist", "folder": str(home / name)}) for name in ("one", "two")]
    both = cl.Experiment(task={"kind": "mnist", "folder": [str(home / "one"), str(home / "two")]})
    assert both.task["digest"].split() == [each.task["digest"] for each in single]
    assert both.axes[0].name == "folder"
    changed = with_flags(single[0].plain(), ["--task.folder", str(home / "two")])
    assert cl.Experiment.of(changed) == single[1], "the digest is of the new folder"
