"""A store that somebody else fills: how far it is, what went wrong, and the curves of what is done, every second or two.

The page may ask for the picture of one machine at a time, which is drawn as `clockless show` does: its bare network first,
and what it has learned as soon as it is done.
"""

from __future__ import annotations

import base64
import io
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

import numpy as np

from clockless.errors import ClocklessError, printable
from clockless.lab import messages
from clockless.stores.store import Store
from clockless.workers.status import events, report

_SECONDS = 1.0  # between looks
_MOST_JOBS = 5_000  # squares on the page; beyond, a square stands for several
_MOST_CURVES = 8
_MOST_POINTS = 400
_DPI = 220  # of pictures of machines
WAITING, RUNNING, DONE, FAILED = range(4)

Tell = Callable[[str | bytes], None]


class Watcher:
    """Looks at a store from a thread of its own while a page wants to see it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ended: threading.Event | None = None
        self._asked = threading.Event()
        self._machine: int | None = None
        self._drawn: tuple[int, bool] | None = None  # the state of the machine in the last picture

    def start(self, tell: Tell) -> None:
        """Begin to look, unless it does already."""
        if self._ended is None:
            ended = self._ended = threading.Event()
            threading.Thread(target=self._look, args=(tell, ended), name="clockless-watch", daemon=True).start()

    def close(self) -> None:
        """Look no more."""
        if self._ended is not None:
            self._ended.set()
            self._asked.set()
            self._ended = None

    def draw(self, machine: int) -> None:
        """Draw this machine from now on."""
        self._machine, self._drawn = machine, None
        self._asked.set()

    def _look(self, tell: Tell, ended: threading.Event) -> None:
        said, self._drawn = "", None
        while not ended.is_set():
            self._asked.clear()
            try:
                store = Store.open(self._path)
                text = messages.written(seen(store))
                machine = self._machine
                if machine is not None and (found := _state_of(store, machine)) != self._drawn:
                    self._drawn = found  # before it is drawn: who asks again meanwhile gets another
                    tell(messages.written(picture(store, machine)))
            except (ClocklessError, OSError) as error:
                text = messages.written(messages.Refused(printable(" ".join(str(error).split()))))
            except Exception as error:  # noqa: BLE001 (a mistake of ours, which must not leave a page without an answer)
                traceback.print_exc()
                sentence = f"{type(error).__name__}: {error}; this is a mistake in clockless."
                text = messages.written(messages.Refused(printable(" ".join(sentence.split()))))
            if text != said and not ended.is_set():
                tell(text)
                said = text
            self._asked.wait(_SECONDS)


def _state_of(store: Store, machine: int) -> tuple[int, bool]:
    """What a picture of a machine depends on: which it is, and whether its job is done."""
    done = store.done() != 0
    return machine, any(bool(done[job]) and machine in members for job, members in enumerate(store.jobs.members))


def picture(store: Store, machine: int) -> messages.Drawn:
    """A machine as `clockless show` draws it, or the sentence that says why not."""
    import matplotlib

    matplotlib.use("Agg")  # no windows from a thread
    from matplotlib import pyplot

    from clockless.workers.drawn import drawn_machine

    try:
        figure, how_far = drawn_machine(store, machine)
    except ClocklessError as error:
        return messages.Drawn(machine, printable(" ".join(str(error).split())), "")
    try:
        file = io.BytesIO()
        figure.savefig(file, format="png", dpi=_DPI)
    finally:
        pyplot.close(figure)
    address = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
    return messages.Drawn(machine, f"Machine {machine}{_labels(store, machine)}, {how_far}.", address)


def _labels(store: Store, machine: int) -> str:
    """Its values on the axes of the experiment."""
    axes = store.experiment.axes
    if not axes:
        return ""
    data, places = store.dataset(), np.unravel_index(machine, [len(axis.values) for axis in axes])
    said = [
        f"{axis.name} {printable(str(data[axis.name].values[int(place)]))}"
        for axis, place in zip(axes, places, strict=True)
        if axis.name in data.coords
    ]
    return f" ({', '.join(said)})"


def seen(store: Store) -> messages.Watched:
    """What a page shows of a store now."""
    done = store.done() != 0
    states = np.where(done, DONE, WAITING)
    failures = {job: text for job, text in store.journal.failures().items() if not done[job]}
    states[list(failures)] = FAILED
    running = [job for job in store.journal.running() if not done[job]]
    states[running] = RUNNING
    incidents = [f"job {job} failed: {text}" for job, text in failures.items()]
    incidents += [
        f"{event.get('event')}: {event.get('why', event.get('text', ''))}".rstrip(": ")
        for event in events(store)[-200:]
        if "fail" in str(event.get("event")) or "damage" in str(event.get("event")) or "lost" in str(event.get("event"))
    ]
    axis, steps, curves = _curves(store) if done.any() else ("step", [], [])
    return messages.Watched(
        store.experiment.title or store.path.name, [line.strip() for line in report(store).splitlines()[1:]],
        _thinned(states), [printable(line)[:300] for line in dict.fromkeys(incidents)][-50:], axis, steps, curves,
        store.experiment.replicas,
    )  # fmt: skip


def _thinned(states: np.ndarray) -> list[int]:
    """At most so many squares; one that stands for several shows the one that is furthest from done."""
    if states.size <= _MOST_JOBS:
        return [int(state) for state in states]
    order = np.array([3, 2, 1, 0])  # failed first, then running, waiting, done
    parts = np.array_split(states, _MOST_JOBS)
    return [int(part[np.argmin(order[part] if part.size else 0)]) for part in parts]


def _curves(store: Store) -> tuple[str, list[float], list[dict[str, object]]]:
    """Median errors over all replicas that are done, for every value of the first axis that is no seed and no task."""
    data = store.dataset()
    error = data["error"].where(data["done"])
    axes = [str(dim) for dim in error.dims if dim != "step"]
    shown = next((dim for dim in axes if dim not in ("seed", "task") and error.sizes[dim] <= _MOST_CURVES), None)
    places = np.unique(np.linspace(0, error.sizes["step"] - 1, _MOST_POINTS).astype(int))
    error = error.isel(step=places)
    others = [dim for dim in axes if dim != shown]
    curves: list[dict[str, object]] = []
    for k in range(error.sizes[shown] if shown else 1):
        mine = error.isel({shown: k}) if shown else error
        table = mine.transpose(..., "step").values.reshape(-1, len(places)) if others else mine.values[None]
        table = table[np.isfinite(table).any(axis=1)]
        if table.size:
            low, middle, high = np.nanquantile(table, (0.05, 0.5, 0.95), axis=0).tolist()
            label = str(data[shown].values[k]) if shown and shown in data.coords else str(k)
            curves.append({"label": f"{shown} = {label}" if shown else "all", "low": low, "middle": middle, "high": high,
                           "replicas": len(table)})  # fmt: skip
    return "step", [float(step) for step in error["step"].values], curves
