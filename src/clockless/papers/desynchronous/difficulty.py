"""Figs. 4d and 4e: where p < 1 helps the discrete rule, against the difficulty of tasks and the size of the network.

The paper does not say how its targets were drawn, and that decides what O means. Targets of a *teacher*, the same wiring
with other resistances, can be met however many there are. Targets *drawn* at random (tasks `random-allosteric` and
`random-regression`, the latter as in the authors' later code) cannot be met by 143 edges from about 16 outputs on: with
them O is a difficulty. Both are run, and the least error that any resistances reach is shown beside.

The paper says that errors are averaged: verdicts are of arithmetic means over tasks, with bootstrap intervals; benefits by
geometric means, which weigh small errors as much as large ones, stand in the notes, the data and the picture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.experiments.descriptions import built, built_on
from clockless.papers import FigureData, Options
from clockless.papers.claims import Claim
from clockless.papers.desynchronous.discrete import (
    BOARD,
    EQUAL,
    PACKING,
    STRONG_X,
    P,
    X,
    by_p,
    device,
    drawn,
    final_error,
    run_board,
)
from clockless.papers.desynchronous.sources import WYCOFF
from clockless.papers.trends import log_mean, ratio_of_means

if TYPE_CHECKING:
    import xarray

TARGETS = {"drawn": "random-", "teacher": ""}  # what stands before the kind of task
SIZES = {"drawn": (2, 8, 16, 24), "teacher": (2, 8, 16)}  # outputs of Fig. 4d
WIRINGS = {"143": PACKING, "16": BOARD}


def figure_4d(options: Options) -> FigureData:
    """Final errors on 143 edges of allosteric tasks with O inputs, O outputs and O/2 grounds, against p and O."""
    count, steps = (4, 200) if options.tiny else (20, 5_000)
    datasets, claims = {}, []
    for targets, sizes in SIZES.items():
        sizes = sizes[:2] if options.tiny else sizes
        rows, least = [], []
        for outputs in sizes:
            learned = _tasks(targets, "allosteric", count, options, inputs=outputs, outputs=outputs, ground=outputs // 2)
            rows.append(by_p(final_error(run_board(PACKING, learned, options, steps))))
            least.append(_least(learned, PACKING, options))
        data = _labelled(np.array(rows), np.array(least), "outputs", list(sizes), targets)
        datasets[f"figure-4d_{targets}-targets"] = data
        claims += _claims_4d(data, targets)
    return FigureData(datasets, claims)


def figure_4e(options: Options) -> FigureData:
    """Final errors of regression tasks against p, 143 edges and the 16-edge board, at two x."""
    count, steps = (8, 200) if options.tiny else (50, 10_000)
    values = (X, STRONG_X)
    datasets, claims = {}, []
    for targets in TARGETS:
        by_wiring = {}
        for name, network in WIRINGS.items():
            learned = _tasks(targets, "regression", count, options)
            data = run_board(network, learned, options, steps, device=[device(x) for x in values])
            rows = final_error(data).transpose("device", "clock", "task").values
            found = _labelled(rows, np.array([_least(learned, network, options)] * len(values)), "x", list(values), targets)
            datasets[f"figure-4e_{name}-edges_{targets}-targets"] = by_wiring[name] = found
        claims += _claims_4e(by_wiring, targets)
    return FigureData(datasets, claims)


def _tasks(targets: str, kind: str, count: int, options: Options, **sizes: int) -> dict[str, Any]:
    """Tasks with targets of this sort; the search for the least error is left to `_least`, not repeated by every worker."""
    return drawn(f"{TARGETS[targets]}{kind}", count, options, **sizes, **({"starts": 0} if TARGETS[targets] else {}))


def _least(learned: dict[str, Any], network: dict[str, Any], options: Options) -> np.ndarray:
    """Least error that a search over resistances found [task], in units of that before learning; 0 with a teacher."""
    if "starts" not in learned:
        return np.zeros(len(learned["seed"]))
    from clockless.media.resistors.reach import Cost, posed

    wiring = built("network", network)
    each = [
        built_on("task", {**learned, "seed": seed, "starts": 1 if options.tiny else 2}, network) for seed in learned["seed"]
    ]
    before = [Cost(*posed(wiring, task))(np.zeros(len(wiring.edges)))[0] for task in each]
    return np.array([task.least_error for task in each]) / before


def _labelled(errors: np.ndarray, least: np.ndarray, axis: str, values: list[Any], targets: str) -> xarray.Dataset:
    """Final errors [axis, p, task] with both kinds of means of the benefit of every p, and least errors [axis, task]."""
    import xarray

    arithmetic = np.array([[ratio_of_means(row[k], row[-1]) for k in range(len(P))] for row in errors])
    geometric = np.array([[log_mean(row[-1] / row[k]) for k in range(len(P))] for row in errors])
    return xarray.Dataset(
        {
            "final_error": ((axis, "p", "task"), errors),
            "least_error": ((axis, "task"), least),
            "benefit": ((axis, "p"), arithmetic[..., 0], {"long_name": "log10 of mean error(1) / mean error(p)"}),
            "benefit_low": ((axis, "p"), arithmetic[..., 1]),
            "benefit_high": ((axis, "p"), arithmetic[..., 2]),
            "geometric_benefit": ((axis, "p"), geometric[..., 0], {"long_name": "mean of log10 error(1) / error(p)"}),
            "geometric_half": ((axis, "p"), geometric[..., 1]),
        },
        {axis: values, "p": list(P)},
        {"x": X, "targets": targets, "error": "relative to that before learning", "intervals": "95 %"},
    )


def _benefit(data: xarray.Dataset, place: dict[str, float], p: float, what: str, says: str, equal: bool = False) -> Claim:
    """That the mean error at p is below that at p = 1, or equal to it within the margin."""
    errors = data.final_error.sel(place)
    level = 0.9 if equal else 0.95
    middle, low, high = ratio_of_means(errors.sel(p=p).values, errors.sel(p=1.0).values, level)
    geometric, half = (float(data[name].sel({**place, "p": p})) for name in ("geometric_benefit", "geometric_half"))
    out_of_reach = float((data.least_error.sel(place) > 1e-4).mean())
    figure, quantity = "4d" if "outputs" in place else "4e", f"{what}: log10 of mean error(p = 1) / mean error(p = {p:g})"
    note = (
        f"By geometric means {geometric:.2f} ± {half:.2f} (95 %). Out of reach are {100 * out_of_reach:.0f} % of the tasks: "
        "their least error is above 1e-4 of that before learning."
    )
    return Claim(
        figure, quantity, 0.0, EQUAL if equal else 0.0, middle, says, note, source=WYCOFF, level=level,
        criterion="within" if equal else "above", ends=(low, high),
    )  # fmt: skip


def _claims_4d(data: xarray.Dataset, targets: str) -> list[Claim]:
    first, last = int(data.outputs[0]), int(data.outputs[-1])
    what = f"143 edges, {targets} targets, x = {X:g}"
    ends = [ratio_of_means(*(data.final_error.sel(outputs=o, p=p).values for p in (0.2, 1.0))) for o in (first, last)]
    (few, few_low, few_high), (many, many_low, many_high) = ends
    change = many - few  # its interval from those of two independent ones (Zou and Donner 2008, doi 10.1002/sim.3095)
    interval = change - np.hypot(many - many_low, few_high - few), change + np.hypot(many_high - many, few - few_low)
    each = ", ".join(
        f"{float(value):.2f} (O = {int(o)})" for value, o in zip(data.benefit.sel(p=0.2), data.outputs, strict=True)
    )
    geometric = ", ".join(f"{float(value):.2f}" for value in data.geometric_benefit.sel(p=0.2))
    quantity = f"{what}: change of the benefit of p = 0.2 from O = {first} to {last}, decades"
    note = f"Benefits {each}; by geometric means {geometric}."
    shrinks = Claim(
        "4d", quantity, 0.0, 0.0, change, "The benefit of small p shrinks as O grows.", note, source=WYCOFF,
        criterion="below", ends=(float(interval[0]), float(interval[1])),
    )  # fmt: skip
    said = "At large O moderate p equals p = 1."
    return [shrinks, _benefit(data, {"outputs": last}, 0.8, f"{what}, O = {last}", said, equal=True)]


def _claims_4e(by_wiring: dict[str, xarray.Dataset], targets: str) -> list[Claim]:
    large, small = by_wiring["143"], by_wiring["16"]
    what, at = f"regression, {targets} targets, x = {X:g}", {"x": X}
    falls = "On 143 edges the error falls monotonically as p falls."
    none = "The 16-edge board shows no benefit for regression."
    words = "Mini-batching alone is worse than mini-batching with desynchronisation (as we understand the text)."
    errors = large.final_error.sel(x=X).values  # [p, task]
    steps = ", ".join(f"{mean:.2e} ({p:g})" for mean, p in zip(errors.mean(axis=1), P, strict=True))
    rises = sum(ratio_of_means(errors[k], errors[k + 1])[2] < 0 for k in range(len(P) - 1))
    return [
        _benefit(large, at, 0.2, f"143 edges, {what}", falls),
        Claim("4e", f"143 edges, {what}: neighbouring p where the mean error rises as p falls (95 %)", 0, 0,
              rises, falls, f"Mean errors: {steps}.", source=WYCOFF),
        _benefit(small, at, 0.2, f"16 edges, {what}", none, equal=True),
        _benefit(large, at, 0.5, f"143 edges, one example per step, {what}", words),
    ]  # fmt: skip
