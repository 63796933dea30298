"""Circuits: states against the linear engine, closed forms, a plain Newton and ngspice; learning against plain NumPy."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache

import numpy as np
import pytest
from scipy.special import lambertw

import clockless as cl
from clockless.errors import ClocklessError, HeldNodesError, ParameterError, TaskError
from clockless.learning.contracts import Replica
from clockless.media.circuits import reference
from clockless.parts.comparators import TwoComparators

L = cl.laws
BOARD = cl.networks.board16()
HALF = [0, 1] * 8


def directed(seed=0):
    """The board with random directions of its edges."""
    flip = np.random.default_rng(seed).random(16) < 0.5
    return cl.Network(np.where(flip[:, None], BOARD.edges[:, ::-1], BOARD.edges))


@cache
def circuits():
    """A circuit of every law, the range of what learns, and of held voltages."""
    return {
        "linear": (cl.Circuit(BOARD, L.Linear()), (0.1, 10.0), (-1.0, 1.0)),
        "nmos": (cl.Circuit(BOARD, L.NMOS.pyclln()), (0.4, 8.0), (0.0, 0.5)),
        "nmos with series": (cl.Circuit(BOARD, L.NMOS.pyclln(True)), (1.0, 8.0), (0.0, 1.0)),
        "ohmic": (cl.Circuit(BOARD, L.Ohmic()), (0.4, 5.0), (0.0, 0.5)),
        "diodes": (cl.Circuit(directed(), [L.Linear(), L.Diode()], HALF, low=1e-6), (1e-5, 1e-2), (-5.0, 5.0)),
        "antiparallel": (
            cl.Circuit(BOARD, [L.Linear(), L.Diode(1e-6, 2, antiparallel=True)], HALF, low=1e-6), (1e-5, 1e-2), (-1.0, 1.0)
        ),
        "ideal": (cl.Circuit(directed(), [L.Linear(), L.IdealDiode()], HALF), (0.1, 1.0), (-1.0, 1.0)),
        "memristors": (cl.Circuit(BOARD, L.Memristor(curvature=3.0)), (0.0, 1.0), (-1.0, 1.0)),
        "cubic": (cl.Circuit(BOARD, L.Polynomial((0.5, 1.0)), high=10.0), (0.1, 1.0), (-1.0, 1.0)),
        "table": (
            cl.Circuit(BOARD, L.Table((-1, -0.5, 0, 0.2, 1), (-2, -1, 0, 0.01, 3)), tolerance=1e-10), (0.1, 1.0), (-1.0, 1.0)
        ),
        "transistors and diodes": (cl.Circuit(directed(), [L.NMOS.pyclln(), L.Diode()], HALF), (1.0, 8.0), (0.0, 1.0)),
        "amplified": (
            cl.Circuit(BOARD, [L.Linear(), L.Diode(1e-6, 2, antiparallel=True)], HALF, low=1e-6, shunt=1e-5,
                       gains=np.where(np.arange(32).reshape(16, 2) % 5 == 0, 4.0, 1.0)), (1e-4, 1e-2), (-0.3, 0.3)
        ),
    }  # fmt: skip


def drawn(name, seed=0):
    """A circuit with random parameters [unit] and held nodes."""
    circuit, (low, high), (least, most) = circuits()[name]
    rng = np.random.default_rng(seed)
    nodes = rng.choice(9, 3, replace=False)
    return (
        circuit,
        rng.uniform(low, high, circuit.units),
        dict(zip(nodes.tolist(), rng.uniform(least, most, 3).tolist(), strict=True)),
    )


@pytest.mark.parametrize("name", list(circuits()))
def test_states_are_those_of_a_plain_newton(name):
    """The same voltages as dense solves in small steps, and currents that add up to nothing at free nodes."""
    for seed in range(3):
        circuit, values, held = drawn(name, seed)
        volts = circuit.settle(values, held)
        np.testing.assert_allclose(volts, reference.newton(circuit, values, held), atol=3e-9)
        assert circuit.imbalance(values, volts, held) < 1e-8
        jacobian = circuit.jacobian(values, volts)
        assert np.allclose(jacobian, jacobian.T, rtol=1e-12, atol=0) == circuit.reciprocal


@pytest.mark.parametrize("name", list(circuits()))
def test_the_jacobian_is_the_slope_of_the_currents(name):
    """dF/dV by differences."""
    circuit, values, held = drawn(name)
    volts, h = circuit.settle(values, held) + 0.01 * np.random.default_rng(1).random(9), 1e-7
    sides = [np.array([circuit.currents(values, volts + s * h * unit) for unit in np.eye(9)]).T for s in (1, -1)]
    exact = circuit.jacobian(values, volts)
    np.testing.assert_allclose((sides[0] - sides[1]) / (2 * h), exact, atol=1e-5 * np.abs(exact).max())


def test_linear_law_is_the_linear_engine():
    """States to the conditioning of the matrix, and learning step by step."""
    resistors = cl.Resistors(BOARD, parameter="conductance")
    circuit = cl.Circuit(BOARD, L.Linear(), shunt=0.0)
    task = cl.tasks.regression(BOARD, seed=2)
    assert circuit.settle(2.0, {0: 0.0, 8: 1.0}) == pytest.approx(resistors.settle(np.full(16, 0.5), {0: 0.0, 8: 1.0}))
    for rule in (cl.CoupledLearning(0.1, 1.0), cl.EquilibriumPropagation(0.1, 1.0, centred=True)):
        for batch in ("full", 1, 3):
            kwargs = {"rule": rule, "batch": batch, "clock": cl.Bernoulli(0.5), "steps": 60, "seed": 4}
            there, here = cl.train(resistors, task, **kwargs), cl.train(circuit, task, **kwargs)
            np.testing.assert_allclose(1 / there.parameters, here.parameters, rtol=1e-9)
            np.testing.assert_allclose(there.error, here.error, rtol=1e-6)


def test_one_diode_and_one_resistor():
    """V / R = I_s (exp((E - V) / V_t) - 1) in closed form, by Lambert's W."""
    saturation, thermal, resistance = 1e-14, 0.02585, 1e3
    series = cl.Network([(0, 1), (1, 2)])
    laws = [L.Diode(saturation, thermal=thermal, leak=0.0), L.Linear()]
    circuit = cl.Circuit(series, laws, shunt=1e-18, low=1e-6)
    for supply in (-5.0, 0.3, 0.6, 1.0, 10.0):
        argument = saturation * resistance / thermal * np.exp(saturation * resistance / thermal) * np.exp(supply / thermal)
        exact = thermal * lambertw(argument).real - saturation * resistance if supply < 10 else None
        volts = circuit.settle(1 / resistance, {0: supply, 2: 0.0})[1]
        if exact is not None:
            assert volts == pytest.approx(exact, rel=1e-9, abs=1e-13)
        left = volts / resistance - saturation * np.expm1((supply - volts) / thermal)
        assert abs(left) < 1e-9 * abs(volts / resistance) + 1e-20


def test_a_saturated_transistor_above_a_resistor():
    """V = R beta / 2 (V_G - V_T - V)^2 is a square equation."""
    beta, resistance, gate = 1e-3, 1e3, 2.0
    law = L.NMOS(vto=0.7, kp=beta, width=1e-5, length=1e-5, phi=0.6)
    circuit = cl.Circuit(cl.Network([(0, 1), (1, 2)]), [law, L.Linear()], shunt=1e-18, low=[0.4, 1e-6], high=8.0)
    a, over = 0.5 * beta * resistance, gate - 0.7
    exact = (2 * a * over + 1 - np.sqrt((2 * a * over + 1) ** 2 - 4 * a * a * over**2)) / (2 * a)
    assert circuit.settle([gate, 1 / resistance], {0: 5.0, 2: 0.0})[1] == pytest.approx(exact, rel=1e-12)


def test_amplifiers_neither_make_nor_take_power():
    """What sources give is what edges and shunts dissipate, whatever the gains."""
    circuit, values, held = drawn("amplified")
    volts = circuit.settle(values, held)
    given = volts @ circuit.currents(values, volts)
    ends = circuit.gains.T * volts[circuit.network.edges.T]
    burnt = circuit.flows(values, volts)[0] @ (ends[0] - ends[1]) + circuit.shunt @ volts**2
    assert given == pytest.approx(burnt, rel=1e-7)
    assert given > 0


def test_a_negative_resistance_falls_into_a_stable_state():
    """Every pivot is positive: the Jacobian at the free nodes has no negative eigenvalue, and W cannot be lowered nearby."""
    laws = [L.Linear(), L.Polynomial((-1.0, 1.0))]
    circuit = cl.Circuit(BOARD, laws, HALF, low=1e-5)
    rng = np.random.default_rng(0)
    for _ in range(10):
        values, nodes = 10 ** rng.uniform(-4, -3, 16), rng.choice(9, 3, replace=False)
        held = dict(zip(nodes.tolist(), rng.uniform(-2, 2, 3), strict=True))
        volts = circuit.settle(values, held)
        free = np.setdiff1d(np.arange(9), nodes)
        assert circuit.imbalance(values, volts, held) < 1e-6
        assert np.linalg.eigvalsh(circuit.jacobian(values, volts)[np.ix_(free, free)]).min() > 0


@pytest.mark.skipif(shutil.which("ngspice") is None, reason="ngspice is not installed")
@pytest.mark.parametrize("name", ["nmos", "nmos with series", "diodes"])
def test_ngspice_finds_the_same_voltages(name, tmp_path):
    """A netlist written by hand here, with tight tolerances; the shunt is a resistor."""
    circuit, values, held = drawn(name, 5)
    volts = circuit.settle(values, held)
    lines, unit = ["* board", ".options gmin=1e-12 reltol=1e-9 abstol=1e-18 vntol=1e-13 itl1=2000 numdgt=15"], 0
    for e, (a, b) in enumerate(circuit.network.edges):
        law = circuit.laws[e]
        if isinstance(law, L.NMOS):
            lines += [f"VG{e} g{e} 0 {float(values[unit])!r}", f"M{e} n{a} g{e} n{b} 0 m l={law.length!r} w={law.width!r}"]
        else:
            lines.append(f"R{e} n{a} n{b} {float(1 / values[unit])!r}" if law.learns else f"D{e} n{a} n{b} d")
        unit += law.learns
    law = circuit.laws[0] if isinstance(circuit.laws[0], L.NMOS) else L.NMOS()
    lines.append(
        f".model m nmos(level=1 vto={law.vto!r} gamma={law.gamma!r} phi={law.phi!r} kp={law.kp!r} lambda={law.lam!r} "
        f"rd={law.rd!r} rs={law.rs!r} is=1e-30)"
    )
    # 25.85 mV at ngspice's 300.15 K, by its constants
    lines.append(f".model d d(is=1e-14 n={0.02585 / (1.38064852e-23 * 300.15 / 1.6021766208e-19)!r})")
    lines += [f"RS{n} n{n} 0 1e9" for n in range(9)] + [f"VH{n} n{n} 0 {v!r}" for n, v in held.items()]
    lines += [".control", "set numdgt=15", "op", "print " + " ".join(f"v(n{n})" for n in range(9)), ".endc", ".end"]
    (tmp_path / "board.cir").write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = subprocess.run(["ngspice", "-b", "board.cir"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    found = dict(re.findall(r"v\(n(\d+)\) = ([-+0-9.eE]+)", done.stdout))
    theirs = np.array([float(found[str(n)]) for n in range(9)])
    joined = np.abs(np.diag(circuit.jacobian(values, volts))) > 1e-7
    np.testing.assert_allclose(volts[joined], theirs[joined], atol=1e-7 if name == "diodes" else 1e-8)


# --- learning --------------------------------------------------------------------------------------------------------------


def replica_of(name, **changes):
    """A replica that can learn something; `changes` of its nouns."""
    circuit, (low, high), _ = circuits()[name]
    task = cl.tasks.regression(BOARD, train=4, test=3, seed=1)
    held = {"x_train": 0.4 * task.x_train, "y_train": 0.4 * task.y_train, "x_test": 0.4 * task.x_test,
            "y_test": 0.4 * task.y_test}  # fmt: skip
    task = cl.Task(task.inputs, task.outputs, task.ground, **held)
    rate = 0.1 * (high - low) if name != "diodes" else 1e-4
    given = {"rule": cl.CoupledLearning(0.3, rate), "clock": cl.Bernoulli(0.6), "device": cl.Continuous(), "seed": 3}
    initial = np.random.default_rng(2).uniform(low + 0.2 * (high - low), high - 0.2 * (high - low), circuit.units)
    return Replica(circuit, task, initial=initial, **{**given, **changes})


CASES = [
    ("nmos", {}), ("nmos", {"batch": 1}), ("nmos", {"batch": 2, "optimiser": cl.Adam()}),
    ("nmos", {"batch": cl.Epochs(3)}),
    ("nmos", {"rule": cl.SignRule(0.3), "device": cl.Levels(128, 0.4, 8.0)}), ("ohmic", {"batch": cl.Bernoulli(0.5)}),
    ("diodes", {}), ("memristors", {}), ("cubic", {}), ("table", {}),
    ("linear", {"rule": cl.EquilibriumPropagation(0.5, 1.0)}),
    ("nmos", {"rule": cl.EquilibriumPropagation(1e-5, 0.1, centred=True)}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "changes"), CASES, ids=lambda each: each if isinstance(each, str) else " ".join(map(str, each))
)
def test_lanes_learn_as_the_readable_loop(name, changes):
    """Six steps, the same random numbers: parameters agree to what tolerances of states leave."""
    replica = replica_of(name, **changes)
    learner = replica.medium.learner([replica])
    learner.advance(6)
    mine = learner.state_of_lanes.value[:, 0]
    theirs = reference.learn(replica, 6)
    assert np.abs(theirs - replica.initial).max() > 0
    scale = np.abs(theirs - replica.initial).max()
    np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-5 * scale)


def test_a_replica_s_bits_do_not_depend_on_its_neighbours():
    """Alone, among 3 and among 40, whose tiles differ: the same parameters; a lane that has converged is frozen."""
    replica = replica_of("nmos", batch=2)
    others = [replica.changed(seed=k, initial=np.full(16, 0.9 + 0.1 * k)) for k in range(39)]
    found = []
    for crowd in ([], others[:2], others):
        learner = replica.medium.learner([replica, *crowd])
        learner.advance(12)
        found.append(learner.state_of_lanes.value[:, 0].copy())
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


def test_roles_may_differ_from_lane_to_lane():
    """Replicas of different tasks share a block, and learn what they learn alone."""
    circuit = cl.Circuit(
        BOARD,
        L.Ohmic(1.0, 0.0, 1e-3),
        low=0.05,
        high=20.0,
    )
    tasks = [cl.tasks.regression(BOARD, train=3, test=3, seed=k) for k in range(4)]
    kwargs = {"rule": cl.CoupledLearning(0.1, 0.3), "steps": 20, "initial": 1.5}
    together = cl.train(circuit, tasks, **kwargs)
    for k, task in enumerate(tasks):
        alone = cl.train(circuit, task, **kwargs)
        np.testing.assert_array_equal(together.parameters.isel(task=k), alone.parameters)


def test_states_that_do_not_settle_are_marked():
    """With one iteration nothing settles: the replica says so, and no other number is made of it."""
    circuit = cl.Circuit(BOARD, L.NMOS.pyclln(), iterations=1)
    with pytest.warns(cl.errors.ReplicasFailedWarning):
        run = cl.train(circuit, cl.tasks.regression(BOARD), rule=cl.CoupledLearning(0.1, 0.1), steps=3)
    assert run.data.failed.all()
    assert run.data.unsettled == 1
    np.testing.assert_array_equal(run.parameters, 2.0)
    with pytest.raises(ParameterError, match="did not settle"):
        circuit.settle(2.0, {0: 0.0, 8: 1.0})


def test_comparators_sense_what_they_sense():
    """With no bias two comparators and an XOR are the exact sign."""
    levels = {"count": 64, "low": 0.4, "high": 8.0}
    runs = [
        replica_of("nmos", rule=cl.SignRule(0.3), batch=1, device=cl.Levels(**levels, comparator=comparator))
        for comparator in (cl.Ideal(), TwoComparators(0.0))
    ]
    ends = []
    for replica in runs:
        learner = replica.medium.learner([replica])
        learner.advance(10)
        ends.append(learner.state_of_lanes.value[:, 0])
    np.testing.assert_array_equal(*ends)


# --- what is not a gradient ------------------------------------------------------------------------------------------------


def loss(circuit, values, task):
    held = {**dict.fromkeys(task.ground, 0.0), **dict(zip(task.inputs, task.x_train.T, strict=True))}
    wrong = circuit.settle(values, held)[:, list(task.outputs)] - task.y_train
    if circuit.differential:
        wrong = wrong[:, 0::2] - wrong[:, 1::2]
    return 0.5 * np.sum(wrong**2)


@pytest.mark.parametrize("name", ["nmos", "nmos with series", "ohmic", "diodes", "memristors", "cubic", "amplified"])
def test_the_adjoint_gradient_is_the_slope_of_the_error(name):
    """Central differences of the loss, whose error falls with the square of the step."""
    replica = replica_of("diodes" if name == "amplified" else name)
    circuit, values, task = replica.medium, replica.initial, replica.task
    if name == "amplified":
        circuit = circuits()[name][0]
    exact = cl.adjoint_gradient(circuit, values, task)

    def by_differences(share):
        steps = np.diag(share * values)
        return np.array([loss(circuit, values + h, task) - loss(circuit, values - h, task) for h in steps]) / (
            2 * share * values
        )

    coarse, fine = (np.abs(by_differences(share) - exact).max() for share in (3e-2, 3e-3))
    assert fine < 3e-2 * coarse or fine < 1e-6 * np.abs(exact).max()
    assert fine < 1e-2 * np.abs(exact).max()


def test_differential_outputs_have_their_own_gradient():
    """The same of pairs."""
    circuit = cl.Circuit(BOARD, L.Ohmic(), differential=True)
    x, y = [[0.1, 0.4], [0.3, 0.2]], [[0.05, 0.0], [0.0, 0.02]]
    task = cl.Task([0, 8], [4, 2], [6], x, y, x, y)
    values, h = np.linspace(1.5, 3.0, 16), 1e-4
    exact = cl.adjoint_gradient(circuit, values, task)
    found = [(loss(circuit, values + h * u, task) - loss(circuit, values - h * u, task)) / (2 * h) for u in np.eye(16)]
    np.testing.assert_allclose(exact, found, atol=1e-5 * np.abs(exact).max())


def test_reciprocal_laws_descend_and_transistors_nearly():
    """EP's signal approaches the gradient with the nudge where laws are reciprocal; of transistors it does not."""
    for name, reciprocal in (("memristors", True), ("nmos", False)):
        replica = replica_of(name)
        circuit, values, task = replica.medium, replica.initial, replica.task
        exact = cl.adjoint_gradient(circuit, values, task)
        stiff = np.abs(np.diag(circuit.jacobian(values, np.full(9, 0.2)))).mean()
        apart = []
        for nudge in (1e-3 * stiff, 1e-4 * stiff):
            rule = cl.EquilibriumPropagation(nudge, 1.0)
            found = sum(reference.contrast(circuit, values, task, k, rule.push) for k in range(4)) / nudge
            apart.append(1 - found @ exact / np.linalg.norm(found) / np.linalg.norm(exact))
        if reciprocal:  # 1 - cosine falls with the square of the nudge
            assert apart[1] < 0.02 * apart[0]
        else:  # and here it stays
            assert apart[1] > 0.5 * apart[0] > 1e-6


# --- bad input -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: cl.Circuit(BOARD, "nmos"), "no law of an edge"),
        (lambda: cl.Circuit(BOARD, [L.Linear(), L.Diode]), r"law\[1\]"),
        (lambda: cl.Circuit(BOARD, [L.Linear(), L.Diode()]), "2 laws for 16 edges"),
        (lambda: cl.Circuit(BOARD, [L.Linear(), L.Diode()], of_edge=[0] * 15 + [2]), "edge 15 has law 2"),
        (lambda: cl.Circuit(BOARD, L.Linear(), rails=[(0, 1.0), (0, 2.0)]), "short each other"),
        (lambda: cl.Circuit(BOARD, L.Linear(), rails={99: 1.0}), "99"),
        (lambda: cl.Circuit(BOARD, L.NMOS(), shunt=0.0), "node 0 floats when edge 0"),
        (lambda: cl.Circuit(BOARD, L.Linear(), shunt=-1.0), "shunt of node 0"),
        (lambda: cl.Circuit(BOARD, L.Linear(), gains=np.zeros((16, 2))), "edge 0 has gains"),
        (lambda: cl.Circuit(BOARD, L.Linear(), low=5.0, high=1.0), "edge 0 may learn from 5 to 1"),
        (lambda: cl.Circuit(BOARD, L.Linear(), tolerance=0.0), "tolerance"),
        (lambda: cl.Circuit(cl.architectures.dense(2, 2, 1), L.Linear()), "Architecture"),
    ],
)
def test_circuits_refuse_what_means_nothing(make, said):
    """One sentence that names node or edge."""
    with pytest.raises(ClocklessError, match=said) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_sources_and_tasks_do_not_short_each_other():
    """A rail cannot be an input, and cannot be held elsewhere."""
    circuit = cl.Circuit(BOARD, L.Linear(), rails={0: 0.3})
    task = cl.Task([0], [4], [8], [[0.1]], [[0.1]], [[0.1]], [[0.1]])
    with pytest.raises(TaskError, match="short each other"):
        cl.train(circuit, task, rule=cl.CoupledLearning(0.1, 0.1), steps=1)
    with pytest.raises(HeldNodesError, match="short each other"):
        circuit.settle(1.0, {0: 0.2})
    assert circuit.settle(1.0, {8: 0.1})[0] == 0.3


def test_parts_that_float_are_named():
    """Nodes 1, 2, 3 hang together on a diode without a leak: only a source or a shunt among them decides their voltage."""
    network = cl.Network([(0, 1), (1, 2), (2, 3), (3, 1), (0, 4)])
    laws = [L.Diode(leak=0.0), *[L.FixedResistor(1e3)] * 3, L.Linear()]
    shunt = [1e-9, 0.0, 0.0, 0.0, 0.0]
    circuit = cl.Circuit(network, laws, shunt=shunt)
    with pytest.raises(HeldNodesError, match=r"node 1 and the 2 joined to it float when edge 0 \(Diode\) carries nothing"):
        circuit.settle(1.0, {0: 1.0})
    task = cl.Task([0], [2], [4], [[0.1]], [[0.1]], [[0.1]], [[0.1]])
    with pytest.raises(HeldNodesError, match="node 1 and the 2 joined to it float"):
        cl.train(circuit, task, rule=cl.CoupledLearning(0.1, 0.1), steps=1)
    held = {0: 1.0, 2: 0.2}
    assert circuit.imbalance(1.0, circuit.settle(1.0, held), held) < 1e-6
    with pytest.raises(HeldNodesError, match="node 0 and the 8 joined to it float because no source holds any of them"):
        cl.Circuit(BOARD, L.Linear(), shunt=0.0).settle(1.0, {})


def test_a_mixed_circuit_is_plain_data(tmp_path):
    """A store keeps laws, edges and rails, gives the bits of memory, and goes on; an axis may lie within a law."""
    network = cl.networks.board16()
    circuit = cl.Circuit(network, [L.NMOS.pyclln(), L.Diode()], of_edge=[0] * 14 + [1] * 2, rails={4: 0.2})
    task = cl.Task([0, 8], [2], [6], [[0.1, 0.4]], [[0.2]], [[0.1, 0.4]], [[0.2]])
    kwargs = {"rule": cl.CoupledLearning(0.5, 0.3), "steps": 12, "seed": [0, 1], "clock": [cl.Global(), cl.Bernoulli(0.5)]}
    kept = cl.train(circuit, task, store=tmp_path / "store", **kwargs)
    np.testing.assert_array_equal(kept.parameters, cl.train(circuit, task, **kwargs).parameters)
    network = {"kind": "board16"}
    law = {"kind": "nmos", "gamma": [0.5, 1.09]}
    study = cl.Experiment(network=network, medium={"kind": "circuit", "law": law}, task={"kind": "regression"},
                          rule={"kind": "coupled-learning", "nudge": 0.5, "rate": 0.3}, steps=3)  # fmt: skip
    assert study.replicas == 2


def test_every_node_keeps_a_row():
    """The common ground is the reference, also where a node is joined to all others."""
    for network in (cl.Network([(0, 1), (1, 2)]), cl.Network([(i, j) for i in range(6) for j in range(i)])):
        circuit = cl.Circuit(network, L.Linear(), shunt=1e-3)
        assert sorted(circuit.plan.row) == list(range(network.nodes))
        held = {0: 1.0}
        np.testing.assert_allclose(circuit.settle(2.0, held), reference.newton(circuit, np.full(circuit.units, 2.0), held))
