"""XY networks that learn by equilibrium propagation on lattices and in layers, figure by figure.

Wang, Wanjura, Marquardt, 'Dependence of equilibrium propagation training success on network architecture', arXiv 2601.21945
(2026). Numbers to compare with come from the same authors' Neuromorph. Comput. Eng. 4, 034014 (2024), arXiv 2402.08579, and
its public notebooks.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable

from clockless.papers import FigureData, Options
from clockless.papers.xy_lattices.captions import CAPTIONS as CAPTIONS

TITLE = "Dependence of equilibrium propagation training success on network architecture"
CITE = (
    "Q. Wang, C. C. Wanjura, F. Marquardt, arXiv 2601.21945 (2026); numbers from the same authors' Neuromorph. Comput. "
    "Eng. 4, 034014 (2024), arXiv 2402.08579"
)


def _of(module: str, name: str) -> Callable[[Options], FigureData]:
    """The figure `name` of a module of this package, imported when it is made."""

    def made(options: Options) -> FigureData:
        figure: FigureData = getattr(importlib.import_module(f"{__name__}.{module}"), name)(options)
        return figure

    return made


FIGURES = {
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
NEEDS = {"mnist": "mnist"}  # figure: data that the user must name
