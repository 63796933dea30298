"""What of a trained machine can be taken away from the laboratory: netlists, graphs, a list of resistors to buy."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clockless import disk
from clockless.errors import OutputError, ParameterError, whole
from clockless.learning.contracts import Replica

if TYPE_CHECKING:
    import networkx
    import xarray

    from clockless.spice.netlist import Netlist
    from clockless.spice.writing import Machine
    from clockless.workers.bills import Bill


class TakenHome:
    """The part of a `Run` that hands its machines to other programs.

    Machines are named by place on the axes, such as `clock=1`; the first where nothing is said. `number=5` is the 6th of all
    replicas.
    """

    data: xarray.Dataset
    _replicas: list[Replica]
    if TYPE_CHECKING:

        def _values(self, replica: int, step: int | None = None) -> np.ndarray: ...
        def _luck(self, replica: Replica) -> Any: ...

    def to_spice(self, path: str | os.PathLike[str], example: int = 0, phase: str = "free", **replica: int) -> Path:
        """Write a machine at one of its training examples as a SPICE netlist.

        Args:
            path: the file; `ngspice -b PATH` prints the voltages.
            example: number of the training example.
            phase: "free", "clamped" or "nudged", as the rule pushes.
            replica: which machine, by place on the axes, such as `clock=1`.

        Raises:
            SpiceError: the medium has no netlist.
            ParameterError: an example, phase or machine that there is not.
            OutputError: the file cannot be written.
        """
        return self.netlist(example, phase, False, **replica).write(path)

    def netlist(self, example: int = 0, phase: str = "free", test: bool = False, **replica: int) -> Netlist:
        """The netlist of a machine at one of its examples; `test` takes those of the test set. Raises as `to_spice`."""
        from clockless.spice.writing import example_netlist

        return example_netlist(self.machine(self._number(replica)), example, phase, test)

    def to_graphml(self, path: str | os.PathLike[str], **replica: int) -> Path:
        """Write a machine as GraphML: positions and roles of nodes, and of every edge what it has learned.

        `networks.read_graphml` reads the wiring again, with the same numbers of nodes and edges.

        Args:
            path: the file.
            replica: which machine, by place on the axes.

        Raises:
            ParameterError: a medium without a wiring of one parameter an edge, or a machine that there is not.
            OutputError: the file cannot be written.
        """
        import networkx

        machine = self.machine(self._number(replica))
        graph = _graph(machine, self.data["parameters"].attrs)
        place = Path(path)
        try:
            with disk.replacing(place) as temporary:
                networkx.write_graphml(graph, temporary)
        except OSError as error:
            raise OutputError(f"cannot write {place}: {error.strerror or error}; choose a place you may write to.") from None
        return place

    def bill(self, path: str | os.PathLike[str], series: Any = "E24", scale: float = 1.0, **replica: int) -> Bill:
        """Write the resistances of a machine as CSV, beside each the nearest that is on sale, and what rounding costs.

        Args:
            path: the file; its first line, from `#` on, has the test errors.
            series: "E3" to "E192" (IEC 60063), a list of ohms, or a device with levels.
            scale: built ohms per learned ohm; a network of resistors alone has the same voltages at any scale.
            replica: which machine, by place on the axes.

        Returns:
            Learned and chosen ohms, and the test errors in V^2 before and after rounding.

        Raises:
            ParameterError: another series or scale, edges that learn no resistance, or a machine that there is not.
            OutputError: the file cannot be written.
        """
        from clockless.workers.bills import write_bill

        return write_bill(self.machine(self._number(replica)), path, series, scale)

    def machine(self, number: int) -> Machine:
        """One machine by its number: medium, what it has learned, task and rule."""
        from clockless.spice.writing import Machine

        replica = self._replicas[number]
        return Machine(replica.medium, self._values(number), replica.task, replica.rule, self._luck(replica))

    def _number(self, replica: dict[str, int]) -> int:
        """Number of the machine at these places."""
        shape = {str(name): size for name, size in self.data["failed"].sizes.items()}
        if "number" in replica and len(replica) == 1 and "number" not in shape:
            if whole("number", replica["number"]) >= len(self._replicas):
                raise ParameterError(f"number = {replica['number']}, but there are {len(self._replicas)} machines.")
            return replica["number"]
        for name, place in replica.items():
            if name not in shape or not 0 <= whole(name, place) < shape[name]:
                raise ParameterError(f"{name} = {place}: the axes are {shape}; give a place on one of them.")
        at = tuple(replica.get(name, 0) for name in shape)
        return int(np.ravel_multi_index(at, tuple(shape.values()))) if shape else 0


def _graph(machine: Machine, about: dict[str, Any]) -> networkx.Graph:
    """The wiring with `role` at nodes, and at edges what they have learned, under its name and with its unit."""
    from clockless.networks.files import to_networkx
    from clockless.networks.network import Network

    medium, task = machine.medium, machine.task
    network = getattr(medium, "network", None)
    learning = getattr(medium, "learning", None)
    if not isinstance(network, Network) or len(machine.values) != len(network.edges if learning is None else learning):
        raise ParameterError(f"{type(medium).__name__} has no wiring with one parameter an edge, so it is no graph.")
    graph = to_networkx(network)
    graph.graph["task"] = task.name
    name = str(about.get("long_name", "parameter")).removeprefix("final ")
    for edge, value in zip(
        range(len(network.edges)) if learning is None else learning.tolist(), machine.values, strict=True
    ):
        i, j = network.edges[edge].tolist()
        graph.edges[i, j][name] = float(value)
        graph.edges[i, j]["unit"] = str(about.get("units", "1"))
    for role in ("inputs", "outputs", "ground"):
        for node in getattr(task, role) or ():
            graph.nodes[node]["role"] = role.removesuffix("s")
    return graph
