"""Fig. c: irises on lattices of several sizes, beside layers and an all-to-all network.

Inputs and outputs stand in the middle of a row each: in the top and the bottom one, so that their distance grows with the
lattice, or in neighbouring rows amid the lattice, so that only its size grows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.experiments.experiment import Experiment
from clockless.papers import FigureData, Options
from clockless.papers.claims import Claim, Source
from clockless.papers.trends import equivalence, mean_interval
from clockless.papers.xy_lattices.digits import seeds, settled
from clockless.papers.xy_lattices.sources import ABSTRACT, EARLIER

if TYPE_CHECKING:
    import xarray

FEATURES, SPECIES, TESTED = 4, 3, 50
SIDES = (5, 7, 9)
FAR, NEAR = "rows at the edges", "rows amid"
BEFORE = {"layers 4-10-3": 94.0, "all-to-all 20": 91.1, f"{FAR}, 5": 71.7}  # %, our own prototype
OPTIMISERS = {"descent 0.1": ({"kind": "descent"}, 0.1), "Adam 0.03": ({"kind": "adam"}, 0.03)}
STEPS = 1000
_AVERAGED = 5  # checkpoints at the end


def lattice(side: int, far: bool) -> dict[str, Any]:
    """A square lattice with four inputs in one row and three outputs in another."""
    rows = (0, side - 1) if far else (side // 2 - 1, side // 2)
    inputs, outputs = (
        [row * side + (side - number) // 2 + k for k in range(number)]
        for row, number in zip(rows, (FEATURES, SPECIES), strict=True)
    )
    return {"kind": "square", "rows": side, "columns": side, "inputs": inputs, "outputs": outputs}


def networks(sides: tuple[int, ...]) -> dict[str, dict[str, Any]]:
    """Architectures by name."""
    first: dict[str, dict[str, Any]] = {
        "layers 4-10-3": {"kind": "dense", "sizes": [FEATURES, 10, SPECIES]},
        "all-to-all 20": {"kind": "all-to-all", "nodes": 20, "inputs": [0, 1, 2, 3], "outputs": [17, 18, 19]},
    }
    return {**first, **{f"{name}, {side}": lattice(side, name == FAR) for name in (FAR, NEAR) for side in sides}}


def figure_c(options: Options) -> FigureData:
    """Test accuracy after 1,000 full-batch steps over 10 splits of the irises, by plain descent and by Adam."""
    import xarray

    count, steps, sides = (3, 40, SIDES[:2]) if options.tiny else (10, STEPS, SIDES)
    named = networks(sides)
    runs = []
    for title, (optimiser, rate) in OPTIMISERS.items():
        experiment = Experiment(
            network=list(named.values()), medium={"kind": "xy", "residual": 1e-4, "test_residual": 1e-4},
            task={"kind": "iris", "seed": seeds(options, count)}, seeds=options.seed, batch="full", optimiser=optimiser,
            rule={"kind": "equilibrium-propagation", "nudge": 0.1, "rate": rate}, steps=steps,
            record=list(range(0, steps + 1, steps // 20)), title=f"Fig. c, {title}",
        )  # fmt: skip
        with options.showing(f"c, {title}") as update:
            runs.append(options.run(experiment, update))
    accuracy = np.array([100 * run.accuracy.transpose("network", "task", "step").values for run in runs])
    data = xarray.Dataset(
        {"accuracy": (("optimiser", "network", "split", "step"), accuracy)},
        {"optimiser": list(OPTIMISERS), "network": list(named), "step": runs[0].step.values},
    )
    data["before"] = "network", [BEFORE.get(name, np.nan) for name in named]
    data["final"] = data.accuracy.isel(step=slice(-_AVERAGED, None)).mean("step")
    return FigureData({"figure-c": data}, [*_claims(data), settled("c", *runs)])


def _claims(data: xarray.Dataset) -> list[Claim]:
    plain, adam = (data.final.sel(optimiser=title) for title in OPTIMISERS)
    claims = []
    for name, before in BEFORE.items():
        values, other = plain.sel(network=name).values, mean_interval(adam.sel(network=name).values)
        best = mean_interval(data.accuracy.sel(optimiser="descent 0.1", network=name).max("step").values)
        mean, half = equivalence(values)
        share = before / 100
        binomial = 1e4 * share * (1 - share) / TESTED
        claims.append(
            Claim("c", f"iris, {name}, plain descent, %", before, float(1.96 * np.sqrt(binomial)), mean, "",
                  f"Over {values.size} splits; best checkpoint {best[0]:.1f} ± {best[1]:.1f}, "
                  f"with Adam {other[0]:.1f} ± {other[1]:.1f}. Margin: binomial, of the samples behind the earlier number.",
                  source=EARLIER, criterion="within", half=half, level=0.9, stated="2026-11-22")
        )  # fmt: skip
    claims.append(
        _order(plain, "layers 4-10-3", f"{FAR}, 5", "Training lattices is harder than training dense networks.", ABSTRACT)
    )
    sides = [int(str(name).rsplit(", ", 1)[1]) for name in plain.network.values if str(name).startswith(FAR)]
    small, large = f"{FAR}, {sides[0]}", f"{FAR}, {sides[-1]}"
    claims.append(_order(plain, small, large, "Larger lattices are harder where the distance grows with them.", EARLIER))
    claims.append(_order(plain, f"{NEAR}, {sides[-1]}", large, "Distance decides, not size.", EARLIER))
    return claims


def _order(final: xarray.DataArray, better: str, worse: str, says: str, source: Source) -> Claim:
    """That the first is better, paired over splits."""
    difference, half = mean_interval((final.sel(network=better) - final.sel(network=worse)).values)
    return Claim("c", f"accuracy of {better} less that of {worse}, %", 0.0, 0.0, float(difference), says, source=source,
                 criterion="above", half=float(half))  # fmt: skip
