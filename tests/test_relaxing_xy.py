"""Phases that take time: the readable simulation, closed forms, Boltzmann's weights, orders, the settled limit."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import i0, i1

import clockless as cl
from clockless.errors import ClocklessError
from clockless.learning.contracts import Replica
from clockless.media.phases.relaxing.reference import Simulation, flowing
from clockless.media.phases.relaxing.session import RelaxingSession
from clockless.media.phases.settings import Settling

pytestmark = pytest.mark.timeout(600)  # the first run of a combination compiles
SLOW = pytest.mark.slow  # each combination of parts compiles for some seconds

SQUARE = cl.architectures.square(3, 3, [0, 6], [5])
LUCK = np.random.default_rng(0)
TASK = cl.tasks.from_arrays(LUCK.uniform(-1, 1, (3, 2)), LUCK.uniform(-1, 1, (3, 1)), network=SQUARE)
NUDGED, CLAMPED = cl.EquilibriumPropagation(0.3, 0.1, cost="cosine"), cl.CoupledLearning(0.3, 0.1)
FIXED = {"time_step": 0.02, "tolerance": 10.0}  # steps that do not follow from their error, which is rounding here


def one(x, y):
    """A task of one example."""
    return cl.Task(x_train=[x], y_train=[y], x_test=[x], y_test=[y])


def session(
    rule=NUDGED, clock=None, medium=None, task=TASK, batch=None, log=0, seed=3, device=None, initial=None, **physics
):
    medium = medium or cl.RelaxingXY(SQUARE, **physics)
    nouns = (rule, clock or cl.PoissonEvents(0.5), device or cl.Continuous())
    replica = Replica(medium, task, *nouns, batch=batch or cl.Shown(1.5), seed=seed, initial=initial)
    medium.check(replica)
    return RelaxingSession(medium, medium._checked(replica), log)


def bond(**physics):
    """Two sites and one coupling of 1; the first is held at 0, the second is the output, wanted at 0 as well."""
    pair = cl.architectures.wiring([(0, 1)], [0], [1])
    task = one([0.0], [0.0])
    medium = cl.RelaxingXY(pair, **physics)
    return medium, task, medium.parameters(1.0, 0.0, 0.0)


# --- the readable simulation --------------------------------------------------------------------------------------------

CASES = [
    pytest.param(NUDGED, cl.PoissonEvents(0.5), FIXED, None, id="poisson"),
    pytest.param(cl.EquilibriumPropagation(0.3, 0.1), cl.PoissonEvents(0.5), {"tolerance": 1e-10, "friction": 0.3}, None,
                 id="logarithmic cost"),
    pytest.param(CLAMPED, cl.Ticks(0.5, 0.3), {"temperature": 0.1}, None, id="clamped, warm"),
    pytest.param(NUDGED, cl.SelfTriggered(0.02, 0.3), FIXED, None, id="self-triggered"),
    pytest.param(CLAMPED, cl.SelfTriggered(0.02, 0.3, 0.1), {"temperature": 0.1}, None, marks=SLOW, id="watching, warm"),
    pytest.param(NUDGED, cl.Avalanches(0.3, 0.1, 0.05), FIXED, None, marks=SLOW, id="avalanches"),
    pytest.param(cl.SignRule(0.3), cl.Ticks(0.5, 0.3), FIXED, cl.SignedLevels(401, 2.0), id="signed levels"),
    pytest.param(NUDGED, cl.PoissonEvents(0.5), FIXED, cl.Worn(0.2, 0.01, 0.0, 0.1), marks=SLOW, id="worn"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "clock", "physics", "device"), CASES)
def test_every_event_is_that_of_the_readable_simulation(rule, clock, physics, device):
    mine, last = session(rule, clock, log=2_000, device=device, **physics), 2.0
    first, example = mine.moving.phase.copy(), int(mine.state.counts.example[0])
    mine.advance(last)
    said, here = Simulation(mine.xy, mine.replica, first, example).run(last), mine.logged()
    assert len(here.time) > 10
    np.testing.assert_array_equal(here.edge, said.unit)
    np.testing.assert_allclose(here.time, said.time, rtol=1e-7)
    np.testing.assert_allclose(mine.learned(), said.values, rtol=0, atol=1e-7)
    np.testing.assert_allclose(mine.moving.phase, said.phases, rtol=0, atol=1e-7)
    assert np.abs(mine.learned() - mine.xy.first(mine.replica)).max() > 1e-2


def test_shared_couplings_sum_their_edges():
    """A window whose couplings many edges share: the same events and values as the readable simulation."""
    shared = cl.windows.local((3, 3), 2, 1, 1, 2, sharing=True)
    luck = np.random.default_rng(1)
    task = cl.tasks.from_arrays(luck.uniform(-1, 1, (2, 9)), luck.uniform(-1, 1, (2, 2)), network=shared)
    mine = session(NUDGED, cl.PoissonEvents(0.5), cl.RelaxingXY(shared, **FIXED), task)
    assert mine.xy.couplings < len(shared.network.edges)
    first, example = mine.moving.phase.copy(), int(mine.state.counts.example[0])
    mine.advance(4.0)
    said = Simulation(mine.xy, mine.replica, first, example).run(4.0)
    np.testing.assert_allclose(mine.learned(), said.values, rtol=0, atol=1e-11)


# --- closed forms and orders --------------------------------------------------------------------------------------------


def test_a_bond_relaxes_as_a_pendulum_without_mass():
    """gamma dphi/dt = -J sin phi: tan(phi / 2) falls as exp(-J t / gamma)."""
    medium, _, parameters = bond(friction=2.5)
    times = np.array([0.0, 0.3, 2.0, 10.0])
    found = medium.follow(parameters, {0: 0.0}, [0.0, 2.0], times)
    np.testing.assert_allclose(found[:, 1], 2 * np.arctan(np.tan(1.0) * np.exp(-times / 2.5)), rtol=1e-8)


def follow(physics, last, seed=3):
    """The free twin's phases at a time, with parameters that hardly change, and what an independent solver says."""
    rule = cl.EquilibriumPropagation(0.3, 1e-12, cost="cosine")
    mine = session(rule, cl.PoissonEvents(1e-6), batch=cl.Shown(1e6), seed=seed, **physics)
    start = mine.moving.phase.copy()
    start[~mine.wires.held] += np.random.default_rng(4).normal(size=(7, 1))
    mine.moving.phase[...] = start
    exact = flowing(mine.xy, mine.xy.split(mine.learned()), [0, 6], start[:, 0], np.array([last]))[0]
    return mine.phases(last)[:, 0], exact


def test_cold_phases_converge_with_the_third_order():
    errors = [np.abs(np.subtract(*follow({"time_step": h, "tolerance": 10.0}, 1.2))).max() for h in (0.04, 0.02, 0.01)]
    assert errors[0] < 1e-3
    np.testing.assert_allclose(np.log2(np.divide(errors[:-1], errors[1:])), 3, atol=0.25)


def test_errors_stay_near_the_tolerance():
    for tolerance in (1e-5, 1e-8):
        found, exact = follow({"tolerance": tolerance}, 3.0)
        assert np.abs(found - exact).max() < 30 * tolerance


def moments(medium, task, initial, samples, apart, seed=0):
    """Phases [sample, site] of the free twin, every so many seconds."""
    rule = cl.EquilibriumPropagation(0.3, 1e-300, cost="cosine")
    mine = session(rule, cl.PoissonEvents(1e-9), medium, task, initial=initial, batch="full", seed=seed)
    found = []
    for sample in range(1, samples + 1):
        mine.advance(apart * sample)
        found.append(mine.moving.phase[:, 0].copy())
    return np.array(found)


@pytest.mark.parametrize("temperature", [0.3, 2.0])
def test_a_warm_bond_has_boltzmanns_weights(temperature):
    """<cos phi> = I1(J/T) / I0(J/T), and <cos 2 phi> = 1 - 2 (T/J) <cos phi>, whatever the friction."""
    for friction in (0.5, 2.0):
        medium, task, parameters = bond(temperature=temperature, friction=friction)
        cosine = np.cos(moments(medium, task, parameters, 4_000, 3 * friction)[:, 1])
        mean = i1(1 / temperature) / i0(1 / temperature)
        spread = np.std(cosine) * np.sqrt(1.3 / len(cosine))  # samples are a few times of relaxation apart
        assert abs(cosine.mean() - mean) < 4 * spread
        assert abs(np.mean(2 * cosine**2 - 1) - (1 - 2 * temperature * mean)) < 4 * np.std(2 * cosine**2) * spread / np.std(
            cosine
        )


def test_a_free_phase_diffuses():
    """Without couplings <phi^2> = 2 (T / gamma) t: temperature, friction and time have the exponent 1."""
    for temperature, friction, last in ((0.1, 1.0, 8), (0.4, 1.0, 8), (0.1, 4.0, 8), (0.1, 1.0, 32)):
        squares = []
        for seed in range(100):
            medium, task, _ = bond(temperature=temperature, friction=friction)
            begun = medium.parameters(1e-12, 0.0, 0.0)
            rule = cl.EquilibriumPropagation(1e-300, 1e-300, cost="cosine")
            mine = session(rule, cl.PoissonEvents(1e-9), medium, task, initial=begun, batch="full", seed=seed)
            start = mine.moving.phase[1].copy()
            mine.moving.weight[:] = 0.0
            mine.advance(last)
            squares.append((mine.moving.phase[1] - start) ** 2)
        wanted = 2 * temperature / friction * last
        assert np.mean(squares) == pytest.approx(wanted, abs=4 * wanted * np.sqrt(2 / np.size(squares)))


def test_warm_phases_converge_with_the_second_order():
    """The variance of a stiff bond against Heun's own, which errs by (J h / gamma)^2 / 4: exactly what a linear mode gives.

    z = J h: the mode is multiplied by 1 - z + z^2 / 2 and hears noise times 1 - z / 2, so its variance over T / J is
    2 z (1 - z / 2)^2 / (1 - (1 - z + z^2 / 2)^2) = 1 - z^2 / 4 + ..
    """
    samples = 30_000
    for z in (0.42, 0.21):
        medium, task, parameters = bond(temperature=1e-6, time_step=z)
        found = moments(medium, task, parameters, samples, 8 * z)[:, 1]
        heun = 2 * z * (1 - z / 2) ** 2 / (1 - (1 - z + z**2 / 2) ** 2)
        assert np.mean(found**2) / 1e-6 == pytest.approx(heun, abs=3.5 * np.sqrt(2 / samples))
        assert heun == pytest.approx(1 - z**2 / 4, abs=z**3 / 3)


# --- limits -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", [cl.EquilibriumPropagation(0.1, 0.05, cost="cosine"), cl.CoupledLearning(0.2, 0.05)])
def test_fast_relaxation_learns_what_steps_learn(rule):
    """Ticks rare against relaxation: every tick is a step of `XY` from the state before, to what is left of relaxation."""
    task = one([0.4, -0.6], [0.9])
    initial = cl.XY(SQUARE).parameters(1.0, 0.3, 0.1)
    settling = Settling(residual=1e-10, test_residual=1e-10)
    nouns = {"rule": rule, "initial": initial, "seed": 1, "record": [20]}
    steps = cl.train(cl.XY(SQUARE, settling=settling), task, clock=cl.Global(), steps=20, **nouns)
    away = []
    for friction in (0.1, 0.05):
        medium = cl.RelaxingXY(SQUARE, friction=friction, tolerance=1e-9)
        ticks = cl.train(medium, task, clock=cl.Ticks(0.999), steps=20, **nouns)
        assert (ticks.actions == 20).all()
        away.append(np.abs(ticks.data.parameters.values - steps.data.parameters.values).max())
        np.testing.assert_allclose(ticks.data.settled_cost.isel(step=-1), steps.error.isel(step=-1), rtol=1e-2)
    assert np.abs(steps.data.parameters.values - np.concatenate(initial)).max() > 0.1
    assert away[1] < 1e-5
    assert away[0] < 1e-2


def test_slices_lanes_and_resuming_change_no_bit(tmp_path):
    nouns = {"rule": NUDGED, "batch": cl.Shown(0.7), "clock": [cl.SelfTriggered(0.03), cl.SelfTriggered(0.02, 0.1, 0.05)]}
    for physics in ({"temperature": 0.1}, {"friction": 0.7}):
        medium = cl.RelaxingXY(SQUARE, **physics)
        whole = cl.train(medium, TASK, steps=8, seed=[1, 2], record=[8], **nouns)
        sliced = cl.train(medium, TASK, steps=8, seed=[1, 2], record=list(range(9)), lanes=32, threads=1, **nouns)
        longer = cl.train(medium, TASK, steps=3, seed=[1, 2], record=[3], **nouns).extended(5)
        stored = cl.train(medium, TASK, steps=8, seed=[1, 2], record=4, store=tmp_path / str(*physics), **nouns)
        for other in (sliced, longer, stored):
            for name in ("parameters", "actions", "intervals"):
                np.testing.assert_array_equal(whole.data[name], other.data[name])
            for name in ("error", "lag", "train_cost", "settled_cost"):
                np.testing.assert_array_equal(whole.data[name].isel(step=-1), other.data[name].isel(step=-1))
        assert (whole.actions.sum("unit") > 50).all()


# --- bad input ----------------------------------------------------------------------------------------------------------

ONE = one([0.4, -0.6], [0.9])
WRONG = [
    (lambda: cl.RelaxingXY(SQUARE, friction=0), "friction = 0; give the friction of a phase"),
    (lambda: cl.RelaxingXY(SQUARE, temperature=-1), "temperature = -1; give k_B T in the unit of W, from 0"),
    (lambda: cl.RelaxingXY(SQUARE, tolerance=np.nan), "tolerance = nan; give the error of a step in radians"),
    (lambda: cl.RelaxingXY(SQUARE, time_step=0), "time_step = 0; give seconds above 0, or None"),
    (lambda: session(time_step=5.0), "time_step = 5 s does not resolve the fastest mode, which relaxes in"),
    (lambda: session(batch="full"), "relaxing phases see one example at a time; give Shown"),
    (lambda: session(batch=3), "in continuous time an example is held for a while"),
    (lambda: session(clock=cl.Global()), r"does not say when .* acts, .* or medium=XY\(network\) for steps"),
    (lambda: session(cl.EquilibriumPropagation(0.1, 0.3, centred=True)), "nudges both ways"),
    (lambda: session(cl.EquilibriumPropagation(0.1, 0.3, inits=4)), "averages over 4 starts"),
    (lambda: session(cl.EquilibriumPropagation(0.1, 0.3), temperature=0.1), "heat takes phases to the antipode"),
    (lambda: session(clock=cl.SelfTriggered(1e9, leak=1.0)), "never fires: no edge is due at the start"),
    (lambda: session(device=cl.Levels()), "couplings of phases have either sign"),
    (lambda: bond()[0].follow(bond()[2], {0: 0.0}, [0.0, 0.0], [-1.0]), "give seconds from 0 on"),
    (lambda: bond(temperature=1.0)[0].follow(bond()[2], {0: 0.0}, [0.0, 0.0], [1.0]), "`follow` has no noise"),
    (lambda: cl.train(cl.XY(SQUARE), ONE, rule=NUDGED, clock=cl.Ticks(1.0), steps=1), "give medium=RelaxingXY"),
]


@pytest.mark.parametrize(("wrong", "sentence"), [pytest.param(*each, id=each[1][:30]) for each in WRONG])
def test_bad_input_gets_a_sentence(wrong, sentence):
    with pytest.raises(ClocklessError, match=sentence):
        wrong()


def test_a_description_means_the_same_medium():
    """What a store writes of it makes it again, on a wiring."""
    medium = cl.RelaxingXY(SQUARE, friction=0.3, temperature=0.2, tolerance=1e-5, trainable="W")
    words = medium.described()
    kind = words.pop("kind")
    assert kind == "relaxing-xy"
    from clockless.experiments.catalogue import kind_of

    again = kind_of("medium", kind, "medium").call(**words).on(SQUARE)
    assert again.described() == {"kind": kind, **words}
    assert (again.friction, again.temperature, again.trainable) == (0.3, 0.2, ("W",))
