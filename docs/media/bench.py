"""A laboratory bench that learns: a board of resistors behind a pipe, simulated here with delays and read noise.

python bench.py            trains it
python bench.py board      is the board: answers a line of JSON for every line, and could as well drive real hardware
"""

import json
import shlex
import sys
import time

import numpy as np

import clockless as cl
from clockless.learning.boundaries import Boundary, Key

NETWORK = cl.networks.board16()


class Board(cl.Bench):
    """Voltages are what the board measures; what an edge senses follows from them."""

    parameter, measure, low, high, initial = "conductance", "S", 0.05, 20.0, 1.0
    state_measure = "V"

    def __init__(self, network, command="", timeout=60.0):
        super().__init__(network, command or f"{shlex.quote(sys.executable)} {shlex.quote(__file__)} board", timeout=timeout)

    def signal(self, conductance, state):
        return 0.5 * (state[self.network.edges[:, 0]] - state[self.network.edges[:, 1]]) ** 2


def board(noise=1e-4, delay=0.0005):
    """Answer until nobody asks any more. The noise of a reading follows from the key of its request."""
    incidence = np.zeros((len(NETWORK.edges), NETWORK.nodes))
    incidence[np.arange(len(NETWORK.edges)), NETWORK.edges.T] = [[1.0], [-1.0]]
    for line in sys.stdin:
        asked = json.loads(line)["settle"]
        laplacian = incidence.T @ (np.array(asked["parameters"])[:, None] * incidence)
        held = np.array(asked["held"])
        free = np.setdiff1d(np.arange(NETWORK.nodes), held)
        volts = np.zeros(NETWORK.nodes)
        volts[held] = asked["values"]
        volts[free] = np.linalg.solve(laplacian[np.ix_(free, free)], -laplacian[np.ix_(free, held)] @ volts[held])
        drawn = Boundary(held, volts[held], key=Key(*asked["key"])).uniform(NETWORK.nodes)
        time.sleep(delay)
        print(json.dumps({"state": (volts + noise * (2.0 * drawn - 1.0)).tolist()}), flush=True)


if __name__ == "__main__" and sys.argv[1:2] == ["board"]:
    board()
elif __name__ == "__main__":
    task = cl.tasks.regression(NETWORK, train=4, test=10, seed=2)
    with Board(NETWORK) as bench:
        run = cl.train(
            bench, task, rule=cl.CoupledLearning(0.5, 2.0), clock=cl.Bernoulli(0.5), steps=100, record=[10, 50, 100]
        )
    print(run.error.values)
    assert run.error.values[-1] < 0.1
    assert not run.data.failed
