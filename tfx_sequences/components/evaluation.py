"""The Evaluator's configuration, generated from the spec."""

from __future__ import annotations

import json

import tensorflow_model_analysis as tfma

# Newer versions do not give all of its messages under `tfma`.
from tensorflow_model_analysis.proto import config_pb2

from tfx_sequences.components.code_digest import code_digest
from tfx_sequences.components.served_outputs import PREDICTIONS, SCORES
from tfx_sequences.components.serving import EVALUATION_SIGNATURE, MEASURES_SIGNATURE, SERVING_SIGNATURE, SUMS
from tfx_sequences.schemas.label import Label
from tfx_sequences.schemas.spec import SequenceSpec
from tfx_sequences.schemas.transformed_features import EXAMPLE_WEIGHT, LABEL

# Our names of the metrics and TFMA's (Keras') classes behind them.
_CLASSIFICATION = {"accuracy": "SparseCategoricalAccuracy", "loss": "SparseCategoricalCrossentropy"}
_REGRESSION = {"mean_squared_error": "MeanSquaredError", "mean_absolute_error": "MeanAbsoluteError"}
_OURS = "tfx_sequences.components.evaluation_metrics"


def make_eval_config(spec: SequenceSpec) -> tfma.EvalConfig:
    """Metrics of the labels' kinds on raw records, slices and thresholds of the spec.

    TFMA's own metrics measure one class, or number, per record. The label comes from the
    model's own `evaluation_inputs` signature, so it is the one that training saw. Other labels
    (of steps, of several classes, vectors, several heads) TFMA's metrics do not know with weights per
    step: theirs are made of the sums that the model's `evaluation_outputs` signature gives. Thresholds
    gate on the whole split, not on slices.
    """
    # The Evaluator blesses nothing that has no threshold at all; this one says that there were records.
    counted = tfma.MetricThreshold(value_threshold=tfma.GenericValueThreshold(lower_bound={"value": 1}))
    metrics = [tfma.MetricConfig(class_name="ExampleCount", per_slice_thresholds=[_whole_split(counted)])]
    if spec.label is not None and _is_known_to_tfma(spec.label):
        classes = _CLASSIFICATION if spec.label.has_classes else _REGRESSION
        model_spec = tfma.ModelSpec(
            signature_name=SERVING_SIGNATURE,
            prediction_key=SCORES if spec.label.has_classes else PREDICTIONS,
            label_key=LABEL,
            example_weight_key=EXAMPLE_WEIGHT if spec.example_weight else None,
            preprocessing_function_names=[EVALUATION_SIGNATURE],
        )
        measured = [
            tfma.MetricConfig(class_name=class_name, config=json.dumps({"name": name}))
            for name, class_name in classes.items()
        ]
    else:
        model_spec = tfma.ModelSpec(signature_name=MEASURES_SIGNATURE)
        measured = [
            _figure(spec, head, label, figure) for head, label in spec.heads.items() for figure in label.metrics
        ]
    for metric in measured:
        bounds = spec.evaluation.thresholds.get(json.loads(metric.config)["name"])
        if bounds:
            value = tfma.GenericValueThreshold()
            if bounds.min is not None:
                value.lower_bound.value = bounds.min
            if bounds.max is not None:
                value.upper_bound.value = bounds.max
            metric.per_slice_thresholds.append(_whole_split(tfma.MetricThreshold(value_threshold=value)))
    return tfma.EvalConfig(
        model_specs=[model_spec],
        slicing_specs=[tfma.SlicingSpec(), *(tfma.SlicingSpec(feature_keys=[key]) for key in spec.evaluation.slices)],
        metrics_specs=[tfma.MetricsSpec(metrics=[*metrics, *measured])],
    )


def _is_known_to_tfma(label: Label) -> bool:
    return not (label.per_step or label.is_vector or label.type == "multi_label")


def _figure(spec: SequenceSpec, head: str, label: Label, figure: str) -> tfma.MetricConfig:
    config = {
        "name": spec.metric_name(head, figure),
        "figure": figure,
        "output": spec.output_prefix(head) + SUMS,
        "label": label.model_dump_json(),
        "code_digest": code_digest(_OURS),
    }
    return tfma.MetricConfig(class_name="HeadFigure", module=_OURS, config=json.dumps(config))


def _whole_split(threshold: tfma.MetricThreshold) -> config_pb2.PerSliceMetricThreshold:
    # Without a slicing spec of its own, a threshold would gate every slice.
    return config_pb2.PerSliceMetricThreshold(slicing_specs=[tfma.SlicingSpec()], threshold=threshold)
