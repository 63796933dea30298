"""Learning in nonlinear networks: transistor boards, what is no gradient there, the true test, deep resistive networks.

Dillavou et al., PNAS 121, e2319718121 (2024), doi 10.1073/pnas.2319718121; PyCLLN (Ma-Lab-Cal, 2026), whose XOR is a
statistic of five seeds; Scellier, 'A fast algorithm to simulate nonlinear resistive networks', ICML 2024, arXiv 2402.11674;
and the question with which Wycoff et al. end (doi 10.1063/5.0084631).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable

from clockless.papers import FigureData, Options
from clockless.papers.nonlinear.captions import CAPTIONS as CAPTIONS

TITLE = "Learning in nonlinear networks"
CITE = (
    "S. Dillavou et al., PNAS 121, e2319718121 (2024), doi 10.1073/pnas.2319718121; PyCLLN (Ma-Lab-Cal, 2026); B. Scellier, "
    "'A fast algorithm to simulate nonlinear resistive networks', ICML 2024, arXiv 2402.11674"
)


def _of(module: str, name: str) -> Callable[[Options], FigureData]:
    """The figure `name` of a module of this package, imported when it is made."""

    def made(options: Options) -> FigureData:
        figure: FigureData = getattr(importlib.import_module(f"{__name__}.{module}"), name)(options)
        return figure

    return made


FIGURES = {
    "cosine": _of("gradients", "figure_cosine"),
    "xor": _of("xor", "figure_xor"),
    "regression": _of("regression", "figure_regression"),
    "modes": _of("modes", "figure_modes"),
    "truth": _of("truth", "figure_truth"),
    "levels": _of("conditions", "figure_levels"),
    "biases": _of("conditions", "figure_biases"),
    "twins": _of("conditions", "figure_twins"),
    "sizes": _of("conditions", "figure_sizes"),
    "levels-product": _of("conditions", "figure_levels_product"),
    "digits": _of("digits", "figure_digits"),
    "dropout": _of("dropout", "figure_dropout"),
    "dropout-circuits": _of("absent", "figure_dropout_circuits"),
    "drn": _of("deep", "figure_drn"),
    "drn-clocks": _of("deep_clocks", "figure_drn_clocks"),
}
NEEDS = {"drn": "mnist", "drn-clocks": "mnist"}  # figure: data that the user must name
