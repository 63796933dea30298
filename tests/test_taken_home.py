"""Trained boards as graphs and as lists of resistors to buy."""

import csv

import networkx
import numpy as np
import pytest

import clockless as cl
from clockless.errors import OutputError, ParameterError
from clockless.media.resistors import reference
from clockless.parts.preferred import decade, nearest

NETWORK = cl.networks.board16()


@pytest.fixture(scope="module")
def trained():
    """Two clocks on nine nodes."""
    task = cl.tasks.regression(NETWORK)
    clocks = [cl.Global(), cl.Bernoulli(0.5)]
    return cl.train(cl.Resistors(NETWORK), task, rule=cl.CoupledLearning(0.1, 0.1), clock=clocks, steps=20)


def test_series_are_those_of_the_standard():
    """IEC 60063: some values that rounding alone would get wrong, lengths, and each series within the finer one."""
    assert decade("E12").tolist() == [1.0, 1.2, 1.5, 1.8, 2.2, 2.7, 3.3, 3.9, 4.7, 5.6, 6.8, 8.2]
    assert decade("E6").tolist() == [1.0, 1.5, 2.2, 3.3, 4.7, 6.8]
    assert decade("E3").tolist() == [1.0, 2.2, 4.7]
    assert decade("E96")[[0, 1, 50, 95]].tolist() == [1.0, 1.02, 3.32, 9.76]
    assert 9.2 in decade("E192")
    assert set(decade("E48")) < set(decade("E96")) < set(decade("E192"))
    assert [len(decade(f"E{n}")) for n in (3, 6, 12, 24, 48, 96, 192)] == [3, 6, 12, 24, 48, 96, 192]


def test_the_nearest_is_nearest_by_ratio():
    """Against a search over many decades; a value on sale stays."""
    rng = np.random.default_rng(0)
    values = 10 ** rng.uniform(-3, 7, 300)
    for series in ("E6", "E24", "E96"):
        every = (decade(series)[:, None] * 10.0 ** np.arange(-5, 10)).ravel()
        expected = [every[np.argmin(np.abs(np.log(every / value)))] for value in values]
        assert nearest(values, series) == pytest.approx(expected, rel=1e-12)
    assert nearest(np.array([4700.0, 0.1, 9.99, 1e6]), "E24").tolist() == [4700.0, 0.1, 10.0, 1e6]
    assert nearest(np.array([3.0, 1000.0]), [1.0, 2.0, 5.0]).tolist() == [2.0, 5.0]


def test_a_bill(trained, tmp_path):
    """Edges, ends, learned and chosen ohms; errors as the dense reference finds them; any scale has the same voltages."""
    bill = trained.bill(tmp_path / "bill.csv", "E24", scale=1e4, clock=1)
    lines = (tmp_path / "bill.csv").read_text().splitlines()
    rows = list(csv.DictReader(lines[1:]))
    resistances = trained.parameters.isel(clock=1).values
    assert [int(row["edge"]) for row in rows] == list(range(16))
    assert [[int(row["node_i"]), int(row["node_j"])] for row in rows] == NETWORK.edges.tolist()
    assert [float(row["learned_ohm"]) for row in rows] == pytest.approx(1e4 * resistances, rel=1e-15)
    chosen = np.array([float(row["chosen_ohm"]) for row in rows])
    assert chosen.tolist() == nearest(1e4 * resistances, "E24").tolist() == bill.chosen.tolist()
    assert np.abs(chosen / bill.learned - 1).max() < 0.06  # E24 is 10 % wide
    medium, task = trained.medium, trained.task
    assert bill.error == pytest.approx(reference.test_error(medium, resistances, task), rel=1e-9)
    assert bill.rounded_error == pytest.approx(reference.test_error(medium, chosen, task), rel=1e-9)
    assert lines[0].startswith(f"# {task.name}: test error {bill.error:.3g} V^2 as learned, {bill.rounded_error:.3g} V^2")


def test_levels_and_lists(trained, tmp_path):
    """A device's own levels, and values at hand."""
    device = cl.Levels(64, 0.05, 5.0)
    bill = trained.bill(tmp_path / "x.csv", device)
    assert bill.chosen.tolist() == device.nearest(bill.learned).tolist()
    assert set(trained.bill(tmp_path / "x.csv", [0.5, 1.0, 1.5]).chosen) <= {0.5, 1.0, 1.5}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"series": "E25"}, r"series = 'E25'; give one of E3"),
        ({"series": [1.0, -2.0]}, "list of positive numbers"),
        ({"series": None}, "list of positive numbers"),
        ({"scale": 0.0}, "scale = 0.0; give the factor"),
        ({"clock": 5}, "the axes are"),
    ],
)
def test_bills_that_cannot_be(trained, tmp_path, arguments, said):
    with pytest.raises(ParameterError, match=said):
        trained.bill(tmp_path / "x.csv", **arguments)
    assert not list(tmp_path.iterdir())


def test_a_graph(trained, tmp_path):
    """The wiring is read again edge for edge; resistances, roles and places are there."""
    path = trained.to_graphml(tmp_path / "board.graphml", clock=1)
    assert cl.networks.read_graphml(path) == NETWORK
    graph = networkx.read_graphml(path, node_type=int)
    resistances = trained.parameters.isel(clock=1).values
    found = {data["edge"]: (data["resistance"], data["unit"]) for *_, data in graph.edges(data=True)}
    assert found == {edge: (value, "ohm") for edge, value in enumerate(resistances.tolist())}
    task = trained.task
    roles = {node: data["role"] for node, data in graph.nodes(data=True) if "role" in data}
    assert roles == {
        **dict.fromkeys(task.inputs, "input"),
        **dict.fromkeys(task.outputs, "output"),
        task.ground[0]: "ground",
    }


def test_places_that_cannot_be_written(trained, tmp_path):
    for write in (trained.to_graphml, trained.bill):
        with pytest.raises(OutputError, match="cannot write"):
            write(tmp_path / "nowhere" / "x")


def test_media_without_resistances(tmp_path):
    """Phases are no graph of one parameter an edge, and have no bill."""
    architecture = cl.architectures.dense(2, 3, 2)
    task = cl.tasks.classification(np.random.default_rng(0).random((20, 2)), [0, 1] * 10, network=architecture)
    run = cl.train(cl.XY(architecture), task, rule=cl.EquilibriumPropagation(0.1, 0.1), steps=1)
    with pytest.raises(ParameterError, match="XY has no wiring with one parameter an edge"):
        run.to_graphml(tmp_path / "x.graphml")
    with pytest.raises(ParameterError, match="XY learns no resistances"):
        run.bill(tmp_path / "x.csv")
