"""Netlists to networks, laws and sources; what has no counterpart here is refused with its line.

Read are R, D, M (level 1, n-channel, gate at a source, body at ground), V against ground, I, and X of a subcircuit of one
edge: one R, D or M, or the lines that `bodies` writes. Cards that ask for an analysis or for output are passed over;
`.options` count as far as they change a state: gmin, which is across every junction.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from clockless.errors import shown
from clockless.networks.network import Network
from clockless.spice.bodies import law_of
from clockless.spice.cards import Card, Deck, deck_in
from clockless.spice.elements import GROUND, Edge, edge_of, node_of
from clockless.spice.netlist import Netlist

_PASSED_OVER = (".op", ".print", ".plot", ".save", ".probe", ".width", ".dc", ".ac", ".tran")
_COMMANDS = (
    "set",
    "op",
    "print",
    "quit",
    "run",
    "plot",
    "write",
    "wrdata",
    "echo",
    "save",
    "display",
    "listing",
    "dc",
    "tran",
)
_TOLERANCES = ("reltol", "abstol", "vntol", "itl1", "itl2", "numdgt", "noacct", "nomod", "method", "itl4", "itl6", "rshunt")


def read(path: str | os.PathLike[str]) -> Netlist:
    """The network, laws and sources of a SPICE netlist.

    Nodes are numbered by their names where these are 0, 1, 2 .. or n0, n1, n2 .. without gaps, else in the order in which
    they appear on edges; edges are in the order of their cards.

    Raises:
        SpiceError: the file cannot be read, is cut off, or holds what has no counterpart here; the sentence names the line.
    """
    return netlist_of(deck_in(path))


def netlist_of(deck: Deck) -> Netlist:
    """The network, laws and sources of the lines of a netlist; raises as `read`."""
    found = _Found(_definitions(deck))
    for card in found.known.rest:
        found.take(card)
    return found.netlist(deck)


# --- what lines belong together --------------------------------------------------------------------------


class Inner(NamedTuple):
    """A subcircuit: its first line, its ports, the lines between."""

    card: Card
    ports: list[str]
    cards: list[Card]


@dataclass
class Known:
    """Definitions by name, and the cards that are none."""

    models: dict[str, Card] = field(default_factory=dict)
    subcircuits: dict[str, Inner] = field(default_factory=dict)
    rest: list[Card] = field(default_factory=list)
    gmin: float = 1e-12


def _definitions(deck: Deck) -> Known:
    known = Known()
    cards = iter(deck.cards)
    for card in cards:
        first = card.text.split()[0]
        if first == ".model":
            _add_model(known.models, card)
        elif first == ".subckt":
            inner = _until(card, cards, ".ends", deck.last)
            name, *ports = card.words[1:] or card.refuse("a subcircuit has no name; write .subckt NAME PORT PORT.")
            if name in known.subcircuits:
                card.refuse(f"subcircuit {name} was defined before; rename one of them.")
            known.subcircuits[name] = Inner(card, ports, inner)
        elif first == ".control":
            for command in _until(card, cards, ".endc", deck.last):
                if command.text.split()[0] not in _COMMANDS:
                    command.refuse(f"the command {shown(command.text)} may change the circuit; leave it out.")
        elif first in (".options", ".option", ".opt"):
            known.gmin = _options(card, known.gmin)
        elif first.startswith("."):
            if first not in _PASSED_OVER:
                card.refuse(f"{first} is not understood; a netlist of R, D, M, V, I and X needs .model, .subckt and .end.")
        else:
            known.rest.append(card)
    return known


def _until(opening: Card, cards: Any, end: str, last: Card) -> list[Card]:
    inner: list[Card] = []
    for card in cards:
        if card.text.split()[0] == end:
            return inner
        inner.append(card)
    last.refuse(f"the {opening.text.split()[0]} of line {opening.line} has no {end}; it is cut off, or {end} is missing.")


def _add_model(models: dict[str, Card], card: Card) -> None:
    if len(card.words) < 3:
        card.refuse("a model has no name or no type; write .model NAME D(is=1e-14), or NMOS(level=1 vto=0.7).")
    if card.words[1] in models:
        card.refuse(f"model {card.words[1]} was defined in line {models[card.words[1]].line}; rename one of them.")
    models[card.words[1]] = card


def _options(card: Card, gmin: float) -> float:
    """Conductance across junctions; raises for options that change more than tolerances."""
    for word in card.words[1:]:
        name, _, value = word.partition("=")
        if name == "gmin":
            gmin = card.number(value, "gmin")
        elif name in ("temp", "tnom"):
            if card.number(value, name) != 27.0:
                card.refuse(f"{name} = {value}: laws are those of 27 degrees; leave it out, or convert the models.")
        elif name not in _TOLERANCES or name == "rshunt":
            card.refuse(f"option {shown(word)} may change the circuit; leave it out.")
    return gmin


# --- elements ---------------------------------------------------------------------------------------------


class _Found:
    """What the cards say, by the names of nodes."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self.names: dict[str, Card] = {}
        self.edges: list[Edge] = []
        self.volts: dict[str, tuple[float, Card]] = {}
        self.amperes: dict[str, tuple[float, Card]] = {}

    def take(self, card: Card) -> None:
        """Take one element."""
        name = card.words[0] if card.words else card.text
        if name in self.names:
            card.refuse(f"{name} is there already, in line {self.names[name].line}; rename one of them.")
        self.names[name] = card
        if name[0] in "vi":
            self._source(card, name[0])
        elif name[0] == "x":
            self.edges.append(self._subcircuit(card))
        else:
            self.edges.append(edge_of(card, self.known.models, self.known.gmin))

    def _source(self, card: Card, letter: str) -> None:
        words = [word for word in card.words[1:] if word != "dc"]
        if len(words) != 3:
            card.refuse(f"{card.words[0]} is not understood; write {card.words[0]} NODE 0 VALUE, a constant.")
        plus, minus = (node_of(word) for word in words[:2])
        value = card.number(words[2], "its value")
        if letter == "i":
            for node, sign in ((plus, -1.0), (minus, 1.0)):  # its current flows from the first node through it to the second
                so_far = self.amperes[node][0] if node in self.amperes else 0.0
                self.amperes[node] = (so_far + sign * value, card)
            return
        if plus == GROUND:
            plus, minus, value = minus, plus, -value
        if plus == GROUND:
            card.refuse(f"{card.words[0]} shorts ground to itself; remove it.")
        if minus != GROUND:
            card.refuse(f"{card.words[0]} is between {plus} and {minus}; only sources against ground (node 0) can be read.")
        if plus in self.volts:
            card.refuse(
                f"{card.words[0]} and the source of line {self.volts[plus][1].line} hold the same node {plus}, so they "
                f"short each other; remove one of them."
            )
        self.volts[plus] = (value, card)

    def _subcircuit(self, card: Card) -> Edge:
        *nodes, name = card.words[1:] or card.refuse("a subcircuit's card has no nodes; write X1 NODE NODE NAME.")
        if name not in self.known.subcircuits:
            card.refuse(f"there is no subcircuit {shown(name)}; define it with .subckt {name} .., or take one there is.")
        inner = self.known.subcircuits[name]
        if len(nodes) != len(inner.ports):
            card.refuse(f"{card.words[0]} has {len(nodes)} nodes, but subcircuit {name} has {len(inner.ports)}.")
        outer = dict(zip(inner.ports, map(node_of, nodes), strict=True))
        law = law_of("\n".join(line.text for line in inner.cards)) if inner.ports[:2] == ["a", "b"] else None
        if law is not None and inner.ports[2:] == (["t"] if law.learns else []):
            return Edge(card, (outer["a"], outer["b"]), law, control=outer.get("t", ""))
        return self._flattened(card, name, inner, outer)

    def _flattened(self, card: Card, name: str, inner: Inner, outer: dict[str, str]) -> Edge:
        """The edge of a subcircuit that holds nothing but one R, D or M, and perhaps its model."""
        models = dict(self.known.models)
        own = [line for line in inner.cards if line.text.startswith(".model")]
        for line in own:
            models.pop(line.words[1] if len(line.words) > 1 else "", None)
            _add_model(models, line)
        elements = [line for line in inner.cards if line not in own]
        if len(elements) != 1 or elements[0].text[0] not in "rdm":
            inner.card.refuse(
                f"subcircuit {name} is not one edge; one R, D or M is understood, or the lines that clockless writes."
            )
        edge = edge_of(elements[0], models, self.known.gmin)
        inside = {**outer, GROUND: GROUND, "": ""}
        for node in (*edge.ends, edge.control):
            if node not in inside:
                elements[0].refuse(f"node {node} is inside of subcircuit {name}, which is to be one edge; make it a port.")
        return edge._replace(card=card, ends=(inside[edge.ends[0]], inside[edge.ends[1]]), control=inside[edge.control])

    # --- all of it ---

    def netlist(self, deck: Deck) -> Netlist:
        """Nodes numbered, gates read, and everything joined."""
        if not self.edges:
            deck.last.refuse("there is no R, D, M or X, so there is no network.")
        self._check_joined(deck)
        names = _numbered([node for edge in self.edges for node in edge.ends])
        number = {name: k for k, name in enumerate(names)}
        gates = {edge.control for edge in self.edges if edge.control}
        for table, what in ((self.volts, "held"), (self.amperes, "fed")):
            for node, (_, card) in table.items():
                if node not in number and node not in gates and node != GROUND:
                    card.refuse(f"node {node} is {what} by {card.words[0]} but joined to nothing; remove it, or join it.")
        held = {number[node]: volts for node, (volts, _) in self.volts.items() if node in number}
        if GROUND in number:
            held[number[GROUND]] = 0.0
        if not held:
            deck.last.refuse("no node is held, so all of them float; add a source such as V1 n0 0 1.0.")
        return Netlist(
            Network([(number[a], number[b]) for a, b in (edge.ends for edge in self.edges)]),
            tuple(names),
            tuple(edge.law for edge in self.edges),
            np.array([self._value(edge) for edge in self.edges]),
            held,
            {number[node]: amperes for node, (amperes, _) in self.amperes.items() if node in number and node != GROUND},
            deck.title,
            deck.notes,
        )

    def _value(self, edge: Edge) -> float:
        if not edge.control:
            return edge.value
        if edge.control == GROUND:
            return 0.0
        if edge.control not in self.volts:
            edge.card.refuse(f"its gate, node {edge.control}, is held by no source; add V1 {edge.control} 0 VALUE.")
        return self.volts[edge.control][0]

    def _check_joined(self, deck: Deck) -> None:
        """Raise for loops, doubled edges and a network in parts, with their lines."""
        seen: dict[frozenset[str], Card] = {}
        part: dict[str, str] = {}

        def root(node: str) -> str:
            while part.setdefault(node, node) != node:
                part[node] = node = part[part[node]]  # on the way, halve it for the next
            return node

        for edge in self.edges:
            pair, name = frozenset(edge.ends), edge.card.words[0]
            if len(pair) == 1:
                edge.card.refuse(f"{name} joins node {edge.ends[0]} to itself; remove it.")
            if pair in seen:
                edge.card.refuse(f"{name} joins the same nodes as line {seen[pair].line}; put one element in place of both.")
            seen[pair] = edge.card
            part[root(edge.ends[0])] = root(edge.ends[1])
        for edge in self.edges:
            if root(edge.ends[0]) != root(self.edges[0].ends[0]):
                name, first = edge.card.words[0], self.edges[0].card.words[0]
                edge.card.refuse(f"no path of edges joins {name} to {first}; a netlist holds one network.")


def _numbered(ends: list[str]) -> list[str]:
    """The nodes in the order of their numbers; ground is the last where the others are numbered by name."""
    names = list(dict.fromkeys(ends))
    others = [name for name in names if name != GROUND]
    ground = [GROUND] * (len(names) - len(others))
    for ordered in ([f"{k}" for k in range(len(names))], [*(f"n{k}" for k in range(len(others))), *ground]):
        if set(ordered) == set(names):
            return ordered
    return names
