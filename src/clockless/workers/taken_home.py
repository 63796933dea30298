"""What of a trained machine can be taken away from the laboratory: netlists for SPICE."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.errors import ParameterError, whole
from clockless.learning.contracts import Replica

if TYPE_CHECKING:
    import xarray

    from clockless.spice.netlist import Netlist
    from clockless.spice.writing import Machine


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
