"""Columns of numbers and of buckets: their sizes, their defaults, and contradictions between their fields."""

import pydantic
import pytest

from tfx_sequences.schemas.columns.column import BucketizedColumn, NumericColumn, Scaling


def test_columns_are_frozen_and_comparable():
    column = NumericColumn(key="x", shape=(2, 3))
    assert column == NumericColumn(key="x", shape=[2, 3])
    assert column.size == 6
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        column.key = "y"


def test_an_int64_default_is_whole():
    NumericColumn(key="x", dtype="int64", default_value=2.0)
    with pytest.raises(pydantic.ValidationError, match="whole number"):
        NumericColumn(key="x", dtype="int64", default_value=2.5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BucketizedColumn(key="x", boundaries=()), "at least 1"),
        (lambda: BucketizedColumn(key="x", boundaries=(1.0, 1.0)), "must rise"),
        (lambda: BucketizedColumn(key="x", boundaries=(1.0,), dtype="int64", default_value=0.5), "whole number"),
        (lambda: NumericColumn(key="x", shape=(2,), normalizer=Scaling(scale=(1.0,))), r"normalizer\.scale has 1"),
        (lambda: NumericColumn(key="x", normalizer=Scaling(offset="previous")), "offset: previous needs the steps"),
        (lambda: NumericColumn(key="x", normalizer="per_record"), "not a sequence feature"),
        (lambda: NumericColumn(key="x", normalizer="z_score", causal=True, is_sequence=True), "causal belongs to"),
        (lambda: NumericColumn(key="x", scale_feature=True), "scale_feature belongs to"),
        (lambda: NumericColumn(key="x", clip=0.0), "greater than 0"),
        (lambda: BucketizedColumn(key="x"), "give boundaries, or num_buckets"),
        (lambda: BucketizedColumn(key="x", boundaries=(1.0,), num_buckets=3), "give boundaries, or num_buckets"),
        (lambda: BucketizedColumn(key="x", num_buckets=1), "greater than or equal to 2"),
    ],
)
def test_contradictions_are_errors(make, message):
    with pytest.raises(pydantic.ValidationError, match=message):
        make()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"missing": "default"}, "missing: default needs a default_value"),
        ({"missing": "mean", "default_value": 1.0}, "contradict each other"),
        ({"missing": "previous", "is_sequence": False}, "missing: previous needs other steps"),
    ],
)
def test_the_replacement_of_missing_numbers_must_be_possible(fields, message):
    with pytest.raises(ValueError, match=message):
        NumericColumn(**{"key": "x", "is_sequence": True, **fields})


def test_elements_of_an_array_have_buckets_of_their_own():
    assert BucketizedColumn(key="x", shape=(2, 3), boundaries=(0.0, 1.0)).num_ids == 6 * 3
    assert BucketizedColumn(key="x", shape=(2,), boundaries=(0.0,)).has_several_ids
    assert not BucketizedColumn(key="x", boundaries=(0.0,)).has_several_ids
    assert BucketizedColumn(key="x", shape=(2, 3), num_buckets=5).num_ids == 6 * 5


def test_equal_boundaries_give_equal_ids_but_quantiles_belong_to_one_feature():
    given, same = (BucketizedColumn(key=key, boundaries=(0.0,)) for key in "xy")
    assert given.id_source == same.id_source
    counted, other = (BucketizedColumn(key=key, num_buckets=2) for key in "xy")
    assert counted.id_source != other.id_source


def test_the_method_is_what_follows_offset_and_scale():
    assert NumericColumn(key="x").method == "auto"
    assert NumericColumn(key="x", normalizer=Scaling(scale=2.0)).method == "none"
    assert NumericColumn(key="x", normalizer=Scaling(scale=2.0, then="robust")).method == "robust"


@pytest.mark.parametrize(
    ("fields", "stays"),
    [
        ({"normalizer": "none"}, True),
        ({"normalizer": Scaling(offset=1.0, scale=0.5)}, True),
        ({"normalizer": Scaling(then="z_score")}, False),
        ({"normalizer": Scaling(offset="previous")}, False),
        ({"normalizer": "none", "indicator": True}, False),
        ({"normalizer": "none", "missing": "previous"}, False),
        ({"normalizer": "none", "encoding": None}, False),
    ],
)
def test_bytes_stay_as_they_are_if_the_batch_can_decode_them_alone(fields, stays):
    column = NumericColumn(**{"key": "x", "is_sequence": True, "shape": (2,), "encoding": "float32", **fields})
    assert column.stays_encoded == stays
