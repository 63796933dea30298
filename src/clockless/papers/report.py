"""One page that shows a reproduction: settings, pictures, and what the paper says beside what was measured.

`page` returns a whole HTML document that needs no other file and no network: pictures are embedded, the style stands in its
head. The same arguments give the same text; there is no date in it.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from clockless.papers.claims import SOURCES, Claim, by_source, counted

_DOI = re.compile(r"(10\.\d{4,9}/[^\s\"<>]*[^\s\"<>.,;)\]])")

_STYLE = """
:root { color-scheme: light dark; --text: #1a1a1a; --page: #fff; --soft: #555; --line: #bbb; --shadow: #0004;
  --link: #00507f; --holds: #00507f; --fails: #8f3500; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e4e4e4; --page: #15181b; --soft: #a5abb0; --line: #4a5056; --shadow: #fff4;
    --link: #7cc4f0; --holds: #7cc4f0; --fails: #ffa877; }
}
html { scroll-behavior: smooth; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body { margin: 0 auto; max-width: 62rem; padding: 1rem; color: var(--text); background: var(--page);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0.5rem 0; }
h3 { font-size: 1rem; margin: 1.2rem 0 0; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 0.5rem; padding-top: 0.6rem; border-top: 1px solid var(--line); }
a { color: var(--link); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.15rem 1rem; margin: 1rem 0; }
dt { color: var(--soft); }
dd { margin: 0; min-width: 0; }
code { font: 0.9em/1.4 ui-monospace, "DejaVu Sans Mono", monospace; }
nav ul { columns: 16rem; padding-left: 1.2rem; margin: 0.3rem 0; }
nav h2 { margin-top: 1.2rem; }
nav li { break-inside: avoid; }
figure { margin: 1rem 0; }
img { display: block; max-width: 100%; height: auto; background: #fff; border-radius: 3px; }
figcaption { margin-top: 0.5rem; max-width: 46rem; color: var(--soft); }
.zoom { position: absolute; opacity: 0; }
.zoom + label { display: block; cursor: zoom-in; }
.zoom:focus-visible + label { outline: 3px solid var(--link); outline-offset: 3px; }
.zoom:checked + label { position: fixed; inset: 0; z-index: 1; overflow: auto; padding: 1rem; cursor: zoom-out;
  background: var(--page); }
.zoom:checked + label img { max-width: none; width: auto; min-width: 100%; }
summary { cursor: pointer; }
.sum { font-size: 1.15rem; font-weight: 600; margin: 1rem 0 0.3rem; }
.verdicts { width: auto; font-size: 1rem; }
.verdicts td, .verdicts th { padding-right: clamp(0.4rem, 2vw, 1.4rem); min-width: 0; white-space: normal; }
.scroll { overflow-x: auto; /* a shadow at a side where more is to be scrolled to */
  background: linear-gradient(to right, var(--page) 40%, transparent) left / 2rem 100% no-repeat local,
    linear-gradient(to left, var(--page) 40%, transparent) right / 2rem 100% no-repeat local,
    linear-gradient(to right, var(--shadow), transparent) left / 0.6rem 100% no-repeat scroll,
    linear-gradient(to left, var(--shadow), transparent) right / 0.6rem 100% no-repeat scroll; }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem; line-height: 1.4; }
th, td { text-align: left; vertical-align: top; padding: 0.4rem 0.8rem 0.4rem 0; border-bottom: 1px solid var(--line); }
thead th { border-bottom: 2px solid var(--soft); white-space: nowrap; }
tbody th { font-weight: 400; min-width: 10rem; }
.words { min-width: 9rem; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.verdict { white-space: nowrap; padding-left: 0.6rem; }
td.verdict { font-weight: 600; }
.holds { color: var(--holds); }
.open { color: var(--soft); }
.fails { color: var(--fails); text-decoration: underline; text-decoration-thickness: 2px; }
footer { margin-top: 2.5rem; padding-top: 0.6rem; border-top: 1px solid var(--line); color: var(--soft);
  font-size: 0.9rem; }
@media print {
  @page { margin: 15mm; }
  :root { color-scheme: light; --text: #1a1a1a; --page: #fff; --soft: #555; --line: #bbb; --link: #00507f;
    --holds: #00507f; --fails: #8f3500; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  .scroll { overflow: visible; background: none; }
  table { font-size: 8pt; }
  tbody th, .words { min-width: 0; }
  figure, tr { break-inside: avoid; }
  h2 { break-after: avoid; }
}
"""


@dataclass(frozen=True)
class Section:
    """A figure of the report.

    Attributes:
        figure: its name, such as 1b.
        png: the picture's bytes.
        caption: what it shows; may be empty.
        claims: what was checked on it.
    """

    figure: str
    png: bytes
    caption: str
    claims: Sequence[Claim]


def page(title: str, cite: str, scope: str, settings: Mapping[str, str], sections: Sequence[Section]) -> str:
    """The report as an HTML document.

    Args:
        title: title of the paper.
        cite: what to cite; DOIs in it become links.
        scope: a sentence that says which of the paper's figures this is.
        settings: what the run was made with, by name.
        sections: the figures in their order.
    """
    claims = [claim for section in sections for claim in section.claims]
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{_setting(name, value)}</dd>\n" for name, value in settings.items())
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<link rel="icon" href="data:,">
<title>Reproduced: {escape(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<header>
<h1>Reproduced: {escape(title)}</h1>
<p>{_linked(cite)}</p>
</header>
<main>
{_sums(claims)}{_verdicts(claims)}{_failures(sections)}<p>{escape(scope)}</p>
{_contents(sections)}<dl>
{rows}</dl>
{"".join(_section(section) for section in sections)}</main>
<footer>
<p>Every row says whose expectation it is: the paper's, theory's, that of an earlier run or another program of ours, never
published, or nobody's. Expected with a sign &gt; or &lt;: it holds if the whole interval of the measured value lies on that
side. Within a tolerance: it holds if the whole interval (of 90 % where numbers.json says no other) lies within expected ±
tolerance, which are two one-sided tests at 5 %. All others hold if |measured − expected| ≤ tolerance. Beside this page
stand the pictures as PDF and PNG, the plotted numbers as CSV, and all checked numbers with their sources, intervals,
criteria and the dates of their thresholds at full precision in numbers.json.</p>
</footer>
</body>
</html>
"""


def _section(section: Section) -> str:
    name = escape(section.figure)
    caption = f"<figcaption>{escape(section.caption)}</figcaption>\n" if section.caption else ""
    data = base64.b64encode(section.png).decode("ascii")
    # The first chunk of a PNG states its size. Shown at half of it, a picture is as sharp as dense screens allow.
    width, height = (int.from_bytes(section.png[at : at + 4], "big") for at in (16, 20))
    return f"""<section id="figure-{name}">
<h2>Figure {name}</h2>
<figure>
<input type="checkbox" class="zoom" id="zoom-{name}" aria-label="Figure {name} in its full size">
<label for="zoom-{name}">
<img alt="Figure {name}" width="{(width + 1) // 2}" height="{(height + 1) // 2}" src="data:image/png;base64,{data}">
</label>
{caption}</figure>
{_table(section)}</section>
"""


def _table(section: Section) -> str:
    """The claims of a figure; columns that no claim fills are left out."""
    if not section.claims:
        return "<p>No number of this figure is checked.</p>\n"
    return "".join(_group(section.figure, whose, claims) for whose, claims in by_source(section.claims).items())


def _group(figure: str, whose: str, claims: Sequence[Claim]) -> str:
    says = any(claim.says for claim in claims)
    note = any(claim.remarks for claim in claims)
    head = [
        ("Claim", ""), *([("In words", "words")] if says else []), ("Expected", "number"), ("Measured", "number"),
        ("Tolerance", "number"), ("Verdict", "verdict"), ("Where it is said", "words"),
        *([("Note", "words")] if note else []),
    ]  # fmt: skip
    cells = "".join(f'<th scope="col"{_class(kind)}>{text}</th>' for text, kind in head)
    rows = "".join(_row(claim, says, note) for claim in claims)
    return f"""<h3>{SOURCES[whose]}</h3>
<p>{counted(claims)}</p>
<div class="scroll" role="region" tabindex="0" aria-label="Claims of figure {escape(figure)}: {SOURCES[whose]}">
<table>
<thead><tr>{cells}</tr></thead>
<tbody>
{rows}</tbody>
</table>
</div>
"""


def _row(claim: Claim, says: bool, note: bool) -> str:
    cells = [f'<th scope="row">{escape(claim.quantity)}</th>']
    if says:
        cells.append(f'<td class="words">{escape(claim.says)}</td>')
    sign = {"above": "&gt; ", "below": "&lt; "}.get(claim.criterion, "")
    interval = f" [{', '.join(number(end, 3) for end in claim.interval)}]" if claim.interval else ""
    tolerance = "" if sign else ("within ± " if claim.criterion == "within" else "") + number(claim.tolerance)
    cells += [
        f'<td class="number">{text}</td>'
        for text in (sign + number(claim.expected), number(claim.measured) + interval, tolerance)
    ]
    kind, mark = (("holds", "✓ ") if claim.holds else ("fails", "✗ ")) if claim.decided else ("open", "")
    cells.append(f'<td class="verdict {kind}">{mark}{claim.verdict}</td>')
    cells.append(f'<td class="words">{_linked(claim.source.cite)}</td>')
    if note:
        cells.append(f'<td class="words">{escape(claim.remarks)}</td>')
    return f"<tr>{''.join(cells)}</tr>\n"


def number(value: float, digits: int = 4) -> str:
    """`value` as a reader wants it, in HTML: whole numbers whole, very large and very small ones as powers of ten."""
    if math.isnan(value):
        return "not a number"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if float(value).is_integer() and abs(value) < 1e6:
        return f"{int(value)}".replace("-", "−")
    mantissa, _, power = f"{value:.{digits}g}".replace("-", "−").partition("e")
    return f"{mantissa} × 10<sup>{power.replace('+', '').replace('−0', '−').lstrip('0')}</sup>" if power else mantissa


def _sums(claims: Sequence[Claim]) -> str:
    """How many claims hold, by whose they are."""
    if not claims:
        return f'<p class="sum">{counted(claims)}</p>\n'
    return "".join(f'<p class="sum">{SOURCES[whose]}: {counted(group)}</p>\n' for whose, group in by_source(claims).items())


def _verdicts(claims: Sequence[Claim]) -> str:
    """How many claims hold, do not, and are not decided, by whose expectation they are."""
    if not claims:
        return ""
    rows = []
    for whose, group in by_source(claims).items():
        decided = [claim.holds for claim in group if claim.decided]
        counts = (("holds", sum(decided)), ("fails", len(decided) - sum(decided)), ("open", len(group) - len(decided)))
        cells = "".join(f'<td class="number{f" {kind}" if count else ""}">{count}</td>' for kind, count in counts)
        rows.append(f'<tr><th scope="row">{SOURCES[whose]}</th>{cells}</tr>\n')
    heads = "".join(f'<th scope="col"{_class("number" if k else "")}>{word}</th>' for k, word in enumerate(_COLUMNS))
    return f"""<table class="verdicts">
<thead><tr>{heads}</tr></thead>
<tbody>
{"".join(rows)}</tbody>
</table>
"""


_COLUMNS = ("Whose expectation", "✓ holds", "✗ does not hold", "not decided here")


def _failures(sections: Sequence[Section]) -> str:
    """The claims that do not hold, with links to their figures, those of the paper first; and those that do, folded."""
    pairs = [(section, claim) for section in sections for claim in section.claims if claim.decided]
    pairs.sort(key=lambda pair: list(SOURCES).index(pair[1].source.whose))  # stable
    items = {
        holds: "".join(
            f"<li>{_link(section)} ({claim.source.whose}): {escape(claim.quantity)}</li>\n"
            for section, claim in pairs
            if claim.holds is holds
        )
        for holds in (False, True)
    }
    failed = f"<p>✗ Not holding:</p>\n<ul>\n{items[False]}</ul>\n" if items[False] else ""
    held = f"<details><summary>✓ Holding</summary>\n<ul>\n{items[True]}</ul>\n</details>\n" if items[True] else ""
    return failed + held


def _contents(sections: Sequence[Section]) -> str:
    """The table of contents: each figure with how many of its claims hold; nothing where there is one figure."""
    if len(sections) < 2:
        return ""
    items = "".join(f"<li>{_link(section)}: {counted(section.claims)}</li>\n" for section in sections)
    return f'<nav aria-label="Contents">\n<h2>Contents</h2>\n<ul>\n{items}</ul>\n</nav>\n'


def _link(section: Section) -> str:
    name = escape(section.figure)
    return f'<a href="#figure-{name}">Figure {name}</a>'


def _setting(name: str, value: str) -> str:
    return f"<code>{escape(value)}</code>" if name == "Command" else escape(value)


def _linked(cite: str) -> str:
    """`cite` with its DOIs as links."""
    parts = _DOI.split(cite)  # text, DOI, text, DOI, .., text
    return "".join(
        f'<a href="https://doi.org/{escape(part)}">{escape(part)}</a>' if k % 2 else escape(part)
        for k, part in enumerate(parts)
    )


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""
