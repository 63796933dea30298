"""Random choices of one input, which follow from the subject, the seed and the input's number alone."""

from __future__ import annotations

import random
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, TypeVar

T = TypeVar("T")


class Chance(random.Random):
    """A generator that is seeded by a hash of (subject, seed, number): no input depends on those before it."""

    @classmethod
    def of(cls, subject: str, seed: int, number: int) -> Chance:
        """The choices of one input."""
        return cls(int.from_bytes(blake2b(f"{subject}/{seed}/{number}".encode(), digest_size=8).digest(), "little"))

    def one(self, among: Sequence[T]) -> T:
        """One of several."""
        return among[self.randrange(len(among))]

    def with_odds(self, odds: float) -> bool:
        """Whether something with these odds happens."""
        return self.random() < odds

    def few(self, most: int = 4) -> int:
        """A small count from 1, each a third as likely as the one before."""
        count = 1
        while count < most and self.with_odds(1 / 3):
            count += 1
        return count

    def span(self, length: int, longest: int = 64) -> slice:
        """A slice of something with so many items, mostly short."""
        first = self.randrange(length + 1)
        return slice(first, min(length, first + self.randrange(1, 2 ** self.randrange(1, longest.bit_length() + 1))))


def shown(value: Any, most: int = 4000) -> str:
    """What a finding says of an input, abridged in its middle."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= most else f"{text[: most // 2]} [.. {len(text) - most} characters ..] {text[-most // 2 :]}"
