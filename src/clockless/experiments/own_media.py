"""Media of one's own in descriptions: a class derived from `clockless.Medium`, or a name that an installed package brings.

{kind: "springs.py:Springs", pull: 0.1}       a file beside the study (see `own_parts`), and its own arguments
{kind: "springs"}                             of a package with an entry point `springs` of the group clockless.media
"""

from __future__ import annotations

import inspect
from importlib.metadata import entry_points
from typing import Any

from clockless.errors import DescriptionError, ParameterError, shown
from clockless.experiments import own_parts

GROUP = "clockless.media"


def installed() -> dict[str, str]:
    """Names that installed packages bring, with what each names, "module:attribute"."""
    return {entry.name: entry.value for entry in entry_points(group=GROUP)}


def path_of(name: Any, known: Any) -> Any:
    """Where a medium's class is, of a name that an installed package brings; any other name as it is."""
    if not isinstance(name, str) or ":" in name or name in known:
        return name
    path = installed().get(name)
    if path is not None:
        own_parts.allow(path)
    return path or name


def made(cls: Any, values: dict[str, Any], *wiring: Any) -> Any:
    """A medium of this class on a wiring, if it takes one; DescriptionError for arguments that it does not know."""
    signature(cls, cls.__name__, "medium")
    try:
        return cls(*(wiring if "network" in inspect.signature(cls).parameters else ()), **values)
    except TypeError as error:
        raise DescriptionError(f"medium: {cls.__name__} cannot be made: {error}.") from None


def signature(found: Any, name: str, where: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Arguments that the network section fills in, and those that hold tables.

    Raises:
        DescriptionError: it is no medium.
    """
    from clockless.learning.own import Medium

    if not (inspect.isclass(found) and issubclass(found, Medium)) and not all(
        hasattr(found, n) for n in ("learner", "check")
    ):
        raise DescriptionError(f"{where}.kind = {name!r} is no medium; derive its class from clockless.Medium.")
    takes_network = "network" in inspect.signature(found).parameters
    return ("network",) if takes_network else (), tuple(getattr(found, "tables", ()))


def taken_apart(thing: Any, where: str) -> dict[str, Any] | None:
    """The description of a medium object; None if it is none of one's own.

    Raises:
        DescriptionError: other processes could not find its class, or it does not keep its arguments.
    """
    from clockless.learning.own import Medium

    if not isinstance(thing, Medium):
        return None
    cls = type(thing)
    if thing.network is None and "network" in inspect.signature(cls).parameters:
        raise DescriptionError(
            f"{where} = {shown(thing)} stands on no network; give {cls.__name__} one, or derive a class without."
        )
    try:
        fields = thing.fields()
    except ParameterError as error:
        raise DescriptionError(f"{where}: {error}") from None
    # A kind of the package is known by its short name, which `described` puts in its place.
    fields = {name: value for name, value in fields.items() if name != "network"}
    if cls.__module__.startswith("clockless."):
        return {"kind": f"{cls.__module__}:{cls.__qualname__}", **fields}
    kind, digest = own_parts.name_of(cls, where)
    return {"kind": kind, "digest": digest, **fields}
