"""Figs. b1 to b3, beyond the paper: learning by conductance, larger networks, and networks that lose edges on the way.

Nothing here was measured before, so a claim is made only where theory gives a number: small steps follow one flow in
step x p whatever p is, so a difference between two p at equal step x p is expected to be 0, within a margin. Exponents and
benefits are results and stand in the pictures.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from clockless import networks, tasks
from clockless.errors import NetworkError
from clockless.experiments.experiment import Experiment
from clockless.learning.recording import log_spaced
from clockless.networks.network import Network
from clockless.papers import FigureData, Options
from clockless.papers.claims import Claim, no_failures
from clockless.papers.desynchronous.collapse import (
    COLLAPSED,
    EQUAL,
    PACKING,
    STATED,
    P,
    equal_updates,
    numbered,
    regressions,
    spread_at_equal_updates,
)
from clockless.papers.desynchronous.discrete import tail
from clockless.papers.desynchronous.sources import FLOW
from clockless.papers.trends import equivalence
from clockless.parts.clocks import Bernoulli
from clockless.parts.comparators import Magnitudes
from clockless.parts.devices import Levels
from clockless.parts.rules import CoupledLearning, SignRule

if TYPE_CHECKING:
    import xarray

SLOW = 0.2  # the p that stands for 'desynchronous' where only one is compared with p = 1
NUDGE = 0.1
PAIRS = ((NUDGE, 1.0), (1.0, 0.3))  # (nudge, rate) of Fig. b1
# 128 levels that span a contrast of 128, and a start in their middle in ohms; voltages depend on ratios only.
LEVELS = {"resistance": (100 / 128, 100.0, 50.0), "conductance": (1 / 128, 1.0, 2.0)}
SMALL = 0.1  # scaled error that counts as learned in Fig. b2
# Decades of step x p until that, a tenth: p = 0.2 takes 0.70 decades more steps, and most learn in 20 to 200 updates, of
# which records count whole ones. Stated, as EQUAL for Fig. b3, after a look at master seed 0, which had no part in it.
SAME_TIME = 0.04
DAMAGE_RATE = 0.1


def _kept(options: Options, datasets: dict[str, xarray.Dataset], name: str, data: xarray.Dataset) -> None:
    datasets[name] = data
    if options.keep:
        options.keep(name, data)


def _labelled(coordinates: dict[str, Any], attributes: dict[str, Any], **variables: tuple[Any, ...]) -> xarray.Dataset:
    import xarray

    return xarray.Dataset(variables, coordinates, attributes)


# --- b1: conductances instead of resistances ---------------------------------------------------------------------------


def figure_b1(options: Options) -> FigureData:
    """Collapse of learning by conductance, and the benefit of p < 1 with levels of resistance or of conductance.

    The comparator's bias raises resistances. Levels of resistance are relatively finest there (1 in 128), levels of
    conductance coarsest (1 in 1), so the same drift refines the one device and blunts the other.
    """
    datasets: dict[str, xarray.Dataset] = {}
    claims: list[Claim] = []
    for nudge, rate in PAIRS[: 1 if options.tiny else None]:
        data = _conductance_run(options, nudge, rate)
        _kept(options, datasets, f"figure-b1_nudge-{nudge:g}_rate-{rate:g}", data)
        claims += _collapse_claims(data, f"conductance, nudge {nudge:g}, rate {rate:g}")
    size = (32, 1_000, (0.0, 1e-4, 1e-2)) if options.tiny else (48, 5_000, (0.0, *np.logspace(-5, -1, 9)))
    for parameter in LEVELS:
        name = f"figure-b1_levels-of-{parameter}"
        data = _levels_run(options, PACKING, f"b1, levels of {parameter}", *size, parameter)
        _kept(options, datasets, name, data)
    failed = sum(int(data.failed.sum()) for data in datasets.values())
    return FigureData(datasets, [*claims, no_failures("b1", failed)])


def _conductance_run(options: Options, nudge: float, rate: float) -> xarray.Dataset:
    """The experiment of Fig. 1b with another parameter that learns."""
    count, steps = (6, 2_000) if options.tiny else (50, 20_000)
    record = np.unique(np.concatenate([log_spaced(steps), *(_steps(equal_updates(steps), p) for p in P)]))
    title = f"b1, nudge {nudge:g}, rate {rate:g}"
    experiment = Experiment(
        network=PACKING, task=regressions(numbered(options, count)), rule=CoupledLearning(nudge, rate, "conductance"),
        clock=[Bernoulli(p) for p in P], steps=steps, batch=1, seeds=options.seed, record=record, title=f"Fig. {title}",
    )  # fmt: skip
    with options.showing(title) as update:
        data = options.run(experiment, update)
    return data.assign_attrs(nudge=nudge, rate=rate)


def _collapse_claims(data: xarray.Dataset, what: str) -> list[Claim]:
    spread, ends = spread_at_equal_updates(data, equal_updates(int(data.step[-1])))
    quantity = f"spread of mean scaled error over p at equal step x p ({what})"
    return [Claim("b1", quantity, 0.0, COLLAPSED, spread, source=FLOW, criterion="within", ends=ends, stated=STATED)]


def _levels_run(
    options: Options, network: dict[str, Any], title: str, count: int, steps: int, biases: tuple[float, ...], parameter: str
) -> xarray.Dataset:
    """Final errors [bias, p, task] of allosteric tasks with levels; `biases` are relative to nudge x 1 V."""
    low, high, initial = LEVELS[parameter]
    experiment = Experiment(
        network=network, medium={"kind": "resistors", "low": 0.1, "high": 200.0},
        task={"kind": "allosteric", "seed": numbered(options, count)}, rule=SignRule(NUDGE, parameter),
        clock=[Bernoulli(p) for p in (SLOW, 1.0)],
        device=[Levels(128, low, high, Magnitudes(bias * NUDGE)) for bias in biases], steps=steps, batch=1, initial=initial,
        seeds=options.seed, record=tail(steps)[1:], title=f"Fig. {title}",
    )  # fmt: skip
    with options.showing(title) as update:
        data = options.run(experiment, update).transpose("device", "clock", "task", ...)
    return _labelled(
        {"bias": list(biases), "p": [SLOW, 1.0]},
        {"settings": data.attrs["settings"], "steps": steps, "nudge": NUDGE},
        final_error=(
            ("bias", "p", "task"),
            data.error.mean("step").values,
            {"long_name": "mean of the last fifth of a run"},
        ),
        initial_rms=(("task",), np.sqrt(data.initial_error.values[0, 0]), {"units": "V"}),
        median_resistance=(("bias", "p", "task"), data.parameters.median("edge").values, {"units": "ohm"}),
        failed=((), int(data.failed.sum())),
    )


# --- b2: size ----------------------------------------------------------------------------------------------------------


def figure_b2(options: Options) -> FigureData:
    """Time to learn, and benefit of p < 1 with levels, against the number of nodes."""
    sizes, count, updates = ((64, 128), 32, 200) if options.tiny else ((64, 128, 256, 512, 1024, 2048), 64, 400)
    learned = np.empty((2, len(sizes), count))
    failed = 0
    for k, nodes in enumerate(sizes):
        for i, p in enumerate((SLOW, 1.0)):
            title = f"b2, {nodes} nodes, p = {p:g}"
            experiment = Experiment(
                network=_packing(nodes), task=regressions(numbered(options, count)), rule=CoupledLearning(NUDGE, 1.0),
                clock=Bernoulli(p), steps=int(_steps(updates, p)), record=_steps(np.arange(updates + 1), p),
                seeds=options.seed, title=f"Fig. {title}",
            )  # fmt: skip
            with options.showing(title) as update:
                data = options.run(experiment, update)
            learned[i, k] = updates_until(SMALL, data.error.transpose("task", "step").values)
            failed += int(data.failed.sum())
    datasets: dict[str, xarray.Dataset] = {}
    axes = {"p": [SLOW, 1.0], "nodes": list(sizes)}
    _kept(
        options, datasets, "figure-b2_learning",
        _labelled(
            axes, {"nudge": NUDGE, "rate": 1.0, "horizon": updates}, updates=(("p", "nodes", "task"), learned),
            exponent=(("p", "bound"), np.array([exponent(sizes, one, options.seed) for one in learned])),
        ),
    )  # fmt: skip
    steps, biases = (400, (0.0, 1e-4)) if options.tiny else (2_000, (0.0, 1e-5, 1e-4))
    for nodes in (64, 128) if options.tiny else (64, 256, 1024):
        data = _levels_run(options, _packing(nodes), f"b2, levels, {nodes} nodes", 32, steps, biases, "resistance")
        _kept(options, datasets, f"figure-b2_levels_{nodes}-nodes", data)
        failed += int(data.failed)
    return FigureData(datasets, [*_size_claims(learned, sizes), no_failures("b2", failed)])


def _packing(nodes: int) -> dict[str, Any]:
    """As many edges a node as the paper's network."""
    return {"kind": "packing", "nodes": nodes, "edges": round(143 / 64 * nodes)}


def updates_until(error: float, curves: np.ndarray) -> np.ndarray:
    """First column of `curves` [task, update] that is below `error`, infinity where none is."""
    below = curves < error
    return np.where(below.any(axis=1), below.argmax(axis=1), np.inf)


def exponent(sizes: tuple[int, ...], learned: np.ndarray, seed: int) -> tuple[float, float, float]:
    """Exponent of the median over tasks of `learned` [size, task] against size, and the ends of its 95 % interval.

    The interval is that of 1,000 bootstrap samples of the tasks; one wiring per size, so it says nothing of wirings.
    """
    drawn = np.random.default_rng(seed).integers(learned.shape[1], size=(1_000, *learned.shape))
    drawn[0] = np.arange(learned.shape[1])
    medians = np.median(np.take_along_axis(learned[None], drawn, axis=2), axis=2)
    medians = medians[np.isfinite(medians).all(axis=1)]  # samples most of whose tasks did not learn are left out
    slopes = np.polyfit(np.log(sizes), np.log(medians).T, 1)[0]
    return float(slopes[0]), float(np.quantile(slopes, 0.025)), float(np.quantile(slopes, 0.975))


def _size_claims(learned: np.ndarray, sizes: tuple[int, ...]) -> list[Claim]:
    """Collapse at every size: learning takes the same step x p whatever p is."""
    claims = []
    for nodes, slow, fast in zip(sizes, *learned, strict=True):
        both = np.isfinite(slow) & np.isfinite(fast)
        ratio = np.log10(slow[both] / fast[both])
        what = f"log10 of updates to learn, p = 0.2 over p = 1, {nodes} nodes"
        claims.append(_equal("b2", what, SAME_TIME, ratio, f"{ratio.size} of {both.size} tasks learned with both."))
    return claims


def _equal(figure: str, what: str, margin: float, ratio: np.ndarray, note: str = "", tiny: bool = False) -> Claim:
    """That a mean over tasks is 0 within a margin; NaN, which does not hold, of no tasks."""
    mean, half = equivalence(ratio) if ratio.size else (np.nan, np.nan)
    return Claim(figure, what, 0.0, margin, mean, "", note, source=FLOW, criterion="within", half=half, level=0.9, tiny=tiny,
                 stated=STATED)  # fmt: skip


# --- b3: damage --------------------------------------------------------------------------------------------------------


def figure_b3(options: Options) -> FigureData:
    """A network that loses edges while it learns, for several p; cuts at equal step x p, and at equal steps."""
    count, updates, cuts = (16, 80, 1) if options.tiny else (64, 500, 8)
    network = networks.packing()
    drawn = [tasks.regression(network, seed=options.seed * count + k) for k in range(count)]
    stages = damaged(network, cuts, options.seed)
    since = np.concatenate([[0], equal_updates(int(updates / min(P)))])
    datasets: dict[str, xarray.Dataset] = {}
    failed = 0
    for name, groups in (("equal-updates", [(p,) for p in P]), ("equal-steps", [P])):
        errors = []
        for group in groups:  # the p of a group are cut at the same steps
            record = _steps(since, group[0]) if name == "equal-updates" else since
            with options.showing(f"b3, {name}, p = {', '.join(f'{p:g}' for p in group)}") as update:
                error, bad = _stages_run(options, stages, drawn, group, record, update)
            errors.append(error)
            failed += bad
        axes = {"p": list(P), "stage": np.arange(len(stages)), "since": since}
        attributes = {"nudge": NUDGE, "rate": DAMAGE_RATE, "cut_at": name}
        data = _labelled(axes, attributes, error=(("p", "stage", "task", "since"), np.concatenate(errors)))
        _kept(options, datasets, f"figure-b3_{name}", data)
    return FigureData(datasets, [*_damage_claims(datasets["figure-b3_equal-updates"]), no_failures("b3", failed)])


def damaged(network: Network, cuts: int, seed: int) -> list[tuple[Network, np.ndarray]]:
    """The network and what is left after each of `cuts` cuts, with the edges kept from the one before.

    Every cut takes an edge at random among those that leave the network in one piece.
    """
    rng = np.random.default_rng([seed, 3])
    stages = [(network, np.arange(len(network.edges)))]
    for _ in range(cuts):
        whole = stages[-1][0]
        for edge in rng.permutation(len(whole.edges)):
            kept = np.delete(np.arange(len(whole.edges)), edge)
            try:
                left = Network(whole.edges[kept], whole.positions)
            except NetworkError:
                continue
            if left.nodes == whole.nodes:  # else the last node has gone with its only edge
                stages.append((left, kept))
                break
    return stages


def _stages_run(
    options: Options, stages: list[tuple[Network, np.ndarray]], drawn: list[Any], group: tuple[float, ...],
    record: np.ndarray, update: Callable[[int, int], None] | None,
) -> tuple[np.ndarray, int]:  # fmt: skip
    """Test errors [p, stage, task, time since the cut], relative to those before learning, and the failures."""
    errors: list[np.ndarray] = []
    initial: Any = 1.0
    failed = 0
    for k, (network, kept) in enumerate(stages):
        progress = None if update is None else lambda done, total, k=k: update(k * total + done, len(stages) * total)
        # A new seed per stage: the random numbers of a step depend on the seed and the step, and steps start at 0 again.
        experiment = Experiment(
            network=network, task=drawn, rule=CoupledLearning(NUDGE, DAMAGE_RATE), clock=[Bernoulli(p) for p in group],
            steps=int(record[-1]), initial=initial if k == 0 else initial.isel(edge=kept), record=record,
            seeds=options.seed * len(stages) + k, title=f"Fig. b3, after {k} cuts",
        )  # fmt: skip
        data = options.run(experiment, progress)
        initial = data.parameters
        errors.append((data.error * data.initial_error).transpose("clock", "task", "step").values)
        failed += int(data.failed.sum())
    return np.stack(errors, axis=1) / errors[0][:, None, :, :1], failed


def _damage_claims(data: xarray.Dataset) -> list[Claim]:
    """With cuts at equal step x p the error after the last recovery does not depend on p."""
    last = np.log10(data.error.isel(stage=-1, since=-1).values)
    return [
        _equal("b3", f"log10 of final error, p = {p:g} over p = 1, cuts at equal step x p", EQUAL, row - last[-1], tiny=True)
        for p, row in zip(P[:-1], last, strict=False)
    ]


def _steps(updates: Any, p: float) -> np.ndarray:
    """The steps in which an edge is updated so many times in the mean."""
    steps: np.ndarray = np.rint(updates / p).astype(np.int64)
    return steps
