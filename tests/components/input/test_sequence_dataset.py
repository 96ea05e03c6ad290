"""make_dataset: record files to padded batches, with a spec or with columns, beside NumPy's own padding."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.records import example, sequence_example, write_records
from tfx_sequences.components.features.sequence_features import SequenceFeatures
from tfx_sequences.components.input.input_state import InputState
from tfx_sequences.components.input.resume import assert_resumable
from tfx_sequences.components.input.sequence_dataset import make_dataset
from tfx_sequences.errors import DataError, SpecError, UserInputError
from tfx_sequences.schemas.columns.feature_columns import (
    numeric_column,
    sequence_categorical_column_with_vocabulary_list,
    sequence_numeric_column,
)
from tfx_sequences.schemas.columns.representations import embedding_column
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

RECORDS = 200
X = sequence_numeric_column("x", shape=2, normalizer="none")
WORD = sequence_categorical_column_with_vocabulary_list("word", ["a", "b", "c"])
AGE = numeric_column("age", shape=(), normalizer="none")
COLUMNS = [X, embedding_column(WORD, 3), AGE]


def rows():
    """Records as plain data; the `id` is the value of `age`."""
    random = np.random.default_rng(3)
    for index in range(RECORDS):
        length = int(random.integers(1, 12))
        yield {
            "age": float(index),
            "kind": index % 3,
            "x": random.normal(size=(length, 2)).astype(np.float32),
            "word": random.choice(["a", "b", "c"], length).tolist(),
        }


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("records")
    records = [
        sequence_example({"age": r["age"], "kind": r["kind"]}, {"x": [v.tolist() for v in r["x"]], "word": r["word"]})
        for r in rows()
    ]
    write_records(path / "train-0.tfrecord", records[:150])
    write_records(path / "train-1.tfrecord.gz", records[150:])
    return path


def test_features_are_the_records_own_values_padded_on_the_right(folder):
    expected = list(rows())
    dataset = make_dataset(f"{folder}/train*", COLUMNS, batch_size=16, num_buckets=4)
    seen = []
    for batch in dataset:
        assert set(batch) == {"sequence.x", "sequence.word", "age", "sequence_length"}
        lengths = batch["sequence_length"].numpy()
        assert batch["sequence.x"].shape == (len(lengths), lengths.max(), 2)
        assert batch["sequence.word"].shape == (len(lengths), lengths.max())
        for row, length in enumerate(lengths):
            record = expected[int(batch["age"][row])]
            np.testing.assert_array_equal(batch["sequence.x"][row, :length], record["x"])
            assert not np.any(batch["sequence.x"][row, length:])
            words = [word.decode() for word in batch["sequence.word"][row].numpy()]
            assert words == record["word"] + [""] * (len(words) - length)
            seen.append(int(batch["age"][row]))
    assert sorted(seen) == list(range(RECORDS))
    assert dataset.counts.records == RECORDS
    assert dataset.counts.batches == dataset.steps_per_epoch == dataset.plan.steps_per_epoch


def test_the_order_differs_between_epochs_and_not_between_runs(folder):
    def ages(**options):
        return [b["age"].numpy().tolist() for b in make_dataset(f"{folder}/train*", COLUMNS, batch_size=16, **options)]

    dataset = make_dataset(f"{folder}/train*", COLUMNS, batch_size=16)
    first, second = ([b["age"].numpy().tolist() for b in dataset] for _ in range(2))
    assert first != second
    assert first == ages() == ages(seed=0)
    assert first != ages(seed=1)
    assert ages(training=False) == ages(training=False, seed=1)


def test_padded_steps_weigh_nothing_and_targets_are_as_stored(tmp_path):
    records = [sequence_example({}, {"x": [[float(n)] for n in range(k)], "y": list(range(k))}) for k in (1, 3, 2)]
    write_records(tmp_path / "r", records)
    label = {"key": "y", "per_step": True, "type": "regression", "dtype": "int64"}
    x = sequence_numeric_column("x", normalizer="none")
    dataset = make_dataset(tmp_path / "r", [x], label=label, num_buckets=1, batch_size=3, training=False)
    features, targets, weights = next(iter(dataset))
    assert features["sequence.x"].shape[:2] == targets.shape == weights.shape
    np.testing.assert_array_equal(weights, [[1, 0, 0], [1, 1, 1], [1, 1, 0]])
    np.testing.assert_array_equal(targets * tf.cast(weights, targets.dtype), [[0, 0, 0], [0, 1, 2], [0, 1, 0]])


def test_a_keras_model_learns_from_it(folder):
    """The least-squares solution is known: the target is a sum over the real steps."""
    columns = [X]
    dataset = make_dataset(f"{folder}/train*", columns, batch_size=32, token_budget=256).map(
        lambda features: (
            {name: features[name] for name in ("sequence.x", "sequence_length")},
            tf.reduce_sum(features["sequence.x"], axis=[1, 2])[:, None],
        )
    )
    inputs = {
        "sequence.x": keras.Input((None, 2), name="x"),
        "sequence_length": keras.Input((), dtype="int64", name="sequence_length"),
    }
    steps, _ = SequenceFeatures(columns)(inputs)
    summed = keras.layers.Lambda(lambda x: keras.ops.sum(x, axis=1), output_shape=(2,))(steps)
    output = keras.layers.Dense(1, use_bias=False)(summed)
    model = keras.Model(inputs, output)
    model.compile(keras.optimizers.Adam(0.05), "mse")
    model.fit(dataset, epochs=30, verbose=0)
    np.testing.assert_allclose(model.get_weights()[-1], [[1], [1]], atol=0.01)


def test_fit_resumes_in_the_middle(folder):
    """What a resumed input gives is the rest, and it is the same as without an interruption."""

    def make():
        return make_dataset(f"{folder}/train*", COLUMNS, batch_size=16).input

    assert assert_resumable(make, steps=2) == 3
    whole = [batch["age"].numpy().tolist() for batch in make()]
    dataset = make_dataset(f"{folder}/train*", COLUMNS, batch_size=16)
    for step, _ in enumerate(dataset.input, 1):
        if step == 4:
            break
    state = InputState.from_json(dataset.state().to_json())
    again = make_dataset(f"{folder}/train*", COLUMNS, batch_size=16)
    again.restore(state)
    assert [batch["age"].numpy().tolist() for batch in again] == whole[4:]


def test_a_spec_gives_its_label_and_batching(folder):
    spec = SequenceSpec(
        name="s",
        sequence={"x": {"type": "numeric", "shape": (2,)}},
        label={"key": "kind", "dtype": "int64"},
        batching={"batch_size": 8, "drop_longer_than": 5},
    )
    dataset = make_dataset(f"{folder}/train*", spec)
    expected = {r["x"].tobytes(): r["kind"] for r in rows() if len(r["x"]) <= 5}
    found = {}
    for features, targets, weights in dataset:
        assert len(targets) <= 8
        np.testing.assert_array_equal(weights, np.ones(len(targets)))
        for x, length, target in zip(features["sequence.x"], features["sequence_length"], targets, strict=True):
            found[x.numpy()[: int(length)].tobytes()] = int(target)
    assert found == expected
    assert dataset.counts.too_long.count == RECORDS - len(expected)
    assert make_dataset(f"{folder}/train*", spec, batch_size=4).plan.batch_sizes[0] == 4


def test_workers_share_the_batches_of_a_given_plan(folder):
    plan = make_dataset(f"{folder}/train*", COLUMNS, batch_size=16).plan
    options = {"batch_size": 16, "plan": plan, "training": False}
    parts = [
        [
            b["age"].numpy().tolist()
            for b in make_dataset(f"{folder}/train*", COLUMNS, num_workers=2, worker=w, **options)
        ]
        for w in (0, 1)
    ]
    assert sorted(age for part in parts for batch in part for age in batch)[-RECORDS:] == list(range(RECORDS))


def test_examples_are_recognized(tmp_path):
    write_records(tmp_path / "r", [example({"x": [1.0, 2.0]}), example({"x": [3.0]})])
    x = sequence_numeric_column("x", normalizer="none")
    batch = next(iter(make_dataset(tmp_path / "r", x, training=False, num_buckets=1)))
    np.testing.assert_array_equal(np.squeeze(batch["sequence.x"]), [[1, 2], [3, 0]])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"batch": 3}, UserInputError, "batch_size"),
        ({"batch_size": 0}, SpecError, "batch_size"),
        ({"label": {"key": "kind", "type": "no"}}, SpecError, "no"),
        ({"drop_shorter_than": 99}, DataError, "nothing to batch"),
    ],
)
def test_mistakes_are_named(folder, arguments, error, message):
    with pytest.raises(error, match=message):
        make_dataset(f"{folder}/train*", COLUMNS, **arguments)


def test_missing_files_and_wrong_columns_are_named(folder):
    with pytest.raises(DataError, match=r"no file that matches .*valid"):
        make_dataset(f"{folder}/valid*", COLUMNS)
    with pytest.raises(SpecError, match="needs a sequence column"):
        make_dataset(f"{folder}/train*", [AGE])
    with pytest.raises(SpecError, match="not a column"):
        make_dataset(f"{folder}/train*", ["x"])
    spec = SequenceSpec(name="s", sequence={"x": {"type": "numeric"}}, label={"key": "kind"})
    with pytest.raises(UserInputError, match="what the spec declares"):
        make_dataset(f"{folder}/train*", spec, label="kind")
