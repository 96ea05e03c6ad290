import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.records import sequence_example
from tfx_sequences import ContextFeatures, SequenceFeatures, make_parse_sequence_example_spec
from tfx_sequences.errors import UserInputError
from tfx_sequences.schemas.columns.column import NumericColumn

COLUMN = NumericColumn(
    key="x", shape=(2,), is_sequence=True, encoding="uint8", dequantize={"min": -2.0, "max": 2.0}, default_value=1.0
)
ROWS = [[b"\x00\xff", b""], [b"\x80\x07"]]


def dequantized(*values):
    return np.array(values) * 4 / 255 + 4 / 512 - 2


WANTED = np.array([[dequantized(0, 255), [1, 1]], [dequantized(128, 7), [0, 0]]])


@pytest.mark.parametrize(
    "make",
    [
        lambda: tf.ragged.constant(ROWS),
        lambda: tf.ragged.constant([[[x] if x else [] for x in row] for row in ROWS], dtype=tf.string),
        lambda: tf.ragged.constant(ROWS).to_sparse(),
    ],
)
def test_a_layer_takes_bytes_in_every_form(make):
    found, lengths = SequenceFeatures([COLUMN])({"x": make()})
    np.testing.assert_allclose(found, WANTED, rtol=1e-6, atol=1e-6)
    assert lengths.numpy().tolist() == [2, 1]


def test_dense_bytes_come_with_their_lengths():
    dense = tf.constant([[b"\x00\xff", b""], [b"\x80\x07", b"\x01\x01"]])
    found, _ = SequenceFeatures([COLUMN])({"x": dense}, sequence_length=tf.constant([2, 1]))
    np.testing.assert_allclose(found, WANTED, rtol=1e-6, atol=1e-6)


def test_parsed_records_reach_the_layer_and_its_normaliser():
    column = COLUMN.model_copy(update={"normalizer": "per_record", "default_value": None})
    record = sequence_example({}, {"x": [b"\x00\x05", b"\x02\x05"]}).SerializeToString()
    context, sequence = make_parse_sequence_example_spec([column])
    _, features, _ = tf.io.parse_sequence_example([record], context or None, sequence)
    np.testing.assert_allclose(SequenceFeatures([column])(features)[0], [[[-1, 0], [1, 0]]], atol=1e-6)


def test_context_and_a_saved_layer(tmp_path):
    column = COLUMN.model_copy(update={"is_sequence": False})
    found = ContextFeatures([column])({"x": tf.constant([b"\x00\xff", b""])})
    np.testing.assert_allclose(found, [dequantized(0, 255), [1, 1]], rtol=1e-6, atol=1e-6)
    layer = SequenceFeatures([COLUMN])
    again = keras.layers.deserialize(keras.layers.serialize(layer))
    np.testing.assert_array_equal(again({"x": tf.ragged.constant(ROWS)})[0], layer({"x": tf.ragged.constant(ROWS)})[0])


def test_what_does_not_fit_is_refused():
    with pytest.raises(UserInputError, match="'x' do not match its shape"):
        SequenceFeatures([COLUMN])({"x": tf.ragged.constant([[b"\x00"]])})
    with pytest.raises(UserInputError, match="several bytes values"):
        SequenceFeatures([COLUMN])({"x": tf.ragged.constant([[[b"\x00\x01", b"\x00\x01"]]])})
    with pytest.raises(UserInputError, match="wrong dtype"):
        SequenceFeatures([COLUMN])({"x": tf.ragged.constant([[1.0]])})
