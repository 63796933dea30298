"""Resistor networks whose nodes have capacities, as a medium: edges act while the network is still relaxing.

cl.train(cl.RelaxingResistors(network, capacity=0.1), task, rule=cl.CoupledLearning(0.1, 0.3), clock=cl.PoissonEvents(1.0),
         batch=cl.Shown(5.0), steps=1_000)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np

from clockless.errors import ParameterError, real_array, shown
from clockless.learning.contracts import Learner, Replica, Variable
from clockless.media.resistors.in_time.checks import checked
from clockless.media.resistors.in_time.medium import TimedResistors
from clockless.media.resistors.relaxing.modes import Modes, modes_of
from clockless.media.resistors.relaxing.session import RelaxingLearner, RelaxingSession
from clockless.networks.network import Network
from clockless.parts.presentations import Shown
from clockless.parts.pushes import Nudge, push_of
from clockless.parts.triggers import watches
from clockless.tasks.task import Task

CITE = (
    "Stern, Dillavou, Miskin, Durian, Liu, 'Physical learning beyond the quasistatic limit', Phys. Rev. Research 4, L022037 "
    "(2022), arXiv 2112.11399"
)


class RelaxingResistors(TimedResistors):
    """Resistors in continuous time whose nodes have capacities to ground: C dV/dt = -L V, in both twins.

    Both twins have settled at the first example at time 0. From then on they follow examples and resistances as fast as
    they can; edges act on the potentials as they are. A network settles within some of the longest of its `modes`. Clamped
    outputs follow the free twin's at once, or within `clamp_time`; all other nodes but inputs and grounds have their
    capacity.

    Args:
        network, low, high, parameter: as `Resistors`.
        capacity: from every node to ground, farads, a number or [node].
        temperature: of the edges, kelvin: each is a source of Johnson noise, 4 k_B T / R.
        delay: seconds from what an edge senses to its new resistance, of comparator and writer; what it triggers in that
            time is lost.
        look: seconds between two looks of edges that watch their signal, between events; None: a fifth of the fastest
            node's time, and longer where no potential moves.
        alternate: seconds of a free and of a pushed phase: one network alternates between both, and every edge compares
            what it remembers of the end of the free phase with its drop now; in a free phase it senses no difference.
            None: twins.
        clamp_time: seconds within which the clamp of an output follows what it is to be held at, to 1/e; 0: at once.

    Raises:
        ParameterError: as of `Resistors`; a capacity that is not positive, a negative temperature, delay, look or time of
            the clamp, phases that are not positive, or of a warm network.
    """

    sources = (__name__,)
    cite = (*TimedResistors.cite, CITE)

    def __init__(
        self, network: Network, low: float | np.ndarray = 0.01, high: float | np.ndarray = 100.0,
        parameter: str = "resistance", *, capacity: float | np.ndarray = 1.0, temperature: float = 0.0, delay: float = 0.0,
        look: float | None = None, alternate: tuple[float, float] | None = None, clamp_time: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__(network, low, high, parameter)
        self.capacity = _capacities(capacity, network.nodes)
        self.temperature = _from_zero("temperature", temperature, "kelvin")
        self.delay = _from_zero("delay", delay, "seconds")
        self.clamp_time = _from_zero("clamp_time", clamp_time, "seconds")
        self.look = None if look is None else _from_zero("look", look, "seconds")
        if self.look == 0:
            raise ParameterError("look = 0; edges that watch look at finite times: give seconds above 0, or None.")
        self.alternate = None if alternate is None else _phases(alternate)
        if self.alternate is not None and self.temperature > 0:
            raise ParameterError(
                f"alternate = {shown(alternate)} at {self.temperature:g} K; noise is that of twins: give temperature=0."
            )

    def modes(self, resistances: Any, held: Any) -> Modes:
        """How the free twin relaxes with these resistances [edge] and nodes held (their numbers): `Modes`."""
        return modes_of(self.laplacian(1.0 / self.checked(resistances)).toarray(), list(held), self.capacity)

    def relax(self, resistances: Any, held: Mapping[int, float], start: Any, times: Any) -> np.ndarray:
        """Potentials [time, node] at `times` in seconds after the potentials `start` [node], with nodes `held` at volts.

        Exact, by modes; a held node has its voltage from time 0 on.

        Raises:
            ParameterError: potentials that are not one per node, times below 0.
            HeldNodesError: nodes that do not exist.
        """
        settled, begin = self.settle(resistances, held), real_array(np.broadcast_to(start, self.network.nodes)).copy()
        at = np.atleast_1d(real_array(times))
        if at.ndim != 1 or not (np.isfinite(at) & (at >= 0)).all():
            raise ParameterError(f"times = {shown(times)}; give seconds from 0 on.")
        return self.modes(resistances, held).relaxed(begin, settled, at)

    def variables(self, traces: bool) -> dict[str, Variable]:
        """As of `TimedResistors`; energy is what the sources deliver, and there is a lag."""
        found = dict(super().variables(traces))
        del found["energy_pushed"]
        return {
            **found,
            "energy": Variable(("step",), "f8", "energy delivered by the free twin's sources since the start", "J"),
            "lag": Variable(("step",), "f8", "distance of free potentials from settled ones, root mean square", "V"),
            "lost": Variable((), "f8", "events of edges that were still being written", "1"),
        }

    def check(self, replica: Replica) -> None:
        """Raise for what relaxing resistors cannot use; see `Medium`."""
        super().check(replica)
        task, push = replica.task, push_of(replica.rule)
        if not isinstance(replica.batch, Shown) and len(task.x_train) != 1:
            raise ParameterError(
                f"batch = {shown(replica.batch)}, but a relaxing network sees one example at a time; give Shown(seconds)."
            )
        if isinstance(push, Nudge) and push.centred:
            raise ParameterError(
                f"{replica.rule} nudges both ways, and a twin that is pushed away from its target may run off "
                "before anybody compares; give centred=False."
            )
        if isinstance(push, Nudge) and self.clamp_time > 0:
            raise ParameterError(
                f"clamp_time = {self.clamp_time:g}, but {replica.rule} nudges outputs by a conductance and clamps none; "
                "give CoupledLearning(..) or clamp_time=0."
            )
        if self.look is not None and watches(type(replica.clock)):
            self._check_look(replica, push)

    def _check_look(self, replica: Replica, push: Any) -> None:
        """Raise if looks are too rare to see the fastest node move."""
        session = RelaxingSession(self, checked(self, replica))
        k, outputs = session.charged.conductance, list(replica.task.outputs)
        total = np.zeros(self.network.nodes)
        np.add.at(total, self.network.edges.ravel(), np.repeat(k, 2))
        if isinstance(push, Nudge):
            total[outputs] += push.nudge
        seconds = np.where(session.wiring.held, np.inf, self.capacity / total)
        node = int(np.argmin(seconds))
        if self.look > seconds[node]:
            raise ParameterError(
                f"look = {self.look:g} s does not resolve node {node}, which relaxes within {seconds[node]:.2g} s (its "
                "capacity over the sum of its conductances); give at most a tenth of that, or look=None."
            )

    def learner(self, replicas: Sequence[Replica], traces: bool = False, of: int = 0, lanes: int = 0) -> Learner:
        """Replicas one after the other, each through its own events."""
        self._check_physics()
        return RelaxingLearner(self, [checked(self, replica) for replica in replicas], traces)

    def width(self, steps: int, replicas: int) -> int:
        """As of `TimedResistors`, which are ten times as fast."""
        return max(super().width(steps * 10, replicas), 1)

    def sizes(self, task: Task) -> dict[str, int]:
        """As of `TimedResistors`."""
        return super().sizes(task)

    def _session(self, replica: Replica, room: int) -> RelaxingSession:
        return RelaxingSession(self, replica, room)


def _capacities(capacity: Any, nodes: int) -> np.ndarray:
    try:
        farads = np.broadcast_to(real_array(capacity), nodes).copy()
    except ValueError:
        farads = np.zeros(1)
    if not (np.isfinite(farads) & (farads > 0)).all():
        raise ParameterError(
            f"capacity = {shown(capacity)}; give farads above 0, one number or one per node, [{nodes}]. Without capacities "
            "TimedResistors(network) settles at once."
        )
    return farads


def _phases(alternate: Any) -> tuple[float, float]:
    pair = alternate if isinstance(alternate, (tuple, list)) and len(alternate) == 2 else (0.0, 0.0)
    numbers = [isinstance(each, Real) and not isinstance(each, bool) for each in pair]
    if not (all(numbers) and all(0 < float(each) < np.inf for each in pair)):
        raise ParameterError(
            f"alternate = {shown(alternate)}; give the seconds of a free and of a pushed phase, such as (1.0, 1.0), or "
            "None for twins."
        )
    return float(pair[0]), float(pair[1])


def _from_zero(name: str, value: Any, unit: str) -> float:
    if isinstance(value, bool) or not (isinstance(value, Real) and 0 <= float(value) < np.inf):
        raise ParameterError(f"{name} = {shown(value)}; give {unit} from 0.")
    return float(value)
