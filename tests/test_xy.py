"""The XY medium: energy, torque and signals against sums written out; settling against NumPy and exact minima."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clockless import networks
from clockless.errors import HeldNodesError, NetworkError, ParameterError
from clockless.media.phases import couplings
from clockless.media.phases import settings as settings_of_phases
from clockless.media.phases.costs import LogCost, directions
from clockless.media.phases.couplings import Arrangement
from clockless.media.phases.described import Phases
from clockless.media.phases.schedules import GradientFlow, PoissonTimed, RandomSequential, TwoColour
from clockless.media.phases.xy import Nudging, Parameters, Rotors, Stop, phases_of
from clockless.media.resistors import reference
from clockless.networks.architectures import square
from clockless.networks.network import Network
from clockless.numerics.randomness import RELAXATION

SCHEDULES = [TwoColour(), TwoColour(1.0), TwoColour(1.9), RandomSequential(), RandomSequential(1.0), PoissonTimed(),
             PoissonTimed(1.5), GradientFlow()]  # fmt: skip
VISITS = [TwoColour(1.0), TwoColour(1.7), RandomSequential(1.0), RandomSequential(1.3), PoissonTimed(1.6)]


def random_xy(seed, rows=4, columns=4, samples=5, frustrated=True):
    """A lattice (or one with diagonals) with random parameters, two held sites and random starts."""
    rng = np.random.default_rng(seed)
    edges = networks.lattice(rows, columns).edges.tolist()
    if frustrated:
        edges += [(0, columns + 1), (1, columns), (2, 2 * columns)]
    xy = Rotors(Network(edges))
    sites = xy.network.nodes
    parameters = xy.parameters(rng.normal(size=len(edges)), rng.normal(size=sites), rng.uniform(-np.pi, np.pi, sites))
    held = {0: rng.uniform(-np.pi, np.pi, samples), sites - 1: 0.4}
    return xy, parameters, held, rng.uniform(-np.pi, np.pi, (sites, samples))


def energy_written_out(parameters, matrix, phases):
    total = 0.0
    for i in range(len(phases)):
        for j in range(len(phases)):
            total -= 0.5 * matrix[i, j] * np.cos(phases[i] - phases[j])
        total -= parameters.h[i] * np.cos(phases[i] - parameters.psi[i])
    return total


def matrix_of(xy, parameters):
    matrix = np.zeros((xy.network.nodes,) * 2)
    for (i, j), w in zip(xy.network.edges, parameters.W[xy.shared], strict=True):
        matrix[i, j] = matrix[j, i] = w
    return matrix


def test_energy_is_half_the_double_sum():
    xy, parameters, _, start = random_xy(0)
    matrix = matrix_of(xy, parameters)
    expected = [energy_written_out(parameters, matrix, start[:, s]) for s in range(5)]
    np.testing.assert_allclose(xy.energy(parameters, start), expected, rtol=1e-13)
    assert xy.energy(parameters, start[:, 1]) == pytest.approx(expected[1], rel=1e-13)
    medium, same = Rotors.from_matrix(matrix, parameters.h, parameters.psi)
    np.testing.assert_allclose(medium.energy(same, start), expected, rtol=1e-13)


def test_torque_and_signals_are_derivatives_of_the_energy():
    xy, parameters, _, start = random_xy(1)
    phases, d = start[:, 0], 1e-6
    torque = xy.torque(parameters, phases)
    for site in range(len(phases)):
        there, back = phases.copy(), phases.copy()
        there[site] += d
        back[site] -= d
        slope = (xy.energy(parameters, there) - xy.energy(parameters, back)) / (2 * d)
        assert torque[site] == pytest.approx(-slope, abs=1e-8)
    for kind in ("W", "h", "psi"):
        signal = getattr(xy.signal(parameters, phases), kind)
        for unit in range(signal.size):
            moved = []
            for sign in (1, -1):
                values = getattr(parameters, kind).copy()
                values[unit] += sign * d
                moved.append(xy.energy(parameters._replace(**{kind: values}), phases))
            assert signal[unit] == pytest.approx((moved[0] - moved[1]) / (2 * d), abs=1e-8)


def test_shared_couplings_sum_their_edges_signals():
    network = networks.lattice(3, 3)
    shared = np.arange(len(network.edges)) % 4
    xy, own = Rotors(network, shared), Rotors(network)
    rng = np.random.default_rng(2)
    few, phases = rng.normal(size=4), rng.uniform(-3, 3, (9, 6))
    one, other = xy.parameters(few, 0.3, 0.1), own.parameters(few[shared], 0.3, 0.1)
    np.testing.assert_allclose(xy.energy(one, phases), own.energy(other, phases), rtol=1e-13)
    signal = own.signal(other, phases).W
    np.testing.assert_allclose(xy.signal(one, phases).W, [signal[shared == c].sum() for c in range(4)], rtol=1e-12)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
@pytest.mark.parametrize("frustrated", [False, True])
def test_settles_where_no_torque_is_left(schedule, frustrated):
    xy, parameters, held, start = random_xy(3, samples=19, frustrated=frustrated)
    state, residual = xy.settle(parameters, held, start, schedule, residual=1e-8, sweeps_limit=200_000)
    assert (residual <= 1e-8).all()
    np.testing.assert_allclose(residual, xy.residual(parameters, state, list(held)), rtol=0, atol=1e-13)
    np.testing.assert_array_equal(state[0], held[0])
    assert (state[15] == 0.4).all()
    assert (xy.energy(parameters, state) < xy.energy(parameters, np.where(np.isin(np.arange(16), [0, 15])[:, None],
                                                                           state, start))).all()  # fmt: skip


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_energy_never_rises(schedule):
    xy, parameters, held, start = random_xy(4, samples=9)
    energies = []
    for sweeps in (*range(1, 40), 80):
        state, _ = xy.settle(parameters, held, start, schedule, residual=1e-14, sweeps_limit=sweeps)
        energies.append(xy.energy(parameters, state))
    changes = np.diff(energies, axis=0)
    assert (changes <= 1e-13 * np.abs(energies[0])).all()
    assert (changes[0] < 0).all()


@pytest.mark.parametrize("schedule", VISITS, ids=str)
@pytest.mark.parametrize("strength", [0.4, 3.0])
def test_nudged_energy_never_rises(schedule, strength):
    xy, parameters, held, start = random_xy(5, samples=9)
    targets = np.random.default_rng(5).uniform(-np.pi, np.pi, (2, 9))
    energies = []
    for sweeps in range(1, 30):
        z = directions(start)
        for site, phase in held.items():
            z[[site]] = directions(np.broadcast_to(phase, (1, 9)))
        nudging = Nudging(LogCost(), strength, (5, 6), targets)
        xy.relax(parameters, z, tuple(held), Stop(schedule, 1e-14, sweeps, 0, 0), nudging)
        phases = phases_of(z)
        energies.append(xy.energy(parameters, phases) + strength * LogCost().value(phases[[5, 6]] - targets).sum(axis=0))
    assert (np.diff(energies, axis=0) <= 1e-12 * np.abs(energies[0])).all()


def visits_in_numpy(schedule, order, seed, occasion, sweep):
    """Rows in the order of one sweep's visits, with the reference's random numbers."""
    if isinstance(schedule, TwoColour):
        return order
    count, visits = len(order), order.copy()
    drawn = reference.numbers(seed, occasion, sweep, RELAXATION, count).astype(np.uint64)
    for k in range(count - 1, -1, -1):
        if isinstance(schedule, PoissonTimed):
            visits[k] = order[int(drawn[k]) * count >> 32]
        else:
            other = int(drawn[k]) * (k + 1) >> 32
            visits[k], visits[other] = visits[other], visits[k]
    return visits


@pytest.mark.parametrize("schedule", VISITS, ids=str)
def test_kernel_equals_numpy(schedule):
    """Complex numbers, one site at a time, the update as it stands in the docstring."""
    xy, parameters, held, start = random_xy(6, samples=11)
    held = {0: held[0][:1].repeat(11) + np.arange(11), 15: 0.4}
    matrix, sweeps = matrix_of(xy, parameters), 7
    state, _ = xy.settle(parameters, held, start, schedule, residual=1e-300, sweeps_limit=sweeps, seed=2**63 + 5)
    z = np.exp(1j * start)
    for site, phase in held.items():
        z[site] = np.exp(1j * np.asarray(phase))
    arrangement = xy.arrangement(tuple(held))
    for sweep in range(sweeps):
        for row in visits_in_numpy(schedule, arrangement.by_colour, 2**63 + 5, 0, sweep):
            i = arrangement.rows[row]
            g = matrix[i] @ z + parameters.h[i] * np.exp(1j * parameters.psi[i])
            v = schedule.relaxation * g - (schedule.relaxation - 1) * np.maximum((np.conj(z[i]) * g).real, 0) * z[i]
            z[i] = v / np.abs(v)
    np.testing.assert_allclose(np.exp(1j * state), z, rtol=0, atol=1e-11)


def test_a_sample_does_not_see_the_others():
    """Same bits alone, among others, and in another place: samples settle at different times and move between tiles."""
    for schedule in (TwoColour(), RandomSequential(), PoissonTimed(1.2)):
        xy, parameters, held, start = random_xy(7, samples=45)
        together, residuals = xy.settle(parameters, held, start, schedule)
        for sample in (0, 7, 8, 30, 44):
            alone, residual = xy.settle(parameters, {0: held[0][sample], 15: 0.4}, start[:, sample], schedule)
            np.testing.assert_array_equal(alone, together[:, sample])
            assert residual == residuals[sample]
        back, _ = xy.settle(parameters, {0: held[0][::-1], 15: 0.4}, start[:, ::-1], schedule)
        np.testing.assert_array_equal(back[:, ::-1], together)


def test_turning_everything_turns_the_state():
    xy, parameters, held, start = random_xy(8)
    angle = 1.234
    state, _ = xy.settle(parameters, held, start, residual=1e-12)
    turned_held = {site: phase + angle for site, phase in held.items()}
    turned, _ = xy.settle(parameters._replace(psi=parameters.psi + angle), turned_held, start + angle, residual=1e-12)
    np.testing.assert_allclose(np.exp(1j * turned), np.exp(1j * (state + angle)), rtol=0, atol=1e-9)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_chain_between_held_ends_turns_evenly(schedule):
    """Closed form: equal ferromagnetic couplings share the angle between the ends."""
    xy = Rotors(Network([(k, k + 1) for k in range(6)]))
    expected = np.linspace(0, 1.2, 7)
    state, _ = xy.settle(xy.parameters(2.0), {0: 0.0, 6: 1.2}, 0.9 * expected, schedule, 1e-12, 100_000)
    np.testing.assert_allclose(state, expected, atol=1e-10)


def test_minima_of_three_sites_are_those_of_an_enumeration():
    """All local minima on a fine grid of three phases; every settled state is one of them, and all of them are found."""
    matrix = np.array([[0, 1.0, -1.3, 0.4], [1.0, 0, 0.9, -0.8], [-1.3, 0.9, 0, 1.1], [0.4, -0.8, 1.1, 0]])
    xy, parameters = Rotors.from_matrix(matrix, [0.0, 0.2, 0.1, 0.3], [0, 1.0, 2.0, -1.0])
    steps = 60
    grid = np.linspace(-np.pi, np.pi, steps, endpoint=False)
    a, b, c = np.meshgrid(grid, grid, grid, indexing="ij")
    phases = np.stack([np.zeros(a.size), a.ravel(), b.ravel(), c.ravel()])
    energies = xy.energy(parameters, phases).reshape(a.shape)
    lowest = np.ones(a.shape, dtype=bool)
    for shift in np.ndindex(3, 3, 3):
        if shift != (1, 1, 1):
            lowest &= energies <= np.roll(energies, np.array(shift) - 1, axis=(0, 1, 2))
    minima = phases[:, lowest.ravel()]
    rng = np.random.default_rng(0)
    state, _ = xy.settle(parameters, {0: 0.0}, rng.uniform(-np.pi, np.pi, (4, 400)), residual=1e-10)
    distance = np.abs(np.exp(1j * state[:, :, None]) - np.exp(1j * minima[:, None, :])).max(axis=0)
    assert (distance.min(axis=1) < 2 * np.pi / steps).all()
    assert (distance.min(axis=0) < 2 * np.pi / steps).all()
    assert xy.energy(parameters, state).min() <= energies.min()


@settings(max_examples=40)
@given(st.integers(2, 12), st.integers(0, 2**32 - 1), st.sampled_from(SCHEDULES[:-1]))
def test_any_graph_settles(sites, seed, schedule):
    rng = np.random.default_rng(seed)
    edges = {(int(rng.integers(k)), k) for k in range(1, sites)}  # a tree, and more
    edges |= {(i, j) for i in range(sites) for j in range(i + 1, sites) if rng.random() < 0.3}
    xy = Rotors(Network(sorted(edges)))
    parameters = xy.parameters(rng.normal(size=len(edges)), rng.normal(size=sites), rng.uniform(-3, 3, sites))
    held = {int(site): 0.5 for site in rng.permutation(sites)[: rng.integers(sites)]}
    start = rng.uniform(-np.pi, np.pi, (sites, 3))
    start[list(held)] = 0.5
    state, residual = xy.settle(parameters, held, start, schedule, sweeps_limit=100_000)
    assert (residual <= 1e-6).all()
    np.testing.assert_allclose(xy.residual(parameters, state, list(held)), residual, atol=1e-12)
    assert (xy.energy(parameters, state) <= xy.energy(parameters, start) + 1e-12).all()
    arrangement = Arrangement(xy.network.edges, sites, tuple(held))
    colour = np.full(sites, -1)
    colour[arrangement.rows] = arrangement.colours
    i, j = xy.network.edges.T
    free = (colour[i] >= 0) & (colour[j] >= 0)
    assert (colour[i] != colour[j])[free].all()


def test_bipartite_wirings_have_two_colours():
    for network in (networks.lattice(5, 4), networks.lattice(4, 4)):
        assert Arrangement(network.edges, network.nodes, (0, 7)).colours.max() == 1
    assert Arrangement(np.array([(0, 1), (1, 2), (0, 2)]), 3, ()).colours.max() == 2


def test_a_site_that_nothing_pulls_stays():
    xy = Rotors(Network([(0, 1), (1, 2)]))
    state, residual = xy.settle(xy.parameters([1.0, 0.0]), {0: 0.3}, [0.0, 1.0, 2.0], residual=1e-12)
    np.testing.assert_allclose(state, [0.3, 0.3, 2.0], atol=1e-11)
    assert residual <= 1e-12


def test_not_settling_is_data():
    xy, parameters, held, start = random_xy(9)
    state, residual = xy.settle(parameters, held, start, residual=1e-12, sweeps_limit=2)
    assert (residual > 1e-12).all()
    np.testing.assert_allclose(residual, xy.residual(parameters, state, list(held)), rtol=1e-10)
    broken = Parameters(np.full_like(parameters.W, np.nan), parameters.h, parameters.psi)
    _, residual = xy.settle(broken, held, start)
    assert np.isnan(residual).all()


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda xy: Rotors("net"), NetworkError, "is not a Network"),
        (lambda xy: Rotors(xy.network, trainable=("W", "x")), ParameterError, "what can learn"),
        (lambda xy: Rotors(xy.network, shared=[0, 2, 2]), NetworkError, "gaps"),
        (lambda xy: Rotors(xy.network, shared=[0]), NetworkError, "number of each edge"),
        (lambda xy: xy.parameters([1.0, np.nan, 0.0]), ParameterError, "W of coupling 1 is nan"),
        (lambda xy: xy.parameters([1.0, 2.0]), ParameterError, "shape"),
        (lambda xy: xy.parameters(1.0, h=np.inf), ParameterError, "finite"),
        (lambda xy: Rotors.from_matrix([[0, 1.0], [0.5, 0]]), ParameterError, "symmetric"),
        (lambda xy: Rotors.from_matrix([[0, np.inf], [np.inf, 0]]), ParameterError, "must be finite"),
        (lambda xy: Rotors.from_matrix([[1.0, 1.0], [1.0, 0]]), ParameterError, "diagonal"),
        (lambda xy: Rotors.from_matrix([1.0, 2.0]), ParameterError, "square"),
        (lambda xy: xy.settle(xy.parameters(1.0), {9: 0.0}, np.zeros(4)), HeldNodesError, "does not exist"),
        (lambda xy: xy.settle(xy.parameters(1.0), {0: np.nan}, np.zeros(4)), HeldNodesError, "finite"),
        (lambda xy: xy.settle(xy.parameters(1.0), [0], np.zeros(4)), HeldNodesError, "mapping"),
        (lambda xy: xy.settle(xy.parameters(1.0), {0: 0.0}, np.zeros(3)), ParameterError, "phases have shape"),
        (lambda xy: xy.settle(xy.parameters(1.0), {0: 0.0}, np.zeros(4), residual=0), ParameterError, "residual"),
        (lambda xy: xy.settle(xy.parameters(1.0), {0: 0.0}, np.zeros(4), sweeps_limit=0), ParameterError, "sweeps_limit"),
        (lambda xy: TwoColour(2.0), ParameterError, "relaxation"),
        (lambda xy: GradientFlow(0.0), ParameterError, "time_step"),
        (lambda xy: LogCost(-1.0), ParameterError, "eps"),
    ],
)
def test_bad_input_gets_one_sentence(call, error, words):
    with pytest.raises(error, match=words) as caught:
        call(Rotors(Network([(0, 1), (1, 2), (2, 3)])))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("schedule", [TwoColour(), TwoColour(1.0), TwoColour(1.8)], ids=str)
@pytest.mark.parametrize("strength", [0.0, 0.5])
def test_products_of_matrices_do_the_same_sweeps(schedule, strength, monkeypatch):
    """Wide dense layers are relaxed by BLAS: same states, residuals and numbers of sweeps as by visits."""
    xy, parameters, held, start = random_xy(10, samples=21, frustrated=False)
    targets = np.random.default_rng(0).uniform(-3, 3, (2, 21))
    results = []
    for size in (1, 10**9):
        monkeypatch.setattr(couplings, "_LARGE_HALVES", size)
        monkeypatch.setattr(couplings, "_LARGE", size)
        monkeypatch.setattr(couplings, "_DENSE_HALVES", 0.0)
        medium = Rotors(xy.network)
        assert (medium.arrangement(tuple(held)).halves is None) == (size > 1)
        for limit in (3, 10_000):
            z = directions(start)
            for site, phase in held.items():
                z[[site]] = directions(np.broadcast_to(phase, (1, 21)))
            nudging = Nudging(LogCost(), strength, (5, 10), targets)
            results.append((z, *medium.relax(parameters, z, tuple(held), Stop(schedule, 1e-6, limit, 0, 0), nudging)))
    for ours, theirs in zip(results[:2], results[2:], strict=True):
        np.testing.assert_allclose(ours[0], theirs[0], rtol=0, atol=1e-10)
        np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-6, atol=1e-12)
        np.testing.assert_array_equal(ours[2], theirs[2])


@pytest.mark.parametrize("large", [1, 10**9])
@pytest.mark.parametrize("kind", ["in order", "turned", "mixed", "sparse"])
def test_blocks_carry_and_measure_the_same_in_every_layout(kind, large, monkeypatch):
    monkeypatch.setattr(couplings, "_LARGE", large)
    rng = np.random.default_rng(0)
    left, right = (ends.ravel() for ends in np.meshgrid([7, 3, 5], [0, 9, 2, 4], indexing="ij"))
    if kind == "in order":
        left, right = np.sort(left), np.tile([0, 2, 4, 9], 3)
    elif kind == "turned":
        left, right = np.tile([3, 5, 7], 4), np.repeat([0, 2, 4, 9], 3)
    elif kind == "sparse":
        left, right = np.arange(0, 30), np.arange(30, 60)
    z, other, weights = rng.normal(size=(60, 2, 6)), rng.normal(size=(60, 2, 6)), rng.normal(size=left.size)
    block = couplings.Bonds(left, right)
    pulled = np.zeros((60, 2, 6))
    np.add.at(pulled, left, weights[:, None, None] * z[right])
    np.testing.assert_allclose(block.pull(weights, z), pulled[block.left], atol=1e-13)
    np.testing.assert_allclose(block.products(z, other), np.sum(z[left] * other[right], axis=(1, 2)), atol=1e-13)


@pytest.mark.parametrize("name", ["two-colour", "random-sequential", "poisson-timed"])
def test_over_relaxation_is_reached_from_a_description(name):
    lattice = square(3, 3, [0], [8])
    medium = Phases(schedule=name, relaxation=1.0).on(lattice)
    assert medium.settling.schedule == settings_of_phases.SCHEDULES[name](relaxation=1.0)
    assert medium.described().items() >= {"schedule": name, "relaxation": 1.0}.items()
    assert "relaxation" not in Phases(schedule=name).on(lattice).described()


@pytest.mark.parametrize(("schedule", "relaxation"), [("gradient-flow", 1.0), ("two-colour", 2.0), ("two-colour", "much")])
def test_over_relaxation_that_cannot_be_gets_a_sentence(schedule, relaxation):
    with pytest.raises(ParameterError, match=r"^relaxation = "):
        Phases(schedule=schedule, relaxation=relaxation)
