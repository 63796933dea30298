"""Equilibrium propagation and coupled learning on phases: what each unit senses of a free and a second settled state.

`contrast` gives, per push, the difference of local signals dE/dtheta between a second state and the free one, the mean over
samples; `rule.change` turns it into a wanted change. For a `Nudge` (equilibrium propagation) the second state is nudged by
a cost, for a `Clamp` (coupled learning, the sign rule) the outputs are held on their way to the targets. `gradient` is
contrast / nudge, an estimate of dC/dtheta. Its exact counterpart is `implicit.exact_gradient`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch
from typing import Any, NamedTuple

import numpy as np

from clockless.errors import ParameterError, shown
from clockless.media.phases.costs import CosineCost, LogCost, directions
from clockless.media.phases.schedules import TwoColour
from clockless.media.phases.xy import Nudging, Parameters, Rotors, Stop, phases_of
from clockless.parts.pushes import Clamp, Nudge, Push, push_of
from clockless.parts.rules import EquilibriumPropagation


class Samples(NamedTuple):
    """Phases at the inputs and those wanted at the outputs, samples innermost."""

    inputs: tuple[int, ...]
    x: np.ndarray  # [input, sample]
    outputs: tuple[int, ...]
    y: np.ndarray  # [output, sample]

    def repeated(self, times: int) -> Samples:
        """Every sample `times` times in a row."""
        if times == 1:
            return self
        return self._replace(x=np.repeat(self.x, times, axis=1), y=np.repeat(self.y, times, axis=1))


class Looked(NamedTuple):
    """What a person may want to know of the states behind a contrast."""

    free: np.ndarray  # z [site, 2, sample] of the free state
    residual: np.ndarray  # [sample] the larger of the two (or three) states' residuals
    sweeps: np.ndarray  # [sample] in all


SETTLED = Stop(TwoColour(), 1e-6, 10_000, 0, 0)


def cost_of(push: Nudge | EquilibriumPropagation) -> CosineCost | LogCost:
    """The cost of a nudge."""
    return CosineCost() if push.cost == "cosine" else LogCost(push.eps)


def wrapped(angle: np.ndarray) -> np.ndarray:
    """The same angle in [-pi, pi)."""
    return (angle + np.pi) % (2.0 * np.pi) - np.pi


def gradient(
    xy: Rotors, parameters: Parameters, examples: Samples, start: np.ndarray, rule: Any, stop: Stop = SETTLED
) -> tuple[Parameters, Looked]:
    """The rule's estimate of the mean cost's gradient, and the states behind it.

    Args:
        start: phases [site, sample x inits] that the free state is sought from; a sample's initial states stand in a row.
    """
    start = np.asarray(start, dtype=np.float64)
    rows = xy.arrangement(examples.inputs).rows
    z = np.zeros((len(start), 2, start.shape[1]))
    z[rows] = directions(start[rows])
    signal, looked = contrast(push_of(rule), xy, parameters, examples, z, stop)
    return Parameters(*(values / rule.nudge for values in signal)), looked


@singledispatch
def contrast(push: Push, xy: Rotors, parameters: Parameters, examples: Samples, z: np.ndarray, stop: Stop) -> Any:
    """Mean over samples of signal(pushed state) - signal(free state), `Parameters`, and `Looked`.

    `z` [site, 2, sample x inits] is where the free state is sought from; it is overwritten.
    """
    raise ParameterError(f"push = {shown(push)} is nothing for phases; give a rule that clamps or nudges.")


@contrast.register
def _nudged(
    push: Nudge, xy: Rotors, parameters: Parameters, examples: Samples, z: np.ndarray, stop: Stop
) -> tuple[Parameters, Looked]:
    examples = examples.repeated(push.inits)
    z[list(examples.inputs)] = directions(examples.x)
    arrangement, field = xy.pulled(parameters, z, examples.inputs)
    residual, sweeps = xy.relax_rows(parameters, z, arrangement, field, stop)
    states = []
    for strength in (push.nudge, -push.nudge) if push.centred else (push.nudge,):
        nudged = z.copy()  # the nudged phase starts at the free state
        nudging = Nudging(cost_of(push), strength, examples.outputs, examples.y)
        more, further = xy.relax_rows(parameters, nudged, arrangement, field, stop, nudging)
        residual, sweeps = np.maximum(residual, more), sweeps + further
        states.append(nudged)
    if push.centred:
        signal = signal_difference(xy, parameters, examples.inputs, states[0], states[1])
        signal = Parameters(*(0.5 * values for values in signal))
    else:
        signal = signal_difference(xy, parameters, examples.inputs, states[0], z)
    return signal, Looked(z, residual, sweeps)


@contrast.register
def _clamped(
    push: Clamp, xy: Rotors, parameters: Parameters, examples: Samples, z: np.ndarray, stop: Stop
) -> tuple[Parameters, Looked]:
    """Coupled learning: outputs clamped at phi_F + nudge (phi_D - phi_F), the difference taken the short way round."""
    z[list(examples.inputs)] = directions(examples.x)
    residual, sweeps = xy.relax(parameters, z, examples.inputs, stop)
    free = phases_of(z[list(examples.outputs)])
    clamped = z.copy()
    clamped[list(examples.outputs)] = directions(free + push.nudge * wrapped(examples.y - free))
    more, further = xy.relax(parameters, clamped, (*examples.inputs, *examples.outputs), stop)
    signal = signal_difference(xy, parameters, examples.inputs, clamped, z)
    return signal, Looked(z, np.maximum(residual, more), sweeps + further)


def signal_difference(
    xy: Rotors, parameters: Parameters, inputs: tuple[int, ...], a: np.ndarray, b: np.ndarray
) -> Parameters:
    """Mean over samples of dE/dtheta at a minus that at b, two states with the same phases at `inputs`.

    Formed from the difference d = a - b: Re(conj(a_i) a_j) - Re(conj(b_i) b_j) = Re(conj(d_i) a_j) + Re(conj(b_i) d_j).
    """
    arrangement = xy.arrangement(inputs)
    d = a - b
    inner = arrangement.inner_block
    by_edge = np.zeros(len(xy.network.edges))
    by_edge[arrangement.outer] = -arrangement.outer_block.products(d, b)
    by_edge[arrangement.inner] = -(inner.products(d, a) + inner.products(b, d))
    samples = a.shape[2]
    signals = (xy.by_coupling(by_edge), *xy.field_signals(parameters, d.sum(axis=2)))
    return Parameters(*(values / samples for values in signals))


def response_by_nudging(
    xy: Rotors, parameters: Parameters, phases: np.ndarray, site: int, held: Sequence[int], nudge: float = 1e-4,
    residual: float = 1e-12,
) -> np.ndarray:  # fmt: skip
    """Equilibrium propagation's own estimate of the response map at a settled state: (phi^nudge - phi^0) / nudge [site].

    The nudge is a field of that strength at `site`, a quarter turn ahead of its phase: a torque of 1 per unit of nudge. Its
    error is of order nudge; `implicit.response_map` is the limit.
    """
    if not 0 < nudge < np.inf:
        raise ParameterError(f"nudge = {shown(nudge)}; give a small positive number such as 1e-4.")
    z = directions(np.asarray(phases, dtype=np.float64)[:, None])
    before = phases_of(z)
    nudging = Nudging(CosineCost(), nudge, (site,), before[[site]] + 0.5 * np.pi)
    xy.relax(parameters, z, tuple(held), SETTLED._replace(residual=residual, sweeps_limit=100_000), nudging)
    return wrapped(phases_of(z) - before)[:, 0] / nudge
