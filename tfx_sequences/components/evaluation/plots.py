"""TFMA plots of a head's scores and classes, from the exported model's own outputs; each real step counts once."""

from __future__ import annotations

from collections import Counter
from typing import Any

import apache_beam as beam
import numpy as np
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.proto import metrics_for_slice_pb2

from tfx_sequences.components.evaluation.metrics import MeasuresOf, SumsMetric, summed
from tfx_sequences.components.kinds.measures import Measures
from tfx_sequences.components.kinds.score_buckets import ScoreBuckets, by_presence

# TFMA groups plots with these names, and does not show others of their type.
_CURVE, _CALIBRATION, _CONFUSION = "confusion_matrix_plot", "calibration_plot", "multi_class_confusion_matrix_plot"
MOST_CLASSES = 200
"""Maximum number of classes for a confusion matrix."""
_CALIBRATION_BUCKETS = 10
_CURVE_POINTS = 100


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
    buckets = measures.part_of(ScoreBuckets, total)
    if buckets is None or not np.sum(buckets):
        return {}
    negative, positive = (np.asarray(b, np.float64) for b in by_presence(buckets))
    edges = len(negative) // _CURVE_POINTS
    curve = metrics_for_slice_pb2.ConfusionMatrixAtThresholds()
    for point in range(_CURVE_POINTS + 1):
        at = point * edges
        fp, tp, tn, fn = negative[at:].sum(), positive[at:].sum(), negative[:at].sum(), positive[:at].sum()
        curve.matrices.add(
            threshold=point / _CURVE_POINTS,
            false_positives=fp,
            true_positives=tp,
            true_negatives=tn,
            false_negatives=fn,
            precision=tp / (tp + fp) if tp + fp else 1.0,
            recall=tp / (tp + fn) if tp + fn else 0.0,
        )
    calibration = metrics_for_slice_pb2.CalibrationHistogramBuckets()
    middles = (np.arange(len(negative)) + 0.5) / len(negative)
    for its in np.array_split(np.arange(len(negative)), _CALIBRATION_BUCKETS):
        weight = negative[its] + positive[its]
        calibration.buckets.add(
            lower_threshold_inclusive=its[0] / len(negative),
            upper_threshold_exclusive=(its[-1] + 1) / len(negative),
            num_weighted_examples={"value": weight.sum()},
            total_weighted_label={"value": positive[its].sum()},
            total_weighted_refined_prediction={"value": (weight * middles[its]).sum()},
        )
    return {_CURVE: curve, _CALIBRATION: calibration}


class _Confusion(beam.CombineFn):
    """Weights by target and predicted class, for the pairs that occur."""

    def __init__(self, key: metric_types.PlotKey, model_name: str, outputs: str, targets: str, weights: str) -> None:
        self._key = key
        self._model_name = model_name
        self._outputs, self._targets, self._weights = outputs, targets, weights

    def create_accumulator(self) -> Counter[tuple[int, int]]:
        return Counter()

    def add_input(self, accumulator: Any, element: metric_types.StandardMetricInputs) -> Any:
        found = element.get_predictions(self._model_name)
        logits = np.asarray(found[self._outputs])
        if logits.shape[-1] > MOST_CLASSES:
            return accumulator
        its = (found[self._targets], logits.argmax(axis=-1), found[self._weights])
        for target, predicted, weight in zip(*(np.ravel(x).tolist() for x in its), strict=True):
            if weight > 0:
                accumulator[target, predicted] += weight
        return accumulator

    def merge_accumulators(self, accumulators: Any) -> Any:
        merged: Counter[tuple[int, int]] = Counter()
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
