"""The same bits as those of `train`, whatever the threads, lanes, order, stops, resumes and extensions."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import clockless as cl
from clockless.experiments.jobs import Jobs
from clockless.workers import loop as sweep
from clockless.workers.run import compute
from rigs import LIMIT
from test_experiment import DESCRIPTIONS

BOARD = {"kind": "board16"}
PLAIN = cl.Experiment(  # 24 replicas whose clock keeps no memory
    network=BOARD, task={"kind": "regression", "seed": [0, 1, 2], "train": 8, "test": 5},
    rule={"kind": "coupled-learning", "nudge": [0.1, 0.5], "rate": 0.05}, clock={"kind": "bernoulli", "p": [0.2, 1.0]},
    batch=1, steps=400, record=6, seeds=[0, 2**63 + 1],
)  # fmt: skip
REMEMBERING = cl.Experiment(  # oscillators choose edges and examples, and the device has levels
    network=BOARD, task={"kind": "regression", "seed": [0, 1, 2], "train": 8, "test": 5},
    clock={"kind": "oscillators", "bias": [0.4, 0.6], "spread": 0.1}, batch=cl.Oscillators(0.5, 0.2),
    rule={"kind": "coupled-learning", "nudge": 0.5, "rate": 0.5}, device={"kind": "levels", "count": 4000, "high": 9.0},
    steps=400, record=6, traces=True, seeds=[5, 6],
)  # fmt: skip
STUDIES = {"plain": PLAIN, "remembering": REMEMBERING}


def computed(path, experiment, width=5, **workers):
    """A store of small units, all of them computed."""
    store = cl.Store.create(path, experiment, width=width)
    ended = compute(store, cl.Workers(**(workers or {"threads": 1})), progress=False)
    assert ended.complete
    return store


@pytest.fixture(scope="module", params=STUDIES)
def reference(request, tmp_path_factory):
    """An experiment and its results, computed at one go in one unit on one thread."""
    experiment = STUDIES[request.param]
    return experiment, computed(tmp_path_factory.mktemp("reference") / "store", experiment, 64)


# --- units ----------------------------------------------------------------------------------------------------------------


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(DESCRIPTIONS, st.sampled_from([1, 2, 3, 64]))
def test_every_replica_is_in_one_unit_and_every_unit_is_of_one_kind(data, width):
    experiment = cl.Experiment.of(data)
    if experiment.replicas > 400:
        return
    work = Jobs(experiment, width)
    np.testing.assert_array_equal(np.sort(np.concatenate(work.members)), np.arange(experiment.replicas))
    assert all(1 <= len(unit) <= width for unit in work.members)
    for unit in work.members:
        points = [experiment.at(int(member)) for member in unit]
        assert all((at["network"], at["medium"]) == (points[0]["network"], points[0]["medium"]) for at in points)
        assert len({repr(kinds(at)) for at in points}) == 1


def kinds(point):
    """What decides about compiled code and array shapes, said in another way than the package says it."""
    comparator = point["device"]["comparator"]["kind"]
    batch = point["batch"]
    sort = batch["kind"] if isinstance(batch, dict) else batch if batch in ("full", 1) else "some"
    task = {name: value for name, value in point["task"].items() if name != "seed"}
    rule = point["rule"]
    return rule["kind"], rule["parameter"], point["clock"]["kind"], point["device"]["kind"], comparator, sort, task


def test_wirings_drawn_from_several_seeds_are_never_in_one_unit(tmp_path):
    """Units share a wiring; two packings of the same size have different ones."""
    experiment = PLAIN.changed(
        network={"kind": "packing", "nodes": 9, "edges": 16, "seed": [1, 2]}, steps=20, seeds=0,
        task={"kind": "regression", "train": 8, "test": 5},
    )  # fmt: skip
    data = computed(tmp_path / "store", experiment).dataset()
    for k, seed in enumerate((1, 2)):
        alone = computed(tmp_path / str(seed), experiment.changed(network={**experiment.network, "seed": seed})).dataset()
        np.testing.assert_array_equal(data.error.isel(network=k), alone.error)


# --- the same bits ------------------------------------------------------------------------------------------------------


def trained(experiment):
    """The same lists given to `cl.train`, its axes in the order of the experiment's."""
    network = cl.networks.board16()
    arguments = {"batch": experiment.batch, "device": cl.Continuous(), "clock": [cl.Bernoulli(p) for p in (0.2, 1.0)]}
    tasks = [cl.tasks.regression(network, train=8, test=5, seed=k) for k in range(3)]
    rules = [cl.CoupledLearning(nudge, 0.05) for nudge in (0.1, 0.5)]
    names = {"task": "task", "nudge": "rule", "p": "clock", "seed": "seed"}
    if experiment is REMEMBERING:
        arguments = {
            "batch": cl.Oscillators(0.5, 0.2), "device": cl.Levels(4000, 0.01, 9.0),
            "clock": [cl.Oscillators(bias, 0.1) for bias in (0.4, 0.6)],
        }  # fmt: skip
        rules = cl.CoupledLearning(0.5, 0.5)
        names = {"task": "task", "bias": "clock", "seed": "seed"}
    run = cl.train(
        cl.Resistors(network), tasks, rule=rules, steps=experiment.steps, seed=experiment.seeds, traces=experiment.traces,
        record=experiment.record_at, **arguments,
    )  # fmt: skip
    return run.data, names


def test_a_store_holds_what_train_returns_bit_for_bit(reference):
    experiment, store = reference
    data = store.dataset()
    expected, names = trained(experiment)
    for name in ("error", "initial_error", "residual", "failed", "parameters") + (("traces",) if experiment.traces else ()):
        mine = data[name]
        order = [names.get(str(dim), str(dim)) for dim in mine.dims]
        np.testing.assert_array_equal(mine.values, expected[name].transpose(*order).values, err_msg=name)
    assert bool(data.done.all())
    assert len(np.unique(data.error.isel(step=-1))) > 6, "replicas must differ, or equal bits would say little"


@pytest.mark.parametrize(("width", "threads"), [(64, 2), (128, 1), (192, 2), (3, 2), (5, 1)])
def test_threads_and_widths_do_not_change_the_bits(reference, width, threads, tmp_path):
    experiment, store = reference
    assert computed(tmp_path / "store", experiment, width, threads=threads).digest() == store.digest()


def test_units_of_several_blocks_have_the_same_bits(tmp_path):
    """150 replicas: three blocks of lanes as one unit of 192, as units of 128 and 64."""
    experiment = PLAIN.changed(seeds=list(range(75)), task={"kind": "regression", "train": 8, "test": 5}, steps=30)
    experiment = experiment.changed(rule={"kind": "coupled-learning", "nudge": 0.1, "rate": 0.05})
    stores = [computed(tmp_path / str(width), experiment, width, threads=2) for width in (64, 128, 192)]
    assert [store.job_count for store in stores] == [3, 2, 1]
    assert len({store.digest() for store in stores}) == 1


@pytest.mark.parametrize("seed", range(3))
def test_units_in_any_order_stopped_at_any_moment_have_the_same_bits(reference, seed, tmp_path):
    """Every unit is stopped after random slices of its steps, again and again, and taken up by another store object."""
    experiment, store = reference
    rng = np.random.default_rng(seed)
    cl.Store.create(tmp_path / "store", experiment, width=5)
    stops = 0
    while True:
        mine = cl.Store.open(tmp_path / "store")
        left = np.flatnonzero(mine.done() == 0)
        if not left.size:
            break
        looks = iter(range(int(rng.integers(1, 7))))
        runner = sweep.Runner(mine, stopped=lambda looks=looks: next(looks, None) is None, checkpoint_seconds=1e-9)
        outcome = runner.compute(int(rng.choice(left))).outcome
        stops += outcome == "stopped"
    assert stops > mine.job_count, "or nothing has been taken up"
    assert mine.digest() == store.digest()


@pytest.mark.parametrize(
    ("before", "record"), [("finished", 6), ("finished", [3, 70, 150]), ("unfinished", [3, 70]), ("extended twice", 6)]
)
def test_an_extended_run_has_the_bits_of_one_long_run(reference, record, before, tmp_path):
    experiment, _ = reference
    short = experiment.changed(steps=150, record=record)
    whole = computed(tmp_path / "whole", short.changed(steps=400))
    store = cl.Store.create(tmp_path / "store", short, width=6)
    if before == "finished":
        compute(store, cl.Workers(threads=1), progress=False)
    else:
        looks = iter(range(3))
        stopping = sweep.Runner(store, stopped=lambda: next(looks, None) is None, checkpoint_seconds=1e-9)
        outcomes = [sweep.Runner(store).compute(0).outcome, stopping.compute(1).outcome]
        assert outcomes == ["done", "stopped"]
    if before == "extended twice":
        store = store.extended(200)
    longer = store.extended(400)
    taken_up = taken_up_steps(longer)
    assert taken_up == {"finished": [150] * longer.job_count}.get(before, taken_up)
    assert max(taken_up) == 150
    compute(longer, cl.Workers(threads=2), progress=False)
    assert longer.digest() == whole.digest()
    assert [path.stem for path in longer.path.glob("*.zarr")] == [longer.experiment.fingerprint], "the shorter run is gone"


def taken_up_steps(store):
    """The step that every unit would go on from."""
    steps = []
    for unit in range(store.job_count):
        session, _, _ = sweep.Runner(store)._taken_up(unit, store.jobs.learner(unit))
        steps.append(session.step)
    return steps


# --- who computes what ----------------------------------------------------------------------------------------------------


def test_nothing_is_computed_twice(reference, tmp_path):
    """Two runs at once on one store share its units; a third finds nothing to do."""
    experiment, reference_store = reference
    cl.Store.create(tmp_path / "store", experiment, width=1)
    threads = [
        threading.Thread(target=compute, args=(cl.Store.open(tmp_path / "store"), cl.Workers(threads=2), False))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
    store = computed(tmp_path / "store", experiment)
    done = [event["unit"] for event in store.journal.told() if event["event"] == "unit done"]
    assert sorted(done) == list(range(experiment.replicas))
    assert store.digest() == reference_store.digest()


def test_a_claimed_unit_is_busy_until_it_is_let_go(tmp_path):
    store = cl.Store.create(tmp_path / "store", PLAIN, width=5)
    with store.journal.claim(0) as mine:
        assert mine
        assert sweep.Runner(store).compute(0).outcome == "busy"
        assert store.journal.running() == [0]
    assert store.journal.running() == []
    assert sweep.Runner(store).compute(0).outcome == "done"
    assert sweep.Runner(store).compute(0).outcome == "already done"


def test_a_lock_that_was_removed_while_it_was_waited_for_is_no_claim(tmp_path, monkeypatch):
    """Whoever opened the lock file before its holder removed it must not compute beside one who made it anew."""
    import fcntl

    store = cl.Store.create(tmp_path / "store", PLAIN, width=5)
    really = fcntl.flock

    def slow(handle, how):
        store.journal.forget_claim(0)
        really(handle, how)

    monkeypatch.setattr(fcntl, "flock", slow)
    with store.journal.claim(0) as mine:
        assert not mine
