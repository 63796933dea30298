"""Numbers of the figures on continuous time from made-up data whose answers are known; the tiny version drawn."""

from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest
import xarray

import clockless as cl
from clockless.papers import Options
from clockless.papers.time import CAPTIONS, FIGURES, boards, clamping, noise, phases, power, relaxing, swinging
from clockless.papers.time.drawings import DRAW
from clockless.papers.time.triggered import CLOCKS, claims, needed
from clockless.papers.trends import median_interval

pytestmark = pytest.mark.timeout(300)


def test_every_figure_is_drawn_and_described():
    assert set(FIGURES) == set(DRAW) == set(CAPTIONS)


def made_up(faster):
    """Errors exp(-events / scale), whose tenth is at scale ln 10; the third clock needs `faster` times fewer events."""
    steps = np.arange(0, 400.0, 4.0)
    scales = np.array([[20.0, 30.0, 40.0] * 8] * 3) / np.array([[1.0], [1.0], [faster]])
    error = np.exp(-steps / scales[..., None])
    shape = ("clock", "task", "step")
    return xarray.Dataset(
        {
            "scaled_error": (shape, error), "events": (shape, np.broadcast_to(steps, error.shape).copy()),
            "energy": (shape, np.broadcast_to(steps, error.shape).copy()), "together": (shape[:2], np.zeros((3, 24))),
        },
        {"clock": list(CLOCKS), "step": steps},
    )  # fmt: skip


def test_needed_events_are_where_the_error_is_a_tenth():
    data = made_up(2.0)
    found = needed(data.scaled_error.values[0], data.events.values[0])
    np.testing.assert_allclose(found[:3], np.log(10) * np.array([20.0, 30.0, 40.0]), rtol=1e-9)
    assert np.isinf(needed(np.ones((1, 3)), np.ones((1, 3)))).all()


def test_claims_see_who_is_slower():
    assert all(claim.holds for claim in claims(made_up(2.0)))
    slow = claims(made_up(1 / 3))
    assert not slow[1].holds
    assert slow[1].measured == pytest.approx(np.log10(3.0))
    late = claims(made_up(1 / 100))
    assert late[0].measured == 0
    assert not late[0].holds


def test_a_share_of_few_tasks_is_undecided():
    """21 of 24 lie within the margin of a fifth, but the interval does not; nor does that of 3 of 3."""
    data = made_up(2.0)
    data.scaled_error.values[2, :3] = 1.0
    found = claims(data)[0]
    assert (found.measured, found.holds) == (0.875, False)
    assert "more runs would decide it" in found.remarks
    few = claims(made_up(2.0).isel(task=slice(3)))[0]
    assert (few.measured, few.holds) == (1.0, False)
    assert few.interval[0] == pytest.approx(1 / (1 + 1.6449**2 / 3), abs=1e-4)


def test_a_slower_clock_is_no_worse_only_if_the_whole_interval_says_so():
    """Half of the tasks take four times as many events: 0.30 decades on average, about what is allowed."""
    data = made_up(1.0)
    slow = made_up(0.3)
    data.scaled_error.values[2, ::2] = slow.scaled_error.values[2, ::2]
    found = claims(data)[1]
    assert found.measured == pytest.approx(np.log10(1 / 0.3) / 2)
    assert found.measured < 0.3 < found.interval[1]
    assert not found.holds


def made_up_boards(longer=1.0, later=1.0):
    """Errors exp(-events / 20), `longer` of self-triggered edges; errors double at a ratio of 1, of events at `later`."""
    events = np.tile(np.arange(0, 100.0, 2.0), (3, 20, 1))
    error = np.exp(-events / np.array([20.0, 20.0, 20.0 * longer])[:, None, None]) * np.linspace(1, 1.1, 20)[:, None]
    solved = np.ones((3, 20), dtype=bool)
    solved[2, : 4 if longer > 1 else 0] = False
    ratios = np.array([0.01, 0.1, 1.0, 10.0])
    last = np.array([0.1 * (1 + ratios / at) for at in (1.0, later)])[:, :, None] * np.linspace(1, 1.1, 20)
    settled = xarray.Dataset(
        {"scaled_error": (("clock", "board", "look"), error), "events": (("clock", "board", "look"), events),
         "solved": (("clock", "board"), solved)}
    )  # fmt: skip
    return settled, xarray.Dataset({"last_error": (("kind", "ratio", "board"), last)}, {"ratio": ratios})


def test_boards_are_compared_at_equal_events_and_where_errors_begin_to_grow():
    assert all(claim.holds for claim in boards.claims(*made_up_boards()))
    settled, ratios = made_up_boards(2.0, 4.0)
    found = {claim.quantity[:30]: claim for claim in boards.claims(settled, ratios)}
    verdicts = [claim.holds for claim in found.values()]
    assert verdicts == [True, False, True, False, True, False]
    _, error = boards.at_equal_events(settled)
    np.testing.assert_allclose(error[2] / error[1], np.exp(98 / 40), rtol=1e-9)
    grown = boards.begins_to_grow(ratios.ratio.values, ratios.last_error.values[0])
    rise = np.log10(2 / 1.01), np.log10(1.1 / 1.01)  # at 1 and 0.1
    assert np.log10(grown) == pytest.approx(-(rise[0] - boards.GROWN) / (rise[0] - rise[1]))
    assert np.isnan(boards.begins_to_grow(ratios.ratio.values, np.ones((4, 5))))
    assert boards.shift_of_growth(ratios.ratio.values, np.ones((2, 4, 5)))[1] == (-np.inf, np.inf)


def test_boards_that_differ_from_one_another_leave_the_shift_undecided():
    """Thresholds of events that scatter by a decade about those of ticks: no shift on average, and no verdict."""
    settled, ratios = made_up_boards()
    at = 10 ** np.random.default_rng(1).normal(0, 1.0, (1, 20))
    ratios.last_error.values[1] = 0.1 * (1 + ratios.ratio.values[:, None] / at)
    found = boards.claims(settled, ratios)[-1]
    assert abs(found.measured) < boards.APART
    assert found.interval[0] < -boards.APART
    assert not found.holds


@pytest.mark.parametrize("name", list(FIGURES))
def test_the_tiny_version_is_drawn(name):
    mpl.use("Agg")
    data = FIGURES[name](Options(tiny=True, seed=100))
    assert np.isfinite(data.datasets[f"figure-{name}"].scaled_error).all()
    figure = DRAW[name](data.datasets)
    assert all(axes.get_xlabel() for axes in figure.axes)
    mpl.pyplot.close(figure)


# --- networks that relax ------------------------------------------------------------------------------------------------


def lagging(ratios, shift=1.0):
    """Residuals of one mode that lags, tau s^2 + s + ratio = 0 from rest, whose closed form is known; errors are squares."""
    time = np.linspace(0, 1, 1201) * np.maximum(60 / ratios, 60)[:, None]
    roots = np.sqrt(1 - 4 * shift * ratios[:, None] + 0j)
    s, t = (-1 + roots) / 2, (-1 - roots) / 2
    residual = ((s * np.exp(t * time) - t * np.exp(s * time)) / (s - t)).real
    return time, residual**2


TASKS = 12  # as many as in figures 2 and 6


def made_up_ratios(shift=1.0):
    ratios = 10.0 ** np.array([-3, -2, -1.5, -1, -0.5, 0, 0.5, 1])
    time, error = lagging(ratios)
    other = lagging(ratios, shift)[1]
    return xarray.Dataset(
        {
            "scaled_error": (
                ("p", "ratio", "task", "look"),
                np.stack([np.stack([e] * TASKS, axis=1) for e in (error, other)]),
            ),
            "time": (("ratio", "look"), time),
            "frequency": (("ratio", "task"), np.repeat(np.sqrt(np.maximum(ratios - 0.25, 0))[:, None], TASKS, axis=1)),
            "growth": (("ratio", "task"), np.full((len(ratios), TASKS), -0.5)),
        },
        {"p": [1.0, 0.1], "ratio": ratios},
    )


def test_claims_find_what_one_mode_does():
    """Below a quarter its error falls for ever, at a rate in proportion; beyond it oscillates with the frequency's root."""
    found = relaxing.claims(made_up_ratios())
    assert all(claim.holds for claim in found), [(claim.quantity, claim.measured) for claim in found]
    critical = relaxing.threshold(made_up_ratios().ratio.values, made_up_ratios().scaled_error.values[0])
    assert ((critical > 0.1) & (critical < 1)).all()
    assert not relaxing.claims(made_up_ratios(shift=30.0))[-1].holds


@pytest.mark.parametrize(
    ("change", "rows"),
    [("two do not oscillate", [2]), ("two do oscillate", [1]), ("speeds", [0]), ("frequencies", [6]), ("thresholds", [4])],
)
def test_every_row_of_relaxing_networks_can_fail(change, rows):
    """Made-up deviations, most of them small enough for the measured value alone to lie within the margin."""
    data = made_up_ratios()
    ratios, error, luck = data.ratio.values, data.scaled_error.values, np.random.default_rng(0)
    calm, wavy = error[0, 0, 0].copy(), error[0, -1, 0].copy()
    if change == "two do not oscillate":
        error[:, ratios >= relaxing.FAST, :2] = calm
    elif change == "two do oscillate":
        error[:, ratios <= relaxing.SLOW, :2] = np.concatenate([wavy[:-600], np.full(600, 1e-9)])
    elif change == "speeds":  # times that scatter by half a decade, as if rates had been set so
        for task in range(TASKS):
            for k, power in enumerate(10 ** luck.normal(0, 0.5, 3)):
                error[0, k, task] = error[0, k, task] ** power
    elif change == "frequencies":
        data.frequency.values[:] *= ratios[:, None] ** luck.normal(0.08, 0.08, TASKS)
    else:  # as if the slowest mode had a tenth of its rate
        error[:] = np.stack([lagging(ratios, 10.0)[1]] * TASKS, axis=1)
    found = relaxing.claims(data)
    assert [k for k in rows if found[k].holds] == [], [(claim.quantity, claim.measured, claim.interval) for claim in found]


def test_claims_on_phases_find_what_one_mode_does():
    """The same made-up errors, for three clocks; one whose threshold is elsewhere is noticed."""
    for shift in (1.0, 30.0):
        data = made_up_ratios(shift)
        both = data.scaled_error.values
        shape = ("clock", "ratio", "task", "look")
        data = data.drop_vars(["scaled_error", "p", "frequency", "growth"]).drop_dims("p", errors="ignore")
        data["scaled_error"] = (shape, np.stack([both[0], both[0], both[1]]))
        found = phases.claims(data.assign_coords(clock=list(phases.CLOCKS)))
        assert [claim.holds for claim in found] == [*[True] * 7, shift == 1.0]


def test_the_ratio_of_phases_is_that_of_the_first_rates():
    """Steps of `XY` that learn at a hundredth of the speed: the error's root falls by a hundredth in each at first."""
    task, speed, rate = phases.task_of(100_000)
    medium = cl.XY(phases.LATTICE)
    rule = cl.EquilibriumPropagation(phases.NUDGE, 0.01 / speed, cost="cosine")
    run = cl.train(medium, task, rule=rule, clock=cl.Global(), steps=2, record=[0, 1, 2], initial=phases.begun(), seed=0)
    falls = -0.5 * np.diff(np.log(run.error.values.ravel()))
    assert falls[0] == pytest.approx(0.01, rel=0.02)
    # The slowest mode is what a state comes back to rest by.
    slow = cl.RelaxingXY(phases.LATTICE, friction=1.0)
    held = dict(zip(phases.LATTICE.inputs, task.x_train[0], strict=True))
    rest, _ = slow.settle(phases.begun(), held, np.zeros(9), residual=1e-11)
    late = slow.follow(phases.begun(), held, rest + 1e-3, [8.0, 9.0])
    assert np.log(np.linalg.norm(late[0] - rest) / np.linalg.norm(late[1] - rest)) == pytest.approx(rate, rel=1e-3)


def test_frequencies_of_a_mode_that_lags():
    """omega = sqrt(ratio - 1/4) in units of 1 / tau."""
    ratios = np.array([1.0, 5.0])
    time, error = lagging(ratios)
    found = [relaxing.swings(t, e[None])[0] for t, e in zip(time, error, strict=True)]
    np.testing.assert_allclose(found, np.sqrt(ratios - 0.25), rtol=0.05)


def small(medium, task, ohms, nudge, rate):
    return swinging.small_swings(medium, task, ohms, nudge, rate, 1.0)


def test_small_swings_of_a_divider_are_those_of_one_mode():
    """Two edges, one free node that is the output: the eigenvalues are 0 and the roots of tau s^2 + s + gamma = 0."""
    network, ohms, capacity, rate = cl.Network([(0, 1), (1, 2)]), np.array([1.0, 2.0]), 0.7, 30.0
    task = cl.Task([0], [1], [2], [[1.0]], [[2 / 3]], [[1.0]], [[2 / 3]])
    found = swinging.small_swings(cl.Resistors(network), task, ohms, 0.3, rate, capacity)
    tau = capacity / (1 / 1.0 + 1 / 2.0)
    drops = np.array([1 / 3, 2 / 3])
    gamma = rate * tau / capacity * np.sum((drops / ohms**2) ** 2)
    exact = np.array([0.0, *np.roots([tau, 1.0, gamma])], dtype=complex)
    assert np.abs(found[:, None] - exact).min(axis=0).max() < 1e-12
    frequency, growth = swinging.fastest_swing(found)
    assert frequency == pytest.approx(np.sqrt(gamma / tau - 1 / (4 * tau**2)))
    assert growth == pytest.approx(0, abs=1e-12)


def test_the_loop_over_events_swings_as_its_linear_dynamics_say():
    """A divider that starts near what it learns, at a ratio of 9: its output crosses the target every half period.

    A tick is 1/200 of a period, and what is learned in it comes half a tick late: 2 % is allowed.
    """
    network, ohms, capacity = cl.Network([(0, 1), (1, 2)]), np.array([1.0, 2.0]), 2_000.0
    task = cl.Task([0], [1], [2], [[1.0]], [[2 / 3]], [[1.0]], [[2 / 3]])
    tau = capacity / 1.5
    rate = 9 / tau / (tau / capacity * (1 / 9 + 1 / 36))
    values = swinging.small_swings(cl.Resistors(network), task, ohms, 0.3, rate, capacity)
    frequency, _ = swinging.fastest_swing(values)
    assert frequency == pytest.approx(np.sqrt(9 - 0.25) / tau)
    period = 2 * np.pi / frequency
    medium, rule = cl.RelaxingResistors(network, capacity=capacity), cl.CoupledLearning(0.3, rate * period / 200)
    run = cl.train(
        medium, task, rule=rule, clock=cl.Ticks(period / 200), initial=ohms * [1.0, 1.002], steps=round(2.5 * period),
        record=list(range(0, round(2.5 * period), 5)), traces=True,
    )  # fmt: skip
    learned, at = run.data.traces.values.reshape(-1, 2), run.data.step.values
    crossings = at[np.flatnonzero(np.diff(np.sign(learned[:, 1] - 2.0 * learned[:, 0])) != 0)]
    assert len(crossings) == 5
    assert np.mean(np.diff(crossings)) == pytest.approx(period / 2, rel=0.02)


def differenced(medium, task, ohms, nudge, rate):
    """The same eigenvalues from the equations of motion as they stand, by central differences; 1 F at every node."""
    nodes, outputs = medium.network.nodes, list(task.outputs)
    held = [*task.inputs, *task.ground]
    free = np.setdiff1d(np.arange(nodes), held)
    hidden = np.setdiff1d(free, outputs)
    volts = dict(zip(held, [*task.x_train[0], *[0.0] * len(task.ground)], strict=True))
    settled = medium.settle(ohms, volts)

    def motion(y):
        twins = np.array([settled, settled])
        twins[0, free], twins[1, hidden], resistances = np.split(y, [len(free), len(free) + len(hidden)])
        twins[1, outputs] = twins[0, outputs] + nudge * (task.y_train[0] - twins[0, outputs])
        laplacian = medium.laplacian(1 / resistances).toarray()
        drops = np.array([medium.drops(twin) for twin in twins])
        learning = rate / (2 * nudge) * (drops[1] ** 2 - drops[0] ** 2) / resistances**2
        return np.concatenate([-(laplacian @ twins[0])[free], -(laplacian @ twins[1])[hidden], learning])

    start = np.concatenate([settled[free], settled[hidden], ohms])
    steps = 1e-5 * np.eye(len(start))
    return np.linalg.eigvals(np.array([(motion(start + h) - motion(start - h)) / 2e-5 for h in steps]).T)


def test_small_swings_of_a_board_are_those_of_its_equations_of_motion():
    """And they grow beyond some ratio, where no swing of a single mode does."""
    medium, ohms = cl.Resistors(cl.networks.board16()), np.random.default_rng(4).uniform(0.5, 2.0, 16)
    task = cl.tasks.allosteric(medium.network, outputs=1, seed=4)
    volts = dict(zip([*task.inputs, *task.ground], [*task.x_train[0], 0.0], strict=True))
    target = [[medium.settle(ohms, volts)[task.outputs[0]]]]
    task = replace(task, y_train=target, y_test=target)
    growth = []
    for rate in (0.1, 1e4, 1e5):
        found, other = (rule(medium, task, ohms, 0.2, rate) for rule in (small, differenced))
        scale = np.abs(found).max()
        growing, oscillating = found.real.max(), np.abs(found.imag).max()
        assert growing == pytest.approx(other.real.max(), abs=1e-6 * scale)
        assert oscillating == pytest.approx(np.abs(other.imag).max(), abs=1e-4 * scale)
        growth.append(growing)
    assert growth[0] < 1e-9
    assert growth[1] > 0.1


def test_medians_have_intervals_whatever_the_distribution():
    """Of 12 values the third lowest and highest, by the table of the binomial distribution; infinite ones count as large."""
    values = np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 9, np.inf, np.inf, np.inf])
    assert median_interval(values) == (6.5, 3.0, np.inf)
    luck = np.random.default_rng(0).exponential(size=(2_000, 12))
    _, low, high = median_interval(luck)
    assert np.mean((low <= np.log(2)) & (np.log(2) <= high)) >= 0.95


# --- noise ----------------------------------------------------------------------------------------------------------------


def made_up_noise(exponent):
    """Errors in proportion to a power of the variance, and to the size of updates where ticks are as many."""
    p, tasks = np.array(noise.P), np.array([1.0, 2.0, 4.0])
    variance = np.array([noise.LEVELS, noise.LEVELS, noise.LEVELS * noise.WRITES])
    sizes = np.stack([np.ones(3), 1 / p])[:, :, None, None]
    error = 1e-9 + 30 * (noise.LEVELS[:, None] ** exponent * tasks) * sizes * np.ones((3, 1, 1, 1, 1))
    data = xarray.Dataset(
        {"scaled_error": (("noise", "schedule", "p", "level", "task"), error), "variance": (("noise", "level"), variance)},
        {"noise": list(noise.KINDS), "schedule": list(noise.SCHEDULES), "p": p},
    )
    data["just_learned"] = (("noise", "schedule", "p", "task"), noise.thresholds(data))
    return data


def test_claims_find_the_noise_that_tasks_stand():
    """Errors in proportion to the variance and to the size of updates: all claims hold; to the variance squared: not all."""
    data = made_up_noise(1.0)
    exact = 0.01 / 30 / np.array([1.0, 2.0, 4.0])
    np.testing.assert_allclose(data.just_learned.values[0, 0], np.tile(exact, (3, 1)), rtol=1e-2)
    np.testing.assert_allclose(data.just_learned.values[0, 1], exact * np.array(noise.P)[:, None], rtol=1e-2)
    found = noise.claims(data)
    assert all(claim.holds for claim in found), [(claim.quantity, claim.measured) for claim in found]
    steep = noise.claims(made_up_noise(2.0))
    assert steep[0].measured == pytest.approx(2, abs=0.01)
    assert not steep[0].holds


def test_the_exponent_of_equal_ticks_is_that_of_steps_that_are_not_small():
    """By iterating the variance of a reading that every update takes a share of: v <- (1 - gamma)^2 v + gamma^2 s."""
    ends = []
    for gamma in noise.GAMMA / np.array(noise.P):
        variance = 0.0
        for _ in range(2_000):
            variance = (1 - gamma) ** 2 * variance + gamma**2
        ends.append(variance)
    exact = np.polyfit(np.log(noise.P), -np.log(ends), 1)[0]
    assert noise.expected_exponent("ticks", np.array(noise.P)) == pytest.approx(exact, rel=1e-9)
    assert exact == pytest.approx(1.11, abs=0.005)
    assert noise.expected_exponent("updates", np.array(noise.P)) == pytest.approx(0, abs=1e-12)


def test_noise_that_tasks_stand_differently_is_undecided():
    """Exponents that scatter by a half about what is expected, for every row of thresholds."""
    data = made_up_noise(1.0)
    for exponents in (np.array([-0.5, 0.0, 0.5]), np.full(3, 0.6)):
        other = data.copy(deep=True)
        other.just_learned.values[:] *= np.array(noise.P)[:, None] ** exponents
        found = [claim for claim in noise.claims(other) if "over p" in claim.quantity]
        assert len(found) == 6
        assert not any(claim.holds for claim in found)


def test_a_task_without_a_threshold_has_none():
    """Learned at no level; at all; and lost between the second and the third."""
    error = np.array([[1e-2, 1e-3, 1e-3], [0.02, 1e-3, 1e-3], [0.3, 2e-3, 1e-1], [0.5, 5e-3, 0.2]])
    found = noise.just_learned(np.array([0.0, 1e-3, 1e-2, 1e-1]), error)
    assert np.isnan(found[:2]).all()
    assert found[2] == pytest.approx(10**-2.5)


# --- what learning costs --------------------------------------------------------------------------------------------------


def test_claims_know_the_square_of_a_price():
    """Errors in proportion to the square, power that falls: claims hold; in proportion to the first power they do not."""
    prices = np.array(power.PRICES)
    spread = np.linspace(0.5, 2.0, 5)
    for exponent in (2, 1):
        paid = prices[:, None, None] ** exponent * np.ones((1, 3, 1)) * spread
        costs = np.broadcast_to((1 / (1 + 100 * prices))[:, None, None], paid.shape) * spread**0.1
        data = xarray.Dataset(
            {"scaled_error": (("price", "p", "task"), paid), "power": (("price", "p", "task"), costs)},
            {"price": prices, "p": [1.0, 0.2, 0.05]},
        )
        found = power.price_claims(data)
        assert found[0].measured == pytest.approx(exponent)
        assert [claim.holds for claim in found] == [exponent == 2, True, True, True]
        shifted = data.copy(deep=True)  # at the last price alone: 0.08 decades and a scatter of 0.1; the other way by 0.12
        shifted.scaled_error.values[-1, -1] *= 10 ** (0.08 + 0.1 * np.array([-1, -0.5, 0, 0.5, 1]))
        shifted.power.values[-1, -1] *= 10**-0.12
        found = power.price_claims(shifted)
        assert [claim.measured for claim in found[2:]] == pytest.approx([0.08, -0.12])
        assert [claim.holds for claim in found[2:]] == [False, False]


# --- clamping beyond the target -------------------------------------------------------------------------------------------


def made_up_nudges(exponent):
    """Errors in proportion to nudge^exponent; prices count per unit of the nudge; nudges that grow end like the last one."""
    nudges, tasks = clamping.NUDGES, np.linspace(0.5, 2.0, 5)
    errors = np.array([1e-3, 1e-2])[:, None, None] * (nudges**exponent)[:, None] * tasks
    shape = ("kind", "nudge", "task")
    nudged = xarray.Dataset(
        {"scaled_error": (shape, errors), "power": (shape, np.ones_like(errors) * tasks)},
        {"kind": list(clamping.KINDS), "nudge": nudges},
    )
    paid = (clamping.PRICES**2)[:, None, None] * np.ones((1, 3, 1)) * tasks
    priced = xarray.Dataset(
        {"scaled_error": (("price", "nudge", "task"), paid), "power": (("price", "nudge", "task"), np.ones_like(paid))},
        {"price": clamping.PRICES, "nudge": clamping.PRICED},
    )
    stages = np.ones((3, clamping.STAGES, 1)) * tasks
    grown = xarray.Dataset(
        {
            "scaled_error": (("schedule", "stage", "task"), np.array([1e-2, 1e-4, 1e-4])[:, None, None] * stages),
            "power": (("schedule", "stage", "task"), np.array([0.05, 0.5, 0.1])[:, None, None] * stages),
        },
        {"schedule": ["first", "last", "growing"], "stage": np.arange(1, clamping.STAGES + 1)},
    )
    return nudged, priced, grown


def test_claims_know_how_errors_fall_with_the_nudge():
    for exponent in (-2.0, 0.0):
        found = clamping.claims(*made_up_nudges(exponent))
        assert found[0].measured == pytest.approx(exponent, abs=1e-9)
        assert [claim.holds for claim in found] == [exponent < 0, exponent < 0, *[True] * 6]
    nudged, priced, grown = made_up_nudges(-2.0)
    found = clamping.claims(nudged, priced.assign(scaled_error=priced.scaled_error * priced.nudge**0.1), grown)
    assert found[3].measured == pytest.approx(0.1 * np.log10(25))
    assert not found[3].holds
    dims = ("kind", "nudge", "price", "schedule", "stage", "task")
    luck = 10 ** (0.4 * np.array([-1, -0.5, 0, 0.5, 1]))  # no difference on average, and none that is known
    for k, scattered in (
        (2, (nudged.assign(power=nudged.power * xarray.where(nudged.nudge > 5, luck_of(luck), 1.0)), priced, grown)),
        (4, (nudged, priced.assign(power=priced.power * xarray.where(priced.nudge > 4, luck_of(luck), 1.0)), grown)),
        (5, (nudged, priced, grown.assign(scaled_error=grown.scaled_error * xarray.where(
            grown.schedule == "growing", luck_of(luck), 1.0)))),
    ):  # fmt: skip
        found = clamping.claims(*(data.transpose(*dims, missing_dims="ignore")
                                  for data in scattered))  # fmt: skip
        assert abs(found[k].measured) < 1e-12
        assert not found[k].holds
        assert "more runs would decide it" in found[k].remarks


def luck_of(values):
    return xarray.DataArray(values, dims="task")


def test_a_price_counts_per_unit_of_the_nudge():
    """A divider whose edges pay a price is away from its target by as much at equal price / nudge, to first order, also
    beyond a nudge of 1.
    """
    network = cl.Network([(0, 1), (1, 2)])
    task = cl.Task([0], [1], [2], [[1.0]], [[0.6]], [[1.0]], [[0.6]])
    away = []
    for nudge in (0.05, 0.5, 5.0):
        device, rule = cl.Continuous(cl.Priced(1e-4 * nudge)), cl.CoupledLearning(nudge, 0.2, "conductance")
        run = cl.train(cl.Resistors(network), task, rule=rule, device=device, batch=1, steps=400, seed=0)
        free = run.parameters.values.ravel()
        away.append(free[1] / free.sum() - 0.6)
    np.testing.assert_allclose(away[1:], away[0], rtol=5e-3)
    assert abs(away[0]) > 1e-6
