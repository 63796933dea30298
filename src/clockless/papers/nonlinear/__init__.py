"""Networks that are not linear, figure by figure.

Deep resistive networks: Scellier, 'A fast algorithm to simulate nonlinear resistive networks', ICML 2024, arXiv 2402.11674.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable

from clockless.papers import FigureData, Options
from clockless.papers.nonlinear.captions import CAPTIONS as CAPTIONS

TITLE = "Nonlinear resistive networks"
CITE = "B. Scellier, 'A fast algorithm to simulate nonlinear resistive networks', ICML 2024, arXiv 2402.11674"


def _of(module: str, name: str) -> Callable[[Options], FigureData]:
    """The figure `name` of a module of this package, imported when it is made."""

    def made(options: Options) -> FigureData:
        figure: FigureData = getattr(importlib.import_module(f"{__name__}.{module}"), name)(options)
        return figure

    return made


FIGURES = {
    "drn": _of("deep", "figure_drn"),
    "drn-clocks": _of("deep_clocks", "figure_drn_clocks"),
}
NEEDS = {"drn": "mnist", "drn-clocks": "mnist"}  # figure: data that the user must name
