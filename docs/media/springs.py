"""A central-force spring network in the plane learns an allosteric response: stretch it here, and it opens there.

    E = sum over springs of k/2 (|r_j + u_j - r_i - u_i| - l)^2 + pull/2 sum of u^2

u are displacements, l the lengths at rest; the energy is all that is given. Learning by coupled learning as in Rocks et al.,
PNAS 114, 2520 (2017), doi 10.1073/pnas.1612139114, and Stern et al., PRX 11, 021045 (2021), doi 10.1103/PhysRevX.11.021045.
"""

import numpy as np

import clockless as cl


class Springs(cl.Medium):
    """Springs along the edges of a network with positions; entries 2k and 2k + 1 of the state are u_x and u_y of node k."""

    parameter, measure, low, high, initial = "stiffness", "N/m", 0.05, 20.0, 1.0
    state_measure, scale = "m", 0.1

    def __init__(self, network, pull=0.02):
        self.pull = pull
        super().__init__(network, size=2 * network.nodes)
        self.lengths = np.sqrt(np.sum(self.along(network.positions) ** 2, axis=1))

    def along(self, places):
        """Vectors along the springs [edge, 2]."""
        return places[self.network.edges[:, 1]] - places[self.network.edges[:, 0]]

    def energy(self, stiffness, state):
        u = state.reshape(-1, 2)
        stretched = np.sqrt(np.sum(self.along(self.network.positions + u) ** 2, axis=1))
        return 0.5 * np.sum(stiffness * (stretched - self.lengths) ** 2) + 0.5 * self.pull * np.sum(u**2)


def network(rows=3, columns=4):
    """A triangular lattice whose nodes are shifted a little, so that no three lie in a line."""
    k = np.arange(rows * columns)
    row, column = k // columns, k % columns
    shifts = 0.12 * np.stack([np.sin(7 * k), np.cos(5 * k)], axis=1)
    places = np.stack([column + 0.5 * (row % 2), 0.87 * row], axis=1) + shifts
    distances = np.sqrt(np.sum((places[:, None] - places[None]) ** 2, axis=2))
    return cl.Network([(i, j) for i in k for j in k if i < j and distances[i, j] < 1.35], places)


def task(network):
    """Nodes 0 and 4 on the left are moved by -0.1 and 0.1 m in y; on the right, u_x of 3 and 11 shall be -0.045 and 0.05 m
    (-0.034 and 0.040 m before)."""
    x, y = [[0.0, -0.1, 0.0, 0.1]], [[-0.045, 0.05]]
    return cl.Task(inputs=[0, 1, 8, 9], outputs=[6, 22], ground=[5], x_train=x, y_train=y, x_test=x, y_test=y)


if __name__ == "__main__":
    springs = Springs(network())
    wanted = task(springs.network)
    print(cl.check(springs, wanted))
    rule = cl.CoupledLearning(nudge=0.2, rate=2000.0)
    run = cl.train(springs, wanted, rule=rule, clock=cl.Bernoulli(0.5), steps=60, record=[20, 40, 60])
    print(run.error.values)
    assert run.error.values[-1] < 0.05
    assert not run.data.failed
