"""Tasks: which are refused, which are marked infeasible, and that the builders' targets are within reach."""

from __future__ import annotations

import hashlib
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clockless import Task, networks, tasks
from clockless.errors import ParameterError, TaskError
from clockless.media.resistors.ohm import OhmicNetwork

GRID = networks.lattice(3, 3)
GOOD = {
    "inputs": [0, 2],
    "outputs": [4],
    "ground": [8],
    "x_train": np.ones((3, 2)),
    "y_train": np.full((3, 1), 0.5),
    "x_test": np.ones((2, 2)),
    "y_test": np.full((2, 1), 0.5),
}
BUILDERS = [tasks.regression, tasks.allosteric]


def task(**changed) -> Task:
    return Task(**{**GOOD, **changed})


def dense_response(network, resistances, inputs, outputs, ground) -> np.ndarray:
    """Response [output, input] by an independent route: Schur complement of the dense Laplacian, one held node at a time."""
    laplacian = np.zeros((network.nodes, network.nodes))
    for (i, j), resistance in zip(network.edges.tolist(), resistances, strict=True):
        laplacian[[i, j], [i, j]] += 1 / resistance
        laplacian[[i, j], [j, i]] -= 1 / resistance
    held = [*inputs, *ground]
    free = [node for node in range(network.nodes) if node not in held]
    voltages = np.linalg.solve(laplacian[np.ix_(free, free)], -laplacian[np.ix_(free, inputs)])
    return voltages[[free.index(node) for node in outputs]]


# --- what is refused -------------------------------------------------------------------------------------


def test_valid_task_is_kept_as_given():
    """Roles become tuples of numbers, examples become float64 tables that cannot be written."""
    kept = task(inputs=np.array([0, 2], dtype=np.uint8), y_train=[[0], [1], [0.5]])
    assert (kept.inputs, kept.outputs, kept.ground) == ((0, 2), (4,), (8,))
    assert kept.y_train.tolist() == [[0.0], [1.0], [0.5]]
    assert kept.feasible is None
    with pytest.raises(ValueError, match="read-only"):
        kept.x_train[0] = 2.0


def test_repr_is_a_line():
    """Roles and counts, no tables."""
    assert repr(task(name="a")) == "Task('a', inputs=(0, 2), outputs=(4,), ground=(8,), 3 train, 2 test examples)"


@pytest.mark.parametrize(
    ("role", "nodes", "others"),
    [
        ("inputs", [0, 0], "inputs and again in inputs"),
        ("inputs", [0, 4], "inputs and again in outputs"),
        ("inputs", [0, 8], "inputs and again in ground"),
        ("outputs", [8], "outputs and again in ground"),
    ],
)
def test_node_with_two_roles(role, nodes, others):
    """The sentence names the node and both roles."""
    with pytest.raises(TaskError, match=others):
        task(**{role: nodes})


@pytest.mark.parametrize("role", ["inputs", "outputs"])
def test_missing_role(role):
    """A task needs inputs and outputs; whether it needs a ground, the medium says."""
    with pytest.raises(TaskError, match=f"has no {role}"):
        task(**{role: []})


@pytest.mark.parametrize(
    "nodes", [None, [0.0, 2.0], ["a", "b"], [-1, 0], [[0, 2]], [[0], [1, 2]], [True, False], {0, 2}, [2**63, 0], [2**70, 0]]
)
def test_roles_that_are_not_node_numbers(nodes):
    """Roles are lists of whole numbers from 0."""
    with pytest.raises(TaskError, match="inputs"):
        task(inputs=nodes)


@pytest.mark.parametrize("name", ["x_train", "y_train", "x_test", "y_test"])
@pytest.mark.parametrize(
    "make",
    [
        lambda good: good[:, 0],
        lambda good: good[None],
        lambda good: good[:0],
        lambda good: np.hstack([good, good]),
        lambda good: np.vstack([good, good]),
        lambda good: good * np.nan,
        lambda good: good * np.inf,
        lambda good: good * 1j,
        lambda good: [[1.0], [1.0, 2.0]],
        lambda good: "examples",
        lambda good: None,
    ],
    ids=["one axis", "three axes", "none", "too wide", "too many", "nan", "inf", "complex", "ragged", "text", "nothing"],
)
@pytest.mark.filterwarnings("error")
def test_examples_that_do_not_fit(name, make):
    """Wrong shapes, numbers of examples that differ, and values that are no finite numbers; the sentence names the table."""
    with pytest.raises(TaskError, match=name):
        task(**{name: make(GOOD[name])})


@pytest.mark.parametrize("role", ["inputs", "outputs", "ground"])
def test_node_that_is_not_in_the_network(role):
    """Whether a task fits is known once there is a network."""
    nodes = [9, 20][: len(GOOD[role])]
    with pytest.raises(TaskError, match=f"names node {max(nodes)}"):
        task(**{role: nodes}).check_fits(GRID)
    task().check_fits(GRID)


# --- maximum principle -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "y", "feasible"),
    [
        ([0.2, 1.0], 1.0, True),
        ([0.2, 1.0], 0.0, True),
        ([0.2, 1.0], 1.001, False),
        ([0.2, 1.0], -0.001, False),
        ([-1.0, -0.5], -1.0, True),
        ([-1.0, -0.5], 0.001, False),
        ([-1.0, -0.5], -1.001, False),
        ([0.0, 0.0], 1e-9, False),
        ([1e6, 2e6], 2.1e6, False),
    ],
)
@pytest.mark.parametrize("kind", ["train", "test"])
def test_targets_outside_the_held_range_are_infeasible(x, y, feasible, kind):
    """Free voltages lie between those of inputs and ground (0 V), whatever was claimed; within that range a claim stands."""
    for claim in (None, True, False):
        given_task = task(**{f"x_{kind}": [x], f"y_{kind}": [[y]]}, feasible=claim)
        assert given_task.feasible is (claim if feasible else False)


def test_one_wrong_example_is_enough():
    """Each example is compared with its own inputs."""
    assert task(x_train=[[0, 0.1], [0, 1]], y_train=[[0.5], [0.5]]).feasible is False


# --- builders --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("build", BUILDERS)
def test_seed_reproduces(build):
    """The same seed gives the same roles and examples; another seed gives others."""
    network = networks.packing()
    one, again, other = build(network, seed=3), build(network, seed=3), build(network, seed=4)
    assert (one.inputs, one.outputs, one.ground) == (again.inputs, again.outputs, again.ground)
    for name in ("x_train", "y_train", "x_test", "y_test"):
        np.testing.assert_array_equal(getattr(one, name), getattr(again, name))
    assert one.fingerprint == again.fingerprint != other.fingerprint


@pytest.mark.parametrize("build", BUILDERS)
@settings(max_examples=30)
@given(data=st.data())
def test_roles_are_distinct_nodes(build, data):
    """As many inputs and outputs as asked for, all different, up to the whole network."""
    inputs = data.draw(st.integers(1, 7))
    outputs = data.draw(st.integers(1, 8 - inputs))
    made = build(GRID, inputs=inputs, outputs=outputs, seed=data.draw(st.integers(0, 2**64)))
    assert (len(made.inputs), len(made.outputs), len(made.ground)) == (inputs, outputs, 1)
    assert len({*made.inputs, *made.outputs, *made.ground}) == inputs + outputs + 1
    made.check_fits(GRID)


def test_shapes_of_a_regression():
    """Train and test examples as many as asked for."""
    made = tasks.regression(networks.packing(), inputs=3, outputs=4, train=5, test=7)
    assert (made.x_train.shape, made.y_train.shape) == ((5, 3), (5, 4))
    assert (made.x_test.shape, made.y_test.shape) == ((7, 3), (7, 4))


def test_shapes_of_an_allosteric_task():
    """One pattern, the same for training and test; several grounds."""
    made = tasks.allosteric(networks.packing(), inputs=3, outputs=4, ground=2)
    assert (made.x_train.shape, made.y_train.shape, len(made.ground)) == ((1, 3), (1, 4), 2)
    np.testing.assert_array_equal(made.x_train, made.x_test)
    np.testing.assert_array_equal(made.y_train, made.y_test)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("build", BUILDERS)
@pytest.mark.parametrize(("inputs", "outputs"), [(1, 1), (2, 2), (5, 3)])
def test_targets_lie_within_the_held_voltages(build, seed, inputs, outputs):
    """Strictly between the lowest and the highest held voltage: every output of this network has a path to all of them."""
    made = build(networks.packing(), inputs=inputs, outputs=outputs, seed=seed)
    assert made.feasible is True
    for x, y in ((made.x_train, made.y_train), (made.x_test, made.y_test)):
        assert (y > 0).all()
        assert (y < x.max(axis=1)[:, None]).all()


@pytest.mark.parametrize("seed", range(5))
def test_targets_are_a_linear_map_of_the_inputs(seed):
    """One matrix meets all training and test examples; it is a passive one: entries >= 0, rows sum to at most 1."""
    made = tasks.regression(networks.packing(), inputs=3, outputs=2, seed=seed)
    response = np.linalg.lstsq(made.x_train, made.y_train)[0]
    np.testing.assert_allclose(made.x_test @ response, made.y_test, atol=1e-12)
    assert response.min() > -1e-12
    assert response.sum(axis=0).max() < 1 + 1e-12


@pytest.mark.parametrize("ground", [1, 3])
@pytest.mark.parametrize("seed", range(3))
def test_targets_equal_a_dense_solve_of_the_teacher(monkeypatch, seed, ground):
    """The teacher's resistances, solved by another algorithm, give the targets; so some resistances meet the task."""
    network = networks.packing()
    teachers = []
    settle = OhmicNetwork.settle

    def watched(self, parameters, held):
        teachers.append(parameters)
        return settle(self, parameters, held)

    monkeypatch.setattr(OhmicNetwork, "settle", watched)
    made = tasks.allosteric(network, inputs=3, outputs=4, ground=ground, seed=seed)
    response = dense_response(network, teachers[0], made.inputs, made.outputs, made.ground)
    np.testing.assert_allclose(made.y_train, made.x_train @ response.T, rtol=1e-10)


def test_line_of_two_resistors():
    """On a line input - output - ground the target is that of a voltage divider, so 0 < y < x and y / x is one number."""
    line = networks.lattice(1, 3)
    ratios = set()
    for seed in range(60):
        made = tasks.regression(line, inputs=1, outputs=1, train=2, test=2, seed=seed)
        if made.outputs == (1,):
            ratio = made.y_train / made.x_train
            assert ratio[0] == pytest.approx(ratio[1])
            assert 1 / 17 < ratio[0, 0] < 16 / 17  # teacher resistances differ by a factor 16 at most
            ratios.add(ratio[0, 0])
    assert len(ratios) > 5


@pytest.mark.parametrize("build", BUILDERS)
def test_more_roles_than_nodes(build):
    """Nine nodes cannot take ten roles."""
    build(GRID, inputs=4, outputs=4)
    with pytest.raises(TaskError, match="10 nodes with roles do not fit on 9 nodes"):
        build(GRID, inputs=5, outputs=4)


@pytest.mark.parametrize("build", BUILDERS)
@pytest.mark.parametrize("name", ["inputs", "outputs", "seed"])
@pytest.mark.parametrize("value", [-1, 1.5, "two", None, True])
def test_builders_refuse_what_is_no_count(build, name, value):
    """The sentence names the argument."""
    with pytest.raises(ParameterError, match=f"{name} = "):
        build(GRID, **{name: value})


@pytest.mark.parametrize(
    ("build", "name"),
    [
        *((tasks.regression, name) for name in ("inputs", "outputs", "train", "test")),
        *((tasks.allosteric, name) for name in ("inputs", "outputs", "ground")),
    ],
)
def test_builders_refuse_zero(build, name):
    """At least one of everything."""
    with pytest.raises(ParameterError, match=f"{name} = 0"):
        build(GRID, **{name: 0})


# --- fingerprint -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "same",
    [{"name": "other"}, {"feasible": False}, {"x_test": np.zeros((4, 2)), "y_test": np.zeros((4, 1))}, {"inputs": (0, 2)}],
)
def test_fingerprint_ignores(same):
    """Names, claims and test examples change no random number."""
    assert task(**same).fingerprint == task().fingerprint


@pytest.mark.parametrize(
    "changed",
    [
        {"inputs": [2, 0]},
        {"inputs": [1, 2]},
        {"outputs": [5]},
        {"ground": [7]},
        {"ground": [8, 7]},
        {"x_train": np.full((3, 2), 1 + 2**-52)},
        {"y_train": np.full((3, 1), 0.25)},
        {"x_train": np.ones((4, 2)), "y_train": np.full((4, 1), 0.5)},
    ],
)
def test_fingerprint_depends_on(changed):
    """Roles, their order, and every bit of the training examples."""
    assert task(**changed).fingerprint != task().fingerprint


def test_fingerprint_tells_roles_apart():
    """Moving the border between two lists of nodes is another task, even where their numbers in a row are the same."""
    tables = {"x_train": np.ones((1, 2)), "x_test": np.ones((1, 2)), "y_train": [[0.5]], "y_test": [[0.5]]}
    one = Task(inputs=[0, 1], outputs=[2], ground=[3, 4], **tables)
    tables = {"x_train": np.ones((1, 2)), "x_test": np.ones((1, 2)), "y_train": [[0.5, 0.5]], "y_test": [[0.5, 0.5]]}
    other = Task(inputs=[0, 1], outputs=[2, 3], ground=[4], **tables)
    assert one.fingerprint != other.fingerprint


def test_fingerprint_is_64_bits_and_the_same_in_every_process():
    """First eight bytes of SHA-256 over little-endian roles, each with its length, and examples: written out here."""
    roles = b"".join(struct.pack(f"<{len(nodes) + 1}q", len(nodes), *nodes) for nodes in ([0, 2], [4], [8]))
    examples = struct.pack("<9d", *[1.0] * 6, *[0.5] * 3)
    assert task().fingerprint == int.from_bytes(hashlib.sha256(roles + examples).digest()[:8], "little")
