import pytest
import tensorflow as tf

from tfx_sequences.components.batches.byte_steps import padded_numbers
from tfx_sequences.schemas.columns.column import NumericColumn
from tfx_sequences.schemas.spec.batching import Padding


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize(("default", "padding"), [(None, 0), (3.0, 0), (None, -1), (3.0, 3)])
def test_padded_and_missing_steps_have_values_of_their_own(side, default, padding):
    column = NumericColumn(
        key="x", shape=(2,), is_sequence=True, encoding="int8", normalizer="none", default_value=default
    )
    rows = [[[1.0, -1.0], None], [], [[5.0, 6.0]]]
    values, wanted = [], []
    for row in rows:
        held = [b"" if step is None else bytes(int(x) % 256 for x in step) for step in row]
        numbers = [[default or 0.0] * 2 if step is None else step for step in row]
        empty, padded = [b""] * (2 - len(row)), [[padding] * 2] * (2 - len(row))
        values.append(held + empty if side == "right" else empty + held)
        wanted.append(numbers + padded if side == "right" else padded + numbers)
    lengths = tf.constant([len(row) for row in rows])
    found = padded_numbers(tf.constant(values), column, Padding(value=padding, side=side), lengths)
    assert found.numpy().tolist() == wanted
