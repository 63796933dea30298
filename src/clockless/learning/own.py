"""A medium of one's own: give its physics in NumPy, an energy or settle and signal, and everything else is filled in.

    class Springs(cl.Medium):
        parameter, measure, low, high = "stiffness", "N/m", 0.1, 10.0

        def energy(self, stiffness, state):
            ends = state[self.network.edges]
            return 0.5 * np.sum(stiffness * (ends[:, 0] - ends[:, 1]) ** 2)

    cl.train(Springs(network), task, rule=cl.CoupledLearning(0.1, 0.1), steps=100)

One replica settles at a time, one example after the other. The energy decides what is exact: gradients come from a complex
step where its code is analytic and from differences elsewhere, states from Newton's method.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from clockless.errors import ParameterError, real_array, shown, whole
from clockless.learning.boundaries import FREE, PUSHED, PUSHED_BACK, TESTED, Boundary, Key, Sensed
from clockless.learning.contracts import Examples, Info, Luck, Replica, Variable
from clockless.learning.guarded import GuardedLearner
from clockless.learning.own_checks import checked
from clockless.learning.relaxation import Relaxation
from clockless.learning.scaling import SCALED_ERROR
from clockless.networks.network import Network
from clockless.parts.pushes import Clamp, Push
from clockless.seen import Seen
from clockless.tasks.task import Task

_LETTERS = 240  # of the sentence that says what went wrong


class Medium(Seen):
    """Derive from it, give the physics, and train.

    Physics are `energy`, or `settle` and `signal`; or `energy` and, to be faster, any of `gradient`, `signal` and `settle`.
    Its own arguments, which may be axes of an experiment, must be kept as attributes of the same names.

    Args:
        network: the wiring; None for a medium without one.
        size: entries of the state; the nodes if nothing is said.
        units: parameters that learn, one to a unit of the clock; the edges if nothing is said.

    Attributes:
        parameter, measure: what learns and its unit of measurement, for results and pictures.
        low, high: range of the parameters.
        initial: parameters at step 0, a number or [unit].
        scale: size of changes of the state that matter, a number or [size]: differences are taken on it.
        state_measure: unit of measurement of the state.
        nudges: whether a `settle` of its own follows a nudge of the boundary; an energy always does.
        tolerated: largest residual of a state that counts as settled.
        tables: arguments that hold tables of numbers, so that a list there is no axis of an experiment.

    Raises:
        ParameterError: a size or number of units that is none, or that no network tells.
    """

    parameter: str = "parameter"
    measure: str = "1"
    low: Any = 0.1
    high: Any = 10.0
    initial: Any = 1.0
    scale: Any = 1.0
    state_measure: str = "1"
    nudges: bool = False
    tolerated: float = 1e-6
    tables: tuple[str, ...] = ()

    unit = "edge"
    cite: tuple[str, ...] = ()
    parallel: Literal["threads", "processes"] = "processes"
    sources: tuple[str, ...] = (__name__,)
    probed = True  # whether the first state is tried before a run begins

    def __init__(self, network: Any = None, *, size: int | None = None, units: int | None = None) -> None:
        self.network = _wiring(network)
        if self.network is None and None in (size, units):
            raise ParameterError(
                f"{type(self).__name__} stands on no network; say size=.. of its state and units=.. that learn."
            )
        self.size = whole("size", self.network.nodes if size is None else size, 1)
        self._units = whole("units", len(self.network.edges) if units is None else units, 1)

    def __repr__(self) -> str:
        said = ", ".join(f"{name}={shown(value)}" for name, value in self.fields().items() if name != "network")
        wiring = "" if self.network is None else f"{self.network!r}" + (", " if said else "")
        return f"{type(self).__name__}({wiring}{said})"

    def fields(self) -> dict[str, Any]:
        """What it was made with: the arguments of its constructor, from the attributes of their names.

        Raises:
            ParameterError: one is not kept.
        """
        names = [
            n for n, p in inspect.signature(type(self)).parameters.items() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        ]
        if not hasattr(self, "_units"):
            raise ParameterError(f"the constructor of {type(self).__name__} must call super().__init__(network).")
        lost = [name for name in names if not hasattr(self, name)]
        if lost:
            raise ParameterError(
                f"{type(self).__name__} does not keep its argument {lost[0]}; say self.{lost[0]} = {lost[0]}."
            )
        return {name: getattr(self, name) for name in names}

    # --- physics: what a medium of one's own gives ------------------------------------------------------------

    def energy(self, parameters: np.ndarray, state: np.ndarray) -> Any:
        """E of parameters [unit] and a state [size]: what the medium lowers while some entries are held."""
        raise ParameterError(f"{type(self).__name__} has neither energy nor settle; give one.")

    def gradient(self, parameters: np.ndarray, state: np.ndarray) -> np.ndarray:
        """dE/dstate [size]; from the energy if it is not given."""
        return Relaxation(self, parameters).forces(state)

    def signal(self, parameters: np.ndarray, state: np.ndarray) -> np.ndarray:
        """dE/dparameter [unit], which a unit can sense locally; from the energy if it is not given."""
        if not self.has("energy"):
            raise ParameterError(f"{type(self).__name__} has neither energy nor signal; give one.")
        return Relaxation(self, parameters).signal(state)

    def settle(self, parameters: np.ndarray, boundary: Boundary, start: np.ndarray) -> Any:
        """The settled state [size], or (state, residual); a minimum of the energy near `start` if it is not given.

        An own one holds `boundary.values` at `boundary.held` and, if it says `nudges = True`, adds `boundary.push(state)`
        to dE/dstate.
        """
        return Relaxation(self, parameters).settled(boundary, start)[:2]

    def rest(self) -> np.ndarray:
        """Where free states start from [size]: zeros if nothing is said."""
        return np.zeros(self.size)

    def sense(self, parameters: np.ndarray, boundary: Boundary, start: np.ndarray, relaxation: Any = None) -> Sensed:
        """Settle and sense; a laboratory that measures both at once overrides this one."""
        relaxation = relaxation or Relaxation(self, parameters)
        if not self.has("settle"):
            state, residual, sweeps = relaxation.settled(boundary, start)
        else:
            found, sweeps = self.settle(parameters, boundary, start), 1
            state, residual = found if isinstance(found, tuple) else (found, None)
            state = self._right("settle", state, self.size)
            residual = relaxation.residual(boundary, state) if residual is None else float(residual)
        signal = self.signal(parameters, state) if self.has("signal") else relaxation.signal(state)
        return Sensed(state, self._right("signal", signal, self.units), residual, sweeps)

    def has(self, name: str) -> bool:
        """Whether the class gives this method itself."""
        return getattr(type(self), name) is not getattr(Medium, name)

    def _right(self, name: str, values: Any, count: int) -> np.ndarray:
        """Real numbers [count], or the sentence that says they are not."""
        try:
            table = real_array(values)
        except ValueError as error:
            raise ParameterError(f"{type(self).__name__}.{name} gave {shown(values)}: {error}.") from None
        if table.shape != (count,):
            raise ParameterError(
                f"{type(self).__name__}.{name} gave an array of shape {table.shape}; it must be ({count},)."
            )
        return table

    # --- what it leaves behind ----------------------------------------------------------------------------------

    @property
    def units(self) -> int:
        """Parameters that learn."""
        return self._units

    @property
    def stretches(self) -> dict[str, int]:
        """All parameters, under their name."""
        return {self.parameter: self.units}

    @property
    def _wired(self) -> bool:
        return self.network is not None and self.units == len(self.network.edges)

    def variables(self, traces: bool) -> dict[str, Variable]:
        """Errors and accuracy at the recorded steps, how settling went, and the parameters."""
        own = "edge" if self._wired else "parameter"
        variables = {
            "error": Variable(("step",), "f8", SCALED_ERROR, "1"),
            "initial_error": Variable((), "f8", "mean squared test error at step 0", f"({self.state_measure})^2"),
            "accuracy": Variable(("step",), "f8", "part of the test set whose class is shown", "1"),
            "residual": Variable((), "f8", "largest force left / largest force, in the last step", "1"),
            "unsettled": Variable((), "f8", "part of the examples that did not settle", "1"),
            "sweeps": Variable((), "f8", "mean work per example until settled", "1"),
            "failed": Variable((), "bool", "did not settle, is not finite or raised an error", "1"),
            "trouble": Variable(("letter",), "u1", "what went wrong, in UTF-8", "1"),
            "actions": Variable((own,), "f8", "updates of each unit", "1"),
            "parameters": Variable((own,), "f8", f"final {self.parameter}", self.measure),
        }
        if traces:
            variables["traces"] = Variable(("step", own), "f8", f"{self.parameter} at each recorded step", self.measure)
        return variables

    def sizes(self, task: Task) -> dict[str, int]:
        """Parameters, and letters of a sentence."""
        return {"edge" if self._wired else "parameter": self.units, "letter": _LETTERS}

    def coordinates(self) -> dict[str, Any]:
        """Edges and their ends, or numbers of parameters."""
        if not self._wired:
            return {"parameter": np.arange(self.units)}
        edges = self.network.edges
        return {"edge": np.arange(len(edges)), "edge_from": ("edge", edges[:, 0]), "edge_to": ("edge", edges[:, 1])}

    # --- replicas -----------------------------------------------------------------------------------------------

    def check(self, replica: Replica) -> None:
        """Raise for what this medium cannot use, and for physics that do not compute; see `Medium` of the contracts."""
        replica = checked(self, replica)
        self.first(replica)
        with _probing:
            if self.probed and not getattr(self, "_tried", False):
                self._try(replica)
                self._tried = True

    def _try(self, replica: Replica) -> None:
        """Settle under the first example; what is wrong with the physics is said at once."""
        try:
            with np.errstate(all="ignore"):
                self._try_first(replica.task, self.first(replica), Key(*replica.luck))
        except ParameterError:
            raise
        except Exception as error:  # code of the user's may raise anything
            raise ParameterError(f"{type(self).__name__} cannot settle: {type(error).__name__}: {error}.") from error

    def _try_first(self, task: Task, parameters: np.ndarray, key: Key) -> None:
        name, rest = type(self).__name__, self._right("rest", self.rest(), self.size)
        if self.has("energy"):
            found = np.asarray(self.energy(parameters, rest))
            if found.ndim:
                raise ParameterError(f"{name}.energy gave an array of shape {found.shape}; sum it to a number.")
            if found.dtype.kind not in "iuf":
                raise ParameterError(f"{name}.energy gave {shown(found.item())}; return a real number.")
        sensed = self.sense(parameters, self._boundary((task.inputs, task.x_train[0]), task.ground, key), rest)
        if not (np.isfinite(sensed.residual) and np.isfinite(sensed.signal).all()):
            raise ParameterError(
                f"{name} gives numbers that are not finite for the first example; if its energy is not smooth at the state "
                "it starts from, such as a division by 0, give another rest()."
            )

    def kind(self, replica: Replica) -> Hashable:
        """Every replica has a learner of its own."""
        return id(replica)

    def width(self, steps: int, replicas: int) -> int:
        """One replica in a job."""
        return 1

    def learner(self, replicas: Sequence[Replica], traces: bool = False, of: int = 0) -> GuardedLearner:
        """The plain loop of one replica, whose troubles end nothing else."""
        (replica,) = replicas
        return GuardedLearner(checked(self, replica), _LETTERS, traces)

    # --- what the plain learner asks ------------------------------------------------------------------------------

    def owners(self) -> None:
        """Unit k has parameter k."""
        return

    def factors(self) -> float:
        """All learn at the rule's rate."""
        return 1.0

    def limits(self) -> tuple[Any, Any]:
        """The range."""
        return self.low, self.high

    def held_by_device(self) -> slice:
        """All parameters."""
        return slice(None)

    def first(self, replica: Replica) -> np.ndarray:
        """Parameters at step 0 [unit], on the device's levels if it has any.

        Raises:
            ParameterError: they are none, or lie outside the range.
        """
        given = self.initial if replica.initial is None else replica.initial
        try:
            values = np.array(np.broadcast_to(real_array(given), self.units))
        except ValueError:
            raise ParameterError(
                f"initial = {shown(given)}; give a {self.parameter}, or an array of {self.units}."
            ) from None
        values = replica.device.nearest(values) if hasattr(replica.device, "nearest") else values
        outside = np.flatnonzero(~((values >= self.low) & (values <= self.high)))
        if outside.size:
            raise ParameterError(
                f"{self.unit} {outside[0]} starts at a {self.parameter} of {values[outside[0]]:g} {self.measure}, outside "
                f"the range {shown(self.low)} to {shown(self.high)}; give another initial, or another low and high."
            )
        return values

    def examples(self, task: Task, chosen: np.ndarray) -> Examples:
        """Those of the task's training examples."""
        inputs, outputs, ground = (tuple(getattr(task, role) or ()) for role in ("inputs", "outputs", "ground"))
        return Examples(inputs, task.x_train[chosen], outputs, task.y_train[chosen], ground)

    def _boundary(self, inputs: tuple[Any, np.ndarray], ground: Any, key: Key, **push: Any) -> Boundary:
        entries, values = inputs
        held = np.array([*entries, *(ground or ())], dtype=np.int64)
        return Boundary(held, np.concatenate([values, np.zeros(held.size - len(values))]), key=key, **push)

    def contrast(self, values: np.ndarray, examples: Examples, push: Push, luck: Luck) -> tuple[np.ndarray, Info]:
        """Sum over examples of signal(pushed) - signal(free), half of that of both pushes if the nudge is centred.

        The pushed state starts from the free one.
        """
        relaxation, total, seen = Relaxation(self, values), np.zeros(self.units), []
        for k, (x, y) in enumerate(zip(examples.x, examples.y, strict=True)):
            key = Key(*luck, k, FREE)
            free = self.sense(values, self._boundary((examples.inputs, x), examples.ground, key), self.rest(), relaxation)
            pushed = [
                self.sense(values, boundary, free.state, relaxation)
                for boundary in self._pushed(examples, (x, y), push, free.state, key)
            ]
            total += 0.5 * (pushed[0].signal - pushed[1].signal) if len(pushed) > 1 else pushed[0].signal - free.signal
            states = (free, *pushed)
            cost = 0.5 * float(np.sum((free.state[list(examples.outputs)] - y) ** 2))
            seen.append((max(s.residual for s in states), sum(s.sweeps for s in states), cost))
        residual, sweeps, cost = np.array(seen, dtype=np.float64).T
        return total, Info(residual, sweeps, float(cost.mean()))

    def _pushed(
        self, examples: Examples, values: tuple[np.ndarray, np.ndarray], push: Push, free: np.ndarray, key: Key
    ) -> list[Boundary]:
        """The boundaries of the pushed states: one, or two of a centred nudge."""
        x, y = values
        outputs, forth, back = np.array(examples.outputs), key._replace(state=PUSHED), key._replace(state=PUSHED_BACK)
        if isinstance(push, Clamp):
            clamped = free[outputs] + push.nudge * (y - free[outputs])
            held = self._boundary((examples.inputs, x), examples.ground, forth)
            both = np.concatenate([held.held, outputs]), np.concatenate([held.values, clamped])
            return [Boundary(*both, key=forth)]
        ways = [(push.nudge, forth)] + ([(-push.nudge, back)] if push.centred else [])  # type: ignore[union-attr]
        towards = {"outputs": outputs, "targets": y}
        return [self._boundary((examples.inputs, x), examples.ground, k, strength=s, **towards) for s, k in ways]

    # --- what a trained one answers ---------------------------------------------------------------------------------

    def state(self, values: np.ndarray, x: Any, task: Task, luck: Luck) -> np.ndarray:
        """Free states [example, size] for inputs x [example, input]."""
        relaxation = Relaxation(self, values)
        keys = [Key(*luck, k, TESTED) for k in range(len(x))]
        held = [self._boundary((task.inputs, row), task.ground, key) for row, key in zip(np.asarray(x), keys, strict=True)]
        return np.array([self.answered(values, boundary, relaxation) for boundary in held])

    def answered(self, values: np.ndarray, boundary: Boundary, relaxation: Any) -> np.ndarray:
        """A free state [size] of which no signal is asked."""
        if self.has("settle"):
            found = self.settle(values, boundary, self.rest())
            return self._right("settle", found[0] if isinstance(found, tuple) else found, self.size)
        state: np.ndarray = relaxation.settled(boundary, self.rest())[0]
        return state

    def predict(self, values: np.ndarray, x: Any, task: Task, luck: Luck) -> np.ndarray:
        """Outputs [example, output]."""
        return self.state(values, x, task, luck)[:, list(task.outputs or ())]

    def classes(self, outputs: np.ndarray) -> np.ndarray:
        """The class that outputs [example, output] show: the largest."""
        largest: np.ndarray = np.argmax(outputs, axis=1)
        return largest

    def look(self, values: np.ndarray, task: Task, luck: Luck) -> Mapping[str, float]:
        """Mean squared difference of outputs and targets over the test set, and the share whose class is shown."""
        outputs, labels = self.predict(values, task.x_test, task, luck), task.labels_test
        accuracy = np.nan if labels is None else float(np.mean(self.classes(outputs) == labels))
        return {"error": float(np.mean((outputs - task.y_test) ** 2)), "accuracy": accuracy}

    def node_of(self, entry: int) -> int | None:
        """The node that an entry of the state belongs to, for pictures; entries of node k stand next to each other."""
        nodes = 0 if self.network is None else self.network.nodes
        return entry * nodes // self.size if nodes and self.size % nodes == 0 else None


def _wiring(network: Any) -> Any:
    """The network itself, or that of an architecture; None for a medium without one."""
    wiring = getattr(network, "network", network)
    if wiring is not None and not isinstance(wiring, Network):
        raise ParameterError(f"network = {shown(network)} is not a Network; make one with Network(edges), or give None.")
    return wiring


_probing = threading.Lock()
