"""XY networks: phases coupled by cosines, each in a field of its own; the second medium.

    E(phi) = -1/2 sum_ij W_ij cos(phi_i - phi_j) - sum_i h_i cos(phi_i - psi_i)
           = -sum over edges of W_e cos(phi_i - phi_j) - sum over sites of h_i cos(phi_i - psi_i)

(arXiv 2402.08579; W is symmetric). With z = exp(i phi) and g_i = sum_j W_ij z_j + h_i exp(i psi_i) the torque is
F_i = -dE/dphi_i = Im(conj(z_i) g_i). Energies have the unit of W and h, phases are in radians.

Phases are [site] or [site, sample]. Inside, states are z as float64 [site, 2, sample]: cosines and sines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any, NamedTuple, Self

import numpy as np

from clockless.errors import (
    SEEDS,
    HeldNodesError,
    NetworkError,
    ParameterError,
    array_of,
    instance,
    real_array,
    shown,
    whole,
)
from clockless.media.phases.costs import directions, no_nudge
from clockless.media.phases.couplings import Arrangement, Bonds
from clockless.media.phases.schedules import Problem, TwoColour
from clockless.networks.architectures import checked_shared
from clockless.networks.network import Network
from clockless.seen import Seen

KINDS = ("W", "h", "psi")


class Parameters(NamedTuple):
    """What learns."""

    W: np.ndarray  # [coupling]
    h: np.ndarray  # [site] strength of the field, whose direction is psi
    psi: np.ndarray  # [site] radians


class Nudging(NamedTuple):
    """A cost added to the energy: strength x cost of the phases at `outputs` against `targets` [output, sample]."""

    cost: Any
    strength: float
    outputs: tuple[int, ...]
    targets: np.ndarray


def phases_of(z: np.ndarray) -> np.ndarray:
    """Phases [site, sample] in (-pi, pi] from z [site, 2, sample]."""
    phases: np.ndarray = np.arctan2(z[:, 1], z[:, 0])
    return phases


class Rotors(Seen):
    """A network whose nodes are phases and whose edges couple them: the physics of the medium `XY`.

    Args:
        network: the wiring.
        shared: which coupling each edge uses, int [edge], numbered from 0 without gaps; None: each edge its own.
        trainable: which of the kinds "W", "h" and "psi" learn; the others stay as they are.

    Raises:
        NetworkError: the network is not a `Network`, or `shared` does not fit it.
        ParameterError: a kind that does not exist.
    """

    def __init__(self, network: Network, shared: Any = None, trainable: Sequence[str] = KINDS) -> None:
        if not isinstance(network, Network):
            raise NetworkError(f"{shown(network)} is not a Network; make one with Network(edges) or networks.lattice(4, 4).")
        self.network = network
        edges = len(network.edges)
        self.shared = np.arange(edges) if shared is None else checked_shared(shared, edges)
        self.couplings = int(self.shared.max()) + 1
        self._own = np.array_equal(self.shared, np.arange(edges))
        kinds = tuple(trainable.split()) if isinstance(trainable, str) else trainable
        if not isinstance(kinds, (tuple, list)):
            raise ParameterError(f"trainable = {shown(trainable)}; give some of 'W', 'h' and 'psi'.")
        for kind in kinds:
            if kind not in KINDS:
                raise ParameterError(f"trainable names {shown(kind)}; what can learn is 'W', 'h' and 'psi'.")
        self.trainable = tuple(kind for kind in KINDS if kind in kinds)
        self._edges = Bonds(network.edges[:, 0], network.edges[:, 1])
        self._arrangements: dict[tuple[int, ...], Arrangement] = {}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.network!r}, {self.couplings} couplings, trainable={self.trainable})"

    @classmethod
    def from_matrix(cls, matrix: Any, h: Any = 0.0, psi: Any = 0.0) -> tuple[Self, Parameters]:
        """Medium and parameters of a symmetric matrix W [site, site] with zeros on its diagonal; zeros are no edges.

        Raises:
            ParameterError: W not square, not finite, or not symmetric; h or psi that do not fit.
        """
        try:
            table = real_array(matrix)
        except ValueError:
            raise ParameterError(f"W = {shown(matrix)} is not a table of real numbers; give [site, site].") from None
        if table.ndim != 2 or table.shape[0] != table.shape[1]:
            raise ParameterError(f"W has shape {table.shape}; couplings are a square table [site, site].")
        if not np.isfinite(table).all():
            i, j = np.argwhere(~np.isfinite(table))[0]
            raise ParameterError(f"W[{i}, {j}] is {table[i, j]}; couplings must be finite.")
        if not np.array_equal(table, table.T):
            i, j = np.argwhere(table != table.T)[0]
            raise ParameterError(
                f"W[{i}, {j}] = {table[i, j]:g} but W[{j}, {i}] = {table[j, i]:g}; couplings have an energy only if W is "
                "symmetric, such as (W + W.T) / 2."
            )
        if np.diag(table).any():
            raise ParameterError("W has numbers on its diagonal; no site is coupled to itself, set them to 0.")
        edges = np.argwhere(np.triu(table))
        medium = cls(Network(edges))
        return medium, medium.parameters(table[edges[:, 0], edges[:, 1]], h, psi)

    def parameters(self, W: Any, h: Any = 0.0, psi: Any = 0.0) -> Parameters:
        """Checked `Parameters`; one number counts for all couplings or sites.

        Raises:
            ParameterError: numbers that do not fit the network or are not finite.
        """
        sizes = (self.couplings, self.network.nodes, self.network.nodes)
        return Parameters(*map(_checked_values, KINDS, (W, h, psi), sizes, ("coupling", "site", "site")))

    def weights(self, parameters: Parameters) -> np.ndarray:
        """W of every edge [edge]."""
        instance("parameters", parameters, Parameters, "make them with medium.parameters(W, h, psi)")
        return parameters.W if self._own else parameters.W[self.shared]

    # --- energy and its derivatives at any state -------------------------------------------------------------------------

    def energy(self, parameters: Parameters, phases: np.ndarray) -> Any:
        """E, a number for phases [site], else [sample]."""
        _check_parameters(parameters)
        phases = self._checked_phases(phases)
        i, j = self.network.edges.T
        energy = -self.weights(parameters) @ np.cos(phases[i] - phases[j])
        energy = energy - parameters.h @ np.cos((phases.T - parameters.psi).T)
        return float(energy) if phases.ndim == 1 else energy

    def torque(self, parameters: Parameters, phases: np.ndarray) -> np.ndarray:
        """F = -dE/dphi, in the shape of the phases."""
        _check_parameters(parameters)
        phases = self._checked_phases(phases)
        columns = phases.reshape(len(phases), -1)
        i, j = self.network.edges.T
        pull = self.weights(parameters)[:, None] * np.sin(columns[i] - columns[j])
        torque: np.ndarray = -parameters.h[:, None] * np.sin(columns - parameters.psi[:, None])
        np.subtract.at(torque, i, pull)
        np.add.at(torque, j, pull)
        return torque.reshape(phases.shape)

    def residual(self, parameters: Parameters, phases: np.ndarray, held: Sequence[int] = ()) -> Any:
        """max |F_i| over the sites that are not held (a number, or [sample]); 0 if all are held."""
        torque = np.abs(self.torque(parameters, phases))
        sites = array_of(held)
        if sites.ndim != 1 or (sites.size and sites.dtype.kind not in "iu"):
            raise HeldNodesError(f"held = {shown(held)}; give the numbers of the sites that are held, [site].")
        free = np.setdiff1d(np.arange(self.network.nodes), sites)
        largest = torque[free].max(axis=0, initial=0.0)
        return float(largest) if np.ndim(largest) == 0 else largest

    def signal(self, parameters: Parameters, phases: np.ndarray) -> Parameters:
        """Local signals, summed over samples: dE/dW_e = -cos(phi_i - phi_j) summed over the edges that share a coupling,

        dE/dh_i = -cos(phi_i - psi_i) and dE/dpsi_i = -h_i sin(phi_i - psi_i).
        """
        _check_parameters(parameters)
        phases = self._checked_phases(phases)
        z = directions(phases.reshape(len(phases), -1))
        return Parameters(self.by_coupling(-self._edges.products(z, z)), *self.field_signals(parameters, z.sum(axis=2)))

    def by_coupling(self, values: np.ndarray) -> np.ndarray:
        """Sums [coupling] of values [edge]."""
        return values if self._own else np.bincount(self.shared, values, self.couplings)

    def field_signals(self, parameters: Parameters, total: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Sums over samples of dE/dh and dE/dpsi [site], from the sum over samples of z, [site, 2]."""
        instance("parameters", parameters, Parameters, "make them with medium.parameters(W, h, psi)")
        cosine, sine = np.cos(parameters.psi), np.sin(parameters.psi)
        along = total[:, 0] * cosine + total[:, 1] * sine
        across = total[:, 1] * cosine - total[:, 0] * sine
        return -along, -parameters.h * across

    # --- settling ---------------------------------------------------------------------------------------------------------

    def settle(
        self,
        parameters: Parameters,
        held: Mapping[int, Any],
        start: np.ndarray,
        schedule: Any = TwoColour(),  # noqa: B008  (frozen)
        residual: float = 1e-6,
        sweeps_limit: int = 10_000,
        seed: int = 0,
    ) -> tuple[np.ndarray, Any]:
        """Relax from `start` with the sites of `held` kept at their phases; returns the state and its residual.

        Args:
            held: phase of each held site, a number or [sample].
            start: phases [site] or [site, sample]; those of held sites do not matter.
            schedule: TwoColour(), RandomSequential(), PoissonTimed() or GradientFlow().
            residual: a sample stops when max |F_i| over its free sites is at most this.
            sweeps_limit: a sample that has not settled after so many sweeps stops where it is; its residual tells.
            seed: of random orders.

        Raises:
            ParameterError: a residual or limit that is not positive, or phases that do not fit.
            HeldNodesError: a held site that does not exist, or is held at what is not finite.
        """
        _check_parameters(parameters)
        check_schedule(schedule)
        check_settling(residual, sweeps_limit)
        seed = whole("seed", seed, most=SEEDS)
        phases = self._checked_phases(start).copy()
        columns = phases.reshape(len(phases), -1)
        for site, phase in self._checked_held(held).items():
            columns[site] = phase
        z = directions(columns)
        stop = Stop(schedule, residual, sweeps_limit, seed, 0)
        reached, _ = self.relax(parameters, z, tuple(held), stop)
        settled = phases_of(z)
        settled[list(held)] = columns[list(held)]
        if phases.ndim == 1:
            return settled[:, 0], float(reached[0])
        return settled, reached

    def relax(
        self, parameters: Parameters, z: np.ndarray, held: tuple[int, ...], stop: Stop, nudging: Nudging | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Relax z [site, 2, sample] in place; residual (the nudge's torque included) and sweeps [sample]. Checks nothing."""
        arrangement, field = self.pulled(parameters, z, held)
        return self.relax_rows(parameters, z, arrangement, field, stop, nudging)

    def pulled(self, parameters: Parameters, z: np.ndarray, held: tuple[int, ...]) -> tuple[Arrangement, np.ndarray]:
        """The arrangement with `held` sites, and what does not move pulls on its rows, [row, 2, sample]."""
        instance("parameters", parameters, Parameters, "make them with medium.parameters(W, h, psi)")
        arrangement = self.arrangement(held)
        rows, block = arrangement.rows, arrangement.outer_block
        own = parameters.h[rows, None, None] * directions(parameters.psi[rows, None])
        field = np.empty((len(rows), 2, z.shape[2]))
        field[:] = own
        if block.flat.size:
            field[arrangement.row_of[block.left]] += block.pull(self.weights(parameters)[arrangement.outer], z)
        return arrangement, field

    def relax_rows(
        self,
        parameters: Parameters,
        z: np.ndarray,
        arrangement: Arrangement,
        field: np.ndarray,
        stop: Stop,
        nudging: Nudging | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """As `relax`, with what `pulled` returned, which several phases of learning share."""
        nudge = no_nudge(len(field), z.shape[2])
        if nudging is not None and nudging.strength != 0.0:
            field = field.copy()
            rows = arrangement.row_of[list(nudging.outputs)]
            nudge = nudging.cost.imposed(nudging.strength, rows, nudging.targets, field)
        weights = self.weights(parameters)
        inner = weights[arrangement.inner]
        problem = Problem(
            arrangement.graph(weights), field, nudge, arrangement.halves, inner,
            stop.residual, stop.sweeps_limit, stop.seed, stop.occasion,
        )  # fmt: skip
        moving = np.ascontiguousarray(z[arrangement.rows])
        reached, sweeps = stop.schedule.relax(problem, moving)
        z[arrangement.rows] = moving
        return reached, sweeps

    def arrangement(self, held: tuple[int, ...]) -> Arrangement:
        """The wiring with these sites held; worked out once."""
        if held not in self._arrangements:
            self._arrangements[held] = Arrangement(self.network.edges, self.network.nodes, held)
        return self._arrangements[held]

    # --- checks -----------------------------------------------------------------------------------------------------------

    def _checked_phases(self, phases: Any) -> np.ndarray:
        try:
            table = real_array(phases)
        except ValueError:
            raise ParameterError(
                f"phases = {shown(phases)} are not numbers; give radians, [site] or [site, sample]."
            ) from None
        if table.ndim not in (1, 2) or len(table) != self.network.nodes:
            raise ParameterError(f"phases have shape {table.shape}; give one for each of {self.network.nodes} sites.")
        return table

    def _checked_held(self, held: Any) -> Mapping[int, Any]:
        if not isinstance(held, Mapping):
            raise HeldNodesError(f"held = {shown(held)} is not a mapping from sites to phases; give one such as {{0: 0.0}}.")
        for site, phase in held.items():
            if isinstance(site, bool) or not (isinstance(site, (int, np.integer)) and 0 <= site < self.network.nodes):
                raise HeldNodesError(
                    f"held site {shown(site)} does not exist; sites are whole numbers from 0 to {self.network.nodes - 1}."
                )
            table = array_of(phase)
            if not table.size or table.ndim > 1 or table.dtype.kind not in "iuf" or not np.isfinite(table).all():
                raise HeldNodesError(f"site {site} is held at {shown(phase)}; held phases must be finite, in radians.")
        return held


class Stop(NamedTuple):
    """How to relax and when to stop."""

    schedule: Any
    residual: float
    sweeps_limit: int
    seed: int
    occasion: int  # tells one relaxation's random orders from another's


def check_schedule(schedule: Any) -> None:
    """Raise ParameterError unless this can relax phases; a class of schedules is none yet."""
    if isinstance(schedule, type) or not hasattr(schedule, "relax"):
        raise ParameterError(f"schedule = {shown(schedule)} is no schedule; give one such as TwoColour().")


def _check_parameters(parameters: Any) -> None:
    if not isinstance(parameters, Parameters):
        raise ParameterError(f"parameters = {shown(parameters)}; make them with medium.parameters(W, h, psi).")


def check_settling(residual: Any, sweeps_limit: Any) -> None:
    """Raise ParameterError unless the residual is positive and the limit a number of sweeps."""
    if not (isinstance(residual, Real) and not isinstance(residual, bool) and 0 < float(residual) < np.inf):
        raise ParameterError(f"residual = {shown(residual)}; give the torque at which a sample has settled, above 0.")
    whole("sweeps_limit", sweeps_limit, 1)


def _checked_values(name: str, values: Any, size: int, each: str) -> np.ndarray:
    try:
        table = real_array(values)
    except ValueError:
        raise ParameterError(f"{name} = {shown(values)} are not numbers; give one, or [{each}].") from None
    if table.shape not in ((), (size,)):
        raise ParameterError(f"{name} has shape {table.shape}; give one number for each {each}, [{size}].")
    table = np.array(np.broadcast_to(table, size))
    wrong = np.flatnonzero(~np.isfinite(table))
    if wrong.size:
        raise ParameterError(f"{name} of {each} {wrong[0]} is {table[wrong[0]]}; give finite numbers.")
    return table
