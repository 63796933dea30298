"""One connection's board and the thread that lets it learn: what the page asks for happens between slices of steps.

A slice takes a few hundredths of a second at most, so a knob counts soon after it was turned. Frames are made only when the
page has drawn the last ones; points of the curves wait until then, and none is lost.
"""

from __future__ import annotations

import queue
import threading
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from clockless.errors import ClocklessError, DescriptionError, InaccurateWarning, OwnCodeWarning, printable
from clockless.experiments.own_parts import Place, beside
from clockless.lab import messages
from clockless.lab.as_python import python_of, study_of
from clockless.lab.board import Board
from clockless.lab.forms import Forms, knobs, told
from clockless.lab.looks import framed, geometry, point, words
from clockless.lab.pace import Pace
from clockless.lab.settings import Setting, checked

_FRAMES = 1 / 40  # seconds between frames
_MOST_WAITING = 256  # requests of a page that have not been answered
_AHEAD = 2  # frames that may be on their way
_KNOBBED = ("rule", "clock", "device", "optimiser")

Tell = Callable[[str | bytes], None]


class Session:
    """A board that learns for one connection.

    Args:
        offered: what the page may choose from.
        folder: where one's own parts are, as the command line said.
        tell: called from the session's thread with every message and frame for the page.
    """

    def __init__(self, offered: Forms, folder: Path, tell: Tell) -> None:
        self._offered, self._folder, self._tell = offered, folder, tell
        self._asked: queue.Queue[tuple[float, Any]] = queue.Queue(_MOST_WAITING)
        self._closed = threading.Event()
        self._board: Board | None = None
        self._pace, self._example = Pace(), 0
        self._frame, self._seen, self._drawn_at, self._changed = 0, 0, 0.0, True
        self._rest = _FRAMES  # seconds from one frame to the next
        self._points: list[np.ndarray] = []
        self._places: list[float] = []
        self._said = ""  # what has gone wrong on the board
        self._handlers: dict[type, Callable[[Any, float], None]] = {
            messages.Begin: self._begin, messages.Run: self._let_run, messages.Step: self._let_step,
            messages.Speed: self._set_speed, messages.Turn: self._turn, messages.Cut: self._cut, messages.Hold: self._hold,
            messages.Example: self._show, messages.Write: self._write, messages.Seen: self._note_seen,
        }  # fmt: skip
        self._thread = threading.Thread(target=self._run, name="clockless-lab", daemon=True)
        self._thread.start()

    def ask(self, message: Any) -> bool:
        """Hand over a message of the page; False if far too many wait already."""
        try:
            self._asked.put_nowait((time.perf_counter(), message))
        except queue.Full:
            return False
        return True

    def close(self) -> None:
        """End the thread after its present slice."""
        self._closed.set()

    def join(self, seconds: float) -> bool:
        """Wait for the thread to end; whether it has."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    # --- the thread -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        with beside(Place(self._folder)), warnings.catch_warnings():
            warnings.simplefilter("ignore", InaccurateWarning)  # shows in the picture
            warnings.simplefilter("ignore", OwnCodeWarning)  # the command line named the files
            while not self._closed.is_set():
                try:
                    self._answer()
                    steps = self._pace.steps() if self._board is not None else 0
                    if steps:
                        self._learn(steps)
                    self._draw()
                except Exception as error:  # noqa: BLE001 (a mistake of ours, which must not leave a page without an answer)
                    traceback.print_exc()
                    self._stand_still(f"{type(error).__name__}: {error}; this is a mistake in clockless, begin anew.")

    def _answer(self) -> None:
        """All that has been asked; waits a little where there is nothing else to do."""
        busy = self._pace.running or self._pace.stop_after
        wait = 0.002 if busy else 0.05
        if busy and self._pace.due >= 1:
            wait = 0.0
        try:
            heard, message = self._asked.get(timeout=wait) if wait else self._asked.get_nowait()
        except queue.Empty:
            return
        waiting = [(heard, message)]
        while not self._asked.empty():
            waiting.append(self._asked.get_nowait())
        for k, (heard, message) in enumerate(waiting):
            if not _overtaken(message, waiting[k + 1 :]):
                self._one(heard, message)

    def _one(self, heard: float, message: Any) -> None:
        try:
            with np.errstate(all="ignore"):
                self._handlers[type(message)](message, heard)
        except ClocklessError as error:
            self._say(messages.Refused(printable(told(error))))
        except MemoryError:
            self._say(messages.Refused("There is not enough memory for this; ask for less."))

    def _say(self, message: Any) -> None:
        self._tell(messages.written(message))

    def _learn(self, steps: int) -> None:
        board = self._present()
        began = time.perf_counter()
        try:
            with np.errstate(all="ignore"):
                board.advance(steps)
        except ClocklessError as error:
            self._stand_still(told(error))
            return
        self._pace.did(steps, time.perf_counter() - began)
        self._changed = True

    def _stand_still(self, why: str) -> None:
        self._pace.running, self._pace.stop_after, self._changed = False, 0, False
        self._say(messages.Stopped(self._board.step if self._board is not None else 0, printable(why)))

    # --- what the page asks -------------------------------------------------------------------------------------------

    def _present(self) -> Board:
        if self._board is None:
            raise DescriptionError("there is no board yet; begin one.")
        return self._board

    def _begin(self, message: messages.Begin, heard: float) -> None:
        self._say(messages.Busy("building the board; the first of its kind compiles for some seconds"))
        board = Board(checked(message.setting, self._offered))
        board.picture(0)
        board.advance(0)
        self._board, self._example = board, 0
        self._pace = Pace(rate=self._pace.rate)
        self._points.clear()
        self._said = ""
        self._places = np.round(board.drawn.places, 4).ravel().tolist()
        self._say(self._began(anew=True))

    def _began(self, anew: bool) -> messages.Began:
        board = self._present()
        self._changed = True
        setting = board.setting
        found = [
            {"section": section, **knob}
            for section in _KNOBBED
            if isinstance(setting.parts[section], dict)
            for knob in knobs(section, setting.parts[section], self._offered)
        ]
        return messages.Began(
            setting.plain(),
            {**geometry(board), "places": self._places},
            found,
            words(board),
            len(board.task.x_test),
            board.step,
            anew,
        )

    def _let_run(self, message: messages.Run, heard: float) -> None:
        self._present()
        self._pace.running, self._pace.last = message.running, time.perf_counter()
        self._changed = True

    def _let_step(self, message: messages.Step, heard: float) -> None:
        self._present()
        self._pace.running, self._pace.stop_after = False, message.steps

    def _set_speed(self, message: messages.Speed, heard: float) -> None:
        self._pace.rate = message.rate

    def _turn(self, message: messages.Turn, heard: float) -> None:
        board = self._present()
        board.turn(message.section, message.field, message.value)
        self._changed = True
        self._say(messages.Turned(board.step, message.sent, 1e3 * (time.perf_counter() - heard)))

    def _cut(self, message: messages.Cut, heard: float) -> None:
        self._present().cut(message.edge)
        self._say(self._began(anew=False))

    def _hold(self, message: messages.Hold, heard: float) -> None:
        self._present().hold(message.node, message.value)
        self._say(self._began(anew=False))

    def _show(self, message: messages.Example, heard: float) -> None:
        self._example, self._changed = self._present().check_example(message.number), True

    def _write(self, message: messages.Write, heard: float) -> None:
        board = self._present()
        text = python_of(board) if message.what == "python" else study_of(board)
        self._say(messages.Written(message.what, text))

    def _note_seen(self, message: messages.Seen, heard: float) -> None:
        self._seen = max(self._seen, message.frame)

    # --- frames ------------------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        now = time.perf_counter()
        if self._board is None or not self._changed or now - self._drawn_at < self._rest:
            return
        board = self._board
        with np.errstate(all="ignore"):
            if not self._points or self._points[-1][0] != board.step:
                self._points.append(point(board))
            if self._frame - self._seen >= _AHEAD:
                self._drawn_at = now
                return
            self._frame += 1
            frame = framed(board, self._example, self._points, (self._frame, self._pace.running))
        self._points.clear()
        self._drawn_at, self._changed = now, False
        self._rest = max(_FRAMES, 2.0 * (time.perf_counter() - now))  # slow media learn at least half of the time
        self._tell(frame)
        why = board.trouble()
        if why and why != self._said:
            self._stand_still(f"{why} The board stands still; begin anew.")
        self._said = why


def _overtaken(message: Any, later: list[tuple[float, Any]]) -> bool:
    """Whether the same knob has been turned again since."""
    if not isinstance(message, messages.Turn):
        return False
    where = (message.section, message.field)
    for _, other in later:
        if not isinstance(other, (messages.Turn, messages.Seen)):
            return False
        if isinstance(other, messages.Turn) and (other.section, other.field) == where:
            return True
    return False


def setting_of(session: Session) -> Setting | None:
    """What stands on the screen; for tests and benchmarks."""
    return session._board.setting if session._board is not None else None
