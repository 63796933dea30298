"""One's own measurements as plain arrays: a data frame, columns by name, a structured array, or arrays of numbers.

Nothing is guessed: words among the features and missing values are refused in a sentence that says where they stand.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, NamedTuple

import numpy as np

from clockless.errors import TaskError, array_of, shown


class Table(NamedTuple):
    """Features, float64 [example, feature], their names, and the labels [example] if there are any."""

    values: np.ndarray
    features: tuple[Any, ...]
    labels: list[Hashable] | None


def table_of(data: Any, label: Any = None, features: tuple[Any, ...] | None = None) -> Table:
    """Features and labels of `data`.

    Args:
        data: a data frame (anything with `columns` and `to_numpy`), a mapping from names to columns, a structured array, or
            an array [example, feature].
        label: name of the column of labels, or the labels themselves [example]; None: there are none.
        features: names of the columns to take, in this order; None: all but the labels'.

    Raises:
        TaskError: columns of words, missing values, lengths that differ, or a name that is not there.
    """
    columns = _columns(data)
    labels = None
    if label is not None:
        named = isinstance(label, Hashable) and label in columns
        if not named and (isinstance(label, str) or not array_of(label).ndim):
            raise TaskError(f"label = {shown(label)} is no column; the columns are {_listed(columns)}.")
        labels = _labels(columns.pop(label) if named else label, str(label) if named else "label")
    missing = [name for name in features or () if name not in columns]
    if missing:
        raise TaskError(f"the data have no column {shown(missing[0])}; the columns are {_listed(columns)}.")
    names = tuple(columns) if features is None else features
    if not names:
        raise TaskError("the data have no column besides the labels; give at least one feature.")
    values = [_numbers(columns[name], name) for name in names]
    counts = {len(column) for column in values} | (set() if labels is None else {len(labels)})
    if len(counts) > 1 or counts == {0}:
        if counts == {0}:
            raise TaskError("the data hold no example; give one value per example in each column.")
        of = "features and labels" if labels is not None and len({len(column) for column in values}) == 1 else "columns"
        raise TaskError(f"the {of} hold {sorted(counts)} examples; give one value per example in each.")
    return Table(np.column_stack(values), names, labels)


def _columns(data: Any) -> dict[Any, Any]:
    """Columns by name; those of a plain array are called by their numbers."""
    if hasattr(data, "columns") and hasattr(data, "to_numpy"):
        names = list(data.columns)
        if len(set(names)) < len(names):
            raise TaskError(f"two columns have one name among {_listed(names)}; rename one.")
        return {name: data[name].to_numpy() for name in names}
    if isinstance(data, Mapping):
        return dict(data)
    try:
        table = np.asarray(data)
    except ValueError:  # ragged
        table = np.array(None)
    if table.dtype.names:
        return {name: table[name] for name in table.dtype.names}
    if table.ndim != 2:
        raise TaskError(f"data = {shown(data)}; give a data frame, columns by name, or an array [example, feature].")
    return dict(enumerate(table.T))


def _numbers(column: Any, name: Any) -> np.ndarray:
    """A feature as float64 [example]."""
    values = _one_dimensional(column, name)
    _check_whole(values, name)
    if values.dtype.kind == "O" and all(isinstance(value, (int, float, np.number, np.bool_)) for value in values):
        values = values.astype(np.float64)
    if values.dtype.kind not in "iufb":
        raise TaskError(
            f"column {shown(name)} holds {shown(values[0])}, which is no number; leave it out, or make a column of 0 and 1 "
            "of each of its values."
        )
    numbers = values.astype(np.float64)
    if not np.isfinite(numbers).all():
        raise TaskError(f"column {shown(name)} holds an infinite value; all must be finite.")
    return numbers


def _labels(column: Any, name: str) -> list[Hashable]:
    """Labels as Python's own values [example]."""
    values = _one_dimensional(column, name)
    _check_whole(values, name)
    labels = [value.item() if isinstance(value, np.generic) else value for value in values]
    if any(isinstance(label, float) and not label.is_integer() for label in labels):
        raise TaskError(f"the labels {name} = {shown(labels)} are measurements; give classes, or use tasks.from_arrays.")
    wrong = next((label for label in labels if not isinstance(label, Hashable)), None)
    if wrong is not None:
        raise TaskError(f"the label {shown(wrong)} cannot be told from others; give numbers or words.")
    return labels


def _one_dimensional(column: Any, name: Any) -> np.ndarray:
    values = column.to_numpy() if hasattr(column, "to_numpy") else column
    if isinstance(values, (list, tuple)):  # value by value: an array would make words of numbers beside words
        array = np.empty(len(values), dtype=object)
        for k, value in enumerate(values):
            array[k] = value
    else:
        array = np.asarray(values)
    if array.ndim != 1 or any(isinstance(value, (list, np.ndarray)) for value in array):
        raise TaskError(f"column {shown(name)} is no row of values, one per example; give [example].")
    return array


def _check_whole(values: np.ndarray, name: Any) -> None:
    """Raise where a value is missing."""
    missing = np.flatnonzero([_missing(value) for value in values.tolist()])
    if missing.size:
        raise TaskError(
            f"column {shown(name)} has {missing.size} missing values, the first in example {missing[0]}; "
            "drop those examples or fill them in."
        )


def _missing(value: Any) -> bool:
    """None, NaN, or what data frames put there."""
    return value is None or type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, float) and value != value)


def _listed(names: Any) -> str:
    listed = [str(name) for name in names]
    return ", ".join(listed[:12]) + (", .." if len(listed) > 12 else "")
