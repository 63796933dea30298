"""`clockless.check`: tries a part or a medium of one's own, and says in one sentence what it lacks."""

from __future__ import annotations

from typing import Any

from clockless.errors import ParameterError, instance, shown
from clockless.learning.examination import check_medium
from clockless.learning.own import Medium
from clockless.media.resistors import checking
from clockless.tasks.task import Task


def check(thing: Any, task: Any = None) -> Any:
    """Examine a medium, or try a rule, clock, device or optimiser in lanes and in NumPy side by side.

    Args:
        thing: an object, such as `Springs(network)` or `Eager(0.1)`.
        task: what a medium is examined with; one is made up if nothing is said.

    Returns:
        A report that prints as a few lines.

    Raises:
        ParameterError: what is missing or wrong, in one sentence.
    """
    if task is not None:
        instance("task", task, Task, "give Task(...) or nothing")
    if isinstance(thing, Medium):
        return check_medium(thing, task)
    if hasattr(thing, "learner") and not isinstance(thing, type):
        raise ParameterError(f"{shown(thing)} is a medium of the package; examined are those derived from clockless.Medium.")
    return checking.check(thing)
