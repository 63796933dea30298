"""Boards that learn one task in one way at several p, and what came of them: who solved it, and with what error.

At every p the same boards start from the same values. A run goes on to the same number of updates per unit, and is looked at
after that many steps, too: once at equal step x p, and once at equal steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.experiments.experiment import Experiment
from clockless.papers import Options
from clockless.papers.claims import Claim, Source
from clockless.papers.nonlinear.boards import Asked, starts
from clockless.papers.trends import equivalence, log_ratio, share_interval, sign_of_trend
from clockless.parts.clocks import Bernoulli
from clockless.parts.comparators import Ideal
from clockless.parts.devices import Continuous, Levels
from clockless.parts.rules import CoupledLearning, SignRule

if TYPE_CHECKING:
    import xarray

    from clockless.media.circuits.medium import Circuit

PAIR = (0.2, 1.0)
FINE = 1801  # levels of 2 mV on the gates' range: what the sign rule calls unlimited
NUDGE, RATE = 0.5, 0.3  # PyCLLN's eta and gamma
EXACT = Ideal()
STATED = "2026-11-22"  # before the runs with master seed 21
STATED_ALIKE = "2026-11-22, after master seed 21 of figure truth and before master seed 1"
RATES = {"V": RATE, "S": 3.0}  # by what learns: gate voltages, conductances


@dataclass(frozen=True)
class Way:
    """How boards of a line learn.

    Attributes:
        name: of the line.
        levels: of what learns, for the sign rule; 0 for the continuous rule.
        comparator: what edges compare their two drops by.
        rate: of the continuous rule; 0 for that of what learns.
    """

    name: str
    levels: int = 0
    comparator: Any = EXACT
    rate: float = 0.0

    def parts(self, board: Circuit) -> tuple[Any, Any]:
        """Rule and device on a board."""
        if not self.levels:
            return CoupledLearning(NUDGE, self.rate or RATES[board.measure]), Continuous()
        return SignRule(NUDGE), Levels(self.levels, float(board.low[0]), float(board.high[0]), self.comparator)


@dataclass(frozen=True)
class Size:
    """How much is run: boards, updates of a unit, and at which p."""

    boards: int
    updates: int
    over: tuple[float, ...] = PAIR


def size(options: Options, boards: int, updates: int, over: tuple[float, ...] = PAIR) -> Size:
    """The asked size; four boards for a moment if tiny, twice as many boards and updates if full."""
    if options.tiny:
        return Size(4, 60, over)
    return Size(2 * boards, 2 * updates, over) if options.full else Size(boards, updates, over)


def over_p(options: Options, title: str, asked: Asked, board: Circuit, way: Way, much: Size) -> xarray.Dataset:
    """Boards at every p: error, solved, and accuracy of labels, at equal steps and at equal step x p [p, at, seed]."""
    import xarray

    side = round(board.network.nodes**0.5)
    seeds = [options.seed * much.boards + k for k in range(much.boards)]
    task, (rule, device) = asked.task(options.seed, side), way.parts(board)
    error, accuracy, solved, unsettled = [], [], [], []
    for p in much.over:
        last = round(much.updates / p)
        record = sorted({0, much.updates, last})
        with options.showing(f"{title}, {way.name}, p = {p:g}") as update:
            run = options.run(Experiment(
                network=board.network, medium=board, task=task, rule=rule, device=device, clock=Bernoulli(p), batch=1,
                initial=starts(board, seeds), steps=last, seeds=seeds, record=record, traces=True,
                title=f"{title}, {way.name}, p = {p:g}",
            ), update).sel(step=[much.updates, last])  # fmt: skip
        error.append(run.error.transpose("step", "seed").values)
        accuracy.append(run.accuracy.transpose("step", "seed").values)
        gates = run.traces.transpose("step", "seed", "edge").values
        solved.append([solving(board, asked, task, each) for each in gates])
        unsettled.append(float(run.unsettled.max()))
    return xarray.Dataset(
        {"error": (("p", "at", "seed"), np.array(error)), "solved": (("p", "at", "seed"), np.array(solved)),
         "accuracy": (("p", "at", "seed"), np.array(accuracy)), "unsettled": ("p", unsettled)},
        {"p": list(much.over), "at": ["equal steps", "equal step x p"], "seed": seeds},
        {"updates": much.updates, "words": asked.words, "edges": len(board.network.edges)},
    )  # fmt: skip


def solving(board: Circuit, asked: Asked, task: Any, parameters: np.ndarray) -> np.ndarray:
    """Whether every board [seed] solves the task; one whose states cannot be found does not."""
    from clockless.errors import ParameterError
    from clockless.learning.contracts import Luck

    found = []
    for values in parameters:
        try:
            outputs = board.predict(values, task.x_test, task, Luck(0, 0, 0))
        except ParameterError:
            found.append(False)
            continue
        found.append(asked.solved(outputs, task))
    return np.array(found)


def joined(runs: list[xarray.Dataset], dim: str, names: list[str]) -> xarray.Dataset:
    """Runs along a new dimension."""
    import xarray

    return xarray.concat(runs, xarray.DataArray(names, dims=dim, name=dim), combine_attrs="override")


# --- verdicts ----------------------------------------------------------------------------------------------------------


def solved_more(figure: str, what: str, data: xarray.Dataset, expected: int, source: Source) -> Claim:
    """Whether p = 0.2 solves more boards than p = 1 at equal step x p, fewer or neither: McNemar's exact test at 5 %.

    The boards are the same ones, so those that only one p solves decide (McNemar 1947, doi 10.1007/BF02295996).
    """
    from scipy.stats import binomtest

    solved = data.solved.sel(at="equal step x p")
    trials = solved.sizes["seed"]
    without, clocked = (solved.sel(p=p).values for p in PAIR)
    only, other = int((without & ~clocked).sum()), int((clocked & ~without).sum())
    chance = float(binomtest(only, only + other).pvalue) if only + other else 1.0
    (low, lower), (high, higher) = (share_interval(each.sum(), trials) for each in (without, clocked))
    plain = [int(data.solved.sel(at="equal steps", p=p).sum()) for p in PAIR]
    return Claim(
        figure, f"{what}: p = 0.2 solves more (1), fewer (-1) or neither (0)", expected, 0,
        int(np.sign(only - other)) if chance < 0.05 else 0, "",
        f"Solved ({data.attrs.get('words', '')}) {without.sum()} of {trials} at p = 0.2 ({low:.2f} to {lower:.2f}), "
        f"{clocked.sum()} at p = 1 ({high:.2f} to {higher:.2f}); only at p = 0.2 {only}, only at p = 1 {other}, McNemar's p "
        f"{chance:.2g}; at equal steps {plain[0]} and {plain[1]}.",
        source=source, stated=STATED,
    )  # fmt: skip


def ends_higher(
    figure: str, what: str, data: xarray.Dataset, expected: int, source: Source, at: str = "equal step x p",
    stated: str = STATED,
) -> Claim:  # fmt: skip
    """Whether p = 0.2 ends at a higher error than p = 1, lower or neither: mean of log10 ratios, 95 %."""
    pairs = {name: _finite(data.error.sel(at=name)) for name in ("equal step x p", "equal steps")}
    (middle, half), (cost, width) = (log_ratio(*pairs[name]) for name in pairs)
    where = "" if at == "equal step x p" else f" at {at}"
    return Claim(
        figure, f"{what}: error at p = 0.2 higher (1), lower (-1) or neither (0){where}", expected, 0,
        sign_of_trend(*pairs[at]), "",
        f"{middle:+.3f} ± {half:.3f} decades on the same boards; {cost:+.3f} ± {width:.3f} at equal steps.",
        source=source, stated=stated,
    )  # fmt: skip


def _finite(error: xarray.DataArray) -> tuple[np.ndarray, np.ndarray]:
    """Errors at p = 1 and at p = 0.2 of the boards that have both."""
    clocked, without = error.sel(p=PAIR[1]).values, error.sel(p=PAIR[0]).values
    fine = np.isfinite(clocked) & np.isfinite(without)
    return np.maximum(clocked[fine], 1e-12), np.maximum(without[fine], 1e-12)


def ends_alike(
    figure: str, what: str, data: xarray.Dataset, margin: float, source: Source, stated: str = STATED_ALIKE
) -> Claim:
    """Whether the lowest p and p = 1 end alike at equal step x p: two one-sided tests within `margin` decades."""
    error, p = data.error.sel(at="equal step x p"), float(data.p.min())
    clocked, without = error.sel(p=PAIR[1]).values, error.sel(p=p).values
    fine = np.isfinite(clocked) & np.isfinite(without)
    middle, half = equivalence(np.log10(np.maximum(without[fine], 1e-12) / np.maximum(clocked[fine], 1e-12)))
    return Claim(
        figure, f"{what}: decades by which p = {p:g} ends above p = 1, equal within the margin", 0.0, margin, middle,
        source=source, criterion="within", half=half, level=0.9, stated=stated,
    )  # fmt: skip
