"""What the page is told of a board: what it looks like, what its numbers are called, points of curves, and frames."""

from __future__ import annotations

from typing import Any

import numpy as np

from clockless.lab.board import Board
from clockless.lab.frames import packed

_MOST_EVENTS = 5_000  # of a frame


def point(board: Board) -> np.ndarray:
    """Step, and for every clock, the board's last: error of the first replica, and 5, 50 and 95 % of all."""
    errors = board.errors()
    finite = np.where(np.isfinite(errors), errors, np.inf)
    return np.array([board.step, *np.column_stack([errors[:, 0], np.quantile(finite, (0.05, 0.5, 0.95), axis=1).T]).ravel()])


def framed(board: Board, example: int, points: list[np.ndarray], about: tuple[int, bool]) -> bytes:
    """One frame: the state for an example, parameters and acts on the edges, events, and points of the curves."""
    times, edges = (each[-_MOST_EVENTS:] for each in board.events())
    first = float(times[0]) if times.size else 0.0
    arrays = {
        **board.picture(min(example, len(board.task.x_test) - 1)),
        "event_times": times - first, "event_edges": edges, "points": np.array([point[1:] for point in points]).reshape(-1),
    }  # fmt: skip
    head = {
        "frame": about[0], "step": board.step, "running": about[1], "example": example, "since": first,
        "steps": [float(point[0]) for point in points],
    }  # fmt: skip
    return packed(head, arrays)


def geometry(board: Board) -> dict[str, Any]:
    """What joins the nodes, what they are for, and what was cut and held."""
    sites = board.drawn.sites(board.task)
    held = [stage.about[:2] for stage in board.history if stage.what == "held"]
    return {
        "edges": board.drawn.network.edges.ravel().tolist(), "inputs": list(sites.inputs), "outputs": list(sites.outputs),
        "ground": list(sites.ground), "held": [[node, value] for node, value in held],
        "cut": sum(stage.what == "cut" for stage in board.history),
    }  # fmt: skip


def words(board: Board) -> dict[str, str]:
    """What the numbers on the page are called, with units."""
    timed = board.setting.parts["medium"]["kind"] == "timed-resistors"
    return {**board.drawn.words(), "time": "second" if timed else "step", "events": "yes" if timed else ""}
