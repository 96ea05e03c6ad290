"""Weights of terms in the transform graph."""

import numpy as np
import pytest
import tensorflow as tf

from tests.records import sequence_example
from tfx_sequences.components.transform.term_weights import transform_weights
from tfx_sequences.schemas.features.parse_specs import parse_records
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

SPEC = SequenceSpec(
    name="s",
    context={"tags": {"type": "categorical", "weighted_by": "tag_weights"}},
    sequence={
        "topics": {"type": "categorical", "weighted_by": "topic_weights", "weight_dtype": "int64"},
        "x": {"type": "numeric"},
    },
    label={"key": "y"},
)


def weights(context, **sequence):
    record = sequence_example({"y": "a", **context}, {"x": [1.0, 2.0], **sequence})
    return transform_weights(parse_records(tf.constant([record.SerializeToString()]), SPEC), SPEC)


def test_weights_have_the_rows_of_their_terms_and_are_floats():
    found = weights(
        {"tags": ["a", "b"], "tag_weights": [0.5, -2.0]}, topics=[["p", "q"], []], topic_weights=[[3, 1], []]
    )
    assert found.keys() == {"context.tags.weights", "sequence.topics.weights"}
    assert found["context.tags.weights"].to_list() == [[0.5, -2.0]]
    assert found["sequence.topics.weights"].to_list() == [[[3.0, 1.0], []]]
    assert {ragged.dtype for ragged in found.values()} == {tf.float32}


@pytest.mark.parametrize(
    ("context", "sequence", "names"),
    [
        ({"tags": ["a"], "tag_weights": [0.5, 1.0]}, {}, "'tags' and its weights 'tag_weights'"),
        ({}, {"topics": [["p"], []], "topic_weights": [[], [3]]}, "'topics' and its weights 'topic_weights'"),
    ],
)
def test_another_number_of_weights_is_an_error(context, sequence, names):
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"{names} have different numbers of values"):
        weights(context, **sequence)


def test_records_without_terms_have_no_weights():
    assert np.size(weights({})["context.tags.weights"].flat_values) == 0
