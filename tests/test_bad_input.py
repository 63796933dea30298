"""Every bad input gives one clear sentence: a `ClocklessError` of one line, short enough to read, before anything runs."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import clockless as cl
from clockless import networks, tasks
from clockless.errors import (
    ClocklessError,
    DivergedWarning,
    HeldNodesError,
    NetworkError,
    OutputError,
    ParameterError,
    TaskError,
    real_array,
    shown,
    whole,
)

NAN, INF = float("nan"), float("inf")
GRID = networks.lattice(3, 3)
MEDIUM = cl.Resistors(GRID, low=0.1, high=10.0)
RULE = cl.CoupledLearning(nudge=0.1, rate=0.01)
TASK = tasks.regression(GRID, train=4, test=4)


def sentence_of(error: type[ClocklessError], call, *arguments, **named) -> str:
    """The message of the error that `call` raises, having the form of a sentence for a person."""
    with pytest.raises(error) as caught:
        call(*arguments, **named)
    sentence = str(caught.value)
    assert type(caught.value) is error
    assert issubclass(error, ClocklessError)
    assert 20 < len(sentence) < 250
    assert "\n" not in sentence
    assert sentence.endswith(".")
    assert caught.value.__cause__ is None
    return sentence


def with_edge_3(value: float) -> list[float]:
    return [1.0, 1.0, 1.0, value, *[1.0] * 8]


# --- the medium ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [NAN, 0.0, -0.0, -1.0, INF, -INF])
@pytest.mark.parametrize("method", ["settle", "energy", "signal", "residual"])
def test_impossible_resistance(method, value):
    """The sentence names the edge and the value, whichever question was asked."""
    voltages = np.linspace(0, 1, 9)
    others = {"settle": [{0: 0.0}], "energy": [voltages], "signal": [voltages], "residual": [voltages, {0: 0.0}]}
    sentence = sentence_of(ParameterError, getattr(MEDIUM, method), with_edge_3(value), *others[method])
    assert f"edge 3 is {value}" in sentence


@pytest.mark.parametrize(
    "value", ["one", None, [1.0] * 11, [[1.0] * 12], [[1.0], [1.0, 2.0]], ["a"] * 12, 1j, [2j] * 12, True, {}]
)
@pytest.mark.filterwarnings("error")
def test_resistances_that_are_no_table_of_numbers(value):
    """Text, nothing, another shape, complex numbers."""
    assert "resistances" in sentence_of(ParameterError, MEDIUM.settle, value, {0: 0.0})


@pytest.mark.parametrize(
    ("low", "high"), [(0, 1), (-1, 1), (1, 1), (2, 1), (NAN, 1), (1, NAN), (1, INF), ("a", 1), (None, 1), ([1], 2), (1, 2j)]
)
def test_impossible_range(low, high):
    """The range of resistances is 0 < low < high < infinity."""
    assert "0 < low < high" in sentence_of(ParameterError, cl.Resistors, GRID, low, high)


@pytest.mark.parametrize("network", [None, [(0, 1)], "grid", MEDIUM])
def test_medium_without_a_network(network):
    """What is no `Network` is refused at once, not at the first settling."""
    assert "Network" in sentence_of(NetworkError, cl.Resistors, network)


@pytest.mark.parametrize("ask", [MEDIUM.settle, lambda r, held: MEDIUM.residual(r, np.zeros(9), held)])
@pytest.mark.parametrize(
    ("held", "says"),
    [
        ({}, "no node is held"),
        ({0: NAN}, "node 0 is held at nan"),
        ({0: 0.0, 5: INF}, "node 5 is held at inf"),
        ({0: None}, "node 0 is held at None"),
        ({0: "1.0"}, "held at '1.0'"),
        ({0: 1j}, "node 0"),
        ({0: [1, 2]}, "node 0"),
        ({0: 0.0, 9: 1.0}, "held node 9 does not exist"),
        ({-1: 1.0}, "held node -1"),
        ({0.5: 1.0}, "held node 0.5"),
        ({True: 1.0}, "held node True"),
        ({"a": 1.0}, "held node 'a'"),
        ({10**30: 1.0}, "does not exist"),
        (None, "not a mapping"),
        ([0, 1], "not a mapping"),
    ],
)
def test_impossible_held_nodes(ask, held, says):
    """None, outside the network, not whole, or held at what is no finite number of volts."""
    assert says in sentence_of(HeldNodesError, ask, 1.0, held)


@pytest.mark.parametrize("state", [np.zeros(3), np.zeros(10), np.zeros((9, 1)), 0.0])
def test_voltages_of_another_network(state):
    """One voltage per node, not fewer and not more."""
    assert "9 nodes" in sentence_of(ParameterError, MEDIUM.energy, 1.0, state)


def test_signal_of_an_unknown_parameter():
    """Resistors have a resistance and a conductance."""
    assert "conductivity" in sentence_of(ParameterError, MEDIUM.signal, 1.0, np.zeros(9), "conductivity")


# --- rules and clocks ------------------------------------------------------------------------------------


@pytest.mark.parametrize("clock", [cl.Bernoulli, cl.FixedFraction])
@pytest.mark.parametrize("p", [0, 0.0, -0.1, 1.0000001, 2, NAN, INF, -INF, "half", None, [0.5], 1j])
def test_fraction_outside_0_to_1(clock, p):
    """The sentence names the clock and the value given."""
    sentence = sentence_of(ParameterError, clock, p)
    assert clock.__name__ in sentence
    assert repr(p) in sentence


@pytest.mark.parametrize("p", [1e-300, 0.04])
def test_fraction_that_rounds_to_no_unit(p):
    """round(p N) = 0 would never let anything act; it is known once the number of units is."""
    assert "12 units" in sentence_of(ParameterError, cl.FixedFraction(p).rate, 12)
    assert "12 units" in train_error(clock=cl.FixedFraction(p))


@pytest.mark.parametrize("nudge", [0, -0.1, 10.1, True, NAN, INF, "a", None, [0.1]])
def test_impossible_nudge(nudge):
    """0 < nudge <= 10, where beyond 1 outputs are clamped beyond their targets."""
    assert "nudge" in sentence_of(ParameterError, cl.CoupledLearning, nudge, 0.01)


@pytest.mark.parametrize("rate", [0, -0.1, NAN, INF, "a", None, [0.1]])
def test_impossible_rate(rate):
    """The step size is positive and finite."""
    assert "rate" in sentence_of(ParameterError, cl.CoupledLearning, 0.1, rate)


@pytest.mark.parametrize("parameter", ["voltage", "", None, 3, "Resistance"])
def test_unknown_parameter(parameter):
    """The two names that exist are in the sentence."""
    sentence = sentence_of(ParameterError, cl.CoupledLearning, 0.1, 0.01, parameter)
    assert "'resistance' or 'conductance'" in sentence


# --- training --------------------------------------------------------------------------------------------


def train_error(error: type[ClocklessError] = ParameterError, **changed) -> str:
    arguments = {"task": TASK, "rule": RULE, "steps": 10, **changed}
    return sentence_of(error, cl.train, arguments.pop("medium", MEDIUM), **arguments)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("steps", value) for value in (-1, 1.5, NAN, "ten", None, True, 2**32)),
        *(("seed", value) for value in (-1, 1.5, "a", True, 2**64, (0, 1), [0, -1], [0, None])),
        *(("batch", value) for value in (0, -1, 1.5, NAN, "half", None, True, ["full", 0])),
        *(("record", value) for value in ([], [-1], [0, 11], [0.5], [NAN], "all", 0, 1001, [True])),
        *(("lanes", value) for value in (0, -32, 31, 33, 48, 64.5)),
        *(("rule", value) for value in (None, "coupled", cl.Bernoulli(0.5), cl.CoupledLearning, [RULE, None])),
        *(("clock", value) for value in (None, "global", RULE, [cl.Global(), None])),
    ],
)
def test_training_argument_that_makes_no_sense(name, value):
    """The sentence names the argument."""
    assert f"{name} = " in train_error(**{name: value})


@pytest.mark.parametrize("name", ["task", "rule", "clock", "batch", "initial", "seed"])
def test_empty_axis(name):
    """An axis without values leaves nothing to train."""
    assert f"{name} is an empty list" in train_error(**{name: []})


@pytest.mark.parametrize("batch", [5, [1, 5], np.int64(5)])
def test_batch_larger_than_the_training_set(batch):
    """Both numbers are named."""
    sentence = train_error(batch=batch)
    assert "batch = 5" in sentence
    assert "4 training examples" in sentence


@pytest.mark.parametrize("initial", [0, -1.0, NAN, INF, with_edge_3(0.0), "a", 1j, (1.0, 1.0), [1.0, NAN]])
def test_impossible_initial_resistance(initial):
    """The same sentences as for the medium. A list is an axis, so an array goes in as one."""
    assert "resistance" in train_error(
        initial=np.array(initial) if isinstance(initial, list) and len(initial) == 12 else initial
    )


@pytest.mark.parametrize(("initial", "edge"), [(0.05, 0), (11.0, 0), (np.array(with_edge_3(10.5)), 3), ([1.0, 0.09], 0)])
def test_initial_resistance_outside_the_range(initial, edge):
    """The sentence names the edge and the range."""
    sentence = train_error(initial=initial)
    assert f"edge {edge} " in sentence
    assert "0.1 to 10.0" in sentence


@pytest.mark.parametrize("task", [None, "regression", [TASK, None]])
def test_training_without_a_task(task):
    """What is no `Task` is refused."""
    assert "is not a Task" in train_error(TaskError, task=task)


def test_task_of_another_network():
    """A task that names nodes the network lacks; in a list, the one that is wrong is named."""
    larger = tasks.regression(networks.packing(), seed=7)
    assert max(*larger.inputs, *larger.outputs, *larger.ground) > 8
    assert "regression 7" in train_error(TaskError, task=[TASK, larger])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seed", (0, 1)), ("seed", range(3)), ("seed", np.arange(3)), ("task", (TASK, TASK)), ("rule", (RULE, RULE)),
        ("clock", (cl.Global(), cl.Bernoulli(0.5))), ("batch", np.array([1, 2])), ("device", (cl.Continuous(),)),
    ],
    ids=str,
)  # fmt: skip
def test_an_axis_is_a_list(name, value):
    """Tuples, ranges and arrays are pointed to the list."""
    sentence = train_error(TaskError if name == "task" else ParameterError, **{name: value})
    assert sentence.startswith(f"{name} = ")
    assert "use a list" in sentence


@pytest.mark.parametrize("values", [[1.0] * 12, [1] * 12, list(np.ones(12))])
def test_a_list_of_one_number_per_edge(values):
    """A list is an axis; whoever meant one value per edge would get 12 replicas."""
    sentence = train_error(initial=values)
    assert "initial is a list of 12 numbers" in sentence
    assert "np.array(" in sentence
    run = cl.train(MEDIUM, TASK, rule=RULE, steps=0, initial=[np.full(12, value) for value in values])
    assert run.data.sizes["initial"] == 12


# --- what is no mistake, but is worth a word ------------------------------------------------------------


def test_numpy_numbers_in_parts_are_plain_numbers():
    """Labels read alike, whichever library the numbers came from; text and bad numbers are left to the checks."""
    assert str(cl.Bernoulli(np.float64(0.5))) == "Bernoulli(p=0.5)"
    assert str(cl.Bernoulli(1)) == str(cl.Bernoulli(np.int64(1))) == "Bernoulli(p=1.0)"
    assert type(cl.Levels(np.int64(5)).count) is int
    assert cl.Magnitudes(np.float64(0.1), frozen=np.bool_(True)).frozen is True
    assert cl.CoupledLearning(np.float64(0.1), 1) == cl.CoupledLearning(0.1, 1.0)
    assert "np.float64(2.0)" in sentence_of(ParameterError, cl.Bernoulli, np.float64(2.0))


def test_part_without_a_check_keeps_what_is_no_number():
    """Only what loses nothing is converted."""

    @cl.parts.part
    class Loose:
        a: float
        b: int = 0
        c: str = ""

    assert (Loose("x", 2.5).a, Loose("x", 2.5).b) == ("x", 2.5)
    assert repr(Loose(np.float32(0.5), np.uint8(3), "c")).endswith("Loose(a=0.5, b=3, c='c')")
    assert Loose(10**400).a == 10**400


def test_divergence_is_told_once():
    """From learned resistances, a step far too large leads away; a sensible one says nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        learned = cl.train(MEDIUM, TASK, rule=cl.CoupledLearning(0.1, 0.1), steps=5000).parameters.values
    with pytest.warns(DivergedWarning, match="2 of 2 replicas ended with more than twice their initial error") as caught:
        cl.train(MEDIUM, TASK, rule=cl.CoupledLearning(0.1, 1000.0), steps=60, seed=[0, 1], initial=learned)
    assert len(caught) == 1


@pytest.mark.parametrize("progress", [True, False])
def test_progress_of_train(progress, capsys):
    """True shows lines where no terminal is; the first says why nothing moves yet."""
    cl.train(MEDIUM, TASK, rule=RULE, steps=10, progress=progress)
    said = capsys.readouterr().err.splitlines()
    assert bool(said) == progress
    if progress:
        assert "compiling" in said[0]
        assert said[-1].startswith("training: 100 %")


# --- files, and the shared checks ------------------------------------------------------------------------


@pytest.mark.parametrize("write", [networks.write_csv, networks.write_graphml])
def test_output_in_a_folder_that_does_not_exist(write):
    """The path and the system's reason are named, and nothing is written."""
    path = "/no/such/folder/network.graphml"
    sentence = sentence_of(OutputError, write, GRID, path)
    assert path in sentence
    assert "No such file or directory" in sentence


@pytest.mark.parametrize("read", [networks.read_csv, networks.read_graphml])
def test_input_that_does_not_exist(read):
    """The path and the system's reason are named."""
    assert "No such file or directory" in sentence_of(NetworkError, read, "/no/such/network")


@pytest.mark.parametrize(
    "call",
    [
        lambda: cl.Network([(0, 1), (1,)]),
        lambda: cl.Network([(0, 1)] * 1000),
        lambda: cl.Network([(0, 1)], [["x" * 1000] * 2] * 2),
        lambda: networks.packing(nodes="x" * 1000),
        lambda: networks.from_networkx("x" * 1000),
        lambda: MEDIUM.settle(["x" * 1000] * 12, {0: 0.0}),
        lambda: MEDIUM.settle(1.0, {"x" * 1000: 0.0}),
        lambda: MEDIUM.settle(1.0, np.zeros((99, 99))),
        lambda: cl.Task("x" * 1000, [1], [2], [[1]], [[1]], [[1]], [[1]]),
        lambda: cl.Task([0], [1], [2], [["x" * 1000]] * 99, [[1]], [[1]], [[1]]),
    ],
)
def test_long_values_are_abridged(call):
    """Whatever is quoted, the sentence stays a line."""
    with pytest.raises(ClocklessError) as caught:
        call()
    assert len(str(caught.value)) < 250
    assert "\n" not in str(caught.value)


def test_shown_is_one_short_line():
    """Arrays of many lines become one."""
    assert "\n" not in shown(np.zeros((50, 50)))
    assert len(shown([["x" * 1000] * 9] * 9)) <= 80
    assert shown("a") == "'a'"


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3)])
def test_whole_accepts_numbers_of_any_library(value):
    """NumPy's whole numbers are whole numbers."""
    assert whole("count", value, 3) == 3


@pytest.mark.parametrize("value", [2, 3.0, NAN, "3", None, True, np.bool_(True), [3], np.array([3, 4])])
def test_whole_refuses(value):
    """Below the least, or not a whole number."""
    assert "count = " in sentence_of(ParameterError, whole, "count", value, 3)


def test_real_array_copies():
    """The result is the caller's own."""
    given = np.ones(3)
    real_array(given)[0] = 7
    assert given[0] == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"threads": 0}, {"threads": 1.5}, {"threads": "a"}, {"device": None}, {"device": cl.Bernoulli(0.5)}, {"progress": 3},
        {"lanes": 32.0}, {"lanes": None}, {"record": [[1], [2, 3]]}, {"batch": np.array([1, 2])}, {"clock": cl.Bernoulli},
        {"rule": cl.CoupledLearning}, {"batch": cl.FixedFraction(0.01)}, {"medium": None},
    ],
    ids=str,
)  # fmt: skip
def test_arguments_of_train_are_checked_before_anything_runs(changed):
    """Every argument of `train` that makes no sense gets one sentence."""
    network = cl.networks.board16()
    arguments = {
        "medium": cl.Resistors(network), "task": cl.tasks.regression(network), "rule": cl.CoupledLearning(0.1, 0.1),
        "steps": 1, **changed,
    }  # fmt: skip
    with pytest.raises(cl.errors.ClocklessError) as caught:
        cl.train(**arguments)
    assert "\n" not in str(caught.value)
