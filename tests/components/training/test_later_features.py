import numpy as np
import pytest

from tfx_sequences.components.training.later_features import later_features
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def batch(feature, label, lengths):
    inputs = {"sequence.x": np.asarray(feature), "sequence_length": np.asarray(lengths)}
    return inputs, np.asarray(label), np.ones(label.shape[:2])


def make_spec(**label):
    return SequenceSpec(name="s", sequence={"x": {"type": "numeric"}}, label={"key": "y", "per_step": True, **label})


@pytest.mark.parametrize("later", [1, 2])
def test_a_label_that_is_a_later_frame_is_found_although_the_feature_is_normalised(later):
    random = np.random.default_rng(0)
    frames = (random.random((20, 30, 4)) < 0.3).astype("float32")
    lengths = random.integers(10, 31, 20)
    label = np.roll(frames, -later, axis=1)
    # What stands at the end, and in the padding, is of no later step.
    label[:, -later:] = 1 - label[:, -later:]
    normalised = (frames - frames.mean((0, 1))) / frames.std((0, 1))
    spec = make_spec(type="multi_label", shape=(4,))
    assert later_features(spec, [batch(normalised, label, lengths)]) == ("label",)
    noisy = np.where(random.random(label.shape) < 0.02, 1 - label, label)
    assert later_features(spec, [batch(normalised, noisy, lengths)]) == ()


def test_classes_and_numbers_are_found_too():
    random = np.random.default_rng(0)
    ids = random.integers(0, 5, (10, 20))
    classes = np.array([3, 1, 4, 0, 2])[np.roll(ids, -1, axis=1)]
    lengths = np.full(10, 20)
    assert later_features(make_spec(), [batch(ids, classes, lengths)]) == ("label",)
    numbers = random.normal(size=(10, 20, 1))
    regression = make_spec(type="regression")
    assert later_features(regression, [batch(numbers * 3 - 1, np.roll(numbers, -1, axis=1), lengths)]) == ("label",)
    assert later_features(regression, [batch(numbers, random.normal(size=(10, 20, 1)), lengths)]) == ()


def test_labels_of_the_same_step_of_records_or_of_few_steps_are_not():
    random = np.random.default_rng(0)
    ids = random.integers(0, 5, (10, 20))
    lengths = np.full(10, 20)
    assert later_features(make_spec(), [batch(ids, ids, lengths)]) == ()
    assert later_features(make_spec(), [batch(ids[:1], np.roll(ids[:1], -1, axis=1), lengths[:1])]) == ()
    of_records = SequenceSpec(name="s", sequence={"x": {"type": "numeric"}}, label={"key": "y"})
    assert later_features(of_records, [batch(ids, ids, lengths)]) == ()


def test_a_batch_without_any_later_step_says_nothing():
    random = np.random.default_rng(0)
    frames = (random.random((20, 30, 4)) < 0.3).astype("float32")
    label = np.roll(frames, -1, axis=1)
    long, short = batch(frames, label, np.full(20, 30)), batch(frames[:2, :1], label[:2, :1], [1, 0])
    spec = make_spec(type="multi_label", shape=(4,))
    assert later_features(spec, [short, long]) == ("label",)
    assert later_features(spec, [short]) == ()


def test_a_class_of_the_last_step_alone_is_revealed_by_the_end():
    random = np.random.default_rng(0)
    lengths = random.integers(2, 9, 60)
    numbers = random.normal(size=(60, 8))
    is_last = np.arange(8)[None] == lengths[:, None] - 1
    ends = np.where(is_last, 1, 0)
    assert later_features(make_spec(), [batch(numbers, ends, lengths)]) == ("label",)
    # Other steps have the class too; few records; or an id of the same step tells as much.
    elsewhere = np.where(is_last | (random.random((60, 8)) < 0.1), 1, 0)
    assert later_features(make_spec(), [batch(numbers, elsewhere, lengths)]) == ()
    assert later_features(make_spec(), [batch(numbers[:20], ends[:20], lengths[:20])]) == ()
    assert later_features(make_spec(), [batch(np.where(is_last, 3, 2), ends, lengths)]) == ()
