"""What the figures share: data, network, optimiser, and how their experiments are run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from clockless.experiments.experiment import Experiment
from clockless.papers import Options

if TYPE_CHECKING:
    import xarray

WIDTH, BATCH = 256, 64
ADAM: dict[str, Any] = {"kind": "modules", "optimiser": "adam", "rate": 1e-3}
DIGITS: dict[str, Any] = {"kind": "labels", "name": "digits"}  # 1,347 to learn from and 450 to test
BACKPROP: dict[str, Any] = {"kind": "backprop"}
CDNI: dict[str, Any] = {"kind": "dni", "conditioned": True}
CURVE = (1, 2, 5, 10, 20, 50, 100, 200, 300, 500, 700, 1000, 1400, 2000)


def stack(layers: int | list[int], width: int = WIDTH) -> dict[str, Any]:
    """The papers' network."""
    return {"kind": "mlp", "layers": layers, "width": width}


def seeds(options: Options, count: int) -> list[int]:
    """Seeds that no other master seed shares: 0..4 for master seed 0, 5..9 for master seed 1, and so on."""
    return [options.seed * count + k for k in range(count)]


def learned(options: Options, title: str, **fields: Any) -> xarray.Dataset:
    """Results of an experiment on digits, or whatever `fields` say.

    Compiling takes longer than a tiny run, and each process compiles for itself, so a tiny one stays in this process.
    """
    chosen = {"medium": ADAM, "task": DIGITS, "batch": BATCH, "title": title, **fields}
    running = replace(options, threads=1) if options.tiny else options
    with options.showing(title) as update:
        return running.run(Experiment(**chosen), update)
