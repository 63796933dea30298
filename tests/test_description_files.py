"""Descriptions as files and flags: the same experiment comes back, the same text is written, and mistakes get a sentence."""

from __future__ import annotations

import copy
import os
import re
import shlex
import subprocess
import sys
import warnings

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import clockless as cl
from clockless.commands import stores as cli_stores
from clockless.errors import ClocklessError, DescriptionError, OutputError
from clockless.experiments import files as description_files
from clockless.experiments.files import read, text_of, with_flags, write
from rigs import LIMIT
from test_experiment import BAD, DESCRIPTIONS

QUICK = settings(max_examples=50, suppress_health_check=list(HealthCheck))
EXPERIMENTS = DESCRIPTIONS.map(cl.Experiment.of)


@pytest.mark.parametrize("suffix", [".yaml", ".toml"])
def test_a_file_gives_the_same_experiment_and_the_same_text_again(suffix, tmp_path):
    one, two = tmp_path / f"one{suffix}", tmp_path / f"two{suffix}"

    @QUICK
    @given(EXPERIMENTS)
    def check(experiment):
        write(experiment, one)
        again = read(one)
        assert (again, again.fingerprint, again.title) == (experiment, experiment.fingerprint, experiment.title)
        write(again, two)
        assert one.read_bytes() == two.read_bytes()

    check()


def test_both_languages_say_the_same(tmp_path):
    (tmp_path / "a.yaml").write_text("clock: {kind: bernoulli, p: [1e-1, 1]}\nsteps: 10\nrule: {kind: sign, nudge: .5}\n")
    (tmp_path / "a.toml").write_text(
        'steps = 10\nrule = {nudge = 0.5, kind = "sign"}\n[clock]\nkind="bernoulli"\np=[0.1, 1.0]\n'
    )
    assert read(tmp_path / "a.yaml") == read(tmp_path / "a.toml")


def test_given_start_values_survive_a_file_to_the_last_bit(tmp_path):
    values = [[0.1, 1 / 3, 2.0**0.5, 7e-2] * 4] * 2
    experiment = cl.Experiment(
        network={"kind": "board16"}, seeds=[0, 1], initial={"kind": "given", "dims": ["seed", "edge"], "values": values}
    )
    for suffix in (".yaml", ".toml"):
        write(experiment, tmp_path / f"a{suffix}")
        assert read(tmp_path / f"a{suffix}") == experiment


def test_the_example_is_an_experiment_of_a_dozen_units_or_more(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(description_files.example())
    experiment = read(path)
    assert 12 <= len(cl.Store.create(tmp_path / "store", experiment).jobs.members) <= 24
    toml = tmp_path / "study.toml"
    assert cli_stores.new(toml) == 0
    assert read(toml) == experiment


# --- mistakes --------------------------------------------------------------------------------------------------------------

BAD_FILES = {
    "broken.yaml": ("clock: {kind: global", "no YAML"),
    "broken.toml": ("steps = = 3", "no TOML"),
    "twice.yaml": ("steps: 10\nsteps: 20", "'steps' is given twice"),
    "twice-within.yaml": ("clock:\n  kind: bernoulli\n  p: 0.1\n  p: 0.2", "'p' is given twice"),
    "twice.toml": ("steps = 1\nsteps = 2", "no TOML"),
    "list.yaml": ("- steps: 10", "no description"),
    "empty.yaml": ("", "no description"),
    "text.yaml": ("just words", "no description"),
    "two.yaml": ("steps: 1\n---\nsteps: 2", "no YAML"),
    "python.yaml": ("!!python/object/apply:os.system [ls]", "no YAML"),
    "number.yaml": ("steps: !!int ''", "no YAML"),
    "truth.yaml": ("traces: !!bool maybe", "no YAML"),
    "date.yaml": ("title: !!timestamp noon", "no YAML"),
    "map.yaml": ("!!map [1]", "no YAML"),
    "itself.yaml": ("clock: &a {kind: *a}", "stands for nothing, or for itself"),
    "nested.toml": ("x = " + "[" * 3000, "no TOML"),
    "digits.toml": ("steps = " + "9" * 5000, "no TOML"),
    "control.yaml": ("title: \x00", "no YAML"),
    "not-a-number.yaml": ("initial: .nan", "initial"),
    "importing.yaml": ("clock: {kind: 'os:getcwd'}", "clock.kind"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_gets_one_sentence_that_begins_with_its_name(name, tmp_path):
    text, said = BAD_FILES[name]
    (tmp_path / name).write_text(text)
    with pytest.raises(DescriptionError) as caught:
        read(tmp_path / name)
    assert str(caught.value).startswith(str(tmp_path / name))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read_gets_a_sentence(tmp_path):
    (tmp_path / "latin.yaml").write_bytes("title: Größe".encode("latin-1"))
    for name in ("missing.yaml", "latin.yaml", "."):
        with pytest.raises(DescriptionError, match="cannot be read"):
            read(tmp_path / name)
    with pytest.raises(OutputError, match="cannot write"):
        write(cl.Experiment(), tmp_path / "missing" / "a.yaml")


@settings(QUICK, max_examples=150)
@given(st.text(max_size=40) | st.sampled_from([text for text, _ in BAD_FILES.values()]), st.sampled_from([".yaml", ".toml"]))
def test_any_text_is_an_experiment_or_gets_one_sentence(tmp_path_factory, text, suffix):
    path = tmp_path_factory.getbasetemp() / f"any{suffix}"
    path.write_text(text, encoding="utf-8")
    said = ""
    try:
        read(path)
    except ClocklessError as error:
        said = str(error)
    assert "\n" not in said


def run(*arguments, where, timeout=LIMIT):
    """The command line in a process of its own."""
    command = [sys.executable, "-m", "clockless", *map(str, arguments)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=where, capture_output=True, text=True, timeout=timeout, env=environment, check=False)


def refusal(capsys, monkeypatch, *arguments):
    """Exit code and what is said on standard error by the command line, in this process."""
    from clockless.commands import main as cli

    monkeypatch.setattr(sys, "argv", ["clockless", *map(str, arguments)])
    with pytest.raises(SystemExit) as caught, warnings.catch_warnings(action="ignore"):
        cli.main()
    return caught.value.code, capsys.readouterr().err


def test_the_command_line_refuses_in_one_line_with_code_2(tmp_path):
    (tmp_path / "bad.yaml").write_text("clock: {kind: bernoulli, p: [0.5, often]}")
    ended = run("run", "bad.yaml", "--out", "store", where=tmp_path)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert "clock.p[1] = 'often'" in ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["bad.yaml"]


WRITABLE = sorted(BAD.keys() - {"a medium on another network", "a title that is no text", "a whole number without end"})


@pytest.mark.parametrize("case", WRITABLE)
def test_every_bad_description_ends_with_code_2_and_nothing_is_written(case, tmp_path, capsys, monkeypatch):
    data, where = BAD[case]
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump(data))
    code, said = refusal(capsys, monkeypatch, "run", path, "--out", tmp_path / "store")
    assert (code, said.count("\n")) == (2, 1), said
    assert where in said
    assert [left.name for left in tmp_path.iterdir()] == ["study.yaml"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--clock.p", "2"), ("--clock.q", "1"), ("--steps", "0"), ("--steps"), ("--steps", "[1"), ("--nodes", "3"),
        ("--steps", "!!int ''"), ("--clock.p", "{a: 1, a: 2}"), ("--", "3"), ("--threads", "0"), ("--threads", "two"),
        ("--threads", "1", "--workers", "1"), ("--slurm", "2", "--workers", "1"), ("--slurm", "0"),
        ("--checkpoint-seconds", "0"), ("--batch", "9999"), ("--rule.kind", "sign", "--rule.nudge", "0.1"),
        ("--scheduler", "tcp://a:1", "--scheduler-file", "b"), ("--network.kind", "lattice"), ("--title", "\udc80"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_every_bad_flag_ends_with_code_2_and_nothing_is_written(arguments, tmp_path, capsys, monkeypatch):
    path = tmp_path / "study.yaml"
    path.write_text("network: {kind: board16}\nclock: {kind: bernoulli, p: 0.5}\nsteps: 5\n")
    given_ = [arguments] if isinstance(arguments, str) else arguments
    code, said = refusal(capsys, monkeypatch, "run", path, "--out", tmp_path / "store", *given_)
    assert (code, said.count("\n")) == (2, 1), said
    assert [left.name for left in tmp_path.iterdir()] == ["study.yaml"]


@pytest.mark.parametrize(
    "text", ["0100", "010", "-0100", "00", "0_100", "1:30", "1:30:45", "190:20:30.5", "-1:30", "!!int '0100'"]
)
def test_numbers_that_yaml_reads_in_base_8_or_60_are_refused(text, tmp_path):
    path = tmp_path / "study.yaml"
    for line in (f"steps: {text}", f"title: {text}", f"clock: {{kind: bernoulli, p: [0.5, {text}]}}", f"{text}: 3"):
        path.write_text(line)
        with pytest.raises(DescriptionError, match=re.escape(text.split("'")[-2] if "'" in text else text)) as caught:
            read(path)
        assert str(path) in str(caught.value)
        assert "octal" in str(caught.value)
    with pytest.raises(DescriptionError, match="octal"):
        with_flags(STUDY, ["--steps", text])


@pytest.mark.parametrize(
    ("text", "steps"), [("0x1F", 31), ("1_000", 1000), ("0b101", 5), ("100", 100), ("+7", 7), ("!!int '12'", 12)]
)
def test_numbers_that_can_be_read_in_one_way_only_are_kept(text, steps, tmp_path):
    (tmp_path / "study.yaml").write_text(f"steps: {text}\ntitle: '1:30'\ninitial: 00.5")
    experiment = read(tmp_path / "study.yaml")
    assert (experiment.steps, experiment.title, experiment.initial) == (steps, "1:30", 0.5)
    assert cl.Experiment.of(with_flags(STUDY, ["--steps", text])).steps == steps


@pytest.mark.parametrize("text", ["0o10", "0899", "1:3x"])
def test_words_that_look_like_numbers_are_words(text, tmp_path):
    (tmp_path / "study.yaml").write_text(f"steps: {text}")
    with pytest.raises(DescriptionError, match=f"steps = '{text}'; it must be a whole number"):
        read(tmp_path / "study.yaml")


# --- flags ----------------------------------------------------------------------------------------------------

STUDY = cl.Experiment(clock=cl.Bernoulli(0.5), device=cl.Levels(comparator=cl.Magnitudes(0.1))).plain()


@pytest.mark.parametrize(
    ("flags", "changed"),
    [
        ("--clock.p 0.1 --clock.p 0.5", {"clock": {"kind": "bernoulli", "p": [0.1, 0.5]}}),
        ("--clock.p=[0.1,5e-1]", {"clock": {"kind": "bernoulli", "p": [0.1, 0.5]}}),
        ("--steps=7 --title x", {"steps": 7, "title": "x"}),
        ("--seed 3 --seed 4", {"seeds": [3, 4]}),
        ("--clock.events 0.2 --clock.kind poisson", {"clock": cl.Poisson(0.2)}),
        ("--clock.kind bernoulli", {}),
        ("--device.comparator.bias 0.3", {"device": cl.Levels(comparator=cl.Magnitudes(0.3))}),
        ("--clock '{kind: global}'", {"clock": cl.Global()}),
        ("--record [1,5]", {"record": [1, 5]}),
    ],
)
def test_flags_change_fields(flags, changed):
    before = copy.deepcopy(STUDY)
    experiment = cl.Experiment.of(with_flags(STUDY, shlex.split(flags)))
    assert experiment == cl.Experiment.of({**STUDY, **changed})
    assert before == STUDY, "the description that was given must not be changed"


@QUICK
@given(
    st.lists(st.sampled_from(["--clock.p", "--steps", "--x.y", "=", "--", "-1", "[", "0.5", "!!int ''", "kind", "--a=b=c"]))
)
def test_any_flags_are_an_experiment_or_get_one_sentence(flags):
    said = ""
    try:
        cl.Experiment.of(with_flags(STUDY, flags))
    except ClocklessError as error:
        said = str(error)
    assert "\n" not in said


def test_text_has_no_machine_in_it():
    """The text follows from the experiment alone, so that equal experiments have equal files."""
    assert text_of(cl.Experiment()) == text_of(cl.Experiment.of(cl.Experiment().plain()))
    assert "&id" not in text_of(cl.Experiment(clock=[cl.Bernoulli(0.5), cl.FixedFraction(0.5)]))


def test_a_word_that_reads_like_a_number_stays_a_word(tmp_path):
    """`window` of layers takes any plain value; 1e3 is a number to the reader, so the writer must put the word in quotes."""
    network = {"kind": "local", "image": [8, 8], "window": "1e3", "channels": 1}
    experiment = cl.Experiment(network=network, medium={"kind": "xy"}, task={"kind": "digits"})
    write(experiment, tmp_path / "a.yaml")
    assert read(tmp_path / "a.yaml") == experiment


def test_sentences_stay_short_whatever_they_quote(tmp_path):
    (tmp_path / "a.toml").write_text(f"[network]\nkind = 'lattice'\n{'x' * 100_000} = 1\n")
    with pytest.raises(DescriptionError, match=r" \[\.\.\] ") as caught:
        read(tmp_path / "a.toml")
    assert len(str(caught.value)) < 1700
    assert str(caught.value).endswith("the fields of lattice are: rows, columns, periodic.")
