"""An actor's state on disk: one .npz per actor, replaced whole."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import BadZipFile
from zlib import error as ZlibError

import numpy as np

from clockless import disk
from clockless.actors.traces import write_whole
from clockless.errors import OutputError

if TYPE_CHECKING:
    from clockless.actors import Actor


DAMAGE = (ValueError, KeyError, IndexError, TypeError, EOFError, NotImplementedError, BadZipFile, ZlibError)  # of an .npz


@dataclass(frozen=True)
class Saved:
    """What a snapshot file holds.

    Attributes:
        events: events in the state.
        begun: events that the actor had ever begun, lost ones included, in the run that saved it.
        run: number of that run.
    """

    state: dict[str, np.ndarray]
    measures: dict[str, float]
    events: int
    begun: int
    run: int


def snapshot_path(folder: Path, name: str) -> Path:
    """Where the snapshot of an actor lies."""
    return folder / f"{name}.npz"


def save(folder: Path, actor: Actor, events: int, begun: int, run: int) -> None:
    """Write the state of `actor` into `folder`, whole or not at all.

    Raises:
        OutputError: a folder that cannot be written to.
    """
    arrays = {f"state/{key}": np.asarray(value) for key, value in actor.snapshot().items()}
    arrays |= {f"measure/{key}": np.asarray(float(value)) for key, value in actor.measure().items()}
    write_whole(snapshot_path(folder, actor.name), arrays | {"counts": np.array([events, begun, run], dtype=np.int64)})


def load(folder: Path, name: str) -> Saved | None:
    """What `save` wrote last, or None.

    Raises:
        OutputError: a file that something else wrote or cut off.
    """
    path = snapshot_path(folder, name)
    try:
        arrays = disk.read_arrays(path)
        state = {key.removeprefix("state/"): value for key, value in arrays.items() if key.startswith("state/")}
        measures = {
            key.removeprefix("measure/"): float(value) for key, value in arrays.items() if key.startswith("measure/")
        }
        events, begun, run = (int(count) for count in arrays["counts"])
    except FileNotFoundError:
        return None
    except (*DAMAGE, OSError) as error:
        raise OutputError(f"{path} is no snapshot of an actor; delete it, or choose another folder.") from error
    return Saved(state, measures, events, begun, run)
