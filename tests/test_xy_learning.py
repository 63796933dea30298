"""One replica's learning: a step by hand, bits under slicing and restoring, clocks, devices, optimisers, that it learns."""

from __future__ import annotations

import io
import pickle

import numpy as np
import pytest

import clockless as cl
from clockless import networks
from clockless.errors import NetworkError, ParameterError, TaskError
from clockless.learning.contracts import Replica
from clockless.media.phases.contrast import Samples, gradient
from clockless.media.phases.schedules import PoissonTimed, RandomSequential
from clockless.media.phases.settings import Initial, Settling
from clockless.media.phases.tasks import PhaseTask
from clockless.media.phases.xy import Parameters, Rotors, Stop
from clockless.media.resistors.reference import numbers
from clockless.networks.architectures import Architecture
from clockless.networks.network import Network
from clockless.numerics.randomness import CLOCK, PHASES, RELAXATION
from clockless.parts.clocks import Bernoulli, FixedFraction, Global, Oscillators, Poisson
from clockless.parts.comparators import Magnitudes
from clockless.parts.devices import Continuous, Levels, SignedLevels
from clockless.parts.optimisers import Adam, Descent, Momentum, Rates
from clockless.parts.rules import CoupledLearning, EquilibriumPropagation, SignRule
from clockless.parts.samplers import Epochs, drawn_examples

RULE = EquilibriumPropagation(0.1, 0.1)
SEED = 2**63 + 11


def architecture(shared=None):
    network = networks.lattice(3, 3)
    shared = np.arange(len(network.edges)) if shared is None else shared
    return Architecture(network, (0, 2), (6, 8), shared, None, np.full(int(shared.max()) + 1, 0.3), "lattice 3 x 3")


def task(examples=12):
    rng = np.random.default_rng(0)
    x, labels = rng.uniform(-1.5, 1.5, (examples, 2)), rng.integers(2, size=examples)
    y = np.where(labels[:, None] == np.arange(2), np.pi / 2, -np.pi / 2)
    half = examples // 2
    return PhaseTask(x[:half], y[:half], x[half:], y[half:], labels[:half], labels[half:], "random")


def session(**changes):
    """The learner of one replica; names of the medium's own settings go to the medium."""
    settings = {"architecture": architecture(), "task": task(), "rule": RULE, "seed": SEED, **changes}
    own = {name: settings.pop(name) for name in ("trainable", "settling", "rates") if name in settings}
    medium = cl.XY(settings.pop("architecture"), **own)
    replica = Replica(medium=medium, **{"clock": Global(), "device": Continuous(), **settings})
    return medium.learner([replica])


def parameters(learner) -> Parameters:
    return learner.replica.medium.split(learner.values)


def results(learner):
    """What is kept if the present step alone was recorded."""
    return learner.results({name: values[:, None] for name, values in learner.measure().items()})


def shown_phases(learner, x):
    return learner.replica.medium.predict(learner.values, x, task(), learner.replica.luck._replace(step=learner.step))


def xor(sites):
    edges = [(i, j) for i in range(sites) for j in range(i + 1, sites)]
    wiring = Architecture(
        Network(edges), (0, 1), (sites - 1,), np.arange(len(edges)), None, np.ones(len(edges)), "all to all"
    )
    x = np.array([[a, b] for a in (-1, 1) for b in (-1, 1)]) * np.pi / 2
    y = -np.prod(np.sign(x), axis=1, keepdims=True) * np.pi / 2
    return wiring, PhaseTask(x, y, x, y, name="xor")


PARTS = {
    "plain": {},
    "adam, bernoulli": {"optimiser": Adam(), "clock": Bernoulli(0.5), "batch": 3},
    "momentum, oscillators": {"optimiser": Momentum(0.9), "clock": Oscillators.of_rate(0.4, 0.1), "batch": Epochs(4)},
    "poisson everywhere": {"clock": Poisson(0.7), "settling": Settling(PoissonTimed()), "batch": Bernoulli(0.5)},
    "fixed fraction, levels": {"clock": FixedFraction(0.5), "device": SignedLevels(33, 1.0), "rule": SignRule(0.5)},
    "coupled, random order": {"rule": CoupledLearning(0.2, 0.1), "settling": Settling(RandomSequential())},
    "inits, unfinished": {"rule": EquilibriumPropagation(0.1, 0.1, inits=3), "settling": Settling(residual=0.1)},
    "shared": {"architecture": architecture(np.arange(12) % 5), "rule": EquilibriumPropagation(0.1, 0.1, "cosine", True)},
}


@pytest.mark.parametrize("name", PARTS)
def test_slices_and_restoring_change_no_bit(name):
    """Through an .npz file, and with a setting that went through pickle."""
    whole, sliced = session(**PARTS[name]), session(**PARTS[name])
    whole.advance(7)
    for last in (1, 2, 2, 5):
        sliced.advance(last)
        sliced.measure()
    file = io.BytesIO()
    np.savez(file, **sliced.state())
    file.seek(0)
    replica = pickle.loads(pickle.dumps(sliced.replica))
    restored = replica.medium.learner([replica])
    with np.load(file) as stored:
        restored.restore(dict(stored))
    restored.advance(7)
    for result in (lambda learner: learner.measure(), lambda learner: learner.state(), results):
        ours, theirs = result(whole), result(restored)
        assert ours.keys() == theirs.keys()
        for key in ours:
            np.testing.assert_array_equal(ours[key], theirs[key], err_msg=key)
    assert restored.step == 7
    assert not np.array_equal(parameters(whole).W, parameters(session(**PARTS[name])).W)


def test_every_array_has_one_lane():
    learner = session()
    learner.advance(2)
    measured = learner.measure()
    assert measured.pop("actions").shape == (1, 12 + 9)
    assert all(values.shape == (1,) for values in measured.values())
    kept = results(learner)
    assert kept["parameters"].shape == (1, 12 + 9 + 9)
    assert [part.shape for part in parameters(learner)] == [(12,), (9,), (9,)]
    assert not kept["failed"].any()


@pytest.mark.parametrize("optimiser", [Descent(), Adam(), Momentum()], ids=str)
def test_bernoulli_of_one_is_global(optimiser):
    one, other = session(clock=Global(), optimiser=optimiser), session(clock=Bernoulli(1.0), optimiser=optimiser)
    one.advance(4)
    other.advance(4)
    for a, b in zip(parameters(one), parameters(other), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_step_by_hand():
    """Start phases, order of relaxation, gradient and coins from the reference's random numbers."""
    rates, clock = Rates(1.0, 0.5, 2.0), Bernoulli(0.5)
    learner = session(clock=clock, rates=rates, initial=Initial(0.5, 0.3), settling=Settling(RandomSequential()))
    learner.advance(3)
    before, replica = Parameters(*(p.copy() for p in parameters(learner))), task().fingerprint
    learner.advance(4)
    free = np.setdiff1d(np.arange(9), [0, 2])
    uniform = (numbers(SEED, replica, 3, PHASES, 6 * 7) + 0.5) * 2.0**-32
    start = np.zeros((9, 6))
    start[free] = (np.pi * (2 * uniform - 1)).reshape(6, 7).T
    low, high = (int(word) for word in numbers(SEED, replica, 3, RELAXATION, 2))
    stop = Stop(RandomSequential(), 1e-6, 10_000, SEED, low + 2**32 * high)
    examples = Samples((0, 2), task().x_train.T, (6, 8), task().y_train.T)
    slope, _ = gradient(Rotors(architecture().network), before, examples, start, RULE, stop)
    acts = clock.acting(numbers(SEED, replica, 3, CLOCK, 12 + 9))
    assert 0 < acts.sum() < 21
    for kind, factor, acting in (("W", 1.0, acts[:12]), ("h", 0.5, acts[12:]), ("psi", 2.0, acts[12:])):
        expected = getattr(before, kind) - 0.1 * factor * acting * getattr(slope, kind)
        np.testing.assert_allclose(getattr(parameters(learner), kind), expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize("trainable", [("W",), ("h", "psi"), ("psi",)])
def test_frozen_kinds_stay(trainable):
    learner = session(trainable=trainable, initial=Initial(0.5, 0.3), optimiser=Adam())
    before = Parameters(*(p.copy() for p in parameters(learner)))
    learner.advance(3)
    for kind in ("W", "h", "psi"):
        same = np.array_equal(getattr(before, kind), getattr(parameters(learner), kind))
        assert same == (kind not in trainable)


@pytest.mark.parametrize("clock", [Bernoulli(0.3), FixedFraction(0.3), Poisson(0.4), Oscillators.of_rate(0.3, 0.1)], ids=str)
def test_only_units_that_act_change(clock):
    learner = session(clock=clock, optimiser=Adam(), initial=Initial(0.5, 0.3))
    steps = np.zeros(21)
    for step in range(12):
        before = learner.values.copy()
        learner.advance(step + 1)
        changed = learner.values.copy() != before
        if hasattr(clock, "memory"):
            acts = clock.acting_at(step, clock.memory(SEED, task().fingerprint, 21))
        else:
            acts = clock.acting(numbers(SEED, task().fingerprint, step, CLOCK, 21))
        assert not changed[:21][~acts].any()
        assert not changed[21:][~acts[12:]].any()
        assert changed[:12][acts[:12]].all()
        steps += acts
    np.testing.assert_array_equal(learner.state()["moments"][2][:21], steps)  # each unit counts its own steps


def test_adam_and_momentum_as_in_their_papers():
    rng = np.random.default_rng(0)
    gradients = rng.normal(size=(6, 5))
    memory, everyone, m, v, velocity = np.zeros((3, 5)), np.ones(5, dtype=bool), 0.0, 0.0, 0.0
    heavy = np.zeros((1, 5))
    for step, slope in enumerate(gradients, start=1):
        direction, memory = Adam(0.8, 0.99, 1e-6).direction(slope, memory, everyone)
        m, v = 0.8 * m + 0.2 * slope, 0.99 * v + 0.01 * slope**2
        np.testing.assert_allclose(direction, (m / (1 - 0.8**step)) / (np.sqrt(v / (1 - 0.99**step)) + 1e-6), rtol=1e-12)
        pushed, heavy = Momentum(0.7).direction(slope, heavy, everyone)
        velocity = 0.7 * velocity + slope
        np.testing.assert_allclose(pushed, velocity, rtol=1e-12)


@pytest.mark.parametrize("rule", [SignRule(0.5), EquilibriumPropagation(0.1, 1.0)], ids=str)
def test_couplings_hold_levels_only(rule):
    device = SignedLevels(17, 0.8)
    learner = session(device=device, rule=rule)
    start = parameters(learner).W.copy()
    np.testing.assert_array_equal(start, device.nearest(start))
    learner.advance(5)
    number = parameters(learner).W / 0.1
    np.testing.assert_allclose(number, np.rint(number), atol=1e-12)
    assert (np.abs(parameters(learner).W) <= 0.8).all()
    assert not np.array_equal(parameters(learner).W, start)
    assert np.array_equal(device.nearest(np.array([0.0, 5.0, -5.0])), [0.0, 0.8, -0.8])


def test_batches():
    drawn = [drawn_examples(Epochs(4), 10, 3, 5, step) for step in range(6)]
    assert [len(some) for some in drawn] == [4, 4, 2, 4, 4, 2]
    for epoch in (drawn[:3], drawn[3:]):
        np.testing.assert_array_equal(np.sort(np.concatenate(epoch)), np.arange(10))
    assert not np.array_equal(drawn[0], drawn[3])
    counts = np.zeros(10)
    for step in range(3000):
        some = drawn_examples(3, 10, 3, 5, step)
        assert len(set(some.tolist())) == 3
        counts[some] += 1
    # Binomial(3000, 0.3) each: a standard deviation of 25.
    assert np.abs(counts - 900).max() < 5 * 25.1
    np.testing.assert_array_equal(drawn_examples(10, 10, 3, 5, 0), np.arange(10))


def test_measured_values_are_those_of_a_separate_settling():
    learner = session(initial=Initial(0.5, 0.3))
    learner.advance(1)
    phases = shown_phases(learner, task().x_test)
    delta = phases - task().y_test
    measured = learner.measure()
    assert measured["error"][0] == pytest.approx(np.mean(0.5 * np.sum(1 - np.cos(delta), axis=1)))
    assert measured["accuracy"][0] == np.mean(np.argmax(np.sin(phases), axis=1) == task().labels_test)
    assert 0 < measured["residual"][0] <= 1e-6
    assert measured["unsettled"][0] == 0
    np.testing.assert_array_equal(shown_phases(learner, task().x_test[:2]), phases[:2])


def test_samples_that_do_not_settle_are_counted():
    learner = session(settling=Settling(residual=1e-12, sweeps_limit=2))
    learner.advance(3)
    measured = learner.measure()
    assert measured["unsettled"][0] == 1.0
    assert measured["residual"][0] > 1e-12
    assert measured["sweeps"][0] == 4.0  # free and nudged


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("clock", [Global(), Bernoulli(0.5)], ids=str)
def test_five_phases_learn_xor(seed, clock):
    """All-to-all N = 5 reaches a cost of about 0 in every run of arXiv 2402.08579."""
    wiring, examples = xor(5)
    rule = EquilibriumPropagation(0.1, 0.1)
    learner = session(architecture=wiring, task=examples, rule=rule, clock=clock, initial=Initial(0.5**0.5, 0.5), seed=seed)
    before = learner.measure()["error"][0]
    learner.advance(2000 if clock != Global() else 1000)
    assert learner.measure()["error"][0] < 1e-3 < before


def test_failure_is_data():
    learner = session(rule=EquilibriumPropagation(0.1, 1e300))
    with np.errstate(all="ignore"):
        learner.advance(6)
    assert results(learner)["failed"].all()
    assert not results(session())["failed"].any()


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"rule": object()}, ParameterError, "rule"),
        ({"clock": Bernoulli}, ParameterError, "clock"),
        ({"device": 3}, ParameterError, "device"),
        ({"optimiser": "adam"}, ParameterError, "optimiser"),
        ({"batch": 7}, ParameterError, "batch of 7"),
        ({"batch": 0}, ParameterError, "batch"),
        ({"batch": Epochs(100)}, ParameterError, "batch of 100"),
        ({"seed": -1}, ParameterError, "seed"),
        ({"rule": SignRule(0.5)}, ParameterError, "moves by one level"),
        ({"device": Levels(8, 0.1, 1.0, Magnitudes(0.1))}, ParameterError, "compares voltages"),
        ({"trainable": ("V",)}, ParameterError, "what can learn"),
        ({"initial": 3}, ParameterError, "initial"),
        ({"settling": 1e-6}, ParameterError, "settling"),
        ({"rates": 2.0}, ParameterError, "rates"),
        ({"task": xor(5)[1]}, TaskError, "outputs"),
        ({"task": None}, TaskError, "is not a Task"),
        ({"architecture": None}, NetworkError, "network"),
    ],
)
def test_bad_settings_get_one_sentence(changes, error, words):
    with pytest.raises(error, match=words) as caught:
        session(**changes)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "make",
    [lambda: Settling(residual=0), lambda: Settling(schedule=3), lambda: Initial(-1.0), lambda: Initial(fields=np.nan),
     lambda: Rates(W=-1), lambda: Momentum(1.0), lambda: Adam(eps=0), lambda: Epochs(0), lambda: SignedLevels(1),
     lambda: SignedLevels(3, 0.0)],
)  # fmt: skip
def test_bad_parts_get_one_sentence(make):
    with pytest.raises(ParameterError):
        make()


def test_a_state_of_another_setting_is_refused():
    with pytest.raises(ValueError, match="another replica"):
        session(optimiser=Adam()).restore(session().state())
