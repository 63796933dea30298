"""Where the real MNIST is, if it is there: CLOCKLESS_MNIST, or shared/data/mnist beside the repository."""

import os
from pathlib import Path

import pytest

_FOLDERS = (os.environ.get("CLOCKLESS_MNIST"), Path(__file__).parent.parent.parent / "shared" / "data" / "mnist")


def real_mnist() -> Path:
    """The folder; skips the test where there is none."""
    for folder in _FOLDERS:
        if folder and list(Path(folder).glob("train-images-idx3-ubyte*")):
            return Path(folder)
    pytest.skip("the real MNIST is not here: name its folder by CLOCKLESS_MNIST")
