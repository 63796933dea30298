"""What is on the screen as text: Python that repeats it bit for bit, and a study that `clockless run` takes."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import groupby
from typing import Any

from clockless.errors import ParameterError
from clockless.experiments.catalogue import CATALOGUE, kind_of
from clockless.experiments.descriptions import canonical, described
from clockless.experiments.experiment import Experiment
from clockless.experiments.files import text_of
from clockless.lab.board import Board, Stage
from clockless.lab.settings import Setting

_PUBLIC = ("clockless", "clockless.networks", "clockless.architectures", "clockless.windows", "clockless.tasks",
           "clockless.phase_tasks", "clockless.laws")  # fmt: skip
_USUAL = {"device": {"kind": "continuous", "comparator": {"kind": "ideal"}}, "optimiser": None, "batch": "full"}


class Text:
    """Python that grows line by line, and the imports that it needs."""

    def __init__(self) -> None:
        self.imports = {"import clockless as cl"}
        self.lines: list[str] = []

    def expression(self, section: str, description: Any, *filled: str) -> str:
        """What a description stands for, as Python; one's own parts stay descriptions, which `train` takes as well."""
        if not isinstance(description, Mapping):
            return repr(description)
        kind = kind_of(section, description["kind"], section)
        if kind.is_own:
            return repr({name: value for name, value in description.items() if name != "digest"})
        named, listed = [], list(filled)
        for name, parameter in kind.fields().items():
            value = description.get(name, parameter.default)
            if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
                listed += [repr(item) for item in value]
                continue
            if name not in description or _is_default(section, description["kind"], name, value):
                continue
            if name in kind.parts and isinstance(value, list):
                text = f"[{', '.join(self.expression(name, item) for item in value)}]"
            else:
                text = self.expression(kind.section_of(name), value)
            named.append(f"{name}={text}")
        return f"{self._called(kind.path)}({', '.join([*listed, *named])})"

    def _called(self, path: str) -> str:
        found = _public_name(path)
        if found is not None:
            return found
        module, _, name = path.partition(":")
        self.imports.add(f"from {module} import {name}")
        return name

    def medium(self, setting: Setting) -> str:
        """The medium, on `network` where it stands on one."""
        description = dict(setting.parts["medium"])
        kind = kind_of("medium", description["kind"], "medium")
        if kind.is_own:
            return self._own_medium(description)
        if not on_a_network(description):
            return self.expression("medium", description)
        if kind.filled:
            return self.expression("medium", description, "network")
        made = self.expression("medium", description)
        if made != "Phases()":
            return f"{made}.on(network)"
        self.imports.discard(_PHASES)
        return "cl.XY(network)"

    def _own_medium(self, description: Mapping[str, Any]) -> str:
        """A class of one's own, imported from its file."""
        file, _, name = str(description["kind"]).partition(":")
        self.imports.add(f"from {file.removesuffix('.py')} import {name}")
        given = [f"{key}={value!r}" for key, value in description.items() if key not in ("kind", "digest", "tables")]
        return f"{name}({', '.join(['network', *given])})"

    def task(self, setting: Setting) -> str:
        """The task, on `network` where it is made for one."""
        description = dict(setting.parts["task"])
        filled = CATALOGUE["task"][description["kind"]].filled
        return self.expression("task", description, *(["network"] if filled else []))


def on_a_network(description: Mapping[str, Any]) -> bool:
    """Whether the medium of a description stands on the network of its section; layers bring their own."""
    kind = kind_of("medium", description["kind"], "medium")
    return kind.is_own or bool(kind.filled) or hasattr(kind.call, "on")


_PHASES = "from clockless.media.phases.described import Phases"


@cache
def _is_default_of(section: str, kind: str, name: str) -> str:
    parameter = kind_of(section, kind, section).fields()[name]
    if parameter.default is inspect.Parameter.empty:
        return ""
    complete = described(section, {"kind": kind, **_required(section, kind)}, section)
    return canonical(complete.get(name, parameter.default))  # some are left out where they have their default


def _is_default(section: str, kind: str, name: str, value: Any) -> bool:
    return canonical(value) == _is_default_of(section, kind, name)


def _required(section: str, kind: str) -> dict[str, Any]:
    """Something for the fields that have no default, so that the others can be asked for theirs."""
    known = kind_of(section, kind, section)
    fill = {"float": 0.5, "int": 3, "str": "word"}
    return {
        name: {"kind": "linear"} if name in known.parts else fill.get(str(parameter.annotation), [1])
        for name, parameter in known.fields().items()
        if parameter.default is inspect.Parameter.empty and parameter.kind is not inspect.Parameter.VAR_POSITIONAL
    }


@cache
def _public_name(path: str) -> str | None:
    """How `import clockless as cl` calls what stands at a path, if it does."""
    module, _, name = path.partition(":")
    wanted = getattr(importlib.import_module(module), name)
    for public in _PUBLIC:
        head, _, inner = public.partition(".")
        holder = importlib.import_module(head)
        holder = getattr(holder, inner) if inner else holder
        if name in dir(holder) and getattr(holder, name, None) is wanted:
            return ".".join(["cl", *([inner] if inner else []), name])
    return None


# --- Python ----------------------------------------------------------------------------------------------------------


def python_of(board: Board) -> str:
    """Python whose `run` has the parameters and errors of the board on the screen, bit for bit."""
    text, first = Text(), board.history[0].setting
    task, medium = text.task(first), text.medium(first)
    if "network" in task + medium:
        text.lines.append(f"network = {text.expression('network', dict(first.parts['network']))}")
    text.lines += [f"medium = {medium}", f"task = {task}"]
    initial = first.parts["initial"]
    for what, stages in groupby(board.history, key=_key):
        many = list(stages)
        if what[0] == "turned" and len(what) == 2 and len([stage for stage in many if stage.steps]) > 2:
            text.lines += _loop(text, many)
        else:
            for stage in many:
                text.lines += _stage(text, stage, initial)
        last = many[-1]
        if last.what == "began" and (last.setting.reference or last.setting.replicas > 1):
            text.lines.insert(-1, "# " + _about(last.setting))
    return "\n".join([*sorted(text.imports), "", *text.lines, ""])


def _key(stage: Stage) -> tuple[Any, ...]:
    return (stage.what, *stage.about) if stage.what == "turned" else (stage.what, id(stage))


def _about(setting: Setting) -> str:
    boards = "the board" if setting.replicas == 1 else f"{setting.replicas} boards, of which the first is drawn"
    return f"{boards}, and the same with p = 1 first" if setting.reference else boards


def _stage(text: Text, stage: Stage, initial: Any) -> Iterator[str]:
    if stage.what == "turned":
        if stage.steps:
            sections = dict.fromkeys(section for section, _ in stage.about)
            given = ", ".join(f"{section}={_part(text, stage.setting, section)}" for section in sections)
            yield f"run = run.extended({stage.steps}, {given})"
    elif stage.what == "cut":
        edge, place = stage.about
        name = "W_number" if stage.setting.parts["medium"]["kind"] == "xy" else "edge"
        yield f"network = network.without({edge})"
        yield "left = run.parameters" + (f".drop_isel({name}={place})" if place is not None else "")
        yield f"medium = {text.medium(stage.setting)}"
        yield _train(text, stage, "left")
    elif stage.what == "held":
        node, value, wired, named = stage.about
        if named:
            text.imports.add("from dataclasses import replace")
            yield "task = replace(task, inputs=network.inputs, outputs=network.outputs)"
        yield f"task = task.holding({node}, {value!r})"
        if wired:
            yield f"network = network.holding({node})"
            yield f"medium = {text.medium(stage.setting)}"
        yield _train(text, stage, "run.parameters")
    else:
        yield _train(text, stage, "" if initial is None else text.expression("initial", initial))


def _train(text: Text, stage: Stage, initial: str) -> str:
    setting = stage.setting
    nouns = {name: _part(text, setting, name) for name in ("rule", "clock")}
    for name in ("device", "optimiser", "batch"):
        if canonical(setting.parts[name]) != canonical(_USUAL[name]):
            nouns[name] = text.expression(name, setting.parts[name])
    if initial:
        nouns["initial"] = initial
    first = setting.seed
    nouns["seed"] = f"list(range({first}, {first + setting.replicas}))" if setting.replicas > 1 else str(first)
    given = ", ".join(f"{name}={value}" for name, value in nouns.items())
    return f"run = cl.train(medium, task, {given}, steps={stage.steps})"


def _part(text: Text, setting: Setting, section: str) -> str:
    if section == "clock" and setting.reference:
        return f"[{', '.join(text.expression('clock', clock) for clock in setting.clocks)}]"
    part = setting.clocks[-1] if section == "clock" else setting.parts[section]
    return text.expression(section, part)


def _loop(text: Text, stages: list[Stage]) -> Iterator[str]:
    """Many turns of one knob as one loop."""
    ((section, path),) = stages[0].about
    name = path.rpartition(".")[2]
    turned = [(stage.steps, _value(stage, section, path)) for stage in stages if stage.steps]
    part = _part(text, stages[-1].setting, section)
    whole, spelled = f"{name}={_value(stages[-1], section, path)!r}", f"{name}={name}"
    if whole not in part:  # it has its default now, and is not said
        yield from (line for stage in stages for line in _stage(text, stage, None))
        return
    yield f"for steps, {name} in {turned!r}:"
    yield f"    run = run.extended(steps, {section}={spelled.join(part.rsplit(whole, 1))})"


def _value(stage: Stage, section: str, path: str) -> Any:
    part: Any = stage.setting.parts[section]
    for name in path.split("."):
        part = part[name]
    return part


# --- a study -----------------------------------------------------------------------------------------------------------


def study_of(board: Board) -> str:
    """YAML for `clockless run`: the same board, or, where something was done to it, what goes on from what it has become."""
    setting, changed = board.setting, len(board.history) > 1
    run = board._run() if changed else None
    seeds = list(range(setting.seed, setting.seed + setting.replicas)) if setting.replicas > 1 else setting.seed
    clocks = setting.clocks if setting.reference else setting.clocks[0]
    if changed and board.medium.unit == "module":
        raise ParameterError("modules begin by their seed, so no study goes on from here; copy the board as Python instead.")
    wiring = {"network": board.wiring} if on_a_network(setting.parts["medium"]) else {}
    experiment = Experiment(
        **wiring, medium=dict(setting.parts["medium"]), task=board.task if changed else setting.parts["task"],
        rule=setting.parts["rule"], clock=clocks, device=setting.parts["device"], optimiser=setting.parts["optimiser"],
        batch=setting.parts["batch"], initial=setting.parts["initial"] if run is None else run.parameters,
        steps=max(board.step, 1), seeds=seeds,
    )  # fmt: skip
    said = f"goes on from the parameters after {board.step} steps" if changed else "as on the page, from the first step"
    return f"# {said}; run it with: clockless run study.yaml\n{text_of(experiment, '.yaml')}"
