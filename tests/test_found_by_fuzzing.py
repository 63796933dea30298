"""What fuzzing has found (docs/reliability.md), each as a plain test: it ended in a traceback once, or was accepted."""

from __future__ import annotations

import numpy as np
import pytest

import clockless as cl
from clockless.errors import DescriptionError, MemoryBoundError, ParameterError, TaskError
from clockless.experiments.files import write

ARRAY = np.full(12, np.nan)
SQUARE = cl.architectures.square(3, 3, [0, 2], [6, 8])
PHASES = cl.XY(SQUARE)
VALUES = PHASES.parameters(np.ones(12))
SETTLED = {"parameters": VALUES, "held": {0: 0.1, 2: 0.2}, "start": np.zeros(9)}


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: cl.SignRule(0.1, parameter=ARRAY), "parameter = array"),
        (lambda: cl.CoupledLearning(0.1, 0.1, parameter=ARRAY), "parameter = array"),
        (lambda: cl.EquilibriumPropagation(0.1, 0.1, cost=ARRAY), "cost = array"),
        (lambda: cl.XY(SQUARE, settling=ARRAY), "settling = array"),
    ],
)
def test_an_array_is_no_word(call, said):
    """`array not in words` is an array, which is neither true nor false."""
    with pytest.raises(ParameterError, match=said):
        call()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"schedule": 7}, "schedule = 7 is no schedule"),
        ({"schedule": type(cl.XY(SQUARE).settling.schedule)}, "is no schedule"),
        ({"seed": [None]}, r"seed = \[None\]; give a whole number"),
        ({"seed": ARRAY}, "seed = array"),
        ({"parameters": [0.5, np.nan]}, r"make them with medium\.parameters"),
    ],
)
def test_what_phases_settle_with(changed, said):
    with pytest.raises(ParameterError, match=said):
        PHASES.settle(**{**SETTLED, **changed})


@pytest.mark.parametrize("method", ["energy", "torque", "signal"])
def test_parameters_of_phases_are_made_by_the_medium(method):
    with pytest.raises(ParameterError, match=r"parameters = 'nan'; make them with medium\.parameters"):
        getattr(PHASES, method)("nan", np.zeros(9))


@pytest.mark.parametrize(
    "network",
    [
        {"kind": "square", "rows": 3, "columns": 2**40, "inputs": [0, 2], "outputs": [6, 8]},
        {"kind": "dense", "sizes": [4, 2**40, 3]},
        {"kind": "local", "image": [8, 2**31], "window": 4, "channels": 1},
    ],
)
def test_networks_that_no_memory_holds(network):
    from clockless.experiments.descriptions import built, described

    with pytest.raises(MemoryBoundError, match=r"needs about .* of memory"):
        built("network", described("network", network, "network"))


def test_words_are_no_values_to_start_from():
    """NumPy makes numbers of words that look like some."""
    initial = {"kind": "given", "dims": ["edge"], "values": ["0.5"] * 16}
    with pytest.raises(DescriptionError, match=r"initial\.values is no table of numbers"):
        cl.Experiment(network={"kind": "board16"}, initial=initial)


def test_nouns_of_tasks():
    tables = {"x_train": [[0.1]], "y_train": [[0.1]], "x_test": [[0.1]], "y_test": [[0.1]]}
    with pytest.raises(ParameterError, match=r"feasible = \[1, 2, 3\]; give True or False"):
        cl.Task([0], [1], [2], **tables, feasible=[1, 2, 3])
    for least in (iter([1.0]), -1e-9, float("nan"), float("inf"), "0"):
        with pytest.raises(ParameterError, match=r"least_error = .*; give a mean squared error, 0 or above"):
            cl.Task([0], [1], [2], **tables, least_error=least)
    assert cl.Task([0], [1], [2], **tables, least_error=np.float64(0)).least_error == 0.0
    with pytest.raises(TaskError, match=r"network = array\(3\) is no Network"):
        cl.tasks.classification({"a": [0.1, 0.2, 0.3, 0.4], "b": list("xyxy")}, "b", network=np.array(3))
    with pytest.raises(ParameterError, match=r"classes = '1e3'; give a whole number"):
        cl.Task([0], [1], [2], **tables, classes="1e3")
    with pytest.raises(ParameterError, match=r"encoding = array"):
        cl.tasks.classification({"a": [0.1, 0.2, 0.3, 0.4], "b": list("xyxy")}, "b", encoding=ARRAY)


def test_small_integers_of_numpy_are_whole_numbers():
    """Bytes are estimated from them, which are more than 127."""
    lattice = cl.networks.lattice(3, 3)
    assert cl.tasks.regression(lattice, outputs=np.int8(3), train=2, test=2).outputs
    assert cl.architectures.all_to_all(np.int8(9), [0], [8]).network.nodes == 9


def test_truths_among_numbers_are_no_numbers():
    """NumPy makes 1 and 0 of them."""
    tables = {"x_train": [[0.1]], "y_train": [[0.1]], "x_test": [[0.1]], "y_test": [[0.1]]}
    with pytest.raises(TaskError, match=r"inputs = \[False, 1\] are not node numbers"):
        cl.Task([False, 1], [2], [3], **tables)
    with pytest.raises(TaskError, match=r"x_train"):
        cl.Task([0, 1], [2], [3], **{**tables, "x_train": [[0.1, True]]})
    network = {"kind": "square", "rows": 3, "columns": 3, "inputs": [True, 2], "outputs": [6, 8]}
    with pytest.raises(DescriptionError, match=r"inputs = \[True, 2\] is no table of numbers"):
        cl.Experiment(network=network, medium={"kind": "xy"})


def test_a_table_is_no_batch():
    with pytest.raises(DescriptionError, match=r"batch = array.*; it must be 'full'"):
        cl.Experiment(network={"kind": "board16"}, batch=ARRAY)


def test_nothing_is_refused_where_it_means_nothing(tmp_path):
    """TOML has no word for it, so a study would be another one when it is written and read again."""
    local = {"kind": "local", "image": [8, 8], "window": 4}
    with pytest.raises(DescriptionError, match=r"network\.channels is nothing; give a value, or leave it out"):
        cl.Experiment(network={**local, "channels": None}, medium={"kind": "xy"}, task={"kind": "digits"})
    with pytest.raises(DescriptionError, match=r"network\.window = \[None\] holds nothing among its values"):
        cl.Experiment(network={**local, "window": [None]}, medium={"kind": "xy"}, task={"kind": "digits"})
    either = cl.Experiment(network={"kind": "packing"}, task={"kind": "random-allosteric", "ground": [None, 2]})
    with pytest.raises(DescriptionError, match=r"a list holds nothing .* for which TOML has no word; write it as \.yaml"):
        write(either, tmp_path / "study.toml")
    write(either, tmp_path / "study.yaml")
    assert cl.read(tmp_path / "study.yaml").fingerprint == either.fingerprint
