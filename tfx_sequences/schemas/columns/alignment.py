"""Lists at several rates in one record: how a feature's values are assigned to the record's steps."""

from __future__ import annotations

from typing import Literal

import pydantic

from tfx_sequences.schemas.columns.base import Declared


class Alignment(Declared):
    """How a list with its own timestamps is converted to the record's steps.

    With `previous`, a step gets the last value up to its time; with `nearest`, the value with the nearest time; with
    `interpolate`, the linear interpolation between the values before and after it (before the first or after the last
    value, that value). With `collect`, a step of a `multi_valued` column gets all values after the previous step and up
    to its own time. A step without such a value is missing.

    >>> Alignment(to="hour", tolerance=2.0)
    Alignment(to='hour', method='previous', tolerance=2.0, dtype='float32')
    """

    to: str = pydantic.Field(min_length=1)
    """Key of the timestamps of the steps, one per step."""
    method: Literal["previous", "nearest", "interpolate", "collect"] = "previous"
    tolerance: pydantic.NonNegativeFloat | None = None
    """Maximum time between a value and its step, in the units of the timestamps."""
    dtype: Literal["float32", "int64"] = "float32"
    """Dtype of the timestamps in the record, for both steps and values."""
