from tests.everything import everything_spec
from tfx_sequences.components.evaluation import make_eval_config
from tfx_sequences.schemas.spec import SequenceSpec


def metrics(config):
    return {m.class_name: m for m in config.metrics_specs[0].metrics}


def test_thresholds_gate_on_the_whole_split_only():
    spec = everything_spec(
        evaluation={"thresholds": {"accuracy": {"min": 0.5}, "loss": {"max": 2.0}}, "slices": ("city", "kind")}
    )
    config = make_eval_config(spec)
    assert [list(s.feature_keys) for s in config.slicing_specs] == [[], ["city"], ["kind"]]
    [accuracy] = metrics(config)["SparseCategoricalAccuracy"].per_slice_thresholds
    assert accuracy.threshold.value_threshold.lower_bound.value == 0.5
    assert not accuracy.threshold.value_threshold.HasField("upper_bound")
    assert [list(s.feature_keys) for s in accuracy.slicing_specs] == [[]]
    [loss] = metrics(config)["SparseCategoricalCrossentropy"].per_slice_thresholds
    assert loss.threshold.value_threshold.upper_bound.value == 2.0


def test_weight_and_label_come_from_the_models_signature():
    [model] = make_eval_config(everything_spec()).model_specs
    assert (model.label_key, model.example_weight_key) == ("label", "example_weight")
    assert list(model.preprocessing_function_names) == ["evaluation_inputs"]
    [plain] = make_eval_config(everything_spec(example_weight=None)).model_specs
    assert not plain.example_weight_key


def test_regression_has_its_own_metrics():
    spec = SequenceSpec(
        name="s", sequence={"x": {"type": "numeric"}}, label={"key": "y", "type": "regression", "dtype": "float32"}
    )
    config = make_eval_config(spec)
    assert set(metrics(config)) == {"ExampleCount", "MeanSquaredError", "MeanAbsoluteError"}
    assert config.model_specs[0].prediction_key == "predictions"
