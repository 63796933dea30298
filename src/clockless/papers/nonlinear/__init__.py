"""Learning in nonlinear circuits: what is published of transistor boards, and what is not a gradient there.

Dillavou et al., PNAS 121, e2319718121 (2024), doi 10.1073/pnas.2319718121; PyCLLN (Ma-Lab-Cal, 2026), whose XOR is a
statistic of five seeds.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable

from clockless.papers import FigureData, Options
from clockless.papers.nonlinear.captions import CAPTIONS as CAPTIONS

TITLE = "Learning in nonlinear circuits"
CITE = "S. Dillavou et al., PNAS 121, e2319718121 (2024), doi 10.1073/pnas.2319718121; PyCLLN (Ma-Lab-Cal, 2026)"


def _of(module: str, name: str) -> Callable[[Options], FigureData]:
    """The figure `name` of a module of this package, imported when it is made."""

    def made(options: Options) -> FigureData:
        figure: FigureData = getattr(importlib.import_module(f"{__name__}.{module}"), name)(options)
        return figure

    return made


FIGURES = {
    "cosine": _of("gradients", "figure_cosine"),
    "xor": _of("xor", "figure_xor"),
}
