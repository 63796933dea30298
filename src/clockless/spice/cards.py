"""The lines of a netlist, without comments, continuations joined, each with its number; and SPICE's numbers.

The first line of a netlist is its title, whatever it says. A line that begins with `*` is a comment, and so is the rest of a
line after `;`, ` $` or ` //`. A line that begins with `+` goes on with the one before. Case does not matter.
"""

from __future__ import annotations

import os
import re
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import NamedTuple, NoReturn

from clockless.errors import SpiceError, shown

_SCALES = {"t": 12, "g": 9, "k": 3, "m": -3, "u": -6, "µ": -6, "μ": -6, "n": -9, "p": -12, "f": -15}
_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:[ed]([+-]?\d{1,4}))?([a-zµμω°%]*)$")
_MOST_BYTES = 1 << 28


class Card(NamedTuple):
    """A line of a netlist with its continuations, in small letters."""

    source: str  # the file, as sentences name it
    line: int
    text: str

    @property
    def words(self) -> list[str]:
        """Its words, where parentheses and commas separate as blanks do; `a = 1` and `a=1` are one word."""
        return re.sub(r"\s*=\s*", "=", re.sub(r"[(),\s]+", " ", self.text)).split()

    def refuse(self, what: str) -> NoReturn:
        """Raise the sentence of this line."""
        raise SpiceError(f"{self.source}, line {self.line}: {what}")

    def number(self, text: str, what: str) -> float:
        """What a number with its suffix means.

        Raises:
            SpiceError: it is none; the sentence calls it `what`.
        """
        found = _NUMBER.match(text)
        if not found:
            self.refuse(f"{what} is {shown(text)}; give a number such as 4.7k, 2meg or 1e-3.")
        mantissa, exponent, suffix = found.groups()
        if suffix[:1] in ("e", "d"):
            self.refuse(f"{what} is {shown(text)}, whose exponent is missing; give a number such as 4.7k, 2meg or 1e-3.")
        if suffix[:1] == "a":
            self.refuse(
                f"{what} is {shown(text)}: the suffix a is 1e-18 in some programs and amperes in others; leave it out."
            )
        if suffix.startswith("mil"):
            mantissa, power = str(Decimal(mantissa) * Decimal("25.4")), -6
        else:
            power = 6 if suffix.startswith("meg") else _SCALES.get(suffix[:1], 0)
        try:  # in decimal, so that 2.2u is the double nearest to 2.2e-6
            value = float(Decimal(mantissa).scaleb(int(exponent or 0) + power))
        except (InvalidOperation, OverflowError):
            value = float("inf")
        if value in (float("inf"), float("-inf")):
            self.refuse(f"{what} is {shown(text)}, which no double can hold; give a smaller number.")
        return value

    def settings(self, words: list[str]) -> dict[str, str]:
        """What words of the form name=value say.

        Raises:
            SpiceError: a word of another form, or a name that is said twice.
        """
        found: dict[str, str] = {}
        for word in words:
            name, equals, value = word.partition("=")
            if not (name and equals and value):
                self.refuse(f"{shown(word)} is not understood here; name=value is expected, or nothing more.")
            if name in found:
                self.refuse(f"{name} is given twice; give it once.")
            found[name] = value
        return found


class Deck(NamedTuple):
    """A netlist as lines: its title, the comments right below it, and its cards up to `.end`."""

    title: str
    notes: tuple[str, ...]
    cards: list[Card]
    last: Card  # where it ends, for what is missing


def deck_in(path: str | os.PathLike[str]) -> Deck:
    """The lines of a netlist file.

    Raises:
        SpiceError: it cannot be read, is no text, or ends before `.end`.
    """
    source = str(path)
    try:
        if os.path.getsize(path) > _MOST_BYTES:
            raise SpiceError(
                f"{source} has more than {_MOST_BYTES:,} bytes, which no netlist of ours has; give a smaller one."
            )
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SpiceError(f"cannot read {source}: {error.strerror or error}; check the path.") from None
    except UnicodeDecodeError:
        raise SpiceError(f"{source} is not a text file; give a SPICE netlist.") from None
    return deck_of(text, source)


def deck_of(text: str, source: str = "netlist") -> Deck:
    """The lines of a netlist; raises as `deck_in`."""
    lines = text.split("\n")
    title = lines[0].rstrip("\r")
    notes: list[str] = []
    cards: list[Card] = []
    for number, line in enumerate(lines[1:], start=2):
        bare = line.strip()
        if bare.startswith("*") and not cards and len(notes) == number - 2:
            notes.append(line.rstrip("\r").removeprefix("*").removeprefix(" "))
        meant = _without_comment(bare).lower()
        if not meant:
            continue
        if meant.startswith("+"):
            if not cards:
                Card(source, number, meant).refuse("it goes on with the line before (+), but there is none; remove the +.")
            cards[-1] = cards[-1]._replace(text=f"{cards[-1].text} {meant[1:].strip()}")
            continue
        cards.append(Card(source, number, meant))
        if meant.split()[0] == ".end":
            return Deck(title, tuple(notes), cards[:-1], cards[-1])
    whole = text.rstrip("\n").count("\n") + 1
    raise SpiceError(f"{source}, line {whole}: the netlist stops here without .end; it is cut off, or .end is missing.")


def _without_comment(line: str) -> str:
    if line.startswith(("*", "$", "//", ";")):
        return ""
    return re.split(r";|\s\$|\s//", line, maxsplit=1)[0].strip()
