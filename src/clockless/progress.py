"""Progress of long work: a bar in a terminal, a plain line every few seconds in a log file."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_SECONDS_BETWEEN_LINES = 5.0

_COMPILING = "... (compiling, once per combination of parts: about 8 s)"

Update = Callable[[int, int], None]


@contextmanager
def shown(title: str) -> Iterator[Update]:
    """Yield a function of (done, total) that shows how far the work has come, on standard error.

    Until it is first called the display says that the work compiles; what is found compiled on disk is passed at once.
    """
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task(f"{title} {_COMPILING}", total=None)
            yield lambda done, total: bar.update(task, description=title, completed=done, total=total)
    else:
        print(f"{title} {_COMPILING}", file=sys.stderr, flush=True)
        yield _lines(title)


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
