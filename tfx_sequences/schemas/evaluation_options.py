"""What the model is measured by, as a spec declares it."""

from __future__ import annotations

import pydantic

from tfx_sequences.schemas.base import Declared, Strings


class Threshold(Declared):
    """Bounds a metric on the test split must keep for the model to be blessed."""

    min: float | None = None
    max: float | None = None

    @pydantic.model_validator(mode="after")
    def _check(self) -> Threshold:
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        return self


class Evaluation(Declared):
    """What the model is measured by on the test split."""

    thresholds: dict[str, Threshold] = {}
    """By metric: accuracy and loss (classification), also span_f1, span_precision and span_recall
    (of steps, for IOB tags); loss, accuracy and auc (multi_label); mean_squared_error and
    mean_absolute_error (regression). With several labels `NAME.accuracy`. Without any
    threshold, every evaluated model is blessed."""
    slices: Strings = ()
    """Context features by whose values the metrics are also given."""
