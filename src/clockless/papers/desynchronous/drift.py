"""Why distances grow faster than rate^(1/2): the deviation from the synchronous run is a scatter and a drift.

Scatter is what differs between seeds, of first order in the rate (its variance ~ rate); the drift is common to all seeds, of
second order (~ rate), and shows first where the scatter is small, as with examples left out of tasks that have a solution.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clockless.papers.claims import Claim
from clockless.papers.desynchronous.sources import DIFFUSION

if TYPE_CHECKING:
    import xarray

STATED = "2026-11-22"
_DRIFT_RANGE = 0.15  # of its exponent, on top of the 95 % interval


def parts_of(deviations: np.ndarray) -> dict[str, np.ndarray]:
    """Mean squares [.., task] of the two parts of deviations [.., task, seed, edge]: what differs between seeds, and drift.

    `scatter` is the variance over seeds, summed over edges; `drift` the square of the mean deviation, from products of
    different seeds, so that scatter adds nothing to it on average (single values may be negative). One seed: NaN.
    """
    count = deviations.shape[-2]
    if count < 2:
        none = np.full(deviations.shape[:-2], np.nan)
        return {"scatter": none, "drift": none}
    squares = (deviations**2).sum(axis=(-2, -1)) / count
    mean = (deviations.mean(axis=-2) ** 2).sum(axis=-1)
    scatter = (squares - mean) * count / (count - 1)
    return {"scatter": scatter, "drift": mean - scatter / count}


def sizes_of(part: str, by_rate: list[xarray.Dataset]) -> np.ndarray:
    """Root of the mean square over p and tasks of a part of the deviations [family, rate]; NaN where that is negative."""
    squares = np.array([data[part].mean(["left_out", "task"]).values for data in by_rate]).T
    return np.sqrt(np.where(squares > 0, squares, np.nan))


def claims_of_parts(rates: tuple[float, ...], by_rate: list[xarray.Dataset], scatter_range: float) -> list[Claim]:
    """Deviations are a scatter ~ rate^(1/2), of first order, and a drift ~ rate, of second order.

    Stated before it was run: exponents up to a rate of 0.03, of root mean squares over p and tasks, with tolerances of
    `scatter_range` and _DRIFT_RANGE on top of 95 % intervals (bootstrap over tasks).
    """
    small = [k for k, rate in enumerate(rates) if rate <= 0.03]
    if len(small) < 3:
        return []
    claims = []
    for part, expected, wide in (("scatter", 0.5, scatter_range), ("drift", 1.0, _DRIFT_RANGE)):
        for family in by_rate[0].family.values if part == "scatter" else ("examples",):
            squares = np.array([by_rate[k][part].sel(family=family).mean("left_out").values for k in small])  # [rate, task]
            slope, error = exponent_of_squares(np.array([rates[k] for k in small]), squares)
            local = local_exponents(rates, sizes_of(part, by_rate)[by_rate[0].family.values.tolist().index(family)])
            found = ", ".join(f"{each:.2f}" for each in local)
            says = "First order in the rate." if part == "scatter" else "Second order in the rate."
            claims.append(
                Claim("2c", f"exponent of the {part} in the rate, up to 0.03, {family}", expected,
                      wide + 1.96 * error, slope, says, f"Local exponents between neighbouring rates: {found}.",
                      source=DIFFUSION, half=1.96 * error, stated=STATED)
            )  # fmt: skip
    return claims


def local_exponents(rates: tuple[float, ...], sizes: np.ndarray) -> np.ndarray:
    """Slopes of log size [rate] between neighbouring rates."""
    slopes: np.ndarray = np.diff(np.log(sizes)) / np.diff(np.log(rates))
    return slopes


def exponent_of_squares(rates: np.ndarray, squares: np.ndarray) -> tuple[float, float]:
    """Slope of the log of the root mean square over tasks [rate, task] against log rate, and its bootstrap error."""

    def slope(values: np.ndarray) -> float:
        with np.errstate(invalid="ignore"):
            return float(np.polyfit(np.log(rates), 0.5 * np.log(values.mean(axis=1)), 1)[0])

    drawn = np.random.default_rng(0).integers(squares.shape[1], size=(1000, squares.shape[1]))
    again = np.array([slope(squares[:, chosen]) for chosen in drawn])
    return slope(squares), float(np.nanstd(again, ddof=1))
