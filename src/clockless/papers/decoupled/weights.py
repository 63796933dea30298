"""Figure weights: a classifier whose weights have few levels, each weight acting by its own coin, against weights left out.

Wycoff et al. 2022 expect that 'in other learning problems with many local minima, including in artificial neural networks,
desynchronous updates could benefit'. Here every weight of a small classifier (`perceptron`) goes up or down one of L levels
from -1 to 1 by the sign of the gradient of a batch, with probability p, for the same number of updates per weight. Compared
are means over the last fifth of a run, as geometric means over tasks, which have their own split, first weights and coins.

Thresholds were stated on 2026-11-22, before anything was run with master seed 7 and after a look at two other tasks:

- for each L the training cost at p = 0.2 is below that at p = 1 (the 95 % interval of log10 of the ratio lies above 0);
- and not only because it sees five times as many batches: it is below that at p = 1 after as many steps, too;
- with the fewest and with the most levels p = 0.05 ends below p = 0.2; the benefit of p = 0.2 is larger with the fewest;
- a weight that is absent (DropConnect) ends above one that does not act, at p = 0.5, for each L;
- control: weights of any value that change in proportion to the slope end alike at p = 1 and 0.2, the 90 % interval within
  0.02 decades. Steps are small then, and p is no more than the number of steps.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.experiments.descriptions import built
from clockless.experiments.experiment import Experiment
from clockless.papers import FigureData, Options
from clockless.papers.claims import Claim, Source, no_failures
from clockless.papers.decoupled.perceptron import Perceptron
from clockless.papers.decoupled.settings import BATCH, seeds
from clockless.papers.decoupled.sources import FLOW
from clockless.papers.trends import equivalence, log_mean, log_ratio
from clockless.parts.clocks import Bernoulli, Dropout
from clockless.parts.devices import Continuous, SignedLevels
from clockless.parts.rules import CoupledLearning, SignRule

if TYPE_CHECKING:
    import xarray

STATED = "2026-11-22"
P = (1.0, 0.5, 0.2, 0.1, 0.05)
MNIST_P = (1.0, 0.2, 0.05)
ABSENT_P = (0.5, 0.2, 0.05)
LEVELS = (4, 8, 16, 32, 64)
TASKS, MNIST_TASKS, UPDATES = 10, 5, 300
HIDDEN = 32
KINDS = ("does not act", "absent")
MARGIN = 0.02  # decades: 5 %
CONTINUOUS = CoupledLearning(1.0, 1.0)
COULD = Source(
    "paper",
    "Wycoff et al., J. Chem. Phys. 156, 144903 (2022), doi 10.1063/5.0084631, discussion: 'could benefit', of neural "
    "networks, too",
)
GUESS = Source("none", "nobody has compared them; the direction is our guess, stated before the run")


def figure_weights(options: Options) -> FigureData:
    """Training cost and test error against p for each number of levels, of weights that do not act or are absent."""
    datasets = {"figure-weights": quantised(options, None), "figure-weights_continuous": continuous(options)}
    claims = [*_claims(datasets["figure-weights"], "digits"), *_control(datasets["figure-weights_continuous"])]
    datasets["figure-weights_longer"] = longer = synchronous_longer(options)
    claims += _at_equal_steps(datasets["figure-weights"], longer)
    if "mnist" in options.data:
        datasets["figure-weights_mnist"] = quantised(options, options.data["mnist"])
        claims += _claims(datasets["figure-weights_mnist"], "MNIST")
    return FigureData(datasets, claims)


def quantised(options: Options, mnist: Path | None) -> xarray.Dataset:
    """Cost of the training set and error of the test set [kind, p, levels, task], means over the last fifth of a run."""
    import xarray

    levels = (4, 64) if options.tiny else LEVELS[::2] if mnist else LEVELS
    rates = (1.0, 0.2) if options.tiny else MNIST_P if mnist else P
    absent = (0.2,) if options.tiny else () if mnist else ABSENT_P
    tasks, count = _tasks(options, mnist)
    found = np.full((2, len(KINDS), len(rates), len(levels), count), np.nan)
    failed = 0
    for kind, clock in enumerate((Bernoulli, Dropout)):
        for k, p in enumerate(rates):
            if kind and p not in absent:
                continue  # at p = 1 nothing is absent
            devices = [SignedLevels(number, 1.0) for number in levels]
            run = _learned(options, tasks, clock(p), {"rule": SignRule(1.0), "device": devices}, mnist is not None)
            found[:, kind, k] = [run[name].mean("step").transpose("device", *_LUCK[mnist is not None]) for name in _SEEN]
            failed += int(run.failed.sum())
    return xarray.Dataset(
        {name: (("kind", "p", "levels", "task"), values) for name, values in zip(_NAMES, found, strict=True)},
        {"kind": list(KINDS), "p": list(rates), "levels": list(levels), "task": np.arange(count)},
        {"failed": failed, "updates": _updates(options)},
    )


def continuous(options: Options) -> xarray.Dataset:
    """The same [p, task] of weights that take any value and change in proportion to the slope."""
    import xarray

    rates = (1.0, 0.2) if options.tiny else P
    tasks, count = _tasks(options, None)
    found = np.empty((2, len(rates), count))
    failed = 0
    for k, p in enumerate(rates):
        run = _learned(options, tasks, Bernoulli(p), {"rule": CONTINUOUS, "device": Continuous()}, False)
        found[:, k] = [run[name].mean("step").values for name in _SEEN]
        failed += int(run.failed.sum())
    return xarray.Dataset(
        {name: (("p", "task"), values) for name, values in zip(_NAMES, found, strict=True)},
        {"p": list(rates), "task": np.arange(count)},
        {"failed": failed, "rule": str(CONTINUOUS)},
    )


def synchronous_longer(options: Options) -> xarray.Dataset:
    """The same [levels, task] at p = 1, for as many steps as p = 0.2 takes."""
    import xarray

    levels = (4, 64) if options.tiny else LEVELS
    tasks, count = _tasks(options, None)
    parts = {"rule": SignRule(1.0), "device": [SignedLevels(number, 1.0) for number in levels]}
    run = _learned(options, tasks, Bernoulli(1.0), parts, False, longer=5)
    found = [run[name].mean("step").transpose("device", "task").values for name in _SEEN]
    return xarray.Dataset(
        {name: (("levels", "task"), values) for name, values in zip(_NAMES, found, strict=True)},
        {"levels": list(levels), "task": np.arange(count)},
        {"failed": int(run.failed.sum()), "steps": 5 * _updates(options)},
    )


_SEEN, _NAMES = ("cost", "error"), ("cost", "test_error")
_LUCK = {False: ("task",), True: ("seed",)}  # what tells runs apart: MNIST has one split, and seeds of weights and coins


def _updates(options: Options) -> int:
    return 40 if options.tiny else UPDATES


def _tasks(options: Options, mnist: Path | None) -> tuple[dict[str, Any], int]:
    """What is learned, and how many of it: digits split anew for every task, or MNIST with seeds of its own."""
    count = 3 if options.tiny else MNIST_TASKS if mnist else TASKS
    if mnist:
        task = {"kind": "mnist-labels", "folder": str(mnist.resolve()), "pool": 2}
        return {"task": task, "seeds": seeds(options, count)}, count
    task = {"kind": "labels", "name": "digits", "seed": seeds(options, count)}
    return {"task": task, "seeds": options.seed}, count


def _learned(
    options: Options, tasks: dict[str, Any], clock: Any, parts: dict[str, Any], mnist: bool, longer: int = 1
) -> xarray.Dataset:
    """A run of as many steps as give every weight its updates, or `longer`, looked at eleven times in its last fifth."""
    last = longer * round(_updates(options) / clock.p)
    inputs = built("task", tasks["task"]).x_train.shape[1] if mnist else 64
    medium = Perceptron(inputs, 8 if options.tiny else HIDDEN)
    title = f"weights{', MNIST' if mnist else ''}, {clock}, {last:,} steps"
    with options.showing(title) as update:
        return options.run(
            Experiment(
                medium=medium, clock=clock, batch=16 if options.tiny else BATCH, steps=last, title=title,
                record=np.unique(np.linspace(0.8 * last, last, 11).astype(np.int64)), **tasks, **parts,
            ),
            update,
        )  # fmt: skip


def _claims(data: xarray.Dataset, task: str) -> list[Claim]:
    """The rows of the docstring that this data can decide."""
    acting = data.sel(kind=KINDS[0])
    levels = data.levels.values.tolist()
    rows = [_benefit(acting, number, task) for number in levels]
    few, many = levels[0], levels[-1]
    least = float(acting.p.min())
    if least < 0.2:
        rows += [_falls(acting, number, task, least) for number in (few, many)]
    ratios = [np.log10(acting.cost.sel(levels=n, p=1.0) / acting.cost.sel(levels=n, p=0.2)).values for n in (few, many)]
    rows.append(
        _above(
            f"{task}: benefit of p = 0.2 in decades, {few} levels less that of {many}", _plain(ratios[0] - ratios[1]), GUESS
        )
    )
    compared = 0.5 if 0.5 in acting.p else 0.2
    if np.isfinite(data.cost.sel(kind=KINDS[1], p=compared)).all():
        rows += [_absent(data, number, task, compared) for number in levels]
    return [*rows, no_failures("weights", int(data.failed), f", {task}")]


def _benefit(data: xarray.Dataset, levels: int, task: str) -> Claim:
    here = data.sel(levels=levels)
    return _above(
        f"{task}, {levels} levels: log10 of the training cost at p = 1 over that at p = 0.2",
        log_ratio(here.cost.sel(p=0.2).values, here.cost.sel(p=1.0).values), COULD,
        "Desynchronous updates could benefit.",
        f"Training cost {_gmean(here.cost.sel(p=1.0)):.3f} and {_gmean(here.cost.sel(p=0.2)):.3f} nat; "
        f"test error {100 * float(here.test_error.sel(p=1.0).mean()):.1f} and "
        f"{100 * float(here.test_error.sel(p=0.2).mean()):.1f} %.",
        tiny=levels == int(data.levels[0]),
    )  # fmt: skip


def _falls(data: xarray.Dataset, levels: int, task: str, least: float) -> Claim:
    here = data.cost.sel(levels=levels)
    return _above(
        f"{task}, {levels} levels: log10 of the training cost at p = 0.2 over that at p = {least:g}",
        log_ratio(here.sel(p=least).values, here.sel(p=0.2).values), GUESS,
    )  # fmt: skip


def _absent(data: xarray.Dataset, levels: int, task: str, p: float) -> Claim:
    here = data.cost.sel(levels=levels)
    stays, absent = (here.sel(kind=kind, p=p).values for kind in KINDS)
    against, half = log_ratio(absent, here.sel(kind=KINDS[0], p=1.0).values)
    return _above(
        f"{task}, {levels} levels, p = {p:g}: log10 of the training cost with absent weights over that with weights that "
        "do not act", log_ratio(stays, absent), GUESS, "",
        f"Benefit of absent weights themselves, p = 1 over p = {p:g}: {against:.2f} ± {half:.2f} decades.",
    )  # fmt: skip


def _at_equal_steps(data: xarray.Dataset, longer: xarray.Dataset) -> list[Claim]:
    acting = data.cost.sel(kind=KINDS[0], p=0.2)
    rows = [
        _above(
            f"digits, {number} levels, {longer.steps:,} steps: log10 of the training cost at p = 1 over that at p = 0.2",
            log_ratio(acting.sel(levels=number).values, longer.cost.sel(levels=number).values), COULD,
            "Desynchronous updates could benefit.",
            f"Training cost at p = 1: {_gmean(longer.cost.sel(levels=number)):.3f} nat.",
        )
        for number in longer.levels.values.tolist()
    ]  # fmt: skip
    return [*rows, no_failures("weights", int(longer.failed), ", p = 1 for as many steps as p = 0.2")]


def _control(data: xarray.Dataset) -> list[Claim]:
    mean, half = equivalence(np.log10(data.cost.sel(p=1.0) / data.cost.sel(p=0.2)).values)
    quantity = "weights of any value, proportional changes: log10 of the training cost at p = 1 over that at p = 0.2"
    return [
        Claim("weights", quantity, 0.0, MARGIN, mean, "Small steps: p is no more than the number of steps.", source=FLOW,
              criterion="within", half=half, level=0.9, stated=STATED),
        no_failures("weights", int(data.failed), ", weights of any value"),
    ]  # fmt: skip


def _above(
    quantity: str, found: tuple[float, float], source: Source, says: str = "", note: str = "", tiny: bool = False
) -> Claim:
    return Claim(
        "weights", quantity, 0.0, 0.0, found[0], says, note, source=source, criterion="above", half=found[1], tiny=tiny,
        stated=STATED,
    )  # fmt: skip


def _plain(values: np.ndarray) -> tuple[float, float]:
    """Mean and half-width of its 95 % interval."""
    mean, half = log_mean(10.0**values)
    return float(mean), float(half)


def _gmean(values: xarray.DataArray) -> float:
    return float(10 ** np.log10(values).mean())
