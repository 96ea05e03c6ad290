"""Reads the Evaluator's results as plain data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import tensorflow_model_analysis as tfma
from google.protobuf import json_format
from tensorflow_model_analysis import constants

from tfx_sequences.components.evaluation.extractors import LENGTH_SLICE
from tfx_sequences.components.evaluation.metrics import AT_STEPS
from tfx_sequences.components.evaluation.names import LENGTH, WHOLE, slice_name, slice_order


def read_figures(directory: str, classes: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The metrics of an evaluation.

    Args:
        directory: The Evaluator's output `evaluation`.
        classes: Names of the classes by TFMA's name of the head, which is empty for a single head.

    Returns:
        `slices`: metrics by slice and name; the slice of all records is `all`. `step_ranges`: metrics of per-step
        labels by slice and range of step positions. `baseline`: metrics of the last blessed model by
        slice, empty without one. `plots`: by slice and head, `confusion` (rows `[class, predicted class,
        weight]`), `curve` (by threshold) and `calibration` (by range of scores).
    """
    found: dict[str, Any] = {"slices": {}, "step_ranges": {}, "baseline": {}, "plots": {}}
    for of_slice in _in_order(tfma.load_metrics(directory)):
        name = _slice_name(of_slice.slice_key)
        for item in of_slice.metric_keys_and_values:
            # Skip the difference of candidate and baseline: it has the names of both, and can be computed by
            # subtraction.
            if item.value.WhichOneof("type") != "double_value" or item.key.is_diff:
                continue
            metric, _, steps = item.key.name.partition(AT_STEPS)
            value = item.value.double_value.value
            if item.key.model_name == constants.BASELINE_KEY:
                if not steps:
                    found["baseline"].setdefault(name, {})[metric] = value
            elif steps:
                found["step_ranges"].setdefault(name, {}).setdefault(steps, {})[metric] = value
            else:
                found["slices"].setdefault(name, {})[metric] = value
    for of_slice in _in_order(tfma.load_plots(directory)):
        name = _slice_name(of_slice.slice_key)
        for item in of_slice.plot_keys_and_values:
            if item.key.model_name != constants.BASELINE_KEY:
                head = item.key.output_name
                plots = found["plots"].setdefault(name, {}).setdefault(head, {})
                plots |= _plots(json_format.MessageToDict(item.value), classes.get(head, ()))
    return found


def _in_order(results: Iterable[Any]) -> list[Any]:
    """Sorts by slice, with numbers by size; TFMA returns them in any order."""
    return sorted(results, key=lambda result: slice_order(_slice_name(result.slice_key)))


def _slice_name(key: Any) -> str:
    """`all`, or `FEATURE=VALUE` of each feature, separated by commas."""
    parts = []
    for single in key.single_slice_keys:
        value = getattr(single, single.WhichOneof("kind"))
        parts.append(slice_name(LENGTH if single.column == LENGTH_SLICE else single.column, value))
    return ", ".join(parts) or WHOLE


def _plots(data: Mapping[str, Any], classes: Sequence[str]) -> dict[str, Any]:
    plots: dict[str, Any] = {}
    if confusion := data.get("multiClassConfusionMatrixAtThresholds"):
        plots["confusion"] = [
            [*(classes[entry.get(of, 0)] for of in ("actualClassId", "predictedClassId")), entry["numWeightedExamples"]]
            for entry in confusion["matrices"][0]["entries"]
        ]
    if curve := data.get("confusionMatrixAtThresholds"):
        names = ("threshold", "truePositives", "falsePositives", "trueNegatives", "falseNegatives")
        plots["curve"] = [[matrix.get(name, 0.0) for name in names] for matrix in curve["matrices"]]
    if calibration := data.get("calibrationHistogramBuckets"):
        sums = ("numWeightedExamples", "totalWeightedRefinedPrediction", "totalWeightedLabel")
        plots["calibration"] = [[float(bucket.get(name, 0.0)) for name in sums] for bucket in calibration["buckets"]]
    return plots
