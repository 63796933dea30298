"""How well synthetic gradients point along the true ones while a stack learns: the cosine of the two at each boundary.

The true gradient is that of the loss by a module's output, at the parameters of that moment, over the next step's batch.
A linear interface without the label cannot know the part of the gradient that the label decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import stdtrit

from clockless.papers import FigureData, Options
from clockless.papers.claims import Claim
from clockless.papers.decoupled.errors import HIDDEN, results

if TYPE_CHECKING:
    import xarray

METHODS = ("cDNI", "DNI", HIDDEN, "cDNI, p = 0.2", "cDNI, p = 0.05")
EARLY = (20, 50, 100, 200)  # steps over which the mean is taken: before the errors of the training set vanish


def figure_alignment(options: Options) -> FigureData:
    """Cosine of synthetic and true gradient along training, of the deepest stack; the runs are those of the errors."""
    data = results(options)[["alignment"]].sel(variant=list(METHODS)).isel(layers=-1)
    return FigureData({"figure-alignment": data}, claims_of(data))


def early(data: xarray.Dataset, method: str) -> np.ndarray:
    """Mean cosine over the early steps and all boundaries [seed]."""
    return _over_early_steps(data, method).mean("boundary").values


def _over_early_steps(data: xarray.Dataset, method: str) -> xarray.DataArray:
    steps = [step for step in EARLY if step <= int(data.step[-1])]
    return data["alignment"].sel(variant=method, step=steps).mean("step")


def claims_of(data: xarray.Dataset) -> list[Claim]:
    """Claims are signs, 1 or 0: a descent direction, the label's part in it, and what is lost from boundary to boundary."""
    claims = []
    for method in METHODS:
        mean, half = _mean_and_half(early(data, method))
        claims.append(Claim(
            "alignment", f"{method}: synthetic gradients point downhill early on (cosine > 0)", 1, 0, int(mean - half > 0),
            note=f"Mean cosine {mean:.3f} ± {half:.3f} over steps {EARLY[0]} to {EARLY[-1]} and all boundaries.",
        ))  # fmt: skip
    gain, half = _mean_and_half(early(data, "cDNI") - early(data, "DNI"))
    claims.append(Claim(
        "alignment", "the label improves the alignment of a linear interface", 1, 0, int(gain - half > 0),
        "Conditioning on the label helps (arXiv 1608.05343).", f"Cosine of cDNI less that of DNI: {gain:.3f} ± {half:.3f}.",
    ))  # fmt: skip
    return [*claims, _claim_of_depth(data)]


def _claim_of_depth(data: xarray.Dataset) -> Claim:
    """An interface learns from the one after it, so what that one misses is missed before it, too."""
    cosines = _over_early_steps(data, "cDNI").transpose("boundary", "seed").values
    cosines = cosines[np.isfinite(cosines).all(axis=1)]
    gain, half = _mean_and_half(cosines[-1] - cosines[0])
    first, last = (f"{mean:.3f} ± {half:.3f}" for mean, half in map(_mean_and_half, cosines[[0, -1]]))
    return Claim(
        "alignment", "cDNI: the last boundary is better aligned than the first", 1, 0, int(gain - half > 0),
        note=f"Mean cosine {first} after the first layer, {last} before the last.",
    )  # fmt: skip


def _mean_and_half(values: np.ndarray) -> tuple[float, float]:
    """Mean over seeds and half-width of its 95 % interval (Student's t)."""
    half = stdtrit(values.size - 1, 0.975) * values.std(ddof=1) / np.sqrt(values.size)
    return float(values.mean()), float(half)
