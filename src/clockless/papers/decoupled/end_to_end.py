"""Figure mnist-speed: 'over 3-fold faster' measured end to end on MNIST, for 3 to 6 layers, as four quantities.

784-256-..-10, batches of 256, Adam 1e-3, one thread. Every way learns for the same number of updates per layer, 1 / p times
as many iterations; its processor seconds are added up without tests. A worker per layer is simulated in virtual time, with
events that take what they take of a processor here. Stated on 2026-11-22, before any of it was run:

- a quantity is 3-fold if the 95 % interval over seeds of its largest gain over backprop (over ways and depths) lies above 3;
- accuracy after UPDATES is comparable if the 90 % interval of the mean log10 of cDNI's error over backprop's, all depths
  together, lies within a factor 1.2.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from clockless.papers import FigureData, Options
from clockless.papers.claims import Claim
from clockless.papers.decoupled.measuring import CLASSES, WAYS, Size, size_of
from clockless.papers.decoupled.settings import seeds
from clockless.papers.decoupled.sources import BISONG
from clockless.papers.trends import equivalence, mean_interval
from clockless.parts.clocks import Bernoulli, Global

if TYPE_CHECKING:
    import xarray

STATED = "2026-11-22"
CHOSEN = ("backprop", "cDNI", "cDNI, p = 0.2", "cDNI, p = 0.05")
WORKERS = "cDNI, a worker per layer"
UPDATES, LONGEST, EVERY = 200, 400, 10  # per layer: compared, given up, between tests
TARGET = 0.10  # test error
SEEDS = 3
COMPARABLE = 0.08  # of log10: a factor 1.2
QUANTITIES = ("time per iteration", "time per update", "time to 10 % error", "critical path")


class Course(NamedTuple):
    """What a run of one way took: seconds per iteration and to the target, and its error after the compared updates."""

    iteration: float
    target: float
    error: float


def figure_mnist_speed(options: Options) -> FigureData:
    """Gains over backprop and errors, by depth, way and seed."""
    import xarray

    from clockless.media.modules.data import mnist

    size, task = size_of(options), mnist(options.data["mnist"])
    ways, lucks = [*CHOSEN, WORKERS], seeds(options, 1 if options.tiny else SEEDS)
    shape = (len(size.layers), len(ways), len(lucks))
    found = np.empty((3, *shape))
    with options.showing("mnist-speed") as update:
        for place in np.ndindex(*shape):
            layers, way, seed = size.layers[place[0]], ways[place[1]], lucks[place[2]]
            course = _simulated if way == WORKERS else _learned
            found[(slice(None), *place)] = course(_learning(size, layers, way, task, seed), options.tiny)
            if update:
                update(int(np.ravel_multi_index(place, shape)) + 1, int(np.prod(shape)))
    dims = ("layers", "way", "seed")
    names = ("iteration", "target", "test_error")
    data = xarray.Dataset(
        {name: (dims, values) for name, values in zip(names, found, strict=True)},
        {"layers": list(size.layers), "way": ways, "seed": lucks},
        {"updates": _updates(options.tiny)[0], "longest": _updates(options.tiny)[1], "target": TARGET, "batch": size.batch},
    )
    data["gain"] = (("quantity", *dims), gains(data))
    data = data.assign_coords(quantity=list(QUANTITIES))
    return FigureData({"figure-mnist-speed": data}, [] if options.tiny else claims_of(data))


def gains(data: xarray.Dataset) -> np.ndarray:
    """Backprop's time over each way's [quantity, layers, way, seed]; NaN where the target was not reached, or none fits."""
    ways = data.way.values.tolist()
    rates = np.array([1.0 if way == WORKERS else WAYS[way][1] or 1.0 for way in ways])[:, None]
    iteration, target = data.iteration.values, data.target.values
    per_iteration = iteration[:, :1] / iteration
    per_update = per_iteration * rates
    path = np.where((np.array(ways) == WORKERS)[:, None], per_iteration, np.nan)
    alone = np.where((np.array(ways) == WORKERS)[:, None], np.nan, 1.0)
    return np.stack([alone * per_iteration, alone * per_update, target[:, :1] / target, path])


def _updates(tiny: bool) -> tuple[int, int, int]:
    return (4, 8, 4) if tiny else (UPDATES, LONGEST, EVERY)


def _learning(size: Size, layers: int, way: str, task: Any, seed: int) -> Any:
    from clockless.media.modules.layers import mlp
    from clockless.media.modules.learning import Learning

    method, p = WAYS["cDNI" if way == WORKERS else way]
    clock = Global() if p is None else Bernoulli(p)
    modules = mlp(task.x_train.shape[1], size.width, layers, CLASSES)
    return Learning(modules, task, method, clock, size.batch, seed=seed)


def _learned(learning: Any, tiny: bool) -> Course:
    """In one process, by processor time, without tests."""
    import jax

    from clockless.media.modules.learning import Session

    p = getattr(learning.clock, "p", 1.0)
    Session(learning).advance(2 if p == 1.0 else 60)  # compiles
    session, spent = Session(learning), 0.0

    def on(updates: int) -> tuple[float, float]:
        nonlocal spent
        begin = time.process_time()
        session.advance(round(updates / p))
        jax.block_until_ready(session.memories)
        spent += time.process_time() - begin
        return spent, float(session.measure()["error"][0])

    return _course(on, tiny, lambda: session.step)


def _simulated(learning: Any, tiny: bool) -> Course:
    """A worker per layer, in virtual time."""
    from clockless.actors.simulation import Simulation
    from clockless.media.modules.actors import Actors, build
    from clockless.media.modules.learning import error_and_cost
    from clockless.media.modules.timing import event_seconds

    actors = Actors(learning, 2**32 - 1)
    modules = [build(actors, index) for index in range(actors.count)]
    simulation = Simulation(modules, list(event_seconds(learning)))
    done = 0

    def on(updates: int) -> tuple[float, float]:
        nonlocal done
        done = updates
        report = simulation.run({modules[-1].name: updates})
        return report.seconds, error_and_cost(learning, [module.memory for module in modules])[0]

    return _course(on, tiny, lambda: done)


def _course(on: Any, tiny: bool, steps: Any) -> Course:
    """Go on until the compared updates are done and the target is reached, or it takes too long."""
    compared, longest, every = _updates(tiny)
    target = error = iteration = float("nan")
    for updates in range(every, longest + 1, every):
        seconds, now = on(updates)
        if np.isnan(target) and now <= TARGET:
            target = seconds
        if updates == compared:
            error, iteration = now, seconds / steps()
        if updates >= compared and np.isfinite(target):
            break
    return Course(iteration, target, error)


def claims_of(data: xarray.Dataset) -> list[Claim]:
    """3-fold or not, quantity by quantity, and whether errors are comparable."""
    claims = []
    for quantity in QUANTITIES:
        here = data.gain.sel(quantity=quantity)
        whole = here.mean("seed", skipna=False)
        whole = whole.where(whole.way != "backprop")
        if not bool(np.isfinite(whole).any()):
            claims.append(_threefold(quantity, float("nan"), float("nan"), "Nothing reached it with every seed."))
            continue
        layers, way = (int(k) for k in np.unravel_index(np.nanargmax(whole.values), whole.shape))
        mean, half = mean_interval(here.values[layers, way])
        each = ", ".join(_best_of(here.values[k], whole.values[k], n) for k, n in enumerate(data.layers.values.tolist()))
        note = f"{data.way.values[way]}, {data.layers.values[layers]} layers. Largest by layers: {each}."
        claims.append(_threefold(quantity, float(mean), float(half), note))
    ratio = np.log10(data.test_error.sel(way="cDNI") / data.test_error.sel(way="backprop"))
    middle, wide = equivalence(ratio.mean("layers").values)
    errors = "; ".join(
        f"{way} " + ", ".join(f"{100 * error:.1f}" for error in data.test_error.sel(way=way).mean("seed").values)
        for way in data.way.values
    )
    claims.append(Claim(
        "mnist-speed", f"log10 of cDNI's error over backprop's after {data.updates} updates, mean over depths", 0.0,
        COMPARABLE, middle, "Accuracy comparable to backprop.", f"Test errors, %, of 3 to 6 layers: {errors}.",
        source=BISONG, criterion="within", half=wide, level=0.9, stated=STATED,
    ))  # fmt: skip
    return claims


def _best_of(gains: np.ndarray, means: np.ndarray, layers: int) -> str:
    """The largest mean gain [way, seed] at a depth, with its interval."""
    if not np.isfinite(means).any():
        return f"none ({layers})"
    mean, half = mean_interval(gains[int(np.nanargmax(means))])
    return f"{float(mean):.2f} ± {float(half):.2f} ({layers})"


def _threefold(quantity: str, mean: float, half: float, note: str) -> Claim:
    note += " The abstract does not say which quantity is meant."
    return Claim(
        "mnist-speed", f"largest gain over backprop with synthetic gradients on MNIST, {quantity}", 3.0, 0.0, mean,
        "Over 3-fold faster.", note, source=BISONG, criterion="above", half=half, stated=STATED,
    )  # fmt: skip
