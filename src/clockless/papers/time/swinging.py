"""Small swings of a network that learns while it relaxes: the linear dynamics about a state that has been learned.

About resistances R at which every output is where it is wanted, with edges' drops d, capacities C, L = B^T R^-1 B and B the
edges' ends, learning by coupled learning at the rate g per second, without a step, is

    C dv_F/dt = -L v_F + B^T (d / R^2) r  at free nodes,     C dv_P/dt = -L v_P + B^T (d / R^2) r  at hidden ones,
    v_P = (1 - nudge) v_F at outputs,                        dr/dt = (g / nudge) (d / R^2) B (v_P - v_F),

v and r being small changes of potentials of both twins and of resistances. Its eigenvalues are those of one mode that lags,
tau s^2 + s + gamma = 0, where there is one free node; where the edges that learn are further from the output more modes lag
one after the other, and beyond some ratio s has a positive real part: small swings grow until resistances come to their
ends, and no linear frequency is seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clockless.media.resistors.medium import Resistors
from clockless.parts.clocks import Global
from clockless.parts.rules import CoupledLearning
from clockless.workers.train import train

if TYPE_CHECKING:
    from clockless.tasks.task import Task

_STEPS, _SPEED = 3_000, 0.05  # of learning that settles, and how fast the error's root falls in a step


def learned_state(medium: Resistors, task: Task, nudge: float, speed: float, threads: int | None = None) -> np.ndarray:
    """Resistances [edge] at which a task is learned by steps between which everything settles; `speed` as of `relaxing`."""
    rule = CoupledLearning(nudge, _SPEED / speed)
    run = train(medium, task, rule=rule, clock=Global(), steps=_STEPS, batch="full", seed=0, threads=threads)
    found: np.ndarray = run.parameters.values.reshape(-1)
    return found


def small_swings(medium: Resistors, task: Task, ohms: np.ndarray, nudge: float, rate: float, capacity: float) -> np.ndarray:
    """Eigenvalues per second [state] of learning at `rate` per second about resistances [edge] that meet a task's target."""
    edges, nodes = medium.network.edges, medium.network.nodes
    ends = np.zeros((len(edges), nodes))
    ends[np.arange(len(edges)), edges[:, 0]], ends[np.arange(len(edges)), edges[:, 1]] = 1.0, -1.0
    held, outputs = [*task.inputs, *task.ground], list(task.outputs)
    free = np.setdiff1d(np.arange(nodes), held)
    hidden = np.setdiff1d(free, outputs)
    drive = medium.drops(_free(medium, task, ohms)) / ohms**2
    # A state is (v_F at free nodes, v_P at hidden nodes, r); v_F and v_P are rows of all nodes.
    size = len(free) + len(hidden) + len(edges)
    state = np.eye(size)
    of_free, of_pushed, change = np.zeros((nodes, size)), np.zeros((nodes, size)), state[len(free) + len(hidden) :]
    of_free[free], of_pushed[hidden] = state[: len(free)], state[len(free) : len(free) + len(hidden)]
    of_pushed[outputs] = (1.0 - nudge) * of_free[outputs]
    laplacian, pull = ends.T @ (ends / ohms[:, None]), ends.T @ (drive[:, None] * change)
    rates = [
        (pull - laplacian @ of_free)[free] / capacity,
        (pull - laplacian @ of_pushed)[hidden] / capacity,
        rate / nudge * drive[:, None] * (ends @ (of_pushed - of_free)),
    ]
    found: np.ndarray = np.linalg.eigvals(np.concatenate(rates))
    return found


def _free(medium: Resistors, task: Task, ohms: np.ndarray) -> np.ndarray:
    held = {**dict.fromkeys(task.ground, 0.0), **dict(zip(task.inputs, task.x_train[0], strict=True))}
    return medium.settle(ohms, held)


def fastest_swing(eigenvalues: np.ndarray) -> tuple[float, float]:
    """Largest angular frequency of eigenvalues, and the largest real part of any: how fast something grows."""
    return float(np.abs(eigenvalues.imag).max()), float(eigenvalues.real.max())
