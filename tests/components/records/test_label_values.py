"""Labels that are vectors: which records cannot be targets, whatever is missing before them."""

import re

import numpy as np
import pytest
import tensorflow as tf

from tfx_sequences.components.records.batches import Rows
from tfx_sequences.components.records.label_values import vector_fault
from tfx_sequences.components.records.value_errors import Where
from tfx_sequences.schemas.spec.label import Label

NAN = float("nan")


def fault(vectors, **label):
    """The records with a fault and the message, of one vector per record."""
    size = len(vectors[0])
    splits = np.arange(len(vectors) + 1) * size
    rows = Rows(tf.constant(np.ravel(vectors), tf.float32), (splits,))
    found = vector_fault("the label 'y'", Label(key="y", shape=(size,), **label), rows)
    if found is None:
        return None
    records, error = found
    return sorted(set(records.tolist())), str(error(Where("each", "the first")))


@pytest.mark.parametrize(
    ("vectors", "records", "words"),
    [
        ([[0.5, 0.5], [1.0, 0.0]], None, None),
        ([[0.5, 0.5], [0.5, 0.25]], [1], "the sum 0.75 in the first"),
        ([[NAN, 0.5], [0.5, 0.5], [0.9, 0.9], [NAN, NAN], [2.0, 0.0]], [2, 4], "the sum 1.8 in the first"),
        ([[1.5, -0.5]], [0], "a negative number in the first"),
    ],
)
def test_distributions_have_numbers_of_at_least_zero_whose_sum_is_one(vectors, records, words):
    found = fault(vectors, type="distribution")
    assert (found and found[0]) == records
    if words:
        assert "The label 'y' has a vector that is not a distribution." in found[1]
        assert words in found[1]


@pytest.mark.parametrize(("missing_label", "records"), [("ignore", [2]), ("error", [0, 2])])
def test_several_classes_are_zeros_and_ones_and_nan_only_where_labels_may_be_missing(missing_label, records):
    found = fault([[NAN, 0.0], [1.0, 1.0], [0.0, 2.0]], type="multi_label", missing_label=missing_label)
    assert found[0] == records
    assert re.search("neither 0 nor 1[\\s\\S]*received: +(2|nan) in the first", found[1])


def test_a_number_of_values_that_does_not_fit_is_the_matter_of_another_check():
    rows = Rows(tf.constant([0.5, 0.4, 0.1]), (np.array([0, 3]),))
    assert vector_fault("y", Label(key="y", type="distribution", shape=(2,)), rows) is None
