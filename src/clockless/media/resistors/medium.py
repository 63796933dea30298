"""Resistor networks as a medium: replicas that share a wiring learn side by side in the lanes of one compiled loop.

cl.train(cl.Resistors(network), cl.tasks.regression(network), rule=cl.CoupledLearning(0.1, 0.3), steps=1_000)
"""

from __future__ import annotations

import importlib
from collections.abc import Hashable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from clockless import memory
from clockless.errors import ParameterError
from clockless.learning.blocks import Blocks
from clockless.learning.contracts import Learner, Luck, Replica, Variable
from clockless.learning.scaling import SCALED_ERROR
from clockless.media.resistors.checks import checked
from clockless.media.resistors.learner import LANES, Block, Wiring, kind_of, lane_bytes
from clockless.media.resistors.ohm import OhmicNetwork
from clockless.numerics.lanes import tile_of, width_of
from clockless.tasks.task import Task

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CITE = (
    "Wycoff, Dillavou, Stern, Liu, Durian, 'Desynchronous learning in a physics-driven learning network', "
    "J. Chem. Phys. 156, 144903 (2022), doi 10.1063/5.0084631",
    "Stern, Hexner, Rocks, Liu, 'Supervised learning in physical networks: from machine learning to learning machines', "
    "Phys. Rev. X 11, 021045 (2021), doi 10.1103/PhysRevX.11.021045",
)
_NANOSECONDS = 7.0  # of a replica-step per edge, for the size of a unit of work
_PHYSICS = ("settle", "energy", "signal", "laplacian", "drops")


class Resistors(OhmicNetwork):
    __doc__ = OhmicNetwork.__doc__

    cite: tuple[str, ...] = CITE
    parallel: Literal["threads", "processes"] = "threads"
    unit = "edge"
    sources = (__name__,)

    @property
    def units(self) -> int:
        """Edges."""
        return len(self.network.edges)

    def variables(self, traces: bool) -> dict[str, Variable]:
        """Errors and powers at the recorded steps, how well currents balance, and the resistances."""
        variables = {
            "error": Variable(("step",), "f8", SCALED_ERROR, "1"),
            "initial_error": Variable((), "f8", "test error at step 0", "V^2"),
            "residual": Variable((), "f8", "unbalanced current / test current", "1"),
            "failed": Variable((), "bool", "did not settle or is not finite", "1"),
            "power": Variable(("step",), "f8", "power dissipated in the free state, mean over the training set", "W"),
            "actions": Variable(("edge",), "f8", "updates of the edge", "1"),
            "parameters": Variable(("edge",), "f8", "final resistance", "ohm"),
        }
        if traces:
            variables["traces"] = Variable(("step", "edge"), "f8", "resistance at each recorded step", "ohm")
        return variables

    def sizes(self, task: Task) -> dict[str, int]:
        """Edges."""
        return {"edge": self.units}

    def coordinates(self) -> dict[str, Any]:
        """Edges and their ends."""
        edges = self.network.edges
        return {"edge": np.arange(len(edges)), "edge_from": ("edge", edges[:, 0]), "edge_to": ("edge", edges[:, 1])}

    def check(self, replica: Replica) -> None:
        """Raise for what resistors cannot use; see `Medium`."""
        self._check_physics()
        checked(self, replica)

    def _check_physics(self) -> None:
        """The lanes compute the linear network, whatever a subclass says; so one that says other physics is refused."""
        own = [name for name in _PHYSICS if getattr(type(self), name) is not getattr(Resistors, name)]
        if own:
            raise ParameterError(
                f"{type(self).__name__} changes {own[0]} of Resistors, whose engine would not notice; "
                "derive it from clockless.Medium, which settles as you say."
            )

    def kind(self, replica: Replica) -> Hashable:
        """The medium itself, and what decides about compiled code and array shapes."""
        return id(self), kind_of(replica)

    def width(self, steps: int, replicas: int) -> int:
        """So many that a unit takes about a second where there is enough to do, yet there are 16 units or more.

        A unit has at least 64 replicas, if there are so many.
        """
        seconds = 1e-9 * _NANOSECONDS * self.units * steps
        wanted = min(1.0 / max(seconds, 1e-12), replicas / 16)
        return int(np.clip(LANES * (wanted // LANES), LANES, 64 * LANES))

    def learner(self, replicas: Sequence[Replica], traces: bool = False, of: int = 0, lanes: int = LANES) -> Learner:
        """Blocks of at most `lanes` replicas, advanced one after the other, all in tiles of one width."""
        self._check_physics()
        mine = [checked(self, replica) for replica in replicas]
        tile = tile_of(min(max(len(mine), of), lanes))
        count = width_of(tile, max(len(mine), of))
        memory.check(
            count * lane_bytes(self._wiring, replicas[0].task),
            f"factoring {count:,} networks of {self.network.nodes:,} nodes side by side",
            "give fewer replicas, a smaller network, or keep the results in a store",
        )
        members = [list(range(k, min(k + lanes, len(mine)))) for k in range(0, len(mine), lanes)]
        blocks = [Block(self._wiring, mine, each, lanes, traces, tile) for each in members]
        return blocks[0] if len(blocks) == 1 else Blocks(blocks)

    @cached_property
    def _wiring(self) -> Wiring:
        return Wiring.of(self)

    # --- what a trained one answers -------------------------------------------------------------------------

    def state(self, values: np.ndarray, x: Any, task: Task, luck: Luck) -> np.ndarray:
        """Free voltages [example, node] for input voltages [example, input]; `values` are resistances in ohms."""
        at = {**dict.fromkeys(task.ground or (), 0.0), **dict(zip(task.inputs or (), np.asarray(x, float).T, strict=True))}
        return self.settle(values, at)

    def predict(self, values: np.ndarray, x: Any, task: Task, luck: Luck) -> np.ndarray:
        """Output voltages [example, output]."""
        return self.state(values, x, task, luck)[:, list(task.outputs or ())]

    def classes(self, outputs: np.ndarray) -> np.ndarray:
        """The class that outputs [example, output] show: the highest voltage."""
        largest: np.ndarray = np.argmax(outputs, axis=1)
        return largest

    def draw(self, values: np.ndarray, task: Task, luck: Luck) -> Figure:
        """Figure of the network: edges coloured by their resistances `values`, nodes by their roles in the task."""
        pictures = importlib.import_module("clockless.pictures")  # by name: pictures are no source of the bits
        figure: Figure = pictures.network_figure(self.network, task, values)
        return figure
