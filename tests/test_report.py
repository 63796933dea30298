"""The report is one well-formed page that needs nothing else, says each number, and is the same for the same input."""

import base64
import json
import re
import struct
import sys
import zlib
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest
import xarray

from clockless.errors import OutputError
from clockless.papers import FigureData, Options, reproduction
from clockless.papers.claims import Claim, Source
from clockless.papers.report import Section, number, page
from clockless.papers.reproduction import Folder, reproduce

VOID = {"meta", "link", "img", "br", "hr", "input"}
NASTY = "<b>a & b</b> \"c\" 'd'"


def png(width=3, height=2):
    """The bytes of a grey picture."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\x80" * width) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


class Page(HTMLParser):
    """A parsed page: whether its tags balance, its elements with attributes, and its text by element."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.elements, self.cells = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        assert len(dict(attrs)) == len(attrs), f"an attribute twice in {tag}"
        self.elements.append((tag, dict(attrs)))
        self.cells.append((tag, []))
        if tag not in VOID:
            self.open.append((tag, len(self.cells) - 1))

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> without a beginning"
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        for _, index in self.open:
            self.cells[index][1].append(data)

    def texts(self, *tags):
        """The texts of all elements with these tags, in order."""
        return [" ".join("".join(parts).split()) for tag, parts in self.cells if tag in tags]


SAID = Source("paper", "A. Author, doi 10.1/x")
CLAIMS = [
    Claim("1b", "failed replicas", 0, 0, 2, source=Source("none", "nobody")),
    Claim("1b", "spread at equal updates", 0.0, 0.0773, 0.02127, "The curves fall on one.", "Up to step 900.", source=SAID),
    Claim("1b", "gain", 1.0, 0.0, 0.5, source=SAID, criterion="above", half=0.125),
    Claim("2", "exponent", -0.5, 1.25e-7, float("nan"), source=Source("theory", "eq. 3")),
    Claim("2", "slope", 0, 0.25, 0.5, source=Source("theory", "eq. 4"), criterion="within", half=0.5, decided=False),
]


def made(claims=CLAIMS, scope="This report covers everything.", title="Learning", cite="A. Author, J. 1 (2022), doi 10.1/x"):
    """A page of two figures from made-up claims."""
    sections = [Section(f, png(), f"What {f} shows.", [c for c in claims if c.figure == f]) for f in ("1b", "2")]
    return page(title, cite, scope, {"Size": "tiny", "Master seed": "7", "Command": "clockless reproduce it"}, sections)


def test_page_is_well_formed_and_whole():
    """Tags balance, every id is there once, every link inside the page has an end, language and character set are said."""
    shown = Page(made())
    assert made().startswith("<!DOCTYPE html>")
    assert ("html", {"lang": "en"}) in shown.elements
    assert ("meta", {"charset": "utf-8"}) in shown.elements
    ids = [attributes["id"] for _, attributes in shown.elements if "id" in attributes]
    assert ids == ["figure-1b", "zoom-1b", "figure-2", "zoom-2"]
    inside = {attributes["href"][1:] for _, attributes in shown.elements if attributes.get("href", "").startswith("#")}
    assert inside == {"figure-1b", "figure-2"}
    for_ = [attributes["for"] for tag, attributes in shown.elements if tag == "label"]
    assert for_ == ["zoom-1b", "zoom-2"], "a picture is its switch's label"


def test_nothing_is_fetched_from_elsewhere():
    """Pictures are data; only the text of a DOI is a link outwards, and the style names no address."""
    text = made(cite="B. Writer, J. Chem. Phys. 156 (2022), doi 10.1063/5.0084631.")
    shown = Page(text)
    sources = [attributes["src"] for _, attributes in shown.elements if "src" in attributes]
    assert len(sources) == 2
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    outward = [(tag, a["href"]) for tag, a in shown.elements if a.get("href", "#")[:1] != "#" and a["href"] != "data:,"]
    assert outward == [("a", "https://doi.org/10.1063/5.0084631")]
    assert "10.1063/5.0084631" in shown.texts("a")
    assert not {"script", "iframe", "object", "form"} & {tag for tag, _ in shown.elements}
    assert "url(" not in text
    assert "@import" not in text


def test_every_figure_is_embedded_with_its_caption():
    """The bytes of each picture come back from the page; each has a caption and a text for those who do not see it."""
    shown = Page(made())
    images = [attributes for tag, attributes in shown.elements if tag == "img"]
    assert [base64.b64decode(image["src"].partition(",")[2]) for image in images] == [png(), png()]
    assert [(image["alt"], image["width"], image["height"]) for image in images] == [
        ("Figure 1b", "2", "1"),
        ("Figure 2", "2", "1"),
    ]
    assert shown.texts("figcaption") == ["What 1b shows.", "What 2 shows."]
    assert shown.texts("h2") == ["Contents", "Figure 1b", "Figure 2"]


def test_tables_say_numbers_and_verdicts():
    """Quantity, words, expected, measured, tolerance, verdict, source and note stand in a row; a table for each source, the
    paper's first."""
    shown = Page(made())
    assert shown.texts("h3") == ["What the paper says", "Checks of our own runs, expected by nobody", "What theory says"]
    assert len(shown.texts("tr")) == 4 + 3 + 2 + 3
    assert Page(rows_of(made(), 0)).texts("th", "td") == [
        "Claim", "In words", "Expected", "Measured", "Tolerance", "Verdict", "Where it is said", "Note",
        "spread at equal updates", "The curves fall on one.", "0", "0.02127", "0.0773", "✓ holds", "A. Author, doi 10.1/x",
        "Up to step 900.",
        "gain", "", "> 1", "0.5 [0.375, 0.625]", "", "✗ does not hold", "A. Author, doi 10.1/x", "",
    ]  # fmt: skip
    assert Page(rows_of(made(), 1)).texts("td") == ["0", "2", "0", "✗ does not hold", "nobody"]
    assert Page(rows_of(made(), 2)).texts("th", "td")[6:] == [
        "exponent", "−0.5", "not a number", "1.25 × 10−7", "✗ does not hold", "eq. 3",
        "slope", "0", "0.5 [0, 1]", "within ± 0.25", "not decided at this size", "eq. 4",
    ]  # fmt: skip


def rows_of(text, index):
    """The source of one table of a page."""
    return "<table>" + text.split("<table>")[index + 1].split("</table>")[0] + "</table>"


def test_summary_counts_and_names_what_does_not_hold():
    """n of m claims by whose they are, what is undecided apart; those that do not hold are named at the top, the paper's
    first."""
    text = made()
    sums = [words for words in Page(text).texts("p") if words.startswith(("What", "Checks"))]
    assert sums == [
        "What the paper says: 1 of 2 claims hold.",
        "What theory says: 0 of 1 claim holds. 1 not decided at this size.",
        "Checks of our own runs, expected by nobody: 0 of 1 claim holds.",
    ]
    assert Page(text).texts("li") == [
        "Figure 1b (paper): gain",
        "Figure 2 (theory): exponent",
        "Figure 1b (none): failed replicas",
        "Figure 1b (paper): spread at equal updates",
        "Figure 1b: 1 of 3 claims hold.",
        "Figure 2: 0 of 1 claim holds. 1 not decided at this size.",
    ]
    assert "Not holding" not in made(CLAIMS[1:2])
    assert "No claims were checked." in made([])


def test_the_first_screen_says_what_holds_and_whose_expectation_it_was():
    """A table of counts stands before everything but the title: holds, does not hold, not decided, by whose they are."""
    text = made()
    assert text.index('class="verdicts"') < text.index("This report covers") < text.index("<img")
    table = Page(text.split('class="verdicts">')[1].split("</table>")[0].join(["<table>", "</table>"]))
    assert table.texts("th", "td") == [
        "Whose expectation", "✓ holds", "✗ does not hold", "not decided here",
        "What the paper says", "1", "1", "0",
        "What theory says", "0", "1", "1",
        "Checks of our own runs, expected by nobody", "0", "1", "0",
    ]  # fmt: skip


def test_it_reads_on_light_and_on_dark():
    """Every colour of the style is a variable with a value for either look; only pictures keep their white ground."""
    style = made().split("<style>")[1].split("</style>")[0]
    assert "color-scheme: light dark" in style
    light, dark = style.split("prefers-color-scheme: dark")
    names = set(re.findall(r"(--[a-z]+):", light))
    rest = dark.partition("}\n}")
    assert names == set(re.findall(r"(--[a-z]+):", rest[0]))
    assert set(re.findall(r"var\((--[a-z]+)\)", rest[2])) <= names
    screen = rest[2].split("@media print")[0]
    assert re.findall(r"#[0-9a-f]{3,8}\b", screen) == ["#fff"]


def test_everything_is_escaped():
    """Signs that mean something in HTML are text wherever words come from outside."""
    claims = [Claim("1b", NASTY, 0, 1, 0, NASTY, NASTY, source=Source("paper", NASTY))]
    sections = [Section("1b", png(), NASTY, claims)]
    text = page(NASTY, NASTY + " doi 10.1/a<b>&c", NASTY, {NASTY: NASTY}, sections)
    shown = Page(text)
    assert "<b>" not in text
    plain = "<b>a & b</b> \"c\" 'd'"
    assert shown.texts("h1") == [f"Reproduced: {plain}"]
    assert shown.texts("figcaption") == shown.texts("dt") == shown.texts("dd") == [plain]
    assert [shown.texts("td")[k] for k in (3, -2, -1)] == [plain, plain, plain]
    odd = Page(page("t", "c", "s", {}, [Section('"><x>', png(), "", claims)]))
    assert "x" not in {tag for tag, _ in odd.elements}


def test_same_input_gives_the_same_bytes():
    """Nothing of the time, the machine or the process is in the page."""
    assert made().encode() == made().encode()


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (143, "143"),
        (np.int64(-3), "−3"),
        (20_000, "20000"),
        (0.49081, "0.4908"),
        (-0.0, "0"),
        (1.5e-8, "1.5 × 10<sup>−8</sup>"),
        (3.21e12, "3.21 × 10<sup>12</sup>"),
        (float("inf"), "∞"),
        (np.float64("nan"), "not a number"),
    ],
)
def test_numbers_are_for_readers(value, shown):
    """Whole numbers are whole, extreme ones powers of ten, and what is not finite is a word or its sign."""
    assert number(value) == shown


@pytest.fixture
def paper(monkeypatch):
    """A made-up paper of two figures that need no simulation; returns its module."""

    def drawn(datasets):
        from matplotlib.figure import Figure

        return Figure((1, 1))

    def figure(name):
        data = xarray.Dataset(
            {"a": (("task", "p"), np.ones((2, 3))), "b": ("p", [1.0, 2.0, 3.0]), "c": ("p", [0, 1, 0]), "d": 4.0},
            {"p": [0.1, 0.5, 1.0]}, {"version": "0"},
        )  # fmt: skip
        claim = Claim(name, "a number", 1.0, 0.1, 1.05, "Said so.", source=SAID)
        return lambda options: FigureData({f"figure-{name}": data}, [claim])

    module = SimpleNamespace(
        TITLE="Made up", CITE="Nobody, doi 10.1234/none", CAPTIONS={"1": "The first."}, FIGURES={k: figure(k) for k in "12"}
    )
    monkeypatch.setitem(reproduction.PAPERS, "made_up", "made_up")
    monkeypatch.setitem(sys.modules, "clockless.papers.made_up", module)
    monkeypatch.setitem(sys.modules, "clockless.papers.made_up.drawings", SimpleNamespace(DRAW={"1": drawn, "2": drawn}))
    return module


def test_reproduction_writes_the_report(paper, tmp_path):
    """The page has the run's figures, captions, settings and command; its place is told; a second run gives it again."""
    said = []
    folder = Folder(tmp_path)
    claims = reproduce("made_up", ["1", "2"], folder, Options(tiny=True, seed=3, limits={"pairs": 1}), said.append)
    assert [claim.figure for claim in claims] == ["1", "2"]
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    shown = Page(text)
    assert shown.texts("h2") == ["Contents", "Figure 1", "Figure 2"]
    assert shown.texts("figcaption") == ["The first."]
    assert "This report covers every figure that is reproduced here." in text
    assert dict(zip(shown.texts("dt"), shown.texts("dd"), strict=True))["Command"] == (
        "clockless reproduce made_up --figure 1 --figure 2 --tiny --seed 3 --pairs 1"
    )
    assert said[-1] == f"report: {tmp_path / 'report.html'}"
    assert len(folder.kept) == len(set(folder.kept))
    reproduce("made_up", ["1", "2"], Folder(tmp_path), Options(tiny=True, seed=3, limits={"pairs": 1}), said.append)
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == text
    entries = json.loads((tmp_path / "numbers.json").read_text())
    assert [(entry["figure"], entry["source"], entry["says"]) for entry in entries] == [
        ("1", "paper", "Said so."), ("2", "paper", "Said so."),
    ]  # fmt: skip
    assert [(entry["decided"], entry["holds"]) for entry in entries] == [(False, None)] * 2  # tiny, and no row for tiny


def test_report_of_one_figure_says_so(paper, tmp_path):
    """A report of a part names the part and the rest."""
    reproduce("made_up", ["2"], Folder(tmp_path), Options(), lambda line: None)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "This report covers figure 2 only. Reproduced here as well, but not asked for: figure 1." in text
    assert Page(text).texts("h2") == ["Figure 2"]


def test_a_run_that_is_stopped_leaves_the_report_of_what_it_finished(paper, tmp_path):
    """After Ctrl-C in the second figure the page has the first and says that the second is missing."""

    def stopped(options):
        raise KeyboardInterrupt

    paper.FIGURES["2"] = stopped
    with pytest.raises(KeyboardInterrupt):
        reproduce("made_up", ["1", "2"], Folder(tmp_path), Options(), lambda line: None)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "This report covers figure 1 only. When it was written, figure 2 had not been finished." in text


def test_a_report_that_cannot_be_written_is_one_sentence(paper, tmp_path):
    """Where something stands in its place the error says what and what to do; no temporary file is left."""
    (tmp_path / "report.html").mkdir()
    with pytest.raises(OutputError, match=r"cannot write .*report\.html \(.+\); .* --out\.$") as caught:
        reproduce("made_up", ["1"], Folder(tmp_path), Options(), lambda line: None)
    assert len(str(caught.value).splitlines()) == 1
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_data_without_errors_is_kept_whole(paper, tmp_path):
    """Variables over the same dimensions share a CSV file; settings stand in comment lines."""
    folder = Folder(tmp_path)
    reproduce("made_up", ["1"], folder, Options(), lambda line: None)
    tables = {path.name: path.read_text().splitlines() for path in tmp_path.glob("*.csv")}
    assert {name: lines[1] for name, lines in tables.items()} == {
        "figure-1_task-p.csv": "task,p,a",
        "figure-1_p.csv": "p,b,c",
        "figure-1_single.csv": "row,d",
    }
    assert all(lines[0] == "# version: 0" for lines in tables.values())
    assert len(tables["figure-1_task-p.csv"]) == 2 + 6
    folder.keep_data("alone", xarray.Dataset({"b": ("p", [1.0, 2.0])}, {"p": [0.1, 0.5]}))
    assert (tmp_path / "alone.csv").read_text() == "p,b\n0.1,1.0\n0.5,2.0\n"
