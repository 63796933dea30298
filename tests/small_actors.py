"""Small NumPy actors for the tests of runtimes; a module of its own, so that spawned processes find them."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

import numpy as np

from clockless.actors import MailboxSpec


@dataclass(frozen=True)
class Net:
    """Actors that mix what they receive into their state, and send it on.

    Args:
        links: (sender, receiver) pairs of indices.
        need: "all", "any" or "none" of the mailboxes must hold a message, but for the first event; "order" is "all", where
            only actor 0 may begin without, so that who takes what does not depend on speeds.
        sleeps: seconds that an event of each actor lasts, at least.
        naps: (actor, every, seconds): every so many events an actor sleeps that long instead.
        gate: a file; until it is there, the last actor does nothing. A test ends a run so.
        fails: (actor, event) in which an exception is raised.
    """

    count: int
    links: tuple[tuple[int, int], ...]
    policy: str = "block"
    capacity: int = 2
    size: int = 8
    need: str = "all"
    sleeps: tuple[float, ...] = ()
    naps: tuple[int, int, float] | None = None
    gate: str = ""
    fails: tuple[int, int] | None = None

    @property
    def spec(self):
        capacity = 1 if self.policy == "latest" else self.capacity
        return MailboxSpec((("state", "float64", (self.size,)), ("event", "int64", ())), capacity, self.policy)


class Mixer:
    """Its state depends on every message and on their order, in every bit; it stays below 10 when acting alone."""

    def __init__(self, net, index):
        self.net, self.index = net, index
        self.name = f"mixer{index}"
        self.receives = {f"from{a}": net.spec for a, b in net.links if b == index}
        self.sends = {f"to{b}": f"mixer{b}.from{index}" for a, b in net.links if a == index}
        rng = np.random.default_rng(index)
        self.state = rng.normal(size=net.size)
        self.event = 0
        self.seen = []  # of this process: event numbers in messages, for tests in one process

    def ready(self, waiting):
        if self.net.gate and self.index == self.net.count - 1:
            return os.path.exists(self.net.gate)
        if not waiting or self.net.need == "none" or (self.event == 0 and (self.index == 0 or self.net.need != "order")):
            return True
        return (any if self.net.need == "any" else all)(waiting.values())

    def act(self, inbox):
        if self.net.fails == (self.index, self.event):
            raise ZeroDivisionError("a mistake in an actor")
        actor, every, nap = self.net.naps or (-1, 1, 0.0)
        if self.index == actor and self.event % every == every - 1:
            time.sleep(nap)
        elif self.net.sleeps:
            time.sleep(self.net.sleeps[self.index])
        self.event += 1
        self.state = np.roll(self.state, 1) * 0.99 + 0.1 * np.cos(self.event * self.state)
        for place, message in enumerate(inbox.values()):
            if message is not None:
                assert np.all(message["state"][-1] == message["state"][-1])
                self.seen.append(int(message["event"]))
                self.state = np.sin(self.state + (place + 1) * message["state"])
        return {name: {"state": self.state, "event": np.array(self.event)} for name in self.sends}

    def snapshot(self):
        return {"state": self.state.copy(), "event": np.array(self.event)}

    def restore(self, snapshot):
        self.state, self.event = snapshot["state"].copy(), int(snapshot["event"])

    def measure(self):
        return {"norm": float(np.linalg.norm(self.state))}


def mixer(net, index):
    return Mixer(net, index)


@dataclass(frozen=True)
class Chain:
    """Linear layers learning a linear map by gradient descent, each an actor; in lockstep they do plain backpropagation."""

    widths: tuple[int, ...] = (6, 5, 4, 3)
    examples: int = 16
    rate: float = 0.02

    @property
    def count(self):
        return len(self.widths) - 1

    def data(self):
        rng = np.random.default_rng(5)
        inputs = rng.normal(size=(self.examples, self.widths[0]))
        return inputs, inputs @ rng.normal(size=(self.widths[0], self.widths[-1]))

    def weights(self, index):
        return np.random.default_rng(10 + index).normal(size=self.widths[index : index + 2]) * 0.4

    def plain(self, steps):
        """The weights after backpropagation in a plain loop, for comparison."""
        inputs, targets = self.data()
        weights = [self.weights(index) for index in range(self.count)]
        for _ in range(steps):
            values = [inputs]
            for w in weights:
                values.append(values[-1] @ w)
            gradient = (values[-1] - targets) / self.examples
            for index in reversed(range(self.count)):
                w = weights[index]
                weights[index] = w - self.rate * (values[index].T @ gradient)
                gradient = gradient @ w.T
        return weights


class Layer:
    """One layer: sends its output on; updates when the gradient comes back. The first owns the inputs."""

    def __init__(self, chain, index):
        self.chain, self.index = chain, index
        self.name = f"layer{index}"
        first, last = index == 0, index == chain.count - 1
        self.receives, self.sends = {}, {}
        if not first:
            self.receives["inputs"] = self._spec(index)
            self.sends["gradient_in"] = f"layer{index - 1}.gradients"
        if not last:
            self.receives["gradients"] = self._spec(index + 1)
            self.sends["outputs"] = f"layer{index + 1}.inputs"
        self.w = chain.weights(index)
        self.inputs, self.targets = chain.data()
        self.pending = False  # an output is out whose gradient has not come
        self.updates = 0

    def _spec(self, place):
        return MailboxSpec((("values", "float64", (self.chain.examples, self.chain.widths[place])),), 1, "block")

    def ready(self, waiting):
        if self.pending:
            return waiting["gradients"] > 0
        return self.index == 0 or waiting["inputs"] > 0

    def act(self, inbox):
        sent = {}
        if self.pending:
            self._update(inbox["gradients"]["values"], sent)
            self.pending = False
            return sent
        if self.index:
            self.inputs = inbox["inputs"]["values"]
        outputs = self.inputs @ self.w
        if self.index == self.chain.count - 1:
            self._update((outputs - self.targets) / self.chain.examples, sent)
        else:
            sent["outputs"] = {"values": outputs}
            self.pending = True
        return sent

    def _update(self, gradient, sent):
        if self.index:
            sent["gradient_in"] = {"values": gradient @ self.w.T}
        self.w = self.w - self.chain.rate * (self.inputs.T @ gradient)
        self.updates += 1

    def snapshot(self):
        return {
            "w": self.w,
            "updates": np.array(self.updates),
            "pending": np.array(self.pending),
            "inputs": self.inputs,
        }

    def restore(self, snapshot):
        self.w, self.inputs = snapshot["w"], snapshot["inputs"]
        self.updates, self.pending = int(snapshot["updates"]), bool(snapshot["pending"])

    def measure(self):
        return {"updates": float(self.updates)}


def layer(chain, index):
    return Layer(chain, index)


def broken(description, index):
    raise ImportError("a package that is missing")


RING = ((0, 1), (1, 2), (2, 0), (1, 0))


def same(first, second):
    """Are two sets of snapshots equal in every bit?"""
    return first.keys() == second.keys() and all(
        first[name].keys() == second[name].keys()
        and all(np.asarray(first[name][key]).tobytes() == np.asarray(second[name][key]).tobytes() for key in first[name])
        for name in first
    )
