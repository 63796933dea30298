"""Fig. mnist: handwritten digits of 28 x 28 pixels with a dense and a local hidden layer; made where their files are named.

The files are the user's (`--mnist DIR`); nothing is downloaded. The time that the figure needs is measured on the first
steps and said before it begins.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.experiments.experiment import Experiment
from clockless.papers import FigureData, Options
from clockless.papers.claims import Claim
from clockless.papers.trends import difference_of_means, mean_interval
from clockless.papers.xy_lattices.digits import acting, seeds, settled
from clockless.papers.xy_lattices.sources import ABSTRACT
from clockless.workers.ensemble import available_cores

if TYPE_CHECKING:
    import xarray

NETWORKS: dict[str, dict[str, Any]] = {
    "784-120-10": {"kind": "dense", "sizes": [784, 120, 10]},
    "6 x 6 windows": {"kind": "local", "image": [28, 28], "window": 6, "stride": 2, "channels": 4},  # 4 x 12 x 12 sites
}
TRAIN, TEST, BATCH, EPOCHS = 60_000, 10_000, 100, 5
MARGIN = 1.0  # of accuracy, in percent: what we call reached
RATE = 0.003  # of Adam, as for the 8 x 8 digits
_FIRST = 5  # steps that are timed, after as many that are not


def figure_mnist(options: Options) -> FigureData:
    """Test accuracy over a few epochs, a line per architecture; says first how long it will take."""
    import xarray

    train, test, epochs, count = (500, 200, 2, 2) if options.tiny else (TRAIN, TEST, EPOCHS, 3)
    batch = 20 if options.tiny else BATCH
    per_epoch = -(-train // batch)
    steps = epochs * per_epoch
    record = np.unique(np.rint(np.linspace(0, steps, 2 * epochs + 1)).astype(int)).tolist()
    experiment = Experiment(
        network=list(NETWORKS.values()), medium={"kind": "xy", "residual": 1e-3, "test_residual": 1e-3},
        task={"kind": "mnist", "folder": str(options.data["mnist"]), "train": train, "test": test},
        rule={"kind": "equilibrium-propagation", "nudge": 0.1, "rate": RATE}, optimiser={"kind": "adam"},
        batch={"kind": "epochs", "size": batch}, seeds=seeds(options, count), steps=steps, record=record, title="Fig. mnist",
    )  # fmt: skip
    minutes = expected_seconds(experiment, options.threads or available_cores()) / 60
    if options.progress:
        print(f"mnist: about {minutes:.1f} min, as the first steps go", file=sys.stderr, flush=True)
    with options.showing("mnist") as update:
        run = options.run(experiment, update)
    data = xarray.Dataset(
        {"accuracy": (("network", "seed", "step"), 100 * run.accuracy.transpose("network", "seed", "step").values)},
        {"network": list(NETWORKS), "couplings": ("network", acting(list(NETWORKS.values()))), "step": run.step.values,
         "epoch": ("step", run.step.values / per_epoch)},
    )  # fmt: skip
    return FigureData({"figure-mnist": data}, [_sparse_as_dense(data, test), settled("mnist", run)])


def expected_seconds(experiment: Experiment, threads: int) -> float:
    """Time for an experiment with phases, from its first steps and one look at the test set, over its networks."""
    from clockless.experiments.jobs import Jobs

    jobs = Jobs(experiment)
    networks = len(experiment.network) if isinstance(experiment.network, list) else 1
    each = experiment.replicas // networks
    total = 0.0
    for k in range(networks):
        learning = jobs.learner(k * each)  # networks are the outermost axis
        learning.advance(min(_FIRST, experiment.steps))
        timed = min(2 * _FIRST, experiment.steps) - learning.step
        began = time.perf_counter()
        learning.advance(learning.step + timed)
        learned = time.perf_counter()
        learning.measure()
        looking = time.perf_counter() - learned
        total += each * ((learned - began) / max(timed, 1) * experiment.steps + looking * len(experiment.record_at))
    return total / min(threads, experiment.replicas)


def _sparse_as_dense(data: xarray.Dataset, tested: int) -> Claim:
    """Whether windows do as well as the dense layer with several times the couplings."""
    dense, local = (data.accuracy.isel(network=k, step=-1).values for k in (0, 1))
    ratio = float(data.couplings[0] / data.couplings[1])
    binomial = 2e4 * (dense.mean() / 100) * (1 - dense.mean() / 100) / tested  # of two test errors, in percent
    difference, half = difference_of_means(dense, local)
    (first, first_half), (second, second_half) = mean_interval(dense), mean_interval(local)
    return Claim(
        "mnist", f"windows less dense layer, which has {ratio:.1f} times the couplings, last step, %", -MARGIN, 0.0,
        difference,
        "Sparse local networks reach the performance of dense ones with fewer couplings.",
        f"Reached means at most {MARGIN:g} point below. Dense {first:.2f} ± {first_half:.2f} %, windows {second:.2f} ± "
        f"{second_half:.2f} % (95 % intervals over {dense.size} seeds; the test set's size adds "
        f"± {1.96 * np.sqrt(binomial):.2f}). Longer training elsewhere: 97.77 % (arXiv 2504.11884), 97.2 % (2505.02103).",
        source=ABSTRACT, criterion="above", half=float(np.hypot(half, 1.96 * np.sqrt(binomial))),
    )  # fmt: skip
