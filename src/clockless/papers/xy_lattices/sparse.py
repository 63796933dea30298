"""Fig. d: digits with sparse local networks and with dense ones, against the number of couplings.

arXiv 2601.21945 claims that sparse, locally connected networks reach the performance of dense ones with fewer couplings. Two
questions are asked of it, both paired by the split of the digits:

- *not inferior*: is the accuracy of a sparse network at most `MARGIN` below that of dense 64-100-10? It is called so if the
  lower end of the one-sided 95 % interval (Student's t over splits) of the difference is above -MARGIN.
- *at equal number of couplings*: is it higher than that of a dense network with as few couplings, whose accuracy is
  interpolated between the dense networks linearly in the logarithm of their numbers of couplings?

NOTE: the accuracies of that paper are not known to us. The ranges in REFERENCE are those of an earlier NumPy
implementation of ours (two-colour relaxation, Adam at 0.003, 1,500 steps); its batches were larger.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.special import stdtrit

from clockless.experiments.descriptions import built
from clockless.experiments.experiment import Experiment
from clockless.networks.windows import readout_edges
from clockless.papers import FigureData, Options
from clockless.papers.claims import Claim, no_failures
from clockless.papers.xy_lattices.sources import ABSTRACT, EARLIER, READING
from clockless.parts.optimisers import Adam
from clockless.parts.rules import EquilibriumPropagation

if TYPE_CHECKING:
    import xarray

MARGIN = 0.01  # of accuracy: 1 of 100 digits
RULE = EquilibriumPropagation(nudge=0.1, rate=0.003)
MEDIUM = {"kind": "xy", "residual": 1e-3, "test_residual": 1e-3}  # Fig. f3 shows that less is no better
BATCH = 50
REFERENCE = {  # lowest and highest accuracy
    "dense 100": (0.956, 0.973), "4 x 4 x 4": (0.950, 0.961), "3 x 3 x 3": (0.922, 0.956), "3 x 3 x 1": (0.929, 0.949),
}  # fmt: skip
_FEW = 1_000  # couplings
DENSE, SPARSE = "dense 100", "4 x 4 x 4"  # the pair whose verdict was fixed before anything was run


class Choice(NamedTuple):
    """One network of the figure."""

    name: str
    family: str
    network: dict[str, Any]


def _dense(hidden: int) -> Choice:
    return Choice(f"dense {hidden}", "dense", {"kind": "dense", "sizes": [64, hidden, 10]})


def _local(family: str, window: int, channels: int, **more: Any) -> Choice:
    name = f"{window} x {window} x {channels}" + "".join(f", {word}" for word in more)
    return Choice(name, family, {"kind": "local", "window": window, "channels": channels, **more})


def _two_layers(skips: int) -> Choice:
    """Two local layers of two channels each; `skips` is the side of the windows that lead past the first."""
    network = {"kind": "local-layers", "window": [3, 3], "stride": [1, 1], "channels": [2, 2], "skips": skips}
    return Choice("two layers" + (f", skips {skips}" if skips else ""), "two layers", network)


CHOICES = (
    *(_dense(hidden) for hidden in (5, 10, 20, 40, 100)),
    *(_local("window", window, 4) for window in (2, 3, 4, 6)),
    *(_local("channels", 3, channels) for channels in (1, 3, 8)),
    *(_local("shared", window, channels, sharing=True) for window, channels in ((3, 4), (4, 4), (4, 8))),
    *(_local("intra", window, channels, intra=True) for window, channels in ((3, 1), (4, 4))),
    *(_two_layers(skips) for skips in (0, 3, 5)),
)
TINY = (DENSE, "dense 10", SPARSE, "3 x 3 x 1")


def figure_d(options: Options) -> FigureData:
    """Accuracy against the number of couplings, and what becomes of the paper's claim."""
    choices = [choice for choice in CHOICES if not options.tiny or choice.name in TINY]
    splits, steps = (3, 150) if options.tiny else (5, 1_500)
    last = [steps * k // 15 for k in (13, 14, 15)]
    experiment = Experiment(
        network=[choice.network for choice in choices], medium=MEDIUM,
        task={"kind": "digits", "split": "random", "seed": [options.seed * splits + k for k in range(splits)]},
        rule=RULE, optimiser=Adam(), batch=BATCH, steps=steps, record=last, seeds=options.seed, title="Fig. d",
    )  # fmt: skip
    with options.showing("d") as update:
        run = options.run(experiment, update)
    data = compared(choices, run.accuracy.mean("step").transpose("network", ...).values.reshape(len(choices), splits))
    data.attrs["margin"] = MARGIN
    data.attrs["settings"] = f"{RULE}, Adam, {steps:,} steps of {BATCH} of 1,437 digits; mean of checkpoints {last}"
    return FigureData({"figure-d": data}, _claims(data, options.tiny, int(run.failed.sum())))


# --- numbers ---------------------------------------------------------------------------------------------


def compared(choices: list[Choice], accuracy: np.ndarray) -> xarray.Dataset:
    """Accuracies [network, split] with numbers of couplings, and paired differences to dense networks with intervals."""
    import xarray

    architectures = [built("network", choice.network) for choice in choices]
    couplings = np.array([architecture.couplings for architecture in architectures])
    families = np.array([choice.family for choice in choices])
    names = [choice.name for choice in choices]
    to_dense = accuracy - accuracy[names.index(DENSE)]
    at_equal = accuracy - interpolated(couplings[families == "dense"], accuracy[families == "dense"], couplings)
    at_equal[families == "dense"] = np.nan
    columns = {}
    for name, values in (("accuracy", accuracy), ("to_dense", to_dense), ("at_equal_couplings", at_equal)):
        columns[f"mean_{name}"] = ("network", values.mean(axis=1))
        columns[f"half_{name}"] = ("network", half_width(values))
    columns |= {
        "family": ("network", families),
        "couplings": ("network", couplings),
        "without_readout": ("network", couplings - [readout_edges(architecture) for architecture in architectures]),
        "not_inferior": ("network", to_dense.mean(axis=1) - half_width(to_dense, 0.95) > -MARGIN),
    }
    each = {
        name: (("network", "split"), values)
        for name, values in (("accuracy", accuracy), ("to_dense", to_dense), ("at_equal_couplings", at_equal))
    }
    return xarray.Dataset({**columns, **each}, {"network": names, "split": np.arange(accuracy.shape[1])})


def interpolated(couplings: np.ndarray, accuracy: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Accuracy [at, split] of dense networks with `at` couplings, linear in log couplings; NaN outside their range."""
    order = np.argsort(couplings)
    x, y = np.log(couplings[order]), accuracy[order]
    curves = [np.interp(np.log(at), x, y[:, split], np.nan, np.nan) for split in range(y.shape[1])]
    return np.array(curves).T


def half_width(values: np.ndarray, quantile: float = 0.975) -> np.ndarray:
    """Half-width of the interval of the mean over the last axis, by Student's t; two-sided 95 % unless told."""
    count = values.shape[-1]
    half: np.ndarray = stdtrit(count - 1, quantile) * values.std(axis=-1, ddof=1) / np.sqrt(count)
    return half


def smallest_not_inferior(data: xarray.Dataset) -> str:
    """The name of the network that is last in the sequence of single local layers, by falling number of couplings, of which
    every one is not inferior: such a sequence of tests needs no correction for their number. Empty if the first fails."""
    plain = data.isel(network=np.isin(data.family.values, ("window", "channels")))
    found = ""
    for k in np.argsort(-plain.couplings.values, kind="stable"):
        if not plain.not_inferior.values[k]:
            break
        found = str(plain.network.values[k])
    return found


def _claims(data: xarray.Dataset, tiny: bool, failed: int) -> list[Claim]:
    sparse, dense = data.sel(network=SPARSE), data.sel(network=DENSE)
    counts = f"{SPARSE} ({int(sparse.couplings):,} couplings) - {DENSE} ({int(dense.couplings):,})"
    claims = [
        Claim(
            "d", f"accuracy, {counts}, one-sided 95 % interval", -MARGIN, 0.0, float(sparse.mean_to_dense),
            "Sparse local networks reach the performance of dense ones with fewer couplings.",
            f"Reached means at most {MARGIN:g} below. {_sequence(data)}", source=ABSTRACT, criterion="above",
            half=float(half_width(sparse.to_dense.values, 0.95)), level=0.9,
        ),
        _advantage(data),
    ]  # fmt: skip
    for name, (low, high) in REFERENCE.items() if not tiny else ():
        one = data.sel(network=name)
        claims.append(
            Claim("d", f"accuracy, {name}", (low + high) / 2, (high - low) / 2 + MARGIN, float(one.mean_accuracy), "",
                  f"The range of its runs, which learned from larger batches, and {MARGIN:g}, as above.", source=EARLIER,
                  criterion="within", half=float(half_width(one.accuracy.values, 0.95)), level=0.9, stated="2026-11-22")
        )  # fmt: skip
    return [*claims, no_failures("d", failed)]


def _sequence(data: xarray.Dataset) -> str:
    last = smallest_not_inferior(data)
    if not last:
        return "Of the single local layers, the largest is already inferior or not known to be otherwise."
    count = int(data.couplings.sel(network=last))
    return f"Tested from the largest down, the single local layers are not inferior down to {last} ({count:,} couplings)."


def _advantage(data: xarray.Dataset) -> Claim:
    """Whether single local layers beat dense networks of as many couplings: the mean over them of the paired difference."""
    single = data.isel(network=np.isin(data.family.values, ("window", "channels")))
    plain = single.at_equal_couplings.mean("network").values
    larger = single.at_equal_couplings.isel(network=single.couplings.values >= _FEW).mean("network").values
    mean, half = float(plain.mean()), float(half_width(plain))
    return Claim(
        "d", "mean accuracy of single local layers less that of dense ones of as many couplings", 0.0, 0.0, mean,
        "What the claim implies if it is the locality, not the number of couplings, that helps.",
        f"Of networks from {_FEW:,} couplings up the mean difference is "
        f"{100 * float(larger.mean()):+.2f} +- {100 * float(half_width(larger)):.2f} points.", source=READING,
        criterion="above", half=half,
    )  # fmt: skip
