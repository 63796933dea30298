"""The card of an edge: an element of SPICE where it has one for the law, else a subcircuit of one edge.

| law | card |
|---|---|
| Linear, FixedResistor | `R0 n0 n1 47.0` |
| NMOS | `M0 n0 gate0 n1 0 nmos1 w=.. l=..`, level 1, body at ground; the gate's volts are a source |
| any other | `X0 n0 n1 diode1`; `X0 n0 n1 gate0 ohmic1` where something learns: the gate's volts say what |
"""

from __future__ import annotations

from typing import Any, NamedTuple

from clockless.errors import SpiceError, shown
from clockless.media.circuits.laws import FixedResistor, Linear
from clockless.media.circuits.transistors import NMOS
from clockless.spice.bodies import body_of

GMIN = 1e-18  # siemens across every junction, of the options that are written


class Form(NamedTuple):
    """How an edge is written.

    Attributes:
        letter: what its name begins with: R, M or X.
        tail: what follows the nodes and the name of the model.
        stem: what the name of its model or subcircuit begins with; "" if it has none.
        definition: the lines of that, with `{name}` where its name stands.
        controlled: whether it has a third node, which holds what the edge has learned.
        body: whether a fourth node, the transistor's body, is at ground.
    """

    letter: str
    tail: str = ""
    stem: str = ""
    definition: tuple[str, ...] = ()
    controlled: bool = False
    body: bool = False


def form_of(law: Any, value: float) -> Form:
    """How an edge of this law is written; `value` is what a card says of it, such as ohms.

    Raises:
        SpiceError: a law that SPICE cannot say.
    """
    if isinstance(law, (Linear, FixedResistor)):
        return Form("R", repr(float(value)))
    if type(law) is NMOS:
        return _transistor(law)
    try:
        lines = body_of(law)
    except KeyError:
        raise SpiceError(
            f"{shown(law)} is a law of one's own, which has no netlist; a netlist takes the laws of clockless.laws."
        ) from None
    return _subcircuit(type(law).__name__.lower(), lines, law.learns)


def _subcircuit(stem: str, lines: list[str], controlled: bool) -> Form:
    ports = "a b t" if controlled else "a b"
    return Form("X", "", stem, (f".subckt {{name}} {ports}", *lines, ".ends {name}"), controlled)


def _transistor(law: NMOS) -> Form:
    numbers = {
        "vto": law.vto, "gamma": law.gamma, "phi": law.phi, "kp": law.kp, "lambda": law.lam, "rd": law.rd, "rs": law.rs,
    }  # fmt: skip
    said = " ".join(f"{name}={float(value)!r}" for name, value in numbers.items())
    # is=0: the junctions between the channel's ends and the body carry nothing, as in the law.
    model = f".model {{name}} nmos(level=1 {said} is=0)"
    return Form("M", f"w={float(law.width)!r} l={float(law.length)!r}", "nmos", (model,), controlled=True, body=True)
