import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.records import write_records
from tfx_sequences.components.input.record_places import read_places
from tfx_sequences.errors import DataError


def write(folder, sizes):
    return [
        str(write_records(folder / f"f{i}{'.gz' if i % 2 else ''}", [f"{i}:{j}".encode() for j in range(size)]))
        for i, size in enumerate(sizes)
    ]


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 9)), max_size=12, unique=True))
@settings(max_examples=10)
def test_records_are_read_again_by_their_places(tmp_path_factory, places):
    files = write(tmp_path_factory.mktemp("places"), [10, 10])
    found = read_places(files, np.array(places, np.int64).reshape(-1, 2))
    assert found.tolist() == [f"{f}:{i}".encode() for f, i in places]


def test_a_place_behind_the_end_is_an_error(tmp_path):
    files = write(tmp_path, [3])
    with pytest.raises(DataError, match="fewer records"):
        read_places(files, np.array([[0, 1], [0, 3]]))
