import numpy as np
import tensorflow as tf

from tfx_sequences.components.bucket_plan import make_plan
from tfx_sequences.components.bucket_queue import MicroBatches
from tfx_sequences.components.length_histogram import LengthHistogram
from tfx_sequences.components.micro_batches import as_elements, bucket
from tfx_sequences.components.record_chunks import Rows
from tfx_sequences.schemas.batching import Batching


def test_elements_hold_the_numbers_of_their_rows():
    plan = make_plan(LengthHistogram.of([1, 9]), Batching(bucket_boundaries=(5,), bucket_batch_sizes=(2, 3)))
    rows = Rows(np.array([7, 3, 5]), np.zeros([3, 2], np.int64), np.array([1, 2, 9]))
    lengths, numbers = as_elements(MicroBatches(rows, np.array([0, 2, 3]), np.array([0, 1])), plan)
    assert lengths.tolist() == [1, 9]
    assert numbers.tolist() == [[7, 3, -1], [5, -1, -1]]


def test_batches_are_of_one_bucket_and_of_its_size():
    lengths = [1, 9, 1, 9, 1, 1, 9]
    batching = Batching(bucket_boundaries=(5,), bucket_batch_sizes=(2, 3))
    plan = make_plan(LengthHistogram.of(lengths), batching)
    dataset = tf.data.Dataset.from_tensor_slices((tf.constant(lengths), tf.range(7)))
    # A micro-batch of batches this small is a whole batch.
    batches = [x.numpy().tolist() for x, _ in bucket(dataset, plan)]
    assert batches == [[n] for n in lengths]
    plan = make_plan(LengthHistogram.of(lengths), Batching(bucket_boundaries=(5,), bucket_batch_sizes=(128, 192)))
    batches = [x.numpy().tolist() for x, _ in bucket(dataset, plan)]
    assert sorted(batches) == [[1, 1], [1, 1], [9, 9, 9]]
