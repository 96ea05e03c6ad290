"""A run with every kind of label: evaluated, checked, pushed, and predicted with."""

import json

import numpy as np

from tests.labels import labels_spec, plain_records
from tests.records import sequence_example, write_records
from tests.reference_spans import span_f1
from tfx_sequences.schemas.spec_io import spec_to_yaml


def test_a_run_measures_each_head_exactly(command, tmp_path):
    thresholds = {"kind.accuracy": {"min": 0.0}, "tag.span_f1": {"min": 2.0}}
    evaluation = {"thresholds": thresholds, "slices": ("kind",), "length_slices": (2, 5), "step_slices": (1, 4)}
    spec = labels_spec(evaluation=evaluation)
    (tmp_path / "spec.yaml").write_text(spec_to_yaml(spec))
    records = plain_records()
    for split in ("train", "valid", "test"):
        write_records(tmp_path / "data" / f"{split}.tfrecord", [sequence_example(c, s) for c, s in records])
    done = command("run", tmp_path / "spec.yaml", "--data", tmp_path / "data", "--output", tmp_path / "out")
    # No span F1 is above 1: the run tells so, and pushes nothing.
    assert "tag.span_f1" in done.stdout and "is below 2" in done.stdout, done.stdout + done.stderr
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert not report["blessed"] and report["model_check"]["failures"] == []
    metrics = report["metrics"]
    expected = {f"{name}.{metric}" for name, label in spec.labels.items() for metric in label.metrics}
    assert expected <= set(metrics) and np.isfinite(list(metrics.values())).all()
    assert {"kind=good", "kind=bad", "length=0-1", "length=2-4", "length=5 and more"} == set(report["slices"])

    [model] = (tmp_path / "out" / "artifacts" / "SequenceTrainer" / "model").glob("*/Format-Serving")
    told = command("predict", model, tmp_path / "data" / "test.tfrecord")
    predicted = [json.loads(line) for line in told.stdout.splitlines()]
    tags = [sequence["tag"] for _, sequence in records]
    real = [[bool(w) for w in sequence["sure"]] for _, sequence in records]
    # A step without weight is not there: no tag of it counts.
    truth, found = (
        [
            ["O" if not there else tag for tag, there in zip(row, its, strict=True)]
            for row, its in zip(rows, real, strict=True)
        ]
        for rows in (tags, [p["tag"]["predicted_class"] for p in predicted])
    )
    np.testing.assert_allclose(metrics["tag.span_f1"], span_f1(truth, found), atol=1e-6)
    weights = np.array([context["weight"] for context, _ in records])
    right = np.array(
        [p["kind"]["predicted_class"] == context["kind"] for p, (context, _) in zip(predicted, records, strict=True)]
    )
    np.testing.assert_allclose(metrics["kind.accuracy"], (right * weights).sum() / weights.sum(), rtol=1e-5)
    nll, count = 0.0, 0.0
    for row, (_, sequence), weight in zip(predicted, records, weights, strict=True):
        for scores, frame in zip(row["next_frame"]["scores"], sequence["frame"][1:], strict=False):
            nll -= weight * sum(np.log(p if there else 1 - p) for p, there in zip(scores.values(), frame, strict=True))
            count += weight
    np.testing.assert_allclose(metrics["next_frame.loss"], nll / count, rtol=1e-4)
