"""How well synthetic gradients point along the true ones while a stack learns: the cosine of the two at each boundary.

The true gradient is that of the loss by a module's output, at the parameters of that moment, over the next step's batch.
A linear interface without the label cannot know the part of the gradient that the label decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import stdtrit

from clockless.papers import FigureData, Options
from clockless.papers.claims import Claim, Source
from clockless.papers.decoupled.errors import HIDDEN, results
from clockless.papers.decoupled.sources import DESCENT, JADERBERG

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
    """A descent direction, the label's part in it, and what is lost from boundary to boundary."""
    when = f"mean over steps {EARLY[0]} to {EARLY[-1]} and all boundaries"
    claims = [
        _above(f"{method}: cosine of synthetic and true gradient, {when}", early(data, method), DESCENT)
        for method in METHODS
    ]
    gain = early(data, "cDNI") - early(data, "DNI")
    said = "Conditioning on the label helps."
    claims.append(_above(f"cosine of cDNI less that of linear DNI, {when}", gain, JADERBERG, said))
    return [*claims, _claim_of_depth(data)]


def _above(quantity: str, values: np.ndarray, source: Source, says: str = "", note: str = "") -> Claim:
    """That the mean over seeds is positive."""
    mean, half = _mean_and_half(values)
    return Claim("alignment", quantity, 0.0, 0.0, mean, says, note, source=source, criterion="above", half=half)


def _claim_of_depth(data: xarray.Dataset) -> Claim:
    """An interface learns from the one after it, so what that one misses is missed before it, too."""
    cosines = _over_early_steps(data, "cDNI").transpose("boundary", "seed").values
    cosines = cosines[np.isfinite(cosines).all(axis=1)]
    first, last = (f"{mean:.3f} ± {half:.3f}" for mean, half in map(_mean_and_half, cosines[[0, -1]]))
    return _above(
        "cDNI: cosine at the last boundary less that at the first", cosines[-1] - cosines[0], DESCENT,
        "What an interface misses is missed by all before it.", f"{first} after the first layer, {last} before the last.",
    )  # fmt: skip


def _mean_and_half(values: np.ndarray) -> tuple[float, float]:
    """Mean over seeds and half-width of its 95 % interval (Student's t)."""
    half = stdtrit(values.size - 1, 0.975) * values.std(ddof=1) / np.sqrt(values.size)
    return float(values.mean()), float(half)
