"""A small classifier whose units are its weights, so that any rule, clock and device acts on each of them alone.

    h = tanh(gain [x, 1] W1 / sqrt(inputs + 1)),    logits = gain [h, 1] W2 / sqrt(hidden + 1),    cost: cross-entropy,

with x from [0, 1] taken to [-1, 1], where no pixel is exactly 0. Thresholds are weights of an input that is always 1, so
that a device holds all there is; the square roots keep sums of the order of the gain whatever the size, so that weights
within [-1, 1] do. Nothing settles here: in the place of a contrast of two states stands its limit,
nudge x d cost / d weight, by backpropagation (Rumelhart et al. 1986, doi 10.1038/323533a0).

A clock with absent units leaves weights out of a step (DropConnect, Wan et al., ICML 2013, PMLR 28, 1058): those that stay
count 1 / p times, so that sums keep their mean, and all are there, at their own values, when the cost is measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from clockless.errors import ParameterError, TaskError, shown, whole
from clockless.learning.checks import check_parts
from clockless.learning.contracts import Info, Luck, Replica, Variable
from clockless.learning.guarded import GuardedLearner
from clockless.learning.own import Medium
from clockless.parts.comparators import Ideal
from clockless.parts.pushes import Push
from clockless.parts.scalars import acting_by
from clockless.tasks.task import Task

_LETTERS = 240  # of the sentence that says what went wrong
_WEIGHTS = np.uint64(70)  # purpose of random numbers, see `randomness`


class Perceptron(Medium):
    """One hidden layer of tanh units and a linear readout; see the module's docstring.

    Args:
        inputs, hidden, outputs: units of the layers.
        gain: of both layers; 2 lets first weights, uniform in [-1, 1], use most of the tanh.

    Raises:
        ParameterError: a layer without units, or a gain that is not positive.
    """

    parameter, low, high = "weight", -1.0, 1.0
    unit = "weight"
    cite = ("Wan et al., 'Regularization of neural networks using DropConnect', ICML 2013, PMLR 28, 1058",)
    sources = (__name__,)

    def __init__(self, inputs: int = 64, hidden: int = 32, outputs: int = 10, gain: float = 2.0) -> None:
        self.inputs, self.hidden = whole("inputs", inputs, 1), whole("hidden", hidden, 1)
        self.outputs, self.gain = whole("outputs", outputs, 2), float(gain)
        if not 0 < self.gain < np.inf:
            raise ParameterError(f"gain = {shown(gain)}; it multiplies sums of inputs: give a positive number.")
        super().__init__(size=1, units=(inputs + 1) * hidden + (hidden + 1) * outputs)

    # --- what it computes -------------------------------------------------------------------------------------

    def layers(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weights [unit] as matrices, gain and root included: [inputs + 1, hidden] and [hidden + 1, outputs]."""
        cut = (self.inputs + 1) * self.hidden
        first, second = weights[:cut].reshape(-1, self.hidden), weights[cut:].reshape(-1, self.outputs)
        return self.gain / np.sqrt(len(first)) * first, self.gain / np.sqrt(len(second)) * second

    def logits(self, weights: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(inputs [example, inputs + 1], hidden units [example, hidden + 1], logits [example, class])."""
        first, second = self.layers(weights)
        seen = _with_one(2.0 * np.asarray(x, dtype=np.float64) - 1.0)
        inner = _with_one(np.tanh(seen @ first))
        return seen, inner, inner @ second

    def cost(self, weights: np.ndarray, x: np.ndarray, labels: np.ndarray) -> float:
        """Mean cross-entropy, nats."""
        return float(np.mean(_surprise(self.logits(weights, x)[2], labels)))

    def slope(self, weights: np.ndarray, x: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, float]:
        """d cost / d weight [unit], and the cost."""
        seen, inner, logits = self.logits(weights, x)
        chances = np.exp(logits - _log_sum(logits)[:, None])
        chances[np.arange(len(labels)), labels] -= 1.0
        out = chances / len(labels)
        back = (out @ self.layers(weights)[1][:-1].T) * (1.0 - inner[:, :-1] ** 2)
        first = self.gain / np.sqrt(self.inputs + 1) * (seen.T @ back)
        second = self.gain / np.sqrt(self.hidden + 1) * (inner.T @ out)
        return np.concatenate([first.ravel(), second.ravel()]), float(np.mean(_surprise(logits, labels)))

    # --- what learners, stores and pictures ask ---------------------------------------------------------------

    def variables(self, traces: bool) -> dict[str, Variable]:
        """Cost of the training set and error of the test set at the recorded steps, and the weights."""
        both = super().variables(traces)
        return {
            "error": Variable(("step",), "f8", "part of the test set that is classified wrongly", "1"),
            "cost": Variable(("step",), "f8", "mean cross-entropy of the training set", "nat"),
            **{name: both[name] for name in ("failed", "trouble", "actions", "parameters", *(["traces"] if traces else []))},
        }

    def sizes(self, task: Task) -> dict[str, int]:
        """Weights, and letters of a sentence."""
        return {"parameter": self.units, "letter": _LETTERS}

    def check(self, replica: Replica) -> None:
        """Raise for examples of other sizes, and for devices whose levels the weights cannot have."""
        replica = check_parts(replica, self.units, absent=True)
        task, device = replica.task, replica.device
        if task.labels_train is None or task.x_train.shape[1] != self.inputs or (task.classes or 0) > self.outputs:
            raise TaskError(f"{task.name} must have labels, {self.inputs} inputs and at most {self.outputs} classes.")
        if not isinstance(getattr(device, "comparator", Ideal()), Ideal):
            raise ParameterError(f"device: {device.comparator} compares voltages, weights have none; leave it out.")
        if device.level > 0 and not self.low <= device.low < device.high <= self.high:
            raise ParameterError(f"the levels of {device} lie outside -1 to 1; weights are SignedLevels(count, 1.0).")

    def learner(self, replicas: Sequence[Replica], traces: bool = False, of: int = 0) -> WeightLearner:
        """The plain loop of one replica."""
        (replica,) = replicas
        return WeightLearner(check_parts(replica, self.units, absent=True), _LETTERS, traces)

    def first(self, replica: Replica) -> np.ndarray:
        """Uniform in [-1, 1], on the device's levels if it has any; the same weights whatever clock and rule."""
        drawn = replica.luck.uniform(_WEIGHTS, self.units)
        values = 2.0 * drawn - 1.0 if replica.initial is None else super().first(replica)
        return replica.device.nearest(values) if hasattr(replica.device, "nearest") else values

    def examples(self, task: Task, chosen: np.ndarray) -> Any:
        """Inputs and labels of the training examples."""
        return task.x_train[chosen], task.labels_train[chosen]

    def contrast(self, values: np.ndarray, examples: Any, push: Push, luck: Luck) -> tuple[np.ndarray, Info]:
        """nudge x d cost / d weight: what two states nudge apart would differ by, for a small nudge."""
        slope, cost = self.slope(values, *examples)
        return push.nudge * slope, Info(np.zeros(1), np.ones(1), cost)  # type: ignore[union-attr]

    def look(self, values: np.ndarray, task: Task, luck: Luck) -> dict[str, float]:
        """Error of the test set and cost of the training set."""
        shown_class = self.classes(self.predict(values, task.x_test, task, luck))
        return {
            "error": float(np.mean(shown_class != task.labels_test)),
            "cost": self.cost(values, task.x_train, task.labels_train),
        }

    def predict(self, values: np.ndarray, x: Any, task: Task, luck: Luck) -> np.ndarray:
        """Logits [example, class]."""
        return self.logits(values, x)[2]


class WeightLearner(GuardedLearner):
    """The learner of media of one's own, which leaves absent weights out of the step's passes."""

    def _contrast(self, examples: Any, luck: Luck) -> tuple[np.ndarray, Info]:
        replica = self.replica
        if not getattr(replica.clock, "absent", False):
            return super()._contrast(examples, luck)
        there = acting_by(replica.clock, self._units(replica.medium.units), self._memory["clock"])
        scale = there / replica.clock.rate(replica.medium.units)
        signal, info = replica.medium.contrast(scale * self.values, examples, self._push, luck)
        return scale * signal, info


def _with_one(x: np.ndarray) -> np.ndarray:
    return np.concatenate([x, np.ones((len(x), 1))], axis=1)


def _log_sum(logits: np.ndarray) -> np.ndarray:
    most = logits.max(axis=1)
    total: np.ndarray = most + np.log(np.exp(logits - most[:, None]).sum(axis=1))
    return total


def _surprise(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """-log probability of each label [example]."""
    surprise: np.ndarray = _log_sum(logits) - logits[np.arange(len(labels)), labels]
    return surprise
