"""Wirings: what the builders promise, what no network may look like, and that files bring back what was written."""

from __future__ import annotations

import bz2
import gzip
import os

import networkx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clockless import Network, networks
from clockless.errors import NetworkError, OutputError, ParameterError


@st.composite
def counts(draw):
    """Nodes and edges of a simple connected network, sparse ones included."""
    nodes = draw(st.integers(2, 30))
    return nodes, draw(st.integers(nodes - 1, min(nodes * (nodes - 1) // 2, 3 * nodes)))


@st.composite
def wirings(draw):
    """A random tree plus random further edges, in random order and orientation, with or without positions."""
    nodes = draw(st.integers(2, 12))
    tree = [(draw(st.integers(0, node - 1)), node) for node in range(1, nodes)]
    ends = st.integers(0, nodes - 1)
    further = draw(st.lists(st.tuples(ends, ends).filter(lambda pair: pair[0] < pair[1]), max_size=12)) if nodes > 1 else []
    edges = draw(st.permutations(list(dict.fromkeys([*tree, *further]))))
    flips = draw(st.lists(st.booleans(), min_size=len(edges), max_size=len(edges)))
    edges = [pair[::-1] if flip else pair for pair, flip in zip(edges, flips, strict=True)]
    coordinate = st.floats(allow_nan=False, allow_infinity=False)
    place = st.tuples(coordinate, coordinate)
    return Network(edges, draw(st.none() | st.lists(place, min_size=nodes, max_size=nodes)))


def is_connected(network: Network) -> bool:
    return networkx.is_connected(networkx.Graph(network.edges.tolist()))


def crossing_edges(network: Network) -> int:
    """Number of edges that cross another one in the drawing, by the sides on which their ends lie."""

    def side(p, q, r):
        return np.sign((q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]))

    crossing = set()
    for one, (i, j) in enumerate(network.edges):
        for other, (k, l) in enumerate(network.edges[:one]):
            a, b, c, d = network.positions[[i, j, k, l]]
            if len({i, j, k, l}) == 4 and side(a, b, c) != side(a, b, d) and side(c, d, a) != side(c, d, b):
                crossing |= {one, other}
    return len(crossing)


# --- builders --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_default_packing_keeps_its_promises(seed):
    """64 nodes, 143 edges, one part, no node with fewer than three neighbours."""
    network = networks.packing(seed=seed)
    assert (network.nodes, len(network.edges)) == (64, 143)
    assert network.positions.shape == (64, 2)
    assert is_connected(network)
    assert network.degrees.min() >= 3


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("nodes", "edges"), [(64, 143), (64, 96), (200, 450)])
def test_packing_is_near_planar(nodes, edges, seed):
    """Fewer than one edge in ten crosses another, even where three neighbours each is all that the edges allow."""
    assert crossing_edges(networks.packing(nodes, edges, seed)) < edges / 10


def test_packing_joins_neighbours():
    """Edges are short: on average well under half of the mean distance of two nodes picked at random."""
    network = networks.packing()
    place = network.positions
    length = np.linalg.norm(place[network.edges[:, 0]] - place[network.edges[:, 1]], axis=1)
    assert length.mean() < np.linalg.norm(place[:, None] - place, axis=-1).mean() / 2


@settings(max_examples=60)
@given(counts(), st.integers(0, 2**32))
def test_packing_of_any_size(size, seed):
    """Exact counts and one part; three neighbours where 2 edges >= 3 nodes, two where edges >= nodes."""
    nodes, edges = size
    network = networks.packing(nodes, edges, seed)
    assert (network.nodes, len(network.edges)) == (nodes, edges)
    assert is_connected(network)
    floor = 3 if 2 * edges >= 3 * nodes and nodes > 3 else 2 if edges >= nodes else 1
    assert network.degrees.min() >= floor


def test_complete_packing():
    """The largest possible number of edges joins every pair."""
    assert (networks.packing(7, 21).degrees == 6).all()


def test_packing_seed_reproduces():
    """The same seed draws the same network, another seed another one."""
    assert networks.packing(30, 60, seed=4) == networks.packing(30, 60, seed=4)
    assert networks.packing(30, 60, seed=4) != networks.packing(30, 60, seed=5)


@pytest.mark.parametrize(("nodes", "edges"), [(0, 0), (1, 0), (5, 3), (5, 11), (2, 2)])
def test_packing_refuses_impossible_counts(nodes, edges):
    """No simple connected network has these counts."""
    with pytest.raises(NetworkError):
        networks.packing(nodes, edges)


@pytest.mark.parametrize("wrong", [{"nodes": 9.5}, {"nodes": -4}, {"edges": "many"}, {"seed": -1}, {"seed": None}])
def test_packing_refuses_what_is_no_count(wrong):
    """Counts and seeds are whole numbers."""
    with pytest.raises(ParameterError):
        networks.packing(**wrong)


def test_board16():
    """Nine nodes, sixteen edges: the 3 x 3 grid and four parallel diagonals."""
    board = networks.board16()
    assert (board.nodes, len(board.edges)) == (9, 16)
    steps = np.abs(board.positions[board.edges[:, 0]] - board.positions[board.edges[:, 1]]).sum(axis=1)
    assert sorted(steps) == [1.0] * 12 + [2.0] * 4
    assert crossing_edges(board) == 0


@settings(max_examples=30)
@given(st.integers(1, 7), st.integers(1, 7))
def test_open_lattice(rows, columns):
    """rows (columns - 1) + columns (rows - 1) edges, each as long as the lattice constant."""
    if rows * columns == 1:
        return
    network = networks.lattice(rows, columns)
    assert (network.nodes, len(network.edges)) == (rows * columns, rows * (columns - 1) + columns * (rows - 1))
    drawn = network.positions[network.edges[:, 0]] - network.positions[network.edges[:, 1]]
    assert (np.linalg.norm(drawn, axis=1) == 1.0).all()


@settings(max_examples=20)
@given(st.integers(3, 7), st.integers(3, 7))
def test_periodic_lattice(rows, columns):
    """Two edges per node, and every node has four neighbours."""
    network = networks.lattice(rows, columns, periodic=True)
    assert len(network.edges) == 2 * rows * columns
    assert (network.degrees == 4).all()


@pytest.mark.parametrize("sides", [(1, 1), (0, 5), (2, 4, True), (4, 2, True), (1, 3, True)])
def test_lattice_refuses_impossible_sides(sides):
    """No edges at all, or a closing edge that doubles another."""
    with pytest.raises(NetworkError):
        networks.lattice(*sides)


@pytest.mark.parametrize("sides", [(-1, -2), (2.5, 2), (3, "3")])
def test_lattice_refuses_what_is_no_count(sides):
    """Sides are whole numbers."""
    with pytest.raises(ParameterError):
        networks.lattice(*sides)


# --- construction ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edges", "says"),
    [
        ([(0, 1), (2, 3)], "2 parts"),
        ([(0, 1), (1, 2), (0, 1)], "more than once"),
        ([(0, 1), (1, 2), (1, 0)], "nodes 0 and 1 are joined more than once"),
        ([(0, 1), (1, 1)], "edge 1 joins node 1 to itself"),
        ([(0, 1), (1, 3)], "node 2 has no edge"),
        ([(1, 2)], "node 0 has no edge"),
        ([(0, 1), (1, -2)], "edge 1 names node -2"),
        ([(0, 10**12)], "up to 1000000000000"),
        ([(0, 2**63)], "without gaps"),
        ([(0, 2**70)], "whole numbers"),
        ([(0, 1e30)], "without gaps"),
        ([], "empty"),
        (np.zeros((0, 2), int), "empty"),
        ([0, 1], "shape (2,)"),
        ([(0, 1, 2)], "shape (1, 3)"),
        (None, "shape ()"),
        ([(0, 1), (1,)], "pairs of node numbers"),
        ([(0, 1.5)], "whole numbers"),
        ([(0, float("nan"))], "whole numbers"),
        ([(0, float("inf"))], "without gaps"),
        ([("0", "1")], "whole numbers"),
        ([(True, False)], "whole numbers"),
        ([(0, 1j)], "whole numbers"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_impossible_wirings(edges, says):
    """Each mistake is named in a sentence that says what is wrong."""
    with pytest.raises(NetworkError) as caught:
        Network(edges)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "positions",
    [
        [(0, 0)],
        [(0, 0, 0), (1, 1, 1)],
        [(0, 0), (1, float("nan"))],
        [(0, 0), (1, float("inf"))],
        [(0, 0), (1,)],
        [(0, 0), (1, 1j)],
        [("a", "b"), ("c", "d")],
        {0: (0, 0), 1: (1, 1)},
    ],
)
@pytest.mark.filterwarnings("error")
def test_impossible_positions(positions):
    """Positions of another shape, or that are not finite numbers."""
    with pytest.raises(NetworkError, match="position"):
        Network([(0, 1)], positions)


def test_whole_floats_are_node_numbers():
    """A table read as floats, such as by numpy.loadtxt, is accepted."""
    assert Network([(0.0, 1.0), (1.0, 2.0)]) == Network([(0, 1), (1, 2)])


def test_network_keeps_its_own_unchangeable_arrays():
    """Later changes to the given arrays do not reach the network, and its own arrays cannot be written."""
    edges, places = np.array([(0, 1), (1, 2)]), np.zeros((3, 2))
    network = Network(edges, places)
    edges[0] = places[0] = 7
    assert network == Network([(0, 1), (1, 2)], np.zeros((3, 2)))
    for array in (network.edges, network.positions):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_equality():
    """Order of edges and positions count, the end that is named first does not."""
    network = Network([(0, 1), (1, 2)])
    assert network == Network([(1, 0), (1, 2)])
    assert network != Network([(1, 2), (0, 1)])
    assert network != Network([(0, 1), (1, 2)], np.zeros((3, 2)))
    assert network != "a network"


@settings(max_examples=30)
@given(wirings())
def test_degrees_are_those_of_networkx(network):
    """Degrees [node] agree with networkx."""
    degree = dict(networkx.Graph(network.edges.tolist()).degree)
    assert network.degrees.tolist() == [degree[node] for node in range(network.nodes)]


# --- readers and writers ---------------------------------------------------------------------------------


@settings(max_examples=60)
@given(wirings())
def test_networkx_round_trip(network):
    """Edges in their order and positions to the last bit."""
    assert networks.from_networkx(networks.to_networkx(network)) == network


@settings(max_examples=60)
@given(wirings())
def test_graphml_round_trip(tmp_path_factory, network):
    """Edges in their order and positions to the last bit."""
    path = tmp_path_factory.mktemp("graphml") / "network.graphml"
    networks.write_graphml(network, path)
    assert networks.read_graphml(path) == network


@settings(max_examples=60)
@given(wirings())
def test_csv_round_trip(tmp_path_factory, network):
    """Edges in their order and orientation; positions are not kept."""
    path = tmp_path_factory.mktemp("csv") / "network.csv"
    networks.write_csv(network, path)
    back = networks.read_csv(path)
    assert back.edges.tolist() == network.edges.tolist()
    assert back.positions is None


@pytest.mark.parametrize("network", [networks.packing(), networks.board16(), networks.lattice(3, 4, periodic=True)])
def test_builders_survive_graphml(tmp_path, network):
    """What the builders draw comes back from a file."""
    networks.write_graphml(network, tmp_path / "n.graphml")
    assert networks.read_graphml(tmp_path / "n.graphml") == network


def test_graphml_of_networkx(tmp_path):
    """A file written by networkx itself, with more than ten nodes, keeps the numbers of the nodes."""
    graph = networkx.cycle_graph(12)
    networkx.write_graphml(graph, tmp_path / "n.graphml")
    network = networks.read_graphml(tmp_path / "n.graphml")
    assert {frozenset(pair) for pair in network.edges.tolist()} == {frozenset(pair) for pair in graph.edges}


def test_labels_that_are_not_numbers():
    """Nodes with names are numbered in the graph's order; `pos` gives their positions."""
    graph = networkx.Graph()
    graph.add_node("b", pos=(1.0, 2.0))
    graph.add_node("a", pos=(3.0, 4.0))
    graph.add_edge("a", "b")
    assert networks.from_networkx(graph) == Network([(0, 1)], [(1.0, 2.0), (3.0, 4.0)])


def with_isolated_node() -> networkx.Graph:
    graph = networkx.path_graph(3)
    graph.add_node("alone")
    return graph


def with_positions(*places) -> networkx.Graph:
    graph = networkx.path_graph(len(places))
    networkx.set_node_attributes(graph, dict(enumerate(places)), "pos")
    return graph


@pytest.mark.parametrize(
    ("graph", "says"),
    [
        (networkx.DiGraph([(0, 1)]), "directed"),
        (networkx.MultiGraph([(0, 1), (0, 1)]), "more than once"),
        (networkx.Graph(), "empty"),
        (networkx.empty_graph(1), "no edge"),
        (with_isolated_node(), "'alone' has no edge"),
        (with_positions((0,), (1, 2)), "positions"),
        (with_positions((0, 0, 0), (1, 2, 3)), "positions"),
        (with_positions("here", "there"), "positions"),
        ([(0, 1)], "not a networkx graph"),
    ],
)
def test_graphs_that_are_no_networks(graph, says):
    """Each is refused in a sentence."""
    with pytest.raises(NetworkError) as caught:
        networks.from_networkx(graph)
    assert says in str(caught.value)


HEAD = '<?xml version="1.0"?><graphml xmlns="http://graphml.graphdrawing.org/xmlns">'
KEYS = '<key id="x" for="node" attr.name="x" attr.type="{0}"/><key id="y" for="node" attr.name="y" attr.type="{0}"/>'
NODES = '<node id="0"/><node id="1"/>'
EDGE = '<edge source="0" target="1"/>'


def graphml(body: str, direction: str = "undirected", keys: str = "") -> str:
    return f'{HEAD}{keys}<graph edgedefault="{direction}">{body}</graph></graphml>'


def placed(x: str, kind: str) -> str:
    nodes = "".join(f'<node id="{i}"><data key="x">{x}</data><data key="y">0</data></node>' for i in range(2))
    return graphml(nodes + EDGE, keys=KEYS.format(kind))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0,1\n",
        "<html/>",
        HEAD + "</graphml>",
        graphml(NODES + EDGE)[:-20],
        graphml(NODES + EDGE, direction="directed"),
        graphml(""),
        graphml(NODES),
        graphml(NODES + EDGE + EDGE),
        graphml(NODES + '<edge source="0" target="0"/>'),
        graphml(NODES + '<edge source="0"/>'),
        graphml(NODES + '<node id="2"/>' + EDGE),
        graphml(NODES + '<edge source="0" target="1"><data key="unknown">1</data></edge>'),
        graphml(NODES + "<hyperedge/>"),
        placed("left", "double"),
        placed("left", "string"),
        placed("NaN", "double"),
        placed("0", "colour"),
        '<?xml version="1.0" encoding="unheard-of"?><graphml/>',
    ],
)
def test_malformed_graphml(tmp_path, text):
    """No error of an XML or graph library comes through; the user reads one line."""
    path = tmp_path / "n.graphml"
    path.write_text(text)
    with pytest.raises(NetworkError) as caught:
        networks.read_graphml(path)
    assert "\n" not in str(caught.value)


def test_well_formed_graphml(tmp_path):
    """The text from which the malformed files are made is itself a network."""
    path = tmp_path / "n.graphml"
    path.write_text(placed("0.5", "double"))
    assert networks.read_graphml(path) == Network([(0, 1)], [(0.5, 0.0), (0.5, 0.0)])


def test_labels_that_are_the_same_number(tmp_path):
    """Nodes '01' and '1' stay two nodes."""
    path = tmp_path / "n.graphml"
    path.write_text(graphml('<node id="01"/><node id="1"/><edge source="01" target="1"/>'))
    assert networks.read_graphml(path).nodes == 2


@pytest.mark.parametrize("keep", [5, 40, -9])
def test_damaged_compressed_graphml(tmp_path, keep):
    """A .graphml.gz that ends too early."""
    path = tmp_path / "n.graphml.gz"
    path.write_bytes(gzip.compress(graphml(NODES + EDGE).encode())[:keep])
    with pytest.raises(NetworkError):
        networks.read_graphml(path)


@pytest.mark.parametrize(
    ("name", "pack"), [("n.graphml", bytes), ("n.graphml.gz", gzip.compress), ("n.graphml.bz2", bz2.compress)]
)
def test_a_file_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch, name, pack):
    text = graphml(NODES + EDGE).encode()
    (tmp_path / name).write_bytes(pack(text))
    assert networks.read_graphml(tmp_path / name).nodes == 2
    monkeypatch.setattr("clockless.networks.files._MOST_BYTES", len(text) - 1)
    with pytest.raises(NetworkError, match="holds more than"):
        networks.read_graphml(tmp_path / name)


@pytest.mark.parametrize("read", [networks.read_graphml, networks.read_csv])
def test_a_pipe_is_not_waited_for(tmp_path, read):
    os.mkfifo(tmp_path / "n")
    with pytest.raises(NetworkError, match="a pipe and no file"):
        read(tmp_path / "n")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("node_i,node_j\n", "empty"),
        ("0\n", "line 1"),
        ("0,1\n0,1,2\n", "line 2"),
        ("0,1.5\n", "line 1"),
        ("a,b\nc,d\n", "line 2"),
        ("a,b\n\n# note\n0,x\n", "line 4"),
        ("0,x\n", "line 1"),
        ("0,1\nnode_i,node_j\n", "line 2"),
        ("0;1\n1;2\n", "line 1"),
        ("0,1\n0," + "9" * 5000, "line 2"),
        ("0,1\n" + "x" * 200_000 + ",2", "line 2"),
        ("0,1\n\0,2\n", "line 2"),
        ("0,-1\n", "node -1"),
        ("0,1\n1,0\n", "more than once"),
    ],
)
def test_malformed_csv(tmp_path, text, says):
    """Each is refused in one line that names the line of the file where there is one."""
    path = tmp_path / "n.csv"
    path.write_text(text)
    with pytest.raises(NetworkError) as caught:
        networks.read_csv(path)
    assert says in str(caught.value).replace(str(path), "")


@pytest.mark.parametrize(
    "text",
    [
        "0,1\n1,2\n",
        "node_i,node_j\n0,1\n1,2\n",
        "# from\n\n 0 , 1 \n#\n1,2",
        "\ufefffrom,to\n0,1\r\n1,2\r\n",
        '"0","1"\n"1","2"',
    ],
)
def test_csv_dialects(tmp_path, text):
    """Headers, comments, blanks, quotes and the byte order mark of spreadsheets do not matter."""
    path = tmp_path / "n.csv"
    path.write_text(text, encoding="utf-8", newline="")
    assert networks.read_csv(path) == Network([(0, 1), (1, 2)])


@pytest.mark.parametrize("read", [networks.read_csv, networks.read_graphml])
def test_files_that_cannot_be_read(tmp_path, read):
    """Missing, a folder, or bytes that are no text."""
    noise = tmp_path / "noise"
    noise.write_bytes(bytes(range(128, 256)))
    for path in (tmp_path / "missing", tmp_path, noise):
        with pytest.raises(NetworkError):
            read(path)


@pytest.mark.parametrize("write", [networks.write_csv, networks.write_graphml])
def test_files_that_cannot_be_written(tmp_path, write):
    """A folder that does not exist, or a folder in the place of the file."""
    for path in (tmp_path / "missing" / "n.graphml", tmp_path):
        with pytest.raises(OutputError, match="cannot write"):
            write(networks.board16(), path)
