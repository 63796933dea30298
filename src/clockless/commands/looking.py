"""The commands that look at stores and take results out of them: plot, show, export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from clockless import disk
from clockless.commands.stores import Trust, trusted
from clockless.errors import OutputError, ParameterError, printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from clockless.stores.store import Store


def register(app: App) -> None:
    """Add the commands to the program."""
    for command in (plot, show, export, unpack):
        app.command(command)


def plot(store: Path, *, to: Path | None = None, against: str | None = None) -> int:
    """Draw the learning curves that are in a store so far: errors, and what else its medium is looked at by.

    Classes have accuracies beside the errors, continuous time the intervals between events.
    Examples: clockless plot study; clockless plot study --to curves.pdf --against step

    Parameters
    ----------
    store
        Folder of the store.
    to
        The picture, .png, .pdf or .svg; STORE/plot.png when left out.
    against
        "step x p" (updates per unit) or "step"; the first where it is known.
    """
    import matplotlib

    matplotlib.use("Agg")
    from clockless.stores.store import Store

    opened, path = Store.open(store), to or store / "plot.png"
    _written(opened.plot(against), path)
    print(printable(f"{path}: {_so_far(opened)}"))
    return 0


def show(store: Path, *, to: Path | None = None, machine: int = 0, trust: Trust = False) -> int:
    """Draw a machine of a store: its network, the roles of nodes, and what it has learned so far.

    Resistances colour edges, phases colour sites, laws show their own parameter; of one that is not done the network alone
    is drawn. Examples: clockless show study; clockless show study --machine 5 --to board.pdf

    Parameters
    ----------
    store
        Folder of the store.
    to
        The picture, .png, .pdf or .svg; STORE/show.png when left out.
    machine
        Number of the machine, from 0; `clockless export` lists them in this order.
    trust
        Run own parts although the store belongs to another user.
    """
    import matplotlib

    matplotlib.use("Agg")
    from clockless.stores.store import Store
    from clockless.workers.drawn import drawn_machine

    trusted(trust)
    opened, path = Store.open(store), to or store / "show.png"
    figure, said = drawn_machine(opened, machine)
    _written(figure, path)
    print(printable(f"{path}: machine {machine} of {opened.experiment.replicas}, {said}"))
    return 0


def export(store: Path, to: Path, *, bundle: Annotated[bool, Parameter(negative="")] = False) -> int:
    """Write a store's results to one file.

    Examples: clockless export study study.nc; clockless export study study.zip --bundle

    Parameters
    ----------
    store
        Folder of the store.
    to
        .nc (netCDF, everything), .csv (errors, one line per replica and step), or .zip with --bundle.
    bundle
        Data, study, environment, citation and figures in one file for a public archive; `clockless unpack` reads it.
    """
    from clockless.stores.store import Store
    from clockless.workers.status import exported

    if bundle:
        from clockless.workers.bundles import write

        made = write(Store.open(store), to)
        size = f"{to.stat().st_size / 1e6:.3g} MB, {made.files} files, {made.done} of {made.jobs} jobs"
        print(printable(f"{to}: {size}; experiment {made.fingerprint}"))
        return 0
    if to.suffix not in (".nc", ".csv"):
        raise ParameterError(f"{to} ends in {to.suffix or 'nothing'}; results are exported to .nc or .csv.")
    opened = Store.open(store)
    exported(opened, to)
    missing = "" if (opened.done() != 0).all() else f", {_so_far(opened)}"
    print(printable(f"{to}: {to.stat().st_size / 1e6:.3g} MB{missing}"))
    return 0


def unpack(bundle: Path, to: Path) -> int:
    """Unpack what `clockless export --bundle` has written, check every file, and say how to go on.

    Parameters
    ----------
    bundle
        The .zip.
    to
        A new folder; the store in it is TO/store.
    """
    from clockless.workers.bundles import read

    opened = read(bundle, to)
    print(printable(f"{opened.path}: experiment {opened.experiment.fingerprint}, {_so_far(opened)}; every file is whole."))
    return 0


def _so_far(store: Store) -> str:
    done = int((store.done() != 0).sum())
    return f"{done} of {store.job_count} jobs" + ("" if done == store.job_count else ", the rest is still missing")


def _written(figure: Figure, path: Path) -> None:
    try:
        with disk.replacing(path) as temporary:
            figure.savefig(temporary, dpi=300)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise OutputError(f"cannot write {path} ({reason}); choose another --to, such as plot.png.") from None
