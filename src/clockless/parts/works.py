"""Functions with the values that they work on, for a loop that knows the types of neither and is compiled once for all.

What a loop does by way of `kernels.do` is two numbers to it, the address of a `separate` function and the place of its
`Packed` values. So a new rule, device or trigger compiles what names its types, and never the loop.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from clockless.parts.compiling import compile_all
from clockless.parts.kernels import is_stamp, separate
from clockless.parts.packed import Opaque, Packed


class Work:
    """A `separate` function `(packed, ..)` and the values that are its first argument.

    Args:
        function: what is done.
        values: what it works on.
        others: any values of the types of its other arguments.
        own: whether its types may be of parts that are not the package's: then it is compiled in this process, and the first
            value is their stamp, or after an edit of their file the old code would be found on disk.
    """

    def __init__(self, function: separate, values: Packed, others: tuple[Any, ...] = (), own: bool = False) -> None:
        if own and not is_stamp(values.kind.kinds[0]):
            raise TypeError(f"{function.function.__name__} works on parts and has no stamp; pack it first")
        self.job, self._values = function.job(values, *others, own=own), values

    def ready(self) -> Ready:
        """Find it, or compile it."""
        function, signature, _ = self.job
        return Ready(function.address_of(signature), Opaque(self._values))


class Ready(NamedTuple):
    """A work that can be done; two integers in compiled code."""

    address: int  # 0: there is nothing to do, which the loop has to ask
    values: Any  # an `Opaque`, or 0


NOTHING = Ready(0, 0)


def ready(loop: separate, layout: Any, values: tuple[Any, ...], others: tuple[Any, ...]) -> Work:
    """A loop `(packed, ..)` as a work, with all that it does.

    Args:
        loop: takes (layout, *values) packed.
        layout: named tuples of works and numbers; None where there is nothing to do.
        values: what else it works on.
        others: any values of the types of its other arguments.
    """
    jobs = [work.job for work in _leaves(layout)]
    compile_all([*jobs, loop.job(Packed(_each(layout, lambda work: NOTHING), *values), *others)])
    return Work(loop, Packed(_each(layout, lambda work: work.ready()), *values), others)


def _leaves(layout: Any) -> list[Work]:
    if isinstance(layout, tuple):
        return [work for item in layout for work in _leaves(item)]
    return [layout] if isinstance(layout, Work) else []


def _each(layout: Any, made: Any) -> Any:
    """The same named tuples with what is made of each work."""
    if isinstance(layout, tuple):
        return type(layout)(*(_each(item, made) for item in layout))
    if layout is None:
        return NOTHING
    return made(layout) if isinstance(layout, Work) else layout
