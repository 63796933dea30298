"""Laws that hold for any resistor network, and the learning rule against finite differences and a case done by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clockless import CoupledLearning, Global, Network, Resistors, Task, networks, tasks, train
from clockless.media.resistors import reference

BOARD = networks.board16()
PARAMETERS = ["resistance", "conductance"]
seeds = st.integers(0, 2**32 - 1)
laws = settings(max_examples=40)


def random_case(seed: int):
    """A medium, resistances over three decades, and 1 to 4 held nodes with voltages of either sign."""
    rng = np.random.default_rng(seed)
    nodes = int(rng.integers(3, 12))
    label = rng.permutation(nodes)
    pairs = {(int(rng.integers(node)), node) for node in range(1, nodes)}
    pairs |= {tuple(sorted(rng.choice(nodes, 2, replace=False).tolist())) for _ in range(nodes)}
    resistors = Resistors(Network(label[np.array(sorted(pairs))]))
    resistances = np.exp(rng.uniform(-3.5, 3.5, len(pairs)))
    held = rng.choice(nodes, int(rng.integers(1, min(5, nodes))), replace=False)
    return resistors, resistances, dict(zip(held.tolist(), rng.normal(0, 2, held.size).tolist(), strict=True))


def net_currents(resistors, resistances, voltages):
    """Current [node] that flows out of each node into its edges, ampere."""
    net = np.zeros(resistors.network.nodes)
    for (i, j), resistance in zip(resistors.network.edges, resistances, strict=True):
        net[i] += (voltages[i] - voltages[j]) / resistance
        net[j] -= (voltages[i] - voltages[j]) / resistance
    return net


# --- settling --------------------------------------------------------------------------------------------


@laws
@given(seeds)
def test_kirchhoff_and_power(seed):
    """No net current at free nodes; what the held nodes supply is what the edges dissipate, twice the energy."""
    resistors, resistances, held = random_case(seed)
    voltages = resistors.settle(resistances, held)
    net = net_currents(resistors, resistances, voltages)
    free = [node for node in range(resistors.network.nodes) if node not in held]
    highest = max(abs(volts) for volts in held.values())
    scale = highest / resistances.min()  # no current is larger, but for a factor of 2
    np.testing.assert_allclose(net[free], 0, atol=1e-10 * scale)
    assert resistors.residual(resistances, voltages, held) < 1e-10 or len(held) == 1
    assert all(voltages[node] == volts for node, volts in held.items())
    power_in = sum(net[node] * volts for node, volts in held.items())
    dissipated = np.sum(resistors.drops(voltages) ** 2 / resistances)
    assert power_in == pytest.approx(dissipated, rel=1e-10, abs=1e-10 * scale * highest)
    assert resistors.energy(resistances, voltages) == pytest.approx(dissipated / 2, rel=1e-12)


def test_residual_is_the_unbalanced_share_of_the_largest_current():
    resistors = Resistors(Network([(0, 1), (1, 2)]))
    # 4 A arrive at node 1 and 1 A leaves.
    assert resistors.residual(np.array([0.5, 2.0]), np.array([4.0, 2.0, 0.0]), {0: 4.0, 2: 0.0}) == pytest.approx(0.75)


@laws
@given(seeds)
def test_maximum_principle(seed):
    resistors, resistances, held = random_case(seed)
    voltages = resistors.settle(resistances, held)
    slack = 1e-9 * max(abs(volts) for volts in held.values())
    assert min(held.values()) - slack <= voltages.min()
    assert voltages.max() <= max(held.values()) + slack


@laws
@given(seeds)
def test_the_settled_state_has_least_energy(seed):
    resistors, resistances, held = random_case(seed)
    voltages = resistors.settle(resistances, held)
    least = resistors.energy(resistances, voltages)
    rng = np.random.default_rng(seed)
    for _ in range(5):
        moved = voltages + rng.normal(0, 0.1, voltages.size)
        moved[list(held)] = list(held.values())
        if not np.array_equal(moved, voltages):
            assert resistors.energy(resistances, moved) > least


@laws
@given(seeds)
def test_symmetries(seed):
    """Scaling all R, flipping and reordering edges leave the state alone; scaling and shifting voltages carries over."""
    resistors, resistances, held = random_case(seed)
    voltages = resistors.settle(resistances, held)
    close = {"rtol": 1e-9, "atol": 1e-9 * max(abs(volts) for volts in held.values())}
    np.testing.assert_allclose(resistors.settle(3.7 * resistances, held), voltages, **close)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(resistances))
    flipped = Resistors(Network(np.where(rng.random((len(order), 1)) < 0.5, *(
        (edges := resistors.network.edges[order]), edges[:, ::-1]
    ))))  # fmt: skip
    np.testing.assert_allclose(flipped.settle(resistances[order], held), voltages, **close)
    for parameter in PARAMETERS:
        signals = [resistors.signal(resistances, voltages, parameter)[order],
                   flipped.signal(resistances[order], voltages, parameter)]  # fmt: skip
        np.testing.assert_array_equal(*signals)
    changed = {node: 5.0 - 2.0 * volts for node, volts in held.items()}
    np.testing.assert_allclose(resistors.settle(resistances, changed), 5.0 - 2.0 * voltages, rtol=1e-9, atol=1e-8)


@laws
@given(seeds)
def test_sparse_and_dense_settling_agree(seed):
    resistors, resistances, held = random_case(seed)
    np.testing.assert_allclose(
        resistors.settle(resistances, held), reference.settle(resistors, resistances, held), rtol=1e-9, atol=1e-9
    )


def test_series_parallel_and_bridge():
    """Formulas of a first course; all voltages in volts, resistances in ohms."""
    series = Resistors(Network([(0, 1), (1, 2), (2, 3)]))
    np.testing.assert_allclose(series.settle(np.array([1.0, 2.0, 5.0]), {0: 8.0, 3: 0.0}), [8, 7, 5, 0], rtol=1e-14)
    # Parallel: 2 + 1 ohms beside 6 ohms make 2 ohms, in series with 3.
    parallel = Resistors(Network([(0, 1), (1, 2), (1, 3), (2, 3)]))
    resistances = np.array([3.0, 2.0, 6.0, 1.0])
    voltages = parallel.settle(resistances, {0: 5.0, 3: 0.0})
    assert voltages[1] == pytest.approx(5 * 2 / 5)
    assert net_currents(parallel, resistances, voltages)[0] == pytest.approx(1.0)
    assert parallel.energy(resistances, voltages) == pytest.approx(5.0 / 2)
    # Wheatstone: balanced when r0 / r2 = r1 / r3.
    bridge = Resistors(Network([(0, 1), (0, 2), (1, 3), (2, 3), (1, 2)]))
    held = {0: 1.0, 3: 0.0}
    balanced = bridge.settle(np.array([2.0, 4.0, 3.0, 6.0, 0.7]), held)
    assert balanced[1] == pytest.approx(3 / 5)
    assert balanced[2] == pytest.approx(3 / 5)
    # Unbalanced, by Thevenin: the open voltage over the two inner resistances and the detector's.
    r0, r1, r2, r3, detector = 1.0, 2.0, 3.0, 4.0, 5.0
    voltages = bridge.settle(np.array([r0, r1, r2, r3, detector]), held)
    open_voltage = r2 / (r0 + r2) - r3 / (r1 + r3)
    inner = r0 * r2 / (r0 + r2) + r1 * r3 / (r1 + r3)
    assert (voltages[1] - voltages[2]) / detector == pytest.approx(open_voltage / (inner + detector))


# --- signal ----------------------------------------------------------------------------------------------


def energy_of(resistors, value, parameter, held):
    """Least energy as a function of the learning parameters [edge], with the nodes of `held` kept."""
    resistances = value if parameter == "resistance" else 1 / value
    return resistors.energy(resistances, reference.settle(resistors, resistances, held))


def gradient(function, value, h=1e-3):
    """Finite differences of fourth order [edge]: error ~ h^4 of derivatives of order 5, rounding ~ 1e-16 / h."""
    result = np.empty_like(value)
    for e in range(value.size):
        step = np.zeros_like(value)
        step[e] = h * value[e]
        near, far = (function(value + k * step) - function(value - k * step) for k in (1, 2))
        result[e] = (8 * near - far) / (12 * step[e])
    return result


@pytest.mark.parametrize("parameter", PARAMETERS)
def test_signal_is_the_derivative_of_the_energy(parameter):
    """With the state kept, by definition; with the state settling anew, because it is at a minimum."""
    rng = np.random.default_rng(1)
    resistors, held = Resistors(BOARD), {0: 1.0, 2: 0.3, 8: 0.0}
    value = np.exp(rng.uniform(-1, 1, 16))
    resistances = value if parameter == "resistance" else 1 / value
    voltages = reference.settle(resistors, resistances, held)
    signal = resistors.signal(resistances, voltages, parameter)

    def with_state_kept(v):
        return resistors.energy(v if parameter == "resistance" else 1 / v, voltages)

    kept = gradient(with_state_kept, value)
    anew = gradient(lambda v: energy_of(resistors, v, parameter, held), value)
    np.testing.assert_allclose([kept, anew], [signal, signal], rtol=1e-8, atol=1e-11)


# --- the learning rule, by the compiled engine -----------------------------------------------------------


def one_step(resistors, task, nudge, resistances, rate=1e-3, parameter="resistance"):
    """Change of the learning parameters [edge] in one step of the full batch, divided by the rate."""
    run = train(resistors, task, rule=CoupledLearning(nudge, rate, parameter), clock=Global(), steps=1,
                initial=resistances)  # fmt: skip
    new = run.parameters.values
    return (new - resistances if parameter == "resistance" else 1 / new - 1 / resistances) / rate


def board_case(seed=0, examples=3, outputs=2):
    task = tasks.regression(BOARD, 2, outputs, train=examples, test=5, seed=seed)
    return Resistors(BOARD, 1e-3, 1e3), task, np.exp(np.random.default_rng(seed).uniform(-1, 1, 16))


def held_nodes(task, x, outputs=None):
    held = {**dict.fromkeys(task.ground, 0.0), **dict(zip(task.inputs, x, strict=True))}
    return held if outputs is None else {**held, **dict(zip(task.outputs, outputs, strict=True))}


def contrast(resistors, task, nudge, parameter, at):
    """(E at clamped - E at free) / nudge as a function of the parameters, summed over examples; V_C is that of `at`.

    V_C = V_F + nudge (V_D - V_F) holds the free outputs of now: the rule treats it as a constant.
    """
    resistances = at if parameter == "resistance" else 1 / at
    terms = []
    for x, desired in zip(task.x_train, task.y_train, strict=True):
        free = reference.settle(resistors, resistances, held_nodes(task, x))[list(task.outputs)]
        terms.append((held_nodes(task, x, free + nudge * (desired - free)), held_nodes(task, x)))

    def function(value):
        return sum(
            energy_of(resistors, value, parameter, clamped) - energy_of(resistors, value, parameter, free)
            for clamped, free in terms
        ) / nudge  # fmt: skip

    return function


def outputs_and_stiffness(resistors, task, resistances):
    """V_F [example, output] and K [output, output], the current into the outputs per volt there, with inputs at rest."""
    laplacian = resistors.laplacian(1 / resistances).toarray()
    outputs = list(task.outputs)
    inner = [n for n in range(laplacian.shape[0]) if n not in {*task.inputs, *task.outputs, *task.ground}]
    coupling = laplacian[np.ix_(outputs, inner)]
    K = laplacian[np.ix_(outputs, outputs)] - coupling @ np.linalg.solve(laplacian[np.ix_(inner, inner)], coupling.T)
    free = np.array([reference.settle(resistors, resistances, held_nodes(task, x))[outputs] for x in task.x_train])
    return free, K


@pytest.mark.parametrize("parameter", PARAMETERS)
@pytest.mark.parametrize("nudge", [1.0, 0.3, 0.01])
def test_change_is_the_difference_of_signals_of_two_direct_solves(nudge, parameter):
    resistors, task, resistances = board_case()
    expected = np.zeros(16)
    for x, desired in zip(task.x_train, task.y_train, strict=True):
        free = resistors.settle(resistances, held_nodes(task, x))
        at_outputs = free[list(task.outputs)]
        clamped = resistors.settle(resistances, held_nodes(task, x, at_outputs + nudge * (desired - at_outputs)))
        signals = [resistors.signal(resistances, state, parameter) for state in (clamped, free)]
        expected -= (signals[0] - signals[1]) / nudge
    change = one_step(resistors, task, nudge, resistances, parameter=parameter)
    # Differences of nearly equal squares lose 1 / nudge; the change is a difference of values of order 1, over the rate.
    np.testing.assert_allclose(change, expected, rtol=1e-9, atol=2e-14 / nudge + 1e-12)


@pytest.mark.parametrize("parameter", PARAMETERS)
@pytest.mark.parametrize("nudge", [1.0, 0.3])
def test_change_is_minus_rate_times_the_gradient_of_the_contrast(nudge, parameter):
    """Exact for any nudge by the envelope theorem: both states are minima, so only the explicit derivative remains."""
    resistors, task, resistances = board_case(1)
    value = resistances if parameter == "resistance" else 1 / resistances
    slope = gradient(contrast(resistors, task, nudge, parameter, value), value)
    change = one_step(resistors, task, nudge, resistances, parameter=parameter)
    assert np.abs(slope).max() > 1e-3
    np.testing.assert_allclose(change, -slope, rtol=1e-6, atol=1e-9)


def test_small_nudges_descend_a_quadratic_cost_and_the_error_is_of_first_order():
    """With r = V_D - V_F, E(u) = E_F + (u - V_F)' K (u - V_F) / 2, so the change over the rate is exactly

    r' K dV_F/dR - nudge / 2 r' dK/dR r: as nudge -> 0 the descent of r' K r / 2 with K as it is now, and at nudge = 1 the
    descent of r' K r / 2 = E(V_D) - E_F with K varying too.
    """
    resistors, task, resistances = board_case(2)
    _, now = outputs_and_stiffness(resistors, task, resistances)

    def cost(value, K=None):
        free, stiffness = outputs_and_stiffness(resistors, task, value)
        errors = task.y_train - free
        return 0.5 * np.sum(errors @ (stiffness if K is None else K) * errors)

    limit = -gradient(lambda value: cost(value, now), resistances)
    at_one = -gradient(cost, resistances)
    scale = np.abs(limit).max()
    assert np.abs(at_one - limit).max() > 1e-2 * scale
    nudges = np.array([1.0, 0.5, 0.25, 0.125, 1e-3])
    off = np.array([one_step(resistors, task, nudge, resistances) - limit for nudge in nudges])
    np.testing.assert_allclose(off[0], at_one - limit, atol=1e-7 * scale)
    np.testing.assert_allclose(off / nudges[:, None], np.tile(off[0], (5, 1)), atol=1e-5 * scale)
    order = np.polyfit(np.log(nudges), np.log(np.abs(off).max(axis=1)), 1)[0]
    assert order == pytest.approx(1.0, abs=1e-3)
    # A small step lowers the cost by rate times the squared slope.
    rate = 1e-5
    lowered = cost(resistances + rate * one_step(resistors, task, 1e-3, resistances), now) - cost(resistances, now)
    assert lowered == pytest.approx(-rate * np.sum(limit**2), rel=1e-2)


@pytest.mark.parametrize("parameter", PARAMETERS)
@pytest.mark.parametrize("desired", [1.0, 4.0])
def test_a_voltage_divider_by_hand(parameter, desired):
    """Eq. 2 of doi 10.1063/5.0084631 with gamma = rate / (2 nudge): V - R1 - output - R2 - ground."""
    V, R1, R2, nudge, rate = 6.0, 2.0, 1.0, 0.25, 1e-3
    task = Task([0], [1], [2], [[V]], [[desired]], [[V]], [[desired]])
    run = train(Resistors(Network([(0, 1), (1, 2)])), task, rule=CoupledLearning(nudge, rate, parameter), clock=Global(),
                steps=1, initial=np.array([R1, R2]))  # fmt: skip
    free = V * R2 / (R1 + R2)  # 2 V
    clamped = free + nudge * (desired - free)
    gamma = rate / (2 * nudge)
    over_1 = (V - clamped) ** 2 - (V - free) ** 2
    over_2 = clamped**2 - free**2
    if parameter == "resistance":
        expected = [R1 + gamma * over_1 / R1**2, R2 + gamma * over_2 / R2**2]
    else:
        expected = [1 / (1 / R1 - gamma * over_1), 1 / (1 / R2 - gamma * over_2)]
    np.testing.assert_allclose(run.parameters, expected, rtol=1e-14)
    # The output wants to rise if desired > free: less resistance above it, more below.
    assert (run.parameters[1] > R2) == (desired > free)
    assert float(run.data["initial_error"]) == pytest.approx((desired - free) ** 2)
    moved = V * run.parameters[1] / run.parameters.sum()
    assert float(run.error[-1]) == pytest.approx(float((moved - desired) ** 2 / (desired - free) ** 2))
    assert float(run.error[-1]) < 1


@pytest.mark.parametrize("parameter", PARAMETERS)
def test_learning_solves_feasible_tasks(parameter):
    network = networks.packing(32, 70, seed=1)
    some = [tasks.regression(network, 2, 2, seed=seed) for seed in range(8)]
    run = train(Resistors(network), some, rule=CoupledLearning(0.1, 2 / 16, parameter), clock=Global(), steps=30_000)
    error = run.error.values
    assert all(task.feasible for task in some)
    assert error[:, 0] == pytest.approx(np.ones(8), rel=1e-14)
    assert error[:, -1].max() < 1e-6
    # Errors as they are recorded are those of the reference at the recorded resistances.
    for task, resistances, scale in zip(some, run.parameters.values, run.data["initial_error"].values, strict=True):
        assert reference.test_error(run.resistors, resistances, task) / scale < 1e-6
