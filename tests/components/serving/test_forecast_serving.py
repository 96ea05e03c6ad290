"""Forecasts through Transform's graph, the input of training, and the exported model."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft

from tests.forecasts import HORIZON, NUM_RECORDS, forecast_spec
from tests.kinds import figures
from tests.records import example, sequence_example, write_records
from tfx_sequences.components.evaluation.config import make_eval_config
from tfx_sequences.components.input.record_formats import raw_records
from tfx_sequences.components.network.model import build_model
from tfx_sequences.components.serving.exported_model import RawRecordModel, export
from tfx_sequences.components.serving.prediction import predict_files
from tfx_sequences.components.serving.serving_inputs import tensor_specs
from tfx_sequences.components.training.split_statistics import task_statistics
from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.features.transformed_features import make_parse_transformed_spec


@pytest.fixture(scope="module")
def exported(forecasts, tmp_path_factory):
    output = tft.TFTransformOutput(forecasts.transform_dir)
    statistics = task_statistics(forecasts.spec, output, None)
    keras.utils.set_random_seed(0)
    model = build_model(forecasts.spec, statistics, use_cudnn=False)
    raw = RawRecordModel(model, output.transform_savedmodel_dir, forecasts.spec, statistics)
    folder = str(tmp_path_factory.mktemp("exported"))
    export(raw, folder, forecasts.spec, statistics)
    return raw, tf.saved_model.load(folder), folder, model


def call(exported, signature, records):
    outputs = exported[1].signatures[signature](examples=tf.constant(records, tf.string))
    return {name: value.numpy() for name, value in outputs.items()}


def test_transform_writes_the_layout_that_the_spec_tells(forecasts):
    output = tft.TFTransformOutput(forecasts.transform_dir)
    assert output.transformed_feature_spec() == make_parse_transformed_spec(forecasts.spec)


def test_a_known_future_is_normalised_with_its_steps(forecasts):
    output = tft.TFTransformOutput(forecasts.transform_dir)
    form = raw_records(forecasts.spec, output.transform_features_layer())
    parsed = form.parse(tf.constant(forecasts.serialized))
    everywhere = [x for c, s in forecasts.records for x in (*s["is_open"], *c["open_ahead"])]
    mean, std = np.mean(everywhere), np.std(everywhere)
    ahead = np.array([c["open_ahead"] for c, _ in forecasts.records])
    np.testing.assert_allclose(parsed["future.open"], (ahead - mean) / std, rtol=1e-4)
    steps = [(np.array(s["is_open"]) - mean) / std for _, s in forecasts.records]
    np.testing.assert_allclose(parsed["sequence.open"].flat_values, np.concatenate(steps), rtol=1e-4)
    # The targets come as they are stored.
    sales = np.concatenate([s["sales"] for _, s in forecasts.records])
    np.testing.assert_array_equal(parsed["sequence.sales"].flat_values, np.float32(sales))


def test_a_forecast_is_served_in_the_units_of_its_series(forecasts, exported):
    served = call(exported, "serving_default", forecasts.serialized)
    assert {n: v.shape for n, v in served.items()} == {
        "money_predictions": (NUM_RECORDS, HORIZON),
        "people_predictions": (NUM_RECORDS, HORIZON),
    }
    assert np.isfinite(served["money_predictions"]).all()
    in_memory = exported[0].predict(tf.constant(forecasts.serialized))
    np.testing.assert_allclose(served["people_predictions"], in_memory["people_predictions"], rtol=1e-5)


def test_a_forecast_counts_in_standard_deviations_from_the_last_value(forecasts, exported):
    value = exported[3].get_layer("money_value")
    before = [weights.copy() for weights in value.get_weights()]
    value.set_weights([np.zeros_like(before[0]), np.array([2.0])])
    try:
        found = exported[0].predict(tf.constant(forecasts.serialized))["money_predictions"].numpy()
    finally:
        value.set_weights(before)
    for row, (_, sequence) in zip(found, forecasts.records, strict=True):
        history = np.array(sequence["sales"][-forecasts.spec.batching.max_length :])
        # A history of one step has no deviation; a thousandth of its level takes the place.
        scale = max(history.std(), 1e-3 * np.abs(history).mean())
        np.testing.assert_allclose(row, [history[-1] + 2 * scale] * HORIZON, rtol=1e-4)


def test_what_is_asked_for_is_not_needed_but_what_is_known_is(forecasts, exported):
    context, sequence = forecasts.records[5]
    asked = ("sales_ahead", "visitors_ahead", "scale", "weight")
    without = {k: v for k, v in context.items() if k not in asked}
    alone = call(exported, "serving_default", [sequence_example(without, sequence).SerializeToString()])
    together = call(exported, "serving_default", forecasts.serialized)
    np.testing.assert_allclose(alone["money_predictions"][0], together["money_predictions"][5], rtol=1e-5)
    del without["open_ahead"]
    with pytest.raises(tf.errors.InvalidArgumentError, match="open_ahead"):
        call(exported, "serving_default", [sequence_example(without, sequence).SerializeToString()])


def test_padded_tensors_are_answered_as_records_are(forecasts, exported):
    context, sequence = forecasts.records[5]
    specs = tensor_specs(forecasts.spec)
    assert specs["open_ahead"].shape == [None, HORIZON] and specs["promotion_ahead"].shape == [None, HORIZON, 2]
    assert "sales_ahead" not in specs and "scale" not in specs
    values = {**context, **sequence, "sequence_length": len(sequence["sales"])}
    tensors = {
        name: tf.reshape(tf.constant([values[name]], its.dtype), [1, -1, *its.shape[2:]] if its.shape.rank > 1 else [1])
        for name, its in specs.items()
    }
    expected = call(exported, "serving_default", forecasts.serialized)
    for name, answer in exported[0].predict_tensors(tensors).items():
        np.testing.assert_allclose(answer[0], expected[name][5], rtol=1e-5)


def test_only_the_last_steps_are_looked_at(forecasts, exported):
    context, sequence = forecasts.records[11]
    most = forecasts.spec.batching.max_length
    short = {key: steps[-most:] for key, steps in sequence.items()}
    assert len(sequence["sales"]) > most
    both = [sequence_example(context, s).SerializeToString() for s in (sequence, short)]
    answers = call(exported, "serving_default", both)
    # As a tf.Example, the flat list of each feature is cut by whole steps.
    flat = [{**s, "promotion": [x for step in s["promotion"] for x in step]} for s in (sequence, short)]
    examples = [example({**context, **steps}).SerializeToString() for steps in flat]
    of_examples = call(exported, "serving_example", examples)
    for name, (whole, cut) in answers.items():
        np.testing.assert_allclose(whole, cut, rtol=1e-5)
        np.testing.assert_array_equal(of_examples[name], [whole, cut])


def test_a_series_without_any_step_has_a_finite_forecast(forecasts, exported):
    context, _ = forecasts.records[5]
    served = call(exported, "serving_default", [sequence_example(context, {}).SerializeToString()])
    assert all(np.isfinite(value).all() for value in served.values())
    assert {n: v.shape[0] for n, v in call(exported, "serving_default", []).items()} == dict.fromkeys(served, 0)


def test_the_evaluators_figures_are_what_numpy_says(forecasts, exported):
    outputs = call(exported, "evaluation_outputs", forecasts.serialized)
    given = call(exported, "evaluation_inputs", forecasts.serialized)
    weight = np.array([c["weight"] for c, _ in forecasts.records])
    scales = {"money": np.array([c["scale"] for c, _ in forecasts.records]), "people": []}
    for _, sequence in forecasts.records:
        visitors = np.array(sequence["visitors"], float)
        apart = np.abs(visitors[2:] - visitors[:-2])
        scales["people"].append(apart.mean() if len(apart) else 0.0)
    for head, key in (("money", "sales_ahead"), ("people", "visitors_ahead")):
        actual = np.array([c[key] for c, _ in forecasts.records], float)
        np.testing.assert_allclose(given[f"label.{head}"], actual, rtol=1e-6)
        forecast = outputs[f"{head}_predictions"]
        found = figures(forecasts.spec.labels[head], outputs[f"{head}_sums"])
        error = np.abs(forecast - actual)
        each = 200 * (error / (np.abs(forecast) + np.abs(actual))).mean(1)
        np.testing.assert_allclose(found["smape"], np.average(each, weights=weight), rtol=1e-4)
        np.testing.assert_allclose(found["mean_absolute_error"], np.average(error.mean(1), weights=weight), rtol=1e-4)
        scale = np.array(scales[head])
        there = scale > 0
        assert 0 < there.sum() < NUM_RECORDS
        expected = np.average(error.mean(1)[there] / scale[there], weights=weight[there])
        np.testing.assert_allclose(found["mase"], expected, rtol=1e-4)


def test_every_figure_is_evaluated():
    config = make_eval_config(forecast_spec(evaluation={"thresholds": {"money.mase": {"max": 1.0}}}))
    names = {json.loads(metric.config).get("name") for metric in config.metrics_specs[0].metrics if metric.config}
    assert {f"{h}.{m}" for h in ("money", "people") for m in ("smape", "mase", "mean_absolute_error")} <= names
    with pytest.raises(ValueError, match="Did you mean 'money"):
        forecast_spec(evaluation={"thresholds": {"money.mse": {"max": 1.0}}})


def test_forecasts_are_predicted_of_files(forecasts, exported, tmp_path):
    file = write_records(tmp_path / "records.tfrecord", forecasts.serialized)
    told = list(predict_files(exported[2], file))
    served = call(exported, "serving_default", forecasts.serialized)
    assert [t["id"] for t in told] == [f"r{i}" for i in range(NUM_RECORDS)]
    np.testing.assert_allclose([t["people"]["prediction"] for t in told], served["people_predictions"], rtol=1e-6)


def test_windows_are_cut_of_transformed_records_only(forecasts):
    with pytest.raises(SpecError, match=r"cut from transformed records[\s\S]*Pass `transform`"):
        raw_records(forecasts.spec)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sales_ahead": [1.0, float("nan"), 2.0]}, "sales_ahead.*: a value is missing or not finite"),
        ({"visitors_ahead": [1, 2]}, "visitors_ahead"),
    ],
)
def test_a_future_that_is_none_is_an_error_where_it_is_needed(forecasts, exported, changes, words):
    context, sequence = forecasts.records[5]
    record = sequence_example({**context, **changes}, sequence).SerializeToString()
    assert np.isfinite(call(exported, "serving_default", [record])["money_predictions"]).all()
    with pytest.raises(tf.errors.InvalidArgumentError, match=words):
        call(exported, "evaluation_outputs", [record])
