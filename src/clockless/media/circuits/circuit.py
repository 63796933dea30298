"""A circuit: a wiring whose edges have laws, with rails, shunts and amplifiers; its equations, in NumPy.

Kirchhoff's current law at every node i that is not held,

    F_i = sum over edges with first end i of g_a I - sum over edges with second end i of g_b I + shunt_i V_i = 0,
    I = I(g_a V_a, g_b V_b; theta),

where g_a and g_b are the gains of bidirectional amplifiers at the edge's ends, 1 without: an ideal transformer, which shows
the edge g times the node's voltage and the node g times the edge's current, and so neither makes nor takes power.
"""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np

from clockless.errors import HeldNodesError, NetworkError, ParameterError, real_array, shown, whole
from clockless.media.circuits.floating import check_held
from clockless.media.circuits.law import Law
from clockless.networks.architectures import Architecture
from clockless.networks.network import Network

BOLTZMANN = 1.380649e-23  # joules per kelvin, exact since 2019
_GAINS = "give [edge, 2], for the first and the second end of every edge"


class NonlinearNetwork:
    """The physics of a network whose edges have laws; voltages in volts against the common ground, SI units throughout.

    Args:
        network: the wiring. The first node of an edge is its end a: anode of a diode, drain of a transistor.
        law: a law for all edges, or a list of laws, one for every edge or as `of_edge` says.
        of_edge: whole numbers [edge], which of the listed laws every edge has.
        rails: nodes that a source holds at a voltage always: {node: volts}, or pairs [(node, volts), ..].
        shunt: conductance from every node to ground, siemens, one number or [node], 0 or more.
        capacity: capacity from every node to ground, farads, one number or [node]: which of several states of a circuit
            with falling currents it falls into, for it settles as C dV/dt = -F does, stepwise.
        gains: of bidirectional amplifiers at the edges' ends, [edge, 2]; 1 is none, None says none at all.
        low, high: range of what learns, one number or one for every edge that learns; None leaves it to the laws.
        differential: outputs come in pairs whose difference is wanted; see `Circuit`.
        mismatch: by how much what an edge has learned differs between the free and the pushed twin network, which share a
            memory: standard deviation, in its unit, one number or [edge that learns]; each edge's difference stays.
        temperature: kelvin; a settled voltage has fluctuations of variance k T / C about it (equipartition), of which a
            state holds one sample at every node that is not held.
        tolerance: volts; a state is settled when no voltage moves by more in a Newton step.
        iterations: after so many a state that is not settled is given up, and said to be.

    Raises:
        NetworkError: the network is not a `Network`.
        ParameterError: anything that does not fit, and nodes that float; the sentence names node or edge.
    """

    def __init__(
        self,
        network: Network,
        law: Any,
        of_edge: Any = None,
        rails: Any = None,
        shunt: Any = 1e-9,
        capacity: Any = 1e-12,
        gains: Any = None,
        low: Any = None,
        high: Any = None,
        differential: bool = False,
        mismatch: Any = 0.0,
        temperature: float = 0.0,
        tolerance: float = 1e-6,
        iterations: int = 300,
    ) -> None:
        if isinstance(network, Architecture):
            raise NetworkError(f"{shown(network)} is an Architecture, whose medium is XY; Circuit takes a Network.")
        if not isinstance(network, Network):
            raise NetworkError(f"{shown(network)} is not a Network; make one with Network(edges) or networks.lattice(4, 4).")
        self.network, self.law, self.of_edge = network, law, of_edge
        self.laws = _laws(law, of_edge, len(network.edges))
        self.rails = _rails(rails, network.nodes)
        self.shunt = _each("shunt", shunt, network.nodes, "node", 0.0)
        self.capacity = _each("capacity", capacity, network.nodes, "node", np.nextafter(0.0, 1.0))
        self.gains = _gains(gains, len(network.edges))
        self.learning = np.array([e for e, law in enumerate(self.laws) if law.learns], dtype=np.int64)
        self.unit_of_edge = np.full(len(self.laws), -1, dtype=np.int64)
        self.unit_of_edge[self.learning] = np.arange(len(self.learning))
        self.low, self.high = self._range(low, high)
        if not isinstance(differential, (bool, np.bool_)):
            raise ParameterError(f"differential = {shown(differential)}; give True (outputs in pairs) or False.")
        self.differential = bool(differential)
        self.mismatch = _each("mismatch", mismatch, len(self.learning), "edge that learns", 0.0)
        if isinstance(temperature, bool) or not (isinstance(temperature, Real) and 0 <= float(temperature) < np.inf):
            raise ParameterError(f"temperature = {shown(temperature)}; give kelvin, from 0.")
        self.temperature: float = float(temperature)
        if isinstance(tolerance, bool) or not (isinstance(tolerance, Real) and 0 < float(tolerance) < 1):
            raise ParameterError(f"tolerance = {shown(tolerance)}; give volts, above 0 and below 1.")
        self.tolerance: float = float(tolerance)
        self.iterations: int = whole("iterations", iterations, 1)
        self._check_floating()

    def _range(self, low: Any, high: Any) -> tuple[np.ndarray, np.ndarray]:
        ends = []
        for name, given in (("low", low), ("high", high)):
            own = np.array([getattr(self.laws[e], name) for e in self.learning])
            ends.append(own if given is None else _each(name, given, len(self.learning), "edge that learns", -np.inf))
        wrong = np.flatnonzero(~(ends[0] < ends[1]))
        if wrong.size:
            k = int(wrong[0])
            raise ParameterError(
                f"edge {self.learning[k]} may learn from {ends[0][k]:g} to {ends[1][k]:g}, no range; give low < high."
            )
        return ends[0], ends[1]

    def _check_floating(self) -> None:
        """Raise if a node hangs on nothing but edges that may carry no current at all."""
        edges = self.network.edges
        for node in np.flatnonzero(self.shunt == 0):
            mine = np.flatnonzero((edges == node).any(axis=1))
            if int(node) not in self.rails and all(self.laws[e].insulates for e in mine):
                raise ParameterError(
                    f"node {node} floats when edge {mine[0]} ({type(self.laws[mine[0]]).__name__}) carries nothing, and it "
                    "has no shunt; give shunt=1e-9, or a leak."
                )

    @property
    def fluctuation(self) -> np.ndarray:
        """Standard deviation (k T / C)^(1/2) of the voltage of every node that is not held, volts [node]."""
        return np.sqrt(BOLTZMANN * self.temperature / self.capacity)

    @property
    def reciprocal(self) -> bool:
        """Whether all laws are: then the Jacobian is symmetric, and states are stationary points of the co-content."""
        return all(law.reciprocal for law in self.laws)

    @property
    def descends(self) -> bool:
        """Whether states are found by descent of the co-content: reciprocal laws that fall, or have corners."""
        if not self.reciprocal:
            return False
        falling = any(not law.rising for law in self.laws)
        return falling or (any(law.cornered for law in self.laws) and not any(law.junction for law in self.laws))

    # --- equations -------------------------------------------------------------------------------------------------

    def theta(self, parameters: Any) -> np.ndarray:
        """What learns, of every edge [edge, ..]: `parameters` [unit, ..] at the edges that learn, 0 at the others."""
        values = self.checked(parameters)
        theta = np.zeros((len(self.laws), *values.shape[1:]))
        theta[self.learning] = values
        return theta

    def checked(self, parameters: Any) -> np.ndarray:
        """Parameters as float64 [unit, ..]; ParameterError unless there is one for every edge that learns."""
        try:
            values = real_array(parameters)
        except ValueError:
            raise ParameterError(f"parameters = {shown(parameters)} are not numbers; give one for every edge.") from None
        if values.ndim == 0:
            values = np.full(len(self.learning), float(values))
        if values.shape[:1] != self.learning.shape:
            raise ParameterError(
                f"parameters have shape {values.shape}; {len(self.learning)} edges learn, give one for each."
            )
        return values

    def flows(self, parameters: Any, state: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Currents of all edges and their slopes: I, dI/dV_a and dI/dV_b [edge, ..] at voltages [node, ..]."""
        volts, theta = np.asarray(state, dtype=np.float64), self.theta(parameters)
        found = np.zeros((3, len(self.laws), *volts.shape[1:]))
        ends = self.gains.T.reshape(2, -1, *(1,) * (volts.ndim - 1)) * volts[self.network.edges.T]
        for members, of_one in self._one_by_one():
            at = theta[members] if theta.ndim == volts.ndim else theta[members].reshape(-1, *(1,) * (volts.ndim - 1))
            with np.errstate(all="ignore"):
                for k, each in enumerate(of_one.carries(ends[0, members], ends[1, members], at)):
                    found[k, members] = each
        gains = self.gains.T.reshape(2, -1, *(1,) * (volts.ndim - 1))
        return found[0], found[1] * gains[0], found[2] * gains[1]

    def steered(self, parameters: Any, state: np.ndarray) -> np.ndarray:
        """dI/dtheta [edge that learns] at voltages [node]."""
        theta, found = self.theta(parameters), np.zeros(len(self.laws))
        ends = self.gains.T * np.asarray(state, dtype=np.float64)[self.network.edges.T]
        for members, law in self._one_by_one():
            found[members] = law.steers(ends[0, members], ends[1, members], theta[members])
        return found[self.learning]

    def felt(self, state: np.ndarray) -> np.ndarray:
        """What the edges that learn feel between their ends of numbers at nodes [node]: g_a x_a - g_b x_b."""
        ends = self.gains.T * np.asarray(state, dtype=np.float64)[self.network.edges.T]
        return np.asarray((ends[0] - ends[1])[self.learning])

    def _one_by_one(self) -> list[tuple[np.ndarray, Law]]:
        """Edges of each different law."""
        found: dict[Law, list[int]] = {}
        for e, law in enumerate(self.laws):
            found.setdefault(law, []).append(e)
        return [(np.array(members), law) for law, members in found.items()]

    def currents(self, parameters: Any, state: Any, there: Any = 1.0) -> np.ndarray:
        """F [node, ..]: what leaves every node by edges and shunt, amperes; 0 at the free nodes of a settled state.

        Edges carry the part `there` [edge, ..] of their currents.
        """
        volts = np.asarray(state, dtype=np.float64)
        current = there * self.flows(parameters, volts)[0]
        wide = (-1, *(1,) * (volts.ndim - 1))
        left = self.shunt.reshape(wide) * volts
        np.add.at(left, self.network.edges[:, 0], self.gains[:, 0].reshape(wide) * current)
        np.subtract.at(left, self.network.edges[:, 1], self.gains[:, 1].reshape(wide) * current)
        return left

    def jacobian(self, parameters: Any, state: Any, there: Any = 1.0) -> np.ndarray:
        """dF/dV [node, node] at voltages [node], siemens; symmetric if all laws are reciprocal. `there` as of `currents`."""
        a, b = self.network.edges.T
        ga, gb = self.gains.T
        _, da, db = (there * each for each in self.flows(parameters, state))
        matrix = np.diag(self.shunt)
        for row, column, value in ((a, a, ga * da), (a, b, ga * db), (b, a, -gb * da), (b, b, -gb * db)):
            np.add.at(matrix, (row, column), value)
        return matrix

    def imbalance(self, parameters: Any, state: Any, held: Any, pushed: Any = 0.0) -> np.ndarray:
        """Largest net current into a node that is not held / largest current of an edge with a free end, [..].

        `pushed` [node, ..] are currents into nodes from elsewhere, such as nudges.
        """
        volts = np.asarray(state, dtype=np.float64)
        free = np.ones(volts.shape, dtype=bool)
        free[np.asarray(list(held), dtype=np.int64)] = False
        return self.unbalanced(parameters, volts, free, pushed)

    def unbalanced(self, parameters: Any, volts: np.ndarray, free: np.ndarray, pushed: Any = 0.0) -> np.ndarray:
        """The same with `free` [node, ..] saying which nodes are not held."""
        left = np.abs(np.where(free, self.currents(parameters, volts) - pushed, 0.0)).max(axis=0)
        edges = np.abs(self.flows(parameters, volts)[0])
        wide = self.shunt.reshape(-1, *(1,) * (volts.ndim - 1))
        scale = np.where(free[self.network.edges].any(axis=1), edges, 0.0).max(axis=0)
        scale = np.maximum(scale, np.abs(wide * volts).max(axis=0))
        with np.errstate(all="ignore"):
            return np.where(scale > 0, left / scale, np.where(left > 0, np.inf, 0.0))

    def held_by(self, held: Mapping[int, Any]) -> dict[int, Any]:
        """Held nodes and their volts with the rails among them.

        Raises:
            HeldNodesError: a node that does not exist or is a rail, a voltage that is not finite, or a part that floats.
        """
        if not isinstance(held, Mapping):
            raise HeldNodesError(f"held = {shown(held)} is not a mapping from nodes to volts; give one such as {{0: 0.0}}.")
        for node, volts in held.items():
            if isinstance(node, bool) or not (isinstance(node, Integral) and 0 <= node < self.network.nodes):
                raise HeldNodesError(
                    f"held node {shown(node)} does not exist; nodes are whole numbers from 0 to {self.network.nodes - 1}."
                )
            if int(node) in self.rails and not np.all(np.asarray(volts) == self.rails[int(node)]):
                raise HeldNodesError(
                    f"node {node} is held at {shown(volts)} V and by a source at {self.rails[int(node)]:g} V: they would "
                    "short each other; hold another node."
                )
            if np.asarray(volts).dtype.kind not in "iuf" or np.ndim(volts) > 1 or not np.isfinite(volts).all():
                raise HeldNodesError(f"node {node} is held at {shown(volts)}; held voltages must be finite numbers.")
        every = {**self.rails, **{int(node): volts for node, volts in held.items()}}
        check_held(self, every)
        return every


def _laws(law: Any, of_edge: Any, edges: int) -> tuple[Law, ...]:
    listed = list(law) if isinstance(law, (list, tuple)) else [law]
    for k, each in enumerate(listed):
        if not isinstance(each, Law) or isinstance(each, type):
            where = f"law[{k}]" if isinstance(law, (list, tuple)) else "law"
            raise ParameterError(f"{where} = {shown(each)} is no law of an edge; give one such as laws.NMOS.pyclln().")
    if of_edge is None:
        numbers = np.zeros(edges, dtype=np.int64) if len(listed) == 1 else np.arange(len(listed))
    else:
        numbers = np.array(of_edge)
    if numbers.shape != (edges,) or numbers.dtype.kind not in "iu":
        raise ParameterError(
            f"{len(listed)} laws for {edges} edges; give one law, one for every edge, or of_edge [{edges}], which of them "
            "every edge has."
        )
    wrong = np.flatnonzero((numbers < 0) | (numbers >= len(listed)))
    if wrong.size:
        raise ParameterError(f"edge {wrong[0]} has law {numbers[wrong[0]]}, but there are {len(listed)}; count from 0.")
    return tuple(listed[k] for k in numbers)


def _rails(rails: Any, nodes: int) -> dict[int, float]:
    pairs = list(rails.items()) if isinstance(rails, Mapping) else list(rails or ())
    found: dict[int, float] = {}
    for pair in pairs:
        try:
            node, volts = pair
            number, value = int(node), float(volts)
            fits = number == node and 0 <= number < nodes and np.isfinite(value)
        except (TypeError, ValueError):
            fits = False
        if not fits:
            raise ParameterError(f"rails hold {shown(pair)}; give {{node: volts}}, nodes from 0 to {nodes - 1}.")
        if number in found and found[number] != value:
            raise ParameterError(
                f"node {number} has sources of {found[number]:g} V and {value:g} V, which short each other; give it one."
            )
        found[number] = value
    return found


def _each(name: str, given: Any, count: int, of: str, least: float) -> np.ndarray:
    """A number for each, float64 [count]."""
    try:
        values = np.array(np.broadcast_to(real_array(given), count))
    except (ValueError, TypeError):
        raise ParameterError(f"{name} = {shown(given)}; give one number, or one for every {of}, [{count}].") from None
    wrong = np.flatnonzero(~((values >= least) & (values < np.inf)))
    if wrong.size:
        limit = "positive" if least > 0 else "0 or more" if least == 0 else "finite"
        raise ParameterError(f"{name} of {of} {wrong[0]} is {values[wrong[0]]:g}; it must be {limit}.")
    return values


def _gains(gains: Any, edges: int) -> np.ndarray:
    try:
        values = np.ones((edges, 2)) if gains is None else real_array(gains)
    except ValueError:
        raise ParameterError(f"gains = {shown(gains)}; {_GAINS}.") from None
    if values.shape != (edges, 2):
        raise ParameterError(f"gains have shape {values.shape}; {_GAINS}.")
    wrong = np.flatnonzero(~((values != 0) & np.isfinite(values)).all(axis=1))
    if wrong.size:
        raise ParameterError(
            f"edge {wrong[0]} has gains {shown(values[wrong[0]].tolist())}; they must be finite, and not 0."
        )
    return values
