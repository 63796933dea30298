"""What is wanted of output phases, as an energy that a nudge adds: costs of the angle delta = phi_out - phi_target.

Contract of a cost: `value(delta)`, `slope(delta)` and `curvature(delta)` per output (the derivatives by the phase), and
`imposed`, which adds strength x cost to a relaxation. The cost that is reported, whatever the nudge, is
`reported(delta)` = 1/2 sum over outputs (1 - cos delta), as in arXiv 2402.08579.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real

import numpy as np

from clockless.errors import ParameterError, shown
from clockless.media.phases.relaxation import Nudge


def reported(delta: np.ndarray) -> np.ndarray:
    """1/2 sum over outputs of 1 - cos(delta), [sample] from delta [output, sample]."""
    cost: np.ndarray = 0.5 * np.sum(1.0 - np.cos(delta), axis=0)
    return cost


def directions(phases: np.ndarray) -> np.ndarray:
    """Cosines and sines [row, 2, sample] of phases [row, sample], contiguous whatever the phases' layout."""
    along = np.empty((len(phases), 2, phases.shape[1]))
    np.cos(phases, out=along[:, 0])
    np.sin(phases, out=along[:, 1])
    return along


def no_nudge(rows: int, samples: int) -> Nudge:
    """No row has a cost of its own."""
    return Nudge(np.full(rows, -1), np.empty((0, 2, samples)), 0.0, 0.0)


@dataclass(frozen=True)
class CosineCost:
    """C = sum over outputs of 1 - cos(delta): a field of strength `nudge` along the target."""

    def value(self, delta: np.ndarray) -> np.ndarray:
        """Cost of every output."""
        cost: np.ndarray = 1.0 - np.cos(delta)
        return cost

    def slope(self, delta: np.ndarray) -> np.ndarray:
        """dC/dphi = sin(delta)."""
        slope: np.ndarray = np.sin(delta)
        return slope

    def curvature(self, delta: np.ndarray) -> np.ndarray:
        """d2C/dphi2 = cos(delta)."""
        curvature: np.ndarray = np.cos(delta)
        return curvature

    def imposed(self, strength: float, rows: np.ndarray, targets: np.ndarray, field: np.ndarray) -> Nudge:
        """Add the nudge at `rows` to `field` [row, 2, sample], in place; `targets` [output, sample] are phases."""
        field[rows] += strength * directions(targets)
        return no_nudge(len(field), targets.shape[1])


@dataclass(frozen=True)
class LogCost:
    """C = -sum over outputs of log(1 + eps + cos(delta)).

    With eps = 0 its torque -tan(delta / 2) diverges at delta = pi, so that the antipode of the target is no fixed point.

    Raises:
        ParameterError: eps negative or not finite.
    """

    eps: float = 0.0

    def __post_init__(self) -> None:
        if not (isinstance(self.eps, Real) and 0 <= float(self.eps) < np.inf):
            raise ParameterError(f"eps = {shown(self.eps)}; the logarithmic cost takes a small number from 0, such as 1e-5.")

    def value(self, delta: np.ndarray) -> np.ndarray:
        """Cost of every output; infinite at the antipode if eps = 0."""
        with np.errstate(divide="ignore"):
            cost: np.ndarray = -np.log(1.0 + self.eps + np.cos(delta))
        return cost

    def slope(self, delta: np.ndarray) -> np.ndarray:
        """dC/dphi = sin(delta) / (1 + eps + cos(delta)), which is tan(delta / 2) for eps = 0."""
        slope: np.ndarray = np.sin(delta) / (1.0 + self.eps + np.cos(delta))
        return slope

    def curvature(self, delta: np.ndarray) -> np.ndarray:
        """d2C/dphi2 = (1 + (1 + eps) cos(delta)) / (1 + eps + cos(delta))^2."""
        curvature: np.ndarray = (1.0 + (1.0 + self.eps) * np.cos(delta)) / (1.0 + self.eps + np.cos(delta)) ** 2
        return curvature

    def imposed(self, strength: float, rows: np.ndarray, targets: np.ndarray, field: np.ndarray) -> Nudge:
        """The nudge at `rows`; `targets` [output, sample] are phases. `field` stays as it is."""
        output = np.full(len(field), -1)
        output[rows] = np.arange(len(rows))
        return Nudge(output, directions(targets), float(strength), float(self.eps))
