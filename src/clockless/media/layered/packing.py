"""Where parameters of a layered net stand: in a row by kind for everybody else, and as the compiled engine wants them.

Parameters are one float64 array [parameter]: conductances `w1`, `w2`, .. of the layers [lower node, upper node], row by row,
then currents `b1`, `b2`, .. [node]. `w1` has two rows of inputs, for x and for -x. Units of the clock are nodes, hidden ones
first; a node owns the conductances from the layer below and its own current.

The engine holds single precision and fills layers up with nodes that nothing joins: hidden ones to a multiple of 16, the
outputs to one of four.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from clockless.media.layered.products import FOUR, LINE


class Net(NamedTuple):
    """A net as compiled code sees it; `..[node]` are all layers in a row, filled up, outputs last."""

    plus: np.ndarray  # float32 [input, first layer]
    minus: np.ndarray  # float32 [input, first layer], of the inputs -x
    inner: np.ndarray  # float32 [..]: between hidden layers, [odd layer x even layer] each, one after another
    at: np.ndarray  # int64 [hidden layer]: where they begin
    out: np.ndarray  # float32 [output x last hidden layer], row by row
    bias: np.ndarray  # float32 [node]
    below: np.ndarray  # float32 [node]: sum of the conductances to the layer below
    above: np.ndarray  # float32 [node]: and to the layer above
    real: np.ndarray  # float32 [node]: 0 for nodes that only fill up
    first: np.ndarray  # int64 [layer + 1]: first node of each layer, and the end
    sizes: np.ndarray  # int64 [layer]: nodes of each layer that are real


@dataclass(frozen=True)
class Shape:
    """Sizes of a net: inputs (before they are doubled), hidden layers, outputs."""

    inputs: int
    hidden: tuple[int, ...]
    outputs: int

    @property
    def layers(self) -> tuple[int, ...]:
        """Nodes of every layer that settles, outputs last."""
        return (*self.hidden, self.outputs)

    @property
    def units(self) -> int:
        """Nodes that settle, which are the units of a clock."""
        return sum(self.layers)

    @property
    def matrices(self) -> tuple[tuple[int, int], ...]:
        """Shape [lower, upper] of every layer of conductances."""
        return tuple(zip((2 * self.inputs, *self.hidden), self.layers, strict=True))

    @cached_property
    def stretches(self) -> dict[str, int]:
        """How many parameters there are of each kind, in order."""
        weights = {f"w{k}": lower * upper for k, (lower, upper) in enumerate(self.matrices, 1)}
        return {**weights, **{f"b{k}": size for k, size in enumerate(self.layers, 1)}}

    @property
    def parameters(self) -> int:
        """How many there are."""
        return sum(self.stretches.values())

    @property
    def conductances(self) -> int:
        """How many of the parameters are conductances; they come first."""
        return sum(lower * upper for lower, upper in self.matrices)

    def split(self, values: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Conductances [lower, upper] and currents [node] of every layer, views."""
        parts = np.split(values, np.cumsum(list(self.stretches.values()))[:-1])
        count = len(self.layers)
        weights = [part.reshape(shape) for part, shape in zip(parts[:count], self.matrices, strict=True)]
        return weights, parts[count:]

    def joined(self, weights: list[np.ndarray], biases: list[np.ndarray]) -> np.ndarray:
        """One float64 array [parameter] of what `split` gives."""
        return np.concatenate([np.ravel(part) for part in (*weights, *biases)]).astype(np.float64)

    def owners(self) -> np.ndarray:
        """The unit that each parameter belongs to, int [parameter]."""
        first = np.cumsum((0, *self.layers[:-1]))
        units = [start + np.arange(size) for start, size in zip(first, self.layers, strict=True)]
        weights = [np.tile(mine, lower) for mine, (lower, _) in zip(units, self.matrices, strict=True)]
        return np.concatenate([*weights, *units])

    def by_layer(self, weights: tuple[float, ...], bias: float) -> np.ndarray:
        """A factor per layer, and for its currents this times `bias`, for every parameter [parameter]."""
        counts = list(self.stretches.values())
        return np.repeat([*weights, *(bias * weight for weight in weights)], counts).astype(np.float64)

    @cached_property
    def filled(self) -> tuple[int, ...]:
        """Nodes of every layer, filled up."""
        return (*(-(-size // LINE) * LINE for size in self.hidden), -(-self.outputs // FOUR) * FOUR)


def packed(shape: Shape, values: np.ndarray) -> Net:
    """The net that compiled code works on, a copy."""
    weights, biases = shape.split(np.asarray(values, dtype=np.float64))
    sizes, filled = shape.layers, shape.filled
    first = np.cumsum((0, *filled))
    inner = [_inner(shape, k, weights[k]) for k in range(1, len(shape.hidden))]
    net = Net(
        _fitted(weights[0][: shape.inputs], (shape.inputs, filled[0])),
        _fitted(weights[0][shape.inputs :], (shape.inputs, filled[0])),
        np.concatenate([np.empty(0, np.float32), *(part.ravel() for part in inner)]),
        np.cumsum((0, *(part.size for part in inner))).astype(np.int64),
        _fitted(weights[-1].T, (filled[-1], filled[-2])).ravel(),
        np.zeros(first[-1], np.float32), np.zeros(first[-1], np.float32), np.zeros(first[-1], np.float32),
        np.zeros(first[-1], np.float32), first.astype(np.int64), np.array(sizes, dtype=np.int64),
    )  # fmt: skip
    for k, size in enumerate(sizes):
        mine = slice(first[k], first[k] + size)
        net.bias[mine], net.real[mine] = biases[k], 1
        net.below[mine] = weights[k].sum(axis=0)
        if k + 1 < len(sizes):
            net.above[mine] = weights[k + 1].sum(axis=1)
    return net


def unpacked(shape: Shape, net: Net) -> np.ndarray:
    """Parameters of a net, float64 [parameter]."""
    hidden, filled = shape.hidden, shape.filled
    weights = [np.concatenate([part[:, : hidden[0]] for part in (net.plus, net.minus)])]
    for k in range(1, len(hidden)):
        odd, even = (k - 1, k) if k % 2 else (k, k - 1)
        stored = net.inner[net.at[k - 1] : net.at[k]].reshape(filled[odd], filled[even])[: hidden[odd], : hidden[even]]
        weights.append(stored if odd < even else stored.T)
    weights.append(net.out.reshape(filled[-1], filled[-2])[: shape.outputs, : hidden[-1]].T)
    biases = [net.bias[start : start + size] for start, size in zip(net.first, shape.layers, strict=False)]
    return shape.joined(weights, biases)


def _inner(shape: Shape, k: int, weight: np.ndarray) -> np.ndarray:
    """Conductances between hidden layers k - 1 and k (counted from 0) with the odd layer (counted from 1) in rows."""
    odd, even = (k - 1, k) if k % 2 else (k, k - 1)
    return _fitted(weight if odd < even else weight.T, (shape.filled[odd], shape.filled[even]))


def _fitted(table: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A table in single precision, filled up with zeros."""
    whole = np.zeros(size, np.float32)
    whole[: table.shape[0], : table.shape[1]] = table
    return whole
