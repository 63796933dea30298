"""Netlists: what is written is read again byte for byte, what others write as SPICE means it, the rest is refused."""

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import clockless as cl
from clockless.errors import OutputError, ParameterError, SpiceError
from clockless.media.resistors import reference
from clockless.spice.bodies import THERMAL
from clockless.spice.cards import Card, deck_of
from clockless.spice.netlist import Netlist
from clockless.spice.reading import netlist_of
from clockless.spice.writing import Machine, example_netlist

L = cl.laws
steady = settings(derandomize=True, deadline=None, max_examples=50)


def parsed(text):
    return netlist_of(deck_of(text))


# --- numbers and lines -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1.0), ("-2.5", -2.5), (".5", 0.5), ("3.", 3.0), ("1e3", 1e3), ("1.5e-3", 1.5e-3), ("2d3", 2e3),
        ("1k", 1e3), ("4.7kohm", 4.7e3), ("2meg", 2e6), ("2megohm", 2e6), ("3m", 3e-3), ("2.2u", 2.2e-6), ("2.2µf", 2.2e-6),
        ("100n", 1e-7), ("7p", 7e-12), ("1f", 1e-15), ("1g", 1e9), ("1t", 1e12), ("1mil", 25.4e-6), ("5v", 5.0),
        ("1e-3k", 1.0), ("0.1u", 1e-7), ("1e-300", 1e-300),
    ],
)  # fmt: skip
def test_engineering_numbers(text, value):
    """Suffixes as in SPICE, rounded once: the double nearest to the decimal number."""
    assert Card("x", 1, "").number(text, "it") == value


@pytest.mark.parametrize("text", ["", "k", "1.2.3", "1e", "--1", "1k2", "nan", "inf", "1e999", "0x10", "1a", "1 000", "{r}"])
def test_what_is_no_number(text):
    with pytest.raises(SpiceError, match="x, line 7: its value is"):
        Card("x", 7, "").number(text, "its value")


LAB = """Wheatstone bridge, drawn by hand
* with a comment
r1 IN a 1k ; the first
R2 a 0
* in the middle of a card

+ 2K
R3 in
+
+ b 3k $ more
R4 B gnd 1000 // and more
.print op v(a)
R5 a b 5kohm
V1 in 0 dc 10
.op
.END
what comes after the end is nobody's business
"""


def test_a_netlist_by_hand():
    """Comments, continuations, case, suffixes and units; the state is that of the mesh equations."""
    board = parsed(LAB.replace("\n", "\r\n"))
    assert board.title == "Wheatstone bridge, drawn by hand"
    assert board.notes == ("with a comment",)
    assert board.names == ("in", "a", "0", "b")
    assert board.resistances.tolist() == [1e3, 2e3, 3e3, 1e3, 5e3]
    assert board.held == {0: 10.0, 2: 0.0}
    volts = cl.Resistors(board.network).settle(board.resistances, board.held)
    # Currents out of a and b: (a-10)/1 + a/2 + (a-b)/5 = 0, (b-10)/3 + b/1 + (b-a)/5 = 0, in mA.
    a, b = np.linalg.solve([[1 + 1 / 2 + 1 / 5, -1 / 5], [-1 / 5, 1 / 3 + 1 + 1 / 5]], [10.0, 10 / 3])
    assert volts == pytest.approx([10.0, a, 0.0, b], rel=1e-14)


OTHERS = """others
M1 d g s 0 sw W=20u L=2u nrd=.5
D1 d w dd 2
R1 w s 10
X1 s t load
X2 t 0 switch
R2 t u 1k
Vg g 0 3
Vd d 0 1
Iu 0 u 1m
.subckt load p q
R1 q p 4.7k
.ends
.subckt switch x y
.model dd d(is=1n)
D1 y x dd
.ends switch
.model sw NMOS (level=1, vto=0.7 kp=50u lambda=.01 gamma=.4 phi=.65 rsh=10 cbd=1p)
.model dd D(is=1f n=1.5 cjo=2p)
.end
"""


def test_models_and_subcircuits_of_others():
    """A transistor by its sheet resistance, a diode with an area, and subcircuits of one edge."""
    board = parsed(OTHERS)
    mos, diode, *resistors, inner, _ = board.laws
    assert mos == L.NMOS(0.7, 0.4, 0.65, 50e-6, 0.01, 20e-6, 2e-6, 5.0, 10.0)
    assert board.values[0] == 3.0
    assert diode == L.Diode(2e-15, 1.5, THERMAL)
    assert resistors == [L.Linear(), L.Linear()]
    assert board.values[2:4].tolist() == [10.0, 4.7e3]
    assert inner == L.Diode(1e-9, 1.0, THERMAL)
    ends = [board.names[k] for k in board.network.edges[4]]
    assert ends == ["0", "t"]
    assert parsed(board.text()).text() == board.text()


def test_source_and_gate_at_ground():
    """gnd is ground; a gate at ground has 0 V; the plus of a source may be ground; a source of 27 degrees is welcome."""
    board = parsed("t\nM1 a gnd b gnd m\nR1 b 0 1k\nV1 0 a 2\n.model m nmos\n.options temp=27 gmin=1p reltol=1e-6\n.end\n")
    assert board.values[0] == 0.0
    assert board.held == {0: -2.0, 2: 0.0}


def test_a_diode_of_spice_has_its_temperature_and_gmin():
    board = parsed("t\nD1 a 0 d 3\nV1 a 0 .1\n.model d d(is=2n n=1.5)\n.options gmin=1e-15\n.end\n")
    (law,) = board.laws
    assert law == L.Diode(3 * 2e-9, 1.5, THERMAL, leak=1e-15)
    assert pytest.approx(8.617333e-5 * 300.15, rel=1e-6) == THERMAL
    assert float(law.current(0.1, 0.0)) == pytest.approx(6e-9 * np.expm1(0.1 / (1.5 * THERMAL)) + 1e-16, rel=1e-12)


def test_currents_go_from_the_first_node_through_the_source():
    board = parsed("t\nR0 n0 n1 1k\nR1 n1 n2 1k\nV0 n0 0 0\nI1 0 n1 1m\nI2 n2 n1 2m\n.end\n")
    assert board.currents == pytest.approx({1: 3e-3, 2: -2e-3})


# --- what is refused -------------------------------------------------------------------------------------

BASE = ["title", "R1 a b 1k", "R2 b 0 1k", "V1 a 0 1"]
ERRORS = [
    ("C1 a 0 1n", "element 'c1' is not understood"),
    ("Q1 a b c m", "element 'q1'"),
    ("B1 a b I=v(a)", "element 'b1'"),
    ("R1 a c 2", "r1 is there already, in line 2"),
    ("R3 a b 2k", "joins the same nodes as line 2"),
    ("R3 a a 2k", "joins node a to itself"),
    ("R3 a", "not understood; write r3 NODE NODE OHMS"),
    ("R3 a c 2k tc=1", "not understood; write r3 NODE NODE OHMS"),
    ("R3 a c -2k", "must be positive"),
    ("R3 a c 0", "must be positive"),
    ("R3 a c {x}", "its resistance is '{x}'"),
    ("R3 c d 2k", "no path of edges joins r3 to r1"),
    ("V2 a 0 2", "short each other"),
    ("V2 a b 2", "is between a and b"),
    ("V2 0 gnd 2", "shorts ground"),
    ("V2 c 0 2", "node c is held by v2 but joined to nothing"),
    ("I2 c 0 2", "node c is fed by i2 but joined to nothing"),
    ("V2 b 0 sin(0 1 1k)", "a constant"),
    ("V2 b 0 dc", "a constant"),
    ("D1 b 0 nix", "there is no model 'nix'"),
    ("D1 b", "write d1 ANODE CATHODE MODEL"),
    ("M1 a g b 0", "write m1 DRAIN GATE SOURCE 0 MODEL"),
    ("X1 a b nix", "there is no subcircuit 'nix'"),
    ("X1", "has no nodes"),
    (".include other.cir", ".include is not understood"),
    (".param x=1", ".param is not understood"),
    (".options temp=85", "temp = 85: laws are those of 27 degrees"),
    (".options rshunt=1e9", "option 'rshunt=1e9' may change the circuit"),
    (".model", "no name or no type"),
    (".control\nalter r1=5\n.endc", "may change the circuit"),
    (".subckt s a b\nR1 a b 1", "has no .ends"),
    (".control\nop", "has no .endc"),
    ("M1 a g c 0 m\n.model m nmos", "gate, node g, is held by no source"),
    ("M1 a g c c m\n.model m nmos", "body of m1 is joined to c"),
    ("M1 a b c 0 m x=1\n.model m nmos", "x of m1"),
    ("M1 a b c 0 m w\n.model m nmos", "name=value is expected"),
    ("M1 a b c 0 m w=1 w=2\n.model m nmos", "w is given twice"),
    ("M1 a b c 0 m\n.model m pmos", "of type pmos; only nmos"),
    ("M1 a 0 c 0 m\n.model m nmos(level=3)", "only level 1"),
    ("M1 a 0 c 0 m\n.model m nmos(kp=-1)", "m1 cannot be: NMOS got kp = -1.0"),
    ("D1 a c m\n.model m d(bv=5)", "bv = 5 of model m has no counterpart"),
    ("D1 a c m\n.model m d(rs=5)", "rs = 5 of model m has no counterpart"),
    ("D1 a c m\n.model m d(tnom=50)", "another temperature"),
    (".model m d\n.model m d", "was defined in line 5"),
    (".subckt s a b\n.ends\n.subckt s a b\n.ends", "subcircuit s was defined before"),
    ("X1 a c s\n.subckt s p q\nR1 p x 1\nR2 x q 1\n.ends", "subcircuit s is not one edge"),
    ("X1 a c s\n.subckt s p q\nR1 p x 1\n.ends", "node x is inside of subcircuit s"),
    ("X1 a c c s\n.subckt s p q\nR1 p q 1\n.ends", "has 3 nodes, but subcircuit s has 2"),
    ("X1 a c s\n.subckt s a b\nB1 a b I=v(a,b)^3\n.ends", "subcircuit s is not one edge"),
]


@pytest.mark.parametrize(("card", "said"), ERRORS, ids=[said for _, said in ERRORS])
def test_refusals_name_the_line(card, said):
    """One sentence with the number of the line that has to be changed."""
    text = "\n".join([*BASE, card, ".end", ""])
    with pytest.raises(SpiceError) as caught:
        parsed(text)
    sentence = str(caught.value)
    assert said in sentence
    assert sentence.startswith("netlist, line ")
    assert 5 <= int(sentence.split("line ")[1].split(":")[0]) <= text.count("\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: the netlist stops here without .end"),
        ("title\nR1 a 0 1k\nV1 a 0 1\n", "line 3: the netlist stops here without .end"),
        ("title\n+ 1k\n.end\n", "line 2: it goes on with the line before"),
        ("title\n.end\n", "there is no R, D, M or X"),
        ("title\nR1 a b 1\n.end\n", "no node is held, so all of them float"),
    ],
)
def test_netlists_that_are_none(text, said):
    with pytest.raises(SpiceError, match=said):
        parsed(text)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(SpiceError, match=r"cannot read .*check the path"):
        cl.spice.read(tmp_path / "nowhere.cir")
    (tmp_path / "x.cir").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SpiceError, match="is not a text file"):
        cl.spice.read(tmp_path / "x.cir")


# --- there and back --------------------------------------------------------------------------------------

numbers = st.floats(1e-15, 1e12, allow_nan=False)
signed = numbers | numbers.map(lambda x: -x)


def rows(values):
    """Rows of a table with steps that double precision can tell apart."""
    return tuple(np.cumsum(np.round(values, 6)).tolist())


def within(low, high):
    return st.floats(low, high)


steps = st.lists(within(1e-3, 3.0), min_size=2, max_size=5)
or_none = st.just(0.0) | numbers
small = within(1e-6, 1e-4)
some_laws = st.one_of(
    st.just(L.Linear()),
    numbers.map(L.FixedResistor),
    st.builds(L.Ohmic, numbers, signed, or_none),
    st.builds(L.NMOS, signed, or_none, numbers, small, or_none, small, small, within(0.0, 9.0), within(0.0, 9.0)),
    st.builds(L.Diode, within(1e-16, 1e-3), within(0.5, 4.0), within(0.01, 0.05), st.booleans(), or_none),
    st.builds(L.IdealDiode, signed, numbers, or_none),
    st.builds(lambda on, more, c: L.Memristor(on, on * (1 + more), c), within(1e-3, 1e6), within(0.5, 1e3), or_none),
    st.builds(lambda first, last: L.Polynomial((*first, last)), st.lists(signed, max_size=3), numbers),
    st.builds(lambda v, i: L.Table(rows(v[: len(i)]), rows(i[: len(v)])), steps, steps),
)
NETWORK = cl.networks.board16()
SMALL = cl.Network([(0, 1), (2, 1), (2, 3), (0, 3), (3, 1)])


@st.composite
def netlists(draw):
    """Four nodes with edges of any laws, values, sources and titles."""
    kinds = draw(st.lists(some_laws, min_size=1, max_size=4))
    laws = tuple(kinds[draw(st.integers(0, len(kinds) - 1))] for _ in SMALL.edges)
    values = [
        law.resistance if isinstance(law, L.FixedResistor) else draw(numbers) if law.learns else np.nan for law in laws
    ]
    names = tuple(f"n{k}" for k in range(SMALL.nodes))
    held = draw(st.dictionaries(st.integers(0, 3), signed, min_size=1, max_size=4))
    fed = draw(st.dictionaries(st.integers(0, 3), signed, max_size=2))
    title = draw(st.text(st.characters(blacklist_categories=("Cs",)), max_size=20))
    notes = tuple(draw(st.lists(st.text("abc: *", max_size=9).map(str.rstrip), max_size=2)))
    return Netlist(SMALL, names, laws, np.array(values), held, fed, title, notes)


@steady
@given(netlists())
def test_write_read_write(board):
    """The same bytes, the same wiring, values and sources to the last bit, and laws that carry the same current."""
    text = board.text()
    again = parsed(text)
    assert again.text() == text
    assert np.array_equal(again.network.edges, SMALL.edges)
    assert np.array_equal(again.values, board.values, equal_nan=True)
    assert again.held == board.held
    assert again.currents == board.currents
    for law, back in zip(board.laws, again.laws, strict=True):
        if isinstance(law, L.Diode):  # its two factors of the exponent are one
            assert (back.saturation, back.leak, back.antiparallel) == (law.saturation, law.leak, law.antiparallel)
            assert back.ideality * back.thermal == pytest.approx(law.ideality * law.thermal, rel=1e-15)
        else:
            assert back == (L.Linear() if isinstance(law, L.FixedResistor) else law)


@steady
@given(netlists(), st.data())
def test_what_is_cut_off_is_refused(board, data):
    """A file that stops anywhere before its last line is refused, and nothing else happens."""
    text = board.text()
    cut = data.draw(st.integers(0, len(text) - len(".end\n")))
    with pytest.raises(SpiceError):
        parsed(text[:cut])


@steady
@given(netlists(), st.data())
def test_what_is_damaged_is_read_or_refused(board, data):
    """A line lost, doubled or overwritten ends in a netlist or in one sentence."""
    lines = board.text().split("\n")
    at = data.draw(st.integers(1, len(lines) - 2))
    junk = data.draw(
        st.sampled_from(["", lines[at] + lines[at], "R", ".", "+", "X1 a", "=", "m1 (,)", ".model a", "v1 a 0 1k="])
    )
    lines[at : at + 1] = [junk]
    with suppress(SpiceError):
        parsed("\n".join(lines))


def test_ground_is_the_last_node():
    """Shunts make ground a node more, and the others keep their numbers."""
    board = parsed("t\nR0 n1 n0 1k\nR1 n0 0 1meg\nR2 n1 0 1meg\nVn1 n1 0 1\n.end\n")
    assert board.names == ("n0", "n1", "0")
    assert board.held == {1: 1.0, 2: 0.0}


def test_names_of_gates_do_not_meet_names_of_nodes():
    board = parsed("t\nM0 gate0 g a 0 m\nR1 a 0 1k\nVgate0 gate0 0 1\nVg g 0 2\n.model m nmos\n.end\n")
    again = parsed(board.text())
    assert again.held == board.held
    assert again.values[0] == 2.0


def test_an_inverter_settles():
    """Its middle node is joined to all others; R and M carry the same current, in closed form in the ohmic range."""
    board = parsed("""inverter
Rload vdd out 10k
M1 out in 0 0 sw w=20u l=2u
Vdd vdd 0 2
Vin in 0 1.5
.model sw nmos(level=1 vto=0.7 kp=50u)
.end
""")
    # beta (vov - v/2) v = (2 - v) / R with beta = 5e-4 A/V^2, vov = 0.8 V: 2.5 v^2 - 5 v + 2 = 0.
    assert board.settle()[board.names.index("out")] == pytest.approx((5 - 5**0.5) / 5, abs=1e-9)


# --- trained machines ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained():
    """Two clocks on nine nodes."""
    task = cl.tasks.regression(NETWORK)
    clocks = [cl.Global(), cl.Bernoulli(0.5)]
    return cl.train(cl.Resistors(NETWORK), task, rule=cl.CoupledLearning(0.1, 0.1), clock=clocks, steps=20)


def test_states_of_a_run(trained, tmp_path):
    """The netlist's state is that of dense solves in NumPy, free and clamped, of the machine that was asked for."""
    resistances = trained.parameters.isel(clock=1).values
    medium, task = trained.medium, trained.task
    expected = {
        "free": reference.free_state(medium, resistances, task, task.x_train[2]),
        "clamped": reference.clamped_state(medium, resistances, task, 2, 0.1),
    }
    for phase, volts in expected.items():
        path = trained.to_spice(tmp_path / "board.cir", example=2, phase=phase, clock=1)
        board = cl.spice.read(path)
        assert board.resistances.tolist() == resistances.tolist()
        assert medium.settle(board.resistances, board.held) == pytest.approx(volts, abs=1e-14)
        assert board.kirchhoff(volts)[0][np.setdiff1d(np.arange(9), list(board.held))] == pytest.approx(0, abs=1e-14)
        cl.spice.write(board, tmp_path / "again.cir")
        assert (tmp_path / "again.cir").read_bytes() == path.read_bytes()
        cl.spice.write(trained, tmp_path / "third.cir", 2, phase, replica={"clock": 1})
        assert (tmp_path / "third.cir").read_bytes() == path.read_bytes()


def test_nudged_states():
    """Resistors of 1 / nudge ohms draw the outputs to sources at the targets."""
    task, medium, resistances = cl.tasks.regression(NETWORK), cl.Resistors(NETWORK), np.linspace(0.5, 2.0, 16)
    machine = Machine(medium, resistances, task, cl.EquilibriumPropagation(0.2, 0.1), None)
    board = example_netlist(machine, 1, "nudged")
    volts = reference.nudged_state(medium, resistances, task, 1, 0.2)
    assert cl.Resistors(board.network).settle(board.resistances, board.held)[:9] == pytest.approx(volts, abs=1e-14)
    again = parsed(board.text())
    assert again.text() == board.text()
    with pytest.raises(ParameterError, match="phase = 'clamped', but EquilibriumPropagation knows 'free' and 'nudged' only"):
        example_netlist(machine, 1, "clamped")


def test_a_medium_with_volts_of_its_own(tmp_path):
    medium = cl.Resistors(NETWORK)
    cl.spice.write(medium, tmp_path / "x.cir", parameters=np.full(16, 2.0), held={0: 0.0, 8: 1.0})
    board = cl.spice.read(tmp_path / "x.cir")
    assert (board.resistances == 2.0).all()
    assert board.held == {0: 0.0, 8: 1.0}
    with pytest.raises(ParameterError, match="is no run, so it has no examples"):
        cl.spice.write(medium, tmp_path / "y.cir")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"example": 999}, "example = 999, but there are"),
        ({"example": -1}, "whole number from 0"),
        ({"phase": "pushed"}, "give 'free', 'clamped' or 'nudged'"),
        ({"phase": "nudged"}, "CoupledLearning knows 'free' and 'clamped' only"),
        ({"clock": 2}, "clock = 2: the axes are"),
        ({"number": 2}, "number = 2, but there are 2 machines"),
    ],
)
def test_what_there_is_not(trained, tmp_path, arguments, said):
    with pytest.raises(ParameterError, match=said):
        trained.to_spice(tmp_path / "x.cir", **arguments)
    assert not list(tmp_path.iterdir())


def test_places_that_cannot_be_written(trained, tmp_path):
    with pytest.raises(OutputError, match="cannot write"):
        trained.to_spice(tmp_path / "nowhere" / "x.cir")


def test_media_without_netlists(tmp_path):
    medium = cl.XY(cl.architectures.dense(2, 3, 2))
    with pytest.raises(SpiceError, match="XY has no netlist; resistors and circuits have"):
        cl.spice.write(medium, tmp_path / "x.cir", parameters=np.ones(3), held={0: 0.0})
