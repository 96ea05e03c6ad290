"""TFX's Transform, with batches that contain the same records in every run, and with all bits of int64 values.

The stock component lets Beam choose its batch size from measured times, and `z_score` computes mean and variance as
float32 sums over batches. So on a busy machine their last bits differ from run to run, and with them every weight.
"""

from __future__ import annotations

from typing import Any

from tfx.components.transform import component as transform_component
from tfx.components.transform import executor as transform_executor
from tfx.dsl.components.base import executor_spec

from tfx_sequences.components.stages.exact_integers import exact_integers
from tfx_sequences.components.stages.steady_reading import RECORDS_PER_BATCH


class _Processor(transform_executor.TransformProcessor):
    def _GetDesiredBatchSize(self, *args: Any, **kwargs: Any) -> int:
        # TFX passes undecoded records one by one.
        return super()._GetDesiredBatchSize(*args, **kwargs) or RECORDS_PER_BATCH


class Executor(transform_executor.Executor):
    """TFX's executor, with batches of `RECORDS_PER_BATCH` records; the last batch of a split may be smaller."""

    def Do(self, *args: Any, **kwargs: Any) -> None:
        """Runs Transform."""
        stock = transform_executor.TransformProcessor
        # TFX creates its processor by this name, and does not accept another.
        transform_executor.TransformProcessor = _Processor
        try:
            with exact_integers():
                super().Do(*args, **kwargs)
        finally:
            transform_executor.TransformProcessor = stock


class SteadyTransform(transform_component.Transform):
    """TFX's Transform component with this executor; it takes the arguments of `tfx.components.Transform`."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
