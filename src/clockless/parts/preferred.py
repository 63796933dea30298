"""Values that resistors are sold in: the E series of IEC 60063, and the nearest of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from clockless.errors import ParameterError, real_array, shown

_E24 = (
    1.0, 1.1, 1.2, 1.3, 1.5, 1.6, 1.8, 2.0, 2.2, 2.4, 2.7, 3.0, 3.3, 3.6, 3.9, 4.3, 4.7, 5.1, 5.6, 6.2, 6.8, 7.5, 8.2, 9.1,
)  # fmt: skip
SERIES = ("E3", "E6", "E12", "E24", "E48", "E96", "E192")


def decade(series: str) -> np.ndarray:
    """The values of a series from 1 to below 10.

    Up to E24 they are a table; from E48 on 10^(k/n) rounded to two decimals, with 9.20 in place of 9.19 (IEC 60063).

    Raises:
        ParameterError: there is no such series.
    """
    if series not in SERIES:
        raise ParameterError(f"series = {shown(series)}; give one of {', '.join(SERIES)}, a list of values, or a device.")
    count = int(series[1:])
    if count <= len(_E24):
        return np.array(_E24[:: len(_E24) // count])
    values = np.round(10 ** (np.arange(count) / count), 2)
    return np.where(values == 9.19, 9.2, values)


def nearest(values: np.ndarray, series: Any) -> np.ndarray:
    """For each positive value the one on sale whose ratio to it is nearest to 1.

    Args:
        values: such as ohms.
        series: name of an E series, or the values there are.

    Raises:
        ParameterError: there is no such series, or a list that holds no positive numbers.
    """
    wanted = np.asarray(values, dtype=np.float64)
    if isinstance(series, str):
        scale = 10.0 ** np.floor(np.log10(wanted))
        offered = np.append(decade(series), 10.0)
        ratio = (wanted / scale)[..., None] / offered
        mantissa = offered[np.argmin(np.abs(np.log(ratio)), axis=-1)]
        # By way of decimal digits, so that 4.7 x 10^3 is 4700 and not its neighbour.
        return np.array([float(f"{m:.2f}e{e:.0f}") for m, e in zip(mantissa.ravel(), np.log10(scale).ravel(), strict=True)])
    try:
        offered = real_array(series)
    except ValueError:
        offered = np.zeros(0)
    if offered.ndim != 1 or not offered.size or not ((offered > 0) & np.isfinite(offered)).all():
        raise ParameterError(f"series = {shown(series)}; give one of {', '.join(SERIES)}, or a list of positive numbers.")
    return np.asarray(offered[np.argmin(np.abs(np.log(wanted[..., None] / offered)), axis=-1)])
