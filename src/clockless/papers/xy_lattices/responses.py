"""Fig. e: what a torque at the output turns on a square lattice that learns XOR, and the couplings behind it.

The response map of a settled state is the column of the inverse Hessian that belongs to the output: the change of every
phase per unit of torque there. It is symmetric, so it also says what a torque at that site would do to the output. Numbers
are means over the four examples and several initial states of abs(response), relative to the output's own:

- *affected* sites respond by a tenth of the output or more, *marginal* ones by less than a hundredth;
- the *range* is the radius around the output that holds 90 % of the sum of all responses, in bonds;
- the *contrast* is the distance of the 10 % and 90 % quantiles of log10 of the response over the free sites;
- *moved* is the share of the couplings that carry 90 % of the squared change of all couplings since the start;
- the *overlap* is the rank correlation (Spearman's) over couplings of |change since the start| and the mean response of the
  two ends: whether couplings change where the lattice responds.

Training begins from the authors' recipe for lattices, W ~ N(0, 1 / couplings), h = 0, and once more from fields h uniform in
[-0.5, 0.5], their recipe for XOR on all-to-all networks: several times a lattice's couplings, so that fields hold the phases
in place from the start. What training does to the contrast depends on it, so both are shown.

NOTE: arXiv 2601.21945 names affected and marginal regions; the thresholds are ours. Distances are counted on the square
lattice, skips or not: what is far stays far.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from clockless.experiments.descriptions import built, canonical
from clockless.experiments.experiment import Experiment
from clockless.media.phases.contrast import response_by_nudging
from clockless.media.phases.implicit import response_map
from clockless.media.phases.tasks import xor
from clockless.media.phases.xy import Parameters, Rotors
from clockless.networks.architectures import Architecture, Grid
from clockless.numerics.randomness import TEST_PHASES, numbers
from clockless.papers import FigureData, Options
from clockless.papers.claims import Claim, Source, no_failures
from clockless.papers.xy_lattices.sources import ABSTRACT, LINEAR, READING
from clockless.papers.xy_lattices.sparse import half_width
from clockless.parts.optimisers import Adam
from clockless.parts.rules import EquilibriumPropagation

if TYPE_CHECKING:
    import xarray

SIDE = 7
AFFECTED, MARGINAL, HELD = 0.1, 0.01, 0.9
SKIPS = 2
RULE = EquilibriumPropagation(nudge=0.1, rate=0.01, inits=4)
STEPS = (0, 10, 30, 100, 300, 1_000)
SOLVED = 0.05  # test cost
NUDGES = (1e-4, 1e-5)
_OURS = "The measure is ours; how the paper measures it is not known to us."
STARTS = {"authors' start": 0.0, "strong fields": 0.5}  # largest |h| at step 0
_FLOOR = 1e-12  # of responses, where logarithms are taken
_STATES = 4  # initial states per example
_NUMBERS = ("range", "affected", "marginal", "contrast")


class Case(NamedTuple):
    """Inputs on both sides of the central output, `distance` bonds away; bonds of length `skips` besides, if not 0."""

    name: str
    distance: int
    skips: int

    @property
    def network(self) -> dict[str, Any]:
        """The lattice's description."""
        grid, middle = Grid(SIDE, SIDE), SIDE // 2
        inputs = [grid.at(middle, middle + side * self.distance) for side in (-1, 1)]
        lattice = {"kind": "square-with-skips", "rows": SIDE, "columns": SIDE, "skips": self.skips}
        return {**lattice, "inputs": inputs, "outputs": [grid.at(middle, middle)]}


CASES = (Case("near", 1, 0), Case("near, skips", 1, SKIPS), Case("far", 3, 0), Case("far, skips", 3, SKIPS))


def figure_e(options: Options) -> FigureData:
    """Response maps and couplings over training, inputs near to and far from the output, with and without skips."""
    seeds, steps = (4, STEPS[:5]) if options.tiny else (16, STEPS)
    experiment = Experiment(
        network=[case.network for case in CASES], medium={"kind": "xy", "residual": 1e-5}, task={"kind": "xor"}, rule=RULE,
        optimiser=Adam(), initial={"kind": "drawn", "fields": list(STARTS.values())}, steps=steps[-1],
        record=list(steps), traces=True, seeds=[options.seed * seeds + k for k in range(seeds)], title="Fig. e",
    )  # fmt: skip
    with options.showing("e") as update:
        run = options.run(experiment, update).transpose("fields", "network", "seed", "step", ...)
    by_start = {name: _measured(run.sel(fields=fields)) for name, fields in STARTS.items()}
    for name, data in by_start.items():
        data.attrs["settings"] = (
            f"XOR, {SIDE} x {SIDE}, {RULE}, Adam; skips of length {SKIPS}; {name}: |h| <= {STARTS[name]:g}"
        )
    first, other = by_start.values()
    checks = [_relative_error(run.isel(fields=0), nudge) for nudge in NUDGES]
    claims = [*_claims_of_maps(checks), *_claims(first), *_regions(other, READING, "from strong fields, ")]
    return FigureData(
        {"figure-e": first, "figure-e_strong-fields": other}, [*claims, no_failures("e", int(run.failed.sum()))]
    )


# --- response maps ---------------------------------------------------------------------------------------


def _measured(run: xarray.Dataset) -> xarray.Dataset:
    """Responses [case, seed, step, site] relative to the output's own, parameters, and numbers of them."""
    import xarray

    architectures = [built("network", case.network) for case in CASES]
    traces = run.traces.values
    responses = np.array(
        [
            [[mean_response(architecture, of_traces(architecture, traces[k, seed, at])) for at in range(traces.shape[2])]
             for seed in range(traces.shape[1])]
            for k, architecture in enumerate(architectures)
        ]
    )  # fmt: skip
    found = [
        [[numbers_of(architectures[k], responses[k, seed, at]) for at in range(traces.shape[2])]
         for seed in range(traces.shape[1])]
        for k in range(len(CASES))
    ]  # fmt: skip
    dims, first = ("case", "seed", "step"), {"seed": 0}
    table = np.array(found)
    sites = distances(SIDE * SIDE // 2)
    radii = np.arange(1, sites.max() + 1)
    logs = np.log10(np.maximum(responses, _FLOOR))
    for k, architecture in enumerate(architectures):
        logs[k, ..., list(architecture.inputs)] = np.nan  # held
    profiles = [np.nanmean(logs[..., sites == one], axis=-1) for one in radii]
    data = xarray.Dataset(
        {
            "cost": (dims, run.error.values),
            **{name: (dims, table[..., k]) for k, name in enumerate(_NUMBERS)},
            "moved": (dims, np.array([_moved(architecture, traces[k]) for k, architecture in enumerate(architectures)])),
            "overlap": (dims, np.array([_overlap(a, traces[k], responses[k]) for k, a in enumerate(architectures)])),
            "log_profile": ((*dims, "distance"), np.stack(profiles, axis=-1)),
            "response": ((*dims, "site"), responses),
            "traces": ((*dims, "parameter"), traces),
        },
        {"case": [case.name for case in CASES], "seed": run.seed.values, "step": run.step.values, "distance": radii,
         "network": ("case", [canonical(case.network) for case in CASES])},
    )  # fmt: skip
    return data.assign({name: data[name].isel(first) for name in ("response", "traces")})  # that is what is drawn


def _moved(architecture: Architecture, traces: np.ndarray) -> np.ndarray:
    """Share of the couplings that carry 90 % of the squared change since the start, [seed, step]; NaN at the start."""
    couplings = traces[..., : architecture.couplings]
    squares = np.sort((couplings - couplings[:, :1]) ** 2, axis=-1)[..., ::-1]
    total = squares.sum(axis=-1, keepdims=True)
    fewer = (np.cumsum(squares, axis=-1) < HELD * total).sum(axis=-1) + 1.0
    return np.where(total[..., 0] > 0, fewer, np.nan) / architecture.couplings


def _overlap(architecture: Architecture, traces: np.ndarray, responses: np.ndarray) -> np.ndarray:
    """Rank correlation of |change| and the response of the ends over couplings, [seed, step]; NaN at the start."""
    from scipy.stats import spearmanr

    couplings = traces[..., : architecture.couplings]
    changes, ends = np.abs(couplings - couplings[:, :1]), responses[..., architecture.network.edges].mean(axis=-1)
    found = np.full(changes.shape[:2], np.nan)
    for seed, at in np.ndindex(found.shape):
        if changes[seed, at].any():
            found[seed, at] = spearmanr(changes[seed, at], ends[seed, at]).statistic
    return found


def of_traces(architecture: Architecture, values: np.ndarray) -> Parameters:
    """W, h and psi from the parameters of a trace, which is filled with NaN where other networks have more."""
    sites = architecture.network.nodes
    ends = np.cumsum([architecture.couplings, sites, sites])
    return Parameters(*np.split(values[: ends[-1]], ends[:-1]))


def settled(architecture: Architecture, parameters: Parameters) -> tuple[Rotors, np.ndarray]:
    """The medium, and settled phases [site, example x state] from starts that depend on the number of the state alone."""
    xy, sites = Rotors(architecture.network, architecture.shared), architecture.network.nodes
    x = np.tile(xor(architecture).x_train.T, _STATES)
    start = (numbers(0, 0, 0, TEST_PHASES, sites * x.shape[1]) + 0.5) * 2.0**-31 * np.pi - np.pi
    held = dict(zip(architecture.inputs, x, strict=True))
    phases, _ = xy.settle(parameters, held, start.reshape(sites, -1), residual=1e-11, sweeps_limit=100_000)
    return xy, phases


def mean_response(architecture: Architecture, parameters: Parameters) -> np.ndarray:
    """Mean over settled states of abs(response) [site] to a torque at the output, relative to the output's own."""
    xy, phases = settled(architecture, parameters)
    (site,) = architecture.outputs
    maps = np.abs([response_map(xy, parameters, state, site, architecture.inputs) for state in phases.T])
    mean: np.ndarray = np.mean(maps / maps[:, [site]], axis=0)
    return mean


def numbers_of(architecture: Architecture, response: np.ndarray) -> tuple[float, float, float, float]:
    """Range in bonds, shares of affected and of marginal sites, and contrast, over the free sites but the output."""
    (site,) = architecture.outputs
    others = np.setdiff1d(np.arange(response.size), [site, *architecture.inputs])
    values = response[others]
    low, high = np.quantile(np.log10(np.maximum(values, _FLOOR)), [0.1, 0.9])
    radii = distances(site)[others]
    order = np.argsort(radii, kind="stable")
    held = np.cumsum(values[order]) / values.sum()
    reach = radii[order][np.searchsorted(held, HELD)]
    return float(reach), float(np.mean(values >= AFFECTED)), float(np.mean(values < MARGINAL)), float(high - low)


def distances(site: int) -> np.ndarray:
    """Distance of every site from `site` along the square lattice, in bonds."""
    row, column = np.divmod(np.arange(SIDE * SIDE), SIDE)
    bonds: np.ndarray = np.abs(row - row[site]) + np.abs(column - column[site])
    return bonds


def _relative_error(run: xarray.Dataset, nudge: float) -> float:
    """Largest difference of the two response maps, relative to the largest response: near inputs, last snapshot."""
    architecture = built("network", CASES[0].network)
    parameters = of_traces(architecture, run.traces.values[0, 0, -1])
    xy, phases = settled(architecture, parameters)
    exact = response_map(xy, parameters, phases[:, 0], architecture.outputs[0], architecture.inputs)
    found = response_by_nudging(xy, parameters, phases[:, 0], architecture.outputs[0], architecture.inputs, nudge)
    return float(np.abs(found - exact).max() / np.abs(exact).max())


# --- numbers ---------------------------------------------------------------------------------------------


def _claims_of_maps(errors: list[float]) -> list[Claim]:
    order = float(np.log(errors[0] / errors[1]) / np.log(NUDGES[0] / NUDGES[1]))
    return [
        Claim(
            "e",
            f"response by nudging - inverse Hessian, relative, nudge {NUDGES[1]:g}",
            0.0,
            100 * NUDGES[1],
            errors[1],
            source=LINEAR,
            tiny=True,
        ),
        Claim("e", "its order in the nudge", 1.0, 0.1, order, source=LINEAR, tiny=True),
    ]


def difference(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """Mean of second - first, paired, and the half-width of its 95 % interval (Student's t)."""
    values = second - first
    return float(values.mean()), float(half_width(values))


def _rises(quantity: str, says: str, first: np.ndarray, second: np.ndarray, source: Source = ABSTRACT) -> Claim:
    """That `second` is larger than `first` [seed], paired."""
    mean, half = difference(first, second)
    return Claim("e", quantity, 0.0, 0.0, mean, says, _OURS, source=source, criterion="above", half=half)


def _claims(data: xarray.Dataset) -> list[Claim]:
    """What the paper says, from its authors' start."""
    last = data.isel(step=-1)
    alive = "Long skip connections keep long-range responses alive."
    near, near_skips, far, far_skips = (last.sel(case=case.name) for case in CASES)
    claims = []
    for where, without, skips in (("near", near, near_skips), ("far", far, far_skips)):
        for name, words in (("range", "the response's range in bonds"), ("affected", "the share of affected sites")):
            quantity = f"{words}, with skips less without, trained, inputs {where}"
            claims.append(_rises(quantity, alive, without[name].values, skips[name].values))
    claims.append(
        _rises("test cost without skips less with, inputs far", "Training success depends on architecture.",
                    far_skips.cost.values, far.cost.values)
    )  # fmt: skip
    return [*claims, *_regions(data, ABSTRACT)]


def _regions(data: xarray.Dataset, source: Source, start: str = "") -> list[Claim]:
    """That training makes responses differ more from place to place, and couplings change where the lattice responds."""
    claims = []
    for case in (CASES[0], CASES[3]):
        one, what = data.sel(case=case.name), f"decades, {start}{case.name}"
        before, after = one.contrast.isel(step=0).values, one.contrast.isel(step=-1).values
        said = "Lattices organise into affected and marginal regions."
        claims.append(_rises(f"contrast of responses after training less before, {what}", said, before, after, source))
    for case in (CASES[0], CASES[3]):
        overlap = data.overlap.sel(case=case.name).isel(step=-1).values
        said = "Responses and couplings are distributed in space, and both evolve in training."
        quantity = f"rank correlation of a coupling's change and the response of its ends, {start}{case.name}"
        claims.append(_rises(quantity, said, np.zeros_like(overlap), overlap, source))
    return claims
