"""Chunks of large records are bounded by bytes."""

import pytest

from tests.records import write_records
from tfx_sequences.components.input.chunk_size import chunk_size


def sized(folder, name, sizes):
    return str(write_records(folder / name, [b"x" * size for size in sizes]))


@pytest.mark.parametrize(
    ("most_bytes", "expected"), [(10_000, 10), (4_000, 4), (1_999, 1), (2_000, 2), (10, 1), (50_000, 10)]
)
def test_a_chunk_has_as_many_records_as_fit(tmp_path, most_bytes, expected):
    files = [sized(tmp_path, "a.gz", []), sized(tmp_path, "b.gz", [500, 1500] * 20), sized(tmp_path, "c", [7] * 9)]
    assert chunk_size(files, 10, most_bytes) == expected


def test_records_that_cannot_be_read_leave_the_error_to_the_reader(tmp_path):
    (tmp_path / "broken").write_bytes(b"not a record")
    assert chunk_size([str(tmp_path / "broken")], 10, 1) == 10
    assert chunk_size([sized(tmp_path, "empty", [])], 10, 1) == 10


def test_the_default_is_kept_for_usual_records(tmp_path):
    assert chunk_size([sized(tmp_path, "usual", [20_000] * 40)], 10_000) == 10_000
    assert chunk_size([sized(tmp_path, "frames", [230_000] * 40)], 10_000) == (256 << 20) // 230_000
