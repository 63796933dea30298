"""Draws the figures on XY lattices (arXiv 2601.21945, arXiv 2402.08579) from the data of `clockless.papers.xy_lattices`."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def _of(module: str, name: str) -> Callable[[dict[str, Any]], Figure]:
    """The drawing `name` of a module of this package, imported when it is drawn."""

    def drawn(datasets: dict[str, Any]) -> Figure:
        figure: Figure = getattr(importlib.import_module(f"{__name__}.{module}"), name)(datasets)
        return figure

    return drawn


DRAW = {
    "a": _of("digits", "figure_a"),
    "b1": _of("xor", "figure_b1"),
    "b2": _of("xor", "figure_b2"),
    "b3": _of("xor", "figure_b3"),
    "c": _of("iris", "figure_c"),
    "d": _of("sparse", "figure_d"),
    "e": _of("responses", "figure_e"),
    "f1": _of("beyond", "figure_f1"),
    "f2": _of("beyond", "figure_f2"),
    "f3": _of("beyond", "figure_f3"),
    "mnist": _of("mnist", "figure_mnist"),
}
