"""Progress of long work: bars in a terminal or a notebook, a plain line every few seconds in a log file."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from html import escape
from typing import Any, NamedTuple

from clockless.errors import printable

_SECONDS_BETWEEN_LINES = 5.0
_SECONDS_BETWEEN_LOOKS = 0.25

_COMPILING = "... (compiling, once per combination of parts: 2 to 5 s; planning large networks)"

Update = Callable[[int, int], None]


@contextmanager
def shown(title: str) -> Iterator[Update]:
    """Yield a function of (done, total) that shows how far the work has come, on standard error.

    Until it is first called the display says that the work compiles; what is found compiled on disk is passed at once.
    """
    title = printable(title)
    if (display := _display_of_notebook()) is not None:
        show = _in_notebook(display, f"{title} {_COMPILING}")
        yield lambda done, total: show(title, done, total)
    elif sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task(f"{title} {_COMPILING}", total=None)
            yield lambda done, total: bar.update(task, description=title, completed=done, total=total)
    else:
        print(f"{title} {_COMPILING}", file=sys.stderr, flush=True)
        yield _lines(title)


def _display_of_notebook() -> Callable[..., Any] | None:
    """Jupyter's way to show something and change it later; None outside of a notebook."""
    python = sys.modules.get("IPython")
    shell = python.get_ipython() if python is not None else None
    if shell is None or not hasattr(shell, "kernel"):
        return None
    import importlib

    found: Callable[..., Any] = importlib.import_module("IPython.display").display
    return found


class _Html:
    """What a notebook shows of a bar."""

    def __init__(self, words: str, done: int | None, total: int) -> None:
        self.words, self.done, self.total = words, done, total

    def _repr_html_(self) -> str:
        at = "" if self.done is None else f' value="{self.done}" max="{max(self.total, 1)}"'
        return f'<progress style="width:16em;vertical-align:middle"{at}></progress> {escape(self.words)}'

    def __repr__(self) -> str:
        return self.words


def _in_notebook(display: Callable[..., Any], words: str) -> Callable[..., None]:
    """Show a bar, and return what changes it; a few times a second at most, and always at the end."""
    handle = display(_Html(words, None, 1), display_id=True)
    began, last = time.monotonic(), 0.0

    def show(title: str, done: int, total: int, note: str = "") -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _SECONDS_BETWEEN_LOOKS or done >= total:
            last = now
            left = (now - began) * (total - done) / done if done else 0.0
            said = note or (f"{duration(left)} left" if done < total else f"done in {duration(now - began)}")
            handle.update(_Html(f"{title}: {100 * done // max(total, 1)} %, {said}", done, total))

    return show


def _lines(title: str) -> Update:
    began: tuple[float, int] | None = None  # time and work at the first call, when compiling is over
    last = -_SECONDS_BETWEEN_LINES

    def update(done: int, total: int) -> None:
        nonlocal began, last
        now = time.monotonic()
        began = began or (now, done)
        if now - last >= _SECONDS_BETWEEN_LINES or done == total:
            last = now
            left = f", {(now - began[0]) * (total - done) / (done - began[1]):.0f} s left" if done > began[1] else ""
            print(f"{title}: {100 * done // max(total, 1)} %{left}", file=sys.stderr, flush=True)

    return update


class Tally(NamedTuple):
    """How far the jobs of a store are."""

    jobs_done: int
    jobs: int
    steps_done: int  # replica-steps
    steps: int
    running: int = 0


@contextmanager
def watched(title: str, look: Callable[[], Tally]) -> Iterator[None]:
    """Show jobs and replica-steps done, rate and time left while the work runs elsewhere, on standard error.

    `look` is called a few times a second from a thread of its own.
    """
    finished = threading.Event()
    display = _display_of_notebook()
    if display is not None:
        show: Callable[..., None] = partial(_live, _in_notebook(display, printable(title)))
    else:
        show = _bars if sys.stderr.isatty() else _log
    thread = threading.Thread(target=show, args=(printable(title), look, finished), daemon=True)
    thread.start()
    try:
        yield
    finally:
        finished.set()
        thread.join()


def _live(change: Callable[..., None], title: str, look: Callable[[], Tally], finished: threading.Event) -> None:
    rate = Rate(look().steps_done)
    while True:
        over = finished.wait(_SECONDS_BETWEEN_LOOKS)
        now = look()
        change(title, now.steps_done, now.steps, f"{now.jobs_done} of {now.jobs} jobs, {rate.text(now)}")
        if over:
            return


def _bars(title: str, look: Callable[[], Tally], finished: threading.Event) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    title_column, note = (TextColumn(text, markup=False) for text in ("{task.description}", "{task.fields[note]}"))
    columns = (title_column, BarColumn(), note, TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        first = look()
        jobs = bars.add_task(title, total=first.jobs, note="")
        steps = bars.add_task("  replica-steps", total=first.steps, note="")
        rate = Rate(first.steps_done)
        while True:
            over = finished.wait(_SECONDS_BETWEEN_LOOKS)
            now = look()
            bars.update(jobs, completed=now.jobs_done, note=f"{now.jobs_done}/{now.jobs} jobs")
            bars.update(steps, completed=now.steps_done, note=rate.text(now))
            if over:
                return


def _log(title: str, look: Callable[[], Tally], finished: threading.Event) -> None:
    now = look()
    rate, last = Rate(now.steps_done), time.monotonic()
    ahead = "; the first may have to compile" if now.jobs_done < now.jobs else ""
    print(f"{title}: {now.jobs_done} of {now.jobs} jobs done{ahead}.", file=sys.stderr, flush=True)
    while True:
        over = finished.wait(_SECONDS_BETWEEN_LOOKS)
        if over or time.monotonic() - last >= _SECONDS_BETWEEN_LINES:
            now, last = look(), time.monotonic()
            share = 100 * now.steps_done // max(now.steps, 1)
            line = f"{title}: {now.jobs_done}/{now.jobs} jobs, {share} % of steps, {rate.text(now)}"
            print(line, file=sys.stderr, flush=True)
        if over:
            return


class Rate:
    """Replica-steps a second since the first step that was done here, and what is left at that rate."""

    def __init__(self, steps_done: int) -> None:
        self._before = steps_done
        self._began: tuple[float, int] | None = None

    def text(self, now: Tally) -> str:
        """Such as "1.9 M/s, 12 s left"."""
        if self._began is None:
            if now.steps_done == self._before:
                return "starting"
            self._began = time.monotonic(), now.steps_done
        seconds, steps = time.monotonic() - self._began[0], now.steps_done - self._began[1]
        if steps <= 0 or seconds < 0.5:
            return "measuring"
        return f"{_large(steps / seconds)}/s, {duration((now.steps - now.steps_done) * seconds / steps)} left"


def _large(number: float) -> str:
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number:.3g}"


def duration(seconds: float) -> str:
    """Such as "35 s", "12 min" or "3.5 h"."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
