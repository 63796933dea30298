"""Pictures of lattices: what colours, widths, dashes and markers say, and one sentence for what cannot be drawn."""

from __future__ import annotations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_rgb

from clockless.errors import ParameterError
from clockless.networks.architectures import Grid, all_to_all, dense, square, triangular, with_skips
from clockless.networks.windows import local, stacked
from clockless.pictures import lattices as lattice_drawing
from clockless.pictures.edges import edge_lines
from clockless.pictures.lattices import Snapshot, lattice_figure, phase_colours, response_figure, strip
from clockless.pictures.style import COLUMN, PAGE

mpl.use("Agg")

GRID = Grid(4, 5)
LATTICE = square(4, 5, [GRID.at(0, 0), GRID.at(0, -1)], [GRID.at(-1, 2)])
RNG = np.random.default_rng(5)
# Linear sRGB to OKLab (B. Ottosson 2020), the way back from what phase_colours does.
CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
OPPONENTS = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
# What is left of linear sRGB without one kind of cone (Machado et al. 2009, doi 10.1109/TVCG.2009.113, severity 1).
DICHROMATS = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
}


@pytest.fixture(autouse=True)
def close_figures():
    """No figure outlives its test."""
    yield
    plt.close("all")


def linear(colours: np.ndarray) -> np.ndarray:
    return np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)


def oklab(light: np.ndarray) -> np.ndarray:
    return np.cbrt(light @ CONES.T) @ OPPONENTS.T


def phases_of(architecture) -> np.ndarray:
    return RNG.uniform(-np.pi, np.pi, architecture.network.nodes)


def couplings_of(architecture) -> np.ndarray:
    return RNG.normal(size=architecture.couplings)


def bar_of(figure):
    return next(bar for axes in figure.axes for bar in axes.child_axes if "response" in bar.get_ylabel())


def lines_of(axes) -> LineCollection:
    return next(one for one in axes.collections if isinstance(one, LineCollection))


# --- colours of phases -----------------------------------------------------------------------------------


def test_equal_steps_of_phase_are_equal_steps_of_colour():
    """Within 1 % all round, with no seam at +-pi and nothing cut off at the edge of sRGB."""
    phases = np.linspace(-np.pi, np.pi, 73)
    colours = phase_colours(phases)
    np.testing.assert_allclose(colours[0], colours[-1], atol=1e-12)
    assert colours.min() > 0.0
    assert colours.max() < 1.0
    steps = np.linalg.norm(np.diff(oklab(linear(colours)), axis=0), axis=1)
    assert np.ptp(steps) < 0.01 * steps.mean()
    np.testing.assert_allclose(phase_colours(phases + 2 * np.pi), colours, atol=1e-12)


@pytest.mark.parametrize("kind", DICHROMATS)
def test_no_two_phases_look_alike_without_red_green_vision(kind):
    """Phases a quarter turn apart or more keep at least half the distance in colour that they have for others."""
    phases = np.linspace(-np.pi, np.pi, 72, endpoint=False)
    light = linear(phase_colours(phases))
    seen, left = oklab(light), oklab(np.clip(light @ np.array(DICHROMATS[kind]).T, 0, 1))
    distance, left_over = (np.linalg.norm(lab[:, None] - lab, axis=-1) for lab in (seen, left))
    apart = np.cos(phases[:, None] - phases) < 1e-9
    assert (left_over[apart] / distance[apart]).min() > 0.5


# --- couplings and sites ---------------------------------------------------------------------------------


def test_width_and_sign_of_couplings():
    """Widths are proportional to abs(W); signs differ in colour and dashes; weak ones are thin and grey."""
    couplings = couplings_of(LATTICE)
    couplings[[3, 4, 5]] = -4.0, 2.0, 0.01
    lines = lines_of(lattice_figure(LATTICE, None, couplings).axes[0])
    order = np.argsort(np.abs(couplings))
    for place, coupling in enumerate(couplings[order]):
        colour, width = lines.get_colors()[place][:3], lines.get_linewidths()[place]
        if abs(coupling) < 0.05 * 4:
            assert colour == pytest.approx(to_rgb("0.75"))
            continue
        assert width == pytest.approx(2.2 * abs(coupling) / 4)
        assert colour == pytest.approx(to_rgb("#222222" if coupling > 0 else "#D55E00"))
        assert (lines.get_linestyles()[place][1] is None) == (coupling > 0)


def test_shared_couplings_draw_every_edge_alike():
    """A convolution's edges of one coupling have one width."""
    architecture = local((4, 4), 3, 1, 1, 2, sharing=True)
    couplings = couplings_of(architecture)
    lines = lines_of(lattice_figure(architecture, None, couplings).axes[0])
    assert len(lines.get_segments()) == len(architecture.network.edges)
    expected = np.sort(np.abs(couplings[architecture.shared]))
    expected = expected[expected > 0.05 * expected[-1]]
    dark = np.abs(lines.get_colors()[:, 0] - 0.75) > 0.01
    np.testing.assert_allclose(np.sort(np.array(lines.get_linewidths())[dark]), 2.2 * expected / expected[-1])


def test_of_very_many_couplings_the_strongest_are_drawn():
    """600 of 4,000, each stronger than any that is left out."""
    architecture = dense(40, 90, 4)
    couplings = couplings_of(architecture)
    lines = lines_of(lattice_figure(architecture, None, couplings).axes[0])
    assert len(lines.get_segments()) == 600
    widths, strongest = np.sort(lines.get_linewidths()), np.sort(np.abs(couplings))[-600:]
    np.testing.assert_allclose(widths / widths[-1], strongest / strongest[-1])


def test_markers_and_colours_of_sites():
    """Inputs point upwards, outputs downwards, and each site has the colour of its phase."""
    phases = phases_of(LATTICE)
    axes = lattice_figure(LATTICE, phases).axes[0]
    found = {}
    for dots in (one for one in axes.collections if isinstance(one, PathCollection)):
        vertices = dots.get_paths()[0].vertices
        kind = "round" if len(vertices) > 5 else "up" if np.sum(vertices[:3, 1] > 0) == 1 else "down"
        for place, colour in zip(dots.get_offsets().tolist(), dots.get_facecolors(), strict=True):
            found[tuple(place)] = kind, colour[:3]
    for site, place in enumerate(LATTICE.network.positions.tolist()):
        kind, colour = found[tuple(place)]
        assert kind == ("up" if site in LATTICE.inputs else "down" if site in LATTICE.outputs else "round")
        np.testing.assert_allclose(colour, phase_colours(phases[site]))
    hands = [line for line in axes.lines if len(line.get_xdata()) == 2]
    angles = [np.arctan2(np.diff(line.get_ydata())[0], np.diff(line.get_xdata())[0]) for line in hands]
    np.testing.assert_allclose(angles, phases, atol=1e-9)


@pytest.mark.parametrize("build", [square, triangular])
def test_a_torus_has_stubs_where_it_closes(build):
    """As many edges as lead over the border are drawn in two parts, each of half a bond."""
    rows, columns = 4, 5
    architecture, flat = build(rows, columns, [0], [7], periodic=True), build(rows, columns, [0], [7])
    lines = edge_lines(architecture.network, architecture.network.positions, 600)
    broken = [line for line in lines if np.isnan(line).any()]
    assert len(broken) == architecture.couplings - flat.couplings
    for line in broken:
        for part in (line[:2], line[3:]):
            assert np.linalg.norm(np.diff(part, axis=0)) == pytest.approx(0.5)
    straight = [line for line in lines if not np.isnan(line).any()]
    assert all(np.linalg.norm(line[1] - line[0]) == pytest.approx(1) for line in straight)


def test_skips_are_arcs_round_the_sites_on_their_way():
    """A long edge along a row keeps off the sites between its ends; all others are straight."""
    architecture = with_skips(LATTICE, [(GRID.at(1, 0), GRID.at(1, 4)), (GRID.at(0, 0), GRID.at(2, 1))])
    lines = edge_lines(architecture.network, architecture.network.positions, 600)
    assert [len(line) for line in lines[-2:]] == [24, 2]
    assert {len(line) for line in lines[:-2]} == {2}
    between = architecture.network.positions[[GRID.at(1, column) for column in (1, 2, 3)]]
    assert np.linalg.norm(lines[-2][:, None] - between, axis=-1).min() > 0.3
    np.testing.assert_allclose(lines[-2][[0, -1]], architecture.network.positions[[GRID.at(1, 0), GRID.at(1, 4)]])


# --- figures ---------------------------------------------------------------------------------------------


def test_a_strip_has_one_scale():
    """Widths and response colours of all pictures refer to the largest number of the whole strip."""
    couplings, response = couplings_of(LATTICE), RNG.normal(size=20)
    shots = [Snapshot(phases_of(LATTICE), k * couplings, k * response, site=7) for k in (1, 2, 4)]
    figure = strip(LATTICE, shots, ["step 0", "step 10", "step 100"])
    pictures = [axes for axes in figure.axes if any(isinstance(one, LineCollection) for one in axes.collections)]
    assert len(pictures) == 6
    assert [axes.get_title() for axes in pictures] == ["step 0", "step 10", "step 100", "", "", ""]
    for row in (pictures[:3], pictures[3:]):
        widths = [max(lines_of(axes).get_linewidths()) for axes in row]
        np.testing.assert_allclose(widths, [0.55, 1.1, 2.2])
    bar = bar_of(figure)
    assert bar.get_ylim() == pytest.approx((-4 * np.abs(response).max(), 4 * np.abs(response).max()))
    strongest = LATTICE.network.positions[np.argmax(np.abs(response))]
    for axes, k in zip(pictures[3:], (1, 2, 4), strict=True):
        for dots in (one for one in axes.collections if isinstance(one, PathCollection) and len(one.get_facecolors())):
            for place, colour in zip(dots.get_offsets(), dots.get_facecolors(), strict=True):
                if np.array_equal(place, strongest):
                    value = k / 4 * np.sign(response[np.argmax(np.abs(response))])
                    np.testing.assert_allclose(colour, mpl.colormaps["PRGn"](0.5 + 0.5 * value))


def test_a_map_of_responses_is_white_at_none():
    """The middle of the diverging map stands at 0, and a smaller limit is marked at both ends of the bar."""
    assert min(mpl.colormaps["PRGn"](0.5)[:3]) > 0.95
    figure = response_figure(LATTICE, np.linspace(-1, 3, 20), 7, limit=2)
    bar = bar_of(figure)
    assert bar.get_ylim() == pytest.approx((-2, 2))
    assert lattice_drawing._largest([Snapshot(response=np.linspace(-1, 3, 20))], "response") == 3


@pytest.mark.parametrize(
    "architecture",
    [
        LATTICE, triangular(6, 6, [0], [20], True), all_to_all(12, [0, 1], [9]), dense(64, 20, 10),
        local((8, 8), 3, 1, 3, 10), stacked([(5, 5), (5, 5), (3, 3)], [4]),
    ],
    ids=lambda architecture: architecture.name,
)  # fmt: skip
def test_figures_have_column_width_and_keep_their_text_inside(architecture):
    """86 and 178 mm; legends, titles and labels of scales end within the figure; letters are 6 points or larger."""
    shots = [Snapshot(phases_of(architecture), couplings_of(architecture), phases_of(architecture), 3) for _ in range(3)]
    shot = shots[0]
    figures = [
        (lattice_figure(architecture, shot.phases, shot.couplings), COLUMN),
        (response_figure(architecture, shot.response, 3, shot.couplings), COLUMN),
        (strip(architecture, shots, ["step 0", "step 100", "step 10,000"]), PAGE),
    ]
    for figure, width in figures:
        assert figure.get_figwidth() == pytest.approx(width)
        figure.canvas.draw()
        drawn = figure.get_tightbbox(figure.canvas.get_renderer())  # inches
        assert drawn.x0 > -0.01
        assert drawn.y0 > -0.01
        assert drawn.x1 < width + 0.01
        assert drawn.y1 < figure.get_figheight() + 0.01
        assert all(text.get_fontsize() >= 6 for text in figure.findobj(mpl.text.Text))


@pytest.mark.parametrize(
    ("draw", "says"),
    [
        (lambda: lattice_figure(LATTICE.network), "is not an Architecture"),
        (
            lambda: lattice_figure(LATTICE, np.zeros(3)),
            r"phases have shape \(3,\), but one number per site is drawn; give \[20\]",
        ),
        (lambda: lattice_figure(LATTICE, None, np.zeros(20)), r"couplings have shape \(20,\), but one number per coupling"),
        (lambda: lattice_figure(LATTICE, np.full(20, np.nan)), "phases hold nan"),
        (lambda: lattice_figure(LATTICE, "red"), "phases = 'red' are not numbers"),
        (lambda: response_figure(LATTICE, np.zeros(20), site=20), "site = 20; the sites go from 0 to 19"),
        (lambda: response_figure(LATTICE, np.zeros(20), site=1.5), "site = 1.5"),
        (lambda: response_figure(LATTICE, np.zeros(20), limit=0), "limit = 0; give the response"),
        (lambda: strip(LATTICE, [], []), "give a list of Snapshot"),
        (lambda: strip(LATTICE, [Snapshot()], "a"), "one title for each of 1 snapshots"),
        (lambda: strip(LATTICE, [Snapshot()], []), "one title for each of 1 snapshots"),
        (lambda: strip(LATTICE, [Snapshot(np.zeros(20)), Snapshot()], ["a", "b"]), "only some snapshots have phases"),
    ],
)
def test_what_cannot_be_drawn(draw, says):
    """One sentence each."""
    with pytest.raises(ParameterError, match=says) as caught:
        draw()
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")
