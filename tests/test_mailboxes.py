"""Mailboxes against a plain model, and rings between processes that race, or are killed while they write or read."""

from __future__ import annotations

import mmap
import os
import time
from multiprocessing import get_context

import numpy as np
import pytest

from clockless.actors.boards import nameless_memory
from clockless.actors.mailboxes import MailboxSpec, MemoryMailbox, Ports, wire
from clockless.actors.rings import Ring
from clockless.actors.workers import Descriptor
from clockless.errors import ActorError, ParameterError, WiringError
from rigs import LIMIT, wait_until

WORDS = 20000


def spec(policy, capacity=3, words=4):
    return MailboxSpec((("values", "int64", (words,)), ("flag", "bool", ())), 1 if policy == "latest" else capacity, policy)


def message(number, words=4):
    return {"values": np.full(words, number), "flag": np.array(number % 2 == 1)}


def test_layout_begins_fields_on_cache_lines_and_views_do_not_overlap():
    layout = MailboxSpec((("a", "float32", (3, 5)), ("b", "int64", ()), ("c", "bool", (65,)), ("d", "float64", (0, 4))))
    assert layout.offsets == (0, 64, 128, 256)
    assert layout.size == 256
    memory = np.zeros(layout.size, dtype=np.uint8)
    views = layout.views(memory)
    for number, view in enumerate(views.values()):
        view[...] = number + 1
    assert views["a"].dtype == np.float32
    assert views["a"].shape == (3, 5)
    assert (views["a"] == 1).all()
    assert views["b"] == 2
    assert (views["c"] == 1).all()
    assert views["d"].shape == (0, 4)


@pytest.mark.parametrize("policy", ["block", "drop-oldest", "latest"])
@pytest.mark.parametrize("eagerness", [0.2, 0.5, 0.9])
def test_a_ring_does_what_a_bounded_queue_does(policy, eagerness):
    layout = spec(policy)
    ring, queue = Ring(np.zeros(Ring.bytes_of(layout), dtype=np.uint8), layout), MemoryMailbox(layout)
    rng = np.random.default_rng(int(10 * eagerness))
    model = []  # a third, plainest version
    refused = lost = taken = 0
    for number in range(2000):
        if rng.random() < eagerness:
            roomy = len(model) < layout.capacity
            assert ring.put(number, number, message(number)) == (roomy or policy != "block")
            assert queue.put(number, message(number)) == (roomy or policy != "block")
            refused += not roomy and policy == "block"
            if roomy or policy != "block":
                lost += not roomy
                model = [*model, number][-layout.capacity :]
        else:
            got, other = ring.take(), queue.take()
            expected = model.pop(0) if model else None
            assert (got is None) == (other is None) == (expected is None)
            if got is not None:
                taken += 1
                assert got[0] == other[0] == expected
                assert (got[2]["values"] == expected).all()
                assert bool(got[2]["flag"]) == (expected % 2 == 1)
                ring.count(got[3], number - got[1])
        assert len(ring) == len(queue) == len(model) <= layout.capacity
    counts = ring.counts()
    assert (counts["dropped"], counts["taken"], counts["fullest"]) == (lost, taken, queue.fullest)
    assert queue.dropped == lost
    assert (refused > 0) == (policy == "block")


def test_a_message_taken_but_not_counted_comes_again_and_a_half_written_one_never_does():
    layout = spec("block")
    memory = np.zeros(Ring.bytes_of(layout), dtype=np.uint8)
    ring = Ring(memory, layout)
    ring.put(0, 0, message(7))
    first, again = ring.take(), ring.take()
    assert first[0] == again[0] == 0
    ring.words[1] = 2  # a writer begins message 1 ...
    ring.views[1]["values"][:2] = 99  # ... and is killed
    assert len(ring) == 1
    Ring(memory, layout).put(1, 1, message(8))
    ring.count(first[3], 0)
    assert (ring.take()[2]["values"] == 8).all()


def test_a_reader_that_was_overtaken_takes_a_newer_message():
    layout = spec("drop-oldest")
    ring = Ring(np.zeros(Ring.bytes_of(layout), dtype=np.uint8), layout)
    ring.put(0, 0, message(0))

    class Slow(dict):
        """Fields of the first slot; while they are read the writer goes round the ring."""

        def items(self):
            ring.views[0] = dict(self)
            for number in range(1, 8):
                ring.put(number, number, message(number))
            return super().items()

    ring.views[0] = Slow(ring.views[0])
    made, _, taken, place = ring.take()
    assert made == 5  # of 0 .. 7, the last three wait
    assert (taken["values"] == 5).all()
    ring.count(place, 0)
    assert ring.counts()["dropped"] == 5


def _ring(descriptor, layout):
    return Ring(np.frombuffer(mmap.mmap(descriptor.number, Ring.bytes_of(layout)), dtype=np.uint8), layout)


def _write(descriptor, layout, pace):
    """Write messages full of their number, for ever."""
    ring = _ring(descriptor, layout)
    while True:
        number = ring.words[0]
        if not ring.put(number, number, message(number, WORDS)):
            time.sleep(0)
        time.sleep(pace)


def _read(descriptor, layout, results):
    """Read for ever; tell of every message that is not whole or comes out of order."""
    ring, last = _ring(descriptor, layout), -1
    while True:
        got = ring.take()
        if got is not None:
            made, _, fields, place = got
            values = fields["values"]
            if values[0] != made or (values != made).any() or made <= last or bool(fields["flag"]) != (made % 2 == 1):
                results.send(f"message {made} after {last} holds {np.unique(values)}")
            last = made
            ring.count(place, 0)


@pytest.mark.parametrize("policy", ["block", "drop-oldest", "latest"])
@pytest.mark.parametrize("victim", ["writer", "reader"])
def test_no_message_is_torn_whoever_is_killed(policy, victim):
    layout = spec(policy, words=WORDS)
    memory = nameless_memory()
    os.ftruncate(memory, Ring.bytes_of(layout))
    context = get_context("spawn")
    rng = np.random.default_rng(len(policy))
    shared = Descriptor(memory)
    ring = _ring(shared, layout)
    complaints, told = context.Pipe(duplex=False)
    jobs = {"writer": (_write, (shared, layout, 0.0)), "reader": (_read, (shared, layout, told))}
    running = {}
    try:
        for name, (job, arguments) in jobs.items():
            running[name] = context.Process(target=job, args=arguments, daemon=True)
            running[name].start()
        for _ in range(4):
            _moves(ring)
            time.sleep(rng.uniform(0, 0.05))
            running[victim].kill()
            running[victim].join(LIMIT)
            running[victim].close()
            job, arguments = jobs[victim]
            running[victim] = context.Process(target=job, args=arguments, daemon=True)
            running[victim].start()
        _moves(ring)
        assert len(ring) <= layout.capacity
        assert ring.counts()["fullest"] <= layout.capacity
        assert ring.counts()["taken"] > 100
        assert not complaints.poll(), complaints.recv()
        if policy == "block":
            assert ring.counts()["dropped"] == 0
    finally:
        for process in running.values():
            process.kill()
            process.join(LIMIT)
            process.close()
        complaints.close()
        told.close()
        os.close(memory)


def _moves(ring):
    """Wait until both sides have come on by some messages: on one core a reader may take one of hundreds."""
    head, taken = ring.words[0], ring.counts()["taken"]
    assert wait_until(lambda: ring.words[0] >= head + 50 and ring.counts()["taken"] >= taken + 25, pause=0.005)


@pytest.mark.parametrize(
    ("mistake", "sentence"),
    [
        (lambda: MailboxSpec((("a", "float64", (3,)),), policy="newest"), "policy 'newest' is unknown"),
        (lambda: MailboxSpec((("a", "float64", (3,)),), capacity=0), "mailbox capacity = 0"),
        (lambda: MailboxSpec((("a", "float64", (3,)),), 2, "latest"), "holds one message, not 2"),
        (lambda: MailboxSpec((("a", "float65", (3,)),)), "is no field of a message"),
        (lambda: MailboxSpec((("a", "object", (3,)),)), "dtype of numbers"),
        (lambda: MailboxSpec((("a", "float64", (-3,)),)), "is no field of a message"),
        (lambda: MailboxSpec((("a", "float64"),)), "is no field of a message"),
        (lambda: MailboxSpec((("a", "float64", ()), ("a", "int8", ()))), "the same name"),
        (lambda: wire([Ports("a b", {}, {})]), "is no file name"),
        (lambda: wire([Ports("a", {}, {}), Ports("a", {}, {})]), "two actors are called a"),
        (lambda: wire([Ports("a", {}, {"x": "b.y"})]), "a sends x to b.y, which is nobody's mailbox"),
        (lambda: wire([Ports("a", {"y": spec("block")}, {})]), "nobody sends to a.y"),
        (
            lambda: wire([Ports("a", {"y": spec("block")}, {"u": "a.y", "v": "a.y"})]),
            "a.y has two senders",
        ),
    ],
)
def test_mistakes_get_a_sentence(mistake, sentence):
    with pytest.raises((WiringError, ParameterError), match=sentence):
        mistake()


def test_a_message_of_another_layout_is_refused():
    layout = spec("block")
    with pytest.raises(ActorError, match="message x of a has the fields values, its mailbox wants values, flag"):
        layout.checked({"values": np.zeros(4, dtype=np.int64)}, "message x of a")
    with pytest.raises(ActorError, match=r"field values of message x is float64 \(4,\), its mailbox wants int64 \(4,\)"):
        layout.checked({"values": np.zeros(4), "flag": np.array(True)}, "message x")
