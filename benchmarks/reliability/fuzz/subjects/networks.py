"""Network files: CSV, GraphML, and GraphML packed by gzip or bzip2, damaged; what is read is compared with the text."""

from __future__ import annotations

import bz2
import gzip
from pathlib import Path

import networkx
import numpy as np

from clockless import networks
from clockless.networks import Network
from fuzz.attempts import Case, Finding
from fuzz.mutations import changed_bytes, changed_text

_CSV = [
    "0,1", "1,0", "0,0", "-1,2", "1e3,2", "1.0,2", "999999999999,0", "\ufeff", '"0","1"', "#", ",", ";", "0,1,2", "a,b",
    "٣,٤", "1_0,2", "+1,2", "0x1,2", "\x00", "\r", "\x85", "\u2028", " 0 , 1 ", "node_i,node_j\n", "9" * 5000,
]  # fmt: skip
_XML = [
    "<node id='9'/>", "<edge source='0' target='1'/>", "<edge source='0' target='0'/>",
    "<edge source='7' target='zz'/>", "<!DOCTYPE g [<!ENTITY a 'aa'><!ENTITY b '&a;&a;'>]>", "&b;", "&#0;", "<![CDATA[",
    "]]>", "<!--", "-->", "<", ">", "</graph>", "edgedefault='directed'", "<data key='d0'>nan</data>",
    "<data key='d0'>1e999</data>", "<data key='d1'></data>", "<hyperedge/>", "<port name='a'/>", "<graph>",
    "attr.type='boolean'", "attr.type='string'", "attr.type='zzz'", "xmlns='x'", "<key id='d9'/>",
    "<?xml version='1.1' encoding='utf-16'?>", "int", "long", "double", "string", "boolean", "٣", "9" * 5000, "-1",
    "01",
]  # fmt: skip


class Fed:
    """Read a damaged file; if it is accepted, it is a network, and the one that the file says."""

    def prepare(self, fixtures: Path) -> None:
        """Small networks in every format."""
        self.networks = [networks.board16(), networks.packing(8, 12), networks.lattice(2, 2), Network([(0, 1)])]
        self.texts = {".csv": [], ".graphml": []}
        for k, network in enumerate(self.networks):
            networks.write_csv(network, fixtures / f"{k}.csv")
            networks.write_graphml(network, fixtures / f"{k}.graphml")
            for suffix, texts in self.texts.items():
                texts.append((fixtures / f"{k}{suffix}").read_text(encoding="utf-8"))

    def attempt(self, case: Case) -> None:
        """One file."""
        chance = case.chance
        suffix = chance.one([".csv", ".csv", ".graphml", ".graphml", ".graphml.gz", ".graphml.bz2"])
        with case.quietly():
            packed = suffix.count(".") > 1
            text = chance.one(self.texts[".csv" if suffix == ".csv" else ".graphml"])
            if not packed or chance.with_odds(0.5):
                text = changed_text(text, chance, _CSV if suffix == ".csv" else _XML)
            content = text.encode("utf-8", "surrogatepass")
            if not packed and chance.with_odds(0.3):
                content = changed_bytes(content, chance)
            if packed:
                packer = gzip.compress if suffix.endswith("gz") else bz2.compress
                content = packer(content, 1)
                if chance.with_odds(0.7):
                    content = changed_bytes(content, chance)
            path = case.folder / f"network{suffix}"
            path.write_bytes(content)
            case.shows(path.name, content)
        read = networks.read_csv if suffix == ".csv" else networks.read_graphml
        network = read(path)
        _check(network)
        if suffix == ".csv":
            _check_csv(network, content)
        write, other = (networks.write_csv, "again.csv") if suffix == ".csv" else (networks.write_graphml, "again.graphml")
        write(network, case.folder / other)
        if read(case.folder / other) != network:
            raise Finding("wrong", "what was read is another network when it has been written and read again")


def _check(network: Network) -> None:
    """Every promise of `Network`, by networkx."""
    graph = networkx.MultiGraph([tuple(edge) for edge in network.edges.tolist()])
    simple = networkx.Graph(graph)
    if len(simple.edges) != len(network.edges) or networkx.number_of_selfloops(graph) or not networkx.is_connected(simple):
        raise Finding("wrong", f"{network} has doubled edges or loops, or is in parts")
    if sorted(simple.nodes) != list(range(network.nodes)):
        raise Finding("wrong", f"{network} has gaps in its numbers")
    if network.positions is not None and not np.isfinite(network.positions).all():
        raise Finding("wrong", f"{network} has places that are not finite")


def _check_csv(network: Network, content: bytes) -> None:
    """As many edges as lines that hold a digit outside comments."""
    lines = [line.strip() for line in content.decode("utf-8-sig").splitlines()]
    said = [line for line in lines if any(c.isdecimal() for c in line) and not line.startswith("#")]
    header = bool(said) and said[0].lstrip(' "')[:1].isalpha()
    if len(said) - header != len(network.edges):
        raise Finding("wrong", f"{len(network.edges)} edges of {len(said)} lines")
