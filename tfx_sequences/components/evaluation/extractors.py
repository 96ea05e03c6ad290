"""Adds to each record's extracts, for the Evaluator: the range of its length, and sums by step position.

The Evaluator imports this module by its name; see `custom_extractors` of TFX's Evaluator. Ranges are
not part of the model, so a change of them does not retrain it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.extractors import extractor, unbatch_extractor

from tfx_sequences.components.evaluation.baseline_check import check_baseline
from tfx_sequences.components.evaluation.metrics import StepFigures
from tfx_sequences.components.evaluation.record_sums import MeasuresOf, length_ranges_of, step_sums
from tfx_sequences.schemas.spec.length_ranges import range_of_name

LENGTH_SLICE = "length in steps"
"""The feature that TFMA uses for slices by length."""
STEP_SUMS, STEP_COUNTS = "step_sums", "step_counts"
"""After a head's prefix: sums of its measures `[B, R, S]`, and real steps `[B, R]`, by range of positions."""


def custom_extractors(
    eval_shared_model: Any, eval_config: tfma.EvalConfig, tensor_adapter_config: Any
) -> list[extractor.Extractor]:
    """TFMA's own extractors, with ours inserted before batches are split.

    Raises:
        UserInputError: The baseline cannot be compared with; see `check_baseline`.
    """
    check_baseline(eval_shared_model if isinstance(eval_shared_model, list) else [eval_shared_model])
    theirs = tfma.default_extractors(
        eval_shared_model=eval_shared_model, eval_config=eval_config, tensor_adapter_config=tensor_adapter_config
    )
    at = [e.stage_name for e in theirs].index(unbatch_extractor.UNBATCH_EXTRACTOR_STAGE_NAME)
    ours = extractor.Extractor(stage_name="ExtractSteps", ptransform=beam.ParDo(_ExtractSteps(eval_config)))
    return [*theirs[:at], ours, *theirs[at:]]


@beam.typehints.with_input_types(tfma.types.Extracts)
@beam.typehints.with_output_types(tfma.types.Extracts)
class _ExtractSteps(beam.DoFn):
    """Adds the data for length slices and `StepFigures` to a batch of extracts, according to the configuration."""

    def __init__(self, eval_config: tfma.EvalConfig) -> None:
        self._models = [spec.name for spec in eval_config.model_specs] if len(eval_config.model_specs) > 1 else []
        values = [dict(spec.feature_values).get(LENGTH_SLICE) for spec in eval_config.slicing_specs]
        self._lengths = [range_of_name(name) for name in values if name is not None]
        configs = [
            m.config
            for specs in eval_config.metrics_specs
            for m in specs.metrics
            if m.class_name == StepFigures.__name__
        ]
        self._heads = [json.loads(config) for config in configs]

    def process(self, batch: tfma.types.Extracts) -> Sequence[tfma.types.Extracts]:
        """Returns a copy of the batch with more keys."""
        extracts = dict(batch)
        predictions = extracts[constants.PREDICTIONS_KEY]
        if self._models:
            predictions = {name: self._with_step_sums(predictions[name]) for name in self._models}
            of_candidate = predictions[self._models[0]]
        else:
            predictions = of_candidate = self._with_step_sums(predictions)
        extracts[constants.PREDICTIONS_KEY] = predictions
        if self._lengths:
            names = length_ranges_of(of_candidate, self._lengths)
            features = {**extracts[constants.FEATURES_KEY], LENGTH_SLICE: np.array(names, object)[:, None]}
            extracts[constants.FEATURES_KEY] = features
        return [extracts]

    def _with_step_sums(self, predictions: dict[str, Any]) -> dict[str, Any]:
        more = {}
        for head in self._heads:
            classes = head["classes"]
            measured = MeasuresOf(head["label"], classes)
            measures = measured({classes: predictions[classes][0]} if classes else {})
            found = step_sums(predictions, measures, head["prefix"], [range_of_name(name) for name in head["ranges"]])
            more[head["output"]], more[head["steps"]] = found
        return {**predictions, **more}
