"""What a release is: one version everywhere, archives that work where nothing else is, a sentence without locks."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import clockless as cl
from rigs import LIMIT

ROOT = Path(__file__).parent.parent


def release():
    """The module that checks a release."""
    spec = importlib.util.spec_from_file_location("release", ROOT / "benchmarks" / "release.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_one_version_everywhere():
    release().check_version(cl.__version__)
    with pytest.raises(AssertionError, match=r"CHANGELOG\.md is of version"):
        release().check_version("99.0")


def test_the_recipe_needs_what_the_package_needs():
    """conda calls matplotlib without its windows matplotlib-base; everything else has the same name and bound."""
    text = (ROOT / "packaging" / "conda" / "meta.yaml").read_text(encoding="utf-8")
    recipe = yaml.safe_load(re.sub(r"\{\{.*?\}\}", "0", re.sub(r"\{%.*?%\}", "", text)))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {word.replace(" ", "").replace("matplotlib-base", "matplotlib") for word in recipe["requirements"]["run"]}
    assert needed - {"python>=3.11"} == set(project["dependencies"])
    assert f"python{project['requires-python']}" in needed


def test_everything_has_an_extra():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    (everything,) = extras["all"]
    assert set(re.search(r"\[(.*)\]", everything)[1].split(",")) == {"modules", "mpi", "cluster", "lab", "notebooks"}
    assert set(re.search(r"\[(.*)\]", everything)[1].split(",")) <= set(extras)


def test_the_citation_can_be_read():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["version"] == cl.__version__
    assert {"cff-version", "message", "title", "authors"} <= set(cited)


def test_the_change_log_goes_by_kind():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## (\S+)", text, re.M)
    assert versions[0] == cl.__version__
    assert len(versions) == len(set(versions))
    assert set(re.findall(r"^### (.*)$", text, re.M)) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


WITHOUT_LOCKS = """
import os, sys
sys.modules["fcntl"] = sys.modules["resource"] = None  # as on Windows
for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "sysconf"):
    delattr(os, name)
import clockless as cl
from clockless.errors import StoreError

network = cl.networks.board16()
run = cl.train(cl.Resistors(network), cl.tasks.regression(network), rule=cl.CoupledLearning(0.1, 0.1), steps=5)
run.to_spice("board.cir")
for ask in (lambda: run.save("run"), lambda: cl.Store.open("run"), lambda: cl.run(cl.Experiment(steps=5), "study")):
    try:
        ask()
    except StoreError as error:
        print(error)
assert sorted(os.listdir(".")) == ["board.cir"], os.listdir(".")
"""


def test_without_flock_stores_say_so_and_the_rest_works(tmp_path):
    done = subprocess.run([sys.executable, "-c", WITHOUT_LOCKS], cwd=tmp_path, capture_output=True, text=True, timeout=LIMIT)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 3
    assert all(line.startswith("this system has no `flock`") and "WSL" in line for line in lines)


@pytest.mark.slow
@pytest.mark.timeout(6 * LIMIT)  # four environments are filled, each with a hundred megabytes
def test_wheel_and_sdist_install_and_work():
    assert release().main() == 0
