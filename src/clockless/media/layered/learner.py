"""Who learns: the compiled engine in single precision where it can, else the plain loop on the equations of `reference`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.learning.contracts import Arrays, Replica
from clockless.learning.plain import PlainLearner
from clockless.media.layered.engine import Seen, addresses, learn, settled
from clockless.media.layered.packing import Net, packed, unpacked
from clockless.media.layered.settling import Settings, room
from clockless.numerics.randomness import CLOCK
from clockless.parts.clocks import Global
from clockless.parts.samplers import Epochs, drawn_examples
from clockless.parts.scalars import Units, acting_by, clock_memory, kept, scalar

if TYPE_CHECKING:
    from clockless.media.layered.medium import DeepResistive

_AT_ONCE = 256  # steps handed to compiled code at a time; results do not depend on it
_LOOKED = 64  # examples of a test set that settle at once
_LEARNS = ("plus", "minus", "inner", "out", "bias", "below", "above")  # sums, too: rounding gave them their last bits


class Batches:
    """Which examples a step uses, and in which epoch it is."""

    def __init__(self, replica: Replica) -> None:
        self._batch, self._luck, self._count = replica.batch, replica.luck, len(replica.task.x_train)
        self._epoch, self._order = -1, np.empty(0, dtype=np.int64)

    @property
    def steps(self) -> int:
        """Of an epoch: steps in which as many examples are used as there are."""
        if isinstance(self._batch, Epochs):
            return -(-self._count // self._batch.size)
        rate = self._batch.rate(self._count) if hasattr(self._batch, "rate") else 1.0
        return max(1, round(1.0 / rate))

    def of(self, step: int) -> np.ndarray:
        """Numbers of the examples of a step."""
        if not isinstance(self._batch, Epochs):
            return drawn_examples(self._batch, self._count, self._luck.seed, self._luck.replica, step)
        epoch, place = divmod(step, self.steps)
        if epoch != self._epoch:  # the same order as of `Epochs`, drawn once
            self._order = Epochs(self._count).drawn(self._count, self._luck.seed, self._luck.replica, epoch)
            self._epoch = epoch
        return self._order[place * self._batch.size : (place + 1) * self._batch.size]


class Coins:
    """Which units act in a step; their memory, if the clock keeps any, goes from step to step."""

    def __init__(self, replica: Replica, units: int) -> None:
        self._clock, self._luck, self._units = replica.clock, replica.luck, units
        self.changing = scalar(type(replica.clock), "keeps") is not None
        self.memory = clock_memory(replica.clock, self._at(0))

    def _at(self, step: int) -> Units:
        return Units(self._luck.seed, self._luck.replica, step, self._units, {})

    def of(self, first: int, last: int) -> np.ndarray:
        """Steps `first` to `last` - 1, bool [step, unit], or [step, 0] where all units act."""
        if isinstance(self._clock, Global):
            return np.empty((last - first, 0), dtype=bool)
        if hasattr(self._clock, "acting") and not hasattr(self._clock, "memory"):
            steps: Any = np.arange(first, last)[:, None]
            drawn = self._luck._replace(step=steps).numbers(CLOCK, self._units)
            return np.array([self._clock.acting(row) for row in drawn])
        return np.array([self._one(step) for step in range(first, last)])

    def _one(self, step: int) -> np.ndarray:
        units = self._at(step)
        acts = acting_by(self._clock, units, self.memory)
        self.memory = kept(self._clock, "clock", units.knowing(acts=acts), self.memory)
        return acts


class LayeredLearner:
    """One replica in the compiled engine: equilibrium propagation and descent, exact writing; `Learner` with one lane."""

    size = 1

    def __init__(self, medium: DeepResistive, replica: Replica, traces: bool) -> None:
        self.step, self.medium, self._replica, self._traces = 0, medium, replica, traces
        self._batches, self._coins = Batches(replica), Coins(replica, medium.units)
        self._net = packed(medium.shape, medium.first(replica))
        self._settings = settings_of(medium, replica.rule.nudge, replica.rule.centred)
        self._x, self._y = replica.task.x_train, medium.targets(replica.task, "train").astype(np.float32)
        self._factors = _by_node(medium, self._net)
        self._seen, self._actions = nothing_seen(), np.zeros(medium.units)
        self._room(1)

    def _room(self, most: int) -> None:
        self._most, self._work = most, room(self._net, most)
        self._addresses = addresses(self._net, self._work, self._settings, self._seen.change)

    def advance(self, last: int) -> None:
        """Do the steps up to `last`, not included."""
        while self.step < last:
            epoch = self._batches.steps
            if self.step % epoch == 0:
                self._seen.counts[:] = 0
            until = min(last, self.step + _AT_ONCE, (self.step // epoch + 1) * epoch)
            self._learn(self.step, until)
            self.step = until

    def _learn(self, first: int, last: int) -> None:
        steps = range(first, last)
        chosen = [self._batches.of(step) for step in steps]
        begins = np.cumsum([0, *(each.size for each in chosen)])
        most = max(each.size for each in chosen)
        if most > self._most:
            self._room(most)
        acts = self._coins.of(first, last)
        rate = self._replica.rule.rate * self.medium.decay ** (np.arange(first, last) // self._batches.steps)
        learn(
            self._net, self._work, self._settings, self._addresses, (self._x, self._y), (np.concatenate(chosen), begins),
            (rate.astype(np.float32), acts, self._factors), self._seen,
        )  # fmt: skip
        used = np.diff(begins) > 0
        self._actions += acts[used].sum(axis=0) if acts.shape[1] else used.sum()

    def measure(self) -> Arrays:
        """Cost and accuracy of the test set, and what was seen of the examples learned from, each [1, ..]."""
        cost, accuracy, residual = looked(self.medium, self._net, self._replica.task)
        shown, wrong = self._seen.counts
        measured = {
            "error": cost, "accuracy": accuracy, "train_error": wrong / shown if shown else np.nan,
            "train_cost": self._seen.sums[0] if self.step else np.nan, "residual": residual, "actions": self._actions.copy(),
        }  # fmt: skip
        if self._traces:
            measured["traces"] = unpacked(self.medium.shape, self._net)
        return {name: np.asarray(value, dtype=np.float64)[None] for name, value in measured.items()}

    def state(self) -> Arrays:
        """All that the next step needs."""
        net = {name: getattr(self._net, name).copy() for name in _LEARNS}
        seen = {"counts": self._seen.counts.copy(), "sums": self._seen.sums.copy(), "actions": self._actions.copy()}
        memory = {"clock_memory": self._coins.memory.copy()} if self._coins.changing else {}
        return {"step": np.array(self.step), **net, **seen, **memory}

    def restore(self, state: Arrays) -> None:
        """Take over what `state` returned of a learner of the same replica; ValueError if it is of another."""
        mine = {**{name: getattr(self._net, name) for name in _LEARNS}, "counts": self._seen.counts, "sums": self._seen.sums,
                "actions": self._actions}  # fmt: skip
        for name, array in mine.items():
            if name not in state or np.shape(state[name]) != array.shape:
                raise ValueError(
                    f"the stored state does not fit: {name} must be {array.shape}; it is of another replica or version."
                )
        for name, array in mine.items():
            array[...] = state[name]
        if self._coins.changing:
            self._coins.memory = np.array(state["clock_memory"], dtype=np.float64)
        self.step = int(state["step"])

    def results(self, recorded: Arrays) -> Arrays:
        """What was recorded, and the final parameters."""
        variables = self.medium.variables(self._traces)
        kept_ = {
            name: recorded[name] if "step" in variable.dims else recorded[name][:, -1]
            for name, variable in variables.items()
            if name in recorded
        }
        parameters = unpacked(self.medium.shape, self._net)[None]
        finite = np.isfinite(parameters).all() and np.isfinite(recorded["error"]).all()
        return {**kept_, "parameters": parameters, "failed": np.array([not finite])}


class ReadableLearner(PlainLearner):
    """The plain loop with what layered nets have besides: rates that decay, and the error of the examples learned from."""

    def __init__(self, replica: Replica, traces: bool) -> None:
        super().__init__(replica, traces)
        self._first_factors, self._batches = self._factors, Batches(replica)
        self._counts = np.zeros(2)

    def _learn(self) -> None:
        epoch, place = divmod(self.step, self._batches.steps)
        if place == 0:
            self._counts[:] = 0
        self._factors = self._first_factors * self.replica.medium.decay**epoch
        super()._learn()

    def _note(self, info: Any) -> None:
        super()._note(info)
        self._counts += (len(info.residual), info.wrong)

    def measure(self) -> Arrays:
        """As of every plain learner, and "train_error"."""
        shown, wrong = self._counts
        return {**super().measure(), "train_error": np.array([wrong / shown if shown else np.nan])}

    def state(self) -> Arrays:
        """As of every plain learner, and the counts of the epoch."""
        return {**super().state(), "counts": self._counts.copy()}

    def restore(self, state: Arrays) -> None:
        """Take over such a state."""
        super().restore(state)
        self._counts = np.array(state["counts"], dtype=np.float64)


# --- pieces --------------------------------------------------------------------------------------------------------------


def nothing_seen() -> Seen:
    """Counters at 0."""
    return Seen(np.zeros(2, np.int64), np.zeros(2), np.zeros(1, np.float32))


def settings_of(medium: DeepResistive, nudge: float = 1.0, centred: bool = True) -> Settings:
    """The compiled engine's numbers; a free state knows no nudge."""
    single, numbers = np.float32, medium.numbers
    return Settings(
        single(numbers.gain), single(numbers.amplifier), single(numbers.relaxation), single(nudge), bool(centred),
        numbers.sweeps, single(numbers.saturation), single(numbers.width),
    )  # fmt: skip


def free_states(medium: DeepResistive, net: Net, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, Seen]:
    """Free states float32 [example, unit] of inputs x, and what was seen beside targets y float32 [example, output]."""
    states, seen, work = np.empty((len(x), medium.units), np.float32), nothing_seen(), room(net, min(_LOOKED, len(x)))
    settings = settings_of(medium)
    found = addresses(net, work, settings, seen.change)
    settled(net, work, settings, found, np.ascontiguousarray(x, dtype=np.float64), y, seen, states)
    return states, seen


def looked(medium: DeepResistive, net: Net, task: Any) -> tuple[float, float, float]:
    """Mean cost of the test set, the part of it whose class is shown (NaN without classes), and the residual."""
    y = medium.targets(task, "test")
    states, seen = free_states(medium, net, task.x_test, y.astype(np.float32))
    outputs = states[:, -y.shape[1] :].astype(np.float64)
    labels = task.labels_test
    accuracy = np.nan if labels is None else float(np.mean(np.argmax(outputs, axis=1) == labels))
    return 0.5 * float(np.mean(np.sum((outputs - y) ** 2, axis=1))), accuracy, float(seen.sums[1])


def _by_node(medium: DeepResistive, net: Net) -> np.ndarray:
    """Factors on the rule's rate of conductances and currents, float32 [2, node]."""
    factors = np.zeros((2, int(net.first[-1])), np.float32)
    for k, rate in enumerate(medium.rates):
        mine = slice(net.first[k], net.first[k] + medium.shape.layers[k])
        factors[0, mine], factors[1, mine] = rate, rate * medium.bias_rate
    return factors
