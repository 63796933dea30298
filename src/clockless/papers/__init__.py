"""One module per paper: its figures, the experiment behind each, and the numbers to expect.

A paper module has `TITLE`, `CITE` and `FIGURES`, which maps a figure's name to a function of `Options` that returns the
labelled data and claims of that figure. Drawing is in `clockless.figures`, under the same stem.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from clockless.claims import Claim

if TYPE_CHECKING:
    import xarray


@dataclass(frozen=True)
class Options:
    """How much of a figure to run, and whom to tell.

    Attributes:
        tiny: a small version, in seconds.
        threads: worker threads, all cores if None.
        seed: the master seed.
        progress: makes a progress display from a title; a context manager that yields a function of (done, total).
        keep: called with (name, dataset) as soon as a part of the figure is finished.
        limits: numbers by which a figure can be cut short, such as {"pairs": 1}.
    """

    tiny: bool = False
    threads: int | None = None
    seed: int = 0
    progress: Callable[[str], Any] | None = None
    keep: Callable[[str, xarray.Dataset], None] | None = None
    limits: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class FigureData:
    """What a figure is drawn from, and what it says in numbers."""

    datasets: dict[str, xarray.Dataset]
    claims: list[Claim]
