"""Learning curves with their intervals."""

from __future__ import annotations

import re
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.errors import ParameterError, is_one_of, real_array, shown
from clockless.pictures.style import COLUMN, in_house_style, ordered_line, subplots

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

AVERAGED = ("task", "initial", "seed")  # dimensions of a run over which curves are averaged; every other one makes lines
_LEGEND_SIZE = 6  # points
_LABEL = 34  # letters of a line of a label that fit the height
_INSIDE = 6, 40  # lines, and letters of a label, for which the legend has room inside the axes


def mean_and_interval(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean over the first axis and the half-width of its 95 % interval (1.96 standard errors); NaN are left out."""
    import warnings

    values = _checked_values(values)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # columns without any number stay NaN
        count = np.sum(np.isfinite(values), axis=0)
        spread = np.nanstd(values, axis=0, ddof=1) if len(values) > 1 else np.zeros(values.shape[1:])
        return np.nanmean(values, axis=0), 1.96 * spread / np.sqrt(np.maximum(count, 1))


def _checked_values(values: Any) -> np.ndarray:
    try:
        table = real_array(values)
    except ValueError:
        table = np.array(np.nan)
    if table.ndim == 0 or len(table) == 0:
        raise ParameterError(f"values = {shown(values)}; give numbers, whose mean over the first axis is taken.")
    return table


@in_house_style
def error_figure(data: xarray.Dataset, against: str = "step x p") -> Figure:
    """Scaled test error, a line per combination of rule, clock, device and batch: of all dimensions but AVERAGED.

    Lines are means over tasks, initial values and seeds, with the 95 % interval of the mean as a band (see `draw_curve`).
    In "step x p", p is the mean of actions / steps where updates were counted, else the clock's own rate.

    Raises:
        ParameterError: `against` is neither "step x p" nor "step", p is not known, or only step 0 was recorded.
    """
    return _curves(data, against, "")


@in_house_style
def study_figure(data: xarray.Dataset, against: str | None = None) -> Figure:
    """What the medium of a study is looked at by: the test error, and beside it what else was recorded of that kind.

    Where there are classes, the accuracy; in continuous time, how long edges wait between two events; else the error alone.
    Curves go over updates per unit where p is known and steps where it is not. Errors as those of `error_figure`.
    """
    if against is None:
        counted = "actions" in data and bool(np.isfinite(data["actions"].values).any())
        known = counted or ("p" in data.coords and bool(np.isfinite(data["p"].values).all()))
        against = "step x p" if known else "step"
    beside = ""
    if "accuracy" in data and bool(np.isfinite(data["accuracy"].values).any()):
        beside = "accuracy"
    elif "intervals" in data and float(data["intervals"].sum()) > 0:
        beside = "intervals"
    return _curves(data, against, beside)


def _curves(data: xarray.Dataset, against: str, beside: str) -> Figure:
    """The figure of errors, and of another variable in a second panel, whose lines are the same."""
    if not is_one_of(against, ("step x p", "step")):
        raise ParameterError(f"against = {shown(against)}; curves are drawn against 'step x p' or 'step'.")
    if not hasattr(data, "data_vars") or "error" not in data or "step" not in data.coords:
        raise ParameterError(f"data = {shown(data)}; give the results of a run, run.data.")
    if not (data.step.values > 0).any():
        raise ParameterError("only step 0 was recorded; nothing can be drawn on a logarithmic axis; record more steps.")
    if against == "step x p" and "p" not in data.coords:
        raise ParameterError("what fraction p of the units acts in a step is not known here; draw against 'step'.")
    error = data.error
    lines = [str(dim) for dim in error.dims if dim not in (*AVERAGED, "step")]
    places = list(np.ndindex(*(error.sizes[dim] for dim in lines)))
    names = [", ".join(str(error[dim].values[at]) for dim, at in zip(lines, place, strict=True)) for place in places]
    title, labels = _legend(lines, names)
    longest = max(map(len, labels))
    outside = len(places) > _INSIDE[0] or longest > _INSIDE[1]
    # Half a letter's height is about its width; 0.5 in for the sample of the line and the margins.
    width = COLUMN + (0.5 + 0.55 * _LEGEND_SIZE / 72 * longest if outside else 0.0)
    figure, panels = subplots(1, 2 if beside else 1, (width + (COLUMN if beside else 0.0), 0.75 * COLUMN))
    axes, other = panels if beside else (panels, panels)
    for index, (place, label) in enumerate(zip(places, labels, strict=True)):
        at = dict(zip(lines, place, strict=True))
        one = error.isel(at)
        p = _updates_per_step(data, one, at) if against == "step x p" else 1.0
        values = one.transpose(..., "step").values.reshape(-1, one.sizes["step"])
        values = values[~np.isnan(values[:, 0])]  # of a store that is not complete
        if not len(values):
            continue
        style = {**ordered_line(index, len(places)), "label": label}
        draw_curve(axes, data.step.values * p, values, style)
        if beside:
            _draw_beside(other, beside, data[beside].isel(at), data.step.values * p, style)
    label = "\n".join(wrap(_short(error.attrs.get("long_name", "")), _LABEL))
    axes.set(xscale="log", yscale="log", ylabel=label)
    _plain_ticks(axes)
    unit = data.attrs.get("unit", "unit")
    along = f"step × p (mean updates per {unit})" if against == "step x p" else "step"
    axes.set_xlabel(along)
    if beside:
        _label_beside(other, beside, along)
    if lines:
        options: dict[str, Any] = {"title": title, "fontsize": _LEGEND_SIZE, "title_fontsize": _LEGEND_SIZE}
        _ = figure.legend(loc="outside right upper", **options) if outside else axes.legend(loc="lower left", **options)
    return figure


def _draw_beside(axes: Axes, name: str, found: xarray.DataArray, x: np.ndarray, style: dict[str, Any]) -> None:
    if name == "accuracy":
        values = found.transpose(..., "step").values.reshape(-1, found.sizes["step"])
        draw_curve(axes, x, 100 * values[~np.isnan(values[:, 0])], style)
        return
    counts = found.transpose(..., "interval").values.reshape(-1, found.sizes["interval"]).astype(float)
    counts, seconds = np.nansum(counts, axis=0), found["interval"].values
    seen = counts > 0
    axes.plot(seconds[seen], 100 * counts[seen] / counts.sum(), **style)


def _label_beside(axes: Axes, name: str, along: str) -> None:
    if name == "accuracy":
        axes.set(xscale="log", xlabel=along, ylabel="part of the test set told apart (%)")
    else:
        axes.set(xscale="log", yscale="log", xlabel="interval between events of an edge (s)", ylabel="part of intervals (%)")


def _plain_ticks(axes: Axes) -> None:
    """Plain numbers on a logarithmic axis of errors that spans less than a factor of 10, where powers of 10 say little."""
    from matplotlib.ticker import MaxNLocator, NullLocator, StrMethodFormatter

    low, high = axes.get_ylim()
    if low > 0 and high < 10 * low:
        axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.yaxis.set_minor_locator(NullLocator())


def _short(long_name: str) -> str:
    """What the axis of errors is called."""
    scaled = long_name.startswith("test error / its value at step 0")
    return "test error / initial test error" if scaled else long_name or "test error"


def _updates_per_step(data: xarray.Dataset, error: xarray.DataArray, at: dict[str, int]) -> float:
    """Mean updates per unit and step: as counted where they were, else as the clock says; 1 where nobody says."""
    steps = data["actions"].attrs.get("steps", 0) if "actions" in data else 0
    if steps:
        counted = data["actions"].isel(at).values
        counted = counted[np.isfinite(counted)]  # edges that a smaller network lacks, replicas that are not done
        if counted.size:
            return float(counted.mean()) / steps
    p = float(error.coords["p"]) if "p" in error.coords else 1.0
    if np.isnan(p):
        raise ParameterError("neither the clock nor the results say how often units act; draw against='step'.")
    return p


def _legend(lines: list[str], names: list[str]) -> tuple[str | None, list[str]]:
    """Title and labels; only the numbers p where all lines are clocks of one class that differ in nothing else.

    Numbers that say by themselves not what they count stand under the names of their axes.
    """
    found = [re.fullmatch(r"(\w+)\(p=([^,()]+)\)", name) for name in names]
    if lines == ["clock"] and len({match and match[1] for match in found}) == 1 and found[0]:
        return "p", _rounded([f"{float(match[2]):g}" for match in found if match])
    bare = any(re.fullmatch(r"[-+.\de]+", part) for name in names for part in name.split(", "))
    return (", ".join(lines) if bare else None), _rounded(names)


def _rounded(names: list[str]) -> list[str]:
    """Names with computed numbers, of eight decimals and more, in as few digits, four or more, as tell the names apart."""
    for digits in range(4, 16):
        short = [_with_digits(name, digits) for name in names]
        if len(set(short)) == len(set(names)):
            return short
    return names


def _with_digits(name: str, digits: int) -> str:
    return re.sub(r"\d+\.\d{8,}(e[-+]?\d+)?", lambda number: f"{float(number[0]):.{digits}g}", name)


def draw_curve(axes: Axes, x: np.ndarray, values: np.ndarray, style: dict[str, Any]) -> None:
    """Mean of `values` [member, x] with its 95 % interval as a band; the point at x = 0 does not show on log axes.

    The lower edge is cut at a fifth of the mean, so that it stays on a logarithmic axis.
    """
    shown = x > 0
    mean, half = mean_and_interval(values)
    axes.plot(x[shown], mean[shown], **style)
    if len(values) > 1:
        low = np.maximum(mean - half, 0.2 * mean)
        axes.fill_between(x[shown], low[shown], (mean + half)[shown], color=style["color"], alpha=0.2, linewidth=0)
