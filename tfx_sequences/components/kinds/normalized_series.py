"""Converts series to units of their own history, and forecasts back to the units of the series."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

from tfx_sequences.components.features.feature_lengths import length_mask
from tfx_sequences.schemas.columns.internal_names import internal_name
from tfx_sequences.schemas.columns.names import SEQUENCE_LENGTH, SEQUENCE_PREFIX
from tfx_sequences.schemas.kinds.forecast_options import SeriesNormalization
from tfx_sequences.schemas.spec.forecast_labels import forecast_options
from tfx_sequences.schemas.spec.forecasts import forecast_heads
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

# Minimum scale relative to the level: smaller scales would make the normalized values enormous.
_LEAST_SCALE = 1e-3


class _OfSeries(layers.Layer):
    """Computes in float32 whatever the model's precision, because half precision cannot distinguish large values."""

    def __init__(self, offset: str = "last", scale: str = "std", log: bool = False, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.offset, self.scale, self.log = offset, scale, log

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "offset": self.offset, "scale": self.scale, "log": self.log}


@keras.saving.register_keras_serializable("tfx_sequences")
class NormalizedSeries(_OfSeries):
    """Normalizes each series by itself, see `SeriesNormalization`.

    Maps `[B, T]` and lengths `[B]` to the normalized series `[B, T]`, 0 in padded steps, and the offsets and scales
    `[B]`, which depend on real steps only. A series without steps has offset 0 and scale 1.

    >>> import numpy as np
    >>> series, lengths = np.array([[10.0, 14.0, 99.0], [7.0, 7.0, 7.0]]), np.array([2, 3])
    >>> normalized, offset, scale = NormalizedSeries()([series, lengths])
    >>> print(normalized.numpy().tolist(), offset.numpy().tolist())
    [[-2.0, 0.0, 0.0], [0.0, 0.0, 0.0]] [14.0, 7.0]
    """

    def call(self, inputs: Any) -> Any:
        series, lengths = inputs
        values = log_of(series) if self.log else series
        mask = length_mask(lengths, values)
        real = ops.cast(mask, "float32")
        values = ops.where(mask, values, 0.0)
        count = ops.maximum(ops.sum(real, axis=1), 1.0)
        mean = ops.sum(values, axis=1) / count
        level = ops.sum(ops.abs(values), axis=1) / count
        offset = ops.zeros_like(mean)
        if self.offset == "mean":
            offset = mean
        elif self.offset == "last":
            offset = last_value(values, lengths)
        scale = ops.ones_like(mean)
        if self.scale != "none":
            scale = ops.maximum(self._spread(values, real, mean, level, count), _LEAST_SCALE * level)
            scale = ops.where(scale > 0, scale, 1.0)
        return ops.where(mask, (values - offset[:, None]) / scale[:, None], 0.0), offset, scale

    def _spread(self, values: Any, real: Any, mean: Any, level: Any, count: Any) -> Any:
        if self.scale == "level":
            return level
        if self.scale == "std":
            return ops.sqrt(ops.sum(ops.square(values - mean[:, None]) * real, axis=1) / count)
        steps = ops.abs(values[:, 1:] - values[:, :-1]) * real[:, 1:]
        return ops.sum(steps, axis=1) / ops.maximum(count - 1, 1.0)

    def compute_output_shape(self, input_shape: Any) -> Any:
        rows = input_shape[0][:1]
        return input_shape[0], rows, rows


@keras.saving.register_keras_serializable("tfx_sequences")
class InSeriesUnits(_OfSeries):
    """Converts values `[B, H]` of a normalized series back to the series' units, with its offset and scale `[B]`.

    >>> import numpy as np
    >>> _, offset, scale = NormalizedSeries(log=True)([np.array([[10.0, 14.0]]), np.array([2])])
    >>> print(InSeriesUnits(log=True)([np.array([[0.0]]), offset, scale]).numpy().round(4))
    [[14.]]
    """

    def call(self, inputs: Any) -> Any:
        normalized, offset, scale = inputs
        change, offset = normalized * scale[:, None], offset[:, None]
        if not self.log:
            return change + offset
        # A logarithm of 10 is known to 1e-6, and so would be its exponential. So the offset, which is the same in
        # any batch, and the network's output, which is small, are exponentiated separately.
        values = change + offset
        sign = ops.sign(values)
        apart = sign * offset > 0
        base, factor = (ops.where(apart, sign * x, 0.0) for x in (offset, change))
        raised = ops.expm1(base) * ops.exp(factor) + ops.expm1(factor)
        return sign * ops.where(apart, raised, ops.expm1(ops.where(apart, 0.0, ops.abs(values))))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape[0]


def normalized_targets(spec: SequenceSpec, tensors: dict[str, Any]) -> dict[str, Any]:
    """The normalized targets of the forecasts, by transformed name; symbolic `[B, T]`."""
    found = {}
    for label in forecast_heads(spec).values():
        name = SEQUENCE_PREFIX + str(label.target)
        if name not in found:
            layer = NormalizedSeries(**options_of(spec, label.target), name=f"normalized_{internal_name(name)}")
            found[name] = layer([tensors[name], tensors[SEQUENCE_LENGTH]])[0]
    return found


def options_of(spec: SequenceSpec, target: str | None) -> dict[str, Any]:
    """Arguments of the layers for a target."""
    labels = forecast_heads(spec).values()
    chosen = next((forecast_options(x).normalization for x in labels if x.target == target), SeriesNormalization())
    return chosen.model_dump()


def last_value(values: Any, lengths: Any) -> Any:
    """The last real value `[B]` of series `[B, T]` that are 0 in padded steps; 0 for empty series."""
    position = ops.cumsum(ops.ones_like(values, dtype="int32"), axis=1)
    return ops.sum(ops.where(position == ops.cast(lengths, "int32")[:, None], values, 0.0), axis=1)


def log_of(values: Any) -> Any:
    """`sign(x) * log(1 + |x|)`."""
    return ops.sign(values) * ops.log1p(ops.abs(values))
