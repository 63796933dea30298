"""Sources that results depend on follow from the imports, and a store that others have made is not gone on with."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

import clockless as cl
from clockless import sources
from clockless.commands import main as cli
from clockless.errors import StoreError
from clockless.experiments import files as description_files
from clockless.experiments.jobs import Jobs
from clockless.media.resistors import engine
from clockless.stores.frame import _sum, group_path, seal_of
from clockless.workers import loop as sweep
from clockless.workers.run import compute
from rigs import LIMIT
from test_store import SMALL, WIDTH, chunks, flipped
from test_sweep import computed

PACKAGE = {
    "__init__.py": "",
    "top.py": "import json\nfrom twigs import middle\nfrom .branch import leaf as renamed\n",
    "middle.py": "def f():\n    try:\n        import twigs.lazy\n    finally:\n        pass\n",
    "lazy.py": "'''The word import in a text\nimport twigs.never'''\nclass A:\n    if 1:\n        from . import deep\n",
    "deep.py": "",
    "checked.py": "",
    "otherwise.py": "",
    "never.py": "",
    "annotated.py": (
        "import typing\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from twigs import checked\n"
        "else:\n    from twigs import otherwise\nif typing.TYPE_CHECKING:\n    import twigs.checked\n"
    ),
    "branch/__init__.py": "from twigs.annotated import *\n",
    "branch/leaf.py": "",
    "branch/unused.py": "",
}
UNDER_TOP = {"__init__", "top", "middle", "lazy", "deep", "annotated", "otherwise", "branch/__init__", "branch/leaf"}


@pytest.fixture
def twigs(tmp_path, monkeypatch):
    """A package on the path, and a function that forgets what was read of it."""
    folder = tmp_path / "twigs"
    for name, text in PACKAGE.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))

    def digest(*names):
        for remembered in (sources._digest_of, sources._source, sources._imported_by, sources._file_of, sources._folder_of):
            remembered.cache_clear()
        return sources.digest_of(*(names or ["twigs.top"]))

    yield folder, digest
    digest("clockless.errors")


@pytest.mark.parametrize("name", list(PACKAGE))
def test_the_digest_follows_whatever_is_imported_and_nothing_else(twigs, name):
    folder, digest = twigs
    before = digest()
    (folder / name).write_text(PACKAGE[name] + "\n# edited\n")
    assert (digest() != before) == (name.removesuffix(".py") in UNDER_TOP)
    (folder / name).write_text(PACKAGE[name])
    assert digest() == before
    assert "twigs" not in sys.modules, "nothing was imported"


def test_line_endings_do_not_matter_but_names_do(twigs):
    folder, digest = twigs
    before = digest()
    for name, text in PACKAGE.items():
        (folder / name).write_bytes(text.replace("\n", "\r\n").encode())
    assert digest() == before
    assert digest("twigs.deep") != digest("twigs.checked"), "alike, but not the same modules"
    assert digest("twigs.top", "twigs.deep") == before, "one that is imported anyway"


@pytest.mark.parametrize("name", ["twigs.missing", "twigs.branch.missing", "nowhere.at.all", "clockless.missing"])
def test_a_module_that_is_not_there_raises(twigs, name):
    _, digest = twigs
    with pytest.raises(ModuleNotFoundError, match="no source file"):
        digest(name)


def test_an_import_of_a_module_that_is_not_there_raises(twigs):
    folder, digest = twigs
    (folder / "deep.py").write_text("from twigs.missing import f\n")
    with pytest.raises(ModuleNotFoundError):
        digest()


@pytest.mark.parametrize(
    "name", ["media.resistors.engine", "experiments.jobs", "media.phases.medium", "media.modules.medium", "workers.dask"]
)
def test_every_module_that_python_imports_is_found(name):
    """The interpreter's own list after the import is the oracle."""
    program = f"import clockless.{name}, sys; print(*(m for m in sys.modules if m.partition('.')[0] == 'clockless'))"
    said = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True, timeout=LIMIT)
    assert set(said.stdout.split()) <= set(sources.modules_under(f"clockless.{name}"))


def test_the_stamp_of_compiled_code_is_of_what_the_engine_imports():
    under = sources.modules_under("clockless.media.resistors.engine")
    assert {"clockless.media.resistors.columns", "clockless.parts.rules", "clockless.numerics.randomness"} <= set(under)
    assert "clockless.stores.store" not in under
    assert engine.settle.function.__qualname__ == f"settle_{sources.digest_of(engine.__name__)}"


def test_jobs_rest_on_the_kinds_they_name():
    """Kinds are imported by name, which no import shows."""

    phases = cl.Experiment(
        network={"kind": "dense", "sizes": [2, 3, 1]}, medium={"kind": "xy"}, task={"kind": "xor"},
        rule={"kind": "equilibrium-propagation", "nudge": 0.1, "rate": 0.5}, batch=4,
    )  # fmt: skip
    common = (
        "clockless.media.phases.described", "clockless.media.phases.tasks", "clockless.experiments.jobs",
        "clockless.parts.clocks", "clockless.parts.devices",
    )  # fmt: skip
    assert Jobs(phases).sources == sources.digest_of(*common, "clockless.networks.architectures")
    local = phases.changed(network={"kind": "local", "image": [8, 8]})
    assert Jobs(local).sources == sources.digest_of(*common, "clockless.networks.windows")
    assert Jobs(local).sources != Jobs(phases).sources


# --- stores of other versions ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A finished store of three units."""
    return computed(tmp_path_factory.mktemp("made") / "store", SMALL, WIDTH)


def of_another_version(store, path):
    """A copy that says it was made with other sources, as another version of the package would have written."""
    shutil.copytree(store.path, path)
    frame = group_path(path, store.experiment.fingerprint)
    about = json.loads((frame / "zarr.json").read_text())
    about["attributes"].update(version="0.0.9", sources="fedcba9876543210")
    (frame / "zarr.json").write_text(json.dumps(about))
    seal_of(frame).write_text(_sum(frame))
    return cl.Store.open(path)


def clockless(capsys, monkeypatch, *words):
    """Exit code, what is printed and what is said on standard error."""
    monkeypatch.setattr(sys, "argv", ["clockless", *map(str, words)])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    return caught.value.code, *capsys.readouterr()


def test_a_finished_store_of_another_version_says_so_and_is_left_as_it_is(made, tmp_path, capsys, monkeypatch):
    store = of_another_version(made, tmp_path / "store")
    sentence = "made with clockless 0.0.9 (sources fedcba9876543210), and this is"
    assert sentence in clockless(capsys, monkeypatch, "status", store.path)[1]
    data = store.dataset()
    assert (data.attrs["sources"], sentence in data.attrs["note"]) == ("fedcba9876543210", True)
    assert made.dataset().attrs["sources"] == made.jobs.sources
    assert "note" not in made.dataset().attrs
    for words in (["plot"], ["export", tmp_path / "a.nc"], ["export", tmp_path / "a.csv"], ["resume"]):
        code, _, said = clockless(capsys, monkeypatch, words[0], store.path, *words[1:])
        assert code == 0, said
    assert store.digest() == made.digest()
    code, _, said = clockless(capsys, monkeypatch, "extend", store.path, "--steps", "90")
    assert (code, said.count("\n"), sentence in said) == (2, 1, True)


@pytest.mark.parametrize("how", ["missing", "damaged"])
def test_units_of_two_versions_are_not_mixed(made, tmp_path, capsys, monkeypatch, how):
    store = of_another_version(made, tmp_path / "store")
    if how == "missing":
        store.undo(1)
    else:
        flipped(chunks(store, "error", 1)[0])
    before = store.done().tolist()
    description_files.write(SMALL, tmp_path / "study.yaml")
    for words in (
        ["resume", store.path],
        ["run", tmp_path / "study.yaml", "--out", store.path],
        ["resume", store.path, "--slurm", 2],
    ):
        code, _, said = clockless(capsys, monkeypatch, *words)
        assert (code, said.count("\n")) == (2, 1), said
        assert "install that version, or choose another --out" in said
    assert store.done().tolist() == before
    with pytest.raises(StoreError, match=r"made with clockless 0\.0\.9"):
        compute(store, cl.Workers(threads=1), progress=False)
    worker = [sys.executable, "-m", "clockless.workers.processes", store.path, "run", "1"]
    said = subprocess.run(worker, capture_output=True, text=True, check=False, timeout=LIMIT)
    assert (said.returncode, "made with clockless 0.0.9" in said.stderr) == (2, True)
    assert store.done().tolist() == before


def test_a_frame_that_is_made_anew_does_not_forget_what_it_was_made_with(made, tmp_path):
    shutil.copytree(made.path, tmp_path / "store")
    journal = tmp_path / "store" / "events.jsonl"
    journal.write_text(journal.read_text().replace(made.jobs.sources, "fedcba9876543210"))
    (group_path(tmp_path / "store", SMALL.fingerprint) / "zarr.json").unlink()
    with pytest.warns(UserWarning, match="made anew"):
        store = cl.Store.open(tmp_path / "store")
    assert "sources fedcba9876543210" in store.made_otherwise


def test_other_sources_make_another_runner_refuse(made, tmp_path, monkeypatch):
    """A worker of another version that is started on the store by itself."""
    store = cl.Store.create(tmp_path / "store", SMALL, width=WIDTH)
    sweep.Runner(store).compute(0)
    store.jobs.sources = "0" * 16
    with pytest.raises(StoreError, match="cannot be gone on with"):
        compute(store, cl.Workers(threads=1), progress=False)
