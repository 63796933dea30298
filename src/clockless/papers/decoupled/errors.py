"""Test errors of stacks of 3 to 6 layers by the method that trains them, all by the same code.

The expected values are of an earlier, independent implementation of ours in the same setting (digits, width 256, batch 64,
Adam 1e-3, 2,000 steps), each a mean over three seeds of its own, given in percent with one decimal. They are
drawn, but are no rows: three seeds and a test set of 450 examples tell errors of 1.3 to 8.2 % apart by 3 to 7 points only,
so that hardly anything could have failed. What they say of the order of methods is a row.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.papers import FigureData, Options
from clockless.papers.claims import Claim, no_failures
from clockless.papers.decoupled.settings import BACKPROP, CDNI, CURVE, WIDTH, learned, seeds, stack
from clockless.papers.decoupled.sources import BISONG, EARLIER
from clockless.papers.trends import equivalence, log_ratio

if TYPE_CHECKING:
    import xarray

LAYERS = (3, 4, 5, 6)
SEEDS = 5
MNIST_LAYERS, MNIST_SEEDS = (3, 6), 3
EXPECTED = {  # test error, percent, of LAYERS
    "no-backprop": (2.3, 3.4, 5.0, 7.4),
    "backprop": (1.6, 1.3, 1.9, 1.3),
    "DNI": (2.8, 2.4, 4.0, 6.2),
    "cDNI": (1.9, 1.5, 1.4, 1.6),
    "cDNI, p = 0.2": (1.6, 1.8, 2.1, 1.9),
    "cDNI, p = 0.05": (3.0, 3.0, 5.0, 8.2),
}
_HALF = 0.5 / 450  # added to errors whose logarithms are compared, as a count may be zero
HIDDEN = "DNI, hidden layer"
RULES: dict[str, dict[str, Any]] = {
    "no-backprop": {"kind": "no-backprop"},
    "backprop": BACKPROP,
    "DNI": {"kind": "dni", "conditioned": False},
    "cDNI": CDNI,
    HIDDEN: {"kind": "dni", "conditioned": False, "hidden": [256]},
}
P = (0.2, 0.05)
# What the other table shows beyond doubt at its greatest depth: the second is worse than the first.
ORDER = (("cDNI", "no-backprop"), ("cDNI", "DNI"), ("cDNI, p = 0.2", "cDNI, p = 0.05"), ("DNI", "no-backprop"))
MARGIN = 0.4  # percent points: what we call comparable, a fifth of the error of backprop


def results(options: Options, mnist: Path | None = None) -> xarray.Dataset:
    """Error, cost and alignment [variant, layers, seed, step, ..] of all methods, on digits or on MNIST."""
    import xarray

    steps = 200 if options.tiny else CURVE[-1]
    fields: dict[str, Any] = {
        "network": stack([3] if options.tiny else list(MNIST_LAYERS if mnist else LAYERS), 32 if options.tiny else WIDTH),
        "seeds": seeds(options, 2 if options.tiny else MNIST_SEEDS if mnist else SEEDS),
        "steps": steps,
        "record": [step for step in CURVE if step <= steps],
    }
    if mnist:
        fields["task"] = {"kind": "mnist-labels", "folder": str(mnist.resolve())}
    name = "MNIST errors" if mnist else "errors"
    every = learned(options, f"{name}, all layers in every step", rule=list(RULES.values()), **fields)
    chance = {"kind": "bernoulli", "p": list(P)}
    some = learned(options, f"{name}, layers by chance", rule=CDNI, clock=chance, **fields)
    kept = ["error", "cost", "updates", "alignment", "failed"]
    parts = [every[kept].drop_vars("p").rename(rule="variant").assign_coords(variant=list(RULES))]
    parts += [some[kept].rename(p="variant").assign_coords(variant=[f"cDNI, p = {p:g}" for p in P])]
    data = xarray.concat(parts, "variant").sel(variant=[*EXPECTED, HIDDEN])
    return data.transpose("variant", "layers", "seed", "step", ...)


def figure_errors(options: Options) -> FigureData:
    """Final test error against the number of layers, and test error along training."""
    shown = ["error", "cost", "failed"]
    data = results(options)
    compared = data[shown].assign(expected=(("variant", "layers"), _expected(data)))
    datasets = {"figure-errors": compared.rename(error="test_error")}
    claims = [*_ordered(data), *_comparable(data, "digits")]
    if "mnist" in options.data:
        images = results(options, options.data["mnist"])
        datasets["figure-errors_mnist"] = images[shown].rename(error="test_error")
        claims += _comparable(images, "MNIST")
    return FigureData(datasets, claims)


def _expected(data: xarray.Dataset) -> np.ndarray:
    """The other implementation's errors, percent [variant, layers]; NaN where there is none under the same name."""
    places = [LAYERS.index(layers) for layers in data.layers.values.tolist()]
    none = (np.nan,) * len(LAYERS)
    return np.array([[EXPECTED.get(name, none)[k] for k in places] for name in data.variant.values.tolist()])


def _ordered(data: xarray.Dataset) -> list[Claim]:
    """Which method is better, paired by seed on the same test set, and which gets worse with depth."""
    deepest, shallowest = ((data.error.isel(step=-1, layers=end) + _HALF) for end in (-1, 0))
    claims = []
    for better, worse in ORDER:
        mean, half = log_ratio(deepest.sel(variant=better).values, deepest.sel(variant=worse).values)
        quantity = f"log10 of the error of {worse} over that of {better}, {int(deepest.layers)} layers"
        claims.append(Claim("errors", quantity, 0.0, 0.0, mean, source=EARLIER, criterion="above", half=half))
    mean, half = log_ratio(shallowest.sel(variant="no-backprop").values, deepest.sel(variant="no-backprop").values)
    quantity = f"log10 of the error with {int(deepest.layers)} layers over that with {int(shallowest.layers)}, no-backprop"
    return [*claims, Claim("errors", quantity, 0.0, 0.0, mean, source=EARLIER, criterion="above", half=half)]


def _comparable(data: xarray.Dataset, task: str) -> list[Claim]:
    """Bisong's abstract: accuracy comparable to backprop; here cDNI's, equal within MARGIN over all depths together.

    A single depth has too few seeds for an interval within the margin; what each has found stands in the note.
    """
    final = 100 * data.error.isel(step=-1)
    difference = final.sel(variant="cDNI") - final.sel(variant="backprop")
    mean, half = equivalence(difference.mean("layers").values)
    each = ", ".join(
        f"{middle:+.2f} ± {wide:.2f} ({layers})"
        for layers in data.layers.values.tolist()
        for middle, wide in [equivalence(difference.sel(layers=layers).values)]
    )
    least, most = data.layers.values.min(), data.layers.values.max()
    return [
        Claim(
            "errors",
            f"test error of cDNI less that of backprop, percent points, {task}, mean over {least} to {most} layers", 0.0,
            MARGIN, mean, "Accuracy comparable to backprop.",
            f"Comparable means a 90 % interval over seeds within {MARGIN:g} points. By layers: {each}.", source=BISONG,
            criterion="within", half=half, level=0.9,
        ),
        no_failures("errors", int(data.failed.sum()), f", {task}"),
    ]  # fmt: skip
