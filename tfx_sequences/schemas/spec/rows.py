"""The `rows` section: how rows of tables become records."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Collection, Mapping
from typing import Annotated, Literal

import pydantic

from tfx_sequences.errors import did_you_mean
from tfx_sequences.schemas.columns.base import Declared, Strings

RowFormat = Literal["csv", "jsonl", "parquet", "bigquery"]
RowType = Literal["int64", "float64", "timestamp"]

_NANOSECONDS = {
    "ns": 1,
    "us": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
    "d": 86_400 * 10**9,
    "w": 7 * 86_400 * 10**9,
}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ns|us|ms|s|m|h|d|w)")


def nanoseconds_of(duration: str) -> int:
    """A duration as nanoseconds.

    Args:
        duration: A number and a unit: ns, us, ms, s, m, h, d or w.

    Raises:
        ValueError: It is not a duration.

    >>> nanoseconds_of("30m"), nanoseconds_of("1.5 s")
    (1800000000000, 1500000000)
    """
    found = _DURATION.fullmatch(duration.strip())
    if found is None:
        raise ValueError(f"'{duration}' is not a duration such as 30m; units: {', '.join(_NANOSECONDS)}")
    return round(float(found[1]) * _NANOSECONDS[found[2]])


def _checked_duration(value: int | float | str) -> int | float | str:
    if (nanoseconds_of(value) if isinstance(value, str) else value) < 0:
        raise ValueError("a duration cannot be negative")
    return value


Duration = Annotated[int | float | str, pydantic.Field(union_mode="smart"), pydantic.AfterValidator(_checked_duration)]


class RowWindow(Declared):
    """Records of at most `steps` rows, which begin every `stride` rows of a session (or of the group)."""

    steps: pydantic.PositiveInt
    """The number of rows of a record."""
    stride: pydantic.PositiveInt | None = None
    """The number of rows from the beginning of a record to that of the next. The default is `steps`: records do not
    overlap. With a greater number, rows between records are cut."""
    partial: Literal["keep", "drop"] = "keep"
    """What becomes of the last rows if they do not fill a record: a shorter record, or they are cut."""
    train: Literal["windows", "whole"] = "windows"
    """`whole`: sessions of `train` are not cut into windows, for a random part of each in training (`batching:
    {max_length: ..., truncate: random}`). The other splits, and rows in serving, have windows."""

    @property
    def step_between(self) -> int:
        """The stride, with its default."""
        return self.stride or self.steps


class LabelFrom(Declared):
    """Which row the label of a record comes from."""

    key: str
    """The column; it must be the key of a label of records."""
    at: Literal["first", "last", "next", "as_of"] = "last"
    """`first` or `last`: a row of the record. `next`: the row after the record, of the same group and split. `as_of`:
    the latest row of the same group and split whose time is not after the record's last time plus `after`."""
    after: Duration = 0
    """With `as_of`: a duration such as `7d`, or a number in the unit of `order_by`."""

    @pydantic.model_validator(mode="after")
    def _check(self) -> LabelFrom:
        if self.after and self.at != "as_of":
            raise ValueError("after is for `at: as_of`")
        return self


class Rows(Declared):
    """How rows of tables (one row per step) become records.

    >>> Rows(group_by=("user",), order_by="ts", session_gap="30m").window is None
    True
    """

    format: RowFormat | None = None
    """The format of the files. The default is known from their names: `.csv`, `.tsv`, `.jsonl`, `.ndjson`, `.json`
    (one object per line), `.parquet` and `.pq`; after these, CSV and JSON may end in `.gz`, `.bz2` or `.zst`.
    `bigquery`: the data are a table `project.dataset.table` or a query, which only compiled pipelines read."""
    delimiter: str | None = pydantic.Field(None, min_length=1, max_length=1)
    """The character between the values of a CSV file. The default is a tab for `.tsv`, and a comma otherwise."""
    group_by: Strings = pydantic.Field(min_length=1)
    """Columns: the rows with the same values belong together, such as those of a user."""
    order_by: str | None = None
    """Column with the time (or any number) that rows of a group are sorted by. Rows with the same value keep the order
    in which they are read, and are counted. The default is the order in which they are read."""
    session_gap: Duration | None = None
    """A new record begins where the time since the previous row is greater: a duration such as `30m`, or a number in
    the unit of `order_by`."""
    window: RowWindow | None = None
    """Cuts sessions (or groups) into records of limited length."""
    min_steps: pydantic.PositiveInt = 1
    """Sessions (or groups) with fewer rows are cut."""
    context: dict[str, Literal["first", "last"]] = {}
    """For context features, the row of the record whose value is taken. The default is `last`."""
    label_from: LabelFrom | None = None
    """Which row a record's label comes from. The default is the record's last row. Records whose row does not exist
    are cut."""
    lists: Strings = ()
    """Columns of lists with a value for each step: such a row is several steps, or a whole record. Other columns have
    the same value in each step."""
    time_zone: str = "UTC"
    """The zone of times without one, such as `Europe/Oslo`."""
    columns: dict[str, RowType] = {}
    """The type of `order_by`, if its values are ambiguous. All other values are converted to the dtype that the spec
    declares for the feature."""
    max_rejected: float = pydantic.Field(0.01, ge=0, le=1)
    """The largest allowed share of rows that cannot be used. A greater share is an error before anything is
    written."""

    @pydantic.model_validator(mode="after")
    def _check(self) -> Rows:
        if len(set(self.group_by)) < len(self.group_by):
            raise ValueError("group_by names a column twice")
        if self.order_by in self.group_by:
            raise ValueError(f"order_by '{self.order_by}' is also in group_by: all rows of a group would have one time")
        for name in self.group_by:
            if name in self.lists:
                raise ValueError(f"lists: '{name}' is in group_by, so each step would have another group")
        for name in self.columns:
            if name != self.order_by:
                raise ValueError(f"columns: '{name}' is not order_by; other columns have the dtype of their feature")
        needs_order = {"session_gap": self.session_gap is not None}
        needs_order["label_from.at: as_of"] = self.label_from is not None and self.label_from.at == "as_of"
        for what, used in needs_order.items():
            if used and self.order_by is None:
                raise ValueError(f"{what} needs order_by, the column with the time")
        try:
            zoneinfo.ZoneInfo(self.time_zone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"time_zone '{self.time_zone}' is not known on this machine") from error
        return self


def check_rows(rows: Rows | None, record: str, context_keys: Collection[str], label_keys: Mapping[str, bool]) -> None:
    """Checks the section against the rest of the spec.

    Args:
        rows: The section.
        record: The type of the records.
        context_keys: Keys of all context features.
        label_keys: For the key of each label that records store: whether it is per step.

    Raises:
        ValueError: They contradict each other.
    """
    if rows is None:
        return
    if record == "ELWC":
        raise ValueError("rows become SequenceExamples or Examples; set `record: SequenceExample`")
    of_records = [key for key, per_step in label_keys.items() if not per_step]
    for key in rows.context:
        if key not in context_keys:
            hint = did_you_mean(key, context_keys)
            raise ValueError(f"rows.context: '{key}' is not a context feature of the spec.{hint}")
    if rows.label_from is not None and rows.label_from.key not in of_records:
        hint = did_you_mean(rows.label_from.key, of_records)
        raise ValueError(f"rows.label_from: '{rows.label_from.key}' is not the key of a label of records.{hint}")
