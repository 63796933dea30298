"""Actors in virtual time: against plain loops and queueing theory, to the bit where bits are promised."""

from __future__ import annotations

import numpy as np
import pytest

from clockless.actors.simulation import Simulation, Ticks
from clockless.actors.times import Exponential, Lognormal
from clockless.actors.traces import Trace, replay
from clockless.errors import ActorError, ParameterError, StalledError, WiringError
from clockless.parts.clocks import Bernoulli, Global, Oscillators
from small_actors import RING, Chain, Net, layer, mixer, same


def mixers(net):
    return [mixer(net, index) for index in range(net.count)]


def layers(chain):
    return [layer(chain, index) for index in range(chain.count)]


def test_equal_speeds_and_free_messages_are_a_plain_loop():
    net = Net(3, RING)
    report = Simulation(mixers(net)).run(events=40)
    actors = mixers(net)
    waiting = {f"{actor.name}.{mailbox}": [] for actor in actors for mailbox in actor.receives}
    for _ in range(40):
        inboxes = [
            {mailbox: (waiting[f"{actor.name}.{mailbox}"] or [None])[0] for mailbox in actor.receives} for actor in actors
        ]
        for target in waiting:
            waiting[target] = []
        for actor, inbox in zip(actors, inboxes, strict=True):
            for name, message in actor.act(inbox).items():
                waiting[actor.sends[name]] = [{key: np.array(value) for key, value in message.items()}]
    assert same(report.snapshots, {actor.name: actor.snapshot() for actor in actors})
    assert report.seconds == 40.0
    assert all(actor.idle == 0 and actor.blocked == 0 for actor in report.actors.values())
    assert all(box.stalest == 0 and box.dropped == 0 for actor in report.actors.values() for box in actor.mailboxes.values())


def test_lockstep_layers_do_plain_backpropagation_and_nothing_in_parallel():
    chain = Chain()
    steps = 30
    report = Simulation(layers(chain), {"layer0": 1.0, "layer1": 2.0, "layer2": 4.0}, 0.25).run(
        events={"layer0": 2 * steps, "layer2": steps}
    )
    for index, weights in enumerate(chain.plain(steps)):
        np.testing.assert_array_equal(report.snapshots[f"layer{index}"]["w"], weights)
    # One after the other: forward 1 + 2, last 4, backward 2 + 1, and four messages.
    assert report.seconds == pytest.approx(steps * (1 + 2 + 4 + 2 + 1 + 4 * 0.25))
    assert report.critical_path == pytest.approx(report.seconds)
    assert report.work == pytest.approx(steps * 10)
    assert report.speed_up == pytest.approx(10 / 11)


def test_every_tick_of_the_global_clock_is_an_event_and_bernoulli_takes_its_share():
    net = Net(4, ((0, 1), (1, 2), (2, 3)), policy="latest", need="none")
    always = Simulation(mixers(net), 0.5, ticks=Ticks(Global())).run(seconds=200.5)
    assert {actor.events for actor in always.actors.values()} == {201}
    assert same(always.snapshots, Simulation(mixers(net), 0.5, ticks=Ticks(Bernoulli(1.0))).run(seconds=200.5).snapshots)
    some = Simulation(mixers(net), 0.5, ticks=Ticks(Bernoulli(0.2)), seed=3).run(seconds=4000)
    for actor in some.actors.values():
        assert actor.events == pytest.approx(800, abs=4 * (4000 * 0.2 * 0.8) ** 0.5)
    clock = Oscillators.of_rate(0.3, 0.1)
    slow = Simulation(mixers(net), 0.5, ticks=Ticks(clock, 2.0), seed=3).run(seconds=2000)
    memory = clock.memory(3, 0, 4)
    expected = clock.acting_at(np.arange(1001), memory).sum(axis=0)
    assert [actor.events for actor in slow.actors.values()] == [pytest.approx(count, abs=1) for count in expected]


def test_seeds_repeat_to_the_bit_and_slices_of_time_change_nothing():
    net = Net(3, RING, policy="drop-oldest", need="any")

    def simulation(seed):
        times = {"mixer0": Lognormal(1.0, 0.7), "mixer1": Exponential(0.3), "mixer2": 0.5}
        return Simulation(mixers(net), times, Lognormal(0.2, 1.0), seed=seed)

    whole, again, other = (simulation(seed).run(seconds=300.0) for seed in (1, 1, 2))
    assert same(whole.snapshots, again.snapshots)
    assert whole.actors == again.actors
    assert not same(whole.snapshots, other.snapshots)
    sliced = simulation(1)
    for end in np.linspace(3, 300, 100):
        report = sliced.run(seconds=float(end))
    assert same(whole.snapshots, report.snapshots)
    assert report.critical_path == whole.critical_path
    assert report.actors["mixer0"].mailboxes == whole.actors["mixer0"].mailboxes
    for name, actor in report.actors.items():
        assert actor.busy == pytest.approx(whole.actors[name].busy)
        assert actor.busy + actor.idle + actor.blocked == pytest.approx(300)


@pytest.mark.parametrize("policy", ["block", "drop-oldest", "latest"])
@pytest.mark.parametrize("clocked", [False, True])
def test_a_simulation_goes_on_from_its_state_on_disk_with_the_same_bits(policy, clocked, tmp_path):
    net = Net(3, RING, policy=policy, need="none", capacity=2)
    ticks = Ticks(Bernoulli(0.7), 0.5) if clocked else None

    def simulation():
        times = [Lognormal(1.0, 0.7), Exponential(0.1), 2.0]
        return Simulation(mixers(net), times, Lognormal(0.7, 1.0), ticks=ticks, workers=[0, 1, 1], seed=4, record=True)

    whole = simulation()
    expected = whole.run(seconds=60.0)
    for end in (7.3, 21.9, 60.0):
        going_on = simulation()
        if end > 7.3:
            with np.load(tmp_path / "state.npz") as file:
                going_on.restore(dict(file))
        report = going_on.run(seconds=end)
        np.savez(tmp_path / "state.npz", **going_on.state())
    assert same(report.snapshots, expected.snapshots)
    assert same({"all": going_on.state()}, {"all": whole.state()})
    assert (report.actors, report.trace, report.critical_path) == (expected.actors, expected.trace, expected.critical_path)
    assert same(replay(report.trace, mixers(net)), expected.snapshots)
    with pytest.raises(WiringError, match="other actors"):
        Simulation(mixers(Net(2, ((0, 1),)))).restore(going_on.state())


def test_drawn_times_have_their_distributions():
    net = Net(2, ((0, 1),), policy="latest", need="none")
    report = Simulation(mixers(net), [Exponential(0.5), Lognormal(1.0, 0.5)]).run(seconds=4000)
    fast, slow = report.actors.values()
    assert fast.events == pytest.approx(8000, abs=4 * 8000**0.5)
    mean = np.exp(0.5**2 / 2)
    assert slow.events == pytest.approx(4000 / mean, rel=4 * 0.53 / 4000**0.5)
    # Events of the fast one between two of the slow: mean staleness of a message that is the newest by then is below 1.
    assert report.actors["mixer1"].mailboxes["from0"].staleness < 0.01


@pytest.mark.parametrize("policy", ["block", "drop-oldest", "latest"])
@pytest.mark.parametrize("fast", [0, 1])
def test_mailboxes_stay_within_their_bound_at_a_thousandfold_speed(policy, fast):
    net = Net(2, ((0, 1),), policy=policy, capacity=5, need="none")
    times = [1.0, 1.0]
    times[fast] = 0.001
    report = Simulation(mixers(net), times).run(seconds=30)
    sender, receiver = report.actors["mixer0"], report.actors["mixer1"]
    box = receiver.mailboxes["from0"]
    assert box.fullest <= (1 if policy == "latest" else 5)
    held = 1 if sender.blocked else 0
    assert box.taken + box.dropped + box.waiting + held == pytest.approx(sender.events, abs=1)
    if fast == 1:
        assert box.dropped == 0
    elif policy == "block":
        assert box.dropped == 0
        assert sender.blocked > 28
        assert sender.events < 40
        assert box.stalest <= 6
    else:
        assert sender.events == pytest.approx(30000, abs=2)
        assert box.dropped > 29000
        assert sender.blocked == 0


def test_critical_path_of_a_pipeline_is_its_slowest_stage():
    net = Net(3, ((0, 1), (1, 2)))
    report = Simulation(mixers(net), [1.0, 3.0, 2.0]).run(events={"mixer2": 50})
    # Mixers do their first event without a message, so the last waits for 49 of the middle.
    assert report.seconds == pytest.approx(49 * 3 + 2)
    assert report.critical_path >= report.seconds
    one = Simulation(mixers(net), [1.0, 3.0, 2.0], workers=[0, 0, 0]).run(events=50)
    assert one.seconds == pytest.approx(50 * 6)
    assert one.speed_up == pytest.approx(1)
    two = Simulation(mixers(net), [1.0, 3.0, 2.0], workers=[0, 1, 0]).run(events=50)
    assert two.seconds == pytest.approx(150, abs=6)


def test_a_trace_repeats_the_run():
    net = Net(3, RING, policy="drop-oldest", need="any")
    report = Simulation(mixers(net), Lognormal(1.0, 1.0), Lognormal(0.3, 1.0), record=True).run(seconds=300.0)
    assert same(replay(report.trace, mixers(net)), report.snapshots)
    wrong = [list(records) for records in report.trace.records]
    place = next(i for i, record in enumerate(wrong[0]) if record.taken[0] > 3)
    wrong[0][place] = wrong[0][place]._replace(taken=(wrong[0][place].taken[0] - 1, *wrong[0][place].taken[1:]))
    changed = Trace(report.trace.names, tuple(map(tuple, wrong)), True, {})
    assert not same(replay(changed, mixers(net)), report.snapshots)


def test_traces_survive_a_file_and_refuse_gaps(tmp_path):
    net = Net(3, RING)
    trace = Simulation(mixers(net), Lognormal(1.0, 1.0), record=True).run(events=20).trace
    trace.save(tmp_path / "trace.npz")
    assert Trace.load(tmp_path / "trace.npz") == trace
    with pytest.raises(ActorError, match="gaps"):
        replay(Trace(trace.names, trace.records, False, {}), mixers(net))
    short = Trace(trace.names, (*trace.records[:2], trace.records[2][:3]), True, {})
    with pytest.raises(ActorError, match="does not fit"):
        replay(short, mixers(net))
    with pytest.raises(WiringError, match="in this order"):
        replay(trace, mixers(net)[::-1])


def test_a_deadlock_is_named():
    net = Net(2, ((0, 1), (1, 0)), need="all")
    actors = mixers(net)
    for actor in actors:
        actor.event = 1  # both wait for the other's first word
    with pytest.raises(StalledError, match=r"mixer0 .* is not ready with 0 in from1; mixer1"):
        Simulation(actors).run(events=5)
    assert Simulation(actors).run(seconds=5).ended == "idle"


def test_an_actor_that_is_done_blocks_nobody():
    net = Net(2, ((0, 1),), capacity=1)
    report = Simulation(mixers(net)).run(events={"mixer0": 100, "mixer1": 3})
    assert report.actors["mixer0"].events == 100
    assert report.actors["mixer1"].events == 3


@pytest.mark.parametrize(
    ("mistake", "sentence"),
    [
        (lambda actors: Simulation(actors, [1.0, 1.0]), "2 computing times were given for 3"),
        (lambda actors: Simulation(actors, -1.0), "computing times = -1.0"),
        (lambda actors: Simulation(actors, 0.0), "never lets time pass"),
        (lambda actors: Simulation(actors, travelling={"mixer0.nose": 1.0}), "travelling times are given for"),
        (lambda actors: Simulation(actors, Lognormal(0.0, 1.0)), "median"),
        (lambda actors: Simulation(actors, workers=[0]), "1 workers are named for 3"),
        (lambda actors: Simulation(actors, ticks=Ticks(Global(), 0.0)), "period = 0.0"),
        (lambda actors: Simulation(actors, ticks=Ticks(3)), "3 is no clock"),
        (lambda actors: Simulation(actors).run(), "needs an end"),
        (lambda actors: Simulation(actors).run(events={"nobody": 3}), "nobody"),
        (lambda actors: Simulation(actors).run(events=-1), "events = -1"),
        (lambda actors: Simulation(actors).run(seconds=0), "seconds = 0"),
    ],
)
def test_mistakes_get_a_sentence(mistake, sentence):
    with pytest.raises((ParameterError, WiringError), match=sentence):
        mistake(mixers(Net(3, RING)))
