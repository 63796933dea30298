"""Descriptions that are built to take memory or time: refused in one sentence, before anything is built of them."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
import yaml

import clockless as cl
from clockless.errors import DescriptionError
from clockless.experiments import parsing
from clockless.experiments.files import of_text, text_of, with_flags


def unfolding(first, level):
    """Nine levels, each of nine aliases of the one before: 9^9 things from a few hundred letters."""
    levels = [f"a{k}: &a{k} {level(', '.join([f'*a{k - 1}'] * 9))}" for k in range(1, 10)]
    return "\n".join([f"a0: &a0 {first}", *levels])


BOMBS = {
    "aliases.yaml": (unfolding("[x, x, x]", "[{}]".format), "aliases stand for more than"),
    "merges.yaml": (unfolding("{x: 1}", "{{<<: [{}]}}".format), "aliases stand for more than"),
    "itself.yaml": ("seeds: &a [*a]", "'*a' stands for nothing, or for itself"),
    "brackets.yaml": ("seeds: " + "[" * 50_000, "nested more than 64 deep"),
    "dashes.yaml": ("- " * 50_000, "nested more than 64 deep"),
    "numbers.yaml": ("seeds: " + "[" * 5000 + "]" * 5000, "nested more than 64 deep"),
    "list.yaml": ("? [1, 2]\n: 3", "[1, 2] stands where a field's name should"),
    "digits.yaml": ("steps: " + "9" * 200_000, "no YAML"),
    "twice.yaml": ("steps: 1\n" * 300, "'steps' is given twice"),
    "brackets.toml": ("seeds = " + "[" * 50_000, "nested too deeply"),
    "dotted.toml": (".".join("a" * 100_000) + " = 1", "64 words are joined by dots"),
    "quoted.toml": (".".join(['"a"'] * 100_000) + " = 1", "64 words are joined by dots"),
    "section.toml": ("[" + " . ".join("a" * 100_000) + "]", "64 words are joined by dots"),
    "name.toml": ("a" * 200_000 + " = 1", "'aaaaaaaaaaaa...aaaaaaaaaaaaa' is no field"),
}  # fmt: skip


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", BOMBS)
def test_a_text_that_stands_for_too_much_gets_one_short_sentence(name):
    text, said = BOMBS[name]
    with pytest.raises(DescriptionError) as caught:
        of_text(text, Path(name))
    sentence = str(caught.value)
    assert sentence.startswith(f"{name}: ")
    assert said in sentence
    assert len(sentence) < 500


@pytest.mark.timeout(60)
@pytest.mark.parametrize("value", ["[" * 50_000, "{" * 50_000, "*a", "&a [*a]"])
def test_a_flag_has_the_same_bounds(value):
    with pytest.raises(DescriptionError, match=r"--seeds .* is no value: ") as caught:
        with_flags({"seeds": 0}, ["--seeds", value])
    assert len(str(caught.value)) < 300


def test_each_bound_is_counted(monkeypatch):
    """Depth and aliases just below the bounds are read, just above refused."""
    deep = "x: " + "[" * 63 + "]" * 63
    assert parsing.of_yaml(deep) == {"x": json.loads("[" * 63 + "]" * 63)}
    with pytest.raises(DescriptionError, match="64 deep"):
        parsing.of_yaml(deep.replace("[]", "[[]]"))
    monkeypatch.setattr(parsing, "_MOST_COPIES", 6)
    pair = "a: &a [1, 2]\n"  # three things: a list and its numbers
    assert parsing.of_yaml(pair + "b: [*a, *a]")["b"] == [[1, 2], [1, 2]]
    with pytest.raises(DescriptionError, match="stand for more than 6 things"):
        parsing.of_yaml(pair + "b: [*a, *a, *a]")
    monkeypatch.setattr(parsing, "_MOST_THINGS", 3)
    assert parsing.of_yaml("a: 1") == {"a": 1}
    with pytest.raises(DescriptionError, match="more than 3 words"):
        parsing.of_yaml("a: [1]")
    monkeypatch.setattr(parsing, "MOST_BYTES", 4)
    with pytest.raises(DescriptionError, match="4 characters or more"):
        parsing.of_toml("a = 1")


def numbers(count):
    return "[" + ", ".join(map(str, range(count))) + "]"


@pytest.mark.parametrize(
    "text",
    [
        f"seeds: {numbers(3000)}",
        f"# {numbers(3000)}\nseeds: {numbers(3000)}",
        f"title: '{numbers(3000)}'\nseeds: {numbers(2000)}",
        f"seeds: {numbers(3000)[:-1]}, 0x10, 1_000]",
        f"seeds: {numbers(3000)[:-1]}, x]",
        f"seeds: {numbers(3000)[:-1]}, {{a: 1}}]",
        f"edges: {[[k, k + 1] for k in range(2000)]}\nvalues: {[k / 7 for k in range(2000)] + [1e-30, -0.0, 3.0]}",
        "rows:\n" + "".join(f"- [{k}, {-k}]\n" for k in range(2000)),
        f"a: &a {numbers(3000)}\nb: *a",
    ],
    ids=["seeds", "comment", "title", "words", "mixed", "mapping", "tables", "rows", "alias"],
)
def test_long_lists_of_numbers_are_read_as_the_parser_reads_them(text):
    """Numbers, their types and signs, and everything around them."""
    assert repr(parsing.of_yaml(text)) == repr(yaml.load(text, parsing._loader()))


@pytest.mark.parametrize("value", [f"{numbers(3000)}", f"{[[k / 7, 1.0, -0.0] for k in range(900)]}", "[1, 2]"])
def test_long_lists_of_numbers_are_read_from_toml_too(value):
    text = f"before = 1\nvalue = {value} # {value}\nafter = 'x'"
    assert repr(parsing.of_toml(text)) == repr(tomllib.loads(text))


@pytest.mark.parametrize("suffix", [".yaml", ".toml"])
def test_many_seeds_are_written_and_read_at_once(suffix, monkeypatch):
    """By events: neither the parser nor the writer of the language meets a single seed."""
    seeds = [seed for seed in range(450_000) if seed % 3]  # no range
    experiment = cl.Experiment.of({"network": {"kind": "board16"}, "seeds": seeds, "steps": 7})
    text = text_of(experiment, suffix)
    assert "449998, 449999]" in text
    assert max(map(len, text.splitlines())) < 160
    monkeypatch.setattr(parsing, "_MOST_THINGS", 200)
    assert of_text(text, Path(f"study{suffix}")) == experiment
    assert experiment.replicas == 300_000
