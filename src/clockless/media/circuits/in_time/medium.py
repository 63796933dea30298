"""Circuits in continuous time as media: edges act at times of their own, between which the circuit settles or relaxes.

cl.train(cl.TimedCircuit(network, cl.laws.NMOS.pyclln()), task, rule=cl.CoupledLearning(0.5, 0.3),
         clock=cl.PoissonEvents(1.0), batch=cl.Shown(1.0), steps=1_000)
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from numbers import Real
from typing import Any

import numpy as np

from clockless.errors import ParameterError, shown, whole
from clockless.learning.contracts import Learner, Replica, Variable
from clockless.learning.events.checks import check_fires
from clockless.learning.events.history import EventHistory
from clockless.learning.events.triggering import BINS, bin_edges
from clockless.media.circuits.in_time.checks import check_relaxing, checked
from clockless.media.circuits.in_time.session import CircuitLearner, CircuitSession
from clockless.media.circuits.medium import CITE, Circuit
from clockless.networks.network import Network
from clockless.parts.devices import IDEAL
from clockless.parts.part import kind
from clockless.parts.presentations import Shown
from clockless.parts.pushes import push_of
from clockless.parts.triggers import watches
from clockless.tasks.task import Task

_MICROSECONDS = 1.0  # of an event per edge, for the size of a job
BEYOND = (
    "Stern, Dillavou, Miskin, Durian, Liu, 'Physical learning beyond the quasistatic limit', Phys. Rev. Research 4, L022037 "
    "(2022), arXiv 2112.11399"
)


class TimedCircuit(Circuit):
    """A circuit whose edges act at times of their own, in continuous time; free and pushed twins stand side by side.

    The clock is a trigger (`PoissonEvents`, `FreeOscillators`, `SelfTriggered`, ..), examples are held for a while
    (`batch=Shown(seconds)`) or all at once ("full"), and between any two events the circuit settles, by Newton's method from
    where it stood: at a new example, too, so that a circuit with several states stays near the one that it is in. `steps`
    are seconds: times at which the run may be looked at, not times at which anything happens.

    Args: as `Circuit`; it is cold.
    """

    sources = (__name__,)
    relaxes = False

    def described(self) -> dict[str, Any]:
        """The circuit as plain data, for stores."""
        return {**super().described(), "kind": "timed-circuit"}

    def variables(self, traces: bool) -> dict[str, Variable]:
        """As of `Circuit`, and what events were and cost."""
        return {
            **super().variables(traces),
            "power": Variable(("step",), "f8", "power of the settled free twin, mean over the training set", "W"),
            "energy": Variable(("step",), "f8", "energy dissipated by the free twin since the start", "J"),
            "energy_pushed": Variable(("step",), "f8", "energy dissipated by the pushed twin since the start", "J"),
            "fired": Variable(("step",), "f8", "events of all edges since the start", "1"),
            "intervals": Variable(("interval",), "f8", "intervals between events of an edge", "1"),
            "gaps": Variable(("interval",), "f8", "intervals between events of any two edges", "1"),
            "together": Variable((), "f8", "events at the very time of the one before", "1"),
            "switches": Variable((), "f8", "examples shown", "1"),
        }

    def sizes(self, task: Task) -> dict[str, int]:
        """Edges that learn, and bins of intervals."""
        return {**super().sizes(task), "interval": BINS}

    def coordinates(self) -> dict[str, Any]:
        """Edges that learn and their ends; the lower end of every bin of intervals, in seconds."""
        return {**super().coordinates(), "interval": bin_edges()[:-1]}

    def check(self, replica: Replica) -> None:
        """Raise for what circuits in time cannot use; see `Medium`."""
        ready = self._checked(replica)
        if watches(type(ready.clock)):
            check_fires(CircuitSession(self, ready))

    def _checked(self, replica: Replica) -> Replica:
        return checked(self, replica)

    def kind(self, replica: Replica) -> Hashable:
        """The circuit itself, and what decides about compiled code and array shapes."""
        task, push = replica.task, push_of(replica.rule)
        sizes = (len(task.inputs), len(task.outputs), len(task.ground), len(task.x_train), len(task.x_test))
        parts = tuple(p and kind(p) for p in (replica.rule, replica.clock, replica.device, replica.optimiser))
        return id(self), sizes, type(push), bool(getattr(push, "centred", False)), parts, isinstance(replica.batch, Shown)

    def width(self, steps: int, replicas: int) -> int:
        """So many that a job takes about a second at one event per edge and second, yet there are 16 jobs or more."""
        seconds = 1e-6 * _MICROSECONDS * self.units**2 * steps
        return int(np.clip(min(1.0 / max(seconds, 1e-12), replicas / 16), 1, 256))

    def learner(self, replicas: Sequence[Replica], traces: bool = False, of: int = 0, lanes: int = 0) -> Learner:
        """Replicas one after the other, each through its own events."""
        return CircuitLearner(self, [self._checked(replica) for replica in replicas], traces)

    def history(
        self, task: Task, seconds: float, *, rule: Any, clock: Any, batch: Any = "full", device: Any = IDEAL,
        initial: Any = None, seed: int = 0, room: int = 1_000_000,
    ) -> EventHistory:  # fmt: skip
        """One replica, event by event, with at most `room` events; the events are those of `train` with the same nouns.

        Its `edges` count those that learn, and its `values` are what they learn.

        Raises:
            ClocklessError: a noun that does not fit, a time that is not positive, more events than there is room for.
        """
        if isinstance(seconds, bool) or not (isinstance(seconds, Real) and 0 < float(seconds) < np.inf):
            raise ParameterError(f"seconds = {shown(seconds)}; give a positive, finite time.")
        replica = Replica(self, task, rule, clock, device, batch=batch, initial=initial, seed=seed)
        self.check(replica)
        return EventHistory.of(CircuitSession(self, self._checked(replica), whole("room", room, 1)), float(seconds))


class RelaxingCircuit(TimedCircuit):
    """A circuit in continuous time whose nodes have capacities to ground: C dV/dt = -F(V), in both twins.

    Both twins have settled at the first example at time 0. From then on they follow examples and what edges learn as fast
    as they can; edges act on the voltages as they are. Clamped outputs follow the free twin's without delay; all other nodes
    but inputs, grounds and rails have their capacity. Voltages are followed by a Rosenbrock method of order 4 that controls
    its error (`rosenbrock`).

    Args:
        network, law, ..: as `Circuit`; here its `capacity` counts, from every node to ground, farads.
        delay: seconds from what an edge senses to its new value, of comparator and writer; what it triggers in that time is
            lost.
        look: seconds between two looks of edges that watch their signal, between events; None: a fifth of the fastest
            node's time, and longer where no voltage moves.
        accuracy: volts by which no voltage may be wrong in a step of the solver.

    Raises:
        ParameterError: as of `Circuit`; a negative delay, a look or an accuracy that is not positive.
    """

    sources = (__name__,)
    cite = (*CITE, BEYOND)
    relaxes = True

    def __init__(
        self, network: Network, law: Any, of_edge: Any = None, rails: Any = None, shunt: Any = 1e-9, capacity: Any = 1e-12,
        gains: Any = None, low: Any = None, high: Any = None, differential: bool = False, mismatch: Any = 0.0,
        temperature: float = 0.0, tolerance: float = 1e-6, iterations: int = 300, delay: float = 0.0,
        look: float | None = None, accuracy: float = 1e-8,
    ) -> None:  # fmt: skip
        of_network = (of_edge, rails, shunt, capacity, gains, low, high, differential)
        super().__init__(network, law, *of_network, mismatch, temperature, tolerance, iterations)
        self.delay = _number("delay", delay, "seconds from 0", True)
        self.look = None if look is None else _number("look", look, "seconds above 0, or None", False)
        self.accuracy = _number("accuracy", accuracy, "volts above 0", False)

    def described(self) -> dict[str, Any]:
        """The circuit as plain data, for stores."""
        own = {"delay": self.delay, "look": self.look, "accuracy": self.accuracy}
        return {**super().described(), "kind": "relaxing-circuit", **own}

    def variables(self, traces: bool) -> dict[str, Variable]:
        """As of `TimedCircuit`; energy is what the sources deliver, and there is a lag."""
        found = dict(super().variables(traces))
        for name in ("energy_pushed", "iterations", "unsettled"):
            del found[name]
        return {
            **found,
            "energy": Variable(("step",), "f8", "energy delivered by the free twin's sources since the start", "J"),
            "lag": Variable(("step",), "f8", "distance of free voltages from settled ones, root mean square", "V"),
            "lost": Variable((), "f8", "events of edges that were still being written", "1"),
            "solver_steps": Variable((), "f8", "steps of the solver", "1"),
        }

    def check(self, replica: Replica) -> None:
        """Raise for what relaxing circuits cannot use; see `Medium`."""
        super().check(replica)
        if self.look is not None and watches(type(replica.clock)):
            self._check_look(replica)

    def _checked(self, replica: Replica) -> Replica:
        ready = checked(self, replica)
        check_relaxing(ready)
        return ready

    def _check_look(self, replica: Replica) -> None:
        """Raise if looks are too rare to see the fastest node move, as the circuit is at first."""
        session = CircuitSession(self, self._checked(replica))
        session.advance(0.0)
        seconds = session.quickest()
        if self.look is not None and self.look > seconds:
            raise ParameterError(
                f"look = {self.look:g} s does not resolve the fastest node, which relaxes within {seconds:.2g} s (its "
                "capacity over the sum of its conductances); give at most a tenth of that, or look=None."
            )

    def width(self, steps: int, replicas: int) -> int:
        """As of `TimedCircuit`, which are ten times as fast."""
        return max(super().width(steps * 10, replicas), 1)


def _number(name: str, value: Any, wanted: str, zero: bool) -> float:
    number = isinstance(value, Real) and not isinstance(value, bool) and 0 <= float(value) < np.inf
    if not number or (float(value) == 0 and not zero):
        raise ParameterError(f"{name} = {shown(value)}; give {wanted}.")
    return float(value)
