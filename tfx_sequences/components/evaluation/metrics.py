"""TFMA metrics of what the exported model sums up itself: by record, with the code that training measures by.

So each real step counts exactly once, in any slice, whatever batches TFMA makes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import apache_beam as beam
import numpy as np
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.metrics import metric_types

from tfx_sequences.components.network.measures import figures, score_buckets
from tfx_sequences.schemas.spec.label import Label

# Behind a figure's name, and before that of the range of its steps.
AT_STEPS = " at steps "


class SumsMetric(metric_types.Metric):
    """A metric whose `computations_of` says how it is made, and so what its parameters are.

    Args:
        code_digest: Of the code behind it. It stands in the Evaluator's configuration, so that figures are computed
            anew where that changed.
        **parameters: Of `computations_of`.
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
        """Its computations.

        Args:
            name: The metric's name.
            output: The model's output.
            model_names: As TFMA gives them.
        """
        return summed(output, lambda total: {name: float(total[0])}, [name], model_names)


class HeadFigure(SumsMetric):
    """One figure of one head."""

    @staticmethod
    def computations_of(
        name: str, figure: str, output: str, label: str, model_names: list[str] | None = None
    ) -> metric_types.MetricComputations:
        """Its computations.

        Args:
            name: The metric's name.
            figure: Name of the figure, of those that `HeadMeasures` describes. A split (or head) that does not
                have it, as `span_f1` without IOB tags, has no such metric.
            output: The model's output that holds the sums of each record.
            label: The head's label, as JSON.
            model_names: As TFMA gives them.
        """
        parsed = Label.model_validate_json(label)

        def found(total: np.ndarray) -> dict[str, float]:
            values = figures(parsed, total)
            # Of one kind of targets alone there is no curve.
            curve = score_buckets(total) if figure == "auc" else None
            # What weighs nothing has no mean.
            measured = figure in values and total[0] > 0 and (curve is None or all(np.sum(side) > 0 for side in curve))
            # No series that has changed has no MASE.
            measured = measured and not (figure == "mase" and np.isnan(values[figure]) and np.isfinite(values["smape"]))
            return {name: float(values[figure])} if measured else {}

        return summed(output, found, [name], model_names)


class StepFigures(SumsMetric):
    """All figures of a head of steps, by ranges of positions, called `FIGURE at steps RANGE`."""

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
        model_names: list[str] | None = None,
    ) -> metric_types.MetricComputations:
        """Its computations.

        Args:
            name: The metric's own name, which no figure has.
            figures: Names of the metrics by figure.
            output: What `evaluation_extractors` puts beside the model's outputs: the sums of each record, `[R, S]`.
            count: Name of the metric that counts the real steps.
            steps: How many real steps of each record are in each range, `[R]`.
            ranges: Names of the ranges, `R` of them.
            label: The head's label, as JSON.
            prefix: Of the head's outputs; read by the extractor.
            model_names: As TFMA gives them.
        """
        del prefix, name
        parsed = Label.model_validate_json(label)
        at = {figure: [f"{metric}{AT_STEPS}{there}" for there in ranges] for figure, metric in figures.items()}
        names = [name for its in at.values() for name in its]
        counted = [f"{count}{AT_STEPS}{there}" for there in ranges]
        return [
            *summed(output, lambda total: _by_range(parsed, total, at), names, model_names),
            *summed(steps, lambda total: dict(zip(counted, map(float, total), strict=True)), counted, model_names),
        ]


def summed(
    output: str,
    found: Callable[[np.ndarray], dict[str, Any]],
    names: list[str],
    model_names: list[str] | None,
    make_key: Callable[..., metric_types.MetricKey] = metric_types.MetricKey,
    **key: str,
) -> metric_types.MetricComputations:
    """For each model the computation of metrics, or plots, from the sum of an output over the records.

    Args:
        output: The output.
        found: From its sum to the values by name; one that is missing is not there.
        names: All names of these.
        model_names: As TFMA gives them.
        make_key: `PlotKey` for plots.
        **key: More of the key of each.
    """
    computations = []
    for model_name in model_names or [""]:
        keys = {name: make_key(name=name, model_name=model_name, **key) for name in names}
        preprocessor = metric_types.StandardMetricInputsPreprocessor(
            include_filter={constants.PREDICTIONS_KEY: {}}, include_default_inputs=False
        )
        combiner = _SumOverRecords(output, model_name, found, keys)
        computations.append(
            metric_types.MetricComputation(keys=[*keys.values()], preprocessors=[preprocessor], combiner=combiner)
        )
    return computations


def _by_range(label: Label, total: np.ndarray, names: dict[str, list[str]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for position, sums in enumerate(total):
        # What weighs nothing has no mean.
        values = figures(label, sums) if sums[0] > 0 else {}
        found |= {its[position]: float(values[figure]) for figure, its in names.items() if figure in values}
    return found


class _SumOverRecords(beam.CombineFn):
    def __init__(
        self,
        output: str,
        model_name: str,
        found: Callable[[np.ndarray], dict[str, Any]],
        keys: dict[str, metric_types.MetricKey],
    ) -> None:
        self._output = output
        self._model_name = model_name
        self._found = found
        self._keys = keys

    def create_accumulator(self) -> Any:
        return None

    def add_input(self, accumulator: Any, element: metric_types.StandardMetricInputs) -> Any:
        values = np.atleast_1d(element.get_predictions(self._model_name)[self._output]).astype(np.float64)
        return values if accumulator is None else accumulator + values

    def merge_accumulators(self, accumulators: Any) -> Any:
        there = [a for a in accumulators if a is not None]
        return sum(there) if there else None

    def extract_output(self, accumulator: Any) -> dict[metric_types.MetricKey, Any]:
        found = {} if accumulator is None else self._found(accumulator)
        return {self._keys[name]: value for name, value in found.items()}
