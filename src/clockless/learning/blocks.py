"""Several blocks of lanes as one learner: short runs fill a unit of work with more replicas than a block has lanes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from clockless.learning.contracts import Arrays, Learner


class Blocks:
    """Blocks that are advanced one after the other."""

    def __init__(self, blocks: Sequence[Learner]) -> None:
        self._blocks = blocks
        self.step = 0

    @property
    def size(self) -> int:
        """Replicas in all blocks."""
        return sum(block.size for block in self._blocks)

    def advance(self, last: int) -> None:
        """Do the steps up to `last`, block by block."""
        for block in self._blocks:
            block.advance(last)
        self.step = last

    def measure(self) -> Arrays:
        """As the blocks measure."""
        return _joined([block.measure() for block in self._blocks])

    def state(self) -> Arrays:
        """The blocks' states, numbered."""
        states = {f"{name}_{k}": array for k, block in enumerate(self._blocks) for name, array in block.state().items()}
        return {"step": np.array(self.step), **states}

    def restore(self, state: Arrays) -> None:
        """Take up such a state."""
        for k, block in enumerate(self._blocks):
            end = f"_{k}"
            block.restore({name.removesuffix(end): array for name, array in state.items() if name.endswith(end)})
        self.step = int(state["step"])

    def results(self, recorded: Arrays) -> Arrays:
        """As the blocks', one below the other."""
        ends = np.cumsum([0, *(block.size for block in self._blocks)])
        parts = [
            block.results({name: array[first:last] for name, array in recorded.items()})
            for block, (first, last) in zip(self._blocks, itertools.pairwise(ends), strict=True)
        ]
        return _joined(parts)


def _joined(parts: list[Arrays]) -> Arrays:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
