"""The part of a `Run` that is looked at: curves, machines, films, and what a notebook shows of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.errors import ParameterError, whole
from clockless.learning.contracts import Replica
from clockless.learning.own import Medium
from clockless.pictures.media import medium_figure

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure

    from clockless.pictures.films import Film


class Pictured:
    """Pictures of a run; machines are named by place on the axes, such as `clock=1`, the first where nothing is said."""

    data: xarray.Dataset
    medium: Any
    _replicas: list[Replica]
    if TYPE_CHECKING:

        @property
        def steps(self) -> int: ...
        def _values(self, replica: int, step: int | None = None) -> np.ndarray: ...
        def _luck(self, replica: Replica) -> Any: ...
        def _number(self, replica: dict[str, int]) -> int: ...

    def plot(self, against: str = "step x p") -> Figure:
        """Test error, one line per combination of rule, clock, device and batch.

        Lines are means over tasks, initial values and seeds; bands are 95 % intervals of the mean, whose lower edge is cut
        at a fifth of the mean.

        Args:
            against: "step x p" counts updates per unit, "step" counts steps.

        Raises:
            ParameterError: another `against`, or a run that recorded step 0 only.
        """
        from clockless.pictures import error_figure

        return error_figure(self.data, against)

    def draw(self, step: int | None = None, **replica: int) -> Figure:
        """A picture of one machine at the end, or at a recorded step of a run with `traces=True`.

        Args:
            step: learning steps done.
            replica: which one, by place on the axes, such as `clock=1`; the first where nothing is said.

        Raises:
            ParameterError: a step that was not recorded, an axis that is not there, or a medium that draws no pictures.
        """
        if step is not None:
            whole("step", step)
        number = self._number(replica)
        mine = self._replicas[number]
        if isinstance(mine.medium, Medium) and not hasattr(mine.medium, "draw"):
            return medium_figure(mine.medium, self._values(number, step), mine.task)
        if not hasattr(mine.medium, "draw"):
            raise ParameterError(f"{type(mine.medium).__name__} has no picture of itself; run.plot() shows its errors.")
        figure: Figure = mine.medium.draw(self._values(number, step), mine.task, self._luck(mine))
        return figure

    def animate(self, example: int = 0, seconds: float = 6.0, **replica: int) -> Film:
        """How one machine learns: edges by what they have learned, nodes by the voltages or phases to which they settle.

        A notebook shows the film; `.save("film.gif")`, or `.mp4` and `.webm` where ffmpeg is installed, keeps it. Colours
        mean the same in every picture.

        Args:
            example: number of the test example at whose inputs it is held.
            seconds: how long it takes.
            replica: which machine, by place on the axes.

        Raises:
            ParameterError: a run without `traces=True`, a medium without a network of one parameter an edge, or an example
                or machine that there is not.
        """
        from clockless.pictures.films import Film, Shot
        from clockless.pictures.shown import learns

        number = self._number(replica)
        mine = self._replicas[number]
        if "traces" not in self.data:
            raise ParameterError("parameters were kept at the end only, which is one picture; train with traces=True.")
        if whole("example", example) >= len(mine.task.x_test):
            raise ParameterError(f"example = {example}, but the test set has {len(mine.task.x_test)} examples.")
        architecture = getattr(mine.medium, "architecture", None)
        network: Any = getattr(mine.medium, "network", None)
        errors = self.data.error.transpose(..., "step").values.reshape(-1, self.data.sizes["step"])[number].tolist()
        shots = []
        for step, error in zip(self.data.step.values.tolist(), errors, strict=True):
            values = self._values(number, step)
            shots.append(Shot(step, _of_edges(mine.medium, values), self._state_at(mine, values, example), error))
        phases = bool(architecture is not None and hasattr(mine.medium, "couplings"))
        measure = getattr(mine.medium, "state_measure", "")
        labels = learns(mine.medium), f"state of nodes ({measure})" if measure else "state of nodes"
        return Film(network, shots, labels, phases, seconds)

    def _learned_by_edges(self) -> np.ndarray | None:
        """What the edges of the first machine have learned [edge]; nothing where edges are not what learns."""
        try:
            return _of_edges(self._replicas[0].medium, self._values(0))
        except ParameterError:
            return None

    def _state_at(self, mine: Replica, values: np.ndarray, example: int) -> np.ndarray | None:
        """What the nodes settle to [node]; nothing where the state is not one number a node."""
        medium: Any = mine.medium
        if not hasattr(medium, "state"):
            return None
        found = np.asarray(medium.state(values, mine.task.x_test[example : example + 1], mine.task, self._luck(mine)))[0]
        return found if len(found) == medium.network.nodes else None

    def slider(self, steps: int | None = None) -> Any:
        """A slider of p in a notebook (ipywidgets): the first machine learns anew with coins of that p, beside this run.

        Args:
            steps: of every new run; as many as this one if nothing is said, 2,000 at most.

        Raises:
            ParameterError: ipywidgets is not installed.
        """
        from clockless.workers.sliders import slider

        return slider(self, steps)

    def _repr_html_(self) -> str:
        from clockless.pictures.cards import card, curves_picture
        from clockless.pictures.shown import medium_picture

        first = self._replicas[0]
        sizes = ", ".join(f"{name}: {size}" for name, size in self.data["failed"].sizes.items()) or "a single machine"
        last = self.data["error"].isel(step=-1)
        failed = int(self.data["failed"].sum())
        rows = [
            ("medium", repr(self.medium)),
            ("task", first.task.name),
            ("rule", repr(first.rule)),
            ("machines", sizes),
            ("steps", f"{self.steps:,}"),
            ("test error", f"median {float(last.median()):.3g} at the end"),
            ("failed", f"{failed} of {self.data['failed'].size}" if failed else None),
            ("look at", "run.data, run.plot(), run.draw(), run.predict(x)"),
        ]
        machine = medium_picture(self.medium, first.task if first.task.wired else None, self._learned_by_edges())
        return card("Run", rows, curves_picture(self.data) + machine)


def _of_edges(medium: Any, values: np.ndarray) -> np.ndarray:
    """What each edge has learned [edge], NaN where it learns nothing.

    Raises:
        ParameterError: a medium that has no such numbers.
    """
    from clockless.networks.network import Network

    network = getattr(medium, "network", None)
    name = type(medium).__name__
    if not isinstance(network, Network):
        raise ParameterError(f"{name} stands on no network, so there is nothing to animate; see run.plot().")
    if hasattr(medium, "split"):  # phases: couplings that edges may share
        split = medium.split(values)
        shared = getattr(getattr(medium, "architecture", None), "shared", None)
        weights: np.ndarray = np.asarray(split.W)
        return weights if len(weights) == len(network.edges) else weights[shared]
    learning = getattr(medium, "learning", None)
    if learning is not None and len(learning) == len(values):
        spread = np.full(len(network.edges), np.nan)
        spread[learning] = values
        return spread
    if len(values) != len(network.edges):
        raise ParameterError(f"{name} has {len(values)} parameters on {len(network.edges)} edges; see run.draw().")
    return values
