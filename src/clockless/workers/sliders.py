"""A slider of p in a notebook: a machine learns anew while somebody drags it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.errors import ParameterError, whole
from clockless.parts.clocks import Bernoulli

if TYPE_CHECKING:
    from clockless.workers.pictured import Pictured

_MOST_STEPS = 2000  # of a run that answers within the blink of an eye


def slider(run: Pictured, steps: int | None = None) -> Any:
    """See `Run.slider`: an ipywidgets.VBox of a slider and of a picture that follows it."""
    try:
        widgets = importlib.import_module("ipywidgets")
    except ImportError:
        raise ParameterError(
            "a slider needs ipywidgets, which is not installed; pip install 'clockless[notebooks]'."
        ) from None
    count = min(run.steps, _MOST_STEPS) if steps is None else whole("steps", steps, 1)
    chosen = widgets.FloatLogSlider(
        value=0.5, base=10, min=-2, max=0, step=0.02, description="p", continuous_update=False, readout_format=".2f"
    )
    picture = widgets.HTML()

    def learn(change: Any) -> None:
        picture.value = learned_with(run, float(change["new"]), count)

    chosen.observe(learn, names="value")
    picture.value = learned_with(run, chosen.value, count)
    return widgets.VBox([chosen, picture])


def learned_with(run: Pictured, p: float, steps: int) -> str:
    """HTML of the first machine of a run, trained anew with coins of probability p."""
    from clockless.workers.train import train

    first = run._replicas[0]
    coins = Bernoulli(float(np.clip(p, 1e-6, 1.0)))
    again = train(
        first.medium, first.task, rule=first.rule, clock=coins, steps=steps, batch=first.batch, initial=first.initial,
        device=first.device, optimiser=first.optimiser, seed=first.seed,
    )  # fmt: skip
    return again._repr_html_()
