"""Figs. 4f and 4g: where p < 1 helps the discrete rule, and whether learning gets stuck."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.papers import FigureData, Options
from clockless.papers.claims import Claim
from clockless.papers.desynchronous.discrete import BOARD, EQUAL, device, drawn, final_error, run_board
from clockless.papers.desynchronous.sources import SCALING, WYCOFF
from clockless.papers.trends import equivalence, log_ratio, sign_of_trend
from clockless.parts.clocks import Bernoulli
from clockless.parts.devices import Continuous
from clockless.parts.rules import CoupledLearning, SignRule

if TYPE_CHECKING:
    import xarray

BIASES = (0.0, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2)  # volts, signals up to 1 V
NUDGES = (0.03, 0.1, 0.3, 1.0)
PAIR = (0.2, 1.0)  # the benefit is log10 error(p = 1) / error(p = 0.2)


def figure_4f(options: Options) -> FigureData:
    """The sign and size of the benefit over bias and nudge, and against x for horizons and ranges."""
    import xarray

    count, steps = (6, 500) if options.tiny else (64, 5_000)
    learned = drawn("allosteric", count, options)
    clocks = [Bernoulli(p) for p in PAIR]

    def benefit(**changed: Any) -> xarray.DataArray:
        """log10 error(p = 1) / error(p = 0.2) per task."""
        changed = {"steps": steps, "clock": clocks, **changed}
        error = final_error(run_board(BOARD, learned, options, **changed))
        ratio = error.isel(clock=1, drop=True) / error.isel(clock=0, drop=True)
        return ratio.copy(data=np.log10(ratio.values))

    plane = benefit(rule=[SignRule(nudge) for nudge in NUDGES], device=[device(bias) for bias in BIASES])
    plane = plane.transpose("rule", "device", "task")
    variants = {
        "1/5 of the steps": benefit(device=[device(bias) for bias in BIASES], steps=steps // 5),
        "4 times the steps": benefit(device=[device(bias) for bias in BIASES], steps=4 * steps),
        "contrast 16": benefit(device=[device(bias, contrast=16.0) for bias in BIASES]),
        "contrast 1,024": benefit(device=[device(bias, contrast=1024.0) for bias in BIASES]),
        "frozen bias": benefit(device=[device(bias, frozen=True) for bias in BIASES]),
    }
    lines = xarray.concat(
        [bare_of(v.transpose("device", "task")) for v in variants.values()],
        xarray.DataArray(list(variants), dims="variant", name="variant"),
    )
    data = xarray.Dataset({"benefit": bare_of(plane), "variants": lines}).assign_coords(
        nudge=("rule", list(NUDGES)), bias=("device", list(BIASES))
    )
    return FigureData({"figure-4f": data}, _map_claims(plane.values))


def bare_of(array: xarray.DataArray) -> xarray.DataArray:
    """The array without coordinates: labels of devices and rules differ between variants."""
    return array.drop_vars(list(array.coords))


def _map_claims(plane: np.ndarray) -> list[Claim]:
    """`plane` [nudge, bias, task]."""
    # The same x = bias / nudge at nudge 0.1 and 1, where the grid has both: tenfold bias is two places further.
    pairs = [(k, k + 2) for k in range(1, len(BIASES) - 2)]
    middle, half = equivalence(np.mean([plane[3, b] - plane[1, a] for a, b in pairs], axis=0))
    one = plane[3]
    held = [bias for k, bias in enumerate(BIASES) if sign_of_trend(np.ones(one.shape[1]), 10 ** one[k]) == 1]
    region = f"At nudge 1 the benefit is significant for x in {{{', '.join(f'{x:g}' for x in held)}}}."
    last, last_half = equivalence(plane[0, -1])
    return [
        Claim("4f", f"difference of benefits at nudge 1 and 0.1 and equal x, mean over {len(pairs)} x, decades", 0.0, EQUAL,
              middle, "Only bias / (gain nudge V) matters, but for edges whose drop is turned round by nudging.", region,
              source=SCALING, criterion="within", half=half, level=0.9),
        Claim("4f", "benefit at the largest x (bias 0.03 V, nudge 0.03), decades", 0.0, EQUAL, last,
              "Where bias outweighs the signal it sets the floor, resistances drift to the ceiling, and p does not matter.",
              source=SCALING, criterion="within", half=last_half, level=0.9),
    ]  # fmt: skip


def figure_4g(options: Options) -> FigureData:
    """Final errors of regression tasks on the board: continuous at equal updates, discrete without bias at equal steps."""
    import xarray

    count, updates = (8, 2_000) if options.tiny else (50, 50_000)
    learned = drawn("regression", count, options)
    smooth, rough = [], []
    for p in PAIR:
        steps = round(updates / p)
        run = run_board(
            BOARD, learned, options, steps, record=np.array([0, steps // 2, steps]), rule=CoupledLearning(0.1, 0.3),
            device=Continuous(), batch="full", initial=1.0, clock=Bernoulli(p),
        )  # fmt: skip
        smooth.append(run.error.transpose("task", "step").values)
        discrete = run_board(BOARD, learned, options, min(updates, 10_000), device=device(0.0), clock=Bernoulli(p))
        rough.append(final_error(discrete).values)
    error, final = np.array(smooth), np.array(rough)
    # A minimum would stop the fall: an error that is not small and falls by less than 1 % while the updates double.
    stuck = float(np.mean((error[..., 2] > 1e-6) & (error[..., 2] > 0.99 * error[..., 1])))
    data = xarray.Dataset(
        {"continuous": (("clock", "task"), error[..., 2]), "discrete": (("clock", "task"), final)},
        {"p": ("clock", list(PAIR))},
    )
    mean, half = log_ratio(final[0], final[1])
    claims = [
        Claim("4g", "fraction of continuous runs above 1e-6 whose error no longer falls", 0.0, 0.0, stuck,
              "Continuous learning finds no non-zero minima.",
              "Tasks with a solution. Not stuck does not mean quick: a few creep, and where resistances have grown, steps "
              "shrink as 1/R^2.", source=WYCOFF),
        Claim("4g", "16 edges, discrete rule, no bias: log10 of error(p = 1) / error(p = 0.2)", 0.0, 0.0, mean,
              "The discrete rule has many minima, which p < 1 leaves.",
              "At equal steps (10,000). Without bias the benefit does not last: after 25,000 steps at p = 0.2 it was gone.",
              source=WYCOFF, criterion="above", half=half),
    ]  # fmt: skip
    return FigureData({"figure-4g": data}, claims)
