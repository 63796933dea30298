"""What `clockless status` says of a store at every moment of its life."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest

import clockless as cl
from clockless.workers import loop as sweep
from clockless.workers.run import compute, tally
from clockless.workers.status import events, report
from test_store import SMALL, WIDTH


@pytest.fixture
def store(tmp_path):
    """A store of three units, not begun."""
    return cl.Store.create(tmp_path / "store", SMALL.changed(title="three units"), width=WIDTH)


def test_a_store_that_has_not_begun(store):
    text = report(store)
    assert text.startswith(f"{store.path}: three units\n")
    assert f"{SMALL.fingerprint}, 24 replicas (task: 3, nudge: 2, p: 2, seed: 2), 60 steps" in text
    assert "0 of 3 done, 0 running, 0 failed, 3 waiting" in text
    assert "0.0 % of 1.44e+03 replica-steps" in text
    assert "unknown until the first job is done" in text
    assert text.endswith(f"go on with: clockless resume {store.path}")


def test_a_store_that_is_running_and_one_that_is_finished(store):
    sweep.Runner(store).compute(0)
    with store.journal.claim(1):
        store.journal.count(1, 30)
        text = report(store)
        assert "1 of 3 done, 1 running, 0 failed, 1 waiting" in text
        assert "50.0 % of" in text
        assert "with 1 running" in text
        assert "go on with" not in text
    assert "of one core's time" in report(store)
    compute(store, cl.Workers(threads=1), progress=False)
    text = report(store)
    assert "3 of 3 done, 0 running, 0 failed, 0 waiting" in text
    assert "100.0 %" in text
    assert "time left" not in text
    assert "go on with" not in text


def test_failures_are_named_until_the_unit_is_done(store):
    store.journal.fail(2, "a run", ValueError("too\nwarm"))
    text = report(store)
    assert "0 of 3 done, 0 running, 1 failed, 2 waiting" in text
    assert "job 2 failed: ValueError: too warm" in text
    compute(store, cl.Workers(threads=1), progress=False)
    assert "failed:" not in report(store)


def test_time_left_follows_from_the_units_that_are_done(store):
    for unit, seconds in ((0, 100.0), (1, 300.0)):
        store._group["done"][unit] = np.uint64(1)
        store.journal.tell("unit done", unit=unit, seconds=seconds)
        store.journal.count(unit, 60)
    store.journal.count(2, 15)
    assert "time left   150 s" in report(store).replace("2 min", "150 s")
    assert "time left   2 min of one core" in report(store)


def test_steps_are_counted_by_replica(store):
    store.journal.count(0, 60)
    store.journal.count(2, 30)
    now = tally(store)
    assert (now.jobs_done, now.jobs, now.steps_done, now.steps) == (1, 3, 90 * WIDTH, 180 * WIDTH)


def test_events_are_lines_of_json_and_half_a_line_is_left_out(store):
    with (store.path / "events.jsonl").open("a") as file:
        file.write('{"event": "half')
    (created,) = events(store)
    assert (created["event"], created["units"]) == ("created", 3)
    with (store.path / "events.jsonl").open("a") as file:
        file.write("\n" + json.dumps({"event": "whole"}) + "\n")
    assert [event["event"] for event in events(store)] == ["created", "whole"]


def test_the_notes_of_many_units_are_read_in_milliseconds(tmp_path):
    """Looked at several times a second while 100,000 replicas run; counted in time of the processor, of the best of some."""

    experiment = SMALL.changed(seeds=list(range(8000)))
    store = cl.Store.create(tmp_path / "store", experiment)
    assert experiment.replicas == 96_000
    tally(store)
    took = []
    for _ in range(5):
        began = time.process_time()
        now = tally(store)
        took.append(time.process_time() - began)
    assert min(took) < 0.5
    assert now.steps == 96_000 * 60
