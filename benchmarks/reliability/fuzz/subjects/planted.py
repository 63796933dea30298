"""Faults planted on purpose, one for each kind of finding: a fuzzer that finds none would be no news."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from clockless.errors import ParameterError
from fuzz.attempts import Case, Finding

FAULTS = ("traceback", "sentence", "hang", "memory", "crash", "outside", "code", "wrong", "refused", "accepted")


class Fed:
    """Input k has the fault k."""

    def prepare(self, fixtures: Path) -> None:
        """Nothing."""

    def attempt(self, case: Case) -> None:
        """Commit the fault that the folder's inputs have reached."""
        fault = FAULTS[case.number % len(FAULTS)]
        case.shows(fault)
        if fault == "traceback":
            raise KeyError(fault)
        if fault == "sentence":
            raise ParameterError("")
        if fault == "hang":
            while True:
                time.sleep(0)
        if fault == "memory":
            bytearray(2**40)
        if fault == "crash":
            os.kill(os.getpid(), signal.SIGKILL)
        if fault == "outside":
            (case.folder.parent / "elsewhere").write_text("x")
        if fault == "code":
            (case.folder / "canary.py").write_text("x = 1")
            sys.path.insert(0, str(case.folder))
            __import__("canary")
        if fault == "wrong":
            raise Finding("wrong", "2 + 2 = 5")
        if fault == "refused":
            raise ParameterError("one sentence; give another.")
