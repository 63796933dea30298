"""Figure modes: in which order a board of 32 nonlinear edges learns the mean, the slope and the curvature of a line.

Dillavou et al., PNAS 121, e2319718121 (2024), arXiv 2311.00537: a transistor board reduces modes of its error in that order.
Modes are the powers 1, V, V^2 of the input at the examples, made orthonormal one after the other (Gram and Schmidt), and

    c_m = sum over examples of n_m (V_out - V_target) / (number of examples)^(1/2)

is the error's part along n_m, in volts: the sum of c_m^2 over all modes is the mean squared error. Boards are 4 x 4 tori
with the wiring of figure regression; their gates (of resistors: conductances) are drawn. Exclusive or is asked of the same
boards of ohmic transistors, in the voltages and at the nodes of `tasks.xor`.

Thresholds were stated on 2026-11-22, after a first look at 64 boards with master seed 0: a mode is learned at the epoch at
which its root mean square over boards has fallen to half; one is learned before the next if the 95 % bootstrap interval over
boards of log10 of the ratio of their epochs lies above 0. A mode that is not learned counts as learned at the end.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from clockless.media.circuits.law import Law
from clockless.media.circuits.laws import Linear
from clockless.media.circuits.medium import Circuit
from clockless.media.circuits.solving import solved as settled
from clockless.media.circuits.tasks import solved, xor
from clockless.media.circuits.transistors import NMOS, Ohmic
from clockless.networks.builders import lattice
from clockless.papers import FigureData, Options
from clockless.papers.claims import HEALTH, Claim
from clockless.papers.nonlinear.regression import INPUTS, RULE, TARGETS, best_line, example_task
from clockless.papers.nonlinear.sources import BENT, ORDER, REFUTED
from clockless.papers.trends import share_interval
from clockless.parts.rules import CoupledLearning
from clockless.parts.samplers import Epochs

MODES = ("mean", "slope", "curvature")
BOARDS, EPOCHS, XOR_EPOCHS = 64, 25_000, 10_000
HALF, DRAWS = 0.5, 2000


class Kind(NamedTuple):
    """Edges of a board: their law, the range of what learns, and where it is drawn from."""

    law: Law
    low: float
    high: float
    first: tuple[float, float]


# Below 1.15 V an ohmic transistor may pinch off at 0.45 V, beyond which it is no transistor (see `Ohmic`).
KINDS = {
    "level 1": Kind(NMOS.pyclln(), 0.4, 8.0, (1.5, 4.0)),
    "ohmic": Kind(Ohmic(), 1.15, 8.0, (1.15, 3.0)),
    "linear": Kind(Linear(), 0.01, 10.0, (0.5, 3.0)),
}


def basis() -> np.ndarray:
    """n_m [mode, example]: orthonormal, mode m a polynomial of degree m in the input."""
    powers = np.array(INPUTS)[:, None] ** np.arange(len(MODES))
    orthonormal, triangle = np.linalg.qr(powers)
    return np.asarray((orthonormal * np.sign(np.diag(triangle))).T)


def figure_modes(options: Options) -> FigureData:
    """c_m of every board along training, what boards show, and how many boards of ohmic transistors solve exclusive or."""
    import xarray

    boards, epochs, count = (8, 100, 12) if options.tiny else (BOARDS, EPOCHS, 40)
    record = [0, *np.unique(np.rint(len(INPUTS) * np.geomspace(1, epochs, count))).astype(int).tolist()]
    shape = (len(KINDS), boards, len(record), len(INPUTS))
    shown, unsettled = np.empty(shape), 0.0
    for k, (name, kind) in enumerate(KINDS.items()):
        circuit = Circuit(lattice(4, 4, periodic=True), kind.law, low=kind.low, high=kind.high)
        run = _learned(options, f"modes, {name}", circuit, example_task(), RULE, kind.first, record, boards)
        gates = run.data.traces.transpose("seed", "step", ...).values
        shown[k] = _shown(circuit, gates.reshape(-1, circuit.units)).reshape(shape[1:])
        unsettled = max(unsettled, float(run.data.unsettled.max()))
    kind = KINDS["ohmic"]
    circuit = Circuit(lattice(4, 4, periodic=True), kind.law, low=kind.low, high=kind.high, rails={5: 0.11, 7: 0.33},
                      differential=True)  # fmt: skip
    task, last = xor(circuit.network), 4 * (50 if options.tiny else XOR_EPOCHS)
    run = _learned(options, "modes, exclusive or", circuit, task, CoupledLearning(0.5, 0.3), kind.first, [0, last], boards)
    luck: Any = None
    right = [bool(solved(task, circuit.predict(each, task.x_test, task, luck))) for each in run.parameters.values]
    wrong = shown - np.array(TARGETS)
    data = xarray.Dataset(
        {"modes": (("law", "seed", "step", "mode"), wrong @ basis().T / np.sqrt(len(INPUTS))),
         "squares": (("law", "seed", "step"), np.mean(wrong**2, axis=-1)),
         "shown": (("law", "seed", "step", "example"), shown), "wanted": ("example", list(TARGETS)),
         "xor": ("seed", right)},
        {"law": list(KINDS), "mode": list(MODES), "seed": np.arange(boards), "step": record,
         "epoch": ("step", np.array(record) / len(INPUTS)), "input": ("example", list(INPUTS))},
        {"line": best_line(), "unsettled": max(unsettled, float(run.data.unsettled.max()))},
    )  # fmt: skip
    return FigureData({"figure-modes": data}, claims(data))


def _learned(
    options: Options, title: str, circuit: Circuit, task: Any, rule: Any, first: tuple[float, float], record: list[int],
    boards: int,
) -> Any:  # fmt: skip
    import xarray

    from clockless.workers.train import train

    starts = np.random.default_rng(options.seed).uniform(*first, (boards, circuit.units))
    with options.showing(title) as update:
        return train(
            circuit, task, rule=rule, batch=Epochs(1), steps=record[-1], record=record, traces=True,
            seed=[options.seed * 1000 + k for k in range(boards)], threads=options.threads, progress=update,
            initial=xarray.DataArray(starts, dims=("seed", "edge")),
        )  # fmt: skip


def _shown(circuit: Circuit, gates: np.ndarray) -> np.ndarray:
    """Output voltages [board, example] of boards with these gates [board, edge]; NaN where a state does not settle."""
    task, boards = example_task(), len(gates)
    examples = len(task.x_test)
    held, free = np.zeros((16, boards * examples)), np.ones((16, boards * examples), dtype=bool)
    for node, volts in zip(task.inputs, task.x_test.T, strict=True):
        held[node], free[node] = np.tile(volts, boards), False
    found = settled(circuit, np.repeat(gates, examples, axis=0).T, held, free)
    outputs: np.ndarray = np.where(found.settled, found.volts[task.outputs[0]], np.nan).reshape(boards, examples)
    return outputs


def learned_at(epochs: np.ndarray, modes: np.ndarray) -> np.ndarray:
    """The epoch [mode] at which the root mean square over boards of `modes` [board, epoch, mode] has fallen to HALF.

    Interpolated between looks; the last epoch for a mode that never does.
    """
    size = np.sqrt(np.mean(modes**2, axis=0))
    found = np.full(size.shape[1], float(epochs[-1]))
    for m, share in enumerate((size / size[0]).T):
        below = np.flatnonzero(share <= HALF)
        if below.size:
            k = int(below[0])
            part = (share[k - 1] - HALF) / (share[k - 1] - share[k])
            found[m] = epochs[k - 1] + part * (epochs[k] - epochs[k - 1])
    return found


def order(epochs: np.ndarray, modes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Epochs at which modes are learned, log10 of the ratio of each to the one before, and its 95 % interval [2, pair]."""
    rng = np.random.default_rng(0)
    times = learned_at(epochs, modes)
    drawn = [learned_at(epochs, modes[rng.integers(len(modes), size=len(modes))]) for _ in range(DRAWS)]
    ends = np.quantile(np.diff(np.log10(drawn), axis=1), [0.025, 0.975], axis=0)
    return times, np.diff(np.log10(times)), ends


def claims(data: Any) -> list[Claim]:
    """The paper's order for both laws of transistors, and what linear boards cannot."""
    found, line = [], data.attrs["line"]
    for law in ("level 1", "ohmic"):
        modes = data.modes.sel(law=law).values
        times, ratios, ends = order(data.epoch.values, modes)
        left = np.sqrt(np.mean(modes[:, -1] ** 2, axis=0)) / np.sqrt(np.mean(modes[:, 0] ** 2, axis=0))
        for k, (low, high) in enumerate(ends.T):
            note = f"Epochs {times[k]:.0f} and {times[k + 1]:.0f}; left at the end: {left[k]:.2f} and {left[k + 1]:.2f}."
            found.append(Claim(
                "modes", f"{law}: log10 of epochs to half the {MODES[k + 1]} over those to half the {MODES[k]}", 0.0, 0.0,
                float(ratios[k]), "Modes are reduced in order: mean, slope, curvature.", note, source=ORDER,
                criterion="above", ends=(float(low), float(high)), tiny=k == 0,
            ))  # fmt: skip
    boards = data.sizes["seed"]
    bent = int((data.squares.sel(law="level 1").isel(step=-1) < 0.25 * line).sum())
    right = int(data.xor.sum())
    straight = data.squares.sel(law="linear")
    for what, count in (("level 1: share of boards below a quarter of the best line's squared error", bent),
                        ("ohmic: share of boards that solve exclusive or", right)):  # fmt: skip
        low, high = (float(end) for end in share_interval(np.array(count), boards))
        found.append(Claim("modes", what, 0.0, 0.0, count / boards, "Tasks that no linear network can do are learned.",
                           f"{count} of {boards}.", source=REFUTED, criterion="above", ends=(low, high)))  # fmt: skip
    return [
        *found,
        Claim("modes", "linear boards: least squared error over that of the best line", 1.0, 1e-2,
              float(straight.min() / line), "A straight line is what a linear network can show.", source=BENT),
        Claim("modes", "largest share of states that did not settle", 0.0, 0.0, float(data.attrs["unsettled"]),
              source=HEALTH, tiny=True),
    ]  # fmt: skip
