"""Values that compiled code reads from words in memory."""

from typing import NamedTuple

import numpy as np
import pytest
from numba import njit, typeof

from clockless.parts.kernels import ENTRY_OPTIONS
from clockless.parts.packed import Packed, unpack
from clockless.parts.value_types import type_of


class Pair(NamedTuple):
    table: np.ndarray
    rest: tuple


@njit(**{**ENTRY_OPTIONS, "cache": False, "_nrt": False})
def look(packed, out):
    count, pair, nothing = unpack(packed)
    number, columns, chosen = pair.rest
    out[0], out[1] = count, number
    out[2] = pair.table[1, 2, 0]
    out[3] = columns[2, 1]
    out[4] = 1.0 if chosen[1] else 0.0
    out[5] = 1.0 if nothing is None else 0.0
    pair.table[0, 0, 0] = count + number


def test_numbers_arrays_and_tuples_are_read_where_they_stand():
    table = np.arange(24.0).reshape(2, 3, 4)
    columns = np.arange(12.0).reshape(3, 4)[:, ::-2]  # strides that are not whole rows, one of them negative
    packed = Packed(-7, Pair(table, (0.1, columns, np.array([False, True]))), None)
    out = np.zeros(6)
    look(packed, out)
    np.testing.assert_array_equal(out, [-7, 0.1, table[1, 2, 0], columns[2, 1], 1.0, 1.0])
    assert table[0, 0, 0] == -7 + 0.1  # the array itself, not a copy


def test_equal_types_share_compiled_code():
    before = len(look.signatures)
    for value in (1, 2):
        look(
            Packed(value, Pair(np.ones((2, 3, 1)) * value, (0.5, np.ones((3, 4))[:, ::-2], np.ones(2, bool))), None),
            np.zeros(6),
        )
    assert len(look.signatures) <= before + 1


def test_types_are_those_of_numba_and_made_once():
    read_only = np.zeros(3)
    read_only.flags.writeable = False
    grid, stamp = np.zeros((3, 4)), np.zeros(0, dtype=[("x", np.uint8)])
    for value in (
        1, 2.0, None, (), (1, 2), (1, 2.0), Pair(grid, (1, None)), Pair(grid.T, (grid[:, ::2], np.zeros(2, bool))),
        np.float32(1.0), grid.astype(np.float32), read_only, (read_only, stamp), Packed(1, 2.0), np.broadcast_to(1.0, (2, 3))
    ):  # fmt: skip
        assert type_of(value) == typeof(value)
    assert type_of(Pair(grid, (1, grid))) is type_of(Pair(grid + 1, (2, grid[:2])))
    assert type_of(read_only) != type_of(np.zeros(3))
    assert type_of((1, grid)) != type_of(Pair(1, grid)) != type_of((grid, 1))


@pytest.mark.parametrize("value", [True, "x", [1.0], np.float32(1.0), {}])
def test_other_values_are_refused(value):
    with pytest.raises(TypeError, match="cannot be packed"):
        Packed((1, value))
