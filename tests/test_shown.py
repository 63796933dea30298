"""A trained machine is drawn as it is, a notebook shows a figure once, and what failed is said."""

from __future__ import annotations

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_rgba

import clockless as cl
from clockless.errors import DescriptionError, JobsFailedWarning, ParameterError, StoreError
from clockless.experiments.files import write
from clockless.pictures.lattices import phase_colours

NETWORK = cl.networks.board16()
PHASES = cl.architectures.square(3, 3, [0, 2], [7])


@pytest.fixture(scope="module")
def resistors():
    task = cl.tasks.regression(NETWORK)
    plain = {"rule": cl.CoupledLearning(0.1, 0.1), "steps": 60, "record": [0, 20, 60], "traces": True}
    return cl.train(cl.Resistors(NETWORK), task, clock=[cl.Global(), cl.Bernoulli(0.5)], **plain)


@pytest.fixture(scope="module")
def phases():
    x = np.random.default_rng(0).uniform(-1, 1, (8, 2))
    task = cl.tasks.from_arrays(x, 0.5 * x[:, :1], network=PHASES)
    return cl.train(cl.XY(PHASES), task, rule=cl.EquilibriumPropagation(0.1, 0.1), steps=30, record=[0, 10, 30], traces=True)


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


# --- pictures of machines ----------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [None, 20])
def test_edges_show_the_resistances_of_that_step(resistors, step):
    figure = resistors.draw(step, clock=1)
    (lines,) = [each for each in figure.axes[0].collections if isinstance(each, LineCollection)]
    values = resistors.data.traces.sel(step=60 if step is None else step).isel(clock=1).values
    places = resistors.medium.network.positions
    drawn = {
        tuple(np.ravel(segment).round(6)): value
        for segment, value in zip(lines.get_segments(), lines.get_array(), strict=True)
    }
    for (i, j), value in zip(NETWORK.edges, values, strict=True):
        assert drawn[tuple(np.concatenate([places[i], places[j]]).round(6))] == value
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["input", "output", "ground"]


def test_sites_show_the_phases_of_the_first_test_example(phases):
    figure = phases.draw()
    task = phases._replicas[0].task
    (settled,) = phases.state(task.x_test[:1]).values
    scattered = [each for each in figure.axes[0].collections if isinstance(each, PathCollection)]
    drawn = {
        tuple(np.asarray(place).round(6)): colour
        for each in scattered
        for place, colour in zip(each.get_offsets(), each.get_facecolors(), strict=True)
    }
    for place, colour in zip(PHASES.network.positions, phase_colours(settled), strict=True):
        np.testing.assert_allclose(drawn[tuple(place.round(6))], to_rgba(colour))
    largest = np.abs(phases.parameters["W"].values).max()
    (legend,) = figure.legends
    assert f"W = +{largest:.2g}" in [text.get_text() for text in legend.get_texts()]


def test_phases_of_an_earlier_step(phases):
    early, late = (phases.draw(step) for step in (0, 30))
    texts = [[text.get_text() for text in figure.legends[0].get_texts()] for figure in (early, late)]
    assert texts[0] != texts[1]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [({"step": 7}, "step = 7 was not recorded"), ({"clock": 5}, "clock = 5: the axes are"), ({"rule": 0}, "rule = 0")],
    ids=str,
)
def test_what_cannot_be_drawn_gets_a_sentence(resistors, options, sentence):
    with pytest.raises(ParameterError, match=sentence):
        resistors.draw(**options)


# --- once in a notebook ------------------------------------------------------------------------------------


def test_a_notebook_shows_a_figure_once(resistors, phases, monkeypatch, tmp_path):
    """What pyplot knows at the end of a cell is shown besides what the cell returns."""
    monkeypatch.setattr(matplotlib, "get_backend", lambda: "module://matplotlib_inline.backend_inline")
    for figure in (resistors.plot(), resistors.draw(), phases.draw()):
        assert plt.get_fignums() == []
        figure.savefig(tmp_path / "figure.png")
        assert (tmp_path / "figure.png").stat().st_size > 1000


def test_a_script_can_show_its_figures(resistors):
    figure = resistors.plot()
    assert plt.figure(plt.get_fignums()[0]) is figure


def test_axes_name_the_units_of_the_medium(resistors, phases):
    assert resistors.plot().axes[0].get_xlabel() == "step × p (mean updates per edge)"
    assert phases.plot().axes[0].get_xlabel() == "step × p (mean updates per coupling or site)"


def test_a_long_name_of_the_error_fits_its_axis(phases):
    figure = phases.plot()
    figure.canvas.draw()
    box = figure.axes[0].yaxis.label.get_window_extent()
    assert figure.bbox.y0 <= box.y0 < box.y1 <= figure.bbox.y1


# --- experiments from files, and jobs that fail --------------------------------------------------------------

SMALL = cl.Experiment(
    network={"kind": "board16"}, task={"kind": "regression", "seed": [0, 1]}, rule=cl.CoupledLearning(0.1, 0.1), steps=5
)


def test_a_file_is_run_beside_where_one_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(SMALL, tmp_path / "study.yaml")
    store = cl.run("study.yaml", progress=False)
    assert store.path.resolve() == tmp_path / SMALL.fingerprint
    assert bool(store.dataset().done.all())
    with pytest.raises(DescriptionError, match=r"missing\.yaml cannot be read"):
        cl.run("missing.yaml")


def test_failed_jobs_are_said(tmp_path, monkeypatch):
    made = cl.Resistors.learner

    def learner(self, replicas, *how):
        if replicas[0].clock == cl.Bernoulli(0.25):
            raise ZeroDivisionError("bad luck")
        return made(self, replicas, *how)

    monkeypatch.setattr(cl.Resistors, "learner", learner)
    experiment = SMALL.changed(clock={"kind": "bernoulli", "p": [0.25, 0.5]}, task={"kind": "regression"})
    cl.Store.create(tmp_path / "some", experiment, width=1)
    with pytest.warns(JobsFailedWarning, match=r"^1 of 2 jobs failed, the first is job 0: ZeroDivisionError: bad luck"):
        store = cl.run(experiment, tmp_path / "some", progress=False)
    assert store.dataset().done.values.tolist() == [False, True]
    alone = experiment.changed(clock={"kind": "bernoulli", "p": 0.25})
    with pytest.raises(StoreError, match=r"^all 1 jobs failed, job 0 so: ZeroDivisionError"):
        cl.run(alone, tmp_path / "none", progress=False)
