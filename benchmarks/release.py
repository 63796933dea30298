"""Builds wheel and sdist, installs each into an empty environment, and uses it: `make release-check`.

Of every Python from 3.11 to 3.13 that is found one environment is made; what is not found is said. A package that works only
from its source folder, misses a file or names a version twice is noticed here.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
PYTHONS = ("3.11", "3.12", "3.13")
FILES = (  # what a wheel must have beside its modules
    "clockless/pictures/house.mplstyle",
    "clockless/experiments/studies/resistors.yaml",
    "clockless/experiments/studies/xy.yaml",
    "clockless/py.typed",
    "clockless/lab/static/index.html",
    "clockless/lab/static/lab.css",
    "clockless/lab/static/lab.js",
)
USE = """
import importlib.metadata, pathlib, sys
import clockless as cl
assert pathlib.Path(cl.__file__).is_relative_to(sys.prefix), cl.__file__
assert cl.__version__ == importlib.metadata.version("clockless")
network = cl.networks.board16()
run = cl.train(cl.Resistors(network), cl.tasks.regression(network), rule=cl.CoupledLearning(0.1, 0.1), steps=50)
assert float(run.error.isel(step=-1)) < 1
run.plot().savefig("curves.png")
run._repr_html_()
"""
COMMANDS = (
    ("--version",),
    ("new", "study.yaml"),
    (
        "run",
        "study.yaml",
        "--network.kind",
        "board16",
        "--task.seed",
        "0..1",
        "--steps",
        "20",
        "--out",
        "study",
        "--threads",
        "1",
    ),
    ("plot", "study"),
    ("show", "study"),
    ("export", "study", "study.zip", "--bundle"),
    ("unpack", "study.zip", "again"),
)


def said(*command: object, cwd: Path) -> str:
    """What a command prints; SystemExit with all that it said if it fails."""
    alone = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}  # no path to any source
    done = subprocess.run([str(word) for word in command], cwd=cwd, capture_output=True, text=True, env=alone)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def built(folder: Path) -> list[Path]:
    """Wheel and sdist, made from a copy of what a commit would hold."""
    said(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT, cwd=folder)
    said(sys.executable, "-m", "build", "--sdist", "--outdir", folder, ROOT, cwd=folder)
    return sorted(folder.glob("*.whl")) + sorted(folder.glob("*.tar.gz"))


def check_content(archives: list[Path]) -> str:
    """That both are of one version, which every file agrees on, and hold what they must; returns the version."""
    wheel, sdist = archives
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        missing = [name for name in FILES if name not in names]
        assert not missing, f"the wheel misses {missing}"
        strange = [name for name in names if name.startswith(("tests/", "docs/", "benchmarks/"))]
        assert not strange, f"the wheel holds {strange}"
    with tarfile.open(sdist) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff"} <= inside, "the sdist misses a file"
    version = wheel.name.split("-")[1]
    check_version(version)
    return version


def check_version(version: str) -> None:
    """That the change log, the citation and the conda recipe are of this version."""
    for name, pattern in (
        ("CHANGELOG.md", r"^## (\S+)"),
        ("CITATION.cff", r"^version: (\S+)"),
        ("packaging/conda/meta.yaml", r'set version = "([^"]+)"'),
    ):
        found = re.search(pattern, (ROOT / name).read_text(encoding="utf-8"), re.M)
        assert found is not None, f"{name} names no version"
        assert found[1] == version, f"{name} is of version {found[1]}, the package of {version}"


def use(archive: Path, python: str, folder: Path) -> None:
    """Install an archive into an empty environment and use it, from the library and on the command line."""
    said(python, "-m", "venv", folder / "environment", cwd=folder)
    own = folder / "environment" / "bin"
    said(own / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", archive, cwd=folder)
    said(own / "python", "-c", USE, cwd=folder)
    for words in COMMANDS:
        said(own / "clockless", *words, cwd=folder)
    said(own / "python", "-m", "pip", "check", cwd=folder)


def interpreters() -> dict[str, str]:
    """Paths of the Pythons that are found and run, by their versions."""
    found = {}
    for version in PYTHONS:
        candidates = [
            shutil.which(f"python{version}"),
            *map(str, Path.home().glob(f".pyenv/versions/{version}.*/bin/python")),
        ]
        for path in filter(None, candidates):
            answer = subprocess.run(
                [path, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], capture_output=True, text=True
            )
            if answer.returncode == 0 and answer.stdout.strip() == version:
                found[version] = path
                break
    return found


def main() -> int:
    """Build, look into, install and use both archives."""
    pythons = interpreters()
    with tempfile.TemporaryDirectory(prefix="clockless-release-") as made:
        folder = Path(made)
        archives = built(folder)
        version = check_content(archives)
        print(f"clockless {version}: {', '.join(archive.name for archive in archives)}", flush=True)
        for python in PYTHONS:
            if python not in pythons:
                print(f"Python {python}: not found here", flush=True)
                continue
            for archive in archives if python == PYTHONS[0] else archives[:1]:
                room = folder / f"{python}-{archive.suffix[1:]}"
                room.mkdir()
                use(archive, pythons[python], room)
                print(f"Python {python}: {archive.name} installs and works", flush=True)
                shutil.rmtree(room)
    return 0


if __name__ == "__main__":
    sys.exit(main())
