"""How many sweeps layered nets need: `python benchmarks/settling.py --mnist DIR` prints the table of docs/deep-resistive.md.

Each net learns for a while with its published settings; then 16 test pictures settle free, in NumPy and double precision:
with and without over-relaxation, layers in another order, and from the states that the same pictures had some steps of
learning before. Counted are sweeps until no output is further than a tolerance from where it ends. Seconds are those sweeps
times the least processor time of a sweep in the compiled engine, for an epoch of 60,000 free states.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

import clockless as cl
from clockless.learning.contracts import Luck, Replica
from clockless.media.layered.reference import FREE, Layers

EPOCH, PICTURES, MOST = 60_000, 16, 50
BEFORE = (10, 300)  # steps of learning between a state and the next of the same picture
TOLERANCES = (1e-2, 1e-3, 1e-4)  # volts, of targets 0 and 1
RELAXATIONS = (1.0, 1.2, 1.4, 1.6)


def learned(name: str, task: cl.Task, steps: int) -> tuple[cl.DeepResistive, dict[int, np.ndarray]]:
    """A net and its parameters after `steps` of learning, and that many steps before."""
    published, medium = cl.DeepResistive.published(name), cl.DeepResistive.preset(name)
    rule = cl.EquilibriumPropagation(published.nudge, published.rate, centred=True)
    learner = medium.learner([Replica(medium, task, rule, cl.Global(), cl.Continuous(), batch=4)])
    found = {}
    for before in (*sorted(BEFORE, reverse=True), 0):
        learner.advance(steps - before)
        recorded = {key: value[:, None] for key, value in learner.measure().items()}
        found[before] = learner.results(recorded)["parameters"][0]
    return medium, found


def swept(net: Layers, volts: list[np.ndarray], upwards: bool) -> list[np.ndarray]:
    """One sweep: odd layers, then even ones, or one layer after another from below."""
    count = len(volts)
    for k in range(count) if upwards else (*range(0, count, 2), *range(1, count, 2)):
        volts[k] = net.moved(volts, k, FREE)
    return volts


def sweeps_needed(net: Layers, start: list[np.ndarray], end: np.ndarray, upwards: bool = False) -> list[int]:
    """Sweeps until outputs are within each tolerance of their end, and stay there; MOST where they never are."""
    volts, apart = list(start), []
    for _ in range(MOST):
        volts = swept(net, volts, upwards)
        apart.append(np.abs(volts[-1] - end).max())
        if apart[-1] < 0.1 * TOLERANCES[-1]:
            break
    far = [np.flatnonzero(np.array(apart) > tolerance) for tolerance in TOLERANCES]
    return [int(each[-1]) + 2 if each.size else 1 for each in far]


def seconds_per_sweep(medium: cl.DeepResistive, values: np.ndarray, x: np.ndarray) -> float:
    """Least processor time of a sweep of the compiled engine, for EPOCH pictures."""
    times = {}
    for sweeps in (4, 24):
        longer = cl.DeepResistive(medium.layers, gain=medium.gain, sweeps=sweeps)
        taken = []
        for _ in range(12):
            began = time.process_time()
            longer.state(values, x, None, Luck(0, 0))
            taken.append(time.process_time() - began)
        times[sweeps] = min(taken)
    return (times[24] - times[4]) / 20 * EPOCH / len(x)


def rows(name: str, task: cl.Task, steps: int) -> None:
    """Lines of the table of one net."""
    medium, found = learned(name, task, steps)
    x, values = task.x_test[:PICTURES], found[0]
    seconds = seconds_per_sweep(medium, values, x)
    net = Layers(medium.shape, values, x, medium.numbers)
    end = net.rest()
    for _ in range(2 * MOST):
        end = swept(net, end, False)
    print(f"# {name}: {seconds:.2f} s a sweep of an epoch; {medium.sweeps} sweeps published", flush=True)
    ways = [(f"relaxation {w:g}", w, False, None) for w in RELAXATIONS]
    ways += [("layer by layer, from below", 1.0, True, None), *((f"from {k} steps before", 1.0, False, k) for k in BEFORE)]
    for what, relaxation, upwards, before in ways:
        other = Layers(medium.shape, values, x, medium.numbers._replace(relaxation=relaxation))
        start = other.rest()
        if before is not None:
            old = Layers(medium.shape, found[before], x, medium.numbers)
            for _ in range(MOST):
                start = swept(old, start, False)
        counts = sweeps_needed(other, start, end[-1], upwards)
        cells = " | ".join(f"{count} ({count * seconds:.1f} s)" for count in counts)
        print(f"| {name.upper()} | {what} | {cells} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mnist", required=True, help="folder with the four IDX files")
    parser.add_argument("--steps", type=int, default=1000, help="of learning before")
    parser.add_argument("--nets", nargs="+", default=["1h", "2h", "3h"])
    arguments = parser.parse_args()
    task = cl.tasks.mnist_pixels(arguments.mnist, train=4 * arguments.steps, test=100)
    print("| net | how | to 0.01 V | to 0.001 V | to 0.0001 V |\n|---|---|---|---|---|")
    for name in arguments.nets:
        rows(name, task, arguments.steps)


if __name__ == "__main__":
    main()
