"""Figures levels, levels-product, biases, twins and sizes: what the answer of figure truth depends on, one by one.

Stated on 2026-11-22, before the runs with master seed 21; verdicts are those of figure truth, at p = 0.2 against p = 1. On
levels, biases and sizes nobody had said anything for nonlinear networks, so neither was expected everywhere.

Those runs found an effect on coarse levels (`SEEN`) and on larger boards (`LARGER`): since then, before those with master
seed 1, that is what is expected. On 968 edges 500 updates showed little; for 1,500 it was stated that the sign rule ends
lower at equal steps, as on 128 edges.

Figure biases was on transistors then, of which the sign rule with 128 levels solved none of 64 in any case, so that nothing
could be seen: it is on resistors with diodes now, which solve three quarters; no such run had been looked at by then.

Figure levels-product asks the same of another task. Stated on 2026-11-22, before any run of it: what exclusive or showed,
lower errors at p = 0.2 with 8 levels on both kinds and with 32 on diodes (which its master seed 1 did not repeat), neither
elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from clockless.media.circuits.circuit import BOLTZMANN
from clockless.papers import FigureData, Options
from clockless.papers.claims import Claim
from clockless.papers.nonlinear.boards import TASKS, transistors, with_diodes
from clockless.papers.nonlinear.ensembles import FINE, STATED, Way, ends_higher, joined, over_p, size, solved_more
from clockless.papers.nonlinear.sources import LARGE, LEVELLED, OPEN
from clockless.parts.comparators import Magnitudes

if TYPE_CHECKING:
    import xarray

    from clockless.media.circuits.medium import Circuit
    from clockless.networks.network import Network

COARSE = (8, 32, 128)
KINDS = {"transistors": transistors, "diodes": with_diodes}
LEVELS = 128  # of boards with biases: those of the paper's board
BIASES = (1e-4, 1e-3)  # volts: drops are of 0.1 V, and the two states differ by a few mV
SEEN = {"transistors, 8 levels": (0, -1), "diodes, 8 levels": (1, -1), "diodes, 32 levels": (0, -1)}  # solved, error
WARM = BOLTZMANN * 300.0  # joules: over the square of a fluctuation, the capacity that fluctuates so at 300 K
IMPERFECT = {
    "alike": {},
    **{f"twins {1e3 * volts:g} mV apart": {"mismatch": volts} for volts in (1e-3, 1e-2, 1e-1)},
    **{f"300 K: {1e3 * volts:g} mV": {"temperature": 300.0, "capacity": WARM / volts**2} for volts in (1e-4, 1e-3)},
}
STATED_PRODUCT = "2026-11-22, before any run of it"
PRODUCT = {"transistors, 8 levels": -1, "diodes, 8 levels": -1, "diodes, 32 levels": -1}
LARGER = {"exclusive or, 128 edges, sign rule": (0, -1), "product, 128 edges, sign rule": (-1, -1)}  # updates, steps
STATED_LARGEST = "2026-11-22, after 500 updates on 968 edges and before 1,500"
LARGEST = {f"{task}, 968 edges, sign rule": (0, -1) for task in ("exclusive or", "product")}  # as on 128 edges
SIZES = {8: (64, 5_000), 22: (8, 1_500)}  # side of the torus: boards, updates; 128 and 968 edges


def figure_levels(options: Options) -> FigureData:
    """Exclusive or by levels from 8 to 2 mV and without, on transistors and on resistors with diodes."""
    asked, much = TASKS["exclusive or"], size(options, 64, 10_000, (1.0, 0.5, 0.2))
    runs, names = [], []
    for kind, made in KINDS.items():
        for number in COARSE[:1] if options.tiny else (*COARSE, FINE, 0):
            runs.append(over_p(options, f"levels, {kind}", asked, asked.board(kind=made), Way(f"{number}", number), much))
            names.append(f"{kind}, {number or 'no'} levels")
    data = joined(runs, "board", names)
    return FigureData({"figure-levels": data}, _claims("levels", "exclusive or", data, "board"))


def figure_levels_product(options: Options) -> FigureData:
    """The product of two voltages by 8, 32 and 128 levels, on transistors and on resistors with diodes: errors."""
    asked, much = TASKS["product"], size(options, 64, 10_000)
    runs, names = [], []
    for kind, made in KINDS.items():
        for number in COARSE[: 1 if options.tiny else None]:
            way = Way(f"{number}", number)
            runs.append(over_p(options, f"levels-product, {kind}", asked, asked.board(kind=made), way, much))
            names.append(f"{kind}, {number} levels")
    data = joined(runs, "board", names)
    return FigureData({"figure-levels-product": data}, [
        ends_higher(
            "levels-product", f"product, {name}", data.sel(board=name), PRODUCT.get(name, 0),
            LEVELLED if name in PRODUCT else OPEN, stated=STATED_PRODUCT,
        )
        for name in names
    ])  # fmt: skip


def figure_biases(options: Options) -> FigureData:
    """Exclusive or by the sign rule with 128 levels: comparators without bias, with one frozen per edge, or a fresh one."""
    asked, much = TASKS["exclusive or"], size(options, 64, 10_000)
    ways = [Way("none", LEVELS)]
    for bias in BIASES[-1:] if options.tiny else BIASES:
        for kind, frozen in (("fresh", False), ("frozen", True)):
            ways.append(Way(f"{kind}, {1e3 * bias:g} mV", LEVELS, Magnitudes(bias, 1.0, frozen)))
    runs = [over_p(options, "biases", asked, asked.board(kind=with_diodes), way, much) for way in ways]
    data = joined(runs, "bias", [way.name for way in ways])
    return FigureData({"figure-biases": data}, _claims("biases", "exclusive or, bias", data, "bias"))


def figure_twins(options: Options) -> FigureData:
    """Exclusive or by the continuous rule on boards whose twins have other thresholds, or whose voltages fluctuate."""
    asked, much = TASKS["exclusive or"], size(options, 64, 10_000)
    runs, names = [], []
    for name, given in list(IMPERFECT.items())[-1 if options.tiny else 0 :]:
        board = asked.board(kind=partial(_made, given))
        runs.append(over_p(options, f"twins, {name}", asked, board, Way("continuous"), much))
        names.append(name)
    data = joined(runs, "board", names)
    return FigureData({"figure-twins": data}, _claims("twins", "exclusive or, boards", data, "board"))


def _made(given: dict[str, float], network: Network, rails: Sequence[int]) -> Circuit:
    return transistors(network, rails, **given)


def figure_sizes(options: Options) -> FigureData:
    """Exclusive or and the product on tori of 128 and 968 transistors, by both rules."""
    runs, names = [], []
    for side, (boards, updates) in list(SIZES.items())[: 1 if options.tiny else None]:
        for task in ("exclusive or", "product")[: 1 if options.tiny else None]:
            asked = TASKS[task]
            board, much = asked.board(side), size(options, boards, updates)
            for way in (Way("continuous"), Way("sign", 128)):
                runs.append(over_p(options, f"{task}, {2 * side**2} edges", asked, board, way, much))
                names.append(f"{task}, {2 * side**2} edges, {way.name} rule")
    parts = {f"figure-sizes_{k}": run for k, run in enumerate(runs)}
    for name, run in zip(names, runs, strict=True):
        run.attrs["name"] = name
    return FigureData(parts, [
        claim
        for name, run in zip(names, runs, strict=True)
        for claim in _sized(name, run)
    ])  # fmt: skip


def _sized(name: str, run: xarray.Dataset) -> list[Claim]:
    error, sooner = (LARGER | LARGEST).get(name, (0, None))
    stated = STATED_LARGEST if "968" in name else STATED
    claims = [
        solved_more("sizes", name, run, 0, OPEN),
        ends_higher("sizes", name, run, error, LARGE if error else OPEN, stated=stated),
    ]
    if sooner is not None:
        claims.append(ends_higher("sizes", name, run, sooner, LARGE, "equal steps", stated))
    return claims


def _claims(figure: str, what: str, data: xarray.Dataset, dim: str) -> list[Claim]:
    claims = []
    for name in data[dim].values:
        one, (solved, error) = data.sel({dim: name}), SEEN.get(str(name), (0, 0))
        claims += [
            solved_more(figure, f"{what}, {name}", one, solved, LEVELLED if solved else OPEN),
            ends_higher(figure, f"{what}, {name}", one, error, LEVELLED if error else OPEN),
        ]
    return claims
