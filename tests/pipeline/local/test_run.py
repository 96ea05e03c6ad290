"""A spec with every kind of column through the whole pipeline; and what an edit runs again."""

import os
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from tests.reference_figures import expect, of_numbers
from tfx_sequences.code_digest import import_closure
from tfx_sequences.components.serving.prediction import predict_files
from tfx_sequences.errors import UserInputError
from tfx_sequences.pipeline.local.output_folder import check_output_folder
from tfx_sequences.pipeline.local.report import collect


def rerun(result):
    """Names of the components that were not cached."""
    return [c.name for c in result.components if not c.cached]


EVALUATION = ["Evaluator", "EvaluationCheck", "Pusher"]
TRAINING = ["SequenceTrainer", "Evaluator", "ModelCheck", "EvaluationCheck", "Pusher"]
AFTER_SCHEMA = ["SchemaCurator", "ExampleValidator", "AnomalyGate", "Transform", *TRAINING]


@pytest.mark.slow
def test_the_same_run_again_does_nothing(small_run, run_small):
    assert rerun(run_small()) == []


@pytest.mark.slow
def test_a_model_that_falls_behind_the_last_blessed_one_is_not_pushed(small_run, run_small):
    evaluation = {"baseline": {"loss": {"max_rise": 0.0}}}
    # The test records have other labels than training lets expect: who learns it by heart is the worse for it.
    by_heart = {"epochs": 20, "learning_rate": 0.05, "early_stopping_patience": None}
    result = run_small(training=by_heart, evaluation=evaluation)
    assert [name for name in rerun(result) if name != "LastBlessedModel"] == TRAINING
    report = collect(result)
    assert report["baseline"]["loss"] < report["metrics"]["loss"]
    assert not result.blessed and result.pushed_model is None
    assert any("of the last blessed model" in words for words in report["missed"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"description": "other words"}, []),
        ({"evaluation": {"thresholds": {"loss": {"max": 99.0}}}}, EVALUATION),
        ({"sequence": {"token": {"type": "categorical"}}}, AFTER_SCHEMA),
    ],
    ids=["description", "threshold", "features"],
)
def test_an_edit_of_the_spec_runs_what_depends_on_it(small_run, run_small, changes, expected):
    assert rerun(run_small(**changes)) == expected


@pytest.mark.slow
def test_a_missed_threshold_keeps_the_model_from_being_pushed(small_run, run_small):
    result = run_small(evaluation={"thresholds": {"loss": {"max": 0.0001}}})
    assert not result.blessed
    assert result.pushed_model is None
    assert any("is above 0.0001" in words for words in collect(result)["missed"])


@pytest.mark.slow
def test_an_edit_of_our_code_runs_what_depends_on_it(small_run, run_small, monkeypatch):
    from tfx_sequences.pipeline import create

    real = create.code_digest

    def edited(*modules):
        # As if model.py had another line: what imports it gets another digest.
        closure = import_closure(modules)
        return real(*modules) + ("x" if "tfx_sequences.components.network.model" in closure else "")

    monkeypatch.setattr(create, "code_digest", edited)
    assert rerun(run_small()) == TRAINING


@pytest.mark.slow
def test_an_edit_of_the_data_runs_everything(small_run, run_small, everything_data):
    file = everything_data / "sequence" / "train.tfrecord"
    before = file.stat()
    try:
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns + 5_000_000_000))
        names = rerun(run_small())
    finally:
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert names == [c.name for c in small_run.components]


@pytest.mark.slow
def test_examples_with_a_regression_label(run_small, everything_data):
    """The other kind of records and the other kind of label in one run."""
    result = run_small(
        "example",
        "regression",
        name="regression",
        record="Example",
        id_key=None,
        context={"city": {"type": "categorical"}},
        sequence={"price": {"type": "numeric"}, "lpc": {"type": "numeric", "shape": [3]}},
        label={"key": "weight", "type": "regression"},
        evaluation={"thresholds": {"mean_squared_error": {"max": 100.0}}, "slices": ["city"]},
        bulk_inference_data=everything_data / "example",
    )
    assert result.blessed
    report = collect(result)
    assert set(report["metrics"]) >= {"mean_squared_error", "mean_absolute_error"}
    assert sum(m["example_count"] for m in report["slices"].values()) == report["metrics"]["example_count"]
    folder = Path(result.outputs["SequenceExampleGen"]["examples"], "Split-test")
    stored = tf.data.TFRecordDataset([str(f) for f in sorted(folder.iterdir())], "GZIP").as_numpy_iterator()
    records, rows = [tf.train.Example.FromString(r) for r in stored], list(predict_files(result.layout.root, folder))
    cities = [record.features.feature["city"].bytes_list.value[0].decode() for record in records]
    weights = [record.features.feature["weight"].float_list.value[0] for record in records]
    assert {f"city={city}" for city in cities} == report["slices"].keys()
    for name, found in {"": report["metrics"], **report["slices"]}.items():
        its = [i for i, city in enumerate(cities) if name in ("", f"city={city}")]
        expected = of_numbers([weights[i] for i in its], [rows[i]["prediction"] for i in its])
        expect(found, expected, ("mean_squared_error", "mean_absolute_error"), where=name)
    rows = list(predict_files(result.layout.root, everything_data / "example"))
    assert len(rows) == 120
    assert rows[1]["id"] == "train.tfrecord.gz:1"
    assert all(-10 < row["prediction"] < 10 for row in rows)
    # In the pipeline BulkInferrer has predicted the same folder.
    logs = Path(report["predictions"]).glob("prediction_logs*.gz")
    predicted = [
        tf.make_ndarray(prediction_log_pb2.PredictionLog.FromString(log).predict_log.response.outputs["predictions"])
        for log in tf.data.TFRecordDataset([str(f) for f in logs], "GZIP").as_numpy_iterator()
    ]
    np.testing.assert_allclose(sorted(float(p[0]) for p in predicted), sorted(r["prediction"] for r in rows), atol=1e-5)


def test_an_output_folder_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserInputError, match="is a file"):
        check_output_folder(tmp_path / "file" / "out")


def test_a_remote_output_folder_is_an_error_not_a_local_folder_of_that_name():
    with pytest.raises(UserInputError, match="not on this machine"):
        check_output_folder("gs://bucket/out")
