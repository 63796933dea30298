"""What a notebook shows: cards with pictures, films, bars and a slider, and short words at a prompt."""

from __future__ import annotations

import re
import sys
import types
from xml.etree import ElementTree

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

import clockless as cl
from clockless.errors import ParameterError
from clockless.pictures.cards import card, network_picture
from clockless.workers import progress
from clockless.workers.sliders import learned_with

mpl.use("Agg")

NETWORK = cl.networks.board16()
TASK = cl.tasks.regression(NETWORK)
SQUARE = cl.architectures.square(3, 3, [0, 2], [7])
EXPERIMENT = cl.Experiment(network={"kind": "board16"}, task={"kind": "regression", "seed": [0, 1]}, steps=30, title="<b>x")


@pytest.fixture(scope="module")
def run():
    plain = {"rule": cl.CoupledLearning(0.1, 0.1), "steps": 30, "record": [0, 10, 30], "traces": True}
    return cl.train(cl.Resistors(NETWORK), TASK, clock=[cl.Global(), cl.Bernoulli(0.5)], **plain)


@pytest.fixture(scope="module")
def phases():
    x = np.random.default_rng(0).uniform(-1, 1, (8, 2))
    task = cl.tasks.from_arrays(x, 0.5 * x[:, :1], network=SQUARE)
    return cl.train(cl.XY(SQUARE), task, rule=cl.EquilibriumPropagation(0.1, 0.1), steps=4, record=[0, 2, 4], traces=True)


def shown(thing):
    """The card of a thing, parsed: it is well formed, loads nothing and runs nothing."""
    html = thing._repr_html_()
    assert len(html) < 60_000
    assert "<script" not in html
    assert not re.search(r"(?:src|href)\s*=|url\(|https?://(?!www\.w3\.org/2000/svg)", html)
    return ElementTree.fromstring(html)


def count(tree, tag):
    return len(tree.findall(f".//{{http://www.w3.org/2000/svg}}{tag}"))


def test_networks_and_media_show_their_edges(run, phases):
    for thing in (NETWORK, cl.Resistors(NETWORK), cl.Circuit(NETWORK, cl.laws.Ohmic())):
        tree = shown(thing)
        assert count(tree, "line") == len(NETWORK.edges)
        assert count(tree, "circle") == NETWORK.nodes
    for thing in (SQUARE, cl.XY(SQUARE)):
        assert count(shown(thing), "line") == len(SQUARE.network.edges)
        assert count(shown(thing), "polygon") == 3, "two inputs and an output"
    assert count(shown(cl.DeepResistive((784, 100, 10))), "rect") == 3


def test_a_task_shows_its_examples():
    tree = shown(TASK)
    assert count(tree, "circle") == len(TASK.x_train)
    assert str(len(TASK.x_test)) in "".join(tree.itertext())


def test_a_run_shows_curves_and_what_was_learned(run, phases):
    for each, lines in ((run, 2), (phases, 1)):
        tree = shown(each)
        assert count(tree, "polyline") == lines
        strokes = {line.get("stroke") for line in tree.iter("{http://www.w3.org/2000/svg}line")}
        assert len(strokes) > 3, "edges have the colours of what they learned"
    assert repr(run).startswith("Run(Resistors, 30 steps; clock: 2")


def test_experiments_and_stores_are_short(tmp_path):
    store = cl.run(EXPERIMENT, tmp_path / "store", progress=False)
    assert count(shown(store), "polyline") == 1
    assert count(shown(EXPERIMENT), "line") == len(NETWORK.edges)
    assert "<b>x" in "".join(shown(EXPERIMENT).itertext()), "as text, not as a tag"
    for thing in (store, EXPERIMENT, cl.Experiment(seeds="0..99999")):
        assert len(repr(thing)) < 300
        assert len(thing._repr_html_()) < 60_000
    assert "task: 2" in repr(EXPERIMENT)
    assert "1 of 1 jobs done" in repr(store)
    assert EXPERIMENT.fingerprint in repr(store)


def test_large_networks_have_no_picture():
    ring = cl.Network([(k, (k + 1) % 4000) for k in range(4000)])
    assert network_picture(ring) == ""
    assert "4000" in ring._repr_html_()


def test_facts_are_escaped():
    assert "&lt;img&gt;" in card("<img>", [("<img>", "<img>")])
    assert "<img>" not in card("<img>", [("<img>", "<img>")])


def test_a_film_shows_every_recorded_step_on_one_scale(run, tmp_path):
    film = run.animate(clock=1, seconds=1.5)
    assert [shot.step for shot in film.shots] == [0, 10, 30]
    traces = run.data.traces.isel(clock=1)
    for shot in film.shots:
        assert (shot.values == traces.sel(step=shot.step).values).all()
        settled = run.medium.settle(
            shot.values, dict(zip((*TASK.inputs, *TASK.ground), (*TASK.x_test[0], 0.0), strict=True))
        )
        assert shot.state == pytest.approx(settled)
    scales = {tuple(film.frame(k).axes[0].collections[0].get_clim()) for k in range(3)}
    assert scales == {(float(traces.min()), float(traces.max()))}
    with Image.open(film.save(tmp_path / "film.gif")) as picture:
        assert picture.n_frames == 3
        assert picture.info["duration"] == pytest.approx(500, abs=10)
    assert "data:" in film._repr_html_()
    plt.close("all")


def test_a_film_of_phases_has_the_colours_of_phases(phases):
    film = phases.animate()
    nodes = film.frame(2).axes[0].collections[-1]
    assert nodes.get_facecolors()[:, :3] == pytest.approx(cl.pictures.lattices.phase_colours(film.shots[2].state), abs=1e-6)
    plt.close("all")


def test_what_cannot_be_filmed_gets_one_sentence(run, tmp_path):
    still = cl.train(cl.Resistors(NETWORK), TASK, rule=cl.CoupledLearning(0.1, 0.1), steps=5)
    with pytest.raises(ParameterError, match="traces=True"):
        still.animate()
    with pytest.raises(ParameterError, match=r"\.gif, \.mp4 or \.webm"):
        run.animate().save(tmp_path / "film.avi")
    with pytest.raises(ParameterError, match="example = 1000"):
        run.animate(example=1000)
    with pytest.raises(ParameterError, match="seconds = 0"):
        run.animate(seconds=0)


class Handle:
    """What Jupyter's display returns: remembers what was shown."""

    def __init__(self):
        self.seen = []

    def update(self, thing):
        self.seen.append(thing)


@pytest.fixture
def notebook(monkeypatch):
    """A process that looks like a kernel of Jupyter."""
    handle = Handle()

    def display(thing, display_id):
        assert display_id
        handle.seen.append(thing)
        return handle

    python, shown_by = types.ModuleType("IPython"), types.ModuleType("IPython.display")
    python.get_ipython = lambda: types.SimpleNamespace(kernel=True)
    shown_by.display = display
    monkeypatch.setitem(sys.modules, "IPython", python)
    monkeypatch.setitem(sys.modules, "IPython.display", shown_by)
    return handle


def test_a_notebook_has_a_bar_that_moves(notebook, capsys):
    cl.train(cl.Resistors(NETWORK), TASK, rule=cl.CoupledLearning(0.1, 0.1), steps=20, progress=True)
    first, *_, last = notebook.seen
    assert "compiling" in first._repr_html_()
    assert 'value="20" max="20"' in last._repr_html_()
    assert "100 %, done" in repr(last)
    assert capsys.readouterr().err == "", "nothing is printed beside it"


def test_a_store_has_a_bar_in_a_notebook(notebook, tmp_path):
    cl.run(EXPERIMENT, tmp_path / "store", progress=True)
    assert "1 of 1 jobs" in repr(notebook.seen[-1])


def test_a_terminal_has_no_notebook():
    assert progress._display_of_notebook() is None


def test_the_slider_trains_anew(run):
    """What the slider shows at p is a run with coins of that p, and needs no widget."""
    html = learned_with(run, 0.5, 30)
    again = cl.train(cl.Resistors(NETWORK), TASK, rule=cl.CoupledLearning(0.1, 0.1), clock=cl.Bernoulli(0.5), steps=30)
    assert html == again._repr_html_()


def test_the_slider_needs_ipywidgets(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    with pytest.raises(ParameterError, match=r"clockless\[notebooks\]"):
        run.slider()


def test_dragging_p_learns(run):
    pytest.importorskip("ipywidgets")
    box = run.slider(steps=20)
    chosen, picture = box.children
    before = picture.value
    chosen.value = 0.1
    assert picture.value != before
    assert "Bernoulli" not in before
