"""Figs. 1a and 1b: the network, and learning curves that collapse in step x p whatever nudge and rate are, also far out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from clockless import networks, tasks
from clockless.experiments.experiment import Experiment
from clockless.learning.recording import log_spaced
from clockless.papers import FigureData, Options
from clockless.papers.claims import Claim, no_failures
from clockless.papers.desynchronous.sources import WYCOFF
from clockless.papers.trends import equivalence, largest_difference
from clockless.parts.clocks import Bernoulli
from clockless.parts.rules import CoupledLearning

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray

P = (0.1, 0.2, 0.5, 0.8, 1.0)
# (nudge, rate): gamma of the paper is rate / (2 nudge), so these span 0.05 to 500 in gamma.
PAIRS = ((0.1, 0.3), (1.0, 0.1), (0.001, 1.0))
COLLAPSED = 0.1  # of the initial error: what we call one curve; at equal steps curves are five times as far apart
STATED = (
    "2026-11-22"  # of this, after a look at master seeds 0 and 7, and of what is said of errors far out, before it was run
)
EQUAL, FLOOR = 0.1, 1e-12  # decades that we call no change in the final error; errors below are drawn and compared there


PACKING = {"kind": "packing"}  # 64 nodes, 143 edges


def numbered(options: Options, count: int) -> list[int]:
    """Seeds of tasks that no other master seed shares: 0..49 for master seed 0, 50..99 for master seed 1, and so on."""
    return [options.seed * count + k for k in range(count)]


def regressions(seed: int | list[int]) -> dict[str, Any]:
    """Linear maps of two inputs to two outputs, 16 examples."""
    return {"kind": "regression", "seed": seed}


def figure_1a(options: Options) -> FigureData:
    """The 143-edge network with a task's nodes and the resistances that it learned."""
    network = networks.packing()
    task = tasks.regression(network, seed=options.seed)
    steps = 200 if options.tiny else 20_000
    nudge, rate = PAIRS[0]
    experiment = Experiment(
        network=PACKING, task=regressions(options.seed), rule=CoupledLearning(nudge, rate), steps=steps, title="Fig. 1a"
    )
    data = options.run(experiment).assign_attrs(
        inputs=list(task.inputs), outputs=list(task.outputs), ground=list(task.ground)
    )
    return FigureData({"figure-1a": data}, [])


def figure_1b(options: Options) -> FigureData:
    """Test error of regression tasks against step x p for several p, for several (nudge, rate)."""
    count, steps = (6, 1_000) if options.tiny else (50, 20_000)
    equal = equal_updates(steps)
    record = np.unique(np.concatenate([log_spaced(steps), *(np.rint(equal / p).astype(np.int64) for p in P)]))
    datasets: dict[str, xarray.Dataset] = {}
    claims: list[Claim] = []
    for nudge, rate in PAIRS[: options.limits.get("pairs", len(PAIRS))]:
        name = f"figure-1b_nudge-{nudge:g}_rate-{rate:g}"
        title = f"1b, nudge {nudge:g}, rate {rate:g}"
        experiment = Experiment(
            network=PACKING, task=regressions(numbered(options, count)), rule=CoupledLearning(nudge, rate),
            clock=[Bernoulli(p) for p in P], steps=steps, batch=1, seeds=options.seed, record=record, title=f"Fig. {title}",
        )  # fmt: skip
        with options.showing(title) as update:
            datasets[name] = options.run(experiment, update).assign_attrs(nudge=nudge, rate=rate)
        if options.keep:
            options.keep(name, datasets[name])
        claims += _claims_1b(datasets[name], equal, f"nudge {nudge:g}, rate {rate:g}")
    return FigureData(datasets, claims)


def figure_1b_far(options: Options) -> FigureData:
    """The tasks of Fig. 1b on to the same, large step x p: whether desynchronous updates change the final error."""
    count, updates = (6, 1_000) if options.tiny else (50, 20_000)
    far = far_out(options, PAIRS[: options.limits.get("pairs", len(PAIRS))], count, updates)
    claims = [_claim_far_out(far.isel(pair=k)) for k in range(far.sizes["pair"])]
    return FigureData({"figure-1b-far": far}, [*claims, no_failures("1b-far", far.attrs["failed"])])


def far_out(options: Options, pairs: Sequence[tuple[float, float]], count: int, updates: int) -> xarray.Dataset:
    """Scaled errors [pair, p, task, updates] at equal step x p up to `updates`: p = 0.1 takes ten times as many steps."""
    import xarray

    at = np.unique(np.rint(np.geomspace(updates / 100, updates, 9) / 4).astype(np.int64) * 4)
    found, failed = np.empty((len(pairs), len(P), count, at.size)), 0
    for i, (nudge, rate) in enumerate(pairs):
        for k, p in enumerate(P):
            steps = np.rint(at / p).astype(np.int64)
            title = f"1b-far, nudge {nudge:g}, rate {rate:g}, p = {p:g}"
            experiment = Experiment(
                network=PACKING, task=regressions(numbered(options, count)), rule=CoupledLearning(nudge, rate),
                clock=Bernoulli(p), steps=int(steps[-1]), batch=1, seeds=options.seed, record=steps, title=f"Fig. {title}",
            )  # fmt: skip
            with options.showing(title) as update:
                run = options.run(experiment, update)
            found[i, k] = run.error.transpose("task", "step").values
            failed += int(run.failed.sum())
    named = [f"nudge {nudge:g}, rate {rate:g}" for nudge, rate in pairs]
    return xarray.Dataset(
        {"scaled_error": (("pair", "p", "task", "updates"), found)},
        {"pair": named, "p": list(P), "task": np.arange(count), "updates": at},
        {"failed": failed, "margin": EQUAL, "floor": FLOOR},
    )


def _claim_far_out(far: xarray.Dataset) -> Claim:
    """'No change in the final error': the extreme p against each other at the same, large step x p."""
    last = np.maximum(far.scaled_error.isel(updates=-1), FLOOR)
    mean, half = equivalence(np.log10(last.sel(p=min(P)) / last.sel(p=1.0)).values)
    others = "; ".join(
        f"{middle:+.3f} ± {wide:.3f} at p = {p:g}"
        for p in P[1:-1]
        for middle, wide in [equivalence(np.log10(last.sel(p=p) / last.sel(p=1.0)).values)]
    )
    geometric = float(10 ** np.log10(last.sel(p=1.0)).mean())
    where = f"at step x p = {int(far.updates[-1]):,} ({far.pair.item()})"
    return Claim(
        "1b-far", f"log10 of error(p = {min(P):g}) / error(p = 1) {where}", 0.0, EQUAL, mean,
        "No change in the final error.",
        f"90 % intervals; others: {others}. Geometric mean at p = 1: {geometric:.2g} of the initial error.",
        source=WYCOFF, criterion="within", half=half, level=0.9, stated=STATED,
    )  # fmt: skip


def equal_updates(steps: int) -> np.ndarray:
    """Values of step x p that every p reaches at a whole step within `steps`: multiples of 4, log-spaced."""
    last = int(steps * min(P)) // 4
    return 4 * np.unique(np.rint(np.geomspace(1, last, 40)).astype(np.int64))


def errors_at_equal_updates(data: xarray.Dataset, equal: np.ndarray) -> np.ndarray:
    """Scaled errors [clock, task, update] at the given values of step x p."""
    per_clock = [
        data.error.isel(clock=k).sel(step=np.rint(equal / p).astype(np.int64)).transpose("task", "step").values
        for k, p in enumerate(data.p.values)
    ]
    return np.array(per_clock)


def spread_at_equal_updates(data: xarray.Dataset, equal: np.ndarray) -> tuple[float, tuple[float, float]]:
    """Largest difference of the mean scaled error between any two p at equal step x p, and the ends of its 95 % interval.

    Different p meet different examples at equal step x p, so even a perfect collapse leaves a sampling spread.
    """
    return largest_difference(errors_at_equal_updates(data, equal), 0.95)


def largest_ratio(data: xarray.Dataset, equal: np.ndarray) -> float:
    """Largest ratio of the mean scaled errors of any two p at equal step x p: small errors count as much as large ones."""
    mean = errors_at_equal_updates(data, equal).mean(axis=1)
    return float(np.max(mean.max(axis=0) / mean.min(axis=0)))


def spread_at_equal_steps(data: xarray.Dataset) -> float:
    """Largest difference of the mean scaled error between any two p at equal step."""
    mean = data.error.mean("task")
    return float((mean.max("clock") - mean.min("clock")).max())


def _claims_1b(data: xarray.Dataset, equal: np.ndarray, pair: str) -> list[Claim]:
    spread, (low, high) = spread_at_equal_updates(data, equal)
    largest = largest_ratio(data, equal)
    note = (
        f"At step x p from {equal[0]} to {equal[-1]:,}; there mean errors differ by a factor {largest:.3f} at most. At "
        f"equal steps the spread is {spread_at_equal_steps(data):.2f}."
    )
    return [
        Claim("1b", f"spread of mean scaled error over p at equal step x p ({pair})", 0.0, COLLAPSED, spread,
              "Curves for different p fall together in step x p, regardless of eta and gamma.", note,
              source=WYCOFF, criterion="within", ends=(low, high), stated=STATED),
        no_failures("1b", int(data.failed.sum()), f" ({pair})"),
    ]  # fmt: skip
