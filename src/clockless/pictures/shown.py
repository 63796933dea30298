"""What a notebook shows of the package's nouns: networks, architectures, tasks, media, experiments, stores.

A `Run`, which has more of them, makes its own (`workers.pictured`).
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from clockless.pictures.cards import Row, card, curves_picture, examples_picture, layers_picture, network_picture


def network_html(network: Any) -> str:
    """A network: how large it is, and what it looks like."""
    degrees = network.degrees
    rows: list[Row] = [
        ("nodes", network.nodes),
        ("edges", len(network.edges)),
        ("edges at a node", f"{degrees.min()} to {degrees.max()}, {degrees.mean():.3g} on average"),
    ]
    return card("Network", rows, network_picture(network))


def architecture_html(architecture: Any) -> str:
    """A wiring with sites for inputs and outputs."""
    rows: list[Row] = [
        ("name", architecture.name),
        ("sites", architecture.network.nodes),
        ("edges", len(architecture.network.edges)),
        ("couplings", architecture.couplings),
        ("inputs, outputs", f"{len(architecture.inputs)}, {len(architecture.outputs)}"),
    ]
    return card("Architecture", rows, network_picture(architecture.network, _Sites(architecture)))


def task_html(task: Any) -> str:
    """A task: roles, how many examples, and what they look like."""
    rows: list[Row] = [("name", task.name)]
    if task.wired:
        rows += [(role, _listed(getattr(task, role))) for role in ("inputs", "outputs", "ground") if getattr(task, role)]
    else:
        rows.append(("inputs", task.x_train.shape[1]))
    if task.labels_train is not None:
        rows.append(("classes", task.classes))
    elif task.y_train is not None and not task.wired:
        rows.append(("outputs", task.y_train.shape[1]))
    rows.append(("examples", f"{len(task.x_train)} to learn from, {len(task.x_test)} to be tested with"))
    if task.feasible is not None:
        rows.append(("can be met", "yes" if task.feasible else "no"))
    return card("Task", rows, examples_picture(task))


def medium_html(medium: Any) -> str:
    """A medium: what learns in it, within which range, and what it stands on."""
    rows: list[Row] = [("", repr(medium))]
    with_units = getattr(medium, "units", None)
    rows.append(("units that learn", f"{with_units:,}" if isinstance(with_units, int) else None))
    rows.append(("a unit is", f"one {medium.unit}" if isinstance(getattr(medium, "unit", None), str) else None))
    rows.append(("learns", learns(medium)))
    return card(type(medium).__name__, rows, medium_picture(medium))


def medium_picture(medium: Any, task: Any = None, values: np.ndarray | None = None) -> str:
    """The network of a medium, coloured by what its edges have learned; or its layers."""
    network: Any = getattr(medium, "network", None)
    layers = getattr(medium, "layers", None)
    if isinstance(layers, (tuple, list)) and all(isinstance(size, int) for size in layers):
        return layers_picture(list(layers))
    if hasattr(network, "width") and isinstance(getattr(network, "layers", None), int):
        return layers_picture([network.width] * network.layers)
    architecture = getattr(medium, "architecture", None)
    return network_picture(network, _Sites(architecture) if task is None and architecture else task, values, learns(medium))


def learns(medium: Any) -> str:
    """What learns in a medium, with its unit."""
    parameter = getattr(medium, "parameter", "coupling W" if hasattr(medium, "couplings") else None)
    measure = getattr(medium, "measure", None) or {"resistance": "Ω", "conductance": "S"}.get(str(parameter), "")
    return f"{parameter} ({measure})" if isinstance(parameter, str) and measure else str(parameter or "")


def _listed(numbers: Any) -> str:
    words = [str(number) for number in list(numbers)[:12]]
    return ", ".join(words) + (", ..." if len(numbers) > 12 else "")


class _Sites:
    """The roles of an architecture's sites, as a task has them."""

    def __init__(self, architecture: Any) -> None:
        self.inputs, self.outputs, self.ground = architecture.inputs, architecture.outputs, ()


# --- experiments and stores ------------------------------------------------------------------------------------------------

_LONGEST = 90  # letters of a fact
_DRAWN = 500  # the largest number in the description of a network that is built to be drawn
_SMALL = 50_000_000  # bytes of results that are read for a picture


def experiment_html(experiment: Any) -> str:
    """What is computed: every section that says something, the axes, and the fingerprint."""
    rows: list[Row] = [("title", experiment.title)]
    for name, value in experiment.plain().items():
        if name not in ("title", "traces", "record") and value is not None:
            rows.append((name, _short(value)))
    axes = " × ".join(f"{axis.name} {len(axis.values)}" for axis in experiment.axes)
    rows.append(("replicas", f"{experiment.replicas:,}" + (f" = {axes}" if axes else "")))
    rows.append(("fingerprint", experiment.fingerprint))
    return card("Experiment", rows, network_picture(_network_of(experiment)))


def store_html(store: Any) -> str:
    """How far a store is, and the learning curves that are in it."""
    done, jobs, experiment = int((store.done() != 0).sum()), store.job_count, store.experiment
    axes = " × ".join(f"{axis.name} {len(axis.values)}" for axis in experiment.axes)
    rows: list[Row] = [
        ("folder", store.path),
        ("title", experiment.title),
        ("replicas", f"{experiment.replicas:,}" + (f" = {axes}" if axes else "")),
        ("steps", f"{experiment.steps:,}"),
        ("jobs", f"{done} of {jobs} done"),
        ("fingerprint", experiment.fingerprint),
        ("look at", "store.dataset(), store.plot(), clockless.load(store.path)"),
    ]
    small = done and store.result_bytes < _SMALL
    return card("Store", rows, curves_picture(store.dataset()) if small else network_picture(_network_of(experiment)))


def _short(value: Any) -> str:
    if isinstance(value, dict):
        kind, fields = value.get("kind", ""), {name: item for name, item in value.items() if name != "kind"}
        said = ", ".join(f"{name}={_short(item)}" for name, item in fields.items())
        text = f"{kind} ({said})" if said else str(kind)
    elif isinstance(value, list):
        short = [_short(item) for item in (value if len(value) <= 6 else [*value[:3], value[-1]])]
        text = ", ".join(short) if len(value) <= 6 else f"{', '.join(short[:3])}, ..., {short[3]}"
        text = f"[{text}]"
    else:
        text = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _network_of(experiment: Any) -> Any:
    """The network of an experiment that has one alone, of a size to be drawn."""
    described = experiment.network
    if not isinstance(described, dict) or any(isinstance(item, int) and item > _DRAWN for item in described.values()):
        return None
    if any(axis.section == "network" for axis in experiment.axes) or len(str(described)) > 100_000:
        return None
    built = importlib.import_module("clockless.experiments.descriptions").built("network", described)
    return getattr(built, "network", built)
