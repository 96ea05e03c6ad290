"""What became of every row: rows read = rows in records + rows rejected + rows cut."""

from __future__ import annotations

import collections
import dataclasses
from typing import Any

from tfx_sequences.errors import DataError

NAMED = 10


@dataclasses.dataclass(frozen=True)
class RejectedRow:
    """A row that cannot be used.

    Attributes:
        file: The file; empty for a frame.
        row: Its number among the rows of the file, from 0 on.
        line: Its first line in the file, from 1 on; None where a file does not have lines, or if it was not looked up.
        reason: Why.
        values: What it holds, for the file of rejected rows.
    """

    file: str
    row: int
    reason: str
    values: Any = None
    line: int | None = None

    def __str__(self) -> str:
        where = f"line {self.line}" if self.line is not None else f"row {self.row}"
        return f"{self.file}, {where}: {self.reason}" if self.file else f"{where}: {self.reason}"


@dataclasses.dataclass
class RowCounts:
    """Counts of rows and records.

    Attributes:
        files: Number of files (or frames).
        read: Number of rows, whatever became of them.
        in_records: Number of rows that are in at least one record.
        steps: Number of steps of all records; greater than `in_records` if records overlap.
        records: Number of records, by split.
        rejected: Number of rows that cannot be used, by reason.
        cut: Number of rows that the rules of the spec leave out, by reason.
        groups: Number of groups.
        ties: Number of rows with the same group and time as the row before; they keep the order in which they are read.
        duplicates: Number of these that are equal in every column that the spec reads; they are kept.
        backwards: Number of rows that were read after a later row of their group; they are sorted.
        first: The first rejected rows.
    """

    files: int = 0
    read: int = 0
    in_records: int = 0
    steps: int = 0
    records: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    rejected: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    cut: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    groups: int = 0
    ties: int = 0
    duplicates: int = 0
    backwards: int = 0
    first: list[RejectedRow] = dataclasses.field(default_factory=list)

    def reject(self, row: RejectedRow) -> None:
        """Counts a rejected row, and remembers it if it is among the first."""
        self.rejected[row.reason] += 1
        if len(self.first) < NAMED:
            self.first.append(row)

    def add(self, other: RowCounts) -> None:
        """Adds what became of other rows.

        >>> counts = RowCounts(read=2)
        >>> counts.add(RowCounts(read=3))
        >>> counts.read
        5
        """
        for field in dataclasses.fields(self):
            if field.name != "first":
                setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))
        self.first = sorted([*self.first, *other.first], key=lambda row: (row.file, row.row))[:NAMED]

    def check_rejected(self, most: float) -> None:
        """Raises if more rows than allowed are rejected.

        Args:
            most: The largest allowed share.

        Raises:
            DataError: The share is greater, or no row is left.

        >>> counts = RowCounts(read=2)
        >>> counts.reject(RejectedRow("a.csv", 0, "no value in 'user'", line=2))
        >>> counts.check_rejected(0.01)
        Traceback (most recent call last):
          ...
        tfx_sequences.errors.DataError: 1 of 2 rows cannot be used.
          expected: at most 1% of the rows (rows.max_rejected)
          received: no value in 'user' (1); first: a.csv, line 2: no value in 'user'
          fix:      Correct these rows, or set a greater rows.max_rejected in the spec to leave them out.
        """
        rejected = self.rejected.total()
        if rejected <= most * self.read and (rejected < self.read or not rejected):
            return
        reasons = ", ".join(f"{reason} ({count})" for reason, count in self.rejected.most_common())
        raise DataError(
            f"{rejected:,} of {self.read:,} rows cannot be used.",
            expected=f"at most {most:.2%} of the rows (rows.max_rejected)".replace(".00%", "%"),
            received=f"{reasons}; first: {'; '.join(map(str, self.first))}",
            fix="Correct these rows, or set a greater rows.max_rejected in the spec to leave them out.",
        )

    def check_sum(self) -> None:
        """Raises a `RuntimeError` if a row is unaccounted for: a defect of ours."""
        rejected, cut = self.rejected.total(), self.cut.total()
        if self.read != self.in_records + rejected + cut:
            raise RuntimeError(
                f"rows were lost: {self.read} read, {self.in_records} in records, {rejected} rejected, {cut} cut"
            )
