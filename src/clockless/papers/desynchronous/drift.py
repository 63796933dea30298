"""Why distances grow faster than rate^(1/2): the deviation from the synchronous run is a scatter and a drift.

Scatter is what differs between seeds, of first order in the rate (its variance ~ rate); the drift is common to all seeds, of
second order (~ rate), and shows first where the scatter is small, as with examples left out of tasks that have a solution.
So it is measured there: b = 1/2, 16 seeds, medians over tasks, rates of 0.01 to 0.1.

Stated on 2026-11-22: exponents of 1/2 and 1, with 90 % intervals (bootstrap over tasks) within the margins of ORDERS, which
were chosen after a look at master seeds 0 and 7 by what they exclude: 1/3 and 1 for the scatter, for the drift whatever is
nearer to first order than to second. A first form of these rows, of two seeds and means over tasks at rates of 0.003 to
0.03, could not see the drift: its square was below 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clockless.papers.claims import Claim
from clockless.papers.desynchronous.sources import DIFFUSION

if TYPE_CHECKING:
    import xarray

STATED = "2026-11-22"
ORDERS = {"scatter": (0.5, 0.1), "drift": (1.0, 0.25)}  # exponents of theory, and margins


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


def table_of_parts(rates: tuple[float, ...], by_rate: list[xarray.Dataset]) -> xarray.Dataset:
    """Mean squares of scatter and drift [rate, task] where examples are left out."""
    import xarray

    return xarray.Dataset(
        {
            name: (
                ("rate", "task"),
                np.array([data[name].sel(family="examples").mean("left_out").values for data in by_rate]),
            )
            for name in ORDERS
        },
        {"rate": list(rates)},
    )


def size_of_part(squares: np.ndarray) -> np.ndarray:
    """Root of the median over the last axis, the tasks; NaN where that is negative."""
    middle = np.median(squares, axis=-1)
    size: np.ndarray = np.sqrt(np.where(middle > 0, middle, np.nan))
    return size


def claims_of_parts(parts: xarray.Dataset) -> list[Claim]:
    """Scatter ~ rate^(1/2), and a drift ~ rate; see the module's docstring."""
    if parts.sizes["rate"] < 3:
        return []
    claims, x = [], np.log(parts.rate.values)
    for part, (expected, margin) in ORDERS.items():
        squares = parts[part].transpose("rate", "task").values
        slope, ends = exponent_of_squares(x, squares)
        local = np.diff(np.log(size_of_part(squares))) / np.diff(x)
        sizes = ", ".join(f"{size:.1e}" for size in size_of_part(squares))
        quantity = f"exponent of the {part} in the rate, {parts.rate.values[0]:g} to {parts.rate.values[-1]:g}, examples"
        note = f"Local exponents: {', '.join(f'{each:.2f}' for each in local)}; sizes {sizes} ohm."
        says = f"{'First' if part == 'scatter' else 'Second'} order in the rate."
        claims.append(
            Claim("2c", quantity, expected, margin, slope, says, note, source=DIFFUSION, criterion="within", ends=ends,
                  level=0.9, stated=STATED)
        )  # fmt: skip
    return claims


def exponent_of_squares(x: np.ndarray, squares: np.ndarray) -> tuple[float, tuple[float, float]]:
    """Slope of the log size of `squares` [rate, task] against x, and the ends of its 90 % bootstrap interval over tasks.

    Infinite ends where a part cannot be told from none: where its size has no root in more than one of twenty draws.
    """

    def slope(values: np.ndarray) -> float:
        sizes = size_of_part(values)
        return float(np.polyfit(x, np.log(sizes), 1)[0]) if np.isfinite(sizes).all() else float("nan")

    drawn = np.random.default_rng(0).integers(squares.shape[1], size=(1000, squares.shape[1]))
    again = np.array([slope(squares[:, chosen]) for chosen in drawn])
    known = again[np.isfinite(again)]
    if known.size < 0.95 * again.size:
        return slope(squares), (-np.inf, np.inf)
    low, high = np.quantile(known, [0.05, 0.95])
    return slope(squares), (float(low), float(high))
