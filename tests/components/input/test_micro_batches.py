import numpy as np
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.components.input.small_inputs import rows
from tfx_sequences.components.input import bucket_queue
from tfx_sequences.components.input.bucket_planning import make_plan
from tfx_sequences.components.input.bucket_queue import BucketQueue
from tfx_sequences.components.input.micro_batches import bucket
from tfx_sequences.components.transform.length_histogram import LengthHistogram
from tfx_sequences.schemas.spec.batching import Batching


def test_batches_are_of_one_bucket_and_of_its_size():
    lengths = [1, 9, 1, 9, 1, 1, 9]
    batching = Batching(bucket_boundaries=(5,), bucket_batch_sizes=(2, 3))
    plan = make_plan(LengthHistogram.of(lengths), batching)
    dataset = tf.data.Dataset.from_tensor_slices((tf.constant(lengths), tf.range(7)))
    # A micro-batch of batches this small is a whole batch.
    batches = [x.numpy().tolist() for x, _ in bucket(dataset, plan)]
    assert batches == [[n] for n in lengths]
    plan = make_plan(LengthHistogram.of(lengths), Batching(bucket_boundaries=(5,), bucket_batch_sizes=(1024, 1536)))
    batches = [x.numpy().tolist() for x, _ in bucket(dataset, plan)]
    assert sorted(batches) == [[1, 1], [1, 1], [9, 9, 9]]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_the_queue_knows_the_batches_of_the_op_and_their_order(monkeypatch, data):
    lengths = data.draw(st.lists(st.integers(0, 30), min_size=1, max_size=700))
    sizes = data.draw(st.lists(st.sampled_from([1, 2, 7, 65, 96, 130]), min_size=3, max_size=3))
    plan = make_plan(LengthHistogram.of(lengths), Batching(bucket_boundaries=(9, 20), bucket_batch_sizes=tuple(sizes)))
    seed = data.draw(st.none() | st.integers(0, 9))
    # So that batches this small have several.
    monkeypatch.setattr(bucket_queue, "_MOST_ROWS", data.draw(st.sampled_from([20, 64])))
    queue, random = BucketQueue(plan), None if seed is None else np.random.default_rng(seed)
    chunk = data.draw(st.integers(20, 400))
    parts = [queue.add(rows(lengths[a : a + chunk], a), random) for a in range(0, len(lengths), chunk)]
    parts.append(queue.flush())
    elements, expected = [], []
    for micro, batches in ((part.micro_batches, part.batches) for part in parts):
        numbers = np.split(micro.rows.numbers, micro.splits[1:-1]) if len(micro.buckets) else []
        elements += [(micro.rows.lengths[a], n.tolist()) for a, n in zip(micro.splits, numbers, strict=False)]
        expected += [
            batches.rows.numbers[a:b].tolist() for a, b in zip(batches.splits, batches.splits[1:], strict=False)
        ]
    dataset = tf.data.Dataset.from_tensor_slices(
        (np.array([e[0] for e in elements], np.int32), np.arange(len(elements)))
    )
    given_out = [[n for micro in which.numpy() for n in elements[micro][1]] for _, which in bucket(dataset, plan)]
    assert given_out == expected
    assert queue.batches == len(expected)
