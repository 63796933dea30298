"""Results as labelled arrays that carry their settings, version and citations, in memory and from stores alike."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.experiments.catalogue import kind_of
from clockless.experiments.descriptions import built, canonical, named_in
from clockless.learning.contracts import Arrays, Variable
from clockless.parts.clocks import mean_rate
from clockless.version import __version__

if TYPE_CHECKING:
    import xarray

    from clockless.experiments.jobs import Jobs


def stored_dataset(jobs: Jobs, arrays: Arrays, whole: np.ndarray, about: Mapping[str, Any]) -> xarray.Dataset:
    """Label the arrays [replica, ..] of an experiment: a dimension for every axis, and `done` for the replicas that are
    there.
    """
    experiment, kept = jobs.experiment, about.get("labels")
    dims = {axis.name: len(axis.values) for axis in experiment.axes}
    variables = {**jobs.variables, "done": Variable((), "bool", "has been computed", "1")}
    coordinates = unfolded(kept) if kept else labels(jobs, own_parts=False)
    coordinates = _with_measured_rates(coordinates, arrays, dims, experiment.steps)
    attributes = {
        "settings": json.dumps(experiment.plain()),
        **{name: str(about.get(name)) for name in ("version", "sources", "cite")},
    }
    attributes |= {"fingerprint": experiment.fingerprint, "unit": jobs.unit}
    return labelled({**arrays, "done": whole}, variables, dims, experiment.record_at, coordinates).assign_attrs(attributes)


def run_dataset(
    arrays: Arrays, medium: Any, lists: Mapping[str, list[Any]], record_at: np.ndarray, settings: Mapping[str, Any]
) -> xarray.Dataset:
    """Label the arrays [replica, ..] of an ensemble whose replicas run over the product of `lists`."""
    coordinates: dict[str, Any] = dict(medium.coordinates()) if "medium" not in lists else {}
    for name, values in lists.items():
        coordinates.update(_axis_coordinates(name, values, medium.units))
    if "clock" not in lists:
        coordinates.update(_rate(settings["clock"], medium.units))
    attributes = {
        "settings": json.dumps({name: _described(value) for name, value in settings.items()}),
        "version": __version__, "cite": "\n".join(medium.cite), "unit": medium.unit,
    }  # fmt: skip
    dims = {name: len(values) for name, values in lists.items()}
    coordinates = _with_measured_rates(coordinates, arrays, dims, settings["steps"])
    variables = medium.variables("traces" in arrays)
    return labelled(arrays, variables, dims, record_at, coordinates).assign_attrs(attributes)


def labelled(
    arrays: Arrays,
    variables: Mapping[str, Variable],
    dims: Mapping[str, int],
    record_at: np.ndarray,
    coordinates: Mapping[str, Any],
) -> xarray.Dataset:
    """Arrays [replica, ..] as a dataset whose replicas run over `dims`, the last one fastest."""
    import xarray

    shape = tuple(dims.values())
    found = {
        name: (
            (*dims, *variable.dims),
            arrays[name].reshape((*shape, *arrays[name].shape[1:])),
            _about(variable.long_name, variable.units),
        )
        for name, variable in variables.items()
        if name in arrays
    }
    step = ("step", record_at, _about("learning steps done", "1"))
    data = xarray.Dataset(found, {"step": step, **coordinates})
    if "actions" in data:
        data["actions"].attrs["steps"] = int(record_at[-1])
    return data


def labels(jobs: Jobs, own_parts: bool) -> dict[str, Any]:
    """Coordinates of an experiment's results but `step`: of the dimensions of its variables, and of every axis.

    Args:
        own_parts: build parts of the user's own, to ask clocks for their p; without, what only these know is left out.
    """
    experiment = jobs.experiment
    coordinates: dict[str, Any] = dict(jobs.coordinates)
    for axis in experiment.axes:
        builds = own_parts or not _own(axis.section, getattr(experiment, axis.section))
        coordinates.update(_labels(experiment, axis, jobs.units if builds else None))
    if "p" not in coordinates and (own_parts or not _own("clock", experiment.clock)):
        coordinates.update(_rates(experiment, jobs.units))
    return coordinates


def _own(section: str, value: Any) -> bool:
    return any(kind_of(inner, part["kind"], section).is_own for inner, part in named_in(section, value))


def _rates(experiment: Any, units: int) -> dict[str, Any]:
    """p along the axes of the clock's own fields, or one number if it has none."""
    axes = [axis for axis in experiment.axes if axis.section == "clock"]
    if any(axis.name == "p" for axis in experiment.axes):  # of something else
        return {}
    first = dict.fromkeys((axis.name for axis in experiment.axes), 0)
    p = np.empty([len(axis.values) for axis in axes])
    for at in np.ndindex(p.shape):
        place = {**first, **dict(zip((axis.name for axis in axes), at, strict=True))}
        number = int(np.ravel_multi_index(tuple(place.values()), experiment.shape)) if place else 0
        p[at] = mean_rate(built("clock", experiment.at(number)["clock"]), units)
    return {"p": (tuple(axis.name for axis in axes), p, _about("mean fraction of acting units", "1"))}


def folded(coordinates: dict[str, Any]) -> str:
    """Coordinates as JSON, to be kept in a store; 0, 1, 2, .. is kept as its length."""
    kept = {}
    for name, value in coordinates.items():
        dims, values, *attributes = value if isinstance(value, tuple) else ((name,) if np.ndim(value) else (), value)
        array = np.asarray(values)
        counts = array.ndim == 1 and array.dtype == np.int64 and np.array_equal(array, np.arange(len(array)))
        kept[name] = {
            "dims": [dims] if isinstance(dims, str) else list(dims), "dtype": array.dtype.str,
            "values": len(array) if counts else array.tolist(), "attributes": attributes[0] if attributes else {},
        }  # fmt: skip
    return json.dumps(kept)


def unfolded(text: str) -> dict[str, Any]:
    """The coordinates that `folded` kept."""
    coordinates = {}
    for name, kept in json.loads(text).items():
        values = kept["values"]
        array = np.arange(values) if kept["dims"] and isinstance(values, int) else np.array(values, dtype=kept["dtype"])
        coordinates[name] = (tuple(kept["dims"]), array, kept["attributes"])
    return coordinates


def _labels(experiment: Any, axis: Any, units: int | None) -> dict[str, Any]:
    """Labels of an axis, as `train` gives them: numbers where its values are, else what describes the values.

    Without the number of units parts are not built, and their descriptions are the labels.
    """
    if axis.section in ("rule", "clock", "device") and not axis.path:
        if units is None:
            return {axis.name: [canonical(value)[:200] for value in axis.values]}
        return _axis_coordinates(axis.name, [built(axis.section, value) for value in axis.values], units)
    if axis.path and all(isinstance(value, (int, float)) for value in axis.values):
        return {axis.name: np.array(axis.values)}
    if axis.section == "seeds":
        return {axis.name: np.array(axis.values, dtype=np.uint64)}
    if axis.section == "batch":
        return {axis.name: [canonical(value) if isinstance(value, dict) else str(value) for value in axis.values]}
    plain = all(isinstance(value, (int, float, str)) for value in axis.values)
    labels = axis.values if plain else [canonical(value)[:200] for value in axis.values]
    return {axis.name: np.arange(len(labels)), f"{axis.name}_description": (axis.name, list(labels))}


def _about(long_name: str, units: str) -> dict[str, str]:
    return {"long_name": long_name, "units": units}


def _rate(clock: Any, units: int) -> dict[str, Any]:
    """p of a clock, NaN if it does not say it beforehand."""
    return {"p": mean_rate(clock, units)}


def _with_measured_rates(coordinates: dict[str, Any], arrays: Arrays, dims: Mapping[str, int], steps: int) -> dict[str, Any]:
    """Coordinates in which p is the measured mean of actions / steps for clocks that do not know their own."""
    known = coordinates.get("p")
    if "actions" not in arrays or not isinstance(known, (tuple, float)):  # else p is an axis itself
        return coordinates
    if isinstance(known, float):
        return {**coordinates, "p": known if np.isfinite(known) else _mean_rate(arrays["actions"], steps)}
    names, values, *about = known
    if tuple(np.atleast_1d(names)) != ("clock",) or np.isfinite(values).all():
        return coordinates
    counted = arrays["actions"].reshape(*dims.values(), -1)
    rows = np.moveaxis(counted, list(dims).index("clock"), 0).reshape(dims["clock"], -1)
    p = [k if np.isfinite(k) else _mean_rate(row, steps) for k, row in zip(values, rows, strict=True)]
    return {**coordinates, "p": (names, p, *about)}


def _mean_rate(actions: np.ndarray, steps: int) -> float:
    counted = actions[np.isfinite(actions)]
    return float(counted.mean() / steps) if counted.size and steps else np.nan


def _axis_coordinates(name: str, values: list[Any], units: int) -> dict[str, Any]:
    """Labels of an axis, and the numbers behind them: p of clocks, nudge and rate of rules."""
    if name in ("task", "initial", "medium"):
        labels = [getattr(value, "name", str(value)) for value in values] if name == "task" else list(range(len(values)))
        return {name: np.arange(len(values)), **({"task_name": ("task", labels)} if name == "task" else {})}
    if name == "seed":
        return {"seed": np.array(values, dtype=np.uint64)}
    coordinates: dict[str, Any] = {name: [str(value) for value in values]}
    if name == "clock":
        about = _about("mean fraction of acting units", "1")
        coordinates["p"] = ("clock", [mean_rate(clock, units) for clock in values], about)
    if name == "rule":
        for field in ("nudge", "rate"):
            if all(hasattr(rule, field) for rule in values):
                coordinates[field] = ("rule", [float(getattr(rule, field)) for rule in values])
    if name == "device":
        biases = [float(getattr(getattr(device, "comparator", None), "bias", 0.0)) for device in values]
        coordinates["bias"] = ("device", biases)
    return coordinates


def _described(value: Any) -> Any:
    """A setting as JSON: numbers as they are, tasks by name and fingerprint, everything else by its repr."""
    if value is None or isinstance(value, (int, float, str)):
        return value
    if isinstance(value, list):
        return [_described(item) for item in value]
    if isinstance(value, np.ndarray):
        return value.tolist()
    if hasattr(value, "dims"):
        return f"given per replica, {dict(value.sizes)}"
    if hasattr(value, "fingerprint"):
        return f"{value.name} ({value.fingerprint:016x})"
    return repr(value)
