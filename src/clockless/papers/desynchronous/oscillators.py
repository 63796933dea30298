"""Fig. 3: an oscillator per edge and one global bias voltage in place of coins; how independent that makes the edges.

The paper says that period and phase vary by component tolerance and that pairs of edges have a correlation of about 0.01
at p = 0.5. It gives neither tolerance, nor the ratio of trigger to period, nor how many ticks were averaged: we sweep the
tolerance and the ticks. Waveform and ratio are those of `clocks.Oscillators`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.experiments.experiment import Experiment
from clockless.numerics.randomness import CLOCK, numbers
from clockless.papers import FigureData, Options
from clockless.papers.claims import Claim, no_failures
from clockless.papers.desynchronous.collapse import PACKING, numbered, regressions
from clockless.papers.desynchronous.sources import FLOW, OSCILLATORS
from clockless.papers.trends import equivalence, largest_difference, root_mean_square
from clockless.parts.clocks import GOLDEN, Bernoulli, Global, Oscillators
from clockless.parts.rules import CoupledLearning

if TYPE_CHECKING:
    import xarray

EDGES = 143
SPREADS = (0.01, 0.05, 0.1)
TYPICAL = 0.05  # the tolerance of common resistors and good capacitors
PAPER_CORRELATION = 0.01
_LONG_TICKS = 32_000  # after which theory gives that correlation for the typical spread
# Clocks of the learning comparison at p = 0.5, by what the figure calls them; the first is what the others are compared to.
CLOCKS: dict[str, Any] = {
    "coins": Bernoulli(0.5),
    "5 %, random phases": Oscillators.of_rate(0.5, TYPICAL),
    "5 %, reset": Oscillators.of_rate(0.5, TYPICAL, reset=True),
    "no spread, reset": Oscillators.of_rate(0.5, 0.0, reset=True),
    "0.01 %, reset, period 1 tick": Oscillators.of_rate(0.5, 1e-4, ticks=1.0, reset=True),
}
# A thirtieth of the error is about a line's width in the paper's figures.
_LINE_WIDTH = 0.03
# Margins within which a formula is called right, from what they must exclude; stated after a look at master seed 0, whose
# numbers had no part in them.
STATED = "2026-11-22"
_FRACTION = 0.005  # of p in 3a: less than one edge of 143, and than the 0.008 by which a straight line misses the formula
_UNCORRELATED = PAPER_CORRELATION / 10  # mean correlation of pairs: a tenth of what the paper gives for its size
_RELATIVE = 0.1  # of an rms correlation or a coherence: spreads of 5 and 10 %, and 10 % and coins, are a third apart


def figure_3a(options: Options) -> FigureData:
    """Fraction of acting edges against the bias: voltages compared with the bias, and the closed form."""
    import xarray

    steps = 2_000 if options.tiny else 5_000
    biases = np.linspace(1 / 3, 2 / 3, 25)[:-1]
    clock = Oscillators(0.5, TYPICAL)
    voltages = clock.voltage(np.arange(steps), clock.memory(options.seed, 0, EDGES))
    measured = np.array([(voltages > bias).mean(axis=0) for bias in biases])
    formula = np.array([Oscillators(bias, TYPICAL).rate(EDGES) for bias in biases])
    data = xarray.Dataset(
        {"fraction": (("bias", "edge"), measured), "formula": ("bias", formula)},
        {"bias": ("bias", biases, {"units": "supply voltage"}), "edge": np.arange(EDGES)},
        {"steps": steps, "spread": TYPICAL, "ticks": GOLDEN},
    )
    largest, ends = largest_difference(np.stack([measured.T, np.broadcast_to(formula, measured.T.shape)]))
    claim = Claim(
        "3a", "largest difference of measured p and formula", 0.0, _FRACTION, largest, source=OSCILLATORS, tiny=True,
        criterion="within", ends=ends, level=0.9, stated=STATED,
    )  # fmt: skip
    return FigureData({"figure-3a": data}, [claim])


def figure_3b(options: Options) -> FigureData:
    """Capacitor voltages of four edges after a reset, the bias, the triggers, and who acts."""
    import xarray

    shown, steps, spread = 4, 16, 0.1
    clock = Oscillators.of_rate(0.5, spread, reset=True)
    memory = clock.memory(options.seed, 0, shown)
    time, step = np.linspace(0, steps, 2001), np.arange(steps + 1)
    at_trigger, acts = clock.voltage(step, memory).T, clock.acting_at(step, memory).T
    data = xarray.Dataset(
        {
            "voltage": (("edge", "time"), clock.voltage(time, memory).T),
            "at_trigger": (("edge", "step"), at_trigger),
            "acts": (("edge", "step"), acts),
        },
        {"edge": np.arange(shown), "time": time, "step": step},
        {"bias": clock.bias, "spread": spread, "ticks": GOLDEN},
    )
    return FigureData({"figure-3b": data}, [])


def pair_correlations(acts: np.ndarray, p: float) -> np.ndarray:
    """mean over steps of (a_i - p) (a_j - p) / (p (1 - p)) for all pairs i < j; acts bool [step, unit]."""
    table = np.zeros((acts.shape[1], acts.shape[1]))
    for first in range(0, len(acts), 2000):  # as many as stay in a core's cache
        deviation = acts[first : first + 2000] - p
        table += deviation.T @ deviation
    return table[np.triu_indices(len(table), 1)] / (len(acts) * p * (1 - p))


def expected_rms(spread: float, steps: int, ticks: float = GOLDEN) -> float:
    """Root mean square of the pair correlations of oscillators with random phases at p = 1/2, over `steps` steps.

    Two edges are independent of each other, so rms^2 = sum over s, t of R(s - t)^2 / steps^2, where R is the correlation
    of an edge with itself some steps later. For a known frequency that is the triangle wave 1 - 4 |x - round(x)| of the
    x = j / period cycles in between; R(j) is its mean over the log-normal periods. Coins have R(j) = 0 and
    rms = 1 / sqrt(steps).
    """
    from scipy.special import ndtri

    frequency = np.exp(-spread * ndtri((np.arange(4000) + 0.5) / 4000)) / ticks
    later = np.arange(1, min(steps, int(3 * ticks / spread) + 2))  # R vanishes as exp(-2 pi^2 (j spread / ticks)^2)
    cycles = later[:, None] * frequency
    own = np.mean(1 - 4 * np.abs(cycles - np.rint(cycles)), axis=1)
    return float(np.sqrt((1 + 2 * np.sum((1 - later / steps) * own**2)) / steps))


def figure_3c(options: Options) -> FigureData:
    """Pair correlations at p = 0.5: their distribution, and their root mean square against the number of ticks averaged."""
    import xarray

    seeds, averaged = (4, (300, 1_000, 3_000)) if options.tiny else (100, (300, 1_000, 3_000, 10_000, _LONG_TICKS))
    at = averaged[-1] if options.tiny else 10_000  # where coins have an rms of 0.01
    pairs = EDGES * (EDGES - 1) // 2
    rms = np.full((len(SPREADS) + 1, seeds, len(averaged)), np.nan)
    shown = np.empty((len(SPREADS) + 1, seeds, pairs))
    with options.showing("3c, pair correlations") as update:
        for s in range(seeds):
            for k, spread in enumerate((None, *SPREADS)):
                acts = _history(spread, averaged[-1] if spread else at, options.seed * seeds + s)
                for r, steps in enumerate(averaged):
                    if steps <= len(acts):
                        c = pair_correlations(acts[:steps], 0.5)
                        rms[k, s, r] = np.sqrt(np.mean(c**2))
                        if steps == at:
                            shown[k, s] = c
            if update:
                update(s + 1, seeds)
    expected = [[n**-0.5 for n in averaged], *([expected_rms(spread, n) for n in averaged] for spread in SPREADS)]
    data = xarray.Dataset(
        {
            "rms": (("clock", "seed", "ticks"), rms),
            "expected": (("clock", "ticks"), np.array(expected)),
            "mean": (("clock", "seed"), shown.mean(axis=2)),
        },
        {"clock": ["coins", *(f"{100 * spread:g} % spread" for spread in SPREADS)], "ticks": list(averaged)},
        {"paper": PAPER_CORRELATION, "spreads": list(SPREADS), "p": 0.5},
    )
    least = np.geomspace(1e-4, 1, 81)
    beyond = np.array([1 - np.searchsorted(np.sort(np.abs(c), axis=None), least) / c.size for c in shown])
    tail = xarray.Dataset(
        {"fraction": (("clock", "correlation"), beyond)},
        {"clock": data.clock.values, "correlation": least},
        {"ticks": at, "paper": PAPER_CORRELATION},
    )
    return FigureData({"figure-3c": data, "figure-3c_tail": tail}, _claims_3c(data, at))


def _history(spread: float | None, steps: int, seed: int) -> np.ndarray:
    """Who acts [step, edge]: oscillators of this spread, or coins for None."""
    if spread is None:
        coins: Any = Bernoulli(0.5)
        return np.array([coins.acting(numbers(seed, 0, step, CLOCK, EDGES)) for step in range(steps)])
    clock = Oscillators.of_rate(0.5, spread)
    memory = clock.memory(seed, 0, EDGES)
    return np.concatenate([clock.acting_at(np.arange(a, min(a + 5000, steps)), memory) for a in range(0, steps, 5000)])


def _claims_3c(data: xarray.Dataset, at: int) -> list[Claim]:
    mean, half = equivalence(data["mean"].values[1 + SPREADS.index(TYPICAL)])
    claims = [
        Claim("3c", f"mean pair correlation, 5 % spread, {at} ticks", 0.0, _UNCORRELATED, mean,
              "Two edges are independent of each other.", source=OSCILLATORS, criterion="within", half=half, level=0.9,
              tiny=True, stated=STATED)
    ]  # fmt: skip
    claims += [_like_formula(data, clock, at, tiny=clock == "coins") for clock in data.clock.values]
    if _LONG_TICKS in data.ticks:
        note = (
            "The paper says about 0.01 at p = 50 %, not over how many ticks. This is no test of that: this number of ticks "
            "was chosen because theory gives 0.01 there. Coins, too, show 1 / sqrt(ticks): 0.01 after 10,000 ticks is the "
            "floor of independent edges."
        )
        claims.append(_like_formula(data, f"{100 * TYPICAL:g} % spread", _LONG_TICKS, note))
    return claims


def _like_formula(data: xarray.Dataset, clock: str, ticks: int, note: str = "", tiny: bool = False) -> Claim:
    """Root mean square over pairs and seeds of the correlations; the formula is exact for the mean of squares."""
    one = data.sel(clock=clock, ticks=ticks)
    expected, (measured, ends) = float(one.expected), root_mean_square(one.rms.values)
    return Claim(
        "3c", f"rms pair correlation, {clock}, {ticks} ticks", expected, _RELATIVE * expected, measured, "", note,
        source=OSCILLATORS, criterion="within", ends=ends, level=0.9, tiny=tiny, stated=STATED,
    )  # fmt: skip


def figure_3d(options: Options) -> FigureData:
    """How fast edges lose their common phase after a reset; learning with oscillators instead of coins."""
    coherence = _coherence(options)
    learning = _learning(options)
    return FigureData(
        {"figure-3d_coherence": coherence, "figure-3d_learning": learning},
        [*_claims_coherence(coherence), *_claims_learning(learning)],
    )


def expected_coherence(spread: Any, periods: Any, edges: int = EDGES) -> Any:
    """Root mean square of |mean of exp(i phase)| over N edges: sqrt(1/N + (1 - 1/N) exp(-4 pi^2 (spread t / T)^2))."""
    return np.sqrt(1 / edges + (1 - 1 / edges) * np.exp(-((2 * np.pi * spread * periods) ** 2)))


def _coherence(options: Options) -> xarray.Dataset:
    import xarray

    seeds = 100 if options.tiny else 200
    fall = np.array([1 / (np.sqrt(2) * np.pi * spread) for spread in SPREADS])  # exp(-1) without the floor of finite N
    periods = np.unique(np.concatenate([np.geomspace(0.03, 300, 76), fall]))
    r = np.empty((len(SPREADS), seeds, periods.size))
    for k, spread in enumerate(SPREADS):
        clock = Oscillators.of_rate(0.5, spread, reset=True)
        for s in range(seeds):
            phase = clock.phase(periods * clock.ticks, clock.memory(options.seed * seeds + s, 0, EDGES))
            r[k, s] = np.abs(np.mean(np.exp(2j * np.pi * phase), axis=1))
    expected = np.array([expected_coherence(spread, periods) for spread in SPREADS])
    return xarray.Dataset(
        {"coherence": (("spread", "seed", "time"), r), "expected": (("spread", "time"), expected)},
        {"spread": list(SPREADS), "time": ("time", periods, {"units": "typical periods"}), "fall": ("spread", fall)},
        {"edges": EDGES},
    )


def _claims_coherence(data: xarray.Dataset) -> list[Claim]:
    claims = []
    for k, spread in enumerate(SPREADS):
        for when, time in ((f"{float(data.fall[k]):.3g} periods", float(data.fall[k])), ("300 periods", 300.0)):
            one = data.isel(spread=k).sel(time=time, method="nearest")
            expected, (measured, ends) = float(one.expected), root_mean_square(one.coherence.values)
            claims.append(
                Claim("3d", f"coherence {when} after a reset, {100 * spread:g} % spread", expected, _RELATIVE * expected,
                      measured, source=OSCILLATORS, criterion="within", ends=ends, level=0.9, tiny=time < 300,
                      stated=STATED)
            )  # fmt: skip
    return claims


def _learning(options: Options) -> xarray.Dataset:
    """Error relative to that with coins, and distance of the solution from the synchronous one."""
    import xarray

    count, steps = (8, 1_000) if options.tiny else (32, 8_000)
    # The full batch, so that clocks are the only luck; a small rate, as in the limit of gradient flow.
    common: dict[str, Any] = {
        "network": PACKING, "task": regressions(numbered(options, count)), "rule": CoupledLearning(0.1, 0.02),
        "seeds": options.seed, "title": "Fig. 3d, learning",
    }  # fmt: skip
    record = np.unique(np.rint(np.geomspace(1, steps, 40)).astype(np.int64))
    with options.showing("3d, learning") as update:
        run = options.run(Experiment(clock=list(CLOCKS.values()), steps=steps, record=record, **common), update)
    together = options.run(Experiment(clock=[Global()], steps=steps // 2, record=[0], **common))
    error = run.error.transpose("clock", "task", "step").values
    apart = np.log(run.parameters.transpose("clock", "task", "edge").values)
    apart -= np.log(together.parameters.transpose("clock", "task", "edge").values)
    return xarray.Dataset(
        {
            "log_ratio": (("clock", "task", "step"), np.log(error / error[0])),
            "distance": (("clock", "task"), np.sqrt((apart**2).mean(axis=2))),
            "failed": ("clock", run.failed.transpose("clock", "task").sum("task").values),
        },
        {"clock": list(CLOCKS), "step": record, "task": np.arange(count)},
        {"p": 0.5, "rule": "CoupledLearning(0.1, 0.02), full batch", "clocks": [str(clock) for clock in CLOCKS.values()]},
    )


def _claims_learning(data: xarray.Dataset) -> list[Claim]:
    claims = []
    for k, clock in list(enumerate(CLOCKS))[1:4]:
        mean, half = equivalence(data.log_ratio.isel(clock=k).where(data.step >= 30, drop=True).mean("step").values)
        claims.append(
            Claim("3d", f"ln(error / error with coins), {clock}, mean over the steps from 30 on", 0.0, _LINE_WIDTH, mean,
                  "Small steps follow the mean of what acts, whatever makes it act.", source=FLOW, criterion="within",
                  half=half, level=0.9)
        )  # fmt: skip
    return [*claims, no_failures("3d", int(data.failed.sum()))]
