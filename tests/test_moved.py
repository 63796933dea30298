"""Old import paths say where things are now, and what they say is true."""

import importlib
import pickle
import subprocess
import sys

import pytest

import clockless as cl
from clockless.moved import MOVED


@pytest.mark.parametrize("old", MOVED)
def test_an_old_path_names_the_new_one(old):
    with pytest.raises(ImportError) as error:
        importlib.import_module(f"clockless.{old}")
    assert str(error.value) == f"clockless.{old} is now clockless.{MOVED[old]}."


@pytest.mark.parametrize("new", sorted({new for new in MOVED.values() if "*" not in new}))
def test_the_new_path_is_there(new):
    if new.startswith("media.modules"):
        pytest.importorskip("jax")
    importlib.import_module(f"clockless.{new}")


def test_names_from_an_old_path():
    with pytest.raises(ImportError, match=r"^clockless\.studies is now clockless\.experiments\.jobs\.$"):
        exec("from clockless.studies import Study")
    with pytest.raises(ImportError, match=r"^clockless\.modules is now clockless\.media\.modules\.$"):
        exec("import clockless.modules.layers")


def test_what_never_was_is_not_found_as_usual():
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'clockless\.nothing'"):
        importlib.import_module("clockless.nothing")


def test_public_nouns_stay():
    """`cl.clocks` is the module of clocks, whatever its path; its parts can be pickled."""
    assert cl.clocks.Bernoulli is cl.Bernoulli
    assert callable(cl.drawing.network_figure)
    assert callable(cl.lattice_drawing.strip)
    assert callable(cl.local_layers.local)
    assert pickle.loads(pickle.dumps(cl.clocks.Bernoulli(0.5))) == cl.Bernoulli(0.5)


def test_nothing_heavy_is_imported_for_it():
    code = "import clockless, sys; print([m for m in ('numpy', 'numba', 'xarray', 'matplotlib') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
