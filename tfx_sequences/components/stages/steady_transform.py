"""TFX's Transform, in batches of records that are the same in every run.

The stock component lets Beam tune the size of its batches by the clock, and mean and variance of `z_score` are float32
sums over batches: on a busy machine they differ in their last bits from run to run, and with them every weight.
"""

from __future__ import annotations

from typing import Any

from tfx.components.transform import component as transform_component
from tfx.components.transform import executor as transform_executor
from tfx.dsl.components.base import executor_spec

RECORDS_PER_BATCH = 256


class _Processor(transform_executor.TransformProcessor):
    def _GetDesiredBatchSize(self, *args: Any, **kwargs: Any) -> int:
        # Records that TFX hands over undecoded come one by one.
        return super()._GetDesiredBatchSize(*args, **kwargs) or RECORDS_PER_BATCH


class Executor(transform_executor.Executor):
    """TFX's executor, in batches of `RECORDS_PER_BATCH` records; the last one of a split is smaller."""

    def Do(self, *args: Any, **kwargs: Any) -> None:
        """Runs Transform."""
        stock = transform_executor.TransformProcessor
        # TFX makes its processor by this name, and cannot be given another.
        transform_executor.TransformProcessor = _Processor
        try:
            super().Do(*args, **kwargs)
        finally:
            transform_executor.TransformProcessor = stock


class SteadyTransform(transform_component.Transform):
    """TFX's Transform component, with that executor; its arguments are those of `tfx.components.Transform`."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
