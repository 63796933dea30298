"""Tasks of resistor networks whose targets a teacher sets: the same network and roles, other resistances.

A passive network's free outputs lie within the range of the held voltages (maximum principle), and more tightly bound by the
wiring; a teacher's outputs can be reached by construction.
"""

from __future__ import annotations

import numpy as np

from clockless import memory
from clockless.errors import SEEDS, whole
from clockless.media.resistors.ohm import OhmicNetwork
from clockless.networks.network import Network
from clockless.tasks.roles import Roles, drawn_roles
from clockless.tasks.task import Task

_NUMBER_BYTES = 40  # of a voltage of an example: as it is drawn, answered, split, checked and hashed
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
