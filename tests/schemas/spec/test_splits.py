"""What `splits` may say."""

from __future__ import annotations

import pytest

from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.columns.base import declared
from tfx_sequences.schemas.spec.spec_io import spec_from_yaml
from tfx_sequences.schemas.spec.splits import Splits

SPEC = "name: s\nsequence: {x: {type: numeric}}\nlabel: {key: y}\nsplits: "


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"group": "u", "time": "t", "test_from": 1}, "by `group` or by `time`"),
        ({"test_from": 1}, "splits.test_from needs `time`"),
        ({"time": "t"}, "splits.time needs `valid_from` or `test_from`"),
        ({"time": "t", "valid_from": 1, "test_from": "2024"}, "both be numbers, or both be text"),
        ({"time": "t", "valid_from": 2, "test_from": 2}, "valid_from must be before test_from"),
    ],
)
def test_what_contradicts_itself_is_refused(fields, message):
    with pytest.raises(SpecError, match=message):
        declared(Splits, **fields)


def test_dates_of_yaml_are_text_and_numbers_stay_numbers():
    dates = spec_from_yaml(SPEC + "{time: day, valid_from: 2024-05-01, test_from: 2024-06-01}").splits
    assert dates.bounds == {"valid": "2024-05-01", "test": "2024-06-01"}
    numbers = spec_from_yaml(SPEC + "{time: day, valid_from: 1, test_from: 2.5}").splits
    assert numbers.bounds == {"valid": 1, "test": 2.5}
    assert isinstance(numbers.valid_from, int)
