"""What small experiments gave when their numbers were pinned: results keep their bits for given seeds, stores stay readable.

Numbers are compared with what this package itself gave before, which says nothing of their being right; the other tests do.
Of resistors the bits are compared. Of phases they are where elementary functions round as they did where the pins were
taken (`pinned.rounding`), six digits anywhere else. Of nets, whose products JAX rounds as the processor likes, it is six
digits everywhere.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import clockless as cl
import pinned
from clockless.errors import StoreError

TAKEN = json.loads(pinned.PINS.read_text())
HERE = pinned.rounding()
SAME_FUNCTIONS = HERE["functions"] == TAKEN["rounding"]["functions"]
OLD = Path(__file__).with_name("data") / "store-0.1.0"


def compared(section: str, name: str, found: dict[str, np.ndarray], exact: bool, digits: float = 1e-6) -> None:
    """Every variable that is pinned; results may have further ones."""
    for variable, kept in TAKEN[section][name].items():
        where = f"{section} / {name} / {variable}"
        assert variable in found, f"{where} is gone"
        values = found[variable]
        assert list(values.shape) == kept["shape"], where
        if variable != "residual":  # which is what rounding leaves
            close(values, kept["some"], digits, where)
        if exact:
            assert pinned.bits(values) == kept["bits"], f"{where}: the numbers are close, their bits are others"


def close(values: np.ndarray, kept: list[Any], digits: float, where: str) -> None:
    wanted = np.array([np.nan if number is None else number for number in kept])
    scale = max(float(np.nanmax(np.abs(wanted), initial=0.0)), 1e-3)
    np.testing.assert_allclose(
        np.array(pinned.some(values), dtype=float), wanted, rtol=digits, atol=digits * scale, err_msg=where
    )


@pytest.mark.parametrize("name", pinned.RESISTORS)
def test_resistors(name, tmp_path):
    """By way of a store."""
    compared("resistors", name, pinned.computed(pinned.RESISTORS[name], tmp_path), True)


@pytest.mark.parametrize("name", pinned.TRAINED)
def test_resistors_without_a_store(name):
    """By one call of `train`."""
    compared("trained", name, pinned.arrays(pinned.TRAINED[name]()), True)


@pytest.mark.parametrize("name", pinned.PHASES)
def test_phases(name, tmp_path):
    """XY networks."""
    compared("phases", name, pinned.computed(pinned.PHASES[name], tmp_path), SAME_FUNCTIONS)


@pytest.mark.parametrize("name", pinned.MODULES)
def test_modules(name, tmp_path):
    """Nets: six digits in float64, four in float32."""
    pytest.importorskip("jax")
    digits = 1e-4 if "float32" in name else 1e-6
    compared("modules", name, pinned.computed(pinned.MODULES[name], tmp_path), False, digits)


@pytest.mark.parametrize("name", pinned.DESCRIBED)
def test_descriptions_keep_their_fingerprints(name):
    """Else a store of an earlier version would be another experiment's."""
    if name.startswith("modules"):
        pytest.importorskip("jax")
    assert cl.Experiment.of(pinned.DESCRIBED[name]).fingerprint == TAKEN["descriptions"][name]


def test_tasks_keep_their_fingerprints():
    """Else the same seed would draw other random numbers. Teachers and phases round as the processor likes."""
    pytest.importorskip("jax")
    found = {name: f"{fingerprint:016x}" for name, fingerprint in pinned.task_fingerprints().items()}
    whole = found if TAKEN["rounding"] == HERE else {name: found[name] for name in pinned.EXACT_TASKS}
    assert whole == {name: TAKEN["tasks"][name] for name in whole}


def test_everything_pinned_is_still_tried():
    """No experiment leaves the table without its pin."""
    pytest.importorskip("jax")
    assert set(TAKEN["resistors"]) == set(pinned.RESISTORS)
    assert set(TAKEN["trained"]) == set(pinned.TRAINED)
    assert set(TAKEN["phases"]) == set(pinned.PHASES)
    assert set(TAKEN["modules"]) == set(pinned.MODULES)
    assert set(TAKEN["descriptions"]) == set(pinned.DESCRIBED)
    assert set(TAKEN["tasks"]) == set(pinned.task_fingerprints())


# --- a store of version 0.1.0 ------------------------------------------------------------------------------------------


@pytest.fixture
def old(tmp_path):
    """A copy, for opening writes."""
    return Path(shutil.copytree(OLD, tmp_path / "store"))


@pytest.mark.filterwarnings("error")
def test_an_old_store_opens_and_shows_its_numbers(old):
    """Nothing is damaged, mended or computed again."""
    store = cl.Store.open(old)
    data = store.dataset()
    assert store.experiment == cl.Experiment.of(pinned.STORED)
    assert bool(data.done.all())
    assert store.damaged() == []
    assert data.error.dims == ("task", "p", "step")
    compared("stored", "0.1.0", pinned.arrays(data), exact=True)


def test_an_old_store_holds_what_is_computed_now(old, tmp_path):
    """The same bits, as its task is given in tables and its clock in random bits alone."""
    before = cl.Store.open(old).dataset()
    now = pinned.computed(pinned.STORED, tmp_path)
    for name, values in pinned.arrays(before).items():
        np.testing.assert_array_equal(now[name], values, err_msg=name)


def test_an_old_store_is_not_mixed_with_new_jobs(old):
    """It was made by other sources, so going on is refused in a sentence; its numbers stay readable."""
    with pytest.raises(StoreError, match="cannot be gone on with"):
        cl.Store.open(old).extended(24)
    assert bool(cl.Store.open(old).dataset().done.all())
