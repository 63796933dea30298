"""Two-colour relaxation of wide, densely joined layers: each colour at once, its pulls by one matrix product (BLAS).

The same sweeps, over-relaxation and stopping as `relaxation`, in NumPy, for wirings whose two colours are joined so densely
that a product of matrices beats visits (from some 500 x 250 couplings on). Samples that have settled are left out.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from clockless.media.phases.couplings import Bonds
from clockless.media.phases.relaxation import ADAPT, Going, Nudge, adapted


class _Part(NamedTuple):
    """One colour's share of a relaxation."""

    rows: np.ndarray  # [row of the colour]
    pulls: np.ndarray  # couplings [row of the colour, row of the other]
    nudged: np.ndarray  # places in `rows` of outputs under the logarithmic cost
    outputs: np.ndarray  # which outputs they are


def relax_halves(
    halves: Bonds, weights: np.ndarray, field: np.ndarray, nudge: Nudge, going: Going, z: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Relax z [row, 2, sample] in place; residual and sweeps [sample]. `weights` are those of the inner edges."""
    matrix = halves.matrix(weights)
    parts = [
        _part(halves.left, np.ascontiguousarray(matrix), nudge),
        _part(halves.right, np.ascontiguousarray(matrix.T), nudge),
    ]
    samples = z.shape[2]
    residual, sweeps = np.zeros(samples), np.zeros(samples, dtype=np.int64)
    active, omega, before = np.arange(samples), np.full(samples, going.omega), np.full(samples, np.inf)
    here, fields, target = [z[part.rows] for part in parts], [field[part.rows] for part in parts], nudge.target
    for sweep in range(going.sweeps_limit + 1):
        last = sweep == going.sweeps_limit
        worst = np.zeros(active.size)
        if not last:
            for part, own, other, held in zip(parts, here, here[::-1], fields, strict=True):
                g = _pulled(part, other, held)
                worst = np.maximum(worst, np.abs(_torque(part, own, g, nudge, target)).max(axis=0, initial=0.0))
                _move(part, own, g, omega, nudge, target)
        if going.adapts and sweep % ADAPT == ADAPT - 1:
            rates = (worst / before) ** (1.0 / ADAPT)
            omega = np.array([adapted.py_func(old, rate) for old, rate in zip(omega, rates, strict=True)])
            before = worst
        close = np.ones(active.size, dtype=bool) if last else ~(worst > going.residual)
        if not close.any():
            continue
        exact = np.zeros(active.size)
        for part, own, other, held in zip(parts, here, here[::-1], fields, strict=True):
            torque = np.abs(_torque(part, own, _pulled(part, other, held), nudge, target))
            exact = np.maximum(exact, torque.max(axis=0, initial=0.0))
        done = close & (last | ~(exact > going.residual))
        residual[active[done]] = exact[done]
        sweeps[active[done]] = sweep if last else sweep + 1
        for part, own in zip(parts, here, strict=True):
            z[part.rows[:, None, None], np.arange(2)[None, :, None], active[done]] = own[:, :, done]
        active, omega, before, target = active[~done], omega[~done], before[~done], target[:, :, ~done]
        here, fields = [own[:, :, ~done] for own in here], [held[:, :, ~done] for held in fields]
        if not active.size:
            break
    return residual, sweeps


def _part(rows: np.ndarray, pulls: np.ndarray, nudge: Nudge) -> _Part:
    nudged = np.flatnonzero(nudge.output[rows] >= 0)
    return _Part(rows, pulls, nudged, nudge.output[rows[nudged]])


def _pulled(part: _Part, other: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Local fields g [row of the colour, 2, sample]."""
    fields: np.ndarray = (part.pulls @ other.reshape(len(other), -1)).reshape(held.shape) + held
    return fields


def _relative(z: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Real and imaginary part of z conj(target)."""
    return z[:, 0] * target[:, 0] + z[:, 1] * target[:, 1], z[:, 1] * target[:, 0] - z[:, 0] * target[:, 1]


def _torque(part: _Part, z: np.ndarray, g: np.ndarray, nudge: Nudge, target: np.ndarray) -> np.ndarray:
    torque: np.ndarray = z[:, 0] * g[:, 1] - z[:, 1] * g[:, 0]
    if part.nudged.size:
        cosine, sine = _relative(z[part.nudged], target[part.outputs])
        q = 1.0 + nudge.eps + cosine
        with np.errstate(divide="ignore", invalid="ignore"):
            torque[part.nudged] = np.where(q > 0.0, torque[part.nudged] - nudge.strength * sine / q, np.inf)
    return torque


def _move(part: _Part, z: np.ndarray, g: np.ndarray, omega: np.ndarray, nudge: Nudge, target: np.ndarray) -> None:
    """Over-relaxed minima of all rows of a colour; a damped Newton step of its outputs under the logarithmic cost."""
    stepped = _newton(z[part.nudged], g[part.nudged], nudge, target[part.outputs]) if part.nudged.size else None
    along = np.maximum(z[:, 0] * g[:, 0] + z[:, 1] * g[:, 1], 0.0)
    along *= omega - 1.0
    g *= omega
    g -= along[:, None] * z
    size = g[:, 0] ** 2 + g[:, 1] ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        g *= np.where(size < np.inf, 1.0 / np.sqrt(size), np.nan)[:, None]
    np.copyto(z, g, where=(size != 0.0)[:, None])  # without a field nothing pulls
    if stepped is not None:
        z[part.nudged] = stepped


def _newton(z: np.ndarray, g: np.ndarray, nudge: Nudge, target: np.ndarray) -> np.ndarray:
    """One Newton step of each output, halved until its energy falls; as `relaxation._damped_newton`, for whole arrays."""
    cosine, sine = _relative(z, target)
    q = 1.0 + nudge.eps + cosine
    along = z[:, 0] * g[:, 0] + z[:, 1] * g[:, 1]
    across = z[:, 0] * g[:, 1] - z[:, 1] * g[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        torque = across - nudge.strength * sine / q
        curvature = along + nudge.strength * (1.0 + cosine * (1.0 + nudge.eps)) / (q * q)
        step = np.clip(torque / np.maximum(np.abs(curvature), 1e-300), -0.5, 0.5)
        step = np.where(q > 0.0, step, 0.5)
        for _ in range(40):
            scale = 1.0 / (1.0 + 0.25 * step * step)
            a, b = -0.5 * step * step * scale, step * scale
            gained = np.where(q > 0.0, (cosine * a - sine * b) / q, np.inf)
            rising = ~(-(along * a + across * b) - nudge.strength * np.log1p(gained) <= 0.0)
            if not rising.any():
                break
            step = np.where(rising, 0.5 * step, step)
    a, b = np.where(rising, 0.0, a), np.where(rising, 0.0, b)
    return np.stack([z[:, 0] + z[:, 0] * a - z[:, 1] * b, z[:, 1] + z[:, 1] * a + z[:, 0] * b], axis=1)
