"""What somebody expects of a number, what we measure, and whether it holds; whose expectation it is stands in every row."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

STATED = "2026-11-21"  # when the thresholds of the rows were last changed; before any run with master seed 7
SOURCES = {  # in the order in which they are printed
    "paper": "What the paper says",
    "theory": "What theory says",
    "earlier run": "What an earlier run or another program of ours found",
    "none": "Checks of our own runs, expected by nobody",
}
DECIDING = ("paper", "theory")  # whose rows decide the exit code
CRITERIA = {
    "near": "|measured - expected| <= tolerance",
    "above": "the whole interval lies above expected",
    "below": "the whole interval lies below expected",
    "within": "the whole interval lies within expected +- tolerance",
}


@dataclass(frozen=True)
class Source:
    """Whose expectation a row is, and where it can be read.

    Attributes:
        whose: `paper`, `theory`, `earlier run` (numbers of ours that were never published) or `none`.
        cite: what to read: a reference, an equation, or a sentence.
    """

    whose: str
    cite: str

    def __post_init__(self) -> None:
        if self.whose not in SOURCES:
            raise ValueError(f"an expectation is that of {', '.join(SOURCES)}, not of {self.whose!r}")


HEALTH = Source("none", "a sound run has none; whether ours is one, no paper says")


@dataclass(frozen=True)
class Claim:
    """A number to check.

    Criteria: `near`, |measured - expected| <= tolerance; `above` and `below`, the whole interval on that side of expected;
    `within`, the whole interval within expected +- tolerance, which is how 'equal' is tested (two one-sided tests: `half` is
    then that of the 90 % interval, and each test is one of 5 %). Tolerances are no function of the run's own scatter: with
    fewer runs nothing passes more easily.

    Attributes:
        figure: name of the figure, such as 1b.
        quantity: what is compared.
        expected, tolerance, measured: the numbers. `tolerance` is a stated margin.
        says: what the source says about it, in our words.
        note: what else a reader should know, such as where a trend was found to hold.
        source: whose expectation it is.
        half: half-width of the interval of `measured`, NaN where there is none; `level` is the interval's.
        ends: of the interval, where it is not symmetric; then `half` is not needed.
        criterion: when it holds, see above.
        tiny: whether the few tasks and steps of a tiny run decide it, too.
        decided: whether a run of this size decides it.
        stated: when the threshold was written, as a date.
    """

    figure: str
    quantity: str
    expected: float
    tolerance: float
    measured: float
    says: str = ""
    note: str = ""
    source: Source = field(kw_only=True)
    half: float = field(default=math.nan, kw_only=True)
    ends: tuple[float, float] | None = field(default=None, kw_only=True)
    level: float = field(default=0.95, kw_only=True)
    criterion: Literal["near", "above", "below", "within"] = field(default="near", kw_only=True)
    tiny: bool = field(default=False, kw_only=True)
    decided: bool = field(default=True, kw_only=True)
    stated: str = field(default=STATED, kw_only=True)

    def __post_init__(self) -> None:
        if self.criterion not in CRITERIA:
            raise ValueError(f"there is no criterion {self.criterion!r}; there are {', '.join(CRITERIA)}")

    @property
    def holds(self) -> bool:
        """Whether the measured value meets its criterion; False where a number that it needs is not finite."""
        if self.criterion == "near":
            return math.isfinite(self.measured) and bool(abs(self.measured - self.expected) <= self.tolerance)
        if self.interval is None:
            return False
        low, high = self.interval
        if self.criterion == "within":
            return bool(self.expected - self.tolerance <= low and high <= self.expected + self.tolerance)
        return bool(low > self.expected if self.criterion == "above" else high < self.expected)

    @property
    def interval(self) -> tuple[float, float] | None:
        """Ends of the measured value's interval; None where there is none, or one that is not finite."""
        low, high = self.ends or (self.measured - self.half, self.measured + self.half)
        return (low, high) if math.isfinite(low) and math.isfinite(high) else None

    @property
    def remarks(self) -> str:
        """The note, and whether more runs would decide what is to lie within a margin: where the interval holds its end."""
        if self.criterion != "within" or self.holds or self.interval is None or not self.decided:
            return self.note
        low, high = self.interval
        ends = self.expected - self.tolerance, self.expected + self.tolerance
        undecided = "An end of the margin lies in the interval: more runs would decide it."
        return f"{self.note} {undecided}".strip() if any(low <= end < high for end in ends) else self.note

    @property
    def verdict(self) -> str:
        """In words: holds, does not hold, or not decided at this size."""
        return ("holds" if self.holds else "does not hold") if self.decided else "not decided at this size"

    def as_json(self) -> dict[str, Any]:
        """The object that stands in numbers.json; plain numbers, and null for what is not finite."""
        return {
            "figure": self.figure,
            "quantity": self.quantity,
            "source": self.source.whose,
            "cite": self.source.cite,
            "says": self.says,
            "expected": _finite(self.expected),
            "tolerance": _finite(self.tolerance),
            "measured": _finite(self.measured),
            "interval": None if self.interval is None else list(self.interval),
            "level": None if self.interval is None else self.level,
            "criterion": CRITERIA[self.criterion],
            "stated": self.stated,
            "decided": self.decided,
            "holds": self.holds if self.decided else None,
            "note": self.remarks,
        }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def no_failures(figure: str, failed: int, of: str = "") -> Claim:
    """That no replica of a figure's runs has failed."""
    return Claim(figure, f"replicas that failed{of}", 0, 0, failed, source=HEALTH, tiny=True)


def sized(claims: Iterable[Claim], tiny: bool) -> list[Claim]:
    """The claims of a run of this size: those that a tiny run cannot decide are marked so."""
    return [replace(claim, decided=claim.tiny or not tiny) for claim in claims]


def by_source(claims: Sequence[Claim]) -> dict[str, list[Claim]]:
    """The claims by whose expectation they are, in the order paper, theory, earlier run, none; empty ones are left out."""
    groups = {whose: [claim for claim in claims if claim.source.whose == whose] for whose in SOURCES}
    return {whose: group for whose, group in groups.items() if group}


def all_hold(claims: Iterable[Claim]) -> bool:
    """Whether everything holds that a paper or theory says and that was decided."""
    return all(claim.holds for claim in claims if claim.decided and claim.source.whose in DECIDING)


def counted(claims: Sequence[Claim]) -> str:
    """A sentence: how many hold of those that were decided."""
    if not claims:
        return "No claims were checked."
    decided = [claim for claim in claims if claim.decided]
    left = f" {len(claims) - len(decided)} not decided at this size." if len(decided) < len(claims) else ""
    if not decided:
        return f"None of {len(claims)} is decided at this size."
    hold = sum(claim.holds for claim in decided)
    return f"{hold} of {len(decided)} {'claim holds' if len(decided) == 1 else 'claims hold'}.{left}"


def merged(path: Path, claims: list[Claim], figures: list[str]) -> list[dict[str, Any]]:
    """The content of numbers.json at `path` with the entries of `figures` replaced by `claims`.

    Entries of versions that did not say whose an expectation is are kept as nobody's; a file that is none of ours, or was
    cut off, is replaced as a whole.
    """
    kept: list[dict[str, Any]] = []
    if path.exists():
        try:
            entries = [entry for entry in json.loads(path.read_text(encoding="utf-8")) if entry["figure"] not in figures]
            kept = [{"source": "none", "cite": _OLD, **entry} for entry in entries]
        except (ValueError, KeyError, TypeError):
            kept = []
    return [*kept, *(claim.as_json() for claim in claims)]


_OLD = "written by a version that did not say whose expectation it was"


def table(claims: Sequence[Claim]) -> str:
    """The claims as aligned text, one per line, under headings that say whose expectations they are."""
    head = ("figure", "quantity", "expected", "tolerance", "measured", "holds")
    groups = by_source(claims)
    rows = {whose: [_cells(claim) for claim in group] for whose, group in groups.items()}
    everything = [head, *(row for group in rows.values() for row in group)]
    widths = [max(len(row[k]) for row in everything) for k in range(len(head))]

    def line(row: Sequence[str]) -> str:
        return "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()

    lines = [line(head), "-" * len(line(head))]
    for whose, group in groups.items():
        lines += ["", f"{SOURCES[whose]}. {counted(group)}", *map(line, rows[whose])]
    return "\n".join(lines)


def _cells(claim: Claim) -> tuple[str, ...]:
    half = f" [{claim.interval[0]:.3g}, {claim.interval[1]:.3g}]" if claim.interval else ""
    sign = {"above": "> ", "below": "< "}.get(claim.criterion, "")
    verdict = ("yes" if claim.holds else "NO") if claim.decided else "not decided at this size"
    tolerance = f"{claim.tolerance:.3g}" if not sign else ""
    return (
        claim.figure, claim.quantity, f"{sign}{claim.expected:.4g}", tolerance, f"{claim.measured:.4g}{half}", verdict,
    )  # fmt: skip
