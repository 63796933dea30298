"""Scripts as processes that have the large packages already: forks of one that has imported them, and nothing of ours.

Half of the time of a short script goes into importing what it needs. What is ours each imports anew, so what it forgot to
import is missing, as for whoever runs it.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

SERVER = """
import atexit, json, os, runpy, sys, traceback
import matplotlib.pyplot, numba, numpy, scipy.sparse.linalg, xarray, yaml, zarr

def run(path, folder, output):
    with open(output, "wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.chdir(folder)
    sys.argv[:], sys.path[0] = [path], os.path.dirname(path)
    code = 1
    try:
        runpy.run_path(path, run_name="__main__")
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)

assert "clockless" not in sys.modules
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        run(*json.loads(line))
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Scripts:
    """Runs one script after the other."""

    def __init__(self, process: subprocess.Popen[str], output: Path) -> None:
        self._process, self._output = process, output

    def run(self, path: Path, folder: Path) -> tuple[int, str]:
        """The exit code of a script that runs in a folder, and all that it has printed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([str(path), str(folder), str(self._output)]) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline()), self._output.read_text(errors="replace")


@contextlib.contextmanager
def scripts(output: Path, environment: Mapping[str, str]) -> Iterator[Scripts]:
    """A process that forks for every script; what they print goes through the file `output`, one at a time."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, **environment}, start_new_session=True,
    )  # fmt: skip
    try:
        yield Scripts(process, output)
    finally:
        process.kill()
        process.communicate()
