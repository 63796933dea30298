"""Fig. 6: XY lattices that learn while their phases relax, from the quasistatic limit to far beyond it.

As figure 2 for resistors: the ratio is that of the rate at which the error's root falls at first where phases settle, to the
rate of the slowest mode, the least eigenvalue of the energy's Hessian over the friction. One mode that lags,
tau s^2 + s + gamma = 0, oscillates beyond gamma tau = 1/4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.media.phases.contrast import Samples, gradient
from clockless.media.phases.costs import reported
from clockless.media.phases.implicit import hessian
from clockless.media.phases.medium import XY
from clockless.media.phases.relaxing.medium import RelaxingXY
from clockless.media.phases.xy import Parameters
from clockless.networks.architectures import square
from clockless.papers import FigureData, Options
from clockless.papers.claims import Claim
from clockless.papers.time.margins import of_mean, of_share, within
from clockless.papers.time.relaxing import LEARNED, RATIOS, SHARE, SLOW, learned_at, quasistatic, threshold
from clockless.papers.time.sources import MARGIN, QUASISTATIC
from clockless.parts.rules import EquilibriumPropagation
from clockless.parts.triggers import PoissonEvents, Ticks
from clockless.tasks.task import Task
from clockless.workers.train import train

if TYPE_CHECKING:
    import xarray

NUDGE = 0.2
SECONDS = 1_000.0  # of the slowest mode: a second, the shortest time between two looks, is to be short
CLOCKS = ("ticks, p = 1", "ticks, p = 0.1", "Poisson events")
RARE = 0.1  # events of a unit per tick, of all clocks but the first
LATTICE = square(3, 3, [0, 6], [5])
# Stated before the first run with the figure's seed; tasks of seed 50 were looked at to choose times and steps.
APART = 0.25


def figure_6(options: Options) -> FigureData:
    """Errors over time for every ratio and clock, and verdicts."""
    import xarray

    count, ratios = (3, RATIOS[[3, 6, 8]]) if options.tiny else (12, RATIOS)
    tasks = [task_of(1_000 * options.seed + k) for k in range(count)]
    found = np.zeros((len(CLOCKS), len(ratios), count), dtype=object)
    for c, clock in enumerate(CLOCKS):
        with options.showing(f"6, {clock}") as update:
            for r, ratio in enumerate(ratios):
                for t, (task, speed, rate) in enumerate(tasks):
                    found[c, r, t] = _run(task, speed, rate, ratio, clock, options)
                    if update:
                        update(r * count + t + 1, len(ratios) * count)
    data = xarray.Dataset(
        {
            "scaled_error": (("clock", "ratio", "task", "look"), np.array(found.tolist())),
            "time": (("ratio", "look"), np.array([looks(ratio) for ratio in ratios])),
        },
        {"clock": list(CLOCKS), "ratio": ratios},
    )
    return FigureData({"figure-6": data}, claims(data))


def begun() -> Parameters:
    """Couplings of 1, and fields of a half along 0: with weaker ones learning gets faster and faster as they grow."""
    return XY(LATTICE).parameters(1.0, 0.5, 0.0)


def task_of(seed: int) -> tuple[Task, float, float]:
    """A task, how fast the root of its error falls at first where phases settle, and the slowest mode's rate at friction 1.

    Two inputs within a quarter turn; the output is wanted 0.3 to 0.8 radians from where it settles at first, on either side.
    The speed is per unit of the rule's rate, -(d ln error / d theta) . (change) / 2, by central differences.
    """
    luck, xy = np.random.default_rng(seed), XY(LATTICE)
    x = luck.uniform(-np.pi / 2, np.pi / 2, 2)
    held = dict(zip(LATTICE.inputs, x, strict=True))
    output, start, first = list(LATTICE.outputs), np.zeros(LATTICE.network.nodes), begun()

    def settled(parameters: Parameters) -> np.ndarray:
        state, _ = xy.settle(parameters, held, start, residual=1e-11)
        return np.asarray(state)

    free = settled(first)
    y = free[output] + luck.uniform(0.3, 0.8) * luck.choice([-1.0, 1.0])
    task = Task(x_train=[x], y_train=[y], x_test=[x], y_test=[y], name=f"phases {seed}")
    rule = EquilibriumPropagation(NUDGE, 1.0, cost="cosine")
    samples = Samples(LATTICE.inputs, x[:, None], LATTICE.outputs, y[:, None])
    change, _ = gradient(xy, first, samples, free[:, None], rule)
    step = 1e-4 / max(np.abs(values).max() for values in change)
    moved = [Parameters(*(a - sign * step * b for a, b in zip(first, change, strict=True))) for sign in (-1, 1)]
    errors = [reported(settled(parameters)[output] - y) for parameters in moved]
    speed = -np.diff(np.log(errors))[0] / (4 * step)
    rate = np.linalg.eigvalsh(hessian(xy, first, free, LATTICE.inputs).toarray())[0]
    return task, float(speed), float(rate)


def looks(ratio: float) -> np.ndarray:
    """Times in units of the slowest mode's [look]."""
    swing = min(1 / ratio, 1 / np.sqrt(ratio))  # how fast anything happens
    return np.concatenate([np.linspace(0, 20 * swing, 101), np.geomspace(20 * swing, max(25 / ratio, 30.0), 31)[1:]])


def _run(task: Task, speed: float, rate: float, ratio: float, clock: str, options: Options) -> np.ndarray:
    """Errors over the first at the times of `looks` [look]: of the phases that the free twin would settle at."""
    at = looks(ratio)
    record = np.unique(np.rint(SECONDS * at).astype(np.int64))
    period = SECONDS * min(0.02 * min(1 / ratio, 1 / np.sqrt(ratio)), 1.0)
    p = 1.0 if clock == CLOCKS[0] else RARE
    trigger: Any = PoissonEvents(p / period) if clock == CLOCKS[2] else Ticks(period, p)
    # A ratio of 1 is a speed of 1 / SECONDS; updates of all clocks learn as fast on average.
    rule = EquilibriumPropagation(NUDGE, ratio / SECONDS / speed * period / p, cost="cosine")
    run = train(
        RelaxingXY(LATTICE, friction=SECONDS * rate), task, rule=rule, clock=trigger, steps=int(record[-1]), record=record,
        initial=begun(), seed=options.seed, threads=options.threads,
    )  # fmt: skip
    cost = run.data.settled_cost.sel(step=record).values.reshape(-1)
    found: np.ndarray = np.interp(at, record / SECONDS, cost / cost[0])
    return found


def claims(data: xarray.Dataset) -> list[Claim]:
    """Verdicts on the data of figure 6."""
    ratios, error, times = data.ratio.values, data.scaled_error.values, data.time.values
    when = np.array([learned_at(time, each) for time, each in zip(times, error[0], strict=True)])  # [ratio, task]
    critical = np.array([threshold(ratios, each) for each in error])  # [clock, task]
    kept = float(np.mean(np.isfinite(when[ratios <= SLOW]).all(axis=0)))
    found = quasistatic("6", ratios, times, error[0], "Median over tasks, ticks at p = 1.")
    found.insert(
        1,
        within("6", f"share of tasks that are learned at every ratio up to {SLOW:g}", 1.0, SHARE,
               "Up to a critical threshold .. without much change.", f"Learned: below {LEARNED:g} for good.", QUASISTATIC,
               **of_share(kept, when.shape[1])),
    )  # fmt: skip
    for c, clock in enumerate(data.clock.values[1:], 1):
        pairs = np.isfinite(critical[[0, c]]).all(axis=0)
        apart = np.log10(critical[c, pairs] / critical[0, pairs])
        found.append(
            within("6", f"decades between the critical ratios of {clock} and of ticks at p = 1", 0.0, APART, "",
                   "At equal mean rates of learning.", MARGIN, **of_mean(apart))
        )  # fmt: skip
    return found
