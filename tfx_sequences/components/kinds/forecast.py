"""Labels that are the next values of a series."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import tensorflow as tf

from tfx_sequences.components.kinds.forecast_errors import ForecastErrors, forecast_loss
from tfx_sequences.components.kinds.forecast_head import DECODER, forecast_output
from tfx_sequences.components.kinds.label_kind import HeadInputs, LabelKind, LossFunction
from tfx_sequences.components.kinds.measures import Measures, Sums
from tfx_sequences.components.kinds.number_errors import of_numbers
from tfx_sequences.schemas.kinds.declared_kind import PREDICTIONS
from tfx_sequences.schemas.kinds.forecast import DeclaredForecast
from tfx_sequences.schemas.spec.forecast_labels import forecast_options
from tfx_sequences.schemas.spec.label import Label


class Forecasting(LabelKind):
    """The next values of a sequence feature.

    Outputs are `[B, horizon]` in the series' units; targets `[B, horizon + 1]` are the values and, last, the scale of
    MASE. Metrics are those of `ForecastErrors`.
    """

    declared: ClassVar[DeclaredForecast] = DeclaredForecast()

    def output(self, head: HeadInputs) -> Any:
        return forecast_output(head)

    def loss(self, label: Label, class_weights: Sequence[float] = ()) -> LossFunction:
        """The loss named in `forecast.loss`."""
        del class_weights
        return functools.partial(_loss, label)

    def training_loss(self, label: Label, layer: Callable[[str], Any], loss: LossFunction) -> LossFunction | None:
        """The loss of an autoregressive decoder, which gets true values in training."""
        if forecast_options(label).decoder != "autoregressive":
            return None
        decoder = layer(DECODER)
        return lambda targets, handed: loss(targets, decoder.taught(targets, handed))

    def measures(self, label: Label, classes: Sequence[str] = (), *, with_curve: bool = False) -> Measures:
        del classes, with_curve
        return Measures(label, [ForecastErrors()])

    def further_parts(self, label: Label, classes: Sequence[str]) -> list[Sums]:
        del classes
        return of_numbers(label.measures, functools.partial(_values, label), label.size, per_step=False)

    def served(self, label: Label, output: tf.Tensor, classes: Sequence[str]) -> dict[str, tf.Tensor]:
        del label, classes
        return {PREDICTIONS: output}

    def evaluated_target(self, label: Label, target: tf.Tensor, classes: Sequence[str]) -> tf.Tensor:
        """The values, without the scale of MASE."""
        del classes
        return _values(label, target)


def _values(label: Label, targets: tf.Tensor) -> tf.Tensor:
    return targets[:, : label.horizon]


def _loss(label: Label, targets: Any, outputs: Any) -> tf.Tensor:
    return forecast_loss(targets, tf.cast(outputs, tf.float32), label)
