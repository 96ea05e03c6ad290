"""The split of each row or record, by the rules that divide records too."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection

import numpy as np
import pyarrow as pa

from tfx_sequences.components.records.hold_back import HoldBack, share_of
from tfx_sequences.components.rows.row_plan import RowPlan
from tfx_sequences.components.rows.row_table import GROUP, VALUE
from tfx_sequences.components.rows.row_times import OrderKind, nanoseconds
from tfx_sequences.components.rows.wire import value_feature
from tfx_sequences.errors import DataError


@dataclasses.dataclass(frozen=True)
class RowSplits:
    """How records are divided: by time, or by the hash of a group.

    The hash of a group with one column is that of `splits.group`, so records of the same group are in the same split
    whether the rows are divided or the records.

    Attributes:
        plan: What the spec needs.
        held_back: The shares or times; empty if all records are of one split.
        alone: The split of all records in that case.
    """

    plan: RowPlan
    held_back: HoldBack
    alone: str = "train"

    @classmethod
    def of(cls, plan: RowPlan, splits_with_files: Collection[str] = ("train",)) -> RowSplits:
        """The division of the training rows, if these splits have files."""
        return cls(plan, HoldBack.of(plan.spec.splits, splits_with_files))

    @classmethod
    def whole(cls, plan: RowPlan, split: str) -> RowSplits:
        """All records belong to one split."""
        return cls(plan, HoldBack({}), split)

    @property
    def names(self) -> list[str]:
        """The splits; other methods give indices into them."""
        return self.held_back.names if self.held_back else [self.alone]

    def of_times(self, times: np.ndarray, kind: OrderKind | None) -> np.ndarray:
        """The split of each row by its time, int `[N]`.

        Args:
            times: Numbers that sort as `splits.time`.
            kind: What they are.

        Raises:
            DataError: The times in the spec are of another kind.
        """
        names, found = self.names, np.full(len(times), len(self.names) - 1)
        bounds = {name: self._moment(bound, kind) for name, bound in self.held_back.bounds.items()}
        for name, bound in sorted(bounds.items(), key=lambda item: item[1]):
            found[times >= bound] = names.index(name)
        return found

    def _moment(self, bound: int | float | str, kind: OrderKind | None) -> int | float:
        if kind == "time" and isinstance(bound, str):
            [moment], [there] = nanoseconds(pa.array([bound]), self.plan.rows.time_zone)
            if there:
                return int(moment)
        elif kind != "time" and not isinstance(bound, str):
            return bound
        raise DataError(
            f"The time '{self.plan.spec.splits.time}' of the rows cannot be compared with {bound!r} in the spec.",
            expected="a time such as '2024-06-01'" if kind == "time" else "a number",
            received=repr(bound),
            fix="Write splits.valid_from and splits.test_from in the type of the rows' time.",
        )

    def of_groups(self, last: Callable[[str], pa.ChunkedArray]) -> np.ndarray:
        """The split of each record by its group, int `[R]`.

        Args:
            last: Gives the values of a column in each record's last row.
        """
        group = self.plan.spec.splits.group
        if group is not None:
            columns = [last(f"{VALUE}{group}")]
        else:
            columns = [last(f"{GROUP}{number}") for number in range(len(self.plan.rows.group_by))]
        count = len(columns[0])
        if not self.held_back or not count:
            return np.zeros(count, int)
        pairs = [_dictionary(column) for column in columns]
        codes = np.stack([indices for _, indices in pairs])
        different, which = np.unique(codes, axis=1, return_inverse=True)
        found = []
        for row in different.T:
            values = [dictionary[code] for (dictionary, _), code in zip(pairs, row, strict=True)]
            if None in values:
                raise DataError(
                    f"A record does not have the group '{group}'.",
                    expected="a value in the last row of every record",
                    fix="Add the value, or remove splits.group: then all rows of a group are in one split.",
                )
            found.append(self.held_back.index_of_share(share_of(b"".join(map(value_feature, values)))))
        return np.array(found)[np.ravel(which)]


def _dictionary(column: pa.ChunkedArray) -> tuple[list[bytes | int | None], np.ndarray]:
    array = pa.concat_arrays(column.chunks) if isinstance(column, pa.ChunkedArray) else column
    encoded = array.dictionary_encode(null_encoding="encode")
    return encoded.dictionary.to_pylist(), np.asarray(encoded.indices.to_numpy())
