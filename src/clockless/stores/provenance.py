"""What a store was made with, own parts and sources of the package: kept, and looked at before anything is computed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from clockless import disk
from clockless.errors import ClocklessError, StoreError
from clockless.experiments import own_parts
from clockless.experiments.catalogue import kind_of
from clockless.experiments.descriptions import check_files
from clockless.experiments.experiment import Experiment
from clockless.experiments.jobs import described_parts, own_in
from clockless.version import __version__


def keep_parts(folder: Path, experiment: Experiment) -> None:
    """Copy the files of own parts into a store, `parts/<digest>/<file>`, where every worker and every resume finds them."""
    for part in own_in(experiment):
        source = own_parts.content(part["kind"], part["digest"])
        if source is not None:
            place = folder / own_parts.PARTS / part["digest"] / part["kind"].partition(":")[0]
            if not (place.is_file() and place.read_bytes() == source):
                disk.folder(folder, *place.parent.relative_to(folder).parts, make=True)
                disk.write(place, source.decode(), below=folder)


def check_ready(experiment: Experiment) -> None:
    """Run the files of own parts, and compare data files with what the experiment was made with.

    Raises:
        ClocklessError: a file is not at hand, is not what it was, or must not be run.
    """
    for part in own_in(experiment):
        own_parts.loaded(part["kind"], part.get("digest"))
    for section, each in described_parts(experiment):
        kind = kind_of(section, each["kind"], section)
        if kind.files:
            try:
                check_files(kind, each)
            except ClocklessError as error:
                raise StoreError(f"{section}: {error}") from None


def made_otherwise(made: dict[str, Any], sources: str) -> str:
    """How the sources that a store was made with differ from these; nothing if they do not."""
    if made.get("sources") == sources:
        return ""
    before = f"clockless {made.get('version', 'of an unknown version')} (sources {made.get('sources', 'unknown')})"
    return f"it was made with {before}, and this is {__version__} (sources {sources})"
