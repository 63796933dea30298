"""A law from measurements: a table of I(v), interpolated so that it rises where the table rises."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from clockless.errors import ParameterError, real_array, shown
from clockless.media.circuits.law import Law
from clockless.numerics.functions import entry, interval, jitable, larger, smaller
from clockless.parts.part import part


@part
class Table(Law):
    """Measured currents of a device, times theta: I = theta I(v), v = va - vb; theta is how many stand side by side.

    Between the rows PCHIP (Fritsch and Carlson 1980, doi 10.1137/0717021): the current is smooth, and never falls between
    rows that rise. Beyond the table it goes on straight with its last slope.

    Args:
        voltages: volts, each above the last.
        currents: amperes, none below the last.
    """

    voltages: Table  # rows of numbers: `parts.part.Table`, whose name this class shares
    currents: Table
    cornered = insulates = True
    parameter, measure = "number of devices", "1"
    low, high, initial = 0.01, 100.0, 1.0

    def __post_init__(self) -> None:
        rows = {name: _row(name, getattr(self, name)) for name in ("voltages", "currents")}
        if len(rows["voltages"]) != len(rows["currents"]):
            raise ParameterError(
                f"Table got {len(rows['voltages'])} voltages and {len(rows['currents'])} currents; give one for each."
            )
        _check_rising(rows, [f"row {k}" for k in range(len(rows["voltages"]))])
        for name, row in rows.items():
            object.__setattr__(self, name, row)

    @classmethod
    def from_csv(cls, path: str | Path) -> Table:
        """The table in the first two columns of a CSV file, volts and amperes; a first line of words is skipped.

        Raises:
            ParameterError: the file cannot be read, a line is no two numbers, or the table folds back.
        """
        try:
            lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not text in UTF-8"
            raise ParameterError(f"cannot read the table {shown(str(path))}: {reason}.") from None
        rows: list[tuple[float, float]] = []
        places = []
        for number, line in enumerate(lines, 1):
            cells = line.replace(";", ",").split(",")
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            try:
                rows.append((float(cells[0]), float(cells[1])))
                places.append(f"line {number} of {shown(str(path))}")
            except (ValueError, IndexError):
                if rows or number > 1:
                    raise ParameterError(
                        f"line {number} of {shown(str(path))} is {shown(line)}; give volts, a comma and amperes."
                    ) from None
        columns = {"voltages": tuple(v for v, _ in rows), "currents": tuple(i for _, i in rows)}
        _check_rising(columns, places)
        return cls(**columns)  # type: ignore[arg-type]

    @classmethod
    def tables(cls) -> tuple[str, ...]:
        """Slopes and areas are derived from the table."""
        return "voltages", "currents", "slopes", "areas"

    @cached_property
    def _curve(self) -> Any:
        from scipy.interpolate import PchipInterpolator

        return PchipInterpolator(self.voltages, self.currents)

    @cached_property
    def slopes(self) -> tuple[float, ...]:
        """dI/dv at every row, siemens."""
        return tuple(self._curve.derivative()(self.voltages).tolist())

    @cached_property
    def areas(self) -> tuple[float, ...]:
        """Integral of I from the first row to every row, watts."""
        return tuple(self._curve.antiderivative()(self.voltages).tolist())

    def carries(self, va: Any, vb: Any, theta: Any) -> Any:
        """I, dI/dva, dI/dvb."""
        current, slope, _ = along(self, va - vb)
        return theta * current, theta * slope, -theta * slope

    def steers(self, va: Any, vb: Any, theta: Any) -> Any:
        """dI/dtheta = I(v) of one device."""
        return along(self, va - vb)[0]

    def contrasts(self, free: Any, pushed: Any, theta: Any) -> Any:
        """Integral of I(v) of one device from the free to the pushed drop."""
        return along(self, pushed)[2] - along(self, free)[2]

    def cocontent(self, drop: Any, theta: Any) -> Any:
        """W = theta times the integral of I(v) from 0."""
        return theta * (along(self, drop)[2] - along(self, 0.0 * drop)[2])


@jitable
def along(table: Any, v: Any) -> Any:
    """Current, slope and integral from the first row of a table at v: cubic Hermite inside, straight outside."""
    k = interval(table.voltages, v)
    left, right = entry(table.voltages, k), entry(table.voltages, k + 1)
    y, z = entry(table.currents, k), entry(table.currents, k + 1)
    width = right - left
    m, n = width * entry(table.slopes, k), width * entry(table.slopes, k + 1)
    t = smaller(larger((v - left) / width, 0.0), 1.0)
    outside = v - (left + width * t)
    # I = y + t (m + t (a + t b)): Hermite's cubic by its values y, z and slopes m, n at t = 0 and 1.
    a, b = 3.0 * (z - y) - 2.0 * m - n, m + n - 2.0 * (z - y)
    current, slope = y + t * (m + t * (a + t * b)), (m + t * (2.0 * a + 3.0 * b * t)) / width
    area = entry(table.areas, k) + width * t * (y + t * (m / 2.0 + t * (a / 3.0 + t * b / 4.0)))
    return current + slope * outside, slope, area + outside * (current + 0.5 * slope * outside)


def _check_rising(rows: dict[str, tuple[float, ...]], places: list[str]) -> None:
    """Raise if voltages do not rise, or currents fall; `places` says where every row stands."""
    for (name, row), unit in zip(rows.items(), "VA", strict=True):
        steps = np.diff(row)
        back = np.flatnonzero(steps <= 0 if name == "voltages" else steps < 0)
        if back.size:
            k = int(back[0])
            raise ParameterError(
                f"the table of I(v) folds back at {places[k + 1]}: {name} go from {row[k]:g} to {row[k + 1]:g} {unit}; give "
                "one sweep, sorted, averaged where it was measured twice."
            )


def _row(name: str, given: Any) -> tuple[float, ...]:
    try:
        row = real_array(given)
    except ValueError:
        row = np.array(None)
    if row.ndim != 1 or row.size < 2 or not np.isfinite(row).all():
        raise ParameterError(f"Table got {name} = {shown(given)}; give two or more finite numbers.")
    return tuple(row.tolist())
