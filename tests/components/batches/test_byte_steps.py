import numpy as np
import pytest
import tensorflow as tf

from tfx_sequences.components.batches.byte_steps import (
    IS_MISSING,
    IS_PADDING,
    IS_PRESENT,
    numbers_of_stored,
    stored_numbers,
)
from tfx_sequences.components.batches.padding import pad_features
from tfx_sequences.components.numbers.byte_decoding import encode_array
from tfx_sequences.schemas.columns.column import NumericColumn
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize(("default", "padding"), [(None, 0.0), (3.0, 0.0), (None, -1.0), (3.0, 3.0)])
def test_padded_and_missing_steps_have_values_of_their_own(side, default, padding):
    column = {"type": "numeric", "shape": (2,), "encoding": "int8", "normalizer": "none", "default_value": default}
    batching = {"padding": {"x": {"value": padding, "side": side}}}
    spec = SequenceSpec(name="s", sequence={"x": column}, label={"key": "y"}, batching=batching)
    rows = [[[1.0, -1.0], None], [], [[5.0, 6.0]]]
    values, wanted = [], []
    for row in rows:
        values.append([b"" if step is None else bytes(int(x) % 256 for x in step) for step in row])
        numbers = [[default or 0.0] * 2 if step is None else step for step in row]
        padded = [[padding] * 2] * (2 - len(row))
        wanted.append(numbers + padded if side == "right" else padded + numbers)
    lengths = tf.constant([len(row) for row in rows], tf.int64)
    features = {"sequence.x": tf.ragged.constant(values, row_splits_dtype=tf.int64), "sequence_length": lengths}
    assert pad_features(features, spec)["sequence.x"].numpy().tolist() == wanted


@pytest.mark.parametrize("encoding", ["bfloat16", "tensor", "float16"])
def test_numbers_that_are_stored_as_others_come_back(encoding):
    column = NumericColumn(key="x", shape=(2,), encoding=encoding, normalizer="none", default_value=9.0)
    numbers = tf.constant([0.5, -3.0])
    held = tf.cast(numbers, tf.float32 if encoding == "tensor" else encoding)
    value = tf.io.serialize_tensor(held).numpy() if encoding == "tensor" else held.numpy().tobytes()
    stored, present = stored_numbers(tf.constant([value, b""]), column)
    assert numbers_of_stored(stored, present, column).numpy().tolist() == [[0.5, -3.0], [9.0, 9.0]]


def test_columns_of_the_same_bytes_keep_their_own_defaults():
    shared = {"type": "numeric", "key": "x", "encoding": "uint8", "shape": [2], "normalizer": "none"}
    spec = SequenceSpec(
        name="s",
        sequence={"plain": shared, "other": {**shared, "default_value": 3.0}},
        label={"key": "y", "classes": [0, 1]},
    )

    @tf.function
    def padded(values):
        return pad_features({"sequence.plain": values, "sequence.other": values, "sequence_length": [3, 1]}, spec)

    found = padded(tf.ragged.constant([[b"\1\2", b"", b"\5\6"], [b"\7\7"]]))
    assert found["sequence.plain"].numpy().tolist() == [[[1, 2], [0, 0], [5, 6]], [[7, 7], [0, 0], [0, 0]]]
    assert found["sequence.other"].numpy().tolist() == [[[1, 2], [3, 3], [5, 6]], [[7, 7], [0, 0], [0, 0]]]


@pytest.mark.parametrize("encoding", ["uint8", "int16", "float16", "float64", "bfloat16"])
def test_filling_in_place_changes_nothing_else(encoding):
    column = NumericColumn(key="x", encoding=encoding, shape=(2,), is_sequence=True, normalizer="none", default_value=9)
    stored, _ = stored_numbers(tf.constant([encode_array([n, n + 1], column.layout) for n in (1, 3, 5)]), column)
    values, before = stored[None], stored.numpy().copy()
    there = tf.constant([[IS_PRESENT, IS_MISSING, IS_PADDING]], tf.uint8)
    found = numbers_of_stored(values, there, column, in_place=True)
    assert found.numpy().tolist() == [[[1, 2], [9, 9], [0, 0]]]
    np.testing.assert_array_equal(values[0], before)
