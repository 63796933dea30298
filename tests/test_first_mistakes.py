"""What a newcomer gets wrong first is answered in a sentence that leads on, not in a traceback or in a circle."""

from __future__ import annotations

import threading

import matplotlib

matplotlib.use("Agg")

import networkx
import numpy as np
import pytest
import xarray

import clockless as cl
from clockless.errors import DivergedWarning, NetworkError, ParameterError, TaskError
from clockless.parts.part import part
from clockless.pictures.curves import error_figure
from clockless.workers import progress

NETWORK = cl.networks.lattice(3, 3)
X = np.array([[0.2], [0.5], [1.0]])
TABLES = {"x_train": X, "y_train": 0.4 * X, "x_test": X, "y_test": 0.4 * X}
TASK = cl.Task([0], [4], [8], **TABLES)
PLAIN = {"rule": cl.CoupledLearning(0.1, 0.05), "steps": 20}


class Springs(cl.Medium):
    def energy(self, stiffness, state):
        ends = state[self.network.edges]
        return 0.5 * np.sum(stiffness * (ends[:, 0] - ends[:, 1]) ** 2)


class Forgetful(Springs):
    """Its constructor does not call that of Medium."""

    def __init__(self, network):
        self.wiring = network


class Silent(cl.Medium):
    """Its energy returns nothing."""

    def energy(self, stiffness, state):
        np.sum(stiffness)


class WrongSign(Springs):
    def signal(self, stiffness, state):
        return -super().signal(stiffness, state)


@pytest.mark.parametrize(
    ("medium", "said"),
    [
        (cl.Resistors, "it is a class; make one of it, such as Resistors(network)"),
        (NETWORK, "give Resistors(..) of it"),
        (cl.architectures.dense(2, 3, 1), "give XY(..) of it"),
        (cl.MLP(2, 8), "give Modules(..) of it"),
        (Forgetful(NETWORK), "the constructor of Forgetful must call super().__init__(network)"),
        (Silent(NETWORK), "Silent.energy gave None; return a real number"),
        (TASK, "give one such as Resistors(network)"),
    ],
    ids=lambda value: None if isinstance(value, str) else type(value).__name__,
)
def test_what_is_no_medium_yet(medium, said):
    with pytest.raises(ParameterError) as caught:
        cl.train(medium, TASK, **PLAIN)
    assert said in str(caught.value)


def test_examining_a_medium_whose_constructor_forgets():
    """Not the advice to keep an argument, which would not help."""
    with pytest.raises(ParameterError, match=r"Forgetful must call super\(\).__init__\(network\)"):
        cl.check(Forgetful(NETWORK), TASK)


def test_an_empty_ground_is_no_ground():
    """Phases have none and resistors need one; the task itself does not say first one and then the other."""
    task = cl.Task([0], [4], [], **TABLES)
    assert task.ground == ()
    assert cl.train(cl.XY(NETWORK), task, rule=cl.EquilibriumPropagation(0.1, 0.1), steps=1).error.sizes["step"] == 2
    with pytest.raises(TaskError, match="has no ground; currents leave"):
        cl.train(cl.Resistors(NETWORK), task, **PLAIN)


def test_wirings_of_other_kinds():
    with pytest.raises(NetworkError, match=r"graph of networkx; give it to networks\.from_networkx"):
        cl.Network(networkx.path_graph(3))
    with pytest.raises(NetworkError, match="an Architecture, whose medium is XY"):
        cl.Resistors(cl.architectures.dense(2, 3, 1))
    with pytest.raises(TaskError, match=r"give an architecture, such as .*, and the medium XY"):
        cl.tasks.iris(NETWORK)


def test_a_wrong_sign_of_ones_own_signal():
    """The rate is not the only suspect."""
    with pytest.warns(DivergedWarning, match=r"ask cl\.check whether the physics are right"):
        cl.train(WrongSign(NETWORK), TASK, rule=cl.CoupledLearning(0.1, 0.5), steps=20)


@pytest.fixture(scope="module")
def run():
    return cl.train(cl.Resistors(NETWORK), TASK, clock=[cl.Global(), cl.Bernoulli(0.5)], **PLAIN)


@pytest.mark.parametrize("x", [TASK, ["a"], [[1, 2], [3]], None, [[1.0, 2.0]]], ids=str)
def test_asking_with_what_is_no_input(run, x):
    with pytest.raises(ParameterError, match=r"^x = .*; give finite numbers \[example, input\] for 1 inputs"):
        run.predict(x)


def test_a_place_for_a_picture_is_no_step(run):
    with pytest.raises(ParameterError, match=r"step = 'there\.png'; give a whole number"):
        run.draw("there.png")


def test_a_run_says_how_many_steps_were_done(run):
    """Not how many of them were recorded, which is another number."""
    assert repr(run) == "Run(Resistors, 20 steps; clock: 2, edge: 12; 0 failed)"
    assert repr(run.extended(5)) == "Run(Resistors, 25 steps; clock: 2, edge: 12; 0 failed)"


def test_misspelt_names_get_a_suggestion():
    """Python makes one of the name and the object."""
    for module, wrong in ((cl, "optimizers"), (cl.tasks, "regresion")):
        with pytest.raises(AttributeError) as caught:
            getattr(module, wrong)
        assert (caught.value.name, caught.value.obj) == (wrong, module)


@part
class Stray:
    """A clock that draws from NumPy's own numbers, which no replica shares and no resume repeats."""

    p: float

    def acts(self, unit):
        return np.random.rand() < self.p  # noqa: NPY002


def test_random_numbers_of_numpy_are_found_out():
    with pytest.raises(ParameterError, match=r"take its random numbers from unit\.uniform or unit\.normal"):
        cl.check(Stray(0.5))


# --- pictures ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("axes", "title"), [({"nudge": [0.1, 0.2]}, "nudge"), ({"nudge": [0.1, 0.2], "p": [0.5, 1.0]}, "nudge, p")]
)
def test_legends_of_numbers_name_their_axes(axes, title):
    """A number alone does not say what it counts."""
    shape = [len(values) for values in axes.values()]
    error = np.broadcast_to([1.0, 0.5, 0.1], (*shape, 3))
    data = xarray.Dataset({"error": ((*axes, "step"), error)}, {**axes, "step": [0, 1, 2]})
    legend = error_figure(data, "step").axes[0].get_legend()
    assert legend.get_title().get_text() == title
    assert len(legend.get_texts()) == np.prod(shape)


def test_small_ranges_of_error_have_plain_ticks():
    slow = cl.train(cl.Resistors(NETWORK), TASK, rule=cl.CoupledLearning(0.1, 1e-3), steps=20)
    figure = slow.plot()
    figure.canvas.draw()
    axes = figure.axes[0]
    low, high = axes.get_ylim()
    assert high < 10 * low
    shown = [float(tick.label1.get_text()) for tick in axes.yaxis.get_major_ticks() if low <= tick.get_loc() <= high]
    assert len(shown) >= 3
    assert all(low <= number <= high for number in shown)


def test_a_finished_store_has_nothing_to_compile(capsys):
    """What is said while it runs is said of what is ahead."""
    over = threading.Event()
    over.set()
    progress._log("store", lambda: progress.Tally(2, 2, 10, 10), over)
    assert capsys.readouterr().err.splitlines()[0] == "store: 2 of 2 jobs done."
