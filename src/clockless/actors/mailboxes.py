"""Bounded mailboxes: the layout of their messages, what happens when they are full, and who sends to whom."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.errors import ActorError, WiringError, shown, whole

if TYPE_CHECKING:
    from clockless.actors import Actor

POLICIES = ("block", "drop-oldest", "latest")
_ALIGNED = 64  # bytes; fields begin on cache lines


@dataclass(frozen=True)
class MailboxSpec:
    """Layout of one message, the number of messages that may wait, and what gives when one more comes.

    Args:
        fields: (name, dtype, shape) of each array of a message; dtypes are numbers or bool ("float32", "int64", ...).
        capacity: messages that may wait, at least 1; 1 if the policy is "latest".
        policy: "block" (the sender waits), "drop-oldest", or "latest" (only the newest message waits).

    Raises:
        WiringError: a layout, bound or policy that cannot be.
    """

    fields: tuple[tuple[str, str, tuple[int, ...]], ...]
    capacity: int = 1
    policy: str = "block"

    def __post_init__(self) -> None:
        if self.policy not in POLICIES:
            raise WiringError(f"mailbox policy {shown(self.policy)} is unknown; choose one of {', '.join(POLICIES)}.")
        whole("mailbox capacity", self.capacity, 1)
        if self.policy == "latest" and self.capacity != 1:
            raise WiringError(f"a mailbox of policy 'latest' holds one message, not {self.capacity}; give capacity 1.")
        if not isinstance(self.fields, (tuple, list)):
            raise WiringError(f"fields = {shown(self.fields)}; give (name, dtype, shape) of each field of a message.")
        for field in self.fields:
            _checked_field(field)
        if len({name for name, _, _ in self.fields}) < len(self.fields):
            raise WiringError(f"two fields of a message have the same name in {shown(self.fields)}; rename one.")

    @cached_property
    def offsets(self) -> tuple[int, ...]:
        """Where each field begins in a message, in bytes."""
        return self._layout[0]

    @cached_property
    def size(self) -> int:
        """Bytes of a message, a multiple of 64."""
        return self._layout[1]

    @cached_property
    def _layout(self) -> tuple[tuple[int, ...], int]:
        offsets, at = [], 0
        for _, dtype, shape in self.fields:
            offsets.append(at)
            bytes_of_field = int(np.dtype(dtype).itemsize * np.prod(shape, dtype=np.int64))
            at += -(-bytes_of_field // _ALIGNED) * _ALIGNED
        return tuple(offsets), at

    def views(self, memory: np.ndarray) -> dict[str, np.ndarray]:
        """The fields of a message that lies in `memory` (uint8 [size]), without a copy."""
        views = {}
        for (name, dtype, shape), at in zip(self.fields, self.offsets, strict=True):
            count = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
            views[name] = memory[at : at + count].view(dtype).reshape(shape)
        return views

    def checked(self, message: Mapping[str, Any], what: str) -> dict[str, np.ndarray]:
        """`message` as arrays of this layout, not copied; ActorError, naming `what`, if it has another."""
        if set(message) != {name for name, _, _ in self.fields}:
            wanted = ", ".join(name for name, _, _ in self.fields)
            raise ActorError(f"{what} has the fields {', '.join(message)}, its mailbox wants {wanted}; mend one of them.")
        arrays = {}
        for name, dtype, shape in self.fields:
            array = np.asarray(message[name])
            if array.shape != tuple(shape) or array.dtype != np.dtype(dtype):
                raise ActorError(
                    f"field {name} of {what} is {array.dtype} {array.shape}, its mailbox wants {dtype} {tuple(shape)}; "
                    "mend one of them."
                )
            arrays[name] = array
        return arrays


def _checked_field(field: Any) -> None:
    try:
        name, dtype, shape = field
        kind = np.dtype(dtype).kind
        sizes = [whole(f"a length of field {name}", length) for length in shape]
    except (TypeError, ValueError) as error:
        raise WiringError(f"{shown(field)} is no field of a message; give (name, dtype, shape).") from error
    if not isinstance(name, str) or kind not in "biufc" or len(sizes) > 32:
        raise WiringError(f"{shown(field)} is no field of a message; give (name, dtype of numbers, shape).")


class MemoryMailbox:
    """A mailbox within one process: a bounded queue of (tag, message)."""

    def __init__(self, spec: MailboxSpec) -> None:
        self.spec = spec
        self.waiting: deque[tuple[Any, dict[str, np.ndarray]]] = deque()
        self.dropped = 0
        self.fullest = 0

    def __len__(self) -> int:
        return len(self.waiting)

    def put(self, tag: Any, message: dict[str, np.ndarray]) -> bool:
        """Leave a message; False if the policy is "block" and there is no room."""
        if len(self.waiting) == self.spec.capacity:
            if self.spec.policy == "block":
                return False
            self.waiting.popleft()
            self.dropped += 1
        self.waiting.append((tag, message))
        self.fullest = max(self.fullest, len(self.waiting))
        return True

    def take(self) -> tuple[Any, dict[str, np.ndarray]] | None:
        """The oldest message, or None."""
        return self.waiting.popleft() if self.waiting else None


@dataclass(frozen=True)
class Ports:
    """What the outside can see of an actor: its name, its mailboxes, and where its messages go."""

    name: str
    receives: dict[str, MailboxSpec]
    sends: dict[str, str]

    @classmethod
    def of(cls, actor: Actor) -> Ports:
        """Those of `actor`."""
        missing = [name for name in ("name", "receives", "sends", "ready", "act") if not hasattr(actor, name)]
        if missing:
            raise WiringError(f"{shown(actor)} is no actor: it has no {missing[0]}; see the contract in clockless.actors.")
        return cls(actor.name, dict(actor.receives), dict(actor.sends))


@dataclass(frozen=True)
class Channel:
    """A mailbox with its two ends: actors by index, mailbox and message by name."""

    index: int
    sender: int
    message: str
    receiver: int
    mailbox: str
    spec: MailboxSpec


@dataclass(frozen=True)
class Wiring:
    """Who sends to whom. `channels` are ordered by receiver, then as the receiver lists its mailboxes."""

    names: tuple[str, ...]
    channels: tuple[Channel, ...]

    def into(self, actor: int) -> list[Channel]:
        """Channels that end in mailboxes of `actor`."""
        return [channel for channel in self.channels if channel.receiver == actor]

    def out_of(self, actor: int) -> list[Channel]:
        """Channels that begin at `actor`."""
        return [channel for channel in self.channels if channel.sender == actor]


def wire(actors: Sequence[Ports]) -> Wiring:
    """The wiring of actors; each mailbox has exactly one sender.

    Raises:
        WiringError: a name that is taken, not found, or that no file can have; a mailbox with no or two senders.
    """
    names = [actor.name for actor in actors]
    for name in names:
        if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
            raise WiringError(f"actor name {shown(name)} is no file name; use letters, digits, '-' and '_'.")
        if names.count(name) > 1:
            raise WiringError(f"two actors are called {name}; give each its own name.")
    senders: dict[tuple[str, str], tuple[int, str]] = {}
    for index, actor in enumerate(actors):
        for message, target in actor.sends.items():
            receiver, _, mailbox = target.partition(".")
            if receiver not in names or mailbox not in actors[names.index(receiver)].receives:
                raise WiringError(f"{actor.name} sends {message} to {target}, which is nobody's mailbox; mend the name.")
            if (receiver, mailbox) in senders:
                raise WiringError(f"{target} has two senders; give each its own mailbox.")
            senders[receiver, mailbox] = (index, message)
    channels: list[Channel] = []
    for index, actor in enumerate(actors):
        for mailbox, spec in actor.receives.items():
            if (actor.name, mailbox) not in senders:
                raise WiringError(f"nobody sends to {actor.name}.{mailbox}; leave the mailbox out, or name it as a target.")
            sender, message = senders[actor.name, mailbox]
            channels.append(Channel(len(channels), sender, message, index, mailbox, spec))
    return Wiring(tuple(names), tuple(channels))
