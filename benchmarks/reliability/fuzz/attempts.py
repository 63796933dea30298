"""One input tried, and what came of it."""

from __future__ import annotations

import os
import shutil
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import clockless
from clockless.errors import ClocklessError
from fuzz.chance import Chance, shown
from fuzz.guard import Guard

ACCEPTED, REFUSED = "accepted", "refused"
KINDS = {  # of findings
    "traceback": "an exception that is none of the package's own",
    "exit code": "another exit code than 0, 1 or 2, or 2 without a sentence",
    "hang": "more than 10 s of computing, or 120 s of waiting",
    "memory": "more memory than the 6 GiB that the process may have",
    "crash": "the process died",
    "outside": "a file written, a process started or a connection made that nobody asked for",
    "code": "code run on merely reading",
    "wrong": "another number than the right one, without a word",
    "nonsense": "accepted, though it means nothing",
    "sentence": "an error whose text is empty, or fills a page",
}
_SENTENCE = 2000  # characters, at most


class Finding(Exception):
    """Raised by a subject that has seen what must not be."""

    def __init__(self, kind: str, what: str, place: str = "") -> None:
        assert kind in KINDS
        super().__init__(what)
        self.kind, self.place = kind, place or _alike(what)


@dataclass
class Outcome:
    """What came of an input: accepted, refused, or a finding.

    Attributes:
        place: file and function of the package where it arose, or what else tells findings apart.
        what: sentence or traceback.
        input: what was tried, to be read.
    """

    number: int
    kind: str
    place: str = ""
    what: str = ""
    input: str = ""

    @property
    def is_finding(self) -> bool:
        """Whether it must not be."""
        return self.kind not in (ACCEPTED, REFUSED)

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


@dataclass
class Case:
    """What a subject is given: the choices of one input, and an empty folder, which is the working folder, too."""

    number: int
    chance: Chance
    folder: Path
    fixtures: Path
    guard: Guard
    notes: int  # handle of a file that is there when the process is not
    caught: list[warnings.WarningMessage] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)

    def shows(self, *values: Any) -> None:
        """Keep what is tried, for whoever reads a finding."""
        for value in values:
            self.seen.append(shown(value))
            os.write(self.notes, self.seen[-1].encode("utf-8", "backslashreplace") + b"\n")

    @contextmanager
    def quietly(self) -> Iterator[None]:
        """Make the input, unwatched."""
        folder, self.guard.folder = self.guard.folder, None
        try:
            yield
        finally:
            self.guard.folder = folder


class Subject(Protocol):
    """Something of the package that is fed with odd inputs."""

    def prepare(self, fixtures: Path) -> None:
        """Whatever the inputs start from; once in a process, in an empty folder."""

    def attempt(self, case: Case) -> None:
        """Make an input and try it; whatever it raises is judged by `tried`."""


def tried(subject: Subject, case: Case) -> Outcome:
    """Try one input."""
    number = case.number
    outcome = Outcome(number, ACCEPTED)
    try:
        with case.guard.within(case.folder), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            case.caught = caught
            subject.attempt(case)
    except ClocklessError as error:
        outcome = Outcome(number, REFUSED, what=str(error))
        text = str(error)
        if not text.strip() or len(text) > _SENTENCE:
            outcome = Outcome(number, "sentence", _place(error), shown(text))
    except Finding as finding:
        outcome = Outcome(number, finding.kind, finding.place, str(finding))
    except MemoryError as error:
        outcome = Outcome(number, "memory", _place(error), traceback.format_exc())
    except BaseException as error:  # noqa: BLE001 (whatever it is, it is what is looked for)
        outcome = Outcome(number, "traceback", f"{type(error).__name__} in {_place(error)}", traceback.format_exc())
    if case.guard.escapes:
        kind, what = case.guard.escapes[0]
        outcome = Outcome(number, kind, Path(what.split()[0]).name, "\n".join(what for _, what in case.guard.escapes))
    outcome.input = "\n".join(case.seen)
    return outcome


def _place(error: BaseException) -> str:
    """The innermost function of the package that an exception passed."""
    package = str(Path(clockless.__file__).parent)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(package)]
    return f"{Path(frames[-1].filename).name}:{frames[-1].name}" if frames else "outside the package"


def _alike(text: str) -> str:
    """A text without its numbers and quotations, so that findings of one kind are counted together."""
    words = ["#" if any(c.isdigit() or c in "'\"[{" for c in word) else word for word in text.split()]
    return " ".join(words)[:100]


def emptied(folder: Path) -> None:
    """Make a folder empty, whatever lies in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
