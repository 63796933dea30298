"""How long steps and events take on this machine.

Times of one process are processor time, least of several repeats: neighbours on the same cores lengthen them little. Real
processes side by side can only be timed by the clock on the wall, which means something on an idle machine only.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from importlib.util import find_spec
from itertools import pairwise
from typing import Any

import jax
import numpy as np

from clockless.actors.endings import Limits
from clockless.actors.simulation import Simulation
from clockless.errors import ActorError
from clockless.media.modules.actors import Actors, ModuleActor, build
from clockless.media.modules.data import labelled
from clockless.media.modules.learning import Learning, Session
from clockless.tasks.task import Task

_WINDOWS = 4  # parts of a real run, of which the fastest counts
_ENDLESS = 2**32 - 1


def noise(inputs: int, classes: int, count: int = 512, seed: int = 0) -> Task:
    """Examples to time with: normal inputs and drawn labels. Times do not depend on what is learned."""
    generator = np.random.default_rng(seed)
    x, labels = generator.normal(size=(count, inputs)), generator.integers(classes, size=count)
    return labelled(x, labels, x[:64], labels[:64], classes, "noise")


def step_seconds(learning: Learning, steps: int, repeats: int = 5) -> float:
    """Processor seconds of one step of the whole stack in one process, a mean over steps 0 .. `steps` - 1."""
    return float(steps_in_turns([learning], [steps], repeats).min())


def steps_in_turns(learnings: Sequence[Learning], steps: Sequence[int], turns: int) -> np.ndarray:
    """The same of several stacks [turn, stack], one after the other in every turn, so that they meet the same machine."""
    sessions = [Session(learning) for learning in learnings]
    first = [session.state() for session in sessions]
    times = np.empty((turns + 1, len(sessions)))  # the first compiles
    for turn, k in np.ndindex(*times.shape):
        sessions[k].restore(first[k])
        jax.block_until_ready(sessions[k].memories)
        begin = time.process_time()
        sessions[k].advance(steps[k])
        jax.block_until_ready(sessions[k].memories)
        times[turn, k] = time.process_time() - begin
    each: np.ndarray = times[1:] / np.asarray(steps)
    return each


class Timed:
    """An actor that notes how long its events take."""

    def __init__(self, actor: ModuleActor) -> None:
        self.actor, self.times = actor, list[float]()
        self.name, self.receives, self.sends = actor.name, actor.receives, actor.sends
        self.ready, self.snapshot, self.restore, self.measure = actor.ready, actor.snapshot, actor.restore, actor.measure

    def act(self, inbox: Any) -> Any:
        """The actor's event, processor time noted."""
        begin = time.process_time()
        sent = self.actor.act(inbox)
        self.times.append(time.process_time() - begin)
        return sent


def event_seconds(learning: Learning, events: int = 12) -> list[float]:
    """Processor seconds of an event of each module in which it hears and meets, as it does in the steady state."""
    actors = Actors(learning, _ENDLESS)
    timed = [Timed(build(actors, index)) for index in range(actors.count)]
    Simulation(timed).run({timed[-1].name: events})
    return [min(actor.times[len(actor.times) // 2 :]) for actor in timed]


def simulated_seconds(learning: Learning, computing: list[float], events: int = 40) -> float:
    """Virtual seconds between batches of the last module, when every event of module i takes `computing[i]`."""
    actors = Actors(learning, _ENDLESS)
    simulation = Simulation([build(actors, index) for index in range(actors.count)], computing)
    last = actors.names()[-1]
    begin = simulation.run({last: events // 2}).seconds
    return (simulation.run({last: events}).seconds - begin) / (events - events // 2)


def real_seconds(learning: Learning, events: int) -> tuple[float, float]:
    """Seconds between batches of the last module with every module in a process of its own, on its own core.

    First on the wall: starting, compiling and filling the pipeline do not count, and of the rest the fastest quarter does.
    Then the processor time of the busiest process per event, messages and looking for them included: what the first would
    be on idle cores if nobody ever waited.

    Raises:
        ActorError: a run in which processes were lost.
    """
    from clockless.actors.processes import Processes

    actors = Actors(learning, _ENDLESS)
    last = actors.count - 1
    processes = Processes(build, actors, actors.count, snapshot_seconds=600.0, limits=Limits())
    report = processes.run({actors.names()[last]: events}, record=True)
    if report.incidents or report.trace is None:
        raise ActorError(f"processes were lost while they were timed ({report.incidents[:1]}); time them again.")
    begins = np.array([record.seconds for record in report.trace.records[last]])
    marks = np.linspace(min(5 * actors.count, events // 4), events - 1, _WINDOWS + 1).astype(int)
    busiest = max((actor.processor or 0.0) / actor.events for actor in report.actors.values())
    return float((np.diff(begins[marks]) / np.diff(marks)).min()), busiest


def torch_step_seconds(inputs: int, width: int, layers: int, classes: int, batch: int, steps: int = 20) -> float | None:
    """Processor seconds of a step of plain backprop with Adam in PyTorch on one thread; None where it is not installed."""
    if find_spec("torch") is None:
        return None
    import torch

    torch.set_num_threads(1)
    widths = [inputs, *[width] * (layers - 1)]
    hidden = [
        part
        for a, b in pairwise(widths)
        for part in (torch.nn.Linear(a, b, bias=False), torch.nn.BatchNorm1d(b), torch.nn.ReLU())
    ]
    net = torch.nn.Sequential(*hidden, torch.nn.Linear(widths[-1], classes))
    optimiser, loss = torch.optim.Adam(net.parameters(), 1e-3), torch.nn.CrossEntropyLoss()
    x, labels = torch.randn(batch, inputs), torch.randint(classes, (batch,))
    times = []
    for _ in range(steps + 2):
        begin = time.process_time()
        optimiser.zero_grad()
        loss(net(x), labels).backward()
        optimiser.step()
        times.append(time.process_time() - begin)
    return min(times[2:])
