import numpy as np
import pytest
import tensorflow as tf

from tfx_sequences.components.batches.padding import pad_features
from tfx_sequences.schemas.spec.batching import Batching, Padding
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

SPEC = SequenceSpec(
    name="s",
    context={"age": {"type": "numeric"}},
    sequence={"x": {"type": "numeric", "shape": (2,)}, "t": {"type": "categorical"}},
    label={"key": "y"},
)


def transformed(lengths):
    t = tf.ragged.constant([[i + 1] * n for i, n in enumerate(lengths)], dtype=tf.int64)
    x = tf.RaggedTensor.from_row_lengths(tf.ones([sum(lengths), 2]), lengths)
    return {
        "context.age": tf.zeros([len(lengths)]),
        "sequence.t": t,
        "sequence.x": x,
        "sequence_length": tf.constant(lengths, tf.int64),
        "label": tf.zeros([len(lengths)], tf.int64),
    }


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(("lengths", "steps"), [([2, 0, 3], 3), ([0, 0], 1), ([1], 1)])
def test_all_features_are_padded_on_the_right_to_the_longest(lengths, steps, compiled):
    def pad(features):
        return pad_features(features, SPEC)

    inputs = (tf.function(pad) if compiled else pad)(transformed(lengths))
    assert set(inputs) == {"context.age", "sequence.t", "sequence.x", "sequence_length"}
    assert inputs["sequence.t"].shape == (len(lengths), steps)
    assert inputs["sequence.x"].shape == (len(lengths), steps, 2)
    for row, length in enumerate(lengths):
        np.testing.assert_array_equal(inputs["sequence.t"][row], [row + 1] * length + [0] * (steps - length))


def test_an_empty_batch_stays_empty():
    empty = {name: value[:0] for name, value in transformed([2, 1]).items()}
    assert pad_features(empty, SPEC)["sequence.x"].shape == (0, 1, 2)


@pytest.mark.parametrize("side", ["left", "right"])
def test_value_and_side_are_each_features_own(side):
    spec = SPEC.model_copy(update={"batching": Batching(padding={"t": Padding(value=9.0, side=side)})})
    inputs = pad_features(transformed([2, 0, 3]), spec)
    fill = {2: [9], 0: [9, 9, 9], 3: []}
    for row, length in enumerate([2, 0, 3]):
        real = [row + 1] * length
        expected = fill[length] + real if side == "left" else real + fill[length]
        np.testing.assert_array_equal(inputs["sequence.t"][row], expected)
        np.testing.assert_array_equal(inputs["sequence.x"][row], [[1, 1]] * length + [[0, 0]] * (3 - length))


def test_long_sequences_are_cut():
    spec = SPEC.model_copy(update={"batching": Batching(max_length=2)})
    inputs = pad_features(transformed([2, 0, 3]), spec)
    assert inputs["sequence_length"].numpy().tolist() == [2, 0, 2]
    assert inputs["sequence.x"].shape == (3, 2, 2)
