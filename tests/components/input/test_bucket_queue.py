import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.components.input.small_inputs import rows
from tfx_sequences.components.input import bucket_queue
from tfx_sequences.components.input.bucket_planning import make_plan
from tfx_sequences.components.input.bucket_queue import BucketQueue, micro_batch_rows
from tfx_sequences.components.transform.length_histogram import LengthHistogram
from tfx_sequences.schemas.spec.batching import Batching


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_rows_come_once_in_micro_batches_of_their_bucket(monkeypatch, data):
    # So that batches this small have several.
    monkeypatch.setattr(bucket_queue, "_MOST_ROWS", data.draw(st.sampled_from([20, 64])))
    lengths = data.draw(st.lists(st.integers(0, 9), min_size=1, max_size=120))
    size, seed = data.draw(st.integers(1, 70)), data.draw(st.none() | st.integers(0, 9))
    plan = make_plan(LengthHistogram.of(lengths), Batching(batch_size=size, num_buckets=3))
    queue, random = BucketQueue(plan), None if seed is None else np.random.default_rng(seed)
    given_out = []
    for start in range(0, len(lengths), 50):
        given_out.append(queue.add(rows(lengths[start : start + 50], start), random))
    full = len(given_out)
    given_out.append(queue.flush())
    seen = []
    for number, out in enumerate(part.micro_batches for part in given_out):
        for micro, bucket in enumerate(out.buckets):
            part = out.rows.take(np.arange(out.splits[micro], out.splits[micro + 1]))
            assert set(np.searchsorted(plan.boundaries, part.lengths, side="right")) == {bucket}
            most = micro_batch_rows(plan.batch_sizes[bucket])
            assert len(part) == most if number < full else 0 < len(part) < most
            seen += part.places[:, 1].tolist()
    assert sorted(seen) == list(range(len(lengths)))
    assert queue.batches == plan.steps_per_epoch


def test_batches_are_counted_as_they_become_complete():
    lengths = [1, 1, 1, 9, 9]
    plan = make_plan(LengthHistogram.of(lengths), Batching(batch_size=2, num_buckets=2))
    queue = BucketQueue(plan)
    queue.add(rows(lengths[:2]), None)
    assert (queue.batches, queue.padded_steps, queue.open_rows.numbers.tolist()) == (1, 2, [])
    queue.add(rows(lengths[2:4], 2), None)
    assert (queue.batches, queue.open_rows.numbers.tolist()) == (1, [2, 3])
    queue.add(rows(lengths[4:], 4), None)
    assert (queue.batches, queue.padded_steps, queue.open_rows.numbers.tolist()) == (2, 2 + 18, [2])
    queue.flush()
    assert (queue.batches, queue.padded_steps) == (3, 2 + 18 + 1)


def test_shuffling_mixes_buckets_and_rows():
    lengths = [1] * 500 + [9] * 500
    plan = make_plan(LengthHistogram.of(lengths), Batching(batch_size=10, num_buckets=2))
    given = BucketQueue(plan).add(rows(lengths), np.random.default_rng(0)).micro_batches
    assert 20 < np.count_nonzero(np.diff(given.buckets)) < 80
    first = given.rows.places[:10, 1]
    assert first.max() - first.min() > 100
