"""Interfaces between modules: a model, beside a module, of what would otherwise have to be waited for.

The backward interface predicts the gradient at a module's output from that output, `delta = M(h, label)` (synthetic
gradient); the forward interface predicts a module's input from the network's input, `h = I(x)` (synthetic input).
Both are small networks that learn from the squared distance to the true thing when that arrives.
Jaderberg et al. 2017, arXiv 1608.05343, sections 2 and 3.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import jax
import numpy as np

from clockless.errors import ParameterError, shown, whole
from clockless.media.modules.layers import Tree, Uniform, standardised, weights


@dataclass(frozen=True)
class Interface:
    """A linear map, or hidden layers (linear, batch normalisation, ReLU) and a linear map, of h and perhaps the label.

    Args:
        inputs: width of what it looks at.
        outputs: width of what it predicts.
        classes: number of classes if it is conditioned on the label, whose one-hot code it then sees beside h; else 0.
        hidden: widths of hidden layers, none for a linear interface. They normalise by the batch at hand: an interface
            is asked in training only, so there are no running statistics.
        zero: the last layer starts at zero, so that a module does not move before its interface has learned.

    Raises:
        ParameterError: a width that is not a whole number from 1.
    """

    inputs: int
    outputs: int
    classes: int = 0
    hidden: tuple[int, ...] = ()
    zero: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "hidden", checked_hidden("hidden", self.hidden))
        whole("inputs", self.inputs, 1)
        whole("outputs", self.outputs, 1)
        whole("classes", self.classes)

    @property
    def _widths(self) -> tuple[int, ...]:
        return (self.inputs + self.classes, *self.hidden, self.outputs)

    @property
    def multiply_adds(self) -> int:
        """Of one example's prediction, the label's one-hot code counted as inputs (it is looked up, a few percent less)."""
        return sum(a * b for a, b in pairwise(self._widths))

    def init(self, uniform: Uniform) -> tuple[Tree, Tree]:
        """Parameters of each layer; an interface keeps no statistics."""
        widths = self._widths
        layers: list[dict[str, np.ndarray]] = [
            {"weight": weights(uniform, a, b, 2.0), "scale": np.ones(b), "shift": np.zeros(b)}
            for a, b in pairwise(widths[:-1])
        ]
        last = np.zeros(widths[-2:]) if self.zero else weights(uniform, widths[-2], widths[-1], 1.0)
        layers.append({"weight": last, "bias": np.zeros(self.outputs)})
        if self.classes:
            layers[0]["weight"], layers[0]["label"] = np.split(layers[0]["weight"], [self.inputs])
        return tuple(layers), ()

    def apply(self, parameters: Tree, h: jax.Array, labels: jax.Array | None) -> jax.Array:
        """The prediction [batch, outputs] from h [batch, inputs] and, if it is conditioned, labels [batch]."""
        for place, layer in enumerate(parameters):
            h = h @ layer["weight"]
            if "label" in layer:  # the rows that a one-hot code would pick
                h = h + layer["label"][labels]
            if place < len(parameters) - 1:
                h = jax.nn.relu(layer["scale"] * standardised(h)[0] + layer["shift"])
        prediction: jax.Array = h + parameters[-1]["bias"]
        return prediction

    def misfit(self, parameters: Tree, h: jax.Array, labels: jax.Array | None, truth: jax.Array) -> jax.Array:
        """What it learns from: |M(h) - truth|^2 / 2, summed over units, averaged over examples."""
        return 0.5 * ((self.apply(parameters, h, labels) - truth) ** 2).sum(axis=1).mean()


def blended(true: jax.Array, synthetic: jax.Array, mixing: Any) -> jax.Array:
    """BP(lambda): lambda x true + (1 - lambda) x synthetic, at every boundary on the way back.

    What comes back from the next module is itself such a mixture, so with g_n the gradient of the loss at module n,

        g_i = lambda J_{i+1}^T g_{i+1} + (1 - lambda) M_i(h_i),

    as the lambda-return mixes rewards and values (supplement A of arXiv 1608.05343). lambda = 1 is backprop, 0 is DNI.
    """
    mixture: jax.Array = mixing * true + (1 - mixing) * synthetic
    return mixture


def checked_hidden(name: str, hidden: Any) -> tuple[int, ...]:
    """Widths of hidden layers as a tuple; ParameterError if they are none."""
    if not isinstance(hidden, (tuple, list)):
        raise ParameterError(f"{name} = {shown(hidden)}; give the widths of hidden layers, such as (1024, 1024), or ().")
    return tuple(whole(name, width, 1) for width in hidden)
