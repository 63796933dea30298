"""Plots: what a line is, what legends say, and one sentence for what cannot be drawn."""

from __future__ import annotations

import re
from itertools import pairwise
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pytest

import clockless as cl
from clockless import pictures as drawing
from clockless.errors import ParameterError

mpl.use("Agg")

GRID = cl.networks.lattice(3, 3)
MEDIUM = cl.Resistors(GRID, low=0.1, high=10.0)
RULE = cl.CoupledLearning(0.1, 0.01)
TASKS = [cl.tasks.regression(GRID, train=4, test=4, seed=seed) for seed in range(2)]


@pytest.fixture(autouse=True)
def close_figures():
    """No figure outlives its test."""
    yield
    mpl.pyplot.close("all")


def run_of(**changed) -> cl.Run:
    return cl.train(MEDIUM, **{"task": TASKS[0], "rule": RULE, "steps": 20, **changed})


def legend_of(figure) -> tuple[str, list[str]]:
    legend = figure.legends[0] if figure.legends else figure.axes[0].get_legend()
    return legend.get_title().get_text(), [text.get_text() for text in legend.get_texts()]


def test_every_dimension_but_task_initial_and_seed_makes_lines():
    """Two devices of other levels are two lines, each the mean over tasks and initial values."""
    devices = [cl.Levels(100, 0.1, 10.0), cl.Continuous()]
    run = run_of(task=TASKS, initial=[1.0, 2.0], device=devices, clock=[cl.Bernoulli(0.5), cl.Global()])
    axes = run.plot().axes[0]
    assert len(axes.lines) == 4
    error = run.error.isel(clock=0, device=1).mean(["task", "initial"]).sel(step=slice(1, None))
    np.testing.assert_allclose(axes.lines[1].get_ydata(), error)
    measured = float(run.actions.isel(clock=0, device=1).mean()) / int(run.data.step[-1])
    assert measured == pytest.approx(0.5, abs=0.1)
    np.testing.assert_allclose(axes.lines[1].get_xdata(), measured * error.step)


def test_a_single_line_needs_no_legend():
    """Without lists there is nothing to tell apart."""
    axes = run_of().plot("step").axes[0]
    assert len(axes.lines) == 1
    assert axes.get_legend() is None


@pytest.mark.parametrize("count", [3, 9])
def test_legend_of_clocks_that_differ_in_p(count):
    """Numbers under a title; more than six lines have them beside the axes."""
    ps = np.arange(1, count + 1) / 10
    figure = run_of(clock=[cl.Bernoulli(p) for p in ps]).plot()
    assert legend_of(figure) == ("p", [f"{p:g}" for p in ps])
    assert bool(figure.legends) == (count > 6)
    assert (figure.get_figwidth() > drawing.COLUMN) == (count > 6)


def test_legend_of_clocks_of_several_classes():
    """Equal p of two clocks must not read alike."""
    figure = run_of(clock=[cl.Bernoulli(0.5), cl.FixedFraction(0.5)]).plot()
    assert legend_of(figure) == ("", ["Bernoulli(p=0.5)", "FixedFraction(p=0.5)"])


@pytest.mark.parametrize(("rates", "shown"), [
    (np.geomspace(0.01, 0.1, 3), ["0.01", "0.03162", "0.1"]),
    ([0.123456789012, 0.123456123456], ["0.123457", "0.123456"]),
])  # fmt: skip
def test_legends_round_computed_numbers_as_far_as_they_differ(rates, shown):
    figure = run_of(rule=[cl.CoupledLearning(0.1, float(rate)) for rate in rates]).plot()
    assert [re.search(r"rate=([^,)]+)", label)[1] for label in legend_of(figure)[1]] == shown


@pytest.mark.parametrize("changed", [{"steps": 0}, {"record": [0]}])
def test_a_run_that_recorded_step_0_only(changed):
    """A logarithmic axis has no place for it."""
    with pytest.raises(ParameterError, match=r"only step 0 was recorded; .* record more steps"):
        run_of(**changed).plot()


def test_the_band_is_cut_at_a_fifth_of_the_mean():
    """A wide interval stays on the logarithmic axis."""
    _, axes = mpl.pyplot.subplots()
    drawing.draw_curve(axes, np.array([0, 1, 2]), np.array([[1.0, 1.0, 1.0], [1.0, 100.0, 1.0]]), {"color": "k"})
    assert axes.collections[0].get_paths()[0].vertices[:, 1].min() == pytest.approx(1.0)
    assert 0.2 * 50.5 in axes.collections[0].get_paths()[0].vertices[:, 1]


# --- networks --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (1.0, 1.0, {"1"}),
        (1.0, 1.5, {"1", "1.1", "1.2", "1.3", "1.4", "1.5"}),
        (0.05, 30.0, {"0.05", "0.1", "0.2", "0.5", "1", "2", "5", "10", "20"}),
        (0.001, 100.0, {"0.001", "0.01", "0.1", "1", "10", "100"}),
    ],
)
def test_ticks_of_the_colour_bar(low, high, labels):
    """Round numbers, whose labels do not touch."""
    figure = drawing.network_figure(GRID, TASKS[0], np.geomspace(low, high, 12))
    figure.canvas.draw()
    axis = figure.axes[1].yaxis
    inside = [tick.label2 for tick in axis.get_major_ticks() if low * 0.999 <= tick.get_loc() <= high * 1.001]
    assert {text.get_text() for text in inside} == labels
    assert not any(tick.label2.get_text() for tick in axis.get_minor_ticks())
    boxes = sorted((text.get_window_extent() for text in inside), key=lambda box: box.y0)
    assert all(below.y1 < above.y0 for below, above in pairwise(boxes))


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"task": TASKS}, "one task, such as"),
        ({"task": 3}, "is not a Task"),
        ({"task": SimpleNamespace(inputs=[0], outputs=[9], ground=[1])}, "node 9"),
        ({"network": MEDIUM}, "give its wiring, .network"),
        ({"network": [(0, 1)]}, "is not a Network"),
        ({"resistances": np.ones(11)}, "12 edges"),
        ({"resistances": np.ones((3, 12))}, r"\(3, 12\).*\.isel"),
        ({"resistances": "a"}, "not numbers"),
        ({"resistances": np.array([1.0] * 11 + [np.nan])}, "edge 11 is nan"),
        ({"resistances": 0.0}, "edge 0 is 0.0"),
    ],
)
def test_what_cannot_be_drawn(changed, says):
    """One sentence each."""
    with pytest.raises(ParameterError, match=says) as caught:
        drawing.network_figure(**{"network": GRID, **changed})
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


def test_resistances_of_several_replicas():
    """The sentence names the dimensions to pick from; one of them can be drawn."""
    run = run_of(clock=[cl.Bernoulli(0.5), cl.Global()])
    with pytest.raises(ParameterError, match=r"\(clock: 2, edge: 12\).*\.isel"):
        drawing.network_figure(GRID, TASKS[0], run.parameters)
    drawing.network_figure(GRID, TASKS[0], run.parameters.isel(clock=0))


def test_nodes_without_positions_are_placed_apart():
    """A grid by its path lengths has no two nodes in one place."""
    places = drawing.placed(cl.Network(GRID.edges))
    assert places.shape == (9, 2)
    distances = np.linalg.norm(places[:, None] - places, axis=2) + 9 * np.eye(9)
    assert distances.min() > 0.2
