import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.records import example, write_records
from tfx_sequences.components import input as input_lib
from tfx_sequences.schemas.spec import Batching, SequenceSpec

FEATURES = {
    "sequence.x": tf.io.RaggedFeature(tf.float32, value_key="x", row_splits_dtype=tf.int64),
    "sequence_length": tf.io.FixedLenFeature([], tf.int64),
    "label": tf.io.FixedLenFeature([], tf.int64),
    "example_weight": tf.io.FixedLenFeature([], tf.float32),
}


def make_spec(**changes):
    base = {"name": "s", "sequence": {"x": {"type": "numeric"}}, "label": {"key": "y"}, "example_weight": "w"}
    return SequenceSpec(**{**base, **changes})


def write(folder, lengths):
    """Records whose values, label and weight tell which record they are."""
    records = [
        example({"x": [float(i)] * n, "sequence_length": n, "label": i, "example_weight": i / 2})
        for i, n in enumerate(lengths)
    ]
    return [str(write_records(folder / "t.tfrecord.gz", records))]


@pytest.mark.parametrize("training", [False, True])
@settings(max_examples=15)
@given(data=st.data())
def test_every_record_comes_once_with_its_own_values(tmp_path_factory, training, data):
    lengths = data.draw(st.lists(st.integers(0, 9), min_size=1, max_size=40))
    boundaries = tuple(sorted(data.draw(st.sets(st.integers(1, 10), max_size=4))))
    size = data.draw(st.integers(1, 7))
    spec = make_spec(batching={"batch_size": size})
    files = write(tmp_path_factory.mktemp("input"), lengths)
    seen = []
    for inputs, label, weight in input_lib.make_dataset(files, spec, FEATURES, boundaries, training=training):
        assert len(label) <= size
        real = inputs["sequence_length"].numpy()
        assert inputs["sequence.x"].shape[1] == max(real.max(), 1)
        assert len({np.searchsorted(boundaries, n, side="right") for n in real}) == 1
        for row, (index, length) in enumerate(zip(label.numpy(), real, strict=True)):
            values = inputs["sequence.x"][row].numpy()
            np.testing.assert_array_equal(values, [float(index)] * length + [0.0] * (len(values) - length))
            assert length == lengths[index]
            assert weight[row] == index / 2
            seen.append(int(index))
    assert sorted(seen) == list(range(len(lengths)))


def order(files, seed):
    spec = make_spec(batching={"batch_size": 4}, training={"seed": seed})
    dataset = input_lib.make_dataset(files, spec, FEATURES, (3, 6), training=True)
    return [[label.numpy().tolist() for _, label, _ in dataset] for _ in range(2)]


def test_the_seed_decides_the_order_and_each_epoch_has_another(tmp_path):
    files = write(tmp_path, [i % 9 for i in range(60)])
    first, second = order(files, 1)
    assert first != second
    assert [first, second] == order(files, 1)
    assert [first, second] != order(files, 2)


def test_measured_steps_are_those_of_the_batches(tmp_path):
    lengths = [i % 9 for i in range(60)]
    files = write(tmp_path, lengths)
    spec = make_spec(batching={"batch_size": 4})
    measured = input_lib.measure(files, spec, (3, 6))
    assert (measured.records, measured.real_steps) == (60, sum(lengths))
    batches = list(input_lib.make_dataset(files, spec, FEATURES, (3, 6), training=True))
    assert measured.batches == len(batches)
    padded = sum(int(np.prod(inputs["sequence.x"].shape)) for inputs, _, _ in batches)
    np.testing.assert_allclose(measured.padding_share, 1 - sum(lengths) / padded, atol=0.05)
    assert input_lib.measure(files, spec, ()).padding_share > measured.padding_share


def test_boundaries_are_given_or_follow_the_lengths():
    lengths = np.arange(100)
    assert input_lib.choose_boundaries(lengths, Batching(bucket_boundaries=(5, 9))) == (5, 9)
    chosen = input_lib.choose_boundaries(lengths, Batching(num_buckets=4))
    assert len(chosen) == 3
    counts = np.bincount(np.searchsorted(chosen, lengths, side="right"))
    assert counts.max() - counts.min() <= 3
    assert input_lib.choose_boundaries(np.array([7, 7, 7]), Batching()) == ()
    assert input_lib.choose_boundaries(np.array([], np.int64), Batching()) == ()


def test_an_unknown_class_is_an_error_with_the_labels_name(tmp_path):
    record = example({"x": [1.0], "sequence_length": 1, "label": -1, "example_weight": 1.0})
    files = [str(write_records(tmp_path / "t.gz", [record]))]
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"Label .*y"):
        list(input_lib.make_dataset(files, make_spec(), FEATURES, (), training=False))
