import numpy as np
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tfx_sequences.components.bucket_plan import make_plan
from tfx_sequences.components.length_histogram import LengthHistogram
from tfx_sequences.components.micro_batches import bucket, pack, unpack
from tfx_sequences.schemas.batching import Batching


def features(rows):
    """A feature of every form, telling the row."""
    lengths = np.arange(rows) % 4
    total = int(lengths.sum())
    steps = tf.RaggedTensor.from_row_lengths(tf.range(total, dtype=tf.int64), lengths)
    vectors = tf.RaggedTensor.from_row_lengths(tf.reshape(tf.range(2.0 * total), [-1, 2]), lengths)
    several = tf.RaggedTensor.from_row_lengths(
        tf.RaggedTensor.from_row_lengths(
            tf.strings.as_string(tf.range(int((np.arange(total) % 3).sum()))), np.arange(total, dtype=np.int64) % 3
        ),
        lengths,
    )
    return {
        "number": tf.range(rows, dtype=tf.float32),
        "text": tf.strings.as_string(tf.range(rows)),
        "place": tf.stack([tf.range(rows), -tf.range(rows)], axis=1),
        "steps": steps,
        "vectors": vectors,
        "several": several,
    }


def plain(values):
    return values.to_list() if isinstance(values, tf.RaggedTensor) else values.numpy().tolist()


@settings(max_examples=15)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=6), st.randoms())
def test_rows_come_out_as_they_went_in(sizes, random):
    given = features(sum(sizes))
    splits = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    specs = tf.nest.map_structure(
        lambda x: (
            tf.RaggedTensorSpec([None, *x.shape[1:]], x.dtype, x.ragged_rank, tf.int64)
            if isinstance(x, tf.RaggedTensor)
            else tf.TensorSpec([None, *x.shape[1:]], x.dtype)
        ),
        given,
    )
    order = random.sample(range(len(sizes)), len(sizes))
    packed = pack(given, tf.constant(splits))
    out = unpack({name: tf.gather(values, order) for name, values in packed.items()}, specs)
    rows = [row for micro in order for row in range(splits[micro], splits[micro + 1])]
    for name, values in given.items():
        everything = plain(values)
        assert plain(out[name]) == [everything[row] for row in rows], name


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
