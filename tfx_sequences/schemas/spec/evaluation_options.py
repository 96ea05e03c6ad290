"""The `evaluation` section of a spec."""

from __future__ import annotations

import pydantic

from tfx_sequences.schemas.columns.base import Declared, Strings
from tfx_sequences.schemas.spec.length_ranges import Boundaries


class Threshold(Declared):
    """Bounds for a metric on the test split. The model is only blessed if the metric is within them."""

    min: float | None = None
    max: float | None = None

    @pydantic.model_validator(mode="after")
    def _check(self) -> Threshold:
        if self.min is None and self.max is None:
            raise ValueError("set min, max or both")
        return self


class Change(Declared):
    """The allowed change of a metric on the test split from the last blessed model, measured on the same records."""

    max_drop: pydantic.NonNegativeFloat | None = None
    """The largest allowed decrease, for a metric where higher is better."""
    max_rise: pydantic.NonNegativeFloat | None = None
    """The largest allowed increase, for a metric where lower is better, such as a loss."""

    @pydantic.model_validator(mode="after")
    def _check(self) -> Change:
        if (self.max_drop is None) == (self.max_rise is None):
            raise ValueError("set either max_drop or max_rise")
        return self


class Evaluation(Declared):
    """How the model is evaluated on the test split."""

    thresholds: dict[str, Threshold] = {}
    """Bounds by metric: accuracy, loss and auc (classification), also span_f1, span_precision and span_recall
    (per step, for IOB tags); loss, accuracy and auc (multi_label); mean_squared_error and
    mean_absolute_error (regression); smape, mase and mean_absolute_error (forecast). With several
    labels, write `NAME.accuracy`. Without any threshold, every evaluated model is blessed."""
    baseline: dict[str, Change] = {}
    """By metric, how much worse than the last blessed model the model may be. If no model was blessed
    before, nothing is compared."""
    slices: Strings = ()
    """Context features by whose values the metrics are also computed."""
    length_slices: Boundaries = ()
    """Boundaries of length ranges by which the metrics are also computed: `[5, 10]` for records of 0 to 4, 5 to 9,
    and 10 and more steps. `auto`: 1, 2, 4, 8 and so on. These are lengths before truncation to `max_length`."""
    step_slices: Boundaries = ()
    """Boundaries of position ranges by which the metrics of per-step labels are also computed: `[5, 10]` for the
    steps 0 to 4, 5 to 9, and 10 and later. `auto`: 1, 2, 4, 8 and so on."""
