"""How a forecast is made and learned: what a label of type `forecast` has beside its place in the record."""

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
    """The last value, so that the network forecasts what changes from it on; the mean; or 0."""
    scale: Literal["std", "step", "level", "none"] = "std"
    """The standard deviation; the mean absolute difference of successive steps; the mean absolute value; or 1. At least
    a thousandth of the mean absolute value, and 1 where that is 0: so a series that does not change is no error."""
    log: bool = False
    """Before that, `sign(x) * log(1 + |x|)`: for series that grow by shares of themselves."""


class Forecast(Declared):
    """How forecasts are made and learned.

    >>> Forecast(lags=(52,)).windows
    8
    """

    windows: pydantic.NonNegativeInt = 8
    """Training cuts so many windows out of each record and epoch, whose histories end at steps drawn at random. 0 takes
    the record's own end alone."""
    normalization: SeriesNormalization = SeriesNormalization()
    """Of the target, and by it of what the network answers."""
    lags: Sizes = ()
    """Seasons, in steps: the decoder is told how the series went on so many steps before each one that it forecasts."""
    decoder: Literal["direct", "autoregressive"] = "direct"
    """`direct` gives all steps of the horizon at once; `autoregressive` one after another, each from the one before."""
    units: pydantic.PositiveInt = 32
    """Of the decoder, where it has a state, lags or a known future."""
    teacher_forcing: float = pydantic.Field(0.5, ge=0, le=1)
    """Of `autoregressive`: in training, how often the true value stands in for the one forecast before. Off in
    validation, evaluation and serving."""
    loss: Literal["mase", "smape", "mean_absolute_error", "mean_squared_error"] = "mase"
    """What training makes small. `mase` and `smape` (as a share, not in percent) count all series alike, errors in the
    target's units large ones most."""
    seasonality: pydantic.PositiveInt = 1
    """MASE compares with the naive forecast of so many steps earlier."""
