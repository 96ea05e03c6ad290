"""Analyzes numbers in Transform's single pass: means and quantiles for normalizers, and the choice of a normalizer.

There is one analyzer for all features, because each TFT analyzer is a separate stage in Beam. The choices and their
reasons are a constant of the transform graph, where `read_choices` finds them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfx_sequences.components.numbers.choice import CHOICES, choose_normalizer
from tfx_sequences.components.numbers.chosen import report_text
from tfx_sequences.components.numbers.quantile_sketch import QuantileSketch
from tfx_sequences.components.numbers.split_normalizers import PARAMETERS, SplitNumbers
from tfx_sequences.components.numbers.statistics import NumberStatistics
from tfx_sequences.components.transform.statistics_engine import StatisticsEngine


@dataclasses.dataclass(frozen=True)
class NumberRequest:
    """The statistics requested for one feature.

    Attributes:
        name: The feature's transformed name.
        elements: Number of elements per step (per record for context), `E`.
        of_steps: Whether the values belong to steps, so that the number of steps of each record is another input.
        quantiles: Number of parts into which quantiles divide the values; 0 for no quantiles.
        chooses: Whether to choose the normalizer.
        per_record: Whether a per-record normalizer can be chosen.
    """

    name: str
    elements: int
    of_steps: bool
    quantiles: int = 0
    chooses: bool = False
    per_record: bool = False


def analyze_numbers(
    engine: StatisticsEngine,
    requests: Sequence[NumberRequest],
    values: Sequence[tf.Tensor],
    lengths: Sequence[tf.Tensor],
) -> dict[str, SplitNumbers]:
    """In a `preprocessing_fn`: the statistics of each feature in the analyzed split, by name.

    Args:
        engine: Answers the requests.
        requests: One request per feature.
        values: Values of each feature, `[N, E]` float64, NaN for missing ones.
        lengths: For each sequence feature, int64 `[B]`: steps of each record, `N` in total.
    """
    if not requests:
        return {}
    with_quantiles = [request for request in requests if request.quantiles]
    choices, report, *found = engine.combined([*values, *lengths], CombineNumbers(tuple(requests)), "numbers")
    # The graph would omit a tensor that no output depends on.
    with tf.control_dependencies([tf.identity(report)]):
        choices = tf.identity(choices)
    quantiles = dict(zip((r.name for r in with_quantiles), found[len(requests) :], strict=True))
    return {
        request.name: SplitNumbers(parameters, quantiles.get(request.name), choices[at] if request.chooses else None)
        for at, (request, parameters) in enumerate(zip(requests, found, strict=False))
    }


class CombineNumbers:
    """Combines batches of arrays (`values`, then `lengths`): choices, report, parameters and quantiles.

    Args:
        requests: One request per feature.
    """

    def __init__(self, requests: tuple[NumberRequest, ...]) -> None:
        self._requests = requests
        self.output_shapes: list[Sequence[int | None]] = [
            [len(requests)],
            [],
            *([r.elements, len(PARAMETERS)] for r in requests),
            *([r.elements, r.quantiles + 1] for r in requests if r.quantiles),
        ]
        self.output_dtypes = [tf.int64, tf.string, *[tf.float64] * (len(self.output_shapes) - 2)]

    def create_accumulator(self) -> list[tuple[NumberStatistics, QuantileSketch]]:
        """Statistics and sketch of each feature, without values."""
        return [
            (
                NumberStatistics.of(np.zeros((0, r.elements)), np.zeros(0, np.int64) if r.of_steps else None),
                QuantileSketch(r.elements),
            )
            for r in self._requests
        ]

    def add_input(self, accumulator: Any, batch: Sequence[np.ndarray]) -> Any:
        """Adds the values of one batch."""
        lengths = iter(batch[len(self._requests) :])
        added = []
        for request, values, (statistics, sketch) in zip(self._requests, batch, accumulator, strict=False):
            of_batch = NumberStatistics.of(values, next(lengths) if request.of_steps else None)
            if request.quantiles:
                sketch.add(values)
            added.append((statistics.merged(of_batch), sketch))
        return added

    def merge_accumulators(self, accumulators: Iterable[Any]) -> Any:
        """Merges parts, in their order."""
        merged = self.create_accumulator()
        for accumulator in accumulators:
            for at, (statistics, sketch) in enumerate(accumulator):
                ours, our_sketch = merged[at]
                our_sketch.merge(sketch)
                merged[at] = ours.merged(statistics), our_sketch
        return merged

    def extract_output(self, accumulator: Any) -> list[Any]:
        """The choices, the report about them, then parameters and quantiles of each feature."""
        choices, report, parameters, quantiles = np.zeros(len(self._requests), np.int64), {}, [], []
        for at, (request, (statistics, sketch)) in enumerate(zip(self._requests, accumulator, strict=True)):
            parameters.append(_parameters(statistics))
            if request.quantiles:
                quantiles.append(sketch.quantiles(request.quantiles))
            if request.chooses:
                choice = choose_normalizer(statistics, per_record=request.per_record)
                choices[at] = CHOICES.index(choice.normalizer)
                report[request.name] = choice.report()
        return [choices, np.array(report_text(report).encode(), object), *parameters, *quantiles]


def _parameters(statistics: NumberStatistics) -> np.ndarray:
    """The parameters `[E, 6]`, see `PARAMETERS`."""
    plain, logs, scales = statistics.moments, statistics.log_moments, statistics.scales
    of_records = [np.zeros_like(plain.mean)] * 2 if scales is None else [scales.log_mean, scales.log_std]
    return np.stack([plain.mean, plain.std, logs.mean, logs.std, *of_records], axis=1)
