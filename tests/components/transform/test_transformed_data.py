"""Records are analyzed and transformed once for the same spec and files."""

import os

import numpy as np
import pytest
import tensorflow as tf

from tests.records import sequence_example, write_records
from tfx_sequences.components.transform.transformed_data import transformed_data
from tfx_sequences.schemas.features.transformed_features import make_parse_transformed_spec
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

pytestmark = pytest.mark.slow
VALUES = np.arange(60, dtype=np.float32)


def spec_with(normalizer="z_score", **changes):
    columns = {"x": {"type": "numeric", "normalizer": normalizer}}
    return SequenceSpec(name="s", sequence=columns, label={"key": "y", "type": "regression"}, **changes)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    records = [sequence_example({"y": float(x)}, {"x": [float(x)]}) for x in VALUES]
    return {"train": [str(write_records(folder / "train", records))]}


def numbers(spec, data, split):
    records = tf.constant([*tf.data.TFRecordDataset(data.transformed[split]).as_numpy_iterator()])
    parsed = tf.io.parse_example(records, make_parse_transformed_spec(spec))
    return parsed["label"].numpy(), parsed["sequence.x"].flat_values.numpy()


def test_splits_are_transformed_with_the_statistics_of_train_and_kept(files, tmp_path):
    spec = spec_with()
    first = transformed_data(spec, files, tmp_path)
    assert not first.cached and sorted(first.held_back) == ["test", "valid"]
    train = numbers(spec, first, "train")[0].astype(np.float64)
    read = []
    for split in ("train", "valid", "test"):
        labels, found = numbers(spec, first, split)
        np.testing.assert_allclose(found, (labels - train.mean()) / train.std(), rtol=1e-5, atol=1e-6)
        read += labels.tolist()
    assert sorted(read) == VALUES.tolist()
    # What is only of training does not matter.
    again = transformed_data(spec_with(training={"epochs": 3}), files, tmp_path)
    assert again.cached and again.transformed == first.transformed
    # Of an interrupted run nothing is used.
    os.remove(tmp_path / os.path.basename(os.path.dirname(first.graph)) / "files.json")
    assert not transformed_data(spec, files, tmp_path).cached
    other = transformed_data(spec_with("none"), files, tmp_path)
    assert not other.cached and len([*tmp_path.iterdir()]) == 1
    labels, found = numbers(spec, other, "train")
    np.testing.assert_array_equal(found, labels)
