"""TFMA metrics from sums that the exported model computes per record, with the same code as in training.

So each real step counts exactly once, in any slice, however TFMA batches the records.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import apache_beam as beam
import numpy as np
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.metrics import metric_types

from tfx_sequences.components.evaluation.record_sums import MeasuresOf, figures_by_range
from tfx_sequences.components.kinds.measures import Measures

# Separates a metric's name from the name of the range of steps.
AT_STEPS = " at steps "


class SumsMetric(metric_types.Metric):
    """A metric that is defined by its `computations_of`, whose parameters are those of the metric.

    Args:
        code_digest: Digest of the code. It is part of the Evaluator's configuration, so that metrics are computed
            again when the code changes.
        **parameters: Parameters of `computations_of`.
    """

    computations_of: Callable[..., metric_types.MetricComputations]

    def __init__(self, code_digest: str = "", **parameters: Any) -> None:
        del code_digest
        super().__init__(self.computations_of, **parameters)


class OutputSum(SumsMetric):
    """The sum over the records of one output `[B]`, such as their lengths."""

    @staticmethod
    def computations_of(
        name: str, output: str, model_names: list[str] | None = None
    ) -> metric_types.MetricComputations:
        """The metric's computations.

        Args:
            name: The metric's name.
            output: The model's output.
            model_names: Names of the models, from TFMA.
        """
        return summed(output, lambda total, _: {name: float(total[0])}, [name], model_names)


class HeadFigure(SumsMetric):
    """One metric of one head."""

    @staticmethod
    def computations_of(
        name: str,
        figure: str,
        output: str,
        label: str,
        classes: str | None = None,
        model_names: list[str] | None = None,
    ) -> metric_types.MetricComputations:
        """The metric's computations.

        Args:
            name: The metric's name.
            figure: Name of a metric of the label's kind. If a split (or head) does not define it, such as
                `span_f1` without IOB tags, the metric is omitted.
            output: The model's output with the sums of each record.
            label: The head's label, as JSON.
            classes: The model's output with the names of the classes; None for numbers.
            model_names: Names of the models, from TFMA.
        """

        def found(total: np.ndarray, measures: Measures) -> dict[str, float]:
            values = measures.measured(total)
            return {name: values[figure]} if figure in values else {}

        measured = MeasuresOf(label, classes, with_curve=True)
        return summed(output, found, [name], model_names, measured=measured)


class StepFigures(SumsMetric):
    """All metrics of a per-step head, by ranges of positions, named `FIGURE at steps RANGE`."""

    @staticmethod
    def computations_of(
        name: str,
        figures: dict[str, str],
        output: str,
        count: str,
        steps: str,
        ranges: list[str],
        label: str,
        prefix: str,
        classes: str | None = None,
        model_names: list[str] | None = None,
    ) -> metric_types.MetricComputations:
        """The metric's computations.

        Args:
            name: The metric's own name, which does not occur in the results.
            figures: Names of the metrics in the Evaluator, by metric.
            output: The sums of each record `[R, S]` that `extractors` adds to the model's outputs.
            count: Name of the metric that counts the real steps.
            steps: Number of real steps of each record in each range, `[R]`.
            ranges: Names of the ranges, `R` of them.
            label: The head's label, as JSON.
            prefix: Prefix of the head's outputs; read by the extractor.
            classes: The model's output with the names of the classes; None for numbers.
            model_names: Names of the models, from TFMA.
        """
        del prefix, name
        at = {figure: [f"{metric}{AT_STEPS}{there}" for there in ranges] for figure, metric in figures.items()}
        names = [name for its in at.values() for name in its]
        counted = [f"{count}{AT_STEPS}{there}" for there in ranges]
        return [
            *summed(
                output,
                lambda total, measures: _by_range(measures, total, at),
                names,
                model_names,
                measured=MeasuresOf(label, classes),
            ),
            *summed(steps, lambda total, _: dict(zip(counted, map(float, total), strict=True)), counted, model_names),
        ]


def summed(
    output: str,
    found: Callable[[np.ndarray, Any], dict[str, Any]],
    names: list[str],
    model_names: list[str] | None,
    measured: MeasuresOf | None = None,
    make_key: Callable[..., metric_types.MetricKey] = metric_types.MetricKey,
    **key: str,
) -> metric_types.MetricComputations:
    """The computations of metrics or plots from the sum of an output over the records, one for each model.

    Args:
        output: The output.
        found: Maps the sum, and the measures that computed it, to values by name; undefined ones are missing.
        names: Names of all values.
        model_names: Names of the models, from TFMA.
        measured: Creates these measures; None for plain outputs.
        make_key: `PlotKey` for plots.
        **key: More fields of each key.
    """
    computations = []
    for model_name in model_names or [""]:
        keys = {name: make_key(name=name, model_name=model_name, **key) for name in names}
        preprocessor = metric_types.StandardMetricInputsPreprocessor(
            include_filter={constants.PREDICTIONS_KEY: {}}, include_default_inputs=False
        )
        combiner = _SumOverRecords(output, model_name, found, keys, measured)
        computations.append(
            metric_types.MetricComputation(keys=[*keys.values()], preprocessors=[preprocessor], combiner=combiner)
        )
    return computations


def _by_range(measures: Measures, total: np.ndarray, names: dict[str, list[str]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for position, values in enumerate(figures_by_range(measures, total)):
        found |= {its[position]: values[figure] for figure, its in names.items() if figure in values}
    return found


class _SumOverRecords(beam.CombineFn):
    def __init__(
        self,
        output: str,
        model_name: str,
        found: Callable[[np.ndarray, Any], dict[str, Any]],
        keys: dict[str, metric_types.MetricKey],
        measured: MeasuresOf | None,
    ) -> None:
        self._output = output
        self._model_name = model_name
        self._found = found
        self._keys = keys
        self._measured = measured

    def create_accumulator(self) -> Any:
        return None

    def add_input(self, accumulator: Any, element: metric_types.StandardMetricInputs) -> Any:
        predictions = element.get_predictions(self._model_name)
        values = np.atleast_1d(predictions[self._output]).astype(np.float64)
        if accumulator is None:
            return values, self._measured(predictions) if self._measured else None
        total, measures = accumulator
        return total + values, measures

    def merge_accumulators(self, accumulators: Any) -> Any:
        there = [a for a in accumulators if a is not None]
        return (sum(total for total, _ in there), there[0][1]) if there else None

    def extract_output(self, accumulator: Any) -> dict[metric_types.MetricKey, Any]:
        found = {} if accumulator is None else self._found(*accumulator)
        return {self._keys[name]: value for name, value in found.items()}
