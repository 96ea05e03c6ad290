from pathlib import Path

import pytest

from tests.records import write_records
from tfx_sequences.components.input.record_places import record_dataset
from tfx_sequences.components.training.rotating_validation import rotations


def write(folder, name, values):
    return str(write_records(folder / name, values))


def records(files):
    return [record.numpy() for file in files for record in record_dataset(file)]


@pytest.mark.parametrize("number", [2, 3, 5])
def test_every_record_is_validated_once_and_never_in_its_own_training(number, tmp_path):
    everything = [f"record {n}".encode() for n in range(23)]
    train = [write(tmp_path, "t0.gz", everything[:9]), write(tmp_path, "t1.gz", everything[9:20])]
    valid = [write(tmp_path, "v.gz", everything[20:])]
    with rotations(train, valid, number) as divisions:
        assert divisions[0] == (train, valid)
        assert len(divisions) == number
        validated = []
        for fitted, held_back in divisions:
            assert sorted(records(fitted) + records(held_back)) == sorted(everything)
            validated += records(held_back)
        names = [[Path(file).name for file in part] for division in divisions for part in division]
    assert sorted(validated) == sorted(everything)
    # Whichever order the files are listed in, and whenever: resumed runs read the same.
    with rotations(train[::-1], valid, number) as again:
        assert [[Path(file).name for file in part] for division in again[1:] for part in division] == names[2:]
        assert [record for _, held_back in again for record in records(held_back)] == validated


def test_one_division_is_the_given_one(tmp_path):
    with rotations(["a"], ["b"], 1) as divisions:
        assert divisions == [(["a"], ["b"])]
