import numpy as np
import pytest
import tensorflow as tf

from tfx_sequences.components.batches.truncation import cut_steps
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def batching(**options):
    return SequenceSpec(
        name="s",
        sequence={"x": {"type": "numeric"}},
        labels={"tag": {"key": "tag", "per_step": True}, "kinds": {"key": "kinds", "type": "multi_label"}},
        batching=options,
    )


def features():
    return {
        "label.tag": tf.ragged.constant([[1, 2, 3, 4], [], [5]]),
        "label.kinds": tf.ragged.constant([[1, 2, 3], [], [4]]),
        "sequence.x": tf.ragged.constant([[1, 2, 3, 4], [], [5]]),
        "sequence.v": tf.ragged.constant([[[1, 1], [2, 2], [3, 3], [4, 4]], [], [[5, 5]]], ragged_rank=1),
        "sequence.several": tf.ragged.constant([[[1], [], [3, 3], [4]], [], [[5, 5]]]),
        "context.ids": tf.ragged.constant([[1, 2, 3], [], [4]]),
        "sequence_length": tf.constant([4, 0, 1], tf.int64),
    }


@pytest.mark.parametrize(("truncate", "kept"), [("tail", [1, 2]), ("head", [3, 4]), ("random", [1, 2])])
def test_all_sequences_are_cut_at_the_same_steps(truncate, kept):
    cut = cut_steps(features(), batching(max_length=2, truncate=truncate))
    assert cut["sequence.x"].to_list() == [kept, [], [5]]
    assert cut["sequence.v"].to_list() == [[[k, k] for k in kept], [], [[5, 5]]]
    several = {1: [1], 2: [], 3: [3, 3], 4: [4]}
    assert cut["sequence.several"].to_list() == [[several[k] for k in kept], [], [[5, 5]]]
    assert cut["label.tag"].to_list() == cut["sequence.x"].to_list()
    assert cut["context.ids"].to_list() == cut["label.kinds"].to_list() == [[1, 2, 3], [], [4]]
    assert cut["sequence_length"].numpy().tolist() == [2, 0, 1]


def test_a_random_stretch_can_be_any_of_them():
    spec = batching(max_length=2, truncate="random")
    x = tf.ragged.constant([[1, 2, 3, 4]] * 300)
    cut = cut_steps({"sequence.x": x, "sequence_length": x.row_lengths()}, spec, tf.constant([1, 2], tf.int64))
    starts = np.array(cut["sequence.x"].to_list())
    assert (starts[:, 1] - starts[:, 0] == 1).all()
    assert np.bincount(starts[:, 0])[1:].min() > 70


def test_short_sequences_stay_as_they_are():
    given = features()
    assert cut_steps(given, batching()) is given
    cut = cut_steps(given, batching(max_length=4))
    assert cut["sequence.x"].to_list() == given["sequence.x"].to_list()


def test_a_label_of_other_steps_is_an_error():
    wrong = {**features(), "label.tag": tf.ragged.constant([[1, 2, 3], [], [5]])}
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"'label.tag' and the sequence features have different"):
        cut_steps(wrong, batching(max_length=2))
