"""What holds for all tests."""

import signal

# A shell has the programs that it starts in the background ignore Ctrl-C, and so do the programs that these start: tests of
# Ctrl-C would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
