"""Studies in YAML and TOML, with flags: damaged as data and as text, read, and checked as `clockless run` would."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from clockless.experiments import files
from clockless.experiments.experiment import Experiment
from clockless.experiments.jobs import Jobs
from clockless.experiments.parsing import with_powers
from fuzz.attempts import Case, Finding
from fuzz.mutations import NUMBERS, WORDS, changed_bytes, changed_text, changed_tree
from fuzz.subjects.descriptions import FLAGS, STUDIES, YAML

_WIDTH = 64
_CANARY = "import sys\nsys.modules['ran'] = None\n\nclass Odd:\n    pass\n"  # if it is run, the guard hears of it


class Fed:
    """Read a study; what is accepted has a finite meaning, and the same one when it has been written and read again."""

    def prepare(self, fixtures: Path) -> None:
        """Check that the studies are ones, and load what they name."""
        for study in STUDIES:
            Jobs(Experiment.of(study), _WIDTH).check()

    def attempt(self, case: Case) -> None:
        """One file with flags."""
        replaced: list[tuple[Any, Any]] = []
        with case.quietly():
            path, flags = self._made(case, replaced)
        experiment = files.read(path, flags)
        _check_again(case, experiment)
        case.guard.code = True  # an own part may be run now
        work = Jobs(experiment, _WIDTH)
        work.check()
        _check_finite(experiment.plain(), "")
        if sum(map(len, work.members)) != experiment.replicas:
            raise Finding("wrong", f"{experiment.replicas} replicas, but jobs for {sum(map(len, work.members))}")
        for old, new in replaced:
            if not flags and _means_nothing(old, new):
                raise Finding("nonsense", f"{new!r} in place of {old!r} is accepted")

    def _made(self, case: Case, replaced: list[tuple[Any, Any]]) -> tuple[Path, list[str]]:
        chance = case.chance
        study, suffix = chance.one(STUDIES), chance.one([".yaml", ".yaml", ".toml"])
        as_data, as_text = chance.one([(True, False), (True, False), (False, True), (True, True), (False, False)])
        if as_data:
            study, leaves = changed_tree(study, chance)
            replaced += leaves if not as_text else []
        text = _written(study, suffix)
        if as_text:
            text = changed_text(text, chance, YAML)
        content = text.encode("utf-8", "surrogatepass")
        if not as_data and chance.with_odds(0.3):
            content = changed_bytes(content, chance)
        path = case.folder / f"study{suffix}"
        path.write_bytes(content)
        (case.folder / "canary.py").write_text(_CANARY)
        flags = []
        if chance.with_odds(0.4) or not (as_data or as_text):
            flags = [chance.one([*FLAGS, *FLAGS, *WORDS, *map(str, NUMBERS)]) for _ in range(2 * chance.few(3))]
            flags[::2] = [flag if flag.startswith("--") else chance.one(FLAGS) for flag in flags[::2]]
        case.shows(path.name, content.decode("utf-8", "replace"), flags)
        return path, flags


def _written(study: Any, suffix: str) -> str:
    """As a user may have written it, if that language has words for it."""
    import tomli_w
    import yaml

    if suffix == ".toml":
        try:
            return tomli_w.dumps(study)
        except (TypeError, AttributeError, ValueError):  # TOML has no nothing, and its whole must be a table
            return str(study)
    dumper = with_powers(type("Dumper", (yaml.SafeDumper,), {}))  # the word '1e3' in quotes
    return yaml.dump(study, Dumper=dumper, sort_keys=False, default_flow_style=None, allow_unicode=True)


def _check_finite(value: Any, where: str) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise Finding("nonsense", f"{where} = {value} is accepted")
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        _check_finite(item, f"{where}.{key}")


def _check_again(case: Case, experiment: Experiment) -> None:
    for suffix in (".yaml", ".toml"):
        place = case.folder / f"again{suffix}"
        files.write(experiment, place)
        again = files.read(place)
        if again.fingerprint != experiment.fingerprint or again.title != experiment.title:
            raise Finding("wrong", f"written as {suffix} and read again it is another experiment")


def _means_nothing(old: Any, new: Any) -> bool:
    """Whether a value of this type cannot stand where the old one did."""
    number = isinstance(old, (int, float)) and not isinstance(old, bool)
    if number:
        return isinstance(new, (bool, str)) and new != "full"
    return isinstance(old, bool) and not isinstance(new, bool)
