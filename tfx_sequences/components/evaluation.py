"""The Evaluator's configuration, generated from the spec."""

from __future__ import annotations

import tensorflow_model_analysis as tfma

from tfx_sequences.components.serving import EVALUATION_SIGNATURE, PREDICTIONS, SCORES, SERVING_SIGNATURE
from tfx_sequences.schemas.spec import SequenceSpec
from tfx_sequences.schemas.transformed_features import EXAMPLE_WEIGHT, LABEL

# Our names of the metrics and TFMA's (Keras') classes behind them.
_CLASSIFICATION = {"accuracy": "SparseCategoricalAccuracy", "loss": "SparseCategoricalCrossentropy"}
_REGRESSION = {"mean_squared_error": "MeanSquaredError", "mean_absolute_error": "MeanAbsoluteError"}


def make_eval_config(spec: SequenceSpec) -> tfma.EvalConfig:
    """Metrics of the label's kind on raw records, slices and thresholds of the spec.

    The label comes from the model's own `evaluation_inputs` signature, so it is
    the one that training saw. Thresholds gate on the whole split, not on slices.
    """
    classification = spec.label.type == "classification"
    # The Evaluator blesses nothing that has no threshold at all; this one says that there were records.
    counted = tfma.MetricThreshold(value_threshold=tfma.GenericValueThreshold(lower_bound={"value": 1}))
    metrics = [tfma.MetricConfig(class_name="ExampleCount", per_slice_thresholds=[_whole_split(counted)])]
    for name, class_name in (_CLASSIFICATION if classification else _REGRESSION).items():
        metric = tfma.MetricConfig(class_name=class_name, config=f'{{"name": "{name}"}}')
        bounds = spec.evaluation.thresholds.get(name)
        if bounds:
            value = tfma.GenericValueThreshold()
            if bounds.min is not None:
                value.lower_bound.value = bounds.min
            if bounds.max is not None:
                value.upper_bound.value = bounds.max
            metric.per_slice_thresholds.append(_whole_split(tfma.MetricThreshold(value_threshold=value)))
        metrics.append(metric)
    return tfma.EvalConfig(
        model_specs=[
            tfma.ModelSpec(
                signature_name=SERVING_SIGNATURE,
                prediction_key=SCORES if classification else PREDICTIONS,
                label_key=LABEL,
                example_weight_key=EXAMPLE_WEIGHT if spec.example_weight else None,
                preprocessing_function_names=[EVALUATION_SIGNATURE],
            )
        ],
        slicing_specs=[tfma.SlicingSpec(), *(tfma.SlicingSpec(feature_keys=[key]) for key in spec.evaluation.slices)],
        metrics_specs=[tfma.MetricsSpec(metrics=metrics)],
    )


def _whole_split(threshold: tfma.MetricThreshold) -> tfma.PerSliceMetricThreshold:
    # Without a slicing spec of its own, a threshold would gate every slice.
    return tfma.PerSliceMetricThreshold(slicing_specs=[tfma.SlicingSpec()], threshold=threshold)
