"""The command of the live page: lab."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from clockless.errors import ParameterError


def register(app: App) -> None:
    """Add the command to the program."""
    app.command(lab)


def lab(
    store: Path | None = None,
    *,
    own: Annotated[list[Path], Parameter(negative="")] = [],  # noqa: B006 (never changed)
    port: int = 8377,
    host: str = "127.0.0.1",
    token: str | None = None,
) -> int:
    """Open the laboratory in a browser: a board that learns while you turn its knobs; Ctrl-C ends it.

    Prints an address to open. Only this machine can reach it, unless --host and --token say otherwise. Needs
    clockless[lab].

    Parameters
    ----------
    store
        Folder of a store to look at while it fills, too.
    own
        A file with parts or media of your own; several as --own a.py --own b.py, all in one folder. They are run when
        chosen.
    port
        Where to listen.
    host
        Another address to listen on, such as that of this machine in a network.
    token
        A word of 16 letters and digits or more that whoever opens the page must know; needed with --host.
    """
    try:
        from clockless.lab.guard import Guard
        from clockless.lab.server import Lab, serve
    except ImportError as error:
        raise ParameterError(f"the live page needs {error.name}; install it with: pip install 'clockless[lab]'") from None
    if not 1 <= port <= 65535:
        raise ParameterError(f"--port {port} is none; give a number from 1 to 65535.")
    if len({path.absolute().parent for path in own}) > 1:
        raise ParameterError("the files of --own stand in different folders; put them into one.")
    if store is not None:
        from clockless.stores.store import Store

        Store.open(store)  # says in one sentence what is wrong with it
    laboratory = Lab(Guard(host, port, token), store, own)
    with contextlib.suppress(KeyboardInterrupt):  # which is how it ends
        serve(laboratory, lambda address: print(f"The laboratory is open: {address}", flush=True))
    print("\nClosed.", file=sys.stderr)
    return 0
