"""Padded tensors of a spec whose records are tf.Examples; the rest is tested on exported models."""

import numpy as np
import tensorflow as tf

from tests.everything import SEVERAL_PER_STEP, Analyzed, everything_spec, plain_records
from tfx_sequences.components.serving.requests import make_tensors
from tfx_sequences.components.serving.serving_inputs import from_records, from_tensors

EVERYTHING = Analyzed(everything_spec(), plain_records(), "")
SPEC = EVERYTHING.spec_of_examples


def tensors(**changes):
    rows = [{k: v for k, v in {**c, **s}.items() if k not in SEVERAL_PER_STEP} for c, s in EVERYTHING.records]
    made = make_tensors(rows, SPEC)
    return {n: tf.constant(x, tf.string if x.dtype == object else None) for n, x in {**made, **changes}.items()}


def test_tensors_stand_for_what_flat_lists_are_parsed_to():
    expected = from_records(tf.constant(EVERYTHING.serialized_examples), SPEC)
    received = from_tensors(tensors(), SPEC)
    assert received.keys() == expected.keys() - {"id"}
    for name, value in received.items():
        other = expected[name]
        assert value.shape.rank == other.shape.rank, name
        if isinstance(value, tf.RaggedTensor):
            assert value.ragged_rank == other.ragged_rank and value.to_list() == other.to_list(), name
        else:
            np.testing.assert_array_equal(value, other, err_msg=name)


def test_nan_is_missing_in_flat_lists_too():
    gaps = make_tensors([{**c, **s} for c, s in EVERYTHING.records], everything_spec())["price"]
    gaps[5, 1] = np.nan
    received = from_tensors(tensors(price=gaps), SPEC)["sequence.price"]
    np.testing.assert_array_equal(received[5], gaps[5, :5])


def test_an_input_without_rows_is_missing_in_all_steps():
    received = from_tensors(tensors(price=np.zeros((0, 0), np.float32), token=np.zeros(0, object)), SPEC)
    lengths = [len(s["lpc"]) for _, s in EVERYTHING.records]
    np.testing.assert_array_equal(received["sequence.price"].row_lengths(), lengths)
    assert np.isnan(received["sequence.price"].flat_values).all()
    np.testing.assert_array_equal(received["sequence.token"].row_lengths(), lengths)
