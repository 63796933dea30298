"""The command `clockless`."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from clockless import __version__
from clockless.commands import lab as cli_lab
from clockless.commands import looking as cli_looking
from clockless.commands import modules as cli_modules
from clockless.commands import spice as cli_spice
from clockless.commands import stores as cli_stores
from clockless.errors import ClocklessError, OutputError, ParameterError, printable

_HELP = """A laboratory for machines that learn without a global clock.

A study is a file; its results are a store, a folder that any number of workers fill and that survives every kill.
"""
_EXAMPLES = """Examples:

  clockless lab                               a board in the browser, with knobs
  clockless new study.yaml                    a commented study of resistors
  clockless new phases.yaml --medium xy       or modules, circuit, time
  clockless run study.yaml --out study        the same command goes on later
  clockless run study.yaml --clock.p 0.1 --clock.p 1 --seeds 0..63 --workers 2
  clockless plot study                        learning curves, also meanwhile
  clockless show study --machine 3            what one machine has learned
  clockless extend study --steps 40000        with the bits of one long run
  clockless export study study.zip --bundle   for the supplement of a paper
  clockless reproduce desynchronous --figure 1b
  clockless completion --install              the tabulator key knows all this

clockless COMMAND --help says more.
"""

app = App(
    name="clockless",
    help=_HELP,
    help_epilogue=_EXAMPLES,
    help_format="plaintext",
    version=__version__,
    result_action="return_value",
)
cli_stores.register(app)
cli_looking.register(app)
cli_modules.register(app)
cli_spice.register(app)
cli_lab.register(app)


@app.command
def reproduce(
    paper: Literal["desynchronous", "xy-lattices", "decoupled", "nonlinear", "time"],
    *,
    figure: Annotated[list[str], Parameter(negative="")] = [],  # noqa: B006 (never changed)
    out: Path = Path("results"),
    tiny: Annotated[bool, Parameter(negative="")] = False,
    seed: int = 0,
    threads: int | None = None,
    pairs: int | None = None,
    mnist: Path | None = None,
    epochs: int | None = None,
    minutes: int | None = None,
    full: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Reproduce a paper's figures: run, draw, and check the numbers against what the paper says.

    Writes report.html, which shows everything on one page, figures (PDF, PNG), the plotted numbers (CSV) and numbers.json.
    Exit code 0: all that the paper or theory says holds; 1: some does not; 2: wrong arguments; 130: stopped by Ctrl-C.

    Parameters
    ----------
    paper
        desynchronous (Wycoff et al. 2022), xy-lattices (Wang et al. 2026), decoupled (synthetic gradients; needs
        clockless[modules]), nonlinear (transistors, deep resistive networks), or time (edges that trigger themselves).
    figure
        A figure of the paper, such as 1b; several as --figure 1b --figure 4c. All when left out (six to ten minutes for
        desynchronous, half an hour for xy-lattices).
    out
        Folder to write to; a subfolder with the paper's name is made.
    tiny
        A small version of everything, in seconds.
    seed
        Master seed: other tasks and other random numbers.
    threads
        Worker threads; all cores when left out.
    pairs
        Figs. 1b and 1b-far of desynchronous: only the first so many (nudge, rate) pairs.
    mnist
        xy-lattices, decoupled, nonlinear: folder with MNIST's four IDX files, for what can use them and is left out
        otherwise.
    epochs, minutes
        Fig. drn of nonlinear: only the first so many epochs of each net, or minutes in all; the same command without them
        goes on from there.
    full
        Figs. truth, levels(-product), biases, twins, sizes, digits, dropout-circuits of nonlinear: twice the boards and
        updates, for hours.
    """
    from clockless.papers import Options, claims, reproduction
    from clockless.workers import progress

    for name, value in (("--threads", threads), ("--pairs", pairs), ("--epochs", epochs), ("--minutes", minutes)):
        if value is not None and value < 1:
            raise ParameterError(f"{name} is {value}; it must be 1 or more.")
    if paper != "nonlinear" and (epochs or minutes):
        raise ParameterError(f"--{'epochs' if epochs else 'minutes'} cuts figure drn of nonlinear short; leave it out.")
    if full and (paper != "nonlinear" or tiny):
        raise ParameterError(f"--full enlarges figures of nonlinear; leave {'--tiny' if tiny else 'it'} out.")
    if seed < 0:
        raise ParameterError(f"--seed is {seed}; it must be 0 or more.")
    data = {} if mnist is None else {"mnist": mnist.absolute()}
    figures = reproduction.checked_figures(paper, figure, data)
    folder = reproduction.Folder(out / paper)
    given = {"pairs": pairs, "epochs": epochs, "minutes": minutes}
    limits = {name: value for name, value in given.items() if value is not None}
    options = Options(tiny, threads, seed, progress.shown, folder.keep_data, limits, folder.path / "stores", data, full)
    try:
        checked = reproduction.reproduce(paper, figures, folder, options)
    except KeyboardInterrupt:
        kept = ", ".join(path.name for path in folder.kept) or "nothing"
        print(f"\nStopped. Kept in {folder.path}: {kept}. Run the same command to go on.", file=sys.stderr)
        return 130
    print(claims.table(checked))
    holds = claims.all_hold(checked)
    if any(not claim.decided for claim in checked):
        print(
            "\nA tiny run shows that everything works; its few tasks do not decide every row. Run without --tiny to judge."
        )
    return 0 if holds else 1


@app.command
def completion(
    *, shell: Literal["bash", "zsh", "fish"] | None = None, install: Annotated[bool, Parameter(negative="")] = False
) -> int:
    """Print the script by which a shell completes commands and flags with the tabulator key, or install it.

    Examples: clockless completion --install; clockless completion --shell zsh > _cyclopts_clockless

    In zsh the file has that name, in a folder of fpath; bash and fish read one of any name with source.

    Parameters
    ----------
    shell
        bash, zsh or fish; the one that runs when left out.
    install
        Write it where the shell looks for it, in your home folder, and say where.
    """
    from cyclopts.completion.detect import ShellDetectionError

    try:
        script = None if install else app.generate_completion(shell=shell)
        place = app.install_completion(shell=shell) if install else None
    except ShellDetectionError:
        raise ParameterError("which shell runs here cannot be seen; give --shell bash, zsh or fish.") from None
    except OSError as error:
        raise OutputError(f"the script cannot be written ({error.strerror or error}); print it without --install.") from None
    print(printable(f"{place} is read when the next shell starts.") if script is None else script)
    return 0


def main() -> None:
    """Run the command line; mistakes of the user end in one sentence and exit code 2."""
    from cyclopts import CycloptsError

    warnings.showwarning = lambda message, *_: print(f"clockless: {printable(str(message))}", file=sys.stderr)
    try:
        code = app(sys.argv[1:], exit_on_error=False, print_error=False)
    except CycloptsError as error:
        print(f"clockless: {printable(str(error).strip(), keep=chr(10))} Try --help.", file=sys.stderr)
        code = 2
    except ClocklessError as error:
        print(f"clockless: {printable(str(error))}", file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        code = 130
    except MemoryError as error:  # what no estimate foresaw; nothing is left of it
        said = printable(str(error)) or "no more was granted"
        print(f"clockless: there is not enough memory here ({said}); ask for less of what is large.", file=sys.stderr)
        code = 2
    sys.exit(code if isinstance(code, int) else 0)
