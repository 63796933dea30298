"""The figures on nonlinear circuits, tiny: what their data hold, what theory says of them, and that they are drawn."""

from __future__ import annotations

import numpy as np
import pytest

from clockless.papers import Options
from clockless.papers.nonlinear import CAPTIONS, FIGURES
from clockless.papers.nonlinear.drawings import DRAW


def test_every_figure_has_a_caption_and_a_drawing():
    assert FIGURES.keys() == CAPTIONS.keys() == DRAW.keys()


@pytest.mark.parametrize("name", list(FIGURES))
def test_a_tiny_figure_is_made_and_drawn(name, tmp_path):
    """What follows from theory holds in the tiny version, too."""
    made = FIGURES[name](Options(tiny=True, threads=1))
    DRAW[name](made.datasets).savefig(tmp_path / "figure.png")
    if name == "cosine":
        order = next(claim for claim in made.claims if "order" in claim.quantity)
        assert order.holds, order
        cosine = made.datasets["figure-cosine"].cosine
        assert np.nanmax(np.abs(cosine)) <= 1 + 1e-12
        assert cosine.sel(law="level 1", scale=1.0).isel(overdrive=-1).median() > 0.9
    else:
        assert next(claim for claim in made.claims if "settle" in claim.quantity).holds
        assert (made.datasets["figure-xor"].squares.isel(epoch=0) == 1).all()
