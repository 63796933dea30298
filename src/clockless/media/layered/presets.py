"""The nets of Scellier 2024 (arXiv 2402.11674), with the settings and results published there."""

from __future__ import annotations

from typing import Any, NamedTuple


class Published(NamedTuple):
    """A net of the paper: settings, and the errors (%) after training by equilibrium propagation."""

    hidden: tuple[int, ...]
    gain: float  # of inputs
    sweeps: int
    nudge: float
    rate: float  # of the first layer's conductances
    rates: tuple[float, ...]  # of every layer, as factors on it
    bias_rate: float  # of currents, as a factor on their layer's
    epochs: int
    test_error: float
    train_error: float
    seconds: float  # an epoch on the author's A100

    @property
    def medium(self) -> dict[str, Any]:
        """Arguments of `DeepResistive` but for its layers."""
        names = ("gain", "sweeps", "rates", "bias_rate")
        return {name: getattr(self, name) for name in names} | {"decay": DECAY}


BATCH, DECAY = 4, 0.99  # examples a step; factor on all rates after every epoch
PIXELS, CLASSES = 784, 10

PUBLISHED = {
    "xs": Published((100,), 100.0, 4, 1.0, 0.006, (1.0, 1.0), 1.0, 10, 3.46, 2.94, 180.0),
    "1h": Published((1024,), 480.0, 4, 1.0, 0.006, (1.0, 1.0), 1.0, 50, 1.57, 0.12, 187.0),
    "2h": Published((1024,) * 2, 2000.0, 5, 1.0, 0.002, (1.0, 3.0, 9.0), 1.0, 50, 1.48, 0.25, 323.0),
    "3h": Published((1024,) * 3, 4000.0, 6, 2.0, 0.005, (1.0, 4.0, 16.0, 1.0), 0.1, 50, 1.66, 0.46, 500.0),
    "xl": Published((32768,), 800.0, 4, 1.0, 0.006, (1.0, 1.0), 1.0, 100, 1.33, 0.02, 376.0),
}
