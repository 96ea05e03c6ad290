import numpy as np
import pytest

from tests.components.input.rows import parser_of, record, rows_of, write
from tests.records import example, write_records
from tfx_sequences.components.input.record_blocks import BlockReader
from tfx_sequences.errors import DataError

# One that TensorFlow cannot parse at all, and one whose length is well but whose feature is of another type.
BROKEN = b"\xff\xfe"
OF_ANOTHER_TYPE = example(
    {"name": [b"n"], "pair": [1.0, 2.0], "sequence_length": 1, "steps": [b"text"]}
).SerializeToString()


def blocks(files, size, skip=True, file=0, index=0, check=True):
    reader = BlockReader(files, size, parser_of(), file, index, check=check, skip_malformed=skip)
    while (block := reader.read()) is not None:
        yield block
    assert reader.ended


def test_a_file_comes_in_blocks(tmp_path):
    files = write(tmp_path, [3, 7])
    given = list(blocks(files, 3, file=1, index=2))
    assert [rows_of(block.store) for block in given] == [["1:2", "1:3", "1:4"], ["1:5", "1:6"]]
    assert given[1].places.tolist() == [[1, 5], [1, 6]]
    assert given[1].lengths.tolist() == [1, 2]
    assert not any(len(block.malformed) for block in given)


@pytest.mark.parametrize("bad", [BROKEN, OF_ANOTHER_TYPE], ids=["broken", "of another type"])
def test_malformed_records_are_told_or_left_out(tmp_path, bad):
    records = [record(0, i) for i in range(7)]
    for i in (1, 3, 4, 5):
        records[i] = bad
    files = [str(write_records(tmp_path / "f0", records))]
    given = list(blocks(files, 3))
    assert [rows_of(block.store) if block.store else [] for block in given] == [["0:0", "0:2"], [], ["0:6"]]
    assert [block.malformed[:, 1].tolist() for block in given] == [[1], [3, 4, 5], []]
    assert np.concatenate([block.places for block in given]).tolist() == [[0, 0], [0, 2], [0, 6]]
    with pytest.raises(DataError, match=r"Record f0:1 cannot be parsed[\s\S]*on_error to 'skip'"):
        list(blocks(files, 3, skip=False))


def test_only_a_length_is_needed_where_nothing_is_checked(tmp_path):
    files = [str(write_records(tmp_path / "f0", [record(0, 0), OF_ANOTHER_TYPE, BROKEN]))]
    reader = blocks(files, 2, skip=False, check=False)
    assert next(reader).lengths.tolist() == [0, 1]
    with pytest.raises(DataError, match=r"Record f0:2 cannot be parsed"):
        next(reader)
