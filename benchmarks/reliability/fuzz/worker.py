"""The process in which inputs are tried: reads numbers, answers each with one line of JSON.

    python worker.py SUBJECT SEED FOLDER

Started by `supervision`, which ends it when an input does not.
"""

from __future__ import annotations

import faulthandler
import json
import os
import resource
import signal
import sys
from pathlib import Path

_ROOM = 6 * 2**30  # bytes of addresses; the package's own bounds know it from the beginning


def main() -> None:
    """Serve until the input ends."""
    name, seed, place = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    numbers, answers = os.fdopen(os.dup(0), "r"), os.fdopen(os.dup(1), "w")
    said = os.open(place / "said.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    notes = os.open(place / "notes.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream, to in ((0, os.open(os.devnull, os.O_RDONLY)), (1, said), (2, said)):
        os.dup2(to, stream)
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1, all_threads=True)  # where it hangs

    from fuzz.attempts import Case, emptied, tried
    from fuzz.chance import Chance
    from fuzz.guard import Guard
    from fuzz.subjects import SUBJECTS

    _limit_memory()
    subject, fixtures, folder = SUBJECTS[name](), place / "fixtures", place / "input"
    emptied(fixtures)
    os.chdir(fixtures)
    subject.prepare(fixtures)
    guard = Guard()
    answers.write("ready\n")
    answers.flush()
    for line in numbers:
        os.chdir(place)
        emptied(folder)
        os.chdir(folder)
        os.ftruncate(notes, 0)
        number = int(line)
        outcome = tried(subject, Case(number, Chance.of(name, seed, number), folder, fixtures, guard, notes))
        answers.write(json.dumps(outcome.plain()) + "\n")
        answers.flush()


def _limit_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_ROOM, resource.getrlimit(resource.RLIMIT_AS)[1]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[1])  # of this package, instead of the files in it
    main()
