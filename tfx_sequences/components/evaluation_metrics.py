"""TFMA metrics of what the exported model sums up itself: by record, with the code that training measures by.

So each real step counts exactly once, in any slice, whatever batches TFMA makes.
"""

from __future__ import annotations

from typing import Any

import apache_beam as beam
import numpy as np
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.metrics import metric_types

from tfx_sequences.components.measures import figures
from tfx_sequences.schemas.label import Label


class HeadFigure(metric_types.Metric):
    """One figure of one head.

    Args:
        name: The metric's name.
        figure: Name of the figure, of those that `HeadMeasures` describes. A split (or head) that does not
            have it, as `span_f1` without IOB tags, has no such metric.
        output: The model's output that holds the sums of each record.
        label: The head's label, as JSON.
        code_digest: Of the code behind the figure, so that a new one is computed where that changed.
    """

    def __init__(self, name: str, figure: str, output: str, label: str, code_digest: str = "") -> None:
        super().__init__(_computations, name=name, figure=figure, output=output, label=label, code_digest=code_digest)


def _computations(
    name: str,
    figure: str,
    output: str,
    label: str,
    code_digest: str = "",
    model_names: list[str] | None = None,
    example_weighted: bool = False,
) -> metric_types.MetricComputations:
    del code_digest, example_weighted  # the sums are weighted already
    key = metric_types.MetricKey(name=name, model_name=(model_names or [""])[0])
    preprocessor = metric_types.StandardMetricInputsPreprocessor(
        include_filter={constants.PREDICTIONS_KEY: {}}, include_default_inputs=False
    )
    combiner = _SumOverRecords(key, figure, output, Label.model_validate_json(label))
    return [metric_types.MetricComputation(keys=[key], preprocessors=[preprocessor], combiner=combiner)]


class _SumOverRecords(beam.CombineFn):
    def __init__(self, key: metric_types.MetricKey, figure: str, output: str, label: Label) -> None:
        self._key = key
        self._figure = figure
        self._output = output
        self._label = label

    def create_accumulator(self) -> Any:
        return np.zeros(1)

    def add_input(self, accumulator: Any, element: metric_types.StandardMetricInputs) -> Any:
        return accumulator + np.asarray(element.prediction[self._output], np.float64)

    def merge_accumulators(self, accumulators: Any) -> Any:
        return sum(accumulators, self.create_accumulator())

    def extract_output(self, accumulator: Any) -> dict[metric_types.MetricKey, float]:
        found = figures(self._label, accumulator) if len(accumulator) > 1 else {}
        return {self._key: float(found[self._figure])} if self._figure in found else {}
