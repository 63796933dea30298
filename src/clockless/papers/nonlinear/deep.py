"""Fig. drn: deep resistive networks learn MNIST, as long as the user asks; stopped and gone on with at any epoch.

The published settings are in `media.layered.presets`. A net's run is one experiment in a store, always the whole of it: what
`--epochs` or `--minutes` leave undone is done when the command is given again, with the bits of one long run.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.errors import StoreError
from clockless.experiments.experiment import Experiment
from clockless.experiments.jobs import Jobs
from clockless.media.layered.presets import BATCH, CLASSES, PIXELS, PUBLISHED
from clockless.papers import FigureData, Options
from clockless.papers.claims import Claim
from clockless.papers.nonlinear.sources import TABLE
from clockless.papers.trends import equivalence
from clockless.stores.store import Store
from clockless.workers.loop import Runner

if TYPE_CHECKING:
    import xarray

TRAIN, TEST = 60_000, 10_000
NETS = {"xs": 3, "1h": 1, "2h": 1}  # seeds of each
_TINY_EPOCHS, _TINY_TRAIN, _TINY_TEST, _TINY_HIDDEN = 2, 400, 200, 64
_TRAIN_MARGIN = 0.1  # percent points: examples are shown in an order that is not the author's, while conductances change


def experiment(
    name: str, options: Options, seeds: list[int], looks: tuple[float, ...] | None = None, **sections: Any
) -> Experiment:
    """A net of the paper with its settings and all its epochs, recorded after each; tiny: few pictures, small layers.

    `looks` are other epochs to record at, the last of which is the end.
    """
    published = PUBLISHED[name]
    train, epochs, hidden, few = TRAIN, published.epochs, list(published.hidden), {}
    if options.tiny:
        train, epochs, hidden = _TINY_TRAIN, _TINY_EPOCHS, [_TINY_HIDDEN] * len(hidden)
        few = {"train": train, "test": _TINY_TEST}
    medium = {name: list(value) if isinstance(value, tuple) else value for name, value in published.medium.items()}
    steps = train // BATCH
    record = [round(k * steps) for k in (range(epochs + 1) if looks is None else looks)]
    return Experiment(
        medium={"kind": "deep-resistive", "layers": [PIXELS, *hidden, CLASSES], **medium},
        task={"kind": "mnist-pixels", "folder": str(options.data["mnist"]), **few},
        rule={"kind": "equilibrium-propagation", "nudge": published.nudge, "rate": published.rate, "centred": True},
        batch={"kind": "epochs", "size": BATCH}, seeds=seeds, steps=record[-1], record=record, title=name,
        **sections,
    )  # fmt: skip


def figure_drn(options: Options) -> FigureData:
    """Test and training error of the nets along training, as far as the limits allow."""
    deadline = time.monotonic() + 60.0 * options.limits["minutes"] if "minutes" in options.limits else np.inf
    datasets, claims = {}, []
    for name, count in NETS.items():
        seeds = [options.seed * count + k for k in range(1 if options.tiny else count)]
        runs = [_curve(experiment(name, options, [seed]), options, deadline) for seed in seeds]
        data = _together(runs, seeds)
        if data is None:
            continue
        datasets[f"figure-drn_{name}"] = data.assign_attrs(
            net=name,
            epochs=PUBLISHED[name].epochs,
            test_error=PUBLISHED[name].test_error,
            train_error_published=PUBLISHED[name].train_error,
        )
        claims += _claims(name, data, options.tiny)
        if options.keep:
            options.keep(f"figure-drn_{name}", datasets[f"figure-drn_{name}"])
    if not datasets:
        raise StoreError("the time was over before any net had learned for an epoch; give more --minutes.")
    return FigureData(datasets, claims)


def _together(runs: list[xarray.Dataset], seeds: list[int]) -> xarray.Dataset | None:
    """The runs of a net up to the epoch that all of them have reached; None if that is none."""
    import xarray

    common = min(run.sizes["epoch"] for run in runs)
    if common < 2:
        return None
    return xarray.concat([run.isel(epoch=slice(common)) for run in runs], dim="seed").assign_coords(seed=seeds)


def _curve(described: Experiment, options: Options, deadline: float) -> xarray.Dataset:
    """Errors in % [epoch] of a single run, gone on with until it is done, the deadline, or the last epoch asked for."""
    import xarray

    record = described.record_at
    asked = min(options.limits.get("epochs", len(record) - 1), len(record) - 1)
    steps = int(record[asked])
    folder = nullcontext(options.stores) if options.stores else tempfile.TemporaryDirectory()
    with folder as place, options.showing(f"{described.title}, seed {described.seeds[0]}") as update:
        sources = Jobs(described, 1).sources
        store = Store.create(Path(place) / f"{described.fingerprint}-{sources[:8]}", described)
        store.check_before_computing()

        def stopped() -> bool:
            done = int(store.journal.counted(1)[0])
            if update and done:
                update(min(done, steps), steps)
            return done >= steps or time.monotonic() > deadline

        said = None if store.done(0) else _computed(store, stopped)
        if said:
            raise StoreError(f"{described.title}: {said}")
        at, error, train = _recorded(store)
    shown = np.isin(at, record[: asked + 1])
    epochs = np.searchsorted(record, at[shown])
    values = {"error": 100 * error[shown], "train_error": 100 * train[shown]}
    return xarray.Dataset({name: ("epoch", value) for name, value in values.items()}, {"epoch": epochs})


def _computed(store: Store, stopped: Callable[[], bool]) -> str:
    """Go on with the only job of a store until it is done or stopped; what went wrong, if anything."""
    try:
        receipt = Runner(store, stopped=stopped).compute(0)
    except KeyboardInterrupt:
        print(f"{store.experiment.title}: kept in {store.path}", file=sys.stderr)
        raise
    return receipt.note if receipt.outcome == "failed" else ""


def _recorded(store: Store) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Steps, and the parts of the test set and of the epoch's examples that were classified wrongly, so far."""
    if store.done(0):
        data = store.dataset().squeeze(drop=True)
        return data.step.values, 1 - data.accuracy.values, data.train_error.values
    progress = store.journal.take_up(0, store.jobs.learner(0))
    if progress is None or not progress.steps:
        return np.empty(0, np.int64), np.empty(0), np.empty(0)
    seen = progress.arrays()
    return np.array(progress.steps), 1 - seen["accuracy"][0], seen["train_error"][0]


def margin(percent: float, tested: int) -> float:
    """1.96 standard errors of the difference of two errors (%) of this size, each of so many examples of its own.

    On the safe side where the examples are the same; the scatter of seeds is in our interval, not here.
    """
    share = percent / 100
    return float(1.96 * np.sqrt(2e4 * share * (1 - share) / tested))


def _alike(quantity: str, published: float, wide: float, errors: np.ndarray, says: str, note: str) -> Claim:
    """Within the margin: the 90 % interval over seeds, or the error of a net that has one seed alone."""
    mean, half = equivalence(errors)
    return Claim(
        "drn", quantity, published, wide, mean, says, note, source=TABLE, half=half, level=0.9, stated="2026-11-22",
        criterion="within" if errors.size > 1 else "near",
    )  # fmt: skip


def _claims(name: str, data: xarray.Dataset, tiny: bool) -> list[Claim]:
    """Errors after all epochs against the published ones; nothing of a net that was stopped before."""
    published, last = PUBLISHED[name], data.isel(epoch=-1)
    if int(last.epoch) < (_TINY_EPOCHS if tiny else published.epochs):
        print(f"{name}: {int(last.epoch)} of {published.epochs} epochs, so no verdict yet", file=sys.stderr)
        return []
    nodes = "-".join(str(size) for size in published.hidden)
    test, train = last.error.values, last.train_error.values
    return [
        _alike(
            f"test error, {name} (784-{nodes}-10), %", published.test_error, margin(published.test_error, TEST), test,
            f"{published.test_error} % after {published.epochs} epochs.", f"Mean over {test.size} seeds.",
        ),
        _alike(
            f"training error, {name}, %", published.train_error, margin(published.train_error, TRAIN) + _TRAIN_MARGIN, train,
            f"{published.train_error} %.", "Ours: the last epoch's examples, as they were learned from.",
        ),
    ]  # fmt: skip
