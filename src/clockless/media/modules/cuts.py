"""Where to cut a stack for k workers, and the speed-up that the cut cannot exceed.

What is counted, per example and learning step, in multiply-adds of matrix products (all else is of lower order):

- a layer of n multiply-adds costs n forward, n for the gradient of its weights, and n for the gradient of its input, which
  the first layer of the stack does not need;
- a synthetic gradient of m multiply-adds costs m to predict, m to be asked again with its present parameters when the true
  gradient of that output arrives, and m for the gradient of its weights. It is at work for the module before the cut; a
  local classifier costs one forward product and two gradients, the same 3 m.

Backprop on one worker takes the sum over layers. With a worker per module and messages that cost nothing, a step is done,
at best, every time the busiest worker has done one: the critical path of the steady state. The bound of a cut is their
ratio. It is a bound of throughput; one example's way through all modules is no shorter.

For 784-256-..-10 with a worker per layer the first layer is the busiest, with 2 x 784 x 256. The bound is 1.51, 2.00, 2.49
and 2.98 at 3 to 6 layers; with a linear synthetic gradient that sees 256 units and 10 classes, 1.00, 1.32, 1.65 and 1.97.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from time import process_time
from typing import Any

import jax
import numpy as np

from clockless.errors import ParameterError, shown, whole
from clockless.media.modules.interfaces import Interface
from clockless.media.modules.layers import Linear, Module, Stack, Tree, check_fit
from clockless.media.modules.methods import DNI, LocalLoss, Method, checked_method, local_classifier
from clockless.media.modules.units import Unit, act, back, kept, listen
from clockless.parts.optimisers import Adam


@dataclass(frozen=True)
class Work:
    """What one learning step costs, in one unit (multiply-adds per example, or seconds per batch).

    Args:
        layers: of each layer by backprop: forward and both gradients.
        interfaces: of what stands at each boundary in case of a cut there, one fewer than layers; zeros if that is free.
        messages: of passing a batch and its gradient over each boundary, paid by both sides; zeros if that is free.

    Raises:
        ParameterError: numbers that are negative or not finite, or of which there are too few.
    """

    layers: tuple[float, ...]
    interfaces: tuple[float, ...]
    messages: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        boundaries = len(self.layers) - 1
        object.__setattr__(self, "messages", tuple(self.messages) or (0.0,) * boundaries)
        for name, count in (("layers", boundaries + 1), ("interfaces", boundaries), ("messages", boundaries)):
            values = tuple(getattr(self, name))
            object.__setattr__(self, name, values)
            if len(values) != count or not all(np.isfinite(values)) or min(values, default=0) < 0:
                raise ParameterError(f"{name} = {shown(values)}; give {count} finite numbers from 0, one for each.")

    def of_worker(self, first: int, stop: int) -> float:
        """What a worker has to do that holds layers first .. stop - 1."""
        total = sum(self.layers[first:stop])
        if first > 0:
            total += self.messages[first - 1]
        if stop < len(self.layers):
            total += self.interfaces[stop - 1] + self.messages[stop - 1]
        return total


@dataclass(frozen=True)
class Cut:
    """A cut of a stack into modules of neighbouring layers, one for each worker.

    Attributes:
        stops: the layer after the last of each module.
        workers: what each worker has to do in a step.
        sequential: what backprop on one worker has to do.
    """

    stops: tuple[int, ...]
    workers: tuple[float, ...]
    sequential: float

    @property
    def critical_path(self) -> float:
        """Of a step in the steady state: what the busiest worker has to do."""
        return max(self.workers)

    @property
    def bound(self) -> float:
        """How many times faster than backprop on one worker this cut can be at most."""
        return self.sequential / self.critical_path

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """(First layer, layer after the last) of each module."""
        return tuple(zip((0, *self.stops[:-1]), self.stops, strict=True))

    def modules(self, layers: Sequence[Module]) -> tuple[Module, ...]:
        """The modules that the cut makes of the layers."""
        return tuple(layers[a] if b == a + 1 else Stack(tuple(layers[a:b])) for a, b in self.spans)


def cut_advice(layers: Sequence[Module], workers: int, method: Any = None, work: Work | None = None) -> Cut:
    """The best cut of a stack for a number of workers.

    All cuts into `workers` runs of neighbouring layers are compared by dynamic programming, exactly: with best[k][j] the
    least critical path of layers 0 .. j - 1 on k workers, best[k][j] = min over i of max(best[k - 1][i], worker(i, j)).

    Args:
        layers: the stack, finest grain.
        workers: how many there are; every one gets at least one layer.
        method: whose interfaces are counted, such as `DNI()`; None counts none.
        work: measured, from `measured_work`; multiply-adds when not given.

    Raises:
        ParameterError: more workers than layers, or work of another stack.
    """
    check_fit(layers)
    if whole("workers", workers, 1) > len(layers):
        raise ParameterError(f"{workers} workers, but the stack has {len(layers)} layers; a worker needs at least one.")
    work = counted_work(layers, method) if work is None else work
    if len(work.layers) != len(layers):
        raise ParameterError(
            f"the work is of {len(work.layers)} layers, but the stack has {len(layers)}; measure this stack."
        )
    count = len(layers)
    best = np.full((workers + 1, count + 1), np.inf)
    best[0, 0] = 0.0
    begins = np.zeros((workers + 1, count + 1), dtype=int)
    for k in range(1, workers + 1):
        for j in range(k, count + 1):
            paths = [max(best[k - 1, i], work.of_worker(i, j)) for i in range(j)]
            begins[k, j] = int(np.argmin(paths))
            best[k, j] = paths[begins[k, j]]
    stops = [count]
    for k in range(workers, 1, -1):
        stops.append(int(begins[k, stops[-1]]))
    return cut_at(work, stops[::-1])


def cut_at(work: Work, stops: Sequence[int]) -> Cut:
    """The cut whose modules end before the layers `stops`, the last of which is the number of layers.

    Raises:
        ParameterError: stops that do not rise to the number of layers.
    """
    stops = tuple(int(stop) for stop in stops)
    if not stops or stops[-1] != len(work.layers) or any(b <= a for a, b in zip((0, *stops), stops, strict=False)):
        raise ParameterError(
            f"stops = {shown(stops)}; they must rise and end with {len(work.layers)}, the number of layers."
        )
    spans = zip((0, *stops[:-1]), stops, strict=True)
    return Cut(stops, tuple(work.of_worker(a, b) for a, b in spans), float(sum(work.layers)))


def counted_work(layers: Sequence[Module], method: Any = None) -> Work:
    """Multiply-adds per example, by the convention of the module's docstring."""
    costs = tuple(float((3 if i else 2) * layer.multiply_adds) for i, layer in enumerate(layers))
    beside = [_beside(layer, layers[-1].outputs, method) for layer in layers[:-1]]
    return Work(costs, tuple(0.0 if model is None else 3.0 * model.multiply_adds for model in beside))


def _beside(layer: Module, classes: int, method: Any) -> Interface | Linear | None:
    chosen: Method | None = None if method is None else checked_method(method)
    if isinstance(chosen, DNI):
        return chosen.gradient_model(layer.outputs, classes)
    return local_classifier(layer, classes) if isinstance(chosen, LocalLoss) else None


def measured_work(layers: Sequence[Module], batch: int, method: Any = None, repeats: int = 20) -> Work:
    """Seconds per batch of each layer and interface on this machine, single precision, Adam: minima over repeats.

    Processor time, which neighbours on a busy machine lengthen least; JAX computes with one thread here.
    A layer is timed alone, forward and back; what an interface adds is timed as `act` with it and `listen`, less the layer.
    """
    check_fit(layers)
    whole("batch", batch, 2)
    classes = layers[-1].outputs
    plain = [Unit(layer, Adam(), first=i == 0) for i, layer in enumerate(layers)]
    seconds = tuple(_seconds(unit, batch, classes, repeats) for unit in plain)
    beside = [_beside(layer, classes, method) for layer in layers[:-1]]
    added = []
    for unit, model, alone in zip(plain, beside, seconds, strict=False):
        critic, local = (model, None) if isinstance(model, Interface) else (None, model)
        cut = Unit(unit.module, Adam(), first=unit.first, critic=critic, local=local)
        added.append(0.0 if model is None else max(_seconds(cut, batch, classes, repeats) - alone, 0.0))
    return Work(seconds, tuple(added))


@partial(jax.jit, static_argnums=0)
def _there_and_back(unit: Unit, memory: Tree, h: jax.Array, delta: jax.Array) -> Tree:
    """A layer's share of a step of backprop that is compiled in one piece."""
    memory, _, pull = kept(unit, memory, h)
    return back(unit, memory, pull, delta, 1e-3)


def _seconds(unit: Unit, batch: int, classes: int, repeats: int) -> float:
    """Least processor seconds of a learning step: of a unit on its own if it has what that takes, else there and back."""
    generator = np.random.default_rng(0)
    with jax.enable_x64(False):
        memory = unit.memory(generator.random, "float32")
        h = generator.normal(size=(batch, unit.module.inputs)).astype(np.float32)
        delta = generator.normal(size=(batch, unit.module.outputs)).astype(np.float32)
        labels = generator.integers(classes, size=batch).astype(np.int32)

        def event() -> Any:
            if unit.critic is None and unit.local is None:
                return _there_and_back(unit, memory, h, delta)
            after, out, before, _ = act(unit, memory, h, labels, 1e-3)
            return (listen(unit, after, out, labels, delta, 1e-3) if unit.critic is not None else after), before

        times = []
        for _ in range(repeats + 1):  # the first compiles
            begin = process_time()
            jax.block_until_ready(event())
            times.append(process_time() - begin)
    return min(times[1:])
