"""ngspice as another opinion: many netlists solved by one process, whose answers are read with all their bits.

ngspice starts without the user's own settings (.spiceinit), in a folder of its own that is removed afterwards.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from clockless.errors import NgspiceError
from clockless.spice.elements import GROUND
from clockless.spice.netlist import LOOSE, TIGHT, Netlist

_TOGETHER = 200  # netlists a process solves
_VARIABLE = re.compile(r"^\s*\d+\s+v\((\S+)\)\s", re.MULTILINE)
_COUNTS = re.compile(r"^No\. Variables:\s*(\d+)\s*^No\. Points:\s*1\s*$", re.MULTILINE)
_TOLD = re.compile(r"error|singular|no convergence|aborted|too large", re.IGNORECASE)


def solve(netlist: Netlist, timeout: float = 60.0) -> np.ndarray:
    """Voltages [node] at which ngspice finds the netlist at rest.

    Raises:
        NgspiceError: ngspice is not installed, does not end within `timeout` seconds, or finds no such state.
    """
    (volts,) = solve_all([netlist], timeout)
    if volts is None:
        raise NgspiceError(f"ngspice found no state of {netlist.title}: {_reason(netlist, timeout)}")
    return volts


def solve_all(netlists: Sequence[Netlist], timeout: float = 60.0) -> list[np.ndarray | None]:
    """Voltages [node] of every netlist, None where ngspice finds no state even with looser tolerances; `timeout` is in
    seconds for each 200 netlists.

    Raises:
        NgspiceError: ngspice is not installed, or does not end in time.
    """
    found: list[np.ndarray | None] = []
    for first in range(0, len(netlists), _TOGETHER):
        found += _solved(netlists[first : first + _TOGETHER], TIGHT, timeout)
    missing = [k for k, volts in enumerate(found) if volts is None]
    if missing:
        for k, volts in zip(missing, _solved([netlists[k] for k in missing], LOOSE, timeout), strict=True):
            found[k] = volts
    return found


def program() -> str:
    """Where ngspice is.

    Raises:
        NgspiceError: it is not installed.
    """
    path = shutil.which("ngspice")
    if path is None:
        raise NgspiceError(
            "ngspice is not installed: no program of that name is on the path; install it (Debian: apt-get install ngspice)."
        )
    return path


def version() -> str:
    """What ngspice calls itself, such as "ngspice-39"; raises NgspiceError if it is not installed."""
    said = _told([program(), "--version"], None, 30.0)
    found = re.search(r"ngspice-\S+", said)
    return found[0] if found else "ngspice"


def _solved(netlists: Sequence[Netlist], options: str, timeout: float) -> list[np.ndarray | None]:
    with tempfile.TemporaryDirectory(prefix="clockless-ngspice-") as name:
        folder, lines = Path(name), ["* many", ".control", "set filetype=binary"]
        for k, netlist in enumerate(netlists):
            (folder / f"{k}.cir").write_text(netlist.text(options, commands=False), encoding="utf-8")
            lines += [f"source {k}.cir", "op", f"write {k}.raw", "remcirc", "destroy all"]
        (folder / "many.cir").write_text("\n".join([*lines, "quit", ".endc", ".end", ""]), encoding="utf-8")
        _told([program(), "-n", "-b", "many.cir"], folder, timeout)
        return [_volts(folder / f"{k}.raw", netlist) for k, netlist in enumerate(netlists)]


def _told(command: list[str], folder: Path | None, timeout: float) -> str:
    try:
        done = subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise NgspiceError(
            f"ngspice did not end within {timeout:g} s and was stopped; a netlist may have no state, or give it more time."
        ) from None
    except OSError as error:
        raise NgspiceError(f"ngspice cannot be started: {error.strerror or error}; check {command[0]}.") from None
    return done.stdout.decode(errors="replace")


def _volts(path: Path, netlist: Netlist) -> np.ndarray | None:
    """Voltages [node] in a raw file of an operating point; None if there is none, as where ngspice came to no rest."""
    try:
        head, _, body = path.read_bytes().partition(b"Binary:\n")
    except FileNotFoundError:
        return None
    text = head.decode(errors="replace")
    counts = _COUNTS.search(text)
    if counts is None or "Plotname: Operating Point" not in text or len(body) < 8 * int(counts[1]):
        return None
    values = np.frombuffer(body, dtype="<f8")
    by_name = {found[1]: values[_place(found[0])] for found in _VARIABLE.finditer(text)}
    by_name["0"] = 0.0
    volts = np.array([by_name.get(name, np.nan) for name in netlist.names])
    return volts if np.isfinite(volts).all() else None


def _place(line: str) -> int:
    return int(line.split()[0])


def _reason(netlist: Netlist, timeout: float) -> str:
    """What ngspice says of a netlist that it found no state of."""
    with tempfile.TemporaryDirectory(prefix="clockless-ngspice-") as name:
        (Path(name) / "one.cir").write_text(netlist.text(LOOSE), encoding="utf-8")
        said = _told([program(), "-n", "-b", "one.cir"], Path(name), timeout)
    lines = [line.strip() for line in said.splitlines() if _TOLD.search(line)]
    return lines[0] if lines else "it says nothing of why."


_STEPS = 20_000  # of a transient analysis, at least


def transient(netlist: Netlist, capacity: Any, start: Any, times: Any, timeout: float = 60.0) -> np.ndarray:
    """Voltages [time, node] at `times` in seconds after the voltages `start` [node], as ngspice follows them.

    Args:
        netlist: what stands between the nodes, with its sources.
        capacity: from every node to ground, farads, a number or [node]; sources hold their nodes whatever it is.

    Raises:
        NgspiceError: ngspice is not installed, does not end in time, or comes to no end of the analysis.
    """
    at, count = np.atleast_1d(np.asarray(times, dtype=np.float64)), len(netlist.names)
    last, free = float(at.max()), [k for k in range(count) if k not in netlist.held and netlist.names[k] != "0"]
    farads, begin = (np.broadcast_to(each, count) for each in (capacity, start))
    cards = [f"C{k} {netlist.names[k]} 0 {float(farads[k])!r} ic={float(begin[k])!r}" for k in free]
    text = netlist.text(f"{TIGHT} trtol=1 method=trap", commands=False).removesuffix(".end\n")
    control = [
        ".control", "set filetype=binary", f"tran {last / 100!r} {last!r} 0 {last / _STEPS!r} uic", "write run.raw", "quit",
        ".endc", ".end", "",
    ]  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="clockless-ngspice-") as name:
        (Path(name) / "run.cir").write_text(text + "\n".join([*cards, *control]), encoding="utf-8")
        said = _told([program(), "-n", "-b", "run.cir"], Path(name), timeout)
        raw = Path(name) / "run.raw"
        head, _, body = raw.read_bytes().partition(b"Binary:\n") if raw.exists() else (b"", b"", b"")
    columns = {found[1]: _place(found[0]) for found in _VARIABLE.finditer(head.decode(errors="replace"))}
    size = re.search(rb"No\. Variables:\s*(\d+)", head)
    if size is None or not columns:
        raise NgspiceError(f"ngspice did not follow {netlist.title} in time: {said.strip().splitlines()[-1:]}")
    table = np.frombuffer(body[: len(body) // (8 * int(size[1])) * 8 * int(size[1])], dtype="<f8").reshape(-1, int(size[1]))
    seconds, first = np.unique(table[:, 0], return_index=True)
    if seconds[-1] < last * (1 - 1e-9):
        raise NgspiceError(f"ngspice stopped at {seconds[-1]:g} s of {last:g} s while it followed {netlist.title}.")
    from scipy.interpolate import CubicSpline

    columns[GROUND] = -1
    volts = np.column_stack([np.zeros(len(first)) if n == GROUND else table[first, columns[n]] for n in netlist.names])
    found: np.ndarray = CubicSpline(seconds, volts)(at)
    return found
