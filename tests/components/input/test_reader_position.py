"""A position in an epoch as plain data."""

import json

import numpy as np
import pytest

from tfx_sequences.components.input.input_counts import InputCounts
from tfx_sequences.components.input.reader_position import FilesPosition, ReaderPosition


@pytest.mark.parametrize("any_place", [None, (2, 5)])
@pytest.mark.parametrize("open_rows", [np.zeros((0, 2), np.int64), np.array([[0, 5], [1, 2**40]])])
def test_a_position_comes_back_from_json(any_place, open_rows):
    counts = InputCounts(4, records=6, batches=3)
    counts.note("too_short", 2, ["a:1"])
    files = FilesPosition(((0, 7), (3, 2**40)), 5)
    position = ReaderPosition(3, 2, files, any_place, open_rows, counts)
    again = ReaderPosition.from_plain(json.loads(json.dumps(position.to_plain())))
    assert (again.batches, again.chunk, again.files, again.any_place) == (3, 2, files, any_place)
    assert again.open_rows.dtype == np.int64 and again.open_rows.shape == open_rows.shape
    np.testing.assert_array_equal(again.open_rows, open_rows)
    assert again.counts == counts
