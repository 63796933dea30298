"""Networks that are still relaxing: closed forms, the readable simulation, ngspice, the settled limit, noise."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

import clockless as cl
from clockless.errors import ParameterError
from clockless.learning.contracts import Replica
from clockless.media.resistors.in_time.checks import checked
from clockless.media.resistors.relaxing.reference import Simulation
from clockless.media.resistors.relaxing.session import RelaxingSession
from clockless.spice.ngspice import transient
from clockless.spice.writing import netlist_of

pytestmark = pytest.mark.timeout(600)  # the first run of a combination compiles

BOARD = cl.networks.board16()
TASK = cl.Task(
    inputs=[0, 8], outputs=[4, 5], ground=[2],
    x_train=[[0.25, 0.75], [1.0, 0.5], [0.5, 0.125]], y_train=[[0.2, 0.3], [0.4, 0.35], [0.2, 0.1]],
    x_test=[[0.6, 0.3]], y_test=[[0.25, 0.2]],
)  # fmt: skip
COUPLED = cl.CoupledLearning(0.2, 0.5)
CAPACITY = np.linspace(0.02, 0.3, 9)
SLOW = pytest.mark.slow  # each combination of parts compiles for some seconds


def session(rule=COUPLED, clock=None, batch=None, medium=None, task=TASK, seed=3, log=0, **physics):
    medium = medium or cl.RelaxingResistors(BOARD, **{"capacity": CAPACITY, **physics})
    clock, batch = clock or cl.PoissonEvents(0.5), batch or cl.Shown(1.5)
    replica = Replica(medium, task, rule, clock, cl.Continuous(), batch=batch, seed=seed)
    medium.check(replica)
    return RelaxingSession(medium, checked(medium, replica), log)


def divider(**physics):
    """Two edges of 1 ohm between an input and the ground, 0.5 F between them: one rate, 1 / (C R_parallel) = 4 / s."""
    network = cl.Network([(0, 1), (1, 2)])
    task = cl.Task([0], [1], [2], [[1.0], [0.25]], [[0.3], [0.1]], [[1.0]], [[0.3]])
    return cl.RelaxingResistors(network, **{"capacity": 0.5, **physics}), task


# --- closed forms -------------------------------------------------------------------------------------------------------


def test_one_node_charges_as_an_exponential():
    """V = V* + (V0 - V*) exp(-t / (C R_p)), and the clamped output follows; the sources' work is its integral."""
    medium, task = divider()
    mine = session(
        cl.CoupledLearning(0.6, 1e-12), cl.PoissonEvents(1.0), cl.Shown(2.0, random=False, in_turn=True), medium, task
    )
    mine.advance(2.5)  # at 2 s the input fell from 1 V to 0.25 V
    for passed in (0.5, 0.7, 0.9):
        volts, _ = mine.volts(2.0 + passed)
        free = 0.125 + (0.5 - 0.125) * np.exp(-4 * passed)
        assert volts[1, 0] == pytest.approx(free, rel=1e-9)
        assert volts[1, 1] == pytest.approx(free + 0.6 * (0.1 - free), rel=1e-9)
    rest = np.exp(-4 * 0.9)
    charge = 2.0 * 0.5 + 0.25 * (0.125 * 0.9 - 0.375 * (1 - rest) / 4)  # integral of x (x - V) / R
    assert mine.seen(2.9)["energy"] == pytest.approx(charge, rel=1e-9)
    assert mine.seen(2.9)["lag"] == pytest.approx(0.375 * rest, rel=1e-8)


@pytest.mark.parametrize("nudge", [0.6, 3.0])
def test_a_clamp_follows_as_a_first_order_lag(nudge):
    """s dV_P/dt = V_F + nudge (V_D - V_F) - V_P, driven by an exponential: the closed form, also beyond the target."""
    clamp, rate = 0.3, 4.0
    medium, task = divider(clamp_time=clamp)
    rule, shown = cl.CoupledLearning(nudge, 1e-12), cl.Shown(2.0, random=False, in_turn=True)
    mine = session(rule, cl.PoissonEvents(1.0), shown, medium, task)
    mine.advance(2.5)  # at 2 s the input fell from 1 V to 0.25 V and the target from 0.3 to 0.1 V
    for passed in (0.5, 0.7, 0.9):
        volts, _ = mine.volts(2.0 + passed)
        driven = (1 - nudge) * (0.5 - 0.125) / (1 - clamp * rate)  # times exp(-rate t); and a constant
        rest = 0.125 + nudge * (0.1 - 0.125)
        begun = 0.5 + nudge * (0.3 - 0.5) - driven - rest
        exact = rest + driven * np.exp(-rate * passed) + begun * np.exp(-passed / clamp)
        assert volts[1, 1] == pytest.approx(exact, rel=1e-9)


def test_a_board_whose_clamp_follows_agrees_with_tiny_steps():
    """Both twins of the board by Heun's method, 40,000 steps, between two changes."""
    mine = session(COUPLED, cl.PoissonEvents(1e-9), cl.Shown(0.5, random=False, in_turn=True), clamp_time=0.15)
    mine.advance(0.500001)  # the second example has come, and nothing else
    assert mine.state.counts.example[0] == 1
    laplacian, held = mine.replica.medium.laplacian(np.ones(16)).toarray(), mine.wiring.held
    volts, outputs, h = mine.volts(0.5)[0], list(TASK.outputs), 0.4 / 40_000

    def motion(v):
        rates = -(laplacian @ v) / CAPACITY[:, None]
        rates[held] = 0
        wanted = v[outputs, 0] + COUPLED.nudge * (TASK.y_train[1] - v[outputs, 0])
        rates[outputs, 1] = (wanted - v[outputs, 1]) / 0.15
        return rates

    volts[held] = mine.volts(0.50001)[0][held]
    for _ in range(40_000):
        first = motion(volts)
        volts = volts + 0.5 * h * (first + motion(volts + h * first))
    np.testing.assert_allclose(mine.volts(0.9)[0], volts, rtol=0, atol=1e-8)


def test_modes_are_those_of_a_chain_by_hand():
    """N equal nodes and resistors between two held ends: rates 4 / (R C) sin^2(pi n / (2 (N + 1)))."""
    medium = cl.RelaxingResistors(cl.Network([(k, k + 1) for k in range(6)]), capacity=0.25)
    modes = medium.modes(np.full(6, 2.0), [0, 6])
    exact = 4 / (2.0 * 0.25) * np.sin(np.pi * np.arange(1, 6) / 12) ** 2
    np.testing.assert_allclose(modes.rates, exact, rtol=1e-12)
    np.testing.assert_allclose(modes.shapes.T @ (0.25 * modes.shapes), np.eye(5), atol=1e-12)


@pytest.mark.parametrize("capacity", [1e-6, 1.0, 1e4])
def test_polynomials_agree_with_modes(capacity):
    """From nothing to 50,000 terms: a network of 64 nodes whose conductances span four decades, against its eigenmodes."""
    network = cl.networks.packing()
    medium = cl.RelaxingResistors(network, capacity=capacity * np.linspace(0.5, 2, network.nodes))
    task = cl.tasks.regression(network, train=2, seed=1)
    ohms = 10 ** np.random.default_rng(5).uniform(-2, 2, len(network.edges))
    replica = Replica(medium, task, COUPLED, cl.PoissonEvents(1e-9), cl.Continuous(), batch=cl.Shown(1e-3), initial=ohms)
    mine = RelaxingSession(medium, checked(medium, replica))
    mine.advance(float(mine.state.times.switch[0]) * 1.000001, most=1)
    start = mine.charged.volts[:, 0].copy()
    shown = task.x_train[int(mine.state.counts.example[0])]
    held = {**dict.fromkeys(task.ground, 0.0), **dict(zip(task.inputs, shown, strict=True))}
    times = np.array([1e-6, 1e-3, 0.1, 3.0])
    exact = medium.relax(ohms, held, start, times)
    now = float(mine.state.times.now[0])
    for time, wanted in zip(times, exact, strict=True):
        np.testing.assert_allclose(mine.volts(now + time)[0][:, 0], wanted, rtol=0, atol=2e-11 * np.abs(wanted).max())


# --- the readable simulation --------------------------------------------------------------------------------------------

CASES = [
    pytest.param(COUPLED, cl.PoissonEvents(0.5), {}, id="poisson"),
    pytest.param(COUPLED, cl.SelfTriggered(2e-3, 0.3), {}, id="self-triggered"),
    pytest.param(COUPLED, cl.Avalanches(0.3, 0.2, 0.05), {"delay": 0.4}, id="avalanches, delay"),
    pytest.param(cl.EquilibriumPropagation(0.1, 0.3), cl.Ticks(0.25, 0.3), {"delay": 0.1}, id="nudged, delay", marks=SLOW),
    pytest.param(COUPLED, cl.SelfTriggered(2e-3, leak=0.1), {"look": 0.002}, id="self-triggered, looks", marks=SLOW),
    pytest.param(COUPLED, cl.PoissonEvents(0.5), {"alternate": (0.31, 0.23), "delay": 0.05}, id="alternating"),
    pytest.param(COUPLED, cl.PoissonEvents(0.5), {"clamp_time": 0.2}, id="a clamp that follows"),
    pytest.param(COUPLED, cl.SelfTriggered(2e-3, 0.3), {"clamp_time": 0.01}, marks=SLOW, id="a fast clamp"),
    pytest.param(
        COUPLED,
        cl.PoissonEvents(0.5),
        {"alternate": (0.31, 0.23), "clamp_time": 0.1},
        id="alternating, a clamp that follows",
    ),
    pytest.param(
        cl.EquilibriumPropagation(0.3, 0.5),
        cl.SelfTriggered(4e-4),
        {"alternate": (0.31, 0.23)},
        marks=SLOW,
        id="alternating, nudged, self-triggered",
    ),
]


@pytest.mark.parametrize(("rule", "clock", "physics"), CASES)
def test_every_event_is_that_of_the_readable_simulation(rule, clock, physics):
    """The same events and values: exponentials of whole matrices against polynomials of the network."""
    seconds = 3.0 if isinstance(clock, cl.SelfTriggered) else 6.0  # they look all the time, and fire often
    mine = session(rule, clock, log=5_000, **physics)
    mine.advance(seconds)
    there = Simulation(mine.replica.medium, mine.replica)
    said, here = there.run(seconds), mine.logged()
    assert len(here.time) > 20
    np.testing.assert_array_equal(here.edge, said.edge)
    np.testing.assert_allclose(here.time, said.time, rtol=1e-8)
    np.testing.assert_allclose(here.value, said.value, rtol=1e-8)
    assert mine.seen(seconds)["energy"] == pytest.approx(said.energy, rel=1e-9)
    assert int(mine.charged.lost[0]) == there.lost
    if mine.replica.medium.delay and isinstance(clock, cl.Avalanches):
        assert there.lost > 0


# --- another program ----------------------------------------------------------------------------------------------------


needs_ngspice = pytest.mark.skipif(
    shutil.which("ngspice") is None, reason="ngspice is not installed here; run .ci/ngspice-install"
)


@needs_ngspice
def test_a_network_charges_as_ngspice_says():
    """A board whose capacities are empty at first: every node within 1e-6 V of ngspice's transient analysis."""
    ohms = np.random.default_rng(2).uniform(0.5, 2, 16)
    medium, held = cl.RelaxingResistors(BOARD, capacity=CAPACITY), {0: 1.0, 8: 0.5, 2: 0.0}
    times, start = np.array([0.05, 0.1, 0.2, 0.5]), np.zeros(9)
    start[[0, 8]] = 1.0, 0.5
    here = medium.relax(ohms, held, start, times)
    there = transient(netlist_of(cl.Resistors(BOARD), ohms, held), CAPACITY, start, times)
    assert np.abs(here[0] - here[-1]).max() > 0.1
    np.testing.assert_allclose(here, there, rtol=0, atol=1e-6)


@needs_ngspice
def test_a_circuit_of_diodes_charges_as_ngspice_says():
    """Antiparallel diodes between the nodes of a chain, 1 uF each, from 0 V: within 1e-6 V at all times."""
    circuit = cl.Circuit(
        cl.Network([(0, 1), (1, 2), (2, 3), (1, 3)]),
        [cl.laws.Linear(), cl.laws.Diode(1e-6, 2.0, antiparallel=True), cl.laws.Linear(), cl.laws.Linear()],
        capacity=1e-6, shunt=0.0,
    )  # fmt: skip
    values, held = np.array([1e-3, 1e-4, 1e-4])[: len(circuit.learning)], {0: 1.0, 3: 0.0}
    times, start = np.array([2e-4, 1e-3, 5e-3]), np.array([1.0, 0.0, 0.0, 0.0])
    here = circuit.relax(values, held, start, times)
    there = transient(netlist_of(circuit, values, held), 1e-6, start, times)
    assert np.abs(np.diff(here, axis=0)).max() > 0.05
    np.testing.assert_allclose(here[:, :4], there[:, :4], rtol=0, atol=1e-6)


def test_a_circuit_of_resistors_relaxes_by_its_modes():
    """The implicit solver against the closed form, to its tolerance."""
    ohms, held = np.random.default_rng(2).uniform(0.5, 2, 16), {0: 1.0, 8: 0.5, 2: 0.0}
    circuit = cl.Circuit(BOARD, cl.laws.Linear(), shunt=0.0, capacity=CAPACITY)
    times, start = np.array([0.0, 0.05, 0.3]), np.linspace(0, 1, 9)
    start[[0, 8, 2]] = 1.0, 0.5, 0.0
    exact = cl.RelaxingResistors(BOARD, capacity=CAPACITY).relax(ohms, held, start, times)
    np.testing.assert_allclose(circuit.relax(1 / ohms, held, start, times), exact, rtol=0, atol=2e-8)


# --- limits -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("clock", [cl.PoissonEvents(0.5), cl.SelfTriggered(2e-3, 0.3)])
def test_fast_relaxation_is_settling_at_once(clock):
    """With 1e-7 F and resistors of about 1 ohm, events, values and energy are those of `TimedResistors`."""
    nouns = {"rule": COUPLED, "clock": clock, "batch": cl.Shown(1.5), "steps": 8, "seed": 3}
    here = cl.train(cl.RelaxingResistors(BOARD, capacity=1e-7), TASK, **nouns)
    there = cl.train(cl.TimedResistors(BOARD), TASK, **nouns)
    np.testing.assert_array_equal(here.actions, there.actions)
    np.testing.assert_allclose(here.parameters, there.parameters, rtol=2e-5)
    np.testing.assert_allclose(here.data.energy, there.data.energy, rtol=2e-5, atol=1e-6)
    np.testing.assert_allclose(here.error, there.error, rtol=1e-3)
    assert (here.data.lag < 1e-3).all()


def test_looks_converge_with_the_first_order():
    """An edge's integral of |signal| by looks: the error of its first firing is in proportion to the time between them."""
    medium, task = divider()
    fired = []
    for look in (0.02, 0.01, 0.005, 0.0003125):
        medium, task = divider(look=look)
        shown = cl.Shown(0.5, random=False, in_turn=True)  # signals move for ever
        mine = session(cl.CoupledLearning(0.6, 1e-12), cl.SelfTriggered(0.05), shown, medium, task, log=50)
        mine.advance(3.0)
        logged = mine.logged()
        fired.append(logged.time[logged.edge == 0][0])
    errors = np.abs(np.array(fired[:3]) - fired[3])
    assert 1.5 < errors[0] / errors[1] < 2.7
    assert 1.5 < errors[1] / errors[2] < 2.7


def test_what_fires_together_acts_on_the_same_states():
    """Potentials do not jump, so an update of all edges at once is a step: all changes from one state."""
    mine = session(COUPLED, cl.Ticks(1.0), log=100)
    mine.advance(1.0)
    before = mine.volts(1.0)[0]
    mine.advance(1.0000001)
    logged = mine.logged()
    here = logged.edge >= 0
    assert logged.edge[here].tolist() == list(range(16))
    drops = before[BOARD.edges[:, 0]] - before[BOARD.edges[:, 1]]
    change = COUPLED.rate / (2 * COUPLED.nudge) * (drops[:, 1] ** 2 - drops[:, 0] ** 2)
    np.testing.assert_allclose(logged.value[here], 1 + change, rtol=1e-10)


def test_slices_lanes_and_resuming_change_no_bit(tmp_path):
    nouns = {"rule": COUPLED, "batch": cl.Shown(0.7), "clock": [cl.SelfTriggered(2e-3), cl.SelfTriggered(1e-3, 0.1, 0.05)]}
    medium = cl.RelaxingResistors(BOARD, capacity=CAPACITY, delay=0.05, temperature=1e18)
    whole = cl.train(medium, TASK, steps=8, seed=[1, 2], record=[8], **nouns)
    sliced = cl.train(medium, TASK, steps=8, seed=[1, 2], record=list(range(9)), lanes=32, threads=1, **nouns)
    longer = cl.train(medium, TASK, steps=3, seed=[1, 2], record=[3], **nouns).extended(5)
    stored = cl.train(medium, TASK, steps=8, seed=[1, 2], record=4, store=tmp_path / "store", **nouns)
    for other in (sliced, longer, stored):
        for name in ("parameters", "actions", "intervals", "lost"):
            np.testing.assert_array_equal(whole.data[name], other.data[name])
        for name in ("error", "energy", "lag"):
            np.testing.assert_array_equal(whole.data[name].isel(step=-1), other.data[name].isel(step=-1))


def test_a_history_knows_potentials_that_lag():
    medium = cl.RelaxingResistors(BOARD, capacity=CAPACITY)
    nouns = {"rule": COUPLED, "clock": cl.PoissonEvents(0.5), "batch": cl.Shown(1.5)}
    history, mine = medium.history(TASK, 6.0, seed=3, **nouns), session(medium=medium)
    mine.advance(6.0)
    np.testing.assert_allclose(history.potentials([6.0])[0], mine.volts(6.0)[0][:, 0], rtol=1e-9, atol=1e-12)
    assert np.abs(history.potentials([6.0]) - history.settled(np.array([6.0]))).max() > 1e-4


# --- bad input ----------------------------------------------------------------------------------------------------------

WRONG = [
    (lambda: cl.RelaxingResistors(BOARD, capacity=0), "capacity = 0; give farads above 0"),
    (lambda: cl.RelaxingResistors(BOARD, capacity=[1.0, 2.0]), "give farads above 0, one number or one per node"),
    (lambda: cl.RelaxingResistors(BOARD, temperature=-1), "temperature = -1; give kelvin from 0"),
    (lambda: cl.RelaxingResistors(BOARD, delay=np.inf), "delay = inf; give seconds from 0"),
    (lambda: cl.RelaxingResistors(BOARD, look=0), "look = 0; edges that watch look at finite times"),
    (lambda: cl.RelaxingResistors(BOARD, clamp_time=-1), "clamp_time = -1; give seconds from 0"),
    (
        lambda: session(cl.EquilibriumPropagation(0.1, 0.3), clamp_time=0.1),
        "nudges outputs by a conductance and clamps none",
    ),
    (lambda: session(clock=cl.SelfTriggered(1e-3), look=1.0), "look = 1 s does not resolve node .*, which relaxes within"),
    (lambda: session(batch="full"), "a relaxing network sees one example at a time; give Shown"),
    (lambda: session(cl.EquilibriumPropagation(0.1, 0.3, centred=True)), "nudges both ways"),
    (lambda: cl.RelaxingResistors(BOARD).relax(np.ones(16), {0: 1.0}, 0.0, [-1.0]), r"times = \[-1.0\]; give seconds"),
    (lambda: cl.Ticks(1.0, 0.0), "p = 0.0; give a number above 0 to 1"),
]


@pytest.mark.parametrize(("wrong", "sentence"), [pytest.param(*each, id=each[1][:30]) for each in WRONG])
def test_bad_input_gets_a_sentence(wrong, sentence):
    with pytest.raises(ParameterError, match=sentence):
        wrong()


# --- one network that alternates ------------------------------------------------------------------------------------------


def test_a_network_that_alternates_slowly_learns_as_twins_do():
    """The same ticks and coins; what is left of a phase of 1 s is exp(-rate x 1 s) of the slowest mode."""
    task, rule, clock = cl.tasks.allosteric(BOARD, seed=4), cl.CoupledLearning(0.2, 0.5), cl.Ticks(2.0, 0.5)
    away = []
    for capacity in (0.02, 0.1):
        media = (cl.RelaxingResistors(BOARD, capacity=capacity, alternate=each) for each in (None, (1.0, 1.0)))
        twins, one = (cl.train(medium, task, rule=rule, clock=clock, steps=40, seed=1).parameters.values for medium in media)
        assert np.abs(twins - 1).max() > 1e-2
        away.append(np.abs(one - twins).max())
        slowest = cl.RelaxingResistors(BOARD, capacity=capacity).modes(np.ones(16), [*task.inputs, *task.ground]).rates[0]
        assert away[-1] < 10 * np.exp(-slowest) + 1e-12
    assert away[0] < away[1]


def test_two_cycles_of_a_divider_that_alternates():
    """The first contrast is exact: both states are at once where they settle. The second free phase lasts for 0.1 s only.

    V_F = V* + (V_C - V*) exp(-0.1 / (C R_p)) is what edges remember of it; by hand, eq. 2 of Wycoff et al. 2022.
    """
    network = cl.Network([(0, 1), (1, 2)])
    task = cl.Task([0], [1], [2], [[1.0]], [[0.3]], [[1.0]], [[0.3]])
    medium = cl.RelaxingResistors(network, capacity=0.5, alternate=(0.1, 0.15))
    rule, nudge, rate = cl.CoupledLearning(0.6, 0.4), 0.6, 0.4
    mine = session(rule, cl.Ticks(0.25), "full", medium, task)
    ohms, free = np.ones(2), 0.5
    for cycle in (1, 2):
        mine.advance(0.25 * cycle * (1 + 1e-9))
        clamped = free + nudge * (0.3 - free)
        drops = np.array([[1 - clamped, clamped], [1 - free, free]])
        ohms = ohms + rate / (2 * nudge) * (drops[0] ** 2 - drops[1] ** 2) / ohms**2
        np.testing.assert_allclose(mine.resistances(), ohms, rtol=1e-12)
        settled, seconds = ohms[1] / ohms.sum(), 0.5 * ohms.prod() / ohms.sum()
        free = settled + (clamped - settled) * np.exp(-0.1 / seconds)


def test_a_network_that_alternates_goes_on_where_it_was():
    """In the middle of phases, with examples that come and go; and an edge that acts in a free phase learns nothing."""
    medium = cl.RelaxingResistors(BOARD, capacity=CAPACITY, alternate=(0.7, 0.9))
    whole = cl.train(medium, TASK, rule=COUPLED, clock=cl.PoissonEvents(1.0), batch=cl.Shown(3.0), steps=20, seed=2)
    parts = cl.train(medium, TASK, rule=COUPLED, clock=cl.PoissonEvents(1.0), batch=cl.Shown(3.0), steps=9, seed=2).extended(
        11
    )
    np.testing.assert_array_equal(whole.parameters, parts.parameters)
    np.testing.assert_array_equal(whole.data.energy.isel(step=-1), parts.data.energy.isel(step=-1))
    mine = session(
        COUPLED, cl.PoissonEvents(10.0), medium=cl.RelaxingResistors(BOARD, capacity=CAPACITY, alternate=(50.0, 1.0))
    )
    mine.advance(1.0)
    assert mine.state.counts.fired.sum() > 50
    np.testing.assert_array_equal(mine.resistances(), np.ones(16))


def test_phases_that_make_no_sense_get_a_sentence():
    for wrong in ((0.0, 1.0), (1.0,), 1.0, (1.0, np.nan), "ab"):
        with pytest.raises(ParameterError, match="give the seconds of a free and of a pushed phase"):
            cl.RelaxingResistors(BOARD, alternate=wrong)
    with pytest.raises(ParameterError, match="noise is that of twins"):
        cl.RelaxingResistors(BOARD, alternate=(1.0, 1.0), temperature=300.0)
