import json
import re

import pytest
from tensorflow_model_analysis.metrics import metric_specs
from tensorflow_model_analysis.proto import config_pb2

from tests.everything import everything_spec
from tests.labels import labels_spec
from tfx_sequences.components.evaluation.config import make_eval_config
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

# TFMA's own metrics have no weights, so they are for labels that no record may lack.
LABEL = {"key": "kind", "missing_label": "error"}


def metrics(config):
    return {m.class_name: m for m in config.metrics_specs[0].metrics}


def test_thresholds_gate_on_the_whole_split_only():
    spec = everything_spec(
        example_weight=None,
        label=LABEL,
        evaluation={"thresholds": {"accuracy": {"min": 0.5}, "loss": {"max": 2.0}}, "slices": ("city", "kind")},
    )
    config = make_eval_config(spec)
    assert [list(s.feature_keys) for s in config.slicing_specs] == [[], ["city"], ["kind"]]
    [accuracy] = metrics(config)["SparseCategoricalAccuracy"].per_slice_thresholds
    assert accuracy.threshold.value_threshold.lower_bound.value == 0.5
    assert not accuracy.threshold.value_threshold.HasField("upper_bound")
    assert [list(s.feature_keys) for s in accuracy.slicing_specs] == [[]]
    [loss] = metrics(config)["SparseCategoricalCrossentropy"].per_slice_thresholds
    assert loss.threshold.value_threshold.upper_bound.value == 2.0


def test_the_label_comes_from_the_models_signature():
    [model] = make_eval_config(everything_spec(example_weight=None, label=LABEL)).model_specs
    assert model.label_key == "label"
    assert list(model.preprocessing_function_names) == ["evaluation_inputs"]


def test_a_label_that_may_be_missing_is_measured_by_sums_with_weights():
    config = make_eval_config(everything_spec(example_weight=None))
    assert not config.model_specs[0].label_key
    figures = [json.loads(m.config) for m in config.metrics_specs[0].metrics if m.class_name == "HeadFigure"]
    assert {figure["figure"] for figure in figures} == {"accuracy", "loss", "auc"}


@pytest.mark.parametrize("weight", [None, "weight"])
def test_tfma_computes_every_metric_with_a_weight_too(weight):
    config = make_eval_config(everything_spec(example_weight=weight))
    computations = metric_specs.to_computations(list(config.metrics_specs), config)
    names = {key.name for computation in computations for key in computation.keys}
    assert {"accuracy", "loss", "auc", "example_count", "step_count", "cut_step_count"} <= names
    # A weight is in the model's own sums; TFMA would weigh its counts by it.
    assert not config.model_specs[0].example_weight_key


def test_regression_has_its_own_metrics():
    spec = SequenceSpec(
        name="s",
        sequence={"x": {"type": "numeric"}},
        label={"key": "y", "type": "regression", "missing_label": "error"},
    )
    config = make_eval_config(spec)
    assert set(metrics(config)) == {"ExampleCount", "OutputSum", "MeanSquaredError", "MeanAbsoluteError"}
    assert config.model_specs[0].prediction_key == "predictions"


def test_the_last_blessed_model_is_compared_by_change():
    spec = everything_spec(
        example_weight=None,
        label=LABEL,
        evaluation={"baseline": {"accuracy": {"max_drop": 0.01}, "loss": {"max_rise": 0.1}}},
    )
    found = metrics(make_eval_config(spec))
    [accuracy] = found["SparseCategoricalAccuracy"].per_slice_thresholds
    change = accuracy.threshold.change_threshold
    assert (change.direction, change.absolute.value) == (config_pb2.MetricDirection.HIGHER_IS_BETTER, -0.01)
    [loss] = found["SparseCategoricalCrossentropy"].per_slice_thresholds
    change = loss.threshold.change_threshold
    assert (change.direction, change.absolute.value) == (config_pb2.MetricDirection.LOWER_IS_BETTER, 0.1)
    assert [list(s.feature_keys) for s in loss.slicing_specs] == [[]]


def test_ranges_of_lengths_are_slices_and_those_of_steps_are_figures():
    spec = labels_spec(evaluation={"length_slices": (2, 5), "step_slices": "auto"})
    config = make_eval_config(spec)
    lengths = [dict(s.feature_values) for s in config.slicing_specs if s.feature_values]
    assert lengths == [{"length in steps": name} for name in ("0-1", "2-4", "5 and more")]
    steps = [json.loads(m.config) for m in config.metrics_specs[0].metrics if m.class_name == "StepFigures"]
    assert [s["prefix"] for s in steps] == ["tag_", "next_frame_", "moods_", "level_"]
    assert steps[0]["ranges"][:4] == ["0", "1", "2-3", "4-7"] and steps[0]["ranges"][-1] == "4096 and more"


@pytest.mark.parametrize(
    ("evaluation", "words"),
    [
        ({"length_slices": (5, 5)}, "boundaries must be increasing numbers, but are 5, 5"),
        ({"length_slices": "automatic"}, "auto"),
        ({"step_slices": (5,)}, "evaluation.step_slices: no label is per step"),
        ({"baseline": {"accuracy": {}}}, "set either max_drop or max_rise"),
        ({"baseline": {"accuracy": {"max_drop": -1.0}}}, "greater than or equal to 0"),
        (
            {"baseline": {"acuracy": {"max_drop": 0.1}}},
            "evaluation.baseline has no metric 'acuracy'. Did you mean 'accuracy'",
        ),
    ],
)
def test_what_cannot_be_evaluated_is_told(evaluation, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        everything_spec(evaluation=evaluation)
