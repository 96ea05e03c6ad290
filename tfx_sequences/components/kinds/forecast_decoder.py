"""A decoder that forecasts one step after another."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from keras import layers, ops

from tfx_sequences.components.kinds.normalized_series import InSeriesUnits, log_of


@keras.saving.register_keras_serializable("tfx_sequences")
class AutoregressiveDecoder(layers.Layer):
    """A GRU that reads its own forecast of the previous step or, sometimes in training, the true value instead.

    Inputs are the network's vector `[B, D]`, which becomes the first state; the last value of the normalized history
    `[B]`, and the offset and scale `[B]` of the series; and, if there are any, the known values of each step
    `[B, H, C]`. Outputs are forecasts `[B, H]` in the series' units.

    In training the layer passes its inputs on to `taught`, because forecasts need the targets there. They are
    concatenated, because a layer's output is one tensor. (Teacher forcing: Williams, Zipser 1989; drawn step by step:
    Bengio et al. 2015, Scheduled Sampling.)

    Args:
        horizon: Number of steps `H`.
        units: Size of the state.
        teacher_forcing: Probability that the true value replaces the forecast of the previous step.
        offset: See `SeriesNormalization`.
        scale: See `SeriesNormalization`.
        log: See `SeriesNormalization`.
    """

    def __init__(
        self,
        horizon: int,
        units: int,
        teacher_forcing: float = 0.0,
        offset: str = "last",
        scale: str = "std",
        log: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.horizon, self.units, self.teacher_forcing = horizon, units, teacher_forcing
        self._normalization: dict[str, Any] = {"offset": offset, "scale": scale, "log": log}
        self._log = log
        self._first = layers.Dense(units, activation="tanh", name="first_state", dtype="float32")
        self._cell = layers.GRUCell(units, name="cell", dtype="float32")
        self._value = layers.Dense(1, name="value", dtype="float32")
        self._units_of_series = InSeriesUnits(**self._normalization, name="in_series_units")
        self._seeds = keras.random.SeedGenerator()

    def build(self, input_shape: Any) -> None:
        vector, known = input_shape[0], input_shape[4][-1] if len(input_shape) > 4 else 0
        self._depth, self._known = int(vector[-1]), int(known)
        self._first.build(vector)
        self._cell.build((None, 1 + self._known))
        self._value.build((None, self.units + self._known))

    def call(self, inputs: Any, training: bool = False) -> Any:
        vector, last, offset, scale, *known = inputs
        if training:
            flat = [ops.reshape(x, (-1, self.horizon * self._known)) for x in known]
            return ops.concatenate([last[:, None], offset[:, None], scale[:, None], vector, *flat], axis=1)
        return self._units_of_series([self._steps(vector, last, known[0] if known else None), offset, scale])

    def taught(self, targets: Any, handed: Any) -> Any:
        """Forecasts `[B, H]` in training.

        Args:
            targets: float32 `[B, H + 1]`, as returned by `cut_forecast_windows`.
            handed: The layer's output in training.
        """
        last, offset, scale, vector, known = self._inputs_of(handed)
        true = ops.cast(targets[:, : self.horizon], "float32")
        true = ((log_of(true) if self._log else true) - offset[:, None]) / scale[:, None]
        seed = ops.cast(self._seeds.next(), "int32")
        told = tf.random.stateless_uniform(tf.shape(true), seed) < self.teacher_forcing
        return self._units_of_series([self._steps(vector, last, known, true, told), offset, scale])

    def _inputs_of(self, handed: Any) -> tuple[Any, Any, Any, Any, Any]:
        """The inputs that `call` concatenated: last value, offset, scale, vector, and known values of each step."""
        widths = [1, 1, 1, self._depth, self.horizon * self._known]
        last, offset, scale, vector, flat = tf.split(handed, widths, axis=1)
        known = ops.reshape(flat, (-1, self.horizon, self._known)) if self._known else None
        return last[:, 0], offset[:, 0], scale[:, 0], vector, known

    def _steps(self, vector: Any, last: Any, known: Any, true: Any = None, told: Any = None) -> Any:
        state, before, found = self._first(vector), last[:, None], []
        for step in range(self.horizon):
            of_step = [] if known is None else [known[:, step]]
            _, (state,) = self._cell(ops.concatenate([before, *of_step], axis=1), [state])
            # The cell predicts a change of the previous value: an untrained network repeats the last value.
            before = before + self._value(ops.concatenate([state, *of_step], axis=1))
            found.append(before)
            if true is not None:
                before = ops.where(told[:, step, None], true[:, step, None], before)
        return ops.concatenate(found, axis=1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape[0][0], self.horizon)

    def get_config(self) -> dict[str, Any]:
        own = {"horizon": self.horizon, "units": self.units, "teacher_forcing": self.teacher_forcing}
        return {**super().get_config(), **own, **self._normalization}
