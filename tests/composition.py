"""What composes: every medium with every rule, device, optimiser, batch and clock is tried, and the table is written.

    python tests/composition.py        # writes docs/compose.md

Nothing here says what should compose: `medium.check` says it, and training shows that it is true.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import clockless as cl
from clockless.errors import ClocklessError
from clockless.learning.contracts import Replica

PAGE = Path(__file__).parent.parent / "docs" / "compose.md"
HERE = "python tests/composition.py"
HAS_JAX = importlib.util.find_spec("jax") is not None


class Springs(cl.Medium):
    """A medium of one's own: springs along the edges, displacements along a line."""

    parameter, measure, low, high = "stiffness", "N/m", 0.05, 20.0

    def energy(self, stiffness: np.ndarray, state: np.ndarray) -> Any:
        """Half the stiffness times the square of what each spring is stretched by, summed."""
        ends = state[self.network.edges]
        return 0.5 * np.sum(stiffness * (ends[:, 0] - ends[:, 1]) ** 2)


@dataclass(frozen=True)
class Case:
    """A medium with a task that it can learn, and how fast.

    Attributes:
        rate: of rules that have one.
    """

    medium: Any
    task: Any
    rate: float = 0.1
    steps: int = 40


# --- the nouns ---------------------------------------------------------------------------------------------

LEVELS = {"count": 400, "low": 0.05, "high": 20.0}
RULES = {
    "coupled learning": cl.CoupledLearning(0.1, 0.1),
    "sign": cl.SignRule(0.1),
    "equilibrium propagation": cl.EquilibriumPropagation(0.1, 0.1),
    "equilibrium propagation, centred": cl.EquilibriumPropagation(0.1, 0.1, centred=True),
}
DEVICES = {
    "Continuous": cl.Continuous(),
    "AnalogMemory": cl.devices.AnalogMemory(0.1, 1.1, 0.9),
    "Worn": cl.Worn(0.1, 0.0, 1.0, 0.1),
    "Continuous, ReadNoise": cl.Continuous(cl.ReadNoise(1e-3)),
    "Continuous, Priced": cl.Continuous(cl.Priced(1e-3)),
    "Levels": cl.Levels(**LEVELS),
    "Levels, Magnitudes": cl.Levels(**LEVELS, comparator=cl.Magnitudes(1e-4)),
    "Levels, TwoComparators": cl.Levels(**LEVELS, comparator=cl.TwoComparators(1e-4)),
    "SignedLevels": cl.SignedLevels(401, 2.0),
}
CLOCKS = {
    "Global": cl.Global(),
    "Bernoulli": cl.Bernoulli(0.7),
    "FixedFraction": cl.FixedFraction(0.7),
    "Poisson": cl.Poisson(1.0),
    "Oscillators": cl.Oscillators(0.4, 0.1),
}
OPTIMISERS = {"none": None, "Descent": cl.Descent(), "Momentum": cl.Momentum(0.5), "Adam": cl.Adam()}
BATCHES = {"full": "full", "1": 1, "3": 3, "Epochs(3)": cl.Epochs(3), "a clock": cl.Bernoulli(0.5)}


@cache
def media() -> dict[str, Case]:
    """The media, as small as they can be and yet learn."""
    lattice = cl.networks.lattice(3, 3)
    volts = cl.tasks.regression(lattice, inputs=2, outputs=1, train=6, test=6, seed=1)
    angles = np.random.default_rng(0).uniform(-1, 1, (8, 2))
    dense, square = cl.architectures.dense(2, 4, 2), cl.architectures.square(3, 3, [0, 2], [6, 8])
    phases = {a: cl.tasks.from_arrays(angles, 0.5 * angles[:, ::-1], network=a) for a in (dense, square)}
    halved = cl.Task(x_train=angles, y_train=0.5 * angles[:, ::-1], x_test=angles, y_test=0.5 * angles[:, ::-1])
    found = {
        "resistors, by resistance": Case(cl.Resistors(lattice), volts),
        "resistors, by conductance": Case(cl.Resistors(lattice, parameter="conductance"), volts),
        "XY, dense layers": Case(cl.XY(dense), phases[dense]),
        "XY, lattice": Case(cl.XY(square), phases[square]),
        "circuit of transistors": Case(cl.Circuit(lattice, cl.laws.Ohmic(1.0, 0.0, 1e-3), low=0.05, high=20.0), volts),
        "layered net": Case(cl.DeepResistive((2, 8, 2), gain=2.0), halved),
        "springs (one's own)": Case(Springs(lattice), volts, rate=0.3),
    }
    if HAS_JAX:
        from clockless.media.modules.medium import MLP, Modules

        points = np.random.default_rng(1).uniform(-1, 1, (40, 2))
        halves = cl.tasks.classification(points, points.sum(axis=1) > 0)
        found["neural modules"] = Case(Modules(MLP(2, 8), rate=0.01), halves)
    return found


@cache
def rules() -> dict[str, Any]:
    """The rules, those of modules among them if they can be imported."""
    if not HAS_JAX:
        return RULES
    from clockless.media.modules.methods import DNI, Backprop, LocalLoss

    return {**RULES, "backpropagation": Backprop(), "local losses": LocalLoss(), "synthetic gradients": DNI()}


def replica(case: Case, rule: str, device: str, batch: Any = "full", clock: Any = None, optimiser: Any = None) -> Replica:
    """One replica of a cell; rules that have a rate are told the case's."""
    chosen = rules()[rule]
    names = {each.name for each in fields(chosen)}
    own = {"rate": case.rate} if rule in RULES and "rate" in names else {}
    parts = (replace(chosen, **own), CLOCKS["Global"] if clock is None else clock, DEVICES[device])
    return Replica(case.medium, case.task, *parts, optimiser=optimiser, batch=batch)


# --- what the media say -----------------------------------------------------------------------------------


def refusal(tried: Replica) -> str | None:
    """The sentence with which the medium refuses a replica; None if it takes it."""
    try:
        tried.medium.check(tried)
    except ClocklessError as error:
        return str(error)
    return None


@dataclass(frozen=True)
class Cell:
    """A medium with a rule and a device: the batches that go with them, or the sentence that refuses all."""

    medium: str
    rule: str
    device: str
    batches: tuple[str, ...] = field(default=())
    sentence: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """Rule and device."""
        return self.rule, self.device


@cache
def cells() -> tuple[Cell, ...]:
    """All of them, row by row."""
    return tuple(_cell(medium, rule, device) for rule in rules() for device in DEVICES for medium in media())


def _cell(medium: str, rule: str, device: str) -> Cell:
    said = {name: refusal(replica(media()[medium], rule, device, batch)) for name, batch in BATCHES.items()}
    batches = tuple(name for name, sentence in said.items() if sentence is None)
    sentences = [sentence for sentence in said.values() if sentence]
    # A batch that does not fit hides what else does not: prefer the sentence of another.
    sentence = next((each for each in sentences if "batch" not in each), sentences[-1] if sentences else "")
    return Cell(medium, rule, device, batches, "" if batches else sentence)


def composing(medium: str) -> list[Cell]:
    """The cells of a medium that compose."""
    return [cell for cell in cells() if cell.medium == medium and cell.batches]


def everything() -> Iterator[tuple[str, Replica]]:
    """Every medium x rule x device x optimiser x batch."""
    for name, case in media().items():
        for rule in rules():
            for device in DEVICES:
                for optimiser in OPTIMISERS.values():
                    for batch in BATCHES.values():
                        yield name, replica(case, rule, device, batch, optimiser=optimiser)


# --- the page ----------------------------------------------------------------------------------------------


class Notes:
    """Sentences, numbered as they come."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def number(self, sentence: str) -> str:
        """A link to the sentence."""
        if sentence not in self.sentences:
            self.sentences.append(sentence)
        return f"[{self.sentences.index(sentence) + 1}](#sentences)"

    def lines(self) -> list[str]:
        """All of them."""
        return [f"{number}. {sentence}" for number, sentence in enumerate(self.sentences, 1)]


def _rows_of_cells(notes: Notes) -> list[str]:
    found = {(cell.rule, cell.device, cell.medium): cell for cell in cells()}
    rows = []
    for rule in rules():
        for device in DEVICES:
            marks = []
            for medium in media():
                cell = found[rule, device, medium]
                few = f", batch={cell.batches[0]}" if len(cell.batches) == 1 else ""
                refused = notes.number(cell.sentence) if cell.sentence else "–"
                marks.append(f"yes{few}" if cell.batches else refused)
            rows.append(f"| {rule} | {device} | {' | '.join(marks)} |")
    return rows


def _rows_of(kind: str, values: dict[str, Any], notes: Notes) -> list[str]:
    """A row for each value: with all cells of the medium that compose, with some, or with none."""
    rows = []
    for name, value in values.items():
        marks = []
        for medium, case in media().items():
            said = [
                refusal(replica(case, cell.rule, cell.device, **{"batch": BATCHES[cell.batches[0]], kind: value}))
                for cell in composing(medium)
            ]
            refused = [sentence for sentence in said if sentence]
            word = "yes" if not refused else "no" if len(refused) == len(said) else "some"
            marks.append(word + (f" {notes.number(refused[0])}" if refused else ""))
        rows.append(f"| {kind} | {name} | {' | '.join(marks)} |")
    return rows


def page() -> str:
    """The whole of docs/compose.md."""
    notes, names = Notes(), list(media())
    head = [f"| {' | '.join(names)} |", f"|{'---|' * (len(names) + 2)}"]
    cells_ = _rows_of_cells(notes)
    others = [
        row
        for kind, values in (("clock", CLOCKS), ("optimiser", OPTIMISERS), ("batch", BATCHES))
        for row in _rows_of(kind, values, notes)
    ]
    taken = sum(bool(cell.batches) for cell in cells())
    return "\n".join(
        [
            "# What composes",
            "",
            f"Written by `{HERE}`, which asks every medium about every combination. A test does the same, trains",
            "those that compose, and fails where this page is not what it finds. `yes` learns; a number leads to the",
            "sentence with which a medium refuses, before anything runs.",
            "",
            "## Rules and devices",
            "",
            f"{taken} of {len(cells())} learn. Comparators stand beside their device.",
            "",
            f"| rule | device {head[0]}",
            head[1],
            *cells_,
            "",
            "## Clocks, optimisers and batches",
            "",
            "`yes`: with every rule and device above that composes with the medium; `some`: not with all of them; why not.",
            "",
            f"| noun | value {head[0]}",
            head[1],
            *others,
            "",
            "## Sentences",
            "",
            *notes.lines(),
            "",
        ]
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{PAGE}: {sum(bool(cell.batches) for cell in cells())} of {len(cells())} cells compose")
