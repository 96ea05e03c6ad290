"""Labels that are a number, or a vector of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from tfx_sequences.schemas.kinds.label_fields import LabelFields
from tfx_sequences.schemas.kinds.number_kind import NumberKind


class DeclaredRegression(NumberKind):
    """Numbers per record, or per step."""

    name: ClassVar[str] = "regression"
    needs_spread: ClassVar[bool] = True

    def metrics(self, label: LabelFields) -> tuple[str, ...]:
        del label
        return ("mean_squared_error", "mean_absolute_error")

    def losses(self, label: LabelFields) -> Mapping[str, Mapping[str, float]]:
        """`delta` is in the label's units; `pinball` is the loss of a quantile, of which one half is the median."""
        del label
        return {
            "mean_squared_error": {},
            "mean_absolute_error": {},
            "huber": {"delta": 1.0},
            "mean_absolute_percentage_error": {},
            "pinball": {"quantile": 0.5},
        }

    def further_measures(self, label: LabelFields) -> tuple[str, ...]:
        del label
        return ("root_mean_squared_error", "mean_absolute_percentage_error", "r_squared")

    def main_metric(self, label: LabelFields) -> str:
        """The absolute error, because training shows the squared one as its loss."""
        del label
        return "mean_absolute_error"

    def tfma_metrics(self, label: LabelFields) -> Mapping[str, str]:
        if label.per_step or label.is_vector:
            return {}
        return {"mean_squared_error": "MeanSquaredError", "mean_absolute_error": "MeanAbsoluteError"}
