"""Films of machines that learn: edges by what they have learned, nodes by their voltages or phases, on fixed scales.

Frames are drawn by matplotlib; GIFs are written by Pillow, which comes with it, videos by ffmpeg where it is installed.
"""

from __future__ import annotations

import base64
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from clockless import disk
from clockless.errors import OutputError, ParameterError, shown
from clockless.networks.network import Network
from clockless.pictures.networks import placed
from clockless.pictures.style import COLUMN, in_house_style, subplots

if TYPE_CHECKING:
    from matplotlib.animation import FuncAnimation
    from matplotlib.figure import Figure

_MOST_SHOTS = 60  # pictures of a film
_DOTS = 110  # per inch
_WRITERS = {".gif": "pillow", ".mp4": "ffmpeg", ".webm": "ffmpeg"}


class Shot(NamedTuple):
    """One picture: learning steps done, parameters [edge], what nodes settle to [node] or nothing, test error."""

    step: int
    values: np.ndarray
    state: np.ndarray | None
    error: float


class Film:
    """Pictures of one machine in the order of its steps; a notebook shows it, `save` writes it.

    Args:
        network: whose nodes and edges are drawn.
        shots: the pictures; of more than sixty, sixty are taken.
        labels: what the colours of edges and those of nodes mean.
        phases: states are angles, and their colours those of the phase pictures.
        seconds: how long it takes.
    """

    def __init__(
        self, network: Network, shots: Sequence[Shot], labels: tuple[str, str], phases: bool, seconds: float
    ) -> None:
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds <= 600:
            raise ParameterError(f"seconds = {shown(seconds)}; give a number above 0, 600 at most.")
        kept = np.unique(np.linspace(0, len(shots) - 1, min(len(shots), _MOST_SHOTS)).round().astype(int))
        self.network, self.shots = network, [shots[k] for k in kept]
        self.labels, self.phases, self.seconds = labels, phases, float(seconds)

    def __repr__(self) -> str:
        return f"Film({len(self.shots)} pictures, {self.seconds:g} s; .save('film.gif'))"

    def _repr_html_(self) -> str:
        from matplotlib.animation import writers

        suffix = ".mp4" if writers.is_available("ffmpeg") else ".gif"
        with tempfile.TemporaryDirectory() as folder:
            data = base64.b64encode(self.save(Path(folder) / f"film{suffix}").read_bytes()).decode("ascii")
        about = f"A machine that learns, {len(self.shots)} pictures"
        if suffix == ".mp4":
            return f'<video controls loop autoplay muted aria-label="{about}" src="data:video/mp4;base64,{data}"></video>'
        return f'<img alt="{about}" src="data:image/gif;base64,{data}">'

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the film as .gif, or where ffmpeg is installed as .mp4 or .webm.

        Raises:
            ParameterError: another ending, or a video without ffmpeg.
            OutputError: the file cannot be written.
        """
        import matplotlib.pyplot as plt
        from matplotlib.animation import writers

        place = Path(path)
        writer = _WRITERS.get(place.suffix)
        if writer is None:
            raise ParameterError(f"{place} ends in {place.suffix or 'nothing'}; films are .gif, .mp4 or .webm.")
        if not writers.is_available(writer):
            raise ParameterError(f"a {place.suffix} needs the program ffmpeg, which is not installed here; save a .gif.")
        figure, animation = self._animated()
        try:
            with disk.replacing(place) as temporary, tempfile.TemporaryDirectory() as folder:
                made = Path(folder) / f"film{place.suffix}"  # by whose ending a writer chooses
                animation.save(made, writer=writer, fps=self._pace, dpi=_DOTS)
                temporary.write_bytes(made.read_bytes())
        except OSError as error:
            raise OutputError(f"cannot write {place} ({error.strerror or error}); choose another place.") from None
        finally:
            plt.close(figure)
        return place

    @property
    def _pace(self) -> Any:
        """Pictures a second; no whole number, as matplotlib's signature asks but its writers do not."""
        return len(self.shots) / self.seconds

    def frame(self, number: int) -> Figure:
        """One picture as a figure, to be looked at or printed."""
        figure, change = self._stage()
        change(number)
        return figure

    def _animated(self) -> tuple[Figure, FuncAnimation]:
        from matplotlib.animation import FuncAnimation

        figure, change = self._stage()
        return figure, FuncAnimation(figure, change, frames=len(self.shots), blit=False, cache_frame_data=False)

    def _stage(self) -> tuple[Figure, Any]:
        """A figure with scales that hold for all pictures, and what makes picture number k of it."""
        made: list[Any] = []

        @in_house_style
        def stage() -> Figure:
            figure, axes = subplots(1, 1, (1.25 * COLUMN, COLUMN))
            made.append(self._dressed(axes))
            return figure

        return stage(), made[0]

    def _dressed(self, axes: Any) -> Any:
        from matplotlib.collections import LineCollection

        places = placed(self.network)
        tables = np.array([shot.values for shot in self.shots])
        there = np.isfinite(tables[0])
        lines = LineCollection(list(places[self.network.edges[there]]), cmap="cividis", linewidths=2.0, zorder=1)
        lines.set_norm(_scale(tables[:, there]))
        if (~there).any():
            axes.add_collection(LineCollection(list(places[self.network.edges[~there]]), colors="0.7", linewidths=1.0))
        axes.add_collection(lines)
        axes.figure.colorbar(lines, ax=axes, label=self.labels[0] or "learned", shrink=0.7, pad=0.02)
        nodes = self._nodes(axes, places)
        title = axes.set_title("")
        axes.set_aspect("equal")
        axes.axis("off")

        def change(number: int) -> tuple[Any, ...]:
            shot = self.shots[number]
            lines.set_array(shot.values[there])
            if shot.state is not None:
                if self.phases:
                    from clockless.pictures.lattices import phase_colours

                    nodes.set_facecolor(phase_colours(shot.state))
                else:
                    nodes.set_array(shot.state)
            title.set_text(f"step {shot.step:,}, test error {shot.error:.2g}")
            return lines, nodes, title

        return change

    def _nodes(self, axes: Any, places: np.ndarray) -> Any:
        states = [shot.state for shot in self.shots if shot.state is not None]
        size = 60 if self.network.nodes <= 40 else 25
        if not states:
            return axes.scatter(*places.T, s=10, color="0.35", zorder=2)
        if self.phases:
            return axes.scatter(*places.T, s=size, edgecolor="black", linewidths=0.4, zorder=2)
        low, high = float(np.nanmin(states)), float(np.nanmax(states))
        nodes = axes.scatter(*places.T, s=size, c=states[0], cmap="coolwarm", vmin=low, vmax=high, edgecolor="black",
                             linewidths=0.4, zorder=2)  # fmt: skip
        axes.figure.colorbar(nodes, ax=axes, label=self.labels[1], shrink=0.7, pad=0.02)
        return nodes


def _scale(tables: np.ndarray) -> Any:
    """Logarithmic where all values are positive and span a factor of 10."""
    from matplotlib.colors import LogNorm, Normalize

    low, high = float(np.nanmin(tables)), float(np.nanmax(tables))
    if low > 0 and high > 10 * low:
        return LogNorm(low, high)
    return Normalize(low, high if high > low else low + 1e-9)
