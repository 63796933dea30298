"""The history of one replica of resistors in continuous time, in ohms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from clockless.learning.events.history import EventHistory


@dataclass(frozen=True, eq=False)
class History(EventHistory):
    """What happened to one replica of resistors; `values` and `initial` are ohms."""

    def resistances(self, at: Any) -> np.ndarray:
        """Resistances [time, edge] in ohms just after the events until each of the times `at` [time], seconds."""
        return self.learned(at)

    @property
    def label(self) -> str:
        """Axis label of what edges learn, with its unit."""
        return "resistance (Ω)"
