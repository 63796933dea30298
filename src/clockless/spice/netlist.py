"""A network with its laws and sources, as a netlist has it: what `read` gives and `write` takes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from clockless import disk
from clockless.errors import OutputError, SpiceError, printable
from clockless.media.circuits.laws import FixedResistor, Linear
from clockless.media.circuits.medium import Circuit
from clockless.media.resistors.ohm import OhmicNetwork
from clockless.networks.network import Network
from clockless.spice.forms import GMIN, form_of

# Tight enough that ngspice's answer is a reference: Newton's last step is far smaller than the one that passes these limits,
# while tighter ones are missed by rounding (by 5 of 100 random circuits of diodes at +-10 V). Looser ones are for what does
# not come to rest by these.
TIGHT = f".options reltol=1e-9 abstol=1e-15 vntol=1e-12 gmin={GMIN:g} itl1=1000"
LOOSE = f".options reltol=1e-6 abstol=1e-14 vntol=1e-10 gmin={GMIN:g} itl1=1000"
CLOSE = 1e-10  # volts, of our own last Newton step: near cut-off, where steps shrink slowly, 1e-6 leaves 1e-8 V
COMMANDS = (".control", "set numdgt=15", "op", "print all", "quit", ".endc")


@dataclass(frozen=True, eq=False)
class Netlist:
    """A network with its laws, what its edges have learned, and its sources.

    Attributes:
        network: the wiring.
        names: what SPICE calls the nodes [node]; "0" is ground.
        laws: a law for each edge [edge], of `clockless.laws`.
        values: what the cards say of the edges, float64 [edge]: ohms of resistors, else what learns, such as volts of gates;
            NaN where nothing learns.
        held: volts of the nodes that sources hold against ground, ground itself included if it is a node.
        currents: amperes that sources bring into nodes.
        title: the first line.
        notes: the comments below it, a line each.
    """

    network: Network
    names: tuple[str, ...]
    laws: tuple[Any, ...]
    values: np.ndarray
    held: Mapping[int, float]
    currents: Mapping[int, float] = field(default_factory=dict)
    title: str = "clockless"
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        kinds = [type(law).__name__ for law in self.laws]
        counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
        return f"Netlist({self.title!r}, {self.network.nodes} nodes, {counts}; {len(self.held)} held)"

    @property
    def resistances(self) -> np.ndarray:
        """Ohms [edge], as `Resistors.settle` takes them.

        Raises:
            SpiceError: an edge is no resistor.
        """
        for edge, law in enumerate(self.laws):
            if not isinstance(law, (Linear, FixedResistor)):
                raise SpiceError(f"edge {edge} is {law!r}, no resistor; use laws and parameters for a Circuit.")
        return np.array(self.values)

    @property
    def theta(self) -> np.ndarray:
        """What learns, by each edge's law [edge]: siemens of `Linear`, volts of gates, ..; 0 where nothing does."""
        return np.array([_theta(law, value) for law, value in zip(self.laws, self.values.tolist(), strict=True)])

    @property
    def parameters(self) -> np.ndarray:
        """What learns [edge that learns], as `Circuit.settle` takes it."""
        return self.theta[[law.learns for law in self.laws]]

    def settle(self) -> np.ndarray:
        """Voltages [node] at rest, by the library's own solvers: those of `Resistors` if all edges are, else of `Circuit`.

        Raises:
            SpiceError: there are sources of current, which these media do not have.
            ParameterError: a state that does not settle.
        """
        if self.currents:
            node = self.names[next(iter(self.currents))]
            raise SpiceError(
                f"node {node} is fed by a source of current, which our media do not have; `solve` asks ngspice."
            )
        if all(isinstance(law, (Linear, FixedResistor)) for law in self.laws):
            return OhmicNetwork(self.network).settle(self.values, self.held)
        circuit = Circuit(self.network, list(self.laws), rails=dict(self.held), shunt=0.0, tolerance=CLOSE)
        return circuit.settle(self.parameters, {})

    def kirchhoff(self, volts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What edges carry away from each node at these voltages, amperes [node], and its derivatives, siemens [node, node].

        Where a node is neither held nor fed it is 0 at rest.
        """
        theta, (a, b) = self.theta, self.network.edges.T
        current, da, db = np.zeros((3, len(theta)))
        members: dict[Any, list[int]] = {}
        for edge, law in enumerate(self.laws):
            members.setdefault(law, []).append(edge)
        for law, edges in members.items():
            at = volts[a[edges]], volts[b[edges]], theta[edges]
            current[edges] = law.current(*at)
            da[edges], db[edges] = law.conductances(*at)
        away, jacobian = np.zeros(self.network.nodes), np.zeros((self.network.nodes,) * 2)
        np.add.at(away, a, current)
        np.subtract.at(away, b, current)
        for row, column, slope in ((a, a, da), (a, b, db), (b, a, -da), (b, b, -db)):
            np.add.at(jacobian, (row, column), slope)
        return away, jacobian

    def joined(self, volts: np.ndarray) -> np.ndarray:
        """Conductance that joins each node to the held ones at these voltages, siemens [node]; infinite at held nodes.

        1 / (J^-1)_ii, J the Jacobian of the currents over the nodes that are not held: so many amperes at the node move it
        by one volt.
        """
        _, jacobian = self.kirchhoff(volts)
        free = np.setdiff1d(np.arange(self.network.nodes), list(self.held))
        joined = np.full(self.network.nodes, np.inf)
        if free.size:
            try:
                inverse = np.linalg.inv(jacobian[np.ix_(free, free)])
            except np.linalg.LinAlgError:  # a part of the network hangs on nothing
                inverse = np.full((free.size,) * 2, np.inf)
            with np.errstate(divide="ignore"):
                joined[free] = 1.0 / np.abs(np.diag(inverse))
        return joined

    def text(self, options: str = TIGHT, commands: bool = True) -> str:
        """The netlist.

        Args:
            options: the card of tolerances.
            commands: with what makes `ngspice -b` print all voltages, 15 digits each.

        Raises:
            SpiceError: a law that SPICE cannot say.
        """
        lines = [printable(self.title), *(f"* {printable(note)}".rstrip() for note in self.notes)]
        lines += self._cards()
        lines += [f"V{self.names[k]} {self.names[k]} 0 {float(v)!r}" for k, v in self.held.items() if self.names[k] != "0"]
        lines += [f"I{self.names[k]} 0 {self.names[k]} {float(i)!r}" for k, i in self.currents.items()]
        lines += self._definitions()
        lines += [options, *(COMMANDS if commands else ()), ".end"]
        return "\n".join(lines) + "\n"

    def write(self, path: str | os.PathLike[str]) -> Path:
        """Write the netlist to a file, whole or not at all.

        Raises:
            SpiceError: a law that SPICE cannot say.
            OutputError: the file cannot be written.
        """
        text, place = self.text(), Path(path)
        try:
            disk.write(place, text)
        except OSError as error:
            raise OutputError(f"cannot write {place}: {error.strerror or error}; choose a place you may write to.") from None
        return place

    def _cards(self) -> Iterator[str]:
        """The edges, each with the source of what it has learned."""
        models, gate = self._models, self._gate
        for edge, (i, j) in enumerate(self.network.edges.tolist()):
            form = form_of(self.laws[edge], self.values[edge])
            first, last = self.names[i], self.names[j]
            control = f"{gate}{edge}" if form.controlled else ""
            nodes = [first, control, last, "0"] if form.body else [first, last, control]
            yield " ".join(filter(None, [f"{form.letter}{edge}", *nodes, models.get(form.definition, ""), form.tail]))
            if form.controlled:
                yield f"V{control} {control} 0 {float(self.values[edge])!r}"

    def _definitions(self) -> Iterator[str]:
        for lines, name in self._models.items():
            yield from (line.replace("{name}", name) for line in lines)

    @property
    def _models(self) -> dict[tuple[str, ...], str]:
        """Names of models and subcircuits by their lines, in the order in which edges need them."""
        names: dict[tuple[str, ...], str] = {}
        counts: dict[str, int] = {}
        for law, value in zip(self.laws, self.values.tolist(), strict=True):
            form = form_of(law, value)
            if form.stem and form.definition not in names:
                counts[form.stem] = counts.get(form.stem, 0) + 1
                names[form.definition] = f"{form.stem}{counts[form.stem]}"
        return names

    @property
    def _gate(self) -> str:
        """What names of gates begin with, so that no node has the same."""
        gate = "gate"
        while any(name.startswith(gate) for name in self.names):
            gate += "_"
        return gate


def _theta(law: Any, value: float) -> float:
    if isinstance(law, Linear):
        return 1.0 / value
    return value if law.learns else 0.0
