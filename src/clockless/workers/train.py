"""Learning repeated over time and over an ensemble of replicas: lists are axes, whatever the medium.

`train` takes one or many media, tasks, rules, clocks, devices, optimisers, batches, initial values and seeds; every
combination is a replica. Replicas that may share a learner do, learners run on threads. A replica's random numbers depend
on its seed and its task alone, so replicas that differ only in clock, rule or batch meet the same luck (common random
numbers), and nothing depends on lanes, threads or the rest of the ensemble.
"""

from __future__ import annotations

import itertools
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from math import prod
from numbers import Real
from typing import Any

import numpy as np

from clockless import memory
from clockless.errors import (
    DivergedWarning,
    InfeasibleTaskWarning,
    ParameterError,
    ReplicasFailedWarning,
    TaskError,
    UnmovedWarning,
    flag,
    shown,
    whole,
)
from clockless.learning.continued import as_one_array
from clockless.learning.contracts import Medium, Replica
from clockless.learning.own import Medium as OwnMedium
from clockless.learning.recording import checked_record
from clockless.numerics.lanes import WIDEST
from clockless.parts.clocks import SYNCHRONOUS
from clockless.parts.devices import IDEAL
from clockless.workers.ensemble import Ensemble, check_results
from clockless.workers.runs import Run, in_memory, stored

_AXES = ("medium", "task", "rule", "clock", "device", "optimiser", "batch", "initial", "seed")
_DIVERGED = 2.0  # scaled error; a run that has merely not learned yet stays near 1
_REPLICA_BYTES = 1000  # of the object alone
_CHECKED = 4096  # combinations that are checked one by one


def train(
    medium: Any,
    task: Any,
    *,
    rule: Any,
    clock: Any = SYNCHRONOUS,
    steps: int,
    batch: Any = "full",
    initial: Any = None,
    seed: int | list[int] | None = None,
    seeds: int | list[int] | None = None,
    device: Any = IDEAL,
    optimiser: Any = None,
    record: Any = None,
    traces: bool = False,
    threads: int | None = None,
    lanes: int = 64,
    progress: Callable[[int, int], None] | bool | None = None,
    store: str | os.PathLike[str] | None = None,
    workers: int | None = None,
) -> Run:
    """Train every combination of the given lists and return errors and final parameters.

    Args:
        medium: what learns, such as `Resistors(network)` or `XY(architecture)`; a list makes the dimension `medium`.
        task: what to learn; a list makes the dimension `task`.
        rule: such as `CoupledLearning(nudge, rate)`; a list makes the dimension `rule`.
        clock: such as `Bernoulli(p)`; a list makes the dimension `clock`.
        steps: learning steps, 0 or more.
        batch: "full", a number of examples drawn anew in every step, or what draws them (`Epochs(64)`, a clock); a list
            makes the dimension `batch`.
        initial: parameters at the start: a number, an array [parameter], or what the medium draws them from; a list makes
            the dimension `initial`. To begin where another run ended, `run.parameters`, whose dimensions are lists given
            here; the run then meets coins of its own, and what luck made of the board (frozen offsets, oscillators) is that
            of another board. To go on with the same coins and the same board, `run.extended`.
        seed, seeds: of clocks, batches and first parameters (two words for one thing); a list makes the dimension `seed`.
        device: what the hardware makes of a wanted change, such as `Levels(128, low, high)`; a list makes the dimension
            `device`.
        optimiser: what becomes of a gradient, such as `Adam()`; a list makes the dimension `optimiser`.
        record: steps at which the test error is recorded, or how many times a decade; about 60 on a logarithmic scale when
            not given.
        traces: record the parameters at those steps, too, as `data.traces` [.., step, ..].
        threads: worker threads; all cores of this process when not given.
        lanes: replicas advanced together at most, a multiple of 32. Results do not depend on it.
        progress: True shows a bar, or lines in a log file; a function is called with (replica-steps done, replica-steps in
            all), from one thread at a time.
        store: a folder to keep results in, which survives kills and is gone on with by the same call; everything must then
            be describable (see docs/experiments.md).
        workers: local worker processes instead of threads.

    Returns:
        A `Run`; its `data` has the dimensions of the given lists, `step`, and those of the medium.

    Raises:
        ClocklessError: any argument that makes no sense, before anything runs.

    Warns:
        ReplicasFailedWarning: replicas whose numbers are not finite or that did not settle; they are marked in
            `data.failed`.
        InfeasibleTaskWarning: tasks with `feasible=False`.
        DivergedWarning: more than a tenth of the replicas ended with more than twice their initial error.
        UnmovedWarning: replicas in continuous time in which no unit ever acted.
    """
    if seed is not None and seeds is not None:
        raise ParameterError("seed and seeds are two words for one thing; give one of them.")
    nouns = as_objects({
        "medium": medium, "task": task, "rule": rule, "clock": clock, "device": device, "optimiser": optimiser,
        "batch": batch, "initial": initial, "seed": next((each for each in (seed, seeds) if each is not None), 0),
    })  # fmt: skip
    record_at, traces = checked_record(record, steps), flag("traces", traces)
    replicas = combinations(nouns)
    _check_execution(threads, lanes, progress)
    _warn_of_infeasible(replicas)
    if store is not None or workers is not None:
        with _display(progress) as update:
            run = stored(nouns, (steps, record, record_at, traces), (store, threads, workers), update)
    else:
        check_results(replicas, traces, len(record_at))
        with _display(progress) as update:
            ensemble = Ensemble(replicas, traces, lanes)  # large networks are planned here, for seconds
            ensemble.advance(np.union1d(record_at, [0, steps]), threads, update)
        run = in_memory(ensemble, nouns, record_at, int(steps))
    warn(run)
    return run


def warn(run: Run) -> None:
    """Say once which replicas failed, diverged, or never moved."""
    failed = run.data.failed.values
    if failed.any():
        troubles = run.troubles
        warnings.warn(
            f"{failed.sum()} of {failed.size} replicas failed; the first says: {troubles[0]}"
            if troubles
            else f"{failed.sum()} of {failed.size} replicas did not settle (unbalanced or not finite), most likely because "
            "their parameters came to span too wide a range; narrow the medium's range or lower the rate.",
            ReplicasFailedWarning,
            stacklevel=3,
        )
    last = run.data.error.isel(step=-1).values
    diverged = np.isfinite(last) & (last > _DIVERGED)
    if "initial_error" in run.data and diverged.mean() > 0.1:
        warnings.warn(
            f"{diverged.sum()} of {diverged.size} replicas ended with more than twice their initial error; "
            "lower the rate or take finer levels"
            + (", and ask cl.check whether the physics are right." if isinstance(run.medium, OwnMedium) else "."),
            DivergedWarning,
            stacklevel=3,
        )
    still = run.data.fired.isel(step=-1).values == 0 if "fired" in run.data else np.zeros(0, dtype=bool)
    if still.any() and run.data.step[-1] > 0:
        warnings.warn(
            f"in {still.sum()} of {still.size} replicas no unit acted in {float(run.data.step[-1]):g} s, so nothing "
            "was learned; most likely the trigger waits for more than signals bring: lower its threshold, or give it time.",
            UnmovedWarning,
            stacklevel=3,
        )


def _warn_of_infeasible(replicas: list[Replica]) -> None:
    """Say once how many tasks cannot be met."""
    tasks = {id(replica.task): replica.task for replica in replicas}
    wrong = [task.name for task in tasks.values() if task.feasible is False]
    if wrong:
        warnings.warn(
            f"{len(wrong)} of {len(tasks)} tasks cannot be met whatever is learned, the first is {wrong[0]}: voltages "
            "settle within the range of the held ones, and its targets lie outside; bring them closer together, or hold "
            "others.",
            InfeasibleTaskWarning,
            stacklevel=3,
        )


# --- the replicas ------------------------------------------------------------------------------------------


def combinations(nouns: Mapping[str, Any]) -> list[Replica]:
    """All combinations of the nouns' values, the last noun fastest, checked by their media.

    Raises:
        ClocklessError: a noun that is none, or nouns that contradict each other.
    """
    continued = as_one_array(nouns["initial"]) if hasattr(nouns["initial"], "dims") else None
    values = {name: [None] if name == "initial" and continued is not None else _values(nouns, name) for name in _AXES}
    for medium in values["medium"]:
        if isinstance(medium, type) or not isinstance(medium, Medium):
            raise ParameterError(f"medium = {shown(medium)} is no medium; {_instead_of(medium)}.")
    _check_per_parameter(nouns["initial"], values["medium"][0])
    count = prod(map(len, values.values()))
    memory.check(
        _REPLICA_BYTES * count, f"an ensemble of {count:,} replicas", "make the lists shorter, or keep it in a store"
    )
    replicas = [Replica(**dict(zip(_AXES, each, strict=True))) for each in itertools.product(*values.values())]
    if continued is not None:
        replicas = _paired(replicas, continued, {name: len(nouns[name]) for name in _AXES if isinstance(nouns[name], list)})
    for replica in _to_check(replicas, values):
        replica.medium.check(replica)
    return replicas


def _instead_of(thing: Any) -> str:
    """What to give in place of something that is no medium."""
    if isinstance(thing, type):
        return f"it is a class; make one of it, such as {thing.__name__}(network)"
    if isinstance(thing, OwnMedium):
        return f"the constructor of {type(thing).__name__} must call super().__init__(network)"
    for sign, wrapped in (("modules", "Modules"), ("couplings", "XY"), ("edges", "Resistors")):
        if hasattr(thing, sign):
            return f"it is the wiring of one; give {wrapped}(..) of it"
    return "give one such as Resistors(network) or XY(network)"


def as_objects(nouns: Mapping[str, Any]) -> dict[str, Any]:
    """The nouns with every description in place of an object built: `{"kind": "bernoulli", "p": 0.5}` is Bernoulli(0.5).

    A described medium says its network, too: `{"kind": "resistors", "network": {"kind": "board16"}}`.
    """
    from clockless.experiments.descriptions import built, built_on, described

    media = [each for each in _each(nouns["medium"]) if isinstance(each, Mapping)]
    network = described("network", media[0].get("network", {"kind": "packing"}), "network") if media else None

    def made(section: str, value: Any) -> Any:
        if not isinstance(value, Mapping) or hasattr(value, "data_vars"):
            return value
        description = described(section, {k: v for k, v in value.items() if k != "network"}, section)
        if section not in ("medium", "task"):
            return built(section, description)
        if network is None:
            network_of = getattr(_each(nouns["medium"])[0], "architecture", None) or _each(nouns["medium"])[0].network
            return built_on(section, description, described("network", network_of, "network"))
        return built_on(section, description, network)

    found = {}
    for name, value in nouns.items():
        listed = [made(name, each) for each in _each(value)] if name != "seed" else value
        found[name] = listed if isinstance(value, list) or name == "seed" else listed[0]
    return found


def _each(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _values(nouns: Mapping[str, Any], name: str) -> list[Any]:
    """The values of a noun; raises for what was meant as an axis but is no list."""
    given = nouns[name]
    if name != "initial" and (isinstance(given, (tuple, range)) or (isinstance(given, np.ndarray) and given.ndim > 0)):
        kind = TaskError if name == "task" else ParameterError
        raise kind(f"{name} = {shown(given)} is a {type(given).__name__}; for several values use a list.")
    if isinstance(given, list) and not given:
        raise ParameterError(f"{name} is an empty list; an axis needs at least one value.")
    return given if isinstance(given, list) else [given]


def _check_per_parameter(initial: Any, medium: Any) -> None:
    """A list of as many numbers as there are units was meant as one value each, not as an axis."""
    if isinstance(initial, list) and len(initial) == medium.units > 1 and all(isinstance(value, Real) for value in initial):
        raise ParameterError(
            f"initial is a list of {len(initial)} numbers, and a list is an axis; for one value per {medium.unit} give "
            f"np.array(...), for an axis of {len(initial)} values a list of arrays."
        )


def _to_check(replicas: list[Replica], values: Mapping[str, list[Any]]) -> Sequence[Replica]:
    """All replicas; of very many, those that differ in one noun from the first, and the last one."""
    if len(replicas) <= _CHECKED:
        return replicas
    shape = tuple(map(len, values.values()))
    numbers = {0, len(replicas) - 1}
    for axis, size in enumerate(shape):
        for k in range(size):
            at = [0] * len(shape)
            at[axis] = k
            numbers.add(int(np.ravel_multi_index(at, shape)))
    return [replicas[number] for number in sorted(numbers)]


def _paired(replicas: list[Replica], continued: Any, lists: Mapping[str, int]) -> list[Replica]:
    """Initial parameters per replica, paired by dimensions; missing ones are broadcast."""
    medium = replicas[0].medium
    own = str(medium.variables(False)["parameters"].dims[0])
    expected = {**lists, own: medium.sizes(replicas[0].task)[own]}
    unfit = {name: size for name, size in continued.sizes.items() if expected.get(str(name)) != size}
    if unfit:
        raise ParameterError(f"initial has {unfit}, but this ensemble has {expected}; give matching dimensions.")
    filled = continued.drop_vars(list(continued.coords)).expand_dims(
        {k: n for k, n in expected.items() if k not in continued.dims}
    )
    table = filled.transpose(*expected).values.reshape(-1, expected[own])
    after = int(continued.attrs.get("after", 0))
    return [
        replica.changed(initial=medium.given(row) if hasattr(medium, "given") else row, after=after)
        for replica, row in zip(replicas, table, strict=True)
    ]


# --- how to run --------------------------------------------------------------------------------------------


def _check_execution(threads: Any, lanes: Any, progress: Any) -> None:
    if threads is not None:
        whole("threads", threads, 1)
    whole("lanes", lanes, WIDEST)
    if lanes % WIDEST:
        raise ParameterError(f"lanes = {lanes}; the width of a block must be a multiple of {WIDEST}.")
    if not (progress is None or isinstance(progress, bool) or callable(progress)):
        raise ParameterError(f"progress = {shown(progress)} cannot be called; give True or a function of (done, total).")


def _display(progress: Any) -> AbstractContextManager[Callable[[int, int], None] | None]:
    """What to call with (done, total), for the time of a run."""
    if progress is True:
        from clockless.workers.progress import shown as displayed

        return displayed("training")
    return nullcontext(progress or None)
