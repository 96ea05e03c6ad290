"""A run with forecasts: trained on windows, evaluated at each record's own end, pushed, and predicted with."""

import json

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error

from tests.forecasts import HORIZON, forecast_spec, plain_records
from tests.records import sequence_example, write_records
from tests.reference_figures import expect
from tfx_sequences.components.serving.prediction import predict_files
from tfx_sequences.schemas.spec.spec_io import spec_to_yaml


@pytest.mark.slow
def test_a_run_forecasts_in_the_units_of_its_series(command, tmp_path):
    spec = forecast_spec(
        evaluation={"thresholds": {"money.smape": {"max": 100.0}}, "slices": ("city",), "length_slices": (6,)}
    )
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
    # As a request has it: without what is asked for.
    asked = ("sales_ahead", "visitors_ahead", "scale", "weight")
    bare = [sequence_example({k: v for k, v in c.items() if k not in asked}, s) for c, s in records]
    told = list(predict_files(tmp_path / "out", write_records(tmp_path / "new.tfrecord", bare)))
    members = {
        "all": lambda c, s: True,
        "city=Oslo": lambda c, s: c["city"] == "Oslo",
        "city=Rome": lambda c, s: c["city"] == "Rome",
        "length=0-5": lambda c, s: len(s["sales"]) < 6,
        "length=6 and more": lambda c, s: len(s["sales"]) >= 6,
    }
    slices = {"all": metrics, **report["slices"]}
    assert slices.keys() == members.keys()
    for name, is_in in members.items():
        its = [i for i, record in enumerate(records) if is_in(*record)]
        assert slices[name]["example_count"] == len(its) > 0
        if name == "all":
            check_naive(spec, report["naive"], records)
        for head, label in spec.labels.items():
            forecast = np.array([told[i][head]["prediction"] for i in its])
            assert forecast.shape == (len(its), HORIZON)
            expected = of_forecasts([records[i] for i in its], forecast, label)
            expect(slices[name], expected, label.metrics, f"{head}.", name)


def check_naive(spec, naive, records):
    """Naive figures are those of the definitions; the network sees six steps."""
    for head, label in spec.labels.items():
        key = {"money": "sales", "people": "visitors"}[head]
        season = {"money": 4, "people": 2}[head]
        seen = [np.array(sequence[key][-6:], float) for _, sequence in records]
        answers = {
            "last value repeated": [[x[-1]] * HORIZON for x in seen],
            "mean of the history": [[x.mean()] * HORIZON for x in seen],
            f"last {season} steps repeated": [
                [x[len(x) - season + h % season] if len(x) >= season else x[-1] for h in range(HORIZON)] for x in seen
            ],
        }
        for metric in label.metrics:
            told = {each["answer"]: each["value"] for each in naive[f"{head}.{metric}"]}
            expected = {name: of_forecasts(records, np.array(x), label)[metric] for name, x in answers.items()}
            assert told == pytest.approx(expected, rel=1e-4), metric
            assert naive[f"{head}.{metric}"][0]["value"] == min(told.values())


def of_forecasts(records, forecast, label):
    """sMAPE and MASE as they are defined, the rest by scikit-learn, of forecasts `[N, horizon]`."""
    actual = np.array([context[label.key] for context, _ in records], float)
    weights = np.array([context["weight"] for context, _ in records])
    error = np.abs(forecast - actual)
    smape = 200 * (error / (np.abs(forecast) + np.abs(actual))).mean(1)
    scale = np.array([scale_of(*record, label) for record in records])
    there = scale > 0
    return {
        "smape": np.average(smape, weights=weights),
        "mean_absolute_error": mean_absolute_error(actual, forecast, sample_weight=weights),
        "mase": np.average(error.mean(1)[there] / scale[there], weights=weights[there]),
    }


def scale_of(context, sequence, label):
    """What MASE divides by: what the record says, or how much its history changes in a season."""
    if label.mase_scale:
        return context[label.mase_scale]
    history, apart = np.array(sequence["visitors"], float), label.forecast.seasonality
    return np.abs(history[apart:] - history[:-apart]).mean() if len(history) > apart else 0.0
