"""Parts of one's own by one scalar method, in lanes and in NumPy, with memory and luck; optimisers and devices in lanes."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest

import clockless as cl
from clockless import networks, tasks
from clockless.errors import ParameterError
from clockless.experiments.descriptions import built, described
from clockless.experiments.experiment import Experiment
from clockless.experiments.jobs import Jobs
from clockless.learning import unit_lanes
from clockless.media.resistors import reference
from clockless.numerics.randomness import CLOCK, WRITES
from clockless.parts import optimisers, scalars
from clockless.parts.kernels import separate
from clockless.parts.part import part, stack
from clockless.workers.train import combinations

BOARD = networks.board16()
MEDIUM = cl.Resistors(BOARD)
TASK = tasks.regression(BOARD, seed=1)
RULE = cl.CoupledLearning(0.2, 0.02)
EDGES = 16
THROUGH_ROUNDING = {"rtol": 1e-11, "atol": 0.0}


@part
class Refractory:
    """Acts by chance, but rests for some steps after each action; starts anywhere in its rest. Has no `rate`."""

    p: float
    rest: int
    slots = 1

    def first(self, unit):
        return (np.floor(unit.uniform * (self.rest + 1)),)

    def acts(self, unit):
        return unit.memory[0] == 0.0 and unit.uniform < self.p

    def keeps(self, unit):
        return (float(self.rest) if unit.acts else max(unit.memory[0] - 1.0, 0.0),)


@part
class Heavy:
    """A rule with memory: a sum of signals that fades, seen one step later."""

    nudge: float
    rate: float
    keep: float = 0.9
    slots = 1

    def keeps(self, unit):
        return (self.keep * unit.memory[0] + unit.signal,)

    def wants(self, unit):
        return -self.rate * unit.memory[0] / self.nudge


@part
class Tiring:
    """A device that writes less and less, imprecisely, and looks at all that a device can see."""

    tired: float
    noise: float
    biased: bool = True
    comparator: cl.parts.Part = cl.Ideal()
    slots = 2

    def writes(self, unit):
        change = unit.wanted * self.tired ** unit.memory[0] * (1 + self.noise * unit.normal)
        if self.biased and unit.signal > 0 and unit.index > 3:
            change = change + 0.01 * unit.uniform
        return unit.value + change

    def keeps(self, unit):
        if unit.acts:
            return unit.memory[0] + 1.0, unit.value
        return unit.memory


@part
class Eager:
    threshold: float

    def acts(self, unit):
        return abs(unit.signal) > self.threshold


@pytest.fixture(scope="module")
def uncached():
    """Compiled code of classes that only this file has is not kept in the package's cache on disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unit_lanes, "learn", separate(unit_lanes.learn.function, cache=False))
        yield


OWN = {"rule": Heavy(0.2, 0.02), "clock": Refractory(0.6, 2), "device": Tiring(0.97, 0.2)}


def block_of(lanes=4, **parts):
    axes = {
        "task": TASK,
        "device": cl.Continuous(),
        "optimiser": None,
        "batch": "full",
        "initial": 1.0,
        "seed": list(range(lanes)),
        **parts,
    }
    return MEDIUM.learner(combinations({"medium": MEDIUM, **axes}))


# --- memory and random numbers ----------------------------------------------------------------------------------------


def test_parts_with_memory_equal_the_reference(uncached):
    run = cl.train(MEDIUM, TASK, **OWN, steps=30, seed=[0, 5])
    for s, seed in enumerate((0, 5)):
        expected = reference.learn(MEDIUM, TASK, steps=30, seed=seed, **OWN)
        np.testing.assert_allclose(run.parameters.values[s], expected, **THROUGH_ROUNDING)
        assert np.abs(expected - 1.0).max() > 0.05
    assert (run.actions.values <= 10 + 1).all()  # 30 steps, 3 from one action to the next
    assert float(run.data.p) == run.actions.values.mean() / 30  # this clock has no rate of its own


def test_bits_depend_on_neither_lanes_nor_stops(uncached):
    runs = [cl.train(MEDIUM, TASK, **OWN, steps=30, seed=list(range(count))) for count in (1, 4, 64)]
    for run in runs[:2]:
        count = run.data.sizes["seed"]
        np.testing.assert_array_equal(run.parameters.values, runs[2].parameters.values[:count])
        np.testing.assert_array_equal(run.actions.values, runs[2].actions.values[:count])
    begun, going_on = block_of(**OWN), block_of(**OWN)
    begun.advance(11)
    state = {name: array.copy() for name, array in begun.state().items()}
    assert {"rule_memory", "memory", "device_memory", "actions"} <= state.keys()
    going_on.restore(state)
    going_on.advance(30)
    np.testing.assert_array_equal(going_on.state_of_lanes.value[:, :4].T, runs[1].parameters.values)
    np.testing.assert_array_equal(going_on.state_of_lanes.actions[:, :4].T, runs[1].actions.values)
    del state["rule_memory"]
    with pytest.raises(ValueError, match="rule_memory"):
        going_on.restore(state)


def signal_at(resistances, rule):
    return sum(reference.signal_difference(MEDIUM, resistances, TASK, k, rule) for k in range(len(TASK.x_train)))


def test_a_heavy_rule_by_hand_over_three_steps(uncached):
    """m_0 = 0, R_{t+1} = R_t - rate m_t / nudge, m_{t+1} = keep m_t + s(R_t): nothing moves in the first step."""
    rule = Heavy(0.2, 0.02, 0.5)
    run = cl.train(
        MEDIUM, TASK, rule=rule, clock=cl.Bernoulli(1.0), device=OWN["device"].__class__(1.0, 0.0, False), steps=3
    )
    first = np.ones(EDGES)
    s_0 = s_1 = signal_at(first, rule)
    second = first - 0.02 * s_0 / 0.2
    third = second - 0.02 * (0.5 * s_0 + s_1) / 0.2
    np.testing.assert_allclose(run.parameters, third, rtol=1e-12)
    assert np.abs(third - first).max() > 1e-3


def test_a_clock_that_looks_at_signals_needs_one_method(uncached):
    clocks = [Eager(0.0), Eager(1e9), Eager(0.02)]
    run = cl.train(MEDIUM, TASK, rule=RULE, clock=clocks, steps=8, record=range(9), traces=True)
    np.testing.assert_array_equal(run.actions[0], 8.0)
    np.testing.assert_array_equal(run.actions[1], 0.0)
    assert (run.parameters[1] == 1.0).all()
    expected = reference.learn(MEDIUM, TASK, RULE, clocks[2], 8)
    np.testing.assert_allclose(run.parameters[2], expected, rtol=1e-12)
    moved = (np.diff(run.data.traces[2].transpose("step", "edge"), axis=0) != 0).sum(axis=0)
    np.testing.assert_array_equal(run.actions[2], moved)
    np.testing.assert_allclose(run.data.p, run.actions.mean("edge") / 8)
    assert 0 < float(run.data.p[2]) < 1
    line = run.plot().axes[0].get_lines()[2]
    assert float(line.get_xdata()[-1]) == pytest.approx(8 * float(run.data.p[2]))


def test_actions_are_those_of_the_clock():
    """Counted in bytes for 255 steps at a time: 600 steps in unequal slices."""
    run = cl.train(MEDIUM, TASK, rule=RULE, clock=cl.Bernoulli(0.4), steps=600, record=[0, 300, 407, 600])
    drawn = np.array([reference.numbers(0, TASK.fingerprint, step, CLOCK, EDGES) for step in range(600)])
    np.testing.assert_array_equal(run.actions, ((drawn + 0.5) / 2**32 < 0.4).sum(axis=0))


def test_numpy_gives_the_same_bits_at_once_and_one_by_one():
    """A method with `if` is asked unit by unit; the same one without it at once."""

    @part
    class Branching:
        up: float
        comparator: cl.parts.Part = cl.Ideal()

        def writes(self, unit):
            if unit.wanted > 0:
                return unit.value + self.up * unit.wanted / 3.0
            return unit.value + unit.wanted / 3.0

    rng = np.random.default_rng(0)
    value, wanted = rng.normal(size=(2, 50))
    by_one = Branching(0.7).written(value, wanted, -1.0, 1.0)
    at_once = np.clip(value + np.where(wanted > 0, 0.7 * wanted / 3.0, wanted / 3.0), -1.0, 1.0)
    np.testing.assert_array_equal(by_one, at_once)


def test_normal_numbers_are_normal_and_apart_from_uniform_ones():
    """Moments of 200,000 numbers within five standard errors, and no covariance with the uniform ones of the same units."""
    n = 200_000
    normal, uniform = (scalars.luck(name, 3, 4, 5, WRITES, n) for name in ("normal", "uniform"))
    for power, moment, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert np.mean(normal**power) == pytest.approx(moment, abs=5 * np.sqrt(variance / n))
    assert np.mean(normal * (uniform - 0.5)) == pytest.approx(0.0, abs=5 * np.sqrt(1 / 12 / n))


# --- optimisers ---------------------------------------------------------------------------------------------------------


def test_optimisers_in_lanes_equal_their_numpy_forms():
    """Clocks that leave units asleep, so that their own steps count; without an optimiser every bit stays."""
    choices = [optimisers.Descent(), cl.Momentum(0.8), cl.Adam(), cl.Adam(0.5, 0.9, 1e-3)]
    settings = {"rule": cl.CoupledLearning(0.2, 0.01), "clock": cl.Bernoulli(0.4), "steps": 40, "seed": 3}
    run = cl.train(MEDIUM, TASK, optimiser=choices, **settings)
    assert run.parameters.dims == ("optimiser", "edge")
    for k, optimiser in enumerate(choices):
        expected = reference.learn(MEDIUM, TASK, optimiser=optimiser, **settings)
        np.testing.assert_allclose(run.parameters[k], expected, **THROUGH_ROUNDING)
        assert np.abs(run.parameters[k] - run.parameters[k - 1]).max() > 1e-3
    np.testing.assert_array_equal(run.parameters[0], cl.train(MEDIUM, TASK, **settings).parameters)


def test_adam_goes_on_from_a_state():
    whole, begun, going_on = (block_of(rule=RULE, clock=cl.Bernoulli(0.4), optimiser=cl.Adam()) for _ in range(3))
    whole.advance(25)
    begun.advance(9)
    going_on.restore({name: array.copy() for name, array in begun.state().items()})
    going_on.advance(25)
    for name, array in whole.state().items():
        np.testing.assert_array_equal(going_on.state()[name], array)
    assert begun.state()["optimiser_memory"].shape == (4, EDGES, 8)


def test_adam_by_hand():
    """The first step of Adam is rate x sign of the gradient, whatever its size, if eps is small."""
    run = cl.train(MEDIUM, TASK, rule=cl.CoupledLearning(0.2, 0.01), optimiser=cl.Adam(eps=1e-300), steps=1)
    np.testing.assert_allclose(run.parameters, 1.0 - 0.01 * np.sign(signal_at(np.ones(EDGES), RULE)), rtol=1e-12)


def test_an_experiment_has_optimisers_for_resistors():
    experiment = Experiment(
        network={"kind": "board16"}, task={"kind": "regression", "seed": 1}, clock=cl.Bernoulli(0.4), steps=40, seeds=3,
        rule=cl.CoupledLearning(0.2, 0.01), optimiser=[cl.Momentum(0.8), cl.Adam()],
    )  # fmt: skip

    work = Jobs(experiment)
    work.check()
    run = cl.train(MEDIUM, TASK, rule=cl.CoupledLearning(0.2, 0.01), clock=cl.Bernoulli(0.4), steps=40, seed=3,
                   optimiser=[cl.Momentum(0.8), cl.Adam()])  # fmt: skip
    for unit, members in enumerate(work.members):
        session = work.learner(unit)
        session.advance(40)
        seen = {name: values[:, None] for name, values in session.measure().items()}
        np.testing.assert_array_equal(session.results(seen)["parameters"], run.parameters.values[members])


# --- devices ------------------------------------------------------------------------------------------------------------


def test_write_noise_and_asymmetric_update():
    """One step of 64 seeds: changes are the wanted ones, times up or down, times 1 + noise of given mean and variance."""
    seeds, rule = list(range(64)), cl.CoupledLearning(0.2, 1e-3)
    wanted = -1e-3 / 0.2 * signal_at(np.ones(EDGES), rule)
    devices = [cl.AnalogMemory(0.3), cl.AnalogMemory(0.0, up=2.0, down=0.5), cl.AnalogMemory()]
    run = cl.train(MEDIUM, TASK, rule=rule, device=devices, steps=1, seed=seeds)
    change = run.parameters.values - 1.0
    ratio = change[0] / wanted
    n = ratio.size
    assert ratio.mean() == pytest.approx(1.0, abs=5 * 0.3 / np.sqrt(n))
    assert ratio.var() == pytest.approx(0.09, abs=5 * 0.09 * np.sqrt(2 / n))
    assert np.unique(np.round(ratio, 9)).size == n  # every edge and seed has its own
    np.testing.assert_allclose(change[1] / wanted, np.broadcast_to(np.where(wanted > 0, 2.0, 0.5), (64, EDGES)), rtol=1e-9)
    ideal = cl.train(MEDIUM, TASK, rule=rule, steps=1).parameters.values
    np.testing.assert_array_equal(run.parameters.values[2, 0], ideal)
    expected = reference.learn(MEDIUM, TASK, rule, steps=1, seed=9, device=devices[0])
    np.testing.assert_allclose(run.parameters.values[0, 9], expected, rtol=1e-12)


TABLE = (0.5, 0.6, 0.9, 1.7, 2.0, 4.0)


def test_a_table_of_levels():
    """The sign rule moves to the neighbour whatever its distance; a proportional rule to the nearest value."""
    device = cl.Levels(values=TABLE)
    assert (device.count, device.low, device.high) == (6, 0.5, 4.0)
    run = cl.train(
        MEDIUM, TASK, rule=cl.SignRule(0.5), clock=cl.Bernoulli(0.7), device=device, steps=25, initial=1.2,
        record=range(26), traces=True,
    )  # fmt: skip
    traces = run.data.traces.transpose("step", "edge").values
    places = np.searchsorted(TABLE, traces)
    np.testing.assert_array_equal(np.array(TABLE)[places], traces)
    assert (traces[0] == 0.9).all()
    assert set(np.unique(np.diff(places, axis=0))) == {-1, 0, 1}
    assert places.min() == 0
    assert places.max() == 5
    expected = reference.learn(MEDIUM, TASK, cl.SignRule(0.5), cl.Bernoulli(0.7), 25, initial=1.2, device=device)
    np.testing.assert_array_equal(run.parameters, expected)
    values, wanted = np.array([0.5, 0.9, 0.9, 4.0, 2.0]), np.array([0.04, 0.39, 0.41, 1.0, -9.0])
    np.testing.assert_array_equal(device.written(values, wanted, 0.0, 9.0), [0.5, 0.9, 1.7, 4.0, 0.5])
    assert np.isnan(device.nearest(np.array([np.nan]))).all()


def test_levels_without_a_table_are_described_as_before():
    """Fingerprints of experiments from before there were tables."""
    plain = described("device", cl.Levels(64, 1.0, 50.0), "device")
    assert plain == {"kind": "levels", "count": 64, "low": 1.0, "high": 50.0, "comparator": {"kind": "ideal"}}
    assert repr(cl.Levels(64, 1.0, 50.0)) == "Levels(count=64, low=1.0, high=50.0, comparator=Ideal())"
    experiment = Experiment(device=cl.Levels(64, 1.0, 50.0), rule=cl.SignRule(0.5), batch=1)
    assert experiment.fingerprint == "e5e47ea6c9ccd8e9"
    measured = described("device", cl.Levels(values=TABLE), "device")
    assert measured["values"] == list(TABLE)
    assert built("device", measured) == cl.Levels(values=TABLE)
    assert Experiment(device=cl.Levels(values=TABLE)).axes == ()


@pytest.mark.parametrize("values", [[1.0], [1.0, 1.0], [2.0, 1.0], [0.0, 1.0], [1.0, np.inf], "12", [[1.0, 2.0]]])
def test_impossible_tables(values):
    with pytest.raises(ParameterError):
        cl.Levels(values=values)


def test_limits_per_edge():
    low, high = np.linspace(0.3, 0.9, EDGES), np.linspace(1.1, 4.0, EDGES)
    resistors = cl.Resistors(BOARD, low, high)
    for parameter in ("resistance", "conductance"):
        rule = cl.CoupledLearning(0.5, 30.0, parameter)
        run = cl.train(resistors, TASK, rule=rule, steps=20)
        values = run.parameters.values
        assert (values >= low).all()
        assert (values <= high).all()
        assert ((values == low) | (values == high)).sum() > EDGES // 2
        np.testing.assert_allclose(values, reference.learn(resistors, TASK, rule, steps=20), rtol=1e-6)
    with pytest.raises(ParameterError, match=r"edge 0 starts at 0\.2 ohms"):
        cl.train(resistors, TASK, rule=RULE, steps=1, initial=0.2)
    with pytest.raises(ParameterError, match=r"one per edge, \[16\]"):
        cl.Resistors(BOARD, low[:3], high)
    with pytest.raises(ParameterError, match="no range"):
        cl.Resistors(BOARD, low, low)


# --- what is checked ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("one", "family", "senses"), [
    (Refractory(0.5, 2), "clock", ("acts", "memory", "uniform")),
    (Heavy(0.1, 0.1), "rule", ("signal", "memory")),
    (Tiring(0.9, 0.1), "device", ("value", "signal", "wanted", "acts", "memory", "uniform", "normal", "index")),
    (cl.Adam(), "optimiser", ()),
])  # fmt: skip
def test_check_tries_a_part_in_lanes_and_in_numpy(one, family, senses):
    report = cl.check(one)
    assert (report.family, report.senses) == (family, senses)
    assert report.difference < 1e-13
    assert str(one) in str(report)


def test_arithmetic_alone_gives_the_same_bits_in_lanes_and_in_numpy():
    assert cl.check(Heavy(0.3, 0.7)).difference == 0.0
    assert cl.check(Refractory(0.5, 2)).difference == 0.0


def lacking(**methods):
    """A part whose class has these members besides two numbers."""
    annotations = {"nudge": float, "rate": float, **methods.pop("annotations", {})}
    return part(type("Lacking", (), {"__annotations__": annotations, "nudge": 0.1, "rate": 0.1, **methods}))()


@pytest.mark.parametrize(("one", "words"), [
    (SimpleNamespace(nudge=0.1, wants=lambda unit: 0.0), "one of the methods"),
    (lacking(), "one of the methods acts"),
    (lacking(acts=lambda self: True), r"def acts\(self, unit\)"),
    (lacking(acts=lambda self, unit: unit.neighbour > 0), "unit.neighbour does not exist"),
    (lacking(wants=lambda self, unit: unit.wanted), "unit.wanted is known later"),
    (lacking(wants=lambda self, unit: 0.0, keeps=lambda self, unit: (0.0,)), "slots = 1"),
    (lacking(wants=lambda self, unit: 0.0, slots=1), "nothing writes them"),
    (lacking(writes=lambda self, unit: 0.0), "add the line `comparator: Part"),
    (lacking(change=lambda self, signal, level: signal), r"no method `wants\(self, unit\)`"),
    (lacking(wants=lambda self, unit: self.word, word="a", annotations={"word": str}), "annotated str, which lanes"),
    (lacking(wants=lambda self, unit: unit.signal.whatever()), "cannot be compiled"),
    (Eager, "is a class"),
])  # fmt: skip
def test_what_a_part_lacks_is_one_sentence(one, words):
    with pytest.raises(ParameterError, match=words) as caught:
        cl.check(one)
    assert "\n" not in str(caught.value)


def test_training_says_what_check_says(uncached):
    """Never a compiler's traceback, whether the part lacks something or cannot be compiled."""
    for one in (lacking(wants=lambda self, unit: unit.wanted), lacking(wants=lambda self, unit: unit.signal.whatever())):
        with pytest.raises(ParameterError) as checked:
            cl.check(one)
        with pytest.raises(ParameterError) as trained:
            cl.train(MEDIUM, TASK, rule=one, steps=1)
        assert str(trained.value) == str(checked.value)
        assert "whatever" in str(checked.value) or "unit.wanted" in str(checked.value)


def test_a_class_typed_in_again_is_another_one():
    """Compiled code is found by type, and a class at a prompt has no file whose text could tell that it was changed."""

    def made(method):
        return part(type("Again", (), {"acts": method}))

    one, other, same = made(lambda self, unit: unit.index > 3), made(lambda self, unit: unit.index > 4), made(
        lambda self, unit: unit.index > 3
    )  # fmt: skip
    assert one.Lanes is not other.Lanes
    assert one.Lanes is same.Lanes
    assert one().acting(np.zeros(6, dtype=np.uint32)).sum() == 2


def test_a_device_of_a_module_with_plain_annotations(tmp_path):
    """`comparator: Part` as a class, not as text: stacked, described and built again."""
    (tmp_path / "plain_device.py").write_text(
        "import clockless as cl\nfrom clockless.parts.part import Part, part\n\n\n@part\nclass Plain:\n    gain: float\n"
        "    comparator: Part = cl.Ideal()\n\n    def writes(self, unit):\n"
        "        return unit.value + self.gain * unit.wanted\n"
    )
    sys.path.insert(0, str(tmp_path))
    try:
        import plain_device
    finally:
        sys.path.remove(str(tmp_path))
    device = plain_device.Plain(0.5, cl.Magnitudes(0.1))
    assert stack([device] * 2).comparator.bias.tolist() == [0.1, 0.1]
    again = built("device", described("device", device, "device"))
    assert (again.gain, again.comparator) == (0.5, cl.Magnitudes(0.1))
    np.testing.assert_array_equal(device.written(np.ones(3), np.arange(3.0), 0.0, 1.6), [1.0, 1.5, 1.6])
