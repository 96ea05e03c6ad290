"""Errors of forecasts: sMAPE, MASE and the mean absolute error, as losses and as metrics.

sMAPE and MASE are defined as in the M4 competition (Makridakis, Spiliotis, Assimakopoulos: The M4 Competition, 2020):
`sMAPE = 200 / H * sum(|y - f| / (|y| + |f|))` in percent, from 0 to 200; and
`MASE = 1 / H * sum(|y - f|) / scale`, where the scale is the mean absolute difference of a series' history,
`seasonality` steps apart (Hyndman, Koehler: Another look at measures of forecast accuracy, 2006). A metric is the mean
over series.

Targets are float32 `[B, H + 1]`, as returned by `cut_forecast_windows`: the values and, last, the scale. A series whose
scale is 0, because it never changed or is too short, does not have a MASE: it counts in all metrics except that one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from tfx_sequences.components.kinds.measures import Sums
from tfx_sequences.schemas.spec.forecast_labels import forecast_options
from tfx_sequences.schemas.spec.label import Label


def smape(actual: Any, forecast: Any) -> tf.Tensor:
    """The sMAPE of each series, `[B]`, in percent; a step where both values are 0 has error 0.

    Args:
        actual: `[B, H]`.
        forecast: `[B, H]`.

    >>> smape(tf.constant([[1.0, 0.0]]), tf.constant([[3.0, 0.0]])).numpy().tolist()
    [50.0]
    """
    error = tf.abs(actual - forecast)
    return 200.0 * tf.reduce_mean(tf.math.divide_no_nan(error, tf.abs(actual) + tf.abs(forecast)), axis=-1)


def mase(actual: Any, forecast: Any, scale: Any) -> tf.Tensor:
    """The MASE of each series, `[B]`; 0 where the scale is 0.

    Args:
        actual: `[B, H]`.
        forecast: `[B, H]`.
        scale: `[B]`.

    >>> mase(tf.constant([[1.0, 2.0]]), tf.constant([[3.0, 2.0]]), tf.constant([0.5])).numpy().tolist()
    [2.0]
    """
    return tf.math.divide_no_nan(tf.reduce_mean(tf.abs(actual - forecast), axis=-1), scale)


def forecast_loss(targets: Any, forecast: Any, label: Label) -> tf.Tensor:
    """The loss of each series, `[B]`, named in `forecast.loss`; sMAPE as a fraction, from 0 to 2."""
    actual, scale = _parts(targets)
    loss = forecast_options(label).loss
    if loss == "smape":
        return smape(actual, forecast) / 100
    if loss == "mase":
        return mase(actual, forecast, scale)
    error = actual - forecast
    return tf.reduce_mean(tf.abs(error) if loss == "mean_absolute_error" else tf.square(error), axis=-1)


class ForecastErrors(Sums):
    """Sums of weight, sMAPE and absolute error; and of the weight and MASE of the series that have a MASE.

    >>> found = ForecastErrors().figures(tf.constant([2.0, 30.0, 8.0, 1.0, 0.5]))
    >>> {name: float(x) for name, x in found.items()}
    {'smape': 15.0, 'mase': 0.5, 'mean_absolute_error': 4.0}
    """

    size = 5

    def sums(self, targets: Any, outputs: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        """The sums of each series, `[B, 5]`; series of weight zero are ignored, whatever their values."""
        actual, scale = _parts(targets)
        with_mase = tf.where(scale > 0, weights, 0.0)
        absolute = tf.reduce_mean(tf.abs(actual - outputs), axis=-1)
        parts = [
            (weights, 1.0),
            (weights, smape(actual, outputs)),
            (weights, absolute),
            (with_mase, 1.0),
            (with_mase, mase(actual, outputs, scale)),
        ]
        return tf.stack([tf.where(weight > 0, weight * value, 0.0) for weight, value in parts], axis=1)

    def figures(self, total: tf.Tensor) -> dict[str, tf.Tensor]:
        """The metrics by name; MASE is NaN if no series has one."""
        weight, of_smape, absolute, with_mase, of_mase = (total[i] for i in range(self.size))
        none = tf.constant(float("nan"), total.dtype)
        return {
            "smape": tf.math.divide_no_nan(of_smape, weight),
            "mase": tf.where((with_mase == 0) & (weight > 0), none, tf.math.divide_no_nan(of_mase, with_mase)),
            "mean_absolute_error": tf.math.divide_no_nan(absolute, weight),
        }

    def undefined(self, total: np.ndarray, found: dict[str, float]) -> set[str]:
        """MASE is undefined if no series changes, but not because forecasts are not finite."""
        del total
        return {"mase"} if np.isnan(found["mase"]) and np.isfinite(found["smape"]) else set()


def _parts(targets: Any) -> tuple[tf.Tensor, tf.Tensor]:
    targets = tf.cast(targets, tf.float32)
    return targets[:, :-1], targets[:, -1]
