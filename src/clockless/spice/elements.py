"""Elements of SPICE to edges: R, D, and M of level 1, with what their models say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from clockless.errors import ParameterError, shown
from clockless.media.circuits.laws import Linear
from clockless.media.circuits.transistors import NMOS
from clockless.spice.bodies import diode_of
from clockless.spice.cards import Card

GROUND = "0"
_OF_DIODE = {"is": 1e-14, "js": 1e-14, "n": 1.0}
_OF_NMOS = {"vto": 0.0, "vt0": 0.0, "gamma": 0.0, "phi": 0.6, "kp": 2e-5, "lambda": 0.0, "rd": 0.0, "rs": 0.0, "rsh": 0.0}
# What changes no current at rest: capacities, noise, the temperature's own coefficients, junctions of the body at ground.
_AT_REST = {
    "d": ("cjo", "cj0", "cj", "vj", "pb", "m", "mj", "tt", "fc", "kf", "af", "eg", "xti"),
    "nmos": ("is", "js", "cbd", "cbs", "cgso", "cgdo", "cgbo", "cj", "mj", "cjsw", "mjsw", "pb", "fc", "kf", "af"),
}


class Edge(NamedTuple):
    """An edge as its card says it; `control` is the node that holds what it has learned, "" if there is none."""

    card: Card
    ends: tuple[str, str]
    law: Any
    value: float = np.nan
    control: str = ""


def node_of(name: str) -> str:
    """A node's name; `gnd` is another one of ground."""
    return GROUND if name == "gnd" else name


def edge_of(card: Card, models: dict[str, Card], gmin: float) -> Edge:
    """The edge that a card says; `gmin` is across every junction, siemens.

    Raises:
        SpiceError: it is of another kind, or says what has no counterpart here.
    """
    letter = card.text[0]
    if letter not in _ELEMENTS:
        card.refuse(
            f"element {shown(card.text.split()[0])} is not understood; R, D, M of level 1, V, I, and X of one edge are."
        )
    return _ELEMENTS[letter](card, models, gmin)


def _resistor(card: Card, models: dict[str, Card], gmin: float) -> Edge:
    if len(card.words) != 4:
        card.refuse(f"{card.words[0]} is not understood; write {card.words[0]} NODE NODE OHMS and nothing more.")
    name, first, last, value = card.words
    ohms = card.number(value.removeprefix("r="), "its resistance")
    if not ohms > 0:
        card.refuse(f"{name} has {value} ohms; a resistance must be positive.")
    return Edge(card, (node_of(first), node_of(last)), Linear(), ohms)


def _diode(card: Card, models: dict[str, Card], gmin: float) -> Edge:
    if len(card.words) not in (4, 5):
        card.refuse(f"{card.words[0]} is not understood; write {card.words[0]} ANODE CATHODE MODEL.")
    first, last, model = card.words[1:4]
    numbers = _model(card, models, model, "d", _OF_DIODE)
    area = card.number(card.words[4].removeprefix("area="), "its area") if len(card.words) == 5 else 1.0
    law = _made(card, lambda: diode_of(area * numbers.get("is", numbers.get("js", 1e-14)), numbers.get("n", 1.0), gmin))
    return Edge(card, (node_of(first), node_of(last)), law)


def _transistor(card: Card, models: dict[str, Card], gmin: float) -> Edge:
    if len(card.words) < 6:
        card.refuse(f"{card.words[0]} is not understood; write {card.words[0]} DRAIN GATE SOURCE 0 MODEL w=WIDTH l=LENGTH.")
    drain, gate, source, body = (node_of(word) for word in card.words[1:5])
    said = {name: card.number(value, name) for name, value in card.settings(card.words[6:]).items()}
    for name in said:
        if name not in ("w", "l", "nrd", "nrs", "ad", "as", "pd", "ps"):  # the last four are of capacities
            card.refuse(f"{name} of {card.words[0]} is not understood; w, l, nrd and nrs are.")
    if body != GROUND:
        card.refuse(
            f"the body of {card.words[0]} is joined to {body}; only transistors whose body is at ground can be read."
        )
    m = {**_OF_NMOS, **_model(card, models, card.words[5], "nmos", _OF_NMOS)}
    series = [
        m[r] if m[r] > 0 else m["rsh"] * (said.get(squares, 1.0) or 1.0) for r, squares in (("rd", "nrd"), ("rs", "nrs"))
    ]
    vto, width, length = m["vto"] or m["vt0"], said.get("w", 1e-4), said.get("l", 1e-4)
    law = _made(card, lambda: NMOS(vto, m["gamma"], m["phi"], m["kp"], m["lambda"], width, length, *series))
    return Edge(card, (drain, source), law, control=gate)


def _model(card: Card, models: dict[str, Card], name: str, kind: str, known: dict[str, float]) -> dict[str, float]:
    """What a model says of the numbers in `known`."""
    if name not in models:
        card.refuse(f"there is no model {shown(name)}; add .model {name} {kind}(..), or correct the name.")
    model = models[name]
    if model.words[2] != kind:
        model.refuse(f"model {name} of line {card.line} is of type {model.words[2]}; only {kind} is understood there.")
    said = {word: model.number(value, word) for word, value in model.settings(model.words[3:]).items()}
    if said.pop("level", 1.0) != 1.0:
        model.refuse(f"model {name} is of another level; only level 1 is understood.")
    if said.pop("tnom", 27.0) != 27.0:
        model.refuse(f"model {name} is of another temperature; only tnom = 27 is understood.")
    for word, value in said.items():
        if word not in known and word not in _AT_REST[kind] and not (word == "rs" and value == 0):
            model.refuse(f"{word} = {value:g} of model {name} has no counterpart here; leave it out.")
    return {word: value for word, value in said.items() if word in known}


def _made(card: Card, make: Callable[[], Any]) -> Any:
    try:
        return make()
    except ParameterError as error:
        card.refuse(f"{card.words[0]} cannot be: {error}")


_ELEMENTS: dict[str, Callable[[Card, dict[str, Card], float], Edge]] = {"r": _resistor, "d": _diode, "m": _transistor}
