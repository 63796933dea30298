"""Time of one event on the 143-edge network in continuous time, against inverting the network after every event."""

from __future__ import annotations

import pytest
from numba import njit

import clockless as cl
from clockless import networks, tasks
from clockless.learning.contracts import Replica
from clockless.media.resistors.in_time.checks import checked
from clockless.media.resistors.in_time.inverse import invert
from clockless.media.resistors.in_time.learner import Session
from measuring import fastest, store

SIZE = "64 nodes, 143 edges; 1 replica"
LIMIT = 3e-6  # seconds per event
EVENTS = 2_000  # per call: some milliseconds
ROUNDS = 100


@njit(error_model="numpy")
def inverted(wiring, network, times):
    """The network inverted so many times."""
    for _ in range(times):
        invert(wiring, network)


def _session(clock, batch="full"):
    resistors = cl.TimedResistors(networks.packing())
    task = tasks.regression(resistors.network, seed=0)
    replica = Replica(resistors, task, cl.CoupledLearning(0.1, 0.3), clock, cl.Continuous(), batch=batch)
    session = Session(resistors, checked(resistors, replica))
    session.advance(1.0)
    return session


def _event_time(session):
    return fastest(lambda: session.advance(1e12, most=EVENTS), ROUNDS) / EVENTS


@pytest.mark.parametrize("batch", ["full", cl.Shown(1.0)], ids=["full", "shown"])
def test_an_event_of_its_own(benchmark, batch):
    session = _session(cl.PoissonEvents(1.0), batch)
    ours = _event_time(session)
    anew = fastest(lambda: inverted(session.wiring, session.network, 20), ROUNDS) / 20
    what = f"event of an edge, {'all examples' if batch == 'full' else 'examples held for a while'}"
    store(benchmark, what, SIZE, ours, anew, "inverting the network, alone")
    benchmark.pedantic(lambda: session.advance(1e12, most=1), rounds=1)
    assert ours <= LIMIT


def test_an_event_that_all_edges_watch(benchmark):
    session = _session(cl.SelfTriggered(1e-7), cl.Shown(1.0))
    ours = _event_time(session)
    anew = fastest(lambda: inverted(session.wiring, session.network, 20), ROUNDS) / 20
    store(benchmark, "event of a self-triggered edge", SIZE, ours, anew, "inverting the network, alone")
    benchmark.pedantic(lambda: session.advance(1e12, most=1), rounds=1)
    assert ours <= LIMIT
