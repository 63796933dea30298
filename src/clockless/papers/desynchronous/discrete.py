"""Figs. 4a to 4f: the discrete rule on boards with 128 levels and biased comparators.

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
from clockless.papers.trends import log_ratio, monotone, sign_of_trend
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
SIZES = (2, 4, 8, 16)  # outputs of Fig. 4d

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


def figure_4a(options: Options) -> FigureData:
    """Error curves of the 16-edge board on allosteric tasks."""
    count, steps = (6, 1_000) if options.tiny else (25, 5_000)
    at = log_spaced(steps - 1)
    pairs = np.unique(np.concatenate([at, at + 1]))  # see `tail`
    data = run_board(BOARD, drawn("allosteric", count, options), options, steps, record=pairs)
    late = final_error_of_two_steps(data).transpose("clock", "task", "step").values[..., -8:]
    moving = [float(np.mean(np.ptp(late[k], axis=-1) > 1e-9)) for k in (P.index(0.2), P.index(1.0))]
    claim = Claim(
        "4a", "fraction of tasks whose error (mean of two steps) still changes at the end, p = 0.2", 1.0, 0.0, moving[0],
        "With p < 1 the error keeps moving.",
        f"At p = 1, with the bias redrawn in every step, the fraction is {moving[1]:g}.",
    )  # fmt: skip
    smooth = final_error_of_two_steps(data).to_dataset(name="error").assign_attrs(data.attrs)
    return FigureData({"figure-4a": smooth}, [claim])


def final_error_of_two_steps(data: xarray.Dataset) -> xarray.DataArray:
    """Scaled error averaged over each recorded step and the next where that is recorded, too."""
    steps = data.step.values
    has_next = np.isin(steps + 1, steps)
    now, following = data["error"].sel(step=steps[has_next]), data["error"].sel(step=steps[has_next] + 1)
    return now.copy(data=0.5 * (now.values + following.values))


def figure_4b(options: Options) -> FigureData:
    """Three resistors of the board near the end, p = 1 and p = 0.5, with comparators whose bias is frozen."""
    count, steps, shown = (6, 1_000, 60) if options.tiny else (25, 5_000, 100)
    data = run_board(
        BOARD, drawn("allosteric", count, options), options, steps, record=np.arange(steps - shown, steps + 1),
        traces=True, device=device(X, frozen=True),
    )  # fmt: skip
    values = data.traces.transpose("clock", "task", "step", "edge").values
    repeats = (values[:, :, 2:] == values[:, :, :-2]).all(axis=(2, 3)).mean(axis=1)  # [p]
    claims = [
        Claim("4b", "fraction of tasks in an exact cycle of period 1 or 2 at p = 1", 1.0, 0.0, float(repeats[-1]),
              "At p = 1 the traces are flat: the discrete rule is trapped.",
              "Frozen (or no) bias; one redrawn in every step never settles, at any p. As the rule always moves, 'flat' can "
              "only be a zigzag of one level, or the state seen at every second step."),
        Claim("4b", "fraction of tasks in such a cycle at p = 0.5", 0.0, 0.0, float(repeats[P.index(0.5)]),
              "At p < 1 the resistors keep moving."),
    ]  # fmt: skip
    return FigureData({"figure-4b": data.drop_vars("error")}, claims)


def figure_4c(options: Options) -> FigureData:
    """Final error of the 16-edge board on allosteric tasks against p, for several x."""
    count, steps = (8, 1_000) if options.tiny else (100, 5_000)
    values = (0.0, X, 1e-3, 1e-2)
    data = run_board(BOARD, drawn("allosteric", count, options), options, steps, device=[device(x) for x in values])
    error = final_error(data)
    at_x = by_p(error.isel(device=1))
    trends = [sign_of_trend(*by_p(error.isel(device=k))[[1, 4]]) for k in range(len(values))]
    signs = ", ".join(f"x = {x:g}: {trend:+d}" for x, trend in zip(values, trends, strict=True))
    claims = [
        Claim("4c", f"final error falls (1), rises (-1) or neither (0) from p = 1 to 0.2, x = {X:g}", 1, 0,
              sign_of_trend(at_x[P.index(0.2)], at_x[-1]), "The final error falls as p falls.",
              f"By x: {signs}."),
        Claim("4c", f"the same from p = 1 to 0.8, x = {X:g}", 1, 0, sign_of_trend(at_x[P.index(0.8)], at_x[-1]),
              "p = 0.8 already helps (as we understand the text).",
              f"Without bias (x = 0): {sign_of_trend(*by_p(error.isel(device=0))[[3, 4]]):+d}."),
    ]  # fmt: skip
    return FigureData({"figure-4c": error.to_dataset(name="final_error").assign_attrs(data.attrs)}, claims)


def figure_4d(options: Options) -> FigureData:
    """Benefit of small p on 143 edges against the number of outputs O (O inputs, O outputs, O/2 grounds)."""
    count, steps = (4, 500) if options.tiny else (40, 5_000)
    sizes = SIZES[:2] if options.tiny else SIZES
    errors = []
    for outputs in sizes:
        learned = drawn("allosteric", count, options, inputs=outputs, outputs=outputs, ground=outputs // 2)
        data = run_board(PACKING, learned, options, steps, device=[device(x) for x in (X, STRONG_X)])
        errors.append(final_error(data))
    import xarray

    error = xarray.concat(errors, xarray.DataArray(list(sizes), dims="outputs", name="outputs"))
    table, strong = error.transpose("device", "outputs", "clock", "task").values
    benefit = np.log10(table[:, -1] / table[:, P.index(0.2)])  # [outputs, task]
    at_strong = np.log10(strong[:, -1] / strong[:, P.index(0.2)]).mean(axis=1)
    listed, listed_strong = (
        ", ".join(f"{value:.2f} (O = {o})" for o, value in zip(sizes, values, strict=True))
        for values in (benefit.mean(axis=1), at_strong)
    )
    claims = [
        Claim("4d", "benefit of p = 0.2 shrinks (-1), grows (1) or neither (0) from the smallest O to the largest", -1, 0,
              sign_of_trend(10 ** benefit[0], 10 ** benefit[-1], paired=False), "The benefit of small p shrinks as O grows.",
              f"Benefit in decades at x = {X:g}: {listed}; at x = {STRONG_X:g}: {listed_strong}."),
        Claim("4d", "p = 0.8 against p = 1 at the largest O: better (1), worse (-1) or equal (0)", 0, 0,
              sign_of_trend(table[-1, P.index(0.8)], table[-1, -1]), "At large O moderate p equals p = 1.",
              f"log10 of the ratio at x = {X:g}: {log_ratio(table[-1, P.index(0.8)], table[-1, -1])[0]:.2f}; "
              f"at x = {STRONG_X:g}: {log_ratio(strong[-1, P.index(0.8)], strong[-1, -1])[0]:.3f}, "
              f"verdict {sign_of_trend(strong[-1, P.index(0.8)], strong[-1, -1]):+d}."),
    ]  # fmt: skip
    return FigureData({"figure-4d": error.to_dataset(name="final_error")}, claims)


def figure_4e(options: Options) -> FigureData:
    """Final error of regression tasks against p, 143 edges and the 16-edge board."""
    count, steps = (8, 1_000) if options.tiny else (50, 10_000)
    values = (X, STRONG_X, 0.0)
    datasets, errors = {}, {}
    for name, network in (("143", PACKING), ("16", BOARD)):
        data = run_board(network, drawn("regression", count, options), options, steps, device=[device(x) for x in values])
        error = final_error(data)
        datasets[f"figure-4e_{name}-edges"] = error.to_dataset(name="final_error").assign_attrs(data.attrs)
        errors[name] = [by_p(error.isel(device=k)) for k in range(len(values))]
    falls = ", ".join(f"x = {x:g}: {monotone(e)}" for x, e in zip(values, errors["143"], strict=True))
    better = {
        name: ", ".join(
            f"x = {x:g}: {sign_of_trend(*e[[1, 4]]):+d} ({log_ratio(*e[[1, 4]])[0]:.2f} decades)"
            for x, e in zip(values, errors[name], strict=True)
        )
        for name in errors
    }
    claims = [
        Claim("4e", f"143 edges: error falls monotonically as p falls, x = {X:g} (1 yes, 0 no)", 1, 0,
              monotone(errors["143"][0]), "On 143 edges the error falls monotonically as p falls.",
              f"By x: {falls}. Benefit of p = 0.2: {better['143']}."),
        Claim("4e", f"16 edges: p = 0.2 better (1), worse (-1) or equal (0) to p = 1, x = {X:g}", 0, 0,
              sign_of_trend(*errors["16"][0][[1, 4]]), "The 16-edge board shows no benefit for regression.",
              f"Benefit of p = 0.2 by x: {better['16']}."),
        Claim("4e", f"one example per step with p = 0.5 against p = 1, 143 edges, x = {X:g}: better (1)", 1, 0,
              sign_of_trend(errors["143"][0][P.index(0.5)], errors["143"][0][-1]),
              "Mini-batching alone is worse than mini-batching with desynchronisation (as we understand the text).",
              "The same runs as the first claim of this figure."),
    ]  # fmt: skip
    return FigureData(datasets, claims)
