"""Figs. b1 to b3: exclusive or on all-to-all networks, against the number of initial states, and on lattices.

A state's cost is 1/2 (1 - cos delta), between 0 and 1, and an output on the wrong side costs 1/2 or more. So a mean cost of
the four examples below 1/8 says that every output is on the right side; 0.01 is a deviation of 11 degrees.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.experiments.experiment import Experiment
from clockless.papers import FigureData, Options
from clockless.papers.claims import Claim
from clockless.papers.trends import log_ratio, share_interval, trend_of_shares
from clockless.papers.xy_lattices.digits import seeds, settled
from clockless.papers.xy_lattices.sources import EARLIER, PREDECESSOR

if TYPE_CHECKING:
    import xarray

SOLVED, ABOUT_ZERO = 1 / 8, 0.01  # mean cost of the four examples
START = {"kind": "drawn", "deviation": 1.0, "fields": 0.5}  # W ~ N(0, 1), h ~ U(-0.5, 0.5), psi uniform
EPOCHS, LONGER = 1000, 2000
SCHEDULES = ("two-colour", "poisson-timed")
SIZES, INITS = (20, 30), (1, 3, 10, 30)
MORE = 120  # runs at both ends of the largest network
# Margins, stated after a look at master seed 0: nine in ten for 'all'; more than half against fewer for shares of an earlier
# run; a factor of 3 for costs that are read off a curve, of means over an unknown number of runs, 1.7 decades apart.
STATED = "2026-11-22"
ALL, MOST, APART = 0.1, 1 / 3, 0.5
_AVERAGED = list(range(EPOCHS - 50, EPOCHS + 1, 10))  # a single state per example and epoch is noisy


def all_to_all(sites: int) -> dict[str, Any]:
    """Two inputs, one output, every site joined to every other one."""
    return {"kind": "all-to-all", "nodes": sites, "inputs": [0, 1], "outputs": [sites - 1]}


def rule(inits: int | list[int] = 1, rate: float = 0.1) -> dict[str, Any]:
    """Equilibrium propagation with the logarithmic cost."""
    return {"kind": "equilibrium-propagation", "nudge": 0.1, "rate": rate, "inits": inits}


def medium(schedule: str = "two-colour", residual: float = 1e-5) -> dict[str, Any]:
    """Phases that settle by a schedule."""
    return {"kind": "xy", "schedule": schedule, "residual": residual, "test_residual": residual}


# --- b1: five sites --------------------------------------------------------------------------------------


def figure_b1(options: Options) -> FigureData:
    """Cost of 100 networks of five sites against epochs, relaxed colour by colour and at Poisson times."""
    import xarray

    count, steps = (8, 200) if options.tiny else (100, LONGER)
    runs = []
    for schedule, last in zip(SCHEDULES, (steps, min(EPOCHS, steps)), strict=True):
        experiment = Experiment(
            network=all_to_all(5), medium=medium(schedule), task={"kind": "xor"}, rule=rule(), batch="full", initial=START,
            seeds=seeds(options, count), steps=last, record=sorted({*_spaced(last), min(EPOCHS, last)}),
            title=f"Fig. b1, {schedule}",
        )  # fmt: skip
        with options.showing(f"b1, {schedule}") as update:
            runs.append(options.run(experiment, update))
    costs = [run.error.transpose("seed", "step") for run in runs]
    data = xarray.concat(costs, xarray.DataArray(list(SCHEDULES), dims="schedule", name="schedule"), join="outer")
    data = (
        data.drop_vars([name for name in data.coords if name not in data.dims])
        .to_dataset(name="cost")
        .assign_attrs(about_zero=ABOUT_ZERO, solved=SOLVED)
    )
    return FigureData({"figure-b1": data}, [*_counts(data, min(EPOCHS, steps)), settled("b1", *runs)])


def _spaced(last: int) -> list[int]:
    """About ten epochs a decade, from 0."""
    return [0, *np.unique(np.rint(np.geomspace(1, last, 1 + int(10 * np.log10(last))))).astype(int).tolist()]


def _counts(data: xarray.Dataset, epoch: int) -> list[Claim]:
    """How many runs end at cost about 0: the paper's 100 of 100, or at least nine in ten."""
    claims = []
    for schedule in SCHEDULES:
        cost = data.cost.sel(schedule=schedule, step=epoch).values
        successes = int(np.sum(cost < ABOUT_ZERO))
        low, high = share_interval(np.array(successes), cost.size)
        later = data.cost.sel(schedule=SCHEDULES[0]).isel(step=-1).values
        note = (
            f"Cost: median {np.median(cost):.1e}, largest {cost.max():.2g}. Below 1/8, where every output is on its side: "
            f"{np.mean(cost < SOLVED):.2f}; below 1e-3: {np.mean(cost < 1e-3):.2f}."
        )
        if schedule == SCHEDULES[0]:
            note += (
                f" After {int(data.step[-1]):,} epochs below 0.01: {np.mean(later < ABOUT_ZERO):.2f}, below 1e-3: "
                f"{np.mean(later < 1e-3):.2f}: what is left is slow or falls into another minimum now and then."
            )
        claims.append(
            Claim("b1", f"share of runs with cost < 0.01 at epoch {epoch:,}, N = 5, {schedule}", 1.0, ALL,
                  successes / cost.size, "100 of 100 runs reach a cost of about 0 within 1,000 epochs.", note,
                  source=PREDECESSOR, criterion="within", ends=(float(low), float(high)), stated=STATED)
        )  # fmt: skip
    return claims


# --- b2: initial states per sample -----------------------------------------------------------------------


def figure_b2(options: Options) -> FigureData:
    """Cost near epoch 1,000 against the number of initial states that gradients are averaged over, for 20 and 30 sites."""
    import xarray

    count = 3 if options.tiny else 24
    sizes, inits = (SIZES[:1], INITS[:3]) if options.tiny else (SIZES, INITS)
    epochs = [epoch // 5 for epoch in _AVERAGED] if options.tiny else _AVERAGED
    experiment = Experiment(
        network=[all_to_all(sites) for sites in sizes], medium=medium(residual=1e-4), task={"kind": "xor"},
        rule=rule(list(inits)), batch="full", initial=START, seeds=seeds(options, count), steps=epochs[-1], record=epochs,
        title="Fig. b2, initial states",
    )  # fmt: skip
    with options.showing("b2, initial states") as update:
        run = options.run(experiment, update)
    cost = run.train_cost.transpose("network", "inits", "seed", "step").values.mean(axis=-1)
    data = xarray.Dataset(
        {"cost": (("sites", "inits", "seed"), cost)}, {"sites": list(sizes), "inits": list(inits), "seed": run.seed.values}
    )
    datasets, runs = {"figure-b2": data}, [run]
    if not options.tiny:
        more, run = more_of_b2(options)
        datasets["figure-b2_more"], runs = more, [*runs, run]
    return FigureData(datasets, [*_claims_b2(data), *_claims_of_tail(datasets.get("figure-b2_more")), settled("b2", *runs)])


def more_of_b2(options: Options) -> tuple[xarray.Dataset, xarray.Dataset]:
    """The two ends of the largest network with MORE runs: their costs [inits, seed] have a heavy tail."""
    import xarray

    inits = [INITS[0], INITS[-1]]
    experiment = Experiment(
        network=all_to_all(SIZES[-1]), medium=medium(residual=1e-4), task={"kind": "xor"}, rule=rule(inits), batch="full",
        initial=START, seeds=seeds(options, MORE), steps=_AVERAGED[-1], record=_AVERAGED, title="Fig. b2, more runs",
    )  # fmt: skip
    with options.showing("b2, more runs") as update:
        run = options.run(experiment, update)
    cost = run.train_cost.transpose("inits", "seed", "step").values.mean(axis=-1)
    return xarray.Dataset({"cost": (("inits", "seed"), cost)}, {"inits": inits, "seed": run.seed.values}), run


def _claims_of_tail(data: xarray.Dataset | None) -> list[Claim]:
    """Mean and median of many runs against the published mean, whose number of runs is not known.

    Stated on 2026-11-22: the 95 % bootstrap interval of each within APART of the published one.
    """
    if data is None:
        return []
    claims = []
    for inits, expected in ((INITS[0], 1e-1), (INITS[-1], 2e-3)):
        values = data.cost.sel(inits=inits).values
        worst = np.sort(values)[::-1][: max(round(0.05 * values.size), 1)].sum() / values.sum()
        note = (
            f"{values.size} runs; the worst twentieth makes {100 * worst:.0f} % of the mean; above 1/8, where an output is "
            f"on the wrong side: {np.mean(values > SOLVED):.2f} of them."
        )
        drawn = values[np.random.default_rng(0).integers(values.size, size=(4000, values.size))]
        for name, statistic in (("mean", np.mean), ("median", np.median)):
            low, high = np.log10(np.quantile(statistic(drawn, axis=1), [0.025, 0.975]))
            middle = float(np.log10(statistic(values)))
            claims.append(
                Claim("b2", f"log10 of the {name} cost of {values.size} runs, N = {SIZES[-1]}, {inits} initial states",
                      float(np.log10(expected)), APART, middle,
                      "At N = 30 the mean cost at epoch 1,000 falls from 1e-1 with one initial state to 2e-3 with 30.", note,
                      source=PREDECESSOR, criterion="within", ends=(float(low), float(high)), stated=STATED)
            )  # fmt: skip
    return claims


def _claims_b2(data: xarray.Dataset) -> list[Claim]:
    largest = data.isel(sites=-1)
    sites, first, last = int(largest.sites), int(data.inits[0]), int(data.inits[-1])
    ends = [largest.cost.sel(inits=inits).values for inits in (first, last)]
    change, half = log_ratio(*ends)
    return [
        Claim("b2", f"log10 of cost with {last} initial states over that with {first}, N = {sites}", 0.0, 0.0, change,
              "Averaging over initial states is the remedy for multistability.", source=PREDECESSOR, criterion="below",
              half=half)
    ]  # fmt: skip


# --- b3: lattices ----------------------------------------------------------------------------------------

LATTICES: dict[str, list[tuple[int, int, list[tuple[int, int]], tuple[int, int]]]] = {
    # series: (abscissa, side, places of the inputs, place of the output)
    "both sides, 7 x 7": [(d, 7, [(3, 3 - d), (3, 3 + d)], (3, 3)) for d in (1, 2, 3)],
    "top corners, 5 x 5": [(row + 2, 5, [(0, 0), (0, 4)], (row, 2)) for row in range(5)],
    "neighbours, side": [(s, s, [(s // 2, s // 2 - 1), (s // 2, s // 2 + 1)], (s // 2, s // 2)) for s in (3, 5, 7, 9, 11)],
}
EARLIER_COUNTS = {  # of our own prototype
    ("both sides, 7 x 7", 1): (5, 6),
    ("top corners, 5 x 5", 6): (0, 8),  # solved, of
}


def square(side: int, inputs: list[tuple[int, int]], output: tuple[int, int]) -> dict[str, Any]:
    """Open square lattice with two inputs and an output at (row, column)."""
    sites = [row * side + column for row, column in inputs]
    return {"kind": "square", "rows": side, "columns": side, "inputs": sites, "outputs": [output[0] * side + output[1]]}


def figure_b3(options: Options) -> FigureData:
    """Share of lattices that learn exclusive or, against the distance from inputs to output, and against size."""
    import xarray

    count = 2 if options.tiny else 16
    epochs = [epoch // 5 for epoch in _AVERAGED] if options.tiny else _AVERAGED
    places = [
        (series, *place) for series, several in LATTICES.items() for place in (several[:2] if options.tiny else several)
    ]
    networks = [square(*place[2:]) for place in places]
    different = [network for k, network in enumerate(networks) if network not in networks[:k]]
    experiment = Experiment(
        network=different, medium=medium(residual=1e-4), task={"kind": "xor"}, rule=rule(inits=16, rate=0.03),
        optimiser={"kind": "adam"}, batch="full", seeds=seeds(options, count), steps=epochs[-1], record=epochs,
        title="Fig. b3, lattices",
    )  # fmt: skip
    with options.showing("b3, lattices") as update:
        run = options.run(experiment, update)
    cost = run.train_cost.transpose("network", "seed", "step").values.mean(axis=-1)
    data = xarray.Dataset(
        {"cost": (("place", "seed"), cost[[different.index(network) for network in networks]])},
        {"series": ("place", [place[0] for place in places]), "at": ("place", [place[1] for place in places]),
         "seed": run.seed.values},
    )  # fmt: skip
    low, high = share_interval((data.cost < SOLVED).sum("seed").values, count)
    data = data.assign(
        solved=(data.cost < SOLVED).mean("seed"), low=("place", low), high=("place", high),
        side=("place", [place[2] for place in places]), output=(("place", "axis"), [place[4] for place in places]),
        inputs=(("place", "input", "axis"), [place[3] for place in places]),
    ).assign_coords(axis=["row", "column"])  # fmt: skip
    return FigureData({"figure-b3": data}, [*_claims_b3(data), settled("b3", run)])


def solved(data: xarray.Dataset, series: str) -> tuple[np.ndarray, np.ndarray, int]:
    """Abscissae, number of solved runs at each, and of how many."""
    one = data.isel(place=np.flatnonzero(data.series.values == series))
    return one["at"].values, (one.cost < SOLVED).sum("seed").values, one.sizes["seed"]


def _claims_b3(data: xarray.Dataset) -> list[Claim]:
    claims = []
    for (series, at), (successes, trials) in EARLIER_COUNTS.items():
        where, counts, count = solved(data, series)
        if at not in where:
            continue
        measured = float(counts[list(where).index(at)]) / count
        share = successes / trials
        low, high = share_interval(np.array(round(measured * count)), count)
        claims.append(
            Claim("b3", f"share that solves it, {series}, distance {at}", share, MOST, measured,
                  f"{successes} of {trials} solved it.", f"Ours {measured * count:.0f} of {count}.", source=EARLIER,
                  criterion="within", ends=(float(low), float(high)), stated=STATED)
        )  # fmt: skip
    return [*claims, *(_nearer_is_easier(data, series) for series in list(LATTICES)[:2])]


def _nearer_is_easier(data: xarray.Dataset, series: str) -> Claim:
    """Whether the share that solves it falls with the distance, by the test for a trend."""
    where, counts, count = solved(data, series)
    return Claim(
        "b3", f"{series}: farther is harder (1), easier (-1), neither (0)", 1, 0, -trend_of_shares(where, counts, count),
        "Distance decides whether a lattice learns exclusive or.",
        "Solved at distance " + ", ".join(f"{at}: {k} of {count}" for at, k in zip(where, counts, strict=True)) + ".",
        source=EARLIER,
    )  # fmt: skip
