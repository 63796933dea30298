"""Derivatives of functions given as NumPy code: exact by a complex step where the code allows it, else by differences.

    df/dx_k = Im f(x + i h e_k) / h                                                    complex step, h = 1e-30
    df/dx_k = [8 (f(x + h e_k) - f(x - h e_k)) - (f(x + 2h e_k) - f(x - 2h e_k))] / 12h      differences, error ~ h^4

The complex step has no cancellation and is right to the last digits (Squire and Trapp 1998, doi 10.1137/S003614459631241X),
but wants analytic code: no absolute values, norms or conversions to float. `is_analytic` compares both.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator

import numpy as np

_TINY = 1e-30
_DIFFERENCE = 1e-3  # of the size of an argument
_SECOND = 1e-4  # of the size of an argument, for derivatives of exact derivatives
_ALIKE = 1e-6

Function = Callable[[np.ndarray], float]
VectorFunction = Callable[[np.ndarray], np.ndarray]


def gradient_of(f: Function, x: np.ndarray, sizes: np.ndarray, analytic: bool) -> np.ndarray:
    """df/dx [k] at x [k]; `sizes` [k] are the sizes of changes of x that matter, which differences are taken on."""
    if analytic:
        return np.array([f(moved).imag for moved in _moved(x.astype(np.complex128), np.full(x.size, 1j * _TINY))]) / _TINY
    steps = _DIFFERENCE * sizes
    near = [f(moved) for moved in _moved(x, steps)], [f(moved) for moved in _moved(x, -steps)]
    far = [f(moved) for moved in _moved(x, 2 * steps)], [f(moved) for moved in _moved(x, -2 * steps)]
    return (8.0 * np.subtract(*near) - np.subtract(*far)) / (12.0 * steps)


def hessian_of(f: Function, x: np.ndarray, sizes: np.ndarray, analytic: bool) -> np.ndarray:
    """d^2f/dx_j dx_k [j, k], symmetric; half of a central difference of `gradient_of` where f is analytic."""
    if not analytic:
        return jacobian_of(lambda at: gradient_of(f, at, sizes, False), x, sizes, 10.0 * _SECOND)
    steps, hessian = _SECOND * sizes, np.empty((x.size, x.size))
    for k, (up, down) in enumerate(zip(_moved(x, steps), _moved(x, -steps), strict=True)):
        for j in range(k + 1):
            slopes = []
            for at in (up, down):
                moved = at.astype(np.complex128)
                moved[j] += 1j * _TINY
                slopes.append(f(moved).imag / _TINY)
            hessian[j, k] = hessian[k, j] = (slopes[0] - slopes[1]) / (2.0 * steps[k])
    return hessian


def jacobian_of(g: VectorFunction, x: np.ndarray, sizes: np.ndarray, step: float = _SECOND) -> np.ndarray:
    """dg_j/dx_k of a gradient g [j], made symmetric: central differences."""
    steps = step * sizes
    columns = [g(up) - g(down) for up, down in zip(_moved(x, steps), _moved(x, -steps), strict=True)]
    found = np.array(columns) / (2.0 * steps[:, None])
    return 0.5 * (found + found.T)


def is_analytic(f: Function, x: np.ndarray, sizes: np.ndarray) -> bool:
    """Whether the complex step gives what differences give at x: then it may be used everywhere."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # numpy says that imaginary parts were dropped; the numbers say so, too
            exact = gradient_of(f, x, sizes, True)
    except (TypeError, ValueError, AttributeError):  # code that takes no complex numbers
        return False
    about = gradient_of(f, x, sizes, False)
    scale = np.max(np.abs(about), initial=0.0)
    return bool(np.isfinite(exact).all() and np.max(np.abs(exact - about), initial=0.0) <= _ALIKE * scale)


def _moved(x: np.ndarray, steps: np.ndarray) -> Iterator[np.ndarray]:
    """x with one entry changed after the other; each is a new array."""
    for k, step in enumerate(steps):
        moved = x.copy()
        moved[k] += step
        yield moved
