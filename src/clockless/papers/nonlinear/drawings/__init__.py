"""Draws the figures on nonlinear circuits from the data of `clockless.papers.nonlinear`."""

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
    "cosine": _of("gradients", "figure_cosine"),
    "xor": _of("xor", "figure_xor"),
    "regression": _of("regression", "figure_regression"),
    "modes": _of("regression", "figure_modes"),
    "truth": _of("boards", "figure_truth"),
    "levels": _of("boards", "figure_levels"),
    "biases": _of("boards", "figure_biases"),
    "twins": _of("boards", "figure_twins"),
    "sizes": _of("boards", "figure_sizes"),
    "levels-product": _of("boards", "figure_levels_product"),
    "digits": _of("boards", "figure_digits"),
    "dropout": _of("dropout", "figure_dropout"),
    "dropout-circuits": _of("dropout", "figure_dropout_circuits"),
    "drn": _of("deep", "figure_drn"),
    "drn-clocks": _of("deep", "figure_drn_clocks"),
}
