"""Labels that are the next values of a series."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tfx_sequences.schemas.kinds.forecast_options import Forecast
from tfx_sequences.schemas.kinds.label_fields import LabelFields
from tfx_sequences.schemas.kinds.number_kind import NumberKind

_OF_OTHERS = ("per_step", "classes", "class_weights", "label_smoothing", "sampled_softmax")


class DeclaredForecast(NumberKind):
    """The next `horizon` values of a sequence feature."""

    name: ClassVar[str] = "forecast"
    from_windows: ClassVar[bool] = True

    def completed(self, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """Adds the shape, which is the horizon, and the default options of forecasts."""
        horizon = data.get("horizon")
        shape = data.get("shape") or ((horizon,) if isinstance(horizon, int) and horizon > 0 else ())
        return {**super().completed(data), "shape": shape, "forecast": data.get("forecast") or Forecast()}

    def check(self, label: LabelFields) -> None:
        for field in ("horizon", "target"):
            if getattr(label, field) is None:
                example = "13" if field == "horizon" else "value"
                raise ValueError(f"a forecast needs a {field}, such as `{field}: {example}`")
        if label.shape != (label.horizon,):
            raise ValueError(f"the shape of a forecast is its horizon, {label.horizon}: remove shape")
        for field in _OF_OTHERS:
            if getattr(label, field):
                raise ValueError(f"{field} does not apply to a forecast: remove it")
        if label.target in label.known_future:
            raise ValueError(f"known_future: '{label.target}' is the target of the forecast")
        self.check_numbers(label)

    def is_cut_out(self, label: LabelFields) -> bool:
        """Whether the target is the last steps of the series itself, and not a separate feature."""
        return label.key == label.target

    def fix_of_dtype(self, label: LabelFields, stored: str, name: str, where: str) -> str:
        if stored == "string":
            return f"Store numbers as {name}."
        return super().fix_of_dtype(label, stored, name, where)

    def metrics(self, label: LabelFields) -> tuple[str, ...]:
        del label
        return ("smape", "mase", "mean_absolute_error")

    def further_measures(self, label: LabelFields) -> tuple[str, ...]:
        """Errors in percent: the mean of each step's, and the sum of errors by the sum of values (weighted)."""
        del label
        return (
            "root_mean_squared_error",
            "mean_absolute_percentage_error",
            "weighted_absolute_percentage_error",
        )

    def main_metric(self, label: LabelFields) -> str:
        """The loss, if it does not depend on the scale of the series; otherwise the absolute error."""
        loss = label.forecast.loss if label.forecast else ""
        return loss if loss in ("smape", "mase") else "mean_absolute_error"
