"""A medium of one's own, written against the contract alone: springs on a line, whose stiffnesses learn.

Some nodes are held at displacements u, the others settle where E(k, u) = sum over springs of k (u_i - u_j)^2 / 2 is least.
"""

from __future__ import annotations

import numpy as np

from clockless.errors import ParameterError
from clockless.learning.checks import check_parts
from clockless.learning.contracts import Examples, Info, Variable
from clockless.learning.plain import PlainLearner
from clockless.parts.pushes import Clamp


class Springs:
    """Springs between the nodes of a network, stiffnesses from 0.05 to 20."""

    cite = ("R. Hooke, 'De potentia restitutiva' (1678)",)
    parallel = "processes"
    unit = "spring"
    sources = (__name__,)
    low, high = 0.05, 20.0

    def __init__(self, network):
        self.network = network
        self.stretches = {"stiffness": len(network.edges)}

    # --- what training asks of any medium ---------------------------------------------------------------------

    @property
    def units(self):
        return len(self.network.edges)

    def variables(self, traces):
        return {
            "error": Variable(("step",), "f8", "mean squared distance from the targets", "m^2"),
            "failed": Variable((), "bool", "not finite", "1"),
            "parameters": Variable(("spring",), "f8", "final stiffness", "N/m"),
        }

    def sizes(self, task):
        return {"spring": self.units}

    def coordinates(self):
        return {"spring": np.arange(self.units)}

    def check(self, replica):
        self._checked(replica)

    def _checked(self, replica):
        replica = check_parts(replica, self.units)
        replica.task.check_fits(self.network)
        if getattr(replica.device, "low", self.low) < self.low:
            raise ParameterError(f"device = {replica.device}: springs have stiffnesses from {self.low}; raise its low.")
        return replica

    def kind(self, replica):
        return id(replica)

    def width(self, steps, replicas):
        return 1

    def learner(self, replicas, traces=False):
        (replica,) = replicas
        return PlainLearner(self._checked(replica), traces)

    # --- what the plain learner asks of a medium that settles ---------------------------------------------------

    def owners(self):
        return None

    def factors(self):
        return 1.0

    def limits(self):
        return self.low, self.high

    def held_by_device(self):
        return slice(None)

    def first(self, replica):
        ones = np.ones(self.units)
        return replica.device.nearest(ones) if hasattr(replica.device, "nearest") else ones

    def examples(self, task, chosen):
        return Examples(task.inputs, task.x_train[chosen], task.outputs, task.y_train[chosen], task.ground)

    def contrast(self, values, examples, push, luck):
        held = [*examples.inputs, *examples.ground]
        x = np.hstack([examples.x, np.zeros((len(examples.x), len(examples.ground)))])
        free, outputs = self._settled(values, held, x), list(examples.outputs)
        if isinstance(push, Clamp):
            on_the_way = free[:, outputs] + push.nudge * (examples.y - free[:, outputs])
            pushed = self._settled(values, [*held, *outputs], np.hstack([x, on_the_way]))
            signal = self._signal(pushed) - self._signal(free)
        else:
            at = {
                beta: self._nudged(values, (held, x), outputs, examples.y, beta) for beta in (push.strength, -push.strength)
            }
            ahead = self._signal(at[push.strength])
            signal = 0.5 * (ahead - self._signal(at[-push.strength])) if push.centred else ahead - self._signal(free)
        zeros = np.zeros(len(x))
        return signal, Info(zeros, zeros, float(np.mean((free[:, outputs] - examples.y) ** 2)))

    def look(self, values, task, luck):
        return {"error": float(np.mean((self.predict(values, task.x_test, task, luck) - task.y_test) ** 2))}

    def predict(self, values, x, task, luck):
        held = [*task.inputs, *task.ground]
        return self._settled(values, held, np.hstack([x, np.zeros((len(x), len(task.ground)))]))[:, list(task.outputs)]

    # --- physics ------------------------------------------------------------------------------------------------

    def _signal(self, u):
        """dE/dk = (u_i - u_j)^2 / 2, mean over examples."""
        i, j = self.network.edges.T
        return np.mean((u[:, i] - u[:, j]) ** 2, axis=0) / 2

    def _settled(self, values, held, at, extra=None, pull=None):
        """Displacements [example, node] with nodes held, and extra springs [node] that pull towards displacements."""
        nodes = self.network.nodes
        stiffness = np.diag(np.zeros(nodes) if extra is None else extra)
        for (i, j), k in zip(self.network.edges, values, strict=True):
            stiffness[[i, j], [i, j]] += k
            stiffness[[i, j], [j, i]] -= k
        free = np.setdiff1d(np.arange(nodes), held)
        force = np.zeros((len(at), nodes)) if pull is None else pull
        u = np.zeros((len(at), nodes))
        u[:, held] = at
        load = force[:, free] - at @ stiffness[np.ix_(held, free)]
        u[:, free] = np.linalg.solve(stiffness[np.ix_(free, free)], load.T).T
        return u

    def _nudged(self, values, held, outputs, y, beta):
        """Energy + beta / 2 sum (u - y)^2: a spring of stiffness beta from each output to its target."""
        extra = np.zeros(self.network.nodes)
        extra[outputs] = beta
        pull = np.zeros((len(y), self.network.nodes))
        pull[:, outputs] = beta * y
        return self._settled(values, *held, extra, pull)
