"""Oscillators with natural frequencies lock, and their couplings learn at which phases, by settle and signal.

    d phi_i / dt = omega_i + sum over j of K_ij sin(phi_j - phi_i)

in the frame that turns with the inputs, whose phases are held. The signal is that of the coupling energy,
-cos(phi_i - phi_j) (Wang et al., Neuromorph. Comput. Eng. 4, 034014 (2024), arXiv 2402.08579). `settle` holds
what the boundary holds, adds its push to the forces, and so learns by nudges and clamps alike;
oscillators that do not lock are reported as unsettled. Nudges give a gradient here because forces still derive
from -sum omega phi - sum K cos(phi_i - phi_j), which is an energy but for its many values.
"""

import numpy as np

import clockless as cl


class Kuramoto(cl.Medium):
    """Phases of oscillators; `frequencies` [node] are a table, so that a list is no axis."""

    parameter, measure, low, high, initial = "coupling", "rad/s", -4.0, 4.0, 1.0
    state_measure, nudges, tables = "rad", True, ("frequencies",)

    def __init__(self, network, frequencies=0.0, limit=2000):
        self.frequencies, self.limit = frequencies, limit
        super().__init__(network)
        self.omega = np.broadcast_to(np.asarray(frequencies, dtype=float), network.nodes)

    def drift(self, coupling, state):
        """d phi / dt [node]."""
        i, j = self.network.edges.T
        pull = coupling * np.sin(state[j] - state[i])
        return self.omega + np.bincount(i, pull, self.size) - np.bincount(j, pull, self.size)

    def settle(self, coupling, boundary, start):
        state, free = boundary.placed(start), boundary.free(self.size)
        dt = 1.0 / (2.0 * np.max(np.bincount(self.network.edges.ravel(), np.repeat(np.abs(coupling), 2))) + 0.1)
        for _ in range(self.limit):
            moving = (self.drift(coupling, state) - boundary.push(state))[free]
            if np.max(np.abs(moving)) < 1e-11:
                break
            state[free] += dt * moving
        return state, np.max(np.abs(moving))

    def signal(self, coupling, state):
        i, j = self.network.edges.T
        return -np.cos(state[i] - state[j])


if __name__ == "__main__":
    network = cl.networks.lattice(3, 3)
    kuramoto = Kuramoto(network, 0.2 * np.sin(2.0 + np.arange(9)))
    x, y = [[0.4, 0.0], [0.0, 0.6], [0.3, 0.3]], [[0.5], [0.2], [0.4]]
    wanted = cl.Task(inputs=[0, 2], outputs=[7], x_train=x, y_train=y, x_test=x, y_test=y)
    print(cl.check(kuramoto, wanted))
    rule = cl.EquilibriumPropagation(nudge=0.2, rate=3.0, centred=True)
    run = cl.train(kuramoto, wanted, rule=rule, clock=cl.Bernoulli(0.5), steps=30, record=[10, 20, 30])
    print(run.error.values)
    assert run.error.values[-1] < 0.1
    assert not run.data.failed
