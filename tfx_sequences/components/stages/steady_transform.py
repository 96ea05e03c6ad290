"""TFX's Transform, with batches that contain the same records in every run, and with all bits of int64 values.

The stock component lets Beam choose its batch size from measured times, and `z_score` computes mean and variance as
float32 sums over batches. So on a busy machine their last bits differ from run to run, and with them every weight.
"""

from __future__ import annotations

from typing import Any

from tfx import types
from tfx.components.transform import component as transform_component
from tfx.components.transform import executor as transform_executor
from tfx.dsl.components.base import executor_spec

from tfx_sequences.components.stages.exact_integers import exact_integers
from tfx_sequences.components.stages.steady_reading import RECORDS_PER_BATCH
from tfx_sequences.components.stages.unfinished_writes import remove_unfinished_writes


class _Processor(transform_executor.TransformProcessor):
    def _GetDesiredBatchSize(self, *args: Any, **kwargs: Any) -> int:
        # TFX passes undecoded records one by one.
        return super()._GetDesiredBatchSize(*args, **kwargs) or RECORDS_PER_BATCH


class Executor(transform_executor.Executor):
    """TFX's executor, with batches of `RECORDS_PER_BATCH` records; the last batch of a split may be smaller."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Runs Transform."""
        stock = transform_executor.TransformProcessor
        # TFX creates its processor by this name, and does not accept another.
        transform_executor.TransformProcessor = _Processor
        try:
            with exact_integers():
                super().Do(input_dict, output_dict, exec_properties)
        finally:
            transform_executor.TransformProcessor = stock
        remove_unfinished_writes(output_dict)


class SteadyTransform(transform_component.Transform):
    """TFX's Transform component with this executor; it takes the arguments of `tfx.components.Transform`."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
