"""What every medium promises: one test for all of them, whatever is inside."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

import clockless as cl
from clockless.errors import ClocklessError
from clockless.learning.contracts import Luck, Medium, Replica
from clockless.parts.clocks import Bernoulli, Oscillators
from clockless.parts.devices import Continuous

STEPS = 7


def resistors() -> Replica:
    network = cl.networks.board16()
    return Replica(cl.Resistors(network), cl.tasks.regression(network), cl.CoupledLearning(0.1, 0.1), Bernoulli(0.5),
                   Continuous(), batch=3, seed=5)  # fmt: skip


def several_blocks() -> Replica:
    """As `resistors`, but with oscillators, whose memory is part of the learner."""
    return resistors().changed(clock=Oscillators.of_rate(0.4, 0.1), batch=1)


def phases() -> Replica:
    architecture = cl.architectures.dense(2, 3, 1)
    return Replica(cl.XY(architecture), cl.tasks.xor(architecture), cl.EquilibriumPropagation(0.1, 0.1), Bernoulli(0.5),
                   Continuous(), optimiser=cl.Adam(), seed=5)  # fmt: skip


def relaxing_phases() -> Replica:
    """Phases in continuous time, one example at a time."""
    replica, medium = phases(), cl.RelaxingXY(cl.architectures.dense(2, 3, 1))
    return replica.changed(medium=medium, clock=cl.PoissonEvents(0.7), batch=cl.Shown(1.3))


def modules() -> Replica:
    pytest.importorskip("jax")
    from clockless.media.modules.data import labels
    from clockless.media.modules.medium import MLP, Modules
    from clockless.media.modules.methods import DNI

    return Replica(Modules(MLP(2, 8)), labels("digits"), DNI(), Bernoulli(0.5), Continuous(), batch=16, seed=5)


def layered() -> Replica:
    rule = cl.EquilibriumPropagation(0.1, 0.01, centred=True)
    return Replica(cl.DeepResistive((64, 12, 9, 10), gain=30.0, decay=0.9), cl.tasks.digit_pixels(), rule, Bernoulli(0.5),
                   Continuous(), batch=300, seed=5)  # fmt: skip


def layered_plain() -> Replica:
    """As `layered`, but with a rule that the compiled engine does not know."""
    return layered().changed(rule=cl.CoupledLearning(0.5, 0.01, "conductance"), optimiser=cl.Momentum(0.5))


class Ohmic(cl.Medium):
    """Resistors as a medium of one's own, by their energy."""

    def energy(self, parameters, state):
        ends = state[self.network.edges]
        return np.sum((ends[:, 0] - ends[:, 1]) ** 2 / (2.0 * parameters))


def own() -> Replica:
    network = cl.networks.board16()
    return Replica(Ohmic(network), cl.tasks.regression(network, test=5), cl.CoupledLearning(0.1, 0.1), Bernoulli(0.5),
                   Continuous(), optimiser=cl.Adam(), batch=2, seed=5)  # fmt: skip


def circuits() -> Replica:
    network = cl.networks.board16()
    circuit = cl.Circuit(network, [cl.laws.NMOS.pyclln(), cl.laws.Diode()], of_edge=[0] * 14 + [1] * 2)
    return Replica(circuit, cl.tasks.regression(network, test=5), cl.CoupledLearning(0.5, 0.3), Bernoulli(0.5), Continuous(),
                   optimiser=cl.Adam(), batch=2, seed=5)  # fmt: skip


MEDIA = [resistors, several_blocks, phases, relaxing_phases, modules, layered, layered_plain, own, circuits]


@cache
def ran(make, cuts: tuple[int, ...]):
    """A learner advanced to STEPS by way of `cuts`, what it measured at the cuts, and the replica."""
    replica = make()
    learner = replica.medium.learner([replica], traces=True)
    seen = [learner.measure()]
    for last in (*cuts, STEPS):
        learner.advance(last)
        seen.append(learner.measure())
    return replica, learner, seen


def recorded(seen):
    """[replica, record, ..] of the first and the last look."""
    return {name: np.stack([seen[0][name], seen[-1][name]], axis=1) for name in seen[0]}


@pytest.mark.parametrize("make", MEDIA)
def test_a_medium_says_what_it_is(make):
    """The attributes that training, stores and workers ask for."""
    medium = make().medium
    assert isinstance(medium, Medium)
    assert medium.units >= 1
    assert medium.parallel in ("threads", "processes")
    assert all("doi" in work or "arXiv" in work for work in medium.cite)
    assert medium.unit.isascii()
    assert all(name.startswith("clockless.") for name in medium.sources)


@pytest.mark.parametrize("make", MEDIA)
def test_results_are_what_the_variables_say(make):
    """Names, shapes and kinds of numbers; `parameters` and `failed` are always there."""
    replica, learner, seen = ran(make, ())
    variables = replica.medium.variables(True)
    sizes = {**replica.medium.sizes(replica.task), "step": 2}
    results = learner.results(recorded(seen))
    assert {"parameters", "failed", "error", "traces"} <= variables.keys() <= results.keys()
    for name, variable in variables.items():
        assert results[name].shape == (1, *(sizes[dim] for dim in variable.dims)), name
        assert results[name].astype(variable.dtype).dtype.kind == np.dtype(variable.dtype).kind
    for dim, values in replica.medium.coordinates().items():
        if dim in sizes:
            assert len(values) == sizes[dim]
    assert not results["failed"].any()
    np.testing.assert_array_equal(results["traces"][:, -1], results["parameters"])


@pytest.mark.parametrize("make", MEDIA)
def test_slices_change_no_bit(make):
    """One step at a time, or all at once; looking in between changes nothing."""
    _, _, at_once = ran(make, ())
    _, _, sliced = ran(make, (1, 2, 5))
    for name, values in at_once[-1].items():
        np.testing.assert_array_equal(values, sliced[-1][name], err_msg=name)


@pytest.mark.parametrize("make", MEDIA)
def test_a_state_put_away_goes_on_with_the_same_bits(make):
    """A new learner takes up the state of another in the middle; the state holds arrays only, and is a copy."""
    replica, _, seen = ran(make, ())
    first = replica.medium.learner([replica], traces=True)
    first.advance(3)
    state = {name: np.array(values) for name, values in first.state().items()}
    assert int(state["step"]) == first.step == 3
    assert all(array.dtype != object for array in state.values())
    first.advance(5)
    second = replica.medium.learner([replica], traces=True)
    second.restore(state)
    assert (second.step, second.size) == (3, 1)
    second.advance(STEPS)
    for name, values in second.measure().items():
        np.testing.assert_array_equal(values, seen[-1][name], err_msg=name)


@pytest.mark.parametrize("make", MEDIA)
def test_another_replica_s_state_is_refused(make):
    """A state that does not fit raises and leaves no half-restored learner behind."""
    replica = make()
    learner = replica.medium.learner([replica])
    state = learner.state()
    large = next(name for name, array in state.items() if array.ndim and array.size)
    with pytest.raises((ValueError, ClocklessError)):
        learner.restore({**state, large: np.zeros(np.add(state[large].shape, 1))})


@pytest.mark.parametrize("make", MEDIA)
@pytest.mark.parametrize("noun", ["task", "rule", "clock", "device", "batch", "seed"])
def test_what_is_none_is_refused_by_its_noun(make, noun):
    """One sentence that names the noun."""
    replica = make()
    with pytest.raises(ClocklessError) as caught:
        replica.medium.check(replica.changed(**{noun: "nonsense"}))
    said = str(caught.value)
    assert {"rule": "method", "seed": "seed"}.get(noun, noun) in said or noun in said
    assert "\n" not in said


@pytest.mark.parametrize("make", MEDIA)
def test_replicas_of_a_kind_may_share(make):
    """A kind can be looked up; other seeds alone make no other kind where replicas share at all."""
    replica = make()
    assert hash(replica.medium.kind(replica)) is not None
    assert replica.medium.width(1000, 10_000) >= 1
    if replica.medium.width(1000, 10_000) > 1:
        assert replica.medium.kind(replica) == replica.medium.kind(replica.changed(seed=9))


def test_luck_after_earlier_steps_is_other_luck():
    """Going on from another run's end meets new coins; at once, the same ones."""
    replica = resistors()
    assert replica.luck == Luck(5, replica.task.fingerprint)
    assert replica.changed(after=100).luck.replica not in (replica.luck.replica, replica.changed(after=101).luck.replica)
