"""Fig. 5: clamping outputs beyond their targets, and nudges that grow while a network learns; errors, and power.

What an edge senses for each volt by which an output is wrong goes with the nudge eta, while noise of readings (variance s),
a bias of comparators (sigma) and a price of power (lambda, Stern et al. 2024) do not: at the end of learning they make up an
error of the output of about s^1/2 / eta, sigma / eta and lambda / eta. So squared errors fall with 1 / eta^2, also beyond
eta = 1 (over-clamping), and a price counts only through lambda / eta: nudges that grow are a price that falls.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.media.resistors.medium import Resistors
from clockless.media.resistors.tasks import allosteric
from clockless.networks.builders import board16
from clockless.papers import FigureData, Options
from clockless.papers.claims import Claim
from clockless.papers.time.margins import of_all, of_mean, of_median, within
from clockless.papers.time.power import HIGH, LOW, START
from clockless.papers.time.sources import FRUGAL, LOUD, MARGIN
from clockless.papers.trends import log_ratio
from clockless.parts.clocks import Bernoulli
from clockless.parts.comparators import Magnitudes, Priced, ReadNoise
from clockless.parts.devices import Continuous, Levels
from clockless.parts.rules import CoupledLearning, SignRule
from clockless.workers.train import train

if TYPE_CHECKING:
    import xarray

    from clockless.tasks.task import Task

NUDGES = np.array([0.1, 0.3, 1.0, 3.0, 10.0])
KINDS = ("noise of readings", "bias of comparators")
NOISE, SIGMA = 1e-2, 0.05  # volts, for signals up to 1 V; the second as on the board of the desynchronous paper
PRICES = np.array([1e-5, 1e-4, 1e-3, 1e-2])  # per unit of the nudge
PRICED = np.array([0.2, 1.0, 5.0])  # nudges at these prices, lambda / eta
PRICE = 0.01  # of edges whose nudge grows
FIRST, LAST, STAGES = 0.2, 5.0, 6
P = 0.5
RATE = 0.2
# Stated before the first run with the figure's seed; tasks of seed 100 were looked at to choose noise, prices and steps.
EXPONENT, APART, LIKE, POWER = 0.5, 0.1, 0.3, 0.1


def figure_5(options: Options) -> FigureData:
    """Last errors over the nudge; errors and power over price / nudge; both while nudges grow."""
    count, updates = (3, 300) if options.tiny else (120, 3_000)
    tasks = [allosteric(board16(), seed=1_000 * options.seed + k) for k in range(count)]
    nudged = over_clamped(tasks, 10 * updates, options)
    priced = at_prices(tasks, 10 * updates, options)
    grown = growing(tasks, 4 * updates, options)
    return FigureData(
        {"figure-5": nudged, "figure-5-price": priced, "figure-5-schedule": grown}, claims(nudged, priced, grown)
    )


def _conductances() -> Resistors:
    return Resistors(board16(), low=0.01, high=100.0)


def over_clamped(tasks: list[Task], updates: int, options: Options) -> xarray.Dataset:
    """Errors and powers over the second half of a run [kind, nudge, task]."""
    import xarray

    steps, found = round(updates / P), []
    record = np.unique(np.rint(np.linspace(steps / 2, steps, 21)).astype(np.int64))
    board = Resistors(board16(), low=0.05, high=200.0)
    kinds: tuple[tuple[Any, Any, Any, float], ...] = (
        (_conductances(), [CoupledLearning(float(nudge), RATE, "conductance") for nudge in NUDGES],
         Continuous(ReadNoise(NOISE)), 1.0),
        (board, [SignRule(float(nudge)) for nudge in NUDGES], Levels(128, LOW, HIGH, Magnitudes(SIGMA)), START),
    )  # fmt: skip
    for kind, (medium, rules, device, start) in zip(KINDS, kinds, strict=True):
        with options.showing(f"5, {kind}") as update:
            run = train(
                medium, tasks, rule=rules, clock=Bernoulli(P), device=device, batch=1, initial=start, steps=steps,
                record=np.append(0, record), seed=options.seed, threads=options.threads, progress=update,
            )  # fmt: skip
        data = run.data.sel(step=record).transpose("rule", "task", "step", ...)
        found.append((data.error.values.mean(axis=-1), data.power.values.mean(axis=-1) / _first_power(run)))
    shape = ("kind", "nudge", "task")
    arrays = {name: (shape, np.array([each[k] for each in found])) for k, name in enumerate(("scaled_error", "power"))}
    return xarray.Dataset(arrays, {"kind": list(KINDS), "nudge": NUDGES})


def _first_power(run: Any) -> np.ndarray:
    """Watts at step 0 [rule, task]."""
    first: np.ndarray = run.data.power.sel(step=0).transpose("rule", "task").values
    return first


def at_prices(tasks: list[Task], updates: int, options: Options) -> xarray.Dataset:
    """Last errors and power [price, nudge, task] of edges that pay so much for power per unit of the nudge."""
    import xarray

    steps, found = round(updates / P), []
    with options.showing("5, price") as update:
        for nudge in PRICED:
            devices = [Continuous(Priced(float(min(price * nudge, 1.0)))) for price in PRICES]
            run = train(
                _conductances(), tasks, rule=CoupledLearning(float(nudge), RATE, "conductance"), clock=Bernoulli(P),
                device=devices, batch=1, steps=steps, record=[0, steps], seed=options.seed, threads=options.threads,
                progress=update,
            )  # fmt: skip
            data = run.data.transpose("device", "task", "step", ...)
            found.append((data.error.values[..., -1], data.power.values[..., -1] / data.power.values[..., 0]))
    shape = ("price", "nudge", "task")
    arrays = {
        name: (shape, np.stack([each[k] for each in found], axis=1)) for k, name in enumerate(("scaled_error", "power"))
    }
    return xarray.Dataset(arrays, {"price": PRICES, "nudge": PRICED})


def growing(tasks: list[Task], updates: int, options: Options) -> xarray.Dataset:
    """Errors and power after every stage [schedule, stage, task]: the first nudge, the last, and nudges that grow."""
    import xarray

    rule, steps = CoupledLearning(FIRST, RATE, "conductance"), round(updates / P / STAGES)
    schedules = {
        "first": [FIRST] * STAGES, "last": [LAST] * STAGES, "growing": list(np.geomspace(FIRST, LAST, STAGES)),
    }  # fmt: skip
    found = []
    with options.showing("5, schedules") as update:
        for nudges in schedules.values():
            rules = [replace(rule, nudge=float(nudge)) for nudge in nudges]
            run = train(
                _conductances(), tasks, rule=rules[0], clock=Bernoulli(P), device=Continuous(Priced(PRICE)), batch=1,
                steps=steps, record=[0, steps], seed=options.seed, threads=options.threads, progress=update,
            )  # fmt: skip
            for each in rules[1:]:
                run = run.extended(steps, rule=each, threads=options.threads)
            at = [steps * (stage + 1) for stage in range(STAGES)]
            data = run.data.transpose("task", "step", ...)
            power = data.power.sel(step=at).values.T / data.power.sel(step=0).values
            found.append((data.error.sel(step=at).values.T, power))
    shape = ("schedule", "stage", "task")
    arrays = {name: (shape, np.array([each[k] for each in found])) for k, name in enumerate(("scaled_error", "power"))}
    return xarray.Dataset(arrays, {"schedule": list(schedules), "stage": np.arange(1, STAGES + 1)})


def claims(nudged: xarray.Dataset, priced: xarray.Dataset, grown: xarray.Dataset) -> list[Claim]:
    """Verdicts on nudges."""
    noisy, biased = nudged.scaled_error.transpose("kind", "nudge", "task").values
    slopes = np.polyfit(np.log(nudged.nudge.values), np.log(np.maximum(noisy, 1e-30)), 1)[0]
    one = int(np.argmin(np.abs(nudged.nudge.values - 1.0)))
    better, half = log_ratio(biased[one], biased[-1])
    hotter = np.log10(nudged.power.values[1, -1] / nudged.power.values[1, one])
    error, power = (priced[name].transpose("price", "nudge", "task").values for name in ("scaled_error", "power"))
    small = priced.price.values <= 1.1e-3
    apart, apart_power = ([np.log10(each[-1] / each[0]) for each in values[small]] for values in (error, power))
    first, last, grew = grown.scaled_error.values[:, -1]
    gain, gain_half = log_ratio(first, grew)
    saved, saved_half = log_ratio(grown.power.values[1, -1], grown.power.values[2, -1])
    return [
        within("5", "error over the nudge, readings with noise: exponent", -2.0, EXPONENT,
               "The error that noise makes falls with 1 / nudge^2, beyond 1 as well.", f"Nudges from {NUDGES[0]:g} to "
               f"{NUDGES[-1]:g}, median over tasks.", LOUD, **of_median(slopes)),
        Claim("5", f"decades of error, nudge of {NUDGES[-1]:g} over 1, comparators with a bias", 0.0, 0.0, better,
              "Over-clamping suppresses what a bias does.", source=LOUD, criterion="below", half=half),
        within("5", f"decades of power, nudge of {NUDGES[-1]:g} over 1, comparators with a bias", 0.0, POWER, "",
               "Resistances drift up all the same.", MARGIN, **of_mean(hotter)),
        within("5", "decades of error at equal price / nudge, nudges of 5 and 0.2, at most", 0.0, APART,
               "A price counts through lambda / eta alone.", "The ends are those of all prices up to 1e-3 per unit of the "
               "nudge.", LOUD, **of_all(apart)),
        within("5", "decades of power at equal price / nudge, nudges of 5 and 0.2, at most", 0.0, APART,
               "A price counts through lambda / eta alone.", "", LOUD, **of_all(apart_power)),
        within("5", "decades of error, nudges that grow over the last nudge from the start", 0.0, LIKE, "",
               "The last nudge decides the error.", MARGIN, **of_mean(np.log10(grew / last))),
        Claim("5", "decades of error, nudges that grow over the first nudge all the time", 0.0, 0.0, gain,
              "The error falls with (lambda / eta)^2.", source=FRUGAL, criterion="below", half=gain_half),
        Claim("5", "decades of power, nudges that grow over the last nudge from the start", 0.0, 0.0, saved,
              "", "In as many updates a price that is high at first finds solutions of lower power.", source=MARGIN,
              criterion="below", half=saved_half),
    ]  # fmt: skip
