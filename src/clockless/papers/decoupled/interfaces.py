"""Figure interfaces: synthetic gradients without the label, by interfaces from a linear one to hidden layers of 1,024.

Jaderberg et al. 2017 (arXiv 1608.05343) give the unconditioned interface two hidden layers of 1,024 units. Four layers of
width 256 on digits, otherwise as in the figure of errors; 1,000 steps. Stated on 2026-11-22, before any of it was run:

- (paper) DNI with that interface ends below no-backprop: the 95 % interval over seeds of log10 of the ratio lies above 0;
- (nobody's) a hidden layer of 1,024 ends below a linear interface, and its cosine with the true gradient early in training
  is larger.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.papers import FigureData, Options
from clockless.papers.claims import Claim, Source, no_failures
from clockless.papers.decoupled.errors import _HALF
from clockless.papers.decoupled.settings import BACKPROP, CDNI, learned, seeds, stack
from clockless.papers.decoupled.sources import JADERBERG
from clockless.papers.trends import log_ratio, mean_interval

if TYPE_CHECKING:
    import xarray

STATED = "2026-11-22"
LAYERS, SEEDS = 4, 3
CURVE = (20, 50, 100, 200, 500, 700, 800, 900, 1000)
EARLY = (20, 50, 100, 200)  # steps over which cosines are averaged
LAST = 3  # looks whose mean is the final error
HIDDEN: dict[str, tuple[int, ...]] = {
    "linear": (), "64": (64,), "256": (256,), "1,024": (1024,), "1,024 twice": (1024, 1024)
}  # fmt: skip
PAPERS = "1,024 twice"
GUESS = Source("none", "nobody has said how much a larger interface helps here; the direction is our guess, stated before")


def figure_interfaces(options: Options) -> FigureData:
    """Test error and alignment by the size of the interface, beside backprop, cDNI and no-backprop."""
    data = runs(options)
    return FigureData({"figure-interfaces": data}, claims_of(data))


def runs(options: Options) -> xarray.Dataset:
    """Test error [way, seed, step] and mean cosine over boundaries [way, seed, step]."""
    hidden = {"linear": (), "1,024": (8,), PAPERS: (8, 8)} if options.tiny else HIDDEN
    rules: dict[str, dict[str, Any]] = {"no-backprop": {"kind": "no-backprop"}, "backprop": BACKPROP, "cDNI": CDNI}
    rules |= {name: {"kind": "dni", "conditioned": False, "hidden": list(sizes)} for name, sizes in hidden.items()}
    steps = 100 if options.tiny else CURVE[-1]
    data = learned(
        options, "interfaces", network=stack(3, 32) if options.tiny else stack(LAYERS), rule=list(rules.values()),
        seeds=seeds(options, 2 if options.tiny else SEEDS), steps=steps, record=[step for step in CURVE if step <= steps],
    )  # fmt: skip
    shown = data[["error", "failed"]].rename(error="test_error", rule="way").assign_coords(way=list(rules))
    cosine = data.alignment.mean("boundary").rename(rule="way").assign_coords(way=list(rules))
    return shown.assign(cosine=cosine).transpose("way", "seed", "step")


def final(data: xarray.Dataset, way: str) -> np.ndarray:
    """Test error of each seed, mean over the last looks, half an example added as it may be none [seed]."""
    errors: np.ndarray = data.test_error.sel(way=way).isel(step=slice(-LAST, None)).mean("step").values + _HALF
    return errors


def claims_of(data: xarray.Dataset) -> list[Claim]:
    """The rows of the docstring."""
    errors = "Test errors, %: " + ", ".join(f"{way} {100 * final(data, way).mean():.1f}" for way in data.way.values) + "."
    early = data.cosine.sel(step=[step for step in EARLY if step <= int(data.step[-1])]).mean("step")
    gain, wide = mean_interval((early.sel(way="1,024") - early.sel(way="linear")).values)
    return [
        _row("log10 of the error of no-backprop over that of DNI with two hidden layers of 1,024",
             log_ratio(final(data, PAPERS), final(data, "no-backprop")), JADERBERG, errors),
        _row("log10 of the error of DNI with a linear interface over that with a hidden layer of 1,024",
             log_ratio(final(data, "1,024"), final(data, "linear")), GUESS),
        _row(f"cosine of DNI with a hidden layer of 1,024 less that with a linear interface, mean over steps {EARLY[0]} to "
             f"{EARLY[-1]}", (float(gain), float(wide)), GUESS),
        no_failures("interfaces", int(data.failed.sum())),
    ]  # fmt: skip


def _row(quantity: str, found: tuple[float, float], source: Source, note: str = "") -> Claim:
    return Claim(
        "interfaces", quantity, 0.0, 0.0, found[0], "", note, source=source, criterion="above", half=found[1], stated=STATED,
    )  # fmt: skip
