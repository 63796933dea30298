"""Learning repeated over time and over an ensemble of replicas: lists are axes.

`train` takes one medium and one or many tasks, rules, clocks, batches, initial values and seeds; every combination is a
replica. Replicas of one kind share compiled code and fill blocks of lanes, blocks run on threads. A replica's random
numbers depend on its seed and its task alone, so replicas that differ only in clock, rule or batch meet the same luck
(common random numbers), and nothing depends on lanes, threads or the rest of the ensemble.
"""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from clockless.errors import DivergedWarning, ParameterError, ReplicasFailedWarning, shown, whole
from clockless.learning.follow import Arrays, Progress, Watch, follow
from clockless.media.resistors.learner import Block, Wiring
from clockless.media.resistors.ohm import Resistors
from clockless.media.resistors.replicas import Replica, combinations
from clockless.numerics.lanes import TILE
from clockless.parts.clocks import SYNCHRONOUS
from clockless.parts.devices import IDEAL
from clockless.stores.results import Run, dataset
from clockless.tasks.task import Task

_DIVERGED = 2.0  # scaled error; a run that has merely not learned yet stays near 1


def train(
    resistors: Resistors,
    task: Task | list[Task],
    *,
    rule: Any,
    clock: Any = SYNCHRONOUS,
    steps: int,
    batch: Any = "full",
    initial: Any = 1.0,
    seed: int | list[int] = 0,
    device: Any = IDEAL,
    record: Sequence[int] | np.ndarray | None = None,
    traces: bool = False,
    threads: int | None = None,
    lanes: int = 64,
    progress: Callable[[int, int], None] | bool | None = None,
) -> Run:
    """Train every combination of the given lists and return their errors and final resistances.

    Args:
        resistors: the medium; all replicas share its wiring and range.
        task: what to learn; a list makes the dimension `task`.
        rule: such as `CoupledLearning(nudge, rate)`; a list makes the dimension `rule`.
        clock: such as `Bernoulli(p)`; a list makes the dimension `clock`.
        steps: learning steps, 0 or more.
        batch: "full", a number of examples drawn anew in every step, or a clock that draws them; a list makes the
            dimension `batch`.
        initial: resistances at the start in ohms, a number or an array [edge]; a list makes the dimension `initial`. To go
            on from another run, an xarray.DataArray such as `run.parameters`, whose dimensions are lists given here.
        seed: of clocks and batches; a list makes the dimension `seed`.
        device: what the hardware makes of a wanted change, such as `Levels(128, low, high)`; a list makes the dimension
            `device`.
        record: steps at which the test error is recorded; about 60 on a logarithmic scale when not given.
        traces: record the resistances at those steps, too, as `data.traces` [.., step, edge].
        threads: worker threads; all cores of this process when not given.
        lanes: replicas advanced together, a multiple of 32. Results do not depend on it.
        progress: True shows a bar, or lines in a log file; a function is called with (replica-steps done, replica-steps in
            all), from one thread at a time.

    Returns:
        A `Run`; its `data` has the dimensions of the given lists, `step` and `edge`.

    Raises:
        ClocklessError: any argument that makes no sense, before anything runs.

    Warns:
        ReplicasFailedWarning: replicas whose numbers are not finite or unbalanced; they are marked in `data.failed`.
        DivergedWarning: more than a tenth of the replicas ended with more than twice their initial error.
    """
    if not isinstance(resistors, Resistors):
        raise ParameterError(f"the medium is {shown(resistors)}; give Resistors(network).")
    axes = {
        "task": task, "rule": rule, "clock": clock, "device": device, "batch": batch, "initial": initial, "seed": seed,
    }  # fmt: skip
    lists = {name: value for name, value in axes.items() if isinstance(value, list)}
    record_at = _checked_record(record, steps)
    replicas = combinations(resistors, axes)
    _check_execution(threads, lanes, progress)
    wiring = Wiring.of(resistors)
    blocks = [Block(wiring, replicas, members, lanes, bool(traces)) for members in _block_members(replicas, lanes)]
    with _display(progress) as update:
        results = _run_blocks(blocks, record_at, steps, threads, update)

    arrays = _gathered(blocks, results, len(replicas))
    failed = arrays["failed"]
    if failed.any():
        warnings.warn(
            f"{failed.sum()} of {failed.size} replicas did not settle (currents unbalanced or not finite), most likely "
            f"because their resistances came to span too wide a range; narrow `low`..`high` or lower the rate.",
            ReplicasFailedWarning,
            stacklevel=2,
        )
    last = arrays["error"][:, -1]
    diverged = np.isfinite(last) & (last > _DIVERGED)
    if diverged.mean() > 0.1:
        warnings.warn(
            f"{diverged.sum()} of {diverged.size} replicas ended with more than twice their initial error; "
            f"lower the rate or take finer levels.",
            DivergedWarning,
            stacklevel=2,
        )
    settings = {"medium": resistors, **axes, "steps": steps}
    return Run(dataset(arrays, lists, record_at, settings), resistors)


def log_spaced(steps: int, count: int = 60) -> np.ndarray:
    """0, then about `count` whole numbers from 1 to `steps` in equal ratios."""
    if steps == 0:
        return np.array([0])
    return np.unique(np.concatenate([[0], np.rint(np.geomspace(1, steps, count)).astype(np.int64)]))


def _checked_record(record: Sequence[int] | np.ndarray | None, steps: int) -> np.ndarray:
    if isinstance(steps, bool) or not isinstance(steps, (int, np.integer)) or not 0 <= steps < 2**32:
        raise ParameterError(f"steps = {steps!r}; give a whole number from 0 to 4,294,967,295.")
    if record is None:
        return log_spaced(int(steps))
    try:
        at = np.unique(np.asarray(record))
    except ValueError:
        raise ParameterError(f"record = {shown(record)}; give whole numbers of steps, such as [0, 10, 100].") from None
    if at.size == 0 or at.dtype.kind not in "iu" or at[0] < 0 or at[-1] > steps:
        raise ParameterError(f"record = {shown(record)}; give whole numbers of steps between 0 and {steps}.")
    return at.astype(np.int64)


def _check_execution(threads: Any, lanes: Any, progress: Any) -> None:
    if threads is not None:
        whole("threads", threads, 1)
    whole("lanes", lanes, TILE)
    if lanes % TILE:
        raise ParameterError(f"lanes = {lanes}; the width of a block must be a multiple of {TILE}.")
    if not (progress is None or isinstance(progress, bool) or callable(progress)):
        raise ParameterError(f"progress = {shown(progress)} cannot be called; give True or a function of (done, total).")


def _display(progress: Any) -> AbstractContextManager[Callable[[int, int], None] | None]:
    """What to call with (done, total), for the time of a run."""
    if progress is True:
        from clockless.workers.progress import shown as displayed

        return displayed("training")
    return nullcontext(progress or None)


def _block_members(replicas: list[Replica], lanes: int) -> Iterator[list[int]]:
    """Indices of the replicas of each block: of one kind, at most `lanes`."""
    kinds: dict[tuple, list[int]] = {}
    for index, replica in enumerate(replicas):
        kinds.setdefault(replica.kind, []).append(index)
    for members in kinds.values():
        for first in range(0, len(members), lanes):
            yield members[first : first + lanes]


def _run_blocks(
    blocks: list[Block],
    record_at: np.ndarray,
    steps: int,
    threads: int | None,
    progress: Callable[[int, int], None] | None,
) -> list[Arrays]:
    """Run all blocks on threads (the compiled loop releases the interpreter); Ctrl-C stops them in well under a second."""
    stop, lock, done = threading.Event(), threading.Lock(), 0
    total = steps * sum(block.size for block in blocks)

    def count(replica_steps: int) -> None:
        nonlocal done
        with lock:
            done += replica_steps
            if progress is not None:
                progress(done, total)

    def run(block: Block) -> Arrays:
        # Step 0 scales the errors; what ends after the last record still has to be learned.
        steps_seen, seen = np.union1d(record_at, [0, steps]), Progress()
        if not follow(block, steps_seen, seen, Watch(stop.is_set, count)):
            return {}
        results = block.results(seen.arrays())
        kept = np.isin(steps_seen, record_at)
        return {name: values[:, kept] if name in ("error", "traces") else values for name, values in results.items()}

    with ThreadPoolExecutor(max_workers=threads or available_cores()) as pool:
        futures = [pool.submit(run, block) for block in blocks]
        try:
            import xarray  # noqa: F401 (needed for the result: half a second, while the workers compile)

            wait(futures, return_when=FIRST_EXCEPTION)
        finally:
            stop.set()
            for future in futures:
                future.cancel()
    return [future.result() for future in futures]


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _gathered(blocks: list[Block], results: list[Arrays], replicas: int) -> Arrays:
    """Put what the blocks hold back into the order of the replicas."""
    arrays = {name: np.empty((replicas, *part.shape[1:]), dtype=part.dtype) for name, part in results[0].items()}
    for block, result in zip(blocks, results, strict=True):
        for name, part in result.items():
            arrays[name][block.members] = part
    return arrays
