"""Tasks of resistor networks whose targets a teacher sets, or chance, or a mixture of both.

A passive network's free outputs lie within the range of the held voltages (maximum principle), and more tightly bound by the
wiring. The outputs of a teacher, the same network and roles with other resistances, can be reached by construction; targets
drawn at random may be out of reach, the more so the more outputs there are. How far, `least_error` of a task says.
"""

from __future__ import annotations

from dataclasses import replace
from numbers import Real

import numpy as np

from clockless import memory
from clockless.errors import SEEDS, ParameterError, shown, whole
from clockless.media.resistors.ohm import OhmicNetwork
from clockless.media.resistors.reach import MET, least_error
from clockless.networks.network import Network
from clockless.tasks.roles import Roles, drawn_roles
from clockless.tasks.task import Task

_NUMBER_BYTES = 40  # of a voltage of an example: as it is drawn, answered, split, checked and hashed
_MAP, _SCATTER = np.array([[0.2, 0.3], [0.1, 0.5]]), 0.1
_SHARES = 0.2, 0.8  # of the largest input voltage
_TEACHER_SPREAD = 4.0  # teacher resistances are log-uniform within a factor 4 of 1 ohm, a contrast of 16


def regression(network: Network, inputs: int = 2, outputs: int = 2, train: int = 16, test: int = 100, seed: int = 0) -> Task:
    """A linear map y = M x to learn from examples, x uniform in [0, 1] V; M is the response of a teacher network.

    The two-input two-output regression tasks of Fig. 1b of Wycoff et al. 2022 (doi 10.1063/5.0084631). One ground node;
    all nodes are drawn without repetition. The tasks' ranges are not in the paper: ours are the teacher's.
    """
    rng = np.random.default_rng(whole("seed", seed, most=SEEDS))
    roles = drawn_roles(network, _counted(inputs, outputs, 1), rng)
    examples = whole("train", train, 1) + whole("test", test, 1)
    memory.check(
        _NUMBER_BYTES * examples * (int(inputs) + int(outputs)), f"a task of {examples:,} examples", "ask for fewer"
    )
    x = rng.random((examples, inputs))
    y = _teacher_outputs(network, roles, x, rng)
    return Task(*roles, x[:train], y[:train], x[train:], y[train:], True, f"regression {seed}")


def allosteric(network: Network, inputs: int = 2, outputs: int = 2, ground: int = 1, seed: int = 0) -> Task:
    """One fixed pattern of input voltages, uniform in [0, 1] V, and the output voltages wanted for it, set by a teacher.

    The allosteric tasks of Fig. 4 of Wycoff et al. 2022 (doi 10.1063/5.0084631). Training and test set are the same pair.
    """
    rng = np.random.default_rng(whole("seed", seed, most=SEEDS))
    roles = drawn_roles(network, _counted(inputs, outputs, ground), rng)
    x = rng.random((1, inputs))
    y = _teacher_outputs(network, roles, x, rng)
    return Task(*roles, x, y, x, y, True, f"allosteric {seed}")


def random_regression(
    network: Network, teacher: float = 0.0, train: int = 16, test: int = 100, starts: int = 3, seed: int = 0
) -> Task:  # fmt: skip
    """A linear map y = M x to learn from examples, x uniform in [0, 1] V, whose M no network has set.

    M = [[.2, .3], [.1, .5]] + 0.1 N(0, 1): the two-input two-output maps of later code (2023) of the authors of Wycoff et
    al. 2022 (doi 10.1063/5.0084631). One ground node; all nodes are drawn without repetition.

    Args:
        teacher: part of the targets that a teacher sets, from 0 to 1; the rest is that of M.
        train, test: numbers of examples.
        starts: of the search for the least reachable error; 0 leaves it out, and `feasible` unknown.
        seed: of roles, map, examples and teacher.
    """
    rng = np.random.default_rng(whole("seed", seed))
    roles = drawn_roles(network, (2, 2, 1), rng)
    x = rng.random((whole("train", train, 1) + whole("test", test, 1), 2))
    y = _mixed(network, roles, x, x @ (_MAP + _SCATTER * rng.standard_normal((2, 2))).T, teacher, rng)
    task = Task(*roles, x[:train], y[:train], x[train:], y[train:], None, f"random regression {seed}")
    return _searched(network, task, starts)


def random_allosteric(
    network: Network, inputs: int = 2, outputs: int = 2, ground: int | None = None, teacher: float = 0.0, starts: int = 3,
    seed: int = 0,
) -> Task:  # fmt: skip
    """One pattern of input voltages, uniform in [0, 1] V, with outputs drawn from 0.2 to 0.8 of the largest of them.

    The more outputs, the less a network can meet them all; the ground nodes are half as many, as in Fig. 4d of Wycoff et al.
    2022 (doi 10.1063/5.0084631), which does not say how its targets were drawn. Training and test set are the same pair.

    Args:
        inputs, outputs, ground: numbers of nodes; half as many ground nodes as outputs, at least one, if nothing is said.
        teacher: part of the targets that a teacher sets, from 0 to 1; the rest is drawn.
        starts: of the search for the least reachable error; 0 leaves it out, and `feasible` unknown.
        seed: of roles, voltages, targets and teacher.
    """
    rng = np.random.default_rng(whole("seed", seed))
    grounds = max(1, whole("outputs", outputs, 1) // 2) if ground is None else ground
    roles = drawn_roles(network, _counted(inputs, outputs, grounds), rng)
    x = rng.random((1, inputs))
    y = _mixed(network, roles, x, x.max() * rng.uniform(*_SHARES, (1, outputs)), teacher, rng)
    return _searched(network, Task(*roles, x, y, x, y, None, f"random allosteric {seed}"), starts)


def _mixed(
    network: Network, roles: Roles, x: np.ndarray, y: np.ndarray, teacher: float, rng: np.random.Generator
) -> np.ndarray:
    """Targets [example, output]: `y`, of which a part is replaced by a teacher's."""
    if isinstance(teacher, bool) or not isinstance(teacher, Real) or not 0.0 <= teacher <= 1.0:
        raise ParameterError(f"teacher = {shown(teacher)} is no part of the targets; give a number from 0 to 1.")
    part = float(teacher)
    return (1.0 - part) * y + part * _teacher_outputs(network, roles, x, rng) if part > 0 else y


def _searched(network: Network, task: Task, starts: int) -> Task:
    """The task with its least reachable error, and whether that meets its targets."""
    if whole("starts", starts) == 0:
        return task
    least = least_error(network, task, starts=starts)
    return replace(task, least_error=least, feasible=least < MET)


def _counted(inputs: int, outputs: int, ground: int) -> tuple[int, int, int]:
    """At least one node of each role."""
    return whole("inputs", inputs, 1), whole("outputs", outputs, 1), whole("ground", ground, 1)


def _teacher_outputs(network: Network, roles: Roles, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Outputs [example, output] of the teacher; by linearity one settling per input is enough."""
    inputs, outputs, ground = roles
    teacher = np.exp(rng.uniform(-1.0, 1.0, len(network.edges)) * np.log(_TEACHER_SPREAD))
    medium = OhmicNetwork(network)
    at_rest = dict.fromkeys([*inputs, *ground], 0.0)
    response = np.array([medium.settle(teacher, {**at_rest, node: 1.0})[outputs] for node in inputs])
    answers: np.ndarray = x @ response
    return answers
