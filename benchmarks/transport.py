"""Time of a 256 KiB round trip between two processes through shared mailboxes: python benchmarks/transport.py."""

from __future__ import annotations

import mmap
import os
import sys
import time
from multiprocessing import get_context

import numpy as np

from clockless.actors.boards import nameless_memory
from clockless.actors.mailboxes import MailboxSpec
from clockless.actors.rings import Ring
from clockless.actors.workers import Descriptor

BYTES = 256 * 1024
TRIPS = 2000


def rings(descriptor: Descriptor, spec: MailboxSpec) -> tuple[Ring, Ring]:
    """There and back."""
    size = Ring.bytes_of(spec)
    memory = np.frombuffer(mmap.mmap(descriptor.number, 2 * size), dtype=np.uint8)
    return Ring(memory[:size], spec), Ring(memory[size:], spec)


def receive(ring: Ring) -> dict[str, np.ndarray]:
    """The next message; gives way to others on the same core while there is none."""
    while (got := ring.take()) is None:
        os.sched_yield()
    ring.count(got[3], 0)
    return got[2]


def echo(descriptor: Descriptor, spec: MailboxSpec, core: int) -> None:
    """Send everything back until a message begins with -1."""
    os.sched_setaffinity(0, {core})
    there, back = rings(descriptor, spec)
    while (message := receive(there))["values"][0] >= 0:
        back.put(0, 0, message)


def round_trips(policy: str, capacity: int) -> np.ndarray:
    """Microseconds of each round trip."""
    spec = MailboxSpec((("values", "float32", (BYTES // 4,)),), capacity, policy)
    memory = nameless_memory()
    os.ftruncate(memory, 2 * Ring.bytes_of(spec))
    shared = Descriptor(memory)
    there, back = rings(shared, spec)
    cores = sorted(os.sched_getaffinity(0))
    process = get_context("spawn").Process(target=echo, args=(shared, spec, cores[-1]), daemon=True)
    process.start()
    os.sched_setaffinity(0, {cores[0]})
    try:
        message = {"values": np.zeros(BYTES // 4, dtype=np.float32)}
        times = np.empty(TRIPS)
        for trip in range(TRIPS):
            began = time.perf_counter()
            there.put(trip, 0, message)
            receive(back)
            times[trip] = time.perf_counter() - began
        message["values"][0] = -1
        there.put(TRIPS, 0, message)
        process.join(10)
    finally:
        process.kill()
        process.join(10)
        os.sched_setaffinity(0, cores)
        os.close(memory)
    return times[TRIPS // 10 :] * 1e6


def one_way(policy: str, capacity: int) -> tuple[float, float]:
    """Microseconds to leave and to take a message, within one process: medians."""
    spec = MailboxSpec((("values", "float32", (BYTES // 4,)),), capacity, policy)
    ring = Ring(np.zeros(Ring.bytes_of(spec), dtype=np.uint8), spec)
    message = {"values": np.zeros(BYTES // 4, dtype=np.float32)}
    times = np.empty((TRIPS, 2))
    for trip in range(TRIPS):
        began = time.perf_counter()
        ring.put(trip, 0, message)
        between = time.perf_counter()
        got = ring.take()
        assert got is not None
        ring.count(got[3], 0)
        times[trip] = between - began, time.perf_counter() - between
    left, taken = np.median(times, axis=0) * 1e6
    return float(left), float(taken)


if __name__ == "__main__":
    for policy, capacity in (("block", 4), ("drop-oldest", 4), ("latest", 1)):
        trips = np.concatenate([round_trips(policy, capacity) for _ in range(3)])
        left, taken = one_way(policy, capacity)
        print(
            f"{policy:12s} round trip of 256 KiB: median {np.median(trips):.0f} us, minimum {trips.min():.0f} us; "
            f"leave {left:.0f} us, take {taken:.0f} us",
            file=sys.stdout,
        )
