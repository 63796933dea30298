"""The code blocks of README and docs run as they stand, and say what they mean."""

import importlib
import importlib.util
import inspect
import json
import re
import sys
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import pytest
from PIL import Image

import clockless
from rigs.scripts import scripts

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "concepts").glob("*.md")])
SHORT = {"quick-start.md", "how-to.md", "citing.md"}  # whose blocks, like those of concepts, run in this process


def is_short(document):
    return document.name in SHORT or document.parent.name == "concepts"


def blocks(short):
    """The Python blocks of documents, as parameters of a test."""
    return [
        pytest.param(block, id=f"{document.name}-{index}")
        for document in DOCUMENTS
        if is_short(document) == short
        for index, block in enumerate(
            re.findall(r"^```python\n(.*?)^```", document.read_text(encoding="utf-8"), re.S | re.M)
        )
    ]


@pytest.mark.parametrize("block", blocks(True))
def test_short_block_runs(block, tmp_path, monkeypatch):
    """Each Python block of quick start, how-to and concepts runs by itself."""
    matplotlib.use("Agg")
    monkeypatch.chdir(tmp_path)
    exec(block, {"__name__": "__main__"})
    plt.close("all")


@pytest.fixture(scope="module")
def interpreter(tmp_path_factory):
    """Where scripts run."""
    with scripts(tmp_path_factory.mktemp("scripts") / "output", {"MPLBACKEND": "Agg"}) as found:
        yield found


@pytest.mark.parametrize("block", blocks(False))
def test_block_runs(block, tmp_path, interpreter):
    """Each Python block runs as a script by itself, in a process of its own."""
    (tmp_path / "block.py").write_text(block, encoding="utf-8")
    code, said = interpreter.run(tmp_path / "block.py", tmp_path)
    assert code == 0, said


def test_scripts_are_processes_that_import_the_package_themselves(interpreter, tmp_path):
    """Nothing of ours is there before, one script leaves nothing to the next, and what fails says so."""
    for text, code, said in (
        ("import sys; print([m for m in sys.modules if m.startswith('clockless')]); import clockless", 0, "[]\n"),
        ("import sys; print('clockless' in sys.modules, __name__, sys.argv[0][-8:])", 0, "False __main__ block.py\n"),
        ("import atexit; atexit.register(print, 'last'); raise SystemExit(3)", 3, "last\n"),
        ("1 / 0", 1, "ZeroDivisionError: division by zero\n"),
        ("import os; os.kill(os.getpid(), 9)", -9, ""),
    ):
        (tmp_path / "block.py").write_text(text)
        found = interpreter.run(tmp_path / "block.py", tmp_path)
        assert found[0] == code
        assert found[1].endswith(said)


def test_readme_example_does_what_it_says():
    """The comments of the README's example hold: dims, shapes, a figure, and learning."""
    matplotlib.use("Agg")
    block = re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S | re.M)[0]
    names: dict = {}
    exec(block, names)
    assert set(names["run"].data.sizes) == {"clock", "step", "edge"}
    assert names["run"].parameters.dims == ("clock", "edge")
    assert names["voltages"].tolist() == pytest.approx([0.0, 0.5, 1.0, 0.5])
    error = names["run"].error
    assert (error.isel(step=0) == 1).all()
    assert (error.isel(step=-1, clock=0) < 1e-6).all()
    assert error.isel(step=-1, clock=2) > error.isel(step=-1, clock=0)


def test_readme_table_does_what_it_says():
    """The machine that learned the table tells the new insect's class by name."""
    block = re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S | re.M)[1]
    names: dict = {}
    exec(block, names)
    assert names["task"].class_names[int(names["seen"][0])] == "bee"
    assert names["run"].accuracy > 0.8


ROOMS = (
    "learning.events",
    "parts",
    "numerics",
    "media.resistors",
    "media.resistors.in_time",
    "media.resistors.relaxing",
    "media.circuits",
    "media.circuits.in_time",
    "media.phases",
    "media.phases.relaxing",
    "media.layered",
    "media.modules",
)


def site_pages():
    """The module that gathers the site's pages."""
    spec = importlib.util.spec_from_file_location("site_pages", ROOT / "docs" / "site" / "pages.py")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(ROOT / "docs" / "site"))  # where it finds `gallery`, as a script does
    spec.loader.exec_module(module)
    sys.path.pop(0)
    return module


def made_pages():
    """Pages of the site that no document is, as if they lay among the documents."""
    names = ["gallery.md", "performance.md", "CHANGELOG.md", "CITATION.cff", "reference/index.md"]
    names += [f"reference/{page}.md" for page in site_pages().REFERENCE]
    return {(ROOT / "docs" / name).resolve() for name in names}


def test_the_reference_has_every_public_name():
    """Each name that `cl.` offers stands once in the reference, and says what it is; rooms show each of theirs."""
    pages = site_pages()
    names = [name for _, words in pages.REFERENCE.values() for name in words.split()]
    assert len(names) == len(set(names))
    assert set(names) == set(clockless.__all__) - {"__version__"}
    for title, words in pages.REFERENCE.values():
        text = pages.reference_page(title, words.split())
        for name in words.split():
            thing = getattr(clockless, name)
            assert f"## {name}\n" in text
            assert inspect.getdoc(thing), f"{name} says nothing"
            assert inspect.ismodule(thing) or "Examples: " in "".join(pages.where(name)), f"no document uses {name}"
            if inspect.ismodule(thing):
                offered = [each for each in dir(thing) if not inspect.ismodule(getattr(thing, each))]
                missing = [each for each in offered if not re.search(rf"{thing.__name__}\.{each}( = |\n)", text)]
                assert [each for each in missing if not pages.already(getattr(thing, each), words.split())] == []


def test_the_gallery_has_every_figure(tmp_path):
    """Every figure of every paper stands in the gallery, with its picture, its numbers, and the command that makes them."""
    pages = site_pages()
    text = pages.gallery_page(tmp_path)
    for paper in pages.gallery.PAPERS:
        rows = pages.gallery.kept(paper)
        for figure in pages.gallery.figures(paper):
            assert re.search(rf"clockless reproduce {paper} --figure {figure}( --seed \d+| --tiny)?\n", text)
        assert {row["figure"] for row in rows} <= set(pages.gallery.figures(paper))
        assert len({row["figure"] for row in rows}) >= 0.8 * len(pages.gallery.figures(paper))  # some only show something
        assert {row["verdict"] for row in rows} <= set(pages.gallery.VERDICT.values())
    for target in re.findall(r"\]\(([^)]+)\)", text):
        assert (ROOT / "docs" / target).exists(), target


def test_the_gallery_keeps_small_pictures_and_all_numbers(tmp_path, monkeypatch):
    """Of figures that were run again; the others stay as they were."""
    gallery = site_pages().gallery
    monkeypatch.setattr(gallery, "KEPT", tmp_path / "kept")
    made = tmp_path / "results" / "time"
    made.mkdir(parents=True)
    (tmp_path / "kept").mkdir()
    row = {"source": "theory", "quantity": "a", "expected": 0.123456, "measured": 1, "interval": [0.5, 2.0], "holds": True}
    for holds, figures in ((None, ("2", "1")), (False, ("2",))):
        (made / "numbers.json").write_text(json.dumps([{**row, "figure": each, "holds": holds} for each in figures]))
        figure = plt.figure(figsize=(7, 3), dpi=300)
        figure.savefig(made / "figure-2.png")
        gallery.keep(tmp_path / "results")
    first, second = gallery.kept("time")
    assert (first["figure"], first["verdict"], second["figure"], second["verdict"]) == (
        "1", "not decided", "2", "does not hold",
    )  # fmt: skip
    assert (first["whose"], first["expected"], first["interval"]) == ("theory", "0.123", "0.5 to 2")
    with Image.open(tmp_path / "kept" / "time" / "figure-2.png") as small:
        assert small.size == (800, 343)


def site_check():
    """The module that looks at a built site."""
    spec = importlib.util.spec_from_file_location("site_check", ROOT / "docs" / "site" / "check.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SOUND = (
    '<link rel="stylesheet" href="style.css"><h1 id="top">x</h1><a href="#top">y</a><a href="https://doi.org/10.1/x">z</a>'
)


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (SOUND, None),
        ('<a href="gone.html">x</a>', "gone.html leads nowhere"),
        ('<a href="index.html#gone">x</a>', "no such place"),
        ('<a href="#gone">x</a>', "no such place"),
        ('<a href="/index.html">x</a>', "does not work from a file"),
        ('<img src="gone.png">', "gone.png leads nowhere"),
        ('<script src="https://cdn.example.org/x.js"></script>', "from elsewhere"),
        ('<script src="//cdn.example.org/x.js"></script>', "from elsewhere"),
        ('<link rel="stylesheet" href="far.css">', "far.css loads https://fonts.example.org/f.woff from elsewhere"),
    ],
)
def test_the_check_of_the_site_finds_what_is_wrong(tmp_path, page, said):
    (tmp_path / "style.css").write_text("p { background: url(data:image/png;base64,xx) }")
    (tmp_path / "index.html").write_text(page)
    if "far.css" in page:
        (tmp_path / "far.css").write_text("@font-face { src: url(https://fonts.example.org/f.woff) }")
    found = site_check().troubles(tmp_path)
    assert (found == []) if said is None else any(said in sentence for sentence in found)


def test_the_site_lists_all_documents():
    """No document is left out of the first page's contents, and none is named that is not there."""
    text = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    listed = {line for block in re.findall(r"```{toctree}\n(.*?)```", text, re.S) for line in block.split("\n")[3:] if line}
    there = {path.relative_to(ROOT / "docs").with_suffix("").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    made = {path.relative_to(ROOT / "docs").with_suffix("").as_posix() for path in made_pages() if path.suffix == ".md"}
    made = {name for name in made if not name.startswith("reference/") or name == "reference/index"}
    assert {line for line in listed if not line.startswith(":")} == (there | made) - {"index"}


def names_in_equations():
    """What the tables of docs/equations.md name, such as `rules.CoupledLearning.change`."""
    text = (ROOT / "docs" / "equations.md").read_text(encoding="utf-8")
    rows = [line.split(" | ", 2)[-1] for line in text.splitlines() if line.startswith("| ")]
    return sorted({name for row in rows for name in re.findall(r"`((?!papers)[a-z]+\.[\w.]+)", row)})


@pytest.mark.parametrize("name", names_in_equations())
def test_equations_name_what_is_there(name):
    module, *attributes = name.split(".")
    paths = [f"clockless.{room}.{module}" for room in ROOMS]
    found = [path for path in paths if importlib.util.find_spec(path) is not None]
    assert found, f"no room has a module {module}"
    if found[0].startswith("clockless.media.modules"):
        pytest.importorskip("jax")
    thing = [importlib.import_module(path) for path in found]
    for attribute in attributes:
        thing = [getattr(each, attribute) for each in thing if hasattr(each, attribute)]
        assert thing, name


def test_links_between_documents_lead_somewhere():
    """Relative links of the documents name files that exist, or pages that the site makes."""
    made = made_pages()
    for document in [*DOCUMENTS, *(ROOT / "docs" / "notebooks").glob("*.md")]:
        for target in re.findall(r"\]\((?!https?://)([^)#]+)", document.read_text(encoding="utf-8")):
            there = (document.parent / target).resolve()
            assert there.exists() or there in made, f"{document.name} -> {target}"
