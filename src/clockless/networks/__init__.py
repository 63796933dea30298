"""Wirings and what they are drawn, read and built from; a medium says what flows in them.

`Network` is the wiring, `builders` make those of the papers, `files` read and write them, `architectures` and `windows` add
input and output sites and couplings that edges share.
"""

from clockless.networks.builders import board16, lattice, packing
from clockless.networks.files import (
    from_networkx,
    read_csv,
    read_graphml,
    to_networkx,
    write_csv,
    write_graphml,
)
from clockless.networks.network import Network

__all__ = [
    "Network",
    "board16",
    "from_networkx",
    "lattice",
    "packing",
    "read_csv",
    "read_graphml",
    "to_networkx",
    "write_csv",
    "write_graphml",
]


def __dir__() -> list[str]:
    """What a person looks for; everything else is there as well."""
    return sorted(__all__)
