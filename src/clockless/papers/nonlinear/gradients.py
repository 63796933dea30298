"""How far coupled learning on transistors is from the gradient of the error, which it is not.

The same boards, inputs and targets for all laws: a 4 x 4 torus, rails of .11 and .33 V, the four examples of XOR, and a
pair of outputs whose difference is wanted.
"""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np

from clockless.errors import ParameterError
from clockless.media.circuits import laws, reference
from clockless.media.circuits.adjoint import adjoint_gradient
from clockless.media.circuits.medium import Circuit
from clockless.media.circuits.solving import solved
from clockless.media.circuits.tasks import xor
from clockless.networks.builders import lattice
from clockless.papers import FigureData, Options
from clockless.papers.claims import Claim
from clockless.papers.nonlinear.sources import ENERGY, LIMIT
from clockless.parts.rules import EquilibriumPropagation

RAILS = {5: 0.11, 7: 0.33}
NUDGE, SPREAD = 0.1, 0.25  # of the clamp; of gates about their mean, volts
OVERDRIVES = (0.3, 0.45, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0)
SCALES = (1.0, 4.0)  # of all voltages
LAWS = {"level 1": laws.NMOS.pyclln(), "ohmic": laws.Ohmic(threshold=0.75)}


def board(law: Any, scale: float = 1.0) -> Circuit:
    """The torus of PyCLLN's XOR with all voltages times `scale`."""
    rails = {node: scale * volts for node, volts in RAILS.items()}
    return Circuit(lattice(4, 4, periodic=True), law, rails=rails, differential=True)


def coupled(circuit: Circuit, gates: np.ndarray, task: Any, nudge: float) -> np.ndarray:
    """Minus what coupled learning wants, over rate [edge, board], for such gates; NaN if a state does not settle."""
    nodes, boards = circuit.network.nodes, gates.shape[1]
    a, b = circuit.network.edges.T
    outputs, total = list(task.outputs), np.zeros(gates.shape)
    for x, y in zip(task.x_train, task.y_train, strict=True):
        held, free = np.zeros((nodes, boards)), np.ones((nodes, boards), dtype=bool)
        for node, volts in {**circuit.rails, **dict(zip(task.inputs, x, strict=True))}.items():
            held[node], free[node] = volts, False
        before = solved(circuit, gates, held, free)
        first, second = before.volts[outputs]
        move = 0.5 * nudge * ((y[0] - y[1]) - (first - second))
        held[outputs], free[outputs] = (first + move, second - move), False
        after = solved(circuit, gates, held, free, before.volts)
        here, there = (state.volts[a] - state.volts[b] for state in (before, after))
        signal = circuit.laws[0].contrasts(here, there, gates)
        total += np.where(before.settled & after.settled, signal, np.nan)
    return total / nudge


def cosines(law: Any, overdrive: float, scale: float, boards: int, seed: int) -> np.ndarray:
    """Cosine of coupled learning and the gradient [board]."""
    circuit = board(law, scale)
    task = xor(circuit.network, high=0.45 * scale, target=-0.087 * scale)
    low = 0.75 + overdrive
    gates = np.random.default_rng(seed).uniform(low - SPREAD, low + SPREAD, (circuit.units, boards))
    mine = coupled(circuit, gates, task, NUDGE)
    exact = np.full(gates.shape, np.nan)
    for k in range(boards):
        with contextlib.suppress(ParameterError):  # a state that does not settle: such boards are left out
            exact[:, k] = adjoint_gradient(circuit, gates[:, k], task)
    with np.errstate(all="ignore"):
        found: np.ndarray = (mine * exact).sum(axis=0) / np.linalg.norm(mine, axis=0) / np.linalg.norm(exact, axis=0)
    return found


def reciprocal(seed: int, nudges: tuple[float, float]) -> tuple[float, float]:
    """1 - cosine of equilibrium propagation on memristors and the gradient, at two nudges in siemens."""
    circuit = Circuit(lattice(4, 4, periodic=True), laws.Memristor(curvature=3.0), rails=RAILS)
    task = xor(circuit.network)
    states = np.random.default_rng(seed).uniform(0.2, 0.8, circuit.units)
    exact = adjoint_gradient(circuit, states, task)
    found = []
    for nudge in nudges:
        push = EquilibriumPropagation(nudge, 1.0).push
        mine = sum(reference.contrast(circuit, states, task, k, push) for k in range(4)) / nudge
        found.append(1 - float(mine @ exact / np.linalg.norm(mine) / np.linalg.norm(exact)))
    return found[0], found[1]


def figure_cosine(options: Options) -> FigureData:
    """Cosine against overdrive for two transistor laws and two scales of voltage."""
    import xarray

    boards = 8 if options.tiny else 60
    at = OVERDRIVES[::4] if options.tiny else OVERDRIVES
    shape = (len(LAWS), len(SCALES), len(at), boards)
    table, done = np.zeros(shape), 0
    with options.showing("cosine") as update:
        for place in np.ndindex(shape[:3]):
            law, scale, k = place
            table[place] = cosines(list(LAWS.values())[law], at[k], SCALES[scale], boards, options.seed + k)
            done += 1
            if update:
                update(done, int(np.prod(shape[:3])))
    names = ("law", "scale", "overdrive", "board")
    data = xarray.Dataset(
        {"cosine": (names, table, {"long_name": "cosine of coupled learning and the gradient"})},
        {"law": list(LAWS), "scale": list(SCALES), "overdrive": ("overdrive", list(at), {"units": "V"})},
    ).assign_attrs(nudge=NUDGE, spread=SPREAD)
    return FigureData({"figure-cosine": data}, claims(data, options.seed))


def claims(data: Any, seed: int) -> list[Claim]:
    """What theory says: reciprocal laws have a gradient, transistors none; and what is seen of the latter."""
    coarse, fine = reciprocal(seed, (1e-5, 1e-6))
    wide = data.cosine.sel(law="level 1", scale=1.0).isel(overdrive=-1).median().item()
    note = "; ".join(
        f"{float(one.overdrive):g} V over the threshold, voltages x {float(one.scale):g}: median {one.median().item():.3f}, "
        f"5th percentile {one.quantile(0.05).item():.2f}"
        for scale in data.scale.values
        for one in (data.cosine.sel(law="level 1", scale=scale).isel(overdrive=k) for k in (0, -1))
    )
    return [
        Claim("cosine", "order in the nudge of 1 - cosine of EP and the gradient, memristors", 2.0, 0.2,
              float(np.log10(coarse / fine)), "EP gives the gradient as the nudge falls where there is an energy.",
              source=ENERGY, tiny=True),
        Claim("cosine", "median cosine on transistors at the widest gates", 1.0, 0.05, wide,
              "A wide open transistor is nearly a linear resistor.", f"Level 1: {note}.",
              source=LIMIT),
    ]  # fmt: skip
