"""Exact derivatives of a settled state by implicit differentiation, one sparse solve per sample: checks, and response maps.

At a settled state dE/dphi = 0 on the free sites, so dphi/dtheta = -H^-1 d2E/dphi dtheta with H the Hessian of the free
block, and

    dC/dtheta = -(d2E/dtheta dphi) lambda,        H lambda = dC/dphi.

H is sparse and changes with the sample, and it is solved once per sample, so SciPy's sparse LU does: the lanes of the
elimination engine would pay for thousands of solves with one wiring. H may be indefinite at a saddle, which LU allows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.sparse import csc_array, diags_array
from scipy.sparse.linalg import splu

from clockless.errors import ParameterError
from clockless.media.phases.contrast import Samples
from clockless.media.phases.xy import Parameters, Rotors


def hessian(xy: Rotors, parameters: Parameters, phases: np.ndarray, held: Sequence[int]) -> csc_array:
    """d2E/dphi2 of the free sites in ascending order, [free, free], at phases [site].

    Off the diagonal -W_ij cos(phi_i - phi_j); on it the sum over j of W_ij cos(phi_i - phi_j) + h_i cos(phi_i - psi_i).
    """
    i, j = xy.network.edges.T
    stiffness = xy.weights(parameters) * np.cos(phases[i] - phases[j])
    diagonal = parameters.h * np.cos(phases - parameters.psi)
    np.add.at(diagonal, i, stiffness)
    np.add.at(diagonal, j, stiffness)
    arrangement = xy.arrangement(tuple(held))
    return csc_array(diags_array(diagonal[arrangement.rows]) - arrangement.matrix(stiffness))


def response_map(xy: Rotors, parameters: Parameters, phases: np.ndarray, site: int, held: Sequence[int]) -> np.ndarray:
    """How far every phase turns per unit of torque at `site`: that column of the inverse Hessian, [site]; 0 where held.

    Raises:
        ParameterError: a held site, or a state that can turn freely (no field, nothing held): an infinite response.
    """
    arrangement = xy.arrangement(tuple(held))
    row = arrangement.row_of[site]
    if row < 0:
        raise ParameterError(f"site {site} is held, so it responds to nothing; ask for the response to a free site.")
    torque = np.zeros(len(arrangement.rows))
    torque[row] = 1.0
    response = np.zeros(xy.network.nodes)
    response[arrangement.rows] = _solved(hessian(xy, parameters, phases, held), torque)
    return response


def exact_gradient(xy: Rotors, parameters: Parameters, examples: Samples, phases: np.ndarray, cost: Any) -> Parameters:
    """Gradient of the mean over samples of sum over outputs of `cost`, at settled free states `phases` [site, sample].

    With s = sin(phi_i - phi_j): dC/dW = -s (lambda_i - lambda_j), dC/dh = -sin(phi - psi) lambda,
    dC/dpsi = h cos(phi - psi) lambda.
    """
    i, j = xy.network.edges.T
    by_edge, h, psi = np.zeros(len(i)), np.zeros(len(phases)), np.zeros(len(phases))
    rows = xy.arrangement(examples.inputs).rows
    outputs = list(examples.outputs)
    for sample in range(phases.shape[1]):
        phi = phases[:, sample]
        slope = np.zeros(len(phi))
        slope[outputs] = cost.slope(phi[outputs] - examples.y[:, sample])
        multiplier = np.zeros(len(phi))
        multiplier[rows] = _solved(hessian(xy, parameters, phi, examples.inputs), slope[rows])
        by_edge -= np.sin(phi[i] - phi[j]) * (multiplier[i] - multiplier[j])
        h -= np.sin(phi - parameters.psi) * multiplier
        psi += parameters.h * np.cos(phi - parameters.psi) * multiplier
    return Parameters(*(values / phases.shape[1] for values in (xy.by_coupling(by_edge), h, psi)))


def _solved(matrix: csc_array, torque: np.ndarray) -> np.ndarray:
    try:
        solved: np.ndarray = splu(matrix).solve(torque)
        return solved
    except RuntimeError:
        raise ParameterError(
            f"the Hessian of {matrix.shape[0]} free sites is singular: the phases can turn together at no cost; hold a "
            "site or give one a field."
        ) from None
