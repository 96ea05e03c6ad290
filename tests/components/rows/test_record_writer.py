"""Record files against the project's reader and TensorFlow's."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf

from tfx_sequences.components.records.framing import read_records
from tfx_sequences.components.rows.record_writer import RecordWriter, file_name
from tfx_sequences.components.rows.row_records import RecordBatch
from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.spec.splits import Splits


def test_records_are_written_in_turn_to_the_shards_of_their_split(tmp_path):
    records = [f"record {n}".encode() * n for n in range(10)]
    splits = np.array([0, 1] * 5)
    batch = RecordBatch(
        pa.array(records, pa.binary()), splits, np.ones(10, int), np.ones(10, bool), pa.table({}), np.arange(10)
    )
    writer = RecordWriter(tmp_path, Splits(), 2)
    writer.write(batch, ["test", "train"])
    writer.write(batch, ["test", "train"])
    writer.close()
    twice = [*records[::2], *records[::2]]
    for shard in range(2):
        path = tmp_path / f"test-0000{shard}-of-00002.tfrecord"
        assert [*read_records(path)] == twice[shard::2]
        assert [*tf.data.TFRecordDataset(str(path)).as_numpy_iterator()] == twice[shard::2]
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize("pattern", ["train/*", "records-?", "*.gz"])
def test_names_that_the_pattern_does_not_match_are_refused(pattern):
    with pytest.raises(SpecError, match=r"cannot have names that match splits\.train"):
        file_name("train", Splits(train=pattern), 0, 1)
