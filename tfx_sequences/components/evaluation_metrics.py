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

from tfx_sequences.components.measures import figures, score_buckets
from tfx_sequences.schemas.label import Label

# Behind a figure's name, and before that of the range of its steps.
AT_STEPS = " at steps "


class OutputSum(metric_types.Metric):
    """The sum over the records of one output `[B]`, such as their lengths.

    Args:
        name: The metric's name.
        output: The model's output.
        code_digest: As of `HeadFigure`.
    """

    def __init__(self, name: str, output: str, code_digest: str = "") -> None:
        super().__init__(_output_sum, name=name, output=output, code_digest=code_digest)


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
        super().__init__(_head_figure, name=name, figure=figure, output=output, label=label, code_digest=code_digest)


class StepFigures(metric_types.Metric):
    """All figures of a head of steps, by ranges of positions, called `FIGURE at steps RANGE`.

    Args:
        name: The metric's own name, which no figure has.
        figures: Names of the metrics by figure.
        output: What `evaluation_extractors` puts beside the model's outputs: the sums of each record, `[R, S]`.
        count: Name of the metric that counts the real steps.
        steps: How many real steps of each record are in each range, `[R]`.
        ranges: Names of the ranges, `R` of them.
        label: The head's label, as JSON.
        prefix: Of the head's outputs; read by the extractor.
        code_digest: As of `HeadFigure`.
    """

    def __init__(
        self,
        name: str,
        figures: dict[str, str],
        output: str,
        count: str,
        steps: str,
        ranges: list[str],
        label: str,
        prefix: str,
        code_digest: str = "",
    ) -> None:
        super().__init__(
            _step_figures,
            name=name,
            figures=figures,
            output=output,
            count=count,
            steps=steps,
            ranges=ranges,
            label=label,
            prefix=prefix,
            code_digest=code_digest,
        )


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


def _output_sum(
    name: str, output: str, code_digest: str = "", model_names: list[str] | None = None
) -> metric_types.MetricComputations:
    del code_digest
    return summed(output, lambda total: {name: float(total[0])}, [name], model_names)


def _head_figure(
    name: str,
    figure: str,
    output: str,
    label: str,
    code_digest: str = "",
    model_names: list[str] | None = None,
) -> metric_types.MetricComputations:
    del code_digest
    parsed = Label.model_validate_json(label)

    def found(total: np.ndarray) -> dict[str, float]:
        values = figures(parsed, total)
        # Of one kind of targets alone there is no curve.
        curve = score_buckets(total) if figure == "auc" else None
        measured = figure in values and (curve is None or all(np.sum(side) > 0 for side in curve))
        # No series that has changed has no MASE.
        measured = measured and not (figure == "mase" and np.isnan(values[figure]) and np.isfinite(values["smape"]))
        return {name: float(values[figure])} if measured else {}

    return summed(output, found, [name], model_names)


def _step_figures(
    name: str,
    figures: dict[str, str],
    output: str,
    count: str,
    steps: str,
    ranges: list[str],
    label: str,
    prefix: str,
    code_digest: str = "",
    model_names: list[str] | None = None,
) -> metric_types.MetricComputations:
    del code_digest, prefix, name
    parsed = Label.model_validate_json(label)
    at = {figure: [f"{metric}{AT_STEPS}{there}" for there in ranges] for figure, metric in figures.items()}
    counted = [f"{count}{AT_STEPS}{there}" for there in ranges]
    return [
        *summed(
            output,
            lambda total: _by_range(parsed, total, at),
            [name for its in at.values() for name in its],
            model_names,
        ),
        *summed(steps, lambda total: dict(zip(counted, map(float, total), strict=True)), counted, model_names),
    ]


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
