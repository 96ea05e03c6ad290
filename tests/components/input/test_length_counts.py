"""Lengths are counted over all files, whatever their compression, and with empty records."""

import numpy as np

from tests.records import sequence_example, write_records
from tfx_sequences.components.input.length_counts import count_lengths
from tfx_sequences.components.input.record_formats import raw_records
from tfx_sequences.schemas.columns.feature_columns import sequence_numeric_column
from tfx_sequences.schemas.spec.unlabelled_spec import spec_of_columns


def test_all_records_of_all_files_are_counted(tmp_path):
    lengths = np.random.default_rng(0).integers(0, 9, 5000)
    records = [sequence_example({}, {"x": [1.0] * n}) for n in lengths]
    files = [
        str(write_records(tmp_path / "a.tfrecord", records[:4500])),
        str(write_records(tmp_path / "b.tfrecord.gz", records[4500:])),
        str(write_records(tmp_path / "empty.tfrecord", [])),
    ]
    found = count_lengths(files, raw_records(spec_of_columns([sequence_numeric_column("x")])))
    expected = dict(zip(*np.unique(lengths, return_counts=True), strict=True))
    assert dict(zip(found.lengths.tolist(), found.counts.tolist(), strict=True)) == expected


def test_no_files_have_no_lengths():
    found = count_lengths([], raw_records(spec_of_columns([sequence_numeric_column("x")])))
    assert found.counts.sum() == 0
