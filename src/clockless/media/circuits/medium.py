"""Nonlinear circuits as a medium: replicas of one circuit learn side by side in the lanes of one compiled loop.

cl.train(cl.Circuit(network, cl.laws.NMOS.pyclln()), task, rule=cl.CoupledLearning(0.5, 0.3), steps=10_000)
"""

from __future__ import annotations

import importlib
from collections.abc import Hashable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from clockless.learning.blocks import Blocks
from clockless.learning.contracts import Learner, Luck, Replica, Variable
from clockless.learning.scaling import SCALED_ERROR
from clockless.media.circuits.checks import checked
from clockless.media.circuits.circuit import NonlinearNetwork
from clockless.media.circuits.learner import LANES, Block, kind_of
from clockless.media.circuits.relaxing import relax
from clockless.media.circuits.solving import settled
from clockless.media.circuits.wiring import Plan
from clockless.seen import Seen
from clockless.tasks.task import Task

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CITE = (
    "Dillavou, Beyer, Stern, Liu, Miskin, Durian, 'Machine learning without a processor: emergent learning in a nonlinear "
    "analog network', PNAS 121, e2319718121 (2024), doi 10.1073/pnas.2319718121",
    "Kendall, Pantone, Manickavasagam, Bengio, Scellier, 'Training end-to-end analog neural networks with equilibrium "
    "propagation', arXiv 2006.01981 (2020)",
)
_NANOSECONDS = 30.0  # of a replica-step and example per edge, for the size of a unit of work


class Circuit(NonlinearNetwork, Seen):
    __doc__ = f"""{NonlinearNetwork.__doc__}
    With `differential` outputs come in pairs, first and second: what is wanted is their difference, the error is that of
    the difference, and a clamp moves both by half, opposite ways, as on the boards.
    """

    state_measure = "V"

    cite: tuple[str, ...] = CITE
    parallel: Literal["threads", "processes"] = "threads"
    unit = "edge"
    sources = (__name__,)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.network!r}, {self.law!r})"

    def described(self) -> dict[str, Any]:
        """The circuit as plain data, for stores."""
        given = {"shunt": self.shunt, "capacity": self.capacity, "low": self.low, "high": self.high, "gains": self.gains}
        plain = {name: self._plain(array) for name, array in given.items()}
        return {
            "kind": "circuit", "law": self.law, **plain,
            "of_edge": None if self.of_edge is None else np.asarray(self.of_edge).tolist(),
            "gains": None if (self.gains == 1).all() else self.gains.tolist(),
            "rails": [[node, volts] for node, volts in self.rails.items()] or None, "differential": self.differential,
            "tolerance": float(self.tolerance), "iterations": int(self.iterations),
            **({"mismatch": self._plain(self.mismatch)} if self.mismatch.any() else {}),
            **({"temperature": self.temperature} if self.temperature else {}),
        }  # fmt: skip

    @staticmethod
    def _plain(array: np.ndarray) -> Any:
        return array.tolist() if np.ptp(array) else float(array.flat[0])

    @property
    def units(self) -> int:
        """Edges that learn."""
        return len(self.learning)

    @property
    def parameter(self) -> str:
        """What learns, by its name."""
        names = {self.laws[e].parameter for e in self.learning}
        return names.pop() if len(names) == 1 else "what learns"

    @property
    def measure(self) -> str:
        """Its unit; "1" where edges differ."""
        measures = {self.laws[e].measure for e in self.learning}
        return measures.pop() if len(measures) == 1 else "1"

    def variables(self, traces: bool) -> dict[str, Variable]:
        """Errors at the recorded steps, how well states settled, and what has been learned."""
        name, measure = self.parameter, self.measure
        variables = {
            "error": Variable(("step",), "f8", SCALED_ERROR, "1"),
            "accuracy": Variable(("step",), "f8", "share of test examples whose class is shown", "1"),
            "initial_error": Variable((), "f8", "test error at step 0", "V^2"),
            "residual": Variable((), "f8", "unbalanced current / largest current", "1"),
            "iterations": Variable((), "f8", "Newton iterations per state", "1"),
            "unsettled": Variable((), "f8", "share of states that did not settle", "1"),
            "failed": Variable((), "bool", "did not settle or is not finite", "1"),
            "actions": Variable(("edge",), "f8", "updates of the edge", "1"),
            "parameters": Variable(("edge",), "f8", f"final {name}", measure),
        }
        if traces:
            variables["traces"] = Variable(("step", "edge"), "f8", f"{name} at each recorded step", measure)
        return variables

    def sizes(self, task: Task) -> dict[str, int]:
        """Edges that learn."""
        return {"edge": self.units}

    def coordinates(self) -> dict[str, Any]:
        """Edges that learn, by their numbers in the network, and their ends."""
        edges = self.network.edges[self.learning]
        return {"edge": self.learning, "edge_from": ("edge", edges[:, 0]), "edge_to": ("edge", edges[:, 1])}

    def check(self, replica: Replica) -> None:
        """Raise for what circuits cannot use; see `Medium` of the contracts."""
        checked(self, replica)

    def kind(self, replica: Replica) -> Hashable:
        """The circuit itself, and what decides about compiled code and array shapes."""
        return id(self), kind_of(checked(self, replica))

    def width(self, steps: int, replicas: int) -> int:
        """So many that a unit takes about a second where there is enough to do, yet there are 16 units or more."""
        seconds = 1e-9 * _NANOSECONDS * self.units * steps
        wanted = min(1.0 / max(seconds, 1e-12), replicas / 16)
        return int(np.clip(LANES * (wanted // LANES), LANES, 64 * LANES))

    def learner(self, replicas: Sequence[Replica], traces: bool = False, of: int = 0, lanes: int = LANES) -> Learner:
        """Blocks of at most `lanes` replicas, advanced one after the other, all in tiles of one width."""
        mine = [checked(self, replica) for replica in replicas]
        tile = self.plan.tile(min(max(len(mine), of), lanes))
        members = [list(range(k, min(k + lanes, len(mine)))) for k in range(0, len(mine), lanes)]
        blocks = [Block(self.plan, mine, each, traces, tile) for each in members]
        return blocks[0] if len(blocks) == 1 else Blocks(blocks)

    @cached_property
    def plan(self) -> Plan:
        """The circuit laid out for lanes."""
        return Plan(self)

    # --- what a trained one answers ---------------------------------------------------------------------------------

    def settle(self, parameters: Any, held: Mapping[int, Any], start: Any = None) -> np.ndarray:
        """Voltages [node] with the nodes of `held` kept at the given volts; [example, node] where some are [example].

        Args:
            parameters: what learns, [edge that learns], or one number for all.
            held: volts of nodes that are held besides the rails.
            start: voltages [node] to begin from; without it the mean of those held.

        Raises:
            ParameterError: parameters that do not fit, or a state that does not settle.
            HeldNodesError: a node that does not exist or is held by a source, or a voltage that is not finite.
        """
        return settled(self, self.checked(parameters), self.held_by(held), start)

    def relax(self, parameters: Any, held: Mapping[int, float], start: Any, times: Any) -> np.ndarray:
        """Voltages [time, node] at `times` in seconds after the voltages `start` [node]; see `relaxing.relax`."""
        return relax(self, parameters, held, start, times)

    def state(self, values: np.ndarray, x: Any, task: Task, luck: Luck) -> np.ndarray:
        """Free voltages [example, node] for input voltages [example, input]; `values` is what has been learned."""
        columns = np.asarray(x, dtype=np.float64).T
        held = {**dict.fromkeys(task.ground or (), 0.0), **dict(zip(task.inputs or (), columns, strict=True))}
        return np.atleast_2d(self.settle(values, held))

    def predict(self, values: np.ndarray, x: Any, task: Task, luck: Luck) -> np.ndarray:
        """Output voltages [example, output]."""
        return self.state(values, x, task, luck)[:, list(task.outputs or ())]

    def classes(self, outputs: np.ndarray) -> np.ndarray:
        """The class that outputs [example, output] show: the highest voltage, or pair by its difference."""
        shown = outputs[:, 0::2] - outputs[:, 1::2] if self.differential else outputs
        largest: np.ndarray = np.argmax(shown, axis=1)
        return largest

    def draw(self, values: np.ndarray, task: Task, luck: Luck) -> Figure:
        """Figure of the network: edges coloured by what they have learned, those that learn nothing grey."""
        pictures = importlib.import_module("clockless.pictures.media")  # by name: pictures are no source of the bits
        spread = np.full(len(self.network.edges), np.nan)
        spread[self.learning] = values
        figure: Figure = pictures.medium_figure(self, spread, task)
        return figure

    def node_of(self, entry: int) -> int:
        """Entries of a state are nodes."""
        return entry
