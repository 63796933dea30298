"""XY networks whose phases take time, as a medium: units act while the phases are still relaxing.

cl.train(cl.RelaxingXY(architecture, friction=0.1), task, rule=cl.EquilibriumPropagation(0.1, 0.1),
         clock=cl.PoissonEvents(1.0), batch=cl.Shown(5.0), steps=1_000)
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np

from clockless.errors import ParameterError, real_array, shown
from clockless.learning.contracts import Learner, Replica, Variable
from clockless.learning.events.checks import check_fires, checked_presentation, checked_trigger
from clockless.learning.events.triggering import BINS, bin_edges
from clockless.learning.part_checks import checked_part
from clockless.media.phases.medium import XY
from clockless.media.phases.relaxing.propagation import LONGEST
from clockless.media.phases.relaxing.reference import flowing
from clockless.media.phases.relaxing.session import RelaxingLearner, RelaxingSession
from clockless.media.phases.settings import Settling
from clockless.media.phases.xy import KINDS, Parameters
from clockless.networks.architectures import Architecture
from clockless.networks.network import Network
from clockless.parts.clocks import SYNCHRONOUS
from clockless.parts.optimisers import Rates
from clockless.parts.part import kind
from clockless.parts.presentations import Shown
from clockless.parts.pushes import Nudge, push_of
from clockless.parts.triggers import watches
from clockless.tasks.task import Task

CITE = (
    "Stern, Dillavou, Miskin, Durian, Liu, 'Physical learning beyond the quasistatic limit', Phys. Rev. Research 4, L022037 "
    "(2022), arXiv 2112.11399"
)
_EVENT, _STEP = 1e-6, 3e-7  # seconds of work for an event, and for a step of ten sites, for the size of a job


class RelaxingXY(XY):
    """Phases that take time, gamma dphi/dt = -dE/dphi + sqrt(2 gamma k_B T) xi, in a free and a pushed twin.

    The clock is a trigger (`PoissonEvents`, `Ticks`, `SelfTriggered`, ..), examples are held for a while
    (`batch=Shown(seconds)`), and `steps` are seconds: times at which the run may be looked at. Both twins have settled at
    the first example at time 0, from the start that `XY` draws for it. From then on they follow examples, couplings and
    fields as fast as they can, and units act on the phases as they are. Clamped outputs follow the free twin's at once.

    Args:
        network, shared, trainable, settling, rates: as `XY`; `settling` is how test sets are looked at.
        friction: gamma; in the unit of W times seconds. Phases relax at the eigenvalues of E's Hessian over gamma.
        temperature: k_B T, in the unit of W.
        tolerance: radians by which a step of the cold phases may err.
        time_step: longest step of the phases, seconds, after each of which units that watch their signal are asked. None: as
            long as tolerance, the fastest mode and those units allow; warm a tenth of that mode's time, at most 1 s.

    Raises:
        ParameterError: as of `XY`; a friction, tolerance or time step that is not positive, a negative temperature.
    """

    sources = (__name__,)
    cite = (*XY.cite, CITE)

    def __init__(
        self, network: Network | Architecture, shared: Any = None, trainable: str | Sequence[str] = KINDS,
        settling: Settling | None = None, rates: Rates | None = None, *, friction: float = 1.0, temperature: float = 0.0,
        tolerance: float = 1e-6, time_step: float | None = None,
    ) -> None:  # fmt: skip
        super().__init__(network, shared, trainable, settling, rates)
        self.friction = _number(
            "friction", friction, "give the friction of a phase, in the unit of W times seconds, above 0"
        )
        self.temperature = _number("temperature", temperature, "give k_B T in the unit of W, from 0", zero=True)
        self.tolerance = _number("tolerance", tolerance, "give the error of a step in radians, above 0, such as 1e-6")
        self.time_step = None if time_step is None else _number("time_step", time_step, "give seconds above 0, or None")

    def described(self) -> dict[str, Any]:
        """The medium in words and numbers, see `described.RelaxingPhases`."""
        own = {name: getattr(self, name) for name in ("friction", "temperature", "tolerance")}
        return {**super().described(), "kind": "relaxing-xy", **own, "time_step": self.time_step}

    # --- what it leaves behind ----------------------------------------------------------------------------

    def variables(self, traces: bool) -> dict[str, Variable]:
        """As of `XY`, but for what settling took; and what events were, and how far phases lag."""
        found = dict(super().variables(traces))
        for name in ("sweeps", "unsettled", "residual"):
            del found[name]
        return {
            **found,
            "train_cost": Variable(
                ("step",), "f8", "cost of the example that is shown, of the free phases as they are", "1"
            ),
            "settled_cost": Variable(("step",), "f8", "the same where these phases would settle", "1"),
            "lag": Variable(("step",), "f8", "distance of free phases from there, root mean square", "rad"),
            "fired": Variable(("step",), "f8", "events of all units since the start", "1"),
            "intervals": Variable(("interval",), "f8", "intervals between events of a unit", "1"),
            "gaps": Variable(("interval",), "f8", "intervals between events of any two units", "1"),
            "together": Variable((), "f8", "events at the very time of the one before", "1"),
            "switches": Variable((), "f8", "examples shown", "1"),
        }

    def sizes(self, task: Task) -> dict[str, int]:
        """As of `XY`, and bins of intervals."""
        return {**super().sizes(task), "interval": BINS}

    def coordinates(self) -> dict[str, Any]:
        """As of `XY`, and the lower end of every bin of intervals, in seconds."""
        return {**super().coordinates(), "interval": bin_edges()[:-1]}

    # --- replicas -----------------------------------------------------------------------------------------

    def check(self, replica: Replica) -> None:
        """Raise for what relaxing phases cannot use; see `Medium`."""
        ready = self._checked(replica)
        if self.time_step is not None:
            self._check_step(RelaxingSession(self, ready).bound())
        if watches(type(ready.clock)):
            check_fires(RelaxingSession(self, ready))

    def _checked(self, replica: Replica) -> Replica:
        own = {
            "clock": checked_trigger(replica.clock, "XY(network)"), "batch": checked_presentation(replica.batch),
        }  # fmt: skip
        checked = super()._checked(replica.changed(clock=SYNCHRONOUS, batch="full")).changed(**own)
        task, push = checked.task, push_of(checked.rule)
        if not isinstance(checked.batch, Shown) and len(task.x_train) != 1:
            raise ParameterError(
                f"batch = {shown(checked.batch)}, but relaxing phases see one example at a time; give Shown(seconds)."
            )
        if isinstance(push, Nudge):
            self._check_nudge(checked.rule, push)
        if not hasattr(checked.optimiser, "lane_slots"):
            raise ParameterError(
                f"optimiser = {shown(checked.optimiser)} cannot run in lanes: it has no `lane_slots` and no behaviours of "
                "optimisers.steer and optimisers.follow; give Descent(), Momentum(0.9) or Adam()."
            )
        return checked.changed(rule=checked_part(checked.rule, "rule"), device=checked_part(checked.device, "device"))

    def _check_nudge(self, rule: Any, push: Nudge) -> None:
        if push.centred:
            raise ParameterError(
                f"{rule} nudges both ways, and a twin that is pushed away from its target may run off "
                "before anybody compares; give centred=False."
            )
        if push.inits != 1:
            raise ParameterError(
                f"{rule} averages over {push.inits} starts, but phases that take time go on from where they are."
            )
        if push.cost != "cosine" and self.temperature > 0:
            raise ParameterError(
                f"{rule}: heat takes phases to the antipode of their target, where the torque of the logarithmic cost is "
                "infinite; give cost='cosine', or temperature=0."
            )

    def _check_step(self, fastest: float) -> None:
        """Raise if steps are too long to see the fastest mode move."""
        if self.time_step is not None and self.time_step * fastest > (1.0 if self.temperature > 0 else LONGEST):
            raise ParameterError(
                f"time_step = {self.time_step:g} s does not resolve the fastest mode, which relaxes in {1 / fastest:.2g} "
                "s (friction over twice the couplings of a site, and its field); give a tenth of it, or None."
            )

    def kind(self, replica: Replica) -> Hashable:
        """The medium itself, and what decides about compiled code and array shapes."""
        task = replica.task
        parts = tuple(p and kind(p) for p in (replica.rule, replica.clock, replica.device, replica.optimiser))
        return id(self), task.x_train.shape, task.y_train.shape, task.x_test.shape, parts, isinstance(replica.batch, Shown)

    def width(self, steps: int, replicas: int) -> int:
        """So many that a job takes about a second at one event per unit and second, yet there are 16 jobs or more."""
        seconds = steps * (self.units * _EVENT + self.network.nodes * _STEP / self.friction)
        return int(np.clip(min(1.0 / max(seconds, 1e-12), replicas / 16), 1, 256))

    def learner(self, replicas: Sequence[Replica], traces: bool = False, of: int = 0, lanes: int = 0) -> Learner:  # type: ignore[override]
        """Replicas one after the other, each through its own events."""
        return RelaxingLearner(self, [self._checked(replica) for replica in replicas], traces)

    # --- without learning ---------------------------------------------------------------------------------------

    def follow(self, parameters: Parameters, held: Mapping[int, Any], start: Any, times: Any) -> np.ndarray:
        """Phases [time, site] at `times` in seconds after the phases `start` [site], cold, with sites `held` at radians.

        By SciPy's `DOP853` to 1e-10; a held site has its phase from time 0 on.

        Raises:
            ParameterError: phases that are not one per site, times below 0, a warm network.
            HeldNodesError: sites that do not exist.
        """
        if self.temperature > 0:
            raise ParameterError(f"temperature = {self.temperature:g}; `follow` has no noise: give temperature=0.")
        phases, at = self._checked_phases(start), np.atleast_1d(real_array(times))
        if phases.ndim != 1:
            raise ParameterError(f"start has shape {phases.shape}; give one state, phases [site].")
        if at.ndim != 1 or not (np.isfinite(at) & (at >= 0)).all():
            raise ParameterError(f"times = {shown(times)}; give seconds from 0 on.")
        begin = phases.copy()
        for site, phase in self._checked_held(held).items():
            begin[site] = float(np.asarray(phase).ravel()[0])
        return flowing(self, parameters, list(held), begin, at)


def _number(name: str, value: Any, wanted: str, zero: bool = False) -> float:
    good = isinstance(value, Real) and not isinstance(value, bool) and np.isfinite(float(value))
    if not good or float(value) < 0 or (float(value) == 0 and not zero):
        raise ParameterError(f"{name} = {shown(value)}; {wanted}.")
    return float(value)
