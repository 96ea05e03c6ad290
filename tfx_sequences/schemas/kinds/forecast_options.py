"""The options of a label of type `forecast`: how forecasts are made and trained."""

from __future__ import annotations

from typing import Literal

import pydantic

from tfx_sequences.schemas.columns.base import Declared, Sizes


class SeriesNormalization(Declared):
    """How each series is normalized by its own history: `(x - offset) / scale`. Forecasts are in the series' units.

    Only the steps that the network sees are used, never the future.

    >>> SeriesNormalization(scale="step").offset
    'last'
    """

    offset: Literal["last", "mean", "none"] = "last"
    """The last value, so that the network forecasts changes from it; the mean; or 0."""
    scale: Literal["std", "step", "level", "none"] = "std"
    """The standard deviation; the mean absolute difference of successive steps; the mean absolute value; or 1. It is at
    least a thousandth of the mean absolute value, and 1 if that is 0: so a constant series is not an error."""
    log: bool = False
    """Whether `sign(x) * log(1 + |x|)` is applied first: for series that grow in proportion to their values."""


class Forecast(Declared):
    """How forecasts are made and trained.

    >>> Forecast(lags=(52,)).windows
    8
    """

    windows: pydantic.NonNegativeInt = 8
    """Number of windows that training takes from each record in each epoch; their histories end at random steps. 0 uses
    only the end of the record."""
    normalization: SeriesNormalization = SeriesNormalization()
    """How the target is normalized; the network's outputs are scaled back with the same numbers."""
    lags: Sizes = ()
    """Seasons, in steps: the decoder sees the change of the series this number of steps before each forecast step."""
    decoder: Literal["direct", "autoregressive"] = "direct"
    """`direct` predicts all steps of the horizon at once; `autoregressive` predicts each step from the previous one."""
    units: pydantic.PositiveInt = 32
    """Units of the decoder, if it has a state, `lags` or `known_future`."""
    teacher_forcing: float = pydantic.Field(0.5, ge=0, le=1)
    """For `autoregressive`: in training, the probability that the true value replaces the previous forecast. It is off
    in validation, evaluation and serving."""
    loss: Literal["mase", "smape", "mean_absolute_error", "mean_squared_error"] = "mase"
    """The loss that training minimizes. `mase` and `smape` (as a fraction, not in percent) weight all series equally;
    errors in the target's units give large series more weight."""
    seasonality: pydantic.PositiveInt = 1
    """MASE compares with a naive forecast: the value this number of steps earlier."""
