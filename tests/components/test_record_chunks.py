import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.records import write_records
from tfx_sequences.components.record_chunks import ChunkReader, read_places
from tfx_sequences.errors import DataError


def write(folder, sizes):
    """Files of so many records, each `file:index`; every second one is gzipped."""
    return [
        str(write_records(folder / f"f{i}{'.gz' if i % 2 else ''}", [f"{i}:{j}".encode() for j in range(size)]))
        for i, size in enumerate(sizes)
    ]


def lengths(serialized, places):
    return places[:, 1] + 1


def read(files, order, size, open_files, position=None):
    return ChunkReader(files, order, size, open_files, lengths, position)


@settings(max_examples=25)
@given(st.lists(st.integers(0, 12), min_size=1, max_size=6), st.integers(1, 20), st.integers(1, 5), st.randoms())
def test_every_record_comes_once_with_its_place(tmp_path_factory, sizes, size, open_files, random):
    files = write(tmp_path_factory.mktemp("chunks"), sizes)
    order = random.sample(range(len(files)), len(files))
    reader = read(files, order, size, open_files)
    seen, positions = [], [reader.position]
    for chunk in reader:
        assert 0 < len(chunk) <= size
        assert [f"{f}:{i}".encode() for f, i in chunk.places] == chunk.serialized.tolist()
        np.testing.assert_array_equal(chunk.lengths, chunk.places[:, 1] + 1)
        seen.append(chunk.serialized.tolist())
        positions.append(reader.position)
    assert sorted(itertools.chain(*seen)) == sorted(f"{i}:{j}".encode() for i, n in enumerate(sizes) for j in range(n))
    for chunk, position in enumerate(positions):
        resumed = [c.serialized.tolist() for c in read(files, order, size, open_files, position)]
        assert resumed == seen[chunk:]


def test_a_chunk_mixes_files(tmp_path):
    files = write(tmp_path, [100, 100, 100])
    first = next(iter(read(files, [2, 0, 1], 12, 3)))
    assert np.bincount(first.places[:, 0]).tolist() == [4, 4, 4]


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


def test_a_broken_file_is_named(tmp_path):
    [file] = write(tmp_path, [40])
    content = bytearray((tmp_path / "f0").read_bytes())
    content[-3] ^= 1
    (tmp_path / "f0").write_bytes(content)
    with pytest.raises(DataError, match=r"f0 cannot be read past record 30"):
        list(read([file], [0], 10, 1))
