"""Numbers of the figures on XY lattices from made-up data whose answers are known; tiny versions drawn; MNIST when named."""

import gzip
import json
import struct

import matplotlib as mpl
import numpy as np
import pytest
import xarray

from clockless.errors import UnknownFigureError
from clockless.experiments.descriptions import built
from clockless.papers import Options
from clockless.papers.claims import Source
from clockless.papers.reproduction import checked_figures, known_figures
from clockless.papers.trends import bootstrap_mean, mean_interval, share_interval, trend_of_shares
from clockless.papers.xy_lattices import CAPTIONS, FIGURES, NEEDS, digits, iris, mnist, xor
from clockless.papers.xy_lattices.drawings import DRAW


def test_every_figure_is_drawn_and_described():
    """Data, drawing and caption have the same figures; what is left out without data exists."""
    assert set(FIGURES) == set(DRAW) == set(CAPTIONS)
    assert set(NEEDS) <= set(FIGURES)
    assert all(CAPTIONS.values())


def test_mnist_is_made_only_where_its_files_are_named():
    """Without --mnist the figure is left out, asking for it is a mistake, and so is naming files that nothing uses."""
    assert "mnist" not in checked_figures("xy-lattices", [])
    assert checked_figures("xy-lattices", [], ["mnist"]) == known_figures("xy-lattices", ["mnist"]) == list(FIGURES)
    with pytest.raises(UnknownFigureError, match="--mnist"):
        checked_figures("xy-lattices", ["mnist"])
    with pytest.raises(UnknownFigureError, match="--mnist"):
        known_figures("desynchronous", ["mnist"])


# --- intervals -------------------------------------------------------------------------------------------


def test_intervals_cover():
    """95 % intervals of means and shares hold the true value in about 95 of 100 draws."""
    rng = np.random.default_rng(0)
    mean, half = mean_interval(rng.normal(3.0, 2.0, (4000, 5)))
    assert np.mean(np.abs(mean - 3.0) <= half) == pytest.approx(0.95, abs=0.015)
    low, high = share_interval(rng.binomial(100, 0.3, 4000), 100)
    assert np.mean((low <= 0.3) & (high >= 0.3)) == pytest.approx(0.95, abs=0.02)
    middle, low, high = bootstrap_mean(rng.exponential(2.0, (300, 40)))
    assert np.mean((low <= 2.0) & (high >= 2.0)) == pytest.approx(0.93, abs=0.04)  # known to cover a little less
    assert np.all((low < middle) & (middle < high))


def test_intervals_of_none_and_all():
    """0 of n and n of n leave room on one side: z^2 / (n + z^2), Wilson's closed form."""
    low, high = share_interval(np.array([0, 16]), 16)
    assert low[0] == pytest.approx(0, abs=1e-12)
    assert high[0] == pytest.approx(1.96**2 / (16 + 1.96**2), rel=1e-4)
    assert 1 - low[1] == pytest.approx(high[0])


def test_trend_of_shares():
    """A verdict in 5 of 100 draws without a trend, the right sign with one, none where all succeed."""
    at, rng = np.array([1, 2, 3, 5]), np.random.default_rng(0)
    verdicts = [trend_of_shares(at, rng.binomial(50, 0.4, 4), 50) for _ in range(2000)]
    assert np.mean(np.abs(verdicts)) == pytest.approx(0.05, abs=0.015)
    assert trend_of_shares(at, np.array([50, 40, 20, 0]), 50) == -1
    assert trend_of_shares(at, np.array([0, 10, 20, 40]), 50) == 1
    assert trend_of_shares(at, np.array([50, 50, 50, 50]), 50) == 0


# --- networks ------------------------------------------------------------------------------------------


def test_equal_numbers_of_parameters():
    """All-to-all networks have as many couplings as the layers they stand beside, less those between held inputs."""
    for hidden, sites in zip(digits.HIDDEN, digits.SITES, strict=True):
        layers, everything = digits.acting([digits.layers(hidden), digits.all_to_all(sites)])
        assert layers == 74 * hidden
        assert everything == sites * (sites - 1) // 2 - 64 * 63 // 2
        assert everything == pytest.approx(layers, rel=0.06)


@pytest.mark.parametrize("far", [True, False])
@pytest.mark.parametrize("side", iris.SIDES)
def test_rows_of_irises(side, far):
    """Four inputs in one row and three outputs in another, as far apart as promised, all inside."""
    architecture = built("network", iris.lattice(side, far))
    (top,), (bottom,) = ({site // side for site in sites} for sites in (architecture.inputs, architecture.outputs))
    assert bottom - top == (side - 1 if far else 1)
    assert len(architecture.inputs) == 4
    assert len(architecture.outputs) == 3


def test_distances_on_lattices():
    """The abscissa is the number of bonds from either input to the output, or the side."""
    for series, places in xor.LATTICES.items():
        for at, side, inputs, (row, column) in places:
            bonds = {abs(i - row) + abs(j - column) for i, j in inputs}
            assert bonds == ({1} if series.endswith("side") else {at})
            built("network", xor.square(side, inputs, (row, column)))
            assert not series.endswith("side") or at == side


# --- numbers ---------------------------------------------------------------------------------------------


def made_up_run():
    """Two families of one size, two seeds, four checkpoints."""
    accuracy = np.array([[0.1, 0.9, 0.7, 0.8], [0.1, 0.5, 0.6, 0.4]])
    cost = np.array([[np.nan, 0.5, 0.2, 0.3], [np.nan, 0.3, 0.4, 0.2]])
    dims = ("network", "seed", "step")
    return xarray.Dataset(
        {"accuracy": (dims, np.stack([accuracy, accuracy[::-1]])), "train_cost": (dims, np.stack([cost, cost[::-1]]))},
        {"seed": [0, 1], "step": [0, 10, 20, 30]},
    )


def test_checkpoints():
    """Best by the test set, the last one, and the one that training cost chooses."""
    data = digits.checkpoints(made_up_run(), ["layers", "all-to-all"], 1).isel(size=0)
    np.testing.assert_allclose(data.best, [[90, 60], [60, 90]])
    np.testing.assert_allclose(data["last"], [[80, 40], [40, 80]])
    np.testing.assert_allclose(data.by_train_cost, [[70, 40], [40, 70]])


def test_margin_of_an_accuracy_is_the_papers_own():
    """Binomial noise of 700 samples and the scatter of published numbers without a trend; nothing of our runs."""
    binomial = 100 * np.sqrt(0.93 * 0.07 / digits.TESTED)
    assert pytest.approx(1.96 * np.hypot(binomial, np.std(digits.PAPER["all-to-all"], ddof=1)), rel=0.02) == digits.SINGLE


def test_few_seeds_that_scatter_do_not_pass_as_equal():
    """The mean agrees with the paper's each time; the interval lies within the margin only where seeds agree."""
    verdicts = []
    for scatter in (0.5, 5.0):
        best = np.array(list(digits.PAPER.values()))[..., None] + scatter * np.array([-1.0, 0.0, 1.0])
        values = dict.fromkeys(("best", "last", "by_train_cost"), (("family", "size", "seed"), best))
        paper = np.array(list(digits.PAPER.values()))
        data = xarray.Dataset({**values, "paper": (("family", "size"), paper)}, {"family": list(digits.PAPER)})
        *each, order = digits._claims(data)
        verdicts.append({claim.holds for claim in each})
        assert order.measured == pytest.approx(np.mean(paper[0, 1:] - paper[1, 1:]))
    assert verdicts == [{True}, {False}]


def made_up_lattices(chances):
    """Sixteen runs a place, of which the given numbers end at cost 0 and the others at 1/2."""
    places = [(series, place[0]) for series, several in xor.LATTICES.items() for place in several]
    cost = np.full((len(places), 16), 0.5)
    for row, place in zip(cost, places, strict=True):
        row[: chances.get(place, 0)] = 0.0
    coordinates = {"series": ("place", [place[0] for place in places]), "at": ("place", [place[1] for place in places])}
    return xarray.Dataset({"cost": (("place", "seed"), cost)}, coordinates)


def test_claims_on_lattices_tell_near_from_far():
    """A fall from 14 to 0 of 16 is a verdict, equal shares are none; shares are compared with the earlier counts."""
    both, corners = list(xor.LATTICES)[:2]
    claims = xor._claims_b3(made_up_lattices({(both, 1): 14, (both, 2): 5, (corners, 2): 1, (corners, 6): 1}))
    assert [claim.measured for claim in claims] == [14 / 16, 1 / 16, 1, 0]
    assert [claim.holds for claim in claims] == [True, True, True, False]
    assert not xor._claims_b3(made_up_lattices({(both, 1): 3}))[0].holds  # 3 of 16 is not 5 of 6


def test_claims_on_initial_states():
    """Costs that fall as the paper's hold, costs that stay do not."""
    noise = 10 ** (0.1 * np.random.default_rng(0).standard_normal((2, 4, 40)))
    for fall, holds in ((np.geomspace(1e-1, 2e-3, 4), True), (np.full(4, 1e-1), False)):
        data = xarray.Dataset(
            {"cost": (("sites", "inits", "seed"), fall[:, None] * noise)}, {"sites": [20, 30], "inits": list(xor.INITS)}
        )
        (trend,) = xor._claims_b2(data)
        assert trend.holds == holds


def test_claims_on_the_tail_of_many_runs():
    """A few runs in another minimum carry the mean and leave the median; both are compared with the published mean."""
    noise = 10 ** (0.2 * np.random.default_rng(0).standard_normal((2, xor.MORE)))
    cost = np.array([[1e-1], [2e-3]]) * noise
    tailed = cost.copy()
    tailed[1, :20] = 0.3
    high = np.full_like(cost, 0.1) * noise
    for values, holds in (
        (cost, [True, True, True, True]),
        (tailed, [True, True, False, True]),
        (high, [True, True, False, False]),
    ):
        data = xarray.Dataset({"cost": (("inits", "seed"), values)}, {"inits": [1, 30]})
        claims = xor._claims_of_tail(data)
        assert [claim.holds for claim in claims] == holds
        assert all(claim.interval[0] < claim.measured < claim.interval[1] for claim in claims)
    assert (
        "above 1/8, where an output is on the wrong side: 0.17"
        in xor._claims_of_tail(xarray.Dataset({"cost": (("inits", "seed"), tailed)}, {"inits": [1, 30]}))[2].note
    )


THEORY = Source("theory", "made up")


def test_iris_claims_are_paired_over_splits():
    """A constant difference is significant however much the splits differ; noise around none is not."""
    rng = np.random.default_rng(0)
    splits = rng.normal(80, 10, 10)
    final = xarray.DataArray(
        np.stack([splits + 5 + rng.normal(0, 1, 10), splits]), {"network": ["good", "bad"]}, ("network", "split")
    )
    assert iris._order(final, "good", "bad", "", THEORY).holds
    assert not iris._order(final, "bad", "good", "", THEORY).holds
    shuffled = final.copy(data=rng.normal(80, 10, (2, 10)))
    assert not iris._order(shuffled, "good", "bad", "", THEORY).holds


# --- tiny versions ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("figure", ["a", "b1", "b2", "b3", "c"])
def test_tiny_figures_settle_and_can_be_drawn(figure, tmp_path):
    """Every relaxation of the tiny version reaches its residual, all numbers are finite, and it becomes a picture."""
    mpl.use("Agg")
    data = FIGURES[figure](Options(tiny=True))
    assert all(np.isfinite(claim.measured) for claim in data.claims)
    assert data.claims[-1].holds, data.claims[-1]
    json.dumps([claim.as_json() for claim in data.claims])  # plain numbers, whatever computed them
    assert list(data.datasets) == [f"figure-{figure}"]
    DRAW[figure](data.datasets).savefig(tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 10_000


def write_images(folder, part, images, labels):
    """IDX files as MNIST has them, packed."""
    names = {"train": "train", "test": "t10k"}
    with gzip.open(folder / f"{names[part]}-images-idx3-ubyte.gz", "wb") as file:
        file.write(struct.pack(">IIII", 0x803, *images.shape) + images.astype(np.uint8).tobytes())
    with gzip.open(folder / f"{names[part]}-labels-idx1-ubyte.gz", "wb") as file:
        file.write(struct.pack(">II", 0x801, len(labels)) + labels.astype(np.uint8).tobytes())


def test_mnist_says_its_time_and_learns(tmp_path, capsys, monkeypatch):
    """From files of enlarged 8 x 8 digits: the time comes first, both architectures learn, and a picture is made."""
    mpl.use("Agg")
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    large = np.pad(images.reshape(-1, 8, 8).repeat(3, axis=1).repeat(3, axis=2), ((0, 0), (2, 2), (2, 2))) * 15.9
    write_images(tmp_path, "train", large[:600], labels[:600])
    write_images(tmp_path, "test", large[600:900], labels[600:900])
    monkeypatch.setattr(mnist, "NETWORKS", {
        "784-30-10": {"kind": "dense", "sizes": [784, 30, 10]},
        "windows": {"kind": "local", "image": [28, 28], "window": 7, "stride": 3, "channels": 1},
    })  # fmt: skip
    said = []

    class Showing:
        def __init__(self, title):
            said.append((title, capsys.readouterr().err))

        def __enter__(self):
            return None

        def __exit__(self, *_):
            return None

    data = mnist.figure_mnist(Options(tiny=True, progress=Showing, data={"mnist": tmp_path}))
    assert "about" in said[0][1]
    assert "min" in said[0][1]
    accuracy = data.datasets["figure-mnist"].accuracy.mean("seed")
    assert (accuracy.isel(step=-1) > 30).all()  # 10 % is guessing
    DRAW["mnist"](data.datasets).savefig(tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 5_000
