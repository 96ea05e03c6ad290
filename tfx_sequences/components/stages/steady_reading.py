"""How the stages of TFX read records here: in batches that contain the same records in every run, with all bits.

By default Beam chooses the batch size from measured times. A model's outputs for a record differ in their last bits
from batch to batch, because the kernels add in another order, and so do the Evaluator's figures. And tfx_bsl cuts
int64 values of feature lists to 32 bits; see `exact_integers`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from tfx.components.evaluator import component as evaluator_component
from tfx.components.evaluator import executor as evaluator_executor
from tfx.components.statistics_gen import component as statistics_component
from tfx.components.statistics_gen import executor as statistics_executor
from tfx.dsl.components.base import executor_spec
from tfx_bsl.tfxio.record_based_tfxio import RecordBasedTFXIO

from tfx_sequences.components.stages.exact_integers import exact_integers

RECORDS_PER_BATCH = 256


@contextlib.contextmanager
def steady_reading() -> Iterator[None]:
    """Within it, pipelines are built that read `RECORDS_PER_BATCH` records at a time, with exact integers.

    The last batch of a file, or of the part of a file that one bundle reads, may be smaller.
    """
    stock = RecordBasedTFXIO.BeamSource

    def source(self: Any, batch_size: int | None = None) -> Any:
        return stock(self, batch_size or RECORDS_PER_BATCH)

    RecordBasedTFXIO.BeamSource = source
    try:
        with exact_integers():
            yield
    finally:
        RecordBasedTFXIO.BeamSource = stock


class StatisticsExecutor(statistics_executor.Executor):
    """TFX's executor of StatisticsGen with `steady_reading`."""

    def Do(self, *args: Any, **kwargs: Any) -> None:
        """Computes the statistics."""
        with steady_reading():
            super().Do(*args, **kwargs)


class EvaluatorExecutor(evaluator_executor.Executor):
    """TFX's executor of the Evaluator with `steady_reading`."""

    def Do(self, *args: Any, **kwargs: Any) -> None:
        """Evaluates the model."""
        with steady_reading():
            super().Do(*args, **kwargs)


class SteadyStatisticsGen(statistics_component.StatisticsGen):
    """TFX's StatisticsGen with `StatisticsExecutor`; it takes the arguments of `tfx.components.StatisticsGen`."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(StatisticsExecutor)


class SteadyEvaluator(evaluator_component.Evaluator):
    """TFX's Evaluator with `EvaluatorExecutor`; it takes the arguments of `tfx.components.Evaluator`."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(EvaluatorExecutor)
