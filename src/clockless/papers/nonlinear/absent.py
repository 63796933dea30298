"""Figure dropout-circuits: transistors that are absent for a step against those that only do not act, at the same p.

The same boards learn the same tasks from the same gates with `Dropout(p)` and with `Bernoulli(p)`, whose coins are the same,
for the same number of updates per unit. Errors are mean squared misses of the test set and of the examples learned from,
means over three looks in the last fifth of a run. One task has ten examples only, of points that scatter, so that there is
something to overfit (dropout: Srivastava et al., J. Mach. Learn. Res. 15, 1929 (2014)).

Stated on 2026-11-22, before the runs with master seeds 21 and 1, after a look at 16 boards of another seed with 1,000
updates: at p = 0.5 absent edges end higher on the test set, and on the training set, by both rules on all tasks, as linear
networks do (the 95 % interval of the mean log10 ratio on the same boards excludes 0); with ten points they close the gap
between the two errors (dropout's purpose); edges that do not act end alike at p = 0.2 and 1 (figure truth, its margins).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.experiments.experiment import Experiment
from clockless.papers import FigureData, Options
from clockless.papers.claims import Claim, no_failures
from clockless.papers.nonlinear.boards import TASKS, moons, starts
from clockless.papers.nonlinear.ensembles import FINE, Size, Way, size
from clockless.papers.nonlinear.sources import LINEAR, PURPOSE, TRUTH
from clockless.papers.trends import equivalence, log_ratio, sign_of_trend
from clockless.parts.clocks import Bernoulli, Dropout

if TYPE_CHECKING:
    import xarray

    from clockless.media.circuits.medium import Circuit
    from clockless.tasks.task import Task

STATED = "2026-11-22, after a look at another seed and before master seeds 21 and 1"
P = (1.0, 0.8, 0.5, 0.2)
KINDS = ("does not act", "absent")
SETS = ("test", "training")
WAYS = (Way("continuous"), Way("sign", FINE))
MARGINS = {"continuous": 0.05, "sign": 0.2}  # decades
BOARDS, UPDATES, FEW = 32, 5_000, 10
LOOKS = (0.8, 0.9, 1.0)  # of a run
LEAST = 1e-12  # volts squared


def figure_dropout_circuits(options: Options) -> FigureData:
    """Test and training error of transistor boards on three tasks against p, by both rules and both ways to stay away."""
    import xarray

    board, much = TASKS["two moons"].board(), size(options, BOARDS, UPDATES, P)
    datasets, failed = [], 0
    tasks = _tasks(options.seed)
    for name, task in list(tasks.items())[: 1 if options.tiny else None]:
        for way in WAYS[: 1 if options.tiny else None]:
            error = np.empty((len(SETS), len(KINDS), len(P), much.boards))
            for kind, clock in enumerate((Bernoulli, Dropout)):
                for k, p in enumerate(P):
                    error[:, kind, k], lost = _ended(options, board, task, way, much, clock(p), name)
                    failed += lost
            datasets.append(xarray.Dataset(
                {"error": (("set", "kind", "p", "seed"), np.maximum(error, LEAST))},
                {"set": list(SETS), "kind": list(KINDS), "p": list(P), "seed": _seeds(options, much)},
                {"task": name, "rule": way.name, "updates": much.updates},
            ))  # fmt: skip
    named = {f"figure-dropout-circuits_{k}": data for k, data in enumerate(datasets)}
    return FigureData(named, [*(row for data in datasets for row in _claims(data)), no_failures("dropout-circuits", failed)])


def _tasks(seed: int) -> dict[str, Task]:
    whole = moons(seed)
    few = replace(whole, x_train=whole.x_train[:FEW], y_train=whole.y_train[:FEW])
    return {"two moons": whole, f"two moons, {FEW} points": few, "product": TASKS["product"].make(seed)}


def _seeds(options: Options, much: Size) -> list[int]:
    return [options.seed * much.boards + k for k in range(much.boards)]


def _ended(
    options: Options, board: Circuit, task: Task, way: Way, much: Size, clock: Any, name: str
) -> tuple[np.ndarray, int]:
    """Errors of boards at the end of a run [set, seed], and how many failed."""
    last, seeds, (rule, device) = round(much.updates / clock.p), _seeds(options, much), way.parts(board)
    looks = [round(share * last) for share in LOOKS]
    title = f"{name}, {way.name}, {clock}"
    with options.showing(title) as update:
        run = options.run(Experiment(
            network=board.network, medium=board, task=task, rule=rule, device=device, clock=clock, batch=1,
            initial=starts(board, seeds), steps=last, seeds=seeds, record=[0, *looks], traces=True, title=title,
        ), update)  # fmt: skip
    gates = run.traces.sel(step=looks).transpose("seed", "step", "edge").values
    return np.array([np.mean([errors(board, task, each) for each in one], axis=0) for one in gates]).T, int(run.failed.sum())


def errors(board: Circuit, task: Task, gates: np.ndarray) -> tuple[float, float]:
    """Mean squared misses of the test set and of the training set, volts squared, with all edges there."""
    from clockless.learning.contracts import Luck

    shown = board.predict(gates, np.concatenate([task.x_test, task.x_train]), task, Luck(0, 0, 0))
    missed = shown - np.concatenate([task.y_test, task.y_train])
    squares = (missed[:, 0::2] - missed[:, 1::2]) ** 2
    tested = len(task.x_test)
    return float(squares[:tested].mean()), float(squares[tested:].mean())


# --- verdicts ----------------------------------------------------------------------------------------------------------


def _claims(data: xarray.Dataset) -> list[Claim]:
    what, rule = f"{data.attrs['task']}, {data.attrs['rule']} rule", str(data.attrs["rule"])
    claims = [_higher(what, data.error.sel(set=each), str(each)) for each in SETS]
    if f"{FEW} points" in what:
        claims.append(_gap(what, data.error.sel(p=0.5)))
    stays = data.error.sel(set="test", kind=KINDS[0])
    middle, half = equivalence(np.log10(stays.sel(p=0.2).values / stays.sel(p=1.0).values))
    claims.append(Claim(
        "dropout-circuits", f"{what}: decades by which edges that do not act end above p = 1 on the test set at p = 0.2, "
        "equal within the margin", 0.0, MARGINS[rule], middle, source=TRUTH, criterion="within", half=half, level=0.9,
        stated=STATED,
    ))  # fmt: skip
    return claims


def _higher(what: str, error: xarray.DataArray, which: str) -> Claim:
    stays, absent = (error.sel(kind=kind) for kind in KINDS)
    found = {p: log_ratio(stays.sel(p=p).values, absent.sel(p=p).values) for p in P if p < 1.0}
    return Claim(
        "dropout-circuits", f"{what}: {which} error with absent edges higher (1), lower (-1) or neither (0), p = 0.5", 1, 0,
        sign_of_trend(stays.sel(p=0.5).values, absent.sel(p=0.5).values), "",
        "; ".join(f"{middle:+.2f} ± {half:.2f} decades at p = {p:g}" for p, (middle, half) in found.items()) + ".",
        source=LINEAR, stated=STATED,
    )  # fmt: skip


def _gap(what: str, error: xarray.DataArray) -> Claim:
    """Of test over training error, absent against not acting."""
    stays, absent = ((error.sel(kind=kind, set="test") / error.sel(kind=kind, set="training")).values for kind in KINDS)
    middle, half = log_ratio(stays, absent)
    return Claim(
        "dropout-circuits", f"{what}: test over training error with absent edges higher (1), lower (-1) or neither (0), "
        "p = 0.5", -1, 0, sign_of_trend(stays, absent), "",
        f"{middle:+.2f} ± {half:.2f} decades; {10 ** np.log10(stays).mean():.2f} where edges do not act, "
        f"{10 ** np.log10(absent).mean():.2f} where they are absent.", source=PURPOSE, stated=STATED,
    )  # fmt: skip
