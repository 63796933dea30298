"""Learning by chance as drift and diffusion: the mean and the exact covariance of one step, and where they lead.

Eqs. 4-6 of Wycoff et al. 2022 (doi 10.1063/5.0084631). In one step edge i changes by

    dR_i = m_i sum_e s_e g_i^(e),

where g_i^(e) is the change that edge i wants for example e (eq. 2), and the marks m_i, s_e in {0, 1} say which edges act
(eq. 3) and which examples are shown. They are drawn by two clocks, independently of each other and of the past. With
p = <m_i>, b = <s_e>, g = sum_e g^(e), and the marks' covariance matrices M [edge, edge] and K [example, example]:

    <dR> = p b g,        Cov(sum_e s_e g^(e)) = sum_ef K_ef g^(e) g^(f)T = C,
    Cov(dR) = <Cov(dR | s)> + Cov(<dR | s>) = M o (b^2 g g^T + C) + p^2 C        (o: element by element)

by the law of total covariance. The marks' covariances are, for N units of which each acts with probability p,

    Bernoulli(p):      M_ij = p (1-p) if i = j, else 0,
    FixedFraction(p):  M_ij = p (1-p) if i = j, else -p (1-p) / (N-1), so that each row sums to 0: the number is fixed.

Measured in effective steps t = p b n, so that the drift is g whatever the clocks, n steps become the stochastic flow

    dR = g dt + sqrt(D) dW,    D = Cov(dR) / (p b):  (1-p) diag(g_i^2) for edges, (1-b) sum_e g^(e) g^(e)T for examples.

Since g is proportional to the rate, D dt is smaller by one power of it than g dt: for small rates the noise displaces the
solution by a distance proportional to sqrt(rate (1-p)). That is the exponent 1/2 of Fig. 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from clockless.errors import ParameterError, shown
from clockless.media.resistors.ohm import OhmicNetwork
from clockless.parts.clocks import Bernoulli, FixedFraction, Global, mean_rate
from clockless.parts.devices import IDEAL
from clockless.parts.pushes import Clamp, push_of
from clockless.tasks.task import Task

_SMALL = 0.05  # J dt of the parts of an interval; the error of a part is of third order in it
_DIFFERENCE = 1e-5  # relative step of the central differences: error about 1e-10, rounding about 1e-11


def single_example_changes(resistors: OhmicNetwork, task: Task, resistances: np.ndarray, rule: Any) -> np.ndarray:
    """What every edge wants to change for every training example on its own, g [.., example, edge].

    `resistances` is [.., edge] in ohms. Clamped minus free state is itself a state, with the outputs held at
    nudge (V_D - V_F) and inputs at 0, so no difference of nearly equal squares is formed.

    Raises:
        ParameterError: a rule that does not clamp the outputs.
    """
    if not isinstance(push_of(rule), Clamp):
        raise ParameterError(f"{shown(rule)} nudges; drift and diffusion are known here for rules that clamp the outputs.")
    edges, nodes = resistors.network.edges, resistors.network.nodes
    incidence = np.zeros((len(edges), nodes))
    incidence[np.arange(len(edges)), edges[:, 0]] = 1.0
    incidence[np.arange(len(edges)), edges[:, 1]] = -1.0
    resistances = np.asarray(resistances, dtype=np.float64)
    laplacian = incidence.T @ (incidence / resistances[..., None])
    outputs = list(task.outputs)
    held = np.zeros((nodes, len(task.x_train)))
    held[list(task.inputs)] = task.x_train.T
    free = _settled(laplacian, [*task.inputs, *task.ground], held)
    pushed = np.zeros_like(free)
    pushed[..., outputs, :] = rule.nudge * (task.y_train.T - free[..., outputs, :])
    pushed = _settled(laplacian, [*task.inputs, *task.ground, *outputs], pushed)
    squares = (incidence @ pushed) * (incidence @ (pushed + 2.0 * free))  # clamped^2 - free^2, [.., edge, example]
    signal = squares / 2.0 if resistors.learned(rule) == "conductance" else -squares / (2.0 * resistances[..., None] ** 2)
    changes: np.ndarray = rule.change(np.swapaxes(signal, -1, -2), IDEAL.level)
    return changes


def _settled(laplacian: np.ndarray, held: list[int], voltages: np.ndarray) -> np.ndarray:
    """Potentials [.., node, example] with the nodes `held` kept at their `voltages`."""
    voltages = np.array(np.broadcast_to(voltages, (*laplacian.shape[:-2], *voltages.shape[-2:])))
    free = np.setdiff1d(np.arange(laplacian.shape[-1]), held)
    if free.size:
        coupling = laplacian[..., free[:, None], held] @ voltages[..., held, :]
        voltages[..., free, :] = np.linalg.solve(laplacian[..., free[:, None], free], -coupling)
    return voltages


def drift(resistors: OhmicNetwork, task: Task, resistances: np.ndarray, rule: Any) -> np.ndarray:
    """g = sum over examples of the wanted changes [.., edge]: one synchronous full-batch step (eqs. 4 and 7)."""
    total: np.ndarray = single_example_changes(resistors, task, resistances, rule).sum(axis=-2)
    return total


def mark_covariance(clock: Any, units: int) -> np.ndarray:
    """Covariance [unit, unit] of the marks 'this unit acts' of one step.

    Raises:
        ParameterError: a clock for which no closed form is known here.
    """
    p = mean_rate(clock, units)
    if isinstance(clock, Global):
        return np.zeros((units, units))
    if isinstance(clock, Bernoulli):
        return p * (1.0 - p) * np.eye(units)
    if isinstance(clock, FixedFraction):
        if units == 1:
            return np.zeros((1, 1))
        return p * (1.0 - p) * (units * np.eye(units) - 1.0) / (units - 1.0)
    raise ParameterError(
        f"the covariance of the units of {shown(clock)} has no closed form here; give Global, Bernoulli or FixedFraction."
    )


def batch_diffusion(changes: np.ndarray, batch: Any) -> np.ndarray:
    """Covariance [edge, edge] of the change of a step in which the clock `batch` chooses examples (eq. 5).

    With `changes` g^(e) [example, edge] of B examples:

        Bernoulli(b):      b (1-b) sum_e g^(e) g^(e)T,
        FixedFraction(b):  b (1-b) B / (B-1) sum_e (g^(e) - gbar) (g^(e) - gbar)^T,  gbar = sum_e g^(e) / B.
    """
    covariance: np.ndarray = changes.T @ mark_covariance(batch, len(changes)) @ changes
    return covariance


def edge_diffusion(changes: np.ndarray, clock: Any) -> np.ndarray:
    """Covariance [edge, edge] of the change of a step in which `clock` chooses edges, with all examples (eq. 6).

    With g = sum over examples of `changes` [example, edge] and N edges:

        Bernoulli(p):      p (1-p) g_i^2 on the diagonal, 0 off it,
        FixedFraction(p):  p (1-p) g_i^2 on the diagonal, -p (1-p) / (N-1) g_i g_j off it.
    """
    return diffusion(changes, clock, Global())


def diffusion(changes: np.ndarray, clock: Any, batch: Any) -> np.ndarray:
    """Covariance [edge, edge] of the change of a step in which `clock` chooses edges and `batch` examples.

    Given the examples, the sum G = sum_e s_e g^(e) is fixed and Cov_ij = M_ij G_i G_j with mean p G. Over the examples,
    <G G^T> = b^2 g g^T + C with C of `batch_diffusion`. So Cov = M o (b^2 g g^T + C) + p^2 C.
    """
    examples, edges = changes.shape
    p, b, g = clock.rate(edges), batch.rate(examples), changes.sum(axis=0)
    of_examples = batch_diffusion(changes, batch)
    covariance: np.ndarray = mark_covariance(clock, edges) * (b**2 * np.outer(g, g) + of_examples) + p**2 * of_examples
    return covariance


def jacobian(resistors: OhmicNetwork, task: Task, resistances: np.ndarray, rule: Any) -> np.ndarray:
    """Derivative of the drift, J_ij = dg_i / dR_j [edge, edge], by central differences."""
    by = _DIFFERENCE * resistances
    moved = resistances + np.concatenate([np.diag(by), -np.diag(by)])
    ahead, behind = np.split(drift(resistors, task, moved, rule), 2)
    derivative: np.ndarray = ((ahead - behind) / (2.0 * by[:, None])).T
    return derivative


def spread_of_solutions(
    resistors: OhmicNetwork,
    task: Task,
    rule: Any,
    choices: Sequence[tuple[Any, Any]],
    steps: float,
    initial: Any = 1.0,
    intervals: int = 100,
) -> np.ndarray:
    """Covariance [choice, edge, edge] of the resistances after `steps` effective steps, to lowest order in the noise.

    Around the noiseless flow dR/dt = g(R) a small deviation obeys d(delta) = J delta dt + sqrt(D) dW, with the Jacobian J
    of g, so its covariance S obeys

        dS/dt = J S + S J^T + D(R(t)),   D = Cov(dR) / (p b),   S(0) = 0.

    `choices` are pairs (clock of edges, clock of examples). The flow is cut into `intervals` at equal ratios of 1 + t, with
    J and D taken at their middles. Stiff intervals are halved until J dt is small and put together again by doubling, a sum
    of positive matrices; a block exponential (Van Loan 1978) would lose all digits where J dt is large.

    Raises:
        ParameterError: a rule that steps conductances; distances are in resistances here.
    """
    from scipy.integrate import solve_ivp

    if resistors.learned(rule) != "resistance":
        raise ParameterError(f"{shown(rule)} steps conductances; the spread of solutions is known for resistances only.")
    edges = len(resistors.network.edges)
    start = np.array(resistors.checked(initial))
    ends = np.expm1(np.linspace(0.0, np.log1p(steps), intervals + 1))
    flow = solve_ivp(
        lambda t, r: drift(resistors, task, r, rule), (0.0, steps), start, method="LSODA", t_eval=(ends[1:] + ends[:-1]) / 2,
        jac=lambda t, r: jacobian(resistors, task, r, rule), rtol=1e-6, atol=1e-9,
    )  # fmt: skip
    spread = np.zeros((len(choices), edges, edges))
    for at, length in zip(flow.y.T, np.diff(ends), strict=True):
        changes = single_example_changes(resistors, task, at, rule)
        noise = [
            diffusion(changes, clock, batch) / (clock.rate(edges) * batch.rate(len(changes))) for clock, batch in choices
        ]
        slope = jacobian(resistors, task, at, rule)
        halvings = max(0, int(np.ceil(np.log2(np.linalg.norm(slope) * length / _SMALL))))
        part = length / 2**halvings
        half = np.eye(edges) + slope * part / 2.0 + slope @ slope * part**2 / 8.0
        forward, gained = half @ half, half @ (np.array(noise) * part) @ half.T
        for _ in range(halvings):
            forward, gained = forward @ forward, gained + forward @ gained @ forward.T
        spread = forward @ spread @ forward.T + gained
    return spread
