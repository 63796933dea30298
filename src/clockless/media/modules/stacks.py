"""One learning step of a whole stack, one module after the other in one process: the plain loop.

It is the reference of the actors: what a module does is in `units`, here is only the order. Modules that no clock calls do
no more work than others need of them: a batch goes forward as far as somebody acts, and back as far as somebody waits.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import numpy as np

from clockless.media.modules.interfaces import blended
from clockless.media.modules.layers import Tree, cross_entropy_gradient
from clockless.media.modules.methods import DNI, DelayedGradients, Method, NoBackprop, waits
from clockless.media.modules.units import (
    Unit,
    act,
    back,
    forward,
    gradients,
    imagined,
    kept,
    learned,
    listen,
    predicted,
    watch,
)

_loss_gradient = jax.jit(cross_entropy_gradient)
_blended = jax.jit(blended)

Units = tuple[Unit, ...]
Memories = list[Tree]


def learners(method: Method, called: np.ndarray) -> np.ndarray:
    """Which modules learn in a step, bool [module], of those that the clock has called."""
    if not isinstance(method, NoBackprop):
        return called
    last: np.ndarray = called & (np.arange(called.size) == called.size - 1)
    return last


def step(
    units: Units, method: Method, memories: Memories, batch: tuple[Any, Any], acts: np.ndarray, rate: float
) -> Memories:
    """Memories after one batch, x [batch, input] and labels [batch], by any method but delayed gradients."""
    if not acts.any():
        return memories
    if waits(method):
        return _there_and_back(units, method, memories, batch, acts, rate)
    return _straight_on(units, memories, batch, acts, rate)


@partial(jax.jit, static_argnums=(0, 1, 2))
def whole_step(
    units: Units, method: Method, acts: tuple[bool, ...], memories: Memories, batch: tuple[Any, Any], rate: Any
) -> Memories:
    """`step` compiled into one piece, for the step that is always the same: a third less time between modules.

    Worth it where all act. Other sets of acting modules would each be compiled anew, and `step` leaves their work out.
    """
    return step(units, method, memories, batch, np.array(acts), rate)


def _straight_on(units: Units, memories: Memories, batch: tuple[Any, Any], acts: np.ndarray, rate: float) -> Memories:
    """Each module acts as the batch passes; what it sends back teaches the interface before it."""
    memories = list(memories)
    x, labels = batch
    h = x
    for i in range(int(np.flatnonzero(acts)[-1]) + 1):
        unit = units[i]
        if acts[i] and unit.source is None:
            memories[i], out, delta, _ = act(unit, memories[i], h, labels, rate)
        else:
            memories[i], out = forward(unit, memories[i], h)
        if acts[i] and unit.source is not None:
            guess = imagined(unit, memories[i], x)
            memories[i], _, delta, _ = act(unit, memories[i], guess, labels, rate)
            memories[i] = watch(unit, memories[i], x, h, rate)
        if acts[i] and i > 0 and units[i - 1].critic is not None:
            seen = h if unit.source is None else guess
            memories[i - 1] = listen(units[i - 1], memories[i - 1], seen, labels, delta, rate)
        h = out
    return memories


def _there_and_back(
    units: Units, method: Method, memories: Memories, batch: tuple[Any, Any], acts: np.ndarray, rate: float
) -> Memories:
    """All forward, then backward as far as a module acts; with mixing, a critic's say at every boundary."""
    memories, outs, pulls = _forward(units, memories, batch[0])
    labels = batch[1]
    delta = _loss_gradient(outs[-1], labels)
    for i in range(len(units) - 1, int(np.flatnonzero(acts)[0]) - 1, -1):
        if acts[i]:
            memories[i], before = back(units[i], memories[i], pulls[i], delta, rate)
        else:
            _, before = gradients(units[i], pulls[i], delta)
        if i > 0 and isinstance(method, DNI):
            critic = units[i - 1], memories[i - 1], outs[i - 1], labels
            delta = _blended(before, predicted(*critic), method.mixing)
            memories[i - 1] = listen(*critic, before, rate) if acts[i] else memories[i - 1]
        else:
            delta = before
    return memories


def delayed_step(
    units: Units, method: DelayedGradients, memories: Memories, queues: list[list[Tree]], batch: tuple[Any, Any],
    acts: np.ndarray, rate: float,
) -> tuple[Memories, list[list[Tree]]]:  # fmt: skip
    """One step whose gradients go to the end of `queues`, a list per module of those still on their way, oldest first.

    A gradient that falls due while its module does not act is lost.
    """
    memories, outs, pulls = _forward(units, memories, batch[0])
    delta = _loss_gradient(outs[-1], batch[1])
    queues = list(queues)
    for i in range(len(units) - 1, -1, -1):
        gradient, delta = gradients(units[i], pulls[i], delta)
        queues[i] = [*queues[i], gradient]
        if len(queues[i]) > method.late(i, len(units)):
            due, *queues[i] = queues[i]
            memories[i] = learned(units[i], memories[i], due, rate) if acts[i] else memories[i]
    return memories, queues


def true_gradients(units: Units, memories: Memories, batch: tuple[Any, Any]) -> tuple[list[Any], list[Tree]]:
    """What backprop would say: outputs of all modules, and per example dL/dh at each of them [batch, width]."""
    _, outs, pulls = _forward(units, memories, batch[0])
    deltas = [_loss_gradient(outs[-1], batch[1])]
    for i in range(len(units) - 1, 0, -1):
        deltas.append(gradients(units[i], pulls[i], deltas[-1])[1])
    return outs, deltas[::-1]


def _forward(units: Units, memories: Memories, h: Any) -> tuple[Memories, list[Any], list[Any]]:
    memories, outs, pulls = list(memories), [], []
    for i, unit in enumerate(units):
        memories[i], h, pull = kept(unit, memories[i], h)
        outs.append(h)
        pulls.append(pull)
    return memories, outs, pulls
