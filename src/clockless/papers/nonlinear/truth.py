"""Figure truth: does learning without a clock help nonlinear networks? The question with which Wycoff et al. 2022 end.

For every task and rule the same boards learn at several p, to the same number of updates per unit: step x p is the same at
the end. Thresholds were stated on 2026-11-21, before the runs that they judge:

- *helps* (1) or *hurts* (-1): the shares of boards that solve the task at p = 0.2 and at p = 1 differ at 5 % by Fisher's
  exact test; neither is 0;
- the discrete rule shall help somewhere (expected 1 for exclusive or: the first look), the continuous rule nowhere (0).

Exclusive or gets 40,000 updates per unit, as in that first look: after 10,000 (master seed 7) the sign rule had solved none
at any p. So its verdict is that of master seed 11, which had not been looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.experiments.experiment import Experiment
from clockless.papers import FigureData, Options
from clockless.papers.claims import HEALTH, Claim
from clockless.papers.nonlinear.boards import TASKS, Asked, starts, torus, transistors, with_diodes
from clockless.papers.nonlinear.sources import FIRST_LOOK, OPEN
from clockless.papers.trends import share_interval
from clockless.parts.clocks import Bernoulli
from clockless.parts.devices import Continuous, Levels
from clockless.parts.rules import CoupledLearning, SignRule

if TYPE_CHECKING:
    import xarray

    from clockless.media.circuits.medium import Circuit

P = (1.0, 0.8, 0.5, 0.2, 0.1, 0.05)
PAIR = (0.2, 1.0)
FINE = 1801  # levels of 2 mV on the gates' range: what the sign rule calls unlimited
COARSE = (8, 32, 128)
NUDGE, RATE = 0.5, 0.3  # PyCLLN's eta and gamma


def levels(count: int, board: Circuit) -> Levels:
    """Equal steps over the range of what learns."""
    return Levels(count, float(board.low[0]), float(board.high[0]))


def figure_truth(options: Options) -> FigureData:
    """Share of boards that solve four tasks, by the continuous and the sign rule, against p at equal step x p."""
    datasets = {}
    for name, asked in list(TASKS.items())[: 1 if options.tiny else None]:
        board = transistors(torus(asked.side))
        ways: dict[str, tuple[Any, Any]] = {
            "continuous": (CoupledLearning(NUDGE, RATE), Continuous()), "sign": (SignRule(NUDGE), levels(FINE, board)),
        }  # fmt: skip
        size = (4, 100) if options.tiny else (64, asked.updates)
        runs = [_over_p(options, name, asked, board, way, size, key) for key, way in ways.items()]
        datasets[f"figure-truth_{name.replace(' ', '-')}"] = _joined(runs, "rule", list(ways))
    return FigureData(datasets, _claims(datasets))


def figure_levels(options: Options) -> FigureData:
    """The sign rule on exclusive or: levels from 8 to 2 mV, and resistors with diodes in place of transistors."""
    asked = TASKS["exclusive or"]
    size = (4, 100) if options.tiny else (64, asked.updates)
    runs, names = [], []
    for kind, board in (("transistors", transistors(torus())), ("diodes", with_diodes(torus()))):
        for number in COARSE[:1] if options.tiny else (*COARSE, FINE):
            way = (SignRule(NUDGE), levels(number, board))
            runs.append(_over_p(options, f"levels, {kind}", asked, board, way, size, f"{number}", PAIR))
            names.append(f"{kind}, {number}")
    data = _joined(runs, "board", names)
    return FigureData({"figure-levels": data}, [
        _verdict("levels", f"exclusive or, sign rule, {name} levels", data.isel(board=k), 0)
        for k, name in enumerate(names)
    ])  # fmt: skip


def _over_p(
    options: Options, name: str, asked: Asked, board: Circuit, way: tuple[Any, Any], size: tuple[int, int], key: str,
    over: tuple[float, ...] = P,
) -> xarray.Dataset:  # fmt: skip
    """Boards of one rule and device at every p: error and solved at equal steps and at equal step x p [p, at, seed]."""
    import xarray

    (count, updates), (rule, device) = size, way
    seeds = [options.seed * count + k for k in range(count)]
    task = asked.make(options.seed)
    error, solved, unsettled = [], [], []
    for p in over:
        steps = round(updates / p)
        with options.showing(f"{name}, {key}, p = {p:g}") as update:
            run = [
                options.run(Experiment(
                    network=board.network, medium=board, task=task, rule=rule, device=device, clock=Bernoulli(p),
                    batch=1, initial=starts(board, seeds), steps=last, seeds=seeds, record=[0, last],
                    title=f"{name}, {key}, p = {p:g}, {last} steps",
                ), update)
                for last in ((updates, steps) if steps > updates else (steps,))
            ]  # fmt: skip
        run = [run[0], run[-1]]
        error.append([each.error.isel(step=-1).transpose("seed").values for each in run])
        solved.append([solving(board, asked, task, each.parameters.transpose("seed", "edge").values) for each in run])
        unsettled.append(float(max(each.unsettled.max() for each in run)))
    return xarray.Dataset(
        {"error": (("p", "at", "seed"), np.array(error)), "solved": (("p", "at", "seed"), np.array(solved)),
         "unsettled": ("p", unsettled)},
        {"p": list(over), "at": ["equal steps", "equal step x p"], "seed": seeds},
        {"updates": updates, "words": asked.words},
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


def _joined(runs: list[xarray.Dataset], dim: str, names: list[str]) -> xarray.Dataset:
    import xarray

    return xarray.concat(runs, xarray.DataArray(names, dims=dim, name=dim), combine_attrs="override")


def _claims(datasets: dict[str, xarray.Dataset]) -> list[Claim]:
    claims = []
    for name, data in datasets.items():
        task = name.partition("_")[2].replace("-", " ")
        for rule in data.rule.values:
            expected = int(rule == "sign" and task == "exclusive or")
            claims.append(_verdict("truth", f"{task}, {rule} rule", data.sel(rule=rule), expected))
        claims.append(
            Claim(
                "truth",
                f"{task}: largest share of states that did not settle",
                0.0,
                0.01,
                float(data.unsettled.max()),
                source=HEALTH,
            )
        )
    return claims


def _verdict(figure: str, what: str, data: xarray.Dataset, expected: int) -> Claim:
    """Whether p = 0.2 helps, hurts or neither against p = 1, at equal step x p, by Fisher's exact test at 5 %."""
    from scipy.stats import fisher_exact

    solved = data.solved.sel(at="equal step x p")
    trials = solved.sizes["seed"]
    without, clocked = (int(solved.sel(p=p).sum()) for p in PAIR)
    chance = fisher_exact([[without, trials - without], [clocked, trials - clocked]]).pvalue
    verdict = int(np.sign(without - clocked)) if chance < 0.05 else 0
    (low, lower), (high, higher) = (share_interval(np.array(k), trials) for k in (without, clocked))
    plain = [int(data.solved.sel(at="equal steps", p=p).sum()) for p in PAIR]
    return Claim(
        figure, f"{what}: p = 0.2 helps (1), hurts (-1) or neither (0)", expected, 0, verdict,
        "",
        f"Solved ({data.attrs.get('words', '')}) {without} of {trials} at p = 0.2 ({low:.2f} to {lower:.2f}), {clocked} at "
        f"p = 1 ({high:.2f} to {higher:.2f}), Fisher's p {chance:.2g}; at equal steps {plain[0]} and {plain[1]}.",
        source=FIRST_LOOK if expected else OPEN,
    )  # fmt: skip
