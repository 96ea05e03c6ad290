"""The head of a forecast: maps the network's vector of a history to the values that follow it."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

from tfx_sequences.components.kinds.forecast_decoder import AutoregressiveDecoder
from tfx_sequences.components.kinds.label_kind import HeadInputs
from tfx_sequences.components.kinds.normalized_series import InSeriesUnits, NormalizedSeries, last_value, options_of
from tfx_sequences.schemas.columns.internal_names import internal_name
from tfx_sequences.schemas.columns.names import SEQUENCE_LENGTH, SEQUENCE_PREFIX
from tfx_sequences.schemas.features.transformed_features import future_name
from tfx_sequences.schemas.spec.forecast_labels import forecast_options

DECODER = "decoder"
"""Name of the layer that decodes step by step, after the prefix of the head."""


def forecast_output(head: HeadInputs) -> Any:
    """Symbolic forecasts `[B, horizon]`, float32, in the units of the target.

    The decoder works in units of the normalized series. For each step of the horizon it gets the known futures and
    the change of the series `lags` steps earlier.

    Args:
        head: The head's inputs, with vectors of records `[B, D]`.
    """
    prefix, label, options = head.prefix, head.label, forecast_options(head.label)
    horizon = int(label.horizon or 0)
    series, lengths = head.tensors[SEQUENCE_PREFIX + str(label.target)], head.tensors[SEQUENCE_LENGTH]
    as_declared = options_of(head.spec, label.target)
    normalized, offset, scale = NormalizedSeries(**as_declared, name=f"{prefix}series")([series, lengths])
    ahead = [
        layers.Reshape((horizon, -1), name=f"{prefix}known_{internal_name(name)}")(head.tensors[future_name(name)])
        for name in label.known_future
    ]
    if options.lags:
        ahead.append(SeasonsBefore(options.lags, horizon, name=f"{prefix}seasons")([normalized, lengths]))
    known = layers.Concatenate(name=f"{prefix}known")(ahead) if len(ahead) > 1 else ahead[0] if ahead else None
    if options.decoder == "autoregressive":
        decoder = AutoregressiveDecoder(
            horizon, options.units, options.teacher_forcing, **as_declared, name=f"{prefix}{DECODER}"
        )
        last = LastValue(name=f"{prefix}last")([normalized, lengths])
        return decoder([head.vectors, last, offset, scale, *([] if known is None else [known])])
    forecast = _direct(head.vectors, known, horizon, options.units, prefix)
    return InSeriesUnits(**as_declared, name=f"{prefix}in_series_units")([forecast, offset, scale])


def _direct(pooled: Any, known: Any, horizon: int, units: int, prefix: str) -> Any:
    """Predicts all steps at once; if there are known values per step, with layers that the steps share."""
    if known is None:
        return layers.Dense(horizon, name=f"{prefix}value", dtype="float32")(pooled)
    vectors = layers.Dense(horizon * units, name=f"{prefix}steps")(pooled)
    vectors = layers.Reshape((horizon, units), name=f"{prefix}by_step")(vectors)
    joined = layers.Concatenate(name=f"{prefix}step_and_known")([vectors, known])
    hidden = layers.Dense(units, activation="relu", name=f"{prefix}hidden")(joined)
    # Known values also bypass the hidden layer, because repeating a season is a sum, not a product.
    joined = layers.Concatenate(name=f"{prefix}hidden_and_known")([hidden, known])
    value = layers.Dense(1, name=f"{prefix}value", dtype="float32")(joined)
    return layers.Reshape((horizon,), name=f"{prefix}values", dtype="float32")(value)


@keras.saving.register_keras_serializable("tfx_sequences")
class LastValue(layers.Layer):
    """The last real value `[B]` of normalized series `[B, T]` with lengths `[B]`."""

    def call(self, inputs: Any) -> Any:
        return last_value(*inputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape[0][:1]


@keras.saving.register_keras_serializable("tfx_sequences")
class SeasonsBefore(layers.Layer):
    """The change of series in earlier seasons: `[B, T]` and lengths `[B]` to `[B, H, number of lags]`.

    For step `h` of the horizon and a lag `L`, it is the value `L` steps before that step, minus the value `L` steps
    before the end of the history. If that is after the end of the history, it goes back by more whole seasons. It is 0
    if the history does not go back that far.

    >>> import numpy as np
    >>> print(SeasonsBefore((3,), 4)([np.array([[1.0, 2.0, 4.0, 8.0, 16.0, 0.0]]), np.array([5])]).numpy()[..., 0])
    [[ 2.  6. 14.  0.]]
    """

    def __init__(self, lags: Any, horizon: int, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.lags, self.horizon = tuple(lags), horizon

    def call(self, inputs: Any) -> Any:
        series, lengths = inputs
        ends = ops.cast(lengths, "int32")[:, None]
        seasons = [[-(-(h + 1) // lag) * lag for lag in self.lags] for h in range(self.horizon)]
        back = ops.reshape(ops.convert_to_tensor(seasons, "int32"), (1, -1))
        step = ops.convert_to_tensor([h for h in range(self.horizon) for _ in self.lags], "int32")[None, :]
        begin = ends - 1 - back
        then, first = (ops.take_along_axis(series, ops.maximum(at, 0), axis=1) for at in (begin + 1 + step, begin))
        change = ops.where(begin >= 0, then - first, 0.0)
        return ops.reshape(change, (-1, self.horizon, len(self.lags)))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape[0][0], self.horizon, len(self.lags))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "lags": self.lags, "horizon": self.horizon}
