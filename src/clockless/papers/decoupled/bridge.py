"""The bridge to desynchronous learning: layers that update with probability p, against step x p.

In resistor networks the curves of all p fall together in step x p, because the mean change per step is p times the change of
the synchronous rule and learning is slow. Here a layer updates with probability p after each forward pass (Jaderberg et al.
2017, arXiv 1608.05343), whatever its gradient comes from. Compared is the test cost (mean cross-entropy),
whose logarithm is smooth where the test error is a count of a few examples. It is taken twice: by the running
statistics of batch normalisation, which every forward pass renews whether layers update or not, so that they are behind
where few passes belong to an update; and by the test set's own moments, which leaves only what was learned. Both are called
one curve if the 90 % interval over seeds of the largest difference at any step x p is within a factor 1.2; at equal steps
curves are a factor 9 to 11 apart. The factor was stated on 2026-11-22, for the test set's moments before they were run here
(an independent run had seen 1.17); that it holds for running statistics, and for the interval, after a look at two runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clockless.papers import FigureData, Options
from clockless.papers.claims import Claim, no_failures
from clockless.papers.decoupled.settings import ADAM, BACKPROP, CDNI, learned, seeds, stack
from clockless.papers.decoupled.sources import FLOW
from clockless.papers.trends import largest_difference

if TYPE_CHECKING:
    import xarray

P = (0.1, 0.2, 0.5, 1.0)
METHODS = ("backprop", "cDNI")
LAYERS, SEEDS = 4, 6
UPDATES = (2, 5, 10, 20, 30, 50, 70, 100, 150, 200, 300, 500)  # values of step x p that are compared
SETTLED = 30  # passes after which running statistics hold 0.9^30 = 4 % of their first values
MARGIN = 0.08  # of log10 of a cost: a factor 1.2
STATED = "2026-11-22"


def figure_bridge(options: Options) -> FigureData:
    """Test cost and error against step x p and against step, for backprop and cDNI."""
    datasets = runs(options)
    claims = [claim for number, method in enumerate(METHODS) for claim in claims_of(datasets, number, method)]
    claims += [claim_of_own(datasets, number, method) for number, method in enumerate(METHODS)]
    return FigureData(datasets, claims)


def runs(options: Options) -> dict[str, xarray.Dataset]:
    """A dataset for each p: cost and error [rule, seed, step], for as many steps as give the same number of updates."""
    datasets = {}
    updates = [count for count in UPDATES if count <= 50] if options.tiny else list(UPDATES)
    for p in (0.2, 1.0) if options.tiny else P:
        steps = [round(count / p) for count in updates]
        data = learned(
            options, f"bridge, p = {p:g}", network=stack(3, 32) if options.tiny else stack(LAYERS),
            rule=[BACKPROP, CDNI], clock={"kind": "bernoulli", "p": p}, seeds=seeds(options, 3 if options.tiny else SEEDS),
            steps=steps[-1], medium={**ADAM, "renormalised": True}, record=sorted({*steps, *updates}),
        )  # fmt: skip
        name = f"figure-bridge_p-{p:g}"
        shown = data[["error", "cost", "own_cost", "failed"]].rename(error="test_error").assign_coords(rule=list(METHODS))
        datasets[name] = shown.assign_attrs(p=p, updates=updates)
        if options.keep:
            options.keep(name, datasets[name])
    return datasets


def log_costs(datasets: dict[str, xarray.Dataset], rule: int, per_update: bool, name: str = "cost") -> np.ndarray:
    """log10 of the test cost [p, seed, count] of method `rule`, at equal step x p or at equal steps."""
    found = []
    for data in datasets.values():
        updates = np.array(data.attrs["updates"])
        steps = np.rint(updates / data.attrs["p"]).astype(np.int64) if per_update else updates
        found.append(np.log10(data[name].isel(rule=rule).sel(step=steps).transpose("seed", "step").values))
    return np.array(found)


def claims_of(datasets: dict[str, xarray.Dataset], number: int, method: str) -> list[Claim]:
    """Does the collapse hold for a method, from the start and from SETTLED updates on?"""
    per_update, per_step = (log_costs(datasets, number, choice) for choice in (True, False))
    collapsed, ends = largest_difference(per_update)
    apart, _ = largest_difference(per_step)
    worst = np.ptp(per_update.mean(axis=1), axis=0)
    updates = np.array(next(iter(datasets.values())).attrs["updates"])
    late, late_ends = largest_difference(per_update[:, :, updates >= SETTLED])
    failed = sum(int(data.failed.isel(rule=number).sum()) for data in datasets.values())
    quantity = "spread of mean log10 test cost over p at equal step x p"
    return [
        Claim("bridge", f"{quantity} ({method})", 0.0, MARGIN, collapsed,
              "Curves fall together in step x p, as in desynchronous learning (doi 10.1063/5.0084631).",
              f"Largest at step x p = {updates[worst.argmax()]}, a factor {10**collapsed:.2f}; at {updates[-1]} a factor "
              f"{10 ** worst[-1]:.2f}. At equal steps it is a factor {10**apart:.1f}.", source=FLOW, criterion="within",
              ends=ends, level=0.9, stated=STATED),
        Claim("bridge", f"{quantity} from {SETTLED} on ({method})", 0.0, MARGIN, late,
              note=f"A factor {10**late:.2f}. Before, the running statistics of batch normalisation, which a test uses, "
              "are behind at large p: every forward pass renews a tenth of them, whether layers update or not.",
              source=FLOW, criterion="within", ends=late_ends, level=0.9, stated=STATED),
        no_failures("bridge", failed, f" ({method})"),
    ]  # fmt: skip


def claim_of_own(datasets: dict[str, xarray.Dataset], number: int, method: str) -> Claim:
    """Does the collapse hold from the start, once running statistics have no part in the cost?"""
    logs = log_costs(datasets, number, True, "own_cost")
    apart, ends = largest_difference(logs)
    updates = np.array(next(iter(datasets.values())).attrs["updates"])
    worst = np.ptp(logs.mean(axis=1), axis=0).argmax()
    return Claim(
        "bridge", f"spread of mean log10 test cost over p at equal step x p, test set's own statistics ({method})", 0.0,
        MARGIN, apart, "Curves fall together in step x p, as in desynchronous learning (doi 10.1063/5.0084631).",
        f"A factor {10**apart:.2f}, at step x p = {updates[worst]}.", source=FLOW, criterion="within", ends=ends,
        level=0.9, stated=STATED,
    )  # fmt: skip
