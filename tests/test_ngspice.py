"""ngspice as an independent answer: for random networks of every law, and for the states of trained machines."""

import shutil

import numpy as np
import pytest

import clockless as cl
from clockless.spice import ngspice
from clockless.spice.netlist import Netlist
from clockless.spice.verification import JOINED

L = cl.laws
needs_ngspice = pytest.mark.skipif(shutil.which("ngspice") is None, reason="ngspice is not installed")
NETWORKS = 100
NODES, EDGES = 12, 24

# Law of half of the edges (the others are resistors where the law does not learn), what it may have learned, largest volts.
LAWS = {
    "linear": (L.Linear(), (1.0, 1e4), 5.0),
    "ohmic": (L.Ohmic(), (1.0, 5.0), 1.0),
    "level 1": (L.NMOS.pyclln(), (0.4, 8.0), 0.5),
    "level 1, series resistances": (L.NMOS.pyclln(series=True), (0.4, 8.0), 0.5),
    "signal diode": (L.Diode(2.5e-9, 1.75), None, 2.0),
    "antiparallel diodes": (L.Diode(1e-6, 2.0, antiparallel=True), None, 0.6),
    "plain diode": (L.Diode(1e-14, 1.0, leak=0.0), None, 3.0),
    "ideal diode": (L.IdealDiode(0.1, 1e-2), None, 2.0),
    "memristor": (L.Memristor(curvature=2.0), (0.0, 1.0), 1.0),
    "linear memristor": (L.Memristor(), (0.0, 1.0), 1.0),
    "polynomial": (L.Polynomial((1.0, 0.5, 2.0)), (1e-4, 1e-2), 1.0),
    "table": (L.Table((-1.0, -0.2, 0.0, 0.3, 1.0), (-2e-3, -1e-4, 0.0, 1e-4, 3e-3)), (0.5, 2.0), 1.5),
}


def networks_of(law, learned, most, rng):
    """Random netlists: a ring with chords, three held nodes besides one at 0 V."""
    pairs = [(i, j) for i in range(NODES) for j in range(i + 2, NODES) if (i, j) != (0, NODES - 1)]
    for _ in range(NETWORKS):
        ring = [(k, (k + 1) % NODES) for k in range(NODES)]
        edges = ring + [pairs[k] for k in rng.choice(len(pairs), EDGES - NODES, replace=False)]
        held = rng.choice(NODES, 4, replace=False)
        low = 0.0 if not law.reciprocal else -most
        volts = dict(zip(held.tolist(), [0.0, *rng.uniform(low, most, 3).tolist()], strict=True))
        if learned:
            laws = [law] * EDGES
            values = 10 ** rng.uniform(*np.log10(learned), EDGES) if learned[0] > 0 else rng.uniform(*learned, EDGES)
        else:  # a diode between two held nodes would carry kiloamperes
            resistors = (rng.random(EDGES) < 0.5) | np.isin(edges, held).all(axis=1)
            laws = [L.Linear() if linear else law for linear in resistors]
            values = np.where(resistors, 10 ** rng.uniform(2, 5, EDGES), np.nan)
        yield Netlist(cl.Network(edges), tuple(f"n{k}" for k in range(NODES)), tuple(laws), values, volts)


def at_rest(netlist, volts):
    """The state at rest beside `volts`, by Newton's method on the laws."""
    free = np.setdiff1d(np.arange(len(volts)), list(netlist.held))
    at = volts.copy()
    for _ in range(4):
        away, jacobian = netlist.kirchhoff(at)
        # Where all transistors of a node are closed it is joined to nothing; least squares leave it where it is.
        at[free] -= np.linalg.lstsq(jacobian[np.ix_(free, free)], away[free])[0]
    return at


@needs_ngspice
@pytest.mark.parametrize("name", LAWS)
def test_random_networks_agree(name):
    """Where ngspice is at rest, so are the laws: within 1e-9 V at nodes that more than 1e-8 S join to held ones."""
    netlists = list(networks_of(*LAWS[name], np.random.default_rng(1)))
    found = ngspice.solve_all(netlists)
    assert all(volts is not None for volts in found)
    firm_nodes = 0
    for netlist, volts in zip(netlists, found, strict=True):
        firm = netlist.joined(volts) > JOINED
        firm_nodes += int(firm.sum())
        assert np.abs(volts - at_rest(netlist, volts))[firm].max() <= 1e-9
    assert firm_nodes > 0.8 * NETWORKS * NODES
