"""What survives what: `python benchmarks/reliability kills --mode single --count 100`, `damages`, `trouble`, `fuzz`, `draw`.

Every study keeps its numbers as JSON in --out; `draw` makes the figures and tables of docs/reliability.md of them. `fuzz`
prints its table, and writes every distinct finding to --out/fuzz with the command that repeats it.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))  # the rigs


def main() -> int:
    options = _options()
    folder = options.out.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if options.study == "fuzz":
        return _fuzz(options, folder / "fuzz")
    if options.study == "draw":
        from figures import draw

        draw(folder, options.images)
        return 0
    if options.study == "kills":
        from kills import study
        from subjects import Subject, experiment
        from victims import victim

        subject = Subject.prepared(folder / options.mode, experiment())
        with victim(options.mode, subject) as prey:
            prey.within = options.within or prey.within
            found = asdict(study(options.mode, prey, subject, options.count, options.seed, options.at_work))
        name, bad = f"kills-{options.mode}", any(found["counts"].values())
    elif options.study == "damages":
        from damages import damages

        found = damages(folder, options.count, options.seed)
        name, bad = "damages", bool(found["unnoticed"] or found["wrong"])
    else:
        from trouble import trouble

        found = trouble(folder)
        name, bad = "trouble", not all(case["holds"] for case in found["cases"])
    (folder / f"{name}.json").write_text(json.dumps(found, indent=1))
    print(
        json.dumps(
            {key: value for key, value in found.items() if key in ("counts", "stores", "cases", "unnoticed", "wrong")}
        )
    )
    return int(bad)


def _fuzz(options: argparse.Namespace, folder: Path) -> int:
    from fuzz.campaign import Budget, campaign, report
    from fuzz.subjects import NAMES

    names = options.subject or list(NAMES)
    one = options.only is not None
    budget = Budget(1, first=options.only) if one else Budget(options.count, options.seconds, options.first)
    tallies = campaign(names, budget, options.seed, options.jobs, folder, options.patience)
    print(report(tallies, folder))
    if one:
        for path in sorted(folder.glob(f"*-{options.seed}-{options.only}.txt")):
            print(f"\n{path.read_text(encoding='utf-8')}")
    return int(any(tally.found for tally in tallies))


def _options() -> argparse.Namespace:
    from fuzz.subjects import NAMES, SUBJECTS
    from victims import MODES

    parser = argparse.ArgumentParser(prog="python benchmarks/reliability", description=__doc__)
    parser.add_argument("study", choices=("kills", "damages", "trouble", "fuzz", "draw"))
    parser.add_argument("--mode", choices=MODES, default="single")
    parser.add_argument("--count", type=int, default=100, help="kills, damages, or inputs of each subject")
    parser.add_argument("--seed", type=int, default=0, help="of the moments, places and inputs")
    parser.add_argument("--within", type=float, help="longest time to a kill in seconds; longer where start-up is slow")
    parser.add_argument("--at-work", action="store_true", help="count the time to a kill from the first new steps on")
    parser.add_argument("--subject", choices=[*SUBJECTS], action="append", help=f"what is fed; all when left out: {NAMES}")
    parser.add_argument("--seconds", type=float, help="fuzz for so long, instead of --count inputs")
    parser.add_argument("--first", type=int, default=0, help="the number of the first input to try")
    parser.add_argument("--only", type=int, help="the number of the one input to try")
    parser.add_argument("--patience", type=float, default=10.0, help="seconds of computing after which an input hangs")
    parser.add_argument("--jobs", type=int, default=2, help="subjects that are fed at once")
    parser.add_argument("--out", type=Path, default=Path("results/reliability"), help="folder for stores and numbers")
    parser.add_argument("--images", type=Path, default=Path("docs/images"), help="folder for the figures of `draw`")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
