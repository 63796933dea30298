"""The network of diodes.py again, compiled: one scalar method says what an edge carries, and 64 boards learn in lanes.

    I = theta sinh(v / v0),   W = theta v0 (cosh(v / v0) - 1)

A law of an edge is written for arrays and compiled alike (`clockless.media.circuits.law`); it brings Newton's method in
lanes, every rule, clock, device and optimiser, stores, and some thousand times the speed of NumPy.
"""

import clockless as cl
from clockless.numerics.functions import exponential
from clockless.parts.part import part


@part
class Sinh(cl.laws.Law):
    """Pairs of diodes, one each way: exponential in both directions."""

    v0: float = 0.25
    parameter, measure, low, high, initial = "g", "A", 0.05, 20.0, 1.0
    junction = True  # Newton's steps are limited edge by edge

    def carries(self, va, vb, theta):
        up = exponential((va - vb) / self.v0)
        slope = 0.5 * theta * (up + 1.0 / up) / self.v0
        return 0.5 * theta * (up - 1.0 / up), slope, -slope

    def steers(self, va, vb, theta):
        up = exponential((va - vb) / self.v0)
        return 0.5 * (up - 1.0 / up)

    def cocontent(self, drop, theta):
        up = exponential(drop / self.v0)
        return theta * self.v0 * (0.5 * (up + 1.0 / up) - 1.0)

    def contrasts(self, free, pushed, theta):
        there, here = exponential(0.5 * (pushed + free) / self.v0), exponential(0.5 * (pushed - free) / self.v0)
        return 0.5 * self.v0 * (there - 1.0 / there) * (here - 1.0 / here)

    def turn(self):
        return self.v0, self.v0, True


if __name__ == "__main__":
    import diodes as in_numpy

    network = cl.networks.board16()
    wanted = in_numpy.task(in_numpy.Diodes(network))
    circuit = cl.Circuit(network, Sinh(), shunt=0.0, low=0.05, high=20.0, tolerance=1e-9)
    print(circuit.settle(1.0, {0: 0.9, 8: 0.1, 2: 0.0}))
    rule = cl.EquilibriumPropagation(nudge=0.5, rate=4.0, centred=True)
    run = cl.train(circuit, wanted, rule=rule, clock=cl.Bernoulli(0.5), seed=list(range(64)), steps=300, record=[150, 300])
    print(run.error.mean("seed").values)
    assert run.error.mean("seed").values[-1] < 0.1
    assert not run.data.failed.any()
