"""Fig. a: 8 x 8 digits with the authors' split, one hidden layer against all-to-all with as many parameters; and MNIST.

NOTE: an all-to-all network of N sites has N (N - 1) / 2 couplings, of which the 2,016 between the 64 held inputs do nothing.
Without them N = 85, 139, 185, 222 have 1,554, 7,575, 15,004, 22,515 couplings, against 1,480, 7,400, 14,800, 22,200 of the
layers: this is how the numbers of parameters are equal in arXiv 2402.08579.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.experiments.experiment import Experiment
from clockless.papers import FigureData, Options
from clockless.papers.claims import Claim
from clockless.papers.trends import equivalence, mean_interval
from clockless.papers.xy_lattices.sources import PREDECESSOR, SETTLED

if TYPE_CHECKING:
    import xarray

INPUTS, OUTPUTS, TESTED = 64, 10, 700
HIDDEN = (20, 100, 200, 300)
SITES = (85, 139, 185, 222)  # of all-to-all networks
PAPER = {"layers": (91.7, 93.0, 95.0, 93.9), "all-to-all": (93.3, 92.7, 92.4, 92.9)}  # %, best checkpoint
# Percent points by which a published number, a single run's, may differ from a mean over seeds: 14 of the 700 digits, 1.96
# times the root of 0.96^2, binomial at 93 %, and of 0.38^2, the scatter of the four published all-to-all numbers, which show
# no trend. All of it is the paper's own; stated after a look at master seed 0.
SINGLE = 2.0
STATED = "2026-11-22"
STEPS, EVERY, BATCH = 1000, 20, 300
RULE = {"kind": "equilibrium-propagation", "nudge": 0.1, "rate": 0.1}
RESIDUAL = 1e-3  # the authors' stop at some 0.05 to 0.1; results at 1e-4 differ within their spread


def layers(hidden: int) -> dict[str, Any]:
    """64 inputs, one hidden layer, 10 outputs."""
    return {"kind": "dense", "sizes": [INPUTS, hidden, OUTPUTS]}


def all_to_all(sites: int) -> dict[str, Any]:
    """Every site joined to every other one; the first 64 hold the inputs, the last 10 show the outputs."""
    outputs = list(range(sites - OUTPUTS, sites))
    return {"kind": "all-to-all", "nodes": sites, "inputs": list(range(INPUTS)), "outputs": outputs}


def seeds(options: Options, count: int) -> list[int]:
    """Seeds that no other master seed shares: 0..4 for master seed 0, 5..9 for master seed 1, and so on."""
    return [options.seed * count + k for k in range(count)]


def figure_a(options: Options) -> FigureData:
    """Test accuracy of layers and all-to-all networks of four sizes, at the best, the last and an honest checkpoint."""
    count, steps, sizes = (2, 100, 1) if options.tiny else (5, STEPS, len(HIDDEN))
    networks = [*map(layers, HIDDEN[:sizes]), *map(all_to_all, SITES[:sizes])]
    experiment = Experiment(
        network=networks, medium={"kind": "xy", "residual": RESIDUAL, "test_residual": RESIDUAL}, task={"kind": "digits"},
        rule=RULE, batch=BATCH, seeds=seeds(options, count), steps=steps, record=list(range(0, steps + 1, EVERY)),
        title="Fig. a, digits",
    )  # fmt: skip
    with options.showing("a, digits") as update:
        run = options.run(experiment, update)
    data = checkpoints(run, list(PAPER), sizes)
    data = data.assign(paper=(("family", "size"), np.array([PAPER[family][:sizes] for family in PAPER])))
    data = data.assign_coords(couplings=(("family", "size"), [acting(networks[:sizes]), acting(networks[sizes:])]))
    return FigureData({"figure-a": data}, [*_claims(data), settled("a", run)])


def acting(networks: list[dict[str, Any]]) -> list[int]:
    """Couplings that do not join two held inputs."""
    from clockless.experiments.descriptions import built

    built_ones = [built("network", network) for network in networks]
    return [int((~np.isin(one.network.edges, one.inputs).all(axis=1)).sum()) for one in built_ones]


def checkpoints(run: xarray.Dataset, families: list[str], sizes: int) -> xarray.Dataset:
    """Accuracies in %: at all checkpoints, the best of them, the last, and that of the lowest cost on training samples.

    The best checkpoint is chosen on the test set and so flatters; the other two are honest.
    """
    import xarray

    shape = (len(families), sizes, run.sizes["seed"], run.sizes["step"])
    accuracy, cost = (
        run[name].transpose("network", "seed", "step").values.reshape(shape) for name in ("accuracy", "train_cost")
    )
    lowest = np.nanargmin(np.where(np.isfinite(cost), cost, np.inf), axis=-1)
    dims = ("family", "size", "seed")
    return xarray.Dataset(
        {
            "accuracy": ((*dims, "step"), 100 * accuracy),
            "best": (dims, 100 * accuracy.max(axis=-1)),
            "last": (dims, 100 * accuracy[..., -1]),
            "by_train_cost": (dims, 100 * np.take_along_axis(accuracy, lowest[..., None], axis=-1)[..., 0]),
        },
        {"family": families, "seed": run.seed.values, "step": run.step.values},
    )


def _claims(data: xarray.Dataset) -> list[Claim]:
    claims = []
    for family, names in (("layers", [f"64-{n}-10" for n in HIDDEN]), ("all-to-all", [f"all-to-all {n}" for n in SITES])):
        for k in range(data.sizes["size"]):
            one = data.sel(family=family).isel(size=k)
            said = " ".join(
                f"{label} {mean:.1f} ± {half:.1f} %{end}"
                for label, name, end in (
                    ("Last step", "last", ","),
                    ("checkpoint of lowest train cost", "by_train_cost", "."),
                )
                for mean, half in [mean_interval(one[name].values)]
            )
            best, half = equivalence(one.best.values)
            claims.append(
                Claim("a", f"best checkpoint, {names[k]}, mean over seeds, %", float(one.paper), SINGLE, best,
                      "Best checkpoint of one run, which was chosen on the test set.",
                      f"{said} Means and 95 % intervals over {data.sizes['seed']} seeds.", source=PREDECESSOR,
                      criterion="within", half=half, level=0.9, stated=STATED)
            )  # fmt: skip
    if data.sizes["size"] == len(HIDDEN):
        claims.append(_layers_against_all_to_all(data))
    return claims


def _layers_against_all_to_all(data: xarray.Dataset) -> Claim:
    """Best accuracy of layers less all-to-all of as many parameters, mean over the three larger sizes."""
    paper, best = (data[name].diff("family").isel(family=0) * -1 for name in ("paper", "best"))
    expected = paper.isel(size=slice(1, None))
    ours = best.isel(size=slice(1, None)).mean("size").values
    mean, half = mean_interval(ours)
    last = data["last"].isel(size=slice(1, None)).mean("size")
    honest, honest_half = mean_interval((last.sel(family="layers") - last.sel(family="all-to-all")).values)
    return Claim(
        "a", "layers less all-to-all, best checkpoint, mean of the three larger sizes, %", 0.0, 0.0, float(mean),
        "Large layered networks do better than all-to-all ones of equal size.",
        f"{float(expected.mean()):.1f} in the paper. At the last step {honest:.1f} ± {honest_half:.1f} %.",
        source=PREDECESSOR, criterion="above", half=float(half), stated=STATED,
    )  # fmt: skip


def settled(figure: str, *runs: xarray.Dataset) -> Claim:
    """Share of samples that did not settle within the sweeps' limit."""
    share = max(float(run.unsettled.max()) for run in runs)
    quantity = "largest share of samples whose relaxation did not reach the stated residual"
    return Claim(figure, quantity, 0.0, 1e-3, share, source=SETTLED, tiny=True)
