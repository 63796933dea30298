"""Modules that act on their own: each one an actor (`runtimes.Actor`) that knows its mailboxes and nothing else.

In an event an actor hears what has come back (teaches its interface, or learns), then meets a batch: it learns at once if
its method lets it, passes its output on, and sends a gradient back. The first module draws the batches. Driven one after
the other with free messages, the actors do what `learning.Session` does, bit for bit, since both call `units`.

Messages: forward {"h": [batch, width], "labels": [batch], "step": [1]}, backward {"delta": [batch, width], "step": [1]}.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from clockless.actors.mailboxes import MailboxSpec
from clockless.errors import ParameterError, shown, whole
from clockless.media.modules.layers import Tree, cross_entropy, cross_entropy_gradient
from clockless.media.modules.learning import Learning, arrays_of, tree_of
from clockless.media.modules.methods import DNI, Backprop, DelayedGradients
from clockless.media.modules.stacks import learners
from clockless.media.modules.units import act, back, forward, gradients, kept, listen

# An actor's memory has no other owner, so its arrays are written over: at a width of 1,024 a third of an event's time.
_act = jax.jit(act, static_argnums=0, donate_argnums=1)
_listen = jax.jit(listen, static_argnums=0, donate_argnums=1)
_loss_gradient = jax.jit(cross_entropy_gradient)
_mean_loss = jax.jit(lambda logits, labels: cross_entropy(logits, labels).mean())


@dataclass(frozen=True)
class Actors:
    """A stack of modules as actors: plain, picklable, what `build` makes them from.

    Args:
        learning: what is learned; its method is `DNI` without mixing or forward unlocking, `LocalLoss`, `NoBackprop`, or
            `Backprop`, whose modules wait for each other as ever.
        steps: batches that the first module draws.
        capacity: messages that may wait in a mailbox.
        policy: of the mailboxes for outputs, "block", "drop-oldest" or "latest". Gradients for an interface are lessons, one
            more or less does not matter: their mailboxes drop the oldest, so that nobody ever waits on the way back.

    Raises:
        ParameterError: another method, or Backprop with a policy that loses messages, which would wait for ever.
    """

    learning: Learning
    steps: int
    capacity: int = 2
    policy: str = "block"

    def __post_init__(self) -> None:
        method = self.learning.method
        whole("steps", self.steps)
        whole("capacity", self.capacity, 1)
        if isinstance(method, DelayedGradients) or (
            isinstance(method, DNI) and (method.mixing or method.unlock != "update")
        ):
            raise ParameterError(f"{shown(method)} has no actors; give DNI(), LocalLoss(), NoBackprop() or Backprop().")
        if isinstance(method, Backprop) and self.policy != "block":
            raise ParameterError(f"Backprop waits for every message, and policy {self.policy!r} loses some; give 'block'.")

    @property
    def count(self) -> int:
        """How many actors there are."""
        return len(self.learning.modules)

    def names(self) -> tuple[str, ...]:
        """Of the actors, first to last."""
        return tuple(f"module-{i}" for i in range(self.count))


def build(description: Actors, index: int) -> ModuleActor:
    """Actor `index` of a stack, in whatever process, with all compiled that its events need.

    Raises:
        ParameterError: an index above the number of modules.
    """
    if whole("index", index) >= description.count:
        raise ParameterError(f"there is no module {index}; the stack has {description.count}, so start {description.count}.")
    actor = ModuleActor(description, index)
    actor.compile()
    return actor


def memories(description: Actors, snapshots: Mapping[str, Mapping[str, np.ndarray]]) -> list[Tree]:
    """The memories of a stack from the snapshots of its actors by name; what `learning.error_and_cost` takes."""
    actors = [ModuleActor(description, index) for index in range(description.count)]
    for actor in actors:
        actor.restore(dict(snapshots[actor.name]))
    return [actor.memory for actor in actors]


class ModuleActor:
    """One module of a stack; see `runtimes.Actor` for what its methods promise."""

    def __init__(self, description: Actors, index: int) -> None:
        learning = description.learning
        self._learning, self._index, self._steps = learning, index, description.steps
        self._unit = learning.units[index]
        self._locked = isinstance(learning.method, Backprop)
        self._draws = learning.draws()
        self.name = description.names()[index]
        self.receives: Mapping[str, MailboxSpec]
        self.sends: Mapping[str, str]
        self.receives, self.sends = _ports(description, index)
        # Outputs whose gradient is to come. Messages that wait on both sides and one at work are out at a time.
        self._most_kept = 1 if self._locked else 2 * description.capacity + 2
        self._kept: dict[int, dict[str, Any]] = {}
        self._step = self._updates = self._missed = 0
        self._loss = float("nan")
        with learning.computing():
            self.memory = learning.memory(index, self._draws)

    def compile(self) -> None:
        """Compile what events call, by calling it on zeros; so that a run begins at its usual pace."""
        learning, unit = self._learning, self._unit
        h = np.zeros((learning.batch, unit.module.inputs), dtype=learning.precision)
        delta = np.zeros((learning.batch, unit.module.outputs), dtype=learning.precision)
        labels, rate = np.zeros(learning.batch, dtype=np.int32), learning.step_size.rate_at(0)
        with learning.computing():
            memory = jax.tree.map(jnp.copy, self.memory)  # what is donated is gone
            if self._locked:
                memory, out, pull = kept(unit, memory, h)
                if unit.last:
                    _mean_loss(out, labels)
                    _loss_gradient(out, labels)
                gradients(unit, pull, delta)
                back(unit, memory, pull, delta, rate)
                return
            _, out = forward(unit, memory, h)
            if unit.last or unit.critic is not None or unit.local is not None:  # else it never learns
                memory, out, _, _ = _act(unit, memory, h, labels, rate)
            if unit.critic is not None:
                _listen(unit, memory, out, labels, delta, rate)

    # --- the contract ---

    def ready(self, waiting: dict[str, int]) -> bool:
        """With a message; the first module also while it has batches left, under Backprop only when nothing is out."""
        return any(waiting.values()) or (self._index == 0 and self._step < self._steps and not self._waits())

    def act(self, inbox: dict[str, dict[str, np.ndarray] | None]) -> dict[str, dict[str, np.ndarray]]:
        """Hear what has come back, then meet the next batch."""
        sent: dict[str, dict[str, np.ndarray]] = {}
        with self._learning.computing():
            heard = inbox.get("delta")
            if heard is not None:
                self._hear(int(heard["step"][0]), heard["delta"], sent)
            met = inbox.get("h") if self._index else self._drawn()
            if met is not None:
                self._meet(int(met["step"][0]), met["h"], met["labels"], sent)
        return sent

    def snapshot(self) -> dict[str, np.ndarray]:
        """Memory, numbers, and the outputs whose gradient is to come."""
        numbers = np.array([self._step, self._updates, self._missed], dtype=np.int64)
        arrays = {"numbers": numbers, "loss": np.array(self._loss), "kept": np.array(list(self._kept), dtype=np.int64)}
        arrays |= arrays_of(self.memory, "memory")
        for step, what in self._kept.items():
            arrays |= {f"{name} {step}": np.array(what[name]) for name in ("h", "out", "labels") if name in what}
        return arrays

    def restore(self, snapshot: dict[str, np.ndarray]) -> None:
        """Go on from a snapshot. The first module of a locked stack begins again with the batch that was out."""
        self._step, self._updates, self._missed = (int(number) for number in snapshot["numbers"])
        self._loss = float(snapshot["loss"])
        with self._learning.computing():
            self.memory = tree_of(self.memory, snapshot, "memory")
        self._kept = {}
        for step in snapshot["kept"].tolist():
            names = [name for name in ("h", "out", "labels") if f"{name} {step}" in snapshot]
            self._kept[step] = {name: np.array(snapshot[f"{name} {step}"]) for name in names}
        if self._index == 0 and self._locked and self._kept:
            self._step = min(self._kept)
            self._kept = {}

    def measure(self) -> dict[str, float]:
        """Steps met and updates made; gradients that came for an output no longer kept; the last module's latest loss."""
        numbers = {"step": self._step, "updates": self._updates, "missed": self._missed}
        loss = {"loss": self._loss} if self._unit.last else {}
        return {name: float(value) for name, value in (numbers | loss).items()}

    # --- what it does in an event ---

    def _waits(self) -> bool:
        return self._locked and bool(self._kept)

    def _learners(self, step: int) -> np.ndarray:
        return learners(self._learning.method, self._draws.acting(step))

    def _drawn(self) -> dict[str, np.ndarray] | None:
        """The first module's next batch; steps in which no module learns are passed over, as in the plain loop."""
        if self._waits():
            return None
        while self._step < self._steps and not self._learners(self._step).any():
            self._step += 1
        if self._step >= self._steps:
            return None
        x, labels = self._learning.batch_of(self._draws.examples(self._step))
        return {"h": x, "labels": labels, "step": np.array([self._step])}

    def _meet(self, step: int, h: np.ndarray, labels: np.ndarray, sent: dict[str, Any]) -> None:
        acts = self._learners(step)
        if self._locked:
            out, reach = self._meet_locked(step, h, labels, sent), acts.size - 1
        else:
            out, reach = self._meet_free(step, h, labels, sent), int(np.flatnonzero(acts)[-1])
        if self._index < reach:  # else nobody further on would learn from it
            sent["h"] = {"h": np.asarray(out), "labels": np.asarray(labels), "step": np.array([step])}
        self._step = max(self._step, step + 1)

    def _meet_free(self, step: int, h: np.ndarray, labels: np.ndarray, sent: dict[str, Any]) -> Any:
        acts, rate = self._learners(step), self._learning.step_size.rate_at(step)
        if acts[self._index]:
            self.memory, out, before, loss = _act(self._unit, self.memory, h, labels, rate)
            self._updates += 1
            self._loss = float(loss)
            if "delta" in self.sends:
                self._send_back(step, before, sent)
        else:
            self.memory, out = forward(self._unit, self.memory, h)
        if self._unit.critic is not None and acts[self._index + 1]:
            self._keep(step, {"out": out, "labels": labels})
        return out

    def _meet_locked(self, step: int, h: np.ndarray, labels: np.ndarray, sent: dict[str, Any]) -> Any:
        self.memory, out, pull = kept(self._unit, self.memory, h)
        self._keep(step, {"h": h, "labels": labels, "pull": pull})
        if self._unit.last:
            self._loss = float(_mean_loss(out, labels))
            self._hear(step, _loss_gradient(out, labels), sent)
        return out

    def _hear(self, step: int, delta: Any, sent: dict[str, Any]) -> None:
        what, rate = self._kept.pop(step, None), self._learning.step_size.rate_at(step)
        if what is None:
            self._missed += 1
        elif not self._locked:
            self.memory = _listen(self._unit, self.memory, what["out"], what["labels"], delta, rate)
        else:
            pull = what["pull"] if "pull" in what else kept(self._unit, self.memory, what["h"])[2]  # after a restore
            if self._learners(step)[self._index]:
                self.memory, before = back(self._unit, self.memory, pull, delta, rate)
                self._updates += 1
            else:
                _, before = gradients(self._unit, pull, delta)
            if "delta" in self.sends:
                self._send_back(step, before, sent)

    def _keep(self, step: int, what: dict[str, Any]) -> None:
        self._kept[step] = what
        while len(self._kept) > self._most_kept:
            del self._kept[min(self._kept)]

    def _send_back(self, step: int, before: Any, sent: dict[str, Any]) -> None:
        sent["delta"] = {"delta": np.asarray(before), "step": np.array([step])}


def _ports(description: Actors, index: int) -> tuple[dict[str, MailboxSpec], dict[str, str]]:
    """Mailboxes of an actor, and where its messages go."""
    learning, names = description.learning, description.names()
    module, batch, kind = learning.modules[index], learning.batch, learning.precision
    first, last = index == 0, index == description.count - 1
    locked = isinstance(learning.method, Backprop)
    goes_back = locked or isinstance(learning.method, DNI)
    receives, sends = {}, {}
    if goes_back and not last:
        fields = (("delta", kind, (batch, module.outputs)), ("step", "int64", (1,)))
        receives["delta"] = MailboxSpec(fields, description.capacity, "block" if locked else "drop-oldest")
    if not first:
        forth = (("h", kind, (batch, module.inputs)), ("labels", "int32", (batch,)), ("step", "int64", (1,)))
        receives["h"] = MailboxSpec(forth, 1 if description.policy == "latest" else description.capacity, description.policy)
        if goes_back:
            sends["delta"] = f"{names[index - 1]}.delta"
    if not last:
        sends["h"] = f"{names[index + 1]}.h"
    return receives, sends
