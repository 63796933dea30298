"""The commands about stores: what they print, what they write, and their exit codes."""

from __future__ import annotations

import csv
import json
import shutil
import sys
import warnings

import numpy as np
import pytest
import xarray

import clockless as cl
from clockless.commands import main as cli
from clockless.experiments.files import write
from clockless.workers import loop as sweep
from test_store import SMALL, WIDTH, chunks, flipped, frail
from test_sweep import computed

__all__ = ["frail"]  # a fixture


@pytest.fixture
def clockless(capsys, monkeypatch, tmp_path):
    """Run a command line in this process: exit code, what it prints and what it says on standard error."""
    monkeypatch.chdir(tmp_path)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["clockless", *map(str, words)])
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Cyclopts application")
            with pytest.raises(SystemExit) as caught:
                cli.main()
        said = capsys.readouterr()
        return caught.value.code, said.out, said.err

    return run


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A finished store."""
    return computed(tmp_path_factory.mktemp("made") / "store", SMALL, WIDTH)


@pytest.fixture
def half(tmp_path):
    """A store with one unit of three."""
    store = cl.Store.create(tmp_path / "half", SMALL, width=WIDTH)
    sweep.Runner(store).compute(1)
    return store


def test_new_run_status_extend_and_run_again(clockless, tmp_path):
    code, out, _ = clockless("new", "study.yaml")
    assert (code, out.count("clockless run study.yaml")) == (0, 1)
    assert clockless("new", "study.yaml")[0] == 2, "nothing is written over"
    small = ["--network.kind", "board16", "--task.seed", "[0, 1]", "--steps=50", "--rule.rate", "0.05", "--threads", "1"]
    code, out, err = clockless("run", "study.yaml", *small)
    assert code == 0, err
    (folder,) = [path for path in tmp_path.iterdir() if path.is_dir()]
    store = cl.Store.open(folder)
    assert folder.name == store.experiment.fingerprint, "--out may be left out"
    assert f"{store.job_count} of {store.job_count} jobs done" in out
    digest = store.digest()
    assert clockless("run", "study.yaml", *small)[0] == 0
    assert len([line for line in store.journal.told() if line["event"] == "unit done"]) == store.job_count
    assert clockless("extend", folder, "--steps", "50")[0] == 2
    code, out, err = clockless("extend", folder, "--steps", "90", "--threads", "1")
    assert code == 0, err
    whole = computed(tmp_path / "whole", store.experiment.changed(steps=90), 64)
    assert cl.Store.open(folder).digest() == whole.digest() != digest
    assert "50" not in clockless("status", folder)[1].split("replicas")[1].split("steps")[0]


def test_damage_gets_one_sentence(clockless, made, half):
    (path,) = chunks(half, "error", 1)
    flipped(path)
    code, _, err = clockless("plot", half.path)
    assert code == 2, "nothing is left that could be drawn"
    code, _, err = clockless("resume", half.path, "--threads", "1")
    assert code == 0
    assert [line for line in err.splitlines() if "damaged" in line] == [
        "1 job was damaged on disk and has been computed again: 1."
    ]
    assert half.digest() == made.digest()
    (half.path / f"{SMALL.fingerprint}.zarr" / "zarr.json").write_text("")
    code, _, err = clockless("status", half.path)
    assert (code, err.count("\n"), err.count("made anew")) == (0, 1, 1)


def test_failures_are_reported_with_code_1_and_tried_again(clockless, frail, tmp_path):
    shutil.copy(frail / "frail_clock.py", tmp_path)
    experiment = SMALL.changed(clock={"kind": "frail_clock:Frail", "p": [0.125, 0.25]}, task={**SMALL.task, "seed": 0})
    (frail / "broken").write_text("")
    cl.Store.create(tmp_path / "store", experiment, width=1)
    write(experiment, tmp_path / "study.yaml")
    for command in (["run", "study.yaml", "--out"], ["resume"]):
        code, out, err = clockless(*command, "store", "--threads", "1")
        assert (code, err.count("ZeroDivisionError: 0.25 is bad luck")) == (1, 4)
        assert "4 jobs failed; try them again with: clockless resume store" in err
        assert "4 of 8 jobs done" in out
    status = clockless("status", "store")[1]
    assert "4 of 8 done, 0 running, 4 failed, 0 waiting" in status
    assert "0.25 is bad luck" in status
    (frail / "broken").unlink()
    assert clockless("resume", "store", "--threads", "1")[0] == 0
    assert "8 of 8 done, 0 running, 0 failed, 0 waiting" in clockless("status", "store")[1]


@pytest.mark.parametrize("suffix", ["png", "pdf", "svg"])
def test_plots_are_pictures(clockless, half, suffix):
    code, out, _ = clockless("plot", half.path, "--to", f"picture.{suffix}", "--against", "step")
    assert (code, "1 of 3 jobs, the rest is still missing" in out) == (0, True)
    begin = {"png": b"\x89PNG\r\n", "pdf": b"%PDF", "svg": b"<?xml"}[suffix]
    with open(f"picture.{suffix}", "rb") as file:
        assert file.read(20).startswith(begin)
    if suffix == "png":
        assert clockless("plot", half.path)[0] == 0
        assert (half.path / "plot.png").stat().st_size > 5000


@pytest.mark.parametrize(
    "words",
    [
        ("plot", "STORE", "--to", "picture.xyz"), ("plot", "STORE", "--to", "missing/picture.png"), ("plot", "missing"),
        ("plot", "STORE", "--against", "time"), ("export", "STORE", "a.xlsx"), ("export", "STORE", "missing/a.nc"),
        ("export", "STORE", "missing/a.csv"), ("export", "missing", "a.csv"), ("status", "missing"), ("status", "."),
        ("resume", "missing"), ("extend", "missing", "--steps", "9"), ("extend", "STORE", "--steps", "9"),
        ("run", "--out", "x"),
        ("extend", "STORE", "--steps", "99999999999"), ("run", "missing.yaml"), ("run", "--steps", "3", "missing.yaml"),
        ("resume", "STORE", "--threads", "1", "--workers", "1"), 
        ("new", "missing/study.yaml"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_mistakes_get_one_sentence_and_write_nothing(clockless, half, tmp_path, words):
    before = sorted(tmp_path.rglob("*"))
    code, out, err = clockless(*[str(half.path) if word == "STORE" else word for word in words])
    assert (code, out, err.count("\n")) == (2, "", 1), err
    assert sorted(tmp_path.rglob("*")) == before


def test_a_cluster_that_is_not_there_gets_a_sentence_and_code_2(clockless, half):
    code, _, err = clockless("resume", half.path, "--scheduler-file", "missing.json")
    assert (code, "Traceback" in err) == (2, False)
    assert err.splitlines()[-1].startswith("clockless: missing.json is not there; start `dask scheduler")


def test_the_exported_netcdf_reads_back_equal(clockless, made):
    code, _, err = clockless("export", made.path, "a.nc")
    assert code == 0, err
    data = made.dataset()
    with xarray.open_dataset("a.nc", engine="scipy") as back:
        assert back.sizes == data.sizes
        for name in data.data_vars:
            np.testing.assert_array_equal(back[name].values, data[name].values, err_msg=name)
        for name in data.coords:
            np.testing.assert_array_equal(back[name].values.astype(str), data[name].values.astype(str), err_msg=name)
        assert back.attrs == data.attrs
        assert cl.Experiment.of(json.loads(back.attrs["settings"])) == SMALL
        assert back.error.attrs["units"] == "1"


def test_seeds_beyond_32_bits_survive_the_export(clockless, tmp_path):
    experiment = SMALL.changed(seeds=[0, 2**64 - 1], steps=5)
    computed(tmp_path / "store", experiment, 64)
    assert clockless("export", "store", "a.nc")[0] == 0
    with xarray.open_dataset("a.nc", engine="scipy") as back:
        assert [int(str(seed)) for seed in back.seed.values] == [0, 2**64 - 1]


def test_the_exported_csv_reads_back_equal(clockless, made, half):
    assert clockless("export", made.path, "a.csv")[0] == 0
    with open("a.csv", newline="") as file:
        lines = file.readlines()
    comments = [line for line in lines if line.startswith("#")]
    assert any(SMALL.fingerprint in line for line in comments)
    assert any("10.1063/5.0084631" in line for line in comments)
    table = list(csv.DictReader(lines[len(comments) :]))
    data = made.dataset()
    assert len(table) == data.error.size
    for row in table[:: len(table) // 20]:
        at = {"task": int(row["task"]), "nudge": float(row["nudge"]), "p": float(row["p"]), "seed": int(row["seed"])}
        assert float(row["error"]) == float(data.error.sel({**at, "step": int(row["step"])}))
    assert clockless("export", half.path, "half.csv")[0] == 0
    with open("half.csv", newline="") as file:
        rows = [line for line in file if not line.startswith("#")]
    assert len(rows) - 1 == WIDTH * len(SMALL.record_at), "replicas that are not done have no lines"


@pytest.mark.parametrize(
    "changed",
    [
        {"clock": {"kind": "poisson", "events": [0.5, 2.0]}, "seeds": 0},
        {"clock": [cl.Bernoulli(0.5), cl.Bernoulli(1.0)], "rule": [cl.CoupledLearning(0.1, 0.05)]},
        {"batch": {"kind": "bernoulli", "p": [0.5, 0.9]}},
        {"device": [cl.Continuous(), cl.Levels(400)], "clock": {"kind": "oscillators", "bias": [0.4, 0.6], "spread": 0.1}},
        {"initial": [1.0, 2.0], "batch": [1, 2], "medium": {"kind": "resistors", "low": [0.01, 0.1]}},
    ],
    ids=["events", "clocks", "batches", "devices and a bias", "starts"],
)  # fmt: skip
def test_every_sort_of_axis_can_be_labelled_drawn_and_exported(clockless, tmp_path, changed):
    """Labels only: nothing is computed but what is given, so that nothing has to be compiled."""
    experiment = SMALL.changed(task={**SMALL.task, "seed": 0}, seeds=0).changed(**changed)
    store = cl.Store.create(tmp_path / "store", experiment, width=64)
    for unit, members in enumerate(store.jobs.members):
        sizes = {"step": len(experiment.record_at), "edge": 16}
        store.write(
            unit,
            {
                name: np.ones((len(members), *(sizes[dim] for dim in variable.dims)), dtype=variable.dtype)
                for name, variable in store.jobs.variables.items()
            },
        )
    data = store.dataset()
    assert data.error.shape == (*experiment.shape, len(experiment.record_at))
    for words in (["plot", "store"], ["export", "store", "a.nc"], ["export", "store", "a.csv"]):
        code, _, err = clockless(*words)
        assert code == 0, err


def test_an_export_of_half_a_store_says_so(clockless, half, made, tmp_path):
    """Rows that are not there yet cannot be seen in the file."""
    code, out, _ = clockless("export", half.path, tmp_path / "half.csv")
    assert code == 0
    assert out.rstrip().endswith("MB, 1 of 3 jobs, the rest is still missing")
    assert clockless("export", made.path, tmp_path / "whole.csv")[1].rstrip().endswith("MB")


def test_a_name_that_no_file_can_have(clockless, tmp_path):
    """Names of more than 255 bytes: `exists` of pathlib raises for them."""
    code, _, said = clockless("new", str(tmp_path / ("x" * 3000)))
    assert code == 2
    assert "File name too long" in said
