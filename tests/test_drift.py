"""Scatter and drift of deviations: told apart without bias, and their exponents found."""

import numpy as np
import pytest
import xarray

from clockless.papers.desynchronous import drift


def made_up(rate, tasks=300, scatter=1.0, common=1.0, seeds=2):
    """Deviations [family, left_out, task, seed, edge] of a known scatter and drift."""
    rng = np.random.default_rng(round(1e6 * rate))
    noise = scatter * np.sqrt(rate / 16) * rng.standard_normal((2, 3, tasks, seeds, 16))
    return noise + common * rate / 4 * rng.choice([-1.0, 1.0], (2, 3, tasks, 1, 16))


def test_parts_are_told_apart():
    """Mean squares are the variance and the squared mean that went in, whatever the number of seeds."""
    for seeds in (2, 3):
        parts = drift.parts_of(made_up(0.5, 2000, seeds=seeds))
        error = 6 / np.sqrt(6 * 2000 * 16)
        assert parts["scatter"].mean() == pytest.approx(0.5, rel=error)
        assert parts["drift"].mean() == pytest.approx(0.25, rel=4 * error)
    lone = drift.parts_of(made_up(0.5, 10, common=0.0))
    assert abs(lone["drift"].mean()) < 0.1
    assert np.isnan(drift.parts_of(made_up(0.5, 4, seeds=1))["drift"]).all()


@pytest.mark.parametrize(("grows", "holds"), [(1.0, True), (0.5, False)])
def test_claims_tell_orders(grows, holds):
    """A scatter ~ rate^(1/2) and a drift ~ rate hold; a drift that grows like the scatter does not."""
    rates = (0.01, 0.03, 0.1)
    by_rate = []
    for rate in rates:
        parts = drift.parts_of(made_up(rate, common=20 * rate ** (grows - 1.0)))
        by_rate.append(
            xarray.Dataset(
                {name: (("family", "left_out", "task"), values) for name, values in parts.items()},
                {"family": ["edges", "examples"]},
            )
        )
    claims = drift.claims_of_parts(drift.table_of_parts(rates, by_rate))
    assert [claim.expected for claim in claims] == [0.5, 1.0]
    assert [claim.holds for claim in claims] == [True, holds]


def test_a_drift_that_cannot_be_seen_does_not_hold():
    """Its median square is below 0 in every draw."""
    parts = xarray.Dataset(
        {name: (("rate", "task"), -np.ones((3, 20))) for name in drift.ORDERS}, {"rate": [0.01, 0.03, 0.1]}
    )
    claims = drift.claims_of_parts(parts)
    assert len(claims) == 2
    assert not any(claim.holds for claim in claims)
