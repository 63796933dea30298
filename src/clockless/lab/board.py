"""The board that learns on the page: the library's own learners, and everything that was done to them, in order.

A turned knob goes on as `Run.extended(.., clock=..)` does, with the same coins; a cut edge or a held node begins anew from
the present parameters, as `train(.., initial=run.parameters)` does. So the history can be written as Python (`as_python`)
that repeats the bits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from clockless.errors import DescriptionError, ParameterError, shown
from clockless.experiments.descriptions import built, built_on, described
from clockless.lab.drawn import drawn
from clockless.lab.settings import Setting, built_setting
from clockless.learning.contracts import Arrays, Replica
from clockless.workers.ensemble import Ensemble, Group
from clockless.workers.runs import going_on, in_memory
from clockless.workers.train import combinations

_SECTIONS = ("rule", "clock", "device", "optimiser")


@dataclass
class Stage:
    """What was done, and how many steps it has been so since.

    Attributes:
        what: began, turned, cut, or held.
        setting: as it was from then on.
        about: the edge that was cut and the parameter that went with it, (node, value, whether wiring and task had to be
            told) of what was held, (section, path) of every knob that was turned.
        steps: steps done since.
    """

    what: str
    setting: Setting
    about: tuple[Any, ...] = ()
    steps: int = 0


class Look(NamedTuple):
    """What a board is now.

    Attributes:
        parameters: of the board that is drawn [parameter].
        remembered: what its states follow from; its parameters, and what else its medium says.
        acted: how often each of its units has acted since last asked [unit].
    """

    parameters: np.ndarray
    remembered: np.ndarray
    acted: np.ndarray


def parts_of(setting: Setting) -> dict[str, Any]:
    """The parts that `train` takes, as objects; the clock is a list where the board has a twin."""
    clocks = [built("clock", clock) for clock in setting.clocks]
    one = {
        name: built(name, dict(setting.parts[name])) if setting.parts[name] is not None else None
        for name in ("rule", "device", "optimiser")
    }
    return {**one, "clock": clocks if setting.reference else clocks[0]}


class Board:
    """One board, its twin with p = 1, and the boards behind both.

    Args:
        setting: what it is made of.

    Raises:
        ClocklessError: what does not fit together.
    """

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.wiring, self.medium, self.task = built_setting(setting)
        self.drawn = drawn(self.medium, self.wiring, self.task)
        self.before = 0  # steps before the present learners began
        self._begin(self._nouns(self._initial()))
        self.history = [Stage("began", setting)]

    def _nouns(self, initial: Any) -> dict[str, Any]:
        setting, batch = self.setting, self.setting.parts["batch"]
        seeds = list(range(setting.seed, setting.seed + setting.replicas)) if setting.replicas > 1 else setting.seed
        return {
            "medium": self.medium, "task": self.task, **parts_of(setting), "initial": initial, "seed": seeds,
            "batch": built("batch", dict(batch)) if isinstance(batch, dict) else batch,
        }  # fmt: skip

    def _initial(self) -> Any:
        initial = self.setting.parts["initial"]
        return built("initial", dict(initial)) if isinstance(initial, dict) else initial

    def _begin(self, nouns: dict[str, Any]) -> None:
        ensemble = Ensemble(combinations(nouns), False, 64)
        ensemble.advance(np.array([0]), 1, None)
        self._nouns_now, self._ensemble = nouns, ensemble
        self._acted = np.zeros(self.medium.units)
        self._looked: dict[tuple[int, int], Arrays] = {}
        self._keep_events()

    def _keep_events(self) -> None:
        learner, place = self._mine()
        if hasattr(learner, "keep_events"):
            learner.keep_events(place)

    # --- time ------------------------------------------------------------------------------------------------------

    @property
    def step(self) -> int:
        """Steps since the board began."""
        return self.before + self._step

    @property
    def _step(self) -> int:
        return int(self._ensemble.groups[0].learner.step)

    @property
    def replica(self) -> Replica:
        """The board that is drawn."""
        return self._ensemble.replicas[self._drawn]

    @property
    def _drawn(self) -> int:
        return self.setting.replicas if self.setting.reference else 0

    def advance(self, steps: int) -> None:
        """Let all boards learn."""
        last = self._step + steps
        for group in self._ensemble.groups:
            group.learner.advance(last)
        self.history[-1].steps += steps

    # --- what is done to it ------------------------------------------------------------------------------------------

    def turn(self, section: str, path: str, value: float) -> None:
        """Go on with another number in a part.

        Raises:
            ClocklessError: there is no such number, or the part does not take it; the board is as it was.
        """
        setting = self.setting.turned(section, path, value)
        setting = setting.changed(section, described(section, dict(setting.parts[section]), section))
        nouns, replicas = going_on(self._nouns_now, {section: parts_of(setting)[section]})
        ensemble = self._ensemble.copied(replicas)
        for group in ensemble.groups:
            group.learner.advance(self._step)
        self.setting, self._nouns_now, self._ensemble, self._looked = setting, nouns, ensemble, {}
        self._keep_events()
        last = self.history[-1]
        before = self.history.pop().about if last.what == "turned" and not last.steps else ()
        self.history.append(Stage("turned", setting, tuple(dict.fromkeys([*before, (section, path)]))))

    def cut(self, edge: int) -> None:
        """Cut an edge out, and go on with the others as they are.

        Raises:
            ClocklessError: no such edge, or the network would fall apart; the board is as it was.
        """
        if self.drawn.can_be_cut:
            raise ParameterError(self.drawn.can_be_cut)
        lists = [name for name, value in self.setting.parts["medium"].items() if isinstance(value, list) and name != "rails"]
        if lists:
            raise ParameterError(f"the medium has a list of its edges ({lists[0]}), which would no longer fit; cut none.")
        place = self._place_of(edge)
        wiring = self.wiring.without(edge)
        parameters = self._run().parameters
        left = parameters if place is None else parameters.drop_isel({self._named_by(parameters): place})
        self._anew(Stage("cut", self.setting, (edge, place)), wiring, self._medium_on(wiring), self.task, left)

    def _medium_on(self, wiring: Any) -> Any:
        return built_on("medium", dict(self.setting.parts["medium"]), described("network", wiring, "network"))

    @staticmethod
    def _named_by(parameters: Any) -> str:
        """The dimension of the parameters of edges: of phases those of couplings."""
        return "W_number" if "W_number" in parameters.dims else "edge"

    def _place_of(self, edge: int) -> int | None:
        """Which parameter goes with an edge; none where others share it, or where it learns nothing."""
        edges = self.drawn.network.edges
        if not 0 <= edge < len(edges):
            raise ParameterError(f"edge {edge} does not exist; there are {len(edges)}.")
        shared = getattr(self.medium, "shared", None)
        if shared is not None:
            return int(shared[edge]) if np.sum(shared == shared[edge]) == 1 else None
        learning = np.asarray(getattr(self.medium, "learning", np.arange(len(edges))))
        found = np.flatnonzero(learning == edge)
        return int(found[0]) if found.size else None

    def hold(self, node: int, value: float) -> None:
        """Hold a node at a value in all examples, and go on from the present parameters.

        Raises:
            ClocklessError: no such node, or one that has another role; the board is as it was.
        """
        if self.drawn.can_be_held:
            raise ParameterError(self.drawn.can_be_held)
        if not 0 <= node < self.drawn.network.nodes:
            raise ParameterError(f"node {shown(node)} does not exist.")
        wiring, task, medium = self.wiring, self.task, self.medium
        told = hasattr(wiring, "holding"), not task.wired and hasattr(wiring, "inputs")
        if told[1]:
            task = replace(task, inputs=wiring.inputs, outputs=wiring.outputs)
        task = task.holding(node, value)
        if told[0] and node not in wiring.inputs:
            wiring = wiring.holding(node)
            medium = self._medium_on(wiring)
        told = wiring is not self.wiring, told[1]
        self._anew(Stage("held", self.setting, (node, value, *told)), wiring, medium, task, self._run().parameters)

    def _anew(self, stage: Stage, wiring: Any, medium: Any, task: Any, initial: Any) -> None:
        """Other learners that begin with the present parameters; nothing has changed if they cannot be made."""
        before = self.wiring, self.medium, self.task, self.drawn
        self.wiring, self.medium, self.task = wiring, medium, task
        done = self._step
        try:
            self.drawn = drawn(medium, wiring, task)
            self._begin(self._nouns(initial))
        except BaseException:
            self.wiring, self.medium, self.task, self.drawn = before
            raise
        self.before += done
        if self.history[-1].what == "turned" and not self.history[-1].steps:
            self.history.pop()
        self.history.append(stage)

    def _run(self) -> Any:
        """The present learners as `train` would return them."""
        now = self._step
        self._ensemble.advance(np.unique([0, now]), 1, None)
        run = in_memory(self._ensemble, self._nouns_now, np.unique([0, now]), now)
        for group in self._ensemble.groups:
            group.seen = group.seen.only({0})
        return run

    # --- what is seen of it ------------------------------------------------------------------------------------------

    def _mine(self) -> tuple[Any, int]:
        """The learner of the board that is drawn, and its place in it."""
        for group in self._ensemble.groups:
            if self._drawn in group.members:
                return group.learner, group.members.index(self._drawn)
        raise AssertionError("every replica has a learner")

    def errors(self) -> np.ndarray:
        """Test errors now [clock, replica], in the medium's own unit."""
        found = np.full(len(self._ensemble.replicas), np.nan)
        for group in self._ensemble.groups:
            found[group.members] = self._measured(group)["error"]
        return found.reshape(len(self.setting.clocks), self.setting.replicas)

    def _measured(self, group: Group) -> Arrays:
        """What is recorded of a group's learner now, found once for all that ask."""
        key = id(group), group.learner.step
        if key not in self._looked:
            others = {id(each) for each in self._ensemble.groups}
            now = (found for found in self._looked.items() if found[0][0] in others and found[0][1] == key[1])
            self._looked = {**dict(now), key: group.learner.measure()}
        return self._looked[key]

    def look(self) -> Look:
        """The board that is drawn, now."""
        learner, place = self._mine()
        group = next(group for group in self._ensemble.groups if self._drawn in group.members)
        now = self._measured(group)
        recorded = {name: np.stack([first[0], now[name]], axis=1) for name, first in group.seen.recorded.items()}
        results = learner.results(recorded)
        counts = results["actions"] if "actions" in results else results["updates"][:, -1]  # of modules
        acted, self._acted = counts[place] - self._acted, counts[place].copy()
        names = getattr(self.medium, "remembers", ("parameters",))
        return Look(results["parameters"][place], np.concatenate([results[name][place] for name in names]), acted)

    def trouble(self) -> str:
        """What has gone wrong on the board that is drawn; "" if nothing has."""
        said = str(getattr(self._mine()[0], "trouble", ""))
        if not said and not np.isfinite(self.errors()[-1, 0]):
            said = "the error is not finite any more: rate or nudge are too large."
        return said

    def events(self) -> tuple[np.ndarray, np.ndarray]:
        """Times in seconds and edges of the events since last asked, where the medium has any."""
        learner, place = self._mine()
        if not hasattr(learner, "kept_events"):
            return np.zeros(0), np.zeros(0, dtype=np.int64)
        times, edges = learner.kept_events(place)
        return times + self.before, edges

    def picture(self, example: int) -> dict[str, np.ndarray]:
        """What is shown: `state` [node] for a test example, `parameters` and `acted` [edge], `nodes_acted` [node]."""
        look, replica = self.look(), self.replica
        x = replica.task.x_test[example : example + 1]
        luck = replica.luck._replace(step=self._step)
        edges, nodes = self.drawn.acted(look.acted)
        return {
            "state": self.drawn.state(look.remembered, x, replica.task, luck),
            "parameters": self.drawn.learned(look.parameters), "acted": edges, "nodes_acted": nodes,
        }  # fmt: skip

    def check_example(self, number: int) -> int:
        """The number, or DescriptionError where the task has not so many examples."""
        if number >= len(self.task.x_test):
            raise DescriptionError(f"example {number} does not exist; there are {len(self.task.x_test)}.")
        return number
