"""Laws of edges: currents against closed forms and ngspice's equations, derivatives against differences and their order."""

from __future__ import annotations

import numpy as np
import pytest

import clockless as cl
from clockless.errors import ParameterError
from clockless.media.circuits.law import Law
from clockless.parts.part import part

L = cl.laws
TABLE = L.Table((-1.0, -0.5, 0.0, 0.2, 1.0), (-2.0, -1.0, 0.0, 0.01, 3.0))
LAWS = [
    (L.Linear(), 1e-3), (L.FixedResistor(1e3), 0.0), (L.Ohmic(), 2.0), (L.NMOS.pyclln(), 2.0), (L.NMOS.pyclln(True), 2.5),
    (L.Diode(), 0.0), (L.Diode(1e-6, 2, antiparallel=True), 0.0), (L.IdealDiode(0.1), 0.0), (L.Memristor(), 0.3),
    (L.Memristor(curvature=3.0), 0.3), (L.Polynomial((-1.0, 1.0, 0.1)), 1e-3), (TABLE, 2.0),
]  # fmt: skip


def ends(seed=0, count=200):
    rng = np.random.default_rng(seed)
    return rng.uniform(-0.1, 0.7, count), rng.uniform(-0.1, 0.7, count)


def away_from_corners(law, a, b, theta, h):
    """Ends where the law is smooth within h on both sides."""
    if isinstance(law, L.NMOS):
        return (np.abs(a - b) > 10 * h) & (np.minimum(abs(a), abs(b)) > 10 * h)
    if isinstance(law, (L.Table, L.IdealDiode)):
        knots = np.array(law.voltages) if isinstance(law, L.Table) else np.array([law.threshold])
        return np.abs((a - b)[:, None] - knots).min(axis=1) > 10 * h
    return np.ones(a.shape, dtype=bool)


@pytest.mark.parametrize(("law", "theta"), LAWS, ids=str)
def test_slopes_are_differences_of_the_current_and_of_their_order(law, theta):
    """Central differences approach dI/dva, dI/dvb and dI/dtheta with the square of the step."""
    a, b = ends()
    _, da, db = law.carries(a, b, theta)
    smooth = away_from_corners(law, a, b, theta, 2e-3)

    def error(h):
        found = [law.current(a + h, b, theta) - law.current(a - h, b, theta),
                 law.current(a, b + h, theta) - law.current(a, b - h, theta)]  # fmt: skip
        exact = [da, db]
        if law.learns:
            t = h * max(theta, 1e-3)
            found.append((law.current(a, b, theta + t) - law.current(a, b, theta - t)) * h / t)
            exact.append(law.steers(a, b, theta))
        return [np.abs(f / (2 * h) - e)[smooth].max() / np.abs(e).max() for f, e in zip(found, exact, strict=True)]

    coarse, fine = error(2e-3), error(2e-4)
    for far, near in zip(coarse, fine, strict=True):
        assert near < 1e-4
        assert near < 0.02 * far or far < 1e-9  # a tenth of the step, a hundredth of the error: or it is exact


@pytest.mark.parametrize(("law", "theta"), [each for each in LAWS if each[0].reciprocal], ids=str)
def test_the_cocontent_is_the_integral_of_the_current(law, theta):
    """dW/dv = I, W(0) = 0, and what an edge senses is dW/dtheta."""
    a, b = ends()
    drop, h = a - b, 1e-5
    slope = (law.cocontent(drop + h, theta) - law.cocontent(drop - h, theta)) / (2 * h)
    np.testing.assert_allclose(slope, law.current(a, b, theta), atol=1e-6 * np.abs(slope).max())
    assert law.cocontent(np.zeros(1), theta)[0] == pytest.approx(0.0, abs=1e-18)
    if law.learns:
        t = 1e-4 * theta
        by_theta = (law.cocontent(drop, theta + t) - law.cocontent(drop, theta - t)) / (2 * t)
        np.testing.assert_allclose(law.signal(drop, theta), by_theta, atol=1e-6 * np.abs(by_theta).max())


@pytest.mark.parametrize(("law", "theta"), LAWS, ids=str)
def test_symmetries(law, theta):
    """A law that says it is reciprocal depends on the drop alone; a transistor without series resistance is symmetric."""
    a, b = ends()
    shifted = law.current(a + 0.3, b + 0.3, theta)
    same = np.allclose(shifted, law.current(a, b, theta), rtol=1e-9, atol=1e-18)
    assert same == law.reciprocal
    if isinstance(law, (L.Ohmic, L.Linear, L.Polynomial)) or (isinstance(law, L.NMOS) and law.rd == 0):
        np.testing.assert_allclose(law.current(b, a, theta), -law.current(a, b, theta), rtol=1e-12, atol=1e-20)


def test_level_1_is_the_square_law_where_it_is_simple():
    """Shichman and Hodges: saturation beta/2 vov^2, ohmic beta (vov - v/2) v, nothing below the threshold."""
    law = L.NMOS(vto=0.75, kp=1e-4, width=2e-5, length=1e-5)
    beta = 2e-4
    assert law.current(3.0, 0.0, 2.0) == pytest.approx(0.5 * beta * 1.25**2)
    assert law.current(0.4, 0.0, 2.0) == pytest.approx(beta * (1.25 - 0.2) * 0.4)
    assert law.current(3.0, 0.0, 0.7) == 0.0
    bent = L.NMOS(vto=0.75, kp=1e-4, width=2e-5, length=1e-5, gamma=1.09, phi=0.95, lam=0.2)
    von = 0.75 + 1.09 * (np.sqrt(0.95 + 0.5) - np.sqrt(0.95))
    assert bent.current(3.0, 0.5, 3.0) == pytest.approx(0.5 * beta * (1 + 0.2 * 2.5) * (2.5 - von) ** 2)


def test_series_resistances_carry_the_current_that_they_are_given():
    """I = channel(va - rd I, vb + rs I), up to the largest that may be condensed, at up to 8 V."""
    from clockless.media.circuits.transistors import MOST_IN_SERIES, channel

    rng = np.random.default_rng(0)
    a, b, gate = rng.uniform(0, 8, (3, 2000))
    beta = 6.249608378152027e-05 * 0.138e-3 / 7.8e-6
    for rd, rs in ((22.0, 73.0), (0.0, MOST_IN_SERIES / beta), (0.5 * MOST_IN_SERIES / beta,) * 2):
        law = L.NMOS(0.75, 1.09, 0.95, 6.249608378152027e-05, 0.2, 0.138e-3, 7.8e-6, rd, rs)
        current = law.current(a, b, gate)
        left = channel(law, a - rd * current, b + rs * current, gate)[0] - current
        assert np.abs(left).max() < 1e-9 * np.abs(current).max()


def test_tables_rise_where_the_measurement_rises(tmp_path):
    """A table from a file passes its rows, never falls between them, and goes on straight."""
    (tmp_path / "iv.csv").write_text("volts,amperes\n-1,-2e-3\n0,0\n0.6,1e-6\n0.7,1e-3\n", encoding="utf-8")
    law = L.Table.from_csv(tmp_path / "iv.csv")
    np.testing.assert_allclose(law.current([-1.0, 0.0, 0.6, 0.7], 0.0, 1.0), [-2e-3, 0.0, 1e-6, 1e-3], atol=1e-18)
    fine = law.current(np.linspace(-2, 2, 4001), 0.0, 1.0)
    assert (np.diff(fine) >= 0).all()
    np.testing.assert_allclose(np.diff(fine[-5:], n=2), 0.0, atol=1e-12)


@pytest.mark.parametrize(("rows", "said"), [
    ("volts,amperes\n# swept twice\n-1,-1\n0,0\n1,1\n0.5,1.2\n", "line 6 of .*: voltages go from 1 to 0.5 V"),
    ("-1,-1\n0,0\n\n1,-0.5\n", "line 4 of .*: currents go from 0 to -0.5 A"),
    ("v,i\n-1,-1\n0\n1,1\n", "line 3 of .* is '0'"),
    ("", "two or more finite numbers"),
])  # fmt: skip
def test_tables_in_files_are_refused_by_line(tmp_path, rows, said):
    """The number of the file's own line, words, blanks and remarks counted."""
    (tmp_path / "iv.csv").write_text(rows, encoding="utf-8")
    with pytest.raises(ParameterError, match=said) as caught:
        L.Table.from_csv(tmp_path / "iv.csv")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: L.Table((0, 1, 0.5), (0, 1, 2)), "folds back at row 2"),
        (lambda: L.Table((0, 1, 2), (0, 1, 0.5)), "folds back at row 2"),
        (lambda: L.Table((0, 1), (0, 1, 2)), "2 voltages and 3 currents"),
        (lambda: L.Table.from_csv("nowhere.csv"), "cannot read"),
        (lambda: L.Polynomial(()), "coefficients"),
        (lambda: L.Polynomial((1.0, -1.0)), "runs away"),
        (lambda: L.NMOS(phi=-1.0), "phi"),
        (lambda: L.NMOS(rd=1e6), "too much beside its channel"),
        (lambda: L.Ohmic(strength="x"), "strength"),
        (lambda: L.Diode(saturation=0.0), "saturation"),
        (lambda: L.Diode(antiparallel=3), "antiparallel"),
        (lambda: L.IdealDiode(on=0.0), "on"),
        (lambda: L.Memristor(on=10.0, off=1.0), "lower resistance"),
        (lambda: L.FixedResistor(np.nan), "resistance"),
    ],
)
def test_laws_refuse_what_means_nothing(make, said):
    """One sentence that names the parameter."""
    with pytest.raises(ParameterError, match=said) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_every_law_is_a_law_with_what_it_promises():
    """Names, units and ranges."""
    for law, _ in LAWS:
        assert isinstance(law, Law)
        assert bool(law.parameter) == law.learns
        assert law.low < law.high
        assert law == eval(repr(law), vars(L))


def test_a_law_that_says_nothing_of_its_current_says_so():
    @part
    class Silent(cl.laws.Law):
        strength: float = 1.0

    with pytest.raises(cl.errors.ParameterError, match=r"Silent does not say what it carries; add a method carries"):
        Silent().current(1.0, 0.0)
