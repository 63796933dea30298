"""Help where people look: examples of every medium, completion, pictures chosen by medium, and names that are meant."""

from __future__ import annotations

import importlib
import inspect
import os
import shutil
import subprocess
import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray

import clockless as cl
import rigs
from clockless.commands import main as cli
from clockless.errors import DescriptionError
from clockless.experiments.files import STUDIES, example, of_text
from clockless.experiments.jobs import Jobs
from clockless.papers.reproduction import PAPERS
from clockless.workers.runs import of_store
from test_cli_stores import clockless

__all__ = ["clockless"]  # a fixture
mpl.use("Agg")

SUBMODULES = [name for name in cl.__all__ if inspect.ismodule(getattr(cl, name, None))]


@pytest.mark.parametrize("name", SUBMODULES)
def test_submodules_offer_what_is_meant_and_nothing_else(name):
    """No imported helper is offered by the tabulator key: every name is the package's own, and has a docstring."""
    module = getattr(cl, name)
    assert dir(module), name
    for each in dir(module):
        thing = getattr(module, each)
        assert not each.startswith("_")
        assert not inspect.ismodule(thing) or thing.__name__.startswith("clockless")
        home = getattr(thing, "__module__", "clockless") if callable(thing) else "clockless"
        assert home.startswith("clockless"), f"{name}.{each} comes from {home}"
        if inspect.isclass(thing) or inspect.isfunction(thing):
            assert inspect.getdoc(thing), f"{name}.{each} says nothing"
    assert not {"Any", "np", "annotations", "pairwise", "shown", "whole"} & set(dir(module))


def test_the_package_offers_nouns_and_rooms():
    assert set(dir(cl)) == set(cl.__all__)
    assert {"Network", "Resistors", "Task", "train", "load", "tasks", "networks"} <= set(dir(cl))
    assert not {"annotations", "Any", "importlib", "sys", "drawing", "local_layers"} & set(dir(cl))
    assert cl.drawing is importlib.import_module("clockless.pictures"), "what is not offered is still there"


@pytest.mark.parametrize("medium", STUDIES)
def test_new_writes_a_study_of_each_medium(clockless, tmp_path, medium):
    if medium == "modules":
        pytest.importorskip("jax")
    code, out, err = clockless("new", "study.yaml", "--medium", medium)
    assert (code, err) == (0, "")
    assert "clockless run study.yaml" in out
    text = (tmp_path / "study.yaml").read_text()
    assert text == example(medium)
    assert text.count("#") >= 5, "it explains itself"
    assert clockless("new", "study.toml", "--medium", medium)[0] == 0
    experiment = cl.read(tmp_path / "study.yaml")
    assert cl.read(tmp_path / "study.toml") == experiment
    if medium in ("resistors", "xy"):  # the others compile to be checked
        Jobs(experiment).check()


def test_no_study_of_what_there_is_not(clockless):
    code, _, err = clockless("new", "study.yaml", "--medium", "quantum")
    assert code == 2
    assert "quantum" in err
    for medium in STUDIES:
        assert f"'{medium}'" in err or f'"{medium}"' in err
    with pytest.raises(DescriptionError):
        example("../study")


SMALL = {"resistors": 20, "xy": 4, "time": 10, "circuit": 5, "modules": 2}  # steps


def tiny(medium, folder):
    """A finished store of the example of a medium, with one seed and one task."""
    experiment = of_text(example(medium), folder / "study.yaml").changed(steps=SMALL[medium], seeds=0)
    task = {**experiment.task, "seed": 0} if "seed" in experiment.task else experiment.task
    return cl.run(experiment.changed(task=task), folder / medium, progress=False)


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stores")
    return {medium: tiny(medium, folder) for medium in ("resistors", "xy")}


@pytest.mark.slow
@pytest.mark.parametrize("medium", ["time", "circuit", "modules"])
def test_the_other_examples_run(clockless, tmp_path, medium):
    if medium == "modules":
        pytest.importorskip("jax")
    store = tiny(medium, tmp_path)
    assert bool(store.dataset().done.all())
    assert not bool(store.dataset().failed.any())
    assert len(store.plot().axes) == (2 if medium == "time" else 1)  # the error of modules is the part that is wrong
    if medium != "modules":
        assert clockless("show", store.path)[0] == 0


@pytest.mark.parametrize("medium", ["resistors", "xy"])
def test_plot_of_errors_alone(stores, medium):
    assert len(stores[medium].plot().axes) == 1


def test_intervals_stand_beside_errors():
    """In continuous time: which part of the intervals is how long."""
    counts = np.array([[0, 3, 1], [2, 2, 0]])
    data = xarray.Dataset(
        {
            "error": (("threshold", "step"), [[1.0, 0.5, 0.2], [1.0, 0.8, 0.7]]),
            "intervals": (("threshold", "interval"), counts),
        },
        {"step": [0, 1, 2], "threshold": [0.1, 0.2], "interval": [0.01, 0.1, 1.0]},
    )
    _, beside = cl.pictures.study_figure(data).axes
    first, second = beside.get_lines()
    assert "interval between events" in beside.get_xlabel()
    assert (first.get_xdata().tolist(), first.get_ydata().tolist()) == ([0.1, 1.0], [75.0, 25.0])
    assert (second.get_xdata().tolist(), second.get_ydata().tolist()) == ([0.01, 0.1], [50.0, 50.0])


def test_accuracies_stand_beside_errors():
    data = {"length": [0.1, 0.2, 1.4, 1.6] * 10, "kind": ["ant", "ant", "bee", "bee"] * 10}
    net = cl.architectures.dense(1, 3, 2)
    task = cl.tasks.classification(data, "kind", network=net)
    run = cl.train(cl.XY(net), task, rule=cl.EquilibriumPropagation(0.1, 0.1), steps=5)
    figure = cl.pictures.study_figure(run.data)
    (line,) = figure.axes[1].get_lines()
    assert line.get_ydata() == pytest.approx(100 * run.data.accuracy.values[1:])


@pytest.mark.parametrize("medium", ["resistors", "xy"])
def test_show_draws_the_network(clockless, stores, medium):
    store = stores[medium]
    code, out, err = clockless("show", store.path)
    assert code == 0, err
    assert f"machine 0 of {store.experiment.replicas}, after" in out
    picture = plt.imread(store.path.parent / medium / "show.png")
    assert picture[..., :3].std() > 0.01, "there is something on it"
    code, _, err = clockless("show", store.path, "--machine", store.experiment.replicas)
    assert code == 2
    assert "has the machines 0 to" in err


def test_show_draws_the_bare_network_of_what_is_not_done(clockless, tmp_path):
    experiment = cl.Experiment(network={"kind": "board16"}, steps=5)
    store = cl.Store.create(tmp_path / "begun", experiment)
    code, out, err = clockless("show", store.path, "--to", "board.svg")
    assert code == 0, err
    assert "not done yet" in out
    assert (tmp_path / "board.svg").read_text().startswith("<?xml")
    assert len(of_store(store).data.failed.values.reshape(-1)) == 1


def test_help_begins_with_examples(clockless):
    code, out, _ = clockless("--help")
    assert code == 0
    for line in (
        "clockless new phases.yaml --medium xy",
        "clockless plot study",
        "clockless export study study.zip --bundle",
    ):
        assert line in out
    words = [line.split()[1] for line in out.splitlines() if line.startswith("  clockless ")]
    for command in words:
        assert clockless(command, "--help")[0] == 0, f"{command} is there"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_completes(clockless, shell):
    code, out, err = clockless("completion", "--shell", shell)
    assert code == 0, err
    for word in ("resume", "export", "checkpoint-seconds"):
        assert word in out


PRESSED = """
source ./script
complete -p clockless || exit 1
press() {
  COMP_WORDS=("$@"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}; COMPREPLY=()
  _clockless clockless "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
  echo "${COMPREPLY[*]}"
}
press clockless sho
press clockless run stu
press clockless run study.yaml --thr
press clockless new --medium ""
press clockless show sto
"""


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_the_tabulator_key_in_bash(clockless, tmp_path):
    """The script in a real bash, called as it calls completions: commands, files, folders, flags and their words."""
    (tmp_path / "script").write_text(clockless("completion", "--shell", "bash")[1])
    (tmp_path / "study.yaml").touch()
    (tmp_path / "store").mkdir()
    done = subprocess.run(
        ["bash", "--norc", "-c", PRESSED], cwd=tmp_path, capture_output=True, text=True, timeout=rigs.LIMIT
    )
    assert (done.returncode, done.stderr) == (0, "")
    first, *offered = done.stdout.splitlines()
    assert first == "complete -F _clockless clockless"
    assert offered == ["show", "study.yaml", "--threads", " ".join(STUDIES), "store"]


@pytest.mark.skipif(shutil.which("fish") is None, reason="there is no fish here")
def test_the_tabulator_key_in_fish(clockless, tmp_path):
    """What fish says that it would offer."""
    (tmp_path / "script").write_text(clockless("completion", "--shell", "fish")[1])
    (tmp_path / "study.yaml").touch()
    pressed = ("sho", "run stu", "run study.yaml --thr", "new --medium ", "reproduce ")
    asked = "; ".join(["source script", *(f"complete -C 'clockless {line}'; echo ==" for line in pressed)])
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    done = subprocess.run(
        ["fish", "-c", asked], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=rigs.LIMIT
    )
    assert (done.returncode, done.stderr) == (0, "")
    offered = [sorted(line.split("\t")[0] for line in part.split("\n") if line) for part in done.stdout.split("==\n")]
    assert offered[:3] == [["show"], ["study.yaml"], ["--threads"]]
    assert offered[3:5] == [sorted(STUDIES), sorted(PAPERS)]


TERMINAL = """
zmodload zsh/zpty
read_more() { zpty -r -t z more && out+=$more || sleep 0.1 }
zpty z zsh -f -i
zpty -w z "PS1=; fpath=($PWD \\$fpath); autoload -Uz compinit; compinit -D -u; bindkey '^I' complete-word; echo RE''ADY"
until [[ $out == *READY*2004h* ]]; do read_more; done  # from then on the line editor takes keys
zpty -w -n z "clockless $1"$'\t'
out=
until [[ $out == *"$2"* ]]; do read_more; done
"""


@pytest.mark.skipif(shutil.which("zsh") is None, reason="there is no zsh here")
@pytest.mark.parametrize(
    ("typed", "shown"),
    [("sho", "show"), ("run stu", "study.yaml"), ("run study.yaml --thr", "--threads"), ("reproduce de", "desynchronous")],
)
def test_the_tabulator_key_in_zsh(clockless, tmp_path, typed, shown):
    """A real zsh in a terminal of its own, which ends with an answer, or with this test's patience."""
    (tmp_path / "_cyclopts_clockless").write_text(clockless("completion", "--shell", "zsh")[1])
    (tmp_path / "study.yaml").touch()
    (tmp_path / "terminal").write_text(TERMINAL)
    environment = {**os.environ, "HOME": str(tmp_path), "TERM": "xterm"}
    done = subprocess.run(
        ["zsh", "-f", "terminal", typed, shown], cwd=tmp_path, env=environment, capture_output=True, timeout=rigs.LIMIT
    )
    assert done.returncode == 0, done.stderr


def test_completion_is_installed_at_home(clockless, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    code, out, err = clockless("completion", "--shell", "bash", "--install")
    assert code == 0, err
    assert any("clockless" in path.read_text() for path in tmp_path.rglob("*") if path.is_file())
    assert str(tmp_path) in out
    assert sys.modules["clockless.commands.main"] is cli
