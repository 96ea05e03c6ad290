"""Ids and weights that records store as int64."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_transform.saved import saved_transform_io_v2

from tests.everything import analyzed
from tests.records import sequence_example, write_records
from tfx_sequences.components.batches.label_batches import labelled_rows, pad_labels, targets_and_weights
from tfx_sequences.components.input.record_formats import raw_records
from tfx_sequences.components.records.data_check import check_data
from tfx_sequences.components.records.keys import record_id
from tfx_sequences.components.serving.predictor import _ids
from tfx_sequences.errors import DataError
from tfx_sequences.schemas.features.parse_specs import parse_records
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

SPEC = {
    "name": "numbers",
    "id_key": "patient",
    "id_dtype": "int64",
    "example_weight": "weight",
    "example_weight_dtype": "int64",
    "sequence": {"x": {"type": "numeric", "normalizer": "none"}},
    "label": {"key": "y", "per_step": True, "step_weight": "sure", "step_weight_dtype": "int64"},
}
IDS = [2**53 + 1, 7, None]


def records():
    made = []
    for number, identity in enumerate(IDS * 4):
        context = {"weight": number % 3, **({} if identity is None else {"patient": identity})}
        made.append((context, {"x": [1.0, 2.0], "y": ["a", "b"], "sure": [3, number % 2]}))
    return made


def serialized():
    return [sequence_example(*record).SerializeToString() for record in records()]


def test_check_reads_them(tmp_path):
    for split in ("train", "valid", "test"):
        write_records(tmp_path / f"{split}.tfrecord", serialized())
    assert check_data(SequenceSpec.model_validate(SPEC), tmp_path).splits["train"].records == 12
    for key in ("id_dtype", "example_weight_dtype"):
        spec = SequenceSpec.model_validate({name: value for name, value in SPEC.items() if name != key})
        with pytest.raises(DataError, match=f"Write `{key}: int64` in the spec"):
            check_data(spec, tmp_path)
    label = {"key": "y", "per_step": True, "step_weight": "sure"}
    with pytest.raises(DataError, match="Write `step_weight_dtype: int64` at the label"):
        check_data(SequenceSpec.model_validate({**SPEC, "label": label}), tmp_path)


def test_ids_are_text_and_weights_are_numbers(tmp_path):
    spec = SequenceSpec.model_validate(SPEC)
    graph = analyzed(spec, records(), tmp_path)
    output = tft.TFTransformOutput(graph.transform_dir)
    loader = saved_transform_io_v2.SavedModelLoader(output.transform_savedmodel_dir)
    features = loader.apply_transform_model(parse_records(tf.constant(serialized()), spec))
    as_text = ["" if identity is None else str(identity) for identity in IDS * 4]
    assert [identity.decode() for identity in features["id"].numpy()] == as_text
    _, weights = targets_and_weights(pad_labels(labelled_rows(features, spec), spec), spec)
    expected = [[3.0 * (n % 3), float((n % 3) * (n % 2))] for n in range(12)]
    np.testing.assert_array_equal(weights, expected)
    _, _, raw = raw_records(spec).batch(tf.constant(serialized()))
    np.testing.assert_array_equal(raw, expected)


def test_predictions_are_named_by_them():
    spec = SequenceSpec.model_validate(SPEC)
    assert [identity.decode() for identity in _ids(tf.constant(serialized()[:3]), spec)] == [str(2**53 + 1), "7", ""]
    assert [record_id(record, spec) for record in serialized()[:3]] == [str(2**53 + 1), "7", None]
