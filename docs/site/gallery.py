"""Keeps a small copy of what `clockless reproduce` has made, for the gallery: `python docs/site/gallery.py RESULTS`.

A picture of 800 pixels in 64 colours is a twentieth of the one that it is made from and legible; the numbers of a paper
are one table. What is not in RESULTS stays as it was.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import json
from pathlib import Path
from typing import Any

KEPT = Path(__file__).parent.parent / "gallery"
PAPERS = ("desynchronous", "xy-lattices", "decoupled", "nonlinear", "time")
COLUMNS = ("figure", "flags", "whose", "quantity", "expected", "measured", "interval", "verdict")
VERDICT = {True: "holds", False: "does not hold", None: "not decided"}
WIDTH, COLOURS = 800, 64


def figures(paper: str) -> list[str]:
    """Names of a paper's figures, in their order."""
    return list(importlib.import_module(f"clockless.papers.{paper.replace('-', '_')}").FIGURES)


def rows_of(path: Path, flags: str = "") -> list[dict[str, str]]:
    """The checked numbers of a run, as a reader sees them; `path` is its numbers.json, `flags` those of its command."""
    found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    return [
        {
            "figure": row["figure"], "flags": flags, "whose": row["source"], "quantity": row["quantity"],
            "expected": short(row["expected"]), "measured": short(row["measured"]),
            "interval": "" if row["interval"] is None else " to ".join(short(end) for end in row["interval"]),
            "verdict": VERDICT[row["holds"]],
        }
        for row in found
    ]  # fmt: skip


def short(value: Any) -> str:
    """A number of three digits, anything else as it is."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def kept(paper: str) -> list[dict[str, str]]:
    """The numbers that are kept of a paper."""
    path = KEPT / f"{paper}.csv"
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def keep(results: Path, flags: str = "") -> None:
    """Copy all pictures and numbers that lie in a folder of results, of runs with these flags."""
    from PIL import Image

    for paper in PAPERS:
        rows, new = kept(paper), rows_of(results / paper / "numbers.json", flags)
        for figure in figures(paper):
            made, small = results / paper / f"figure-{figure}.png", KEPT / paper / f"figure-{figure}.png"
            if made.is_file():
                small.parent.mkdir(parents=True, exist_ok=True)
                with Image.open(made) as picture:
                    height = round(picture.height * WIDTH / picture.width)
                    less = picture.convert("RGB").resize((WIDTH, height), Image.Resampling.LANCZOS)
                less.quantize(COLOURS, dither=Image.Dither.NONE).save(small, optimize=True)
        again = {row["figure"] for row in new}
        order = {figure: k for k, figure in enumerate(figures(paper))}
        rows = sorted([row for row in rows if row["figure"] not in again] + new, key=lambda row: order[row["figure"]])
        if rows:
            with (KEPT / f"{paper}.csv").open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, help="folder that `clockless reproduce --out` wrote to")
    parser.add_argument("--flags", default="", help="of those runs, beside --figure, such as '--seed 7'")
    given = parser.parse_args()
    keep(given.results, given.flags)
