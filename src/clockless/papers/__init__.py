"""One module per paper: its figures, the experiment behind each, and the numbers to expect.

A paper module has `TITLE`, `CITE` and `FIGURES`, which maps a figure's name to a function of `Options` that returns the
labelled data and claims of that figure. `NEEDS`, if there is one, names for a figure the data (of `Options.data`) without
which it is left out. Drawing is in its `drawings`, under the same stems: `DRAW`
maps a figure's name to a function of its datasets that returns a matplotlib figure, and never simulates.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clockless.papers.claims import Claim
from clockless.workers.progress import Update

if TYPE_CHECKING:
    import xarray

    from clockless.experiments.experiment import Experiment


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
        stores: folder of the stores that experiments run in, so that what has been computed is never computed again; in
            memory if None.
        full: more of it, where a figure has more to give: other numbers of replicas and updates, for hours.
        data: folders of data that are not part of the package, such as {"mnist": folder with its four files}.
    """

    tiny: bool = False
    threads: int | None = None
    seed: int = 0
    progress: Callable[[str], Any] | None = None
    keep: Callable[[str, xarray.Dataset], None] | None = None
    limits: dict[str, int] = field(default_factory=dict)
    stores: Path | None = None
    data: dict[str, Path] = field(default_factory=dict)
    full: bool = False

    def showing(self, title: str) -> AbstractContextManager[Update | None]:
        """A progress display, or None if there is nobody to look at it."""
        return self.progress(title) if self.progress else nullcontext()

    def run(self, experiment: Experiment, update: Update | None = None) -> xarray.Dataset:
        """The results of an experiment, at the steps that it asks for; `update` is told (replica-steps done, in all)."""
        from clockless.workers.run import results_of

        data = results_of(experiment, self.stores, self.threads, update)
        return data.sel(step=experiment.record) if isinstance(experiment.record, list) else data


@dataclass(frozen=True)
class FigureData:
    """What a figure is drawn from, and what it says in numbers."""

    datasets: dict[str, xarray.Dataset]
    claims: list[Claim]
