"""A trained board as a list of parts to buy: each edge's resistance, the nearest on sale, and what rounding costs."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from clockless import disk
from clockless.errors import OutputError, ParameterError, shown
from clockless.media.circuits.laws import Linear
from clockless.media.resistors.ohm import OhmicNetwork
from clockless.parts.preferred import nearest
from clockless.spice.writing import Machine

COLUMNS = ("edge", "node_i", "node_j", "learned_ohm", "chosen_ohm", "deviation_percent")


class Bill(NamedTuple):
    """What was written, and what the chosen values do.

    Attributes:
        path: the file.
        learned, chosen: ohms [edge that learns].
        error: mean squared difference of outputs and targets over the test set with what was learned, V^2.
        rounded_error: the same with the chosen values.
    """

    path: Path
    learned: np.ndarray
    chosen: np.ndarray
    error: float
    rounded_error: float


def write_bill(machine: Machine, path: str | os.PathLike[str], series: Any, scale: float) -> Bill:
    """See `Run.bill`."""
    if isinstance(scale, bool) or not isinstance(scale, (int, float)) or not 0 < scale < np.inf:
        raise ParameterError(f"scale = {shown(scale)}; give the factor from learned to built resistances, such as 1000.")
    edges = _edges(machine, scale)
    learned = machine.values.astype(np.float64) if isinstance(machine.medium, OhmicNetwork) else 1.0 / machine.values
    chosen = _chosen(machine, series, learned, scale)
    built = chosen / scale if isinstance(machine.medium, OhmicNetwork) else scale / chosen
    errors = test_error(machine, machine.values), test_error(machine, built)
    bill = Bill(Path(path), scale * learned, chosen, *errors)
    try:
        disk.write(bill.path, _table(machine, edges, bill, series))
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}; choose a place you may write to.") from None
    return bill


def _edges(machine: Machine, scale: float) -> np.ndarray:
    """Numbers of the edges that learn a resistance."""
    medium = machine.medium
    if isinstance(medium, OhmicNetwork):
        return np.arange(len(medium.network.edges))
    if not hasattr(medium, "laws"):
        raise ParameterError(f"{type(medium).__name__} learns no resistances, so there is no bill of them.")
    for edge in medium.learning.tolist():
        if not isinstance(medium.laws[edge], Linear):
            law = medium.laws[edge]
            raise ParameterError(
                f"edge {edge} ({type(law).__name__}) learns its {law.parameter}, no resistance; a bill is for Linear edges."
            )
    if scale != 1.0:
        raise ParameterError("scale is for networks of resistors alone; beside other laws their voltages would change.")
    edges: np.ndarray = medium.learning
    return edges


def _chosen(machine: Machine, series: Any, learned: np.ndarray, scale: float) -> np.ndarray:
    """Ohms on sale, or the levels of a device, which are values of what learns."""
    if not hasattr(series, "nearest"):
        return nearest(scale * learned, series)
    medium = machine.medium
    conducts = not isinstance(medium, OhmicNetwork) or medium.learned(machine.rule) == "conductance"
    levels = series.nearest(1.0 / learned if conducts else learned)
    return scale * np.asarray(1.0 / levels if conducts else levels)


def test_error(machine: Machine, values: np.ndarray) -> float:
    """Mean squared difference of outputs and targets over the test set, V^2; of pairs their difference counts."""
    task, medium = machine.task, machine.medium
    wrong = medium.predict(values, task.x_test, task, machine.luck) - task.y_test
    if getattr(medium, "differential", False):
        wrong = wrong[:, 0::2] - wrong[:, 1::2]
    return float(np.mean(wrong**2))


def _table(machine: Machine, edges: np.ndarray, bill: Bill, series: Any) -> str:
    text = io.StringIO()
    name = series if isinstance(series, str) else shown(series)
    text.write(
        f"# {machine.task.name}: test error {bill.error:.3g} V^2 as learned, {bill.rounded_error:.3g} V^2 with {name}\n"
    )
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    ends = machine.medium.network.edges[edges].tolist()
    for edge, (i, j), learned, chosen in zip(edges.tolist(), ends, bill.learned, bill.chosen, strict=True):
        writer.writerow([edge, i, j, repr(float(learned)), repr(float(chosen)), f"{100 * (chosen / learned - 1):.3g}"])
    return text.getvalue()
