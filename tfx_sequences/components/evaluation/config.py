"""The Evaluator's configuration, generated from the spec."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

# Newer versions do not export all of these messages from `tfma`.
from tensorflow_model_analysis.proto import config_pb2

from tfx_sequences.code_digest import code_digest
from tfx_sequences.components.evaluation.extractors import LENGTH_SLICE, STEP_COUNTS, STEP_SUMS
from tfx_sequences.components.evaluation.names import CUT_STEP_COUNT, STEP_COUNT, tfma_name_of_head
from tfx_sequences.components.serving.names import (
    CUT_STEPS,
    EVALUATION_SIGNATURE,
    MEASURES_SIGNATURE,
    OUTPUTS,
    SUMS,
    TARGETS,
    WEIGHTS,
)
from tfx_sequences.schemas.columns.names import SEQUENCE_LENGTH
from tfx_sequences.schemas.features.transformed_features import LABEL
from tfx_sequences.schemas.kinds.declared_kind import CLASSES
from tfx_sequences.schemas.spec.label import Label
from tfx_sequences.schemas.spec.length_ranges import range_name, ranges
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec, weighs_records

# Given by path: TFMA imports them where it computes.
EXTRACTORS_MODULE = "tfx_sequences.components.evaluation.extractors"
_METRICS_MODULE = "tfx_sequences.components.evaluation.metrics"
_PLOTS_MODULE = "tfx_sequences.components.evaluation.plots"


def make_eval_config(spec: SequenceSpec) -> config_pb2.EvalConfig:
    """Metrics for the kinds of labels on raw records, and the spec's slices, thresholds and baseline.

    TFMA's own metrics measure one class or number per record, without a weight. The label comes
    from the model's own `evaluation_inputs` signature, so it is the label that training saw. TFMA's metrics do not
    support other labels (of steps, of several classes, vectors, several heads) or weights, or not together
    with counts: metrics for these are computed from the sums of the model's `evaluation_outputs` signature. Thresholds
    apply to the whole split, not to slices.
    """
    # The Evaluator blesses only models with a threshold; this one checks that there were records.
    counted = config_pb2.MetricThreshold(value_threshold=config_pb2.GenericValueThreshold(lower_bound={"value": 1}))
    metrics = [config_pb2.MetricConfig(class_name="ExampleCount", per_slice_thresholds=[_whole_split(counted)])]
    for name, output in ((STEP_COUNT, SEQUENCE_LENGTH), (CUT_STEP_COUNT, CUT_STEPS)):
        metrics.append(_our_metric("OutputSum", name=name, output=output))
    model_spec = config_pb2.ModelSpec(signature_name=MEASURES_SIGNATURE)
    theirs: Mapping[str, str] = {}
    # With weights of records, TFMA would also weight its counts, and could not use our sums. Without a label, a record
    # has the weight 0.
    if spec.label is not None and spec.label.kind.tfma_metrics(spec.label) and not weighs_records(spec, spec.label):
        theirs = spec.label.kind.tfma_metrics(spec.label)
        model_spec.prediction_key = spec.label.kind.outputs[0]
        model_spec.label_key = LABEL
        model_spec.preprocessing_function_names.append(EVALUATION_SIGNATURE)
    for head, label in spec.heads.items():
        metrics += [_figure(spec, head, label, figure, theirs.get(figure)) for figure in label.metrics]
        metrics += _plots(spec, head, label)
        if label.per_step and spec.evaluation.step_slices:
            metrics.append(_step_figures(spec, head, label))
    for metric in metrics[1:]:
        threshold = _threshold(spec, json.loads(metric.config)["name"])
        if threshold.ByteSize():
            metric.per_slice_thresholds.append(_whole_split(threshold))
    slices = [config_pb2.SlicingSpec(), *(config_pb2.SlicingSpec(feature_keys=[key]) for key in spec.evaluation.slices)]
    for length in ranges(spec.evaluation.length_slices):
        slices.append(config_pb2.SlicingSpec(feature_values={LENGTH_SLICE: range_name(*length)}))
    return config_pb2.EvalConfig(
        model_specs=[model_spec], slicing_specs=slices, metrics_specs=[config_pb2.MetricsSpec(metrics=metrics)]
    )


def _figure(spec: SequenceSpec, head: str, label: Label, figure: str, theirs: str | None) -> config_pb2.MetricConfig:
    name = spec.metric_name(head, figure)
    if theirs:
        return config_pb2.MetricConfig(class_name=theirs, config=json.dumps({"name": name}))
    prefix = spec.output_prefix(head)
    return _our_metric("HeadFigure", name=name, figure=figure, output=prefix + SUMS, **_measures(label, prefix))


def _measures(label: Label, prefix: str) -> dict[str, Any]:
    """The parameters of metrics: the label, and the model's output with the names of the classes."""
    classes = prefix + CLASSES if label.has_classes else None
    return {"label": label.model_dump_json(), "classes": classes}


def _step_figures(spec: SequenceSpec, head: str, label: Label) -> config_pb2.MetricConfig:
    prefix = spec.output_prefix(head)
    return _our_metric(
        "StepFigures",
        name=spec.metric_name(head, "steps"),
        figures={figure: spec.metric_name(head, figure) for figure in label.metrics},
        output=prefix + STEP_SUMS,
        count=spec.metric_name(head, STEP_COUNT),
        steps=prefix + STEP_COUNTS,
        ranges=[range_name(*steps) for steps in ranges(spec.evaluation.step_slices)],
        prefix=prefix,
        **_measures(label, prefix),
    )


def _plots(spec: SequenceSpec, head: str, label: Label) -> list[config_pb2.MetricConfig]:
    """A confusion matrix if one class is correct, and score curves if each class has a score."""
    prefix, tfma_head = spec.output_prefix(head), tfma_name_of_head(spec, head)
    outputs = {name: prefix + name for name in (OUTPUTS, TARGETS, WEIGHTS)}
    of_plots: dict[str, tuple[str, dict[str, Any]]] = {
        "curves": ("ScoreCurves", {"output": prefix + SUMS, **_measures(label, prefix)}),
        "confusion": ("ConfusionMatrix", outputs),
    }
    found = []
    for plot in label.kind.plots(label):
        class_name, parameters = of_plots[plot]
        found.append(_our_metric(class_name, _PLOTS_MODULE, name=prefix + plot, head=tfma_head, **parameters))
    return found


def _our_metric(class_name: str, module: str = _METRICS_MODULE, **config: Any) -> config_pb2.MetricConfig:
    digest = code_digest(module, EXTRACTORS_MODULE)
    return config_pb2.MetricConfig(
        class_name=class_name, module=module, config=json.dumps({**config, "code_digest": digest})
    )


def _threshold(spec: SequenceSpec, metric: str) -> config_pb2.MetricThreshold:
    threshold = config_pb2.MetricThreshold()
    bounds, change = spec.evaluation.thresholds.get(metric), spec.evaluation.baseline.get(metric)
    if bounds and bounds.min is not None:
        threshold.value_threshold.lower_bound.value = bounds.min
    if bounds and bounds.max is not None:
        threshold.value_threshold.upper_bound.value = bounds.max
    if change and change.max_drop is not None:
        threshold.change_threshold.direction = config_pb2.MetricDirection.HIGHER_IS_BETTER
        threshold.change_threshold.absolute.value = -change.max_drop
    elif change and change.max_rise is not None:
        threshold.change_threshold.direction = config_pb2.MetricDirection.LOWER_IS_BETTER
        threshold.change_threshold.absolute.value = change.max_rise
    return threshold


def _whole_split(threshold: config_pb2.MetricThreshold) -> config_pb2.PerSliceMetricThreshold:
    # Without a slicing spec, a threshold would apply to every slice.
    return config_pb2.PerSliceMetricThreshold(slicing_specs=[config_pb2.SlicingSpec()], threshold=threshold)
