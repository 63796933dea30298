"""In which order free sites settle: parallel by colour, one after the other at random, at Poisson times, or all flowing.

Contract of a schedule: `relax(problem, z) -> residual, sweeps`, both [sample], where z [row, 2, sample] is overwritten by
the state in which each sample stopped. The first three differ in the order of visits alone, see `relaxation`: a visit is
instantaneous and no site needs to know when the others move. The energy never rises under any of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from clockless.errors import ParameterError, shown
from clockless.media.phases.colours import relax_halves
from clockless.media.phases.couplings import Bonds
from clockless.media.phases.relaxation import COLOURED, PERMUTED, WITH_REPLACEMENT, Going, Graph, Nudge, relax

_FIRST = 1.5  # over-relaxation that adapting begins with


class Problem(NamedTuple):
    """What is to be relaxed, and how far."""

    graph: Graph
    field: np.ndarray  # [row, 2, sample]
    nudge: Nudge
    halves: Bonds | None  # the two colours, if they are wide and dense
    inner: np.ndarray  # couplings [inner edge]
    residual: float
    sweeps_limit: int
    seed: int
    occasion: int  # random orders are those of (seed, occasion)


@dataclass(frozen=True)
class _Visits:
    """Over-relaxation: 1 goes to each one-site minimum, up to 2 (excluded) beyond it; None adapts it sample by sample."""

    relaxation: float | None = None

    def __post_init__(self) -> None:
        if self.relaxation is not None and not (isinstance(self.relaxation, Real) and 1 <= self.relaxation < 2):
            raise ParameterError(
                f"relaxation = {shown(self.relaxation)}; give a number from 1 (exact minima) to 2 (excluded), or None."
            )

    def _visited(self, kind: int, problem: Problem, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        samples = z.shape[2]
        seed, occasion = (np.array([word], dtype=np.uint64) for word in (problem.seed, problem.occasion))
        adapts = self.relaxation is None
        omega = _FIRST if self.relaxation is None else float(self.relaxation)
        going = Going(kind, omega, adapts, seed, occasion, float(problem.residual), int(problem.sweeps_limit))
        if kind == COLOURED and problem.halves is not None:
            return relax_halves(problem.halves, problem.inner, problem.field, problem.nudge, going, z)
        residual, sweeps = np.zeros(samples), np.zeros(samples, dtype=np.int64)
        if samples and len(z):
            relax(problem.graph, problem.field, problem.nudge, going, z, residual, sweeps)
        return residual, sweeps


@dataclass(frozen=True)
class TwoColour(_Visits):
    """All sites of a colour at once, colour by colour: two colours on a bipartite wiring, a greedy colouring on others.

    Args:
        relaxation: over-relaxation, from 1 to below 2; None starts at 1.5 and adapts it to each sample's own convergence.
    """

    def relax(self, problem: Problem, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Residual and number of sweeps [sample]; a sweep visits every site once."""
        return self._visited(COLOURED, problem, z)


@dataclass(frozen=True)
class RandomSequential(_Visits):
    """One site after the other, in a new random order in every sweep. Args: as `TwoColour`."""

    def relax(self, problem: Problem, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Residual and number of sweeps [sample]; a sweep visits every site once."""
        return self._visited(PERMUTED, problem, z)


@dataclass(frozen=True)
class PoissonTimed(_Visits):
    """Each site acts at the events of a Poisson process of its own: no clock, no order, no site waiting for another.

    A visit takes no time, so only the order of events counts; in that of independent processes of equal rate every event
    belongs to each of the N free sites with probability 1 / N. A sweep is N events: one per site in the mean time between a
    site's events. Args: as `TwoColour`.
    """

    def relax(self, problem: Problem, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Residual and number of sweeps [sample]; a sweep is as many events as there are free sites."""
        return self._visited(WITH_REPLACEMENT, problem, z)


@dataclass(frozen=True)
class GradientFlow:
    """d phi / dt = -dE / d phi by Euler's method, for comparison with how oscillators would do it.

    Args:
        time_step: None for 1 / max_i (2 sum_j |W_ij| + |h_i|), which is at most the inverse of the largest curvature, so
            that the energy never rises (without a logarithmic cost, whose curvature has no bound).
    """

    time_step: float | None = None

    def __post_init__(self) -> None:
        if self.time_step is not None and not (isinstance(self.time_step, Real) and 0 < self.time_step < np.inf):
            raise ParameterError(f"time_step = {shown(self.time_step)}; give a positive number, or None for a safe one.")

    def relax(self, problem: Problem, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Residual and number of time steps [sample]."""
        graph, samples = problem.graph, z.shape[2]
        matrix = csr_array((graph.weight, graph.neighbour, graph.start), shape=(len(z), len(z)))
        pulls = np.hypot(problem.field[:, 0], problem.field[:, 1]).max(axis=1, initial=0.0)
        bound = float((2 * abs(matrix).sum(axis=1) + pulls).max(initial=0.0)) + abs(problem.nudge.strength)
        time_step = self.time_step or 1.0 / max(bound, 1e-300)
        residual, sweeps = np.zeros(samples), np.zeros(samples, dtype=np.int64)
        going = np.arange(samples)
        for step in range(problem.sweeps_limit + 1):
            here = z[:, :, going]
            torque = torques(matrix, problem.field[:, :, going], problem.nudge, here, going)
            residual[going] = np.abs(torque).max(axis=0, initial=0.0)
            sweeps[going] = step
            moving = residual[going] > problem.residual
            going = going[moving]
            if not going.size or step == problem.sweeps_limit:
                break
            turn = time_step * torque[:, moving]
            real, imaginary = here[:, 0][:, moving], here[:, 1][:, moving]
            cosine, sine = np.cos(turn), np.sin(turn)
            z[:, 0, going] = real * cosine - imaginary * sine
            z[:, 1, going] = imaginary * cosine + real * sine
        return residual, sweeps


def torques(matrix: csr_array, field: np.ndarray, nudge: Nudge, z: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """-dE/dphi [row, sample] in NumPy, with the nudge's; `samples` says which of the nudge's targets are meant."""
    g = field + (matrix @ z.reshape(len(z), -1)).reshape(z.shape)
    torque: np.ndarray = z[:, 0] * g[:, 1] - z[:, 1] * g[:, 0]
    rows = np.flatnonzero(nudge.output >= 0)
    if rows.size:
        target = nudge.target[nudge.output[rows]][:, :, samples]
        cosine = z[rows, 0] * target[:, 0] + z[rows, 1] * target[:, 1]
        sine = z[rows, 1] * target[:, 0] - z[rows, 0] * target[:, 1]
        with np.errstate(divide="ignore", invalid="ignore"):
            torque[rows] -= nudge.strength * sine / (1.0 + nudge.eps + cosine)
    return torque
