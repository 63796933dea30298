"""Speed as four separate quantities: per iteration, per update, to a given error, and on the critical path of k workers.

The network of Figs. speed1 and speed3 is that of the papers, 784-256-..-10 in batches of 256, on noise: times do not depend
on what is learned. Fig. speed2 learns the 8 x 8 digits with the same hidden layers. Everything is compared with plain
backprop, one compiled JAX step of the whole stack on one thread. Times of one process are processor time; all ways are timed
in every one of several turns, and intervals of gains are those over turns (seeds, where something is learned). Real
processes are timed on the wall, which means something on an idle machine only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clockless.papers import FigureData, Options
from clockless.papers.claims import Claim, Source
from clockless.papers.decoupled.measuring import (
    INPUTS,
    TARGET,
    WAYS,
    counted,
    critical,
    real,
    size_of,
    to_target,
    to_target_simulated,
    torch_step,
    turns,
    wide_stack,
)
from clockless.papers.decoupled.sources import BISONG, COUNTED, EARLIER, REACHED
from clockless.papers.trends import equivalence, log_mean

if TYPE_CHECKING:
    import xarray

STATED = "2026-11-22"  # of intervals in place of single values, before they were measured
# What skipping work gained per iteration in an earlier implementation of ours, least and most over 3 to 6 layers.
_SKIPPING = {"cDNI, p = 0.2": (1.4, 1.9), "cDNI, p = 0.1": (2.7, 4.2), "cDNI, p = 0.05": (4.7, 7.7)}


def figure_speed1(options: Options) -> FigureData:
    """Time per iteration and per update in one process, by method and number of layers."""
    import xarray

    size = size_of(options)
    per_turn = np.array([turns(size, layers) for layers in size.layers])
    per_step = per_turn.min(axis=1)
    rates = np.array([1.0 if p is None else p for _, p in WAYS.values()])
    per_update = per_step / (rates[None] * np.array(size.layers)[:, None])
    data = xarray.Dataset(
        {
            "iteration": (("layers", "way"), per_step, {"long_name": "processor time per iteration", "units": "s"}),
            "update": (("layers", "way"), per_update, {"long_name": "processor time per update", "units": "s"}),
            "turns": (("layers", "turn", "way"), per_turn, {"long_name": "processor time per iteration", "units": "s"}),
        },
        {"layers": list(size.layers), "way": list(WAYS)},
        {"width": size.width, "batch": size.batch, "inputs": INPUTS},
    )
    torch = [torch_step(size, layers) for layers in size.layers]
    if None in torch:
        data.attrs["torch"] = "PyTorch is not installed here, so its backprop is not in the figure"
    else:
        data["torch"] = ("layers", np.array(torch, dtype=float), {"long_name": "PyTorch backprop", "units": "s"})
    return FigureData({"figure-speed1": data}, [] if options.tiny else _step_claims(data))


def _step_claims(data: xarray.Dataset) -> list[Claim]:
    """Gains per iteration; intervals are those over turns."""
    gain = data.turns.sel(way="backprop") / data.turns
    claims = []
    for way, (least, most) in _SKIPPING.items():
        logs = np.log(gain.sel(way=way)).mean("layers").values
        words = f"gain per iteration of {way}, geometric mean over 3 to 6 layers"
        claims.append(_equal("speed1", words, (least * most) ** 0.5, 1.25 * (most - least) / 2, logs, EARLIER))
    expected = np.array([counted(layers) for layers in data.layers.values])
    logs = np.log(1 / (gain.sel(way="cDNI").transpose("turn", "layers").values * expected)).mean(axis=1)
    words = "work of cDNI over backprop in one process, as a part of that counted in multiply-adds; geometric mean"
    return [*claims, _equal("speed1", words, 1.0, 0.35, logs, COUNTED)]


def _equal(
    figure: str, words: str, expected: float, margin: float, logs: np.ndarray, source: Source, note: str = ""
) -> Claim:  # fmt: skip
    """That exp of the mean of `logs` is as expected: their whole 90 % interval within the margin."""
    middle, half = equivalence(logs)
    low, found, high = np.exp([middle - half, middle, middle + half]).tolist()
    return Claim(
        figure, words, expected, margin, found, note=note or _CPU, source=source, criterion="within", ends=(low, high),
        level=0.9, stated=STATED,
    )  # fmt: skip


_CPU = "Processor time of this machine; ratios move by a tenth or two with its load."


def figure_speed2(options: Options) -> FigureData:
    """Steps and time until the test error of the digits is at most 5 %; a worker for each layer in simulation as well."""
    import xarray

    size = size_of(options)
    ways = [*WAYS, "cDNI, a worker per layer"]
    shape = (len(size.layers), len(ways), size.seeds)
    steps, seconds = np.full(shape, np.nan), np.full(shape, np.nan)
    with options.showing("speed2") as update:
        for place in np.ndindex(*shape):
            layers, way, seed = size.layers[place[0]], ways[place[1]], options.seed * size.seeds + place[2]
            reach = to_target if way in WAYS else to_target_simulated
            steps[place], seconds[place] = reach(size, layers, way, seed)
            if update:
                update(int(np.ravel_multi_index(place, shape)) + 1, int(np.prod(shape)))
    dims = ("layers", "way", "seed")
    data = xarray.Dataset(
        {
            "steps": (dims, steps, {"long_name": "steps to a test error of 5 %", "units": "1"}),
            "seconds": (dims, seconds, {"long_name": "time to a test error of 5 %", "units": "s"}),
        },
        {"layers": list(size.layers), "way": ways, "seed": options.seed * size.seeds + np.arange(size.seeds)},
        {"target": TARGET, "longest": size.longest},
    )
    reached = np.isfinite(data.seconds.sel(way=["backprop", "cDNI"]).values).mean()
    words = "part of the backprop and cDNI runs that reach 5 %"
    claims = [Claim("speed2", words, 1.0, 0.0, float(reached), source=REACHED)]
    return FigureData({"figure-speed2": data}, [] if options.tiny else claims)


def figure_speed3(options: Options) -> FigureData:
    """Critical path: bounds by multiply-adds and by measured times, the simulation, and real processes."""
    import xarray

    size = size_of(options)
    deepest = size.layers[-1]
    per_layer = np.array([critical(size, layers, layers) for layers in size.layers])
    per_worker = np.array([critical(size, deepest, k) for k in range(1, deepest + 1)])
    two = np.array([real(size, layers) for layers in size.layers])
    wide = wide_stack(size)
    about = {"long_name": "speed-up over plain backprop", "units": "1"}
    data = xarray.Dataset(
        {
            "per_layer": (("layers", "replica", "kind"), per_layer, about),
            "per_worker": (("workers", "replica", "kind"), per_worker, about),
            "pair": (("layers", "replica", "two"), two, about),
            "wide": (("replica", "reach"), wide, about),
        },
        {
            "layers": list(size.layers), "workers": np.arange(1, deepest + 1), "kind": list(_KINDS),
            "two": _REACHED, "reach": _REACHED,
        },
    )  # fmt: skip
    claims = [] if options.tiny else _path_claims(data)
    return FigureData({"figure-speed3": data}, claims)


_KINDS = ("free", "multiply-adds", "measured", "simulation")
_REACHED = ["multiply-adds", "measured", "real", "processor"]
_WALL = "Wall-clock time of two pinned processes: means something where nobody else computes."
_REPLICAS = "Interval: over replicas, backprop timed before each."
REPLICATED = "2026-11-22"  # of rows over replicas of real processes, before these were run


def _path_claims(data: xarray.Dataset) -> list[Claim]:
    kept = np.log(data.per_worker.sel(kind="simulation") / data.per_worker.sel(kind="measured"))
    words = "simulated speed-up of six layers over its bound by measured times, geometric mean over 2 to 6 workers"
    claims = [
        _equal("speed3", words, 1.0, 0.25, kept.isel(workers=slice(1, None)).mean("workers").values, COUNTED),
        _equal(
            "speed3", "speed-up of two real processes, six layers", 1.4, 0.2,
            np.log(data.pair.sel(two="real", layers=6).values), EARLIER, _WALL,
        ),
    ]  # fmt: skip
    width = "equal layers of width 1,024 on two processes: what is reached of the bound by multiply-adds, at least"
    for way, how, note in (("real", "on the wall", _WALL), ("processor", "by the busiest's processor time", _CPU)):
        parts = np.log((data.wide.sel(reach=way) / data.wide.sel(reach="multiply-adds")).values)
        middle, half = equivalence(parts)  # the lower end of a 90 % interval is a one-sided test of 5 %
        low, found, high = np.exp([middle - half, middle, middle + half]).tolist()
        claims.append(Claim(
            "speed3", f"{width}, {how}", 0.8, 0.0, found, note=f"{note} {_REPLICAS}", source=COUNTED, criterion="above",
            ends=(low, high), level=0.9, stated=REPLICATED,
        ))  # fmt: skip
    return claims


def figure_speed4(options: Options) -> FigureData:
    """The four quantities side by side for the deepest stack, as gains over plain backprop, and which of them are 3-fold."""
    import xarray

    size, deepest = size_of(options), size_of(options).layers[-1]
    first, second = figure_speed1(options).datasets["figure-speed1"], figure_speed2(options).datasets["figure-speed2"]
    third = figure_speed3(options).datasets["figure-speed3"]
    turn, seconds = first.turns.sel(layers=deepest), second.seconds.sel(layers=deepest)
    own = turn.sel(way="backprop").values
    updates = np.array([1.0 if p is None else p for _, p in WAYS.values()])
    rows = {
        way: [own / turn.sel(way=way).values, share * own / turn.sel(way=way).values, _sooner(seconds, way), _NONE]
        for (way, share) in zip(WAYS, updates, strict=True)
    }
    path = third.per_worker.sel(kind="simulation", workers=deepest).values
    rows["cDNI, a worker per layer (simulated)"] = [path, path, _sooner(seconds, "cDNI, a worker per layer"), path]
    pair = third.pair.sel(layers=deepest, two="real").values
    rows["cDNI, two real processes"] = [pair, pair, _NONE, pair]
    middle, half = np.array([[_mean(gains) for gains in row] for row in rows.values()]).transpose(2, 0, 1)
    data = xarray.Dataset(
        {
            "gain": (("way", "quantity"), 10**middle, {"long_name": "backprop's over its own", "units": "1"}),
            "decades": (("way", "quantity"), half, {"long_name": "half of the 95 % interval of its log10", "units": "1"}),
        },
        {"way": list(rows), "quantity": list(QUANTITIES)},
        {"layers": deepest, "width": size.width, "target": TARGET},
    )
    data.attrs["threefold"] = threefold(data)
    words = "gain on the critical path of a worker for each of six layers, simulated (its bound by multiply-adds is 2.0)"
    claims = [*_threefold_claims(data), _equal("speed4", words, 2.0, 0.4, np.log(path), COUNTED)]
    return FigureData({"figure-speed4": data}, [] if options.tiny else claims)


def _sooner(seconds: xarray.DataArray, way: str) -> np.ndarray:
    """Backprop's time to the target over another way's [seed]; NaN where one has not reached it."""
    gains: np.ndarray = (seconds.sel(way="backprop") / seconds.sel(way=way)).values
    return gains


def _mean(gains: np.ndarray) -> tuple[float, float]:
    """Mean log10 and the half-width of its 95 % interval, which a single gain has not."""
    middle, half = log_mean(gains) if gains.size > 1 else (np.log10(gains[0]), np.nan)
    return float(middle), float(half)


_NONE = np.full(2, np.nan)  # not measured
QUANTITIES = ("time per iteration", "time per update", "time to 5 % error", "critical path")


def _threefold_claims(data: xarray.Dataset) -> list[Claim]:
    """'Over 3-fold faster', quantity by quantity: the largest gain of any way to use synthetic gradients."""
    ways = [way for way in data.way.values if way.startswith("cDNI")]
    claims = []
    for quantity in data.quantity.values:
        gains = data.gain.sel(quantity=quantity, way=ways).dropna("way")
        best = str(gains.way.values[int(gains.values.argmax())]) if gains.size else "none measured"
        most = float(gains.max()) if gains.size else float("nan")
        half = float(data.decades.sel(quantity=quantity, way=best)) if gains.size else float("nan")
        words = f"largest gain over backprop with synthetic gradients, {quantity}"
        note = f"{best}. The abstract does not say which quantity is meant. Interval: over {_OVER[quantity]}."
        claims.append(Claim(
            "speed4", words, 3.0, 0.0, most, "Over 3-fold faster.", note, source=BISONG, criterion="above",
            ends=(most * 10**-half, most * 10**half), stated=STATED,
        ))  # fmt: skip
    return claims


_OVER = {
    "time per iteration": "turns",
    "time per update": "turns; of processes and of the simulation over replicas, backprop timed before each",
    "time to 5 % error": "seeds",
    "critical path": "replicas, backprop timed before each",
}


def threefold(data: xarray.Dataset) -> str:
    """In words: which gains are 3-fold, and of which kind they are."""
    words = []
    for quantity in data.quantity.values:
        gains = data.gain.sel(quantity=quantity).dropna("way")
        large = [f"{way} ({value:.1f})" for way, value in zip(gains.way.values, gains.values, strict=True) if value >= 3]
        words.append(f"{quantity}: " + ("3-fold in " + "; ".join(large) if large else "nowhere 3-fold"))
    return ". ".join(words) + "."
