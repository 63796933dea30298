"""Networks to SPICE and back: netlists written and read, and states solved again by ngspice."""

from __future__ import annotations

from clockless.spice.netlist import Netlist as Netlist
from clockless.spice.ngspice import solve as solve
from clockless.spice.reading import read as read
from clockless.spice.verification import compare as compare
from clockless.spice.writing import netlist_of as netlist_of
from clockless.spice.writing import write as write

__all__ = ["Netlist", "compare", "netlist_of", "read", "solve", "write"]


def __dir__() -> list[str]:
    """What a person looks for; everything else is there as well."""
    return sorted(__all__)
