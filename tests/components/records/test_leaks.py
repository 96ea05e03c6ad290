"""Leaks and the values that searches compare."""

import numpy as np
import pytest
import tensorflow as tf

from tfx_sequences.components.records.batches import Rows
from tfx_sequences.components.records.leaks import Leak, raise_certain, row_keys
from tfx_sequences.errors import DataError
from tfx_sequences.schemas.features.raw_features import RawFeature


def leak(level):
    return Leak("copy", level, f"A {level} leak.", "none", "3 of 4", "Remove it.")


def test_the_first_certain_leak_is_an_error_and_others_are_not():
    raise_certain((leak("warning"), leak("note")))
    with pytest.raises(
        DataError, match=r"A certain leak\.[\s\S]*expected: none[\s\S]*received: 3 of 4[\s\S]*fix: "
    ) as told:
        raise_certain((leak("warning"), leak("certain")))
    assert str(told.value) == leak("certain").text


def keys(values, splits, component=None, **feature):
    rows = Rows(tf.constant(values), tuple(map(np.array, splits)))
    defaults = {"key": "x", "is_sequence": False, "dtype": "float32", "shape": (), "default": None, "role": "feature"}
    found = row_keys(rows, RawFeature(**{**defaults, **feature}), component)
    return found.keys.tolist(), None if found.splits is None else found.splits.tolist()


def test_values_of_records():
    assert keys([1.0, 3.0], [[0, 1, 1, 2]]) == ([1.0, None, 3.0], None)
    assert keys([1.0, 2.0, 3.0, 4.0], [[0, 2, 2, 4]], shape=(2,)) == ([(1.0, 2.0), None, (3.0, 4.0)], None)
    assert keys([1.0, 2.0, 3.0, 4.0], [[0, 2, 2, 4]], 1, shape=(2,)) == ([2.0, None, 4.0], None)
    assert keys(["a", "b"], [[0, 2, 2]], dtype="string", multi_valued=True) == ([(b"a", b"b"), None], None)


def test_values_of_steps():
    assert keys([1, 2], [[0, 3, 3], [0, 1, 1, 2]], is_sequence=True, dtype="int64") == ([1, None, 2], [0, 3, 3])


def test_flat_lists_of_examples_are_divided_into_steps():
    values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    steps = ([(1.0, 2.0), (3.0, 4.0), (5.0, 6.0)], [0, 2, 2, 3])
    assert keys(values, [[0, 4, 4, 6]], is_sequence=True, shape=(2,)) == steps
    assert keys(values, [[0, 4, 4, 6]], 0, is_sequence=True, shape=(2,)) == ([1.0, 3.0, 5.0], [0, 2, 2, 3])
