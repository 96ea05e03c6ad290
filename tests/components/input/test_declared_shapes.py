"""Raw values get the shapes of their columns; steps without a value get zeros."""

import numpy as np
import pytest
import tensorflow as tf

from tests.records import sequence_example
from tfx_sequences.components.input.declared_shapes import with_declared_shapes
from tfx_sequences.components.input.record_formats import raw_records
from tfx_sequences.schemas.columns.feature_columns import (
    numeric_column,
    sequence_categorical_column_with_hash_bucket,
    sequence_numeric_column,
)
from tfx_sequences.schemas.spec.unlabelled_spec import spec_of_columns

COLUMNS = [
    sequence_numeric_column("grid", shape=(2, 3)),
    sequence_numeric_column("x", shape=()),
    sequence_categorical_column_with_hash_bucket("word", 9),
    sequence_categorical_column_with_hash_bucket("tags", 9, multi_valued=True),
    numeric_column("size", shape=(2, 2)),
]


def batch(*records):
    spec = spec_of_columns(COLUMNS)
    serialized = tf.constant([r.SerializeToString() for r in records])
    return with_declared_shapes(raw_records(spec), spec).batch(serialized)[0]


def test_values_have_the_declared_shapes():
    grid = np.arange(12, dtype=np.float32).reshape(2, 6)
    inputs = batch(
        sequence_example(
            {"size": [1.0, 2.0, 3.0, 4.0]},
            {"grid": grid.tolist(), "x": [5.0, 6.0], "word": ["a", "b"], "tags": [["t"], ["u", "v"]]},
        ),
        sequence_example({"size": [0.0] * 4}, {"grid": [[1.0] * 6], "x": [7.0], "word": ["c"], "tags": [["w"]]}),
    )
    np.testing.assert_array_equal(inputs["sequence.grid"][0], grid.reshape(2, 2, 3))
    assert inputs["sequence.grid"].shape == (2, 2, 2, 3)
    np.testing.assert_array_equal(inputs["sequence.x"], [[5, 6], [7, 0]])
    assert inputs["sequence.word"].numpy().tolist() == [[b"a", b"b"], [b"c", b""]]
    assert inputs["sequence.tags"].shape == (2, 2, 2)
    np.testing.assert_array_equal(inputs["size"][0], [[1, 2], [3, 4]])


def test_a_step_without_a_value_is_zero():
    full = {"grid": [[1.0] * 6], "x": [2.0], "word": ["a"], "tags": [["t"]]}
    inputs = batch(
        sequence_example({"size": [0.0] * 4}, {**full, "x": [[]], "word": [[]], "grid": [[]]}),
        sequence_example({"size": [0.0] * 4}, {**full, "x": [[]]}),
    )
    np.testing.assert_array_equal(inputs["sequence.x"], [[0], [0]])
    assert inputs["sequence.word"].numpy().tolist() == [[b""], [b"a"]]
    assert not np.any(inputs["sequence.grid"][0])


def test_a_step_with_too_many_values_is_an_error_with_the_features_name():
    full = {"grid": [[1.0] * 6], "word": ["a"], "tags": [["t"]]}
    with pytest.raises(Exception, match=r"'x' has more values than its column declares[\s\S]*1 per step"):
        batch(sequence_example({"size": [0.0] * 4}, {**full, "x": [[1.0, 2.0]]}))
