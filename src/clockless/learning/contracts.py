"""What a medium promises, so that any rule, clock, device and task can be put on it; and what anything that learns does.

    A medium settles; a rule compares two settled states; a clock says which units act now; a device says what the hardware
    can make of it; a task says what is wanted.

`Medium` is all that training, stores and workers ask of a medium; `Settles` is a medium that has a state. Neural modules
are a `Medium` that does not settle: nothing in them minimises anything while inputs are held, they compute from layer to
layer, and what they learn from is a gradient, not two states. `learning.own.Medium` fills in everything but the physics.

Arrays are [parameter], [unit] or [example, ..] as said; a replica is one learning machine, an ensemble has many.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

import numpy as np

from clockless.errors import ParameterError, shown
from clockless.numerics.randomness import numbers
from clockless.parts.pushes import Push
from clockless.tasks.task import Task

Arrays = dict[str, np.ndarray]
_LONGEST_SEED = 2**64


class Variable(NamedTuple):
    """One result of every replica: its dimensions besides the replica's own axes, and what it is."""

    dims: tuple[str, ...]
    dtype: str
    long_name: str
    units: str


class Luck(NamedTuple):
    """The words that a replica's random numbers are hashed from; they depend on nothing else."""

    seed: int
    replica: int
    step: int = 0

    def numbers(self, purpose: Any, count: int, first: int = 0) -> np.ndarray:
        """Uniform 32-bit numbers of `count` units from `first` on, uint32 [unit]."""
        return numbers(self.seed, self.replica, self.step, purpose, count, first)

    def uniform(self, purpose: Any, count: int, first: int = 0) -> np.ndarray:
        """The same numbers as float64 in (0, 1): the centres of bins of 2^-32."""
        return (self.numbers(purpose, count, first) + 0.5) * 2.0**-32


@dataclass(frozen=True, eq=False)
class Replica:
    """Everything that one replica's learning follows from, as objects.

    Attributes:
        medium: what learns.
        task: what is wanted.
        rule, clock, device: the parts.
        optimiser: what becomes of a gradient; None leaves it to the medium.
        batch: "full", a number of examples drawn anew in every step, or a sampler such as `Epochs(64)` or a clock.
        initial: parameters at step 0 in whatever form the medium takes; None leaves it to the medium.
        seed: of clocks, batches and first parameters, from 0 to 2^64 - 1.
        after: steps that an earlier run has done, where `initial` is its end: the coins are then new ones.
    """

    medium: Any
    task: Task
    rule: Any
    clock: Any
    device: Any
    optimiser: Any = None
    batch: Any = "full"
    initial: Any = None
    seed: int = 0
    after: int = 0

    @property
    def luck(self) -> Luck:
        """What its random numbers are hashed from, at step 0; after earlier steps they are others."""
        word = self.task.fingerprint
        if self.after:
            word = int.from_bytes(hashlib.sha256(f"{word} after {self.after}".encode()).digest()[:8], "little")
        return Luck(self.seed, word)

    def changed(self, **values: Any) -> Replica:
        """The same replica but for some fields."""
        return replace(self, **values)


class Learner(Protocol):
    """One or more replicas that learn together: the only session there is.

    `step` counts the steps done. What a step does depends on the absolute step alone, never on how the steps are sliced.
    """

    @property
    def step(self) -> int:
        """Steps done."""

    @property
    def size(self) -> int:
        """Number of replicas."""

    def advance(self, last: int) -> None:
        """Do the steps up to `last`, not included."""

    def measure(self) -> Arrays:
        """What is recorded at a step, each [replica, ..]."""

    def state(self) -> Arrays:
        """All that the next step needs, `step` included."""

    def restore(self, state: Arrays) -> None:
        """Take up such a state; raises ValueError if it does not fit."""

    def results(self, recorded: Arrays) -> Arrays:
        """What is kept in the end, each [replica, ..], from what was recorded, each [replica, record, ..]."""


@runtime_checkable
class Medium(Protocol):
    """What training, stores and workers need of a medium.

    Attributes:
        cite: works to cite, one a line of text.
        parallel: "threads" where learners side by side on threads are faster than one, else "processes".
        unit: what one unit is called, such as "edge".
        sources: names of the modules that its bits follow from, besides those that these import.
    """

    cite: tuple[str, ...]
    parallel: Literal["threads", "processes"]
    unit: str
    sources: tuple[str, ...]

    @property
    def units(self) -> int:
        """What a clock chooses among."""

    def variables(self, traces: bool) -> Mapping[str, Variable]:
        """What every replica leaves behind; `traces` adds the parameters at every recorded step."""

    def sizes(self, task: Task) -> dict[str, int]:
        """Lengths of the variables' dimensions besides `step`."""

    def coordinates(self) -> dict[str, Any]:
        """Coordinates of these dimensions, as xarray takes them."""

    def check(self, replica: Replica) -> None:
        """Raise a ClocklessError whose sentence names the noun that does not fit; returns None where all fits."""

    def kind(self, replica: Replica) -> Hashable:
        """Replicas of one kind may share a learner: the same compiled code, the same shapes."""

    def width(self, steps: int, replicas: int) -> int:
        """How many replicas a unit of work should hold, of so many in an ensemble."""

    def learner(self, replicas: Sequence[Replica], traces: bool = False, of: int = 0) -> Learner:
        """A learner of replicas of one kind, at step 0: here a medium chooses its engine.

        `of` is how many there are of the kind in other learners, for engines whose compiled code depends on that.
        """


class Examples(NamedTuple):
    """Examples as a medium meets them: where values are held and wanted, and which."""

    inputs: tuple[int, ...]
    x: np.ndarray  # [example, input]
    outputs: tuple[int, ...]
    y: np.ndarray  # [example, output]
    ground: tuple[int, ...] = ()


class Info(NamedTuple):
    """What a person may want to know of the states behind a contrast, [example] each."""

    residual: np.ndarray  # how far from settled, in the medium's own measure
    sweeps: np.ndarray  # of work
    cost: float = np.nan  # mean cost of the free states, where the medium reports one


class Settles(Medium, Protocol):
    """A medium that has a state: what the plain learner asks of it.

    Parameters are one float64 array [parameter] whose named stretches are `stretches`, in order.
    """

    stretches: dict[str, int]

    def owners(self) -> np.ndarray | None:
        """Which unit each parameter belongs to, int [parameter]; None where unit k has parameter k."""

    def factors(self) -> np.ndarray | float:
        """Factor on the rule's rate of every parameter [parameter]; 0 keeps it as it is."""

    def limits(self) -> tuple[Any, Any]:
        """Lowest and highest value, a number or [parameter] each."""

    def held_by_device(self) -> slice:
        """The parameters that the device holds; the others take any value."""

    def first(self, replica: Replica) -> np.ndarray:
        """Parameters at step 0 [parameter]."""

    def examples(self, task: Task, chosen: np.ndarray) -> Examples:
        """Those of the task's training examples."""

    def contrast(self, values: np.ndarray, examples: Examples, push: Push, luck: Luck) -> tuple[np.ndarray, Info]:
        """Signals dE/dtheta [parameter] of the pushed minus those of the free states; over examples as the medium says."""

    def look(self, values: np.ndarray, task: Task, luck: Luck) -> Mapping[str, Any]:
        """What is seen of the test set: numbers by the names of variables."""


def checked_seed(seed: Any) -> int:
    """`seed` as an int; ParameterError unless it is a whole number from 0 to 2^64 - 1."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < _LONGEST_SEED:
        raise ParameterError(f"seed = {shown(seed)}; give a whole number from 0 to 2^64 - 1.")
    return int(seed)
