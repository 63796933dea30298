"""A network of nonlinear resistors, I = g sinh(v / v0), such as pairs of diodes, learns by equilibrium propagation.

    E = sum over edges of g v0 (cosh(v / v0) - 1)

is the co-content, the integral of I dv, whose minimum is Kirchhoff's current law because dE/dv is the current (Kendall et
al., arXiv 2006.01981).
"""

import numpy as np

import clockless as cl


class Diodes(cl.Medium):
    """Voltages at the nodes; an edge conducts g v / v0 at small voltages and exponentially more at large ones."""

    parameter, measure, low, high, initial = "g", "A", 0.05, 20.0, 1.0
    state_measure = "V"

    def __init__(self, network, v0=0.25):
        self.v0 = v0
        super().__init__(network)

    def energy(self, g, state):
        v = state[self.network.edges[:, 0]] - state[self.network.edges[:, 1]]
        return np.sum(g * self.v0 * (np.cosh(v / self.v0) - 1.0))


def task(diodes):
    """What a teacher of the same wiring answers: a nonlinear map of two voltages."""
    x = np.array([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5], [1.0, 0.7], [0.1, 0.3], [0.6, 0.0]])
    nodes = {"inputs": [0, 8], "outputs": [4, 5], "ground": [2]}
    teacher = np.exp(np.sin(3.0 * np.arange(diodes.units)))
    asked = cl.Task(**nodes, x_train=x, y_train=np.zeros((6, 2)), x_test=x, y_test=np.zeros((6, 2)))
    y = diodes.predict(teacher, x, asked, (0, 0, 0))
    return cl.Task(**nodes, x_train=x[:4], y_train=y[:4], x_test=x[4:], y_test=y[4:])


if __name__ == "__main__":
    diodes = Diodes(cl.networks.board16())
    wanted = task(diodes)
    print(cl.check(diodes, wanted))
    rule = cl.EquilibriumPropagation(nudge=0.5, rate=4.0, centred=True)
    run = cl.train(diodes, wanted, rule=rule, clock=cl.Bernoulli(0.5), optimiser=cl.Momentum(0.8), steps=60, record=[30, 60])
    print(run.error.values)
    assert run.error.values[-1] < 0.1
    assert not run.data.failed
