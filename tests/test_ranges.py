"""Ranges in descriptions stand for lists of numbers: one fingerprint, written back short, refused where they are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import clockless as cl
from clockless.errors import DescriptionError
from clockless.experiments.files import of_text, text_of, with_flags
from clockless.experiments.ranges import MOST_VALUES, folded, unfolded


def of(text, suffix=".yaml"):
    return of_text(text, Path(f"study{suffix}"))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("0..3", [0, 1, 2, 3]),
        (" -1 .. 1 ", [-1, 0, 1]),
        ("7..7", [7]),
        ("linspace(0, 1, 5)", [0.0, 0.25, 0.5, 0.75, 1.0]),
        ("geomspace(0.001, 1e3, 7)", np.geomspace(1e-3, 1e3, 7).tolist()),
        ("linspace(1, -1, 3)", [1.0, 0.0, -1.0]),
        ("full", "full"),
        ("springs.py:Springs", "springs.py:Springs"),
    ],
)
def test_a_range_is_the_list_it_stands_for(text, values):
    assert unfolded(text, "seeds") == values


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0..", "no range"),
        ("..9", "no range"),
        ("0...9", "no range"),
        ("0..9..2", "no range"),
        ("0.5..9", "no range"),
        ("0..1e3", "no range"),
        ("9..0", "goes up, such as 0..9"),
        ("0..1000000", "1,000,001|1000001"),
        ("0..99999999999999999999", "at most 1,000,000"),
        ("geomspace(0.05", "in quotes"),  # what YAML leaves of it within braces
        ("geomspace(0.05, 1)", "no range"),
        ("geomspace(0, 1, 5)", "above 0"),
        ("geomspace(-1, 1, 5)", "above 0"),
        ("geomspace(1e-300, 1e300, 1)", "2 values or more"),
        ("linspace(1, 1, 5)", "ends that differ"),
        ("linspace(0, 1e999, 5)", "finite"),
        ("linspace(0, 1, 10000000)", "at most 1,000,000"),
        ("linspace(0, nan, 5)", "no range"),
        ("linspace(__import__('os'), 1, 5)", "no range"),
        ("logspace(0, 1, 5)", "no range"),
    ],
)
def test_what_is_no_range_gets_one_sentence(text, said):
    with pytest.raises(DescriptionError, match=said) as caught:
        unfolded(text, "clock.p")
    assert str(caught.value).startswith("clock.p = ")
    assert len(str(caught.value)) < 300


SHORT = """
clock:
  kind: bernoulli
  p: geomspace(0.05, 1, 6)
rule: {kind: coupled-learning, nudge: "linspace(0.1, 0.5, 5)", rate: 0.1}
task: {kind: regression, seed: 0..4}
seeds: 0..255
"""
LONG = cl.Experiment(
    clock={"kind": "bernoulli", "p": np.geomspace(0.05, 1, 6).tolist()},
    rule={"kind": "coupled-learning", "nudge": np.linspace(0.1, 0.5, 5).tolist(), "rate": 0.1},
    task={"kind": "regression", "seed": list(range(5))},
    seeds=list(range(256)),
)


@pytest.mark.parametrize("suffix", [".yaml", ".toml"])
def test_short_and_long_are_one_experiment_and_written_short(suffix):
    short = of(SHORT)
    assert short == LONG
    assert short.fingerprint == LONG.fingerprint
    text = text_of(LONG, suffix)
    for spelled in ("geomspace(0.05, 1.0, 6)", "linspace(0.1, 0.5, 5)", "0..4", "0..255"):
        assert spelled in text
    assert of(text, suffix) == LONG
    assert text_of(of(text, suffix), suffix) == text


def test_stores_write_out_what_may_differ_between_machines(tmp_path):
    """The last bit of a power is the machine's; whole numbers are everybody's."""
    experiment = LONG.changed(network={"kind": "board16"}, seeds=[0, 1, 2, 3], steps=3)
    text = (cl.Store.create(tmp_path / "store", experiment).path / "experiment.yaml").read_text()
    assert "space(" not in text
    assert "seeds: 0..3" in text
    assert cl.read(tmp_path / "store" / "experiment.yaml") == experiment


def test_flags_and_python_know_ranges():
    changed = cl.Experiment.of(with_flags(cl.Experiment().plain(), ["--seeds", "0..9", "--task.seed=3..5"]))
    assert changed.seeds == list(range(10))
    assert changed.task["seed"] == [3, 4, 5]
    assert cl.Experiment(clock={"kind": "bernoulli", "p": "linspace(0.5, 1, 2)"}).clock["p"] == [0.5, 1.0]


def test_only_axes_are_ranges():
    """A title, words and tables keep what they say."""
    network = {"kind": "dense", "sizes": [4, 5, 6, 7, 8]}
    rule = cl.EquilibriumPropagation(0.1, 0.1)
    experiment = cl.Experiment(network=network, medium={"kind": "xy"}, task={"kind": "iris"}, rule=rule, title="0..9")
    assert experiment.title == "0..9"
    assert "sizes: [4, 5, 6, 7, 8]" in text_of(experiment)
    with pytest.raises(DescriptionError, match=r"clock\.p = .*in quotes"):
        of("clock: {kind: bernoulli, p: geomspace(0.05, 1, 6)}")


@pytest.mark.parametrize(
    "values",
    [[0, 1, 2], [0, 1, 2, 4], [3, 2, 1, 0], [0.0, 0.1, 0.3, 0.4], [True, False], [0, 1.0, 2, 3], [5, 5, 5, 5], [0.5] * 5],
)
def test_what_no_range_gives_stays_a_list(values):
    assert folded(values) == values


@pytest.mark.parametrize("values", [np.geomspace(1e-3, 7, 11).tolist(), np.linspace(-3, 8, 13).tolist(), list(range(-3, 9))])
def test_folding_gives_the_same_bits(values):
    short = folded(values)
    assert isinstance(short, str)
    assert unfolded(short, "p") == values


def test_300_000_seeds_are_a_line():
    experiment = of("seeds: 0..299999")
    assert experiment.replicas == 300_000 <= MOST_VALUES
    assert len(text_of(experiment)) < 1000
