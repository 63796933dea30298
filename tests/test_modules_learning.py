"""Sessions of modules: methods against each other and against plain JAX, clocks, the same bits however it is run; actors."""

from __future__ import annotations

import io
import multiprocessing
import pickle

import jax
import numpy as np
import optax
import pytest

from clockless.errors import ClocklessError, ParameterError
from clockless.media.modules import actors, stacks
from clockless.media.modules.actors import Actors
from clockless.media.modules.answers import answer, counts, flat_parameters, flat_statistics, numbers_of, restored
from clockless.media.modules.data import labelled
from clockless.media.modules.layers import Hidden, Linear, Stack, cross_entropy, mlp
from clockless.media.modules.learning import Learning, Session, cosine, error_and_cost
from clockless.media.modules.methods import DNI, Backprop, DelayedGradients, LocalLoss, NoBackprop
from clockless.media.modules.optimisers import StepSize
from clockless.parts.clocks import Bernoulli, FixedFraction, Global, Oscillators, Poisson
from clockless.parts.comparators import Magnitudes
from clockless.parts.devices import Levels, SignedLevels
from clockless.parts.optimisers import Adam, Descent

METHODS = [
    Backprop(),
    NoBackprop(),
    LocalLoss(),
    DelayedGradients(1),
    DNI(),
    DNI(conditioned=False, hidden=(12,)),
    DNI(mixing=0.5),
    DNI(unlock="forward", source=(12,)),
]


def named(value):
    return str(value["optimiser"] if isinstance(value, dict) else value)


def clusters(count=96, classes=3, inputs=6, seed=0):
    """Noisy points about a centre per class."""
    rng = np.random.default_rng(seed)
    centres = 2 * rng.normal(size=(classes, inputs))
    labels = rng.integers(classes, size=count + 60)
    points = centres[labels] + rng.normal(size=(count + 60, inputs))
    return labelled(points[:count], labels[:count], points[count:], labels[count:], classes, "clusters")


TASK = clusters()
ADAM = {"optimiser": Adam(), "step_size": StepSize(1e-2)}
DESCENT = {"optimiser": Descent(), "step_size": StepSize(0.1)}  # compiles in half of Adam's time


def session(method, layers=4, **changes):
    given = {"clock": Global(), "batch": 16, "seed": 3, "precision": "float64", **DESCENT} | changes
    return Session(Learning(mlp(6, 10, layers, 3), given.pop("task", TASK), method, **given))


def run(method, steps, **changes):
    made = session(method, **changes)
    made.advance(steps)
    return made


def same(one, other):
    """All arrays of two states are equal, bit for bit."""
    assert list(one) == list(other)
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


# --- methods ---------------------------------------------------------------------------------------------


def test_backprop_is_plain_jax():
    """The whole stack as one function, jax.grad and optax.adam."""
    ours = session(Backprop(), **ADAM)
    with jax.enable_x64(True):
        parameters = [memory["module"]["parameters"] for memory in ours.memories]
        statistics = [memory["module"]["statistics"] for memory in ours.memories]

        def loss(parameters, h, labels):
            for module, own, seen in zip(ours.learning.modules, parameters, statistics, strict=True):
                h, _ = module.apply(own, seen, h, True)
            return cross_entropy(h, labels).mean()

        optimiser = optax.adam(1e-2)

        @jax.jit
        def stepped(parameters, moments, h, labels):
            change, moments = optimiser.update(jax.grad(loss)(parameters, h, labels), moments, parameters)
            return optax.apply_updates(parameters, change), moments

        moments = jax.jit(optimiser.init)(parameters)
        for step in range(20):
            parameters, moments = stepped(parameters, moments, *ours.batch(step))
    ours.advance(20)
    plain = flat_parameters([{"module": {"parameters": own}} for own in parameters])
    np.testing.assert_allclose(flat_parameters(ours.memories), plain, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("clock", "steps"), [(Global(), ADAM), (Bernoulli(0.5), DESCENT)], ids=named)
def test_full_mixing_is_backprop(clock, steps):
    mixed, plain = (run(method, 40, clock=clock, **steps) for method in (DNI(mixing=1.0), Backprop()))
    np.testing.assert_allclose(flat_parameters(mixed.memories), flat_parameters(plain.memories), rtol=1e-9, atol=1e-12)


def test_full_mixing_is_backprop_in_single_precision():
    mixed, plain = (run(m, 10, precision="float32") for m in (DNI(mixing=1.0), Backprop()))
    np.testing.assert_allclose(flat_parameters(mixed.memories), flat_parameters(plain.memories), rtol=1e-4, atol=1e-5)


def test_hardly_any_mixing_is_hardly_other_than_none():
    """Two ways through the code: there and back with a mixture, and straight on.

    Plain descent, since Adam divides by the size of a gradient: the first ones are zero in one and 1e-13 in the other.
    """
    mixed, straight = (run(DNI(mixing=mixing), 15) for mixing in (1e-13, 0.0))
    np.testing.assert_allclose(flat_parameters(mixed.memories), flat_parameters(straight.memories), rtol=1e-9, atol=1e-12)


def test_a_first_step_of_dni_moves_only_the_last_module():
    before, after = session(DNI()), run(DNI(), 1)
    changes = [
        float(np.abs(np.asarray(b["module"]["parameters"]["weight"] - a["module"]["parameters"]["weight"])).max())
        for a, b in zip(before.memories, after.memories, strict=True)
    ]
    assert changes[:-1] == [0.0, 0.0, 0.0]
    assert changes[-1] > 0


def test_only_the_last_module_learns_without_backprop():
    before, after = session(NoBackprop()), run(NoBackprop(), 30)
    assert after.measure()["updates"].tolist() == [[0, 0, 0, 30]]
    for a, b in zip(before.memories[:-1], after.memories[:-1], strict=True):
        jax.tree.map(np.testing.assert_array_equal, a["module"]["parameters"], b["module"]["parameters"])


def test_a_local_loss_knows_nothing_of_later_modules():
    short, long = run(LocalLoss(), 25, layers=3), run(LocalLoss(), 25)
    for a, b in zip(short.memories[:2], long.memories[:2], strict=True):
        jax.tree.map(np.testing.assert_array_equal, a, b)


def test_no_delay_is_backprop():
    late, plain = run(DelayedGradients(0), 40), run(Backprop(), 40)
    np.testing.assert_allclose(flat_parameters(late.memories), flat_parameters(plain.memories), rtol=1e-9, atol=1e-12)


def test_delayed_gradients_are_those_of_their_time():
    """Module i's first change is the gradient of step 0, made 3 - i steps later."""
    late = session(DelayedGradients(1))
    start = [memory["module"]["parameters"] for memory in late.memories]
    plain = run(Backprop(), 1)
    for step in range(4):
        before = late.memories
        late.advance(step + 1)
        index = 3 - step
        for i in range(index):
            jax.tree.map(np.testing.assert_array_equal, late.memories[i]["module"]["parameters"], start[i])
        for name, first in start[index].items():
            moved = late.memories[index]["module"]["parameters"][name] - before[index]["module"]["parameters"][name]
            expected = plain.memories[index]["module"]["parameters"][name] - first
            np.testing.assert_allclose(moved, expected, atol=1e-14)
    assert late.measure()["updates"].tolist() == [[1, 2, 3, 4]]


def test_synthetic_inputs_see_no_label_and_carry_over_to_true_ones():
    freed = session(METHODS[-1])
    assert [unit.source is not None for unit in freed.units] == [False, True, True, True]
    assert all(unit.source.classes == 0 for unit in freed.units[1:])
    freed.advance(300)
    assert freed.measure()["error"][0] < 0.1


def test_running_statistics_are_those_of_true_inputs():
    """Whatever a module learns from, a test gives it true inputs; one step from mean 0 and variance 1, in NumPy."""
    freed = session(METHODS[-1])
    start = [{k: np.asarray(v) for k, v in memory["module"]["parameters"].items()} for memory in freed.memories]
    h, _ = freed.batch(0)
    freed.advance(1)
    for own, memory in zip(start[:-1], freed.memories, strict=False):
        z = h @ own["weight"]
        np.testing.assert_allclose(memory["module"]["statistics"]["mean"], 0.1 * z.mean(axis=0), rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(memory["module"]["statistics"]["variance"], 0.9 + 0.1 * z.var(axis=0, ddof=1), rtol=1e-10)
        h = np.maximum(own["scale"] * (z - z.mean(axis=0)) / np.sqrt(z.var(axis=0) + 1e-5) + own["shift"], 0)


@pytest.mark.parametrize("method", METHODS, ids=named)
def test_every_method_learns(method):
    before, after = session(method), run(method, 300)
    assert after.measure()["cost"][0] < 0.3 * before.measure()["cost"][0]
    assert after.measure()["error"][0] < 0.1


def test_synthetic_gradients_come_to_point_with_the_true_ones():
    learned = [run(DNI(), 400, step_size=StepSize(0.05), seed=seed).alignment() for seed in range(4)]
    assert np.isnan(session(DNI()).alignment()).all()
    assert (np.mean(learned, axis=0) > 0.2).all()
    assert cosine([1.0, 1.0], [2.0, 0.0]) == pytest.approx(np.sqrt(0.5))


# --- clocks ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS, ids=named)
def test_full_rate_is_the_synchronous_clock(method):
    synchronous = run(method, 30).state()
    for clock in (Bernoulli(1.0), FixedFraction(1.0)):
        same(run(method, 30, clock=clock).state(), synchronous)


def test_poisson_is_bernoulli():
    clock = Poisson(0.7)
    same(run(DNI(), 40, clock=clock).state(), run(DNI(), 40, clock=Bernoulli(clock.rate(4))).state())


@pytest.mark.parametrize("method", [Backprop(), DNI(), LocalLoss(), DelayedGradients(1)], ids=named)
def test_modules_that_are_not_called_stay_as_they_are(method):
    learner = session(method, clock=FixedFraction(0.5))
    total = np.zeros(4)
    for step in range(20):
        before, count = learner.memories, learner.measure()["updates"][0]
        learner.advance(step + 1)
        acted = learner.measure()["updates"][0] - count
        total += acted
        assert acted.sum() == 2 or (step < 3 and isinstance(method, DelayedGradients))
        for i in np.flatnonzero(acted == 0):
            own = before[i]["module"]["parameters"], learner.memories[i]["module"]["parameters"]
            jax.tree.map(np.testing.assert_array_equal, *own)
        for i in np.flatnonzero(acted):
            old, new = (m[i]["module"]["parameters"]["weight"] for m in (before, learner.memories))
            assert np.any(np.asarray(old) != np.asarray(new)) or step == 0 or isinstance(method, DNI)
    assert (total > 0).all()


def test_the_mean_number_of_updates_is_that_of_the_clock():
    learner = run(DNI(), 600, clock=Bernoulli(0.2))
    expected, spread = 600 * 0.2, np.sqrt(600 * 0.2 * 0.8)
    assert (np.abs(learner.measure()["updates"] - expected) < 4 * spread).all()


# --- the same bits ---------------------------------------------------------------------------------------


IN_SLICES = [
    *((method, clock, DESCENT) for method in METHODS for clock in (Global(), Bernoulli(0.4), Oscillators.of_rate(0.5, 0.1))),
    (DNI(mixing=1.0), Global(), ADAM),  # whose moments, of modules and interfaces, are part of the state
]


@pytest.mark.parametrize(("method", "clock", "steps"), IN_SLICES, ids=named)
def test_slices_and_restored_sessions_have_the_same_bits(method, clock, steps):
    whole = run(method, 23, clock=clock, **steps)
    sliced = session(method, clock=clock, **steps)
    for last in (1, 2, 9):
        sliced.advance(last)
    file = io.BytesIO()
    np.savez(file, **sliced.state())
    file.seek(0)
    resumed = session(method, clock=clock, **steps)
    resumed.advance(4)  # to be overwritten
    with np.load(file) as state:
        resumed.restore(dict(state))
    assert resumed.step == 9
    for other in (sliced, resumed):
        other.advance(15)
        other.advance(23)
        same(other.state(), whole.state())
        np.testing.assert_array_equal(other.results()["parameters"], whole.results()["parameters"])


IN_PIECES = [(method, "float64") for method in (Backprop(), DNI(), DNI(mixing=0.5), LocalLoss(), NoBackprop())]


@pytest.mark.parametrize(("method", "precision"), [*IN_PIECES, (DNI(mixing=0.5), "float32")], ids=named)
def test_a_step_in_one_piece_and_one_in_parts_agree(method, precision):
    """What all do in one compiled piece, and the same with a call per module; plain descent magnifies no rounding."""
    whole = run(method, 10, precision=precision)
    parts = session(method, precision=precision)
    with parts.learning.computing():
        for step in range(10):
            acts = stacks.learners(method, np.ones(4, dtype=bool))
            parts.memories = stacks.step(parts.units, method, parts.memories, parts.batch(step), acts, 0.1)
    tolerance = 1e-12 if precision == "float64" else 1e-5
    one, other = flat_parameters(whole.memories), flat_parameters(parts.memories)
    np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


def test_an_epoch_visits_each_example_at_most_once():
    draws = session(Backprop()).learning.draws()
    for epoch in range(3):
        seen = np.concatenate([draws.examples(step) for step in range(6 * epoch, 6 * epoch + 6)])
        assert sorted(seen) == list(range(96))
    assert not np.array_equal(draws.examples(0), draws.examples(6))


def test_seeds_differ_and_seeds_repeat():
    same(run(DNI(), 5).state(), run(DNI(), 5).state())
    assert not np.array_equal(run(DNI(), 5).results()["parameters"], run(DNI(), 5, seed=4).results()["parameters"])


def test_what_is_measured():
    learner = run(Backprop(), 20)
    h = TASK.x_test
    for memory in learner.memories:
        own, seen = ({k: np.asarray(v) for k, v in memory["module"][n].items()} for n in ("parameters", "statistics"))
        h = h @ own["weight"]
        if "mean" in seen:
            h = np.maximum(own["scale"] * (h - seen["mean"]) / np.sqrt(seen["variance"] + 1e-5) + own["shift"], 0)
        else:
            h = h + own["bias"]
    measured = learner.measure()
    assert measured["error"][0] == np.mean(h.argmax(axis=1) != TASK.labels_test)
    logs = h - np.log(np.exp(h).sum(axis=1, keepdims=True))
    assert measured["cost"][0] == pytest.approx(-logs[np.arange(len(h)), TASK.labels_test].mean(), rel=1e-10)
    results = learner.results()
    assert results["failed"].tolist() == [False]
    assert results["parameters"].shape == (1, 6 * 10 + 2 * 10 * 10 + 3 * 2 * 10 + 10 * 3 + 3)


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_weights_are_held_at_levels(precision):
    """Matrices at multiples of the level, the dead zone lost, all else as without; the device's own rule says where."""
    device = SignedLevels(33, 1.0)
    fast = {"precision": precision, "step_size": StepSize(0.5)}
    learner, level = session(Backprop(), device=device, **fast), device.level
    exact = session(Backprop(), precision=precision)
    moved, lost, tolerance = 0, 0, 1e-6 if precision == "float32" else 1e-12
    for memory, other in zip(learner.memories, exact.memories, strict=True):
        first = np.asarray(other["module"]["parameters"]["weight"], dtype=np.float64)
        np.testing.assert_array_equal(memory["module"]["parameters"]["weight"], device.nearest(first))
    for step in range(8):
        before = [{k: np.asarray(v) for k, v in m["module"]["parameters"].items()} for m in learner.memories]
        free = session(Backprop(), **fast)
        free.restore(learner.state())  # the same place without the device
        free.advance(step + 1)
        learner.advance(step + 1)
        for own, memory, loose in zip(before, learner.memories, free.memories, strict=True):
            after, want = (m["module"]["parameters"] for m in (memory, loose))
            change = np.asarray(want["weight"], dtype=np.float64) - own["weight"]
            far = np.abs(np.abs(change / level) % 1 - 0.5) > 1e-3  # where rounding of the change decides nothing
            expected = device.written(np.asarray(own["weight"], dtype=np.float64), change, -np.inf, np.inf)
            np.testing.assert_array_equal(np.asarray(after["weight"])[far], expected[far])
            for name in own.keys() - {"weight"}:
                np.testing.assert_allclose(after[name], want[name], rtol=tolerance, atol=tolerance)
            moved += np.sum(expected != own["weight"])
            lost += np.sum((expected == own["weight"]) & (change != 0))
    assert moved > 10
    assert lost > 100


def test_answers_follow_from_what_is_kept():
    """Parameters and statistics in a row give the logits of the stack itself, whatever the precision."""
    for method, precision in ((Backprop(), "float32"), (DNI(), "float64")):
        learner = run(method, 20, precision=precision)
        parameters, statistics = flat_parameters(learner.memories), flat_statistics(learner.memories)
        assert statistics.shape == (2 * 3 * 10,)
        modules = learner.learning.modules
        assert counts(modules) == (parameters.size, statistics.size)
        with learner.learning.computing():
            kept = restored(modules, parameters, statistics, precision)
            x = TASK.x_test.astype(precision)
            logits = answer(modules, kept, x)
            np.testing.assert_array_equal(logits, answer(modules, numbers_of(learner.memories), x))
        assert np.mean(np.argmax(logits, axis=1) != TASK.labels_test) == learner.measure()["error"][0]


def test_numbers_that_are_not_finite_are_marked():
    assert run(Backprop(), 30, step_size=StepSize(1e300)).results()["failed"].tolist() == [True]


def test_a_state_of_another_stack_is_refused():
    with pytest.raises(ParameterError, match="saved by another stack or method"):
        session(DNI()).restore(run(Backprop(), 2).state())


# --- actors ----------------------------------------------------------------------------------------------


def drive(driven):
    """Every actor in turn, with messages that arrive at once, until none can act."""
    boxes = {f"{actor.name}.{mailbox}": [] for actor in driven for mailbox in actor.receives}
    while True:
        moved = False
        for actor in driven:
            waiting = {mailbox: len(boxes[f"{actor.name}.{mailbox}"]) for mailbox in actor.receives}
            if actor.ready(waiting):
                inbox = {m: boxes[f"{actor.name}.{m}"].pop(0) if n else None for m, n in waiting.items()}
                for name, message in actor.act(inbox).items():
                    spec = next(a.receives[m] for a in driven for m in a.receives if f"{a.name}.{m}" == actor.sends[name])
                    boxes[actor.sends[name]].append(spec.checked(message, name))
                moved = True
        if not moved:
            return driven


def described(method, steps=20, **changes):
    return Actors(session(method).learning, steps, **changes)


IN_ORDER = [  # each clock in each precision, twice; single precision is compiled for these alone, so not for what is large
    (DNI(), Global(), "float64", DESCENT), (DNI(), Bernoulli(0.4), "float32", DESCENT),
    (DNI(False, (12,)), Bernoulli(0.4), "float64", DESCENT), (LocalLoss(), Global(), "float64", DESCENT),
    (LocalLoss(), Bernoulli(0.4), "float64", DESCENT), (NoBackprop(), Bernoulli(0.4), "float32", ADAM),
    (Backprop(), Global(), "float32", DESCENT), (NoBackprop(), Global(), "float32", ADAM),
]  # fmt: skip


@pytest.mark.parametrize(("method", "clock", "precision", "steps"), IN_ORDER, ids=named)
def test_actors_in_order_are_the_plain_loop(method, clock, precision, steps):
    learning = session(method, clock=clock, precision=precision, **steps).learning
    description = pickle.loads(pickle.dumps(Actors(learning, 20)))
    driven = drive([actors.build(description, i) for i in range(4)])
    plain = Session(description.learning)
    plain.advance(20)
    for actor, memory in zip(driven, plain.memories, strict=True):
        jax.tree.map(np.testing.assert_array_equal, actor.memory, memory)
    snapshots = {actor.name: actor.snapshot() for actor in driven}
    assert all(snapshot["kept"].size == 0 for snapshot in snapshots.values())  # every gradient that was expected came
    again = actors.memories(description, snapshots)
    assert error_and_cost(description.learning, again) == error_and_cost(description.learning, plain.memories)
    assert [actor.measure()["updates"] for actor in driven] == plain.measure()["updates"][0].tolist()


@pytest.mark.parametrize("method", [DNI(), Backprop()], ids=named)
def test_an_actor_brought_back_goes_on_with_the_same_bits(method):
    """Modules 0 and 1 of four, replaced in the middle of everything by ones built anew from their snapshots."""
    description = described(method, 12)
    whole = drive([actors.build(description, i) for i in range(4)])
    early = Actors(description.learning, 5)
    driven = drive([actors.build(early, i) for i in range(4)])
    reborn = []
    for i, actor in enumerate(driven):
        new = actors.build(description, i)
        new.restore(actor.snapshot())
        reborn.append(new)
    drive(reborn)
    for one, other in zip(whole, reborn, strict=True):
        jax.tree.map(np.testing.assert_array_equal, one.memory, other.memory)


def test_a_snapshot_holds_what_the_next_event_needs():
    """Between a batch and its gradient, the output that the gradient belongs to; for backprop, the way back."""
    for method in (DNI(), Backprop()):
        description = described(method, 3)
        first, second = (actors.build(description, i) for i in (0, 1))
        out = first.act({"delta": None})["h"]
        second.act({"h": out, "delta": None})
        copy = actors.build(description, 1)
        copy.restore(second.snapshot())
        delta = {"delta": np.random.default_rng(0).normal(size=(16, 10)), "step": np.array([0])}
        for actor in (second, copy):
            actor.act({"h": None, "delta": dict(delta)})
        assert second.measure()["missed"] == 0
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12), second.memory, copy.memory)


def test_backprop_waits_and_dni_does_not():
    locked, free = actors.build(described(Backprop()), 0), actors.build(described(DNI()), 0)
    for actor in (locked, free):
        assert actor.ready({"delta": 0})
        actor.act({"delta": None})
    assert not locked.ready({"delta": 0})
    assert free.ready({"delta": 0})
    for _ in range(30):
        free.act({"delta": None})
    assert not free.ready({"delta": 0})  # its 20 batches are drawn
    assert free.measure()["step"] == 20


def test_lessons_that_come_too_late_are_counted():
    actor = actors.build(described(DNI(), capacity=1), 0)
    for _ in range(10):
        actor.act({"delta": None})
    before = actor.snapshot()
    actor.act({"delta": {"delta": np.ones((16, 10)), "step": np.array([0])}})
    assert actor.measure()["missed"] == 1
    after = actor.snapshot()
    critic = [name for name in before if name.startswith("memory/critic")]
    same({name: before[name] for name in critic}, {name: after[name] for name in critic})
    assert len(critic) >= 3


def _in_a_new_process(description, index, pipe):
    pipe.send(actors.build(description, index).snapshot())


def test_an_actor_is_built_in_a_spawned_process():
    description = described(DNI())
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_in_a_new_process, args=(description, 2, theirs), daemon=True)
    process.start()
    try:
        assert ours.poll(90)
        same(ours.recv(), actors.build(description, 2).snapshot())
    finally:
        process.join(10)
        if process.is_alive():
            process.kill()
            process.join()


# --- bad input -------------------------------------------------------------------------------------------


def learning(**changes):
    given = {"modules": mlp(6, 10, 3, 3), "task": TASK, "method": DNI()} | changes
    return Learning(**given)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: learning(modules=(Hidden(6, 5), Linear(4, 3))), "module 0 gives 5 numbers but module 1 takes 4"),
        (lambda: learning(modules=mlp(5, 4, 2, 3)), "examples have 6 inputs but the first module takes 5"),
        (lambda: learning(modules=mlp(6, 4, 2, 4)), "3 classes but the last module gives 4"),
        (lambda: learning(task=3), "task = 3"),
        (lambda: learning(task="faces"), "no examples called 'faces'"),
        (lambda: learning(method="magic"), "method = 'magic' is not one"),
        (lambda: learning(clock=Bernoulli(1.5)), "0 < p <= 1"),
        (lambda: learning(clock=Bernoulli), "is not a clock"),
        (lambda: learning(clock=FixedFraction(0.1)), "rounds to none"),
        (lambda: learning(batch=97), "96 training examples"),
        (lambda: learning(batch=1), "batch = 1"),
        (lambda: learning(optimiser="adam"), "optimiser = 'adam'"),
        (lambda: learning(optimiser=Adam), "is nothing for modules; give Descent(), Momentum(0.9) or Adam()"),
        (lambda: learning(device=Levels(8, 1.0, 2.0)), "weights have either sign"),
        (lambda: learning(device=SignedLevels(9, 1.0, Magnitudes(0.1))), "compares voltages"),
        (lambda: learning(seed=2**64), "seed = "),
        (lambda: learning(precision="float16"), "precision = 'float16'"),
        (lambda: Actors(learning(method=DelayedGradients(1)), 5), "has no actors"),
        (lambda: Actors(learning(method=DNI(mixing=0.5)), 5), "has no actors"),
        (lambda: Actors(learning(method=Backprop()), 5, policy="latest"), "give 'block'"),
        (lambda: Actors(learning(), 5, capacity=0), "capacity = 0"),
        (lambda: actors.build(Actors(learning(), 5), 3), "no module 3"),
    ],
)
def test_bad_input_gets_one_sentence(make, says):
    with pytest.raises(ClocklessError) as caught:
        make()
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_layers_within_a_module_learn_as_one():
    """Backprop does not ask where the modules end."""
    layers = mlp(6, 10, 4, 3)
    cut = (Stack(layers[:2]), Stack(layers[2:]))
    made = [Session(Learning(m, TASK, Backprop(), batch=16, precision="float64")) for m in (layers, cut)]
    start = made[0].memories
    with made[1].learning.computing():
        for i, memory in enumerate(made[1].memories):
            memory["module"]["parameters"] = tuple(m["module"]["parameters"] for m in start[2 * i : 2 * i + 2])
    for one in made:
        one.advance(15)
    np.testing.assert_allclose(flat_parameters(made[1].memories), flat_parameters(made[0].memories), rtol=1e-9, atol=1e-12)
