"""Padded tensors of a spec whose records are tf.Examples; the rest is tested on exported models."""

import numpy as np
import pytest
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


def test_flat_lists_have_no_missing_steps():
    gaps = make_tensors([{**c, **s} for c, s in EVERYTHING.records], everything_spec())["price"]
    gaps[5, 1] = np.nan
    with pytest.raises(Exception, match=r"'price' has a missing step"):
        from_tensors(tensors(price=gaps), SPEC)
