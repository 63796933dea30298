"""What holds for all tests."""

import gc
import os
import signal
import sys

import pytest
from hypothesis import HealthCheck, settings

# A shell has the programs that it starts in the background ignore Ctrl-C, and so do the programs that these start: tests of
# Ctrl-C would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Modules, traces and compiled functions live on in their millions: to look through them for garbage as often as Python does
# takes a twentieth of the time.
gc.set_threshold(50_000, 20, 10)

# The same examples every time and everywhere, whatever the machine's speed: a suite that is green here is green there.
# HYPOTHESIS_PROFILE=random (`make test-random`) searches among others, and keeps what it finds in .hypothesis.
settings.register_profile(
    "same", derandomize=True, database=None, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("random", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


@pytest.fixture(autouse=True)
def no_figures_left():
    """Figures that one test leaves open are not counted against the next: pyplot warns of the twenty-first."""
    yield
    if (pyplot := sys.modules.get("matplotlib.pyplot")) is not None:
        pyplot.close("all")
