"""Linear resistor networks: voltages settle where the dissipated power is least.

E(R, V) = sum over edges of (V_i - V_j)^2 / (2 R_ij), half of the dissipated power in watts; with some nodes held, its
minimum is Kirchhoff's current law at all others.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.errors import HeldNodesError, InaccurateWarning, NetworkError, ParameterError, real_array, shown
from clockless.learning.unit_lanes import signal_of
from clockless.networks.architectures import Architecture
from clockless.networks.network import Network
from clockless.parts.part import behaviour, part
from clockless.seen import Seen

if TYPE_CHECKING:
    from scipy.sparse import csc_array

_DOUBT = 1e-6  # of the held voltages: rounding that changes others by more is told


class OhmicNetwork(Seen):
    """A network whose edges are resistors that may take values from `low` to `high` ohms while they learn: the physics.

    What a rule changes is `parameter`, "resistance" or "conductance"; a rule that says "conductance" itself counts first.

    Args:
        network: the wiring.
        low, high: numbers, or arrays [edge] for edges of different ranges.

    Raises:
        NetworkError: the network is not a `Network`.
        ParameterError: a range that is not 0 < low < high < infinity, or one that is neither a number nor one per edge;
            another parameter.
    """

    state_measure = "V"

    def __init__(
        self,
        network: Network,
        low: float | np.ndarray = 0.01,
        high: float | np.ndarray = 100.0,
        parameter: str = "resistance",
    ) -> None:
        if isinstance(network, Architecture):
            raise NetworkError(f"{shown(network)} is an Architecture, whose medium is XY; Resistors take a Network.")
        if not isinstance(network, Network):
            raise NetworkError(f"{shown(network)} is not a Network; make one with Network(edges) or networks.packing().")
        ends = [_checked_end(end, len(network.edges)) for end in (low, high)]
        if any(end is None for end in ends) or not ((ends[0] > 0) & (ends[0] < ends[1]) & (ends[1] < np.inf)).all():
            raise ParameterError(
                f"resistances from {shown(low)} to {shown(high)} are no range; give 0 < low < high, both finite, as numbers "
                f"or one per edge, [{len(network.edges)}]."
            )
        self.network = network
        self.low, self.high = (end if end.ndim else float(end) for end in ends)
        self.parameter = _checked_parameter(parameter)

    def __repr__(self) -> str:
        low, high = (end if isinstance(end, float) else shown(end) for end in (self.low, self.high))
        learned = "" if self.parameter == "resistance" else f", parameter={self.parameter!r}"
        return f"{type(self).__name__}({self.network!r}, low={low}, high={high}{learned})"

    def learned(self, rule: Any) -> str:
        """What learns by a rule: its own `parameter` if that is not "resistance", otherwise the medium's."""
        own = getattr(rule, "parameter", "resistance")
        return self.parameter if own == "resistance" else str(own)

    def ends(self, parameter: str) -> tuple[Any, Any]:
        """The range of resistances or of conductances: numbers, or arrays [edge]."""
        return (1 / self.high, 1 / self.low) if parameter == "conductance" else (self.low, self.high)

    def energy(self, parameters: np.ndarray, state: np.ndarray) -> float:
        """E = sum of v^2 / (2 R), watts; half the dissipated power. `parameters` [edge] ohms, `state` [node] volts."""
        return float(np.sum(self.drops(state) ** 2 / (2.0 * self.checked(parameters))))

    def signal(self, parameters: np.ndarray, state: np.ndarray, parameter: str | None = None) -> np.ndarray:
        """dE/dR = -v^2 / (2 R^2) per edge, or dE/dk = v^2 / 2 for conductances k = 1 / R; the medium's if not given."""
        resistances = self.checked(parameters)
        if _checked_parameter(self.parameter if parameter is None else parameter) == "conductance":
            return self.drops(state) ** 2 / 2.0
        return -(self.drops(state) ** 2) / (2.0 * resistances**2)

    def drops(self, state: np.ndarray) -> np.ndarray:
        """Voltage drop over each edge, V_i - V_j [edge]; raises ParameterError unless `state` is [node]."""
        try:
            voltages = real_array(state)
        except ValueError:
            raise ParameterError(f"state = {shown(state)}; give a voltage for each of {self.network.nodes} nodes.") from None
        if voltages.shape != (self.network.nodes,):
            raise ParameterError(f"voltages have shape {voltages.shape}; give one for each of {self.network.nodes} nodes.")
        drops: np.ndarray = voltages[self.network.edges[:, 0]] - voltages[self.network.edges[:, 1]]
        return drops

    def settle(self, parameters: np.ndarray, held: Mapping[int, Any]) -> np.ndarray:
        """Voltages [node] with the nodes of `held` kept at the given volts; [example, node] where some are [example].

        Raises:
            ParameterError: a resistance that is not positive and finite.
            HeldNodesError: no held node, a node that does not exist, or a voltage that is not finite.

        Warns:
            InaccurateWarning: rounding may have changed the voltages by more than 1e-6 of the held ones, because the
                resistances span more than about ten decades. Where no voltages are found they are NaN.
        """
        conductances = 1.0 / self.checked(parameters)
        nodes, volts = self._checked_held(held)
        free = np.setdiff1d(np.arange(self.network.nodes), nodes)
        voltages = np.zeros((self.network.nodes, *volts.shape[1:]))
        voltages[nodes] = volts
        if free.size:
            with np.errstate(all="ignore"):  # conductances beyond 1e308
                laplacian = self.laplacian(conductances)
                injected = -(laplacian[free][:, nodes] @ volts)
                voltages[free], doubt = _solved(laplacian[free][:, free].tocsc(), injected)
            self._warn_of(doubt, np.abs(volts).max(), conductances)
        return voltages.T

    def _warn_of(self, doubt: float, scale: float, conductances: np.ndarray) -> None:
        """Say where rounding may have changed the voltages by more than `_DOUBT` of the held ones."""
        if doubt <= _DOUBT * scale:
            return
        decades = np.log10(conductances.max()) - np.log10(conductances.min())
        certain = f"may be wrong by {doubt / scale:.0e} of the held ones" if doubt < scale else "are uncertain altogether"
        warnings.warn(
            f"the voltages {certain}: the resistances span {decades:.0f} decades, and rounding hides the small currents "
            "beside the large ones; narrow their range.",
            InaccurateWarning,
            stacklevel=3,
        )

    def residual(self, parameters: np.ndarray, state: np.ndarray, held: Mapping[int, float]) -> float:
        """Largest net current into a node that is not held, relative to the largest edge current."""
        nodes, _ = self._checked_held(held)
        currents = self.drops(state) / self.checked(parameters)
        net = np.zeros(self.network.nodes)
        np.add.at(net, self.network.edges[:, 0], currents)
        np.subtract.at(net, self.network.edges[:, 1], currents)
        free = np.setdiff1d(np.arange(self.network.nodes), nodes)
        scale = np.abs(currents).max()
        return float(np.abs(net[free]).max() / scale) if free.size and scale > 0 else 0.0

    def laplacian(self, conductances: np.ndarray) -> csc_array:
        """Weighted Laplacian [node, node]: currents out of the nodes = laplacian @ voltages."""
        from scipy.sparse import csc_array

        i, j = self.network.edges.T
        rows, columns = np.concatenate([i, j, i, j]), np.concatenate([j, i, i, j])
        values = np.concatenate([-conductances, -conductances, conductances, conductances])
        return csc_array((values, (rows, columns)), shape=(self.network.nodes, self.network.nodes))

    def checked(self, parameters: np.ndarray) -> np.ndarray:
        """Resistances as float64 [edge]; raises ParameterError unless all are positive and finite."""
        try:
            resistances = real_array(parameters)
        except ValueError:
            raise ParameterError(f"resistances = {shown(parameters)} are not numbers; give ohms, one or [edge].") from None
        edges = len(self.network.edges)
        if resistances.shape not in ((), (edges,)):
            raise ParameterError(
                f"resistances have shape {resistances.shape}; the network has {edges} edges, give one for each."
            )
        resistances = np.broadcast_to(resistances, edges)
        wrong = np.flatnonzero(~((resistances > 0) & np.isfinite(resistances)))
        if wrong.size:
            raise ParameterError(
                f"the resistance of edge {wrong[0]} is {resistances[wrong[0]]}; resistances must be positive and finite."
            )
        return resistances

    def _checked_held(self, held: Mapping[int, float]) -> tuple[np.ndarray, np.ndarray]:
        if not isinstance(held, Mapping):
            raise HeldNodesError(f"held = {shown(held)} is not a mapping from nodes to volts; give one such as {{0: 0.0}}.")
        if not held:
            raise HeldNodesError("no node is held, so the voltages are undefined; hold at least one, such as {0: 0.0}.")
        for node, volts in held.items():
            if isinstance(node, bool) or not (isinstance(node, Integral) and 0 <= node < self.network.nodes):
                raise HeldNodesError(
                    f"held node {shown(node)} does not exist; nodes are whole numbers from 0 to {self.network.nodes - 1}."
                )
            numbers = isinstance(volts, (Real, np.ndarray)) and np.asarray(volts).dtype.kind in "biuf"
            if not (numbers and np.ndim(volts) <= 1 and np.isfinite(volts).all()):
                raise HeldNodesError(f"node {node} is held at {shown(volts)}; held voltages must be finite numbers.")
        try:
            table = np.stack(np.broadcast_arrays(*held.values())).astype(np.float64)
        except ValueError:
            raise HeldNodesError(
                "nodes are held at different numbers of examples; give each one voltage, or [example]."
            ) from None
        return np.array(list(held), dtype=np.int64), table


def _solved(matrix: csc_array, injected: np.ndarray) -> tuple[np.ndarray, float]:
    """x of A x = b, and a bound of its error by rounding: eps max A^-1 (|A| |x| + |b|), infinite where there is no x.

    Skeel's bound (doi 10.1145/322139.322140) takes |A^-1|; A is a Laplacian without some of its nodes, whose inverse has no
    negative entry, so one more solution with the same factors gives it.
    """
    from scipy.sparse.linalg import splu

    try:
        factors = splu(matrix)
        x: np.ndarray = factors.solve(injected)
        bound = np.finfo(np.float64).eps * np.abs(factors.solve(abs(matrix) @ np.abs(x) + np.abs(injected))).max()
    except (RuntimeError, ValueError):  # singular once it is rounded
        return np.full_like(injected, np.nan), np.inf
    diagonal = np.empty(len(x))
    diagonal[factors.perm_c] = matrix.diagonal()
    lost = np.abs(factors.U.diagonal()) <= 4 * np.finfo(np.float64).eps * diagonal  # pivots that are nothing but rounding
    return x, np.inf if lost.any() or not np.isfinite(bound) else float(bound)


def _checked_parameter(parameter: Any) -> str:
    if not isinstance(parameter, str) or parameter not in ("resistance", "conductance"):
        raise ParameterError(f"parameter = {shown(parameter)}; resistors learn by 'resistance' or 'conductance'.")
    return parameter


def _checked_end(end: Any, edges: int) -> Any:
    """One end of the range as an array [] or [edge]; None if it is neither."""
    if isinstance(end, bool) or not (isinstance(end, Real) or hasattr(end, "__len__")) or isinstance(end, str):
        return None
    try:
        values = real_array(end)
    except (ValueError, OverflowError):
        return None
    return values if values.shape in ((), (edges,)) else None


# --- what learns, in lanes -------------------------------------------------------------------------------


@part
class Resistance:
    """The learning parameter of an edge is its resistance, in ohms."""


@part
class Conductance:
    """The learning parameter of an edge is its conductance, in siemens."""


def conductance_of(medium: Any, value: float) -> Any:
    """Conductance of an edge whose learning parameter is `value`. Compiled only."""


@behaviour(conductance_of, Resistance)
def _conductance_of_resistance(medium: Any, value: float) -> float:
    return 1.0 / value


@behaviour(conductance_of, Conductance)
def _conductance_itself(medium: Any, value: float) -> float:
    return value


@behaviour(signal_of, Resistance)
def _signal_of_resistance(medium: Any, conductance: float, sensed: float) -> float:
    return -0.5 * sensed * conductance * conductance  # dE/dR = -v^2 / (2 R^2)


@behaviour(signal_of, Conductance)
def _signal_of_conductance(medium: Any, conductance: float, sensed: float) -> float:
    return 0.5 * sensed  # dE/dk = v^2 / 2
