"""Figs. f1 to f3, beyond the papers: equilibrium propagation on digits without a common clock, with levels, and unfinished.

Nothing here was measured before, so a claim is made only where theory gives a number. Small steps follow one flow in step x
p whatever clock chooses the couplings, so the difference of two clocks at equal step x p is expected to be 0 within a
margin (f1). A residual r of the torques leaves phases H^-1 r away from where they settle, so what unfinished relaxation
adds to a gradient is proportional to r (f3). Whether p < 1 helps where couplings are quantised (f2) is a result.

The proportional rule nudges by a cost; the sign rule is coupled learning's, which clamps the outputs, and moves h and psi
by as much as one level of the couplings, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.experiments.descriptions import built, built_on
from clockless.experiments.experiment import Experiment
from clockless.media.phases.contrast import Samples, cost_of, gradient
from clockless.media.phases.implicit import exact_gradient
from clockless.media.phases.schedules import TwoColour
from clockless.media.phases.xy import Rotors, Stop, phases_of
from clockless.numerics.randomness import TEST_PHASES, numbers
from clockless.papers import FigureData, Options
from clockless.papers.claims import Claim, no_failures
from clockless.papers.trends import equivalence, largest_difference
from clockless.papers.xy_lattices.responses import of_traces
from clockless.papers.xy_lattices.sources import FLOW, LINEAR
from clockless.papers.xy_lattices.sparse import half_width
from clockless.parts.clocks import Bernoulli, Global, Oscillators, Poisson
from clockless.parts.devices import SignedLevels
from clockless.parts.rules import EquilibriumPropagation, SignRule

if TYPE_CHECKING:
    import xarray

NUDGE, RATE = 0.1, 0.1
BATCH = 50
NETWORKS: dict[str, dict[str, Any]] = {
    "dense 64-20-10": {"kind": "dense", "sizes": [64, 20, 10]},
    "window 4 x 4 x 4": {"kind": "local", "window": 4, "channels": 4},
}
MEDIUM = {"kind": "xy", "residual": 1e-3, "test_residual": 1e-3}
CLOCKS = (
    Global(), Bernoulli(0.5), Bernoulli(0.2), Bernoulli(0.1), Oscillators(1 / (1 + 2 ** (2 * 0.2 - 1)), 0.01),
    Poisson(0.1),
)  # fmt: skip
COUNTS, BOUND = (9, 33, 129, 513), 1.0
P = (0.02, 0.05, 0.2, 0.5, 1.0)
RULES = {"sign": SignRule(NUDGE), "proportional": EquilibriumPropagation(NUDGE, 0.3)}
RESIDUALS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
NUDGES = (0.1, 0.01)
# Margins, stated after earlier runs were known, which had no part in them.
STATED = "2026-11-22"
COLLAPSED = 0.1  # of the first cost: what we call one curve, as for resistors; at equal steps curves are 0.3 to 0.5 apart
FIRST_ORDER = 0.1  # of an exponent of 1
_SAMPLES = 40  # digits behind a gradient
_UNITS = 1000  # of them p differs from its limit by less than is told


def digits(options: Options, splits: int) -> dict[str, Any]:
    """The random splits of the digits that belong to a master seed."""
    return {"kind": "digits", "split": "random", "seed": [options.seed * splits + k for k in range(splits)]}


# --- f1: collapse ------------------------------------------------------------------------------------------------------


def figure_f1(options: Options) -> FigureData:
    """Test cost against step x p for clocks of three kinds, dense and local."""
    datasets: dict[str, xarray.Dataset] = {}
    claims: list[Claim] = []
    for name, network in list(NETWORKS.items())[: 1 if options.tiny else None]:
        data = _collapse_run(options, name, network)
        datasets[f"figure-f1_{name.replace(' ', '-')}"] = data
        if options.keep:
            options.keep(f"figure-f1_{name.replace(' ', '-')}", data)
        claims += _claims_of_collapse(data, name)
    return FigureData(datasets, [*claims, no_failures("f1", sum(int(data.failed) for data in datasets.values()))])


def _collapse_run(options: Options, name: str, network: dict[str, Any]) -> xarray.Dataset:
    """Test costs relative to their start [clock, split, update or step] at equal step x p and at equal steps."""
    import xarray

    splits, last = (3, 20) if options.tiny else (6, 250)
    equal = np.unique(np.rint(np.geomspace(1, last, 12 if options.tiny else 20)).astype(np.int64))
    clocks = (*CLOCKS[:3], *CLOCKS[4:5]) if options.tiny else CLOCKS
    p = np.array([clock.rate(_UNITS) for clock in clocks])
    by_update, by_step, failed = [], [], 0
    for clock, rate in zip(clocks, p, strict=True):
        at = np.rint(equal / rate).astype(np.int64)
        title = f"f1, {name}, {clock}"
        experiment = Experiment(
            network=network, medium=MEDIUM, task=digits(options, splits), rule=EquilibriumPropagation(NUDGE, RATE),
            clock=clock, batch=BATCH, steps=int(at[-1]), record=np.union1d(np.append(at, 0), equal), seeds=options.seed,
            title=f"Fig. {title}",
        )  # fmt: skip
        with options.showing(title) as update:
            run = options.run(experiment, update)
        scaled = (run.error / run.error.sel(step=0)).transpose("task", "step")
        by_update.append(scaled.sel(step=at).values)
        by_step.append(scaled.sel(step=equal).values)
        failed += int(run.failed.sum())
    return xarray.Dataset(
        {
            "at_equal_updates": (("clock", "split", "update"), np.array(by_update)),
            "at_equal_steps": (("clock", "split", "step"), np.array(by_step)),
            "failed": failed,
        },
        {"clock": [str(clock) for clock in clocks], "p": ("clock", p), "update": equal, "step": equal},
        {"network": name, "nudge": NUDGE, "rate": RATE, "batch": BATCH},
    )


def _claims_of_collapse(data: xarray.Dataset, name: str) -> list[Claim]:
    collapsed, ends = largest_difference(data.at_equal_updates.values)
    below, below_ends = largest_difference(data.at_equal_updates.values[data.p.values < 1])
    note = (
        f"Theory is for small rates, and ours is {RATE:g}. At equal steps the spread is "
        f"{largest_difference(data.at_equal_steps.values)[0]:.2f}."
    )
    return [
        Claim("f1", f"spread of mean scaled cost over clocks at equal step x p ({name})", 0.0, COLLAPSED, collapsed, "",
              note, source=FLOW, criterion="within", ends=ends, level=0.9, stated=STATED),
        Claim("f1", f"the same among clocks with p < 1 ({name})", 0.0, COLLAPSED, below, source=FLOW, criterion="within",
              ends=below_ends, level=0.9, stated=STATED),
    ]  # fmt: skip


# --- f2: levels --------------------------------------------------------------------------------------------------------


def figure_f2(options: Options) -> FigureData:
    """Accuracy with quantised couplings against p, by a rule that moves by one level and by one that rounds."""
    import xarray

    splits, steps = (3, 40) if options.tiny else (5, 600)
    counts, p = (COUNTS[:3:2], P[2::2]) if options.tiny else (COUNTS, P)
    last = sorted({steps * k // 6 for k in (4, 5, 6)})
    accuracy, held, failed = [], [], 0
    for name, rule in RULES.items():
        title = f"f2, {name}"
        experiment = Experiment(
            network=NETWORKS["dense 64-20-10"], medium=MEDIUM, task=digits(options, splits), rule=rule,
            clock=[Bernoulli(one) for one in p], device=[SignedLevels(count, BOUND) for count in counts], batch=BATCH,
            steps=steps, record=last, seeds=options.seed, title=f"Fig. {title}",
        )  # fmt: skip
        with options.showing(title) as update:
            run = options.run(experiment, update).transpose("device", "clock", "task", ...)
        accuracy.append(run.accuracy.mean("step").values)
        couplings = built("network", experiment.network).couplings
        held.append((np.abs(run.parameters.isel(parameter=slice(couplings))) > 0.999 * BOUND).mean("parameter").values)
        failed += int(run.failed.sum())
    dims = ("rule", "levels", "p", "split")
    values = np.array(accuracy)
    data = xarray.Dataset(
        {
            "accuracy": (dims, values, {"long_name": f"mean of steps {last}"}),
            "mean_accuracy": (dims[:-1], values.mean(axis=-1)),
            "half_accuracy": (dims[:-1], half_width(values)),
            "benefit": (dims[:-1], (values - values[:, :, -1:]).mean(axis=-1), {"long_name": "accuracy - that at p = 1"}),
            "half_benefit": (dims[:-1], half_width(values - values[:, :, -1:])),
            "at_bound": (dims, np.array(held), {"long_name": "part of the couplings at either end"}),
        },
        {"rule": list(RULES), "levels": list(counts), "p": list(p)},
        {"network": "dense 64-20-10", "steps": steps, "bound": BOUND, **{name: str(rule) for name, rule in RULES.items()}},
    )
    return FigureData({"figure-f2": data}, [no_failures("f2", failed)])


# --- f3: unfinished relaxation -----------------------------------------------------------------------------------------


def figure_f3(options: Options) -> FigureData:
    """Accuracy, sweeps and error of the gradient against the residual at which relaxation stops."""
    import xarray

    splits, steps = (2, 40) if options.tiny else (5, 600)
    residuals = RESIDUALS[::2] if options.tiny else RESIDUALS
    last = sorted({steps * k // 6 for k in (4, 5, 6)})
    accuracy, sweeps, errors, extra, failed = [], [], [], [], 0
    for name, network in NETWORKS.items():
        title = f"f3, {name}"
        experiment = Experiment(
            network=network, medium=[{"kind": "xy", "residual": one, "test_residual": one} for one in residuals],
            task=digits(options, splits), rule=EquilibriumPropagation(NUDGE, RATE), batch=BATCH, steps=steps, record=last,
            seeds=options.seed, title=f"Fig. {title}",
        )  # fmt: skip
        with options.showing(title) as update:
            run = options.run(experiment, update).transpose("medium", "task", ...)
        accuracy.append(run.accuracy.mean("step").values)
        sweeps.append(run.sweeps.values)
        failed += int(run.failed.sum())
        pairs = [gradient_errors(experiment, run.parameters.values[-1, k], k, residuals) for k in range(splits)]
        errors.append(np.array([pair[0] for pair in pairs]))
        extra.append(np.array([pair[1] for pair in pairs]))
    of_gradients = ("network", "split", "nudge", "residual")
    data = xarray.Dataset(
        {
            "accuracy": (("network", "residual", "split"), np.array(accuracy)),
            "sweeps": (("network", "residual", "split"), np.array(sweeps), {"long_name": "free and nudged, per sample"}),
            "gradient_error": (of_gradients, np.array(errors)),
            "added_error": (of_gradients, np.array(extra)),
        },
        {"network": list(NETWORKS), "residual": list(residuals), "nudge": list(NUDGES)},
        {"rule": str(EquilibriumPropagation(NUDGE, RATE)), "steps": steps, "samples behind a gradient": _SAMPLES},
    )
    return FigureData({"figure-f3": data}, [*_claims_of_residuals(data), no_failures("f3", failed)])


def gradient_errors(
    experiment: Experiment, trained: np.ndarray, split: int, residuals: tuple[float, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Errors of the estimated gradient in W [nudge, residual], relative to the exact one's norm, at trained parameters.

    First against the exact gradient at the settled free state, then against the same estimate with relaxation finished.
    """
    architecture = built("network", experiment.network)
    task = built_on("task", {**experiment.task, "seed": experiment.task["seed"][split]}, experiment.network)
    parameters = of_traces(architecture, trained)
    xy, sites = Rotors(architecture.network, architecture.shared), architecture.network.nodes
    examples = Samples(
        architecture.inputs, task.x_train[:_SAMPLES].T, architecture.outputs, task.y_train[:_SAMPLES].T
    )  # fmt: skip
    drawn = numbers(0, task.fingerprint, 0, TEST_PHASES, sites * _SAMPLES)
    start = ((drawn + 0.5) * 2.0**-31 * np.pi - np.pi).reshape(sites, -1)
    errors, extra = [], []
    for nudge in NUDGES:
        rule = EquilibriumPropagation(nudge, RATE)
        finished, looked = gradient(xy, parameters, examples, start, rule, _stop(1e-10))
        exact = exact_gradient(xy, parameters, examples, phases_of(looked.free), cost_of(rule)).W
        found = [gradient(xy, parameters, examples, start, rule, _stop(one))[0].W for one in residuals]
        norm = np.linalg.norm(exact)
        errors.append([np.linalg.norm(one - exact) / norm for one in found])
        extra.append([np.linalg.norm(one - finished.W) / norm for one in found])
    return np.array(errors), np.array(extra)


def _stop(residual: float) -> Stop:
    return Stop(TwoColour(), residual, 100_000, 0, 0)


def _claims_of_residuals(data: xarray.Dataset) -> list[Claim]:
    """The error that unfinished relaxation adds is of first order in the residual where that is small."""
    claims = []
    small = data.added_error.isel(residual=np.flatnonzero(data.residual.values <= 1e-3))
    x = np.log(small.residual.values)
    for name in data.network.values if x.size > 2 else ():
        for nudge in NUDGES:
            logs = np.log(small.sel(network=name, nudge=nudge).transpose("residual", "split").values)
            slopes = np.polyfit(x, logs, 1)[0]
            quantity = f"exponent of the gradient's added error in the residual, up to 1e-3, nudge {nudge:g} ({name})"
            slope, half = equivalence(slopes)
            claims.append(
                Claim("f3", quantity, 1.0, FIRST_ORDER, slope, source=LINEAR, criterion="within", half=half, level=0.9,
                      stated=STATED)
            )  # fmt: skip
    return claims
