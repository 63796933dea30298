"""Results as labelled arrays that carry their settings, version and citations, in memory and from stores alike."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.experiments.catalogue import built, canonical
from clockless.learning.contracts import Arrays, Variable

if TYPE_CHECKING:
    import xarray

    from clockless.experiments.jobs import Jobs


def stored_dataset(jobs: Jobs, arrays: Arrays, whole: np.ndarray, about: Mapping[str, Any]) -> xarray.Dataset:
    """Label the arrays [replica, ..] of an experiment: a dimension for every axis, and `done` for the replicas that are
    there.
    """
    experiment, units = jobs.experiment, jobs.medium.units
    dims = {axis.name: len(axis.values) for axis in experiment.axes}
    variables = {**jobs.variables, "done": Variable((), "bool", "has been computed", "1")}
    coordinates: dict[str, Any] = dict(jobs.coordinates)
    for axis in experiment.axes:
        coordinates.update(_labels(experiment, axis, units))
    if "p" not in coordinates and not any(axis.section == "clock" for axis in experiment.axes):
        coordinates.update(_rate(built("clock", experiment.clock), units))
    attributes = {"settings": about["experiment"], **{name: about[name] for name in ("version", "cite")}}
    attributes |= {"fingerprint": experiment.fingerprint, "unit": jobs.medium.unit}
    return labelled({**arrays, "done": whole}, variables, dims, experiment.record_at, coordinates).assign_attrs(attributes)


def run_dataset(
    arrays: Arrays, medium: Any, lists: Mapping[str, list], record_at: np.ndarray, settings: Mapping[str, Any]
) -> xarray.Dataset:
    """Label the arrays [replica, ..] of an ensemble whose replicas run over the product of `lists`."""
    coordinates: dict[str, Any] = dict(medium.coordinates()) if "medium" not in lists else {}
    for name, values in lists.items():
        coordinates.update(_axis_coordinates(name, values, medium.units))
    if "clock" not in lists:
        coordinates.update(_rate(settings["clock"], medium.units))
    attributes = {
        "settings": json.dumps({name: _described(value) for name, value in settings.items()}),
        "version": version("clockless"), "cite": "\n".join(medium.cite), "unit": medium.unit,
    }  # fmt: skip
    dims = {name: len(values) for name, values in lists.items()}
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
    return xarray.Dataset(found, {"step": step, **coordinates})


def _labels(experiment: Any, axis: Any, units: int) -> dict[str, Any]:
    """Labels of an axis, as `train` gives them: numbers where its values are, else what describes the values."""
    if axis.section in ("rule", "clock", "device") and not axis.path:
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
    """p of a clock that says it beforehand; others are measured by their actions."""
    return {"p": clock.rate(units)} if hasattr(clock, "rate") else {}


def _axis_coordinates(name: str, values: list, units: int) -> dict[str, Any]:
    """Labels of an axis, and the numbers behind them: p of clocks, nudge and rate of rules."""
    if name in ("task", "initial", "medium"):
        labels = [getattr(value, "name", str(value)) for value in values] if name == "task" else list(range(len(values)))
        return {name: np.arange(len(values)), **({"task_name": ("task", labels)} if name == "task" else {})}
    if name == "seed":
        return {"seed": np.array(values, dtype=np.uint64)}
    coordinates: dict[str, Any] = {name: [str(value) for value in values]}
    if name == "clock" and all(hasattr(clock, "rate") for clock in values):
        about = _about("mean fraction of acting units", "1")
        coordinates["p"] = ("clock", [clock.rate(units) for clock in values], about)
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
