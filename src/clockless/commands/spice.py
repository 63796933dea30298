"""The command about other programs' opinions: verify."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App

from clockless.errors import ParameterError, printable

if TYPE_CHECKING:
    from clockless.workers.verified import Verified


def register(app: App) -> None:
    """Add the command to the program."""
    app.command(verify)


def verify(store: Path, *, machines: int = 8, examples: int = 4, tolerance: float = 1e-9) -> int:
    """Settle trained machines of a store anew with ngspice, and say how far its voltages are from ours.

    Exit code 0: nowhere further than the tolerance; 1: further, or ngspice found no state; 2: wrong arguments, or ngspice is
    not installed.

    Parameters
    ----------
    store
        Folder of the store.
    machines
        So many replicas, spread evenly over all that are done.
    examples
        So many training examples of each, spread evenly; every one free and as its rule pushes.
    tolerance
        Volts, at nodes that more than 1e-8 S join to held ones.
    """
    from clockless.spice.ngspice import version
    from clockless.workers.runs import load
    from clockless.workers.verified import verified

    if not 0 <= tolerance < float("inf"):
        raise ParameterError(f"--tolerance is {tolerance}; give volts, 0 or more.")
    name = version()
    found = verified(load(store), machines, examples)
    comparison = found.comparison
    print(printable(f"{store}: {comparison.states} states of {len(found.machines)} machines, settled anew by {name}."))
    for sentence in _sentences(found, tolerance):
        print(printable(sentence))
    return 0 if comparison.largest <= tolerance and not comparison.unsolved else 1


def _sentences(found: Verified, tolerance: float) -> list[str]:
    comparison, said = found.comparison, []
    if comparison.state >= 0:
        per_machine = max(comparison.states // len(found.machines), 1)
        machine = found.machines[comparison.state // per_machine]
        verdict = "within" if comparison.largest <= tolerance else "more than"
        said.append(
            f"Largest difference {comparison.largest:.2g} V, {verdict} the {tolerance:g} V that are asked: "
            f"machine {machine}, {found.titles[comparison.state]}, node {comparison.node}."
        )
    volts, nodes = comparison.weakly
    if nodes:
        said.append(
            f"Not asked: {nodes} nodes that less than 1e-8 S join to held ones, largest difference there {volts:.2g} V."
        )
    if comparison.unsolved:
        first = found.titles[comparison.unsolved[0]]
        said.append(f"ngspice found no state for {len(comparison.unsolved)} of them, the first is: {first}.")
    return said
