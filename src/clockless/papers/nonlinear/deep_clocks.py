"""Fig. drn-clocks: what the error of a layered net costs if its nodes act by chance; nobody has published this."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clockless.media.layered.presets import DECAY
from clockless.papers import FigureData, Options
from clockless.papers.claims import Claim
from clockless.papers.nonlinear.deep import experiment, margin
from clockless.papers.nonlinear.sources import PATIENCE
from clockless.papers.trends import equivalence, mean_interval

if TYPE_CHECKING:
    import xarray

P = (1.0, 0.5, 0.2, 0.1)
LOOKS = (0, 0.1, 0.2, 0.4, 0.6, 1, 1.5, 2)  # epochs
SEEDS = 3
TESTED = 10_000  # images of MNIST's test set


def figure_drn_clocks(options: Options) -> FigureData:
    """Test error (%) of XS [p, seed, epoch]."""
    import xarray

    count, p = (2, P[:2]) if options.tiny else (SEEDS, P)
    described = experiment(
        "xs", options, [options.seed * count + k for k in range(count)], LOOKS, clock={"kind": "bernoulli", "p": list(p)}
    )
    with options.showing("XS, nodes by chance") as update:
        run = options.run(described, update)
    run = run.transpose("p", "seed", "step", ...)
    values = {"error": 100 * (1 - run.accuracy.values), "train_error": 100 * run.train_error.values}
    dims = ("p", "seed", "epoch")
    data = xarray.Dataset(
        {name: (dims, value) for name, value in values.items()},
        {"p": list(p), "seed": run.seed.values, "epoch": list(LOOKS)},
    )
    return FigureData({"figure-drn-clocks": data}, _claims(data))


def effective(epochs: np.ndarray) -> np.ndarray:
    """Rates summed up over epochs, in epochs at the first rate: they fall by a factor after every epoch."""
    whole = np.floor(epochs)
    summed: np.ndarray = (1 - DECAY**whole) / (1 - DECAY) + (epochs - whole) * DECAY**whole
    return summed


def _claims(data: xarray.Dataset) -> list[Claim]:
    """In effective time p makes no difference to the drift: where rates summed up are equal, so should the errors be."""
    claims = []
    times = effective(data.epoch.values)
    whole = data.error.sel(p=1.0).values
    for p in data.p.values[1:].tolist():
        other = data.error.sel(p=p).isel(epoch=-1).values
        mine = np.array([np.interp(p * times[-1], times, errors) for errors in whole])
        (_, first), (apart, half) = mean_interval(other), equivalence(other - mine)  # of the same starts and examples
        said = f"p = {p:g}: {other.mean():.2f} ± {first:.2f} % after {LOOKS[-1]} epochs; p = 1: {whole[:, -1].mean():.2f} %."
        claims.append(Claim(
            "drn-clocks", f"test error, p = {p:g} after {LOOKS[-1]} epochs less p = 1 after {p * LOOKS[-1]:g}, %", 0.0,
            margin(float(mine.mean()), TESTED), apart, "",
            f"{said} Between looks the errors of p = 1 are interpolated. Margin: what {TESTED:,} test images tell apart.",
            source=PATIENCE, criterion="within", half=half, level=0.9, stated="2026-11-22",
        ))  # fmt: skip
    return claims
