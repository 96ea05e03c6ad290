"""How a forecast is made and learned: the options of a label of type `forecast`."""

from __future__ import annotations

from typing import Literal

import pydantic

from tfx_sequences.schemas.columns.base import Declared, Sizes


class SeriesNormalization(Declared):
    """How each series is normalised by its own history: `(x - offset) / scale`; forecasts come back in its units.

    Only the steps that the network sees count, never the future.

    >>> SeriesNormalization(scale="step").offset
    'last'
    """

    offset: Literal["last", "mean", "none"] = "last"
    """The last value, so that the network forecasts the change from there; the mean; or 0."""
    scale: Literal["std", "step", "level", "none"] = "std"
    """The standard deviation; the mean absolute difference of successive steps; the mean absolute value; or 1. At least
    a thousandth of the mean absolute value, and 1 where that is 0: so a series that does not change is not an error."""
    log: bool = False
    """First take `sign(x) * log(1 + |x|)`: for series that grow in proportion to their values."""


class Forecast(Declared):
    """How forecasts are made and learned.

    >>> Forecast(lags=(52,)).windows
    8
    """

    windows: pydantic.NonNegativeInt = 8
    """Windows that training cuts from each record in each epoch; their histories end at steps drawn at random. 0 uses
    only the end of the record."""
    normalization: SeriesNormalization = SeriesNormalization()
    """How the target is normalised; the network's outputs are scaled back by the same numbers."""
    lags: Sizes = ()
    """Seasons, in steps: the decoder sees how the series changed that many steps before each step that it forecasts."""
    decoder: Literal["direct", "autoregressive"] = "direct"
    """`direct` gives all steps of the horizon at once; `autoregressive` one after another, each from the one before."""
    units: pydantic.PositiveInt = 32
    """Units of the decoder, if it has a state, lags or a known future."""
    teacher_forcing: float = pydantic.Field(0.5, ge=0, le=1)
    """For `autoregressive`: in training, how often the true value replaces the previous forecast. It is off in
    validation, evaluation and serving."""
    loss: Literal["mase", "smape", "mean_absolute_error", "mean_squared_error"] = "mase"
    """What training minimises. `mase` and `smape` (as a fraction, not in percent) weigh all series equally; errors in
    the target's units weigh large series most."""
    seasonality: pydantic.PositiveInt = 1
    """MASE compares with the naive forecast: the value this number of steps earlier."""
