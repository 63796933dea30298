"""Fig. 3: what learning costs: where biased comparators drift to, and a rule that pays for power.

Wycoff et al., J. Chem. Phys. 156, 144903 (2022), doi 10.1063/5.0084631, say of their board that the bias of comparators
'leads to a tendency for the resistor values to drift upward, finding lower power solutions, and putting the resistors in a
regime where they can take smaller steps relative to their magnitude'. Stern et al., APL Mach. Learn. 2, 016114 (2024), let
edges pay for the power of the free state: dk = -(alpha / eta) (dV_C^2 - (1 - lambda) dV_F^2), and find errors that rise with
lambda^2 while power falls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from clockless.learning.recording import log_spaced
from clockless.media.resistors.medium import Resistors
from clockless.media.resistors.tasks import allosteric
from clockless.networks.builders import board16
from clockless.papers import FigureData, Options
from clockless.papers.claims import Claim
from clockless.papers.time.margins import of_all, of_median, within
from clockless.papers.time.sources import FRUGAL, MARGIN, SENTENCE
from clockless.papers.trends import log_ratio
from clockless.parts.clocks import Bernoulli
from clockless.parts.comparators import Magnitudes, Priced
from clockless.parts.devices import Continuous, Levels
from clockless.parts.rules import CoupledLearning, SignRule
from clockless.workers.train import train

if TYPE_CHECKING:
    import xarray

    from clockless.tasks.task import Task

P = (1.0, 0.5, 0.2, 0.05)
SIGMAS = (0.0, 0.005)  # volts, for signals up to 1 V and nudge 1
LOW, HIGH, START = 100 / 128, 100.0, 50.0  # kiloohms, as in Fig. 4a of the paper on desynchronous learning
PRICES = (0.0, 1e-5, 3e-5, 1e-4, 1e-3, 1e-2, 1e-1)
# Stated before the first run with the figure's seed; tasks of seed 100 were looked at to choose sigma, steps and prices.
EXPONENT, APART = 0.3, 0.1
_EACH = "Whether p moves the trade-off; the ends are those of all prices from 1e-3 on."


def figure_3(options: Options) -> FigureData:
    """Mean resistance, power and relative step over training by sigma and p; error against power by price and p."""
    count, updates = (4, 400) if options.tiny else (75, 3_000)
    tasks = [allosteric(board16(), seed=1_000 * options.seed + k) for k in range(count)]
    drift, price = drifting(tasks, updates, options), priced(tasks, 10 * updates, options)
    return FigureData({"figure-3": drift, "figure-3-price": price}, [*drift_claims(drift), *price_claims(price)])


def drifting(tasks: list[Task], updates: int, options: Options) -> xarray.Dataset:
    """The discrete rule with 128 levels, at equal numbers of updates per edge [sigma, p, task, update]."""
    import xarray

    medium, found = Resistors(board16(), low=0.05, high=200.0), []
    level = (HIGH - LOW) / 127
    with options.showing("3, sigma") as update:
        for p in P:
            record = np.unique(np.rint(log_spaced(updates) / p).astype(np.int64))
            devices = [Levels(128, LOW, HIGH, Magnitudes(sigma)) for sigma in SIGMAS]
            run = train(
                medium, tasks, rule=SignRule(1.0), clock=Bernoulli(p), device=devices, batch=1, initial=START,
                steps=int(record[-1]), record=record, seed=options.seed, traces=True, threads=options.threads,
                progress=update,
            )  # fmt: skip
            data = run.data.sel(step=record).transpose("device", "task", "step", ...)
            found.append((data.error.values, data.traces.values, data.power.values, record * p))
    at = log_spaced(updates).astype(float)

    def read(values: np.ndarray, updates_done: np.ndarray) -> np.ndarray:
        return np.apply_along_axis(lambda one: np.interp(at, updates_done, one), -1, values)

    shape = ("sigma", "p", "task", "updates")
    stacked = {
        "scaled_error": [read(error, done) for error, _, _, done in found],
        "resistance": [read(ohms.mean(axis=-1), done) for _, ohms, _, done in found],
        "power": [read(power, done) for _, _, power, done in found],
        "relative_step": [read((level / ohms).mean(axis=-1), done) for _, ohms, _, done in found],
    }
    arrays = {name: (shape, np.stack(each, axis=1)) for name, each in stacked.items()}
    return xarray.Dataset(arrays, {"sigma": list(SIGMAS), "p": list(P), "updates": at})


def priced(tasks: list[Task], updates: int, options: Options) -> xarray.Dataset:
    """Conductances that pay for power, until they rest [price, p, task]."""
    import xarray

    medium, ps = Resistors(board16(), low=0.01, high=100.0), (P[0], P[2], P[3])
    errors, powers = [], []
    with options.showing("3, price") as update:
        for p in ps:
            devices = [Continuous(Priced(price)) for price in PRICES]
            steps = round(updates / p)
            run = train(
                medium, tasks, rule=CoupledLearning(0.2, 0.5, "conductance"), clock=Bernoulli(p), device=devices, batch=1,
                steps=steps, record=[0, steps], seed=options.seed, threads=options.threads, progress=update,
            )  # fmt: skip
            data = run.data.transpose("device", "task", "step", ...)
            errors.append(data.error.values[..., -1])
            powers.append(data.power.values[..., -1] / data.power.values[..., 0])
    shape = ("price", "p", "task")
    arrays = {"scaled_error": (shape, np.stack(errors, axis=1)), "power": (shape, np.stack(powers, axis=1))}
    return xarray.Dataset(arrays, {"price": list(PRICES), "p": list(ps)})


def drift_claims(data: xarray.Dataset) -> list[Claim]:
    """Verdicts on where resistances drift."""
    claims = []
    wanted: tuple[tuple[str, Literal["above", "below"], str], ...] = (
        ("resistance", "above", "'A tendency for the resistor values to drift upward'"),
        ("power", "below", "'finding lower power solutions'"),
        ("relative_step", "below", "'smaller steps relative to their magnitude.'"),
    )
    for name, criterion, says in wanted:
        for place, p in enumerate(data.p.values):
            without, with_bias = (data[name].values[k, place, :, -1] for k in (0, 1))
            mean, half = log_ratio(without, with_bias)
            quantity = f"decades of {name.replace('_', ' ')} with sigma over without, p = {p:g}"
            claims.append(Claim("3", quantity, 0.0, 0.0, mean, says, source=SENTENCE, criterion=criterion, half=half))
    return claims


def price_claims(data: xarray.Dataset) -> list[Claim]:
    """Verdicts on the price of power."""
    prices, error, power = data.price.values, data.scaled_error.values, data.power.values
    low = (prices > 0) & (prices <= 1.1e-4)
    slopes = np.polyfit(np.log(prices[low]), np.log(np.maximum(error[low, 0], 1e-30)), 1)[0]
    saved, half = log_ratio(power[0, 0], power[-1, 0])
    high = np.flatnonzero(prices >= 1e-3)
    apart, cheaper = ([np.log10(each[k, -1] / each[k, 0]) for k in high] for each in (error, power))
    lowest = float(data.p.values[-1])
    return [
        within("3", "exponent of the error over the price of power", 2.0, EXPONENT, "The error rises with lambda^2.",
               "Prices up to 1e-4, far below the nudge, p = 1, median over tasks.", FRUGAL, **of_median(slopes)),
        Claim("3", f"decades of power at a price of {prices[-1]:g} over none", 0.0, 0.0, saved, "Power falls.",
              source=FRUGAL, criterion="below", half=half),
        within("3", f"decades of error between p = {lowest:g} and p = 1 at equal price, at most", 0.0, APART, "", _EACH,
               MARGIN, **of_all(apart)),
        within("3", f"decades of power between p = {lowest:g} and p = 1 at equal price, at most", 0.0, APART, "", _EACH,
               MARGIN, **of_all(cheaper)),
    ]  # fmt: skip
