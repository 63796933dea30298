"""A stack of modules learning from labelled examples: what is learned, and the session that does it for one replica."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from clockless.errors import SEEDS, ParameterError, TaskError, is_one_of, shown, whole
from clockless.learning.checks import check_present
from clockless.media.modules import stacks
from clockless.media.modules.answers import answer, computing, flat_parameters, flat_statistics, numbers_of
from clockless.media.modules.data import labels
from clockless.media.modules.devices import checked_device
from clockless.media.modules.draws import Draws
from clockless.media.modules.layers import Module, Tree, check_fit, cross_entropy
from clockless.media.modules.methods import DelayedGradients, checked_method
from clockless.media.modules.optimisers import STEP, StepSize, transform
from clockless.media.modules.units import Unit, predicted, units_of
from clockless.parts.clocks import SYNCHRONOUS, mean_rate
from clockless.parts.devices import IDEAL
from clockless.parts.optimisers import Adam
from clockless.tasks.task import Task

ADAM = Adam()


@dataclass(frozen=True)
class Learning:
    """Which modules learn what, how and when: all that a session or an actor is made from.

    Args:
        modules: the stack, such as `layers.mlp(64, 256, 4, 10)`; the last gives the logits.
        task: labelled examples, or their name for `data.labels`.
        method: such as `DNI()` or `Backprop()`, or a name of `methods.NAMED`.
        clock: which modules act in a step; the units of the clock are the modules.
        batch: examples per step.
        optimiser: such as `Adam()`; every module and every interface has its own moments.
        seed: of first parameters, batches and clock.
        precision: "float32" or "float64", of the nets; see the package's docstring.
        step_size: what directions are multiplied with.
        device: what holds the weights, see `devices`.

    Raises:
        ParameterError: modules that do not fit each other, an unknown method, or a number outside its range.
        TaskError: examples that do not fit the modules.
    """

    modules: tuple[Module, ...]
    task: Task | str
    method: Any
    clock: Any = SYNCHRONOUS
    batch: int = 64
    optimiser: Any = ADAM
    seed: int = 0
    precision: str = "float32"
    step_size: StepSize = STEP
    device: Any = IDEAL

    def __post_init__(self) -> None:
        object.__setattr__(self, "modules", tuple(self.modules))
        object.__setattr__(self, "method", checked_method(self.method))
        check_fit(self.modules)
        if not isinstance(self.task, (Task, str)) or (isinstance(self.task, Task) and self.task.labels_train is None):
            raise TaskError(f"task = {shown(self.task)} has no labels; give labelled examples or a name such as 'digits'.")
        self._check_examples()
        # Kept, so that a worker process that has no use for the examples need not read them.
        object.__setattr__(self, "_luck", (self.examples.fingerprint, len(self.examples.x_train)))
        if isinstance(self.clock, type) or not hasattr(self.clock, "acting"):
            raise ParameterError(f"clock = {shown(self.clock)} is not a clock; give one such as Global() or Bernoulli(0.5).")
        mean_rate(self.clock, len(self.modules))  # raises if nothing would ever act
        check_present(self.clock, "clock")
        transform(self.optimiser)  # raises if it has none
        checked_device(self.device)
        whole("seed", self.seed, most=SEEDS)
        if not is_one_of(self.precision, ("float32", "float64")):
            raise ParameterError(f"precision = {shown(self.precision)}; the nets compute in 'float32' or 'float64'.")

    def _check_examples(self) -> None:
        inputs, outputs = self.modules[0].inputs, self.modules[-1].outputs
        given = self.examples.x_train.shape[1]
        if given != inputs:
            raise TaskError(f"examples have {given} inputs but the first module takes {inputs}; make them equal.")
        if self.examples.classes != outputs:
            raise TaskError(
                f"there are {self.examples.classes} classes but the last module gives {outputs}; make them equal."
            )
        if whole("batch", self.batch, 2) > len(self.examples.x_train):
            raise ParameterError(f"batch = {self.batch}, but there are {len(self.examples.x_train)} training examples.")

    @property
    def examples(self) -> Task:
        """The labelled examples."""
        return labels(self.task) if isinstance(self.task, str) else self.task

    @property
    def units(self) -> tuple[Unit, ...]:
        """Every module with what it needs to learn by the method."""
        return units_of(self.modules, self.method, self.optimiser, self.modules[-1].outputs, self.device)

    def batch_of(self, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Training examples in the nets' precision: x [batch, input], labels [batch]."""
        task = self.examples
        return task.x_train[chosen].astype(self.precision), task.labels_train[chosen].astype(np.int32)

    def draws(self) -> Draws:
        """The replica's random numbers."""
        replica, count = self._luck  # type: ignore[attr-defined]
        return Draws(self.seed, replica, count, self.batch, self.clock, len(self.modules))

    def computing(self) -> AbstractContextManager[Any]:
        """What all computing stands in: JAX makes double precision a switch of the process."""
        return computing(self.precision)

    def memory(self, index: int, draws: Draws) -> Tree:
        """The first memory of a module."""
        return self.units[index].memory(draws.uniform(index), self.precision)


class Session:
    """One replica of a `Learning`: a session of the experiment store with one lane.

    Stopping, `state`, `restore` and going on gives the bits of one uninterrupted run, however `advance` is sliced.
    """

    def __init__(self, learning: Learning) -> None:
        self.learning = learning
        self.step = 0
        self.units = learning.units
        self._draws = learning.draws()
        self._updates = np.zeros(len(self.units), dtype=np.int64)
        self._all = tuple(bool(learns) for learns in stacks.learners(learning.method, np.ones(len(self.units), dtype=bool)))
        with learning.computing():
            self.memories = [learning.memory(i, self._draws) for i in range(len(self.units))]
            self._queues: list[list[Tree]] = [[] for _ in self.units]  # gradients on their way, if they are delayed

    def batch(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Examples and labels of a step: x [batch, input], labels [batch]."""
        return self.learning.batch_of(self._draws.examples(step))

    def advance(self, last: int) -> None:
        """Do steps `step` to `last` - 1."""
        learning, method = self.learning, self.learning.method
        with learning.computing():
            while self.step < last:
                acts = stacks.learners(method, self._draws.acting(self.step))
                rate = learning.step_size.rate_at(self.step)
                if isinstance(method, DelayedGradients):
                    due = acts & (self.step >= np.array([method.late(i, len(acts)) for i in range(len(acts))]))
                    self.memories, self._queues = stacks.delayed_step(
                        self.units, method, self.memories, self._queues, self.batch(self.step), acts, rate
                    )
                    acts = due
                elif tuple(acts) == self._all:
                    self.memories = stacks.whole_step(
                        self.units, method, self._all, self.memories, self.batch(self.step), rate
                    )
                elif acts.any():
                    self.memories = stacks.step(self.units, method, self.memories, self.batch(self.step), acts, rate)
                self._updates += acts
                self.step += 1

    def measure(self) -> dict[str, np.ndarray]:
        """Test set: "error" (part of the examples), "cost" (mean cross-entropy, nats), [1]; "updates" so far [1, module]."""
        error, cost = error_and_cost(self.learning, self.memories)
        return {"error": np.array([error]), "cost": np.array([cost]), "updates": self._updates[None].copy()}

    def alignment(self) -> np.ndarray:
        """Cosine of synthetic and true gradient at each boundary, over the batch of the next step [1, module - 1].

        NaN where there is no interface, or while it still predicts zero.
        """
        with self.learning.computing():
            batch = self.batch(self.step)
            outs, deltas = stacks.true_gradients(self.units, self.memories, batch)
            pairs = zip(self.units[:-1], self.memories, outs, deltas, strict=False)
            found = [
                np.nan if unit.critic is None else cosine(predicted(unit, memory, out, batch[1]), delta)
                for unit, memory, out, delta in pairs
            ]
        return np.array([found], dtype=np.float64)

    def state(self) -> dict[str, np.ndarray]:
        """All that the next step needs, as arrays by name."""
        arrays = {"step": np.array(self.step), "updates": self._updates.copy()}
        for i, (memory, queue) in enumerate(zip(self.memories, self._queues, strict=True)):
            arrays |= arrays_of(memory, f"module {i}")
            for place, gradient in enumerate(queue):
                arrays |= arrays_of(gradient, f"gradient {i} {place}")
        return arrays

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Go on from what `state` gave."""
        if np.shape(state["updates"]) != self._updates.shape:
            raise ParameterError(f"the state is of {np.size(state['updates'])} modules, here are {len(self.units)}.")
        self.step, self._updates = int(state["step"]), np.array(state["updates"])
        with self.learning.computing():
            self.memories = [tree_of(memory, state, f"module {i}") for i, memory in enumerate(self.memories)]
            self._queues = [self._restored_queue(i, state) for i in range(len(self.units))]

    def _restored_queue(self, index: int, state: dict[str, np.ndarray]) -> list[Tree]:
        like = self.memories[index]["module"]["parameters"]
        places = sorted({int(name.split()[2].split("/")[0]) for name in state if name.startswith(f"gradient {index} ")})
        return [tree_of(like, state, f"gradient {index} {place}") for place in places]

    def results(self) -> dict[str, np.ndarray]:
        """Final "parameters" and "statistics" of the modules, each in a row [1, number], and "failed" (not finite) [1]."""
        parameters, statistics = flat_parameters(self.memories), flat_statistics(self.memories)
        failed = not np.isfinite(parameters).all()
        return {"parameters": parameters[None], "statistics": statistics[None], "failed": np.array([failed])}


def error_and_cost(learning: Learning, memories: list[Tree], answer: Any = answer) -> tuple[float, float]:
    """Error (part of the test examples) and cost (mean cross-entropy, nats) of a stack on the test set.

    Batch normalisation is by running statistics, or by the test set's own with `answer=answers.answer_among`.
    """
    task = learning.examples
    with learning.computing():
        logits = answer(learning.modules, numbers_of(memories), jnp.asarray(task.x_test.astype(learning.precision)))
        cost = float(np.mean(np.asarray(cross_entropy(logits, jnp.asarray(task.labels_test)), dtype=np.float64)))
    return float(np.mean(np.argmax(np.asarray(logits), axis=1) != task.labels_test)), cost


def cosine(a: Any, b: Any) -> float:
    """Cosine of the angle between two arrays, in float64; NaN if one of them is zero."""
    u, v = np.asarray(a, dtype=np.float64).ravel(), np.asarray(b, dtype=np.float64).ravel()
    length = np.linalg.norm(u) * np.linalg.norm(v)
    return float(u @ v / length) if length > 0 else float("nan")


def _paths(tree: Tree, prefix: str) -> Iterator[tuple[str, Any]]:
    for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]:
        yield "/".join([prefix, *(jax.tree_util.keystr((key,), simple=True) for key in path)]), leaf


def arrays_of(tree: Tree, prefix: str) -> dict[str, np.ndarray]:
    """The arrays of a tree by name, in NumPy."""
    return {name: np.array(leaf) for name, leaf in _paths(tree, prefix)}


def tree_of(like: Tree, arrays: dict[str, np.ndarray], prefix: str) -> Tree:
    """The tree that `arrays_of` took apart; `like` has its shape.

    Raises:
        ParameterError: an array that is missing or has another shape, so that the state is of another learning.
    """
    leaves = []
    for name, leaf in _paths(like, prefix):
        if name not in arrays or np.shape(arrays[name]) != leaf.shape:
            raise ParameterError(f"the state has no {name} of shape {leaf.shape}; it was saved by another stack or method.")
        leaves.append(jnp.array(np.asarray(arrays[name], dtype=leaf.dtype)))  # a copy, whoever owns them
    return jax.tree.unflatten(jax.tree.structure(like), leaves)
