"""What the figures of speed measure, each thing once: times of steps, of learning, of cuts, and of real processes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from clockless.papers import Options
from clockless.parts.clocks import Bernoulli, Global

LAYERS = (3, 4, 5, 6)
INPUTS, CLASSES = 784, 10
TARGET = 0.05  # test error that counts as learned, Fig. speed2
WAYS = {  # name: method, p
    "backprop": ("backprop", None),
    "cDNI": ("cdni", None),
    "cDNI, p = 0.2": ("cdni", 0.2),
    "cDNI, p = 0.1": ("cdni", 0.1),
    "cDNI, p = 0.05": ("cdni", 0.05),
    "local loss": ("local-loss", None),
}


@dataclass(frozen=True)
class Size:
    """How large everything is: full, or tiny."""

    layers: tuple[int, ...] = LAYERS
    width: int = 256
    batch: int = 256
    steps: int = 20  # that are timed where all modules learn; ten times as many where few do
    repeats: int = 8
    replicas: int = 4  # of what is measured with several workers
    seeds: int = 3
    longest: int = 3000  # steps until TARGET is given up
    real_events: int = 300
    wide: int = 1024  # width of the stack of equal layers
    equal: int = 6  # how many they are


_FULL = Size()
_TINY = Size((3,), 32, 64, 2, 2, 2, 1, 40, 40, 64, 3)


def size_of(options: Options) -> Size:
    return _TINY if options.tiny else _FULL


def _learning(size: Size, layers: int, way: str, workers: int | None = None) -> Any:
    from clockless.media.modules.cuts import cut_advice
    from clockless.media.modules.layers import mlp
    from clockless.media.modules.learning import Learning
    from clockless.media.modules.timing import noise

    method, p = WAYS[way]
    stack = mlp(INPUTS, size.width, layers, CLASSES)
    modules = stack if workers is None else cut_advice(stack, workers, method).modules(stack)
    clock = Global() if p is None else Bernoulli(p)
    return Learning(modules, noise(INPUTS, CLASSES), method, clock, size.batch)


@lru_cache(maxsize=16)
def turns(size: Size, layers: int) -> np.ndarray:
    """Processor seconds of a step [turn, way], all ways in every turn."""
    from clockless.media.modules.timing import steps_in_turns

    counts = [size.steps * (1 if p is None else 10) for _, p in WAYS.values()]
    return steps_in_turns([_learning(size, layers, way) for way in WAYS], counts, size.repeats)


def torch_step(size: Size, layers: int) -> float | None:
    from clockless.media.modules.timing import torch_step_seconds

    return torch_step_seconds(INPUTS, size.width, layers, CLASSES, size.batch)


def counted(layers: int) -> float:
    """Multiply-adds of a step of cDNI with an interface at every boundary, over those of backprop."""
    from clockless.media.modules.cuts import counted_work
    from clockless.media.modules.layers import mlp

    work = counted_work(mlp(INPUTS, 256, layers, CLASSES), "cdni")
    return (sum(work.layers) + sum(work.interfaces)) / sum(work.layers)


def _digits(size: Size, layers: int, way: str, seed: int) -> Any:
    from clockless.media.modules.layers import mlp
    from clockless.media.modules.learning import Learning

    method, p = WAYS[way]
    clock = Global() if p is None else Bernoulli(p)
    return Learning(mlp(64, size.width, layers, CLASSES), "digits", method, clock, size.batch, seed=seed)


_EVERY = 10  # steps between tests


@lru_cache(maxsize=1024)
def to_target(size: Size, layers: int, way: str, seed: int) -> tuple[float, float]:
    """Steps and processor seconds of learning, without tests, until TARGET; NaN if it takes too long."""
    from clockless.media.modules.learning import Session

    learning = _digits(size, layers, way, seed)
    Session(learning).advance(60 if WAYS[way][1] else 2)  # compiles
    session, seconds = Session(learning), 0.0
    while session.step < size.longest:
        begin = time.process_time()
        session.advance(session.step + _EVERY)
        seconds += _waited(session.memories, begin)
        if session.measure()["error"][0] <= TARGET:
            return float(session.step), seconds
    return float("nan"), float("nan")


def _waited(memories: Any, begin: float) -> float:
    """Processor seconds since `begin`, once all that was begun has been computed."""
    import jax

    jax.block_until_ready(memories)
    return time.process_time() - begin


@lru_cache(maxsize=256)
def to_target_simulated(size: Size, layers: int, _: str, seed: int) -> tuple[float, float]:
    """The same with a worker for each layer, in virtual time; an event takes what it takes of the processor here."""
    from clockless.actors.simulation import Simulation
    from clockless.media.modules.actors import Actors, build
    from clockless.media.modules.learning import error_and_cost

    learning = _digits(size, layers, "cDNI", seed)
    actors = Actors(learning, 2**32 - 1)
    modules = [build(actors, index) for index in range(actors.count)]
    simulation = Simulation(modules, list(_digit_events(size, layers)))
    for batches in range(_EVERY, size.longest, _EVERY):
        report = simulation.run({modules[-1].name: batches})
        if error_and_cost(learning, [module.memory for module in modules])[0] <= TARGET:
            return float(batches), report.seconds
    return float("nan"), float("nan")


@lru_cache(maxsize=16)
def _digit_events(size: Size, layers: int) -> tuple[float, ...]:
    from clockless.media.modules.timing import event_seconds

    return tuple(event_seconds(_digits(size, layers, "cDNI", 0)))


@lru_cache(maxsize=64)
def critical(size: Size, layers: int, workers: int) -> np.ndarray:
    """Speed-ups over backprop on `workers` workers [replica, kind], as in _KINDS; bounds are the same in all replicas."""
    from clockless.media.modules.cuts import counted_work, cut_advice, cut_at
    from clockless.media.modules.layers import mlp
    from clockless.media.modules.timing import event_seconds, simulated_seconds, step_seconds

    stack = mlp(INPUTS, size.width, layers, CLASSES)
    cut = cut_advice(stack, workers, "cdni")
    measured = cut_at(_work(size, INPUTS, size.width, layers), cut.stops)
    learning = _learning(size, layers, "cDNI", workers)
    backprop = _learning(size, layers, "backprop")
    bounds = (cut_at(counted_work(stack), cut.stops).bound, cut.bound, measured.bound)
    return np.array([
        (*bounds, step_seconds(backprop, size.steps, 2) / simulated_seconds(learning, event_seconds(learning)))
        for _ in range(size.replicas)
    ])  # fmt: skip


@lru_cache(maxsize=16)
def _work(size: Size, inputs: int, width: int, layers: int) -> Any:
    from clockless.media.modules.cuts import measured_work
    from clockless.media.modules.layers import mlp

    return measured_work(mlp(inputs, width, layers, CLASSES), size.batch, "cdni", 4 * size.repeats)


@lru_cache(maxsize=16)
def real(size: Size, layers: int) -> np.ndarray:
    """Speed-ups of two workers [replica, reach]: as in _REACHED."""
    bounds = critical(size, layers, 2)[0, 1:3]
    learnings = _learning(size, layers, "backprop"), _learning(size, layers, "cDNI", 2)
    return _reached(size, bounds, *learnings, size.steps, size.real_events)


def _reached(size: Size, bounds: Any, backprop: Any, parted: Any, steps: int, events: int) -> np.ndarray:
    """Bounds by multiply-adds and by measured times, and what two processes reach, on the wall and by processor."""
    from clockless.media.modules.timing import real_seconds, step_seconds

    replicas = []
    for _ in range(size.replicas):
        alone = step_seconds(backprop, steps, 2)  # just before: a machine does not stay as fast as it was
        replicas.append([*bounds, *(alone / seconds for seconds in real_seconds(parted, events))])
    return np.array(replicas)


@lru_cache(maxsize=4)
def wide_stack(size: Size) -> np.ndarray:
    """The same for equal wide layers."""
    from clockless.media.modules.cuts import cut_advice, cut_at
    from clockless.media.modules.layers import mlp
    from clockless.media.modules.learning import Learning
    from clockless.media.modules.timing import noise

    stack = mlp(size.wide, size.wide, size.equal, CLASSES)
    task = noise(size.wide, CLASSES)
    cut = cut_advice(stack, 2, "cdni")
    measured = cut_at(_work(size, size.wide, size.wide, size.equal), cut.stops)
    backprop = Learning(stack, task, "backprop", batch=size.batch)
    learning = Learning(cut.modules(stack), task, "cdni", batch=size.batch)
    return _reached(size, (cut.bound, measured.bound), backprop, learning, max(size.steps // 4, 2), size.real_events // 2)
