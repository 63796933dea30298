"""What is wanted: one `Task` for all media, data sets, and the builders of tasks by name.

Builders belong to media, which know what their targets can be; they are found here by name, and imported once asked for.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

from clockless.tasks.task import Task

_RESISTORS, _PHASES, _MODULES = (f"clockless.media.{name}" for name in ("resistors.tasks", "phases.tasks", "modules.data"))
_EXAMPLES, _LAYERED = "clockless.tasks.examples", "clockless.media.layered.tasks"
_BUILDERS = {
    "classification": _EXAMPLES, "from_arrays": _EXAMPLES,
    "regression": _RESISTORS, "allosteric": _RESISTORS,
    "random_regression": _RESISTORS, "random_allosteric": _RESISTORS,
    "labels": _MODULES,
    "mnist_pixels": _LAYERED, "digit_pixels": _LAYERED,
    "xor": "clockless.tasks.logic", "iris": _PHASES, "digits": _PHASES, "mnist": _PHASES,
}  # fmt: skip

__all__ = ["Task", *_BUILDERS]


def __getattr__(name: str) -> Any:
    if name in _BUILDERS:
        return getattr(importlib.import_module(_BUILDERS[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name, obj=sys.modules[__name__])


def __dir__() -> list[str]:
    return sorted(__all__)
