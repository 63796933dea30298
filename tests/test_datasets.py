"""Data and the tasks made of them: against scikit-learn itself, and every fault that an IDX file can have."""

from __future__ import annotations

import gzip
import math
import os
import struct
import sys

import numpy as np
import pytest

from clockless.errors import ClocklessError, ParameterError, TaskError
from clockless.media.phases import tasks as phase_tasks
from clockless.media.phases.tasks import PhaseTask, one_hot
from clockless.networks.architectures import dense
from clockless.tasks import datasets
from clockless.tasks.idx import read_images, read_labels

DIGITS = dense(64, 5, 10)
RNG = np.random.default_rng(7)


def rows_of(table: np.ndarray) -> list[tuple]:
    return sorted(map(tuple, table.tolist()))


# --- tasks from scikit-learn -----------------------------------------------------------------------------


@pytest.mark.parametrize("moved", [False, True])
def test_tables_are_those_of_scikit_learn_even_if_it_moves_them(moved, monkeypatch):
    from sklearn.datasets import load_digits, load_iris

    if moved:
        monkeypatch.setattr(datasets.importlib.util, "find_spec", lambda name: None)
    for ours, theirs in ((datasets.digits(), load_digits), (datasets.iris(), load_iris)):
        values, labels = theirs(return_X_y=True)
        np.testing.assert_array_equal(ours.values, values)
        np.testing.assert_array_equal(ours.labels, labels)
        assert ours.values.strides == values.strides  # on which the last bits of sums depend


def test_tables_are_read_without_the_second_that_scikit_learn_takes(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    assert (datasets.digits().values.shape, datasets.iris().values.shape) == ((1797, 64), (150, 4))
    monkeypatch.setattr(datasets.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError):
        datasets.digits()


def test_digits_first_hundred_of_each():
    """The authors' split, found anew by counting through the data example by example."""
    task = phase_tasks.digits(DIGITS)
    from sklearn.datasets import load_digits

    values, labels = load_digits(return_X_y=True)
    met = dict.fromkeys(range(10), 0)
    train, test = [], []
    for example, label in enumerate(labels.tolist()):
        (train if met[label] < 100 else test if met[label] < 170 else []).append(example)
        met[label] += 1
    assert (len(train), len(test)) == (1000, 700)
    for some, x, y, found in (
        (train, task.x_train, task.y_train, task.labels_train),
        (test, task.x_test, task.y_test, task.labels_test),
    ):
        np.testing.assert_allclose(x, np.pi * (values[some] - 8) / 16, atol=1e-15)
        np.testing.assert_array_equal(found, labels[some])
        np.testing.assert_array_equal(np.argmax(np.sin(y), axis=1), labels[some])
        np.testing.assert_allclose(y.sum(axis=1), -8 * np.pi / 2)
    assert np.bincount(task.labels_train).tolist() == [100] * 10
    assert np.bincount(task.labels_test).tolist() == [70] * 10


def test_digits_at_random():
    """1,437 and 360 examples that together are all of them; the seed decides, and another seed draws others."""
    task, same, other = (phase_tasks.digits(DIGITS, "random", seed) for seed in (3, 3, 4))
    assert (len(task.x_train), len(task.x_test)) == (1437, 360)
    np.testing.assert_array_equal(task.x_train, same.x_train)
    assert not np.array_equal(task.x_train, other.x_train)
    from sklearn.datasets import load_digits

    values = load_digits().data
    assert rows_of(np.round(np.vstack([task.x_train, task.x_test]) * 16 / np.pi + 8)) == rows_of(values)
    assert np.vstack([task.x_train, task.x_test]).mean() == pytest.approx(np.pi * (values.mean() - 8) / 16, abs=1e-12)
    assert np.abs(task.x_train).max() == pytest.approx(np.pi / 2)


def test_iris_is_scaled_by_its_training_set():
    """Each feature of the 100 examples to learn from covers [-pi/2, pi/2]; test examples are mapped alike and cut off."""
    task = phase_tasks.iris(dense(4, 10, 3), seed=2)
    assert (task.x_train.shape, task.x_test.shape, task.y_train.shape) == ((100, 4), (50, 4), (100, 3))
    np.testing.assert_allclose(task.x_train.min(axis=0), -np.pi / 2)
    np.testing.assert_allclose(task.x_train.max(axis=0), np.pi / 2)
    assert np.abs(task.x_test).max() <= np.pi / 2
    from sklearn.datasets import load_iris

    values, labels = load_iris(return_X_y=True)
    order = np.random.default_rng(2).permutation(150)
    np.testing.assert_array_equal(np.concatenate([task.labels_train, task.labels_test]), labels[order])
    low, high = values[order[:100]].min(axis=0), values[order[:100]].max(axis=0)
    inside = ((values[order[100:]] >= low) & (values[order[100:]] <= high)).all(axis=1)
    assert inside.any()
    back = low + (task.x_test + np.pi / 2) / np.pi * (high - low)
    np.testing.assert_allclose(back[inside], values[order[100:]][inside], atol=1e-12)


@pytest.mark.parametrize("outputs", [1, 3])
def test_exclusive_or(outputs):
    """+pi/2 where the inputs differ: the product of the three sines is minus one in all four examples."""
    task = phase_tasks.xor(dense(2, 3, outputs))
    assert task.x_train.shape == (4, 2)
    assert len({tuple(row) for row in task.x_train.tolist()}) == 4
    assert task.y_train.shape == (4, outputs)
    np.testing.assert_allclose(np.sin(task.x_train).prod(axis=1)[:, None] * np.sin(task.y_train), -1)
    assert task.labels_train is None


def test_one_hot_phases():
    """+pi/2 at the class, -pi/2 elsewhere."""
    np.testing.assert_allclose(np.sin(one_hot(np.array([2, 0]), 3)), [[-1, -1, 1], [1, -1, -1]])


def test_fingerprints_follow_the_training_examples():
    """The same content has the same word, in any object; names and test sets do not count, examples and shapes do."""
    x, y = RNG.random((4, 2)), RNG.random((4, 1))
    words = [
        PhaseTask(x, y, x, y, name="one").fingerprint,
        PhaseTask(x.copy(), y, x[:2], y[:2], name="two").fingerprint,
        PhaseTask(x[::-1], y, x, y).fingerprint,
        PhaseTask(x.reshape(2, 4), y.reshape(2, 2), x.reshape(2, 4), y.reshape(2, 2)).fingerprint,
    ]
    assert words[0] == words[1]
    assert len(set(words)) == 3
    assert all(0 <= word < 2**64 for word in words)


GOOD = {"x_train": np.zeros((2, 3)), "y_train": np.zeros((2, 1)), "x_test": np.zeros((1, 3)), "y_test": np.zeros((1, 1))}


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: PhaseTask(**{**GOOD, "x_train": np.zeros((3, 3))}), "x_train has 3 examples but y_train has 2"),
        (lambda: PhaseTask(**{**GOOD, "x_train": np.zeros(3)}), r"x_train has shape \(3,\)"),
        (lambda: PhaseTask(**{**GOOD, "y_test": np.full((1, 1), np.nan)}), "y_test holds nan in example 0"),
        (lambda: PhaseTask(**{**GOOD, "x_test": "abc"}), "x_test = 'abc' does not hold numbers"),
        (lambda: PhaseTask(**{**GOOD, "x_test": np.zeros((1, 2))}), "x_train has 3 inputs but x_test 2"),
        (lambda: PhaseTask(**GOOD, labels_train=[0, 1]), "labels_train holds 1 in example 1; 1 outputs show 0 to 0"),
        (lambda: PhaseTask(**GOOD, labels_test=[0, 0]), r"labels_test = \[0, 0\]; give one whole number per example"),
        (lambda: phase_tasks.digits(dense(63, 5, 10)), "digits first has 64 inputs, but dense 63-5-10 has 63"),
        (lambda: phase_tasks.digits(dense(64, 5, 9)), "has 10 outputs, but dense 64-5-9 has 9"),
        (lambda: phase_tasks.digits(DIGITS, "last"), "split = 'last'; the digits are split 'first' or 'random'"),
        (lambda: phase_tasks.digits(DIGITS, "random", -1), "seed = -1"),
        (lambda: phase_tasks.iris(dense(4, 3), train=150), "train = 150 of 150 irises"),
        (lambda: phase_tasks.iris(dense(4, 3), train=2, seed=0), "agree in feature|raise train"),
        (lambda: phase_tasks.xor(dense(3, 1)), "XOR has 2 inputs, but dense 3-1 has 3"),
    ],
)
def test_mistakes(build, says, monkeypatch):
    """One sentence each."""
    if says.startswith("agree"):
        flat = datasets.Labelled(np.ones((150, 4)), np.zeros(150, dtype=int))
        monkeypatch.setattr(datasets, "iris", lambda: flat)
    with pytest.raises((TaskError, ParameterError), match=says) as caught:
        build()
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


# --- IDX files -------------------------------------------------------------------------------------------


def idx_bytes(table: np.ndarray, magic: int | None = None, sizes: tuple | None = None) -> bytes:
    """A file in the format of MNIST; `magic` and `sizes` let its header lie."""
    magic = {3: 0x803, 1: 0x801}[table.ndim] if magic is None else magic
    sizes = table.shape if sizes is None else sizes
    return struct.pack(f">{1 + len(sizes)}I", magic, *sizes) + table.astype(np.uint8).tobytes()


IMAGES = RNG.integers(0, 256, (6, 4, 6))
LABELS = np.array([3, 1, 4, 1, 5, 9])


def write_mnist(folder, **changed):
    """Four tiny files: 6 images to learn from and 3 to be tested on, 4 x 6 pixels; all but one packed."""
    contents = {
        "train-images-idx3-ubyte": idx_bytes(IMAGES),
        "train-labels-idx1-ubyte.gz": gzip.compress(idx_bytes(LABELS)),
        "t10k-images-idx3-ubyte.gz": gzip.compress(idx_bytes(IMAGES[:3])),
        "t10k-labels-idx1-ubyte.gz": gzip.compress(idx_bytes(LABELS[:3])),
        **changed,
    }
    for name, content in contents.items():
        if content is not None:
            (folder / name).write_bytes(content)
    return folder


def test_files_bring_back_what_was_written(tmp_path):
    """Values, shapes and types, packed or not."""
    split = datasets.mnist(write_mnist(tmp_path))
    np.testing.assert_array_equal(split.train.values, IMAGES.reshape(6, 24))
    np.testing.assert_array_equal(split.test.values, IMAGES[:3].reshape(3, 24))
    np.testing.assert_array_equal(split.train.labels, LABELS)
    assert (split.train.values.dtype, split.train.labels.dtype) == (np.float64, np.int64)


def test_mnist_as_a_task(tmp_path):
    """Black is -pi/2 and white pi/2; cropping comes before pooling; examples can be fewer."""
    task = phase_tasks.mnist(dense(24, 10), write_mnist(tmp_path))
    np.testing.assert_allclose(task.x_train, np.pi * (IMAGES.reshape(6, 24) - 127.5) / 255, atol=1e-14)
    assert np.argmax(np.sin(task.y_test), axis=1).tolist() == [3, 1, 4]
    few = phase_tasks.mnist(dense(2, 10), tmp_path, crop=1, pool=2, train=4, test=2)
    assert (few.x_train.shape, few.x_test.shape) == ((4, 2), (2, 2))
    by_hand = IMAGES[3, 1:3, 3:5].mean()
    assert few.x_train[3, 1] == pytest.approx(np.pi * (by_hand / 255 - 0.5))


GZ = "train-labels-idx1-ubyte.gz"
PLAIN = "train-images-idx3-ubyte"
FAULTS = [
    ({PLAIN: idx_bytes(LABELS)}, "holds labels; give an IDX file of images"),
    ({PLAIN: idx_bytes(IMAGES, magic=0x803 << 8)}, "begins with 0x00080300; .* images .magic number 0x00000803"),
    ({GZ: gzip.compress(idx_bytes(IMAGES))}, "holds images; give an IDX file of labels"),
    ({PLAIN: idx_bytes(IMAGES)[:-1]}, "is truncated: 6 x 4 x 6 = 144 bytes should follow its header, not 143"),
    ({PLAIN: idx_bytes(IMAGES) + b"\0"}, "is too long: 6 x 4 x 6 = 144 bytes .* not 145"),
    ({PLAIN: idx_bytes(IMAGES, sizes=(2**32 - 1,) * 3)}, "is truncated: 4294967295 x"),
    ({PLAIN: idx_bytes(IMAGES)[:10]}, "ends within its header"),
    ({PLAIN: b""}, "ends within its header"),
    ({PLAIN: idx_bytes(IMAGES[:0])}, "0 x 4 x 6 = no bytes"),
    ({GZ: gzip.compress(idx_bytes(np.array([3, 1, 4, 1, 5, 10])))}, "label 5 is 10, outside 0 to 9"),
    ({GZ: gzip.compress(idx_bytes(LABELS[:5]))}, "train-images-idx3-ubyte holds 6 images but train-labels-idx1-ubyte 5"),
    ({GZ: idx_bytes(LABELS)}, "is not a gzip file, though its name ends in .gz"),
    ({GZ: gzip.compress(idx_bytes(LABELS))[:-9]}, "cannot be unpacked"),
    ({GZ: gzip.compress(idx_bytes(LABELS))[:-8] + bytes(8)}, "cannot be unpacked"),
    ({PLAIN: gzip.compress(idx_bytes(IMAGES))}, "is packed by gzip, but its name does not end in .gz"),
    ({GZ: None}, "holds neither train-labels-idx1-ubyte nor train-labels-idx1-ubyte.gz"),
    ({"t10k-images-idx3-ubyte.gz": gzip.compress(idx_bytes(IMAGES[:3, :2]))}, "24 pixels but test images 12"),
]


@pytest.mark.parametrize(("changed", "says"), FAULTS)
def test_faults_of_files(changed, says, tmp_path):
    """One sentence each, that names the file or what to do."""
    with pytest.raises(TaskError, match=says) as caught:
        datasets.mnist(write_mnist(tmp_path, **changed))
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


def test_files_that_cannot_be_opened(tmp_path):
    """A path that is not there, a folder in place of a file, and a folder that is not there."""
    with pytest.raises(TaskError, match=r"cannot read .*; check the path\."):
        read_images(tmp_path / "none")
    with pytest.raises(TaskError, match=r"cannot read .*; check the path\."):
        read_labels(tmp_path)
    with pytest.raises(TaskError, match="holds neither"):
        datasets.mnist(tmp_path / "none")


def test_every_byte_of_a_header_counts(tmp_path):
    """No header with one byte changed is read: each claim is checked against another."""
    good = idx_bytes(IMAGES)
    for place in range(16):
        path = tmp_path / "images"
        path.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
        with pytest.raises(TaskError):
            read_images(path)


@pytest.mark.parametrize(("crop", "pool"), [(0, 3), (2, 1), (1, 3), (0, 7)])
def test_pooling_that_does_not_fit(crop, pool, tmp_path):
    """4 x 6 pixels."""
    with pytest.raises(TaskError, match="cannot be pooled by"):
        datasets.mnist(write_mnist(tmp_path), crop, pool)


def test_pooling_keeps_the_mean():
    """Means of squares of equal size have the mean of the images, and that by hand."""
    small = datasets.pooled(IMAGES, pool=2)
    assert small.shape == (6, 2, 3)
    assert small.mean() == pytest.approx(IMAGES.mean())
    assert small[2, 1, 2] == pytest.approx(math.fsum(IMAGES[2, 2:, 4:].ravel().tolist()) / 4)


# --- bounds ------------------------------------------------------------------------------------------------------------


def packed_zeros(path, header, count):
    """A .gz of a header and so many zero bytes, which takes a thousandth of them."""
    with gzip.open(path, "wb") as file:
        file.write(header)
        for _ in range(count >> 20):
            file.write(bytes(1 << 20))


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (12, r"12 bytes should follow its header, not 13 or more"),
        (0xFFFFFFFF, "4294967295 bytes, needs about"),
        (48 << 20, "50331648 bytes, needs about 480 MiB"),
    ],
)
def test_a_packed_file_is_unpacked_no_further_than_its_header_says(tmp_path, monkeypatch, said, error):
    path, read = tmp_path / "labels.gz", []
    packed_zeros(path, (0x801).to_bytes(4, "big") + said.to_bytes(4, "big"), 64 << 20)
    assert path.stat().st_size < 100_000
    unpack = gzip.GzipFile.read
    monkeypatch.setattr(gzip.GzipFile, "read", lambda file, size=-1: read.append(size) or unpack(file, size))
    monkeypatch.setattr("clockless.memory.total", lambda: 400 << 20)
    with pytest.raises(ClocklessError, match=error):
        read_labels(path)
    assert max(read) <= 13
    assert min(read) >= 0


def test_what_is_no_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "labels")
    with pytest.raises(TaskError, match="it is a pipe and no file"):
        read_labels(tmp_path / "labels")
    (tmp_path / "link").symlink_to(tmp_path / "plain")
    (tmp_path / "plain").write_bytes(idx_bytes(LABELS))
    np.testing.assert_array_equal(read_labels(tmp_path / "link"), LABELS)
