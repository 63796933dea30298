"""Figure truth: does learning without a clock help nonlinear networks? The question with which Wycoff et al. 2022 end.

For every task and rule the same boards learn at several p, to the same number of updates per unit: step x p is the same at
the end. Stated on 2026-11-22, before the runs with master seed 21 that it judges:

- what counts as solved is in `boards.TASKS`; p = 0.2 *solves more* or fewer boards than p = 1 by McNemar's exact test on the
  same boards at 5 %, and *ends higher* or lower if the 95 % interval of the mean log10 ratio of their errors excludes 0;
- expected is neither, of both rules and all tasks: so a run with master seed 11 found for exclusive or, by the continuous
  rule (20 and 16 of 64) and by the sign rule (none at any p); of the other tasks it is the cautious guess.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from clockless.papers import FigureData, Options
from clockless.papers.claims import HEALTH, Claim
from clockless.papers.nonlinear.boards import TASKS
from clockless.papers.nonlinear.ensembles import FINE, Way, ends_alike, ends_higher, joined, over_p, size, solved_more
from clockless.papers.nonlinear.sources import BEFORE, OPEN

if TYPE_CHECKING:
    import xarray

P = (1.0, 0.8, 0.5, 0.2, 0.1, 0.05)
WAYS = (Way("continuous"), Way("sign", FINE))
ALIKE = {"continuous": 0.05, "sign": 0.2}  # decades


def figure_truth(options: Options) -> FigureData:
    """Share of boards that solve four tasks, by the continuous and the sign rule, against p at equal step x p."""
    datasets = {}
    for name, asked in list(TASKS.items())[: 1 if options.tiny else None]:
        board, much = asked.board(), size(options, 64, asked.updates, P)
        runs = [over_p(options, name, asked, board, way, much) for way in WAYS]
        datasets[f"figure-truth_{name.replace(' ', '-')}"] = joined(runs, "rule", [way.name for way in WAYS])
        if options.keep:
            options.keep(*list(datasets.items())[-1])
    return FigureData(datasets, _claims(datasets))


def _claims(datasets: dict[str, xarray.Dataset]) -> list[Claim]:
    claims = []
    for name, data in datasets.items():
        task = name.partition("_")[2].replace("-", " ")
        source = BEFORE if task == "exclusive or" else OPEN
        for rule in data.rule.values:
            what, one = f"{task}, {rule} rule", data.sel(rule=rule)
            claims += [solved_more("truth", what, one, 0, source), ends_higher("truth", what, one, 0, source)]
            claims.append(ends_alike("truth", what, one, ALIKE[str(rule)], OPEN))
        claims.append(Claim(
            "truth", f"{task}: largest share of states that did not settle", 0.0, 0.01, float(data.unsettled.max()),
            source=HEALTH,
        ))  # fmt: skip
    return claims
