"""What a run leaves behind: labelled arrays that carry their settings, version and citations."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.experiments.catalogue import built, canonical
from clockless.experiments.studies import CITE
from clockless.media.resistors.ohm import Resistors

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure


class Run:
    """Errors and final parameters of an ensemble.

    Attributes:
        data: xarray.Dataset with the dimensions of the lists given to `train`, `step` and `edge`.
    """

    def __init__(self, data: xarray.Dataset, resistors: Resistors) -> None:
        self.data = data
        self.resistors = resistors

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name}: {size}" for name, size in self.data.sizes.items())
        return f"Run({sizes}; {int(self.data['failed'].sum())} failed)"

    @property
    def parameters(self) -> xarray.DataArray:
        """Final resistances in ohms, [dims of the lists given, edge]."""
        return self.data["parameters"]

    @property
    def error(self) -> xarray.DataArray:
        """Test error divided by its value at step 0, [dims of the lists given, step]."""
        return self.data["error"]

    @property
    def cite(self) -> str:
        """What to cite for this run, one work per line."""
        return str(self.data.attrs["cite"])

    def plot(self, against: str = "step x p") -> Figure:
        """Scaled test error, one line per combination of rule, clock, device and batch.

        Lines are means over tasks, initial values and seeds; bands are 95 % intervals of the mean, whose lower edge is cut
        at a fifth of the mean.

        Args:
            against: "step x p" counts updates per edge, "step" counts steps.

        Raises:
            ParameterError: another `against`, or a run that recorded step 0 only.
        """
        from clockless.pictures.curves import error_figure

        return error_figure(self.data, against)


def stored_dataset(study: Any, arrays: dict[str, np.ndarray], whole: np.ndarray, about: dict[str, Any]) -> xarray.Dataset:
    """Label the arrays [replica, ..] of a study: a dimension for every axis, and `done` for the replicas that are there."""
    import xarray

    experiment = study.experiment
    dims = tuple(axis.name for axis in experiment.axes)
    variables = {
        name: (
            (*dims, *variable.dims),
            arrays[name].reshape((*experiment.shape, *arrays[name].shape[1:])),
            _about(variable.long_name, variable.units),
        )
        for name, variable in study.variables.items()
    }
    variables["done"] = (dims, whole.reshape(experiment.shape), _about("has been computed", "1"))
    coordinates: dict[str, Any] = {"step": ("step", experiment.record_at, _about("learning steps done", "1"))}
    coordinates.update(study.coordinates())
    for axis in experiment.axes:
        coordinates.update(_labels(experiment, axis, study.acting_units))
    if "p" not in coordinates and not any(axis.section == "clock" for axis in experiment.axes):
        coordinates["p"] = built("clock", experiment.clock).rate(study.acting_units)
    attributes = {"settings": about["experiment"], **{name: about[name] for name in ("version", "cite")}}
    return xarray.Dataset(variables, coordinates, {**attributes, "fingerprint": experiment.fingerprint})


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


def dataset(
    arrays: dict[str, np.ndarray], lists: dict[str, list], record_at: np.ndarray, settings: dict[str, Any]
) -> xarray.Dataset:
    """Label the arrays [replica, ..] of an ensemble whose replicas run over the product of `lists`."""
    import xarray

    dims = tuple(lists)
    shape = tuple(len(values) for values in lists.values())
    edges = settings["medium"].network.edges
    variables = {
        "error": (
            (*dims, "step"),
            arrays["error"].reshape(*shape, -1),
            _about("test error / its value at step 0", "1"),
        ),
        "initial_error": (dims, arrays["initial_error"].reshape(shape), _about("test error at step 0", "V^2")),
        "residual": (dims, arrays["residual"].reshape(shape), _about("unbalanced current / test current", "1")),
        "failed": (dims, arrays["failed"].reshape(shape), _about("did not settle or is not finite", "1")),
        "parameters": ((*dims, "edge"), arrays["parameters"].reshape(*shape, -1), _about("final resistance", "ohm")),
    }
    if "traces" in arrays:
        traces = arrays["traces"].reshape(*shape, *arrays["traces"].shape[1:])
        variables["traces"] = ((*dims, "step", "edge"), traces, _about("resistance at each recorded step", "ohm"))
    coordinates: dict[str, Any] = {
        "step": ("step", record_at, _about("learning steps done", "1")),
        "edge_from": ("edge", edges[:, 0]),
        "edge_to": ("edge", edges[:, 1]),
        "edge": np.arange(len(edges)),
    }
    for name, values in lists.items():
        coordinates.update(_axis_coordinates(name, values, len(edges)))
    if "clock" not in lists:
        coordinates["p"] = settings["clock"].rate(len(edges))
    attributes = {
        "settings": json.dumps({name: _described(value) for name, value in settings.items()}),
        "version": version("clockless"),
        "cite": "\n".join(CITE),
    }
    return xarray.Dataset(variables, coordinates, attributes)


def _about(long_name: str, units: str) -> dict[str, str]:
    return {"long_name": long_name, "units": units}


def _axis_coordinates(name: str, values: list, edges: int) -> dict[str, Any]:
    """Labels of an axis, and the numbers behind them: p of clocks, nudge and rate of rules."""
    if name in ("task", "initial"):
        labels = [getattr(value, "name", str(value)) for value in values] if name == "task" else list(range(len(values)))
        return {name: np.arange(len(values)), **({"task_name": ("task", labels)} if name == "task" else {})}
    if name == "seed":
        return {"seed": np.array(values, dtype=np.uint64)}
    coordinates: dict[str, Any] = {name: [str(value) for value in values]}
    if name == "clock":
        coordinates["p"] = (
            "clock",
            [clock.rate(edges) for clock in values],
            _about("mean fraction of acting edges", "1"),
        )
    if name == "rule":
        for field in ("nudge", "rate"):
            if all(hasattr(rule, field) for rule in values):
                coordinates[field] = ("rule", [float(getattr(rule, field)) for rule in values])
    if name == "device":
        coordinates["bias"] = ("device", [float(getattr(device.comparator, "bias", 0.0)) for device in values])
    return coordinates


def _described(value: Any) -> Any:
    """A setting as JSON: numbers as they are, tasks by name and fingerprint, everything else by its repr."""
    if isinstance(value, list):
        return [_described(item) for item in value]
    if isinstance(value, (int, float, str)):
        return value
    if isinstance(value, np.ndarray):
        return value.tolist()
    if hasattr(value, "dims"):
        return f"given per replica, {dict(value.sizes)}"
    if hasattr(value, "fingerprint"):
        return f"{value.name} ({value.fingerprint:016x})"
    return repr(value)
