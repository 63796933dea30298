"""How a table's features become what a medium holds at its inputs, and back from a description."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from clockless.errors import TaskError, shown

MEDIA = ("resistors", "xy", "modules")
QUARTER = np.pi / 2


@dataclass(frozen=True, eq=False)
class Encoding:
    """How features become what a medium holds at its inputs.

    Args:
        medium: one of MEDIA.
        differential: each feature drives two inputs, v and 1 - v volts: first all v, then all 1 - v.
        centre, span: of each feature in the training set: least value and range, or mean and standard deviation of
            modules, [feature].
        features: names of the columns.
    """

    medium: str
    differential: bool
    centre: np.ndarray
    span: np.ndarray
    features: tuple[Any, ...]

    @classmethod
    def of(cls, medium: str, differential: bool, train: np.ndarray, features: tuple[Any, ...]) -> Encoding:
        """From the training set's features [example, feature]; TaskError if one of them has a single value."""
        low, span = train.min(axis=0), np.ptp(train, axis=0)
        if not span.all():
            name = features[int(np.argmin(span))]
            raise TaskError(f"column {shown(name)} has one value in the training set, so it tells nothing; leave it out.")
        if medium == "modules":
            low, span = train.mean(axis=0), train.std(axis=0)
        return cls(medium, differential, low, span, features)

    @classmethod
    def read(cls, text: str) -> Encoding:
        """From what `written` has made; TaskError if it is something else."""
        try:
            plain = json.loads(text)
            features = names_read(json.dumps(plain["features"]))
            centre, span = (np.array(plain[name], dtype=float).reshape(len(features)) for name in ("centre", "span"))
            medium, differential = plain["medium"], plain["differential"]
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError, TaskError):
            raise TaskError(f"encoding = {shown(text)} is not what a classification wrote; leave it out.") from None
        if medium not in MEDIA or not isinstance(differential, bool) or not _usable(centre, span):
            raise TaskError(f"encoding = {shown(text)} has a medium, centre or span that cannot be; leave it out.")
        return cls(medium, differential, centre, span, features)

    def written(self) -> str | None:
        """As JSON, every number with all its digits; None if the names of features are not plain."""
        if names_written(self.features) is None:
            return None
        told = {"medium": self.medium, "differential": self.differential, "features": list(self.features)}
        return json.dumps({**told, "centre": self.centre.tolist(), "span": self.span.tolist()})

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Features [example, feature] as inputs [example, input]; values beyond the training set's range are cut off."""
        scaled: np.ndarray = (values - self.centre) / self.span
        if self.medium == "modules":
            return scaled
        part: np.ndarray = np.clip(scaled, 0.0, 1.0)
        if self.medium == "xy":
            angles: np.ndarray = np.pi * part - QUARTER
            return angles
        return np.hstack([part, 1.0 - part]) if self.differential else part


def _usable(centre: np.ndarray, span: np.ndarray) -> bool:
    return bool(np.isfinite(centre).all() and np.isfinite(span).all() and (span > 0).all())


def names_written(names: tuple[Any, ...]) -> str | None:
    """Names as JSON, if they are words, finite numbers, true or false; None if they are anything else, such as dates."""
    try:
        text = json.dumps(list(names), allow_nan=False)
    except (TypeError, ValueError):
        return None
    return text if all(type(name) in (str, int, float, bool) for name in names) else None


def names_read(text: str) -> tuple[Any, ...]:
    """Names from JSON; TaskError if it is no list of them."""
    try:
        names = json.loads(text)
    except (ValueError, RecursionError):
        names = None
    if not isinstance(names, list) or not all(type(name) in (str, int, float, bool) for name in names):
        raise TaskError(f"class_names = {shown(text)} is no JSON list of words or numbers; give one name per class.")
    return tuple(names)
