"""Runs the figures of a paper, draws them, checks their numbers, and leaves everything in one folder.

Written to the folder: `figure-N.pdf` and `.png`, the plotted numbers as CSV, `numbers.json`, and `report.html`, which shows
all of this run on one page. Files are written under a temporary name and moved into place, so that none is ever
half-written.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import tempfile
import threading
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clockless import __version__, disk
from clockless.errors import OutputError, StoreError, UnknownFigureError
from clockless.papers import Options
from clockless.papers.claims import Claim, merged, sized
from clockless.papers.report import Section, page

if TYPE_CHECKING:
    import xarray

PAPERS = {
    "desynchronous": "desynchronous", "xy-lattices": "xy_lattices", "decoupled": "decoupled", "nonlinear": "nonlinear",
    "time": "time",
}  # user's name: module  # fmt: skip


def known_figures(paper: str, data: Collection[str] = ()) -> list[str]:
    """Names of the figures of a paper, without those that need data which are not among the named `data`.

    Raises:
        UnknownFigureError: a paper that is not reproduced, or that uses no such data.
    """
    if paper not in PAPERS:
        raise UnknownFigureError(f"there is no paper {paper!r} here; reproduced are: {', '.join(PAPERS)}.")
    papers, needs = _module("", paper), _needs(paper)
    for name in data:
        if name not in {*needs.values(), *getattr(papers, "USES", ())}:
            raise UnknownFigureError(f"no figure of {paper} uses --{name}; leave it out.")
    return [figure for figure in papers.FIGURES if figure not in needs or needs[figure] in data]


def checked_figures(paper: str, asked: list[str], data: Collection[str] = ()) -> list[str]:
    """The asked figures, or all; raises UnknownFigureError for one that is not there, or whose data are not named."""
    known = known_figures(paper, data)
    for figure in asked:
        if figure not in known:
            if figure in _needs(paper):
                raise UnknownFigureError(
                    f"figure {figure} needs data that do not come along; name their folder with --{_needs(paper)[figure]}."
                )
            raise UnknownFigureError(f"the paper {paper} has no figure {figure!r} here; there are: {', '.join(known)}.")
    return asked or known


def _module(package: str, paper: str) -> Any:
    """The paper's data and claims (""), or its drawings (".drawings")."""
    return importlib.import_module(f"clockless.papers.{PAPERS[paper]}{package}")


def _needs(paper: str) -> dict[str, str]:
    """Figures that are left out unless the user names the data they need."""
    return getattr(_module("", paper), "NEEDS", {})


class Folder:
    """The output folder of a reproduction; `kept` lists what was written to it.

    Raises:
        OutputError: the folder cannot be made or written to.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.kept: list[Path] = []
        self._data: dict[str, xarray.Dataset] = {}
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
        try:
            with disk.replacing(final) as temporary:
                yield temporary
        except (OSError, StoreError) as error:
            if isinstance(error, OutputError):
                raise
            reason = "something else has its name" if isinstance(error, StoreError) else error.strerror
            raise OutputError(f"cannot write {final} ({reason}); free some space or choose another --out.") from None
        if final not in self.kept:
            self.kept.append(final)

    def keep_data(self, name: str, data: xarray.Dataset) -> None:
        """Write a dataset as CSV, with its settings in comment lines.

        Of a learning run `error` is written, and what has the same dimensions. Of any other dataset everything is: one
        file for the variables over the same dimensions, named after these where there are several such files. What has
        been written already is not written again.
        """
        if self._data.get(name) is data:
            return
        self._data[name] = data
        if "error" in data and data.error.ndim:
            like = [variable for variable, values in data.data_vars.items() if set(values.dims) == set(data.error.dims)]
            self._keep_table(name, data.attrs, data[like])
            return
        groups: dict[tuple[Any, ...], list[Any]] = {}
        for variable, values in data.data_vars.items():
            groups.setdefault(tuple(dim for dim in data.dims if dim in values.dims), []).append(variable)
        for dims, variables in groups.items():
            part = "" if len(groups) == 1 else "_" + ("-".join(map(str, dims)) or "single")
            self._keep_table(name + part, data.attrs, data[variables] if dims else data[variables].expand_dims("row"))

    def _keep_table(self, name: str, settings: dict[Any, Any], data: xarray.DataArray | xarray.Dataset) -> None:
        with self.writing(f"{name}.csv") as path, path.open("w", encoding="utf-8", newline="") as file:
            for key, value in settings.items():
                file.writelines(f"# {key}: {line}\n" for line in str(value).splitlines())
            data.to_dataframe().to_csv(file)

    def keep_report(self, paper: str, asked: list[str], sections: list[Section], options: Options) -> None:
        """Write report.html on the figures in `sections`, the finished ones of those asked for."""
        papers = _module("", paper)
        known = known_figures(paper, options.data)
        text = page(
            papers.TITLE, papers.CITE, _scope(asked, [section.figure for section in sections], known),
            _settings(paper, asked, options), sections,
        )  # fmt: skip
        with self.writing("report.html") as path:
            path.write_text(text, encoding="utf-8", newline="\n")


def _scope(asked: list[str], done: list[str], known: list[str]) -> str:
    """Which of the paper's figures a report is about."""
    if done == known:
        return "This report covers every figure that is reproduced here."
    sentence = f"This report covers {_named(done)} only."
    if missing := [figure for figure in asked if figure not in done]:
        sentence += f" When it was written, {_named(missing)} had not been finished."
    if others := [figure for figure in known if figure not in asked]:
        sentence += f" Reproduced here as well, but not asked for: {_named(others)}."
    return sentence


def _named(figures: list[str]) -> str:
    return f"{'figure' if len(figures) == 1 else 'figures'} {', '.join(figures)}"


def _settings(paper: str, asked: list[str], options: Options) -> dict[str, str]:
    """What decides the numbers of a run, and the command that repeats it."""
    sizes = [f"--{size}" for size in ("tiny", "full") if getattr(options, size)]
    flags = [*(f"--figure {figure}" for figure in asked), *sizes, f"--seed {options.seed}"]
    flags += [f"--{name} {value}" for name, value in options.limits.items()]
    flags += [f"--{name} {name.upper()}" for name in options.data]  # where a folder is says nothing about the numbers
    size = "tiny: few tasks and steps, to see that everything runs; leave out --tiny for the full size"
    return {
        "Size": size if options.tiny else "twice the boards and updates" if options.full else "full",
        "Master seed": str(options.seed),
        **({"Cut short": ", ".join(f"{name}: {value}" for name, value in options.limits.items())} if options.limits else {}),
        "Version": f"clockless {__version__}",
        "Command": f"clockless reproduce {paper} {' '.join(flags)}",
    }


def reproduce(
    paper: str, figures: list[str], folder: Folder, options: Options, say: Callable[[str], None] = print
) -> list[Claim]:
    """Run, draw and check the figures; returns their claims, which also stand in numbers.json and report.html."""
    import matplotlib

    matplotlib.use("Agg")
    # Importing these takes a second, which fits into the compiling of the first run.
    drawing = threading.Thread(target=lambda: [importlib.import_module(name) for name in ("xarray", "matplotlib.pyplot")])
    drawing.start()
    papers, drawings = _module("", paper), _module(".drawings", paper)
    captions = getattr(papers, "CAPTIONS", {})
    sections: list[Section] = []
    for figure in figures:
        data = papers.FIGURES[figure](options)
        claims = sized(data.claims, options.tiny)
        drawing.join()
        for name, dataset in data.datasets.items():
            folder.keep_data(name, dataset)
        picture = drawings.DRAW[figure](data.datasets)
        for kind in ("png", "pdf"):
            with folder.writing(f"figure-{figure}.{kind}") as path:
                picture.savefig(path, format=kind, dpi=300)  # the house style's is no longer in force here
            picture.set_layout_engine("none")  # laid out once; doing it again takes a second
        importlib.import_module("matplotlib.pyplot").close(picture)
        png = (folder.path / f"figure-{figure}.png").read_bytes()
        sections.append(Section(figure, png, captions.get(figure, ""), claims))
        with folder.writing("numbers.json") as path:
            path.write_text(json.dumps(merged(folder.path / "numbers.json", claims, [figure]), indent=1) + "\n")
        folder.keep_report(paper, figures, sections, options)  # after every figure, so that one stopped later is there
        say(f"figure {figure}: {folder.path / f'figure-{figure}.png'}")
    say(f"report: {folder.path / 'report.html'}")
    return [claim for section in sections for claim in section.claims]
