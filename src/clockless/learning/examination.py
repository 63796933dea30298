"""Whether a medium of one's own is what it says: its signal against its energy, its states against its forces, its pushes.

    print(cl.check(Springs(network), task))

Everything is compared with something independent of the code that learning uses: differences in place of complex steps,
forces at the state in place of the search for it, a learner stopped and taken up in place of one that runs through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from clockless.errors import ClocklessError, ParameterError, TaskError
from clockless.learning.boundaries import Boundary, Key
from clockless.learning.contracts import Replica
from clockless.learning.own import Medium
from clockless.learning.relaxation import sizes_of
from clockless.numerics.derivatives import gradient_of
from clockless.parts.clocks import Bernoulli
from clockless.parts.devices import IDEAL
from clockless.parts.pushes import Nudge
from clockless.parts.rules import CoupledLearning
from clockless.tasks.task import Task

_DERIVATIVES = 1e-5  # of the largest; differences themselves are good to about 1e-9
_HELD = 1e-12
_NUDGES = (0.04, 0.02)
_STEPS = 4


class Finding(NamedTuple):
    """One thing that was looked at: whether it holds, and what was seen."""

    name: str
    holds: bool
    seen: str


@dataclass(frozen=True)
class Report:
    """What was found of a medium; true where everything holds."""

    medium: str
    findings: tuple[Finding, ...]

    def __bool__(self) -> bool:
        return all(finding.holds for finding in self.findings)

    def __str__(self) -> str:
        width = max(len(finding.name) for finding in self.findings)
        lines = [f"  {'ok' if f.holds else 'NO':3}{f.name:{width}}  {f.seen}" for f in self.findings]
        return "\n".join([f"{self.medium}: {'all holds' if self else 'something does not hold'}", *lines])


def check_medium(medium: Medium, task: Task | None = None) -> Report:
    """Examine a medium at its initial parameters, with the first training example of a task.

    Args:
        task: what to settle under; without one, the first entry of the state is held at 0.3 scales, the last at 0, and an
            entry between them is the output.

    Raises:
        ParameterError: the physics are incomplete or do not compute; the sentence says what to give.
        TaskError: the task does not fit.
    """
    task = _plain_task(medium) if task is None else task
    replica = Replica(medium, task, CoupledLearning(0.1, 1e-3), Bernoulli(0.5), IDEAL, seed=1)
    medium.check(replica)
    try:
        findings = tuple(_findings(_Case(medium, task, replica)))
    except ClocklessError:
        raise
    except Exception as error:  # code of the user's may raise anything
        raise ParameterError(f"{type(medium).__name__} cannot be checked: {type(error).__name__}: {error}.") from error
    return Report(repr(medium), findings)


def _plain_task(medium: Medium) -> Task:
    if medium.size < 3:
        raise TaskError(f"{medium!r} has a state of {medium.size}; give a task that says what is input and output.")
    value = 0.3 * float(np.max(np.asarray(medium.scale)))
    x, y = [[value]], [[0.8 * value]]
    return Task([0], [medium.size // 2], [medium.size - 1], x, y, x, y)


class _Case:
    """A medium at its first parameters, its free state under the first example, and what a push makes of it."""

    def __init__(self, medium: Medium, task: Task, replica: Replica) -> None:
        self.medium, self.task, self.replica = medium, task, replica
        self.parameters = medium.first(replica)
        self.examples = medium.examples(task, np.array([0]))
        held = np.array([*self.examples.inputs, *self.examples.ground], dtype=np.int64)
        values = np.concatenate([self.examples.x[0], np.zeros(held.size - len(self.examples.inputs))])
        self.boundary = Boundary(held, values, key=Key(*replica.luck))
        self.free = medium.sense(self.parameters, self.boundary, np.asarray(medium.rest(), dtype=np.float64))

    def contrast(self, push: Any) -> np.ndarray:
        """Contrast of the first example / nudge."""
        signals: np.ndarray = self.medium.contrast(self.parameters, self.examples, push, self.replica.luck)[0] / push.nudge
        return signals


def _findings(case: _Case) -> Iterator[Finding]:
    medium = case.medium
    yield _shapes(case)
    if medium.has("energy"):
        yield _derivative(case, "signal", case.free.signal, case.parameters, sizes_of(medium, case.parameters),
                          lambda p: medium.energy(p, case.free.state))  # fmt: skip
        displaced = case.free.state + 0.1 * np.asarray(medium.scale) * np.sin(1.0 + np.arange(medium.size))
        sizes = np.broadcast_to(np.asarray(medium.scale, dtype=np.float64), medium.size)
        yield _derivative(case, "gradient", medium.gradient(case.parameters, displaced), displaced, sizes,
                          lambda s: medium.energy(case.parameters, s))  # fmt: skip
        yield _resolved(case, displaced, sizes)
        yield _falls(case)
    yield _balanced(case)
    yield _holds_values(case)
    yield _same_again(case)
    yield _same_bits(case)
    if medium.nudges or (medium.has("energy") and not medium.has("settle")):
        yield from _orders(case)


def _shapes(case: _Case) -> Finding:
    finite = np.isfinite(case.free.state).all() and np.isfinite(case.free.signal).all()
    seen = f"state [{case.medium.size}], signal [{case.medium.units}], {'finite' if finite else 'not all finite'}"
    return Finding("shapes", bool(finite), seen)


def _derivative(
    case: _Case, name: str, given: np.ndarray, at: np.ndarray, sizes: np.ndarray, energy: Callable[[np.ndarray], Any]
) -> Finding:
    about = gradient_of(energy, at, sizes, analytic=False)
    given, scale = np.asarray(given), max(np.max(np.abs(about)), 1e-300)
    if given.shape != about.shape:
        return Finding(name, False, f"has shape {given.shape}, it must be {about.shape}")
    off = np.max(np.abs(given - about)) / scale
    worst = int(np.argmax(np.abs(given - about)))
    seen = f"differs from differences of the energy by {off:.1e} of the largest"
    seen += "" if off <= _DERIVATIVES else f", most at {worst}: {given[worst]:.6g} instead of {about[worst]:.6g}"
    return Finding(name, bool(off <= _DERIVATIVES), seen)


def _resolved(case: _Case, at: np.ndarray, sizes: np.ndarray) -> Finding:
    """Whether differences are taken on changes that are small for this energy."""
    medium = case.medium
    about, finer = (gradient_of(lambda s: medium.energy(case.parameters, s), at, sizes / k, analytic=False) for k in (1, 8))
    off = np.max(np.abs(about - finer)) / max(np.max(np.abs(finer)), 1e-300)
    seen = f"differences on it and on an eighth of it agree to {off:.1e} of the largest"
    return Finding("scale", bool(off <= _DERIVATIVES), seen + ("" if off <= _DERIVATIVES else "; say a smaller scale"))


def _falls(case: _Case) -> Finding:
    before = case.medium.energy(case.parameters, case.boundary.placed(case.medium.rest()))
    after = case.medium.energy(case.parameters, case.free.state)
    holds = after <= before + 1e-9 * abs(before)
    return Finding("energy falls", bool(holds), f"from {before:.6g} at rest with the inputs held to {after:.6g}")


def _balanced(case: _Case) -> Finding:
    medium, residual = case.medium, case.free.residual
    if medium.has("energy"):
        sizes = np.broadcast_to(np.asarray(medium.scale, dtype=np.float64), medium.size)
        forces = np.abs(gradient_of(lambda s: medium.energy(case.parameters, s), case.free.state, sizes, analytic=False))
        left = np.max(forces[case.boundary.free(medium.size)], initial=0.0)
        return Finding(
            "forces balance", bool(left <= 1e-6 * max(np.max(forces), 1e-300) and residual <= medium.tolerated),
            f"{left / max(np.max(forces), 1e-300):.1e} of the largest is left, by differences",
        )  # fmt: skip
    return Finding("settled", bool(residual <= medium.tolerated), f"residual {residual:.1e}")


def _holds_values(case: _Case) -> Finding:
    """Inputs of the free state, and outputs of a clamped one."""
    outputs = np.array(case.examples.outputs)
    target = case.free.state[outputs] + 0.1 * (case.examples.y[0] - case.free.state[outputs])
    clamped = Boundary(
        np.append(case.boundary.held, outputs), np.append(case.boundary.values, target), key=case.boundary.key
    )
    state = case.medium.sense(case.parameters, clamped, case.free.state).state
    off = max(
        np.max(np.abs(case.free.state[case.boundary.held] - case.boundary.values)),
        np.max(np.abs(state[clamped.held] - clamped.values)),
    )
    holds = off <= _HELD * max(np.max(np.abs(clamped.values)), 1.0)
    return Finding("held values", bool(holds), f"inputs, ground and clamped outputs are off by {off:.1e}")


def _same_again(case: _Case) -> Finding:
    again = case.medium.sense(case.parameters, case.boundary, np.asarray(case.medium.rest(), dtype=np.float64))
    same = np.array_equal(again.state, case.free.state) and np.array_equal(again.signal, case.free.signal)
    return Finding("same state again", same, "the same bits" if same else "settling twice gives other numbers")


def _same_bits(case: _Case) -> Finding:
    """Some steps at once, one by one, and taken up in the middle by another learner."""
    whole, sliced, other = (case.medium.learner([case.replica]) for _ in range(3))
    whole.advance(_STEPS)
    for step in range(1, _STEPS):
        sliced.advance(step)
    other.restore({name: np.array(array) for name, array in sliced.state().items()})
    other.advance(_STEPS)
    trouble = whole.trouble
    same = not trouble and np.array_equal(whole.values, other.values)
    return Finding(
        "same bits", same, trouble or f"{_STEPS} steps at once and put away in between" + ("" if same else " differ")
    )


def _orders(case: _Case) -> Iterator[Finding]:
    """The error of equilibrium propagation is of the order of the nudge, of its square if centred."""
    best = _richardson([case.contrast(Nudge(nudge / 4, True)) for nudge in _NUDGES], 4)
    for name, centred, order in (("nudged one way", False, 1), ("nudged both ways", True, 2)):
        far, near = (np.max(np.abs(case.contrast(Nudge(nudge, centred)) - best)) for nudge in _NUDGES)
        largest = max(np.max(np.abs(best)), 1e-300)
        if far <= 1e-7 * largest:
            yield Finding(name, True, "exact")
            continue
        found = float(np.log2(far / max(near, 1e-300)))
        yield Finding(name, abs(found - order) < 0.35, f"error ~ nudge^{found:.2f}, expected {order}")


def _richardson(two: list[np.ndarray], ratio: int) -> np.ndarray:
    """The limit of what converges with the square of a nudge that is halved."""
    limit: np.ndarray = (ratio * two[1] - two[0]) / (ratio - 1)
    return limit
