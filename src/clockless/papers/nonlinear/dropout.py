"""Figure dropout: edges that are absent for a step against edges that only do not act, at the same p and on the same tasks.

Wycoff et al. 2022 name dropout (Srivastava et al., J. Mach. Learn. Res. 15, 1929 (2014)) as what their desynchronous updates
resemble. Thresholds were stated on 2026-11-21, before the run: at p = 0.5 one ends lower than the other if the 95 % interval
of the mean over tasks of log10(error absent / error not acting) excludes 0; 1 is expected for both rules, for an absent edge
teaches the others to do without it, while all of them are there when the error is measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.experiments.experiment import Experiment
from clockless.papers import FigureData, Options
from clockless.papers.claims import Claim
from clockless.papers.nonlinear.sources import GUESS
from clockless.papers.trends import log_ratio, sign_of_trend
from clockless.parts.clocks import Bernoulli, Dropout
from clockless.parts.comparators import Magnitudes
from clockless.parts.devices import Continuous, Levels
from clockless.parts.rules import CoupledLearning, SignRule

if TYPE_CHECKING:
    import xarray

P = (0.2, 0.5, 0.8, 1.0)
KINDS = ("does not act", "absent")
WAYS: dict[str, tuple[Any, Any, float]] = {  # rule, device, start in the rule's units of resistance
    "continuous": (CoupledLearning(0.1, 0.3), Continuous(), 1.0),
    "sign": (SignRule(1.0), Levels(128, 100 / 128, 100.0, Magnitudes(1e-4)), 50.0),
}


def figure_dropout(options: Options) -> FigureData:
    """Test error of regression tasks on 143 edges, at equal step x p, by both rules and both kinds of staying away."""
    import xarray

    count, updates = (4, 200) if options.tiny else (32, 5_000)
    tasks = {"kind": "regression", "seed": [options.seed * count + k for k in range(count)]}
    found = np.empty((len(WAYS), len(KINDS), len(P), count))
    failed = 0
    for i, (name, (rule, device, start)) in enumerate(WAYS.items()):
        for k, p in enumerate(P):
            last = round(updates / p)
            medium = {"kind": "resistors", "low": 0.05, "high": 200.0}
            with options.showing(f"dropout, {name}, p = {p:g}") as update:
                run = options.run(Experiment(
                    network={"kind": "packing"}, medium=medium, task=tasks, rule=rule, device=device, batch=1,
                    initial=start, clock=[Bernoulli(p), Dropout(p)], seeds=options.seed, steps=last,
                    record=np.unique(np.linspace(0.8 * last, last, 21).astype(np.int64)),
                    title=f"Fig. dropout, {name}, p = {p:g}",
                ), update)  # fmt: skip
            found[i, :, k] = run.error.mean("step").transpose("clock", "task").values
            failed += int(run.failed.sum())
    data = xarray.Dataset(
        {"error": (("rule", "kind", "p", "task"), np.maximum(found, 1e-12))},
        {"rule": list(WAYS), "kind": list(KINDS), "p": list(P), "task": tasks["seed"]},
        {"failed": failed},
    )
    return FigureData({"figure-dropout": data}, _claims(data))


def _claims(data: xarray.Dataset) -> list[Claim]:
    claims = []
    for rule in data.rule.values:
        stays, absent = (data.error.sel(rule=rule, kind=kind) for kind in KINDS)
        middle, half = log_ratio(stays.sel(p=0.5).values, absent.sel(p=0.5).values)
        others = [log_ratio(stays.sel(p=p).values, absent.sel(p=p).values) for p in (0.2, 0.8)]
        claims.append(Claim(
            "dropout", f"{rule} rule, p = 0.5: absent edges end higher (1), lower (-1) or neither (0)", 1, 0,
            sign_of_trend(stays.sel(p=0.5).values, absent.sel(p=0.5).values), "",
            f"{middle:.2f} ± {half:.2f} decades at p = 0.5; "
            + "; ".join(f"{m:.2f} ± {h:.2f} at p = {p:g}" for (m, h), p in zip(others, (0.2, 0.8), strict=True)),
            source=GUESS,
        ))  # fmt: skip
    return claims
