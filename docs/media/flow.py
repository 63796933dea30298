"""A flow network whose tubes learn by their radius, with the gradient and the signal written out to be faster.

    E = 1/2 sum over tubes of C (p_i - p_j)^2,  C = r^4 (Poiseuille)

half the dissipated power; with some pressures held its minimum conserves the flow at all other nodes. Flow networks that
learn: Stern et al., PRX 11, 021045 (2021), doi 10.1103/PhysRevX.11.021045.
"""

import numpy as np

import clockless as cl


class Flow(cl.Medium):
    """Pressures at the nodes; a tube of radius 1 mm has the conductance 1."""

    parameter, measure, low, high, initial = "radius", "mm", 0.3, 3.0, 1.0
    state_measure = "Pa"

    def drops(self, state):
        """Pressure drop over each tube."""
        return state[self.network.edges[:, 0]] - state[self.network.edges[:, 1]]

    def energy(self, radius, state):
        return 0.5 * np.sum(radius**4 * self.drops(state) ** 2)

    def gradient(self, radius, state):
        out, flow = np.zeros(self.size), radius**4 * self.drops(state)
        np.add.at(out, self.network.edges[:, 0], flow)
        np.add.at(out, self.network.edges[:, 1], -flow)
        return out

    def signal(self, radius, state):
        return 2.0 * radius**3 * self.drops(state) ** 2


if __name__ == "__main__":
    flow = Flow(cl.networks.packing(nodes=20, edges=36, seed=2))
    wanted = cl.tasks.regression(flow.network, train=4, test=10, seed=3)  # pressures take the place of voltages
    print(cl.check(flow, wanted))
    run = cl.train(flow, wanted, rule=cl.CoupledLearning(0.1, 0.3), clock=[cl.Global(), cl.Bernoulli(0.3)], steps=200)
    print(run.error.values[:, -1])
    assert (run.error.values[:, -1] < 0.1).all()
    assert not run.data.failed.any()
