"""Modules as the ranks of a SLURM step: a SLURM of one node, srun with PMI-2, which MPICH understands."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import pytest

pytest.importorskip("jax", reason="JAX is not installed (the extra `modules`)", exc_type=ImportError)
pytest.importorskip("mpi4py", reason="mpi4py is not installed (the extra `mpi`)", exc_type=ImportError)
slurm = pytest.importorskip("rigs.slurm", reason="there is no SLURM for tests here (tests/rigs)", exc_type=ImportError)

CLOCKLESS = str(Path(sys.executable).with_name("clockless"))
STUDY = """
network: {kind: mlp, layers: 3, width: 16}
medium: {kind: modules, rate: 0.003}
task: {kind: labels, name: digits}
rule: {kind: dni}
batch: 64
steps: 40
"""


@pytest.fixture(scope="module")
def cluster():
    with tempfile.TemporaryDirectory(prefix="slurm-", dir="/tmp") as folder:
        try:
            with slurm.one_node_slurm(Path(folder), cpus=4) as running:
                (Path(folder) / "study.yaml").write_text(STUDY)
                yield running
        except slurm.SlurmMissing as reason:
            pytest.skip(str(reason))


def decoupled(cluster, *arguments):
    return cluster.run("srun", *arguments, CLOCKLESS, "decouple", "study.yaml", "--out", "run", limit=120)


def test_three_ranks_run_and_go_on(cluster):
    done = decoupled(cluster, "--mpi=pmi2", "-n", "3")
    assert done.returncode == 0, done.stderr
    assert "40 of 40 batches" in done.stdout
    again = cluster.run(
        "srun", "--mpi=pmi2", "-n", "3", CLOCKLESS, "decouple", "study.yaml", "--out", "run", "--events", "60", limit=120
    )
    assert again.returncode == 0, again.stderr
    report = json.loads((cluster.folder / "run" / "report.json").read_text())
    assert report["actors"]["module-2"]["events"] == 60


def test_srun_without_an_mpi_says_how_to_start(cluster):
    done = decoupled(cluster, "--mpi=none", "-n", "3")
    assert done.returncode != 0
    assert "start with mpiexec -n 3 (or srun --mpi=pmi2 -n 3)" in done.stderr


def test_fewer_ranks_than_modules(cluster):
    done = decoupled(cluster, "--mpi=pmi2", "-n", "2")
    assert done.returncode != 0
    assert "2 MPI ranks are fewer than the 3 actors" in done.stderr
