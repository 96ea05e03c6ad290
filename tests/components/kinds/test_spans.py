import numpy as np
import pytest
import tensorflow as tf

from tests.reference_spans import span_f1, spans_of
from tfx_sequences.components.kinds.spans import is_iob, span_counts

TAGS = ("O", "B-x", "I-x", "E-x", "S-x", "B-y", "I-y", "E-y", "S-y")


def counted(truth, predicted, lengths):
    there = tf.sequence_mask(lengths, truth.shape[1])
    return span_counts(tf.constant(truth), tf.constant(predicted), there, TAGS).numpy()


@pytest.mark.parametrize("tags", [3, 9], ids=["IOB", "IOBES"])
def test_they_are_those_found_tag_by_tag(tags):
    random = np.random.default_rng(tags)
    lengths = random.integers(0, 12, 500)
    truth = random.integers(0, tags, (500, 12))
    predicted = np.where(random.random(truth.shape) < 0.8, truth, random.integers(0, tags, truth.shape))
    counts = counted(truth, predicted, lengths)
    rows = [
        ([TAGS[i] for i in t[:n]], [TAGS[i] for i in p[:n]]) for t, p, n in zip(truth, predicted, lengths, strict=True)
    ]
    for row, (true, found) in zip(counts, rows, strict=True):
        true, found = spans_of(true), spans_of(found)
        assert row.tolist() == [len(true & found), len(found), len(true)]
    right, found, true = counts.sum(0)
    np.testing.assert_allclose(2 * right / (found + true), span_f1(*zip(*rows, strict=True)))


def test_the_reference_is_that_of_conlleval():
    # The example of the shared task: I- without B- begins a span, another type ends one.
    assert spans_of(["I-x", "I-x", "I-y", "B-y", "O", "B-x"]) == {("x", 0, 1), ("y", 2, 2), ("y", 3, 3), ("x", 5, 5)}
    assert spans_of(["B-x", "E-x", "I-x", "S-x"]) == {("x", 0, 1), ("x", 2, 2), ("x", 3, 3)}


def test_a_row_does_not_go_on_in_the_next():
    truth = np.array([[0, 1], [2, 0]])
    assert counted(truth, truth, [2, 2]).tolist() == [[1, 1, 1], [1, 1, 1]]


def test_only_tags_of_spans_are_taken_for_such():
    assert is_iob(("O", "B-x", "I-x")) and is_iob(TAGS)
    assert not is_iob(("A-1", "B", "O")) and not is_iob(())
