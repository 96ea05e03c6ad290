"""Bytes that are numbers, from records through Transform, input, prepared store and exported model, against NumPy."""

import os

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.encoded import analyzed_and_transformed, encoded_spec, numbers_of_records, plain_records
from tests.everything import exported
from tests.records import sequence_example, write_records
from tfx_sequences.components.batches.padding import pad_features
from tfx_sequences.components.input.record_formats import transformed_records
from tfx_sequences.components.prepared.format import StoreIdentity
from tfx_sequences.components.prepared.prepared_input import PreparedStore
from tfx_sequences.components.prepared.store import write_prepared_store
from tfx_sequences.components.serving.prediction import predict_files
from tfx_sequences.components.serving.requests import make_tensors, serialize_rows
from tfx_sequences.components.transform.byte_columns import transform_encoded_columns
from tfx_sequences.errors import UserInputError
from tfx_sequences.schemas.features.parse_specs import parse_records
from tfx_sequences.schemas.features.transformed_features import make_parse_transformed_spec
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

NUMBERS = numbers_of_records()
RECORDS = plain_records(NUMBERS)
IDS = [context["id"] for context, _ in RECORDS]
LONGEST = max(len(sequence["int8"]) for _, sequence in NUMBERS)


@pytest.fixture(scope="module")
def transformed(tmp_path_factory):
    return analyzed_and_transformed(encoded_spec(), RECORDS, tmp_path_factory.mktemp("encoded"))


@pytest.fixture(scope="module")
def feature_spec(transformed):
    return tft.TFTransformOutput(transformed[0].transform_dir).transformed_feature_spec()


@pytest.fixture(scope="module")
def served(transformed, tmp_path_factory):
    """The model in memory, its folder, and what is loaded from there."""
    raw, folder = exported(transformed[0], tmp_path_factory.mktemp("model"))
    return raw, str(folder), tf.saved_model.load(str(folder))


def expected():
    """By transformed name what the network should get, `[B, ...]`, steps padded with 0."""
    spec = encoded_spec()
    scored = {
        "context": np.stack([c["scored"] for c, _ in NUMBERS]),
        "sequence": np.concatenate([s["scored"] for _, s in NUMBERS]),
    }

    def of_numbers(name, numbers):
        kind, key = name.split(".")
        numbers = np.asarray(numbers, np.float64)
        if key == "scored":
            return (numbers - scored[kind].mean(axis=0)) / scored[kind].std(axis=0)
        if key == "frame":
            return numbers * 4 / 255 + 4 / 512 - 2
        if key == "scaled":
            return np.clip((numbers - [1, 2, 3]) * 0.5, -40, 40)
        return numbers

    found = {}
    for name, column in spec.columns.items():
        if not column.is_sequence:
            found[name] = np.stack([of_numbers(name, c[column.key]) for c, _ in NUMBERS])
            continue
        padded = np.zeros((len(NUMBERS), LONGEST, column.size))
        for row, (_, sequence) in enumerate(NUMBERS):
            steps = of_numbers(name, sequence[column.key])
            padded[row, : len(steps)] = steps
        found[name] = padded
    # What `plain_records` left out: without a default 0, else the default.
    found["sequence.frame"][3, 1] = 0
    found["sequence.scaled"][3, 0] = (7 - np.array([1, 2, 3])) * 0.5
    return found


def assert_expected(inputs, order=None, longest=LONGEST):
    order = range(len(RECORDS)) if order is None else order
    for name, numbers in expected().items():
        wanted = numbers[[*order]]
        wanted = wanted[:, :longest] if name.startswith("sequence") else wanted
        assert inputs[name].dtype == tf.float32
        np.testing.assert_allclose(inputs[name], wanted, rtol=3e-6, atol=1e-6, err_msg=name)


def test_transform_keeps_the_bytes_unless_a_normaliser_needs_statistics(transformed, feature_spec):
    assert feature_spec == make_parse_transformed_spec(encoded_spec())
    records = [tf.train.Example.FromString(r.numpy()) for r in tf.data.TFRecordDataset(transformed[1])]
    first = next(r for r in records if r.features.feature["id"].bytes_list.value == [b"r3"]).features.feature
    given = RECORDS[3]
    assert first["context.float64_big"].bytes_list.value == [given[0]["float64_big"]]
    assert first["sequence.bfloat16$ragged_values"].bytes_list.value == given[1]["bfloat16"]
    assert first["sequence.frame$ragged_values"].bytes_list.value == [given[1]["frame"][0], b"", given[1]["frame"][2]]
    assert len(first["sequence.scored$ragged_values"].float_list.value) == 3 * len(given[1]["scored"])


def test_batches_of_transformed_records(transformed, feature_spec):
    spec = encoded_spec()
    serialized = tf.constant([r.numpy() for r in tf.data.TFRecordDataset(transformed[1])])
    made = transformed_records(spec, feature_spec)
    order = [IDS.index(made.name(record)) for record in serialized.numpy()]
    inputs, _, _ = tf.function(made.batch)(serialized)
    assert_expected(inputs, order)
    for name, values in pad_features(made.parse(serialized), spec).items():
        np.testing.assert_array_equal(inputs[name], values)


def test_batches_of_a_prepared_store(transformed, feature_spec, tmp_path):
    spec, identity = encoded_spec(batching={"batch_size": 5, "prepared": True}), StoreIdentity("f", "d")
    header = write_prepared_store([transformed[1]], spec, feature_spec, tmp_path / "store", identity)
    stored = {column.name: column.stored for column in header.columns}
    assert (stored["sequence.frame"], stored["context.int16_big"]) == ("uint8", "int16")
    assert (stored["sequence.bfloat16"], stored["sequence.float16"]) == ("uint16", "float16")
    store = PreparedStore(tmp_path / "store", spec, identity)
    seen = []
    for training in (False, True):
        for inputs, _, _ in store.dataset(training=training, with_id=True):
            order = [IDS.index(i.decode()) for i in inputs["id"].numpy()]
            assert_expected(inputs, order, max(1, *inputs["sequence_length"].numpy()))
            seen += order
    assert sorted(seen) == sorted(2 * [*range(len(RECORDS))])


@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_is_as_declared_in_both_inputs(transformed, feature_spec, tmp_path, side):
    padding = {"frame": {"value": 9.0, "side": side}, "scaled": {"side": side}}
    spec, identity = encoded_spec(batching={"batch_size": 64, "padding": padding}), StoreIdentity("f", "d")
    write_prepared_store([transformed[1]], spec, feature_spec, tmp_path / "store", identity)
    serialized = tf.constant([r.numpy() for r in tf.data.TFRecordDataset(transformed[1])])
    made = transformed_records(spec, feature_spec)
    inputs, _, _ = made.batch(serialized)
    [(stored, _, _)] = PreparedStore(tmp_path / "store", spec, identity).dataset(training=False, with_id=True)
    ids = [made.name(record) for record in serialized.numpy()]
    order = [ids.index(i.decode()) for i in stored["id"].numpy()]
    for name in ("sequence.frame", "sequence.scaled"):
        np.testing.assert_array_equal(stored[name], tf.gather(inputs[name], order))
    row = ids.index("r1")
    steps = inputs["sequence.frame"][row, :, 0].numpy().tolist()
    assert (steps[:-1] if side == "left" else steps[1:]) == [9.0] * (LONGEST - 1)


@pytest.mark.slow
def test_the_exported_model_takes_the_same_bytes(transformed, served):
    features = served[2].signatures["transform_features"](examples=tf.constant(transformed[0].serialized))
    assert_expected(features)


@pytest.mark.slow
def test_tensors_and_plain_rows_give_the_answers_of_records(transformed, served):
    model = served[2]
    wanted = model.signatures["serving_default"](examples=tf.constant(transformed[0].serialized))["scores"]
    spec = encoded_spec()
    with_bytes = [
        {f"context_{k}" if k in spec.sequence else k: v for k, v in c.items() if k not in ("id", "kind")}
        | {f"sequence_{k}" if k in spec.context else k: [x or None for x in v] for k, v in s.items()}
        for c, s in RECORDS
    ]
    with_numbers = [
        {**row, "context_int16_big": c["int16_big"], "sequence_float64": s["float64"].tolist()}
        for row, (c, s) in zip(with_bytes, NUMBERS, strict=True)
    ]
    for rows in (with_bytes, with_numbers):
        found = model.signatures["serving_default"](examples=tf.constant(serialize_rows(rows, spec)))["scores"]
        np.testing.assert_allclose(found, wanted, atol=1e-6)
    tensors = {name: tf.constant(x) for name, x in make_tensors(with_bytes, spec).items()}
    np.testing.assert_allclose(model.signatures["serving_tensors"](**tensors)["scores"], wanted, atol=1e-6)


@pytest.mark.slow
def test_predictions_are_those_of_the_exported_model_and_name_a_record_that_does_not_fit(transformed, served, tmp_path):
    raw, folder, _ = served
    file = write_records(tmp_path / "all.tfrecord", transformed[0].serialized)
    scores = [[row["scores"][c] for c in "ba"] for row in predict_files(folder, file)]
    np.testing.assert_allclose(scores, raw.predict(tf.constant(transformed[0].serialized))["scores"], atol=1e-6)
    context, sequence = RECORDS[2]
    odd = sequence_example({**context, "id": "odd"}, {**sequence, "int16": [b"abc", sequence["int16"][1]]})
    write_records(tmp_path / "odd.tfrecord", [transformed[0].serialized[0], odd])
    with pytest.raises(Exception, match=r"(?s)odd.*int16.*do not match"):
        list(predict_files(folder, tmp_path / "odd.tfrecord"))


def one_column(encoding, size):
    column = {"type": "numeric", "shape": (size,), "encoding": encoding, "normalizer": "none"}
    return SequenceSpec(name="s", sequence={"x": column}, label={"key": "y"})


@settings(max_examples=60)
@given(
    st.sampled_from(["uint8", "int16", "float16", "bfloat16", "int64"]),
    st.lists(st.binary(max_size=17), max_size=4),
)
def test_any_bytes_are_the_numbers_or_an_error_that_names_row_and_step(encoding, values):
    spec = one_column(encoding, 2)
    size = spec.sequence["x"].layout.num_bytes
    empty = sequence_example({}, {"x": []}).SerializeToString()
    inputs = parse_records(
        tf.constant([empty, sequence_example({}, {"x": values}).SerializeToString()]), spec, with_label=False
    )
    wrong = [step for step, value in enumerate(values) if len(value) not in (0, size)]
    if not wrong:
        assert transform_encoded_columns(inputs, spec)["sequence.x"].to_list() == [[], values]
        return
    with pytest.raises(UserInputError) as caught:
        transform_encoded_columns(inputs, spec)
    rows, steps = ", ".join("1" for _ in wrong), ", ".join(map(str, wrong))
    told = f"bytes {', '.join(str(len(values[step])) for step in wrong)}; in rows {rows}; at steps {steps}"
    assert "'x' do not match its shape" in str(caught.value) and told in str(caught.value)


def test_transformed_records_are_as_small_as_the_records(transformed):
    frames = sum(len(s["frame"]) for _, s in NUMBERS)
    raw = sum(map(len, transformed[0].serialized))
    # Beside the bytes there are the float32 of the columns with statistics, and names.
    assert os.path.getsize(transformed[1]) < raw + frames * 3 * 4 + 64 * len(RECORDS) * len(encoded_spec().columns)
