"""One thread for both sides of every comparison, fixed before NumPy is imported.

`benchmarks/pytest.ini` keeps pytest from importing the package, and so NumPy, before this file runs.
"""

import os
import sys

import pytest

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")

if "numpy" in sys.modules and any(os.environ.get(name) != "1" for name in _THREADS):
    raise pytest.UsageError("NumPy was imported before its threads were fixed; run `pytest benchmarks` on its own.")
os.environ.update(dict.fromkeys(_THREADS, "1"))
