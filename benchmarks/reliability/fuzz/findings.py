"""What came out of an hour of fuzzing: counts, a file for every distinct finding, and a table."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from fuzz.attempts import ACCEPTED, KINDS, REFUSED, Outcome

_COMMAND = "python benchmarks/reliability fuzz"


@dataclass
class Tally:
    """Outcomes of one subject.

    Attributes:
        distinct: of every kind and place, the first finding and how many there were.
    """

    subject: str
    seed: int
    kinds: Counter[str] = field(default_factory=Counter)
    distinct: dict[tuple[str, str], tuple[Outcome, int]] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def inputs(self) -> int:
        """How many were tried."""
        return self.kinds.total()

    @property
    def found(self) -> int:
        """How many were findings."""
        return self.inputs - self.kinds[ACCEPTED] - self.kinds[REFUSED]

    def add(self, outcome: Outcome, folder: Path) -> None:
        """Count an outcome; the first finding of its kind and place is written to the folder."""
        self.kinds[outcome.kind] += 1
        if not outcome.is_finding:
            return
        key = (outcome.kind, outcome.place)
        first, count = self.distinct.get(key, (outcome, 0))
        self.distinct[key] = (first, count + 1)
        if not count:
            name = re.sub(r"\W+", "-", f"{self.subject}-{outcome.kind}-{self.seed}-{outcome.number}")
            (folder / f"{name}.txt").write_text(self._told(outcome), encoding="utf-8", errors="backslashreplace")

    def _told(self, outcome: Outcome) -> str:
        return (
            f"{outcome.kind}: {KINDS[outcome.kind]}\nat: {outcome.place}\n"
            f"again: {_COMMAND} --subject {self.subject} --seed {self.seed} --only {outcome.number}\n"
            f"\n--- what happened ---\n{outcome.what}\n\n--- the input ---\n{outcome.input}\n"
        )

    def lines(self) -> list[str]:
        """A line for every distinct finding."""
        return [
            f"{self.subject} {first.number}: {kind} at {place}, {count} times"
            for (kind, place), (first, count) in self.distinct.items()
        ]


def table(tallies: list[Tally]) -> str:
    """A row per subject."""
    found = [kind for kind in KINDS if any(tally.kinds[kind] for tally in tallies) or kind in _ALWAYS]
    head = ["fed with", "inputs", "accepted", "refused", *found, "seconds"]
    rows = [
        [tally.subject, *(f"{n:,}" for n in (tally.inputs, tally.kinds[ACCEPTED], tally.kinds[REFUSED])),
         *(str(tally.kinds[kind]) for kind in found), f"{tally.seconds:.0f}"]
        for tally in tallies
    ]  # fmt: skip
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))


_ALWAYS = ("traceback", "hang", "memory", "crash", "outside", "wrong", "nonsense")
