"""PyCLLN's exclusive or on transistor tori, as a statistic over seeds."""

from __future__ import annotations

from typing import Any

import numpy as np

from clockless.media.circuits.tasks import solved, xor
from clockless.papers import FigureData, Options
from clockless.papers.claims import HEALTH, Claim
from clockless.papers.nonlinear.gradients import board
from clockless.papers.nonlinear.sources import REPORTED
from clockless.papers.trends import share_interval
from clockless.parts.rules import CoupledLearning
from clockless.parts.samplers import Epochs

EPOCHS, BOARDS = 10_000, 64
STEP, NUDGE = 0.3, 0.5  # PyCLLN's gamma and eta: dV_G = -gamma (V_C^2 - V_F^2)
PUBLISHED, OF = 2, 5


def figure_xor(options: Options) -> FigureData:
    """Errors of all boards against epochs, and how many solve it."""
    import xarray

    from clockless.media.circuits import laws
    from clockless.workers.train import train

    boards, epochs = (8, 100) if options.tiny else (BOARDS, EPOCHS)
    circuit = board(laws.NMOS.pyclln())
    task = xor(circuit.network)
    gates = np.random.default_rng(options.seed).uniform(0.5, 3.0, (boards, circuit.units))
    # wants = -rate signal / nudge with signal (V_C^2 - V_F^2) / 2, so that PyCLLN's gamma is rate / (2 nudge)
    rule = CoupledLearning(NUDGE, 2 * NUDGE * STEP)
    record = [0, *np.unique(np.rint(4 * np.geomspace(1, epochs, 40))).astype(int).tolist()]
    with options.showing("xor") as update:
        run = train(
            circuit, task, rule=rule, batch=Epochs(1), steps=4 * epochs, record=record, traces=True,
            seed=[options.seed * 1000 + k for k in range(boards)], threads=options.threads, progress=update,
            initial=xarray.DataArray(gates, dims=("seed", "edge")),
        )  # fmt: skip
    right = np.stack([_right(circuit, task, run.data.traces.isel(step=k).values) for k in range(len(record))], axis=1)
    data = xarray.Dataset(
        {"squares": (("seed", "epoch"), run.error.transpose("seed", "step").values), "solved": (("seed", "epoch"), right)},
        {"seed": run.data.seed.values, "epoch": np.array(record) / 4},
        {"published": PUBLISHED, "of": OF, "unsettled": float(run.data.unsettled.max())},
    )
    return FigureData({"figure-xor": data}, claims(data))


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
        Claim("xor", "share of boards that solve XOR at the end", PUBLISHED / OF, margin, share,
              "2 of 5 seeds solve it.", note, source=REPORTED),
        Claim("xor", "largest share of states that did not settle", 0.0, 0.0, float(data.attrs["unsettled"]),
              source=HEALTH, tiny=True),
    ]  # fmt: skip
