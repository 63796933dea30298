"""What settled resistor networks dissipate: sum of I V over the sources, which is the sum of dV^2 / R over the edges."""

from __future__ import annotations

import numpy as np

from clockless.media.resistors.columns import Columns, Roles


def free_power(roles: Roles, columns: Columns) -> np.ndarray:
    """Watts in the free state of every lane of a settled block, the mean over its training set [lane].

    The currents that enter at the sources are a = P x (see `columns`), so the power of one example is x^T P x.
    """
    x = roles.x[roles.task]
    watts: np.ndarray = np.einsum("wea,abw,web->w", x, columns.source_currents, x) / x.shape[1]
    return watts
