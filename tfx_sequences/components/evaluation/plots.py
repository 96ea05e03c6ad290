"""TFMA plots of a head's scores and classes, from the exported model's own outputs; each real step counts once."""

from __future__ import annotations

from collections import Counter
from typing import Any

import apache_beam as beam
import numpy as np
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.proto import metrics_for_slice_pb2

from tfx_sequences.components.evaluation.metrics import SumsMetric, summed
from tfx_sequences.components.evaluation.record_sums import MeasuresOf
from tfx_sequences.components.evaluation.score_plots import Confusion, calibration_rows, count_confusion, curve_rows
from tfx_sequences.components.kinds.measures import Measures

# TFMA groups plots with these names, and does not show others of their type.
_CURVE, _CALIBRATION, _CONFUSION = "confusion_matrix_plot", "calibration_plot", "multi_class_confusion_matrix_plot"


class ScoreCurves(SumsMetric):
    """ROC curve over all classes of a head together (for two classes, the second one), and its calibration."""

    @staticmethod
    def computations_of(
        name: str,
        output: str,
        label: str,
        classes: str | None = None,
        head: str = "",
        model_names: list[str] | None = None,
    ) -> metric_types.MetricComputations:
        """The metric's computations.

        Args:
            name: The metric's name.
            output: The model's output with the sums of the head's measures.
            label: The head's label, as JSON.
            classes: The model's output with the names of the classes.
            head: TFMA's name of the output; empty for the only head.
            model_names: Names of the models, from TFMA.
        """
        del name
        names = [_CURVE, _CALIBRATION]
        measured = MeasuresOf(label, classes, with_curve=True)
        return summed(output, _curves, names, model_names, measured, metric_types.PlotKey, output_name=head)


class ConfusionMatrix(SumsMetric):
    """The weight of each pair of true and predicted class."""

    @staticmethod
    def computations_of(
        name: str, outputs: str, targets: str, weights: str, head: str = "", model_names: list[str] | None = None
    ) -> metric_types.MetricComputations:
        """The metric's computations.

        Args:
            name: The metric's name.
            outputs: The model's output with the head's logits.
            targets: The model's output with its class indices.
            weights: The model's output with their weights; targets of weight zero are ignored.
            head: As in `ScoreCurves`.
            model_names: Names of the models, from TFMA.
        """
        del name
        computations = []
        for model_name in model_names or [""]:
            key = metric_types.PlotKey(name=_CONFUSION, model_name=model_name, output_name=head)
            preprocessor = metric_types.StandardMetricInputsPreprocessor(
                include_filter={constants.PREDICTIONS_KEY: {}}, include_default_inputs=False
            )
            combiner = _Confusion(key, model_name, outputs, targets, weights)
            computations.append(
                metric_types.MetricComputation(keys=[key], preprocessors=[preprocessor], combiner=combiner)
            )
        return computations


def _curves(total: np.ndarray, measures: Measures) -> dict[str, Any]:
    rows = curve_rows(total, measures)
    if not rows:
        return {}
    curve = metrics_for_slice_pb2.ConfusionMatrixAtThresholds()
    for threshold, tp, fp, tn, fn in rows:
        curve.matrices.add(
            threshold=threshold,
            false_positives=fp,
            true_positives=tp,
            true_negatives=tn,
            false_negatives=fn,
            precision=tp / (tp + fp) if tp + fp else 1.0,
            recall=tp / (tp + fn) if tp + fn else 0.0,
        )
    calibration = metrics_for_slice_pb2.CalibrationHistogramBuckets()
    ranges = calibration_rows(total, measures)
    for place, (weight, scores, labels) in enumerate(ranges):
        calibration.buckets.add(
            lower_threshold_inclusive=place / len(ranges),
            upper_threshold_exclusive=(place + 1) / len(ranges),
            num_weighted_examples={"value": weight},
            total_weighted_label={"value": labels},
            total_weighted_refined_prediction={"value": scores},
        )
    return {_CURVE: curve, _CALIBRATION: calibration}


class _Confusion(beam.CombineFn):
    """Weights by target and predicted class, for the pairs that occur."""

    def __init__(self, key: metric_types.PlotKey, model_name: str, outputs: str, targets: str, weights: str) -> None:
        self._key = key
        self._model_name = model_name
        self._outputs, self._targets, self._weights = outputs, targets, weights

    def create_accumulator(self) -> Confusion:
        return Counter()

    def add_input(self, accumulator: Any, element: metric_types.StandardMetricInputs) -> Any:
        found = element.get_predictions(self._model_name)
        count_confusion(accumulator, found[self._outputs], found[self._targets], found[self._weights])
        return accumulator

    def merge_accumulators(self, accumulators: Any) -> Any:
        merged: Confusion = Counter()
        for accumulator in accumulators:
            merged.update(accumulator)
        return merged

    def extract_output(self, accumulator: Any) -> dict[metric_types.PlotKey, Any]:
        if not accumulator:
            return {}
        plot = metrics_for_slice_pb2.MultiClassConfusionMatrixAtThresholds()
        matrix = plot.matrices.add(threshold=0.0)
        for (target, predicted), weight in sorted(accumulator.items()):
            matrix.entries.add(actual_class_id=target, predicted_class_id=predicted, num_weighted_examples=weight)
        return {self._key: plot}
