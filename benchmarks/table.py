"""Run all benchmarks and print the table of the README: `python benchmarks/table.py`.

Exit code 0 if every time limit held.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


def main() -> int:
    argparse.ArgumentParser(description=__doc__).parse_args()  # an argument that nobody reads shall not run for minutes
    with tempfile.TemporaryDirectory() as temporary:
        stored = Path(temporary, "benchmarks.json")
        command = [sys.executable, "-m", "pytest", "-q", str(FOLDER), f"--benchmark-json={stored}"]
        done = subprocess.run(command, stdout=sys.stderr)
        rows = json.loads(stored.read_text())["benchmarks"] if stored.exists() and stored.stat().st_size else []
    print("| what | size | ours | baseline | ratio |", "| --- | --- | --- | --- | --- |", sep="\n")
    for row in rows:
        if "ratio" in row["extra_info"]:
            print(line(row["extra_info"]))
    return done.returncode


def line(info: dict[str, Any]) -> str:
    """One row of the table."""
    ours = duration(info["ours"])
    if "megabytes" in info:
        ours += f", {info['megabytes']:.0f} MB"
    baseline = f"{duration(info['baseline'])} ({info['against']})"
    return f"| {info['what']} | {info['size']} | {ours} | {baseline} | {rounded(info['ratio'])} |"


def duration(seconds: float) -> str:
    """A time with two or three digits and its unit."""
    if seconds >= 60:
        return f"{rounded(seconds / 60)} min"
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= scale:
            return f"{rounded(seconds / scale)} {unit}"
    return f"{seconds * 1e6:.2f} us"


def rounded(number: float) -> str:
    """Two decimals below 10, one below 30, none above."""
    return f"{number:.{2 if number < 10 else 1 if number < 30 else 0}f}"


if __name__ == "__main__":
    sys.exit(main())
