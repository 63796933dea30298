"""PyCLLN's exclusive or on transistor tori, as a statistic over seeds."""

from __future__ import annotations

from typing import Any

import numpy as np

from clockless.media.circuits.tasks import solved, xor
from clockless.papers import FigureData, Options
from clockless.papers.claims import HEALTH, Claim
from clockless.papers.nonlinear.gradients import board
from clockless.papers.nonlinear.sources import PLANE, REPORTED
from clockless.papers.trends import share_interval
from clockless.parts.rules import CoupledLearning
from clockless.parts.samplers import Epochs

EPOCHS, BOARDS = 10_000, 64
STEP, NUDGE = 0.3, 0.5  # PyCLLN's gamma and eta: dV_G = -gamma (V_C^2 - V_F^2)
PUBLISHED, OF = 2, 5
ASKED = 0.087  # volts, the difference of the outputs where the inputs differ
LINEAR_RATE = 3.0  # of conductances, siemens


def figure_xor(options: Options) -> FigureData:
    """Errors of all boards against epochs, and how many solve it; of boards of linear resistors, too, which cannot."""
    import xarray

    from clockless.media.circuits import laws

    # wants = -rate signal / nudge with signal (V_C^2 - V_F^2) / 2, so that PyCLLN's gamma is rate / (2 nudge)
    bent = _learned(options, "transistors", board(laws.NMOS.pyclln()), 2 * NUDGE * STEP, (0.5, 3.0))
    straight = _learned(options, "linear resistors", board(laws.Linear()), LINEAR_RATE, (0.05, 1.0))
    data = xarray.Dataset(
        {"squares": (("seed", "epoch"), bent[0]), "solved": (("seed", "epoch"), bent[1]),
         "linear": (("seed", "epoch"), straight[0]), "linear_solved": (("seed", "epoch"), straight[1])},
        {"seed": np.arange(len(bent[0])), "epoch": bent[2]},
        {"published": PUBLISHED, "of": OF, "unsettled": max(bent[3], straight[3]), "plane": ASKED**2 / 4},
    )  # fmt: skip
    return FigureData({"figure-xor": data}, claims(data))


def _learned(
    options: Options, name: str, circuit: Any, rate: float, first: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Squared errors in V^2 and what is solved, both [board, epoch], the epochs, the largest share of unsettled states."""
    import xarray

    from clockless.workers.train import train

    boards, epochs = (8, 100) if options.tiny else (BOARDS, EPOCHS)
    task = xor(circuit.network)
    starts = np.random.default_rng(options.seed).uniform(*first, (boards, circuit.units))
    record = [0, *np.unique(np.rint(4 * np.geomspace(1, epochs, 40))).astype(int).tolist()]
    with options.showing(f"xor, {name}") as update:
        run = train(
            circuit, task, rule=CoupledLearning(NUDGE, rate), batch=Epochs(1), steps=4 * epochs, record=record, traces=True,
            seed=[options.seed * 1000 + k for k in range(boards)], threads=options.threads, progress=update,
            initial=xarray.DataArray(starts, dims=("seed", "edge")),
        )  # fmt: skip
    right = [_right(circuit, task, run.data.traces.isel(step=k).values) for k in range(len(record))]
    squares = (run.error * run.data.initial_error).transpose("seed", "step").values
    return squares, np.stack(right, axis=1), np.array(record) / 4, float(run.data.unsettled.max())


def _right(circuit: Any, task: Any, gates: np.ndarray) -> np.ndarray:
    """Whether each board answers all examples rightly, bool [board], for gates [board, edge]."""
    luck: Any = None
    return np.array([bool(solved(task, circuit.predict(each, task.x_test, task, luck))) for each in gates])


def claims(data: Any) -> list[Claim]:
    """The published share is itself a draw of five."""
    share = float(data.solved.isel(epoch=-1).mean())
    low, high = share_interval(np.array(PUBLISHED), OF)
    own = share_interval(data.solved.isel(epoch=-1).values.sum(), data.sizes["seed"])
    ever = float(data.solved.any("epoch").mean())
    note = (
        f"{int(data.solved.isel(epoch=-1).sum())} of {data.sizes['seed']} at the end (95 %: {own[0]:.2f} to {own[1]:.2f}), "
        f"{ever:.2f} at some recorded epoch; the published interval is {low:.2f} to {high:.2f}."
    )
    margin = float(max(PUBLISHED / OF - low, high - PUBLISHED / OF))
    return [
        Claim("xor", "share of boards that solve XOR at the end", PUBLISHED / OF, margin, share, "2 of 5 seeds solve it.",
              f"The margin is the published number's own interval. {note}", source=REPORTED, criterion="within",
              ends=(float(own[0]), float(own[1])), stated="2026-11-22"),
        Claim("xor", "least squared error of a linear board over that of the best plane", 1.0, 1e-3,
              float(data.linear.min() / data.attrs["plane"]), "The residual of the best plane is a floor, which is reached.",
              source=PLANE),
        Claim("xor", "largest share of states that did not settle", 0.0, 0.0, float(data.attrs["unsettled"]),
              source=HEALTH, tiny=True),
    ]  # fmt: skip
