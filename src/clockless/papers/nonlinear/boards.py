"""Boards of transistors and diodes, and the tasks that they are asked to learn.

All inputs are voltages between 0 and `SPAN`; two rails are held besides. What an output pair shows is the difference of its
two voltages, so that zero can be shown by a network without negative voltages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.media.circuits.junctions import Diode
from clockless.media.circuits.laws import Linear
from clockless.media.circuits.medium import Circuit
from clockless.media.circuits.tasks import solved, xor
from clockless.media.circuits.transistors import NMOS
from clockless.networks.builders import lattice
from clockless.networks.network import Network
from clockless.tasks.task import Task

if TYPE_CHECKING:
    import xarray

SPAN = 0.45  # volts, the largest input of PyCLLN's boards
APART = 0.087  # volts, the difference that their exclusive or asks for
RAILS = (0.11, 0.33)  # volts


def torus(side: int = 4) -> Network:
    """A square lattice of edges that closes on itself; of side 4 it is PyCLLN's."""
    return lattice(side, side, periodic=True)


def places(nodes: Sequence[int], of: int, side: int) -> list[int]:
    """Nodes of a torus of side `of` at the same places of one of another side."""
    return [node // of * side // of * side + node % of * side // of for node in nodes]


def transistors(network: Network, rails: Sequence[int] = (5, 7), **given: Any) -> Circuit:
    """A board of PyCLLN's transistors without series resistances, gates from 0.4 to 4 V; `rails` are two nodes."""
    return _railed(network, NMOS.pyclln(), rails, 0.4, 4.0, **given)


def with_diodes(network: Network, rails: Sequence[int] = (5, 7)) -> Circuit:
    """Resistors that learn, and a diode in every third edge; signals are small, so the diodes are soft (40 mV)."""
    laws = [Linear(), Diode(saturation=1e-3, ideality=1.55)]
    kinds = [int(edge % 3 == 2) for edge in range(len(network.edges))]
    return _railed(network, laws, rails, 0.01, 1.0, kinds)


def _railed(
    network: Network, law: Any, nodes: Sequence[int], low: float, high: float, of_edge: Any = None, **given: Any
) -> Circuit:
    rails = dict(zip(nodes, RAILS, strict=True))
    return Circuit(network, law, of_edge, rails=rails, differential=True, low=low, high=high, **given)


def starts(board: Circuit, seeds: list[int]) -> xarray.DataArray:
    """What learns at step 0 [seed, edge]: uniform over the lower three quarters of its range, drawn from each seed alone."""
    import xarray

    drawn = np.array([np.random.default_rng([seed, 1]).uniform(size=board.units) for seed in seeds])
    return xarray.DataArray(board.low + 0.75 * (board.high - board.low) * drawn, dims=("seed", "edge"))


# --- tasks -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """A task of the study.

    Attributes:
        side: of the torus for which `rails` and the task's nodes are numbered; larger ones have them at the same places.
        rails: the two nodes that are held.
        make: a `Task` on that torus, from a seed.
        solved: whether final outputs [example, pair] of the test set solve it, given the task.
        words: what counts as solved.
        updates: how many every unit gets, on average.
    """

    side: int
    rails: tuple[int, int]
    make: Callable[[int], Task]
    solved: Callable[[np.ndarray, Task], bool]
    words: str
    updates: int = 10_000

    def board(self, side: int = 0, kind: Callable[[Network, Sequence[int]], Circuit] = transistors) -> Circuit:
        """A board that can learn it, on a torus of this side."""
        side = side or self.side
        return kind(torus(side), places(self.rails, self.side, side))

    def task(self, seed: int, side: int = 0) -> Task:
        """The task on a torus of this side."""
        made = self.make(seed)
        if side in (0, self.side):
            return made
        inputs, outputs = (places(nodes, self.side, side) for nodes in (made.inputs, made.outputs))
        return replace(made, inputs=inputs, outputs=outputs)


def _pairs(wanted: np.ndarray) -> np.ndarray:
    """Targets of output pairs whose differences [example, pair] are wanted: halves up and down."""
    return np.stack([0.5 * wanted, -0.5 * wanted], axis=2).reshape(len(wanted), -1)


def _task(nodes: dict[str, list[int]], x: np.ndarray, wanted: np.ndarray, kept: int, labels: Any = None) -> Task:
    """The first `kept` examples are learned, the others tested; all of both where none are left."""
    y = _pairs(wanted)
    test = slice(kept, None) if kept < len(x) else slice(None)
    given: dict[str, Any] = {**nodes, "x_train": x[:kept], "y_train": y[:kept], "x_test": x[test], "y_test": y[test]}
    if labels is not None:
        given |= {"labels_train": labels[:kept], "labels_test": labels[test]}
    return Task(**given)


def right_sides(outputs: np.ndarray, task: Task) -> bool:
    """Whether every difference is nearer to its own target than to the other one."""
    return bool(solved(task, outputs))


def moons(seed: int) -> Task:
    """Two interleaved half circles, 64 points to learn and 200 to test: the difference is +-APART / 2."""
    rng = np.random.default_rng([seed, 2])
    label = np.arange(264) % 2
    angle = rng.uniform(0.0, np.pi, 264)
    upper = np.column_stack([np.cos(angle), np.sin(angle)])
    places = np.where(label[:, None] == 0, upper, [1.0, 0.5] - upper) + 0.1 * rng.normal(size=(264, 2))
    low, high = np.array([-1.3, -0.8]), np.array([2.3, 1.3])
    x = SPAN * np.clip((places - low) / (high - low), 0.0, 1.0)
    wanted = np.where(label == 0, 0.5, -0.5)[:, None] * APART
    return _task({"inputs": [15, 13], "outputs": [10, 0]}, x, wanted, 64)


def bent(seed: int) -> Task:
    """A product of two voltages, 32 examples to learn and 64 to test: the difference is APART u v - APART / 4."""
    rng = np.random.default_rng([seed, 3])
    u = rng.uniform(size=(96, 2))
    return _task({"inputs": [15, 13], "outputs": [10, 0]}, SPAN * u, APART * (u[:, :1] * u[:, 1:] - 0.25), 32)


def iris(seed: int) -> Task:
    """Fisher's flowers: four inputs, three pairs of outputs, 99 flowers to learn and 51 to test."""
    from clockless.tasks.datasets import iris as flowers

    features, labels = flowers()
    order = np.random.default_rng([seed, 4]).permutation(len(labels))
    features, labels = np.asarray(features)[order], np.asarray(labels)[order]
    low, high = features[:99].min(axis=0), features[:99].max(axis=0)
    x = SPAN * np.clip((features - low) / (high - low), 0.0, 1.0)
    wanted = APART * (np.eye(3)[labels] - 1.0 / 3.0)
    nodes = {"inputs": [0, 9, 20, 29], "outputs": [4, 26, 13, 35, 11, 33]}
    return _task(nodes, x, wanted, 99, labels)


def sorted_out(share: float) -> Callable[[np.ndarray, Task], bool]:
    """Whether at least this share of the test set falls to its class: by the sign of one pair, or the largest of several."""

    def solved(outputs: np.ndarray, task: Task) -> bool:
        shown, wanted = outputs[:, 0::2] - outputs[:, 1::2], task.y_test[:, 0::2] - task.y_test[:, 1::2]
        if shown.shape[1] == 1:
            return bool(np.mean((shown > 0) == (wanted > 0)) >= share)
        return bool(np.mean(np.argmax(shown, 1) == np.argmax(wanted, 1)) >= share)

    return solved


def beyond_straight(outputs: np.ndarray, task: Task) -> bool:
    """Whether the mean squared error is below a quarter of that of the best plane through the test set."""
    shown, wanted = outputs[:, 0] - outputs[:, 1], task.y_test[:, 0] - task.y_test[:, 1]
    plane = np.column_stack([task.x_test, np.ones(len(wanted))])
    left = wanted - plane @ np.linalg.lstsq(plane, wanted, rcond=None)[0]
    return bool(np.mean((shown - wanted) ** 2) < 0.25 * np.mean(left**2))


TASKS = {
    "exclusive or": Asked(4, (5, 7), lambda seed: xor(torus()), right_sides, "all four outputs on the right side", 20_000),
    "product": Asked(4, (5, 7), bent, beyond_straight, "a quarter of the best plane's squared error"),
    "iris": Asked(6, (7, 21), iris, sorted_out(0.93), "93 % of the test flowers right", 5_000),
    "two moons": Asked(4, (5, 7), moons, sorted_out(0.95), "95 % of the test points right (a line: 87 %)"),
}
