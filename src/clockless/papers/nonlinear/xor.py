"""Figure xor: exclusive or on a 4 x 4 torus of transistors, as a statistic; linear resistors as the control.

PyCLLN (Ma-Lab-Cal, 2026) reports 2 of 5 seeds. A network of linear resistors shows outputs that are affine in its inputs, so
its mean squared error on exclusive or is at least that of the best plane, APART^2 / 4 at each of the four corners.
"""

from __future__ import annotations

import numpy as np

from clockless.experiments.experiment import Experiment
from clockless.papers import FigureData, Options
from clockless.papers.claims import Claim
from clockless.papers.nonlinear.boards import APART, TASKS, starts, straight, torus, transistors
from clockless.papers.nonlinear.truth import LINEAR_RATE, NUDGE, RATE, solving
from clockless.papers.trends import like_counts, share_interval
from clockless.parts.rules import CoupledLearning
from clockless.parts.samplers import Epochs

PUBLISHED = 2, 5


def figure_xor(options: Options) -> FigureData:
    """Errors of 64 transistor boards and of 64 linear ones against epochs, and how many solve the task."""
    import xarray

    count, epochs = (4, 30) if options.tiny else (64, 10_000)
    asked = TASKS["exclusive or"]
    task, seeds = asked.make(0), [options.seed * count + k for k in range(count)]
    record = [0, *(4 * np.unique(np.rint(np.geomspace(1, epochs, 30)).astype(int))).tolist()]
    errors, solved = [], []
    boards = {"transistors": (transistors(torus()), RATE), "linear resistors": (straight(torus()), LINEAR_RATE)}
    for name, (board, rate) in boards.items():
        with options.showing(f"xor, {name}") as update:
            run = options.run(Experiment(
                network=board.network, medium=board, task=task, rule=CoupledLearning(NUDGE, rate), batch=Epochs(1),
                initial=starts(board, seeds), steps=record[-1], seeds=seeds, record=record, title=f"Fig. xor, {name}",
            ), update)  # fmt: skip
        errors.append((run.error * run.initial_error).transpose("seed", "step").values)
        solved.append(solving(board, asked, task, run.parameters.transpose("seed", "edge").values))
    data = xarray.Dataset(
        {"error": (("board", "seed", "epoch"), np.array(errors)), "solved": (("board", "seed"), np.array(solved))},
        {"board": list(boards), "seed": seeds, "epoch": np.array(record) // 4},
        {"least": APART**2 / 4},
    )
    return FigureData({"figure-xor": data}, _claims(data))


def _claims(data: object) -> list[Claim]:
    solved, trials = data.solved.sum("seed").values, data.sizes["seed"]  # type: ignore[attr-defined]
    low, high = like_counts(*PUBLISHED, trials)
    share = PUBLISHED[0] / PUBLISHED[1]
    between = share_interval(np.array(solved[0]), trials)
    linear = data.error.sel(board="linear resistors").values  # type: ignore[attr-defined]
    return [
        Claim("xor", "share of transistor boards that solve exclusive or", share, max(share - low, high - share),
              float(solved[0]) / trials, "2 of 5 seeds solve it.",
              f"{solved[0]} of {trials}, 95 % interval {between[0]:.2f} to {between[1]:.2f}; the tolerance is what Fisher's "
              "exact test cannot tell from 2 of 5."),
        Claim("xor", "share of linear boards that solve it", 0.0, 0.0, float(solved[1]) / trials, "",
              "Outputs of linear resistors are affine in their inputs."),
        Claim("xor", "least squared error of linear boards below that of the best plane, share", 0.0, 1e-9,
              float(max(0.0, 1.0 - linear.min() / data.attrs["least"])), "",  # type: ignore[attr-defined]
              f"Best plane: {data.attrs['least']:.3g} V^2; least seen: {linear.min():.3g} V^2."),  # type: ignore[attr-defined]
    ]  # fmt: skip
