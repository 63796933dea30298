"""Gathers what the site is built of: documents, notebooks with their outputs, the reference, the gallery. See `make site`.

The notebooks run here, one after the other in one kernel, and their outputs are what the site shows. The reference has a
page for each room, with every public name; a test compares it with the package.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import inspect
import os
import re
import shutil
import tempfile
from pathlib import Path

import gallery

import clockless as cl

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"

# What the reference says where: a page's title, and the public names on it, in the order in which somebody meets them.
REFERENCE: dict[str, tuple[str, str]] = {
    "networks": ("Networks", "Network networks architectures windows"),
    "media": (
        "Media",
        "Resistors Circuit laws XY TimedResistors RelaxingResistors TimedCircuit RelaxingCircuit RelaxingXY "
        "DeepResistive Modules MLP Medium Bench check "
        "adjoint_gradient",
    ),
    "rules": (
        "Rules",
        "rules CoupledLearning SignRule EquilibriumPropagation Backprop NoBackprop LocalLoss DelayedGradients DNI",
    ),
    "clocks": (
        "Clocks and triggers",
        "clocks Global Bernoulli FixedFraction Poisson Oscillators Dropout "
        "triggers PoissonEvents FreeOscillators SelfTriggered SignChanges Avalanches Ticks",
    ),
    "devices": (
        "Devices and comparators",
        "devices Continuous Levels SignedLevels AnalogMemory Worn Ideal Magnitudes TwoComparators ReadNoise Priced",
    ),
    "optimisers": ("Optimisers and samplers", "optimisers Descent Momentum Adam samplers Epochs Shown"),
    "tasks": ("Tasks", "Task tasks"),
    "runs": ("Training and runs", "train Run load"),
    "experiments": ("Experiments, stores and workers", "Experiment read run Workers Store bundles own_parts"),
    "pictures": ("Pictures and SPICE", "pictures spice"),
    "parts": ("Parts and errors", "parts errors"),
}

NOTEBOOKS = (
    "first-board",
    "collapse",
    "discrete",
    "phases",
    "modules",
    "own-data",
    "own-part",
    "own-medium",
    "spice",
    "cluster",
)
DOCUMENTS = {paper: f"{paper}.md" for paper in gallery.PAPERS}
CONCEPTS = ("medium", "rule", "clock", "device", "task", "experiment", "store")


def reference_pages(folder: Path) -> None:
    """A page for each part of the reference, and their index."""
    folder.mkdir(parents=True)
    lines = ["# Reference", "", "Every public name: `clockless.NAME`, or `cl.NAME` after `import clockless as cl`.", ""]
    lines += ["| page | names |", "|---|---|"]
    for page, (title, words) in REFERENCE.items():
        names = words.split()
        lines.append(f"| [{title}]({page}.md) | {', '.join(f'`{name}`' for name in names)} |")
        (folder / f"{page}.md").write_text(reference_page(title, names), encoding="utf-8")
    lines += ["", "```{toctree}", ":hidden:", *REFERENCE, "```", ""]
    (folder / "index.md").write_text("\n".join(lines), encoding="utf-8")


def reference_page(title: str, names: list[str]) -> str:
    """Names of a page with their signatures and docstrings; of a room, every name that it offers."""
    lines = [f"# {title}", ""]
    for name in names:
        thing = getattr(cl, name)
        lines += [f"## {name}", "", *where(name)]
        if inspect.ismodule(thing):
            said = inspect.getdoc(thing) or ""
            lines += [said.split("\n")[0], ""]
            for each in dir(thing):
                found = getattr(thing, each)
                if not inspect.ismodule(found) and not already(found, names):
                    lines += directive(found, f"{thing.__name__}.{each}")
        else:
            lines += directive(thing, f"{thing.__module__}.{thing.__qualname__}")
    return "\n".join(lines)


def where(name: str) -> list[str]:
    """A line that says in which notebooks and documents a name is used, and where its equation stands."""
    used = re.compile(rf"\bcl\.{name}\b")
    found = []
    for path in [*(DOCS / "notebooks" / f"{each}.md" for each in NOTEBOOKS), *sorted(DOCS.glob("**/*.md"))]:
        text = path.read_text(encoding="utf-8")
        code = "\n".join(re.findall(r"^```(?:python|\{code-cell\} ipython3)\n(.*?)^```", text, re.S | re.M))
        title = re.search(r"^# (.*)$", text, re.M)
        there = path.relative_to(DOCS).as_posix()
        if title and used.search(code) and f"[{title[1]}](../{there})" not in found:
            found.append(f"[{title[1]}](../{there})")
    lines = [f"Examples: {', '.join(found[:4])}.", ""] if found else []
    equations = (DOCS / "equations.md").read_text(encoding="utf-8")
    return [*lines, "Equations: [from equation to code](../equations.md).", ""] if f".{name}" in equations else lines


def already(thing: object, names: list[str]) -> bool:
    """Whether a page has a heading of its own for a thing that a room on it offers, too."""
    return any(getattr(cl, name) is thing for name in names)


def directive(thing: object, path: str) -> list[str]:
    """What asks Sphinx for a class with its members, a function, or a value."""
    if inspect.isclass(thing):
        options = (
            [":members:", ":inherited-members: NamedTuple, Exception, tuple"] if not issubclass(thing, Exception) else []
        )
        return ["```{eval-rst}", f".. autoclass:: {path}", *(f"   {option}" for option in options), "```", ""]
    if callable(thing):
        return ["```{eval-rst}", f".. autofunction:: {path}", "```", ""]
    short = repr(thing) if len(repr(thing)) < 200 else f"{repr(thing)[:200]}..."
    return [f"`{path} = {short}`", ""]


def gallery_page(results: Path) -> str:
    """Every figure of every paper with its numbers and the command that makes it: of `results`, or as it was kept."""
    lines = [
        "# Gallery",
        "",
        "Every reproduced figure, the command that makes it, and what it decides. The command draws the figure in full",
        "size and writes a report with every checked number; `--mnist DIR` names the folder with MNIST where a figure uses",
        "it. The documents say which master seeds had not been looked at when a row was stated.",
        "",
    ]  # fmt: skip
    for paper, document in DOCUMENTS.items():
        module, captions = (
            importlib.import_module(f"clockless.papers.{paper.replace('-', '_')}{part}") for part in ("", ".captions")
        )
        lines += [f"## {module.TITLE}", "", f"{module.CITE}. What it comes to: [{document}]({document}).", ""]
        made, kept = gallery.rows_of(results / paper / "numbers.json"), gallery.kept(paper)
        for figure in module.FIGURES:
            new = results / paper / f"figure-{figure}.png"
            picture = os.path.relpath(new, results) if new.is_file() else f"gallery/{paper}/figure-{figure}.png"
            lines += [f"### {paper}, figure {figure}", "", f"![Figure {figure} of {paper}]({picture})", ""]
            lines += [str(captions.CAPTIONS.get(figure, "")), ""]
            rows = [row for row in (made if new.is_file() else kept) if row["figure"] == figure]
            flags = f" {rows[0]['flags']}" if rows and rows[0]["flags"] else ""
            lines += ["```sh", f"clockless reproduce {paper} --figure {figure}{flags}", "```", "", *numbers(rows)]
    return "\n".join(lines)


def numbers(rows: list[dict[str, str]]) -> list[str]:
    """A table of checked numbers."""
    columns = gallery.COLUMNS[2:]
    table = ["| " + " | ".join(row[name].replace("|", "\\|") for name in columns) + " |" for row in rows]
    return ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|", *table, ""] if table else []


def performance_page() -> str:
    """What the README says of speed."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = re.search(r"^## Speed\n(.*?)^## ", text, re.S | re.M)
    assert section is not None, "the README has a section on speed"
    return f"# Performance\n{section[1]}"


async def run_notebooks(source: Path, target: Path) -> None:
    """Run all notebooks in one kernel, each in a folder and a namespace of its own, and write them with their outputs."""
    import nbformat
    from jupyter_client.manager import AsyncKernelManager
    from myst_nb.core.read import read_myst_markdown_notebook
    from myst_parser.config.main import MdParserConfig
    from nbclient import NotebookClient

    target.mkdir(parents=True)
    manager = AsyncKernelManager(kernel_name="python3")
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    with tempfile.TemporaryDirectory() as room:
        await manager.start_kernel(cwd=room, env=env)
        try:
            for name in NOTEBOOKS:
                text = (source / f"{name}.md").read_text(encoding="utf-8")
                text = re.sub(rf"\]\(({'|'.join(NOTEBOOKS)})\.md\)", r"](\1.ipynb)", text)
                notebook = read_myst_markdown_notebook(text, MdParserConfig(), add_source_map=False)
                begin = f"%reset -f\nimport os; os.makedirs({f'{room}/{name}'!r}); os.chdir({f'{room}/{name}'!r})"
                begin += "\n%matplotlib inline\n%config InlineBackend.figure_formats = ['svg']"
                notebook.cells.insert(0, nbformat.v4.new_code_cell(begin))
                print(f"notebook {name}", flush=True)
                await NotebookClient(notebook, km=manager, timeout=600).async_execute(reset_kc=True)
                del notebook.cells[0]
                nbformat.write(notebook, target / f"{name}.ipynb")
        finally:
            await manager.shutdown_kernel(now=True)


def gather(folder: Path, results: Path, execute: bool = True) -> None:
    """All sources of the site, in a new folder."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(DOCS, folder, ignore=shutil.ignore_patterns("site", "notebooks"))
    for name in ("CHANGELOG.md", "CITATION.cff"):
        shutil.copyfile(ROOT / name, folder / name)
    reference_pages(folder / "reference")
    for path in folder.rglob("*.md"):  # which name the notebooks' sources
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(r"\]\(((?:\.\./)*notebooks/[\w-]+)\.md", r"](\1.ipynb", text), encoding="utf-8")
    (folder / "performance.md").write_text(performance_page(), encoding="utf-8")
    (folder / "gallery.md").write_text(gallery_page(results), encoding="utf-8")
    for path in results.glob("*/figure-*.png"):
        (folder / path.relative_to(results)).parent.mkdir(exist_ok=True)
        shutil.copyfile(path, folder / path.relative_to(results))
    if execute:
        asyncio.run(run_notebooks(DOCS / "notebooks", folder / "notebooks"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--results", type=Path, default=ROOT / "results")
    given = parser.parse_args()
    gather(given.folder, given.results)
