"""Media of one's own: a few lines of physics that train, are stored and resumed like any other, and fail alone."""

from __future__ import annotations

import hashlib
import importlib
import os
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
import pytest

import clockless as cl
from clockless.errors import ClocklessError, DescriptionError, ParameterError, ReplicasFailedWarning
from clockless.experiments.jobs import Jobs
from clockless.learning.boundaries import Boundary, Key
from clockless.learning.contracts import Replica
from clockless.media.resistors import reference
from clockless.numerics.derivatives import gradient_of, hessian_of, is_analytic
from clockless.numerics.minimum import Curvature, Landscape, inverse_of, minimum
from rigs.scripts import scripts

MEDIA = Path(__file__).parent.parent / "docs" / "media"
NETWORK = cl.networks.board16()
TASK = cl.tasks.regression(NETWORK, train=3, test=5)


class Ohmic(cl.Medium):
    """Resistors, by their energy alone."""

    parameter, measure, low, high = "resistance", "ohm", 0.01, 100.0

    def __init__(self, network, offset=0.0):
        self.offset = offset
        super().__init__(network)

    def drops(self, state):
        return state[self.network.edges[:, 0]] - state[self.network.edges[:, 1]]

    def energy(self, resistances, state):
        return self.offset + np.sum(self.drops(state) ** 2 / (2.0 * resistances))


class Rough(Ohmic):
    """The same energy in code that takes no complex numbers."""

    def energy(self, resistances, state):
        return float(np.sum(np.abs(self.drops(state)) ** 2 / (2.0 * resistances)))


@pytest.fixture
def example(monkeypatch):
    """The module of an example, importable here and by worker processes."""
    monkeypatch.syspath_prepend(str(MEDIA))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(MEDIA), *filter(None, [os.environ.get("PYTHONPATH")])]))
    return importlib.import_module


# --- numerics, against closed forms --------------------------------------------------------------------------------------


def _rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def test_derivatives_of_a_known_function():
    """d/dx of sin(x0) x1^2 + exp(x1), both ways; the Hessian, too."""
    x, sizes = np.array([0.7, -1.3]), np.ones(2)

    def f(x):
        return np.sin(x[0]) * x[1] ** 2 + np.exp(x[1])

    first = [np.cos(0.7) * 1.69, 2 * np.sin(0.7) * -1.3 + np.exp(-1.3)]
    second = [[-np.sin(0.7) * 1.69, -2.6 * np.cos(0.7)], [-2.6 * np.cos(0.7), 2 * np.sin(0.7) + np.exp(-1.3)]]
    np.testing.assert_allclose(gradient_of(f, x, sizes, True), first, rtol=1e-15)
    np.testing.assert_allclose(gradient_of(f, x, sizes, False), first, rtol=1e-10)
    np.testing.assert_allclose(hessian_of(f, x, sizes, True), second, rtol=1e-7)
    np.testing.assert_allclose(hessian_of(f, x, sizes, False), second, rtol=1e-5)


@pytest.mark.parametrize("f", [lambda x: np.abs(x).sum(), lambda x: float(np.sum(x**2)), lambda x: np.linalg.norm(x)])
def test_code_that_is_not_analytic_is_noticed(f):
    """Absolute values, floats and norms drop the imaginary part."""
    assert is_analytic(_rosenbrock, np.array([0.3, 0.5, -0.2]), np.ones(3))
    assert not is_analytic(f, np.array([0.3, 0.5, -0.2]), np.ones(3))


def test_minimum_of_a_curved_valley():
    """Rosenbrock's function from the usual start ends at (1, .., 1)."""
    sizes = np.ones(4)
    landscape = Landscape(
        _rosenbrock,
        lambda x: gradient_of(_rosenbrock, x, sizes, True),
        lambda x: Curvature(hessian_of(_rosenbrock, x, sizes, True)),
    )
    found = minimum(landscape, np.array([-1.2, 1.0, -1.2, 1.0]), np.arange(4))
    np.testing.assert_allclose(found.state, 1.0, atol=1e-10)
    assert found.residual < 1e-8


def test_inverse_of_matrices_with_flat_directions():
    """A positive matrix as NumPy inverts it; a graph Laplacian, whose constant mode is flat, still solves its equations."""
    matrix = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, -0.2], [0.5, -0.2, 2.0]])
    np.testing.assert_allclose(inverse_of(matrix), np.linalg.inv(matrix), rtol=1e-13)
    laplacian = np.array([[2.0, -1.0, -1.0], [-1.0, 1.0, 0.0], [-1.0, 0.0, 1.0]])
    currents = np.array([1.0, -0.4, -0.6])
    np.testing.assert_allclose(laplacian @ (inverse_of(laplacian) @ currents), currents, atol=1e-13)
    shifted = inverse_of(np.diag([1.0, -1.0]))
    assert (np.linalg.eigvalsh(shifted) > 0).all()


# --- against the engines of the package ------------------------------------------------------------------------------------


@pytest.mark.parametrize("medium", [Ohmic, Rough])
def test_resistors_as_an_energy_learn_as_the_lanes_do(medium):
    """Twenty steps of coupled learning with a clock of coins, resistances compared with the compiled engine's."""
    nouns = {"rule": cl.CoupledLearning(0.1, 0.2), "clock": cl.Bernoulli(0.5), "steps": 20, "seed": 3, "record": [20]}
    lanes = cl.train(cl.Resistors(NETWORK), TASK, **nouns)
    mine = cl.train(medium(NETWORK), TASK, **nouns)
    assert np.abs(lanes.parameters.values - 1.0).max() > 0.01
    np.testing.assert_allclose(mine.parameters.values, lanes.parameters.values, rtol=1e-8)
    np.testing.assert_allclose(mine.error.values, lanes.error.values, rtol=1e-6)


@pytest.mark.parametrize("centred", [False, True])
def test_resistors_as_an_energy_propagate_as_the_reference_does(centred):
    """Twenty steps of equilibrium propagation, with a clock of examples."""
    rule = cl.EquilibriumPropagation(0.05, 0.2, centred=centred)
    nouns = {"clock": cl.Bernoulli(0.5), "steps": 20, "batch": cl.Bernoulli(0.7), "seed": 3}
    mine = cl.train(Ohmic(NETWORK), TASK, rule=rule, record=[20], **nouns)
    np.testing.assert_allclose(
        mine.parameters.values, reference.learn(cl.Resistors(NETWORK), TASK, rule, **nouns), rtol=1e-9
    )


def test_levels_signs_and_optimisers_compose():
    """Levels are kept, momentum moves differently, a sign rule moves every acting unit by one level."""
    device = cl.Levels(100, 0.1, 10.0)
    run = cl.train(Ohmic(NETWORK), TASK, rule=cl.SignRule(0.1), device=device, steps=1, record=[1])
    start = device.nearest(np.ones(16))
    np.testing.assert_allclose(np.abs(run.parameters.values - start), device.level, rtol=1e-12)
    plain, heavy = (
        cl.train(Ohmic(NETWORK), TASK, rule=cl.CoupledLearning(0.1, 0.1), optimiser=each, steps=3, record=[3]).parameters
        for each in (cl.Descent(), cl.Momentum(0.9))
    )
    assert np.abs(heavy - 1).max() > 1.5 * np.abs(plain - 1).max()


# --- the examples -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def interpreter(tmp_path_factory):
    """Where the examples run."""
    with scripts(tmp_path_factory.mktemp("scripts") / "output", {"PYTHONDONTWRITEBYTECODE": "1"}) as found:
        yield found


@pytest.mark.parametrize("name", ["springs", "kuramoto", "flow", "diodes", "bench", "sinh"])
def test_example_checks_and_learns(name, interpreter):
    """It asserts by itself that it learns, and has at most 60 lines."""
    path = MEDIA / f"{name}.py"
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 60
    code, said = interpreter.run(path, MEDIA)
    assert code == 0, said
    assert "  NO " not in said
    assert name in ("bench", "sinh") or "all holds" in said


def test_a_law_of_ones_own_is_the_same_medium_compiled(example):
    """Two codes that share nothing but the equation: an energy in NumPy, and a current in lanes."""
    numpy, law = example("diodes"), example("sinh").Sinh()
    slow, fast = numpy.Diodes(NETWORK), cl.Circuit(NETWORK, law, shunt=0.0, low=0.05, high=20.0, tolerance=1e-10)
    nouns = {"rule": cl.EquilibriumPropagation(0.5, 4.0, centred=True), "clock": cl.Bernoulli(0.5), "seed": 3, "steps": 5}
    task = numpy.task(slow)
    first, second = (cl.train(medium, task, batch="full", **nouns) for medium in (slow, fast))
    assert np.abs(first.parameters.values - 1.0).max() > 0.1
    np.testing.assert_allclose(second.parameters.values, first.parameters.values, rtol=1e-6)


def test_an_example_in_processes_and_a_store(example, tmp_path):
    """The bits are those of threads in memory; the store can be extended and loaded."""
    flow = example("flow").Flow(NETWORK)
    nouns = {"rule": cl.CoupledLearning(0.1, 0.3), "clock": [cl.Global(), cl.Bernoulli(0.3)], "seed": 2}
    memory = cl.train(flow, TASK, steps=8, **nouns)
    stored = cl.train(flow, TASK, steps=8, store=tmp_path / "store", workers=2, **nouns)
    for name in memory.data.data_vars:
        np.testing.assert_array_equal(memory.data[name].values, stored.data[name].values, err_msg=name)
    longer = stored.extended(4)
    np.testing.assert_array_equal(longer.parameters.values, cl.train(flow, TASK, steps=12, **nouns).parameters.values)
    again = cl.load(tmp_path / "store")
    assert repr(again.medium) == repr(flow)
    assert {"long_name": "final radius", "units": "mm"}.items() <= again.data.parameters.attrs.items()


def test_frequencies_are_a_table_and_a_field_is_an_axis(example):
    """A description of a medium of one's own has its arguments as fields; lists are axes but in tables."""
    kuramoto = example("kuramoto").Kuramoto(NETWORK, 0.1 * np.arange(9))
    experiment = cl.Experiment(network=NETWORK, medium=kuramoto, task=TASK)
    digest = hashlib.sha256((MEDIA / "kuramoto.py").read_bytes()).hexdigest()[:16]
    assert experiment.medium == {
        "kind": "kuramoto.py:Kuramoto", "digest": digest, "frequencies": pytest.approx(0.1 * np.arange(9)), "limit": 2000,
        "tables": "frequencies",
    }  # fmt: skip
    assert not experiment.axes
    swept = experiment.changed(medium={**experiment.medium, "limit": [10, 20]})
    assert [axis.name for axis in swept.axes] == ["limit"]
    media = [Jobs(swept).replica(number).medium for number in (0, 1)]
    assert [medium.limit for medium in media] == [10, 20]
    assert media[0].omega[8] == pytest.approx(0.8)


# --- what composes and what does not ---------------------------------------------------------------------------------------


class Settling(Ohmic):
    """Settles itself, knows no nudges."""

    def settle(self, resistances, boundary, start):
        held = dict(zip(boundary.held.tolist(), boundary.values, strict=True))
        return reference.settle(cl.Resistors(self.network), resistances, held)


class Nothing(cl.Medium):
    pass


class Lost(cl.Medium):
    def __init__(self, network, pull=1.0):
        super().__init__(network)

    def energy(self, parameters, state):
        return np.sum(state**2)


class Broken(Ohmic):
    def energy(self, resistances, state):
        return state[1_000]


class Short(Settling):
    def settle(self, resistances, boundary, start):
        return start[:3]


TABLE = {name: [[0.1]] for name in ("x_train", "y_train", "x_test", "y_test")}


class Table(Ohmic):
    def energy(self, resistances, state):
        return self.drops(state) ** 2 / resistances


class Kinked(Ohmic):
    def energy(self, resistances, state):
        drops = self.drops(state)
        return np.sum(drops * np.sin(drops) / drops / resistances)


PLAIN = {"rule": cl.CoupledLearning(0.1, 0.1), "task": TASK, "steps": 1}
UNWIRED, OUTSIDE = cl.Task(**TABLE), cl.Task([0], [30], [1], **TABLE)


@pytest.mark.parametrize(
    ("make", "nouns", "said"),
    [
        (Nothing, {}, "Nothing has neither energy nor settle; give one."),
        (Lost, {}, "Lost does not keep its argument pull; say self.pull = pull."),
        (Broken, {}, "Broken cannot settle: IndexError"),
        (Table, {}, "Table.energy gave an array of shape (16,); sum it to a number."),
        (Kinked, {}, "give another rest()"),
        (Short, {}, "Short.settle gave an array of shape (3,); it must be (9,)."),
        (Settling, {"rule": cl.EquilibriumPropagation(0.1, 0.1)}, "nudges = True"),
        (Ohmic, {"rule": cl.EquilibriumPropagation(0.1, 0.1, inits=2)}, "give inits=1"),
        (Ohmic, {"rule": cl.CoupledLearning(0.1, 0.1, "conductance")}, "learns its resistance, not a conductance"),
        (Ohmic, {"device": cl.Levels(10, 0.001, 1.0)}, "lie outside the medium's range"),
        (Ohmic, {"task": UNWIRED}, "names no entries of the state"),
        (Ohmic, {"task": OUTSIDE}, "entry 30"),
        (Ohmic, {"initial": 1e-9}, "edge 0 starts at a resistance of 1e-09 ohm"),
        (Ohmic, {"initial": "warm"}, "give a resistance, or an array of 16"),
        (lambda network: Ohmic(3), {}, "network = 3 is not a Network"),
        (lambda network: Nothing(), {}, "stands on no network"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_cannot_be_is_said_in_a_sentence(make, nouns, said):
    """Before anything runs."""
    with pytest.raises(ClocklessError) as caught:
        cl.train(make(NETWORK), **{**PLAIN, **nouns})
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_media_that_settle_themselves_learn_by_clamps():
    """A settle of its own with the energy's signal gives the trajectory of the energy alone."""
    runs = [cl.train(medium(NETWORK), **{**PLAIN, "steps": 5}) for medium in (Settling, Ohmic)]
    np.testing.assert_allclose(runs[0].parameters.values, runs[1].parameters.values, rtol=1e-10)


class Fragile(Ohmic):
    """Raises once an edge has left the neighbourhood of 1 ohm."""

    def energy(self, resistances, state):
        if np.max(np.abs(resistances.real - 1.0)) > 0.05:
            raise RuntimeError("an edge is on fire")
        return super().energy(resistances, state)


def test_trouble_in_one_replica_ends_no_other(tmp_path):
    """The replica is marked and its sentence kept; the other has the bits that it has alone."""
    rules = [cl.CoupledLearning(0.1, 1e-3), cl.CoupledLearning(0.1, 3.0)]
    with pytest.warns(ReplicasFailedWarning, match=r"1 of 2 replicas failed; the first says: .*an edge is on fire"):
        run = cl.train(Fragile(NETWORK), TASK, rule=rules, steps=10)
    assert run.data.failed.values.tolist() == [False, True]
    assert run.troubles == ["step 1: RuntimeError: an edge is on fire"]
    alone = cl.train(Fragile(NETWORK), TASK, rule=rules[0], steps=10)
    np.testing.assert_array_equal(run.parameters.values[0], alone.parameters.values)
    with pytest.warns(ReplicasFailedWarning, match="on fire"):
        stored = cl.train(Fragile(NETWORK), TASK, rule=rules, steps=10, store=tmp_path / "store", threads=1)
    assert stored.troubles == run.troubles
    np.testing.assert_array_equal(stored.parameters.values, run.parameters.values)
    longer = run.extended(5)
    assert longer.troubles == run.troubles
    np.testing.assert_array_equal(longer.parameters.values[1], run.parameters.values[1])


class Restless(Settling):
    """Gives a state where forces do not balance."""

    def settle(self, resistances, boundary, start):
        return boundary.placed(start)


def test_states_that_did_not_settle_are_reported():
    """By residual, in `failed` and `unsettled`, with a sentence."""
    with pytest.warns(ReplicasFailedWarning, match="did not settle"):
        run = cl.train(Restless(NETWORK), **{**PLAIN, "steps": 3})
    assert bool(run.data.failed)
    assert float(run.data.unsettled) == 1.0
    assert float(run.data.residual) > 0.1


# --- the examination ------------------------------------------------------------------------------------------------------


def _wrong(name, method):
    return type(name, (Ohmic,), {name: method})


COUNT = iter(range(1000))


@pytest.mark.parametrize(
    ("medium", "finding"),
    [
        (_wrong("signal", lambda self, r, v: self.drops(v) ** 2 / (2 * r)), "signal"),
        (type("Coarse", (Rough,), {"drops": lambda self, v: np.sin(3000.0 * Ohmic.drops(self, v))}), "scale"),
        (_wrong("gradient", lambda self, r, v: np.ones(9)), "gradient"),
        (_wrong("settle", lambda self, r, b, start: b.placed(start)), "forces balance"),
        (_wrong("settle", lambda self, r, b, start: (start + 0.1, 0.0)), "held values"),
        (_wrong("settle", lambda self, r, b, start: (b.placed(start + next(COUNT)), 0.0)), "same state again"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_examination_finds(medium, finding):
    """What does not hold, by its name."""
    report = cl.check(medium(NETWORK), TASK)
    assert not report
    assert finding in [each.name for each in report.findings if not each.holds]
    assert "something does not hold" in str(report)


def test_the_examination_of_what_is_right_and_of_what_is_nothing():
    """Without a task, too."""
    assert cl.check(Ohmic(NETWORK))
    assert cl.check(Rough(NETWORK), TASK)
    with pytest.raises(ParameterError, match="is no part of a unit"):
        cl.check("springs")
    with pytest.raises(ParameterError, match="neither energy nor settle"):
        cl.check(Nothing(NETWORK))


# --- descriptions, pictures, luck ---------------------------------------------------------------------------------------


def test_installed_packages_bring_kinds_of_media(example, tmp_path, monkeypatch):
    """An entry point of the group clockless.media is a kind; a wrong one lists it."""
    about = tmp_path / "flows-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: flows\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[clockless.media]\nflow = flow:Flow\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    experiment = cl.Experiment(network={"kind": "board16"}, medium={"kind": "flow"}, task={"kind": "regression"})
    medium = Jobs(experiment).medium
    assert type(medium) is example("flow").Flow
    assert medium.network == NETWORK
    with pytest.raises(DescriptionError, match=r"the kinds of medium are: resistors, .*, flow\."):
        cl.Experiment(medium={"kind": "flaw"})


def test_what_is_typed_in_cannot_be_described(tmp_path, monkeypatch):
    """Nor what is no medium."""
    local = type("Local", (Ohmic,), {"__qualname__": "test.<locals>.Local"})(NETWORK)
    with pytest.raises(DescriptionError, match="put it into a module"):
        cl.Experiment(network=NETWORK, medium=local)
    (tmp_path / "thing.py").write_text("class Thing:\n    pass\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DescriptionError, match="derive its class from"):
        cl.Experiment(medium={"kind": "thing.py:Thing"})


def test_pictures_name_what_learns(example):
    """Edges are coloured by the learned values; without one parameter an edge there are bars."""
    matplotlib.use("Agg")
    springs = example("springs")
    medium = springs.Springs(springs.network())
    run = cl.train(medium, springs.task(medium.network), rule=cl.CoupledLearning(0.2, 1000.0), steps=1, record=[1])
    axes = run.draw().axes
    assert axes[1].get_ylabel() == "stiffness (N/m)"
    coloured = [each for each in axes[0].collections if each.get_array() is not None]
    np.testing.assert_array_equal(coloured[0].get_array(), run.parameters.values)
    inputs = next(each for each in axes[0].collections if each.get_label() == "input")
    np.testing.assert_allclose(inputs.get_offsets(), medium.network.positions[[0, 0, 4, 4]])

    class Well(cl.Medium):
        parameter = "depth"

        def __init__(self):
            super().__init__(size=3, units=2)

        def energy(self, depth, state):
            return np.sum(depth * (state[:2] - state[2]) ** 2) + np.sum(state**2)

    table = {name: [[0.3]] for name in ("x_train", "y_train", "x_test", "y_test")}
    run = cl.train(Well(), cl.Task([0], [1], **table), rule=cl.CoupledLearning(0.5, 0.1), steps=1)
    (axes,) = run.draw().axes
    assert axes.get_ylabel() == "depth"
    np.testing.assert_allclose([bar.get_height() for bar in axes.patches], run.parameters.values)


def test_luck_of_a_state_is_its_own():
    """Noise of the same key is the same; of another example, step or state it is another, and uniform."""
    keys = [Key(1, 2, 3, 0, 0), Key(1, 2, 3, 1, 0), Key(1, 2, 4, 0, 0), Key(1, 2, 3, 0, 1)]
    drawn = [Boundary(np.array([0]), np.array([0.0]), key=key).uniform(500) for key in keys]
    np.testing.assert_array_equal(drawn[0], Boundary(np.array([0]), np.array([0.0]), key=keys[0]).uniform(500))
    assert len({each.tobytes() for each in drawn}) == 4
    assert all(abs(each.mean() - 0.5) < 4 / np.sqrt(12 * 500) for each in drawn)
    assert not set(drawn[0]) & set(drawn[1])


class FromZero(Rough):
    """Couplings of either sign that begin at zero, in code that takes no complex numbers."""

    low, high, initial = -2.0, 2.0, 0.0

    def energy(self, couplings, state):
        return float(np.sum(np.abs(couplings + 0.5 * couplings**2 + 1.0) * self.drops(state) ** 2) + 0.1 * np.sum(state**2))


def test_parameters_may_begin_at_zero():
    """Differences are then taken on the range."""
    assert cl.check(FromZero(NETWORK), TASK)
    run = cl.train(FromZero(NETWORK), TASK, rule=cl.CoupledLearning(0.1, 1.0), steps=10)
    assert run.error[-1] < 1


@cache
def _learner(steps):
    replica = Replica(
        Ohmic(NETWORK), TASK, cl.EquilibriumPropagation(0.1, 0.5), cl.Oscillators.of_rate(0.4, 0.1), cl.Continuous(),
        optimiser=cl.Adam(), batch=2, seed=5,
    )  # fmt: skip
    learner = replica.medium.learner([replica])
    for last in steps:
        learner.advance(last)
    return replica, learner


def test_slices_and_states_change_no_bit():
    """At once, step by step, and put away in the middle, with everything that has a memory."""
    replica, whole = _learner((6,))
    _, sliced = _learner((1, 2, 4))
    other = replica.medium.learner([replica])
    other.restore({name: np.array(array) for name, array in sliced.state().items()})
    other.advance(6)
    for name, values in whole.measure().items():
        np.testing.assert_array_equal(values, other.measure()[name], err_msg=name)
