"""`evaluate_model` on a model that a run pushed and the bundled records, with TensorFlow alone: beside NumPy."""

import zipfile
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from tests.components import serving
from tfx_sequences.components.evaluation.evaluate import evaluate_model
from tfx_sequences.components.records.keys import record_id
from tfx_sequences.components.records.opening import record_datasets
from tfx_sequences.components.serving.loaded_model import load_model
from tfx_sequences.components.serving.prediction import predict_files

PUSHED = Path(serving.__file__).with_name("first_pushed_model.zip")
RECORDS = "examples_data/japanese_vowels/test-00000-of-00001.tfrecord.gz"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pushed")
    with zipfile.ZipFile(PUSHED) as archive:
        archive.extractall(folder)
    return load_model(folder)


@pytest.fixture(scope="module")
def records():
    with resources.as_file(resources.files("tfx_sequences") / RECORDS) as file:
        yield str(file)


def truth(model, records):
    """By record: the true class, the scores and the length."""
    import tensorflow as tf

    answers = {answer["id"]: answer["scores"] for answer in predict_files(model.folder, records)}
    for dataset in record_datasets([records]):
        for serialized in dataset.as_numpy_iterator():
            example = tf.train.SequenceExample.FromString(serialized)
            value = example.context.feature[model.spec.label.key]
            true = value.bytes_list.value[0].decode() if value.bytes_list.value else str(value.int64_list.value[0])
            steps = max(len(its.feature) for its in example.feature_lists.feature_list.values())
            yield true, answers[str(record_id(serialized, model.spec))], steps


def test_figures_of_lengths_and_of_the_whole_are_those_of_numpy(model, records):
    spec = model.spec.model_validate({**model.spec.model_dump(), "evaluation": {"length_slices": (10, 15)}})
    found = evaluate_model(model, [records], spec)
    rows = list(truth(model, records))
    names = np.array(["0-9", "10-14", "15 and more"])[np.searchsorted([10, 15], [r[2] for r in rows], side="right")]
    for name, members in {"all": np.ones(len(rows), bool), **{f"length={n}": names == n for n in set(names)}}.items():
        its = [row for row, is_in in zip(rows, members, strict=True) if is_in]
        metrics = found["slices"][name]
        assert metrics["example_count"] == len(its) and metrics["step_count"] == sum(steps for *_, steps in its)
        right = [max(scores, key=scores.get) == true for true, scores, _ in its]
        np.testing.assert_allclose(metrics["accuracy"], np.mean(right), rtol=1e-6)
        np.testing.assert_allclose(metrics["loss"], -np.mean([np.log(s[t]) for t, s, _ in its]), rtol=1e-5)
    confusion = {(true, predicted): weight for true, predicted, weight in found["plots"]["all"][""]["confusion"]}
    assert sum(confusion.values()) == found["records"] == len(rows)
    right = sum(weight for (true, predicted), weight in confusion.items() if true == predicted)
    np.testing.assert_allclose(right / len(rows), found["slices"]["all"]["accuracy"])


def test_a_baseline_is_measured_on_the_same_records(model, records):
    found = evaluate_model(model, [records], baseline=model.folder)
    assert found["baseline"] == found["slices"]
