"""What a paper says as a number, what we measure, and whether it holds."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Claim:
    """A number to check. It holds if |measured - expected| <= tolerance.

    `expected` comes from the paper, from theory, or from a relation between measured curves that theory demands (the
    quantity then says so); `tolerance` is a multiple of the sampling error, a stated margin, or both.

    Attributes:
        figure: name of the figure, such as 1b.
        quantity: what is compared.
        expected, tolerance, measured: the numbers.
        paper: what the paper says about it, in our words; for the report only.
        note: what else a reader should know, such as where a trend was found to hold; for the report only.
    """

    figure: str
    quantity: str
    expected: float
    tolerance: float
    measured: float
    paper: str = ""
    note: str = ""

    @property
    def holds(self) -> bool:
        """Whether the measured value lies within the tolerance of the expected one."""
        return math.isfinite(self.measured) and bool(abs(self.measured - self.expected) <= self.tolerance)

    def as_json(self) -> dict[str, Any]:
        """The object that stands in numbers.json."""
        numbers = {name: value for name, value in asdict(self).items() if name not in ("paper", "note")}
        return {**numbers, "measured": self.measured if math.isfinite(self.measured) else None, "holds": self.holds}


def merged(path: Path, claims: list[Claim], figures: list[str]) -> list[dict[str, Any]]:
    """The content of numbers.json at `path` with the entries of `figures` replaced by `claims`."""
    kept: list[dict[str, Any]] = []
    if path.exists():
        try:
            kept = [entry for entry in json.loads(path.read_text(encoding="utf-8")) if entry["figure"] not in figures]
        except (json.JSONDecodeError, KeyError, TypeError):
            kept = []  # not ours, or cut off by an older crash: it is replaced as a whole
    return [*kept, *(claim.as_json() for claim in claims)]


def table(claims: list[Claim]) -> str:
    """The claims as aligned text, one per line."""
    head = ("figure", "quantity", "expected", "tolerance", "measured", "holds")
    rows = [
        (c.figure, c.quantity, f"{c.expected:.4g}", f"{c.tolerance:.3g}", f"{c.measured:.4g}", "yes" if c.holds else "NO")
        for c in claims
    ]
    widths = [max(len(row[k]) for row in [head, *rows]) for k in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in [head, *rows]]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])
