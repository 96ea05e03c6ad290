"""Lists at several rates in one record: which of the record's steps a feature's values belong to."""

from __future__ import annotations

from typing import Literal

import pydantic

from tfx_sequences.schemas.columns.base import Declared


class Alignment(Declared):
    """How a list that has timestamps of its own becomes one of the record's steps.

    A step takes what was measured for it: with `previous` the last value up to its time, with `nearest` the one whose
    time is nearest, with `interpolate` the value on the line between the one before and the one after (beyond the
    first and the last value, that value). With `collect` it gets all values after the step before it and up to its own
    time, of a `multi_valued` column. A step for which there is no value is missing.

    >>> Alignment(to="hour", tolerance=2.0)
    Alignment(to='hour', method='previous', tolerance=2.0, dtype='float32')
    """

    to: str = pydantic.Field(min_length=1)
    """Key of the timestamps of the steps, one for each."""
    method: Literal["previous", "nearest", "interpolate", "collect"] = "previous"
    tolerance: pydantic.NonNegativeFloat | None = None
    """A value that was measured longer before or after a step is not taken; in the units of the timestamps."""
    dtype: Literal["float32", "int64"] = "float32"
    """How the record stores the timestamps, those of the steps and those of the values."""
