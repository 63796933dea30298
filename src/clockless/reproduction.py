"""Runs the figures of a paper, draws them, checks their numbers, and leaves everything in one folder.

Written to the folder: `figure-N.pdf` and `.png`, the plotted numbers as CSV, and `numbers.json`. Files are written
under a temporary name and moved into place, so that none is ever half-written.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from clockless.claims import Claim, merged
from clockless.errors import OutputError, UnknownFigureError
from clockless.papers import Options

if TYPE_CHECKING:
    import xarray

PAPERS = ("desynchronous",)


def known_figures(paper: str) -> list[str]:
    """Names of the figures of a paper; raises UnknownFigureError for a paper that is not reproduced."""
    if paper not in PAPERS:
        raise UnknownFigureError(f"there is no paper {paper!r} here; reproduced are: {', '.join(PAPERS)}.")
    return list(importlib.import_module(f"clockless.papers.{paper}").FIGURES)


def checked_figures(paper: str, asked: list[str]) -> list[str]:
    """The asked figures, or all; raises UnknownFigureError for one that is not there."""
    known = known_figures(paper)
    for figure in asked:
        if figure not in known:
            raise UnknownFigureError(f"the paper {paper} has no figure {figure!r} here; there are: {', '.join(known)}.")
    return asked or known


class Folder:
    """The output folder of a reproduction; `kept` lists what was written to it.

    Raises:
        OutputError: the folder cannot be made or written to.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.kept: list[Path] = []
        try:
            path.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=path):
                pass
        except OSError as error:
            raise OutputError(f"cannot write to {path} ({error.strerror}); choose another folder with --out.") from None

    @contextlib.contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """Yield a temporary path that becomes `name` if nothing goes wrong."""
        final = self.path / name
        temporary = final.with_name(f".{os.getpid()}-{final.name}")
        try:
            yield temporary
            os.replace(temporary, final)
        except OSError as error:
            raise OutputError(f"cannot write {final} ({error.strerror}); free some space or choose another --out.") from None
        finally:
            temporary.unlink(missing_ok=True)
        self.kept.append(final)

    def keep_data(self, name: str, data: xarray.Dataset) -> None:
        """Write the recorded errors of a dataset as CSV, with its settings in comment lines."""
        variable = data.error if data.error.ndim > 1 else data[["error"]]
        with self.writing(f"{name}.csv") as path, path.open("w", encoding="utf-8", newline="") as file:
            for key, value in data.attrs.items():
                file.writelines(f"# {key}: {line}\n" for line in str(value).splitlines())
            variable.to_dataframe().to_csv(file)


def reproduce(
    paper: str, figures: list[str], folder: Folder, options: Options, say: Callable[[str], None] = print
) -> list[Claim]:
    """Run, draw and check the figures; returns their claims, which also stand in numbers.json."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    papers = importlib.import_module(f"clockless.papers.{paper}")
    drawings = importlib.import_module(f"clockless.figures.{paper}")
    claims: list[Claim] = []
    for figure in figures:
        data = papers.FIGURES[figure](options)
        for name, dataset in data.datasets.items():
            folder.keep_data(name, dataset)
        picture = drawings.DRAW[figure](data.datasets)
        for kind in ("pdf", "png"):
            with folder.writing(f"figure-{figure}.{kind}") as path:
                picture.savefig(path, format=kind)
        plt.close(picture)
        claims += data.claims
        with folder.writing("numbers.json") as path:
            path.write_text(json.dumps(merged(folder.path / "numbers.json", data.claims, [figure]), indent=1) + "\n")
        say(f"figure {figure}: {folder.path / f'figure-{figure}.png'}")
    return claims
