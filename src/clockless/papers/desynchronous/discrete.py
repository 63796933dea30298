"""Figs. 4a to 4c: the discrete rule on boards with 128 levels and biased comparators.

The paper does not give signal voltages, nudge, comparator gain, horizon, or the difficulty of its tasks. Ours: signals up
to V = 1 V, levels with the board's contrast of 128 in units of a kiloohm, start in the middle, everything else swept.
An edge's signal is proportional to nudge, except where nudging turns its drop round (a few edges at nudge 1), so bias
and nudge enter as x = bias / (gain nudge V); Fig. 4f shows that, and in which range of x the paper's trends hold. The
other figures are drawn at X, inside that range.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.experiments.experiment import Experiment
from clockless.learning.recording import log_spaced
from clockless.papers import FigureData, Options
from clockless.papers.claims import Claim
from clockless.papers.desynchronous.collapse import numbered
from clockless.papers.desynchronous.sources import WYCOFF
from clockless.papers.trends import log_ratio
from clockless.parts.clocks import Bernoulli
from clockless.parts.comparators import Magnitudes
from clockless.parts.devices import Levels
from clockless.parts.rules import SignRule

if TYPE_CHECKING:
    import xarray

P = (0.1, 0.2, 0.5, 0.8, 1.0)
X = 1e-4  # bias / (gain nudge V) of Figs. 4a, 4c, 4d and 4e
STRONG_X = 1e-3  # where the bias begins to set the error
LOW, HIGH, START = 100 / 128, 100.0, 50.0  # kiloohms
PAPER_X = 0.01  # of sigma up to 0.05 V, signals of 5 V, gain 1 and nudge 1
WINDOW = 1.3  # of the smoothed curves of Fig. 4a: steps from s / WINDOW to s WINDOW
STATED = "2026-11-22"  # of what is said of how far resistors move
EQUAL = 0.1  # decades, a factor 1.26: what we call equal final errors

BOARD, PACKING = {"kind": "board16"}, {"kind": "packing"}


def device(bias: float, gain: float = 1.0, contrast: float = 128.0, frozen: bool = False) -> Levels:
    """A board of 128 levels whose largest resistance is `contrast` times the smallest."""
    return Levels(128, HIGH / contrast, HIGH, Magnitudes(bias, gain, frozen))


def drawn(kind: str, count: int, options: Options, **sizes: int) -> dict[str, Any]:
    """Allosteric or regression tasks that no other master seed shares, two inputs and two outputs if nothing is said."""
    return {"kind": kind, "seed": numbered(options, count), **sizes}


def run_board(
    network: dict[str, Any], learned: dict[str, Any], options: Options, steps: int, **changed: Any
) -> xarray.Dataset:
    """Train the discrete rule at bias X, one example per step, for every p; `changed` replaces fields of the experiment."""
    title = f"{network['kind']}, {len(learned['seed'])} {learned['kind']} tasks"
    fields: dict[str, Any] = {
        "medium": {"kind": "resistors", "low": 0.05, "high": 200.0}, "rule": SignRule(1.0),
        "clock": [Bernoulli(p) for p in P], "device": device(X), "batch": 1, "initial": START, "seeds": options.seed,
        "record": tail(steps), "title": title, **changed,
    }  # fmt: skip
    with options.showing(title) as update:
        return options.run(Experiment(network=network, task=learned, steps=steps, **fields), update)


def tail(steps: int) -> np.ndarray:
    """Step 0 and 21 pairs of consecutive steps of the last fifth, over which final errors are averaged.

    Pairs, because at p = 1 discrete states alternate between two: steps of one parity would show one of them only.
    """
    first = np.linspace(0.8 * steps, steps - 1, 21).astype(np.int64)
    return np.unique(np.concatenate([[0], first, first + 1]))


def final_error(data: xarray.Dataset) -> xarray.DataArray:
    """Scaled test error averaged over the last fifth of the run; exact zeros are lifted to 1e-12 for logarithms."""
    return data["error"].where(data.step >= 0.8 * data.step[-1], drop=True).mean("step").clip(min=1e-12)


def by_p(error: xarray.DataArray) -> np.ndarray:
    """[p, task], p rising."""
    return error.transpose("clock", "task").values


def better(
    figure: str, network: str, table: np.ndarray, pair: tuple[float, float], says: str, where: str, note: str = ""
) -> Claim:
    """That the final error at the smaller p of a pair is less than at the larger one."""
    mean, half = log_ratio(*table[[P.index(p) for p in pair]])
    quantity = f"{network}: log10 of error(p = {pair[1]:g}) / error(p = {pair[0]:g}), {where}"
    return Claim(figure, quantity, 0.0, 0.0, mean, says, note, source=WYCOFF, criterion="above", half=half)


def figure_4a(options: Options) -> FigureData:
    """Error curves of the 16-edge board on allosteric tasks; of one task as they are, too, and smoothed."""
    data, _ = board_of_4(options)
    every = final_error_of_two_steps(data).to_dataset(name="error").assign_attrs(data.attrs)
    single = data.error.isel(task=0)
    smooth = xarray_of(smoothed(single.transpose("clock", "step").values, data.step.values), single)
    alone = single.to_dataset(name="single_error").assign(smoothed=smooth).drop_vars("task")
    return FigureData({"figure-4a": every, "figure-4a_single": alone}, [])


def board_of_4(options: Options) -> tuple[xarray.Dataset, int]:
    """The experiment of Figs. 4a and 4b, on one device, and how many steps at its end are all recorded.

    Beside them pairs of consecutive steps (see `tail`), at log-spaced times and every 25 steps.
    """
    count, steps, shown = (6, 1_000, 60) if options.tiny else (25, 5_000, 100)
    at = np.concatenate([log_spaced(steps - 1), np.arange(0, steps, 25)])
    record = np.unique(np.concatenate([at, at + 1, np.arange(steps - shown, steps + 1)]))
    data = run_board(
        BOARD, drawn("allosteric", count, options), options, steps, record=record, traces=True,
        device=device(X, frozen=True), title="Figs. 4a and 4b",
    )  # fmt: skip
    return data, shown


def smoothed(errors: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Errors [.., step] averaged over recorded steps within a factor WINDOW before and after."""
    low, high = np.searchsorted(steps, steps / WINDOW), np.searchsorted(steps, steps * WINDOW, side="right")
    sums = np.concatenate([np.zeros((*errors.shape[:-1], 1)), np.cumsum(errors, axis=-1)], axis=-1)
    mean: np.ndarray = (sums[..., high] - sums[..., low]) / (high - low)
    return mean


def xarray_of(values: np.ndarray, like: xarray.DataArray) -> xarray.DataArray:
    """Values [clock, step] with the labels of `like`."""
    return like.transpose("clock", "step").copy(data=values)


def final_error_of_two_steps(data: xarray.Dataset) -> xarray.DataArray:
    """Scaled error averaged over each recorded step and the next where that is recorded, too."""
    steps = data.step.values
    has_next = np.isin(steps + 1, steps)
    now, following = data["error"].sel(step=steps[has_next]), data["error"].sel(step=steps[has_next] + 1)
    return now.copy(data=0.5 * (now.values + following.values))


def figure_4b(options: Options) -> FigureData:
    """Resistors of the board in the experiment of Fig. 4a, p = 1 and p = 0.5, whose comparators have frozen biases."""
    data, shown = board_of_4(options)
    whole, data = data, data.isel(step=slice(-shown - 1, None))
    values = data.traces.transpose("clock", "task", "step", "edge").values
    repeats = (values[:, :, 2:] == values[:, :, :-2]).all(axis=(2, 3)).mean(axis=1)  # [p]
    moved = np.ptp(values, axis=2).max(axis=-1) / device(X).level  # [p, task]
    claims = [
        Claim("4b", "fraction of tasks in an exact cycle of period 1 or 2 at p = 1", 1.0, 0.0, float(repeats[-1]),
              "At p = 1 the traces are flat: the discrete rule is trapped.",
              "Frozen (or no) bias; one redrawn in every step never settles, at any p. As the rule always moves, 'flat' can "
              "only be a zigzag of one level, or the state seen at every second step.", source=WYCOFF, tiny=True),
        Claim("4b", f"fraction of tasks at p = 0.5 where a resistor moves by more than one level in the last {shown} steps",
              1.0, 0.0, float(np.mean(moved[P.index(0.5)] > 1.5)), "At p < 1 the resistors keep moving.",
              f"Levels, median over tasks of the farthest: {np.median(moved[P.index(0.5)]):.0f}; at p = 1 "
              f"{np.median(moved[-1]):.0f}.", source=WYCOFF, tiny=True, stated=STATED),
    ]  # fmt: skip
    return FigureData({"figure-4b": whole.isel(task=[0]).drop_vars("error")}, claims)


def figure_4c(options: Options) -> FigureData:
    """Final error of the 16-edge board on allosteric tasks against p, for several x."""
    count, steps = (8, 1_000) if options.tiny else (100, 5_000)
    values = (0.0, X, 1e-3, PAPER_X)
    data = run_board(BOARD, drawn("allosteric", count, options), options, steps, device=[device(x) for x in values])
    error = final_error(data)
    said, small = "The final error falls as p falls.", "p = 0.8 already helps (as we understand the text)."
    unknown = "The paper does not give gain, nudge and signals; this is its sigma with signals of 5 V, gain 1 and nudge 1."
    claims = [
        better("4c", "16 edges", by_p(error.isel(device=1)), (0.2, 1.0), said, f"x = {X:g}"),
        better("4c", "16 edges", by_p(error.isel(device=1)), (0.8, 1.0), small, f"x = {X:g}"),
        better(
            "4c", "16 edges", by_p(error.isel(device=3)), (0.2, 1.0), said, f"sigma up to 0.05 V: x = {PAPER_X:g}", unknown
        ),
    ]
    return FigureData({"figure-4c": error.to_dataset(name="final_error").assign_attrs(data.attrs)}, claims)
