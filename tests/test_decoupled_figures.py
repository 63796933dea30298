"""The numbers of the figures about decoupled modules on made-up data with known answers, and their tiny versions drawn."""

import matplotlib as mpl
import numpy as np
import pytest
import xarray

pytest.importorskip("jax")

from clockless.papers import Options, decoupled
from clockless.papers.decoupled import alignment, bridge, errors
from clockless.papers.decoupled import drawings as drawings
from clockless.papers.reproduction import known_figures
from clockless.papers.trends import largest_difference
from small_mnist import write_mnist


def made_up(curve, noise=0.0):
    """Costs curve(step, p) of both methods, times a seed's own luck."""
    rng = np.random.default_rng(0)
    datasets = {}
    for p in bridge.P:
        updates = list(bridge.UPDATES)
        steps = np.array(sorted({*updates, *(round(count / p) for count in updates)}))
        cost = curve(steps, p) * np.exp(noise * rng.standard_normal((2, bridge.SEEDS, 1)))
        datasets[f"p-{p}"] = xarray.Dataset(
            {
                "cost": (("rule", "seed", "step"), cost),
                "own_cost": (("rule", "seed", "step"), cost),
                "failed": (("rule", "seed"), np.zeros((2, bridge.SEEDS), dtype=bool)),
            },
            {"step": steps},
            {"p": p, "updates": updates},
        )
    return datasets


def test_perfect_collapse_is_seen():
    """A cost that is a function of step x p has no spread there, and the curve's own range at equal steps."""
    data = made_up(lambda step, p: (1 + step * p) ** -0.5)
    per_update, per_step = (largest_difference(bridge.log_costs(data, 0, choice))[0] for choice in (True, False))
    assert per_update == pytest.approx(0, abs=1e-12)
    assert per_step == pytest.approx(0.5 * np.log10(501 / 51))
    claims = bridge.claims_of(data, 0, "backprop")
    assert all(claim.holds for claim in claims)


def test_collapse_by_own_statistics_is_a_row_of_its_own():
    """It falls where the cost follows the step, and holds where it follows step x p."""
    same = bridge.claim_of_own(made_up(lambda step, p: (1 + step * p) ** -0.5, noise=0.02), 0, "backprop")
    apart = bridge.claim_of_own(made_up(lambda step, p: (1 + step) ** -0.5, noise=0.02), 0, "backprop")
    assert same.holds
    assert not apart.holds
    assert 0 < same.measured < bridge.MARGIN < 0.3 < apart.measured


def test_missing_collapse_is_seen():
    """A cost that is a function of the step has its spread in step x p, and the claims fall."""
    claims = bridge.claims_of(made_up(lambda step, p: (1 + step) ** -0.5, noise=0.02), 1, "cDNI")
    assert claims[0].measured > 0.5 * np.log10(10) * 0.9
    assert [claim.holds for claim in claims] == [False, False, True]


def test_late_collapse_is_told_from_early():
    """A transient of the first updates alone breaks the first claim and not the second."""
    claims = bridge.claims_of(
        made_up(lambda s, p: (1 + s * p) ** -0.5 * np.exp(p / 3 * (s * p < bridge.SETTLED - 1))), 0, "cDNI"
    )
    assert [claim.holds for claim in claims] == [False, True, True]
    assert claims[0].measured == pytest.approx(0.3 / np.log(10))


def test_much_luck_is_no_collapse():
    """Noise of the seeds makes the interval wider and the verdict harder, not easier."""
    verdicts, widths = [], []
    for noise in (0.02, 0.3):
        claim = bridge.claims_of(made_up(lambda step, p: (1 + step * p) ** -0.5, noise), 0, "backprop")[0]
        verdicts.append(claim.holds)
        widths.append(np.ptp(claim.interval))
    assert verdicts == [True, False]
    assert widths[1] > 2 * widths[0]


def test_expected_table_is_whole():
    """A number for every depth; the methods compared with another's numbers have them."""
    assert {len(row) for row in errors.EXPECTED.values()} == {len(errors.LAYERS)}
    assert {*errors.RULES, *(f"cDNI, p = {p:g}" for p in errors.P)} == {*errors.EXPECTED, errors.HIDDEN}


def test_seeds_of_master_seeds_are_apart():
    """No run of one master seed is one of another."""
    from clockless.papers.decoupled.settings import seeds

    assert not set(seeds(Options(seed=0), 5)) & set(seeds(Options(seed=1), 5))


def test_figures_captions_and_drawings_match():
    """Every figure has a drawing and a caption."""
    assert set(known_figures("decoupled", ["mnist"])) == set(drawings.DRAW) == set(decoupled.CAPTIONS)
    assert all(decoupled.CAPTIONS.values())


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Options of a tiny run whose figures share their stores, with a made-up MNIST as small as the digits: what is compiled
    for these does for both."""
    labels = [k % 10 for k in range(80)]
    images = write_mnist(tmp_path_factory.mktemp("mnist"), labels, labels[:20], side=8)
    return Options(tiny=True, stores=tmp_path_factory.mktemp("stores"), data={"mnist": images}, threads=1)


@pytest.mark.parametrize("figure", ["errors", "alignment", "interfaces", "bridge", "mnist-speed"])
def test_tiny_figures_can_be_drawn(figure, tiny, tmp_path):
    """Finite numbers, and a picture."""
    mpl.use("Agg")
    data = decoupled.FIGURES[figure](tiny)
    assert ("figure-errors_mnist" in data.datasets) == (figure == "errors")
    assert all(np.isfinite(claim.measured) for claim in data.claims)
    failed = [claim for claim in data.claims if "failed" in claim.quantity]
    assert all(claim.holds for claim in failed)
    drawings.DRAW[figure](data.datasets).savefig(tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 10_000


def test_early_alignment_is_a_mean_of_its_steps():
    """Over the named steps and the boundaries that there are."""
    steps = [1, 20, 50, 100, 200, 2000]
    cosines = np.where(np.isin(steps, alignment.EARLY), 0.5, -1.0)
    values = np.broadcast_to(cosines[None, None, :, None], (1, 4, 6, 2)).copy()
    values[..., 0] += 0.2
    data = xarray.Dataset(
        {"alignment": (("variant", "seed", "step", "boundary"), values)}, {"variant": ["cDNI"], "step": steps}
    )
    assert alignment.early(data, "cDNI") == pytest.approx(0.6)


def test_interfaces_are_compared_by_their_last_looks():
    """Errors three times as large fail both rows of errors, cosines below the linear interface's that of alignment."""
    from clockless.papers.decoupled import interfaces

    ways = ["no-backprop", "backprop", "cDNI", *interfaces.HIDDEN]
    rng = np.random.default_rng(0)
    shape = (len(ways), 3, len(interfaces.CURVE))
    good = {"no-backprop": 0.09, "linear": 0.03, "1,024": 0.02, interfaces.PAPERS: 0.02}
    bad = {"no-backprop": 0.03, "linear": 0.03, "1,024": 0.06, interfaces.PAPERS: 0.06}
    for errors_of, gain, holds in ((good, 0.1, True), (bad, -0.1, False)):
        error = np.array([errors_of.get(way, 0.02) for way in ways])[:, None, None] * (1 + 0.02 * rng.standard_normal(shape))
        cosine = np.array([0.1 + gain * (way == "1,024") for way in ways])[:, None, None] + 0.001 * rng.standard_normal(
            shape
        )
        data = xarray.Dataset(
            {
                "test_error": (("way", "seed", "step"), error),
                "cosine": (("way", "seed", "step"), cosine),
                "failed": (("way", "seed"), np.zeros(shape[:2], dtype=bool)),
            },
            {"way": ways, "step": list(interfaces.CURVE)},
        )
        rows = interfaces.claims_of(data)[:-1]
        assert [row.holds for row in rows] == [holds] * 3
