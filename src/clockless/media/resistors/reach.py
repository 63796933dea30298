"""The least error that resistances can reach on a task: a continuous optimum, found without any learning rule.

C(R) = mean over examples and outputs of (V_o - y_o)^2 is minimised over log R within a range by SciPy's L-BFGS-B, with the
gradient of the adjoint method: L_ff V_f = -L_fh V_h holds the free voltages, L_ff U_f = dC/dV_f their adjoints, and

    dC/d(log R_e) = k_e sum over examples of dV_e dU_e,   k = 1 / R, d: the difference over an edge.

C is not convex in R, so several starts are tried; the least is an upper bound of what can be reached.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from clockless.networks.network import Network
from clockless.tasks.task import Task

MET = 1e-10  # V^2: targets met to a root mean square of 10 microvolts are met


class Cost:
    """C and its gradient for one network, held nodes and targets.

    Args:
        network: the wiring.
        held: nodes of the inputs, then of the ground.
        outputs: nodes of the outputs.
        x: voltages of the held nodes [example, held].
        y: wanted voltages [example, output].
    """

    def __init__(self, network: Network, held: list[int], outputs: list[int], x: np.ndarray, y: np.ndarray) -> None:
        self.first, self.second = network.edges.T
        self.nodes, self.held, self.outputs = network.nodes, np.array(held), np.array(outputs)
        self.free = np.setdiff1d(np.arange(network.nodes), self.held)
        self.x, self.y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)

    def __call__(self, logs: np.ndarray) -> tuple[float, np.ndarray]:
        """Mean squared error in V^2, and its gradient by log R [edge]."""
        k = np.exp(-logs)
        laplacian = np.zeros((self.nodes, self.nodes))
        np.add.at(laplacian, (self.first, self.first), k)
        np.add.at(laplacian, (self.second, self.second), k)
        np.add.at(laplacian, (self.first, self.second), -k)
        np.add.at(laplacian, (self.second, self.first), -k)
        factor = cho_factor(laplacian[np.ix_(self.free, self.free)], overwrite_a=True, check_finite=False)
        voltages, adjoints = np.zeros((2, self.nodes, len(self.x)))
        voltages[self.held] = self.x.T
        voltages[self.free] = cho_solve(factor, -laplacian[np.ix_(self.free, self.held)] @ self.x.T, check_finite=False)
        wrong = voltages[self.outputs] - self.y.T
        adjoints[self.outputs] = 2.0 * wrong / wrong.size
        adjoints[self.free] = cho_solve(factor, adjoints[self.free], check_finite=False)
        drops = (table[self.first] - table[self.second] for table in (voltages, adjoints))
        return float(np.mean(wrong**2)), k * np.prod(list(drops), axis=0).sum(axis=1)


def posed(network: Network, task: Task) -> tuple[Network, list[int], list[int], np.ndarray, np.ndarray]:
    """What `Cost` takes, for the training set of a task."""
    x = np.hstack([task.x_train, np.zeros((len(task.x_train), len(task.ground)))])
    return network, [*task.inputs, *task.ground], list(task.outputs), x, task.y_train


def least_error(network: Network, task: Task, contrast: float = 128.0, starts: int = 3) -> float:
    """Least mean squared error in V^2 of the training set that was found over resistances within a factor `contrast`.

    Outputs depend on ratios only, so the range may lie anywhere. The first start has equal resistances, the others are drawn
    log-uniformly with a fixed seed. The search ends as soon as the error is below `MET`.
    """
    from scipy.optimize import minimize  # what most commands would load for nothing

    cost = Cost(*posed(network, task))
    half, rng = np.log(contrast) / 2, np.random.default_rng(0)
    best = np.inf
    for start in range(starts):
        first = rng.uniform(-half, half, len(network.edges)) if start else np.zeros(len(network.edges))
        found = minimize(
            cost, first, jac=True, method="L-BFGS-B", bounds=[(-half, half)] * first.size,
            options={"maxiter": 1000, "ftol": 1e-12, "gtol": 1e-10},
        )  # fmt: skip
        best = min(best, float(found.fun))
        if best < MET:
            break
    return best
