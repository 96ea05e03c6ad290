"""Columns of times: integer seconds (or fractions of them) since 1970, as durations and dates."""

from __future__ import annotations

import zoneinfo
from typing import Annotated, Any, Literal, get_args

import pydantic

from tfx_sequences.schemas.columns.base import AsTuple
from tfx_sequences.schemas.columns.column_base import BaseColumn
from tfx_sequences.schemas.columns.numeric_columns import SplitNormalizer
from tfx_sequences.schemas.columns.time_units import TimeUnit

Duration = Literal["gap", "age", "since_first"]
CalendarPart = Literal["hour", "weekday", "month"]
PERIODS: dict[str, int] = {"hour": 24, "weekday": 7, "month": 12}
"""Number of ids of each calendar part."""
_DURATIONS: tuple[str, ...] = get_args(Duration)


class TimeColumn(BaseColumn):
    """Times since 1970, as durations in seconds within the record, and as parts of the date.

    Differences are computed with integers, so that nanoseconds are not lost.

    >>> TimeColumn(key="t", is_sequence=True).features
    ('gap', 'since_first')
    >>> TimeColumn(key="t", features=("hour", "weekday")).size
    4
    """

    type: Literal["time"] = "time"
    dtype: Literal["int64", "float32"] = "int64"
    """Dtype of the values in the record."""
    unit: TimeUnit = "s"
    """The unit of the stored values: seconds, milliseconds, microseconds or nanoseconds."""
    time_zone: str = "UTC"
    """For `hour`, `weekday` and `month`: a name such as `Europe/Oslo`; daylight saving time is included."""
    features: Annotated[tuple[Duration | CalendarPart, ...], AsTuple, pydantic.Field(min_length=1)]
    """Durations in seconds, for sequence features: `gap` since the previous step, `age` until the
    last step, `since_first` step. Parts of the date: `hour`, `weekday` (Monday is 0) and `month`. The default is `gap`
    and `since_first`; for context features it is all parts of the date."""
    calendar: Literal["sine_cosine", "ids"] = "sine_cosine"
    """The form of parts of the date: sine and cosine of the position in the day, week or year; or an id, as a one-hot
    vector."""
    normalizer: SplitNormalizer = "log1p"
    """The normalizer of the durations, with statistics of the training split."""
    missing_value: int | float | None = None
    """A stored number that marks a missing time. A missing time gives zeros."""

    @pydantic.model_validator(mode="before")
    @classmethod
    def _all_features(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("features") is None:
            of_steps = data.get("is_sequence", False)
            return {**data, "features": ("gap", "since_first") if of_steps else tuple(PERIODS)}
        return data

    @pydantic.model_validator(mode="after")
    def _check(self) -> TimeColumn:
        if len(set(self.features)) < len(self.features):
            raise ValueError("features names one twice")
        if not self.is_sequence and self.durations:
            raise ValueError(f"features: {self.durations[0]} needs the steps of a record")
        try:
            zoneinfo.ZoneInfo(self.time_zone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"time_zone '{self.time_zone}' is not known on this machine") from error
        return self

    @property
    def durations(self) -> tuple[str, ...]:
        """The durations among the features, in the order of the vector."""
        return tuple(name for name in _DURATIONS if name in self.features)

    @property
    def calendar_parts(self) -> tuple[str, ...]:
        """The date parts among the features, in the order of the vector, where they come last."""
        return tuple(name for name in PERIODS if name in self.features)

    @property
    def size(self) -> int:
        """Length of the vector that the model gets."""
        of_parts = (PERIODS[part] if self.calendar == "ids" else 2 for part in self.calendar_parts)
        return len(self.durations) + sum(of_parts)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of this vector."""
        return (self.size,)
