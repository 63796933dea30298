"""The whole state of a simulation as named arrays, and back: actors, messages wherever they are, clocks and counts."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable
from typing import Any

import numpy as np

from clockless.actors.mailboxes import MailboxSpec
from clockless.actors.traces import EVENT, Record
from clockless.errors import WiringError

Arrays = dict[str, np.ndarray]
_STANDING = ("events", "acting", "began", "busy", "blocked", "blocked_since", "path")
_ROUTE = ("sent", "last", "taken", "stale", "stalest")


def frozen(simulation: Any) -> Arrays:
    """All that a simulation of the same arguments needs to go on."""
    queue = np.array(sorted(simulation._queue), dtype=np.float64).reshape(-1, 3)
    arrays: Arrays = {"now": np.array(simulation.now), "tick": np.array(simulation._tick), "queue": queue}
    for actor, standing, out in zip(simulation.actors, simulation._standing, simulation._out, strict=True):
        arrays |= {f"actor/{actor.name}/{key}": np.array(value) for key, value in actor.snapshot().items()}
        arrays[f"standing/{actor.name}"] = np.array([getattr(standing, name) for name in _STANDING], dtype=np.float64)
        arrays[f"seconds/{actor.name}"] = np.array([record.seconds for record in standing.records])
        arrays[f"taken/{actor.name}"] = np.array([record.taken for record in standing.records], dtype=np.int64)
        for route in out:
            channel = route.channel
            made = [((), standing.made[channel.message])] if channel.message in standing.made else []
            unsent = [standing.unsent[channel.index]] if channel.index in standing.unsent else []
            arrays |= _packed(f"made/{channel.index}", made)
            arrays |= _packed(f"unsent/{channel.index}", unsent)
            arrays |= _packed(f"waiting/{channel.index}", route.mailbox.waiting)
            arrays |= _packed(f"flying/{channel.index}", (((at, *tag), message) for at, tag, message in route.flying))
            counts = [getattr(route, name) for name in _ROUTE] + [route.mailbox.dropped, route.mailbox.fullest]
            arrays[f"route/{channel.index}"] = np.array(counts, dtype=np.float64)
    return arrays


def thaw(simulation: Any, arrays: Arrays) -> None:
    """Bring a simulation to a frozen state.

    Raises:
        WiringError: the state of a simulation of other actors.
    """
    wanted = {f"standing/{name}" for name in simulation.wiring.names} | {
        f"route/{c.index}" for c in simulation.wiring.channels
    }
    if wanted != {key for key in arrays if key.startswith(("standing/", "route/"))}:
        raise WiringError("the state is that of a simulation of other actors; build the actors that it was saved with.")
    simulation.now, simulation._tick = float(arrays["now"]), int(arrays["tick"])
    simulation._queue = [(float(time), int(kind), int(index)) for time, kind, index in arrays["queue"]]
    heapq.heapify(simulation._queue)
    for actor, standing, out in zip(simulation.actors, simulation._standing, simulation._out, strict=True):
        prefix = f"actor/{actor.name}/"
        actor.restore({key.removeprefix(prefix): np.array(value) for key, value in arrays.items() if key.startswith(prefix)})
        numbers = arrays[f"standing/{actor.name}"].tolist()
        for name, number in zip(_STANDING, numbers, strict=True):
            setattr(standing, name, type(getattr(standing, name))(number))
        rows = zip(arrays[f"seconds/{actor.name}"].tolist(), arrays[f"taken/{actor.name}"].tolist(), strict=True)
        standing.records = [Record(EVENT, event, seconds, tuple(taken)) for event, (seconds, taken) in enumerate(rows)]
        standing.made, standing.unsent = {}, {}
        for route in out:
            channel, spec = route.channel, route.channel.spec
            for _, message in _unpacked(f"made/{channel.index}", arrays, spec):
                standing.made[channel.message] = message
            for (made, path), message in _unpacked(f"unsent/{channel.index}", arrays, spec):
                standing.unsent[channel.index] = ((int(made), path), message)
            route.mailbox.waiting = deque(
                ((int(made), path), message) for (made, path), message in _unpacked(f"waiting/{channel.index}", arrays, spec)
            )
            route.flying = deque(
                (at, (int(made), path), message)
                for (at, made, path), message in _unpacked(f"flying/{channel.index}", arrays, spec)
            )
            *counts, dropped, fullest = arrays[f"route/{channel.index}"].tolist()
            for name, number in zip(_ROUTE, counts, strict=True):
                setattr(route, name, type(getattr(route, name))(number))
            route.mailbox.dropped, route.mailbox.fullest = int(dropped), int(fullest)


def _packed(prefix: str, letters: Iterable[tuple[tuple[float, ...], Arrays]]) -> Arrays:
    """Messages with the numbers that go with them, as arrays with a first axis [message]."""
    tags, messages = zip(*letters, strict=True) if (letters := list(letters)) else ((), ())
    if not messages:
        return {}
    arrays = {f"{prefix}/message/{name}": np.stack([message[name] for message in messages]) for name in messages[0]}
    return arrays | {f"{prefix}/tags": np.array(tags, dtype=np.float64).reshape(len(tags), -1)}


def _unpacked(prefix: str, arrays: Arrays, spec: MailboxSpec) -> list[tuple[Any, Arrays]]:
    if f"{prefix}/tags" not in arrays:
        return []
    return [
        (tuple(tag), {name: np.array(arrays[f"{prefix}/message/{name}"][place]) for name, _, _ in spec.fields})
        for place, tag in enumerate(arrays[f"{prefix}/tags"].tolist())
    ]
