import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.components.input.small_inputs import FEATURES, flat, labels, make_input, make_spec, write
from tests.records import example, sequence_example, write_records
from tfx_sequences.components.input.bucket_planning import make_plan
from tfx_sequences.components.input.input_counts import InputCounts
from tfx_sequences.components.input.record_formats import raw_records, transformed_records
from tfx_sequences.components.input.sequence_input import SequenceInput
from tfx_sequences.components.transform.length_histogram import LengthHistogram
from tfx_sequences.errors import DataError, UserInputError
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


@pytest.mark.parametrize("training", [False, True])
@settings(max_examples=12)
@given(data=st.data())
def test_every_record_comes_once_with_its_own_values(tmp_path_factory, training, data):
    lengths = data.draw(st.lists(st.integers(0, 9), min_size=1, max_size=60))
    batching = {
        "batch_size": data.draw(st.integers(1, 7)),
        "token_budget": data.draw(st.none() | st.integers(5, 40)),
        "num_buckets": data.draw(st.integers(1, 4)),
        "shuffle_buffer": data.draw(st.integers(1, 30)),
    }
    files = data.draw(st.integers(1, min(4, len(lengths))))
    spec = make_spec(batching=batching)
    made = make_input(write(tmp_path_factory.mktemp("input"), lengths, files), spec, lengths, training=training)
    plan = make_plan(LengthHistogram.of(lengths), spec.batching)
    seen, batches, padded = [], 0, 0
    for inputs, label, weight in made:
        real = inputs["sequence_length"].numpy()
        assert inputs["sequence.x"].shape[1] == max(real.max(), 1)
        [bucket] = {int(np.searchsorted(plan.boundaries, n, side="right")) for n in real}
        assert len(label) <= plan.batch_sizes[bucket]
        batches += 1
        padded += int(np.prod(inputs["sequence.x"].shape))
        for row, (index, length) in enumerate(zip(label.numpy(), real, strict=True)):
            values = inputs["sequence.x"][row].numpy()
            expected = [index + s / 100 for s in range(length)] + [0.0] * (len(values) - length)
            np.testing.assert_array_equal(values, np.float32(expected))
            assert length == lengths[index]
            assert weight[row] == 1 + index / 2
            seen.append(int(index))
    assert sorted(seen) == list(range(len(lengths)))
    assert batches == plan.steps_per_epoch
    assert made.finished == [InputCounts(0, len(lengths), batches, sum(lengths), padded)]
    assert made.epoch == 1


def test_measured_padding_is_what_the_plan_predicts(tmp_path):
    random = np.random.default_rng(5)
    lengths = np.clip(random.lognormal(3, 0.8, 3000), 0, 300).astype(int).tolist()
    spec = make_spec(batching={"batch_size": 64, "token_budget": 1500, "num_buckets": 10, "shuffle_buffer": 700})
    made = make_input(write(tmp_path, lengths, 3), spec, lengths)
    for _ in range(3):
        for _ in made:
            pass
    plan = make_plan(LengthHistogram.of(lengths), spec.batching)
    measured = np.mean([c.padded_steps for c in made.finished])
    assert measured == pytest.approx(plan.padded_steps, rel=0.01)
    assert {c.batches for c in made.finished} == {plan.steps_per_epoch}


def epochs(files, spec, lengths, count=2):
    made = make_input(files, spec, lengths)
    return [labels(made) for _ in range(count)]


def test_the_seed_decides_the_order_and_each_epoch_has_another(tmp_path):
    lengths = [i % 9 for i in range(60)]
    files = write(tmp_path, lengths, 3)
    first, second = (make_spec(batching={"batch_size": 4, "shuffle_buffer": 20}, training={"seed": s}) for s in (1, -2))
    assert epochs(files, first, lengths)[0] != epochs(files, first, lengths)[1]
    assert epochs(files, first, lengths) == epochs(files, first, lengths)
    assert epochs(files, first, lengths) != epochs(files, second, lengths)
    dataset = make_input(files, first, lengths).dataset
    assert [labels(dataset), labels(dataset)] == epochs(files, first, lengths)


def test_files_are_known_by_their_names(tmp_path):
    lengths = [i % 9 for i in range(60)]
    spec = make_spec(batching={"batch_size": 4, "shuffle_buffer": 20})
    here, there = write(tmp_path / "a", lengths, 3, suffix=""), write(tmp_path / "b", lengths, 3, suffix="")
    assert epochs(here, spec, lengths) == epochs([there[2], there[0], there[1]], spec, lengths)


@pytest.mark.parametrize("workers", [1, 2, 5])
@settings(max_examples=6)
@given(data=st.data())
def test_workers_share_the_batches(tmp_path_factory, workers, data):
    lengths = data.draw(st.lists(st.integers(0, 9), min_size=1, max_size=40))
    spec = make_spec(batching={"batch_size": data.draw(st.integers(1, 5)), "num_buckets": 2, "shuffle_buffer": 16})
    files = write(tmp_path_factory.mktemp("workers"), lengths)
    steps, seen = set(), []
    for worker in range(workers):
        made = make_input(files, spec, lengths, num_workers=workers, worker=worker)
        batches = [(label.numpy(), weight.numpy()) for _, label, weight in made]
        steps.add(len(batches))
        seen += [int(x) for label, weight in batches for x, w in zip(label, weight, strict=True) if w]
    assert len(steps) == 1
    assert sorted(seen) == list(range(len(lengths)))
    alone = flat(labels(make_input(files, spec, lengths)))
    assert sorted(alone) == sorted(seen)


def test_a_fixed_batch_size_is_filled_with_rows_that_weigh_nothing(tmp_path):
    lengths = [1, 1, 1, 8, 8]
    spec = make_spec(batching={"batch_size": 4, "token_budget": 16, "num_buckets": 2})
    made = make_input(write(tmp_path, lengths), spec, lengths, training=False, fixed_batch_size=True)
    batches = [(x["sequence_length"].numpy().tolist(), w.numpy().tolist()) for x, _, w in made]
    assert batches == [([8, 8], [2.5, 3.0]), ([1, 1, 1, 0], [1.0, 1.5, 2.0, 0.0])]


def test_evaluation_keeps_what_training_leaves_out(tmp_path):
    lengths = [1, 2, 3, 20, 21]
    spec = make_spec(batching={"drop_shorter_than": 2, "drop_longer_than": 20, "max_length": 10})
    files = write(tmp_path, lengths)
    train, valid = make_input(files, spec, lengths), make_input(files, spec, lengths, training=False)
    assert sorted(flat(labels(train))) == [1, 2, 3]
    assert sorted(flat(labels(valid))) == [0, 1, 2, 3, 4]
    [counts] = train.finished
    assert (counts.records, counts.real_steps) == (3, 2 + 3 + 10)
    assert (counts.too_short.count, counts.too_short.first) == (1, ["t0.gz:0"])
    assert (counts.too_long.count, counts.too_long.first) == (1, ["t0.gz:4"])
    assert (counts.truncated.count, counts.truncated.first) == (1, ["t0.gz:3"])
    assert valid.finished[0].truncated.first == ["t0.gz:3", "t0.gz:4"]


def test_random_truncation_is_drawn_anew_each_epoch_and_again_for_the_same_seed(tmp_path):
    spec = make_spec(batching={"batch_size": 32, "max_length": 5, "truncate": "random"})
    files = write(tmp_path, [50] * 20)

    def starts():
        made = make_input(files, spec, [50] * 20)
        for _ in range(2):
            [(inputs, label, _)] = made
            values = inputs["sequence.x"].numpy()
            np.testing.assert_allclose(np.diff(values, axis=1), 0.01, atol=1e-4)
            order = np.argsort(label)
            yield np.rint((values[order, 0] - label.numpy()[order]) * 100).tolist()

    first, second = starts()
    assert first != second
    assert len(set(first)) > 5 and min(first) >= 0 and max(first) <= 45
    assert [first, second] == list(starts())


def test_malformed_records_are_an_error_or_counted(tmp_path):
    good = example({"x": [1.0], "sequence_length": 1, "label": 3, "example_weight": 1.0})
    files = [str(write_records(tmp_path / "t", [good, b"\xff\xff", example({"x": ["text"]}), good]))]
    with pytest.raises(DataError, match=r"Record t:1 cannot be parsed[\s\S]*on_error"):
        list(make_input(files, make_spec(), [1] * 4))
    # Its length is well, so it is found when its batch is parsed.
    of_another_type = example({"x": ["text"], "sequence_length": 1, "label": 3, "example_weight": 1.0})
    late = [str(write_records(tmp_path / "late", [good, good, of_another_type]))]
    with pytest.raises(DataError, match=r"Record late:2 cannot be parsed[\s\S]*on_error"):
        list(make_input(late, make_spec(), [1] * 3))
    skipping = make_input(files, make_spec(batching={"on_error": "skip"}), [1] * 4)
    assert labels(skipping) == [[3, 3]]
    assert (skipping.finished[0].malformed.count, skipping.finished[0].malformed.first) == (2, ["t:1", "t:2"])


def test_an_unknown_class_is_an_error_with_the_labels_name(tmp_path):
    record = example({"x": [1.0], "sequence_length": 1, "label": -1, "example_weight": 1.0})
    files = [str(write_records(tmp_path / "t.gz", [record]))]
    plan = make_plan(LengthHistogram.of([1]), make_spec().batching)
    records = transformed_records(make_spec(), FEATURES)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"Label .*y"):
        list(SequenceInput(files, make_spec(), records, plan, training=False).dataset)


@pytest.mark.parametrize("kind", ["SequenceExample", "Example"])
def test_raw_records_come_through_the_same_code(tmp_path, kind):
    spec = SequenceSpec(
        name="raw",
        record=kind,
        sequence={"v": {"type": "numeric", "shape": (2,)}, "t": {"type": "categorical"}},
        label={"key": "y", "classes": (0, 1, 2)},
        batching={"batch_size": 2, "num_buckets": 2, "padding": {"v": {"side": "left", "value": -1.0}}},
    )
    vectors = {0: [[0.0, 0.5]], 1: [[1.0, 1.5], [2.0, 2.5]], 2: []}
    records = []
    for label, steps in vectors.items():
        terms = [f"w{i}" for i in range(len(steps))]
        if kind == "Example":
            records.append(example({"y": label, "v": flat(steps), "t": terms}))
        else:
            records.append(sequence_example({"y": label}, {"v": steps, "t": terms}))
    plan = make_plan(LengthHistogram.of([1, 2, 0]), spec.batching)
    files = [str(write_records(tmp_path / "t.gz", records))]
    seen = {}
    for inputs, label, weight in SequenceInput(files, spec, raw_records(spec), plan, training=True):
        assert weight.numpy().tolist() == [1.0] * len(label)
        for row, key in enumerate(label.numpy().tolist()):
            length = int(inputs["sequence_length"][row])
            steps = inputs["sequence.v"].shape[1]
            seen[key] = inputs["sequence.v"][row].numpy()[steps - length :].tolist()
            assert (inputs["sequence.v"][row].numpy()[: steps - length] == -1).all()
            terms = inputs["sequence.t"][row].numpy().ravel().tolist()
            assert terms == [f"w{i}".encode() for i in range(length)] + [b""] * (steps - length)
    assert seen == vectors


def test_under_fit_the_epochs_are_those_of_keras(tmp_path):
    lengths = [i % 5 for i in range(20)]
    spec = make_spec(batching={"batch_size": 4})
    made = make_input(write(tmp_path, lengths), spec, lengths)
    expected = [labels(batches) for batches in (make_input(write(tmp_path, lengths), spec, lengths),) for _ in range(3)]

    class Recorder(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(1)
            self.seen = []

        def call(self, inputs):
            return self.dense(tf.cast(inputs["sequence_length"], tf.float32)[:, None])

        def train_step(self, data):
            self.seen.append(data[1].numpy().tolist())
            return super().train_step(data)

    model = Recorder()
    model.compile(loss="mse", run_eagerly=True)
    steps = []

    class Follow(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            steps.append((made.epoch, made.step))

    model.fit(made.dataset, epochs=3, callbacks=[made.callback, Follow()], verbose=0)
    count = len(expected[0])
    assert steps == [(e, s + 1) for e in range(3) for s in range(count)]
    assert model.seen[-3 * count :] == flat(expected)
    assert [c.epoch for c in made.finished] == [0, 1, 2]
    assert json.dumps([c.to_dict() for c in made.finished])


def test_no_files_and_no_such_worker(tmp_path):
    with pytest.raises(UserInputError, match="no files"):
        make_input([], make_spec(), [1])
    with pytest.raises(UserInputError, match=r"num_workers was 2[\s\S]*worker 2"):
        make_input(write(tmp_path, [1]), make_spec(), [1], num_workers=2, worker=2)
