"""Where modules went: an import by an old path says the new one."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import ModuleType

MOVED = {
    "architectures": "networks.architectures",
    "batches": "media.resistors.moments",
    "blocks": "media.resistors.learner",
    "catalogue": "experiments.catalogue",
    "claims": "papers.claims",
    "cli": "commands.main",
    "cli_modules": "commands.modules",
    "cli_stores": "commands.stores",
    "clocks": "parts.clocks",
    "cluster": "workers.dask",
    "datasets": "tasks.datasets",
    "description_files": "experiments.files",
    "devices": "parts.devices",
    "diffusion": "media.resistors.diffusion",
    "drawing": "pictures",
    "edge_lines": "pictures.edges",
    "elimination": "numerics.elimination",
    "engine": "media.resistors.engine",
    "equilibrium": "media.phases.contrast",
    "experiment": "experiments.experiment",
    "figures": "papers.*.drawings",
    "frames": "stores.frame",
    "idx": "tasks.idx",
    "implicit": "media.phases.implicit",
    "journal": "stores.journal",
    "lanes": "numerics.lanes",
    "lattice_drawing": "pictures.lattices",
    "local_layers": "networks.windows",
    "media.columns": "media.resistors.columns",
    "media.costs": "media.phases.costs",
    "media.couplings": "media.phases.couplings",
    "media.halves": "media.phases.colours",
    "media.relaxation": "media.phases.relaxation",
    "media.schedules": "media.phases.schedules",
    "media.visits": "media.phases.sites",
    "media.xy": "media.phases.xy",
    "modules": "media.modules",
    "optimisers": "parts.optimisers",
    "packings": "networks.packings",
    "phase_batches": "parts.samplers",
    "phase_tasks": "media.phases.tasks",
    "progress": "workers.progress",
    "randomness": "numerics.randomness",
    "reference": "media.resistors.reference",
    "replicas": "workers.train",
    "report": "papers.report",
    "reproduction": "papers.reproduction",
    "results": "stores.results",
    "rules": "parts.rules",
    "running": "workers.run",
    "runtimes": "actors",
    "sessions": "learning.follow",
    "slurm": "workers.slurm",
    "status": "workers.status",
    "store": "stores.store",
    "studies": "experiments.jobs",
    "sweep": "workers.loop",
    "training": "workers.train",
    "trends": "papers.trends",
    "xy_learning": "learning.plain",
    "xy_setting": "media.phases.settings",
    "xy_study": "media.phases.medium",
}


class Signpost:
    """The last of the import system's finders: asked only for what no other one has found."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> None:
        """None, or ModuleNotFoundError with a sentence for a module that has moved."""
        package, _, module = name.partition(".")
        if package == "clockless" and module in MOVED:
            raise ModuleNotFoundError(f"{name} is now clockless.{MOVED[module]}.", name=name)


def install() -> None:
    """Put the signpost up; a second time does nothing."""
    if Signpost not in sys.meta_path:
        sys.meta_path.append(Signpost)
