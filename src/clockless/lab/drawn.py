"""What is drawn of a medium: nodes and edges, where they lie, and how what it has learned and its states stand on them.

Most media stand on a network, whose edges learn. Layers of conductances are drawn with the node that each belongs to, and a
stack of modules as a chain: nodes are what passes from module to module, edges the modules.
"""

from __future__ import annotations

from itertools import pairwise
from math import isqrt
from typing import Any, NamedTuple

import numpy as np

from clockless.errors import ParameterError
from clockless.learning.contracts import Luck
from clockless.learning.own import Medium
from clockless.media.layered.medium import DeepResistive
from clockless.networks.network import Network
from clockless.pictures.networks import placed
from clockless.tasks.task import Task

MOST_EDGES = 6_000


class Sites(NamedTuple):
    """Nodes of each role."""

    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    ground: tuple[int, ...] = ()


class Wired:
    """A medium on a network: every edge has learned something of its own, or what it shares with others.

    Args:
        medium: what learns.
        wiring: network or architecture.

    Raises:
        ParameterError: a medium of one's own without an edge for every parameter, or without a node for its states.
    """

    can_be_cut = ""  # why not, if it cannot
    can_be_held = ""

    def __init__(self, medium: Any, wiring: Any) -> None:
        self.medium, self.wiring = medium, wiring
        self.network: Network = getattr(wiring, "network", wiring)
        self._phases = hasattr(medium, "shared")
        if isinstance(medium, Medium):
            name, edges = type(medium).__name__, len(self.network.edges)
            if medium.network is None or medium.units != edges:
                raise ParameterError(
                    f"{name} has {medium.units} parameters on {edges} edges; the page draws media with one for every edge. "
                    "cl.train and a study take it."
                )
            if medium.size % self.network.nodes:
                raise ParameterError(
                    f"{name} has a state of {medium.size} numbers on {self.network.nodes} nodes; the page draws as many for "
                    "each node. cl.train and a study take it."
                )
            if medium.size > self.network.nodes:
                each = medium.size // self.network.nodes
                self.can_be_held = f"a node of {name} has {each} numbers, and the page holds one; give the task more inputs."

    @property
    def places(self) -> np.ndarray:
        """Where nodes lie [node, 2]."""
        return placed(self.network)

    def sites(self, task: Task) -> Sites:
        """Nodes of each role."""
        found = self.wiring if hasattr(self.wiring, "inputs") else task
        nodes = [tuple(getattr(found, role, None) or ()) for role in ("inputs", "outputs")]
        nodes.append(tuple(task.ground or ()))
        if isinstance(self.medium, Medium):
            nodes = [tuple(dict.fromkeys(self.medium.node_of(entry) or 0 for entry in each)) for each in nodes]
        return Sites(*nodes)

    def learned(self, values: np.ndarray) -> np.ndarray:
        """What every edge has learned [edge], NaN where it learns nothing."""
        return self._spread(values, np.nan)

    def acted(self, acts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How often edges [edge] and nodes [node] have acted, of how often units have; nothing where nodes are no units."""
        return self._spread(acts, 0.0), np.zeros(0)

    def _spread(self, values: np.ndarray, missing: float) -> np.ndarray:
        edges = len(self.network.edges)
        if self._phases:  # couplings that edges share, and then sites
            return np.asarray(values[self.medium.shared])
        learning = getattr(self.medium, "learning", None)
        if learning is None or len(learning) == edges:
            return np.asarray(values[:edges])
        spread = np.full(edges, missing)
        spread[learning] = values
        return spread

    def state(self, remembered: np.ndarray, x: np.ndarray, task: Task, luck: Luck) -> np.ndarray:
        """Settled free state [node] for inputs x [1, input]; of several numbers at a node their norm."""
        settled = np.asarray(self.medium.state(remembered, x, task, luck)[0])
        nodes = self.network.nodes
        if isinstance(self.medium, Medium) and settled.size > nodes:
            norms: np.ndarray = np.linalg.norm(settled.reshape(nodes, -1), axis=1)
            return norms
        return settled[:nodes]

    def words(self) -> dict[str, str]:
        """What learns, what states are, and their units."""
        variables, medium = self.medium.variables(False), self.medium
        error = variables["initial_error"] if "initial_error" in variables else variables["error"]
        own = isinstance(medium, Medium)
        state = ("voltage", "V") if not own else ("state", medium.state_measure)
        if own and medium.size > self.network.nodes:
            state = ("norm of the state", medium.state_measure)
        return {
            "parameter": "coupling" if self._phases else variables["parameters"].long_name.removeprefix("final "),
            "parameter_unit": variables["parameters"].units, "state": "phase" if self._phases else state[0],
            "state_unit": "rad" if self._phases else state[1], "error": "test cost" if self._phases else "test error",
            "error_unit": error.units, "drawn": "phases" if self._phases else "network", "unit": "edge",
        }  # fmt: skip


class Layers:
    """Layers of conductances: edges in the order of the parameters, which a node owns from the layer below.

    Args:
        medium: what learns; its inputs are drawn twice, as x and as -x.

    Raises:
        ParameterError: more conductances than a page draws.
    """

    can_be_cut = "conductances of layers stand in one table for all nodes, and none can be cut; networks of resistors can."
    can_be_held = "inputs of layers are what an example holds, and no other node can be held; choose another example."

    def __init__(self, medium: DeepResistive) -> None:
        self.medium, shape = medium, medium.shape
        if shape.conductances > MOST_EDGES:
            raise ParameterError(
                f"the layers have {shape.conductances:,} conductances; the page draws at most {MOST_EDGES:,}."
            )
        self._ends = np.cumsum((0, 2 * shape.inputs, *shape.layers))
        tables = [
            np.stack(np.meshgrid(np.arange(a, b), np.arange(b, c), indexing="ij"), axis=-1).reshape(-1, 2)
            for a, b, c in zip(self._ends, self._ends[1:], self._ends[2:], strict=False)
        ]
        self.network = Network(np.vstack(tables), self._columns())

    @property
    def places(self) -> np.ndarray:
        """Where nodes lie [node, 2]."""
        return placed(self.network)

    def _columns(self) -> np.ndarray:
        """Layers from left to right; inputs as two pictures, one above the other, where their number is a square."""
        inputs = self.medium.shape.inputs
        side = isqrt(inputs)
        down, across = np.divmod(np.arange(inputs), side if side * side == inputs else 1)
        rows, wide = int(down.max()) + 1, int(across.max())
        columns = [np.column_stack([across, rows - down]), np.column_stack([across, -1 - down])]
        for k, size in enumerate(self.medium.shape.layers, 1):
            heights = 2.0 * rows / max(size, 4) * ((size - 1) / 2 - np.arange(size))
            columns.append(np.column_stack([np.full(size, wide + k * max(wide, 0.6 * rows)), heights]))
        return np.vstack(columns).astype(np.float64)

    def sites(self, task: Task) -> Sites:
        """Inputs, twice, and outputs."""
        first, last = int(self._ends[1]), self._ends[-2:]
        return Sites(tuple(range(first)), tuple(range(int(last[0]), int(last[1]))))

    def learned(self, values: np.ndarray) -> np.ndarray:
        """Conductances [edge]."""
        return np.asarray(values[: self.medium.shape.conductances])

    def acted(self, acts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Nodes act, with all that they own."""
        return np.zeros(len(self.network.edges)), np.concatenate([np.zeros(self._ends[1]), acts])

    def state(self, remembered: np.ndarray, x: np.ndarray, task: Task, luck: Luck) -> np.ndarray:
        """Voltages [node]: held inputs, then what settles."""
        held = self.medium.gain * x[0]
        return np.concatenate([held, -held, self.medium.state(remembered, x, task, luck)[0]])

    def words(self) -> dict[str, str]:
        """What learns, what states are, and their units."""
        return {
            "parameter": "conductance", "parameter_unit": "S", "state": "voltage", "state_unit": "V", "error": "test cost",
            "error_unit": "V^2", "drawn": "layers", "unit": "node",
        }  # fmt: skip


class Chain:
    """A stack of modules: edges are modules, nodes what they pass on.

    Args:
        medium: what learns.
        task: whose examples say how wide modules are.
    """

    can_be_cut = "a stack without one of its modules passes nothing on; begin anew with fewer layers."
    can_be_held = "what modules pass on is not held; choose another example, or modules that act more seldom."

    def __init__(self, medium: Any, task: Task) -> None:
        from clockless.media.modules.answers import counts

        self.medium, self._modules = medium, medium.network.modules(task)
        sizes = [counts([module]) for module in self._modules]
        self._ends = np.cumsum([(0, 0), *sizes], axis=0)  # of parameters and of statistics
        chain = np.arange(len(self._modules) + 1)
        self.network = Network(list(pairwise(chain.tolist())), np.column_stack([chain, np.zeros(chain.size)]))

    @property
    def places(self) -> np.ndarray:
        """Where nodes lie [node, 2]."""
        return placed(self.network)

    def sites(self, task: Task) -> Sites:
        """The first node is the input, the last the logits."""
        return Sites((0,), (len(self._modules),))

    def learned(self, values: np.ndarray) -> np.ndarray:
        """Root mean square of every module's parameters [edge]."""
        return np.array([_rms(values[a:b]) for a, b in pairwise(self._ends[:, 0])])

    def acted(self, acts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Updates of every module."""
        return acts, np.zeros(0)

    def state(self, remembered: np.ndarray, x: np.ndarray, task: Task, luck: Luck) -> np.ndarray:
        """Root mean square of what every module passes on [node], as a test sees it; the input first."""
        from clockless.media.modules.answers import answer, computing, restored

        precision, own = self.medium.precision, self._ends[-1, 0]
        found, passed = [_rms(x)], np.asarray(x, dtype=precision)
        with computing(precision):
            numbers = restored(self._modules, remembered[:own], remembered[own:], precision)
            for module, each in zip(self._modules, numbers, strict=True):
                passed = np.asarray(answer((module,), (each,), passed))
                found.append(_rms(passed))
        return np.array(found)

    def words(self) -> dict[str, str]:
        """What learns, what states are, and their units."""
        return {
            "parameter": "root mean square weight", "parameter_unit": "1", "state": "root mean square of what passes",
            "state_unit": "1", "error": "wrong part of the test set", "error_unit": "1", "drawn": "network",
            "unit": "module",
        }  # fmt: skip


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64))))


Drawn = Wired | Layers | Chain


def drawn(medium: Any, wiring: Any, task: Task) -> Drawn:
    """How a medium is drawn.

    Raises:
        ParameterError: it cannot be.
    """
    if isinstance(medium, DeepResistive):
        return Layers(medium)
    if hasattr(wiring, "modules"):
        return Chain(medium, task)
    return Wired(medium, wiring)
