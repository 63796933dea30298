"""Large tables in the descriptions of stores: exact, a fraction of the bytes, and lists to everybody who asks."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pytest

import clockless as cl
from clockless import networks, tasks
from clockless.errors import DescriptionError
from clockless.experiments.files import of_text, read, text_of, write
from clockless.experiments.tables import with_tables_packed, with_tables_unpacked
from clockless.stores import frame
from clockless.workers.run import compute
from test_sweep import computed

BOARD = networks.board16()
TASKS = [
    tasks.Task(one.inputs, one.outputs, one.ground, one.x_train, one.y_train + 1e-3, one.x_test, one.y_test, False)
    for one in (tasks.regression(BOARD, seed=seed) for seed in range(24))
]
LARGE = cl.Experiment(network={"kind": "board16"}, task=TASKS, steps=3)  # 24 tables of 464 numbers
SMALL = LARGE.changed(task=LARGE.task[:2])


def counted(plain):
    """Packed tables in plain data."""
    if isinstance(plain, dict):
        return int(plain.keys() == {"shape", "float64"}) + sum(map(counted, plain.values()))
    return sum(map(counted, plain)) if isinstance(plain, list) else 0


def test_packing_is_exact_and_takes_half():
    plain = LARGE.plain()
    packed = with_tables_packed(plain)
    assert counted(packed) == 4 * len(TASKS)
    assert with_tables_unpacked(json.loads(json.dumps(packed))) == plain
    assert cl.Experiment.of(with_tables_unpacked(packed)).fingerprint == LARGE.fingerprint
    assert len(json.dumps(packed)) < 0.55 * len(json.dumps(plain))
    assert with_tables_packed(plain, 10**6) == plain


def test_numbers_are_packed_as_ieee_doubles_from_the_lowest_byte_on():
    table = [[0.1 * k, -(2.0**-1074)] for k in range(40)]
    network = {"kind": "edges", "edges": [[k, k + 1] for k in range(39)], "positions": table}
    (packed,) = [with_tables_packed({"network": network})["network"]["positions"]]
    assert packed["shape"] == [40, 2]
    raw = np.frombuffer(base64.b64decode(packed["float64"]), dtype="<u8").reshape(40, 2)
    assert raw[1, 0] == 0x3FB999999999999A  # 0.1
    assert (raw[:, 1] == 0x8000000000000001).all()  # the smallest number below 0
    assert with_tables_unpacked(packed) == table


@pytest.mark.parametrize(
    "changes",
    [
        {"clock": {"kind": "bernoulli", "p": [k / 200 for k in range(1, 101)]}},
        {"network": {"kind": "edges", "positions": [[0.1, 0.2]] * 3, "edges": [[0, 1], [1, 2]]}},
        {"network": {"kind": "edges", "edges": [[k, k + 1] for k in range(99)]}},
        {"initial": {"kind": "given", "dims": ["seed", "edge"], "values": np.linspace(1, 2, 160).reshape(10, 16)}},
    ],
    ids=["an axis", "a few", "whole numbers", "initial values"],
)
def test_what_is_no_large_table_of_fractions_is_left_alone(changes):
    plain = cl.Experiment(**{"network": {"kind": "board16"}, "seeds": list(range(10)), **changes}).plain()
    assert with_tables_packed(plain) == plain
    assert with_tables_unpacked(plain) == plain


def test_a_user_reads_numbers_and_a_store_keeps_few_bytes(tmp_path):
    for experiment, packed in ((LARGE, True), (SMALL, False)):
        text = text_of(experiment, store=True)
        assert ("float64" in text) == packed
        assert of_text(text, Path("experiment.yaml")) == experiment
        for suffix in (".yaml", ".toml"):
            write(experiment, tmp_path / f"a{suffix}")
            assert "float64" not in (tmp_path / f"a{suffix}").read_text()


@pytest.mark.parametrize("shape", [[100, 3], [99, 2], [-1, 2], [10**12, 10**12], "ab", None, [200.0]])
def test_a_table_of_another_size_than_it_says_is_refused(tmp_path, shape):
    packed = with_tables_packed(LARGE.plain())
    next(table for table in packed["task"][3].values() if isinstance(table, dict))["shape"] = shape
    (tmp_path / "a.yaml").write_text(json.dumps(packed))
    with pytest.raises(DescriptionError, match="a packed table of numbers was cut or changed"):
        read(tmp_path / "a.yaml")


def test_a_store_with_tables_is_restored_from_either_copy_and_shows_lists(tmp_path):
    store = computed(tmp_path / "store", LARGE, 64)
    yaml, group = store.path / "experiment.yaml", store.path / f"{LARGE.fingerprint}.zarr"
    text, attributes = yaml.read_text(), json.loads((group / "zarr.json").read_text())["attributes"]
    assert counted(json.loads(attributes["experiment"])) == 4 * len(TASKS)
    assert json.loads(store.dataset().attrs["settings"]) == LARGE.plain()
    assert read(yaml) == LARGE
    for damage in (text.replace("float64: ", "float64: A", 1), text[:-200], ""):
        yaml.write_text(damage)
        with pytest.warns(UserWarning, match="written anew"):
            assert cl.Store.open(store.path).digest() == store.digest()
        assert yaml.read_text() == text
    (group / "zarr.json").unlink()
    with pytest.warns(UserWarning, match="made anew"):
        assert cl.Store.open(store.path).digest() == store.digest()


def test_a_store_of_before_with_tables_written_out_is_read(tmp_path):
    store = computed(tmp_path / "store", LARGE, 64)
    group = store.path / f"{LARGE.fingerprint}.zarr"
    metadata = json.loads((group / "zarr.json").read_text())
    metadata["attributes"]["experiment"] = json.dumps(LARGE.plain())
    (group / "zarr.json").write_text(json.dumps(metadata))
    frame.seal_of(group).write_text(frame._sum(group))
    write(LARGE, store.path / "experiment.yaml")
    opened = cl.Store.open(store.path)
    assert (opened.digest(), opened.experiment) == (store.digest(), LARGE)
    (store.path / "experiment.yaml").unlink()
    with pytest.warns(UserWarning, match="written anew"):
        opened = cl.Store.open(store.path)
    opened.undo(0)
    assert compute(opened, cl.Workers(threads=1), progress=False).complete
    assert opened.digest() == store.digest()
