"""The house style: column widths, colours, dashes; and pyplot only once somebody draws."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clockless.errors import whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMN = 86 / 25.4  # width of one journal column in inches
PAGE = 178 / 25.4
STYLE = Path(__file__).with_name("house.mplstyle")
_DASHES = ("-", "--", "-.", ":", (0, (4, 1, 1, 1, 1, 1)), (0, (1, 2)))


def in_house_style(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Let a function that returns a figure draw in the house style.

    A notebook shows a figure because it is returned, and once more because pyplot knows it; there pyplot forgets it.
    """

    @wraps(draw)
    def styled(*args: Any, **options: Any) -> Figure:
        import matplotlib
        import matplotlib.pyplot as plt

        with plt.style.context(STYLE):
            figure = draw(*args, **options)
        if "inline" in matplotlib.get_backend().lower():
            plt.close(figure)
        return figure

    return styled


def subplots(rows: int, columns: int, size: tuple[float, float], **options: Any) -> tuple[Figure, Any]:
    """`pyplot.subplots` without importing pyplot before it is needed; `size` in inches."""
    import matplotlib.pyplot as plt

    return plt.subplots(rows, columns, figsize=size, **options)


def ordered_line(index: int, count: int) -> dict[str, Any]:
    """Colour and dashes of line `index` of `count` lines that stand in an order; distinct in grey as well."""
    index, count = whole("index", index), whole("count", count, 1)
    import matplotlib as mpl

    return {"color": mpl.colormaps["viridis"](0.9 * index / max(count - 1, 1)), "linestyle": _DASHES[index % len(_DASHES)]}
