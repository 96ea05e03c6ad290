"""A run with forecasts: trained on windows, evaluated at each record's own end, pushed, and predicted with."""

import json

import numpy as np

from tests.forecasts import HORIZON, forecast_spec, plain_records
from tests.records import sequence_example, write_records
from tfx_sequences.components.prediction import predict_files
from tfx_sequences.schemas.spec_io import spec_to_yaml


def test_a_run_forecasts_in_the_units_of_its_series(command, tmp_path):
    spec = forecast_spec(evaluation={"thresholds": {"money.smape": {"max": 100.0}}, "slices": ("city",)})
    records = plain_records()
    for split in ("train", "valid", "test"):
        write_records(tmp_path / "data" / f"{split}.tfrecord", [sequence_example(c, s) for c, s in records])
    (tmp_path / "spec.yaml").write_text(spec_to_yaml(spec))
    done = command("run", tmp_path / "spec.yaml", "--data", tmp_path / "data", "--output", tmp_path / "out")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["blessed"] and report["model_check"]["failures"] == []
    metrics = report["metrics"]
    expected = {f"{name}.{metric}" for name, label in spec.labels.items() for metric in label.metrics}
    assert expected <= set(metrics) and np.isfinite(list(metrics.values())).all()
    assert {"city=Oslo", "city=Rome"} <= set(report["slices"])

    # As a request has it: without what is asked for.
    asked = ("sales_ahead", "visitors_ahead", "scale", "weight")
    bare = [sequence_example({k: v for k, v in c.items() if k not in asked}, s) for c, s in records]
    told = list(predict_files(tmp_path / "out", write_records(tmp_path / "new.tfrecord", bare)))
    weight = np.array([c["weight"] for c, _ in records])
    for head, key in (("money", "sales_ahead"), ("people", "visitors_ahead")):
        forecast = np.array([t[head]["prediction"] for t in told])
        actual = np.array([c[key] for c, _ in records], float)
        assert forecast.shape == (len(records), HORIZON)
        error = np.abs(forecast - actual)
        smape = 200 * (error / (np.abs(forecast) + np.abs(actual))).mean(1)
        np.testing.assert_allclose(metrics[f"{head}.smape"], np.average(smape, weights=weight), rtol=1e-4)
        absolute = np.average(error.mean(1), weights=weight)
        np.testing.assert_allclose(metrics[f"{head}.mean_absolute_error"], absolute, rtol=1e-4)
    scale = np.array([c["scale"] for c, _ in records])
    there = scale > 0
    money = np.abs([t["money"]["prediction"] for t in told] - np.array([c["sales_ahead"] for c, _ in records])).mean(1)
    mase = np.average(money[there] / scale[there], weights=weight[there])
    np.testing.assert_allclose(metrics["money.mase"], mase, rtol=1e-4)
