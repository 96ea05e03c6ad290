import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.components.input.rows import parser_of, rows_of, write
from tfx_sequences.components.input.record_chunks import ChunkReader
from tfx_sequences.errors import DataError


def read(files, order, size, open_files, position=None):
    return ChunkReader(files, order, size, open_files, parser_of(), False, position)


@settings(max_examples=25)
@given(st.lists(st.integers(0, 12), min_size=1, max_size=6), st.integers(1, 20), st.integers(1, 5), st.randoms())
def test_every_record_comes_once_with_its_place(tmp_path_factory, sizes, size, open_files, random):
    files = write(tmp_path_factory.mktemp("chunks"), sizes)
    order = random.sample(range(len(files)), len(files))
    seen, positions, numbers = [], [None], []
    for chunk in read(files, order, size, open_files):
        assert 0 < len(chunk.rows) <= size
        names = [name for store in chunk.stores for name in rows_of(store)]
        assert [f"{f}:{i}" for f, i in chunk.rows.places] == names
        np.testing.assert_array_equal(chunk.rows.lengths, chunk.rows.places[:, 1] % 4)
        seen.append(names)
        positions.append(chunk.position)
        numbers += chunk.rows.numbers.tolist()
    assert numbers == list(range(sum(sizes)))
    assert sorted(itertools.chain(*seen)) == sorted(f"{i}:{j}" for i, n in enumerate(sizes) for j in range(n))
    for chunk, position in enumerate(positions):
        resumed = [
            [name for store in c.stores for name in rows_of(store)]
            for c in read(files, order, size, open_files, position)
        ]
        assert resumed == seen[chunk:]


def test_a_chunk_mixes_files(tmp_path):
    files = write(tmp_path, [100, 100, 100])
    first = next(iter(read(files, [2, 0, 1], 12, 3)))
    assert np.bincount(first.rows.places[:, 0]).tolist() == [4, 4, 4]


def test_a_broken_file_is_named(tmp_path):
    [file] = write(tmp_path, [40])
    content = bytearray((tmp_path / "f0").read_bytes())
    content[-3] ^= 1
    (tmp_path / "f0").write_bytes(content)
    with pytest.raises(DataError, match=r"f0 cannot be read past record 30"):
        list(read([file], [0], 10, 1))
