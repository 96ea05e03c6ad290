"""Numbers that lie outside those of the training split."""

from __future__ import annotations

import numpy as np
import pytest

from tests.records import example, sequence_example, write_records
from tfx_sequences.components.records.data_check import check_data
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def lines(folder, files, record="SequenceExample", **parts):
    for split, records in files.items():
        write_records(folder / f"{split}.tfrecord", records)
    given = {"name": "t", "record": record, "sequence": {"x": {"type": "numeric", "normalizer": "none"}}, **parts}
    spec = SequenceSpec.model_validate({**given, "label": {"key": "y"}})
    return [line for line in check_data(spec, folder).advice if "lie outside" in line]


def records(numbers, make=sequence_example, seed=1):
    random = np.random.default_rng(seed)
    found = []
    for i, number in enumerate(numbers):
        context = {"y": "ab"[i % 2], "recording": int(number)}
        steps = {"x": random.normal(0, 1, 3).tolist()}
        found.append(make(context, steps) if make is sequence_example else make({**context, **steps}))
    return found


RECORDING = {"context": {"recording": {"type": "numeric", "dtype": "int64", "normalizer": "none"}}}


@pytest.mark.parametrize("kind", ["SequenceExample", "Example"])
def test_other_numbers_in_the_test_are_told_with_both_ranges(tmp_path, kind):
    make = sequence_example if kind == "SequenceExample" else example
    splits = {
        "train": records(range(5, 50), make),
        "valid": records(range(5, 50), make),
        "test": records(range(5), make),
    }
    [line] = lines(tmp_path, splits, kind, **RECORDING)
    assert line == (
        "context.recording: 100% of the values of test lie outside those of train: 0 to 4, and 5 to 49 in train"
    )


def test_records_that_are_alike_are_not(tmp_path):
    random = np.random.default_rng(2)
    splits = {
        name: records(random.normal(0, 100, n), seed=n) for name, n in (("train", 90), ("valid", 30), ("test", 31))
    }
    assert lines(tmp_path, splits, **RECORDING) == []


def test_a_share_of_the_values_is_counted(tmp_path):
    few = records([*range(40), *range(100, 110)])
    [line] = lines(
        tmp_path, {"train": records([*range(60)] * 9), "valid": records(range(60)), "test": few}, **RECORDING
    )
    assert "20% of the values of test" in line


def test_splits_by_time_that_have_no_files_are_compared_too(tmp_path):
    splits = {"time": "recording", "valid_from": 30, "test_from": 40}
    found = lines(tmp_path, {"train": records(range(50))}, **RECORDING, splits=splits)
    assert ["in train" in line and line.startswith("context.recording: 100%") for line in found] == [True, True]
