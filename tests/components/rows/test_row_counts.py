"""Every row is accounted for."""

from __future__ import annotations

import pytest

from tfx_sequences.components.rows.row_counts import RejectedRow, RowCounts
from tfx_sequences.errors import DataError


def counts_with(read, rejected):
    counts = RowCounts(read=read)
    for number in range(rejected):
        counts.reject(RejectedRow("a.csv", number, "no value in 'user'", line=number + 2))
    return counts


@pytest.mark.parametrize(("read", "rejected", "most"), [(100, 1, 0.01), (0, 0, 0.0), (10, 0, 0.0), (3, 2, 0.7)])
def test_up_to_the_largest_share_rows_may_be_rejected(read, rejected, most):
    counts_with(read, rejected).check_rejected(most)


@pytest.mark.parametrize(("read", "rejected", "most"), [(100, 2, 0.01), (10, 1, 0.0), (3, 3, 1.0)])
def test_more_is_an_error(read, rejected, most):
    with pytest.raises(DataError, match=f"{rejected} of {read} rows cannot be used"):
        counts_with(read, rejected).check_rejected(most)


def test_only_the_first_ten_are_named():
    counts = counts_with(30, 12)
    assert [row.line for row in counts.first] == [*range(2, 12)]
    assert counts.rejected.total() == 12


def test_a_lost_row_is_noticed():
    counts = counts_with(10, 2)
    counts.in_records, counts.cut["short"] = 5, 3
    counts.check_sum()
    counts.in_records = 4
    with pytest.raises(RuntimeError, match="10 read, 4 in records, 2 rejected, 3 cut"):
        counts.check_sum()
