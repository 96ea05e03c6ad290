import pytest

from tests.forecasts import forecast_spec
from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.features.parse_specs import make_parse_example_spec, make_parse_sequence_example_spec
from tfx_sequences.schemas.features.raw_features import raw_features
from tfx_sequences.schemas.features.transformed_features import make_parse_transformed_spec
from tfx_sequences.schemas.spec.label import Label
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.schemas.spec.spec_io import (
    TRANSFORM_SECTIONS,
    fingerprint,
    spec_from_json,
    spec_from_yaml,
    spec_to_json,
    spec_to_yaml,
)

FORECAST = {"key": "future", "type": "forecast", "horizon": 3, "target": "x"}


def spec_of(**changes):
    return SequenceSpec(**{"name": "s", "sequence": {"x": {"type": "numeric"}}, "label": FORECAST, **changes})


def with_label(**fields):
    return spec_of(label={**FORECAST, **fields})


def test_a_forecast_is_a_vector_of_its_horizon():
    label = Label(**FORECAST)
    assert (label.dtype, label.shape, label.has_classes) == ("float32", (3,), False)
    assert label.metrics == ("smape", "mase", "mean_absolute_error")
    assert not label.is_cut_out and Label(**{**FORECAST, "key": "x"}).is_cut_out


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"horizon": None}, "needs a horizon, such as `horizon: 13`"),
        ({"target": None}, "needs a target"),
        ({"shape": (2,)}, "the shape of a forecast is its horizon, 3"),
        ({"per_step": True}, "per_step does not apply to a forecast"),
        ({"classes": ("a", "b")}, "classes does not apply to a forecast"),
        ({"class_weights": "balanced"}, "class_weights does not apply"),
        ({"shift": 1}, "shift is for labels of steps"),
        ({"dtype": "string"}, "a forecast label is a number"),
        ({"known_future": {"x": "y"}}, "'x' is the target of the forecast"),
        ({"type": "regression", "target": None}, "horizon is for labels of `type: forecast`"),
        ({"forecast": {"lagz": [1]}}, "Did you mean 'lags'"),
    ],
)
def test_what_a_forecast_cannot_be_is_an_error_that_says_why(fields, words):
    with pytest.raises(ValueError, match=words):
        Label(**{**FORECAST, **fields})


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: with_label(target="z"), "label.target: 'z' is not a sequence feature"),
        (lambda: with_label(known_future={"z": "y"}), "label.known_future: 'z' is not a sequence feature"),
        (lambda: spec_of(sequence={"x": {"type": "categorical"}}), "'x' is categorical, but it must be numeric"),
        (lambda: spec_of(sequence={"x": {"type": "numeric", "shape": (2,)}}), "one number per step"),
        (
            lambda: spec_of(sequence={"x": {"type": "numeric", "normalizer": "z_score"}}),
            "normalises each series by itself",
        ),
        (lambda: spec_of(batching={"max_length": 9}), "set `truncate: head`"),
        (lambda: spec_of(batching={"prepared": True}), "windows of them"),
        (
            lambda: spec_of(
                label={**FORECAST, "forecast": {"lags": (9,)}}, batching={"max_length": 9, "truncate": "head"}
            ),
            "9 is further back than batching.max_length",
        ),
        (lambda: spec_of(label=None, labels={"a": FORECAST, "b": {"key": "kind"}}), "labels.b is not a forecast"),
        (lambda: spec_of(label=None, labels={"a": FORECAST, "b": {**FORECAST, "horizon": 2}}), "the same horizon"),
        (lambda: spec_of(label=None, labels={"a": FORECAST, "b": {**FORECAST, "key": "x"}}), "place of the future"),
        (
            lambda: spec_of(
                label=None, labels={"a": FORECAST, "b": {**FORECAST, "forecast": {"normalization": {"log": True}}}}
            ),
            "have different `forecast.normalization`",
        ),
        (
            lambda: spec_of(label=None, labels={"a": FORECAST, "b": {**FORECAST, "forecast": {"windows": 2}}}),
            "the same `forecast.windows`",
        ),
        (lambda: spec_of(context={"future": {"type": "numeric"}}), "the model would see the answer"),
    ],
)
def test_what_does_not_fit_the_spec_is_an_error(make, words):
    with pytest.raises((ValueError, SpecError), match=words):
        make()


def test_the_target_is_left_as_it_is_unless_the_spec_says_otherwise():
    assert spec_of().sequence["x"].normalizer == "none"
    assert forecast_spec().sequence["open"].normalizer == "auto"
    assert spec_from_yaml(spec_to_yaml(forecast_spec())) == spec_from_json(spec_to_json(forecast_spec()))


def test_the_features_of_records_are_those_that_a_forecast_needs():
    described = {f.tensor_name: (f.role, f.dtype, f.shape) for f in raw_features(forecast_spec())}
    assert described["visitors_ahead"] == ("label", "int64", (3,))
    assert described["promotion_ahead"] == ("known_future", "float32", (3, 2))
    assert described["scale"] == ("mase_scale", "float32", ())
    # What is served needs its known futures, and nothing that is asked for.
    context, _ = make_parse_sequence_example_spec(forecast_spec(), with_label=False)
    assert sorted(context) == ["city", "id", "open_ahead", "promotion_ahead"]
    assert make_parse_example_spec(forecast_spec(record="Example"))["promotion_ahead"].shape == (3, 2)
    transformed = make_parse_transformed_spec(forecast_spec(), with_label=False)
    assert transformed["future.promotion"].shape == [3, 2]
    assert "label.money" not in transformed and "label.money" in make_parse_transformed_spec(forecast_spec())


def test_a_label_cut_out_of_its_series_is_no_feature_of_its_own():
    spec = with_label(key="x")
    assert [f.tensor_name for f in raw_features(spec)] == ["sequence.x"]
    assert sorted(make_parse_transformed_spec(spec)) == ["sequence.x", "sequence_length"]


def test_how_it_is_learned_is_not_transforms_concern():
    def of_transform(**fields):
        return fingerprint(with_label(**fields), TRANSFORM_SECTIONS)

    assert of_transform() == of_transform(forecast={"windows": 3}) == of_transform(loss_weight=2.0)
    assert of_transform() != of_transform(horizon=4)
