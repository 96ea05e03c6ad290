"""A user's own dataset as the input of training."""

import pytest
import tensorflow as tf

from tfx_sequences.components.input.epoch_source import DatasetSource
from tfx_sequences.components.input.input_state import InputState
from tfx_sequences.errors import UserInputError


def values(source):
    return [int(x) for x in source.dataset]


def test_every_pass_gives_the_rest_of_the_same_batches():
    source = DatasetSource(tf.data.Dataset.range(4))
    assert values(source) == values(source) == [0, 1, 2, 3]
    source.begin(epoch=1, step=3)
    assert (source.epoch, source.step, values(source)) == (1, 3, [3])


def test_a_position_is_saved_and_restored():
    source, other = (DatasetSource(tf.data.Dataset.range(4)) for _ in range(2))
    source.begin(2, 1)
    other.restore(InputState.from_json(source.state().to_json()))
    assert (other.epoch, values(other)) == (2, [1, 2, 3])
    with pytest.raises(UserInputError, match="belongs to a different input"):
        other.restore(InputState(source="0f", num_workers=1, epoch=0, step=0))


@pytest.mark.parametrize(
    ("dataset", "steps"),
    [
        (tf.data.Dataset.range(4).batch(3), 2),
        (tf.data.Dataset.range(4).filter(lambda x: x > 1), None),
        (tf.data.Dataset.range(4).repeat(), None),
    ],
)
def test_the_number_of_batches_is_what_tensorflow_knows(dataset, steps):
    assert DatasetSource(dataset).steps_per_epoch == steps
